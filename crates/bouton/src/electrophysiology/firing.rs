//! Rheobase, and rates of firing against current.

use super::{Preparation, Protocol, Pulse, responses};
use crate::measure::spike::action_potentials;
use engine::neuron::RunError;

/// Firing during a pulse of current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// pA
    pub current: f64,
    /// Action potentials during the pulse.
    pub spikes: usize,
    /// Those over its duration, Hz.
    pub mean: f64,
    /// One over the first interval, Hz; `None` with fewer than two.
    pub first: Option<f64>,
    /// One over the mean interval of the last half of them, Hz, if firing goes on to the end of the pulse: the time since the
    /// last one is at most 1.5 times that interval.
    pub steady: Option<f64>,
}

/// The search goes on to 32 times the current that would make 20 mV.
const DOUBLINGS: i32 = 8;
/// To which part of itself a rheobase is found.
const FINE: f64 = 1e-3;

/// Action potentials of each current begin within the pulse.
fn crossings(of: Preparation, by: &Protocol, currents: &[f64]) -> Result<Vec<Vec<f64>>, RunError> {
    let stop = by.around + by.duration;
    let seen = responses(of, by.step, currents, Pulse { start: by.around, stop, until: stop })?;
    let times = |trace: crate::measure::Trace| {
        action_potentials(&trace, by.spike).iter().map(|a| a.crossing - by.around).filter(|t| *t >= 0.0).collect()
    };
    Ok(seen.iter().map(|r| times(r.trace())).collect())
}

/// The least current (pA) that makes at least one action potential within a pulse, found by cutting an interval into nine
/// again and again, to one part in a thousand; `None` where 32 times 20 mV over `resistance` (GOhm) does not, and of a cell without gates.
///
/// # Errors
/// [`RunError`].
pub fn rheobase(of: Preparation, by: &Protocol, resistance: f64) -> Result<Option<f64>, RunError> {
    if !of.cell.plan.gated() {
        return Ok(None);
    }
    let first = 20.0 / resistance;
    let doubled: Vec<f64> = (0..DOUBLINGS).map(|k| first * numerics::math::powi(2.0, k - 2)).collect();
    let mut bracket = None;
    for (part, currents) in doubled.chunks(4).enumerate() {
        let fired = crossings(of, by, currents)?;
        if let Some(k) = fired.iter().position(|times| !times.is_empty()) {
            let at = 4 * part + k;
            bracket = Some((if at == 0 { 0.0 } else { doubled[at - 1] }, doubled[at]));
            break;
        }
    }
    let Some((mut low, mut high)) = bracket else { return Ok(None) };
    while high - low > FINE * high {
        let between: Vec<f64> = (1..=8).map(|k| low + (high - low) * f64::from(k) / 9.0).collect();
        let fired = crossings(of, by, &between)?;
        match fired.iter().position(|times| !times.is_empty()) {
            Some(0) => high = between[0],
            Some(k) => (low, high) = (between[k - 1], between[k]),
            None => low = between[7],
        }
    }
    Ok(Some(high))
}

/// How the cell fires during a pulse of each of some currents (pA).
///
/// # Errors
/// [`RunError`].
pub fn rates(of: Preparation, by: &Protocol, currents: &[f64]) -> Result<Vec<Rate>, RunError> {
    let rate = |(&current, times): (&f64, &Vec<f64>)| {
        let spikes = times.len();
        let first = times.get(1).map(|second| 1e3 / (second - times[0]));
        let from = spikes / 2;
        let steady = (spikes >= 3).then(|| 1e3 * (spikes - 1 - from) as f64 / (times[spikes - 1] - times[from]));
        let goes_on = |hz: &f64| by.duration - times[spikes - 1] <= 1.5e3 / hz;
        Rate { current, spikes, mean: 1e3 * spikes as f64 / by.duration, first, steady: steady.filter(goes_on) }
    };
    let fired = crossings(of, by, currents)?;
    Ok(currents.iter().zip(&fired).map(rate).collect())
}

/// Slope of the line fitted to the mean rates from the first current that makes the cell fire to the one with the highest
/// rate, Hz/pA; `None` of fewer than three.
#[must_use]
pub fn gain(rates: &[Rate]) -> Option<f64> {
    let from = rates.iter().position(|r| r.spikes > 0)?;
    let top = (from..rates.len()).fold(from, |best, k| if rates[k].mean > rates[best].mean { k } else { best });
    let seen = rates.get(from..=top).filter(|s| s.len() >= 3)?;
    let n = seen.len() as f64;
    let (x, y) = (seen.iter().map(|r| r.current).sum::<f64>() / n, seen.iter().map(|r| r.mean).sum::<f64>() / n);
    let slope = seen.iter().map(|r| (r.current - x) * (r.mean - y)).sum::<f64>();
    let width = seen.iter().map(|r| (r.current - x) * (r.current - x)).sum::<f64>();
    Some(slope / width).filter(|g| g.is_finite())
}
