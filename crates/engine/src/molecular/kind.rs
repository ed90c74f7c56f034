//! Kinds of receptors, enzymes and transporters: their schemes as what single ones do.

use super::plan::MolecularError;
use super::space::Space;
use crate::cleft::Ligand;
use crate::mechanism::Kinetics;
use crate::single::{Near, SchemeError, Single, StatePlan};
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

/// A kind made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
    pub kind: Kind,
    pub states: Vec<StatePlan>,
    /// Greatest rate of binding of any state, um3/ms.
    pub most: f64,
    near: Tile,
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

/// A patch of the membrane, that a site takes molecules from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    /// By how much a site is seen through the field of what it takes, ms/um3.
    shade: f64,
}

impl Tile {
    /// Of side `s` um of a cleft: a rate k of an isolated site in the far field is `k / (1 - k * shade)` over it.
    ///
    /// In the far field of a sink J on one of two walls, `c = C - J / (2 pi D h) (ln(4 h / r) - gamma)`, where C is what an isolated
    /// site would see of a half space: the sum of its images. Over the tile, which takes evenly, the mean of `ln r` is
    /// `ln s - 0.8051`.
    pub fn new(space: &Space, side: f64) -> Self {
        let of = numerics::math::ln(4.0 * space.height / side) - SQUARE - EULER;
        Self { shade: of / (2.0 * PI * space.diffusion * space.height) }
    }

    /// A shell of tissue, in which all is mixed.
    pub const MIXED: Self = Self { shade: 0.0 };
}

impl Near for Tile {
    fn rate(&self, far: f64) -> Option<f64> {
        let seen = 1.0 - far * self.shade;
        (seen > 0.0).then(|| far / seen)
    }

    fn most(&self) -> f64 {
        1.0 / self.shade
    }
}

impl Kind {
    fn single(&self) -> Single<'_> {
        Single { kinetics: &self.kinetics, ligands: &self.ligands, bound: &self.bound }
    }
}

impl KindPlan {
    pub fn new(kind: &Kind, near: Tile, resting: &[f64]) -> Result<Self, SchemeError> {
        let single = kind.single();
        single.check()?;
        let states = single.states(&kind.coefficients, &near)?;
        let most = states.iter().map(|s| s.binding).fold(0.0, f64::max);
        let law = |mm: &f64| single.law(&kind.coefficients, *mm);
        let (laws, quiet) = (resting.iter().map(law).collect::<Result<_, _>>()?, law(&0.0)?);
        Ok(Self { kind: kind.clone(), states, most, near, laws, quiet })
    }

    /// What each state does where rates are others; binding no faster than it was planned for.
    pub fn states_at(&self, number: usize, coefficients: &[f64]) -> Result<Vec<StatePlan>, MolecularError> {
        let states = self.kind.single().states(coefficients, &self.near);
        let states = states.map_err(|error| MolecularError::Scheme { kind: number, error })?;
        if states.iter().any(|s| s.binding > self.most * (1.0 + 1e-9)) {
            return Err(MolecularError::BindsFaster { kind: number });
        }
        Ok(states)
    }
}
