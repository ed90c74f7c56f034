//! Tables in Arrow's file format, which `pandas.read_feather(path)` and R's `arrow::read_feather(path)` read in a line.
//!
//! | file | a row | columns |
//! |---|---|---|
//! | `traces.feather` | a sample of a kept trial | condition, trial, time (ms), each probe as `path (unit)` |
//! | `mean.feather` | a sample of the mean over trials | condition, time (ms), each probe as `path mean (unit)` and `path sd (unit)` |
//! | `trials.feather` | a trial | condition, trial, each measure as `name.quantity (unit)` |
//! | `events.feather` | an event | condition, trial, time (ms), event, index |
//!
//! The times of a table are those of all its probes together; where a probe has no sample it is null, and so is a
//! measure that a trial does not have. Condition and event are dictionary-encoded (pandas: categorical). A path that is
//! recorded twice in one unit gets `#2`. Nothing is compressed, and the same recording gives the same bytes.

use super::{Condition, Probe, ProbeKind, Recording, with_unit};
use arrow_array::builder::{Float64Builder, UInt32Builder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use std::io::Write;
use std::sync::Arc;
use thiserror::Error;

/// Rows that are held in memory at a time.
const BATCH: usize = 16_384;
/// Of a millisecond, in the engine's ticks: times of different grids are compared as whole picoseconds.
const TICKS_PER_MS: f64 = 1e9;

/// Why a table could not be written.
#[derive(Debug, Error)]
pub enum FeatherError {
    /// The disk, or Arrow.
    #[error("the table `{table}` cannot be written: {cause}")]
    Arrow {
        /// Which table.
        table: &'static str,
        /// What went wrong.
        cause: ArrowError,
    },
    /// A trial beyond the column's range.
    #[error("trial {trial} does not fit the column `trial` of `{table}`; run fewer than 4294967296 trials")]
    Trial {
        /// Which table.
        table: &'static str,
        /// The trial.
        trial: u64,
    },
    /// A probe that cannot be put on a grid.
    #[error("the probe `{path}` is sampled every {every} ms; an interval is from 1e-9 ms to 9e6 ms")]
    Interval {
        /// The probe.
        path: String,
        /// Its interval, ms.
        every: f64,
    },
}

/// A table that is written in batches.
struct Table<W: Write> {
    name: &'static str,
    writer: FileWriter<W>,
    schema: Arc<Schema>,
    conditions: Arc<StringArray>,
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Keys into shared words.
fn words(keys: Vec<i32>, of: &Arc<StringArray>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), of.clone())?))
}

impl<W: Write> Table<W> {
    fn new(name: &'static str, r: &Recording, fields: Vec<Field>, out: W) -> Result<Self, FeatherError> {
        let mut all = vec![Field::new("condition", dictionary(), false)];
        all.extend(fields);
        let schema = Arc::new(Schema::new(all));
        let writer = FileWriter::try_new(out, &schema).map_err(|cause| FeatherError::Arrow { table: name, cause })?;
        // One dictionary for all batches: the format allows no other.
        let conditions = Arc::new(StringArray::from_iter_values(r.conditions.iter().map(|c| c.name.as_str())));
        Ok(Self { name, writer, schema, conditions })
    }

    fn fault(&self) -> impl Fn(ArrowError) -> FeatherError + use<W> {
        let table = self.name;
        move |cause| FeatherError::Arrow { table, cause }
    }

    fn trial(&self, trial: u64) -> Result<u32, FeatherError> {
        u32::try_from(trial).map_err(|_| FeatherError::Trial { table: self.name, trial })
    }

    /// A batch of one condition.
    fn batch(&mut self, condition: usize, rows: usize, columns: Vec<ArrayRef>) -> Result<(), FeatherError> {
        let fault = self.fault();
        let mut all = vec![words(vec![condition as i32; rows], &self.conditions).map_err(&fault)?];
        all.extend(columns);
        let batch = RecordBatch::try_new(self.schema.clone(), all).map_err(&fault)?;
        self.writer.write(&batch).map_err(fault)
    }

    fn finish(self) -> Result<W, FeatherError> {
        let fault = self.fault();
        self.writer.into_inner().map_err(fault)
    }
}

