//! Numbers that belong together, in rows and columns.

use super::super::escaped;
use super::super::numbers::significant;
use super::{COLUMNS, Judged, pretty, value};
use crate::claim::{Finding, Row, Table};
use serde_json::json;
use std::fmt::Write as _;

/// Tables with what was found, by row and column.
fn all(j: &Judged) -> impl Iterator<Item = (&Table, &Vec<Vec<Option<Finding>>>)> {
    j.claim.tables.iter().zip(j.outcome.iter().flat_map(|v| &v.tables))
}

/// What is found of each row.
fn rows<'a>(
    table: &'a Table,
    found: &'a [Vec<Option<Finding>>],
) -> impl Iterator<Item = (&'a Row, &'a Vec<Option<Finding>>)> {
    table.rows.iter().zip(found)
}

/// A number of column `k`, with its unit where the column has none of its own.
fn cell(table: &Table, k: usize, found: Option<&Finding>) -> String {
    let Some(f) = found else { return String::new() };
    if table.units.get(k).is_none_or(String::is_empty) || !f.value.is_finite() {
        return value(f);
    }
    let x = f.value / f.scale;
    if x != 0.0 && x.abs() < LEAST { format!("<{LEAST}") } else { significant(x, 3) }
}

/// Less than this is told as that.
const LEAST: f64 = 0.001;

/// What a column is, with its unit.
fn head(table: &Table, k: usize) -> String {
    match table.units.get(k) {
        Some(unit) if !unit.is_empty() => format!("{} ({unit})", table.columns[k]),
        _ => table.columns[k].clone(),
    }
}

/// For the terminal: as wide as it must be, within its columns where they suffice.
pub(super) fn terminal(j: &Judged, out: &mut String) {
    for (table, found) in all(j) {
        let cells: Vec<Vec<String>> =
            found.iter().map(|row| row.iter().enumerate().map(|(k, f)| cell(table, k, f.as_ref())).collect()).collect();
        let _ = writeln!(out, "     {}", table.title);
        let columns: Vec<String> = (0..table.columns.len()).map(|k| head(table, k)).collect();
        let longest = |k: usize| cells.iter().filter_map(|row| row.get(k)).map(|c| c.chars().count()).max();
        let width = |k: usize| {
            let word = columns[k].split_whitespace().map(|w| w.chars().count()).max();
            longest(k).max(word).unwrap_or(0)
        };
        let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
        let taken: usize = widths.iter().map(|w| w + 2).sum();
        let says = table.rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
        let says = says.min(COLUMNS.saturating_sub(7 + taken)).max(12);
        // The heads, one word below the other where they are too long.
        let heads: Vec<Vec<String>> = columns.iter().zip(&widths).map(|(c, w)| folded(c, *w)).collect();
        let lines = heads.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..lines {
            let _ = write!(out, "       {:says$}", "");
            for (head, w) in heads.iter().zip(&widths) {
                let word = (line + head.len()).checked_sub(lines).and_then(|k| head.get(k));
                let _ = write!(out, "  {:>w$}", word.map_or("", String::as_str));
            }
            trimmed(out);
        }
        for ((row, _), cells) in rows(table, found).zip(&cells) {
            let said = folded(&row.0, says);
            let last = said.len().saturating_sub(1);
            for (k, part) in said.iter().enumerate() {
                let _ = write!(out, "       {part:says$}");
                if k == last {
                    for (cell, w) in cells.iter().zip(&widths) {
                        let _ = write!(out, "  {cell:>w$}");
                    }
                }
                trimmed(out);
            }
        }
    }
}

/// Ends a line without blanks.
fn trimmed(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// Words in lines of at most so many columns.
fn folded(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// For the page.
pub(super) fn html(j: &Judged, out: &mut String) {
    for (table, found) in all(j) {
        let _ = write!(out, "<h3>{}</h3>\n<table class=\"side\">\n<thead><tr><th></th>", escaped(&table.title));
        (0..table.columns.len()).for_each(|k| {
            let _ = write!(out, "<th>{}</th>", escaped(&head(table, k)));
        });
        out.push_str("</tr></thead>\n<tbody>\n");
        for (row, cells) in rows(table, found) {
            let _ = write!(out, "<tr><td>{}</td>", escaped(&row.0));
            for (k, f) in cells.iter().enumerate() {
                let own = table.units.get(k).is_some_and(|u| !u.is_empty());
                let unit = f.as_ref().filter(|f| f.value.is_finite() && !own).map_or("", |f| &f.unit);
                let _ = write!(out, "<td>{}</td>", pretty(&cell(table, k, f.as_ref()), unit));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
    }
}

/// For programs.
pub(super) fn to_json(j: &Judged) -> Vec<serde_json::Value> {
    let cell = |f: &Option<Finding>| f.as_ref().map(|f| json!({ "value": f.value / f.scale, "unit": f.unit }));
    all(j)
        .map(|(table, found)| {
            let rows: Vec<_> = rows(table, found)
                .map(|(row, cells)| json!({ "says": row.0, "values": cells.iter().map(cell).collect::<Vec<_>>() }))
                .collect();
            json!({ "title": table.title, "columns": table.columns, "rows": rows })
        })
        .collect()
}
