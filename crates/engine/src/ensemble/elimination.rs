//! The order in which the states of a scheme are eliminated, found once.
//!
//! `(I - h Q^T) x = b` is solved by taking states out of the chain one by one, as Grassmann, Taksar & Heyman (1985)
//! do for the stationary law: a pivot is the sum of what leaves the state, never a difference, so every number stays
//! positive, no pivoting is needed and mass is kept to rounding whatever the stiffness. Order: least fill, ties by
//! index; states that do not touch each other share a batch, and a batch one division.

use crate::mechanism::{Kinetics, MAX_STATES};
use std::ops::Range;

/// Pivots a batch: a product of four cannot overflow below 1e77 each.
pub(super) const BATCH: usize = 4;

/// One state to eliminate; ranges into the lists of [`Elimination`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pivot {
    pub state: usize,
    /// Flows from it to states still there.
    pub outs: Range<usize>,
    /// Flows into it from states still there.
    pub ins: Range<usize>,
    /// Flows that its elimination adds to.
    pub updates: Range<usize>,
}

/// What the numbers have to go through. A slot is a directed pair of states with a flow, fill included.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Elimination {
    pub states: usize,
    /// From and to.
    pub slots: Vec<(usize, usize)>,
    pub pivots: Vec<Pivot>,
    /// Ranges of `pivots` that share a division.
    pub batches: Vec<Range<usize>>,
    /// Slot, and state it leads to.
    pub outs: Vec<(usize, usize)>,
    /// Slot, and state it comes from.
    pub ins: Vec<(usize, usize)>,
    /// Slot in, slot out, slot that gets `in * share of out`.
    pub updates: Vec<(usize, usize, usize)>,
}

type Pattern = [[bool; MAX_STATES]; MAX_STATES];

impl Elimination {
    /// Symbolic elimination of a scheme. Cost: about `states^4` simple operations in the worst case.
    pub fn new(kinetics: &Kinetics) -> Self {
        let n = kinetics.states();
        let mut flows: Box<Pattern> = Box::new([[false; MAX_STATES]; MAX_STATES]);
        for t in kinetics.transitions() {
            flows[usize::from(t.from.0)][usize::from(t.to.0)] = true;
        }
        let mut made = Self { states: n, ..Self::default() };
        let mut left: Vec<usize> = (0..n).collect();
        let mut order = Vec::with_capacity(n);
        let mut shape = flows.clone();
        while !left.is_empty() {
            let fills: Vec<usize> = left.iter().map(|&k| fill(&shape, &left, k)).collect();
            let least = fills.iter().copied().min().unwrap_or(0);
            let mut batch: Vec<usize> = Vec::new();
            for (&k, &f) in left.iter().zip(&fills) {
                let apart = batch.iter().all(|&b| !shape[k][b] && !shape[b][k]);
                // Pivots that only share neighbours without fill do not touch each other's flows.
                if f == least && apart && batch.len() < BATCH && (least == 0 || batch.is_empty()) {
                    batch.push(k);
                }
            }
            // Fewest neighbours first: leaves of a tree before its stem.
            let degree = |k: usize| left.iter().filter(|&&j| shape[k][j] || shape[j][k]).count();
            let fewest = batch.iter().map(|&k| degree(k)).min().unwrap_or(0);
            batch.retain(|&k| degree(k) == fewest);
            left.retain(|k| !batch.contains(k));
            made.batches.push(order.len()..order.len() + batch.len());
            for &k in &batch {
                for &i in &left {
                    for &j in &left {
                        if i != j && shape[i][k] && shape[k][j] {
                            shape[i][j] = true;
                        }
                    }
                }
            }
            order.extend(batch);
        }
        let mut slot = vec![usize::MAX; n * n];
        for i in 0..n {
            for j in 0..n {
                if shape[i][j] {
                    slot[i * n + j] = made.slots.len();
                    made.slots.push((i, j));
                }
            }
        }
        for (place, &k) in order.iter().enumerate() {
            let later = &order[place + 1..];
            let (outs, ins, updates) = (made.outs.len(), made.ins.len(), made.updates.len());
            made.outs.extend(later.iter().filter(|&&j| shape[k][j]).map(|&j| (slot[k * n + j], j)));
            made.ins.extend(later.iter().filter(|&&i| shape[i][k]).map(|&i| (slot[i * n + k], i)));
            for &i in later.iter().filter(|&&i| shape[i][k]) {
                for &j in later.iter().filter(|&&j| j != i && shape[k][j]) {
                    made.updates.push((slot[i * n + k], slot[k * n + j], slot[i * n + j]));
                }
            }
            made.pivots.push(Pivot {
                state: k,
                outs: outs..made.outs.len(),
                ins: ins..made.ins.len(),
                updates: updates..made.updates.len(),
            });
        }
        made
    }

    /// Slot of a flow that a transition makes. Panics if there is none.
    pub fn slot(&self, from: usize, to: usize) -> usize {
        self.slots.iter().position(|&s| s == (from, to)).expect("every transition has a slot")
    }
}

/// How many flows the elimination of `k` would create.
fn fill(shape: &Pattern, left: &[usize], k: usize) -> usize {
    let mut count = 0;
    for &i in left {
        if i != k && shape[i][k] {
            count += left.iter().filter(|&&j| j != k && j != i && shape[k][j] && !shape[i][j]).count();
        }
    }
    count
}
