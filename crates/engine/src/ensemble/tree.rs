//! The implicit step for schemes without loops and up to eight states: a block lives in registers.
//!
//! Most receptors are trees. Then each state hands its flow to one parent, nothing fills in, and with the number of
//! states known to the compiler the loops unroll: a third of the time of the general path.

use super::elimination::Elimination;
use super::implicit::{Method, Step, column};
use numerics::simd::{F64x8, Lanes, Mask};

/// Most states the unrolled loops are made for.
pub(super) const LARGEST_TREE: usize = 8;

/// Blocks stepped side by side: their chains of divisions overlap.
const SIDE: usize = 2;

/// No shape known to the compiler.
const ANY: u32 = 0;

/// Parent of place `k` in a shape.
const fn digit(shape: u32, k: usize) -> usize {
    (shape >> (3 * k) & 7) as usize
}

/// How many places at the front (at most three) are nobody's parent, hence share one division.
const fn leaves(shape: u32, n: usize) -> usize {
    let mut count = 0;
    while count < n && count < 3 {
        let mut child = 0;
        while child < n {
            if child != count && digit(shape, child) == count {
                return count;
            }
            child += 1;
        }
        count += 1;
    }
    count
}

/// A forest in the order of elimination; places are positions in that order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    states: usize,
    /// State at each place.
    state: [usize; LARGEST_TREE],
    /// Place of the parent; a root is its own, with flows of zero.
    parent: [usize; LARGEST_TREE],
    /// Slot of the flow to the parent, and from it.
    slots: [[Option<usize>; 2]; LARGEST_TREE],
    /// Parents as octal digits, the first place lowest: a shape the compiler may know.
    shape: u32,
}

impl Tree {
    /// The scheme as a forest of 2 to 8 states, if it is one.
    pub fn new(plan: &Elimination) -> Option<Self> {
        if !(2..=LARGEST_TREE).contains(&plan.states) {
            return None;
        }
        let mut place = [0; LARGEST_TREE];
        for (k, pivot) in plan.pivots.iter().enumerate() {
            place[pivot.state] = k;
        }
        let mut tree = Self {
            states: plan.states,
            state: [0; LARGEST_TREE],
            parent: [0; LARGEST_TREE],
            slots: [[None; 2]; LARGEST_TREE],
            shape: 0,
        };
        for (k, pivot) in plan.pivots.iter().enumerate() {
            let (outs, ins) = (&plan.outs[pivot.outs.clone()], &plan.ins[pivot.ins.clone()]);
            let parents: Vec<usize> = outs.iter().chain(ins).map(|&(_, other)| other).collect();
            if parents.iter().any(|&other| other != parents[0]) {
                return None;
            }
            tree.state[k] = pivot.state;
            tree.parent[k] = parents.first().map_or(k, |&other| place[other]);
            tree.slots[k] = [outs, ins].map(|list| list.first().map(|&(slot, _)| slot));
            tree.shape |= (tree.parent[k] as u32) << (3 * k);
        }
        Some(tree)
    }
}

/// Calls the loop made for the tree's shape; places of a tree have later places as parents, so these are all of up to
/// five states.
macro_rules! shapes {
    ($step:ident, $tree:ident, $lanes:ident; $($n:literal: $($shape:literal)+;)+ ) => {
        match ($tree.states, $tree.shape) {
            $($(($n, $shape) => $step.climb::<$lanes, $n, $shape>($tree),)+)+
            (2, _) => $step.climb::<$lanes, 2, ANY>($tree),
            (3, _) => $step.climb::<$lanes, 3, ANY>($tree),
            (4, _) => $step.climb::<$lanes, 4, ANY>($tree),
            (5, _) => $step.climb::<$lanes, 5, ANY>($tree),
            (6, _) => $step.climb::<$lanes, 6, ANY>($tree),
            (7, _) => $step.climb::<$lanes, 7, ANY>($tree),
            _ => $step.climb::<$lanes, 8, ANY>($tree),
        }
    };
}

impl Step<'_, '_> {
    /// Steps all blocks of the chunk, whatever the tree; false if a number is not sound.
    #[inline(always)]
    pub(super) fn tree<L: Lanes>(&mut self, tree: &Tree) -> bool {
        shapes! { self, tree, L;
            2: 0o11;
            3: 0o222 0o221;
            4: 0o3333 0o3332 0o3323 0o3322 0o3331 0o3321;
            5: 0o44444 0o44443 0o44434 0o44433 0o44344 0o44343 0o44334 0o44333;
        }
    }

    /// Steps all blocks of the chunk; false if a number is not sound. `N`: the scheme's number of states.
    #[inline(always)]
    fn climb<L: Lanes, const N: usize, const SHAPE: u32>(&mut self, tree: &Tree) -> bool {
        let blocks = self.lines.len() / N;
        let whole = blocks - blocks % SIDE;
        let most = self.branches::<L, N, SIDE, SHAPE>(tree, 0, whole);
        let rest = self.branches::<L, N, 1, SHAPE>(tree, whole, blocks);
        most && rest
    }