/// Index of `name` in `names`, put there if it is new.
fn place(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|n| *n == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// A name of its own for each item of a condition: `name`, `name #2`.
fn unlike(taken: &mut Vec<String>, name: impl Fn(&str) -> String) -> String {
    let free = (1usize..).map(|k| if k == 1 { name("") } else { name(&format!(" #{k}")) });
    let mut free = free.skip_while(|n| taken.contains(n));
    let found = free.next().unwrap_or_default();
    taken.push(found.clone());
    found
}

/// The probes of every condition that go into files, and the column of each.
struct Columns<'a> {
    /// Path, with `#2` where it is not the first, and unit.
    names: Vec<(String, &'static str)>,
    /// By condition: probe, ticks between its samples, column.
    probes: Vec<Vec<(&'a Probe, i64, usize)>>,
}

fn columns(r: &Recording, wanted: impl Fn(&Probe) -> bool) -> Result<Columns<'_>, FeatherError> {
    let mut keys = Vec::new();
    let mut names = Vec::new();
    let mut probes = Vec::new();
    for c in &r.conditions {
        let mut taken = Vec::new();
        let mut here = Vec::new();
        for p in c.probes.iter().filter(|p| p.kind == ProbeKind::Asked && wanted(p)) {
            let ticks = (p.every * TICKS_PER_MS).round_ties_even();
            if !(1.0..9e15).contains(&ticks) {
                return Err(FeatherError::Interval { path: p.path.clone(), every: p.every });
            }
            let mut path = String::new();
            let key = unlike(&mut taken, |mark| with_unit(&format!("{}{mark}", p.path), p.unit));
            if let Some(bare) = key.strip_suffix(&with_unit("", p.unit)) {
                path.push_str(bare);
            }
            let column = place(&mut keys, key);
            if column == names.len() {
                names.push((path, p.unit));
            }
            here.push((p, ticks as i64, column));
        }
        probes.push(here);
    }
    Ok(Columns { names, probes })
}

/// One trace: ticks between samples, the samples, their column.
type Line<'a> = (i64, &'a [f64], usize);

/// Walks over the union of the grids of `lines`; `row` gets the tick and, by column, what is sampled there.
fn walk<E>(lines: &[Line], width: usize, mut row: impl FnMut(i64, &[Option<f64>]) -> Result<(), E>) -> Result<(), E> {
    let mut next = vec![0usize; lines.len()];
    let mut cells = vec![None; width];
    loop {
        let pending = lines.iter().zip(&next).filter(|((_, y, _), k)| **k < y.len());
        let Some(now) = pending.map(|((ticks, _, _), k)| ticks.saturating_mul(*k as i64)).min() else { return Ok(()) };
        cells.fill(None);
        for ((ticks, y, column), k) in lines.iter().zip(&mut next) {
            if *k < y.len() && ticks.saturating_mul(*k as i64) == now {
                cells[*column] = Some(y[*k]);
                *k += 1;
            }
        }
        row(now, &cells)?;
    }
}

/// Rows that wait to be written.
struct Pending {
    trial: UInt32Builder,
    time: Float64Builder,
    cells: Vec<Float64Builder>,
    rows: usize,
}

impl Pending {
    fn new(width: usize) -> Self {
        let cells = (0..width).map(|_| Float64Builder::new()).collect();
        Self { trial: UInt32Builder::new(), time: Float64Builder::new(), cells, rows: 0 }
    }

    fn row(&mut self, trial: Option<u32>, tick: i64, cells: &[Option<f64>]) {
        if let Some(t) = trial {
            self.trial.append_value(t);
        }
        self.time.append_value(tick as f64 / TICKS_PER_MS);
        self.cells.iter_mut().zip(cells).for_each(|(b, c)| b.append_option(*c));
        self.rows += 1;
    }

    fn flush<W: Write>(&mut self, condition: usize, with_trial: bool, to: &mut Table<W>) -> Result<(), FeatherError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut all: Vec<ArrayRef> = Vec::new();
        if with_trial {
            all.push(Arc::new(self.trial.finish()));
        }
        all.push(Arc::new(self.time.finish()));
        all.extend(self.cells.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
        to.batch(condition, std::mem::take(&mut self.rows), all)
    }
}

fn float(name: String) -> Field {
    Field::new(name, DataType::Float64, true)
}

fn trial_field() -> Field {
    Field::new("trial", DataType::UInt32, false)
}

fn time_field() -> Field {
    Field::new("time (ms)", DataType::Float64, false)
}

