//! What is read off a synapse.

use super::Contact;
use crate::simulation::plan::{Detail, OfTerminal, SynapsePlan};
use crate::simulation::sending::Release;
use engine::cleft;
use engine::time::Tick;

impl Contact {
    /// A quantity of the terminal at `now`.
    pub(in crate::simulation) fn of_terminal(&self, plan: &SynapsePlan, quantity: OfTerminal, now: Tick) -> f64 {
        match quantity {
            OfTerminal::Released => self.released,
            of_supply if of_supply.supplied() => self.of_supply(plan, of_supply),
            // Without a mechanism there are no pools, and nothing comes back.
            OfTerminal::Capacitance if matches!(plan.sending.release, Release::Certain { .. }) => {
                self.released * plan.sending.vesicle.unwrap_or(f64::NAN)
            }
            other => plan.sending.read(&self.sending, other, now),
        }
    }

    /// Mean occupancy of a state of a transporter or enzyme. The cleft may be ahead by one of its steps.
    pub(in crate::simulation) fn occupancy(&self, plan: &SynapsePlan, clearance: usize, state: usize) -> f64 {
        let clearance = &plan.clearance[clearance];
        let mut law = vec![0.0; clearance.states.len()];
        plan.cleft.occupancies(&self.cleft, clearance.resident, &mut law);
        law[state]
    }

    /// The value of a tap now.
    pub(in crate::simulation) fn value(&self, plan: &SynapsePlan, tap: usize) -> f64 {
        let t = &plan.taps[tap];
        match plan.detail {
            Detail::Kinetic => {
                let counts = self.receptors[t.receptor].counts();
                t.weights.iter().zip(counts).fold(0.0, |sum, (w, n)| sum + w * f64::from(*n))
            }
            Detail::Mean => {
                let count = f64::from(plan.receptors[t.receptor].count);
                if !self.asleep
                    && self.stretch.from() <= self.now
                    && self.now <= self.stretch.to()
                    && self.stretch.observables() > 0
                {
                    return count * self.stretch.observable(tap, self.now);
                }
                if self.asleep {
                    return t.resting;
                }
                let mut law = vec![0.0; t.weights.len()];
                plan.cleft.occupancies(&self.cleft, t.receptor, &mut law);
                count * t.weights.iter().zip(&law).fold(0.0, |sum, (w, p)| sum + w * p)
            }
        }
    }

    /// Area of the disc around the centre that holds two thirds of a receptor's open channels now, um2; 0 if none is.
    /// The cleft may be ahead by one of its steps at the mean level.
    pub(in crate::simulation) fn spread(&self, plan: &SynapsePlan, receptor: usize) -> f64 {
        let of = &plan.receptors[receptor];
        let open = of.folded.kinetics.weights(crate::lower::observable::OPEN).unwrap_or(&[]);
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

    /// The concentration that receptors see now, mM.
    pub(in crate::simulation) fn concentration(&self, plan: &SynapsePlan) -> f64 {
        if self.asleep { self.at_rest(plan) } else { self.seen(plan, self.now) }
    }

    pub(super) fn at_rest(&self, plan: &SynapsePlan) -> f64 {
        plan.seen.iter().fold(0.0, |sum, (shell, share)| sum + share * plan.resting[*shell])
    }

    pub(super) fn seen(&self, plan: &SynapsePlan, at: Tick) -> f64 {
        if self.stretch.shells() == 0 || at < self.stretch.from() || at > self.stretch.to() {
            let c = plan.cleft.concentrations(&self.cleft);
            return plan.seen.iter().fold(0.0, |sum, (shell, share)| sum + share * c[*shell]);
        }
        plan.seen.iter().fold(0.0, |sum, &(shell, share)| sum + share * self.stretch.concentration(shell, at))
    }

    /// Whether every number is one; a NaN would have been a fault of its organ already.
    pub(in crate::simulation) fn budget(&self, plan: &SynapsePlan) -> cleft::Budget {
        plan.cleft.budget(&self.cleft)
    }
}
