//! `catalogue list | show | check`.

use crate::output;
use bouton::acceptance::{self, EntryVerdict};
use bouton::portrait::{Stimulus, portrait};
use bouton::{card, listing};
use clap::{Args, Subcommand};
use indicatif::{ParallelProgressIterator, ProgressBar, ProgressStyle};
use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use model::units::{Dimension, Quantity};
use rayon::prelude::*;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Command {
    /// List the entries, of one kind or all.
    List {
        /// receptor, sensor, channel, transporter, enzyme, buffer, block, neuron or synapse.
        kind: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print an entry's scheme, its numbers with their sources, and a plot of its response.
    Show(Show),
    /// Run every entry's own checks, print every loop product and what is assumed.
    Check {
        /// Entries; all without one.
        names: Vec<String>,
        /// Only what fails, and the summary.
        #[arg(long, short)]
        quiet: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub struct Show {
    /// The entry, e.g. receptor/ampa_jonas_1993.
    name: String,
    /// Resolve it at this temperature instead of its own, e.g. "34 degC".
    #[arg(long, allow_hyphen_values = true)]
    temperature: Option<String>,
    /// Ligand or calcium of the response, e.g. "1 mM".
    #[arg(long, allow_hyphen_values = true)]
    concentration: Option<String>,
    /// How long it is there, e.g. "1 ms".
    #[arg(long, allow_hyphen_values = true)]
    duration: Option<String>,
    /// Voltage of the response, e.g. "-70 mV".
    #[arg(long, allow_hyphen_values = true)]
    voltage: Option<String>,
    /// Copies of the scheme in the realisation that lies beside the mean.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    copies: u32,
    /// Seed of the realisation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also write the plot to this SVG file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Replace the SVG file if it exists.
    #[arg(long)]
    force: bool,
    /// As JSON, with the plot's points.
    #[arg(long)]
    json: bool,
}

pub fn run(command: Command, catalogue: &Catalogue) -> ExitCode {
    match command {
        Command::List { kind, json } => list(kind.as_deref(), json, catalogue),
        Command::Show(show) => self::show(&show, catalogue),
        Command::Check { names, quiet, json } => check(&names, quiet, json, catalogue),
    }
}

fn unknown(name: &str, catalogue: &Catalogue) -> Diagnostic {
    let names: Vec<String> = catalogue.names().collect();
    let hint = nearest(name, &names)
        .map_or_else(|| "`bouton catalogue list` shows what there is".to_owned(), |n| format!("did you mean `{n}`?"));
    Diagnostic::error(format!("no entry `{name}` in the catalogue"), None).hint(hint)
}

fn list(kind: Option<&str>, as_json: bool, catalogue: &Catalogue) -> ExitCode {
    if let Some(kind) = kind
        && model::fields::of_kind(kind).is_none()
    {
        let kinds: Vec<String> = model::fields::KINDS.iter().map(|k| k.0.to_owned()).collect();
        let hint = nearest(kind, &kinds)
            .map_or_else(|| format!("kinds: {}", kinds.join(", ")), |n| format!("did you mean `{n}`?"));
        return output::fault(Diagnostic::error(format!("`{kind}` is no kind of entry"), None).hint(hint));
    }
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let names: Vec<String> =
        catalogue.names().filter(|n| kind.is_none_or(|k| n.starts_with(&format!("{k}/")))).collect();
    let rows: Vec<(String, String)> = names
        .into_iter()
        .filter_map(|n| {
            let (_, node) = catalogue.tree(&n, &mut sources, &mut out)?;
            let title = node.get("title").and_then(|t| t.text()).unwrap_or_default().to_owned();
            Some((n, title))
        })
        .collect();
    if as_json {
        let all: Vec<_> = rows
            .iter()
            .map(|(name, title)| json!({ "name": name, "title": title, "hash": catalogue.hash(name) }))
            .collect();
        output::data(&format!("{:#}\n", json!(all)));
    } else {
        let width = rows.iter().map(|r| r.0.len()).max().unwrap_or(0);
        let text: String = rows.iter().map(|(n, t)| format!("{n:width$}  {t}\n")).collect();
        output::data(&text);
    }
    output::faults(&out, &sources)
}

fn quantity(option: &str, text: Option<&str>, dimension: Dimension, out: &mut Diagnostics) -> Option<f64> {
    let text = text?;
    match Quantity::parse(text) {
        Ok(q) if q.dimension == dimension => return Some(q.value),
        Ok(q) => out.push(
            Diagnostic::error(format!("--{option} is {dimension}, but `{text}` is {}", q.dimension), None)
                .hint(format!("e.g. --{option} \"1 {}\"", dimension.unit())),
        ),
        Err(e) => out.push(Diagnostic::error(format!("--{option} `{text}`: {}", e.message), None).maybe_hint(e.hint)),
    }
    None
}

fn show(show: &Show, catalogue: &Catalogue) -> ExitCode {
    if !catalogue.contains(&show.name) {
        return output::fault(unknown(&show.name, catalogue));
    }
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let with = Stimulus {
        concentration: quantity("concentration", show.concentration.as_deref(), Dimension::CONCENTRATION, &mut out),
        duration: quantity("duration", show.duration.as_deref(), Dimension::TIME, &mut out),
        v_m: quantity("voltage", show.voltage.as_deref(), Dimension::VOLTAGE, &mut out),
        copies: show.copies,
        seed: show.seed,
    };
    for (option, value, dimension, low, high) in [
        ("concentration", with.concentration, Dimension::CONCENTRATION, 0.0, 1e4),
        ("duration", with.duration, Dimension::TIME, 1e-6, 6e4),
        ("voltage", with.v_m, Dimension::VOLTAGE, -300.0, 300.0),
    ] {
        if value.is_some_and(|v| !(low..=high).contains(&v)) {
            let show = |value| Quantity { value, dimension }.to_string();
            let d = Diagnostic::error(format!("--{option} is out of range"), None);
            out.push(d.hint(format!("from {} to {}", show(low), show(high))));
        }
    }
    let temperature = quantity("temperature", show.temperature.as_deref(), Dimension::TEMPERATURE, &mut out);
    if temperature.is_some_and(|t| !(263.15..=333.15).contains(&t)) {
        out.push(Diagnostic::error("--temperature is out of range", None).hint("from -10 to 60 degC"));
    }
    let entry = catalogue.entry(&show.name, &mut sources, &mut out);
    let (Some(entry), false) = (entry, out.has_errors()) else { return output::faults(&out, &sources) };
    let part = model::resolve::part(
        &entry,
        temperature.unwrap_or(entry.temperature),
        &acceptance::empty(&entry),
        &sources,
        &mut out,
    );
    if out.has_errors() {
        return output::faults(&out, &sources);
    }
    let portrait = match portrait(&entry, &part, &with) {
        Ok(p) => p,
        Err(e) => return output::fault(Diagnostic::error(format!("`{}` cannot be shown so: {e}", show.name), None)),
    };
    if let Some(path) = &show.svg {
        let Some(picture) = &portrait.picture else {
            return output::fault(Diagnostic::error(format!("`{}` has nothing to plot", show.name), None));
        };
        if let Err(d) = output::file(path, &picture.svg(), show.force) {
            return output::fault(*d);
        }
        output::talk(&format!("wrote {}\n", path.display()));
    }
    if show.json {
        let values: Vec<_> = part.values.iter().map(listing::to_json).collect();
        let findings: Vec<_> = portrait
            .findings
            .iter()
            .map(|(n, q)| json!({ "name": n.trim(), "value": q.value, "unit": q.dimension.unit() }))
            .collect();
        let series: Vec<_> = portrait
            .picture
            .iter()
            .flat_map(|p| &p.series)
            .map(|s| json!({ "label": s.label, "points": s.points }))
            .collect();
        let axes = portrait.picture.as_ref().map(|p| json!({ "x": p.x_label, "y": p.y_label }));
        let text = json!({ "name": entry.name, "title": entry.title(), "hash": catalogue.hash(&entry.name), "doing": portrait.doing, "values": values, "findings": findings, "axes": axes, "series": series });
        output::data(&format!("{text:#}\n"));
    } else {
        output::data(&card::card(&entry, &part, &portrait, catalogue, output::columns(), output::coloured_data()));
    }
    output::faults(&out, &sources)
}

fn check(names: &[String], quiet: bool, as_json: bool, catalogue: &Catalogue) -> ExitCode {
    let mut faults = Diagnostics::default();
    for name in names.iter().filter(|n| !catalogue.contains(n)) {
        faults.push(unknown(name, catalogue));
    }
    if faults.has_errors() {
        return output::faults(&faults, &Sources::default());
    }
    let names: Vec<String> = if names.is_empty() { catalogue.names().collect() } else { names.to_vec() };
    let style = ProgressStyle::with_template("checking {bar:30} {pos}/{len} {msg} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(names.len() as u64).with_style(style);
    let results: Vec<(Option<EntryVerdict>, Diagnostics, Sources)> = names
        .par_iter()
        .progress_with(bar.clone())
        .map(|name| {
            let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
            let verdict = acceptance::check(name, catalogue, &mut sources, &mut out);
            (verdict, out, sources)
        })
        .collect();
    bar.finish_and_clear();
    let mut failed = false;
    let (mut values, mut passed, mut loops, mut assumed) = (0, 0, 0, 0);
    let mut text = String::new();
    let mut all = Vec::new();
    for (verdict, out, sources) in &results {
        output::faults(out, sources);
        failed |= out.has_errors();
        let Some(v) = verdict else { continue };
        failed |= !v.passed();
        values += v.verdicts.len();
        passed += v.verdicts.iter().filter(|x| x.passed).count();
        loops += v.loops.len();
        assumed += v.assumed.len();
        if as_json {
            all.push(card::verdict_json(v));
        } else if !quiet || !v.passed() {
            text.push_str(&card::verdict(v));
        }
    }
    for fault in catalogue.bibliography_faults() {
        failed = true;
        output::fault(Diagnostic::error(fault, None));
    }
    if as_json {
        output::data(&format!("{:#}\n", json!(all)));
    } else {
        output::data(&text);
        output::data(&format!(
            "{} entries: {passed} of {values} expected values to the printed digits, {loops} loops, {assumed} numbers assumed\n",
            results.len()
        ));
    }
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
