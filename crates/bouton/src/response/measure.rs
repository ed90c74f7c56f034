//! What is read off a response of a receptor or transporter.

use super::{Held, ResponseError, dot};
use crate::lower::{LoweredScheme, observable};
use numerics::{bracket, math};

/// Points per decade of the first search for a peak.
const PER_DECADE: f64 = 12.0;

/// Peak and times of the response to a pulse of ligand; times in ms, decays counted from the peak.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Pulse {
    pub peak_open: f64,
    pub t_peak: f64,
    pub rise_10_90: f64,
    pub half_decay: f64,
    pub decay_1e: f64,
}

/// The response to a ligand that is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Stationary over peak open probability.
    pub ss_over_peak: f64,
    /// Time from the peak until (P - ss) has fallen to 1/e of (peak - ss), ms; `None` if it does not desensitise.
    pub tau_des: Option<f64>,
}

fn ligands(s: &LoweredScheme, which: usize, concentration: f64) -> Vec<f64> {
    let mut out = vec![0.0; s.kinetics.ligands()];
    if let Some(l) = out.get_mut(which) {
        *l = concentration;
    }
    out
}

/// The largest value of `weights . p(t)` for t in (0, end], and where; searched on a logarithmic grid, then refined.
pub(super) fn peak(held: &Held, start: &[f64], weights: &[f64], end: f64) -> Result<(f64, f64), ResponseError> {
    let fastest = held.fastest();
    if fastest <= 0.0 {
        return Ok((0.0, dot(start, weights)));
    }
    let first = (1e-4 / fastest).min(end);
    let decades = math::log10(end / first);
    let points = (decades * PER_DECADE).ceil().max(1.0) as usize;
    let at = |t: f64| -> Result<f64, ResponseError> { Ok(dot(&held.after(start, t)?, weights)) };
    let grid: Vec<f64> = (0..=points)
        .map(|i| if i == points { end } else { first * math::pow(10.0, decades * i as f64 / points as f64) })
        .collect();
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &t) in grid.iter().enumerate() {
        let y = at(t)?;
        if y > best.1 {
            best = (i, y);
        }
    }
    let (a, b) = (if best.0 == 0 { 0.0 } else { grid[best.0 - 1] }, grid[(best.0 + 1).min(points)]);
    let found = bracket::maximum(|t| at(t).unwrap_or(f64::NAN), a, b, 1e-10 * b)?;
    Ok(if found.value > best.1 { (found.x, found.value) } else { (grid[best.0], best.1) })
}

/// The response to `concentration` (mM) of a ligand for `duration` (ms), from rest without it and with none after.
///
/// # Errors
/// A rate that is not finite, or a scheme that does not open.
pub fn pulse(
    s: &LoweredScheme,
    ligand: usize,
    concentration: f64,
    duration: f64,
    v_m: f64,
) -> Result<Pulse, ResponseError> {
    let weights = s.weights(observable::OPEN);
    let none = ligands(s, ligand, 0.0);
    let start = s.rest(v_m, &none)?;
    let on = s.held(v_m, &ligands(s, ligand, concentration))?;
    let off = s.held(v_m, &none)?;
    let end = on.after(&start, duration)?;
    let base = dot(&start, weights);
    let open = |t: f64| -> f64 {
        let p = if t <= duration { on.after(&start, t) } else { off.after(&end, t - duration) };
        p.map_or(f64::NAN, |p| dot(&p, weights))
    };
    let during = peak(&on, &start, weights, duration)?;
    // The slowest channel closes within a minute.
    let after = peak(&off, &end, weights, 6e4)?;
    let (t_peak, peak_open) = if after.1 > during.1 { (duration + after.0, after.1) } else { during };
    if peak_open <= base {
        return Err(ResponseError::Nothing("the scheme does not open"));
    }
    let tolerance = 1e-9 * t_peak;
    let rising = |share: f64| bracket::root(|t| open(t) - base - share * (peak_open - base), 0.0, t_peak, tolerance);
    let falling = |share: f64| -> Result<f64, ResponseError> {
        let mut far = t_peak.max(duration) + 1.0;
        while open(far) - base > share * (peak_open - base) {
            far *= 2.0;
            if far > 1e9 {
                return Err(ResponseError::Nothing("the response does not decay"));
            }
        }
        Ok(bracket::root(|t| open(t) - base - share * (peak_open - base), t_peak, far, tolerance)? - t_peak)
    };
    Ok(Pulse {
        peak_open,
        t_peak,
        rise_10_90: rising(0.9)? - rising(0.1)?,
        half_decay: falling(0.5)?,
        decay_1e: falling(math::exp(-1.0))?,
    })
}

