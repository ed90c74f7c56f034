//! Every file of examples/broken says exactly the faults that stand in it as annotations, each at its line; and so does
//! every file of examples/broken_run, in which only `run` finds a fault.

mod program;

use model::beside::beside;
use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostics, Severity, Sources};
use program::{Ran, root, run, toml_files};
use std::path::{Path, PathBuf};

/// An error that a file announces: below its line, `#! error: part of the message`, and perhaps `#! hint: part of a hint`.
struct Announced {
    line: usize,
    error: String,
    hints: Vec<String>,
}

/// Files on which the program is known to be wrong; each must leave this list when it is right.
const KNOWN: &[(&str, &str)] = &[];

fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|k| k.0 == name)
}

fn announced(text: &str, severity: Severity) -> Vec<Announced> {
    let mut all: Vec<(Severity, Announced)> = Vec::new();
    let mut above = 0;
    for (i, line) in text.lines().enumerate() {
        let of = |severity, prefix| line.strip_prefix(prefix).map(|said| (severity, said));
        if let Some((found, said)) = of(Severity::Error, "#! error: ").or(of(Severity::Warning, "#! warning: ")) {
            all.push((found, Announced { line: above, error: said.to_owned(), hints: Vec::new() }));
        } else if let Some(hint) = line.strip_prefix("#! hint: ") {
            all.last_mut().expect("a hint follows its error").1.hints.push(hint.to_owned());
        } else {
            assert!(!line.contains("#!"), "an annotation stands on a line of its own: {line}");
            above = i + 1;
        }
    }
    all.into_iter().filter(|(found, _)| *found == severity).map(|(_, announced)| announced).collect()
}

fn differences(text: &str, shown: &str, out: &Diagnostics, sources: &Sources) -> Vec<String> {
    differences_of(Severity::Error, text, shown, out, sources)
}

/// What is said and not announced, or announced and not said.
fn differences_of(severity: Severity, text: &str, shown: &str, out: &Diagnostics, sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut said: Vec<_> = out.0.iter().filter(|d| d.severity == severity).collect();
    let mut place = |d: &model::diagnostic::Diagnostic| match &d.span {
        Some(s) if sources.name(s.file) == shown => {
            if s.range.start > s.range.end || s.range.end > text.len() {
                wrong.push(format!("outside the file, at {:?}: {}", s.range, d.message));
            }
            Some(sources.line_column(s).0)
        }
        _ => None,
    };
    let mut lines: Vec<Option<usize>> = said.iter().map(|d| place(d)).collect();
    for a in announced(text, severity) {
        let fits = |d: &model::diagnostic::Diagnostic| {
            d.message.contains(&a.error) && a.hints.iter().all(|h| d.hints.iter().any(|x| x.contains(h)))
        };
        match (0..said.len()).find(|&i| lines[i] == Some(a.line) && fits(said[i])) {
            Some(i) => {
                said.remove(i);
                lines.remove(i);
            }
            None => wrong.push(format!("line {}: not said: {} {:?}", a.line, a.error, a.hints)),
        }
    }
    for (d, line) in said.iter().zip(lines) {
        let place = d.span.as_ref().map_or("no place".to_owned(), |s| sources.place(s));
        wrong.push(format!("line {line:?} ({place}): surplus: {} {:?}", d.message, d.hints));
    }
    wrong
}

/// Compares with the list of what is known to be wrong.
fn judge(all: Vec<(String, Vec<String>)>) {
    let mut failures = String::new();
    for (name, wrong) in all {
        let known = KNOWN.iter().find(|k| k.0 == name);
        match (wrong.is_empty(), known) {
            (true, None) | (false, Some(_)) => {}
            (true, Some((_, why))) => {
                failures.push_str(&format!("{name}: is right now; take it out of KNOWN ({why})\n"))
            }
            (false, None) => failures.push_str(&format!("{name}:\n  {}\n", wrong.join("\n  "))),
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

fn folder() -> PathBuf {
    root().join("examples/broken").canonicalize().unwrap()
}

fn entries() -> Vec<(String, PathBuf)> {
    let base = folder().join("catalogue");
    let mut all = Vec::new();
    for kind in std::fs::read_dir(&base).unwrap() {
        for path in toml_files(&kind.unwrap().path()) {
            all.push((path.strip_prefix(&base).unwrap().with_extension("").display().to_string(), path));
        }
    }
    all.sort();
    all
}

fn begins_with_its_mistake(path: &Path, text: &str) {
    assert!(
        text.starts_with("# ") && ![Severity::Error, Severity::Warning].iter().all(|s| announced(text, *s).is_empty()),
        "{}: a comment that names the mistake, then its annotations",
        path.display()
    );
}

#[test]
fn a_wrong_model_says_all_its_faults_and_no_other() {
    let catalogue = Catalogue::embedded();
    let files = toml_files(&folder());
    assert!(files.len() >= 30, "{} files", files.len());
    let all = files.iter().map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        begins_with_its_mistake(path, &text);
        let shown = path.display().to_string();
        let outcome = model::resolve::model_beside(&shown, text.as_str().into(), &[], &catalogue, &beside(path));
        assert_eq!(outcome.resolved.is_empty(), outcome.diagnostics.has_errors(), "{shown}");
        for colour in [true, false] {
            assert_eq!(
                outcome.diagnostics.render(&outcome.sources, colour).is_empty(),
                outcome.diagnostics.0.is_empty()
            );
        }
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            differences(&text, &shown, &outcome.diagnostics, &outcome.sources),
        )
    });
    judge(all.collect());
}

