//! What lives in the cleft and around it: receptors, transporters, enzymes, buffers; any scheme at any place.
//!
//! A resident takes from the one shared ligand what it binds. How many molecules each state holds follows from the
//! scheme's uptake and release steps (reversible steps first, from state 0); a step that leads to fewer molecules than
//! came in without giving them off has turned them over (hydrolysis, transport), a product given off with it.

use super::elimination::Elimination;
use super::geometry::{Geometry, Shells};
use super::plan::CleftError;
use crate::mechanism::Kinetics;
use numerics::constants::AVOGADRO;
use numerics::simd::{F64x8, LANES};

/// Where a resident lives. Rings and shells that a boundary cuts hold their share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Site {
    /// On the disc, from the centre to a radius in um.
    Disc(f64),
    /// On the disc between two radii in um.
    Annulus(f64, f64),
    /// In the tissue, between two radii in um from the centre of the cleft.
    Ecs(f64, f64),
}

/// How many there are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// Per um2 of the disc.
    PerArea(f64),
    /// Per um3: of the cleft's fluid, or of tissue (fluid and cells) outside.
    PerVolume(f64),
    /// In all, spread evenly.
    Count(f64),
}

/// What is behind a ligand of a scheme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ligand {
    /// The one that diffuses.
    Transmitter,
    /// Held at a concentration in mM: magnesium, an inhibitor.
    Held(f64),
    /// Given off and not followed: choline.
    Product,
}

/// Molecules of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Resident {
    /// Their scheme.
    pub kinetics: Kinetics,
    /// Outputs of the rate program at the voltage and temperature of the start: /ms, or /mM/ms where a ligand binds.
    pub coefficients: Vec<f64>,
    /// What is behind each ligand of the scheme.
    pub ligands: Vec<Ligand>,
    /// Where.
    pub site: Site,
    /// How many.
    pub amount: Amount,
    /// Molecules of transmitter each state holds; `None`: derived from the scheme.
    pub bound: Option<Vec<f64>>,
    /// Whether they take what they bind from the cleft. False only to see what depletion does.
    pub depletes: bool,
}

impl Resident {
    /// Residents all of whose ligands are the transmitter.
    #[must_use]
    pub fn new(kinetics: Kinetics, coefficients: Vec<f64>, site: Site, amount: Amount) -> Self {
        let ligands = vec![Ligand::Transmitter; kinetics.ligands()];
        Self { kinetics, coefficients, ligands, site, amount, bound: None, depletes: true }
    }

    /// Rate of each transition at 1 mM of transmitter: /ms, or /mM/ms where it binds.
    pub(super) fn rates(&self, index: usize, coefficients: &[f64]) -> Result<Vec<f64>, CleftError> {
        let held: Vec<f64> = self.ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { 1.0 }).collect();
        let kinetics = |error| CleftError::Kinetics { resident: index, error };
        self.kinetics.transition_rates(coefficients, &held).map_err(kinetics)
    }
}

/// A transition as the solver sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub from: usize,
    pub to: usize,
    /// Its rate is multiplied by the transmitter's concentration.
    pub binds: bool,
    /// Molecules taken from the cleft.
    pub net: f64,
    /// Molecules turned over.
    pub lost: f64,
}

/// A resident made ready. Its numbers lie at `offset + group * states + state`, eight shells a line.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub resident: Resident,
    pub states: usize,
    pub moves: Vec<Move>,
    pub elimination: Elimination,
    /// First group of eight shells, and how many.
    pub first: usize,
    pub groups: usize,
    pub offset: usize,
    /// First number of its factorised blocks.
    pub factors: usize,
    /// First of its rates in the state.
    pub rates: usize,
    /// mM of fluid, one line a group; 0 in a shell without them.
    pub density: Vec<F64x8>,
    /// amol, one line a group.
    pub amount: Vec<F64x8>,
    /// 1 where they live, 0 elsewhere.
    pub lives: Vec<F64x8>,
    /// How many of the error norm's numbers that is.
    pub numbers: f64,
    /// Molecules of transmitter a state holds; zeros if nothing is depleted.
    pub bound: Vec<f64>,
    /// amol of residents in all.
    pub total: f64,
}

/// Molecules of transmitter a state holds, from the steps; `lost` of the moves is what leaves as a product.
fn bound(resident: &Resident, moves: &[Move], index: usize) -> Result<Vec<f64>, CleftError> {
    let states = resident.kinetics.states();
    if let Some(given) = &resident.bound {
        let fits = given.len() == states && given.iter().all(|n| *n >= 0.0 && n.is_finite());
        return if fits { Ok(given.clone()) } else { Err(CleftError::Bound { resident: index }) };
    }
    let ones = vec![1.0; resident.kinetics.ligands()];
    let (_, pairs) = resident
        .kinetics
        .reactions(&resident.coefficients, &ones)
        .map_err(|error| CleftError::Kinetics { resident: index, error })?;
    let mut held: Vec<Option<f64>> = vec![None; states];
    held[0] = Some(0.0);
    loop {
        let known = |held: &[Option<f64>]| held.iter().flatten().count();
        let before = known(&held);
        for both in [true, false] {
            for &(there, _) in pairs.iter().filter(|(_, back)| back.is_some() == both) {
                let m = moves[there];
                match (held[m.from], held[m.to]) {
                    (Some(n), None) => held[m.to] = Some(n + m.net - m.lost),
                    (None, Some(n)) => held[m.from] = Some(n - m.net + m.lost),
                    _ => {}
                }
                // A one-way step says less: go back to the reversible ones after each.
                if !both && known(&held) > before {
                    break;
                }
            }
            if known(&held) > before {
                break;
            }
        }
        if known(&held) == before {
            match held.iter().position(Option::is_none) {
                Some(apart) => held[apart] = Some(0.0),
                None => break,
            }
        }
    }
    let least = held.iter().flatten().fold(f64::INFINITY, |a, b| f64::min(a, *b));
    Ok(held.iter().flatten().map(|n| n - least).collect())
}

