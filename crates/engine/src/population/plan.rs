//! What a population is made of, checked, and its propagators.

use super::course::Course;
use super::matrix::Rates;
use crate::mechanism::{Kinetics, KineticsError};
use crate::time::Tick;
use numerics::jump::Binomial;
use numerics::math;
use numerics::simd::F64x8;
use thiserror::Error;

/// Concentration at the beginning of the course, in pulses of a whole pool: more than this at once is a fault.
const TOP: f64 = 16.0;
/// What is left of the ligand at the end of the course binds this share of a member's receptors at most.
const REST: f64 = 1e-7;
/// Most members.
const MEMBERS: usize = 20_000_000;
/// Most bytes of propagators.
const BYTES: usize = 1 << 28;

/// When senders spike.
#[derive(Clone, Debug, PartialEq)]
pub enum Spikes {
    /// Each by itself, with exponential intervals: /ms.
    Poisson(f64),
    /// All of them at these times, ascending.
    Given(Vec<Tick>),
}

/// Receptors of one kind, one ligand.
#[derive(Clone, Debug)]
pub struct Receptor {
    /// The scheme.
    pub kinetics: Kinetics,
    /// One a transition: /ms, or /mM/ms where the ligand binds.
    pub rates: Vec<f64>,
}

/// A population as it is handed in; checked by [`Plan::new`].
#[derive(Clone, Debug)]
pub struct Description {
    /// Synapses, each with a sender of its own.
    pub members: usize,
    /// When senders spike.
    pub spikes: Spikes,
    /// From there to here.
    pub delay: Tick,
    /// Places for docked vesicles, all of them taken at the start.
    pub sites: u32,
    /// With which each docked vesicle is released by a spike.
    pub p_release: f64,
    /// Of each empty site, /ms; infinite where a site is never empty for long.
    pub refill: f64,
    /// What a vesicle adds to the ligand, mM.
    pub peak: f64,
    /// Of the ligand's decay, ms.
    pub tau: f64,
    /// Of the grid on which sums are known.
    pub step: Tick,
    /// What binds it.
    pub receptors: Vec<Receptor>,
}

/// Why a population cannot be made, or not go on.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PopulationError {
    /// A number outside its range.
    #[error("{what} is {value}: {cure}")]
    Number {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What would do.
        cure: &'static str,
    },
    /// A receptor's rates.
    #[error("receptor {receptor}: {error}")]
    Receptor {
        /// Which.
        receptor: usize,
        /// Why.
        error: KineticsError,
    },
    /// A receptor without a law at rest.
    #[error("receptor {receptor} has no law at rest")]
    Rest {
        /// Which.
        receptor: usize,
    },
    /// A state of another plan.
    #[error("the state is of another population")]
    State,
    /// Too much transmitter at once.
    #[error(
        "member {member} has {value:.3} mM at {at}, more than 16 pools at once; try less frequent spikes, or a shorter decay"
    )]
    Concentration {
        /// Whose.
        member: usize,
        /// mM
        value: f64,
        /// When.
        at: Tick,
    },
}

/// A population ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) about: Description,
    pub(super) release: Binomial,
    pub(super) courses: Vec<Course>,
    /// Law at rest of each, one a state.
    pub(super) rest: Vec<Vec<f64>>,
    /// mM at place 0.
    pub(super) top: f64,
    /// Nodes of the course.
    pub(super) nodes: usize,
}

