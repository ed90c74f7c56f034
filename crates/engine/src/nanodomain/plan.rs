//! What a nanodomain is made of, checked and laid out once.

use super::buffers::BufferPlan;
use super::grid::{Cells, Grid};
use super::room::{Chamber, Room, Wall};
use super::sensors::{KindPlan, Sensors};
use super::wells::{Well, Wells, Who};
use crate::single::SchemeError;
use crate::terminal::buffer::Buffer;
use numerics::constants::AVOGADRO;
use thiserror::Error;

/// A nanodomain that cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NanodomainError {
    /// A size or number that makes no sense.
    #[error("sizes and the diffusion coefficient must be positive numbers, calcium at rest not negative")]
    Space,
    /// A grid that makes no sense or is too large.
    #[error(
        "cells need a positive side, a growth from 1 to 4 and a step up to 0.4, and 128 along each axis at most: choose larger ones, or a greater growth"
    )]
    Grid,
    /// A channel, sensor or probe outside.
    #[error("channel {channel} is not on the membrane of the chamber")]
    Channel {
        /// Which.
        channel: usize,
    },
    /// A probe that makes no sense.
    #[error("probe {probe} needs a place within, a positive radius and a positive rate")]
    Probe {
        /// Which.
        probe: usize,
    },
    /// A buffer that is not of one site.
    #[error("buffer {buffer} needs one site, with rates")]
    Buffer {
        /// Which.
        buffer: usize,
    },
    /// Cells in which diffusion could not feed a buffer.
    #[error("buffer {buffer} binds faster than diffusion brings ions to it within a cell: choose larger cells")]
    Fine {
        /// Which.
        buffer: usize,
    },
    /// More than can be numbered.
    #[error("{number:e} {what} are too many")]
    Many {
        /// Of what.
        what: &'static str,
        /// How many.
        number: f64,
    },
    /// A scheme that single ones cannot follow.
    #[error("kind {kind}: {error}")]
    Scheme {
        /// Which.
        kind: usize,
        /// Why.
        error: SchemeError,
    },
    /// A sensor outside, or across a membrane.
    #[error("kind {kind}: member {member} must be within, and all of a kind on the membrane or a radius away from it")]
    Outside {
        /// Which.
        kind: usize,
        /// Which of its members.
        member: usize,
    },
}

/// A ball in which free ions are seen at random times: each at the given rate while it is there. So what is seen within a volume V of
/// it in a time T, over `rate V T`, is the mean concentration there without bias, in ions a um3; seeing changes nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Its middle, um.
    pub at: [f64; 3],
    /// um
    pub radius: f64,
    /// /ms: an ion diffuses through r within `r^2 / 6 D`, so much more than one over that tells little more.
    pub rate: f64,
}

/// What a nanodomain is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The space below the membrane.
    pub chamber: Chamber,
    /// Of free ions, um2/ms.
    pub diffusion: f64,
    /// Free calcium at rest, mM.
    pub resting: f64,
    /// How buffers are resolved; without any, what it is decides nothing but speed.
    pub grid: Grid,
    /// Where channels are, on the membrane, um.
    pub channels: Vec<[f64; 2]>,
    /// Mobile and fixed, each of one site.
    pub buffers: Vec<Buffer>,
    /// Sensors and pumps, by kind.
    pub sensors: Vec<Sensors>,
    /// Where free ions are seen.
    pub probes: Vec<Probe>,
}

/// A sensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub kind: u16,
    pub member: u32,
    pub at: [f64; 3],
}

/// A nanodomain: immutable, shared by any number of trials.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) room: Chamber,
    pub(super) diffusion: f64,
    /// Ions a um3.
    pub(super) resting: f64,
    pub(super) cells: Cells,
    pub(super) channels: Vec<[f64; 2]>,
    pub(super) buffers: Vec<BufferPlan>,
    pub(super) kinds: Vec<KindPlan>,
    pub(super) sites: Vec<Site>,
    pub(super) wells: Wells,
    /// By face: ions that come in, /ms.
    pub(super) arrivals: Vec<f64>,
}

