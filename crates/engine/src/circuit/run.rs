//! Epochs: blocks run by themselves for as long as the shortest delay, then hear of each other's spikes.

use super::plan::{Action, BlockPlan, Line, Plan};
use super::state::{BlockState, State, Trace, Trains};
use crate::neuron::{self, Drive, Moment, Ports, Spike, Stepping};
use crate::receptor::within::Stepped;
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use rayon::prelude::*;
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
    /// The cells could not go on.
    #[error(transparent)]
    Cells(#[from] neuron::RunError),
}

/// Working memory; never saved.
#[derive(Debug, Default)]
pub struct Scratch {
    cells: neuron::Scratch,
}

/// Below this a conductance is 0: subnormal numbers are slow.
const NOTHING: f64 = 1e-290;

/// Advances a circuit by `steps` steps; spikes of its detectors are appended in order of time, then detector.
///
/// `trains`: the spikes from outside; those within the interval are used. Threads of the current rayon pool share the
/// blocks of cells.
///
/// # Errors
/// [`CircuitRunError`]; after a fault of the cells the state is not to be used.
#[expect(clippy::too_many_arguments, reason = "plan, state, scratch, input and output, each its own thing")]
pub fn run(
    plan: &Plan,
    state: &mut State,
    scratch: &Scratch,
    stepping: Stepping,
    steps: u64,
    trains: &Trains,
    spikes: &mut Vec<Spike>,
    trace: &mut Trace,
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
    let detectors = plan.cells.detectors() as u32;
    let mut left = steps;
    let mut heard: Vec<(Tick, u32)> = Vec::new();
    while left > 0 {
        let epoch = left.min(plan.epoch);
        let start = state.cells.clock();
        let end = start + plan.dt * epoch as i64;
        heard.clear();
        heard.extend(trains.between(start, end).iter().map(|&(at, train)| (at, detectors + train)));
        deliver(plan, state, start, &heard);
        let done = steps - left;
        let mut drives: Vec<BlockDrive> = (state.blocks.iter_mut().zip(&plan.blocks).enumerate())
            .map(|(b, (state, block))| BlockDrive::new(b, plan, block, state, stepping.level, (done, trace)))
            .collect();
        let from = spikes.len();
        neuron::run(&plan.cells, &mut state.cells, &scratch.cells, stepping, epoch, &mut drives, spikes)?;
        for (which, values) in drives.into_iter().flat_map(|d| d.watched) {
            trace.values[which].extend(values);
        }
        heard.clear();
        heard.extend(spikes[from..].iter().map(|s| (s.at, s.detector)));
        deliver(plan, state, end, &heard);
        left -= epoch;
    }
    Ok(())
}

/// Puts what `heard` sets off into the rings, whose first slot is the step from `now` on.
fn deliver(plan: &Plan, state: &mut State, now: Tick, heard: &[(Tick, u32)]) {
    if heard.is_empty() {
        return;
    }
    let (dt, delays) = (plan.dt.0, &plan.delays);
    state.blocks.par_iter_mut().zip(&plan.blocks).for_each(|(state, block)| {
        let n = state.ring.len();
        for &(at, source) in heard {
            let Ok(k) = block.sources.binary_search(&source) else { continue };
            for entry in block.starts[k]..block.starts[k + 1] {
                let at = at + delays[block.entries[entry as usize].delay as usize];
                let slot = ((at - now).0 / dt) as usize;
                debug_assert!(at >= now && slot < n, "within the ring");
                state.ring[(state.first + slot) % n].push((at, entry));
            }
        }
    });
}

/// The synapses and injections of a block, as what drives its cells.
struct BlockDrive<'a> {
    plan: &'a Plan,
    block: &'a BlockPlan,
    state: &'a mut BlockState,
    level: Level,
    means: Vec<F64x8>,
    done: u64,
    every: u64,
    /// Which site of the trace, and its samples.
    watched: Vec<(usize, Vec<f64>)>,
    sites: Vec<(u32, usize)>,
}

impl<'a> BlockDrive<'a> {
    fn new(
        index: usize,
        plan: &'a Plan,
        block: &'a BlockPlan,
        state: &'a mut BlockState,
        level: Level,
        (done, trace): (u64, &Trace),
    ) -> Self {
        let here = trace.sites.iter().enumerate().filter(|(_, site)| site.block == index);
        let (watched, sites) = here.map(|(k, site)| ((k, Vec::new()), (site.compartment, site.lane))).unzip();
        let means = vec![F64x8::default(); block.lines.len()];
        Self { plan, block, state, level, means, done, every: trace.every, watched, sites }
    }
}

