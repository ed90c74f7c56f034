//! Channels and calcium of neurons as models say them: bursts, rebounds, GHK currents, pools, and their probes.

mod common;

use bouton::recording::Condition;
use common::*;
use engine::membrane::{ghk_current, nernst};
use model::catalogue::Catalogue;
use numerics::math;

fn spikes(c: &Condition, path: &str) -> Vec<f64> {
    let of: Vec<_> = c.events.iter().filter(|e| e.what == path).map(|e| e.at).collect();
    assert!(of.is_sorted());
    of
}

/// A minimal cell of Pospischil et al. 2008 under a step of current that begins at 200 ms.
fn cell(used: &str, (current, stop): (f64, f64), sets: &[&str]) -> Vec<f64> {
    let text = format!(
        r#"
duration = "1500 ms"
temperature = "36 degC"
solution.bath.ca = "2 mM"
numerics.step = "50 us"
cell.c.use = "neuron/{used}"
clamp.i = {{ at = "c.soma", current = "{current} pA", start = "200 ms", stop = "{stop} ms" }}
"#
    );
    spikes(&run_with(&text, sets), "c.spike")
}

#[test]
fn l_type_channels_turn_the_first_spikes_into_a_burst() {
    // By its authors: 0.17 mS/cm2 one burst, then regular; 0.1 mS/cm2 regular throughout.
    let gaps = |times: &[f64]| -> Vec<f64> { times.windows(2).map(|t| t[1] - t[0]).collect() };
    let bursting = gaps(&cell("pospischil_ib", (150.0, 1500.0), &[]));
    println!("0.17: {bursting:?}");
    assert!(bursting.len() > 5 && bursting[..4].iter().all(|g| *g < 15.0), "{bursting:?}");
    assert!(bursting[bursting.len() - 2..].iter().all(|g| *g > 150.0), "{bursting:?}");
    let regular = gaps(&cell("pospischil_ib", (150.0, 1500.0), &["cell.c.channel.ca.density = \"0.1 mS/cm2\""]));
    println!("0.1: {regular:?}");
    assert!(regular.len() > 2 && regular.iter().all(|g| *g > 50.0), "{regular:?}");
}

#[test]
fn t_type_channels_let_a_cell_burst_from_below_and_rebound() {
    let step = cell("pospischil_lts", (150.0, 1500.0), &[]);
    println!("{step:?}");
    assert!(step[1] - step[0] < 25.0 && step[3] - step[2] > 100.0, "{step:?}");
    // From -60 mV the end of -75 pA lets it fire once, and not without the channels, nor without the step.
    let rest = "cell.c.channel.leak.reversal = \"-60 mV\"";
    let rebound = cell("pospischil_lts", (-75.0, 600.0), &[rest]);
    assert!(rebound.len() == 1 && (600.0..700.0).contains(&rebound[0]), "{rebound:?}");
    assert!(cell("pospischil_lts", (-75.0, 600.0), &[rest, "cell.c.without = [\"channel.ca\"]"]).is_empty());
    assert!(cell("pospischil_lts", (0.0, 600.0), &[rest]).is_empty());
}

/// A cell with one kind of calcium channel, held.
const HELD: &str = r#"
duration = "30 ms"
temperature = "22 degC"
solution.bath.ca = "2 mM"
cell.c.membrane = { diameter = "20 um", length = "20 um" }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2" }
cell.c.channel.q = { use = "channel/cav2_1_wolf_2005", permeability = "5e-6 cm/s" }
clamp.v = { at = "c.soma", hold = "-10 mV" }
probe.i.read = "c.soma.q.current"
probe.leak.read = "c.soma.leak.current"
probe.v.read = "c.soma.v_m"
"#;

