//! The cell as a linear circuit: input resistance and time constants by solves on its tree, no time stepping.
//!
//! `G V = I` with G the axial couplings plus, on the diagonal, the membrane's conductance: gates held (chord) or
//! settled (slope of the steady current); held gates keep concentrations as they are, too, settled ones let them settle, if they do not move from compartment to compartment. Slowest time constant: the largest eigenvalue of `G^-1 C`, by power iteration.

use super::balance::{Inside, NOTHING};
use super::channel::ChannelInput;
use super::ionic::BlockLaw;
use super::plan::{BlockChannel, Plan, Site};
use super::pool::BlockPool;
use super::state::State;
use numerics::linear::tree::{Matrix, Trees, solve_at};
use numerics::simd::{F64x8, Level};
use thiserror::Error;

/// Whether gates follow a small change of voltage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gating {
    /// They stay as they are in the state: what a brief, small step sees.
    Held,
    /// They reach their steady state: what a long, small step sees.
    Settled,
}

/// A circuit without the quantity asked for.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum LinearError {
    /// No finite positive answer: the membrane amplifies, or is nowhere leaky.
    #[error("cell {cell} is no passive circuit here (got {value}): it has no leak, or gates amplify small changes")]
    Active {
        /// The cell.
        cell: usize,
        /// What came out.
        value: f64,
    },
    /// The iteration did not settle: two modes are nearly equally slow.
    #[error("the slowest time constant of cell {cell} was not separated from the next one; last estimate {tau} ms")]
    Unseparated {
        /// The cell.
        cell: usize,
        /// ms.
        tau: f64,
    },
}

/// Step of numerical slopes, mV.
pub(super) const NUDGE: f64 = 1e-3;

