//! Calcium around one channel, or one dense cluster, by full reaction and diffusion: the reference of [`domain`].
//!
//! Half-shells on a reflecting membrane, graded; the current enters the innermost one at its stated inner radius, so no
//! mass is smeared over a voxel (D-20). Links are those of the steady field, `2 pi D / (1/r_a - 1/r_b)`, so that the
//! field of a point source without buffer is exact at every node whatever the grading; with buffers order 2 in the
//! grading. Buffers: any scheme or one site, mobile or fixed, non-linear. Limit: one source; spherical symmetry.
//!
//! [`domain`]: super::domain

use super::buffer::Buffer;
use super::column::{Column, Scratch};
use super::{TerminalError, positive};
use crate::time::Tick;
use numerics::{constants::FARADAY, math};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// What is beyond the outermost shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// A medium without end and without reaction, at rest far away.
    Open,
    /// Nothing gets through.
    Sealed,
}

/// The grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Radius at which the current enters, um: 1 nm, say, for a point source.
    pub inner: f64,
    /// Outermost radius, um.
    pub outer: f64,
    /// How many shells, their edges in a geometric row.
    pub shells: usize,
    /// What is beyond.
    pub outside: Outside,
}

/// The medium around a channel. Immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Shells {
    column: Column,
    /// um.
    nodes: Vec<f64>,
    resting: f64,
}

/// Its state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShellsState {
    clock: Tick,
    values: Vec<f64>,
    lost: f64,
}

impl ShellsState {
    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Calcium that left through the outer end, amol.
    #[must_use]
    pub fn lost(&self) -> f64 {
        self.lost
    }
}

impl Shells {
    /// `diffusion` of free calcium um2/ms, `resting` mM.
    ///
    /// # Errors
    /// A grid without extent or with fewer than 2 or more than 100,000 shells; numbers out of range; instant buffers.
    pub fn new(grid: Grid, diffusion: f64, resting: f64, buffers: &[Buffer]) -> Result<Self, TerminalError> {
        let inner = positive("the inner radius (um)", grid.inner)?;
        if !(grid.outer > inner && grid.outer.is_finite()) {
            return Err(TerminalError::Value {
                what: "the outer radius (um)",
                value: grid.outer,
                must: "beyond the inner",
            });
        }
        if !(2..=100_000).contains(&grid.shells) {
            let must = "from 2 to 100,000";
            return Err(TerminalError::Value { what: "the number of shells", value: grid.shells as f64, must });
        }
        if buffers.iter().any(|b| b.instant.is_some()) {
            return Err(TerminalError::Scheme("a buffer that diffuses needs its rates, not its equilibrium alone"));
        }
        positive("the diffusion of calcium (um2/ms)", diffusion)?;
        let n = grid.shells;
        let ratio = math::ln(grid.outer / inner) / n as f64;
        let edge = |k: f64| inner * math::exp(ratio * k);
        let cube = |r: f64| r * r * r;
        let volume = |k: usize| 2.0 / 3.0 * PI * (cube(edge(k as f64 + 1.0)) - cube(edge(k as f64)));
        let volumes: Vec<f64> = (0..n).map(volume).collect();
        let nodes: Vec<f64> = (0..n).map(|k| edge(k as f64 + 0.5)).collect();
        let mut links: Vec<f64> = nodes.windows(2).map(|r| 2.0 * PI / (1.0 / r[0] - 1.0 / r[1])).collect();
        links.push(if grid.outside == Outside::Open { 2.0 * PI * nodes[n - 1] } else { 0.0 });
        Ok(Self { column: Column::new(volumes, links, (diffusion, resting), buffers, &[])?, nodes, resting })
    }

    /// At rest, buffers in equilibrium, time 0.
    #[must_use]
    pub fn start(&self) -> ShellsState {
        ShellsState { clock: Tick::ZERO, values: self.column.start(), lost: 0.0 }
    }

    /// One implicit step of `dt` with `current` pA inward. Order 2 in time. Cost: shells times (1 + buffer states) cubed.
    ///
    /// # Errors
    /// As [`Bulk::advance`](super::bulk::Bulk::advance).
    pub fn advance(
        &self,
        state: &mut ShellsState,
        dt: Tick,
        current: f64,
        scratch: &mut Scratch,
    ) -> Result<(), TerminalError> {
        positive("a step (ms)", dt.ms())?;
        if !current.is_finite() {
            return Err(TerminalError::Value { what: "the current (pA)", value: current, must: "finite" });
        }
        super::length("unknowns", state.values.len(), self.column.width() * self.nodes.len())?;
        let influx = current / (2.0 * FARADAY);
        state.lost += self.column.step(&mut state.values, dt.ms(), influx, state.clock, scratch)?;
        state.clock += dt;
        Ok(())
    }

    /// Lets the field settle under a constant `current` (pA): steps of 1 ns, doubled to 500 s. For [`Outside::Open`].
    ///
    /// # Errors
    /// As [`advance`](Self::advance).
    pub fn settle(&self, state: &mut ShellsState, current: f64, scratch: &mut Scratch) -> Result<(), TerminalError> {
        for k in 0..40 {
            self.advance(state, Tick(1000 << k), current, scratch)?;
        }
        Ok(())
    }

    /// Free calcium in mM at `radius` um, between nodes by a rule exact for a + b/r; beyond the grid, that rule.
    #[must_use]
    pub fn calcium(&self, state: &ShellsState, radius: f64) -> f64 {
        let m = self.column.width();
        let above = self.nodes.partition_point(|&r| r < radius).clamp(1, self.nodes.len() - 1);
        let (a, b) = (above - 1, above);
        // (c - rest) r is linear in r for a + b/r.
        let scaled = |k: usize| (state.values[k * m] - self.resting) * self.nodes[k];
        let share = (radius - self.nodes[a]) / (self.nodes[b] - self.nodes[a]);
        self.resting + share.mul_add(scaled(b) - scaled(a), scaled(a)) / radius
    }

    /// Calcium, free and bound, in all shells, amol.
    #[must_use]
    pub fn content(&self, state: &ShellsState) -> f64 {
        self.column.content(&state.values)
    }

    /// Unknowns a shell: calcium, then each buffer's states.
    #[must_use]
    pub fn width(&self) -> usize {
        self.column.width()
    }
}
