//! Circuits in models: cells of a population are what one cell is, spikes go where and when they should, and who computes
//! does not matter.

mod common;

use bouton::recording::Condition;
use bouton::simulation::{Cancel, Progress, run};
use common::{Going, WORLD, plan, plan_with, probe, run_with};
use engine::snapshot;
use model::catalogue::Catalogue;
use std::fmt::Write as _;

/// A cell with a dendrite, channels with gates, and a pool of calcium.
const CELL: &str = r#"
cell.pyr.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm*cm" }
cell.pyr.section.soma = { diameter = "20 um", length = "20 um" }
cell.pyr.section.dend = { on = "soma", diameter = "2 um", length = "200 um", compartments = 4 }
cell.pyr.inside = { na = "15 mM", k = "140 mM", ca = "50 nM" }
cell.pyr.channel.na = { use = "channel/hh1952_na", density = "120 mS/cm2", reversal = "50 mV" }
cell.pyr.channel.k = { use = "channel/hh1952_k", density = "36 mS/cm2", reversal = "-77 mV" }
cell.pyr.channel.leak = { use = "channel/leak", density = "0.3 mS/cm2", reversal = "-54.4 mV" }
"#;

const SHORT: &str = "duration = \"40 ms\"\nseed = 4\n";

/// Times of the spikes of a cell, ms.
fn spikes(c: &Condition, cell: &str, index: u32) -> Vec<f64> {
    let name = format!("{cell}.spike");
    c.events.iter().filter(|e| e.what == name && e.index == index).map(|e| e.at).collect()
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// What acts on one cell: random senders, given ones, a pipette.
fn one_cell(to: &str, soma: &str, connect: &str) -> String {
    let mut text = format!("{WORLD}{SHORT}{CELL}");
    let _ = write!(
        text,
        r#"
cell.crowd = {{ rate = "20 Hz", count = 50 }}
cell.one.times = ["0 ms", "7.013 ms", "22 ms"]
synapse.many.from = "crowd.axon"
synapse.many.to = "{to}"
synapse.many.delay = "1.3 ms"
synapse.many.conductance = {{ peak = "1 nS", rise = "0.3 ms", decay = "3 ms", reversal = "0 mV" }}
{connect}
synapse.nmda.from = "crowd.axon"
synapse.nmda.to = "{to}"
synapse.nmda.conductance = {{ peak = "0.3 nS", rise = "2 ms", decay = "20 ms", reversal = "0 mV", block = "block/mg_jahr_stevens_1990" }}
synapse.single.from = "one.axon"
synapse.single.to = "{soma}"
synapse.single.current = {{ peak = "400 pA", decay = "2 ms" }}
clamp.step = {{ at = "{soma}", current = "0.1 nA", start = "30 ms", stop = "34 ms" }}
probe.soma = {{ read = "{soma}.v_m" }}
probe.tip = {{ read = "{to}.v_m", every = "0.1 ms" }}
probe.na = {{ read = "{soma}.na.current" }}
probe.open = {{ read = "{soma}.na.open" }}
probe.leak = {{ read = "{soma}.leak.current" }}
probe.clamp = {{ read = "clamp.step.current" }}
"#
    );
    text
}

#[test]
fn a_cell_of_a_population_is_the_cell_alone() {
    // The same cell under the same senders: by itself, as one of five, and as a circuit of one.
    let alone = run_with(&one_cell("pyr.dend(0.9)", "pyr.soma", ""), &[]);
    let among = format!("{}cell.pyr.count = 5\n", one_cell("pyr[3].dend(0.9)", "pyr[3].soma", ""));
    let among = run_with(&among, &[]);
    let of_one = run_with(&one_cell("pyr.dend(0.9)", "pyr.soma", "synapse.many.connect = { all = true }"), &[]);
    let fired = spikes(&alone, "pyr", 0);
    assert!(fired.len() >= 2, "{fired:?}");
    for (other, at, index) in [(&among, "pyr[3]", 3), (&of_one, "pyr", 0)] {
        for path in ["soma.v_m", "dend(0.9).v_m", "soma.na.current", "soma.na.open", "soma.leak.current"] {
            let (a, b) = (probe(&alone, &format!("pyr.{path}")), probe(other, &format!("{at}.{path}")));
            assert!(largest(&a.mean, &b.mean) < 1e-7, "{at}.{path}: {}", largest(&a.mean, &b.mean));
            let moved = if path.ends_with("open") { 0.1 } else { 1.0 };
            assert!(a.mean.iter().any(|x| (x - a.mean[0]).abs() > moved));
        }
        let [a, b] = [&alone, other].map(|c| &probe(c, "clamp.step.current").mean);
        assert_eq!(largest(a, b), 0.0);
        assert!(largest(&fired, &spikes(other, "pyr", index)) < 1e-6);
    }
    // The others of the five hear nothing.
    assert!((0..5).filter(|k| *k != 3).all(|k| spikes(&among, "pyr", k).is_empty()));
}

#[test]
fn counted_channels_have_the_luck_of_their_cell_in_a_circuit_as_well() {
    let counted = |text: String| {
        text.replace("density = \"120 mS/cm2\"", "density = \"120 mS/cm2\", stochastic = true, unitary = \"20 pS\"")
    };
    let text = |to: &str, soma: &str, connect: &str| counted(one_cell(to, soma, connect));
    let alone = run_with(&text("pyr.dend(0.9)", "pyr.soma", ""), &["trials = 2"]);
    let of_one = run_with(&text("pyr.dend(0.9)", "pyr.soma", "synapse.many.connect = { all = true }"), &["trials = 2"]);
    for (a, b) in probe(&alone, "pyr.soma.v_m").trials.iter().zip(&probe(&of_one, "pyr.soma.v_m").trials) {
        assert!(largest(&a.1, &b.1) < 1e-6, "{}", largest(&a.1, &b.1));
    }
    let [first, second] = [0, 1].map(|k| &probe(&alone, "pyr.soma.v_m").trials[k].1);
    assert!(largest(first, second) > 0.1);
    // Two of many, with nothing that acts on them, are two.
    let two = counted(format!(
        "{WORLD}{SHORT}{CELL}cell.pyr.count = 2\nprobe.a = {{ read = \"pyr[0].soma.v_m\" }}\n\
         probe.b = {{ read = \"pyr[1].soma.v_m\" }}\n"
    ));
    let two = run_with(&two, &[]);
    let [a, b] = ["pyr[0].soma.v_m", "pyr[1].soma.v_m"].map(|path| &probe(&two, path).mean);
    let apart = largest(a, b);
    assert!(apart > 0.05 && apart < 60.0, "{apart} mV");
}

#[test]
fn a_voltage_clamp_and_a_synapse_of_molecules_on_cells_of_a_population_are_what_they_are_elsewhere() {
    let of = |sender: &str, receiver: &str, more: &str| {
        let text = format!(
            r#"{WORLD}{SHORT}{CELL}{more}
clamp.hold = {{ at = "{receiver}.soma", hold = "-70 mV", series_resistance = "10 Mohm" }}
clamp.kick = {{ at = "{sender}.soma", current = "2 nA", start = "5 ms", stop = "6 ms" }}
detail = "mean"
synapse.contact.from = "{sender}.soma"
synapse.contact.to   = "{receiver}.soma"
synapse.contact.use  = "synapse/ca1_spine"
synapse.contact.without = ["terminal.sensor", "terminal.channel", "spine"]
synapse.contact.terminal.molecules_cv = 0
probe.i = {{ read = "clamp.hold.current" }}
probe.g = {{ read = "contact.receptor.ampa.conductance" }}
probe.v = {{ read = "{sender}.soma.v_m" }}
"#
        );
        run_with(&text, &[])
    };
    let two = CELL.replace("cell.pyr", "cell.second");
    let apart = of("pyr", "second", &two);
    let within = of("pyr[0]", "pyr[2]", "cell.pyr.count = 3\n");
    let [a, b] = [&apart, &within].map(|c| &probe(c, "clamp.hold.current").mean);
    let peak = a.iter().skip(240).fold(0.0f64, |m, x| m.max((x - a[200]).abs()));
    assert!(peak > 5.0, "{peak} pA");
    // A sender of the circuit is seen a step later: .025 ms of a current that rises in a few tenths.
    assert!(largest(&a[..a.len() - 1], &b[1..]) < 0.02 * peak, "{} of {peak}", largest(&a[..a.len() - 1], &b[1..]));
    assert!(largest(&probe(&apart, "pyr.soma.v_m").mean, &probe(&within, "pyr[0].soma.v_m").mean) < 1e-6);
}

#[test]
fn a_synapse_of_molecules_that_connects_is_one_for_each_contact() {
    let of = |synapses: &str| {
        let text = format!(
            r#"{WORLD}{SHORT}{CELL}cell.pyr.count = 4
clamp.kick = {{ at = "pyr[0].soma", current = "2 nA", start = "5 ms", stop = "6 ms" }}
clamp.again = {{ at = "pyr[1].soma", current = "2 nA", start = "9 ms", stop = "10 ms" }}
detail = "mean"
{synapses}
probe.v2 = {{ read = "pyr[2].soma.v_m" }}
probe.v3 = {{ read = "pyr[3].soma.v_m" }}
"#
        );
        run_with(&text, &["duration = 25 ms"])
    };
    let synapse = |name: &str, from: &str, to: &str, connect: &str| {
        format!(
            r#"synapse.{name}.from = "{from}.soma"
synapse.{name}.to = "{to}"
synapse.{name}.use = "synapse/ca1_spine"
synapse.{name}.without = ["terminal.sensor", "terminal.channel", "spine"]
synapse.{name}.terminal.molecules_cv = 0
{connect}
"#
        )
    };
    let joined = of(&(synapse("all", "pyr", "pyr.soma", "synapse.all.connect = { pairs = [[0, 2], [1, 2], [0, 3]] }")
        + "probe.sum = { read = \"all.receptor.ampa.conductance\" }\n"));
    let single: String = [("a", 0, 2), ("b", 1, 2), ("c", 0, 3)]
        .iter()
        .map(|(name, from, to)| synapse(name, &format!("pyr[{from}]"), &format!("pyr[{to}].soma"), ""))
        .collect();
    let single = of(&(single
        + "probe.a = { read = \"a.receptor.ampa.conductance\" }\nprobe.b = { read = \"b.receptor.ampa.conductance\" }\n"));
    for path in ["pyr[2].soma.v_m", "pyr[3].soma.v_m"] {
        let [a, b] = [&joined, &single].map(|c| &probe(c, path).mean);
        assert!(largest(a, b) < 1e-9 && a.iter().any(|v| *v > a[0] + 0.05), "{path}: {}", largest(a, b));
    }
    let [a, b] = ["a", "b"].map(|name| &probe(&single, &format!("{name}.receptor.ampa.conductance")).mean);
    let sum: Vec<f64> = a.iter().zip(b).map(|(a, b)| 2.0f64.mul_add(*a, *b)).collect();
    // What the third gives is what the first does, to what the receivers' voltages make of it: at this level nothing.
    let all = &probe(&joined, "all.receptor.ampa.conductance").mean;
    assert!(largest(all, &sum) < 1e-9 * all.iter().fold(0.0, |m: f64, x| m.max(*x)), "{}", largest(all, &sum));
    // Onto a region, each contact is at a place of its own; each fusion is at one of them.
    let connect = "synapse.all.connect = { indegree = 2, contacts = 3 }";
    let region = of(&synapse("all", "pyr", "pyr.dend", connect));
    let sites: std::collections::BTreeSet<u32> =
        region.events.iter().filter(|e| e.what == "all.fusion").map(|e| e.index).collect();
    assert!(sites.len() >= 6 && sites.iter().all(|k| *k < 24), "{sites:?}");
}

/// Point neurons with positions; a spike goes from the first to all others.
const LINE: &str = r#"
temperature = "34 degC"
duration = "60 ms"
numerics.step = "0.1 ms"
cell.kick.times = ["1 ms"]
cell.lif = { use = "neuron/lif", count = 6, arrangement = { line = "1 mm" } }
synapse.start.from = "kick.axon"
synapse.start.to = "lif[0].soma"
synapse.start.current = { peak = "100 nA", decay = "0.5 ms" }
synapse.on.from = "lif.soma"
synapse.on.to = "lif.soma"
synapse.on.delay = "0.5 ms"
synapse.on.velocity = "0.2 m/s"
synapse.on.current = { peak = "60 nA", decay = "1 ms" }
"#;

#[test]
fn an_axon_is_as_long_as_cells_are_apart() {
    let text = format!("{LINE}synapse.on.connect = {{ pairs = [[0, 1], [0, 2], [0, 3], [0, 4], [0, 5]] }}\n");
    let c = run_with(&text, &[]);
    let times: Vec<f64> = (0..6).map(|k| spikes(&c, "lif", k)[0]).collect();
    for (k, at) in times.iter().enumerate().skip(1) {
        // The same event makes the same spike, so that the delays are all that differs: 5 ms a mm.
        let later = at - times[1];
        assert!((later - 5.0 * (k as f64 - 1.0)).abs() < 1e-6, "{k}: {later}");
    }
    // And from cell to cell: each hears the one before it.
    let chain = run_with(&format!("{LINE}synapse.on.connect = {{ ring = 1 }}\n"), &[]);
    let step = times[1] - times[0];
    for k in 1..6 {
        let at = spikes(&chain, "lif", k)[0];
        assert!((at - times[0] - step * f64::from(k)).abs() < 1e-6, "{k}: {at}");
    }
}

#[test]
fn a_block_acts_on_a_point_neuron_of_a_circuit_as_on_one_alone() {
    let of = |more: &str| {
        let text = format!(
            r#"{WORLD}
duration = "200 ms"
numerics.step = "0.1 ms"
cell.crowd = {{ rate = "10 Hz", count = 60 }}
cell.lif = {{ use = "neuron/lif" }}
synapse.nmda.from = "crowd.axon"
synapse.nmda.to = "lif.soma"
synapse.nmda.conductance = {{ peak = "6 nS", rise = "2 ms", decay = "30 ms", reversal = "0 mV", block = "block/mg_jahr_stevens_1990" }}
probe.v = {{ read = "lif.soma.v_m" }}
{more}
"#
        );
        run_with(&text, &[])
    };
    let (alone, within) = (of(""), of("synapse.nmda.connect = { all = true }"));
    let [a, b] = [&alone, &within].map(|c| spikes(c, "lif", 0));
    assert!(a.len() > 4 && largest(&a, &b) < 1e-6, "{a:?} {b:?}");
    let [a, b] = [&alone, &within].map(|c| &probe(c, "lif.soma.v_m").mean);
    assert!(largest(a, b) < 1e-6, "{}", largest(a, b));
}

/// Pyramidal cells, leaky neurons and senders at random, joined at random.
fn mixed() -> String {
    format!(
        r#"{WORLD}{CELL}
duration = "60 ms"
trials = 2
cell.pyr.count = 11
cell.pyr.arrangement.ring = "100 um"
cell.pyr.spines.s = {{ on = ["dend"], count = 5, head_diameter = "0.5 um", neck_length = "1 um", neck_diameter = "0.2 um" }}
cell.lif = {{ use = "neuron/lif", count = 9, arrangement = {{ box = ["50 um", "50 um", "50 um"], random = 3 }} }}
cell.noise = {{ rate = "200 Hz", count = 20 }}
synapse.drive.from = "noise.axon"
synapse.drive.to = "pyr.dend"
synapse.drive.connect = {{ indegree = 6, contacts = 2, where = "distance > 50 um" }}
synapse.drive.conductance = {{ peak = "1 nS", rise = "0.3 ms", decay = "3 ms", reversal = "0 mV" }}
synapse.out.from = "pyr.dend(0.1)"
synapse.out.to = "lif.soma"
synapse.out.connect = {{ probability = "0.9 * exp(-separation / 300 um)", spread = 0.4 }}
synapse.out.delay = "0.7 ms"
synapse.out.velocity = "0.3 m/s"
synapse.out.current = {{ peak = "600 pA", rise = "0.3 ms", decay = "3 ms" }}
synapse.back.from = "lif.soma"
synapse.back.to = "pyr.spines.s"
synapse.back.connect = {{ outdegree = 5 }}
synapse.back.delay = "1.5 ms"
synapse.back.conductance = {{ peak = "1 nS", decay = "5 ms", reversal = "-75 mV" }}
clamp.all = {{ at = "pyr.soma", current = "20 pA", start = "2 ms", stop = "50 ms" }}
probe.pyr = {{ read = "pyr.rate", every = "2 ms" }}
probe.lif = {{ read = "lif.rate", every = "5 ms" }}
probe.five = {{ read = "pyr[5].rate", every = "2 ms" }}
probe.v = {{ read = "pyr[7].soma.v_m", every = "0.1 ms" }}
probe.w = {{ read = "lif[2].soma.v_m" }}
probe.tree = {{ read = "pyr[4].v_m", every = "1 ms" }}
"#
    )
}

#[test]
fn neither_threads_nor_a_cut_change_a_bit_of_a_circuit() {
    let plan = plan(&mixed());
    let of = |threads| {
        let outcome =
            run(&[plan_with(&mixed(), &[])], "", threads, &Progress::default(), &Cancel::new()).expect("a run");
        let c = &outcome.recording.conditions[0];
        assert!(c.events.len() > 100, "{} events", c.events.len());
        format!("{:?}{:?}{:?}", c.probes, c.events, c.trees)
    };
    let one = of(1);
    assert!(one == of(2) && one == of(3));
    let mut whole = Going::new(&plan, 0, 2);
    whole.to(&plan, 60.0);
    for cut in [0.025, 17.35] {
        let mut parts = Going::new(&plan, 0, 2);
        parts.to(&plan, cut);
        let bytes = snapshot::save(7, &parts.batch).expect("bytes");
        parts.batch = snapshot::load(7, &bytes).expect("a batch");
        parts.to(&plan, 60.0);
        let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("bytes"));
        assert!(a == b, "cut at {cut} ms");
        for p in 0..plan.probes.len() {
            assert_eq!(parts.traces.samples(1, p), whole.traces.samples(1, p), "{}", plan.probes[p].path);
        }
    }
}

