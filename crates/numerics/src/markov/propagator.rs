//! `exp(Q dt)`, nonnegative with rows of mass one, every entry accurate to a few ulps times the work.
//!
//! `exp(Q dt) = exp(-s) exp(Q dt + s I)` with `s` the largest exit rate times `dt`: the second exponent is
//! nonnegative, so its Taylor series and the squarings add positive numbers only and nothing cancels
//! (Xue & Ye 2013, Math. Comp. 82:1577; uniformisation, Jensen 1953). Rows of `exp(N)` sum to `exp(s)`, so
//! dividing by the row sum replaces `exp(-s)` and stops rounding in the mass from doubling at each squaring.

use super::{Generator, MarkovError};
use crate::simd::{F64x8, Kernel, LANES, Lanes, Level, Mask};

/// Row-stochastic matrix of transition probabilities over a fixed interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Propagator {
    n: usize,
    /// Row-major `n x n`; row `i` is the law of the state after the interval, given state `i` before.
    p: Vec<f64>,
}

/// The series and the squarings, on rows padded to whole vectors of lanes.
struct Exponential<'a> {
    n: usize,
    /// Vectors a row.
    width: usize,
    /// `Q h + s I`, nonnegative.
    shifted: &'a [F64x8],
    squarings: u32,
}

/// `c = factor a b`, sums in the order of the inner index.
#[inline(always)]
fn multiply<L: Lanes>(width: usize, a: &[F64x8], b: &[F64x8], factor: f64, c: &mut [F64x8]) {
    for (a, c) in a.chunks_exact(width).zip(c.chunks_exact_mut(width)) {
        let a = F64x8::as_f64s(a);
        for (column, c) in c.iter_mut().enumerate() {
            let mut sum = L::splat(0.0);
            for (&a, b) in a.iter().zip(b.chunks_exact(width)) {
                sum = L::splat(a).mul_add(L::load(&b[column]), sum);
            }
            (sum * L::splat(factor)).store(c);
        }
    }
}

/// Divides each row by its sum, which is one but for rounding (or `exp(s)` after the series).
#[inline(always)]
fn normalise<L: Lanes>(n: usize, width: usize, p: &mut [F64x8]) {
    for row in p.chunks_exact_mut(width) {
        let sum: f64 = F64x8::as_f64s(row)[..n].iter().sum();
        for entry in row {
            (L::load(entry) / L::splat(sum)).store(entry);
        }
    }
}

impl Kernel for Exponential<'_> {
    type Output = Vec<F64x8>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<F64x8> {
        let Self { n, width, shifted, squarings } = self;
        let mut sum = vec![F64x8::default(); n * width];
        for (state, row) in sum.chunks_exact_mut(width).enumerate() {
            F64x8::as_f64s_mut(row)[state] = 1.0;
        }
        let (mut term, mut next) = (sum.clone(), sum.clone());
        // The entry that needs d transitions first appears in term d; 20 further terms are below 1/20!.
        for order in 1..=n + 20 {
            multiply::<L>(width, &term, shifted, 1.0 / order as f64, &mut next);
            std::mem::swap(&mut term, &mut next);
            let mut settled = true;
            for (sum, term) in sum.iter_mut().zip(&term) {
                let (old, term) = (L::load(sum), L::load(term));
                settled &= term.le(old * L::splat(1e-18)).all();
                (old + term).store(sum);
            }
            // A longest shortest path has a first visit in every term before its own: no entry is missed.
            if settled {
                break;
            }
        }
        normalise::<L>(n, width, &mut sum);
        for _ in 0..squarings {
            multiply::<L>(width, &sum, &sum, 1.0, &mut next);
            normalise::<L>(n, width, &mut next);
            std::mem::swap(&mut sum, &mut next);
        }
        sum
    }
}

