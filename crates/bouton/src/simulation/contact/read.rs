//! What is read off a synapse beside its taps.

use super::{Contact, SynapsePlan};
use crate::simulation::plan::{Detail, OfTerminal};
use crate::simulation::sending::Release;
use engine::cleft;
use engine::time::Tick;

impl Contact {
    /// A quantity of the terminal at `now`.
    pub(in super::super) fn of_terminal(&self, plan: &SynapsePlan, quantity: OfTerminal, now: Tick) -> f64 {
        match quantity {
            OfTerminal::Released => self.released,
            of_supply if of_supply.supplied() => self.of_supply(plan, of_supply),
            // Without a mechanism there are no pools, and nothing comes back.
            OfTerminal::Capacitance if !matches!(plan.sending.release, Release::Mechanism(_)) => {
                self.released * plan.sending.vesicle.unwrap_or(f64::NAN)
            }
            other => plan.sending.read(&self.sending, other, now),
        }
    }

    /// Where all transmitter is, amol.
    pub(in super::super) fn budget(&self, plan: &SynapsePlan) -> cleft::Budget {
        match plan.molecules.as_ref().zip(self.molecules.as_ref()) {
            Some((plan, molecules)) => molecules.budget(plan),
            None => plan.cleft.budget(&self.cleft),
        }
    }

    /// What a resident has turned over, amol.
    pub(super) fn turned_over(&self, plan: &SynapsePlan, resident: usize) -> Option<f64> {
        match plan.molecules.as_ref().zip(self.molecules.as_ref()) {
            Some((plan, molecules)) => molecules.budget(plan).turned_over.get(resident).copied(),
            None => plan.cleft.turned_over(&self.cleft, resident),
        }
    }

    /// Mean occupancy of a state of a transporter or enzyme at `at`. Where it is not watched, the cleft may be ahead by one
    /// of its steps.
    pub(in super::super) fn occupancy(&self, plan: &SynapsePlan, (clearance, state): (usize, usize), at: Tick) -> f64 {
        if let Some((of, molecules)) = plan.molecules.as_ref().zip(self.molecules.as_ref()) {
            return molecules.occupancy(of, plan.clearance[clearance].resident, state);
        }
        let within = self.stretch.from() <= at && at <= self.stretch.to() && self.stretch.observables() > 0;
        let watched = plan.watched.iter().position(|w| *w == (clearance, state));
        if let Some(k) = watched.filter(|_| within && !self.asleep) {
            return self.stretch.observable(plan.taps.len() + k, at);
        }
        let clearance = &plan.clearance[clearance];
        let mut law = vec![0.0; clearance.states.len()];
        plan.cleft.occupancies(&self.cleft, clearance.resident, &mut law);
        law[state]
    }

    /// Area of the disc around the centre that holds two thirds of a receptor's open channels now, um2; 0 if none is.
    /// The cleft may be ahead by one of its steps at the mean level.
    pub(in super::super) fn spread(&self, plan: &SynapsePlan, receptor: usize) -> f64 {
        let of = &plan.receptors[receptor];
        let open = of.folded.kinetics.weights(crate::lower::observable::OPEN).unwrap_or(&[]);
        if plan.detail == Detail::Molecular {
            return self.molecules.as_ref().map_or(0.0, |m| spread_of(receptor, open, m.members()));
        }
        let edges = plan.cleft.edges();
        let mut held = vec![0.0; plan.shells];
        match self.receptors.get(receptor) {
            Some(copies) => (0..copies.len()).for_each(|copy| {
                let state = copies.state(copy);
                held[usize::from(copies.place(copy))] += open.get(state).copied().unwrap_or(0.0);
            }),
            None if self.asleep => {}
            None => {
                for &(shell, share) in &of.places {
                    let p = open.iter().enumerate().filter(|(_, w)| **w > 0.0).fold(0.0, |sum, (s, w)| {
                        w.mul_add(plan.cleft.occupancy_in(&self.cleft, receptor, s, shell).unwrap_or(0.0), sum)
                    });
                    held[shell] = share * p;
                }
            }
        }
        let wanted = held.iter().sum::<f64>() * 2.0 / 3.0;
        let (mut sum, mut square) = (0.0, 0.0);
        for (shell, held) in held.iter().enumerate().filter(|(_, h)| **h > 0.0) {
            let (a, b) = (edges[shell] * edges[shell], edges[shell + 1] * edges[shell + 1]);
            if sum + held >= wanted {
                square = ((wanted - sum) / held).mul_add(b - a, a);
                break;
            }
            sum += held;
        }
        std::f64::consts::PI * square
    }
}

/// The same of single ones that lie anywhere.
fn spread_of(receptor: usize, open: &[f64], members: impl Iterator<Item = (usize, usize, [f32; 2])>) -> f64 {
    let weight = |state: usize| open.get(state).copied().unwrap_or(0.0);
    let own = members.filter(|m| m.0 == receptor && weight(m.1) > 0.0);
    let mut all: Vec<(f64, f64)> = own
        .map(|(_, state, [x, y])| (f64::from(x) * f64::from(x) + f64::from(y) * f64::from(y), weight(state)))
        .collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let wanted = all.iter().map(|m| m.1).sum::<f64>() * 2.0 / 3.0;
    let mut sum = 0.0;
    let last = all.iter().find(|m| {
        sum += m.1;
        sum >= wanted
    });
    std::f64::consts::PI * last.map_or(0.0, |m| m.0)
}
