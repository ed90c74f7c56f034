//! Command templates: the voltage of an action potential at any tick, for a terminal that has no axon to follow.
//!
//! The named template is `v = resting + amplitude s(u)`, `s(u) = u^3 (10 - 15 u + 6 u^2)` rising over `2 w a` and falling
//! over `2 w (1 - a)` ms, `w` the half-width and `a` the rise's share: s(1/2) = 1/2, so the half-width is `w` exactly; v
//! has two continuous derivatives and is at rest outside `2 w`, so that silence costs nothing. A recorded course is a
//! table with monotone cubics: Fritsch & Butland (1984) SIAM J Sci Stat Comput 5:300. No transcendental function.

use super::{TerminalError, length, positive};
use crate::time::Tick;
use numerics::bracket;

/// An action potential as it is imposed, at rest before time 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionPotential {
    /// mV.
    resting: f64,
    course: Course,
}

#[derive(Clone, Debug, PartialEq)]
enum Course {
    /// mV; ms; ms.
    Template { amplitude: f64, rise: f64, fall: f64 },
    /// ms; mV above rest; mV/ms.
    Table { times: Vec<f64>, values: Vec<f64>, slopes: Vec<f64> },
}

fn finite(what: &'static str, value: f64) -> Result<f64, TerminalError> {
    if value.is_finite() { Ok(value) } else { Err(TerminalError::Value { what, value, must: "finite" }) }
}

impl ActionPotential {
    /// `resting` mV, `amplitude` mV above it, `half_width` ms (width at half the amplitude), `rise_share` of the
    /// duration spent rising, in (0, 1).
    ///
    /// ```
    /// use engine::{terminal::action_potential::ActionPotential, time::Tick};
    /// let calyx = ActionPotential::template(-80.0, 110.0, 0.45, 0.35)?; // 24 degC
    /// assert_eq!(calyx.at(Tick::ZERO), -80.0);
    /// assert!((calyx.half_width()? - 0.45).abs() < 1e-9);
    /// # Ok::<(), engine::terminal::TerminalError>(())
    /// ```
    ///
    /// # Errors
    /// A value that is not finite; a half-width or amplitude that is not above 0; a share outside (0, 1).
    pub fn template(resting: f64, amplitude: f64, half_width: f64, rise_share: f64) -> Result<Self, TerminalError> {
        finite("the resting potential (mV)", resting)?;
        positive("the amplitude (mV)", amplitude)?;
        positive("the half-width (ms)", half_width)?;
        if !(rise_share > 0.0 && rise_share < 1.0) {
            return Err(TerminalError::Value { what: "the rise's share", value: rise_share, must: "in (0, 1)" });
        }
        let (rise, fall) = (2.0 * half_width * rise_share, 2.0 * half_width * (1.0 - rise_share));
        Ok(Self { resting, course: Course::Template { amplitude, rise, fall } })
    }