impl Generator {
    /// Transition probabilities over `dt` ms: `P = exp(Q dt)`.
    ///
    /// Cost: about `n^3 (20 + log2(s))` multiply-adds, `s` the largest exit rate times `dt`.
    ///
    /// # Errors
    /// `dt` negative or not finite, or a rate times `dt` that overflows.
    pub fn propagator(&self, dt: f64) -> Result<Propagator, MarkovError> {
        let n = self.n;
        let mut largest = 0.0_f64;
        for state in 0..n {
            largest = largest.max(self.exit(state));
        }
        let s = largest * dt;
        if !(dt >= 0.0 && dt.is_finite() && s.is_finite()) {
            return Err(MarkovError::BadStep { dt });
        }
        // Halve until s <= 1: exact, and few terms are needed.
        let mut squarings = 0;
        let mut scale = 1.0;
        while s * scale > 1.0 {
            scale *= 0.5;
            squarings += 1;
        }
        let h = dt * scale;
        let width = n.div_ceil(LANES);
        let mut shifted = vec![F64x8::default(); n * width];
        for (state, row) in shifted.chunks_exact_mut(width).enumerate() {
            let row = F64x8::as_f64s_mut(row);
            for (entry, rate) in row.iter_mut().zip(&self.rates[state * n..(state + 1) * n]) {
                *entry = rate * h;
            }
            // >= 0: `largest` is the maximum of the very same sums.
            row[state] = (largest - self.exit(state)) * h;
        }
        let rows = Level::best().dispatch(Exponential { n, width, shifted: &shifted, squarings });
        let mut p = Vec::with_capacity(n * n);
        for row in rows.chunks_exact(width) {
            p.extend_from_slice(&F64x8::as_f64s(row)[..n]);
        }
        Ok(Propagator { n, p })
    }
}

