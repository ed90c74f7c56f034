//! All trials of all conditions, on any number of threads: batches are handed out in order and taken in in order, so that
//! sums and files have the same bits whoever computed them.

use super::circuit::of_circuit;
use super::facts::{MADE_OF, facts, of_plain, of_populations};
use super::junction::{OfJunction, of_junctions};
use super::plain::OfPlain;
use super::plan::{ClampKind, ClampPlan, Plan, ProbePlan, Source, Voltage, Wanted};
use super::synchrony::synchrony;
use super::taking::taken;
use super::{Batch, Event, EventKind, Kept, RunFault, Scratch, Traces, Work};
use crate::measure::Take;
use crate::recording::{self, Group, MeasureKind, Probe, ProbeKind, Recording, Role};
use engine::cleft::Budget;
use numerics::simd::LANES;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Asks a run to end soon; what is done by then is kept.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// A run that nobody has asked to end.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a run is: shares of a trial count, so that a bar moves within long trials too.
#[derive(Debug, Default)]
pub struct Progress {
    /// Thousandths of trials done.
    done: AtomicU64,
}

impl Progress {
    /// Trials done, as far as that goes.
    #[must_use]
    pub fn trials(&self) -> f64 {
        self.done.load(Ordering::Relaxed) as f64 / 1000.0
    }
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Traces, events, numbers.
    pub recording: Recording,
    /// What it took, by condition.
    pub work: Vec<Work>,
}

/// What came of a batch.
struct Done {
    batch: Batch,
    traces: Traces,
    events: Vec<Event>,
    work: Work,
}

/// What is kept of a condition while it runs.
#[derive(Default)]
struct Tally {
    trials: u64,
    /// Trials without a release, and with one.
    shown: [u64; 2],
    kept: Vec<Kept>,
    /// By measure and what is taken.
    values: Vec<Vec<Vec<f64>>>,
    events: Vec<Event>,
    work: Work,
    /// By synapse, summed over trials.
    budgets: Vec<Vec<f64>>,
    /// The same of each of the first trials.
    by_trial: Vec<Vec<Vec<f64>>>,
    /// By population, of each of the first trials.
    populations: Vec<Vec<Vec<f64>>>,
    /// By plain synapse, spikes a sender of each of the first trials.
    plain: Vec<Vec<f64>>,
}

/// Trials without a release, and with one, of which the report has the traces.
const SHOWN: [u64; 2] = [4, 10];
/// Groups of trials that a comparison has.
const GROUPS: usize = 32;
/// Pieces, at least, in which a batch tells its progress and asks whether to go on; and steps in one, at most.
const PIECES: i64 = 20;
const PIECE: i64 = 4000;

