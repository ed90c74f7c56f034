//! Mathematics without biology: lanes, exp and ln, random numbers, linear solvers, closed surfaces, Markov generators, jumps.

pub mod bracket;
pub mod constants;
pub mod jump;
pub mod linear;
pub mod markov;
pub mod math;
pub mod passage;
pub mod piecewise;
pub mod rng;
pub mod simd;
pub mod spatial;
pub mod sum;
