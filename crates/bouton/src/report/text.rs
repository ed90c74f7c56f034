//! The summary for a terminal, in at most 100 columns.

use super::group::{self, Group, split};
use super::numbers::{deviation, estimate, significant};
use super::sweeps;
use crate::recording::{Condition, Measure, MeasureKind, Recording, summary};
use std::fmt::Write as _;

/// Columns of a terminal that are used.
const COLUMNS: usize = 100;
/// Columns of a name; a longer one has a line of its own.
const NAME: usize = 36;

/// A note of so many characters explains; a shorter one belongs to its number.
const LONG: usize = 24;

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

/// The facts that differ and the measures of sweeps: of each, a row a value.
fn swept(r: &Recording) -> Vec<(String, Vec<Row>)> {
    let mut blocks: Vec<(String, Vec<Row>)> = Vec::new();
    for sweep in sweeps::all(r) {
        let (first, _) = sweep.of[0];
        for f in first.facts.iter().filter(|f| !group::is_share(f)) {
            let of = |c: &'_ Condition| c.facts.iter().find(|g| g.name == f.name).cloned();
            let all: Vec<_> = sweep.of.iter().map(|(c, s)| (of(c), &s.written)).collect();
            if all.iter().all(|(g, _)| g.as_ref() == Some(f)) {
                continue;
            }
            let row = |(f, written): (Option<crate::recording::Fact>, &String)| -> Row {
                let Some(f) = f else {
                    return [written.clone(), "\u{2013}".into(), String::new(), String::new(), String::new()];
                };
                let (value, ends) = estimate(f.value, f.low, f.high, &f.unit);
                let value = if f.value.is_finite() { joined(&value, &f.unit) } else { value };
                [written.clone(), value, bracket(ends), String::new(), String::new()]
            };
            let heading = format!("{}: {} against {}", sweep.name, f.name, sweep.path);
            blocks.push((heading, all.into_iter().map(row).collect()));
        }
        for (c, s) in &sweep.of {
            for m in &c.measures {
                let heading = format!("{}: {} against {}", sweep.name, m.path(), sweep.path);
                let [_, rest @ ..] = measure(m);
                let [value, interval, spread, note] = rest;
                let row = [s.written.clone(), value, interval, spread, note];
                match blocks.iter_mut().find(|b| b.0 == heading) {
                    Some(block) => block.1.push(row),
                    None => blocks.push((heading, vec![row])),
                }
            }
        }
    }
    blocks
}

/// A table for stdout: what was released, of each condition its measures, and where the transmitter went; with 95 %
/// intervals and units.
pub fn terminal_summary(r: &Recording) -> String {
    let groups = group::groups(r);
    let mut blocks: Vec<(String, Vec<Row>)> = Vec::new();
    // What differs within a sweep is told against its values; where the transmitter went then, the report says.
    let alone = |g: &&Group| matches!(g.conditions[..], [i] if r.conditions[i].swept.is_some());
    for g in groups.iter().filter(|g| !g.shares && !alone(g)) {
        blocks.push((g.heading(r), facts(g)));
    }
    blocks.extend(swept(r));
    for c in r.conditions.iter().filter(|c| c.swept.is_none()) {
        let rows: Vec<Row> = c.measures.iter().map(measure).collect();
        if !rows.is_empty() {
            blocks.push((if r.conditions.len() > 1 { c.shown().to_owned() } else { "Measures".into() }, rows));
        }
    }
    for g in groups.iter().filter(|g| g.shares && !alone(g)) {
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
    for condition in r.conditions.iter().filter(|c| c.swept.is_none()) {
        let _ = writeln!(out, "{}: {}", condition.shown(), done(condition));
        for pipette in &condition.pipettes {
            wrapped(pipette, 2, &mut out);
        }
    }
    for sweep in sweeps::all(r) {
        // What is not the same in all is what was swept, and stands in the rows.
        let mut lines: Vec<String> = sweep.of.iter().map(|(c, _)| done(c)).collect();
        lines.dedup();
        let values: Vec<&str> = sweep.of.iter().map(|(_, s)| s.written.as_str()).collect();
        let lists = if values.iter().any(|v| v.contains(", ")) { "; " } else { ", " };
        wrapped(
            &format!("{}: {}, {} each; {}", sweep.name, sweep.path, lines.join("; "), values.join(lists)),
            0,
            &mut out,
        );
        let (first, _) = sweep.of[0];
        let same = |p: &&String| sweep.of.iter().all(|(c, _)| c.pipettes.contains(p));
        for pipette in first.pipettes.iter().filter(same) {
            wrapped(pipette, 2, &mut out);
        }
    }
    let mut told = std::collections::BTreeSet::new();
    for (heading, rows) in &blocks {
        out.push('\n');
        wrapped(heading, 0, &mut out);
        for [name, value, interval, spread, note] in rows {
            // An explanation that fills a line is given once.
            let note = if note.len() > LONG && !told.insert(note.as_str()) { "" } else { note.as_str() };
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
