//! Kinds of receptors, enzymes and transporters: their schemes as what single ones do.

use super::plan::MolecularError;
use super::space::Space;
use crate::cleft::Ligand;
use crate::mechanism::{Kinetics, LigandIndex};
use numerics::constants::AVOGADRO;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Where the members of a kind are.
#[derive(Clone, Debug, PartialEq)]
pub enum Places {
    /// In the cleft, one by one, um.
    At(Vec<[f64; 2]>),
    /// Anywhere within a disc around the centre, anew in every trial. What is not whole is one more by chance.
    Even {
        /// How many.
        count: f64,
        /// um
        radius: f64,
    },
    /// In clusters whose centres are anywhere within such a disc, anew in every trial; all as likely to hold a member.
    Clustered {
        /// How many members.
        count: f64,
        /// um
        radius: f64,
        /// How many clusters.
        clusters: u32,
        /// Standard deviation of a member's place around the centre of its cluster, along either axis, um.
        spread: f64,
    },
    /// In the tissue, so many in each shell; what is not whole is one more by chance.
    Tissue(Vec<f64>),
}

/// Members of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Their scheme.
    pub kinetics: Kinetics,
    /// Outputs of the rate program: /ms, or /mM/ms where a ligand binds.
    pub coefficients: Vec<f64>,
    /// What is behind each ligand of the scheme.
    pub ligands: Vec<Ligand>,
    /// Molecules of transmitter that each state holds.
    pub bound: Vec<u32>,
    /// Where they are.
    pub places: Places,
    /// Whether they are on the membrane opposite to where molecules are released, which these reach only after some time.
    pub opposite: bool,
}

/// What a member does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Turn {
    /// /ms
    pub rate: f64,
    pub to: u16,
    /// Whether a molecule is given off, and how many are turned over.
    pub gives: bool,
    pub lost: u32,
}

/// What it does with a molecule that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Bind {
    /// um3/ms
    pub rate: f64,
    pub to: u16,
    /// Whether it keeps the molecule.
    pub keeps: bool,
    pub lost: u32,
}

/// A state of a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct StatePlan {
    pub turns: Vec<Turn>,
    pub leaving: f64,
    pub binds: Vec<Bind>,
    pub binding: f64,
}

/// A kind made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
    pub kind: Kind,
    pub states: Vec<StatePlan>,
    /// Greatest rate of binding of any state, um3/ms.
    pub most: f64,
    /// What single ones see of the field that all feed, ms/um3.
    shade: f64,
    /// Odds of the states at the beginning: in the cleft, or in each shell.
    pub laws: Vec<Vec<f64>>,
    /// The same where no transmitter ever is.
    pub quiet: Vec<f64>,
}

/// Euler's constant.
const EULER: f64 = 0.577_215_664_901_532_9;
/// Mean logarithm of the distance of two points of a unit square, `(4 pi - 25 + 4 ln 2) / 12`: that of its geometric mean distance,
/// .44705 (Rosa & Grover 1912, Bull Bur Stand 8:169).
const SQUARE: f64 = -0.805_086_721_944_715_6;

/// By how much a site is seen through the field of what it takes, ms/um3: a rate k of an isolated site in the far field is
/// `k / (1 - k * this)` over a tile of side `s` of a cleft.
///
/// In the far field of a sink J on one of two walls, `c = C - J / (2 pi D h) (ln(4 h / r) - gamma)`, where C is what an isolated
/// site would see of a half space: the sum of its images. Over the tile, which takes evenly, the mean of `ln r` is
/// `ln s - 0.8051`.
pub(super) fn shade(space: &Space, side: f64) -> f64 {
    let of = numerics::math::ln(4.0 * space.height / side) - SQUARE - EULER;
    of / (2.0 * PI * space.diffusion * space.height)
}

impl Kind {
    fn of(&self, ligand: Option<LigandIndex>) -> Option<Ligand> {
        ligand.map(|l| self.ligands[usize::from(l.0)])
    }

