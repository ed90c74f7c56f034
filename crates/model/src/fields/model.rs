//! The fields of a model file.

use super::Kind::{
    Choice, Choices, Count, Entry, Flag, Named, NamedNumbers, Number, NumberOrExpression, Numbers, Observable, Overlay,
    Parameters, Paths, Place, Text, Texts, Values,
};
use super::Limits::{Between, Fraction, NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::circuit::{ARRANGEMENT, CONNECT};
use super::drug::PLACED_DRUG;
use super::junction::JUNCTION;
use super::morphology::{DISCRETISATION, MEMBRANE_REGION, SECTION, SPINES};
use super::point::POINT;
use super::pool::PLACED_POOL;
use super::synapse::{CLEFT, CONDUCTANCE, CURRENT, PLACED_RECEPTOR, PLACED_TRANSPORTER, SPINE, TERMINAL};
use super::{Field, Kind, Table, field};
use crate::units::Dimension as D;

/// The most cells, receptors or vesicles that one part may have: bounds memory before it is taken.
pub(super) const MOST: u64 = 1_000_000_000;

/// Absolute temperature at which anything here is alive and liquid, K (-10 to 60 degC).
const ALIVE: super::Limits = Between(263.15, 333.15);

/// A model file.
pub static MODEL: Table = Table {
    name: "model",
    doc: "A model: cells, the synapses between them, what is done to them and what is measured.",
    fields: &[
        field("title", Text, Optional, "What the model shows, in a sentence."),
        field("duration", Number(D::TIME, Positive), Required, "How long one trial lasts."),
        field(
            "temperature",
            Number(D::TEMPERATURE, ALIVE),
            Required,
            "Temperature of the preparation. Every rate is taken from its own reference temperature to this one by its Q10.",
        ),
        field(
            "detail",
            Choice(&[
                ("molecular", "every transmitter molecule diffuses and binds"),
                ("kinetic", "concentrations, and receptor states as jumps"),
                (
                    "mean",
                    "receptors as a differential equation; vesicles and calcium channels are whole at every level",
                ),
                (
                    "event",
                    "the reduced synapse of a large network: vesicles drawn at spikes, receptors as means in a pulse, `cleft.pulse`",
                ),
            ]),
            Default("kinetic"),
            "Level of detail; any synapse may say otherwise.",
        ),
        field("trials", Count { least: 1, most: MOST }, Default("1"), "How many independent trials."),
        field(
            "seed",
            Count { least: 0, most: u64::MAX >> 1 },
            Default("1"),
            "The same file and seed give the same bits.",
        ),
        field("solution", Named(&SOLUTION), Optional, "Solutions by name. `bath` is the one outside every cell."),
        field("space", Named(&SPACE), Optional, "Shared spaces by name, such as the extracellular space `ecs`."),
        field("cell", Named(&CELL), Optional, "Cells by name; each is a population of `count`."),
        field("synapse", Named(&SYNAPSE), Optional, "Synapses by name."),
        field("drug", Named(&PLACED_DRUG), Optional, "Drugs in the bath, by name."),
        field("clamp", Named(&CLAMP), Optional, "Voltage and current clamps by name."),
        field("measure", Named(&MEASURE), Optional, "Numbers taken from a trace, by name."),
        field("probe", Named(&PROBE), Optional, "Recordings by name."),
        field(
            "condition",
            Named(&CONDITION),
            Optional,
            "Conditions by name, run side by side; each says only what differs. With conditions, only they are run.",
        ),
        field(
            "sweep",
            Named(&SWEEP),
            Optional,
            "Families of conditions by name: one field, said otherwise again and again. Each value is a condition beside the others.",
        ),
        field("numerics", Kind::Table(&NUMERICS), Optional, "How finely to compute."),
    ],
};

/// Numerical settings; results should not depend on them.
static NUMERICS: Table = Table {
    name: "numerics",
    doc: "How finely to compute. Halve each to see what a number owes to it.",
    fields: &[
        field("step", Number(D::TIME, Between(1e-6, 1.0)), Default("25 us"), "Step of the neurons."),
        field(
            "slot",
            Number(D::TIME, Between(1e-6, 1.0)),
            Default("5 us"),
            "Within a slot of an action potential, voltage and calcium of a terminal are constant. Release is 1.2 % too low at 5 us.",
        ),
        field(
            "tolerance",
            Number(D::NONE, Between(1e-9, 0.1)),
            Default("1e-3"),
            "Relative error of a step of the cleft, which chooses its own.",
        ),
        field("rings", Count { least: 2, most: 10_000 }, Default("32"), "Rings of the cleft."),
        field("shells", Count { least: 2, most: 10_000 }, Default("32"), "Shells of the tissue around it."),
        field(
            "reach",
            Number(D::LENGTH, Positive),
            Default("3 um"),
            "How far the tissue reaches from the centre of the cleft; beyond, concentrations are at rest.",
        ),
    ],
};

const fn ion(name: &'static str, doc: &'static str) -> Field {
    field(name, Number(D::CONCENTRATION, NotNegative), Optional, doc)
}

static SOLUTION: Table = Table {
    name: "solution",
    doc: "Free concentrations of ions. They set the reversal potentials.",
    fields: &[
        ion("na", "Sodium."),
        ion("k", "Potassium."),
        ion("cl", "Chloride."),
        ion("ca", "Free calcium."),
        ion("mg", "Free magnesium."),
        ion("hco3", "Bicarbonate."),
    ],
};

static SPACE: Table = Table {
    name: "space",
    doc: "A porous space. Its volume fraction and tortuosity are said once, here.",
    fields: &[
        field("volume_fraction", Number(D::NONE, Fraction), Required, "Share of the tissue that is fluid, alpha."),
        field(
            "tortuosity",
            Number(D::NONE, Between(1.0, 10.0)),
            Required,
            "lambda; the effective diffusion coefficient is D / lambda^2.",
        ),
        field(
            "neighbours",
            Number(D::LENGTH, Positive),
            Optional,
            "Distance to synapses around that all release at the same time: by symmetry nothing passes half-way, and what is not taken up piles up. Without it, only this synapse releases and the tissue reaches to `numerics.reach`.",
        ),
        field(
            "glial_membrane",
            Number(D::PER_LENGTH, NotNegative),
            Optional,
            "Area of glial membrane per volume of tissue, for what sits `on = \"glia\"`.",
        ),
        field(
            "resting",
            NamedNumbers(D::CONCENTRATION, NotNegative),
            Optional,
            "Concentrations of transmitters far from any synapse, by name.",
        ),
    ],
};

static CELL: Table = Table {
    name: "cell",
    doc: "A population of neurons: an entry of the catalogue, or its parts written here, or both, field by field.",
    fields: &[
        field("use", Entry(&["neuron"]), Optional, "The neuron to start from."),
        field(
            "count",
            Count { least: 1, most: MOST },
            Default("1"),
            "How many of them; the fourth of `pyr` is called `pyr[3]`. Of senders that only spike: those of a plain synapse or of one at `detail = \"event\"`, which is then one for each of them. Of cells with a membrane or a `point`: a circuit; which of them a synapse connects its `connect` says.",
        ),
        field("arrangement", Kind::Table(&ARRANGEMENT), Optional, "Where they lie."),
        field("inside", Kind::Table(&SOLUTION), Optional, "Free concentrations inside."),
        field("membrane", Kind::Table(&MEMBRANE), Optional, "Passive membrane."),
        field("section", Named(&SECTION), Optional, "Sections by name; the first is the root."),
        field(
            "morphology",
            Text,
            Optional,
            "A reconstruction instead of sections: an SWC file in the folder of the model file, or below it. Its sections are called `soma`, `dend[0]`, `apical[3]`, in the order of the file.",
        ),
        field("radius", Number(D::LENGTH, Positive), Optional, "Of neurites where the SWC file gives a radius of 0."),
        field(
            "discretisation",
            Kind::Table(&DISCRETISATION),
            Optional,
            "Into how many compartments sections are cut. Without it, each is shorter than a tenth of its length constant at 100 Hz. `bouton explain` shows what halving all compartments changes.",
        ),
        field("channel", Named(&PLACED_CHANNEL), Optional, "Channels by name."),
        field("point", Kind::Table(&POINT), Optional, "In place of a membrane: a neuron without extent."),
        field("pool", Named(&PLACED_POOL), Optional, "Concentrations inside that change, by name, such as `ca`."),
        field(
            "spines",
            Named(&SPINES),
            Optional,
            "Spines by name, each a neck and a head; the thirteenth of `s` on cell `pyr` is the place `pyr.spines.s[12]`.",
        ),
        field(
            "threshold",
            Number(D::VOLTAGE, Between(-200.0, 200.0)),
            Default("0 mV"),
            "An upward crossing of it at the root is a spike.",
        ),
        field("times", Numbers(D::TIME, NotNegative), Optional, "Spike times of a cell that only spikes."),
        field(
            "rate",
            Number(D::RATE, NotNegative),
            Optional,
            "Mean rate of a cell that only spikes, at random: intervals are exponential, each trial and each of `count` cells with luck of its own.",
        ),
        field("train", Kind::Table(&TRAIN), Optional, "The same, evenly spaced."),
        field("course", Kind::Table(&COURSE), Optional, "The voltage of a cell on which it is imposed."),
        field("without", Paths, Optional, "Parts of the used entry to leave out, e.g. `channel.m`."),
    ],
};

static TRAIN: Table = Table {
    name: "train",
    doc: "A train of evenly spaced spikes, `rate` or `interval`.",
    fields: &[
        field("start", Number(D::TIME, NotNegative), Required, "The first spike."),
        field("rate", Number(D::RATE, Positive), Optional, "Spikes in a time, e.g. `10 /s`."),
        field("interval", Number(D::TIME, Positive), Optional, "From spike to spike."),
        field("count", Count { least: 1, most: 1_000_000 }, Required, "How many."),
    ],
};

static COURSE: Table = Table {
    name: "course",
    doc: "A voltage imposed in time: points, between them monotone cubics; constant before and after.",
    fields: &[
        field("times", Numbers(D::TIME, NotNegative), Required, "When, ascending."),
        field("voltages", Numbers(D::VOLTAGE, Between(-300.0, 300.0)), Required, "The voltage there."),
    ],
};

/// The passive membrane, in neurons of the catalogue and of a model file alike.
pub(super) static MEMBRANE: Table = Table {
    name: "membrane",
    doc: "The passive membrane of a neuron.",
    fields: &[
        field("capacitance", Number(D::CAPACITANCE_DENSITY, Positive), Default("1 uF/cm2"), "Specific capacitance."),
        field("area", Number(D::AREA, Positive), Optional, "Membrane area; or give `diameter` and `length`."),
        field("diameter", Number(D::LENGTH, Positive), Optional, "Diameter of a cylinder without its ends."),
        field("length", Number(D::LENGTH, Positive), Optional, "Length of the cylinder."),
        field("axial_resistivity", Number(D::RESISTIVITY, Positive), Optional, "Resistivity of the cytoplasm."),
        field(
            "region",
            Named(&MEMBRANE_REGION),
            Optional,
            "Regions of another capacitance by name, such as myelin. Spines have that of where they sit.",
        ),
    ],
};

/// A channel of a membrane, in neurons of the catalogue and of a model file alike.
pub(super) static PLACED_CHANNEL: Table = Table {
    name: "channel",
    doc: "A kind of channel in a membrane, by density or by number.",
    fields: &[
        field("use", Entry(&["channel"]), Required, "The channel."),
        field(
            "density",
            NumberOrExpression(D::CONDUCTANCE_DENSITY, NotNegative),
            Optional,
            "Maximal conductance per area. In a neuron it may be an expression of `distance` (path from the soma), `order` (forks from there), `diameter` and `position` (share of the section's length), e.g. `0.1 mS/cm2 * (1 + distance / 100 um)`.",
        ),
        field(
            "permeability",
            Number(D::PERMEABILITY, NotNegative),
            Optional,
            "Instead of `density`, with the law `ghk` in the membrane of a neuron: maximal permeability per area.",
        ),
        field(
            "count",
            Count { least: 0, most: MOST },
            Optional,
            "Number of channels, where the entry has a unitary conductance.",
        ),
        field(
            "stochastic",
            Flag,
            Default("false"),
            "In a neuron: whether its channels are counted, each compartment's `density` times area over the unitary conductance of them, and move from state to state at random; without it, their means are taken. Independent gates become the states of all gates together.",
        ),
        field(
            "unitary",
            Number(D::CONDUCTANCE, Positive),
            Optional,
            "In a neuron: conductance of one open channel (in its most conducting state), said otherwise than in the entry; for `stochastic` and `count`.",
        ),
        field(
            "distance",
            Number(D::LENGTH, NotNegative),
            Optional,
            "In a terminal: distance of each channel from the vesicle it belongs to. Channels are dealt to vesicles in turn.",
        ),
        field(
            "reversal",
            Number(D::VOLTAGE, Between(-200.0, 200.0)),
            Optional,
            "Reversal potential, said otherwise than in the entry.",
        ),
        field(
            "on",
            Texts,
            Optional,
            "Sections that have it, or regions: `soma`, `axon`, `dend`, `apical`, `axon.node`, `spines.NAME`, `spines.NAME.head`; without it, all but spines, which have the channels without gates of where they sit.",
        ),
        field(
            "where",
            Text,
            Optional,
            "In a neuron: a condition on the place, e.g. `distance > 100 um and order < 5`; names as in `density`.",
        ),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};

static SYNAPSE: Table = Table {
    name: "synapse",
    doc: "A contact and its parts: a recipe of the catalogue, or parts written here, or both, field by field.",
    fields: &[
        field("from", Place, Required, "The sending place, e.g. `sender.axon`."),
        field(
            "to",
            Place,
            Required,
            "The receiving place, e.g. `receiver.dend(0.4)`; of a plain synapse with `connect`, a region as well, `pyr.apical`.",
        ),
        field("use", Entry(&["synapse"]), Optional, "The recipe to start from."),
        field(
            "zones",
            Count { least: 1, most: 100_000 },
            Default("1"),
            "How many active zones like this one it has, at the same place: each has its own vesicles, cleft and receptors. Currents, open channels and vesicles released are sums over them; what else is recorded is of the first.",
        ),
        field(
            "delay",
            Number(D::TIME, Between(0.0, 1000.0)),
            Default("0 ms"),
            "Conduction along the axon: from the sender's spike, or its voltage, to the same in this terminal. Each branch of an axon has its own.",
        ),
        field(
            "velocity",
            Number(D::PERMEABILITY, Positive),
            Optional,
            "Of conduction, in a circuit: an axon as long as the two cells are apart adds its length over this to `delay`, e.g. `0.3 m/s`.",
        ),
        field("connect", Kind::Table(&CONNECT), Optional, "In a circuit: which cells of the two populations."),
        field(
            "detail",
            Choice(&[("molecular", ""), ("kinetic", ""), ("mean", ""), ("event", "")]),
            Optional,
            "Level of detail of this synapse.",
        ),
        field("terminal", Kind::Table(&TERMINAL), Optional, "The sending side."),
        field("cleft", Kind::Table(&CLEFT), Optional, "The gap."),
        field("receptor", Named(&PLACED_RECEPTOR), Optional, "Receptors by name."),
        field("clearance", Named(&PLACED_TRANSPORTER), Optional, "What ends the signal, by name."),
        field("conductance", Kind::Table(&CONDUCTANCE), Optional, "A plain synapse: its conductance after a spike."),
        field("current", Kind::Table(&CURRENT), Optional, "A plain synapse: its current after a spike."),
        field(
            "junction",
            Kind::Table(&JUNCTION),
            Optional,
            "Gap junctions between the two places; alone it is an electrical synapse, beside any of the others a mixed one.",
        ),
        field("spine", Kind::Table(&SPINE), Optional, "The spine that the receiving side sits on."),
        field(
            "without",
            Paths,
            Optional,
            "Parts of the recipe to leave out, e.g. `receptor.kainate`. Removal is explicit.",
        ),
    ],
};

static CLAMP: Table = Table {
    name: "clamp",
    doc: "A pipette: voltage clamp with `hold`, current clamp with `current` or `noise`, dynamic clamp with `conductance` or `conductance_noise`.",
    fields: &[
        field("at", Place, Required, "Where it sits."),
        field("hold", Number(D::VOLTAGE, Between(-300.0, 300.0)), Optional, "Command voltage."),
        field(
            "series_resistance",
            Number(D::RESISTANCE, NotNegative),
            Default("0 Mohm"),
            "Uncompensated series resistance.",
        ),
        field(
            "filter",
            Number(D::RATE, Positive),
            Optional,
            "Corner (-3 dB) of the four-pole Bessel filter that the recorded current passes.",
        ),
        field(
            "current",
            Number(D::CURRENT, Between(-1e7, 1e7)),
            Optional,
            "Injected current, 10 uA at most; positive depolarises.",
        ),
        field(
            "noise",
            Kind::Table(&NOISE),
            Optional,
            "Noise that is added to the current, or is all of it. Another in each trial, the same in conditions that share luck.",
        ),
        field(
            "conductance",
            Number(D::CONDUCTANCE, Between(0.0, 1e6)),
            Optional,
            "Artificial conductance of a dynamic clamp: what flows is `conductance` times `reversal` minus the voltage.",
        ),
        field(
            "reversal",
            Number(D::VOLTAGE, Between(-300.0, 300.0)),
            Optional,
            "Reversal potential of the artificial conductance.",
        ),
        field(
            "conductance_noise",
            Kind::Table(&CONDUCTANCE_NOISE),
            Optional,
            "Noise that is added to the conductance, or is all of it; the sum is never below 0.",
        ),
        field("start", Number(D::TIME, NotNegative), Default("0 ms"), "When the current or conductance begins."),
        field("stop", Number(D::TIME, NotNegative), Optional, "When it ends; without it, with the trial."),
    ],
};

static NOISE: Table = Table {
    name: "noise",
    doc: "An Ornstein-Uhlenbeck current: normally distributed, forgotten exponentially. Held within each step of the neurons.",
    fields: &[
        field("sd", Number(D::CURRENT, Between(0.0, 1e6)), Required, "Its standard deviation."),
        field("tau", Number(D::TIME, Positive), Required, "Its correlation time."),
        field("mean", Number(D::CURRENT, Between(-1e7, 1e7)), Default("0 pA"), "Its mean; positive depolarises."),
    ],
};

static CONDUCTANCE_NOISE: Table = Table {
    name: "conductance_noise",
    doc: "An Ornstein-Uhlenbeck conductance, held within each step of the neurons; cut off at 0.",
    fields: &[
        field(
            "sd",
            Number(D::CONDUCTANCE, Between(0.0, 1e6)),
            Required,
            "Its standard deviation before it is cut off.",
        ),
        field("tau", Number(D::TIME, Positive), Required, "Its correlation time."),
    ],
};

static MEASURE: Table = Table {
    name: "measure",
    doc: "Numbers of a trace, each with its uncertainty over trials.",
    fields: &[
        field("of", Observable, Required, "The trace, e.g. `clamp.vc.current`."),
        field(
            "take",
            Choices(&[
                ("amplitude", "peak, from the baseline, failures included"),
                ("potency", "the same of trials with a response alone"),
                ("rise_20_80", "20 to 80 % rise time"),
                ("rise_10_90", "10 to 90 % rise time"),
                ("half_decay", "time from the peak to half of it"),
                ("decay", "time constant of the decay"),
                ("decay_weighted", "charge after the peak over its amplitude"),
                ("charge", "integral"),
                ("latency", "time from the stimulus"),
                ("failures", "share of trials without a response"),
                ("deviation", "standard deviation in time, from the stimulus to the end of the window"),
                ("level", "mean from the stimulus to the end of the window, nothing subtracted"),
                ("final", "value at the end of the window"),
                ("drift", "slope of the line fitted from the stimulus to the end of the window"),
                ("area", "integral from the stimulus on, nothing subtracted"),
                ("time_of_peak", "time from the stimulus to the peak"),
                ("onset", "time from the stimulus to the first crossing of 10 % of the amplitude"),
                ("half_width", "time for which the response is above half of its amplitude"),
                ("spikes", "upward crossings of 0 after the stimulus"),
                (
                    "safety_factor",
                    "of a junction: the amplitude, corrected for nonlinear summation, over the depolarisation that reaches `threshold`",
                ),
                ("peak", "value at the peak, nothing subtracted"),
                ("tail", "time constant of the last of the decay, from 20 to 2 % of the amplitude"),
                ("spike_onset", "time from the stimulus to where a voltage first rises faster than `slope`"),
                ("spike_threshold", "the voltage there"),
                ("frequency", "of a steady oscillation that fills the window; without one, none"),
                ("peak_to_peak", "from trough to peak of it, the mean over its cycles"),
            ]),
            Required,
            "What to take of it.",
        ),
        field(
            "after",
            Number(D::TIME, NotNegative),
            Optional,
            "The stimulus; before it is the baseline. Without it, the first spike of a sender.",
        ),
        field(
            "spike",
            Count { least: 1, most: 1_000_000 },
            Optional,
            "Instead of `after`: the stimulus is this spike of the sender, and the window ends with its next, if nothing else is said.",
        ),
        field("until", Number(D::TIME, Positive), Optional, "Where the window ends; without it, with the trial."),
        field(
            "threshold",
            Number(D::VOLTAGE, Between(-200.0, 200.0)),
            Optional,
            "Of a `safety_factor`: the voltage at which the receiver fires.",
        ),
        field(
            "reversal",
            Number(D::VOLTAGE, Between(-200.0, 200.0)),
            Optional,
            "Of a `safety_factor`: the reversal potential of the current, for the correction for nonlinear summation; without it, 0 mV.",
        ),
        field(
            "slope",
            Number(D::VOLTAGE_RATE, Positive),
            Default("20 V/s"),
            "Of `spike_onset` and `spike_threshold`: the slope at which an action potential begins.",
        ),
        DISTANCE,
    ],
};

/// Where a transmitter is looked at.
const DISTANCE: Field = field(
    "distance",
    Number(D::LENGTH, Positive),
    Optional,
    "Of a transmitter: how far from the centre of the cleft, e.g. `465 nm`, in the cleft or in the tissue around. Without it, where the receptors are.",
);

static PROBE: Table = Table {
    name: "probe",
    doc: "A recording.",
    fields: &[
        field(
            "read",
            Observable,
            Required,
            "What to record, e.g. `contact.cleft.glutamate`; `pyr.v_m` is the voltage of every compartment of a cell with sections, for the report's pictures of it and for `tree.feather`.",
        ),
        field("every", Number(D::TIME, Positive), Optional, "Sampling interval; without it, every step."),
        field("average", Flag, Default("false"), "Record mean and deviation over trials, and no single trial."),
        field(
            "keep",
            Count { least: 0, most: MOST },
            Optional,
            "Of how many trials the trace is kept; without it, of all.",
        ),
        DISTANCE,
    ],
};

static SWEEP: Table = Table {
    name: "sweep",
    doc: "A family of conditions, `iv_-80_mV` of sweep `iv` and value `-80 mV`: each is the file as it stands but for one value. They share their luck.",
    fields: &[
        field(
            "path",
            Text,
            Required,
            "The field, e.g. `clamp.somatic.hold`, `solution.bath.ca` or `cell.sender.times`.",
        ),
        field(
            "values",
            Values,
            Required,
            "Its values, each as it would be written there; lists, where the field is one.",
        ),
    ],
};

static CONDITION: Table = Table {
    name: "condition",
    doc: "What this condition says otherwise; any field of the model.",
    fields: &[field("", Overlay, Optional, "Any field of the model.")],
};
