//! Acceptance bands for statistical tests: how far luck alone goes, at a stated false-alarm rate.
//!
//! Every band is two-sided unless its name says otherwise, and exact, or wider than exact where its docs say so, never
//! narrower: a correct program leaves it with probability `false_alarm` or less. Each family has its power, so that a
//! test can say what it would have caught. Special functions: `statrs`, within the limits that tests here check.

mod counts;
mod distance;
mod means;

pub use counts::{
    Tails, binomial, binomial_band, binomial_detectable, binomial_power, multinomial_test, poisson, poisson_band,
    poisson_power,
};
pub use distance::{ks_bound, ks_detectable, ks_distance, ks_two_sample_bound, ks_two_sample_distance};
pub use means::{
    Band, bernstein_band, chi_square_lower, chi_square_upper, hoeffding_band, mean_band, mean_detectable, student_band,
    variance_band, z,
};

/// The customary false-alarm rate of one test of this project.
pub const RARE: f64 = 1e-6;

/// Panics unless it is a probability between 0 and 1, both excluded.
fn probability(p: f64) -> f64 {
    assert!(p > 0.0 && p < 1.0, "{p} is not a rate between 0 and 1");
    p
}
