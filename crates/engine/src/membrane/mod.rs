//! Membranes: what drives an ion through them.
//!
//! Signs as electrophysiologists write them: v is inside minus outside, a current of positive charge out of the cell
//! is positive, an inward one negative.

mod ghk;
mod reversal;

pub use ghk::{Ghk, ghk_current};
pub use reversal::{Monovalent, Permeant, ghk_voltage, nernst};
