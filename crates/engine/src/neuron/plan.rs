//! Cells and channel kinds made ready to be stepped: eight cells a block, a line of lanes a compartment and quantity.
//!
//! Cells fill blocks in order; the trees of a block may differ. Many cells of one compartment may be stacked, eight beside each
//! other in each row of a block ([`Plan::stacked`]), so that what a block costs by itself is shared by all of them. A channel
//! keeps lines only for the rows of a block that have it in some lane. Leaks are folded into the fixed conductance and current
//! of their rows. Blocks of equal cells share their columns.

pub(super) use super::block::{Block, BlockChannel, BlockDetector, Body};
use super::cell::{Cell, Insertion, Overridden};
use super::channel::{Channel, ChannelInput};
use super::pool::{self, Ion, MAX_IONS};
use super::scheme::{self, BlockScheme, States};
use super::share::{self, Shared};
use super::table::Tables;
use crate::mechanism::{Evaluator, Shape};
use numerics::simd::LANES;
use std::borrow::Borrow;
use thiserror::Error;

/// A description that makes no cells.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum PlanError {
    /// The program, the gates and the inputs do not fit together, or are too many.
    #[error(
        "channel {channel}: two outputs a gate (8 at most, powers 1 to 8) or a scheme whose steps and outputs exist (64 \
         states at most), one role an input (16 at most), and parameters that exist are needed"
    )]
    Channel {
        /// The channel kind.
        channel: usize,
    },
    /// A reversal potential or parameter that is no number.
    #[error("channel {channel} has a reversal potential or parameter of {value}")]
    ChannelNumber {
        /// The channel kind.
        channel: usize,
        /// What came.
        value: f64,
    },
    /// The temperature is no temperature.
    #[error("a temperature of {value} K")]
    Temperature {
        /// What came, K.
        value: f64,
    },
    /// No compartment, or more than 2^31.
    #[error("cell {cell} has no compartment, or too many")]
    Size {
        /// The cell.
        cell: usize,
    },
    /// Not a tree with its root first.
    #[error("compartment {compartment} of cell {cell}: the first is the root, every other needs an earlier parent")]
    Parent {
        /// The cell.
        cell: usize,
        /// The compartment.
        compartment: usize,
    },
    /// Area, capacitance or axial conductance.
    #[error(
        "compartment {compartment} of cell {cell}: area ({area} um2), capacitance ({c_m} pF) and, but for the root, \
         axial conductance ({g_axial} nS) must be positive; a joint has neither area nor capacitance"
    )]
    Compartment {
        /// The cell.
        cell: usize,
        /// The compartment.
        compartment: usize,
        /// um2.
        area: f64,
        /// pF.
        c_m: f64,
        /// nS.
        g_axial: f64,
    },
    /// A channel kind that does not exist, or twice in one cell, or columns of the wrong length.
    #[error(
        "insertion {insertion} of cell {cell}: a channel kind that exists, once a cell, with one value a compartment"
    )]
    Insertion {
        /// The cell.
        cell: usize,
        /// Which of its insertions.
        insertion: usize,
    },
    /// A negative conductance, a value that is no number, or (as NaN) a conductance in a joint.
    #[error("insertion {insertion} of cell {cell} has the value {value}")]
    Value {
        /// The cell.
        cell: usize,
        /// Which of its insertions.
        insertion: usize,
        /// What came.
        value: f64,
    },
    /// More copies of a counted channel than can be counted.
    #[error(
        "compartment {compartment} of cell {cell} would have {copies} copies of channel {channel}, 2^32 - 1 at most"
    )]
    Copies {
        /// The cell.
        cell: usize,
        /// The channel kind.
        channel: usize,
        /// The compartment.
        compartment: usize,
        /// How many.
        copies: f64,
    },
    /// Charge or concentration outside of an ion, or too many of them.
    #[error("ion {ion} has the valence {valence} and {outside} mM outside: neither may be 0; at most 8 ions")]
    Ion {
        /// The ion.
        ion: usize,
        /// Its charge number.
        valence: i32,
        /// mM.
        outside: f64,
    },
    /// A pool that is none.
    #[error(
        "pool {pool} of cell {cell}, compartment {compartment}: an ion that exists, once a cell, with one entry a \
         compartment; volume and resting concentration must be positive, and something must remove the ion"
    )]
    Pool {
        /// The cell.
        cell: usize,
        /// Which of its pools.
        pool: usize,
        /// Where.
        compartment: usize,
    },
    /// A channel that needs a concentration nobody keeps.
    #[error("compartment {compartment} of cell {cell} has channel {channel}, which needs a pool of ion {ion} there")]
    NoPool {
        /// The cell.
        cell: usize,
        /// The channel kind.
        channel: usize,
        /// The ion.
        ion: usize,
        /// The compartment.
        compartment: usize,
    },
    /// A detector in no compartment, or without a finite threshold.
    #[error("detector {detector} of cell {cell} needs a compartment of the cell and a finite threshold")]
    Detector {
        /// The cell.
        cell: usize,
        /// Which of its detectors.
        detector: usize,
    },
}

