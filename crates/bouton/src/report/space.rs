//! A cell in space: its sections coloured by voltage at a few moments, and a potential on its way to the soma.
//!
//! Colours are viridis without its lightest end, even in brightness and told apart by the colour-blind (van der Walt & Smith
//! 2015), in 65 steps between the lowest and the highest voltage of the recording.

use super::events::round_step;
use super::figures::RAMP;
use super::numbers::significant;
use super::{Recording, escaped};
use crate::recording::{Condition, Tree};
use std::fmt::Write as _;

/// Width of a picture; it scales with its surroundings.
const WIDTH: f64 = 1000.0;
/// Room at the right for the scale of colours.
const LEGEND: f64 = 96.0;
/// Height of a cell that is taller than wide.
const TALL: f64 = 420.0;
/// Steps of the colours.
const STEPS: usize = 65;
/// The thinnest line.
const THIN: f64 = 1.6;
/// Columns of time.
const COLUMNS: usize = 240;
/// Rows of places along a path, at most.
const ROWS: usize = 90;
/// Conditions that are shown.
const CONDITIONS: usize = 4;

/// Both pictures of every cell that was recorded as a whole, numbered from `number` on.
pub fn pictures(r: &Recording, mut number: usize, out: &mut String) {
    let seen = r.conditions.iter().flat_map(|c| c.trees.iter().map(move |t| (c, t)));
    let seen: Vec<(&Condition, &Tree)> =
        seen.filter(|(_, t)| t.samples() > 1 && t.geometry.pieces.len() == t.width()).collect();
    if seen.is_empty() {
        return;
    }
    out.push_str("<h2>The cell in space</h2>\n");
    for (c, tree) in seen.iter().take(CONDITIONS) {
        let of = if r.conditions.len() > 1 { format!("{}, {}", tree.cell, c.shown()) } else { tree.cell.clone() };
        let averaged = if c.trials > 1 { format!(" Mean over {} trials.", c.trials) } else { String::new() };
        let scale = Scale::of(&tree.v_m);
        let moments = moments(tree);
        wide(
            out,
            number,
            &format!("Voltage along {of}"),
            &cell(tree, &moments, &scale),
            &(told(tree, &moments) + &averaged),
        );
        number += 1;
        if let Some((svg, caption)) = journey(tree, &scale) {
            wide(out, number, &format!("On the way to the soma of {of}"), &svg, &(caption + &averaged));
            number += 1;
        }
    }
    if seen.len() > CONDITIONS {
        let _ =
            writeln!(out, "<p>And of {} more: <code>tree.feather</code> has them all.</p>", seen.len() - CONDITIONS);
    }
}

pub(super) fn wide(out: &mut String, number: usize, title: &str, svg: &str, caption: &str) {
    let _ = writeln!(
        out,
        "<figure class=\"wide\">\n<h3>{number}. {}</h3>\n{svg}\n<figcaption>{}</figcaption>\n</figure>",
        escaped(title),
        escaped(caption)
    );
}

/// A number with a true minus.
fn number(x: f64, digits: usize) -> String {
    significant(x, digits).replace('-', "\u{2212}")
}

/// Values and their colours.
pub(super) struct Scale {
    pub low: f64,
    pub high: f64,
}

impl Scale {
    fn of(v: &[f64]) -> Self {
        let finite = v.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        if high - low > 1e-6 { Self { low, high } } else { Self { low: low - 0.5, high: low + 0.5 } }
    }

