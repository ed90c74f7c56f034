//! The implicit step for schemes without loops and up to eight states: a block lives in registers.
//!
//! Most receptors are trees. Then each state hands its flow to one parent, nothing fills in, and where the compiler knows
//! the shape (all trees of up to five states) the loops unroll into registers: 1.9 ns against 6.3 on the general path.

use super::elimination::Elimination;
use super::implicit::{Method, Step, column};
use numerics::simd::{F64x8, Lanes, Mask};

/// Most states the unrolled loops are made for.
pub(super) const LARGEST_TREE: usize = 8;

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
            5: 0o44444 0o44443 0o44442 0o44441 0o44434 0o44433 0o44432 0o44431 0o44424 0o44423 0o44422 0o44421
               0o44344 0o44343 0o44342 0o44341 0o44334 0o44333 0o44332 0o44331 0o44324 0o44323 0o44322 0o44321;
        }
    }

    /// Steps all blocks of the chunk. `N`: how many states; `SHAPE`: the tree's shape, or `ANY`.
    #[inline(always)]
    fn climb<L: Lanes, const N: usize, const SHAPE: u32>(&mut self, tree: &Tree) -> bool {
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        // Flow to the parent at 2 k, from it at 2 k + 1; `home` is where a slot of the plan went.
        let mut flow = [F64x8::splat(0.0); 2 * LARGEST_TREE];
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
        // Known to the compiler where the shape is: then every index below is a constant and lanes stay in registers.
        let parent_of = |k: usize| if SHAPE == ANY { parent[k] } else { digit(SHAPE, k) };
        let leaves = if SHAPE == ANY { 0 } else { leaves(SHAPE, N) };
        for &(slot, value) in &self.flows.fixed {
            L::splat(value).store(&mut flow[home[slot]]);
        }
        let (mut probe, mut least, mut smallest) = (zero, zero, one);
        for (block, lines) in self.lines.as_chunks_mut::<N>().0.iter_mut().enumerate() {
            for &(slot, value) in &self.flows.reset {
                L::splat(value).store(&mut flow[home[slot]]);
            }
            for term in &self.flows.terms {
                let mut value = L::splat(term.scale) * column::<L>(term.a, self.first + block);
                if let Some(b) = term.b {
                    value = value * column::<L>(b, self.first + block);
                }
                least = value.min(least);
                let flow = &mut flow[home[term.slot]];
                let sum = if term.first { value } else { L::load(flow) + value };
                sum.store(flow);
            }
            let (mut x, mut excess, mut inverse, mut share) = ([zero; N], [one; N], [zero; N], [zero; N]);
            for k in 0..N {
                x[k] = L::load(&lines[state[k]]);
            }
            let mut done = 0;
            if leaves == 2 {
                let (a, b) = (one + L::load(&flow[0]), one + L::load(&flow[2]));
                let whole = one / (a * b);
                smallest = whole.min(smallest);
                (inverse[0], inverse[1]) = (whole * b, whole * a);
                done = 2;
            } else if leaves == 3 && N > 2 {
                let (a, b, c) = (one + L::load(&flow[0]), one + L::load(&flow[2]), one + L::load(&flow[4]));
                let both = a * b;
                let whole = one / (both * c);
                smallest = whole.min(smallest);
                let rest = whole * c;
                (inverse[0], inverse[1], inverse[2]) = (rest * b, rest * a, whole * both);
                done = 3;
            }
            for k in 0..N {
                let (p, out, inward) = (parent_of(k), L::load(&flow[2 * k]), L::load(&flow[2 * k + 1]));
                if k >= done {
                    inverse[k] = one / (excess[k] + out);
                    smallest = inverse[k].min(smallest);
                }
                share[k] = out * inverse[k];
                let stay = excess[k] * inverse[k];
                x[p] = share[k].mul_add(x[k], x[p]);
                excess[p] = inward.mul_add(stay, excess[p]);
            }
            for k in (0..N).rev() {
                x[k] = L::load(&flow[2 * k + 1]).mul_add(x[parent_of(k)], x[k]) * inverse[k];
            }
            if self.method == Method::Sdirk2 {
                for k in 0..N {
                    let before = L::splat(-std::f64::consts::SQRT_2) * L::load(&lines[state[k]]);
                    x[k] = x[k].mul_add(L::splat(1.0 + std::f64::consts::SQRT_2), before);
                }
                for k in 0..N {
                    x[parent_of(k)] = share[k].mul_add(x[k], x[parent_of(k)]);
                }
                for k in (0..N).rev() {
                    x[k] = L::load(&flow[2 * k + 1]).mul_add(x[parent_of(k)], x[k]) * inverse[k];
                }
            }
            for k in 0..N {
                probe = x[k].mul_add(zero, probe);
                x[k].store(&mut lines[state[k]]);
            }
        }
        probe.eq(zero).and(least.ge(zero)).and(smallest.gt(zero)).all()
    }
}