#[test]
fn a_ghk_channel_carries_what_the_equation_says_from_the_bath_to_the_pool() {
    let area = std::f64::consts::PI * 400.0;
    let steady = |v: f64| 1.0 / (1.0 + math::exp(-(v + 16.3) / 7.9));
    let last = |c: &Condition, path: &str| *probe(c, path).trials[0].1.last().unwrap();
    let kelvin = 295.15;
    // 5e-6 cm/s are 5e-5 um/ms. Gates are read from tables within 1e-8.
    let want = |v: f64, inside: f64| ghk_current(5e-5 * area * steady(v) * steady(v), 2, v, inside, 2.0, kelvin);
    let held = run_with(HELD, &["cell.c.inside.ca = \"100 nM\""]);
    let (v, i) = (last(&held, "c.soma.v_m"), last(&held, "c.soma.q.current"));
    assert!((v + 10.0).abs() < 1.0 && (i / want(v, 1e-4) - 1.0).abs() < 1e-7, "{v} mV: {i} {}", want(v, 1e-4));
    // A density of 0.1 mS/cm2 is 0.001 nS/um2.
    assert!((last(&held, "c.soma.leak.current") / (1e-3 * area * (v + 70.0)) - 1.0).abs() < 1e-9);
    // With a pool, what comes in stands at tau times the influx: a shell of 0.1 um, 5 ms.
    let pool = "cell.c.pool.ca = { use = \"pool/calcium_destexhe_1994\" }";
    let pooled = run_with(&format!("{HELD}probe.ca.read = \"c.soma.ca\"\n"), &[pool]);
    let (v, i, c) = (last(&pooled, "c.soma.v_m"), last(&pooled, "c.soma.q.current"), last(&pooled, "c.soma.ca"));
    assert!((i / want(v, c) - 1.0).abs() < 1e-7, "{i} {}", want(v, c));
    let stands = 2.4e-4 - 5.0 * i / (2.0 * numerics::constants::FARADAY * area * 0.1);
    assert!(c > 1e-3 && (c / stands - 1.0).abs() < 1e-9, "{c} {stands}");
    // It begins there: held from the start, nothing moves.
    assert!(probe(&pooled, "c.soma.ca").trials[0].1.iter().all(|x| (x / c - 1.0).abs() < 1e-9));
    assert_eq!((probe(&pooled, "c.soma.ca").unit, probe(&pooled, "c.soma.q.current").unit), ("mM", "pA"));
    // A shell twice as deep holds half as much; all of the cylinder is a quarter of its diameter deep.
    let deep = run_with(&format!("{HELD}probe.ca.read = \"c.soma.ca\"\n"), &[pool, "cell.c.pool.ca.depth = \"5 mm\""]);
    let above = |c: f64| c - 2.4e-4;
    let ratio = above(last(&deep, "c.soma.ca")) / above(c);
    assert!((ratio - 0.1 / 5.0).abs() < 1e-3, "{ratio}");
}

#[test]
fn where_an_ion_has_a_pool_its_channels_reverse_by_it_unless_it_was_said() {
    let text = r#"
duration = "1 ms"
temperature = "36 degC"
solution.bath.ca = "2 mM"
cell.c.membrane = { diameter = "20 um", length = "20 um" }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2" }
cell.c.channel.l = { use = "channel/ca_l_reuveni_1993", density = "0.5 mS/cm2" }
cell.c.pool.ca = { use = "pool/calcium_hay_2011" }
clamp.v = { at = "c.soma", hold = "0 mV" }
probe.i.read = "c.soma.l.current"
probe.v.read = "c.soma.v_m"
probe.ca.read = "c.soma.ca"
"#;
    let first = |c: &Condition, path: &str| probe(c, path).trials[0].1[0];
    let [pooled, fixed, inside] = [
        run_with(text, &[]),
        run_with(text, &["cell.c.channel.l.reversal = \"120 mV\""]),
        run_with(
            &text
                .replace("cell.c.pool.ca = { use = \"pool/calcium_hay_2011\" }", "")
                .replace("probe.ca.read = \"c.soma.ca\"", ""),
            &["cell.c.inside.ca = \"100 nM\""],
        ),
    ];
    let drive = |c: &Condition, e: f64| first(c, "c.soma.l.current") / (first(c, "c.soma.v_m") - e);
    let g = drive(&fixed, 120.0);
    assert!(g > 0.01);
    let gates_alike = |c: &Condition, e: f64| (drive(c, e) / g - 1.0).abs();
    // Voltages under the clamp differ by what its resistance leaves, so gates do by little.
    let c = first(&pooled, "c.soma.ca");
    assert!(c > 1.5e-4 && gates_alike(&pooled, nernst(2, c, 2.0, 309.15)) < 0.01);
    assert!(gates_alike(&inside, nernst(2, 1e-4, 2.0, 309.15)) < 0.01);
    assert!(gates_alike(&pooled, nernst(2, 1e-4, 2.0, 309.15)) > 0.05, "the pool tells");
}

