//! Eight trials side by side: the loop over time, in causal order, on one screen.

mod circuit;
mod luck;
mod noise;
mod plain;
mod point;
mod population;
mod read;
mod wash;

use super::acting::Acting;
use super::circuit::Net;
use super::contact::{self, Contact, Given, Keys, Step};
use super::fault::RunFault;
use super::plain::Plain;
use super::plan::{ClampKind, ClampPlan, Plan, Source, Voltage};
use super::population::Crowd;
use super::trace::Traces;
use super::{Event, Work};
use engine::circuit::Target;
use engine::neuron::{self, FilterState, Method, Spike, Stepping};
use engine::time::Tick;
use numerics::simd::{LANES, Level};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A membrane nearer than this to rest is at rest: mV, gates, and concentrations relative to theirs.
const AT_REST: f64 = 1e-7;

/// The state of up to eight trials: all that a checkpoint holds, but for what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    first: u64,
    lanes: usize,
    clock: Tick,
    /// How often the baths have changed.
    changes: usize,
    /// One a cell that has a membrane.
    cells: Vec<Option<neuron::State>>,
    /// The circuit of each trial, if there is one; its cells are not among those above.
    nets: Vec<Net>,
    /// One a cell that is a point neuron.
    points: Vec<Option<engine::point::State>>,
    /// Voltages of each synapse's sender and receiver at the clock and a step before, mV: `[trial][synapse]`.
    senders: Vec<Vec<(f64, f64)>>,
    /// What senders' voltages were at the clock, a step before, and so on, mV, where the way to a terminal takes time:
    /// `[trial][synapse]`.
    past: Vec<Vec<VecDeque<f64>>>,
    /// `[trial][synapse]`.
    contacts: Vec<Vec<Contact>>,
    /// `[trial][population]`.
    crowds: Vec<Vec<Crowd>>,
    /// `[trial][plain synapse]`.
    plain: Vec<Vec<Plain>>,
    /// `[trial][clamp]`.
    filters: Vec<Vec<FilterState>>,
    /// Amplifier's current and voltage of each clamp in the last step: `[trial][clamp]`, pA and mV.
    clamped: Vec<Vec<(f64, f64)>>,
    /// What was added to the current of each clamp in the last step, pA: `[trial][clamp]`.
    noise: Vec<Vec<f64>>,
    /// Calcium current that each terminal took in and its sender has not yet felt, pA within a step:
    /// `[trial][synapse]`.
    load: Vec<Vec<f64>>,
}

/// Working memory of a thread; never saved.
#[derive(Debug)]
pub struct Scratch {
    neurons: Vec<neuron::Scratch>,
    contacts: Vec<contact::Scratch>,
    /// `[trial][synapse]`: what came of the last step.
    given: Vec<Vec<Given>>,
    /// `[trial][synapse][receptor]`: conductance in nS, after its block.
    conductance: Vec<Vec<Vec<f64>>>,
    population: engine::population::Scratch,
    /// For populations of a trial.
    threads: usize,
    /// `[trial][population][receptor]`: conductance of all its synapses in nS, after the block.
    crowds: Vec<Vec<Vec<f64>>>,
    /// `[trial][synapse]`, of the batch at work.
    keys: Vec<Vec<Keys>>,
    /// `[cell][channel]`, of the batch at work.
    luck: Vec<Vec<neuron::Luck>>,
    spikes: Vec<Spike>,
    /// Voltages where plain synapses listen, before a step and after.
    overheard: [Vec<f64>; 2],
    points: point::Scratch,
    circuit: circuit::Memory,
    solved: Vec<Vec<f64>>,
    /// After how many changes of the baths it fits.
    changes: usize,
}

impl Scratch {
    /// For batches of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let zeros = || plan.synapses.iter().map(|s| vec![0.0; s.receptors.len()]).collect();
        Self {
            neurons: plan.cells.iter().map(|_| neuron::Scratch::default()).collect(),
            contacts: plan.synapses.iter().filter(|s| s.zone.0 == 0).map(contact::Scratch::new).collect(),
            given: vec![vec![Given::default(); plan.synapses.len()]; LANES],
            conductance: (0..LANES).map(|_| zeros()).collect(),
            population: engine::population::Scratch::default(),
            threads: 1,
            crowds: vec![plan.populations.iter().map(|p| vec![0.0; p.receptors.len()]).collect(); LANES],
            keys: Vec::new(),
            luck: Vec::new(),
            spikes: Vec::new(),
            overheard: Default::default(),
            points: point::Scratch::default(),
            circuit: circuit::Memory::default(),
            solved: vec![vec![0.0; plan.clamps.len()]; LANES],
            changes: 0,
        }
    }
}

