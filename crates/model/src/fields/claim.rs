//! The fields of a claim: a sentence of an article as an experiment that can fail.

use super::Kind::{
    Choice, Count, Entry, Expression, List, NamedTexts, Number, Observable, Source, Sources, Text, Texts,
};
use super::Limits::{NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::{Table, field};
use crate::units::Dimension as D;

/// The file `claim.toml` of a claim's folder.
pub static CLAIM: Table = Table {
    name: "claim",
    doc: "What an article says, the model that shows it, the numbers that decide, and the control that must fail.",
    fields: &[
        field("id", Text, Required, "A letter and a number, `A53`; the folder's name begins with it."),
        field("title", Text, Required, "The claim in a few words."),
        field("sentence", Text, Required, "What the article says, in our own words."),
        field("how", Text, Required, "How it is shown, in one to three sentences."),
        field("model", Text, Optional, "The model file, beside this one."),
        field(
            "models",
            NamedTexts,
            Optional,
            "Several model files by name; the numbers of each begin with its name, `calyx.control.epsc.decay`.",
        ),
        field(
            "entry",
            Entry(&["receptor", "sensor", "channel", "transporter", "enzyme", "buffer", "block", "neuron", "synapse"]),
            Optional,
            "An entry of the catalogue instead of a model: its numbers are those of its checks, `turnover.k_m`.",
        ),
        field(
            "trials",
            Count { least: 1, most: super::model::MOST },
            Optional,
            "How many trials, instead of what the models say.",
        ),
        field("assumed", Texts, Optional, "What is taken for granted, and what the model leaves out."),
        field("sources", Sources, Optional, "What the experiment is after."),
        field("check", List(&CHECK), Optional, "Numbers and the bands in which they must lie."),
        field("control", List(&CONTROL), Optional, "Numbers and the bands which they must miss."),
        field("number", List(&SHOWN), Optional, "Numbers that are shown and decide nothing."),
        field("table", List(&TABLE), Optional, "Numbers that belong together, side by side."),
        field("picture", List(&PICTURE), Optional, "What is drawn of a trace, or of events."),
        field("curve", List(&CURVE), Optional, "What is drawn of numbers, one against the other."),
    ],
};

const SAYS: super::Field = field("says", Text, Required, "What the number is, in words.");
const VALUE: super::Field = field(
    "value",
    Expression,
    Required,
    "An expression over what was measured, `control.epsc.decay / (1 ms)`; see claims.md for the names.",
);
const LEAST: super::Field = field("least", Expression, Optional, "The lower edge of the band, with its unit.");
const MOST: super::Field = field("most", Expression, Optional, "The upper edge, with its unit.");

static CHECK: Table = Table {
    name: "check",
    doc: "A number that decides: the claim holds if it lies in its band.",
    fields: &[
        SAYS,
        VALUE,
        LEAST,
        MOST,
        field("source", Source, Optional, "Where the band comes from."),
        field("origin", Text, Optional, "The same in words, where there is no source."),
        field(
            "evidence",
            Choice(&[
                ("paper", "read in the paper"),
                ("transcribed", "read in a secondary place"),
                ("derived", "computed"),
                ("assumed", "remembered, or chosen"),
            ]),
            Optional,
            "How well the band is known.",
        ),
    ],
};

static CONTROL: Table = Table {
    name: "control",
    doc: "A number that must miss its band; if it does not, the experiment cannot fail, and the claim cannot be told.",
    fields: &[SAYS, VALUE, LEAST, MOST],
};

static SHOWN: Table =
    Table { name: "number", doc: "A number that is shown and decides nothing.", fields: &[SAYS, VALUE] };

static TABLE: Table = Table {
    name: "table",
    doc: "Numbers that decide nothing, in rows and columns.",
    fields: &[
        field("title", Text, Required, "Above it."),
        field("columns", Texts, Required, "What the columns are."),
        field("units", Texts, Optional, "The unit of each column, e.g. `%`; without it, whatever reads well."),
        field("row", List(&ROW), Required, "The rows."),
    ],
};

static ROW: Table = Table {
    name: "row",
    doc: "A row of a table.",
    fields: &[
        field("says", Text, Required, "What the row is."),
        field("values", Texts, Required, "An expression for each column; an empty text where there is none."),
    ],
};

static CURVE: Table = Table {
    name: "curve",
    doc: "Numbers against numbers, with their intervals.",
    fields: &[
        field("title", Text, Required, "Above it."),
        field("across", Text, Required, "What the x axis is; its unit is that of the first of `at`."),
        field("at", Texts, Required, "Where the points stand: expressions, e.g. `0.5 mM`."),
        field("up", Text, Required, "What the y axis is."),
        field("unit", Text, Optional, "Its unit; without it, whatever reads well."),
        field(
            "scale",
            Choice(&[("linear", "both axes are"), ("logarithmic", "both axes are")]),
            Default("linear"),
            "Of the axes.",
        ),
        field("line", List(&LINE), Required, "The lines."),
    ],
};

static LINE: Table = Table {
    name: "line",
    doc: "A line of a curve.",
    fields: &[
        field("says", Text, Required, "What it is."),
        field("values", Texts, Required, "An expression for each of `at`; an empty text where there is none."),
    ],
};

static PICTURE: Table = Table {
    name: "picture",
    doc: "A trace of the model, or how often something happens, of several conditions one over the other.",
    fields: &[
        field("title", Text, Required, "Above it."),
        field("trace", Observable, Optional, "What a probe of the model reads, e.g. `contact.cleft.glutamate`."),
        field("events", Observable, Optional, "Instead of a trace: `CELL.spike` or `SYNAPSE.fusion`, as a rate."),
        field("bin", Number(D::TIME, Positive), Optional, "With `events`: the width of a bin."),
        field("model", Text, Optional, "Of which model, where there are several."),
        field("conditions", Texts, Optional, "Of which conditions; without it, of all."),
        field("from", Number(D::TIME, NotNegative), Optional, "Where it begins."),
        field("until", Number(D::TIME, NotNegative), Optional, "Where it ends."),
    ],
};
