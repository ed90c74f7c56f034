//! Copies of a scheme followed one by one, each at its place, each jump at its tick.
//!
//! **Exact for rates constant within a slot**: a copy waits until the integral of its exit rate has spent a unit
//! exponential (time-rescaling), so that cutting a slot changes no bit. Cost: a comparison a copy and slot, a draw a
//! jump; nothing at all while the drive stays and nobody is due. With a resting drive ([`IndividualsPlan::with_rest`])
//! copies that were silent for long sleep: one waiting time from the quasi-stationary law ([`numerics::markov::Quiet`]).
//! Luck has the address (copy, ordinal of that copy's event). Resolution: a tick, to which times are rounded down.

use super::EnsembleError;
use crate::alarm::Alarm;
use crate::fault::{Fault, Quantity};
use crate::mechanism::{Kinetics, KineticsError};
use crate::time::Tick;
use numerics::markov::{Generator, Quiet};
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// State of a copy that sleeps: one of those that are not active, drawn when it wakes.
pub const ASLEEP: u8 = u8::MAX;
/// Fastest exit, /ms: one a tick.
const FASTEST: f64 = 1e9;
const NEVER: Tick = Tick(i64::MAX);

/// What drives the copies, constant over a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drive<'a> {
    /// One a transition of the scheme, in its order: /ms, or /mM/ms where it takes up the first ligand (further ligands'
    /// concentrations are the caller's to multiply).
    pub rates: &'a [f64],
    /// Concentration of the first ligand at each place, mM; may be empty for a scheme that takes up none.
    pub ligand: &'a [f64],
}

/// Where luck is found.
#[derive(Clone, Copy, Debug)]
pub struct Luck {
    /// Key of the plan.
    pub key: StreamKey,
    /// Member of the first; the others follow.
    pub first: u64,
}

/// A jump, or falling asleep, or waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// When, to the tick.
    pub at: Tick,
    /// Which copy.
    pub copy: u32,
    /// State left, or [`ASLEEP`].
    pub from: u8,
    /// State entered, or [`ASLEEP`].
    pub to: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    to: u8,
    transition: u16,
    binds: bool,
}

/// Rest, and how copies are silent there.
#[derive(Clone, Debug, PartialEq)]
struct Rest {
    rates: Vec<f64>,
    ligand: Option<f64>,
    active: Vec<bool>,
    quiet: Quiet,
    settling: Tick,
}

/// A scheme made ready for following copies. Immutable and shared.
#[derive(Clone, Debug, PartialEq)]
pub struct IndividualsPlan {
    states: usize,
    /// Ordered by the state they leave.
    steps: Vec<Step>,
    /// First step of each state, and the end.
    first: Vec<usize>,
    binds: bool,
    rest: Option<Rest>,
}

impl IndividualsPlan {
    /// Sorts the scheme's transitions. The ligand of the [`Drive`] is the scheme's first.
    #[must_use]
    pub fn new(kinetics: &Kinetics) -> Self {
        Self::sorted(kinetics, |k| kinetics.transitions()[k].takes_up.is_some_and(|l| l.0 == 0))
    }

    /// The same where the caller multiplies every ligand into the rates: all are in /ms.
    #[must_use]
    pub fn folded(kinetics: &Kinetics) -> Self {
        Self::sorted(kinetics, |_| false)
    }

    fn sorted(kinetics: &Kinetics, binds: impl Fn(usize) -> bool) -> Self {
        let mut order: Vec<usize> = (0..kinetics.transitions().len()).collect();
        order.sort_by_key(|&k| kinetics.transitions()[k].from);
        let step =
            |&k: &usize| Step { to: kinetics.transitions()[k].to.0 as u8, transition: k as u16, binds: binds(k) };
        let steps: Vec<Step> = order.iter().map(step).collect();
        let before = |state: usize| order.partition_point(|&k| usize::from(kinetics.transitions()[k].from.0) < state);
        let first = (0..=kinetics.states()).map(before).collect();
        let binds = steps.iter().any(|s| s.binds);
        Self { states: kinetics.states(), steps, first, binds, rest: None }
    }

