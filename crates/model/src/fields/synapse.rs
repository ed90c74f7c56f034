//! The fields of the parts of a synapse, in model files and recipes alike.

use super::Kind::{Choice, Count, Entry, Flag, Named, NamedNumbers, Number, Numbers, Parameters, Source, Text, Texts};
use super::Limits::{Between, Fraction, NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::model::{MOST, PLACED_CHANNEL};
use super::{Field, Kind, Table, field};
use crate::units::Dimension as D;

/// The parts of a synapse, for recipes of the catalogue as well.
pub(super) static TERMINAL: Table = Table {
    name: "terminal",
    doc: "The sending side: calcium channels, buffers, vesicles and their release sensor.",
    fields: &[
        field("channel", Named(&PLACED_CHANNEL), Optional, "Calcium channels by name."),
        field("sensor", Kind::Table(&PLACED_SENSOR), Optional, "The release sensor that every docked vesicle has."),
        field("buffer", Named(&PLACED_BUFFER), Optional, "Calcium buffers by name."),
        field("docked", Count { least: 0, most: 1_000_000 }, Optional, "Docked vesicles."),
        field(
            "release_probability",
            Number(D::NONE, Fraction),
            Optional,
            "With which a spike releases each of the `docked` vesicles, where no sensor decides it, as at `detail = \"event\"` none does. Each emptied site is filled again at the rate `pools.priming`. Without it, such a spike releases one vesicle.",
        ),
        field("resting_calcium", Number(D::CONCENTRATION, NotNegative), Optional, "Free calcium at rest."),
        field("molecules", Count { least: 0, most: 100_000_000 }, Optional, "Transmitter molecules in a vesicle."),
        field(
            "molecules_cv",
            Number(D::NONE, Between(0.0, 2.0)),
            Default("0"),
            "Coefficient of variation of a vesicle's content; its diameter is normally distributed.",
        ),
        field(
            "loads",
            Flag,
            Default("false"),
            "Whether the calcium current enters the membrane of the sender, which then has one of its own; felt a step later.",
        ),
        field(
            "vesicle_diameter",
            Number(D::LENGTH, Positive),
            Optional,
            "Outer diameter of a vesicle, e.g. `45 nm`: each that fuses adds its membrane to the terminal's, until endocytosis takes it back. For `terminal.capacitance`.",
        ),
        field(
            "vesicle_capacitance",
            Number(D::CAPACITANCE_DENSITY, Positive),
            Default("0.9 uF/cm2"),
            "Specific capacitance of the membrane of vesicles.",
        ),
        field(
            "free_magnesium",
            Number(D::CONCENTRATION, NotNegative),
            Default("0.5 mM"),
            "Free magnesium in the terminal; it occupies buffers such as ATP.",
        ),
        field("volume", Number(D::VOLUME, Positive), Optional, "Volume that bulk calcium and buffers share."),
        field(
            "active_zone_radius",
            Number(D::LENGTH, Positive),
            Optional,
            "Radius of the disc in which vesicles are docked.",
        ),
        field(
            "calcium_diffusion",
            Number(D::DIFFUSION, Positive),
            Default("0.22 um2/ms"),
            "Diffusion coefficient of free calcium.",
        ),
        field(
            "action_potential",
            Kind::Table(&ACTION_POTENTIAL),
            Optional,
            "The action potential in the terminal of a cell that only spikes.",
        ),
        field("extrusion", Kind::Table(&EXTRUSION), Optional, "How bulk calcium is carried out."),
        field("pools", Kind::Table(&POOLS), Optional, "Vesicles that are not docked, and how they move."),
        field(
            "supply",
            Kind::Table(&SUPPLY),
            Optional,
            "What vesicles are filled with, and where it comes from. Without it every vesicle is as full as any other.",
        ),
    ],
};

static SUPPLY: Table = Table {
    name: "supply",
    doc: "Vesicles come back empty and are filled from the cytosol, in proportion to what is there; `molecules` is what they hold at rest. Without `returns` and `precursor` the cytosol stays as it is.",
    fields: &[
        field("cytosol", Number(D::CONCENTRATION, Positive), Required, "Transmitter in the cytosol at rest."),
        field("filling", Kind::Table(&FILLING), Required, "How vesicles are filled."),
        field(
            "returns",
            Texts,
            Optional,
            "Of `clearance`, what brings transmitter back into this terminal, e.g. `[\"gat1\"]`.",
        ),
        field(
            "restored",
            Number(D::TIME, Positive),
            Optional,
            "With `returns`: time constant with which the cytosol is made up from what does not run dry, such as glutamine.",
        ),
        field("precursor", Kind::Table(&PRECURSOR), Optional, "What transmitter is made of, such as choline."),
    ],
};

static FILLING: Table = Table {
    name: "filling",
    doc: "The transporter of the vesicles: `tau`, or `count` of them on each. It is in equilibrium when a vesicle is full, so that blocked it neither fills nor leaks.",
    fields: &[
        field("use", Entry(&["transporter"]), Required, "The transporter; its affinity counts, and drugs act on it."),
        field("tau", Number(D::TIME, Positive), Optional, "Time constant of filling at rest, without drugs."),
        field("count", Count { least: 1, most: 100_000 }, Optional, "Transporters on a vesicle."),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};

static PRECURSOR: Table = Table {
    name: "precursor",
    doc: "What the transmitter is made of, in one lumped space outside and in the cytosol. At rest inside and outside, precursor and transmitter are in equilibrium.",
    fields: &[
        field("from", Text, Required, "Of `clearance`, what leaves it outside, e.g. `ache`."),
        field("outside", Number(D::CONCENTRATION, Positive), Required, "Far away, and at rest outside the terminal."),
        field("volume", Number(D::VOLUME, Positive), Optional, "Of the space; without it, the cleft's."),
        field(
            "washout",
            Number(D::TIME, Positive),
            Optional,
            "Time constant of diffusion out of the space; without it R^2 / (8 D), the cleft's own.",
        ),
        field("use", Entry(&["transporter"]), Required, "The transporter of the terminal that takes it up."),
        field("count", Count { least: 0, most: 1_000_000 }, Required, "How many of them."),
        field("synthesis", Number(D::RATE, NotNegative), Required, "Rate at which it becomes transmitter."),
        field(
            "ratio",
            Number(D::NONE, Positive),
            Required,
            "Transmitter over precursor in the cytosol in equilibrium.",
        ),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};

static ACTION_POTENTIAL: Table = Table {
    name: "action_potential",
    doc: "A template from rest to the peak and back, smooth to the second derivative: `resting`, `amplitude`, `half_width`. Or a recorded one: `times` and `voltages`, between them monotone cubics.",
    fields: &[
        field("resting", Number(D::VOLTAGE, Between(-200.0, 100.0)), Optional, "Resting potential of the terminal."),
        field("amplitude", Number(D::VOLTAGE, Positive), Optional, "Height above rest."),
        field("half_width", Number(D::TIME, Positive), Optional, "Width at half of the height."),
        field(
            "rise_share",
            Number(D::NONE, Fraction),
            Optional,
            "Share of its duration that it rises; without it, 0.35.",
        ),
        field(
            "times",
            Numbers(D::TIME, NotNegative),
            Optional,
            "Of a recorded action potential: when, from 0 ms, the sender's spike, on.",
        ),
        field(
            "voltages",
            Numbers(D::VOLTAGE, Between(-300.0, 300.0)),
            Optional,
            "The voltage there; the first and the last are the resting potential.",
        ),
        field("source", Source, Optional, "Where a recorded course comes from."),
        field("note", Text, Optional, "How it was obtained."),
    ],
};

static EXTRUSION: Table = Table {
    name: "extrusion",
    doc: "Removal of bulk calcium: `rate`, or `v_max` and `k_m`. A leak balances it at rest.",
    fields: &[
        field("rate", Number(D::RATE, NotNegative), Optional, "Rate of removal of free calcium."),
        field("v_max", Number(D::CONCENTRATION_RATE, NotNegative), Optional, "Largest removal."),
        field("k_m", Number(D::CONCENTRATION, Positive), Optional, "Calcium at which removal is half of the largest."),
    ],
};

static POOLS: Table = Table {
    name: "pools",
    doc: "Whole vesicles: replacement -> docked -> fused -> recycling -> replacement, and reserve -> recycling. None is ever made or lost.",
    fields: &[
        field("replacement", Count { least: 0, most: 1_000_000 }, Default("0"), "Vesicles ready to dock."),
        field("recycling", Count { least: 0, most: 1_000_000 }, Default("0"), "Vesicles that come back."),
        field("reserve", Count { least: 0, most: 1_000_000 }, Default("0"), "Vesicles that seldom move."),
        field(
            "priming",
            Number(D::RATE, NotNegative),
            Default("0 /s"),
            "Rate at which a free place is docked at, while there is a vesicle in replacement.",
        ),
        field(
            "refill",
            Number(D::RATE, NotNegative),
            Default("0 /s"),
            "Rate a vesicle goes from recycling to replacement.",
        ),
        field(
            "mobilise",
            Number(D::RATE, NotNegative),
            Default("0 /s"),
            "Rate a vesicle goes from reserve to recycling.",
        ),
        field(
            "endocytosis",
            Number(D::RATE, NotNegative),
            Default("0 /s"),
            "Rate a fused vesicle comes back to recycling.",
        ),
    ],
};

/// A spine, for recipes of the catalogue as well.
pub(super) static SPINE: Table = Table {
    name: "spine",
    doc: "A spine: a head on a neck, with the passive membrane of the section it sits on.",
    fields: &[
        field("head_diameter", Number(D::LENGTH, Positive), Required, "Diameter of the head, a sphere."),
        field("neck_length", Number(D::LENGTH, Positive), Required, "Length of the neck."),
        field("neck_diameter", Number(D::LENGTH, Positive), Required, "Diameter of the neck."),
    ],
};

static PORE: Table = Table {
    name: "pore",
    doc: "How a vesicle empties. It sets the peak in the cleft.",
    fields: &[
        field(
            "kind",
            Choice(&[
                ("instantaneous", "all at once"),
                ("first_order", "exponential, with `tau`"),
                ("expanding", "through a pore that grows: `growth`, `widest`, `length`, `volume`, `diffusion`"),
            ]),
            Required,
            "How.",
        ),
        field("tau", Number(D::TIME, Positive), Optional, "Time constant of emptying."),
        field("growth", Number(D::PERMEABILITY, Positive), Optional, "Growth of the pore's radius."),
        field("widest", Number(D::LENGTH, Positive), Optional, "Largest radius of the pore."),
        field("length", Number(D::LENGTH, NotNegative), Optional, "Length of the pore."),
        field("volume", Number(D::VOLUME, Positive), Optional, "Inner volume of the vesicle."),
        field("diffusion", Number(D::DIFFUSION, Positive), Optional, "Diffusion coefficient in the pore."),
    ],
};

static PULSE: Table = Table {
    name: "pulse",
    doc: "The transmitter that receptors see at `detail = \"event\"`, in place of diffusion and clearance: each vesicle adds `peak`, and what there is decays with `tau`. Pulses add.",
    fields: &[
        field("peak", Number(D::CONCENTRATION, Positive), Required, "What a vesicle adds to the concentration."),
        field("tau", Number(D::TIME, Positive), Required, "Time constant of the decay."),
    ],
};

const RISE: Field = field(
    "rise",
    Number(D::TIME, Positive),
    Optional,
    "Time constant of the rise, at most `decay`. Without it, exponential: at its peak at once; as long as `decay`, the alpha function, which peaks after `decay`.",
);

/// A conductance without receptors, for recipes of the catalogue as well.
pub(super) static CONDUCTANCE: Table = Table {
    name: "conductance",
    doc: "A plain synapse: each spike of its sender adds `peak * N (exp(-t/decay) - exp(-t/rise))` to the conductance, N such that the largest value is `peak` (the peak is what is said, not the area). Events add, without limit. In place of terminal, cleft and receptors.",
    fields: &[
        field("peak", Number(D::CONDUCTANCE, NotNegative), Required, "Largest conductance after one spike."),
        RISE,
        field("decay", Number(D::TIME, Positive), Required, "Time constant of the decay."),
        field("reversal", Number(D::VOLTAGE, Between(-200.0, 200.0)), Required, "Where its current reverses."),
        field(
            "block",
            Entry(&["block"]),
            Optional,
            "An instantaneous block of what is open, such as that of NMDA receptors by magnesium; it follows the voltage. `peak` is without it.",
        ),
        field(
            "calcium",
            Number(D::NONE, Fraction),
            Optional,
            "Share of its current at -60 mV that calcium carries, into the pool of calcium where it sits; without it, none. About 0.1 of NMDA receptors. At other voltages calcium's part follows the GHK equation: it comes in where the sum reverses, too.",
        ),
    ],
};

/// A current that is the same at every voltage, for recipes of the catalogue as well.
pub(super) static CURRENT: Table = Table {
    name: "current",
    doc: "A plain synapse whose current is the same at every voltage; its course is that of a plain `conductance`.",
    fields: &[
        field(
            "peak",
            Number(D::CURRENT, Between(-1e6, 1e6)),
            Required,
            "Largest current after one spike; positive depolarises.",
        ),
        RISE,
        field("decay", Number(D::TIME, Positive), Required, "Time constant of the decay."),
    ],
};

pub(super) static CLEFT: Table = Table {
    name: "cleft",
    doc: "The gap between the membranes.",
    fields: &[
        field("transmitter", Text, Optional, "What is released into it, as the receptors' ligand is called."),
        field("height", Number(D::LENGTH, Positive), Optional, "Distance between the membranes."),
        field("radius", Number(D::LENGTH, Positive), Optional, "Radius of the apposed membranes."),
        field(
            "diffusion",
            Number(D::DIFFUSION, NotNegative),
            Optional,
            "Effective lateral diffusion coefficient in the cleft; tortuosity is already in it.",
        ),
        field(
            "free_diffusion",
            Number(D::DIFFUSION, Positive),
            Optional,
            "Diffusion coefficient in free solution, for the tissue around; the space's tortuosity is applied to it.",
        ),
        field(
            "resistivity",
            Number(D::RESISTIVITY, NotNegative),
            Optional,
            "Of the fluid in the cleft, e.g. `100 ohm*cm`: the synaptic current then lowers the driving force of its own receptors. Without it the cleft has the bath's potential.",
        ),
        field("pore", Kind::Table(&PORE), Optional, "How a vesicle empties; without it, instantaneously."),
        field("pulse", Kind::Table(&PULSE), Optional, "The reduced cleft; used at `detail = \"event\"` alone."),
        field(
            "lumped",
            Flag,
            Default("false"),
            "One well-mixed disc, from which transmitter goes with the mean residence time that it has when released at the centre, and six shells around it unless `numerics.shells` says otherwise: for long trains. Its peak is too low.",
        ),
    ],
};

static PLACED_SENSOR: Table = Table {
    name: "sensor",
    doc: "A release sensor.",
    fields: &[
        field("use", Entry(&["sensor"]), Required, "The sensor."),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};

static PLACED_BUFFER: Table = Table {
    name: "buffer",
    doc: "A calcium buffer at its total concentration.",
    fields: &[
        field("use", Entry(&["buffer"]), Required, "The buffer."),
        field(
            "total",
            Number(D::CONCENTRATION, NotNegative),
            Optional,
            "Total concentration; without it, the entry's.",
        ),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};

pub(super) static PLACED_RECEPTOR: Table = Table {
    name: "receptor",
    doc: "A population of receptors.",
    fields: &[
        field("use", Entry(&["receptor"]), Required, "The receptor."),
        field("count", Count { least: 0, most: MOST }, Optional, "How many; or give `density`."),
        field("density", Number(D::NUMBER_DENSITY, NotNegative), Optional, "Number per membrane area."),
        field("radius", Number(D::LENGTH, Positive), Optional, "Radius of the disc they lie in."),
        field(
            "clusters",
            Count { least: 1, most: 10_000 },
            Optional,
            "At `detail = \"molecular\"`: they lie in so many clusters, whose centres are anywhere in the disc, others in each trial.",
        ),
        field(
            "cluster_spread",
            Number(D::LENGTH, Positive),
            Optional,
            "Standard deviation of a receptor's place around the centre of its cluster, along either axis.",
        ),
        field(
            "x",
            Numbers(D::LENGTH, Between(-1000.0, 1000.0)),
            Optional,
            "At `detail = \"molecular\"`: where they are, one by one, from the centre of the cleft, with `y`; in place of `count`.",
        ),
        field("y", Numbers(D::LENGTH, Between(-1000.0, 1000.0)), Optional, "The same along the other axis."),
        field(
            "on",
            Choice(&[
                ("postsynaptic", "the receiving membrane"),
                ("terminal", "the sending membrane"),
                ("glia", "the glial membrane"),
            ]),
            Default("postsynaptic"),
            "The membrane they sit in.",
        ),
        field(
            "reversal",
            Number(D::VOLTAGE, Between(-200.0, 200.0)),
            Optional,
            "Reversal potential, said otherwise than in the entry.",
        ),
        field(
            "calcium",
            Number(D::NONE, Fraction),
            Optional,
            "Share of its current at -60 mV that calcium carries, into the pool of calcium where it sits; without it, none. About 0.1 of NMDA receptors. At other voltages calcium's part follows the GHK equation: it comes in where the sum reverses, too.",
        ),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
        field(
            "conductance",
            NamedNumbers(D::CONDUCTANCE, NotNegative),
            Optional,
            "Unitary conductances by state, said otherwise.",
        ),
    ],
};

/// Where what ends a signal may sit.
pub(super) const SITS_ON: Field = field(
    "on",
    Choice(&[
        ("glia", "the glial membrane"),
        ("terminal", "the sending membrane"),
        ("postsynaptic", "the receiving membrane"),
        ("cleft", "the matrix within the cleft"),
    ]),
    Optional,
    "Where it sits.",
);

pub(super) static PLACED_TRANSPORTER: Table = Table {
    name: "clearance",
    doc: "A transporter or enzyme that ends the signal.",
    fields: &[
        field("use", Entry(&["transporter", "enzyme"]), Required, "The transporter or enzyme."),
        field(
            "density",
            Number(D::NUMBER_DENSITY, NotNegative),
            Optional,
            "Number per membrane area; without it, the entry's.",
        ),
        SITS_ON,
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};
