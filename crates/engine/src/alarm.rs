//! When the next event of a Poisson process is due whose rate changes in steps: exact, and the same however time is cut.
//!
//! A unit exponential `budget` is spent at the rate: `budget = integral of the rate` (time-rescaling). Only a change of
//! rate settles the account, so that cutting an interval of constant rate changes no bit. Resolution: a tick.

use crate::time::{TICKS_PER_MS, Tick};
use serde::{Deserialize, Serialize};

/// Turns /ms into a tick's share.
const PER_TICK: f64 = 1.0 / TICKS_PER_MS as f64;

/// Budget left at `since`, and the rate at which it is spent from then on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    budget: f64,
    /// A tick.
    rate: f64,
    since: Tick,
}

impl Alarm {
    /// `budget`: exponential with mean 1; `rate` /ms, from `since` on.
    pub fn new(budget: f64, rate: f64, since: Tick) -> Self {
        Self { budget, rate: rate * PER_TICK, since }
    }

    /// From `now` on the rate is `rate` /ms.
    #[inline(always)]
    pub fn turn(&mut self, now: Tick, rate: f64) {
        let rate = rate * PER_TICK;
        if rate.to_bits() != self.rate.to_bits() {
            let spent = self.rate * (now.0 - self.since.0) as f64;
            *self = Self { budget: self.budget - spent, rate, since: now };
        }
    }

    /// When it is due, if before `until`.
    #[inline(always)]
    pub fn due(&self, until: Tick) -> Option<Tick> {
        let span = (until.0 - self.since.0) as f64;
        // Certainly later, by more than all rounding: no division.
        if self.budget > self.rate * span * 1.000_000_1 {
            return None;
        }
        self.due_within(span)
    }

    #[inline(never)]
    fn due_within(&self, span: f64) -> Option<Tick> {
        // Rounding may have spent a little more than there was.
        let ticks = self.budget.max(0.0) / self.rate;
        // NaN (0/0, nothing left of the budget and no rate) and infinity are never due.
        (ticks < span).then(|| self.since + Tick(ticks as i64))
    }
}
