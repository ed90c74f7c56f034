//! The sending side as it runs: driven slots, the tail at resting voltage, and sleep.
//!
//! **Driven**: a channel's current in a slot is its time-averaged openness times the unit current, so that charge is
//! exact. **Tail** (resting voltage): piecewise constant between openings, closings and bulk steps, whose times follow
//! from the state alone: where the run is cut shows in no bit. **Asleep**: bulk within 0.1 % of rest (what is left is
//! booked as extruded) and no channel open; then only events cost: openings, jumps, transfers, spontaneous fusions.

use super::bulk::{BulkState, Scratch};
use super::plan::{Kind, Plan, Terminal};
use super::release::{ReleaseState, Shift};
use super::sites::{Calcium, Fusion};
use super::{TerminalError, length, positive};
use crate::ensemble::{ASLEEP, Drive, EnsembleError, Individuals, Luck};
use crate::time::Tick;
use serde::{Deserialize, Serialize};

/// Of rest: bulk calcium nearer than this is at rest.
const NEAR: f64 = 1e-3;
/// Relative change of calcium a step below which tail steps grow, and above which they shrink.
const SLOW: f64 = 0.01;
const FAST: f64 = 0.03;

/// What drives the channels in a slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotDrive<'a> {
    /// Rates of each kind's transitions, /ms.
    pub rates: &'a [Vec<f64>],
    /// Current of a fully open channel of each kind, pA, inward positive.
    pub unit_current: &'a [f64],
}

/// How much was done since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Intervals of constant calcium at the sites, silence not counted.
    pub slots: u64,
    /// Implicit steps of bulk calcium.
    pub bulk_steps: u64,
    /// Jumps of channels.
    pub channel_jumps: u64,
    /// Changes of calcium at a site.
    pub sensor_updates: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Mode {
    Driven,
    /// When the bulk's step ends, and how long steps are.
    Tail {
        due: Tick,
        length: Tick,
    },
    Asleep,
}

/// A terminal's state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TerminalState {
    first: u64,
    clock: Tick,
    mode: Mode,
    channels: Vec<Individuals>,
    /// How open each channel is, all kinds in a row.
    open: Vec<f64>,
    /// pA of each channel in the last slot.
    currents: Vec<f64>,
    /// pA.
    current: f64,
    /// mM at each site in the last slot.
    calcium: Vec<f64>,
    release: ReleaseState,
    released: u64,
    bulk: BulkState,
    /// Influx from the bulk's clock to `since`, fC.
    charge: f64,
    /// Influx from the start to `since`, fC.
    influx: f64,
    /// From when on the current is not yet in the charge.
    since: Tick,
    /// Slots since the bulk's step.
    slots: u32,
    work: Work,
}

/// Memory for a step; holds nothing between steps.
#[derive(Clone, Debug, Default)]
pub struct TerminalScratch {
    bulk: Scratch,
    ports: Vec<f64>,
    shifts: Vec<Shift>,
}

impl TerminalScratch {
    /// Where vesicles went in the last call, in the order of time; fusions are among them.
    #[must_use]
    pub fn shifts(&self) -> &[Shift] {
        &self.shifts
    }
}

impl TerminalState {
    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Free calcium of the volume, mM, as of its last step.
    #[must_use]
    pub fn bulk_calcium(&self) -> f64 {
        self.bulk.calcium()
    }

    /// The volume.
    #[must_use]
    pub fn bulk(&self) -> &BulkState {
        &self.bulk
    }

    /// Calcium at site `i` in the last slot, mM. Panics out of range.
    #[must_use]
    pub fn calcium_at(&self, i: usize) -> f64 {
        self.calcium[i]
    }

    /// Calcium current in the last slot, all channels, pA, inward positive.
    #[must_use]
    pub fn current(&self) -> f64 {
        self.current
    }

