//! What a comparison of levels records of each synapse that has a cleft.

use super::record::source;
use crate::simulation::{MeasurePlan, Plan, ProbePlan, Wanted};
use engine::time::Tick;

/// Samples of the transmitter in a step, where ticks allow, and in a trial at most.
const FINE: i64 = 5;
const MOST: i64 = 20_000;

/// Transmitter, open channels and current of each synapse, and of each trial the peak and the area.
pub(super) fn record(plan: &mut Plan) {
    let mut wanted = Vec::new();
    for synapse in &plan.synapses {
        let name = &synapse.name;
        let fine = plan.step.0 % FINE == 0 && plan.duration.0 / (plan.step.0 / FINE) <= MOST;
        let fine = if fine { plan.step.0 / FINE } else { plan.step.0 };
        wanted.push((format!("{name}.cleft.{}", synapse.transmitter), Tick(fine)));
        wanted.extend(synapse.receptors.iter().map(|r| (format!("{name}.receptor.{}.open", r.name), plan.step)));
        wanted.push((format!("{name}.current"), plan.step));
    }
    for (path, every) in wanted {
        let samples = if every < plan.step { (plan.step.0 / every.0) as usize } else { 0 };
        let Some(source) = source(plan, &path, samples) else { continue };
        let until = plan.duration.ms();
        plan.measures.push(MeasurePlan {
            name: path.clone(),
            probe: plan.probes.len(),
            take: vec!["amplitude", "area"],
            after: 0.0,
            until,
            threshold: None,
            reversal: 0.0,
            slope: 20.0,
        });
        plan.probes.push(ProbePlan { path, source, every, wanted: Wanted::Comparison, keep: 0 });
    }
}
