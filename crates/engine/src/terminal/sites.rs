//! Docked vesicles as jumps: each has its own sensor and calcium, and fuses at a tick.
//!
//! **Exact for calcium constant within a slot.** A vesicle waits until the integral of its exit rate over all slots has
//! spent a unit exponential (so rates are never frozen between events, D-30), and jumps at that tick *within* the slot,
//! rounded down to a picosecond. Cost: one comparison a vesicle and slot, one draw a jump. At rest a vesicle sleeps after
//! [`Sensor::settling`]: one waiting time, until calcium moves and its state is drawn from the law at rest.
//! Luck has the address (vesicle's site, ordinal of that site's event).

use super::sensor::Sensor;
use super::{TerminalError, length, nonnegative};
use crate::alarm::Alarm;
pub use crate::ensemble::Luck;
use crate::time::Tick;
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// Ordinals kept for the events of a site between two vesicles that are taken from it.
const BETWEEN: u64 = 1 << 24;
const EMPTY: u8 = u8::MAX;
const ASLEEP: u8 = u8::MAX - 1;

/// A vesicle fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fusion {
    /// When, to the tick.
    pub at: Tick,
    /// At which site.
    pub site: u32,
}

/// Calcium over a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calcium<'a> {
    /// At its resting value everywhere, for as long as the slot is.
    Resting,
    /// mM at each site, constant over the slot.
    Sites(&'a [f64]),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Site {
    state: u8,
    /// Of its next event.
    ordinal: u64,
    alarm: Alarm,
}

/// Release sites, each with a vesicle or none: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sites {
    clock: Tick,
    /// Since when calcium has been at rest.
    calm: Option<Tick>,
    list: Vec<Site>,
}

/// One slot for one site.
struct Slot<'a> {
    sensor: &'a Sensor,
    key: StreamKey,
    member: u64,
    until: Tick,
    calcium: f64,
    /// When the vesicle, at rest, has forgotten where it was.
    sleep: Option<Tick>,
}

impl Site {
    fn uniform_and_budget(&mut self, slot: &Slot) -> (f64, f64) {
        let mut draws = slot.key.at(slot.member, self.ordinal);
        self.ordinal += 1;
        (draws.uniform(), draws.exponential())
    }

    /// A vesicle with the law at rest.
    fn begin(&mut self, slot: &Slot, now: Tick) {
        let (u, budget) = self.uniform_and_budget(slot);
        if slot.sleep.is_some() {
            self.state = ASLEEP;
            self.alarm = Alarm::new(budget, slot.sensor.spontaneous_rate(), now);
        } else {
            let state = slot.sensor.drawn(u);
            self.state = state as u8;
            self.alarm = Alarm::new(budget, slot.sensor.exit(state, slot.calcium), now);
        }
    }

    /// From `now` to the end of the slot; when it fused, if it did.
    #[inline]
    fn run(&mut self, slot: &Slot, mut now: Tick) -> Option<Tick> {
        if self.state == EMPTY {
            return None;
        }
        if self.state == ASLEEP && slot.sleep.is_none() {
            self.begin(slot, now);
        }
        while self.state != ASLEEP {
            let state = usize::from(self.state);
            self.alarm.turn(now, slot.sensor.exit(state, slot.calcium));
            let stop = slot.sleep.map_or(slot.until, |sleep| sleep.min(slot.until));
            let Some(at) = self.alarm.due(stop) else {
                if slot.sleep.is_none_or(|sleep| sleep > slot.until) {
                    return None;
                }
                self.begin(slot, stop.max(now));
                break;
            };
            let (u, budget) = self.uniform_and_budget(slot);
            let step = slot.sensor.chosen(state, slot.calcium, u);
            if step.fuses {
                self.state = EMPTY;
                return Some(at);
            }
            self.state = step.to as u8;
            self.alarm = Alarm::new(budget, slot.sensor.exit(step.to, slot.calcium), at);
            now = at;
        }
        let at = self.alarm.due(slot.until)?;
        self.state = EMPTY;
        Some(at)
    }
}

