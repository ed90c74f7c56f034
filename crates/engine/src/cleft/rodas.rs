//! One RODAS4(3) step: stage equations `(I / (h gamma) - J) u = f + sum (C / h) u_j` with the exact Jacobian.
//!
//! Per shell `[W_cc W_cp; W_pc W_pp]` is reduced to the ligand: `W_cc - W_cp W_pp^-1 W_pc` joins the tridiagonal matrix
//! of diffusion, and `u_p = W_pp^-1 (rhs - W_pc u_c)` follows. Vesicles drive the ligand and are solved before it, what
//! escaped or was turned over only listens and comes after. All linear invariants are kept to rounding.
//! Source: Hairer & Wanner 1996, Solving ODEs II, IV.7, and their code `rodas.f`, METH=1.

use super::plan::Cleft;
use super::resident::Block;
use super::run::{Scratch, Tolerance};
use crate::rodas::{A, C, GAMMA};
use numerics::simd::{F64x8, Kernel, Lanes};

/// Stages of a step.
pub(super) const STAGES: usize = 6;

/// One step of `h` ms from `scratch.y` into `scratch.after`; gives the scaled error, infinite where it broke down.
pub(super) struct Attempt<'a> {
    pub plan: &'a Cleft,
    /// Rates of all residents' transitions.
    pub rates: &'a [f64],
    /// amol ever released, for the scale of a vesicle's error.
    pub released: f64,
    pub h: f64,
    pub tolerance: Tolerance,
    pub scratch: &'a mut Scratch,
}

/// `to = from + sum factors[k] u[k]`, `from` being `to` itself where there is none.
#[inline(always)]
fn combine<L: Lanes>(from: Option<&[F64x8]>, factors: &[f64], scale: f64, u: &[F64x8], to: &mut [F64x8]) {
    match factors.len() {
        0 => to.copy_from_slice(from.unwrap_or(&[])),
        1 => combined::<L, 1>(from, factors, scale, u, to),
        2 => combined::<L, 2>(from, factors, scale, u, to),
        3 => combined::<L, 3>(from, factors, scale, u, to),
        4 => combined::<L, 4>(from, factors, scale, u, to),
        _ => combined::<L, 5>(from, factors, scale, u, to),
    }
}

#[inline(always)]
fn combined<L: Lanes, const K: usize>(
    from: Option<&[F64x8]>,
    factors: &[f64],
    scale: f64,
    u: &[F64x8],
    to: &mut [F64x8],
) {
    let n = to.len();
    let mut weights = [L::splat(0.0); K];
    let mut lines: [&[F64x8]; K] = [&[]; K];
    for k in 0..K {
        weights[k] = L::splat(factors[k] * scale);
        lines[k] = &u[k * n..(k + 1) * n];
    }
    for i in 0..n {
        let mut sum = if let Some(from) = from { L::load(&from[i]) } else { L::load(&to[i]) };
        for k in 0..K {
            sum = weights[k].mul_add(L::load(&lines[k][i]), sum);
        }
        sum.store(&mut to[i]);
    }
}

/// The same for plain numbers.
#[inline(always)]
fn combine_plain(factors: &[f64], scale: f64, u: &[f64], to: &mut [f64]) {
    let n = to.len();
    for (i, to) in to.iter_mut().enumerate() {
        for (k, factor) in factors.iter().enumerate() {
            *to = (factor * scale).mul_add(u[k * n + i], *to);
        }
    }
}

#[inline(always)]
fn add<L: Lanes>(value: L, to: &mut F64x8) {
    (L::load(to) + value).store(to);
}

/// Sum over lanes in a fixed order.
#[inline(always)]
pub(super) fn total(lanes: &F64x8) -> f64 {
    let l = &lanes.0;
    ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]))
}

