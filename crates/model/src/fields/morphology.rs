//! Fields of reconstructed and branching neurons: how they are cut, and what sits on them.

use super::Kind::{Count, Number, Text, Texts};
use super::Limits::{Between, Positive};
use super::Need::{Optional, Required};
use super::{Table, field};
use crate::units::Dimension as D;

/// Rules for cutting sections.
pub(super) static DISCRETISATION: Table = Table {
    name: "discretisation",
    doc: "How long compartments may be: one of three rules, for each section by itself. A soma of a reconstruction is always one compartment, and a section with `compartments` has so many.",
    fields: &[
        field(
            "d_lambda",
            Number(D::NONE, Between(1e-4, 10.0)),
            Optional,
            "At most this share of the length constant at 100 Hz.",
        ),
        field("length", Number(D::LENGTH, Positive), Optional, "At most this long."),
        field("count", Count { least: 1, most: 100_000 }, Optional, "So many in each section."),
    ],
};

/// Spines of a cell.
pub(super) static SPINES: Table = Table {
    name: "spines",
    doc: "Spines on a stretch of dendrite, each a neck and a head of one compartment, with the passive membrane of the place they sit on.",
    fields: &[
        field("on", Texts, Required, "Sections or regions that bear them, e.g. `apical`."),
        field("count", Count { least: 1, most: 100_000 }, Optional, "How many; or give their `density`."),
        field("density", Number(D::PER_LENGTH, Positive), Optional, "How many in a length of dendrite."),
        field("where", Text, Optional, "A condition on the place, e.g. `distance > 100 um and order < 5`."),
        field(
            "random",
            Count { least: 0, most: u64::MAX >> 1 },
            Optional,
            "A seed: they sit at random, each anywhere with the same probability per length. Without it, at even distances.",
        ),
        field("head_diameter", Number(D::LENGTH, Positive), Required, "Diameter of the head, a sphere."),
        field("neck_length", Number(D::LENGTH, Positive), Required, "Length of the neck."),
        field("neck_diameter", Number(D::LENGTH, Positive), Required, "Diameter of the neck."),
    ],
};
