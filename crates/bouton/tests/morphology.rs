//! Branching cells against cable theory: reconstructions, Rall's law, order of convergence, densities and spines by place.

use bouton::lower::LoweredCell;
use bouton::simulation::Voltage;
use engine::neuron::{self, Gating, Held, Method, State, Stepping, with};
use engine::time::Tick;
use model::beside::Unread;
use model::catalogue::Catalogue;
use model::diagnostic::Diagnostics;
use numerics::simd::{F64x8, LANES, Level};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The first cell of a text; every file that it names is `swc`.
fn cell(text: &str, swc: &str) -> Arc<LoweredCell> {
    let files = |_: &str| -> Result<String, Unread> { Ok(swc.to_owned()) };
    let outcome = model::resolve::model_beside("m.toml", text.into(), &[], &Catalogue::embedded(), &files);
    assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics.render(&outcome.sources, false));
    let mut out = Diagnostics::default();
    let plan = bouton::lower::model(&outcome.resolved[0], &mut out);
    let plan = plan.unwrap_or_else(|| panic!("{}", out.render(&outcome.sources, false)));
    match &plan.cells[0].voltage {
        Voltage::Membrane { cell, .. } => cell.clone(),
        _ => panic!("the cell has a membrane"),
    }
}

/// Rm 20,000 Ohm cm2, Ra 150 Ohm cm, Cm 1 uF/cm2: a membrane time constant of 20 ms.
const PASSIVE: &str = r#"
duration = "1 ms"
temperature = "22 degC"
cell.c.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm*cm" }
cell.c.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2", reversal = "-70 mV" }
"#;

/// The same with a reconstruction.
fn reconstructed(swc: &str, also: &str) -> Arc<LoweredCell> {
    cell(&format!("{PASSIVE}cell.c.morphology = \"cell.swc\"\n{also}"), swc)
}

fn transfer(c: &LoweredCell, from: u32, to: u32) -> f64 {
    c.plan.transfer_resistance(&c.rest, c.plan.site(0, from), to, Gating::Held).expect("a passive cell")
}

fn tau(c: &LoweredCell) -> f64 {
    c.plan.time_constant(&c.rest, 0, Gating::Held).expect("a passive cell")
}

/// The cells of the workplace's folder of reconstructions, which is not part of the project.
fn good() -> Vec<(String, String)> {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/swc/good");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("not checked: there are no reconstructions at {}", folder.display());
        return Vec::new();
    };
    let mut all: Vec<_> = files.flatten().map(|f| f.path()).collect();
    all.sort();
    let text = |p: &Path| String::from_utf8_lossy(&std::fs::read(p).expect("a readable file")).into_owned();
    all.iter().map(|p| (p.file_name().expect("a name").to_string_lossy().into_owned(), text(p))).collect()
}

/// A tree that tapers, forks twice, and bears a branch half-way: every kind of joint.
fn branching(n: u64) -> Arc<LoweredCell> {
    let sections = format!(
        r#"
cell.c.section.soma = {{ diameter = "20 um", length = "20 um", compartments = 1 }}
cell.c.section.trunk = {{ on = "soma", diameter = "4 um", end_diameter = "1.5 um", length = "400 um", compartments = {n} }}
cell.c.section.a = {{ on = "trunk", diameter = "1.5 um", end_diameter = "0.6 um", length = "300 um", compartments = {n} }}
cell.c.section.b = {{ on = "trunk", diameter = "1 um", length = "200 um", compartments = {n} }}
cell.c.section.side = {{ on = "trunk(0.3)", diameter = "0.8 um", length = "250 um", compartments = {n} }}
cell.c.section.twig = {{ on = "a", diameter = "0.6 um", end_diameter = "0.3 um", length = "100 um", compartments = {n} }}
cell.c.section.root = {{ on = "soma", diameter = "2 um", length = "150 um", compartments = {n} }}
"#
    );
    // A leak that grows along the tree, so that the slowest time constant is not the membrane's.
    let leak = "density = \"0.05 mS/cm2 * (1 + distance / 200 um)\"";
    cell(&format!("{}{sections}", PASSIVE.replace("density = \"0.05 mS/cm2\"", leak)), "")
}

