//! The figures of a report: which there are, what part of an axis they show, what lies over what.

use super::events::round_step;
use super::numbers::{label, readable, significant};
use crate::plot::{COLOURS, Dash, Layer, Panel};
use crate::recording::{Condition, Probe, Recording, Role};
use std::collections::BTreeSet;

/// Single trials that are drawn of all conditions together.
const TRIALS: usize = 24;
/// A concentration is drawn on a logarithmic axis from this ratio of its largest to its smallest value on.
const DECADES: f64 = 100.0;
/// What a logarithmic axis shows below the largest value.
const DEPTH: f64 = 1e-6;

/// Characters that a vertical label has room for.
const LABEL: usize = 26;

/// A figure with its words.
pub struct Figure {
    /// Short, above it.
    pub title: String,
    /// What it shows and what it leaves out, below it.
    pub caption: String,
    /// Name, colour and dash of each curve; empty where there is one.
    pub legend: Vec<(String, &'static str, Dash)>,
    /// The picture.
    pub panel: Panel,
}

pub(super) fn colour(index: usize) -> &'static str {
    COLOURS[index % COLOURS.len()]
}

/// The colour of a condition's single trials: grey, leaning to its own.
fn pale(index: usize, conditions: usize) -> String {
    if conditions == 1 {
        return "#b4b4b4".into();
    }
    let hex = colour(index);
    let part = |i: usize| hex.get(i..i + 2).and_then(|h| u32::from_str_radix(h, 16).ok()).unwrap_or(0);
    let mixed: Vec<u32> = [1, 3, 5].map(|i| (part(i) * 2 + 208 * 4) / 6).to_vec();
    format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
}

pub(super) fn legend(r: &Recording) -> Vec<(String, &'static str, Dash)> {
    if r.conditions.len() < 2 {
        return Vec::new();
    }
    r.conditions.iter().enumerate().map(|(i, c)| (c.shown().to_owned(), colour(i), Dash::of(i))).collect()
}

/// The mean of a probe, or its only trace.
fn main_trace(p: &Probe) -> &[f64] {
    if p.mean.is_empty() { p.trials.first().map_or(&[], |t| &t.1) } else { &p.mean }
}

/// A range with a margin, also where it is a point.
fn padded(low: f64, high: f64, margin: f64) -> (f64, f64) {
    let span = high - low;
    let pad = if span > 0.0 { margin * span } else { (0.1 * high.abs()).max(1e-3) };
    (low - pad, high + pad)
}

/// A window out to round numbers, within a trial.
pub(super) fn rounded((from, to): (f64, f64), duration: f64) -> (f64, f64) {
    let step = round_step(0.04 * (to - from));
    (((from / step).floor() * step).max(0.0), ((to / step).ceil() * step).min(duration))
}

/// The deviation of noise that is white: from the median of what a trace changes by between samples.
fn noise(y: &[f64]) -> f64 {
    let mut steps: Vec<f64> = y.windows(2).map(|w| (w[1] - w[0]).abs()).filter(|d| d.is_finite()).collect();
    let middle = steps.len() / 2;
    if steps.is_empty() { 0.0 } else { *steps.select_nth_unstable_by(middle, f64::total_cmp).1 / 0.954 }
}

/// Something drawn over time: the same path in every condition, or several paths of one.
struct Course<'a> {
    curves: Vec<(&'a Probe, usize)>,
    conditions: usize,
    /// ms
    duration: f64,
    /// Whether single trials are drawn.
    singles: bool,
}

impl<'a> Course<'a> {
    /// When the mean of anything is away from where it began by more than 1 % of its largest way and by more than noise.
    fn busy(&self) -> Option<(f64, f64)> {
        let mut span: Option<(f64, f64)> = None;
        for (p, _) in &self.curves {
            let y = main_trace(p);
            let start = *y.first()?;
            let most = y.iter().map(|v| (v - start).abs()).filter(|d| d.is_finite()).fold(0.0, f64::max);
            let least = (0.01 * most).max(6.0 * noise(y));
            let away = |v: &f64| (v - start).abs() > least;
            let (Some(a), Some(b)) = (y.iter().position(away), y.iter().rposition(away)) else { continue };
            let (a, b) = (a as f64 * p.every, b as f64 * p.every);
            span = Some(span.map_or((a, b), |s| (s.0.min(a), s.1.max(b))));
        }
        span
    }

    /// The part of the time that is worth showing.
    fn window(&self) -> (f64, f64) {
        let whole = (0.0, self.duration);
        let Some((a, b)) = self.busy() else { return whole };
        let (a, b) = (a - 0.15 * (b - a), b + 0.15 * (b - a));
        if b - a > 0.5 * self.duration || b <= a { whole } else { rounded((a, b), self.duration) }
    }

