//! What a snapshot of a cleft holds, and the two questions asked of it: where did it all go, and may it sleep.

use crate::time::Tick;
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
