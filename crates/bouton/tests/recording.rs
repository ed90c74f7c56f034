//! Summaries, tables read back, and folders that nobody can spoil.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, UInt32Type};
use bouton::recording::folder::{FolderError, OutputFolder, leftovers};
use bouton::recording::manifest::{Manifest, Run, write_all};
use bouton::recording::{
    Condition, Event, Measure, MeasureKind, Probe, ProbeKind, Recording, Summary, feather, summary,
};
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;

fn measure(kind: MeasureKind, values: &[f64]) -> Measure {
    let (name, quantity, unit) = ("epsc".into(), "amplitude".into(), "pA".into());
    Measure { name, of: "clamp.vc.current".into(), quantity, unit, values: values.to_vec(), kind }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} for {b}");
}

#[test]
fn a_mean_has_student_s_interval() {
    // Squares of what is left of the mean: 0.36 + 0.25 + 0.64 + 0.01 + 0.64; t of 4 degrees from the tables.
    let s = summary(&measure(MeasureKind::Mean, &[4.1, f64::NAN, 5.2, 3.9, 4.8, 5.5]));
    assert_eq!(s.n, 5);
    close(s.mean, 4.7);
    close(s.sd, 0.475f64.sqrt());
    close(s.sem, 0.095f64.sqrt());
    close(s.median, 4.8);
    let half = 2.776_445_105_197_793 * 0.095f64.sqrt();
    close(s.low95, 4.7 - half);
    close(s.high95, 4.7 + half);
}

#[test]
fn a_share_has_wilson_s_interval() {
    // The ends solve (p - x)^2 = z^2 x (1 - x) / n; here found by bisection.
    let values: Vec<f64> = (0..60).map(|i| f64::from(u8::from(i < 9))).collect();
    let s = summary(&measure(MeasureKind::Proportion, &values));
    close(s.mean, 0.15);
    close(s.low95, 0.080974405802);
    close(s.high95, 0.261145890698);
    let none = summary(&measure(MeasureKind::Proportion, &[0.0; 10]));
    assert_eq!((none.mean, none.low95), (0.0, 0.0));
    close(none.high95, 3.841_458_820_694_124 / 13.841_458_820_694_124);
    assert_eq!(summary(&measure(MeasureKind::Proportion, &[1.0; 10])).high95, 1.0);
}

#[test]
fn few_values_have_no_interval() {
    let Summary { n, mean, sd, low95, .. } = summary(&measure(MeasureKind::Mean, &[2.0]));
    assert!(n == 1 && mean == 2.0 && sd.is_nan() && low95.is_nan());
    let s = summary(&measure(MeasureKind::Mean, &[f64::NAN]));
    assert!(s.n == 0 && s.mean.is_nan() && s.median.is_nan());
}

fn recording() -> Recording {
    let probe = |path: &str, unit, every: f64, n: usize, kept: &[u64]| {
        let y = |s: f64| (0..n).map(|k| s + k as f64).collect::<Vec<f64>>();
        Probe {
            path: path.into(),
            unit,
            every,
            mean: y(0.0),
            sd: y(0.5),
            trials: kept.iter().map(|t| (*t, y(100.0 * *t as f64))).collect(),
            ..Probe::default()
        }
    };
    let event = |trial, at, what: &str| Event { trial, at, what: what.into(), index: 3 };
    let hidden = Probe { kind: ProbeKind::Automatic, ..probe("contact.hidden", "mM", 0.1, 3, &[]) };
    let base = Condition {
        temperature: 307.15,
        trials_asked: 3,
        trials: 3,
        duration: 0.4,
        // 0.1 ms times 3 is not 0.3 ms in binary: the grids must meet all the same.
        probes: vec![probe("clamp.vc.current", "pA", 0.1, 5, &[0, 2]), probe("soma.v_m", "mV", 0.3, 2, &[2]), hidden],
        events: vec![event(0, 0.25, "contact.fusion"), event(2, 0.1, "soma.spike")],
        measures: vec![measure(MeasureKind::Mean, &[-1.0, f64::NAN, -3.0])],
        ..Condition::default()
    };
    // The second condition lacks a probe and records one twice.
    let mut room = base.clone();
    room.name = "room".into();
    room.probes = vec![probe("clamp.vc.current", "pA", 0.2, 3, &[1]), probe("clamp.vc.current", "pA", 0.1, 2, &[1])];
    Recording { title: "two".into(), conditions: vec![base, room], partial: None }
}

type Bytes = Vec<u8>;

