//! A block of point neurons through an epoch.

use super::block::Group;
use super::drive::BlockDrive;
use super::state::BlockState;
use super::wires::Rings;
use crate::neuron::{Moment, Ports, Spike};
use crate::point::{self, PointError};
use crate::time::Tick;
use numerics::simd::F64x8;

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

impl Rings for PointBlock<'_> {
    #[inline(always)]
    fn rings(&mut self) -> &mut BlockState {
        self.drive.state
    }
}

impl PointBlock<'_> {
    pub fn run(&mut self, steps: u64) -> Result<(), PointFault> {
        let Self { drive, group, state } = self;
        let (dt, block) = (drive.plan.dt, drive.block);
        let mut ports = drive.work.ports.take().unwrap_or_else(|| Ports::of(1));
        let source = drive.plan.source(block.first);
        drive.work.spikes.clear();
        for _ in 0..steps {
            let start = state.clock();
            let moment = Moment { start, at: start + Tick(dt.0 / 2), end: start + dt };
            ports.clear();
            let v = F64x8(std::array::from_fn(|lane| state.v_m(lane)));
            drive.fill(moment, |_| v, &mut ports);
            let (g, i) = ports.line(0);
            let all = point::Ports { g: g.0, i: i.0 };
            let work = &mut *drive.work;
            work.fired.clear();
            point::step_at(drive.level, &group.plan, state, dt, &all, &work.arrivals, &mut work.fired).map_err(
                |error| {
                    let cell = block.first + error.lane().unwrap_or(0) as u32;
                    PointFault { at: start, cell, error }
                },
            )?;
            let spike = |s: &point::Spike| {
                let lane = s.lane as u32;
                Spike { at: s.at, detector: source + lane, cell: block.first + lane, compartment: 0 }
            };
            work.spikes.extend(work.fired.iter().map(spike));
            drive.look(moment, |_, lane| state.v_m(lane), |_, lane| state.drawn(&group.plan, lane));
        }
        drive.work.ports = Some(ports);
        Ok(())
    }
}