impl Sites {
    /// `sites` sites at time 0, the first `occupied` of them with a vesicle at rest.
    ///
    /// # Errors
    /// More vesicles than sites.
    pub fn new(sensor: &Sensor, luck: Luck, sites: u32, occupied: u32) -> Result<Self, TerminalError> {
        if occupied > sites {
            let must = "at most the number of sites";
            return Err(TerminalError::Value { what: "docked vesicles", value: f64::from(occupied), must });
        }
        let empty = Site { state: EMPTY, ordinal: 0, alarm: Alarm::new(0.0, 0.0, Tick::ZERO) };
        let mut all = Self { clock: Tick::ZERO, calm: Some(Tick::ZERO), list: vec![empty; sites as usize] };
        for site in 0..occupied {
            all.dock(sensor, luck, site, Tick::ZERO, Tick::ZERO, Calcium::Resting);
        }
        Ok(all)
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// How many sites.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no site.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many sites have a vesicle.
    #[must_use]
    pub fn occupied(&self) -> u32 {
        self.list.iter().filter(|s| s.state != EMPTY).count() as u32
    }

    /// Whether a site has a vesicle. Panics out of range.
    #[must_use]
    pub fn has_vesicle(&self, site: u32) -> bool {
        self.list[site as usize].state != EMPTY
    }

    /// When the next vesicle fuses if calcium stays at rest until `until`; `None` also while a vesicle is not yet asleep
    /// (then step). Costs no draw.
    #[must_use]
    pub fn next_spontaneous(&self, until: Tick) -> Option<Fusion> {
        let due = |(site, s): (usize, &Site)| s.alarm.due(until).map(|at| Fusion { at, site: site as u32 });
        if self.list.iter().any(|s| s.state != ASLEEP && s.state != EMPTY) {
            return None;
        }
        self.list.iter().enumerate().filter(|(_, s)| s.state == ASLEEP).filter_map(due).min()
    }

    fn slot<'a>(&self, sensor: &'a Sensor, luck: Luck, until: Tick, calcium: Calcium, site: usize) -> Slot<'a> {
        let (calcium, sleep) = match calcium {
            Calcium::Resting => (sensor.resting(), Some(self.calm.unwrap_or(self.clock) + sensor.settling())),
            Calcium::Sites(c) => (c[site], None),
        };
        Slot { sensor, key: luck.key, member: luck.first + site as u64, until, calcium, sleep }
    }

    /// Advances all by `dt`; fusions are appended to `out` in the order of time, then site.
    ///
    /// The same slots give the same bits, also across a save and load; a slot cut in two at the same calcium does, too.
    ///
    /// # Errors
    /// A negative slot; calcium that is not one finite, nonnegative number a site; sites of another sensor.
    pub fn advance(
        &mut self,
        sensor: &Sensor,
        luck: Luck,
        dt: Tick,
        calcium: Calcium,
        out: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        let start = out.len();
        let until = self.open(sensor, dt, calcium)?;
        for site in 0..self.list.len() {
            let slot = self.slot(sensor, luck, until, calcium, site);
            let fused = self.list[site].run(&slot, self.clock);
            out.extend(fused.map(|at| Fusion { at, site: site as u32 }));
        }
        out[start..].sort_unstable();
        self.clock = until;
        Ok(())
    }

    /// Checks a slot and begins it; its end.
    fn open(&mut self, sensor: &Sensor, dt: Tick, calcium: Calcium) -> Result<Tick, TerminalError> {
        nonnegative("a slot (ms)", dt.ms())?;
        if self.list.iter().any(|s| s.state < ASLEEP && usize::from(s.state) >= sensor.states()) {
            return Err(TerminalError::Scheme("these sites belong to another sensor"));
        }
        match calcium {
            Calcium::Sites(c) => {
                length("calcium concentrations", c.len(), self.list.len())?;
                for &c in c {
                    nonnegative("calcium at a site (mM)", c)?;
                }
                self.calm = None;
            }
            Calcium::Resting => self.calm = Some(self.calm.unwrap_or(self.clock)),
        }
        Ok(self.clock + dt)
    }

    /// Puts a vesicle, its sensor at rest, into an empty site at `now`, and runs it to `until`; when it fused, if so.
    pub(super) fn dock(
        &mut self,
        sensor: &Sensor,
        luck: Luck,
        site: u32,
        now: Tick,
        until: Tick,
        calcium: Calcium,
    ) -> Option<Tick> {
        let slot = self.slot(sensor, luck, until, calcium, site as usize);
        let site = &mut self.list[site as usize];
        site.begin(&slot, now);
        site.run(&slot, now)
    }

    /// Takes the vesicle out of a site.
    pub(super) fn vacate(&mut self, site: u32) {
        let site = &mut self.list[site as usize];
        // The site had been run to the slot's end, beyond this moment: the luck spent there must not show.
        let ordinal = (site.ordinal / BETWEEN + 1) * BETWEEN;
        *site = Site { state: EMPTY, ordinal, alarm: Alarm::new(0.0, 0.0, Tick::ZERO) };
    }

    /// How many vesicles are followed step by step.
    #[must_use]
    pub fn awake(&self) -> u32 {
        self.list.iter().filter(|s| s.state < ASLEEP).count() as u32
    }

    /// When the next vesicle jumps, fuses or falls asleep while calcium stays, if before `until`. No draw.
    pub(super) fn next_due(&self, sensor: &Sensor, until: Tick) -> Option<Tick> {
        let sleep =
            self.calm.filter(|_| self.awake() > 0).map(|calm| calm + sensor.settling()).filter(|&at| at < until);
        self.list.iter().filter(|s| s.state != EMPTY).filter_map(|s| s.alarm.due(until)).chain(sleep).min()
    }
}
