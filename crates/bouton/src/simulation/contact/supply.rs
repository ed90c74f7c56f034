//! What vesicles hold, and what comes back of it.

use super::{Contact, Scratch, Step};
use crate::simulation::plan::{OfTerminal, Supply, SynapsePlan};
use crate::simulation::sending::FUSED;
use engine::supply::State;
use engine::time::Tick;
use numerics::constants::AVOGADRO;
use serde::{Deserialize, Serialize};

/// The supply of a synapse in one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Supplied {
    state: State,
    /// Turned over by what feeds it, as far as it is booked, amol: what leaves precursor, then what returns.
    booked: Vec<f64>,
    /// Quanta and their molecules: of the whole trial, of its first and its last tenth.
    quanta: [(f64, f64); 3],
}

impl Supplied {
    pub fn new(supply: &Supply) -> Self {
        let booked = vec![0.0; usize::from(supply.from.is_some()) + supply.returns.len()];
        Self { state: supply.plan.start(), booked, quanta: [(0.0, 0.0); 3] }
    }

    pub fn advance(&mut self, supply: &Supply, to: Tick) {
        self.state.advance(&supply.plan, to);
    }
}

impl Contact {
    /// Vesicles move between pools, and those that fuse open with what they hold.
    pub(super) fn shift(&mut self, step: &Step, supply: &Supply, scratch: &mut Scratch) {
        let Some(supplied) = &mut self.supply else { return };
        for shift in &scratch.sending.shifts {
            let at = shift.at;
            let Some(site) = shift.site.filter(|_| shift.to == FUSED) else {
                supplied.state.moved(&supply.plan, at, (shift.from, shift.to), shift.site);
                continue;
            };
            let size = step.plan.sending.size(&mut step.keys.content.at(0, self.released as u64));
            let molecules = supplied.state.fuse(&supply.plan, at, site, size);
            let tenth = (at.0 / (step.end.0 / 10).max(1)).min(9);
            for (k, (n, sum)) in supplied.quanta.iter_mut().enumerate() {
                if k == 0 || (k == 1 && tenth == 0) || (k == 2 && tenth == 9) {
                    *n += 1.0;
                    *sum += molecules;
                }
            }
            self.pending.push_back((at, molecules));
            self.released += 1.0;
            self.fused.push((at, site));
        }
        scratch.fused.clear();
    }

    /// What was turned over since the cleft last was where the synapse is.
    pub(super) fn collect(&mut self, plan: &SynapsePlan, supply: &Supply) {
        let found = supply.from.iter().chain(&supply.returns).map(|resident| self.turned_over(plan, *resident));
        let found: Vec<_> = found.collect();
        let Some(supplied) = &mut self.supply else { return };
        for (k, now) in found.into_iter().enumerate() {
            let Some(now) = now else { continue };
            let molecules = (now - supplied.booked[k]) * AVOGADRO;
            supplied.booked[k] = now;
            if molecules == 0.0 {
                continue;
            }
            if supply.from.is_some() {
                supplied.state.left_outside(&supply.plan, self.now, molecules);
            } else {
                supplied.state.returned(&supply.plan, self.now, molecules);
            }
        }
    }

    /// A quantity of the supply now: mM, and of what vesicles hold molecules.
    pub(super) fn of_supply(&self, plan: &SynapsePlan, quantity: OfTerminal) -> f64 {
        let (Some(supply), Some(supplied)) = (&plan.supply, &self.supply) else { return f64::NAN };
        let (plan, state) = (&supply.plan, &supplied.state);
        match quantity {
            OfTerminal::Content => state.content(plan),
            OfTerminal::Cytosol => state.cytosol(plan),
            OfTerminal::Precursor => state.precursor(plan),
            OfTerminal::PrecursorOutside => state.outside(plan),
            _ => f64::NAN,
        }
    }

    /// Quanta and their molecules in all, in the first and the last tenth of the trial; then precursor left outside,
    /// recaptured, washed away, and taken up from far away, molecules. Nothing without a supply.
    #[must_use]
    pub fn supplied(&self) -> Vec<f64> {
        let Some(supplied) = &self.supply else { return Vec::new() };
        let account = supplied.state.account();
        let mut all: Vec<f64> = supplied.quanta.iter().flat_map(|q| [q.0, q.1]).collect();
        all.extend([account.left_outside, account.recaptured, account.washed_away, account.taken_up, account.returned]);
        all
    }

    /// What does not add up in the books of the supply, relative to all there ever was.
    #[must_use]
    pub fn supply_defect(&self, plan: &SynapsePlan) -> f64 {
        let (Some(supply), Some(supplied)) = (&plan.supply, &self.supply) else { return 0.0 };
        supplied.state.defect(&supply.plan)
    }
}
