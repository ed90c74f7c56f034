//! How a scheme answers to a ligand, a voltage or calcium: exact means of piecewise constant courses, and what an
//! experimenter would read off them.
//!
//! Within a constant stretch p(t) = p(0) exp(Q t) holds exactly; peaks and crossings are found by bracketing, so numbers
//! are good to about 1e-9 of their scale whatever the stiffness.

mod course;
mod gates;
mod measure;
mod sensor;

pub use course::{Course, CourseError, Protocol, course};
pub use gates::{GateAt, RESTING_CALCIUM, gate_at};
pub(crate) use measure::uptake;
pub use measure::{Pulse, Step, dose_response, pulse, slowest_time_constant, step, turnover};
pub use sensor::{Transient, calcium_step, calcium_transient};

use crate::lower::{LoweredScheme, observable};
use engine::mechanism::{KineticsError, ObservableIndex};
use numerics::bracket::BracketError;
use numerics::markov::{Generator, MarkovError, Propagator};
use thiserror::Error;

/// Why a response could not be computed.
#[derive(Debug, Error)]
pub enum ResponseError {
    /// A rate came out negative or not finite.
    #[error(transparent)]
    Kinetics(#[from] KineticsError),
    /// The chain has no such law.
    #[error(transparent)]
    Markov(#[from] MarkovError),
    /// A search did not close in.
    #[error("the response has no such point (a half, a peak) at these values")]
    Bracket(#[from] BracketError),
    /// There is nothing to measure.
    #[error("{0}")]
    Nothing(&'static str),
    /// A recipe that cannot be built; every fault of it.
    #[error("{0}")]
    Recipe(String),
}

/// A scheme at one voltage (mV) and set of ligand concentrations (mM).
#[derive(Debug, Clone)]
pub struct Held {
    /// dp/dt = p Q, /ms
    pub generator: Generator,
    states: usize,
}

impl LoweredScheme {
    /// The scheme with everything held.
    ///
    /// # Errors
    /// A rate that is negative or not finite there.
    pub fn held(&self, v_m: f64, ligands: &[f64]) -> Result<Held, ResponseError> {
        let generator = self.kinetics.generator(&self.coefficients(v_m, ligands), ligands)?;
        Ok(Held { generator, states: self.kinetics.states() })
    }

    /// The stationary law there, absorbing states left out. Where several sets of states are never left (a blocked arm
    /// without agonist), it is the law reached from the first state.
    ///
    /// # Errors
    /// As [`held`](Self::held).
    pub fn rest(&self, v_m: f64, ligands: &[f64]) -> Result<Vec<f64>, ResponseError> {
        let held = self.held(v_m, ligands)?;
        let absorbing: Vec<usize> = self.kinetics.absorbing().iter().map(|s| usize::from(s.0)).collect();
        match held.generator.stationary_without(&absorbing) {
            Err(MarkovError::ManyRecurrentClasses { .. }) => {
                let mut reached = vec![false; held.states];
                let mut stack = vec![0];
                while let Some(i) = stack.pop() {
                    if !std::mem::replace(&mut reached[i], true) {
                        stack.extend(
                            (0..held.states)
                                .filter(|&j| j != i && held.generator.rate(i, j) > 0.0 && !absorbing.contains(&j)),
                        );
                    }
                }
                let out: Vec<usize> = (0..held.states).filter(|i| !reached[*i] || absorbing.contains(i)).collect();
                Ok(held.generator.stationary_without(&out)?)
            }
            other => Ok(other?),
        }
    }

    /// The weights of an observable, one a state.
    pub fn weights(&self, which: ObservableIndex) -> &[f64] {
        self.kinetics.weights(which).unwrap_or(&[])
    }

    /// Open probability of a law.
    pub fn open(&self, p: &[f64]) -> f64 {
        dot(p, self.weights(observable::OPEN))
    }
}

impl Held {
    /// exp(Q t), t in ms.
    ///
    /// # Errors
    /// A time that is negative or not finite.
    pub fn propagator(&self, t: f64) -> Result<Propagator, ResponseError> {
        Ok(self.generator.propagator(t)?)
    }

    /// The law `t` ms after `p`.
    ///
    /// # Errors
    /// As [`propagator`](Self::propagator).
    pub fn after(&self, p: &[f64], t: f64) -> Result<Vec<f64>, ResponseError> {
        let mut out = vec![0.0; self.states];
        self.propagator(t)?.apply(p, &mut out);
        Ok(out)
    }

    /// The fastest rate of leaving a state, /ms.
    pub fn fastest(&self) -> f64 {
        (0..self.states).map(|i| self.generator.exit(i)).fold(0.0, f64::max)
    }
}

/// The sum of products in the order of the states.
pub(crate) fn dot(p: &[f64], w: &[f64]) -> f64 {
    p.iter().zip(w).fold(0.0, |s, (a, b)| a.mul_add(*b, s))
}
