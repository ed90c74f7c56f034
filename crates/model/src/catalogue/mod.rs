//! The catalogue: entries embedded in the program, overlaid by a folder that the user names, parsed when asked for.

mod bibliography;
mod connexin;
mod drug;
mod entry;
mod rate;
mod scheme;
mod step;

pub use bibliography::Citation;
pub use drug::{Action, Mechanism};
pub use entry::{Block, Entry, Gate, GateForm, IONS};
pub use rate::{Layout, Rate};
pub use scheme::{Balance, Class, LoopFault, Scheme, State, Step};

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources};
use crate::tree::{self, Node};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

struct Raw {
    shown: String,
    text: Arc<str>,
}

/// Entries by name (`receptor/ampa_jonas_1993`) and the bibliography.
pub struct Catalogue {
    entries: BTreeMap<String, Raw>,
    bibliographies: Vec<Raw>,
    citations: OnceLock<Vec<Citation>>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Catalogue {
    /// What the program carries. Nothing is parsed yet.
    pub fn embedded() -> Self {
        let mut out = Self { entries: BTreeMap::new(), bibliographies: Vec::new(), citations: OnceLock::new() };
        for (path, text) in catalogue::FILES {
            out.add(path, &format!("catalogue:{path}"), (*text).into());
        }
        out
    }

    /// Lays a folder of the same structure over the embedded entries; its entries win.
    ///
    /// # Errors
    /// A diagnostic for each file that cannot be read; nothing is laid over then.
    pub fn overlay(&mut self, folder: &Path) -> Result<(), Diagnostics> {
        let mut faults = Diagnostics::default();
        let mut found = Vec::new();
        let mut cannot = |path: &Path, e: std::io::Error| {
            faults.push(Diagnostic::error(format!("cannot read `{}`: {e}", path.display()), None))
        };
        let folders = match std::fs::read_dir(folder) {
            Ok(d) => d,
            Err(e) => {
                cannot(folder, e);
                return Err(faults);
            }
        };
        let mut files: Vec<std::path::PathBuf> = Vec::new();
        for item in folders.flatten() {
            let path = item.path();
            if path.is_dir() {
                match std::fs::read_dir(&path) {
                    Ok(inner) => files.extend(inner.flatten().map(|i| i.path())),
                    Err(e) => cannot(&path, e),
                }
            } else {
                files.push(path);
            }
        }
        files.sort();
        for path in files {
            if !path.extension().is_some_and(|e| e == "toml" || e == "bib") {
                continue;
            }
            match read_text(&path) {
                Ok(text) => {
                    let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                    found.push((name, path.display().to_string(), text));
                }
                Err(d) => faults.push(*d),
            }
        }
        if faults.has_errors() {
            return Err(faults);
        }
        if found.is_empty() {
            faults.push(
                Diagnostic::error(format!("`{}` holds no entry", folder.display()), None)
                    .hint("entries lie in folders by kind: receptor/mine.toml"),
            );
            return Err(faults);
        }
        for (name, shown, _) in &found {
            let kind = name.split('/').next().unwrap_or_default();
            if name.ends_with(".toml") && (!name.contains('/') || crate::fields::of_kind(kind).is_none()) {
                let kinds: Vec<&str> = crate::fields::KINDS.iter().map(|k| k.0).collect();
                let hint = format!("FOLDER/<kind>/<name>.toml, where a kind is one of {}", kinds.join(", "));
                faults.push(
                    Diagnostic::error(format!("`{shown}` does not lie in the folder of a kind"), None).hint(hint),
                );
            }
        }
        if faults.has_errors() {
            return Err(faults);
        }
        for (name, shown, text) in found {
            self.add(&name, &shown, text.into());
        }
        self.citations = OnceLock::new();
        Ok(())
    }

    fn add(&mut self, path: &str, shown: &str, text: Arc<str>) {
        let raw = Raw { shown: shown.to_owned(), text };
        match path.strip_suffix(".toml") {
            Some(name) => {
                self.entries.insert(name.to_owned(), raw);
            }
            None => self.bibliographies.push(raw),
        }
    }

    /// The names of all entries, sorted.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.entries.keys().cloned()
    }

