//! Whole vesicles in pools (docked, replacement, recycling, reserve, fused membrane, ...) and the ways between them.
//!
//! Each transition's propensity is `k port n_from` (per vesicle) or `k port free_to` (per free place, while there is a
//! vesicle to take), 0 where the target is full. Exact: one jump at a time, the waiting time by time-rescaling, so that a
//! port that changes from slot to slot (calcium-dependent priming) is exact, too. No vesicle is ever made or lost.
//! Gillespie (1977) J Phys Chem 81:2340. Fusion comes from the sites, not from here.

use super::{TerminalError, length, nonnegative};
use crate::alarm::Alarm;
use crate::time::Tick;
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PoolIndex(pub u16);

/// What a transition's rate is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Vesicles in the pool left.
    Vesicle,
    /// Free places of the pool entered, which has a capacity: recovery of sites.
    FreePlace,
}

/// A way from pool to pool.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// Pool left.
    pub from: PoolIndex,
    /// Pool entered.
    pub to: PoolIndex,
    /// /ms.
    pub rate: f64,
    /// What it counts for.
    pub per: Per,
    /// Port that multiplies the rate, if any: an index into the ports given with each slot.
    pub port: Option<u16>,
}

/// The pools of a terminal, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolPlan {
    capacities: Vec<Option<u32>>,
    docked: usize,
    fused: usize,
    transfers: Vec<Transfer>,
    ports: usize,
}

impl PoolPlan {
    /// `capacities`: one a pool, `None` for no limit; that of `docked` is the number of sites. A vesicle that fuses goes
    /// from `docked` to `fused`, which has no limit.
    ///
    /// # Errors
    /// A pool that is not there, a transfer from a pool to itself, a rate that is none, places counted where there is no
    /// limit, docked without limit or fused with one.
    pub fn new(
        capacities: &[Option<u32>],
        docked: PoolIndex,
        fused: PoolIndex,
        transfers: &[Transfer],
    ) -> Result<Self, TerminalError> {
        let place = |p: PoolIndex| {
            let what = "the index of a pool";
            let must = "that of a pool which is there";
            let known = usize::from(p.0) < capacities.len();
            if known { Ok(usize::from(p.0)) } else { Err(TerminalError::Value { what, value: f64::from(p.0), must }) }
        };
        let (docked, fused) = (place(docked)?, place(fused)?);
        if capacities[docked].is_none() || capacities[fused].is_some() || docked == fused {
            return Err(TerminalError::Scheme("docked vesicles have a number of places, fused ones have no limit"));
        }
        for t in transfers {
            nonnegative("the rate of a transfer (/ms)", t.rate)?;
            let (from, to) = (place(t.from)?, place(t.to)?);
            if from == to || (t.per == Per::FreePlace && capacities[to].is_none()) {
                return Err(TerminalError::Scheme(
                    "a transfer leads elsewhere, and counts places where they are limited",
                ));
            }
        }
        let ports = transfers.iter().filter_map(|t| t.port).max().map_or(0, |p| usize::from(p) + 1);
        Ok(Self { capacities: capacities.to_vec(), docked, fused, transfers: transfers.to_vec(), ports })
    }

    /// How many release sites.
    #[must_use]
    pub fn sites(&self) -> u32 {
        self.capacities[self.docked].unwrap_or(0)
    }

    /// How many ports a slot needs.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.ports
    }

    pub(super) fn docked(&self) -> usize {
        self.docked
    }

    pub(super) fn fused(&self) -> usize {
        self.fused
    }

    fn propensity(&self, t: &Transfer, counts: &[u32], ports: &[f64]) -> f64 {
        let (from, to) = (usize::from(t.from.0), usize::from(t.to.0));
        let free = self.capacities[to].map(|c| c.saturating_sub(counts[to]));
        if counts[from] == 0 || free == Some(0) {
            return 0.0;
        }
        let number = match t.per {
            Per::Vesicle => counts[from],
            Per::FreePlace => free.unwrap_or(0),
        };
        t.rate * t.port.map_or(1.0, |p| ports[usize::from(p)]) * f64::from(number)
    }
}

/// How many vesicles are where: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pools {
    counts: Vec<u32>,
    ordinal: u64,
    alarm: Alarm,
}

/// A transfer that happened, with luck left to choose a site.
pub(super) struct Moved {
    pub at: Tick,
    pub from: usize,
    pub to: usize,
    pub draws: numerics::rng::Draws,
}

impl Pools {
    /// `counts`: vesicles in each pool at time 0.
    ///
    /// # Errors
    /// Not one a pool; more than a pool holds; 2^32 or more in all.
    pub fn new(plan: &PoolPlan, key: StreamKey, member: u64, counts: &[u32]) -> Result<Self, TerminalError> {
        length("counts of vesicles", counts.len(), plan.capacities.len())?;
        for (&count, capacity) in counts.iter().zip(&plan.capacities) {
            if capacity.is_some_and(|c| count > c) {
                let must = "at most what the pool holds";
                return Err(TerminalError::Value { what: "a count of vesicles", value: f64::from(count), must });
            }
        }
        let total: u64 = counts.iter().map(|&c| u64::from(c)).sum();
        if total > u64::from(u32::MAX) {
            return Err(TerminalError::Value { what: "all vesicles", value: total as f64, must: "below 2^32" });
        }
        let alarm = Alarm::new(key.at(member, 0).exponential(), 0.0, Tick::ZERO);
        Ok(Self { counts: counts.to_vec(), ordinal: 1, alarm })
    }

    /// Vesicles in each pool.
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Vesicles in all: never changes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|&c| u64::from(c)).sum()
    }

    /// When the next transfer is due while ports and counts stay, if before `until`. No draw.
    pub(super) fn next_due(&self, until: Tick) -> Option<Tick> {
        self.alarm.due(until)
    }

    pub(super) fn fits(&self, plan: &PoolPlan, ports: &[f64]) -> Result<(), TerminalError> {
        length("pools", self.counts.len(), plan.capacities.len())?;
        length("ports", ports.len(), plan.ports)?;
        for &p in ports {
            nonnegative("a port of the pools", p)?;
        }
        Ok(())
    }

    /// A docked vesicle fused.
    pub(super) fn fuse(&mut self, plan: &PoolPlan) {
        self.counts[plan.docked] -= 1;
        self.counts[plan.fused] += 1;
    }

    /// The next transfer after `now` and before `until`, made.
    pub(super) fn next(
        &mut self,
        plan: &PoolPlan,
        ports: &[f64],
        (key, member): (StreamKey, u64),
        now: Tick,
        until: Tick,
    ) -> Option<Moved> {
        let total = plan.transfers.iter().fold(0.0, |sum, t| sum + plan.propensity(t, &self.counts, ports));
        self.alarm.turn(now, total);
        let at = self.alarm.due(until)?;
        let mut draws = key.at(member, self.ordinal);
        self.ordinal += 1;
        let goal = draws.uniform() * total;
        let (mut sum, mut chosen) = (0.0, None);
        for t in &plan.transfers {
            let a = plan.propensity(t, &self.counts, ports);
            if a > 0.0 {
                sum += a;
                chosen = Some(t);
                if sum > goal {
                    break;
                }
            }
        }
        let t = chosen?;
        let (from, to) = (usize::from(t.from.0), usize::from(t.to.0));
        self.counts[from] -= 1;
        self.counts[to] += 1;
        let budget = draws.exponential();
        // The rate after the move is set by the next call, at the tick of this one.
        self.alarm = Alarm::new(budget, 0.0, at);
        Some(Moved { at, from, to, draws })
    }
}
