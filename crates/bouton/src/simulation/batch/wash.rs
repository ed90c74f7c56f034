//! Baths that change: from one plan to the next of the same parts.

use super::super::contact;
use super::{Batch, Contact, Keys, Scratch};
use crate::simulation::plan::{Detail, Plan, Source};
use crate::simulation::trace::Traces;
use crate::simulation::{RunFault, Work};
use engine::neuron;
use engine::time::Tick;

impl Batch {
    /// Working memory of another bath fits other sizes.
    pub(super) fn fit(&self, plan: &Plan, scratch: &mut Scratch) {
        if scratch.changes == self.changes {
            return;
        }
        let now = plan.phase(self.changes);
        scratch.contacts = now.synapses.iter().filter(|s| s.zone.0 == 0).map(contact::Scratch::new).collect();
        scratch.neurons = now.cells.iter().map(|_| neuron::Scratch::default()).collect();
        scratch.changes = self.changes;
    }

    /// The baths change: everything is as it was, under other rates and with another rest.
    pub(super) fn change(&mut self, plan: &Plan, scratch: &mut Scratch, work: &mut Work) -> Result<(), RunFault> {
        let (old, new) = (plan.phase(self.changes), plan.phase(self.changes + 1));
        for (lane, contacts) in self.contacts.iter_mut().enumerate() {
            let trial = self.first + lane as u64;
            let mut group = 0;
            for (s, contact) in contacts.iter_mut().enumerate() {
                let (before, now) = (&old.synapses[s], &new.synapses[s]);
                group += usize::from(s > 0 && before.zone.0 == 0);
                let keys = Keys::new(before, plan.seed, trial);
                let with = (&keys, &mut scratch.contacts[group], plan.tolerance);
                contact.change((before, now), with, work).map_err(|e| e.of(trial, &plan.name))?;
            }
        }
        self.changes += 1;
        self.fit(plan, scratch);
        Ok(())
    }

    /// Samples of a silence in which drugs come and go: what follows the cleft's means moves. `repeated`: how many samples
    /// each probe had before the silence.
    pub(super) fn retrace(&self, plan: &Plan, to: Tick, repeated: Vec<usize>, traces: &mut Traces) {
        for (p, (probe, from)) in plan.probes.iter().zip(repeated).enumerate() {
            let zones = match probe.source {
                Source::Tap { synapse, .. } if plan.synapses[synapse].detail == Detail::Mean => plan.zones(synapse),
                Source::Occupancy { synapse, .. } => synapse..synapse + 1,
                _ => continue,
            };
            let at = |contact: &Contact, s: usize, at: Tick| match probe.source {
                Source::Tap { tap, .. } => contact.value_at(&plan.synapses[s], tap, at),
                Source::Occupancy { clearance, state, .. } => {
                    contact.occupancy(&plan.synapses[s], (clearance, state), at)
                }
                _ => f64::NAN,
            };
            for (lane, contacts) in self.contacts.iter().enumerate() {
                if zones.clone().all(|s| contacts[s].asleep()) {
                    continue;
                }
                let first = self.clock.0 / probe.every.0 + 1;
                for (k, out) in (first..=to.0 / probe.every.0).zip(&mut traces.lanes[lane][p][from..]) {
                    *out = zones.clone().fold(0.0, |sum, s| sum + at(&contacts[s], s, probe.every * k));
                }
            }
        }
    }
}
