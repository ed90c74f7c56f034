//! Sums in a fixed order: the same bits on every machine, level and number of threads.
//!
//! [`sum`] keeps eight strided partial sums (lane i takes elements i, i + 8, ..), added up at the end as
//! ((0+4)+(2+6)) + ((1+5)+(3+7)). Its error is at most (n/8 + 3) u sum|x|, u = 2^-53; [`compensated`]'s is
//! u |result| + O(n u^2) sum|x|. Sources: Higham (1993) SIAM J Sci Comput 14:783; Neumaier (1974) ZAMM 54:39.

use crate::simd::{Kernel, LANES, Lanes, Level};

/// Elements that [`chunked`] sums in one go.
pub const CHUNK: usize = 4096;

/// The sum of `x`; 0 if empty.
///
/// ```
/// assert_eq!(numerics::sum::sum(&[1.0, 2.0, 3.5]), 6.5);
/// ```
pub fn sum(x: &[f64]) -> f64 {
    sum_at(Level::best(), x)
}

/// The sum of `x` to nearly full accuracy even where its terms cancel; about three times the cost of [`sum`].
///
/// ```
/// assert_eq!(numerics::sum::compensated(&[1e100, 1.0, -1e100]), 1.0);
/// ```
pub fn compensated(x: &[f64]) -> f64 {
    compensated_at(Level::best(), x)
}

/// The sum of `x` as [`combine`] of the [`sum`]s of its [`CHUNK`]s, which threads may share out as they like.
///
/// ```
/// use numerics::sum::{CHUNK, chunked, combine, sum};
/// let x: Vec<f64> = (0..10_000).map(|i| 1.0 / f64::from(i + 1)).collect();
/// let by_others: Vec<f64> = x.chunks(CHUNK).map(sum).collect();
/// assert_eq!(combine(&by_others), chunked(&x));
/// ```
pub fn chunked(x: &[f64]) -> f64 {
    if x.len() <= CHUNK {
        return sum(x);
    }
    let (left, right) = x.split_at(left_part(x.len().div_ceil(CHUNK)) * CHUNK);
    chunked(left) + chunked(right)
}

/// The sum of partial sums, pairwise by their index; 0 if empty.
pub fn combine(partial_sums: &[f64]) -> f64 {
    match partial_sums {
        [] => 0.0,
        [one] => *one,
        many => {
            let (left, right) = many.split_at(left_part(many.len()));
            combine(left) + combine(right)
        }
    }
}

/// The largest power of two below `n`, for `n` of 2 or more.
fn left_part(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// Mean and variance of a sample, and its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// Sample size.
    pub count: usize,
    /// Arithmetic mean; NaN of an empty sample.
    pub mean: f64,
    /// Unbiased variance (divisor count - 1); NaN of fewer than two numbers.
    pub variance: f64,
}

impl Moments {
    /// Two passes over `x`, the second about the mean and corrected for the mean's own rounding.
    ///
    /// Source: Chan, Golub and LeVeque (1983) Am Stat 37:242, eq. 1.7.
    ///
    /// ```
    /// let m = numerics::sum::Moments::of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
    /// assert_eq!((m.mean, m.variance), (1e9 + 2.0, 1.0));
    /// ```
    pub fn of(x: &[f64]) -> Moments {
        let n = x.len() as f64;
        let mean = chunked(x) / n;
        let (mut sum, mut square) = ([0.0; LANES], [0.0; LANES]);
        for chunk in x.chunks(LANES) {
            for (i, x) in chunk.iter().enumerate() {
                let d = x - mean;
                sum[i] += d;
                square[i] += d * d;
            }
        }
        let (sum, square) = (tree(sum), tree(square));
        let variance = if x.len() < 2 { f64::NAN } else { (square - sum * sum / n) / (n - 1.0) };
        Moments { count: x.len(), mean, variance }
    }

    /// Standard error of the mean.
    pub fn standard_error(&self) -> f64 {
        (self.variance / self.count as f64).sqrt()
    }
}

/// The fixed order in which eight partial sums are added.
#[inline(always)]
fn tree(p: [f64; LANES]) -> f64 {
    ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]))
}

fn sum_at(level: Level, x: &[f64]) -> f64 {
    struct Sum<'a>(&'a [f64]);
    impl Kernel for Sum<'_> {
        type Output = f64;
        #[inline(always)]
        fn run<L: Lanes>(self) -> f64 {
            let (chunks, tail) = self.0.as_chunks::<LANES>();
            let mut total = L::splat(0.0);
            for chunk in chunks {
                total = total + L::load_slice(chunk);
            }
            let mut total = total.to_array();
            for (total, x) in total.iter_mut().zip(tail) {
                *total += x;
            }
            tree(total)
        }
    }
    level.dispatch(Sum(x))
}

