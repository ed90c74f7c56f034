//! Volume-averaged calcium of a terminal: influx, buffers in equilibrium or kinetic, extrusion. Between the domains and
//! rest: what primes vesicles and facilitates.
//!
//! `d(c + bound)/dt = i / (2 F V) - e(c) + e(rest)`: a leak balances extrusion at rest. Helmchen, Imoto & Sakmann (1996)
//! Biophys J 70:1069. Stiff, implicit, order 2, conservative to rounding. Limit: no gradients.

use super::buffer::Buffer;
use super::column::Column;
pub use super::column::{Extrusion, Scratch};
use super::{TerminalError, positive};
use crate::time::Tick;
use numerics::constants::FARADAY;
use serde::{Deserialize, Serialize};

/// mM: less is none.
const LEAST: f64 = 1e-6;

/// A terminal as one volume. Immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Bulk {
    column: Column,
}

/// Its state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BulkState {
    clock: Tick,
    /// mM.
    values: Vec<f64>,
    /// amol.
    extruded: f64,
}

impl BulkState {
    /// Free calcium, mM.
    #[must_use]
    pub fn calcium(&self) -> f64 {
        self.values[0]
    }

    /// Calcium carried out since the start less what leaked in, amol.
    #[must_use]
    pub fn extruded(&self) -> f64 {
        self.extruded
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }
}

impl Bulk {
    /// `volume` um3, calcium at rest `resting` mM.
    ///
    /// # Errors
    /// Numbers out of range, a buffer without one equilibrium.
    pub fn new(volume: f64, resting: f64, buffers: &[Buffer], extrusion: &[Extrusion]) -> Result<Self, TerminalError> {
        let volume = positive("the volume (um3)", volume)?;
        Ok(Self { column: Column::new(vec![volume], vec![0.0], (0.0, resting), buffers, extrusion)? })
    }

    /// At rest, buffers in equilibrium, time 0.
    #[must_use]
    pub fn start(&self) -> BulkState {
        BulkState { clock: Tick::ZERO, values: self.column.start(), extruded: 0.0 }
    }

    /// Calcium at rest, mM.
    #[must_use]
    pub fn resting(&self) -> f64 {
        self.column.rest[0]
    }

    /// Whether free calcium, and all calcium, are within `share` of their values at rest (rest counted as 1 nM at least).
    /// Panics on a state of another terminal.
    #[must_use]
    pub fn near_rest(&self, state: &BulkState, share: f64) -> bool {
        let near = |x: f64, rest: f64, least: f64| (x - rest).abs() <= share * rest.max(least);
        let (all, rest) = (self.content(state), self.column.content(&self.column.rest));
        near(state.calcium(), self.resting(), LEAST) && near(all, rest, LEAST * self.column.volumes[0])
    }

    /// Puts the terminal at rest at `clock`; the calcium this takes is booked as extruded. Panics on a state of another
    /// terminal.
    pub fn to_rest(&self, state: &mut BulkState, clock: Tick) {
        state.extruded += self.content(state) - self.column.content(&self.column.rest);
        state.values.copy_from_slice(&self.column.rest);
        state.clock = clock;
    }

    /// Calcium, free and bound, amol. Panics on a state of another terminal.
    #[must_use]
    pub fn content(&self, state: &BulkState) -> f64 {
        self.column.content(&state.values)
    }

    /// One implicit step of `dt` with `current` pA inward. Order 2; exact steady states. The same steps give the same bits.
    ///
    /// # Errors
    /// A step that is not above 0, a current that is not finite; a [`Fault`](crate::fault::Fault) where no solution is found.
    pub fn advance(
        &self,
        state: &mut BulkState,
        dt: Tick,
        current: f64,
        scratch: &mut Scratch,
    ) -> Result<(), TerminalError> {
        positive("a step (ms)", dt.ms())?;
        if !current.is_finite() {
            return Err(TerminalError::Value { what: "the current (pA)", value: current, must: "finite" });
        }
        super::length("unknowns", state.values.len(), self.column.width())?;
        let influx = current / (2.0 * FARADAY);
        state.extruded += self.column.step(&mut state.values, dt.ms(), influx, state.clock, scratch)?;
        state.clock += dt;
        Ok(())
    }
}
