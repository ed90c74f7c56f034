//! Means and variances: normal, Student, chi-square, and the bounds of Hoeffding and Bernstein for any law.

use super::probability;
use numerics::math::{ln, normal_quantile};
use statrs::function::{beta::beta_reg, gamma};

/// Where a statistic lies, unless with probability `false_alarm` at most. In the statistic's unit, ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Band {
    /// Whether the statistic lies within; NaN does not.
    #[must_use]
    pub fn contains(&self, x: f64) -> bool {
        self.low <= x && x <= self.high
    }

    fn about(centre: f64, half: f64) -> Self {
        Self { low: centre - half, high: centre + half }
    }
}

/// How many standard deviations a normal variable stays within, unless with probability `false_alarm`, both sides
/// together: 4.89 at 1e-6. Relative error 2e-15.
#[must_use]
pub fn z(false_alarm: f64) -> f64 {
    -normal_quantile(0.5 * probability(false_alarm))
}

/// Of the mean of `n` independent normal variables of known `mean` and standard deviation `sd`. Exact; for other laws
/// it is only their limit at large `n`: there use [`bernstein_band`].
#[must_use]
pub fn mean_band(mean: f64, sd: f64, n: u64, false_alarm: f64) -> Band {
    Band::about(mean, z(false_alarm) * sd / (n as f64).sqrt())
}

/// The shift of the mean that [`mean_band`] misses with probability `miss` at most: `(z + z_miss) sd / sqrt(n)`.
#[must_use]
pub fn mean_detectable(sd: f64, n: u64, false_alarm: f64, miss: f64) -> f64 {
    (z(false_alarm) - normal_quantile(probability(miss))) * sd / (n as f64).sqrt()
}

/// Of the mean of `n` independent normal variables of known `mean`, by the standard deviation `sd` found in the sample
/// itself (with n - 1). Exact. Source: Student (1908) Biometrika 6:1.
///
/// # Panics
/// Unless `n >= 2`.
#[must_use]
pub fn student_band(mean: f64, sd: f64, n: u64, false_alarm: f64) -> Band {
    assert!(n >= 2, "a sample of {n} has no spread");
    let freedom = (n - 1) as f64;
    // P(|T| > t) = I_x(freedom/2, 1/2) with x = freedom / (freedom + t^2)
    let tail = |t: f64| beta_reg(0.5 * freedom, 0.5, freedom / t.mul_add(t, freedom));
    let t = falling(tail, probability(false_alarm));
    Band::about(mean, t * sd / (n as f64).sqrt())
}

/// The value that a chi-square variable of `freedom` degrees exceeds with probability `tail`.
#[must_use]
pub fn chi_square_upper(freedom: u64, tail: f64) -> f64 {
    assert!(freedom > 0, "a sum of no squares is 0");
    2.0 * falling(|x| gamma::gamma_ur(0.5 * freedom as f64, x), probability(tail))
}

/// The value that a chi-square variable of `freedom` degrees falls below with probability `tail`.
#[must_use]
pub fn chi_square_lower(freedom: u64, tail: f64) -> f64 {
    assert!(freedom > 0, "a sum of no squares is 0");
    let tail = probability(tail);
    if freedom <= 2_000 {
        // the reflected search: 1/x falls as x grows
        return 2.0 / falling(|inverse| gamma::gamma_lr(0.5 * freedom as f64, 1.0 / inverse), tail);
    }
    // Laurent & Massart (2000) Ann Stat 28:1302, lemma 1: never too narrow
    let freedom = freedom as f64;
    freedom - 2.0 * (freedom * -ln(tail)).sqrt()
}