fn compensated_at(level: Level, x: &[f64]) -> f64 {
    struct Compensated<'a>(&'a [f64]);
    impl Kernel for Compensated<'_> {
        type Output = f64;
        #[inline(always)]
        fn run<L: Lanes>(self) -> f64 {
            let (chunks, tail) = self.0.as_chunks::<LANES>();
            let (mut total, mut lost) = (L::splat(0.0), L::splat(0.0));
            for chunk in chunks {
                let x = L::load_slice(chunk);
                let next = total + x;
                let total_larger = total.abs().ge(x.abs());
                let larger = L::select(total_larger, total, x);
                let smaller = L::select(total_larger, x, total);
                lost = lost + ((larger - next) + smaller);
                total = next;
            }
            // the tail and the lanes follow one by one
            let (mut sum, mut sum_lost) = (0.0, 0.0);
            for x in total.to_array().iter().chain(tail) {
                let next: f64 = sum + x;
                sum_lost += if f64::abs(sum) >= x.abs() { (sum - next) + x } else { (x - next) + sum };
                sum = next;
            }
            let lost = sum_lost + tree(lost.to_array());
            // an infinite sum has lost inf - inf
            if sum.is_finite() { sum + lost } else { sum }
        }
    }
    level.dispatch(Compensated(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::StreamKey;

    fn random(n: usize, seed: u64) -> Vec<f64> {
        let mut draws = StreamKey::new(seed, 0, 0, 0).at(0, 0);
        (0..n).map(|_| draws.normal() * f64::from_bits((1023 - 20 + draws.below(40)) << 52)).collect()
    }

    #[test]
    fn all_levels_and_lengths_give_the_bits_of_a_plain_loop() {
        for n in (0..40).chain([1000, 4097]) {
            let x = random(n, n as u64);
            let mut p = [0.0; 8];
            for (i, x) in x.iter().enumerate() {
                p[i % 8] += x;
            }
            for &level in Level::available() {
                assert_eq!(sum_at(level, &x).to_bits(), tree(p).to_bits(), "{n} {level:?}");
                let lost = compensated_at(Level::Portable, &x);
                assert_eq!(compensated_at(level, &x).to_bits(), lost.to_bits(), "{n} {level:?}");
            }
        }
    }

    #[test]
    fn the_number_of_threads_does_not_change_a_sum() {
        for n in [0, 1, CHUNK, CHUNK + 1, 7 * CHUNK + 5] {
            let x = random(n, 5);
            for threads in [1, 2, 3, 8] {
                let chunks: Vec<&[f64]> = x.chunks(CHUNK).collect();
                let share = chunks.len().div_ceil(threads).max(1);
                let partial: Vec<f64> = std::thread::scope(|scope| {
                    let parts: Vec<_> = chunks
                        .chunks(share)
                        .map(|mine| scope.spawn(|| mine.iter().map(|x| sum(x)).collect::<Vec<_>>()))
                        .collect();
                    parts.into_iter().flat_map(|part| part.join().expect("a sum does not panic")).collect()
                });
                assert_eq!(combine(&partial).to_bits(), chunked(&x).to_bits());
            }
        }
    }

    /// Each x comes with its negative, shuffled in between; what is left is 1 exactly.
    #[test]
    fn a_compensated_sum_survives_cancellation_that_a_plain_one_does_not() {
        let x = random(1001, 9);
        let all: Vec<f64> = x.iter().copied().chain([1.0]).chain(x.iter().rev().map(|x| -x)).collect();
        assert!((compensated(&all) - 1.0).abs() < 1e-12);
        assert!((sum(&all) - 1.0).abs() > 1e-11, "twin: the plain sum must fail here, or the test shows nothing");
    }

    #[test]
    fn infinities_and_nan_come_through() {
        assert_eq!(compensated(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert_eq!(sum(&[1.0, f64::NEG_INFINITY]), f64::NEG_INFINITY);
        assert!(sum(&[1.0, f64::NAN]).is_nan() && compensated(&[f64::NAN]).is_nan());
    }

    #[test]
    fn variance_is_unmoved_by_a_shift_and_undefined_for_one_number() {
        let x: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
        let shifted: Vec<f64> = x.iter().map(|x| x + 1e8).collect();
        let exact = 8.25 * 1000.0 / 999.0;
        assert!((Moments::of(&x).variance - exact).abs() < 1e-13);
        assert!((Moments::of(&shifted).variance - exact).abs() < 1e-13);
        assert!(Moments::of(&[3.0]).variance.is_nan() && Moments::of(&[3.0]).mean == 3.0);
        assert!(Moments::of(&[]).mean.is_nan());
    }
}