impl Scratch {
    /// How many threads a trial has.
    pub(super) fn spare(&self) -> usize {
        self.threads.max(1)
    }

    /// Populations and circuits within a trial take so many threads; no result depends on it.
    #[must_use]
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }
}

impl Batch {
    /// Trials `first..first + lanes` of a plan at rest, at time 0; eight at most.
    ///
    /// # Errors
    /// A state that cannot be made.
    pub fn new(plan: &Plan, first: u64, lanes: usize) -> Result<Self, RunFault> {
        let cells: Vec<_> = plan
            .cells
            .iter()
            .map(|c| match &c.voltage {
                Voltage::Membrane { rest, .. } if c.circuit.is_none() => Some(rest.clone()),
                _ => None,
            })
            .collect();
        let mut batch = Self {
            first,
            lanes: lanes.min(LANES),
            clock: Tick::ZERO,
            changes: 0,
            points: Self::points_at_rest(plan),
            nets: Vec::new(),
            cells,
            senders: Vec::new(),
            past: Vec::new(),
            contacts: Vec::new(),
            crowds: Vec::new(),
            plain: Vec::new(),
            filters: Vec::new(),
            clamped: Vec::new(),
            noise: vec![vec![0.0; plan.clamps.len()]; lanes.min(LANES)],
            load: vec![vec![0.0; plan.synapses.len()]; lanes.min(LANES)],
        };
        batch.nets = batch.trials().filter_map(|trial| Self::nets_at_rest(plan, trial)).collect();
        batch.populate(plan);
        for lane in 0..batch.lanes {
            let trial = first + lane as u64;
            let contacts =
                plan.synapses.iter().map(|s| Contact::new(s, &Keys::new(s, plan.seed, trial), plan.duration));
            batch.contacts.push(contacts.collect::<Result<_, _>>().map_err(|e| e.of(trial, &plan.name))?);
            batch.plain.push(Self::plain_at_rest(plan, trial));
            batch.points_begin(plan, lane);
            batch.crowds.push(plan.populations.iter().map(|p| Crowd::new(p, &p.keys(plan.seed, trial))).collect());
            let voltage = |at: (usize, u32)| batch.voltage(plan, at, lane);
            let senders: Vec<_> = plan.synapses.iter().map(|s| (voltage(s.from), voltage(s.from))).collect();
            let past = plan.synapses.iter().map(|s| {
                let steps = s.sending.memory().map_or(0, |delay| delay.0 / plan.step.0 + 2);
                (0..steps).map(|_| voltage(s.from)).collect()
            });
            let past = past.collect();
            let mut filters = Vec::new();
            let mut clamped = Vec::new();
            for clamp in &plan.clamps {
                let v = voltage(clamp.at);
                let current = match &clamp.kind {
                    ClampKind::Voltage { hold, g_s, .. } => g_s * (hold - v),
                    ClampKind::Current { .. } | ClampKind::Conductance { .. } => 0.0,
                };
                let settled = match &clamp.kind {
                    ClampKind::Voltage { filter: Some(filter), .. } => filter.settled(current),
                    _ => FilterState::default(),
                };
                filters.push(settled);
                clamped.push((current, v));
            }
            batch.past.push(past);
            batch.senders.push(senders);
            batch.filters.push(filters);
            batch.clamped.push(clamped);
        }
        Ok(batch)
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// The trials.
    #[must_use]
    pub fn trials(&self) -> std::ops::Range<u64> {
        self.first..self.first + self.lanes as u64
    }

    /// A synapse's state in one of the trials.
    #[must_use]
    pub fn contact(&self, lane: usize, synapse: usize) -> &Contact {
        &self.contacts[lane][synapse]
    }

    /// Voltage of a compartment in a trial, mV.
    fn voltage(&self, plan: &Plan, (cell, compartment): (usize, u32), lane: usize) -> f64 {
        if let (Some(cell), Some(of)) = (plan.cells[cell].circuit, &plan.circuit) {
            return self.nets[lane].state.v_m(&of.plan, Target { cell, compartment });
        }
        match (&plan.cells[cell].voltage, &self.cells[cell]) {
            (Voltage::Course(course), _) => course.at(self.clock),
            (_, Some(state)) => state.v_m(neuron::Site { block: 0, compartment, lane }),
            _ => self.points[cell].as_ref().map_or(f64::NAN, |point| point.v_m(lane)),
        }
    }

    /// Runs until `until` (a whole number of steps), and records.
    ///
    /// # Errors
    /// [`RunFault`]; the batch is then not to be used.
    pub fn advance(
        &mut self,
        plan: &Plan,
        scratch: &mut Scratch,
        until: Tick,
        traces: &mut Traces,
        events: &mut Vec<Event>,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        self.fit(plan, scratch);
        if self.clock == Tick::ZERO {
            self.record(plan, scratch, traces, true);
        }
        let mut changed = false;
        loop {
            let stop = plan.later.get(self.changes).map_or(until, |(at, _)| until.min(*at));
            self.within(plan, scratch, (stop, changed), traces, events, work)?;
            if self.clock >= until {
                return Ok(());
            }
            self.change(plan, scratch, work)?;
            changed = true;
        }
    }

    /// Runs until `until`, up to which the baths are what they are; whether they have `changed` just now.
    fn within(
        &mut self,
        whole: &Plan,
        scratch: &mut Scratch,
        (until, changed): (Tick, bool),
        traces: &mut Traces,
        events: &mut Vec<Event>,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let plan = whole.phase(self.changes);
        let change = whole.washed.then(|| whole.later.get(self.changes).map_or(Tick(i64::MAX), |(at, _)| *at));
        let keys = |trial| plan.synapses.iter().map(|s| Keys::new(s, plan.seed, trial)).collect();
        scratch.keys = self.trials().map(keys).collect();
        scratch.luck = self.luck(plan);
        scratch.circuit.luck = self.luck_of_nets(plan);
        // As at the end of every step, so that where a run is cut changes no bit.
        let mut still = !changed && self.clock > Tick::ZERO && self.settle(plan);
        while self.clock < until {
            // In silence nothing is stepped: on to the step in which something happens next.
            if still && let Some(to) = self.silence(plan, until) {
                // What happens may happen at its very end.
                let repeated = self.repeat(plan, scratch, to - plan.step, traces);
                for &cell in &plan.order {
                    self.synapses((plan, change), scratch, Some(cell), to, events, work)?;
                    if let Some(state) = &mut self.cells[cell] {
                        state.sleep(to - self.clock);
                    }
                    if let Some(point) = &mut self.points[cell] {
                        point.sleep(to - self.clock);
                    }
                }
                self.retrace(plan, to - plan.step, repeated, traces);
                self.clock = to;
                self.senders.iter_mut().flatten().for_each(|known| known.0 = known.1);
                // What terminals took in meanwhile wakes their sender.
                still = self.settle(plan);
                self.record(plan, scratch, traces, false);
                continue;
            }
            let leap = plan.circuit.as_ref().map_or(1, |circuit| self.leap(plan, circuit, until));
            let to = self.clock + plan.step * leap;
            self.stir(plan);
            self.populations(plan, scratch)?;
            if plan.circuit.is_some() {
                self.synapses((plan, change), scratch, None, to, events, work)?;
            }
            for &cell in plan.order.iter().filter(|_| plan.circuit.is_none()) {
                // Senders before receivers: what a terminal does within the step is known before its receptors' cell moves.
                self.synapses((plan, change), scratch, Some(cell), to, events, work)?;
                self.plain(plan, scratch, cell);
                self.membrane(plan, scratch, cell, events)?;
                self.point(plan, scratch, cell, events)?;
                let stepped = self.cells[cell].is_some() || self.points[cell].is_some();
                work.neuron_steps += u64::from(stepped) * self.lanes as u64;
            }
            if let Some(circuit) = &plan.circuit {
                self.circuit((plan, circuit), scratch, to, traces, events, work)?;
            }
            self.clock = to;
            still = self.settle(plan);
            for lane in 0..self.lanes {
                for (s, synapse) in plan.synapses.iter().enumerate() {
                    let v = self.voltage(plan, synapse.from, lane);
                    let known = &mut self.senders[lane][s];
                    *known = (known.1, v);
                    if self.past[lane][s].pop_back().is_some() {
                        self.past[lane][s].push_front(v);
                    }
                }
            }
            self.record(plan, scratch, traces, false);
        }
        Ok(())
    }

    /// Puts membranes that are as good as at rest there, and what pipettes report of them; whether all are.
    fn settle(&mut self, plan: &Plan) -> bool {
        // Somewhere in a circuit something always happens.
        let mut still = self.points_settle(plan) && plan.circuit.is_none();
        for (index, cell) in plan.cells.iter().enumerate() {
            let acted: [bool; LANES] =
                std::array::from_fn(|lane| lane < self.lanes && self.acted_on(plan, index, lane));
            let (Voltage::Membrane { rest, cell: of }, Some(state)) = (&cell.voltage, &mut self.cells[index]) else {
                continue;
            };
            let loaded = |s: usize| {
                plan.synapses[s].sending.loads
                    && plan.synapses[s].from.0 == index
                    && self.load.iter().any(|of| of[s] != 0.0)
            };
            let stirred = plan.populations.iter().any(|p| p.to.0 == index)
                || plan.clamps.iter().any(|c| c.at.0 == index && c.kind.stirs(self.clock, plan.step));
            if stirred || (0..plan.synapses.len()).any(loaded) {
                still = false;
                continue;
            }
            for (lane, acted) in acted.into_iter().enumerate().take(self.lanes) {
                if acted || !state.snap(rest, &of.plan, lane, AT_REST) {
                    still = false;
                    continue;
                }
                for (k, clamp) in plan.clamps.iter().enumerate().filter(|(_, c)| c.at.0 == index) {
                    let v = rest.v_m(neuron::Site { block: 0, compartment: clamp.at.1, lane });
                    let ClampKind::Voltage { hold, g_s, filter, .. } = &clamp.kind else { continue };
                    let current = g_s * (hold - v);
                    if (self.clamped[lane][k].0 - current).abs() > AT_REST * g_s.max(1.0) {
                        // The filter still tells of what was.
                        still = false;
                        continue;
                    }
                    self.clamped[lane][k] = (current, v);
                    if let Some(filter) = filter {
                        self.filters[lane][k] = filter.settled(current);
                    }
                }
            }
        }
        // An action potential may still be on its way.
        still
            && (0..self.lanes).all(|lane| {
                plan.synapses.iter().enumerate().all(|(s, synapse)| {
                    let past = &self.past[lane][s];
                    past.is_empty() || past.iter().all(|v| *v == self.voltage(plan, synapse.from, lane))
                })
            })
    }

    /// The voltage that a synapse's sender had `ago`, mV, between steps on a line.
    fn past(&self, plan: &Plan, lane: usize, s: usize, ago: Tick) -> f64 {
        let (past, step) = (&self.past[lane][s], plan.step.0);
        let (k, within) = ((ago.0 / step) as usize, (ago.0 % step) as f64 / step as f64);
        (past[k + 1] - past[k]).mul_add(within, past[k])
    }

    /// The last step before anything happens, if that is farther than a step.
    fn silence(&self, plan: &Plan, until: Tick) -> Option<Tick> {
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

    /// Every synapse onto `cell`, or onto any: terminal, cleft, receptors.
    fn synapses(
        &mut self,
        (plan, change): (&Plan, Option<Tick>),
        scratch: &mut Scratch,
        cell: Option<usize>,
        to: Tick,
        events: &mut Vec<Event>,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let mut group = 0;
        for (s, synapse) in plan.synapses.iter().enumerate() {
            group += usize::from(s > 0 && synapse.zone.0 == 0);
            if cell.is_some_and(|cell| synapse.to.0 != cell) {
                continue;
            }
            for lane in 0..self.lanes {
                let trial = self.first + lane as u64;
                let v_post = self.voltage(plan, synapse.to, lane);
                // A sender that was stepped before is a step further; one that comes later is seen a step late.
                let (before, v) = self.senders[lane][s];
                let stepped = self.cells[synapse.from.0].as_ref().is_some_and(|c| c.clock() >= to);
                let v_pre = if let Some(delay) = synapse.sending.memory() {
                    (self.past(plan, lane, s, delay), self.past(plan, lane, s, delay - plan.step))
                } else if stepped {
                    let site = neuron::Site { block: 0, compartment: synapse.from.1, lane };
                    (v, self.cells[synapse.from.0].as_ref().map_or(v, |c| c.v_m(site)))
                } else {
                    (before, v)
                };
                let step = Step {
                    plan: synapse,
                    keys: &scratch.keys[lane][s],
                    from: self.clock,
                    to,
                    end: plan.duration,
                    tolerance: plan.tolerance,
                    every: plan.fine(s),
                    change,
                };
                let contact = &mut self.contacts[lane][s];
                let given = &mut scratch.given[lane][s];
                let already = contact.released;
                let before = synapse.sending.influx(&contact.sending);
                contact
                    .advance(&step, &mut scratch.contacts[group], v_pre, v_post, given, work)
                    .map_err(|e| e.of(trial, &plan.name))?;
                if synapse.sending.loads {
                    // All of it, however long the stretch was: it is felt within a step.
                    let charge = synapse.sending.influx(&contact.sending) - before;
                    self.load[lane][s] += charge / plan.step.ms();
                }
                if contact.released > already {
                    if let Some(junction) = synapse.junction {
                        scratch.circuit.told[lane].push((junction, contact.released - already));
                    }
                    let fused = contact.fused.drain(..);
                    // Places are counted through all active zones of a synapse.
                    let before = synapse.zone.0 as u32 * synapse.sending.places();
                    events.extend(fused.map(|(at, place)| Event::fusion(trial, at, plan.first(s), before + place)));
                }
                for (r, receptor) in synapse.receptors.iter().enumerate() {
                    let g = given.mean[r];
                    let open = receptor.block.as_ref().filter(|_| g > 0.0).map_or(1.0, |b| b.open(v_post));
                    scratch.conductance[lane][s][r] = g * open;
                }
            }
        }
        Ok(())
    }

    fn membrane(
        &mut self,
        plan: &Plan,
        scratch: &mut Scratch,
        cell: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), RunFault> {
        self.overheard(plan, cell, &mut scratch.overheard[0]);
        let (Voltage::Membrane { cell: lowered, .. }, Some(state)) = (&plan.cells[cell].voltage, &mut self.cells[cell])
        else {
            return Ok(());
        };
        let stepping = Stepping { level: Level::best(), dt: plan.step, method: Method::CrankNicolson };
        let acting = Acting {
            plan,
            cell,
            lanes: self.lanes,
            conductance: &scratch.conductance,
            crowds: &scratch.crowds,
            plain: &self.plain,
            solved: &mut scratch.solved,
            noise: &self.noise,
            load: &self.load,
            luck: &scratch.luck[cell],
        };
        scratch.spikes.clear();
        neuron::run_here(&lowered.plan, state, &scratch.neurons[cell], stepping, 1, &mut [acting], &mut scratch.spikes)
            .map_err(|e| RunFault::neuron(plan, cell, self.clock, self.first, e))?;
        self.overheard(plan, cell, &mut scratch.overheard[1]);
        let [before, after] = &scratch.overheard;
        self.spread(plan, cell, before, after);
        for (s, _) in plan.synapses.iter().enumerate().filter(|(_, s)| s.from.0 == cell) {
            self.load.iter_mut().for_each(|of| of[s] = 0.0);
        }
        for spike in scratch.spikes.iter().filter(|s| (s.cell as usize) < self.lanes) {
            events.push(Event::spike(self.first + u64::from(spike.cell), spike.at, (cell, 0)));
        }
        for (k, clamp) in plan.clamps.iter().enumerate().filter(|(_, c)| c.at.0 == cell) {
            for lane in 0..self.lanes {
                self.seen(clamp, (lane, k), self.clock, scratch.solved[lane][k]);
            }
        }
        Ok(())
    }

    /// What a pipette reports of the step from `from` on, in which it saw `v` mV.
    fn seen(&mut self, clamp: &ClampPlan, (lane, k): (usize, usize), from: Tick, v: f64) {
        let raw = clamp.kind.injected(from, self.noise[lane][k], v);
        let current = match &clamp.kind {
            ClampKind::Voltage { filter: Some(filter), .. } => filter.next(&mut self.filters[lane][k], raw),
            _ => raw,
        };
        self.clamped[lane][k] = (current, v);
    }

    /// What the terminals did.
    #[must_use]
    pub fn terminal_work(&self, plan: &Plan) -> Work {
        let (plan, mut sum) = (plan.phase(self.changes), Work::default());
        for (contact, synapse) in self.contacts.iter().flat_map(|all| all.iter().zip(&plan.synapses)) {
            let w = synapse.sending.work(&contact.sending);
            sum.terminal_slots += w.slots;
            sum.bulk_steps += w.bulk_steps;
            sum.channel_jumps += w.channel_jumps;
        }
        sum
    }

    /// Molecules of transmitter by route: trial by trial, in each the active zones in their order.
    pub fn budgets<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (usize, engine::cleft::Budget)> + 'a {
        let plan = plan.phase(self.changes);
        self.contacts.iter().flat_map(move |contacts| {
            contacts.iter().enumerate().map(move |(s, contact)| (s, contact.budget(&plan.synapses[s])))
        })
    }
}
