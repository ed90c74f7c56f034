//! Runs a population: each block by its own clock through all steps, spikes gathered in order of time and detector.
//!
//! **Backward Euler**: first order, L-stable. **Crank-Nicolson**: second order, gates at half steps (Hines 1984); a stiff clamp
//! rings at steps far above its time constant, and so does a jump that [`Ports::jump`] does not tell of. Spike times are interpolated
//! linearly, to the order of the voltages. Same bits for any threads, level and split of a run.

use super::channel::{ChannelInput, GateForm, MAX_GATES, MAX_INPUTS};
use super::drive::{Drive, Moment, PortFaults, Ports};
use super::fault::{NeuronFault, NeuronQuantity};
use super::ionic::work_lines;
use super::kernel::Step;
use super::occupancy::{self, Interval};
use super::plan::{Block, BlockChannel, Plan};
use super::staged::Clock;
use super::state::{BlockState, State};
use super::table::Tables;
use crate::mechanism::{self, EvalError, Input};
use crate::time::Tick;
use numerics::simd::{F64x8, LANES, Level};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// Which implicit rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// First order, L-stable.
    BackwardEuler,
    /// Second order, gates staggered.
    CrankNicolson,
}

/// How steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepping {
    /// Which instructions; results do not depend on it.
    pub level: Level,
    /// Length of a step.
    pub dt: Tick,
    /// The rule.
    pub method: Method,
}

/// An upward crossing of a detector's threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spike {
    /// When, interpolated within the step.
    pub at: Tick,
    /// The detector's number, counted through all cells.
    pub detector: u32,
    /// The cell.
    pub cell: u32,
    /// The compartment.
    pub compartment: u32,
}

/// Why a population was not advanced.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum RunError {
    /// A step that is not positive, or shorter than two ticks.
    #[error("a step of {dt}; it must be 2e-9 ms at least")]
    Step {
        /// What came.
        dt: Tick,
    },
    /// The state has other cells.
    #[error("the state belongs to another population")]
    State,
    /// Not one drive a block.
    #[error("{got} drives given for {want} blocks of eight cells")]
    Drives {
        /// How many came.
        got: usize,
        /// How many are needed.
        want: usize,
    },
    /// A channel whose copies are counted, and no luck for it.
    #[error("the copies of channel {channel} are counted, and the drive gives no luck for them")]
    Luck {
        /// The channel kind.
        channel: usize,
    },
    /// Copies that were never drawn.
    #[error("channels are counted, and the state was not populated")]
    Unpopulated,
    /// A number became meaningless.
    #[error(transparent)]
    Fault(#[from] NeuronFault),
    /// The rate program could not be evaluated; the plan is broken.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
}

/// Working memory; never saved. Kept between runs, it makes them nearly free of allocation.
#[derive(Debug, Default)]
pub struct Scratch {
    idle: Mutex<Vec<Work>>,
}

/// What one thread needs.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub rates: Vec<F64x8>,
    v: Vec<F64x8>,
    before: Vec<f64>,
    pub carried: Vec<F64x8>,
    inside: Vec<F64x8>,
    halves: Vec<F64x8>,
    pub ports: Ports,
    evaluation: mechanism::Scratch,
    pub schemes: occupancy::Work,
}

/// A thread's hold on working memory, given back when dropped.
struct Lease<'a>(&'a Scratch, Work);

impl<'a> Lease<'a> {
    fn new(scratch: &'a Scratch) -> Self {
        let work = scratch.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(scratch, work.unwrap_or_default())
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let work = std::mem::take(&mut self.1);
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(work);
    }
}

impl Work {
    pub fn fit(&mut self, block: &Block) {
        let grow = |column: &mut Vec<F64x8>, n: usize| column.resize(column.len().max(n), F64x8::splat(0.0));
        grow(&mut self.v, block.rows());
        grow(&mut self.rates, 2 * block.gate_lines);
        grow(&mut self.carried, work_lines(block));
        self.ports.fit(block.rows());
    }
}

/// Advances every cell by `steps` steps; spikes are appended to `spikes` in order of time, then detector.
///
/// `drives`: one a block of eight cells. Threads of the current rayon pool share the blocks. Cost a step: one program
/// run a channel and compartment, two exponentials' worth a gate, one division and 3 multiply-adds a compartment.
///
/// # Errors
/// [`RunError`]; after a [`NeuronFault`] (the earliest, then the first cell's) the state is not to be used.
pub fn run<D: Drive>(
    plan: &Plan,
    state: &mut State,
    scratch: &Scratch,
    stepping: Stepping,
    steps: u64,
    drives: &mut [D],
    spikes: &mut Vec<Spike>,
) -> Result<(), RunError> {
    check(plan, state, stepping, drives.len())?;
    let clocks = Clock::of(state);
    let blocks = state.blocks.iter_mut().zip(&plan.blocks).zip(drives);
    let parts: Vec<Part<'_, D>> = blocks.map(|((state, block), drive)| Part { plan, block, state, drive }).collect();
    let start = spikes.len();
    let worst = run_parts(parts, scratch, (clocks, stepping, steps), spikes)?;
    finish(state, stepping, steps, worst, (spikes, start))
}

