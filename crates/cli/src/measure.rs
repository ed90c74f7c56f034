//! `measure`: a cell's electrophysiological numbers, its phase response, or how a gap junction couples it to another; and a
//! page with their figures.

mod coupling;
mod phase;

use crate::output;
use bouton::electrophysiology::{Preparation, Protocol, distances, measure};
use bouton::lower::{self, LoweredCell};
use bouton::recording::folder::OutputFolder;
use bouton::report::electrophysiology::Measured;
use bouton::simulation::{Plan, Voltage};
use clap::Args;
use model::beside::beside;
use model::catalogue::{Catalogue, read_text};
use model::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};
use model::resolve;
use model::units::{Dimension, Quantity};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

#[derive(Args)]
pub struct Measure {
    /// A model file, or a neuron of the catalogue, e.g. neuron/pospischil_rs.
    file: String,
    /// Which of the model's cells; not needed where only one has a membrane.
    #[arg(long, value_name = "NAME")]
    cell: Option<String>,
    /// Where the pipette is, e.g. "dend(0.4)"; the root without it.
    #[arg(long, value_name = "PLACE")]
    at: Option<String>,
    /// One of the file's conditions instead of the file as it stands.
    #[arg(long, value_name = "NAME")]
    condition: Option<String>,
    /// How long a pulse of current lasts.
    #[arg(long, value_name = "TIME", default_value = "1 s")]
    duration: String,
    /// Currents at which the rate of firing is measured, e.g. "0 pA, 100 pA, 0.5 nA"; from 0 to three times the rheobase
    /// without it.
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    currents: Option<String>,
    /// How two cells are coupled by the gap junctions of this synapse.
    #[arg(long, value_name = "SYNAPSE", conflicts_with_all = ["cell", "at", "currents"])]
    coupling: Option<String>,
    /// With --coupling: that synapse's junctions alone, none of the model's others.
    #[arg(long, requires = "coupling")]
    alone: bool,
    /// The phase response while it fires under a steady current; with --coupling of both cells, and where their phases rest.
    #[arg(long, conflicts_with = "currents")]
    prc: bool,
    /// With --prc: the steady current, e.g. "300 pA"; a quarter more than the least that keeps it firing without it.
    #[arg(long, value_name = "CURRENT", requires = "prc", allow_hyphen_values = true)]
    current: Option<String>,
    /// With --prc: at how many phases pulses come.
    #[arg(long, value_name = "N", requires = "prc", default_value_t = 40, value_parser = clap::value_parser!(u16).range(4..=400))]
    phases: u16,
    /// Say something otherwise, e.g. --set cell.pyr.channel.leak.density="0.05 mS/cm2".
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// The folder to leave, instead of NAME-measured-1, NAME-measured-2 ...; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The numbers as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// No table on stdout.
    #[arg(long, short)]
    quiet: bool,
}

/// A duration's bounds, ms.
const DURATION: (f64, f64) = (1.0, 60_000.0);
/// Currents of one curve, at most.
const CURRENTS: usize = 1000;

/// Measures a cell.
pub fn run(options: &Measure, catalogue: &Catalogue) -> ExitCode {
    let version = env!("CARGO_PKG_VERSION");
    let found = match (&options.coupling, options.prc) {
        (Some(synapse), _) => coupling::measured(options, synapse, catalogue).map(|m| Found {
            stem: m.synapse.clone(),
            json: m.to_json(),
            html: m.html(version),
            table: m.terminal(),
        }),
        (None, true) => phase::measured(options, catalogue).map(|m| Found {
            stem: m.cell.0.clone(),
            json: m.to_json(),
            html: m.html(version),
            table: m.terminal(),
        }),
        (None, false) => measured(options, catalogue).map(|m| Found {
            stem: m.cell.clone(),
            json: m.to_json(),
            html: m.html(version),
            table: m.terminal(),
        }),
    };
    match found {
        Ok(found) => leave(options, &found),
        Err(code) => code,
    }
}

/// What is left behind, and shown.
struct Found {
    /// What the folder is called after.
    stem: String,
    json: serde_json::Value,
    html: String,
    table: String,
}

fn refused(message: String, hint: impl Into<String>) -> ExitCode {
    output::fault(Diagnostic::error(message, None).hint(hint))
}

