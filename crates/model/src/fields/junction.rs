//! Fields of gap junctions: in a synapse, and of a catalogue entry.

use super::Kind::{Choice, Count, Entry, Expression, Named, Number, Parameters, Text, Texts};
use super::Limits::{Between, Fraction, NotNegative, Positive};
use super::Need::{Default, Optional, Required};
use super::{Table, field};
use crate::units::Dimension as D;

/// The electrical part of a synapse, for recipes of the catalogue as well.
pub(super) static JUNCTION: Table = Table {
    name: "junction",
    doc: "Gap junctions between the two places of the synapse: current passes at once and both ways, from `from` to `to` where `from` is the more positive. How strong: `conductance`, or `channels`, or a wanted `coupling`. With a chemical part in the same synapse it is a mixed one.",
    fields: &[
        field(
            "use",
            Entry(&["connexin"]),
            Optional,
            "The channels; its first side is that of `from`. Without it, the same conductance at every voltage.",
        ),
        field(
            "conductance",
            Number(D::CONDUCTANCE, NotNegative),
            Optional,
            "Of all of it, between cells at the same voltage, at rest, with the parameters of the entry and without drugs.",
        ),
        field(
            "channels",
            Count { least: 0, most: 1_000_000_000 },
            Optional,
            "How many channels there are, instead of a conductance: each conducts `unitary`, and the share `open` of them can.",
        ),
        field(
            "open",
            Number(D::NONE, Fraction),
            Optional,
            "With `channels`: share of them that can open at all. In large plaques it is 0.1 to 1 %.",
        ),
        field(
            "unitary",
            Number(D::CONDUCTANCE, Positive),
            Optional,
            "With `channels`: what one conducts; without it, as the entry says.",
        ),
        field(
            "coupling",
            Number(D::NONE, Fraction),
            Optional,
            "Instead of a conductance: the coupling coefficient that is wanted, dV(to) / dV(from) of the two cells alone, for a small steady current into `from`, at rest. Below 1.",
        ),
        field(
            "parameter",
            Parameters,
            Optional,
            "Parameters of the entry, said otherwise, such as magnesium inside. They change what `conductance` and `coupling` were before.",
        ),
        field(
            "modulation",
            Named(&MODULATION),
            Optional,
            "What changes its strength for longer than it lasts, by name.",
        ),
    ],
};

static MODULATION: Table = Table {
    name: "modulation",
    doc: "Channels are modified at the rate `share / time` and restored at `1 / forget`; a modified one conducts `1 + change` times as much. `share` follows a trace of events, which grows by 1 with each and decays with `trace`, or the concentration of a messenger: x^power / (x^power + half^power).",
    fields: &[
        field(
            "by",
            Choice(&[
                ("from", "action potentials of `from`"),
                ("to", "action potentials of `to`"),
                ("either", "action potentials of both"),
                (
                    "release",
                    "vesicles that the chemical part of this synapse releases; of a plain one, action potentials of `from`",
                ),
                ("messenger", "a drug in the bath, such as dopamine, named by `messenger`"),
            ]),
            Required,
            "What drives it.",
        ),
        field("messenger", Text, Optional, "Of `drug`, which."),
        field(
            "change",
            Number(D::NONE, Between(-1.0, 100.0)),
            Required,
            "Conductance of a modified channel over that of one that is not, less 1: -0.4 takes 40 % away.",
        ),
        field("half", Number(D::NONE, Positive), Optional, "Of events: how many in the trace do half."),
        field(
            "ec50",
            Number(D::CONCENTRATION, Positive),
            Optional,
            "Of a messenger: the concentration that does half.",
        ),
        field("power", Number(D::NONE, Between(0.1, 20.0)), Default("1"), "Hill coefficient."),
        field("trace", Number(D::TIME, Positive), Optional, "Of events: time constant with which the trace decays."),
        field("time", Number(D::TIME, Positive), Required, "Time constant of modification when `share` is 1."),
        field("forget", Number(D::TIME, Positive), Optional, "Time constant of restoration; without it, it lasts."),
    ],
};

/// What an entry says of a gap-junction channel.
pub(super) static CONNEXIN_CHANNEL: Table = Table {
    name: "junction",
    doc: "A gap-junction channel. Wherever it is read, `v` is the voltage across: that of the first side less that of the second.",
    fields: &[
        field(
            "unitary",
            Number(D::CONDUCTANCE, Positive),
            Optional,
            "What one open channel conducts; with a scheme, the largest of `conductance` says so.",
        ),
        field(
            "share",
            Expression,
            Optional,
            "Of the conductance, what the voltage across leaves at once, 0 or more: rectification. Over `v` and the parameters.",
        ),
        field("sides", Texts, Optional, "What the first and the second side are made of, where they differ."),
    ],
};
