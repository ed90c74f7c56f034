//! A population of synapses in one trial: its organ runs ahead, for its senders are given, and is read step by step.

use super::plan::Receptor;
use crate::lower::observable;
use engine::population::{Keys, Plan as Organ, PopulationError, Scratch, Series, State};
use numerics::rng::{StreamKey, name_hash};
use numerics::simd::Level;
use serde::{Deserialize, Serialize};

/// Steps of the neurons that a population runs ahead at most.
const AHEAD: usize = 1024;

/// What draws are for: part of their address.
const SPIKES: u32 = 20;
pub(super) const VESICLES: u32 = 21;

/// Synapses at the level `event`, one a sender, all onto one place.
#[derive(Debug)]
pub struct PopulationPlan {
    /// Its name.
    pub name: String,
    /// The sending cells.
    pub from: usize,
    /// Called so.
    pub sender: String,
    /// The receiving cell, and the compartment.
    pub to: (usize, u32),
    /// The organ.
    pub organ: Organ,
    /// Its steps in one of the neurons.
    pub fine: usize,
    /// Transmitter.
    pub transmitter: String,
    /// Receptors, each count that of one synapse.
    pub receptors: Vec<Receptor>,
}

/// Quantities of a population.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OfPopulation {
    Docked,
    Released,
    Ligand,
    Open(usize),
    Conductance(usize),
    State { receptor: usize, state: usize },
    ReceptorCurrent(usize),
    Current,
}

impl PopulationPlan {
    /// Addresses of its luck in a trial.
    pub(super) fn keys(&self, seed: u64, trial: u64) -> Keys {
        Keys {
            spikes: StreamKey::new(seed, trial, SPIKES, name_hash(&self.sender)),
            release: StreamKey::new(seed, trial, VESICLES, name_hash(&self.name)),
        }
    }

    /// How many synapses.
    #[must_use]
    pub fn members(&self) -> usize {
        self.organ.about().members
    }

    /// Of a law summed over the population: what `weights` give of it, for all receptors of all synapses.
    fn of(&self, receptor: usize, law: &[f64], weights: &[f64]) -> f64 {
        let mean: f64 = weights.iter().zip(law).map(|(w, p)| w * p).sum();
        f64::from(self.receptors[receptor].count) * mean
    }

    fn weights(&self, receptor: usize, which: engine::mechanism::ObservableIndex) -> &[f64] {
        self.receptors[receptor].folded.kinetics.weights(which).unwrap_or(&[])
    }
}

/// Addresses of the spikes of a cell that has a rate: those of its first member.
pub(super) fn spikes_key(seed: u64, trial: u64, cell: &str) -> StreamKey {
    StreamKey::new(seed, trial, SPIKES, name_hash(cell))
}

/// A population in one trial: all that a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crowd {
    organ: State,
    /// What the organ did beyond the clock, and how many of its steps are used up.
    ahead: Series,
    used: usize,
    docked: f64,
    ligand: f64,
    spikes: u64,
    released: u64,
    /// By receptor, the sum of all laws now.
    laws: Vec<Vec<f64>>,
    /// By receptor, the sum over steps of the open share.
    open: Vec<f64>,
    steps: u64,
}

impl Crowd {
    /// At rest, at time 0.
    pub(super) fn new(plan: &PopulationPlan, keys: &Keys) -> Self {
        let organ = State::new(&plan.organ, keys);
        Self {
            ahead: Series::default(),
            used: 0,
            docked: organ.docked(&plan.organ),
            ligand: 0.0,
            spikes: 0,
            released: 0,
            laws: (0..plan.receptors.len()).map(|r| organ.law(&plan.organ, r)).collect(),
            open: vec![0.0; plan.receptors.len()],
            steps: 0,
            organ,
        }
    }

    /// A step of the neurons, of which `left` are left with this one; the mean conductance of each receptor, nS.
    pub(super) fn step(
        &mut self,
        plan: &PopulationPlan,
        keys: &Keys,
        scratch: &mut Scratch,
        (left, threads): (usize, usize),
        g: &mut [f64],
    ) -> Result<(), PopulationError> {
        if self.used == self.ahead.released.len() {
            self.ahead.clear();
            self.used = 0;
            let steps = left.min(AHEAD) * plan.fine;
            let how = (steps, threads, Level::best());
            self.organ.advance(&plan.organ, keys, scratch, how, &mut self.ahead)?;
        }
        let now = self.used..self.used + plan.fine;
        self.used = now.end;
        for (r, (g, law)) in g.iter_mut().zip(&mut self.laws).enumerate() {
            let conducts = plan.weights(r, observable::CONDUCTANCE);
            let states = law.len();
            let mut sum = 0.0;
            for next in self.ahead.laws[r][now.start * states..now.end * states].chunks_exact(states) {
                sum += 0.5 * (plan.of(r, law, conducts) + plan.of(r, next, conducts));
                law.copy_from_slice(next);
            }
            *g = sum / plan.fine as f64;
            let open = plan.weights(r, observable::OPEN);
            self.open[r] += open.iter().zip(&*law).map(|(w, p)| w * p).sum::<f64>() / plan.members() as f64;
        }
        let last = now.end - 1;
        self.docked = self.ahead.docked[last];
        self.ligand = self.ahead.ligand[last];
        self.spikes = self.ahead.spikes[last];
        self.released = self.ahead.released[last];
        self.steps += 1;
        Ok(())
    }

    /// A quantity now; currents are not its own.
    pub(super) fn value(&self, plan: &PopulationPlan, quantity: OfPopulation) -> f64 {
        match quantity {
            OfPopulation::Docked => self.docked,
            OfPopulation::Released => self.released as f64,
            OfPopulation::Ligand => self.ligand,
            OfPopulation::Open(r) => plan.of(r, &self.laws[r], plan.weights(r, observable::OPEN)),
            OfPopulation::Conductance(r) => plan.of(r, &self.laws[r], plan.weights(r, observable::CONDUCTANCE)),
            OfPopulation::State { receptor: r, state } => {
                f64::from(plan.receptors[r].count) * self.laws[r].get(state).copied().unwrap_or(f64::NAN)
            }
            OfPopulation::ReceptorCurrent(_) | OfPopulation::Current => f64::NAN,
        }
    }

    /// Of a trial so far: spikes a sender, vesicles a synapse, and the open share of each receptor, its mean over time.
    pub(super) fn summary(&self, plan: &PopulationPlan) -> Vec<f64> {
        let (members, steps) = (plan.members() as f64, self.steps.max(1) as f64);
        let mut all = vec![self.spikes as f64 / members, self.released as f64 / members];
        all.extend(self.open.iter().map(|sum| sum / steps));
        all
    }
}
