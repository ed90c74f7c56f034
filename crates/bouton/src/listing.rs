//! Values as a person reads them: path, value with unit, what temperature did, where it came from.

use crate::lower::{self, Refinement};
use model::catalogue::Catalogue;
use model::read::Provenance;
use model::resolve::{Content, Origin, Resolved, ResolvedValue};
use model::units::Quantity;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A number of things: `1 sender`, `200 senders`.
#[must_use]
pub fn counted(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// A quantity to at most six significant digits, in the unit a reader expects.
pub fn rounded(q: &Quantity) -> String {
    if q.dimension == model::units::Dimension::TEMPERATURE {
        return format!("{} degC", significant(q.value - 273.15, 6));
    }
    let value = significant(q.value, 6).parse().unwrap_or(q.value);
    Quantity { value, ..*q }.to_string()
}

fn significant(x: f64, digits: usize) -> String {
    let text = format!("{x:.*e}", digits - 1);
    text.parse::<f64>().map_or(text, |y| y.to_string())
}

/// The value of a listing's row.
pub fn content(c: &Content) -> String {
    match c {
        Content::Quantity(q) => rounded(q),
        Content::Count(n) => n.to_string(),
        Content::Words(w) => w.clone(),
        Content::Expression { text, factor } if *factor == 1.0 => text.clone(),
        Content::Expression { text, factor } => format!("{} * ({text})", significant(*factor, 6)),
    }
}

/// What temperature did, in words; empty where it does not matter.
pub fn heat(v: &ResolvedValue) -> String {
    let Some(t) = &v.temperature else { return String::new() };
    let reference = format!("{:.1}", t.reference - 273.15);
    match t.q10 {
        None => format!("as measured at {reference} degC (no Q10 known)"),
        Some(q) if t.factor == 1.0 => format!("measured at {reference} degC (Q10 {q})"),
        Some(q) => format!("x {} from {reference} degC (Q10 {q})", significant(t.factor, 4)),
    }
}

/// Where a value came from, in words.
pub fn origin(v: &ResolvedValue) -> String {
    match &v.origin {
        Origin::Written(place) => format!("written at {place}"),
        Origin::Default => "default".into(),
        Origin::Catalogue { entry, .. } => entry.clone(),
    }
}

/// Source and evidence, in words.
pub fn source(p: &Provenance, catalogue: &Catalogue) -> String {
    let mut out = String::new();
    if let Some(key) = &p.source {
        out.push_str(catalogue.citation(key).map_or(key.as_str(), |c| c.short.as_str()));
    }
    if let Some(e) = p.evidence {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(e.word());
    }
    out
}

/// `bouton explain`: every resolved value, in groups by the part it belongs to, aligned in columns.
pub fn explain(r: &Resolved, catalogue: &Catalogue) -> String {
    let mut out = String::new();
    let mut groups: Vec<(&str, Vec<(&str, &ResolvedValue)>)> = Vec::new();
    for v in &r.values {
        let (group, name) = place(r, &v.path);
        match groups.last_mut() {
            Some((g, rows)) if *g == group => rows.push((name, v)),
            _ => groups.push((group, vec![(name, v)])),
        }
    }
    for (group, rows) in groups {
        if !group.is_empty() {
            let _ = writeln!(out, "\n{group}");
        }
        table(&rows, None, catalogue, &mut out);
    }
    let cut = lower::refinement(r);
    if !cut.is_empty() {
        out.push_str("\nCompartments, and what halving all of them changes\n");
    }
    cut.iter().for_each(|cell| refined(cell, &mut out));
    out.push_str("\nSources\n");
    out.push_str(&citations(r.values.iter().map(|v| &v.provenance), catalogue));
    out
}

/// What a cell's numbers owe to its compartments.
fn refined(cell: &Refinement, out: &mut String) {
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (compartments, sections) = (plural(cell.compartments, "compartment"), plural(cell.sections, "section"));
    let _ = writeln!(out, "  {}: {compartments} in {sections}", cell.cell);
    let tip = format!("transfer resistance from the tip of {}, {:.0} um away", cell.tip, cell.distance);
    let rows = [
        ("input resistance at the root", cell.input_resistance, 1e3, "Mohm"),
        ("slowest time constant", cell.time_constant, 1.0, "ms"),
        (&tip, cell.transfer_resistance, 1e3, "Mohm"),
    ];
    let width = rows.iter().map(|r| r.0.len()).max().unwrap_or(0);
    for (name, change, scale, unit) in rows {
        let said = match (change.coarse, change.relative()) {
            (Some(x), Some(share)) => {
                let percent =
                    if share.abs() < 1e-6 { "less than 0.0001".into() } else { significant(share * 100.0, 2) };
                format!("{} {unit}, changed by {percent} %", significant(x * scale, 4))
            }
            _ => "none: at rest the membrane is no passive circuit".to_owned(),
        };
        let _ = writeln!(out, "    {name:width$}  {said}");
    }
}

/// The same for programs.
pub fn refined_to_json(cell: &Refinement) -> Value {
    let change = |c: &lower::Change| json!({ "value": c.coarse, "halved": c.fine, "relative": c.relative() });
    json!({
        "cell": cell.cell, "sections": cell.sections, "compartments": cell.compartments,
        "input_resistance_GOhm": change(&cell.input_resistance), "time_constant_ms": change(&cell.time_constant),
        "tip": cell.tip, "distance_um": cell.distance, "transfer_resistance_GOhm": change(&cell.transfer_resistance),
    })
}

/// The part a path belongs to, and its name there.
fn place<'a>(r: &Resolved, path: &'a str) -> (&'a str, &'a str) {
    let longest = r
        .parts
        .keys()
        .filter(|p| path.starts_with(p.as_str()) && path[p.len()..].starts_with('.'))
        .map(String::len)
        .max();
    let at = longest.or_else(|| {
        // Two names deep for what is no part: `solution.bath`, `cell.receiver`.
        let mut dots = path.match_indices('.').map(|(i, _)| i);
        let first = dots.next();
        dots.next().or(first)
    });
    at.map_or(("", path), |at| (&path[..at], &path[at + 1..]))
}