/// Where a compartment of a cell lies: in which block, line and lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// The block of eight cells.
    pub block: usize,
    /// The line within the block: the compartment's index in its cell, unless cells are stacked ([`Plan::stacked`]).
    pub compartment: u32,
    /// The lane.
    pub lane: usize,
}

/// Cells of one compartment above each other in a block, at most.
const TIERS: usize = 16;

/// Where a cell is: its block, the row of its root, its lane, and its compartments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Home {
    pub block: usize,
    pub row: u32,
    pub lane: usize,
    pub size: usize,
}

/// A population of cells made ready. Immutable; share it between threads.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) channels: Vec<Channel>,
    /// By channel, where it has states: its one gate is then what is open.
    pub(super) schemes: Vec<Option<States>>,
    pub(super) evaluators: Vec<Evaluator>,
    pub(super) temperature: f64,
    pub(super) ions: Vec<Ion>,
    pub(super) blocks: Vec<Block>,
    pub(super) tables: Option<Tables>,
    pub(super) counted: bool,
    /// Cells of each block but the last, where it is the same for all.
    uniform: Option<usize>,
    cells: usize,
    fingerprint: u64,
}

impl Plan {
    /// Makes `cells` ready. `temperature`: K. Detectors are numbered through all cells in order.
    ///
    /// # Errors
    /// [`PlanError`]: the first thing that does not fit.
    pub fn new(channels: Vec<Channel>, cells: &[Cell], temperature: f64) -> Result<Self, PlanError> {
        Self::with_ions(channels, Vec::new(), cells, temperature)
    }

    /// The same with `ions` of which cells may have pools.
    ///
    /// # Errors
    /// [`PlanError`]: the first thing that does not fit.
    pub fn with_ions(
        channels: Vec<Channel>,
        ions: Vec<Ion>,
        cells: &[Cell],
        temperature: f64,
    ) -> Result<Self, PlanError> {
        Self::from_cells(channels, ions, cells, temperature)
    }

    /// The same from cells made one after another, of which eight at most are held at a time.
    ///
    /// # Errors
    /// [`PlanError`]: the first thing that does not fit.
    pub fn from_cells<C: Borrow<Cell>>(
        channels: Vec<Channel>,
        ions: Vec<Ion>,
        cells: impl IntoIterator<Item = C>,
        temperature: f64,
    ) -> Result<Self, PlanError> {
        Self::made(channels, ions, cells, temperature, false)
    }

    /// The same with up to 128 cells a block where those next to each other have one compartment, no pools, and no channels
    /// that are counted. What comes out is the same to the bit, and a step costs a third.
    ///
    /// # Errors
    /// [`PlanError`]: the first thing that does not fit.
    pub fn stacked<C: Borrow<Cell>>(
        channels: Vec<Channel>,
        ions: Vec<Ion>,
        cells: impl IntoIterator<Item = C>,
        temperature: f64,
    ) -> Result<Self, PlanError> {
        Self::made(channels, ions, cells, temperature, true)
    }

