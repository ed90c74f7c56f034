//! The fields of a catalogue entry, by kind; docs/catalogue_format.md tells the same to a curator.

use super::Kind::{
    AnyNumber, Choice, Count, Entry, Expression, Factors, List, Named, NamedNumbers, NamedTexts, Number, Parameters,
    Source, Sources, Text, Texts,
};
use super::Limits::{Between, NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::drug::ACTION;
use super::junction::{CONNEXIN_CHANNEL, JUNCTION};
use super::model::{MEMBRANE, PLACED_CHANNEL};
use super::morphology::SECTION;
use super::point::POINT;
use super::pool::{
    PLACED_POOL, POOL_BOUND, POOL_BUFFER_DIFFUSION, POOL_DEPTH, POOL_DIFFUSION, POOL_K_M, POOL_SHARE, POOL_TAU,
    POOL_V_MAX,
};
use super::synapse::{
    CLEFT, CONDUCTANCE as PLAIN_CONDUCTANCE, CURRENT as PLAIN_CURRENT, PLACED_RECEPTOR, PLACED_TRANSPORTER, SITS_ON,
    SPINE, TERMINAL,
};
use super::{Field, Kind, Table, field};
use crate::units::Dimension as D;

/// What is known of the truth of a number.
const EVIDENCE: Kind = Choice(&[
    ("paper", "read in the paper itself"),
    ("transcribed", "read in a secondary place: a model file, a review, a table"),
    ("derived", "computed from other numbers, as its note says"),
    ("assumed", "nobody here has seen it in a source"),
]);

/// A number with a provenance of its own.
pub static NUMBER: Table = Table {
    name: "number",
    doc: "A number that has a provenance of its own.",
    fields: &[
        field("value", AnyNumber, Required, "The number with its unit."),
        field("source", Source, Optional, "Where it comes from."),
        field("seen_in", Sources, Optional, "Where it was read."),
        field("evidence", EVIDENCE, Optional, "What is known of its truth."),
        field("species", Text, Optional, "In which animal."),
        field(
            "temperature",
            Number(D::TEMPERATURE, Between(263.15, 333.15)),
            Optional,
            "At which temperature it holds.",
        ),
        field("q10", Number(D::NONE, Between(0.1, 20.0)), Optional, "Its factor for ten kelvin."),
        field("note", Text, Optional, "How it was obtained."),
    ],
};

macro_rules! head {
    ($($more:expr),* $(,)?) => {
        &[
            field("title", Text, Required, "What it is, in a line."),
            field("summary", Text, Required, "What it is, in one to three sentences."),
            field("family", Texts, Optional, "What it is to a drug: `ampa`, `cav2_1`; the narrowest first."),
            field("species", Text, Required, "In which animal its numbers were measured."),
            field("preparation", Text, Required, "On what, and how."),
            field("temperature", Number(D::TEMPERATURE, Between(263.15, 333.15)), Required, "T_ref, at which its numbers hold."),
            field("source", Source, Required, "Where its numbers come from."),
            field("seen_in", Sources, Optional, "Where they were read; two or more if a second source was found."),
            field("evidence", EVIDENCE, Required, "What is known of the truth of its numbers."),
            field("corrections", Texts, Optional, "What differs from the published file, and why."),
            field("parameter", Parameters, Optional, "Named numbers that its expressions use."),
            field("check", List(&CHECK), Required, "Acceptance checks."),
            $($more),*
        ]
    };
}

const fn scheme(need: super::Need) -> Field {
    field("scheme", Kind::Table(&SCHEME), need, "States, and the steps between them.")
}

const CONDUCTANCE: Field = field(
    "conductance",
    NamedNumbers(D::CONDUCTANCE, NotNegative),
    Optional,
    "Unitary conductance of each conducting state.",
);
const PERMEATION_FIELD: Field = field("permeation", Kind::Table(&PERMEATION), Optional, "What passes, and how.");

static RECEPTOR: Table = Table {
    name: "receptor",
    doc: "A ligand-gated channel.",
    fields: head![scheme(Required), CONDUCTANCE, PERMEATION_FIELD],
};
static SENSOR: Table = Table {
    name: "sensor",
    doc: "A calcium sensor of release; its step into the absorbing state is fusion.",
    fields: head![scheme(Required)],
};
static CHANNEL: Table = Table {
    name: "channel",
    doc: "A voltage-gated channel, as a scheme or as independent gates; without either it is always open.",
    fields: head![
        scheme(Optional),
        field("gate", Named(&GATE), Optional, "Independent gates by name."),
        field("gating", Kind::Table(&GATING), Optional, "The Q10 of the gates."),
        CONDUCTANCE,
        PERMEATION_FIELD,
    ],
};
static TRANSPORTER: Table = Table {
    name: "transporter",
    doc: "A membrane transporter.",
    fields: head![
        scheme(Required),
        field("transport", Kind::Table(&TRANSPORT), Required, "What it carries, and where it sits.")
    ],
};
static ENZYME: Table = Table {
    name: "enzyme",
    doc: "An enzyme that ends a signal.",
    fields: head![
        scheme(Required),
        field("transport", Kind::Table(&TRANSPORT), Required, "What it splits, and where it sits.")
    ],
};
static BUFFER: Table = Table {
    name: "buffer",
    doc: "An ion buffer.",
    fields: head![
        scheme(Required),
        field("buffer", Kind::Table(&BUFFERING), Required, "What it binds, how much of it there is.")
    ],
};
static BLOCK: Table = Table {
    name: "block",
    doc: "An instantaneous block of an open channel.",
    fields: head![field("block", Kind::Table(&BLOCKING), Required, "By what, and how much stays open.")],
};
static NEURON: Table = Table {
    name: "neuron",
    doc: "A neuron: one compartment, or sections.",
    fields: head![
        field("membrane", Kind::Table(&MEMBRANE), Optional, "The passive membrane."),
        field("section", Named(&SECTION), Optional, "Sections by name; the first is the root."),
        field("channel", Named(&PLACED_CHANNEL), Optional, "Channels by name."),
        field("point", Kind::Table(&POINT), Optional, "In place of a membrane: a neuron without extent."),
        field("pool", Named(&PLACED_POOL), Optional, "Concentrations inside that change, by name."),
    ],
};
static POOL: Table = Table {
    name: "pool",
    doc: "A concentration of an ion inside a neuron.",
    fields: head![field("pool", Kind::Table(&POOLING), Required, "Of which ion, where, and what removes it.")],
};
static SYNAPSE: Table = Table {
    name: "synapse",
    doc: "A recipe of parts.",
    fields: head![
        field("terminal", Kind::Table(&TERMINAL), Optional, "The sending side."),
        field("cleft", Kind::Table(&CLEFT), Optional, "The gap."),
        field("receptor", Named(&PLACED_RECEPTOR), Optional, "Receptors by name."),
        field("clearance", Named(&PLACED_TRANSPORTER), Optional, "What ends the signal, by name."),
        field(
            "conductance",
            Kind::Table(&PLAIN_CONDUCTANCE),
            Optional,
            "A plain synapse: its conductance after a spike."
        ),
        field("current", Kind::Table(&PLAIN_CURRENT), Optional, "A plain synapse: its current after a spike."),
        field("junction", Kind::Table(&JUNCTION), Optional, "Gap junctions beside it, of a mixed synapse, or alone."),
        field("spine", Kind::Table(&SPINE), Optional, "The spine that the receiving side sits on."),
    ],
};

static CONNEXIN: Table = Table {
    name: "connexin",
    doc: "A gap-junction channel, of connexins or innexins; as a scheme where the voltage across gates it in its time.",
    fields: head![
        scheme(Optional),
        CONDUCTANCE,
        field("junction", Kind::Table(&CONNEXIN_CHANNEL), Required, "What it conducts, and what is left at once."),
    ],
};

static DRUG: Table = Table {
    name: "drug",
    doc: "A drug or toxin: what it acts on, and how.",
    fields: head![field("action", List(&ACTION), Required, "What it does; one for each mechanism.")],
};

/// The kinds of entry, with their folder.
pub static KINDS: &[(&str, &Table)] = &[
    ("receptor", &RECEPTOR),
    ("sensor", &SENSOR),
    ("channel", &CHANNEL),
    ("transporter", &TRANSPORTER),
    ("enzyme", &ENZYME),
    ("buffer", &BUFFER),
    ("block", &BLOCK),
    ("pool", &POOL),
    ("neuron", &NEURON),
    ("synapse", &SYNAPSE),
    ("connexin", &CONNEXIN),
    ("drug", &DRUG),
];

/// The table of a kind.
pub fn of_kind(kind: &str) -> Option<&'static Table> {
    KINDS.iter().find(|k| k.0 == kind).map(|k| k.1)
}

