//! Distances between distributions: Kolmogorov-Smirnov with bounds that hold at every sample size.
//!
//! P(D_n > d) <= 2 exp(-2 n d^2) for any law, exact in the limit for continuous ones. Sources: Dvoretzky, Kiefer &
//! Wolfowitz (1956) Ann Math Stat 27:642; the constant 2: Massart (1990) Ann Probab 18:1269.

use super::probability;
use numerics::math::ln;

/// What the [`ks_distance`] of `n` independent draws from the right law exceeds with probability `false_alarm` at most.
#[must_use]
pub fn ks_bound(n: u64, false_alarm: f64) -> f64 {
    (-ln(0.5 * probability(false_alarm)) / (2.0 * n as f64)).sqrt()
}

/// What the [`ks_two_sample_distance`] of `n` and `m` draws from one law exceeds with probability `false_alarm` at most:
/// by the triangle inequality, so wider than need be (by 1.4 for n = m).
#[must_use]
pub fn ks_two_sample_bound(n: u64, m: u64, false_alarm: f64) -> f64 {
    ks_bound(n, 0.5 * probability(false_alarm)) + ks_bound(m, 0.5 * false_alarm)
}

/// A distance between the true law and the tested one that [`ks_bound`] misses with probability `miss` at most.
#[must_use]
pub fn ks_detectable(n: u64, false_alarm: f64, miss: f64) -> f64 {
    ks_bound(n, false_alarm) + ks_bound(n, miss)
}

/// The largest distance between the sample's distribution function and `cdf`, a continuous one. Sorts the sample.
///
/// # Panics
/// If the sample is empty or holds NaN.
pub fn ks_distance(sample: &mut [f64], cdf: impl Fn(f64) -> f64) -> f64 {
    assert!(!sample.is_empty() && !sample.iter().any(|x| x.is_nan()), "a sample is of numbers");
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let gaps = sample.iter().enumerate().map(|(i, &x)| {
        let p = cdf(x);
        assert!((0.0..=1.0).contains(&p), "cdf({x}) = {p}");
        ((i + 1) as f64 / n - p).max(p - i as f64 / n)
    });
    gaps.fold(0.0, f64::max)
}

/// The largest distance between the distribution functions of two samples, of any law, ties and all. Sorts them.
///
/// # Panics
/// If a sample is empty or holds NaN.
pub fn ks_two_sample_distance(a: &mut [f64], b: &mut [f64]) -> f64 {
    for sample in [&mut *a, &mut *b] {
        assert!(!sample.is_empty() && !sample.iter().any(|x| x.is_nan()), "a sample is of numbers");
        // not by total_cmp alone: -0 and 0 tie
        sample.sort_by(|x, y| (x + 0.0).total_cmp(&(y + 0.0)));
    }
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|&&y| y <= x).count();
        j += b[j..].iter().take_while(|&&y| y <= x).count();
        largest = largest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_massart_s() {
        // sqrt(ln(2e6) / 2n), n = 1e4
        assert!((ks_bound(10_000, 1e-6) - 0.026_933_9).abs() < 1e-6, "{}", ks_bound(10_000, 1e-6));
        // Smirnov's asymptotic 5 % value, 1.3581 / sqrt(n)
        assert!((ks_bound(1_000_000, 0.05) * 1000.0 - 1.358_1).abs() < 1e-3);
        let two = ks_two_sample_bound(500, 500, 1e-3);
        assert!(two > 1.358 * (2.0_f64 / 500.0).sqrt() && two < 2.1 * ks_bound(500, 1e-3));
        assert!(ks_detectable(100, 1e-6, 1e-3) > ks_bound(100, 1e-6));
    }

    #[test]
    fn distances_are_those_counted_by_hand() {
        let uniform = |x: f64| x.clamp(0.0, 1.0);
        assert_eq!(ks_distance(&mut [0.5], uniform), 0.5);
        assert_eq!(ks_distance(&mut [0.75, 0.25], uniform), 0.25);
        assert_eq!(ks_distance(&mut [0.9, 0.9, 0.9, 0.9], uniform), 0.9);
        assert_eq!(ks_two_sample_distance(&mut [1.0, 2.0, 3.0], &mut [1.0, 2.0, 3.0]), 0.0);
        assert_eq!(ks_two_sample_distance(&mut [0.0, -0.0], &mut [-0.0, 0.0]), 0.0);
        assert_eq!(ks_two_sample_distance(&mut [1.0, 1.0, 2.0, 2.0], &mut [2.0, 2.0, 1.0, 2.0]), 0.25);
        assert_eq!(ks_two_sample_distance(&mut [5.0], &mut [1.0, 2.0]), 1.0);
    }

    #[test]
    fn draws_of_the_law_pass_and_of_another_at_the_detectable_distance_do_not() {
        use numerics::rng::StreamKey;
        let mut draws = StreamKey::new(2026, 0, 1, 0).at(0, 0);
        let n = 20_000;
        let mut sample: Vec<f64> = (0..n).map(|_| draws.uniform()).collect();
        // false alarm 1e-6
        assert!(ks_distance(&mut sample, |x| x) < ks_bound(n, 1e-6));
        // the twin: x^k has distance ks_detectable from x at its furthest; missed with probability 1e-6
        let wanted = ks_detectable(n, 1e-6, 1e-6);
        let shifted = |x: f64| (x - wanted).clamp(0.0, 1.0);
        assert!(ks_distance(&mut sample, shifted) > ks_bound(n, 1e-6));
    }
}
