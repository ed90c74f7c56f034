//! Gap junctions in models: pairs against closed forms, wanted couplings, mixed synapses, graphs, modulation, drugs.

mod common;

use bouton::recording::Condition;
use bouton::simulation::{Cancel, Progress, run};
use common::{WORLD, at, plan, plan_with, probe, run_with};
use numerics::math::{exp, pow};
use std::fmt::Write as _;

/// Passive cells of 100 pF and 10 nS, called so.
fn passive(names: &[&str]) -> String {
    let mut text = WORLD.to_owned();
    for name in names {
        let _ = write!(
            text,
            "cell.{name}.membrane = {{ capacitance = \"1 uF/cm2\", area = \"10000 um2\" }}\n\
             cell.{name}.channel.leak = {{ use = \"channel/leak\", density = \"0.1 mS/cm2\", reversal = \"-70 mV\" }}\n"
        );
    }
    text
}

/// `junction` between two of them.
fn gap(from: &str, to: &str, junction: &str) -> String {
    format!("synapse.gap.from = \"{from}\"\nsynapse.gap.to = \"{to}\"\nsynapse.gap.junction.{junction}\n")
}

fn fact(c: &Condition, key: &str) -> f64 {
    c.facts.iter().find(|f| f.key == key).unwrap_or_else(|| panic!("no fact `{key}`")).value
}

/// Steady coupling that a run shows: change of `b` over that of `a`.
fn shown(c: &Condition, a: &str, b: &str, [before, after]: [f64; 2]) -> f64 {
    let change = |path: &str| at(probe(c, path), after) - at(probe(c, path), before);
    change(b) / change(a)
}

fn step_into(at: &str, current: &str, [start, stop]: [&str; 2]) -> String {
    format!("clamp.step = {{ at = \"{at}\", current = \"{current}\", start = \"{start}\", stop = \"{stop}\" }}\n")
}

#[test]
fn an_ohmic_pair_is_its_closed_form() {
    // C dV/dt = -g_m V - g_j (V - V') + I: the sum decays with C / g_m, the difference with C / (g_m + 2 g_j).
    let (c, g_m, g_j, i) = (100.0, 10.0, 1.0, 20.0);
    let text = passive(&["a", "b"])
        + &gap("a.soma", "b.soma", "conductance = \"1 nS\"")
        + &step_into("a.soma", "20 pA", ["10 ms", "200 ms"])
        + "duration = \"120 ms\"\nprobe.a = { read = \"a.soma.v_m\" }\nprobe.b = { read = \"b.soma.v_m\" }\n\
           probe.i = { read = \"gap.junction.current\" }\nprobe.g = { read = \"gap.junction.conductance\" }\n\
           probe.w = { read = \"gap.junction.strength\" }\n";
    let run = run_with(&text, &[]);
    let sum = |t: f64| i / g_m * (1.0 - exp(-t * g_m / c));
    let difference = |t: f64| i / (g_m + 2.0 * g_j) * (1.0 - exp(-t * (g_m + 2.0 * g_j) / c));
    let mut worst = 0.0f64;
    for t in [1.0, 2.5, 10.0, 40.0, 100.0] {
        let (a, b) = (at(probe(&run, "a.soma.v_m"), 10.0 + t) + 70.0, at(probe(&run, "b.soma.v_m"), 10.0 + t) + 70.0);
        let (s, d) = (sum(t), difference(t));
        worst = worst.max((a - 0.5 * (s + d)).abs()).max((b - 0.5 * (s - d)).abs());
        // In the mean over the last step of .025 ms.
        let (current, d) = (at(probe(&run, "gap.junction.current"), 10.0 + t), difference(t - 0.0125));
        assert!((current - g_j * d).abs() < 1e-4 * g_j * d, "{current} pA for {}", g_j * d);
    }
    println!("off the closed form by {worst:.2e} mV");
    assert!(worst < 1e-5, "{worst} mV");
    let coefficient = shown(&run, "a.soma.v_m", "b.soma.v_m", [10.0, 110.0]);
    println!("coupling {coefficient}, told {}", fact(&run, "gap.coupling"));
    assert!((fact(&run, "gap.coupling") - g_j / (g_j + g_m)).abs() < 1e-12);
    assert!((fact(&run, "gap.coupling") - fact(&run, "gap.coupling_back")).abs() < 1e-12);
    assert!((coefficient / 0.0909 - 1.0).abs() < 1e-3, "{coefficient}");
    assert_eq!(fact(&run, "gap.conductance"), 1.0);
    for (path, value) in [("gap.junction.conductance", 1.0), ("gap.junction.strength", 1.0)] {
        assert!(probe(&run, path).mean.iter().all(|x| (x - value).abs() < 1e-9), "{path}");
    }
}