static SCHEME: Table = Table {
    name: "scheme",
    doc: "States and the steps between them, written as chemistry.",
    fields: &[
        field("ligands", Texts, Optional, "Whatever a step takes up or gives off."),
        field("states", Texts, Required, "All states; the first is where a molecule without ligand is expected."),
        field("absorbing", Texts, Optional, "States without return, such as a fused vesicle."),
        field(
            "balance",
            Choice(&[("equilibrium", "every loop closes"), ("driven", "something pays for its cycles")]),
            Required,
            "Whether every loop must close.",
        ),
        field("tolerance", Number(D::NONE, Between(0.0, 0.5)), Default("0"), "How far a loop's product may be from 1."),
        field("driven_by", Text, Optional, "What drives it."),
        field(
            "rates_are",
            Choice(&[("per_step", "as written"), ("per_site", "to be multiplied by the number of sites")]),
            Required,
            "Whether statistical factors are in the rates already.",
        ),
        field("q10", Kind::Table(&Q10), Optional, "The Q10 of binding and of gating steps."),
        field("reaction", List(&REACTION), Required, "The steps."),
    ],
};

static Q10: Table = Table {
    name: "q10",
    doc: "Factors for ten kelvin, by class of step.",
    fields: &[
        field("binding", Number(D::NONE, Between(0.1, 20.0)), Optional, "Of steps that take up or give off a ligand."),
        field("gating", Number(D::NONE, Between(0.1, 20.0)), Optional, "Of all others."),
        field("source", Source, Optional, "Where they come from."),
        field("seen_in", Sources, Optional, "Where they were read."),
        field("evidence", EVIDENCE, Optional, "What is known of their truth."),
        field("note", Text, Optional, "How they were obtained."),
    ],
};

