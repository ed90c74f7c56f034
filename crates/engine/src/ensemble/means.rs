//! The state of a population of means: one occupancy a state and instance, and a clock.

use super::EnsembleError;
use crate::mechanism::{Kinetics, StateIndex};
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use serde::{Deserialize, Serialize};

/// Occupancies of `instances` copies of a scheme; each instance's sum to one (or to whatever they started with).
///
/// All that a snapshot holds. Padding lanes of the last block behave like instances and are never shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Means {
    pub(super) states: usize,
    pub(super) instances: usize,
    pub(super) clock: Tick,
    /// Line `block * states + state`.
    pub(super) lines: Vec<F64x8>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    states: u16,
    instances: u64,
    clock: Tick,
    values: Vec<f64>,
}

impl From<Means> for Raw {
    fn from(means: Means) -> Self {
        Self {
            states: means.states as u16,
            instances: means.instances as u64,
            clock: means.clock,
            values: F64x8::as_f64s(&means.lines).to_vec(),
        }
    }
}

impl TryFrom<Raw> for Means {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let (states, instances) = (usize::from(raw.states), usize::try_from(raw.instances).map_err(|_| "too many")?);
        let want = instances.div_ceil(LANES).checked_mul(states * LANES);
        if states == 0 || want != Some(raw.values.len()) {
            return Err("lengths do not fit");
        }
        let (lines, _) = raw.values.as_chunks::<LANES>();
        let lines = lines.iter().map(|&line| F64x8(line)).collect();
        Ok(Self { states, instances, clock: raw.clock, lines })
    }
}

impl Means {
    /// `instances` copies, all with the occupancies `start` (one a state), at time 0.
    ///
    /// # Errors
    /// [`EnsembleError::Start`].
    pub fn new(kinetics: &Kinetics, instances: usize, start: &[f64]) -> Result<Self, EnsembleError> {
        let states = kinetics.states();
        if start.len() != states || !start.iter().all(|p| *p >= 0.0 && p.is_finite()) {
            return Err(EnsembleError::Start { states });
        }
        let block: Vec<F64x8> = start.iter().map(|&p| F64x8::splat(p)).collect();
        let lines = block.repeat(instances.div_ceil(LANES));
        Ok(Self { states, instances, clock: Tick::ZERO, lines })
    }

    /// How many instances.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// How many states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.states
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    fn line(&self, instance: usize, state: StateIndex) -> usize {
        assert!(
            instance < self.instances && usize::from(state.0) < self.states,
            "an instance and state of this population"
        );
        instance / LANES * self.states + usize::from(state.0)
    }

    /// Occupancy of one state of one instance. Panics out of range.
    #[must_use]
    pub fn occupancy(&self, instance: usize, state: StateIndex) -> f64 {
        self.lines[self.line(instance, state)].0[instance % LANES]
    }

    /// Sets it, as an event does. Panics out of range or on NaN.
    pub fn set_occupancy(&mut self, instance: usize, state: StateIndex, occupancy: f64) {
        assert!(occupancy.is_finite(), "an occupancy is a number");
        let line = self.line(instance, state);
        self.lines[line].0[instance % LANES] = occupancy;
    }

    /// An observable of every instance, `out_i = sum_s weights_s p_is` in the order of the states.
    ///
    /// # Errors
    /// [`EnsembleError::Length`] unless `weights` has one a state and `out` one an instance.
    pub fn observe(&self, level: Level, weights: &[f64], out: &mut [f64]) -> Result<(), EnsembleError> {
        for (got, want) in [(weights.len(), self.states), (out.len(), self.instances)] {
            if got != want {
                return Err(EnsembleError::Length { got, want });
            }
        }
        level.dispatch(Observe { means: self, weights, out });
        Ok(())
    }
}

struct Observe<'a> {
    means: &'a Means,
    weights: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Observe<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let blocks = self.means.lines.chunks_exact(self.means.states);
        for (block, out) in blocks.zip(self.out.chunks_mut(LANES)) {
            let mut sum = L::splat(0.0);
            for (line, &weight) in block.iter().zip(self.weights) {
                sum = L::load(line).mul_add(L::splat(weight), sum);
            }
            match <&mut [f64; LANES]>::try_from(&mut *out) {
                Ok(whole) => sum.store_slice(whole),
                Err(_) => out.copy_from_slice(&sum.to_array()[..out.len()]),
            }
        }
    }
}
