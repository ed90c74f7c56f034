//! The house stands: arrows run one way, and every file keeps the rules. Each rule's twin is in `check::house`.

use check::house::{self, Fault, Text};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../..").canonicalize().expect("a crate lies two folders below the root")
}

fn tree() -> Vec<Text> {
    house::tree(&root()).expect("the repository can be read")
}

fn holds(rule: &str, faults: Vec<Fault>) {
    let list: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(list.is_empty(), "{rule}: {} fault(s)\n{}", list.len(), list.join("\n"));
}

/// The Rust files below `src` of the crates in `folders` (all, if none is named), tests' files left out.
fn sources(folders: &[&str]) -> Vec<Text> {
    let all: Vec<Text> =
        rust().into_iter().filter(|t| t.in_crate().is_some_and(|(_, f)| f.starts_with("src/"))).collect();
    let tests: BTreeSet<String> = all.iter().flat_map(|t| house::test_files(&t.file, &t.text)).collect();
    let wanted = |t: &Text| t.in_crate().is_some_and(|(folder, _)| folders.is_empty() || folders.contains(&folder));
    let chosen: Vec<Text> = all.into_iter().filter(|t| wanted(t) && !tests.contains(&t.file)).collect();
    assert!(!chosen.is_empty(), "no sources found in {folders:?}");
    chosen
}

fn rust() -> Vec<Text> {
    tree().into_iter().filter(|t| t.file.ends_with(".rs")).collect()
}

#[test]
fn manifests_draw_no_arrow_that_is_not_allowed() {
    let manifests = tree().into_iter().filter(|t| t.in_crate().is_some_and(|(_, file)| file == "Cargo.toml"));
    let manifests: Vec<Text> = manifests.collect();
    assert!(manifests.len() >= 7, "the manifests are found");
    holds("arrows between crates", manifests.iter().flat_map(house::manifest_arrows).collect());
}

#[test]
fn sources_name_no_crate_that_they_must_not_see() {
    let packages = [
        ("catalogue", "bouton-catalogue"),
        ("numerics", "bouton-numerics"),
        ("model", "bouton-model"),
        ("engine", "bouton-engine"),
        ("bouton", "bouton-lib"),
        ("cli", "bouton"),
    ];
    let mut faults = Vec::new();
    for (folder, package) in packages {
        let files = sources(&[folder]);
        let stem = |t: &Text| {
            let path = t.file.trim_end_matches(".rs").trim_end_matches("/mod");
            path.rsplit('/').next().unwrap_or_default().to_string()
        };
        let modules: Vec<String> = files.iter().map(stem).collect();
        faults.extend(files.iter().flat_map(|file| house::crate_arrows(file, package, &modules)));
    }
    holds("crates in paths", faults);
}

#[test]
fn organs_meet_in_ports_only() {
    let engine = rust().into_iter().filter(|t| t.file.starts_with("crates/engine/src/"));
    holds("arrows between organs", engine.flat_map(|t| house::organ_arrows(&t)).collect());
}

#[test]
fn no_result_depends_on_the_machine_s_libm() {
    let files = sources(&["numerics", "engine", "model"]);
    holds("std's transcendental functions", files.iter().flat_map(house::libm).collect());
}

#[test]
fn every_unsafe_says_why_it_is_not() {
    holds("reasons for unsafe", rust().iter().flat_map(house::unsafe_reasons).collect());
}

#[test]
fn no_file_is_longer_than_600_lines() {
    holds("length", tree().iter().flat_map(house::size).collect());
}

#[test]
fn nothing_is_left_undone() {
    holds("unfinished work", rust().iter().flat_map(house::unfinished).collect());
}

#[test]
fn every_module_says_what_it_is_for() {
    let libraries = ["catalogue", "numerics", "model", "engine", "bouton", "check"];
    holds("module documentation", sources(&libraries).iter().flat_map(house::module_docs).collect());
}

#[test]
fn no_text_names_a_folder_of_one_machine() {
    let root = root();
    // a parent that everybody has says nothing
    let common = ["/", "/tmp", "/src", "/opt", "/builds"];
    let parents = [Some(root.as_path()), root.parent()].into_iter().flatten().map(|p| p.to_string_lossy().into_owned());
    let folders: Vec<String> = parents.filter(|p| !common.contains(&p.as_str())).map(|p| p + "/").collect();
    holds("absolute paths", tree().iter().flat_map(|t| house::machine_paths(t, &folders)).collect());
}

#[test]
fn every_dependency_can_be_had_under_an_allowed_licence() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |arguments: &[&str]| Command::new(&cargo).current_dir(root()).args(arguments).output();
    let Ok(version) = run(&["-vV"]) else {
        println!("skipped: no cargo here, so the licences of the dependencies were not looked at");
        return;
    };
    // only what this platform builds is sure to have been fetched
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo says where it runs");
    let out = run(&["metadata", "--offline", "--format-version", "1", "--filter-platform", host]);
    let out = out.expect("cargo ran a moment ago");
    let why = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "`cargo metadata --offline` failed; `cargo fetch` first\n{why}");
    let faults = house::licences(&String::from_utf8_lossy(&out.stdout)).expect("cargo's own format");
    holds("licences", faults);
}