    /// Lets copies sleep under exactly this `drive` (its `ligand`: one value for all places, or none), where what matters
    /// are the `active` states: a copy that was in none of them for the law's settling time since rest began is replaced
    /// by its waiting time for the next activation. What is seen of the active states is exact in law (to 1e-9).
    ///
    /// # Errors
    /// A drive of the wrong lengths or with rates that are none; active states that are none or all; a silent copy that
    /// never forgets where it was.
    pub fn with_rest(mut self, drive: Drive, active: &[usize]) -> Result<Self, EnsembleError> {
        self.check(drive, 0)?;
        if active.is_empty() {
            return Err(EnsembleError::Rest);
        }
        let ligand = drive.ligand.first().copied();
        if self.binds && ligand.is_none() {
            return Err(EnsembleError::Length { got: 0, want: 1 });
        }
        let list: Vec<(usize, usize, f64)> = (0..self.states)
            .flat_map(|from| self.leaving(from).iter().map(move |s| (from, s)))
            .map(|(from, s)| (from, usize::from(s.to), rate(s, drive.rates, ligand.unwrap_or(0.0))))
            .collect();
        let quiet = Generator::new(self.states, &list)
            .and_then(|q| q.quasi_stationary(active))
            .map_err(|_| EnsembleError::Rest)?;
        let settling = Tick::from_ms(quiet.settling).map_err(|_| EnsembleError::Rest)?;
        let active = (0..self.states).map(|s| active.contains(&s)).collect();
        self.rest = Some(Rest { rates: drive.rates.to_vec(), ligand, active, quiet, settling });
        Ok(self)
    }

    /// The law of silent copies at rest, if rest was given.
    #[must_use]
    pub fn quiet(&self) -> Option<&Quiet> {
        self.rest.as_ref().map(|r| &r.quiet)
    }

    /// How many states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    fn leaving(&self, state: usize) -> &[Step] {
        &self.steps[self.first[state]..self.first[state + 1]]
    }

    /// Lengths and values of a drive over `places`.
    fn check(&self, drive: Drive, places: usize) -> Result<(), EnsembleError> {
        let (rates, ligand) = (drive.rates, drive.ligand);
        if rates.len() != self.steps.len() {
            return Err(EnsembleError::Length { got: rates.len(), want: self.steps.len() });
        }
        if self.binds && ligand.len() < places {
            return Err(EnsembleError::Length { got: ligand.len(), want: places });
        }
        let bad = |x: f64| !(x >= 0.0 && x.is_finite());
        if let Some(transition) = rates.iter().position(|&x| bad(x)) {
            return Err(KineticsError::BadRate { transition, rate: rates[transition] }.into());
        }
        if let Some(place) = ligand.iter().position(|&x| bad(x)) {
            let (quantity, value) = (Quantity::Concentration { ligand: 0 }, ligand[place]);
            return Err(Fault { quantity, value, instance: place, at: Tick::ZERO }.into());
        }
        let most = ligand.iter().copied().fold(0.0, f64::max);
        for state in 0..self.states {
            let exit = self.leaving(state).iter().fold(0.0, |sum, s| sum + rate(s, rates, most));
            if exit > FASTEST {
                let faster = |a: &&Step, b: &&Step| rate(a, rates, most).total_cmp(&rate(b, rates, most));
                let transition = self.leaving(state).iter().max_by(faster).map_or(0, |s| usize::from(s.transition));
                return Err(KineticsError::BadRate { transition, rate: exit }.into());
            }
        }
        Ok(())
    }

    /// Exit rate of each state: /ms, and /mM/ms.
    fn exits(&self, rates: &[f64], out: &mut Vec<[f64; 2]>) {
        out.clear();
        out.extend((0..self.states).map(|state| {
            let mut exit = [0.0; 2];
            for s in self.leaving(state) {
                exit[usize::from(s.binds)] += rates[usize::from(s.transition)];
            }
            exit
        }));
    }
}

#[inline]
fn rate(step: &Step, rates: &[f64], ligand: f64) -> f64 {
    rates[usize::from(step.transition)] * if step.binds { ligand } else { 1.0 }
}