/// Runs all trials of `plans`, on `threads` threads.
///
/// # Errors
/// The first [`RunFault`] in the order of conditions and trials.
pub fn run(
    plans: &[Plan],
    title: &str,
    threads: usize,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Outcome, RunFault> {
    let jobs: Vec<(usize, u64)> = plans
        .iter()
        .enumerate()
        .flat_map(|(p, plan)| (0..plan.trials.div_ceil(LANES as u64)).map(move |b| (p, b * LANES as u64)))
        .collect();
    let next = AtomicUsize::new(0);
    let merged = Mutex::new(Merger {
        next: 0,
        waiting: BTreeMap::new(),
        tallies: plans.iter().map(|_| Tally::default()).collect(),
        spare: Vec::new(),
        fault: None,
    });
    // Within a batch, populations take the threads that have no batch of their own.
    let spare_threads = (threads / jobs.len().max(1)).max(1);
    let lock = || merged.lock().unwrap_or_else(PoisonError::into_inner);
    let worker = || {
        let mut scratches: Vec<Option<Scratch>> = plans.iter().map(|_| None).collect();
        loop {
            let job = next.fetch_add(1, Ordering::Relaxed);
            let Some(&(p, first)) = jobs.get(job) else { return };
            if cancel.asked() || lock().fault.as_ref().is_some_and(|(j, _)| *j < job) {
                return;
            }
            let plan = &plans[p];
            let lanes = (plan.trials - first).min(LANES as u64) as usize;
            let spare = lock().spare.pop().filter(|(of, _)| *of == p).map(|(_, t)| t);
            let traces = spare.unwrap_or_else(|| Traces::new(plan));
            let scratch = scratches[p].get_or_insert_with(|| Scratch::new(plan).threads(spare_threads));
            let done = one(plan, (first, lanes), traces, scratch, progress, cancel);
            let mut merger = lock();
            match done {
                Ok(Some(done)) => merger.take(plans, &jobs, job, done),
                Ok(None) => return,
                Err(fault) => {
                    if merger.fault.as_ref().is_none_or(|(j, _)| job < *j) {
                        merger.fault = Some((job, fault));
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1) {
            scope.spawn(worker);
        }
        worker();
    });
    let merger = merged.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, fault)) = merger.fault {
        return Err(fault);
    }
    let whole = plans.iter().zip(&merger.tallies).all(|(p, t)| t.trials == p.trials);
    let mut work = Vec::new();
    let mut conditions = Vec::new();
    for (plan, tally) in plans.iter().zip(merger.tallies) {
        work.push(tally.work);
        conditions.push(condition(plan, tally));
    }
    let partial = (!whole).then(|| "interrupted".to_owned());
    Ok(Outcome { recording: Recording { title: title.to_owned(), conditions, partial }, work })
}

/// Runs a batch; `None` if it was asked to end.
fn one(
    plan: &Plan,
    (first, lanes): (u64, usize),
    mut traces: Traces,
    scratch: &mut Scratch,
    progress: &Progress,
    cancel: &Cancel,
) -> Result<Option<Done>, RunFault> {
    traces.clear();
    let mut batch = Batch::new(plan, first, lanes)?;
    let (mut events, mut work) = (Vec::new(), Work::default());
    // The cells of a circuit share the threads of a batch.
    let pool =
        plan.circuit.as_ref().and_then(|_| rayon::ThreadPoolBuilder::new().num_threads(scratch.spare()).build().ok());
    let steps = plan.duration.0 / plan.step.0;
    let pieces = PIECES.max(steps / PIECE);
    let mut told = 0;
    for piece in 1..=pieces {
        let until = plan.step * (i128::from(steps) * i128::from(piece) / i128::from(pieces)) as i64;
        match &pool {
            Some(pool) => pool.install(|| batch.advance(plan, scratch, until, &mut traces, &mut events, &mut work))?,
            None => batch.advance(plan, scratch, until, &mut traces, &mut events, &mut work)?,
        }
        let share = (lanes as u128 * 1000 * piece as u128 / pieces as u128) as u64;
        progress.done.fetch_add(share - told, Ordering::Relaxed);
        told = share;
        if cancel.asked() && piece < pieces {
            return Ok(None);
        }
    }
    work.add(&batch.terminal_work(plan));
    events.sort_unstable();
    Ok(Some(Done { batch, traces, events, work }))
}

struct Merger {
    next: usize,
    waiting: BTreeMap<usize, Done>,
    tallies: Vec<Tally>,
    /// Traces to be used again, with the condition they are for.
    spare: Vec<(usize, Traces)>,
    fault: Option<(usize, RunFault)>,
}

impl Merger {
    fn take(&mut self, plans: &[Plan], jobs: &[(usize, u64)], job: usize, done: Done) {
        self.waiting.insert(job, done);
        while let Some(done) = self.waiting.remove(&self.next) {
            let p = jobs[self.next].0;
            self.tallies[p].take(&plans[p], &done);
            self.spare.push((p, done.traces));
            self.next += 1;
        }
    }
}

impl Tally {
    fn take(&mut self, plan: &Plan, done: &Done) {
        self.kept.resize_with(plan.probes.len(), Kept::default);
        self.values.resize_with(plan.measures.len(), Vec::new);
        for (lane, trial) in done.batch.trials().enumerate() {
            let fusion = |e: &&Event| e.trial == trial && matches!(e.kind, EventKind::Fusion { .. });
            let released = usize::from(done.events.iter().any(|e| fusion(&e)));
            self.shown[released] += 1;
            for (p, probe) in plan.probes.iter().enumerate().filter(|(_, p)| p.wanted.kept()) {
                let keep = match probe.wanted {
                    // The report shows trials with a release and without.
                    Wanted::Report => self.shown[released] <= SHOWN[released].min(probe.keep),
                    _ => (self.kept[p].traces.len() as u64) < probe.keep,
                };
                let samples = samples(plan, done, (lane, trial), p);
                self.kept[p].add(trial, &samples, keep);
                if probe.wanted == Wanted::Comparison {
                    self.kept[p].add_to_group(trial, &samples, GROUPS);
                }
            }
            for (m, values) in plan.measures.iter().zip(&mut self.values) {
                if plan.grouped {
                    let samples = samples(plan, done, (lane, trial), m.probe);
                    self.kept[m.probe].add_to_group(trial, &samples, GROUPS);
                    continue;
                }
                let found = taken(plan, m, &samples(plan, done, (lane, trial), m.probe));
                values.resize_with(found.len(), Vec::new);
                for (values, x) in values.iter_mut().zip(found) {
                    values.push(x);
                }
            }
        }
        self.trials += done.batch.trials().count() as u64;
        self.events.extend_from_slice(&done.events);
        self.work.add(&done.work);
        self.populations.resize_with(plan.populations.len(), Vec::new);
        if self.trials <= MADE_OF {
            for (p, of_trial) in done.batch.summaries(plan) {
                self.populations[p].push(of_trial);
            }
        }
        self.plain.resize_with(plan.plain.len(), Vec::new);
        if self.trials <= MADE_OF {
            for (p, spikes) in done.batch.heard(plan) {
                self.plain[p].push(spikes);
            }
        }
        self.budgets.resize_with(plan.synapses.len(), Vec::new);
        self.by_trial.resize_with(plan.synapses.len(), Vec::new);
        for (k, (s, budget)) in done.batch.budgets(plan).enumerate() {
            let mut routes = routes(&budget);
            routes.extend(done.batch.contact(k / plan.synapses.len(), s).supplied());
            let (zone, s) = (plan.synapses[s].zone.0, plan.first(s));
            self.budgets[s].resize(routes.len(), 0.0);
            for (sum, x) in self.budgets[s].iter_mut().zip(&routes) {
                *sum += x;
            }
            if zone == 0 && (self.by_trial[s].len() as u64) < MADE_OF {
                self.by_trial[s].push(routes);
            } else if zone > 0
                && self.trials <= MADE_OF
                && let Some(of_trial) = self.by_trial[s].last_mut()
            {
                of_trial.iter_mut().zip(&routes).for_each(|(sum, x)| *sum += x);
            }
        }
    }
}

/// Samples of a probe in a trial: as they were recorded, or counted from events.
fn samples<'a>(plan: &Plan, done: &'a Done, (lane, trial): (usize, u64), p: usize) -> Cow<'a, [f64]> {
    let probe = &plan.probes[p];
    let Source::Rate(cell) = probe.source else { return Cow::Borrowed(done.traces.samples(lane, p)) };
    let (of, base) = (&plan.cells[cell], plan.base(cell));
    let only =
        (base != cell).then(|| of.circuit.zip(plan.cells[base].circuit).map_or(0, |(number, first)| number - first));
    let mut counts = vec![0.0; (plan.duration.0 / probe.every.0) as usize + 1];
    for event in done.events.iter().filter(|e| e.trial == trial) {
        if let EventKind::Spike { cell, member } = event.kind
            && cell as usize == base
            && only.is_none_or(|k| k == member)
        {
            // A spike at a bin's very end is its own.
            let bin = ((event.at.0 - 1).div_euclid(probe.every.0) + 1).max(0) as usize;
            if let Some(n) = counts.get_mut(bin) {
                *n += 1.0;
            }
        }
    }
    // Per second and cell.
    let each = 1e3 / (probe.every.ms() * of.count as f64);
    Cow::Owned(counts.into_iter().map(|n| n * each).collect())
}