/// The response to a ligand that is held at `concentration` (mM).
///
/// # Errors
/// As [`pulse`].
pub fn step(s: &LoweredScheme, ligand: usize, concentration: f64, v_m: f64) -> Result<Step, ResponseError> {
    let weights = s.weights(observable::OPEN);
    let start = s.rest(v_m, &ligands(s, ligand, 0.0))?;
    let held = s.held(v_m, &ligands(s, ligand, concentration))?;
    let ss = dot(&s.rest(v_m, &ligands(s, ligand, concentration))?, weights);
    let (t_peak, top) = peak(&held, &start, weights, 6e4)?;
    // A peak that is no higher than where it settles is no desensitisation.
    if top - ss <= 1e-6 * top {
        return Ok(Step { ss_over_peak: 1.0, tau_des: None });
    }
    let left =
        |t: f64| held.after(&start, t).map_or(f64::NAN, |p| dot(&p, weights)) - ss - (top - ss) * math::exp(-1.0);
    let mut far = t_peak + 1.0;
    while left(far) > 0.0 {
        far *= 2.0;
    }
    Ok(Step { ss_over_peak: ss / top, tau_des: Some(bracket::root(left, t_peak, far, 1e-9 * far)? - t_peak) })
}

/// The concentration (mM) at which the peak during a held step is half of that at 100 mM.
///
/// # Errors
/// As [`pulse`].
pub fn dose_response(s: &LoweredScheme, ligand: usize, v_m: f64) -> Result<f64, ResponseError> {
    let weights = s.weights(observable::OPEN);
    let start = s.rest(v_m, &ligands(s, ligand, 0.0))?;
    let top = |c: f64| -> Result<f64, ResponseError> {
        Ok(peak(&s.held(v_m, &ligands(s, ligand, c))?, &start, weights, 6e4)?.1)
    };
    let half = 0.5 * top(100.0)?;
    let ln_c =
        bracket::root(|x| top(math::exp(x)).map_or(f64::NAN, |y| y - half), math::ln(1e-7), math::ln(100.0), 1e-8)?;
    Ok(math::exp(ln_c))
}

/// Net uptake of a ligand by one molecule at rest with the ligand held, /ms.
pub(crate) fn uptake(s: &LoweredScheme, ligand: usize, concentration: f64, v_m: f64) -> Result<f64, ResponseError> {
    let all = ligands(s, ligand, concentration);
    let p = s.rest(v_m, &all)?;
    let rates = s.kinetics.transition_rates(&s.coefficients(v_m, &all), &all)?;
    let flow = |l: Option<engine::mechanism::LigandIndex>| l.is_some_and(|l| usize::from(l.0) == ligand);
    Ok(s.kinetics.transitions().iter().zip(&rates).fold(0.0, |sum, (t, rate)| {
        let sign = f64::from(u8::from(flow(t.takes_up))) - f64::from(u8::from(flow(t.gives_off)));
        (sign * p[usize::from(t.from.0)]).mul_add(*rate, sum)
    }))
}

/// Turnover at saturation (/ms) and the concentration at half of it (mM).
///
/// # Errors
/// A scheme that takes up nothing on balance.
pub fn turnover(s: &LoweredScheme, ligand: usize, v_m: f64) -> Result<(f64, f64), ResponseError> {
    // Saturation by extrapolation: 1/J is linear in 1/c for one site, so two high concentrations suffice.
    let (j1, j2) = (uptake(s, ligand, 1e3, v_m)?, uptake(s, ligand, 1e5, v_m)?);
    if j1 <= 0.0 || j2 <= 0.0 {
        return Err(ResponseError::Nothing("the scheme takes up nothing on balance"));
    }
    let top = 1.0 / ((1.0 / j2) - (1.0 / j1 - 1.0 / j2) * (1e-5 / (1e-3 - 1e-5)));
    let ln_c = bracket::root(
        |x| uptake(s, ligand, math::exp(x), v_m).map_or(f64::NAN, |j| j - 0.5 * top),
        math::ln(1e-9),
        math::ln(1e3),
        1e-10,
    )?;
    Ok((top, math::exp(ln_c)))
}

/// The slowest time constant of relaxation with everything held, ms.
///
/// # Errors
/// A scheme without relaxation.
pub fn slowest_time_constant(held: &Held) -> Result<f64, ResponseError> {
    let n = held.states;
    let q = nalgebra::DMatrix::from_fn(
        n,
        n,
        |i, j| if i == j { -held.generator.exit(i) } else { held.generator.rate(i, j) },
    );
    let scale = held.fastest();
    let slow =
        q.complex_eigenvalues().iter().map(|e| -e.re).filter(|&r| r > 1e-13 * scale).fold(f64::INFINITY, f64::min);
    if slow.is_finite() { Ok(1.0 / slow) } else { Err(ResponseError::Nothing("the scheme does not relax")) }
}
