//! What a simulation leaves behind: plain data, the numbers over its trials, and the folder it is kept in.
//!
//! A simulation fills a [`Recording`]; [`summary`](fn@summary) boils a measure down; [`folder`] keeps results from
//! ever being half written or overwritten; [`feather`] and [`manifest`] write what goes into it.

pub mod feather;
pub mod folder;
pub mod manifest;
mod statistic;
mod summary;

pub(crate) use summary::t_quantile;
pub use summary::{Summary, summary};

/// All that came of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// As the model file has it; may be empty.
    pub title: String,
    /// The file as it stands and each of its conditions, in the order they were run.
    pub conditions: Vec<Condition>,
    /// Why it is not whole, e.g. `interrupted`; `None` if it is.
    pub partial: Option<String>,
}

/// What came of one condition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// Its name; empty for the file as it stands.
    pub name: String,
    /// Its sweep, if it is of one.
    pub swept: Option<Swept>,
    /// K
    pub temperature: f64,
    /// Trials that were asked for.
    pub trials_asked: u64,
    /// Trials that were done.
    pub trials: u64,
    /// Of a trial, ms.
    pub duration: f64,
    /// Populations of a circuit: name, and how many cells.
    pub populations: Vec<(String, u32)>,
    /// Those of them whose cells are joined by gap junctions.
    pub coupled: Vec<String>,
    /// Its pipettes, in words: `somatic holds pyramidal.soma at -70 mV through 10 Mohm`.
    pub pipettes: Vec<String>,
    /// Traces.
    pub probes: Vec<Probe>,
    /// Cells in space, compartment by compartment.
    pub trees: Vec<Tree>,
    /// Clefts of single molecules, seen from above.
    pub clefts: Vec<crate::film::Seen>,
    /// What happened at a moment, in the order of trial and time.
    pub events: Vec<Event>,
    /// Numbers of traces, one a trial.
    pub measures: Vec<Measure>,
    /// Numbers over all trials.
    pub facts: Vec<Fact>,
}

/// Where a condition stands in its sweep.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Swept {
    /// The sweep's name.
    pub sweep: String,
    /// The field that is said otherwise.
    pub path: String,
    /// The value, as written.
    pub written: String,
    /// The value as a number, in `unit`; NaN if it is none. Of a list of two, how far the second lies from the first.
    pub value: f64,
    /// Empty for a bare number.
    pub unit: String,
}

impl Condition {
    /// Its name for a reader: `as written` for the file as it stands.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { "as written" } else { &self.name }
    }
}

/// Who wanted a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProbeKind {
    /// The model file; it goes into files and the report.
    #[default]
    Asked,
    /// The report, which shows it; it goes into no file.
    Automatic,
}

/// The panel of the report that a trace belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    /// Calcium in the terminal.
    Calcium,
    /// Release: rates, pools, vesicles.
    Release,
    /// Transmitter in the cleft.
    Cleft,
    /// Receptors: states, open channels.
    Receptor,
    /// Currents; inward is negative and drawn down.
    Current,
    /// Voltages.
    Voltage,
    /// Drugs in the bath.
    Bath,
    /// Anything else.
    #[default]
    Other,
}

/// A quantity over time, sampled from 0 on; sample `k` is that of `k * every`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probe {
    /// Its path in the model, e.g. `contact.cleft.glutamate`.
    pub path: String,
    /// Of its values, e.g. `mM`; empty for a bare number.
    pub unit: &'static str,
    /// Sampling interval, ms; at least 1e-9.
    pub every: f64,
    /// Who wanted it.
    pub kind: ProbeKind,
    /// Its panel.
    pub role: Role,
    /// Over all trials.
    pub mean: Vec<f64>,
    /// Standard deviation over trials; empty where there is none.
    pub sd: Vec<f64>,
    /// Kept traces with the index of their trial, which grows.
    pub trials: Vec<(u64, Vec<f64>)>,
    /// What groups of trials came to, of a comparison.
    pub groups: Vec<Group>,
}

