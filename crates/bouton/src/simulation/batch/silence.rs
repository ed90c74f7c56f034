//! How long nothing happens.

use super::Batch;
use crate::simulation::plan::{ClampKind, Plan, Source, Voltage};
use engine::time::Tick;

impl Batch {
    /// The last step before anything happens, if that is farther than a step.
    pub(super) fn silence(&self, plan: &Plan, until: Tick) -> Option<Tick> {
        // Somewhere in a population something always happens.
        if !plan.populations.is_empty() || plan.circuit.is_some() {
            return None;
        }
        if (0..plan.synapses.len())
            .any(|s| plan.fine(s).is_some() || plan.synapses[s].taps.iter().any(|t| t.samples > 0))
        {
            return None;
        }
        let now = self.clock;
        let mut next = until;
        for clamp in &plan.clamps {
            if let ClampKind::Current { start, stop, .. } | ClampKind::Conductance { start, stop, .. } = clamp.kind {
                if (start..stop).contains(&now) {
                    return None;
                }
                next = if start > now { next.min(start) } else { next };
            }
        }
        if plan.cells.iter().any(|c| matches!(&c.voltage, Voltage::Course(course) if now.ms() <= course.duration())) {
            return None;
        }
        for contacts in &self.contacts {
            for (contact, synapse) in contacts.iter().zip(&plan.synapses) {
                next = contact.next_event(synapse, next).map_or(next, |at| at.min(next));
            }
        }
        for probe in &plan.probes {
            // What vesicles hold changes in silence, too.
            if matches!(probe.source, Source::Terminal { quantity, .. } if quantity.supplied()) {
                next = next.min(probe.every * (now.0 / probe.every.0 + 1));
            }
        }
        next = next.min(self.plain_wakes(plan)?);
        let steps = (next - now).0 / plan.step.0;
        (steps > 0).then(|| now + plan.step * steps)
    }
}