#[test]
fn what_crosses_falls_with_frequency_as_the_membrane_filters() {
    // Whatever the current, C dV_b/dt = g_j V_a - (g_j + g_m) V_b: the transforms of both answers to a brief pulse have the
    // ratio g_j / (g_j + g_m + i w C).
    let text = passive(&["a", "b"])
        + &gap("a.soma", "b.soma", "conductance = \"1 nS\"")
        + &step_into("a.soma", "500 pA", ["10 ms", "11 ms"])
        + "duration = \"350 ms\"\nprobe.a.read = \"a.soma.v_m\"\nprobe.b.read = \"b.soma.v_m\"\n";
    let run = run_with(&text, &[]);
    let transform = |path: &str, w: f64| {
        let p = probe(&run, path);
        let mut parts = [0.0f64; 2];
        for (k, v) in p.mean.iter().enumerate() {
            let phase = w * p.every * k as f64;
            parts[0] += (v + 70.0) * phase.cos();
            parts[1] -= (v + 70.0) * phase.sin();
        }
        parts[0].hypot(parts[1])
    };
    // The table: 100 pF, 10 nS and 1 nS.
    for (hz, table) in [(0.0, 0.0909), (5.0, 0.0874), (20.0, 0.0599), (50.0, 0.0300), (100.0, 0.0157), (200.0, 0.0079)]
    {
        let w = std::f64::consts::TAU * hz * 1e-3;
        let ratio = transform("b.soma.v_m", w) / transform("a.soma.v_m", w);
        let exact = 1.0 / 11.0f64.hypot(w * 100.0);
        println!("{hz} Hz: {ratio:.6}, closed form {exact:.6}");
        assert!((ratio / exact - 1.0).abs() < 1e-3, "{hz} Hz: {ratio}, {exact}");
        assert!((exact - table).abs() < 6e-5, "{hz} Hz: {exact}, {table}");
    }
}

/// Cells with dendrites and channels at rest.
const PYRAMIDAL: &str = r#"
cell.pyr.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm*cm" }
cell.pyr.section.soma = { diameter = "20 um", length = "20 um" }
cell.pyr.section.dend = { on = "soma", diameter = "2 um", length = "300 um", compartments = 7 }
cell.pyr.channel.na = { use = "channel/hh1952_na", density = "120 mS/cm2", reversal = "50 mV", on = ["soma"] }
cell.pyr.channel.k = { use = "channel/hh1952_k", density = "36 mS/cm2", reversal = "-77 mV", on = ["soma"] }
cell.pyr.channel.leak = { use = "channel/leak", density = "0.3 mS/cm2", reversal = "-54.4 mV" }
cell.fs.use = "neuron/pospischil_fs"
"#;

