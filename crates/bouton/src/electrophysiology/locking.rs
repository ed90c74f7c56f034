//! Two cells that fire and that a junction joins: where their phases come to rest, predicted and seen.
//!
//! Weak coupling (Kuramoto 1984; Ermentrout & Kopell 1991, J Math Biol 29:195): with phases `a` and `b` and `x = b - a`,
//! `a' = 1 / T_a + H_a(x)`, `b' = 1 / T_b + H_b(-x)`, `H_a(x) = g / T_a int Z_a(t) (V_b(t + x T) - V_a(t)) dt` over a period,
//! so `x' = G(x) = 1 / T_b - 1 / T_a + H_b(-x) - H_a(x)`; phases rest where G falls through 0. Of equal cells it is the odd
//! part of H, twice.

use super::prc::PhaseResponse;
use super::rig::{Rig, RigError};
use engine::circuit::{Injection, Junction, Plan, State, Target};
use engine::time::Tick;

/// What two cells do to each other's phases.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Locking {
    /// Difference of phase, second less first, and how fast it changes, /s.
    pub drift: Vec<(f64, f64)>,
    /// Differences at which it rests, and the rate at which it comes back, /s; in the order of the difference.
    pub stable: Vec<(f64, f64)>,
    /// Runs of the pair: difference at the beginning, at the end.
    pub runs: Vec<(f64, f64)>,
    /// How long those were, ms.
    pub duration: f64,
}

/// Differences at which the drift is computed.
const DIFFERENCES: u32 = 100;
/// Parts of a period in an integral.
const PARTS: u32 = 400;

/// `H(x)` of a cell that sees another, /ms, with a junction of `g` nS.
fn interaction(of: &PhaseResponse, other: &PhaseResponse, g: f64, x: f64) -> f64 {
    let part = |k: u32| {
        let phase = (f64::from(k) + 0.5) / f64::from(PARTS);
        // Periods a pC, and pA ms are fC.
        1e-3 * of.at(phase) * g * (other.voltage(phase + x) - of.voltage(phase))
    };
    (0..PARTS).map(part).sum::<f64>() / f64::from(PARTS)
}

/// What weak coupling by `g` nS predicts.
#[must_use]
pub fn predicted(a: &PhaseResponse, b: &PhaseResponse, g: f64) -> Locking {
    let own = 1.0 / b.period - 1.0 / a.period;
    let drift = |x: f64| 1e3 * (own + interaction(b, a, g, -x) - interaction(a, b, g, x));
    let all: Vec<(f64, f64)> =
        (0..=DIFFERENCES).map(|k| f64::from(k) / f64::from(DIFFERENCES) - 0.5).map(|x| (x, drift(x))).collect();
    let mut stable: Vec<(f64, f64)> = Vec::new();
    for w in all.windows(2) {
        let [(x, f), (y, h)] = [w[0], w[1]];
        if f > 0.0 && h <= 0.0 {
            stable.push((x + f / (f - h) * (y - x), (f - h) / (y - x)));
        }
    }
    // Half a turn apart is at both ends.
    if let (Some(first), Some(last)) = (stable.first().copied(), stable.last().copied())
        && stable.len() > 1
        && first.0 + 1.0 - last.0 < 1.5 / f64::from(DIFFERENCES)
    {
        stable.pop();
    }
    Locking { drift: all, stable, ..Locking::default() }
}

/// Periods before the first difference is read, and in all.
const PERIODS: (f64, f64) = (3.0, 150.0);
/// Beginnings.
const STARTS: u32 = 8;

/// Runs the pair under its currents (pA) from several differences of phase on: the second's current begins later.
///
/// # Errors
/// [`RigError`].
pub fn runs(
    (circuit, rest): (&Plan, &State),
    junctions: &[Junction],
    places: [Target; 2],
    (a, b): (&PhaseResponse, &PhaseResponse),
    out: &mut Locking,
) -> Result<(), RigError> {
    let period = a.period;
    out.duration = PERIODS.1 * period;
    for k in 0..STARTS {
        let late = period * f64::from(k) / f64::from(STARTS);
        let tick = |ms: f64| Tick((ms * 1e9).round() as i64);
        let injection = |(k, current, from): (usize, f64, f64)| Injection {
            to: places[k],
            start: tick(from),
            stop: Tick(i64::MAX),
            current,
        };
        let injections = [(0, a.current, 0.0), (1, b.current, late)].map(injection);
        let rig = Rig::of(circuit, rest, junctions.to_vec(), &injections)?;
        let seen = rig.run(out.duration, &[], &[])?.spikes;
        let of = |place: Target| &seen[place.cell as usize];
        let (first, second) = (of(places[0]), of(places[1]));
        if let (Some(before), Some(after)) = (
            difference(first, second, PERIODS.0 * period),
            difference(first, second, out.duration - PERIODS.0 * period),
        ) {
            out.runs.push((before, after));
        }
    }
    Ok(())
}

/// Phase of the second less that of the first at a time, between -0.5 and 0.5.
fn difference(first: &[f64], second: &[f64], at: f64) -> Option<f64> {
    let phase = |train: &[f64]| {
        let k = train.partition_point(|t| *t <= at);
        let (before, after) = (*train.get(k.checked_sub(1)?)?, *train.get(k)?);
        Some((at - before) / (after - before))
    };
    let x = phase(second)? - phase(first)?;
    Some(x - x.round())
}
