//! What a run has to say, to a reader: one page that can be printed, and a table for the terminal.
//!
//! The page is whole in itself: no script, nothing fetched, pictures as SVG within it. Every text that comes from a file
//! is escaped.

mod bench;
pub mod claims;
mod cleft;
mod comparison;
pub mod coupling;
pub mod electrophysiology;
mod events;
mod figures;
mod group;
mod numbers;
pub mod phase;
mod prose;
mod space;
mod sweeps;
mod synchrony;
mod tables;
mod text;
mod words;

pub(crate) use numbers::significant;
pub use text::terminal_summary;

use crate::recording::manifest::Manifest;
use crate::recording::{self, Recording, Role};
use figures::Figure;
use model::catalogue::Catalogue;
use model::resolve::Resolved;
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// Text as HTML shows it; in quotes of an attribute too.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Nothing that a page may hold: it would be no HTML.
            c if c.is_control() && !c.is_whitespace() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The page of a run. `resolved` are the conditions of the model as resolved, by whose names those of the recording are
/// found; `manifest` says what was run.
#[must_use]
pub fn html(recording: &Recording, resolved: &[Resolved], catalogue: &Catalogue, manifest: &Manifest) -> String {
    let title = if recording.title.is_empty() { &manifest.model_name } else { &recording.title };
    let mut out = String::with_capacity(1 << 16);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
        escaped(title)
    );
    if let Some(why) = &recording.partial {
        let _ = writeln!(out, "<p class=\"partial\">These results are not whole: {}.</p>", escaped(why));
    }
    abstract_of(recording, manifest, &mut out);
    figures(recording, &mut out);
    results(recording, &mut out);
    run(recording, manifest, &mut out);
    tables::parameters(resolved, catalogue, &mut out);
    let _ = write!(
        out,
        "<footer>Made by bouton {}. The numbers behind the figures lie beside this page: read <code>mean.feather</code>, \
         <code>traces.feather</code>, <code>trials.feather</code> and <code>events.feather</code> with \
         <code>pandas.read_feather</code>, as far as there is something to put in them.</footer>\n</body>\n</html>\n",
        escaped(&manifest.version)
    );
    out
}

/// What was run.
fn run(r: &Recording, m: &Manifest, out: &mut String) {
    out.push_str("<h2>What was run</h2>\n<table class=\"facts\">\n");
    let mut row = |name: &str, html: String| {
        let _ = writeln!(out, "<tr><th>{name}</th><td>{html}</td></tr>");
    };
    row("model", format!("<code>{}</code>", escaped(&m.model_name)));
    row("program", format!("bouton {}", escaped(&m.version)));
    row("seed", m.seed.to_string());
    for c in &r.conditions {
        let shown =
            if r.conditions.len() > 1 { format!("condition <i>{}</i>", escaped(c.shown())) } else { "done".into() };
        let lines: Vec<String> = std::iter::once(text::done(c)).chain(c.pipettes.iter().cloned()).collect();
        row(&shown, escaped(&lines.join("; ").replace(" degC", "\u{a0}\u{b0}C")));
    }
    for set in &m.overrides {
        row("said otherwise", format!("<code>{}</code>", escaped(set)));
    }
    row("again", format!("<code>{}</code>", escaped(&m.replay())));
    out.push_str("</table>\n");
}

/// Most conditions that are named one by one.
const MOST_NAMED: usize = 8;

/// What came of it, in a few sentences, and of what.
fn abstract_of(r: &Recording, m: &Manifest, out: &mut String) {
    let mut done: Vec<String> = r.conditions.iter().map(text::done).collect();
    done.dedup();
    let mut line = done.join("; ").replace(" degC", "\u{a0}\u{b0}C");
    if r.conditions.len() > 1 {
        let names: Vec<&str> = r.conditions.iter().map(recording::Condition::shown).collect();
        line.push_str(if done.len() == 1 { " in each condition: " } else { "; conditions: " });
        if names.len() > MOST_NAMED {
            let few = [names[0], names[1], "...", names[names.len() - 1]];
            line.push_str(&format!("{} ({} in all)", few.join(", "), names.len()));
        } else {
            line.push_str(&names.join(", "));
        }
    }
    let _ = writeln!(
        out,
        "<p class=\"byline\">{}. Seed {}. Simulated with bouton {}.</p>",
        escaped(&line),
        m.seed,
        escaped(&m.version)
    );
    let paragraphs = prose::paragraphs(r);
    if !paragraphs.is_empty() {
        out.push_str("<div class=\"abstract\">\n");
        for p in paragraphs {
            let _ = writeln!(out, "<p>{}</p>", escaped(&p));
        }
        out.push_str("</div>\n");
    }
}

