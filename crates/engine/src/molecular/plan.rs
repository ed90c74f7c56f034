//! A cleft of single molecules as a plan: space, kinds and places, checked and laid out once.

use super::kind::{Kind, KindPlan, Places, Tile};
use super::seen::Watch;
use super::space::{Edge, Space};
use super::tiles::Tiles;
use super::tissue::Tissue;
use crate::single::SchemeError;
use numerics::constants::AVOGADRO;
use thiserror::Error;

/// A cleft of single molecules that cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MolecularError {
    /// A size that makes no sense.
    #[error("sizes, height and diffusion coefficient must be positive numbers")]
    Space,
    /// A scheme that single ones cannot follow.
    #[error("kind {kind}: {error}")]
    Scheme {
        /// Which.
        kind: usize,
        /// Why.
        error: SchemeError,
    },
    /// Rates of another voltage, at which more is bound.
    #[error("kind {kind}: binding depends on voltage, which single molecules do not follow")]
    BindsFaster {
        /// Which.
        kind: usize,
    },
    /// A number of members, or a size of where they are.
    #[error("kind {kind}: up to 1e8 members, in a disc and clusters of some size, no cluster wider than the disc")]
    Places {
        /// Which.
        kind: usize,
    },
    /// Members in tissue that is not there.
    #[error("kind {kind}: one number of members for each of {shells} shells of tissue")]
    Shells {
        /// Which.
        kind: usize,
        /// How many there are.
        shells: usize,
    },
    /// Concentrations at rest that do not fit the space.
    #[error("concentrations at rest are those of the cleft and of each of {shells} shells of tissue")]
    Resting {
        /// How many there are.
        shells: usize,
    },
    /// A place outside.
    #[error("kind {kind}: member {member} is not within the cleft")]
    Outside {
        /// Which.
        kind: usize,
        /// Which of its members.
        member: usize,
    },
    /// More kinds or members than can be numbered.
    #[error("{members} members of {kinds} kinds are too many")]
    Many {
        /// In all.
        members: usize,
        /// Kinds.
        kinds: usize,
    },
}

/// A cleft of single molecules: immutable, shared by any number of trials.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) space: Space,
    pub(super) tissue: Option<Tissue>,
    pub(super) kinds: Vec<KindPlan>,
    pub(super) tiles: Tiles,
    /// Molecules at rest in a um3 of the cleft, and of each shell.
    pub(super) ambient: Vec<f64>,
    pub(super) watches: Vec<Watch>,
}

impl Plan {
    /// # Errors
    /// [`MolecularError`]
    pub fn new(space: &Space, kinds: &[Kind]) -> Result<Self, MolecularError> {
        Self::tiled(space, kinds, 0.5 * space.height, None)
    }

    /// With tiles of about `side` um; `resting`: concentrations at rest (mM) in the cleft and in each shell of the tissue, where they are
    /// not that of the far field, as transporters take up what is there.
    ///
    /// # Errors
    /// [`MolecularError`]
    pub fn tiled(space: &Space, kinds: &[Kind], side: f64, resting: Option<&[f64]>) -> Result<Self, MolecularError> {
        if !(space.is_sound() && side > 0.0 && side.is_finite()) {
            return Err(MolecularError::Space);
        }
        let tissue = match space.edge {
            Edge::Porous(porous) => Some(Tissue::new(space, porous)?),
            _ => None,
        };
        let shells = tissue.as_ref().map_or(0, |t| t.volume.len());
        let far = if let Edge::Porous(porous) = space.edge { porous.resting } else { 0.0 };
        let resting = match resting {
            Some(given) if given.len() == shells + 1 => given.to_vec(),
            Some(_) => return Err(MolecularError::Resting { shells }),
            None => vec![far; shells + 1],
        };
        for (number, kind) in kinds.iter().enumerate() {
            kind.places.check(number, &space.shape, shells)?;
        }
        let members: f64 = kinds.iter().map(|k| k.places.amount()).sum();
        if kinds.len() > usize::from(u16::MAX) || members > f64::from(u32::MAX / 2) {
            return Err(MolecularError::Many { members: members as usize, kinds: kinds.len() });
        }
        let tile = Tile::new(space, Tiles::side_of(space, side));
        let kinds: Vec<KindPlan> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| {
                let made = match kind.places {
                    Places::Tissue(_) => KindPlan::new(kind, Tile::MIXED, &resting[1..]),
                    _ => KindPlan::new(kind, tile, &resting[..1]),
                };
                made.map_err(|error| MolecularError::Scheme { kind: number, error })
            })
            .collect::<Result<_, _>>()?;
        let tiles = Tiles::new(space, side, tissue.as_ref().map_or(&[][..], |t| &t.volume));
        let ambient = resting.iter().map(|mm| mm * AVOGADRO).collect();
        Ok(Self { space: *space, tissue, kinds, tiles, ambient, watches: Vec::new() })
    }

    /// The same, whose trials are looked at; [`State::seen`](super::State::seen) tells, by the order here.
    #[must_use]
    pub fn watched(self, watches: Vec<Watch>) -> Self {
        Self { watches, ..self }
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// What trials are looked at for.
    #[must_use]
    pub fn watches(&self) -> &[Watch] {
        &self.watches
    }

    /// Whether nothing ever happens before something is released: every trial is then at its beginning still.
    #[must_use]
    pub fn is_still(&self) -> bool {
        let still = |kind: &KindPlan| {
            kind.laws
                .iter()
                .chain([&kind.quiet])
                .all(|law| law.iter().zip(&kind.states).all(|(p, s)| *p == 0.0 || s.leaving == 0.0))
        };
        self.ambient.iter().all(|n| *n == 0.0) && self.kinds.iter().all(still)
    }

    /// Fluid of a shell of the tissue, um3.
    ///
    /// # Panics
    /// If there is no such shell.
    #[must_use]
    pub fn volume_of(&self, shell: usize) -> f64 {
        self.tiles.volume(self.tiles.own() + shell as u32)
    }

    /// Volume of the cleft, um3.
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.space.shape.area() * self.space.height
    }
}