    /// A recorded course: `voltages` mV at ascending `times` ms. Before the first and after the last point the voltage is
    /// that of the nearer end; the first is called resting.
    ///
    /// # Errors
    /// Fewer than two points, lists of different length, times that do not ascend, values that are not finite.
    pub fn table(times: &[f64], voltages: &[f64]) -> Result<Self, TerminalError> {
        length("voltages", voltages.len(), times.len())?;
        length("points of a table", times.len(), times.len().max(2))?;
        for &v in voltages.iter().chain(times) {
            finite("a point of the table", v)?;
        }
        if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
            let must = "later than the one before";
            return Err(TerminalError::Value { what: "a time of the table (ms)", value: pair[1], must });
        }
        let resting = voltages[0];
        let values: Vec<f64> = voltages.iter().map(|v| v - resting).collect();
        let steps: Vec<f64> = times.windows(2).map(|t| t[1] - t[0]).collect();
        let chords: Vec<f64> = values.windows(2).zip(&steps).map(|(v, h)| (v[1] - v[0]) / h).collect();
        let mut slopes = vec![0.0; times.len()];
        for k in 1..chords.len() {
            let (a, b, h, g) = (chords[k - 1], chords[k], steps[k - 1], steps[k]);
            if a * b > 0.0 {
                // Weighted harmonic mean: between the chords' slopes, nearer the smaller one.
                let (left, right) = (2.0 * g + h, g + 2.0 * h);
                slopes[k] = (left + right) / (left / a + right / b);
            }
        }
        Ok(Self { resting, course: Course::Table { times: times.to_vec(), values, slopes } })
    }

    /// mV.
    #[must_use]
    pub fn resting(&self) -> f64 {
        self.resting
    }

    /// When the voltage no longer changes: ms after the start.
    #[must_use]
    pub fn duration(&self) -> f64 {
        match &self.course {
            Course::Template { rise, fall, .. } => rise + fall,
            Course::Table { times, .. } => times[times.len() - 1],
        }
    }

    /// mV above rest, `t` ms after the start.
    fn excursion(&self, t: f64) -> f64 {
        match &self.course {
            Course::Template { amplitude, rise, fall } => {
                let u = if t < *rise { t / rise } else { 1.0 - (t - rise) / fall }.clamp(0.0, 1.0);
                amplitude * (u * u * u) * u.mul_add(u.mul_add(6.0, -15.0), 10.0)
            }
            Course::Table { times, values, slopes } => {
                let after = times.partition_point(|&x| x <= t);
                if after == 0 || after == times.len() {
                    return if after == 0 { 0.0 } else { values[after - 1] };
                }
                let k = after - 1;
                let h = times[after] - times[k];
                let u = (t - times[k]) / h;
                let w = 1.0 - u;
                let ends = values[k] * w * w * (1.0 + 2.0 * u) + values[after] * u * u * (1.0 + 2.0 * w);
                ends + h * u * w * (slopes[k] * w - slopes[after] * u)
            }
        }
    }

    /// mV, `since` its start (negative: before it).
    #[must_use]
    pub fn at(&self, since: Tick) -> f64 {
        self.resting + self.excursion(since.ms())
    }

    /// mV at `now` when action potentials started at `starts`: excursions add. Cost: one evaluation a start.
    #[must_use]
    pub fn train(&self, starts: &[Tick], now: Tick) -> f64 {
        self.resting + starts.iter().fold(0.0, |sum, &start| sum + self.excursion((now - start).ms()))
    }

    /// Fills `out` with mV at `from`, `from + dt`, ... after the start.
    pub fn sample(&self, from: Tick, dt: Tick, out: &mut [f64]) {
        for (k, out) in out.iter_mut().enumerate() {
            *out = self.at(from + dt * k as i64);
        }
    }

    /// When it peaks, ms, and how far above rest, mV.
    #[must_use]
    pub fn peak(&self) -> (f64, f64) {
        match &self.course {
            Course::Template { amplitude, rise, .. } => (*rise, *amplitude),
            // A monotone interpolant peaks at a point of the table.
            Course::Table { times, values, .. } => {
                let best = times.iter().zip(values).fold(
                    (times[0], values[0]),
                    |best, (&t, &v)| {
                        if v > best.1 { (t, v) } else { best }
                    },
                );
                (best.0, best.1)
            }
        }
    }

    /// Width at half the peak's height, ms, to 1e-12 ms.
    ///
    /// # Errors
    /// A table that does not rise to its peak from below half, or does not fall below half after it.
    pub fn half_width(&self) -> Result<f64, TerminalError> {
        let (peak, height) = self.peak();
        let start = match &self.course {
            Course::Template { .. } => 0.0,
            Course::Table { times, .. } => times[0],
        };
        let off = |t: f64| self.excursion(t) - 0.5 * height;
        let none = |_| TerminalError::Value { what: "the peak's height (mV)", value: height, must: "half left behind" };
        let up = bracket::root(off, start, peak, 1e-13).map_err(none)?;
        let down = bracket::root(off, peak, self.duration(), 1e-13).map_err(none)?;
        Ok(down - up)
    }
}
