//! What ends in eight neurons: connections by their source, synapses of a kind and place as one line.

use super::plan::{Action, Connection, Injection, Kind};
use crate::point;
use crate::time::Tick;
use numerics::simd::LANES;

/// Point neurons that are alike, and where they are.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub plan: point::Plan,
    /// Number of its first neuron.
    pub first: u32,
    pub count: u32,
    /// Its first block.
    pub block: usize,
    /// By kind: which of the plan's plain currents it is.
    pub inputs: Vec<Option<u32>>,
}

/// All synapses of a kind in a row of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub kind: u16,
    pub row: u32,
}

/// A connection as it is stored: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Eight times the line, and the lane; beyond the lines, a point neuron's plain current instead of a line.
    pub place: u32,
    /// Index of its delay.
    pub delay: u32,
    pub weight: f64,
}

/// What ends in eight neurons.
#[derive(Clone, Debug)]
pub(super) struct BlockPlan {
    /// Number of its first neuron.
    pub first: u32,
    /// How many lanes have one.
    pub lanes: usize,
    /// Of point neurons: which.
    pub group: Option<usize>,
    /// By kind, then row.
    pub lines: Vec<Line>,
    /// By kind: its first line; and one more, the number of lines.
    pub kinds: Vec<usize>,
    /// Sources that end here, ascending.
    pub sources: Vec<u32>,
    /// By source of `sources`: its first entry; and one more.
    pub starts: Vec<u32>,
    pub entries: Vec<Entry>,
    /// Row, lane, and the injection.
    pub injections: Vec<(u32, usize, Injection)>,
}

impl BlockPlan {
    /// Without anything that ends in it yet.
    pub fn empty(first: u32, lanes: usize, group: Option<usize>) -> Self {
        Self {
            first,
            lanes,
            group,
            lines: Vec::new(),
            kinds: Vec::new(),
            sources: Vec::new(),
            starts: Vec::new(),
            entries: Vec::new(),
            injections: Vec::new(),
        }
    }

    /// With the connections that are its `own`, of `inputs` those of its group.
    pub fn join(&mut self, mut own: Vec<&Connection>, kinds: &[Kind], inputs: Option<&[Option<u32>]>, delays: &[Tick]) {
        let input = |c: &Connection| inputs.and_then(|inputs| inputs[usize::from(c.kind)]);
        let line = |c: &Connection| Line { kind: c.kind, row: c.to.compartment };
        self.lines = own.iter().filter(|c| input(c).is_none()).map(|c| line(c)).collect();
        self.lines.sort_unstable();
        self.lines.dedup();
        // Stable: connections of a source keep their order.
        own.sort_by_key(|c| c.source);
        self.entries.reserve_exact(own.len());
        for c in own {
            if self.sources.last() != Some(&c.source) {
                self.sources.push(c.source);
                self.starts.push(self.entries.len() as u32);
            }
            let at = match input(c) {
                Some(input) => self.lines.len() + input as usize,
                None => self.lines.binary_search(&line(c)).expect("its line is there"),
            };
            let delay = delays.binary_search(&c.delay).expect("its delay is there") as u32;
            let place = (at * LANES) as u32 + (c.to.cell - self.first);
            self.entries.push(Entry { place, delay, weight: c.weight });
        }
        self.starts.push(self.entries.len() as u32);
        let first = |kind: usize| self.lines.partition_point(|l| usize::from(l.kind) < kind);
        self.kinds = (0..=kinds.len()).map(first).collect();
    }
}

/// By kind: which plain current of a group it is, if it `reaches` the group and is a current.
pub(super) fn inputs(kinds: &[Kind], reaches: &[bool]) -> Vec<Option<u32>> {
    let plain = kinds.iter().zip(reaches).map(|(kind, reaches)| *reaches && kind.action == Action::Current);
    let number = |next: &mut u32, plain: bool| {
        let of = plain.then_some(*next);
        *next += u32::from(plain);
        Some(of)
    };
    plain.scan(0, number).collect()
}
