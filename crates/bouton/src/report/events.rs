//! Figures of what happens at a moment, and of amplitudes: rasters and histograms.

use super::figures::{Figure, colour, crowded, is_release, legend, rounded, whose};
use super::numbers::{label, significant, unit};
use super::words;
use crate::plot::{Layer, Panel};
use crate::recording::{Condition, Measure, Recording};
use numerics::math;
use std::collections::BTreeSet;

/// Kinds of events that get a figure.
const KINDS: usize = 6;
/// Bins of a histogram, about.
const BINS: f64 = 24.0;
/// Trials of a condition that a raster shows.
const ROWS: u64 = 100;
/// Dots of a condition in a raster.
const DOTS: usize = 4000;
/// Cells that a raster of a circuit shows, of all conditions together.
const CELLS: u32 = 1000;
/// Dots of such a raster.
const DOTS_OF_CELLS: usize = 12_000;
/// After the first release, ms.
const NEAR: f64 = 5.0;

/// A step of 1, 2 or 5 times a power of ten that is at least `width`.
pub(super) fn round_step(width: f64) -> f64 {
    let power = math::pow(10.0, math::log10(width).floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|s| s * power).find(|s| *s >= width * (1.0 - 1e-9)).unwrap_or(width)
}

/// How much the bars of a condition are filled, to be told apart in black and white.
fn fill(index: usize) -> f64 {
    [0.7, 0.0, 0.35, 0.12][index % 4]
}

fn times<'a>(c: &'a Condition, what: &'a str) -> impl Iterator<Item = (u64, f64)> + 'a {
    c.events.iter().filter(move |e| e.what == what).map(|e| (e.trial, e.at))
}

/// Trials in which something was released.
pub(super) fn released_in(c: &Condition) -> BTreeSet<u64> {
    c.events.iter().filter(|e| is_release(&e.what)).map(|e| e.trial).collect()
}

/// The conditions to draw a kind of events of, and whether one stands for all: with the same luck they agree.
fn drawn(r: &Recording, what: &str) -> (Vec<usize>, bool) {
    let all: Vec<Vec<(u64, f64)>> = r.conditions.iter().map(|c| times(c, what).collect()).collect();
    let trials = r.conditions.first().map_or(0, |c| c.trials);
    let same = all.len() > 1 && all.iter().all(|a| *a == all[0]) && r.conditions.iter().all(|c| c.trials == trials);
    (if same { vec![0] } else { (0..all.len()).filter(|i| !all[*i].is_empty()).collect() }, same)
}

/// What an event is called.
fn title(what: &str) -> String {
    match (what.rsplit_once('.'), is_release(what)) {
        (Some((of, _)), true) => format!("Fusions of vesicles at {of}"),
        (Some((of, "spike")), _) => format!("Action potentials of {of}"),
        _ => format!("Events: {what}"),
    }
}

