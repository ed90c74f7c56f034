//! A population of integer counts, moved by exact draws.
//!
//! Luck has an address: (stream key, instance, ordinal of that instance's next event), so that another instance, thread
//! or SIMD level changes nobody's draws. An interval of multinomials is one event; each Gillespie jump is one.

use super::{CHUNK, EnsembleError, at, fit_all};
use crate::fault::{Fault, Quantity};
use crate::mechanism::{Input, Kinetics, KineticsError, MAX_STATES, StateIndex};
use crate::time::Tick;
use numerics::jump::{Jump, Multinomial, gillespie};
use numerics::markov::Propagator;
use numerics::rng::{Draws, StreamKey};
use numerics::simd::LANES;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// Counts of `instances` populations of copies of a scheme; nobody is ever lost or made.
///
/// All that a snapshot holds; the stream key belongs to the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Jumps {
    states: usize,
    instances: usize,
    clock: Tick,
    /// Place `(block * states + state) * 8 + lane`.
    counts: Vec<u32>,
    /// Next ordinal of each instance, padded to blocks.
    ordinals: Vec<u64>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    states: u16,
    instances: u64,
    clock: Tick,
    counts: Vec<u32>,
    ordinals: Vec<u64>,
}

impl From<Jumps> for Raw {
    fn from(j: Jumps) -> Self {
        let (states, instances) = (j.states as u16, j.instances as u64);
        Self { states, instances, clock: j.clock, counts: j.counts, ordinals: j.ordinals }
    }
}

impl TryFrom<Raw> for Jumps {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let (states, instances) = (usize::from(raw.states), usize::try_from(raw.instances).map_err(|_| "too many")?);
        let padded = instances.div_ceil(LANES) as u128 * LANES as u128;
        let fits = raw.counts.len() as u128 == padded * states as u128 && raw.ordinals.len() as u128 == padded;
        if !fits || !(1..=MAX_STATES).contains(&states) {
            return Err("lengths do not fit");
        }
        let jumps = Self { states, instances, clock: raw.clock, counts: raw.counts, ordinals: raw.ordinals };
        let sums = (0..instances).map(|i| (0..states).map(|s| u64::from(jumps.counts[jumps.place(i, s)])).sum::<u64>());
        if sums.into_iter().any(|sum| sum > u64::from(u32::MAX)) {
            return Err("more copies than can be counted");
        }
        Ok(jumps)
    }
}

/// A propagator made ready for drawing: one multinomial law a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Laws {
    rows: Vec<Multinomial>,
}

impl Laws {
    /// Prepares every row.
    #[must_use]
    pub fn new(propagator: &Propagator) -> Self {
        let rows = (0..propagator.states())
            .map(|state| Multinomial::new(propagator.row(state)).expect("a propagator's rows are laws"))
            .collect();
        Self { rows }
    }

    /// Moves all individuals of one instance at once.
    fn redistribute(&self, counts: &mut [u32], draws: &mut Draws) {
        let mut after = [0; MAX_STATES];
        let after = &mut after[..counts.len()];
        for (law, &count) in self.rows.iter().zip(&*counts) {
            law.draw_into(draws, count, after);
        }
        counts.copy_from_slice(after);
    }
}

/// Gives each pair of u64 (one jump) an address of its own, so that no run of luck can exhaust one.
struct PerJump {
    key: StreamKey,
    member: u64,
    ordinal: u64,
    draws: Draws,
    used: bool,
}

impl PerJump {
    fn new(key: StreamKey, member: u64, ordinal: u64) -> Self {
        Self { key, member, ordinal, draws: key.at(member, ordinal), used: false }
    }
}

