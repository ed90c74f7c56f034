//! The figures of a report: which there are, what part of an axis they show, what lies over what.

use super::events::{released_in, round_step};
use super::numbers::{label, readable};
use super::words::{self, last_part};
use crate::plot::{COLOURS, Dash, Layer, Panel};
use crate::recording::{Condition, Probe, ProbeKind, Recording, Role};
use std::collections::BTreeSet;

/// Single trials that are drawn of all conditions together: those with a release, and those without.
const TRIALS: (usize, usize) = (8, 4);
/// Of transmitter this is shown after the first release, ms.
const CLEFT: f64 = 20.0;
/// A concentration is drawn on a logarithmic axis from this ratio of its largest to its smallest value on.
const DECADES: f64 = 100.0;
/// What a logarithmic axis shows below the largest value.
const DEPTH: f64 = 1e-6;

/// Of a long current this is shown once more, ms after the first release.
const EARLY: f64 = 25.0;

/// A figure with its words.
pub struct Figure {
    /// Short, above it.
    pub title: String,
    /// The path of what it shows; may be empty.
    pub path: String,
    /// What it shows and what it leaves out, below it.
    pub caption: String,
    /// Name, colour and dash of each curve; empty where there is one.
    pub legend: Vec<(String, &'static str, Dash)>,
    /// The picture.
    pub panel: Panel,
}

/// Dark violet to yellow (viridis without its lightest end): many curves that have an order.
pub(super) const RAMP: [&str; 12] = [
    "#440154", "#482173", "#433e85", "#38588c", "#2d708e", "#25858e", "#1e9b8a", "#2ab07f", "#52c569", "#86d549",
    "#c2df23", "#e8d21d",
];

/// Whether there are more conditions than colours that are told apart: then only what can be read is drawn.
pub(super) fn crowded(of: usize) -> bool {
    of > COLOURS.len()
}

/// The colour of one of so many.
pub(super) fn colour(index: usize, of: usize) -> &'static str {
    if crowded(of) {
        RAMP[(index * (RAMP.len() - 1) / (of - 1)).min(RAMP.len() - 1)]
    } else {
        COLOURS[index % COLOURS.len()]
    }
}

/// The dash of one of so many.
pub(super) fn style(index: usize, of: usize) -> Dash {
    if crowded(of) { Dash::Solid } else { Dash::of(index) }
}

/// The colour of a condition's single trials: grey, leaning to its own.
fn pale(index: usize, conditions: usize) -> String {
    if conditions == 1 {
        return "#b4b4b4".into();
    }
    let hex = colour(index, conditions);
    let part = |i: usize| hex.get(i..i + 2).and_then(|h| u32::from_str_radix(h, 16).ok()).unwrap_or(0);
    let mixed: Vec<u32> = [1, 3, 5].map(|i| (part(i) * 2 + 208 * 4) / 6).to_vec();
    format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
}

/// Of the conditions that are drawn; none where there is one only.
pub(super) fn legend(r: &Recording, drawn: &[usize]) -> Vec<(String, &'static str, Dash)> {
    if drawn.len() < 2 {
        return Vec::new();
    }
    let of = r.conditions.len();
    drawn.iter().map(|&i| (r.conditions[i].shown().to_owned(), colour(i, of), style(i, of))).collect()
}

/// Of which conditions a figure is, where a legend does not say.
pub(super) fn whose(r: &Recording, drawn: &[usize], same: bool) -> String {
    match drawn {
        _ if r.conditions.len() < 2 => String::new(),
        _ if same => " The same in all conditions.".into(),
        [one] => format!(" Condition {}.", r.conditions[*one].shown()),
        _ => String::new(),
    }
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
    /// Whether what is drawn stands for all conditions.
    same: bool,
    /// Trials with a release; empty where nothing says.
    released: BTreeSet<u64>,
    /// Where the change from a moment is shown, that moment, ms: levels far apart would flatten every response.
    since: Option<f64>,
}

