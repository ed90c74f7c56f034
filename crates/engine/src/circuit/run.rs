//! Epochs: blocks run by themselves for as long as the shortest delay, then hear of each other's spikes.

use super::drive::{BlockDrive, Placed, Work};
use super::lockstep::{self, Lockstep};
use super::outside::{Outside, Passing, Trace, Trains};
use super::plan::{Plan, Target};
use super::points::{PointBlock, PointFault};
use super::state::State;
use super::wires::Mail;
use crate::neuron::{self, Clock, Spike, Stepping};
use crate::point::PointError;
use crate::time::Tick;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// Why a circuit was not advanced.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum CircuitRunError {
    /// The state has other cells or synapses.
    #[error("the state belongs to another circuit")]
    State,
    /// Another number of trains than that of the plan.
    #[error("{got} trains of spikes given where the circuit has {want}")]
    Trains {
        /// Of the plan.
        want: usize,
        /// What came.
        got: usize,
    },
    /// Another step than that of the plan.
    #[error("the circuit was built for steps of {want}, not of {got}")]
    Step {
        /// Of the plan.
        want: Tick,
        /// What came.
        got: Tick,
    },
    /// An act somewhere that does not exist, or that is none.
    #[error("act {act} needs a place that exists, finite numbers, and a membrane where an ion carries something")]
    Act {
        /// Which.
        act: usize,
    },
    /// A site of the trace that does not exist.
    #[error("site {site} of the trace does not exist")]
    Site {
        /// Which.
        site: usize,
    },
    /// The voltages of cells that junctions join were not found.
    #[error(
        "junction {junction}, in the step from {at} on: its voltages were not found, the last change was {change} mV; a \
         shorter step"
    )]
    Coupling {
        /// The one whose sides still changed most.
        junction: usize,
        /// The beginning of the step.
        at: Tick,
        /// mV
        change: f64,
    },
    /// A rate of a junction's channels that is none.
    #[error("junction {junction}, at {at}: with {across} mV across it a rate of its channels is negative or no number")]
    JunctionRate {
        /// Which.
        junction: usize,
        /// mV
        across: f64,
        /// The beginning of the step.
        at: Tick,
    },
    /// A junction to be recorded that does not exist.
    #[error("junction {index} of the trace does not exist")]
    Watched {
        /// Which of those named.
        index: usize,
    },
    /// Events for a junction that does not exist, or that are none.
    #[error("events {index} are of a junction that does not exist, or no number")]
    Told {
        /// Which.
        index: usize,
    },
    /// The cells could not go on.
    #[error(transparent)]
    Cells(#[from] neuron::RunError),
    /// A point neuron could not go on.
    #[error("point neuron {cell}, in the step from {at} on: {error}")]
    Point {
        /// Which.
        cell: u32,
        /// The beginning of the step.
        at: Tick,
        /// What went wrong.
        error: PointError,
    },
}

/// Blocks of point neurons that one thread takes at least.
const FEW: usize = 4;

/// Working memory; never saved.
#[derive(Debug, Default)]
pub struct Scratch {
    cells: neuron::Scratch,
    own: Mutex<Own>,
}

/// What a run takes for itself.
#[derive(Debug, Default)]
struct Own {
    blocks: Vec<Work>,
    lockstep: lockstep::Memory,
    mail: Mail,
    heard: Vec<(Tick, u32)>,
}

