//! What is drawn of a claim: traces and events against time, and numbers against numbers.

use super::super::figures::colour;
use super::super::numbers::{label, readable, unit};
use super::super::{escaped, words};
use super::Judged;
use crate::claim::{Curve, Drawn, Finding, Picture};
use crate::plot::{Dash, Layer, Panel};
use crate::recording::{Condition, Probe};
use numerics::math;
use std::fmt::Write as _;

/// What a reader reads of a condition's name.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// A figure with its heading, a legend where there are several lines, and a caption.
fn figure(
    figures: &mut usize,
    (title, path): (&str, &str),
    legend: &[(usize, String)],
    all: usize,
    panel: &Panel,
    caption: &str,
) -> String {
    *figures += 1;
    let mut out = format!("<figure>\n<h3>{}. {}</h3>\n", figures, escaped(title));
    if !path.is_empty() {
        let _ = writeln!(out, "<p class=\"path\">{}</p>", escaped(path));
    }
    if legend.len() > 1 {
        out.push_str("<p class=\"legend\">");
        for (i, name) in legend {
            let dash = Dash::of(*i).array().map_or(String::new(), |d| format!(" stroke-dasharray=\"{d}\""));
            let _ = write!(
                out,
                "<span><svg viewBox=\"0 0 36 10\"><path d=\"M0 6H36\" stroke=\"{}\" stroke-width=\"3\"{dash}/></svg>{}</span>",
                colour(*i, all),
                escaped(name)
            );
        }
        out.push_str("</p>\n");
    }
    let _ = writeln!(out, "{}\n<figcaption>{caption}</figcaption>\n</figure>", panel.svg(&format!("c{figures}")));
    out
}

/// From so many ms on, a picture counts in seconds.
const LONG: f64 = 10_000.0;

/// What is drawn of one condition: points, and the sampling interval or the width of a bin.
struct Course {
    points: Vec<(f64, f64)>,
    axis: String,
    unit: &'static str,
}

/// The mean of a trace over trials, from its finest probe.
fn trace(c: &Condition, path: &str) -> Option<Course> {
    let all = c.probes.iter().filter(|q| q.path == path && !q.mean.is_empty());
    let q: &Probe = all.min_by(|a, b| a.every.total_cmp(&b.every))?;
    let points = q.mean.iter().enumerate().map(|(k, v)| (k as f64 * q.every, *v)).collect();
    Some(Course { points, axis: words::of(q).axis, unit: q.unit })
}

/// How often an event happens in a trial, /s, as steps.
fn rate(c: &Condition, name: &str, bin: f64) -> Course {
    let bins = (c.duration / bin + 1e-9).max(1.0) as usize;
    let mut counts = vec![0.0; bins];
    for event in c.events.iter().filter(|e| e.what == name) {
        if let Some(n) = counts.get_mut((event.at / bin) as usize) {
            *n += 1.0;
        }
    }
    let each = 1000.0 / (bin * (c.trials.max(1)) as f64);
    let steps = |(k, n): (usize, &f64)| [(k as f64 * bin, n * each), ((k + 1) as f64 * bin, n * each)];
    let what = if name.ends_with(".spike") { "action potentials" } else { "fusions" };
    Course { points: counts.iter().enumerate().flat_map(steps).collect(), axis: what.into(), unit: "/s" }
}

/// Traces or events against time.
pub(super) fn picture(p: &Picture, j: &Judged, figures: &mut usize) -> Option<String> {
    let r = j.recordings.get(p.model)?;
    let drawn: Vec<&Condition> =
        r.conditions.iter().filter(|c| p.conditions.is_empty() || p.conditions.contains(&c.name)).collect();
    let of = |c: &Condition| match &p.drawn {
        Drawn::Trace(path) => trace(c, path),
        Drawn::Events(name, bin) => Some(rate(c, name, *bin)),
    };
    let curves: Vec<(usize, Course)> = drawn.iter().enumerate().filter_map(|(i, c)| Some((i, of(c)?))).collect();
    let first = &curves.first()?.1;
    let end = drawn.iter().map(|c| c.duration).fold(0.0, f64::max);
    let window = (p.from.unwrap_or(0.0), p.until.unwrap_or(end).min(end));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (t, v) in curves.iter().flat_map(|(_, q)| &q.points) {
        if *t >= window.0 && *t <= window.1 && v.is_finite() {
            (low, high) = (low.min(*v), high.max(*v));
        }
    }
    if low > high {
        return None;
    }
    let (factor, unit) = readable(first.unit, low.abs().max(high.abs()));
    let (clock, ticks) = if window.1 >= LONG { ("s", 1e-3) } else { ("ms", 1.0) };
    let layers = curves
        .iter()
        .map(|(i, q)| Layer::Line {
            points: q.points.iter().map(|(t, v)| (ticks * t, factor * v)).collect(),
            colour: colour(*i, curves.len()).into(),
            width: 2.2,
            dash: Dash::of(*i),
        })
        .collect();
    let y = room(low, high);
    let panel = Panel {
        x_label: format!("time ({clock})"),
        y_label: label(&first.axis, unit),
        x: (ticks * window.0, ticks * window.1),
        y: (factor * y.0, factor * y.1),
        layers,
        ..Panel::default()
    };
    let legend: Vec<(usize, String)> = curves.iter().map(|(i, _)| (*i, spoken(drawn[*i].shown()))).collect();
    let trials = curves.iter().map(|(i, _)| drawn[*i].trials).max().unwrap_or(0);
    let (path, caption) = match &p.drawn {
        Drawn::Trace(path) if trials > 1 => (path, format!("Mean of {trials} trials.")),
        Drawn::Trace(path) => (path, "One trial.".to_owned()),
        Drawn::Events(name, bin) => (name, format!("In bins of {bin} ms, over {trials} trials.")),
    };
    Some(figure(figures, (&p.title, path), &legend, curves.len(), &panel, &caption))
}

