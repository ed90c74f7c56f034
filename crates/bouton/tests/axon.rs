//! Axons: exact scaling of the cable, myelin, nodes of Ranvier, and branches that let action potentials pass or do not.

mod common;

use bouton::recording::Condition;
use bouton::simulation::Voltage;
use common::*;
use std::f64::consts::PI;

/// The squid's channels along a bare axon.
fn bare(diameter: f64, length: f64, n: u32) -> String {
    format!(
        r#"
duration = "12 ms"
temperature = "18.5 degC"
numerics.step = "5 us"
cell.a.membrane = {{ axial_resistivity = "35.4 ohm*cm" }}
cell.a.section.axon = {{ diameter = "{diameter} um", length = "{length} um", compartments = {n} }}
cell.a.channel.na = {{ use = "channel/hh1952_na", density = "120 mS/cm2", reversal = "50 mV" }}
cell.a.channel.k = {{ use = "channel/hh1952_k", density = "36 mS/cm2", reversal = "-77 mV" }}
cell.a.channel.leak = {{ use = "channel/leak", density = "0.3 mS/cm2", reversal = "-54.387 mV" }}
clamp.i = {{ at = "a.axon(0)", current = "2 nA", start = "0.5 ms", stop = "1 ms" }}
probe.early.read = "a.axon(0.4).v_m"
probe.late.read = "a.axon(0.7).v_m"
"#
    )
}

/// When a trace rises through `level` mV, between samples by a line.
fn arrival(c: &Condition, path: &str, level: f64) -> Option<f64> {
    let p = probe(c, path);
    let k = p.mean.windows(2).position(|w| w[0] < level && w[1] >= level)?;
    Some((k as f64 + (level - p.mean[k]) / (p.mean[k + 1] - p.mean[k])) * p.every)
}

#[test]
fn speed_grows_as_the_root_of_the_diameter() {
    // Diameter and stimulus scaled, lengths by the root: the same equations to the last term, so the same times.
    let length = 12_000.0;
    let times = |c: &Condition| ["a.axon(0.4).v_m", "a.axon(0.7).v_m"].map(|p| arrival(c, p, -20.0).expect("arrives"));
    let scaled = |factor: f64, n: u32, root: f64| {
        let current = format!("clamp.i.current = {} nA", 300.0 * factor * root);
        run_with(&bare(factor, length * root, n), &[&current])
    };
    let [one, two] = [times(&scaled(1.0, 400, 1.0)), times(&scaled(2.0, 400, 2.0_f64.sqrt()))];
    let speed = |t: [f64; 2], length: f64| 0.3 * length / (t[1] - t[0]) * 1e-3;
    let speeds = [speed(one, length), speed(two, length * 2.0_f64.sqrt())];
    println!("times {one:?} {two:?} ms, speeds {speeds:?} m/s, ratio {}", speeds[1] / speeds[0]);
    for (a, b) in one.iter().zip(two) {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} {b}");
    }
    // At one length of compartments the ratio owes to them what it errs, and to second order.
    let ratio = |n: u32| {
        let [a, b] = [1.0, 2.0].map(|f| {
            let c = run_with(&bare(f, length, n), &[&format!("clamp.i.current = {} nA", 300.0 * f * f)]);
            speed(times(&c), length)
        });
        b / a / 2.0_f64.sqrt() - 1.0
    };
    let errors = [100, 200, 400].map(ratio);
    println!("ratio over root 2, less 1: {errors:?}");
    assert!(errors[2].abs() < 0.002 && (3.0..5.5).contains(&(errors[0] / errors[1])), "{errors:?}");
}

