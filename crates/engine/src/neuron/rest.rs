//! The resting potential: where every compartment's steady current balances its neighbours'.
//!
//! First the whole cell as one compartment: the lowest voltage at which the summed steady current turns from inward to
//! outward, bracketed on a grid of 1 mV and refined by Brent's method. Then Newton's method on the tree with a time
//! step that grows as the residual falls (pseudo-transient continuation; Kelley & Keyes 1998, SIAM J Numer Anal
//! 35:508). Where ions move between compartments, voltages and concentrations are balanced in turn. Limit: a rest around which the cell oscillates is found too.

use super::linear::Circuit;
use super::plan::Plan;
use super::state::State;
use numerics::bracket;
use rayon::prelude::*;
use std::ops::RangeInclusive;
use thiserror::Error;

/// A cell without a rest.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum RestError {
    /// The range is empty, not finite, or wider than 1000 mV.
    #[error("a search from {low} to {high} mV; an increasing range of 1000 mV at most is needed")]
    Range {
        /// mV.
        low: f64,
        /// mV.
        high: f64,
    },
    /// The summed steady current never turns from inward to outward.
    #[error(
        "cell {cell} has no rest between {low} and {high} mV: its steady current does not turn from in- to outward"
    )]
    NoRest {
        /// The cell.
        cell: usize,
        /// mV.
        low: f64,
        /// mV.
        high: f64,
    },
    /// A steady current is not finite.
    #[error("the steady current of cell {cell} at {v} mV is not finite: look at its channels' rates there")]
    NotFinite {
        /// The cell.
        cell: usize,
        /// mV.
        v: f64,
    },
    /// The compartments did not come to a balance.
    #[error(
        "cell {cell} found no balance between its compartments: {residual} pA are left in compartment {compartment}; \
         let it run to its rest instead"
    )]
    NotConverged {
        /// The cell.
        cell: usize,
        /// Where most is left.
        compartment: usize,
        /// pA.
        residual: f64,
    },
}

/// Largest change of the last iteration that counts as rest, mV.
const CLOSE: f64 = 1e-9;
const ITERATIONS: usize = 300;
/// Turns of voltages and concentrations that diffuse.
const TURNS: usize = 100;

impl Plan {
    /// Every cell at its resting potential, sought within `range` (mV), its gates at their steady state, at time 0.
    ///
    /// # Errors
    /// [`RestError`] of the first cell that has one.
    pub fn rest(&self, range: RangeInclusive<f64>) -> Result<State, RestError> {
        let (low, high) = (*range.start(), *range.end());
        if !(low < high && high - low <= 1000.0) {
            return Err(RestError::Range { low, high });
        }
        let mut state = State::at(self, low);
        let found: Vec<Result<Vec<f64>, RestError>> =
            (0..self.cells()).into_par_iter().map(|cell| rest(self, cell, low, high)).collect();
        for (cell, v) in found.into_iter().enumerate() {
            let home = self.home(cell);
            let lines = &mut state.blocks[home.block].v[home.row as usize..];
            for (line, v) in lines.iter_mut().zip(v?) {
                line.0[home.lane] = v;
            }
        }
        state.settle(self);
        Ok(state)
    }
}

fn rest(plan: &Plan, cell: usize, low: f64, high: f64) -> Result<Vec<f64>, RestError> {
    let circuit = Circuit::new(plan, cell);
    let n = circuit.c_m.len();
    let total = |v: f64| (0..n).map(|row| circuit.steady_current(row, v)).sum::<f64>();
    let finite = |v: f64| {
        let current = total(v);
        if current.is_finite() { Ok(current) } else { Err(RestError::NotFinite { cell, v }) }
    };
    let steps = (high - low).ceil() as u32;
    let mut before = (low, finite(low)?);
    let mut start = (before.1 == 0.0).then_some(low);
    for k in 1..=steps {
        if start.is_some() {
            break;
        }
        let v = low + (high - low) * f64::from(k) / f64::from(steps);
        let current = finite(v)?;
        if before.1 < 0.0 && current >= 0.0 {
            let root = bracket::root(total, before.0, v, 1e-12);
            start = Some(root.map_err(|_| RestError::NotFinite { cell, v })?);
        }
        before = (v, current);
    }
    let v = start.ok_or(RestError::NoRest { cell, low, high })?;
    let mut v = balance(&circuit, cell, vec![v; n])?;
    if !circuit.diffuses() {
        return Ok(v);
    }
    let mut circuit = circuit;
    for _ in 0..TURNS {
        circuit.hold(&v);
        let next = balance(&circuit, cell, v.clone())?;
        let moved = next.iter().zip(&v).fold(0.0, |moved: f64, (a, b)| moved.max((a - b).abs()));
        v = next;
        if moved < CLOSE {
            return Ok(v);
        }
    }
    Err(RestError::NotConverged { cell, compartment: 0, residual: f64::NAN })
}

/// Newton's method with a growing time step from `v`.
fn balance(circuit: &Circuit, cell: usize, mut v: Vec<f64>) -> Result<Vec<f64>, RestError> {
    let n = v.len();
    let residual = |v: &[f64]| {
        let mut out: Vec<f64> = v.iter().enumerate().map(|(row, &v)| circuit.steady_current(row, v)).collect();
        circuit.add_axial(v, &mut out);
        out
    };
    // Weighed by capacitance: mV/ms, whatever the compartments' sizes.
    let norm = |f: &[f64]| {
        // A joint has no capacitance; its balance counts like that of a small compartment.
        f.iter().zip(&circuit.c_m).map(|(f, c)| f * f / if *c > 0.0 { *c } else { 1.0 }).sum::<f64>()
    };
    let mut f = residual(&v);
    let mut step = 1.0;
    for _ in 0..ITERATIONS {
        let slopes = (0..n).map(|row| circuit.steady_slope(row, v[row]) + circuit.c_m[row] / step);
        let slopes: Vec<f64> = slopes.collect();
        let mut change: Vec<f64> = f.iter().map(|f| -f).collect();
        circuit.solve(&slopes, &mut change);
        let largest = change.iter().fold(0.0, |largest: f64, dv| largest.max(dv.abs()));
        let next: Vec<f64> = v.iter().zip(&change).map(|(v, dv)| v + dv).collect();
        let next_f = residual(&next);
        let falls = norm(&next_f) < norm(&f) && largest < 20.0;
        if falls {
            (v, f) = (next, next_f);
        }
        if step > 1e9 && largest < CLOSE || norm(&f) == 0.0 {
            return Ok(v);
        }
        step = if falls || largest < CLOSE { (step * 5.0).min(1e12) } else { step / 10.0 };
        if step < 1e-6 {
            break;
        }
    }
    let (compartment, residual) =
        f.iter().enumerate().fold(
            (0, 0.0),
            |worst: (usize, f64), (row, &f)| {
                if f.abs() > worst.1.abs() || f.is_nan() { (row, f) } else { worst }
            },
        );
    Err(RestError::NotConverged { cell, compartment, residual })
}
