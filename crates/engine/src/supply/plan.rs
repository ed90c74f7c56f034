//! A supply as a plan: what it is made of, checked once.

use super::state::State;
use crate::time::Tick;
use numerics::constants::AVOGADRO;
use thiserror::Error;

/// A supply that cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum SupplyError {
    /// A number outside its range.
    #[error("{what} is {value}: it must be finite and {must}")]
    Value {
        /// Which number, with its unit.
        what: &'static str,
        /// What came.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// Pools that do not fit each other.
    #[error("docked and fused are two of the pools, and no vesicle is fused at the start")]
    Pools,
}

/// A precursor, such as choline: inside, outside, and the ways between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Precursor {
    /// Far away and at rest outside, X0, mM.
    pub outside: f64,
    /// Of the lumped space outside, um3.
    pub volume: f64,
    /// Time constant with which it is washed out of there, ms.
    pub washout: f64,
    /// Largest uptake by all transporters, J_max, molecules/ms.
    pub uptake: f64,
    /// Outside concentration of half of that, mM.
    pub k_m: f64,
    /// Rate of synthesis from it, k_s, /ms.
    pub synthesis: f64,
    /// Transmitter over precursor in equilibrium.
    pub ratio: f64,
}

/// Where the transmitter of the cytosol comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// Whatever is taken is replaced at once.
    Held,
    /// What comes back is all, but for what restores it with a time constant in ms.
    Returned {
        /// From something that does not run dry, such as glutamine.
        restored: Option<f64>,
    },
    /// It is made.
    Made(Precursor),
}

/// What a supply is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Vesicles in each pool at the start, all full.
    pub vesicles: Vec<u32>,
    /// Which of the pools is docked, and how many places it has.
    pub docked: (usize, usize),
    /// Which pool is fused membrane.
    pub fused: usize,
    /// Content of a vesicle at rest, q0, molecules.
    pub full: f64,
    /// Time constant of filling at rest where nothing hinders it, ms.
    pub filling: f64,
    /// Cytosolic concentration of half of the vesicles' uptake, mM.
    pub k_m: f64,
    /// What a drug makes of that: of the largest rate its share, and `k_m` in mM. `(1, k_m)` without.
    pub hindered: (f64, f64),
    /// Transmitter in the cytosol at rest, A0, mM.
    pub cytosol: f64,
    /// Volume of the cytosol, um3.
    pub volume: f64,
    /// Where it comes from.
    pub source: Source,
    /// The grid.
    pub step: Tick,
}

/// A supply, ready to run: immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub(super) of: Description,
    /// Molecules for one mM in the cytosol.
    pub(super) molar: f64,
    /// Largest uptake of a vesicle, molecules/ms.
    pub(super) fastest: f64,
    /// Of each step: what washout, restoring and synthesis leave.
    pub(super) left: Left,
}

/// Shares that are left after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Left {
    pub washout: f64,
    pub restored: f64,
    pub synthesis: f64,
}

impl Plan {
    /// Checks the parts.
    ///
    /// # Errors
    /// [`SupplyError`].
    pub fn new(of: Description) -> Result<Self, SupplyError> {
        let within = |what, value: f64, good: bool, must| {
            if good && value.is_finite() { Ok(()) } else { Err(SupplyError::Value { what, value, must }) }
        };
        let above = |what, x: f64| within(what, x, x > 0.0, "above 0");
        let least = |what, x: f64| within(what, x, x >= 0.0, "0 or more");
        above("the content of a vesicle (molecules)", of.full)?;
        above("the time constant of filling (ms)", of.filling)?;
        above("the k_m of filling (mM)", of.k_m)?;
        above("the hindered k_m of filling (mM)", of.hindered.1)?;
        least("the share of filling that is left", of.hindered.0)?;
        above("transmitter in the cytosol (mM)", of.cytosol)?;
        above("the volume of the cytosol (um3)", of.volume)?;
        above("a step of the supply (ms)", of.step.ms())?;
        let pools = of.vesicles.len();
        if of.docked.0 >= pools
            || of.fused >= pools
            || of.docked.0 == of.fused
            || of.vesicles[of.fused] > 0
            || of.vesicles[of.docked.0] as usize > of.docked.1
        {
            return Err(SupplyError::Pools);
        }
        let h = of.step.ms();
        let after = |rate: f64| numerics::math::exp(-rate * h);
        let mut left = Left::default();
        match of.source {
            Source::Held | Source::Returned { restored: None } => {}
            Source::Returned { restored: Some(tau) } => {
                above("the time constant of restoring (ms)", tau)?;
                left.restored = after(1.0 / tau);
            }
            Source::Made(p) => {
                above("precursor outside (mM)", p.outside)?;
                above("the volume outside (um3)", p.volume)?;
                above("the time constant of washout (ms)", p.washout)?;
                least("the largest uptake (molecules/ms)", p.uptake)?;
                above("the k_m of uptake (mM)", p.k_m)?;
                least("the rate of synthesis (/ms)", p.synthesis)?;
                above("transmitter over precursor in equilibrium", p.ratio)?;
                left.washout = after(1.0 / p.washout);
                left.synthesis = after(p.synthesis * (1.0 + 1.0 / p.ratio));
            }
        }
        let fastest = of.full * (of.k_m + of.cytosol) / (of.filling * of.cytosol);
        Ok(Self { molar: AVOGADRO * of.volume, fastest, left, of })
    }

    /// Everything full and at rest, at time 0.
    #[must_use]
    pub fn start(&self) -> State {
        State::new(self)
    }

    /// Largest uptake of a vesicle at saturation, molecules/ms, where no drug hinders it.
    #[must_use]
    pub fn fastest(&self) -> f64 {
        self.fastest
    }

    /// Whether transmitter is made of a precursor here.
    #[must_use]
    pub fn made(&self) -> bool {
        matches!(self.of.source, Source::Made(_))
    }

    /// How many numbers say in which state it is.
    #[must_use]
    pub fn variables(&self) -> u64 {
        let sides = match self.of.source {
            Source::Held => 0,
            Source::Returned { .. } => 1,
            Source::Made(_) => 4,
        };
        (self.of.vesicles.len() + self.of.docked.1) as u64 + sides
    }

    /// Precursor inside at rest, molecules.
    pub(super) fn precursor(&self) -> f64 {
        if let Source::Made(p) = self.of.source { self.of.cytosol / p.ratio * self.molar } else { 0.0 }
    }
}
