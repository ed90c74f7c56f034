//! The implicit step for any scheme: a few blocks side by side, every number in the first-level cache.

use super::elimination::{Elimination, Pivot};
use super::implicit::{Method, Step, column};
use numerics::simd::{F64x8, Lanes, Mask};

/// The blocks of a group in one array of numbers.
type Group<const G: usize> = [F64x8; G];

/// Two lines of one array at once; they are different lines by construction.
#[inline(always)]
fn pair<const G: usize>(lines: &mut [Group<G>], read: usize, write: usize) -> (&Group<G>, &mut Group<G>) {
    match lines.get_disjoint_mut([read, write]) {
        Ok([read, write]) => (read, write),
        Err(_) => unreachable!("a flow joins two states"),
    }
}

/// The same number everywhere. (A copy of a whole array would become a call of `memcpy`.)
#[inline(always)]
fn fill<L: Lanes, const G: usize>(value: f64, lines: &mut Group<G>) {
    for line in lines {
        L::splat(value).store(line);
    }
}

/// `c += a b`.
#[inline(always)]
fn accumulate<L: Lanes, const G: usize>(a: &Group<G>, b: &Group<G>, c: &mut Group<G>) {
    for g in 0..G {
        L::load(&a[g]).mul_add(L::load(&b[g]), L::load(&c[g])).store(&mut c[g]);
    }
}

/// Replaces the pivots of a batch by their reciprocals with one division; `smallest` takes the smallest reciprocal of
/// a product seen, 0 where it overflowed.
#[inline(always)]
fn invert<L: Lanes, const G: usize>(pivots: &[Pivot], lines: &mut [Group<G>], smallest: &mut Group<G>) {
    let one = L::splat(1.0);
    for g in 0..G {
        let whole = match *pivots {
            [ref a] => {
                let whole = one / L::load(&lines[a.state][g]);
                whole.store(&mut lines[a.state][g]);
                whole
            }
            [ref a, ref b] => {
                let (x, y) = (L::load(&lines[a.state][g]), L::load(&lines[b.state][g]));
                let whole = one / (x * y);
                (whole * y).store(&mut lines[a.state][g]);
                (whole * x).store(&mut lines[b.state][g]);
                whole
            }
            [ref a, ref b, ref c] => {
                let (x, y, z) = (L::load(&lines[a.state][g]), L::load(&lines[b.state][g]), L::load(&lines[c.state][g]));
                let both = x * y;
                let whole = one / (both * z);
                let rest = whole * z;
                (rest * y).store(&mut lines[a.state][g]);
                (rest * x).store(&mut lines[b.state][g]);
                (whole * both).store(&mut lines[c.state][g]);
                whole
            }
            [ref a, ref b, ref c, ref d] => {
                let (x, y) = (L::load(&lines[a.state][g]), L::load(&lines[b.state][g]));
                let (z, w) = (L::load(&lines[c.state][g]), L::load(&lines[d.state][g]));
                let (left, right) = (x * y, z * w);
                let whole = one / (left * right);
                let (first, second) = (whole * right, whole * left);
                (first * y).store(&mut lines[a.state][g]);
                (first * x).store(&mut lines[b.state][g]);
                (second * w).store(&mut lines[c.state][g]);
                (second * z).store(&mut lines[d.state][g]);
                whole
            }
            _ => unreachable!("a batch has one to four pivots"),
        };
        whole.min(L::load(&smallest[g])).store(&mut smallest[g]);
    }
}