#[test]
fn a_wanted_coupling_is_what_a_small_current_shows() {
    let points = [("neuron/lif", 0.05), ("neuron/izhikevich_2003_rs", 0.1), ("neuron/adex_naud_2008_tonic", 0.2)];
    let of = |cells: &str, from: &str, to: &str, seen: [&str; 2], wanted: f64, (more, current): (&str, &str)| {
        let text = format!(
            "{WORLD}{cells}{more}{}{}duration = \"900 ms\"\nprobe.a = {{ read = \"{}.v_m\", every = \"1 ms\" }}\n\
             probe.b = {{ read = \"{}.v_m\", every = \"1 ms\" }}\n",
            gap(from, to, &format!("coupling = {wanted}")),
            step_into(seen[0], current, ["400 ms", "900 ms"]),
            seen[0],
            seen[1],
        );
        let run = run_with(&text, &[]);
        let k = shown(&run, &format!("{}.v_m", seen[0]), &format!("{}.v_m", seen[1]), [399.0, 899.0]);
        println!("{from} to {to}: wanted {wanted}, told {}, shown {k}", fact(&run, "gap.coupling"));
        (fact(&run, "gap.coupling"), k)
    };
    for (model, wanted) in points {
        // Izhikevich's cell has no capacitance to speak of: a current of its own size.
        let current = if model.contains("izhikevich") { "0.002 pA" } else { "0.2 pA" };
        let cells = format!("cell.a.use = \"{model}\"\ncell.b.use = \"{model}\"\n");
        let (told, k) = of(&cells, "a.soma", "b.soma", ["a.soma", "b.soma"], wanted, ("", current));
        assert!((told - wanted).abs() < 1e-12 && (k / wanted - 1.0).abs() < 1e-3, "{model}: {told}, {k}");
    }
    // From a dendrite into a soma of another kind of cell: at the two places.
    let (told, k) = of(PYRAMIDAL, "pyr.dend(0.5)", "fs.soma", ["pyr.dend(0.5)", "fs.soma"], 0.1, ("", "0.2 pA"));
    assert!((told - 0.1).abs() < 1e-12 && (k / 0.1 - 1.0).abs() < 2e-3, "{told}, {k}");
    // Five contacts anywhere in the dendrites of two cells: between the somata. Passive, so that no current passes at rest,
    // where a dendrite's voltage is not everywhere the same and channels would feel it.
    let passive = PYRAMIDAL.lines().filter(|l| !l.contains("hh1952") && !l.contains("cell.fs"));
    let one: String = passive.map(|l| format!("{l}\n")).collect();
    let cells = one.clone() + &one.replace("cell.pyr", "cell.two");
    let many = "synapse.gap.connect = { all = true, contacts = 5 }\n";
    let (told, k) = of(&cells, "pyr.dend", "two.dend", ["pyr.soma", "two.soma"], 0.08, (many, "0.2 pA"));
    assert!((told - 0.08).abs() < 1e-9 && (k / 0.08 - 1.0).abs() < 1e-4, "{told}, {k}");
}

/// A network of point neurons joined so.
fn net(n: u32, more: &str, connect: &str) -> String {
    format!(
        "{WORLD}duration = \"20 ms\"\ncell.lif = {{ use = \"neuron/lif\", count = {n}{more} }}\n\
         synapse.net.from = \"lif.soma\"\nsynapse.net.to = \"lif.soma\"\nsynapse.net.connect = {{ {connect} }}\n\
         synapse.net.junction = {{ conductance = \"0.6 nS\" }}\n"
    )
}

#[test]
fn a_population_is_joined_by_pairs_without_order() {
    for (connect, pairs) in [
        ("all = true", 190),
        ("ring = 1", 20),
        ("ring = 3", 60),
        ("ring = 10", 190),
        ("probability = 1", 190),
        ("pairs = [[0, 5], [3, 1]]", 2),
        ("all = true, contacts = 4", 190),
    ] {
        let plan = plan(&net(20, "", connect));
        let circuit = plan.circuit.as_ref().unwrap();
        let gap = &circuit.gaps[0];
        assert_eq!(gap.pairs, pairs, "{connect}");
        let all = circuit.plan.junctions();
        assert_eq!(all.len() as u64, pairs * gap.contacts);
        let mut met: Vec<[u32; 2]> = all.iter().map(|j| [j.a.cell.min(j.b.cell), j.a.cell.max(j.b.cell)]).collect();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len() as u64, pairs, "{connect}");
        let whole: f64 = all.iter().map(|j| j.g).sum();
        assert!((whole - 0.6 * pairs as f64).abs() < 1e-9, "{connect}: {whole}");
    }
    let run = run_with(&net(20, "", "ring = 3"), &[]);
    assert_eq!((fact(&run, "net.junctions"), fact(&run, "net.degree")), (60.0, 6.0));
    assert!((fact(&run, "net.conductance") - 0.6).abs() < 1e-12);
    // Drawn: 200 cells at .1 are 19,900 pairs, of which 1,990 +- 42; false alarm 6e-7 at 5 of them.
    let run = run_with(&net(200, "", "probability = 0.1, spread = 0.5"), &[]);
    let pairs = fact(&run, "net.junctions");
    assert!((pairs - 1990.0).abs() < 5.0 * 42.4, "{pairs}");
    // The mean strength of so many, of which each varies by half: .6 +- .0067.
    let mean = fact(&run, "net.conductance");
    println!("{pairs} pairs, {mean} nS");
    assert!((mean - 0.6).abs() < 5.0 * 0.6 * 0.5 / pairs.sqrt(), "{mean}");
}

