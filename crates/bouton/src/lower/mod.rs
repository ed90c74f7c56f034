//! Resolved -> Plan: what the model says becomes what the engine steps. One file an organ; schemes, which every organ
//! has, stand here.

mod cell;
mod channel;
mod circuit;
mod cleft;
mod comparison;
mod connect;
mod contacts;
mod context;
mod coupling;
mod diffusion;
mod expression;
mod fold;
mod instrument;
mod ions;
mod junction;
mod model;
mod molecules;
mod morphology;
mod placement;
mod plain;
mod point;
mod population;
mod record;
mod refinement;
mod regions;
mod supply;
mod terminal;

pub use self::model::{at_level, compared, model};
pub use cell::{LoweredCell, Through};
pub use fold::Folded;
pub use ions::pool;
pub use morphology::{Geometry, Layout, Located};
pub use refinement::{Change, Refinement, refinement};

use ::model::resolve::{Part, ResolvedGate, ResolvedGateForm, ResolvedRate};
use ::model::units::Expr;
use engine::mechanism::{
    Description, InputRole, Kinetics, KineticsError, LigandIndex, OutputIndex, Program, ProgramBuilder, ProgramError,
    StateIndex, Transition, Value,
};
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
    let states = scheme.states.len();
    let mut open = vec![0.0; states];
    let mut conductance = vec![0.0; states];
    for &(state, g) in &part.conductance {
        open[state] = f64::from(u8::from(g > 0.0));
        conductance[state] = g;
    }
    let absorbed = scheme.absorbing.iter().map(|&a| f64::from(u8::from(a))).collect();
    finish(part, builder, &outputs, transitions, [open, conductance, absorbed])
}

/// An expression of a part as a program over its layout, times `factor`.
fn expression_value(part: &Part, expr: &Expr, factor: f64) -> Result<Program, LowerError> {
    let mut b = ProgramBuilder::new(part.layout.names.len() as u16);
    let value = expression::write(&mut b, expr);
    let factor = b.constant(factor);
    let out = b.mul(value, factor);
    b.finish(&[out]).map_err(|e| LowerError::Program(part.entry.clone(), e))
}

/// Lowers `count` gates in series to a ladder of `count + 1` states, the last of which is open.
///
/// # Errors
/// See [`LowerError`].
pub fn ladder(part: &Part, gate: &ResolvedGate) -> Result<LoweredScheme, LowerError> {
    let mut b = ProgramBuilder::new(part.layout.names.len() as u16);
    let (opening, closing) = opening_and_closing(&mut b, gate);
    let n = gate.count as u16;
    let (mut outputs, mut transitions) = (Vec::new(), Vec::new());
    for k in 0..n {
        for (from, to, rate, copies) in [(k, k + 1, opening, n - k), (k + 1, k, closing, k + 1)] {
            let copies = b.constant(f64::from(copies));
            let rate = b.mul(rate, copies);
            transitions.push(Transition {
                from: StateIndex(from),
                to: StateIndex(to),
                rate: OutputIndex(outputs.len() as u16),
                takes_up: None,
                gives_off: None,
            });
            outputs.push(rate);
        }
    }
    let mut open = vec![0.0; usize::from(n) + 1];
    open[usize::from(n)] = 1.0;
    let zeros = vec![0.0; usize::from(n) + 1];
    finish(part, b, &outputs, transitions, [open, zeros.clone(), zeros])
}

/// Rates of a gate, whichever way they were published.
fn opening_and_closing(b: &mut ProgramBuilder, gate: &ResolvedGate) -> (Value, Value) {
    let scaled = |b: &mut ProgramBuilder, rate: &ResolvedRate| {
        let value = expression::write(b, &rate.expr);
        let factor = b.constant(rate.factor);
        b.mul(value, factor)
    };
    match &gate.form {
        ResolvedGateForm::Rates { opening, closing } => (scaled(b, opening), scaled(b, closing)),
        ResolvedGateForm::Relaxation { steady, tau } => {
            let (steady, tau) = (scaled(b, steady), scaled(b, tau));
            let one = b.constant(1.0);
            let shut = b.sub(one, steady);
            (b.div(steady, tau), b.div(shut, tau))
        }
    }
}

/// Lowers a gate to its two states, closed and open; [`observable::OPEN`] is the share of gates that are open.
///
/// # Errors
/// See [`LowerError`].
pub fn gate(part: &Part, gate: &ResolvedGate) -> Result<LoweredScheme, LowerError> {
    let mut b = ProgramBuilder::new(part.layout.names.len() as u16);
    let (opening, closing) = opening_and_closing(&mut b, gate);
    let transition = |from, to, rate| Transition {
        from: StateIndex(from),
        to: StateIndex(to),
        rate: OutputIndex(rate),
        takes_up: None,
        gives_off: None,
    };
    let transitions = vec![transition(0, 1, 0), transition(1, 0, 1)];
    finish(part, b, &[opening, closing], transitions, [vec![0.0, 1.0], vec![0.0; 2], vec![0.0; 2]])
}

/// What every lowering ends with; `weights` are those of [`observable`], in its order.
fn finish(
    part: &Part,
    builder: ProgramBuilder,
    outputs: &[Value],
    transitions: Vec<Transition>,
    weights: [Vec<f64>; 3],
) -> Result<LoweredScheme, LowerError> {
    let rates = builder.finish(outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let (parameters, names) = (part.layout.parameters, part.layout.names.len());
    let mut inputs: Vec<InputRole> = (0..parameters).map(|i| InputRole::Parameter(i as u16)).collect();
    inputs.extend([InputRole::Voltage, InputRole::Temperature]);
    let ligands = names - inputs.len();
    inputs.extend((0..ligands).map(|i| InputRole::Ligand(LigandIndex(i as u16))));
    let absorbed = &weights[2];
    let absorbing = (0..absorbed.len()).filter(|&i| absorbed[i] > 0.0).map(|i| StateIndex(i as u16)).collect();
    let states = absorbed.len();
    let description =
        Description { states, ligands, transitions, rates, inputs, absorbing, observables: weights.into() };
    let kinetics = Kinetics::new(description).map_err(|e| LowerError::Kinetics(part.entry.clone(), e))?;
    Ok(LoweredScheme { kinetics, parameters: part.parameters.clone(), temperature: part.temperature })
}

impl LoweredScheme {
    /// Coefficients of the transitions at one voltage (mV) and ligand concentrations (mM), by the plain interpreter.
    pub fn coefficients(&self, v_m: f64, ligands: &[f64]) -> Vec<f64> {
        let mut inputs = self.parameters.clone();
        inputs.extend([v_m, self.temperature]);
        inputs.extend_from_slice(ligands);
        // A folded scheme has constants for rates, and no inputs.
        inputs.truncate(self.kinetics.rates().inputs());
        let mut outputs = vec![0.0; self.kinetics.rates().outputs()];
        self.kinetics.rates().interpret(&inputs, &mut outputs);
        outputs
    }
}
