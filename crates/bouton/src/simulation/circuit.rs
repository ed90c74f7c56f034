//! A circuit in one trial: cells side by side (`engine::circuit`), and senders that only spike.
//!
//! All cells of the model that have a voltage are in it, each by its number: populations one after the other, those with a
//! membrane first. What is stepped elsewhere (synapses of molecules, pipettes that hold or stir) acts as if from outside,
//! and then the circuit goes step by step; else as far as recordings let it.

use super::junction::{Gap, OfJunction};
use super::plain::arrival;
use super::plan::{Plan, Source};
use super::population::spikes_key;
use super::{Event, EventKind};
use crate::recording::{Fact, Measure, Statistic, summary};
use crate::report::significant;
use engine::circuit::{State, Target, Trains};
use engine::time::Tick;
use serde::{Deserialize, Serialize};

/// Intervals of a cell that make a coefficient of variation.
const ENOUGH: f64 = 3.0;

/// A circuit, made ready.
#[derive(Debug, Clone)]
pub struct CircuitPlan {
    /// Of the engine.
    pub plan: engine::circuit::Plan,
    /// All cells at rest, nothing on its way.
    pub rest: State,
    /// Its populations, in the order of their numbers.
    pub groups: Vec<Group>,
    /// Who only spikes.
    pub senders: Vec<Sender>,
    /// Its synapses, in the order of the file.
    pub joined: Vec<Joined>,
    /// Its gap junctions by synapse, in the order of the file.
    pub gaps: Vec<Gap>,
    /// What is recorded of voltages while it runs by itself.
    pub watch: Watch,
    /// Whether anything acts on it step by step.
    pub stepwise: bool,
}

/// A population.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Of the model's cells, which.
    pub cell: usize,
    /// Number of its first cell.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Compartments of one; of a point 1.
    pub compartments: u32,
    /// The first source of spikes that is of it.
    pub source: u32,
    /// Sources a cell: the root first, then other places that are listened to.
    pub places: u32,
    /// Where its channels begin among those of all.
    pub channels: usize,
    /// Which of all ions its own are.
    pub ions: Vec<usize>,
}

/// Who only spikes.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Of the model's cells, which.
    pub cell: usize,
    /// Called so.
    pub name: String,
    /// Its first train.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// When.
    pub spikes: Spiking,
}

/// When a sender spikes.
#[derive(Debug, Clone)]
pub enum Spiking {
    /// All of it at these times, ascending.
    Given(Vec<Tick>),
    /// Each by itself at random, /ms.
    Random(f64),
}

/// A plain synapse of a circuit.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// Its name.
    pub name: String,
    /// Sending and receiving cells of the model.
    pub ends: (usize, usize),
    /// How many senders and receivers.
    pub counts: (u32, u32),
    /// Connected pairs.
    pub connections: u64,
    /// Contacts a pair.
    pub contacts: u64,
    /// The shortest and the longest delay.
    pub delays: (Tick, Tick),
}

/// What is recorded of voltages, and of what passes through gap junctions.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Every so many steps.
    pub every: u64,
    /// Where.
    pub sites: Vec<Target>,
    /// A probe, its first site, and how many steps lie between its samples.
    pub probes: Vec<(usize, usize, u64)>,
    /// Of which junctions.
    pub junctions: Vec<u32>,
    /// What of them.
    pub passing: Vec<WatchedGap>,
}

/// A probe of gap junctions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedGap {
    /// Which probe.
    pub probe: usize,
    /// Of the circuit's, which.
    pub gap: usize,
    /// What of it.
    pub quantity: OfJunction,
    /// Where its junctions begin among those that are watched.
    pub first: usize,
    /// Steps between its samples.
    pub every: u64,
}