/// Where the falling function `f` on (0, inf) has `f(x) = y`, from above: f there is `y` or less.
fn falling(f: impl Fn(f64) -> f64, y: f64) -> f64 {
    let (mut low, mut high) = (1.0, 1.0);
    while f(high) > y {
        high *= 2.0;
    }
    while f(low) <= y {
        low *= 0.5;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) > y {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Of the variance (with n - 1) of `n` independent normal variables of standard deviation `sd`. Exact.
///
/// # Panics
/// Unless `n >= 2`.
#[must_use]
pub fn variance_band(sd: f64, n: u64, false_alarm: f64) -> Band {
    assert!(n >= 2, "a sample of {n} has no spread");
    let half = 0.5 * probability(false_alarm);
    let scale = sd * sd / (n - 1) as f64;
    Band { low: (scale * chi_square_lower(n - 1, half)).max(0.0), high: scale * chi_square_upper(n - 1, half) }
}

/// Of the mean of `n` independent variables of known `mean`, all within `low..=high`, of whatever law: wide.
///
/// Source: Hoeffding (1963) J Am Stat Assoc 58:13, theorem 2.
#[must_use]
pub fn hoeffding_band(mean: f64, (low, high): (f64, f64), n: u64, false_alarm: f64) -> Band {
    let half = (high - low) * (-ln(0.5 * probability(false_alarm)) / (2.0 * n as f64)).sqrt();
    Band::about(mean, half)
}

/// Of the mean of `n` independent variables of known `mean` and standard deviation `sd`, none further than `reach` from
/// the mean, of whatever law: at large `n` 8 % wider than [`mean_band`] at a rate of 1e-6.
///
/// Source: Bernstein (1946); Boucheron, Lugosi & Massart, Concentration Inequalities (2013), corollary 2.11:
/// P(sum >= t) <= exp(-t^2 / 2 (n sd^2 + reach t / 3)), solved for t.
#[must_use]
pub fn bernstein_band(mean: f64, sd: f64, reach: f64, n: u64, false_alarm: f64) -> Band {
    let (level, n) = (-ln(0.5 * probability(false_alarm)), n as f64);
    let linear = level * reach / 3.0;
    let half = (linear + (linear * linear + 2.0 * level * n * sd * sd).sqrt()) / n;
    Band::about(mean, half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(x: f64, want: f64, relative: f64) {
        assert!((x / want - 1.0).abs() < relative, "{x} is not {want}");
    }

    #[test]
    fn quantiles_are_those_of_tables() {
        // scipy 1.17.1: norm.isf, t.isf, chi2.isf, chi2.ppf
        near(z(0.05), 1.959_963_984_540_054, 1e-14);
        near(z(1e-6), 4.891_638_475_698_591, 1e-14);
        for (freedom, rate, want) in [
            (1, 0.05, 12.706_204_736_174_705),
            (5, 0.05, 2.570_581_835_636_315_5),
            (5, 1e-6, 28.478_473_462_984_212),
            (30, 1e-6, 6.119_075_620_384_216),
            (1000, 1e-6, 4.922_289_523_429_588),
            (100_000, 1e-3, 3.290_624_031_411_883),
        ] {
            let band = student_band(3.0, 2.0, freedom + 1, rate);
            near((band.high - 3.0) / 2.0 * ((freedom + 1) as f64).sqrt(), want, 1e-7);
            near(band.high - 3.0, 3.0 - band.low, 1e-12);
        }
        for (freedom, tail, upper, lower) in [
            (1, 0.05, 3.841_458_820_694_128_5, 0.003_932_140_000_019_522),
            (1, 1e-6, 23.928_126_976_934_827, 1.570_796_326_795_718_7e-12),
            (10, 1e-6, 46.863_046_846_784_385, 0.338_126_003_242_954_5),
            (100, 1e-6, 182.126_777_119_547_65, 46.501_330_715_893_14),
            (1000, 1e-9, 1_291.957_866_235_602_3, 754.633_063_178_293_2),
            (100_000, 1e-6, 102_140.211_006_464_61, 97_888.582_218_437_35),
        ] {
            near(chi_square_upper(freedom, tail), upper, 1e-8);
            if freedom <= 2000 {
                near(chi_square_lower(freedom, tail), lower, 1e-8);
            } else {
                let found = chi_square_lower(freedom, tail);
                assert!(found < lower && found > lower - 0.2 * (freedom as f64 - lower), "{found} {lower}");
            }
        }
    }

    #[test]
    fn what_a_band_misses_it_misses_as_often_as_stated() {
        let shift = mean_detectable(2.0, 400, 1e-6, 1e-3);
        // the band's end, seen from the shifted mean, is 3.0902 standard errors away
        let band = mean_band(10.0, 2.0, 400, 1e-6);
        near((10.0 + shift - band.high) / 0.1, 3.090_232_306_167_813, 1e-12);
        assert!(band.contains(10.48) && !band.contains(10.49) && !band.contains(f64::NAN));
    }

    #[test]
    fn bounds_for_any_law_are_wider_than_the_normal_one_and_not_absurdly() {
        // a fair coin: sd 1/2, reach 1/2
        for n in [100, 10_000, 1_000_000] {
            let normal = mean_band(0.5, 0.5, n, 1e-6).high - 0.5;
            let bernstein = bernstein_band(0.5, 0.5, 0.5, n, 1e-6).high - 0.5;
            let hoeffding = hoeffding_band(0.5, (0.0, 1.0), n, 1e-6).high - 0.5;
            assert!(normal < hoeffding && hoeffding < 1.11 * normal, "{n}: {normal} {hoeffding}");
            assert!(hoeffding < bernstein && bernstein < (1.11 + 4.0 / (n as f64).sqrt()) * normal);
            // both hold the exact binomial band
            let exact = super::super::binomial_band(n, 0.5, 1e-6);
            assert!(hoeffding * n as f64 >= *exact.end() as f64 - 0.5 * n as f64);
        }
    }

    #[test]
    fn the_variance_of_normal_draws_has_the_chi_square_band() {
        let band = variance_band(3.0, 11, 0.05);
        // scipy: chi2(10) 0.025 and 0.975
        near(band.low, 9.0 * 3.246_972_780_236_841 / 10.0, 1e-8);
        near(band.high, 9.0 * 20.483_177_350_807_39 / 10.0, 1e-8);
        let large = variance_band(1.0, 100_001, 1e-6);
        // its sd is sqrt(2/n) = 0.00447; 4.89 of them, and Laurent's bound below
        assert!((large.high - 1.0 - 4.89 * 0.004_472).abs() < 0.0003, "{large:?}");
        assert!(large.low < 1.0 - 4.89 * 0.004_472 + 0.0003 && large.low > 1.0 - 5.6 * 0.004_472, "{large:?}");
    }
}
