//! One trial: sites and molecules, event by event.

use super::calendar::{Calendar, Event, What, Whereabouts};
use super::plan::Plan;
use super::walk::Walker;
use crate::time::Tick;
use numerics::passage::{direction, exponential, uniform};
use numerics::rng::{Draws, StreamKey};
use numerics::simd::{Kernel, Lanes, Level};

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
        self.initial + self.released + self.arrived == self.free + self.free_in_tissue + held + self.escaped
    }
}

/// A trial.
#[derive(Clone, Debug)]
pub struct State {
    key: StreamKey,
    now: f64,
    calendar: Calendar,
    serial: u64,
    /// By site.
    states: Vec<u8>,
    epochs: Vec<u32>,
    /// By kind and state.
    counts: Vec<Vec<u32>>,
    initial: u64,
    released: u64,
    arrived: u64,
    free: [i64; 2],
    escaped: u64,
    turned_over: Vec<u64>,
    meetings: u64,
}

impl Plan {
    /// A trial at its beginning: no molecule is free, sites are drawn from their law of rest. `day`: a time in which a molecule does
    /// little, such as 5 us; it decides nothing but speed.
    #[must_use]
    pub fn start(&self, key: StreamKey, day: Tick) -> State {
        let mut state = State {
            key,
            now: 0.0,
            calendar: Calendar::new(day.ms()),
            serial: 0,
            states: Vec::with_capacity(self.sites.len()),
            epochs: vec![0; self.sites.len()],
            counts: self.kinds.iter().map(|k| vec![0; k.states.len()]).collect(),
            initial: 0,
            released: 0,
            arrived: 0,
            free: [0; 2],
            escaped: 0,
            turned_over: vec![0; self.kinds.len()],
            meetings: 0,
        };
        for site in &self.sites {
            let kind = &self.kinds[usize::from(site.kind)];
            let law = &kind.laws[self.tiles.shell(site.tile).map_or(0, |k| k as usize)];
            let last = law.iter().rposition(|p| *p > 0.0).unwrap_or(0);
            let mut own = last;
            if law[last] < 1.0 {
                let mut share = uniform(&mut state.draws().1);
                for (k, p) in law.iter().enumerate() {
                    share -= p;
                    if share < 0.0 {
                        own = k;
                        break;
                    }
                }
            }
            state.states.push(own as u8);
            state.counts[usize::from(site.kind)][own] += 1;
            state.initial += u64::from(kind.bound[own]);
        }
        for site in 0..self.sites.len() {
            let kind = &self.kinds[usize::from(self.sites[site].kind)];
            if kind.states[usize::from(state.states[site])].leaving > 0.0 {
                let (serial, mut draws) = state.draws();
                self.expect(&mut state, site, (0.0, serial), &mut draws);
            }
        }
        self.rest(&mut state);
        state
    }

    /// Molecules that are there at rest, and come in.
    fn rest(&self, state: &mut State) {
        for place in 0..self.ambient.len() as u32 {
            // As many as there are gaps of a Poisson process in the volume.
            let shell = place.checked_sub(1);
            let volume = match (shell, &self.tissue) {
                (Some(k), Some(tissue)) => tissue.volume[k as usize],
                _ => self.volume(),
            };
            let most = self.ambient[place as usize] * volume;
            let mut passed = if most > 0.0 { exponential(&mut state.draws().1) } else { 0.0 };
            while passed < most {
                let (serial, mut draws) = state.draws();
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
                self.walk(&mut state.calendar, &mut draws, Walker { at, now: 0.0, released: EVER, serial });
            }
        }
        if let Some(tissue) = self.tissue.as_ref().filter(|t| t.arrivals > 0.0) {
            let (serial, mut draws) = state.draws();
            let at = exponential(&mut draws) / tissue.arrivals;
            state.calendar.add(Event { at, serial, what: What::Arrive });
        }
    }

