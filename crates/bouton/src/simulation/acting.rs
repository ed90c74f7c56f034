//! What acts on a cell's membrane: its synapses, what its own terminals take in, its pipettes.

use super::influx::Influx;
use super::plain::{Effect, Plain};
use super::plan::{ClampKind, Plan, Voltage};
use engine::neuron::{self, CurrentClamp, Drive, Moment, Ports};
use engine::time::Tick;
use numerics::simd::{F64x8, LANES};

/// What acts on a cell's membrane within a step.
pub(super) struct Acting<'a> {
    pub plan: &'a Plan,
    pub cell: usize,
    pub lanes: usize,
    pub conductance: &'a [Vec<Vec<f64>>],
    /// Conductances of populations, nS, `[trial][population][receptor]`.
    pub crowds: &'a [Vec<Vec<f64>>],
    /// `[trial][plain synapse]`.
    pub plain: &'a [Vec<Plain>],
    /// Voltages that clamps saw, `[trial][clamp]`.
    pub solved: &'a mut [Vec<f64>],
    /// What is added to the current (pA) or conductance (nS) of clamps, `[trial][clamp]`.
    pub noise: &'a [Vec<f64>],
    /// Calcium currents that terminals took in within the step before, pA, `[trial][synapse]`.
    pub load: &'a [Vec<f64>],
    /// Of channels that are counted.
    pub luck: &'a [neuron::Luck],
}

impl ClampKind {
    /// The current that a pipette with this `noise` injects in the step from `at` on, at `seen` mV, pA; before any filter.
    pub(super) fn injected(&self, at: Tick, noise: f64, seen: f64) -> f64 {
        let on = |start: Tick, stop: Tick| (start..stop).contains(&at);
        match *self {
            Self::Voltage { hold, g_s, .. } => g_s * (hold - seen),
            Self::Current { current, start, stop, .. } if on(start, stop) => current + noise,
            Self::Conductance { g, reversal, start, stop, .. } if on(start, stop) => {
                (g + noise).max(0.0) * (reversal - seen)
            }
            Self::Current { .. } | Self::Conductance { .. } => 0.0,
        }
    }
}

impl Drive for Acting<'_> {
    fn drive(&mut self, moment: Moment, v: &[F64x8], ports: &mut Ports) {
        let calcium = match &self.plan.cells[self.cell].voltage {
            Voltage::Membrane { cell, .. } => cell.calcium(),
            _ => None,
        };
        // What of a conductance's current is calcium.
        let carry = |ports: &mut Ports, influx: Option<Influx>, compartment: u32, lane: usize, g: f64| {
            if let Some((ion, influx)) = calcium.zip(influx).filter(|_| g > 0.0) {
                let (slope, offset) = influx.carried(g, v[compartment as usize].0[lane]);
                ports.carries(ion, neuron::Site { block: 0, compartment, lane }, slope, offset);
            }
        };
        for (s, synapse) in self.plan.synapses.iter().enumerate().filter(|(_, s)| s.to.0 == self.cell) {
            let mut left = [1.0; LANES];
            for (left, conductance) in left.iter_mut().zip(self.conductance) {
                *left = synapse.left(&conductance[s]);
            }
            for (r, receptor) in synapse.receptors.iter().enumerate() {
                for (lane, conductance) in self.conductance[..self.lanes].iter().enumerate() {
                    let g = conductance[s][r] * left[lane];
                    let (g_sum, i_sum) = ports.line(synapse.to.1);
                    g_sum.0[lane] += g;
                    i_sum.0[lane] += g * receptor.e_rev;
                    carry(ports, receptor.calcium, synapse.to.1, lane, g);
                }
            }
        }
        for (p, population) in self.plan.populations.iter().enumerate().filter(|(_, p)| p.to.0 == self.cell) {
            for (r, receptor) in population.receptors.iter().enumerate() {
                for (lane, crowds) in self.crowds[..self.lanes].iter().enumerate() {
                    let (g_sum, i_sum) = ports.line(population.to.1);
                    g_sum.0[lane] += crowds[p][r];
                    i_sum.0[lane] += crowds[p][r] * receptor.e_rev;
                    carry(ports, receptor.calcium, population.to.1, lane, crowds[p][r]);
                }
            }
        }
        let plain = self.plan.plain.iter().enumerate();
        for (p, plain) in plain.filter(|(_, p)| p.to.0 == self.cell && p.exact.is_none()) {
            for (lane, of) in self.plain[..self.lanes].iter().enumerate() {
                let mean = of[p].mean();
                let (g_sum, i_sum) = ports.line(plain.to.1);
                match plain.effect {
                    Effect::Conductance { e_rev } => {
                        let g = if mean > 0.0 { mean * plain.open(v[plain.to.1 as usize].0[lane]) } else { mean };
                        g_sum.0[lane] += g;
                        i_sum.0[lane] += g * e_rev;
                        carry(ports, plain.calcium, plain.to.1, lane, g);
                    }
                    Effect::Current => i_sum.0[lane] += mean,
                }
            }
        }
        for (s, synapse) in
            self.plan.synapses.iter().enumerate().filter(|(_, s)| s.from.0 == self.cell && s.sending.loads)
        {
            let (_, i) = ports.line(synapse.from.1);
            for (lane, load) in self.load.iter().enumerate() {
                i.0[lane] += load[s];
            }
        }
        for (k, clamp) in self.plan.clamps.iter().enumerate().filter(|(_, c)| c.at.0 == self.cell) {
            match clamp.kind {
                ClampKind::Voltage { hold, g_s, .. } => {
                    let (g, i) = ports.line(clamp.at.1);
                    for lane in 0..LANES {
                        g.0[lane] += g_s;
                        i.0[lane] += g_s * hold;
                    }
                }
                ClampKind::Current { current, start, stop, .. } => {
                    for lane in 0..LANES {
                        let site = neuron::Site { block: 0, compartment: clamp.at.1, lane };
                        let current = current + self.noise.get(lane).map_or(0.0, |of| of[k]);
                        CurrentClamp { site, start, end: stop, current }.apply(moment, ports);
                    }
                }
                ClampKind::Conductance { g, reversal, start, stop, .. } => {
                    let overlap = stop.min(moment.end).0.saturating_sub(start.max(moment.start).0).max(0);
                    let share = overlap as f64 / (moment.end - moment.start).0 as f64;
                    let (g_sum, i_sum) = ports.line(clamp.at.1);
                    for lane in 0..LANES {
                        let noise = self.noise.get(lane).map_or(0.0, |of| of[k]);
                        let g = share * (g + noise).max(0.0);
                        g_sum.0[lane] += g;
                        i_sum.0[lane] += g * reversal;
                    }
                    if moment.follows(start) || moment.follows(stop) {
                        (0..LANES).for_each(|lane| ports.jump(lane));
                    }
                }
            }
        }
    }

    fn luck(&self, channel: usize) -> Option<neuron::Luck> {
        self.luck.get(channel).copied()
    }

    fn after(&mut self, _: Moment, solved: &[F64x8], _: &[F64x8]) {
        for (k, clamp) in self.plan.clamps.iter().enumerate().filter(|(_, c)| c.at.0 == self.cell) {
            for (lane, seen) in self.solved[..self.lanes].iter_mut().enumerate() {
                seen[k] = solved[clamp.at.1 as usize].0[lane];
            }
        }
    }
}
