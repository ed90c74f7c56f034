//! Figures of populations that fire together: cross-correlograms, and the order parameter over time.

use super::figures::{Figure, colour, legend, style};
use super::numbers::significant;
use crate::measure::synchrony::{correlogram, independent, order, tiling};
use crate::plot::{Dash, Layer, Panel};
use crate::recording::{Condition, Recording};

/// Populations are shown from this synchrony or phase consistency on, and where gap junctions join their cells.
const NOTABLE: f64 = 0.1;
/// Spikes so near each other are together, ms.
const NEAR: f64 = 2.0;
/// Lags that are shown, and bins, ms.
const LAGS: (f64, f64) = (50.0, 1.0);
/// Pairs of spikes expected of all bins together, at least: fewer are no curve.
const LEAST: f64 = 2000.0;
/// Points of a course, at most.
const POINTS: usize = 500;
/// Trials that a correlogram is made of, at most.
const TRIALS: u64 = 20;
/// Populations that get figures.
const SHOWN: usize = 4;

/// What is drawn of a population in a condition.
struct Together {
    condition: usize,
    /// Lag in ms, pairs of spikes over those expected.
    pairs: Vec<(f64, f64)>,
    /// Time in ms, order parameter.
    order: Vec<(f64, f64)>,
    /// Cells that have a phase.
    cells: usize,
    notable: bool,
}

fn trains(c: &Condition, what: &str, count: u32, trial: u64) -> Vec<Vec<f64>> {
    let mut out = vec![Vec::new(); count as usize];
    for e in c.events.iter().filter(|e| e.trial == trial && e.what == what) {
        if let Some(train) = out.get_mut(e.index as usize) {
            train.push(e.at);
        }
    }
    out
}

/// Means of stretches, so that few points are left.
fn thinned(course: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let each = course.len().div_ceil(POINTS).max(1);
    let mean = |part: &[(f64, f64)]| {
        let sum = part.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
        (sum.0 / part.len() as f64, sum.1 / part.len() as f64)
    };
    course.chunks(each).map(mean).collect()
}

fn together(condition: usize, c: &Condition, name: &str, count: u32) -> Option<Together> {
    let what = format!("{name}.spike");
    let half = (0.5 * c.duration, c.duration);
    let (mut counts, mut expected, mut lags) = (Vec::new(), Vec::new(), Vec::new());
    let (mut first, mut notable) = (None, c.coupled.iter().any(|n| n == name));
    for trial in 0..c.trials.min(TRIALS) {
        let all = trains(c, &what, count, trial);
        if let Some(seen) = correlogram(&all, LAGS, half) {
            counts.resize(seen.counts.len(), 0.0);
            expected.resize(seen.counts.len(), 0.0);
            counts.iter_mut().zip(&seen.counts).for_each(|(sum, x)| *sum += x);
            expected.iter_mut().zip(&seen.expected).for_each(|(sum, x)| *sum += x);
            lags = seen.lags;
        }
        if trial == 0 {
            let seen = order(&all, half);
            notable |= seen.is_some_and(|o| o.consistency >= NOTABLE);
            notable |= tiling(&all, NEAR, half).is_some_and(|t| t >= NOTABLE);
            first = order(&all, (0.0, c.duration));
        }
    }
    let n = counts.len();
    // Which of two cells of a population comes first says nothing.
    let both = |x: &[f64], k: usize| if count > 2 { 0.5 * (x[k] + x[n - 1 - k]) } else { x[k] };
    let enough = expected.iter().sum::<f64>() >= LEAST;
    let pairs = (0..n).map(|k| (lags[k], both(&counts, k) / both(&expected, k)));
    let pairs: Vec<(f64, f64)> = if enough { pairs.collect() } else { Vec::new() };
    let (order, cells) = first.map_or((Vec::new(), 0), |o| (thinned(&o.course), o.cells));
    (!pairs.is_empty() || !order.is_empty()).then_some(Together { condition, pairs, order, cells, notable })
}

/// Figures of all populations that are joined by junctions, or that fire together.
pub(super) fn figures(r: &Recording, out: &mut Vec<Figure>) {
    let mut names: Vec<(&str, u32)> = Vec::new();
    for (name, count) in r.conditions.iter().flat_map(|c| &c.populations).filter(|p| p.1 > 1) {
        if names.iter().all(|known| known.0 != name) {
            names.push((name, *count));
        }
    }
    let mut shown = 0;
    for (name, count) in names {
        let of = r.conditions.iter().enumerate();
        let all: Vec<Together> = of.filter_map(|(k, c)| together(k, c, name, count)).collect();
        if shown == SHOWN || !all.iter().any(|t| t.notable) {
            continue;
        }
        shown += 1;
        out.extend(pairs(r, name, &all));
        out.extend(course(r, name, &all));
    }
}

fn line(r: &Recording, of: &Together, points: &[(f64, f64)]) -> Layer {
    let (of, n) = (of.condition, r.conditions.len());
    Layer::Line { points: points.to_vec(), colour: colour(of, n).into(), width: 1.6, dash: style(of, n) }
}

fn level(x: (f64, f64), y: f64) -> Layer {
    Layer::Line { points: vec![(x.0, y), (x.1, y)], colour: "#777777".into(), width: 1.0, dash: Dash::Dotted }
}

fn pairs(r: &Recording, name: &str, all: &[Together]) -> Option<Figure> {
    let drawn: Vec<&Together> = all.iter().filter(|t| !t.pairs.is_empty()).collect();
    let high = drawn.iter().flat_map(|t| &t.pairs).map(|p| p.1).fold(1.0, f64::max);
    let x = (-LAGS.0, LAGS.0);
    let mut layers = vec![level(x, 1.0)];
    layers.extend(drawn.iter().map(|t| line(r, t, &t.pairs)));
    let which: Vec<usize> = drawn.iter().map(|t| t.condition).collect();
    (!drawn.is_empty()).then(|| Figure {
        title: format!("Cross-correlogram of {name}"),
        path: format!("{name}.spike"),
        caption: format!(
            "Pairs of spikes of two cells by their lag, of all pairs of cells (2000 at most) in the second half of the trial, \
             over what independent cells of the same rates would have (dotted, 1); bins of {} ms.",
            LAGS.1
        ),
        legend: legend(r, &which),
        panel: Panel {
            x_label: "lag (ms)".into(),
            y_label: "pairs of spikes, over chance".into(),
            x,
            y: (0.0, 1.08 * high),
            layers,
            ..Panel::default()
        },
    })
}

fn course(r: &Recording, name: &str, all: &[Together]) -> Option<Figure> {
    let drawn: Vec<&Together> = all.iter().filter(|t| !t.order.is_empty()).collect();
    let cells = drawn.iter().map(|t| t.cells).max()?;
    let x = (0.0, r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max));
    let chance = independent(cells);
    let mut layers = vec![level(x, chance)];
    layers.extend(drawn.iter().map(|t| line(r, t, &t.order)));
    let which: Vec<usize> = drawn.iter().map(|t| t.condition).collect();
    Some(Figure {
        title: format!("Order parameter of {name}"),
        path: format!("{name}.spike"),
        caption: format!(
            "How near to one another the phases of {cells} cells are in the first trial, |mean exp(i phase)|: 1 if all fire at \
             once. Phases go evenly from spike to spike. Dotted: independent cells, {}.",
            significant(chance, 2)
        ),
        legend: legend(r, &which),
        panel: Panel {
            x_label: "time (ms)".into(),
            y_label: "order parameter".into(),
            x,
            y: (0.0, 1.04),
            layers,
            ..Panel::default()
        },
    })
}
