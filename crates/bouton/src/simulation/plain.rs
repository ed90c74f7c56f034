//! Plain synapses in one trial: a waveform a spike, and no molecules. They are linear, so one number of conductance and one
//! of its companion hold all events of a synapse, whatever the number of its senders.
//!
//! An event counts from its own time, not from the step's; the mean over the step is what the membrane sees, which is of
//! second order in it (`engine::receptor::within`). A sender with `count` draws each member's spikes at the address at
//! which `engine::population` draws them, so that all synapses of a cell see the same.

use super::influx::Influx;
use super::plan::Block;
use super::population::spikes_key;
use engine::receptor::within::{Stepped, Within};
use engine::time::Tick;
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is left of a spike is nothing, as a share of its peak.
const NOTHING: f64 = 1e-12;
/// Steps that random senders are drawn ahead, at most.
const AHEAD: usize = 1024;
/// No spike to come.
const NEVER: Tick = Tick(i64::MAX);

/// What a spike opens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// A conductance, nS at its peak.
    Conductance {
        /// Where its current reverses, mV.
        e_rev: f64,
    },
    /// A current, pA at its peak, positive depolarises.
    Current,
}

/// Quantities of a plain synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfPlain {
    /// nS
    Conductance,
    /// Into the cell; inward negative.
    Current,
}

/// Where its spikes come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Spikes at these times, ascending, of all senders at once.
    Given(Vec<Tick>),
    /// Each sender at random, /ms.
    Poisson(f64),
    /// Upward crossings of a voltage, mV, at the place on the sender.
    Membrane(f64),
}

/// A plain synapse: one for each of its senders, all onto one place; or one for each of a group of spines.
#[derive(Debug, Clone)]
pub struct PlainPlan {
    /// Its name.
    pub name: String,
    /// The sending cell, and the compartment.
    pub from: (usize, u32),
    /// Called so.
    pub sender: String,
    /// Number of the first sender.
    pub first: usize,
    /// How many senders.
    pub members: usize,
    /// Which of how many spines it is onto, each with a plan of this name, one after the other; `(0, 1)` for one place.
    pub spine: (usize, usize),
    /// The receiving cell, and the compartment.
    pub to: (usize, u32),
    /// What a spike opens.
    pub effect: Effect,
    /// How much, nS or pA.
    pub peak: f64,
    /// How it goes on, within a step of the neurons.
    pub within: Within,
    /// Of the neurons, ms to ticks.
    pub step: Tick,
    /// From the sender's spike to here.
    pub delay: Tick,
    /// Where its spikes come from.
    pub heard: Heard,
    /// An instantaneous block of its conductance.
    pub block: Option<Arc<Block>>,
    /// What of its current is calcium.
    pub calcium: Option<Influx>,
    /// Of a current onto a point neuron: which of its own it is, each event by itself rather than in the mean over a step.
    pub exact: Option<usize>,
}

impl PlainPlan {
    /// The share of its conductance that is not blocked at `v` mV.
    #[must_use]
    pub fn open(&self, v: f64) -> f64 {
        self.block.as_ref().map_or(1.0, |block| block.open(v))
    }

    fn key(&self, seed: u64, trial: u64) -> StreamKey {
        spikes_key(seed, trial, &self.sender)
    }

    /// Bytes of its state in a trial.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let random = matches!(self.heard, Heard::Poisson(_));
        if random { self.members * 12 + AHEAD * size_of::<Sum>() } else { 64 }
    }
}

/// When a member's spike `ordinal` comes, after one at `last` (the delay, for the first); `rate`: /ms.
#[inline]
pub(super) fn arrival(key: StreamKey, rate: f64, (member, ordinal): (u64, u32), last: Tick) -> Tick {
    let ms = key.at(member, u64::from(ordinal)).exponential() / rate;
    // 106 days are never.
    if ms < 9e9 { Tick(last.0.saturating_add(((ms * 1e9) as i64).max(1))) } else { NEVER }
}

/// What events of a step add to its end and its mean, and how many they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    g: f64,
    h: f64,
    mean: f64,
    events: u32,
}

impl Sum {
    #[inline]
    fn add(&mut self, weight: f64, s: Stepped) {
        self.g = weight.mul_add(s.g, self.g);
        self.h = weight.mul_add(s.h, self.h);
        self.mean = weight.mul_add(s.mean, self.mean);
    }
}