/// The place in a law, or in rates that sum to `total`, that `u` in (0, 1) points to.
fn pointed(u: f64, total: f64, law: impl Iterator<Item = f64>) -> usize {
    let (mut sum, mut last) = (0.0, 0);
    for (k, p) in law.enumerate() {
        if p > 0.0 {
            sum += p;
            last = k;
            if sum > u * total {
                break;
            }
        }
    }
    last
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct One {
    state: u8,
    place: u16,
    /// Of its next event.
    ordinal: u64,
    /// When it falls asleep unless it jumps before.
    sleep: Tick,
    alarm: Alarm,
}

/// When the first copy does anything, if known: no part of the state, found again when it is needed.
#[derive(Clone, Copy, Debug, Default)]
struct Earliest(Option<Tick>);

impl PartialEq for Earliest {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Copies of a scheme: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Individuals {
    clock: Tick,
    /// Whether the drive is the plan's rest.
    calm: bool,
    places: usize,
    list: Vec<One>,
    counts: Vec<u32>,
    /// The drive last given.
    rates: Vec<f64>,
    ligand: Vec<f64>,
    exits: Vec<[f64; 2]>,
    #[serde(skip)]
    earliest: Earliest,
}

/// One slot.
struct Slot<'a> {
    plan: &'a IndividualsPlan,
    key: StreamKey,
    until: Tick,
    /// Of the drive, if it is rest.
    rest: Option<&'a Rest>,
    rates: &'a [f64],
    ligand: &'a [f64],
    exits: &'a [[f64; 2]],
}

impl Slot<'_> {
    #[inline]
    fn concentration(&self, place: u16) -> f64 {
        self.ligand.get(usize::from(place)).copied().unwrap_or(0.0)
    }

    #[inline]
    fn exit(&self, state: u8, place: u16) -> f64 {
        let [fixed, by_ligand] = self.exits[usize::from(state)];
        by_ligand * self.concentration(place) + fixed
    }
}

impl One {
    /// Whether it does nothing in the slot.
    #[inline(always)]
    fn stays(&mut self, slot: &Slot, now: Tick) -> bool {
        if self.state == ASLEEP {
            return slot.rest.is_some() && self.alarm.due(slot.until).is_none();
        }
        self.alarm.turn(now, slot.exit(self.state, self.place));
        self.alarm.due(slot.until).is_none() && self.sleep >= slot.until
    }

    fn uniform_and_budget(&mut self, slot: &Slot, member: u64) -> (f64, f64) {
        let mut draws = slot.key.at(member, self.ordinal);
        self.ordinal += 1;
        (draws.uniform(), draws.exponential())
    }

    /// Enters a state at `at` with a new budget.
    fn enter(&mut self, slot: &Slot, to: usize, budget: f64, at: Tick) {
        let active = |rest: &Rest, state: u8| state == ASLEEP || rest.active[usize::from(state)];
        if let Some(rest) = slot.rest {
            self.sleep = match (active(rest, self.state), rest.active[to]) {
                (_, true) => NEVER,
                (true, false) => at + rest.settling,
                (false, false) => self.sleep,
            };
        }
        self.state = to as u8;
        self.alarm = Alarm::new(budget, slot.exit(self.state, self.place), at);
    }

    /// From `now` to the end of the slot; how many jumps.
    #[inline(never)]
    fn run(&mut self, slot: &Slot, member: u64, mut now: Tick, mut moved: impl FnMut(Tick, u8, u8)) -> u64 {
        let mut jumps = 0;
        loop {
            let from = self.state;
            let at = if from == ASLEEP {
                let Some(known) = &slot.plan.rest else { return jumps };
                let (at, law) = match slot.rest {
                    None => (now, &known.quiet.law),
                    Some(_) => match self.alarm.due(slot.until) {
                        None => return jumps,
                        Some(at) => (at, &known.quiet.entry),
                    },
                };
                let (u, budget) = self.uniform_and_budget(slot, member);
                self.enter(slot, pointed(u, 1.0, law.iter().copied()), budget, at);
                jumps += u64::from(slot.rest.is_some());
                at
            } else {
                self.alarm.turn(now, slot.exit(from, self.place));
                if let Some(at) = self.alarm.due(slot.until.min(self.sleep)) {
                    let (u, budget) = self.uniform_and_budget(slot, member);
                    let (steps, c) = (slot.plan.leaving(usize::from(from)), slot.concentration(self.place));
                    let total = steps.iter().fold(0.0, |sum, s| sum + rate(s, slot.rates, c));
                    let chosen = pointed(u, total, steps.iter().map(|s| rate(s, slot.rates, c)));
                    self.enter(slot, usize::from(steps[chosen].to), budget, at);
                    jumps += 1;
                    at
                } else if let Some(rest) = slot.rest.filter(|_| self.sleep < slot.until) {
                    let (_, budget) = self.uniform_and_budget(slot, member);
                    let at = self.sleep.max(now);
                    (self.state, self.sleep) = (ASLEEP, NEVER);
                    self.alarm = Alarm::new(budget, rest.quiet.rate, at);
                    at
                } else {
                    return jumps;
                }
            };
            moved(at, from, self.state);
            now = at;
        }
    }

