//! Blocks: eight cells side by side, or eight times some of one compartment, a line of lanes a compartment and quantity.

use super::cell::{Cell, Overridden};
use super::channel::Channel;
use super::ionic::Ionic;
use super::pool::{self, BlockPool, Ion};
use super::scheme::BlockScheme;
use numerics::linear::tree::Trees;
use numerics::simd::{F64x8, LANES, Lanes};
use std::ops::Deref;
use std::sync::Arc;

/// A gated channel within a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockChannel {
    pub channel: usize,
    pub rows: Vec<u32>,
    /// Whether `rows` is every row in order.
    pub dense: bool,
    /// Line k belongs to `rows[k]`.
    pub g_max: Vec<F64x8>,
    /// Of the kind, mV; and line by line where some cell has its own.
    pub uniform_e_rev: f64,
    pub e_rev: Option<Vec<F64x8>>,
    /// By parameter; none where it is uniform.
    pub parameters: Vec<Option<Vec<F64x8>>>,
    /// First line of its gates; gate j of line k is at `gates_at + j * rows.len() + k`.
    pub gates_at: usize,
    /// What it has to do with pools, and by which law it carries; none if ohmic and of no ion that has one.
    pub ionic: Option<Ionic>,
    /// By input: lines of the block's state that hold the concentration it reads, one a row.
    pub reads: Vec<Option<Vec<u32>>>,
}

/// A detector within a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockDetector {
    pub row: u32,
    pub lane: usize,
    pub threshold: f64,
    pub id: u32,
}

/// Eight cells, or eight times some of one compartment.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub first: usize,
    pub detectors: Vec<BlockDetector>,
    /// What other blocks may have, too.
    pub body: Arc<Body>,
}

impl Deref for Block {
    type Target = Body;
    fn deref(&self) -> &Body {
        &self.body
    }
}

/// What eight cells are made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Body {
    pub sizes: Vec<usize>,
    pub trees: Trees,
    pub c_m: Vec<F64x8>,
    /// Sum of axial and ungated conductances.
    pub g_fixed: Vec<F64x8>,
    /// Sum of ungated conductance times reversal.
    pub i_fixed: Vec<F64x8>,
    /// Ungated conductance alone.
    pub g_leak: Vec<F64x8>,
    /// Minus the axial conductance to the parent.
    pub coupling: Vec<F64x8>,
    pub channels: Vec<BlockChannel>,
    pub gate_lines: usize,
    /// Channels with states, and the lines of all their states together.
    pub schemes: Vec<BlockScheme>,
    pub scheme_lines: usize,
    pub pools: Vec<BlockPool>,
    /// Lines of all pools together.
    pub pool_lines: usize,
}

impl Body {
    pub fn new<'a>(group: &[&'a Cell], channels: &[Channel], (ions, kelvin): (&[Ion], f64)) -> Self {
        let n = group.iter().enumerate().map(|(k, cell)| k / LANES + cell.compartments.len()).max().unwrap_or(0);
        let lines = |x: f64| vec![F64x8::splat(x); n];
        // A row that a lane lacks is a root of its own with capacitance 1 and nothing else: its voltage stays.
        let mut parents: Vec<[u32; LANES]> = (0..n as u32).map(|row| [row; LANES]).collect();
        let (mut c_m, mut g_fixed, mut i_fixed) = (lines(1.0), lines(0.0), lines(0.0));
        let (mut g_leak, mut coupling) = (lines(0.0), lines(0.0));
        for (k, cell) in group.iter().enumerate() {
            let (base, lane) = (k / LANES, k % LANES);
            for (row, c) in (base..).zip(&cell.compartments) {
                c_m[row].0[lane] = c.c_m;
                if let Some(parent) = c.parent {
                    parents[row][lane] = parent;
                    coupling[row].0[lane] = -c.g_axial;
                    g_fixed[row].0[lane] += c.g_axial;
                    g_fixed[parent as usize].0[lane] += c.g_axial;
                }
            }
            // In the order of the kinds, so that the order of insertion does not show in the bits.
            let mut insertions: Vec<_> = cell.insertions.iter().collect();
            insertions.sort_by_key(|insertion| insertion.channel);
            for insertion in insertions.into_iter().filter(|i| channels[i.channel].is_leak()) {
                let e_rev = insertion.overrides.iter().find(|o| o.quantity == Overridden::Reversal);
                for (row, &g) in (base..).zip(&insertion.g_max) {
                    let e_rev = e_rev.map_or(channels[insertion.channel].e_rev, |o| o.values[row - base]);
                    g_leak[row].0[lane] += g;
                    i_fixed[row].0[lane] += g * e_rev;
                }
            }
        }
        for (fixed, leak) in g_fixed.iter_mut().zip(&g_leak) {
            for (fixed, leak) in fixed.0.iter_mut().zip(leak.0) {
                *fixed += leak;
            }
        }
        let (mut gate_lines, mut pool_lines) = (0, 0);
        let pool = |(ion, kind): (usize, &Ion)| {
            let of = |cell: &&'a Cell| Some((cell.pools.iter().find(|p| p.ion == ion)?, &cell.compartments[..]));
            let cells: Vec<_> = group.iter().map(of).collect();
            BlockPool::new((ion, kind), &cells, n, kelvin, &mut pool_lines)
        };
        let pools: Vec<BlockPool> = ions.iter().enumerate().filter_map(pool).collect();
        let gated = (0..channels.len()).filter(|&k| !channels[k].is_leak());
        let made = gated.filter_map(|k| {
            let mut made = BlockChannel::new(k, n, group, &channels[k], &mut gate_lines)?;
            made.ionic = Ionic::new((ions, kelvin), &channels[k], &made.rows, &pools);
            made.reads = channels[k].inputs.iter().map(|input| pool::read(*input, &made.rows, &pools)).collect();
            Some(made)
        });
        let made: Vec<BlockChannel> = made.collect();
        Self {
            sizes: group.iter().map(|cell| cell.compartments.len()).collect(),
            trees: Trees::new(&parents).expect("parents were checked"),
            c_m,
            g_fixed,
            i_fixed,
            g_leak,
            coupling,
            channels: made,
            gate_lines,
            schemes: Vec::new(),
            scheme_lines: 0,
            pools,
            pool_lines,
        }
    }

    pub fn rows(&self) -> usize {
        self.c_m.len()
    }

    /// Whether more than eight cells of one compartment are in it.
    pub fn is_stacked(&self) -> bool {
        self.sizes.len() > LANES
    }

    /// Lanes that have a cell.
    pub fn lanes(&self) -> u8 {
        ((1_u32 << self.sizes.len().min(LANES)) - 1) as u8
    }
}

