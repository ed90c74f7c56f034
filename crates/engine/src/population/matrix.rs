//! Laws as lines of lanes, and what takes them from one time to another.
//!
//! A law of `n` states lies in `W` lines, states side by side, zeros behind; a matrix in `n` rows of `W` lines. The
//! equation is `dp/dt = p (Q0 + L(t) Q1)` with `L(t) = L exp(-t / tau)`, and is solved by its Taylor series in time, eight
//! laws at once, each with its own ligand and time: the coefficients follow from each other as those of `L` do.

use numerics::math;
use numerics::simd::{F64x8, LANES, Lanes};

/// Highest power of the series.
const MOST: usize = 22;
/// A piece of the series spans this much at most, in units of the largest rate.
const SPAN: f64 = 2.0;
/// Terms below this are left out: of what is made once, and of what is made at each release.
pub(super) const LAST: [f64; 2] = [1e-13, 1e-9];

/// Lines that a law of so many states takes: 1, 2, 4 or 8, so that there are four kernels.
pub(super) const fn width(states: usize) -> usize {
    states.div_ceil(LANES).next_power_of_two()
}

/// An element of a matrix: row, column, /ms or /mM/ms.
type Element = (usize, usize, f64);

/// Rates without ligand, and what a ligand of 1 mM adds.
#[derive(Clone, Debug)]
pub(super) struct Rates {
    states: usize,
    /// Of `Q0` and `Q1`, those that are not zero.
    free: Vec<Element>,
    bound: Vec<Element>,
    /// States that bind.
    binding: Vec<usize>,
    /// Bounds of both, /ms and /mM/ms.
    norm: (f64, f64),
    /// Of the ligand, /ms.
    decay: f64,
    /// How far the series of each degree reaches, for each of [`LAST`].
    reach: [[f64; MOST]; 2],
}

impl Rates {
    /// From transitions `(from, to, rate, whether it binds)`.
    pub fn new(states: usize, transitions: impl Iterator<Item = (usize, usize, f64, bool)>, decay: f64) -> Self {
        let mut dense = [vec![0.0; states * states], vec![0.0; states * states]];
        for (from, to, rate, binds) in transitions {
            let q = &mut dense[usize::from(binds)];
            q[from * states + to] += rate;
            q[from * states + from] -= rate;
        }
        let exit = |q: &[f64]| (0..states).map(|i| -q[i * states + i]).fold(0.0, f64::max);
        let norm = (2.0 * exit(&dense[0]), 2.0 * exit(&dense[1]));
        let binding = (0..states).filter(|i| dense[1][i * states + i] != 0.0).collect();
        let [free, bound] = dense.map(|q| {
            let all = (0..states * states).filter(|k| q[*k] != 0.0);
            all.map(|k| (k / states, k % states, q[k])).collect()
        });
        // x^d / d! = last.
        let reach = LAST.map(|last| {
            let mut reach = [0.0; MOST];
            let mut logarithm = math::ln(last);
            for (d, reach) in (1..).zip(&mut reach) {
                logarithm += math::ln(f64::from(d));
                *reach = math::exp(logarithm / f64::from(d));
            }
            reach
        });
        Self { states, free, bound, binding, norm, decay, reach }
    }

    pub fn states(&self) -> usize {
        self.states
    }

    /// The most that 1 mM adds to any rate of leaving, /mM/ms.
    pub fn binding(&self) -> f64 {
        0.5 * self.norm.1
    }
}

/// Eight laws at once, a lane each: state by state.
#[derive(Clone, Debug, Default)]
pub(super) struct Lot {
    pub laws: Vec<F64x8>,
    terms: Vec<F64x8>,
    both: Vec<F64x8>,
}

/// `to += from q`, element by element.
#[inline(always)]
fn multiply<L: Lanes>(from: &[F64x8], elements: &[Element], to: &mut [F64x8]) {
    for &(i, j, rate) in elements {
        L::load(&from[i]).mul_add(L::splat(rate), L::load(&to[j])).store(&mut to[j]);
    }
}

impl Lot {
    /// For laws of so many states.
    pub fn shape(&mut self, states: usize) {
        self.laws.clear();
        self.laws.resize(states, F64x8::default());
        self.terms.resize((MOST + 1) * states, F64x8::default());
        self.both.resize(states, F64x8::default());
    }

