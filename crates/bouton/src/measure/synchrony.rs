//! How far cells fire together, read off their spike times; pure functions.
//!
//! **Phase**: 0 at a spike of the cell, 1 at its next, linear in between (Pikovsky, Rosenblum & Kurths 2001,
//! Synchronization, ch. 6). A cell has one from its first to its last spike. **Order parameter**: `r = |mean exp(2 pi i
//! phase)|` over cells (Kuramoto 1984), in the mean over time; `n` independent cells have about `0.886 / sqrt(n)`, which the
//! consistency `(n r^2 - 1) / (n - 1)` takes away (mean cosine of the difference between two; Vinck et al. 2010, NeuroImage
//! 51:112). **Tiling coefficient** of two trains: Cutts & Eglen 2014, J Neurosci 34:14288; 1 if every spike of either has one
//! of the other within the window, 0 if they are independent, whatever their rates.

use numerics::math::{turn, turns};

/// Spikes of one trial by cell, ms, ascending in each.
pub type Trains = [Vec<f64>];

/// Cells of which phases are taken, at most: evenly chosen.
const CELLS: usize = 1000;
/// Phases that are taken of all cells together, at most.
const PHASES: usize = 400_000;
/// Times at which an order parameter is taken, at most, and about how many a period.
const TIMES: (usize, f64) = (4000, 40.0);
/// Pairs of cells, at most: evenly chosen.
const PAIRS: usize = 2000;

/// Phases of cells over a stretch.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Mean order parameter, 0 to 1.
    pub value: f64,
    /// Mean of `(n r^2 - 1) / (n - 1)`: 0 of independent cells, 1 of cells that fire at once, `-1 / (n - 1)` at least.
    pub consistency: f64,
    /// How many cells are counted: those that have a phase during more than half of the window.
    pub cells: usize,
    /// Of so many.
    pub of: usize,
    /// From when on all of them have one, and until when, ms.
    pub stretch: (f64, f64),
    /// Order parameter over that stretch: time in ms, value.
    pub course: Vec<(f64, f64)>,
}

/// The mean order parameter that `n` independent cells have, Rayleigh's for many: exactly `2 / pi` for two.
#[must_use]
pub fn independent(n: usize) -> f64 {
    if n == 2 {
        return std::f64::consts::FRAC_2_PI;
    }
    (std::f64::consts::PI / (4.0 * n as f64)).sqrt()
}

/// So many of `n`, evenly chosen.
fn chosen(n: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = n.min(most);
    (0..kept).map(move |k| k * n / kept.max(1))
}

/// The phase of a train at a time between its first and its last spike, from its spike `at` on, which goes on to the right one.
fn phase(train: &[f64], at: &mut usize, time: f64) -> f64 {
    while *at + 2 < train.len() && train[*at + 1] <= time {
        *at += 1;
    }
    (time - train[*at]) / (train[*at + 1] - train[*at])
}

