//! The sending side of a synapse as one organ: what it is made of.
//!
//! Channels (each followed by itself) -> calcium at each site, bulk and superposed domains -> sensors and pools -> fusions;
//! influx -> bulk. Voltage and GHK are the caller's: rates and unit currents come in slot by slot ([`SlotDrive`]).
//! Limits: the limits of [`Domain`](super::domain::Domain) (a steady state in each slot); one volume.
//!
//! [`SlotDrive`]: super::SlotDrive

use super::bulk::Bulk;
use super::domain::{Domain, Topography};
use super::pools::PoolPlan;
use super::release::Release;
use super::sensor::Sensor;
use super::{TerminalError, length, positive};
use crate::ensemble::{Drive, EnsembleError, IndividualsPlan, Luck};
use crate::mechanism::Kinetics;
use crate::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use std::sync::Arc;

/// Channels of one kind.
#[derive(Clone, Debug)]
pub struct ChannelKind {
    /// Their scheme; whatever ligands it has, the caller multiplies into the rates.
    pub kinetics: Kinetics,
    /// How open each state is, 0 to 1.
    pub open: Vec<f64>,
    /// States that keep a channel awake where shut ones would not forget at rest: blocked, with no way back to them.
    pub awake: Vec<usize>,
    /// Where they are, um.
    pub positions: Vec<[f64; 2]>,
    /// Rates of the transitions at resting voltage, /ms.
    pub resting_rates: Vec<f64>,
    /// Current of a fully open channel at resting voltage, pA, inward positive.
    pub resting_current: f64,
}

/// A port of the pools that follows bulk calcium c: `c / (c + k_m)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Port {
    /// mM.
    pub k_m: f64,
}

/// Steps of bulk calcium at resting voltage: the shortest after an action potential or an opening, doubled while calcium
/// moves by less than 1 % a step, halved above 3 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Such as 0.1 ms.
    pub shortest: Tick,
    /// Such as 1 ms.
    pub longest: Tick,
}

/// What a terminal is made of.
#[derive(Clone, Debug)]
pub struct TerminalDescription {
    /// Positions of the release sites, um; as many as the pools have places docked.
    pub sites: Vec<[f64; 2]>,
    /// Channels, by kind.
    pub channels: Vec<ChannelKind>,
    /// The medium below the membrane.
    pub domain: Domain,
    /// The volume.
    pub bulk: Bulk,
    /// Bulk calcium is stepped once in so many driven slots.
    pub bulk_slots: u32,
    /// Its steps at resting voltage.
    pub tail: Tail,
    /// The sensor of every vesicle, at the bulk's resting calcium.
    pub sensor: Sensor,
    /// Pools and transfers.
    pub pools: PoolPlan,
    /// The pools' ports, one each.
    pub ports: Vec<Port>,
    /// Vesicles in each pool at time 0.
    pub vesicles: Vec<u32>,
}

pub(super) struct Kind {
    pub plan: IndividualsPlan,
    /// One a state.
    pub open: Vec<f64>,
    pub count: usize,
    pub rates: Vec<f64>,
    /// pA.
    pub current: f64,
}

impl Kind {
    /// How open a state is; asleep: not at all.
    #[inline]
    pub fn weight(&self, state: u8) -> f64 {
        self.open.get(usize::from(state)).copied().unwrap_or(0.0)
    }

    /// The drive at rest.
    pub fn rest(&self) -> Drive<'_> {
        Drive { rates: &self.rates, ligand: &[] }
    }
}

pub(super) struct Plan {
    pub kinds: Vec<Kind>,
    pub channels: usize,
    pub map: Topography,
    pub bulk: Bulk,
    pub bulk_slots: u32,
    pub tail: Tail,
    pub release: Release,
    pub ports: Vec<Port>,
    pub vesicles: Vec<u32>,
    pub level: Level,
}

