//! One step of a block after the rates are known: gates, matrix, solve.
//!
//! Gate: `x' = x_inf + (x - x_inf) e^(-h s)`, `s = opening + closing` or `1/tau`, exact for the voltage held. Then
//! `(C/h + g_fixed + g_gated + g_port) V' - sum g_axial V'_neighbour = C/h V + g e_rev + i_port`; with h half the step
//! and `V <- 2 V' - V` that is Crank-Nicolson; after a jump the same matrix is solved once more instead, from V'. Gates that have tables are read from them, four compartments at a time.
//! Channels of other laws, and pools: see [`ionic`].

use super::channel::{Gate, GateForm};
use super::drive::Carried;
use super::ionic;
use super::plan::{Block, BlockChannel, Plan};
use super::table::Tables;
use numerics::linear::tree::{self, Matrix, Rows};
use numerics::math::lanes;
use numerics::piecewise::{Pair, Place};
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
    /// State of the pools, and working memory of theirs.
    pub pools: &'a mut [F64x8],
    pub carried: &'a mut [F64x8],
    /// What ions carry of the ports' currents.
    pub brought: &'a [Carried],
    /// Where gates are read from tables; rates of channels that have one are of this step only if not all is `inside`.
    pub tables: Option<&'a Tables>,
    /// Whether every voltage lies within the tables.
    pub inside: bool,
    /// What ports conduct.
    pub diagonal: &'a mut [F64x8],
    /// What comes in through ports; becomes the solution.
    pub rhs: &'a mut [F64x8],
    /// How far the gates go, ms.
    pub h_gates: f64,
    /// Length of the implicit step, ms.
    pub h: f64,
    /// Whether to go on as far again by extrapolation.
    pub extrapolate: bool,
    /// But in these lanes of each row by another implicit step; none if there are none.
    pub damped: &'a [u8],
    /// Working memory of that.
    pub halves: &'a mut Vec<F64x8>,
}

impl Kernel for Step<'_> {
    type Output = (u8, bool);

    /// The lanes whose numbers are sound, and whether every voltage now lies within the tables.
    #[inline(always)]
    fn run<L: Lanes>(self) -> (u8, bool) {
        let Self { plan, block, v, gates, rates, pools, carried, diagonal, rhs, h_gates, h, extrapolate, .. } = self;
        let (tables, inside) = (self.tables, self.inside);
        let n = block.rows();
        let (v, diagonal, rhs) = (&mut v[..n], &mut diagonal[..n], &mut rhs[..n]);
        let conducting = Conducting { plan, block, rates, brought: self.brought, tables, inside, h_gates, extrapolate };
        let worst = conducting.conduct::<L>(v, gates, pools, carried, diagonal, rhs);
        let own = Own::new(block, h);
        let (mut low, mut high) = (L::splat(f64::INFINITY), L::splat(f64::NEG_INFINITY));
        let (trees, coupling) = (&block.trees, &block.coupling[..]);
        if self.damped.is_empty() {
            let mut rows = Membrane { own, v, extrapolate, low, high };
            tree::solve_rows::<L, _>(trees, Matrix { diagonal, upper: coupling, lower: coupling }, rhs, &mut rows);
            (low, high) = (rows.low, rows.high);
        } else {
            let damped = self.damped;
            self.halves.clear();
            self.halves.extend(diagonal.iter().chain(&*rhs));
            let (again, second) = self.halves.split_at_mut(n);
            let mut rows = Halves { own, v, damped, first: true };
            tree::solve_rows::<L, _>(trees, Matrix { diagonal, upper: coupling, lower: coupling }, rhs, &mut rows);
            rows.first = false;
            let matrix = Matrix { diagonal: again, upper: coupling, lower: coupling };
            tree::solve_rows::<L, _>(trees, matrix, second, &mut rows);
            for (((x, second), v), &damped) in rhs.iter_mut().zip(&*second).zip(&*v).zip(damped) {
                // Charge passed at the first and the second voltage, half of the time each.
                let first = L::load(x);
                L::select(L::mask(damped), L::splat(0.5) * (first + L::load(second)), first).store(x);
                (low, high) = (low.min(L::load(v)), high.max(L::load(v)));
            }
        }
        let pooled = ionic::advance::<L>(block, pools, carried, rhs, if extrapolate { 2.0 * h } else { h });
        let sound = sound::<L>(worst, block, rhs).and(pooled).bits();
        (sound, tables.is_some_and(|t| t.segments.hold(low).and(t.segments.hold(high)).all()))
    }
}

