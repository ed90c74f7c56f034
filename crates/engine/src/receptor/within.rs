//! A [`Waveform`] within a step: what it does over a whole step, what a late event has become of by the end of its step,
//! and the mean of both over the step, which is what a membrane of second order needs.
//!
//! `integral of g = decay (g(0) - g(dt) + c * integral of h)`, from `g' = -g/decay + c h`: exact at any step.

use super::waveform::{Waveform, WaveformError};
use crate::time::Tick;
use numerics::math;

/// From this share on, rise and decay are told apart by their difference.
const APART: f64 = 0.9;

/// What `g` and its companion `h` are after a step, and what the conductance was in the mean.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stepped {
    /// At the end.
    pub g: f64,
    /// At the end; 0 for the exponential.
    pub h: f64,
    /// Mean of `g` over the step.
    pub mean: f64,
}

impl Stepped {
    /// Both at once: waveforms add.
    #[inline]
    pub fn add(&mut self, weight: f64, other: Self) {
        self.g = weight.mul_add(other.g, self.g);
        self.h = weight.mul_add(other.h, self.h);
        self.mean = weight.mul_add(other.mean, self.mean);
    }
}

/// A waveform and a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Within {
    waveform: Waveform,
    rise: Option<f64>,
    decay: f64,
    /// Of the biexponential: what makes its peak 1, and the same over `1 - rise / decay` where they are apart.
    scale: f64,
    apart: Option<f64>,
    /// 1 over the step, ms.
    per_step: f64,
    /// A step of `g = 1`, and one of `h = 1`.
    of_g: Stepped,
    of_h: Stepped,
}

impl Within {
    /// Of a step of `dt`.
    ///
    /// # Errors
    /// [`WaveformError::Step`] unless `dt` is positive.
    pub fn new(waveform: Waveform, dt: Tick) -> Result<Self, WaveformError> {
        if dt <= Tick::ZERO {
            return Err(WaveformError::Step { dt });
        }
        let (rise, decay) = waveform.constants();
        let scale = waveform.area() / decay;
        let apart = rise.filter(|rise| *rise < APART * decay).map(|rise| scale * decay / (decay - rise));
        let zero = Stepped::default();
        let mut of = Self { waveform, rise, decay, scale, apart, per_step: 1.0 / dt.ms(), of_g: zero, of_h: zero };
        let lost = math::expm1(-dt.ms() / decay);
        of.of_g = Stepped { g: 1.0 + lost, h: 0.0, mean: -lost * decay * of.per_step };
        of.of_h = if rise.is_some() { of.event(dt.ms()) } else { zero };
        Ok(of)
    }

    /// The waveform.
    #[must_use]
    pub fn waveform(&self) -> &Waveform {
        &self.waveform
    }

    /// A whole step from `g` and `h`.
    #[inline]
    #[must_use]
    pub fn step(&self, g: f64, h: f64) -> Stepped {
        let mut out = Stepped::default();
        out.add(g, self.of_g);
        out.add(h, self.of_h);
        out
    }

    /// Whole steps of `g = 1` and of `h = 1`, of which all others are sums; the latter 0 for the exponential, which has no h.
    #[must_use]
    pub fn whole(&self) -> [Stepped; 2] {
        [self.of_g, self.of_h]
    }

    /// What an event of weight 1 does within its step, of which `left` ms are left after it.
    #[inline]
    #[must_use]
    pub fn event(&self, left: f64) -> Stepped {
        let lost = math::expm1(-left / self.decay);
        let Some(rise) = self.rise else {
            return Stepped { g: 1.0 + lost, h: 0.0, mean: -lost * self.decay * self.per_step };
        };
        let fed = math::expm1(-left / rise);
        let g = match self.apart {
            Some(scale) => scale * (lost - fed),
            None => self.waveform.at(left),
        };
        let area = self.decay * (-self.scale * fed - g);
        Stepped { g, h: 1.0 + fed, mean: area.max(0.0) * self.per_step }
    }

    /// What an event of weight 1 is when it happens: `g` and `h`.
    #[must_use]
    pub fn born(&self) -> (f64, f64) {
        if self.rise.is_some() { (0.0, 1.0) } else { (1.0, 0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waveforms() -> [Waveform; 5] {
        let bi = |rise, decay| Waveform::biexponential(rise, decay).expect("a waveform");
        [Waveform::exponential(2.0).expect("a waveform"), bi(0.2, 2.0), bi(2.0, 2.0), bi(1.9, 2.0), bi(0.3, 100.0)]
    }

    /// Integral of the waveform from 0 to `t`, by Simpson's rule: an oracle that shares no formula.
    fn integral(w: &Waveform, t: f64) -> f64 {
        let n = 4000;
        let h = t / f64::from(n);
        let of = |k: i32| w.at(h * f64::from(k)) * if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
        (0..=n).map(of).sum::<f64>() * h / 3.0
    }

    #[test]
    fn an_event_anywhere_in_a_step_is_what_the_waveform_is_and_its_mean_what_its_integral_is() {
        let dt = Tick(100_000_000);
        for w in waveforms() {
            let within = Within::new(w, dt).expect("a step");
            for left in [0.0, 1e-6, 0.01, 0.0321, 0.1] {
                let late = within.event(left);
                assert!((late.g - w.at(left)).abs() < 1e-14, "{w:?} {left}");
                assert!((late.mean - integral(&w, left) / 0.1).abs() < 1e-12, "{w:?} {left}");
                // From there on by whole steps.
                let mut now = late;
                for k in 1..=60 {
                    let before = now;
                    now = within.step(before.g, before.h);
                    let t = left + 0.1 * f64::from(k);
                    assert!((now.g - w.at(t)).abs() < 2e-14, "{w:?} {t}: {} {}", now.g, w.at(t));
                    let mean = (integral(&w, t) - integral(&w, t - 0.1)) / 0.1;
                    assert!((now.mean - mean).abs() < 1e-11, "{w:?} {t}: {} {mean}", now.mean);
                }
            }
        }
    }

    #[test]
    fn means_over_all_steps_sum_to_the_area_of_an_event() {
        for w in waveforms() {
            let within = Within::new(w, Tick(50_000_000)).expect("a step");
            let mut now = within.event(0.0171);
            let mut area = now.mean * 0.05;
            for _ in 0..200_000 {
                now = within.step(now.g, now.h);
                area += now.mean * 0.05;
            }
            assert!((area / w.area() - 1.0).abs() < 1e-12, "{w:?} {area}");
        }
    }

    #[test]
    fn no_step_and_a_step_backwards_are_refused() {
        let w = Waveform::exponential(1.0).expect("a waveform");
        for dt in [Tick::ZERO, Tick(-1)] {
            assert_eq!(Within::new(w, dt), Err(WaveformError::Step { dt }));
        }
    }
}
