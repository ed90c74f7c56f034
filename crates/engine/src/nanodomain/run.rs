//! One trial: ions, buffers and sensors, event by event.

use super::calendar::{Calendar, Event, What};
use super::channels::Opening;
use super::plan::Plan;
use super::room::Room;
use super::told::{Budget, Changed, Seen, Told};
use super::walk::moved;
use super::wells::Who;
use crate::time::Tick;
use numerics::constants::{AVOGADRO, FARADAY};
use numerics::passage::{exponential, uniform};
use numerics::rng::{Draws, StreamKey};
use numerics::simd::{Kernel, Lanes, Level};
use serde::{Deserialize, Serialize};

/// A trial: all that a snapshot holds. Whoever goes on with it gives the key of its draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    now: f64,
    pub(super) calendar: Calendar,
    serial: u64,
    /// pA, by channel, and how often it has changed.
    currents: Vec<f64>,
    changes: Vec<u32>,
    /// By site.
    pub(super) states: Vec<u8>,
    epochs: Vec<u32>,
    /// By kind and state.
    pub(super) counts: Vec<Vec<u32>>,
    /// By buffer and cell: how many are free, to a common factor; and their sum. Whole numbers in each cell of fixed ones.
    pub(super) fields: Vec<Vec<f64>>,
    pub(super) sums: Vec<f64>,
    /// By buffer: at which rate an ion is bound anywhere at most; and all of them, /ms.
    pub(super) most: Vec<f64>,
    pub(super) meets: f64,
    /// By buffer: bound since the beginning; of fixed ones also in which cell each is.
    pub(super) frozen: Vec<u64>,
    pub(super) frozen_in: Vec<Vec<u32>>,
    /// By buffer: bound later.
    bound: Vec<u64>,
    pub(super) initial: u64,
    entered: u64,
    arrived: u64,
    pub(super) free: u64,
    escaped: u64,
    pumped: Vec<u64>,
    meetings: u64,
    clipped: u64,
}

/// Whom an ion has met.
enum Met {
    Nobody,
    Buffer(usize),
    /// Site and step.
    Site(usize, usize),
    Probe(usize),
}

impl Plan {
    /// Sets the current of a channel from now on, pA, inward positive.
    ///
    /// # Panics
    /// If there is no such channel, or the current is negative or not finite: a nanodomain has no ions to send out.
    pub fn set_current(&self, state: &mut State, key: StreamKey, channel: usize, current: f64) {
        assert!(current >= 0.0 && current.is_finite(), "a channel's current is a number, and inward");
        let (serial, mut draws) = state.draws(key);
        self.open(state, channel, current, (state.now, serial), &mut draws);
    }

    /// Lets channels change their currents later, as listed.
    ///
    /// # Panics
    /// As [`set_current`](Self::set_current), and for times that are past.
    pub fn schedule(&self, state: &mut State, key: StreamKey, openings: &[Opening]) {
        for o in openings {
            let sound = o.channel < self.channels.len() && o.current >= 0.0 && o.current.is_finite();
            assert!(sound && o.at.ms() >= state.now, "an opening is to come, of a channel, and inward");
            let serial = state.draws(key).0;
            let what = What::Open { channel: o.channel as u32, current: o.current };
            state.calendar.add(Event { at: o.at.ms(), serial, what });
        }
    }

