//! The presynaptic terminal: from the action potential's calcium to vesicles that fuse, and back to vesicles ready.
//!
//! | part | what | how |
//! |---|---|---|
//! | [`action_potential`] | command templates | piecewise quintic, or a table with monotone cubics |
//! | [`domain`] | calcium around open channels | closed form in excess buffer, superposed |
//! | [`shells`] | the same, by full reaction and diffusion | implicit, the reference |
//! | [`bulk`] | volume-averaged calcium, buffers, extrusion | implicit, stiff |
//! | [`sensor`], [`sites`], [`means`] | a release sensor; its vesicles as jumps; as occupancies | exact per slot |
//! | [`pools`], [`release`] | whole vesicles between pools; sites and pools together | exact, one event at a time |
//! | [`Terminal`], [`layout`] | the whole sending side; where its channels and vesicles are | a slot at a time; silence asleep |
//!
//! Currents come in as numbers (pA, inward positive): whose channel, and how it is driven (GHK, not a fixed reversal
//! potential: D-21), is the caller's. Units: ms, um, mV, pA, mM, um2/ms, amol.

pub mod action_potential;
pub mod buffer;
pub mod bulk;
mod cell;
mod column;
pub mod domain;
pub mod layout;
pub mod means;
mod plan;
pub mod pools;
pub mod release;
mod run;
pub mod sensor;
pub mod shells;
pub mod sites;

pub use plan::{ChannelKind, Port, Tail, Terminal, TerminalDescription};
pub use release::Shift;
pub use run::{SlotDrive, TerminalScratch, TerminalState, Work};

use crate::ensemble::EnsembleError;
use crate::fault::Fault;
use crate::mechanism::KineticsError;
use thiserror::Error;

/// A part of a terminal that cannot be made or stepped with these arguments.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum TerminalError {
    /// A number outside its range.
    #[error("{what} is {value}: it must be {must}")]
    Value {
        /// Which number, with its unit.
        what: &'static str,
        /// What came.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// A list of the wrong length.
    #[error("{got} {what} where {want} are needed")]
    Length {
        /// Of what.
        what: &'static str,
        /// How many came.
        got: usize,
        /// How many are needed.
        want: usize,
    },
    /// A scheme that cannot serve here.
    #[error("the scheme cannot serve here: {0}")]
    Scheme(&'static str),
    /// Rates that are not rates.
    #[error(transparent)]
    Kinetics(#[from] KineticsError),
    /// Channels that cannot be followed.
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
    /// The run failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Lets `value` through if it is finite and not negative.
fn nonnegative(what: &'static str, value: f64) -> Result<f64, TerminalError> {
    let must = "finite and not negative";
    if value >= 0.0 && value.is_finite() { Ok(value) } else { Err(TerminalError::Value { what, value, must }) }
}

/// Lets `value` through if it is finite and above 0.
fn positive(what: &'static str, value: f64) -> Result<f64, TerminalError> {
    let must = "finite and above 0";
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(TerminalError::Value { what, value, must }) }
}

/// Lets a length through if it is as wanted.
fn length(what: &'static str, got: usize, want: usize) -> Result<(), TerminalError> {
    if got == want { Ok(()) } else { Err(TerminalError::Length { what, got, want }) }
}
