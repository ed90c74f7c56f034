//! What ends in eight neurons: the lines and plain currents of their synapses, and what is injected.

use super::plan::{Action, Connection, Injection, Kind};
use crate::point;
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

/// Eight neurons, and what ends in them.
#[derive(Clone, Debug)]
pub(super) struct BlockPlan {
    /// Number of its first neuron.
    pub first: u32,
    /// How many lanes have one.
    pub lanes: usize,
    /// Whether more than eight cells are in it, of one compartment each.
    pub stacked: bool,
    /// Of point neurons: which.
    pub group: Option<usize>,
    /// By kind, then row.
    pub lines: Vec<Line>,
    /// By kind: its first line; and one more, the number of lines.
    pub kinds: Vec<usize>,
    /// Row, lane, and the injection.
    pub injections: Vec<(u32, usize, Injection)>,
}

impl BlockPlan {
    /// Without anything that ends in it yet.
    pub fn empty(first: u32, lanes: usize, group: Option<usize>) -> Self {
        Self { first, lanes, stacked: false, group, lines: Vec::new(), kinds: Vec::new(), injections: Vec::new() }
    }

    /// Gives it its lines, in any order and with repetitions.
    pub fn draw(&mut self, mut lines: Vec<Line>, kinds: usize) {
        lines.sort_unstable();
        lines.dedup();
        let first = |kind: usize| lines.partition_point(|l| usize::from(l.kind) < kind);
        self.kinds = (0..=kinds).map(first).collect();
        self.lines = lines;
    }

    /// Where a connection ends in it: eight times the line, and the lane; beyond the lines, a plain current instead of a line.
    pub fn place(&self, c: &Connection, (row, lane): (u32, usize), input: Option<u32>) -> usize {
        let line = Line { kind: c.kind, row };
        let at = match input {
            Some(input) => self.lines.len() + input as usize,
            None => self.lines.binary_search(&line).expect("its line is there"),
        };
        at * LANES + lane
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
