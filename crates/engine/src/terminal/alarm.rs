//! When the next event of a Poisson process is due whose rate changes in steps: exact, and the same however time is cut.
//!
//! A unit exponential `budget` is spent at the rate: `budget = integral of the rate` (time-rescaling). Only a change of
//! rate settles the account, so that cutting an interval of constant rate changes no bit. Resolution: a tick.

use crate::time::{TICKS_PER_MS, Tick};
use serde::{Deserialize, Serialize};

/// Budget left at `since`, and the rate at which it is spent from then on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Alarm {
    budget: f64,
    /// /ms.
    rate: f64,
    since: Tick,
}

impl Alarm {
    /// `budget`: exponential with mean 1; `rate` /ms, from `since` on.
    pub fn new(budget: f64, rate: f64, since: Tick) -> Self {
        Self { budget, rate, since }
    }

    /// From `now` on the rate is `rate` /ms.
    #[inline]
    pub fn turn(&mut self, now: Tick, rate: f64) {
        if rate.to_bits() != self.rate.to_bits() {
            let spent = self.rate * (now - self.since).ms();
            *self = Self { budget: (self.budget - spent).max(0.0), rate, since: now };
        }
    }

    /// When it is due, if before `until`.
    #[inline]
    pub fn due(&self, until: Tick) -> Option<Tick> {
        let span = (until - self.since).0;
        // Certainly later, by more than all rounding: no division.
        if self.budget * TICKS_PER_MS as f64 > self.rate * (span as f64) * 1.000_000_1 {
            return None;
        }
        let ticks = (self.budget / self.rate * TICKS_PER_MS as f64).floor();
        // NaN (0/0, nothing left of the budget and no rate) and infinity are never due.
        (ticks < span as f64).then(|| self.since + Tick(ticks as i64))
    }
}
