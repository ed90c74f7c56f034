//! Whether a trace oscillates, how fast and how far; of a voltage, below the threshold of action potentials.
//!
//! The **middle** lies halfway between the extremes of what is looked at. A **cycle** begins where the trace crosses the
//! middle upwards, on its way from the lowest quarter of its range to the highest, and ends where the next begins; what is
//! smaller, or noise around the middle, is no cycle.

use super::Trace;

/// A steady oscillation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Oscillation {
    /// Cycles per second, Hz: their number over the time from the first crossing to the last.
    pub frequency: f64,
    /// From the lowest to the highest sample of a cycle, the mean over cycles; unit of the trace.
    pub peak_to_peak: f64,
}

impl Oscillation {
    /// The oscillation of a trace. `None` where its range is below `floor`, where there are fewer than two cycles, and
    /// where these do not fill the trace: where more than one and a half of them would fit before the first crossing or
    /// after the last, so that it begins there, dies out there, or is an excursion. Cost: linear in its samples.
    #[must_use]
    pub fn find(trace: &Trace, floor: f64) -> Option<Self> {
        let v = trace.values;
        let low = v.iter().copied().fold(f64::INFINITY, f64::min);
        let range = v.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
        if !range.is_finite() || range <= 0.0 || range < floor {
            return None;
        }
        let (foot, middle, top) = (low + 0.25 * range, low + 0.5 * range, low + 0.75 * range);
        // (sample before, share of the way to the next)
        let mut begins: Vec<(usize, f64)> = Vec::new();
        let (mut risen, mut crossed) = (true, None);
        for (i, pair) in v.windows(2).enumerate() {
            risen &= pair[0] > foot;
            if pair[0] < middle && pair[1] >= middle {
                crossed = Some((i, (middle - pair[0]) / (pair[1] - pair[0])));
            }
            if !risen && pair[1] >= top {
                begins.extend(crossed);
                risen = true;
            }
        }
        let cycles = begins.len().checked_sub(1).filter(|n| *n >= 2)? as f64;
        let at = |(i, part): (usize, f64)| i as f64 + part;
        let (first, last) = (at(begins[0]), at(begins[begins.len() - 1]));
        let period = (last - first) / cycles;
        if first.max((v.len() - 1) as f64 - last) > 1.5 * period {
            return None;
        }
        let mut swings = 0.0;
        for pair in begins.windows(2) {
            let cycle = &v[pair[0].0..=pair[1].0];
            let least = cycle.iter().copied().fold(f64::INFINITY, f64::min);
            swings += cycle.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
        }
        Some(Self { frequency: 1e3 / (period * trace.dt_ms), peak_to_peak: swings / cycles })
    }
}
