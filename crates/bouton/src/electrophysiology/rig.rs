//! Neurons side by side under pipettes, joined by nothing but their gap junctions.

use crate::lower::LoweredCell;
use engine::circuit::{
    self, CircuitError, CircuitRunError, Injection, Outside, Passing, Plan, Points, Scratch, State, Target, Trace,
    Trains,
};
use engine::neuron::{self, Method, PlanError, Site, Stepping};
use engine::point;
use engine::time::Tick;
use numerics::simd::Level;
use std::sync::Arc;
use thiserror::Error;

/// Error of gates that are read from tables, as in circuits.
const GATES: f64 = 1e-8;

/// A neuron of which copies are put under pipettes.
#[derive(Debug, Clone)]
pub enum Subject {
    /// It has a membrane.
    Membrane(Arc<LoweredCell>),
    /// It is a point.
    Point(point::Model),
}

impl Subject {
    /// Capacitance of all of it, pF; of Izhikevich's model what makes a current of it.
    #[must_use]
    pub fn capacitance(&self) -> f64 {
        match self {
            Self::Membrane(cell) => cell.plan.capacitance(0),
            Self::Point(model) => model.admittance(model.rest().0.0, 1.0).1.max(f64::MIN_POSITIVE),
        }
    }
}

/// What cannot be put together, or cannot go on.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RigError {
    /// The cells.
    #[error(transparent)]
    Cells(#[from] PlanError),
    /// Their junctions or currents.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A step.
    #[error(transparent)]
    Run(#[from] CircuitRunError),
}

/// Neurons, their junctions and the currents into them.
#[derive(Debug, Clone)]
pub struct Rig {
    /// Without synapses.
    pub plan: Plan,
    /// Where it begins.
    pub begin: State,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Of each neuron, ms from the beginning: its root or, of a point, its spikes.
    pub spikes: Vec<Vec<f64>>,
    /// Of each site, mV: at the beginning, then at the end of each step.
    pub v: Vec<Vec<f64>>,
    /// Of each junction that was asked for, in each step.
    pub passed: Vec<Vec<Passing>>,
}

impl Rig {
    /// Copies of a neuron, at rest, at a temperature in K.
    ///
    /// # Errors
    /// [`RigError`].
    pub fn copies(
        of: &Subject,
        count: usize,
        (dt, temperature): (Tick, f64),
        injections: &[Injection],
    ) -> Result<Self, RigError> {
        match of {
            Subject::Membrane(cell) => {
                let parts = &cell.parts;
                let cells = std::iter::repeat_n(&parts.cell, count);
                let cells = neuron::Plan::from_cells(parts.channels.clone(), parts.ions.clone(), cells, temperature)?;
                let cells = cells.tabulated(dt, GATES);
                let mut rest = neuron::State::at(&cells, -65.0);
                for number in 0..count {
                    for compartment in 0..cells.compartments(number) as u32 {
                        let v = cell.rest.v_m(Site { block: 0, compartment, lane: 0 });
                        rest.set_v_m(cells.site(number, compartment), v);
                    }
                }
                rest.settle(&cells);
                let plan = Plan::new(cells, dt, Vec::new(), 0, &[], injections)?;
                Ok(Self { begin: State::new(&plan, rest), plan })
            }
            Subject::Point(model) => {
                let none = neuron::Plan::new(Vec::new(), &[], temperature)?;
                let begin = neuron::State::at(&none, -65.0);
                let points = vec![Points { model: *model, count: count as u32 }];
                let plan = Plan::with_points(none, points, dt, Vec::new(), 0, &[], injections)?;
                Ok(Self { begin: State::new(&plan, begin), plan })
            }
        }
    }

    /// The cells of a circuit with these junctions, from a state of it at time 0 on.
    ///
    /// # Errors
    /// [`RigError::Circuit`].
    pub fn of(
        circuit: &Plan,
        begin: &State,
        junctions: Vec<circuit::Junction>,
        injections: &[Injection],
    ) -> Result<Self, RigError> {
        let plan = circuit.bare(junctions, injections)?;
        let mut state = State::new(&plan, begin.cells.clone());
        for number in plan.cells.cells() as u32..plan.neurons() as u32 {
            state.set_v(&plan, number, begin.v_m(circuit, Target { cell: number, compartment: 0 }));
        }
        Ok(Self { plan, begin: state })
    }

    fn stepping(&self) -> Stepping {
        Stepping { level: Level::best(), dt: self.plan.dt(), method: Method::CrankNicolson }
    }

    /// Steps of so many ms.
    #[must_use]
    pub fn steps(&self, ms: f64) -> u64 {
        (ms / self.plan.dt().ms()).round().max(1.0) as u64
    }

    /// Goes on from a state by some steps.
    ///
    /// # Errors
    /// [`RigError::Run`].
    pub fn go(
        &self,
        state: &mut State,
        steps: u64,
        outside: &mut Outside,
        trace: &mut Trace,
    ) -> Result<Seen, RigError> {
        let mut spikes = Vec::new();
        let (scratch, trains) = (Scratch::default(), Trains::default());
        let stepping = self.stepping();
        circuit::run(&self.plan, state, &scratch, stepping, steps, &trains, outside, &mut spikes, trace)?;
        let mut seen = Seen { spikes: vec![Vec::new(); self.plan.neurons()], ..Seen::default() };
        for spike in spikes.iter().filter(|s| s.compartment == 0) {
            seen.spikes[spike.cell as usize].push(spike.at.ms());
        }
        seen.v = std::mem::take(&mut trace.values);
        seen.passed = std::mem::take(&mut trace.passed);
        Ok(seen)
    }

    /// Runs from the beginning for so many ms.
    ///
    /// # Errors
    /// [`RigError::Run`].
    pub fn run(&self, ms: f64, sites: &[Target], junctions: &[u32]) -> Result<Seen, RigError> {
        let mut state = self.begin.clone();
        let mut trace = Trace::new(sites.to_vec(), 1).with_junctions(junctions.to_vec());
        let before: Vec<f64> = sites.iter().map(|site| state.v_m(&self.plan, *site)).collect();
        let mut seen = self.go(&mut state, self.steps(ms), &mut Outside::default(), &mut trace)?;
        seen.v.iter_mut().zip(before).for_each(|(v, first)| v.insert(0, first));
        Ok(seen)
    }
}
