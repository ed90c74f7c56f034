//! The state of a circuit: cells, point neurons, synapses, and what is on its way to them.

use super::block::{BlockPlan, Line};
use super::junctions::Junctions;
use super::outside::Passing;
use super::plan::{Plan, Target};
use crate::time::Tick;
use crate::{neuron, point};
use numerics::simd::{F64x8, LANES};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// No step may be longer, so that the moment of an event within it and its place fit one number.
pub(super) const LONGEST: Tick = Tick((1 << 40) - 1);
/// Bits of a place.
const PLACE: u32 = 24;

/// An event on its way: when within its step, where, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Event {
    key: u64,
    pub weight: f64,
}

impl Event {
    #[inline(always)]
    pub fn new(late: u64, place: u32, weight: f64) -> Self {
        Self { key: late << PLACE | u64::from(place), weight }
    }

    /// Ticks from the beginning of the step.
    #[inline(always)]
    pub fn late(&self) -> Tick {
        Tick((self.key >> PLACE) as i64)
    }

    /// See [`BlockPlan::place`].
    #[inline(always)]
    pub fn place(&self) -> usize {
        (self.key & ((1 << PLACE) - 1)) as usize
    }
}

/// By time, place and weight: what is left to differ is the same.
pub(super) fn in_order(a: &Event, b: &Event) -> Ordering {
    a.key.cmp(&b.key).then_with(|| a.weight.total_cmp(&b.weight))
}

/// What the synapses of eight neurons are at, and what is on its way to them.
#[derive(Clone, Debug)]
pub(super) struct BlockState {
    /// A line a kind and row.
    pub g: Vec<F64x8>,
    pub h: Vec<F64x8>,
    /// By step of arrival, in a ring: slot `k` holds what arrives in the k-th step from `first` on.
    pub ring: Vec<Vec<Event>>,
    pub first: usize,
}

/// Cells, point neurons, synapses, events on their way: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct State {
    /// The cells.
    pub cells: neuron::State,
    /// The point neurons, by block.
    pub(super) points: Vec<point::State>,
    pub(super) blocks: Vec<BlockState>,
    pub(super) junctions: Junctions,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    cells: neuron::State,
    points: Vec<point::State>,
    blocks: Vec<RawBlock>,
    junctions: Junctions,
}

#[derive(Serialize, Deserialize)]
struct RawBlock {
    g: Vec<f64>,
    h: Vec<f64>,
    ring: u64,
    /// The slot, counted from the step at hand, and the event.
    events: Vec<(u64, u64, f64)>,
}

impl From<State> for Raw {
    fn from(state: State) -> Self {
        let plain = |column: &[F64x8]| F64x8::as_f64s(column).to_vec();
        let block = |b: &BlockState| {
            let events = b.events().into_iter().map(|(slot, e)| (slot as u64, e.key, e.weight)).collect();
            RawBlock { g: plain(&b.g), h: plain(&b.h), ring: b.ring.len() as u64, events }
        };
        let blocks = state.blocks.iter().map(block).collect();
        Self { blocks, cells: state.cells, points: state.points, junctions: state.junctions }
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
            for &(k, key, weight) in &b.events {
                ring.get_mut(k as usize).ok_or("an event beyond the ring")?.push(Event { key, weight });
            }
            Ok(BlockState { g: lines(&b.g)?, h: lines(&b.h)?, ring, first: 0 })
        };
        let blocks = raw.blocks.iter().map(block).collect::<Result<Vec<_>, Self::Error>>()?;
        if raw.points.iter().any(|p| p.clock() != raw.cells.clock()) {
            return Err("clocks that differ");
        }
        Ok(Self { cells: raw.cells, points: raw.points, blocks, junctions: raw.junctions })
    }
}

impl BlockState {
    /// What arrives in the k-th step from now.
    #[inline(always)]
    pub fn slot(&mut self, k: usize) -> &mut Vec<Event> {
        let n = self.ring.len();
        debug_assert!(k < n, "within the ring");
        let at = self.first + k;
        &mut self.ring[if at < n { at } else { at - n }]
    }

    /// All that is on its way, by step of arrival, in order.
    fn events(&self) -> Vec<(usize, Event)> {
        let n = self.ring.len();
        let slot = |k: usize| {
            let mut events = self.ring[(self.first + k) % n].clone();
            events.sort_unstable_by(in_order);
            events.into_iter().map(move |e| (k, e))
        };
        (0..n).flat_map(slot).collect()
    }
}

impl PartialEq for BlockState {
    /// Rings may begin anywhere, and events came to their slots in any order.
    fn eq(&self, other: &Self) -> bool {
        self.g == other.g && self.h == other.h && self.ring.len() == other.ring.len() && self.events() == other.events()
    }
}

impl State {
    /// Synapses silent, nothing on its way, the cells as given (see [`neuron::Plan::rest`]), point neurons at rest.
    ///
    /// # Panics
    /// If the cells' state is of another plan.
    #[must_use]
    pub fn new(plan: &Plan, cells: neuron::State) -> Self {
        assert!(cells.is_of(&plan.cells), "a state of these cells");
        let block = |b: &BlockPlan| BlockState {
            g: vec![F64x8::default(); b.lines.len()],
            h: vec![F64x8::default(); b.lines.len()],
            ring: vec![Vec::new(); plan.ring],
            first: 0,
        };
        let point = |(b, group): (&BlockPlan, usize)| {
            let mut state = point::State::new(&plan.groups[group].plan);
            (b.lanes..LANES).for_each(|lane| state.vacate(lane));
            state.sleep(cells.clock());
            state
        };
        let points = plan.blocks.iter().filter_map(|b| Some((b, b.group?))).map(point).collect();
        let blocks = plan.blocks.iter().map(block).collect();
        let mut state = Self { points, blocks, cells, junctions: Junctions::default() };
        state.settle_junctions(plan);
        state
    }

