//! `check`, `explain`, `schema`.

use crate::output;
use model::beside::beside;
use model::catalogue::{Catalogue, read_text};
use model::diagnostic::{Diagnostic, nearest};
use model::fields;
use model::resolve;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Says everything that is wrong with each file.
pub fn check(files: &[PathBuf], as_json: bool, catalogue: &Catalogue) -> ExitCode {
    let mut failed = false;
    let mut all = Vec::new();
    for path in files {
        let outcome = match read_text(path) {
            Ok(text) => resolve::model_beside(&path.display().to_string(), text.into(), &[], catalogue, &beside(path)),
            Err(d) => {
                failed = true;
                if as_json {
                    all.push(json!({ "file": path, "severity": "error", "message": d.message, "hints": d.hints }));
                } else {
                    output::fault(*d);
                }
                continue;
            }
        };
        failed |= outcome.diagnostics.has_errors();
        if as_json {
            all.extend(outcome.diagnostics.to_json(&outcome.sources).as_array().cloned().unwrap_or_default());
            continue;
        }
        output::faults(&outcome.diagnostics, &outcome.sources);
        let errors = outcome.diagnostics.errors();
        if errors > 0 {
            output::talk(&format!("{}: {errors} error{}\n", path.display(), if errors == 1 { "" } else { "s" }));
        } else if let Some(base) = outcome.resolved.first() {
            let conditions = match outcome.resolved.len() - 1 {
                0 => String::new(),
                1 => ", 1 condition".into(),
                n => format!(", {n} conditions"),
            };
            output::data(&format!(
                "{}: well formed; {} values, {} catalogue entries{conditions}\n",
                path.display(),
                base.values.len(),
                base.entries.len()
            ));
        }
    }
    if as_json {
        output::data(&format!("{:#}\n", json!(all)));
    }
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// Prints every resolved value of a file.
pub fn explain(path: &Path, condition: Option<&str>, as_json: bool, catalogue: &Catalogue) -> ExitCode {
    let outcome = match read_text(path) {
        Ok(text) => resolve::model_beside(&path.display().to_string(), text.into(), &[], catalogue, &beside(path)),
        Err(d) => return output::fault(*d),
    };
    let code = output::faults(&outcome.diagnostics, &outcome.sources);
    if outcome.diagnostics.has_errors() {
        return code;
    }
    let Some(resolved) = outcome.resolved.iter().find(|r| r.condition.as_deref() == condition) else {
        let names: Vec<String> = outcome.resolved.iter().filter_map(|r| r.condition.clone()).collect();
        let asked = condition.unwrap_or_default();
        let hint = nearest(asked, &names).map_or_else(
            || {
                if names.is_empty() {
                    "the file has no conditions".to_owned()
                } else {
                    format!("conditions: {}", names.join(", "))
                }
            },
            |n| format!("did you mean `{n}`?"),
        );
        return output::fault(Diagnostic::error(format!("no condition `{asked}`"), None).hint(hint));
    };
    if as_json {
        let values: Vec<_> = resolved.values.iter().map(bouton::listing::to_json).collect();
        let cut: Vec<_> = bouton::lower::refinement(resolved).iter().map(bouton::listing::refined_to_json).collect();
        let text = json!({ "file": path, "condition": condition, "temperature_K": resolved.temperature, "values": values, "entries": resolved.entries, "compartments": cut });
        output::data(&format!("{text:#}\n"));
    } else {
        output::data(&bouton::listing::explain(resolved, catalogue));
    }
    code
}

/// Prints a schema or the reference page.
pub fn schema(of: Option<&str>, markdown: bool) -> ExitCode {
    if markdown {
        output::data(&fields::reference_page());
        return ExitCode::SUCCESS;
    }
    let table = match of {
        None => Some(&fields::MODEL),
        Some("claim") => Some(&fields::CLAIM),
        Some(kind) => fields::of_kind(kind),
    };
    let Some(table) = table else {
        let kinds: Vec<String> = fields::KINDS.iter().map(|k| k.0.to_owned()).collect();
        let asked = of.unwrap_or_default();
        let hint = nearest(asked, &kinds)
            .map_or_else(|| format!("kinds: {}", kinds.join(", ")), |n| format!("did you mean `{n}`?"));
        return output::fault(Diagnostic::error(format!("`{asked}` is no kind of entry"), None).hint(hint));
    };
    output::data(&format!("{:#}\n", fields::json_schema(table)));
    ExitCode::SUCCESS
}
