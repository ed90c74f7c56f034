//! What acts on eight neurons within a step: their synapses, injections, and what comes from outside.

use super::block::{BlockPlan, Line};
use super::outside::Act;
use super::plan::{Action, Plan};
use super::state::{BlockState, Event, in_order};
use crate::neuron::{self, Drive, Luck, Moment, Ports, Site};
use crate::point::{self, Arrival};
use crate::receptor::within::Stepped;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};

/// Below this a conductance is 0: subnormal numbers are slow.
const NOTHING: f64 = 1e-290;

/// Something at a place, by block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Placed {
    pub block: u32,
    /// Which it is of the list it came from.
    pub index: u32,
    pub row: u32,
    pub lane: u32,
}

/// Working memory of a block.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub means: Vec<F64x8>,
    merged: Vec<Event>,
    /// Of plain currents onto point neurons, within the step.
    pub arrivals: Vec<Arrival>,
    pub fired: Vec<point::Spike>,
    /// Of point neurons that junctions join.
    pub asked: super::points::Asked,
    /// Of the epoch.
    pub spikes: Vec<neuron::Spike>,
    pub ports: Option<Ports>,
    /// Of lines that are blocked: voltages, and what they leave.
    pub volts: Vec<f64>,
    pub share: Vec<f64>,
    pub evaluation: crate::mechanism::Scratch,
    /// By sample, then site of the block.
    pub samples: Vec<f64>,
}

/// What drives the neurons of a block through an epoch.
pub(super) struct BlockDrive<'a> {
    pub plan: &'a Plan,
    pub block: &'a BlockPlan,
    pub state: &'a mut BlockState,
    pub work: &'a mut Work,
    pub level: Level,
    /// Those of `acts` that are here, and what they see.
    pub here: &'a [Placed],
    pub acts: &'a [Act],
    /// By channel kind.
    pub luck: &'a [Luck],
    pub seen: &'a mut [f64],
    /// Sites of the trace that are here.
    pub sites: &'a [Placed],
    pub every: u64,
}

impl BlockDrive<'_> {
    /// Fills the (empty) ports, and the arrivals of plain currents that count one by one.
    /// `v`: voltages of a row at the step's beginning.
    pub fn fill(&mut self, moment: Moment, v: impl Fn(u32) -> F64x8, ports: &mut Ports) {
        let Self { plan, block, state, work, .. } = self;
        work.means.resize(block.lines.len(), F64x8::default());
        for (kind, of) in plan.within.iter().enumerate() {
            let lines = block.kinds[kind]..block.kinds[kind + 1];
            if !lines.is_empty() {
                let (g, h) = (&mut state.g[lines.clone()], &mut state.h[lines.clone()]);
                self.level.dispatch(Lines { whole: of.whole(), g, h, means: &mut work.means[lines] });
            }
        }
        let n = state.ring.len();
        let mut events = std::mem::take(&mut state.ring[state.first]);
        state.first = (state.first + 1) % n;
        sort(&mut events, &mut work.merged);
        work.arrivals.clear();
        for event in &events {
            let (line, lane) = (event.place() / LANES, event.place() % LANES);
            let at = moment.start + event.late();
            if let Some(input) = line.checked_sub(block.lines.len()) {
                work.arrivals.push(Arrival { at, lane, input, weight: event.weight });
                continue;
            }
            let within = &plan.within[usize::from(block.lines[line].kind)];
            let late = within.event((moment.end - at).ms());
            state.g[line].0[lane] += event.weight * late.g;
            state.h[line].0[lane] += event.weight * late.h;
            work.means[line].0[lane] += event.weight * late.mean;
        }
        events.clear();
        state.ring[(state.first + n - 1) % n] = events;
        for (kind, of) in plan.kinds.iter().enumerate() {
            let lines = block.kinds[kind]..block.kinds[kind + 1];
            if !lines.is_empty() {
                if let Some(shade) = plan.shades.get(kind).and_then(Option::as_ref) {
                    let rows = block.lines[lines.clone()].iter().map(|line| v(line.row));
                    shade.cast(self.level, lines.start, rows, work);
                }
                let (means, lines) = (&work.means[lines.clone()], &block.lines[lines]);
                self.level.dispatch(Enter { action: of.action, means, lines, ports });
            }
        }
        for &(row, lane, injection) in &block.injections {
            let covered = (injection.stop.min(moment.end)).0 - injection.start.max(moment.start).0;
            if covered > 0 {
                let share = covered as f64 / (moment.end - moment.start).0 as f64;
                ports.line(row).1.0[lane] += injection.current * share;
            }
            if moment.follows(injection.start) || moment.follows(injection.stop) {
                ports.jump_at(row, lane, block.stacked);
            }
        }
        for &Placed { index, row, lane, .. } in self.here {
            let (act, lane) = (&self.acts[index as usize], lane as usize);
            let (g, i) = ports.line(row);
            g.0[lane] += act.g;
            i.0[lane] += act.i;
            if act.jump {
                ports.jump_at(row, lane, block.stacked);
            }
            if let Some(c) = act.carried {
                ports.carries(c.ion, Site { block: 0, compartment: row, lane }, c.g, c.i);
            }
        }
    }

    /// Looks at what the step has made: voltages that acts saw, and those to be recorded, by row and lane.
    pub fn look(&mut self, moment: Moment, seen: impl Fn(u32, usize) -> f64, drawn: impl Fn(u32, usize) -> f64) {
        for (to, at) in self.seen.iter_mut().zip(self.here) {
            *to = seen(at.row, at.lane as usize);
        }
        if !self.sites.is_empty() && ((moment.end.0 / self.plan.dt.0) as u64).is_multiple_of(self.every) {
            self.work.samples.extend(self.sites.iter().map(|at| drawn(at.row, at.lane as usize)));
        }
    }
}

impl Drive for BlockDrive<'_> {
    fn luck(&self, channel: usize) -> Option<Luck> {
        self.luck.get(channel).copied()
    }

    fn drive(&mut self, moment: Moment, v: &[F64x8], ports: &mut Ports) {
        self.fill(moment, |row| v[row as usize], ports);
    }

    fn after(&mut self, moment: Moment, solved: &[F64x8], v: &[F64x8]) {
        self.look(moment, |row, lane| solved[row as usize].0[lane], |row, lane| v[row as usize].0[lane]);
    }
}

/// Puts events in order. They often come as two runs that are: of trains, and of neurons.
fn sort(events: &mut Vec<Event>, merged: &mut Vec<Event>) {
    let descent = |events: &[Event]| events.windows(2).position(|w| in_order(&w[0], &w[1]).is_gt());
    let Some(end) = descent(events) else { return };
    let (a, b) = events.split_at(end + 1);
    if descent(b).is_some() {
        events.sort_unstable_by(in_order);
        return;
    }
    merged.clear();
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let first = in_order(&a[i], &b[j]).is_le();
        merged.push(if first { a[i] } else { b[j] });
        (i, j) = (i + usize::from(first), j + usize::from(!first));
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
    std::mem::swap(events, merged);
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