/// Adds `u` to `after` over `range` and gives the sum of its scaled squares where the block lives.
#[inline(always)]
fn scaled<L: Lanes>(
    range: std::ops::Range<usize>,
    relative: f64,
    absolute: f64,
    block: Option<&Block>,
    y: &[F64x8],
    u: &[F64x8],
    after: &mut [F64x8],
) -> f64 {
    let mut sum = L::splat(0.0);
    for (k, i) in range.enumerate() {
        let (y, u) = (L::load(&y[i]), L::load(&u[i]));
        let reached = L::load(&after[i]) + u;
        reached.store(&mut after[i]);
        let error = u / L::splat(relative).mul_add(y.abs().max(reached.abs()), L::splat(absolute));
        // A block's lines are group by group.
        let lives = if let Some(block) = block { L::load(&block.lives[k / block.states]) } else { L::splat(1.0) };
        sum = (error * lives).mul_add(error, sum);
    }
    total(&F64x8(sum.to_array()))
}

impl Kernel for Attempt<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> f64 {
        self.prepare::<L>();
        let (h, n, m) = (self.h, self.plan.lines, self.scratch.y_plain.len());
        for stage in 0..STAGES {
            let s = &mut *self.scratch;
            let (done, now) = s.u.split_at_mut(stage * n);
            let (done_plain, now_plain) = s.u_plain.split_at_mut(stage * m);
            let (now, now_plain) = (&mut now[..n], &mut now_plain[..m]);
            let factors: (&[f64], &[f64]) = if stage > 0 { (A[stage - 1], C[stage - 1]) } else { (&[], &[]) };
            combine::<L>(Some(&s.y), factors.0, 1.0, done, &mut s.after);
            s.after_plain.copy_from_slice(&s.y_plain);
            combine_plain(factors.0, 1.0, done_plain, &mut s.after_plain);
            slope::<L>(self.plan, self.rates, (&s.after, &s.after_plain), &mut s.flow, (now, now_plain));
            if stage > 0 {
                combine::<L>(None, factors.1, 1.0 / h, done, now);
                combine_plain(factors.1, 1.0 / h, done_plain, now_plain);
            }
            self.solve::<L>(stage);
        }
        self.finish::<L>()
    }
}

/// `f(v)`: lines of shells, then of residents; plain: vesicles, escaped, turned over.
#[inline(always)]
fn slope<L: Lanes>(
    plan: &Cleft,
    rates: &[f64],
    (v, v_plain): (&[F64x8], &[f64]),
    flow: &mut [f64],
    (f, f_plain): (&mut [F64x8], &mut [f64]),
) {
    let vesicles = v_plain.len() - 1 - plan.blocks.len();
    let mut pour = 0.0;
    for i in (0..vesicles).step_by(2) {
        let rate = plan.source.pore.emptying(v_plain[i + 1]).0 * v_plain[i];
        f_plain[i] = -rate;
        f_plain[i + 1] = plan.source.pore.growth();
        pour += rate;
    }
    let shells = plan.inverse.len();
    let c = &F64x8::as_f64s(&v[..plan.groups])[..shells];
    let f_c = F64x8::as_f64s_mut(&mut f[..plan.groups]);
    f_c[shells..].fill(0.0);
    // Over each edge outwards, the centre first: two passes, so that the compiler takes lanes.
    let last = shells - 1;
    for (((flow, g), c), next) in flow[1..].iter_mut().zip(&plan.shells.conductance).zip(c).zip(&c[1..]) {
        *flow = g * (c - next);
    }
    flow[shells] = plan.shells.conductance[last] * (c[last] - plan.shells.outside);
    let sides = flow[..shells].iter().zip(&flow[1..]);
    for (((f, (inside, out)), inverse), share) in f_c.iter_mut().zip(sides).zip(&plan.inverse).zip(&plan.spread) {
        *f = share.mul_add(pour, (inside - out) * inverse);
    }
    f_plain[vesicles] = flow[shells];
    for (index, block) in plan.blocks.iter().enumerate() {
        let rates = &rates[block.rates..block.rates + block.moves.len()];
        let mut turned = L::splat(0.0);
        for g in 0..block.groups {
            let range = block.offset + g * block.states..block.offset + (g + 1) * block.states;
            let c = L::load(&v[block.first + g]);
            let p = &v[range.clone()];
            let (f_c, f_p) = f.split_at_mut(range.start);
            let f_p = &mut f_p[..block.states];
            f_p.fill(F64x8::splat(0.0));
            let (mut net, mut lost) = (L::splat(0.0), L::splat(0.0));
            for (m, rate) in block.moves.iter().zip(rates) {
                let mut rate = L::splat(*rate) * L::load(&p[m.from]);
                if m.binds {
                    rate = rate * c;
                }
                (L::load(&f_p[m.from]) - rate).store(&mut f_p[m.from]);
                add(rate, &mut f_p[m.to]);
                if m.net != 0.0 {
                    net = L::splat(m.net).mul_add(rate, net);
                }
                if m.lost != 0.0 {
                    lost = L::splat(m.lost).mul_add(rate, lost);
                }
            }
            let f_c = &mut f_c[block.first + g];
            L::load(&block.density[g]).neg_mul_add(net, L::load(f_c)).store(f_c);
            turned = L::load(&block.amount[g]).mul_add(lost, turned);
        }
        f_plain[vesicles + 1 + index] = total(&F64x8(turned.to_array()));
    }
}