/// Writes `traces.feather`: every kept trace.
///
/// # Errors
/// See [`FeatherError`].
pub fn traces<W: Write>(r: &Recording, out: W) -> Result<W, FeatherError> {
    let columns = columns(r, |p| !p.trials.is_empty())?;
    let mut fields = vec![trial_field(), time_field()];
    fields.extend(columns.names.iter().map(|(path, unit)| float(with_unit(path, unit))));
    let mut table = Table::new("traces.feather", r, fields, out)?;
    let width = columns.names.len();
    for (condition, probes) in columns.probes.iter().enumerate() {
        let mut kept: Vec<u64> = probes.iter().flat_map(|(p, _, _)| p.trials.iter().map(|t| t.0)).collect();
        kept.sort_unstable();
        kept.dedup();
        let mut pending = Pending::new(width);
        for trial in kept {
            let index = table.trial(trial)?;
            let of = |p: &'_ &Probe| p.trials.binary_search_by_key(&trial, |t| t.0).ok();
            let lines: Vec<Line> =
                probes.iter().filter_map(|(p, e, c)| Some((*e, p.trials[of(p)?].1.as_slice(), *c))).collect();
            walk(&lines, width, |tick, cells| {
                pending.row(Some(index), tick, cells);
                if pending.rows == BATCH { pending.flush(condition, true, &mut table) } else { Ok(()) }
            })?;
        }
        pending.flush(condition, true, &mut table)?;
    }
    table.finish()
}

/// Writes `mean.feather`: mean and standard deviation over trials.
///
/// # Errors
/// See [`FeatherError`].
pub fn mean<W: Write>(r: &Recording, out: W) -> Result<W, FeatherError> {
    let columns = columns(r, |_| true)?;
    let mut fields = vec![time_field()];
    for (path, unit) in &columns.names {
        fields.extend(["mean", "sd"].map(|what| float(with_unit(&format!("{path} {what}"), unit))));
    }
    let mut table = Table::new("mean.feather", r, fields, out)?;
    let width = 2 * columns.names.len();
    for (condition, probes) in columns.probes.iter().enumerate() {
        let mut pending = Pending::new(width);
        let lines: Vec<Line> = probes
            .iter()
            .flat_map(|(p, e, c)| [(*e, p.mean.as_slice(), 2 * c), (*e, p.sd.as_slice(), 2 * c + 1)])
            .collect();
        walk(&lines, width, |tick, cells| {
            pending.row(None, tick, cells);
            if pending.rows == BATCH { pending.flush(condition, false, &mut table) } else { Ok(()) }
        })?;
        pending.flush(condition, false, &mut table)?;
    }
    table.finish()
}

