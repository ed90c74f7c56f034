//! Functions of one variable as polynomials on sixteen equal segments: eight lanes find their coefficients in registers.
//!
//! On each segment the polynomial that meets the function at Chebyshev's nodes. For a function that is analytic around
//! the segment the error falls geometrically with the degree (Trefethen 2013, Approximation Theory and Approximation
//! Practice, ch. 8); [`fit`] raises the degree until the error that was asked for is met, everywhere it is looked at.

use crate::simd::{Bits, F64x8, Lanes, Mask, Real};

/// How many segments.
pub const SEGMENTS: usize = 16;
/// Highest degree that is tried.
pub const MOST: usize = 11;
/// 1.5 * 2^52: adding it rounds to a whole number and leaves that in the low bits.
const MAGIC: f64 = 6_755_399_441_055_744.0;
/// Places a segment at which a fit is compared with its function.
const LOOKS: usize = 48;

/// The segments on a line: sixteen of one width side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segments {
    /// Middle of the first.
    middle: f64,
    width: f64,
    /// One over the width.
    scale: f64,
}

/// A place on the line: which segment, and where in it from -1/2 to 1/2.
#[derive(Clone, Copy, Debug)]
pub struct Place<L: Lanes> {
    /// In its lowest four bits.
    segment: L::Bits,
    within: L,
}

impl<L: Lanes> Place<L> {
    /// To be replaced.
    #[must_use]
    #[inline(always)]
    pub fn nowhere() -> Self {
        Self { segment: L::Bits::splat(0), within: L::splat(0.0) }
    }
}

impl Segments {
    /// From `low` to just below `high`.
    ///
    /// # Panics
    /// Unless both are finite and in this order.
    #[must_use]
    pub fn new(low: f64, high: f64) -> Self {
        assert!(low < high && (high - low).is_finite(), "segments from a lower to a higher number");
        let width = (high - low) / SEGMENTS as f64;
        Self { middle: 0.5f64.mul_add(width, low), width, scale: 1.0 / width }
    }

    /// Whether numbers lie on the segments.
    #[inline(always)]
    pub fn hold<R: Real>(&self, x: R) -> R::Mask {
        let u = (x - R::splat(self.middle)) * R::splat(self.scale);
        u.ge(R::splat(-0.5)).and(u.lt(R::splat(SEGMENTS as f64 - 0.5)))
    }

    /// Places of numbers, and which of them lie on the segments; the others (NaN too) have a place without a meaning.
    #[inline(always)]
    pub fn locate<L: Lanes>(&self, x: L) -> (Place<L>, L::Mask) {
        let magic = L::splat(MAGIC);
        let u = (x - L::splat(self.middle)) * L::splat(self.scale);
        let shifted = u + magic;
        (Place { segment: shifted.to_bits(), within: u - (shifted - magic) }, self.hold(x))
    }
}

/// Two functions of one variable on the same segments, met together.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// From the highest degree down: sixteen coefficients of the first, sixteen of the second.
    coefficients: Vec<[[F64x8; 2]; 2]>,
}

impl Pair {
    /// Of the higher of the two.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.coefficients.len() - 1
    }

    /// The first function alone, of one number, to the bit as [`Self::at`] has it; none beside the segments.
    #[must_use]
    pub fn first(&self, segments: &Segments, x: f64) -> Option<f64> {
        let u = (x - segments.middle) * segments.scale;
        let shifted = u + MAGIC;
        let (segment, within) = ((shifted.to_bits() & 15) as usize, u - (shifted - MAGIC));
        let place = |table: &[F64x8; 2]| F64x8::as_f64s(table)[segment];
        let value = || self.coefficients.iter().fold(0.0, |sum: f64, [first, _]| sum.mul_add(within, place(first)));
        segments.hold(x).then(value)
    }

    /// Both functions at `N` places.
    #[inline(always)]
    pub fn at<L: Lanes, const N: usize>(&self, places: &[Place<L>; N]) -> [[L; N]; 2] {
        let mut values = [[L::splat(0.0); N]; 2];
        for [first, second] in &self.coefficients {
            for k in 0..N {
                let Place { segment, within } = places[k];
                values[0][k] = values[0][k].mul_add(within, L::lookup(first, segment));
                values[1][k] = values[1][k].mul_add(within, L::lookup(second, segment));
            }
        }
        values
    }
}

