//! One trial: sites and molecules, event by event.

use super::calendar::{Calendar, Event, Move, What, Whereabouts};
use super::plan::{MolecularError, Plan};
use super::seen::Seen;
use super::sites::Sites;
use super::walk::{Ahead, Walker};
use crate::cleft::Pore;
use crate::single::StatePlan;
use crate::time::Tick;
use numerics::passage::{direction, exponential, uniform};
use numerics::rng::{Draws, StreamKey};
use numerics::simd::{Kernel, Lanes, Level};
use serde::{Deserialize, Serialize};

/// What was released long ago.
const EVER: f64 = f64::NEG_INFINITY;

/// Where all molecules are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// There at the start, at sites.
    pub initial: u64,
    /// Released since.
    pub released: u64,
    /// Come in from the far field since.
    pub arrived: u64,
    /// Still in vesicles.
    pub in_vesicles: u64,
    /// Free in the cleft.
    pub free: u64,
    /// Free in the tissue.
    pub free_in_tissue: u64,
    /// Held by each kind.
    pub bound: Vec<u64>,
    /// Hydrolysed or transported by each kind.
    pub turned_over: Vec<u64>,
    /// Gone over the rim, or into the far field.
    pub escaped: u64,
}

impl Budget {
    /// Whether it adds up.
    #[must_use]
    pub fn balances(&self) -> bool {
        let held: u64 = self.bound.iter().chain(&self.turned_over).sum();
        self.initial + self.released + self.arrived
            == self.in_vesicles + self.free + self.free_in_tissue + held + self.escaped
    }
}

/// A site that has gone from state to state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changed {
    /// Its kind.
    pub kind: usize,
    /// The state before.
    pub from: usize,
    /// The state after.
    pub to: usize,
    /// When, ms.
    pub at: f64,
}

/// A trial: all that a snapshot holds. Whoever goes on with it gives the key of its draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    now: f64,
    ahead: Ahead,
    serial: u64,
    sites: Sites,
    /// By kind and state; of the tissue those that a molecule has met.
    counts: Vec<Vec<u32>>,
    /// By kind: what its states do, where that is no longer what was planned.
    rates: Vec<Option<Vec<StatePlan>>>,
    initial: u64,
    released: u64,
    arrived: u64,
    /// Free in the cleft, in the tissue, in vesicles.
    free: [i64; 3],
    escaped: u64,
    turned_over: Vec<u64>,
    meetings: u64,
}

impl Plan {
    /// A trial at its beginning: places that are not given are drawn, and states from the law of rest; free are the molecules that are
    /// there at rest. `day`: a time in which a molecule does little, such as 5 us; it decides nothing but speed. `from`: when that is.
    #[must_use]
    pub fn start(&self, key: StreamKey, day: Tick, from: Tick) -> State {
        let from = from.ms();
        let mut sites = Sites::new(&self.kinds, &self.tiles, &self.space.shape, key);
        sites.settle(&self.kinds, &self.tiles, key);
        let shells = self.tiles.shells() as usize;
        let seen = self.watches.iter().map(|w| Seen::new(w, shells, from)).collect();
        let mut state = State {
            now: from,
            ahead: Ahead { calendar: Calendar::new(day.ms(), from), seen },
            serial: 0,
            sites,
            counts: self.kinds.iter().map(|k| vec![0; k.states.len()]).collect(),
            rates: vec![None; self.kinds.len()],
            initial: 0,
            released: 0,
            arrived: 0,
            free: [0; 3],
            escaped: 0,
            turned_over: vec![0; self.kinds.len()],
            meetings: 0,
        };
        let cleft = 0..state.sites.members.len() as u32;
        let all: Vec<u32> = cleft.chain(state.sites.touched.keys().copied()).collect();
        for site in all {
            let Some(&mut member) = state.sites.get(site) else { continue };
            let (kind, own) = (usize::from(member.kind), usize::from(member.state));
            state.counts[kind][own] += 1;
            state.initial += u64::from(self.kinds[kind].kind.bound[own]);
            if self.kinds[kind].states[own].leaving > 0.0 {
                let (serial, mut draws) = state.draws(key);
                self.expect(&mut state, site, (from, serial), &mut draws);
            }
        }
        self.rest(&mut state, key);
        state
    }

