//! One synapse in one trial: from a fusion to what the receiving membrane gets.
//!
//! The cleft runs ahead in steps of its own choosing and is read within them; a fusion that comes to lie within a step
//! takes it back to the step's beginning. Receptors jump under the ligand's course, halves of a step at a time; the ligand
//! feels their means. What is quiet sleeps: no step, no draw, no comparison.

mod molecules;
mod read;
mod supply;
mod wash;

use self::wash::muted;
use super::Work;
use super::fault::RunFault;
use super::plan::{Detail, SynapsePlan};
use super::sending::{self, Sending};
use engine::cleft::{self, Stretch, Tolerance};
use engine::ensemble::{Drive, Individuals, Luck};
use engine::terminal::sites::Fusion;
use engine::time::Tick;
use numerics::math;
use numerics::rng::{StreamKey, name_hash};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Closer to rest than this a cleft sleeps: mM of ligand, occupancy of any state.
const QUIET: (f64, f64) = (1e-8, 1e-5);
/// The cleft's controller lets a step grow by this factor at most.
const GROWTH: i64 = 6;
/// A cleft that takes shorter steps than this is not at rest.
const SHORT: Tick = Tick(50_000_000);
/// A voltage that moved by less leaves voltage-dependent rates as they are, mV.
const MOVED: f64 = 0.02;
/// Steps of the receiver that the cleft may run ahead of a voltage that moves.
const FOLLOWED: i64 = 2;
/// The same for means, mV: 0.1 % of a rate that changes e-fold in 80 mV.
const MOVED_MEANS: f64 = 0.1;

/// What draws are for: part of their address.
pub(super) mod purpose {
    pub const TERMINAL: u32 = 2;
    pub const CONTENT: u32 = 3;
    pub const RECEPTORS: u32 = 4;
    pub const PLACES: u32 = 5;
    pub const NOISE: u32 = 6;
    pub const CHANNELS: u32 = 7;
    pub const MOLECULES: u32 = 8;
}

/// The state of a synapse in one trial: all that a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub(super) sending: sending::State,
    /// Vesicles that fused and are not open yet: when, and amount of transmitter, molecules.
    pending: VecDeque<(Tick, f64)>,
    pub(super) released: f64,
    /// Fusions not yet told.
    pub(super) fused: Vec<(Tick, u32)>,
    cleft: cleft::State,
    /// The cleft at the beginning of `stretch`, while a fusion may come to lie within it.
    before: Option<cleft::State>,
    stretch: Stretch,
    asleep: bool,
    /// Not asleep only because drugs come and go: seen from outside as if it slept.
    calm: bool,
    now: Tick,
    receptors: Vec<Individuals>,
    /// Rates of voltage-dependent receptors, and the voltage they are for, mV.
    rates: Vec<(f64, Vec<f64>)>,
    /// The slot of the receptors, and the ligand in it.
    slot: Tick,
    ligand: Vec<f64>,
    /// What vesicles hold, where that is followed.
    supply: Option<supply::Supplied>,
    /// At the molecular level: the molecules, once there are any.
    molecules: Option<Box<molecules::Molecules>>,
}

/// What came of a step: to be read after it, valid until the next.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Mean over the step of each tap.
    pub mean: Vec<f64>,
    /// Samples of each tap within the step.
    pub samples: Vec<Vec<f64>>,
    /// Samples of the transmitter's concentration, mM, as often as asked for.
    pub concentration: Vec<f64>,
}

/// Working memory of a thread for one kind of synapse.
#[derive(Debug)]
pub struct Scratch {
    cleft: cleft::Scratch,
    pub(super) sending: sending::Scratch,
    fused: Vec<Fusion>,
    ligand: Vec<f64>,
}

impl Scratch {
    pub(super) fn new(plan: &SynapsePlan) -> Self {
        Self {
            cleft: plan.cleft.scratch(),
            sending: sending::Scratch::default(),
            fused: Vec::new(),
            ligand: Vec::new(),
        }
    }
}

/// Addresses of a synapse's luck in one trial.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    terminal: StreamKey,
    /// Of a sender that has a rate.
    spikes: StreamKey,
    content: StreamKey,
    receptors: Vec<StreamKey>,
    places: Vec<StreamKey>,
    molecules: StreamKey,
}