/// A block that runs by itself, and what drives it.
pub(crate) struct Part<'a, D> {
    pub(super) plan: &'a Plan,
    pub(super) block: &'a Block,
    pub(super) state: &'a mut BlockState,
    pub(super) drive: &'a mut D,
}

/// Advances blocks by `steps` steps, not the clock of their state; spikes come in no order. Gives the earliest fault.
pub(crate) fn run_parts<D: Drive>(
    parts: Vec<Part<'_, D>>,
    scratch: &Scratch,
    (clocks, stepping, steps): (Clock, Stepping, u64),
    spikes: &mut Vec<Spike>,
) -> Result<Option<NeuronFault>, RunError> {
    let results: Vec<Result<Vec<Spike>, RunError>> = parts
        .into_par_iter()
        .map_init(
            || Lease::new(scratch),
            |lease, Part { plan, block, state, drive }| {
                let mut found = Vec::new();
                lease.1.fit(block);
                run_block(plan, block, state, clocks, stepping, steps, drive, &mut lease.1, &mut found)?;
                Ok(found)
            },
        )
        .collect();
    let mut worst = None;
    for result in results {
        match result {
            Ok(found) => spikes.extend(found),
            Err(error) => worse(&mut worst, error)?,
        }
    }
    Ok(worst)
}

/// [`run`] on the calling thread alone, for whoever steps many small populations side by side. The same bits.
///
/// # Errors
/// As [`run`].
pub fn run_here<D: Drive>(
    plan: &Plan,
    state: &mut State,
    scratch: &Scratch,
    stepping: Stepping,
    steps: u64,
    drives: &mut [D],
    spikes: &mut Vec<Spike>,
) -> Result<(), RunError> {
    check(plan, state, stepping, drives.len())?;
    let clocks = Clock::of(state);
    let mut lease = Lease::new(scratch);
    let start = spikes.len();
    let mut worst = None;
    for ((state, block), drive) in state.blocks.iter_mut().zip(&plan.blocks).zip(drives) {
        lease.1.fit(block);
        if let Err(error) = run_block(plan, block, state, clocks, stepping, steps, drive, &mut lease.1, spikes) {
            worse(&mut worst, error)?;
        }
    }
    finish(state, stepping, steps, worst, (spikes, start))
}

pub(crate) fn check(plan: &Plan, state: &State, stepping: Stepping, drives: usize) -> Result<(), RunError> {
    if stepping.dt < Tick(2) {
        return Err(RunError::Step { dt: stepping.dt });
    }
    if !state.fits(plan) {
        return Err(RunError::State);
    }
    if plan.counted() && !state.populated {
        return Err(RunError::Unpopulated);
    }
    if drives != plan.blocks.len() {
        return Err(RunError::Drives { got: drives, want: plan.blocks.len() });
    }
    Ok(())
}

/// Keeps the earliest fault, then the first cell's; another error ends all.
pub(crate) fn worse(worst: &mut Option<NeuronFault>, error: RunError) -> Result<(), RunError> {
    match error {
        RunError::Fault(fault) if worst.is_none_or(|w| (fault.at, fault.cell) < (w.at, w.cell)) => {
            *worst = Some(fault);
            Ok(())
        }
        RunError::Fault(_) => Ok(()),
        other => Err(other),
    }
}

pub(crate) fn finish(
    state: &mut State,
    stepping: Stepping,
    steps: u64,
    worst: Option<NeuronFault>,
    (spikes, start): (&mut Vec<Spike>, usize),
) -> Result<(), RunError> {
    if let Some(fault) = worst {
        spikes.truncate(start);
        return Err(fault.into());
    }
    if steps > 0 {
        spikes[start..].sort_unstable();
        state.ordinal += steps;
        let steps = i64::try_from(steps).expect("time stays within 106 days");
        state.clock += stepping.dt * steps;
        state.gates_at = state.clock - lag(stepping);
    }
    Ok(())
}