#[test]
fn errors_fall_with_the_second_power_of_the_compartments_length() {
    let numbers = |n: u64| {
        let c = branching(n);
        let twig = c.layout.compartment("twig(1)");
        let side = c.layout.compartment("side(1)");
        [transfer(&c, 0, 0), tau(&c), transfer(&c, twig, 0), transfer(&c, twig, side)]
    };
    // With tens, the branch half-way lies between two compartments always.
    let all: Vec<[f64; 4]> = [10, 20, 40, 80].map(numbers).into();
    for k in 0..4 {
        let changes: Vec<f64> = all.windows(2).map(|w| w[1][k] - w[0][k]).collect();
        for w in changes.windows(2) {
            // Four for a pure second power; 3.65 to 4.35 holds an order of 1.87 to 2.12.
            let ratio = w[0] / w[1];
            assert!((3.65..4.35).contains(&ratio), "{k}: {ratio}, {all:?}");
        }
    }
}

/// Rall 1959: daughters whose diameters to 3/2 add up to the parent's, of equal electrotonic length, are a cylinder. Cut
/// into as many pieces it is so compartment by compartment.
#[test]
fn a_tree_that_keeps_rall_s_law_is_its_cylinder() {
    // 2^(3/2) = 1.2^(3/2) + d^(3/2); lengths as the roots of the diameters.
    let left = (2.0f64 * 2.0f64.sqrt() - 1.2 * 1.2f64.sqrt()).cbrt();
    let other = left * left;
    let length = |d: f64| 300.0 * (d / 2.0).sqrt();
    let tree = format!(
        r#"
cell.c.section.trunk = {{ diameter = "2 um", length = "300 um", compartments = 10 }}
cell.c.section.a = {{ on = "trunk", diameter = "1.2 um", length = "{} um", compartments = 10 }}
cell.c.section.b = {{ on = "trunk", diameter = "{other} um", length = "{} um", compartments = 10 }}
"#,
        length(1.2),
        length(other)
    );
    let cable = |n: u64| {
        let section =
            format!("cell.c.section.c = {{ diameter = \"2 um\", length = \"600 um\", compartments = {n} }}\n");
        cell(&format!("{PASSIVE}{section}"), "")
    };
    let (tree, cylinder) = (cell(&format!("{PASSIVE}{tree}"), ""), cable(20));
    let close = |a: f64, b: f64, to: f64| assert!((a / b - 1.0).abs() < to, "{a} against {b}");
    close(transfer(&tree, 0, 0), transfer(&cylinder, 0, 0), 1e-11);
    close(tau(&tree), tau(&cylinder), 1e-9);
    let tip = tree.layout.compartment("a(1)");
    close(transfer(&tree, 0, tip), transfer(&cylinder, 0, 19), 1e-11);
    // A sealed cylinder: R_inf coth(L), with 1/2 d^(-3/2) sqrt(R_m R_a) / (pi / 2 ...) as lambda = sqrt(d R_m / 4 R_a).
    let lambda = (2e-4f64 * 20_000.0 / (4.0 * 150.0)).sqrt() * 1e4;
    let r_inf = 150.0 * lambda * 1e-4 / (std::f64::consts::PI * 1e-8) * 1e-9;
    let l = 600.0 / lambda;
    let twice = numerics::math::expm1(2.0 * l);
    let coth = (twice + 2.0) / twice;
    // The end's voltage is half a compartment's drop above that of its first middle: extrapolate over cuts.
    let at_end = |n: u64| {
        let half = 0.5e-5 * 150.0 * (600.0 / n as f64) / std::f64::consts::PI;
        transfer(&cable(n), 0, 0) + half
    };
    close(at_end(400), r_inf * coth, 1e-5);
}

/// By lane: peak at the root above rest, mV, and when, ms, after 0.2 nA for 0.5 ms into a compartment each.
fn pulses(c: &LoweredCell, sites: [u32; LANES], duration: f64) -> [(f64, f64); LANES] {
    let mut state = c.rest.clone();
    let stepping = Stepping { level: Level::best(), dt: Tick::from_ms(0.1).unwrap(), method: Method::CrankNicolson };
    let mut found = [(0.0f64, 0.0f64); LANES];
    let rest = c.rest.v_m(c.plan.site(0, 0));
    let mut drive = with(|moment, _: &[F64x8], ports| {
        if moment.at.ms() < 0.5 {
            sites.iter().enumerate().for_each(|(lane, site)| ports.current(c.plan.site(lane, *site), 200.0));
        }
    });
    let scratch = neuron::Scratch::default();
    let mut spikes = Vec::new();
    for k in 1..=(duration / 0.1) as u32 {
        let drives = std::slice::from_mut(&mut drive);
        neuron::run_here(&c.plan, &mut state, &scratch, stepping, 1, drives, &mut spikes).expect("a sound run");
        for (lane, best) in found.iter_mut().enumerate() {
            let v = state.v_m(c.plan.site(lane, 0)) - rest;
            if v > best.0 {
                *best = (v, f64::from(k) * 0.1);
            }
        }
    }
    found
}

