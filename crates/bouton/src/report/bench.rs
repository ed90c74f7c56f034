//! A page of what instruments found: numbers in columns, notes, figures. The same for all of them.

use super::figures::Figure;
use super::numbers::{significant, unit};
use super::{STYLE, escaped, measured};
use std::fmt::Write as _;

/// A line of a table: what it is, in as many numbers as there are columns, and their unit.
pub(super) struct Row {
    pub what: String,
    /// Short, for programs.
    pub key: &'static str,
    pub values: Vec<Option<f64>>,
    pub unit: &'static str,
}

/// All that is to be shown.
pub(super) struct Bench {
    pub title: String,
    /// Under it: of what, where, at which temperature (`degC`).
    pub heading: String,
    pub notes: Vec<String>,
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
    pub figures: Vec<Figure>,
}

fn number(x: Option<f64>) -> String {
    x.filter(|x| x.is_finite()).map_or_else(|| "\u{2013}".into(), |x| significant(x, 4))
}

impl Bench {
    /// For the terminal.
    pub fn terminal(&self) -> String {
        let mut out = format!("{}\n", self.heading);
        let first = self.rows.iter().map(|r| r.what.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = self.columns.iter().map(|c| c.chars().count().max(9) + 3).collect();
        let cells =
            |texts: Vec<String>| -> String { texts.iter().zip(&widths).map(|(t, w)| format!("{t:>w$}")).collect() };
        let _ = writeln!(out, "  {:first$}{}", "", cells(self.columns.clone()));
        for row in &self.rows {
            let numbers = cells(row.values.iter().map(|v| number(*v)).collect());
            let _ = writeln!(out, "  {}", format!("{:first$}{numbers}  {}", row.what, row.unit).trim_end());
        }
        out
    }

    /// The page.
    pub fn html(&self, version: &str) -> String {
        let mut out = String::with_capacity(1 << 17);
        let _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
            escaped(&self.title)
        );
        let byline = self.heading.replace(" degC", "\u{a0}\u{b0}C");
        let _ =
            writeln!(out, "<p class=\"byline\">{}. Measured with bouton {}.</p>", escaped(&byline), escaped(version));
        out.push_str("<div class=\"abstract\">\n");
        for note in &self.notes {
            let _ = writeln!(out, "<p>{}</p>", escaped(&note.replace(" -", " \u{2212}")));
        }
        out.push_str("</div>\n<h2>Numbers</h2>\n<table class=\"shares\">\n<thead><tr><th></th>");
        self.columns.iter().for_each(|c| out.push_str(&format!("<th>{}</th>", escaped(c))));
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            let tail = if row.unit.is_empty() { String::new() } else { format!("\u{a0}{}", unit(row.unit)) };
            let _ = write!(out, "<tr><td>{}</td>", escaped(&row.what));
            for value in &row.values {
                let known = value.filter(|v| v.is_finite());
                let tail = if known.is_some() { &tail[..] } else { "" };
                let _ = write!(out, "<td class=\"n\">{}{tail}</td>", number(known).replace('-', "\u{2212}"));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n");
        measured(&self.figures, version, &mut out);
        out
    }

    /// The numbers by key, then by column; a number that is none is null.
    pub fn numbers(&self) -> serde_json::Value {
        let by_column = |row: &Row| -> serde_json::Value {
            let pairs = self.columns.iter().zip(&row.values);
            let mut all: serde_json::Map<String, serde_json::Value> =
                pairs.map(|(c, v)| (c.clone(), serde_json::json!(v.filter(|v| v.is_finite())))).collect();
            all.insert("unit".into(), row.unit.into());
            all.into()
        };
        self.rows.iter().map(|row| (row.key.to_owned(), by_column(row))).collect::<serde_json::Map<_, _>>().into()
    }
}

/// The range of some values with a margin.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)));
    if low > high || low.is_nan() {
        return (0.0, 1.0);
    }
    let pad = if high > low { 0.06 * (high - low) } else { 1.0 };
    (low - pad, high + pad)
}
