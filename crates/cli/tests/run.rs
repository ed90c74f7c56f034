//! What `bouton run` leaves: a whole folder, the same bits again, and luck that has an address.

mod models;
mod program;

use models::{
    CELLS, CERTAIN, HEAD, MECHANISM, RECORDED, columns, differing, good, manifest, model, rows, run_model, run_options,
    tables,
};
use program::{root, run, run_in};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const ALL: [&str; 7] = [
    "events.feather",
    "manifest.json",
    "mean.feather",
    "model.toml",
    "report.html",
    "traces.feather",
    "trials.feather",
];

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    all.sort();
    all
}

/// A folder with `m.toml` in it.
fn with(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), text).unwrap();
    folder
}

#[test]
fn the_folder_appears_whole_and_the_next_run_has_the_next_number() {
    let folder = with(&model(CERTAIN, 3));
    let here = folder.path();
    for (number, left) in [(1, ["m-1", "m.toml"].as_slice()), (2, &["m-1", "m-2", "m.toml"])] {
        let ran = good(here, &[]);
        assert_eq!(ran.left, left, "nothing hidden, nothing half written");
        let results = here.join(format!("m-{number}"));
        assert_eq!(names(&results), ALL);
        assert!(ran.stdout.contains(&format!("m-{number}/report.html")), "{}", ran.stdout);
        assert_eq!(std::fs::read(results.join("model.toml")).unwrap(), std::fs::read(here.join("m.toml")).unwrap());
        assert!(std::fs::read_to_string(results.join("report.html")).unwrap().starts_with("<!"));
    }
    assert!(differing(&here.join("m-1"), &here.join("m-2")).is_empty());
}

#[test]
fn a_folder_that_has_something_in_it_is_never_written_to() {
    let folder = with(&model(CERTAIN, 2));
    let here = folder.path();
    std::fs::create_dir(here.join("mine")).unwrap();
    std::fs::write(here.join("mine/notes"), "mine").unwrap();
    std::fs::write(here.join("file"), "mine").unwrap();
    let all = ["file", "m.toml", "mine"];
    run_options(here, &["--out", "mine"]).refuses("`mine` is not empty: it holds `notes`", &all);
    run_options(here, &["--out", "file"]).refuses("`file` is no folder", &all);
    run_options(here, &["--out", "file/in"]).refuses("cannot make the folder `file`", &all);
    run_options(here, &["--out", "."]).refuses("`.` is not empty", &all);
    assert_eq!(names(&here.join("mine")), ["notes"]);
    good(here, &["--out", "a/b/new one"]);
    assert_eq!(names(&here.join("a/b/new one")), ALL);
    let before = tables(&here.join("a/b/new one"));
    run_options(here, &["--out", "a/b/new one", "--seed", "7"])
        .refuses("is not empty", &["a", "file", "m.toml", "mine"]);
    assert!(tables(&here.join("a/b/new one")) == before);
}

#[test]
fn an_empty_folder_is_filled_and_so_is_what_a_link_points_to() {
    let folder = with(&model(CERTAIN, 1));
    let here = folder.path();
    std::fs::create_dir(here.join("empty")).unwrap();
    good(here, &["--out", "empty"]);
    assert_eq!(names(&here.join("empty")), ALL);
    #[cfg(unix)]
    {
        std::fs::create_dir(here.join("far")).unwrap();
        std::os::unix::fs::symlink("far", here.join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", here.join("dangling")).unwrap();
        good(here, &["--out", "link"]);
        assert_eq!(names(&here.join("far")), ALL);
        let ran = run_options(here, &["--out", "dangling"]);
        assert!(ran.code == Some(1) && ran.stderr.contains("`dangling` is no folder"), "{}", ran.stderr);
        assert!(!here.join("nowhere").exists());
    }
}

#[test]
fn the_results_of_a_file_that_is_hidden_or_linked_can_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".hidden.toml"), model(CERTAIN, 1)).unwrap();
    let ran = run_in(folder.path(), &["run", ".hidden.toml"]);
    assert_eq!((ran.code, ran.left.as_slice()), (Some(0), [".hidden.toml", "hidden-1"].map(String::from).as_slice()));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".hidden.toml", folder.path().join("link.toml")).unwrap();
        assert_eq!(run_in(folder.path(), &["run", "link.toml"]).code, Some(0));
        assert_eq!(names(&folder.path().join("link-1")), ALL);
    }
}