fn quantity(text: &str, option: &str, dimension: Dimension) -> Result<f64, ExitCode> {
    let example = format!("e.g. --{option} \"100 {}\"", dimension.unit());
    match Quantity::parse(text) {
        Ok(q) if q.dimension == dimension => Ok(q.value),
        Ok(q) => Err(refused(format!("--{option} is {dimension}, but `{text}` is {}", q.dimension), example)),
        Err(e) => Err(refused(format!("--{option} `{text}`: {}", e.message), e.hint.unwrap_or(example))),
    }
}

/// How long a pulse lasts, ms.
fn length(options: &Measure) -> Result<f64, ExitCode> {
    let duration = quantity(&options.duration, "duration", Dimension::TIME)?;
    if (DURATION.0..=DURATION.1).contains(&duration) {
        return Ok(duration);
    }
    Err(refused(format!("a pulse of {duration} ms"), "--duration from 1 ms to 60 s"))
}

fn protocol(options: &Measure, plan: &Plan) -> Result<Protocol, ExitCode> {
    let duration = length(options)?;
    let around = duration.min(Protocol::default().around);
    let mut by = Protocol { step: plan.step, duration, around, ..Protocol::default() };
    if let Some(list) = &options.currents {
        let all: Result<Vec<f64>, ExitCode> =
            list.split(',').map(|text| quantity(text.trim(), "currents", Dimension::CURRENT)).collect();
        let all = all?;
        if all.len() > CURRENTS || all.iter().any(|c| c.abs() > 1e7) {
            return Err(refused("too many currents, or one above 10 uA".into(), "at most a thousand"));
        }
        by.currents = Some(all);
    }
    Ok(by)
}

/// The name of a model and its text: a file's, or one made around a neuron of the catalogue.
fn model_text(options: &Measure, catalogue: &Catalogue) -> Result<(String, String), ExitCode> {
    let path = Path::new(&options.file);
    if !path.exists() && options.file.starts_with("neuron/") {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        if !catalogue.contains(&options.file) {
            let names: Vec<String> = catalogue.names().filter(|n| n.starts_with("neuron/")).collect();
            let hint = nearest(&options.file, &names).map_or_else(
                || "`bouton catalogue list neuron` shows what there is".into(),
                |n| format!("did you mean `{n}`?"),
            );
            return Err(refused(format!("no entry `{}` in the catalogue", options.file), hint));
        }
        let Some(entry) = catalogue.entry(&options.file, &mut sources, &mut out) else {
            return Err(output::faults(&out, &sources));
        };
        let short = options.file.trim_start_matches("neuron/");
        // Its own temperature, to the last bit.
        let text = format!(
            "duration = \"1 ms\"\ntemperature = \"{} K\"\ndetail = \"mean\"\ncell.{short}.use = \"{}\"\n",
            entry.temperature, options.file
        );
        return Ok((options.file.clone(), text));
    }
    let text = read_text(path).map_err(|d| output::fault(*d))?;
    Ok((path.display().to_string(), text))
}

/// The plan of the condition that is meant.
fn made(options: &Measure, catalogue: &Catalogue) -> Result<Plan, ExitCode> {
    let (name, text) = model_text(options, catalogue)?;
    let outcome =
        resolve::model_beside(&name, text.into(), &options.sets, catalogue, &beside(Path::new(&options.file)));
    let code = output::faults(&outcome.diagnostics, &outcome.sources);
    if outcome.diagnostics.has_errors() {
        return Err(code);
    }
    let wanted = options.condition.as_deref();
    let Some(resolved) = outcome.resolved.iter().find(|r| r.condition.as_deref() == wanted) else {
        let names: Vec<String> = outcome.resolved.iter().filter_map(|r| r.condition.clone()).collect();
        let hint = if names.is_empty() {
            "the file has no conditions".into()
        } else {
            format!("conditions: {}", names.join(", "))
        };
        return Err(refused(format!("no condition `{}`", wanted.unwrap_or_default()), hint));
    };
    let mut faults = Diagnostics::default();
    let plan = lower::model(resolved, &mut faults);
    let code = output::faults(&faults, &outcome.sources);
    match plan {
        Some(plan) if !faults.has_errors() => Ok(plan),
        _ => Err(code),
    }
}

