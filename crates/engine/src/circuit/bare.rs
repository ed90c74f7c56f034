//! A circuit under a pipette: its cells and junctions without its synapses.

use super::plan::{CircuitError, Injection, Junction, Plan, Points};
use crate::{junction, point};

impl Plan {
    /// The same cells and point neurons with these `junctions` and `injections` and no connections. Junctions are of the
    /// kinds of this plan.
    ///
    /// # Errors
    /// [`CircuitError`]: the first thing that does not fit.
    pub fn bare(&self, junctions: Vec<Junction>, injections: &[Injection]) -> Result<Self, CircuitError> {
        let points = self.groups.iter().map(|g| Points { model: *g.plan.model(), count: g.count }).collect();
        let plan = Self::with_points(self.cells.clone(), points, self.dt, Vec::new(), 0, &[], injections)?;
        plan.joined(self.coupled.kinds.iter().map(|k| k.kind.clone()).collect(), junctions)
    }

    /// The kind of a gap junction, by its number.
    ///
    /// # Panics
    /// If there is no such junction.
    #[must_use]
    pub fn junction_kind(&self, junction: usize) -> &junction::Kind {
        &self.coupled.kinds[usize::from(self.junctions()[junction].kind)].kind
    }

    /// The model of a point neuron by its number among all neurons; none of a cell with a membrane.
    ///
    /// # Panics
    /// If there is no such neuron.
    #[must_use]
    pub fn point(&self, cell: u32) -> Option<&point::Model> {
        let (block, _) = self.place(cell);
        let group = self.blocks[block].group?;
        Some(self.groups[group].plan.model())
    }
}
