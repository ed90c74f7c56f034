//! Gap junctions: current from cell to cell, at once and both ways.
//!
//! The current from side a to side b is `g w s f(V_a - V_b) (V_a - V_b)`: `g` all channels open, `w` what modulators have
//! made of it, `s` what the states conduct, `f` what the voltage leaves at once. What one cell loses the other gains.

mod component;
mod kind;

pub(crate) use component::{Component, Restless, TOLERANCE, Vectors};
pub use kind::{Drive, JunctionInput, JunctionScheme, JunctionStep, Kind, KindError, Modulator};
