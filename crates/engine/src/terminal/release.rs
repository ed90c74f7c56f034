//! Sites and pools together: vesicles dock, wait with a sensor each, fuse at a tick, and come back.
//!
//! Within a slot the sites do not feel the pools, so they run first; their fusions and the pools' transfers then happen in
//! the order of time. A vesicle that docks starts its sensor at rest and runs to the slot's end, and may fuse in the same
//! slot; a site is chosen among the free (or, undocking, the occupied) ones alike. Exact in law for calcium and ports
//! constant within slots.

use super::TerminalError;
use super::pools::{PoolPlan, Pools};
use super::sensor::Sensor;
use super::sites::{Calcium, Fusion, Luck, Sites};
use crate::time::Tick;
use serde::{Deserialize, Serialize};

/// A vesicle went from pool to pool, by fusion or otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// When.
    pub at: Tick,
    /// Pool left.
    pub from: usize,
    /// Pool entered.
    pub to: usize,
    /// The site at which it docked, or had been docked.
    pub site: Option<u32>,
}

/// The release apparatus of one terminal: immutable.
#[derive(Clone, Debug)]
pub struct Release {
    sensor: Sensor,
    pools: PoolPlan,
    luck: Luck,
}

/// Its state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseState {
    sites: Sites,
    pools: Pools,
}

impl ReleaseState {
    /// The sites.
    #[must_use]
    pub fn sites(&self) -> &Sites {
        &self.sites
    }

    /// The pools.
    #[must_use]
    pub fn pools(&self) -> &Pools {
        &self.pools
    }
}

impl Release {
    /// Joins a sensor and pools. `luck.first` is the member of the first site; this terminal uses as many members as it
    /// has sites and one more (the pools').
    #[must_use]
    pub fn new(sensor: Sensor, pools: PoolPlan, luck: Luck) -> Self {
        Self { sensor, pools, luck }
    }

    /// The sensor.
    #[must_use]
    pub fn sensor(&self) -> &Sensor {
        &self.sensor
    }

    /// How many sites.
    #[must_use]
    pub fn sites(&self) -> u32 {
        self.pools.sites()
    }

    /// How many ports a slot needs.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.pools.ports()
    }

    fn pool_luck(&self, luck: Luck) -> (numerics::rng::StreamKey, u64) {
        (luck.key, luck.first + u64::from(self.pools.sites()))
    }

    /// A state at time 0, at rest: `counts` vesicles in each pool, the docked ones in the first sites.
    ///
    /// # Errors
    /// Counts that do not fit the pools.
    pub fn start(&self, counts: &[u32]) -> Result<ReleaseState, TerminalError> {
        self.start_with(self.luck, counts)
    }

    /// The same, with luck of its own.
    pub(super) fn start_with(&self, luck: Luck, counts: &[u32]) -> Result<ReleaseState, TerminalError> {
        let (key, member) = self.pool_luck(luck);
        let pools = Pools::new(&self.pools, key, member, counts)?;
        let docked = counts[self.pools.docked()];
        Ok(ReleaseState { sites: Sites::new(&self.sensor, luck, self.pools.sites(), docked)?, pools })
    }

    /// Advances by `dt`; fusions are appended to `out` in the order of time. `ports` multiply the transfers' rates.
    ///
    /// Cost: one comparison a site, and the events. The same slots give the same bits, also where one is cut in two.
    ///
    /// # Errors
    /// Arguments that do not fit; the state is then untouched or, for calcium, not yet advanced.
    pub fn advance(
        &self,
        state: &mut ReleaseState,
        dt: Tick,
        calcium: Calcium,
        ports: &[f64],
        out: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        self.advance_with(self.luck, state, dt, calcium, ports, (out, &mut Vec::new()))
    }

    /// When the next vesicle jumps, fuses, falls asleep or is moved while calcium and ports stay, if before `until`.
    pub(super) fn next_due(&self, state: &ReleaseState, until: Tick) -> Option<Tick> {
        let dues = [state.sites.next_due(&self.sensor, until), state.pools.next_due(until)];
        dues.into_iter().flatten().min()
    }

    /// As [`advance`](Self::advance), with luck of its own; `shifts`: where vesicles went, in the order of time.
    pub(super) fn advance_with(
        &self,
        luck: Luck,
        state: &mut ReleaseState,
        dt: Tick,
        calcium: Calcium,
        ports: &[f64],
        (out, shifts): (&mut Vec<Fusion>, &mut Vec<Shift>),
    ) -> Result<(), TerminalError> {
        state.pools.fits(&self.pools, ports)?;
        super::length("sites", state.sites.len(), self.pools.sites() as usize)?;
        if state.pools.counts()[self.pools.docked()] != state.sites.occupied() {
            return Err(TerminalError::Scheme("sites and pools of one terminal count the same docked vesicles"));
        }
        let mut now = state.sites.clock();
        let until = now + dt;
        let mut done = out.len();
        state.sites.advance(&self.sensor, luck, dt, calcium, out)?;
        loop {
            let fusion = out.get(done).copied();
            let horizon = fusion.map_or(until, |f| f.at);
            let Some(mut moved) = state.pools.next(&self.pools, ports, self.pool_luck(luck), now, horizon) else {
                let Some(fusion) = fusion else { return Ok(()) };
                state.pools.fuse(&self.pools);
                now = fusion.at;
                let (from, to) = (self.pools.docked(), self.pools.fused());
                shifts.push(Shift { at: now, from, to, site: Some(fusion.site) });
                done += 1;
                continue;
            };
            now = moved.at;
            let docking = moved.to == self.pools.docked();
            let mut shift = Shift { at: now, from: moved.from, to: moved.to, site: None };
            if !docking && moved.from != self.pools.docked() {
                shifts.push(shift);
                continue;
            }
            // Occupied now: by a vesicle that is there still, or fuses only later.
            let occupied = |s: &u32| state.sites.has_vesicle(*s) || out[done..].iter().any(|f| f.site == *s);
            let choice: Vec<u32> = (0..self.pools.sites()).filter(|s| occupied(s) != docking).collect();
            let site = choice[moved.draws.below(choice.len() as u64) as usize];
            shift.site = Some(site);
            shifts.push(shift);
            if docking {
                if let Some(at) = state.sites.dock(&self.sensor, luck, site, now, until, calcium) {
                    let fusion = Fusion { at, site };
                    let place = done + out[done..].partition_point(|f| *f < fusion);
                    out.insert(place, fusion);
                }
            } else {
                // What the site had done after this moment has not happened.
                state.sites.vacate(site);
                if let Some(k) = out[done..].iter().position(|f| f.site == site) {
                    out.remove(done + k);
                }
            }
        }
    }
}