/// A group of trials.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Group {
    /// How many.
    pub trials: u64,
    /// Mean over them.
    pub mean: Vec<f64>,
    /// Sums of squares of deviations from it.
    pub scatter: Vec<f64>,
}

/// A cell in space, and the voltage of each of its compartments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tree {
    /// The cell's name.
    pub cell: String,
    /// Sampling interval, ms.
    pub every: f64,
    /// Where its compartments are.
    pub geometry: crate::lower::Geometry,
    /// What each hangs on.
    pub parents: Vec<Option<u32>>,
    /// Names of the synapses onto it, and the compartment of each; by name.
    pub synapses: Vec<(String, u32)>,
    /// Mean over trials, mV: all compartments at time 0, then all at the next sample.
    pub v_m: Vec<f64>,
}

impl Tree {
    /// How many compartments.
    #[must_use]
    pub fn width(&self) -> usize {
        self.parents.len()
    }

    /// How many samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.v_m.len() / self.width().max(1)
    }

    /// Voltages of all compartments at a sample, mV.
    #[must_use]
    pub fn at(&self, sample: usize) -> &[f64] {
        &self.v_m[sample * self.width()..(sample + 1) * self.width()]
    }

    /// From a compartment to the root, both included.
    #[must_use]
    pub fn path(&self, from: u32) -> Vec<usize> {
        std::iter::successors(Some(from as usize), |k| self.parents[*k].map(|p| p as usize)).collect()
    }
}

/// Something that happened at a moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// In which trial.
    pub trial: u64,
    /// ms
    pub at: f64,
    /// What, and where: `contact.fusion`, `receiver.soma.spike`.
    pub what: String,
    /// Which of several: the slot, the cell.
    pub index: u32,
}

/// What a measure's values are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MeasureKind {
    /// Numbers, of which mean and deviation are wanted.
    #[default]
    Mean,
    /// Yes (1) or no (0), of which the share of yes is wanted.
    Proportion,
}

/// A number taken from a trace of every trial.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measure {
    /// As named in the model file, e.g. `epsc`.
    pub name: String,
    /// Of which trace, e.g. `clamp.vc.current`.
    pub of: String,
    /// What, e.g. `amplitude`.
    pub quantity: String,
    /// Of its values; empty for a bare number.
    pub unit: String,
    /// One a trial; NaN where there is none, as a failure has no rise time.
    pub values: Vec<f64>,
    /// What they are.
    pub kind: MeasureKind,
}

impl Measure {
    /// `epsc.amplitude`
    pub fn path(&self) -> String {
        format!("{}.{}", self.name, self.quantity)
    }
}

/// A number over all trials, with its 95 % interval.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fact {
    /// E.g. `release probability`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The lower end of its 95 % interval; NaN where there is none.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Empty for a bare number.
    pub unit: String,
    /// What a reader should know of it; may be empty.
    pub note: String,
    /// A short name that stays, for expressions: `contact.release_probability`; empty where there is none.
    pub key: String,
    /// What it is made of, trial by trial.
    pub made_of: Statistic,
}

/// How a number over all trials is made of what each of them gave, so that it can be made without one of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Statistic {
    /// It is not known by trial.
    #[default]
    Whole,
    /// Mean of the values that are not NaN.
    Mean(Vec<f64>),
    /// Share of 1 among values of 0 and 1.
    Share(Vec<f64>),
    /// Mean of counts; the factor makes a rate of it.
    Count(Vec<f64>, f64),
    /// Standard deviation of the values that are not NaN.
    Deviation(Vec<f64>),
    /// Sum over sum.
    Ratio(Vec<f64>, Vec<f64>),
    /// Mean correlation between all pairs of these.
    Correlation(Vec<Vec<f64>>),
}

/// `path (unit)`, or the path alone where there is no unit.
pub(crate) fn with_unit(path: &str, unit: &str) -> String {
    if unit.is_empty() { path.to_owned() } else { format!("{path} ({unit})") }
}
