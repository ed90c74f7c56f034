//! Who may know whom: crates by their manifests and their paths, organs by their paths.

use super::lexer::{self, line_of, paths};
use super::{Fault, Text};

/// Package, library, and the packages of ours that it may depend on.
const CRATES: [(&str, &str, &[&str]); 7] = [
    ("bouton-catalogue", "catalogue", &[]),
    ("bouton-numerics", "numerics", &[]),
    ("bouton-model", "model", &["bouton-numerics", "bouton-catalogue"]),
    ("bouton-engine", "engine", &["bouton-numerics"]),
    ("bouton-lib", "bouton", &["bouton-model", "bouton-engine", "bouton-numerics"]),
    ("bouton", "", &["bouton-lib", "bouton-model"]),
    ("bouton-check", "check", &["bouton-catalogue", "bouton-numerics", "bouton-model", "bouton-engine", "bouton-lib"]),
];

/// The folders of the engine that meet in ports only.
const ORGANS: [&str; 9] =
    ["terminal", "cleft", "receptor", "spine", "membrane", "neuron", "junction", "plasticity", "network"];
/// Those of them that are formulas alone, without state: any organ may use them.
const FORMULAS: [&str; 1] = ["membrane"];

fn entry(package: &str) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    CRATES.iter().find(|c| c.0 == package)
}

/// The arrows of one manifest: dependencies of every kind, of every target. `bouton-check` is for tests alone, the
/// command (`bouton`) for nobody.
#[must_use]
pub fn manifest_arrows(manifest: &Text) -> Vec<Fault> {
    let fault = |what: String| Fault::new(&manifest.file, 1, what);
    let table: toml::Table = match manifest.text.parse() {
        Ok(table) => table,
        Err(error) => return vec![fault(format!("no manifest: {error}"))],
    };
    let name = table.get("package").and_then(|p| p.get("name")).and_then(toml::Value::as_str).unwrap_or_default();
    let Some((_, _, allowed)) = entry(name) else {
        return vec![fault(format!("package `{name}` is not in the house; write its arrows into check::house"))];
    };
    let mut sections = vec![&table];
    if let Some(targets) = table.get("target").and_then(toml::Value::as_table) {
        sections.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let mut faults = Vec::new();
    for section in sections {
        for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(list) = section.get(kind).and_then(toml::Value::as_table) else { continue };
            for (key, value) in list {
                let package = value.get("package").and_then(toml::Value::as_str).unwrap_or(key);
                let tests_tool = package == "bouton-check" && kind == "dev-dependencies";
                if entry(package).is_some() && !allowed.contains(&package) && !tests_tool {
                    faults.push(fault(format!("`{name}` must not have `{package}` among its {kind}")));
                }
            }
        }
    }
    faults
}

/// The arrows in one file's paths, tests left out. `modules`: the names of all modules of its crate, which hide
/// crates of the same name.
#[must_use]
pub fn crate_arrows(source: &Text, package: &str, modules: &[String]) -> Vec<Fault> {
    let code = lexer::without_tests(&lexer::code(&source.text));
    let all = paths(&code, &module(&source.file));
    let Some((_, own, allowed)) = entry(package) else { return Vec::new() };
    // `use model::catalogue` makes `catalogue` a name of this file
    let named: Vec<&str> =
        all.iter().filter(|p| p.segments.len() > 1 || p.inside).filter_map(|p| p.named.as_deref()).collect();
    let mut faults = Vec::new();
    for path in all.iter().filter(|p| !p.inside) {
        let Some(first) = path.segments.first() else { continue };
        let Some((other, _, _)) = CRATES.iter().find(|c| c.1 == first && c.1 != *own) else { continue };
        if !allowed.contains(other) && !modules.contains(first) && !named.contains(&first.as_str()) {
            let what = format!("`{package}` must not see `{other}`, as `{}` does", path.segments.join("::"));
            faults.push(Fault::new(&source.file, line_of(&code, path.offset), what));
        }
    }
    faults
}

/// The arrows between organs in one file of the engine, its tests included.
#[must_use]
pub fn organ_arrows(source: &Text) -> Vec<Fault> {
    let module = module(&source.file);
    let Some(own) = module.first().filter(|m| ORGANS.contains(&m.as_str())) else { return Vec::new() };
    let code = lexer::code(&source.text);
    let mut faults = Vec::new();
    for path in paths(&code, &module) {
        let segments = match path.segments.first().map(String::as_str) {
            Some("engine") if !path.inside => &path.segments[1..],
            _ if path.inside => &path.segments[..],
            _ => continue,
        };
        let Some(first) = segments.first() else { continue };
        let other = ORGANS.contains(&first.as_str()) && !FORMULAS.contains(&first.as_str()) && first != own;
        if other || first == "*" {
            let what = format!("organ `{own}` must not use `{}`: organs meet in ports", segments.join("::"));
            faults.push(Fault::new(&source.file, line_of(&code, path.offset), what));
        }
    }
    faults
}

