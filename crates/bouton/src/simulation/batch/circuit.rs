//! The circuit of a batch, in each trial by itself: what acts on it from outside, its spikes, what pipettes see of it.

use super::{Batch, Scratch};
use crate::simulation::circuit::{CircuitPlan, Net};
use crate::simulation::plan::{ClampKind, Plan, Receptor, Voltage};
use crate::simulation::trace::Traces;
use crate::simulation::{Event, RunFault, Work};
use engine::circuit::{self, Act, Carried, Outside, Target, Trace};
use engine::neuron::{Method, Moment, Spike, Stepping};
use engine::time::Tick;
use numerics::simd::{LANES, Level};

/// Steps that a circuit goes by itself, at most: what it tells is kept so long.
const MOST: i64 = 4096;

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    engine: circuit::Scratch,
    outside: Outside,
    /// Of counted channels, by trial.
    pub luck: Vec<Vec<Vec<engine::neuron::Luck>>>,
    spikes: Vec<Spike>,
    /// By trial: vesicles of this step, by the junction that feels them.
    pub told: [Vec<(u32, f64)>; LANES],
}

impl Batch {
    /// At time 0.
    pub(super) fn nets_at_rest(plan: &Plan, trial: u64) -> Option<Net> {
        plan.circuit.as_ref().map(|circuit| Net::new(circuit, plan.seed, trial))
    }

    /// How many steps the circuit may go from here: until anything else is to be done or looked at.
    pub(super) fn leap(&self, plan: &Plan, circuit: &CircuitPlan, until: Tick) -> i64 {
        if circuit.stepwise {
            return 1;
        }
        let mut to = until.min(self.clock + plan.step * MOST);
        for (p, probe) in plan.probes.iter().enumerate() {
            if !circuit.watch.has(p) && !probe.source.is_of_events() {
                let every = probe.every.max(plan.step);
                to = to.min(every * (self.clock.0 / every.0 + 1));
            }
        }
        ((to - self.clock).0 / plan.step.0).max(1)
    }

    /// Brings the circuit of each trial to `to`, under what acts on it now.
    pub(super) fn circuit(
        &mut self,
        (plan, circuit): (&Plan, &CircuitPlan),
        scratch: &mut Scratch,
        to: Tick,
        traces: &mut Traces,
        events: &mut Vec<Event>,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let steps = ((to - self.clock).0 / plan.step.0) as u64;
        let stepping = Stepping { level: Level::best(), dt: plan.step, method: Method::CrankNicolson };
        for lane in 0..self.lanes {
            let trial = self.first + lane as u64;
            scratch.circuit.outside.acts.clear();
            if circuit.stepwise {
                self.act(plan, scratch, lane);
            }
            let Memory { engine, outside, luck, spikes, told } = &mut scratch.circuit;
            outside.told.clear();
            outside.told.append(&mut told[lane]);
            let mut own = luck.get_mut(lane);
            if let Some(luck) = own.as_deref_mut() {
                std::mem::swap(luck, &mut outside.luck);
            }
            spikes.clear();
            let watch = &circuit.watch;
            let mut trace = Trace::new(watch.sites.clone(), watch.every).with_junctions(watch.junctions.clone());
            let net = &mut self.nets[lane];
            let trains = net.trains(circuit, (plan.seed, trial), to);
            circuit::run(&circuit.plan, &mut net.state, engine, stepping, steps, &trains, outside, spikes, &mut trace)
                .map_err(|e| RunFault::circuit(plan, circuit, (self.clock, e)).of(trial, &plan.name))?;
            if let Some(luck) = own {
                std::mem::swap(luck, &mut outside.luck);
            }
            for spike in &*spikes {
                let Some((group, member)) = circuit.spiker(spike.detector) else { continue };
                events.push(Event::spike(trial, spike.at, (group.cell, member)));
                let number = group.first + member;
                for (contact, synapse) in self.contacts[lane].iter_mut().zip(&plan.synapses) {
                    let sender = &plan.cells[synapse.from.0];
                    if sender.circuit == Some(number) && matches!(sender.voltage, Voltage::Point(_)) {
                        synapse.sending.hear(&mut contact.sending, spike.at);
                    }
                }
            }
            // Sites of a probe are one after the other; its samples are some of the trace's.
            let first = self.clock.0 / plan.step.0 / circuit.watch.every as i64 + 1;
            for (k, &(probe, site, every)) in circuit.watch.probes.iter().enumerate() {
                let next = circuit.watch.probes.get(k + 1).map_or(trace.values.len(), |p| p.1);
                let out = &mut traces.lanes[lane][probe];
                let samples = trace.values.get(site).map_or(0, Vec::len);
                for sample in 0..samples {
                    if ((first + sample as i64) as u64 * circuit.watch.every).is_multiple_of(every) {
                        out.extend(trace.values[site..next].iter().map(|values| values[sample]));
                    }
                }
            }
            for of in &circuit.watch.passing {
                let (gap, out) = (&circuit.gaps[of.gap], &mut traces.lanes[lane][of.probe]);
                let passed = &trace.passed[of.first..of.first + gap.count as usize];
                for sample in 0..passed.first().map_or(0, Vec::len) {
                    if ((first + sample as i64) as u64 * circuit.watch.every).is_multiple_of(of.every) {
                        out.push(gap.value(passed.iter().map(|one| one[sample]), of.quantity));
                    }
                }
            }
            work.neuron_steps += steps * circuit.groups.iter().map(|g| u64::from(g.count)).sum::<u64>();
            self.clamped_in(plan, scratch, lane, to);
        }
        for (s, synapse) in plan.synapses.iter().enumerate() {
            if plan.cells[synapse.from.0].circuit.is_some() {
                self.load.iter_mut().for_each(|of| of[s] = 0.0);
            }
        }
        Ok(())
    }