    /// Kept traces, the same number of each curve.
    fn singles(&self) -> impl Iterator<Item = (&'a Probe, usize, &'a [f64])> {
        let each = (TRIALS / self.curves.len().max(1)).max(3);
        self.curves.iter().flat_map(move |&(p, i)| {
            let kept = if self.singles && p.trials.len() > 1 { p.trials.len().min(each) } else { 0 };
            p.trials[..kept].iter().map(move |t| (p, i, t.1.as_slice()))
        })
    }

    /// Lowest and highest value within a window; of the means, and of the trials that are drawn.
    fn range(&self, (from, to): (f64, f64), singles: bool, least: f64) -> Option<(f64, f64)> {
        let means = self.curves.iter().map(|(p, _)| (*p, main_trace(p)));
        let singles = self.singles().filter(|_| singles).map(|(p, _, y)| (p, y));
        let mut range: Option<(f64, f64)> = None;
        for (p, y) in means.chain(singles) {
            for (k, v) in y.iter().enumerate() {
                let t = k as f64 * p.every;
                if t >= from && t <= to && v.is_finite() && *v >= least {
                    range = Some(range.map_or((*v, *v), |r| (r.0.min(*v), r.1.max(*v))));
                }
            }
        }
        range
    }

    fn panel(&self, window: (f64, f64), path: &str, unit: &'static str, log: bool) -> Option<Panel> {
        let (low, high) = self.range(window, true, f64::NEG_INFINITY)?;
        let (factor, unit) = readable(unit, low.abs().max(high.abs()));
        let y = if log {
            let top = self.range(window, true, f64::MIN_POSITIVE)?.1;
            // Means give the depth: a single trial falls to nothing.
            let low = self.range(window, false, DEPTH * top).map_or(DEPTH * top, |r| r.0);
            (0.8 * low, 1.5 * top)
        } else {
            // A range that all but begins or ends at 0 does.
            let padded = padded(low, high, 0.05);
            let from = if low >= 0.0 && low < 0.05 * high { 0.0 } else { padded.0 };
            (from, if high == 0.0 && low < 0.0 { -0.05 * low } else { padded.1 })
        };
        let scaled =
            |y: &[f64], every: f64| y.iter().enumerate().map(|(k, y)| (k as f64 * every, factor * y)).collect();
        let mut layers = Vec::new();
        for (p, i, y) in self.singles() {
            let colour = pale(i, self.conditions.max(self.curves.len()));
            layers.push(Layer::Line { points: scaled(y, p.every), colour, width: 0.6, dash: Dash::Solid });
        }
        for (p, i) in &self.curves {
            let colour = if self.curves.len() == 1 { "black" } else { colour(*i) };
            let points = scaled(main_trace(p), p.every);
            layers.push(Layer::Line { points, colour: colour.into(), width: 2.2, dash: Dash::of(*i) });
        }
        // The whole path stands above; the axis has room for some of it.
        let short = if path.chars().count() > LABEL { last_part(path) } else { path };
        Some(Panel {
            x_label: "time (ms)".into(),
            y_label: label(short, unit),
            log_y: log,
            x: window,
            y: (factor * y.0, factor * y.1),
            layers,
            ..Panel::default()
        })
    }

    /// What the lines are.
    fn words(&self, window: (f64, f64)) -> String {
        let singles = self.singles().count();
        let trials: BTreeSet<usize> = self.curves.iter().map(|(p, _)| p.trials.len()).collect();
        let mut out = match singles {
            0 if trials.contains(&1) => "A single trial.".to_owned(),
            0 => "Mean over trials.".to_owned(),
            n => format!("Bold: mean over trials. Thin: {n} single trials."),
        };
        if window != (0.0, self.duration) {
            let [a, b, all] = [window.0, window.1, self.duration].map(|t| significant(t, 4));
            out.push_str(&format!(" Shown are {a} to {b} ms of {all} ms."));
        }
        out
    }
}

/// Whether a quantity spans so much that only a logarithmic axis shows it.
fn spans(course: &Course, window: (f64, f64)) -> bool {
    let lowest = course.range(window, false, f64::NEG_INFINITY);
    lowest.is_some_and(|(low, high)| low >= 0.0 && high > 0.0 && high > DECADES * low.max(DEPTH * high))
}

/// Paths of a role, in the order in which they first come.
fn paths(r: &Recording, role: Role) -> Vec<(&str, &'static str)> {
    let mut out = Vec::new();
    for p in r.conditions.iter().flat_map(|c| &c.probes).filter(|p| p.role == role) {
        if !main_trace(p).is_empty() && !out.contains(&(p.path.as_str(), p.unit)) {
            out.push((p.path.as_str(), p.unit));
        }
    }
    out
}

