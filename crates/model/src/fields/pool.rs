//! The fields of a pool: a concentration of an ion inside a neuron.

use super::Kind::{Entry, Number, Texts};
use super::Limits::{NotNegative, Positive};
use super::Need::{Optional, Required};
use super::{Field, Table, field};
use crate::units::Dimension as D;

/// A pool in a neuron, in neurons of the catalogue and of a model file alike.
pub(super) static PLACED_POOL: Table = Table {
    name: "pool",
    doc: "A concentration of an ion inside a neuron, moved by the currents of the channels that carry it. What is said here stands for what the entry says.",
    fields: &[
        field("use", Entry(&["pool"]), Required, "The pool."),
        POOL_DEPTH,
        field("rest", Number(D::CONCENTRATION, Positive), Optional, "Free concentration without any current."),
        POOL_TAU,
        POOL_V_MAX,
        POOL_K_M,
        POOL_BOUND,
        POOL_SHARE,
        POOL_DIFFUSION,
        POOL_BUFFER_DIFFUSION,
        field(
            "on",
            Texts,
            Optional,
            "Sections and regions that have it, also `spines.NAME`, `spines.NAME.head`, `spines.NAME.neck`; without it, all. Heads of spines of which nothing is said have the pool of where they sit, and if it diffuses, necks as well.",
        ),
    ],
};

/// What of a pool is said in its entry, or otherwise where it is placed.
pub(super) const POOL_DEPTH: Field = field(
    "depth",
    Number(D::LENGTH, Positive),
    Optional,
    "Of a shell below the membrane, its volume the membrane's area times this, at most all of the section; without it, all of it.",
);
pub(super) const POOL_TAU: Field = field(
    "tau",
    Number(D::TIME, Positive),
    Optional,
    "Time constant of removal with nothing bound; with a buffer it takes 1 + `bound` times as long.",
);
pub(super) const POOL_V_MAX: Field = field(
    "v_max",
    Number(D::FLUX_DENSITY, NotNegative),
    Optional,
    "Of a saturating pump, balanced by a leak at `rest`: most that it carries, per area.",
);
pub(super) const POOL_K_M: Field = field(
    "k_m",
    Number(D::CONCENTRATION, Positive),
    Optional,
    "Of the pump: concentration at which it carries half of that.",
);
pub(super) const POOL_BOUND: Field = field(
    "bound",
    Number(D::NONE, NotNegative),
    Optional,
    "Binding ratio of a fast buffer that does not saturate: bound over free; without it, 0.",
);
pub(super) const POOL_DIFFUSION: Field = field(
    "diffusion",
    Number(D::DIFFUSION, Positive),
    Optional,
    "Diffusion coefficient of the free ion, which then passes to neighbouring compartments that have such a pool, through necks of spines as well; without it, it stays. Not of a shell: `depth` is all of the section.",
);
pub(super) const POOL_BUFFER_DIFFUSION: Field = field(
    "buffer_diffusion",
    Number(D::DIFFUSION, NotNegative),
    Optional,
    "Diffusion coefficient of the buffer with what is bound to it; without it, it is fixed. In all, `(diffusion + bound buffer_diffusion) / (1 + bound)`.",
);
pub(super) const POOL_SHARE: Field = field(
    "share",
    Number(D::NONE, NotNegative),
    Optional,
    "Share of the ion's current that comes into the pool; without it, 1.",
);
