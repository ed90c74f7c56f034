//! The folder that results are kept in: whole or not there, and never overwritten.
//!
//! Results are written into `.{stem}-{n}.unfinished-{pid}` and renamed to `{stem}-{n}` when they are all there. The
//! number is the writer's from the beginning: it makes its hidden folder first, and takes the number only if it then
//! sees neither another hidden folder of that number nor the goal. Of two that try at once at least the later sees the
//! other and moves on. A hidden folder holds a locked file as long as its process lives, so that what a killed
//! process left can be told from work in progress.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Numbers that are tried before giving up.
const MOST: u32 = 1_000_000;
/// Held locked by the process that writes.
const LOCK: &str = ".writing";

/// Why results cannot be kept.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The disk says no.
    #[error("cannot {doing} `{}`: {cause}{}", path.display(), cure(cause))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The folder asked for has something in it.
    #[error("`{}` is not empty: it holds `{found}`; name a folder that does not exist, or an empty one", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// The first thing in it.
        found: String,
    },
    /// The folder asked for is a file.
    #[error("`{}` is no folder; name one that does not exist, or an empty one", path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// A name that is no file's or folder's.
    #[error("`{name}` is no name for results; use one without `/`, `\\` and a dot in front")]
    Name {
        /// The name.
        name: String,
    },
    /// Somebody made the goal while the run was on.
    #[error("`{}` was made by somebody else meanwhile; the results are whole, in `{}`: rename that", goal.display(), kept.display())]
    Taken {
        /// Where they should have gone.
        goal: PathBuf,
        /// Where they are.
        kept: PathBuf,
    },
    /// The hidden folder is there.
    #[error("`{}` is there: another run is writing it, or was killed; look into it and remove it, or name another folder", path.display())]
    Busy {
        /// The hidden folder.
        path: PathBuf,
    },
    /// Every number is taken.
    #[error("`{stem}-1` to `{stem}-{MOST}` in `{}` are all taken; tidy up there, or name a folder with --out", parent.display())]
    Full {
        /// The stem.
        stem: String,
        /// The folder.
        parent: PathBuf,
    },
}

fn cure(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound => "; is the folder above it there?",
        io::ErrorKind::PermissionDenied => "; name a folder of your own with --out",
        io::ErrorKind::StorageFull => "; make room, or name a folder on another disk with --out",
        _ => "",
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |cause| FolderError::Io { doing, path, cause }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its name in the folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// BLAKE3 of its content, as hexadecimal digits.
    pub blake3: String,
}

/// How the hidden folder becomes the goal.
#[derive(Debug)]
enum Ending {
    /// By its own name; a number can be exchanged for the next.
    Numbered { parent: PathBuf, stem: String },
    /// By its own name.
    Named,
    /// The goal was there, empty, and may be a mounted disk or somebody's current folder: its files are moved up.
    Inside,
}

/// A folder of results in the making. Dropped without [`OutputFolder::finish`] it stays as it is, unless it is empty.
#[derive(Debug)]
pub struct OutputFolder {
    hidden: PathBuf,
    goal: PathBuf,
    ending: Ending,
    lock: Option<File>,
    files: Vec<Written>,
    finished: bool,
}

fn hidden(stem: &str, number: u32) -> String {
    format!(".{stem}-{number}.unfinished-{}", std::process::id())
}

/// Makes a folder: whether it was not there before.
fn make(path: &Path) -> Result<bool, FolderError> {
    match fs::create_dir(path) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(e) => Err(io("make the folder", path)(e)),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, FolderError> {
    let all = fs::read_dir(folder).map_err(io("look into", folder))?;
    all.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()).map_err(io("look into", folder))).collect()
}

/// Whether there is anything of that name, be it a broken link.
fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn check(name: &str) -> Result<(), FolderError> {
    let bad = name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']);
    if bad { Err(FolderError::Name { name: name.to_owned() }) } else { Ok(()) }
}

