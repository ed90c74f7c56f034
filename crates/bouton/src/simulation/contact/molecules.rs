//! A synapse whose transmitter is followed molecule by molecule.

use super::{Contact, Given, MOVED_MEANS, RunFault, Step, SynapsePlan, Work};
use crate::simulation::plan::Tap;
use engine::cleft;
use engine::molecular::{self, Changed};
use engine::time::Tick;
use numerics::constants::AVOGADRO;
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// A time in which a molecule does little.
const DAY: Tick = Tick(5_000_000);
/// The watch of what is free in rings and shells.
const COUNTS: usize = 0;

/// The molecules of a synapse in one trial. The cleft lags behind while nothing happens in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Molecules {
    state: molecular::State,
    /// When something happens next, ms.
    next: Option<f64>,
    /// Interval at which what is free is looked at, if it is.
    every: Option<Tick>,
}

impl Molecules {
    pub fn new(plan: &molecular::Plan, key: StreamKey, from: Tick) -> Self {
        let state = plan.start(key, DAY, from);
        let next = state.next();
        let every = plan.watches().iter().find_map(|w| match w {
            molecular::Watch::Counts { every, .. } => Some(*every),
            molecular::Watch::Places { .. } => None,
        });
        Self { state, next, every }
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Tick> {
        self.next.map(|ms| Tick::from_ms(ms).unwrap_or(self.state.now()))
    }

    /// Goes on until `to`, if anything happens before.
    fn go(&mut self, plan: &molecular::Plan, key: StreamKey, to: Tick, changed: &mut impl FnMut(Changed)) {
        if self.next.is_some_and(|at| at <= to.ms()) {
            plan.advance(&mut self.state, key, to, changed);
            self.next = self.state.next();
        }
    }

    /// A tap now.
    pub fn value(&self, tap: &Tap) -> f64 {
        let counts = self.state.counts(tap.receptor);
        tap.weights.iter().zip(counts).fold(0.0, |sum, (w, n)| sum + w * f64::from(*n))
    }

    /// Mean concentration over shells with their shares, mM; at a time that is looked at.
    pub fn mean(&self, plan: &SynapsePlan, shells: &[(usize, f64)], at: Tick) -> f64 {
        let Some(every) = self.every else { return f64::NAN };
        let k = (at.0 / every.0) as u64;
        let volumes = plan.cleft.volumes();
        let of = |shell: usize| f64::from(self.state.seen_in(COUNTS, k, shell)) / (AVOGADRO * volumes[shell]);
        shells.iter().fold(0.0, |sum, (shell, share)| sum + share * of(*shell))
    }

    pub fn members(&self) -> impl Iterator<Item = (usize, usize, [f32; 2])> + '_ {
        self.state.members()
    }

    /// Share of a kind's members that are in a state.
    pub fn occupancy(&self, plan: &molecular::Plan, kind: usize, which: usize) -> f64 {
        let of = |state| plan.occupied(&self.state, kind, state);
        let all: f64 = (0..self.state.counts(kind).len()).map(of).sum();
        if all > 0.0 { of(which) / all } else { 0.0 }
    }

    /// Where all molecules are, amol.
    pub fn budget(&self, plan: &molecular::Plan) -> cleft::Budget {
        let found = plan.budget(&self.state);
        let amol = |n: u64| n as f64 / AVOGADRO;
        cleft::Budget {
            initial: amol(found.initial),
            released: amol(found.released),
            in_vesicles: amol(found.in_vesicles),
            free_in_cleft: amol(found.free),
            free_in_tissue: amol(found.free_in_tissue),
            bound: found.bound.iter().map(|n| amol(*n)).collect(),
            turned_over: found.turned_over.iter().map(|n| amol(*n)).collect(),
            // Net: what came in from far away counts against it.
            escaped: amol(found.escaped) - amol(found.arrived),
        }
    }
}

impl Contact {
    /// Where free molecules of the cleft are at the `k`-th time of a watch of places, um; within the last step.
    pub(crate) fn molecules_at(&self, watch: usize, k: u64) -> &[[f32; 2]] {
        self.molecules.as_ref().map_or(&[], |m| m.state.seen_at(watch, k))
    }