    /// Puts the channels of junctions where they settle at the voltages of now, and what modulates them where it begins.
    pub fn settle_junctions(&mut self, plan: &Plan) {
        let coupled = &plan.coupled;
        let mut v: Vec<Vec<f64>> = coupled.components.iter().map(|c| vec![0.0; c.net.places()]).collect();
        for (component, v) in coupled.components.iter().zip(&mut v) {
            for run in &component.compartments {
                let block = coupled.cells[run.at.block as usize] as usize;
                let line = &self.cells.block(block)[run.at.row as usize];
                v[run.places()].copy_from_slice(&line.0[run.lanes()]);
            }
            for &(k, at) in &component.points {
                let block = coupled.points[at.block as usize] as usize - plan.cells.blocks();
                v[k as usize] = self.points[block].v_m(at.lane as usize);
            }
        }
        self.junctions = Junctions::settled(coupled, &v);
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.cells.clock()
    }

    /// Voltage somewhere, mV.
    ///
    /// # Panics
    /// If there is no such place.
    #[must_use]
    pub fn v_m(&self, plan: &Plan, at: Target) -> f64 {
        match self.point(plan, at.cell) {
            Some((state, lane)) => state.v_m(lane),
            None => self.cells.v_m(plan.cells.site(at.cell as usize, at.compartment)),
        }
    }

    /// The same, a point neuron's with its spikes drawn in, mV.
    ///
    /// # Panics
    /// If there is no such place.
    #[must_use]
    pub fn drawn(&self, plan: &Plan, at: Target) -> f64 {
        let group = plan.blocks[plan.place(at.cell).0].group;
        match (self.point(plan, at.cell), group) {
            (Some((state, lane)), Some(group)) => state.drawn(&plan.groups[group].plan, lane),
            _ => self.v_m(plan, at),
        }
    }

    /// Adaptation of a point neuron: pA, or mV/ms of Izhikevich's model; 0 of a cell with a membrane.
    ///
    /// # Panics
    /// If there is no such neuron.
    #[must_use]
    pub fn adaptation(&self, plan: &Plan, cell: u32) -> f64 {
        self.point(plan, cell).map_or(0.0, |(state, lane)| state.adaptation(lane))
    }

    /// Puts a point neuron, or all compartments of a cell, at a voltage, mV. Adaptation and gates stay; for gates see
    /// [`neuron::State::settle`].
    ///
    /// # Panics
    /// If there is no such neuron, or `mv` is not finite.
    pub fn set_v(&mut self, plan: &Plan, cell: u32, mv: f64) {
        assert!(mv.is_finite(), "a voltage is a number");
        let (block, lane) = plan.place(cell);
        if let Some(k) = block.checked_sub(plan.cells.blocks()) {
            let state = &mut self.points[k];
            return state.set(lane, mv, state.adaptation(lane));
        }
        let cell = cell as usize;
        for compartment in 0..plan.cells.compartments(cell) as u32 {
            self.cells.set_v_m(plan.cells.site(cell, compartment), mv);
        }
    }

    /// Conductance (nS) or current (pA) of all synapses of a kind at a place now; 0 where there are none.
    ///
    /// # Panics
    /// If there is no such neuron or kind.
    #[must_use]
    pub fn synaptic(&self, plan: &Plan, to: Target, kind: u16) -> f64 {
        let (block, row, lane) = plan.spot(to);
        let of = &plan.blocks[block];
        if let Some(input) = of.group.and_then(|group| plan.groups[group].inputs[usize::from(kind)]) {
            return self.points[block - plan.cells.blocks()].input(lane, input as usize);
        }
        let line = Line { kind, row };
        of.lines.binary_search(&line).map_or(0.0, |k| self.blocks[block].g[k].0[lane])
    }

    /// What a junction did in the last step; before the first what passes at rest.
    ///
    /// # Panics
    /// If there is no such junction.
    #[must_use]
    pub fn passing(&self, plan: &Plan, junction: usize) -> Passing {
        assert!(junction < plan.junctions().len(), "junction {junction} exists");
        self.junctions.passed[junction]
    }

    /// How many events are on their way.
    #[must_use]
    pub fn on_their_way(&self) -> usize {
        self.blocks.iter().flat_map(|b| &b.ring).map(Vec::len).sum()
    }

    /// A point neuron's block and lane; none of a cell with a membrane.
    fn point(&self, plan: &Plan, cell: u32) -> Option<(&point::State, usize)> {
        assert!((cell as usize) < plan.neurons(), "neuron {cell} exists");
        let (block, lane) = plan.place(cell);
        Some((&self.points[block.checked_sub(plan.cells.blocks())?], lane))
    }

    pub(super) fn fits(&self, plan: &Plan) -> bool {
        let mut pairs = self.blocks.iter().zip(&plan.blocks);
        let groups = plan.blocks.iter().filter_map(|b| b.group);
        self.cells.is_of(&plan.cells)
            && self.blocks.len() == plan.blocks.len()
            && pairs.all(|(s, p)| s.g.len() == p.lines.len() && s.h.len() == p.lines.len() && s.ring.len() == plan.ring)
            && self.points.len() == plan.blocks.len() - plan.cells.blocks()
            && self.junctions.fits(&plan.coupled)
            && self.points.iter().zip(groups).all(|(s, group)| s.is_of(&plan.groups[group].plan))
    }
}
