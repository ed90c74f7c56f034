//! Continuous-time Markov chains on a few states: `dp/dt = p Q`, with `Q` in /ms.
//!
//! Propagator `exp(Q dt)` without cancellation (Xue & Ye 2013, Math. Comp. 82:1577), stationary law by
//! GTH elimination (Grassmann, Taksar & Heyman 1985, Oper. Res. 33:1107), reaction loops (Horton 1987),
//! quasi-stationary law of a chain not yet killed (Darroch & Seneta 1967 J Appl Prob 4:192).
//! Limits: dense, meant for at most a few hundred states.

mod generator;
mod loops;
mod propagator;
mod quiet;
mod stationary;

pub use generator::{Generator, MarkovError};
pub use loops::{Loop, Reaction, loops};
pub use propagator::Propagator;
pub use quiet::Quiet;