    /// When it next does anything under the drive it has.
    fn event(&self) -> Tick {
        self.alarm.due(NEVER).map_or(self.sleep, |at| at.min(self.sleep))
    }
}

fn same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

impl Individuals {
    /// `copies` copies at time 0; `start(copy)` gives each one's state (or [`ASLEEP`]) and place: if it is drawn, then with
    /// another key, for ordinal 0 here is the first waiting time. A plan with rest starts there, in its drive.
    ///
    /// # Errors
    /// A state that is not there, sleep without rest, 2^32 copies or more.
    pub fn new(
        plan: &IndividualsPlan,
        luck: Luck,
        copies: usize,
        start: impl Fn(usize) -> (u8, u16),
    ) -> Result<Self, EnsembleError> {
        let states = plan.states;
        if u32::try_from(copies).is_err() {
            return Err(EnsembleError::Start { states });
        }
        let (mut list, mut counts, mut places) = (Vec::with_capacity(copies), vec![0; states], 0);
        for copy in 0..copies {
            let (state, place) = start(copy);
            let budget = luck.key.at(luck.first + copy as u64, 0).exponential();
            let (rate, sleep) = match &plan.rest {
                Some(rest) if state == ASLEEP => (rest.quiet.rate, NEVER),
                _ if usize::from(state) >= states => return Err(EnsembleError::Start { states }),
                Some(rest) if !rest.active[usize::from(state)] => (0.0, rest.settling),
                _ => (0.0, NEVER),
            };
            if state != ASLEEP {
                counts[usize::from(state)] += 1;
            }
            places = places.max(usize::from(place) + 1);
            list.push(One { state, place, ordinal: 1, sleep, alarm: Alarm::new(budget, rate, Tick::ZERO) });
        }
        let (mut rates, mut ligand, mut exits) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(rest) = &plan.rest {
            plan.exits(&rest.rates, &mut exits);
            rates.clone_from(&rest.rates);
            ligand = rest.ligand.map_or(Vec::new(), |c| vec![c; places]);
            for one in list.iter_mut().filter(|one| one.state != ASLEEP) {
                let [fixed, by_ligand] = exits[usize::from(one.state)];
                one.alarm.turn(Tick::ZERO, by_ligand * rest.ligand.unwrap_or(0.0) + fixed);
            }
        }
        let (clock, calm, earliest) = (Tick::ZERO, plan.rest.is_some(), Earliest(None));
        Ok(Self { clock, calm, places, list, counts, rates, ligand, exits, earliest })
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// How many copies.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no copy.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Copies in each state; those asleep are in none.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// How many copies sleep.
    #[must_use]
    pub fn asleep(&self) -> u32 {
        self.list.len() as u32 - self.counts.iter().sum::<u32>()
    }

    /// State of a copy, or [`ASLEEP`]. Panics out of range.
    #[must_use]
    pub fn state(&self, copy: usize) -> usize {
        usize::from(self.list[copy].state)
    }

    /// Place of a copy. Panics out of range.
    #[must_use]
    pub fn place(&self, copy: usize) -> u16 {
        self.list[copy].place
    }

    /// When the first copy jumps, wakes or falls asleep, if before `until`, while the drive last given stays. No draw.
    #[must_use]
    pub fn next_due(&self, until: Tick) -> Option<Tick> {
        self.earliest.0.or_else(|| self.list.iter().map(One::event).min()).filter(|&at| at < until)
    }

    /// Goes over to another plan, in which state `k` is `map[k]`: what sleeps under `plan` wakes first, in a state drawn
    /// from the law of its sleep. Budgets go on, to be spent at the rates of the next drive.
    ///
    /// # Errors
    /// A plan or map that does not fit.
    pub fn adopt(
        &mut self,
        plan: &IndividualsPlan,
        luck: Luck,
        next: &IndividualsPlan,
        map: &[usize],
    ) -> Result<(), EnsembleError> {
        if self.counts.len() != plan.states || map.len() != plan.states {
            return Err(EnsembleError::States { got: self.counts.len().min(map.len()), want: plan.states });
        }
        if map.iter().any(|s| *s >= next.states) {
            return Err(EnsembleError::Start { states: next.states });
        }
        let now = self.clock;
        let Self { rates, ligand, exits, list, counts, .. } = self;
        let slot = Slot { plan, key: luck.key, until: now, rest: None, rates, ligand, exits };
        counts.clear();
        counts.resize(next.states, 0);
        for (copy, one) in list.iter_mut().enumerate() {
            if one.state == ASLEEP {
                one.run(&slot, luck.first + copy as u64, now, |_, _, _| ());
            }
            one.state = map[usize::from(one.state)] as u8;
            one.sleep = NEVER;
            counts[usize::from(one.state)] += 1;
        }
        // The next drive is another.
        self.calm = false;
        self.rates.clear();
        self.ligand.clear();
        self.exits.clear();
        self.earliest = Earliest(None);
        Ok(())
    }

    /// Takes a new drive from now on.
    fn turn(&mut self, plan: &IndividualsPlan, drive: Drive) -> Result<(), EnsembleError> {
        let at = self.clock;
        plan.check(drive, self.places).map_err(|error| match error {
            EnsembleError::Kinetics(KineticsError::BadRate { transition, rate }) => {
                Fault { quantity: Quantity::Rate { transition }, value: rate, instance: 0, at }.into()
            }
            EnsembleError::Fault(fault) => Fault { at, ..fault }.into(),
            other => other,
        })?;
        for (held, given) in [(&mut self.rates, drive.rates), (&mut self.ligand, drive.ligand)] {
            held.clear();
            held.extend_from_slice(given);
        }
        plan.exits(drive.rates, &mut self.exits);
        self.earliest = Earliest(None);
        let resting = |r: &Rest| {
            let still = |c: &f64| r.ligand.is_none_or(|rest| rest.to_bits() == c.to_bits());
            same(&r.rates, drive.rates) && drive.ligand.iter().all(still)
        };
        let calm = plan.rest.as_ref().is_some_and(resting);
        if calm != self.calm {
            self.calm = calm;
            for one in self.list.iter_mut().filter(|one| one.state != ASLEEP) {
                let silent = plan.rest.as_ref().filter(|rest| calm && !rest.active[usize::from(one.state)]);
                one.sleep = silent.map_or(NEVER, |rest| at + rest.settling);
            }
        }
        Ok(())
    }

    /// Runs all copies to `until` under `drive`; how many jumps. `moved` hears of every move, copy after copy, each in the
    /// order of time; a jump at `until` belongs to the next slot.
    ///
    /// The same drives give the same bits, however their intervals are cut, also across a save and load. Cost: while the
    /// drive's bits stay and nobody is due, that of comparing the drive.
    ///
    /// # Errors
    /// A time that is past, a drive or plan that does not fit; a [`Fault`] for a rate or concentration that is none, or an
    /// exit faster than one a tick. Nobody was moved then.
    pub fn advance(
        &mut self,
        plan: &IndividualsPlan,
        luck: Luck,
        until: Tick,
        drive: Drive,
        moved: &mut impl FnMut(Move),
    ) -> Result<u64, EnsembleError> {
        if until < self.clock {
            return Err(EnsembleError::Step);
        }
        if self.counts.len() != plan.states {
            return Err(EnsembleError::States { got: self.counts.len(), want: plan.states });
        }
        let stayed = same(&self.rates, drive.rates) && same(&self.ligand, drive.ligand);
        if !stayed {
            self.turn(plan, drive)?;
        } else if self.earliest.0.is_some_and(|at| at >= until) {
            self.clock = until;
            return Ok(0);
        }
        let rest = plan.rest.as_ref().filter(|_| self.calm);
        let Self { rates, ligand, exits, list, counts, .. } = self;
        let slot = Slot { plan, key: luck.key, until, rest, rates, ligand, exits };
        let (mut jumps, mut earliest, now) = (0, NEVER, self.clock);
        for (copy, one) in list.iter_mut().enumerate() {
            if !one.stays(&slot, now) {
                jumps += one.run(&slot, luck.first + copy as u64, now, |at, from, to| {
                    if let Some(n) = counts.get_mut(usize::from(from)) {
                        *n -= 1;
                    }
                    if let Some(n) = counts.get_mut(usize::from(to)) {
                        *n += 1;
                    }
                    moved(Move { at, copy: copy as u32, from, to });
                });
            }
            // Worth its division only where the drive may stay further.
            if stayed {
                earliest = earliest.min(one.event());
            }
        }
        self.clock = until;
        self.earliest = Earliest(stayed.then_some(earliest));
        Ok(jumps)
    }
}