/// Advances a circuit by `steps` steps; spikes are appended in order of time, then source.
///
/// `trains`: the spikes from outside; those within the interval are used. `outside`: what acts in all of these steps.
/// Threads of the current rayon pool share the blocks of neurons.
///
/// # Errors
/// [`CircuitRunError`]; after a fault of a neuron the state is not to be used.
#[expect(clippy::too_many_arguments, reason = "plan, state, scratch, input and output, each its own thing")]
pub fn run(
    plan: &Plan,
    state: &mut State,
    scratch: &Scratch,
    stepping: Stepping,
    steps: u64,
    trains: &Trains,
    outside: &mut Outside,
    spikes: &mut Vec<Spike>,
    trace: &mut Trace,
) -> Result<(), CircuitRunError> {
    check(plan, state, stepping, trains, outside)?;
    let acts: Vec<Target> = outside.acts.iter().map(|act| act.to).collect();
    let acts = placed(plan, &acts).map_err(|act| CircuitRunError::Act { act })?;
    let sites = placed(plan, &trace.sites).map_err(|site| CircuitRunError::Site { site })?;
    let mut seen = vec![f64::NAN; acts.len()];
    let mut own = std::mem::take(&mut *scratch.own.lock().unwrap_or_else(PoisonError::into_inner));
    let Own { blocks: work, lockstep, mail, heard } = &mut own;
    heard.clear();
    work.resize_with(plan.blocks.len(), Work::default);
    if let Some(index) = trace.junctions.iter().position(|j| *j as usize >= plan.junctions().len()) {
        return Err(CircuitRunError::Watched { index });
    }
    if !plan.coupled.is_empty() {
        if let Some(index) =
            outside.told.iter().position(|t| t.0 as usize >= plan.junctions().len() || !(t.1 >= 0.0 && t.1.is_finite()))
        {
            return Err(CircuitRunError::Told { index });
        }
        state.junctions.told(&plan.coupled, &outside.told);
        lockstep.fit(&plan.coupled, &state.junctions);
    }
    let first = plan.sources() as u32;
    let mut left = steps;
    while left > 0 {
        let epoch = left.min(plan.epoch);
        let start = state.clock();
        let end = start + plan.dt * epoch as i64;
        // Beside what neurons have sent in the epoch before.
        heard.extend(trains.between(start, end).iter().map(|&(at, train)| (at, first + train)));
        plan.wires.tell(heard, mail);
        let from = spikes.len();
        let here = Here { stepping, epoch, acts: &acts, sites: &sites, every: trace.every, outside, mail };
        let watched = (&trace.junctions[..], &mut trace.passed[..]);
        if let Err(fault) = advance(plan, state, scratch, &here, (work, lockstep), &mut seen, watched, spikes) {
            spikes.truncate(from);
            return Err(fault);
        }
        for (block, work) in work.iter_mut().enumerate() {
            spikes.append(&mut work.spikes);
            if !work.samples.is_empty() {
                let from = sites.partition_point(|s| (s.block as usize) < block);
                let here = sites[from..].chunk_by(|a, b| a.block == b.block).next().unwrap_or_default();
                for sample in work.samples.chunks_exact(here.len()) {
                    here.iter().zip(sample).for_each(|(site, v)| trace.values[site.index as usize].push(*v));
                }
                work.samples.clear();
            }
        }
        spikes[from..].sort_unstable();
        heard.clear();
        heard.extend(spikes[from..].iter().map(|s| (s.at, s.detector)));
        left -= epoch;
    }
    // Nothing may be left in what is not saved.
    plan.wires.tell(heard, mail);
    plan.wires.deliver_all(&mut state.blocks, (plan.dt, state.cells.clock()), mail);
    if steps > 0 {
        outside.solved.resize(acts.len(), f64::NAN);
        acts.iter().zip(&seen).for_each(|(act, v)| outside.solved[act.index as usize] = *v);
    }
    *scratch.own.lock().unwrap_or_else(PoisonError::into_inner) = own;
    Ok(())
}

fn check(
    plan: &Plan,
    state: &State,
    stepping: Stepping,
    trains: &Trains,
    outside: &Outside,
) -> Result<(), CircuitRunError> {
    if !state.fits(plan) {
        return Err(CircuitRunError::State);
    }
    if trains.count != plan.trains {
        return Err(CircuitRunError::Trains { want: plan.trains, got: trains.count });
    }
    if stepping.dt != plan.dt {
        return Err(CircuitRunError::Step { want: plan.dt, got: stepping.dt });
    }
    let sound = |act: &super::Act| {
        let carried = act
            .carried
            .is_none_or(|c| c.g.is_finite() && c.i.is_finite() && (act.to.cell as usize) < plan.cells.cells());
        act.g.is_finite() && act.i.is_finite() && carried
    };
    match outside.acts.iter().position(|act| !sound(act)) {
        Some(act) => Err(CircuitRunError::Act { act }),
        None => Ok(()),
    }
}

/// Places in the order of blocks, then as they came; or the first that does not exist.
fn placed(plan: &Plan, targets: &[Target]) -> Result<Vec<Placed>, usize> {
    let place = |(index, to): (usize, &Target)| {
        if !plan.has(*to) {
            return Err(index);
        }
        let (block, row, lane) = plan.spot(*to);
        Ok(Placed { block: block as u32, index: index as u32, row, lane: lane as u32 })
    };
    let mut placed = targets.iter().enumerate().map(place).collect::<Result<Vec<_>, _>>()?;
    placed.sort_unstable();
    Ok(placed)
}

/// What is the same for all blocks of an epoch.
struct Here<'a> {
    stepping: Stepping,
    epoch: u64,
    acts: &'a [Placed],
    sites: &'a [Placed],
    every: u64,
    outside: &'a Outside,
    /// What stretches of blocks have been told.
    mail: &'a Mail,
}

