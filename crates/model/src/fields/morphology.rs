//! Fields of reconstructed and branching neurons: how they are cut, and what sits on them.

use super::Kind::{self, Choice, Count, Number, Text, Texts};
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

/// Membrane of another capacitance, in neurons of the catalogue and of a model file alike.
pub(super) static MEMBRANE_REGION: Table = Table {
    name: "region",
    doc: "Membrane of another capacitance. Of `n` turns of myelin, with the axon's own membrane, about `1/(2 n + 1)` of it; channels, leaks included, are placed as everywhere.",
    fields: &[
        field("on", Texts, Required, "Sections or regions, e.g. `axon.internode`."),
        field("where", Text, Optional, "A condition on the place, e.g. `distance > 100 um`."),
        field("capacitance", Number(D::CAPACITANCE_DENSITY, Positive), Required, "Specific capacitance."),
    ],
};

/// Nodes of a section.
static NODES: Table = Table {
    name: "nodes",
    doc: "Makes a section an axon with nodes of Ranvier: an internode, a node, and so on to a node at its end. `NAME.node` and `NAME.internode` are regions, `NAME.node[3]` a place.",
    fields: &[
        field(
            "internode",
            Number(D::LENGTH, Positive),
            Required,
            "Length of an internode; as near to it as makes the section's `length`.",
        ),
        field("length", Number(D::LENGTH, Positive), Required, "Length of a node."),
        field("diameter", Number(D::LENGTH, Positive), Optional, "Of nodes; without it, the section's."),
    ],
};

/// A section, in neurons of the catalogue and of a model file alike.
pub(super) static SECTION: Table = Table {
    name: "section",
    doc: "An unbranched piece of a neuron: a cylinder or a frustum without its ends.",
    fields: &[
        field(
            "on",
            Text,
            Optional,
            "The section at whose far end it begins, or a place along it, e.g. `dend(0.5)`; none for the root.",
        ),
        field("diameter", Number(D::LENGTH, Positive), Required, "Its diameter, or that of its beginning."),
        field("end_diameter", Number(D::LENGTH, Positive), Optional, "Its diameter at the end, if it tapers."),
        field("length", Number(D::LENGTH, Positive), Required, "Its length."),
        field(
            "region",
            Choice(&[("soma", ""), ("axon", ""), ("dend", ""), ("apical", "")]),
            Optional,
            "What it is of. Without it, what it is called, if that is one of these.",
        ),
        field("nodes", Kind::Table(&NODES), Optional, "Internodes and nodes of Ranvier, into which it is divided."),
        field(
            "compartments",
            Count { least: 1, most: 100_000 },
            Optional,
            "Into how many it, or each of its internodes, is cut; without it, as many as keep each below a tenth of the length constant at 100 Hz.",
        ),
    ],
};