impl Propagator {
    /// How many states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.n
    }

    /// Row `from`: probabilities of each state after the interval, given `from` before. Panics out of range.
    #[must_use]
    pub fn row(&self, from: usize) -> &[f64] {
        &self.p[from * self.n..(from + 1) * self.n]
    }

    /// All probabilities, row-major `n x n`.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.p
    }

    /// Occupancies after the interval, `after_j = sum_i before_i P_ij`, summed in the order of `i`.
    ///
    /// `before` and `after` are `states()` long; panics otherwise.
    pub fn apply(&self, before: &[f64], after: &mut [f64]) {
        assert!(before.len() == self.n && after.len() == self.n, "one occupancy a state");
        after.fill(0.0);
        for (&b, row) in before.iter().zip(self.p.chunks_exact(self.n)) {
            for (a, &p) in after.iter_mut().zip(row) {
                *a = b.mul_add(p, *a);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math;
    use nalgebra::DMatrix;

    /// A deterministic spread of rates over `decades`, some of them zero.
    fn scheme(n: usize, decades: f64, salt: u64) -> Generator {
        let mut x = salt.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut transitions = Vec::new();
        for from in 0..n {
            for to in 0..n {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let u = (x >> 11) as f64 / (1u64 << 53) as f64;
                if from != to && (u > 0.5 || to == (from + 1) % n) {
                    transitions.push((from, to, math::exp((u - 0.5) * decades * std::f64::consts::LN_10)));
                }
            }
        }
        Generator::new(n, &transitions).unwrap()
    }

    #[test]
    fn two_states_follow_the_closed_form_over_twelve_decades_of_stiffness() {
        let mut worst = 0.0_f64;
        for (a, b) in [(1.0, 2.0), (1e-6, 1e6), (1e6, 1e6), (3e3, 1e-9)] {
            for dt in [1e-9, 1e-3, 1.0, 10.0] {
                let p = Generator::new(2, &[(0, 1, a), (1, 0, b)]).unwrap().propagator(dt).unwrap();
                let moved = -math::expm1(-(a + b) * dt) / (a + b);
                for (got, want) in [(p.row(0)[1], a * moved), (p.row(1)[0], b * moved)] {
                    worst = worst.max((got / want - 1.0).abs());
                }
            }
        }
        println!("two states: worst relative error {worst:e}");
        assert!(worst < 3e-14);
    }

    #[test]
    fn the_propagator_equals_nalgebras_exponential() {
        let mut worst = 0.0_f64;
        for n in [1, 2, 3, 5, 8, 17] {
            for (salt, dt) in [(1, 1e-3), (2, 0.1), (3, 3.0)] {
                let q = scheme(n, 3.0, salt);
                let oracle = DMatrix::from_fn(n, n, |i, j| dt * if i == j { -q.exit(i) } else { q.rate(i, j) }).exp();
                let p = q.propagator(dt).unwrap();
                for i in 0..n {
                    for j in 0..n {
                        worst = worst.max((p.row(i)[j] - oracle[(i, j)]).abs());
                    }
                }
            }
        }
        println!("against nalgebra: worst absolute difference {worst:e}");
        assert!(worst < 1e-12);
    }

    #[test]
    fn rows_keep_their_mass_and_no_entry_is_negative_however_stiff() {
        for salt in 0..20 {
            for dt in [0.0, 1e-6, 1.0, 1e6] {
                let p = scheme(7, 9.0, salt).propagator(dt).unwrap();
                for i in 0..7 {
                    assert!((p.row(i).iter().sum::<f64>() - 1.0).abs() < 1e-15);
                    assert!(p.row(i).iter().all(|&x| x >= 0.0));
                }
            }
        }
    }

    #[test]
    fn small_entries_are_accurate_relative_to_themselves() {
        // Pure-birth chain with equal rates r: P_0j is the Poisson weight (r t)^j exp(-r t) / j!.
        let transitions: Vec<_> = (0..30).map(|i| (i, i + 1, 1.0)).collect();
        let p = Generator::new(31, &transitions).unwrap().propagator(0.01).unwrap();
        let mut weight = math::exp(-0.01);
        for j in 0..30 {
            assert!((p.row(0)[j] / weight - 1.0).abs() < 1e-13, "entry {j}");
            weight *= 0.01 / (j + 1) as f64;
        }
    }

    #[test]
    fn two_half_steps_are_one_step() {
        let q = scheme(6, 4.0, 9);
        let (half, whole) = (q.propagator(0.25).unwrap(), q.propagator(0.5).unwrap());
        let start = [0.1, 0.2, 0.3, 0.1, 0.1, 0.2];
        let (mut a, mut b, mut c) = ([0.0; 6], [0.0; 6], [0.0; 6]);
        half.apply(&start, &mut a);
        half.apply(&a, &mut b);
        whole.apply(&start, &mut c);
        for (b, c) in b.iter().zip(&c) {
            assert!((b / c - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        for n in [1, 5, 8, 9, 17] {
            let q = scheme(n, 4.0, 12);
            let width = n.div_ceil(LANES);
            let mut shifted = vec![F64x8::default(); n * width];
            for (state, row) in shifted.chunks_exact_mut(width).enumerate() {
                let row = F64x8::as_f64s_mut(row);
                row[..n].copy_from_slice(&q.rates[state * n..(state + 1) * n]);
                row[state] = 1e4 - q.exit(state);
                row[..n].iter_mut().for_each(|entry| *entry *= 1e-4);
            }
            let run = |level: Level| level.dispatch(Exponential { n, width, shifted: &shifted, squarings: 7 });
            for &level in Level::available() {
                assert_eq!(run(level), run(Level::best()), "{level:?}, {n} states");
            }
        }
    }

    #[test]
    fn a_bad_step_is_an_error() {
        let q = scheme(3, 1.0, 1);
        for dt in [-1.0, f64::NAN, f64::INFINITY, 1e308] {
            assert!(matches!(q.propagator(dt), Err(MarkovError::BadStep { .. })));
        }
    }
}
