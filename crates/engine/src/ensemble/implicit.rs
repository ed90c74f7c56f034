//! Means with rates per instance: implicit steps, eight instances side by side, stable at any step.
//!
//! Backward Euler (first order, L-stable, positive), or the two-stage SDIRK with gamma = 1 - 1/sqrt 2 (Alexander 1977,
//! SIAM J. Numer. Anal. 14:1006; second order, L-stable, may undershoot zero by its own error). Rates are held over
//! the step. Mass is kept to rounding by both; see [`super::elimination`] for the solve.

use super::elimination::{BATCH, Elimination};
use super::{CHUNK, EnsembleError, Means, fit_all};
use crate::fault::{Fault, Quantity};
use crate::mechanism::{Input, Kinetics};
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use rayon::prelude::*;
use std::array;

/// Which implicit rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// First order, L-stable, never negative.
    BackwardEuler,
    /// Second order, L-stable; costs one more substitution, not another factorisation.
    Sdirk2,
}

/// `1 - 1/sqrt 2`.
const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
/// A pivot beyond this could overflow a batch's product.
const LARGEST: f64 = 1e75;

/// A scheme made ready for implicit steps: the order of elimination. Immutable, shared.
#[derive(Clone, Debug)]
pub struct Implicit {
    plan: Elimination,
}

/// Part of a flow that differs between instances: `scale * a * b`.
struct Term<'a> {
    slot: usize,
    scale: f64,
    a: &'a [f64],
    b: Option<&'a [f64]>,
    /// First term of a slot that starts from nothing: store, do not add.
    first: bool,
    transition: usize,
}

/// The flows of one step, `step * rate`.
struct Flows<'a> {
    /// Uniform slots that elimination does not change: set once.
    fixed: Vec<(usize, f64)>,
    /// Slots set anew for each group.
    reset: Vec<(usize, f64)>,
    terms: Vec<Term<'a>>,
}

/// Numbers of a group of blocks; line `index * G + block`.
struct Work {
    flow: Vec<F64x8>,
    share: Vec<F64x8>,
    inverse: Vec<F64x8>,
    excess: Vec<F64x8>,
    x: Vec<F64x8>,
}

/// Blocks a group: divisions of neighbours overlap.
const GROUP: usize = 4;

impl Work {
    fn new(plan: &Elimination) -> Self {
        let lines = |count: usize| vec![F64x8::splat(0.0); count * GROUP];
        let (slots, states) = (plan.slots.len(), plan.states);
        Self {
            flow: lines(slots),
            share: lines(slots),
            inverse: lines(states),
            excess: lines(states),
            x: lines(states),
        }
    }
}

impl Implicit {
    /// Finds the order of elimination of a scheme.
    #[must_use]
    pub fn new(kinetics: &Kinetics) -> Self {
        Self { plan: Elimination::new(kinetics) }
    }

    /// How many flows a solve handles, fill included: what a worse order would raise.
    #[must_use]
    pub fn flows(&self) -> usize {
        self.plan.slots.len()
    }

    /// How many divisions a solve needs.
    #[must_use]
    pub fn divisions(&self) -> usize {
        self.plan.batches.len()
    }

    /// Advances every instance by `dt` under its own rates, held over the step.
    ///
    /// `kinetics`: the scheme this was made for; `coefficients`: one input an output of the rate program; `ligands`:
    /// mM, one input a ligand; columns have one value an instance. Threads of the current rayon pool share the work.
    ///
    /// # Errors
    /// Arguments that do not fit (`means` untouched); a [`Fault`] for a rate that is negative or not finite, or an
    /// occupancy that becomes so (`means` is then not to be used).
    #[expect(clippy::too_many_arguments, reason = "plan, state and three inputs, each its own thing")]
    pub fn step(
        &self,
        level: Level,
        kinetics: &Kinetics,
        means: &mut Means,
        coefficients: &[Input],
        ligands: &[Input],
        dt: Tick,
        method: Method,
    ) -> Result<(), EnsembleError> {
        fit_all(kinetics, (means.states, means.instances), coefficients, ligands)?;
        if kinetics.states() != self.plan.states {
            return Err(EnsembleError::States { got: kinetics.states(), want: self.plan.states });
        }
        if dt < Tick::ZERO {
            return Err(EnsembleError::Step);
        }
        let h = dt.ms() * if method == Method::Sdirk2 { GAMMA } else { 1.0 };
        let flows = self.flows_of(kinetics, coefficients, ligands, h).map_err(|(transition, value)| Fault {
            quantity: Quantity::Rate { transition },
            value,
            instance: 0,
            at: means.clock,
        })?;
        let (plan, states, at, instances) = (&self.plan, means.states, means.clock, means.instances);
        let fault = means
            .lines
            .par_chunks_mut(CHUNK * states)
            .enumerate()
            .map_init(
                || Work::new(plan),
                |work, (chunk, lines)| {
                    let first = chunk * CHUNK;
                    let sound = level.dispatch(Step { plan, flows: &flows, lines, first, work, method });
                    if sound { None } else { Some(blame(&flows, lines, states, first, instances, h, at)) }
                },
            )
            .flatten()
            .min_by_key(|fault| fault.instance);
        if let Some(fault) = fault {
            return Err(fault.into());
        }
        means.clock += dt;
        Ok(())
    }

