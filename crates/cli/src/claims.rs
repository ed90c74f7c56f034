//! `claims`: the experiments of a folder of claims, their verdicts, and a page.

use crate::compare::Named;
use crate::output;
use bouton::claim::Claim;
use bouton::recording::folder::OutputFolder;
use bouton::report::claims::{self, Judged};
use bouton::simulation::{Cancel, Progress};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostic, nearest};
use rayon::prelude::*;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[derive(Args)]
pub struct Claims {
    /// Claims by id, e.g. A53; all without one.
    ids: Vec<String>,
    /// The folder of claims.
    #[arg(long, default_value = "claims", value_name = "DIR")]
    folder: PathBuf,
    /// How many trials, instead of what the claims say.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    trials: Option<u64>,
    /// All synapses that have a cleft at this level of detail, whatever the models say; a model of one trial then has --trials, or 320.
    #[arg(long, value_enum)]
    detail: Option<Named>,
    /// How many threads; no result depends on it.
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// The folder to leave, instead of claims-1, claims-2 ...; it must not exist yet.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The verdicts as JSON on stdout.
    #[arg(long)]
    json: bool,
    /// No progress bar, and no table on stdout.
    #[arg(long, short)]
    quiet: bool,
    /// List the claims, and run none.
    #[arg(long)]
    list: bool,
}

/// Set by Ctrl-C.
static CANCEL: Cancel = Cancel::new();

/// What cannot be judged: an unknown claim, a faulty folder. 1 is left for a claim that does not hold.
const BAD_INPUT: u8 = 2;

fn refused(d: Diagnostic) -> ExitCode {
    output::fault(d);
    ExitCode::from(BAD_INPUT)
}

/// Folders of claims, sorted by name.
fn folders(parent: &Path) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let shown = parent.display();
    let all = std::fs::read_dir(parent).map_err(|e| {
        let d = Diagnostic::error(format!("cannot read the folder `{shown}`: {e}"), None);
        Box::new(d.hint("--folder DIR names the folder of claims"))
    })?;
    let mut all: Vec<PathBuf> = all.flatten().map(|f| f.path()).filter(|p| p.join("claim.toml").is_file()).collect();
    all.sort();
    if all.is_empty() {
        let d = Diagnostic::error(format!("no claim in `{shown}`"), None);
        return Err(Box::new(d.hint("a claim is a folder with a claim.toml in it; see docs/claims.md")));
    }
    Ok(all)
}

/// What a folder is called by: its name up to the first `_`, and all of it.
fn called(folder: &Path) -> (String, String) {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    (name.split('_').next().unwrap_or_default().to_owned(), name)
}

fn chosen(options: &Claims) -> Result<Vec<PathBuf>, ExitCode> {
    let all = folders(&options.folder).map_err(|d| refused(*d))?;
    if options.ids.is_empty() {
        return Ok(all);
    }
    let ids: Vec<String> = all.iter().map(|f| called(f).0).collect();
    let mut found = Vec::new();
    let mut code = None;
    for id in &options.ids {
        let matches = |f: &&PathBuf| {
            let (short, long) = called(f);
            short.eq_ignore_ascii_case(id) || long.eq_ignore_ascii_case(id)
        };
        match all.iter().find(matches) {
            Some(f) if !found.contains(f) => found.push(f.clone()),
            Some(_) => {}
            None => {
                let hint = nearest(id, &ids).map_or_else(
                    || "`bouton claims --list` shows what there is".into(),
                    |n| format!("did you mean `{n}`?"),
                );
                let d = Diagnostic::error(format!("no claim `{id}` in `{}`", options.folder.display()), None);
                code = Some(refused(d.hint(hint)));
            }
        }
    }
    found.sort();
    code.map_or(Ok(found), Err)
}