/// Writes `trials.feather`: the measures of every trial that was done.
///
/// # Errors
/// See [`FeatherError`].
pub fn trials<W: Write>(r: &Recording, out: W) -> Result<W, FeatherError> {
    let mut names = Vec::new();
    let of: Vec<Vec<usize>> = r
        .conditions
        .iter()
        .map(|c| {
            let mut taken = Vec::new();
            let name = |m: &super::Measure, mark: &str| with_unit(&format!("{}{mark}", m.path()), &m.unit);
            c.measures.iter().map(|m| unlike(&mut taken, |mark| name(m, mark))).map(|n| place(&mut names, n)).collect()
        })
        .collect();
    let mut fields = vec![trial_field()];
    fields.extend(names.iter().cloned().map(float));
    let mut table = Table::new("trials.feather", r, fields, out)?;
    for (condition, (c, places)) in r.conditions.iter().zip(&of).enumerate() {
        let count = c.measures.iter().map(|m| m.values.len()).chain([c.trials as usize]).max().unwrap_or(0);
        let mut start = 0;
        while start < count {
            let stop = (start + BATCH).min(count);
            let mut trial = UInt32Builder::new();
            let mut cells: Vec<Float64Builder> = names.iter().map(|_| Float64Builder::new()).collect();
            for i in start..stop {
                trial.append_value(table.trial(i as u64)?);
                for (column, cell) in cells.iter_mut().enumerate() {
                    let measure = places.iter().position(|p| *p == column).map(|k| &c.measures[k]);
                    let value = measure.and_then(|m| m.values.get(i)).copied();
                    cell.append_option(value.filter(|v| !v.is_nan()));
                }
            }
            let mut all: Vec<ArrayRef> = vec![Arc::new(trial.finish())];
            all.extend(cells.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
            table.batch(condition, stop - start, all)?;
            start = stop;
        }
    }
    table.finish()
}

/// Writes `events.feather`: everything that happened at a moment.
///
/// # Errors
/// See [`FeatherError`].
pub fn events<W: Write>(r: &Recording, out: W) -> Result<W, FeatherError> {
    let mut kinds: Vec<&str> = r.conditions.iter().flat_map(|c| c.events.iter().map(|e| e.what.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let fields = vec![
        trial_field(),
        time_field(),
        Field::new("event", dictionary(), false),
        Field::new("index", DataType::UInt32, false),
    ];
    let mut table = Table::new("events.feather", r, fields, out)?;
    let shared = Arc::new(StringArray::from_iter_values(kinds.iter().copied()));
    for (condition, c) in r.conditions.iter().enumerate() {
        for part in c.events.chunks(BATCH) {
            let (mut trial, mut time, mut index) = (UInt32Builder::new(), Float64Builder::new(), UInt32Builder::new());
            let mut keys = Vec::with_capacity(part.len());
            for e in part {
                trial.append_value(table.trial(e.trial)?);
                time.append_value(e.at);
                index.append_value(e.index);
                keys.push(kinds.binary_search(&e.what.as_str()).unwrap_or_default() as i32);
            }
            let what = words(keys, &shared).map_err(table.fault())?;
            let all: Vec<ArrayRef> =
                vec![Arc::new(trial.finish()), Arc::new(time.finish()), what, Arc::new(index.finish())];
            table.batch(condition, part.len(), all)?;
        }
    }
    table.finish()
}

/// Writes `tree.feather`: a row a sample and compartment of each cell that is recorded as a whole, compartments in their
/// order within a sample. `path (um)` is the way from the soma.
///
/// # Errors
/// See [`FeatherError`].
pub fn trees<W: Write>(r: &Recording, out: W) -> Result<W, FeatherError> {
    let all = || r.conditions.iter().flat_map(|c| &c.trees);
    let mut cells: Vec<&str> = all().map(|t| t.cell.as_str()).collect();
    let mut sections: Vec<&str> = all().flat_map(|t| t.geometry.sections.iter().map(String::as_str)).collect();
    for names in [&mut cells, &mut sections] {
        names.sort_unstable();
        names.dedup();
    }
    let shared = [&cells, &sections].map(|names| Arc::new(StringArray::from_iter_values(names.iter().copied())));
    let fields = vec![
        Field::new("cell", dictionary(), false),
        Field::new("compartment", DataType::UInt32, false),
        Field::new("section", dictionary(), false),
        float("path (um)".into()),
        time_field(),
        float("v_m (mV)".into()),
    ];
    let mut table = Table::new("tree.feather", r, fields, out)?;
    let key = |names: &[&str], name: &str| names.binary_search(&name).unwrap_or_default() as i32;
    for (condition, tree) in r.conditions.iter().enumerate().flat_map(|(k, c)| c.trees.iter().map(move |t| (k, t))) {
        let pieces = &tree.geometry.pieces;
        let names: Vec<i32> = pieces.iter().map(|p| key(&sections, &tree.geometry.sections[p.section])).collect();
        let cell = key(&cells, &tree.cell);
        let n = tree.width();
        let at_once = (BATCH / n.max(1)).max(1);
        let samples: Vec<usize> = (0..tree.samples()).collect();
        for part in samples.chunks(at_once) {
            let rows = part.len() * n;
            let (mut index, mut path) = (UInt32Builder::new(), Float64Builder::new());
            let (mut time, mut v_m) = (Float64Builder::new(), Float64Builder::new());
            let mut keys = Vec::with_capacity(rows);
            for &sample in part {
                for (k, (v, piece)) in tree.at(sample).iter().zip(pieces).enumerate() {
                    index.append_value(k as u32);
                    keys.push(names[k]);
                    path.append_value(piece.distance);
                    time.append_value(sample as f64 * tree.every);
                    v_m.append_value(*v);
                }
            }
            let fault = table.fault();
            let cells = words(vec![cell; keys.len()], &shared[0]).map_err(&fault)?;
            let count = keys.len();
            let sections = words(keys, &shared[1]).map_err(&fault)?;
            let all: Vec<ArrayRef> = vec![
                cells,
                Arc::new(index.finish()),
                sections,
                Arc::new(path.finish()),
                Arc::new(time.finish()),
                Arc::new(v_m.finish()),
            ];
            table.batch(condition, count, all)?;
        }
    }
    table.finish()
}

/// Whether a condition has a probe for `mean.feather`.
pub(super) fn has_probes(c: &Condition) -> bool {
    c.probes.iter().any(|p| p.kind == ProbeKind::Asked)
}

/// Whether a condition has a trace for `traces.feather`.
pub(super) fn has_kept_traces(c: &Condition) -> bool {
    c.probes.iter().any(|p| p.kind == ProbeKind::Asked && !p.trials.is_empty())
}