/// The module that a file below `src` is, from the crate's root.
fn module(file: &str) -> Vec<String> {
    let within = file.split_once("/src/").map_or(file, |(_, within)| within).trim_end_matches(".rs");
    let within = within.strip_suffix("/mod").unwrap_or(within);
    if matches!(within, "lib" | "main") { Vec::new() } else { within.split('/').map(String::from).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str, text: &str) -> Text {
        Text { file: file.into(), text: text.into() }
    }

    fn manifest(name: &str, rest: &str) -> Text {
        text("crates/x/Cargo.toml", &format!("[package]\nname = \"{name}\"\n{rest}"))
    }

    #[test]
    fn allowed_arrows_pass() {
        let good = manifest("bouton-model", "[dependencies]\nbouton-catalogue.workspace = true\ntoml = \"1\"\n");
        assert_eq!(manifest_arrows(&good), []);
        let tools = manifest("bouton-numerics", "[dev-dependencies]\nbouton-check.workspace = true\n");
        assert_eq!(manifest_arrows(&tools), []);
    }

    #[test]
    fn wrong_arrows_in_manifests_are_faults_however_they_are_written() {
        for (name, rest) in [
            ("bouton-model", "[dependencies]\nbouton-engine.workspace = true\n"),
            ("bouton-catalogue", "[build-dependencies]\nbouton-numerics = \"0.1\"\n"),
            ("bouton-numerics", "[dev-dependencies]\nbouton-engine.workspace = true\n"),
            ("bouton-engine", "[target.'cfg(unix)'.dependencies]\nbouton-model.workspace = true\n"),
            ("bouton-engine", "[dependencies]\ndescription = { package = \"bouton-model\", path = \"../model\" }\n"),
            ("bouton-engine", "[dependencies]\nbouton-check.workspace = true\n"),
            ("bouton-check", "[dev-dependencies]\nbouton.workspace = true\n"),
            ("bouton-lib", "[dependencies]\nbouton-catalogue.workspace = true\n"),
            ("bouton", "[dependencies]\nbouton-engine.workspace = true\n"),
            ("bouton-new", ""),
            ("bouton-model", "[dependencies\n"),
        ] {
            assert_eq!(manifest_arrows(&manifest(name, rest)).len(), 1, "{name} {rest}");
        }
    }

    #[test]
    fn wrong_arrows_in_paths_are_faults_and_names_of_ones_own_are_not() {
        let faults = |package: &str, source: &str, modules: &[&str]| {
            let modules: Vec<String> = modules.iter().map(|m| m.to_string()).collect();
            crate_arrows(&text("crates/x/src/a.rs", source), package, &modules).len()
        };
        for bad in ["use model::units::Q;", "fn f() { ::model::g() }", "use {numerics::x, model::y};", "use model;"] {
            assert_eq!(faults("bouton-engine", bad, &[]), 1, "{bad}");
        }
        let good = [
            "use numerics::math;",
            "// use model::units;\nconst A: &str = \"model::x\";",
            "use crate::model::x;",
            "#[cfg(test)] mod tests { use check::statistics; }",
            "use numerics::model; fn f() { model::g() }",
        ];
        for good in good {
            assert_eq!(faults("bouton-engine", good, &[]), 0, "{good}");
        }
        assert_eq!(faults("bouton-engine", "mod model; fn f() { model::g() }", &["model"]), 0);
        assert_eq!(faults("bouton", "fn f() { engine::time::g() }", &[]), 1);
    }

    #[test]
    fn an_organ_that_uses_another_is_a_fault_by_any_road() {
        let faults = |file: &str, source: &str| organ_arrows(&text(&format!("crates/engine/src/{file}"), source)).len();
        for bad in [
            "use crate::receptor::waveform;",
            "use crate::{time::Tick, receptor::{self, waveform}};",
            "fn f() { crate::receptor::g() }",
            "use super::super::receptor::waveform;",
            "use crate::*;",
            "fn f() { engine::receptor::g() }",
            "#[cfg(test)] mod tests { use crate::receptor::x; }",
        ] {
            let want = if bad.contains("self") { 2 } else { 1 };
            assert_eq!(faults("membrane/ghk.rs", bad), want, "{bad}");
        }
        for good in [
            "use super::nernst;",
            "use crate::time::Tick; use crate::membrane::x;",
            "use super::{a, b}; // crate::receptor",
        ] {
            assert_eq!(faults("membrane/ghk.rs", good), 0, "{good}");
        }
        assert_eq!(faults("neuron/ionic.rs", "use crate::membrane::Ghk;"), 0, "formulas are everybody's");
        assert_eq!(faults("neuron/ionic.rs", "use crate::receptor::x;"), 1);
        // who is no organ may use all of them
        assert_eq!(faults("step.rs", "use crate::receptor::x; use crate::membrane::y;"), 0);
    }
}
