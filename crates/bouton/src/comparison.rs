//! How far levels of detail agree: the same model at each of them, with the same luck of its terminals.
//!
//! Vesicles fuse at the same times at all levels, as the terminal knows nothing of its cleft; so ratios are taken pair by pair, and
//! their errors by the jackknife over groups of trials that are the same at all levels (Tukey 1958).

mod shape;

use crate::lower;
use crate::recording::{Condition, Group, Probe};
use crate::simulation::{Detail, Plan};
use model::diagnostic::Diagnostics;
use model::resolve::Resolved;
use numerics::math;
use shape::Shape;

/// What a level is called.
#[must_use]
pub fn name(level: Detail) -> &'static str {
    match level {
        Detail::Molecular => "molecular",
        Detail::Kinetic => "kinetic",
        Detail::Mean => "mean",
    }
}

/// A condition at a level, ready to run; `trials` in place of the file's.
#[must_use]
pub fn plan(resolved: &Resolved, level: Detail, trials: u64, out: &mut Diagnostics) -> Option<Plan> {
    let mut plan = lower::compared(resolved, level, out)?;
    plan.trials = trials;
    name(level).clone_into(&mut plan.name);
    Some(plan)
}

/// What came of a level.
#[derive(Clone, Debug)]
pub struct Level {
    /// Which.
    pub level: Detail,
    /// What was recorded.
    pub condition: Condition,
    /// Seconds of one core for a trial, all of it.
    pub seconds: f64,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Of the mean over all trials, from its value at the beginning.
    Peak,
    /// When that is, from the first fusion of all trials on, ms.
    TimeOfPeak,
    /// Time constant from 80 to 20 % of it, ms.
    Decay,
    /// Integral of the mean.
    Area,
    /// Variance over trials, where the mean is at half of its peak and more.
    Variance,
}

impl What {
    /// Largest share by which levels may differ, beside the error.
    #[must_use]
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Peak | Self::Area => 0.02,
            Self::TimeOfPeak | Self::Decay => 0.03,
            Self::Variance => 0.1,
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Peak => "peak",
            Self::TimeOfPeak => "time of peak",
            Self::Decay => "decay",
            Self::Area => "area",
            Self::Variance => "variance",
        }
    }

    /// Its unit, of a trace of that unit.
    #[must_use]
    pub fn unit(self, of: &str) -> String {
        match self {
            Self::Peak => of.to_owned(),
            Self::TimeOfPeak | Self::Decay => "ms".to_owned(),
            Self::Area if of == "pA" => "fC".to_owned(),
            Self::Area if of.is_empty() => "ms".to_owned(),
            Self::Area => format!("{of}*ms"),
            Self::Variance if of.is_empty() => String::new(),
            Self::Variance => format!("{of}^2"),
        }
    }
}

/// A number with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// NaN where there is none.
    pub value: f64,
    /// NaN with one group of trials.
    pub error: f64,
}

/// What to think of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is within the tolerance, its 95 % interval too.
    Agree,
    /// It may be within the tolerance.
    Compatible,
    /// Its 95 % interval is not, but five errors are.
    Open,
    /// It is not.
    Differ,
    /// There is none.
    NoNumber,
}

impl Verdict {
    fn of(ratio: Number, tolerance: f64) -> Self {
        let (off, error) = ((ratio.value - 1.0).abs(), if ratio.error.is_nan() { 0.0 } else { ratio.error });
        if off.is_nan() {
            Self::NoNumber
        } else if off + 1.96 * error <= tolerance {
            Self::Agree
        } else if off - 1.96 * error <= tolerance {
            Self::Compatible
        } else if off <= tolerance + 5.0 * error {
            Self::Open
        } else {
            Self::Differ
        }
    }

    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Compatible => "agree within the error",
            Self::Open => "may differ",
            Self::Differ => "differ",
            Self::NoNumber => "no number",
        }
    }
}

/// A quantity of a trace at all levels.
#[derive(Debug)]
pub struct Quantity {
    /// The trace.
    pub path: String,
    /// Of the value.
    pub unit: String,
    /// What of it.
    pub what: What,
    /// At each level.
    pub values: Vec<Number>,
    /// Each level over the first, and what to think of it; nothing of the first itself, nor of a variance at the mean level.
    pub ratios: Vec<Option<(Number, Verdict)>>,
}

/// Peaks of single trials at two levels: the largest distance of their distributions, and odds of a larger one by chance.
#[derive(Debug)]
pub struct Distribution {
    /// The trace.
    pub path: String,
    /// `amplitude`, `area`
    pub quantity: String,
    /// The second level, after the first.
    pub level: usize,
    /// Kolmogorov's distance.
    pub distance: f64,
    /// Odds.
    pub odds: f64,
}

/// Below these odds two distributions are said to differ.
pub const ODDS: f64 = 1e-4;

/// All of it.
#[derive(Debug)]
pub struct Comparison {
    /// The levels, in the order in which they were asked for; the others are held against the first.
    pub levels: Vec<Level>,
    /// Quantity by quantity.
    pub quantities: Vec<Quantity>,
    /// Distributions over trials, of levels at which receptors jump.
    pub distributions: Vec<Distribution>,
}