/// Released, in vesicles, free in the cleft, free in the tissue, escaped; then bound and turned over by each resident.
/// What is known of the supply comes after.
fn routes(b: &Budget) -> Vec<f64> {
    let mut all = vec![b.released, b.in_vesicles, b.free_in_cleft, b.free_in_tissue, b.escaped];
    all.extend(b.bound.iter().zip(&b.turned_over).flat_map(|(b, t)| [*b, *t]));
    all
}

impl ProbePlan {
    /// Of its values.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self.source {
            // The same tap is a number of channels or their conductance.
            Source::Tap { .. } if self.path.ends_with(".conductance") => "nS",
            source => source.unit(),
        }
    }
}

impl Source {
    /// Of its values.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        use super::plan::OfTerminal as T;
        use super::population::OfPopulation as P;
        match self {
            Self::Membrane { .. } | Self::Tree { .. } | Self::ClampVoltage(_) => "mV",
            // Of Izhikevich's model mV/ms, for which its current stands.
            Self::Adaptation(_) => "pA",
            Self::Rate(_) => "/s",
            Self::ClampCurrent(_) | Self::ReceptorCurrent { .. } | Self::SynapseCurrent { .. } => "pA",
            Self::ChannelCurrent { .. } => "pA",
            Self::Concentration { .. } => "mM",
            Self::Terminal { quantity, .. } => match quantity {
                T::Voltage => "mV",
                T::CalciumCurrent => "pA",
                T::SensorCalcium | T::Calcium => "mM",
                T::Cytosol | T::Precursor | T::PrecursorOutside => "mM",
                T::OpenChannels | T::Docked | T::Released | T::Content => "",
                T::Capacitance => "fF",
            },
            Self::Cleft { .. } | Self::Distant { .. } | Self::Bath(_) => "mM",
            Self::Spread { .. } => "um2",
            Self::Tap { .. } | Self::Bound { .. } | Self::TurnedOver { .. } | Self::Occupancy { .. } => "",
            Self::ChannelOpen { .. } => "",
            Self::Population { quantity, .. } => match quantity {
                P::ReceptorCurrent(_) | P::Current => "pA",
                P::Ligand => "mM",
                P::Conductance(_) => "nS",
                P::Docked | P::Released | P::Open(_) | P::State { .. } => "",
            },
            Self::Plain { quantity: OfPlain::Current, .. } => "pA",
            Self::Plain { quantity: OfPlain::Conductance, .. } => "nS",
            Self::Junction { quantity, .. } => match quantity {
                OfJunction::Current => "pA",
                OfJunction::Conductance => "nS",
                OfJunction::Strength => "",
            },
        }
    }

    /// The panel of the report it belongs to.
    #[must_use]
    pub fn role(&self) -> Role {
        use super::plan::OfTerminal as T;
        use super::population::OfPopulation as P;
        match self {
            Self::Membrane { .. } | Self::Tree { .. } | Self::ClampVoltage(_) => Role::Voltage,
            Self::Adaptation(_) | Self::Rate(_) => Role::Other,
            Self::ClampCurrent(_) | Self::ReceptorCurrent { .. } | Self::SynapseCurrent { .. } => Role::Current,
            Self::ChannelCurrent { .. } => Role::Current,
            Self::ChannelOpen { .. } => Role::Receptor,
            Self::Concentration { .. } => Role::Calcium,
            Self::Terminal { quantity, .. } => match quantity {
                T::Voltage => Role::Voltage,
                T::CalciumCurrent => Role::Current,
                T::SensorCalcium | T::Calcium => Role::Calcium,
                T::OpenChannels => Role::Receptor,
                T::Docked | T::Released | T::Capacitance => Role::Release,
                T::Content | T::Cytosol | T::Precursor | T::PrecursorOutside => Role::Other,
            },
            Self::Cleft { .. } | Self::Distant { .. } => Role::Cleft,
            Self::Bath(_) => Role::Bath,
            Self::Tap { .. } | Self::Spread { .. } => Role::Receptor,
            Self::Bound { .. } | Self::TurnedOver { .. } | Self::Occupancy { .. } => Role::Other,
            Self::Population { quantity, .. } => match quantity {
                P::ReceptorCurrent(_) | P::Current => Role::Current,
                // A pulse, of which nothing diffuses: the panel of clefts would say so.
                P::Ligand => Role::Other,
                P::Docked | P::Released => Role::Release,
                P::Conductance(_) | P::Open(_) | P::State { .. } => Role::Receptor,
            },
            Self::Plain { quantity: OfPlain::Current, .. } => Role::Current,
            Self::Plain { quantity: OfPlain::Conductance, .. } => Role::Receptor,
            Self::Junction { quantity: OfJunction::Current, .. } => Role::Current,
            Self::Junction { .. } => Role::Other,
        }
    }
}

