//! `exp(Q dt)`, nonnegative with rows of mass one, every entry accurate to a few ulps times the work.
//!
//! `exp(Q dt) = exp(-s) exp(Q dt + s I)` with `s` the largest exit rate times `dt`: the second exponent is
//! nonnegative, so its Taylor series and the squarings add positive numbers only and nothing cancels
//! (Xue & Ye 2013, Math. Comp. 82:1577; uniformisation, Jensen 1953). Rows of `exp(N)` sum to `exp(s)`, so
//! dividing by the row sum replaces `exp(-s)` and stops rounding in the mass from doubling at each squaring.

use super::{Generator, MarkovError};

/// Row-stochastic matrix of transition probabilities over a fixed interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Propagator {
    n: usize,
    /// Row-major `n x n`; row `i` is the law of the state after the interval, given state `i` before.
    p: Vec<f64>,
}

/// `c = a b`, row-major `n x n`, sums in the order of the inner index.
fn multiply(n: usize, a: &[f64], b: &[f64], c: &mut [f64]) {
    c.fill(0.0);
    for (a, c) in a.chunks_exact(n).zip(c.chunks_exact_mut(n)) {
        for (&a, b) in a.iter().zip(b.chunks_exact(n)) {
            if a != 0.0 {
                for (c, &b) in c.iter_mut().zip(b) {
                    *c = a.mul_add(b, *c);
                }
            }
        }
    }
}

/// Divides each row by its sum, which is one but for rounding (or `exp(s)` after the series).
fn normalise(n: usize, p: &mut [f64]) {
    for row in p.chunks_exact_mut(n) {
        let sum: f64 = row.iter().sum();
        for entry in row {
            *entry /= sum;
        }
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
        let mut shifted: Vec<f64> = self.rates.iter().map(|rate| rate * h).collect();
        for state in 0..n {
            // >= 0: `largest` is the maximum of the very same sums.
            shifted[state * n + state] = (largest - self.exit(state)) * h;
        }
        let mut sum = vec![0.0; n * n];
        for state in 0..n {
            sum[state * n + state] = 1.0;
        }
        let (mut term, mut next) = (sum.clone(), vec![0.0; n * n]);
        // The entry that needs d transitions first appears in term d; 20 further terms are below 1/20!.
        for order in 1..=n + 20 {
            multiply(n, &term, &shifted, &mut next);
            std::mem::swap(&mut term, &mut next);
            let mut settled = true;
            for (sum, term) in sum.iter_mut().zip(&mut term) {
                *term /= order as f64;
                settled &= *term <= *sum * 1e-18;
                *sum += *term;
            }
            // A longest shortest path has a first visit in every term before its own: no entry is missed.
            if settled {
                break;
            }
        }
        normalise(n, &mut sum);
        for _ in 0..squarings {
            multiply(n, &sum, &sum, &mut next);
            normalise(n, &mut next);
            std::mem::swap(&mut sum, &mut next);
        }
        Ok(Propagator { n, p: sum })
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
                    transitions.push((from, to, math::exp((u - 0.5) * decades * 2.302_585)));
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
        assert!(worst < 3e-14, "worst relative error {worst:e}");
    }

    #[test]
    fn the_propagator_equals_nalgebras_exponential() {
        let mut worst = 0.0_f64;
        for n in [1, 2, 3, 5, 8, 17] {
            for (salt, dt) in [(1, 1e-3), (2, 0.1), (3, 3.0)] {
                let q = scheme(n, 3.0, salt);
                let oracle = DMatrix::from_fn(n, n, |i, j| {
                    dt * if i == j { -q.exit(i) } else { q.rate(i, j) }
                })
                .exp();
                let p = q.propagator(dt).unwrap();
                for i in 0..n {
                    for j in 0..n {
                        worst = worst.max((p.row(i)[j] - oracle[(i, j)]).abs());
                    }
                }
            }
        }
        assert!(worst < 1e-12, "worst absolute error {worst:e}");
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
    fn a_bad_step_is_an_error() {
        let q = scheme(3, 1.0, 1);
        for dt in [-1.0, f64::NAN, f64::INFINITY, 1e308] {
            assert!(matches!(q.propagator(dt), Err(MarkovError::BadStep { .. })));
        }
    }
}
