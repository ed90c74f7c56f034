//! Resolved -> Plan: what the model says becomes what the engine steps. One file an organ; schemes, which every organ
//! has, stand here.

mod expression;

use engine::mechanism::{
    Description, InputRole, Kinetics, KineticsError, LigandIndex, OutputIndex, ProgramBuilder, ProgramError,
    StateIndex, Transition,
};
use model::resolve::Part;
use thiserror::Error;

/// Why a resolved part cannot be lowered. After `resolve` this is a broken invariant of ours, never the user's fault.
#[derive(Debug, Error)]
pub enum LowerError {
    /// The part has no scheme.
    #[error("`{0}` has no scheme")]
    NoScheme(String),
    /// The rate program could not be written.
    #[error("rates of `{0}`: {1}")]
    Program(String, ProgramError),
    /// The engine refused the scheme.
    #[error("scheme of `{0}`: {1}")]
    Kinetics(String, KineticsError),
}

/// Observables that every lowered scheme has, in this order.
pub mod observable {
    use engine::mechanism::ObservableIndex;
    /// 1 in each conducting state.
    pub const OPEN: ObservableIndex = ObservableIndex(0);
    /// Conductance of each state, nS.
    pub const CONDUCTANCE: ObservableIndex = ObservableIndex(1);
    /// 1 in each absorbing state.
    pub const ABSORBED: ObservableIndex = ObservableIndex(2);
}

/// A scheme ready to be stepped, with the parameter values its rate program expects.
#[derive(Debug, Clone)]
pub struct LoweredScheme {
    /// The engine's scheme.
    pub kinetics: Kinetics,
    /// Values of the inputs with [`InputRole::Parameter`], in order.
    pub parameters: Vec<f64>,
    /// K, for the input with [`InputRole::Temperature`].
    pub temperature: f64,
}

/// Lowers a part's scheme. Inputs of the rate program are laid out as the entry's expressions expect them.
///
/// # Errors
/// See [`LowerError`].
pub fn scheme(part: &Part) -> Result<LoweredScheme, LowerError> {
    let scheme = part.scheme.as_ref().ok_or_else(|| LowerError::NoScheme(part.entry.clone()))?;
    let layout = &part.layout;
    let mut builder = ProgramBuilder::new(layout.names.len() as u16);
    let mut transitions = Vec::with_capacity(scheme.steps.len());
    let mut outputs = Vec::with_capacity(scheme.steps.len());
    let ligand = |i: Option<usize>| i.map(|i| LigandIndex(i as u16));
    for step in &scheme.steps {
        let value = expression::write(&mut builder, &step.rate.expr);
        let factor = builder.constant(step.rate.factor);
        outputs.push(builder.mul(value, factor));
        transitions.push(Transition {
            from: StateIndex(step.from as u16),
            to: StateIndex(step.to as u16),
            rate: OutputIndex(outputs.len() as u16 - 1),
            takes_up: ligand(step.takes_up),
            gives_off: ligand(step.gives_off),
        });
    }
    let rates = builder.finish(&outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let mut inputs: Vec<InputRole> = (0..layout.parameters).map(|i| InputRole::Parameter(i as u16)).collect();
    inputs.extend([InputRole::Voltage, InputRole::Temperature]);
    inputs.extend((0..scheme.ligands.len()).map(|i| InputRole::Ligand(LigandIndex(i as u16))));
    let states = scheme.states.len();
    let mut open = vec![0.0; states];
    let mut conductance = vec![0.0; states];
    for &(state, g) in &part.conductance {
        open[state] = f64::from(u8::from(g > 0.0));
        conductance[state] = g;
    }
    let absorbed: Vec<f64> = scheme.absorbing.iter().map(|&a| f64::from(u8::from(a))).collect();
    let absorbing =
        scheme.absorbing.iter().enumerate().filter(|(_, a)| **a).map(|(i, _)| StateIndex(i as u16)).collect();
    let description = Description {
        states,
        ligands: scheme.ligands.len(),
        transitions,
        rates,
        inputs,
        absorbing,
        observables: vec![open, conductance, absorbed],
    };
    let kinetics = Kinetics::new(description).map_err(|e| LowerError::Kinetics(part.entry.clone(), e))?;
    Ok(LoweredScheme { kinetics, parameters: part.parameters.clone(), temperature: part.temperature })
}

impl LoweredScheme {
    /// Coefficients of the transitions at one voltage (mV) and ligand concentrations (mM), by the plain interpreter.
    pub fn coefficients(&self, v_m: f64, ligands: &[f64]) -> Vec<f64> {
        let mut inputs = self.parameters.clone();
        inputs.extend([v_m, self.temperature]);
        inputs.extend_from_slice(ligands);
        let mut outputs = vec![0.0; self.kinetics.rates().outputs()];
        self.kinetics.rates().interpret(&inputs, &mut outputs);
        outputs
    }
}
