//! The shape of a mean trace that still has some noise: no single sample decides.

use numerics::math;

/// From which share of the peak on samples say where it is.
const TOP: f64 = 0.9;
/// Between these shares of the peak its decay is taken.
const FALLS: (f64, f64) = (0.8, 0.2);

/// Numbers of a trace, from its first sample on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// With its sign.
    pub peak: f64,
    /// From the beginning that was given on, ms.
    pub time: f64,
    /// Time constant, ms; NaN if it does not come down so far.
    pub decay: f64,
    /// Unit of the trace times ms.
    pub area: f64,
    base: f64,
}

impl Shape {
    /// Of samples `every` ms; what comes before `begins` is no response.
    pub fn find(mean: &[f64], every: f64, begins: f64) -> Self {
        let base = mean.first().copied().unwrap_or(f64::NAN);
        let from = ((begins / every) as usize).min(mean.len());
        let y = |k: usize| mean[k] - base;
        let top = (from..mean.len()).max_by(|a, b| y(*a).abs().total_cmp(&y(*b).abs())).unwrap_or(0);
        let area = mean.iter().map(|x| x - base).sum::<f64>() * every;
        let none = Self { peak: 0.0, time: f64::NAN, decay: f64::NAN, area, base };
        if mean.is_empty() || y(top) == 0.0 {
            return none;
        }
        let sign = y(top).signum();
        let high = |k: &usize| sign * y(*k) >= TOP * sign * y(top);
        let first = (from..=top).rev().take_while(high).last().unwrap_or(top);
        let last = (top..mean.len()).take_while(high).last().unwrap_or(top);
        let (at, peak) = vertex(first, last, |k| sign * y(k)).unwrap_or((top as f64, sign * y(top)));
        let falls = |share: f64| {
            let k = (top..mean.len()).find(|k| sign * y(*k) < share * peak)?;
            let (a, b) = (sign * y(k - 1), sign * y(k));
            Some(k as f64 - (share * peak - b) / (a - b))
        };
        let decay = match (falls(FALLS.0), falls(FALLS.1)) {
            (Some(a), Some(b)) => (b - a) * every / math::ln(FALLS.0 / FALLS.1),
            _ => f64::NAN,
        };
        Self { peak: sign * peak, time: at * every - begins, decay, area, base }
    }

    /// Samples at half of the peak or more.
    pub fn high(&self, mean: &[f64]) -> Vec<usize> {
        (0..mean.len()).filter(|k| (mean[*k] - self.base) * self.peak >= 0.5 * self.peak * self.peak).collect()
    }
}

/// Where the cubic of least squares through samples `first..=last` has its top, and how high it is; none if there are fewer than
/// five, or it has none there. (A peak rises faster than it falls: a parabola would be drawn to its flatter side.)
fn vertex(first: usize, last: usize, y: impl Fn(usize) -> f64) -> Option<(f64, f64)> {
    let n = last + 1 - first;
    if n < 5 {
        return None;
    }
    // From -1 to 1, so that odd moments are 0 and no power is large.
    let (middle, half) = (0.5 * (first + last) as f64, 0.5 * (n - 1) as f64);
    let (mut s, mut m) = ([0.0; 4], [0.0; 4]);
    for k in first..=last {
        let x = (k as f64 - middle) / half;
        let powers = [1.0, x, x * x, x * x * x];
        for (power, (s, m)) in powers.into_iter().zip(s.iter_mut().zip(&mut m)) {
            *s += power * power;
            *m += power * y(k);
        }
    }
    let solve = |[p, q, r]: [f64; 3], [u, v]: [f64; 2]| {
        let det = p * r - q * q;
        [(r * u - q * v) / det, (p * v - q * u) / det]
    };
    let [a, c] = solve([s[0], s[1], s[2]], [m[0], m[2]]);
    let [b, d] = solve([s[1], s[2], s[3]], [m[1], m[3]]);
    let x = b / ((c * c - 3.0 * b * d).sqrt() - c);
    (c < 0.0 && x.abs() <= 1.0).then_some((middle + half * x, a + x * (b + x * (c + x * d))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_has_its_closed_form() {
        // t exp(1 - t / 2) / 2 from 3 ms on, on 5: peak 1 at 2 ms, area 2 e; 80 to 20 % on the way down.
        let every = 0.01;
        let pulse = |t: f64| if t > 3.0 { 0.5 * (t - 3.0) * math::exp(1.0 - 0.5 * (t - 3.0)) } else { 0.0 };
        for sign in [1.0, -1.0] {
            let mean: Vec<f64> = (0..6000).map(|k| 5.0 + sign * pulse(k as f64 * every)).collect();
            let shape = Shape::find(&mean, every, 3.0);
            println!("{shape:?}");
            assert!((sign * shape.peak - 1.0).abs() < 2e-3 && (shape.time - 2.0).abs() < 0.05);
            assert!((sign * shape.area - 2.0 * std::f64::consts::E).abs() < 1e-4);
            // Crossings at 3.64878 and 7.98862 ms.
            assert!((shape.decay - (7.988_62 - 3.648_78) / math::ln(4.0)).abs() < 0.02, "{}", shape.decay);
            assert!((shape.high(&mean).len() as f64 * every - 4.89).abs() < 0.05);
        }
    }

    #[test]
    fn what_does_not_respond_has_no_shape() {
        let shape = Shape::find(&[1.0; 9], 0.1, 0.0);
        assert_eq!((shape.peak, shape.area), (0.0, 0.0));
        assert!(shape.time.is_nan() && shape.decay.is_nan());
        assert!(Shape::find(&[], 0.1, 0.0).area.abs() < 1e-300);
    }
}
