//! The state of a population: voltages, gates, pools and two clocks; all that a snapshot holds.

use super::balance::{Inside, NOTHING};
use super::linear::Circuit;
use super::plan::{Block, Plan, Site};
use super::pool::{BlockPool, LINES};
use super::scheme::BlockScheme;
use crate::time::Tick;
use numerics::rng::ORDINALS;
use numerics::simd::{F64x8, LANES};
use serde::{Deserialize, Serialize};

/// Voltages, gates and pools of every cell, block by block. Made by [`State::at`] or [`Plan::rest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct State {
    pub(super) clock: Tick,
    /// When the gates are: half a step behind the clock after Crank-Nicolson.
    pub(super) gates_at: Tick,
    /// Number of the next draw.
    pub(super) ordinal: u64,
    /// Whether counted copies were drawn since it was settled.
    pub(super) populated: bool,
    pub(super) blocks: Vec<BlockState>,
}

/// Eight cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockState {
    pub v: Vec<F64x8>,
    pub gates: Vec<F64x8>,
    /// Occupancies, or counts, of channels with states.
    pub schemes: Vec<F64x8>,
    /// See [`BlockPool::lines`].
    pub pools: Vec<F64x8>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    clock: Tick,
    gates_at: Tick,
    ordinal: u64,
    populated: bool,
    blocks: Vec<Columns>,
}

/// Voltages, gates, states of schemes, pools.
type Columns = [Vec<f64>; 4];

impl From<State> for Raw {
    fn from(state: State) -> Self {
        let plain = |column: &[F64x8]| F64x8::as_f64s(column).to_vec();
        let columns = |b: &BlockState| [plain(&b.v), plain(&b.gates), plain(&b.schemes), plain(&b.pools)];
        let blocks = state.blocks.iter().map(columns).collect();
        let State { clock, gates_at, ordinal, populated, .. } = state;
        Self { clock, gates_at, ordinal, populated, blocks }
    }
}

impl TryFrom<Raw> for State {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let lines = |values: &[f64]| {
            let (lines, rest) = values.as_chunks::<LANES>();
            if rest.is_empty() { Ok(lines.iter().map(|&line| F64x8(line)).collect()) } else { Err("broken lines") }
        };
        if raw.gates_at > raw.clock {
            return Err("gates ahead of the clock");
        }
        if raw.ordinal >= ORDINALS {
            return Err("more steps than can be counted");
        }
        let block = |[v, gates, schemes, pools]: &Columns| {
            Ok(BlockState { v: lines(v)?, gates: lines(gates)?, schemes: lines(schemes)?, pools: lines(pools)? })
        };
        let blocks = raw.blocks.iter().map(block).collect::<Result<Vec<_>, Self::Error>>()?;
        let Raw { clock, gates_at, ordinal, populated, .. } = raw;
        Ok(Self { clock, gates_at, ordinal, populated, blocks })
    }
}

impl State {
    /// Every compartment at `v` mV, every gate at its steady state there and every pool at its balance, at time 0.
    ///
    /// # Panics
    /// If `v` is not finite.
    #[must_use]
    pub fn at(plan: &Plan, v: f64) -> Self {
        assert!(v.is_finite(), "a voltage is a number");
        let block = |block: &Block| BlockState {
            v: vec![F64x8::splat(v); block.rows()],
            gates: vec![F64x8::splat(0.0); block.gate_lines],
            schemes: vec![F64x8::splat(0.0); block.scheme_lines],
            pools: vec![F64x8::splat(0.0); LINES * block.pool_lines],
        };
        let blocks = plan.blocks.iter().map(block).collect();
        let mut state = Self { clock: Tick::ZERO, gates_at: Tick::ZERO, ordinal: 0, populated: false, blocks };
        state.settle(plan);
        state
    }

