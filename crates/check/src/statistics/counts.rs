//! Counts: binomial, Poisson, multinomial.
//!
//! Tails by the incomplete beta and gamma functions up to [`EXACT`] trials or expected counts; beyond, where `statrs`
//! loses its way near the mean, by Chernoff's bound (Hoeffding 1963, J Am Stat Assoc 58:13, eq. 2.1), which is never
//! too narrow and about 10 % too wide at a rate of 1e-6.

use super::probability;
use numerics::math::{exp, ln};
use statrs::function::{beta::beta_reg, gamma};
use std::ops::RangeInclusive;

/// Trials up to which binomial tails are exact: to 1e-8 where they are below 1/4, to 1 % at the mean, where no decision
/// hangs on the digits. Poisson tails are so up to a tenth of it.
const EXACT: u64 = 1_000_000;
/// Added to every tail for the rounding of `statrs`.
const SLACK: f64 = 1e-7;

/// Both tails of a count at what was observed, the observed count included in each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tails {
    /// P(X <= observed), or more.
    pub lower: f64,
    /// P(X >= observed), or more.
    pub upper: f64,
}

impl Tails {
    /// Two-sided p-value: twice the smaller tail, at most 1. A correct program has one below `a` with probability `a`
    /// at most.
    #[must_use]
    pub fn p_value(self) -> f64 {
        (2.0 * self.lower.min(self.upper)).min(1.0)
    }
}

/// The tails of `observed` successes in `trials` of probability `p`: exact to a million trials, Chernoff's bound beyond.
///
/// ```
/// // 60 heads of 100 tosses: a table's 0.0284 at or above
/// let tails = check::statistics::binomial(60, 100, 0.5);
/// assert!((tails.upper - 0.028443966820).abs() < 1e-8);
/// ```
///
/// # Panics
/// Unless `0 <= p <= 1` and `observed <= trials`.
#[must_use]
pub fn binomial(observed: u64, trials: u64, p: f64) -> Tails {
    assert!((0.0..=1.0).contains(&p), "{p} is no probability");
    assert!(observed <= trials, "{observed} successes of {trials} trials");
    Tails { lower: binomial_upper(trials - observed, trials, 1.0 - p), upper: binomial_upper(observed, trials, p) }
}

/// P(X >= k), or more.
fn binomial_upper(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 || p == 1.0 {
        return 1.0;
    }
    if p == 0.0 {
        return 0.0;
    }
    if n <= EXACT {
        return (beta_reg(k as f64, (n - k) as f64 + 1.0, p) * (1.0 + SLACK)).min(1.0);
    }
    let share = k as f64 / n as f64;
    if share <= p {
        return 1.0;
    }
    // n times the relative entropy of share to p
    let miss = if k == n { 0.0 } else { (1.0 - share) * ln((1.0 - share) / (1.0 - p)) };
    (exp(-(n as f64) * (share * ln(share / p) + miss)) * (1.0 + SLACK)).min(1.0)
}

/// The counts of successes that a correct program of `trials` trials of probability `p` leaves with probability
/// `false_alarm` at most: half of it on either side.
///
/// # Panics
/// Unless `0 <= p <= 1` and `0 < false_alarm < 1`.
#[must_use]
pub fn binomial_band(trials: u64, p: f64, false_alarm: f64) -> RangeInclusive<u64> {
    let half = 0.5 * probability(false_alarm);
    // the fewest with a lower tail above half; the most with such an upper tail
    let low = first(0, trials, |k| binomial(k, trials, p).lower > half);
    let high = trials - first(0, trials, |miss| binomial(trials - miss, trials, p).upper > half);
    low..=high
}

