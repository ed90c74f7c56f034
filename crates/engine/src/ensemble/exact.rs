//! Means under one ligand and voltage for all: one matrix of transition probabilities, exact at any step.

use super::{CHUNK, EnsembleError, Means};
use crate::mechanism::{Kinetics, Transition};
use crate::time::Tick;
use numerics::markov::Propagator;
use numerics::simd::{F64x8, Kernel, Lanes, Level};
use rayon::prelude::*;

/// Propagators kept; a stimulus protocol has a handful of levels.
const KEPT: usize = 8;

/// A propagator and all that it came from.
#[derive(Clone, Debug)]
struct Kept {
    dt: Tick,
    rates: Vec<f64>,
    transitions: Vec<Transition>,
    p: Propagator,
}

/// Steps means exactly; keeps the last few propagators by rates and step. A cache, never saved: it cannot show.
#[derive(Clone, Debug, Default)]
pub struct Exact {
    kept: Vec<Kept>,
    made: u64,
}

impl Exact {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many propagators were computed so far.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made
    }

    /// The propagator of `kinetics` over `dt` for these coefficients and ligands (mM), computed or remembered.
    ///
    /// # Errors
    /// Rates that are not rates; a negative step.
    pub fn propagator(
        &mut self,
        kinetics: &Kinetics,
        coefficients: &[f64],
        ligands: &[f64],
        dt: Tick,
    ) -> Result<&Propagator, EnsembleError> {
        let rates = kinetics.transition_rates(coefficients, ligands)?;
        let same = |kept: &Kept| {
            kept.dt == dt
                && kept.rates == rates
                && kept.p.states() == kinetics.states()
                && kept.transitions == kinetics.transitions()
        };
        match self.kept.iter().position(same) {
            Some(place) => self.kept[..=place].rotate_right(1),
            None => {
                let generator = kinetics.generator(coefficients, ligands)?;
                let p = generator.propagator(dt.ms()).map_err(|_| EnsembleError::Step)?;
                self.made += 1;
                self.kept.truncate(KEPT - 1);
                self.kept.insert(0, Kept { dt, rates, transitions: kinetics.transitions().to_vec(), p });
            }
        }
        Ok(&self.kept[0].p)
    }

    /// Advances every instance by `dt`. Mass is kept to an ulp a step, no occupancy becomes negative.
    ///
    /// `coefficients`: one an output of the rate program; `ligands`: mM, one a ligand.
    ///
    /// # Errors
    /// Rates that are not rates, a negative step, or a population of another scheme; `means` is then untouched.
    pub fn step(
        &mut self,
        level: Level,
        kinetics: &Kinetics,
        means: &mut Means,
        coefficients: &[f64],
        ligands: &[f64],
        dt: Tick,
    ) -> Result<(), EnsembleError> {
        if means.states != kinetics.states() {
            return Err(EnsembleError::States { got: means.states, want: kinetics.states() });
        }
        let p = self.propagator(kinetics, coefficients, ligands, dt)?.as_slice();
        let states = means.states;
        means.lines.par_chunks_mut(CHUNK * states).for_each(|lines| {
            level.dispatch(Advance { lines, p, states });
        });
        means.clock += dt;
        Ok(())
    }
}

struct Advance<'a> {
    lines: &'a mut [F64x8],
    p: &'a [f64],
    states: usize,
}

/// Up to 8 states: everything in registers.
#[inline(always)]
fn small<L: Lanes, const N: usize>(lines: &mut [F64x8], p: &[f64]) {
    let Some(p) = p.as_chunks::<N>().0.first_chunk::<N>() else { unreachable!("the matrix is N x N") };
    for block in lines.as_chunks_mut::<N>().0 {
        let mut before = [L::splat(0.0); N];
        for (before, line) in before.iter_mut().zip(&*block) {
            *before = L::load(line);
        }
        for (j, line) in block.iter_mut().enumerate() {
            let mut sum = before[0] * L::splat(p[0][j]);
            for i in 1..N {
                sum = before[i].mul_add(L::splat(p[i][j]), sum);
            }
            sum.store(line);
        }
    }
}

#[inline(always)]
fn large<L: Lanes>(lines: &mut [F64x8], p: &[f64], states: usize) {
    let mut before = [F64x8::splat(0.0); crate::mechanism::MAX_STATES];
    for block in lines.chunks_exact_mut(states) {
        before[..states].copy_from_slice(block);
        for (j, line) in block.iter_mut().enumerate() {
            let mut sum = L::load(&before[0]) * L::splat(p[j]);
            for i in 1..states {
                sum = L::load(&before[i]).mul_add(L::splat(p[i * states + j]), sum);
            }
            sum.store(line);
        }
    }
}

impl Kernel for Advance<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { lines, p, states } = self;
        match states {
            1 => small::<L, 1>(lines, p),
            2 => small::<L, 2>(lines, p),
            3 => small::<L, 3>(lines, p),
            4 => small::<L, 4>(lines, p),
            5 => small::<L, 5>(lines, p),
            6 => small::<L, 6>(lines, p),
            7 => small::<L, 7>(lines, p),
            8 => small::<L, 8>(lines, p),
            _ => large::<L>(lines, p, states),
        }
    }
}
