//! A scheme seen by one organ: one ligand moves, the others are held and become part of the rates.

use super::{LoweredScheme, observable};
use engine::mechanism::{
    Description, Kinetics, KineticsError, LigandIndex, ObservableIndex, OutputIndex, ProgramBuilder, Transition,
};

/// A scheme with one ligand at most.
#[derive(Debug, Clone)]
pub struct Folded {
    /// Its structure, with the ligand that moves; rates are those at the voltage it was folded at.
    pub kinetics: Kinetics,
    /// Rates there, one a transition: /ms, or /mM/ms where the ligand binds.
    pub rates: Vec<f64>,
    /// Where rates at another voltage come from.
    scheme: LoweredScheme,
    /// Concentration of every ligand of the scheme, mM; 1 for the one that moves.
    held: Vec<f64>,
}

/// A scheme whose every state can be observed, [`Folded::in_state`], after its own observables.
///
/// # Errors
/// None of a scheme that is sound.
pub(super) fn with_states(kinetics: &Kinetics) -> Result<Kinetics, KineticsError> {
    let own = (0..3).map(|o| kinetics.weights(ObservableIndex(o)).unwrap_or(&[]).to_vec());
    Kinetics::new(Description {
        states: kinetics.states(),
        ligands: kinetics.ligands(),
        transitions: kinetics.transitions().to_vec(),
        rates: kinetics.rates().clone(),
        inputs: kinetics.inputs().to_vec(),
        absorbing: kinetics.absorbing().to_vec(),
        observables: own.chain(each(kinetics.states())).collect(),
    })
}

/// For each state the weights that are 1 there.
fn each(states: usize) -> impl Iterator<Item = Vec<f64>> {
    (0..states).map(move |s| (0..states).map(|t| f64::from(u8::from(s == t))).collect())
}

impl Folded {
    /// Keeps `moving` (an index of the scheme's ligands) and holds the others at `held` mM, at `v_m` mV.
    ///
    /// # Errors
    /// Rates that are negative or not finite.
    pub fn new(scheme: &LoweredScheme, moving: Option<usize>, held: &[f64], v_m: f64) -> Result<Self, KineticsError> {
        let old = &scheme.kinetics;
        let mut held = held.to_vec();
        if let Some(moving) = moving {
            held[moving] = 1.0;
        }
        let rates = old.transition_rates(&scheme.coefficients(v_m, &held), &held)?;
        let keep = |l: Option<LigandIndex>| match (l, moving) {
            (Some(l), Some(m)) if usize::from(l.0) == m => Some(LigandIndex(0)),
            _ => None,
        };
        let transitions = old.transitions().iter().enumerate().map(|(i, t)| Transition {
            rate: OutputIndex(i as u16),
            takes_up: keep(t.takes_up),
            gives_off: keep(t.gives_off),
            ..*t
        });
        let mut builder = ProgramBuilder::new(0);
        let outputs: Vec<_> = rates.iter().map(|&r| builder.constant(r)).collect();
        let program = builder.finish(&outputs).expect("constants are a program");
        let weights = |o| old.weights(o).unwrap_or(&[]).to_vec();
        let kinetics = Kinetics::new(Description {
            states: old.states(),
            ligands: usize::from(moving.is_some()),
            transitions: transitions.collect(),
            rates: program,
            inputs: Vec::new(),
            absorbing: old.absorbing().to_vec(),
            observables: [observable::OPEN, observable::CONDUCTANCE, observable::ABSORBED]
                .into_iter()
                .map(weights)
                .chain(each(old.states()))
                .collect(),
        })?;
        Ok(Self { kinetics, rates, scheme: scheme.clone(), held })
    }

    /// Rates at another voltage, one a transition.
    ///
    /// # Errors
    /// Rates that are negative or not finite.
    pub fn rates_at(&self, v_m: f64) -> Result<Vec<f64>, KineticsError> {
        self.scheme.kinetics.transition_rates(&self.scheme.coefficients(v_m, &self.held), &self.held)
    }

    /// Whether rates depend on voltage.
    #[must_use]
    pub fn feels_voltage(&self) -> bool {
        let at = |v| self.rates_at(v).ok();
        at(-80.0) != at(20.0) || at(-80.0) != at(-35.5)
    }

    /// The observable that is 1 in a state, after [`observable`]'s own.
    #[must_use]
    pub fn in_state(state: usize) -> engine::mechanism::ObservableIndex {
        engine::mechanism::ObservableIndex(3 + state as u16)
    }
}
