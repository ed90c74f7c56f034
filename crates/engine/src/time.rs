//! Time as an integer: ticks of one picosecond, 64 bits, so that clocks never drift and always compare.
//!
//! Rounding: a time in ms becomes the nearest tick, ties to even (IEEE 754); a tick becomes the nearest f64 of
//! `ticks / 10^9`. Range: +-9.2e9 ms, about 106 days.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use thiserror::Error;

/// Ticks in a millisecond.
pub const TICKS_PER_MS: i64 = 1_000_000_000;

/// A moment or a duration, in picoseconds. Arithmetic that overflows panics in every build: 106 days were exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick(pub i64);

/// A time that has no tick.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{ms} ms is no time: it must be finite and within 9.2e9 ms (106 days)")]
pub struct TimeError {
    /// The time in ms.
    pub ms: f64,
}

impl Tick {
    /// The beginning.
    pub const ZERO: Self = Self(0);

    /// The tick nearest to `ms`, ties to even.
    ///
    /// # Errors
    /// Not finite, or out of range.
    ///
    /// ```
    /// use engine::time::Tick;
    /// assert_eq!(Tick::from_ms(0.025).unwrap(), Tick(25_000_000));
    /// assert_eq!(Tick::from_ms(0.5e-9).unwrap(), Tick(0));
    /// assert!(Tick::from_ms(f64::NAN).is_err());
    /// ```
    pub fn from_ms(ms: f64) -> Result<Self, TimeError> {
        let ticks = (ms * TICKS_PER_MS as f64).round_ties_even();
        // 2^63 exactly; NaN fails both.
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&ticks) {
            Ok(Self(ticks as i64))
        } else {
            Err(TimeError { ms })
        }
    }

    /// In milliseconds, correctly rounded below 2^53 ticks (9e6 ms, 2.5 hours); beyond, to two roundings.
    #[must_use]
    pub fn ms(self) -> f64 {
        self.0 as f64 / TICKS_PER_MS as f64
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.ms())
    }
}

impl Add for Tick {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("time stays within 106 days"))
    }
}

impl Sub for Tick {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("time stays within 106 days"))
    }
}

impl Mul<i64> for Tick {
    type Output = Self;
    fn mul(self, times: i64) -> Self {
        Self(self.0.checked_mul(times).expect("time stays within 106 days"))
    }
}

impl AddAssign for Tick {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_steps_land_exactly_where_their_product_does() {
        let step = Tick::from_ms(0.025).unwrap();
        let mut clock = Tick::ZERO;
        for _ in 0..1_000_000 {
            clock += step;
        }
        assert_eq!(clock, step * 1_000_000);
        assert_eq!(clock.ms(), 25_000.0);
    }

    #[test]
    fn milliseconds_survive_the_round_trip_and_nonsense_does_not() {
        for ms in [0.0, 0.1, 1e-9, -3.7, 123_456.789] {
            assert_eq!(Tick::from_ms(ms).unwrap().ms(), ms);
        }
        for ms in [f64::INFINITY, -1e10, 9.3e9, f64::NAN] {
            assert!(Tick::from_ms(ms).is_err());
        }
    }
}
