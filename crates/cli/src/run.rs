//! `run`: resolve, lower, run, and leave a folder.

use crate::output;
use bouton::recording::folder::{OutputFolder, leftovers};
use bouton::recording::manifest::{self, Manifest};
use bouton::simulation::{self, Cancel, Outcome, Plan, Progress};
use bouton::{film, lower, report};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use model::beside::beside;
use model::catalogue::{Catalogue, read_text};
use model::diagnostic::{Diagnostic, Diagnostics};
use model::resolve::{self, Resolved};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Args)]
pub struct Run {
    /// A model file.
    file: PathBuf,
    /// How many trials, instead of what the file says (but for a condition that has its own).
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    trials: Option<u64>,
    /// The seed, instead of what the file says (but for a condition that has its own).
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    seed: Option<u64>,
    /// How many threads; no result depends on it.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Say something otherwise, e.g. --set synapse.contact.terminal.docked=5 or --set temperature="34 degC".
    #[arg(long = "set", value_name = "PATH=VALUE")]
    sets: Vec<String>,
    /// The folder to leave, instead of FILE-1, FILE-2 ...; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Frames and a moving picture of each cleft of single molecules, in its first trial with a release.
    #[arg(long)]
    movie: bool,
    /// The numbers as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// No progress bar, and no numbers on stdout but those of --json.
    #[arg(long, short)]
    quiet: bool,
    /// Use no wider vector instructions than these; no result depends on it.
    #[arg(long, value_enum, value_name = "LEVEL")]
    simd: Option<Simd>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Simd {
    Portable,
    Avx2,
    Avx512,
}

/// Set by Ctrl-C.
pub static CANCEL: Cancel = Cancel::new();
static ASKED: AtomicBool = AtomicBool::new(false);

/// Runs a model file.
pub fn run(options: &Run, overlay: Option<&Path>, catalogue: &Catalogue) -> ExitCode {
    if let Some(simd) = options.simd {
        simulation::limit_simd(match simd {
            Simd::Portable => simulation::Level::Portable,
            Simd::Avx2 => simulation::Level::Avx2,
            Simd::Avx512 => simulation::Level::Avx512,
        });
    }
    let text = match read_text(&options.file) {
        Ok(text) => text,
        Err(d) => return output::fault(*d),
    };
    let mut sets = options.sets.clone();
    sets.extend(options.trials.map(|n| format!("trials = {n}")));
    sets.extend(options.seed.map(|n| format!("seed = {n}")));
    let name = options.file.display().to_string();
    let outcome = resolve::model_beside(&name, text.clone().into(), &sets, catalogue, &beside(&options.file));
    let code = output::faults(&outcome.diagnostics, &outcome.sources);
    if outcome.diagnostics.has_errors() {
        return code;
    }
    let mut faults = Diagnostics::default();
    let resolved = runnable(&outcome.resolved);
    // Of the file as it stands: a condition that has a seed of its own keeps it.
    let seed = outcome.resolved.iter().find(|r| r.condition.is_none()).and_then(|r| r.read.count("seed").copied());
    let plans: Vec<Option<Plan>> = resolved.iter().map(|r| lower::model(r, &mut faults)).collect();
    let code = output::faults(&faults, &outcome.sources);
    if faults.has_errors() {
        return code;
    }
    let plans: Vec<Plan> = plans.into_iter().flatten().collect();
    if plans.len() < resolved.len() {
        let d = Diagnostic::error("the model cannot be run, and why was not said: that is a mistake in bouton", None);
        return output::fault(d);
    }
    let mut folder = match folder_at(options.out.as_deref(), &stem(&options.file), options.quiet) {
        Ok(folder) => folder,
        Err(d) => return output::fault(*d),
    };
    catch_interrupts();
    let begun = Instant::now();
    let started = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
    let title = resolved.first().and_then(|r| r.read.text("title")).unwrap_or_default().to_owned();
    let threads = options.threads.map_or_else(cores, usize::from);
    let outcome = match watched(&plans, &title, threads, options.quiet) {
        Ok(outcome) => outcome,
        Err(fault) => {
            drop(folder);
            return output::fault(Diagnostic::error(fault.to_string(), None));
        }
    };
    let mut outcome = outcome;
    let mut films = Vec::new();
    if outcome.recording.partial.is_none() {
        match pictures(&resolved, options.movie, &mut outcome) {
            Ok(found) => films = found,
            Err(fault) => {
                drop(folder);
                return output::fault(Diagnostic::error(fault.to_string(), None));
            }
        }
    }
    if options.movie && films.is_empty() {
        output::talk(
            "note: no cleft of single molecules released anything, so there is no movie; detail = \"molecular\" has them\n",
        );
    }
    let entries = resolved.iter().flat_map(|r| r.entries.clone()).collect();
    let shapes = resolved.iter().flat_map(|r| r.shapes.values()).filter_map(|s| s.file.as_ref());
    let morphologies = shapes.map(|f| (f.name.clone(), f.text.clone())).collect();
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").into(),
        model_name: name,
        model_text: text,
        seed: seed.unwrap_or(1),
        trials: options.trials,
        overrides: options.sets.clone(),
        catalogues: overlay.iter().map(|p| anywhere(p).display().to_string()).collect(),
        entries,
        morphologies,
        run: manifest::Run {
            wall_seconds: begun.elapsed().as_secs_f64(),
            started,
            machine: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        },
    };
    let page = report::html(&outcome.recording, &resolved, catalogue, &manifest);
    let shot = films.iter().try_for_each(|(name, film)| {
        folder.write(&format!("{name}.svg"), film::movie(film).as_bytes())?;
        (0..film.frames.len()).try_for_each(|k| {
            folder.write_below(&format!("frames/{name}-{:03}.svg", k + 1), film::frame(film, k).as_bytes())
        })
    });
    if let Err(e) = shot {
        return output::fault(Diagnostic::error(e.to_string(), None));
    }
    let written = manifest::write_all(&mut folder, &outcome.recording, &manifest, Some(&page))
        .map_err(|e| e.to_string())
        .and_then(|()| folder.finish().map_err(|e| e.to_string()));
    match written {
        Ok(path) => tell(options, &outcome, &path, begun.elapsed()),
        Err(e) => output::fault(Diagnostic::error(e, None)),
    }
}

