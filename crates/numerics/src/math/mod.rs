//! exp, ln and kin, the same bits on every machine, level and lane count.
//!
//! Each function is written once in [`lanes`] (elementary functions) or [`pow`](fn@pow)'s file, generic over
//! [`Real`](crate::simd::Real); the scalar functions here are the one-lane case, [`mod@slice`] maps whole columns.
//! Errors are in units in the last place (ulp). Worst found against double-double over 2.4e7 arguments: exp 0.906,
//! ln 0.817, expm1 1.751, exprelr 2.026, pow 0.848, log10 0.500; `tests.rs` holds the stated bounds.
//! Sources: Muller, Elementary Functions, 3rd ed. (2016), chs. 11-12; Sun's fdlibm for ln; Wichura (1988) AS 241.

pub mod lanes;
mod power;
pub mod slice;
mod turn;

pub use turn::{turn, turns};

use crate::simd::Level;

/// Scalar functions from their one-lane bodies, with the fused multiply-add instruction where the CPU has it.
macro_rules! scalar {
    ($($(#[$doc:meta])* $name:ident($($x:ident),+) = $body:path;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub fn $name($($x: f64),+) -> f64 {
            #[cfg(target_arch = "x86_64")]
            if Level::best() != Level::Portable {
                #[target_feature(enable = "avx2,fma")]
                fn fused($($x: f64),+) -> f64 {
                    $body($($x),+)
                }
                // SAFETY: every level above Portable has AVX2 and FMA.
                return unsafe { fused($($x),+) };
            }
            $body($($x),+)
        }
    )*};
}

scalar! {
    /// `e^x`, within 0.95 ulp. Overflows to inf above 709.78, is subnormal below -708.4 and 0 below -745.13.
    ///
    /// ```
    /// use numerics::math::exp;
    /// assert_eq!(exp(0.0), 1.0);
    /// assert_eq!(exp(f64::NEG_INFINITY), 0.0);
    /// assert_eq!(exp(-745.0), 5e-324);
    /// ```
    exp(x) = lanes::exp;

    /// Natural logarithm, within 0.9 ulp. `ln(0) = -inf`; NaN below 0.
    ///
    /// ```
    /// use numerics::math::ln;
    /// assert_eq!(ln(1.0), 0.0);
    /// assert_eq!(ln(0.0), f64::NEG_INFINITY);
    /// assert!(ln(-1.0).is_nan());
    /// ```
    ln(x) = lanes::ln;

    /// `e^x - 1` without cancellation near 0, within 1.9 ulp; `expm1(-0) = -0`.
    ///
    /// ```
    /// use numerics::math::expm1;
    /// assert_eq!(expm1(1e-300), 1e-300);
    /// assert_eq!(expm1(-1e9), -1.0);
    /// ```
    expm1(x) = lanes::expm1;

    /// `x / (e^x - 1)`, 1 at 0, within 2.5 ulp: the Bernoulli function of rate constants and of Scharfetter-Gummel.
    ///
    /// Holds over the full range: subnormal up to x = 751, `|x|` for x below -40; `exprelr(-inf) = inf`.
    ///
    /// ```
    /// use numerics::math::exprelr;
    /// assert_eq!(exprelr(0.0), 1.0);
    /// assert_eq!(exprelr(-100.0), 100.0);
    /// ```
    exprelr(x) = lanes::exprelr;

    /// The standard normal's quantile for a probability `p` in (0, 1): `-inf` at 0, `inf` at 1, NaN outside.
    ///
    /// Relative error below 2e-15. Source: Wichura (1988) Appl Statist 37:477, algorithm AS 241 (PPND16).
    ///
    /// ```
    /// use numerics::math::normal_quantile;
    /// assert_eq!(normal_quantile(0.5), 0.0);
    /// assert!((normal_quantile(0.975) - 1.959963984540054).abs() < 1e-14);
    /// ```
    normal_quantile(p) = lanes::normal_quantile;

    /// `x^y`, within 0.9 ulp for normal results. Special cases as C99's `pow`: `pow(x, 0) = pow(1, y) = 1` even for
    /// NaN; NaN for negative `x` and fractional `y`.
    ///
    /// About 10 times the cost of [`exp`]; for whole exponents known in the source see [`powi`].
    ///
    /// ```
    /// use numerics::math::pow;
    /// assert_eq!(pow(2.0, 0.5), 2f64.sqrt());
    /// assert_eq!(pow(-2.0, 3.0), -8.0);
    /// ```
    pow(x, y) = power::pow;

    /// Decimal logarithm, within 0.6 ulp; exact at powers of ten. `log10(0) = -inf`; NaN below 0.
    ///
    /// ```
    /// use numerics::math::log10;
    /// assert_eq!(log10(1e-7), -7.0);
    /// ```
    log10(x) = power::log10;
}

/// `x^n`. Exponents up to 32 either way by repeated squaring, each product rounded: within `|n|` ulp (and 1 more for
/// negative `n`); larger ones, and those whose reciprocal leaves the normal range, through [`pow`].
///
/// ```
/// use numerics::math::powi;
/// assert_eq!(powi(3.0, 4), 81.0);
/// assert_eq!(powi(2.0, -1074), 5e-324);
/// ```
#[inline]
pub fn powi(x: f64, n: i32) -> f64 {
    let mut left = n.unsigned_abs();
    if left > 32 {
        return pow(x, f64::from(n));
    }
    let (mut power, mut square) = (1.0, x);
    while left != 0 {
        if left & 1 == 1 {
            power *= square;
        }
        square *= square;
        left >>= 1;
    }
    if n >= 0 {
        power
    } else if power.is_normal() && (1.0 / power).is_normal() {
        1.0 / power
    } else {
        pow(x, f64::from(n))
    }
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