#[test]
fn a_region_has_the_capacitance_that_is_said_and_its_spines_have_it_too() {
    let text = r#"
duration = "1 ms"
temperature = "20 degC"
cell.c.membrane.capacitance = "1 uF/cm2"
cell.c.membrane.axial_resistivity = "100 ohm*cm"
cell.c.membrane.region.myelin = { on = ["axon.internode"], capacitance = "0.02 uF/cm2" }
cell.c.membrane.region.far = { on = ["dend"], where = "distance > 50 um", capacitance = "2 uF/cm2" }
cell.c.section.soma = { diameter = "20 um", length = "20 um" }
cell.c.section.axon = { on = "soma", diameter = "1 um", length = "1020 um", nodes = { internode = "100 um", length = "2 um", diameter = "0.8 um" } }
cell.c.section.dend = { on = "soma", diameter = "2 um", length = "100 um", compartments = 10 }
cell.c.section.twig = { on = "axon(0.5)", region = "axon", diameter = "0.5 um", length = "50 um" }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2" }
cell.c.channel.nodal = { use = "channel/leak", density = "1 mS/cm2", on = ["axon.node"] }
cell.c.spines.s = { on = ["dend"], where = "distance > 80 um", count = 1, head_diameter = "1 um", neck_length = "1 um", neck_diameter = "0.2 um" }
probe.v.read = "c.axon(1).v_m"
probe.n.read = "c.axon.node[9].v_m"
probe.i.read = "c.axon.internode[0].v_m"
"#;
    let plan = plan(text);
    let Voltage::Membrane { cell, .. } = &plan.cells[0].voltage else { panic!("a membrane") };
    let soma = PI * 400.0;
    let internodes = 10.0 * PI * 100.0;
    let nodes = 10.0 * PI * 0.8 * 2.0;
    let dend = PI * 2.0 * 50.0 * 3.0;
    let (twig, spine) = (PI * 0.5 * 50.0, 2.0 * PI * (1.0 + 0.2));
    let want = 0.01 * (soma + 0.02 * internodes + nodes + dend + twig + spine);
    let found = cell.plan.capacitance(0);
    println!("{found} pF, {want} pF");
    assert!((found / want - 1.0).abs() < 1e-12, "{found} {want}");
    // Internodes are cut as their own length constant has it: one piece each at this capacitance.
    let names = &cell.layout.geometry.sections;
    let of = |k: usize| cell.layout.compartments[k].len();
    let internode = names.iter().position(|n| n == "axon.internode[3]").expect("there");
    let coarse = plan_with(text, &["cell.c.membrane.region.myelin.capacitance = \"1 uF/cm2\""]);
    let Voltage::Membrane { cell: thick, .. } = &coarse.cells[0].voltage else { panic!("a membrane") };
    assert!(of(internode) < thick.layout.compartments[internode].len(), "{}", of(internode));
    // `axon(1)` is the end of the last node, and the twig begins where the sixth internode does.
    assert_eq!(cell.layout.compartment("axon(1)"), cell.layout.compartment("axon.node[9]"));
    assert_eq!(cell.layout.compartment("axon(0)"), cell.layout.compartments[internode - 6][0]);
    let (g, _) = cell.channels[1].fixed.as_ref().expect("a leak");
    assert!((g.iter().sum::<f64>() / (0.01 * nodes) - 1.0).abs() < 1e-12);
    assert!((cell.layout.geometry.pieces[cell.layout.compartment("twig(0)") as usize].distance - 510.0).abs() < 30.0);
}

/// An axon of 20 um that becomes two daughters of `ratio` together: the sum of their diameters to 3/2 over its own.
fn forking(ratio: f64, celsius: f64) -> Condition {
    let daughter = 20.0 * numerics::math::exp(numerics::math::ln(ratio / 2.0) / 1.5);
    let text = format!(
        r#"
duration = "14 ms"
temperature = "{celsius} degC"
numerics.step = "10 us"
cell.a.membrane = {{ axial_resistivity = "35.4 ohm*cm" }}
cell.a.section.stem = {{ diameter = "20 um", length = "10000 um", compartments = 200 }}
cell.a.section.left = {{ on = "stem", diameter = "{daughter} um", length = "{l} um", compartments = 100 }}
cell.a.section.right = {{ on = "stem", diameter = "{daughter} um", length = "{l} um", compartments = 100 }}
cell.a.channel.na = {{ use = "channel/hh1952_na", density = "120 mS/cm2", reversal = "50 mV" }}
cell.a.channel.k = {{ use = "channel/hh1952_k", density = "36 mS/cm2", reversal = "-77 mV" }}
cell.a.channel.leak = {{ use = "channel/leak", density = "0.3 mS/cm2", reversal = "-54.387 mV" }}
clamp.i = {{ at = "a.stem(0)", current = "4 uA", start = "0.5 ms", stop = "0.8 ms" }}
probe.before.read = "a.stem(0.5).v_m"
probe.at.read = "a.stem(1).v_m"
probe.left.read = "a.left(0.8).v_m"
probe.right.read = "a.right(0.8).v_m"
"#,
        l = 5000.0 * (daughter / 20.0).sqrt()
    );
    run_with(&text, &[])
}

