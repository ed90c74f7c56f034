//! What an action potential of one cell leaves in another that a junction joins to it.

use crate::measure::Trace;
use crate::measure::spike::{ActionPotential, Criterion, action_potentials};

/// A spikelet (electrical postsynaptic potential), and the action potential that makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spikelet {
    /// Current of 1 ms that made the action potential, pA.
    pub pulse: f64,
    /// The action potential; times from the beginning of the current, ms.
    pub spike: ActionPotential,
    /// Its highest less its lowest voltage afterwards, mV.
    pub afterhyperpolarisation: f64,
    /// Highest voltage there against what it would have been, mV.
    pub amplitude: f64,
    /// From the peak of the action potential to that, ms.
    pub lag: f64,
    /// From 10 % of the rise here, counted from the threshold, to 10 % of the rise there, ms.
    pub onset: f64,
    /// For how long it is above half of its amplitude, ms; NaN where it is not over.
    pub half_width: f64,
    /// Lowest voltage after its peak against what it would have been, mV: negative where the afterhyperpolarisation passes.
    pub trough: f64,
    /// What the junctions carried to the other side from the threshold on to the end, fC; without them NaN.
    pub charge: f64,
    /// The same as long as it flowed there.
    pub inward: f64,
    /// The other cell fires.
    pub fires: bool,
    /// Voltage here, mV, and there against what it would have been, mV, over time from the peak of the action potential, ms.
    pub course: Vec<(f64, f64, f64)>,
}

/// The vertex of the parabola through a sample and its neighbours: in samples from it, and its height.
fn vertex(y: &[f64], k: usize) -> (f64, f64) {
    if k == 0 || k + 1 >= y.len() {
        return (0.0, y[k]);
    }
    let (a, b, c) = (y[k - 1], y[k], y[k + 1]);
    let bend = a - 2.0 * b + c;
    if bend >= 0.0 {
        return (0.0, b);
    }
    let off = 0.5 * (a - c) / bend;
    (off, b - 0.25 * (a - c) * off)
}

/// When a course first reaches a level from a sample on, in samples.
fn reached(y: &[f64], from: usize, level: f64) -> Option<f64> {
    if *y.get(from)? >= level {
        return Some(from as f64);
    }
    (from..y.len() - 1)
        .find(|&k| y[k] < level && y[k + 1] >= level)
        .map(|k| k as f64 + (level - y[k]) / (y[k + 1] - y[k]))
}

/// Reads a spikelet off the voltage `here` (mV), what it does `there` against what it would have been (mV), and the current
/// `through` the junctions in each step from the first sample on (pA, may be empty); `None` without an action potential here.
#[must_use]
pub fn spikelet(dt: f64, here: &[f64], there: &[f64], through: &[f64], by: Criterion) -> Option<Spikelet> {
    let spike = *action_potentials(&Trace { dt_ms: dt, start_ms: 0.0, values: here }, by).first()?;
    let begin = ((spike.onset / dt).floor() as usize).min(there.len().checked_sub(2)?);
    let top = (begin..there.len()).fold(begin, |best, k| if there[k] > there[best] { k } else { best });
    let (off, amplitude) = vertex(there, top);
    let peak_there = (top as f64 + off) * dt;
    let sample = (spike.peak_time / dt).round() as usize;
    let (off, peak) = vertex(here, sample);
    let peak_here = (sample as f64 + off) * dt;
    let first = there[begin];
    let ten_here = reached(here, begin, 0.1f64.mul_add(peak - spike.threshold, spike.threshold))?;
    let ten_there = reached(there, begin, 0.1f64.mul_add(amplitude - first, first))?;
    let half = 0.5 * amplitude;
    let up = reached(there, 0, half);
    let down = (top..there.len() - 1).find(|&k| there[k] >= half && there[k + 1] < half);
    let down = down.map(|k| k as f64 + (there[k] - half) / (there[k] - there[k + 1]));
    let flows = through.get(begin..).unwrap_or_default();
    let charge = |of: &dyn Fn(f64) -> f64| {
        if through.is_empty() { f64::NAN } else { dt * flows.iter().map(|i| of(*i)).sum::<f64>() }
    };
    let shown = |k: usize| (k as f64 * dt - peak_here, here[k], there[k]);
    Some(Spikelet {
        pulse: f64::NAN,
        spike,
        afterhyperpolarisation: peak - spike.trough,
        amplitude,
        lag: peak_there - peak_here,
        onset: (ten_there - ten_here) * dt,
        half_width: up.zip(down).map_or(f64::NAN, |(up, down)| (down - up) * dt),
        trough: there[top..].iter().copied().fold(f64::INFINITY, f64::min),
        charge: charge(&|i| i),
        inward: charge(&|i| i.max(0.0)),
        fires: false,
        course: (0..here.len().min(there.len())).map(shown).collect(),
    })
}