/// What can be read and is hardly meant is run all the same, and said.
#[test]
fn a_doubtful_model_is_warned_of_once_and_taken() {
    let catalogue = Catalogue::embedded();
    let files = toml_files(&folder().join("warnings"));
    assert!(files.len() >= 3, "{} files", files.len());
    let all = files.iter().map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        begins_with_its_mistake(path, &text);
        let shown = path.display().to_string();
        let outcome = model::resolve::model_beside(&shown, text.as_str().into(), &[], &catalogue, &beside(path));
        assert!(!outcome.diagnostics.has_errors() && !outcome.resolved.is_empty(), "{shown}");
        let ran = run(&["check", &shown]);
        assert!(ran.code == Some(0) && ran.stderr.contains("warning: "), "{shown}: {}", ran.stderr);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let wrong = differences_of(Severity::Warning, &text, &shown, &outcome.diagnostics, &outcome.sources);
        (name, wrong)
    });
    judge(all.collect());
}

#[test]
fn a_wrong_entry_says_all_its_faults_and_no_other() {
    let mut catalogue = Catalogue::embedded();
    catalogue.overlay(&folder().join("catalogue")).unwrap();
    let entries = entries();
    assert!(entries.len() >= 15, "{} entries", entries.len());
    let all = entries.iter().map(|(name, path)| {
        let text = std::fs::read_to_string(path).unwrap();
        begins_with_its_mistake(path, &text);
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let entry = catalogue.entry(name, &mut sources, &mut out);
        assert_eq!(entry.is_none(), out.has_errors(), "{name}");
        (name.clone(), differences(&text, &path.display().to_string(), &out, &sources))
    });
    judge(all.collect());
}

fn refused(ran: &Ran, text: &str) {
    let first = announced(text, Severity::Error);
    ran.refuses(&first[0].error, &[]);
}

#[test]
fn the_command_refuses_a_wrong_model_and_leaves_nothing() {
    for path in toml_files(&folder()) {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.display().to_string();
        for command in ["check", "explain"] {
            let ran = run(&[command, &shown]);
            if !is_known(path.file_name().unwrap().to_str().unwrap()) {
                refused(&ran, &text);
            }
        }
    }
}

#[test]
fn the_command_refuses_a_wrong_entry_and_leaves_nothing() {
    let overlay = folder().join("catalogue").display().to_string();
    for (name, path) in entries() {
        let text = std::fs::read_to_string(&path).unwrap();
        if !is_known(&name) {
            refused(&run(&["--catalogue", &overlay, "catalogue", "show", &name, "--svg", "plot.svg"]), &text);
        }
        assert_eq!(run(&["--catalogue", &overlay, "catalogue", "check", &name]).code, Some(1), "{name}");
    }
}

#[test]
fn a_wrong_entry_is_refused_where_a_model_uses_it() {
    let overlay = folder().join("catalogue").display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let text = "duration = \"1 ms\"\ntemperature = \"22 degC\"\ncell.b = { membrane = { area = \"1 um2\" }, channel.k = { use = \"channel/half_a_gate\", density = \"1 mS/cm2\" } }\n";
    std::fs::write(folder.path().join("m.toml"), text).unwrap();
    program::run_in(folder.path(), &["check", "m.toml", "--catalogue", &overlay])
        .refuses("gate `n` needs", &["m.toml"]);
}

fn not_to_be_run() -> Vec<PathBuf> {
    toml_files(&root().join("examples/broken_run").canonicalize().unwrap())
}

#[test]
fn a_model_that_cannot_be_run_says_all_that_hinders_and_no_more() {
    let catalogue = Catalogue::embedded();
    let files = not_to_be_run();
    assert!(files.len() >= 30, "{} files", files.len());
    let all = files.iter().map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        begins_with_its_mistake(path, &text);
        let shown = path.display().to_string();
        let outcome = model::resolve::model_beside(&shown, text.as_str().into(), &[], &catalogue, &beside(path));
        assert!(!outcome.diagnostics.has_errors(), "{shown}: that is for examples/broken");
        let mut out = Diagnostics::default();
        assert!(bouton::lower::model(&outcome.resolved[0], &mut out).is_none(), "{shown} can be run");
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, differences(&text, &shown, &out, &outcome.sources))
    });
    judge(all.collect());
}

#[test]
fn the_command_does_not_run_what_cannot_be_run_and_leaves_nothing() {
    for path in not_to_be_run() {
        let shown = path.display().to_string();
        assert_eq!(run(&["check", &shown]).code, Some(0), "{shown}");
        refused(&run(&["run", &shown]), &std::fs::read_to_string(&path).unwrap());
    }
}
