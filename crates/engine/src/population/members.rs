//! Members of a population: what each has of its own, and what its spikes do.

use super::course::{Course, of_width, weights};
use super::matrix::{Lot, load, store};
use super::plan::{Plan, PopulationError, Spikes};
use super::run::Keys;
use crate::time::Tick;
use numerics::jump::Binomial;
use numerics::math;
use numerics::simd::{F64x8, Kernel, LANES, Lanes};
use serde::{Deserialize, Serialize};

/// Members of a chunk, the unit of work of a thread.
pub(super) const CHUNK: usize = 1024;
/// No spike to come.
const NEVER: Tick = Tick(i64::MAX);

/// A chunk of members: columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Members {
    first: u64,
    /// The next spike's time here.
    next: Vec<Tick>,
    /// What else is known of each; together, for it is needed together, and seldom.
    own: Vec<Own>,
    /// Laws at the end of step [`Own::base`], receptor by receptor.
    #[serde(with = "super::run::numbers")]
    laws: Vec<F64x8>,
}

/// A member between two spikes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Own {
    /// When it last spiked.
    seen: Tick,
    /// The step at whose end the laws are known.
    base: u64,
    /// The place on the ligand's course there.
    place: f64,
    /// Of the next spike.
    ordinal: u32,
    /// Docked vesicles after the last.
    docked: u32,
}

/// What a chunk's spikes change in the sums of a window. Times in steps since the window's beginning; what happens within
/// a step counts from its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// By step.
    pub spikes: Vec<u32>,
    pub released: Vec<u32>,
    pub empty: Vec<f64>,
    pub ligand: Vec<f64>,
    /// Laws that join the sums, or leave them: step, first node of four, and weights there; [`Changes::laws`] beside.
    pub joins: Vec<Join>,
    pub laws: Vec<F64x8>,
    /// Indices of joins in the order of steps, and where each step's begin.
    pub order: Vec<u32>,
    pub starts: Vec<u32>,
    pub fault: Option<PopulationError>,
}

/// Where a law joins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    pub step: u32,
    /// Four nodes from here on; all of it is without ligand if this is [`QUIET`].
    pub node: u32,
    pub weights: [f64; 4],
}

/// No ligand.
pub(super) const QUIET: u32 = u32::MAX;

impl Changes {
    pub fn clear(&mut self, steps: usize) {
        self.joins.clear();
        self.laws.clear();
        self.fault = None;
        for counts in [&mut self.spikes, &mut self.released] {
            counts.clear();
            counts.resize(steps, 0);
        }
        for sums in [&mut self.empty, &mut self.ligand] {
            sums.clear();
            sums.resize(steps, 0.0);
        }
    }

    /// Orders joins by step, those of a step as they came.
    fn sort(&mut self) {
        self.starts.clear();
        self.starts.resize(self.spikes.len() + 1, 0);
        for join in &self.joins {
            self.starts[join.step as usize + 1] += 1;
        }
        for k in 1..self.starts.len() {
            self.starts[k] += self.starts[k - 1];
        }
        self.order.resize(self.joins.len(), 0);
        let mut next = self.starts.clone();
        for (i, join) in self.joins.iter().enumerate() {
            let at = &mut next[join.step as usize];
            self.order[*at as usize] = i as u32;
            *at += 1;
        }
    }
}

impl Members {
    pub fn new(plan: &Plan, keys: &Keys, first: u64, count: usize) -> Self {
        let one: Vec<F64x8> = plan.courses.iter().zip(&plan.rest).flat_map(|(c, r)| lines(r, c.width)).collect();
        let (sites, quiet) = (plan.about.sites, plan.nodes as f64);
        let own = Own { seen: Tick::ZERO, base: 0, place: quiet, ordinal: 0, docked: sites };
        Self {
            first,
            next: (0..count as u64).map(|k| spike(plan, keys, first + k, 0, plan.about.delay)).collect(),
            own: vec![own; count],
            laws: one.repeat(count),
        }
    }

    /// Whether it can be of this plan.
    pub fn fits(&self, plan: &Plan) -> bool {
        let n = self.next.len();
        self.own.len() == n && self.laws.len() == n * plan.lines()
    }
}

/// A law as lines.
pub(super) fn lines(law: &[f64], width: usize) -> Vec<F64x8> {
    let mut lines = vec![F64x8::default(); width];
    F64x8::as_f64s_mut(&mut lines)[..law.len()].copy_from_slice(law);
    lines
}

