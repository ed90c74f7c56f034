//! A well-mixed box: ligands and the schemes that bind, free and turn them over, solved together as one stiff system.
//!
//! `dp/dt = p Q(c)` for each pool and `dc/dt = influx - removal c + sum_pools C (given off - taken up)`, by the
//! six-stage Rosenbrock method RODAS4(3) (Hairer & Wanner 1996, Solving ODEs II, IV.7): L-stable, order 4, adaptive,
//! exact Jacobian, so that total ligand and total protein are kept to rounding. Limit: dense, a few hundred unknowns.

use crate::fault::{Fault, Quantity};
use crate::mechanism::{Kinetics, KineticsError};
use crate::rodas::{A, C, GAMMA};
use crate::time::Tick;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A ligand of the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpeciesIndex(pub u16);

/// What happens to a ligand besides the pools.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Species {
    /// Constant source, mM/ms.
    pub influx: f64,
    /// First-order loss, /ms.
    pub removal: f64,
    /// Held at its value (a perfused bath).
    pub clamped: bool,
}

/// Molecules of one kind in the box.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Their scheme.
    pub kinetics: Kinetics,
    /// Their total concentration, mM.
    pub concentration: f64,
    /// Species behind each ligand of the scheme.
    pub ligands: Vec<SpeciesIndex>,
    /// Outputs of the rate program at this voltage and temperature: /ms, or /mM/ms where a ligand is taken up.
    pub coefficients: Vec<f64>,
}

/// A box that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BoxError {
    /// A pool's ligand list does not fit its scheme or the box.
    #[error("pool {pool}: one existing species is needed for each ligand of its scheme")]
    Ligands {
        /// The pool.
        pool: usize,
    },
    /// A pool's concentration is negative or not finite.
    #[error("pool {pool} has a concentration of {value} mM: it must be finite and not negative")]
    Concentration {
        /// The pool.
        pool: usize,
        /// Its concentration, mM.
        value: f64,
    },
    /// A species' influx or removal is negative or not finite.
    #[error("species {species}: influx and removal must be finite and not negative")]
    Species {
        /// The species.
        species: usize,
    },
    /// Rates beyond mass action would move within a step.
    #[error("pool {pool}: a coefficient depends on a ligand other than by mass action; the box cannot follow it")]
    NotMassAction {
        /// The pool.
        pool: usize,
    },
    /// The pool's coefficients do not fit its scheme.
    #[error("pool {pool}: {error}")]
    Kinetics {
        /// The pool.
        pool: usize,
        /// What is wrong.
        error: KineticsError,
    },
    /// A start does not fit: a wrong length, or a value that is negative or not finite.
    #[error("the start needs a finite, nonnegative number for each species and each state of each pool")]
    Start,
}

/// One transition of one pool, indices into the unknowns.
#[derive(Clone, Copy, Debug)]
struct Flux {
    coefficient: f64,
    from: usize,
    to: usize,
    takes_up: Option<usize>,
    gives_off: Option<usize>,
    /// mM of the pool.
    concentration: f64,
}

/// The box: immutable, shared by any number of states.
#[derive(Clone, Debug)]
pub struct WellMixed {
    species: Vec<Species>,
    fluxes: Vec<Flux>,
    /// First unknown of each pool, and the end.
    offsets: Vec<usize>,
}

/// Its state: concentrations, occupancies, clock, and the step the controller would take next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxState {
    clock: Tick,
    next: f64,
    values: Vec<f64>,
}

/// How exact to be: error a step below `absolute + relative * |value|`, root mean square over the unknowns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative part.
    pub relative: f64,
    /// Absolute part, mM or occupancy.
    pub absolute: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { relative: 1e-8, absolute: 1e-12 }
    }
}

/// Work done by one call: what a slow-down would raise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps kept.
    pub accepted: u64,
    /// Steps thrown away.
    pub rejected: u64,
}

