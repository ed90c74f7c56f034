//! A population in time: windows of steps, in each of which members' spikes come first, then the sums over them.

use super::flow::{Flow, Step};
use super::members::{Advance, CHUNK, Changes, Members};
use super::plan::{Plan, PopulationError};
use crate::time::Tick;
use numerics::math;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use serde::{Deserialize, Serialize};

/// Steps of a window at most: bounds what changes within it take of memory. No result depends on it.
const WINDOW: usize = 1024;

/// Lines as plain numbers.
pub(super) mod numbers {
    use numerics::simd::{F64x8, LANES};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(lines: &[F64x8], to: S) -> Result<S::Ok, S::Error> {
        F64x8::as_f64s(lines).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<F64x8>, D::Error> {
        let numbers = Vec::<f64>::deserialize(from)?;
        match numbers.as_chunks::<LANES>() {
            (lines, []) => Ok(lines.iter().map(|l| F64x8(*l)).collect()),
            _ => Err(D::Error::custom("lengths do not fit")),
        }
    }
}

/// Whose luck: addresses of the senders' spikes and of what vesicles do at them, by member and ordinal of the spike.
#[derive(Clone, Copy, Debug)]
pub struct Keys {
    /// Of spikes: the same in all populations of synapses that have these senders.
    pub spikes: StreamKey,
    /// Of vesicles.
    pub release: StreamKey,
}

/// All that a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Steps done.
    steps: u64,
    spikes: u64,
    released: u64,
    /// Empty sites of all members, in the mean over what is not yet drawn of their refilling.
    empty: f64,
    /// Ligand of all members, mM.
    ligand: f64,
    members: Vec<Members>,
    flows: Vec<Flow>,
}

/// Working memory; never saved.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    changes: Vec<Changes>,
}

/// What came of some steps, at the end of each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Spikes since the start.
    pub spikes: Vec<u64>,
    /// Vesicles released since the start.
    pub released: Vec<u64>,
    /// Docked vesicles of all members: the mean, given all that was released.
    pub docked: Vec<f64>,
    /// Ligand, the mean over members, mM.
    pub ligand: Vec<f64>,
    /// By receptor: the sum of all members' laws, states side by side.
    pub laws: Vec<Vec<f64>>,
}

impl Series {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.spikes.clear();
        self.released.clear();
        self.docked.clear();
        self.ligand.clear();
        self.laws.iter_mut().for_each(Vec::clear);
    }
}

impl State {
    /// At rest, all sites taken, at time 0.
    #[must_use]
    pub fn new(plan: &Plan, keys: &Keys) -> Self {
        let count = plan.about.members;
        let chunk = |first: usize| Members::new(plan, keys, first as u64, CHUNK.min(count - first));
        Self {
            steps: 0,
            spikes: 0,
            released: 0,
            empty: 0.0,
            ligand: 0.0,
            members: (0..count).step_by(CHUNK).map(chunk).collect(),
            flows: (0..plan.courses.len()).map(|r| Flow::new(plan, r)).collect(),
        }
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self, plan: &Plan) -> Tick {
        plan.about.step * self.steps as i64
    }

    /// Vesicles released since the start.
    #[must_use]
    pub fn released(&self) -> u64 {
        self.released
    }

    /// Spikes since the start.
    #[must_use]
    pub fn spikes(&self) -> u64 {
        self.spikes
    }

    /// Docked vesicles now, as in [`Series::docked`].
    #[must_use]
    pub fn docked(&self, plan: &Plan) -> f64 {
        plan.about.members as f64 * f64::from(plan.about.sites) - self.empty
    }

    /// Ligand now, the mean over members, mM.
    #[must_use]
    pub fn ligand(&self, plan: &Plan) -> f64 {
        self.ligand / plan.about.members as f64
    }

    /// The sum of all members' laws of a receptor now.
    #[must_use]
    pub fn law(&self, plan: &Plan, receptor: usize) -> Vec<f64> {
        self.flows[receptor].total(plan.courses[receptor].rates.states())
    }

    /// Advances by `steps` of the grid, and appends what came of them. Threads share the members by chunks; they change no
    /// bit, nor does it matter how many steps are asked for at once.
    ///
    /// Cost: a spike some 0.1 us, a release 0.2 us with five states; a step some 0.5 us, whatever the number of members.
    ///
    /// # Errors
    /// [`PopulationError::State`], [`PopulationError::Concentration`]; the state is then not to be used.
    pub fn advance(
        &mut self,
        plan: &Plan,
        keys: &Keys,
        scratch: &mut Scratch,
        (steps, threads, level): (usize, usize, Level),
        out: &mut Series,
    ) -> Result<(), PopulationError> {
        let fits = self.flows.len() == plan.courses.len()
            && self.members.len() == plan.about.members.div_ceil(CHUNK)
            && self.flows.iter().zip(&plan.courses).all(|(f, c)| f.fits(c))
            && self.members.iter().all(|m| m.fits(plan));
        if !fits {
            return Err(PopulationError::State);
        }
        scratch.changes.resize_with(self.members.len(), Changes::default);
        out.laws.resize_with(plan.courses.len(), Vec::new);
        let mut left = steps;
        while left > 0 {
            let steps = left.min(WINDOW);
            self.window(plan, keys, scratch, (steps, threads, level), out)?;
            left -= steps;
        }
        Ok(())
    }

    fn window(
        &mut self,
        plan: &Plan,
        keys: &Keys,
        scratch: &mut Scratch,
        (steps, threads, level): (usize, usize, Level),
        out: &mut Series,
    ) -> Result<(), PopulationError> {
        let from = self.steps;
        let changes = &mut scratch.changes[..];
        let share = self.members.len().div_ceil(threads.max(1));
        let work = |members: &mut [Members], changes: &mut [Changes]| {
            for (members, changes) in members.iter_mut().zip(changes) {
                level.dispatch(Advance { plan, keys, members, changes, from, steps });
            }
        };
        std::thread::scope(|scope| {
            let mut shares = self.members.chunks_mut(share).zip(changes.chunks_mut(share));
            let own = shares.next();
            for (members, changes) in shares {
                scope.spawn(move || work(members, changes));
            }
            if let Some((members, changes)) = own {
                work(members, changes);
            }
        });
        if let Some(fault) = changes.iter().find_map(|c| c.fault.clone()) {
            return Err(fault);
        }
        let mut offset = 0;
        for (r, (course, flow)) in plan.courses.iter().zip(&mut self.flows).enumerate() {
            let lines = (plan.lines(), offset);
            level.dispatch(Step { course, flow, changes, lines, steps, out: &mut out.laws[r] });
            offset += course.width;
        }
        let d = &plan.about;
        let kept = if d.refill.is_finite() { math::exp(-d.refill * d.step.ms()) } else { 0.0 };
        let decay = math::exp(-d.step.ms() / d.tau);
        for step in 0..steps {
            self.empty *= kept;
            self.ligand *= decay;
            for c in changes.iter() {
                self.spikes += u64::from(c.spikes[step]);
                self.released += u64::from(c.released[step]);
                self.empty += c.empty[step];
                self.ligand += c.ligand[step];
            }
            out.spikes.push(self.spikes);
            out.released.push(self.released);
            out.docked.push(self.docked(plan));
            out.ligand.push(self.ligand(plan));
        }
        self.steps += steps as u64;
        Ok(())
    }
}
