//! What a cell's numbers owe to its compartments: each compared with a cell of compartments half as long.

use super::LoweredCell;
use ::model::resolve::Resolved;
use engine::neuron::{Gating, Site};

/// A cell as it is cut, and once more as finely. Membrane conductances are those at rest, gates held.
#[derive(Debug, Clone, PartialEq)]
pub struct Refinement {
    /// Its name.
    pub cell: String,
    /// How many sections.
    pub sections: usize,
    /// How many compartments, those of spines included; joints not.
    pub compartments: usize,
    /// At the root, GOhm.
    pub input_resistance: Change,
    /// ms
    pub time_constant: Change,
    /// The section with the tip that is farthest from the soma along the tree.
    pub tip: String,
    /// How far that is, um.
    pub distance: f64,
    /// From that tip to the root, GOhm.
    pub transfer_resistance: Change,
}

/// A number, and the same with compartments half as long; none where the membrane is no passive circuit at rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// As the file says it.
    pub coarse: Option<f64>,
    /// With compartments half as long.
    pub fine: Option<f64>,
}

impl Change {
    /// By how much halving changes the number, as a share of it.
    #[must_use]
    pub fn relative(&self) -> Option<f64> {
        Some(self.fine? / self.coarse? - 1.0)
    }
}

/// The numbers of every cell that has sections; nothing of one that cannot be built.
#[must_use]
pub fn refinement(resolved: &Resolved) -> Vec<Refinement> {
    let coarse = super::model::shaped(resolved, 1);
    let fine = super::model::shaped(resolved, 2);
    let both = coarse.into_iter().filter_map(|(name, cell)| {
        let twin = fine.iter().find(|(n, _)| *n == name)?;
        compare(name, &cell, &twin.1)
    });
    both.collect()
}

fn compare(name: String, coarse: &LoweredCell, fine: &LoweredCell) -> Option<Refinement> {
    let morphology = &coarse.layout.shape.as_ref()?.morphology;
    let own = coarse.layout.geometry.pieces.iter().enumerate().filter(|(_, p)| !p.spine && !p.points.is_empty());
    let (_, far) = own.max_by(|a, b| a.1.distance.total_cmp(&b.1.distance).then(b.0.cmp(&a.0)))?;
    let section = &morphology.sections[far.section];
    let tip = |cell: &LoweredCell| cell.layout.compartments[far.section].last().copied().unwrap_or(0);
    let change = |of: &dyn Fn(&LoweredCell) -> Option<f64>| Change { coarse: of(coarse), fine: of(fine) };
    let root = |cell: &LoweredCell| -> Site { cell.plan.site(0, 0) };
    Some(Refinement {
        cell: name,
        sections: morphology.sections.len(),
        compartments: coarse.layout.geometry.pieces.iter().filter(|p| !p.points.is_empty()).count(),
        input_resistance: change(&|c| c.plan.input_resistance(&c.rest, root(c), Gating::Held).ok()),
        time_constant: change(&|c| c.plan.time_constant(&c.rest, 0, Gating::Held).ok()),
        tip: section.name.clone(),
        distance: morphology.distance(::model::morphology::Joint { section: far.section, position: 1.0 }),
        transfer_resistance: change(&|c| {
            let site = c.plan.site(0, tip(c));
            c.plan.transfer_resistance(&c.rest, site, 0, Gating::Held).ok()
        }),
    })
}
