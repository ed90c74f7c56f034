//! The run's own failure: what became meaningless, where, when, and what to try.
//!
//! Indices only; whoever knows the names (the plan's side table) puts them in.

use crate::time::Tick;
use std::fmt;
use thiserror::Error;

/// What went wrong with which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Occupancy of a state became non-finite.
    Occupancy {
        /// The state.
        state: usize,
    },
    /// A rate is negative or not finite.
    Rate {
        /// The transition.
        transition: usize,
    },
    /// A concentration is negative or not finite.
    Concentration {
        /// The ligand.
        ligand: usize,
    },
    /// The step the solver would need is below a thousandth of a tick.
    Step,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupancy { state } => write!(f, "the occupancy of state {state}"),
            Self::Rate { transition } => write!(f, "the rate of transition {transition}"),
            Self::Concentration { ligand } => write!(f, "the concentration of ligand {ligand}"),
            Self::Step => write!(f, "the step needed (in ms)"),
        }
    }
}

/// A run that cannot go on. The state it left behind is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{quantity} of instance {instance} became {value} at {at}; try {}", self.cure())]
pub struct Fault {
    /// Which number.
    pub quantity: Quantity,
    /// Its value.
    pub value: f64,
    /// Whose, within the population (or box).
    pub instance: usize,
    /// At the start of the step that failed.
    pub at: Tick,
}

impl Fault {
    /// What the user may try.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self.quantity {
            Quantity::Occupancy { .. } => "a shorter step, and look for a rate that overflows",
            Quantity::Rate { .. } => "checking the rate's expression over the voltages and parameters that occur",
            Quantity::Concentration { .. } => "a shorter step or a tighter tolerance where this ligand is made",
            Quantity::Step => "a looser tolerance, and look for a rate or source that jumps",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_what_where_when_and_a_cure() {
        let fault =
            Fault { quantity: Quantity::Rate { transition: 3 }, value: -1.0, instance: 7, at: Tick(2_500_000_000) };
        let text = fault.to_string();
        for part in ["transition 3", "instance 7", "-1", "2.5 ms", "try "] {
            assert!(text.contains(part), "{text}");
        }
    }
}
