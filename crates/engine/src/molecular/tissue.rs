//! The tissue around a disc, in shells: a molecule hops from shell to shell as the finite volumes of [`crate::cleft`] exchange
//! what is in them, so that means are the same.
//!
//! Shell i is left at the rates `G / V` (G to a neighbour, V its fluid), and holds a molecule evenly. Between the rim and the middle of
//! the innermost shell lies half of that shell's resistance.

use super::plan::MolecularError;
use super::space::{Shape, Space};
use crate::cleft::{Geometry, Porous, Rim};
use numerics::constants::AVOGADRO;
use numerics::math;
use std::f64::consts::PI;

/// Shells of tissue.
#[derive(Clone, Debug)]
pub(super) struct Tissue {
    /// um3 of fluid.
    pub volume: Vec<f64>,
    /// To the next shell inwards (the rim for the first), and outwards, /ms.
    pub inwards: Vec<f64>,
    pub outwards: Vec<f64>,
    /// Odds that a molecule on the rim is next seen in the first shell, rather than `depth` um within the cleft.
    pub out: f64,
    pub depth: f64,
    /// Mean time until then, ms; and the share of it outside.
    pub pause: f64,
    pub outside: f64,
    /// Molecules that come in from the far field, /ms.
    pub arrivals: f64,
    /// Diffusion coefficient along the rim, outside, um2/ms.
    pub along: f64,
}

impl Tissue {
    pub fn new(space: &Space, porous: Porous) -> Result<Self, MolecularError> {
        let Shape::Disc { radius } = space.shape else { return Err(MolecularError::Space) };
        let geometry = Geometry {
            radius,
            height: space.height,
            diffusion: space.diffusion,
            shells: 2,
            grading: 0.0,
            rim: Rim::Porous(porous),
        };
        if !geometry.sound() {
            return Err(MolecularError::Space);
        }
        let (volume, conductance) = geometry.tissue_shells();
        let half = conductance[0];
        let n = volume.len();
        // Within, as deep as the middle of the first shell is far.
        let depth = (0.25 * space.height).min(0.1 * radius);
        let within = 2.0 * PI * space.height * space.diffusion / math::ln(radius / (radius - depth));
        let (inner, outer) = (2.0 * PI * radius * space.height * depth, 0.5 * volume[0]);
        Ok(Self {
            inwards: (0..n).map(|i| conductance[i] / volume[i]).collect(),
            outwards: (0..n).map(|i| conductance[i + 1] / volume[i]).collect(),
            out: half / (half + within),
            depth,
            pause: 0.5 * (inner + outer) / (half + within),
            outside: outer / (inner + outer),
            arrivals: conductance[n] * porous.resting * AVOGADRO,
            along: porous.diffusion / (porous.tortuosity * porous.tortuosity),
            volume,
        })
    }
}
