//! Connections as they are stored: by stretches of blocks, in each by source, so that what a spike sets off lies together.
//!
//! A thread delivers to a stretch. A spike is first told to the stretches in which its source ends ([`Part`]), each of which
//! then goes through its own connections; 12 bytes a connection where delays of a part are the same, 16 or 20 where not, and
//! 24 more a part. Delays are whole multiples of a unit, above the shortest.

use super::block::{BlockPlan, Group, Line};
use super::plan::{CircuitError, Connection, Target};
use super::state::{BlockState, Event};
use crate::time::Tick;
use numerics::simd::LANES;
use rayon::prelude::*;

/// Most blocks of a stretch: what its 8 bits can number.
const WIDE: usize = 1 << (32 - BITS);
/// Bits that number places in a block.
const BITS: u32 = 24;
/// Most stretches that are worth their parts.
const STRETCHES: usize = 64;
/// Connections that a part should have: what comes from memory in a row is read ahead.
const WORTH: usize = 32;
/// Spikes that are told to stretches in one go.
const TOLD: usize = 8192;

/// All connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Wires {
    /// Blocks a stretch.
    wide: usize,
    stretches: Vec<Stretch>,
    /// By source: its first part; and one more.
    starts: Vec<u32>,
    parts: Vec<Part>,
    /// The shortest delay, and what the others are multiples above it of.
    least: Tick,
    unit: Tick,
}

/// What ends in some blocks, by source.
#[derive(Clone, Debug)]
struct Stretch {
    /// Which of its blocks, and where there, see [`BlockPlan::place`].
    places: Vec<u32>,
    weights: Vec<f64>,
    delays: Delays,
}

/// In units above the shortest.
#[derive(Clone, Debug)]
enum Delays {
    /// Parts have one each.
    OfParts,
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

/// Connections of a source in a stretch.
#[derive(Clone, Copy, Debug)]
struct Part {
    stretch: u32,
    start: u32,
    end: u32,
    /// Its delay, if it has one.
    units: u64,
}

/// Connections of a stretch that a spike reaches, and when: with its part's delay, or the shortest where there are many.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Tick,
    start: u32,
    end: u32,
}

/// What stretches were told: kept, so that memory is taken once.
#[derive(Debug, Default)]
pub(super) struct Mail {
    /// By portion of what was heard, then stretch.
    told: Vec<Vec<Vec<Told>>>,
    portions: usize,
}

/// What decides where connections are stored.
pub(super) struct Layout<'a> {
    pub groups: &'a [Group],
    pub kinds: usize,
    pub sources: usize,
    /// Block, row and lane of a place.
    pub spot: &'a (dyn Fn(Target) -> (usize, u32, usize) + Sync),
}

impl Wires {
    /// Stores connections that are sound, and gives blocks their lines.
    pub fn new(connections: &[Connection], blocks: &mut [BlockPlan], layout: &Layout) -> Result<Self, CircuitError> {
        let least = connections.iter().map(|c| c.delay).min().unwrap_or_default();
        let unit = Tick(connections.iter().fold(0, |unit, c| divisor(unit, (c.delay - least).0)).max(1));
        let longest = connections.iter().map(|c| c.delay).max().unwrap_or_default();
        let narrow = (longest - least).0 / unit.0 <= i64::from(u32::MAX);
        let want = (together(connections, layout.sources) / WORTH).clamp(1, STRETCHES);
        let wide = blocks.len().div_ceil(want).clamp(1, WIDE);
        // A counting sort, so that each stretch sees only its own.
        let stretch = |c: &Connection| (layout.spot)(c.to).0 / wide;
        let mut ends = vec![0usize; blocks.len().div_ceil(wide) + 1];
        connections.iter().for_each(|c| ends[stretch(c) + 1] += 1);
        if let Some(&count) = ends.iter().find(|n| **n >= 1 << 32) {
            return Err(CircuitError::Many { count });
        }
        (1..ends.len()).for_each(|s| ends[s] += ends[s - 1]);
        let mut order = vec![0usize; connections.len()];
        let mut next = ends.clone();
        for (index, c) in connections.iter().enumerate() {
            let to = &mut next[stretch(c)];
            order[*to] = index;
            *to += 1;
        }
        let made = blocks.par_chunks_mut(wide).zip(ends.par_windows(2)).enumerate().map(|(s, (blocks, ends))| {
            let own = Own { connections, own: &order[ends[0]..ends[1]], layout, first: s * wide };
            own.draw(blocks)?;
            Ok(own.store(blocks, s as u32, (least, unit, narrow)))
        });
        let (stretches, parts): (Vec<_>, Vec<_>) = made.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let (starts, parts) = by_source(&parts, layout.sources)?;
        Ok(Self { wide, stretches, starts, parts, least, unit })
    }

