//! What a run shows of its synapses without being asked: release, its latency, and where the transmitter went.

use super::plan::{Plan, SynapsePlan};
use super::{Driver, Event, EventKind, Release};
use crate::listing::counted;
use crate::recording::{Fact, Measure, MeasureKind, Statistic, summary};
use engine::time::Tick;

/// Fusions within this of an action potential are counted as evoked by it.
const EVOKED: Tick = Tick(10_000_000_000);
/// And within this as synchronous: those have a latency.
const SYNCHRONOUS: Tick = Tick(3_000_000_000);

/// Trials of which a fact keeps what it is made of, at most.
pub(super) const MADE_OF: u64 = 200_000;

/// `budgets` by synapse, summed over trials; `by_trial` the same of each of the first [`MADE_OF`] trials.
pub(super) fn facts(
    plan: &Plan,
    trials: u64,
    events: &[Event],
    budgets: &[Vec<f64>],
    by_trial: &[Vec<Vec<f64>>],
) -> Vec<Fact> {
    let mut out = Vec::new();
    if trials == 0 {
        return out;
    }
    for (c, cell) in plan.cells.iter().enumerate() {
        if cell.circuit.is_some() {
            continue;
        }
        let mut spikes = vec![0.0; trials as usize];
        for e in events.iter().filter(|e| matches!(e.kind, EventKind::Spike { cell, .. } if cell as usize == c)) {
            spikes[e.trial as usize] += 1.0;
        }
        if spikes.iter().any(|n| *n > 0.0) {
            let made_of = kept(Statistic::Count(spikes.clone(), 1.0), trials);
            let s = summary(&Measure { values: spikes, ..Measure::default() });
            let note = format!("upward crossings of its threshold at the root, in {} ms", plan.duration.ms());
            let name = format!("{}: spikes", cell.name);
            let (key, unit) = (format!("{}.spikes", cell.name), String::new());
            out.push(Fact { name, value: s.mean, low: s.low95, high: s.high95, unit, note, key, made_of });
        }
    }
    for (s, synapse) in plan.synapses.iter().enumerate().filter(|(_, s)| s.zone.0 == 0) {
        // Times in the terminal: conduction is no part of the latency of release.
        if let (Release::Mechanism(_) | Release::Sites { .. }, Driver::Spikes { starts: times, .. }) =
            (&synapse.sending.release, &synapse.sending.driver)
        {
            let fused =
                events.iter().filter(|e| matches!(e.kind, EventKind::Fusion { synapse, .. } if synapse as usize == s));
            let fused: Vec<(u64, Tick)> = fused.map(|e| (e.trial, e.at)).collect();
            release(&synapse.name, times, plan.duration, trials, &fused, &mut out);
        }
        if let Some(budget) = budgets.get(s) {
            let by_trial = by_trial.get(s).filter(|b| b.len() as u64 == trials).map_or(&[][..], Vec::as_slice);
            routes(plan, s, budget, by_trial, &mut out);
            supply(plan, s, budget, by_trial, &mut out);
        }
    }
    together(plan, trials, events, &mut out);
    out
}

/// What a fact is made of, unless there are too many trials to keep it.
fn kept(made_of: Statistic, trials: u64) -> Statistic {
    if trials <= MADE_OF { made_of } else { Statistic::Whole }
}

/// Synapses of one axon, at most, that are compared with each other.
const BRANCHES: usize = 100;