    fn made<C: Borrow<Cell>>(
        channels: Vec<Channel>,
        ions: Vec<Ion>,
        cells: impl IntoIterator<Item = C>,
        temperature: f64,
        stacked: bool,
    ) -> Result<Self, PlanError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(PlanError::Temperature { value: temperature });
        }
        for (index, channel) in channels.iter().enumerate() {
            channel.check(index, ions.len())?;
        }
        for (index, ion) in ions.iter().enumerate() {
            ion.check(index)?;
        }
        if let Some(ion) = ions.get(MAX_IONS) {
            return Err(PlanError::Ion { ion: MAX_IONS, valence: ion.valence, outside: ion.outside });
        }
        let (described, schemes) = (channels.clone(), channels.iter().map(States::of).collect::<Vec<_>>());
        let mut channels = channels;
        for (channel, _) in channels.iter_mut().zip(&schemes).filter(|(_, states)| states.is_some()) {
            channel.gates = vec![scheme::OPEN];
        }
        let (mut blocks, mut shared, mut detectors, mut first) = (Vec::new(), Shared::default(), 0, 0);
        let mut cells = cells.into_iter().peekable();
        let small = |cell: &Cell| {
            let counted = |i: &Insertion| described.get(i.channel).is_some_and(|c| c.single.is_some());
            cell.compartments.len() == 1 && cell.pools.is_empty() && !cell.insertions.iter().any(counted)
        };
        let mut group: Vec<C> = Vec::with_capacity(LANES);
        loop {
            group.clear();
            let low = stacked && cells.peek().is_some_and(|cell| small(cell.borrow()));
            if low {
                while let Some(cell) = cells.next_if(|cell| group.len() < LANES * TIERS && small(cell.borrow())) {
                    group.push(cell);
                }
            } else {
                group.extend(cells.by_ref().take(LANES));
            }
            if group.is_empty() {
                break;
            }
            for (index, cell) in (first..).zip(&group) {
                let cell = cell.borrow();
                check(index, cell, &described)?;
                pool::check(index, &cell.pools, cell.compartments.len(), &ions)?;
                pooled(index, cell, &described)?;
                scheme::check(index, cell, &described)?;
            }
            let group: Vec<&Cell> = group.iter().map(Borrow::borrow).collect();
            let mut body = Body::new(&group, &channels, (&ions, temperature));
            body.schemes = BlockScheme::all(&body.channels, &schemes, &mut body.scheme_lines);
            let detectors = BlockDetector::all(&group, &mut detectors);
            blocks.push(Block { first, detectors, body: shared.body(body) });
            first += group.len();
        }
        drop(shared);
        let columns = share::columns(&mut blocks, &channels);
        let shape = |index: usize, input: &ChannelInput| match *input {
            ChannelInput::Voltage | ChannelInput::Concentration(_) => Shape::Column,
            ChannelInput::Temperature => Shape::Uniform,
            ChannelInput::Parameter(k) if columns[index][usize::from(k)] => Shape::Column,
            ChannelInput::Parameter(_) => Shape::Uniform,
        };
        let evaluator = |(index, channel): (usize, &Channel)| {
            let shapes: Vec<Shape> = channel.inputs.iter().map(|input| shape(index, input)).collect();
            Evaluator::new(&channel.rates, &shapes).map_err(|_| PlanError::Channel { channel: index })
        };
        let evaluators = channels.iter().enumerate().map(evaluator).collect::<Result<Vec<_>, _>>()?;
        let fingerprint = share::fingerprint(&described, &ions, &blocks, temperature);
        let mut present = blocks.iter().flat_map(|block| &block.channels);
        let counted = present.any(|c| channels[c.channel].single.is_some());
        let (cells, tables) = (first, None);
        let each = blocks.first().map_or(LANES, |b: &Block| b.sizes.len().max(1));
        let even = blocks.iter().enumerate().all(|(k, b)| b.first == k * each && b.sizes.len() <= each);
        let uniform = even.then_some(each);
        Ok(Self {
            channels,
            schemes,
            evaluators,
            temperature,
            ions,
            blocks,
            tables,
            counted,
            uniform,
            cells,
            fingerprint,
        })
    }

    /// How many cells.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// How many blocks of eight.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// How many compartments a cell has. Panics out of range.
    #[must_use]
    pub fn compartments(&self, cell: usize) -> usize {
        let home = self.home(cell);
        home.size
    }

    /// How many detectors, through all cells.
    #[must_use]
    pub fn detectors(&self) -> usize {
        self.blocks.iter().map(|block| block.detectors.len()).sum()
    }

    /// Changes with whatever changes results; for [`crate::snapshot::save`].
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let tables = self.tables.as_ref().map_or([0, 0], |t| [t.dt.0 as u64, t.tolerance.to_bits()]);
        tables.into_iter().fold(self.fingerprint, |print, x| (print ^ x).wrapping_mul(0x0100_0000_01b3))
    }

    /// By channel: whether its gates' rates depend on voltage and on nothing that differs between compartments.
    pub(super) fn by_voltage_alone(&self) -> Vec<bool> {
        let reads = |input: &ChannelInput| matches!(input, ChannelInput::Concentration(_));
        let mut alone: Vec<bool> = self.channels.iter().map(|c| !c.inputs.iter().any(reads)).collect();
        for c in self.blocks.iter().flat_map(|block| &block.channels) {
            alone[c.channel] &= c.parameters.iter().all(Option::is_none);
        }
        alone
    }

    /// The compartment that a compartment hangs on; none for the root. Panics out of range.
    #[must_use]
    pub fn parent(&self, cell: usize, compartment: u32) -> Option<u32> {
        let home = self.home(cell);
        let row = home.row + compartment;
        let parent = self.blocks[home.block].trees.parents(row as usize)[home.lane];
        (parent != row).then(|| parent - home.row)
    }

    /// Where a compartment lies.
    ///
    /// # Panics
    /// If there is no such cell or compartment.
    #[must_use]
    pub fn site(&self, cell: usize, compartment: u32) -> Site {
        assert!(
            cell < self.cells && (compartment as usize) < self.compartments(cell),
            "compartment {compartment} of cell {cell} exists"
        );
        let home = self.home(cell);
        Site { block: home.block, compartment: home.row + compartment, lane: home.lane }
    }

    /// The cell at a site, and its compartment. Panics out of range.
    #[must_use]
    pub fn at(&self, site: Site) -> (usize, u32) {
        self.blocks[site.block].at(site.compartment, site.lane)
    }

    /// The first cell of a block, and how many there are in it. Panics out of range.
    #[must_use]
    pub fn of_block(&self, block: usize) -> (usize, usize) {
        (self.blocks[block].first, self.blocks[block].sizes.len())
    }

    /// Where a cell is.
    pub(super) fn home(&self, cell: usize) -> Home {
        let block = match self.uniform {
            Some(each) => cell / each,
            None => self.blocks.partition_point(|b| b.first <= cell) - 1,
        };
        let k = cell - self.blocks[block].first;
        Home { block, row: (k / LANES) as u32, lane: k % LANES, size: self.blocks[block].sizes[k] }
    }
}