#[test]
fn no_bit_depends_on_the_threads_or_on_who_looks() {
    let text = net(
        300,
        ", arrangement = { box = [\"200 um\", \"200 um\", \"50 um\"] }",
        "probability = \"0.4 * exp(-separation / 60 um)\"",
    ) + "cell.in = { rate = \"800 Hz\", count = 300 }\nsynapse.input.from = \"in.axon\"\nsynapse.input.to = \"lif.soma\"\nsynapse.input.connect.each = true\n\
           synapse.input.current = { peak = \"120 pA\", decay = \"3 ms\" }\nprobe.v.read = \"lif[7].soma.v_m\"\n";
    let of = |threads: usize, more: &str| {
        let plan = plan_with(&format!("{text}{more}"), &["duration = \"60 ms\""]);
        let outcome = run(&[plan], "", threads, &Progress::default(), &Cancel::new()).unwrap();
        outcome.recording.conditions.into_iter().next().unwrap()
    };
    let (one, two) = (of(1, ""), of(2, ""));
    assert!(one.events.len() > 300, "{}", one.events.len());
    assert!(one.events == two.events && probe(&one, "lif[7].soma.v_m").mean == probe(&two, "lif[7].soma.v_m").mean);
    // A probe that is asked now and then cuts the run otherwise.
    let looked = of(2, "probe.g = { read = \"net.junction.conductance\", every = \"0.5 ms\" }\n");
    assert!(looked.events == one.events);
    assert!(probe(&looked, "net.junction.conductance").mean.iter().all(|g| (g - 0.6).abs() < 1e-9));
}

/// Modified channels of a modulator under a trace of events: `x` decays with `trace`, `m' = share / time (1 - m) - m / forget`;
/// by small steps, at the times of `samples`.
fn modified(
    events: &[(f64, f64)],
    (trace, half, power): (f64, f64, f64),
    (time, forget): (f64, f64),
    samples: &[f64],
) -> Vec<f64> {
    let (mut x, mut m, mut t, dt) = (0.0f64, 0.0f64, 0.0f64, 1e-3);
    let mut next = events.iter().peekable();
    samples
        .iter()
        .map(|&until| {
            while t < until - 0.5 * dt {
                while let Some((_, n)) = next.next_if(|e| e.0 <= t + 0.5 * dt) {
                    x += n;
                }
                // The share in the middle of the step.
                let middle = x * exp(-0.5 * dt / trace);
                let share = if middle > 0.0 { 1.0 / (1.0 + pow(half / middle, power)) } else { 0.0 };
                let rate = share / time + 1.0 / forget;
                if rate > 0.0 {
                    m += (share / time / rate - m) * (1.0 - exp(-rate * dt));
                }
                x *= exp(-dt / trace);
                t += dt;
            }
            m
        })
        .collect()
}