/// Dense LU with row exchanges, `n x n` row-major, in place; false if singular or not finite.
fn factorise(n: usize, a: &mut [f64], order: &mut [usize]) -> bool {
    for (k, order) in order.iter_mut().enumerate() {
        let mut best = k;
        for i in k + 1..n {
            if a[i * n + k].abs() > a[best * n + k].abs() {
                best = i;
            }
        }
        *order = best;
        let pivot = a[best * n + k];
        if pivot == 0.0 || !pivot.is_finite() {
            return false;
        }
        if best != k {
            for j in 0..n {
                a.swap(k * n + j, best * n + j);
            }
        }
        let (upper, lower) = a.split_at_mut((k + 1) * n);
        let row = &upper[k * n..];
        for other in lower.chunks_exact_mut(n) {
            if other[k] != 0.0 {
                other[k] /= pivot;
                let factor = -other[k];
                for j in k + 1..n {
                    other[j] = factor.mul_add(row[j], other[j]);
                }
            }
        }
    }
    true
}

/// Solves with [`factorise`]'s result, in place.
fn solve(n: usize, a: &[f64], order: &[usize], x: &mut [f64]) {
    for (k, &other) in order.iter().enumerate() {
        x.swap(k, other);
    }
    for i in 0..n {
        let mut sum = x[i];
        for j in 0..i {
            sum = (-a[i * n + j]).mul_add(x[j], sum);
        }
        x[i] = sum;
    }
    for i in (0..n).rev() {
        let mut sum = x[i];
        for j in i + 1..n {
            sum = (-a[i * n + j]).mul_add(x[j], sum);
        }
        x[i] = sum / a[i * n + i];
    }
}

impl WellMixed {
    /// Checks and joins species and pools.
    ///
    /// # Errors
    /// See [`BoxError`].
    pub fn new(species: &[Species], pools: &[Pool]) -> Result<Self, BoxError> {
        for (index, s) in species.iter().enumerate() {
            if !(s.influx >= 0.0 && s.influx.is_finite() && s.removal >= 0.0 && s.removal.is_finite()) {
                return Err(BoxError::Species { species: index });
            }
        }
        let mut fluxes = Vec::new();
        let mut offsets = vec![species.len()];
        for (pool, p) in pools.iter().enumerate() {
            let value = p.concentration;
            if !(value >= 0.0 && value.is_finite()) {
                return Err(BoxError::Concentration { pool, value });
            }
            let known = p.ligands.iter().all(|s| usize::from(s.0) < species.len());
            if !known || p.ligands.len() != p.kinetics.ligands() {
                return Err(BoxError::Ligands { pool });
            }
            if p.kinetics.reads_ligand(|_| true) {
                return Err(BoxError::NotMassAction { pool });
            }
            // At unit concentration a transition's rate is its coefficient.
            let unit = vec![1.0; p.ligands.len()];
            let rates = p
                .kinetics
                .transition_rates(&p.coefficients, &unit)
                .map_err(|error| BoxError::Kinetics { pool, error })?;
            let first = offsets[pool];
            for (t, &coefficient) in p.kinetics.transitions().iter().zip(&rates) {
                let species = |l: crate::mechanism::LigandIndex| usize::from(p.ligands[usize::from(l.0)].0);
                fluxes.push(Flux {
                    coefficient,
                    from: first + usize::from(t.from.0),
                    to: first + usize::from(t.to.0),
                    takes_up: t.takes_up.map(species),
                    gives_off: t.gives_off.map(species),
                    concentration: p.concentration,
                });
            }
            offsets.push(first + p.kinetics.states());
        }
        Ok(Self { species: species.to_vec(), fluxes, offsets })
    }

