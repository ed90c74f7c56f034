//! The synaptic cleft molecule by molecule, without a time step.
//!
//! The cleft is thin: after `h^2 / (pi^2 D)`, a tenth of a microsecond, the height of a molecule is anywhere, so a molecule is
//! a walker on a surface. Where it is over a **tile** of the membrane, each receptor in the tile that can bind may do so at
//! the rate `k / (h A)` (Doi's model of reactions; A the tile's area, of half a cleft's height across). As that rate is bounded, so are
//! encounters: they come at the greatest rate anywhere, and one that finds less there may come to nothing (thinning;
//! Lewis & Shedler 1979). Between two encounters a walker goes in **leaps**, by the exact law of the first passage through
//! the largest disc or interval around it, so nothing crosses the rim unseen. Nothing here has an error that a step makes.
//!
//! A walker minds no other, so it goes ahead alone to its next encounter with a receptor that might bind; only these
//! encounters and what receptors do by themselves are put into order in time.
//!
//! **Rates.** The scheme's rate of binding is that of an isolated site in the far field: what it is within a
//! tile follows from the field of a sink between two walls, and unbinding is quicker by the same factor, so that equilibria stay.
//! An unbound molecule starts anywhere in the tile, as it is bound anywhere there: detailed balance holds exactly.
//!
//! Limits: one kind of molecule that moves; rates of binding are of the first order in what moves; heights matter only for what
//! is released opposite (within `h^2 / D` of it). Sources: Doi (1976) J Phys A 9:1479; van Zon & ten Wolde (2005) J Chem Phys
//! 123:234910.

mod calendar;
mod kind;
mod plan;
mod run;
mod seen;
mod sites;
mod space;
mod tiles;
mod tissue;
mod walk;

pub use kind::{Kind, Places};
pub use plan::{MolecularError, Plan};
pub use run::{Budget, Changed, State};
pub use seen::Watch;
pub use space::{Edge, Shape, Space};
