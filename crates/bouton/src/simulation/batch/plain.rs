//! Plain synapses of a batch: stepped before their receivers' membranes, told of their senders' spikes after.

use super::{Batch, Scratch};
use crate::simulation::plain::{Heard, Plain};
use crate::simulation::plan::Plan;
use engine::neuron;
use engine::point::Arrival;
use engine::time::Tick;

impl Batch {
    /// At time 0.
    pub(super) fn plain_at_rest(plan: &Plan, trial: u64) -> Vec<Plain> {
        plan.plain.iter().map(|p| Plain::new(p, plan.seed, trial)).collect()
    }

    /// Every plain synapse onto `cell`, a step on.
    pub(super) fn plain(&mut self, plan: &Plan, scratch: &mut Scratch, cell: usize) {
        let arrivals = &mut scratch.points.arrivals;
        arrivals.clear();
        for (lane, all) in self.plain.iter_mut().enumerate() {
            let trial = self.first + lane as u64;
            for (of, plain) in all.iter_mut().zip(&plan.plain).filter(|(_, p)| p.to.0 == cell) {
                of.step(plain, (plan.seed, trial), self.clock, |at, n| {
                    if let Some(input) = plain.exact {
                        arrivals.push(Arrival { at, lane, input, weight: n * plain.peak });
                    }
                });
            }
        }
        arrivals.sort_by_key(|a| a.at);
    }

    /// Voltages where plain synapses listen to `cell`, mV, by synapse and trial.
    pub(super) fn overheard(&self, plan: &Plan, cell: usize, out: &mut Vec<f64>) {
        out.clear();
        let Some(state) = &self.cells[cell] else { return };
        for plain in plan.plain.iter().filter(|p| p.from.0 == cell && matches!(p.heard, Heard::Membrane(_))) {
            let at = |lane| neuron::Site { block: 0, compartment: plain.from.1, lane };
            out.extend((0..self.lanes).map(|lane| state.v_m(at(lane))));
        }
    }

    /// Spikes of `cell` in the step just made; `before` and `after` as [`Batch::overheard`] gives them.
    pub(super) fn spread(&mut self, plan: &Plan, cell: usize, before: &[f64], after: &[f64]) {
        let heard = |p: &&crate::simulation::PlainPlan| p.from.0 == cell && matches!(p.heard, Heard::Membrane(_));
        let mut k = 0;
        for (p, plain) in plan.plain.iter().enumerate().filter(|(_, p)| heard(p)) {
            for of in &mut self.plain {
                of[p].hear(plain, self.clock, before[k], after[k]);
                k += 1;
            }
        }
    }

    /// Spikes that plain synapses have heard, a sender, by synapse: trial by trial.
    pub fn heard<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (usize, f64)> + 'a {
        let of = |all: &'a Vec<Plain>| all.iter().zip(&plan.plain).map(|(of, p)| of.arrivals(p)).enumerate();
        self.plain.iter().flat_map(of)
    }

    /// Whether a plain synapse acts on `cell` in a trial.
    pub(super) fn acted_on(&self, plan: &Plan, cell: usize, lane: usize) -> bool {
        self.plain[lane].iter().zip(&plan.plain).any(|(of, p)| p.to.0 == cell && !of.asleep())
    }

    /// When a plain synapse wakes, if they all sleep.
    pub(super) fn plain_wakes(&self, plan: &Plan) -> Option<Tick> {
        let mut next = Tick(i64::MAX);
        for (of, plain) in self.plain.iter().flat_map(|all| all.iter().zip(&plan.plain)) {
            if !of.asleep() {
                return None;
            }
            next = next.min(of.next(plain, self.clock));
        }
        Some(next)
    }
}