impl Plan {
    /// Checks, and makes propagators.
    ///
    /// Errors of a run: times and numbers of vesicles are exact. Laws are off by the cubic interpolation along the course,
    /// `0.02 (step / tau)^4` of what the ligand does within a step, and by what is cut off at its end, `1e-7`; sums over
    /// members are exact at the grid's times, given those laws.
    ///
    /// # Errors
    /// [`PopulationError`]; `step` must be at most `tau / 4`.
    pub fn new(about: Description) -> Result<Self, PopulationError> {
        let number = |what, value: f64, good: bool, cure| {
            if good { Ok(()) } else { Err(PopulationError::Number { what, value, cure }) }
        };
        let d = &about;
        let members = d.members as f64;
        number("the number of members", members, (1..=MEMBERS).contains(&d.members), "from 1 to 20 million")?;
        number("the number of sites", f64::from(d.sites), (1..=100_000).contains(&d.sites), "from 1 to 100,000")?;
        number("the refilling rate", d.refill, d.refill >= 0.0, "zero or more")?;
        number("the pulse", d.peak, d.peak > 0.0 && d.peak < 1e6, "more than 0 mM")?;
        number("the pulse's decay", d.tau, d.tau > 0.0 && d.tau < 1e6, "more than 0 ms")?;
        let step = d.step.ms();
        number("the step", step, step > 0.0 && step <= 0.25 * d.tau, "at most a quarter of the pulse's decay")?;
        if let Spikes::Poisson(rate) = d.spikes {
            number("the rate of spikes", rate, (0.0..=1e3).contains(&rate), "from 0 to 1000 /ms")?;
        }
        let Some(release) = Binomial::new(d.p_release) else {
            return Err(PopulationError::Number {
                what: "the release probability",
                value: d.p_release,
                cure: "from 0 to 1",
            });
        };
        let top = TOP * d.peak * f64::from(d.sites);
        let mut all = Vec::new();
        let mut rest = Vec::new();
        let mut binding: f64 = 0.0;
        for (receptor, r) in d.receptors.iter().enumerate() {
            let fault = |error| PopulationError::Receptor { receptor, error };
            let rates = r.kinetics.transition_rates(&r.rates, &vec![1.0; r.kinetics.ligands()]).map_err(fault)?;
            let none = r.kinetics.generator(&r.rates, &vec![0.0; r.kinetics.ligands()]).map_err(fault)?;
            rest.push(none.stationary().map_err(|_| PopulationError::Rest { receptor })?);
            let of = |(t, rate): (&crate::mechanism::Transition, &f64)| {
                (usize::from(t.from.0), usize::from(t.to.0), *rate, t.takes_up.is_some())
            };
            let transitions = r.kinetics.transitions().iter().zip(&rates).map(of);
            let rates = Rates::new(r.kinetics.states(), transitions, 1.0 / d.tau);
            binding = binding.max(rates.binding());
            all.push(rates);
        }
        // What is left at the end binds `binding * ligand * tau`.
        let last = REST / (binding * d.tau).max(1e-3);
        let span = d.tau * math::ln((top / last).max(2.0));
        let nodes = (span / step).ceil() as usize + 4;
        let bytes = all.iter().map(|r| Course::bytes(r.states(), nodes)).sum::<usize>();
        number("memory for propagators, MB", bytes as f64 / 1e6, bytes <= BYTES, "a longer step, or a shorter decay")?;
        let courses = all.into_iter().map(|rates| Course::new(rates, nodes, top, step, d.tau)).collect();
        Ok(Self { release, courses, rest, top, nodes, about })
    }

    /// What it was made of.
    #[must_use]
    pub fn about(&self) -> &Description {
        &self.about
    }

    /// What a state takes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // Times, places and counts of a member are 48 bytes.
        self.about.members * (self.lines() * size_of::<F64x8>() + 48)
    }

    /// Law of a receptor at rest, one a state.
    #[must_use]
    pub fn rest(&self, receptor: usize) -> &[f64] {
        &self.rest[receptor]
    }

    /// Ligand at a place of the course, mM.
    #[inline(always)]
    pub(super) fn ligand(&self, place: f64) -> f64 {
        if place >= self.nodes as f64 {
            return 0.0;
        }
        self.top * math::exp(-place * self.about.step.ms() / self.about.tau)
    }

    /// The place of a concentration above zero.
    #[inline(always)]
    pub(super) fn place(&self, ligand: f64) -> f64 {
        math::ln(self.top / ligand) * self.about.tau / self.about.step.ms()
    }

    /// Lines of a member's laws.
    pub(super) fn lines(&self) -> usize {
        self.courses.iter().map(|c| c.width).sum()
    }
}