/// A pipette in words.
fn pipette(plan: &Plan, clamp: &ClampPlan) -> String {
    let cell = &plan.cells[clamp.at.0];
    let place = match &cell.voltage {
        Voltage::Membrane { cell, .. } => cell.layout.place(clamp.at.1),
        _ => String::new(),
    };
    let place = place.strip_prefix("compartment 1 of 1 of ").unwrap_or(&place).replace('`', "");
    let whose = if cell.count > 1 { format!("each {}", cell.name) } else { cell.name.clone() };
    let at = if place.is_empty() { whose } else { format!("{place} of {whose}") };
    let name = &clamp.name;
    match &clamp.kind {
        ClampKind::Voltage { hold, g_s, corner, .. } => {
            // GOhm to MOhm.
            let resistance = 1e3 / g_s;
            let significant = |x: f64| (x * 1e6).round() / 1e6;
            let filter = corner.map_or(String::new(), |kilohertz| format!(", filtered at {kilohertz} kHz"));
            format!("{name} holds {at} at {hold} mV through {} Mohm{filter}", significant(resistance))
        }
        ClampKind::Current { current, start, stop, noise } => {
            let noise = noise.map_or(String::new(), |n| format!(", with noise of {} pA and {} ms,", n.sd, n.tau));
            format!("{name} injects {current} pA{noise} into {at} from {} to {} ms", start.ms(), stop.ms())
        }
        ClampKind::Conductance { g, reversal, start, stop, noise } => {
            let noise = noise.map_or(String::new(), |n| format!(", with noise of {} nS and {} ms,", n.sd, n.tau));
            format!(
                "{name} is a conductance of {g} nS{noise} that reverses at {reversal} mV, at {at} from {} to {} ms",
                start.ms(),
                stop.ms()
            )
        }
    }
}