impl Keys {
    pub(super) fn new(plan: &SynapsePlan, seed: u64, trial: u64) -> Self {
        // The first zone has the luck of a synapse with one zone.
        let name = match plan.zone.0 {
            0 => name_hash(&plan.name),
            k => name_hash(&format!("{}[{k}]", plan.name)),
        };
        let own = |purpose| {
            let of = |r: &super::plan::Receptor| name_hash(&r.name) ^ name.rotate_left(17);
            plan.receptors.iter().map(|r| StreamKey::new(seed, trial, purpose, of(r))).collect()
        };
        Self {
            terminal: StreamKey::new(seed, trial, plan.sending.purpose(), name),
            spikes: plan.sending.spikes_key(seed, trial),
            content: StreamKey::new(seed, trial, purpose::CONTENT, name),
            receptors: own(purpose::RECEPTORS),
            places: own(purpose::PLACES),
            molecules: StreamKey::new(seed, trial, purpose::MOLECULES, name),
        }
    }
}

/// Everything about a step but the state: the plan, whose luck, when it ends, how exact.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub plan: &'a SynapsePlan,
    pub keys: &'a Keys,
    pub from: Tick,
    pub to: Tick,
    /// Of the whole trial.
    pub end: Tick,
    pub tolerance: Tolerance,
    /// Sampling of the concentration, if it is sampled.
    pub every: Option<Tick>,
    /// Where baths change: when they next do.
    pub change: Option<Tick>,
}

impl Step<'_> {
    fn luck(&self, receptor: usize) -> Luck {
        Luck { key: self.keys.receptors[receptor], first: 0 }
    }

    /// Samples `start + every, start + 2 every, ...` that lie after `a` and not after `b`.
    fn samples(&self, every: Tick, a: Tick, b: Tick) -> std::ops::Range<i64> {
        let upto = |t: Tick| (t - self.from).0 / every.0;
        upto(a)..upto(b)
    }
}

impl Contact {
    /// At rest, at time 0.
    pub(super) fn new(plan: &SynapsePlan, keys: &Keys, end: Tick) -> Result<Self, RunFault> {
        let mut receptors = Vec::new();
        let mut rates = Vec::new();
        for (r, receptor) in plan.receptors.iter().enumerate() {
            rates.push((f64::NAN, receptor.folded.rates.clone()));
            if plan.detail != Detail::Kinetic {
                continue;
            }
            let key = keys.places[r];
            let mut law = vec![0.0; receptor.states.len()];
            plan.cleft.occupancies(&plan.cleft.start(), r, &mut law);
            let pick = |weights: &mut dyn Iterator<Item = f64>, u: f64| {
                let mut left = u;
                let mut last = 0;
                for (k, w) in weights.enumerate().filter(|(_, w)| *w > 0.0) {
                    last = k;
                    left -= w;
                    if left < 0.0 {
                        break;
                    }
                }
                last
            };
            let start = |copy: usize| {
                let mut draws = key.at(copy as u64, 0);
                let place = pick(&mut receptor.places.iter().map(|p| p.1), draws.uniform());
                let state = pick(&mut law.iter().copied(), draws.uniform());
                (state as u8, receptor.places[place].0 as u16)
            };
            let count = receptor.count as usize;
            let made = Individuals::new(&receptor.plan, Luck { key: keys.receptors[r], first: 0 }, count, start);
            receptors.push(made.map_err(|e| RunFault::receptor(plan, r, Tick::ZERO, e))?);
        }
        Ok(Self {
            sending: plan
                .sending
                .start(keys.terminal, keys.spikes, end)
                .map_err(|e| RunFault::terminal(plan, Tick::ZERO, e))?,
            pending: VecDeque::new(),
            released: 0.0,
            fused: Vec::new(),
            cleft: plan.cleft.start(),
            before: None,
            stretch: Stretch::default(),
            asleep: true,
            calm: false,
            now: Tick::ZERO,
            receptors,
            rates,
            slot: Tick::ZERO,
            ligand: plan.resting.clone(),
            supply: plan.supply.as_deref().map(supply::Supplied::new),
            molecules: plan.molecules.as_deref().filter(|m| !m.is_still()).map(|m| {
                let begun = molecules::Molecules::new(m, keys.molecules, Tick::ZERO);
                begun.into()
            }),
        })
    }

