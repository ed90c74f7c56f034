//! Claims: sentences of an article, each with the model that shows it, the bands in which its numbers must lie, and the
//! control that must miss its band.
//!
//! [`Claim::read`] says all that is wrong with a folder before anything runs; [`Claim::run`] runs its models;
//! [`judge`](Claim::judge) gives the verdict.

mod names;
mod read;
mod verdict;

pub use names::Names;
pub use verdict::{Finding, Lies, Standing, Verdict};

use crate::recording::Recording;
use crate::simulation::{self, Cancel, Plan, Progress, RunFault};
use model::diagnostic::{Diagnostics, Sources};
use model::resolve::Resolved;
use model::units::Expr;

/// A claim, of which nothing is unknown.
#[derive(Debug)]
pub struct Claim {
    /// `A53`
    pub id: String,
    /// Its folder's name.
    pub folder: String,
    /// In a few words.
    pub title: String,
    /// What the article says.
    pub sentence: String,
    /// How it is shown.
    pub how: String,
    /// What is taken for granted.
    pub assumed: Vec<String>,
    /// Keys of the bibliography, those of the bands among them.
    pub sources: Vec<String>,
    /// Numbers with the bands they must lie in.
    pub checks: Vec<Bound>,
    /// Numbers with the bands they must miss.
    pub controls: Vec<Bound>,
    /// Numbers that decide nothing.
    pub shown: Vec<Bound>,
    /// Numbers side by side.
    pub tables: Vec<Table>,
    /// What is drawn of traces and events.
    pub pictures: Vec<Picture>,
    /// What is drawn of numbers.
    pub curves: Vec<Curve>,
    /// What is run.
    pub models: Vec<Model>,
    /// The catalogue's entry that is looked at instead.
    pub entry: Option<String>,
    names: Names,
}

/// A model of a claim.
#[derive(Debug)]
pub struct Model {
    /// By which the claim calls it; empty where there is one.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its conditions, or the file as it stands.
    pub plans: Vec<Plan>,
    /// The same, as resolved.
    pub resolved: Vec<Resolved>,
}

/// A number with a band.
#[derive(Debug, Clone)]
pub struct Bound {
    /// What it is.
    pub says: String,
    /// The number.
    pub value: Expr,
    /// As written.
    pub written: String,
    /// The lower edge, and as written.
    pub least: Option<(Expr, String)>,
    /// The upper edge.
    pub most: Option<(Expr, String)>,
    /// Where the band comes from.
    pub source: Option<String>,
    /// The same in words.
    pub origin: Option<String>,
    /// How well it is known: `paper`, `assumed` ...
    pub evidence: Option<&'static str>,
    /// The unit to show it in, with its size, where one is wanted.
    pub unit: Option<(String, f64)>,
}

/// Numbers in rows and columns.
#[derive(Debug, Clone)]
pub struct Table {
    /// Above it.
    pub title: String,
    /// What the columns are.
    pub columns: Vec<String>,
    /// The unit of each column; empty where each number has one that reads well.
    pub units: Vec<String>,
    /// What each row is, and its numbers, one a column.
    pub rows: Vec<Row>,
}

/// What a row or a line is, and its numbers.
pub type Row = (String, Vec<Option<Bound>>);

/// Numbers against numbers.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Above it.
    pub title: String,
    /// What the x axis is.
    pub across: String,
    /// What the y axis is.
    pub up: String,
    /// Where the points stand.
    pub at: Vec<Bound>,
    /// One number a point.
    pub lines: Vec<Row>,
    /// Whether the axes are logarithmic.
    pub logarithmic: bool,
}

/// What is drawn against time.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// A trace, by what is read.
    Trace(String),
    /// How often an event happens, by its name, in bins of so many ms.
    Events(String, f64),
}

/// A picture against time.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Above it.
    pub title: String,
    /// What is drawn.
    pub drawn: Drawn,
    /// Index of the model.
    pub model: usize,
    /// Of these conditions; empty for all.
    pub conditions: Vec<String>,
    /// ms
    pub from: Option<f64>,
    /// ms
    pub until: Option<f64>,
}

/// What is wrong with a folder: the claim itself and each of its models have texts of their own.
pub type Faults = Vec<(Diagnostics, Sources)>;

impl Claim {
    /// Trials of all of its models.
    #[must_use]
    pub fn trials(&self) -> u64 {
        self.models.iter().flat_map(|m| &m.plans).map(|p| p.trials).sum()
    }

    /// Runs its models on so many threads, one after the other.
    ///
    /// # Errors
    /// The first [`RunFault`].
    pub fn run(&self, threads: usize, progress: &Progress, cancel: &Cancel) -> Result<Vec<Recording>, RunFault> {
        self.models
            .iter()
            .map(|m| simulation::run(&m.plans, &self.title, threads, progress, cancel).map(|o| o.recording))
            .collect()
    }

    /// The verdict on what was recorded of its models.
    #[must_use]
    pub fn judge(&self, recordings: &[Recording]) -> Verdict {
        verdict::judge(self, recordings)
    }

    /// The names that its expressions may use.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }
}