    /// Whether there is an entry of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// BLAKE3 of the entry's text, which a manifest records.
    pub fn hash(&self, name: &str) -> Option<String> {
        Some(blake3::hash(self.entries.get(name)?.text.as_bytes()).to_hex().to_string())
    }

    /// The entry as a tree; its faults of syntax go to `out`.
    pub fn tree(&self, name: &str, sources: &mut Sources, out: &mut Diagnostics) -> Option<(FileId, Node)> {
        let raw = self.entries.get(name)?;
        let file = sources.add(&raw.shown, raw.text.clone());
        let node = tree::parse(&raw.text, file, sources, out);
        Some((file, node))
    }

    /// The entry, read whole; every fault in it goes to `out`, and with an error among them there is none.
    pub fn entry(&self, name: &str, sources: &mut Sources, out: &mut Diagnostics) -> Option<std::sync::Arc<Entry>> {
        let mut own = Diagnostics::default();
        let (file, node) = self.tree(name, sources, &mut own)?;
        let entry = entry::read(name, file, &node, self, sources, &mut own);
        let failed = own.has_errors();
        own.0.into_iter().for_each(|d| out.push(d));
        entry.filter(|_| !failed).map(std::sync::Arc::new)
    }

    fn citations(&self) -> &[Citation] {
        self.citations.get_or_init(|| self.bibliographies.iter().flat_map(|b| bibliography::read(&b.text)).collect())
    }

    /// All keys of the bibliography.
    pub fn source_keys(&self) -> Vec<String> {
        self.citations().iter().map(|c| c.key.clone()).collect()
    }

    /// The citation of that key.
    pub fn citation(&self, key: &str) -> Option<&Citation> {
        self.citations().iter().find(|c| c.key == key)
    }

    /// Faults of the bibliographies themselves.
    pub fn bibliography_faults(&self) -> Vec<String> {
        let mut out: Vec<String> = self
            .bibliographies
            .iter()
            .flat_map(|b| bibliography::faults(&b.text).into_iter().map(|f| format!("{}: {f}", b.shown)))
            .collect();
        let keys = self.source_keys();
        out.extend(
            keys.iter()
                .enumerate()
                .filter(|(i, k)| keys[..*i].contains(k))
                .map(|(_, k)| format!("`{k}` is defined twice")),
        );
        out
    }
}

/// Reads a text file of bounded size; says what is wrong with one that is binary, too large or not there.
///
/// # Errors
/// The diagnostic to show.
pub fn read_text(path: &Path) -> Result<String, Box<Diagnostic>> {
    use std::io::Read as _;
    let shown = path.display();
    let wrong = |message: String, hint: &str| {
        let d = Diagnostic::error(message, None);
        Err(Box::new(if hint.is_empty() { d } else { d.hint(hint) }))
    };
    let whole = || -> std::io::Result<(std::fs::Metadata, Vec<u8>)> {
        let meta = std::fs::metadata(path)?;
        let mut bytes = Vec::new();
        if meta.is_file() {
            std::fs::File::open(path)?.take(tree::MAX_BYTES + 1).read_to_end(&mut bytes)?;
        }
        Ok((meta, bytes))
    };
    let (meta, bytes) = match whole() {
        Ok(x) => x,
        Err(e) => return wrong(format!("cannot read `{shown}`: {e}"), ""),
    };
    if !meta.is_file() {
        let what = if meta.is_dir() { "a folder" } else { "no plain file" };
        return wrong(format!("`{shown}` is {what}; a model is one file"), "");
    }
    if bytes.len() as u64 > tree::MAX_BYTES {
        let size = meta.len() as f64 / 1e6;
        return wrong(
            format!("`{shown}` has {size:.1} MB; at most {} MB are read", tree::MAX_BYTES >> 20),
            "models and entries are written by hand: describe populations by `count` and rules",
        );
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => {
            wrong(format!("`{shown}` is a binary file, not a model"), "a model is a text file in TOML")
        }
        Ok(text) => Ok(text),
        Err(e) => wrong(
            format!("`{shown}` is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()),
            "a model is a text file in TOML; save it as UTF-8",
        ),
    }
}
