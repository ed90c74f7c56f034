//! Gates at one voltage.

use super::ResponseError;
use crate::lower;
use model::resolve::{Part, ResolvedGate};

/// Free calcium of a cell at rest, mM, where nothing else is said.
pub const RESTING_CALCIUM: f64 = 1e-4;

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

/// Stationary value and time constant of a gate at `v_m` mV and `inside` mM of each ion that it reads.
///
/// # Errors
/// Rates that are not finite there.
pub fn gate_at(part: &Part, gate: &ResolvedGate, v_m: f64, inside: f64) -> Result<GateAt, ResponseError> {
    let lowered = lower::gate(part, gate).map_err(|_| ResponseError::Nothing("the gate cannot be lowered"))?;
    let inside = vec![inside; lowered.kinetics.ligands()];
    let rates = lowered.kinetics.transition_rates(&lowered.coefficients(v_m, &inside), &inside)?;
    let steady = lowered.open(&lowered.rest(v_m, &inside)?);
    Ok(GateAt { name: gate.name.clone(), count: gate.count, steady, tau: 1.0 / (rates[0] + rates[1]) })
}
