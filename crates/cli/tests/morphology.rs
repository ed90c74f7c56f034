//! SWC files at the command: each odd one is taken or refused at its line; nothing outside the folder is read; a run can
//! be repeated from what it left.

mod program;

use program::{root, run_in};
use std::path::{Path, PathBuf};

/// A passive cell of the file `cell.swc`.
const MODEL: &str = r#"
duration = "1 ms"
temperature = "34 degC"
cell.c.morphology = "cell.swc"
cell.c.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm*cm" }
cell.c.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2" }
clamp.i = { at = "c", current = "1 pA" }
"#;

/// The files that are refused, with the line and a part of what is said.
const REFUSED: [(&str, usize, &str); 13] = [
    ("jaxley_morph_multiple_roots", 9, "the id 3 is there twice"),
    ("jaxley_retina_20161028_1_zero_radius", 2, "no sample of a neurite has a radius"),
    ("morphio_multiple_soma", 11, "a second soma"),
    ("treem_fail_no_data", 1, "the file has no samples"),
    ("treem_fail_node1_has_parent", 1, "nothing here has a length"),
    ("treem_fail_node1_not_soma", 1, "nothing here has a length"),
    ("treem_fail_non_descendant", 3, "sample 3 is its own ancestor"),
    ("treem_fail_non_unique_ids", 4, "the id 2 is there twice"),
    ("treem_fail_not_array_1", 1, "2 columns instead of seven"),
    ("treem_fail_not_array_2", 1, "2 columns instead of seven"),
    ("treem_fail_not_valid_ids", 5, "the id is -1"),
    ("treem_fail_not_valid_parent_ids", 4, "no sample has the id 0, its parent"),
    ("treem_fail_undef_parent_ids", 3, "no sample has the id 12"),
];

fn folder_of(swc: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), MODEL).unwrap();
    std::fs::write(folder.path().join("cell.swc"), swc).unwrap();
    folder
}