    /// Sorts the flows into uniform and varying; errors with the transition whose uniform rate is none.
    fn flows_of<'a>(
        &self,
        kinetics: &Kinetics,
        coefficients: &[Input<'a>],
        ligands: &[Input<'a>],
        h: f64,
    ) -> Result<Flows<'a>, (usize, f64)> {
        let plan = &self.plan;
        let mut uniform = vec![0.0; plan.slots.len()];
        let mut started = vec![false; plan.slots.len()];
        let mut terms = Vec::new();
        for (transition, t) in kinetics.transitions().iter().enumerate() {
            let slot = plan.slot(usize::from(t.from.0), usize::from(t.to.0));
            let ligand = t.takes_up.map_or(Input::Uniform(1.0), |l| ligands[usize::from(l.0)]);
            let coefficient = coefficients[usize::from(t.rate.0)];
            let (mut scale, mut columns) = (h, [None, None]);
            for (input, place) in [coefficient, ligand].into_iter().zip(0..) {
                match input {
                    Input::Uniform(x) => scale *= x,
                    Input::Column(column) => columns[place] = Some(column),
                }
            }
            if !(scale >= 0.0 && scale < LARGEST) {
                return Err((transition, scale / h));
            }
            let (a, b) = match columns {
                [None, None] => {
                    uniform[slot] += scale;
                    continue;
                }
                [Some(a), b] => (a, b),
                [None, Some(a)] => (a, None),
            };
            terms.push(Term { slot, scale, a, b, first: false, transition });
        }
        let mut touched: Vec<bool> = vec![false; plan.slots.len()];
        plan.updates.iter().for_each(|&(_, _, slot)| touched[slot] = true);
        let mut flows = Flows { fixed: Vec::new(), reset: Vec::new(), terms };
        for term in &mut flows.terms {
            term.first = !started[term.slot] && uniform[term.slot] == 0.0;
            started[term.slot] = true;
        }
        for (slot, &value) in uniform.iter().enumerate() {
            match (started[slot], touched[slot]) {
                (false, false) => flows.fixed.push((slot, value)),
                (true, _) if value == 0.0 => {}
                _ => flows.reset.push((slot, value)),
            }
        }
        Ok(flows)
    }
}

/// Finds the first instance of a chunk whose numbers are not sound.
fn blame(flows: &Flows, lines: &[F64x8], states: usize, first: usize, instances: usize, h: f64, at: Tick) -> Fault {
    let last = instances.min(first * LANES + lines.len() / states * LANES);
    for instance in first * LANES..last {
        for term in &flows.terms {
            let value = term.scale * term.a[instance] * term.b.map_or(1.0, |b| b[instance]);
            if !(value >= 0.0 && value < LARGEST) {
                let quantity = Quantity::Rate { transition: term.transition };
                return Fault { quantity, value: value / h, instance, at };
            }
        }
        for state in 0..states {
            let value = lines[(instance / LANES - first) * states + state].0[instance % LANES];
            if !value.is_finite() {
                return Fault { quantity: Quantity::Occupancy { state }, value, instance, at };
            }
        }
    }
    Fault { quantity: Quantity::Occupancy { state: 0 }, value: f64::NAN, instance: first * LANES, at }
}

struct Step<'a, 'b> {
    plan: &'a Elimination,
    flows: &'a Flows<'b>,
    lines: &'a mut [F64x8],
    /// Index of the first block within the population.
    first: usize,
    work: &'a mut Work,
    method: Method,
}