    /// How many unknowns: species, then the states of each pool.
    #[must_use]
    pub fn unknowns(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// A state at time 0. `concentrations`: mM, one a species; `occupancies`: one list a pool, one a state.
    ///
    /// # Errors
    /// [`BoxError::Start`].
    pub fn start(&self, concentrations: &[f64], occupancies: &[&[f64]]) -> Result<BoxState, BoxError> {
        let mut values = concentrations.to_vec();
        let mut fits = concentrations.len() == self.species.len() && occupancies.len() + 1 == self.offsets.len();
        for (list, range) in occupancies.iter().zip(self.offsets.windows(2)) {
            fits &= list.len() == range[1] - range[0];
            values.extend_from_slice(list);
        }
        if fits && values.iter().all(|v| *v >= 0.0 && v.is_finite()) {
            Ok(BoxState { clock: Tick::ZERO, next: f64::INFINITY, values })
        } else {
            Err(BoxError::Start)
        }
    }

    /// Concentration in mM. Panics on a state of another box or a species that is not there.
    #[must_use]
    pub fn concentration(&self, state: &BoxState, species: SpeciesIndex) -> f64 {
        assert!(usize::from(species.0) < self.species.len(), "species of this box");
        state.values[usize::from(species.0)]
    }

    /// Occupancies of a pool, one a state. Panics on a state of another box or a pool that is not there.
    #[must_use]
    pub fn occupancies<'a>(&self, state: &'a BoxState, pool: usize) -> &'a [f64] {
        &state.values[self.offsets[pool]..self.offsets[pool + 1]]
    }

    fn slope(&self, y: &[f64], f: &mut [f64]) {
        f.fill(0.0);
        for ((s, y), f) in self.species.iter().zip(y).zip(f.iter_mut()) {
            *f = (-s.removal).mul_add(*y, s.influx);
        }
        for t in &self.fluxes {
            let rate = t.coefficient * t.takes_up.map_or(1.0, |l| y[l]) * y[t.from];
            f[t.from] -= rate;
            f[t.to] += rate;
            if let Some(l) = t.takes_up {
                f[l] = (-t.concentration).mul_add(rate, f[l]);
            }
            if let Some(l) = t.gives_off {
                f[l] = t.concentration.mul_add(rate, f[l]);
            }
        }
        for (s, f) in self.species.iter().zip(f.iter_mut()) {
            if s.clamped {
                *f = 0.0;
            }
        }
    }

    /// `I / (h gamma) - J`, row-major.
    fn matrix(&self, y: &[f64], h: f64, w: &mut [f64]) {
        let n = y.len();
        w.fill(0.0);
        for (l, s) in self.species.iter().enumerate() {
            w[l * n + l] = s.removal;
        }
        for t in &self.fluxes {
            let by_from = t.coefficient * t.takes_up.map_or(1.0, |l| y[l]);
            let by_ligand = t.takes_up.map(|l| (l, t.coefficient * y[t.from]));
            for (column, slope) in [(t.from, by_from)].into_iter().chain(by_ligand) {
                w[t.from * n + column] += slope;
                w[t.to * n + column] -= slope;
                if let Some(l) = t.takes_up {
                    w[l * n + column] = t.concentration.mul_add(slope, w[l * n + column]);
                }
                if let Some(l) = t.gives_off {
                    w[l * n + column] = (-t.concentration).mul_add(slope, w[l * n + column]);
                }
            }
        }
        for (l, s) in self.species.iter().enumerate() {
            if s.clamped {
                w[l * n..(l + 1) * n].fill(0.0);
            }
        }
        for i in 0..n {
            w[i * n + i] += 1.0 / (h * GAMMA);
        }
    }

    /// One RODAS step of `h` ms from `y` into `after`; returns the scaled error, infinite where it broke down.
    fn attempt(&self, y: &[f64], h: f64, tolerance: Tolerance, after: &mut [f64], scratch: &mut Buffers) -> f64 {
        let n = y.len();
        self.matrix(y, h, &mut scratch.w);
        if !factorise(n, &mut scratch.w, &mut scratch.order) {
            return f64::INFINITY;
        }
        for stage in 0..6 {
            after.copy_from_slice(y);
            if stage > 0 {
                for (k, &a) in A[stage - 1].iter().enumerate() {
                    for (after, u) in after.iter_mut().zip(&scratch.u[k * n..]) {
                        *after = a.mul_add(*u, *after);
                    }
                }
            }
            let (done, now) = scratch.u.split_at_mut(stage * n);
            let now = &mut now[..n];
            self.slope(after, now);
            if stage > 0 {
                for (k, &c) in C[stage - 1].iter().enumerate() {
                    let c = c / h;
                    for (now, u) in now.iter_mut().zip(&done[k * n..]) {
                        *now = c.mul_add(*u, *now);
                    }
                }
            }
            solve(n, &scratch.w, &scratch.order, now);
        }
        let mut sum = 0.0;
        for ((after, y), u) in after.iter_mut().zip(y).zip(&scratch.u[5 * n..]) {
            *after += u;
            let scale = tolerance.relative.mul_add(y.abs().max(after.abs()), tolerance.absolute);
            sum = (u / scale).mul_add(u / scale, sum);
        }
        let error = (sum / n as f64).sqrt();
        if error.is_finite() { error } else { f64::INFINITY }
    }

    /// Advances by exactly `interval`. The same sequence of intervals gives the same bits, across a save and load too.
    ///
    /// # Errors
    /// A [`Fault`] when a value becomes non-finite or the step needed falls below a thousandth of a tick; panics on a state of another
    /// box.
    pub fn advance(&self, state: &mut BoxState, interval: Tick, tolerance: Tolerance) -> Result<Work, Fault> {
        let n = self.unknowns();
        assert_eq!(state.values.len(), n, "a state of this box");
        let mut scratch = Buffers { w: vec![0.0; n * n], u: vec![0.0; 6 * n], order: vec![0; n] };
        let mut after = vec![0.0; n];
        let mut work = Work::default();
        let end = interval.ms();
        // Only the very first step has no proposal; a short interval must not shorten the one there is.
        let mut h = if state.next.is_finite() || end == 0.0 { state.next } else { end };
        let mut time = 0.0;
        while time < end {
            // The last step ends on the spot; a sliver is never left over.
            let last = time + h * 1.000_001 >= end;
            let step = if last { end - time } else { h };
            let error = self.attempt(&state.values, step, tolerance, &mut after, &mut scratch);
            let factor = if error > 0.0 { 0.9 / error.sqrt().sqrt() } else { 6.0 };
            if error <= 1.0 {
                work.accepted += 1;
                time = if last { end } else { time + step };
                state.values.copy_from_slice(&after);
                let proposed = step * factor.clamp(0.2, 6.0);
                // A step cut short by the end says nothing against the one proposed before.
                h = if last { proposed.max(h) } else { proposed };
            } else {
                work.rejected += 1;
                h = step * if error.is_finite() { factor.clamp(0.1, 0.9) } else { 0.1 };
                // A thousandth of a tick: nothing that a clock of ticks could show is that fast.
                if h < 1e-3 * Tick(1).ms() {
                    return Err(self.fault(state, &after, h));
                }
            }
        }
        state.next = h;
        state.clock += interval;
        Ok(work)
    }

    fn fault(&self, state: &BoxState, tried: &[f64], h: f64) -> Fault {
        let bad = tried.iter().position(|v| !v.is_finite());
        let quantity = match bad {
            Some(index) if index < self.species.len() => Quantity::Concentration { ligand: index },
            Some(index) => Quantity::Occupancy { state: index - self.species.len() },
            None => Quantity::Step,
        };
        Fault { quantity, value: bad.map_or(h, |index| tried[index]), instance: 0, at: state.clock }
    }
}

impl BoxState {
    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }
}

struct Buffers {
    w: Vec<f64>,
    u: Vec<f64>,
    order: Vec<usize>,
}

#[cfg(test)]
#[path = "wellmixed_tests.rs"]
mod tests;
