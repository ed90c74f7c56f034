//! Means with rates per instance: implicit steps, eight instances side by side, stable at any step.
//!
//! Backward Euler (first order, L-stable, positive), or the two-stage SDIRK with gamma = 1 - 1/sqrt 2 (Alexander 1977,
//! SIAM J. Numer. Anal. 14:1006; second order, L-stable, may undershoot zero by its own error). Rates are held over
//! the step. Mass is kept to rounding by both; see [`super::elimination`] for the solve.

use super::elimination::Elimination;
use super::tree::Tree;
use super::{CHUNK, EnsembleError, Means, fit_all};
use crate::fault::{Fault, Quantity};
use crate::mechanism::{Input, Kinetics, Transition};
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use rayon::prelude::*;

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
    tree: Option<Tree>,
    /// What it was made for.
    transitions: Vec<Transition>,
}

/// Part of a flow that differs between instances: `scale * a * b`.
pub(super) struct Term<'a> {
    pub slot: usize,
    pub scale: f64,
    pub a: &'a [f64],
    pub b: Option<&'a [f64]>,
    /// First term of a slot that starts from nothing: store, do not add.
    pub first: bool,
    transition: usize,
}

/// The flows of one step, `step * rate`.
pub(super) struct Flows<'a> {
    /// Uniform slots that elimination does not change: set once.
    pub fixed: Vec<(usize, f64)>,
    /// Slots set anew for each group.
    pub reset: Vec<(usize, f64)>,
    pub terms: Vec<Term<'a>>,
}

/// Numbers of a group of blocks; line `index * G + block`.
pub(super) struct Work {
    pub flow: Vec<F64x8>,
    pub share: Vec<F64x8>,
    pub inverse: Vec<F64x8>,
    pub excess: Vec<F64x8>,
    pub x: Vec<F64x8>,
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
        let plan = Elimination::new(kinetics);
        let tree = Tree::new(&plan);
        Self { plan, tree, transitions: kinetics.transitions().to_vec() }
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
        if kinetics.states() != self.plan.states || kinetics.transitions() != self.transitions {
            return Err(EnsembleError::OtherScheme);
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
        let (plan, tree) = (&self.plan, self.tree.as_ref());
        let (states, at, instances) = (means.states, means.clock, means.instances);
        let fault = means
            .lines
            .par_chunks_mut(CHUNK * states)
            .enumerate()
            .map_init(
                || Work::new(plan),
                |work, (chunk, lines)| {
                    let first = chunk * CHUNK;
                    let sound = level.dispatch(Step { plan, tree, flows: &flows, lines, first, work, method });
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
            if !(0.0..LARGEST).contains(&scale) {
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
            if !(0.0..LARGEST).contains(&value) {
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

pub(super) struct Step<'a, 'b> {
    pub plan: &'a Elimination,
    pub tree: Option<&'a Tree>,
    pub flows: &'a Flows<'b>,
    pub lines: &'a mut [F64x8],
    /// Index of the first block within the population.
    pub first: usize,
    pub work: &'a mut Work,
    pub method: Method,
}

/// Eight values of a column; the last block's padding repeats the last instance.
#[inline(always)]
pub(super) fn column<L: Lanes>(column: &[f64], block: usize) -> L {
    let start = block * LANES;
    match column.get(start..start + LANES) {
        Some(eight) => L::load_slice(eight),
        None => {
            // Once a population at most.
            let mut eight = [column[column.len() - 1]; LANES];
            let rest = &column[start.min(column.len())..];
            eight[..rest.len()].copy_from_slice(rest);
            L::from_array(eight)
        }
    }
}

impl Kernel for Step<'_, '_> {
    type Output = bool;

    /// False if a number is not sound.
    #[inline(always)]
    fn run<L: Lanes>(mut self) -> bool {
        match self.tree {
            Some(tree) => self.tree::<L>(tree),
            None => {
                let blocks = self.lines.len() / self.plan.states;
                let whole = blocks - blocks % GROUP;
                let most = whole == 0 || self.groups::<L, GROUP>(0, whole);
                let rest = whole == blocks || self.groups::<L, 1>(whole, blocks);
                most && rest
            }
        }
    }
}
