//! A circuit made ready: connections by the block of neurons they end in, then by source.

use super::block::{BlockPlan, Group, inputs};
use super::coupled::Coupled;
use super::shade::Shade;
use super::state::LONGEST;
use super::wires::{Layout, Wires};
use crate::junction::{self, KindError};
use crate::neuron;
use crate::point::{self, PointError};
use crate::receptor::waveform::Waveform;
use crate::receptor::within::Within;
use crate::time::Tick;
use numerics::simd::LANES;
use thiserror::Error;

/// A circuit that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum CircuitError {
    /// A step too short for the halves of Crank-Nicolson, or longer than events within it can be told apart.
    #[error("a step of {dt}; it must be 2e-9 ms at least and {LONGEST} at most")]
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
    /// Too short a delay between neurons, or a negative one.
    #[error(
        "connection {connection} has a delay of {delay}: at least a step ({dt}) from a neuron, at least 0 from a train"
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
    /// A kind of junction that cannot be.
    #[error("kind {kind} of junctions: {error}")]
    JunctionKind {
        /// Which.
        kind: usize,
        /// What is wrong.
        error: KindError,
    },
    /// A junction that cannot be.
    #[error(
        "junction {junction} conducts {g} nS: places and a kind that exist, of two different cells, and a conductance of 0 or \
         more are needed"
    )]
    Junction {
        /// Which.
        junction: usize,
        /// nS
        g: f64,
    },
    /// Point neurons that cannot be.
    #[error("group {group} of point neurons: {error}")]
    Points {
        /// Which.
        group: usize,
        /// What is wrong.
        error: PointError,
    },
    /// More neurons or sources than can be numbered.
    #[error("{count} neurons and trains; 2^32 can be numbered")]
    Size {
        /// How many.
        count: usize,
    },
    /// More connections, or places where they end, than can be numbered.
    #[error("{count} connections or places beside each other; 2^32 and 2^24 can be numbered")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The cell, or, from their number on, the point neuron, group by group.
    pub cell: u32,
    /// Its compartment; 0 of a point neuron.
    pub compartment: u32,
}

/// One synapse: from a source, after a delay, onto a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Connection {
    /// A detector of the cells; from their number on a point neuron; from the number of both on a train.
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

/// Point neurons that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Points {
    /// What they are.
    pub model: point::Model,
    /// How many.
    pub count: u32,
}

/// A gap junction between two places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Junction {
    /// One side: the voltage across is that of this side minus that of the other.
    pub a: Target,
    /// The other side.
    pub b: Target,
    /// Index of its kind.
    pub kind: u16,
    /// What it conducts when all of it is open, nS.
    pub g: f64,
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