fn read(bytes: Bytes) -> Vec<RecordBatch> {
    let reader = arrow_ipc::reader::FileReader::try_new(Cursor::new(bytes), None).unwrap();
    reader.map(Result::unwrap).collect()
}

fn names(b: &RecordBatch) -> Vec<String> {
    b.schema().fields().iter().map(|f| f.name().clone()).collect()
}

fn floats(b: &[RecordBatch], name: &str) -> Vec<Option<f64>> {
    let column = |b: &RecordBatch| b.column_by_name(name).unwrap().as_primitive::<Float64Type>().iter().collect();
    b.iter().flat_map(|b| -> Vec<_> { column(b) }).collect()
}

fn whole(b: &[RecordBatch], name: &str) -> Vec<u32> {
    let column = |b: &RecordBatch| b.column_by_name(name).unwrap().as_primitive::<UInt32Type>().values().to_vec();
    b.iter().flat_map(column).collect()
}

fn words(b: &[RecordBatch], name: &str) -> Vec<String> {
    let column = |b: &RecordBatch| -> Vec<String> {
        let d = b.column_by_name(name).unwrap().as_dictionary::<Int32Type>().clone();
        let values = d.values().as_string::<i32>().clone();
        d.keys().values().iter().map(|k| values.value(*k as usize).to_owned()).collect()
    };
    b.iter().flat_map(column).collect()
}