    /// Receptors and what else is in the cleft: kind, state, place in um; nothing before there was a molecule.
    pub(crate) fn members(&self) -> impl Iterator<Item = (usize, usize, [f32; 2])> + '_ {
        self.molecules.iter().flat_map(|m| m.members())
    }

    /// From now to the end of the step: what fuses opens, and every molecule goes its way.
    pub(super) fn follow_molecules(
        &mut self,
        step: &Step,
        v_post: f64,
        given: &mut Given,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let plan = step.plan;
        let Some(of) = plan.molecules.as_deref() else { return Ok(()) };
        let key = step.keys.molecules;
        if let Some(supply) = &plan.supply {
            self.collect(plan, supply);
        }
        for (k, mean) in given.mean.iter_mut().enumerate() {
            *mean = self.value(plan, k) * (step.to - step.from).ms();
        }
        self.feel_molecules(step, v_post)?;
        while self.now < step.to {
            let stop = self.pending.front().map_or(step.to, |p| p.0.min(step.to));
            if let Some(molecules) = &mut self.molecules {
                let before = molecules.state.meetings();
                let mut jumps = 0;
                let mut changed = |c: Changed| {
                    jumps += 1;
                    for (k, tap) in plan.taps.iter().enumerate().filter(|(_, t)| t.receptor == c.kind) {
                        let change = tap.weights[c.to] - tap.weights[c.from];
                        if change != 0.0 {
                            given.mean[k] += change * (step.to.ms() - c.at);
                            if tap.samples > 0 {
                                let every = (step.to - step.from).ms() / tap.samples as f64;
                                let first = ((c.at - step.from.ms()) / every).ceil() as usize;
                                given.samples[k][first.saturating_sub(1).min(tap.samples - 1)] += change;
                            }
                        }
                    }
                };
                molecules.go(of, key, stop, &mut changed);
                work.receptor_jumps += jumps;
                work.encounters += molecules.state.meetings() - before;
            }
            if let Some(every) = step.every {
                for k in step.samples(every, self.now, stop) {
                    given.concentration.push(self.seen(plan, step.from + every * (k + 1)));
                }
            }
            self.now = stop;
            while let Some(&(at, molecules)) = self.pending.front().filter(|p| p.0 <= stop) {
                self.pending.pop_front();
                self.let_go(step, at, molecules)?;
            }
        }
        let Some(molecules) = &mut self.molecules else { return Ok(()) };
        for (k, watch) in of.watches().iter().enumerate() {
            // Counts are read now, places after the step.
            let (every, from) = match watch {
                molecular::Watch::Counts { every, .. } => (every, step.to),
                molecular::Watch::Places { every } => (every, step.from),
            };
            molecules.state.forget(k, (from.0 / every.0) as u64);
        }
        Ok(())
    }

    /// A vesicle opens: so many molecules.
    fn let_go(&mut self, step: &Step, at: Tick, molecules: f64) -> Result<(), RunFault> {
        let (plan, key) = (step.plan, step.keys.molecules);
        let Some(of) = plan.molecules.as_deref() else { return Ok(()) };
        if self.molecules.is_none() {
            self.molecules = Some(Molecules::new(of, key, self.now).into());
            // What they know of the voltage begins here.
            let known = self.rates.iter().map(|r| r.0).find(|v| !v.is_nan());
            self.rates.iter_mut().for_each(|r| r.0 = f64::NAN);
            if let Some(v) = known {
                self.feel_molecules(step, v)?;
            }
        }
        let Some(of_trial) = &mut self.molecules else { return Ok(()) };
        // It may lag behind.
        of.advance(&mut of_trial.state, key, self.now, &mut |_| ());
        if !(0.0..=MOST_MOLECULES).contains(&molecules) {
            let what =
                format!("a vesicle of {molecules:.3e} molecules was released; at most {MOST_MOLECULES:e} are followed");
            return Err(RunFault::plain(plan, "terminal", at, format!("{what}; try fewer, or detail = \"kinetic\"")));
        }
        of.release(&mut of_trial.state, key, [0.0, 0.0], plan.cleft.source().pore, molecules.round() as u64);
        of_trial.next = of_trial.state.next();
        Ok(())
    }

    /// Rates of receptors that feel the voltage.
    fn feel_molecules(&mut self, step: &Step, v: f64) -> Result<(), RunFault> {
        let plan = step.plan;
        for (r, receptor) in plan.receptors.iter().enumerate().filter(|(_, r)| r.feels_voltage) {
            let (at, rates) = &mut self.rates[r];
            if !at.is_nan() && (*at - v).abs() <= MOVED_MEANS {
                continue;
            }
            *at = v;
            let (Some(of), Some(molecules)) = (plan.molecules.as_deref(), &mut self.molecules) else { continue };
            let fault = |what: String| RunFault::plain(plan, &receptor.name, step.from, what);
            *rates = receptor.folded.rates_at(v).map_err(|e| fault(e.to_string()))?;
            // They hold from here on.
            of.advance(&mut molecules.state, step.keys.molecules, self.now, &mut |_| ());
            of.set_coefficients(&mut molecules.state, step.keys.molecules, r, rates)
                .map_err(|e| fault(e.to_string()))?;
            molecules.next = molecules.state.next();
        }
        Ok(())
    }
}

/// Of a vesicle.
const MOST_MOLECULES: f64 = 1e8;
