//! Closed surfaces of triangles: whether they are closed, what is within, what is near.
//!
//! A [`Surface`] is what a file holds; a [`Mesh`] is one that bounds a single connected space, every fault of which is told at
//! once otherwise. Normals point out of the space. Searches go down a tree of boxes; which side of the surface a point is on follows from the
//! normal at its nearest point, which is exact for a closed surface (Baerentzen & Aanaes 2005, IEEE Trans Vis Comput Graph 11:243).
//! Lengths are in any unit, of which faults say um.

mod check;
mod fault;
mod mesh;
mod patch;
mod solids;
mod surface;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod triangle;
pub mod vector;

pub use fault::{Fault, Flaw, NAMED};
pub use mesh::{Mesh, Near, Spread};
pub use patch::{Patches, Touch};
pub use solids::{cuboid, icosphere, prism};
pub use surface::{Selection, Surface};
pub use vector::Point;
