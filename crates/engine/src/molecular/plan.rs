//! A cleft of single molecules as a plan: space, kinds and places, checked and laid out once.

use super::kind::{Kind, KindPlan, Places, shade};
use super::space::Space;
use super::tiles::{Site, Tiles};
use crate::mechanism::KineticsError;
use numerics::markov::MarkovError;
use thiserror::Error;

/// A cleft of single molecules that cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MolecularError {
    /// A size that makes no sense.
    #[error("sizes, height and diffusion coefficient must be positive numbers")]
    Space,
    /// A ligand list or list of molecules held that does not fit its scheme.
    #[error("kind {kind}: one sound ligand for each of its scheme, a number of molecules for each state, no step takes up a product")]
    Ligands {
        /// Which.
        kind: usize,
    },
    /// Rates beyond mass action.
    #[error("kind {kind}: a coefficient depends on the transmitter other than by mass action")]
    NotMassAction {
        /// Which.
        kind: usize,
    },
    /// A step that makes molecules from nothing.
    #[error("kind {kind}: transition {transition} would make a molecule: look at what each state holds")]
    Books {
        /// Which.
        kind: usize,
        /// Its transition.
        transition: usize,
    },
    /// Binding that no diffusion could feed.
    #[error("kind {kind}: transition {transition} binds more than diffusion brings to a site; {most} /mM/ms is the limit here")]
    TooQuick {
        /// Which.
        kind: usize,
        /// Its transition.
        transition: usize,
        /// /mM/ms
        most: f64,
    },
    /// A place outside.
    #[error("kind {kind}: member {member} is not within the cleft")]
    Outside {
        /// Which.
        kind: usize,
        /// Which of its members.
        member: usize,
    },
    /// Coefficients do not fit a scheme.
    #[error("kind {kind}: {error}")]
    Kinetics {
        /// Which.
        kind: usize,
        /// What is wrong.
        error: KineticsError,
    },
    /// No single law of rest.
    #[error("kind {kind}: {error}")]
    Rest {
        /// Which.
        kind: usize,
        /// What is wrong.
        error: MarkovError,
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
    pub(super) kinds: Vec<KindPlan>,
    pub(super) tiles: Tiles,
    pub(super) sites: Vec<Site>,
    /// Greatest rate at which a molecule may meet a site that binds, anywhere, /ms.
    pub(super) meets: f64,
}

impl Plan {
    /// # Errors
    /// [`MolecularError`]
    pub fn new(space: &Space, kinds: &[Kind]) -> Result<Self, MolecularError> {
        Self::tiled(space, kinds, 0.5 * space.height)
    }

    /// With tiles of about `side` um.
    ///
    /// # Errors
    /// [`MolecularError`]
    pub fn tiled(space: &Space, kinds: &[Kind], side: f64) -> Result<Self, MolecularError> {
        if !space.is_sound() || !(side > 0.0 && side.is_finite()) {
            return Err(MolecularError::Space);
        }
        let mut places = Vec::new();
        for (number, kind) in kinds.iter().enumerate() {
            let Places::At(own) = &kind.places;
            if let Some(member) = own.iter().position(|at| !space.shape.holds(*at)) {
                return Err(MolecularError::Outside { kind: number, member });
            }
            places.extend(own.iter().map(|at| (number as u16, *at)));
        }
        if kinds.len() > usize::from(u16::MAX) || places.len() > u32::MAX as usize {
            return Err(MolecularError::Many { members: places.len(), kinds: kinds.len() });
        }
        let shade = shade(space, Tiles::side_of(space, side));
        let kinds: Vec<KindPlan> =
            kinds.iter().enumerate().map(|(k, kind)| KindPlan::new(k, kind, shade)).collect::<Result<_, _>>()?;
        let (tiles, sites) = Tiles::new(space, side, &places, |kind| kinds[usize::from(kind)].most);
        let rate = |tile: u32| {
            let all: f64 = tiles.sites(tile).map(|k| kinds[usize::from(sites[k].kind)].most).sum();
            if all > 0.0 { all / tiles.volume(tile) } else { 0.0 }
        };
        let meets = (0..tiles.count()).map(rate).fold(0.0, f64::max);
        Ok(Self { space: *space, kinds, tiles, sites, meets })
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Greatest rate at which a molecule may meet a site that binds, /ms.
    #[must_use]
    pub fn meets(&self) -> f64 {
        self.meets
    }
}