/// A terminal, ready to run: immutable, shared, cheap to clone.
#[derive(Clone)]
pub struct Terminal {
    pub(super) plan: Arc<Plan>,
    pub(super) key: StreamKey,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("channels", &self.plan.channels)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Terminal {
    /// Checks and joins the parts. `key`: of the luck of its terminals.
    ///
    /// # Errors
    /// Lists that do not fit each other; weights outside 0 to 1; a channel that is never or always open, or never forgets
    /// at rest; a sensor that rests at other calcium than the bulk; numbers out of range.
    pub fn new(description: TerminalDescription, key: StreamKey) -> Result<Self, TerminalError> {
        let TerminalDescription { sites, channels, domain, bulk, bulk_slots, tail, sensor, pools, ports, vesicles } =
            description;
        length("release sites", sites.len(), pools.sites() as usize)?;
        length("ports", ports.len(), pools.ports())?;
        for port in &ports {
            positive("the k_m of a port (mM)", port.k_m)?;
        }
        if sensor.resting().to_bits() != bulk.resting().to_bits() {
            let (what, value) = ("calcium at rest of the sensor (mM)", sensor.resting());
            return Err(TerminalError::Value { what, value, must: "that of the bulk" });
        }
        if bulk_slots == 0 {
            return Err(TerminalError::Value { what: "slots a bulk step", value: 0.0, must: "at least 1" });
        }
        positive("the shortest step of the tail (ms)", tail.shortest.ms())?;
        if tail.longest < tail.shortest {
            let (what, value) = ("the longest step of the tail (ms)", tail.longest.ms());
            return Err(TerminalError::Value { what, value, must: "at least the shortest" });
        }
        let mut kinds = Vec::with_capacity(channels.len());
        let mut positions = Vec::new();
        for kind in channels {
            length("weights of a channel's states", kind.open.len(), kind.kinetics.states())?;
            if let Some(&value) = kind.open.iter().find(|w| !(0.0..=1.0).contains(*w)) {
                return Err(TerminalError::Value { what: "how open a state is", value, must: "from 0 to 1" });
            }
            if !kind.resting_current.is_finite() {
                let (what, value) = ("the resting current of a channel (pA)", kind.resting_current);
                return Err(TerminalError::Value { what, value, must: "finite" });
            }
            let mut active: Vec<usize> = (0..kind.open.len()).filter(|&s| kind.open[s] > 0.0).collect();
            // The ligands are in the rates.
            let drive = Drive { rates: &kind.resting_rates, ligand: &[] };
            let plan = match IndividualsPlan::folded(&kind.kinetics).with_rest(drive, &active) {
                Err(EnsembleError::Rest) if !kind.awake.is_empty() => {
                    active.extend(kind.awake.iter().filter(|s| kind.open[**s] == 0.0));
                    IndividualsPlan::folded(&kind.kinetics).with_rest(drive, &active)
                }
                made => made,
            }?;
            let (open, count, current) = (kind.open, kind.positions.len(), kind.resting_current);
            positions.extend(kind.positions);
            kinds.push(Kind { plan, open, count, rates: kind.resting_rates, current });
        }
        let map = Topography::new(&domain, &sites, &positions)?;
        let release = Release::new(sensor, pools, Luck { key, first: 0 });
        let (channels, level) = (positions.len(), Level::best());
        let plan = Plan { kinds, channels, map, bulk, bulk_slots, tail, release, ports, vesicles, level };
        let terminal = Self { plan: Arc::new(plan), key };
        terminal.start(0)?;
        Ok(terminal)
    }

    /// The same terminal with other luck: another trial, or another population.
    #[must_use]
    pub fn with_key(&self, key: StreamKey) -> Self {
        Self { plan: Arc::clone(&self.plan), key }
    }

    /// How many members of luck one terminal uses.
    #[must_use]
    pub fn members(&self) -> u64 {
        u64::from(self.plan.release.sites()) + 1 + self.plan.channels as u64
    }

    /// How many release sites.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.plan.release.sites() as usize
    }

    /// How many kinds of channels.
    #[must_use]
    pub fn kinds(&self) -> usize {
        self.plan.kinds.len()
    }

    /// How often a channel opens at rest, all channels, /ms.
    #[must_use]
    pub fn openings(&self) -> f64 {
        self.plan.kinds.iter().map(|k| k.count as f64 * k.plan.quiet().map_or(0.0, |q| q.rate)).sum()
    }

    /// The sensor.
    #[must_use]
    pub fn sensor(&self) -> &Sensor {
        self.plan.release.sensor()
    }

    /// The volume.
    #[must_use]
    pub fn bulk(&self) -> &Bulk {
        &self.plan.bulk
    }
}