static REACTION: Table = Table {
    name: "reaction",
    doc: "A step, one way or both.",
    fields: &[
        field("step", Text, Required, "`C0 + glutamate <-> C1`, or `A -> B`."),
        field("forward", Expression, Required, "The rate to the right."),
        field("backward", Expression, Optional, "The rate to the left; none with `->`."),
        field("sites", Factors, Optional, "Free sites forward, occupied sites backward; with `per_site` only."),
        field(
            "class",
            Choice(&[("binding", "takes up or gives off a ligand"), ("gating", "changes shape")]),
            Optional,
            "Which Q10 it has.",
        ),
        field("forward_q10", Number(D::NONE, Between(0.1, 20.0)), Optional, "Of the rate to the right alone."),
        field("backward_q10", Number(D::NONE, Between(0.1, 20.0)), Optional, "Of the rate to the left alone."),
    ],
};

static PERMEATION: Table = Table {
    name: "permeation",
    doc: "What passes an open channel, and by which law.",
    fields: &[
        field("ion", Text, Optional, "The ion, where it is one."),
        field(
            "ions",
            NamedNumbers(D::NONE, NotNegative),
            Optional,
            "Relative permeabilities; the reversal potential follows from the solutions.",
        ),
        field("reversal", Number(D::VOLTAGE, Between(-200.0, 200.0)), Optional, "A fixed reversal potential."),
        field(
            "law",
            Choice(&[("ohmic", "g (V - E)"), ("ghk", "Goldman, Hodgkin and Katz")]),
            Default("ohmic"),
            "Current against voltage.",
        ),
        field("permeability", Number(D::FLOW, NotNegative), Optional, "Of one open channel, with `ghk`."),
        field("block", Entry(&["block"]), Optional, "An instantaneous block of the open channel."),
    ],
};

static GATE: Table = Table {
    name: "gate",
    doc: "Independent two-state gates: `opening` and `closing` rates, or `steady` and `tau`.",
    fields: &[
        field("count", Count { least: 1, most: 8 }, Default("1"), "How many must be open at once."),
        field("opening", Expression, Optional, "Rate of opening."),
        field("closing", Expression, Optional, "Rate of closing."),
        field("steady", Expression, Optional, "Share that is open at rest."),
        field("tau", Expression, Optional, "Time constant."),
        field(
            "q10",
            Number(D::NONE, Between(0.1, 20.0)),
            Optional,
            "Its factor for ten kelvin, where it differs from the others'.",
        ),
    ],
};

static GATING: Table = Table {
    name: "gating",
    doc: "The Q10 that all gates share.",
    fields: &[field("q10", Number(D::NONE, Between(0.1, 20.0)), Required, "Their factor for ten kelvin.")],
};

static TRANSPORT: Table = Table {
    name: "transport",
    doc: "What a transporter carries or an enzyme splits.",
    fields: &[
        field("substrate", Text, Required, "The ligand."),
        field("density", Number(D::NUMBER_DENSITY, NotNegative), Optional, "Typical number per membrane area."),
        SITS_ON,
    ],
};

static BUFFERING: Table = Table {
    name: "buffer",
    doc: "What a buffer binds, how it diffuses, how much of it there is.",
    fields: &[
        field("ion", Text, Required, "The ion."),
        field("diffusion", Number(D::DIFFUSION, NotNegative), Required, "Diffusion coefficient; 0 if it is fixed."),
        field("total", Number(D::CONCENTRATION, NotNegative), Optional, "Typical total concentration."),
    ],
};

