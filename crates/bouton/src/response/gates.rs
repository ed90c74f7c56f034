//! Gates at one voltage.

use super::ResponseError;
use crate::lower;
use model::resolve::{Part, ResolvedGate};

/// A gate where the voltage is held.
#[derive(Debug, Clone, PartialEq)]
pub struct GateAt {
    /// Its name.
    pub name: String,
    /// How many must be open at once.
    pub count: u32,
    /// Share of gates that are open when settled.
    pub steady: f64,
    /// Time constant, ms.
    pub tau: f64,
}

/// Stationary value and time constant of a gate at `v_m` mV.
///
/// # Errors
/// Rates that are not finite there.
pub fn gate_at(part: &Part, gate: &ResolvedGate, v_m: f64) -> Result<GateAt, ResponseError> {
    let lowered = lower::gate(part, gate).map_err(|_| ResponseError::Nothing("the gate cannot be lowered"))?;
    let rates = lowered.kinetics.transition_rates(&lowered.coefficients(v_m, &[]), &[])?;
    let steady = lowered.open(&lowered.rest(v_m, &[])?);
    Ok(GateAt { name: gate.name.clone(), count: gate.count, steady, tau: 1.0 / (rates[0] + rates[1]) })
}
