//! Calcium in spines as models say it: regions of spines, plain synapses that let calcium in, diffusion through necks.

mod common;

use bouton::recording::Condition;
use bouton::simulation::Voltage;
use common::*;
use engine::membrane::ghk_current;
use numerics::constants::FARADAY;
use numerics::math;
use std::f64::consts::PI;

/// A dendrite with two spines, nothing on it but a leak.
const DENDRITE: &str = r#"
duration = "60 ms"
temperature = "34 degC"
solution.bath = { ca = "2 mM", mg = "1 mM" }
cell.pre.times = ["5 ms"]
cell.c.membrane = { axial_resistivity = "150 ohm*cm" }
cell.c.section.soma = { diameter = "20 um", length = "20 um" }
cell.c.section.dend = { on = "soma", diameter = "1 um", length = "20 um", compartments = 20 }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
cell.c.spines.s = { on = ["dend"], count = 2, head_diameter = "0.6 um", neck_length = "1 um", neck_diameter = "0.1 um" }
"#;

/// An NMDA-like conductance onto the first spine's head.
const NMDA: &str = r#"
synapse.n.from = "pre"
synapse.n.to = "c.spines.s[0]"
synapse.n.conductance = { peak = "0.2 nS", rise = "2 ms", decay = "20 ms", reversal = "0 mV", block = "block/mg_jahr_stevens_1990", calcium = 0.1 }
probe.g.read = "n.g"
probe.i.read = "n.current"
probe.v.read = "c.spines.s[0].v_m"
"#;

const D: f64 = 0.22;

fn trace<'a>(c: &'a Condition, path: &str) -> &'a [f64] {
    &probe(c, path).mean
}

fn most(values: &[f64]) -> f64 {
    values.iter().fold(f64::MIN, |a, b| a.max(*b))
}

fn model(parts: &[&str]) -> String {
    parts.concat()
}

#[test]
fn a_plain_block_follows_the_voltage_of_the_place() {
    let pool = "cell.c.pool.ca = { use = \"pool/calcium_hay_2011\", on = [\"spines.s.head\"], depth = \"1 mm\" }\n";
    let text = model(&[DENDRITE, NMDA, pool]);
    let blocked = run_with(&text, &[]);
    let free = run_with(&text, &["solution.bath.mg = \"0 mM\""]);
    let open = |v: f64| 1.0 / (1.0 + 1.0 / 3.57 * math::exp(-0.062 * v));
    let (g, whole) = (trace(&blocked, "n.g"), trace(&free, "n.g"));
    let (i, v) = (trace(&blocked, "n.current"), trace(&blocked, "c.spines.s[0].v_m"));
    for k in (0..g.len()).step_by(40) {
        assert!((g[k] - whole[k] * open(v[k])).abs() < 1e-12, "{k}: {} {}", g[k], whole[k] * open(v[k]));
        assert!((i[k] - g[k] * v[k]).abs() < 1e-12);
    }
    println!("peak {} nS blocked, {} nS free", most(g), most(whole));
    assert!(most(whole) > 0.19 && most(g) < 0.2 * most(whole));
    // A depolarised cell lets it go, onto a point neuron as well.
    let up = run_with(&text, &["cell.c.channel.leak.reversal = \"-20 mV\""]);
    assert!(most(trace(&up, "n.g")) > 3.0 * most(g));
    let point = text.split("cell.c.").next().unwrap_or_default().to_owned()
        + "cell.c.point = { model = \"lif\", capacitance = \"100 pF\", leak = \"5 nS\", rest = \"-70 mV\", threshold = \"0 mV\", reset = \"-70 mV\" }\n"
        + &NMDA.replace("c.spines.s[0]", "c.soma").replace(", calcium = 0.1", "");
    let point = run_with(&point, &[]);
    let (g, v) = (trace(&point, "n.g"), trace(&point, "c.soma.v_m"));
    for k in (0..g.len()).step_by(40) {
        assert!((g[k] - whole[k] * open(v[k])).abs() < 1e-9, "{k}");
    }
    // What depolarises it is what is not blocked: 0.009 nS or so.
    assert!(most(v) > -69.95 && most(v) < -69.5, "{}", most(v));
}