    /// Bytes that all of this takes.
    pub fn bytes(&self) -> usize {
        let of = |s: &Stretch| {
            let delays = match &s.delays {
                Delays::OfParts => 0,
                Delays::Narrow(units) => size_of_val(&units[..]),
                Delays::Wide(units) => size_of_val(&units[..]),
            };
            size_of_val(&s.places[..]) + size_of_val(&s.weights[..]) + delays
        };
        let table = size_of_val(&self.starts[..]) + size_of_val(&self.parts[..]);
        self.stretches.iter().map(of).sum::<usize>() + table
    }

    /// How many places are the end of something.
    pub fn places(&self) -> usize {
        let used = |s: &Stretch| {
            let mut places = s.places.clone();
            places.sort_unstable();
            places.dedup();
            places.len()
        };
        self.stretches.iter().map(used).sum()
    }

    /// All that decides results, in a fixed order.
    pub fn print(&self, mut eat: impl FnMut(u64)) {
        [self.wide as u64, self.least.0 as u64, self.unit.0 as u64].into_iter().for_each(&mut eat);
        self.starts.iter().for_each(|&x| eat(u64::from(x)));
        for p in &self.parts {
            eat(u64::from(p.end) << 32 | u64::from(p.stretch));
            eat(p.units);
        }
        for s in &self.stretches {
            s.places.iter().for_each(|&x| eat(u64::from(x)));
            s.weights.iter().for_each(|x| eat(x.to_bits()));
            match &s.delays {
                Delays::OfParts => {}
                Delays::Narrow(units) => units.iter().for_each(|&x| eat(u64::from(x))),
                Delays::Wide(units) => units.iter().for_each(|&x| eat(x)),
            }
        }
    }

    /// Sorts what `heard` sets off by stretch.
    pub fn tell(&self, heard: &[(Tick, u32)], mail: &mut Mail) {
        mail.portions = heard.len().div_ceil(TOLD);
        mail.told.resize_with(mail.portions.max(mail.told.len()), Vec::new);
        heard.par_chunks(TOLD).zip(&mut mail.told).for_each(|(heard, told)| {
            told.resize_with(self.stretches.len(), Vec::new);
            told.iter_mut().for_each(Vec::clear);
            for &(at, source) in heard {
                let source = source as usize;
                for part in &self.parts[self.starts[source] as usize..self.starts[source + 1] as usize] {
                    let at = at + self.least + self.unit * part.units as i64;
                    told[part.stretch as usize].push(Told { at, start: part.start, end: part.end });
                }
            }
        });
    }

    /// Blocks a stretch.
    pub fn wide(&self) -> usize {
        self.wide
    }

    /// Puts what stretch `s` was told into the rings of its blocks, whose first slot is the step of `dt` from `now` on.
    pub fn deliver<R: Rings>(&self, s: usize, blocks: &mut [R], (dt, now): (Tick, Tick), mail: &Mail) {
        let Some(stretch) = self.stretches.get(s) else { return };
        for told in mail.told[..mail.portions].iter().flat_map(|told| &told[s]) {
            stretch.deliver(blocks, (dt, told.at - now, self.unit), told.start..told.end);
        }
    }

    /// The same for all of the first blocks, which are whole stretches or all.
    pub fn deliver_all(&self, blocks: &mut [BlockState], when: (Tick, Tick), mail: &Mail) {
        if mail.portions > 0 {
            let stretches = blocks.par_chunks_mut(self.wide).enumerate();
            stretches.for_each(|(s, blocks)| self.deliver(s, blocks, when, mail));
        }
    }
}

/// The connections of a stretch, while they are stored.
struct Own<'a> {
    connections: &'a [Connection],
    /// Which of them.
    own: &'a [usize],
    layout: &'a Layout<'a>,
    /// Its first block.
    first: usize,
}

