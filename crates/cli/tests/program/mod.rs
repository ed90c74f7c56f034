//! Runs the command in a folder of its own, with bounded processor time and memory, and says what it left behind.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the command gave back.
pub struct Ran {
    /// `None` if a signal or the time limit ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// Names in the working folder afterwards.
    pub left: Vec<String>,
}

/// Seconds of processor time a command may take: load on the machine does not count, and a hang does.
const CPU_SECONDS: u32 = if cfg!(debug_assertions) { 20 } else { 2 };
/// Seconds by the clock, for what waits without computing.
const WALL_SECONDS: u64 = 60;
/// KiB of address space.
const MEMORY: u64 = 2 << 20;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All TOML files directly in a folder, sorted.
pub fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    all.sort();
    all
}

/// Runs `bouton` in `folder`.
pub fn run_in(folder: &Path, args: &[&str]) -> Ran {
    run_with(folder, args, CPU_SECONDS)
}

/// Runs `bouton` in `folder`, with more time.
pub fn run_with(folder: &Path, args: &[&str], cpu_seconds: u32) -> Ran {
    let limits = format!("ulimit -v {MEMORY}; ulimit -t {cpu_seconds}; exec \"$0\" \"$@\"");
    let out = assert_cmd::Command::new("sh")
        .args(["-c", &limits, env!("CARGO_BIN_EXE_bouton")])
        .args(args)
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "2")
        .timeout(Duration::from_secs(WALL_SECONDS))
        .output()
        .unwrap();
    let mut left: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    left.sort();
    Ran {
        code: out.status.code(),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        left,
    }
}

/// Runs `bouton` in an empty folder.
pub fn run(args: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), args)
}

impl Ran {
    /// A refusal: exit 1, nothing on stdout, an error that says `what`, nothing left behind but `left`.
    pub fn refuses(&self, what: &str, left: &[&str]) {
        assert_eq!(self.code, Some(1), "stderr: {}", self.stderr.chars().take(2000).collect::<String>());
        assert!(self.stdout.is_empty(), "data on stdout: {}", self.stdout);
        assert!(self.stderr.contains("error: "), "no error: {}", self.stderr);
        assert!(
            self.stderr.contains(what),
            "`{what}` is not said: {}",
            self.stderr.chars().take(2000).collect::<String>()
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.left, left);
    }
}