/// What counts as the error of a fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The difference.
    Absolute,
    /// The difference over the value.
    Relative,
}

/// Fits two functions, each to its error at most `tolerance`; none where degree [`MOST`] does not do, or where one of them
/// is not finite.
#[must_use]
pub fn fit(segments: Segments, functions: [(&dyn Fn(f64) -> f64, Error); 2], tolerance: f64) -> Option<Pair> {
    let [first, second] = functions.map(|(f, error)| fit_one(segments, f, error, tolerance));
    let (first, second) = (first?, second?);
    let count = first.len().max(second.len());
    let padded = |rows: &[[F64x8; 2]], k: usize| match (k + rows.len()).checked_sub(count) {
        Some(at) => rows[at],
        None => [F64x8::splat(0.0); 2],
    };
    Some(Pair { coefficients: (0..count).map(|k| [padded(&first, k), padded(&second, k)]).collect() })
}

/// Coefficients from the highest degree down.
fn fit_one(segments: Segments, f: &dyn Fn(f64) -> f64, error: Error, tolerance: f64) -> Option<Vec<[F64x8; 2]>> {
    let x = |segment: usize, t: f64| (segment as f64 + t).mul_add(segments.width, segments.middle);
    let looks: Vec<(usize, f64, f64)> = (0..SEGMENTS)
        .flat_map(|s| (0..=LOOKS).map(move |k| (s, k as f64 / LOOKS as f64 - 0.5)))
        .map(|(s, t)| (s, t, f(x(s, t))))
        .collect();
    if looks.iter().any(|(_, _, y)| !y.is_finite()) {
        return None;
    }
    (2..=MOST).find_map(|degree| {
        let polynomials: Vec<Vec<f64>> = (0..SEGMENTS).map(|s| meet(degree, |t| f(x(s, t)))).collect();
        let good = looks.iter().all(|&(s, t, wanted)| {
            let got = polynomials[s].iter().rev().fold(0.0f64, |sum, c| sum.mul_add(t, *c));
            let scale = if error == Error::Relative { wanted.abs() } else { 1.0 };
            (got - wanted).abs() <= tolerance * scale
        });
        let lines = |k: usize| {
            let half = |h: usize| F64x8(std::array::from_fn(|i| polynomials[8 * h + i][k]));
            [half(0), half(1)]
        };
        good.then(|| (0..=degree).rev().map(lines).collect())
    })
}

/// Coefficients, from the constant up, of the polynomial that meets `f` at Chebyshev's nodes in -1/2 to 1/2.
fn meet(degree: usize, f: impl Fn(f64) -> f64) -> Vec<f64> {
    let n = degree + 1;
    let node = |k: usize| 0.5 * cos((k as f64 + 0.5) / n as f64);
    let nodes: Vec<f64> = (0..n).map(node).collect();
    // Newton's divided differences, then expanded into powers.
    let mut differences: Vec<f64> = nodes.iter().map(|&t| f(t)).collect();
    for level in 1..n {
        for k in (level..n).rev() {
            differences[k] = (differences[k] - differences[k - 1]) / (nodes[k] - nodes[k - level]);
        }
    }
    let mut powers = vec![0.0; n];
    for k in (0..n).rev() {
        // powers = powers * (t - node) + difference
        for j in (1..n).rev() {
            powers[j] = powers[j - 1] - nodes[k] * powers[j];
        }
        powers[0] = differences[k] - nodes[k] * powers[0];
    }
    powers
}

