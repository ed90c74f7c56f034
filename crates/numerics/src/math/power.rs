//! pow and log10 through a logarithm in double-double (two f64 whose unevaluated sum carries 100 bits).
//!
//! Source: Dekker (1971) Numer Math 18:224; Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., ch. 14.

use super::lanes::{LN2_HI, LN2_LO, exp_of_two, polynomial, split, two_sum};

/// ln(x) as high + low for positive finite x; relative error below 2^-63.
#[inline(always)]
fn ln_two(x: f64) -> (f64, f64) {
    const THIRD_LOW: f64 = 1.850_371_707_708_594e-17;
    // 2 atanh(s) = 2 s (1 + z (1/3 + z (1/5 + z/7 + ..))), z = s^2 <= 0.0295: 12 terms reach 2^-66
    const ODD: [f64; 12] = [
        1.0 / 5.0,
        1.0 / 7.0,
        1.0 / 9.0,
        1.0 / 11.0,
        1.0 / 13.0,
        1.0 / 15.0,
        1.0 / 17.0,
        1.0 / 19.0,
        1.0 / 21.0,
        1.0 / 23.0,
        1.0 / 25.0,
        1.0 / 27.0,
    ];
    let (scaled, extra) = if x < f64::MIN_POSITIVE { (x * 18_014_398_509_481_984.0, 54.0) } else { (x, 0.0) };
    let (k, m) = split(scaled);
    let k = k - extra;
    let f = m - 1.0;
    let (d, d_low) = (2.0 + f, f - ((2.0 + f) - 2.0));
    let s = f / d;
    let s_low = (f64::mul_add(-s, d, f) - s * d_low) / d;
    let z = s * s;
    let z_low = f64::mul_add(s, s, -z) + 2.0 * s * s_low;
    let tail = z * polynomial(z, &ODD);
    let a = 1.0 / 3.0 + tail;
    let a_low = (1.0 / 3.0 - a) + tail + THIRD_LOW;
    let b = z * a;
    let b_low = f64::mul_add(z, a, -b) + (z * a_low + z_low * a);
    let c = s * b;
    let c_low = f64::mul_add(s, b, -c) + (s * b_low + s_low * b);
    let (h, h_low) = (s + c, (s - (s + c)) + c);
    let low = 2.0 * (h_low + (s_low + c_low));
    let (sum, sum_low) = two_sum(k * LN2_HI, 2.0 * h);
    let low = sum_low + (low + k * LN2_LO);
    (sum + low, (sum - (sum + low)) + low)
}

/// See [`super::pow`].
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    // at 2^53 and beyond every f64 is even
    let whole = y.trunc() == y;
    let odd = whole && y.abs() < 9_007_199_254_740_992.0 && (y as i64) & 1 == 1;
    let sign = if odd && x.is_sign_negative() { -1.0 } else { 1.0 };
    let size = x.abs();
    if y.is_infinite() || size == 0.0 || size.is_infinite() {
        return if size == 1.0 {
            1.0
        } else if (size > 1.0) == (y > 0.0) {
            sign * f64::INFINITY
        } else {
            sign * 0.0
        };
    }
    if x < 0.0 && !whole {
        return f64::NAN;
    }
    let (h, l) = ln_two(size);
    let product = y * h;
    if product.abs() > 800.0 {
        return if product > 0.0 { sign * f64::INFINITY } else { sign * 0.0 };
    }
    sign * exp_of_two(product, f64::mul_add(y, h, -product) + y * l)
}

/// See [`super::log10`].
#[inline(always)]
pub fn log10(x: f64) -> f64 {
    const PER_LN10: f64 = std::f64::consts::LOG10_E;
    const PER_LN10_LOW: f64 = 1.098_319_650_216_765e-17;
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x < 0.0 {
        f64::NAN
    } else if x < f64::INFINITY {
        let (h, l) = ln_two(x);
        let y = h * PER_LN10;
        y + (f64::mul_add(h, PER_LN10, -y) + (h * PER_LN10_LOW + l * PER_LN10))
    } else {
        x
    }
}
