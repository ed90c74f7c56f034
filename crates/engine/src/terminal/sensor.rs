//! A release sensor: any scheme with calcium as its one ligand and a fused state that is never left.
//!
//! Rates are `a + b c` (c in mM). **At rest** a vesicle has the quasi-stationary law q of the states not yet fused,
//! `q Q' = -nu q`: it is what is left unchanged by waiting unfused, and from it fusion is Poisson with rate `nu` *exactly*
//! (Darroch & Seneta 1967 J Appl Prob 4:192), so a silent vesicle is one waiting time ([`Generator::quasi_stationary`]).
//!
//! [`Generator::quasi_stationary`]: numerics::markov::Generator::quasi_stationary

use super::{TerminalError, nonnegative};
use crate::mechanism::Kinetics;
use crate::time::Tick;
use numerics::markov::MarkovError;

/// A step of the sensor: rate `fixed + by_calcium c` in /ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub from: usize,
    pub to: usize,
    /// /ms.
    pub fixed: f64,
    /// /mM/ms.
    pub by_calcium: f64,
    /// Leads into a fused state.
    pub fuses: bool,
}

impl Step {
    #[inline]
    pub fn rate(&self, calcium: f64) -> f64 {
        self.by_calcium * calcium + self.fixed
    }
}

/// The sensor of a vesicle, ready to run. Immutable and shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    pub(super) states: usize,
    /// One a state.
    pub(super) fused: Vec<bool>,
    /// Steps lead to a neighbour or to the last state, the only fused one.
    pub(super) ladder: bool,
    /// Ordered by the state they leave.
    pub(super) steps: Vec<Step>,
    /// First step of each state, and the end.
    pub(super) first: Vec<usize>,
    /// Exit rate of each state: /ms and /mM/ms.
    exits: Vec<[f64; 2]>,
    /// mM.
    resting: f64,
    /// One a state; fused states have 0.
    law: Vec<f64>,
    /// /ms.
    rate: f64,
    settling: Tick,
}

impl Sensor {
    /// Lowers `kinetics` at `coefficients` (its rate program's outputs at this temperature), at rest at `resting` mM.
    ///
    /// # Errors
    /// Not one ligand; calcium beyond mass action; no absorbing state; rates that are none; several laws at rest.
    pub fn new(kinetics: &Kinetics, coefficients: &[f64], resting: f64) -> Result<Self, TerminalError> {
        if kinetics.ligands() != 1 {
            return Err(TerminalError::Scheme("a release sensor has one ligand, calcium"));
        }
        if kinetics.reads_ligand(|_| true) {
            return Err(TerminalError::Scheme("calcium enters other than by mass action"));
        }
        if kinetics.absorbing().is_empty() || kinetics.absorbing().len() == kinetics.states() {
            return Err(TerminalError::Scheme("a release sensor has an absorbing (fused) state, and others"));
        }
        nonnegative("calcium at rest (mM)", resting)?;
        let rates = kinetics.transition_rates(coefficients, &[1.0])?;
        let fused: Vec<usize> = kinetics.absorbing().iter().map(|s| usize::from(s.0)).collect();
        let mut steps: Vec<Step> = kinetics
            .transitions()
            .iter()
            .zip(&rates)
            .map(|(t, &rate)| {
                let (fixed, by_calcium) = if t.takes_up.is_some() { (0.0, rate) } else { (rate, 0.0) };
                let (from, to) = (usize::from(t.from.0), usize::from(t.to.0));
                Step { from, to, fixed, by_calcium, fuses: fused.contains(&to) }
            })
            .collect();
        steps.sort_by_key(|s| s.from);
        let states = kinetics.states();
        let first = (0..=states).map(|state| steps.partition_point(|s| s.from < state)).collect();
        let mut exits = vec![[0.0; 2]; states];
        for s in &steps {
            exits[s.from][0] += s.fixed;
            exits[s.from][1] += s.by_calcium;
        }
        let neighbours = |s: &Step| s.fuses || s.from.abs_diff(s.to) == 1;
        let ladder = fused == [states - 1] && steps.iter().all(neighbours);
        let is_fused = (0..states).map(|s| fused.contains(&s)).collect();
        let mut sensor = Self {
            states,
            fused: is_fused,
            ladder,
            steps,
            first,
            exits,
            resting,
            law: Vec::new(),
            rate: 0.0,
            settling: Tick::ZERO,
        };
        sensor.settle(kinetics, coefficients, &fused)?;
        Ok(sensor)
    }

    fn settle(&mut self, kinetics: &Kinetics, coefficients: &[f64], fused: &[usize]) -> Result<(), TerminalError> {
        let alive = (0..self.states).filter(|s| !fused.contains(s));
        let fastest = alive.map(|s| self.exit(s, self.resting)).fold(0.0, f64::max);
        let span = if fastest > 0.0 { 1.0 / fastest } else { 1.0 };
        let q = kinetics.generator(coefficients, &[self.resting])?;
        let quiet = q.quasi_stationary_from(fused, span).map_err(|error| {
            TerminalError::Scheme(match error {
                MarkovError::BadStep { .. } => "rates that overflow",
                _ => "a vesicle at rest never forgets where it started",
            })
        })?;
        let late = |_| TerminalError::Scheme("settling takes longer than time");
        self.settling = Tick::from_ms(quiet.settling).map_err(late)?;
        (self.law, self.rate) = (quiet.law, quiet.rate);
        Ok(())
    }

    /// How many states, fused ones included.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// Calcium at rest, mM.
    #[must_use]
    pub fn resting(&self) -> f64 {
        self.resting
    }

    /// Occupancies of a vesicle that waited at rest unfused, one a state; fused states have 0.
    #[must_use]
    pub fn law_at_rest(&self) -> &[f64] {
        &self.law
    }

    /// Spontaneous fusion of a vesicle at rest: `nu`, /ms.
    #[must_use]
    pub fn spontaneous_rate(&self) -> f64 {
        self.rate
    }

    /// How long a vesicle must be at rest until its law, from any state and given that it did not fuse, is the law at
    /// rest within 1e-9 (total variation).
    #[must_use]
    pub fn settling(&self) -> Tick {
        self.settling
    }

    /// Rate of leaving `state` at `calcium` mM, /ms.
    #[inline]
    pub(super) fn exit(&self, state: usize, calcium: f64) -> f64 {
        let [fixed, by_calcium] = self.exits[state];
        by_calcium * calcium + fixed
    }

    /// The step taken from `state` when one is, for a uniform `u`.
    pub(super) fn chosen(&self, state: usize, calcium: f64, u: f64) -> &Step {
        let steps = &self.steps[self.first[state]..self.first[state + 1]];
        let total = steps.iter().fold(0.0, |sum, s| sum + s.rate(calcium));
        let (mut sum, mut last) = (0.0, 0);
        for (k, step) in steps.iter().enumerate() {
            let rate = step.rate(calcium);
            if rate > 0.0 {
                sum += rate;
                last = k;
                if sum > u * total {
                    break;
                }
            }
        }
        &steps[last]
    }

    /// A state of the law at rest, for a uniform `u`.
    pub(super) fn drawn(&self, u: f64) -> usize {
        let (mut sum, mut last) = (0.0, 0);
        for (state, &p) in self.law.iter().enumerate() {
            if p > 0.0 {
                sum += p;
                last = state;
                if sum > u {
                    break;
                }
            }
        }
        last
    }
}
