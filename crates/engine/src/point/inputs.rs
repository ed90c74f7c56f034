//! Plain currents in closed form: `g(t) = g0 e^(-t/d) + h0 f(t)`, f the waveform after an event; and what a leak makes of them.

use crate::receptor::waveform::Waveform;
use numerics::math;

/// From this share on, rise and decay are told apart by their difference.
const APART: f64 = 0.9;
/// Arguments of exponentials nearer than this are summed as a series.
const NEAR: f64 = 1.0;
/// Terms of that series: the first that is left out is below 1e-16.
const TERMS: usize = 18;

/// A waveform, ready to be evaluated at any time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Course {
    waveform: Waveform,
    /// /ms; none for the exponential.
    rise: Option<f64>,
    /// /ms
    decay: f64,
    /// Of g' = -g decay + scale h, /ms.
    scale: f64,
    /// Scale over the difference of the rates, where they are apart.
    apart: Option<f64>,
}

impl Course {
    pub fn new(waveform: Waveform) -> Self {
        let (rise, decay) = waveform.constants();
        let share = waveform.area() / decay;
        let (scale, rise_rate) = rise.map_or((0.0, None), |r| (share / r, Some(1.0 / r)));
        let apart = rise.filter(|r| *r < APART * decay).map(|r| scale / (1.0 / r - 1.0 / decay));
        Self { waveform, rise: rise_rate, decay: 1.0 / decay, scale, apart }
    }

    /// What an event of weight 1 adds to g and h.
    pub fn born(&self) -> (f64, f64) {
        if self.rise.is_some() { (0.0, 1.0) } else { (1.0, 0.0) }
    }

    /// Of `g' = -g decay + scale h`, `h' = -h rise`: decay, scale and rise, /ms.
    pub fn rates(&self) -> (f64, f64, f64) {
        (self.decay, self.scale, self.rise.unwrap_or(0.0))
    }

    /// The fastest of its rates, /ms.
    pub fn fastest(&self) -> f64 {
        self.decay.max(self.scale).max(self.rise.unwrap_or(0.0))
    }

    /// g and h after `t` ms.
    pub fn after(&self, (g, h): (f64, f64), t: f64) -> (f64, f64) {
        let lost = math::expm1(-t * self.decay);
        let kept = g.mul_add(lost, g);
        let Some(rise) = self.rise else { return (kept, 0.0) };
        let gone = math::expm1(-t * rise);
        let fed = match self.apart {
            Some(scale) => scale * (lost - gone),
            None => self.waveform.at(t),
        };
        (h.mul_add(fed, kept), h.mul_add(gone, h))
    }

    /// More than the slope of g can be in size from now on, per ms; and more than g.
    pub fn bounds(&self, (g, h): (f64, f64)) -> (f64, f64) {
        let most = g.abs() + h.abs();
        (self.scale.mul_add(h.abs(), self.decay * most), most)
    }

    /// `integral of e^(-leak (t - s)) g(s) ds` over 0 to `t`: what a leak of that rate keeps, ms times g.
    pub fn kept(&self, (g, h): (f64, f64), leak: f64, t: f64) -> f64 {
        let of_g = g * pair(leak, self.decay, t);
        match self.rise {
            Some(rise) => (self.scale * h).mul_add(triple([leak, self.decay, rise], t), of_g),
            None => of_g,
        }
    }
}

/// `(e^(-a t) - e^(-b t)) / (b - a)`, well conditioned for any a and b, equal ones as well.
fn pair(a: f64, b: f64, t: f64) -> f64 {
    let (low, high) = (a.min(b), a.max(b));
    t * math::exp(-low * t) / math::exprelr(-(high - low) * t)
}

/// The convolution of three decays: the second divided difference of `e^(-x t)`.
fn triple(mut rates: [f64; 3], t: f64) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    let [a, b, c] = rates;
    if (c - a) * t >= NEAR {
        return (pair(a, b, t) - pair(b, c, t)) / (c - a);
    }
    // e^(-b t) t^2 sum of h_k(y) / (k + 2)!, h_k the complete homogeneous polynomials of what is left: Opitz (1964).
    let y = [(b - a) * t, 0.0, (b - c) * t];
    let (mut one, mut sum) = ([1.0; 3], 0.5);
    let mut factorial = 2.0;
    for k in 1..TERMS {
        one[0] *= y[0];
        one[1] = one[0] + y[1] * one[1];
        one[2] = one[1] + y[2] * one[2];
        factorial *= (k + 2) as f64;
        sum += one[2] / factorial;
    }
    math::exp(-b * t) * t * t * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Simpson's rule.
    fn convolved(course: &Course, state: (f64, f64), leak: f64, t: f64) -> f64 {
        let n = 2000;
        let h = t / f64::from(n);
        let of = |k: i32| {
            let s = h * f64::from(k);
            let weight = if k == 0 || k == n { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
            weight * math::exp(-leak * (t - s)) * course.after(state, s).0
        };
        (0..=n).map(of).sum::<f64>() * h / 3.0
    }

    #[test]
    fn what_a_leak_keeps_is_the_convolution_whichever_constants_coincide() {
        let bi = |rise, decay| Waveform::biexponential(rise, decay).expect("a waveform");
        for (w, leak) in [
            (Waveform::exponential(3.0).expect("a waveform"), 0.1),
            (Waveform::exponential(10.0).expect("a waveform"), 0.1),
            (bi(0.3, 3.0), 0.1),
            (bi(0.3, 10.0), 0.1),
            (bi(2.0, 2.0), 0.5),
            (bi(2.0, 2.0), 0.1),
            (bi(1.9999, 2.0), 0.500_01),
            (bi(0.1, 50.0), 2.0),
        ] {
            let course = Course::new(w);
            for t in [0.01, 0.1, 1.0, 4.0, 20.0] {
                let state = (0.7, 1.9);
                let (got, want) = (course.kept(state, leak, t), convolved(&course, state, leak, t));
                assert!((got / want - 1.0).abs() < 2e-9, "{w:?} {leak} {t}: {got} {want}");
            }
        }
    }

    #[test]
    fn a_double_convolution_has_no_seam_where_its_series_begins() {
        for (a, b, c) in [(0.1, 0.4, 1.1), (0.5, 0.5, 1.5), (0.2, 1.2, 1.2)] {
            let t = NEAR / (c - a);
            let (below, above) = (triple([a, b, c], t * (1.0 - 1e-13)), triple([a, b, c], t * (1.0 + 1e-13)));
            assert!((below / above - 1.0).abs() < 1e-12, "{below} {above}");
        }
    }
}