fn measured(options: &Measure, catalogue: &Catalogue) -> Result<Measured, ExitCode> {
    let plan = made(options, catalogue)?;
    let (cell, lowered) = chosen(options, &plan)?;
    let (place, at) = placed(options, &cell, &lowered)?;
    let by = protocol(options, &plan)?;
    let numbers = measure(Preparation { cell: &lowered, at }, &by)
        .map_err(|e| output::fault(Diagnostic::error(format!("`{cell}` cannot be measured: {e}"), None)))?;
    let shown = if options.file.starts_with("neuron/") { options.file.clone() } else { cell };
    Ok(Measured {
        cell: shown,
        place,
        temperature: plan.temperature,
        compartments: lowered.plan.compartments(0),
        numbers,
        distances: distances(Preparation { cell: &lowered, at }),
    })
}

/// The cell that is meant, which has a membrane.
fn chosen(options: &Measure, plan: &Plan) -> Result<(String, Arc<LoweredCell>), ExitCode> {
    let all: Vec<(&String, &Arc<LoweredCell>)> = plan
        .cells
        .iter()
        // One of many is like the others.
        .filter(|c| !c.name.contains('['))
        .filter_map(|c| match &c.voltage {
            // Numbers of a cell are of its channels' means.
            Voltage::Membrane { cell, .. } => Some((&c.name, cell.means.as_ref().unwrap_or(cell))),
            _ => None,
        })
        .collect();
    let names: Vec<String> = all.iter().map(|c| c.0.clone()).collect();
    let which = format!("cells with a membrane: {}", names.join(", "));
    match (&options.cell, &all[..]) {
        (_, []) => {
            Err(refused("no cell of the model has a membrane".into(), "a cell with `use`, or with a `membrane`"))
        }
        (None, [one]) => Ok((one.0.clone(), one.1.clone())),
        (None, _) => Err(refused(format!("which of {} cells?", all.len()), format!("--cell; {which}"))),
        (Some(name), _) => match all.iter().find(|c| c.0 == name) {
            Some(one) => Ok((one.0.clone(), one.1.clone())),
            None => Err(refused(format!("no cell `{name}` with a membrane"), which)),
        },
    }
}

/// The pipette's place and its compartment.
fn placed(options: &Measure, cell: &str, lowered: &LoweredCell) -> Result<(String, u32), ExitCode> {
    let layout = &lowered.layout;
    let Some(place) = &options.at else { return Ok((layout.root().to_owned(), 0)) };
    // `pyr.dend(0.4)` is what a model file would say.
    let place = place.strip_prefix(&format!("{cell}.")).unwrap_or(place).trim();
    let known = layout.spines.contains_key(place)
        || place.strip_prefix("spines.").and_then(|rest| rest.split_once('[')).is_some_and(|(name, index)| {
            let heads = layout.spines.get(&format!("spines.{name}")).map_or(0, Vec::len);
            index.strip_suffix(']').and_then(|i| i.parse::<usize>().ok()).is_some_and(|i| i < heads)
        });
    let fault = match &layout.shape {
        _ if known => None,
        Some(shape) => shape.morphology.place(place).err().map(|e| (e.message, e.hint)),
        None if place.split('(').next().is_some_and(|name| name.trim() == layout.root()) => None,
        None => {
            Some((format!("`{cell}` has no section `{place}`"), format!("it is one compartment: {}", layout.root())))
        }
    };
    match fault {
        None => Ok((place.to_owned(), layout.compartment(place))),
        Some((message, hint)) => Err(refused(message, hint)),
    }
}

fn leave(options: &Measure, found: &Found) -> ExitCode {
    let stem = found.stem.rsplit('/').next().unwrap_or("cell").trim_start_matches('.').to_owned();
    let made = match &options.out {
        Some(goal) => OutputFolder::at(goal),
        None => OutputFolder::create(Path::new("."), &format!("{stem}-measured")),
    };
    let text = format!("{:#}\n", found.json);
    let written = made.and_then(|mut folder| {
        folder.write("measure.html", found.html.as_bytes())?;
        folder.write("measure.json", text.as_bytes())?;
        folder.finish()
    });
    let path = match written {
        Ok(path) => path,
        Err(e) => return output::fault(Diagnostic::error(e.to_string(), None)),
    };
    if options.json {
        output::data(&text);
    } else if !options.quiet {
        output::data(&found.table);
        output::data(&format!("\nPage: {}\n", path.join("measure.html").display()));
    }
    ExitCode::SUCCESS
}