    /// Puts every gate at its steady state for the voltage it sees, every scheme at the law in which it settles (counted
    /// copies at their expected numbers, until they are drawn), and every pool at its balance (at rest, if it has none)
    /// with new books, at the time of the clock.
    ///
    /// # Panics
    /// If the state is of another plan.
    pub fn settle(&mut self, plan: &Plan) {
        assert!(self.fits(plan), "the state of this plan");
        self.gates_at = self.clock;
        self.populated = false;
        let mut steady = [0.0; super::channel::MAX_GATES];
        for (block, state) in plan.blocks.iter().zip(&mut self.blocks) {
            fill(plan, block, state);
            for c in &block.channels {
                let gates = plan.channels[c.channel].gates.len();
                for (k, &row) in c.rows.iter().enumerate() {
                    for lane in 0..LANES {
                        let inside = state.inside(block, (row, lane));
                        plan.steady(c, (k, lane), state.v[row as usize].0[lane], &inside, &mut steady);
                        for (gate, &x) in steady[..gates].iter().enumerate() {
                            state.gates[c.gates_at + gate * c.rows.len() + k].0[lane] = x;
                        }
                    }
                }
            }
            for scheme in &block.schemes {
                settle_scheme(plan, block, scheme, state);
            }
        }
    }

    /// Whether it is a state of this population.
    #[must_use]
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.fits(plan)
    }

    pub(super) fn fits(&self, plan: &Plan) -> bool {
        let mut pairs = self.blocks.iter().zip(&plan.blocks);
        self.blocks.len() == plan.blocks.len()
            && pairs.all(|(state, block)| {
                let pools = LINES * block.pool_lines;
                let schemes = state.schemes.len() == block.scheme_lines;
                let gates = schemes && state.gates.len() == block.gate_lines;
                state.v.len() == block.rows() && gates && state.pools.len() == pools
            })
    }

    /// Puts a lane of the first block where `rest` has it, if no voltage (mV), no gate and no concentration (relative to its
    /// own at rest) is farther than `near` from there, and no copies are counted; whether that was so. A cell at rest then stays there to the bit.
    /// Books of its pools go on.
    ///
    /// # Panics
    /// If `rest` is the state of another population.
    pub fn snap(&mut self, rest: &Self, plan: &Plan, lane: usize, near: f64) -> bool {
        let (own, rest) = (&mut self.blocks[0], &rest.blocks[0]);
        assert!(own.v.len() == rest.v.len() && own.gates.len() == rest.gates.len(), "a state of this population");
        let close = |a: &[F64x8], b: &[F64x8]| a.iter().zip(b).all(|(a, b)| (a.0[lane] - b.0[lane]).abs() <= near);
        let still = |(own, rest): (&F64x8, &F64x8)| (own.0[lane] - rest.0[lane]).abs() <= near * rest.0[lane];
        let pools = || plan.blocks.first().into_iter().flat_map(|block| &block.pools);
        let concentrations = || pools().flat_map(|pool| pool.lines().into_iter().take(2).flatten());
        let filled = concentrations().all(|line| still((&own.pools[line], &rest.pools[line])));
        let gated = close(&own.gates, &rest.gates) && close(&own.schemes, &rest.schemes);
        if !(close(&own.v, &rest.v) && gated && filled) || plan.counted() {
            return false;
        }
        let BlockState { v, gates, schemes, .. } = own;
        let all = rest.v.iter().chain(&rest.gates).chain(&rest.schemes);
        for (own, rest) in v.iter_mut().chain(gates).chain(schemes).zip(all) {
            own.0[lane] = rest.0[lane];
        }
        for line in concentrations() {
            own.pools[line].0[lane] = rest.pools[line].0[lane];
        }
        true
    }

    /// Lets a population that is at rest sleep for `interval`: only the clocks move.
    pub fn sleep(&mut self, interval: Tick) {
        self.clock += interval;
        self.gates_at += interval;
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Voltage at a site, mV. Panics if it is not of this population.
    #[must_use]
    pub fn v_m(&self, site: Site) -> f64 {
        self.blocks[site.block].v[site.compartment as usize].0[site.lane]
    }

    /// Sets a voltage, mV; the gates stay. Panics if the site is not of this population or `v` not finite.
    pub fn set_v_m(&mut self, site: Site, v: f64) {
        assert!(v.is_finite(), "a voltage is a number");
        self.blocks[site.block].v[site.compartment as usize].0[site.lane] = v;
    }

    /// Voltages of a block, mV, a line of lanes a compartment. Panics out of range.
    #[must_use]
    pub fn block(&self, block: usize) -> &[F64x8] {
        &self.blocks[block].v
    }

    /// A gate (0 to 1) of a channel kind at a site; none where the channel is not. After Crank-Nicolson steps it is
    /// that of half a step before the clock. Panics if the site or gate does not exist.
    #[must_use]
    pub fn gate(&self, plan: &Plan, site: Site, channel: usize, gate: usize) -> Option<f64> {
        assert!(gate < plan.channels[channel].gates.len(), "gate {gate} of channel {channel} exists");
        let c = plan.blocks[site.block].channels.iter().find(|c| c.channel == channel)?;
        let k = c.rows.binary_search(&site.compartment).ok()?;
        if c.g_max[k].0[site.lane] == 0.0 {
            return None;
        }
        Some(self.blocks[site.block].gates[c.gates_at + gate * c.rows.len() + k].0[site.lane])
    }

    /// The current of a gated channel kind at a site, pA, outward positive; 0 where the channel is not.
    ///
    /// # Panics
    /// If the site does not exist.
    #[must_use]
    pub fn current(&self, plan: &Plan, site: Site, channel: usize) -> f64 {
        let Some(c) = plan.blocks[site.block].channels.iter().find(|c| c.channel == channel) else { return 0.0 };
        let Ok(k) = c.rows.binary_search(&site.compartment) else { return 0.0 };
        self.carried(plan, c, site.block, (k, site.lane)).0
    }

    /// Concentration of an ion of the plan in the pool at a site, mM; none where there is no pool of it.
    ///
    /// # Panics
    /// If the site does not exist.
    #[must_use]
    pub fn concentration(&self, plan: &Plan, site: Site, ion: usize) -> Option<f64> {
        let (pool, k) = pool(plan, site, ion)?;
        Some(self.blocks[site.block].pools[pool.lines()[0].start + k].0[site.lane])
    }

    /// Sets a concentration, mM, where there is a pool of the ion; its amount changes, its books do not.
    ///
    /// # Panics
    /// If the site does not exist, or `c` is not finite and above 0.
    pub fn set_concentration(&mut self, plan: &Plan, site: Site, ion: usize, c: f64) {
        assert!(c > 0.0 && c.is_finite(), "a concentration is a number above 0");
        let Some((pool, k)) = pool(plan, site, ion) else { return };
        for part in pool.lines().into_iter().take(2) {
            self.blocks[site.block].pools[part.start + k].0[site.lane] = c;
        }
    }

    /// Books of the pool of an ion at a site, amol: what is there, free and bound, above what is bound at 0; what currents
    /// brought in since the state was made; what was removed. What diffused is in neither. None where there is no pool.
    ///
    /// # Panics
    /// If the site does not exist.
    #[must_use]
    pub fn books(&self, plan: &Plan, site: Site, ion: usize) -> Option<[f64; 3]> {
        let (pool, k) = pool(plan, site, ion)?;
        let lines = pool.lines();
        let at = |part: usize| self.blocks[site.block].pools[lines[part].start + k].0[site.lane];
        Some([at(0) * pool.room((k, site.lane)), at(2), at(3)])
    }

    /// Outward current (pA) and its slope (nS) at held gates and concentrations, of line `k` of a channel in a lane.
    pub(super) fn carried(
        &self,
        plan: &Plan,
        c: &super::plan::BlockChannel,
        block: usize,
        (k, lane): (usize, usize),
    ) -> (f64, f64) {
        let g = self.conductance(plan, c, block, (k, lane));
        let state = &self.blocks[block];
        let inside = state.inside(&plan.blocks[block], (c.rows[k], lane));
        plan.carries(c, (k, lane), (g, state.v[c.rows[k] as usize].0[lane]), &inside)
    }

    /// The share of a channel kind that is open at a site; none where the channel is not. After Crank-Nicolson steps it is
    /// that of half a step before the clock. Panics if the site does not exist.
    #[must_use]
    pub fn open(&self, plan: &Plan, site: Site, channel: usize) -> Option<f64> {
        let c = plan.blocks[site.block].channels.iter().find(|c| c.channel == channel)?;
        let k = c.rows.binary_search(&site.compartment).ok()?;
        let most = c.g_max[k].0[site.lane];
        (most > 0.0).then(|| self.conductance(plan, c, site.block, (k, site.lane)) / most)
    }

    /// Conductance (nS, or permeability, um3/ms) of line `k` of a channel in a lane.
    fn conductance(&self, plan: &Plan, c: &super::plan::BlockChannel, block: usize, (k, lane): (usize, usize)) -> f64 {
        let mut g = c.g_max[k].0[lane];
        if g > 0.0 {
            for (j, gate) in plan.channels[c.channel].gates.iter().enumerate() {
                let x = self.blocks[block].gates[c.gates_at + j * c.rows.len() + k].0[lane];
                (0..gate.count).for_each(|_| g *= x);
            }
        }
        g
    }
}