impl Comparison {
    /// Holds the levels against each other.
    #[must_use]
    pub fn new(levels: Vec<Level>) -> Self {
        let mut quantities = Vec::new();
        let mut distributions = Vec::new();
        if let Some(first) = levels.first() {
            for probe in &first.condition.probes {
                quantities.extend(of_trace(&levels, probe));
            }
            // A count of molecules has noise of its own.
            let counted = |name: &str| name.split('.').nth(1) == Some("cleft");
            for measure in first.condition.measures.iter().filter(|m| !counted(&m.name)) {
                for (k, level) in levels.iter().enumerate().skip(1) {
                    let stochastic = |l: &Level| l.level != Detail::Mean;
                    let other = level.condition.measures.iter().find(|m| m.path() == measure.path());
                    let Some(other) = other.filter(|_| stochastic(level) && stochastic(first)) else { continue };
                    let Some((distance, odds)) = distance(&measure.values, &other.values) else { continue };
                    distributions.push(Distribution {
                        path: measure.name.clone(),
                        quantity: measure.quantity.clone(),
                        level: k,
                        distance,
                        odds,
                    });
                }
            }
        }
        Self { levels, quantities, distributions }
    }

    /// Whether no ratio differs.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.count(Verdict::Differ) == 0
    }

    /// How many ratios are of a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.quantities.iter().flat_map(|q| q.ratios.iter().flatten()).filter(|r| r.1 == verdict).count()
    }
}

/// A number of all groups, and of all but each; all of them of one level.
struct Estimate {
    whole: f64,
    without: Vec<f64>,
}

impl Estimate {
    fn error(&self) -> f64 {
        jackknife(&self.without)
    }

    fn over(&self, other: &Self) -> Number {
        let without: Vec<f64> = self.without.iter().zip(&other.without).map(|(a, b)| a / b).collect();
        Number { value: self.whole / other.whole, error: jackknife(&without) }
    }
}

/// Standard error of a number that is these without each of its groups.
fn jackknife(without: &[f64]) -> f64 {
    let n = without.len() as f64;
    let mean = without.iter().sum::<f64>() / n;
    (without.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() * (n - 1.0) / n).sqrt()
}

fn of_trace(levels: &[Level], like: &Probe) -> Vec<Quantity> {
    let probes: Option<Vec<&Probe>> =
        levels.iter().map(|l| l.condition.probes.iter().find(|p| p.path == like.path)).collect();
    let Some(probes) = probes else { return Vec::new() };
    // All trials fuse alike at all levels.
    let synapse = like.path.split('.').next().unwrap_or_default();
    let fused = levels[0].condition.events.iter().filter(|e| e.what == format!("{synapse}.fusion"));
    let Some(begins) = fused.map(|e| e.at).reduce(f64::min) else { return Vec::new() };
    let shapes: Vec<(Shape, Vec<Shape>)> = probes
        .iter()
        .map(|p| {
            let of = |mean: &[f64]| Shape::find(mean, p.every, begins);
            (of(&p.mean), (0..p.groups.len()).map(|g| of(&mean_without(&p.groups, g))).collect())
        })
        .collect();
    let by_shape = |what: What, number: &dyn Fn(&Shape) -> f64| {
        let all: Vec<Estimate> = shapes
            .iter()
            .map(|(whole, without)| Estimate { whole: number(whole), without: without.iter().map(number).collect() })
            .collect();
        quantity(like, what, &all, |_| true)
    };
    let mut all = vec![
        by_shape(What::Peak, &|s| s.peak),
        by_shape(What::TimeOfPeak, &|s| s.time),
        by_shape(What::Decay, &|s| s.decay),
        by_shape(What::Area, &|s| s.area),
    ];
    let stochastic = |k: usize| levels[k].level != Detail::Mean;
    if like.path.ends_with(".open") && (0..levels.len()).filter(|k| stochastic(*k)).count() > 1 && stochastic(0) {
        // Where the first level's mean is high, at all levels.
        let near = shapes[0].0.high(&probes[0].mean);
        let of = |p: &&Probe| Estimate {
            whole: variance(&p.groups, None, &near),
            without: (0..p.groups.len()).map(|g| variance(&p.groups, Some(g), &near)).collect(),
        };
        all.push(quantity(like, What::Variance, &probes.iter().map(of).collect::<Vec<_>>(), stochastic));
    }
    all
}

fn quantity(like: &Probe, what: What, all: &[Estimate], counts: impl Fn(usize) -> bool) -> Quantity {
    let ratio = |k: usize| {
        let ratio = all[k].over(&all[0]);
        (k > 0 && counts(k)).then(|| (ratio, Verdict::of(ratio, what.tolerance())))
    };
    Quantity {
        path: like.path.clone(),
        unit: what.unit(like.unit),
        what,
        values: all.iter().map(|e| Number { value: e.whole, error: e.error() }).collect(),
        ratios: (0..all.len()).map(ratio).collect(),
    }
}