/// Rasters of all kinds of events, releases first, each release with a histogram.
pub fn rasters(r: &Recording, out: &mut Vec<Figure>) {
    let mut kinds: Vec<&str> = r.conditions.iter().flat_map(|c| c.events.iter().map(|e| e.what.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.sort_by_key(|k| !is_release(k));
    for what in kinds.into_iter().take(KINDS) {
        out.push(of_cells(r, what).unwrap_or_else(|| raster(r, what)));
        if is_release(what) {
            out.extend(histogram_of_times(r, what));
        }
    }
}

/// A raster of a population of a circuit in the first trial, a row a cell.
fn of_cells(r: &Recording, what: &str) -> Option<Figure> {
    let name = what.strip_suffix(".spike")?;
    let count = |c: &Condition| c.populations.iter().find(|p| p.0 == name).map_or(0, |p| p.1);
    let most = r.conditions.iter().map(count).max().filter(|n| *n > 1)?;
    let drawn: Vec<usize> =
        (0..r.conditions.len()).filter(|i| times(&r.conditions[*i], what).next().is_some()).collect();
    let first = |c: &'_ Condition| -> Vec<(f64, u32)> {
        let all = c.events.iter().filter(|e| e.what == what);
        let trial = all.clone().map(|e| e.trial).min();
        all.filter(|e| Some(e.trial) == trial).map(|e| (e.at, e.index)).collect()
    };
    // So many cells that their dots can be told apart and the page stays small.
    let mut rows = (CELLS / drawn.len().max(1) as u32).clamp(1, most);
    let dots = |rows: u32| {
        let of = |i: &usize| first(&r.conditions[*i]).into_iter().filter(|e| e.1 < rows).count();
        drawn.iter().map(of).sum::<usize>()
    };
    while rows > 20 && dots(rows) > DOTS_OF_CELLS {
        rows /= 2;
    }
    let mut layers = Vec::new();
    for (k, i) in drawn.iter().enumerate() {
        let below = k as u32 * rows;
        let points = first(&r.conditions[*i]).into_iter().filter(|e| e.1 < rows);
        let points: Vec<(f64, f64)> = points.map(|(at, cell)| (at, f64::from(below + cell + 1))).collect();
        let size = if rows as usize * drawn.len() > 60 { 1.0 } else { 1.6 };
        layers.push(Layer::Dots { points, colour: colour(*i, r.conditions.len()).into(), size });
    }
    let mut caption = String::from("A row for each cell, a dot for each action potential, in the first trial");
    caption.push_str(if drawn.len() > 1 {
        "; the conditions are stacked in the order of the legend, the first at the bottom."
    } else {
        "."
    });
    if rows < most {
        caption.push_str(&format!(" The first {rows} of {most} cells are drawn."));
    }
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let panel = Panel {
        x_label: "time (ms)".into(),
        y_label: "cell".into(),
        counts: true,
        x: (0.0, duration),
        y: (0.0, f64::from(rows) * drawn.len().max(1) as f64 + 1.0),
        layers,
        ..Panel::default()
    };
    Some(Figure { title: title(what), path: what.to_owned(), caption, legend: legend(r, &drawn), panel })
}

fn raster(r: &Recording, what: &str) -> Figure {
    let mut layers = Vec::new();
    let mut below = 0;
    let mut cut = false;
    let (drawn, same) = drawn(r, what);
    for (i, c) in drawn.iter().map(|i| (*i, &r.conditions[*i])) {
        let points: Vec<(f64, f64)> = times(c, what)
            .filter(|(trial, _)| *trial < ROWS)
            .take(DOTS)
            .map(|(trial, at)| (at, (below + trial + 1) as f64))
            .collect();
        layers.push(Layer::Dots {
            points,
            colour: colour(if same { 0 } else { i }, r.conditions.len()).into(),
            size: 1.8,
        });
        cut |= c.trials > ROWS || times(c, what).filter(|(trial, _)| *trial < ROWS).count() > DOTS;
        below += c.trials.clamp(1, ROWS);
    }
    let mut all: Vec<f64> = r.conditions.iter().flat_map(|c| times(c, what).map(|t| t.1)).collect();
    all.sort_unstable_by(f64::total_cmp);
    // Of releases, one in fifty at either end may lie outside: a spontaneous one would squeeze all others.
    let aside = if is_release(what) { all.len() / 50 } else { 0 };
    let (first, last) = match (all.get(aside), all.get(all.len().wrapping_sub(1 + aside))) {
        (Some(a), Some(b)) => (*a, *b),
        _ => (0.0, 0.0),
    };
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let pad = 0.1 * (last - first) + 0.004 * duration;
    let x = rounded((first - pad - 1e-3, last + pad + 1e-3), duration.max(last + 1e-3));
    let whole = x.1 - x.0 > 0.6 * duration;
    let x = if whole { (0.0, duration.max(last + 1e-3)) } else { x };
    let mut caption = String::from("A row for each trial, a dot for each event");
    caption.push_str(if drawn.len() > 1 {
        "; the conditions are stacked in the order of the legend, the first at the bottom."
    } else {
        "."
    });
    if cut {
        caption.push_str(&format!(" Only the first {ROWS} trials are drawn."));
    }
    let outside = drawn.iter().flat_map(|i| times(&r.conditions[*i], what)).filter(|t| t.1 < x.0 || t.1 > x.1).count();
    if outside > 0 {
        caption.push_str(&format!(" Outside of the times shown: {outside}."));
    }
    caption.push_str(&whose(r, &drawn, same));
    let panel = Panel {
        x_label: "time (ms)".into(),
        y_label: "trial".into(),
        counts: true,
        x,
        y: (0.0, below as f64 + 1.0),
        layers,
        ..Panel::default()
    };
    Figure { title: title(what), path: what.to_owned(), caption, legend: legend(r, &drawn), panel }
}

/// Side by side in a bin: the part of it that is condition `i`'s.
fn share(from: f64, width: f64, i: usize, of: usize) -> (f64, f64) {
    let each = 0.9 * width / of as f64;
    let start = from + 0.05 * width + i as f64 * each;
    (start, start + each)
}

/// Events per trial and bin after the first of them.
fn histogram_of_times(r: &Recording, what: &str) -> Option<Figure> {
    let first = r.conditions.iter().flat_map(|c| times(c, what).map(|t| t.1)).min_by(f64::total_cmp)?;
    let (drawn, same) = drawn(r, what);
    // Bars of many conditions side by side cannot be read.
    if crowded(drawn.len()) {
        return None;
    }
    let width = NEAR / 25.0;
    let start = (first / width).floor() * width;
    let bins = 25usize;
    let mut top = 0.0f64;
    let mut outside = 0usize;
    let mut layers = Vec::new();
    for (n, (i, c)) in drawn.iter().map(|i| (*i, &r.conditions[*i])).enumerate() {
        let mut counts = vec![0u32; bins];
        for (_, at) in times(c, what) {
            match counts.get_mut(((at - start) / width).max(0.0) as usize) {
                Some(n) => *n += 1,
                None => outside += 1,
            }
        }
        let per = |count: u32| f64::from(count) / c.trials.max(1) as f64 / width;
        let bar = |(k, count): (usize, &u32)| {
            let (a, b) = share(start + k as f64 * width, width, n, drawn.len());
            (a, b, per(*count))
        };
        let bars: Vec<(f64, f64, f64)> = counts.iter().enumerate().map(bar).collect();
        top = bars.iter().fold(top, |t, b| t.max(b.2));
        layers.push(Layer::Bars { bars, colour: colour(i, r.conditions.len()).into(), fill: fill(i) });
    }
    let mut caption = format!(
        "How often a vesicle fuses, in bins of {} ms from the first fusion on: the spread is the jitter of release.",
        significant(width, 3)
    );
    if outside > 0 {
        let s = if outside == 1 { "fusion lies" } else { "fusions lie" };
        caption.push_str(&format!(" {outside} {s} later."));
    }
    caption.push_str(&whose(r, &drawn, same));
    let panel = Panel {
        x_label: "time (ms)".into(),
        y_label: "fusions per trial and ms".into(),
        x: (start - width, start + NEAR),
        y: (0.0, 1.08 * top),
        layers,
        ..Panel::default()
    };
    let title = "When vesicles fuse".to_owned();
    Some(Figure { title, path: what.to_owned(), caption, legend: legend(r, &drawn), panel })
}

/// Whether a measure is of how large responses are.
pub(super) fn is_size(m: &Measure) -> bool {
    ["amplitude", "potency"].contains(&m.quantity.as_str())
}

/// The failures that belong to a measure of amplitudes: of the same name, of the same trace.
fn failures<'a>(c: &'a Condition, m: &Measure) -> Option<&'a Measure> {
    c.measures.iter().find(|f| f.name == m.name && f.of == m.of && f.quantity.starts_with("failure"))
}