impl Attempt<'_> {
    /// Jacobian at `y`, factorised.
    #[inline(always)]
    fn prepare<L: Lanes>(&mut self) {
        let (plan, s) = (self.plan, &mut *self.scratch);
        let sigma = 1.0 / (self.h * GAMMA);
        s.schur.fill(F64x8::splat(0.0));
        for block in &plan.blocks {
            let rates = &self.rates[block.rates..block.rates + block.moves.len()];
            let slots = block.elimination.slots;
            for g in 0..block.groups {
                let range = block.offset + g * block.states..block.offset + (g + 1) * block.states;
                let at = block.factors + g * slots;
                let (lu, z, row) = (&mut s.lu[at..at + slots], &mut s.z[range.clone()], &mut s.row[range.clone()]);
                let (c, p) = (L::load(&s.y[block.first + g]), &s.y[range]);
                lu[..block.states].fill(F64x8::splat(sigma));
                lu[block.states..].fill(F64x8::splat(0.0));
                z.fill(F64x8::splat(0.0));
                row.fill(F64x8::splat(0.0));
                let mut own = L::splat(0.0);
                for ((m, rate), place) in block.moves.iter().zip(rates).zip(&block.elimination.places) {
                    let rate = L::splat(*rate);
                    let by_from = if m.binds { rate * c } else { rate };
                    add(by_from, &mut lu[m.from]);
                    add(-by_from, &mut lu[*place]);
                    if m.binds {
                        let by_ligand = rate * L::load(&p[m.from]);
                        add(by_ligand, &mut z[m.from]);
                        add(-by_ligand, &mut z[m.to]);
                        own = L::splat(m.net).mul_add(by_ligand, own);
                    }
                    if m.net != 0.0 {
                        add(L::splat(m.net) * by_from, &mut row[m.from]);
                    }
                }
                own.store(&mut s.own[g]);
            }
            let lines = block.offset..block.offset + block.groups * block.states;
            let (lu, z) = (&mut s.lu[block.factors..block.factors + block.groups * slots], &mut s.z[lines.clone()]);
            block.elimination.factorise::<L>(block.groups, lu);
            block.elimination.solve::<L>(block.groups, lu, z);
            for (g, own) in s.own[..block.groups].iter().enumerate() {
                let mut own = L::load(own);
                let range = lines.start + g * block.states..lines.start + (g + 1) * block.states;
                let (z, row) = (&s.z[range.clone()], &mut s.row[range]);
                let density = L::load(&block.density[g]);
                for (row, z) in row.iter_mut().zip(z.iter()) {
                    let weighted = L::load(row);
                    own = weighted.neg_mul_add(L::load(z), own);
                    (weighted * density).store(row);
                }
                let schur = &mut s.schur[block.first + g];
                density.mul_add(own, L::load(schur)).store(schur);
            }
        }
        let schur = F64x8::as_f64s(&s.schur);
        let (n, middle) = (plan.inverse.len(), plan.middle());
        let diagonal = |i: usize| sigma + plan.loss[i] + schur[i];
        // From both ends to the middle: half the wait.
        let mut inner = 0.0;
        for i in 0..middle {
            let factor = plan.inward[i] * inner;
            let above = if i > 0 { plan.outward[i - 1] } else { 0.0 };
            inner = 1.0 / f64::mul_add(-factor, above, diagonal(i));
            (s.factor[i], s.pivot[i], s.over[i]) = (factor, inner, inner * plan.outward[i]);
        }
        let mut outer = 0.0;
        for i in (middle + 1..n).rev() {
            let factor = plan.outward[i] * outer;
            let below = if i + 1 < n { plan.inward[i + 1] } else { 0.0 };
            outer = 1.0 / f64::mul_add(-factor, below, diagonal(i));
            (s.factor[i], s.pivot[i], s.over[i]) = (factor, outer, outer * plan.inward[i]);
        }
        let left = f64::mul_add(-plan.inward[middle] * inner, plan.outward[middle - 1], diagonal(middle));
        let below = if middle + 1 < n { plan.inward[middle + 1] } else { 0.0 };
        s.factor[middle] = plan.inward[middle] * inner;
        s.over[middle] = plan.outward[middle] * outer;
        s.pivot[middle] = 1.0 / f64::mul_add(-s.over[middle], below, left);
    }

    /// Stage `stage`'s right-hand side becomes its solution.
    #[inline(always)]
    fn solve<L: Lanes>(&mut self, stage: usize) {
        let (plan, s) = (self.plan, &mut *self.scratch);
        let step = self.h * GAMMA;
        let (n, m) = (plan.lines, s.y_plain.len());
        let x = &mut s.u[stage * n..(stage + 1) * n];
        let plain = &mut s.u_plain[stage * m..(stage + 1) * m];
        let vesicles = m - 1 - plan.blocks.len();
        let mut pour = 0.0;
        for i in (0..vesicles).step_by(2) {
            let (rate, slope) = plan.source.pore.emptying(s.y_plain[i + 1]);
            plain[i + 1] *= step;
            let widened = slope * s.y_plain[i] * plain[i + 1];
            plain[i] = (plain[i] - widened) * step / rate.mul_add(step, 1.0);
            pour += rate.mul_add(plain[i], widened);
        }
        let (x_c, x_p) = x.split_at_mut(plan.groups);
        if pour != 0.0 {
            for (x, share) in F64x8::as_f64s_mut(x_c).iter_mut().zip(&plan.spread) {
                *x = share.mul_add(pour, *x);
            }
        }
        for block in &plan.blocks {
            let (start, length) = (block.offset - plan.groups, block.groups * block.states);
            let factors = block.factors..block.factors + block.groups * block.elimination.slots;
            block.elimination.solve::<L>(block.groups, &s.lu[factors], &mut x_p[start..start + length]);
            for g in 0..block.groups {
                let start = block.offset + g * block.states;
                let p = &x_p[start - plan.groups..start - plan.groups + block.states];
                let mut sum = L::load(&x_c[block.first + g]);
                for (p, row) in p.iter().zip(&s.row[start..]) {
                    sum = L::load(row).neg_mul_add(L::load(p), sum);
                }
                sum.store(&mut x_c[block.first + g]);
            }
        }
        let c = &mut F64x8::as_f64s_mut(x_c)[..plan.inverse.len()];
        let (middle, mut inner, mut outer) = (plan.middle(), 0.0, 0.0);
        for (c, factor) in c[..middle].iter_mut().zip(&s.factor) {
            inner = f64::mul_add(-factor, inner, *c);
            *c = inner;
        }
        for (c, factor) in c[middle + 1..].iter_mut().zip(&s.factor[middle + 1..]).rev() {
            outer = f64::mul_add(-factor, outer, *c);
            *c = outer;
        }
        let both = f64::mul_add(-s.factor[middle], inner, f64::mul_add(-s.over[middle], outer, c[middle]));
        c[middle] = both * s.pivot[middle];
        (inner, outer) = (c[middle], c[middle]);
        for ((c, over), pivot) in c[..middle].iter_mut().zip(&s.over[..middle]).zip(&s.pivot[..middle]).rev() {
            inner = f64::mul_add(-over, inner, *c * pivot);
            *c = inner;
        }
        for ((c, over), pivot) in c[middle + 1..].iter_mut().zip(&s.over[middle + 1..]).zip(&s.pivot[middle + 1..]) {
            outer = f64::mul_add(-over, outer, *c * pivot);
            *c = outer;
        }
        let last = c.len() - 1;
        plain[vesicles] = step * plan.shells.conductance[last].mul_add(c[last], plain[vesicles]);
        for (index, block) in plan.blocks.iter().enumerate() {
            let rates = &self.rates[block.rates..block.rates + block.moves.len()];
            let mut turned = L::splat(0.0);
            for g in 0..block.groups {
                let start = block.offset + g * block.states;
                let change = L::load(&x_c[block.first + g]);
                let p = &mut x_p[start - plan.groups..start - plan.groups + block.states];
                for (p, z) in p.iter_mut().zip(&s.z[start..]) {
                    L::load(z).neg_mul_add(change, L::load(p)).store(p);
                }
                let c = L::load(&s.y[block.first + g]);
                let mut lost = L::splat(0.0);
                for (m, rate) in block.moves.iter().zip(rates).filter(|(m, _)| m.lost != 0.0) {
                    let weight = L::splat(m.lost * rate);
                    let mut flow = L::load(&p[m.from]);
                    if m.binds {
                        flow = flow.mul_add(c, L::load(&s.y[start + m.from]) * change);
                    }
                    lost = weight.mul_add(flow, lost);
                }
                turned = L::load(&block.amount[g]).mul_add(lost, turned);
            }
            let turned = total(&F64x8(turned.to_array()));
            plain[vesicles + 1 + index] = step * (plain[vesicles + 1 + index] + turned);
        }
    }

    /// Adds the last stage, which is also the error; its scaled size, the largest of ligand, vesicles and residents.
    #[inline(always)]
    fn finish<L: Lanes>(&mut self) -> f64 {
        let (plan, s, tolerance) = (self.plan, &mut *self.scratch, self.tolerance);
        let (n, m) = (plan.lines, s.y_plain.len());
        let u = &s.u[(STAGES - 1) * n..];
        let after = &mut s.after[..];
        let mut worst = scaled::<L>(0..plan.groups, tolerance.relative, tolerance.concentration, None, &s.y, u, after)
            / plan.inverse.len() as f64;
        for block in &plan.blocks {
            let range = block.offset..block.offset + block.groups * block.states;
            let error = scaled::<L>(range, tolerance.relative, tolerance.occupancy, Some(block), &s.y, u, after)
                / block.numbers;
            // Not f64::max: a NaN must come through.
            worst = if error <= worst { worst } else { error };
        }
        for (after, u) in s.after_plain.iter_mut().zip(&s.u_plain[(STAGES - 1) * m..]) {
            *after += u;
        }
        for i in (0..m - 1 - plan.blocks.len()).step_by(2) {
            let least = (1e-3 * self.released).max(f64::MIN_POSITIVE);
            let error = s.u_plain[(STAGES - 1) * m + i] / (tolerance.relative * s.y_plain[i].abs().max(least));
            worst = if error * error <= worst { worst } else { error * error };
        }
        let sound = s.after_plain.iter().all(|v| v.is_finite());
        if worst.is_finite() && sound { worst.sqrt() } else { f64::INFINITY }
    }
}
