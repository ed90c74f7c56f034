//! Point neurons of a batch: what acts on a membrane acts on them, plain currents each event by itself.

use super::{AT_REST, Batch, Scratch as Working};
use crate::simulation::acting::Acting;
use crate::simulation::plan::{CellPlan, Plan, Voltage};
use crate::simulation::{Event, RunFault};
use engine::neuron::{self, Drive, Moment};
use engine::point::{Arrival, Ports, Spike, State, step};
use engine::time::Tick;
use numerics::simd::F64x8;

/// Working memory.
#[derive(Debug)]
pub(super) struct Scratch {
    /// Of plain currents onto the cell at work, in the order of time.
    pub arrivals: Vec<Arrival>,
    ports: neuron::Ports,
    spikes: Vec<Spike>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { arrivals: Vec::new(), ports: neuron::Ports::of(1), spikes: Vec::new() }
    }
}

impl Batch {
    /// At time 0.
    pub(super) fn points_at_rest(plan: &Plan) -> Vec<Option<State>> {
        let of = |c: &CellPlan| match &c.voltage {
            Voltage::Point(point) if c.circuit.is_none() => Some(State::new(point)),
            _ => None,
        };
        plan.cells.iter().map(of).collect()
    }

    /// What plain currents bring at time 0, after those have begun themselves.
    pub(super) fn points_begin(&mut self, plan: &Plan, lane: usize) {
        for (of, plain) in self.plain[lane].iter().zip(&plan.plain) {
            if let (Some(input), Voltage::Point(point), Some(state)) =
                (plain.exact, &plan.cells[plain.to.0].voltage, &mut self.points[plain.to.0])
                && !of.asleep()
            {
                let weight = plain.peak * of.arrivals(plain) * plain.members as f64;
                state.take(point, Arrival { at: Tick::ZERO, lane, input, weight });
            }
        }
    }

    /// The voltage of a point neuron with its spikes, mV.
    pub(super) fn drawn(&self, plan: &Plan, cell: usize, lane: usize) -> f64 {
        match (&plan.cells[cell].voltage, &self.points[cell]) {
            (Voltage::Point(point), Some(state)) => state.drawn(point, lane),
            _ => f64::NAN,
        }
    }

    /// A step of a point neuron, and who hears of its spikes.
    pub(super) fn point(
        &mut self,
        plan: &Plan,
        scratch: &mut Working,
        cell: usize,
        events: &mut Vec<Event>,
    ) -> Result<(), RunFault> {
        let (Voltage::Point(point), Some(state)) = (&plan.cells[cell].voltage, &mut self.points[cell]) else {
            return Ok(());
        };
        let Scratch { arrivals, ports, spikes } = &mut scratch.points;
        let (start, end) = (self.clock, self.clock + plan.step);
        let moment = Moment { start, at: start + Tick(plan.step.0 / 2), end };
        ports.clear();
        let mut acting = Acting {
            plan,
            cell,
            lanes: self.lanes,
            conductance: &scratch.conductance,
            crowds: &scratch.crowds,
            plain: &self.plain,
            solved: &mut scratch.solved,
            noise: &self.noise,
            load: &self.load,
            luck: &[],
        };
        let v = F64x8(std::array::from_fn(|lane| state.v_m(lane)));
        acting.drive(moment, &[v], ports);
        let (g, i) = ports.line(0);
        let all = Ports { g: g.0, i: i.0 };
        spikes.clear();
        step(point, state, plan.step, &all, arrivals, spikes)
            .map_err(|e| RunFault::point(plan, cell, self.clock, self.first, e))?;
        for spike in spikes.iter().filter(|s| s.lane < self.lanes) {
            events.push(Event::spike(self.first + spike.lane as u64, spike.at, (cell, 0)));
            for (of, plain) in self.plain[spike.lane].iter_mut().zip(&plan.plain).filter(|(_, p)| p.from.0 == cell) {
                of.sent(plain, spike.at);
            }
            let contacts = self.contacts[spike.lane].iter_mut().zip(&plan.synapses);
            for (contact, synapse) in contacts.filter(|(_, s)| s.from.0 == cell) {
                synapse.sending.hear(&mut contact.sending, spike.at);
            }
        }
        for (k, clamp) in plan.clamps.iter().enumerate().filter(|(_, c)| c.at.0 == cell) {
            for lane in 0..self.lanes {
                let v = self.points[cell].as_ref().map_or(f64::NAN, |state| state.v_m(lane));
                self.seen(clamp, (lane, k), self.clock, v);
            }
        }
        Ok(())
    }

    /// Puts point neurons that are as good as at rest there; whether all are.
    pub(super) fn points_settle(&mut self, plan: &Plan) -> bool {
        let mut still = true;
        for (index, cell) in plan.cells.iter().enumerate() {
            let Voltage::Point(point) = &cell.voltage else { continue };
            let stirred = plan.populations.iter().any(|p| p.to.0 == index)
                || plan.clamps.iter().any(|c| c.at.0 == index && c.kind.stirs(self.clock, plan.step));
            for lane in 0..self.lanes {
                let acted = stirred || self.acted_on(plan, index, lane);
                let Some(state) = &mut self.points[index] else { continue };
                still &= !acted && state.snap(point, lane, AT_REST);
            }
        }
        still
    }
}