/// The order parameter of cells between two times (ms). Counted are cells that have a phase during more than half of that:
/// then there is a stretch in which all have one. A cell that fires once or not at all has none. `None` with fewer than two
/// such cells, and where the stretch is shorter than the longest of their mean periods. Cost: 400,000 phases at most.
#[must_use]
pub fn order(trains: &Trains, window: (f64, f64)) -> Option<Order> {
    let half = 0.5 * (window.1 - window.0);
    let within = |t: &[f64]| match (t.first(), t.last()) {
        (Some(first), Some(last)) if t.len() > 1 => (first.max(window.0), last.min(window.1)),
        _ => (f64::NAN, f64::NAN),
    };
    let counted: Vec<&Vec<f64>> = chosen(trains.len(), CELLS)
        .map(|k| &trains[k])
        .filter(|t| {
            let (from, until) = within(t);
            until - from > half
        })
        .collect();
    if counted.len() < 2 {
        return None;
    }
    let ends = counted.iter().map(|t| within(t));
    let (from, until) = ends.fold(window, |(a, b), (x, y)| (a.max(x), b.min(y)));
    let period = |t: &Vec<f64>| (t[t.len() - 1] - t[0]) / (t.len() - 1) as f64;
    let periods = counted.iter().map(|t| period(t));
    let (short, long) = periods.fold((f64::INFINITY, 0.0_f64), |(a, b), p| (a.min(p), b.max(p)));
    if until - from < long {
        return None;
    }
    let n = counted.len();
    let wanted = (TIMES.1 * (until - from) / short).ceil() as usize;
    let times = wanted.clamp(1, TIMES.0.min(PHASES / n));
    let mut at = vec![0; n];
    let (mut course, mut sums) = (Vec::with_capacity(times), (0.0, 0.0));
    for k in 0..times {
        let time = from + (until - from) * (k as f64 + 0.5) / times as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (train, at) in counted.iter().zip(&mut at) {
            let (c, s) = turn(phase(train, at, time));
            (re, im) = (re + c, im + s);
        }
        let square = (re * re + im * im) / (n * n) as f64;
        course.push((time, square.sqrt()));
        sums = (sums.0 + square.sqrt(), sums.1 + (n as f64 * square - 1.0) / (n as f64 - 1.0));
    }
    let [value, consistency] = [sums.0, sums.1].map(|sum| sum / times as f64);
    Some(Order { value, consistency, cells: n, of: trains.len().min(CELLS), stretch: (from, until), course })
}

/// How two cells go together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// By how much the second is behind the first, in periods of the first: above -0.5, 0.5 at most.
    pub lag: f64,
    /// How much that keeps: the length of the mean of `exp(2 pi i difference)`, 0 to 1 (phase-locking value; Lachaux et al.
    /// 1999, Hum Brain Mapp 8:194).
    pub locking: f64,
}

/// The lag of a train behind another between two times (ms); `None` where [`order`] has none.
#[must_use]
pub fn lag(a: &[f64], b: &[f64], window: (f64, f64)) -> Option<Lag> {
    let trains = [a.to_vec(), b.to_vec()];
    let of = order(&trains, window)?;
    let (mut at, mut sums) = ([0; 2], (0.0, 0.0));
    for (time, _) in &of.course {
        let [first, second] = [0, 1].map(|k| phase(&trains[k], &mut at[k], *time));
        let (c, s) = turn(first - second);
        sums = (sums.0 + c, sums.1 + s);
    }
    let n = of.course.len() as f64;
    let locking = (sums.0 * sums.0 + sums.1 * sums.1).sqrt() / n;
    Some(Lag { lag: turns(sums.0, sums.1), locking })
}

/// Mean interval of the cells that fire three times or more between two times, each its own mean, ms.
#[must_use]
pub fn period(trains: &Trains, window: (f64, f64)) -> Option<f64> {
    let mean = |train: &Vec<f64>| {
        let seen = between(train, window);
        (seen.len() > 2).then(|| (seen[seen.len() - 1] - seen[0]) / (seen.len() - 1) as f64)
    };
    let all: Vec<f64> = trains.iter().filter_map(mean).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

/// The spikes from one time until before another.
fn between(train: &[f64], (from, until): (f64, f64)) -> &[f64] {
    let at = |t: f64| train.partition_point(|s| *s < t);
    &train[at(from)..at(until).max(at(from))]
}

/// Pairs `a < b` of `n`, evenly chosen if there are too many.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = n * n.saturating_sub(1) / 2;
    chosen(all, PAIRS).map(|k| {
        // Pairs counted by their later one: b (b - 1) / 2 come before those of b.
        let mut b = ((1.0 + (1.0 + 8.0 * k as f64).sqrt()) / 2.0) as usize;
        while b * (b - 1) / 2 > k {
            b -= 1;
        }
        while (b + 1) * b / 2 <= k {
            b += 1;
        }
        (k - b * (b - 1) / 2, b)
    })
}