    /// Open channels of a kind, each counted for how open it is. Panics out of range.
    #[must_use]
    pub fn open_channels(&self, kind: usize) -> f64 {
        let before: usize = self.channels[..kind].iter().map(Individuals::len).sum();
        self.open[before..before + self.channels[kind].len()].iter().sum()
    }

    /// Channels of a kind, one by one. Panics out of range.
    #[must_use]
    pub fn channels(&self, kind: usize) -> &Individuals {
        &self.channels[kind]
    }

    /// Docked vesicles.
    #[must_use]
    pub fn docked(&self) -> u32 {
        self.release.sites().occupied()
    }

    /// Vesicles in each pool.
    #[must_use]
    pub fn pools(&self) -> &[u32] {
        self.release.pools().counts()
    }

    /// Sites and pools.
    #[must_use]
    pub fn release(&self) -> &ReleaseState {
        &self.release
    }

    /// Vesicles fused since the start.
    #[must_use]
    pub fn released(&self) -> u64 {
        self.released
    }

    /// Calcium that has come in through the channels since the start, fC.
    #[must_use]
    pub fn influx(&self) -> f64 {
        self.influx + self.current * (self.clock - self.since).ms()
    }

    /// What was done since the start.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Brings the charge up to the clock: only where the current changes or the charge is needed, so that a cut between
    /// shows in no bit.
    fn account(&mut self) {
        let charge = self.current * (self.clock - self.since).ms();
        self.charge += charge;
        self.influx += charge;
        self.since = self.clock;
    }
}

/// Moves one kind's channels, whose openness and currents lie at `at`; hears (kind's weight before, after, when, channel).
fn run_kind(
    kind: &Kind,
    channels: &mut Individuals,
    luck: Luck,
    until: Tick,
    drive: Drive,
    mut heard: impl FnMut(usize, f64, f64, Tick),
) -> Result<u64, EnsembleError> {
    channels.advance(&kind.plan, luck, until, drive, &mut |m| {
        let (from, to) = (kind.weight(m.from), kind.weight(m.to));
        if from != to {
            heard(m.copy as usize, from, to, m.at);
        }
    })
}

impl Plan {
    /// Multipliers of the pools' rates.
    fn ports(&self, bulk: f64, out: &mut Vec<f64>) {
        out.clear();
        out.extend(self.ports.iter().map(|p| bulk / (bulk + p.k_m)));
    }

    /// Calcium at the sites from the channels' currents.
    fn spread(&self, s: &mut TerminalState) -> Result<(), TerminalError> {
        s.current = s.currents.iter().sum();
        let background = s.bulk.calcium();
        if s.currents.iter().all(|&i| i == 0.0) {
            s.calcium.fill(background);
        } else {
            self.map.calcium(self.level, background, &s.currents, &mut s.calcium)?;
            for c in &mut s.calcium {
                // An outward current cannot take more than there is.
                *c = c.max(0.0);
            }
        }
        s.work.slots += 1;
        s.work.sensor_updates += s.calcium.len() as u64;
        Ok(())
    }

    /// Steps the bulk to the clock; by how much calcium changed, of itself.
    fn step_bulk(&self, s: &mut TerminalState, scratch: &mut TerminalScratch) -> Result<f64, TerminalError> {
        let dt = s.clock - s.bulk.clock();
        s.account();
        s.slots = 0;
        if dt == Tick::ZERO {
            return Ok(0.0);
        }
        let before = s.bulk.calcium();
        self.bulk.advance(&mut s.bulk, dt, s.charge / dt.ms(), &mut scratch.bulk)?;
        s.charge = 0.0;
        s.work.bulk_steps += 1;
        Ok((s.bulk.calcium() - before).abs() / s.bulk.calcium())
    }

    /// Each channel's current at resting voltage, and what follows.
    fn rest_currents(&self, s: &mut TerminalState) -> Result<(), TerminalError> {
        let mut first = 0;
        for kind in &self.kinds {
            for k in first..first + kind.count {
                s.currents[k] = s.open[k] * kind.current;
            }
            first += kind.count;
        }
        self.spread(s)
    }
}

