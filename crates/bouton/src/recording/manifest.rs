//! `manifest.json`: what was run, with what, and what came of it, so that it can be run again to the bit.

use super::Recording;
use super::feather::{self, FeatherError};
use super::folder::{FolderError, OutputFolder, Written};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use thiserror::Error;

/// What a run was started with. The number of threads is not in it: no result depends on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Manifest {
    /// Of the program.
    pub version: String,
    /// Name of the model file, as it was given.
    pub model_name: String,
    /// Its text.
    pub model_text: String,
    /// Of all randomness.
    pub seed: u64,
    /// Trials, if the command line said how many.
    pub trials: Option<u64>,
    /// What `--set` said, each `path=value`, in its order.
    pub overrides: Vec<String>,
    /// Folders laid over the catalogue, in their order.
    pub catalogues: Vec<String>,
    /// Every entry of the catalogue that was used, with the BLAKE3 of its text.
    pub entries: BTreeMap<String, String>,
    /// Every file of a morphology that the model names, with its text; they are written beside the model.
    pub morphologies: BTreeMap<String, Arc<str>>,
    /// Of this run, not of its results; may differ between runs.
    pub run: Run,
}

/// What may differ between two runs of the same model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// Wall-clock time, s.
    pub wall_seconds: f64,
    /// Beginning, in seconds since 1970-01-01 UTC.
    pub started: Option<u64>,
    /// The machine's kind, e.g. `x86_64-linux`.
    pub machine: String,
}

/// Why results cannot be written.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum WriteError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Feather(#[from] FeatherError),
}

/// A word as a POSIX shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/=+:,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl Manifest {
    /// The command that does it again, within the folder of the results.
    pub fn replay(&self) -> String {
        let mut words = vec!["bouton".to_owned()];
        for folder in &self.catalogues {
            words.extend(["--catalogue".into(), quoted(folder)]);
        }
        words.extend(["run".into(), "model.toml".into(), "--seed".into(), self.seed.to_string()]);
        if let Some(n) = self.trials {
            words.extend(["--trials".into(), n.to_string()]);
        }
        for set in &self.overrides {
            words.extend(["--set".into(), quoted(set)]);
        }
        words.join(" ")
    }

    /// For programs; `files` are those it lies beside.
    pub fn to_json(&self, recording: &Recording, files: &[Written]) -> Value {
        let conditions: Vec<Value> = recording
            .conditions
            .iter()
            .map(|c| {
                json!({
                    "name": c.name, "temperature_K": c.temperature, "duration_ms": c.duration,
                    "trials_asked": c.trials_asked, "trials": c.trials,
                })
            })
            .collect();
        let listed: Map<String, Value> =
            files.iter().map(|f| (f.name.clone(), json!({ "bytes": f.bytes, "blake3": f.blake3 }))).collect();
        let hash = |text: &str| json!(blake3::hash(text.as_bytes()).to_hex().to_string());
        let morphologies: Map<String, Value> =
            self.morphologies.iter().map(|(name, text)| (name.clone(), hash(text))).collect();
        let model = blake3::hash(self.model_text.as_bytes()).to_hex().to_string();
        json!({
            "program": { "name": "bouton", "version": self.version },
            "title": recording.title,
            "partial": recording.partial,
            "model": { "file": self.model_name, "blake3": model, "text": self.model_text },
            "seed": self.seed,
            "trials": self.trials,
            "overrides": self.overrides,
            "catalogues": self.catalogues,
            "entries": self.entries,
            "morphologies": morphologies,
            "conditions": conditions,
            "files": listed,
            "replay": self.replay(),
            "run": {
                "wall_seconds": self.run.wall_seconds, "started_unix": self.run.started, "machine": self.run.machine,
            },
        })
    }
}

/// Writes all that a run leaves: the model's text, the tables that have rows, the report if there is one, and at last
/// the manifest, which lists them with their hashes.
///
/// # Errors
/// See [`WriteError`]; the folder is left unfinished then.
pub fn write_all(
    folder: &mut OutputFolder,
    recording: &Recording,
    manifest: &Manifest,
    report: Option<&str>,
) -> Result<(), WriteError> {
    folder.write("model.toml", manifest.model_text.as_bytes())?;
    for (name, text) in &manifest.morphologies {
        folder.write_below(name, text.as_bytes())?;
    }
    let any = |has: &dyn Fn(&super::Condition) -> bool| recording.conditions.iter().any(has);
    type Writer = fn(&Recording, &mut dyn Write) -> Result<(), FeatherError>;
    let tables: [(&str, bool, Writer); 5] = [
        ("traces.feather", any(&feather::has_kept_traces), |r, out| feather::traces(r, out).map(drop)),
        ("mean.feather", any(&feather::has_probes), |r, out| feather::mean(r, out).map(drop)),
        ("tree.feather", any(&|c| !c.trees.is_empty()), |r, out| feather::trees(r, out).map(drop)),
        ("trials.feather", any(&|c| !c.measures.is_empty()), |r, out| feather::trials(r, out).map(drop)),
        ("events.feather", any(&|c| !c.events.is_empty()), |r, out| feather::events(r, out).map(drop)),
    ];
    for (name, wanted, write) in tables {
        if wanted {
            folder.stream(name, |out| write(recording, out).map_err(WriteError::from))?;
        }
    }
    if let Some(html) = report {
        folder.write("report.html", html.as_bytes())?;
    }
    let json = manifest.to_json(recording, folder.files());
    folder.write("manifest.json", format!("{json:#}\n").as_bytes())?;
    Ok(())
}