#[test]
fn the_tables_can_be_read_and_hold_what_was_asked_for() {
    let folder = with(&model(CERTAIN, 3));
    good(folder.path(), &[]);
    let results = folder.path().join("m-1");
    let traces = columns(&results.join("traces.feather"));
    assert_eq!(traces[..4], ["condition", "trial", "time (ms)", "receiver.soma.v_m (mV)"]);
    let means = columns(&results.join("mean.feather"));
    assert!(means.contains(&"contact.cleft.glutamate mean (mM)".to_owned()), "{means:?}");
    let trials = rows(&results.join("trials.feather"), &["trial", "epsp.amplitude (mV)", "epsp.failures"]);
    assert_eq!(trials.iter().map(|r| r[0].as_str()).collect::<Vec<_>>(), ["0", "1", "2"]);
    let samples = rows(&results.join("traces.feather"), &["trial", "receiver.soma.v_m (mV)"]);
    assert_eq!(samples.len(), 3 * 61, "from 0 to 6 ms every 0.1 ms");
    assert!(samples.iter().all(|r| f64::from_bits(u64::from_str_radix(&r[1], 16).unwrap()).is_finite()));
    let events = rows(&results.join("events.feather"), &["trial", "event"]);
    let fusions: Vec<&str> = events.iter().filter(|r| r[1] == "contact.fusion").map(|r| r[0].as_str()).collect();
    assert_eq!(fusions, ["0", "1", "2"], "one vesicle a spike");
    assert_eq!(rows(&results.join("mean.feather"), &["time (ms)"]).len(), 241, "from 0 to 6 ms every 25 us");
}

/// The hash of every entry of the catalogue.
fn hash_of(entry: &str) -> String {
    let all: Value = serde_json::from_str(&run(&["catalogue", "list", "--json"]).stdout).unwrap();
    let found = all.as_array().unwrap().iter().find(|e| e["name"] == entry).unwrap_or_else(|| panic!("no {entry}"));
    found["hash"].as_str().unwrap().to_owned()
}

#[test]
fn the_manifest_has_the_hash_of_each_entry_and_of_each_file() {
    let folder = with(&model(MECHANISM, 2));
    good(folder.path(), &[]);
    let results = folder.path().join("m-1");
    let manifest = manifest(&results);
    let entries = manifest["entries"].as_object().unwrap();
    for entry in ["synapse/ca1_spine", "receptor/ampa_jonas_1993", "channel/cav2_1_li_2007", "sensor/bollmann_2000"] {
        assert_eq!(entries[entry].as_str(), Some(hash_of(entry).as_str()), "{entry}");
    }
    let files = manifest["files"].as_object().unwrap();
    assert_eq!(files.len(), ALL.len() - 1, "all but itself");
    for (name, said) in files {
        let bytes = std::fs::read(results.join(name)).unwrap();
        assert_eq!(said["blake3"].as_str(), Some(blake3::hash(&bytes).to_hex().as_str()), "{name}");
        assert_eq!(said["bytes"].as_u64(), Some(bytes.len() as u64), "{name}");
    }
    assert_eq!(manifest["model"]["text"].as_str(), Some(model(MECHANISM, 2).as_str()));
    assert!(manifest["partial"].is_null());
}

