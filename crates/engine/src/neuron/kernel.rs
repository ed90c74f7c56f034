//! One step of a block after the rates are known: gates, matrix, solve.
//!
//! Gate: `x' = x_inf + (x - x_inf) e^(-h s)`, `s = opening + closing` or `1/tau`, exact for the voltage held. Then
//! `(C/h + g_fixed + g_gated + g_port) V' - sum g_axial V'_neighbour = C/h V + g e_rev + i_port`; with h half the step
//! and `V <- 2 V' - V` that is Crank-Nicolson.

use super::channel::{Gate, GateForm};
use super::plan::{Block, BlockChannel, Plan};
use numerics::linear::tree::{self, Matrix};
use numerics::math::lanes;
use numerics::simd::{F64x8, Kernel, Lanes, Mask};

/// A gate this far outside 0 to 1 has had a rate that is none.
const SLACK: f64 = 1e-9;

pub(super) struct Step<'a> {
    pub plan: &'a Plan,
    pub block: &'a Block,
    pub v: &'a mut [F64x8],
    pub gates: &'a mut [F64x8],
    /// Two outputs a gate, in the layout of the gates: line `2 * gates_at + (2 j + output) * rows + k`.
    pub rates: &'a [F64x8],
    pub ports: (&'a [u32], &'a [F64x8], &'a [F64x8]),
    pub diagonal: &'a mut [F64x8],
    /// Becomes the solution.
    pub rhs: &'a mut [F64x8],
    /// How far the gates go, ms.
    pub h_gates: f64,
    /// Length of the implicit step, ms.
    pub h: f64,
    /// Whether to go on as far again by extrapolation.
    pub extrapolate: bool,
}

impl Kernel for Step<'_> {
    type Output = u8;

    /// The lanes whose numbers are sound.
    #[inline(always)]
    fn run<L: Lanes>(self) -> u8 {
        let Self { plan, block, v, gates, rates, ports, diagonal, rhs, h_gates, h, extrapolate } = self;
        let n = block.rows();
        let (v, diagonal, rhs) = (&mut v[..n], &mut diagonal[..n], &mut rhs[..n]);
        let inverse = L::splat(1.0 / h);
        let fixed = block.c_m.iter().zip(&block.g_fixed).zip(&block.i_fixed).zip(&*v);
        for ((((c, g), i), v), (d, r)) in fixed.zip(diagonal.iter_mut().zip(rhs.iter_mut())) {
            let c = L::load(c) * inverse;
            (c + L::load(g)).store(d);
            c.mul_add(L::load(v), L::load(i)).store(r);
        }
        let mut worst = L::splat(0.0);
        for c in &block.channels {
            let kind = &plan.channels[c.channel].gates[..];
            worst = match kind {
                // The lengths are said again so that the compiler unrolls the loop over gates.
                [a] => channel::<L>(c, &[*a], gates, rates, diagonal, rhs, h_gates, worst),
                [a, b] => channel::<L>(c, &[*a, *b], gates, rates, diagonal, rhs, h_gates, worst),
                more => channel::<L>(c, more, gates, rates, diagonal, rhs, h_gates, worst),
            };
        }
        let (rows, g, i) = ports;
        for &row in rows {
            let row = row as usize;
            (L::load(&diagonal[row]) + L::load(&g[row])).store(&mut diagonal[row]);
            (L::load(&rhs[row]) + L::load(&i[row])).store(&mut rhs[row]);
        }
        tree::solve::<L>(&block.trees, Matrix { diagonal, upper: &block.coupling, lower: &block.coupling }, rhs);
        // A number that is none anywhere in a tree is one at its root.
        let root = L::load(&rhs[0]);
        if extrapolate {
            let two = L::splat(2.0);
            for (v, solved) in v.iter_mut().zip(&*rhs) {
                (two * L::load(solved) - L::load(v)).store(v);
            }
            // A junction has no past to go on from: extrapolated, it would ring, though nobody would feel it.
            for &row in &block.junctions {
                let row = row as usize;
                let bare = L::load(&block.c_m[row]).eq(L::splat(0.0));
                L::select(bare, L::load(&rhs[row]), L::load(&v[row])).store(&mut v[row]);
            }
        } else {
            v.copy_from_slice(rhs);
        }
        let finite = root.abs().lt(L::splat(f64::INFINITY));
        finite.and(worst.le(L::splat(0.5 + SLACK))).bits()
    }
}

#[inline(always)]
fn advance<L: Lanes>(form: GateForm, x: L, a: L, b: L, h: L) -> L {
    match form {
        GateForm::Rates => {
            let s = a + b;
            let steady = a / s;
            let moved = (x - steady).mul_add(lanes::exp(-(h * s)), steady);
            L::select(s.eq(L::splat(0.0)), x, moved)
        }
        GateForm::Steady => (x - a).mul_add(lanes::exp(-(h / b)), a),
    }
}

#[inline(always)]
fn power<L: Lanes>(x: L, count: u8) -> L {
    let mut power = x;
    for _ in 1..count {
        power = power * x;
    }
    power
}

/// Advances the gates of a channel and adds its conductance to the matrix; gives the largest |x - 1/2| met.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "columns, each its own thing")]
fn channel<L: Lanes>(
    c: &BlockChannel,
    kind: &[Gate],
    gates: &mut [F64x8],
    rates: &[F64x8],
    diagonal: &mut [F64x8],
    rhs: &mut [F64x8],
    h: f64,
    mut worst: L,
) -> L {
    let (m, n) = (c.rows.len(), kind.len());
    let (zero, half, h) = (L::splat(0.0), L::splat(0.5), L::splat(h));
    let gates = &mut gates[c.gates_at..c.gates_at + n * m];
    let rates = &rates[2 * c.gates_at..2 * (c.gates_at + n * m)];
    let (g_max, e_rev) = (&c.g_max[..m], &c.e_rev[..m]);
    for k in 0..m {
        let g_max = L::load(&g_max[k]);
        let mut g = g_max;
        let mut off = worst;
        for (j, gate) in kind.iter().enumerate() {
            let (a, b) = (L::load(&rates[2 * j * m + k]), L::load(&rates[(2 * j + 1) * m + k]));
            let x = advance(gate.form, L::load(&gates[j * m + k]), a, b, h);
            x.store(&mut gates[j * m + k]);
            off = off.max((x - half).abs());
            g = g * power(x, gate.count);
        }
        // A lane without the channel owes nothing to what its neighbours compute.
        let here = g_max.gt(zero);
        let g = L::select(here, g, zero);
        worst = L::select(here, off, worst);
        let row = c.rows[k] as usize;
        (L::load(&diagonal[row]) + g).store(&mut diagonal[row]);
        g.mul_add(L::load(&e_rev[k]), L::load(&rhs[row])).store(&mut rhs[row]);
    }
    worst
}
