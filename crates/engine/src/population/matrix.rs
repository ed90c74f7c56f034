//! Laws as lines of lanes, and what takes them from one time to another.
//!
//! A law of `n` states lies in `W` lines, states side by side, zeros behind; a matrix in `n` rows of `W` lines. The
//! equation is `dp/dt = p (Q0 + L(t) Q1)` with `L(t) = L exp(-t / tau)`, and is solved by its Taylor series in time, to
//! rounding: the coefficients follow from each other as `L`'s do.

use numerics::math;
use numerics::simd::{F64x8, LANES, Lanes};

/// Highest power of the series.
const MOST: usize = 22;
/// A piece of the series spans this much at most, in units of the largest rate.
const SPAN: f64 = 2.0;
/// Terms below this are left out: of what is made once, of what is made at each release.
pub(super) const FINE: f64 = 1e-13;
pub(super) const QUICK: f64 = 1e-9;

/// Lines that a law of so many states takes: 1, 2, 4 or 8, so that there are four kernels.
pub(super) const fn width(states: usize) -> usize {
    states.div_ceil(LANES).next_power_of_two()
}

/// Rates without ligand, and what a ligand of 1 mM adds.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    states: usize,
    /// Rows of `Q0` and `Q1`, /ms and /mM/ms, each with the state it belongs to; rows of zeros are left out.
    free: (Vec<usize>, Vec<F64x8>),
    bound: (Vec<usize>, Vec<F64x8>),
    /// Bounds of both, /ms and /mM/ms.
    norm: (f64, f64),
    /// Of the ligand, /ms.
    decay: f64,
}

impl Rates {
    /// From transitions `(from, to, rate, whether it binds)`.
    pub fn new(states: usize, transitions: impl Iterator<Item = (usize, usize, f64, bool)>, decay: f64) -> Self {
        let w = width(states);
        let mut dense = [vec![F64x8::default(); states * w], vec![F64x8::default(); states * w]];
        for (from, to, rate, binds) in transitions {
            let q = F64x8::as_f64s_mut(&mut dense[usize::from(binds)]);
            q[from * w * LANES + to] += rate;
            q[from * w * LANES + from] -= rate;
        }
        let exit = |q: &[F64x8]| (0..states).map(|i| -F64x8::as_f64s(q)[i * w * LANES + i]).fold(0.0, f64::max);
        let norm = (2.0 * exit(&dense[0]), 2.0 * exit(&dense[1]));
        let [free, bound] = dense.map(|q| {
            let busy: Vec<usize> =
                (0..states).filter(|i| q[i * w..][..w].iter().any(|line| *line != F64x8::default())).collect();
            let rows = busy.iter().flat_map(|i| q[i * w..][..w].to_vec()).collect();
            (busy, rows)
        });
        Self { states, free, bound, norm, decay }
    }

    pub fn states(&self) -> usize {
        self.states
    }

    /// The most that 1 mM adds to any rate of leaving, /mM/ms.
    pub fn binding(&self) -> f64 {
        0.5 * self.norm.1
    }
}

#[inline(always)]
pub(super) fn load<L: Lanes, const W: usize>(from: &[F64x8]) -> [L; W] {
    let mut law = [L::splat(0.0); W];
    for (law, line) in law.iter_mut().zip(from) {
        *law = L::load(line);
    }
    law
}

#[inline(always)]
pub(super) fn store<L: Lanes, const W: usize>(law: [L; W], to: &mut [F64x8]) {
    for (line, law) in to.iter_mut().zip(law) {
        law.store(line);
    }
}

#[inline(always)]
pub(super) fn add<L: Lanes, const W: usize>(a: [L; W], b: [L; W]) -> [L; W] {
    let mut sum = a;
    for (sum, b) in sum.iter_mut().zip(b) {
        *sum = *sum + b;
    }
    sum
}

/// `p m` for a law in memory, times `weight`, in two chains: even rows, odd rows.
#[inline(always)]
pub(super) fn apply_weighted<L: Lanes, const W: usize>(p: &[F64x8], m: &[F64x8], weight: f64) -> [L; W] {
    let p = F64x8::as_f64s(p);
    let mut sums = [[L::splat(0.0); W]; 2];
    for (i, row) in m.chunks_exact(W).enumerate() {
        let x = L::splat(p[i] * weight);
        for (sum, line) in sums[i % 2].iter_mut().zip(row) {
            *sum = x.mul_add(L::load(line), *sum);
        }
    }
    add(sums[0], sums[1])
}

/// `p m` for a law in memory: a spread from there is cheaper than one from lanes.
#[inline(always)]
pub(super) fn apply<L: Lanes, const W: usize>(p: &[F64x8], m: &[F64x8]) -> [L; W] {
    apply_weighted(p, m, 1.0)
}

/// `sum + p q` over the rows that are not zero.
#[inline(always)]
fn sparse<L: Lanes, const W: usize>(p: [L; W], (busy, rows): &(Vec<usize>, Vec<F64x8>), mut sum: [L; W]) -> [L; W] {
    let mut spread = [F64x8::default(); W];
    store(p, &mut spread);
    let p = F64x8::as_f64s(&spread);
    for (&i, row) in busy.iter().zip(rows.chunks_exact(W)) {
        let x = L::splat(p[i]);
        for (sum, line) in sum.iter_mut().zip(row) {
            *sum = x.mul_add(L::load(line), *sum);
        }
    }
    sum
}

/// The law `dt` ms later, while the ligand falls from `ligand` mM. Exact but for terms below `last`.
#[inline(always)]
pub(super) fn flow<L: Lanes, const W: usize>(
    rates: &Rates,
    mut p: [L; W],
    mut ligand: f64,
    (dt, last): (f64, f64),
) -> [L; W] {
    if dt <= 0.0 {
        return p;
    }
    let span = |ligand: f64, dt: f64| (rates.norm.0 + ligand * rates.norm.1 + rates.decay) * dt;
    let pieces = (span(ligand, dt) / SPAN).ceil().max(1.0);
    let dt = dt / pieces;
    for _ in 0..pieces as usize {
        let x = span(ligand, dt);
        let (mut degree, mut left) = (0, 1.0);
        while left > last && degree < MOST {
            degree += 1;
            left *= x / degree as f64;
        }
        let mut terms = [[L::splat(0.0); W]; MOST + 1];
        let mut falls = [0.0; MOST + 1];
        (terms[0], falls[0]) = (p, ligand);
        for j in 0..degree {
            let mut next = sparse(terms[j], &rates.free, [L::splat(0.0); W]);
            if ligand > 0.0 {
                let mut both = [L::splat(0.0); W];
                for (term, fall) in terms[..=j].iter().rev().zip(&falls) {
                    let fall = L::splat(*fall);
                    for (both, term) in both.iter_mut().zip(term) {
                        *both = term.mul_add(fall, *both);
                    }
                }
                next = sparse(both, &rates.bound, next);
            }
            let share = dt / (j + 1) as f64;
            falls[j + 1] = falls[j] * -rates.decay * share;
            for (next, p) in next.iter_mut().zip(&mut p) {
                *next = *next * L::splat(share);
                *p = *p + *next;
            }
            terms[j + 1] = next;
        }
        ligand *= math::exp(-rates.decay * dt);
    }
    p
}
