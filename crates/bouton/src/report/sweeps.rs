//! What became of a number while a field was swept: a figure of each measure, and of how likely release was.

use super::figures::Figure;
use super::group::split;
use super::numbers::{label, unit};
use super::words;
use crate::plot::{Dash, Layer, Panel};
use crate::recording::{Condition, MeasureKind, Recording, Swept, summary};
use numerics::math;

/// Figures of a sweep, at most.
const MOST: usize = 12;

/// The conditions of a sweep.
pub struct Sweep<'a> {
    /// Its name.
    pub name: &'a str,
    /// The field that is swept.
    pub path: &'a str,
    /// Conditions in the order of the file, and where each stands.
    pub of: Vec<(&'a Condition, &'a Swept)>,
}

/// All sweeps, in the order of the file.
pub fn all(r: &Recording) -> Vec<Sweep<'_>> {
    let mut out: Vec<Sweep> = Vec::new();
    for (c, s) in r.conditions.iter().filter_map(|c| Some((c, c.swept.as_ref()?))) {
        match out.iter_mut().find(|sweep| sweep.name == s.sweep) {
            Some(sweep) => sweep.of.push((c, s)),
            None => out.push(Sweep { name: &s.sweep, path: &s.path, of: vec![(c, s)] }),
        }
    }
    out
}

impl Sweep<'_> {
    /// The values as numbers and what they are; in the file's own unit, if all have the same.
    fn axis(&self) -> Option<(String, Vec<f64>)> {
        if self.of.len() < 2 || self.of.iter().any(|(_, s)| !s.value.is_finite() || s.unit != self.of[0].1.unit) {
            return None;
        }
        let own = |s: &Swept| {
            let (number, unit) = s.written.split_once(char::is_whitespace)?;
            Some((number.parse::<f64>().ok().filter(|x| x.is_finite())?, unit.trim().to_owned()))
        };
        let written: Option<Vec<(f64, String)>> = self.of.iter().map(|(_, s)| own(s)).collect();
        let pairs = self.of.iter().all(|(_, s)| s.written.contains(", "));
        let name = if pairs { format!("interval in {}", self.path) } else { self.path.to_owned() };
        match written.filter(|all| all.iter().all(|(_, u)| *u == all[0].1)) {
            Some(all) => Some((label(&name, &all[0].1), all.into_iter().map(|(x, _)| x).collect())),
            None => Some((label(&name, &self.of[0].1.unit), self.of.iter().map(|(_, s)| s.value).collect())),
        }
    }

    /// What has a value in every condition, or is a measure: its name, its unit, and mean and interval by condition.
    fn numbers(&self) -> Vec<(String, String, String, Vec<Estimate>)> {
        let mut out: Vec<(String, String, String, Vec<Estimate>)> = Vec::new();
        let mut add = |path: String, title: String, unit: &str, estimate: Estimate| match out
            .iter_mut()
            .find(|o| o.0 == path && o.2 == unit)
        {
            Some(o) => o.3.push(estimate),
            None => out.push((path, title, unit.to_owned(), vec![estimate])),
        };
        for (i, (c, _)) in self.of.iter().enumerate() {
            for f in c.facts.iter().filter(|f| f.value.is_finite()) {
                let (of, what) = split(&f.name);
                if what.starts_with("release probability") || what == "spikes" {
                    add(
                        f.name.clone(),
                        format!("{} at {of}", words::large(what)),
                        &f.unit,
                        (i, f.value, f.low, f.high),
                    );
                }
            }
            for m in &c.measures {
                let s = summary(m);
                let share = m.kind == MeasureKind::Proportion;
                let what = format!("{}, {}", words::measure(&m.name), m.quantity.replace('_', " "));
                if s.mean.is_finite() {
                    let title = if share { format!("Share of {}", what) } else { words::large(&what) };
                    add(m.path(), title, &m.unit, (i, s.mean, s.low95, s.high95));
                }
            }
        }
        // What a sweep does not touch needs no figure.
        let moves = |e: &[Estimate]| e.iter().any(|x| x.1 != e[0].1);
        out.retain(|o| o.3.len() > 1 && (moves(&o.3) || !o.0.contains(": ")));
        out.truncate(MOST);
        out
    }
}

