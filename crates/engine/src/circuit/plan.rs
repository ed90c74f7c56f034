//! A circuit made ready: connections by the block of cells they end in, then by source.

use crate::neuron;
use crate::receptor::waveform::Waveform;
use crate::receptor::within::Within;
use crate::time::Tick;
use numerics::simd::LANES;
use thiserror::Error;

/// A circuit that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum CircuitError {
    /// A step too short for the halves of Crank-Nicolson.
    #[error("a step of {dt}; it must be 2e-9 ms at least")]
    Step {
        /// What came.
        dt: Tick,
    },
    /// A source, kind, cell or compartment that does not exist.
    #[error("connection {connection} names a source, kind, cell or compartment that does not exist")]
    Unknown {
        /// Which.
        connection: usize,
    },
    /// A weight that is no number.
    #[error("connection {connection} has the weight {weight}")]
    Weight {
        /// Which.
        connection: usize,
        /// What came, nS or pA.
        weight: f64,
    },
    /// Too short a delay between cells, or a negative one.
    #[error(
        "connection {connection} has a delay of {delay}: at least a step ({dt}) from a cell, at least 0 from a train"
    )]
    Delay {
        /// Which.
        connection: usize,
        /// What came.
        delay: Tick,
        /// The step.
        dt: Tick,
    },
    /// An injection somewhere that does not exist, or of a current that is none.
    #[error("injection {injection} needs a compartment that exists and a finite current")]
    Injection {
        /// Which.
        injection: usize,
    },
    /// More connections onto a block of cells than can be numbered.
    #[error("{count} connections end in one block of eight cells; 2^31 can be numbered")]
    Many {
        /// How many.
        count: usize,
    },
}

/// What a synapse's waveform is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// A conductance, nS, that reverses at `e_rev` mV.
    Conductance {
        /// mV
        e_rev: f64,
    },
    /// A current, pA; positive depolarises.
    Current,
}

/// A kind of linear synapse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Its course after one event.
    pub waveform: Waveform,
    /// What of.
    pub action: Action,
}

/// Where something acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The cell.
    pub cell: u32,
    /// Its compartment.
    pub compartment: u32,
}

/// One synapse: from a source, after a delay, onto a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connection {
    /// A detector of the cells, or, from their number on, a train.
    pub source: u32,
    /// Where it ends.
    pub to: Target,
    /// Index of its kind.
    pub kind: u16,
    /// Peak of one event, nS or pA.
    pub weight: f64,
    /// From the spike to the event.
    pub delay: Tick,
}

/// A steady current while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Injection {
    /// Where.
    pub to: Target,
    /// Its beginning.
    pub start: Tick,
    /// Its end.
    pub stop: Tick,
    /// pA; positive depolarises.
    pub current: f64,
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
    /// Eight times the line, and the lane.
    pub place: u32,
    /// Index of its delay.
    pub delay: u32,
    pub weight: f64,
}

/// What ends in eight cells.
#[derive(Clone, Debug)]
pub(super) struct BlockPlan {
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

/// A circuit made ready. Immutable; share it between threads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cells.
    pub cells: neuron::Plan,
    pub(super) kinds: Vec<Kind>,
    /// The waveform of each over a step.
    pub(super) within: Vec<Within>,
    pub(super) dt: Tick,
    pub(super) blocks: Vec<BlockPlan>,
    pub(super) delays: Vec<Tick>,
    /// Steps that blocks may run by themselves.
    pub(super) epoch: u64,
    pub(super) trains: usize,
    connections: usize,
}