/// Looks into clefts of single molecules; films have names of their condition and synapse.
fn pictures(
    resolved: &[Resolved],
    movie: bool,
    outcome: &mut Outcome,
) -> Result<Vec<(String, film::Film)>, simulation::RunFault> {
    let mut films = Vec::new();
    for (r, condition) in resolved.iter().zip(&mut outcome.recording.conditions) {
        let lowered = || lower::model(r, &mut Diagnostics::default());
        let single = |p: &Plan| p.synapses.iter().any(|s| s.molecules.is_some());
        let Some(plan) = lowered().filter(single) else { continue };
        condition.clefts = film::seen(plan)?;
        if let Some(plan) = lowered().filter(|_| movie) {
            let of = if condition.name.is_empty() { String::new() } else { format!("-{}", condition.name) };
            films.extend(film::films(plan)?.into_iter().map(|f| (format!("movie{of}-{}", f.outline.synapse), f)));
        }
    }
    Ok(films)
}

/// With conditions, they are what is run; without, the file as it stands.
fn runnable(all: &[Resolved]) -> Vec<Resolved> {
    let conditions: Vec<Resolved> = all.iter().filter(|r| r.condition.is_some()).cloned().collect();
    if conditions.is_empty() { all.to_vec() } else { conditions }
}

/// What the results are called after. A dot in front would hide them.
pub fn stem(file: &Path) -> String {
    let stem = file.file_stem().map(|s| s.to_string_lossy().trim_start_matches('.').to_owned());
    stem.filter(|s| !s.is_empty()).unwrap_or_else(|| "run".into())
}

/// A path that holds in any folder.
fn anywhere(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The folder to leave.
pub fn folder_at(out: Option<&Path>, stem: &str, quiet: bool) -> Result<OutputFolder, Box<Diagnostic>> {
    let parent = Path::new(".");
    if !quiet {
        for left in leftovers(parent, stem) {
            let message = format!("`{}` is what a run left that was killed\n", left.display());
            output::talk(&format!("note: {message}  look into it, or remove it\n"));
        }
    }
    let made = match out {
        Some(goal) => OutputFolder::at(goal),
        None => OutputFolder::create(parent, stem),
    };
    made.map_err(|e| Box::new(Diagnostic::error(e.to_string(), None)))
}

pub fn catch_interrupts() {
    let _ = ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        CANCEL.cancel();
    });
}

/// Runs with a progress bar on stderr, where somebody can see it.
pub fn watched(plans: &[Plan], title: &str, threads: usize, quiet: bool) -> Result<Outcome, simulation::RunFault> {
    let progress = Progress::default();
    let total: u64 = plans.iter().map(|p| p.trials).sum();
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(total * 1000) };
    let style = "{bar:40} {percent:>3} %  {msg} trials  {elapsed} gone, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    let show = || {
        bar.set_message(format!("{:.0} of {total}", progress.trials().floor()));
        bar.set_position((progress.trials() * 1000.0) as u64);
    };
    let over = AtomicBool::new(false);
    let outcome = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                show();
                std::thread::park_timeout(Duration::from_millis(80));
            }
        });
        let outcome = simulation::run(plans, title, threads, &progress, &CANCEL);
        over.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
        outcome
    });
    bar.finish_and_clear();
    outcome
}

/// A condition's numbers, and what they took.
fn whole((condition, work): (&bouton::recording::Condition, &simulation::Work)) -> serde_json::Value {
    let mut value = report::to_json(condition);
    value["work"] = json!({
        "neuron_steps": work.neuron_steps, "cleft_steps": work.cleft_steps, "receptor_jumps": work.receptor_jumps,
        "encounters": work.encounters,
        "terminal_slots": work.terminal_slots, "bulk_steps": work.bulk_steps, "channel_jumps": work.channel_jumps,
    });
    value
}

fn tell(options: &Run, outcome: &Outcome, path: &Path, took: Duration) -> ExitCode {
    let recording = &outcome.recording;
    if options.json {
        let conditions: Vec<_> = recording.conditions.iter().zip(&outcome.work).map(whole).collect();
        let value = json!({
            "title": recording.title, "folder": path, "partial": recording.partial, "conditions": conditions,
        });
        output::data(&format!("{value:#}\n"));
    } else if !options.quiet {
        output::data(&report::terminal_summary(recording));
        let report = path.join("report.html");
        output::data(&format!("\nReport: {}   ({:.1} s)\n", report.display(), took.as_secs_f64()));
    }
    match &recording.partial {
        None => ExitCode::SUCCESS,
        Some(why) => {
            let d: u64 = recording.conditions.iter().map(|c| c.trials).sum();
            output::talk(&format!("{why}: {d} trials are in `{}`, which says that it is partial\n", path.display()));
            ExitCode::from(130)
        }
    }
}
