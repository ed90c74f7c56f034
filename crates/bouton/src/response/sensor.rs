//! How a release sensor answers to calcium: the rate of entering its absorbing state, per vesicle still docked at the start.

use super::{ResponseError, dot, measure};
use crate::lower::LoweredScheme;
use numerics::math;

/// Answer to a calcium transient; times in ms.
#[derive(Debug, Clone, PartialEq)]
pub struct Transient {
    /// Fraction fused from the start until 5 ms after the calcium peak.
    pub p_release: f64,
    /// Peak of the release rate after the peak of calcium.
    pub lag: f64,
    /// Full width at half maximum of the release rate.
    pub rate_fwhm: f64,
    /// Peak release rate, /ms.
    pub peak_rate: f64,
}

/// How long after the calcium peak release is counted, ms.
const COUNTED: f64 = 5.0;

/// Weights that turn a law into the rate of fusion, /ms.
fn fusion(s: &LoweredScheme, v_m: f64, ca: f64) -> Result<Vec<f64>, ResponseError> {
    let rates = s.kinetics.transition_rates(&s.coefficients(v_m, &[ca]), &[ca])?;
    let mut out = vec![0.0; s.kinetics.states()];
    for (t, rate) in s.kinetics.transitions().iter().zip(rates) {
        if s.kinetics.absorbing().contains(&t.to) {
            out[usize::from(t.from.0)] += rate;
        }
    }
    if out.iter().all(|w| *w == 0.0) {
        return Err(ResponseError::Nothing("the scheme has no step into an absorbing state"));
    }
    Ok(out)
}

/// Peak rate of fusion (/ms) when calcium steps from `from` to `to` (mM), from the stationary law before fusion.
///
/// # Errors
/// A scheme without fusion, or a rate that is not finite.
pub fn calcium_step(s: &LoweredScheme, from: f64, to: f64, v_m: f64) -> Result<f64, ResponseError> {
    let start = s.rest(v_m, &[from])?;
    Ok(measure::peak(&s.held(v_m, &[to])?, &start, &fusion(s, v_m, to)?, 1e3)?.1)
}

/// Calcium follows `from + (peak - from) exp(-(t / sd)^2 / 2)` with the given full width at half maximum (mM, ms); the
/// scheme starts from its stationary law at `from`. Midpoint propagators, so of second order in the internal step.
///
/// # Errors
/// As [`calcium_step`].
pub fn calcium_transient(
    s: &LoweredScheme,
    from: f64,
    peak: f64,
    fwhm: f64,
    v_m: f64,
) -> Result<Transient, ResponseError> {
    let sd = fwhm / (2.0 * (2.0 * math::ln(2.0)).sqrt());
    let steps_per_sd = 200.0;
    let dt = sd / steps_per_sd;
    let before = (6.0 * steps_per_sd) as i64;
    let after = (COUNTED / dt).ceil() as i64;
    let ca = |t: f64| (peak - from).mul_add(math::exp(-0.5 * (t / sd) * (t / sd)), from);
    let mut p = s.rest(v_m, &[from])?;
    let mut next = p.clone();
    let absorbed = s.weights(crate::lower::observable::ABSORBED);
    let mut rates = Vec::with_capacity((before + after) as usize);
    let time = |i: i64| i as f64 * dt;
    for i in -before..after {
        rates.push(dot(&p, &fusion(s, v_m, ca(time(i)))?));
        s.held(v_m, &[ca(time(i) + 0.5 * dt)])?.propagator(dt)?.apply(&p, &mut next);
        std::mem::swap(&mut p, &mut next);
    }
    let p_release = dot(&p, absorbed);
    // A parabola through the highest three points; linear crossings of half of it.
    let top =
        rates.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i).clamp(1, rates.len() - 2);
    let (a, b, c) = (rates[top - 1], rates[top], rates[top + 1]);
    let shift = 0.5 * (a - c) / (a - 2.0 * b + c);
    let peak_rate = b - 0.25 * (a - c) * shift;
    let half = 0.5 * peak_rate;
    let up = (1..=top)
        .find(|&i| rates[i] >= half)
        .map(|i| (i - 1) as f64 + (half - rates[i - 1]) / (rates[i] - rates[i - 1]))
        .ok_or(ResponseError::Nothing("the release rate does not rise"))?;
    let down = (top + 1..rates.len())
        .find(|&i| rates[i] < half)
        .map(|i| (i - 1) as f64 + (rates[i - 1] - half) / (rates[i - 1] - rates[i]))
        .ok_or(ResponseError::Nothing("the release rate does not fall"))?;
    Ok(Transient { p_release, lag: (top as f64 + shift - before as f64) * dt, rate_fwhm: (down - up) * dt, peak_rate })
}