fn check(cell: usize, described: &Cell, channels: &[Channel]) -> Result<(), PlanError> {
    let n = described.compartments.len();
    if n == 0 || n > 1 << 31 {
        return Err(PlanError::Size { cell });
    }
    for (compartment, c) in described.compartments.iter().enumerate() {
        let root = compartment == 0;
        if c.parent.is_none() != root || c.parent.is_some_and(|parent| parent as usize >= compartment) {
            return Err(PlanError::Parent { cell, compartment });
        }
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let axial = if root { c.g_axial == 0.0 } else { positive(c.g_axial) };
        // A joint has no membrane: what flows in flows on.
        let joint = !root && c.area == 0.0 && c.c_m == 0.0;
        if !(joint || positive(c.area) && positive(c.c_m)) || !axial {
            let (area, c_m, g_axial) = (c.area, c.c_m, c.g_axial);
            return Err(PlanError::Compartment { cell, compartment, area, c_m, g_axial });
        }
    }
    for (insertion, inserted) in described.insertions.iter().enumerate() {
        let twice = described.insertions[..insertion].iter().any(|other| other.channel == inserted.channel);
        let parameters = channels.get(inserted.channel).map_or(0, |channel| channel.parameters.len());
        let known = |quantity| match quantity {
            Overridden::Reversal => true,
            Overridden::Parameter(k) => usize::from(k) < parameters,
        };
        let fits = inserted.overrides.iter().all(|o| o.values.len() == n && known(o.quantity));
        if inserted.channel >= channels.len() || twice || !fits || inserted.g_max.len() != n {
            return Err(PlanError::Insertion { cell, insertion });
        }
        let bad = inserted.g_max.iter().zip(&described.compartments);
        let bad = bad.map(|(g, c)| if c.area == 0.0 && *g != 0.0 { &f64::NAN } else { g });
        let bad = bad.into_iter().find(|g| !(**g >= 0.0 && g.is_finite()));
        let other = inserted.overrides.iter().flat_map(|o| &o.values).find(|x| !x.is_finite());
        if let Some(&value) = bad.or(other) {
            return Err(PlanError::Value { cell, insertion, value });
        }
    }
    for (detector, d) in described.detectors.iter().enumerate() {
        if d.compartment as usize >= n || !d.threshold.is_finite() {
            return Err(PlanError::Detector { cell, detector });
        }
    }
    Ok(())
}

/// Whether every channel has the pools it needs.
fn pooled(cell: usize, described: &Cell, channels: &[Channel]) -> Result<(), PlanError> {
    for insertion in &described.insertions {
        let channel = insertion.channel;
        for ion in channels[channel].needs() {
            let pool = described.pools.iter().find(|p| p.ion == ion);
            let has = |k: usize| pool.is_some_and(|p| p.compartments[k].is_some());
            let lacks = (0..).zip(&insertion.g_max).find(|&(k, g)| *g > 0.0 && !has(k));
            if let Some((compartment, _)) = lacks {
                return Err(PlanError::NoPool { cell, channel, ion, compartment });
            }
        }
    }
    Ok(())
}
