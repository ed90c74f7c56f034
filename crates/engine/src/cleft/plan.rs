//! The cleft as a plan: geometry, place of release and residents, checked and laid out once.

use super::geometry::{Geometry, Rim, Shells};
use super::pore::{Pore, Source};
use super::resident::{Block, Resident};
use super::run::Tolerance;
use super::state::{State, Vesicle};
use crate::fault::Fault;
use crate::mechanism::KineticsError;
use crate::time::Tick;
use numerics::constants::AVOGADRO;
use numerics::markov::MarkovError;
use numerics::simd::{F64x8, LANES};
use thiserror::Error;

/// A cleft that cannot be built or started.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CleftError {
    /// A number of the geometry makes no sense.
    #[error(
        "the geometry needs positive sizes, height below 2 R, grading in [0, 1), a shell, two of tissue, reach beyond R"
    )]
    Geometry,
    /// The place or way of release makes no sense.
    #[error("the source needs a radius within the cleft and a pore whose numbers are positive")]
    Source,
    /// A resident's ligand list does not fit its scheme.
    #[error(
        "resident {resident}: one sound ligand is needed for each of its scheme, and no step may take up a product"
    )]
    Ligands {
        /// The resident.
        resident: usize,
    },
    /// Rates beyond mass action would move within a step.
    #[error("resident {resident}: a coefficient depends on the transmitter other than by mass action")]
    NotMassAction {
        /// The resident.
        resident: usize,
    },
    /// A resident lives where there is nothing.
    #[error("resident {resident} must live between {least} and {most} um")]
    Site {
        /// The resident.
        resident: usize,
        /// Smallest radius, um.
        least: f64,
        /// Largest radius, um.
        most: f64,
    },
    /// An amount that is zero, negative, not finite, or an area density in tissue.
    #[error("resident {resident}: the amount must be positive, and in tissue a count or a density per volume")]
    Amount {
        /// The resident.
        resident: usize,
    },
    /// The list of molecules held does not fit.
    #[error("resident {resident}: `bound` needs one number, zero or more, for each state")]
    Bound {
        /// The resident.
        resident: usize,
    },
    /// Coefficients do not fit a scheme.
    #[error("resident {resident}: {error}")]
    Kinetics {
        /// The resident.
        resident: usize,
        /// What is wrong.
        error: KineticsError,
    },
    /// A resident has no single law of rest.
    #[error("resident {resident}: {error}")]
    Rest {
        /// The resident.
        resident: usize,
        /// What is wrong.
        error: MarkovError,
    },
    /// The rest could not be reached.
    #[error("the cleft does not come to rest: {0}")]
    Restless(Fault),
    /// A release that is negative or not finite.
    #[error("{molecules} molecules cannot be released")]
    Release {
        /// How many.
        molecules: f64,
    },
    /// No such resident.
    #[error("there is no resident {resident}")]
    NoSuchResident {
        /// The one asked for.
        resident: usize,
    },
    /// No such observable.
    #[error("resident {resident} has no observable {observable}")]
    NoSuchObservable {
        /// The resident.
        resident: usize,
        /// The one asked for.
        observable: u16,
    },
}

/// A cleft: immutable, shared by any number of states.
///
/// ```
/// use engine::cleft::{Cleft, Geometry, Pore, Rim, Source, Tolerance};
/// use engine::time::Tick;
/// let geometry = Geometry { radius: 0.25, height: 0.02, diffusion: 0.33, shells: 40, grading: 0.5, rim: Rim::Absorbing };
/// let source = Source { pore: Pore::FirstOrder { tau: 0.03 }, radius: 0.0 };
/// let cleft = Cleft::new(&geometry, &source, &[]).unwrap();
/// let (mut state, mut scratch) = (cleft.start(), cleft.scratch());
/// cleft.release(&mut state, 3000.0).unwrap();
/// cleft.advance(&mut state, &mut scratch, Tick::from_ms(1.0).unwrap(), Tolerance::default()).unwrap();
/// assert!(cleft.budget(&state).defect() < 1e-12);
/// ```
#[derive(Clone, Debug)]
pub struct Cleft {
    pub(super) geometry: Geometry,
    pub(super) source: Source,
    pub(super) shells: Shells,
    /// Groups of eight shells.
    pub(super) groups: usize,
    /// Lines of eight numbers in all.
    pub(super) lines: usize,
    /// Numbers of all factorised blocks.
    pub(super) factors: usize,
    pub(super) blocks: Vec<Block>,
    /// Off-diagonal and diagonal numbers of diffusion, /ms.
    pub(super) inward: Vec<f64>,
    pub(super) outward: Vec<f64>,
    pub(super) loss: Vec<f64>,
    /// 1 / volume, /um3.
    pub(super) inverse: Vec<f64>,
    /// mM in a shell for one amol released.
    pub(super) spread: Vec<f64>,
    pub(super) rest: State,
}