/// What conducts through gates within a step.
pub(super) struct Conducting<'a> {
    pub plan: &'a Plan,
    pub block: &'a Block,
    pub rates: &'a [F64x8],
    pub brought: &'a [Carried],
    pub tables: Option<&'a Tables>,
    pub inside: bool,
    pub h_gates: f64,
    pub extrapolate: bool,
}

impl Conducting<'_> {
    /// Advances gates and adds what they conduct to what ports do; the rest of a row comes within the solver. Gives the
    /// largest |x - 1/2| met.
    #[inline(always)]
    pub fn conduct<L: Lanes>(
        &self,
        v: &[F64x8],
        gates: &mut [F64x8],
        pools: &[F64x8],
        carried: &mut [F64x8],
        diagonal: &mut [F64x8],
        rhs: &mut [F64x8],
    ) -> L {
        let Self { plan, block, rates, tables, inside, h_gates, .. } = *self;
        let mut worst = L::splat(0.0);
        for c in &block.channels {
            let kind = &plan.channels[c.channel].gates[..];
            if let Some((tables, pairs)) = tables.and_then(|t| Some((t, t.channels[c.channel].as_ref()?))) {
                let of = Tabulated { c, kind, tables, pairs, rates, h: h_gates };
                let four = if inside { c.rows.len() / 4 * 4 } else { 0 };
                for k in (0..four).step_by(4) {
                    of.advance::<L, 4>(k, v, gates, diagonal, rhs);
                }
                for k in four..c.rows.len() {
                    worst = if inside {
                        of.advance::<L, 1>(k, v, gates, diagonal, rhs);
                        worst
                    } else {
                        of.mixed(k, v, gates, diagonal, rhs, worst)
                    };
                }
                continue;
            }
            worst = match kind {
                // The lengths are said again so that the compiler unrolls the loop over gates.
                [a] => channel::<L>(c, &[*a], gates, rates, diagonal, rhs, h_gates, worst),
                [a, b] => channel::<L>(c, &[*a, *b], gates, rates, diagonal, rhs, h_gates, worst),
                more => channel::<L>(c, more, gates, rates, diagonal, rhs, h_gates, worst),
            };
        }
        if !block.pools.is_empty() || block.channels.iter().any(|c| c.ionic.is_some()) {
            let state = (v, &*gates, pools);
            ionic::deposit::<L>(plan, block, state, carried, diagonal, rhs, self.brought, self.extrapolate);
        }
        worst
    }
}

/// The lanes whose gates and voltages are sound.
#[inline(always)]
pub(super) fn sound<L: Lanes>(worst: L, block: &Block, x: &[F64x8]) -> L::Mask {
    // A number that is none anywhere in a tree is one at its root.
    let infinity = L::splat(f64::INFINITY);
    let mut sound = worst.le(L::splat(0.5 + SLACK));
    for x in if block.is_stacked() { x } else { &x[..1] } {
        sound = sound.and(L::load(x).abs().lt(infinity));
    }
    sound
}

/// Capacitances, fixed conductances and currents of the rows.
#[derive(Clone, Copy)]
pub(super) struct Own<'a, L> {
    c_m: &'a [F64x8],
    g_fixed: &'a [F64x8],
    i_fixed: &'a [F64x8],
    /// 1/h.
    inverse: L,
}

impl<'a, L: Lanes> Own<'a, L> {
    /// Of a block, over steps of `h` ms.
    #[inline(always)]
    pub fn new(block: &'a Block, h: f64) -> Self {
        let n = block.rows();
        let inverse = L::splat(1.0 / h);
        Self { c_m: &block.c_m[..n], g_fixed: &block.g_fixed[..n], i_fixed: &block.i_fixed[..n], inverse }
    }

    #[inline(always)]
    pub fn begin(&self, i: usize, v: &[F64x8]) -> (L, L) {
        let c = L::load(&self.c_m[i]) * self.inverse;
        (c + L::load(&self.g_fixed[i]), c.mul_add(L::load(&v[i]), L::load(&self.i_fixed[i])))
    }
}

/// The membrane over a step.
struct Membrane<'a, L> {
    own: Own<'a, L>,
    v: &'a mut [F64x8],
    extrapolate: bool,
    low: L,
    high: L,
}

impl<L: Lanes> Rows<L> for Membrane<'_, L> {
    #[inline(always)]
    fn begin(&self, i: usize) -> (L, L) {
        self.own.begin(i, self.v)
    }

    #[inline(always)]
    fn solved(&mut self, i: usize, x: L) {
        let next = if self.extrapolate { L::splat(2.0) * x - L::load(&self.v[i]) } else { x };
        next.store(&mut self.v[i]);
        (self.low, self.high) = (self.low.min(next), self.high.max(next));
    }
}