/// Rows of name, value, what temperature did, origin (unless it is the entry `own`); as wide as they need.
pub fn table(rows: &[(&str, &ResolvedValue)], own: Option<&str>, catalogue: &Catalogue, out: &mut String) {
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|(name, v)| {
            let mut from = origin(v);
            let source = source(&v.provenance, catalogue);
            if own == Some(from.as_str()) {
                from = source;
            } else if !source.is_empty() {
                let _ = write!(from, "; {source}");
            }
            [(*name).to_owned(), content(&v.content), heat(v), from]
        })
        .collect();
    let width =
        |i: usize, most: usize| cells.iter().map(|r| r[i].chars().count()).filter(|w| *w <= most).max().unwrap_or(0);
    let (a, b, c) = (width(0, 40), width(1, 44), width(2, 48));
    for [name, value, heat, from] in &cells {
        let _ = writeln!(out, "{}", format!("  {name:a$}  {value:b$}  {heat:c$}  {from}").trim_end());
    }
}

/// The sources that values name, each in a line.
pub fn citations<'a>(all: impl Iterator<Item = &'a Provenance>, catalogue: &Catalogue) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for p in all {
        for key in p.source.iter().chain(&p.seen_in) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
    }
    keys.sort_unstable();
    let mut out = String::new();
    for key in keys {
        if let Some(c) = catalogue.citation(key) {
            let _ = writeln!(out, "  [{key}] {}", c.long);
        }
    }
    out
}

/// A value for programs.
pub fn to_json(v: &ResolvedValue) -> Value {
    let (value, unit) = match &v.content {
        Content::Quantity(q) => (json!(q.value), Some(q.dimension.unit())),
        Content::Count(n) => (json!(n), None),
        Content::Words(w) => (json!(w), None),
        Content::Expression { text, factor } => (json!({ "expression": text, "factor": factor }), None),
    };
    let temperature = v.temperature.as_ref().map(
        |t| json!({ "reference_K": t.reference, "temperature_K": t.temperature, "q10": t.q10, "factor": t.factor }),
    );
    let (origin, place) = match &v.origin {
        Origin::Written(p) => ("written", Some(p.clone())),
        Origin::Default => ("default", None),
        Origin::Catalogue { place, .. } => ("catalogue", Some(place.clone())),
    };
    json!({
        "path": v.path, "value": value, "unit": unit, "shown": content(&v.content), "origin": origin, "place": place,
        "source": v.provenance.source, "seen_in": v.provenance.seen_in, "species": v.provenance.species,
        "evidence": v.provenance.evidence.map(|e| e.word()), "note": v.provenance.note, "temperature": temperature,
    })
}
