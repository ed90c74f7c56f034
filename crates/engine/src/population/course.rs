//! Propagators along the one course that all ligand takes.
//!
//! Places on the course are counted in steps of the grid: at place `s` the ligand is `top exp(-s step / tau)`. Between nodes
//! a propagator *of a given duration* is smooth in `s`, for only the ligand's size changes along it: it is interpolated by
//! cubics through four nodes, error of order `(step / tau)^4`. Beyond the last node there is no ligand.

use super::matrix::{Lot, Rates, add, apply, apply_weighted, store, width};
use numerics::math;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};

/// Quiet spans are counted to this base, so that long ones take few factors.
const BASE: usize = 16;
/// Their digits: `16^8` steps.
const DIGITS: usize = 8;

/// Of one receptor.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub rates: Rates,
    pub width: usize,
    /// How many nodes have ligand.
    pub nodes: usize,
    /// `[duration 2^j][node]`, of `nodes + 2` nodes, the last ones without ligand.
    active: Vec<Vec<F64x8>>,
    /// `[digit][1 to 15]`, without ligand.
    quiet: Vec<Vec<F64x8>>,
    /// `[node k][node k - 1 to k + 2]`: past the last node at once, in the steps that node `k` needs to the node after it.
    home: Vec<F64x8>,
}

/// A number for each width that a law can have.
macro_rules! of_width {
    ($width:expr, $name:ident::<$l:ident, W>($($arg:expr),*)) => {
        match $width {
            1 => $name::<$l, 1>($($arg),*),
            2 => $name::<$l, 2>($($arg),*),
            4 => $name::<$l, 4>($($arg),*),
            _ => $name::<$l, 8>($($arg),*),
        }
    };
}
pub(super) use of_width;

/// Cubic weights of the nodes `k - 1` to `k + 2` for the place `k + x`.
pub(super) fn weights(x: f64) -> [f64; 4] {
    let (a, b, c, d) = (x + 1.0, x, x - 1.0, x - 2.0);
    [-b * c * d / 6.0, a * c * d / 2.0, -a * b * d / 2.0, a * b * c / 6.0]
}

impl Course {
    /// `top`: mM at node 0; `step`: ms.
    pub fn new(rates: Rates, nodes: usize, top: f64, step: f64, tau: f64) -> Self {
        Level::best().dispatch(Make { rates, nodes, top, step, tau })
    }

    /// Bytes that so many states and nodes take.
    pub fn bytes(states: usize, nodes: usize) -> usize {
        states * width(states) * size_of::<F64x8>() * ((nodes + 2) * (levels(nodes) + 4) + DIGITS * BASE)
    }

    fn size(&self) -> usize {
        self.rates.states() * self.width
    }

    /// From node `k`, a step on.
    #[inline(always)]
    pub fn step(&self, k: usize) -> &[F64x8] {
        &self.active[0][k * self.size()..][..self.size()]
    }

    /// A step on without ligand.
    #[inline(always)]
    pub fn quiet_step(&self) -> &[F64x8] {
        &self.quiet[0][..self.size()]
    }

    /// A law at place `s`, `2^j` steps on.
    #[inline(always)]
    pub fn leap<L: Lanes, const W: usize>(&self, p: [L; W], s: f64, j: usize) -> [L; W] {
        let (k, size) = (s as usize, self.size());
        self.between(p, s, &self.active[j][(k - 1) * size..][..4 * size])
    }

    /// A law under the propagator between four that are given.
    #[inline(always)]
    fn between<L: Lanes, const W: usize>(&self, p: [L; W], s: f64, four: &[F64x8]) -> [L; W] {
        let mut law = [F64x8::default(); W];
        store(p, &mut law);
        let mut sum = [L::splat(0.0); W];
        for (weight, m) in weights(s - (s as usize) as f64).into_iter().zip(four.chunks_exact(self.size())) {
            sum = add(sum, apply_weighted(&law, m, weight));
        }
        sum
    }

    /// A law at place `s`, `steps` on. Places are at least 1.
    #[inline(always)]
    pub fn walk<L: Lanes, const W: usize>(&self, mut p: [L; W], mut s: f64, mut steps: u64) -> [L; W] {
        let mut j = self.active.len();
        let end = self.nodes as f64;
        if s < end {
            // Most laws are asked for long after their ligand has gone.
            let (k, size) = (s as usize, self.size());
            let far = (self.nodes + 1 - k) as u64;
            if steps >= far {
                p = self.between(p, s, &self.home[4 * k * size..][..4 * size]);
                (s, steps) = (end, steps - far);
            }
        }
        while j > 0 && s < end {
            j -= 1;
            if steps >> j == 0 {
                continue;
            }
            p = self.leap(p, s, j);
            s += (1_u64 << j) as f64;
            steps -= 1 << j;
        }
        let mut digit = 0;
        while steps > 0 && digit < DIGITS {
            let d = (steps % BASE as u64) as usize;
            steps /= BASE as u64;
            if d > 0 {
                let mut law = [F64x8::default(); W];
                store(p, &mut law);
                p = apply(&law, &self.quiet[digit][(d - 1) * self.size()..][..self.size()]);
            }
            digit += 1;
        }
        p
    }
}