#[test]
fn activity_changes_a_junction_as_its_equations_say() {
    let text = format!(
        "{WORLD}duration = \"400 ms\"\ncell.a.use = \"neuron/lif\"\ncell.b.use = \"neuron/lif\"\n{}\
         synapse.gap.junction.modulation.ltd = {{ by = \"from\", change = -0.4, half = 2, power = 2, trace = \"60 ms\", \
         time = \"80 ms\", forget = \"300 ms\" }}\n\
         synapse.gap.junction.modulation.ltp = {{ by = \"either\", change = 0.5, half = 4, trace = \"30 ms\", \
         time = \"200 ms\" }}\n{}\
         probe.w = {{ read = \"gap.junction.strength\", every = \"1 ms\" }}\nprobe.g = {{ read = \"gap.junction.conductance\", every = \"1 ms\" }}\n",
        gap("a.soma", "b.soma", "conductance = \"0.5 nS\""),
        step_into("a.soma", "600 pA", ["10 ms", "250 ms"]),
    );
    let run = run_with(&text, &[]);
    let of = |cell: &str| -> Vec<(f64, f64)> {
        let name = format!("{cell}.spike");
        run.events.iter().filter(|e| e.what == name).map(|e| (e.at, 1.0)).collect()
    };
    let (from, to) = (of("a"), of("b"));
    assert!(from.len() >= 8, "{} spikes", from.len());
    let mut either = [from.clone(), to].concat();
    either.sort_by(|a, b| a.0.total_cmp(&b.0));
    let w = probe(&run, "gap.junction.strength");
    let times: Vec<f64> = (0..w.mean.len()).map(|k| k as f64).collect();
    let ltd = modified(&from, (60.0, 2.0, 2.0), (80.0, 300.0), &times);
    let ltp = modified(&either, (30.0, 4.0, 1.0), (200.0, f64::INFINITY), &times);
    let mut worst = 0.0f64;
    for ((w, g), (d, p)) in w.mean.iter().zip(&probe(&run, "gap.junction.conductance").mean).zip(ltd.iter().zip(&ltp)) {
        let off = (w - (1.0 - 0.4 * d) * (1.0 + 0.5 * p)).abs();
        assert!(off.is_finite());
        worst = worst.max(off);
        assert!((g - 0.5 * w).abs() < 1e-3, "{g} nS at a strength of {w}");
    }
    let lowest = w.mean.iter().copied().fold(1.0, f64::min);
    println!("{} spikes, strength down to {lowest:.3}, off its equations by {worst:.1e}", from.len());
    assert!(lowest < 0.85 && worst < 1e-3, "{lowest}, {worst}");
}

#[test]
fn a_messenger_in_the_bath_sets_the_strength_and_changes_it_in_its_time() {
    let text = passive(&["a", "b"])
        + &gap("a.soma", "b.soma", "conductance = \"1 nS\"")
        + "synapse.gap.junction.modulation.d1 = { by = \"messenger\", messenger = \"dopamine\", change = -0.5, ec50 = \"2 uM\", \
           power = 2, time = \"30 ms\", forget = \"90 ms\" }\nduration = \"400 ms\"\n\
           probe.w = { read = \"gap.junction.strength\", every = \"1 ms\" }\n";
    let steady = |c: f64| {
        let share = c * c / (c * c + 4.0);
        let rate = share / 30.0 + 1.0 / 90.0;
        (share / 30.0 / rate, rate)
    };
    let held = run_with(&(text.clone() + "drug.dopamine.bath = \"4 uM\"\n"), &[]);
    let expected = 1.0 - 0.5 * steady(4.0).0;
    let w = &probe(&held, "gap.junction.strength").mean;
    assert!(w.iter().all(|w| (w - expected).abs() < 1e-9), "{} {expected}", w[w.len() - 1]);
    // Washed in within the trial: nothing, then towards the same.
    let washed = run_with(
        &(text
            + "drug.dopamine.schedule = { times = [\"0 ms\", \"100 ms\", \"250 ms\"], baths = [\"0 uM\", \"4 uM\", \"0 uM\"] }\n"),
        &[],
    );
    let w = &probe(&washed, "gap.junction.strength").mean;
    let (m, rate) = steady(4.0);
    let mut worst = 0.0f64;
    for (k, w) in w.iter().enumerate() {
        let t = k as f64;
        let on = |t: f64| m * (1.0 - exp(-rate * t));
        let modified = match t {
            t if t < 100.0 => 0.0,
            t if t < 250.0 => on(t - 100.0),
            t => on(150.0) * exp(-(t - 250.0) / 90.0),
        };
        worst = worst.max((w - (1.0 - 0.5 * modified)).abs());
    }
    println!("a messenger washed in and out: off by {worst:.1e}");
    assert!(worst < 2e-4, "{worst}");
}

/// A sender with spikes onto a passive cell: the chemical part as it is said, and a junction or none.
fn mixed(chemical: &str, junction: bool, more: &str) -> Condition {
    let electrical = if junction {
        "synapse.contact.junction.use = \"connexin/cx36\"\nsynapse.contact.junction.conductance = \"0.3 nS\"\n"
    } else {
        ""
    };
    let text = format!(
        "{WORLD}duration = \"40 ms\"\ncell.fs.use = \"neuron/pospischil_fs\"\n\
         cell.receiver.membrane = {{ capacitance = \"1 uF/cm2\", area = \"2000 um2\" }}\n\
         cell.receiver.channel.leak = {{ use = \"channel/leak\", density = \"0.1 mS/cm2\", reversal = \"-70 mV\" }}\n\
         cell.spare.use = \"neuron/lif\"\ncell.spare.count = 2\n\
         synapse.contact.from = \"fs.soma\"\nsynapse.contact.to = \"receiver.soma\"\n{chemical}{electrical}{more}{}\
         probe.v.read = \"receiver.soma.v_m\"\nprobe.pre.read = \"fs.soma.v_m\"\n",
        step_into("fs.soma", "6 nA", ["5 ms", "6 ms"]),
    );
    run_with(&text, &[])
}