impl Block {
    /// The cell of a row and lane, and its compartment.
    pub fn at(&self, row: u32, lane: usize) -> (usize, u32) {
        if self.is_stacked() { (self.first + row as usize * LANES + lane, 0) } else { (self.first + lane, row) }
    }
}

impl BlockChannel {
    fn new(channel: usize, n: usize, group: &[&Cell], kind: &Channel, gate_lines: &mut usize) -> Option<Self> {
        let cells: Vec<_> = group.iter().map(|c| c.insertions.iter().find(|i| i.channel == channel)).collect();
        // What is inserted at a row and lane, and which of its values counts there.
        let stacked = group.len() > LANES;
        let find = |row: usize, lane: usize| {
            let (cell, k) = if stacked { (row * LANES + lane, 0) } else { (lane, row) };
            cells.get(cell).copied().flatten().map(|i| (i, k))
        };
        let conductance =
            |row: usize, lane: usize| find(row, lane).and_then(|(i, k)| i.g_max.get(k)).copied().unwrap_or_default();
        let rows: Vec<u32> =
            (0..n).filter(|&row| (0..LANES).any(|lane| conductance(row, lane) > 0.0)).map(|r| r as u32).collect();
        if rows.is_empty() {
            return None;
        }
        let column = |quantity: Option<Overridden>, default: f64| -> Vec<F64x8> {
            let value = |row: usize, lane: usize| match quantity {
                None => conductance(row, lane),
                Some(quantity) => find(row, lane)
                    .and_then(|(i, k)| i.overrides.iter().find(|o| o.quantity == quantity)?.values.get(k))
                    .copied()
                    .unwrap_or(default),
            };
            let line = |&row: &u32| F64x8(std::array::from_fn(|lane| value(row as usize, lane)));
            rows.iter().map(line).collect()
        };
        let own = |quantity: Overridden, default: f64| {
            let here = cells.iter().flatten().any(|i| i.overrides.iter().any(|o| o.quantity == quantity));
            here.then(|| column(Some(quantity), default))
        };
        let parameters = (0..).zip(&kind.parameters).map(|(k, &default)| own(Overridden::Parameter(k), default));
        let (g_max, e_rev) = (column(None, 0.0), own(Overridden::Reversal, kind.e_rev));
        let (parameters, uniform_e_rev) = (parameters.collect(), kind.e_rev);
        let gates_at = *gate_lines;
        *gate_lines += rows.len() * kind.gates.len();
        let (ionic, reads) = (None, Vec::new());
        let dense = rows.len() == n;
        Some(Self { channel, dense, rows, g_max, uniform_e_rev, e_rev, parameters, gates_at, ionic, reads })
    }

    /// Reversal potentials of line `k`, mV.
    #[inline(always)]
    pub fn e_rev<L: Lanes>(&self, k: usize) -> L {
        match &self.e_rev {
            None => L::splat(self.uniform_e_rev),
            Some(lines) => L::load(&lines[k]),
        }
    }
}
