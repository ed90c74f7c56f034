//! Blocks of equal cells share their columns; what a plan takes of memory; its fingerprint.

use super::cell::{Cell, Detector};
use super::channel::Channel;
use super::diffusion::Diffusion;
use super::plan::{Block, BlockChannel, BlockDetector, Body, Plan};
use super::pool::Ion;
use super::state::{BlockState, State};
use numerics::simd::{F64x8, LANES};
use std::collections::BTreeMap;
use std::mem::size_of_val;
use std::sync::Arc;

/// Bodies that were made so far, by print.
#[derive(Default)]
pub(super) struct Shared(BTreeMap<u64, Arc<Body>>);

impl Shared {
    /// The body itself, or one like it that is there already.
    pub fn body(&mut self, body: Body) -> Arc<Body> {
        let mut print = Print::new();
        body.print(&mut print);
        let there = self.0.entry(print.0);
        match there {
            std::collections::btree_map::Entry::Occupied(there) if **there.get() == body => there.get().clone(),
            std::collections::btree_map::Entry::Occupied(_) => Arc::new(body),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(Arc::new(body)).clone(),
        }
    }
}

impl BlockDetector {
    /// Those of up to eight cells, numbered on.
    pub fn all(group: &[&Cell], next: &mut u32) -> Vec<Self> {
        let of = |(k, cell): (usize, &&Cell)| {
            let (base, lane) = ((k / LANES) as u32, k % LANES);
            let here = |d: &Detector| Self { row: base + d.compartment, lane, threshold: d.threshold, id: 0 };
            cell.detectors.iter().map(here).collect::<Vec<_>>()
        };
        let mut found: Vec<Self> = group.iter().enumerate().flat_map(of).collect();
        for d in &mut found {
            d.id = *next;
            *next += 1;
        }
        found
    }
}

/// By channel and parameter: whether some cell has values of its own. Then all blocks get a column of it.
pub(super) fn columns(blocks: &mut [Block], channels: &[Channel]) -> Vec<Vec<bool>> {
    let mut columns: Vec<Vec<bool>> = channels.iter().map(|channel| vec![false; channel.parameters.len()]).collect();
    for c in blocks.iter().flat_map(|block| &block.channels) {
        for (column, own) in columns[c.channel].iter_mut().zip(&c.parameters) {
            *column |= own.is_some();
        }
    }
    let lacks = |c: &BlockChannel| columns[c.channel].iter().zip(&c.parameters).any(|(all, own)| *all && own.is_none());
    for block in blocks {
        if !block.channels.iter().any(lacks) {
            continue;
        }
        for c in &mut Arc::make_mut(&mut block.body).channels {
            let kind = &channels[c.channel];
            for (k, own) in c.parameters.iter_mut().enumerate().filter(|&(k, _)| columns[c.channel][k]) {
                own.get_or_insert_with(|| vec![F64x8::splat(kind.parameters[k]); c.rows.len()]);
            }
        }
    }
    columns
}

/// FNV-1a.
struct Print(u64);

impl Print {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn eat(&mut self, x: u64) {
        self.0 = (self.0 ^ x).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn column(&mut self, column: &[F64x8]) {
        F64x8::as_f64s(column).iter().for_each(|x| self.eat(x.to_bits()));
    }
}

/// Over what decides results.
pub(super) fn fingerprint(channels: &[Channel], ions: &[Ion], blocks: &[Block], temperature: f64) -> u64 {
    let mut print = Print::new();
    print.eat(temperature.to_bits());
    for channel in channels {
        format!("{channel:?}").bytes().for_each(|byte| print.eat(u64::from(byte)));
    }
    for ion in ions {
        print.eat(ion.valence as u64);
        print.eat(ion.outside.to_bits());
    }
    for block in blocks {
        block.print(&mut print);
        for d in &block.detectors {
            print.eat(u64::from(d.row) << 8 | d.lane as u64);
            print.eat(d.threshold.to_bits());
        }
    }
    print.0
}

impl Body {
    fn print(&self, print: &mut Print) {
        for pool in &self.pools {
            print.eat(pool.ion as u64);
            pool.rows.iter().for_each(|&row| print.eat(u64::from(row)));
            pool.columns().iter().for_each(|column| print.column(column));
            let moving = pool.diffusion.iter().flat_map(Diffusion::columns);
            moving.for_each(|column| print.column(column));
            pool.diffusion.iter().flat_map(|d| &d.rows).for_each(|&row| print.eat(u64::from(row)));
        }
        self.sizes.iter().for_each(|&size| print.eat(size as u64));
        for row in 0..self.rows() {
            self.trees.parents(row).iter().for_each(|&parent| print.eat(u64::from(parent)));
        }
        [&self.c_m, &self.g_fixed, &self.i_fixed, &self.coupling].into_iter().for_each(|column| print.column(column));
        for c in &self.channels {
            print.eat(c.channel as u64);
            c.rows.iter().for_each(|&row| print.eat(u64::from(row)));
            let own = c.e_rev.iter().chain(c.parameters.iter().flatten());
            [&c.g_max].into_iter().chain(own).for_each(|column| print.column(column));
        }
    }

    fn bytes(&self) -> usize {
        let columns = [&self.c_m, &self.g_fixed, &self.i_fixed, &self.g_leak, &self.coupling];
        let columns: usize = columns.iter().map(|column| size_of_val(&column[..])).sum();
        let pools: usize = self.pools.iter().flat_map(|pool| pool.columns()).map(size_of_val).sum();
        let channels: usize = self.channels.iter().map(BlockChannel::bytes).sum();
        let moving: usize = self.pools.iter().flat_map(|pool| &pool.diffusion).map(Diffusion::bytes).sum();
        let copies: usize = self.schemes.iter().map(|scheme| size_of_val(&scheme.copies[..])).sum();
        columns + pools + moving + channels + copies + self.trees.bytes()
    }
}

impl BlockChannel {
    fn bytes(&self) -> usize {
        let own = self.e_rev.iter().chain(self.parameters.iter().flatten()).chain([&self.g_max]);
        let reads: usize = self.reads.iter().flatten().map(|lines| size_of_val(&lines[..])).sum();
        let lines = self.ionic.as_ref().map_or(0, |ionic| size_of_val(&ionic.lines[..]));
        own.map(|column| size_of_val(&column[..])).sum::<usize>() + size_of_val(&self.rows[..]) + reads + lines
    }
}

impl Plan {
    /// What grows with the cells, bytes; what blocks share counts once. Two dozen numbers a block more are not in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bodies: BTreeMap<*const Body, &Body> =
            self.blocks.iter().map(|b| (Arc::as_ptr(&b.body), &*b.body)).collect();
        let detectors: usize = self.blocks.iter().map(|block| size_of_val(&block.detectors[..])).sum();
        bodies.values().map(|body| body.bytes()).sum::<usize>() + detectors
    }
}

impl State {
    /// What grows with the cells, bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |column: &Vec<F64x8>| size_of_val(&column[..]);
        let all = |block: &BlockState| of(&block.v) + of(&block.gates) + of(&block.schemes) + of(&block.pools);
        self.blocks.iter().map(all).sum()
    }
}