    /// Sets ions free at a place now, as a flash does with caged calcium; they count as entered.
    ///
    /// # Panics
    /// If the place is outside.
    pub fn release(&self, state: &mut State, key: StreamKey, at: [f64; 3], ions: u64) {
        struct Release<'a>(&'a Plan, &'a mut State, StreamKey, [f64; 3], u64);
        impl Kernel for Release<'_> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                let Self(plan, state, key, at, ions) = self;
                for _ in 0..ions {
                    let (serial, mut draws) = state.draws(key);
                    let stamp = (state.now, serial);
                    plan.walk(&mut state.calendar, &mut draws, at, stamp, state.meets);
                }
            }
        }
        assert!(self.room.holds(at), "a place within the chamber");
        state.entered += ions;
        state.free += ions;
        Level::best().dispatch(Release(self, state, key, at, ions));
    }

    /// Goes on until `until`; `told` hears of sensors and probes in the order of time. The same bits however a stretch is cut.
    pub fn advance(&self, state: &mut State, key: StreamKey, until: Tick, told: &mut impl FnMut(Told)) {
        struct Advance<'a, F>(&'a Plan, &'a mut State, StreamKey, f64, &'a mut F);
        impl<F: FnMut(Told)> Kernel for Advance<'_, F> {
            type Output = ();
            #[inline(always)]
            fn run<L: Lanes>(self) {
                let Self(plan, state, key, until, told) = self;
                let mut other = vec![0.0; plan.cells.volume.len()];
                while let Some(event) = state.calendar.next(until) {
                    plan.happen(state, key, event, &mut other, told);
                }
                state.now = state.now.max(until);
            }
        }
        Level::best().dispatch(Advance(self, state, key, until.ms(), told));
    }

    #[inline(always)]
    fn happen(
        &self,
        state: &mut State,
        key: StreamKey,
        Event { at: now, what, .. }: Event,
        other: &mut Vec<f64>,
        told: &mut impl FnMut(Told),
    ) {
        let (serial, mut draws) = state.draws(key);
        let stamp = (now, serial);
        // Where an ion goes on from, if one does.
        let mut goes = None;
        match what {
            What::Meet { at, rate } => {
                state.meetings += 1;
                let met = self.met(state, (at, rate), &mut draws);
                goes = Some(at);
                match met {
                    Met::Nobody => {}
                    Met::Buffer(buffer) => {
                        goes = None;
                        self.bind(state, buffer, at, stamp, &mut draws);
                    }
                    Met::Probe(probe) => told(Told::Seen(Seen { probe, place: at, at: now })),
                    Met::Site(site, step) => {
                        let kind = usize::from(self.sites[site].kind);
                        let bind = self.kinds[kind].states[usize::from(state.states[site])].binds[step];
                        if bind.keeps {
                            state.free -= 1;
                            goes = None;
                        }
                        state.pumped[kind] += u64::from(bind.lost);
                        told(Told::Changed(self.turn_into(state, site, bind.to, stamp, &mut draws)));
                    }
                }
            }
            What::Go { at } => goes = Some(at),
            What::Leave => {
                state.free -= 1;
                state.escaped += 1;
            }
            What::Free { buffer, at } => {
                let buffer = usize::from(buffer);
                state.bound[buffer] -= 1;
                self.comes_back(state, buffer, self.cells.of(at));
                state.free += 1;
                goes = Some(at);
            }
            What::Thaw { buffer } => {
                let number = usize::from(buffer);
                let plan = &self.buffers[number];
                let (at, cell, which) = if plan.mixing.is_some() {
                    let at = self.room.anywhere(&mut draws);
                    (at, self.cells.of(at), 0)
                } else {
                    let list = &state.frozen_in[number];
                    let which = draws.below(list.len() as u64) as usize;
                    let cell = list[which] as usize;
                    (self.cells.within(cell, &mut draws), cell, which)
                };
                if uniform(&mut draws) < plan.share[cell] {
                    if plan.mixing.is_none() {
                        state.frozen_in[number].swap_remove(which);
                    }
                    state.frozen[number] -= 1;
                    self.comes_back(state, number, cell);
                    state.free += 1;
                    goes = Some(at);
                }
                self.thaw(state, number, stamp, &mut draws);
            }
            What::Turn { site, epoch } => {
                let site = site as usize;
                if state.epochs[site] != epoch {
                    return;
                }
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
                state.pumped[number] += u64::from(turn.lost);
                told(Told::Changed(self.turn_into(state, site, turn.to, stamp, &mut draws)));
                if turn.gives {
                    state.free += 1;
                    goes = Some(self.around(site, &mut draws));
                }
            }
            What::Enter { channel, epoch } => {
                if state.changes[channel as usize] != epoch {
                    return;
                }
                state.entered += 1;
                state.free += 1;
                let [x, y] = self.channels[channel as usize];
                goes = Some([x, y, 0.0]);
                self.enter(state, channel as usize, stamp, &mut draws);
            }
            What::Open { channel, current } => self.open(state, channel as usize, current, stamp, &mut draws),
            What::Arrive { face } => {
                state.arrived += 1;
                state.free += 1;
                goes = Some(self.room.inside(usize::from(face), &mut draws));
                let next = now + exponential(&mut draws) / self.arrivals[usize::from(face)];
                state.calendar.add(Event { at: next, serial, what });
            }
            What::Mix { buffer } => self.mix(state, usize::from(buffer), stamp, other),
        }
        if let Some(at) = goes {
            self.walk(&mut state.calendar, &mut draws, at, stamp, state.meets);
        }
    }

    /// Whom an ion meets at a place, where it might meet somebody at `rate`; what mobile buffers lose is what they were likely to.
    #[inline(always)]
    fn met(&self, state: &mut State, (at, rate): ([f64; 3], f64), draws: &mut Draws) -> Met {
        let cell = self.cells.of(at);
        let drawn = uniform(draws) * rate;
        let (mut share, mut met) = (drawn, Met::Nobody);
        for (number, plan) in self.buffers.iter().enumerate() {
            let factor = self.factor(state, number);
            let (field, pair) = (&mut state.fields[number][cell], plan.pair[cell]);
            let before = share;
            share -= *field * factor * pair;
            if before >= 0.0 && share < 0.0 {
                met = Met::Buffer(number);
            }
            if plan.mixing.is_some() {
                let taken = *field * pair / rate;
                *field -= taken;
                state.sums[number] -= taken;
            }
        }
        for well in self.wells.holding(cell, at) {
            match well.who {
                Who::Site(site) => {
                    let site = site as usize;
                    let own = &self.kinds[usize::from(self.sites[site].kind)].states[usize::from(state.states[site])];
                    for (step, bind) in own.binds.iter().enumerate() {
                        let before = share;
                        share -= bind.rate;
                        if before >= 0.0 && share < 0.0 {
                            met = Met::Site(site, step);
                        }
                    }
                }
                Who::Probe(probe) => {
                    let before = share;
                    share -= well.most;
                    if before >= 0.0 && share < 0.0 {
                        met = Met::Probe(probe as usize);
                    }
                }
            }
        }
        state.clipped += u64::from(drawn - share > rate * (1.0 + 1e-12));
        met
    }

    /// What the numbers in a field are to be multiplied by, so that all of it is as many as are free.
    #[inline(always)]
    fn factor(&self, state: &State, buffer: usize) -> f64 {
        let plan = &self.buffers[buffer];
        if plan.mixing.is_none() || state.sums[buffer] == 0.0 {
            return 1.0;
        }
        (plan.total - state.frozen[buffer] - state.bound[buffer]) as f64 / state.sums[buffer]
    }

    /// One more is free in a cell; it is already no longer counted as bound.
    #[inline(always)]
    fn comes_back(&self, state: &mut State, buffer: usize, cell: usize) {
        let plan = &self.buffers[buffer];
        let field = &mut state.fields[buffer];
        if plan.mixing.is_none() {
            field[cell] += 1.0;
            return;
        }
        let before = (plan.total - state.frozen[buffer] - state.bound[buffer] - 1) as f64;
        let sum = &mut state.sums[buffer];
        if before == 0.0 || *sum == 0.0 {
            // There was none, whatever the field looks like.
            field.fill(0.0);
            (field[cell], *sum) = (1.0, 1.0);
        } else {
            let one = *sum / before;
            field[cell] += one;
            *sum += one;
        }
    }

    /// A free ion is bound, and comes free again somewhere.
    #[inline(always)]
    fn bind(&self, state: &mut State, buffer: usize, mut at: [f64; 3], (now, serial): (f64, u64), draws: &mut Draws) {
        let plan = &self.buffers[buffer];
        state.free -= 1;
        state.bound[buffer] += 1;
        if plan.mixing.is_none() {
            state.fields[buffer][self.cells.of(at)] -= 1.0;
        }
        let mut after = 0.0;
        loop {
            let wait = exponential(draws) / plan.apart;
            after += wait;
            if plan.mixing.is_some() {
                at = self.room.folded(moved(at, plan.diffusion * wait, draws));
            }
            if uniform(draws) < plan.share[self.cells.of(at)] {
                break;
            }
        }
        state.calendar.add(Event { at: now + after, serial, what: What::Free { buffer: buffer as u16, at } });
    }

    /// When the next of those bound since the beginning may come free.
    #[inline(always)]
    pub(super) fn thaw(&self, state: &mut State, buffer: usize, (now, serial): (f64, u64), draws: &mut Draws) {
        if state.frozen[buffer] > 0 {
            let at = now + exponential(draws) / (self.buffers[buffer].apart * state.frozen[buffer] as f64);
            state.calendar.add(Event { at, serial, what: What::Thaw { buffer: buffer as u16 } });
        }
    }

    /// The field of a buffer moves on; all of it is a whole number.
    #[inline(always)]
    fn mix(&self, state: &mut State, buffer: usize, (now, serial): (f64, u64), other: &mut Vec<f64>) {
        let plan = &self.buffers[buffer];
        let Some((mixing, time)) = &plan.mixing else { return };
        let field = &mut state.fields[buffer];
        mixing.step(self.cells.n, field, other);
        let free = (plan.total - state.frozen[buffer] - state.bound[buffer]) as f64;
        let all = numerics::sum::sum(field);
        let most = plan.bound(field, if all > 0.0 { free / all } else { 1.0 });
        state.sums[buffer] = if all > 0.0 { free } else { 0.0 };
        state.meets += most - state.most[buffer];
        state.most[buffer] = most;
        state.calendar.add(Event { at: now + time, serial, what: What::Mix { buffer: buffer as u16 } });
    }

    #[inline(always)]
    fn open(&self, state: &mut State, channel: usize, current: f64, stamp: (f64, u64), draws: &mut Draws) {
        state.currents[channel] = current;
        state.changes[channel] = state.changes[channel].wrapping_add(1);
        self.enter(state, channel, stamp, draws);
    }

    /// When the next ion comes through a channel.
    #[inline(always)]
    fn enter(&self, state: &mut State, channel: usize, (now, serial): (f64, u64), draws: &mut Draws) {
        let rate = state.currents[channel] * (AVOGADRO / (2.0 * FARADAY));
        if rate > 0.0 {
            let what = What::Enter { channel: channel as u32, epoch: state.changes[channel] };
            state.calendar.add(Event { at: now + exponential(draws) / rate, serial, what });
        }
    }

    #[inline(always)]
    fn turn_into(&self, state: &mut State, site: usize, to: u16, stamp: (f64, u64), draws: &mut Draws) -> Changed {
        let from = usize::from(state.states[site]);
        let own = &self.sites[site];
        let counts = &mut state.counts[usize::from(own.kind)];
        counts[from] -= 1;
        counts[usize::from(to)] += 1;
        state.states[site] = to as u8;
        state.epochs[site] = state.epochs[site].wrapping_add(1);
        self.expect(state, site, stamp, draws);
        let (kind, member) = (usize::from(own.kind), own.member as usize);
        Changed { kind, member, from, to: usize::from(to), at: stamp.0 }
    }

    /// When a sensor does something by itself.
    #[inline(always)]
    pub(super) fn expect(&self, state: &mut State, site: usize, (now, serial): (f64, u64), draws: &mut Draws) {
        let own = &self.kinds[usize::from(self.sites[site].kind)].states[usize::from(state.states[site])];
        if own.leaving > 0.0 {
            let at = now + exponential(draws) / own.leaving;
            let what = What::Turn { site: site as u32, epoch: state.epochs[site] };
            state.calendar.add(Event { at, serial, what });
        }
    }

    /// A place within a sensor's radius.
    #[inline(always)]
    fn around(&self, site: usize, draws: &mut Draws) -> [f64; 3] {
        let kind = &self.kinds[usize::from(self.sites[site].kind)];
        let middle = self.sites[site].at;
        loop {
            let [x, y, z] = [0, 1, 2].map(|_| 2.0 * uniform(draws) - 1.0);
            if x * x + y * y + z * z <= 1.0 {
                let up = if kind.on_wall { z.abs() } else { z };
                let at = [middle[0] + kind.radius * x, middle[1] + kind.radius * y, middle[2] + kind.radius * up];
                return self.room.folded(at);
            }
        }
    }

    /// Where all ions are now.
    #[must_use]
    pub fn budget(&self, state: &State) -> Budget {
        let held = |(kind, counts): (&super::sensors::KindPlan, &Vec<u32>)| {
            kind.bound.iter().zip(counts).map(|(b, n)| u64::from(*b) * u64::from(*n)).sum()
        };
        Budget {
            initial: state.initial,
            entered: state.entered,
            arrived: state.arrived,
            free: state.free,
            bound: state.bound.iter().zip(&state.frozen).map(|(a, b)| a + b).collect(),
            held: self.kinds.iter().zip(&state.counts).map(held).collect(),
            pumped: state.pumped.clone(),
            escaped: state.escaped,
        }
    }

    /// Concentration of a buffer's free molecules around a place, mM: the mean over its cell.
    ///
    /// # Panics
    /// If the place is outside.
    #[must_use]
    pub fn free_buffer(&self, state: &State, buffer: usize, at: [f64; 3]) -> f64 {
        assert!(self.room.holds(at), "a place within the chamber");
        let cell = self.cells.of(at);
        state.fields[buffer][cell] * self.factor(state, buffer) / (self.cells.volume[cell] * AVOGADRO)
    }
}