/// Whether the synapses of an axon release together: the mean correlation between all pairs of them.
fn together(plan: &Plan, trials: u64, events: &[Event], out: &mut Vec<Fact>) {
    for (c, cell) in plan.cells.iter().enumerate() {
        let mine: Vec<usize> = (0..plan.synapses.len())
            .filter(|s| plan.synapses[*s].from.0 == c && plan.synapses[*s].zone.0 == 0)
            .collect();
        let release = |s: &usize| !matches!(plan.synapses[*s].sending.release, Release::Certain { .. });
        if mine.len() < 2 || mine.len() > BRANCHES || !mine.iter().all(release) || trials > MADE_OF {
            continue;
        }
        let mut counts = vec![vec![0.0; trials as usize]; mine.len()];
        for e in events {
            if let EventKind::Fusion { synapse, .. } = e.kind
                && let Some(k) = mine.iter().position(|s| *s == synapse as usize)
            {
                counts[k][e.trial as usize] += 1.0;
            }
        }
        let made_of = Statistic::Correlation(counts);
        let (value, low, high) = made_of.estimate();
        out.push(Fact {
            name: format!("{}: correlation of release", cell.name),
            value,
            low,
            high,
            unit: String::new(),
            note: format!("mean over all pairs of its {} synapses of the correlation between trials", mine.len()),
            key: format!("{}.release_correlation", cell.name),
            made_of,
        });
    }
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
        let mut counts = vec![0.0; trials as usize];
        fused.iter().filter(|f| f.1 < first).for_each(|f| counts[f.0 as usize] += 1.0);
        out.push(Fact {
            key: format!("{name}.spontaneous_rate"),
            made_of: kept(Statistic::Count(counts, trials as f64 / watched), trials),
            name: format!("{name}: spontaneous release"),
            value: spontaneous / watched,
            low: bound(spontaneous, -1.96) / watched,
            high: bound(spontaneous + 1.0, 1.96) / watched,
            unit: "/s".into(),
            note: format!(
                "{} in {watched:.3} s before the first action potential",
                counted(spontaneous as usize, "fusion")
            ),
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
        let nth = if k > 0 { format!("_{}", k + 1) } else { String::new() };
        let mut tell = |(what, key): (&str, &str), values: Vec<f64>, kind: MeasureKind, unit: &str, note: String| {
            let m = Measure { values, kind, ..Measure::default() };
            let s = summary(&m);
            let made_of = match key {
                "release_probability" => Statistic::Share(m.values),
                "vesicles_released" => Statistic::Count(m.values, 1.0),
                _ => Statistic::Mean(m.values),
            };
            out.push(Fact {
                name: format!("{name}: {what}{which}"),
                value: s.mean,
                low: s.low95,
                high: s.high95,
                unit: unit.into(),
                note,
                key: format!("{name}.{key}{nth}"),
                made_of: kept(made_of, trials),
            });
            s
        };
        let any = quanta.iter().map(|n| f64::from(u8::from(*n > 0.0))).collect();
        let within = format!("within {} ms", (window - at).ms());
        tell(
            ("release probability", "release_probability"),
            any,
            MeasureKind::Proportion,
            "",
            format!("share of trials with a fusion {within}"),
        );
        tell(("vesicles released", "vesicles_released"), quanta, MeasureKind::Mean, "", within);
        let s = tell(
            ("latency of the first fusion", "latency"),
            latency.clone(),
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
                key: format!("{name}.jitter{nth}"),
                made_of: kept(Statistic::Deviation(latency), trials),
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
fn routes(plan: &Plan, s: usize, budget: &[f64], by_trial: &[Vec<f64>], out: &mut Vec<Fact>) {
    let released = budget.first().copied().unwrap_or(0.0);
    if released <= 0.0 {
        return;
    }
    let synapse = &plan.synapses[s];
    let end = format!("of what was released, at {} ms", plan.duration.ms());
    let mut tell = |what: String, key: String, of: &[usize]| {
        let sum = |budget: &[f64]| of.iter().map(|i| budget[*i]).sum::<f64>();
        let amount = sum(budget);
        let made_of = if by_trial.is_empty() {
            Statistic::Whole
        } else {
            let parts = by_trial.iter().map(|b| 100.0 * sum(b)).collect();
            Statistic::Ratio(parts, by_trial.iter().map(|b| b[0]).collect())
        };
        out.push(Fact {
            name: format!("{}: {what}", synapse.name),
            value: 100.0 * amount / released,
            low: f64::NAN,
            high: f64::NAN,
            unit: "%".into(),
            note: end.clone(),
            key: format!("{}.{key}", synapse.name),
            made_of,
        });
    };
    let transmitter = &synapse.transmitter;
    for clearance in synapse.clearance.iter() {
        let (name, at) = (&clearance.name, 5 + 2 * clearance.resident);
        tell(format!("{transmitter} taken up by {name}"), format!("taken_up.{name}"), &[at + 1]);
        tell(format!("{transmitter} held by {name}"), format!("held.{name}"), &[at]);
    }
    let held: Vec<usize> = (0..synapse.receptors.len()).map(|r| 5 + 2 * r).collect();
    tell(format!("{transmitter} bound to receptors"), "bound".into(), &held);
    tell(format!("{transmitter} free in the cleft"), "free_in_cleft".into(), &[1, 2]);
    tell(format!("{transmitter} free in the tissue around"), "free_in_tissue".into(), &[3]);
    tell(format!("{transmitter} diffused away"), "diffused_away".into(), &[4]);
}

/// What populations did: numbers of a trial, [`super::Crowd::summary`], by population and trial.
pub(super) fn of_populations(plan: &Plan, by_trial: &[Vec<Vec<f64>>], out: &mut Vec<Fact>) {
    for (population, by_trial) in plan.populations.iter().zip(by_trial).filter(|(_, t)| !t.is_empty()) {
        let name = &population.name;
        let note = format!("{} synapses, in {} ms", population.members(), plan.duration.ms());
        let mut tell = |what: String, key: String, k: usize| {
            let values: Vec<f64> = by_trial.iter().map(|t| t[k]).collect();
            let s = summary(&Measure { values: values.clone(), ..Measure::default() });
            out.push(Fact {
                name: format!("{name}: {what}"),
                value: s.mean,
                low: s.low95,
                high: s.high95,
                unit: String::new(),
                note: note.clone(),
                key: format!("{name}.{key}"),
                made_of: Statistic::Mean(values),
            });
        };
        tell("spikes a sender".into(), "spikes_each".into(), 0);
        tell("vesicles a synapse".into(), "vesicles_each".into(), 1);
        for (r, receptor) in population.receptors.iter().enumerate() {
            let what = format!("{} open, mean over time", receptor.name);
            tell(what, format!("open_share.{}", receptor.name), 2 + r);
        }
    }
}

/// Spikes a sender of plain synapses, by synapse and trial.
pub(super) fn of_plain(plan: &Plan, by_trial: &[Vec<f64>], out: &mut Vec<Fact>) {
    let first = |(plain, values): &(&super::PlainPlan, &Vec<f64>)| plain.spine.0 == 0 && !values.is_empty();
    for (k, (plain, _)) in plan.plain.iter().zip(by_trial).enumerate().filter(|(_, both)| first(both)) {
        let n = plain.spine.1;
        let trials = 0..by_trial[k].len();
        let mean = |t: usize| by_trial[k..k + n].iter().map(|spine| spine[t]).sum::<f64>() / n as f64;
        let values: Vec<f64> = trials.map(mean).collect();
        let s = summary(&Measure { values: values.clone(), ..Measure::default() });
        out.push(Fact {
            name: format!("{}: spikes a sender", plain.name),
            value: s.mean,
            low: s.low95,
            high: s.high95,
            unit: String::new(),
            note: format!("{}, in {} ms", counted(plain.members * n, "sender"), plan.duration.ms()),
            key: format!("{}.spikes_each", plain.name),
            made_of: Statistic::Mean(values.clone()),
        });
    }
}

/// What quanta hold, and what of it comes back: key, what it is, numerator and denominator in the tail of a budget, unit.
const SUPPLY: [(&str, &str, usize, usize, &str); 6] = [
    ("quantum", "molecules in a quantum", 1, 0, ""),
    ("quantum_first", "molecules in a quantum, first tenth of the trial", 3, 2, ""),
    ("quantum_last", "molecules in a quantum, last tenth of the trial", 5, 4, ""),
    ("recaptured", "precursor recaptured", 7, 6, "%"),
    ("washed_away", "precursor washed away", 8, 6, "%"),
    ("taken_up_beside", "precursor taken up beside, net", 9, 6, "%"),
];
/// Of these, those of any supply.
const OF_QUANTA: usize = 3;

/// What the supply of a synapse has to tell.
fn told(synapse: &SynapsePlan) -> &'static [(&'static str, &'static str, usize, usize, &'static str)] {
    match &synapse.supply {
        None => &[],
        Some(supply) if supply.plan.made() => &SUPPLY,
        Some(_) => &SUPPLY[..OF_QUANTA],
    }
}

fn supply(plan: &Plan, s: usize, budget: &[f64], by_trial: &[Vec<f64>], out: &mut Vec<Fact>) {
    let synapse = &plan.synapses[s];
    let tail = 5 + 2 * (synapse.receptors.len() + synapse.clearance.len());
    for &(key, what, above, below, unit) in told(synapse) {
        let scale = if unit == "%" { 100.0 } else { 1.0 };
        let parts = |of: &[f64]| (scale * of[tail + above], of[tail + below]);
        let (amount, whole) = parts(budget);
        if whole <= 0.0 {
            continue;
        }
        let made_of = if by_trial.is_empty() {
            Statistic::Whole
        } else {
            let (above, below) = by_trial.iter().map(|b| parts(b)).unzip();
            Statistic::Ratio(above, below)
        };
        let note = if unit == "%" { "of what was left outside by the enzyme" } else { "mean over all that fused" };
        out.push(Fact {
            name: format!("{}: {what}", synapse.name),
            value: amount / whole,
            low: f64::NAN,
            high: f64::NAN,
            unit: unit.into(),
            note: note.into(),
            key: format!("{}.{key}", synapse.name),
            made_of,
        });
    }
}

/// The names of all facts that a plan can come to have, with their units; of action potentials the first so many.
#[must_use]
pub fn keys(plan: &Plan) -> Vec<(String, &'static str)> {
    let mut out = Vec::new();
    for (c, cell) in plan.cells.iter().enumerate() {
        out.push((format!("{}.spikes", cell.name), ""));
        if plan.synapses.iter().filter(|s| s.from.0 == c && s.zone.0 == 0).count() > 1 {
            out.push((format!("{}.release_correlation", cell.name), ""));
        }
    }
    if let Some(circuit) = &plan.circuit {
        for group in circuit.groups.iter().filter(|g| g.count > 1) {
            let name = &plan.cells[group.cell].name;
            out.extend([("rate", "/s"), ("interval_cv", "")].map(|(key, unit)| (format!("{name}.{key}"), unit)));
        }
        out.extend(circuit.joined.iter().map(|j| (format!("{}.connections", j.name), "")));
    }
    out.extend(super::synchrony::keys(plan));
    for population in &plan.populations {
        let name = &population.name;
        out.extend(["spikes_each", "vesicles_each"].map(|key| (format!("{name}.{key}"), "")));
        out.extend(population.receptors.iter().map(|r| (format!("{name}.open_share.{}", r.name), "")));
    }
    out.extend(plan.plain.iter().filter(|p| p.spine.0 == 0).map(|p| (format!("{}.spikes_each", p.name), "")));
    for synapse in plan.synapses.iter().filter(|s| s.zone.0 == 0) {
        let name = &synapse.name;
        if let (Release::Mechanism(_) | Release::Sites { .. }, Driver::Spikes { starts: times, .. }) =
            (&synapse.sending.release, &synapse.sending.driver)
        {
            out.push((format!("{name}.spontaneous_rate"), "/s"));
            for k in 0..times.len().min(MOST_SHOWN) {
                let nth = if k > 0 { format!("_{}", k + 1) } else { String::new() };
                for (key, unit) in
                    [("release_probability", ""), ("vesicles_released", ""), ("latency", "ms"), ("jitter", "ms")]
                {
                    out.push((format!("{name}.{key}{nth}"), unit));
                }
            }
        }
        for clearance in synapse.clearance.iter() {
            out.push((format!("{name}.taken_up.{}", clearance.name), "%"));
            out.push((format!("{name}.held.{}", clearance.name), "%"));
        }
        for (key, _, _, _, unit) in told(synapse) {
            out.push((format!("{name}.{key}"), *unit));
        }
        for key in ["bound", "free_in_cleft", "free_in_tissue", "diffused_away"] {
            out.push((format!("{name}.{key}"), "%"));
        }
    }
    out.extend(super::junction::keys(plan));
    out
}