/// The smallest number in `low..=high` for which `holds`, which once true stays so, and is at `high`.
fn first(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The probability that [`binomial_band`] catches a program whose true probability is `truth`: at least this much.
#[must_use]
pub fn binomial_power(trials: u64, p: f64, truth: f64, false_alarm: f64) -> f64 {
    let band = binomial_band(trials, p, false_alarm);
    // inside: P(X <= high) and P(X >= low) are both upper bounds of staying in
    let stays = binomial(*band.end(), trials, truth).lower.min(binomial(*band.start(), trials, truth).upper);
    1.0 - stays
}

/// The nearest probabilities below and above `p` that [`binomial_band`] misses with probability `miss` at most;
/// `None` where even 0 or 1 would be missed.
#[must_use]
pub fn binomial_detectable(trials: u64, p: f64, false_alarm: f64, miss: f64) -> (Option<f64>, Option<f64>) {
    let power = 1.0 - probability(miss);
    let towards = |end: f64| {
        if binomial_power(trials, p, end, false_alarm) < power {
            return None;
        }
        let (mut hidden, mut seen) = (p, end);
        for _ in 0..60 {
            let middle = 0.5 * (hidden + seen);
            if binomial_power(trials, p, middle, false_alarm) < power {
                hidden = middle;
            } else {
                seen = middle;
            }
        }
        Some(seen)
    };
    (towards(0.0), towards(1.0))
}

/// The tails of `observed` events of a Poisson law of expectation `mean`: exact to 100 000, Chernoff's bound beyond.
///
/// # Panics
/// Unless `mean` is finite and not negative.
#[must_use]
pub fn poisson(observed: u64, mean: f64) -> Tails {
    assert!(mean >= 0.0 && mean.is_finite(), "{mean} is no expected count");
    if mean == 0.0 {
        return Tails { lower: 1.0, upper: if observed == 0 { 1.0 } else { 0.0 } };
    }
    let k = observed as f64;
    let (lower, upper) = if k.max(mean) <= EXACT as f64 / 10.0 {
        // P(X >= k) is the lower incomplete gamma function of k, P(X <= k) the upper one of k + 1
        let upper = if observed == 0 { 1.0 } else { gamma::gamma_lr(k, mean) };
        (gamma::gamma_ur(k + 1.0, mean), upper)
    } else {
        let chernoff = exp(k - mean - if observed == 0 { 0.0 } else { k * ln(k / mean) });
        if k < mean { (chernoff, 1.0) } else { (1.0, chernoff) }
    };
    Tails { lower: (lower * (1.0 + SLACK)).min(1.0), upper: (upper * (1.0 + SLACK)).min(1.0) }
}

/// The counts that a correct program of expectation `mean` leaves with probability `false_alarm` at most.
///
/// # Panics
/// Unless `mean` is finite and not negative and `0 < false_alarm < 1`.
#[must_use]
pub fn poisson_band(mean: f64, false_alarm: f64) -> RangeInclusive<u64> {
    let half = 0.5 * probability(false_alarm);
    let above = mean.ceil() as u64;
    let low = first(0, above, |k| poisson(k, mean).lower > half);
    let mut far = above + 1;
    while poisson(far, mean).upper > half {
        far *= 2;
    }
    let high = first(0, far, |k| poisson(k, mean).upper <= half);
    low..=high.saturating_sub(1)
}

/// The probability that [`poisson_band`] catches a program whose true expectation is `truth`: at least this much.
#[must_use]
pub fn poisson_power(mean: f64, truth: f64, false_alarm: f64) -> f64 {
    let band = poisson_band(mean, false_alarm);
    1.0 - poisson(*band.end(), truth).lower.min(poisson(*band.start(), truth).upper)
}

/// The p-value of counts over kinds with `probabilities` (whose sum is 1): the smallest of the kinds' exact binomial
/// ones times their number (Bonferroni), so conservative at any expected count, where Pearson's chi-square is not.
///
/// # Panics
/// If the lengths differ, or the probabilities do not add up to 1 within 1e-9.
///
/// ```
/// use check::statistics::multinomial_test;
/// assert!(multinomial_test(&[167, 170, 150, 180, 165, 168], &[1.0 / 6.0; 6]) > 0.1);
/// assert!(multinomial_test(&[267, 150, 150, 150, 135, 148], &[1.0 / 6.0; 6]) < 1e-6);
/// ```
#[must_use]
pub fn multinomial_test(observed: &[u64], probabilities: &[f64]) -> f64 {
    assert_eq!(observed.len(), probabilities.len(), "one count a kind");
    let sum: f64 = probabilities.iter().sum();
    assert!((sum - 1.0).abs() < 1e-9, "the probabilities add up to {sum}");
    let trials = observed.iter().sum();
    let p_values = observed.iter().zip(probabilities).map(|(&k, &p)| binomial(k, trials, p).p_value());
    (p_values.fold(1.0, f64::min) * observed.len() as f64).min(1.0)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "oracles that are not ours")]