    /// Steps blocks `start..end`, `G` at a time.
    #[inline(always)]
    fn branches<L: Lanes, const N: usize, const G: usize, const SHAPE: u32>(
        &mut self,
        tree: &Tree,
        start: usize,
        end: usize,
    ) -> bool {
        if start == end {
            return true;
        }
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        // Flow to the parent at 2 k, from it at 2 k + 1; `home` is where a slot of the plan went.
        let mut flow = [[F64x8::splat(0.0); G]; 2 * LARGEST_TREE];
        let mut home = [0; 2 * LARGEST_TREE];
        for (k, slots) in tree.slots[..N].iter().enumerate() {
            for (side, slot) in slots.iter().enumerate() {
                if let Some(slot) = slot {
                    home[*slot] = 2 * k + side;
                }
            }
        }
        let (mut state, mut parent) = ([0; N], [0; N]);
        state.copy_from_slice(&tree.state[..N]);
        parent.copy_from_slice(&tree.parent[..N]);
        // Known to the compiler where the shape is, so that every index below is a constant.
        let parent_of = |k: usize| if SHAPE == ANY { parent[k] } else { digit(SHAPE, k) };
        let leaves = if SHAPE == ANY { 0 } else { leaves(SHAPE, N) };
        assert!(state.iter().chain(&parent).all(|&k| k < N), "places and states of this tree");
        for &(slot, value) in &self.flows.fixed {
            for flow in &mut flow[home[slot]] {
                L::splat(value).store(flow);
            }
        }
        let (mut probe, mut least, mut smallest) = (zero, zero, one);
        let lines = &mut self.lines[start * N..end * N];
        for (group, lines) in lines.chunks_exact_mut(N * G).enumerate() {
            let block = self.first + start + group * G;
            for &(slot, value) in &self.flows.reset {
                for flow in &mut flow[home[slot]] {
                    L::splat(value).store(flow);
                }
            }
            for term in &self.flows.terms {
                for (g, flow) in flow[home[term.slot]].iter_mut().enumerate() {
                    let mut value = L::splat(term.scale) * column::<L>(term.a, block + g);
                    if let Some(b) = term.b {
                        value = value * column::<L>(b, block + g);
                    }
                    least = value.min(least);
                    let sum = if term.first { value } else { L::load(flow) + value };
                    sum.store(flow);
                }
            }
            let mut x = [[zero; G]; N];
            let (mut excess, mut inverse, mut share) = ([[one; G]; N], [[zero; G]; N], [[zero; G]; N]);
            for k in 0..N {
                for g in 0..G {
                    x[k][g] = L::load(&lines[g * N + state[k]]);
                }
            }
            match leaves {
                2 => {
                    for g in 0..G {
                        let (a, b) = (one + L::load(&flow[0][g]), one + L::load(&flow[2][g]));
                        let whole = one / (a * b);
                        smallest = whole.min(smallest);
                        (inverse[0][g], inverse[1][g]) = (whole * b, whole * a);
                    }
                }
                3 if N > 2 => {
                    for g in 0..G {
                        let (a, b) = (one + L::load(&flow[0][g]), one + L::load(&flow[2][g]));
                        let c = one + L::load(&flow[4][g]);
                        let both = a * b;
                        let whole = one / (both * c);
                        smallest = whole.min(smallest);
                        let rest = whole * c;
                        (inverse[0][g], inverse[1][g], inverse[2][g]) = (rest * b, rest * a, whole * both);
                    }
                }
                _ => {}
            }
            let done = if leaves == 2 || (leaves == 3 && N > 2) { leaves } else { 0 };
            for k in 0..N {
                let p = parent_of(k);
                if k >= done {
                    for g in 0..G {
                        inverse[k][g] = one / (excess[k][g] + L::load(&flow[2 * k][g]));
                        smallest = inverse[k][g].min(smallest);
                    }
                }
                for g in 0..G {
                    share[k][g] = L::load(&flow[2 * k][g]) * inverse[k][g];
                    let stay = excess[k][g] * inverse[k][g];
                    x[p][g] = share[k][g].mul_add(x[k][g], x[p][g]);
                    excess[p][g] = L::load(&flow[2 * k + 1][g]).mul_add(stay, excess[p][g]);
                }
            }
            descend::<L, N, G, SHAPE>(&flow, &parent, &inverse, &mut x);
            if self.method == Method::Sdirk2 {
                let (ahead, back) = (L::splat(1.0 + std::f64::consts::SQRT_2), L::splat(-std::f64::consts::SQRT_2));
                for k in 0..N {
                    for g in 0..G {
                        x[k][g] = x[k][g].mul_add(ahead, back * L::load(&lines[g * N + state[k]]));
                    }
                }
                for k in 0..N {
                    for g in 0..G {
                        let p = parent_of(k);
                        x[p][g] = share[k][g].mul_add(x[k][g], x[p][g]);
                    }
                }
                descend::<L, N, G, SHAPE>(&flow, &parent, &inverse, &mut x);
            }
            for k in 0..N {
                for g in 0..G {
                    probe = x[k][g].mul_add(zero, probe);
                    x[k][g].store(&mut lines[g * N + state[k]]);
                }
            }
        }
        probe.eq(zero).and(least.ge(zero)).and(smallest.gt(zero)).all()
    }
}

/// From the roots back to the leaves.
#[inline(always)]
fn descend<L: Lanes, const N: usize, const G: usize, const SHAPE: u32>(
    flow: &[[F64x8; G]],
    parent: &[usize; N],
    inverse: &[[L; G]; N],
    x: &mut [[L; G]; N],
) {
    for k in (0..N).rev() {
        let p = if SHAPE == ANY { parent[k] } else { digit(SHAPE, k) };
        for g in 0..G {
            x[k][g] = L::load(&flow[2 * k + 1][g]).mul_add(x[p][g], x[k][g]) * inverse[k][g];
        }
    }
}
