//! Files that a model file names: in its folder or below it, and nowhere else.

use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Most bytes of such a file.
pub const MAX_BYTES: u64 = 256 << 20;

/// Why a file is not read: what is wrong, and the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// What is wrong.
    pub message: String,
    /// The cure.
    pub hint: String,
}

/// Gives the text of a file that a model names as it is given there.
pub type Files<'a> = &'a dyn Fn(&str) -> Result<String, Unread>;

/// For a model that has no folder.
///
/// # Errors
/// Always.
pub fn nowhere(name: &str) -> Result<String, Unread> {
    no(format!("`{name}` cannot be read: this model is no file"), "a model file in a folder of its own")
}

fn no(message: String, hint: &str) -> Result<String, Unread> {
    Err(Unread { message, hint: hint.to_owned() })
}

/// Reads what the model file at `model` names, relative to its folder. Links that lead out of it are not followed. Bytes
/// that are not UTF-8 are replaced: what these files hold is ASCII but for comments.
pub fn beside(model: &Path) -> impl Fn(&str) -> Result<String, Unread> + use<> {
    let folder = match model.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    move |name: &str| {
        let below = "a file in the folder of the model file, or below it, e.g. \"morphologies/cell.swc\"";
        let path = Path::new(name);
        let plain = |c: Component| match c {
            Component::Normal(part) => !part.to_string_lossy().starts_with('.'),
            _ => false,
        };
        if name.is_empty() || name.contains('\\') || !path.components().all(plain) {
            return no(format!("`{name}` is no file below the model's folder"), below);
        }
        if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("swc")) {
            return no(format!("`{name}` is no SWC file"), "its name ends in .swc");
        }
        let cannot = |e: std::io::Error| no(format!("cannot read `{}`: {e}", folder.join(path).display()), below);
        let (root, file) = match (folder.canonicalize(), folder.join(path).canonicalize()) {
            (Ok(root), Ok(file)) => (root, file),
            (Err(e), _) | (_, Err(e)) => return cannot(e),
        };
        if !file.starts_with(&root) {
            return no(format!("`{name}` is a link that leads out of the model's folder"), below);
        }
        let size = match std::fs::metadata(&file) {
            Ok(meta) if meta.is_file() => meta.len(),
            Ok(_) => return no(format!("`{name}` is no plain file"), below),
            Err(e) => return cannot(e),
        };
        let mut bytes = Vec::new();
        match std::fs::File::open(&file).and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
            Err(e) => cannot(e),
            Ok(_) if bytes.len() as u64 > MAX_BYTES => no(
                format!("`{name}` has {:.0} MB; at most {} MB are read", size as f64 / 1e6, MAX_BYTES >> 20),
                "a morphology of fewer samples",
            ),
            Ok(_) => Ok(match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(e) => String::from_utf8_lossy(e.as_bytes()).into_owned(),
            }),
        }
    }
}
