//! A cleft of single molecules as a plan: space, kinds and places, checked and laid out once.

use super::kind::{Kind, KindPlan, Places, shade};
use super::space::{Edge, Space};
use super::tiles::{Site, Tiles};
use super::tissue::Tissue;
use crate::mechanism::KineticsError;
use numerics::constants::AVOGADRO;
use numerics::markov::MarkovError;
use thiserror::Error;

/// A cleft of single molecules that cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MolecularError {
    /// A size that makes no sense.
    #[error("sizes, height and diffusion coefficient must be positive numbers")]
    Space,
    /// A ligand list or list of molecules held that does not fit its scheme.
    #[error(
        "kind {kind}: one sound ligand for each of its scheme, a number of molecules for each state, no step takes up a product"
    )]
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
    #[error(
        "kind {kind}: transition {transition} binds more than diffusion brings to a site; {most} /mM/ms is the limit here"
    )]
    TooQuick {
        /// Which.
        kind: usize,
        /// Its transition.
        transition: usize,
        /// /mM/ms
        most: f64,
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
    pub(super) tissue: Option<Tissue>,
    pub(super) kinds: Vec<KindPlan>,
    pub(super) tiles: Tiles,
    pub(super) sites: Vec<Site>,
    /// Greatest rate at which a molecule may meet a site that binds, anywhere, /ms.
    pub(super) meets: f64,
    /// The same in each shell of the tissue.
    pub(super) outside: Vec<f64>,
    /// Molecules at rest in a um3 of the cleft, and of each shell.
    pub(super) ambient: Vec<f64>,
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
        let (mut places, mut around) = (Vec::new(), Vec::new());
        for (number, kind) in kinds.iter().enumerate() {
            let own = match &kind.places {
                Places::At(own) => own,
                Places::Tissue(counts) => {
                    if counts.len() != shells {
                        return Err(MolecularError::Shells { kind: number, shells });
                    }
                    let all = counts.iter().enumerate();
                    around.extend(all.flat_map(|(k, n)| (0..*n).map(move |_| (number as u16, k as u32))));
                    continue;
                }
            };
            if let Some(member) = own.iter().position(|at| !space.shape.holds(*at)) {
                return Err(MolecularError::Outside { kind: number, member });
            }
            places.extend(own.iter().map(|at| (number as u16, *at)));
        }
        if kinds.len() > usize::from(u16::MAX) || places.len() + around.len() > u32::MAX as usize {
            return Err(MolecularError::Many { members: places.len() + around.len(), kinds: kinds.len() });
        }
        let shade = shade(space, Tiles::side_of(space, side));
        let kinds: Vec<KindPlan> = kinds
            .iter()
            .enumerate()
            .map(|(k, kind)| {
                let (seen, resting) =
                    if matches!(kind.places, Places::At(_)) { (shade, &resting[..1]) } else { (0.0, &resting[1..]) };
                KindPlan::new(k, kind, seen, resting)
            })
            .collect::<Result<_, _>>()?;
        let of_shells = tissue.as_ref().map_or(&[][..], |t| &t.volume);
        let most = |kind: u16| kinds[usize::from(kind)].most;
        let (tiles, sites) = Tiles::new(space, side, &places, most, (of_shells, &around));
        let rate = |tile: u32| {
            let all: f64 = tiles.sites(tile).map(|k| kinds[usize::from(sites[k].kind)].most).sum();
            if all > 0.0 { all / tiles.volume(tile) } else { 0.0 }
        };
        let meets = (0..tiles.own()).map(rate).fold(0.0, f64::max);
        let outside = (0..shells as u32).map(|k| rate(tiles.own() + k)).collect();
        let ambient = resting.iter().map(|mm| mm * AVOGADRO).collect();
        Ok(Self { space: *space, tissue, kinds, tiles, sites, meets, outside, ambient })
    }

    /// The space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Volume of the cleft, um3.
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.space.shape.area() * self.space.height
    }

    /// Greatest rate at which a molecule may meet a site of the cleft that binds, /ms.
    #[must_use]
    pub fn meets(&self) -> f64 {
        self.meets
    }
}
