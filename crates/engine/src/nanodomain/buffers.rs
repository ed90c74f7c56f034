//! Buffers as fields on the grid, and what a pair in a cell does.

use super::grid::{Cells, Grid, Mixing};
use super::plan::NanodomainError;
use crate::terminal::buffer::Buffer;
use numerics::constants::AVOGADRO;
use numerics::math;
use std::f64::consts::PI;

/// Mean of one over the distance of two points of a unit cube.
const CUBE: f64 = 1.882_312_645;

/// More than so many molecules above its share are not expected in the cell where the rate of meetings is greatest.
const MORE: f64 = 3.0;

/// A buffer made ready.
#[derive(Clone, Debug)]
pub(super) struct BufferPlan {
    /// Molecules in the room.
    pub total: u64,
    pub diffusion: f64,
    /// Share of it bound at rest.
    pub bound_at_rest: f64,
    /// By cell: how fast an ion and one molecule in it bind, /ms.
    pub pair: Vec<f64>,
    /// The greatest rate at which a pair comes apart, /ms, and by cell which share of that it is.
    pub apart: f64,
    pub share: Vec<f64>,
    /// One step of the field, and how long it is, ms; of mobile ones.
    pub mixing: Option<(Mixing, f64)>,
}

impl BufferPlan {
    /// In the far field a sink that is even over a cell and takes J lowers what it sees by `J <1 / r> / (4 pi D)`: so `k` there is
    /// `k / (1 - k CUBE / (4 pi D side))` within, of the first order in that.
    pub fn new(
        number: usize,
        buffer: &Buffer,
        cells: &Cells,
        grid: &Grid,
        (diffusion, resting): (f64, f64),
    ) -> Result<Self, NanodomainError> {
        let (k_on, k_off) = buffer.as_one_site().ok_or(NanodomainError::Buffer { buffer: number })?;
        let volume: f64 = cells.volume.iter().sum();
        let (far, both) = (k_on / AVOGADRO, diffusion + buffer.mobility());
        let (mut pair, mut apart, mut most) = (Vec::new(), Vec::new(), 0.0_f64);
        for v in &cells.volume {
            let seen = 1.0 - far * CUBE / (4.0 * PI * both * math::exp(math::ln(*v) / 3.0));
            if seen < 0.5 {
                return Err(NanodomainError::Fine { buffer: number });
            }
            pair.push(far / (seen * v));
            apart.push(k_off / seen);
            most = most.max(k_off / seen);
        }
        let mixing = if buffer.mobility() > 0.0 {
            let time = grid.step * grid.cell * grid.cell / buffer.mobility();
            Some((Mixing::new(cells, buffer.mobility(), time), time))
        } else {
            None
        };
        let total = buffer.concentration() * AVOGADRO * volume;
        if total > 4e15 || mixing.is_none() && total > 4e9 {
            return Err(NanodomainError::Many { what: "molecules of a buffer", number: total });
        }
        Ok(Self {
            total: total.round() as u64,
            diffusion: buffer.mobility(),
            bound_at_rest: resting * k_on / (resting * k_on + k_off),
            pair,
            share: apart.iter().map(|a| a / most).collect(),
            apart: most,
            mixing,
        })
    }

    /// Scales a field, and gives what no cell's rate of meetings, /ms, is likely to exceed until it moves.
    #[inline(always)]
    pub fn bound(&self, field: &mut [f64], scale: f64) -> f64 {
        let mut most = 0.0_f64;
        for (n, pair) in field.iter_mut().zip(&self.pair) {
            *n *= scale;
            let rate = (*n + MORE) * pair;
            most = if rate > most { rate } else { most };
        }
        most
    }
}