/// The mean of all groups but one.
fn mean_without(groups: &[Group], left: usize) -> Vec<f64> {
    let others = || groups.iter().enumerate().filter(|(g, _)| *g != left).map(|(_, g)| g);
    let n: u64 = others().map(|g| g.trials).sum();
    let samples = others().map(|g| g.mean.len()).max().unwrap_or(0);
    let mut mean = vec![0.0; samples];
    for group in others() {
        let share = group.trials as f64 / n as f64;
        mean.iter_mut().zip(&group.mean).for_each(|(m, x)| *m += share * x);
    }
    mean
}

/// Variance over the trials of all groups but one, mean over some samples.
fn variance(groups: &[Group], left: Option<usize>, near: &[usize]) -> f64 {
    let others = || groups.iter().enumerate().filter(|(g, group)| Some(*g) != left && group.trials > 0).map(|(_, g)| g);
    let n = others().map(|g| g.trials).sum::<u64>() as f64;
    let at = |k: usize| {
        let mean = others().map(|g| g.trials as f64 * g.mean[k]).sum::<f64>() / n;
        let between: f64 = others().map(|g| g.trials as f64 * (g.mean[k] - mean) * (g.mean[k] - mean)).sum();
        (others().map(|g| g.scatter[k]).sum::<f64>() + between) / (n - 1.0)
    };
    near.iter().map(|k| at(*k)).sum::<f64>() / near.len() as f64
}

/// Kolmogorov's distance of two samples, and the odds of a larger one if both are of one law (Smirnov; Stephens 1970, J R Stat Soc B
/// 32:115, for how few there are). Odds are too high for numbers that are equal often.
fn distance(a: &[f64], b: &[f64]) -> Option<(f64, f64)> {
    let sorted = |v: &[f64]| {
        let mut v: Vec<f64> = v.iter().copied().filter(|x| !x.is_nan()).collect();
        v.sort_unstable_by(f64::total_cmp);
        v
    };
    let (a, b) = (sorted(a), sorted(b));
    if a.len() < 8 || b.len() < 8 {
        return None;
    }
    let (mut i, mut j, mut most) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|y| **y <= x).count();
        j += b[j..].iter().take_while(|y| **y <= x).count();
        most = most.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    let n = (a.len() as f64 * b.len() as f64 / (a.len() + b.len()) as f64).sqrt();
    let l = (n + 0.12 + 0.11 / n) * most;
    let odds: f64 = if l < 0.2 {
        1.0
    } else {
        (1..100).map(|k| if k % 2 == 1 { 2.0 } else { -2.0 } * math::exp(-2.0 * f64::from(k * k) * l * l)).sum()
    };
    Some((most, odds.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_to_what_all_trials_do() {
        // Values 0..12 of one sample, dealt out to three groups; without the second: 0 2 3 5 6 8 9 11.
        let group = |g: usize| {
            let own: Vec<f64> = (0..12).filter(|k| k % 3 == g).map(|k| k as f64).collect();
            let mean = own.iter().sum::<f64>() / 4.0;
            Group { trials: 4, mean: vec![mean], scatter: vec![own.iter().map(|x| (x - mean) * (x - mean)).sum()] }
        };
        let groups: Vec<Group> = (0..3).map(group).collect();
        assert!((variance(&groups, None, &[0]) - 13.0).abs() < 1e-12);
        assert_eq!(mean_without(&groups, 1), [5.5]);
        let left = [0.0, 2.0, 3.0, 5.0, 6.0, 8.0, 9.0, 11.0_f64];
        let exact = left.iter().map(|x| (x - 5.5) * (x - 5.5)).sum::<f64>() / 7.0;
        assert!((variance(&groups, Some(1), &[0]) - exact).abs() < 1e-12);
    }

    #[test]
    fn distances_have_the_odds_of_smirnov() {
        // Shifted by a quarter of all: the distance is a quarter; of two samples of 100 odds of .0028 (asymptotic .0039).
        let a: Vec<f64> = (0..100).map(f64::from).collect();
        let b: Vec<f64> = a.iter().map(|x| x + 25.0).collect();
        let (d, odds) = distance(&a, &b).unwrap();
        assert!((d - 0.25).abs() < 1e-12 && (0.002..0.004).contains(&odds), "{d} {odds}");
        assert_eq!(distance(&a, &a), Some((0.0, 1.0)));
        assert_eq!(distance(&a, &[1.0]), None);
    }

    #[test]
    fn a_verdict_says_what_is_known() {
        let of = |value, error| Verdict::of(Number { value, error }, 0.02);
        assert_eq!(of(1.01, 0.001), Verdict::Agree);
        assert_eq!(of(1.01, 0.01), Verdict::Compatible);
        assert_eq!(of(1.06, 0.01), Verdict::Open);
        assert_eq!(of(0.9, 0.01), Verdict::Differ);
        assert_eq!(of(f64::NAN, 0.01), Verdict::NoNumber);
    }
}