impl Terminal {
    fn luck(&self, first: u64) -> Luck {
        Luck { key: self.key, first }
    }

    /// Luck of the first channel.
    fn channel_luck(&self, state: &TerminalState) -> Luck {
        self.luck(state.first + self.plan.release.sites() as u64 + 1)
    }

    /// A terminal asleep at time 0, whose luck has the [`members`](Self::members) from `first` on.
    ///
    /// # Errors
    /// Counts of vesicles that do not fit the pools.
    pub fn start(&self, first: u64) -> Result<TerminalState, TerminalError> {
        let plan = &*self.plan;
        let release = plan.release.start_with(self.luck(first), &plan.vesicles)?;
        let mut luck = self.luck(first + u64::from(plan.release.sites()) + 1);
        let mut channels = Vec::with_capacity(plan.kinds.len());
        for kind in &plan.kinds {
            channels.push(Individuals::new(&kind.plan, luck, kind.count, |_| (ASLEEP, 0))?);
            luck.first += kind.count as u64;
        }
        let mut state = TerminalState {
            first,
            clock: Tick::ZERO,
            mode: Mode::Asleep,
            channels,
            open: vec![0.0; plan.channels],
            currents: vec![0.0; plan.channels],
            current: 0.0,
            calcium: vec![plan.bulk.resting(); self.sites()],
            release,
            released: 0,
            bulk: plan.bulk.start(),
            charge: 0.0,
            influx: 0.0,
            since: Tick::ZERO,
            slots: 0,
            work: Work::default(),
        };
        // The pools learn their rates, so that their next event is known.
        self.pass(&mut state, &mut TerminalScratch::default(), Tick::ZERO, &mut Vec::new())?;
        Ok(state)
    }

    /// Takes over the state of `before`, a terminal that differs in its channels' kinetics only: state `s` of kind `k` is
    /// `map[k][s]` here. Channels that sleep wake, since rest is another.
    ///
    /// # Errors
    /// Terminals, a state or a map that do not fit each other.
    pub fn adopt(&self, before: &Self, state: &mut TerminalState, map: &[Vec<usize>]) -> Result<(), TerminalError> {
        let (plan, s) = (&*self.plan, state);
        self.fits(s)?;
        length("kinds of channels", map.len(), plan.kinds.len())?;
        length("kinds of channels", before.plan.kinds.len(), plan.kinds.len())?;
        let mut luck = before.channel_luck(s);
        for (((kind, old), channels), map) in plan.kinds.iter().zip(&before.plan.kinds).zip(&mut s.channels).zip(map) {
            channels.adopt(&old.plan, luck, &kind.plan, map)?;
            if s.mode != Mode::Driven {
                run_kind(kind, channels, luck, s.clock, kind.rest(), |_, _, _, _| ())?;
            }
            luck.first += kind.count as u64;
        }
        if let Mode::Tail { .. } = s.mode {
            s.account();
            plan.rest_currents(s)?;
        }
        Ok(())
    }

    fn fits(&self, state: &TerminalState) -> Result<(), TerminalError> {
        length("kinds of channels", state.channels.len(), self.plan.kinds.len())?;
        length("channels", state.open.len(), self.plan.channels)?;
        length("channels", state.currents.len(), self.plan.channels)?;
        length("sites", state.calcium.len(), self.sites())
    }

    /// Vesicles and influx over `dt`, calcium as it is.
    fn pass(
        &self,
        s: &mut TerminalState,
        scratch: &mut TerminalScratch,
        dt: Tick,
        fusions: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        self.plan.ports(s.bulk.calcium(), &mut scratch.ports);
        let calcium = if s.mode == Mode::Asleep { Calcium::Resting } else { Calcium::Sites(&s.calcium) };
        let (luck, before) = (self.luck(s.first), fusions.len());
        let TerminalScratch { ports, shifts, .. } = scratch;
        self.plan.release.advance_with(luck, &mut s.release, dt, calcium, ports, (fusions, shifts))?;
        s.released += (fusions.len() - before) as u64;
        s.clock += dt;
        Ok(())
    }

