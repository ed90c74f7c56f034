//! The summary for a terminal.

use super::numbers::{Place, estimate, significant};
use crate::recording::{Condition, Measure, MeasureKind, Recording, summary};
use std::fmt::Write as _;

/// A row of the summary: name, value, interval, spread and number, note.
type Row = [String; 5];

fn bracket(ends: Option<(String, String)>) -> String {
    ends.map_or(String::new(), |(low, high)| format!("[{low}, {high}]"))
}

fn joined(value: &str, unit: &str) -> String {
    if unit.is_empty() { value.to_owned() } else { format!("{value} {unit}") }
}

fn measure(m: &Measure) -> Row {
    let s = summary(m);
    if s.n == 0 {
        return [m.path(), "\u{2013}".into(), String::new(), "n = 0".into(), "no trial has one".into()];
    }
    let (value, ends) = estimate(s.mean, s.low95, s.high95);
    let spread = match m.kind {
        MeasureKind::Proportion => format!("{} of {}", (s.mean * s.n as f64).round(), s.n),
        MeasureKind::Mean if s.n < 2 => "n = 1".into(),
        MeasureKind::Mean => format!("sd {}, n = {}", Place::of(s.mean, s.low95, s.high95).write(s.sd), s.n),
    };
    [m.path(), joined(&value, &m.unit), bracket(ends), spread, String::new()]
}

/// The temperature of a condition and how much of it was done.
pub(super) fn done(c: &Condition) -> String {
    let trials = match (c.trials, c.trials_asked) {
        (1, 1) => "1 trial".into(),
        (a, b) if a == b => format!("{a} trials"),
        (a, b) => format!("{a} of {b} trials"),
    };
    format!("{} degC, {trials} of {} ms", significant(c.temperature - 273.15, 4), significant(c.duration, 6))
}

/// A table for stdout: of each condition its facts and its measures, with 95 % intervals and units.
pub fn terminal_summary(r: &Recording) -> String {
    let blocks: Vec<(&Condition, Vec<Row>)> = r
        .conditions
        .iter()
        .map(|c| {
            let facts = c.facts.iter().map(|f| {
                let (value, ends) = estimate(f.value, f.low, f.high);
                [f.name.clone(), joined(&value, &f.unit), bracket(ends), String::new(), f.note.clone()]
            });
            (c, facts.chain(c.measures.iter().map(measure)).collect())
        })
        .collect();
    // One width for all conditions, so that they can be compared by eye.
    let rows = || blocks.iter().flat_map(|(_, rows)| rows);
    let width = |i: usize| rows().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let (a, b, c, d) = (width(0), width(1), width(2), width(3));
    let mut out = String::new();
    if !r.title.is_empty() {
        let _ = writeln!(out, "{}", r.title);
    }
    if let Some(why) = &r.partial {
        let _ = writeln!(out, "not whole: {why}");
    }
    for (condition, rows) in &blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}: {}", condition.shown(), done(condition));
        for [name, value, interval, spread, note] in rows {
            let line = format!("  {name:a$}  {value:b$}  {interval:c$}  {spread:d$}  {note}");
            let _ = writeln!(out, "{}", line.trim_end());
        }
        if rows.is_empty() {
            out.push_str("  nothing was measured; say what in a [measure.NAME] table of the model file\n");
        }
    }
    if rows().any(|r| !r[2].is_empty()) {
        out.push_str("\nin brackets: 95 % confidence intervals\n");
    }
    out
}