mod tests {
    use super::*;

    /// P(X >= k) by adding the law up, for small `n`.
    fn by_sum(k: u64, n: u64, p: f64) -> f64 {
        let mut sum = 0.0;
        let mut mass = (1.0 - p).powf(n as f64);
        for i in 0..=n {
            if i >= k {
                sum += mass;
            }
            mass *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
        }
        sum
    }

    #[test]
    fn binomial_tails_are_the_sums_of_the_law() {
        for n in [1, 2, 7, 40, 300] {
            for p in [0.001, 0.1, 0.5, 0.83] {
                for k in 0..=n {
                    let (tails, upper) = (binomial(k, n, p), by_sum(k, n, p));
                    assert!(tails.upper >= upper * (1.0 - 1e-11) && tails.upper <= upper * (1.0 + 3e-7) + 1e-300);
                    let lower = 1.0 - by_sum(k + 1, n, p);
                    assert!((tails.lower - lower).abs() < 2e-7, "{n} {p} {k}");
                }
            }
        }
    }

    #[test]
    fn binomial_tails_of_large_samples_are_those_of_tables() {
        // scipy 1.17.1 special.betainc (Boost)
        let known = [
            (550, 1000, 0.5, 0.000_865_268_042_488_151_3),
            (502_500, 1_000_000, 0.5, 2.881_270_818_871_517_4e-7),
            (1160, 1_000_000, 0.001, 4.203_634_645_608_881e-7),
            (90, 100, 0.5, 1.531_645_087_718_992_3e-17),
        ];
        for (k, n, p, want) in known {
            let upper = binomial(k, n, p).upper;
            assert!(upper >= want && upper < want * 1.000_000_3, "{k} of {n}: {upper:e}");
            // symmetry
            assert_eq!(binomial(n - k, n, 1.0 - p).lower.to_bits(), binomial_upper(k, n, 1.0 - (1.0 - p)).to_bits());
        }
        // beyond the exact: 500 080 000 of 1e9 at 1/2 has 2.1005451914e-7
        let upper = binomial(500_080_000, 1_000_000_000, 0.5).upper;
        assert!((2.1e-7..=2.1e-7 * 15.0).contains(&upper), "{upper:e}");
    }

    #[test]
    fn bands_are_the_widest_that_leave_no_more_than_the_rate_outside() {
        for (n, p, rate) in [(100, 0.5, 1e-6), (20, 0.1, 1e-3), (1000, 0.003, 1e-6), (300, 0.85, 0.05)] {
            let band = binomial_band(n, p, rate);
            let (low, high) = (*band.start(), *band.end());
            let (below, above) = (1.0 - by_sum(low, n, p), by_sum(high + 1, n, p));
            assert!(below <= 0.5 * rate && above <= 0.5 * rate, "{n} {p}: {below} {above}");
            assert!(1.0 - by_sum(low + 1, n, p) > 0.499 * rate, "{n} {p}: could be narrower below");
            assert!(by_sum(high, n, p) > 0.499 * rate, "{n} {p}: could be narrower above");
        }
        // a textbook's: 100 tosses at 5 %: 40 to 60
        assert_eq!(binomial_band(100, 0.5, 0.05), 40..=60);
        assert_eq!(binomial_band(10, 0.0, 1e-6), 0..=0);
        assert_eq!(binomial_band(10, 1.0, 1e-6), 10..=10);
        assert_eq!(binomial_band(0, 0.5, 1e-6), 0..=0);
    }

    #[test]
    fn chernoff_s_band_holds_the_normal_one_and_is_little_wider() {
        let n = 100_000_000;
        let sd = (n as f64 * 0.3 * 0.7).sqrt();
        let band = binomial_band(n, 0.3, 1e-6);
        let half = (*band.end() as f64 - 0.3 * n as f64) / sd;
        assert!(half > 4.8916 && half < 5.45, "{half} standard deviations");
    }

