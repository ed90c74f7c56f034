//! Schemes of constant rates, and trials, for the tests and the benchmark of single molecules.
#![allow(dead_code, reason = "none of them needs all")]

use engine::cleft::{Ligand, Pore};
use engine::mechanism::{Description, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition};
use engine::molecular::{Budget, Kind, Places, Plan, State};
use engine::time::Tick;
use numerics::rng::StreamKey;

pub fn us(x: f64) -> Tick {
    Tick::from_ms(x * 1e-3).unwrap()
}

/// A step: from, to, rate (/ms or /mM/ms), and what it does with a molecule: 1 binds, -1 frees, 0 neither.
pub type Step = (u16, u16, f64, i8);

pub fn scheme(states: usize, steps: &[Step]) -> (Kinetics, Vec<f64>) {
    let mut b = ProgramBuilder::new(0);
    let outputs: Vec<_> = steps.iter().map(|s| b.constant(s.2)).collect();
    let rates = b.finish(&outputs).unwrap();
    let ligand = |on: bool| on.then_some(LigandIndex(0));
    let transitions = steps.iter().enumerate().map(|(k, s)| Transition {
        from: StateIndex(s.0),
        to: StateIndex(s.1),
        rate: OutputIndex(k as u16),
        takes_up: ligand(s.3 > 0),
        gives_off: ligand(s.3 < 0),
    });
    let description = Description {
        states,
        ligands: 1,
        transitions: transitions.collect(),
        rates,
        inputs: vec![],
        absorbing: vec![],
        observables: vec![],
    };
    (Kinetics::new(description).unwrap(), steps.iter().map(|s| s.2).collect())
}

pub fn kind(states: usize, steps: &[Step], bound: &[u32], places: Vec<[f64; 2]>) -> Kind {
    let (kinetics, coefficients) = scheme(states, steps);
    let ligands = vec![Ligand::Transmitter];
    Kind { kinetics, coefficients, ligands, bound: bound.to_vec(), places: Places::At(places), opposite: true }
}

/// A trial with its plan and key.
pub struct Trial<'a> {
    plan: &'a Plan,
    key: StreamKey,
    pub state: State,
}

impl<'a> Trial<'a> {
    pub fn new(plan: &'a Plan, key: StreamKey, day: Tick) -> Self {
        Self { plan, key, state: plan.start(key, day, Tick::ZERO) }
    }

    pub fn release(&mut self, at: [f64; 2], molecules: u64) {
        self.plan.release(&mut self.state, self.key, at, Pore::Instantaneous, molecules);
    }

    pub fn release_by(&mut self, at: [f64; 2], pore: Pore, molecules: u64) {
        self.plan.release(&mut self.state, self.key, at, pore, molecules);
    }

    pub fn advance(&mut self, until: Tick) {
        self.plan.advance(&mut self.state, self.key, until, &mut |_| ());
    }

    pub fn budget(&self) -> Budget {
        self.plan.budget(&self.state)
    }
}

impl std::ops::Deref for Trial<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}