impl<'a> Course<'a> {
    /// When the mean of anything is away from where it began by more than 1 % of its largest way and by more than noise,
    /// but for the last 3 % of what it does: a single late event is not the course.
    fn busy(&self) -> Option<(f64, f64)> {
        let mut span: Option<(f64, f64)> = None;
        for (p, _) in &self.curves {
            let y = main_trace(p);
            let start = *y.first()?;
            let most = y.iter().map(|v| (v - start).abs()).filter(|d| d.is_finite()).fold(0.0, f64::max);
            let least = (0.01 * most).max(6.0 * noise(y));
            let way = |v: &f64| Some((v - start).abs()).filter(|d| *d > least && d.is_finite()).unwrap_or(0.0);
            let all: f64 = y.iter().map(way).sum();
            let reaches = |share: f64| {
                let mut sum = 0.0;
                y.iter().position(|v| {
                    sum += way(v);
                    sum > share * all
                })
            };
            let Some(a) = reaches(0.0) else { continue };
            let b = reaches(0.97).unwrap_or(y.len());
            let (a, b) = (a as f64 * p.every, b as f64 * p.every);
            span = Some(span.map_or((a, b), |s| (s.0.min(a), s.1.max(b))));
        }
        span
    }

    /// What is taken off the values of a trace.
    fn level(&self, p: &Probe) -> f64 {
        self.since.and_then(|at| main_trace(p).get((at / p.every) as usize)).copied().unwrap_or(0.0)
    }

    /// Shows changes where the levels of the conditions are farther apart than anything moves.
    fn settle(&mut self, before: f64) {
        let ranges: Vec<(f64, f64)> = self
            .curves
            .iter()
            .map(|(p, _)| {
                main_trace(p).iter().fold((f64::INFINITY, f64::NEG_INFINITY), |r, v| (r.0.min(*v), r.1.max(*v)))
            })
            .collect();
        let widest = ranges.iter().map(|r| r.1 - r.0).fold(0.0, f64::max);
        let low = ranges.iter().map(|r| r.0).fold(f64::INFINITY, f64::min);
        let high = ranges.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
        if ranges.len() > 1 && high - low > 2.0 * widest {
            self.since = Some(before);
        }
    }

    /// The part of the time that is worth showing.
    fn window(&self) -> (f64, f64) {
        let whole = (0.0, self.duration);
        let Some((a, b)) = self.busy() else { return whole };
        let (a, b) = (a - 0.15 * (b - a), b + 0.25 * (b - a));
        if b - a > 0.5 * self.duration || b <= a { whole } else { rounded((a, b), self.duration) }
    }

    /// Kept traces, the same number of each curve, with and without a release.
    fn singles(&self) -> impl Iterator<Item = (&'a Probe, usize, &'a [f64])> {
        let curves = self.curves.len().max(1);
        let (with, without) = ((TRIALS.0 / curves).max(2), (TRIALS.1 / curves).max(1));
        self.curves.iter().filter(|(p, _)| self.singles && p.trials.len() > 1).flat_map(move |&(p, i)| {
            let (hit, missed): (Vec<_>, Vec<_>) = p.trials.iter().partition(|t| self.released.contains(&t.0));
            let spare = if hit.len() < with { with - hit.len() } else { 0 };
            let missed = missed.into_iter().take(without + if self.released.is_empty() { spare } else { 0 });
            let all: Vec<_> = missed.chain(hit.into_iter().take(with)).collect();
            all.into_iter().map(move |t| (p, i, t.1.as_slice()))
        })
    }

    /// How many of the single trials have a release.
    fn hits(&self) -> usize {
        let mine = |p: &Probe, y: &[f64]| {
            p.trials.iter().any(|t| std::ptr::eq(t.1.as_slice(), y) && self.released.contains(&t.0))
        };
        self.singles().filter(|(p, _, y)| mine(p, y)).count()
    }

    /// Lowest and highest value within a window; of the means, and of the trials that are drawn.
    fn range(&self, (from, to): (f64, f64), singles: bool, least: f64) -> Option<(f64, f64)> {
        let means = self.curves.iter().map(|(p, _)| (*p, main_trace(p)));
        let singles = self.singles().filter(|_| singles).map(|(p, _, y)| (p, y));
        let mut range: Option<(f64, f64)> = None;
        for (p, y) in means.chain(singles) {
            let level = self.level(p);
            for (k, v) in y.iter().map(|v| v - level).enumerate() {
                let t = k as f64 * p.every;
                if t >= from && t <= to && v.is_finite() && v >= least {
                    range = Some(range.map_or((v, v), |r| (r.0.min(v), r.1.max(v))));
                }
            }
        }
        range
    }