    /// Whether the cleft sleeps.
    #[must_use]
    pub fn asleep(&self) -> bool {
        self.asleep
    }

    /// When anything happens next if the membranes stay at rest, if before `until`.
    pub(super) fn next_event(&self, plan: &SynapsePlan, until: Tick) -> Option<Tick> {
        if plan.detail == Detail::Molecular {
            let fusion = self.pending.front().map(|p| p.0);
            let sending = plan.sending.next_event(&self.sending, self.now, until);
            let molecules = self.molecules.as_ref().and_then(|m| m.next());
            return fusion.into_iter().chain(sending).chain(molecules).min().filter(|&at| at < until);
        }
        let ahead = self.calm && self.now < self.cleft.clock();
        if !self.asleep && !ahead {
            return Some(self.now);
        }
        let stretch = (!self.asleep).then(|| self.cleft.clock());
        let heard = self.receptors.iter().zip(&plan.mute).filter(|(r, mute)| !muted(r, mute));
        let receptors = heard.filter_map(|(r, _)| r.next_due(until)).chain(stretch);
        let fusion = self.pending.front().map(|p| p.0);
        let sending = plan.sending.next_event(&self.sending, self.now, until);
        receptors.chain(fusion).chain(sending).min().filter(|&at| at < until)
    }

    /// The value of a tap now.
    pub(super) fn value(&self, plan: &SynapsePlan, tap: usize) -> f64 {
        self.value_at(plan, tap, self.now)
    }

    /// At the mean level, that of any time within the cleft's last step.
    pub(super) fn value_at(&self, plan: &SynapsePlan, tap: usize, at: Tick) -> f64 {
        let t = &plan.taps[tap];
        match plan.detail {
            Detail::Molecular => self.molecules.as_ref().map_or(t.resting, |m| m.value(t)),
            Detail::Kinetic => {
                let counts = self.receptors[t.receptor].counts();
                t.weights.iter().zip(counts).fold(0.0, |sum, (w, n)| sum + w * f64::from(*n))
            }
            Detail::Mean => {
                let count = f64::from(plan.receptors[t.receptor].count);
                if !self.asleep
                    && self.stretch.from() <= at
                    && at <= self.stretch.to()
                    && self.stretch.observables() > 0
                {
                    return count * self.stretch.observable(tap, at);
                }
                if self.asleep {
                    return t.resting;
                }
                let mut law = vec![0.0; t.weights.len()];
                plan.cleft.occupancies(&self.cleft, t.receptor, &mut law);
                count * t.weights.iter().zip(&law).fold(0.0, |sum, (w, p)| sum + w * p)
            }
        }
    }

    /// The concentration that receptors see now, mM.
    pub(super) fn concentration(&self, plan: &SynapsePlan) -> f64 {
        self.seen(plan, self.now)
    }

    /// The concentration now at a place that is looked at beside, mM.
    pub(super) fn distant(&self, plan: &SynapsePlan, place: usize) -> f64 {
        let (shells, resting) = &plan.distant[place];
        if let Some(molecules) = &self.molecules {
            return molecules.mean(plan, shells, self.now);
        }
        if self.asleep { *resting } else { self.mean(plan, shells, self.now) }
    }

    fn seen(&self, plan: &SynapsePlan, at: Tick) -> f64 {
        if let Some(molecules) = &self.molecules {
            return molecules.mean(plan, &plan.seen, at);
        }
        let at_rest = || plan.seen.iter().fold(0.0, |sum, (shell, share)| sum + share * plan.resting[*shell]);
        if self.asleep { at_rest() } else { self.mean(plan, &plan.seen, at) }
    }

    fn mean(&self, plan: &SynapsePlan, shells: &[(usize, f64)], at: Tick) -> f64 {
        if self.stretch.shells() == 0 || at < self.stretch.from() || at > self.stretch.to() {
            let c = plan.cleft.concentrations(&self.cleft);
            return shells.iter().fold(0.0, |sum, (shell, share)| sum + share * c[*shell]);
        }
        shells.iter().fold(0.0, |sum, &(shell, share)| sum + share * self.stretch.concentration(shell, at))
    }

