//! The noise of a current-clamp or dynamic-clamp pipette: an Ornstein-Uhlenbeck process, held over each step of the membrane.
//!
//! `x' = a x + sd sqrt(1 - a^2) xi`, `a = exp(-dt / tau)`: exact for any step (Gillespie 1996, Phys Rev E 54:2084), and
//! stationary from its first step on. `xi` has an address: seed, trial, clamp, and which step of the trial it is.

use numerics::math;
use numerics::rng::{StreamKey, name_hash};

/// Noise of a current or conductance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Standard deviation, pA or nS.
    pub sd: f64,
    /// Correlation time, ms.
    pub tau: f64,
    keep: f64,
    kick: f64,
}

impl Noise {
    /// Of deviation `sd` pA or nS and correlation time `tau` ms, for steps of `dt` ms.
    #[must_use]
    pub fn new(sd: f64, tau: f64, dt: f64) -> Self {
        let kick = sd * (-math::expm1(-2.0 * dt / tau)).sqrt();
        Self { sd, tau, keep: math::exp(-dt / tau), kick }
    }

    /// Whose luck it is.
    pub(super) fn key(seed: u64, trial: u64, clamp: &str) -> StreamKey {
        StreamKey::new(seed, trial, super::contact::purpose::NOISE, name_hash(clamp))
    }

    /// The deviation from the mean in step `ordinal` of the trial, pA or nS, after `before`; `None` in the first step.
    pub(super) fn next(&self, key: StreamKey, ordinal: u64, before: Option<f64>) -> f64 {
        let luck = key.at(0, ordinal).normal();
        before.map_or(self.sd * luck, |x| self.keep.mul_add(x, self.kick * luck))
    }
}
