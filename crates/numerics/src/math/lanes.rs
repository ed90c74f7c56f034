//! The elementary functions, written once for any number of lanes. No branches: special cases are selected.
//!
//! Accuracy and special values are documented at the scalar twins in [`math`](super).

#![expect(clippy::excessive_precision, reason = "coefficients stand as they were published")]

use crate::simd::{Bits, Real};

/// 1.5 * 2^52: added to |x| < 2^51 it rounds x to an integer, ties to even.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 to 41 bits, so that `n * LN2_HI` is exact for |n| < 2^11, and the rest.
pub(super) const LN2_HI: f64 = 0.693_147_180_559_663;
pub(super) const LN2_LO: f64 = 2.823_529_056_303_157_7e-13;
/// 2^-54.
const TINY: f64 = 5.551_115_123_125_783e-17;

/// Minimax for (e^r - 1 - r) / r^2 on |r| <= ln(2)/2, by Remez exchange in 60 digits; error in e^r below 0.02 ulp.
const EXP: [f64; 10] = [
    0.500_000_000_000_001,
    0.166_666_666_666_664_21,
    0.041_666_666_666_534_7,
    0.008_333_333_333_490_5,
    0.001_388_888_894_259_618_6,
    0.000_198_412_695_127_480_23,
    2.480_149_405_172_714_7e-5,
    2.755_758_237_921_661_6e-6,
    2.762_994_085_554_878e-7,
    2.500_097_128_349_455_3e-8,
];

/// `c[0] + c[1] x + ..`, by Horner's rule, every step fused.
#[inline(always)]
pub(super) fn polynomial<R: Real>(x: R, c: &[f64]) -> R {
    let (last, rest) = c.split_last().expect("a polynomial has a coefficient");
    let mut sum = R::splat(*last);
    for c in rest.iter().rev() {
        sum = sum.mul_add(x, R::splat(*c));
    }
    sum
}

/// (e^r - 1 - r) / r^2 for |r| <= ln(2)/2: two interleaved Horner chains, for half the latency.
#[inline(always)]
fn exp_tail<R: Real>(r: R, r2: R) -> R {
    let c = |i: usize| R::splat(EXP[i]);
    let even = c(8).mul_add(r2, c(6)).mul_add(r2, c(4)).mul_add(r2, c(2)).mul_add(r2, c(0));
    let odd = c(9).mul_add(r2, c(7)).mul_add(r2, c(5)).mul_add(r2, c(3)).mul_add(r2, c(1));
    odd.mul_add(r, even)
}

/// `x = n ln 2 + r + rest` with n an integer, |r| <= ln(2)/2 and `rest` what rounding took from r.
#[inline(always)]
fn reduce<R: Real>(x: R) -> (R, R, R) {
    let n = x.mul_add(R::splat(std::f64::consts::LOG2_E), R::splat(ROUND)) - R::splat(ROUND);
    let high = n.neg_mul_add(R::splat(LN2_HI), x);
    let r = n.neg_mul_add(R::splat(LN2_LO), high);
    let rest = n.neg_mul_add(R::splat(LN2_LO), high - r);
    (n, r, rest)
}

/// `2^n` for integers -1022 <= n <= 1023.
#[inline(always)]
fn power_of_two<R: Real>(n: R) -> R {
    R::from_bits((n + R::splat(ROUND + 1023.0)).to_bits().shl(52))
}

/// `e^(x + low)`, |x| < 800 and |low| < 1e-12, rounded nearly correctly.
#[inline(always)]
pub(super) fn exp_of_two<R: Real>(x: R, low: R) -> R {
    let one = R::splat(1.0);
    let n = x.mul_add(R::splat(std::f64::consts::LOG2_E), R::splat(ROUND)) - R::splat(ROUND);
    let high = n.neg_mul_add(R::splat(LN2_HI), x);
    let low = n.neg_mul_add(R::splat(LN2_LO), low);
    let (r, rest) = two_sum(high, low);
    let r2 = r * r;
    let (q, q_low) = two_sum(r, exp_tail(r, r2).mul_add(r2, rest));
    let (y, y_low) = two_sum(one, q);
    (y + (y_low + q_low)).scale2(n)
}

/// a + b exactly, as the rounded sum and what rounding lost. Source: Knuth, TAOCP 2, 4.2.2.
#[inline(always)]
pub(super) fn two_sum<R: Real>(a: R, b: R) -> (R, R) {
    let sum = a + b;
    let b_seen = sum - a;
    (sum, (a - (sum - b_seen)) + (b - b_seen))
}

/// `e^x`; see [`super::exp`].
#[inline(always)]
pub fn exp<R: Real>(x: R) -> R {
    // the limits come first so that NaN passes (see Real::min); beyond them lie 0 and inf anyway
    let x = R::splat(-746.0).max(R::splat(710.0).min(x));
    let (n, r, rest) = reduce(x);
    let r2 = r * r;
    (R::splat(1.0) + (r + exp_tail(r, r2).mul_add(r2, rest))).scale2(n)
}

/// `e^x - 1`; see [`super::expm1`].
#[inline(always)]
pub fn expm1<R: Real>(x: R) -> R {
    let clamped = R::splat(-40.0).max(R::splat(710.0).min(x));
    let (n, r, rest) = reduce(clamped);
    let r2 = r * r;
    let q = r + exp_tail(r, r2).mul_add(r2, rest);
    // 2^n q + 2^n - 1, all halved so that n = 1024 stays finite
    let half_power = power_of_two(n - R::splat(1.0));
    let half = half_power.mul_add(q, half_power - R::splat(0.5));
    R::select(x.abs().lt(R::splat(TINY)), x, half + half)
}

