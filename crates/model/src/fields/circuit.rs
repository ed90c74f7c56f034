//! Fields of circuits: where the cells of a population lie, and who is connected with whom.

use super::Kind::{BySeparation, Count, Flag, Number, Numbers, Pairs, Text};
use super::Limits::{Any, Between, Fraction, Positive};
use super::Need::{Default, Optional};
use super::{Table, field};
use crate::units::Dimension as D;

/// A seed.
const SEED: super::Kind = Count { least: 0, most: u64::MAX >> 1 };
/// Number of cells that one cell is connected with, at most.
const DEGREE: super::Kind = Count { least: 0, most: 10_000_000 };

/// Where the cells of a population lie.
pub(super) static ARRANGEMENT: Table = Table {
    name: "arrangement",
    doc: "Where the cells of a population lie, one of four rules: what `separation` in `connect`, and a `velocity`, are about. Without it, all in one place.",
    fields: &[
        field("line", Number(D::LENGTH, Positive), Optional, "On a line along x, so far from each other."),
        field(
            "ring",
            Number(D::LENGTH, Positive),
            Optional,
            "Evenly on a circle of this radius, in the plane of x and y.",
        ),
        field(
            "grid",
            Number(D::LENGTH, Positive),
            Optional,
            "On a square grid in the plane of x and y, row by row, so far from each other.",
        ),
        field(
            "box",
            Numbers(D::LENGTH, Between(0.0, 1e9)),
            Optional,
            "At random within a box: its sides along x, y and z.",
        ),
        field("random", SEED, Default("0"), "A seed, for `box`."),
        field("centre", Numbers(D::LENGTH, Any), Optional, "Where the middle is; without it, at 0, 0, 0."),
    ],
};

/// Who is connected with whom.
pub(super) static CONNECT: Table = Table {
    name: "connect",
    doc: "Which cells of two populations a synapse connects, plain or of molecules: one of seven rules. The network is the same in every trial; what is drawn at random hangs on `random` and on the synapse's name, and not on the model's `seed`. Gap junctions alone have no direction: within one population each pair of cells is taken once. Beside a chemical part each contact has a junction of its own.",
    fields: &[
        field("all", Flag, Optional, "Each sender with each receiver."),
        field("each", Flag, Optional, "The k-th sender with the k-th receiver."),
        field("ring", DEGREE, Optional, "Each cell with so many that come next, the last with the first again."),
        field(
            "probability",
            BySeparation(D::NONE, Fraction),
            Optional,
            "Each sender with each receiver, with this probability; it may be an expression of `separation`, the distance between the two cells, e.g. `0.3 * exp(-separation / 100 um)`.",
        ),
        field(
            "indegree",
            DEGREE,
            Optional,
            "Each receiver with so many senders, drawn at random. Not of gap junctions alone within one population.",
        ),
        field("outdegree", DEGREE, Optional, "Each sender with so many receivers, drawn at random."),
        field("pairs", Pairs, Optional, "A list of sender and receiver, counted from 0: `[[0, 1], [1, 2]]`."),
        field(
            "contacts",
            Count { least: 1, most: 10_000 },
            Default("1"),
            "Synapses that make up a connection. Where `to` is a region, such as `pyr.apical`, each sits anywhere in it, with the same probability per length; of a group of spines, on any of them.",
        ),
        field(
            "where",
            Text,
            Optional,
            "A condition on the place of a synapse in the region, e.g. `distance > 100 um and order < 5`.",
        ),
        field("self", Flag, Default("false"), "Whether a cell may be connected with itself."),
        field(
            "repeated",
            Flag,
            Default("false"),
            "With `indegree` or `outdegree`: whether the same pair may be drawn more than once.",
        ),
        field(
            "spread",
            Number(D::NONE, Between(0.0, 10.0)),
            Default("0"),
            "Coefficient of variation of the peak, or of the conductance of a junction, among synapses, which is then log-normal with the mean that is said.",
        ),
        field("random", SEED, Default("0"), "A seed: another, and it is another network of the same kind."),
    ],
};