#[test]
fn rates_count_every_spike_once() {
    let c = run_with(&mixed(), &["trials = 1"]);
    for (name, cells, bin) in [("pyr", 11.0, 2.0), ("lif", 9.0, 5.0)] {
        let rate = &probe(&c, &format!("{name}.rate")).mean;
        let counted = rate.iter().sum::<f64>() * cells * bin * 1e-3;
        let all = c.events.iter().filter(|e| e.what == format!("{name}.spike")).count() as f64;
        assert!(all > 20.0 && (counted - all).abs() < 1e-9, "{name}: {counted} {all}");
        let fact = c.facts.iter().find(|f| f.key == format!("{name}.rate")).expect("a fact");
        assert!((fact.value - all / cells / 0.06).abs() < 1e-9, "{name}: {}", fact.value);
    }
    let five = probe(&c, "pyr[5].rate").mean.iter().sum::<f64>() * 2e-3;
    assert!((five - spikes(&c, "pyr", 5).len() as f64).abs() < 1e-9);
    let connections = |key: &str| c.facts.iter().find(|f| f.key == key).expect("a fact").value;
    assert_eq!((connections("drive.connections"), connections("back.connections")), (66.0, 45.0));
}

#[test]
fn a_circuit_does_not_depend_on_how_finely_it_is_looked_at() {
    // A probe at every step of something that is no voltage makes the circuit go step by step.
    let coarse = run_with(&mixed(), &["trials = 1"]);
    let fine = format!("{}probe.w2 = {{ read = \"pyr[1].soma.na.current\" }}\n", mixed());
    let fine = run_with(&fine, &["trials = 1"]);
    assert_eq!(coarse.events, fine.events);
    assert_eq!(probe(&coarse, "pyr[7].soma.v_m").mean, probe(&fine, "pyr[7].soma.v_m").mean);
}

