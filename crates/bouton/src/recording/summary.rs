//! A measure over its trials: mean or share, with its uncertainty.

use super::{Measure, MeasureKind};
use numerics::bracket;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A measure boiled down; in its unit. NaN where there are too few values for a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Trials that have a value.
    pub n: usize,
    /// Mean; the share of yes for a proportion. NaN without values.
    pub mean: f64,
    /// Standard deviation of the sample (n - 1); NaN below two values.
    pub sd: f64,
    /// Standard error of the mean, sd / sqrt(n); NaN below two values.
    pub sem: f64,
    /// Lower end of the 95 % interval of the mean: Student's t, or Wilson's score for a proportion.
    pub low95: f64,
    /// Its upper end.
    pub high95: f64,
    /// Median; of an even number of values the mean of the middle two. NaN without values.
    pub median: f64,
}

/// The 97.5 % quantile of the normal law.
const Z: f64 = 1.959_963_984_540_054;

/// Boils a measure down. NaN among its values are trials without one and are left out.
///
/// The interval of a mean takes the values to be independent and their mean to be normal, as it nearly is from some
/// tens of trials on. For a proportion it is Wilson's, which holds at 0 and 1 and needs one value only.
#[must_use]
pub fn summary(measure: &Measure) -> Summary {
    let mut values: Vec<f64> = measure.values.iter().copied().filter(|v| !v.is_nan()).collect();
    let n = values.len();
    let count = n as f64;
    let nan = f64::NAN;
    if n == 0 {
        return Summary { n, mean: nan, sd: nan, sem: nan, low95: nan, high95: nan, median: nan };
    }
    let mean = values.iter().sum::<f64>() / count;
    let spread: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let sd = if n < 2 { nan } else { (spread / (count - 1.0)).sqrt() };
    let sem = sd / count.sqrt();
    let (low95, high95) = match measure.kind {
        MeasureKind::Mean if n < 2 => (nan, nan),
        MeasureKind::Mean => {
            let half = t_quantile(count - 1.0) * sem;
            (mean - half, mean + half)
        }
        MeasureKind::Proportion => wilson(mean, count),
    };
    values.sort_by(f64::total_cmp);
    let median = if n % 2 == 1 { values[n / 2] } else { 0.5 * (values[n / 2 - 1] + values[n / 2]) };
    Summary { n, mean, sd, sem, low95, high95, median }
}

/// Wilson's 95 % interval of a share `p` of `n`.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).max(0.0).sqrt();
    // At 0 and 1 the ends are exact; rounding would leave 1e-17.
    let low = if p <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if p >= 1.0 { 1.0 } else { (centre + half).min(1.0) };
    (low, high)
}

/// The 97.5 % quantile of Student's t with `freedom` >= 1. Its law is statrs's; its inverse is not, which is off by
/// 2 % at some arguments.
pub(crate) fn t_quantile(freedom: f64) -> f64 {
    let Ok(law) = StudentsT::new(0.0, 1.0, freedom) else { return f64::NAN };
    bracket::root(|t| law.cdf(t) - 0.975, 1.9, 13.0, 1e-12).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_is_that_of_the_tables() {
        // Abramowitz & Stegun, table 26.10, more digits from R's qt(0.975, n).
        for (n, t) in [
            (1.0, 12.706_204_736_432_1),
            (2.0, 4.302_652_729_911_28),
            (3.0, 3.182_446_305_284_26),
            (9.0, 2.262_157_162_740_99),
            (30.0, 2.042_272_456_301_24),
            (1000.0, 1.962_339_080_826_41),
        ] {
            let got = t_quantile(n);
            assert!((got - t).abs() < 1e-9 * t, "{n}: {got} for {t}");
        }
        assert!((t_quantile(1e7) - Z).abs() < 1e-6);
        assert!((2..5000).all(|n| t_quantile(f64::from(n)) < t_quantile(f64::from(n - 1))), "it falls");
    }
}