fn results(r: &Recording, out: &mut String) {
    if r.conditions.iter().any(|c| !c.facts.is_empty() || !c.measures.is_empty()) {
        out.push_str("<h2>Numbers</h2>\n");
        tables::facts(r, out);
        tables::measures(r, out);
    }
}

/// From the action potential that comes in to the voltage that goes out.
fn figures(recording: &Recording, out: &mut String) {
    let r = recording;
    let mut all: Vec<Figure> = Vec::new();
    sweeps::figures(recording, &mut all);
    figures::traces(r, Role::Bath, &mut all);
    let is_terminal = |f: &Figure| f.path.contains(".terminal.");
    let mut electric: Vec<Figure> = Vec::new();
    for role in [Role::Voltage, Role::Current] {
        figures::traces(r, role, &mut electric);
    }
    let (before, after): (Vec<Figure>, Vec<Figure>) = electric.into_iter().partition(is_terminal);
    all.extend(before);
    for role in [Role::Calcium, Role::Release] {
        figures::traces(r, role, &mut all);
    }
    events::rasters(r, &mut all);
    synchrony::figures(r, &mut all);
    figures::transients(r, &mut all);
    for role in [Role::Cleft, Role::Receptor] {
        figures::traces(r, role, &mut all);
    }
    let (voltages, currents): (Vec<Figure>, Vec<Figure>) =
        after.into_iter().partition(|f| f.panel.y_label.contains("mV"));
    all.extend(currents);
    all.extend(voltages);
    figures::traces(r, Role::Other, &mut all);
    events::amplitudes(r, &mut all);
    if !all.is_empty() {
        out.push_str("<h2>Figures</h2>\n<div class=\"figures\">\n");
        for (i, f) in all.iter().enumerate() {
            figure(i + 1, f, out);
        }
        out.push_str("</div>\n");
    }
    let number = cleft::pictures(r, all.len() + 1, out);
    space::pictures(r, number, out);
}

/// A figure of a page, by its number there.
/// The end of a page of measurements: its figures, and where the numbers are.
fn measured(figures: &[Figure], version: &str, out: &mut String) {
    out.push_str("<h2>Figures</h2>\n<div class=\"figures\">\n");
    for (k, f) in figures.iter().enumerate() {
        figure(k + 1, f, out);
    }
    let _ = write!(
        out,
        "</div>\n<footer>Made by bouton {}. The numbers lie beside this page, in <code>measure.json</code>.</footer>\n\
         </body>\n</html>\n",
        escaped(version)
    );
}

fn figure(number: usize, f: &Figure, out: &mut String) {
    let _ = writeln!(
        out,
        "<figure>\n<h3>{}. {}</h3>\n<p class=\"path\">{}</p>",
        number,
        escaped(&f.title),
        escaped(&f.path)
    );
    if !f.legend.is_empty() {
        out.push_str("<p class=\"legend\">");
        for (name, colour, dash) in &f.legend {
            let dash = dash.array().map_or(String::new(), |d| format!(" stroke-dasharray=\"{d}\""));
            let _ = write!(
                out,
                "<span><svg viewBox=\"0 0 36 10\"><path d=\"M0 6H36\" stroke=\"{colour}\" stroke-width=\"3\"{dash}/>\
                 </svg>{}</span>",
                escaped(name)
            );
        }
        out.push_str("</p>\n");
    }
    let svg = f.panel.svg(&number.to_string());
    let _ = writeln!(out, "{svg}\n<figcaption>{}</figcaption>\n</figure>", escaped(&f.caption));
}

/// A condition for programs: facts, and measures with their summaries. A number that is none is null.
#[must_use]
pub fn to_json(condition: &crate::recording::Condition) -> serde_json::Value {
    use serde_json::json;
    let facts = condition.facts.iter().map(
        |f| json!({ "name": f.name, "value": f.value, "low95": f.low, "high95": f.high, "unit": f.unit, "note": f.note }),
    );
    let measures = condition.measures.iter().map(|m| {
        let s = crate::recording::summary(m);
        json!({
            "name": m.path(), "of": m.of, "unit": m.unit, "n": s.n, "mean": s.mean, "sd": s.sd, "sem": s.sem,
            "low95": s.low95, "high95": s.high95, "median": s.median,
        })
    });
    let swept = condition.swept.as_ref().map(|s| json!({ "sweep": s.sweep, "path": s.path, "value": s.written }));
    json!({
        "name": condition.name, "swept": swept, "temperature_K": condition.temperature, "trials": condition.trials,
        "facts": facts.collect::<Vec<_>>(), "measures": measures.collect::<Vec<_>>(),
    })
}