    fn panel(&self, window: (f64, f64), axis: &str, unit: &'static str, log: bool) -> Option<Panel> {
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
        let scaled = |y: &[f64], p: &Probe| {
            let level = self.level(p);
            y.iter().enumerate().map(|(k, y)| (k as f64 * p.every, factor * (y - level))).collect()
        };
        let mut layers = Vec::new();
        for (p, i, y) in self.singles() {
            let colour = pale(i, if self.same { 1 } else { self.conditions.max(self.curves.len()) });
            layers.push(Layer::Line { points: scaled(y, p), colour, width: 0.6, dash: Dash::Solid });
        }
        for (p, i) in &self.curves {
            let alone = self.curves.len() == 1 && (self.same || self.conditions == 1);
            let of = self.conditions.max(self.curves.len());
            let colour = if alone { "black" } else { colour(*i, of) };
            let points = scaled(main_trace(p), p);
            layers.push(Layer::Line {
                points,
                colour: colour.into(),
                width: 2.2,
                dash: if self.curves.len() == 1 { Dash::Solid } else { style(*i, of) },
            });
        }
        Some(Panel {
            x_label: "time (ms)".into(),
            y_label: label(axis, unit),
            log_y: log,
            x: window,
            y: (factor * y.0, factor * y.1),
            layers,
            ..Panel::default()
        })
    }

    /// What the lines are.
    fn words(&self) -> String {
        let (singles, hits) = (self.singles().count(), self.hits());
        let trials: BTreeSet<usize> = self.curves.iter().map(|(p, _)| p.trials.len()).collect();
        let mut out = match singles {
            0 if trials.contains(&1) => "A single trial.".to_owned(),
            0 => "Mean of all trials.".to_owned(),
            n if self.released.is_empty() => format!("Bold: mean of all trials. Thin: {n} single trials."),
            n => format!("Bold: mean of all trials. Thin: single trials, {hits} with a release, {} without.", n - hits),
        };
        if self.since.is_some() {
            out.push_str(" The conditions differ in their levels; shown is the change from before the response.");
        }
        out
    }

    fn drawn(&self) -> Vec<usize> {
        self.curves.iter().map(|c| c.1).collect()
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

/// Whether two traces show the same.
fn alike(a: &Probe, b: &Probe) -> bool {
    let (x, y) = (main_trace(a), main_trace(b));
    a.every == b.every && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| (x - y).abs() <= 1e-9 * x.abs() || x == y)
}

/// The course of a path in every condition that has it; of several recordings one with single trials, and the finest.
fn course<'a>(r: &'a Recording, path: &str, unit: &str) -> Course<'a> {
    let of = |c: &'a Condition| {
        let all = c.probes.iter().filter(|p| p.path == path && p.unit == unit && !main_trace(p).is_empty());
        all.min_by(|a, b| a.every.total_cmp(&b.every).then(b.trials.len().cmp(&a.trials.len())))
    };
    let mut curves: Vec<(&Probe, usize)> =
        r.conditions.iter().enumerate().filter_map(|(i, c)| Some((of(c)?, i))).collect();
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let same = curves.len() > 1 && curves.len() == r.conditions.len() && curves.iter().all(|c| alike(curves[0].0, c.0));
    if same {
        curves.truncate(1);
    }
    let first = curves.first().and_then(|c| r.conditions.get(c.1));
    let released = first.map_or_else(BTreeSet::new, released_in);
    let singles = !crowded(r.conditions.len());
    Course { curves, conditions: r.conditions.len(), duration, singles, same, released, since: None }
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
        } else {
            alone(r, role, (path, unit), out);
        }
    }
}

/// A voltage that moves by less is held by a pipette, mV.
const HELD: f64 = 1e-3;