#[test]
fn pools_fit_the_sections_they_lie_in_and_what_is_said_there() {
    let text = r#"
duration = "1 ms"
temperature = "36 degC"
solution.bath.ca = "2 mM"
cell.c.membrane = { axial_resistivity = "150 ohm cm" }
cell.c.section.soma = { diameter = "20 um", length = "20 um" }
cell.c.section.dend = { on = "soma", diameter = "0.2 um", length = "50 um" }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2" }
cell.c.channel.t = { use = "channel/cav3_iftinca_2006", permeability = "1e-6 cm/s" }
cell.c.pool.somatic = { use = "pool/calcium_hay_2011", on = ["soma"], rest = "70 nM", share = 0 }
cell.c.pool.dendritic = { use = "pool/calcium_hay_2011", on = ["dend"], share = 0 }
probe.a.read = "c.soma.ca"
probe.b.read = "c.dend(0.9).ca"
"#;
    let c = run_with(text, &[]);
    let at = |path: &str| probe(&c, path).trials[0].1[0];
    assert_eq!((at("c.soma.ca"), at("c.dend(0.9).ca")), (7e-5, 1e-4));
    // A shell of 0.1 um does not fit into a dendrite of 0.2 um: all of it is 0.05 um deep.
    let rise = |sets: &[&str]| {
        let c = run_with(text, sets);
        [("c.soma.ca", 7e-5), ("c.dend(0.9).ca", 1e-4)].map(|(path, rest)| probe(&c, path).trials[0].1[0] - rest)
    };
    let open = ["cell.c.pool.somatic.share = 1", "cell.c.pool.dendritic.share = 1"];
    let (shell, all) = (rise(&open), rise(&[open[0], open[1], "cell.c.pool.dendritic.depth = \"0.05 um\""]));
    assert!(shell[1] > 1e-6 && (shell[1] / all[1] - 1.0).abs() < 1e-12, "{shell:?} {all:?}");
    let values = plans_of(&Catalogue::embedded(), text, &[]);
    assert_eq!(values.len(), 1);
}

/// A spine with certain release; the share of NMDA current that is calcium comes into the pool of its head.
fn spine(pool: &str, share: &str) -> Condition {
    let text = format!(
        r#"{WORLD}
duration = "60 ms"
detail = "mean"
cell.sender.times = ["5 ms"]
cell.receiver.membrane = {{ axial_resistivity = "150 ohm cm" }}
cell.receiver.section.soma = {{ diameter = "20 um", length = "20 um" }}
cell.receiver.channel.leak = {{ use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }}
{pool}
synapse.contact.from = "sender.axon"
synapse.contact.to = "receiver.soma"
synapse.contact.use = "synapse/ca1_spine"
synapse.contact.without = ["terminal.sensor", "terminal.channel"]
synapse.contact.terminal.molecules_cv = 0
synapse.contact.receptor.nmda.calcium = {share}
probe.i.read = "contact.receptor.nmda.current"
probe.v.read = "receiver.contact.v_m"
"#
    );
    run_with(&text, &["solution.bath.mg = \"0 mM\""])
}

#[test]
fn calcium_through_nmda_receptors_fills_the_head_of_the_spine() {
    let pool = "cell.receiver.pool.ca = { use = \"pool/calcium_hay_2011\", share = 1, bound = 20, tau = \"1 ms\" }\nprobe.ca.read = \"receiver.contact.ca\"\nprobe.soma.read = \"receiver.soma.ca\"";
    let c = spine(pool, "0.1");
    let of = |c: &Condition, path: &str| probe(c, path).trials[0].1.clone();
    let (ca, i) = (of(&c, "receiver.contact.ca"), of(&c, "contact.receptor.nmda.current"));
    // A sphere of 0.386 um has a surface of pi d^2; the shell of 0.1 um is more than a sixth of d, all of it.
    let d = 0.386_f64;
    let volume = std::f64::consts::PI * d * d * (d / 6.0);
    let (h, decay) = (0.025, math::exp(-0.025 / 21.0));
    let mut want = vec![1e-4];
    for pair in i.windows(2) {
        let influx = -0.1 * 0.5 * (pair[0] + pair[1]) / (2.0 * numerics::constants::FARADAY * volume * 21.0);
        let last = want[want.len() - 1];
        want.push(1e-4 + (last - 1e-4) * decay + influx * h * 0.5 * (1.0 + decay));
    }
    let peak = ca.iter().fold(0.0, |a: f64, &b| a.max(b));
    let off = ca.iter().zip(&want).fold(0.0, |a: f64, (x, y)| a.max((x - y).abs()));
    println!("peak {peak} mM, off by {off:e}");
    assert!(peak > 5e-4 && off < 0.02 * peak, "{peak} {off}");
    // Nothing passes the neck, and nothing comes without a share; what is counted moves no voltage.
    assert!(of(&c, "receiver.soma.ca").iter().all(|x| (x - 1e-4).abs() < 1e-12));
    let none = spine(pool, "0");
    assert!(of(&none, "receiver.contact.ca").iter().all(|x| *x == 1e-4));
    assert_eq!(of(&none, "receiver.contact.v_m"), of(&c, "receiver.contact.v_m"));
}
