//! `bouton measure` end to end: a table, JSON, a page; and what it refuses.

mod program;

use program::{Ran, run_in, run_with};
use serde_json::Value;

const MODEL: &str = r#"
duration = "10 ms"
temperature = "33 degC"
cell.sender.times = ["1 ms"]
cell.one.use = "neuron/ball_and_stick"
cell.two = { membrane.area = "1000 um2", channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-65 mV" } }
condition.leaky.cell.two.channel.leak.density = "0.2 mS/cm2"
"#;

fn measure(arguments: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("m.toml"), MODEL).unwrap();
    std::fs::write(
        home.path().join("spikes.toml"),
        "duration = \"1 ms\"\ntemperature = \"22 degC\"\ncell.s.times = []\n",
    )
    .unwrap();
    let all: Vec<&str> = ["measure"].iter().chain(arguments).copied().collect();
    run_with(home.path(), &all, 60)
}

fn number(ran: &Ran, key: &str, which: &str) -> f64 {
    let all: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", ran.stdout, ran.stderr));
    all["numbers"][key][which].as_f64().unwrap_or_else(|| panic!("no {key}: {all:#}"))
}

/// 10 pF and 1 nS: 1 GOhm and 10 ms; twice the leak, half of both.
#[test]
fn a_cell_of_a_model_is_measured_and_leaves_a_page() {
    let ran = measure(&["m.toml", "--cell", "two", "--duration", "100 ms", "--json"]);
    assert_eq!((ran.code, &ran.stderr[..]), (Some(0), ""));
    for (key, which, wanted) in [
        ("input_resistance", "pipette", 1000.0),
        ("input_resistance", "circuit", 1000.0),
        ("time_constant", "pipette", 10.0),
        ("time_constant", "circuit", 10.0),
        ("capacitance", "circuit", 10.0),
        ("resting_potential", "pipette", -65.0),
    ] {
        let got = number(&ran, key, which);
        assert!((got / wanted - 1.0).abs() < 1e-3, "{key}: {got}");
    }
    assert_eq!(ran.left, ["m.toml", "spikes.toml", "two-measured-1"]);
    let leaky = measure(&["m.toml", "--cell", "two", "--duration", "100 ms", "--json", "--condition", "leaky"]);
    assert!((number(&leaky, "time_constant", "circuit") - 5.0).abs() < 1e-6);
}