    /// Molecules that are there at rest, and come in.
    fn rest(&self, state: &mut State, key: StreamKey) {
        for place in 0..self.ambient.len() as u32 {
            // As many as there are gaps of a Poisson process in the volume.
            let shell = place.checked_sub(1);
            let volume = match (shell, &self.tissue) {
                (Some(k), Some(tissue)) => tissue.volume[k as usize],
                _ => self.volume(),
            };
            let most = self.ambient[place as usize] * volume;
            let mut passed = if most > 0.0 { exponential(&mut state.draws(key).1) } else { 0.0 };
            while passed < most {
                let (serial, mut draws) = state.draws(key);
                let at = match shell {
                    Some(k) => self.anywhere(self.tiles.own() + k, &mut draws),
                    None => {
                        let half = self.space.shape.half();
                        loop {
                            let at = half.map(|x| (2.0 * uniform(&mut draws) - 1.0) * x);
                            if self.space.shape.holds(at) {
                                break Whereabouts::Cleft(at);
                            }
                        }
                    }
                };
                passed += exponential(&mut draws);
                state.initial += 1;
                state.free[usize::from(shell.is_some())] += 1;
                self.walk(
                    &state.sites,
                    &mut state.ahead,
                    &mut draws,
                    Walker { at, now: state.now, released: EVER, serial },
                );
            }
        }
        if let Some(tissue) = self.tissue.as_ref().filter(|t| t.arrivals > 0.0) {
            let (serial, mut draws) = state.draws(key);
            let at = state.now + exponential(&mut draws) / tissue.arrivals;
            state.ahead.calendar.add(Event { at, serial, what: What::Arrive });
        }
    }