#[test]
fn traces_read_back_on_the_union_of_their_grids() {
    let b = read(feather::traces(&recording(), Bytes::new()).unwrap());
    assert_eq!(
        names(&b[0]),
        ["condition", "trial", "time (ms)", "clamp.vc.current (pA)", "soma.v_m (mV)", "clamp.vc.current #2 (pA)"]
    );
    assert_eq!(words(&b, "condition"), [vec![""; 10], vec!["room"; 4]].concat());
    assert_eq!(whole(&b, "trial"), [0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
    let times: Vec<f64> = floats(&b, "time (ms)").into_iter().flatten().collect();
    assert_eq!(times, [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1, 0.2, 0.4], "no 0.30000000000000004");
    let v = floats(&b, "soma.v_m (mV)");
    assert_eq!(v[5..10], [Some(200.0), None, None, Some(201.0), None]);
    assert!(v[..5].iter().chain(&v[10..]).all(Option::is_none));
    assert_eq!(floats(&b, "clamp.vc.current (pA)")[10..], [Some(100.0), None, Some(101.0), Some(102.0)]);
    assert_eq!(floats(&b, "clamp.vc.current #2 (pA)")[10..], [Some(100.0), Some(101.0), None, None]);
}

#[test]
fn means_trials_and_events_read_back() {
    let r = recording();
    let b = read(feather::mean(&r, Bytes::new()).unwrap());
    assert_eq!(names(&b[0])[..4], ["condition", "time (ms)", "clamp.vc.current mean (pA)", "clamp.vc.current sd (pA)"]);
    assert_eq!(floats(&b, "clamp.vc.current sd (pA)")[..2], [Some(0.5), Some(1.5)]);
    assert!(!names(&b[0]).iter().any(|n| n.contains("hidden")), "what only the report shows is in no file");
    let b = read(feather::trials(&r, Bytes::new()).unwrap());
    assert_eq!(names(&b[0]), ["condition", "trial", "epsc.amplitude (pA)"]);
    assert_eq!(floats(&b, "epsc.amplitude (pA)")[..3], [Some(-1.0), None, Some(-3.0)]);
    assert_eq!(whole(&b, "trial"), [0, 1, 2, 0, 1, 2]);
    let b = read(feather::events(&r, Bytes::new()).unwrap());
    assert_eq!(words(&b, "event"), ["contact.fusion", "soma.spike", "contact.fusion", "soma.spike"]);
    assert_eq!(floats(&b, "time (ms)"), [Some(0.25), Some(0.1), Some(0.25), Some(0.1)]);
    assert_eq!(whole(&b, "index"), [3; 4]);
}

#[test]
fn long_tables_come_in_batches() {
    let mut r = recording();
    let long: Vec<f64> = (0..40_000).map(f64::from).collect();
    r.conditions[0].probes[0].trials = vec![(0, long.clone()), (5, long.clone())];
    r.conditions[0].measures[0].values = long;
    r.conditions[0].events = (0..40_000).map(|trial| Event { trial, ..r.conditions[0].events[0].clone() }).collect();
    for bytes in [
        feather::traces(&r, Bytes::new()).unwrap(),
        feather::trials(&r, Bytes::new()).unwrap(),
        feather::events(&r, Bytes::new()).unwrap(),
    ] {
        let b = read(bytes);
        assert!(b.len() > 2 && b.iter().all(|b| b.num_rows() <= 16_384), "{} batches", b.len());
        let rows: usize = b.iter().map(RecordBatch::num_rows).sum();
        assert!(rows > 40_000);
    }
    let b = read(feather::traces(&r, Bytes::new()).unwrap());
    // Two rows of the trial in between.
    assert_eq!(floats(&b, "clamp.vc.current (pA)")[40_003], Some(1.0));
}

#[test]
fn an_interval_that_is_none_and_a_trial_too_many_are_refused() {
    let mut r = recording();
    r.conditions[0].probes[0].every = 0.0;
    let e = feather::mean(&r, Bytes::new()).unwrap_err().to_string();
    assert!(e.contains("`clamp.vc.current` is sampled every 0 ms"), "{e}");
    let mut r = recording();
    r.conditions[0].events[0].trial = 1 << 40;
    let e = feather::events(&r, Bytes::new()).unwrap_err().to_string();
    assert!(e.contains("`trial` of `events.feather`"), "{e}");
}

fn manifest() -> Manifest {
    Manifest {
        version: "0.1.0".into(),
        model_name: "my model.toml".into(),
        model_text: "title = \"t\"\n".into(),
        seed: 7,
        overrides: vec!["temperature=22 degC".into(), "title=it's".into()],
        entries: [("receptor/a".to_owned(), "00ff".to_owned())].into(),
        run: Run { wall_seconds: 1.5, started: Some(1), machine: "m".into() },
        ..Manifest::default()
    }
}

#[test]
fn a_folder_is_written_whole_and_the_same_every_time() {
    let parent = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for run in 1..=2u32 {
        let mut folder = OutputFolder::create(parent.path(), "spine").unwrap();
        let goal = parent.path().join(format!("spine-{run}"));
        assert!(!goal.exists(), "nothing to be seen before it is whole");
        let mut m = manifest();
        m.run.wall_seconds = f64::from(run);
        write_all(&mut folder, &recording(), &m, Some("<html>")).unwrap();
        assert_eq!(folder.finish().unwrap(), goal);
        let files = fs::read_dir(&goal).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.collect();
        files.sort();
        let all = [
            "events.feather",
            "manifest.json",
            "mean.feather",
            "model.toml",
            "report.html",
            "traces.feather",
            "trials.feather",
        ];
        assert_eq!(files, all);
        found.push(files.iter().map(|f| fs::read(goal.join(f)).unwrap()).collect::<Vec<_>>());
        let json: serde_json::Value = serde_json::from_slice(&found[0][1]).unwrap();
        for name in all.iter().filter(|n| **n != "manifest.json") {
            let bytes = fs::read(goal.join(name)).unwrap();
            let listed = &json["files"][*name];
            assert_eq!(listed["blake3"], blake3::hash(&bytes).to_hex().as_str(), "{name}");
            assert_eq!(listed["bytes"], bytes.len());
        }
        assert_eq!(json["replay"], r"bouton run model.toml --seed 7 --set 'temperature=22 degC' --set 'title=it'\''s'");
        assert_eq!(json["model"]["text"], "title = \"t\"\n");
        assert_eq!(json["entries"]["receptor/a"], "00ff");
        assert!(json["partial"].is_null());
    }
    let (a, b) = (&found[0], &found[1]);
    assert!((0..7).all(|i| i == 1 || a[i] == b[i]), "all but the manifest is the same");
    let without_run = |bytes: &[u8]| {
        let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        json.as_object_mut().unwrap().remove("run");
        json.to_string()
    };
    assert_eq!(without_run(&a[1]), without_run(&b[1]), "and of that all but the run");
    assert!(leftovers(parent.path(), "spine").is_empty());
}

#[test]
fn many_at_once_get_numbers_of_their_own() {
    let parent = tempfile::tempdir().unwrap();
    let one = |i: usize| {
        let mut folder = OutputFolder::create(parent.path(), "run").unwrap();
        folder.write("who", i.to_string().as_bytes()).unwrap();
        (folder.finish().unwrap(), i)
    };
    let done: Vec<_> = std::thread::scope(|s| {
        let all: Vec<_> =
            (0..16).map(|t| s.spawn(move || (0..8).map(|k| one(8 * t + k)).collect::<Vec<_>>())).collect();
        all.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    let goals: BTreeSet<_> = done.iter().map(|d| d.0.clone()).collect();
    assert_eq!(goals.len(), 128);
    for (goal, i) in done {
        assert_eq!(fs::read_to_string(goal.join("who")).unwrap(), i.to_string());
    }
    assert!(fs::read_dir(parent.path()).unwrap().count() == 128, "nothing hidden is left");
}

#[test]
fn what_is_there_is_never_touched() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    fs::create_dir(at("a-1")).unwrap();
    fs::write(at("a-2"), "mine").unwrap();
    // Another process is writing number 3, or was killed while it did.
    fs::create_dir(at(".a-3.unfinished-1")).unwrap();
    let folder = OutputFolder::create(parent.path(), "a").unwrap();
    assert_eq!(folder.goal(), at("a-4"));
    // Somebody makes the goal by hand while the run is on.
    fs::create_dir(at("a-4")).unwrap();
    fs::write(at("a-4").join("x"), "mine").unwrap();
    assert_eq!(folder.finish().unwrap(), at("a-5"));
    assert_eq!(fs::read_to_string(at("a-4").join("x")).unwrap(), "mine");
    assert!(fs::read_dir(at("a-1")).unwrap().next().is_none());
    // One that is given up leaves nothing, unless it has something in it.
    drop(OutputFolder::create(parent.path(), "b").unwrap());
    let mut begun = OutputFolder::create(parent.path(), "b").unwrap();
    begun.write("x", b"1").unwrap();
    assert!(matches!(begun.write("../y", b"1"), Err(FolderError::Name { .. })));
    assert!(begun.write("x", b"2").is_err(), "a file is written once");
    let hidden = begun.hidden().to_owned();
    drop(begun);
    assert!(hidden.join("x").exists() && !at("b-1").exists());
    assert!(matches!(OutputFolder::create(parent.path(), "../b"), Err(FolderError::Name { .. })));
}

#[test]
fn leftovers_are_of_processes_that_are_gone() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let living = OutputFolder::create(parent.path(), "a").unwrap();
    // Process ids end below 2^22, so this one is nobody's.
    for name in [".a-7.unfinished-99999999", ".a-x.unfinished-1", ".ab-1.unfinished-99999999"] {
        fs::create_dir(at(name)).unwrap();
    }
    // Its lock let go, though the number is that of a living process: ids come again.
    fs::create_dir(at(".a-8.unfinished-1")).unwrap();
    fs::write(at(".a-8.unfinished-1").join(".writing"), "").unwrap();
    let found = leftovers(parent.path(), "a");
    assert!(found.contains(&at(".a-8.unfinished-1")) && !found.contains(&living.hidden().to_owned()), "{found:?}");
    assert_eq!(found.contains(&at(".a-7.unfinished-99999999")), std::path::Path::new("/proc/self").exists());
    assert!(found.len() <= 2 && leftovers(&at("nowhere"), "a").is_empty());
    assert!(at(".a-8.unfinished-1").exists(), "nothing is deleted");
}

#[test]
fn a_folder_that_was_asked_for_must_be_new_or_empty() {
    let parent = tempfile::tempdir().unwrap();
    let at = |name: &str| parent.path().join(name);
    let write = |path: &std::path::Path| -> Result<(), FolderError> {
        let mut folder = OutputFolder::at(path)?;
        folder.write("x", b"1")?;
        assert_eq!(folder.finish()?, path);
        assert_eq!(fs::read(path.join("x")).unwrap(), b"1");
        assert_eq!(fs::read_dir(path).unwrap().count(), 1);
        Ok(())
    };
    write(&at("new")).unwrap();
    write(&at("deep/er")).unwrap();
    fs::create_dir(at("empty")).unwrap();
    write(&at("empty")).unwrap();
    let e = write(&at("empty")).unwrap_err();
    assert!(matches!(e, FolderError::NotEmpty { .. }));
    assert!(e.to_string().contains("holds `x`") && e.to_string().contains("name a folder"), "{e}");
    assert_eq!(fs::read_dir(at("empty")).unwrap().count(), 1, "nothing hidden is left");
    fs::write(at("file"), "").unwrap();
    assert!(matches!(write(&at("file")), Err(FolderError::NoFolder { .. })));
    // Somebody is quicker.
    let mut folder = OutputFolder::at(&at("race")).unwrap();
    folder.write("x", b"1").unwrap();
    assert!(matches!(OutputFolder::at(&at("race")), Err(FolderError::Busy { .. })));
    fs::create_dir(at("race")).unwrap();
    fs::write(at("race").join("y"), "").unwrap();
    let hidden = folder.hidden().to_owned();
    assert!(matches!(folder.finish(), Err(FolderError::Taken { .. })));
    assert!(hidden.join("x").exists(), "the results are kept");
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 6);
}