    /// Concentrations of all ligands with `mm` mM of transmitter.
    fn ligands_at(&self, mm: f64) -> Vec<f64> {
        self.ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { mm }).collect()
    }

    /// Odds of the states at rest with `mm` mM of transmitter: the law reached from the first state.
    fn law(&self, number: usize, mm: f64) -> Result<Vec<f64>, MolecularError> {
        let generator = self.kinetics.generator(&self.coefficients, &self.ligands_at(mm));
        let generator = generator.map_err(|error| MolecularError::Kinetics { kind: number, error })?;
        generator.stationary_from(0).map_err(|error| MolecularError::Rest { kind: number, error })
    }

    /// What each state does, with coefficients that may be those of another voltage.
    fn states(&self, number: usize, coefficients: &[f64], shade: f64) -> Result<Vec<StatePlan>, MolecularError> {
        let rates = self.kinetics.transition_rates(coefficients, &self.ligands_at(1.0));
        let rates = rates.map_err(|error| MolecularError::Kinetics { kind: number, error })?;
        let moves = |k: usize| {
            let t = &self.kinetics.transitions()[k];
            let takes = |l: Option<Ligand>| u32::from(l == Some(Ligand::Transmitter));
            (usize::from(t.from.0), usize::from(t.to.0), takes(self.of(t.takes_up)), takes(self.of(t.gives_off)))
        };
        let mut states = vec![StatePlan::default(); self.kinetics.states()];
        for (k, &rate) in rates.iter().enumerate() {
            let (from, to, takes, gives) = moves(k);
            let net = i64::from(self.bound[from]) + i64::from(takes) - i64::from(gives) - i64::from(self.bound[to]);
            let lost = u32::try_from(net).map_err(|_| MolecularError::Books { kind: number, transition: k })?;
            if rate == 0.0 {
                continue;
            }
            // 1 mM is AVOGADRO molecules (of an amol) a um3.
            let far = rate / AVOGADRO;
            let seen = |far: f64| 1.0 - far * shade;
            if takes == 1 {
                if seen(far) <= 0.0 {
                    return Err(MolecularError::TooQuick { kind: number, rate, most: AVOGADRO / shade });
                }
                let bind = Bind { rate: far / seen(far), to: to as u16, keeps: gives == 0, lost };
                states[from].binds.push(bind);
                states[from].binding += bind.rate;
            } else {
                // Unbinding as much quicker as the binding that it undoes, so that their ratio stays.
                let undone = (0..rates.len()).filter(|&b| moves(b) == (to, from, 1, 0));
                let on: f64 = undone.map(|b| rates[b] / AVOGADRO).sum();
                let rate = if gives == 1 && on > 0.0 { rate / seen(on).max(f64::MIN_POSITIVE) } else { rate };
                states[from].turns.push(Turn { rate, to: to as u16, gives: gives == 1, lost });
                states[from].leaving += rate;
            }
        }
        Ok(states)
    }
}

impl KindPlan {
    pub fn new(number: usize, kind: &Kind, shade: f64, resting: &[f64]) -> Result<Self, MolecularError> {
        let kinetics = &kind.kinetics;
        let sound = |l: &Ligand| if let Ligand::Held(c) = *l { c >= 0.0 && c.is_finite() } else { true };
        if kind.ligands.len() != kinetics.ligands()
            || kind.bound.len() != kinetics.states()
            || kinetics.states() > usize::from(u8::MAX)
            || !kind.ligands.iter().all(sound)
            || kinetics.transitions().iter().any(|t| matches!(kind.of(t.takes_up), Some(Ligand::Product)))
        {
            return Err(MolecularError::Ligands { kind: number });
        }
        if kinetics.reads_ligand(|l| !matches!(kind.ligands[usize::from(l.0)], Ligand::Held(_))) {
            return Err(MolecularError::NotMassAction { kind: number });
        }
        let states = kind.states(number, &kind.coefficients, shade)?;
        let most = states.iter().map(|s| s.binding).fold(0.0, f64::max);
        let laws = resting.iter().map(|mm| kind.law(number, *mm)).collect::<Result<_, _>>()?;
        let quiet = kind.law(number, 0.0)?;
        Ok(Self { kind: kind.clone(), states, most, shade, laws, quiet })
    }

    /// What each state does where rates are others; binding no faster than it was planned for.
    pub fn states_at(&self, number: usize, coefficients: &[f64]) -> Result<Vec<StatePlan>, MolecularError> {
        let states = self.kind.states(number, coefficients, self.shade)?;
        if states.iter().any(|s| s.binding > self.most * (1.0 + 1e-9)) {
            return Err(MolecularError::BindsFaster { kind: number });
        }
        Ok(states)
    }
}