/// How far the gates are behind after a step.
fn lag(stepping: Stepping) -> Tick {
    match stepping.method {
        Method::BackwardEuler => Tick::ZERO,
        Method::CrankNicolson => Tick(stepping.dt.0 - stepping.dt.0 / 2),
    }
}

#[expect(clippy::too_many_arguments, reason = "plan, state, work and orders, each its own thing")]
fn run_block<D: Drive>(
    plan: &Plan,
    block: &Block,
    state: &mut BlockState,
    mut clocks: Clock,
    stepping: Stepping,
    steps: u64,
    drive: &mut D,
    work: &mut Work,
    found: &mut Vec<Spike>,
) -> Result<(), RunError> {
    let Stepping { level, dt, method } = stepping;
    let second = method == Method::CrankNicolson;
    let h = dt.ms() * if second { 0.5 } else { 1.0 };
    let lanes = block.lanes();
    let mut inside = plan.tables.as_ref().is_some_and(|t| holds(t, &state.v));
    for _ in 0..steps {
        let moment = clocks.moment(stepping);
        let Moment { start, at, .. } = moment;
        work.ports.clear();
        drive.drive(moment, &state.v, &mut work.ports);
        let wrong = work.ports.faults(level);
        let tables = plan.tables.as_ref().filter(|t| t.dt == at - clocks.gates_at);
        for c in block.channels.iter().filter(|c| !(inside && tables.is_some_and(|t| t.channels[c.channel].is_some())))
        {
            rates(plan, c, level, (&state.v, &state.pools), work)?;
        }
        let h_gates = (at - clocks.gates_at).ms();
        let interval = Interval { level, h: h_gates, start, ordinal: clocks.ordinal };
        for scheme in &block.schemes {
            let luck = |channel| drive.luck(channel);
            let Work { schemes, rates, .. } = &mut *work;
            occupancy::advance((plan, block, scheme), state, interval, luck, schemes, rates)?;
        }
        work.before.clear();
        work.before.extend(block.detectors.iter().map(|d| state.v[d.row as usize].0[d.lane]));
        let (diagonal, rhs, brought, jumps) = work.ports.columns();
        let damped = if second { jumps } else { &[] };
        let step = Step {
            plan,
            block,
            v: &mut state.v,
            gates: &mut state.gates,
            rates: &work.rates,
            pools: &mut state.pools,
            carried: &mut work.carried[..work_lines(block)],
            brought,
            tables,
            inside,
            diagonal,
            rhs,
            h_gates,
            h,
            extrapolate: second,
            damped,
            halves: &mut work.halves,
        };
        let (sound, stays) = level.dispatch(step);
        if sound & lanes != lanes {
            let read = |c: &BlockChannel| inside && tables.is_some_and(|t| t.channels[c.channel].is_some());
            return Err(blame(plan, block, state, (wrong, &work.rates), lanes & !sound, start, read).into());
        }
        // A step without tables does not look.
        inside = if tables.is_some() { stays } else { plan.tables.as_ref().is_some_and(|t| holds(t, &state.v)) };
        crossings(block, &state.v, &work.before, start, dt, found);
        drive.after(moment, work.ports.solved(), &state.v);
        clocks = clocks.after(moment);
    }
    Ok(())
}

/// Appends the upward crossings of a step from `start`; `before`: voltages at the detectors then.
pub(super) fn crossings(block: &Block, v: &[F64x8], before: &[f64], start: Tick, dt: Tick, found: &mut Vec<Spike>) {
    for (d, &before) in block.detectors.iter().zip(before) {
        let after = v[d.row as usize].0[d.lane];
        if before < d.threshold && after >= d.threshold {
            let part = (d.threshold - before) / (after - before);
            let within = Tick((part * dt.0 as f64).round_ties_even() as i64);
            let (cell, compartment) = block.at(d.row, d.lane);
            found.push(Spike { at: start + within, detector: d.id, cell: cell as u32, compartment });
        }
    }
}

/// Whether every voltage lies within the tables.
pub(super) fn holds(tables: &Tables, v: &[F64x8]) -> bool {
    F64x8::as_f64s(v).iter().all(|&v| tables.segments.hold(v))
}

