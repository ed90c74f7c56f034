//! Linear systems of cables and trees, eight at a time.
//!
//! A column holds one number per row and lane; lanes are independent systems. [`tridiagonal`] is for unbranched
//! cables, [`tree`] for branched ones whose shapes may differ between lanes. Both eliminate without pivoting: right
//! for diagonally dominant matrices, as implicit cable equations are. Sources at the functions.

pub mod tree;
pub mod tridiagonal;

#[cfg(test)]
mod tests;