const MOLECULES: &str = r#"
detail = "mean"
synapse.contact.use = "synapse/ca1_spine"
synapse.contact.without = ["terminal.sensor", "terminal.channel", "spine"]
synapse.contact.terminal.molecules_cv = 0
synapse.contact.zones = 8
"#;

const PLAIN: &str = r#"
synapse.contact.delay = "0.6 ms"
synapse.contact.conductance = { peak = "2 nS", rise = "0.3 ms", decay = "3 ms", reversal = "0 mV" }
"#;

/// The voltage of the receiver over that before.
fn response(c: &Condition) -> Vec<f64> {
    let p = probe(c, "receiver.soma.v_m");
    let before = at(p, 4.9);
    p.mean.iter().map(|v| v - before).collect()
}

/// When the largest of a course is reached first to a tenth, ms.
fn onset(values: &[f64], every: f64) -> f64 {
    let most = values.iter().copied().fold(0.0, f64::max);
    values.iter().position(|v| *v > 0.1 * most).map_or(f64::NAN, |k| k as f64 * every)
}

#[test]
fn at_a_mixed_synapse_the_electrical_part_comes_first_and_each_part_is_what_it_is_alone() {
    for chemical in [MOLECULES, PLAIN] {
        let (both, alone) = (mixed(chemical, true, ""), mixed(chemical, false, ""));
        let off = match chemical {
            PLAIN => mixed(&chemical.replace("2 nS", "0 nS"), true, ""),
            _ => mixed(
                chemical,
                true,
                "drug.cnqx = { use = \"drug/cnqx\", bath = \"1 mM\" }\ndrug.ap5 = { use = \"drug/d_ap5\", bath = \"1 mM\" }\n",
            ),
        };
        let every = probe(&both, "receiver.soma.v_m").every;
        let [both, chemical_alone, electrical] = [&both, &alone, &off].map(response);
        let (first, second) = (onset(&electrical, every), onset(&chemical_alone, every));
        let most = |v: &[f64]| v.iter().copied().fold(f64::MIN, f64::max);
        println!(
            "electrical {:.2} mV from {first:.3} ms, chemical {:.2} mV from {second:.3} ms, both {:.2} mV from {:.3} ms",
            most(&electrical),
            most(&chemical_alone),
            most(&both),
            onset(&both, every)
        );
        assert!(most(&electrical) > 0.5 && most(&chemical_alone) > 0.5);
        assert!((0.2..1.5).contains(&(second - first)), "{} ms", second - first);
        // When the electrical part begins, it is all that there is.
        let k = (first / every).round() as usize;
        assert!((both[k] - electrical[k]).abs() < 0.02 * most(&electrical), "{} {}", both[k], electrical[k]);
        assert!(most(&both) > most(&electrical).max(most(&chemical_alone)));
    }
}

#[test]
fn vesicles_of_the_chemical_part_change_the_junction() {
    let more = "synapse.contact.junction.modulation.ltp = { by = \"release\", change = 0.8, half = 10, trace = \"5 ms\", \
                time = \"20 ms\", forget = \"40 ms\" }\nprobe.w = { read = \"contact.junction.strength\", every = \"0.5 ms\" }\n\
                clamp.again = { at = \"fs.soma\", current = \"6 nA\", start = \"20 ms\", stop = \"21 ms\" }\n";
    let run = mixed(MOLECULES, true, more);
    let fused: Vec<(f64, f64)> =
        run.events.iter().filter(|e| e.what == "contact.fusion").map(|e| (e.at, 1.0)).collect();
    assert_eq!(fused.len(), 16);
    let w = &probe(&run, "contact.junction.strength").mean;
    let times: Vec<f64> = (0..w.len()).map(|k| 0.5 * k as f64).collect();
    let expected = modified(&fused, (5.0, 10.0, 1.0), (20.0, 40.0), &times);
    // Vesicles count from the beginning of their step.
    let worst = w.iter().zip(&expected).map(|(w, m)| (w - 1.0 - 0.8 * m).abs()).fold(0.0, f64::max);
    let most = w.iter().copied().fold(0.0, f64::max);
    println!("strength up to {most:.3}, off by {worst:.1e}");
    assert!(most > 1.05 && worst < 2e-3, "{most}, {worst}");
}