/// Eight values of a column; the last block's padding repeats the last instance.
#[inline(always)]
fn column<L: Lanes>(column: &[f64], block: usize) -> L {
    let start = block * LANES;
    match column.get(start..start + LANES) {
        Some(eight) => L::load_slice(eight),
        None => {
            let mut eight = [column[column.len() - 1]; LANES];
            let rest = &column[start.min(column.len())..];
            eight[..rest.len()].copy_from_slice(rest);
            L::from_array(eight)
        }
    }
}

#[inline(always)]
fn load<L: Lanes, const G: usize>(line: &[F64x8; G]) -> [L; G] {
    let mut lanes = [L::splat(0.0); G];
    for (lanes, line) in lanes.iter_mut().zip(line) {
        *lanes = L::load(line);
    }
    lanes
}

#[inline(always)]
fn store<L: Lanes, const G: usize>(lanes: [L; G], line: &mut [F64x8; G]) {
    for (lanes, line) in lanes.into_iter().zip(line) {
        lanes.store(line);
    }
}

/// `a b + c` for a whole group.
#[inline(always)]
fn fma<L: Lanes, const G: usize>(a: [L; G], b: [L; G], mut c: [L; G]) -> [L; G] {
    for ((c, a), b) in c.iter_mut().zip(a).zip(b) {
        *c = a.mul_add(b, *c);
    }
    c
}

#[inline(always)]
fn mul<L: Lanes, const G: usize>(mut a: [L; G], b: [L; G]) -> [L; G] {
    for (a, b) in a.iter_mut().zip(b) {
        *a = *a * b;
    }
    a
}

/// Reciprocals of the first `count` pivots by one division; also the smallest reciprocal product, 0 on overflow.
#[inline(always)]
fn invert<L: Lanes, const G: usize>(d: &mut [[L; G]; BATCH], count: usize) -> [L; G] {
    let mut whole = [L::splat(1.0); G];
    let one = whole;
    let reciprocal = |mut product: [L; G]| {
        for (p, one) in product.iter_mut().zip(one) {
            *p = one / *p;
        }
        product
    };
    match count {
        1 => {
            whole = reciprocal(d[0]);
            d[0] = whole;
        }
        2 => {
            whole = reciprocal(mul(d[0], d[1]));
            (d[0], d[1]) = (mul(whole, d[1]), mul(whole, d[0]));
        }
        3 => {
            let pair = mul(d[0], d[1]);
            whole = reciprocal(mul(pair, d[2]));
            let rest = mul(whole, d[2]);
            d[2] = mul(whole, pair);
            (d[0], d[1]) = (mul(rest, d[1]), mul(rest, d[0]));
        }
        _ => {
            let (left, right) = (mul(d[0], d[1]), mul(d[2], d[3]));
            whole = reciprocal(mul(left, right));
            let (a, b) = (mul(whole, right), mul(whole, left));
            (d[0], d[1]) = (mul(a, d[1]), mul(a, d[0]));
            (d[2], d[3]) = (mul(b, d[3]), mul(b, d[2]));
        }
    }
    whole
}