/// Head, volume in um3.
const HEAD: f64 = PI / 6.0 * 0.6 * 0.6 * 0.6;

#[test]
fn a_share_of_a_plain_current_comes_into_the_pool_of_the_head_alone() {
    let pool = "cell.c.pool.ca = { use = \"pool/calcium_hay_2011\", on = [\"spines.s.head\"], depth = \"1 mm\", share = 1, bound = 20, tau = \"1 ms\" }\nprobe.ca.read = \"c.spines.s[0].ca\"\nprobe.other.read = \"c.spines.s[1].head.ca\"\n";
    let c = run_with(&model(&[DENDRITE, NMDA, pool]), &[]);
    let (ca, g, v) = (trace(&c, "c.spines.s[0].ca"), trace(&c, "n.g"), trace(&c, "c.spines.s[0].v_m"));
    // A tenth at -60 mV, and as the GHK equation has it elsewhere.
    let one = |v: f64| ghk_current(1.0, 2, v, 0.0, 2.0, 307.15);
    let i: Vec<f64> = g.iter().zip(v).map(|(g, v)| 0.1 * g * -60.0 / one(-60.0) * one(*v)).collect();
    let (h, decay) = (0.025, math::exp(-0.025 / 21.0));
    let mut want = vec![1e-4];
    for pair in i.windows(2) {
        let influx = -0.5 * (pair[0] + pair[1]) / (2.0 * FARADAY * HEAD * 21.0);
        let last = want[want.len() - 1];
        want.push(1e-4 + (last - 1e-4) * decay + influx * h * 0.5 * (1.0 + decay));
    }
    let off = ca.iter().zip(&want).fold(0.0, |a: f64, (x, y)| a.max((x - y).abs()));
    println!("peak {} mM, off by {off:e}", most(ca));
    assert!(most(ca) > 2e-4 && off < 1e-3 * most(ca), "{} {off}", most(ca));
    assert!(trace(&c, "c.spines.s[1].head.ca").iter().all(|x| *x == 1e-4));
    // Twice the share, twice the rise; what is counted moves no voltage.
    let twice = run_with(&model(&[DENDRITE, NMDA, pool]), &["synapse.n.conductance.calcium = 0.2"]);
    let rise = |c: &Condition| most(trace(c, "c.spines.s[0].ca")) - 1e-4;
    assert!((rise(&twice) / rise(&c) - 2.0).abs() < 1e-9);
    assert_eq!(trace(&twice, "c.spines.s[0].v_m"), trace(&c, "c.spines.s[0].v_m"));
}