/// Runs the claims.
pub fn run(options: &Claims, catalogue: &Catalogue) -> ExitCode {
    let folders = match chosen(options) {
        Ok(folders) => folders,
        Err(code) => return code,
    };
    let mut good = true;
    let mut said = |faults: bouton::claim::Faults| {
        good = false;
        for (out, sources) in faults {
            output::faults(&out, &sources);
        }
    };
    if options.list {
        let mut text = String::new();
        for folder in &folders {
            match Claim::heading(folder, catalogue) {
                Ok((id, title)) => text.push_str(&format!("{id:5}{title}\n")),
                Err(faults) => said(faults),
            }
        }
        output::data(&text);
        return if good { ExitCode::SUCCESS } else { ExitCode::from(BAD_INPUT) };
    }
    let mut all = Vec::new();
    let read: Vec<_> = folders
        .par_iter()
        .map(|f| Claim::read(f, options.trials, options.detail.map(Named::detail), catalogue))
        .collect();
    for claim in read {
        match claim {
            Ok(claim) => all.push(claim),
            Err(faults) => said(faults),
        }
    }
    if !good {
        return ExitCode::from(BAD_INPUT);
    }
    let made = match &options.out {
        Some(goal) => OutputFolder::at(goal),
        None => OutputFolder::create(Path::new("."), "claims"),
    };
    let mut folder = match made {
        Ok(folder) => folder,
        Err(e) => return refused(Diagnostic::error(e.to_string(), None)),
    };
    let begun = Instant::now();
    let _ = ctrlc::set_handler(|| CANCEL.cancel());
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.map_or_else(cores, usize::from);
    let judged = watched(all, threads, options.quiet);
    if CANCEL.asked() {
        output::talk("interrupted: nothing is left\n");
        return ExitCode::from(130);
    }
    let page = claims::html(&judged, catalogue, env!("CARGO_PKG_VERSION"));
    let values: Vec<_> = judged.iter().map(claims::to_json).collect();
    let text = format!("{:#}\n", json!({ "claims": values }));
    let written = folder
        .write("claims.html", page.as_bytes())
        .and_then(|()| folder.write("claims.json", text.as_bytes()))
        .and_then(|()| folder.finish());
    let path = match written {
        Ok(path) => path,
        Err(e) => return refused(Diagnostic::error(e.to_string(), None)),
    };
    if options.json {
        output::data(&text);
    } else if !options.quiet {
        output::data(&claims::terminal(&judged));
        let took = begun.elapsed().as_secs_f64();
        output::data(&format!("Report: {}   ({took:.1} s)\n", path.join("claims.html").display()));
    }
    if judged.iter().all(Judged::good) { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Runs one claim.
fn one(claim: Claim, threads: usize, progress: &Progress) -> Judged {
    let recordings = claim.run(threads, progress, &CANCEL);
    let outcome = match &recordings {
        Ok(recordings) => Ok(claim.judge(recordings)),
        Err(fault) => Err(fault.to_string()),
    };
    Judged { recordings: recordings.unwrap_or_default(), outcome, claim }
}

/// Runs all claims, several at a time, with a progress bar on stderr; in their order.
fn watched(all: Vec<Claim>, threads: usize, quiet: bool) -> Vec<Judged> {
    let progress = Progress::default();
    let total: u64 = all.iter().map(Claim::trials).sum();
    let count = all.len();
    let at_once = threads.clamp(1, count.max(1));
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(total * 1000) };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {elapsed} gone, {eta} to go") {
        bar.set_style(style);
    }
    let waiting: Vec<Mutex<Option<Claim>>> = all.into_iter().map(|c| Mutex::new(Some(c))).collect();
    let done: Vec<Mutex<Option<Judged>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let (next, finished, over) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(claim) = waiting.get(i).and_then(|m| m.lock().ok()?.take()) else { return };
            let judged = one(claim, threads / at_once, &progress);
            if let Ok(mut place) = done[i].lock() {
                *place = Some(judged);
            }
            finished.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                bar.set_message(format!("{} of {count} claims", finished.load(Ordering::Relaxed)));
                bar.set_position((progress.trials() * 1000.0) as u64);
                std::thread::park_timeout(Duration::from_millis(80));
            }
        });
        let others: Vec<_> = (1..at_once).map(|_| scope.spawn(worker)).collect();
        worker();
        for other in others {
            let _ = other.join();
        }
        over.store(true, Ordering::Relaxed);
        watcher.thread().unpark();
    });
    bar.finish_and_clear();
    done.into_iter().filter_map(|m| m.into_inner().ok().flatten()).collect()
}