/// Rates of a channel on all its rows of the block, into `work.rates`.
pub(super) fn rates(
    plan: &Plan,
    c: &BlockChannel,
    level: Level,
    (v, pools): (&[F64x8], &[F64x8]),
    work: &mut Work,
) -> Result<(), EvalError> {
    let kind = &plan.channels[c.channel];
    let m = c.rows.len();
    if kind.gates.is_empty() || plan.schemes[c.channel].is_some() {
        return Ok(());
    }
    work.inside.clear();
    for lines in c.reads.iter().flatten() {
        work.inside.extend(lines.iter().map(|&line| pools[line as usize]));
    }
    let mut read = work.inside.chunks_exact(m);
    let v = if c.dense {
        v
    } else {
        for (to, &row) in work.v.iter_mut().zip(&c.rows) {
            *to = v[row as usize];
        }
        &work.v[..m]
    };
    let mut inputs = [Input::Uniform(0.0); MAX_INPUTS];
    for (to, &input) in inputs.iter_mut().zip(&kind.inputs) {
        *to = match input {
            ChannelInput::Voltage => Input::Column(F64x8::as_f64s(v)),
            ChannelInput::Temperature => Input::Uniform(plan.temperature),
            ChannelInput::Concentration(_) => Input::Column(F64x8::as_f64s(read.next().unwrap_or_default())),
            ChannelInput::Parameter(k) => match &c.parameters[usize::from(k)] {
                Some(column) => Input::Column(F64x8::as_f64s(column)),
                None => Input::Uniform(kind.parameters[usize::from(k)]),
            },
        };
    }
    let outputs = 2 * kind.gates.len();
    let lines = &mut work.rates[2 * c.gates_at..2 * c.gates_at + outputs * m];
    let mut columns = F64x8::as_f64s_mut(lines).chunks_exact_mut(m * LANES);
    let mut out: [&mut [f64]; 2 * MAX_GATES] = std::array::from_fn(|_| columns.next().unwrap_or_default());
    let evaluator = &plan.evaluators[c.channel];
    evaluator.eval(level, &inputs[..kind.inputs.len()], &mut out[..outputs], &mut work.evaluation)
}

/// Finds the number that was not sound first: ports, then rates, then gates, then voltages; lane by lane.
/// Rates of channels that were `read` from tables were not evaluated, and were sound.
pub(super) fn blame(
    plan: &Plan,
    block: &Block,
    state: &BlockState,
    (wrong, rates): (Option<PortFaults>, &[F64x8]),
    unsound: u8,
    at: Tick,
    read: impl Fn(&BlockChannel) -> bool,
) -> NeuronFault {
    let lane = unsound.trailing_zeros() as usize;
    let fault = |quantity, value, row: usize| {
        let (cell, compartment) = block.at(row as u32, lane);
        NeuronFault { quantity, value, cell, compartment: compartment as usize, at }
    };
    if let Some((row, value)) = wrong.and_then(|wrong| wrong[lane]) {
        return fault(NeuronQuantity::Port, value, row);
    }
    let mut gate_fault = None;
    for c in &block.channels {
        let m = c.rows.len();
        for (k, &row) in c.rows.iter().enumerate().filter(|(k, _)| c.g_max[*k].0[lane] > 0.0) {
            for (gate, kind) in plan.channels[c.channel].gates.iter().enumerate() {
                let line = 2 * c.gates_at + 2 * gate * m + k;
                let pair = [rates[line].0[lane], rates[line + m].0[lane]];
                let sound = |(index, x): (usize, f64)| match kind.form {
                    GateForm::Steady if index == 1 => x >= 0.0,
                    _ => x >= 0.0 && x.is_finite(),
                };
                let bad = if read(c) { None } else { pair.into_iter().enumerate().find(|&pair| !sound(pair)) };
                if let Some((_, value)) = bad {
                    return fault(NeuronQuantity::Rate { channel: c.channel, gate }, value, row as usize);
                }
                let x = state.gates[c.gates_at + gate * m + k].0[lane];
                if !(-1e-9..=1.0 + 1e-9).contains(&x) && gate_fault.is_none() {
                    gate_fault = Some(fault(NeuronQuantity::Gate { channel: c.channel, gate }, x, row as usize));
                }
            }
        }
    }
    for pool in &block.pools {
        for (k, &row) in pool.rows.iter().enumerate().filter(|(k, _)| pool.has((*k, lane))) {
            let c = state.pools[pool.lines()[0].start + k].0[lane];
            let v = state.v[row as usize].0[lane];
            if v.is_finite() && !(c > 0.0 && c.is_finite()) && gate_fault.is_none() {
                gate_fault = Some(fault(NeuronQuantity::Concentration { ion: pool.ion }, c, row as usize));
            }
        }
    }
    gate_fault.unwrap_or_else(|| {
        let rows = if block.is_stacked() { block.rows() } else { block.sizes[lane] };
        let voltage = (0..rows).map(|row| (row, state.v[row].0[lane])).find(|(_, v)| !v.is_finite());
        let (row, value) = voltage.unwrap_or((0, state.v[0].0[lane]));
        fault(NeuronQuantity::Voltage, value, row)
    })
}