/// A circuit made ready. Immutable; share it between threads.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cells.
    pub cells: neuron::Plan,
    pub(super) groups: Vec<Group>,
    pub(super) kinds: Vec<Kind>,
    /// The waveform of each over a step.
    pub(super) within: Vec<Within>,
    /// What is left of the conductances of each; empty where all is left of all.
    pub(super) shades: Vec<Option<Shade>>,
    pub(super) dt: Tick,
    /// Of cells, then of point neurons.
    pub(super) blocks: Vec<BlockPlan>,
    pub(super) wires: Wires,
    /// Slots of a ring.
    pub(super) ring: usize,
    /// Steps that blocks may run by themselves.
    pub(super) epoch: u64,
    pub(super) trains: usize,
    detectors: usize,
    neurons: usize,
    connections: usize,
    pub(super) coupled: Coupled,
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
        Self::with_points(cells, Vec::new(), dt, kinds, trains, connections, injections)
    }

    /// The same with point neurons beside the `cells`, which may be none.
    ///
    /// Conductances act on a point neuron in the mean over a step, currents of kinds event by event.
    ///
    /// # Errors
    /// [`CircuitError`]: the first thing that does not fit.
    pub fn with_points(
        cells: neuron::Plan,
        points: Vec<Points>,
        dt: Tick,
        kinds: Vec<Kind>,
        trains: usize,
        connections: &[Connection],
        injections: &[Injection],
    ) -> Result<Self, CircuitError> {
        if dt < Tick(2) || dt > LONGEST {
            return Err(CircuitError::Step { dt });
        }
        let within = kinds.iter().map(|kind| Within::new(kind.waveform, dt)).collect::<Result<_, _>>();
        let within = within.map_err(|_| CircuitError::Step { dt })?;
        let detectors = cells.detectors();
        let alone: usize = points.iter().map(|p| p.count as usize).sum();
        let (neurons, sources) = (cells.cells() + alone, detectors + alone + trains);
        if neurons.max(sources) > u32::MAX as usize {
            return Err(CircuitError::Size { count: neurons.max(sources) });
        }
        let (groups, blocks) = lay(&cells, &points)?;
        let mut plan = Self {
            cells,
            groups,
            kinds,
            within,
            shades: Vec::new(),
            dt,
            blocks,
            wires: Wires::default(),
            ring: 0,
            epoch: 0,
            trains,
            detectors,
            neurons,
            connections: connections.len(),
            coupled: Coupled::default(),
        };
        plan.check(connections, injections)?;
        plan.wire(connections, &points)?;
        plan.join(connections)?;
        for injection in injections {
            let (block, row, lane) = plan.spot(injection.to);
            plan.blocks[block].injections.push((row, lane, *injection));
        }
        Ok(plan)
    }

    fn check(&mut self, connections: &[Connection], injections: &[Injection]) -> Result<(), CircuitError> {
        let dt = self.dt;
        let spiking = self.sources();
        let mut least: Option<Tick> = None;
        let mut longest = [Tick::ZERO; 2];
        for (index, c) in connections.iter().enumerate() {
            let source = c.source as usize;
            if source >= spiking + self.trains || usize::from(c.kind) >= self.kinds.len() || !self.has(c.to) {
                return Err(CircuitError::Unknown { connection: index });
            }
            if !c.weight.is_finite() {
                return Err(CircuitError::Weight { connection: index, weight: c.weight });
            }
            let inner = source < spiking;
            if c.delay < if inner { dt } else { Tick::ZERO } {
                return Err(CircuitError::Delay { connection: index, delay: c.delay, dt });
            }
            if inner {
                least = Some(least.map_or(c.delay, |l| l.min(c.delay)));
            }
            let longest = &mut longest[usize::from(inner)];
            *longest = c.delay.max(*longest);
        }
        let wrong = |i: &Injection| !(self.has(i.to) && i.current.is_finite());
        if let Some(injection) = injections.iter().position(wrong) {
            return Err(CircuitError::Injection { injection });
        }
        // Without connections between neurons any epoch would do; a bound keeps what is gathered between small.
        self.epoch = least.map_or(1 << 10, |least| (least.0 / dt.0).clamp(1, 1 << 10)) as u64;
        // Trains are heard at the beginning of an epoch, neurons at its end, that moment included.
        let [outer, inner] = longest.map(|d| (d.0 / dt.0) as usize);
        self.ring = (inner + 2).max(self.epoch as usize + outer + 1);
        Ok(())
    }

    /// Gives each group the plain currents that reach it.
    fn wire(&mut self, connections: &[Connection], points: &[Points]) -> Result<(), CircuitError> {
        let mut reaches = vec![vec![false; self.kinds.len()]; self.groups.len()];
        for c in connections.iter().filter(|c| c.to.cell as usize >= self.cells.cells()) {
            let group = self.group(c.to.cell);
            reaches[group][usize::from(c.kind)] = true;
        }
        for (group, (reaches, points)) in reaches.iter().zip(points).enumerate() {
            let inputs = inputs(&self.kinds, reaches);
            let plain = self.kinds.iter().zip(&inputs).filter(|(_, i)| i.is_some()).map(|(k, _)| k.waveform);
            let plan = point::Plan::new(points.model, &plain.collect::<Vec<_>>());
            let of = &mut self.groups[group];
            of.plan = plan.map_err(|error| CircuitError::Points { group, error })?.stepped(self.dt);
            of.inputs = inputs;
        }
        Ok(())
    }

    fn join(&mut self, connections: &[Connection]) -> Result<(), CircuitError> {
        let mut blocks = std::mem::take(&mut self.blocks);
        let spot = |to: Target| self.spot(to);
        let (kinds, sources) = (self.kinds.len(), self.sources() + self.trains);
        let layout = Layout { groups: &self.groups, kinds, sources, spot: &spot };
        self.wires = Wires::new(connections, &mut blocks, &layout)?;
        self.blocks = blocks;
        Ok(())
    }

    /// How many neurons: cells with membranes, and point neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// How many sources there are within: detectors, and point neurons. Trains are numbered from here on.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.detectors + self.neurons - self.cells.cells()
    }

    /// How many connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// How many conductances and currents they are, by kind and compartment.
    #[must_use]
    pub fn merged(&self) -> usize {
        self.wires.places()
    }

    /// Bytes that connections and junctions take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.wires.bytes() + self.coupled.bytes()
    }

    /// Length of a step.
    #[must_use]
    pub fn dt(&self) -> Tick {
        self.dt
    }

    /// The same with instantaneous blocks of kinds that are conductances: of the voltage at a step's beginning.
    #[must_use]
    pub fn shaded(self, shades: Vec<Option<Shade>>) -> Self {
        Self { shades, ..self }
    }

    /// Changes with whatever changes results; for [`crate::snapshot::save`]. Cost: it reads every connection.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = self.cells.fingerprint();
        let mut eat = |x: u64| hash = (hash ^ x).wrapping_mul(0x0100_0000_01b3);
        let mut tell = |text: String| text.bytes().for_each(|byte| eat(u64::from(byte)));
        tell(format!("{} {} {:?}", self.dt.0, self.trains, self.kinds));
        self.groups.iter().for_each(|g| tell(format!("{:?} {}", g.plan.model(), g.count)));
        self.coupled.print(&mut tell);
        for block in &self.blocks {
            block.injections.iter().for_each(|i| tell(format!("{i:?}")));
        }
        for block in &self.blocks {
            block.lines.iter().for_each(|l| eat(u64::from(l.kind) << 32 | u64::from(l.row)));
        }
        for (k, shade) in self.shades.iter().enumerate() {
            shade.iter().flat_map(Shade::bits).for_each(|bits| eat(bits ^ k as u64));
        }
        self.wires.print(eat);
        hash
    }

    /// The same with gap junctions: cells that they join are stepped together, so that current passes without delay.
    ///
    /// # Errors
    /// [`CircuitError::JunctionKind`], [`CircuitError::Junction`]: the first thing that does not fit.
    pub fn joined(self, kinds: Vec<junction::Kind>, junctions: Vec<Junction>) -> Result<Self, CircuitError> {
        for (kind, of) in kinds.iter().enumerate() {
            of.check().map_err(|error| CircuitError::JunctionKind { kind, error })?;
        }
        let sound = |j: &Junction| {
            let there = self.has(j.a) && self.has(j.b) && j.a.cell != j.b.cell;
            there && usize::from(j.kind) < kinds.len() && j.g >= 0.0 && j.g.is_finite()
        };
        if let Some(junction) = junctions.iter().position(|j| !sound(j)) {
            return Err(CircuitError::Junction { junction, g: junctions[junction].g });
        }
        let coupled = Coupled::new(&self, kinds, junctions);
        let coupled = coupled.map_err(|_| CircuitError::JunctionKind { kind: 0, error: KindError::Program })?;
        Ok(Self { coupled, ..self })
    }

    /// Its gap junctions.
    #[must_use]
    pub fn junctions(&self) -> &[Junction] {
        &self.coupled.junctions
    }

    pub(super) fn has(&self, to: Target) -> bool {
        let cell = to.cell as usize;
        if cell < self.cells.cells() {
            return (to.compartment as usize) < self.cells.compartments(cell);
        }
        cell < self.neurons && to.compartment == 0
    }

    /// Which group a point neuron is of.
    fn group(&self, cell: u32) -> usize {
        self.groups.partition_point(|g| g.first <= cell) - 1
    }

    /// Block, row and lane of a place that exists.
    pub(super) fn spot(&self, to: Target) -> (usize, u32, usize) {
        if (to.cell as usize) < self.cells.cells() {
            let site = self.cells.site(to.cell as usize, to.compartment);
            return (site.block, site.compartment, site.lane);
        }
        let (block, lane) = self.place(to.cell);
        (block, 0, lane)
    }

    /// Block and lane of a neuron that exists.
    pub(super) fn place(&self, cell: u32) -> (usize, usize) {
        let n = cell as usize;
        if n < self.cells.cells() {
            let site = self.cells.site(n, 0);
            return (site.block, site.lane);
        }
        let group = &self.groups[self.group(cell)];
        let k = (cell - group.first) as usize;
        (group.block + k / LANES, k % LANES)
    }

    /// The source that a point neuron is.
    pub(super) fn source(&self, cell: u32) -> u32 {
        (self.detectors + cell as usize - self.cells.cells()) as u32
    }
}

/// Groups, without their plain currents yet, and all blocks.
fn lay(cells: &neuron::Plan, points: &[Points]) -> Result<(Vec<Group>, Vec<BlockPlan>), CircuitError> {
    let lanes = |count: usize, k: usize| LANES.min(count - k * LANES);
    let of_cells = |b: usize| {
        let (first, count) = cells.of_block(b);
        BlockPlan { stacked: count > LANES, ..BlockPlan::empty(first as u32, count.min(LANES), None) }
    };
    let mut blocks: Vec<BlockPlan> = (0..cells.blocks()).map(of_cells).collect();
    let mut groups = Vec::with_capacity(points.len());
    let mut first = cells.cells() as u32;
    for (group, &Points { model, count }) in points.iter().enumerate() {
        let plan = point::Plan::new(model, &[]).map_err(|error| CircuitError::Points { group, error })?;
        groups.push(Group { plan, first, count, block: blocks.len(), inputs: Vec::new() });
        let n = count as usize;
        blocks.extend(
            (0..n.div_ceil(LANES)).map(|k| BlockPlan::empty(first + (k * LANES) as u32, lanes(n, k), Some(group))),
        );
        first += count;
    }
    Ok((groups, blocks))
}