    /// Releases molecules at a place, from now on, by a pore.
    ///
    /// # Panics
    /// If the place is not within the cleft, or the pore's numbers make no sense.
    pub fn release(&self, state: &mut State, key: StreamKey, at: [f64; 2], pore: Pore, molecules: u64) {
        assert!(self.space.shape.holds(at) && pore.sound(), "a release is within the cleft, by a sound pore");
        struct Release<'a>(&'a Plan, &'a mut State, StreamKey, [f64; 2], Pore, u64);
        impl Kernel for Release<'_> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                let Self(plan, state, key, at, pore, molecules) = self;
                for _ in 0..molecules {
                    let (serial, mut draws) = state.draws(key);
                    let now = if pore == Pore::Instantaneous {
                        state.free[0] += 1;
                        state.now
                    } else {
                        state.free[2] += 1;
                        let leaves = state.now + pore.leaving(exponential(&mut draws));
                        if leaves >= state.ahead.calendar.horizon() {
                            state.ahead.calendar.add(Event { at: leaves, serial, what: What::Emerge { at } });
                            continue;
                        }
                        state.ahead.calendar.note(Move { cleft: 1, vesicles: -1, ..Move::at(leaves) });
                        leaves
                    };
                    let walker = Walker { at: Whereabouts::Cleft(at), now, released: now, serial };
                    plan.walk(&state.sites, &mut state.ahead, &mut draws, walker);
                }
            }
        }
        state.released += molecules;
        Level::best().dispatch(Release(self, state, key, at, pore, molecules));
    }

    /// Goes on until `until`; `changed` is told of every site that goes from state to state, in order of time.
    pub fn advance(&self, state: &mut State, key: StreamKey, until: Tick, changed: &mut impl FnMut(Changed)) {
        struct Advance<'a, F>(&'a Plan, &'a mut State, StreamKey, f64, &'a mut F);
        impl<F: FnMut(Changed)> Kernel for Advance<'_, F> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                self.0.go_on(self.1, self.2, self.3, self.4);
            }
        }
        Level::best().dispatch(Advance(self, state, key, until.ms(), changed));
    }

    #[inline(always)]
    fn go_on(&self, state: &mut State, key: StreamKey, until: f64, changed: &mut impl FnMut(Changed)) {
        while state.now < until {
            if state.ahead.calendar.is_empty() {
                state.ahead.calendar.skip(until);
                state.now = until;
                return;
            }
            let stop = until.min(0.5 * (state.now + state.ahead.calendar.horizon()));
            while let Some(event) = state.ahead.calendar.next(stop) {
                self.happen(state, key, event, changed);
            }
            let more = state.ahead.calendar.moved(state.now, stop);
            state.free.iter_mut().zip(more).for_each(|(free, more)| *free += more);
            state.escaped += -more.iter().sum::<i64>() as u64;
            state.now = stop;
        }
    }

    #[inline(always)]
    fn happen(
        &self,
        state: &mut State,
        key: StreamKey,
        Event { at: now, serial, what }: Event,
        changed: &mut impl FnMut(Changed),
    ) {
        match what {
            What::Go { at } => {
                let mut draws = state.draws(key).1;
                self.walk(&state.sites, &mut state.ahead, &mut draws, Walker { at, now, released: EVER, serial });
            }
            What::Meet { site, at } => {
                state.meetings += 1;
                let (serial, mut draws) = state.draws(key);
                let (member, new) = state.sites.meet(self, site, &mut draws);
                if new {
                    self.introduce(state, site, (now, serial), &mut draws);
                }
                let number = usize::from(member.kind);
                let mut share = uniform(&mut draws) * self.kinds[number].most;
                let mut met = None;
                for bind in &self.states(state, number)[usize::from(member.state)].binds {
                    share -= bind.rate;
                    if share < 0.0 {
                        met = Some(*bind);
                        break;
                    }
                }
                if let Some(bind) = met {
                    if bind.keeps {
                        state.free[usize::from(matches!(at, Whereabouts::Shell(..)))] -= 1;
                    }
                    state.turned_over[number] += u64::from(bind.lost);
                    changed(self.turn_into(state, site, bind.to, (now, serial), &mut draws));
                    if bind.keeps {
                        return;
                    }
                }
                self.walk(&state.sites, &mut state.ahead, &mut draws, Walker { at, now, released: EVER, serial });
            }
            What::Turn { site, epoch } => {
                let Some(member) = state.sites.get(site).filter(|m| m.epoch == epoch).copied() else { return };
                let (serial, mut draws) = state.draws(key);
                let number = usize::from(member.kind);
                let own = &self.states(state, number)[usize::from(member.state)];
                let mut share = uniform(&mut draws) * own.leaving;
                let Some(&(mut turn)) = own.turns.last() else { return };
                for one in &own.turns {
                    share -= one.rate;
                    if share < 0.0 {
                        turn = *one;
                        break;
                    }
                }
                state.turned_over[number] += u64::from(turn.lost);
                changed(self.turn_into(state, site, turn.to, (now, serial), &mut draws));
                if turn.gives {
                    let at = self.anywhere(member.tile, &mut draws);
                    state.free[usize::from(matches!(at, Whereabouts::Shell(..)))] += 1;
                    self.walk(&state.sites, &mut state.ahead, &mut draws, Walker { at, now, released: EVER, serial });
                }
            }
            What::Emerge { at } => {
                state.free[0] += 1;
                state.free[2] -= 1;
                let mut draws = state.draws(key).1;
                let walker = Walker { at: Whereabouts::Cleft(at), now, released: now, serial };
                self.walk(&state.sites, &mut state.ahead, &mut draws, walker);
            }
            What::Arrive => {
                let Some(tissue) = &self.tissue else { return };
                let (serial, mut draws) = state.draws(key);
                let at = self.anywhere(self.tiles.own() + tissue.volume.len() as u32 - 1, &mut draws);
                let next = now + exponential(&mut draws) / tissue.arrivals;
                state.ahead.calendar.add(Event { at: next, serial, what: What::Arrive });
                state.arrived += 1;
                state.free[1] += 1;
                self.walk(&state.sites, &mut state.ahead, &mut draws, Walker { at, now, released: EVER, serial });
            }
        }
    }

    /// A place in a tile or shell.
    #[inline(always)]
    fn anywhere(&self, tile: u32, draws: &mut Draws) -> Whereabouts {
        match self.tiles.shell(tile) {
            None => Whereabouts::Cleft(self.tiles.anywhere(&self.space.shape, draws, tile)),
            Some(shell) => Whereabouts::Shell(shell, direction(draws).map(|x| x * self.space.shape.half()[0])),
        }
    }

    /// What the states of a kind do now.
    #[inline(always)]
    fn states<'a>(&'a self, state: &'a State, kind: usize) -> &'a [StatePlan] {
        state.rates[kind].as_deref().unwrap_or(&self.kinds[kind].states)
    }

    /// A member of the tissue that has been met for the first time.
    fn introduce(&self, state: &mut State, site: u32, now: (f64, u64), draws: &mut Draws) {
        let Some(&mut member) = state.sites.get(site) else { return };
        let (kind, own) = (usize::from(member.kind), usize::from(member.state));
        state.counts[kind][own] += 1;
        state.initial += u64::from(self.kinds[kind].kind.bound[own]);
        self.expect(state, site, now, draws);
    }

    #[inline(always)]
    fn turn_into(&self, state: &mut State, site: u32, to: u16, now: (f64, u64), draws: &mut Draws) -> Changed {
        let Some(member) = state.sites.get(site) else { unreachable!("only those who were met change") };
        let (kind, from) = (usize::from(member.kind), usize::from(member.state));
        member.state = to as u8;
        member.epoch = member.epoch.wrapping_add(1);
        let counts = &mut state.counts[kind];
        counts[from] -= 1;
        counts[usize::from(to)] += 1;
        self.expect(state, site, now, draws);
        Changed { kind, from, to: usize::from(to), at: now.0 }
    }

    /// When a site does something by itself.
    #[inline(always)]
    fn expect(&self, state: &mut State, site: u32, (now, serial): (f64, u64), draws: &mut Draws) {
        let Some(&mut member) = state.sites.get(site) else { return };
        let leaving = self.states(state, usize::from(member.kind))[usize::from(member.state)].leaving;
        if leaving > 0.0 {
            let at = now + exponential(draws) / leaving;
            let what = What::Turn { site, epoch: member.epoch };
            state.ahead.calendar.add(Event { at, serial, what });
        }
    }

    /// Other rates of a kind from now on, as at another voltage: its coefficients.
    ///
    /// # Errors
    /// Rates that make no sense, or molecules that are bound faster than planned.
    pub fn set_coefficients(
        &self,
        state: &mut State,
        key: StreamKey,
        kind: usize,
        coefficients: &[f64],
    ) -> Result<(), MolecularError> {
        let states = self.kinds[kind].states_at(kind, coefficients)?;
        let before = self.states(state, kind);
        let other: Vec<bool> = states.iter().zip(before).map(|(now, then)| now.turns != then.turns).collect();
        state.rates[kind] = Some(states);
        if !other.contains(&true) {
            return Ok(());
        }
        // What has no memory may be drawn anew.
        let of = |m: &super::sites::Member| usize::from(m.kind) == kind && other[usize::from(m.state)];
        let cleft = state.sites.members.iter().enumerate().filter(|(_, m)| of(m)).map(|(k, _)| k as u32);
        let all: Vec<u32> = cleft.chain(state.sites.touched.iter().filter(|(_, m)| of(m)).map(|(k, _)| *k)).collect();
        for site in all {
            let (serial, mut draws) = state.draws(key);
            if let Some(member) = state.sites.get(site) {
                member.epoch = member.epoch.wrapping_add(1);
            }
            self.expect(state, site, (state.now, serial), &mut draws);
        }
        Ok(())
    }

    /// Members of a kind in a state; of those in the tissue that no molecule has met as many as the law says.
    #[must_use]
    pub fn occupied(&self, state: &State, kind: usize, which: usize) -> f64 {
        let quiet = f64::from(state.sites.untouched[kind]) * self.kinds[kind].quiet[which];
        f64::from(state.counts[kind][which]) + quiet
    }

    /// Where all molecules are now.
    #[must_use]
    pub fn budget(&self, state: &State) -> Budget {
        let held = |(kind, counts): (&super::kind::KindPlan, &Vec<u32>)| {
            kind.kind.bound.iter().zip(counts).map(|(b, n)| u64::from(*b) * u64::from(*n)).sum()
        };
        Budget {
            initial: state.initial,
            released: state.released,
            arrived: state.arrived,
            in_vesicles: state.free[2] as u64,
            free: state.free(),
            free_in_tissue: state.free[1] as u64,
            bound: self.kinds.iter().zip(&state.counts).map(held).collect(),
            turned_over: state.turned_over.clone(),
            escaped: state.escaped,
        }
    }
}