#[test]
fn reconstructions_behave_as_passive_cables() {
    for (name, swc) in good() {
        let c = reconstructed(&swc, "");
        let (morphology, tip) = {
            let m = &c.layout.shape.as_ref().expect("a shape").morphology;
            let pieces = c.layout.geometry.pieces.iter().enumerate();
            let far = pieces.filter(|p| !p.1.points.is_empty()).max_by(|a, b| a.1.distance.total_cmp(&b.1.distance));
            (m, far.expect("compartments").1.section)
        };
        // Areas are those of the frusta, and the picture has every compartment.
        let area: f64 = morphology.sections.iter().map(|s| s.area()).sum();
        let cut: f64 = (0..c.layout.geometry.pieces.len())
            .map(|k| {
                let p = &c.layout.geometry.pieces[k];
                let line = p.points.windows(2).map(|w| {
                    let d: f64 = (0..3).map(|i| (w[0].at[i] - w[1].at[i]) * (w[0].at[i] - w[1].at[i])).sum();
                    let rise = w[0].radius - w[1].radius;
                    std::f64::consts::PI * (w[0].radius + w[1].radius) * (d + rise * rise).sqrt()
                });
                line.sum::<f64>()
            })
            .sum();
        assert!((cut / area - 1.0).abs() < 1e-9, "{name}: {cut} against {area} um2");
        assert_eq!(c.layout.geometry.pieces.len(), c.plan.compartments(0), "{name}");

        // From the root to the farthest tip: eight places.
        let mut way = vec![tip];
        while let Some(on) = morphology.sections[way[way.len() - 1]].on {
            way.push(on.section);
        }
        way.reverse();
        let compartments: Vec<u32> = way.iter().flat_map(|s| c.layout.compartments[*s].iter().copied()).collect();
        // Only what lies between the root and the tip: a section may go on beyond the fork.
        let distance = |k: u32| c.layout.geometry.pieces[k as usize].distance;
        let n = compartments.len();
        if n < 8 {
            println!("{name}: {n} compartments to the tip, too few to look at");
            continue;
        }
        let sites: [u32; LANES] = std::array::from_fn(|i| compartments[i * (n - 1) / (LANES - 1)]);
        let tau = tau(&c);
        assert!((tau / 20.0 - 1.0).abs() < 1e-6, "{name}: a uniform membrane has its own time constant, {tau} ms");
        let peaks = pulses(&c, sites, 60.0);
        for (k, w) in peaks.windows(2).enumerate() {
            let (near, far) = (distance(sites[k]), distance(sites[k + 1]));
            assert!(near < far, "{name}");
            assert!(w[1].0 < w[0].0 && w[1].0 > 0.0, "{name}: peaks {peaks:?} at {sites:?}");
            assert!(w[1].1 >= w[0].1, "{name}: times of the peaks {peaks:?}");
        }
        assert!(peaks[LANES - 1].1 > peaks[0].1, "{name}: {peaks:?}");
        let steady: Vec<f64> = sites.iter().map(|s| transfer(&c, *s, 0)).collect();
        assert!(steady.windows(2).all(|w| w[1] < w[0]), "{name}: {steady:?}");

        // Reciprocity, and what a run comes to.
        for pair in sites.windows(2) {
            let (there, back) = (transfer(&c, pair[0], pair[1]), transfer(&c, pair[1], pair[0]));
            assert!((there / back - 1.0).abs() < 1e-9, "{name}: {there} and {back} GOhm");
        }
        let settled = settled(&c, sites);
        for (lane, &r) in steady.iter().enumerate() {
            assert!((settled[lane] / (10.0 * r) - 1.0).abs() < 1e-6, "{name}: {} mV, not {}", settled[lane], 10.0 * r);
        }
        let finer = reconstructed(&swc, "cell.c.discretisation = { d_lambda = 0.05 }");
        let (r, half) = (transfer(&c, 0, 0), transfer(&finer, 0, 0));
        assert!((r / half - 1.0).abs() < 0.01, "{name}: {r} GOhm, with d_lambda halved {half}");
        println!(
            "{name}: {} compartments, {:.1} MOhm, delay {:.2} to {:.2} ms, peak down to {:.3}",
            c.plan.compartments(0),
            r * 1e3,
            peaks[0].1,
            peaks[LANES - 1].1,
            peaks[LANES - 1].0 / peaks[0].0
        );
    }
}

