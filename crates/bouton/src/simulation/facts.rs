//! What a run shows of its synapses without being asked: release, its latency, and where the transmitter went.

use super::plan::Plan;
use super::{Driver, Event, EventKind, Release};
use crate::recording::{Fact, Measure, MeasureKind, summary};
use engine::time::Tick;

/// Fusions within this of an action potential are counted as evoked by it.
const EVOKED: Tick = Tick(10_000_000_000);
/// And within this as synchronous: those have a latency.
const SYNCHRONOUS: Tick = Tick(3_000_000_000);

pub(super) fn facts(plan: &Plan, trials: u64, events: &[Event], budgets: &[Vec<f64>]) -> Vec<Fact> {
    let mut out = Vec::new();
    if trials == 0 {
        return out;
    }
    for (c, cell) in plan.cells.iter().enumerate() {
        let mut spikes = vec![0.0; trials as usize];
        for e in events.iter().filter(|e| e.kind == EventKind::Spike { cell: c as u32 }) {
            spikes[e.trial as usize] += 1.0;
        }
        if spikes.iter().any(|n| *n > 0.0) {
            let s = summary(&Measure { values: spikes, ..Measure::default() });
            let note = format!("upward crossings of its threshold at the root, in {} ms", plan.duration.ms());
            let name = format!("{}: spikes", cell.name);
            out.push(Fact { name, value: s.mean, low: s.low95, high: s.high95, unit: String::new(), note });
        }
    }
    for (s, synapse) in plan.synapses.iter().enumerate() {
        // Times in the terminal: conduction is no part of the latency of release.
        if let (Release::Mechanism(_), Driver::Spikes { starts: times, .. }) =
            (&synapse.sending.release, &synapse.sending.driver)
        {
            let fused =
                events.iter().filter(|e| matches!(e.kind, EventKind::Fusion { synapse, .. } if synapse as usize == s));
            let fused: Vec<(u64, Tick)> = fused.map(|e| (e.trial, e.at)).collect();
            release(&synapse.name, times, plan.duration, trials, &fused, &mut out);
        }
        if let Some(budget) = budgets.get(s) {
            routes(plan, s, budget, &mut out);
        }
    }
    out
}

fn release(name: &str, times: &[Tick], duration: Tick, trials: u64, fused: &[(u64, Tick)], out: &mut Vec<Fact>) {
    let first = times.first().copied().unwrap_or(duration);
    let spontaneous = fused.iter().filter(|f| f.1 < first).count() as f64;
    let watched = first.ms() * 1e-3 * trials as f64;
    if watched > 0.0 {
        // Garwood's interval by Wilson and Hilferty: exact enough for counts, and never below 0.
        let bound = |n: f64, z: f64| {
            if n <= 0.0 { 0.0 } else { n * numerics::math::powi(1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt()), 3) }
        };
        out.push(Fact {
            name: format!("{name}: spontaneous release"),
            value: spontaneous / watched,
            low: bound(spontaneous, -1.96) / watched,
            high: bound(spontaneous + 1.0, 1.96) / watched,
            unit: "/s".into(),
            note: format!("{spontaneous} fusions in {watched:.3} s before the first action potential"),
        });
    }
    for (k, &at) in times.iter().enumerate().filter(|(_, t)| **t < duration) {
        let window = times.get(k + 1).map_or(at + EVOKED, |next| (at + EVOKED).min(*next)).min(duration);
        let mut quanta = vec![0.0; trials as usize];
        let mut latency = vec![f64::NAN; trials as usize];
        for &(trial, when) in fused.iter().filter(|f| (at..window).contains(&f.1)) {
            let (n, l) = (&mut quanta[trial as usize], &mut latency[trial as usize]);
            *n += 1.0;
            // In the order of time: the first one counts.
            if l.is_nan() && when < at + SYNCHRONOUS {
                *l = (when - at).ms();
            }
        }
        let which = if times.len() > 1 { format!(", action potential {}", k + 1) } else { String::new() };
        let mut tell = |what: &str, values: Vec<f64>, kind: MeasureKind, unit: &str, note: String| {
            let m = Measure { values, kind, ..Measure::default() };
            let s = summary(&m);
            out.push(Fact {
                name: format!("{name}: {what}{which}"),
                value: s.mean,
                low: s.low95,
                high: s.high95,
                unit: unit.into(),
                note,
            });
            s
        };
        let any = quanta.iter().map(|n| f64::from(u8::from(*n > 0.0))).collect();
        let within = format!("within {} ms", (window - at).ms());
        tell(
            "release probability",
            any,
            MeasureKind::Proportion,
            "",
            format!("share of trials with a fusion {within}"),
        );
        tell("vesicles released", quanta, MeasureKind::Mean, "", within);
        let s = tell(
            "latency of the first fusion",
            latency,
            MeasureKind::Mean,
            "ms",
            format!(
                "from the beginning of the action potential in the terminal; of fusions within {} ms of it",
                SYNCHRONOUS.ms()
            ),
        );
        if s.n > 1 {
            let (n, sd) = (s.n as f64, s.sd);
            // Large-sample interval of a deviation.
            let half = 1.96 * sd / (2.0 * (n - 1.0)).sqrt();
            out.push(Fact {
                name: format!("{name}: jitter of the first fusion{which}"),
                value: sd,
                low: (sd - half).max(0.0),
                high: sd + half,
                unit: "ms".into(),
                note: format!("standard deviation of the latency, of fusions within {} ms", SYNCHRONOUS.ms()),
            });
        }
        if k + 1 == MOST_SHOWN {
            break;
        }
    }
}

/// Of how many action potentials the release is told one by one.
const MOST_SHOWN: usize = 20;

/// Shares of the released transmitter by the way it went until the end of the trial.
fn routes(plan: &Plan, s: usize, budget: &[f64], out: &mut Vec<Fact>) {
    let released = budget.first().copied().unwrap_or(0.0);
    if released <= 0.0 {
        return;
    }
    let synapse = &plan.synapses[s];
    let end = format!("of what was released, at {} ms", plan.duration.ms());
    let mut tell = |what: String, amount: f64| {
        out.push(Fact {
            name: format!("{}: {what}", synapse.name),
            value: 100.0 * amount / released,
            low: f64::NAN,
            high: f64::NAN,
            unit: "%".into(),
            note: end.clone(),
        });
    };
    let resident = |r: usize| (budget[5 + 2 * r], budget[6 + 2 * r]);
    for clearance in &synapse.clearance {
        let (bound, gone) = resident(clearance.resident);
        tell(format!("{} taken up by {}", synapse.transmitter, clearance.name), gone);
        tell(format!("{} held by {}", synapse.transmitter, clearance.name), bound);
    }
    let held: f64 = (0..synapse.receptors.len()).map(|r| resident(r).0).sum();
    tell(format!("{} bound to receptors", synapse.transmitter), held);
    tell(format!("{} free in the cleft", synapse.transmitter), budget[1] + budget[2]);
    tell(format!("{} free in the tissue around", synapse.transmitter), budget[3]);
    tell(format!("{} diffused away", synapse.transmitter), budget[4]);
}