impl Cleft {
    /// Checks everything, cuts the space, plans the eliminations, and finds the rest.
    ///
    /// # Errors
    /// See [`CleftError`].
    pub fn new(geometry: &Geometry, source: &Source, residents: &[Resident]) -> Result<Self, CleftError> {
        if !geometry.sound() {
            return Err(CleftError::Geometry);
        }
        if !(source.pore.sound() && source.radius >= 0.0 && source.radius <= geometry.radius) {
            return Err(CleftError::Source);
        }
        let shells = geometry.cut();
        let n = shells.volume.len();
        let groups = n.div_ceil(LANES);
        let mut blocks: Vec<Block> = Vec::with_capacity(residents.len());
        let mut next = [groups, 0, 0];
        for (index, resident) in residents.iter().enumerate() {
            let block = Block::new(index, resident, geometry, &shells, next)?;
            next[0] += block.groups * block.states;
            next[1] += block.groups * block.elimination.slots;
            next[2] += block.moves.len();
            blocks.push(block);
        }
        let inner = |i: usize| if i == 0 { 0.0 } else { shells.conductance[i - 1] };
        let per = |f: &dyn Fn(usize) -> f64| (0..n).map(|i| f(i) / shells.volume[i]).collect::<Vec<_>>();
        let radius = if geometry.lumped() { geometry.radius } else { source.radius.max(shells.edges[1]) };
        let share = |i: usize| {
            let (a, b) = (shells.edges[i], shells.edges[i + 1].min(radius));
            if i < shells.disc && a < b { Geometry::ring(a, b) / Geometry::ring(0.0, radius) } else { 0.0 }
        };
        let mut plan = Self {
            geometry: *geometry,
            source: *source,
            groups,
            lines: next[0],
            factors: next[1],
            inward: per(&|i| -inner(i)),
            outward: per(&|i| -shells.conductance[i]),
            loss: per(&|i| inner(i) + shells.conductance[i]),
            spread: per(&share),
            inverse: per(&|_| 1.0),
            blocks,
            shells,
            rest: State {
                clock: Tick::ZERO,
                next: f64::INFINITY,
                values: vec![0.0; next[0] * LANES],
                rates: Vec::new(),
                vesicles: Vec::new(),
                escaped: 0.0,
                turned_over: vec![0.0; residents.len()],
                initial: 0.0,
                released: 0.0,
            },
        };
        plan.rest = plan.find_rest()?;
        Ok(plan)
    }

    /// Everything at the resting concentration, each resident at its law there; then, where residents turn over what
    /// the far field sends, until that has settled.
    fn find_rest(&self) -> Result<State, CleftError> {
        let mut state = self.rest.clone();
        let c = self.shells.outside;
        state.values[..self.shells.volume.len()].fill(c);
        for (index, block) in self.blocks.iter().enumerate() {
            let resident = &block.resident;
            state.rates.extend(resident.rates(index, &resident.coefficients)?);
            let ligands: Vec<f64> = resident
                .ligands
                .iter()
                .map(|l| match *l {
                    super::resident::Ligand::Held(held) => held,
                    _ => c,
                })
                .collect();
            let kinetics = |error| CleftError::Kinetics { resident: index, error };
            let generator = resident.kinetics.generator(&resident.coefficients, &ligands).map_err(kinetics)?;
            // Several closed sets (a blocked arm without agonist): the one reached from the first state.
            let law = generator.stationary_from(0).map_err(|error| CleftError::Rest { resident: index, error })?;
            for g in 0..block.groups {
                for (s, p) in law.iter().enumerate() {
                    let at = (block.offset + g * block.states + s) * LANES;
                    state.values[at..at + LANES].fill(*p);
                }
            }
        }
        let used = self.blocks.iter().any(|b| b.moves.iter().any(|m| m.lost != 0.0));
        if c > 0.0 && used && matches!(self.geometry.rim, Rim::Porous(_)) {
            let tolerance = Tolerance { relative: 1e-6, ..Tolerance::default() };
            let mut scratch = self.scratch();
            // A million ms: beyond any resident's turnover.
            self.advance(&mut state, &mut scratch, Tick(1_000_000_000_000_000), tolerance)
                .map_err(CleftError::Restless)?;
            state = State { clock: Tick::ZERO, next: f64::INFINITY, escaped: 0.0, ..state };
            state.turned_over.fill(0.0);
        }
        state.initial = 0.0;
        let budget = self.budget(&state);
        state.initial = budget.free_in_cleft + budget.free_in_tissue + budget.bound.iter().sum::<f64>();
        Ok(state)
    }