/// The course of a path in every condition that has it; of two recordings the finer.
fn course<'a>(r: &'a Recording, path: &str, unit: &str) -> Course<'a> {
    let of = |c: &'a Condition| {
        let all = c.probes.iter().filter(|p| p.path == path && p.unit == unit && !main_trace(p).is_empty());
        all.min_by(|a, b| a.every.total_cmp(&b.every))
    };
    let curves = r.conditions.iter().enumerate().filter_map(|(i, c)| Some((of(c)?, i))).collect();
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    Course { curves, conditions: r.conditions.len(), duration, singles: true }
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Where the first release is, or where something first happens, ms.
fn onset(r: &Recording, course: &Course) -> Option<f64> {
    let released = r.conditions.iter().flat_map(|c| &c.events).filter(|e| is_release(&e.what)).map(|e| e.at);
    released.min_by(f64::total_cmp).or_else(|| course.busy().map(|b| b.0))
}

/// Whether an event is a vesicle that fuses.
pub(super) fn is_release(what: &str) -> bool {
    ["fusion", "release"].contains(&last_part(what))
}

/// The figures of the traces of a role.
pub fn traces(r: &Recording, role: Role, out: &mut Vec<Figure>) {
    let paths = paths(r, role);
    let grouped = matches!(role, Role::Receptor | Role::Release | Role::Other) && r.conditions.len() == 1;
    let mut done: Vec<(&str, &str)> = Vec::new();
    for &(path, unit) in &paths {
        if done.contains(&(path, unit)) {
            continue;
        }
        // Of one condition, what is measured in one unit at one place goes into one figure.
        let place = |p: &'_ str| p.rsplit_once('.').map_or(String::new(), |(place, _)| place.to_owned());
        let mates: Vec<(&str, &'static str)> = if grouped {
            paths.iter().filter(|(p, u)| *u == unit && place(p) == place(path)).take(COLOURS.len()).copied().collect()
        } else {
            vec![(path, unit)]
        };
        done.extend(mates.iter().map(|(p, u)| (*p, *u)));
        if mates.len() > 1 {
            out.extend(together(r, &mates));
            continue;
        }
        let course = course(r, path, unit);
        let window = course.window();
        let log = matches!(role, Role::Calcium | Role::Cleft) && spans(&course, window);
        let title = match role {
            Role::Calcium => "Calcium in the terminal",
            Role::Release => "Release",
            Role::Cleft => "Transmitter in the cleft",
            Role::Receptor => "Receptors",
            Role::Current => "Current",
            Role::Voltage => "Voltage",
            Role::Other => "Recording",
        };
        let mut words = course.words(window);
        if log {
            words.push_str(" Logarithmic axis.");
        }
        if role == Role::Current {
            words.push_str(" Inward is down.");
        }
        let figure = |title: String, caption, panel| Figure { title, caption, legend: legend(r), panel };
        out.extend(course.panel(window, path, unit, log).map(|p| figure(format!("{title}: {path}"), words, p)));
        let width = match role {
            Role::Cleft => 1.0,
            Role::Calcium => 3.0,
            _ => continue,
        };
        let Some(first) = onset(r, &course) else { continue };
        let before = 0.15 * width + if role == Role::Cleft { 0.0 } else { 0.6 };
        let near = rounded((first - before, first + width), course.duration);
        let finest = course.curves.iter().map(|(p, _)| p.every).fold(f64::INFINITY, f64::min);
        if near.1 - near.0 < 0.5 * (window.1 - window.0) && near.1 - near.0 > 10.0 * finest {
            let title = format!("At the first release: {path}");
            out.extend(course.panel(near, path, unit, false).map(|p| figure(title, course.words(near), p)));
        }
    }
}

/// Several paths of the only condition.
fn together(r: &Recording, mates: &[(&str, &'static str)]) -> Option<Figure> {
    let curves: Vec<(&Probe, usize)> =
        mates.iter().enumerate().filter_map(|(i, (p, u))| Some((course(r, p, u).curves.first()?.0, i))).collect();
    let place = mates.first()?.0.rsplit_once('.').map_or("", |(place, _)| place);
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let legend = mates.iter().enumerate().map(|(i, m)| (last_part(m.0).to_owned(), colour(i), Dash::of(i))).collect();
    // Single trials of several quantities would hide each other.
    let course = Course { curves, conditions: 1, duration, singles: false };
    let window = course.window();
    let caption = course.words(window);
    let panel = course.panel(window, place, mates.first()?.1, false)?;
    Some(Figure { title: format!("States and counts: {place}"), caption, legend, panel })
}