impl Drive for BlockDrive<'_> {
    fn drive(&mut self, moment: Moment, _: &[F64x8], ports: &mut Ports) {
        let Self { plan, block, state, .. } = self;
        for (kind, of) in plan.within.iter().enumerate() {
            let lines = block.kinds[kind]..block.kinds[kind + 1];
            let (g, h) = (&mut state.g[lines.clone()], &mut state.h[lines.clone()]);
            self.level.dispatch(Lines { whole: of.whole(), g, h, means: &mut self.means[lines] });
        }
        let n = state.ring.len();
        let mut events = std::mem::take(&mut state.ring[state.first]);
        state.first = (state.first + 1) % n;
        // In the order of time, then connection, however they came here.
        events.sort_unstable();
        for &(at, entry) in &events {
            let entry = &block.entries[entry as usize];
            let (line, lane) = (entry.place as usize / LANES, entry.place as usize % LANES);
            let within = &plan.within[usize::from(block.lines[line].kind)];
            let late = within.event((moment.end - at).ms());
            state.g[line].0[lane] += entry.weight * late.g;
            state.h[line].0[lane] += entry.weight * late.h;
            self.means[line].0[lane] += entry.weight * late.mean;
        }
        events.clear();
        state.ring[(state.first + n - 1) % n] = events;
        for (kind, of) in plan.kinds.iter().enumerate() {
            let lines = block.kinds[kind]..block.kinds[kind + 1];
            let (means, lines) = (&self.means[lines.clone()], &block.lines[lines]);
            self.level.dispatch(Enter { action: of.action, means, lines, ports });
        }
        for &(row, lane, injection) in &block.injections {
            let covered = (injection.stop.min(moment.end)).0 - injection.start.max(moment.start).0;
            if covered > 0 {
                let share = covered as f64 / (moment.end - moment.start).0 as f64;
                ports.line(row).1.0[lane] += injection.current * share;
            }
            if moment.follows(injection.start) || moment.follows(injection.stop) {
                ports.jump(lane);
            }
        }
    }

    fn after(&mut self, _: Moment, _: &[F64x8], v: &[F64x8]) {
        self.done += 1;
        if self.done.is_multiple_of(self.every) {
            for ((_, values), &(row, lane)) in self.watched.iter_mut().zip(&self.sites) {
                values.push(v[row as usize].0[lane]);
            }
        }
    }
}

/// Steps all lines of a kind, and their means over the step but for what arrives within it.
struct Lines<'a> {
    whole: [Stepped; 2],
    g: &'a mut [F64x8],
    h: &'a mut [F64x8],
    means: &'a mut [F64x8],
}

impl Kernel for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { whole: [of_g, of_h], g, h, means } = self;
        let (keep, mean_g) = (L::splat(of_g.g), L::splat(of_g.mean));
        if of_h == Stepped::default() {
            for (g, mean) in g.iter_mut().zip(means) {
                let before = L::load(g);
                flush(keep * before).store(g);
                (mean_g * before).store(mean);
            }
            return;
        }
        let (feed, keep_h, mean_h) = (L::splat(of_h.g), L::splat(of_h.h), L::splat(of_h.mean));
        for ((g, h), mean) in g.iter_mut().zip(h).zip(means) {
            let before = (L::load(g), L::load(h));
            flush(keep.mul_add(before.0, feed * before.1)).store(g);
            flush(keep_h * before.1).store(h);
            mean_g.mul_add(before.0, mean_h * before.1).store(mean);
        }
    }
}

#[inline(always)]
fn flush<L: Lanes>(x: L) -> L {
    L::select(x.abs().lt(L::splat(NOTHING)), L::splat(0.0), x)
}

/// Puts the means of a kind into the ports.
struct Enter<'a> {
    action: Action,
    means: &'a [F64x8],
    lines: &'a [Line],
    ports: &'a mut Ports,
}

impl Kernel for Enter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { action, means, lines, ports } = self;
        for (mean, line) in means.iter().zip(lines) {
            let (g, i) = ports.line(line.row);
            let mean = L::load(mean);
            match action {
                Action::Conductance { e_rev } => {
                    (L::load(g) + mean).store(g);
                    mean.mul_add(L::splat(e_rev), L::load(i)).store(i);
                }
                Action::Current => (L::load(i) + mean).store(i),
            }
        }
    }
}