impl State {
    /// The next number, and its draws.
    #[inline(always)]
    fn draws(&mut self, key: StreamKey) -> (u64, Draws) {
        self.serial += 1;
        (self.serial, key.at(self.serial, 0))
    }

    /// How far it has come.
    ///
    /// # Panics
    /// Never: a trial stops at whole ticks.
    #[must_use]
    pub fn now(&self) -> Tick {
        Tick::from_ms(self.now).expect("a time that was a tick")
    }

    /// When something is next, ms, if anything is.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        self.ahead.calendar.first()
    }

    /// Molecules that are free in the cleft.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free[0] as u64
    }

    /// Molecules that are free in the tissue.
    #[must_use]
    pub fn free_in_tissue(&self) -> u64 {
        self.free[1] as u64
    }

    /// Members of a kind in each state; of those in the tissue such as a molecule has met.
    #[must_use]
    pub fn counts(&self, kind: usize) -> &[u32] {
        &self.counts[kind]
    }

    /// Greatest rate at which a molecule of the cleft may meet a site that binds, /ms.
    #[must_use]
    pub fn meets(&self) -> f64 {
        self.sites.meets
    }

    /// The members that are in the cleft: kind, state, and place in um.
    pub fn members(&self) -> impl Iterator<Item = (usize, usize, [f32; 2])> + '_ {
        let all = self.sites.members.iter().zip(&self.sites.places);
        all.map(|(m, at)| (usize::from(m.kind), usize::from(m.state), *at))
    }

    /// Molecules in a region of a watch of counts at its `k`-th time, once the trial has come to it.
    #[must_use]
    pub fn seen_in(&self, watch: usize, k: u64, region: usize) -> u32 {
        self.ahead.seen[watch].count_in(k, region)
    }

    /// The same in each region.
    #[must_use]
    pub fn seen(&self, watch: usize, k: u64) -> Vec<u32> {
        self.ahead.seen[watch].counts(k)
    }

    /// Where molecules of the cleft are at the `k`-th time of a watch of places, um.
    #[must_use]
    pub fn seen_at(&self, watch: usize, k: u64) -> &[[f32; 2]] {
        self.ahead.seen[watch].places(k)
    }

    /// Times of a watch before its `k`-th are asked for no more.
    pub fn forget(&mut self, watch: usize, k: u64) {
        self.ahead.seen[watch].forget(k);
    }

    /// How often a molecule has met a site so far.
    #[must_use]
    pub fn meetings(&self) -> u64 {
        self.meetings
    }
}
