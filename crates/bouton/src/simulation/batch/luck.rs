//! Luck of channels whose copies are counted: by trial, cell, channel; its members are compartments, its ordinals steps.

use super::Batch;
use crate::simulation::circuit::CircuitPlan;
use crate::simulation::contact::purpose;
use crate::simulation::plan::{Plan, Voltage};
use engine::neuron::Luck;
use numerics::rng::{StreamKey, name_hash};
use numerics::simd::LANES;

impl Batch {
    /// `[cell][channel]`, of the eight trials.
    pub(super) fn luck(&self, plan: &Plan) -> Vec<Vec<Luck>> {
        let of = |cell: &str, channel: &str| -> Luck {
            let name = name_hash(&format!("{cell}.{channel}"));
            let key = |lane| StreamKey::new(plan.seed, self.first + lane as u64, purpose::CHANNELS, name);
            std::array::from_fn(key)
        };
        let all = plan.cells.iter().map(|c| match &c.voltage {
            Voltage::Membrane { cell, .. } if cell.plan.counted() => {
                cell.channels.iter().map(|channel| of(&c.name, &channel.name)).collect()
            }
            _ => Vec::new(),
        });
        all.collect()
    }

    /// Of the circuit: `[trial][block][channel]`.
    pub(super) fn luck_of_nets(&self, plan: &Plan) -> Vec<Vec<Vec<Luck>>> {
        let Some(circuit) = plan.circuit.as_ref().filter(|c| c.plan.cells.counted()) else { return Vec::new() };
        self.trials().map(|trial| luck_of_net(plan, circuit, trial)).collect()
    }

    /// Draws where channels are at the beginning.
    pub(super) fn populate(&mut self, plan: &Plan) {
        let luck = self.luck(plan);
        for ((cell, state), luck) in plan.cells.iter().zip(&mut self.cells).zip(luck) {
            if let (Voltage::Membrane { cell, .. }, Some(state)) = (&cell.voltage, state)
                && cell.plan.counted()
            {
                state.populate(&cell.plan, |_, channel| luck[channel]);
            }
        }
        let luck = self.luck_of_nets(plan);
        for (net, luck) in self.nets.iter_mut().zip(&luck) {
            if let Some(circuit) = &plan.circuit {
                net.state.cells.populate(&circuit.plan.cells, |block, channel| luck[block][channel]);
            }
        }
    }
}

/// By block and channel, of one trial: each cell of many has the luck of a cell that is called as it is, `pyr[3]`.
fn luck_of_net(plan: &Plan, circuit: &CircuitPlan, trial: u64) -> Vec<Vec<Luck>> {
    let none = StreamKey::new(plan.seed, trial, purpose::CHANNELS, 0);
    let cells = &circuit.plan.cells;
    let mut all = vec![Vec::new(); cells.blocks()];
    for group in &circuit.groups {
        let of = &plan.cells[group.cell];
        let Voltage::Membrane { cell: lowered, .. } = &of.voltage else { continue };
        for k in 0..group.count {
            let name = if group.count > 1 { format!("{}[{k}]", of.name) } else { of.name.clone() };
            let site = cells.site((group.first + k) as usize, 0);
            for (channel, through) in lowered.channels.iter().enumerate() {
                let name = name_hash(&format!("{name}.{}", through.name));
                let here: &mut Vec<Luck> = &mut all[site.block];
                let kind = group.channels + channel;
                here.resize(here.len().max(kind + 1), [none; LANES]);
                here[kind][site.lane] = StreamKey::new(plan.seed, trial, purpose::CHANNELS, name);
            }
        }
    }
    all
}
