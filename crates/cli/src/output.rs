//! Where data and talk go, and files that appear whole.

use model::diagnostic::{Diagnostic, Diagnostics, Sources};
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Data, on stdout. A reader that has gone away (`| head`) ends the program quietly; any other failure is one.
pub fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(e) = out.write_all(printable(text, coloured_data()).as_bytes()).and_then(|()| out.flush()) {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        fault(Diagnostic::error(format!("cannot write the output: {e}"), None));
        std::process::exit(1);
    }
}

/// Talk, on stderr.
pub fn talk(text: &str) {
    let _ = std::io::stderr().write_all(printable(text, colour(std::io::stderr().is_terminal())).as_bytes());
}

/// Text without control characters, which a file could use to command the terminal. Line ends, tabs and our own colours
/// (`ESC [ digits m`) pass; others are written as JSON does, `\u001b`.
fn printable(text: &str, coloured: bool) -> Cow<'_, str> {
    let plain = |c: char| !c.is_control() || c == '\n' || c == '\t';
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (i, c) in text.char_indices() {
        let colour = coloured && c == '\u{1b}' && {
            let rest = text[i + 1..].strip_prefix('[').unwrap_or("");
            rest.trim_start_matches(|d: char| d.is_ascii_digit() || d == ';').starts_with('m')
        };
        if plain(c) || colour {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        }
    }
    Cow::Owned(out)
}

/// Whether to colour a stream: a terminal, and nobody has set `NO_COLOR`.
fn colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Whether data may be coloured.
pub fn coloured_data() -> bool {
    colour(std::io::stdout().is_terminal())
}

/// Prints diagnostics; the exit code says whether an error was among them.
pub fn faults(all: &Diagnostics, sources: &Sources) -> ExitCode {
    talk(&all.render(sources, colour(std::io::stderr().is_terminal())));
    if all.has_errors() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// One fault without a place.
pub fn fault(d: Diagnostic) -> ExitCode {
    let mut all = Diagnostics::default();
    all.push(d);
    faults(&all, &Sources::default())
}

/// Writes a file whole: aside first, then renamed. An existing file is kept unless `force`.
pub fn file(path: &Path, text: &str, force: bool) -> Result<(), Box<Diagnostic>> {
    let shown = path.display();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = |e: &std::io::Error| Box::new(Diagnostic::error(format!("cannot write `{shown}`: {e}"), None));
    // A device, a pipe or a link would be replaced by the renaming, which nobody means by --force.
    if std::fs::symlink_metadata(path).is_ok_and(|m| !m.is_file()) {
        return Err(Box::new(Diagnostic::error(format!("`{shown}` is no plain file; it is left as it is"), None)));
    }
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(|e| cannot(&e))?;
    aside.write_all(text.as_bytes()).map_err(|e| cannot(&e))?;
    #[cfg(unix)]
    {
        // A temporary file is the user's alone; a result is for whoever may read the folder.
        use std::os::unix::fs::PermissionsExt;
        aside.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(|e| cannot(&e))?;
    }
    let done = if force { aside.persist(path) } else { aside.persist_noclobber(path) };
    match done {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Err(Box::new(
            Diagnostic::error(format!("`{shown}` exists already"), None).hint("another name, or --force to replace it"),
        )),
        Err(e) => Err(cannot(&e.error)),
    }
}

/// Columns of the terminal, for text that goes there; 100 elsewhere.
pub fn columns() -> usize {
    std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(100usize).clamp(40, 120)
}