impl Plan {
    /// Joins `cells` by `connections`; `trains`: how many trains of spikes come from outside.
    ///
    /// # Errors
    /// [`CircuitError`]: the first thing that does not fit.
    pub fn new(
        cells: neuron::Plan,
        dt: Tick,
        kinds: Vec<Kind>,
        trains: usize,
        connections: &[Connection],
        injections: &[Injection],
    ) -> Result<Self, CircuitError> {
        if dt < Tick(2) {
            return Err(CircuitError::Step { dt });
        }
        let detectors = cells.detectors();
        let known = |to: Target| {
            (to.cell as usize) < cells.cells() && (to.compartment as usize) < cells.compartments(to.cell as usize)
        };
        let mut least: Option<Tick> = None;
        for (index, c) in connections.iter().enumerate() {
            let source = c.source as usize;
            if source >= detectors + trains || usize::from(c.kind) >= kinds.len() || !known(c.to) {
                return Err(CircuitError::Unknown { connection: index });
            }
            if !c.weight.is_finite() {
                return Err(CircuitError::Weight { connection: index, weight: c.weight });
            }
            let inner = source < detectors;
            if c.delay < if inner { dt } else { Tick::ZERO } {
                return Err(CircuitError::Delay { connection: index, delay: c.delay, dt });
            }
            if inner {
                least = Some(least.map_or(c.delay, |l| l.min(c.delay)));
            }
        }
        let wrong = |i: &Injection| !(known(i.to) && i.current.is_finite());
        if let Some(injection) = injections.iter().position(wrong) {
            return Err(CircuitError::Injection { injection });
        }
        let mut delays: Vec<Tick> = connections.iter().map(|c| c.delay).collect();
        delays.sort_unstable();
        delays.dedup();
        // By block with a counting sort, so that each block sees only its own.
        let block = |c: &Connection| c.to.cell as usize / LANES;
        let mut ends = vec![0usize; cells.blocks() + 1];
        connections.iter().for_each(|c| ends[block(c) + 1] += 1);
        if let Some(&count) = ends.iter().find(|n| **n >= 1 << 31) {
            return Err(CircuitError::Many { count });
        }
        (1..ends.len()).for_each(|b| ends[b] += ends[b - 1]);
        let mut order = vec![0u32; connections.len()];
        let mut next = ends.clone();
        for (index, c) in connections.iter().enumerate() {
            order[next[block(c)]] = index as u32;
            next[block(c)] += 1;
        }
        let blocks = (0..cells.blocks())
            .map(|b| {
                let own = order[ends[b]..ends[b + 1]].iter().map(|&k| &connections[k as usize]);
                let here = injections.iter().filter(|i| i.to.cell as usize / LANES == b);
                let here = here.map(|i| (i.to.compartment, i.to.cell as usize % LANES, *i)).collect();
                BlockPlan::new(own.collect(), kinds.len(), &delays, here)
            })
            .collect();
        // Without connections between cells any epoch would do; a bound keeps what is gathered between small.
        let epoch = least.map_or(1 << 10, |least| (least.0 / dt.0).clamp(1, 1 << 10)) as u64;
        let within = kinds.iter().map(|kind| Within::new(kind.waveform, dt)).collect::<Result<_, _>>();
        let within = within.map_err(|_| CircuitError::Step { dt })?;
        Ok(Self { cells, kinds, within, dt, blocks, delays, epoch, trains, connections: connections.len() })
    }

    /// How many connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// How many conductances they are, by kind and compartment.
    #[must_use]
    pub fn merged(&self) -> usize {
        let used = |b: &BlockPlan| {
            let mut places: Vec<u32> = b.entries.iter().map(|e| e.place).collect();
            places.sort_unstable();
            places.dedup();
            places.len()
        };
        self.blocks.iter().map(used).sum()
    }

    /// Length of a step.
    #[must_use]
    pub fn dt(&self) -> Tick {
        self.dt
    }
}

impl BlockPlan {
    fn new(own: Vec<&Connection>, kinds: usize, delays: &[Tick], injections: Vec<(u32, usize, Injection)>) -> Self {
        let line = |c: &Connection| Line { kind: c.kind, row: c.to.compartment };
        let mut lines: Vec<Line> = own.iter().map(|c| line(c)).collect();
        lines.sort_unstable();
        lines.dedup();
        let mut own = own;
        // Stable: connections of a source keep their order.
        own.sort_by_key(|c| c.source);
        let (mut sources, mut starts, mut entries) = (Vec::new(), Vec::new(), Vec::with_capacity(own.len()));
        for c in own {
            if sources.last() != Some(&c.source) {
                sources.push(c.source);
                starts.push(entries.len() as u32);
            }
            let at = lines.binary_search(&line(c)).expect("its line is there");
            let delay = delays.binary_search(&c.delay).expect("its delay is there") as u32;
            let place = (at * LANES + c.to.cell as usize % LANES) as u32;
            entries.push(Entry { place, delay, weight: c.weight });
        }
        starts.push(entries.len() as u32);
        let first = |kind: usize| lines.partition_point(|l| usize::from(l.kind) < kind);
        Self { kinds: (0..=kinds).map(first).collect(), lines, sources, starts, entries, injections }
    }
}