/// An axis with room around what is drawn; from 0 where that is near.
fn room(low: f64, high: f64) -> (f64, f64) {
    let pad = if high > low { 0.06 * (high - low) } else { (0.1 * high.abs()).max(1e-3) };
    (if low >= 0.0 && low < 0.1 * high { 0.0 } else { low - pad }, if high == 0.0 { pad } else { high + pad })
}

/// The same on a logarithmic axis.
fn factors(low: f64, high: f64) -> (f64, f64) {
    let pad = if high > low { math::pow(high / low, 0.06) } else { 1.5 };
    (low / pad, high * pad)
}

/// Numbers against numbers.
pub(super) fn curves(j: &Judged, figures: &mut usize) -> Vec<String> {
    let found = j.outcome.iter().flat_map(|v| &v.curves);
    j.claim.curves.iter().zip(found).filter_map(|(c, (at, lines))| curve(c, at, lines, figures)).collect()
}

fn curve(c: &Curve, at: &[Finding], lines: &[Vec<Option<Finding>>], figures: &mut usize) -> Option<String> {
    let shown = |x: f64| x.is_finite() && (!c.logarithmic || x > 0.0);
    let points = |line: &[Option<Finding>]| -> Vec<(f64, Finding)> {
        let scale = at[0].scale;
        let one = |(x, f): (&Finding, &Option<Finding>)| Some((x.value / scale, f.clone()?));
        at.iter().zip(line).filter_map(one).filter(|(x, f)| shown(*x) && shown(f.value)).collect()
    };
    let drawn: Vec<Vec<(f64, Finding)>> = lines.iter().map(|l| points(l)).collect();
    // One unit for all: that of the largest number.
    let all = || drawn.iter().flatten();
    let largest = all().max_by(|a, b| a.1.value.abs().total_cmp(&b.1.value.abs()))?;
    let (of, scale) = (largest.1.unit.clone(), largest.1.scale);
    let ends = |f: &Finding| [f.value, f.low, f.high].map(|y| y / scale).into_iter().filter(|y| shown(*y)).collect();
    let mut range = ((f64::INFINITY, f64::NEG_INFINITY), (f64::INFINITY, f64::NEG_INFINITY));
    for (x, f) in all() {
        range.0 = (range.0.0.min(*x), range.0.1.max(*x));
        for y in {
            let ends: Vec<f64> = ends(f);
            ends
        } {
            range.1 = (range.1.0.min(y), range.1.1.max(y));
        }
    }
    let mut layers = Vec::new();
    for (i, line) in drawn.iter().enumerate() {
        let colour = || colour(i, drawn.len()).to_owned();
        for (x, f) in line.iter().filter(|(_, f)| shown(f.low) && shown(f.high) && f.high > f.low) {
            let points = vec![(*x, f.low / scale), (*x, f.high / scale)];
            layers.push(Layer::Line { points, colour: colour(), width: 1.0, dash: Dash::Solid });
        }
        let line: Vec<(f64, f64)> = line.iter().map(|(x, f)| (*x, f.value / scale)).collect();
        layers.push(Layer::Line { points: line.clone(), colour: colour(), width: 1.8, dash: Dash::of(i) });
        layers.push(Layer::Dots { points: line, colour: colour(), size: 3.5 });
    }
    let space = |(low, high): (f64, f64)| if c.logarithmic { factors(low, high) } else { room(low, high) };
    let panel = Panel {
        x_label: label(&c.across, &unit(&at[0].unit)),
        y_label: label(&c.up, &unit(&of)),
        log_x: c.logarithmic,
        log_y: c.logarithmic,
        x: space(range.0),
        y: space(range.1),
        layers,
        ..Panel::default()
    };
    let legend: Vec<(usize, String)> = c.lines.iter().enumerate().map(|(i, l)| (i, l.0.clone())).collect();
    let told = all().any(|(_, f)| f.high > f.low);
    let caption = if told { "Bars are 95 % intervals." } else { "Nothing is left to chance." };
    Some(figure(figures, (&c.title, ""), &legend, drawn.len(), &panel, caption))
}