#[test]
fn blockers_of_one_part_leave_the_other() {
    // Areas of the responses: of the killed part less than 2 % is left, of the other all but 2 %.
    let of = |junction: bool, more: &str| {
        let run = mixed(MOLECULES, junction, more);
        response(&run)
    };
    let electrical = "drug.mefloquine = { use = \"drug/mefloquine\", bath = \"60 uM\" }\n";
    let chemical =
        "drug.cnqx = { use = \"drug/cnqx\", bath = \"1 mM\" }\ndrug.ap5 = { use = \"drug/d_ap5\", bath = \"1 mM\" }\n";
    let area = |v: &[f64]| v.iter().sum::<f64>() * 0.025;
    let (both, no_junction, no_receptors) = (of(true, ""), of(true, electrical), of(true, chemical));
    let (silent, alone) = (of(true, &format!("{electrical}{chemical}")), of(false, ""));
    let [both, no_junction, no_receptors, silent, alone] =
        [&both, &no_junction, &no_receptors, &silent, &alone].map(|v| area(v));
    println!(
        "mV ms: both {both:.3}, without junction {no_junction:.3}, without receptors {no_receptors:.3}, without either {silent:.4}, chemical alone {alone:.3}"
    );
    assert!(no_junction > 5.0 && no_receptors > 2.0 && both > no_junction.max(no_receptors));
    assert!((no_junction / alone - 1.0).abs() < 0.02, "{no_junction} {alone}");
    assert!(silent.abs() < 0.02 * no_receptors.min(no_junction), "{silent}");
}

#[test]
fn a_blocker_washed_in_follows_its_kinetics() {
    let text = passive(&["a", "b"])
        + &gap("a.soma", "b.soma", "conductance = \"1 nS\"\nsynapse.gap.junction.use = \"connexin/cx36\"")
        + "drug.mefloquine = { use = \"drug/mefloquine\", schedule = { times = [\"0 ms\", \"100 ms\", \"600 ms\"], baths = [\"0 mM\", \"1 mM\", \"0 mM\"] } }\n\
           duration = \"800 ms\"\nprobe.g = { read = \"gap.junction.conductance\", every = \"1 ms\" }\n\
           probe.v = { read = \"b.soma.v_m\", every = \"1 ms\" }\n"
        + &step_into("a.soma", "20 pA", ["10 ms", "800 ms"]);
    let run = run_with(&text, &[]);
    // Bound at 5556 /M/s, let go at 1.667e-3 /s: of channels in whatever state, those conduct that nothing is bound to.
    let (on, off) = (5556.0 * 1e-3 * 1e-3, 1.667e-6);
    let mut worst = 0.0f64;
    for (k, g) in probe(&run, "gap.junction.conductance").mean.iter().enumerate() {
        let bound = |t: f64| on / (on + off) * (1.0 - exp(-(on + off) * t));
        let bound = match k as f64 {
            t if t <= 100.0 => 0.0,
            t if t <= 600.0 => bound(t - 100.0),
            t => bound(500.0) * exp(-off * (t - 600.0)),
        };
        worst = worst.max((g - (1.0 - bound)).abs());
    }
    let g = &probe(&run, "gap.junction.conductance").mean;
    println!("{:.4} nS before, {:.4} nS at the end, off by {worst:.1e}", g[100], g[800]);
    assert!(worst < 2e-3 && g[800] < 0.1, "{worst}");
    // What crosses goes with it.
    let v = probe(&run, "b.soma.v_m");
    assert!(at(v, 100.0) + 70.0 > 0.15 && at(v, 790.0) + 70.0 < 0.03, "{} {}", at(v, 100.0), at(v, 790.0));
}
