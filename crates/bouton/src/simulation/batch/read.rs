//! What is read off a batch: samples of probes, in steps and in silence.

use super::{Batch, Scratch};
use crate::simulation::plain::{Effect, OfPlain};
use crate::simulation::plan::{Plan, Source, Voltage};
use crate::simulation::population::OfPopulation;
use crate::simulation::trace::Traces;
use engine::circuit::Target;
use engine::neuron::Site;
use engine::time::Tick;

impl Batch {
    /// Samples of a silence that lasts until `to`: what there is, again and again. How many each probe had before, where
    /// baths change.
    pub(super) fn repeat(&self, plan: &Plan, scratch: &Scratch, to: Tick, traces: &mut Traces) -> Vec<usize> {
        let before = plan.probes.iter().enumerate().filter(|_| plan.washed).map(|(p, _)| traces.lanes[0][p].len());
        let before = before.collect();
        for (p, probe) in plan.probes.iter().enumerate() {
            let samples = (to.0 / probe.every.0 - self.clock.0 / probe.every.0) as usize;
            for lane in 0..self.lanes {
                let out = &mut traces.lanes[lane][p];
                if let Source::Tree { cell, width } = probe.source {
                    for _ in 0..samples {
                        out.extend((0..width).map(|k| self.voltage(plan, (cell, k), lane)));
                    }
                    continue;
                }
                let value = self.value(plan, scratch, probe.source, lane, false);
                out.resize(out.len() + samples, value);
            }
        }
        before
    }

    /// Samples every probe that is due.
    pub(super) fn record(&self, plan: &Plan, scratch: &Scratch, traces: &mut Traces, start: bool) {
        for (p, probe) in plan.probes.iter().enumerate() {
            if probe.every >= plan.step && self.clock.0 % probe.every.0 != 0 || probe.source.is_of_events() {
                continue;
            }
            // The circuit has told it.
            if !start && plan.circuit.as_ref().is_some_and(|circuit| circuit.watch.has(p)) {
                continue;
            }
            for lane in 0..self.lanes {
                let out = &mut traces.lanes[lane][p];
                match probe.source {
                    Source::Cleft { synapse } if !start && probe.every < plan.step => {
                        out.extend_from_slice(&scratch.given[lane][synapse].concentration);
                    }
                    Source::Tap { synapse, tap } if !start && plan.synapses[synapse].taps[tap].samples > 0 => {
                        let from = out.len();
                        for s in plan.zones(synapse) {
                            let samples = &scratch.given[lane][s].samples[tap];
                            if s == synapse {
                                out.extend_from_slice(samples);
                            } else {
                                out[from..].iter_mut().zip(samples).for_each(|(sum, x)| *sum += x);
                            }
                        }
                    }
                    Source::Tree { cell, width } => {
                        out.extend((0..width).map(|k| self.voltage(plan, (cell, k), lane)));
                    }
                    source => out.push(self.value(plan, scratch, source, lane, start)),
                }
            }
        }
    }

    /// A quantity now: of all active zones where it is a sum, else of the first.
    fn value(&self, plan: &Plan, scratch: &Scratch, source: Source, lane: usize, start: bool) -> f64 {
        let Some(first) = source.summed() else { return self.one(plan, scratch, source, lane, start) };
        let of = |synapse: usize| {
            let mut here = source;
            here.synapse_mut().into_iter().for_each(|s| *s = synapse);
            self.one(plan, scratch, here, lane, start)
        };
        // One zone is one value: 0 + -0 would change its bits.
        plan.zones(first).skip(1).fold(of(first), |sum, s| sum + of(s))
    }