impl Own<'_> {
    fn of(&self, index: u32) -> &Connection {
        &self.connections[self.own[index as usize]]
    }

    /// Which of its blocks a connection ends in, at which row and lane, and which plain current it is there.
    fn end(&self, blocks: &[BlockPlan], c: &Connection) -> (usize, (u32, usize), Option<u32>) {
        let (block, row, lane) = (self.layout.spot)(c.to);
        let block = block - self.first;
        (
            block,
            (row, lane),
            blocks[block].group.and_then(|group| self.layout.groups[group].inputs[usize::from(c.kind)]),
        )
    }

    /// Gives its blocks their lines.
    fn draw(&self, blocks: &mut [BlockPlan]) -> Result<(), CircuitError> {
        let mut lines = vec![Vec::new(); blocks.len()];
        for &index in self.own {
            let c = &self.connections[index];
            let (block, (row, _), input) = self.end(blocks, c);
            let line = Line { kind: c.kind, row };
            if input.is_none() && lines[block].last() != Some(&line) {
                lines[block].push(line);
            }
        }
        for (block, lines) in blocks.iter_mut().zip(lines) {
            block.draw(lines, self.layout.kinds);
            let inputs = block.group.map_or(0, |group| self.layout.groups[group].plan.inputs());
            let count = (block.lines.len() + inputs) * LANES;
            if count > 1 << BITS {
                return Err(CircuitError::Many { count });
            }
        }
        Ok(())
    }

    /// Stores them by source, in the order in which they came, as stretch `s`; and the part of each source.
    fn store(
        &self,
        blocks: &[BlockPlan],
        s: u32,
        (least, unit, narrow): (Tick, Tick, bool),
    ) -> (Stretch, Vec<(u32, Part)>) {
        let mut order: Vec<(u32, u32)> = (0..self.own.len() as u32).map(|k| (self.of(k).source, k)).collect();
        order.sort_unstable();
        let (mut places, mut weights) = (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
        let mut parts: Vec<(u32, Part)> = Vec::new();
        let units = |c: &Connection| ((c.delay - least).0 / unit.0) as u64;
        let mut same = true;
        for (k, &(source, index)) in (0..).zip(&order) {
            let c = self.of(index);
            let (block, at, input) = self.end(blocks, c);
            places.push((block << BITS | blocks[block].place(c, at, input)) as u32);
            weights.push(c.weight);
            match parts.last_mut() {
                Some((last, part)) if *last == source => {
                    part.end = k + 1;
                    same &= part.units == units(c);
                }
                _ => parts.push((source, Part { stretch: s, start: k, end: k + 1, units: units(c) })),
            }
        }
        let mut delays = Delays::OfParts;
        if !same {
            parts.iter_mut().for_each(|(_, part)| part.units = 0);
            let units = order.iter().map(|&(_, index)| units(self.of(index)));
            delays = if narrow {
                Delays::Narrow(units.map(|units| units as u32).collect())
            } else {
                Delays::Wide(units.collect())
            };
        }
        (Stretch { places, weights, delays }, parts)
    }
}

/// Parts of all stretches by source: where those of each begin, and one more; and they.
fn by_source(of_stretches: &[Vec<(u32, Part)>], sources: usize) -> Result<(Vec<u32>, Vec<Part>), CircuitError> {
    let count: usize = of_stretches.iter().map(Vec::len).sum();
    if count >= 1 << 32 {
        return Err(CircuitError::Many { count });
    }
    let mut starts = vec![0_u32; sources + 1];
    of_stretches.iter().flatten().for_each(|(source, _)| starts[*source as usize + 1] += 1);
    (1..starts.len()).for_each(|s| starts[s] += starts[s - 1]);
    let mut parts = vec![Part { stretch: 0, start: 0, end: 0, units: 0 }; count];
    let mut next = starts.clone();
    for (source, part) in of_stretches.iter().flatten() {
        let to = &mut next[*source as usize];
        parts[*to as usize] = *part;
        *to += 1;
    }
    Ok((starts, parts))
}

/// Who has rings.
pub(super) trait Rings {
    /// Its rings.
    fn rings(&mut self) -> &mut BlockState;
}

impl Rings for BlockState {
    #[inline(always)]
    fn rings(&mut self) -> &mut BlockState {
        self
    }
}

impl Stretch {
    /// `first`: when it arrives, or the shortest delay does, from the beginning of the rings.
    fn deliver<R: Rings>(&self, blocks: &mut [R], (dt, first, unit): (Tick, Tick, Tick), own: std::ops::Range<u32>) {
        let own = own.start as usize..own.end as usize;
        let (dt, first, unit) = (dt.0 as u64, first.0 as u64, unit.0 as u64);
        let wired = self.places[own.clone()].iter().zip(&self.weights[own.clone()]);
        let slot = |at: u64| (at / dt, at % dt);
        match &self.delays {
            Delays::OfParts => {
                let (slot, late) = slot(first);
                wired.for_each(|(&place, &weight)| put(blocks, place, weight, slot, late));
            }
            Delays::Narrow(units) => {
                for ((&place, &weight), &units) in wired.zip(&units[own]) {
                    let (slot, late) = slot(first + u64::from(units) * unit);
                    put(blocks, place, weight, slot, late);
                }
            }
            Delays::Wide(units) => {
                for ((&place, &weight), &units) in wired.zip(&units[own]) {
                    let (slot, late) = slot(first + units * unit);
                    put(blocks, place, weight, slot, late);
                }
            }
        }
    }
}

/// An event at a place of a stretch, `late` ticks into a slot.
#[inline(always)]
fn put<R: Rings>(blocks: &mut [R], place: u32, weight: f64, slot: u64, late: u64) {
    let block = blocks[(place >> BITS) as usize].rings();
    block.slot(slot as usize).push(Event::new(late, place & ((1 << BITS) - 1), weight));
}

/// How many connections there are beside a connection from its source, in the mean.
fn together(connections: &[Connection], sources: usize) -> usize {
    let mut counts = vec![0_u64; sources];
    connections.iter().for_each(|c| counts[c.source as usize] += 1);
    (counts.iter().map(|&n| n as f64 * n as f64).sum::<f64>() / connections.len().max(1) as f64) as usize
}

/// The greatest common divisor.
fn divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