    /// Which of the steps.
    pub fn step(&self, v: f64) -> usize {
        let share = ((v - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        ((share * STEPS as f64) as usize).min(STEPS - 1)
    }

    pub fn colour(step: usize) -> String {
        let at = step as f64 / (STEPS - 1) as f64 * (RAMP.len() - 1) as f64;
        let k = (at as usize).min(RAMP.len() - 2);
        let part = |hex: &str, i: usize| {
            f64::from(hex.get(i..i + 2).and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or(0))
        };
        let mixed = [1, 3, 5].map(|i| {
            let (a, b) = (part(RAMP[k], i), part(RAMP[k + 1], i));
            (a + (b - a) * (at - k as f64)).round() as u8
        });
        format!("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2])
    }

    /// A column of all colours, from `x` on, between two heights.
    pub fn column(x: f64, (top, bottom): (f64, f64), out: &mut String) {
        let each = (bottom - top) / STEPS as f64;
        for step in 0..STEPS {
            let y = bottom - (step + 1) as f64 * each;
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{y:.2}\" width=\"14\" height=\"{:.2}\" fill=\"{}\"/>",
                each + 0.3,
                Self::colour(step)
            );
        }
    }

    /// The same with its numbers.
    fn bar(&self, x: f64, (top, bottom): (f64, f64), out: &mut String) {
        Self::column(x, (top, bottom), out);
        let span = self.high - self.low;
        let by = round_step(span / 4.0);
        let mut v = (self.low / by).ceil() * by;
        while v <= self.high + 1e-9 * span {
            let y = bottom - (v - self.low) / span * (bottom - top);
            let shown = if v.abs() < 1e-9 * span { 0.0 } else { v };
            let _ = write!(
                out,
                "<path d=\"M{:.1} {y:.1}h5\" stroke=\"#111\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                x + 14.0,
                x + 22.0,
                y + 4.5,
                number(shown, 4)
            );
            v += by;
        }
        let _ = write!(out, "<text x=\"{x:.1}\" y=\"{:.1}\">mV</text>", top - 8.0);
    }
}

/// Change of each compartment since the beginning.
fn moved(tree: &Tree, sample: usize, k: usize) -> f64 {
    tree.at(sample)[k] - tree.at(0)[k]
}

/// The sample at which a compartment has moved farthest.
fn farthest(tree: &Tree, k: usize) -> usize {
    let size = |s: usize| moved(tree, s, k).abs();
    (0..tree.samples()).fold(0, |best, s| if size(s) > size(best) { s } else { best })
}

/// The largest change anywhere: sample and compartment.
fn largest(tree: &Tree) -> (usize, usize) {
    let mut best = (0, 0, 0.0);
    for s in 0..tree.samples() {
        for k in 0..tree.width() {
            let size = moved(tree, s, k).abs();
            if size > best.2 {
                best = (s, k, size);
            }
        }
    }
    (best.0, best.1)
}

/// Samples that are shown: the largest change anywhere, that of the soma, half-way between them, and when half of the
/// soma's is over.
fn moments(tree: &Tree) -> Vec<usize> {
    let (first, soma) = (largest(tree).0, farthest(tree, 0));
    let half = 0.5 * moved(tree, soma, 0).abs();
    let over = (soma..tree.samples()).find(|s| moved(tree, *s, 0).abs() < half);
    let mut all = vec![first.min(soma), first.midpoint(soma), first.max(soma)];
    all.extend(over);
    all.dedup();
    all
}

fn told(tree: &Tree, moments: &[usize]) -> String {
    let (at, k) = largest(tree);
    let soma = farthest(tree, 0);
    let ms = |s: usize| format!("{} ms", number(s as f64 * tree.every, 4));
    let section = &tree.geometry.sections[tree.geometry.pieces[k].section];
    let rings = match tree.synapses.len() {
        0 => "",
        1 => " The ring is the synapse.",
        _ => " Rings are synapses.",
    };
    let thinner = format!("Lines are as wide as the sections, but never thinner than can be seen.{rings}");
    if moments.len() == 1 {
        return format!("Colour is the membrane voltage. {thinner}");
    }
    format!(
        "Colour is the membrane voltage. It has moved farthest in {section}, at {}; the soma's at {}. {thinner}",
        ms(at),
        ms(soma)
    )
}

/// The two axes of space in which the cell extends farthest; the farther one is drawn upright if it is the taller picture.
fn axes(tree: &Tree) -> (usize, usize) {
    let points = || tree.geometry.pieces.iter().flat_map(|p| &p.points);
    let extent = |axis: usize| {
        let (a, b) =
            points().map(|p| p.at[axis]).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        b - a
    };
    let sizes = [extent(0), extent(1), extent(2)];
    let least = (0..3).rev().fold(2, |best, k| if sizes[k] < sizes[best] { k } else { best });
    match least {
        0 => (2, 1),
        1 => (0, 2),
        _ => (0, 1),
    }
}

/// The cell, once for each moment.
fn cell(tree: &Tree, moments: &[usize], scale: &Scale) -> String {
    let (across, up) = axes(tree);
    let pieces = &tree.geometry.pieces;
    let mut box_ = [f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY];
    for p in pieces.iter().flat_map(|p| &p.points) {
        let (x, y) = (p.at[across], -p.at[up]);
        box_ = [
            box_[0].min(x - p.radius),
            box_[1].max(x + p.radius),
            box_[2].min(y - p.radius),
            box_[3].max(y + p.radius),
        ];
    }
    let (w, h) = ((box_[1] - box_[0]).max(1e-3), (box_[3] - box_[2]).max(1e-3));
    let (room, head, n) = (WIDTH - LEGEND, 26.0, moments.len());
    // In so many columns that the cell is largest.
    let size = |columns: usize| {
        let rows = n.div_ceil(columns) as f64;
        ((room / columns as f64 - 20.0) / w).min((TALL.max(150.0 * rows) / rows - head) / h)
    };
    let columns = (1..=n).fold(1, |best, c| if size(c) >= size(best) { c } else { best });
    let k = size(columns);
    let (panel, tall) = (room / columns as f64, (h * k).max(20.0) + head);
    let height = (n.div_ceil(columns) as f64 * tall + 44.0).max(170.0);
    let mut out = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" font-family=\"inherit\" font-size=\"14\" fill=\"#111\">"
    );
    for (i, &sample) in moments.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        let left = column as f64 * panel + 0.5 * (panel - w * k);
        let top = row as f64 * tall + head;
        let label = format!("{} ms", number(sample as f64 * tree.every, 4));
        let middle = (column as f64 + 0.5) * panel;
        let _ = write!(out, "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>", top - 10.0);
        let v = tree.at(sample);
        let _ = write!(out, "<g fill=\"none\" stroke-linejoin=\"round\">");
        for (piece, v) in pieces.iter().zip(v).filter(|(p, _)| p.points.len() > 1) {
            let mut d = String::new();
            for (j, p) in piece.points.iter().enumerate() {
                let (x, y) = (left + (p.at[across] - box_[0]) * k, top + (-p.at[up] - box_[2]) * k);
                let _ = write!(d, "{}{x:.1} {y:.1}", if j == 0 { 'M' } else { 'L' });
            }
            let mean = piece.points.iter().map(|p| p.radius).sum::<f64>() / piece.points.len() as f64;
            let width = (2.0 * mean * k).max(THIN);
            let _ = write!(
                out,
                "<path d=\"{d}\" stroke=\"{}\" stroke-width=\"{width:.1}\"/>",
                Scale::colour(scale.step(*v))
            );
        }
        for (_, at) in &tree.synapses {
            let p = &pieces[*at as usize].centre;
            let (x, y) = (left + (p[across] - box_[0]) * k, top + (-p[up] - box_[2]) * k);
            let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" stroke=\"#111\" stroke-width=\"1.5\"/>");
        }
        out.push_str("</g>");
    }
    let bar = round_step(0.2 * w.max(0.4 * h));
    let (x, y) = (10.0, height - 14.0);
    let _ = write!(
        out,
        "<path d=\"M{x:.1} {y:.1}h{:.1}\" stroke=\"#111\" stroke-width=\"2.5\"/><text x=\"{:.1}\" y=\"{:.1}\">{} \u{b5}m</text>",
        bar * k,
        x + bar * k + 8.0,
        y + 5.0,
        number(bar, 3)
    );
    scale.bar(WIDTH - LEGEND + 20.0, (30.0, height - 14.0), &mut out);
    out.push_str("</svg>");
    out
}