    /// A quantity now, of one active zone.
    fn one(&self, plan: &Plan, scratch: &Scratch, source: Source, lane: usize, start: bool) -> f64 {
        let contact = |s: usize| (&plan.synapses[s], &self.contacts[lane][s]);
        let at_synapse = |s: usize| (&plan.synapses[s], self.voltage(plan, plan.synapses[s].to, lane));
        let conductance = |s: usize| &scratch.conductance[lane][s][..];
        match source {
            Source::Rate(_) => f64::NAN,
            Source::Junction { gap, quantity } => plan
                .circuit
                .as_ref()
                .map_or(f64::NAN, |of| of.gaps[gap].now(&of.plan, &self.nets[lane].state, quantity)),
            Source::Adaptation(cell) if plan.cells[cell].circuit.is_some() => {
                let (number, of) = (plan.cells[cell].circuit.unwrap_or(0), plan.circuit.as_ref());
                of.map_or(f64::NAN, |of| self.nets[lane].state.adaptation(&of.plan, number))
            }
            Source::Membrane { cell, .. } if self.points[cell].is_some() => self.drawn(plan, cell, lane),
            Source::Adaptation(cell) => self.points[cell].as_ref().map_or(f64::NAN, |point| point.adaptation(lane)),
            Source::Membrane { cell, compartment } => self.voltage(plan, (cell, compartment), lane),
            Source::Tree { cell, .. } => self.voltage(plan, (cell, 0), lane),
            Source::Concentration { cell, compartment, ion } if plan.cells[cell].circuit.is_some() => {
                let at = Target { cell: plan.cells[cell].circuit.unwrap_or(0), compartment };
                let found = plan.circuit.as_ref().and_then(|of| self.nets[lane].concentration(of, at, ion));
                found.unwrap_or(f64::NAN)
            }
            Source::Concentration { cell, compartment, ion } => match (&plan.cells[cell].voltage, &self.cells[cell]) {
                (Voltage::Membrane { cell, .. }, Some(state)) => {
                    let site = Site { block: 0, compartment, lane };
                    state.concentration(&cell.plan, site, ion).unwrap_or(f64::NAN)
                }
                _ => f64::NAN,
            },
            Source::ChannelCurrent { cell, compartment, channel } => {
                match (&plan.cells[cell].voltage, &self.cells[cell]) {
                    (Voltage::Membrane { cell: lowered, .. }, state) => {
                        let site = Site { block: 0, compartment, lane };
                        let of = plan.circuit.as_ref().zip(plan.cells[cell].circuit);
                        match (&lowered.channels[channel].fixed, state, of) {
                            (Some((g, e_rev)), ..) => {
                                g[compartment as usize] * (self.voltage(plan, (cell, compartment), lane) - e_rev)
                            }
                            (None, Some(state), _) => state.current(&lowered.plan, site, channel),
                            (None, None, Some((of, number))) => {
                                self.nets[lane].current(of, Target { cell: number, compartment }, channel)
                            }
                            _ => f64::NAN,
                        }
                    }
                    _ => f64::NAN,
                }
            }
            Source::ChannelOpen { cell, compartment, channel } => {
                let Voltage::Membrane { cell: lowered, .. } = &plan.cells[cell].voltage else { return f64::NAN };
                let of = plan.circuit.as_ref().zip(plan.cells[cell].circuit);
                match (&lowered.channels[channel].fixed, &self.cells[cell], of) {
                    (Some((g, _)), ..) => f64::from(u8::from(g[compartment as usize] > 0.0)),
                    (None, Some(state), _) => {
                        state.open(&lowered.plan, Site { block: 0, compartment, lane }, channel).unwrap_or(0.0)
                    }
                    (None, None, Some((of, number))) => {
                        self.nets[lane].open(of, Target { cell: number, compartment }, channel)
                    }
                    _ => f64::NAN,
                }
            }
            Source::Bath(k) => plan.baths[k],
            Source::ClampCurrent(k) => self.clamped[lane][k].0,
            Source::ClampVoltage(k) => self.clamped[lane][k].1,
            Source::Terminal { synapse, quantity } => {
                let (synapse, contact) = contact(synapse);
                contact.of_terminal(synapse, quantity, self.clock)
            }
            Source::Cleft { synapse } => {
                let (synapse, contact) = contact(synapse);
                contact.concentration(synapse)
            }
            Source::Distant { synapse, place } => {
                let (synapse, contact) = contact(synapse);
                contact.distant(synapse, place)
            }
            Source::Tap { synapse, tap } => {
                let (synapse, contact) = contact(synapse);
                contact.value(synapse, tap)
            }
            Source::Spread { synapse, receptor } => {
                let (synapse, contact) = contact(synapse);
                contact.spread(synapse, receptor)
            }
            Source::ReceptorCurrent { .. } | Source::SynapseCurrent { .. } if start => 0.0,
            Source::ReceptorCurrent { synapse: s, receptor } => {
                let (synapse, v) = at_synapse(s);
                let drop = if synapse.resistance == 0.0 {
                    0.0
                } else {
                    synapse.resistance * synapse.current(conductance(s), v)
                };
                conductance(s)[receptor] * (v - drop - synapse.receptors[receptor].e_rev)
            }
            Source::SynapseCurrent { synapse: s } => {
                let (synapse, v) = at_synapse(s);
                synapse.current(conductance(s), v)
            }
            Source::Bound { synapse, clearance } => {
                let (synapse, contact) = contact(synapse);
                let resident = synapse.clearance[clearance].resident;
                contact.budget(synapse).bound[resident] * numerics::constants::AVOGADRO
            }
            Source::TurnedOver { synapse, clearance } => {
                let (synapse, contact) = contact(synapse);
                let resident = synapse.clearance[clearance].resident;
                contact.budget(synapse).turned_over[resident] * numerics::constants::AVOGADRO
            }
            Source::Population { population: p, quantity } => {
                let population = &plan.populations[p];
                let current = |r: usize| {
                    let v = self.voltage(plan, population.to, lane);
                    scratch.crowds[lane][p][r] * (v - population.receptors[r].e_rev)
                };
                match quantity {
                    OfPopulation::ReceptorCurrent(_) | OfPopulation::Current if start => 0.0,
                    OfPopulation::ReceptorCurrent(r) => current(r),
                    OfPopulation::Current => (0..population.receptors.len()).map(current).sum(),
                    other => self.crowds[lane][p].value(population, other),
                }
            }
            Source::Plain { plain: p, quantity } => {
                let one = |p: usize| {
                    let (plain, now) = (&plan.plain[p], self.plain[lane][p].now());
                    let v = self.voltage(plan, plain.to, lane);
                    match (quantity, plain.effect) {
                        (OfPlain::Conductance, _) => now * plain.open(v),
                        (OfPlain::Current, Effect::Current) => -now,
                        (OfPlain::Current, Effect::Conductance { e_rev }) => now * plain.open(v) * (v - e_rev),
                    }
                };
                (p..p + plan.plain[p].spine.1).map(one).sum()
            }
            Source::Occupancy { synapse, clearance, state } => {
                let (synapse, contact) = contact(synapse);
                contact.occupancy(synapse, (clearance, state), self.clock)
            }
        }
    }
}
