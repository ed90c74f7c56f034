//! Molecules that diffuse within a closed surface of triangles, one by one, without a time step.
//!
//! A walker goes in **leaps**, each by the exact law of Brownian motion in a body around it: far from walls a ball; near a face a
//! cylinder on it, if that absorbs, which it leaves at the face half of the time. Near a sealed face it goes as if that were not there, and is folded
//! back: the same at faces at right angles to each other, and between two that face each other, as in a box or a thin gap. From the apex of a cone with
//! sealed walls the law is that of a ball, cut by the cone, for the density `exp(-r^2 / 4Dt)` has no slope across its walls: so a
//! half space, the wedge at an edge and the cone at a corner all are one leap, as long as nothing else is within its radius. Leaps
//! grow with the room there is, and nothing depends on their number.
//!
//! What is not exact: near an edge, within a small share of the room around it, a walker is put on the edge, or farther out on a face, such that means
//! stay in first order: it would come there by itself only after ever so many leaps. Near a corner it is put there. What that
//! changes is of the order of [`SNAP`] for those few who come so near. At the rim of an absorbing region the share is the square of
//! `SNAP`, for the density there goes with the root of the distance.
//!
//! A **site** on the wall binds what is within its radius at a constant rate (Doi's model), chosen such that an isolated site on a flat
//! wall has the far-field rate that it is given: `k = 2 pi D a (1 - tanh(p) / p)`, `p = a sqrt(rate / D)`. What is unbound starts anywhere
//! there: detailed balance holds exactly. Encounters are thinned (Lewis & Shedler 1979), so they do not depend on leaps either.
//!
//! Limits: molecules do not see each other; a wall is sealed or absorbs all; a site whose surroundings are not flat has the same rate of
//! binding times volume, but another far-field rate; what is within its radius is bound across a fold, too.
//! Sources: Muller (1956) Ann Math Stat 27:569 (walk on spheres); Deaconu & Lejay (2006) Methodol Comput Appl Probab 8:135 (rectangles);
//! Doi (1976) J Phys A 9:1479; Erban & Chapman (2009) Phys Biol 6:046001 (the rate of such a site in free space).

mod domain;
mod leap;
mod site;

pub use domain::{Domain, DomainError, Stop, Walker};
pub use site::Site;

/// Nearer to a corner than this share of the room around it a walker is put there; to an outer edge, than its root.
pub const SNAP: f64 = 1e-3;