    /// How many variables a state has: concentrations, and occupancies of what binds.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.rest.values.len()
    }

    /// A state at rest, at time 0.
    #[must_use]
    pub fn start(&self) -> State {
        self.rest.clone()
    }

    /// A state of uniform concentration `concentration` (mM) in the disc, the rest at rest.
    ///
    /// # Errors
    /// [`CleftError::Release`] if it is negative or not finite.
    pub fn start_filled(&self, concentration: f64) -> Result<State, CleftError> {
        if !(concentration >= 0.0 && concentration.is_finite()) {
            return Err(CleftError::Release { molecules: concentration });
        }
        let mut state = self.start();
        for (c, v) in state.values.iter_mut().zip(&self.shells.volume).take(self.shells.disc) {
            state.initial += (concentration - *c) * v;
            *c = concentration;
        }
        Ok(state)
    }

    /// One vesicle of `molecules` opens now, the pore as the source says.
    ///
    /// # Errors
    /// [`CleftError::Release`] if they are negative or not finite.
    pub fn release(&self, state: &mut State, molecules: f64) -> Result<(), CleftError> {
        if !(molecules >= 0.0 && molecules.is_finite()) {
            return Err(CleftError::Release { molecules });
        }
        let content = molecules / AVOGADRO;
        state.released += content;
        match (self.source.pore, state.vesicles.first_mut()) {
            (Pore::Instantaneous, _) => self.pour(&mut state.values, content),
            // Exponential emptying has no memory: one vesicle stands for all.
            (Pore::FirstOrder { .. }, Some(vesicle)) => vesicle.content += content,
            _ => state.vesicles.push(Vesicle { content, radius: 0.0 }),
        }
        // 10 ns: the controller finds its pace again from below.
        state.next = state.next.min(1e-5);
        Ok(())
    }

    /// Straight into the cleft, amol.
    pub(super) fn pour(&self, values: &mut [f64], content: f64) {
        for (c, share) in values.iter_mut().zip(&self.spread) {
            *c = share.mul_add(content, *c);
        }
    }

    /// New coefficients for a resident (another voltage), one an output of its rate program.
    ///
    /// # Errors
    /// No such resident, or coefficients that do not fit or make a rate negative or not finite.
    pub fn set_coefficients(&self, state: &mut State, resident: usize, coefficients: &[f64]) -> Result<(), CleftError> {
        self.follow_coefficients(state, resident, coefficients)?;
        state.next = state.next.min(1e-3);
        Ok(())
    }

    /// The same for a change so small that the step goes on as it was: of a voltage that is followed.
    ///
    /// # Errors
    /// As [`set_coefficients`](Self::set_coefficients).
    pub fn follow_coefficients(
        &self,
        state: &mut State,
        resident: usize,
        coefficients: &[f64],
    ) -> Result<(), CleftError> {
        let block = self.blocks.get(resident).ok_or(CleftError::NoSuchResident { resident })?;
        let rates = block.resident.rates(resident, coefficients)?;
        state.rates[block.rates..block.rates + rates.len()].copy_from_slice(&rates);
        Ok(())
    }

    /// The shell where elimination from both ends meets; never the first.
    #[inline(always)]
    pub(super) fn middle(&self) -> usize {
        self.inverse.len() / 2
    }

    /// The state's lines, checked.
    pub(super) fn lines<'a>(&self, state: &'a State) -> &'a [f64] {
        let rates: usize = self.blocks.iter().map(|b| b.moves.len()).sum();
        let fits = state.values.len() == self.lines * LANES
            && state.rates.len() == rates
            && state.turned_over.len() == self.blocks.len();
        assert!(fits, "a state of this cleft");
        &state.values
    }

    /// Reads lines into aligned memory.
    pub(super) fn align(values: &[f64], lines: &mut [F64x8]) {
        F64x8::as_f64s_mut(lines).copy_from_slice(values);
    }
}