/// A cell in space with its voltages, `mean` compartment by compartment and sample by sample.
fn tree(plan: &Plan, cell: usize, every: f64, mean: &[f64]) -> Option<recording::Tree> {
    let Voltage::Membrane { cell: lowered, .. } = &plan.cells[cell].voltage else { return None };
    let detailed = plan.synapses.iter().filter(|s| s.zone.0 == 0).map(|s| (&s.name, s.to));
    let plain = plan.plain.iter().map(|p| (&p.name, p.to));
    let mut synapses: Vec<(String, u32)> =
        detailed.chain(plain).filter(|(_, to)| to.0 == cell).map(|(name, to)| (name.clone(), to.1)).collect();
    synapses.sort();
    synapses.dedup();
    Some(recording::Tree {
        cell: plan.cells[cell].name.clone(),
        every,
        geometry: lowered.layout.geometry.clone(),
        parents: (0..lowered.plan.compartments(0) as u32).map(|k| lowered.plan.parent(0, k)).collect(),
        synapses,
        v_m: mean.to_vec(),
    })
}

/// Populations whose cells gap junctions join.
fn coupled(plan: &Plan) -> Vec<String> {
    let many = |k: &usize| plan.cells[*k].count > 1;
    let gaps = plan.circuit.iter().flat_map(|c| &c.gaps).filter(|g| g.ends.0 == g.ends.1);
    let mut names: Vec<String> = gaps.map(|g| g.ends.0).filter(many).map(|k| plan.cells[k].name.clone()).collect();
    names.dedup();
    names
}