/// Share of a window that lies within `near` of a spike.
fn covered(train: &[f64], near: f64, (from, until): (f64, f64)) -> f64 {
    let (mut sum, mut end) = (0.0, from);
    for t in train {
        let (a, b) = ((t - near).max(end), (t + near).min(until));
        sum += (b - a).max(0.0);
        end = end.max(b);
    }
    sum / (until - from)
}

/// Share of the spikes of `a` that have one of `b` within `near`.
fn matched(a: &[f64], b: &[f64], near: f64) -> f64 {
    let mut k = 0;
    let mut sum = 0.0;
    for t in a {
        while k < b.len() && b[k] < t - near {
            k += 1;
        }
        sum += f64::from(u8::from(b.get(k).is_some_and(|s| *s <= t + near)));
    }
    sum / a.len() as f64
}

/// Spike time tiling coefficient: `((P_A - T_B) / (1 - P_A T_B) + (P_B - T_A) / (1 - P_B T_A)) / 2`, with P the share of a
/// train's spikes that have one of the other within `near` ms, T the share of time within that of a spike. In the mean over
/// pairs of cells that fire; `None` without one. Cost: linear in spikes a pair, 2000 pairs at most.
#[must_use]
pub fn tiling(trains: &Trains, near: f64, window: (f64, f64)) -> Option<f64> {
    let seen: Vec<&[f64]> = trains.iter().map(|t| between(t, window)).filter(|t| !t.is_empty()).collect();
    let shares: Vec<f64> = seen.iter().map(|t| covered(t, near, window)).collect();
    // Where both are 1 nothing can be told apart.
    let half = |p: f64, t: f64| if p * t < 1.0 { (p - t) / (1.0 - p * t) } else { 1.0 };
    let (mut sum, mut n) = (0.0, 0.0);
    for (a, b) in pairs(seen.len()) {
        let (pa, pb) = (matched(seen[a], seen[b], near), matched(seen[b], seen[a], near));
        sum += 0.5 * (half(pa, shares[b]) + half(pb, shares[a]));
        n += 1.0;
    }
    (n > 0.0).then(|| sum / n)
}

/// Spikes of one cell about those of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlogram {
    /// Middles of the bins, ms: how much later the second cell fires.
    pub lags: Vec<f64>,
    /// Pairs of spikes in each, of all pairs of cells.
    pub counts: Vec<f64>,
    /// What independent cells that fire as often would have there, in the mean.
    pub expected: Vec<f64>,
}

/// Cross-correlogram of all pairs of cells, the later one of the population against the earlier, out to `far` ms in bins of
/// `bin` ms of which one lies around 0. Cost: linear in the pairs of spikes that are so near, of 2000 pairs of cells at most.
#[must_use]
pub fn correlogram(trains: &Trains, (far, bin): (f64, f64), window: (f64, f64)) -> Option<Correlogram> {
    let seen: Vec<&[f64]> = trains.iter().map(|t| between(t, window)).filter(|t| !t.is_empty()).collect();
    let side = (far / bin).round() as usize;
    let lags: Vec<f64> = (0..=2 * side).map(|k| (k as f64 - side as f64) * bin).collect();
    let (mut counts, mut products) = (vec![0.0; lags.len()], 0.0);
    let edge = (side as f64 + 0.5) * bin;
    for (a, b) in pairs(seen.len()) {
        let mut first = 0;
        for t in seen[a] {
            while first < seen[b].len() && seen[b][first] < t - edge {
                first += 1;
            }
            for s in seen[b][first..].iter().take_while(|s| **s < t + edge) {
                let k = ((s - t + edge) / bin) as usize;
                counts[k.min(2 * side)] += 1.0;
            }
        }
        products += (seen[a].len() * seen[b].len()) as f64;
    }
    let long = window.1 - window.0;
    let expected = lags.iter().map(|lag| products * bin * (long - lag.abs()).max(0.0) / (long * long)).collect();
    (products > 0.0).then_some(Correlogram { lags, counts, expected })
}