/// By lane: what the root comes to, mV above rest, while 10 pA flow into a compartment each.
fn settled(c: &LoweredCell, sites: [u32; LANES]) -> [f64; LANES] {
    let mut state: State = c.rest.clone();
    let mut held = Held::default();
    sites.iter().enumerate().for_each(|(lane, site)| held.add(c.plan.site(lane, *site), 0.0, 10.0));
    let stepping = Stepping { level: Level::best(), dt: Tick::from_ms(100.0).unwrap(), method: Method::BackwardEuler };
    let mut spikes = Vec::new();
    let mut drives = [held];
    neuron::run_here(&c.plan, &mut state, &neuron::Scratch::default(), stepping, 20, &mut drives, &mut spikes)
        .expect("a sound run");
    std::array::from_fn(|lane| state.v_m(c.plan.site(lane, 0)) - c.rest.v_m(c.plan.site(lane, 0)))
}

/// A soma, a trunk that forks, and a basal dendrite.
const SMALL: &str = "1 1 0 0 0 10 -1\n2 4 0 10 0 1 1\n3 4 0 210 0 1 2\n4 4 50 210 0 0.5 3\n5 4 -150 210 0 0.5 3\n\
                     6 3 0 -10 0 1 1\n7 3 0 -110 0 0.5 6\n";

#[test]
fn rules_cut_sections_as_they_say() {
    let count = |also: &str| {
        let c = reconstructed(SMALL, also);
        c.layout.compartments.iter().map(Vec::len).collect::<Vec<_>>()
    };
    assert_eq!(count("cell.c.discretisation = { count = 3 }"), [1, 3, 3, 3, 3]);
    // 200, 50, 150 and 100 um.
    assert_eq!(count("cell.c.discretisation = { length = \"50 um\" }"), [1, 4, 1, 3, 2]);
    // lambda_100 is 230.3 um times the root of d: of the trunk 325.7 um; l over it of 2 to 1 um is 2 l / (sqrt 2 + 1) / 230.3.
    assert_eq!(count(""), [1, 7, 2, 6, 4]);
    assert_eq!(count("cell.c.discretisation = { d_lambda = 0.05 }"), [1, 13, 4, 11, 8]);
    // A joint at the fork alone.
    let c = reconstructed(SMALL, "cell.c.discretisation = { count = 1 }");
    let bare: Vec<usize> =
        (0..c.plan.compartments(0)).filter(|k| c.layout.geometry.pieces[*k].points.is_empty()).collect();
    assert_eq!((c.plan.compartments(0), bare), (6, vec![2]));
    assert_eq!(c.layout.place(2), "a joint of `apical[0]`");
    assert_eq!(c.layout.place(3), "compartment 1 of 1 of `apical[1]`");
}

/// Densities as the leak has them: read off by how a small cell charges.
#[test]
fn densities_follow_region_and_distance() {
    let base = "duration = \"1 ms\"\ntemperature = \"22 degC\"\ncell.c.morphology = \"cell.swc\"\n\
                cell.c.membrane = { capacitance = \"1 uF/cm2\", axial_resistivity = \"150 ohm*cm\" }\n\
                cell.c.discretisation = { length = \"50 um\" }\n\
                cell.c.channel.leak = { use = \"channel/leak\", density = \"0.01 mS/cm2\", reversal = \"-70 mV\" }\n";
    let with = |also: &str| cell(&format!("{base}{also}"), SMALL);
    let plain = with("");
    // A second leak that reverses at the same voltage adds its conductance wherever it is, so the input resistance of
    // compartment k tells. With no axial flow to speak of it would be its own; here the whole is compared with a twin.
    let second =
        |on: &str| format!("cell.c.channel.more = {{ use = \"channel/leak\", reversal = \"-70 mV\", {on} }}\n");
    let all = with(&second("density = \"0.02 mS/cm2\""));
    let thrice = tau(&plain) / tau(&all);
    assert!((thrice - 3.0).abs() < 1e-6, "{thrice}");
    let by_region = with(
        &(second("density = \"0.02 mS/cm2\", on = [\"apical\", \"soma\"]")
            + &second("density = \"0.02 mS/cm2\", on = [\"dend[0]\"]").replace("more", "most")),
    );
    let by_distance = with(
        &(second("density = \"0.02 mS/cm2\", where = \"distance > 75 um\"")
            + &second("density = \"0.02 mS/cm2\", where = \"distance <= 75 um\"").replace("more", "most")),
    );
    let by_formula = with(
        &(second("density = \"0.02 mS/cm2 * distance / 1 mm\"")
            + &second("density = \"0.02 mS/cm2 * (1 - distance / 1 mm)\"").replace("more", "most")),
    );
    for other in [&by_region, &by_distance, &by_formula] {
        for k in 0..all.plan.compartments(0) as u32 {
            let (a, b) = (transfer(&all, k, 0), transfer(other, k, 0));
            assert!((a / b - 1.0).abs() < 1e-12, "{k}: {a} and {b} GOhm");
        }
    }
    // Each half alone is between nothing and both.
    let half = with(&second("density = \"0.02 mS/cm2\", on = [\"apical\"]"));
    assert!(tau(&half) < tau(&plain) && tau(&half) > tau(&all));
}

