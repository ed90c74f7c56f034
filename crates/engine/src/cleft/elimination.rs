//! Gaussian elimination of one resident's block, planned once: which numbers exist, which fill in, in what order.
//!
//! The matrix is `s I - Q^T` with `s > 0`: columns are diagonally dominant, so no pivoting is needed in any order
//! (Golub & Van Loan 4.1.1); the order is by least fill (Markowitz 1957).

use numerics::simd::{F64x8, Lanes};

/// What happens when one state is eliminated.
#[derive(Clone, Debug)]
struct Pivot {
    state: usize,
    /// (row below, slot of its number in this column).
    below: Vec<(usize, usize)>,
    /// (column to the right, slot of its number in this row).
    right: Vec<(usize, usize)>,
    /// (changed, factor, number of this row), slots.
    updates: Vec<[usize; 3]>,
}

/// The plan. Slot `s` below the number of states is the diagonal of state `s`.
#[derive(Clone, Debug)]
pub(super) struct Elimination {
    pivots: Vec<Pivot>,
    /// Numbers a block has, fill included.
    pub slots: usize,
    /// Slot of the number in row `to` and column `from`, one a transition.
    pub places: Vec<usize>,
}

impl Elimination {
    /// `flows`: (from, to) of each transition.
    pub fn new(states: usize, flows: &[(usize, usize)]) -> Self {
        let mut slot = vec![None; states * states];
        let mut slots = states;
        for s in 0..states {
            slot[s * states + s] = Some(s);
        }
        let place = |slot: &mut Vec<Option<usize>>, slots: &mut usize, row: usize, column: usize| {
            *slot[row * states + column].get_or_insert_with(|| {
                *slots += 1;
                *slots - 1
            })
        };
        let places = flows.iter().map(|&(from, to)| place(&mut slot, &mut slots, to, from)).collect();
        let mut left: Vec<usize> = (0..states).collect();
        let mut pivots = Vec::with_capacity(states);
        while !left.is_empty() {
            let count = |&k: &usize| {
                let rows = left.iter().filter(|&&i| i != k && slot[i * states + k].is_some()).count();
                let columns = left.iter().filter(|&&j| j != k && slot[k * states + j].is_some()).count();
                rows * columns
            };
            let state = *left.iter().min_by_key(|k| count(k)).expect("states are left");
            left.retain(|&i| i != state);
            let below: Vec<_> = left.iter().filter_map(|&i| slot[i * states + state].map(|at| (i, at))).collect();
            let right: Vec<_> = left.iter().filter_map(|&j| slot[state * states + j].map(|at| (j, at))).collect();
            let mut updates = Vec::new();
            for &(i, factor) in &below {
                for &(j, number) in &right {
                    updates.push([place(&mut slot, &mut slots, i, j), factor, number]);
                }
            }
            pivots.push(Pivot { state, below, right, updates });
        }
        Self { pivots, slots, places }
    }

    /// In place, in each of `groups` of shells: the diagonal becomes reciprocals of pivots, below it the factors.
    #[inline(always)]
    pub fn factorise<L: Lanes>(&self, groups: usize, a: &mut [F64x8]) {
        // Groups innermost: they do not wait for each other.
        for pivot in &self.pivots {
            for start in (0..groups).map(|g| g * self.slots) {
                let inverse = L::splat(1.0) / L::load(&a[start + pivot.state]);
                inverse.store(&mut a[start + pivot.state]);
                for &(_, at) in &pivot.below {
                    (L::load(&a[start + at]) * inverse).store(&mut a[start + at]);
                }
            }
            for &[changed, factor, number] in &pivot.updates {
                for start in (0..groups).map(|g| g * self.slots) {
                    let (factor, number) = (L::load(&a[start + factor]), L::load(&a[start + number]));
                    factor.neg_mul_add(number, L::load(&a[start + changed])).store(&mut a[start + changed]);
                }
            }
        }
    }

    /// Solves in place, in each of `groups`, with what [`factorise`](Self::factorise) left.
    #[inline(always)]
    pub fn solve<L: Lanes>(&self, groups: usize, a: &[F64x8], x: &mut [F64x8]) {
        let starts = || (0..groups).map(|g| (g * self.slots, g * self.pivots.len()));
        for pivot in &self.pivots {
            for &(row, at) in &pivot.below {
                for (a0, x0) in starts() {
                    let (known, number) = (L::load(&x[x0 + pivot.state]), L::load(&a[a0 + at]));
                    number.neg_mul_add(known, L::load(&x[x0 + row])).store(&mut x[x0 + row]);
                }
            }
        }
        for pivot in self.pivots.iter().rev() {
            for (a0, x0) in starts() {
                let mut sum = L::load(&x[x0 + pivot.state]);
                for &(column, at) in &pivot.right {
                    sum = L::load(&a[a0 + at]).neg_mul_add(L::load(&x[x0 + column]), sum);
                }
                (sum * L::load(&a[a0 + pivot.state])).store(&mut x[x0 + pivot.state]);
            }
        }
    }
}