/// An epoch of all neurons, which first get what they have been told. Spikes of cells, and of all that junctions join, come into
/// `spikes`, those of other point neurons into their blocks' memory.
#[expect(clippy::too_many_arguments, reason = "plan, state, scratch, input and output, each its own thing")]
fn advance(
    plan: &Plan,
    state: &mut State,
    scratch: &Scratch,
    here: &Here,
    (work, lockstep): (&mut [Work], &mut lockstep::Memory),
    mut seen: &mut [f64],
    (watched, passed): (&[u32], &mut [Vec<Passing>]),
    spikes: &mut Vec<Spike>,
) -> Result<(), CircuitRunError> {
    let Here { stepping, epoch, .. } = *here;
    let (mut acts, mut sites) = (here.acts, here.sites);
    let State { cells, points, blocks, junctions } = state;
    // Stretches with cells are delivered to before all else; others where they run, so that what has come is at hand.
    let (wires, wide, when) = (&plan.wires, plan.wires.wide(), (plan.dt, cells.clock()));
    let mixed = match plan.coupled.points.is_empty() {
        true => plan.cells.blocks().div_ceil(wide),
        false => blocks.len().div_ceil(wide),
    };
    let before = blocks.len().min(mixed * wide);
    wires.deliver_all(&mut blocks[..before], when, here.mail);
    let mut drives = blocks.iter_mut().zip(&plan.blocks).zip(work).zip(0..).map(|(((state, block), work), b)| {
        let (own, watched) = (of(&mut acts, b), of(&mut sites, b));
        let (level, every) = (stepping.level, here.every);
        let seen = seen.split_off_mut(..own.len()).unwrap_or_default();
        let luck = here.outside.luck.get(b as usize).map_or(&[][..], Vec::as_slice);
        let acts = &here.outside.acts;
        BlockDrive { plan, block, state, work, level, here: own, acts, luck, seen, sites: watched, every }
    });
    let mut of_cells: Vec<BlockDrive> = drives.by_ref().take(plan.cells.blocks()).collect();
    let all_points = drives.zip(points).filter_map(|(drive, state)| {
        let group = &plan.groups[drive.block.group?];
        Some(PointBlock { drive, group, state })
    });
    let (mut of_points, mut joined_points) = (Vec::new(), Vec::new());
    for (k, block) in all_points.enumerate() {
        let joined = plan.coupled.has(plan.cells.blocks() + k);
        if joined { &mut joined_points } else { &mut of_points }.push(block);
    }
    neuron::check(&plan.cells, cells, stepping, of_cells.len())?;
    let clock = Clock::of(cells);
    let mut stages = std::mem::take(&mut lockstep.stages);
    let together = (&mut of_cells[..], |block| plan.coupled.has(block));
    let (parts, joined) = neuron::split(&plan.cells, cells, together, &mut stages, stepping);
    let served = before.saturating_sub(plan.cells.blocks()).min(of_points.len());
    let alone = || {
        let mut found = Vec::new();
        let (cells, points) = rayon::join(
            || neuron::run_parts(parts, &scratch.cells, (clock, stepping, epoch), &mut found),
            || {
                let (served, others) = of_points.split_at_mut(served);
                let run = |blocks: &mut [PointBlock]| {
                    let faults = blocks.par_iter_mut().with_min_len(FEW).filter_map(|block| block.run(epoch).err());
                    faults.min_by_key(|fault| (fault.at, fault.cell))
                };
                let stretches = others.par_chunks_mut(wide).enumerate();
                let faults = stretches.filter_map(|(k, blocks)| {
                    wires.deliver(mixed + k, blocks, when, here.mail);
                    run(blocks)
                });
                faults.chain(run(served)).min_by_key(|fault| (fault.at, fault.cell))
            },
        );
        (cells, points, found)
    };
    let start = spikes.len();
    let mut joined = Lockstep {
        coupled: &plan.coupled,
        stepping,
        steps: epoch,
        clock,
        cells: joined,
        points: joined_points,
        watched,
        every: here.every,
    };
    let (together, (alone, point, mut found)) = match plan.coupled.is_empty() {
        true => (Ok(()), alone()),
        false => rayon::join(|| joined.run(lockstep, junctions, spikes, passed), alone),
    };
    drop(joined);
    lockstep.stages = stages;
    let alone = match alone {
        Ok(fault) => fault.map(neuron::RunError::Fault),
        Err(error) => Some(error),
    };
    let faults =
        together.err().into_iter().chain(alone.map(CircuitRunError::from)).chain(point.map(CircuitRunError::from));
    // The earliest.
    if let Some(fault) = faults.min_by_key(CircuitRunError::when) {
        return Err(fault);
    }
    spikes.append(&mut found);
    Ok(neuron::finish(cells, stepping, epoch, None, (spikes, start))?)
}

impl CircuitRunError {
    /// The beginning of the step in which it happened; what is wrong of itself comes first.
    fn when(&self) -> Tick {
        match self {
            Self::Coupling { at, .. } | Self::JunctionRate { at, .. } | Self::Point { at, .. } => *at,
            Self::Cells(neuron::RunError::Fault(fault)) => fault.at,
            _ => Tick(i64::MIN),
        }
    }
}

impl From<PointFault> for CircuitRunError {
    fn from(PointFault { at, cell, error }: PointFault) -> Self {
        Self::Point { cell, at, error }
    }
}

/// Takes what is of a block from the front.
fn of<'a>(placed: &mut &'a [Placed], block: u32) -> &'a [Placed] {
    let n = placed.iter().take_while(|p| p.block == block).count();
    let (here, rest) = placed.split_at(n);
    *placed = rest;
    here
}