/// One cell out of its block.
pub(super) struct Circuit<'a> {
    pub plan: &'a Plan,
    pub cell: usize,
    trees: Trees,
    pub c_m: Vec<f64>,
    /// To the parent, nS.
    pub axial: Vec<f64>,
    pub parents: Vec<u32>,
    pub g_leak: Vec<f64>,
    pub i_leak: Vec<f64>,
    /// By compartment: channels of the block and their line.
    pub gated: Vec<Vec<(&'a BlockChannel, usize)>>,
    /// By compartment: pools of the block and their line.
    pub pools: Vec<Vec<(&'a BlockPool, usize)>>,
    /// Concentrations that stay, by compartment.
    pub held: Option<Vec<Inside>>,
}

impl Plan {
    /// Outward current (pA) and its slope (nS) of line `k` of a channel in a lane, of which `g` (nS, um3/ms) is open, at
    /// `v` mV between concentrations `inside`.
    pub(super) fn carries(
        &self,
        c: &BlockChannel,
        (k, lane): (usize, usize),
        (g, v): (f64, f64),
        inside: &Inside,
    ) -> (f64, f64) {
        let e_rev = c.e_rev.as_ref().map_or(c.uniform_e_rev, |lines| lines[k].0[lane]);
        let (Some(ionic), ion) = (&c.ionic, self.channels[c.channel].ion) else { return (g * (v - e_rev), g) };
        let (own, outside) =
            ion.map_or((f64::NAN, f64::NAN), |ion| (inside[usize::from(ion)], self.ions[usize::from(ion)].outside));
        let e_rev = match (ionic.law, ion) {
            (BlockLaw::Nernst, Some(ion)) => {
                crate::membrane::nernst(self.ions[usize::from(ion)].valence, own, outside, self.temperature)
            }
            _ => e_rev,
        };
        ionic.law.at(g, v, (e_rev, own, outside))
    }

    /// Steady states of the gates of line `k` of a channel in a lane at `v` mV between concentrations `inside`.
    pub(super) fn steady(&self, c: &BlockChannel, (k, lane): (usize, usize), v: f64, inside: &Inside, out: &mut [f64]) {
        let kind = &self.channels[c.channel];
        if let Some(states) = &self.schemes[c.channel] {
            let law = self.law_of(states, c, (k, lane), v, inside);
            out[0] = states.open.iter().zip(&law).fold(0.0, |sum, (open, p)| open.mul_add(*p, sum));
            return;
        }
        // From the tables, where steps read them: else rest would not be where steps rest.
        let tables = self.tables.as_ref().and_then(|t| Some((&t.segments, t.channels[c.channel].as_ref()?)));
        if let Some((segments, pairs)) = tables.filter(|(segments, _)| segments.hold(v)) {
            for (x, pair) in out.iter_mut().zip(pairs) {
                *x = pair.first(segments, v).unwrap_or(f64::NAN);
            }
            return;
        }
        let mut rates = [0.0; 2 * super::channel::MAX_GATES];
        self.rates_of(c, (k, lane), v, inside, &mut rates);
        for ((x, gate), pair) in out.iter_mut().zip(&kind.gates).zip(rates.chunks(2)) {
            *x = gate.form.steady(pair[0], pair[1]);
        }
    }

    /// The two outputs of each gate of line `k` of a channel in a lane at `v` mV between concentrations
    /// `inside`.
    pub(super) fn rates_of(
        &self,
        c: &BlockChannel,
        (k, lane): (usize, usize),
        v: f64,
        inside: &Inside,
        out: &mut [f64],
    ) {
        let kind = &self.channels[c.channel];
        let mut inputs = [0.0; super::channel::MAX_INPUTS];
        for (to, &input) in inputs.iter_mut().zip(&kind.inputs) {
            *to = match input {
                ChannelInput::Voltage => v,
                ChannelInput::Temperature => self.temperature,
                ChannelInput::Concentration(ion) => inside[usize::from(ion)],
                ChannelInput::Parameter(p) => match &c.parameters[usize::from(p)] {
                    Some(column) => column[k].0[lane],
                    None => kind.parameters[usize::from(p)],
                },
            };
        }
        kind.rates.interpret(&inputs[..kind.inputs.len()], &mut out[..2 * kind.gates.len()]);
    }

    /// Voltage change at `site` per current injected there, GOhm (mV/pA), from an exact solve at the state's voltages.
    ///
    /// # Errors
    /// [`LinearError::Active`].
    ///
    /// # Panics
    /// If the state or site is not of this plan.
    pub fn input_resistance(&self, state: &State, site: Site, gating: Gating) -> Result<f64, LinearError> {
        self.transfer_resistance(state, site, site.compartment, gating)
    }

    /// Voltage change in compartment `at` of the same cell per current injected at `site`, GOhm (mV/pA).
    ///
    /// # Errors
    /// [`LinearError::Active`].
    ///
    /// # Panics
    /// If the state, site or compartment is not of this plan.
    pub fn transfer_resistance(&self, state: &State, site: Site, at: u32, gating: Gating) -> Result<f64, LinearError> {
        Ok(self.transfer_resistances(state, site, gating)?[at as usize])
    }

    /// Voltage change in each compartment of the same cell per current injected at `site`, GOhm (mV/pA), by one solve.
    ///
    /// # Errors
    /// [`LinearError::Active`], if a change is not positive somewhere.
    ///
    /// # Panics
    /// If the state or site is not of this plan.
    pub fn transfer_resistances(&self, state: &State, site: Site, gating: Gating) -> Result<Vec<f64>, LinearError> {
        assert!(state.fits(self), "the state of this plan");
        let (cell, compartment) = self.at(site);
        let circuit = Circuit::settled(self, cell, state);
        let mut x = vec![0.0; circuit.c_m.len()];
        x[compartment as usize] = 1.0;
        circuit.solve(&circuit.membrane(state, gating), &mut x);
        match x.iter().find(|value| !(**value > 0.0 && value.is_finite())) {
            None => Ok(x),
            Some(&value) => Err(LinearError::Active { cell, value }),
        }
    }

    /// Whether some cell has a channel with gates.
    #[must_use]
    pub fn gated(&self) -> bool {
        self.blocks.iter().any(|block| !block.channels.is_empty())
    }

    /// The capacitance of a cell, pF.
    ///
    /// # Panics
    /// If the cell is not of this plan.
    #[must_use]
    pub fn capacitance(&self, cell: usize) -> f64 {
        assert!(cell < self.cells(), "a cell of this plan");
        Circuit::new(self, cell).c_m.iter().sum()
    }

    /// The slowest time constant of a cell, ms, to a relative 1e-10: that of the membrane if it is passive and uniform.
    ///
    /// # Errors
    /// [`LinearError`].
    ///
    /// # Panics
    /// If the state or cell is not of this plan.
    pub fn time_constant(&self, state: &State, cell: usize, gating: Gating) -> Result<f64, LinearError> {
        assert!(state.fits(self) && cell < self.cells(), "the state and cell of this plan");
        let circuit = Circuit::settled(self, cell, state);
        let g = circuit.membrane(state, gating);
        let mut x = vec![1.0; g.len()];
        let (mut tau, mut settled) = (f64::NAN, 0);
        for _ in 0..10_000 {
            // With weights C the iteration is symmetric, and the Rayleigh quotient converges twice as quickly.
            let mut y: Vec<f64> = x.iter().zip(&circuit.c_m).map(|(x, c)| x * c).collect();
            let weight: f64 = y.iter().zip(&x).map(|(y, x)| y * x).sum();
            let before = y.clone();
            circuit.solve(&g, &mut y);
            let next = y.iter().zip(&before).map(|(y, b)| y * b).sum::<f64>() / weight;
            if !(next > 0.0 && next.is_finite()) {
                return Err(LinearError::Active { cell, value: next });
            }
            settled = if (next - tau).abs() <= 1e-13 * next { settled + 1 } else { 0 };
            tau = next;
            if settled == 3 {
                return Ok(tau);
            }
            x = y.into_iter().map(|y| y / tau).collect();
        }
        Err(LinearError::Unseparated { cell, tau })
    }
}

impl<'a> Circuit<'a> {
    pub fn new(plan: &'a Plan, cell: usize) -> Self {
        let home = plan.home(cell);
        let (block, lane, n, first) = (&plan.blocks[home.block], home.lane, home.size, home.row as usize);
        let column = |lines: &[F64x8]| lines[first..first + n].iter().map(|line| line.0[lane]).collect::<Vec<f64>>();
        let parents: Vec<u32> = (first..first + n).map(|row| block.trees.parents(row)[lane] - home.row).collect();
        let mut gated = vec![Vec::new(); n];
        for c in &block.channels {
            for (k, &row) in c.rows.iter().enumerate() {
                let own = (row as usize).checked_sub(first).filter(|own| *own < n);
                if let Some(own) = own.filter(|_| c.g_max[k].0[lane] > 0.0) {
                    gated[own].push((c, k));
                }
            }
        }
        let mut pools = vec![Vec::new(); n];
        for pool in &block.pools {
            for (k, &row) in pool.rows.iter().enumerate().filter(|(k, _)| pool.has((*k, lane))) {
                pools[row as usize].push((pool, k));
            }
        }
        Self {
            plan,
            cell,
            trees: Trees::alike(&parents).expect("parents were checked"),
            c_m: column(&block.c_m),
            axial: column(&block.coupling).into_iter().map(|g| -g).collect(),
            parents,
            g_leak: column(&block.g_leak),
            i_leak: column(&block.i_fixed),
            gated,
            pools,
            held: None,
        }
    }

    /// Steady membrane current of a compartment at `v` mV, its concentrations at their balance, pA, outward positive.
    pub fn steady_current(&self, row: usize, v: f64) -> f64 {
        let inside = if self.pools[row].is_empty() { NOTHING } else { self.balance(row, v) };
        self.current(row, v, &inside)
    }

    /// Slope of [`Self::steady_current`], nS.
    pub fn steady_slope(&self, row: usize, v: f64) -> f64 {
        if self.gated[row].is_empty() {
            return self.g_leak[row];
        }
        (self.steady_current(row, v + NUDGE) - self.steady_current(row, v - NUDGE)) / (2.0 * NUDGE)
    }

    /// Adds the axial currents that leave each compartment, pA.
    pub fn add_axial(&self, v: &[f64], out: &mut [f64]) {
        for row in 1..v.len() {
            let parent = self.parents[row] as usize;
            let current = self.axial[row] * (v[row] - v[parent]);
            out[row] += current;
            out[parent] -= current;
        }
    }

    /// Membrane conductance of each compartment, nS.
    fn membrane(&self, state: &State, gating: Gating) -> Vec<f64> {
        let home = self.plan.home(self.cell);
        let (block, lane, first) = (home.block, home.lane, home.row as usize);
        let held = |row: usize| {
            let gated = self.gated[row].iter();
            self.g_leak[row] + gated.map(|&(c, k)| state.carried(self.plan, c, block, (k, lane)).1).sum::<f64>()
        };
        (0..self.c_m.len())
            .map(|row| match gating {
                Gating::Held => held(row),
                Gating::Settled => self.steady_slope(row, state.blocks[block].v[first + row].0[lane]),
            })
            .collect()
    }

    /// Solves `(diag(g) + axial) x = x` in place.
    pub fn solve(&self, g: &[f64], x: &mut [f64]) {
        let mut diagonal: Vec<F64x8> = g.iter().map(|&g| F64x8::splat(g)).collect();
        let off: Vec<F64x8> = self.axial.iter().map(|&g| F64x8::splat(-g)).collect();
        for row in 1..g.len() {
            for at in [row, self.parents[row] as usize] {
                diagonal[at] = F64x8::splat(diagonal[at].0[0] + self.axial[row]);
            }
        }
        let mut rhs: Vec<F64x8> = x.iter().map(|&x| F64x8::splat(x)).collect();
        let matrix = Matrix { diagonal: &mut diagonal, upper: &off, lower: &off };
        solve_at(Level::best(), &self.trees, matrix, &mut rhs);
        x.iter_mut().zip(&rhs).for_each(|(x, solved)| *x = solved.0[0]);
    }
}
