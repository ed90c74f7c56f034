//! Populations of synapses of a batch.

use super::{Batch, Scratch};
use crate::simulation::RunFault;
use crate::simulation::plan::Plan;

impl Batch {
    /// Populations of synapses, a step on.
    pub(super) fn populations(&mut self, plan: &Plan, scratch: &mut Scratch) -> Result<(), RunFault> {
        let left = ((plan.duration - self.clock).0 / plan.step.0) as usize;
        for lane in 0..self.lanes {
            let trial = self.first + lane as u64;
            for (p, population) in plan.populations.iter().enumerate() {
                let keys = population.keys(plan.seed, trial);
                let g = &mut scratch.crowds[lane][p];
                self.crowds[lane][p]
                    .step(population, &keys, &mut scratch.population, (left, scratch.threads), g)
                    .map_err(|e| RunFault::population(population, self.clock, e).of(trial, &plan.name))?;
                let v = self.voltage(plan, population.to, lane);
                for (g, receptor) in g.iter_mut().zip(&population.receptors) {
                    *g *= receptor.block.as_ref().filter(|_| *g > 0.0).map_or(1.0, |b| b.open(v));
                }
            }
        }
        Ok(())
    }

    /// What each population did in each trial: [`Crowd::summary`].
    pub fn summaries<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (usize, Vec<f64>)> + 'a {
        self.crowds.iter().flat_map(move |crowds| {
            crowds.iter().zip(&plan.populations).enumerate().map(|(p, (crowd, plan))| (p, crowd.summary(plan)))
        })
    }
}
