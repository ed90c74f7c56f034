//! A synapse in a bath that changes: from one plan to the next, and as good as asleep while drugs come and go.

use super::super::plan::{Detail, Receptor, SynapsePlan};
use super::super::sending::{Release, State};
use super::super::{RunFault, Work};
use super::{Contact, Keys, QUIET, Scratch};
use engine::cleft::{Stretch, Tolerance};
use engine::ensemble::{Individuals, Luck};
use std::sync::Arc;

/// Whether nothing that is followed of these copies can change while the ligand rests.
pub(super) fn muted(copies: &Individuals, mute: &[bool]) -> bool {
    copies.counts().iter().zip(mute).all(|(n, mute)| *n == 0 || *mute)
}

/// Where each of `before`'s states is among `now`'s: a drug that comes adds states, and takes none.
fn map(before: &[String], now: &[String], states: usize) -> Vec<usize> {
    if before.is_empty() {
        return (0..states).collect();
    }
    before.iter().map(|name| now.iter().position(|n| n == name).unwrap_or(usize::MAX)).collect()
}

impl Contact {
    /// Whether only drugs keep the cleft from sleep: no transmitter, and conductances as at rest.
    pub(super) fn is_calm(&self, plan: &SynapsePlan) -> bool {
        let unrest = plan.cleft.unrest(&self.cleft);
        if unrest.concentration >= QUIET.0 || unrest.in_vesicles != 0.0 {
            return false;
        }
        let resting = |(k, receptor): (usize, &Receptor)| {
            let (tap, count) = (&plan.taps[k], f64::from(receptor.count));
            let most = tap.weights.iter().copied().fold(0.0, f64::max);
            (self.observed(plan, k) - tap.resting).abs() <= QUIET.1 * count * most
        };
        plan.detail == Detail::Kinetic || plan.receptors.iter().enumerate().all(resting)
    }

    /// A tap in the cleft's own means.
    fn observed(&self, plan: &SynapsePlan, tap: usize) -> f64 {
        let tap = &plan.taps[tap];
        let mut law = vec![0.0; tap.weights.len()];
        plan.cleft.occupancies(&self.cleft, tap.receptor, &mut law);
        let mean = tap.weights.iter().zip(&law).fold(0.0, |sum, (w, p)| w.mul_add(*p, sum));
        f64::from(plan.receptors[tap.receptor].count) * mean
    }

    /// Goes over from one plan to the next, where it is now.
    pub(in super::super) fn change(
        &mut self,
        (old, new): (&SynapsePlan, &SynapsePlan),
        (keys, scratch, tolerance): (&Keys, &mut Scratch, Tolerance),
        work: &mut Work,
    ) -> Result<(), RunFault> {
        let at = self.now;
        if !Arc::ptr_eq(&old.sending, &new.sending)
            && let (Release::Mechanism(before), Release::Mechanism(now)) = (&old.sending.release, &new.sending.release)
            && let State::Mechanism(state) = &mut self.sending
        {
            let kinds = before.kinds.iter().zip(&now.kinds);
            let maps: Vec<_> = kinds.map(|(b, n)| map(&b.states, &n.states, b.folded.kinetics.states())).collect();
            let (before, now) = (before.terminal.with_key(keys.terminal), now.terminal.with_key(keys.terminal));
            now.adopt(&before, state, &maps).map_err(|e| RunFault::terminal(old, at, e))?;
        }
        if Arc::ptr_eq(&old.cleft, &new.cleft) {
            return Ok(());
        }
        self.arrive(old, scratch, tolerance, work)?;
        let mut maps = vec![Vec::new(); old.receptors.len() + old.clearance.len()];
        for (r, (before, now)) in old.receptors.iter().zip(new.receptors.iter()).enumerate() {
            maps[r] = map(&before.states, &now.states, before.states.len());
        }
        for (before, now) in old.clearance.iter().zip(new.clearance.iter()) {
            maps[before.resident] = map(&before.states, &now.states, before.states.len());
        }
        self.cleft = new.cleft.adopt(&old.cleft, &self.cleft, &maps);
        for (r, receptor) in new.receptors.iter().enumerate() {
            self.rates[r] = (f64::NAN, receptor.folded.rates.clone());
            if let Some(copies) = self.receptors.get_mut(r) {
                let luck = Luck { key: keys.receptors[r], first: 0 };
                let gone = copies.adopt(&old.receptors[r].plan, luck, &receptor.plan, &maps[r]);
                gone.map_err(|e| RunFault::receptor(old, r, at, e))?;
            }
        }
        (self.asleep, self.calm, self.before, self.slot) = (false, false, None, at);
        self.stretch = Stretch::default();
        Ok(())
    }

    /// Brings the cleft, which may have run ahead, to where everything else is.
    fn arrive(
        &mut self,
        plan: &SynapsePlan,
        scratch: &mut Scratch,
        tolerance: Tolerance,
        work: &mut Work,
    ) -> Result<(), RunFault> {
        if self.asleep {
            self.cleft.sleep(self.now - self.cleft.clock());
            return Ok(());
        }
        if self.cleft.clock() > self.now
            && let Some(before) = self.before.take()
        {
            self.cleft = before;
        }
        while self.cleft.clock() < self.now {
            let limit = self.now - self.cleft.clock();
            let stepped = plan.cleft.step(&mut self.cleft, &mut scratch.cleft, limit, tolerance);
            let (_, w) = stepped.map_err(|fault| RunFault::cleft(plan, fault))?;
            work.cleft_steps += w.accepted + w.rejected;
        }
        Ok(())
    }
}