impl State {
    /// Nothing in it yet.
    pub(super) fn new(plan: &Plan, calendar: Calendar) -> Self {
        let (buffers, channels) = (plan.buffers.len(), plan.channels.len());
        Self {
            now: 0.0,
            calendar,
            serial: 0,
            currents: vec![0.0; channels],
            changes: vec![0; channels],
            states: Vec::with_capacity(plan.sites.len()),
            epochs: vec![0; plan.sites.len()],
            counts: plan.kinds.iter().map(|k| vec![0; k.states.len()]).collect(),
            fields: vec![Vec::new(); buffers],
            sums: vec![0.0; buffers],
            most: vec![0.0; buffers],
            meets: 0.0,
            frozen: vec![0; buffers],
            frozen_in: vec![Vec::new(); buffers],
            bound: vec![0; buffers],
            initial: 0,
            entered: 0,
            arrived: 0,
            free: 0,
            escaped: 0,
            pumped: vec![0; plan.kinds.len()],
            meetings: 0,
            clipped: 0,
        }
    }

    /// The next number, and its draws.
    #[inline(always)]
    pub(super) fn draws(&mut self, key: StreamKey) -> (u64, Draws) {
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

    /// Ions that are free.
    #[must_use]
    pub fn free(&self) -> u64 {
        self.free
    }

    /// Ions bound to a buffer.
    #[must_use]
    pub fn bound(&self, buffer: usize) -> u64 {
        self.bound[buffer] + self.frozen[buffer]
    }

    /// Current of a channel, pA.
    #[must_use]
    pub fn current(&self, channel: usize) -> f64 {
        self.currents[channel]
    }

    /// Sensors of a kind in each state.
    #[must_use]
    pub fn counts(&self, kind: usize) -> &[u32] {
        &self.counts[kind]
    }

    /// How many things have happened so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.serial
    }

    /// How often an ion might have met somebody so far.
    #[must_use]
    pub fn meetings(&self) -> u64 {
        self.meetings
    }

    /// How often the rate of a meeting was above what it was reckoned with: a share of these is lost. It should be none.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }
}