/// Takes the least number from `from` on that nobody has; its hidden folder is made.
fn reserve(parent: &Path, stem: &str, from: u32) -> Result<(u32, PathBuf), FolderError> {
    for number in from..=MOST {
        let goal = parent.join(format!("{stem}-{number}"));
        if is_there(&goal) {
            continue;
        }
        let own = hidden(stem, number);
        let path = parent.join(&own);
        if !make(&path)? {
            continue; // another thread of this process
        }
        let start = format!(".{stem}-{number}.unfinished-");
        let other = names(parent)?.into_iter().any(|n| n != own && n.starts_with(&start));
        // The goal is looked for last: whoever had the number was seen under one of its two names.
        if !other && !is_there(&goal) {
            return Ok((number, path));
        }
        fs::remove_dir(&path).map_err(io("remove the folder", &path))?;
    }
    Err(FolderError::Full { stem: stem.to_owned(), parent: parent.to_owned() })
}

impl OutputFolder {
    /// Begins `{stem}-{n}` in `parent`, with the next free number from 1 on. `parent` is made if need be.
    ///
    /// # Errors
    /// A stem that is no name, or a disk that says no.
    pub fn create(parent: &Path, stem: &str) -> Result<Self, FolderError> {
        check(stem)?;
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        fs::create_dir_all(parent).map_err(io("make the folder", parent))?;
        let (number, path) = reserve(parent, stem, 1)?;
        let goal = parent.join(format!("{stem}-{number}"));
        Self::begin(path, goal, Ending::Numbered { parent: parent.to_owned(), stem: stem.to_owned() })
    }

    /// Begins the folder `goal`, which must not exist or be empty (`--out`). Folders above it are made if need be.
    ///
    /// # Errors
    /// If it is a file or has something in it, or the disk says no.
    pub fn at(goal: &Path) -> Result<Self, FolderError> {
        if goal.is_dir() {
            let path = goal.join(format!(".unfinished-{}", std::process::id()));
            let fresh = make(&path)?;
            let own = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            let found = names(goal)?.into_iter().filter(|n| !fresh || *n != own).min();
            if let Some(found) = found {
                if fresh {
                    fs::remove_dir(&path).map_err(io("remove the folder", &path))?;
                }
                return Err(FolderError::NotEmpty { path: goal.to_owned(), found });
            }
            return Self::begin(path, goal.to_owned(), Ending::Inside);
        }
        if is_there(goal) {
            return Err(FolderError::NoFolder { path: goal.to_owned() });
        }
        let Some(name) = goal.file_name() else {
            return Err(FolderError::Name { name: goal.display().to_string() });
        };
        let parent = goal.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(io("make the folder", parent))?;
        let path = parent.join(format!(".{}.unfinished-{}", name.to_string_lossy(), std::process::id()));
        if !make(&path)? {
            return Err(FolderError::Busy { path });
        }
        Self::begin(path, goal.to_owned(), Ending::Named)
    }

    fn begin(hidden: PathBuf, goal: PathBuf, ending: Ending) -> Result<Self, FolderError> {
        let path = hidden.join(LOCK);
        let mut folder = Self { hidden, goal, ending, lock: None, files: Vec::new(), finished: false };
        let file = File::create_new(&path).map_err(io("make the file", &path))?;
        // A disk that knows no locks is no reason not to run; what is left there is told by the process id.
        let locked = file.try_lock().is_ok();
        folder.lock = Some(file);
        if !locked {
            folder.unlock();
        }
        Ok(folder)
    }

    fn unlock(&mut self) {
        if self.lock.take().is_some() {
            // It is ours and empty; one that cannot be removed harms nobody.
            let _ = fs::remove_file(self.hidden.join(LOCK));
        }
    }

    /// Where the results will be.
    pub fn goal(&self) -> &Path {
        &self.goal
    }

    /// Where they are meanwhile.
    pub fn hidden(&self) -> &Path {
        &self.hidden
    }

    /// The files written so far, in their order.
    pub fn files(&self) -> &[Written] {
        &self.files
    }

