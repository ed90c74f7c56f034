//! The state of a circuit, trains of spikes from outside, and what is recorded of it.

use super::plan::Plan;
use crate::neuron;
use crate::time::Tick;
use numerics::simd::{F64x8, LANES};
use serde::{Deserialize, Serialize};

/// Trains of spikes from outside: all spikes in the order of time, then train.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trains {
    pub(super) count: usize,
    spikes: Vec<(Tick, u32)>,
}

impl Trains {
    /// From the times of each train, in any order.
    #[must_use]
    pub fn new(trains: &[Vec<Tick>]) -> Self {
        let of = |(k, times): (usize, &Vec<Tick>)| times.iter().map(move |&at| (at, k as u32)).collect::<Vec<_>>();
        let mut spikes: Vec<(Tick, u32)> = trains.iter().enumerate().flat_map(of).collect();
        spikes.sort_unstable();
        Self { count: trains.len(), spikes }
    }

    /// Those from `start` until before `end`.
    pub(super) fn between(&self, start: Tick, end: Tick) -> &[(Tick, u32)] {
        let at = |t: Tick| self.spikes.partition_point(|s| s.0 < t);
        &self.spikes[at(start)..at(end)]
    }
}

/// An event on its way: when, and which connection of the block.
pub(super) type Event = (Tick, u32);

/// What the synapses of eight cells are at, and what is on its way to them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockState {
    /// A line a kind and row.
    pub g: Vec<F64x8>,
    pub h: Vec<F64x8>,
    /// By step of arrival, in a ring: slot `k` holds what arrives in the k-th step from `first` on.
    pub ring: Vec<Vec<Event>>,
    pub first: usize,
}

/// Cells, synapses, events on their way: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct State {
    /// The cells.
    pub cells: neuron::State,
    pub(super) blocks: Vec<BlockState>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    cells: neuron::State,
    blocks: Vec<RawBlock>,
}

#[derive(Serialize, Deserialize)]
struct RawBlock {
    g: Vec<f64>,
    h: Vec<f64>,
    ring: u64,
    /// The slot, counted from the step at hand, and the event.
    events: Vec<(u64, Tick, u32)>,
}

impl From<State> for Raw {
    fn from(state: State) -> Self {
        let plain = |column: &[F64x8]| F64x8::as_f64s(column).to_vec();
        let block = |b: &BlockState| {
            let n = b.ring.len();
            let slot = |k: usize| b.ring[(b.first + k) % n].iter().map(move |&(at, entry)| (k as u64, at, entry));
            RawBlock { g: plain(&b.g), h: plain(&b.h), ring: n as u64, events: (0..n).flat_map(slot).collect() }
        };
        Self { blocks: state.blocks.iter().map(block).collect(), cells: state.cells }
    }
}

impl TryFrom<Raw> for State {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let lines = |values: &[f64]| {
            let (lines, rest) = values.as_chunks::<LANES>();
            if rest.is_empty() { Ok(lines.iter().map(|&line| F64x8(line)).collect()) } else { Err("broken lines") }
        };
        let block = |b: &RawBlock| {
            let n = usize::try_from(b.ring).ok().filter(|n| (1..1 << 32).contains(n)).ok_or("a ring of no length")?;
            let mut ring = vec![Vec::new(); n];
            for &(k, at, entry) in &b.events {
                ring.get_mut(k as usize).ok_or("an event beyond the ring")?.push((at, entry));
            }
            Ok(BlockState { g: lines(&b.g)?, h: lines(&b.h)?, ring, first: 0 })
        };
        let blocks = raw.blocks.iter().map(block).collect::<Result<Vec<_>, Self::Error>>()?;
        Ok(Self { cells: raw.cells, blocks })
    }
}

impl State {
    /// Synapses silent, nothing on its way, the cells as given (see [`neuron::Plan::rest`]).
    ///
    /// # Panics
    /// If the cells' state is of another plan.
    #[must_use]
    pub fn new(plan: &Plan, cells: neuron::State) -> Self {
        assert!(cells.is_of(&plan.cells), "a state of these cells");
        let longest = plan.delays.last().map_or(0, |d| d.0 / plan.dt.0) as usize;
        let ring = longest + plan.epoch as usize + 2;
        let block = |b: &super::plan::BlockPlan| BlockState {
            g: vec![F64x8::default(); b.lines.len()],
            h: vec![F64x8::default(); b.lines.len()],
            ring: vec![Vec::new(); ring],
            first: 0,
        };
        Self { cells, blocks: plan.blocks.iter().map(block).collect() }
    }

    /// Conductance (nS) or current (pA) of all synapses of a kind at a place now; 0 where there are none.
    #[must_use]
    pub fn synaptic(&self, plan: &Plan, to: super::Target, kind: u16) -> f64 {
        let (block, lane) = (to.cell as usize / LANES, to.cell as usize % LANES);
        let line = super::plan::Line { kind, row: to.compartment };
        plan.blocks[block].lines.binary_search(&line).map_or(0.0, |k| self.blocks[block].g[k].0[lane])
    }

    pub(super) fn fits(&self, plan: &Plan) -> bool {
        let mut pairs = self.blocks.iter().zip(&plan.blocks);
        self.cells.is_of(&plan.cells)
            && self.blocks.len() == plan.blocks.len()
            && pairs.all(|(s, p)| s.g.len() == p.lines.len() && s.h.len() == p.lines.len())
    }
}

/// Voltages of some places, sampled every so many steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Where.
    pub sites: Vec<neuron::Site>,
    /// Every so many steps, at their ends.
    pub every: u64,
    /// By site, then sample, mV.
    pub values: Vec<Vec<f64>>,
}

impl Trace {
    /// To be filled.
    #[must_use]
    pub fn new(sites: Vec<neuron::Site>, every: u64) -> Self {
        let values = vec![Vec::new(); sites.len()];
        Self { sites, every: every.max(1), values }
    }
}