/// Distance from the soma against time along the way from the farthest synapse, or the farthest tip where there is none.
fn journey(tree: &Tree, scale: &Scale) -> Option<(String, String)> {
    let far = |k: u32| tree.geometry.pieces[k as usize].distance;
    let (name, from) = match tree.synapses.iter().max_by(|a, b| far(a.1).total_cmp(&far(b.1)).then(b.0.cmp(&a.0))) {
        Some((name, k)) if far(*k) > 0.0 => (format!("the synapse {name}"), *k),
        _ => {
            let tip = (0..tree.width() as u32).max_by(|a, b| far(*a).total_cmp(&far(*b)))?;
            ("the farthest tip".into(), tip)
        }
    };
    // From the soma outwards, compartments with a membrane.
    let mut way = tree.path(from);
    way.reverse();
    way.retain(|k| !tree.geometry.pieces[*k].points.is_empty());
    if way.len() < 2 {
        return None;
    }
    let size = |s: usize| way.iter().map(|k| moved(tree, s, *k).abs()).fold(0.0, f64::max);
    let sizes: Vec<f64> = (0..tree.samples()).map(size).collect();
    let top = sizes.iter().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return None;
    }
    let first = sizes.iter().position(|x| *x > 0.02 * top)?;
    let last = sizes.iter().rposition(|x| *x > 0.1 * top)?;
    let margin = ((last - first) / 20).max(2);
    let (first, last) = (first.saturating_sub(margin), (last + margin).min(tree.samples() - 1));
    let longest = tree.geometry.pieces[*way.last()?].distance;
    let mut drawn = Drawn { left: 70.0, top: 14.0, width: WIDTH - LEGEND - 90.0, height: 300.0, out: String::new() };
    drawn.map(tree, &way, (first, last), (scale, longest));
    let from_ms = first as f64 * tree.every;
    let to_ms = last as f64 * tree.every;
    drawn.axes((from_ms, to_ms), longest);
    scale.bar(WIDTH - LEGEND + 20.0, (drawn.top + 20.0, drawn.top + drawn.height), &mut drawn.out);
    let (near, away) = (farthest(tree, way[0]), farthest(tree, *way.last()?));
    let late = (near as f64 - away as f64) * tree.every;
    let caption = format!(
        "Voltage (colour) along the path from {name}, {} \u{b5}m from the soma, to the soma, against time. The white line joins \
         the times at which each place has moved farthest: the soma {} ms {} its beginning. There the change is {} mV, at the \
         soma {} mV.",
        number(longest, 4),
        number(late.abs(), 3),
        if late >= 0.0 { "after" } else { "before" },
        number(moved(tree, away, *way.last()?), 3),
        number(moved(tree, near, way[0]), 3)
    );
    Some((drawn.finish(), caption))
}