/// The membrane over a step whose halves are implicit in some lanes.
struct Halves<'a, L> {
    own: Own<'a, L>,
    v: &'a mut [F64x8],
    damped: &'a [u8],
    first: bool,
}

impl<L: Lanes> Rows<L> for Halves<'_, L> {
    #[inline(always)]
    fn begin(&self, i: usize) -> (L, L) {
        self.own.begin(i, self.v)
    }

    #[inline(always)]
    fn solved(&mut self, i: usize, x: L) {
        let v = L::load(&self.v[i]);
        let other = if self.first { L::splat(2.0) * x - v } else { v };
        L::select(L::mask(self.damped[i]), x, other).store(&mut self.v[i]);
    }
}

/// A channel whose gates are read from tables.
struct Tabulated<'a> {
    c: &'a BlockChannel,
    kind: &'a [Gate],
    tables: &'a Tables,
    pairs: &'a [Pair],
    rates: &'a [F64x8],
    h: f64,
}

impl Tabulated<'_> {
    /// Lines `k` to `k + N`, all of whose voltages lie within the tables.
    #[inline(always)]
    fn advance<L: Lanes, const N: usize>(
        &self,
        k: usize,
        v: &[F64x8],
        gates: &mut [F64x8],
        diagonal: &mut [F64x8],
        rhs: &mut [F64x8],
    ) {
        let (c, m) = (self.c, self.c.rows.len());
        // Loops rather than closures, which the compiler leaves outside the function that has the instructions.
        let mut rows = [0; N];
        let mut places = [Place::<L>::nowhere(); N];
        let mut g = [L::splat(0.0); N];
        for r in 0..N {
            rows[r] = c.rows[k + r] as usize;
            places[r] = self.tables.segments.locate(L::load(&v[rows[r]])).0;
            g[r] = L::load(&c.g_max[k + r]);
        }
        for (j, (gate, pair)) in self.kind.iter().zip(self.pairs).enumerate() {
            let [steady, share] = pair.at(&places);
            let lines = &mut gates[c.gates_at + j * m + k..][..N];
            for r in 0..N {
                let x = L::load(&lines[r]);
                let x = (steady[r] - x).mul_add(share[r], x);
                x.store(&mut lines[r]);
                g[r] = g[r] * power(x, gate.count);
            }
        }
        if c.ionic.is_some() {
            return;
        }
        for r in 0..N {
            let (d, b) = (&mut diagonal[rows[r]], &mut rhs[rows[r]]);
            (L::load(d) + g[r]).store(d);
            g[r].mul_add(c.e_rev::<L>(k + r), L::load(b)).store(b);
        }
    }

    /// Line `k`, some of whose lanes may lie outside and take their rates as they were evaluated.
    #[inline(always)]
    fn mixed<L: Lanes>(
        &self,
        k: usize,
        v: &[F64x8],
        gates: &mut [F64x8],
        diagonal: &mut [F64x8],
        rhs: &mut [F64x8],
        worst: L,
    ) -> L {
        let (c, m) = (self.c, self.c.rows.len());
        let row = c.rows[k] as usize;
        let (place, inside) = self.tables.segments.locate(L::load(&v[row]));
        let (g_max, zero) = (L::load(&c.g_max[k]), L::splat(0.0));
        let (mut g, mut off) = (g_max, worst);
        let rates = &self.rates[2 * c.gates_at..];
        for (j, (gate, pair)) in self.kind.iter().zip(self.pairs).enumerate() {
            let [[steady], [share]] = pair.at(&[place]);
            let line = &mut gates[c.gates_at + j * m + k];
            let x = L::load(line);
            let (a, b) = (L::load(&rates[2 * j * m + k]), L::load(&rates[(2 * j + 1) * m + k]));
            let exact = advance(gate.form, x, a, b, L::splat(self.h));
            let x = L::select(inside, (steady - x).mul_add(share, x), exact);
            x.store(line);
            off = off.max((x - L::splat(0.5)).abs());
            g = g * power(x, gate.count);
        }
        let here = g_max.gt(zero);
        if c.ionic.is_none() {
            let g = L::select(here, g, zero);
            let (d, b) = (&mut diagonal[row], &mut rhs[row]);
            (L::load(d) + g).store(d);
            g.mul_add(c.e_rev::<L>(k), L::load(b)).store(b);
        }
        L::select(here, off, worst)
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
    let g_max = &c.g_max[..m];
    let ohmic = c.ionic.is_none();
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
        if !ohmic {
            continue;
        }
        let row = c.rows[k] as usize;
        (L::load(&diagonal[row]) + g).store(&mut diagonal[row]);
        g.mul_add(c.e_rev::<L>(k), L::load(&rhs[row])).store(&mut rhs[row]);
    }
    worst
}