/// Durations kept: up to one that leads past all nodes.
fn levels(nodes: usize) -> usize {
    nodes.next_power_of_two().trailing_zeros() as usize + 1
}

struct Make {
    rates: Rates,
    nodes: usize,
    top: f64,
    step: f64,
    tau: f64,
}

/// `a b`, row by row.
#[inline(always)]
fn product<L: Lanes, const W: usize>(a: &[F64x8], b: &[F64x8], out: &mut [F64x8]) {
    for (row, out) in a.chunks_exact(W).zip(out.chunks_exact_mut(W)) {
        store(apply::<L, W>(row, b), out);
    }
}

/// The propagator of a step from `ligand` mM: its rows are what becomes of each state, eight at once.
#[inline(always)]
fn one<L: Lanes, const W: usize>(rates: &Rates, lot: &mut Lot, (ligand, step): (f64, f64), out: &mut [F64x8]) {
    for first in (0..rates.states()).step_by(LANES) {
        lot.shape(rates.states());
        let rows = LANES.min(rates.states() - first);
        (0..rows).for_each(|lane| lot.laws[first + lane].0[lane] = 1.0);
        lot.flow::<L>(rates, &F64x8::splat(ligand), &F64x8::splat(step), 0);
        for lane in 0..rows {
            let row = F64x8::as_f64s_mut(&mut out[(first + lane) * W..][..W]);
            row.iter_mut().zip(&lot.laws).for_each(|(x, law)| *x = law.0[lane]);
        }
    }
}

#[inline(always)]
fn make<L: Lanes, const W: usize>(make: Make) -> Course {
    let Make { rates, nodes, top, step, tau } = make;
    let size = rates.states() * W;
    let matrices = |n: usize| vec![F64x8::default(); n * size];
    let mut quiet = vec![matrices(BASE - 1); DIGITS];
    let mut unit = matrices(1);
    let mut lot = Lot::default();
    one::<L, W>(&rates, &mut lot, (0.0, step), &mut unit);
    for digit in &mut quiet {
        digit[..size].copy_from_slice(&unit);
        for d in 1..BASE - 1 {
            let (before, after) = digit.split_at_mut(d * size);
            product::<L, W>(&before[(d - 1) * size..], &unit, &mut after[..size]);
        }
        let last = digit[(BASE - 2) * size..].to_vec();
        let first = unit.clone();
        product::<L, W>(&last, &first, &mut unit);
    }
    let mut active = vec![matrices(nodes + 2)];
    for (k, m) in active[0].chunks_exact_mut(size).enumerate() {
        let ligand = if k < nodes { top * math::exp(-(k as f64) * step / tau) } else { 0.0 };
        one::<L, W>(&rates, &mut lot, (ligand, step), m);
    }
    // The same of the last node, which has no ligand: `2^j` steps of quiet.
    for j in 1..levels(nodes) {
        let half = &active[j - 1];
        let mut whole = matrices(nodes + 2);
        for (k, m) in whole.chunks_exact_mut(size).enumerate() {
            let then = (k + (1 << (j - 1))).min(nodes + 1);
            product::<L, W>(&half[k * size..][..size], &half[then * size..][..size], m);
        }
        active.push(whole);
    }
    let home = home::<L, W>(&active[0], &quiet[0], (nodes, size));
    Course { rates, width: W, nodes, active, quiet, home }
}

/// [`Course::home`].
#[inline(always)]
fn home<L: Lanes, const W: usize>(step: &[F64x8], quiet: &[F64x8], (nodes, size): (usize, usize)) -> Vec<F64x8> {
    let mut out = vec![F64x8::default(); 4 * (nodes + 2) * size];
    let mut unit = vec![F64x8::default(); size];
    for (k, row) in unit.chunks_exact_mut(W).enumerate() {
        F64x8::as_f64s_mut(row)[k] = 1.0;
    }
    // From node `j`, `beyond - 1` steps more than to the node after the last: `beyond` steps from the node after the last.
    for beyond in 0..4 {
        let mut after = match beyond {
            0 => unit.clone(),
            d => quiet[(d - 1) * size..][..size].to_vec(),
        };
        let mut now = unit.clone();
        for j in (0..nodes + 2).rev() {
            if j < nodes {
                product::<L, W>(&step[j * size..][..size], &after, &mut now);
                std::mem::swap(&mut now, &mut after);
            }
            // It is one of the four of node `j + 1 - beyond`.
            let of = (j + 1).checked_sub(beyond).filter(|k| *k < nodes);
            if let Some(k) = of {
                let law = if j == nodes + 1 { &quiet[(beyond.max(2) - 2) * size..][..size] } else { &after[..] };
                out[(4 * k + beyond) * size..][..size].copy_from_slice(law);
            }
        }
    }
    out
}

impl Kernel for Make {
    type Output = Course;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Course {
        of_width!(width(self.rates.states()), make::<L, W>(self))
    }
}
