//! The summary for a terminal, in at most 100 columns.

use super::group::{self, Group, split};
use super::numbers::{deviation, estimate, significant};
use crate::recording::{Condition, Measure, MeasureKind, Recording, summary};
use std::fmt::Write as _;

/// Columns of a terminal that are used.
const COLUMNS: usize = 100;
/// Columns of a name; a longer one has a line of its own.
const NAME: usize = 36;

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
        return [m.path(), "\u{2013}".into(), String::new(), String::new(), "no trial has one".into()];
    }
    let (value, ends) = estimate(s.mean, s.low95, s.high95, &m.unit);
    let spread = match m.kind {
        MeasureKind::Proportion => format!("{} of {}", (s.mean * s.n as f64).round(), s.n),
        MeasureKind::Mean if s.n < 2 => "n = 1".into(),
        MeasureKind::Mean => format!("sd {}, n = {}", deviation(s.sd, &m.unit), s.n),
    };
    [m.path(), joined(&value, &m.unit), bracket(ends), spread, String::new()]
}

fn facts(g: &Group) -> Vec<Row> {
    let row = |f: &&crate::recording::Fact| {
        let (value, ends) = estimate(f.value, f.low, f.high, &f.unit);
        let value = if f.value.is_finite() { joined(&value, &f.unit) } else { value };
        let note = if g.note.is_some() { String::new() } else { f.note.clone() };
        [split(&f.name).1.to_owned(), value, bracket(ends), String::new(), note]
    };
    g.facts.iter().map(row).collect()
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

/// Words in lines of at most so many columns.
fn wrapped(text: &str, indent: usize, out: &mut String) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if column > 0 && column + 1 + long > COLUMNS {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
    }
    out.push('\n');
}

/// A table for stdout: what was released, of each condition its measures, and where the transmitter went; with 95 %
/// intervals and units.
pub fn terminal_summary(r: &Recording) -> String {
    let groups = group::groups(r);
    let mut blocks: Vec<(String, Vec<Row>)> = Vec::new();
    for g in groups.iter().filter(|g| !g.shares) {
        blocks.push((g.heading(r), facts(g)));
    }
    for c in &r.conditions {
        let rows: Vec<Row> = c.measures.iter().map(measure).collect();
        if !rows.is_empty() {
            blocks.push((if r.conditions.len() > 1 { c.shown().to_owned() } else { "Measures".into() }, rows));
        }
    }
    for g in groups.iter().filter(|g| g.shares) {
        blocks.push((g.heading(r), facts(g)));
    }
    // One width for all, so that conditions can be compared by eye.
    let rows = || blocks.iter().flat_map(|(_, rows)| rows);
    let width = |i: usize| rows().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let (a, b, c) = (width(0).min(NAME), width(1), width(2));
    let mut out = String::new();
    if !r.title.is_empty() {
        wrapped(&r.title, 0, &mut out);
    }
    if let Some(why) = &r.partial {
        wrapped(&format!("not whole: {why}"), 0, &mut out);
    }
    for condition in &r.conditions {
        let _ = writeln!(out, "{}: {}", condition.shown(), done(condition));
        for pipette in &condition.pipettes {
            wrapped(pipette, 2, &mut out);
        }
    }
    for (heading, rows) in &blocks {
        out.push('\n');
        wrapped(heading, 0, &mut out);
        for [name, value, interval, spread, note] in rows {
            let mut name = name.as_str();
            if name.chars().count() > NAME {
                let _ = writeln!(out, "  {name}");
                name = "";
            }
            let line = format!("  {name:a$}  {value:b$}  {interval:c$}  {spread}");
            let line = line.trim_end();
            let with = if spread.is_empty() {
                format!("  {name:a$}  {value:b$}  {interval:c$}  {note}")
            } else {
                String::new()
            };
            if note.is_empty() || (!spread.is_empty() || with.chars().count() > COLUMNS) {
                let _ = writeln!(out, "{line}");
                if !note.is_empty() {
                    wrapped(note, 6, &mut out);
                }
            } else {
                let _ = writeln!(out, "{}", with.trim_end());
            }
        }
    }
    if blocks.is_empty() {
        out.push_str("\n  nothing was measured; say what in a [measure.NAME] table of the model file\n");
    }
    if rows().any(|r| !r[2].is_empty()) {
        out.push_str("\nin brackets: 95 % confidence intervals\n");
    }
    out
}
