//! What a batch records, and what is kept of it: sums over trials in a fixed order, and the first traces.

use super::plan::{Plan, Wanted};
use numerics::simd::LANES;

/// Samples of the trials of a batch: `[trial][probe]`.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    pub(super) lanes: Vec<Vec<Vec<f64>>>,
}

impl Traces {
    /// For batches of `plan`, with room for all samples.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let room = |p: &super::plan::ProbePlan| {
            Vec::with_capacity(((plan.duration.0 / p.every.0) as usize + 1) * p.source.width())
        };
        Self { lanes: (0..LANES).map(|_| plan.probes.iter().map(room).collect()).collect() }
    }

    /// Forgets all samples.
    pub fn clear(&mut self) {
        self.lanes.iter_mut().flatten().for_each(Vec::clear);
    }

    /// Samples of a probe in a trial.
    #[must_use]
    pub fn samples(&self, lane: usize, probe: usize) -> &[f64] {
        &self.lanes[lane][probe]
    }
}

/// What is kept of a probe over all trials.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Trials in it.
    pub trials: u64,
    mean: Vec<f64>,
    /// Sums of squares of deviations from the mean.
    scatter: Vec<f64>,
    /// The first traces.
    pub traces: Vec<(u64, Vec<f64>)>,
    /// The same of groups of trials, dealt out in turn, where that is wanted.
    pub groups: Vec<Kept>,
}

impl Kept {
    /// Takes in a trial (Welford 1962), and keeps its trace if asked to. Trials come in order, so that any number of
    /// threads gives the same bits.
    pub fn add(&mut self, trial: u64, samples: &[f64], keep: bool) {
        self.mean.resize(samples.len(), 0.0);
        self.scatter.resize(samples.len(), 0.0);
        self.trials += 1;
        let n = self.trials as f64;
        for ((mean, scatter), x) in self.mean.iter_mut().zip(&mut self.scatter).zip(samples) {
            let off = x - *mean;
            *mean += off / n;
            *scatter = off.mul_add(x - *mean, *scatter);
        }
        if keep {
            self.traces.push((trial, samples.to_vec()));
        }
    }

    /// Takes a trial into its group of `groups` as well.
    pub fn add_to_group(&mut self, trial: u64, samples: &[f64], groups: usize) {
        self.groups.resize_with(groups, Kept::default);
        self.groups[trial as usize % groups].add(trial, samples, false);
    }

    /// Sums of squares of deviations from the mean.
    #[must_use]
    pub fn scatter(&self) -> &[f64] {
        &self.scatter
    }

    /// Mean over the trials.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Standard deviation over the trials; empty with fewer than two.
    #[must_use]
    pub fn deviation(&self) -> Vec<f64> {
        if self.trials < 2 {
            return Vec::new();
        }
        self.scatter.iter().map(|s| (s / (self.trials - 1) as f64).sqrt()).collect()
    }
}

impl Wanted {
    /// Whether traces over all trials are kept.
    #[must_use]
    pub fn kept(self) -> bool {
        self != Self::Measure
    }
}