    #[test]
    fn power_says_what_a_test_would_have_caught() {
        let (n, p) = (10_000, 0.2);
        assert!(binomial_power(n, p, p, 1e-6) <= 1.1e-6);
        let (below, above) = binomial_detectable(n, p, 1e-6, 1e-3);
        let (below, above) = (below.unwrap(), above.unwrap());
        // z(1e-6) + z one-sided 1e-3 = 4.89 + 3.09 standard deviations of 0.004
        assert!((above - 0.2 - 7.98 * 0.004).abs() < 0.002, "{above}");
        assert!((0.2 - below - 7.98 * 0.004).abs() < 0.002, "{below}");
        assert!(binomial_power(n, p, above, 1e-6) >= 0.999);
        assert!(binomial_power(n, p, 0.999 * above, 1e-6) < 0.999);
        // three trials can never tell
        assert_eq!(binomial_detectable(3, 0.5, 1e-6, 1e-3), (None, None));
    }

    #[test]
    fn poisson_tails_are_the_sums_of_the_law_and_large_ones_those_of_tables() {
        for mean in [0.01_f64, 1.0, 7.5, 60.0] {
            let mut mass = (-mean).exp();
            let (mut below, mut k) = (0.0, 0_u64);
            while k < 150 {
                let tails = poisson(k, mean);
                assert!((tails.upper - (1.0 - below)).abs() < 2e-7, "{mean} {k}");
                below += mass;
                assert!((tails.lower - below).abs() < 2e-7, "{mean} {k}");
                // far out the tail is its first terms
                if k as f64 > 3.0 * mean + 30.0 && mass > 1e-290 {
                    let (mut term, mut sum) = (mass, 0.0);
                    for i in 1..60 {
                        sum += term;
                        term *= mean / (k + i) as f64;
                    }
                    assert!((tails.upper / sum - 1.0).abs() < 2e-7, "{mean} {k}: {} {sum}", tails.upper);
                }
                mass *= mean / (k + 1) as f64;
                k += 1;
            }
        }
        // scipy: gammainc(5400, 5000) and gammaincc(4600 + 1, 5000)
        assert!((poisson(5400, 5000.0).upper / 1.207_629_631_221_479_3e-8 - 1.0).abs() < 2e-7);
        assert!((poisson(4600, 5000.0).lower / 5.164_037_418_968_303e-9 - 1.0).abs() < 2e-7);
        let (exact, bound) = (poisson(90_000, 91_500.0).lower, exp(90_000.0 - 91_500.0 - 90_000.0 * ln(90.0 / 91.5)));
        assert!(exact < bound && bound < 20.0 * exact, "{exact:e} {bound:e}");
    }

    #[test]
    fn poisson_bands_and_power() {
        assert_eq!(poisson_band(0.0, 1e-6), 0..=0);
        // Garwood's: P(X >= 19 | 10) = 0.0072, P(X >= 20) = 0.0035, P(X <= 2) = 0.0028, P(X <= 3) = 0.0103
        assert_eq!(poisson_band(10.0, 0.01), 3..=19);
        let band = poisson_band(1e7, 1e-6);
        let z = (*band.end() as f64 - 1e7) / 1e7_f64.sqrt();
        assert!(z > 4.8916 && z < 5.45, "{z}");
        assert!(poisson_power(100.0, 100.0, 1e-6) <= 1.1e-6);
        assert!(poisson_power(100.0, 200.0, 1e-6) > 0.999);
    }

    #[test]
    fn a_kind_with_too_many_is_caught_and_a_fair_one_is_not() {
        assert_eq!(multinomial_test(&[10, 0], &[1.0, 0.0]), 1.0);
        assert_eq!(multinomial_test(&[10, 1], &[1.0, 0.0]), 0.0);
        assert!(multinomial_test(&[50, 50], &[0.5, 0.5]) == 1.0);
    }

    #[test]
    #[should_panic(expected = "not a rate")]
    fn a_rate_of_zero_is_refused() {
        let _ = binomial_band(10, 0.5, 0.0);
    }
}