#[test]
fn a_branch_whose_daughters_are_too_large_blocks_conduction() {
    // Goldstein & Rall 1974, Biophys J 14:731: a ratio of 1 is no branch at all; above it comes a delay, and then a block.
    let passes = |ratio: f64, celsius: f64| {
        let c = forking(ratio, celsius);
        let [left, right] = ["a.left(0.8).v_m", "a.right(0.8).v_m"].map(|p| arrival(&c, p, -20.0));
        assert_eq!(left, right, "symmetry");
        left.zip(arrival(&c, "a.stem(0.5).v_m", -20.0)).map(|(far, near)| far - near)
    };
    // Warm action potentials are brief, and carry less charge to what lies beyond.
    for (celsius, pass, block) in [(18.5, [1.0, 3.0, 6.0, 12.0], 16.0), (30.0, [1.0, 2.0, 2.5, 3.0], 4.0)] {
        let delays = pass.map(|ratio| passes(ratio, celsius).unwrap_or(f64::NAN));
        let blocked = passes(block, celsius);
        println!("{celsius} degC: ratios {pass:?} pass in {delays:?} ms, {block}: {blocked:?}");
        assert!(delays.windows(2).all(|d| d[1] > d[0]), "{delays:?}");
        assert_eq!(blocked, None, "{block} at {celsius} degC");
    }
    // At 1 the equivalent cylinder goes on: the tree's action potential is at twice the distance after twice the time.
    let c = forking(1.0, 18.5);
    let at = |p: &str| arrival(&c, p, -20.0).expect("arrives");
    let (half, end) = (at("a.stem(0.5).v_m"), at("a.stem(1).v_m"));
    let far = at("a.left(0.8).v_m");
    // Voltages are at middles of compartments: 4950 um of stem, and 4050 um with daughters taken at their length constants.
    let ratio = (far - end) / (end - half) / (4050.0 / 4950.0);
    println!("half {half}, end {end}, beyond {far} ms: {ratio}");
    assert!((ratio - 1.0).abs() < 2e-3, "{ratio}");
}

/// `examples/axon.toml`, by the name of its condition.
fn example(condition: &str) -> Condition {
    let text = include_str!("../../../examples/axon.toml");
    let plans = plans_of(&model::catalogue::Catalogue::embedded(), text, &[]);
    ran(plans.into_iter().find(|p| p.name == condition).expect("a condition")).0
}

#[test]
fn the_axon_of_the_example_begins_in_its_initial_segment_and_ends_at_two_times() {
    let [myelinated, bare, wide] = ["myelinated", "bare", "wide"].map(example);
    let when = |c: &Condition, path: &str| arrival(c, path, -10.0);
    let each = |c: &Condition| {
        ["soma", "ais(0.9)", "axon.node[3]", "axon.node[13]", "near(1)", "far(1)"]
            .map(|p| when(c, &format!("pyr.{p}.v_m")))
    };
    for (c, name) in [(&myelinated, "myelinated"), (&bare, "bare")] {
        let [soma, ais, third, last, near, far] = each(c).map(|t| t.expect("it arrives"));
        // Ten nodes of 100 um each lie between the third and the thirteenth; 0.6 mm between the terminals.
        let (speed, thin) = (1.0 / (last - third), 0.6 / (far - near));
        println!("{name}: soma {soma}, initial segment {ais}, terminals {near} {far} ms; {speed} and {thin} m/s");
        assert!(soma - ais > 0.1, "the initial segment leads: {soma} {ais}");
        // Unmyelinated mossy fibres: 0.24 m/s at 23 degC (Schmidt-Hieber et al. 2008); here thicker or warmer.
        assert!((0.2..0.5).contains(&thin), "{thin}");
        if name == "bare" {
            assert!((0.2..0.6).contains(&speed))
        } else {
            assert!(speed > 4.0 * thin, "{speed}")
        }
        // The second cell hears both: two potentials as far apart as the terminals' action potentials.
        let post = probe(c, "post.soma.v_m");
        let onset = |from: f64, to: f64| {
            let k = (from / post.every) as usize..(to / post.every) as usize;
            let rise = |k: &usize| post.mean[k + 1] - post.mean[*k];
            k.max_by(|a, b| rise(a).total_cmp(&rise(b))).expect("samples") as f64 * post.every
        };
        let (first, second) = (onset(near, near + 1.5), onset(far, far + 1.5));
        assert!(((second - first) - (far - near)).abs() < 0.1, "{first} {second} {near} {far}");
    }
    // A ratio of 16: it comes to the branch point and not beyond.
    let [_, _, _, last, near, far] = each(&wide);
    assert!(last.is_some() && near.is_none() && far.is_none());
    assert_eq!(peak(&probe(&wide, "post.soma.v_m").mean, 1.0).0, -70.0);
}