    /// One slot away from resting voltage. Fusions are appended in the order of time.
    ///
    /// # Errors
    /// A slot not above 0; a drive that does not fit or is none; a bulk that finds no solution. After an error of the
    /// run the state is not to be used.
    pub fn advance(
        &self,
        state: &mut TerminalState,
        scratch: &mut TerminalScratch,
        slot: Tick,
        drive: &SlotDrive,
        fusions: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        let (plan, s) = (&*self.plan, state);
        scratch.shifts.clear();
        self.fits(s)?;
        positive("a slot (ms)", slot.ms())?;
        length("lists of rates", drive.rates.len(), plan.kinds.len())?;
        length("unit currents", drive.unit_current.len(), plan.kinds.len())?;
        if let Some(&value) = drive.unit_current.iter().find(|i| !i.is_finite()) {
            return Err(TerminalError::Value { what: "a unit current (pA)", value, must: "finite" });
        }
        if s.mode == Mode::Asleep {
            plan.bulk.to_rest(&mut s.bulk, s.clock);
        }
        s.account();
        s.mode = Mode::Driven;
        let (until, mut luck, mut first) = (s.clock + slot, self.channel_luck(s), 0);
        for ((kind, channels), (rates, unit)) in
            plan.kinds.iter().zip(&mut s.channels).zip(drive.rates.iter().zip(drive.unit_current))
        {
            let (open, currents) = (&mut s.open[first..][..kind.count], &mut s.currents[first..][..kind.count]);
            let whole = slot.0 as f64;
            for (i, open) in currents.iter_mut().zip(&*open) {
                *i = open * whole;
            }
            let drive = Drive { rates, ligand: &[] };
            s.work.channel_jumps += run_kind(kind, channels, luck, until, drive, |k, from, to, at| {
                currents[k] += (to - from) * (until - at).0 as f64;
                open[k] = to;
            })?;
            for i in currents {
                *i *= unit / whole;
            }
            luck.first += kind.count as u64;
            first += kind.count;
        }
        plan.spread(s)?;
        self.pass(s, scratch, slot, fusions)?;
        s.account();
        s.slots += 1;
        if s.slots >= plan.bulk_slots {
            plan.step_bulk(s, scratch)?;
        }
        Ok(())
    }

    /// Runs the channels at resting voltage to `stop`, or to the first opening or closing before; where, and whether.
    fn rest_channels(&self, s: &mut TerminalState, stop: Tick) -> Result<(Tick, bool), TerminalError> {
        let plan = &*self.plan;
        loop {
            let due = s.channels.iter().filter_map(|c| c.next_due(stop)).min();
            // An event at its tick is past once the next tick is reached.
            let until = due.map_or(stop, |at| at + Tick(1));
            let (mut luck, mut first, mut changed) = (self.channel_luck(s), 0, false);
            for (kind, channels) in plan.kinds.iter().zip(&mut s.channels) {
                let open = &mut s.open[first..][..kind.count];
                s.work.channel_jumps += run_kind(kind, channels, luck, until, kind.rest(), |k, _, to, _| {
                    open[k] = to;
                    changed = true;
                })?;
                luck.first += kind.count as u64;
                first += kind.count;
            }
            match due {
                None => return Ok((stop, false)),
                Some(at) if changed => return Ok((at, true)),
                Some(_) => {}
            }
        }
    }

