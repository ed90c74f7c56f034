//! What became of a number while a field was swept: a figure of each measure, and of how likely release was.

use super::figures::Figure;
use super::group::split;
use super::numbers::{label, unit};
use super::words;
use crate::plot::{Dash, Layer, Panel};
use crate::recording::{Condition, MeasureKind, Recording, Swept, summary};

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

/// Which condition, mean, and the ends of its interval.
type Estimate = (usize, f64, f64, f64);

/// A number against the swept field, for each number of each sweep.
pub fn figures(r: &Recording, out: &mut Vec<Figure>) {
    for sweep in all(r) {
        let Some((x_label, at)) = sweep.axis() else { continue };
        let range = at.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |r, x| (r.0.min(*x), r.1.max(*x)));
        let margin = 0.05 * (range.1 - range.0);
        for (path, title, of, estimates) in sweep.numbers() {
            let mut line: Vec<(f64, f64)> = estimates.iter().map(|e| (at[e.0], e.1)).collect();
            line.sort_by(|a, b| a.0.total_cmp(&b.0));
            let ends = |e: &Estimate| [e.1, e.2, e.3].into_iter().filter(|y| y.is_finite()).collect::<Vec<f64>>();
            let all = || estimates.iter().flat_map(ends);
            let (low, high) = all().fold((0.0f64, 0.0f64), |r, y| (r.0.min(y), r.1.max(y)));
            let pad = if high > low { 0.06 * (high - low) } else { 1.0 };
            let y = (if low < 0.0 { low - pad } else { 0.0 }, if high > 0.0 { high + pad } else { 0.0 });
            let thin = |points| Layer::Line { points, colour: "#888888".into(), width: 1.0, dash: Dash::Solid };
            let mut layers = vec![thin(vec![(range.0 - margin, 0.0), (range.1 + margin, 0.0)])];
            for e in estimates.iter().filter(|e| e.2.is_finite() && e.3.is_finite() && e.3 > e.2) {
                layers.push(thin(vec![(at[e.0], e.2), (at[e.0], e.3)]));
            }
            let colour = || "#0072B2".to_owned();
            layers.push(Layer::Line { points: line.clone(), colour: colour(), width: 1.4, dash: Dash::Solid });
            layers.push(Layer::Dots { points: line, colour: colour(), size: 3.5 });
            let caption = format!(
                "Each dot is a condition of sweep {}: its mean, with the 95 % interval where it has one.",
                sweep.name
            );
            let panel = Panel {
                x_label: x_label.clone(),
                y_label: label(path.rsplit_once(": ").map_or(path.as_str(), |(_, what)| what), &unit(&of)),
                x: (range.0 - margin, range.1 + margin),
                y,
                layers,
                ..Panel::default()
            };
            out.push(Figure { title, path, caption, legend: Vec::new(), panel });
        }
    }
}
