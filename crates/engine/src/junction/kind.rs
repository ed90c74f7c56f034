//! Kinds of gap junctions: ohmic, rectifying, gated by the voltage across them, and what changes their strength.

pub use crate::mechanism::SchemeStep as JunctionStep;
use crate::mechanism::{MAX_STATES, Program};
use thiserror::Error;

/// What an input of a kind's program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JunctionInput {
    /// Voltage of side a minus that of side b, mV.
    Across,
    /// A parameter of the kind, in its own unit; the temperature (K) is one as well.
    Parameter(u16),
}

/// States of a junction's channels, as means.
#[derive(Clone, Debug, PartialEq)]
pub struct JunctionScheme {
    /// The steps; parallel ones add.
    pub steps: Vec<JunctionStep>,
    /// What a channel conducts in each state (1 to 64 of them), as a share of the most it can: 0 to 1.
    pub open: Vec<f64>,
}

/// What drives a modulator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drive {
    /// A messenger that is held: its share of saturation, 0 to 1. The channels begin in equilibrium with it.
    Held(f64),
    /// Spikes of the cell on side a; each adds 1 to the trace.
    A,
    /// Spikes of the cell on side b.
    B,
    /// Spikes of either cell.
    Either,
    /// What is told from outside ([`crate::circuit::Outside::told`]), such as quanta of the chemical part of the synapse.
    Told,
}

/// What changes the strength of a junction for longer than it lasts: channels are modified with the rate `share / time` and
/// restored with the rate `1 / forget`; modified ones conduct `1 + change` times as much. With a trace `x` of events, which
/// decays with `trace`, the share is `x^power / (x^power + half^power)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modulator {
    /// What drives it.
    pub by: Drive,
    /// Conductance of a modified channel over that of one that is not, less 1; -1 at least.
    pub change: f64,
    /// Events in the trace that do half; of events.
    pub half: f64,
    /// Hill coefficient; of events.
    pub power: f64,
    /// Time constant of the trace, ms; of events.
    pub trace: f64,
    /// Time constant of modification when the drive is saturated, ms.
    pub time: f64,
    /// Time constant of restoration, ms; infinite where it lasts.
    pub forget: f64,
}

/// A kind of junction.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Rates of the steps (/ms) and the share that conducts at once, as they are named.
    pub rates: Program,
    /// What the program's inputs are, in order.
    pub inputs: Vec<JunctionInput>,
    /// Values of the parameters.
    pub parameters: Vec<f64>,
    /// States that follow the voltage in their time.
    pub scheme: Option<JunctionScheme>,
    /// Output that is the share (0 or more) which conducts at the voltage of the moment; solved by Newton's method.
    pub at_once: Option<u16>,
    /// What changes its strength.
    pub modulators: Vec<Modulator>,
}

impl Kind {
    /// The same conductance at every voltage.
    ///
    /// # Panics
    /// Never: an empty program can always be written.
    #[must_use]
    pub fn ohmic() -> Self {
        let rates = crate::mechanism::ProgramBuilder::new(0).finish(&[]).expect("an empty program");
        let (inputs, parameters, modulators) = (Vec::new(), Vec::new(), Vec::new());
        Self { rates, inputs, parameters, scheme: None, at_once: None, modulators }
    }

    /// Whether its parts fit together.
    ///
    /// # Errors
    /// [`KindError`]: the first thing that does not.
    pub fn check(&self) -> Result<(), KindError> {
        let known = |input: &JunctionInput| match input {
            JunctionInput::Across => true,
            JunctionInput::Parameter(k) => usize::from(*k) < self.parameters.len(),
        };
        let output = |k: u16| usize::from(k) < self.rates.outputs();
        let fits = |scheme: &JunctionScheme| {
            let n = scheme.open.len();
            (1..=MAX_STATES).contains(&n)
                && scheme.open.iter().all(|x| (0.0..=1.0).contains(x))
                && scheme
                    .steps
                    .iter()
                    .all(|s| s.from != s.to && [s.from, s.to].iter().all(|&x| usize::from(x) < n) && output(s.rate))
        };
        let whole = self.inputs.len() == self.rates.inputs()
            && self.inputs.iter().all(known)
            && self.scheme.as_ref().is_none_or(fits)
            && self.at_once.is_none_or(output);
        if !whole || self.parameters.iter().any(|p| !p.is_finite()) {
            return Err(KindError::Program);
        }
        let sound = |m: &Modulator| {
            let positive = |x: f64| x > 0.0 && x.is_finite();
            let events = match m.by {
                Drive::Held(share) => (0.0..=1.0).contains(&share),
                _ => [m.half, m.power, m.trace].into_iter().all(positive),
            };
            events && m.change >= -1.0 && m.change.is_finite() && positive(m.time) && m.forget > 0.0
        };
        match self.modulators.iter().position(|m| !sound(m)) {
            Some(modulator) => Err(KindError::Modulator { modulator }),
            None => Ok(()),
        }
    }
}

/// A kind of junction that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KindError {
    /// Inputs, parameters, steps and outputs that do not fit together.
    #[error(
        "one role an input, parameters that exist, outputs that the steps name, 64 states at most, shares from 0 to 1"
    )]
    Program,
    /// Numbers of a modulator outside their ranges.
    #[error("modulator {modulator}: a share from 0 to 1, a change of -1 or more, times, half and power above 0")]
    Modulator {
        /// Which.
        modulator: usize,
    },
}
