//! What the README shows is what happens.

use assert_cmd::Command;

const README: &str = include_str!("../../../README.md");

/// The console blocks: the arguments of each `cargo run --release -- ...` and the lines it is said to print.
fn sessions() -> Vec<(Vec<String>, Vec<String>)> {
    let mut out: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            if let Some(command) = line.strip_prefix("$ cargo run --release -- ") {
                out.push((words(command), Vec::new()));
            } else if !line.starts_with("$ ")
                && let Some(last) = out.last_mut()
            {
                last.1.push(line.to_owned());
            }
        }
    }
    out
}

/// A command line as a shell cuts it, as far as the README goes: double quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let cut = command.split('"').enumerate();
    let pieces = cut.flat_map(|(i, piece)| match i % 2 {
        0 => piece.split_whitespace().map(str::to_owned).collect(),
        _ => vec![piece.to_owned()],
    });
    pieces.collect()
}

#[test]
fn every_command_of_the_readme_prints_what_it_says() {
    let sessions = sessions();
    assert!(sessions.len() >= 2);
    // Results go to the folder where one is; the examples are there too.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("examples")).expect("a folder");
    for file in std::fs::read_dir("../../examples").expect("examples").flatten().filter(|f| f.path().is_file()) {
        std::fs::copy(file.path(), folder.path().join("examples").join(file.file_name())).expect("copied");
    }
    for claim in std::fs::read_dir("../../claims").expect("claims").flatten() {
        let to = folder.path().join("claims").join(claim.file_name());
        std::fs::create_dir_all(&to).expect("a folder");
        for file in std::fs::read_dir(claim.path()).expect("a claim").flatten() {
            std::fs::copy(file.path(), to.join(file.file_name())).expect("copied");
        }
    }
    for (arguments, expected) in sessions {
        let run =
            Command::cargo_bin("bouton").expect("built").current_dir(&folder).args(&arguments).output().expect("runs");
        let text = String::from_utf8(run.stdout).expect("text");
        assert!(run.status.success(), "{arguments:?}");
        for line in expected {
            assert!(text.lines().any(|l| l == line), "{arguments:?} does not print\n{line}\nbut\n{text}");
        }
    }
}

#[test]
fn the_readme_lists_every_shelf_and_links_only_to_what_is_there() {
    for link in README.split("](").skip(1).filter_map(|r| r.split(')').next()).filter(|l| !l.starts_with("http")) {
        assert!(std::path::Path::new("../..").join(link).exists(), "{link}");
    }
    let entries = model::catalogue::Catalogue::embedded();
    for word in ["Jonas", "Destexhe", "Felmy", "EGTA", "GLT-1", "Pospischil"] {
        assert!(README.contains(word) && entries.names().count() > 30, "{word}");
    }
}

/// The error shown in the README is the one that this mistake gives.
#[test]
fn the_readmes_error_is_real() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("mine/receptor")).expect("a folder");
    let good = include_str!("../../catalogue/data/receptor/ampa_jonas_1993.toml");
    let wrong = good.replace("forward  = \"4.59e6 /M/s\"", "forward  = \"4.6 /ms\"");
    std::fs::write(folder.path().join("mine/receptor/mine.toml"), wrong).expect("written");
    let run = Command::cargo_bin("bouton")
        .expect("built")
        .current_dir(folder.path())
        .args(["--catalogue", "mine", "catalogue", "show", "receptor/mine"])
        .output()
        .expect("runs");
    let text = String::from_utf8(run.stderr).expect("text");
    assert_eq!(run.status.code(), Some(1));
    let shown: Vec<&str> =
        README.lines().skip_while(|l| !l.starts_with("error:")).take_while(|l| !l.starts_with("```")).collect();
    assert!(
        text.trim_end() == shown.join("\n").trim_end(),
        "the README shows\n{}\nbut it is\n{text}",
        shown.join("\n")
    );
}