#[test]
fn spines_sit_evenly_or_at_random_and_add_their_membrane() {
    let group = |also: &str| {
        let spines = format!(
            "cell.c.spines.s = {{ on = [\"apical\"], head_diameter = \"0.5 um\", neck_length = \"1 um\", neck_diameter = \"0.2 um\", {also} }}\n"
        );
        reconstructed(SMALL, &spines)
    };
    let bare = reconstructed(SMALL, "");
    let even = group("density = \"0.1 /um\"");
    // 400 um of apical dendrite.
    let heads = &even.layout.spines["spines.s"];
    assert_eq!((heads.len(), even.plan.compartments(0)), (40, bare.plan.compartments(0) + 80));
    // The first at 5 um, the next each 10 um on; the neck adds 1 um, half the head a quarter.
    let distance = |c: &LoweredCell, head: u32| c.layout.geometry.pieces[head as usize].distance;
    let trunk = even.layout.compartments[1].len() as f64;
    let host = |at: f64| ((at / 200.0 * trunk).floor() + 0.5) * 200.0 / trunk + 1.25;
    for k in 0..20 {
        let at = 10.0f64.mul_add(f64::from(k), 5.0);
        assert!((distance(&even, heads[k as usize]) - host(at)).abs() < 1e-9, "{k}");
    }
    assert_eq!(even.layout.compartment("spines.s[7]"), heads[7]);
    assert_eq!(even.layout.place(heads[7]), "the head of `spines.s[7]`");
    assert_eq!(even.layout.place(heads[7] - 1), "the neck of `spines.s`");
    // A small current into a head: the neck's resistance, and all of what the host sees.
    let neck = 1e-5 * 150.0 / (std::f64::consts::PI * 0.01);
    let hosts = even.layout.at(model::morphology::Joint { section: 1, position: 0.025 });
    let (head, host) = (transfer(&even, heads[0], heads[0]), transfer(&even, hosts, hosts));
    assert!(((head - host) / neck - 1.0).abs() < 0.01, "{} against {neck} GOhm", head - host);
    // Their membrane is the dendrite's, so the time constant stays.
    assert!((tau(&even) / tau(&bare) - 1.0).abs() < 1e-6);
    assert!(transfer(&even, 0, 0) < transfer(&bare, 0, 0));
    let (one, again, other) =
        (group("count = 40, random = 3"), group("count = 40, random = 3"), group("count = 40, random = 4"));
    assert_eq!(one.layout.geometry, again.layout.geometry);
    assert_ne!(one.layout.geometry, other.layout.geometry);
    let far = group("count = 7, where = \"distance > 210 um\"");
    assert!(far.layout.spines["spines.s"].iter().all(|h| distance(&far, *h) > 200.0));
}

/// 15,000 samples are read, cut and made ready in a blink; here only that none of it grows faster than the file.
#[test]
fn a_large_reconstruction_loads_in_no_time() {
    let swc = comb(15_000);
    let begun = std::time::Instant::now();
    let mut out = Diagnostics::default();
    let m = model::morphology::swc::read(&swc, model::diagnostic::FileId(0), None, &mut out).expect("a good file");
    let took = begun.elapsed();
    println!("15,000 samples, {} sections: read in {took:.1?}", m.sections.len());
    assert!(out.0.is_empty() && m.sections.len() > 100);
    // 20 ms where the program is compiled for speed and the machine is free.
    let bound = if cfg!(debug_assertions) { 2_000 } else { 200 };
    assert!(took.as_millis() < bound, "{took:?}");
}