/// Whether values, such as doses, want a logarithmic axis: none is below 0, and the others span more than an order of
/// magnitude and a half.
fn wide(at: &[f64]) -> bool {
    let above = || at.iter().copied().filter(|x| *x > 0.0);
    let (least, most) = above().fold((f64::INFINITY, 0.0), |r: (f64, f64), x| (r.0.min(x), r.1.max(x)));
    at.iter().all(|x| *x >= 0.0) && above().count() > 2 && most > 30.0 * least
}

/// Which condition, mean, and the ends of its interval.
type Estimate = (usize, f64, f64, f64);

/// A number against the swept field, for each number of each sweep.
pub fn figures(r: &Recording, out: &mut Vec<Figure>) {
    for sweep in all(r) {
        let Some((x_label, at)) = sweep.axis() else { continue };
        let wide = wide(&at);
        let on_axis = |x: f64| !wide || x > 0.0;
        let range = at
            .iter()
            .filter(|x| on_axis(**x))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |r, x| (r.0.min(*x), r.1.max(*x)));
        let range = if wide {
            let pad = math::pow(range.1 / range.0, 0.05);
            (range.0 / pad, range.1 * pad)
        } else {
            let pad = 0.05 * (range.1 - range.0);
            (range.0 - pad, range.1 + pad)
        };
        for (path, title, of, estimates) in sweep.numbers() {
            let mut line: Vec<(f64, f64)> = estimates.iter().map(|e| (at[e.0], e.1)).filter(|p| on_axis(p.0)).collect();
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            let ends = |e: &Estimate| [e.1, e.2, e.3].into_iter().filter(|y| y.is_finite()).collect::<Vec<f64>>();
            let all = || estimates.iter().flat_map(ends);
            let (low, high) = all().fold((0.0f64, 0.0f64), |r, y| (r.0.min(y), r.1.max(y)));
            let pad = if high > low { 0.06 * (high - low) } else { 1.0 };
            let y = (if low < 0.0 { low - pad } else { 0.0 }, if high > 0.0 { high + pad } else { 0.0 });
            let thin = |points| Layer::Line { points, colour: "#888888".into(), width: 1.0, dash: Dash::Solid };
            let mut layers = vec![thin(vec![(range.0, 0.0), (range.1, 0.0)])];
            let at_zero = estimates.iter().find(|e| wide && at[e.0] == 0.0);
            if let Some(e) = at_zero {
                let points = vec![(range.0, e.1), (range.1, e.1)];
                layers.push(Layer::Line { points, colour: "#555555".into(), width: 1.4, dash: Dash::Dashed });
            }
            for e in estimates.iter().filter(|e| on_axis(at[e.0]) && e.2.is_finite() && e.3.is_finite() && e.3 > e.2) {
                layers.push(thin(vec![(at[e.0], e.2), (at[e.0], e.3)]));
            }
            let colour = || "#0072B2".to_owned();
            layers.push(Layer::Line { points: line.clone(), colour: colour(), width: 1.4, dash: Dash::Solid });
            layers.push(Layer::Dots { points: line, colour: colour(), size: 3.5 });
            let zero =
                if at_zero.is_some() { " Dashed: what comes at 0, which has no place on this axis." } else { "" };
            let caption = format!(
                "Each dot is a condition of sweep {}: its mean, with the 95 % interval where it has one.{zero}",
                sweep.name
            );
            let panel = Panel {
                x_label: x_label.clone(),
                y_label: label(path.rsplit_once(": ").map_or(path.as_str(), |(_, what)| what), &unit(&of)),
                log_x: wide,
                x: range,
                y,
                layers,
                ..Panel::default()
            };
            out.push(Figure { title, path, caption, legend: Vec::new(), panel });
        }
    }
}
