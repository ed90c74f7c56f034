//! Luck of channels whose copies are counted: by trial, cell, channel; its members are compartments, its ordinals steps.

use super::Batch;
use crate::simulation::contact::purpose;
use crate::simulation::plan::{Plan, Voltage};
use engine::neuron::Luck;
use numerics::rng::{StreamKey, name_hash};

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
    }
}