/// `x / (e^x - 1)`; see [`super::exprelr`].
#[inline(always)]
pub fn exprelr<R: Real>(x: R) -> R {
    // at 760 even x e^-x is 0; below -40 the answer is |x|
    let clamped = R::splat(-40.0).max(R::splat(760.0).min(x));
    let (n, r, rest) = reduce(clamped);
    let r2 = r * r;
    let q = r + exp_tail(r, r2).mul_add(r2, rest);
    // e^x - 1 = 2^n (q + 1 - 2^-n), whose power of two waits until after the division so as not to overflow.
    // The divisor is -2^58 to 2, so for x > 0 the first product of the scaling is exact and only the last rounds.
    let divisor = q + (R::splat(1.0) - power_of_two(R::splat(-100.0).max(-n)));
    let numerator = R::splat(760.0).min(x);
    R::select(x.abs().lt(R::splat(TINY)), R::splat(1.0), (numerator / divisor).scale2(-n))
}

/// Splits positive, normal, finite x into `2^k * m`, sqrt(1/2) <= m < sqrt(2); returns (k, m).
#[inline(always)]
pub(super) fn split<R: Real>(x: R) -> (R, R) {
    const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const TWO_52: u64 = 0x4330_0000_0000_0000;
    let u = |x| R::Bits::splat(x);
    // as integers, biased by 1023 exponents to stay positive; a carry out of the mantissa lands in k
    let ratio = x.to_bits().wrapping_sub(u(SQRT_HALF)).wrapping_add(u(1023 << 52));
    let k = R::from_bits(ratio.shr(52).or(u(TWO_52))) - R::splat(4_503_599_627_370_496.0 + 1023.0);
    let m = ratio.and(u((1 << 52) - 1)).wrapping_add(u(SQRT_HALF));
    (k, R::from_bits(m))
}

/// Natural logarithm; see [`super::ln`].
#[inline(always)]
pub fn ln<R: Real>(x: R) -> R {
    // fdlibm e_log.c, Sun Microsystems (1993): 2 atanh(s), s = f / (2 + f), error of the series below 2^-58.45
    const LG: [f64; 7] = [
        6.666_666_666_666_735_13e-1,
        3.999_999_999_940_941_908e-1,
        2.857_142_874_366_239_149e-1,
        2.222_219_843_214_978_396e-1,
        1.818_357_216_161_805_012e-1,
        1.531_383_769_920_937_332e-1,
        1.479_819_860_511_658_591e-1,
    ];
    let subnormal = x.lt(R::splat(f64::MIN_POSITIVE));
    let normal = R::select(subnormal, x * R::splat(18_014_398_509_481_984.0), x);
    let (k, m) = split(normal);
    let k = k - R::select(subnormal, R::splat(54.0), R::splat(0.0));
    let f = m - R::splat(1.0);
    let s = f / (f + R::splat(2.0));
    let z = s * s;
    let series = z * polynomial(z, &LG);
    let half_f2 = R::splat(0.5) * f * f;
    let low = s.mul_add(half_f2 + series, k * R::splat(LN2_LO));
    let y = k.mul_add(R::splat(LN2_HI), f - (half_f2 - low));
    let y = R::select(x.eq(R::splat(0.0)), R::splat(f64::NEG_INFINITY), y);
    let y = R::select(x.lt(R::splat(0.0)), R::splat(f64::NAN), y);
    // inf and NaN are their own logarithms
    R::select(x.lt(R::splat(f64::INFINITY)), y, x)
}

/// The standard normal's quantile; see [`super::normal_quantile`].
#[inline(always)]
pub fn normal_quantile<R: Real>(p: R) -> R {
    let half = R::splat(0.5);
    let q = p - half;
    let centre = {
        let r = q.neg_mul_add(q, R::splat(0.180_625));
        q * (polynomial(r, &AS241[0]) / polynomial(r, &AS241[1]))
    };
    let is_centre = q.abs().le(R::splat(0.425));
    let left = q.lt(R::splat(0.0));
    let tail_probability = R::select(left, p, R::splat(1.0) - p);
    let r = (-ln(tail_probability)).sqrt();
    let near = {
        let r = r - R::splat(1.6);
        polynomial(r, &AS241[2]) / polynomial(r, &AS241[3])
    };
    let far = {
        let r = r - R::splat(5.0);
        polynomial(r, &AS241[4]) / polynomial(r, &AS241[5])
    };
    let tail = R::select(r.le(R::splat(5.0)), near, far);
    // p = 0 and p = 1: inf/inf in the rational function
    let tail = R::select(r.eq(R::splat(f64::INFINITY)), r, tail);
    R::select(is_centre, centre, R::select(left, -tail, tail))
}

/// Wichura (1988), AS 241: numerators and denominators for the centre, the near tail and the far tail.
const AS241: [[f64; 8]; 6] = [
    [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_61,
        28_729.085_735_721_942_674,
        5_226.495_278_852_545_925,
    ],
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_7e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        6.897_673_349_851_000_045_5e-1,
        1.481_039_764_274_800_745_9e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        2.965_605_718_285_048_912_3e-1,
        2.653_218_952_657_612_309_3e-2,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        5.998_322_065_558_879_376_9e-1,
        1.369_298_809_227_358_053_1e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
];