#[test]
fn ions_pass_the_neck_into_the_dendrite_where_the_pool_diffuses() {
    let pool = "cell.c.pool.ca = { use = \"pool/calcium_hay_2011\", depth = \"1 mm\", share = 1, tau = \"1000 s\", diffusion = \"0.22 um2/ms\", on = [\"dend\", \"soma\"] }\nprobe.ca.read = \"c.spines.s[0].ca\"\nprobe.neck.read = \"c.spines.s[0].neck.ca\"\nprobe.dend.read = \"c.dend(0.25).ca\"\nprobe.far.read = \"c.spines.s[1].ca\"\n";
    let brief = NMDA.replace("rise = \"2 ms\", decay = \"20 ms\"", "decay = \"0.5 ms\"").replace("0.2 nS", "5 nS");
    let text = model(&[DENDRITE, &brief, pool]);
    let c = run_with(&text, &["duration = \"400 ms\"", "probe.ca.every = \"1 ms\""]);
    let (head, neck, dend) =
        (probe(&c, "c.spines.s[0].ca"), probe(&c, "c.spines.s[0].neck.ca"), probe(&c, "c.dend(0.25).ca"));
    let drop = |t: f64| at(head, t) - at(dend, t);
    let tau = 100.0 / math::ln(drop(100.0) / drop(200.0));
    // Above the dendrite it decays with V L / (D A), a few per cent slower for what the neck holds and the dendrite keeps.
    let want = HEAD / (D * PI * 0.25 * 0.1 * 0.1);
    println!(
        "tau {tau} ms, V L / (D A) {want} ms; peaks {} {} {} mM",
        most(&head.mean),
        most(&neck.mean),
        most(&dend.mean)
    );
    assert!(tau > want && tau < 1.06 * want, "{tau} {want}");
    assert!(most(&head.mean) > most(&neck.mean) && most(&neck.mean) > 3.0 * most(&dend.mean));
    assert!((at(neck, 150.0) - 0.5 * (at(head, 150.0) + at(dend, 150.0))).abs() < 0.02 * at(neck, 150.0));
    assert!(most(trace(&c, "c.spines.s[1].ca")) > 1.0001e-4, "the other spine fills from the dendrite");
    // A neck twice as wide: a quarter of it.
    let wide = run_with(&text, &["cell.c.spines.s.neck_diameter = \"0.2 um\""]);
    let (head, dend) = (probe(&wide, "c.spines.s[0].ca"), probe(&wide, "c.dend(0.25).ca"));
    let drop = |t: f64| at(head, t) - at(dend, t);
    let quarter = 20.0 / math::ln(drop(20.0) / drop(40.0));
    println!("wide: {quarter} ms");
    assert!((quarter / tau - 0.25).abs() < 0.03, "{quarter} {tau}");
    // Not into a dendrite that has no pool, nor from a pool that does not diffuse.
    let heads = text
        .replace("on = [\"dend\", \"soma\"]", "on = [\"spines.s\"]")
        .replace("probe.dend.read = \"c.dend(0.25).ca\"\n", "");
    let shut = run_with(&heads, &["duration = \"400 ms\""]);
    let (head, neck) = (probe(&shut, "c.spines.s[0].ca"), probe(&shut, "c.spines.s[0].neck.ca"));
    assert!((at(head, 399.0) / at(neck, 399.0) - 1.0).abs() < 1e-6 && at(head, 399.0) > 0.9 * at(head, 100.0));
}

#[test]
fn channels_and_pools_lie_on_the_parts_of_spines_that_are_named() {
    let text = r#"
cell.c.channel.q = { use = "channel/cav2_1_wolf_2005", permeability = "1e-4 cm/s", on = ["spines.s[1].head"] }
cell.c.pool.ca = { use = "pool/calcium_hay_2011", depth = "1 mm", on = ["soma", "dend"] }
cell.c.pool.spiny = { use = "pool/calcium_hay_2011", rest = "50 nM", depth = "1 mm", on = ["spines.s.head"] }
clamp.v = { at = "c.soma", current = "300 pA", start = "10 ms" }
probe.a.read = "c.spines.s[0].ca"
probe.b.read = "c.spines.s[1].ca"
probe.d.read = "c.dend(0.5).ca"
probe.ia.read = "c.spines.s[0].q.current"
probe.ib.read = "c.spines.s[1].q.current"
"#;
    let text = model(&[DENDRITE, text]).replace("cell.pre.times = [\"5 ms\"]\n", "");
    let c = run_with(&text, &[]);
    let first = |path: &str| trace(&c, path)[0];
    assert_eq!((first("c.dend(0.5).ca"), first("c.spines.s[0].ca")), (1e-4, 5e-5));
    assert!(trace(&c, "c.spines.s[0].q.current").iter().all(|i| *i == 0.0));
    let influx = trace(&c, "c.spines.s[1].q.current").iter().fold(0.0, |a: f64, b| a.min(*b));
    let rise = most(trace(&c, "c.spines.s[1].ca")) / 5e-5;
    println!("influx {influx} pA, {rise} times rest");
    assert!(influx < -0.1 && rise > 2.0 && most(trace(&c, "c.spines.s[0].ca")) < 5.0001e-5);
    // A number of channels is spread over the head that was named: all of its permeability or conductance is there.
    let plan = plan_with(
        &text,
        &[
            "cell.c.channel.leak = { use = \"channel/leak\", density = \"0.2 mS/cm2\", reversal = \"-70 mV\", on = [\"soma\", \"spines.s.neck\"] }",
        ],
    );
    let Voltage::Membrane { cell, .. } = &plan.cells[0].voltage else { panic!("a membrane") };
    let (g, _) = cell.channels[0].fixed.as_ref().expect("a leak");
    let of = |place: &str| g[cell.layout.compartment(place) as usize];
    let neck = 0.002 * PI * 0.1 * 1.0;
    assert!((of("spines.s[0].neck") / neck - 1.0).abs() < 1e-12);
    assert_eq!((of("spines.s[0]"), of("dend(0.5)")), (0.0, 0.0));
}

