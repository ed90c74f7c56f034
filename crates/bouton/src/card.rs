//! An entry as a page of text: scheme, numbers with their sources, response; and the verdicts of its checks.

use crate::acceptance::{self, EntryVerdict};
use crate::listing;
use crate::portrait::Portrait;
use model::catalogue::{Balance, Catalogue, Entry};
use model::resolve::{Content, Part, ResolvedValue};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Rows of the plot in the terminal.
const PLOT_ROWS: usize = 22;

fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() + indent.len() > width {
            let _ = writeln!(out, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{indent}{line}");
    out
}

/// The page of an entry, at most `columns` wide where lines can be broken.
pub fn card(
    entry: &Entry,
    part: &Part,
    portrait: &Portrait,
    catalogue: &Catalogue,
    columns: usize,
    colour: bool,
) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}\n{}\n", entry.name, entry.title());
    out.push_str(&wrapped(entry.summary(), columns, "  "));
    let body = |name: &str| entry.body.text(name).unwrap_or_default();
    let _ = writeln!(out, "\n  species      {}", body("species"));
    let _ = writeln!(out, "  preparation  {}", body("preparation"));
    let _ = writeln!(out, "  measured at  {:.1} degC", entry.temperature - 273.15);
    let _ = writeln!(out, "  source       {}", listing::source(&entry.provenance, catalogue));
    if let Some(scheme) = &entry.scheme {
        let balance = match &scheme.balance {
            Balance::Equilibrium { tolerance } if part.loops.is_empty() => {
                let _ = tolerance;
                "at equilibrium, no loops".to_owned()
            }
            Balance::Equilibrium { tolerance } => format!("at equilibrium, loops close within {tolerance}"),
            Balance::Driven { by } => format!("driven by {by}"),
        };
        let factors = if scheme.per_site { "rates are per site, times the sites" } else { "rates are per step" };
        let _ = writeln!(out, "\nScheme at {:.1} degC: {balance}; {factors}", part.temperature - 273.15);
        let rows: Vec<[String; 4]> = scheme
            .steps
            .iter()
            .map(|s| {
                let (a, b) = (&scheme.states[s.from].name, &scheme.states[s.to].name);
                let value = |path: String| {
                    part.values.iter().find(|v| v.path == path).map_or(String::new(), |v| listing::content(&v.content))
                };
                let back = if s.backward.is_some() { value(format!("rate.{b}->{a}")) } else { String::new() };
                let sites = match (scheme.per_site, &s.backward) {
                    (true, Some(b)) if s.forward.sites != 1 || b.sites != 1 => {
                        format!("sites {}, {}", s.forward.sites, b.sites)
                    }
                    (true, None) if s.forward.sites != 1 => format!("sites {}", s.forward.sites),
                    _ => String::new(),
                };
                [s.text.clone(), value(format!("rate.{a}->{b}")), back, sites]
            })
            .collect();
        let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
        let (a, b, c) = (width(0), width(1), width(2));
        for [step, forward, backward, sites] in &rows {
            let _ = writeln!(out, "{}", format!("  {step:a$}   {forward:>b$}   {backward:>c$}   {sites}").trim_end());
        }
        for (states, product, tolerance) in &part.loops {
            let path: Vec<&str> = states.iter().map(|&i| scheme.states[i].name.as_str()).collect();
            let allowed = tolerance.map_or(String::new(), |t| format!(", tolerance {t}"));
            let _ = writeln!(out, "  loop {}: product {product:.4}{allowed}", path.join(" - "));
        }
    }
    numbers(part, catalogue, &mut out);
    let _ = writeln!(out, "\nResponse: {}", portrait.doing);
    let width = portrait.findings.iter().map(|f| f.0.chars().count()).max().unwrap_or(0);
    for (name, value) in &portrait.findings {
        let _ = writeln!(out, "  {name:width$}  {}", listing::rounded(value));
    }
    if let Some(picture) = &portrait.picture {
        let _ = write!(out, "\n{}", picture.terminal(columns.min(100), PLOT_ROWS, colour));
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    for c in entry.body.texts("corrections") {
        out.push_str("\nCorrection\n");
        out.push_str(&wrapped(&c.0, columns, "  "));
    }
    let assumed = acceptance::assumed(part);
    if !assumed.is_empty() {
        out.push_str("\nAssumed: nobody here has seen these in a source\n");
        let names: Vec<String> =
            assumed.iter().map(|v| format!("{} {}", v.path, listing::content(&v.content))).collect();
        out.push_str(&wrapped(&names.join("; "), columns, "  "));
    }
    out.push_str("\nSources\n");
    let all = std::iter::once(&entry.provenance).chain(part.values.iter().map(|v| &v.provenance));
    out.push_str(&listing::citations(all, catalogue));
    out
}

/// Every number, with what temperature did to it and where it comes from.
fn numbers(part: &Part, catalogue: &Catalogue, out: &mut String) {
    let rows: Vec<(&str, &ResolvedValue)> =
        part.values.iter().filter(|v| !matches!(v.content, Content::Words(_))).map(|v| (v.path.as_str(), v)).collect();
    if !rows.is_empty() {
        out.push_str("\nNumbers, with what temperature did to them and where they come from\n");
        listing::table(&rows, Some(&part.entry), catalogue, out);
    }
}

/// The verdicts of an entry as text.
pub fn verdict(v: &EntryVerdict) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}: {}", v.name, if v.passed() { "passed" } else { "FAILED" });
    let width = |f: &dyn Fn(&acceptance::Verdict) -> usize| v.verdicts.iter().map(f).max().unwrap_or(0);
    let (a, b, c) = (width(&|x| x.protocol.chars().count()), width(&|x| x.measure.len()), width(&|x| x.expected.len()));
    for x in &v.verdicts {
        let mark = if x.passed { "" } else { "   <- differs" };
        let _ = writeln!(out, "  {:a$}  {:b$}  {:c$}  got {}{mark}", x.protocol, x.measure, x.expected, x.got);
    }
    for l in &v.loops {
        let allowed = l.tolerance.map_or("driven".into(), |t| format!("tolerance {t}"));
        let _ = writeln!(out, "  loop {}  product {:.6}  {allowed}", l.states, l.product);
    }
    for f in &v.failures {
        let _ = writeln!(out, "  could not be run: {f}");
    }
    if !v.assumed.is_empty() {
        let names: Vec<String> =
            v.assumed.iter().map(|v| format!("{} = {}", v.path, listing::content(&v.content))).collect();
        let _ = writeln!(out, "  assumed: {}", names.join("; "));
    }
    out
}

/// The verdicts of an entry for programs.
pub fn verdict_json(v: &EntryVerdict) -> Value {
    let values: Vec<Value> = v.verdicts.iter().map(|x| json!({ "protocol": x.protocol, "measure": x.measure, "expected": x.expected, "got": x.got, "passed": x.passed })).collect();
    let loops: Vec<Value> =
        v.loops.iter().map(|l| json!({ "states": l.states, "product": l.product, "tolerance": l.tolerance })).collect();
    let assumed: Vec<Value> = v.assumed.iter().map(listing::to_json).collect();
    json!({ "name": v.name, "passed": v.passed(), "values": values, "loops": loops, "assumed": assumed, "failures": v.failures })
}