impl Watch {
    /// What the probes of a plan want to know of its circuit.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let mut watch = Self::default();
        for (p, probe) in plan.probes.iter().enumerate() {
            if let (Source::Junction { gap, quantity }, Some(circuit)) = (probe.source, &plan.circuit)
                && circuit.gaps[gap].told_as_it_goes()
            {
                let every = (probe.every.0 / plan.step.0).max(1) as u64;
                let known = watch.passing.iter().find(|of| of.gap == gap).map(|of| of.first);
                let first = known.unwrap_or(watch.junctions.len());
                if known.is_none() {
                    watch.junctions.extend(circuit.gaps[gap].junctions());
                }
                watch.passing.push(WatchedGap { probe: p, gap, quantity, first, every });
                watch.every = gcd(watch.every, every);
                continue;
            }
            let (cell, compartments) = match probe.source {
                Source::Membrane { cell, compartment } => (cell, compartment..compartment + 1),
                Source::Tree { cell, width } => (cell, 0..width),
                _ => continue,
            };
            let Some(number) = plan.cells[cell].circuit else { continue };
            let steps = (probe.every.0 / plan.step.0).max(1) as u64;
            watch.probes.push((p, watch.sites.len(), steps));
            watch.sites.extend(compartments.map(|compartment| Target { cell: number, compartment }));
            watch.every = gcd(watch.every, steps);
        }
        watch.every = watch.every.max(1);
        watch
    }

    /// Whether a probe is one of them.
    #[must_use]
    pub fn has(&self, probe: usize) -> bool {
        self.probes.binary_search_by_key(&probe, |of| of.0).is_ok()
            || self.passing.binary_search_by_key(&probe, |of| of.probe).is_ok()
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl CircuitPlan {
    /// The population of a cell by its number. There is one.
    #[must_use]
    pub fn group(&self, number: u32) -> &Group {
        let k = self.groups.partition_point(|g| g.first <= number);
        &self.groups[k.saturating_sub(1)]
    }

    /// The population, and which of its cells, that a source of spikes is of; none where it is no root.
    #[must_use]
    pub fn spiker(&self, source: u32) -> Option<(&Group, u32)> {
        let k = self.groups.partition_point(|g| g.source <= source).checked_sub(1)?;
        let group = &self.groups[k];
        let within = source - group.source;
        (within.is_multiple_of(group.places) && within / group.places < group.count)
            .then(|| (group, within / group.places))
    }
}

/// A circuit in one trial: all that a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Net {
    /// Of the engine.
    pub state: State,
    /// By sender.
    senders: Vec<Sent>,
}

/// How far a sender is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Sent {
    /// Spikes that have been.
    Given(usize),
    /// The next spike of each, and its ordinal.
    Random(Vec<Tick>, Vec<u32>),
}

impl Net {
    /// At rest, at time 0.
    #[must_use]
    pub fn new(plan: &CircuitPlan, seed: u64, trial: u64) -> Self {
        let sent = |sender: &Sender| match sender.spikes {
            Spiking::Given(_) => Sent::Given(0),
            Spiking::Random(rate) => {
                let key = spikes_key(seed, trial, &sender.name);
                let first = |k| arrival(key, rate, (k, 0), Tick::ZERO);
                Sent::Random((0..u64::from(sender.count)).map(first).collect(), vec![0; sender.count as usize])
            }
        };
        Self { state: plan.rest.clone(), senders: plan.senders.iter().map(sent).collect() }
    }

    /// Concentration of a population's ion at a place, mM.
    #[must_use]
    pub fn concentration(&self, plan: &CircuitPlan, at: Target, ion: usize) -> Option<f64> {
        let cells = &plan.plan.cells;
        let ion = *plan.group(at.cell).ions.get(ion)?;
        self.state.cells.concentration(cells, cells.site(at.cell as usize, at.compartment), ion)
    }

    /// Outward current through a population's channel that has gates, at a place, pA.
    #[must_use]
    pub fn current(&self, plan: &CircuitPlan, at: Target, channel: usize) -> f64 {
        let cells = &plan.plan.cells;
        let channel = plan.group(at.cell).channels + channel;
        self.state.cells.current(cells, cells.site(at.cell as usize, at.compartment), channel)
    }

    /// The share of a population's channel that is open at a place; 0 where it is not.
    #[must_use]
    pub fn open(&self, plan: &CircuitPlan, at: Target, channel: usize) -> f64 {
        let cells = &plan.plan.cells;
        let channel = plan.group(at.cell).channels + channel;
        let site = cells.site(at.cell as usize, at.compartment);
        self.state.cells.open(cells, site, channel).unwrap_or(0.0)
    }

    /// Spikes of all senders until before `end`.
    pub fn trains(&mut self, plan: &CircuitPlan, (seed, trial): (u64, u64), end: Tick) -> Trains {
        let mut all: Vec<(Tick, u32)> = Vec::new();
        for (sent, sender) in self.senders.iter_mut().zip(&plan.senders) {
            match (sent, &sender.spikes) {
                (Sent::Given(next), Spiking::Given(times)) => {
                    while let Some(&at) = times.get(*next).filter(|t| **t < end) {
                        all.extend((sender.first..sender.first + sender.count).map(|train| (at, train)));
                        *next += 1;
                    }
                }
                (Sent::Random(next, ordinals), Spiking::Random(rate)) => {
                    let key = spikes_key(seed, trial, &sender.name);
                    for (k, (at, ordinal)) in next.iter_mut().zip(ordinals).enumerate() {
                        while *at < end {
                            all.push((*at, sender.first + k as u32));
                            *ordinal += 1;
                            *at = arrival(key, *rate, (k as u64, *ordinal), *at);
                        }
                    }
                }
                _ => {}
            }
        }
        Trains::of(plan.senders.iter().map(|s| s.count as usize).sum(), all)
    }
}