/// A condition of an example, run.
fn example(text: &str, condition: &str) -> Condition {
    let files = |name: &str| {
        assert_eq!(name, "pyramidal.swc");
        Ok(include_str!("../../../examples/pyramidal.swc").to_owned())
    };
    let catalogue = Catalogue::embedded();
    let outcome = model::resolve::model_beside("model.toml", text.into(), &[], &catalogue, &files);
    let mut faults = outcome.diagnostics;
    let plans = outcome.resolved.iter().filter_map(|r| bouton::lower::model(r, &mut faults));
    let plan = plans.into_iter().find(|p| p.name == condition).expect("the condition");
    assert!(!faults.has_errors(), "{}", faults.render(&outcome.sources, false));
    common::ran(plan).0
}

#[test]
fn an_action_potential_goes_round_the_ring_in_the_time_of_its_axons_and_cells() {
    let text = include_str!("../../../examples/ring_of_cells.toml");
    let [quick, slow, weak] = ["quick", "slow", "weak"].map(|name| example(text, name));
    let round = |c: &Condition| {
        let times = spikes(c, "ring", 0);
        // The first round begins with a kick, and adaptation builds up until the third.
        times[3] - times[2]
    };
    // Ten axons of 309 um, at .1 and at .3 m/s: 20.6 ms. A longer round leaves cells more time to recover.
    let longer = round(&slow) - round(&quick);
    assert!((17.0..20.7).contains(&longer), "{} {} ms", round(&quick), round(&slow));
    for k in 1..10 {
        let [a, b] = [k - 1, k].map(|k| spikes(&quick, "ring", k)[0]);
        assert!(b - a > 1.53 && b - a < 12.0, "{k}: {} ms", b - a);
    }
    let all: Vec<usize> = (0..10).map(|k| spikes(&weak, "ring", k).len()).collect();
    assert_eq!(all, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn without_inhibition_the_random_network_runs_away() {
    let text = include_str!("../../../examples/random_network.toml").replace("\"500 ms\"", "\"200 ms\"");
    let rate =
        |c: &Condition, cell: &str| c.facts.iter().find(|f| f.key == format!("{cell}.rate")).expect("a rate").value;
    let [balanced, disinhibited] = ["balanced", "disinhibited"].map(|name| example(&text, name));
    let [calm, wild] = [&balanced, &disinhibited].map(|c| rate(c, "pyr"));
    assert!((2.0..30.0).contains(&calm) && wild > 4.0 * calm, "{calm} {wild} /s");
    assert!(rate(&balanced, "fast") > 2.0);
}