/// One path in all conditions; where it is steep and long, near its onset and whole.
fn alone(r: &Recording, role: Role, (path, unit): (&str, &'static str), out: &mut Vec<Figure>) {
    let mut course = course(r, path, unit);
    let Some((probe, _)) = course.curves.first() else { return };
    // Nobody asked to see that nothing happened.
    let least = if unit == "mV" { HELD } else { 0.0 };
    let nothing = |r: (f64, f64)| r.1 - r.0 <= least;
    let range = course.range((0.0, course.duration), true, f64::NEG_INFINITY);
    if probe.kind == ProbeKind::Automatic && range.is_some_and(nothing) {
        return;
    }
    let mut words = words::of(probe);
    if matches!(role, Role::Current | Role::Voltage) {
        let before = (onset(r, &course).unwrap_or(0.0) - 2.0).max(0.0);
        course.settle(before);
    }
    if course.since.is_some() {
        words.axis = format!("change of {}", words.axis);
    }
    let drawn = course.drawn();
    let mut add = |window: (f64, f64), log: bool, also: &str| {
        let Some(panel) = course.panel(window, &words.axis, unit, log) else { return };
        let mut caption = format!("{} {}", words.sentence, course.words());
        if log {
            caption.push_str(" Logarithmic axis.");
        }
        caption.push_str(&whose(r, &drawn, course.same));
        let title = if also.is_empty() { words.title.clone() } else { format!("{}, {also}", words.title) };
        let (path, legend) = (path.to_owned(), legend(r, &drawn));
        out.push(Figure { title, path, caption: caption.trim().to_owned(), legend, panel });
    };
    let mut window = course.window();
    let first = onset(r, &course);
    if let Some(first) = first
        && (role == Role::Cleft || role == Role::Release && soon(r, first + CLEFT))
    {
        window = rounded((first - 1.0, first + CLEFT), course.duration);
    }
    let log = matches!(role, Role::Calcium | Role::Cleft) && spans(&course, window);
    let finest = course.curves.iter().map(|(p, _)| p.every).fold(f64::INFINITY, f64::min);
    let near = first.map(|first| rounded((first - 1.0, first + 3.0), course.duration));
    let near = near.filter(|n| n.1 - n.0 < 0.5 * (window.1 - window.0) && n.1 - n.0 > 10.0 * finest);
    match near.filter(|_| role == Role::Calcium && log) {
        Some(near) => {
            add(near, false, "during the action potential");
            add(window, true, "the whole course");
        }
        None => add(window, log, ""),
    }
    // What is fast within what is slow.
    if let Some(first) = first.filter(|_| role == Role::Current) {
        let early = rounded((first - 2.0, first + EARLY), course.duration);
        if window.1 - window.0 > 4.0 * (early.1 - early.0) {
            add(early, false, "its beginning");
        }
    }
}

/// Whether nearly all that is released has been by then, ms.
fn soon(r: &Recording, by: f64) -> bool {
    let all = || r.conditions.iter().flat_map(|c| &c.events).filter(|e| is_release(&e.what));
    let late = all().filter(|e| e.at > by).count();
    20 * late <= all().count() && all().next().is_some()
}

/// Several paths of the only condition.
fn together(r: &Recording, mates: &[(&str, &'static str)]) -> Option<Figure> {
    let curves: Vec<(&Probe, usize)> =
        mates.iter().enumerate().filter_map(|(i, (p, u))| Some((course(r, p, u).curves.first()?.0, i))).collect();
    let place = mates.first()?.0.rsplit_once('.').map_or("", |(place, _)| place);
    let duration = r.conditions.iter().map(|c| c.duration).fold(0.0, f64::max);
    let legend = mates
        .iter()
        .enumerate()
        .map(|(i, m)| (last_part(m.0).to_owned(), colour(i, mates.len()), Dash::of(i)))
        .collect();
    // Single trials of several quantities would hide each other.
    let released = BTreeSet::new();
    let course = Course { curves, conditions: 1, duration, singles: false, same: false, released, since: None };
    let window = course.window();
    let caption = course.words();
    let panel = course.panel(window, last_part(place), mates.first()?.1, false)?;
    Some(Figure { title: "States and counts".into(), path: place.to_owned(), caption, legend, panel })
}

/// The transient of a single vesicle.
pub struct Transient<'a> {
    /// Of what.
    pub probe: &'a Probe,
    /// Concentrations of each trial, the fusion at sample `before`.
    pub trials: Vec<&'a [f64]>,
    /// Samples before the fusion.
    pub before: usize,
    /// Mean of them.
    pub mean: Vec<f64>,
}

/// Of the transient this is shown, ms.
const AFTER: f64 = 1.0;

/// Transmitter in the cleft around the first fusion of each kept trial in which no other follows soon; of a condition
/// and a path.
pub fn transient<'a>(c: &'a Condition, path: &str) -> Option<Transient<'a>> {
    let with = |p: &&Probe| p.path == path && p.role == Role::Cleft && p.trials.len() > 1 && p.every <= 0.05;
    let probe = c.probes.iter().filter(with).min_by(|a, b| a.every.total_cmp(&b.every))?;
    let what = format!("{}.fusion", path.split('.').next()?);
    let (before, after) = ((0.1 / probe.every).round() as usize, (AFTER / probe.every).round() as usize);
    let mut trials = Vec::new();
    for (trial, y) in &probe.trials {
        let mut at = c.events.iter().filter(|e| e.trial == *trial && e.what == what).map(|e| e.at);
        let Some(first) = at.next() else { continue };
        let k = (first / probe.every).ceil() as usize;
        if at.next().is_none_or(|next| next > first + AFTER)
            && let Some(part) = k.checked_sub(before).and_then(|from| y.get(from..k + after))
            // Of many zones it may have been another's.
            && part.iter().copied().fold(0.0, f64::max) > 2.0 * part[0]
        {
            trials.push(part);
        }
    }
    let n = trials.len() as f64;
    let mean = (0..before + after).map(|k| trials.iter().map(|y| y[k]).sum::<f64>() / n).collect();
    (!trials.is_empty()).then_some(Transient { probe, trials, before, mean })
}