#[test]
fn a_neuron_of_the_catalogue_is_measured_at_its_own_temperature() {
    let home = tempfile::tempdir().unwrap();
    let arguments =
        ["measure", "neuron/hh1952_squid", "--duration", "10 ms", "--currents", "60 pA, 0.1 nA", "--out", "o"];
    let ran = run_with(home.path(), &arguments, 60);
    assert_eq!((ran.code, &ran.stderr[..]), (Some(0), ""));
    for words in
        ["6.3 degC", "resting potential                      -65         -65  mV", "rheobase", "Page: o/measure.html"]
    {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    let page = std::fs::read_to_string(home.path().join("o/measure.html")).unwrap();
    for words in
        ["<h1>neuron/hh1952_squid under the pipette</h1>", "current (pA)", "impedance (M\u{3a9})", "phase (degrees)"]
    {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.matches("<figure>").count() >= 6 && page.trim_end().ends_with("</html>"));
    // What is there is left as it is.
    let again = run_in(home.path(), &["measure", "neuron/hh1952_squid", "--out", "o"]);
    again.refuses("o", &["o"]);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let both = ["m.toml", "spikes.toml"];
    measure(&["m.toml"]).refuses("which of 2 cells", &both);
    measure(&["m.toml", "--cell", "three"]).refuses("no cell `three`", &both);
    measure(&["m.toml", "--cell", "sender"]).refuses("no cell `sender`", &both);
    measure(&["m.toml", "--cell", "one", "--at", "dendrite"]).refuses("no section is called `dendrite`", &both);
    measure(&["m.toml", "--cell", "one", "--at", "dend(2)"]).refuses("a position along a section", &both);
    measure(&["m.toml", "--cell", "one", "--condition", "x"]).refuses("no condition `x`", &both);
    measure(&["m.toml", "--cell", "one", "--duration", "1 mV"]).refuses("--duration", &both);
    measure(&["m.toml", "--cell", "one", "--duration", "1 h"]).refuses("--duration", &both);
    measure(&["m.toml", "--cell", "one", "--currents", "1 pA, x"]).refuses("--currents", &both);
    measure(&["spikes.toml"]).refuses("no cell of the model has a membrane", &both);
    measure(&["neuron/hh1952"]).refuses("no entry `neuron/hh1952`", &both);
    measure(&["nowhere.toml"]).refuses("nowhere.toml", &both);
}

const COUPLED: &str = r#"
duration = "10 ms"
temperature = "36 degC"
cell.a = { membrane.area = "10000 um2", channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" } }
cell.b = { membrane.area = "10000 um2", channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" } }
cell.lif.use = "neuron/lif"
synapse.gap = { from = "a.soma", to = "b.soma", junction = { conductance = "1 nS" } }
synapse.other = { from = "b.soma", to = "lif.soma", junction = { conductance = "2 nS" } }
"#;

fn coupled(arguments: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("c.toml"), COUPLED).unwrap();
    let all: Vec<&str> = ["measure", "c.toml"].iter().chain(arguments).copied().collect();
    run_with(home.path(), &all, 120)
}

/// C-11 at the command line: 100 pF, 10 nS, 1 nS; and with another cell beside, which loads the second.
#[test]
fn the_coupling_of_a_synapse_is_measured() {
    let alone = coupled(&["--coupling", "gap", "--alone", "--duration", "150 ms", "--json"]);
    assert_eq!((alone.code, &alone.stderr[..]), (Some(0), ""));
    let value = |ran: &Ran, key: &str, column: &str| {
        let all: Value = serde_json::from_str(&ran.stdout).unwrap();
        all["numbers"][key][column].as_f64().unwrap_or_else(|| panic!("no {key}: {all:#}"))
    };
    for column in ["a.soma to b.soma: pipette", "a.soma to b.soma: circuit", "b.soma to a.soma: circuit"] {
        let got = value(&alone, "coefficient", column);
        assert!((got * 11.0 - 1.0).abs() < 1e-5, "{column}: {got}");
    }
    let all: Value = serde_json::from_str(&alone.stdout).unwrap();
    let sines = all["ways"]["a.soma to b.soma"]["sines"].as_array().unwrap();
    // 5, 20, 50, 100 and 200 Hz of the table.
    for (sine, wanted) in sines.iter().zip([0.0874, 0.0599, 0.0300, 0.0157, 0.0079]) {
        assert!((sine["magnitude"].as_f64().unwrap() - wanted).abs() < 0.6e-4, "{sine} for {wanted}");
    }
    assert_eq!(alone.left, ["c.toml", "gap-measured-1"]);
    // The leaky neuron of 10 nS takes 2 nS in series with its own away from b: 10 + 2 * 10 / 12.
    let among = coupled(&["--coupling", "gap", "--duration", "150 ms", "--json"]);
    let got = value(&among, "coefficient", "a.soma to b.soma: circuit");
    assert!((got * (11.0 + 20.0 / 12.0) - 1.0).abs() < 1e-5, "{got}");
    let shown = coupled(&["--coupling", "other", "--duration", "150 ms", "--out", "o"]);
    for words in ["b.soma to lif.soma", "coupling coefficient", "spikelet", "Page: o/measure.html"] {
        assert!(shown.stdout.contains(words), "{words}: {}", shown.stdout);
    }
}

#[test]
fn a_phase_response_is_measured() {
    let ran = coupled(&["--cell", "lif", "--prc", "--current", "300 pA", "--phases", "8", "--json"]);
    assert_eq!((ran.code, &ran.stderr[..]), (Some(0), ""));
    let all: Value = serde_json::from_str(&ran.stdout).unwrap();
    let period = all["phase_response"]["period_ms"].as_f64().unwrap();
    assert!((period - 20.0 * std::f64::consts::LN_2 - 2.0).abs() < 1e-6, "{period}");
    assert_eq!(all["phase_response"]["advance_periods_per_pC"].as_array().unwrap().len(), 8);
    assert_eq!(all["phase_response"]["type"], "I");
    let table = coupled(&["--cell", "lif", "--prc", "--phases", "8"]);
    for words in ["pipette at soma, type I", "largest advance", "periods/pC"] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
}

#[test]
fn what_has_no_coupling_or_phase_is_said() {
    let left = ["c.toml"];
    coupled(&["--coupling", "none"]).refuses("no synapse `none` with a gap junction", &left);
    coupled(&["--coupling", "gap", "--duration", "0 ms"]).refuses("--duration", &left);
    coupled(&["--prc"]).refuses("which of 3 cells", &left);
    coupled(&["--prc", "--cell", "a"]).refuses("no current up to", &left);
    coupled(&["--prc", "--cell", "lif", "--current", "100 pA"]).refuses("does not go on firing at 100 pA", &left);
    coupled(&["--prc", "--cell", "lif", "--at", "dend"]).refuses("is a point", &left);
    measure(&["m.toml", "--coupling", "gap"]).refuses("no synapse `gap`", &["m.toml", "spikes.toml"]);
}
