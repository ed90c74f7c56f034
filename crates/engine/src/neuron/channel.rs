//! A channel kind: gates whose rates are a program over voltage, temperature and parameters.
//!
//! `I = g_max prod_j x_j^n_j (V - e_rev)`, or by another [`Law`]; each gate relaxes on its own (Hodgkin & Huxley 1952, J
//! Physiol 117:500). A leak is a channel without gates. Instead of gates a channel may have a [`Scheme`]. Limits: 8 gates, 16
//! inputs of gates, powers up to 8; 64 states of a scheme, or of all gates together where copies are counted.

use super::ionic::Law;
use super::plan::PlanError;
use super::scheme::{Scheme, states_of};
use crate::mechanism::{MAX_STATES, Program};

/// Gates of a channel, at most.
pub const MAX_GATES: usize = 8;
/// Inputs of the program of a channel with gates, at most.
pub const MAX_INPUTS: usize = 16;
/// Power of a gate, at most.
pub const MAX_POWER: u8 = 8;

/// What the two outputs of a gate mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateForm {
    /// Opening and closing rate, /ms.
    Rates,
    /// Steady state (0 to 1) and time constant, ms; a time constant of 0 follows the voltage at once.
    Steady,
}

impl GateForm {
    /// The steady state for the two outputs; 0 if neither rate is positive.
    pub(super) fn steady(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Rates if a + b == 0.0 => 0.0,
            Self::Rates => a / (a + b),
            Self::Steady => a,
        }
    }
}

/// One kind of gate of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    /// How many such gates a channel has in series: the power in the conductance, 1 to 8.
    pub count: u8,
    /// What its outputs mean.
    pub form: GateForm,
}

/// What an input of the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelInput {
    /// The compartment's voltage, mV.
    Voltage,
    /// The population's temperature, K.
    Temperature,
    /// A parameter of the channel, in its own unit.
    Parameter(u16),
    /// The concentration of an ion of the plan inside the compartment, mM, which must have a pool of it.
    Concentration(u16),
}

/// A channel kind, shared by all compartments that have it.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Reversal potential, mV, where no compartment says otherwise; of ohmic channels.
    pub e_rev: f64,
    /// Its gates; none for a leak.
    pub gates: Vec<Gate>,
    /// States instead of gates.
    pub scheme: Option<Scheme>,
    /// Conductance of one open copy, nS (permeability, um3/ms, with a GHK law): then copies are counted, `g_max` over it of
    /// them, to the nearest whole number, in a compartment. None for means.
    pub single: Option<f64>,
    /// Outputs 2j and 2j + 1 belong to gate j; of a scheme, rates as its steps name them.
    pub rates: Program,
    /// What the program's inputs are, in order.
    pub inputs: Vec<ChannelInput>,
    /// Values of the parameters, where no compartment says otherwise.
    pub parameters: Vec<f64>,
    /// Current against voltage.
    pub law: Law,
    /// The ion of the plan that it carries; where a compartment has a pool of it, the current comes from there.
    pub ion: Option<u16>,
}

impl Channel {
    /// A channel without gates. `e_rev`: mV.
    ///
    /// # Panics
    /// Never: an empty program can always be written.
    #[must_use]
    pub fn leak(e_rev: f64) -> Self {
        let rates = crate::mechanism::ProgramBuilder::new(0).finish(&[]).expect("an empty program");
        let (gates, inputs, parameters) = (Vec::new(), Vec::new(), Vec::new());
        Self { e_rev, gates, scheme: None, single: None, rates, inputs, parameters, law: Law::Ohmic, ion: None }
    }

    /// Whether it is ohmic and has nothing to do with any pool's balance.
    pub(super) fn is_plain(&self) -> bool {
        self.law == Law::Ohmic && self.ion.is_none()
    }

    /// Whether it is a fixed conductance.
    pub(super) fn is_leak(&self) -> bool {
        self.gates.is_empty() && self.scheme.is_none() && self.is_plain()
    }

    /// Ions whose pools must be wherever the channel is.
    pub(super) fn needs(&self) -> impl Iterator<Item = usize> + '_ {
        let read = self.inputs.iter().filter_map(|input| match input {
            ChannelInput::Concentration(ion) => Some(usize::from(*ion)),
            _ => None,
        });
        read.chain(self.ion.filter(|_| self.law.needs_pool()).map(usize::from))
    }

    pub(super) fn check(&self, channel: usize, ions: usize) -> Result<(), PlanError> {
        let known = |input: &ChannelInput| match input {
            ChannelInput::Parameter(k) => usize::from(*k) < self.parameters.len(),
            ChannelInput::Concentration(ion) => usize::from(*ion) < ions,
            _ => true,
        };
        let law = match self.law {
            Law::Ohmic => true,
            Law::Nernst | Law::Ghk => self.ion.is_some(),
            Law::GhkHeld { valence, inside, outside } => {
                valence != 0 && [inside, outside].iter().all(|c| *c >= 0.0 && c.is_finite())
            }
        };
        let outputs = self.rates.outputs();
        let gates = self.gates.len() <= MAX_GATES
            && self.inputs.len() <= MAX_INPUTS
            && self.gates.iter().all(|gate| (1..=MAX_POWER).contains(&gate.count))
            && outputs == 2 * self.gates.len();
        let counted = self.single.is_none_or(|one| {
            one > 0.0
                && one.is_finite()
                && (self.scheme.is_some() || (2..=MAX_STATES).contains(&states_of(&self.gates)))
        });
        let sound = self.scheme.as_ref().map_or(gates, |scheme| self.gates.is_empty() && scheme.fits(outputs))
            && counted
            && self.rates.inputs() == self.inputs.len()
            && self.inputs.iter().all(known)
            && law
            && self.ion.is_none_or(|ion| usize::from(ion) < ions);
        if !sound {
            return Err(PlanError::Channel { channel });
        }
        let mut numbers = self.parameters.iter().chain([&self.e_rev]);
        numbers.find(|x| !x.is_finite()).map_or(Ok(()), |&value| Err(PlanError::ChannelNumber { channel, value }))
    }
}
