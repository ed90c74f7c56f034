//! The fields of a drug: what it acts on, how, and how a model is dosed with it.

use super::Kind::{self, Choice, Entry, Expression, Flag, Number, Numbers, Parameters, Texts};
use super::Limits::{Between, Fraction, NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::{Table, field};
use crate::units::Dimension as D;

/// What a drug does to one kind of part.
pub(super) static ACTION: Table = Table {
    name: "action",
    doc: "What a drug does, and to which families of parts. It is a rewrite of their schemes.",
    fields: &[
        field("target", Texts, Required, "Families of parts, such as `ampa`; an entry says its own under `family`."),
        field(
            "mechanism",
            Choice(&[
                ("competitive", "takes the place of the ligand at each free site, and opens nothing"),
                ("agonist", "takes the place of the ligand at each free site, and does what it does"),
                ("pore", "binds whether open or shut; what is bound neither conducts nor carries"),
                ("pore_pair", "the same by two molecules, of which one alone does nothing and soon leaves"),
                ("open_channel", "binds open channels only"),
                (
                    "modulator",
                    "sits beside the ligand's sites; what is bound to it takes the ligand up and gives it off otherwise",
                ),
                ("irreversible", "takes parts away for good, or until they reactivate"),
            ]),
            Required,
            "How it acts.",
        ),
        field(
            "k_on",
            Expression,
            Optional,
            "Rate of binding, per concentration; over `v` where it depends on voltage.",
        ),
        field("k_off", Expression, Optional, "Rate of unbinding."),
        field(
            "trapping",
            Flag,
            Default("false"),
            "With `open_channel`: whether the channel may shut over what it holds, which then stays.",
        ),
        field("reactivation", Expression, Optional, "With `irreversible`: rate of coming back."),
        field(
            "aging",
            Expression,
            Optional,
            "With `irreversible`: rate at which what is inactivated is lost for good.",
        ),
        field(
            "on_factor",
            Number(D::NONE, Positive),
            Optional,
            "With `agonist`: its rate of binding over the ligand's; with `modulator`: the ligand's own, over that without.",
        ),
        field(
            "off_factor",
            Number(D::NONE, Positive),
            Optional,
            "With `agonist`: its rate of unbinding over the ligand's; with `modulator`: the ligand's own, over that without; with `pore_pair`: that of the first molecule while it is alone, over `k_off`.",
        ),
    ],
};

/// A bath that changes within a trial.
static SCHEDULE: Table = Table {
    name: "schedule",
    doc: "A bath that changes: at each time another solution flows in, and the concentration at the preparation follows it as a first-order exchange. The preparation was equilibrated with the first bath.",
    fields: &[
        field(
            "times",
            Numbers(D::TIME, NotNegative),
            Required,
            "When each bath begins to flow in; ascending from 0, and taken to whole steps of `numerics.step`.",
        ),
        field(
            "baths",
            Numbers(D::CONCENTRATION, NotNegative),
            Required,
            "Concentration in each bath, as many as times.",
        ),
        field(
            "exchange",
            Number(D::TIME, NotNegative),
            Default("0 s"),
            "Time constant of the exchange at the preparation. At 0 it is at once.",
        ),
        field(
            "error",
            Number(D::NONE, Between(2e-3, 0.5)),
            Default("0.02"),
            "The exchange is computed in levels, each the mean over its time: how far the concentration may be from its level, as a share of it; below a hundredth of the strongest bath, as a share of that. Halve it to see what a number owes to it.",
        ),
    ],
};

/// A drug in a model.
pub(super) static PLACED_DRUG: Table = Table {
    name: "drug",
    doc: "A drug in the bath. With `bath` it is equilibrated: every part it acts on has long met it when a trial begins. With `schedule` it is washed in and out within the trial.",
    fields: &[
        field(
            "use",
            Entry(&["drug"]),
            Optional,
            "The drug. Without it, what is in the bath acts on nothing by itself: a messenger, such as dopamine, that a `modulation` names.",
        ),
        field(
            "bath",
            Number(D::CONCENTRATION, NotNegative),
            Optional,
            "Its free concentration. At 0 the model is the one without it, to the bit.",
        ),
        field(
            "schedule",
            Kind::Table(&SCHEDULE),
            Optional,
            "In place of `bath`: a bath that changes within the trial; of a drug that acts irreversibly one that begins at 0. As long as it has been 0, no draw differs from those without the drug.",
        ),
        field(
            "incubation",
            Number(D::TIME, NotNegative),
            Optional,
            "Of a drug that acts irreversibly: how long it was there before the trial.",
        ),
        field(
            "inactivated",
            Number(D::NONE, Fraction),
            Optional,
            "Of a drug that acts irreversibly, in place of `bath` and `incubation`: the share of its targets that is gone.",
        ),
        field("parameter", Parameters, Optional, "Parameters of the entry, said otherwise."),
    ],
};