impl rand_core::TryRng for PerJump {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|x| (x >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let word = self.draws.next_u64();
        if self.used {
            self.ordinal += 1;
            self.draws = self.key.at(self.member, self.ordinal);
        }
        self.used = !self.used;
        Ok(word)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl Jumps {
    /// `instances` populations, all with the counts `start` (one a state), at time 0.
    ///
    /// # Errors
    /// [`EnsembleError::Start`] on a wrong length or more than 2^32 - 1 copies.
    pub fn new(kinetics: &Kinetics, instances: usize, start: &[u32]) -> Result<Self, EnsembleError> {
        let states = kinetics.states();
        let total: u64 = start.iter().map(|&c| u64::from(c)).sum();
        if start.len() != states || total > u64::from(u32::MAX) {
            return Err(EnsembleError::Start { states });
        }
        let blocks = instances.div_ceil(LANES);
        let block: Vec<u32> = start.iter().flat_map(|&count| [count; LANES]).collect();
        Ok(Self {
            states,
            instances,
            clock: Tick::ZERO,
            counts: block.repeat(blocks),
            ordinals: vec![0; blocks * LANES],
        })
    }

    fn place(&self, instance: usize, state: usize) -> usize {
        assert!(instance < self.instances && state < self.states, "an instance and state of this population");
        (instance / LANES * self.states + state) * LANES + instance % LANES
    }

    /// How many instances.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Individuals of one instance in one state. Panics out of range.
    #[must_use]
    pub fn count(&self, instance: usize, state: StateIndex) -> u32 {
        self.counts[self.place(instance, usize::from(state.0))]
    }

    /// An observable of every instance, `out_i = sum_s weights_s n_is` in the order of the states.
    ///
    /// # Errors
    /// [`EnsembleError::Length`] unless `weights` has one a state and `out` one an instance.
    pub fn observe(&self, weights: &[f64], out: &mut [f64]) -> Result<(), EnsembleError> {
        for (got, want) in [(weights.len(), self.states), (out.len(), self.instances)] {
            if got != want {
                return Err(EnsembleError::Length { got, want });
            }
        }
        for (instance, out) in out.iter_mut().enumerate() {
            let weighted = |sum: f64, (state, weight): (usize, &f64)| {
                weight.mul_add(f64::from(self.counts[self.place(instance, state)]), sum)
            };
            *out = weights.iter().enumerate().fold(0.0, weighted);
        }
        Ok(())
    }

    /// Lets `f(instance, counts, ordinal)` move each instance, in fixed chunks over the current rayon pool; the
    /// failure of the lowest instance comes back.
    fn each<S>(
        &mut self,
        scratch: impl Fn() -> S + Sync + Send,
        f: impl Fn(&mut S, usize, &mut [u32], &mut u64) -> Result<(), EnsembleError> + Sync,
    ) -> Result<(), EnsembleError> {
        let (states, instances) = (self.states, self.instances);
        let chunks =
            self.counts.par_chunks_mut(CHUNK * states * LANES).zip(self.ordinals.par_chunks_mut(CHUNK * LANES));
        let failure = chunks
            .enumerate()
            .map_init(scratch, |scratch, (chunk, (counts, ordinals))| {
                let mut own = [0; MAX_STATES];
                let own = &mut own[..states];
                for (index, ordinal) in ordinals.iter_mut().enumerate() {
                    let instance = chunk * CHUNK * LANES + index;
                    if instance >= instances {
                        break;
                    }
                    let block = &mut counts[index / LANES * states * LANES..][..states * LANES];
                    for (own, line) in own.iter_mut().zip(block.chunks_exact(LANES)) {
                        *own = line[index % LANES];
                    }
                    if let Err(error) = f(scratch, instance, own, ordinal) {
                        return Some((instance, error));
                    }
                    for (own, line) in own.iter().zip(block.chunks_exact_mut(LANES)) {
                        line[index % LANES] = *own;
                    }
                }
                None
            })
            .flatten()
            .min_by_key(|(instance, _)| *instance);
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Advances every instance by `dt`, whose transition probabilities are `laws`, the same for all. Exact.
    ///
    /// Cost: at most `states^2 / 2` binomial draws an instance.
    ///
    /// # Errors
    /// Laws of another scheme, or a negative step.
    pub fn step_shared(&mut self, key: StreamKey, laws: &Laws, dt: Tick) -> Result<(), EnsembleError> {
        if laws.rows.len() != self.states {
            return Err(EnsembleError::States { got: self.states, want: laws.rows.len() });
        }
        if dt < Tick::ZERO {
            return Err(EnsembleError::Step);
        }
        self.each(
            || (),
            |(), instance, counts, ordinal| {
                laws.redistribute(counts, &mut key.at(instance as u64, *ordinal));
                *ordinal += 1;
                Ok(())
            },
        )?;
        self.clock += dt;
        Ok(())
    }

    /// Advances every instance by `dt` under its own rates, held over the step. Exact for such rates.
    ///
    /// Cost: one propagator an instance (microseconds), except where neighbours have the same rates.
    ///
    /// # Errors
    /// Arguments that do not fit; a [`Fault`] for a rate that is none (the population is then not to be used).
    pub fn step_each(
        &mut self,
        key: StreamKey,
        kinetics: &Kinetics,
        coefficients: &[Input],
        ligands: &[Input],
        dt: Tick,
    ) -> Result<(), EnsembleError> {
        fit_all(kinetics, (self.states, self.instances), coefficients, ligands)?;
        let clock = self.clock;
        self.each(
            || (vec![f64::NAN; coefficients.len()], vec![f64::NAN; ligands.len()], None::<Laws>),
            |(k, c, known), instance, counts, ordinal| {
                let moved = gather(k, coefficients, instance) | gather(c, ligands, instance);
                let laws = match known {
                    Some(laws) if !moved => laws,
                    _ => {
                        let q = kinetics.generator(k, c).map_err(|error| fault(error, instance, clock))?;
                        let p = q.propagator(dt.ms()).map_err(|_| EnsembleError::Step)?;
                        known.insert(Laws::new(&p))
                    }
                };
                laws.redistribute(counts, &mut key.at(instance as u64, *ordinal));
                *ordinal += 1;
                Ok(())
            },
        )?;
        self.clock += dt;
        Ok(())
    }

    /// Advances every instance by `dt` one jump at a time, each under its own rates, held over the step. Exact; the
    /// work is the number of jumps, so this is for few copies.
    ///
    /// # Errors
    /// As [`step_each`](Self::step_each).
    pub fn gillespie(
        &mut self,
        key: StreamKey,
        kinetics: &Kinetics,
        coefficients: &[Input],
        ligands: &[Input],
        dt: Tick,
    ) -> Result<(), EnsembleError> {
        fit_all(kinetics, (self.states, self.instances), coefficients, ligands)?;
        if dt < Tick::ZERO {
            return Err(EnsembleError::Step);
        }
        let (clock, interval) = (self.clock, dt.ms());
        let jump =
            |t: &crate::mechanism::Transition| Jump { from: usize::from(t.from.0), to: usize::from(t.to.0), rate: 0.0 };
        self.each(
            || kinetics.transitions().iter().map(jump).collect::<Vec<_>>(),
            |jumps, instance, counts, ordinal| {
                for (transition, (jump, t)) in jumps.iter_mut().zip(kinetics.transitions()).enumerate() {
                    let concentration = t.takes_up.map_or(1.0, |l| at(&ligands[usize::from(l.0)], instance));
                    jump.rate = at(&coefficients[usize::from(t.rate.0)], instance) * concentration;
                    if !(jump.rate >= 0.0 && jump.rate.is_finite()) {
                        return Err(fault(KineticsError::BadRate { transition, rate: jump.rate }, instance, clock));
                    }
                }
                let mut draws = PerJump::new(key, instance as u64, *ordinal);
                gillespie(counts, jumps, interval, &mut draws);
                *ordinal = draws.ordinal + u64::from(draws.used);
                Ok(())
            },
        )?;
        self.clock += dt;
        Ok(())
    }
}

/// Reads an instance's numbers; true if any differs from those before.
fn gather(to: &mut [f64], from: &[Input], instance: usize) -> bool {
    let mut moved = false;
    for (to, from) in to.iter_mut().zip(from) {
        let value = at(from, instance);
        moved |= value.to_bits() != to.to_bits();
        *to = value;
    }
    moved
}

fn fault(error: KineticsError, instance: usize, at: Tick) -> EnsembleError {
    match error {
        KineticsError::BadRate { transition, rate } => {
            Fault { quantity: Quantity::Rate { transition }, value: rate, instance, at }.into()
        }
        other => other.into(),
    }
}
