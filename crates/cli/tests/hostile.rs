//! What nobody should feed the program: each gets a clear error, the right exit code, within two seconds of processor
//! time and 2 GiB, and nothing is written.

mod program;

use program::{Ran, run_in, run_with};
use std::path::Path;

const HEAD: &str = "duration = \"1 ms\"\ntemperature = \"20 degC\"\n";

fn check_bytes(bytes: &[u8]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), bytes).unwrap();
    run_in(folder.path(), &["check", "m.toml"])
}

fn refuses(bytes: &[u8], what: &str) {
    check_bytes(bytes).refuses(what, &["m.toml"]);
}

fn accepts(bytes: &[u8]) {
    let ran = check_bytes(bytes);
    assert_eq!((ran.code, ran.left.len()), (Some(0), 1), "{}", ran.stderr);
    assert!(ran.stdout.contains("well formed"));
}

/// No character that moves a terminal's cursor or changes its colours, other than line ends.
fn is_tame(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

#[test]
fn a_binary_file_is_named_as_such() {
    refuses(&[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 5000]].concat(), "is a binary file");
    refuses(b"title = \"a\0b\"\n", "is a binary file");
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_place() {
    refuses(b"title = \"caf\xe9\"\n", "is not UTF-8 text (byte 12)");
    refuses(&[0xff; 100], "is not UTF-8 text (byte 0)");
    // UTF-16, as an editor of another world saves it.
    refuses(b"\xff\xfet\0i\0", "is not UTF-8 text (byte 0)");
}

#[test]
fn a_file_of_100_megabytes_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::File::create(folder.path().join("m.toml")).unwrap().set_len(100_000_000).unwrap();
    run_in(folder.path(), &["check", "m.toml"]).refuses("has 100.0 MB; at most 4 MB are read", &["m.toml"]);
    run_in(folder.path(), &["explain", "m.toml"]).refuses("at most 4 MB are read", &["m.toml"]);
}

#[cfg(unix)]
#[test]
fn a_device_without_end_is_not_read_to_its_end() {
    program::run(&["check", "/dev/zero"]).refuses("`/dev/zero` is no plain file; a model is one file", &[]);
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_writes_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(std::process::Command::new("mkfifo").arg(folder.path().join("m.toml")).status().unwrap().success());
    run_in(folder.path(), &["check", "m.toml"]).refuses("m.toml", &["m.toml"]);
}

#[test]
fn an_empty_file_lacks_what_is_required() {
    refuses(b"", "`duration` is missing");
    refuses(b"", "`temperature` is missing");
    refuses(b"\n\n# nothing\n", "`duration` is missing");
}