    /// Advances by a step of the neurons, in which the sender's voltage runs from `v_pre.0` to `v_pre.1` and the
    /// receiver's is `v_post`, mV.
    pub(super) fn advance(
        &mut self,
        step: &Step,
        scratch: &mut Scratch,
        v_pre: (f64, f64),
        v_post: f64,
        given: &mut Given,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let plan = step.plan;
        scratch.fused.clear();
        let key = step.keys.terminal;
        let span = (step.from, step.to);
        plan.sending
            .advance(&mut self.sending, &mut scratch.sending, key, span, v_pre, &mut scratch.fused)
            .map_err(|e| RunFault::terminal(plan, step.from, e))?;
        if let Some(supply) = &plan.supply {
            self.shift(step, supply, scratch);
        }
        for fusion in scratch.fused.drain(..) {
            let at = fusion.at;
            let molecules = plan.sending.molecules(&mut step.keys.content.at(0, self.released as u64));
            self.pending.push_back((at, molecules));
            self.released += 1.0;
            self.fused.push((at, fusion.site));
        }
        if plan.detail == Detail::Molecular {
            self.prepare(plan, given);
            self.follow_molecules(step, v_post, given, work)?;
            self.finish(step, given);
            return Ok(());
        }
        if self.pending.front().is_some_and(|(at, _)| !self.asleep && *at < self.cleft.clock()) {
            self.take_back();
        }
        self.prepare(plan, given);
        let moving =
            self.feel(plan, v_post).map_err(|(r, e)| RunFault::plain(plan, &plan.receptors[r].name, step.from, e))?;
        while self.now < step.to {
            if self.asleep {
                let stop = self.pending.front().map_or(step.to, |p| p.0.min(step.to));
                self.ligand.clone_from(&plan.resting);
                self.slot = stop;
                self.listen(step, stop, given, work)?;
                if self.pending.front().is_some_and(|p| p.0 <= self.now) {
                    self.cleft.sleep(self.now - self.cleft.clock());
                    self.asleep = false;
                    self.open(plan, step.from)?;
                    self.ahead(step, scratch, work, moving)?;
                }
                continue;
            }
            if self.now >= self.cleft.clock() {
                if let Some(supply) = &plan.supply {
                    self.collect(plan, supply);
                }
                if self.pending.front().is_some_and(|p| p.0 <= self.now) {
                    self.open(plan, step.from)?;
                } else if self.quiet(plan) {
                    self.asleep = true;
                    continue;
                }
                self.calm = step.change.is_some() && self.pending.is_empty() && self.is_calm(plan);
                self.ahead(step, scratch, work, moving)?;
                continue;
            }
            if self.now >= self.slot {
                self.next_slot(plan, scratch);
            }
            let stop = self.slot.min(step.to);
            self.listen(step, stop, given, work)?;
        }
        self.finish(step, given);
        Ok(())
    }

    /// What is over a whole step.
    fn finish(&mut self, step: &Step, given: &mut Given) {
        let plan = step.plan;
        if let (Some(supply), Some(supplied)) = (&plan.supply, &mut self.supply) {
            supplied.advance(supply, step.to);
        }
        let length = (step.to - step.from).ms();
        for mean in &mut given.mean {
            *mean /= length;
        }
        if plan.detail != Detail::Mean {
            for samples in &mut given.samples {
                // Each sample holds what changed since the one before.
                let mut sum = 0.0;
                for s in samples {
                    sum += *s;
                    *s = sum;
                }
            }
        }
    }

    /// Empties the outputs; where receptors jump they begin with what there is.
    fn prepare(&self, plan: &SynapsePlan, given: &mut Given) {
        given.mean.clear();
        given.samples.resize(plan.taps.len(), Vec::new());
        given.concentration.clear();
        for (k, tap) in plan.taps.iter().enumerate() {
            given.samples[k].clear();
            given.samples[k].resize(tap.samples, 0.0);
            given.mean.push(0.0);
            if plan.detail != Detail::Mean {
                let value = self.value(plan, k);
                if let Some(first) = given.samples[k].first_mut() {
                    *first = value;
                }
            }
        }
    }