/// A plane of distance and time.
struct Drawn {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    out: String,
}

impl Drawn {
    fn map(&mut self, tree: &Tree, way: &[usize], (first, last): (usize, usize), (scale, longest): (&Scale, f64)) {
        let span = (last - first).max(1);
        let columns = COLUMNS.min(span);
        let sample = |column: usize| first + ((column as f64 + 0.5) * span as f64 / columns as f64) as usize;
        let place = |k: usize| tree.geometry.pieces[k].distance;
        let y = |distance: f64| self.top + self.height * (1.0 - distance / longest);
        let x = |column: usize| self.left + self.width * column as f64 / columns as f64;
        // Every so manieth compartment where there are very many.
        let every = way.len().div_ceil(ROWS);
        let rows: Vec<usize> = way.iter().copied().step_by(every).collect();
        let mut out = String::from("<g shape-rendering=\"crispEdges\">");
        for (i, &k) in rows.iter().enumerate() {
            let above = rows.get(i + 1).map_or(longest, |next| 0.5 * (place(k) + place(*next)));
            let below = if i == 0 { 0.0 } else { 0.5 * (place(k) + place(rows[i - 1])) };
            let (y0, y1) = (y(above), y(below));
            let step = |column: usize| scale.step(tree.at(sample(column))[k]);
            let mut from = 0;
            for column in 1..=columns {
                if column < columns && step(column) == step(from) {
                    continue;
                }
                let (x0, x1) = (x(from), x(column));
                let _ = write!(
                    out,
                    "<rect x=\"{x0:.1}\" y=\"{y0:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                    x1 - x0 + 0.4,
                    y1 - y0 + 0.4,
                    Scale::colour(step(from))
                );
                from = column;
            }
        }
        out.push_str("</g>");
        let mut d = String::new();
        for &k in &rows {
            let at = farthest(tree, k);
            if (first..=last).contains(&at) {
                let x = self.left + self.width * (at - first) as f64 / span as f64;
                let _ = write!(d, "{}{x:.1} {:.1}", if d.is_empty() { 'M' } else { 'L' }, y(place(k)));
            }
        }
        if !d.is_empty() {
            let _ = write!(out, "<path d=\"{d}\" fill=\"none\" stroke=\"#111\" stroke-width=\"4\"/>");
            let _ = write!(out, "<path d=\"{d}\" fill=\"none\" stroke=\"#fff\" stroke-width=\"2\"/>");
        }
        self.out.push_str(&out);
    }

    fn axes(&mut self, (from, to): (f64, f64), longest: f64) {
        let (left, top, width, height) = (self.left, self.top, self.width, self.height);
        let _ = write!(
            self.out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#111\"/>"
        );
        let ticks = |from: f64, to: f64, count: f64| {
            let by = round_step((to - from) / count);
            let first = (from / by).ceil();
            let last = (to / by + 1e-9).floor();
            (0..=(last - first).max(0.0) as usize).map(move |k| (first + k as f64) * by)
        };
        for t in ticks(from, to, 8.0) {
            let x = left + width * (t - from) / (to - from);
            let y = top + height;
            let _ = write!(
                self.out,
                "<path d=\"M{x:.1} {y:.1}v5\" stroke=\"#111\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y + 20.0,
                number(t, 5)
            );
        }
        for d in ticks(0.0, longest, 5.0) {
            let y = top + height * (1.0 - d / longest);
            let _ = write!(
                self.out,
                "<path d=\"M{left:.1} {y:.1}h-5\" stroke=\"#111\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 9.0,
                y + 4.5,
                number(d, 5)
            );
        }
        let (x, y) = (left + 0.5 * width, top + height + 42.0);
        let _ = write!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">time (ms)</text>");
        let y = top + 0.5 * height;
        let _ = write!(
            self.out,
            "<text x=\"16\" y=\"{y:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {y:.1})\">path from the soma (\u{b5}m)</text>"
        );
    }

    fn finish(self) -> String {
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" font-family=\"inherit\" font-size=\"14\" fill=\"#111\">{}</svg>",
            self.top + self.height + 52.0,
            self.out
        )
    }
}
