//! `bouton run` at its edges: signals, streams, the command line, faults of a run, and what would not fit into memory.

mod models;
mod program;

use models::{CERTAIN, HEAD, LONG, MECHANISM, RECORDED, columns, good, manifest, model, rows, run_model, run_options};
use program::{run, run_in, run_with};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), text).unwrap();
    folder
}

fn hidden(folder: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path());
    all.filter(|p| p.file_name().unwrap().to_string_lossy().contains(".unfinished-")).collect()
}

/// A long run that is under way.
fn under_way(folder: &Path, options: &[&str]) -> Child {
    let child = Command::new(env!("CARGO_BIN_EXE_bouton"))
        .args(["run", "m.toml", "--threads", "2"])
        .args(options)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while hidden(folder).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Some trials are done by then.
    std::thread::sleep(Duration::from_millis(700));
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_readable_folder_that_says_it_is_partial() {
    let folder = with(LONG);
    let child = under_way(folder.path(), &[]);
    let asked = Instant::now();
    signal(&child, "-INT");
    let out = child.wait_with_output().unwrap();
    let took = asked.elapsed();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(130), "{stderr}");
    assert!(took < Duration::from_secs(3), "it took {took:?}");
    assert!(stderr.contains("interrupted") && stderr.contains("m-1") && stderr.contains("partial"), "{stderr}");
    assert!(hidden(folder.path()).is_empty());
    let results = folder.path().join("m-1");
    let manifest = manifest(&results);
    assert_eq!(manifest["partial"], "interrupted");
    let (asked, done) = (&manifest["conditions"][0]["trials_asked"], &manifest["conditions"][0]["trials"]);
    assert_eq!(asked, 2_000_000);
    let done = done.as_u64().unwrap() as usize;
    assert!(done > 0 && done < 2_000_000, "{done} trials");
    assert_eq!(rows(&results.join("trials.feather"), &["trial"]).len(), done);
    assert_eq!(rows(&results.join("mean.feather"), &["time (ms)"]).len(), 41);
    assert!(!rows(&results.join("events.feather"), &["event"]).is_empty());
    assert!(results.join("report.html").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_a_hidden_folder_of_which_the_next_one_tells() {
    let folder = with(LONG);
    let here = folder.path();
    let mut child = under_way(here, &["--quiet"]);
    let left = hidden(here)[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(left.starts_with(".m-1.unfinished-"), "{left}");
    // Whoever is still at work is not told of.
    let ran = good(here, &["--trials", "1", "--set", "duration=2 ms"]);
    assert!(!ran.stderr.contains("killed"), "{}", ran.stderr);
    assert!(here.join("m-2").is_dir(), "the first number is taken: {:?}", ran.left);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(hidden(here).len(), 1);
    let ran = good(here, &["--trials", "1", "--set", "duration=2 ms"]);
    assert!(ran.stderr.contains(&left) && ran.stderr.contains("killed"), "{}", ran.stderr);
    assert!(here.join("m-3/manifest.json").is_file() && hidden(here).len() == 1, "{:?}", ran.left);
}

fn finite(v: &Value) {
    match v {
        Value::Number(n) => assert!(n.as_f64().is_some_and(f64::is_finite), "{n}"),
        Value::Array(all) => all.iter().for_each(finite),
        Value::Object(all) => all.values().for_each(finite),
        _ => {}
    }
}

#[test]
fn json_is_valid_and_its_numbers_are_finite_or_null() {
    // One trial, in which nothing happens: no deviation, no rise time, no latency.
    let silent = model(MECHANISM, 1).replace("pq.count = 40", "pq.count = 0");
    for text in [silent, model(MECHANISM, 6), model(CERTAIN, 2)] {
        let folder = with(&text);
        let ran = good(folder.path(), &["--json"]);
        let value: Value = serde_json::from_str(&ran.stdout).unwrap();
        finite(&value);
        finite(&manifest(&folder.path().join("m-1")));
        assert!(value["partial"].is_null() && value["folder"].as_str().unwrap().ends_with("m-1"));
        let measures = value["conditions"][0]["measures"].as_array().unwrap();
        assert_eq!(measures.len(), 3);
        assert!(measures.iter().all(|m| m["n"].is_u64() && (m["mean"].is_number() || m["mean"].is_null())));
    }
}

#[test]
fn quiet_prints_nothing() {
    let folder = with(&model(CERTAIN, 1));
    let ran = good(folder.path(), &["--quiet"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert!(folder.path().join("m-1/manifest.json").is_file());
}

#[test]
fn data_goes_to_stdout_and_no_bar_to_what_is_no_terminal() {
    let folder = with(&model(CERTAIN, 4));
    let ran = good(folder.path(), &[]);
    assert!(ran.stdout.contains("epsp.amplitude") && ran.stdout.contains("Report: "), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains('\u{1b}'), "{:?}", ran.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn numbers_that_cannot_be_shown_are_an_error_and_the_folder_is_whole() {
    let folder = with(&model(CERTAIN, 1));
    let line = "\"$0\" run m.toml > /dev/full";
    let shell = |line: &str| {
        let args = ["-c", line, env!("CARGO_BIN_EXE_bouton")];
        Command::new("bash").args(args).current_dir(folder.path()).output().unwrap()
    };
    assert_eq!(shell(line).status.code(), Some(1));
    assert!(folder.path().join("m-1/manifest.json").is_file());
    let out = shell("\"$0\" run m.toml --json | head -1; exit ${PIPESTATUS[0]}");
    assert_eq!((out.status.code(), out.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn runs_side_by_side_have_numbers_of_their_own() {
    let folder = with(&model(CERTAIN, 8));
    let begin = |_| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bouton"));
        command.args(["run", "m.toml", "--quiet", "--threads", "1"]).current_dir(folder.path()).spawn().unwrap()
    };
    let all: Vec<Child> = (0..6).map(begin).collect();
    assert!(all.into_iter().all(|mut child| child.wait().unwrap().success()));
    assert!(hidden(folder.path()).is_empty());
    let folders = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_dir());
    let folders: Vec<PathBuf> = folders.collect();
    assert_eq!(folders.len(), 6, "{folders:?}");
    assert!(folders.iter().all(|f| models::differing(f, &folders[0]).is_empty()));
}

#[test]
fn set_takes_values_with_and_without_quotes() {
    let folder = with(&model(CERTAIN, 1));
    let here = folder.path();
    let options = ["temperature=34 degC", "temperature=\"34 degC\"", "temperature = '34 degC'"];
    for (i, set) in options.iter().enumerate() {
        good(here, &["--set", set]);
        let manifest = manifest(&here.join(format!("m-{}", i + 1)));
        assert!((manifest["conditions"][0]["temperature_K"].as_f64().unwrap() - 307.15).abs() < 1e-9, "{set}");
    }
    assert!(models::differing(&here.join("m-1"), &here.join("m-2")).is_empty());
    // The last word counts, and an option is later than any --set.
    good(here, &["--set", "trials=2", "--set", "trials=3", "--out", "last"]);
    assert_eq!(manifest(&here.join("last"))["conditions"][0]["trials"], 3);
    good(here, &["--trials", "4", "--set", "trials=2", "--out", "option"]);
    assert_eq!(manifest(&here.join("option"))["conditions"][0]["trials"], 4);
}

#[test]
fn set_refuses_what_is_not_there_and_names_it() {
    let folder = with(&model(CERTAIN, 1));
    for (set, what) in [
        ("foo=1", "`model` has no field `foo`"),
        ("cell.receiver.membrane.areas=\"3 um2\"", "`membrane` has no field `areas`"),
        ("synapse.contact.terminals.docked=5", "no field `terminals`"),
        ("cell.sender", "`cell.sender` says nothing otherwise"),
        ("temperature=34", "`temperature = 34` has no unit"),
        ("temperature=34 mV", "is a temperature, but"),
        ("=3", "not TOML"),
        ("numerics.step=0 us", "`step = 0 us` is out of range"),
        ("numerics.step=-1 us", "`step = -1 us` is out of range"),
        ("duration=1e9 s", "the duration is more than 1000000000 steps"),
        ("duration=-1 ms", "`duration = -1 ms` is negative"),
    ] {
        let ran = run_options(folder.path(), &["--set", set]);
        ran.refuses(what, &["m.toml"]);
        assert!(ran.stderr.contains("--> --set "), "{set}: {}", ran.stderr);
    }
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2() {
    let folder = with(&model(CERTAIN, 1));
    for options in [
        ["--trials", "0"],
        ["--trials", "1000000001"],
        ["--trials", "-1"],
        ["--threads", "0"],
        ["--threads", "4000000"],
        ["--threads", "many"],
        ["--seed", "-1"],
        ["--seed", "1e3"],
        ["--simd", "sse"],
        ["--out", ""],
        ["--set", ""],
    ] {
        let ran = run_options(folder.path(), &options);
        let code = if options[0] == "--set" { 1 } else { 2 };
        assert_eq!((ran.code, ran.left.len()), (Some(code), 1), "{options:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty() && !ran.stderr.contains("-- -1"), "{}", ran.stderr);
    }
    assert_eq!(run(&["run"]).code, Some(2));
}

#[test]
fn what_is_no_model_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    run_in(here, &["run", "none.toml"]).refuses("cannot read `none.toml`", &[]);
    run_in(here, &["run", "."]).refuses("`.` is a folder", &[]);
    run_in(here, &["run", "-"]).refuses("cannot read `-`", &[]);
    let long = format!("{}.toml", "y".repeat(245));
    std::fs::write(here.join(&long), model(CERTAIN, 1)).unwrap();
    run_in(here, &["run", &long]).refuses("File name too long", &[&long]);
    assert_eq!(run_in(here, &["run", &long, "--out", "short"]).code, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to_is_refused_before_anything_is_computed() {
    let folder = with(LONG);
    // Not even root writes there.
    let begun = Instant::now();
    let ran = run_options(folder.path(), &["--out", "/proc/results"]);
    ran.refuses("cannot make the folder `/proc/", &["m.toml"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn an_empty_model_runs_and_leaves_an_empty_recording() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run_model(folder.path(), "duration = \"1 ms\"\ntemperature = \"22 degC\"\n", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("nothing was measured"), "{}", ran.stdout);
    assert!(folder.path().join("m-1/manifest.json").is_file());
}

#[test]
fn a_fault_of_a_run_names_cell_compartment_time_trial_and_a_cure_and_leaves_nothing() {
    let squid = "duration = \"5 ms\"\ntemperature = \"6.3 degC\"\ntrials = 3\ncell.axon.use = \"neuron/hh1952_squid\"\n\
         clamp.x = { at = \"axon.soma\", current = \"-10 uA\", start = \"2 ms\" }\n";
    let folder = tempfile::tempdir().unwrap();
    let ran = run_model(folder.path(), squid, &[]);
    ran.refuses("in trial 0, at 2.025 ms: `cell.axon`: ", &["m.toml"]);
    for part in ["compartment 1 of 1 of `soma`", "became inf", "; try "] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    let named = format!("{squid}[condition.strong]\ntrials = 2\n");
    run_model(folder.path(), &named, &[]).refuses("in trial 0 of condition `strong`, at 2.025 ms", &["m.toml"]);
}

#[test]
fn a_fault_of_a_cleft_or_a_terminal_names_the_synapse_and_leaves_nothing() {
    let folder = with(&model(CERTAIN, 2));
    let ran = run_options(folder.path(), &["--set", "synapse.contact.cleft.diffusion=1e300 um2/ms"]);
    ran.refuses("in trial 0, at 0.5 ms: `synapse.contact.cleft`: ", &["m.toml"]);
    assert!(ran.stderr.contains(" of 32; try "), "{}", ran.stderr);
    let folder = with(&model(MECHANISM, 8));
    let ran = run_options(folder.path(), &["--set", "synapse.contact.terminal.volume=1e-30 um3"]);
    ran.refuses("`synapse.contact.terminal`: ", &["m.toml"]);
    assert!(ran.stderr.contains("in trial ") && ran.stderr.contains("; try "), "{}", ran.stderr);
}

#[test]
fn the_first_fault_is_the_same_whatever_the_threads() {
    let folder = with(&model(MECHANISM, 40));
    let said = |threads: &str| {
        let set = "synapse.contact.terminal.volume=1e-30 um3";
        run_options(folder.path(), &["--threads", threads, "--set", set]).stderr
    };
    let first = said("1");
    assert!(first.contains("in trial "), "{first}");
    assert!((0..3).all(|_| said("3") == first));
}

/// Runs with at most 2 GiB, and it is refused at once.
fn too_much(text: &str, sets: &[&str], what: &str) {
    let folder = with(text);
    let options: Vec<&str> = sets.iter().flat_map(|s| ["--set", s]).collect();
    let ran = run_with(folder.path(), &[&["run", "m.toml"], &options[..]].concat(), 5);
    ran.refuses(what, &["m.toml"]);
}

#[test]
fn what_does_not_fit_into_memory_is_refused_before_it_is_taken() {
    let certain = model(CERTAIN, 1);
    let bare = format!("{HEAD}{}{CERTAIN}", models::CELLS);
    let measured = format!("{bare}{}", &RECORDED[RECORDED.find("[measure").unwrap()..]);
    too_much(&certain, &["trials=1000000000"], "would keep");
    too_much(&measured, &["trials=1000000000"], "would keep");
    too_much(&measured, &["duration=20000 s"], "samples a trial");
    too_much(&certain, &["duration=20000 s"], "would be sampled");
    let probes: String =
        (0..3000).map(|i| format!("[probe.p{i}]\nread = \"receiver.soma.v_m\"\nevery = \"25 us\"\n")).collect();
    too_much(&format!("{bare}{probes}"), &["duration=1 s"], "samples a trial");
    let mechanism = model(MECHANISM, 1);
    too_much(&mechanism, &["synapse.contact.terminal.action_potential.half_width=1e9 s"], "slots of 0.005 ms");
    too_much(&mechanism, &["synapse.contact.terminal.docked=1000000"], "1000000 docked vesicles");
    too_much(&mechanism, &["synapse.contact.terminal.channel.pq.count=1000000000"], "1000000000 channels");
    too_much(&certain, &["synapse.contact.receptor.ampa.count=1000000000"], "1000000000 receptors");
    let of_many = certain.replace("\"receiver.soma", "\"receiver[0].soma");
    too_much(&of_many, &["cell.receiver.count=1000000000"], "1000000000 compartments");
    too_much(&certain, &["numerics.rings=1000000000"], "out of range");
    let stick = "cell.b = { use = \"neuron/ball_and_stick\", section.dend.length = \"1e9 m\" }";
    too_much(&certain, &[stick], "compartments");
}

#[test]
fn a_name_of_64_letters_is_written_and_a_longer_one_refused() {
    let name = "n".repeat(64);
    let folder = with(&model(CERTAIN, 1).replace("receiver", &name));
    good(folder.path(), &[]);
    let column = format!("{name}.soma.v_m (mV)");
    assert!(columns(&folder.path().join("m-1/traces.feather")).contains(&column));
    let folder = with(&model(CERTAIN, 1).replace("receiver", &"n".repeat(65)));
    run_options(folder.path(), &[]).refuses("cannot be a name", &["m.toml"]);
}