impl BlockState {
    /// Concentrations in a row and lane.
    fn inside(&self, block: &Block, (row, lane): (u32, usize)) -> Inside {
        let mut inside = NOTHING;
        for pool in &block.pools {
            if let Some(k) = pool.line(row) {
                inside[pool.ion] = self.pools[pool.lines()[0].start + k].0[lane];
            }
        }
        inside
    }
}

/// Puts the states of a channel of a block at the law in which they settle.
fn settle_scheme(plan: &Plan, block: &Block, scheme: &BlockScheme, state: &mut BlockState) {
    let c = &block.channels[scheme.channel];
    let Some(states) = &plan.schemes[c.channel] else { return };
    let n = states.len();
    for (k, &row) in c.rows.iter().enumerate() {
        for lane in 0..LANES {
            let copies = scheme.copies[k].0[lane];
            let law = if copies > 0.0 {
                let inside = state.inside(block, (row, lane));
                plan.law_of(states, c, (k, lane), state.v[row as usize].0[lane], &inside)
            } else {
                vec![0.0; n]
            };
            for (line, p) in state.schemes[scheme.at + k * n..][..n].iter_mut().zip(law) {
                line.0[lane] = copies * p;
            }
        }
    }
}

/// The pool of an ion at a site, and its line.
fn pool(plan: &Plan, site: Site, ion: usize) -> Option<(&BlockPool, usize)> {
    let pool = plan.blocks[site.block].pools.iter().find(|p| p.ion == ion)?;
    let k = pool.line(site.compartment)?;
    pool.has((k, site.lane)).then_some((pool, k))
}

/// Puts every pool of a block at its balance for the voltage it sees.
fn fill(plan: &Plan, block: &Block, state: &mut BlockState) {
    if block.pools.is_empty() {
        return;
    }
    state.pools.fill(F64x8::splat(0.0));
    for lane in 0..LANES {
        let circuit = (lane < block.sizes.len()).then(|| {
            let mut circuit = Circuit::new(plan, block.first + lane);
            let v: Vec<f64> = state.v[..block.sizes[lane]].iter().map(|line| line.0[lane]).collect();
            circuit.hold(&v);
            circuit
        });
        for pool in &block.pools {
            for (k, &row) in pool.rows.iter().enumerate() {
                let here = circuit.as_ref().filter(|_| pool.has((k, lane)));
                let balance = here.map(|c| c.balance(row as usize, state.v[row as usize].0[lane])[pool.ion]);
                let c = balance.filter(|c| c.is_finite()).unwrap_or_else(|| pool.rest((k, lane)));
                for part in pool.lines().into_iter().take(2) {
                    state.pools[part.start + k].0[lane] = c;
                }
            }
        }
    }
}
