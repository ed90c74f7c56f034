//! `compare`: a model at several levels of detail, and how far they agree.

use crate::output;
use crate::run::{CANCEL, catch_interrupts, cores, folder_at, stem, watched};
use bouton::comparison::{self, Comparison, Level};
use bouton::simulation::{Detail, Outcome, Plan};
use clap::{Args, ValueEnum};
use model::beside::beside;
use model::catalogue::{Catalogue, read_text};
use model::diagnostic::{Diagnostic, Diagnostics, nearest};
use model::resolve::{self, Resolved};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Trials of a level, if nobody says otherwise.
const TRIALS: u64 = 1000;
/// With fewer of them a level that was interrupted says nothing.
const LEAST: u64 = 64;

#[derive(Args)]
pub struct Compare {
    /// A model file.
    file: PathBuf,
    /// Levels of detail; the others are held against the first.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Named::Molecular, Named::Kinetic, Named::Mean])]
    levels: Vec<Named>,
    /// One of the file's conditions, instead of the first.
    #[arg(long)]
    condition: Option<String>,
    /// How many trials at each level.
    #[arg(long, allow_negative_numbers = true, default_value_t = TRIALS, value_parser = clap::value_parser!(u64).range(2..=1_000_000_000))]
    trials: u64,
    /// The seed, instead of what the file says.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How many threads; no result depends on it.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Say something otherwise, e.g. --set synapse.contact.cleft.height="15 nm".
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// The folder to leave, instead of FILE-levels-1, FILE-levels-2 ...; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The numbers as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// No progress bar, and no numbers on stdout but those of --json.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Named {
    /// Every transmitter molecule
    Molecular,
    /// Concentrations, and receptors as jumps
    Kinetic,
    /// Expectations
    Mean,
}

impl Named {
    pub fn detail(self) -> Detail {
        match self {
            Self::Molecular => Detail::Molecular,
            Self::Kinetic => Detail::Kinetic,
            Self::Mean => Detail::Mean,
        }
    }
}

fn refused(message: String, hint: &str) -> ExitCode {
    output::fault(Diagnostic::error(message, None).hint(hint))
}

/// The condition to compare.
fn chosen<'a>(all: &'a [Resolved], wanted: Option<&str>) -> Result<&'a Resolved, ExitCode> {
    let names: Vec<String> = all.iter().filter_map(|r| r.condition.clone()).collect();
    let Some(wanted) = wanted else {
        let first = all.iter().find(|r| r.condition.is_some()).or(all.first());
        return first.ok_or_else(|| refused("there is nothing to compare".into(), "a model file"));
    };
    all.iter().find(|r| r.condition.as_deref() == Some(wanted)).ok_or_else(|| {
        let hint = nearest(wanted, &names).map_or_else(
            || if names.is_empty() { "the file has no conditions".into() } else { names.join(", ") },
            |n| format!("did you mean `{n}`?"),
        );
        refused(format!("no condition `{wanted}`"), &hint)
    })
}

/// Compares levels.
pub fn run(options: &Compare, catalogue: &Catalogue) -> ExitCode {
    let text = match read_text(&options.file) {
        Ok(text) => text,
        Err(d) => return output::fault(*d),
    };
    let mut levels: Vec<Named> = Vec::new();
    options.levels.iter().for_each(|l| {
        if !levels.contains(l) {
            levels.push(*l);
        }
    });
    if levels.len() < 2 {
        return refused("one level alone cannot be compared".into(), "--levels molecular,kinetic");
    }
    let mut sets = options.sets.clone();
    sets.extend(options.seed.map(|n| format!("seed = {n}")));
    let name = options.file.display().to_string();
    let outcome = resolve::model_beside(&name, text.into(), &sets, catalogue, &beside(&options.file));
    let code = output::faults(&outcome.diagnostics, &outcome.sources);
    if outcome.diagnostics.has_errors() {
        return code;
    }
    let resolved = match chosen(&outcome.resolved, options.condition.as_deref()) {
        Ok(resolved) => resolved,
        Err(code) => return code,
    };
    let mut faults = Diagnostics::default();
    let lower = |l: &Named| comparison::plan(resolved, l.detail(), options.trials, &mut faults);
    let plans: Vec<Option<Plan>> = levels.iter().map(lower).collect();
    let code = output::faults(&faults, &outcome.sources);
    if faults.has_errors() {
        return code;
    }
    let plans: Vec<Plan> = plans.into_iter().flatten().collect();
    if plans.iter().any(|p| p.synapses.is_empty()) {
        let message = format!("`{name}` has no synapse with a cleft, and is the same at all levels");
        return refused(message, "a synapse with `cleft` and `receptor`, e.g. use = \"synapse/ca1_spine\"");
    }
    let stem = format!("{}-levels", stem(&options.file));
    let mut folder = match folder_at(options.out.as_deref(), &stem, options.quiet) {
        Ok(folder) => folder,
        Err(d) => return output::fault(*d),
    };
    catch_interrupts();
    let begun = Instant::now();
    let threads = options.threads.map_or_else(cores, usize::from);
    let mut all = Vec::new();
    for (level, plan) in levels.iter().zip(&plans) {
        match one(level.detail(), plan, threads, options.quiet) {
            Ok(found) => all.extend(found),
            Err(fault) => {
                drop(folder);
                return output::fault(Diagnostic::error(fault.to_string(), None));
            }
        }
    }
    let interrupted = CANCEL.asked();
    if all.len() < 2 {
        drop(folder);
        output::talk("interrupted before two levels had trials enough: nothing is left\n");
        return ExitCode::from(130);
    }
    let compared = Comparison::new(all);
    let title = resolved.read.text("title").unwrap_or(&name).to_owned();
    let page = compared.html(&title, resolved, catalogue, env!("CARGO_PKG_VERSION"));
    let mut value = compared.to_json();
    value["partial"] = interrupted.into();
    let text = format!("{value:#}\n");
    let written = folder
        .write("comparison.html", page.as_bytes())
        .and_then(|()| folder.write("comparison.json", text.as_bytes()))
        .and_then(|()| folder.finish());
    let path = match written {
        Ok(path) => path,
        Err(e) => return output::fault(Diagnostic::error(e.to_string(), None)),
    };
    if options.json {
        output::data(&text);
    } else if !options.quiet {
        let of = resolved.condition.as_ref().map_or_else(String::new, |c| format!(", condition {c}"));
        output::data(&format!("{title}{of}\n"));
        output::data(&compared.terminal());
        let took = begun.elapsed().as_secs_f64();
        output::data(&format!("\nReport: {}   ({took:.1} s)\n", path.join("comparison.html").display()));
    }
    if interrupted {
        output::talk(&format!("interrupted: `{}` has the trials that were done\n", path.display()));
        return ExitCode::from(130);
    }
    if compared.agrees() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Runs a level; nothing if it was interrupted too soon.
fn one(level: Detail, plan: &Plan, threads: usize, quiet: bool) -> Result<Option<Level>, bouton::simulation::RunFault> {
    if CANCEL.asked() {
        return Ok(None);
    }
    let begun = Instant::now();
    let Outcome { recording, .. } = watched(std::slice::from_ref(plan), comparison::name(level), threads, quiet)?;
    let used = threads.min(plan.trials.div_ceil(8) as usize).max(1);
    let condition = recording.conditions.into_iter().next().filter(|c| c.trials >= LEAST.min(plan.trials));
    Ok(condition.map(|condition| {
        let seconds = begun.elapsed().as_secs_f64() * used as f64 / condition.trials as f64;
        Level { level, condition, seconds }
    }))
}