/// When a member's spike `ordinal` comes, after one at `last` (the delay, for the first).
fn spike(plan: &Plan, keys: &Keys, member: u64, ordinal: u32, last: Tick) -> Tick {
    match &plan.about.spikes {
        Spikes::Poisson(rate) => {
            let ms = keys.spikes.at(member, u64::from(ordinal)).exponential() / rate;
            // 106 days are never.
            if ms < 9e9 { Tick(last.0.saturating_add(((ms * 1e9) as i64).max(1))) } else { NEVER }
        }
        Spikes::Given(times) => times.get(ordinal as usize).map_or(NEVER, |at| *at + plan.about.delay),
    }
}

/// Runs the spikes of a chunk in steps `from` to `from + steps`.
pub(super) struct Advance<'a> {
    pub plan: &'a Plan,
    pub keys: &'a Keys,
    pub members: &'a mut Members,
    pub changes: &'a mut Changes,
    pub from: u64,
    pub steps: usize,
}

/// Releases whose laws are brought to the end of their step together: at most eight, of different members.
#[derive(Default)]
struct Batch {
    /// Member, and where its law goes among those that join.
    entries: Vec<(usize, usize)>,
    /// Ligand and duration, piece by piece; a lane whose pieces are fewer has pieces of no time.
    pieces: Vec<(F64x8, F64x8)>,
    lot: Lot,
}

impl Batch {
    /// Brings the laws, which stand where they join, to the end, and to their members.
    #[inline(always)]
    fn flush<L: Lanes>(&mut self, plan: &Plan, members: &mut Members, changes: &mut Changes) {
        if self.entries.is_empty() {
            return;
        }
        let mut offset = 0;
        for course in &plan.courses {
            let states = course.rates.states();
            self.lot.shape(states);
            for (lane, (_, at)) in self.entries.iter().enumerate() {
                let law = &F64x8::as_f64s(&changes.laws[at + offset..][..course.width])[..states];
                self.lot.laws.iter_mut().zip(law).for_each(|(line, x)| line.0[lane] = *x);
            }
            for (ligand, dt) in &self.pieces {
                self.lot.flow::<L>(&course.rates, ligand, dt, 1);
            }
            for (lane, &(k, at)) in self.entries.iter().enumerate() {
                let law = &mut changes.laws[at + offset..][..course.width];
                let numbers = &mut F64x8::as_f64s_mut(law)[..states];
                numbers.iter_mut().zip(&self.lot.laws).for_each(|(x, line)| *x = line.0[lane]);
                members.laws[k * plan.lines() + offset..][..course.width].copy_from_slice(law);
            }
            offset += course.width;
        }
        self.entries.clear();
        self.pieces.clear();
    }
}

impl Kernel for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        self.changes.clear(self.steps);
        let end = self.plan.about.step * (self.from as i64 + self.steps as i64);
        let (mut releases, mut batch) = (Vec::new(), Batch::default());
        for k in 0..self.members.next.len() {
            while self.members.next[k] <= end {
                let step = (self.members.next[k].0 - 1).max(0) / self.plan.about.step.0;
                self.spikes(k, step as u64, &mut releases);
                if !releases.is_empty() {
                    // A member's law must be known before its next release.
                    if batch.entries.len() == LANES || batch.entries.last().is_some_and(|e| e.0 == k) {
                        batch.flush::<L>(self.plan, self.members, self.changes);
                    }
                    self.laws::<L>(k, step as u64, &releases, &mut batch);
                }
            }
        }
        batch.flush::<L>(self.plan, self.members, self.changes);
        self.changes.sort();
    }
}