/// Senders that spike at random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Crowd {
    /// The next arrival of each, and its ordinal.
    next: Vec<Tick>,
    ordinal: Vec<u32>,
    /// The step with which the sums begin.
    from: i64,
    ahead: Vec<Sum>,
    /// The same events one by one, where that is wanted: ascending, and how many are used up.
    times: Vec<Tick>,
    used: usize,
}

impl Crowd {
    /// Steps drawn at once: members are looked at once in them.
    fn window(members: usize) -> usize {
        (members / 8).clamp(1, AHEAD)
    }

    /// What comes in step number `step`.
    fn of(&mut self, plan: &PlainPlan, key: StreamKey, rate: f64, step: i64) -> Sum {
        let at = usize::try_from(step - self.from).unwrap_or(usize::MAX);
        if let Some(sum) = self.ahead.get(at) {
            return *sum;
        }
        self.from = step;
        self.times.clear();
        self.used = 0;
        self.ahead.clear();
        self.ahead.resize(Self::window(plan.members), Sum::default());
        let dt = plan.step.0;
        let end = Tick((step + self.ahead.len() as i64) * dt);
        for (member, (next, ordinal)) in self.next.iter_mut().zip(&mut self.ordinal).enumerate() {
            while *next <= end {
                // An arrival at a step's very end is its own.
                let k = (next.0 - 1).max(0) / dt;
                let left = Tick((k + 1) * dt - next.0).ms();
                let sum = &mut self.ahead[(k - step).max(0) as usize];
                sum.add(plan.peak, plan.within.event(left));
                sum.events += 1;
                if plan.exact.is_some() {
                    self.times.push(*next);
                }
                *ordinal += 1;
                *next = arrival(key, rate, ((plan.first + member) as u64, *ordinal), *next);
            }
        }
        self.times.sort_unstable();
        self.ahead[0]
    }

    /// Events up to `end`, one by one.
    fn each(&mut self, end: Tick) -> &[Tick] {
        let first = self.used;
        self.used += self.times[first..].partition_point(|t| *t <= end);
        &self.times[first..self.used]
    }

    /// When something comes next, after step number `step` has begun.
    fn next(&self, plan: &PlainPlan, step: i64) -> Tick {
        let drawn = self.ahead.iter().enumerate().map(|(k, sum)| (self.from + k as i64, sum.events));
        let drawn = drawn.filter(|(k, n)| *k >= step && *n > 0).map(|(k, _)| Tick(k * plan.step.0));
        drawn.chain(self.next.iter().copied()).min().unwrap_or(NEVER)
    }
}

/// Where its spikes are in a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Waiting {
    /// How many have come.
    Given(usize),
    Random(Crowd),
    /// On their way.
    Sent(VecDeque<Tick>),
}

/// A plain synapse in one trial: all that a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plain {
    /// nS, or pA.
    g: f64,
    h: f64,
    /// Over the step made last.
    mean: f64,
    arrivals: u64,
    waiting: Waiting,
}

impl Plain {
    /// At rest, at time 0, with what arrives then.
    pub(super) fn new(plan: &PlainPlan, seed: u64, trial: u64) -> Self {
        let mut new = Self { g: 0.0, h: 0.0, mean: 0.0, arrivals: 0, waiting: Waiting::Given(0) };
        match &plan.heard {
            Heard::Given(times) => {
                let now = times.iter().take_while(|t| **t + plan.delay <= Tick::ZERO).count();
                let (g, h) = plan.within.born();
                let weight = plan.peak * (now * plan.members) as f64;
                (new.g, new.h) = (weight * g, weight * h);
                new.arrivals = (now * plan.members) as u64;
                new.waiting = Waiting::Given(now);
            }
            Heard::Poisson(rate) => {
                let key = plan.key(seed, trial);
                let first = |k| arrival(key, *rate, (plan.first as u64 + k, 0), plan.delay);
                new.waiting = Waiting::Random(Crowd {
                    next: (0..plan.members as u64).map(first).collect(),
                    ordinal: vec![0; plan.members],
                    from: 0,
                    ahead: Vec::new(),
                    times: Vec::new(),
                    used: 0,
                });
            }
            Heard::Membrane(_) => new.waiting = Waiting::Sent(VecDeque::new()),
        }
        new
    }