impl Plan {
    /// Checks and lays out.
    ///
    /// # Errors
    /// [`NanodomainError`]
    pub fn new(description: &Description) -> Result<Self, NanodomainError> {
        let Description { chamber: room, diffusion, resting, grid, channels, buffers, sensors, probes } = description;
        let (diffusion, resting) = (*diffusion, *resting);
        let sound = room.is_sound() && diffusion > 0.0 && diffusion.is_finite();
        if !(sound && resting >= 0.0 && resting.is_finite()) {
            return Err(NanodomainError::Space);
        }
        let on_membrane = |at: [f64; 2]| [at[0], at[1], 0.0];
        if let Some(channel) = channels.iter().position(|at| !room.holds(on_membrane(*at))) {
            return Err(NanodomainError::Channel { channel });
        }
        let fits = |p: &Probe| room.holds(p.at) && p.radius > 0.0 && p.rate > 0.0 && (p.radius * p.rate).is_finite();
        if let Some(probe) = probes.iter().position(|p| !fits(p)) {
            return Err(NanodomainError::Probe { probe });
        }
        let places = sensors.iter().flat_map(|k| &k.places).copied();
        let fine = around(places.chain(channels.iter().map(|c| on_membrane(*c))).chain(probes.iter().map(|p| p.at)));
        let cells = Cells::new(room.bounds(), fine.unwrap_or([[0.0; 3]; 2]), grid)?;
        let buffer = |(k, b): (usize, &Buffer)| BufferPlan::new(k, b, &cells, grid, (diffusion, resting));
        let made: Vec<BufferPlan> = buffers.iter().enumerate().map(buffer).collect::<Result<_, _>>()?;
        let kind = |(k, s): (usize, &Sensors)| KindPlan::new(k, s, room, diffusion, resting);
        let kinds: Vec<KindPlan> = sensors.iter().enumerate().map(kind).collect::<Result<_, _>>()?;
        let members: usize = sensors.iter().map(|k| k.places.len()).sum();
        if sensors.len().max(buffers.len()) > usize::from(u16::MAX) || members.max(channels.len()) > u32::MAX as usize {
            return Err(NanodomainError::Many { what: "sensors", number: members as f64 });
        }
        let mut sites = Vec::with_capacity(members);
        for (kind, own) in sensors.iter().enumerate() {
            let site = |(member, at): (usize, &[f64; 3])| Site { kind: kind as u16, member: member as u32, at: *at };
            sites.extend(own.places.iter().enumerate().map(site));
        }
        let mut wells = Vec::new();
        for (k, site) in sites.iter().enumerate() {
            let own = &kinds[usize::from(site.kind)];
            if own.most > 0.0 {
                wells.push(Well::new(site.at, own.radius, own.most, diffusion, Who::Site(k as u32)));
            }
        }
        for (k, p) in probes.iter().enumerate() {
            wells.push(Well::new(p.at, p.radius, p.rate, diffusion, Who::Probe(k as u32)));
        }
        let arrivals = (0..room.faces()).map(|face| {
            let (area, depth) = room.inlet(face);
            resting * AVOGADRO * area * diffusion / depth
        });
        Ok(Self {
            room: *room,
            diffusion,
            resting: resting * AVOGADRO,
            arrivals: arrivals.collect(),
            channels: channels.clone(),
            buffers: made,
            kinds,
            sites,
            wells: Wells::new(wells, &cells),
            cells,
        })
    }

    /// The space.
    #[must_use]
    pub fn chamber(&self) -> &Chamber {
        &self.room
    }

    /// Cells along x, y and z.
    #[must_use]
    pub fn cells(&self) -> [usize; 3] {
        self.cells.n
    }

    /// Molecules of a buffer, free and bound.
    #[must_use]
    pub fn molecules(&self, buffer: usize) -> u64 {
        self.buffers[buffer].total
    }

    /// Whether ions may leave.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.room.sides == Wall::Held || self.room.top == Wall::Held
    }
}

/// The smallest box around places.
fn around(places: impl Iterator<Item = [f64; 3]>) -> Option<[[f64; 3]; 2]> {
    places.fold(None, |all, at| {
        let [low, high] = all.unwrap_or([at, at]);
        Some([[0, 1, 2].map(|k| low[k].min(at[k])), [0, 1, 2].map(|k| high[k].max(at[k]))])
    })
}