    /// Each law `dt` ms later, while its ligand falls from `ligand` mM; `quick`: which of [`LAST`] the series ends with. What
    /// comes of a law does not depend on the others.
    #[inline(always)]
    #[expect(clippy::needless_range_loop, reason = "a lane is an index into several")]
    pub fn flow<L: Lanes>(&mut self, rates: &Rates, ligand: &F64x8, dt: &F64x8, quick: usize) {
        let mut ligand = *ligand;
        let mut left = [0_u32; LANES];
        let mut piece = F64x8::default();
        for lane in 0..LANES {
            let x = (rates.norm.0 + ligand.0[lane] * rates.norm.1 + rates.decay) * dt.0[lane];
            let pieces = (x / SPAN).ceil();
            left[lane] = pieces as u32;
            piece.0[lane] = if pieces > 0.0 { dt.0[lane] / pieces } else { 0.0 };
        }
        while left.iter().any(|n| *n > 0) {
            let mut degree = F64x8::default();
            for lane in 0..LANES {
                if left[lane] == 0 {
                    piece.0[lane] = 0.0;
                    continue;
                }
                let x = (rates.norm.0 + ligand.0[lane] * rates.norm.1 + rates.decay) * piece.0[lane];
                let short = rates.reach[quick].iter().take_while(|reach| **reach < x).count();
                degree.0[lane] = (short + 1).min(MOST) as f64;
            }
            let most = degree.0.iter().fold(0.0, |a: f64, b| a.max(*b)) as usize;
            let bound = ligand.0.iter().any(|l| *l > 0.0);
            self.series::<L>(rates, (&ligand, &piece, &degree), (most, bound));
            for lane in 0..LANES {
                left[lane] = left[lane].saturating_sub(1);
                if left[lane] > 0 {
                    ligand.0[lane] *= math::exp(-rates.decay * piece.0[lane]);
                }
            }
        }
    }

    #[inline(always)]
    fn series<L: Lanes>(
        &mut self,
        rates: &Rates,
        (ligand, dt, degree): (&F64x8, &F64x8, &F64x8),
        (most, bound): (usize, bool),
    ) {
        let states = rates.states;
        let mut falls = [L::splat(0.0); MOST + 1];
        falls[0] = L::load(ligand);
        self.terms[..states].copy_from_slice(&self.laws);
        for j in 0..most {
            let (known, next) = self.terms.split_at_mut((j + 1) * states);
            let next = &mut next[..states];
            next.fill(F64x8::default());
            multiply::<L>(&known[j * states..], &rates.free, next);
            if bound {
                for &i in &rates.binding {
                    let mut sum = L::splat(0.0);
                    for (k, fall) in falls[..=j].iter().enumerate() {
                        sum = L::load(&known[(j - k) * states + i]).mul_add(*fall, sum);
                    }
                    sum.store(&mut self.both[i]);
                }
                multiply::<L>(&self.both, &rates.bound, next);
            }
            // A lane whose series has ended adds nothing.
            let share = L::load(dt) * L::splat(1.0 / (j + 1) as f64);
            let share = L::select(L::splat(j as f64).lt(L::load(degree)), share, L::splat(0.0));
            falls[j + 1] = falls[j] * (L::splat(-rates.decay) * share);
            for (next, law) in next.iter_mut().zip(&mut self.laws) {
                let term = L::load(next) * share;
                term.store(next);
                (L::load(law) + term).store(law);
            }
        }
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

/// `sum + x row`.
#[inline(always)]
fn row<L: Lanes, const W: usize>(x: f64, row: &[F64x8], mut sum: [L; W]) -> [L; W] {
    let x = L::splat(x);
    for (sum, line) in sum.iter_mut().zip(row) {
        *sum = x.mul_add(L::load(line), *sum);
    }
    sum
}

/// `p m` for a law in memory, times `weight`, in two chains: even rows, odd rows.
#[inline(always)]
pub(super) fn apply_weighted<L: Lanes, const W: usize>(p: &[F64x8], m: &[F64x8], weight: f64) -> [L; W] {
    let states = m.len() / W;
    let p = &F64x8::as_f64s(p)[..states];
    let (mut even, mut odd) = ([L::splat(0.0); W], [L::splat(0.0); W]);
    let mut pairs = m.chunks_exact(2 * W);
    for (rows, p) in (&mut pairs).zip(p.chunks_exact(2)) {
        even = row(p[0] * weight, &rows[..W], even);
        odd = row(p[1] * weight, &rows[W..], odd);
    }
    if states % 2 == 1 {
        even = row(p[states - 1] * weight, pairs.remainder(), even);
    }
    add(even, odd)
}

/// `p m` for a law in memory: a spread from there is cheaper than one from lanes.
#[inline(always)]
pub(super) fn apply<L: Lanes, const W: usize>(p: &[F64x8], m: &[F64x8]) -> [L; W] {
    apply_weighted(p, m, 1.0)
}