fn condition(plan: &Plan, mut tally: Tally) -> recording::Condition {
    for (m, values) in plan.measures.iter().zip(&mut tally.values).filter(|_| plan.grouped) {
        let groups = tally.kept[m.probe].groups.iter().filter(|g| g.trials > 0);
        let of_each: Vec<Vec<f64>> = groups.map(|g| taken(plan, m, g.mean())).collect();
        *values = (0..m.take.len()).map(|k| of_each.iter().map(|of| of[k]).collect()).collect();
    }
    let mut facts = facts(plan, tally.trials, &tally.events, &tally.budgets, &tally.by_trial);
    of_populations(plan, &tally.populations, &mut facts);
    of_plain(plan, &tally.plain, &mut facts);
    of_circuit(plan, tally.trials, &tally.events, &mut facts);
    synchrony(plan, tally.trials, &tally.events, &mut facts);
    of_junctions(plan, &mut facts);
    let (mut probes, mut trees) = (Vec::new(), Vec::new());
    for (probe, kept) in plan.probes.iter().zip(tally.kept).filter(|(p, _)| p.wanted.kept()) {
        let unit = probe.unit();
        if let Source::Tree { cell, .. } = probe.source {
            trees.extend(tree(plan, cell, probe.every.ms(), kept.mean()));
            continue;
        }
        probes.push(Probe {
            path: probe.path.clone(),
            unit,
            every: probe.every.ms(),
            kind: if probe.wanted == Wanted::Probe { ProbeKind::Asked } else { ProbeKind::Automatic },
            role: probe.source.role(),
            mean: kept.mean().to_vec(),
            sd: kept.deviation(),
            trials: kept.traces,
            groups: kept
                .groups
                .iter()
                .map(|g| Group { trials: g.trials, mean: g.mean().to_vec(), scatter: g.scatter().to_vec() })
                .collect(),
        });
    }
    let mut measures = Vec::new();
    for (m, values) in plan.measures.iter().zip(tally.values) {
        let probe = &plan.probes[m.probe];
        for (word, values) in m.take.iter().zip(values) {
            let Some(take) = Take::from_word(word) else { continue };
            measures.push(recording::Measure {
                name: m.name.clone(),
                of: probe.path.clone(),
                quantity: (*word).to_owned(),
                unit: take.unit(probe.unit()),
                values,
                kind: if take == Take::Failure { MeasureKind::Proportion } else { MeasureKind::Mean },
            });
        }
    }
    let named = |e: &Event| {
        let (what, index) = match e.kind {
            EventKind::Fusion { synapse, site } => (format!("{}.fusion", plan.synapses[synapse as usize].name), site),
            EventKind::Spike { cell, member } => (format!("{}.spike", plan.cells[cell as usize].name), member),
        };
        recording::Event { trial: e.trial, at: e.at.ms(), what, index }
    };
    recording::Condition {
        name: plan.name.clone(),
        swept: plan.swept.clone(),
        temperature: plan.temperature,
        trials_asked: plan.trials,
        trials: tally.trials,
        duration: plan.duration.ms(),
        clefts: Vec::new(),
        populations: plan
            .circuit
            .iter()
            .flat_map(|c| &c.groups)
            .map(|g| (plan.cells[g.cell].name.clone(), g.count))
            .collect(),
        coupled: coupled(plan),
        pipettes: plan.clamps.iter().map(|c| pipette(plan, c)).collect(),
        probes,
        trees,
        events: tally.events.iter().map(named).collect(),
        measures,
        facts,
    }
}
