//! The tables of a report: facts, measures, parameters, what is assumed, sources.

use super::escaped;
use super::group::{groups, split};
use super::numbers::{Place, deviation, estimate, label, quantity, unit};
use crate::listing;
use crate::recording::{MeasureKind, Recording, summary};
use model::catalogue::Catalogue;
use model::read::Evidence;
use model::resolve::{Content, Origin, Resolved, ResolvedValue};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const INTERVAL: &str = "95 % interval";

/// Cells up to so many characters are not broken.
const SHORT: usize = 24;

/// A row of cells that are HTML already; paths and names of entries may be broken at their dots and strokes.
fn row(cells: &[String], out: &mut String) {
    out.push_str("<tr>");
    for c in cells {
        let class = if c.chars().count() <= SHORT && !c.contains('<') { " class=\"n\"" } else { "" };
        let _ = write!(out, "<td{class}>{c}</td>");
    }
    out.push_str("</tr>\n");
}

fn head(names: &[&str], out: &mut String) {
    out.push_str("<table>\n<thead><tr>");
    for n in names {
        let _ = write!(out, "<th>{n}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
}

fn ends(ends: Option<(String, String)>) -> String {
    ends.map_or("\u{2013}".into(), |(a, b)| minus(&format!("{a} to {b}")))
}

/// A hyphen before a digit is a minus.
fn minus(number: &str) -> String {
    number.replace('-', "\u{2212}")
}

fn group(name: &str, columns: usize, out: &mut String) {
    let _ = writeln!(out, "<tr><th class=\"group\" colspan=\"{columns}\">{}</th></tr>", escaped(name));
}

pub fn facts(r: &Recording, out: &mut String) {
    let groups = groups(r);
    if groups.is_empty() {
        return;
    }
    for shares in [false, true] {
        let mine: Vec<_> = groups.iter().filter(|g| g.shares == shares).collect();
        if mine.is_empty() {
            continue;
        }
        let columns = if shares { 2 } else { 4 };
        out.push_str(if shares { "<table class=\"shares\">\n<tbody>\n" } else { "<table>\n<tbody>\n" });
        for g in mine {
            group(&g.heading(r), columns, out);
            for f in &g.facts {
                let (value, interval) = estimate(f.value, f.low, f.high, &f.unit);
                let mut value = minus(&escaped(&value));
                if !f.unit.is_empty() && f.value.is_finite() {
                    value.push_str(&format!("\u{a0}{}", escaped(&unit(&f.unit))));
                }
                let name = escaped(split(&f.name).1);
                if shares {
                    row(&[name, value], out);
                } else {
                    let interval = if interval.is_some() { format!("95 %: {}", ends(interval)) } else { String::new() };
                    row(&[name, value, interval, escaped(&f.note)], out);
                }
            }
        }
        out.push_str("</tbody>\n</table>\n");
    }
}

pub fn measures(r: &Recording, out: &mut String) {
    let mut names: Vec<(String, &str, &str)> = Vec::new();
    for m in r.conditions.iter().flat_map(|c| &c.measures) {
        if !names.iter().any(|n| n.0 == m.path() && n.1 == m.unit) {
            names.push((m.path(), &m.unit, &m.of));
        }
    }
    if names.is_empty() {
        return;
    }
    let several = r.conditions.len() > 1;
    head(&["measure", if several { "condition" } else { "of" }, "mean", INTERVAL, "median", "sd", "n"], out);
    for (path, unit, of) in names {
        let mut first = true;
        for c in &r.conditions {
            let Some(m) = c.measures.iter().find(|m| m.path() == path && m.unit == unit) else { continue };
            let s = summary(m);
            let (mean, interval) = estimate(s.mean, s.low95, s.high95, unit);
            let name = if std::mem::take(&mut first) { escaped(&label(&path, unit)) } else { String::new() };
            let (median, sd) = match m.kind {
                MeasureKind::Proportion => ("\u{2013}".to_owned(), "\u{2013}".to_owned()),
                MeasureKind::Mean => {
                    let place = Place::of(s.mean, s.low95, s.high95);
                    let median = if s.median.abs() < 1e-9 { "0".into() } else { place.write(s.median) };
                    (minus(&median), deviation(s.sd, unit))
                }
            };
            let second = escaped(if several { c.shown() } else { of });
            row(&[name, second, minus(&mean), ends(interval), median, sd, s.n.to_string()], out);
        }
    }
    out.push_str("</tbody>\n</table>\n");
    out.push_str(
        "<p>Means with the 95 % interval of Student's t, shares with Wilson's; n is the number of trials that have a \
         value: a failure has no times.</p>\n",
    );
}

/// The part a path belongs to, and its name there.
fn place<'a>(r: &Resolved, path: &'a str) -> (&'a str, &'a str) {
    let parts = r.parts.keys().filter(|p| path.starts_with(p.as_str()) && path[p.len()..].starts_with('.'));
    let at = parts.map(String::len).max().or_else(|| path.rfind('.'));
    at.map_or(("", path), |at| (&path[..at], &path[at + 1..]))
}

fn value(v: &ResolvedValue) -> String {
    let text = listing::content(&v.content);
    escaped(&if matches!(v.content, Content::Quantity(_)) { minus_first(&quantity(&text)) } else { text })
}

/// A path that may be broken after its dots and strokes.
fn path(text: &str) -> String {
    let text = escaped(text);
    if text.chars().count() <= SHORT { text } else { text.replace('.', ".<wbr>").replace('/', "/<wbr>") }
}

fn minus_first(text: &str) -> String {
    text.strip_prefix('-').map_or_else(|| text.to_owned(), |t| format!("\u{2212}{t}"))
}

fn heat(v: &ResolvedValue) -> String {
    escaped(&listing::heat(v).replace(" degC", "\u{a0}\u{b0}C"))
}

/// Where a value came from: the file's line, the default, the entry.
fn origin(v: &ResolvedValue) -> String {
    match &v.origin {
        // The file is named at the top.
        Origin::Written(place) => match place.rsplitn(3, ':').collect::<Vec<_>>()[..] {
            [_, line, _] => format!("model file, line {}", escaped(line)),
            _ => escaped(&listing::origin(v)),
        },
        Origin::Default => "default".into(),
        Origin::Catalogue { entry, .. } => path(entry),
    }
}

fn is_assumed(v: &ResolvedValue) -> bool {
    v.provenance.evidence == Some(Evidence::Assumed)
}

/// Every value, what conditions say otherwise, what is assumed, and the sources.
pub fn parameters(resolved: &[Resolved], catalogue: &Catalogue, out: &mut String) {
    let Some(base) = resolved.first() else { return };
    assumed(resolved, catalogue, out);
    conditions(base, &resolved[1..], out);
    out.push_str(
        "<h2>Parameters</h2>\n<p>Every number that was used, by the part it belongs to. A dagger (\u{2020}) marks what is \
         assumed.</p>\n<div class=\"small\">\n",
    );
    head(&["parameter", "value", "temperature", "origin", "source"], out);
    let mut last = None;
    for v in &base.values {
        let (part, name) = place(base, &v.path);
        if last != Some(part) && !part.is_empty() {
            group(part, 5, out);
        }
        last = Some(part);
        let source = escaped(&listing::source(&v.provenance, catalogue));
        let dagger = if is_assumed(v) { "\u{a0}\u{2020}" } else { "" };
        row(&[path(name), value(v) + dagger, heat(v), origin(v), source], out);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
    sources(resolved, catalogue, out);
}

fn assumed(resolved: &[Resolved], catalogue: &Catalogue, out: &mut String) {
    let mut seen = BTreeSet::new();
    let all = resolved.iter().flat_map(|r| r.values.iter().map(move |v| (r, v))).filter(|(_, v)| is_assumed(v));
    let found: Vec<(&Resolved, &ResolvedValue)> = all.filter(|(_, v)| seen.insert((&v.path, value(v)))).collect();
    out.push_str("<h2>Assumed values</h2>\n");
    if found.is_empty() {
        out.push_str("<p>None: every number of the catalogue that was used has been seen in a source.</p>\n");
        return;
    }
    out.push_str(
        "<p>Nobody here has seen these numbers in a source; what rests on them rests on a guess. Try others with \
         <code>--set</code>.</p>\n<div class=\"small\">\n",
    );
    head(&["parameter", "value", "origin", "why"], out);
    for (_, v) in found {
        let note = v.provenance.note.clone().unwrap_or_else(|| listing::source(&v.provenance, catalogue));
        row(&[path(&v.path), value(v) + "\u{a0}\u{2020}", origin(v), escaped(&note)], out);
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// What each condition says otherwise than the file as it stands.
fn conditions(base: &Resolved, others: &[Resolved], out: &mut String) {
    if others.is_empty() {
        return;
    }
    out.push_str("<h2>Conditions</h2>\n");
    let before: BTreeMap<&str, &ResolvedValue> = base.values.iter().map(|v| (v.path.as_str(), v)).collect();
    head(&["parameter", "as written", "here"], out);
    for r in others {
        group(r.condition.as_deref().unwrap_or_default(), 3, out);
        let after: BTreeSet<&str> = r.values.iter().map(|v| v.path.as_str()).collect();
        let none = || "\u{2013}".to_owned();
        let mut follow = 0usize;
        for v in &r.values {
            let old = before.get(v.path.as_str());
            match old {
                Some(o) if o.content == v.content => {}
                // Said at the same place and yet another: temperature or a parameter did that.
                Some(o) if o.origin == v.origin && v.temperature.is_some() => follow += 1,
                _ => row(&[path(&v.path), old.map_or_else(none, |o| value(o)), value(v)], out),
            }
        }
        for v in base.values.iter().filter(|v| !after.contains(v.path.as_str())) {
            row(&[path(&v.path), value(v), none()], out);
        }
        if follow > 0 {
            let rates = if follow == 1 { "1 rate that follows" } else { &format!("{follow} rates that follow") };
            row(&[format!("and {rates} from these"), String::new(), String::new()], out);
        }
    }
    out.push_str("</tbody>\n</table>\n");
}

fn sources(resolved: &[Resolved], catalogue: &Catalogue, out: &mut String) {
    let provenances = resolved.iter().flat_map(|r| &r.values).map(|v| &v.provenance);
    let keys: BTreeSet<&str> =
        provenances.flat_map(|p| p.source.iter().chain(&p.seen_in)).map(String::as_str).collect();
    references(keys, catalogue, out);
}

/// The sources of these keys, in full.
pub(super) fn references<'a>(keys: impl IntoIterator<Item = &'a str>, catalogue: &Catalogue, out: &mut String) {
    let mut long: Vec<&str> = keys.into_iter().filter_map(|k| Some(catalogue.citation(k)?.long.as_str())).collect();
    long.sort_unstable();
    if long.is_empty() {
        return;
    }
    out.push_str("<h2>Sources</h2>\n<ol class=\"references\">\n");
    for l in long {
        let _ = writeln!(out, "<li>{}</li>", linked(l));
    }
    out.push_str("</ol>\n");
}

/// A citation, its DOI as a link.
pub(super) fn linked(citation: &str) -> String {
    let Some((before, doi)) = citation.rsplit_once("doi:") else { return escaped(citation) };
    let doi = escaped(doi);
    format!("{}<a href=\"https://doi.org/{doi}\">doi:{doi}</a>", escaped(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_s_doi_is_a_link() {
        let html = linked("A & B. Title. doi:10.1/x<y");
        assert_eq!(html, "A &amp; B. Title. <a href=\"https://doi.org/10.1/x&lt;y\">doi:10.1/x&lt;y</a>");
    }
}