    /// The step from `clock` on; `each` is told of events one by one where they count so, by time and number.
    pub(super) fn step(
        &mut self,
        plan: &PlainPlan,
        (seed, trial): (u64, u64),
        clock: Tick,
        mut each: impl FnMut(Tick, f64),
    ) {
        let end = clock + plan.step;
        let now = plan.within.step(self.g, self.h);
        let mut sum = Sum { g: now.g, h: now.h, mean: now.mean, events: 0 };
        let left = |at: Tick| plan.step.ms().min((end - at).ms());
        match (&plan.heard, &mut self.waiting) {
            (Heard::Given(times), Waiting::Given(next)) => {
                while let Some(at) = times.get(*next).map(|t| *t + plan.delay).filter(|t| *t <= end) {
                    sum.add(plan.peak * plan.members as f64, plan.within.event(left(at)));
                    sum.events += plan.members as u32;
                    each(at, plan.members as f64);
                    *next += 1;
                }
            }
            (Heard::Poisson(rate), Waiting::Random(crowd)) => {
                let key = plan.key(seed, trial);
                let came = crowd.of(plan, key, *rate, clock.0 / plan.step.0);
                sum.g += came.g;
                sum.h += came.h;
                sum.mean += came.mean;
                sum.events += came.events;
                crowd.each(end).iter().for_each(|at| each(*at, 1.0));
            }
            (Heard::Membrane(_), Waiting::Sent(queue)) => {
                // What comes from a cell that is stepped later may be late, by a step at most.
                while let Some(at) = queue.front().copied().filter(|t| *t <= end) {
                    sum.add(plan.peak, plan.within.event(left(at)));
                    sum.events += 1;
                    each(at.max(clock), 1.0);
                    queue.pop_front();
                }
            }
            _ => {}
        }
        self.arrivals += u64::from(sum.events);
        (self.g, self.h, self.mean) = (sum.g, sum.h, sum.mean);
        let floor = NOTHING * plan.peak.abs();
        if self.g.abs() <= floor && self.h.abs() <= floor {
            (self.g, self.h) = (0.0, 0.0);
        }
    }

    /// The sender's membrane went from `before` to `after` mV in the step from `clock` on.
    pub(super) fn hear(&mut self, plan: &PlainPlan, clock: Tick, before: f64, after: f64) {
        let (Heard::Membrane(threshold), Waiting::Sent(queue)) = (&plan.heard, &mut self.waiting) else { return };
        if before < *threshold && after >= *threshold {
            // As a neuron's own detector has it.
            let part = (threshold - before) / (after - before);
            queue.push_back(clock + Tick((part * plan.step.0 as f64).round_ties_even() as i64) + plan.delay);
        }
    }

    /// The sender, a point neuron, has spiked.
    pub(super) fn sent(&mut self, plan: &PlainPlan, at: Tick) {
        if let Waiting::Sent(queue) = &mut self.waiting {
            queue.push_back(at + plan.delay);
        }
    }

    /// Mean over the last step: nS, or pA.
    pub(super) fn mean(&self) -> f64 {
        self.mean
    }

    /// Now: nS, or pA.
    pub(super) fn now(&self) -> f64 {
        self.g
    }

    /// Whether nothing is open, nor was in the last step.
    pub(super) fn asleep(&self) -> bool {
        self.g == 0.0 && self.h == 0.0
    }

    /// When the next spike arrives, at the earliest.
    pub(super) fn next(&self, plan: &PlainPlan, clock: Tick) -> Tick {
        match (&plan.heard, &self.waiting) {
            (Heard::Given(times), Waiting::Given(next)) => times.get(*next).map_or(NEVER, |t| *t + plan.delay),
            (_, Waiting::Random(crowd)) => crowd.next(plan, clock.0 / plan.step.0),
            (_, Waiting::Sent(queue)) => queue.front().copied().unwrap_or(NEVER),
            _ => NEVER,
        }
    }

    /// Spikes that have arrived, a sender.
    pub(super) fn arrivals(&self, plan: &PlainPlan) -> f64 {
        self.arrivals as f64 / plan.members as f64
    }
}