impl Step<'_, '_> {
    /// Steps blocks `start..end` of the chunk, `G` at a time; false if a number is not sound.
    #[inline(always)]
    pub(super) fn groups<L: Lanes, const G: usize>(&mut self, start: usize, end: usize) -> bool {
        let (plan, n) = (self.plan, self.plan.states);
        let slots = plan.slots.len();
        let flow = &mut self.work.flow.as_chunks_mut::<G>().0[..slots];
        let share = &mut self.work.share.as_chunks_mut::<G>().0[..slots];
        let inverse = &mut self.work.inverse.as_chunks_mut::<G>().0[..n];
        let excess = &mut self.work.excess.as_chunks_mut::<G>().0[..n];
        let x = &mut self.work.x.as_chunks_mut::<G>().0[..n];
        for &(slot, value) in &self.flows.fixed {
            fill::<L, G>(value, &mut flow[slot]);
        }
        let (ahead, back) = (L::splat(1.0 + std::f64::consts::SQRT_2), L::splat(-std::f64::consts::SQRT_2));
        // Zero while every occupancy is finite; smallest term of a flow and smallest reciprocal seen.
        let (mut probe, mut least) = (L::splat(0.0), L::splat(0.0));
        let mut smallest = [F64x8::splat(1.0); G];
        let mut block = start;
        while block + G <= end {
            for &(slot, value) in &self.flows.reset {
                fill::<L, G>(value, &mut flow[slot]);
            }
            for term in &self.flows.terms {
                let flow = &mut flow[term.slot];
                for (g, flow) in flow.iter_mut().enumerate() {
                    let mut value = L::splat(term.scale) * column::<L>(term.a, self.first + block + g);
                    if let Some(b) = term.b {
                        value = value * column::<L>(b, self.first + block + g);
                    }
                    least = value.min(least);
                    let sum = if term.first { value } else { L::load(flow) + value };
                    sum.store(flow);
                }
            }
            let lines = &mut self.lines[block * n..(block + G) * n];
            for (state, (x, excess)) in x.iter_mut().zip(excess.iter_mut()).enumerate() {
                fill::<L, G>(1.0, excess);
                for (g, x) in x.iter_mut().enumerate() {
                    L::load(&lines[g * n + state]).store(x);
                }
            }
            for batch in &plan.batches {
                let pivots = &plan.pivots[batch.clone()];
                for pivot in pivots {
                    let d = &mut inverse[pivot.state];
                    for g in 0..G {
                        L::load(&excess[pivot.state][g]).store(&mut d[g]);
                    }
                    for &(slot, _) in &plan.outs[pivot.outs.clone()] {
                        let flow = &flow[slot];
                        for g in 0..G {
                            (L::load(&d[g]) + L::load(&flow[g])).store(&mut d[g]);
                        }
                    }
                }
                invert::<L, G>(pivots, inverse, &mut smallest);
                for pivot in pivots {
                    let inverse = &inverse[pivot.state];
                    for &(slot, to) in &plan.outs[pivot.outs.clone()] {
                        let (flow, share) = (&flow[slot], &mut share[slot]);
                        let (own, to) = pair(x, pivot.state, to);
                        for g in 0..G {
                            let part = L::load(&flow[g]) * L::load(&inverse[g]);
                            part.store(&mut share[g]);
                            part.mul_add(L::load(&own[g]), L::load(&to[g])).store(&mut to[g]);
                        }
                    }
                    for &(slot, from) in &plan.ins[pivot.ins.clone()] {
                        let flow = &flow[slot];
                        let (own, from) = pair(excess, pivot.state, from);
                        for g in 0..G {
                            let stay = L::load(&own[g]) * L::load(&inverse[g]);
                            L::load(&flow[g]).mul_add(stay, L::load(&from[g])).store(&mut from[g]);
                        }
                    }
                    for &(inward, outward, to) in &plan.updates[pivot.updates.clone()] {
                        let (inward, to) = pair(flow, inward, to);
                        accumulate::<L, G>(inward, &share[outward], to);
                    }
                }
            }
            if self.method == Method::Sdirk2 {
                backward::<L, G>(plan, flow, inverse, x);
                for (state, x) in x.iter_mut().enumerate() {
                    for (g, line) in x.iter_mut().enumerate() {
                        let before = L::load(&lines[g * n + state]);
                        L::load(line).mul_add(ahead, back * before).store(line);
                    }
                }
                forward::<L, G>(plan, share, x);
            }
            backward::<L, G>(plan, flow, inverse, x);
            for (state, x) in x.iter().enumerate() {
                for (g, x) in x.iter().enumerate() {
                    let x = L::load(x);
                    x.store(&mut lines[g * n + state]);
                    probe = x.mul_add(L::splat(0.0), probe);
                }
            }
            block += G;
        }
        let mut sound = probe.eq(L::splat(0.0)).and(least.ge(L::splat(0.0))).all();
        for smallest in &smallest {
            sound &= L::load(smallest).gt(L::splat(0.0)).all();
        }
        sound
    }
}

/// Hands the right side of eliminated states on to the later ones.
#[inline(always)]
fn forward<L: Lanes, const G: usize>(plan: &Elimination, share: &[Group<G>], x: &mut [Group<G>]) {
    for pivot in &plan.pivots {
        for &(slot, to) in &plan.outs[pivot.outs.clone()] {
            let (own, to) = pair(x, pivot.state, to);
            accumulate::<L, G>(&share[slot], own, to);
        }
    }
}

/// From the last state eliminated to the first.
#[inline(always)]
fn backward<L: Lanes, const G: usize>(plan: &Elimination, flow: &[Group<G>], inverse: &[Group<G>], x: &mut [Group<G>]) {
    for pivot in plan.pivots.iter().rev() {
        for &(slot, from) in &plan.ins[pivot.ins.clone()] {
            let (from, own) = pair(x, from, pivot.state);
            accumulate::<L, G>(&flow[slot], from, own);
        }
        let (own, inverse) = (&mut x[pivot.state], &inverse[pivot.state]);
        for g in 0..G {
            (L::load(&own[g]) * L::load(&inverse[g])).store(&mut own[g]);
        }
    }
}
