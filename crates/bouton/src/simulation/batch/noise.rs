//! Noise of the pipettes of a batch.

use super::Batch;
use crate::simulation::noise::Noise;
use crate::simulation::plan::{ClampKind, Plan};

impl Batch {
    /// The noise of the step that begins.
    pub(super) fn stir(&mut self, plan: &Plan) {
        for (k, clamp) in plan.clamps.iter().enumerate() {
            let (ClampKind::Current { start, noise: Some(noise), .. }
            | ClampKind::Conductance { start, noise: Some(noise), .. }) = &clamp.kind
            else {
                continue;
            };
            if !clamp.kind.stirs(self.clock, plan.step) {
                continue;
            }
            for (trial, of) in self.trials().zip(&mut self.noise) {
                let key = Noise::key(plan.seed, trial, &clamp.name);
                let ordinal = (self.clock.0 / plan.step.0) as u64;
                of[k] = noise.next(key, ordinal, Some(of[k]).filter(|_| self.clock > *start));
            }
        }
    }
}
