//! The rules of the house, as functions over text: `tests/house.rs` holds the tree to them.
//!
//! They read Rust by a lexer's rules ([`code`]), not by a parser's: a macro that writes a path or an `unsafe` piece by
//! piece escapes them. Each has a twin in its own file's tests, which it must refuse.

mod arrows;
mod lexer;
mod licences;
mod source;

pub use arrows::{crate_arrows, manifest_arrows, organ_arrows};
pub use lexer::{code, test_files, without_tests};
pub use licences::licences;
pub use source::{libm, machine_paths, module_docs, size, unfinished, unsafe_reasons};

use std::fmt;
use std::path::Path;
use std::process::Command;

/// A place where a rule does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Which file, from the root of the repository.
    pub file: String,
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Fault {
    fn new(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into() }
    }
}

/// A text file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// From the root of the repository, with slashes.
    pub file: String,
    /// All of it.
    pub text: String,
}

impl Text {
    /// The crate's folder and the path within, of a file below `crates/`.
    #[must_use]
    pub fn in_crate(&self) -> Option<(&str, &str)> {
        self.file.strip_prefix("crates/")?.split_once('/')
    }
}

/// Every text file that is tracked, or would be by `git add`, sorted; without git, every one outside `target`.
///
/// # Errors
/// What the file system says.
pub fn tree(root: &Path) -> std::io::Result<Vec<Text>> {
    let mut names = match tracked(root) {
        Some(names) => names,
        None => {
            let mut names = Vec::new();
            walk(root, root, &mut names)?;
            names
        }
    };
    names.sort();
    names.dedup();
    let mut texts = Vec::new();
    for file in names {
        let path = root.join(&file);
        // deleted and not yet committed, or a link to a folder
        if !path.is_file() {
            continue;
        }
        // what is not UTF-8 is not text
        if let Ok(text) = String::from_utf8(std::fs::read(path)?) {
            texts.push(Text { file, text });
        }
    }
    Ok(texts)
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let out = Command::new("git").arg("-C").arg(root).args(list).output().ok()?;
    let names = String::from_utf8(out.stdout).ok()?;
    let names: Vec<String> = names.split('\0').filter(|name| !name.is_empty()).map(String::from).collect();
    (out.status.success() && !names.is_empty()).then_some(names)
}

fn walk(root: &Path, folder: &Path, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != "target" && name != ".git" && name != "out" {
                walk(root, &path, names)?;
            }
        } else if let Ok(relative) = path.strip_prefix(root) {
            names.push(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}
