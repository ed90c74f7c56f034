//! Action potentials in a voltage trace, each with the numbers that a physiologist reads off it.
//!
//! An action potential is an upward crossing of a level on a rise steeper than a slope, after which the voltage falls below
//! the level again. It begins where the rise became so steep (slopes are those of the lines between samples, at their
//! middles), and what follows it ends where the next begins.

use super::Trace;

/// What counts as an action potential.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criterion {
    /// It crosses this upwards, mV.
    pub level: f64,
    /// It begins where it rises faster than this, mV/ms.
    pub slope: f64,
}

impl Default for Criterion {
    /// 0 mV and 20 V/s.
    fn default() -> Self {
        Self { level: 0.0, slope: 20.0 }
    }
}

/// An action potential.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActionPotential {
    /// When it crosses the level, ms.
    pub crossing: f64,
    /// When it begins, ms.
    pub onset: f64,
    /// The voltage there, mV: its threshold.
    pub threshold: f64,
    /// When it is highest, ms.
    pub peak_time: f64,
    /// The voltage there, mV.
    pub peak: f64,
    /// For how long it is above the middle between threshold and peak, ms; NaN if the trace ends before.
    pub half_width: f64,
    /// Fastest rise, mV/ms.
    pub rise: f64,
    /// Fastest fall before the trough, mV/ms; negative.
    pub fall: f64,
    /// Lowest voltage after it, before the next one begins, mV.
    pub trough: f64,
    /// When that is, ms.
    pub trough_time: f64,
}

impl ActionPotential {
    /// From threshold to peak, mV.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.peak - self.threshold
    }

    /// The afterhyperpolarisation: from threshold down to the trough, mV; negative where the trough lies above.
    #[must_use]
    pub fn afterhyperpolarisation(&self) -> f64 {
        self.threshold - self.trough
    }
}

/// All action potentials of a trace in mV, in the order of time. Cost: linear in its samples.
#[must_use]
pub fn action_potentials(trace: &Trace, by: Criterion) -> Vec<ActionPotential> {
    let v = trace.values;
    let slope = |i: usize| (v[i + 1] - v[i]) / trace.dt_ms;
    let all: Vec<usize> = (0..v.len().saturating_sub(1)).filter(|&i| v[i] < by.level && v[i + 1] >= by.level).collect();
    // Where each crosses, and where it begins: (sample before, share of the way to the next).
    let mut crosses: Vec<usize> = Vec::new();
    let mut begins: Vec<(usize, f64)> = Vec::new();
    for &cross in &all {
        let earliest = crosses.last().map_or(0, |before| before + 1);
        // Back from the crossing to the steepest line before it, and from there to where the rise set in.
        let mut at = cross;
        while at > earliest && slope(at) < by.slope && slope(at - 1) >= slope(at) {
            at -= 1;
        }
        if slope(at) < by.slope || v[cross + 1..].iter().all(|v| *v >= by.level) {
            continue;
        }
        while at > earliest && slope(at - 1) >= by.slope {
            at -= 1;
        }
        begins.push(if at == earliest {
            (at, 0.0)
        } else {
            let (before, after) = (slope(at - 1), slope(at));
            let part = (by.slope - before) / (after - before) - 0.5;
            if part < 0.0 { (at - 1, 1.0 + part) } else { (at, part) }
        });
        crosses.push(cross);
    }
    let time = |(i, part): (usize, f64)| trace.time(i) + part * trace.dt_ms;
    let value = |(i, part): (usize, f64)| v[i] + part * (v[i + 1] - v[i]);
    let one = |k: usize| {
        let (cross, begin) = (crosses[k], begins[k]);
        let end = begins.get(k + 1).map_or(v.len() - 1, |b| b.0);
        let down = (cross + 1..end).find(|&i| v[i + 1] < by.level).unwrap_or(end);
        let highest = (cross + 1..=down).fold(cross + 1, |best, i| if v[i] > v[best] { i } else { best });
        let lowest = (highest..=end).fold(highest, |best, i| if v[i] < v[best] { i } else { best });
        let (threshold, peak) = (value(begin), v[highest]);
        let half = 0.5 * (threshold + peak);
        let met = |i: usize| trace.time(i) + (half - v[i]) / (v[i + 1] - v[i]) * trace.dt_ms;
        let up = (begin.0..highest).rev().find(|&i| v[i] < half).map(met);
        let back = (highest..end).find(|&i| v[i + 1] <= half).map(met);
        ActionPotential {
            crossing: trace.time(cross) + (by.level - v[cross]) / (v[cross + 1] - v[cross]) * trace.dt_ms,
            onset: time(begin),
            threshold,
            peak_time: trace.time(highest),
            peak,
            half_width: up.zip(back).map_or(f64::NAN, |(up, back)| back - up),
            rise: (begin.0..highest).map(slope).fold(0.0, f64::max),
            fall: (highest..lowest).map(slope).fold(0.0, f64::min),
            trough: v[lowest],
            trough_time: trace.time(lowest),
        }
    };
    (0..crosses.len()).map(one).collect()
}
