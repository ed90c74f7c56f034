//! What a snapshot of a cleft holds, and the two questions asked of it: where did it all go, and may it sleep.

use super::plan::Cleft;
use super::resident::Block;
use crate::time::Tick;
use numerics::simd::LANES;
use serde::{Deserialize, Serialize};

/// A vesicle on its way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Vesicle {
    /// amol left.
    pub content: f64,
    /// Radius of an expanding pore, um.
    pub radius: f64,
}

/// The state of one cleft: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(super) clock: Tick,
    /// Step the controller would take next, ms.
    pub(super) next: f64,
    /// Concentrations, then occupancies, as the plan lays them out.
    pub(super) values: Vec<f64>,
    /// Rate of each transition of each resident.
    pub(super) rates: Vec<f64>,
    pub(super) vesicles: Vec<Vesicle>,
    /// amol over the outer edge so far.
    pub(super) escaped: f64,
    /// amol turned over by each resident so far.
    pub(super) turned_over: Vec<f64>,
    /// amol at the start, and amol released since.
    pub(super) initial: f64,
    pub(super) released: f64,
}

impl State {
    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Lets a quiet cleft sleep for `interval`: only the clock moves.
    pub fn sleep(&mut self, interval: Tick) {
        self.clock += interval;
    }
}

impl Cleft {
    /// The state of `before`, a cleft of the same geometry and residents, as one of this: state `k` of resident `r` is
    /// `map[r][k]` here. Rates are those of this cleft, and so is the rest it tends to.
    ///
    /// # Panics
    /// If the clefts or the map do not fit each other, or the state is of another cleft.
    #[must_use]
    pub fn adopt(&self, before: &Self, state: &State, map: &[Vec<usize>]) -> State {
        let old = before.lines(state);
        let mut values = self.rest.values.clone();
        let lines = self.groups * LANES;
        assert!(self.groups == before.groups && self.blocks.len() == before.blocks.len(), "clefts of one geometry");
        values[..lines].copy_from_slice(&old[..lines]);
        for ((here, there), map) in self.blocks.iter().zip(&before.blocks).zip(map) {
            assert!(here.groups == there.groups && map.len() == there.states, "the same residents");
            for g in 0..here.groups {
                let at = |block: &Block, s: usize| (block.offset + g * block.states + s) * LANES;
                values[at(here, 0)..at(here, here.states)].fill(0.0);
                for (s, &to) in map.iter().enumerate() {
                    values[at(here, to)..at(here, to) + LANES]
                        .copy_from_slice(&old[at(there, s)..at(there, s) + LANES]);
                }
            }
        }
        State { values, rates: self.rest.rates.clone(), ..state.clone() }
    }
}

/// Where the transmitter is, amol (1 amol is 602,214 molecules).
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// There at the start.
    pub initial: f64,
    /// Put into vesicles or straight into the cleft since.
    pub released: f64,
    /// Still in vesicles.
    pub in_vesicles: f64,
    /// Free in the disc.
    pub free_in_cleft: f64,
    /// Free in the tissue.
    pub free_in_tissue: f64,
    /// Held by each resident.
    pub bound: Vec<f64>,
    /// Hydrolysed or transported by each resident, net.
    pub turned_over: Vec<f64>,
    /// Gone over the outer edge, net.
    pub escaped: f64,
}

impl Budget {
    /// What does not add up, relative to all there ever was; rounding if all is well.
    #[must_use]
    pub fn defect(&self) -> f64 {
        let there = self.initial + self.released;
        let held: f64 = self.bound.iter().chain(&self.turned_over).sum();
        let found = self.in_vesicles + self.free_in_cleft + self.free_in_tissue + held + self.escaped;
        if there == 0.0 { found.abs() } else { ((found - there) / there).abs() }
    }
}

/// How far a cleft is from rest.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Unrest {
    /// Largest deviation of a concentration, mM.
    pub concentration: f64,
    /// Largest deviation of an occupancy where a resident lives.
    pub occupancy: f64,
    /// Still in vesicles, amol.
    pub in_vesicles: f64,
}