    /// Runs to `until` at resting voltage: channels close, calcium decays, then sleep, interrupted by openings. Where a
    /// run is cut changes no bit. Fusions are appended in the order of time.
    ///
    /// # Errors
    /// A time that is past; as [`advance`](Self::advance).
    pub fn settle(
        &self,
        state: &mut TerminalState,
        scratch: &mut TerminalScratch,
        until: Tick,
        fusions: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        let (plan, s) = (&*self.plan, state);
        scratch.shifts.clear();
        self.fits(s)?;
        if until < s.clock {
            return Err(EnsembleError::Step.into());
        }
        let shortest = plan.tail.shortest;
        while s.clock < until {
            if s.mode == Mode::Driven {
                let mut luck = self.channel_luck(s);
                for (kind, channels) in plan.kinds.iter().zip(&mut s.channels) {
                    run_kind(kind, channels, luck, s.clock, kind.rest(), |_, _, _, _| ())?;
                    luck.first += kind.count as u64;
                }
                plan.step_bulk(s, scratch)?;
                s.mode = Mode::Tail { due: s.clock + shortest, length: shortest };
                plan.rest_currents(s)?;
            }
            let stop = if let Mode::Tail { due, .. } = s.mode { due.min(until) } else { until };
            let (reached, changed) = self.rest_channels(s, stop)?;
            let dt = reached - s.clock;
            self.pass(s, scratch, dt, fusions)?;
            if changed {
                s.account();
                let next = s.clock + shortest;
                s.mode = match s.mode {
                    Mode::Tail { due, .. } => Mode::Tail { due: due.min(next), length: shortest },
                    _ => {
                        plan.bulk.to_rest(&mut s.bulk, s.clock);
                        Mode::Tail { due: next, length: shortest }
                    }
                };
                plan.rest_currents(s)?;
            }
            if let Mode::Tail { due, length } = s.mode
                && due == s.clock
            {
                self.tail_step(s, scratch, length)?;
            }
        }
        Ok(())
    }

    /// A step of the bulk at rest, and how long the next one is.
    fn tail_step(
        &self,
        s: &mut TerminalState,
        scratch: &mut TerminalScratch,
        length: Tick,
    ) -> Result<(), TerminalError> {
        let plan = &*self.plan;
        let change = plan.step_bulk(s, scratch)?;
        let closed = s.open.iter().all(|&w| w == 0.0);
        if closed && plan.bulk.near_rest(&s.bulk, NEAR) {
            plan.bulk.to_rest(&mut s.bulk, s.clock);
            s.mode = Mode::Asleep;
            s.currents.fill(0.0);
            s.current = 0.0;
            s.calcium.fill(plan.bulk.resting());
            return Ok(());
        }
        let length = if !closed {
            plan.tail.shortest
        } else if change < SLOW {
            (length * 2).min(plan.tail.longest)
        } else if change > FAST {
            Tick(length.0 / 2).max(plan.tail.shortest)
        } else {
            length
        };
        s.mode = Mode::Tail { due: s.clock + length, length };
        plan.spread(s)
    }

    /// Whether nothing is followed step by step: bulk at rest, all channels and vesicles asleep.
    #[must_use]
    pub fn asleep(&self, state: &TerminalState) -> bool {
        state.mode == Mode::Asleep
            && state.channels.iter().all(|c| c.asleep() as usize == c.len())
            && state.release.sites().awake() == 0
    }

    /// When anything next happens at resting voltage (a jump, an opening, a fusion, a transfer, a step), if before
    /// `until`: until then [`settle`](Self::settle) changes nothing that can be seen. No draw.
    #[must_use]
    pub fn next_event(&self, state: &TerminalState, until: Tick) -> Option<Tick> {
        let own = match state.mode {
            Mode::Driven => Some(state.clock),
            Mode::Tail { due, .. } => Some(due),
            Mode::Asleep => None,
        };
        let channels = state.channels.iter().filter_map(|c| c.next_due(until));
        let vesicles = self.plan.release.next_due(&state.release, until);
        own.into_iter().chain(vesicles).chain(channels).min().filter(|&at| at < until)
    }
}
