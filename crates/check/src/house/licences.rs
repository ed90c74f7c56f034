//! What others' code may ask of whoever uses ours: notices, and for MPL-2.0 changes to its own files, no more.

use super::Fault;
use spdx::{Expression, ParseMode};

/// Licences that a dependency may be had under; of `A OR B` one is enough.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The packages in `metadata`, as `cargo metadata` prints it, that cannot be had under an allowed licence.
///
/// # Errors
/// If it is not such a print.
pub fn licences(metadata: &str) -> Result<Vec<Fault>, String> {
    let json: serde_json::Value = serde_json::from_str(metadata).map_err(|e| e.to_string())?;
    let packages = json.get("packages").and_then(|p| p.as_array()).ok_or("no list of packages")?;
    let mut faults = Vec::new();
    for package in packages {
        let text = |key: &str| package.get(key).and_then(|v| v.as_str()).unwrap_or_default();
        let licence = text("license");
        // `MIT/Apache-2.0` is how `OR` was once written
        let allowed = Expression::parse_mode(licence, ParseMode::LAX).is_ok_and(|expression| {
            expression.evaluate(|wanted| wanted.license.id().is_some_and(|id| ALLOWED.contains(&id.name)))
        });
        if !allowed {
            let what =
                format!("`{}` {} has the licence `{licence}`, which is not on the list", text("name"), text("version"));
            faults.push(Fault::new("Cargo.lock", 1, what));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(licence: &str) -> usize {
        let json = format!(r#"{{"packages": [{{"name": "a", "version": "1.0.0", "license": {licence}}}]}}"#);
        licences(&json).unwrap().len()
    }

    #[test]
    fn copyleft_unknown_and_absent_licences_are_faults() {
        for bad in [
            "\"GPL-3.0-only\"",
            "\"AGPL-3.0\"",
            "\"LGPL-2.1-or-later\"",
            "\"MIT AND GPL-2.0\"",
            "\"Mine\"",
            "\"\"",
            "null",
        ] {
            assert_eq!(faults(bad), 1, "{bad}");
        }
    }

    #[test]
    fn what_can_be_had_under_an_allowed_licence_is_allowed() {
        for good in [
            "\"MIT OR GPL-3.0-only\"",
            "\"MIT/Apache-2.0\"",
            "\"Apache-2.0 WITH LLVM-exception\"",
            "\"(MIT OR Apache-2.0) AND Unicode-3.0\"",
        ] {
            assert_eq!(faults(good), 0, "{good}");
        }
    }

    #[test]
    fn what_is_not_metadata_is_an_error() {
        assert!(licences("{}").is_err() && licences("no").is_err());
    }
}