impl Step<'_, '_> {
    /// Steps blocks `start..end` of the chunk, `G` at a time; false as soon as a number is not sound.
    #[inline(always)]
    fn groups<L: Lanes, const G: usize>(&mut self, start: usize, end: usize) -> bool {
        let (plan, n) = (self.plan, self.plan.states);
        let flow = self.work.flow.as_chunks_mut::<G>().0;
        let share = self.work.share.as_chunks_mut::<G>().0;
        let inverse = self.work.inverse.as_chunks_mut::<G>().0;
        let excess = self.work.excess.as_chunks_mut::<G>().0;
        let x = self.work.x.as_chunks_mut::<G>().0;
        for &(slot, value) in &self.flows.fixed {
            flow[slot] = [F64x8::splat(value); G];
        }
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let (ahead, back) = (L::splat(1.0 + std::f64::consts::SQRT_2), L::splat(-std::f64::consts::SQRT_2));
        // Zero while every occupancy is finite; smallest term of a flow and smallest reciprocal seen.
        let (mut probe, mut least, mut smallest) = ([zero; G], [zero; G], [one; G]);
        let mut block = start;
        while block + G <= end {
            for &(slot, value) in &self.flows.reset {
                store([L::splat(value); G], &mut flow[slot]);
            }
            for term in &self.flows.terms {
                let mut value = [L::splat(term.scale); G];
                for (g, value) in value.iter_mut().enumerate() {
                    *value = *value * column::<L>(term.a, self.first + block + g);
                    if let Some(b) = term.b {
                        *value = *value * column::<L>(b, self.first + block + g);
                    }
                }
                for (least, value) in least.iter_mut().zip(value) {
                    *least = value.min(*least);
                }
                if !term.first {
                    for (value, old) in value.iter_mut().zip(load::<L, G>(&flow[term.slot])) {
                        *value = old + *value;
                    }
                }
                store(value, &mut flow[term.slot]);
            }
            for state in 0..n {
                store([one; G], &mut excess[state]);
                for (g, line) in x[state].iter_mut().enumerate() {
                    *line = self.lines[(block + g) * n + state];
                }
            }
            for batch in &plan.batches {
                let pivots = &plan.pivots[batch.clone()];
                let mut d = [[one; G]; BATCH];
                for (d, pivot) in d.iter_mut().zip(pivots) {
                    *d = load(&excess[pivot.state]);
                    for &(slot, _) in &plan.outs[pivot.outs.clone()] {
                        for (d, flow) in d.iter_mut().zip(load::<L, G>(&flow[slot])) {
                            *d = *d + flow;
                        }
                    }
                }
                let whole = invert(&mut d, pivots.len());
                for (smallest, whole) in smallest.iter_mut().zip(whole) {
                    *smallest = whole.min(*smallest);
                }
                for (inv, pivot) in d.into_iter().zip(pivots) {
                    store(inv, &mut inverse[pivot.state]);
                    for &(slot, _) in &plan.outs[pivot.outs.clone()] {
                        store(mul(load(&flow[slot]), inv), &mut share[slot]);
                    }
                    let stay: [L; G] = mul(load(&excess[pivot.state]), inv);
                    for &(slot, from) in &plan.ins[pivot.ins.clone()] {
                        store(fma(load(&flow[slot]), stay, load(&excess[from])), &mut excess[from]);
                    }
                    for &(inward, outward, to) in &plan.updates[pivot.updates.clone()] {
                        store(fma::<L, G>(load(&flow[inward]), load(&share[outward]), load(&flow[to])), &mut flow[to]);
                    }
                }
            }
            substitute::<L, G>(plan, flow, share, inverse, x);
            if self.method == Method::Sdirk2 {
                for (state, x) in x.iter_mut().enumerate().take(n) {
                    for (g, line) in x.iter_mut().enumerate() {
                        let before = L::load(&self.lines[(block + g) * n + state]);
                        (ahead * L::load(line) + back * before).store(line);
                    }
                }
                substitute::<L, G>(plan, flow, share, inverse, x);
            }
            for (state, x) in x.iter().enumerate().take(n) {
                let x: [L; G] = load(x);
                probe = fma(x, [zero; G], probe);
                for (g, x) in x.into_iter().enumerate() {
                    x.store(&mut self.lines[(block + g) * n + state]);
                }
            }
            block += G;
        }
        let sound = |g: usize| {
            let ok = |lanes: [f64; LANES], good: fn(f64) -> bool| lanes.into_iter().all(good);
            ok(probe[g].to_array(), |p| p == 0.0)
                && ok(least[g].to_array(), |l| l >= 0.0)
                && ok(smallest[g].to_array(), |s| s > 0.0)
        };
        array::from_fn::<bool, G, _>(sound).into_iter().all(|s| s)
    }
}

/// Forward and backward substitution: `x` from right side to solution.
#[inline(always)]
fn substitute<L: Lanes, const G: usize>(
    plan: &Elimination,
    flow: &[[F64x8; G]],
    share: &[[F64x8; G]],
    inverse: &[[F64x8; G]],
    x: &mut [[F64x8; G]],
) {
    for pivot in &plan.pivots {
        let own: [L; G] = load(&x[pivot.state]);
        for &(slot, to) in &plan.outs[pivot.outs.clone()] {
            store(fma(load(&share[slot]), own, load(&x[to])), &mut x[to]);
        }
    }
    for pivot in plan.pivots.iter().rev() {
        let mut own: [L; G] = load(&x[pivot.state]);
        for &(slot, from) in &plan.ins[pivot.ins.clone()] {
            own = fma(load(&flow[slot]), load(&x[from]), own);
        }
        store(mul(own, load(&inverse[pivot.state])), &mut x[pivot.state]);
    }
}

impl Kernel for Step<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> bool {
        let blocks = self.lines.len() / self.plan.states;
        let whole = blocks - blocks % GROUP;
        let mut sound = true;
        if whole > 0 {
            sound &= self.groups::<L, GROUP>(0, whole);
        }
        if whole < blocks {
            sound &= self.groups::<L, 1>(whole, blocks);
        }
        sound
    }
}