/// Amplitudes of a condition that are responses, and the number of failures: trials that a measure of failures says,
/// or else those without a release where others have one.
pub(super) fn sorted_out(c: &Condition, m: &Measure) -> (Vec<f64>, usize) {
    let failed = failures(c, m);
    let released = released_in(c);
    let fails = |i: usize| match failed {
        Some(f) => f.values.get(i).is_some_and(|v| *v == 1.0),
        None if m.quantity == "potency" => m.values[i].is_nan(),
        None => !released.is_empty() && !released.contains(&(i as u64)),
    };
    let values = m.values.iter().enumerate().filter(|(i, v)| v.is_finite() && !fails(*i)).map(|(_, v)| *v).collect();
    (values, (0..m.values.len()).filter(|i| fails(*i)).count())
}

/// A histogram of every measure of amplitudes; failures have a bar of their own.
pub fn amplitudes(r: &Recording, out: &mut Vec<Figure>) {
    let mut done: Vec<(String, &str)> = Vec::new();
    for m in r.conditions.iter().flat_map(|c| &c.measures).filter(|m| is_size(m)) {
        if !done.contains(&(m.path(), &m.unit)) {
            done.push((m.path(), &m.unit));
            out.extend(amplitude(r, m));
        }
    }
}

fn amplitude(r: &Recording, like: &Measure) -> Option<Figure> {
    let mine = |m: &&Measure| m.path() == like.path() && m.unit == like.unit;
    let found: Vec<(usize, Vec<f64>, usize)> = r
        .conditions
        .iter()
        .enumerate()
        .filter_map(|(i, c)| {
            let (values, failed) = sorted_out(c, c.measures.iter().find(mine)?);
            Some((i, values, failed))
        })
        .collect();
    // Inward currents are shown by their size, so that larger responses lie to the right as ever.
    let mut found = found;
    let mut inward = false;
    for (_, values, _) in &mut found {
        if values.iter().sum::<f64>() < 0.0 {
            inward = true;
            values.iter_mut().for_each(|v| *v = -*v);
        }
    }
    let all = || found.iter().flat_map(|f| &f.1).copied();
    // Of a handful of responses there is no distribution, and of many conditions none could be read.
    if found.iter().map(|f| f.1.len()).sum::<usize>() < 4 || crowded(found.len()) {
        return None;
    }
    let drawn: Vec<usize> = found.iter().map(|f| f.0).collect();
    let (low, high) = all().fold((0.0f64, f64::MIN_POSITIVE), |s, v| (s.0.min(v), s.1.max(v)));
    let width = round_step((high - low) / BINS);
    let first = (low / width).floor();
    let bins = ((high / width).floor() - first) as usize + 1;
    let any_failed = found.iter().any(|f| f.2 > 0);
    let failed_at = (first - 3.0) * width;
    let mut layers = Vec::new();
    let (mut top, mut highest) = (0.0f64, 0.0f64);
    for (n, (i, values, failed)) in found.iter().enumerate() {
        let mut counts = vec![0u32; bins];
        for v in values {
            if let Some(count) = counts.get_mut(((v / width).floor() - first).max(0.0) as usize) {
                *count += 1;
            }
        }
        let of = found.len();
        let mut bars: Vec<(f64, f64, f64)> = Vec::new();
        if *failed > 0 {
            let (a, b) = share(failed_at, 2.0 * width, n, of);
            bars.push((a, b, *failed as f64));
        }
        bars.extend(counts.iter().enumerate().map(|(k, count)| {
            let (a, b) = share((first + k as f64) * width, width, n, of);
            (a, b, f64::from(*count))
        }));
        highest = bars.iter().skip(usize::from(*failed > 0)).fold(highest, |t, b| t.max(b.2));
        top = bars.iter().fold(top, |t, b| t.max(b.2));
        layers.push(Layer::Bars { bars, colour: colour(*i, r.conditions.len()).into(), fill: fill(*i) });
    }
    // A tall bar of failures would press the responses flat: it is cut, and its number told.
    let cut = any_failed && top > 4.0 * highest;
    if cut {
        top = 1.6 * highest;
        for l in &mut layers {
            if let Layer::Bars { bars, .. } = l {
                bars.iter_mut().for_each(|b| b.2 = b.2.min(top));
            }
        }
    }
    if any_failed {
        let mut counts: Vec<String> = found.iter().map(|f| f.2.to_string()).collect();
        counts.dedup();
        let text = if cut { format!("{} failures", counts.join(", ")) } else { "failures".into() };
        // Over its bar where it is short, to the right of the edge where it is not.
        let x = if cut { failed_at + 3.0 * width } else { failed_at + width };
        layers.push(Layer::Word { x, y: 1.05 * top, text });
    }
    let left = if any_failed { failed_at - width } else { (first - 0.5) * width };
    let x_label = if inward { format!("size of {}", words::measure(&like.name)) } else { words::measure(&like.name) };
    let bin = format!("{} {}", significant(width, 3), unit(&like.unit));
    let mut caption = format!("Peaks of {}, one a trial, in bins of {}.", like.of, bin.trim());
    if any_failed {
        caption.push_str(" The bar at the left counts the failures");
        caption.push_str(if cut { "; it is cut." } else { "." });
    }
    if inward {
        caption.push_str(" Inward currents are shown by their size.");
    }
    caption.push_str(&whose(r, &drawn, false));
    let panel = Panel {
        x_label: label(&x_label, &like.unit),
        y_label: "trials".into(),
        counts: true,
        x_numbers_from: any_failed.then_some(first * width - 1e-9 * width),
        x: (left, (first + bins as f64 + 0.5) * width),
        y: (0.0, 1.12 * top),
        layers,
        ..Panel::default()
    };
    let title = format!("Amplitudes of {}", words::measure(&like.name));
    Some(Figure { title, path: like.path(), caption, legend: legend(r, &drawn), panel })
}
