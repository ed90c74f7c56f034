//! A scheme as what a single receptor, transporter or sensor does: by itself, and with a molecule that it meets.

use crate::cleft::Ligand;
use crate::mechanism::{Kinetics, KineticsError, LigandIndex};
use numerics::constants::AVOGADRO;
use numerics::markov::MarkovError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A scheme that single ones cannot follow.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SchemeError {
    /// A ligand list or list of molecules held that does not fit its scheme.
    #[error(
        "one sound ligand for each of its scheme, a number of molecules for each state, no step that takes up a product"
    )]
    Ligands,
    /// Rates beyond mass action.
    #[error("a coefficient depends on what moves other than by mass action")]
    NotMassAction,
    /// A step that makes molecules from nothing.
    #[error("transition {transition} would make a molecule: look at what each state holds")]
    Books {
        /// Which.
        transition: usize,
    },
    /// Binding that no diffusion could feed.
    #[error("{rate:.3} /mM/ms is more than diffusion brings to a site; {most:.3} /mM/ms is the limit here")]
    TooQuick {
        /// /mM/ms
        rate: f64,
        /// /mM/ms
        most: f64,
    },
    /// Coefficients do not fit a scheme.
    #[error("{0}")]
    Kinetics(KineticsError),
    /// No single law of rest.
    #[error("{0}")]
    Rest(MarkovError),
}

/// What a member does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Turn {
    /// /ms
    pub rate: f64,
    pub to: u16,
    /// Whether a molecule is given off, and how many are turned over.
    pub gives: bool,
    pub lost: u32,
}

/// What it does with a molecule that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bind {
    /// um3/ms
    pub rate: f64,
    pub to: u16,
    /// Whether it keeps the molecule.
    pub keeps: bool,
    pub lost: u32,
}

/// A state of a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct StatePlan {
    pub turns: Vec<Turn>,
    pub leaving: f64,
    pub binds: Vec<Bind>,
    pub binding: f64,
}

/// A scheme, and what is behind it.
#[derive(Clone, Copy)]
pub(crate) struct Single<'a> {
    pub kinetics: &'a Kinetics,
    /// What is behind each ligand; [`Ligand::Transmitter`] moves.
    pub ligands: &'a [Ligand],
    /// Molecules that each state holds.
    pub bound: &'a [u32],
}

/// How fast a site binds where it meets molecules, um3/ms, for a rate in the far field.
pub(crate) trait Near {
    /// None if diffusion cannot bring so much.
    fn rate(&self, far: f64) -> Option<f64>;
    /// Up to which rate it can, um3/ms.
    fn most(&self) -> f64;
}

impl Single<'_> {
    /// # Errors
    /// [`SchemeError::Ligands`], [`SchemeError::NotMassAction`]
    pub fn check(&self) -> Result<(), SchemeError> {
        let sound = |l: &Ligand| if let Ligand::Held(c) = *l { c >= 0.0 && c.is_finite() } else { true };
        let product = |l: Option<LigandIndex>| matches!(self.of(l), Some(Ligand::Product));
        if self.ligands.len() != self.kinetics.ligands()
            || self.bound.len() != self.kinetics.states()
            || self.kinetics.states() > usize::from(u8::MAX)
            || !self.ligands.iter().all(sound)
            || self.kinetics.transitions().iter().any(|t| product(t.takes_up))
        {
            return Err(SchemeError::Ligands);
        }
        if self.kinetics.reads_ligand(|l| !matches!(self.ligands[usize::from(l.0)], Ligand::Held(_))) {
            return Err(SchemeError::NotMassAction);
        }
        Ok(())
    }

    fn of(&self, ligand: Option<LigandIndex>) -> Option<Ligand> {
        ligand.map(|l| self.ligands[usize::from(l.0)])
    }

    /// Concentrations of all ligands with `mm` mM of what moves.
    pub fn ligands_at(&self, mm: f64) -> Vec<f64> {
        self.ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { mm }).collect()
    }

    /// Odds of the states at rest with `mm` mM of what moves: the law that is reached from the first state without entering those
    /// that nothing leaves.
    ///
    /// # Errors
    /// [`SchemeError::Kinetics`], [`SchemeError::Rest`]
    pub fn law(&self, coefficients: &[f64], mm: f64) -> Result<Vec<f64>, SchemeError> {
        let generator = self.kinetics.generator(coefficients, &self.ligands_at(mm)).map_err(SchemeError::Kinetics)?;
        let absorbing: Vec<usize> = self.kinetics.absorbing().iter().map(|s| usize::from(s.0)).collect();
        let law =
            if absorbing.is_empty() { generator.stationary_from(0) } else { generator.stationary_without(&absorbing) };
        law.map_err(SchemeError::Rest)
    }

    /// What each state does. Unbinding is quicker by as much as the binding that it undoes, so that their ratio, and with it every
    /// equilibrium, is that of the scheme; what a site gives back at once leaves no field of a sink behind.
    ///
    /// # Errors
    /// [`SchemeError::Kinetics`], [`SchemeError::Books`], [`SchemeError::TooQuick`]
    pub fn states(&self, coefficients: &[f64], near: &impl Near) -> Result<Vec<StatePlan>, SchemeError> {
        let rates =
            self.kinetics.transition_rates(coefficients, &self.ligands_at(1.0)).map_err(SchemeError::Kinetics)?;
        let moves = |k: usize| {
            let t = &self.kinetics.transitions()[k];
            let takes = |l: Option<Ligand>| u32::from(l == Some(Ligand::Transmitter));
            (usize::from(t.from.0), usize::from(t.to.0), takes(self.of(t.takes_up)), takes(self.of(t.gives_off)))
        };
        // 1 mM is AVOGADRO molecules (of an amol) a um3.
        let far = |k: usize| rates[k] / AVOGADRO;
        let within = |k: usize| {
            let too_quick = SchemeError::TooQuick { rate: rates[k], most: near.most() * AVOGADRO };
            near.rate(far(k)).ok_or(too_quick)
        };
        let mut states = vec![StatePlan::default(); self.kinetics.states()];
        for (k, &rate) in rates.iter().enumerate() {
            let (from, to, takes, gives) = moves(k);
            let net = i64::from(self.bound[from]) + i64::from(takes) - i64::from(gives) - i64::from(self.bound[to]);
            let lost = u32::try_from(net).map_err(|_| SchemeError::Books { transition: k })?;
            if rate == 0.0 {
                continue;
            }
            if takes == 1 {
                let rate = if gives == 0 { within(k)? } else { far(k) };
                states[from].binding += rate;
                states[from].binds.push(Bind { rate, to: to as u16, keeps: gives == 0, lost });
                continue;
            }
            let (mut plain, mut quick) = (0.0, 0.0);
            for undone in (0..rates.len()).filter(|&b| gives == 1 && rates[b] > 0.0 && moves(b) == (to, from, 1, 0)) {
                plain += far(undone);
                quick += within(undone)?;
            }
            let rate = if plain > 0.0 { rate * quick / plain } else { rate };
            states[from].leaving += rate;
            states[from].turns.push(Turn { rate, to: to as u16, gives: gives == 1, lost });
        }
        Ok(states)
    }
}