    /// Rates of receptors that feel the voltage: those of the copies, or those of the means. (What the ligand feels of
    /// copies is their means at the voltage of the start: binding itself hardly depends on voltage.)
    /// Whether any of the means moved.
    fn feel(&mut self, plan: &SynapsePlan, v: f64) -> Result<bool, (usize, String)> {
        let mut any = false;
        // Means that sleep feel nothing, and are at the voltage again when a vesicle wakes them.
        if plan.detail == Detail::Mean && self.asleep && self.pending.is_empty() {
            return Ok(false);
        }
        let moved = if plan.detail == Detail::Mean { MOVED_MEANS } else { MOVED };
        for (r, receptor) in plan.receptors.iter().enumerate().filter(|(_, r)| r.feels_voltage) {
            let (at, rates) = &mut self.rates[r];
            if at.is_nan() || (*at - v).abs() > moved {
                *rates = receptor.folded.rates_at(v).map_err(|e| (r, e.to_string()))?;
                *at = v;
                if plan.detail == Detail::Mean {
                    plan.cleft.follow_coefficients(&mut self.cleft, r, rates).map_err(|e| (r, e.to_string()))?;
                    any = true;
                }
            }
        }
        Ok(any)
    }

    /// Whether the cleft may sleep. Not asked while its steps are short: then it is not.
    fn quiet(&self, plan: &SynapsePlan) -> bool {
        if self.stretch.to() - self.stretch.from() < SHORT {
            return false;
        }
        let unrest = plan.cleft.unrest(&self.cleft);
        unrest.concentration < QUIET.0 && unrest.occupancy < QUIET.1 && unrest.in_vesicles == 0.0
    }

    /// Vesicles that are due open.
    fn open(&mut self, plan: &SynapsePlan, from: Tick) -> Result<(), RunFault> {
        while let Some(&(at, molecules)) = self.pending.front().filter(|p| p.0 <= self.cleft.clock()) {
            plan.cleft
                .release(&mut self.cleft, molecules)
                .map_err(|e| RunFault::plain(plan, "cleft", at.max(from), e.to_string()))?;
            self.pending.pop_front();
        }
        Ok(())
    }

    /// One step of the cleft, up to the next fusion known.
    /// Not far ahead of a voltage that moves and that means follow.
    fn ahead(&mut self, step: &Step, scratch: &mut Scratch, work: &mut Work, moving: bool) -> Result<(), RunFault> {
        let plan = step.plan;
        let clock = self.cleft.clock();
        let known = self.pending.front().map(|p| p.0);
        let horizon = Sending::clock(&self.sending, step.to);
        let last = self.stretch.to() - self.stretch.from();
        // Beyond what the terminal has told, a fusion may yet come: then there must be a way back.
        let far = known.is_none() && clock + Tick(last.0.saturating_mul(GROWTH)) >= horizon;
        let goal = known.unwrap_or(if far { step.end } else { horizon });
        self.before = (far || step.change.is_some_and(|at| at < goal)).then(|| self.cleft.clone());
        let limit = goal.max(clock + Tick(1)) - clock;
        let limit = if moving { limit.min((step.to - step.from) * FOLLOWED) } else { limit };
        let stepped = plan.cleft.step_into(
            &mut self.cleft,
            &mut scratch.cleft,
            limit,
            step.tolerance,
            &plan.watch,
            &mut self.stretch,
        );
        let (_, w) = stepped.map_err(|fault| RunFault::cleft(plan, fault))?;
        work.cleft_steps += w.accepted + w.rejected;
        self.slot = self.stretch.from();
        Ok(())
    }

    /// A fusion lies within the stretch: back to its beginning.
    fn take_back(&mut self) {
        if let Some(before) = self.before.take() {
            self.cleft = before;
            // Its rates may be those of an earlier voltage.
            self.rates.iter_mut().for_each(|known| known.0 = f64::NAN);
        }
        self.slot = self.now;
    }

    /// The next half of the stretch, and the ligand in it.
    fn next_slot(&mut self, plan: &SynapsePlan, scratch: &mut Scratch) {
        let (from, to) = (self.stretch.from(), self.stretch.to());
        let middle = Tick(from.0 + (to.0 - from.0) / 2);
        let (a, b) = if self.now < middle { (from, middle) } else { (middle, to) };
        if self.calm {
            self.ligand.clone_from(&plan.resting);
            self.slot = b;
            return;
        }
        scratch.ligand.clear();
        if plan.detail == Detail::Kinetic {
            scratch.ligand.extend((0..plan.shells).map(|shell| self.stretch.mean_concentration(shell, a, b)));
            std::mem::swap(&mut scratch.ligand, &mut self.ligand);
        }
        self.slot = b;
    }

