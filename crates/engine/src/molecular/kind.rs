//! Kinds of receptors, enzymes and transporters: their schemes as what single ones do.

use super::plan::MolecularError;
use super::space::Space;
use crate::cleft::Ligand;
use crate::mechanism::Kinetics;
use numerics::constants::AVOGADRO;
use std::f64::consts::PI;

/// Where the members of a kind are.
#[derive(Clone, Debug, PartialEq)]
pub enum Places {
    /// In the cleft, one by one, um.
    At(Vec<[f64; 2]>),
    /// In the tissue, so many in each shell.
    Tissue(Vec<u32>),
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// /ms
    pub rate: f64,
    pub to: u16,
    /// Whether a molecule is given off, and how many are turned over.
    pub gives: bool,
    pub lost: u32,
}

/// What it does with a molecule that it meets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bind {
    /// um3/ms
    pub rate: f64,
    pub to: u16,
    /// Whether it keeps the molecule.
    pub keeps: bool,
    pub lost: u32,
}

/// A state of a member.
#[derive(Clone, Debug, Default)]
pub(super) struct StatePlan {
    pub turns: Vec<Turn>,
    pub leaving: f64,
    pub binds: Vec<Bind>,
    pub binding: f64,
}

/// A kind made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
    pub states: Vec<StatePlan>,
    /// Greatest rate of binding of any state, um3/ms.
    pub most: f64,
    pub bound: Vec<u32>,
    pub opposite: bool,
    /// Odds of the states at the beginning: in the cleft, or in each shell.
    pub laws: Vec<Vec<f64>>,
}

/// Euler's constant, and the mean logarithm of the distance of two points of a unit square.
const EULER: f64 = 0.577_215_664_901_532_9;
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

impl KindPlan {
    pub fn new(number: usize, kind: &Kind, shade: f64, resting: &[f64]) -> Result<Self, MolecularError> {
        let kinetics = &kind.kinetics;
        let n = kinetics.states();
        let products = |l: Ligand| matches!(l, Ligand::Product);
        let of = |l: Option<crate::mechanism::LigandIndex>| l.map(|l| kind.ligands[usize::from(l.0)]);
        if kind.ligands.len() != kinetics.ligands()
            || kind.bound.len() != n
            || kinetics.transitions().iter().any(|t| of(t.takes_up).is_some_and(products))
        {
            return Err(MolecularError::Ligands { kind: number });
        }
        if kinetics.reads_ligand(|l| !matches!(kind.ligands[usize::from(l.0)], Ligand::Held(_))) {
            return Err(MolecularError::NotMassAction { kind: number });
        }
        let failed = |error| MolecularError::Kinetics { kind: number, error };
        let at = |mm: f64| -> Vec<f64> {
            kind.ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { mm }).collect()
        };
        let rates = kinetics.transition_rates(&kind.coefficients, &at(1.0)).map_err(failed)?;
        let moves = |k: usize| {
            let t = &kinetics.transitions()[k];
            let takes = |l: Option<Ligand>| u32::from(l == Some(Ligand::Transmitter));
            (usize::from(t.from.0), usize::from(t.to.0), takes(of(t.takes_up)), takes(of(t.gives_off)))
        };
        let mut states = vec![StatePlan::default(); n];
        for (k, &rate) in rates.iter().enumerate() {
            let (from, to, takes, gives) = moves(k);
            let net = i64::from(kind.bound[from]) + i64::from(takes) - i64::from(gives) - i64::from(kind.bound[to]);
            let lost = u32::try_from(net).map_err(|_| MolecularError::Books { kind: number, transition: k })?;
            if rate == 0.0 {
                continue;
            }
            // 1 mM is AVOGADRO molecules (of an amol) a um3.
            let far = rate / AVOGADRO;
            let seen = |far: f64| 1.0 - far * shade;
            if takes == 1 {
                if seen(far) <= 0.0 {
                    return Err(MolecularError::TooQuick { kind: number, transition: k, most: AVOGADRO / shade });
                }
                let bind = Bind { rate: far / seen(far), to: to as u16, keeps: gives == 0, lost };
                states[from].binds.push(bind);
                states[from].binding += bind.rate;
            } else {
                // Unbinding as much quicker as binding is, so that their ratio stays.
                let back = (0..rates.len()).filter(|&b| {
                    let (f, t, takes, gives) = moves(b);
                    gives_back(gives) && (f, t, takes) == (to, from, 1)
                });
                let on: f64 = back.map(|b| rates[b] / AVOGADRO).sum();
                let rate = if gives == 1 && on > 0.0 { rate / seen(on).max(f64::MIN_POSITIVE) } else { rate };
                states[from].turns.push(Turn { rate, to: to as u16, gives: gives == 1, lost });
                states[from].leaving += rate;
            }
        }
        let most = states.iter().map(|s| s.binding).fold(0.0, f64::max);
        let law = |mm: &f64| {
            let law = kinetics.generator(&kind.coefficients, &at(*mm)).map_err(failed)?;
            law.stationary().map_err(|error| MolecularError::Rest { kind: number, error })
        };
        let laws = resting.iter().map(law).collect::<Result<_, _>>()?;
        Ok(Self { states, most, bound: kind.bound.clone(), opposite: kind.opposite, laws })
    }
}

/// A step that binds and keeps.
fn gives_back(gives: u32) -> bool {
    gives == 0
}