/// cos(pi x) for x in 0 to 1, by its series around 1/2; close enough for nodes.
fn cos(x: f64) -> f64 {
    let y = std::f64::consts::PI * (0.5 - x);
    let (mut term, mut sum) = (y, y);
    for k in 1..12 {
        term *= -y * y / f64::from(2 * k * (2 * k + 1));
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{exp, expm1};
    use crate::simd::{Kernel, LANES, Level};

    struct At<'a>(&'a Pair, Segments, &'a [F64x8]);

    impl Kernel for At<'_> {
        type Output = Vec<([f64; LANES], [f64; LANES], u8)>;
        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let one = |x: &F64x8| {
                let (place, inside) = self.1.locate(L::load(x));
                let [a, b] = self.0.at(&[place]);
                (a[0].to_array(), b[0].to_array(), inside.bits())
            };
            self.2.iter().map(one).collect()
        }
    }

    fn columns() -> Vec<F64x8> {
        (0..2000).map(|k| F64x8(std::array::from_fn(|i| -120.0 + 0.0125 * (k * 8 + i) as f64))).collect()
    }

    #[test]
    fn a_pair_keeps_its_error_everywhere_on_its_segments_with_the_same_bits_at_every_level() {
        let segments = Segments::new(-110.0, 66.0);
        let steady = |v: f64| 1.0 / (1.0 + exp(-(v + 38.0) / 6.0));
        let moved = |v: f64| -expm1(-0.025 * (0.07 * exp(-(v + 65.0) / 20.0) + 0.01));
        let columns = columns();
        for tolerance in [1e-4, 1e-6, 1e-8] {
            let pair = fit(segments, [(&steady, Error::Absolute), (&moved, Error::Relative)], tolerance).unwrap();
            let got: Vec<_> = Level::available().iter().map(|l| l.dispatch(At(&pair, segments, &columns))).collect();
            assert!(got.iter().all(|other| *other == got[0]));
            let mut worst = [0.0f64; 2];
            for ((a, b, inside), x) in got[0].iter().zip(&columns) {
                for lane in 0..LANES {
                    let x = x.0[lane];
                    assert_eq!(inside >> lane & 1 == 1, (-110.0..66.0).contains(&x), "{x}");
                    let alone = pair.first(&segments, x).map(f64::to_bits);
                    assert_eq!(alone, (inside >> lane & 1 == 1).then_some(a[lane].to_bits()));
                    if inside >> lane & 1 == 1 {
                        worst[0] = worst[0].max((a[lane] - steady(x)).abs());
                        worst[1] = worst[1].max((b[lane] / moved(x) - 1.0).abs());
                    }
                }
            }
            // between the places that were looked at the error may be a little above
            assert!(worst.iter().all(|w| *w <= 1.05 * tolerance), "{worst:?} against {tolerance}");
            assert!(worst.iter().any(|w| *w > 1e-3 * tolerance), "the degree is not higher than needed: {worst:?}");
        }
    }

    #[test]
    fn polynomials_are_met_exactly_and_a_step_not_at_all() {
        let segments = Segments::new(0.0, 16.0);
        let cubic = |x: f64| (0.5 * x - 3.0) * x * x + 1.0;
        let pair = fit(segments, [(&cubic, Error::Absolute), (&|_| 2.0, Error::Relative)], 1e-11).unwrap();
        assert_eq!(pair.degree(), 3);
        let step = |x: f64| if x < 5.3 { 0.0 } else { 1.0 };
        assert!(fit(segments, [(&cubic, Error::Absolute), (&step, Error::Absolute)], 1e-3).is_none());
        let pole = |x: f64| 1.0 / (x - 8.0);
        assert!(fit(segments, [(&cubic, Error::Absolute), (&pole, Error::Absolute)], 1e-3).is_none());
    }

    #[test]
    fn what_is_no_number_lies_nowhere() {
        struct Inside;
        impl Kernel for Inside {
            type Output = u8;
            #[inline(always)]
            fn run<L: Lanes>(self) -> u8 {
                let far = [f64::NAN, f64::INFINITY, -1e300, 0.0, 15.999, -1e-9, 16.0, 8.0];
                Segments::new(0.0, 16.0).locate(L::from_array(far)).1.bits()
            }
        }
        for &level in Level::available() {
            assert_eq!(level.dispatch(Inside), 0b1001_1000);
        }
    }
}
