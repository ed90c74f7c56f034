//! Populations of instances of one scheme, as means (occupancies) or as jumps (counts).
//!
//! | the population | step |
//! |---|---|
//! | means, one ligand and voltage for all | [`Exact`]: one propagator, exact at any step |
//! | means, each instance its own | [`Implicit`]: backward Euler or SDIRK2, stable at any step |
//! | jumps, one ligand and voltage for all | [`Jumps::step_shared`]: exact multinomial draws |
//! | jumps, each instance its own, many copies | [`Jumps::step_each`]: exact, one propagator an instance |
//! | jumps, few copies | [`Jumps::gillespie`]: exact, one jump at a time |
//! | jumps, copies at places of their own, each jump at its tick | [`Individuals`]: exact for rates constant in slots |
//!
//! Layout: blocks of 8 instances, within a block one line of 8 lanes a state (design: a block is the unit of work), so
//! that fixed chunks split between threads without sharing and a step reads one stream.

mod elimination;
mod exact;
mod implicit;
mod individuals;
mod jumps;
mod means;
mod sparse;
mod tree;

pub use exact::Exact;
pub use implicit::{Implicit, Method};
pub use individuals::{ASLEEP, Drive, Individuals, IndividualsPlan, Luck, Move};
pub use jumps::{Jumps, Laws};
pub use means::Means;

use crate::fault::Fault;
use crate::mechanism::{Input, Kinetics, KineticsError};
use thiserror::Error;

/// Blocks a thread takes at a time; fixed, so that threads cannot show in the bits.
const CHUNK: usize = 256;

/// A population that cannot be made or stepped with these arguments.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum EnsembleError {
    /// Starting values of the wrong number, negative, not finite, or more copies than fit.
    #[error("the start needs one finite, nonnegative number for each of the {states} states")]
    Start {
        /// How many states.
        states: usize,
    },
    /// The population belongs to a scheme with another number of states.
    #[error("the population has {got} states, the scheme {want}")]
    States {
        /// Of the population.
        got: usize,
        /// Of the scheme.
        want: usize,
    },
    /// A solver made for another scheme.
    #[error("the solver was made for another scheme")]
    OtherScheme,
    /// Coefficients, ligands or columns do not fit the scheme or the population.
    #[error("{got} values where {want} are needed")]
    Length {
        /// How many came.
        got: usize,
        /// How many are needed.
        want: usize,
    },
    /// Copies at rest have no one law to wait in.
    #[error("at rest, copies need active states, others, and one law whatever the start")]
    Rest,
    /// A step that is negative.
    #[error("a step must not be negative")]
    Step,
    /// Rates that are not rates.
    #[error(transparent)]
    Kinetics(#[from] KineticsError),
    /// The run failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Checks that inputs are one a place, and their columns one value an instance.
fn fit(inputs: &[Input], want: usize, instances: usize) -> Result<(), EnsembleError> {
    if inputs.len() != want {
        return Err(EnsembleError::Length { got: inputs.len(), want });
    }
    for input in inputs {
        if let Input::Column(column) = input
            && column.len() != instances
        {
            return Err(EnsembleError::Length { got: column.len(), want: instances });
        }
    }
    Ok(())
}

/// Checks all that a step with rates per instance is given.
fn fit_all(
    kinetics: &Kinetics,
    (states, instances): (usize, usize),
    coefficients: &[Input],
    ligands: &[Input],
) -> Result<(), EnsembleError> {
    if states != kinetics.states() {
        return Err(EnsembleError::States { got: states, want: kinetics.states() });
    }
    fit(coefficients, kinetics.rates().outputs(), instances)?;
    fit(ligands, kinetics.ligands(), instances)
}

/// The number an input has for one instance.
#[inline]
fn at(input: &Input, instance: usize) -> f64 {
    match input {
        Input::Uniform(x) => *x,
        Input::Column(column) => column[instance],
    }
}
