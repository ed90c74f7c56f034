//! What comes from outside a circuit, and what is recorded of it.

use super::plan::Target;
use crate::time::Tick;
use serde::{Deserialize, Serialize};

/// Trains of spikes from outside: all spikes in the order of time, then train.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trains {
    pub(super) count: usize,
    spikes: Vec<(Tick, u32)>,
}

impl Trains {
    /// From the times of each train, in any order.
    #[must_use]
    pub fn new(trains: &[Vec<Tick>]) -> Self {
        let of = |(k, times): (usize, &Vec<Tick>)| times.iter().map(move |&at| (at, k as u32)).collect::<Vec<_>>();
        let mut spikes: Vec<(Tick, u32)> = trains.iter().enumerate().flat_map(of).collect();
        spikes.sort_unstable();
        Self { count: trains.len(), spikes }
    }

    /// Of so many trains, from all their spikes: when, and of which; in any order.
    ///
    /// # Panics
    /// If one is of a train that is not.
    #[must_use]
    pub fn of(count: usize, mut spikes: Vec<(Tick, u32)>) -> Self {
        assert!(spikes.iter().all(|s| (s.1 as usize) < count), "spikes of {count} trains");
        spikes.sort_unstable();
        Self { count, spikes }
    }

    /// How many spikes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spikes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spikes.is_empty()
    }

    /// Those from `start` until before `end`.
    pub(super) fn between(&self, start: Tick, end: Tick) -> &[(Tick, u32)] {
        let at = |t: Tick| self.spikes.partition_point(|s| s.0 < t);
        &self.spikes[at(start)..at(end)]
    }
}

/// What of an act an ion carries, see [`crate::neuron::Ports::carries`]: the part `g V - i`, outward positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Carried {
    /// Index of the ion in the cells' plan.
    pub ion: usize,
    /// nS
    pub g: f64,
    /// pA
    pub i: f64,
}

/// A conductance and a current somewhere, for all steps of a run: the current into the cell is `i - g V`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Act {
    /// Where.
    pub to: Target,
    /// nS
    pub g: f64,
    /// pA
    pub i: f64,
    /// Whether it has just jumped, see [`crate::neuron::Ports::jump`].
    pub jump: bool,
    /// What of it an ion carries; only where a cell has a membrane.
    pub carried: Option<Carried>,
}

/// What acts from outside in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outside {
    /// In any order, any number at a place.
    pub acts: Vec<Act>,
    /// Luck of channels whose copies are counted, by block of cells and channel kind, see [`crate::neuron::Drive::luck`]; empty
    /// where there are none.
    pub luck: Vec<Vec<crate::neuron::Luck>>,
    /// Events for modulators of junctions ([`crate::junction::Drive::Told`]): which junction, and how many; in the first step of
    /// a run.
    pub told: Vec<(u32, f64)>,
    /// By act, after a run: the voltage (mV) that its conductance saw in the last step; at the step's end for a point neuron.
    pub solved: Vec<f64>,
}

/// Voltages of some places, sampled every so many steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Where; point neurons' with their spikes drawn in.
    pub sites: Vec<Target>,
    /// Junctions of which what passes is wanted.
    pub junctions: Vec<u32>,
    /// At the end of every so many steps, counted from time 0.
    pub every: u64,
    /// By site, then sample, mV.
    pub values: Vec<Vec<f64>>,
    /// By junction, then sample.
    pub passed: Vec<Vec<Passing>>,
}

/// What a junction does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Passing {
    /// Current from side a to side b, in the mean over the last step, pA.
    pub current: f64,
    /// Its conductance in that step, nS: the current over the voltage across, or where that is 0 what it would be at once.
    pub g: f64,
    /// What modulators have made of its strength; 1 where nothing has.
    pub strength: f64,
}

impl Trace {
    /// To be filled.
    #[must_use]
    pub fn new(sites: Vec<Target>, every: u64) -> Self {
        let values = vec![Vec::new(); sites.len()];
        Self { sites, junctions: Vec::new(), every: every.max(1), values, passed: Vec::new() }
    }

    /// The same with what passes through junctions.
    #[must_use]
    pub fn with_junctions(self, junctions: Vec<u32>) -> Self {
        let passed = vec![Vec::new(); junctions.len()];
        Self { junctions, passed, ..self }
    }
}