    /// Receptors and samples, from now to `stop`, in which the ligand is `self.ligand`.
    fn listen(&mut self, step: &Step, stop: Tick, given: &mut Given, work: &mut Work) -> Result<(), RunFault> {
        let plan = step.plan;
        if let Some(every) = step.every {
            for k in step.samples(every, self.now, stop) {
                let at = step.from + every * (k + 1);
                given.concentration.push(self.seen(plan, at));
            }
        }
        if plan.detail == Detail::Mean {
            self.integrate(step, stop, given);
            self.now = stop;
            return Ok(());
        }
        let length = stop - self.now;
        for (tap, mean) in given.mean.iter_mut().enumerate() {
            *mean += self.value(plan, tap) * length.ms();
        }
        for r in 0..self.receptors.len() {
            let rates = &self.rates[r].1;
            let drive = Drive { rates, ligand: &self.ligand };
            let luck = step.luck(r);
            let mut moved = |m: engine::ensemble::Move| {
                for (k, tap) in plan.taps.iter().enumerate().filter(|(_, t)| t.receptor == r) {
                    let change = tap.weights[usize::from(m.to)] - tap.weights[usize::from(m.from)];
                    if change != 0.0 {
                        given.mean[k] += change * (stop - m.at).ms();
                        if tap.samples > 0 {
                            let every = (step.to - step.from).0 / tap.samples as i64;
                            let first = ((m.at - step.from).0 + every - 1) / every - 1;
                            given.samples[k][first.max(0) as usize] += change;
                        }
                    }
                }
            };
            let jumps = self.receptors[r].advance(&plan.receptors[r].plan, luck, stop, drive, &mut moved);
            work.receptor_jumps += jumps.map_err(|e| RunFault::receptor(plan, r, self.now, e))?;
        }
        self.now = stop;
        Ok(())
    }

    /// The mean level: taps are those of the cleft's own residents.
    fn integrate(&self, step: &Step, stop: Tick, given: &mut Given) {
        let plan = step.plan;
        for (k, tap) in plan.taps.iter().enumerate() {
            let count = f64::from(plan.receptors[tap.receptor].count);
            let resting = if self.asleep { self.value(plan, k) } else { 0.0 };
            let calm = self.calm && k < plan.receptors.len();
            let mean = if calm {
                tap.resting
            } else if self.asleep {
                resting
            } else {
                count * self.stretch.mean_observable(k, self.now, stop)
            };
            given.mean[k] = (stop - self.now).ms().mul_add(mean, given.mean[k]);
            if tap.samples > 0 {
                let every = Tick((step.to - step.from).0 / tap.samples as i64);
                for i in step.samples(every, self.now, stop) {
                    let at = step.from + every * (i + 1);
                    given.samples[k][i as usize] =
                        if self.asleep { resting } else { count * self.stretch.observable(k, at) };
                }
            }
        }
    }
}

/// Vesicle content: the diameter is normally distributed, so that content goes as `(1 + s z)^3`. `s` for a coefficient of
/// variation of the content, from `CV^2 + 1 = (1 + 15 s^2 + 45 s^4 + 15 s^6) / (1 + 3 s^2)^2`.
pub(crate) fn spread_of_diameter(cv: f64) -> f64 {
    let wanted = cv.mul_add(cv, 1.0);
    let off = |s: f64| {
        let q = s * s;
        let mean = 3.0_f64.mul_add(q, 1.0);
        q.mul_add(q.mul_add(q.mul_add(15.0, 45.0), 15.0), 1.0) / (mean * mean) - wanted
    };
    if cv == 0.0 { 0.0 } else { numerics::bracket::root(off, 0.0, 4.0, 1e-14).unwrap_or(cv / 3.0) }
}

/// A vesicle's content for a normal deviate, relative to the mean.
pub(crate) fn content(s: f64, z: f64) -> f64 {
    let d = s.mul_add(z, 1.0).max(0.0);
    math::powi(d, 3) / (3.0 * s).mul_add(s, 1.0)
}