#[test]
fn a_folder_and_a_missing_file_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &["check", "."]).refuses("`.` is a folder; a model is one file", &[]);
    run_in(folder.path(), &["check", "none.toml"]).refuses("cannot read `none.toml`: No such file", &[]);
    run_in(folder.path(), &["explain", "none.toml"]).refuses("cannot read `none.toml`", &[]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    std::fs::write(&path, HEAD).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything.
    if std::fs::read(&path).is_err() {
        run_in(folder.path(), &["check", "m.toml"]).refuses("Permission denied", &["m.toml"]);
    }
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_are_read() {
    accepts(HEAD.replace('\n', "\r\n").as_bytes());
    accepts(&[b"\xef\xbb\xbf", HEAD.as_bytes()].concat());
    let ran = check_bytes(b"duration = \"1 ms\"\r\ntemperature = \"20 mV\"\r\n");
    ran.refuses("m.toml:2:15", &["m.toml"]);
}

#[test]
fn what_is_nested_without_end_is_refused() {
    let million = "[".repeat(1_000_000);
    refuses(format!("{HEAD}title = {million}").as_bytes(), "nested deeper than");
    refuses("[".repeat(1_000_000).as_bytes(), "nested deeper than");
    refuses(format!("{HEAD}title = {}", "{a=".repeat(300_000)).as_bytes(), "nested deeper than");
    // A quotation mark must not hide the brackets behind it.
    refuses(format!("{HEAD}title = [\"\"\"\nx\"\"\", {million}").as_bytes(), "not TOML");
}

#[test]
fn dotted_keys_without_end_are_refused() {
    let dots = "a.".repeat(50_000);
    refuses(format!("{HEAD}{dots}a = 1\n").as_bytes(), "nested deeper than");
    refuses(format!("{HEAD}[{dots}a]\n").as_bytes(), "nested deeper than");
    refuses(format!("{HEAD}x = {{ {dots}a = 1 }}\n").as_bytes(), "error");
    refuses(format!("{HEAD}\"=\".{dots}a = 1\n").as_bytes(), "error");
    refuses(format!("{HEAD}[\"=\".{dots}a]\n").as_bytes(), "error");
}

#[test]
fn a_very_long_line_is_neither_drawn_nor_slow() {
    let ran = check_bytes(format!("{HEAD}title = 1 # {}\n", "x".repeat(3_900_000)).as_bytes());
    ran.refuses("`title` is a text", &["m.toml"]);
    assert!(ran.stderr.len() < 2000, "{} bytes", ran.stderr.len());
    accepts(format!("{HEAD}title = \"{}\"\n", "x".repeat(3_900_000)).as_bytes());
}

#[test]
fn a_long_wrong_value_is_not_repeated_whole() {
    for field in ["detail", "duration"] {
        let text = format!("{HEAD}{field} = \"{}\"\n", "y".repeat(1_000_000)).replacen(
            "duration = \"1 ms\"\n",
            if field == "duration" { "" } else { "duration = \"1 ms\"\n" },
            1,
        );
        let ran = check_bytes(text.as_bytes());
        assert!(ran.code == Some(1) && ran.stderr.len() < 4000, "{} bytes", ran.stderr.len());
    }
}

#[test]
fn a_long_wrong_name_is_not_repeated_whole() {
    let name = "z".repeat(1_000_000);
    for text in [
        format!("{HEAD}{name} = 1\n"),
        format!("{HEAD}[cell.{name}]\n"),
        format!("{HEAD}[cell.a]\nmembrane = {{ {name} = 1 }}\n"),
    ] {
        let ran = check_bytes(text.as_bytes());
        assert!(ran.code == Some(1) && ran.stderr.len() < 4000, "{} bytes", ran.stderr.len());
    }
}

/// 3.9 MB of fields that are all right.
fn many_solutions() -> String {
    let mut text = format!("{HEAD}[solution]\n");
    for i in 0.. {
        if text.len() > 3_900_000 {
            return text;
        }
        text.push_str(&format!("s{i} = {{ na = \"140 mM\" }} # {}\n", ".".repeat(60)));
    }
    text
}

#[test]
fn four_megabytes_of_legal_fields_are_read_in_time() {
    accepts(many_solutions().as_bytes());
}

#[test]
fn a_hundred_thousand_faults_are_said_in_time() {
    let mut text = HEAD.to_owned();
    (0..100_000).for_each(|i| text.push_str(&format!("x{i} = 1\n")));
    let ran = check_bytes(text.as_bytes());
    ran.refuses("`model` has no field `x0`", &["m.toml"]);
    assert!(ran.stderr.contains("and 99900 more") && ran.stderr.len() < 100_000);
}

#[test]
fn many_names_that_do_not_exist_are_said_in_time() {
    let mut text = format!("{HEAD}[cell]\n");
    (0..10_000).for_each(|i| text.push_str(&format!("c{i}.times = [\"1 ms\"]\n")));
    text.push_str("[synapse]\n");
    (0..10_000)
        .for_each(|i| text.push_str(&format!("s{i} = {{ from = \"c{i}.axon\", to = \"z{i}.soma\", cleft = {{}} }}\n")));
    refuses(text.as_bytes(), "no cell is called `z0`");
}

#[test]
fn many_conditions_of_a_large_file_are_bounded() {
    let mut text = format!("{HEAD}[solution]\n");
    (0..10_000).for_each(|i| text.push_str(&format!("s{i}.na = \"140 mM\"\n")));
    text.push_str("[condition]\n");
    (0..1000).for_each(|i| text.push_str(&format!("c{i}.temperature = \"21 degC\"\n")));
    let ran = check_bytes(text.as_bytes());
    assert!(matches!(ran.code, Some(0 | 1)), "{:?} {}", ran.code, ran.stderr);
}

const ESCAPES: &str = "\\u001b[2J\\u001b]0;owned\\u0007\\u0008";

#[test]
fn control_sequences_of_a_file_do_not_reach_the_terminal() {
    let all = [
        format!("{HEAD}detail = \"{ESCAPES}\"\n"),
        format!("{HEAD}\"{ESCAPES}\" = 1\n"),
        format!("{HEAD}[cell.\"{ESCAPES}\"]\ntimes = [\"1 {ESCAPES}\"]\n"),
        format!("{HEAD}[cell.a]\nuse = \"neuron/{ESCAPES}\"\n"),
        format!("{HEAD}[clamp.a]\nat = \"{ESCAPES}\"\nhold = \"1 mV\"\n"),
        format!("{HEAD}title = \u{1b}[2J\n"),
        format!("{HEAD}x = 1 # \u{7f}\n"),
    ];
    for text in all {
        let ran = check_bytes(text.as_bytes());
        assert_eq!(ran.code, Some(1), "{text}");
        assert!(is_tame(&ran.stderr) && is_tame(&ran.stdout), "{text}: {:?}", ran.stderr);
    }
}

#[test]
fn eight_bit_control_sequences_of_a_file_do_not_reach_the_terminal() {
    for text in [format!("{HEAD}detail = \"\\u009b31m\"\n"), format!("{HEAD}x = 1 # \u{9b}31m\n")] {
        let ran = check_bytes(text.as_bytes());
        assert_eq!(ran.code, Some(1));
        assert!(is_tame(&ran.stderr), "{:?}", ran.stderr);
    }
}

#[test]
fn control_sequences_of_a_legal_file_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m.toml"), format!("{HEAD}title = \"{ESCAPES}\"\n")).unwrap();
    let ran = run_in(folder.path(), &["explain", "m.toml"]);
    assert_eq!(ran.code, Some(0));
    assert!(is_tame(&ran.stdout), "{:?}", ran.stdout);
    let source = std::fs::read_to_string(program::root().join("crates/catalogue/data/buffer/egta.toml")).unwrap();
    let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
    let title = lines.iter().position(|l| l.starts_with("title")).unwrap();
    lines[title] = format!("title = \"{ESCAPES}\"");
    std::fs::create_dir_all(folder.path().join("c/buffer")).unwrap();
    std::fs::write(folder.path().join("c/buffer/mine.toml"), lines.join("\n")).unwrap();
    for args in [["catalogue", "show", "buffer/mine"].as_slice(), &["catalogue", "list", "buffer"]] {
        let ran = run_in(folder.path(), &[&["--catalogue", "c"], args].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(is_tame(&ran.stdout), "{:?}", ran.stdout);
    }
}

