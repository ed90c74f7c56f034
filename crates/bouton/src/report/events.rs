//! Figures of what happens at a moment, and of amplitudes: rasters and histograms.

use super::figures::{Figure, colour, is_release, legend, rounded};
use super::numbers::{label, significant, unit};
use crate::plot::{Layer, Panel};
use crate::recording::{Condition, Measure, Recording};
use numerics::math;

/// Kinds of events that get a figure.
const KINDS: usize = 6;
/// Bins of a histogram, about.
const BINS: f64 = 24.0;
/// Trials of a condition that a raster shows.
const ROWS: u64 = 100;
/// Dots of a condition in a raster.
const DOTS: usize = 4000;
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

/// Rasters of all kinds of events, releases first, each release with a histogram.
pub fn rasters(r: &Recording, out: &mut Vec<Figure>) {
    let mut kinds: Vec<&str> = r.conditions.iter().flat_map(|c| c.events.iter().map(|e| e.what.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.sort_by_key(|k| !is_release(k));
    for what in kinds.into_iter().take(KINDS) {
        out.push(raster(r, what));
        if is_release(what) {
            out.extend(histogram_of_times(r, what));
        }
    }
}

fn raster(r: &Recording, what: &str) -> Figure {
    let mut layers = Vec::new();
    let mut below = 0;
    let mut cut = false;
    for (i, c) in r.conditions.iter().enumerate() {
        let points: Vec<(f64, f64)> = times(c, what)
            .filter(|(trial, _)| *trial < ROWS)
            .take(DOTS)
            .map(|(trial, at)| (at, (below + trial + 1) as f64))
            .collect();
        layers.push(Layer::Dots {
            points,
            colour: colour(if r.conditions.len() == 1 { 0 } else { i }).into(),
            size: 1.6,
        });
        cut |= c.trials > ROWS || times(c, what).filter(|(trial, _)| *trial < ROWS).count() > DOTS;
        below += c.trials.clamp(1, ROWS);
    }
    let all = || r.conditions.iter().flat_map(|c| times(c, what).map(|t| t.1));
    let (first, last) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |s, t| (s.0.min(t), s.1.max(t)));
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let pad = 0.1 * (last - first) + 0.02 * duration;
    let x = rounded((first - pad - 1e-3, last + pad + 1e-3), duration.max(last + 1e-3));
    let whole = x.1 - x.0 > 0.6 * duration;
    let x = if whole { (0.0, duration.max(last + 1e-3)) } else { x };
    let mut caption = String::from("A dot for each event");
    caption.push_str(if r.conditions.len() > 1 {
        "; the conditions are stacked in the order of the legend, the first at the bottom."
    } else {
        "."
    });
    if cut {
        caption.push_str(&format!(" Of each condition no more than {ROWS} trials and {DOTS} events are drawn."));
    }
    if !whole {
        let [a, b, d] = [x.0, x.1, duration].map(|t| significant(t, 3));
        caption.push_str(&format!(" Shown are {a} to {b} ms of {d} ms."));
    }
    let panel = Panel {
        x_label: "time (ms)".into(),
        y_label: "trial".into(),
        counts: true,
        x,
        y: (0.0, below as f64 + 1.0),
        layers,
        ..Panel::default()
    };
    Figure { title: format!("Events: {what}"), caption, legend: legend(r), panel }
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
    let width = NEAR / 25.0;
    let start = (first / width).floor() * width;
    let bins = 25usize;
    let mut top = 0.0f64;
    let mut outside = 0usize;
    let mut layers = Vec::new();
    for (i, c) in r.conditions.iter().enumerate() {
        let mut counts = vec![0u32; bins];
        for (_, at) in times(c, what) {
            match counts.get_mut(((at - start) / width).max(0.0) as usize) {
                Some(n) => *n += 1,
                None => outside += 1,
            }
        }
        let per = |n: u32| f64::from(n) / c.trials.max(1) as f64 / width;
        let bar = |(k, n): (usize, &u32)| {
            let (a, b) = share(start + k as f64 * width, width, i, r.conditions.len());
            (a, b, per(*n))
        };
        let bars: Vec<(f64, f64, f64)> = counts.iter().enumerate().map(bar).collect();
        top = bars.iter().fold(top, |t, b| t.max(b.2));
        layers.push(Layer::Bars { bars, colour: colour(i).into(), fill: fill(i) });
    }
    let mut caption = format!("Bins of {} ms from the first on, per trial.", significant(width, 3));
    if outside > 0 {
        let s = if outside == 1 { "event lies" } else { "events lie" };
        caption.push_str(&format!(" {outside} {s} later and are not shown."));
    }
    let panel = Panel {
        x_label: "time (ms)".into(),
        y_label: "rate in a trial (/ms)".into(),
        x: (start - width, start + NEAR),
        y: (0.0, 1.08 * top),
        layers,
        ..Panel::default()
    };
    Some(Figure { title: format!("When they happen: {what}"), caption, legend: legend(r), panel })
}

/// The failures that belong to a measure of amplitudes: of the same name, of the same trace.
fn failures<'a>(c: &'a Condition, m: &Measure) -> Option<&'a Measure> {
    c.measures.iter().find(|f| f.name == m.name && f.of == m.of && f.quantity.starts_with("failure"))
}