impl Advance<'_> {
    /// All spikes of a member within a step; those that release, with the number of vesicles.
    #[inline(always)]
    fn spikes(&mut self, k: usize, step: u64, releases: &mut Vec<(Tick, u32)>) {
        let d = &self.plan.about;
        let end = d.step * (step as i64 + 1);
        let at = (step - self.from) as usize;
        let (members, changes) = (&mut *self.members, &mut *self.changes);
        releases.clear();
        let own = &mut members.own[k];
        while members.next[k] <= end {
            let (now, ordinal) = (members.next[k], own.ordinal);
            let member = members.first + k as u64;
            let mut draws = self.keys.release.at(member, u64::from(ordinal));
            let empty = d.sites - own.docked;
            let mut docked = own.docked;
            let refilled = if empty > 0 { -math::expm1(-d.refill * (now - own.seen).ms()) } else { 0.0 };
            if refilled > 0.0 {
                docked += Binomial::new(refilled).map_or(0, |b| b.draw(&mut draws, u64::from(empty)) as u32);
            }
            let released = self.plan.release.draw(&mut draws, u64::from(docked)) as u32;
            docked -= released;
            changes.spikes[at] += 1;
            changes.released[at] += released;
            if d.refill.is_finite() {
                let left = math::exp(-d.refill * (end - now).ms());
                changes.empty[at] += (f64::from(d.sites - docked) - f64::from(empty) * (1.0 - refilled)) * left;
                own.docked = docked;
            }
            own.seen = now;
            if released > 0 {
                releases.push((now, released));
            }
            own.ordinal += 1;
            members.next[k] = spike(self.plan, self.keys, member, own.ordinal, now);
        }
    }

    /// Takes a member's laws to the end of a step in which it releases.
    #[inline(always)]
    fn laws<L: Lanes>(&mut self, k: usize, step: u64, releases: &[(Tick, u32)], batch: &mut Batch) {
        let plan = self.plan;
        let d = &plan.about;
        let start = d.step * step as i64;
        let end = start + d.step;
        let quiet = plan.nodes as f64;
        let gone = step - self.members.own[k].base;
        let from = self.members.own[k].place;
        let before = if from < quiet { from + gone as f64 } else { quiet };
        let at = (step - self.from) as u32;
        // The ligand, piece by piece.
        let first = plan.ligand(before);
        let (mut after, mut now) = (first, start);
        let lane = batch.entries.len();
        for (piece, &(when, vesicles)) in releases.iter().chain(&[(end, 0)]).enumerate() {
            let dt = (when - now).ms();
            if piece == batch.pieces.len() {
                batch.pieces.push((F64x8::default(), F64x8::default()));
            }
            (batch.pieces[piece].0.0[lane], batch.pieces[piece].1.0[lane]) = (after, dt);
            after = after * math::exp(-dt / d.tau) + f64::from(vesicles) * d.peak;
            now = when;
        }
        let place = plan.place(after);
        if place < 1.0 {
            let member = (self.members.first + k as u64) as usize;
            let fault = PopulationError::Concentration { member, value: after, at: end };
            self.changes.fault.get_or_insert(fault);
            return;
        }
        self.changes.ligand[at as usize] += after - plan.ligand(before + 1.0);
        self.changes.joins.push(join(at, before + 1.0, quiet, -1.0));
        self.changes.joins.push(join(at, place, quiet, 1.0));
        let (mut line, lines) = (k * plan.lines(), plan.lines());
        let mut out = self.changes.laws.len();
        self.changes.laws.resize(out + 2 * lines, F64x8::default());
        batch.entries.push((k, out + lines));
        for course in &plan.courses {
            let law = &self.members.laws[line..line + course.width];
            let (old, new) = self.changes.laws[out..].split_at_mut(lines);
            of_width!(course.width, walk::<L, W>(course, (from, gone, before), law, old, new));
            out += course.width;
            line += course.width;
        }
        self.members.own[k].base = step + 1;
        self.members.own[k].place = place;
    }
}

/// A member's law of one receptor from the place `from`, where it is known, `gone` steps on to the place `before`, into `new`;
/// a step further, had nothing been released, into `old`.
#[inline(always)]
fn walk<L: Lanes, const W: usize>(
    course: &Course,
    (from, gone, before): (f64, u64, f64),
    law: &[F64x8],
    old: &mut [F64x8],
    new: &mut [F64x8],
) {
    let p = course.walk(load::<L, W>(law), from, gone);
    store(p, new);
    store(course.walk(p, before, 1), old);
}

/// Where a law at a place joins (`sign` 1) or leaves (-1).
#[inline(always)]
fn join(step: u32, place: f64, quiet: f64, sign: f64) -> Join {
    if place >= quiet {
        return Join { step, node: QUIET, weights: [sign, 0.0, 0.0, 0.0] };
    }
    let k = place as u32;
    Join { step, node: k - 1, weights: weights(place - f64::from(k)).map(|w| sign * w) }
}