#[test]
fn odd_files_are_taken_or_refused_at_their_line_with_the_cure() {
    let edge: PathBuf = root().join("../shared/data/swc/edge");
    let Ok(files) = std::fs::read_dir(&edge) else {
        println!("not checked: there are no reconstructions at {}", edge.display());
        return;
    };
    let mut all: Vec<PathBuf> = files.map(|f| f.unwrap().path()).collect();
    all.sort();
    assert_eq!(all.len(), 41);
    let mut wrong = Vec::new();
    for path in all {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = folder_of(&std::fs::read(&path).unwrap());
        let ran = run_in(folder.path(), &["run", "m.toml", "--quiet", "--json"]);
        let refused = REFUSED.iter().find(|r| r.0 == name);
        let said = ran.stderr.lines().take(3).collect::<Vec<_>>().join(" | ");
        let good = match refused {
            Some((_, line, what)) => {
                ran.code == Some(1)
                    && ran.stderr.contains(&format!("cell.swc:{line}:"))
                    && ran.stderr.contains(what)
                    && ran.stderr.contains("= hint: ")
                    && ran.stdout.is_empty()
            }
            None => ran.code == Some(0) && !ran.stderr.contains("error"),
        };
        // The table: `cargo test -p bouton --test morphology -- --nocapture`.
        let verdict = match ran.code {
            Some(1) => "refused",
            Some(0) if ran.stderr.contains("warning") => "warns",
            _ => "runs",
        };
        let message = ran.stderr.lines().find(|l| l.starts_with("error") || l.starts_with("warning")).unwrap_or("");
        println!("{name:46} {verdict:8} {message}");
        if !good || ran.stderr.contains("panicked") {
            wrong.push(format!("{name}: {:?} {said}", ran.code));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn names(folder: &Path) -> Vec<String> {
    let mut all: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    all.sort();
    all
}

#[test]
fn a_run_leaves_its_morphology_and_can_be_repeated_from_that() {
    let folder = tempfile::tempdir().unwrap();
    let shapes = folder.path().join("shapes");
    std::fs::create_dir(&shapes).unwrap();
    std::fs::copy(root().join("examples/pyramidal.swc"), shapes.join("cell.swc")).unwrap();
    let model = MODEL.replace("cell.swc", "shapes/cell.swc") + "probe.v = { read = \"c.apical(tip).v_m\" }\n";
    std::fs::write(folder.path().join("m.toml"), model).unwrap();
    assert_eq!(run_in(folder.path(), &["run", "m.toml", "--out", "first", "--quiet"]).code, Some(0));
    let first = folder.path().join("first");
    let manifest = |folder: &Path| -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap()
    };
    let left = manifest(&first);
    let text = std::fs::read(shapes.join("cell.swc")).unwrap();
    let hash = blake3::hash(&text).to_hex().to_string();
    assert_eq!(left["morphologies"]["shapes/cell.swc"], hash.as_str());
    assert_eq!(left["files"]["shapes/cell.swc"]["blake3"], hash.as_str());
    assert_eq!(std::fs::read(first.join("shapes/cell.swc")).unwrap(), text);
    let replay = left["replay"].as_str().unwrap().to_owned();
    let mut words: Vec<&str> = replay.split(' ').skip(1).collect();
    words.extend(["--out", "again", "--quiet"]);
    let ran = run_in(&first, &words);
    assert_eq!(ran.code, Some(0), "{replay}: {}", ran.stderr);
    let again = manifest(&first.join("again"));
    assert_eq!(left["files"]["traces.feather"], again["files"]["traces.feather"]);
    assert_eq!(names(&first.join("shapes")), ["cell.swc"]);
}

#[test]
fn no_file_outside_the_model_s_folder_is_read() {
    let outer = tempfile::tempdir().unwrap();
    let inner = outer.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::copy(root().join("examples/pyramidal.swc"), outer.path().join("secret.swc")).unwrap();
    let outside = outer.path().join("secret.swc").display().to_string();
    let mut named =
        vec!["../secret.swc".to_owned(), outside.clone(), "./../secret.swc".to_owned(), ".hidden.swc".into()];
    std::fs::write(inner.join(".hidden.swc"), "1 1 0 0 0 10 -1\n").unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&outside, inner.join("link.swc")).unwrap();
        named.push("link.swc".into());
    }
    for name in named {
        std::fs::write(inner.join("m.toml"), MODEL.replace("cell.swc", &name)).unwrap();
        let ran = run_in(&inner, &["explain", "m.toml"]);
        assert_eq!(ran.code, Some(1), "{name}");
        assert!(ran.stderr.contains("m.toml:4:21") && ran.stderr.contains("model's folder"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn what_is_said_of_a_reconstruction_is_said_in_its_file() {
    let folder =
        folder_of(b"# a comment in Latin-1: \xb5m\n1 1 0 0 0 10 -1\n2 3 0 20 0 1 1\n3 3 0 40 0 0 2\n4 3 0 60 0 1 9\n");
    let ran = run_in(folder.path(), &["check", "m.toml"]);
    ran.refuses("no sample has the id 9, its parent", &["cell.swc", "m.toml"]);
    assert!(ran.stderr.contains("cell.swc:5:1"), "{}", ran.stderr);
    let folder = folder_of(b"1 1 0 0 0 10 -1\n2 3 0 20 0 1 1\n3 3 0 40 0 0 2\n");
    let ran = run_in(folder.path(), &["check", "m.toml"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: a radius of 0") && ran.stderr.contains("cell.swc:3:1"), "{}", ran.stderr);
}

#[test]
fn explain_says_what_halving_all_compartments_changes() {
    let folder = folder_of(&std::fs::read(root().join("examples/pyramidal.swc")).unwrap());
    let ran = run_in(folder.path(), &["explain", "m.toml", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let cut = &said["compartments"][0];
    assert_eq!((cut["cell"].as_str(), cut["sections"].as_u64()), (Some("c"), Some(105)));
    for (name, most) in
        [("input_resistance_GOhm", 1e-3), ("transfer_resistance_GOhm", 1e-3), ("time_constant_ms", 1e-6)]
    {
        let share = cut[name]["relative"].as_f64().unwrap();
        assert!(share.abs() < most, "{name}: {share}");
    }
    let coarse = MODEL.to_owned() + "cell.c.discretisation = { count = 1 }\n";
    std::fs::write(folder.path().join("coarse.toml"), coarse).unwrap();
    let ran = run_in(folder.path(), &["explain", "coarse.toml"]);
    assert!(ran.stdout.contains("c: 105 compartments in 105 sections"), "{}", ran.stdout);
    assert!(ran.stdout.contains("input resistance at the root"), "{}", ran.stdout);
}