/// A dendrite with a twig at every twentieth of `n` samples.
fn comb(n: u64) -> String {
    let mut out = String::from("1 1 0 0 0 8 -1\n");
    let (mut last, mut x) = (1, 8.0);
    for id in 2..=n {
        let twig = id % 20 == 0;
        if !twig {
            x += 1.5;
        }
        out.push_str(&format!("{id} 3 {x} {} 0 0.7 {last}\n", if twig { 3.0 } else { 0.0 }));
        if !twig {
            last = id;
        }
    }
    out
}

/// A plain synapse onto a group of spines is one onto each, and hears what each would.
#[test]
fn a_plain_synapse_onto_spines_is_one_for_each() {
    let plans = |also: &str| {
        let text = format!(
            "{PASSIVE}cell.c.morphology = \"cell.swc\"\ncell.c.spines.s = {{ on = [\"apical\"], count = 3, \
             head_diameter = \"0.5 um\", neck_length = \"1 um\", neck_diameter = \"0.2 um\" }}\n{also}"
        )
        .replace("duration = \"1 ms\"", "duration = \"30 ms\"");
        let files = |_: &str| -> Result<String, Unread> { Ok(SMALL.to_owned()) };
        let outcome = model::resolve::model_beside("m.toml", text.into(), &[], &Catalogue::embedded(), &files);
        assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics.render(&outcome.sources, false));
        let mut out = Diagnostics::default();
        let plan = bouton::lower::model(&outcome.resolved[0], &mut out);
        let plan = plan.unwrap_or_else(|| panic!("{}", out.render(&outcome.sources, false)));
        let ran = bouton::simulation::run(&[plan], "", 2, &Default::default(), &bouton::simulation::Cancel::new());
        ran.expect("a good run").recording.conditions.remove(0)
    };
    let mean = |c: &bouton::recording::Condition, path: &str| -> Vec<f64> {
        c.probes.iter().find(|p| p.path == path).unwrap_or_else(|| panic!("no probe `{path}`")).mean.clone()
    };
    let shape = "conductance = { peak = \"1 nS\", rise = \"0.3 ms\", decay = \"2 ms\", reversal = \"0 mV\" }";
    let synapse = |name: &str, from: &str, to: &str| {
        format!("synapse.{name} = {{ from = \"{from}\", to = \"{to}\", {shape} }}\n")
    };
    let probes = "probe.v = { read = \"c.soma.v_m\" }\n";
    // One sender: the same as three synapses by name.
    let one = "cell.one.times = [\"2 ms\", \"9 ms\"]\n";
    let all = plans(&format!("{one}{probes}probe.g = {{ read = \"all.g\" }}\n{}", synapse("all", "one", "c.spines.s")));
    let each: String = (0..3).map(|k| synapse(&format!("s{k}"), "one", &format!("c.spines.s[{k}]"))).collect();
    let apart = plans(&format!("{one}{probes}probe.g = {{ read = \"s0.g\" }}\n{each}"));
    assert_eq!(mean(&all, "c.soma.v_m"), mean(&apart, "c.soma.v_m"));
    let (sum, alone) = (mean(&all, "all.g"), mean(&apart, "s0.g"));
    assert!(sum.iter().any(|g| *g > 2.0) && sum.iter().zip(&alone).all(|(a, b)| (a - 3.0 * b).abs() < 1e-12));
    // Three senders at random: what all three do to one place, together.
    let crowd = "cell.crowd = { count = 3, rate = \"200 /s\" }\n";
    let spread = plans(&format!("{crowd}probe.g = {{ read = \"all.g\" }}\n{}", synapse("all", "crowd", "c.spines.s")));
    let heap = plans(&format!("{crowd}probe.g = {{ read = \"all.g\" }}\n{}", synapse("all", "crowd", "c.soma")));
    let (spread, heap) = (mean(&spread, "all.g"), mean(&heap, "all.g"));
    assert!(heap.iter().any(|g| *g > 1.0));
    assert!(spread.iter().zip(&heap).all(|(a, b)| (a - b).abs() < 1e-9), "the same spikes at the same times");
}