/// Amplitudes of a condition that are responses, and the number of failures.
fn sorted_out(c: &Condition, m: &Measure) -> (Vec<f64>, usize) {
    let failed = failures(c, m);
    let fails = |i: usize| failed.and_then(|f| f.values.get(i)).is_some_and(|v| *v == 1.0);
    let values = m.values.iter().enumerate().filter(|(i, v)| v.is_finite() && !fails(*i)).map(|(_, v)| *v).collect();
    (values, (0..m.values.len()).filter(|i| fails(*i)).count())
}

/// A histogram of every measure of amplitudes; failures have a bar of their own.
pub fn amplitudes(r: &Recording, out: &mut Vec<Figure>) {
    let mut done: Vec<(String, &str)> = Vec::new();
    for m in r.conditions.iter().flat_map(|c| &c.measures).filter(|m| m.quantity == "amplitude") {
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
    let all = || found.iter().flat_map(|f| &f.1).copied();
    if found.iter().map(|f| f.1.len() + f.2).sum::<usize>() < 2 {
        return None;
    }
    // Inward currents are shown by their size, so that larger responses lie to the right as ever.
    let inward = all().sum::<f64>() < 0.0;
    let size = |v: f64| if inward { -v } else { v };
    let (low, high) = all().map(size).fold((0.0f64, f64::MIN_POSITIVE), |s, v| (s.0.min(v), s.1.max(v)));
    let width = round_step((high - low) / BINS);
    let first = (low / width).floor();
    let bins = ((high / width).floor() - first) as usize + 1;
    let any_failed = found.iter().any(|f| f.2 > 0);
    let failed_at = (first - 3.0) * width;
    let mut layers = Vec::new();
    let mut top = 0.0f64;
    for (i, values, failed) in &found {
        let mut counts = vec![0u32; bins];
        for v in values.iter().map(|v| size(*v)) {
            if let Some(n) = counts.get_mut(((v / width).floor() - first).max(0.0) as usize) {
                *n += 1;
            }
        }
        let of = r.conditions.len();
        let mut bars: Vec<(f64, f64, f64)> = Vec::new();
        if *failed > 0 {
            let (a, b) = share(failed_at, 2.0 * width, *i, of);
            bars.push((a, b, *failed as f64));
        }
        bars.extend(counts.iter().enumerate().map(|(k, n)| {
            let (a, b) = share((first + k as f64) * width, width, *i, of);
            (a, b, f64::from(*n))
        }));
        top = bars.iter().fold(top, |t, b| t.max(b.2));
        layers.push(Layer::Bars { bars, colour: colour(*i).into(), fill: fill(*i) });
    }
    if any_failed {
        layers.push(Layer::Word { x: failed_at + width, y: 1.05 * top, text: "failures".into() });
    }
    let left = if any_failed { failed_at - width } else { (first - 0.5) * width };
    let x_label = if inward { format!("size of {}", like.path()) } else { like.path() };
    let mut caption = format!("Trials in bins of {} {}.", significant(width, 3), unit(&like.unit));
    if any_failed {
        caption.push_str(" Failures stand apart at the left, wherever noise put them.");
    }
    if inward {
        caption.push_str(" The current is inward; its size is shown.");
    }
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
    Some(Figure { title: format!("Amplitudes: {}", like.name), caption, legend: legend(r), panel })
}