    /// What acts on the circuit of a trial within a step.
    fn act(&self, plan: &Plan, scratch: &mut Scratch, lane: usize) {
        let acts = &mut scratch.circuit.outside.acts;
        let place = |(cell, compartment): (usize, u32)| {
            plan.cells[cell].circuit.map(|number| Target { cell: number, compartment })
        };
        let through = |at @ (cell, _): (usize, u32), receptor: &Receptor, g: f64| {
            let (Voltage::Membrane { cell: lowered, .. }, Some(number)) =
                (&plan.cells[cell].voltage, plan.cells[cell].circuit)
            else {
                return None;
            };
            let (ion, influx) = lowered.calcium().zip(receptor.calcium)?;
            let ion = *plan.circuit.as_ref()?.group(number).ions.get(ion)?;
            let (g, i) = influx.carried(g, self.voltage(plan, at, lane));
            Some(Carried { ion, g, i })
        };
        // Voltage clamps come first, each of them with a place among the acts, so that what they saw is found again.
        for (k, clamp) in plan.clamps.iter().enumerate() {
            let Some(to) = place(clamp.at) else { continue };
            let share = |start: Tick, stop: Tick| {
                let overlap = stop.min(self.clock + plan.step).0 - start.max(self.clock).0;
                overlap.max(0) as f64 / plan.step.0 as f64
            };
            let noise = self.noise[lane][k];
            let moment = Moment { start: self.clock, at: self.clock, end: self.clock + plan.step };
            let jump = match clamp.kind {
                ClampKind::Voltage { .. } | ClampKind::Current { noise: None, .. } => false,
                ClampKind::Current { start, stop, .. } | ClampKind::Conductance { start, stop, .. } => {
                    moment.follows(start) || moment.follows(stop)
                }
            };
            let (g, i) = match clamp.kind {
                ClampKind::Voltage { hold, g_s, .. } => (g_s, g_s * hold),
                // Without noise it is the circuit's own.
                ClampKind::Current { noise: None, .. } => (0.0, 0.0),
                ClampKind::Current { current, start, stop, .. } => (0.0, share(start, stop) * (current + noise)),
                ClampKind::Conductance { g, reversal, start, stop, .. } => {
                    let g = share(start, stop) * (g + noise).max(0.0);
                    (g, g * reversal)
                }
            };
            acts.push(Act { to, g, i, jump, carried: None });
        }
        for (s, synapse) in plan.synapses.iter().enumerate() {
            if let Some(to) = place(synapse.to) {
                let conductance = &scratch.conductance[lane][s];
                let left = synapse.left(conductance);
                for (receptor, g) in synapse.receptors.iter().zip(conductance) {
                    let g = g * left;
                    acts.push(Act {
                        to,
                        g,
                        i: g * receptor.e_rev,
                        jump: false,
                        carried: through(synapse.to, receptor, g),
                    });
                }
            }
            if let Some(to) = place(synapse.from).filter(|_| synapse.sending.loads) {
                acts.push(Act { to, g: 0.0, i: self.load[lane][s], jump: false, carried: None });
            }
        }
        for (p, population) in plan.populations.iter().enumerate() {
            let Some(to) = place(population.to) else { continue };
            for (receptor, &g) in population.receptors.iter().zip(&scratch.crowds[lane][p]) {
                acts.push(Act {
                    to,
                    g,
                    i: g * receptor.e_rev,
                    jump: false,
                    carried: through(population.to, receptor, g),
                });
            }
        }
    }

    /// What pipettes on the circuit of a trial report of the step that ended at `to`.
    fn clamped_in(&mut self, plan: &Plan, scratch: &Scratch, lane: usize, to: Tick) {
        let begin = to - plan.step;
        let mut solved = scratch.circuit.outside.solved.iter();
        for (k, clamp) in plan.clamps.iter().enumerate() {
            if plan.cells[clamp.at.0].circuit.is_none() {
                continue;
            }
            let seen = solved.next().copied();
            let seen = seen.unwrap_or_else(|| self.voltage(plan, clamp.at, lane));
            self.seen(clamp, (lane, k), begin, seen);
        }
    }
}
