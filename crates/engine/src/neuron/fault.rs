//! A neuron that cannot go on: which number, in which cell and compartment, when, and what to try.

use crate::time::Tick;
use std::fmt;
use thiserror::Error;

/// What went wrong with which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeuronQuantity {
    /// A voltage (mV) is not finite.
    Voltage,
    /// A port's conductance (nS) or current (pA) is not finite.
    Port,
    /// A gate is not finite or outside 0 to 1.
    Gate {
        /// The channel kind.
        channel: usize,
        /// Its gate.
        gate: usize,
    },
    /// A concentration (mM) is not finite or not above 0.
    Concentration {
        /// The ion of the plan.
        ion: usize,
    },
    /// A rate of a step of a scheme is negative or not finite.
    SchemeRate {
        /// The channel kind.
        channel: usize,
        /// Output of its program.
        output: usize,
    },
    /// A rate (or steady state, or time constant) is negative or not a number.
    Rate {
        /// The channel kind.
        channel: usize,
        /// Its gate.
        gate: usize,
    },
}

impl fmt::Display for NeuronQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voltage => write!(f, "the voltage"),
            Self::Port => write!(f, "the synaptic or injected input"),
            Self::Gate { channel, gate } => write!(f, "gate {gate} of channel {channel}"),
            Self::Concentration { ion } => write!(f, "the concentration of ion {ion}"),
            Self::SchemeRate { channel, output } => write!(f, "rate {output} of the scheme of channel {channel}"),
            Self::Rate { channel, gate } => write!(f, "a rate of gate {gate} of channel {channel}"),
        }
    }
}

/// A run that cannot go on. The state it left behind is not to be used. Indices only: names are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{quantity} in compartment {compartment} of cell {cell} became {value} at {at}; try {}", self.cure())]
pub struct NeuronFault {
    /// Which number.
    pub quantity: NeuronQuantity,
    /// Its value.
    pub value: f64,
    /// The cell, within the population.
    pub cell: usize,
    /// The compartment, within the cell.
    pub compartment: usize,
    /// At the start of the step that failed.
    pub at: Tick,
}

impl NeuronFault {
    /// What the user may try.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self.quantity {
            NeuronQuantity::Voltage => "a shorter step, and look for a conductance or current that overflows",
            NeuronQuantity::Port => "looking at what is connected to this compartment",
            NeuronQuantity::Gate { .. } => {
                "checking that the steady state lies between 0 and 1 and no rate is negative"
            }
            NeuronQuantity::Concentration { .. } => {
                "a shorter step; a reversal potential that follows the concentration, or a larger pool"
            }
            NeuronQuantity::SchemeRate { .. } | NeuronQuantity::Rate { .. } => {
                "checking the rate's expression over the voltages that occur"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_what_where_when_and_a_cure() {
        let quantity = NeuronQuantity::Gate { channel: 3, gate: 1 };
        let fault = NeuronFault { quantity, value: 2.0, cell: 17, compartment: 5, at: Tick(2_500_000_000) };
        let text = fault.to_string();
        for part in ["gate 1", "channel 3", "compartment 5", "cell 17", "2.5 ms", "try "] {
            assert!(text.contains(part), "{text}");
        }
    }
}