impl Block {
    /// Checks a resident and lays it out from line `offset`, factor `factors`, rate `rates`.
    pub fn new(
        index: usize,
        resident: &Resident,
        geometry: &Geometry,
        shells: &Shells,
        [offset, factors, rates]: [usize; 3],
    ) -> Result<Self, CleftError> {
        let kinetics = &resident.kinetics;
        let states = kinetics.states();
        let products = |l: Ligand| matches!(l, Ligand::Product);
        let of = |l: Option<crate::mechanism::LigandIndex>| l.map(|l| resident.ligands[usize::from(l.0)]);
        let sound = |l: &Ligand| if let Ligand::Held(c) = *l { c >= 0.0 && c.is_finite() } else { true };
        if resident.ligands.len() != kinetics.ligands()
            || !resident.ligands.iter().all(sound)
            || kinetics.transitions().iter().any(|t| of(t.takes_up).is_some_and(products))
        {
            return Err(CleftError::Ligands { resident: index });
        }
        if kinetics.reads_ligand(|l| !matches!(resident.ligands[usize::from(l.0)], Ligand::Held(_))) {
            return Err(CleftError::NotMassAction { resident: index });
        }
        resident.rates(index, &resident.coefficients)?;
        let takes = |l: Option<Ligand>| f64::from(u8::from(l == Some(Ligand::Transmitter)));
        let mut moves: Vec<Move> = kinetics
            .transitions()
            .iter()
            .map(|t| Move {
                from: usize::from(t.from.0),
                to: usize::from(t.to.0),
                binds: of(t.takes_up) == Some(Ligand::Transmitter),
                net: takes(of(t.takes_up)) - takes(of(t.gives_off)),
                // For the derivation of what is held: a product given off is a molecule gone.
                lost: f64::from(u8::from(of(t.gives_off) == Some(Ligand::Product))),
            })
            .collect();
        let mut bound = bound(resident, &moves, index)?;
        for m in &mut moves {
            m.lost = bound[m.from] + m.net - bound[m.to];
            if !resident.depletes {
                (m.net, m.lost) = (0.0, 0.0);
            }
        }
        if !resident.depletes {
            bound.fill(0.0);
        }
        let shares = shares(index, resident, geometry, shells)?;
        let homes: Vec<usize> = (0..shares.len()).filter(|&i| shares[i] > 0.0).collect();
        let (first, end) = match (homes.first(), homes.last()) {
            (Some(a), Some(b)) => (a / LANES, b / LANES + 1),
            _ => return Err(CleftError::Amount { resident: index }),
        };
        let column = |f: &dyn Fn(usize) -> f64| -> Vec<F64x8> {
            let at = |i: usize| if i < shares.len() { f(i) } else { 0.0 };
            (first..end).map(|g| F64x8(std::array::from_fn(|lane| at(g * LANES + lane)))).collect()
        };
        let flows: Vec<_> = moves.iter().map(|m| (m.from, m.to)).collect();
        Ok(Self {
            elimination: Elimination::new(states, &flows),
            states,
            moves,
            first,
            groups: end - first,
            offset,
            factors,
            rates,
            density: column(&|i| shares[i] / shells.volume[i]),
            amount: column(&|i| shares[i]),
            lives: column(&|i| f64::from(u8::from(shares[i] > 0.0))),
            numbers: (homes.len() * states) as f64,
            bound,
            total: shares.iter().sum(),
            resident: resident.clone(),
        })
    }
}

/// amol of a resident in each shell.
fn shares(index: usize, resident: &Resident, geometry: &Geometry, shells: &Shells) -> Result<Vec<f64>, CleftError> {
    let (inner, outer, disc) = match resident.site {
        Site::Disc(radius) => (0.0, radius, true),
        Site::Annulus(a, b) => (a, b, true),
        Site::Ecs(a, b) => (a, b, false),
    };
    let (least, most) =
        if disc { (0.0, geometry.radius) } else { (geometry.radius, shells.edges[shells.edges.len() - 1]) };
    if !(inner >= least && outer <= most && inner < outer) {
        return Err(CleftError::Site { resident: index, least, most });
    }
    let size = |a: f64, b: f64| if disc { Geometry::ring(a, b) } else { geometry.tissue(a, b) };
    let density = match resident.amount {
        Amount::PerArea(n) if disc => n,
        Amount::PerVolume(n) => n * if disc { geometry.height } else { 1.0 },
        Amount::Count(n) => n / size(inner, outer),
        Amount::PerArea(_) => f64::NAN,
    };
    if !(density >= 0.0 && density.is_finite()) {
        return Err(CleftError::Amount { resident: index });
    }
    let share = |(i, edge): (usize, &[f64])| {
        let (a, b) = (edge[0].max(inner), edge[1].min(outer));
        if (i < shells.disc) == disc && a < b { density * size(a, b) / AVOGADRO } else { 0.0 }
    };
    Ok(shells.edges.windows(2).enumerate().map(share).collect())
}