    /// Writes a file by streaming into it; its hash is taken on the way.
    ///
    /// # Errors
    /// What `fill` returns, a name that is no file's, or a disk that says no.
    pub fn stream<E: From<FolderError>>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        check(name)?;
        self.stream_to(name, fill)
    }

    fn stream_to<E: From<FolderError>>(
        &mut self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<(), E> {
        let path = self.hidden.join(name);
        let file = File::create_new(&path).map_err(io("make the file", &path))?;
        let mut hashing = Hashing { inner: BufWriter::new(file), hasher: blake3::Hasher::new(), bytes: 0 };
        fill(&mut hashing)?;
        hashing.flush().map_err(io("write", &path))?;
        let blake3 = hashing.hasher.finalize().to_hex().to_string();
        self.files.push(Written { name: name.to_owned(), bytes: hashing.bytes, blake3 });
        Ok(())
    }

    /// Writes a file of this content.
    ///
    /// # Errors
    /// A name that is no file's, or a disk that says no.
    pub fn write(&mut self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let path = self.hidden.join(name);
        self.stream(name, |out| out.write_all(content).map_err(io("write", &path)))
    }

    /// Writes a file that may lie in a folder below, `shapes/cell.swc`; such folders are made if need be.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_below(&mut self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let parts: Vec<&str> = name.split('/').collect();
        parts.iter().try_for_each(|part| check(part))?;
        let path = self.hidden.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io("make the folder", parent))?;
        }
        self.stream_to(name, |out| out.write_all(content).map_err(io("write", &path)))
    }

    /// Gives the folder its name, which is returned; from then on it is whole.
    ///
    /// # Errors
    /// A disk that says no; the results stay in [`OutputFolder::hidden`].
    pub fn finish(mut self) -> Result<PathBuf, FolderError> {
        self.unlock();
        self.finished = true;
        match &self.ending {
            Ending::Inside => {
                for name in names(&self.hidden)? {
                    let to = self.goal.join(&name);
                    if is_there(&to) {
                        return Err(FolderError::Taken { goal: to, kept: self.hidden.clone() });
                    }
                    fs::rename(self.hidden.join(&name), &to).map_err(io("move a file to", &to))?;
                }
                fs::remove_dir(&self.hidden).map_err(io("remove the folder", &self.hidden))?;
            }
            Ending::Named => {
                if !rename(&self.hidden, &self.goal)? {
                    return Err(FolderError::Taken { goal: self.goal.clone(), kept: self.hidden.clone() });
                }
            }
            Ending::Numbered { parent, stem } => {
                while !rename(&self.hidden, &self.goal)? {
                    // Somebody made the goal by hand: the next number will do.
                    let (number, empty) = reserve(parent, stem, 1)?;
                    self.goal = parent.join(format!("{stem}-{number}"));
                    let done = rename(&self.hidden, &self.goal);
                    fs::remove_dir(&empty).map_err(io("remove the folder", &empty))?;
                    if done? {
                        break;
                    }
                }
            }
        }
        Ok(self.goal.clone())
    }
}

/// Renames to a name that nobody has; `false` if somebody has it. What is there is never replaced: a folder with
/// anything in it cannot be, and one that is empty is not unless it appears between the look and the leap.
fn rename(from: &Path, to: &Path) -> Result<bool, FolderError> {
    if is_there(to) {
        return Ok(false);
    }
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(_) if is_there(to) => Ok(false),
        Err(e) => Err(io("rename the finished folder to", to)(e)),
    }
}

impl Drop for OutputFolder {
    fn drop(&mut self) {
        if !self.finished {
            self.unlock();
            // Fails if there is anything in it, as it should.
            let _ = fs::remove_dir(&self.hidden);
        }
    }
}

/// Hashes and counts what passes.
struct Hashing<W: Write> {
    inner: W,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// What processes that are gone left of `{stem}-{n}` in `parent`, sorted; for telling the user, who may want them.
/// Where it cannot be known whether a process lives it is taken to.
pub fn leftovers(parent: &Path, stem: &str) -> Vec<PathBuf> {
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let start = format!(".{stem}-");
    let is_number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let mut found: Vec<PathBuf> = names(parent)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|name| {
            let (number, process) = name.strip_prefix(&start)?.split_once(".unfinished-")?;
            let path = parent.join(&name);
            (is_number(number) && is_number(process) && path.is_dir() && gone(&path, process)).then_some(path)
        })
        .collect();
    found.sort();
    found
}

fn gone(folder: &Path, process: &str) -> bool {
    match File::open(folder.join(LOCK)) {
        // Whoever had it open has let go of it; ours ends with this line.
        Ok(file) => file.try_lock().is_ok(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let processes = Path::new("/proc");
            processes.join("self").exists() && !processes.join(process).exists()
        }
        Err(_) => false,
    }
}