static POOLING: Table = Table {
    name: "pool",
    doc: "What moves the concentration: `(1 + bound) c' = -share I / (z F volume) - (c - rest) / tau - pump`.",
    fields: &[
        field("ion", Text, Required, "The ion."),
        POOL_DEPTH,
        field("rest", Number(D::CONCENTRATION, Positive), Required, "Free concentration without any current."),
        POOL_TAU,
        POOL_V_MAX,
        POOL_K_M,
        POOL_BOUND,
        POOL_SHARE,
        POOL_DIFFUSION,
        POOL_BUFFER_DIFFUSION,
    ],
};

static BLOCKING: Table = Table {
    name: "block",
    doc: "Which ion blocks, and what share of open channels conducts.",
    fields: &[
        field("ion", Text, Required, "The ion, whose name is its concentration in `open_fraction`."),
        field("open_fraction", Expression, Required, "Over `v` and the ion."),
    ],
};

/// An acceptance check of an entry.
pub static CHECK: Table = Table {
    name: "check",
    doc: "A protocol and what it should give, compared to the printed digits.",
    fields: &[
        field(
            "protocol",
            Choice(&[
                ("pulse", "a pulse of ligand from rest"),
                ("step", "a ligand held"),
                ("dose_response", "peaks against concentration, relative to 100 mM"),
                ("calcium_step", "calcium from rest to a held level"),
                ("calcium_slope", "log-log slope of peak rates"),
                ("calcium_transient", "calcium as a Gaussian in time"),
                ("equilibrium", "the stationary law"),
                ("voltage", "the stationary law at a voltage"),
                (
                    "junction",
                    "a gap-junction channel: its conductance at `v` across, at once and settled, over that at 0 mV; settled, over that at -v; a recipe: the conductance of its gap junctions",
                ),
                ("block", "the share that stays open"),
                (
                    "fill",
                    "a pool: 1 uA/cm2 of inward current, for 1 ms and for good; without `depth`, of a cylinder of 1 um",
                ),
                ("turnover", "cycles per second against substrate"),
                ("dose_ratio", "K_B of an antagonist: the dose ratio of its agonist at equilibrium, minus one"),
                ("inhibition", "concentration of a drug at which half is left of what `on` does at equilibrium"),
                ("inactivation", "how fast a drug takes its target away"),
                ("potency", "concentration of an agonist at half of its greatest effect, over that of the ligand"),
                ("membrane", "passive constants"),
                ("firing", "a neuron: its spikes while a `current` flows for `duration`"),
                ("shift", "how many times less of the ligand does the same in the presence of a drug"),
                (
                    "quantum",
                    "a recipe between two plain cells: the current of one vesicle of mean content; with `drug`, over that without",
                ),
                (
                    "evoked",
                    "a recipe between two plain cells: 200 action potentials, each from rest, 2 mM calcium outside",
                ),
                ("at_rest", "a recipe built and at rest, 2 mM calcium outside"),
            ]),
            Required,
            "What is done.",
        ),
        field(
            "on",
            Entry(&["receptor", "channel", "transporter", "enzyme", "connexin"]),
            Optional,
            "Of a drug: acting on which entry.",
        ),
        field("drug", Entry(&["drug"]), Optional, "Of a recipe: with which drug in the bath, at `concentration`."),
        field("ligand", Text, Optional, "Of what."),
        field(
            "concentration",
            Number(D::CONCENTRATION, NotNegative),
            Optional,
            "How much of it; with `voltage`, of the ion that the gates read.",
        ),
        field("duration", Number(D::TIME, Positive), Optional, "For how long."),
        field("v", Number(D::VOLTAGE, Between(-300.0, 300.0)), Default("-70 mV"), "At which voltage."),
        field(
            "leak",
            Number(D::CONDUCTANCE, Positive),
            Optional,
            "Of `junction` on a recipe: that of each of two cells alike, for `coupling`.",
        ),
        field("current", Number(D::CURRENT, Between(-1e6, 1e6)), Optional, "Of `firing`: the current, from 10 ms on."),
        field("from", Number(D::CONCENTRATION, NotNegative), Optional, "The resting level."),
        field("to", Number(D::CONCENTRATION, NotNegative), Optional, "The level of the step."),
        field("between", Kind::Numbers(D::CONCENTRATION, Positive), Optional, "The two levels of a slope."),
        field("peak", Number(D::CONCENTRATION, Positive), Optional, "Calcium at the peak of the transient."),
        field("fwhm", Number(D::TIME, Positive), Optional, "Full width at half maximum of the transient."),
        field("of", Texts, Optional, "Which states."),
        field("expect", NamedTexts, Required, "Measures and what they should be, as text."),
        field(
            "within",
            Number(D::NONE, Between(0.0, 1.0)),
            Optional,
            "Relative tolerance; without it, half a unit of the last printed digit.",
        ),
        field("source", Source, Optional, "Where the expected values come from."),
        field("origin", Text, Optional, "How they were obtained, where no source has them."),
    ],
};