    /// Releases molecules at a place, now.
    ///
    /// # Panics
    /// If it is not within the cleft.
    pub fn release(&self, state: &mut State, at: [f64; 2], molecules: u64) {
        assert!(self.space.shape.holds(at), "a release is within the cleft");
        state.released += molecules;
        state.free[0] += molecules as i64;
        struct Release<'a>(&'a Plan, &'a mut State, [f64; 2], u64);
        impl Kernel for Release<'_> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                let Self(plan, state, at, molecules) = self;
                let now = state.now;
                for _ in 0..molecules {
                    let (serial, mut draws) = state.draws();
                    plan.walk(
                        &mut state.calendar,
                        &mut draws,
                        Walker { at: Whereabouts::Cleft(at), now, released: now, serial },
                    );
                }
            }
        }
        Level::best().dispatch(Release(self, state, at, molecules));
    }

    /// Goes on until `until`.
    pub fn advance(&self, state: &mut State, until: Tick) {
        struct Advance<'a>(&'a Plan, &'a mut State, f64);
        impl Kernel for Advance<'_> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                self.0.go_on(self.1, self.2);
            }
        }
        Level::best().dispatch(Advance(self, state, until.ms()));
    }

    #[inline(always)]
    fn go_on(&self, state: &mut State, until: f64) {
        while state.now < until {
            let stop = until.min(0.5 * (state.now + state.calendar.horizon()));
            while let Some(event) = state.calendar.next(stop) {
                self.happen(state, event);
            }
            let [cleft, tissue] = state.calendar.moved(state.now, stop);
            state.free[0] += cleft;
            state.free[1] += tissue;
            state.escaped += -(cleft + tissue) as u64;
            state.now = stop;
        }
    }

    #[inline(always)]
    fn happen(&self, state: &mut State, Event { at: now, serial, what }: Event) {
        match what {
            What::Go { at } => {
                let mut draws = state.draws().1;
                self.walk(&mut state.calendar, &mut draws, Walker { at, now, released: EVER, serial });
            }
            What::Meet { site, at } => {
                state.meetings += 1;
                let (serial, mut draws) = state.draws();
                let site = site as usize;
                let kind = &self.kinds[usize::from(self.sites[site].kind)];
                let mut share = uniform(&mut draws) * kind.most;
                let mut met = None;
                for bind in &kind.states[usize::from(state.states[site])].binds {
                    share -= bind.rate;
                    if share < 0.0 {
                        met = Some(bind);
                        break;
                    }
                }
                if let Some(bind) = met {
                    if bind.keeps {
                        state.free[usize::from(matches!(at, Whereabouts::Shell(..)))] -= 1;
                    }
                    state.turned_over[usize::from(self.sites[site].kind)] += u64::from(bind.lost);
                    self.turn_into(state, site, bind.to, (now, serial), &mut draws);
                    if bind.keeps {
                        return;
                    }
                }
                self.walk(&mut state.calendar, &mut draws, Walker { at, now, released: EVER, serial });
            }
            What::Turn { site, epoch } => {
                let site = site as usize;
                if state.epochs[site] != epoch {
                    return;
                }
                let (serial, mut draws) = state.draws();
                let number = usize::from(self.sites[site].kind);
                let own = &self.kinds[number].states[usize::from(state.states[site])];
                let mut share = uniform(&mut draws) * own.leaving;
                let mut turn = own.turns[own.turns.len() - 1];
                for one in &own.turns {
                    share -= one.rate;
                    if share < 0.0 {
                        turn = *one;
                        break;
                    }
                }
                state.turned_over[number] += u64::from(turn.lost);
                self.turn_into(state, site, turn.to, (now, serial), &mut draws);
                if turn.gives {
                    let at = self.anywhere(self.sites[site].tile, &mut draws);
                    state.free[usize::from(matches!(at, Whereabouts::Shell(..)))] += 1;
                    self.walk(&mut state.calendar, &mut draws, Walker { at, now, released: EVER, serial });
                }
            }
            What::Arrive => {
                let Some(tissue) = &self.tissue else { return };
                let (serial, mut draws) = state.draws();
                let at = self.anywhere(self.tiles.own() + tissue.volume.len() as u32 - 1, &mut draws);
                let next = now + exponential(&mut draws) / tissue.arrivals;
                state.calendar.add(Event { at: next, serial, what: What::Arrive });
                state.arrived += 1;
                state.free[1] += 1;
                self.walk(&mut state.calendar, &mut draws, Walker { at, now, released: EVER, serial });
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

    #[inline(always)]
    fn turn_into(&self, state: &mut State, site: usize, to: u16, now: (f64, u64), draws: &mut Draws) {
        let counts = &mut state.counts[usize::from(self.sites[site].kind)];
        counts[usize::from(state.states[site])] -= 1;
        counts[usize::from(to)] += 1;
        state.states[site] = to as u8;
        state.epochs[site] = state.epochs[site].wrapping_add(1);
        self.expect(state, site, now, draws);
    }

    /// When a site does something by itself.
    #[inline(always)]
    fn expect(&self, state: &mut State, site: usize, (now, serial): (f64, u64), draws: &mut Draws) {
        let own = &self.kinds[usize::from(self.sites[site].kind)].states[usize::from(state.states[site])];
        if own.leaving > 0.0 {
            let at = now + exponential(draws) / own.leaving;
            let what = What::Turn { site: site as u32, epoch: state.epochs[site] };
            state.calendar.add(Event { at, serial, what });
        }
    }

    /// Where all molecules are now.
    #[must_use]
    pub fn budget(&self, state: &State) -> Budget {
        let held = |(kind, counts): (&super::kind::KindPlan, &Vec<u32>)| {
            kind.bound.iter().zip(counts).map(|(b, n)| u64::from(*b) * u64::from(*n)).sum()
        };
        Budget {
            initial: state.initial,
            released: state.released,
            arrived: state.arrived,
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
    fn draws(&mut self) -> (u64, Draws) {
        self.serial += 1;
        (self.serial, self.key.at(self.serial, 0))
    }

    /// How far it has come.
    ///
    /// # Panics
    /// Never: a trial stops at whole ticks.
    #[must_use]
    pub fn now(&self) -> Tick {
        Tick::from_ms(self.now).expect("a time that was a tick")
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

    /// Members of a kind in each state.
    #[must_use]
    pub fn counts(&self, kind: usize) -> &[u32] {
        &self.counts[kind]
    }

    /// How often a molecule has met a site so far.
    #[must_use]
    pub fn meetings(&self) -> u64 {
        self.meetings
    }
}
