//! A block of point neurons through an epoch.

use super::block::Group;
use super::drive::BlockDrive;
use super::state::BlockState;
use super::wires::Rings;
use crate::neuron::{Moment, Ports, Spike};
use crate::point::{self, PointError};
use crate::time::Tick;
use numerics::simd::{F64x8, LANES};

/// What went wrong, and when it had not yet.
#[derive(Debug)]
pub(super) struct PointFault {
    pub at: Tick,
    pub cell: u32,
    pub error: PointError,
}

/// A block of point neurons, and what acts on it.
pub(super) struct PointBlock<'a> {
    pub drive: BlockDrive<'a>,
    pub group: &'a Group,
    pub state: &'a mut point::State,
}

/// A step of point neurons that junctions join to others, while it is being found.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// When it began.
    before: Option<point::State>,
    /// What acts but for junctions, and with them.
    own: point::Ports,
    all: point::Ports,
    /// By lane, of junctions: nS, pA.
    heard: [[f64; 2]; LANES],
    mean: [f64; LANES],
}

impl Rings for PointBlock<'_> {
    #[inline(always)]
    fn rings(&mut self) -> &mut BlockState {
        self.drive.state
    }
}

impl PointBlock<'_> {
    pub fn run(&mut self, steps: u64) -> Result<(), PointFault> {
        self.drive.work.spikes.clear();
        for _ in 0..steps {
            let moment = self.moment();
            let all = self.fill(moment);
            let Self { drive, group, state } = self;
            let (dt, block) = (drive.plan.dt, drive.block);
            let work = &mut *drive.work;
            work.fired.clear();
            point::step_at(drive.level, &group.plan, state, dt, &all, &work.arrivals, &mut work.fired)
                .map_err(|error| fault(block.first, moment.start, error))?;
            self.spikes();
            self.look(moment);
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        let (start, dt) = (self.state.clock(), self.drive.plan.dt);
        Moment { start, at: start + Tick(dt.0 / 2), end: start + dt }
    }

    /// What acts within the step.
    fn fill(&mut self, moment: Moment) -> point::Ports {
        let Self { drive, state, .. } = self;
        let mut ports = drive.work.ports.take().unwrap_or_else(|| Ports::of(1));
        ports.clear();
        let v = F64x8(std::array::from_fn(|lane| state.v_m(lane)));
        drive.fill(moment, |_| v, &mut ports);
        let (g, i) = ports.line(0);
        let all = point::Ports { g: g.0, i: i.0 };
        drive.work.ports = Some(ports);
        all
    }

    /// Those that have fired, among the spikes of the epoch.
    fn spikes(&mut self) {
        let (block, source) = (self.drive.block, self.drive.plan.source(self.drive.block.first));
        let work = &mut *self.drive.work;
        let spike = |s: &point::Spike| {
            let lane = s.lane as u32;
            Spike { at: s.at, detector: source + lane, cell: block.first + lane, compartment: 0 }
        };
        work.spikes.extend(work.fired.iter().map(spike));
    }

    fn look(&mut self, moment: Moment) {
        let Self { drive, group, state } = self;
        drive.look(moment, |_, lane| state.v_m(lane), |_, lane| state.drawn(&group.plan, lane));
    }

    /// Voltage of one, mV.
    pub fn v_m(&self, lane: usize) -> f64 {
        self.state.v_m(lane)
    }

    /// Begins a step that is found together with others.
    pub fn act(&mut self) {
        let own = self.fill(self.moment());
        let asked = &mut self.drive.work.asked;
        (asked.own, asked.all, asked.heard) = (own, own, [[0.0; 2]; LANES]);
        match &mut asked.before {
            Some(before) => before.clone_from(self.state),
            none => *none = Some(self.state.clone()),
        }
    }

    /// What junctions of one conduct, nS, and what they would let in at 0 mV, pA.
    pub fn hear(&mut self, lane: usize, g: f64, i: f64) {
        let asked = &mut self.drive.work.asked;
        asked.heard[lane] = [g, i];
        (asked.all.g[lane], asked.all.i[lane]) = (asked.own.g[lane] + g, asked.own.i[lane] + i);
    }

    /// Takes the step with that, from where it began.
    pub fn ask(&mut self) -> Result<(), PointFault> {
        let Self { drive, group, state } = self;
        let (dt, first) = (drive.plan.dt, drive.block.first);
        let work = &mut *drive.work;
        let asked = &mut work.asked;
        if let Some(before) = &asked.before {
            state.clone_from(before);
        }
        work.fired.clear();
        let acts = (dt, &asked.all, &work.arrivals[..]);
        let start = state.clock();
        point::step_and_mean(drive.level, &group.plan, state, acts, &mut work.fired, &mut asked.mean)
            .map_err(|error| fault(first, start, error))
    }

    /// The mean voltage that came of it, mV; what junctions conduct and let in; how the mean follows a current, mV/pA.
    pub fn answer(&self, lane: usize) -> (f64, [f64; 2], f64) {
        let asked = &self.drive.work.asked;
        let slope = self.group.plan.model().slope(self.drive.plan.dt.ms(), asked.all.g[lane]);
        (asked.mean[lane], asked.heard[lane], slope)
    }

    /// Ends a step that was found.
    pub fn settle(&mut self, moment: Moment) {
        self.spikes();
        self.look(moment);
    }
}

fn fault(first: u32, at: Tick, error: PointError) -> PointFault {
    PointFault { at, cell: first + error.lane().unwrap_or(0) as u32, error }
}
