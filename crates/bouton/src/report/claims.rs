//! Verdicts on claims: a page that reads as an article does, a table for the terminal, and JSON.

mod pictures;
mod tables;

use super::numbers::{Place, significant, unit};
use super::{STYLE, escaped};
use crate::claim::{Bound, Claim, Finding, Lies, Standing, Verdict};
use crate::recording::Recording;
use model::catalogue::Catalogue;
use model::read::Evidence;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A claim that was run: what was recorded of each of its models, and the verdict; or why it could not be run.
#[derive(Debug)]
pub struct Judged {
    /// The claim.
    pub claim: Claim,
    /// Of each of its models.
    pub recordings: Vec<Recording>,
    /// The verdict.
    pub outcome: Result<Verdict, String>,
}

impl Judged {
    /// Whether nothing speaks against it.
    #[must_use]
    pub fn good(&self) -> bool {
        self.outcome.as_ref().is_ok_and(|v| v.standing.good())
    }

    fn standing(&self) -> &'static str {
        self.outcome.as_ref().map_or("could not be run", |v| v.standing.words())
    }
}

const STYLE_HERE: &str = "
.verdict { display: inline-block; font-weight: 600; padding: .05rem .5rem; border: 1.5px solid; border-radius: .25rem; white-space: nowrap; }
.good { color: #00664a; } .bad { color: #a33c00; } .open { color: #444; }
blockquote { margin: .4rem 0 .6rem; padding: .1rem 0 .1rem 1rem; border-left: 3px solid #0072B2; font-size: 1.06rem; max-width: 60rem; }
section { break-inside: auto; }
.note { font-size: .87rem; color: #333; max-width: 60rem; }
td.v { white-space: nowrap; font-weight: 600; }
table.side td:not(:first-child), table.side th:not(:first-child) { text-align: right; }
table.side td { white-space: nowrap; }
table.side th { vertical-align: bottom; }
";

/// Text with a true minus before digits and between words.
fn minus(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

/// A value in the unit of the finding.
fn written(f: &Finding, x: f64) -> String {
    // What is nothing beside the band is 0, and not what rounding has left of it.
    let edges = f.band.0.iter().chain(&f.band.1).fold(0.0, |m: f64, e| m.max(e.abs()));
    if x.abs() < 1e-5 * edges {
        return "0".into();
    }
    let [value, low, high] = [f.value, f.low, f.high].map(|x| x / f.scale);
    let place = Place::of(value, low, high);
    let rounded = place.write(x / f.scale);
    let plain = significant(x / f.scale, 4);
    // What misses an edge by less than is told would seem to lie on it.
    let on_edge = f.band.0.iter().chain(&f.band.1).any(|e| rounded.parse::<f64>().is_ok_and(|r| r == e / f.scale));
    let text = if low.is_finite() && low < high && !on_edge { rounded } else { plain };
    if text == "-0" { "0".into() } else { text }
}

fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// `0.081 ms`
fn value(f: &Finding) -> String {
    if f.value.is_finite() { with_unit(&written(f, f.value), &f.unit) } else { "no number".into() }
}

/// `0.079 to 0.083`; nothing where there is no interval.
fn interval(f: &Finding) -> String {
    if f.low.is_nan() || f.high <= f.low || (f.high - f.low).abs() < 1e-9 * f.value.abs() {
        return String::new();
    }
    format!("{} to {}", written(f, f.low), written(f, f.high))
}

/// `0.03 to 0.2 ms`, `at least 0.2 mV`
fn band(f: &Finding) -> String {
    let edge = |x: f64| if x.is_finite() { significant(x / f.scale, 7) } else { "\u{2013}".into() };
    let text = match f.band {
        (Some(a), Some(b)) if a == b => format!("exactly {}", edge(a)),
        (Some(a), Some(b)) => format!("{} to {}", edge(a), edge(b)),
        (Some(a), None) => format!("at least {}", edge(a)),
        (None, Some(b)) => format!("at most {}", edge(b)),
        (None, None) => return String::new(),
    };
    with_unit(&text, &f.unit)
}

/// What came of a check.
fn check_word(f: &Finding) -> &'static str {
    match (f.lies, f.narrowly) {
        (Lies::Inside, false) => "holds",
        (Lies::Inside, true) => "holds, narrowly",
        (Lies::Outside, false) => "missed",
        (Lies::Outside, true) => "missed, narrowly",
        (Lies::Nowhere, _) => "no number",
    }
}

/// What came of a control.
fn control_word(f: &Finding) -> &'static str {
    match (f.lies, f.narrowly) {
        (Lies::Outside, false) => "fails, as it must",
        (Lies::Outside, true) => "fails, narrowly",
        (Lies::Inside, _) => "does not fail",
        (Lies::Nowhere, _) => "no number",
    }
}

/// Rows of a verdict: what it is, the number, what came of it.
fn rows(j: &Judged) -> Vec<(&'static str, &Bound, &Finding, &'static str)> {
    let Ok(v) = &j.outcome else { return Vec::new() };
    let mut out = Vec::new();
    out.extend(j.claim.checks.iter().zip(&v.checks).map(|(b, f)| ("", b, f, check_word(f))));
    out.extend(j.claim.controls.iter().zip(&v.controls).map(|(b, f)| ("control", b, f, control_word(f))));
    out.extend(j.claim.shown.iter().zip(&v.shown).map(|(b, f)| ("shown", b, f, "")));
    out
}

/// How many hold, in words.
fn tally(all: &[Judged]) -> String {
    let count = |s: &str| all.iter().filter(|j| j.standing() == s).count();
    let words = ["holds", "holds, narrowly", "fails", "fails, narrowly", "cannot tell", "could not be run", "shown"];
    let said: Vec<String> = words.iter().filter(|w| count(w) > 0).map(|w| format!("{} {w}", count(w))).collect();
    format!("{} claim{}: {}", all.len(), if all.len() == 1 { "" } else { "s" }, said.join("; "))
}

/// Columns of a terminal that are used.
const COLUMNS: usize = 100;

/// Words in lines of at most so many columns, the first after what stands there already.
fn wrapped(text: &str, indent: usize, columns: usize, out: &mut String) {
    let mut column = indent;
    let mut first = true;
    for word in text.split_whitespace() {
        let long = word.chars().count();
        if !first && column + 1 + long > columns {
            let _ = write!(out, "\n{}", " ".repeat(indent));
            column = indent;
        } else if !first {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
        first = false;
    }
    out.push('\n');
}

/// The table of verdicts for stdout, at most 100 columns.
#[must_use]
pub fn terminal(all: &[Judged]) -> String {
    let mut out = String::new();
    for j in all {
        let _ = writeln!(out, "{:5}{:71}  {}", j.claim.id, j.claim.title, j.standing());
        if let Err(why) = &j.outcome {
            out.push_str("     ");
            wrapped(why, 5, COLUMNS, &mut out);
        }
        for (kind, bound, f, word) in rows(j) {
            out.push_str("     ");
            let says = if kind == "control" { format!("control: {}", bound.says) } else { bound.says.clone() };
            wrapped(&says, 5, COLUMNS, &mut out);
            let ends = interval(f);
            let ends = if ends.is_empty() { String::new() } else { format!(" [{ends}]") };
            let number = format!("{}{ends}", value(f));
            let wanted = if kind == "control" { "must miss" } else { "wanted" };
            let wanted = if band(f).is_empty() { String::new() } else { format!("{wanted} {}", band(f)) };
            let line = format!("       {number:36} {wanted:32} {word}");
            let _ = writeln!(out, "{}", line.trim_end());
        }
        tables::terminal(j, &mut out);
        out.push('\n');
    }
    let _ = writeln!(out, "{}", tally(all));
    out
}

/// For programs.
#[must_use]
pub fn to_json(j: &Judged) -> serde_json::Value {
    let numbers: Vec<_> = rows(j)
        .into_iter()
        .map(|(kind, b, f, word)| {
            let of = |x: f64| x / f.scale;
            json!({
                "kind": if kind.is_empty() { "check" } else { kind }, "says": b.says, "value": of(f.value), "unit": f.unit,
                "low95": of(f.low), "high95": of(f.high), "least": f.band.0.map(of), "most": f.band.1.map(of),
                "trials": f.trials, "narrowly": f.narrowly, "result": word, "expression": b.written,
            })
        })
        .collect();
    json!({
        "id": j.claim.id, "title": j.claim.title, "verdict": j.standing(), "holds": j.good(),
        "fault": j.outcome.as_ref().err(), "numbers": numbers, "tables": tables::to_json(j),
    })
}

fn class(j: &Judged) -> &'static str {
    match j.outcome.as_ref().map(|v| v.standing) {
        Ok(Standing::Holds | Standing::HoldsNarrowly) => "good",
        Ok(Standing::Shown) => "open",
        _ => "bad",
    }
}

/// The page.
#[must_use]
pub fn html(all: &[Judged], catalogue: &Catalogue, version: &str) -> String {
    let mut out = String::with_capacity(1 << 18);
    let title =
        if let [j] = all { format!("{} {}", j.claim.id, j.claim.title) } else { "Claims about the synapse".into() };
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{0}</title>\n<style>\n{STYLE}{STYLE_HERE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escaped(&title)
    );
    let _ =
        writeln!(out, "<p class=\"byline\">{}. Simulated with bouton {}.</p>", escaped(&tally(all)), escaped(version));
    out.push_str(
        "<div class=\"abstract\"><p>Each sentence of the article is an experiment that can fail. A number that was measured \
         must lie in a band that was set beforehand; a control, in which what the sentence speaks of is taken away, must miss \
         its band, or nothing was shown. The 95 % intervals are over trials; a number without one comes from a \
         computation in which nothing is left to chance. A claim that fails is reported as it is.</p></div>\n",
    );
    if all.len() > 1 {
        out.push_str("<table>\n<thead><tr><th>claim</th><th></th><th>the number that decides</th><th></th><th>verdict</th></tr></thead>\n<tbody>\n");
        for j in all {
            let rows = rows(j);
            let wrong = |r: &&(&str, &Bound, &Finding, &str)| {
                r.3.starts_with("miss") || r.3.starts_with("no number") || r.3 == "does not fail"
            };
            let decides = rows.iter().find(wrong).or(rows.iter().find(|r| r.2.trials > 1)).or(rows.first());
            let says =
                decides.map(|r| if r.0 == "control" { format!("control: {}", r.1.says) } else { r.1.says.clone() });
            let number = decides.map(|r| pretty(&value(r.2), &r.2.unit)).unwrap_or_default();
            let _ = writeln!(
                out,
                "<tr><td class=\"n\"><a href=\"#{0}\">{0}</a></td><td>{1}</td><td>{2}</td><td class=\"v\">{3}</td>\
                 <td class=\"n {4}\"><b>{5}</b></td></tr>",
                escaped(&j.claim.id),
                escaped(&j.claim.title),
                escaped(&says.unwrap_or_default()),
                number,
                class(j),
                j.standing()
            );
        }
        out.push_str("</tbody>\n</table>\n");
    }
    let mut figures = 0;
    for j in all {
        section(j, catalogue, &mut figures, &mut out);
    }
    references(all, catalogue, &mut out);
    let _ = write!(
        out,
        "<footer>Made by bouton {}. A claim is a folder of text files; change them and run <code>bouton claims</code> \
         again.</footer>\n</body>\n</html>\n",
        escaped(version)
    );
    out
}

/// A number and its unit as print has them, as HTML.
fn pretty(text: &str, ascii: &str) -> String {
    if ascii.is_empty() {
        return minus(&escaped(text));
    }
    let number = text.strip_suffix(ascii).unwrap_or(text).trim_end();
    let shown = if ascii == "%" { "%".to_owned() } else { unit(ascii) };
    format!("{}\u{a0}{}", minus(&escaped(number)), escaped(&shown))
}

fn section(j: &Judged, catalogue: &Catalogue, figures: &mut usize, out: &mut String) {
    let c = &j.claim;
    let _ = writeln!(
        out,
        "<section id=\"{0}\">\n<h2>{0}. {1} <span class=\"verdict {2}\">{3}</span></h2>\n<blockquote>{4}</blockquote>\n<p>{5}</p>",
        escaped(&c.id),
        escaped(&c.title),
        class(j),
        j.standing(),
        escaped(&c.sentence),
        escaped(&c.how)
    );
    if let Err(why) = &j.outcome {
        let _ = writeln!(out, "<p class=\"partial\">{}</p>", escaped(why));
    }
    let mut drawn: Vec<String> = c.pictures.iter().filter_map(|p| pictures::picture(p, j, figures)).collect();
    drawn.extend(pictures::curves(j, figures));
    if !drawn.is_empty() {
        let _ = writeln!(out, "<div class=\"figures\">\n{}</div>", drawn.concat());
    }
    let rows = rows(j);
    if !rows.is_empty() {
        out.push_str(
            "<table>\n<thead><tr><th></th><th>number</th><th>95 % interval</th><th>band</th><th>result</th>\
             <th>where the band comes from</th></tr></thead>\n<tbody>\n",
        );
    }
    for (kind, b, f, word) in &rows {
        let says = if *kind == "control" { format!("<i>Control:</i> {}", escaped(&b.says)) } else { escaped(&b.says) };
        let wanted = if *kind == "control" { "must miss " } else { "" };
        let band = if band(f).is_empty() { String::new() } else { format!("{wanted}{}", pretty(&band(f), &f.unit)) };
        let _ = writeln!(
            out,
            "<tr><td>{says}</td><td class=\"v\">{}</td><td class=\"n\">{}</td><td>{band}</td><td class=\"n {}\">{word}</td><td>{}</td></tr>",
            pretty(&value(f), if f.value.is_finite() { &f.unit } else { "" }),
            minus(&interval(f)),
            if word.contains("miss") || word.contains("not") || word.contains("no ") { "bad" } else { "good" },
            origin(b, catalogue)
        );
    }
    if !rows.is_empty() {
        out.push_str("</tbody>\n</table>\n");
    }
    tables::html(j, out);
    notes(j, out);
    out.push_str("</section>\n");
}

/// Where a band comes from, as HTML.
fn origin(b: &Bound, catalogue: &Catalogue) -> String {
    let mut parts = Vec::new();
    if let Some(c) = b.source.as_ref().and_then(|k| catalogue.citation(k)) {
        parts.push(escaped(&c.short));
    }
    parts.extend(b.origin.as_deref().map(escaped));
    if b.evidence == Some("assumed") {
        parts.push("<b>assumed</b>".into());
    }
    parts.join("; ")
}

/// What is assumed, what was run.
fn notes(j: &Judged, out: &mut String) {
    let c = &j.claim;
    if !c.assumed.is_empty() {
        let _ = writeln!(out, "<p class=\"note\"><b>Taken for granted.</b> {}</p>", escaped(&c.assumed.join(" ")));
    }
    let assumed: BTreeSet<&str> = c
        .models
        .iter()
        .flat_map(|m| &m.resolved)
        .flat_map(|r| &r.values)
        .filter(|v| v.provenance.evidence == Some(Evidence::Assumed))
        .map(|v| v.path.as_str())
        .collect();
    let mut run: Vec<String> = c
        .models
        .iter()
        .map(|m| {
            let trials: Vec<u64> = m.plans.iter().map(|p| p.trials).collect();
            let (least, most) = (trials.iter().min().copied().unwrap_or(0), trials.iter().max().copied().unwrap_or(0));
            let trials = if least == most { format!("{most}") } else { format!("{least} to {most}") };
            let conditions =
                if m.plans.len() > 1 { format!("{} conditions of ", m.plans.len()) } else { String::new() };
            let plural = if most == 1 { "trial" } else { "trials" };
            format!("<code>{}/{}</code>, {conditions}{trials} {plural}", escaped(&c.folder), escaped(&m.file))
        })
        .collect();
    run.extend(c.entry.iter().map(|e| format!("entry <code>{}</code>", escaped(e))));
    let _ = write!(out, "<p class=\"note\"><b>Run.</b> {}.", run.join("; "));
    if !assumed.is_empty() {
        let _ = write!(
            out,
            " {} numbers of the catalogue that went into it were seen in no source; <code>bouton explain</code> lists them.",
            assumed.len()
        );
    }
    out.push_str("</p>\n");
}

fn references(all: &[Judged], catalogue: &Catalogue, out: &mut String) {
    let keys: BTreeSet<&str> = all.iter().flat_map(|j| &j.claim.sources).map(String::as_str).collect();
    super::tables::references(keys, catalogue, out);
}
