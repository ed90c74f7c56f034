//! Small models that the tests of `bouton run` write, and tables read back.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use crate::program::{Ran, run_with};
use arrow_array::types::Int32Type;
use arrow_array::{Array, DictionaryArray, Float64Array, StringArray, UInt32Array};
use serde_json::Value;
use std::path::Path;

/// Seconds of processor time that a run of these may take.
const CPU_SECONDS: u32 = if cfg!(debug_assertions) { 60 } else { 10 };

/// What every model begins with.
pub const HEAD: &str = r#"
duration = "6 ms"
temperature = "22 degC"

[solution.bath]
na = "140 mM"
k = "3 mM"
ca = "2 mM"
mg = "1 mM"
"#;

/// A cell that spikes and one that receives.
pub const CELLS: &str = r#"
[cell.sender]
times = ["0.5 ms"]

[cell.receiver]
membrane = { area = "100 um2" }
channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-65 mV" }
"#;

/// One vesicle a spike.
pub const CERTAIN: &str = r#"
[synapse.contact]
from = "sender.axon"
to = "receiver.soma"
terminal = { molecules = 2000, molecules_cv = 0.3 }
cleft = { transmitter = "glutamate", height = "20 nm", radius = "0.2 um", diffusion = "0.3 um2/ms" }
receptor.ampa = { use = "receptor/ampa_jonas_1993", count = 40 }
"#;

/// Channels, calcium, a sensor, vesicles.
pub const MECHANISM: &str = r#"
[synapse.contact]
from = "sender.axon"
to = "receiver.soma"
use = "synapse/ca1_spine"
without = ["spine", "receptor.nmda", "clearance.glt1", "clearance.glast"]
terminal.channel.pq.count = 40
"#;

/// Traces, means and numbers.
pub const RECORDED: &str = r#"
[probe.v]
read = "receiver.soma.v_m"
every = "0.1 ms"

[probe.glutamate]
read = "contact.cleft.glutamate"
every = "25 us"
average = true

[measure.epsp]
of = "receiver.soma.v_m"
take = ["amplitude", "rise_20_80", "failures"]
"#;

/// A squid's axon under a current that lets it fire all the time, as long as anybody has patience.
pub const LONG: &str = r#"
duration = "40 ms"
temperature = "6.3 degC"
trials = 2000000
cell.a.use = "neuron/hh1952_squid"
clamp.x = { at = "a.soma", current = "1 nA" }
probe.v = { read = "a.soma.v_m", every = "1 ms", average = true }
measure.spike = { of = "a.soma.v_m", take = ["amplitude"] }
"#;

/// A whole model with this many trials.
pub fn model(synapse: &str, trials: u32) -> String {
    format!("trials = {trials}\n{HEAD}{CELLS}{synapse}{RECORDED}")
}

/// Writes `m.toml` and runs it.
pub fn run_model(folder: &Path, text: &str, options: &[&str]) -> Ran {
    std::fs::write(folder.join("m.toml"), text).unwrap();
    run_options(folder, options)
}

/// Runs `m.toml`.
pub fn run_options(folder: &Path, options: &[&str]) -> Ran {
    run_with(folder, &[&["run", "m.toml"], options].concat(), CPU_SECONDS)
}

/// The same, and all is well.
pub fn good(folder: &Path, options: &[&str]) -> Ran {
    let ran = run_options(folder, options);
    assert_eq!(ran.code, Some(0), "{options:?}: {}", ran.stderr);
    ran
}

/// The four tables of a folder, those that are there, with their names.
pub fn tables(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "feather"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&p).unwrap()))
        .collect();
    all.sort();
    all
}

/// What differs between the tables of two folders.
pub fn differing(one: &Path, other: &Path) -> Vec<String> {
    let (one, other) = (tables(one), tables(other));
    let names = |all: &[(String, Vec<u8>)]| all.iter().map(|t| t.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    one.into_iter().zip(other).filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0).collect()
}

/// The rows of a table, by names of columns; a cell is text, and a number is its bits.
pub fn rows(path: &Path, columns: &[&str]) -> Vec<Vec<String>> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    let mut all = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let shown: Vec<Vec<String>> = columns
            .iter()
            .map(|c| cells(batch.column_by_name(c).unwrap_or_else(|| panic!("no `{c}` in {}", path.display()))))
            .collect();
        all.extend((0..batch.num_rows()).map(|r| shown.iter().map(|c| c[r].clone()).collect()));
    }
    all
}

/// Names of a table's columns.
pub fn columns(path: &Path) -> Vec<String> {
    let reader = arrow_ipc::reader::FileReader::try_new(std::fs::File::open(path).unwrap(), None).unwrap();
    reader.schema().fields().iter().map(|f| f.name().clone()).collect()
}

fn cells(column: &dyn Array) -> Vec<String> {
    let any = column.as_any();
    if let Some(words) = any.downcast_ref::<DictionaryArray<Int32Type>>() {
        let values = words.values().as_any().downcast_ref::<StringArray>().unwrap();
        return words.keys().iter().map(|k| values.value(k.unwrap() as usize).to_owned()).collect();
    }
    if let Some(numbers) = any.downcast_ref::<UInt32Array>() {
        return numbers.iter().map(|n| n.unwrap().to_string()).collect();
    }
    let numbers = any.downcast_ref::<Float64Array>().expect("words, counts and numbers are all there is");
    numbers.iter().map(|n| n.map_or("null".into(), |x| format!("{:016x}", x.to_bits()))).collect()
}

/// The manifest of a folder of results.
pub fn manifest(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("manifest.json")).unwrap()).unwrap()
}