#[test]
fn concentrations_in_spines_converge_with_the_square_of_the_step() {
    let pool = "cell.c.pool.ca = { use = \"pool/calcium_hay_2011\", depth = \"1 mm\", share = 1, tau = \"2 ms\", bound = 20, diffusion = \"0.22 um2/ms\" }\nprobe.ca.read = \"c.spines.s[0].ca\"\nprobe.dend.read = \"c.dend(0.25).ca\"\n";
    let text = model(&[DENDRITE, NMDA, pool]);
    let end = |step: &str| {
        let c = run_with(&text, &[&format!("numerics.step = {step}"), "solution.bath.mg = \"0 mM\""]);
        let each = |path: &str| (6..60).map(|t| at(probe(&c, path), f64::from(t))).collect::<Vec<_>>();
        [each("c.spines.s[0].ca"), each("c.dend(0.25).ca")]
    };
    let fine = end("5 us");
    let errors: Vec<[f64; 2]> = ["0.2 ms", "0.1 ms", "50 us"]
        .into_iter()
        .map(|step| {
            let found = end(step);
            std::array::from_fn(|q| {
                found[q].iter().zip(&fine[q]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / most(&fine[q])
            })
        })
        .collect();
    println!("{errors:?}");
    for pair in errors.windows(2) {
        let ratios: Vec<f64> = pair[0].iter().zip(pair[1]).map(|(coarse, fine)| coarse / fine).collect();
        assert!(ratios.iter().all(|r| (3.0..5.5).contains(r)), "{errors:?}");
    }
    assert!(errors[2].iter().all(|e| *e < 1e-3));
}

#[test]
fn in_the_example_an_action_potential_and_a_synapse_together_bring_more_than_their_sum() {
    let text = include_str!("../../../examples/spine_calcium.toml");
    let plans = plans_of(&model::catalogue::Catalogue::embedded(), text, &[]);
    let rises: Vec<(String, [f64; 3])> = plans
        .into_iter()
        .map(|plan| {
            let name = plan.name.clone();
            let c = ran(plan).0;
            let of = |path: &str| {
                let all = trace(&c, path);
                1e3 * (most(all) - all[0])
            };
            (name, ["pyr.spines.s[0].ca", "pyr.spines.s[0].neck.ca", "pyr.twig(0.5).ca"].map(of))
        })
        .collect();
    println!("head, neck, dendrite, uM: {rises:?}");
    let of = |name: &str| rises.iter().find(|r| r.0 == name).expect("a condition").1;
    // Sabatini et al. 2002, Neuron 33:439, from memory: an action potential about 1.5 uM, a synapse at rest about 0.7 uM.
    assert!((1.0..2.5).contains(&of("spike")[0]) && (0.4..1.2).contains(&of("synapse")[0]));
    assert!(of("both")[0] > 1.15 * (of("spike")[0] + of("synapse")[0]));
    // What is more comes through NMDA receptors.
    assert!((of("both_apv")[0] / of("spike")[0] - 1.0).abs() < 0.1);
    assert!(of("no_mg")[0] > 5.0 * of("synapse")[0]);
    // A wide neck lets more of it out.
    assert!(of("wide_neck")[2] > 3.0 * of("both")[2] && of("wide_neck")[0] < of("both")[0]);
    for (name, [head, neck, dendrite]) in &rises {
        assert!(head > neck && neck > dendrite, "{name}");
    }
}