/// The transients of single vesicles, of the first condition that has them.
pub fn transients(r: &Recording, out: &mut Vec<Figure>) {
    for (path, unit) in paths(r, Role::Cleft) {
        let Some((i, t)) = r.conditions.iter().enumerate().find_map(|(i, c)| Some((i, transient(c, path)?))) else {
            continue;
        };
        let top = t.trials.iter().take(TRIALS.0).flat_map(|y| y.iter()).copied().fold(0.0, f64::max);
        let (factor, unit) = readable(unit, top);
        let points = |y: &[f64]| -> Vec<(f64, f64)> {
            y.iter().enumerate().map(|(k, v)| ((k as f64 - t.before as f64) * t.probe.every, factor * v)).collect()
        };
        let thin = |y: &&[f64]| Layer::Line { points: points(y), colour: pale(0, 1), width: 0.6, dash: Dash::Solid };
        let mut layers: Vec<Layer> = t.trials.iter().take(TRIALS.0).map(thin).collect();
        layers.push(Layer::Line { points: points(&t.mean), colour: "black".into(), width: 2.2, dash: Dash::Solid });
        let words = words::of(t.probe);
        let n = t.trials.len();
        let s = if n == 1 { "trial" } else { "trials" };
        let caption = format!(
            "Each trial is shifted so that its first fusion is at 0. Bold: mean of {n} {s} in which one vesicle fused and \
             no other within {AFTER} ms. Thin: {} of them.{}",
            n.min(TRIALS.0),
            whose(r, &[i], course(r, path, t.probe.unit).same)
        );
        let panel = Panel {
            x_label: "time after the fusion (ms)".into(),
            y_label: label(&words.axis, unit),
            x: (-0.1, AFTER),
            y: (0.0, 1.05 * factor * top.max(f64::MIN_POSITIVE)),
            layers,
            ..Panel::default()
        };
        let title = format!("{} of a single vesicle", words.title);
        out.push(Figure { title, path: path.to_owned(), caption, legend: Vec::new(), panel });
    }
}
