//! Gates at one voltage.

use model::resolve::{Part, ResolvedGate, ResolvedGateForm};

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
pub fn gate_at(part: &Part, gate: &ResolvedGate, v_m: f64) -> GateAt {
    let values = part.layout.values(&part.parameters, v_m, part.temperature, &[]);
    let at = |r: &model::resolve::ResolvedRate| r.expr.evaluate(&values) * r.factor;
    let (steady, tau) = match &gate.form {
        ResolvedGateForm::Rates { opening, closing } => {
            let (a, b) = (at(opening), at(closing));
            (a / (a + b), 1.0 / (a + b))
        }
        ResolvedGateForm::Relaxation { steady, tau } => (at(steady), at(tau)),
    };
    GateAt { name: gate.name.clone(), count: gate.count, steady, tau }
}