/// What a circuit did: spikes and rates of its populations, how irregular they are, and how much is connected.
pub(super) fn of_circuit(plan: &Plan, trials: u64, events: &[Event], out: &mut Vec<Fact>) {
    let Some(circuit) = plan.circuit.as_ref().filter(|_| trials > 0) else { return };
    for group in &circuit.groups {
        let (name, n) = (&plan.cells[group.cell].name, group.count as usize);
        // By trial and cell: spikes, and the last time; intervals with their sums, within a trial.
        let mut spikes = vec![vec![0.0; n]; trials as usize];
        let mut last = vec![vec![f64::NAN; n]; trials as usize];
        let mut intervals = vec![vec![[0.0; 3]; n]; trials as usize];
        for event in events {
            let EventKind::Spike { cell, member } = event.kind else { continue };
            if cell as usize != group.cell {
                continue;
            }
            let (trial, k) = (event.trial as usize, member as usize);
            spikes[trial][k] += 1.0;
            let interval = event.at.ms() - last[trial][k];
            if interval.is_finite() {
                let of = &mut intervals[trial][k];
                (of[0], of[1], of[2]) = (of[0] + 1.0, of[1] + interval, interval.mul_add(interval, of[2]));
            }
            last[trial][k] = event.at.ms();
        }
        let each: Vec<f64> = spikes.iter().map(|cells| cells.iter().sum::<f64>() / n as f64).collect();
        let note = if n == 1 {
            format!("upward crossings of its threshold at the root, in {} ms", plan.duration.ms())
        } else {
            format!("mean over {n} cells, in {} ms", plan.duration.ms())
        };
        let mut tell = |what: &str, key: &str, unit: &str, note: &str, values: Vec<f64>, made_of: Statistic| {
            let s = summary(&Measure { values, ..Measure::default() });
            out.push(Fact {
                name: format!("{name}: {what}"),
                value: s.mean,
                low: s.low95,
                high: s.high95,
                unit: unit.to_owned(),
                note: note.to_owned(),
                key: format!("{name}.{key}"),
                made_of,
            });
        };
        if n == 1 {
            if each.iter().any(|n| *n > 0.0) {
                tell("spikes", "spikes", "", &note, each.clone(), Statistic::Count(each, 1.0));
            }
            continue;
        }
        tell("spikes a cell", "spikes", "", &note, each.clone(), Statistic::Mean(each.clone()));
        let rates: Vec<f64> = each.iter().map(|n| n * 1e3 / plan.duration.ms()).collect();
        tell("rate", "rate", "/s", &note, rates.clone(), Statistic::Mean(rates));
        let irregular = |cells: &Vec<[f64; 3]>| {
            let of = cells.iter().filter(|of| of[0] >= ENOUGH).map(|[n, sum, squares]| {
                let mean = sum / n;
                (squares / n - mean * mean).max(0.0).sqrt() / mean
            });
            let all: Vec<f64> = of.collect();
            all.iter().sum::<f64>() / all.len() as f64
        };
        let cv: Vec<f64> = intervals.iter().map(irregular).collect();
        if cv.iter().any(|x| x.is_finite()) {
            let note = format!("coefficient of variation, mean over cells with {ENOUGH} intervals or more");
            tell("irregularity of intervals", "interval_cv", "", &note, cv.clone(), Statistic::Mean(cv));
        }
    }
    for joined in &circuit.joined {
        let contacts = if joined.contacts == 1 { String::new() } else { format!("of {} contacts, ", joined.contacts) };
        if joined.counts == (1, 1) {
            continue;
        }
        let shown = |t: Tick| significant(t.ms(), 3);
        let (least, longest) = (shown(joined.delays.0), shown(joined.delays.1));
        let delay = if least == longest { least } else { format!("{least} to {longest}") };
        let each = joined.connections as f64 / f64::from(joined.counts.1);
        out.push(Fact {
            name: format!("{}: connections", joined.name),
            value: joined.connections as f64,
            low: f64::NAN,
            high: f64::NAN,
            unit: String::new(),
            note: format!("{contacts}{} a receiver, delayed by {delay} ms", significant(each, 3)),
            key: format!("{}.connections", joined.name),
            made_of: Statistic::Whole,
        });
    }
}