#[cfg(unix)]
#[test]
fn control_sequences_in_the_name_of_a_file_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\u{1b}[31mb.toml";
    std::fs::write(folder.path().join(name), "x = 1\n").unwrap();
    for name in [name, "missing\u{1b}[31m.toml"] {
        let ran = run_in(folder.path(), &["check", name]);
        assert_eq!(ran.code, Some(1));
        assert!(is_tame(&ran.stderr), "{:?}", ran.stderr);
    }
}

#[test]
fn a_folder_of_entries_that_is_missing_empty_or_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    for command in
        [["catalogue", "list"].as_slice(), &["check", "file"], &["catalogue", "show", "receptor/ampa_jonas_1993"]]
    {
        let run = |catalogue: &str| run_in(folder.path(), &[&["--catalogue", catalogue], command].concat());
        run("missing").refuses("cannot read `missing`", &["empty", "file"]);
        run("empty").refuses("`empty` holds no entry", &["empty", "file"]);
        run("file").refuses("cannot read `file`: Not a directory", &["empty", "file"]);
    }
}

#[test]
fn a_wrong_file_among_the_entries_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("c/receptor")).unwrap();
    let path = folder.path().join("c/receptor/mine.toml");
    std::fs::write(&path, [0xffu8; 10]).unwrap();
    run_in(folder.path(), &["--catalogue", "c", "catalogue", "list"]).refuses("mine.toml` is not UTF-8", &["c"]);
    std::fs::File::create(&path).unwrap().set_len(100_000_000).unwrap();
    run_in(folder.path(), &["--catalogue", "c", "catalogue", "list"]).refuses("at most 4 MB", &["c"]);
}

#[test]
fn a_plot_goes_into_no_missing_folder_and_over_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let show =
        |args: &[&str]| run_in(folder.path(), &[&["catalogue", "show", "receptor/ampa_jonas_1993"], args].concat());
    show(&["--svg", "none/plot.svg"]).refuses("cannot write `none/plot.svg`", &[]);
    std::fs::write(folder.path().join("plot.svg"), "mine").unwrap();
    show(&["--svg", "plot.svg"]).refuses("`plot.svg` exists already", &["plot.svg"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("plot.svg")).unwrap(), "mine");
    assert_eq!(show(&["--svg", "plot.svg", "--force"]).code, Some(0));
    assert!(std::fs::read_to_string(folder.path().join("plot.svg")).unwrap().starts_with("<svg"));
    std::fs::create_dir(folder.path().join("dir.svg")).unwrap();
    show(&["--svg", "dir.svg", "--force"]).refuses("`dir.svg` is no plain file", &["dir.svg", "plot.svg"]);
}

#[cfg(unix)]
#[test]
fn force_replaces_files_and_nothing_else() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.svg");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = run_in(folder.path(), &["catalogue", "show", "receptor/ampa_jonas_1993", "--svg", "pipe.svg", "--force"]);
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    ran.refuses("pipe.svg", &["pipe.svg"]);
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    for args in [
        "schema",
        "schema --format markdown",
        "catalogue show receptor/ampa_jonas_1993 --json",
        "catalogue list",
        "completions bash",
    ] {
        let line = format!("\"$0\" {args} | head -1; exit ${{PIPESTATUS[0]}}");
        let out =
            std::process::Command::new("bash").args(["-c", &line, env!("CARGO_BIN_EXE_bouton")]).output().unwrap();
        assert!(out.stderr.is_empty(), "{args}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(0), "{args}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let out = std::process::Command::new("sh")
        .args(["-c", "\"$0\" schema > /dev/full", env!("CARGO_BIN_EXE_bouton")])
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn a_command_line_that_cannot_be_understood_exits_with_2() {
    let here = Path::new(".");
    for args in [
        ["frobnicate"].as_slice(),
        &["check"],
        &["check", "--frob", "x"],
        &["catalogue"],
        &["catalogue", "show"],
        &["catalogue", "show", "x", "--copies", "4000000000"],
        &["catalogue", "show", "x", "--copies", "-1"],
        &["schema", "--format", "xml"],
        &["completions", "basic"],
        &[],
    ] {
        let ran = run_with(here, args, 5);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}");
    }
}