/// Runs the command that a manifest gives, in its folder, and compares.
fn replays(results: &Path) {
    let command = manifest(results)["replay"].as_str().unwrap().to_owned();
    let program = Path::new(env!("CARGO_BIN_EXE_bouton"));
    let path = format!("{}:/usr/bin:/bin", program.parent().unwrap().display());
    let ran = Command::new("sh").args(["-c", &command]).current_dir(results).env("PATH", path).output().unwrap();
    assert_eq!(ran.status.code(), Some(0), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(differing(results, &results.join("model-1")), [""; 0], "{command}");
}

#[test]
fn the_manifest_replays_to_the_bit() {
    let folder = with(&model(MECHANISM, 2));
    let here = folder.path();
    let sets = ["--set", "synapse.contact.receptor.ampa.count=60", "--set", "temperature=25 degC"];
    let options = [&sets[..], &["--seed", "9", "--trials", "11", "--set", "title=\"it's\"", "--out", "first"]].concat();
    good(here, &options);
    let manifest = manifest(&here.join("first"));
    assert_eq!((manifest["seed"].as_u64(), manifest["trials"].as_u64()), (Some(9), Some(11)));
    assert_eq!(manifest["overrides"].as_array().unwrap().len(), 3);
    assert_eq!(manifest["conditions"][0]["trials"], 11);
    replays(&here.join("first"));
    // What was overridden matters.
    good(here, &["--seed", "9", "--trials", "11", "--out", "plain"]);
    assert!(differing(&here.join("first"), &here.join("plain")).contains(&"traces.feather".to_owned()));
}

#[test]
fn conditions_with_seeds_and_trials_of_their_own_replay_to_the_bit() {
    let text = model(MECHANISM, 2);
    let folder =
        with(&format!("{text}\n[condition.a]\nseed = 5\ntrials = 3\n[condition.b]\ntemperature = \"25 degC\"\n"));
    good(folder.path(), &["--seed", "8"]);
    replays(&folder.path().join("m-1"));
}

#[test]
fn a_run_with_entries_of_ones_own_replays_from_its_folder() {
    let folder = with(&model(&CERTAIN.replace("receptor/ampa_jonas_1993", "receptor/mine"), 2));
    let here = folder.path();
    let source = root().join("crates/catalogue/data/receptor/ampa_jonas_1993.toml");
    std::fs::create_dir_all(here.join("own/receptor")).unwrap();
    std::fs::copy(source, here.join("own/receptor/mine.toml")).unwrap();
    good(here, &["--catalogue", "own"]);
    let entries = manifest(&here.join("m-1"));
    assert_eq!(entries["entries"]["receptor/mine"].as_str().map(str::len), Some(64));
    replays(&here.join("m-1"));
}

#[test]
fn no_result_depends_on_the_number_of_threads() {
    for (synapse, trials) in [(CERTAIN, 20), (MECHANISM, 35)] {
        let folder = with(&model(synapse, trials));
        let here = folder.path();
        for threads in ["1", "2", "5"] {
            good(here, &["--threads", threads, "--out", threads]);
            assert_eq!(tables(&here.join(threads)).len(), 4);
            assert_eq!(differing(&here.join("1"), &here.join(threads)), [""; 0], "{threads} threads");
        }
    }
}

/// Levels that this machine can do.
fn levels() -> Vec<&'static str> {
    let mut all = vec!["portable"];
    #[cfg(target_arch = "x86_64")]
    {
        let has = [
            ("avx2", std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")),
            ("avx512", std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512dq")),
        ];
        for (level, has) in has {
            if has {
                all.push(level);
            } else {
                println!("this machine has no {level}: not tested");
            }
        }
    }
    all
}

#[test]
fn no_result_depends_on_the_vector_instructions() {
    let squid = "duration = \"4 ms\"\ntemperature = \"6.3 degC\"\ntrials = 9\ncell.a.use = \"neuron/hh1952_squid\"\n\
         clamp.x = { at = \"a.soma\", current = \"1 nA\" }\nprobe.v.read = \"a.soma.v_m\"\n";
    for text in [model(MECHANISM, 10), model(CERTAIN, 3), squid.to_owned()] {
        let folder = with(&text);
        let here = folder.path();
        for level in levels() {
            good(here, &["--simd", level, "--out", level]);
            assert!(tables(&here.join(level)).len() >= 2);
            assert_eq!(differing(&here.join("portable"), &here.join(level)), [""; 0], "{level}");
        }
    }
}

#[test]
fn another_seed_gives_other_bytes() {
    let folder = with(&model(MECHANISM, 12));
    let here = folder.path();
    good(here, &["--seed", "1", "--out", "one"]);
    good(here, &["--seed", "2", "--out", "two"]);
    good(here, &["--set", "seed=2", "--out", "set"]);
    good(here, &["--out", "unsaid"]);
    for table in ["events.feather", "traces.feather", "mean.feather", "trials.feather"] {
        assert!(differing(&here.join("one"), &here.join("two")).contains(&table.to_owned()), "{table}");
    }
    assert!(differing(&here.join("two"), &here.join("set")).is_empty());
    assert!(differing(&here.join("one"), &here.join("unsaid")).is_empty());
}

/// All rows of a table that are of this condition.
fn of_condition(path: &Path, condition: &str) -> Vec<Vec<String>> {
    let columns = columns(path);
    let all = rows(path, &columns.iter().map(String::as_str).collect::<Vec<_>>());
    all.into_iter().filter(|r| r[0] == condition).collect()
}

#[test]
fn a_second_condition_changes_no_number_of_the_first() {
    let one = format!("{}\n[condition.one]\ntemperature = \"22 degC\"\n", model(MECHANISM, 10));
    let two = format!("{one}[condition.two]\ntemperature = \"30 degC\"\n");
    let (alone, both) = (with(&one), with(&two));
    good(alone.path(), &[]);
    good(both.path(), &[]);
    for table in ["events.feather", "traces.feather", "mean.feather", "trials.feather"] {
        let found = of_condition(&alone.path().join("m-1").join(table), "one");
        assert!(!found.is_empty(), "{table}");
        assert!(found == of_condition(&both.path().join("m-1").join(table), "one"), "{table}");
        assert!(!of_condition(&both.path().join("m-1").join(table), "two").is_empty(), "{table}");
    }
}

#[test]
fn more_trials_change_no_trial_that_was_there() {
    let folder = with(&model(MECHANISM, 5));
    let here = folder.path();
    good(here, &["--out", "few"]);
    good(here, &["--trials", "21", "--out", "many"]);
    for table in ["events.feather", "traces.feather", "trials.feather"] {
        let few = of_condition(&here.join("few").join(table), "");
        let many = of_condition(&here.join("many").join(table), "");
        assert!(!few.is_empty() && many.len() > few.len() && many[..few.len()] == few, "{table}");
    }
}

#[test]
fn a_second_synapse_with_cells_of_its_own_changes_nothing_of_the_first() {
    let other = format!("{CELLS}{MECHANISM}").replace("sender", "other").replace("receiver", "far");
    let other = other.replace("contact", "second");
    let text = |more: &str| format!("trials = 12\n{HEAD}{CELLS}{MECHANISM}{more}{RECORDED}");
    // In front of the first as well: a name is an address, a place in the file is none.
    let front = format!("trials = 12\n{HEAD}{other}{CELLS}{MECHANISM}{RECORDED}");
    let (alone, both, swapped) = (with(&text("")), with(&text(&other)), with(&front));
    for folder in [&alone, &both, &swapped] {
        good(folder.path(), &[]);
    }
    let events = |folder: &Path| -> Vec<Vec<String>> {
        let all = rows(&folder.join("m-1/events.feather"), &["trial", "time (ms)", "event", "index"]);
        all.into_iter().filter(|r| r[2].starts_with("contact.") || r[2].starts_with("receiver.")).collect()
    };
    let first = events(alone.path());
    assert!(first.len() > 3, "{} events", first.len());
    assert_eq!(first, events(both.path()));
    for table in ["traces.feather", "trials.feather"] {
        let of = |f: &tempfile::TempDir| of_condition(&f.path().join("m-1").join(table), "");
        assert!(of(&alone) == of(&both), "{table}");
    }
    assert_eq!(first, events(swapped.path()), "the order of the file");
    let second = rows(&both.path().join("m-1/events.feather"), &["event"]);
    assert!(second.iter().any(|r| r[0] == "second.fusion"), "the other synapse works too");
}

#[test]
fn two_cells_in_a_circle_run() {
    let cells = format!("{CELLS}{CERTAIN}").replace("times = [\"0.5 ms\"]", "").replace(
        "[cell.sender]",
        "[cell.sender]\nthreshold = \"-60 mV\"\nmembrane = { area = \"100 um2\" }\n\
         channel.leak = { use = \"channel/leak\", density = \"0.1 mS/cm2\", reversal = \"-65 mV\" }",
    );
    let back = CERTAIN
        .replace("contact", "back")
        .replace("sender.axon", "receiver.axon")
        .replace("to = \"receiver.soma\"", "to = \"sender.soma\"");
    let cells = cells.replace("[cell.receiver]", "[cell.receiver]\nthreshold = \"-64.9 mV\"");
    let text = format!("{HEAD}{cells}{back}\n[clamp.x]\nat = \"sender.soma\"\ncurrent = \"50 pA\"\n");
    let folder = tempfile::tempdir().unwrap();
    let ran = run_model(folder.path(), &text, &["--set", "synapse.contact.receptor.ampa.count=400"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let events = rows(&folder.path().join("m-1/events.feather"), &["event"]);
    for event in ["contact.fusion", "back.fusion"] {
        assert!(events.iter().any(|r| r[0] == event), "no {event}: {events:?}");
    }
}
