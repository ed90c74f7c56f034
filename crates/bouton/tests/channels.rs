//! Channels of membranes in model files: schemes with drugs, counted channels and whose luck they have.

mod common;

use bouton::simulation::{Batch, Cancel, Plan, Progress, Scratch, run};
use common::{Going, at, plan_with, plans_of, probe, run_with};
use engine::snapshot;
use model::catalogue::Catalogue;

/// Mossy fibre sodium channels, a scheme, with a potassium channel of gates.
const AXON: &str = r#"
duration = "20 ms"
temperature = "23 degC"
cell.axon.membrane = { area = "100 um2" }
cell.axon.channel.na = { use = "channel/nav_axon_schmidt_hieber_2010", density = "60 mS/cm2" }
cell.axon.channel.k = { use = "channel/hh1952_k", density = "18 mS/cm2" }
cell.axon.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-75 mV" }
probe.open = { read = "axon.soma.na.open" }
probe.current = { read = "axon.soma.na.current" }
probe.v = { read = "axon.soma.v_m" }
"#;

const PUSHED: &str = "clamp.push = { at = \"axon.soma\", current = \"20 pA\", start = \"5 ms\", stop = \"7 ms\" }";
const HELD: &str = "clamp.held = { at = \"axon.soma\", hold = \"-20 mV\" }";
const COUNTED: &str = "cell.axon.channel.na.stochastic = true";

/// What a scheme conducts is its open share times density, area and driving force; it carries an action potential.
#[test]
fn a_scheme_of_the_catalogue_carries_an_action_potential() {
    let c = run_with(AXON, &[PUSHED]);
    let v = probe(&c, "axon.soma.v_m");
    let top = v.mean.iter().copied().fold(f64::MIN, f64::max);
    println!("rest {:.2} mV, peak {top:.1} mV", v.mean[0]);
    assert!(v.mean[0] < -60.0 && top > 0.0 && v.mean[v.mean.len() - 1] < -50.0);
    let (open, i) = (probe(&c, "axon.soma.na.open"), probe(&c, "axon.soma.na.current"));
    for ((open, i), v) in open.mean.iter().zip(&i.mean).zip(&v.mean) {
        // 60 mS/cm2 of 100 um2 are 60 nS.
        assert!((i - 60.0 * open * (v - 55.0)).abs() < 1e-9 && (0.0..=1.0).contains(open));
    }
}

/// Tetrodotoxin plugs half of a scheme's channels at its constant (3.6 nM), as it does gates; in a bath that comes it needs
/// its time, and until then nothing differs.
#[test]
fn a_drug_acts_on_the_scheme_of_a_membrane() {
    let ttx = |said: &str| format!("drug.ttx = {{ use = \"drug/tetrodotoxin\", {said} }}");
    let open = |sets: &[&str]| {
        let sets: Vec<&str> = [HELD].iter().chain(sets).copied().collect();
        let c = run_with(AXON, &sets);
        let p = probe(&c, "axon.soma.na.open");
        [1.0, 9.0, 19.0].map(|t| at(p, t))
    };
    let free = open(&[]);
    let half = open(&[&ttx("bath = \"3.6 nM\"")]);
    println!("open {free:.6?} and with 3.6 nM {half:.6?}");
    assert!((half[0] / free[0] - 0.5).abs() < 0.002, "{}", half[0] / free[0]);
    let late = open(&[&ttx("schedule = { times = [\"0 ms\", \"10 ms\"], baths = [\"0 nM\", \"100 uM\"] }")]);
    println!("late {late:.6?}");
    assert!((late[0] - free[0]).abs() < 1e-9 && (late[1] - free[1]).abs() < 1e-9);
    // 2.94 /mM/ms for 9 ms at 0.1 mM.
    let left = numerics::math::exp(-2.94 * 0.1 * 9.0);
    assert!((late[2] / free[2] - left).abs() < 0.01, "{}, law {left}", late[2] / free[2]);
}

/// Of 4000 channels of 15 pS, the open ones of a trial are a whole number, and their mean over 64 trials that of the means
/// (5 standard errors of the binomial law, false alarm 1e-6); with TTX at its constant as well.
#[test]
fn counted_channels_scatter_about_their_means() {
    let sets = |more: &[&'static str]| -> Vec<&'static str> {
        [HELD, "trials = 64", "cell.axon.membrane.area = \"100 um2\""].iter().chain(more).copied().collect()
    };
    let ttx = "drug.ttx = { use = \"drug/tetrodotoxin\", bath = \"3.6 nM\" }";
    for drug in [None, Some(ttx)] {
        let means = run_with(AXON, &sets(&drug.into_iter().collect::<Vec<_>>()));
        let counted = run_with(AXON, &sets(&drug.into_iter().chain([COUNTED]).collect::<Vec<_>>()));
        let (p, q) = (probe(&means, "axon.soma.na.open"), probe(&counted, "axon.soma.na.open"));
        for ms in [0.1, 0.5, 2.0, 15.0] {
            let k = (ms / p.every).round() as usize;
            let open: Vec<f64> = q.trials.iter().map(|t| 4000.0 * t.1[k]).collect();
            assert!(open.len() == 64 && open.iter().all(|n| (n - n.round()).abs() < 1e-6), "{open:?}");
            let mean = open.iter().sum::<f64>() / 64.0;
            let law = 4000.0 * p.mean[k];
            let half = common::Z * (law * (1.0 - p.mean[k]) / 64.0).sqrt() + 0.5;
            println!("{ms} ms: {mean:.2} open, law {law:.2} +- {half:.2}");
            assert!((mean - law).abs() < half);
            assert!(open.iter().any(|n| *n != open[0]), "all trials alike");
        }
    }
}

fn traces(plan: &Plan, threads: usize) -> Vec<Vec<u64>> {
    let ran = run(std::slice::from_ref(plan), "", threads, &Progress::default(), &Cancel::new()).expect("a run");
    let p = &ran.recording.conditions[0].probes;
    let of = p.iter().filter(|p| p.path.starts_with("axon."));
    of.flat_map(|p| p.trials.iter().map(|t| t.1.iter().map(|x| x.to_bits()).collect())).collect()
}

/// Neither threads, nor a cut, nor another cell or channel, nor how many trials there are changes a bit of anybody's luck.
#[test]
fn luck_of_channels_has_an_address() {
    let both = [COUNTED, "cell.axon.channel.k = { stochastic = true, unitary = \"20 pS\" }", PUSHED];
    let with = |more: &[&str]| {
        let sets: Vec<&str> = both.iter().chain(more).copied().collect();
        plan_with(AXON, &sets)
    };
    let reference = traces(&with(&["trials = 11"]), 1);
    assert!(traces(&with(&["trials = 11"]), 2) == reference, "threads show");
    let fewer = traces(&with(&["trials = 3"]), 1);
    for (probe, kept) in fewer.chunks(3).enumerate() {
        assert!(kept == &reference[11 * probe..11 * probe + 3], "the number of trials shows");
    }
    let other = "cell.other.membrane = { area = \"10 um2\" }";
    let leak = "cell.other.channel.leak = { use = \"channel/leak\", density = \"0.1 mS/cm2\" }";
    let counted = "cell.other.channel.k = { use = \"channel/hh1952_k\", density = \"18 mS/cm2\", unitary = \"20 pS\", stochastic = true }";
    assert!(traces(&with(&["trials = 3", other, leak, counted]), 1) == fewer, "another cell shows");
    assert!(traces(&with(&["trials = 3", "seed = 2"]), 1) != fewer, "another seed is other luck");
    // One more channel, of which there is nothing.
    let silent = "cell.axon.channel.a = { use = \"channel/hh1952_k\", density = \"0 mS/cm2\" }";
    assert!(traces(&with(&["trials = 3", silent]), 1) == fewer, "another channel shows");
    let plan = with(&[]);
    let mut whole = Going::new(&plan, 0, 8);
    whole.to(&plan, 20.0);
    let mut parts = Going::new(&plan, 0, 8);
    for ms in [0.025, 5.5, 6.0] {
        parts.to(&plan, ms);
        let bytes = snapshot::save(7, &parts.batch).expect("saved");
        parts.batch = snapshot::load::<Batch>(7, &bytes).expect("loaded");
        parts.scratch = Scratch::new(&plan);
    }
    parts.to(&plan, 20.0);
    let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("saved"));
    assert!(a == b, "a cut shows");
}

/// Numbers of channels along a dendrite: each compartment a whole number, and of every stretch right to one channel.
#[test]
fn counts_along_a_cell_are_right_to_one_channel() {
    let text = r#"
duration = "1 ms"
temperature = "6.3 degC"
cell.d.membrane = { axial_resistivity = "100 ohm*cm" }
cell.d.section.soma = { diameter = "10 um", length = "10 um" }
cell.d.section.dend = { on = "soma", diameter = "0.5 um", length = "200 um" }
cell.d.discretisation.length = "1 um"
cell.d.channel.k = { use = "channel/hh1952_k", density = "0.2 mS/cm2 * (1 + distance / 100 um)", unitary = "20 pS", stochastic = true }
cell.d.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-65 mV" }
"#;
    let plan = plan_with(text, &[]);
    let bouton::simulation::Voltage::Membrane { cell, rest } = &plan.cells[0].voltage else { panic!("a membrane") };
    let (mut given, mut whole, mut none) = (0.0, 0.0, 0);
    for (k, piece) in cell.layout.geometry.pieces.iter().enumerate() {
        let site = engine::neuron::Site { block: 0, compartment: k as u32, lane: 0 };
        let copies = rest.copies(&cell.plan, site, 0);
        // 0.002 nS/um2 are 0.2 mS/cm2.
        whole += 0.002 * (1.0 + piece.distance / 100.0) * piece.area / 0.02;
        given += copies;
        none += u32::from(copies == 0.0);
        assert!(copies.fract() == 0.0 && (given - whole).abs() <= 0.5 + 1e-9, "{given} for {whole}");
    }
    println!("{given} channels for {whole:.2}, in {none} compartments none");
    assert!(none > 10, "fewer than one a compartment");
}

/// The example: means are silent, 3120 channels fire by themselves, and of a hundred times as many the voltage trembles a
/// tenth as much.
#[test]
fn the_example_fires_by_channel_noise_alone() {
    let text = std::fs::read_to_string("../../examples/channel_noise.toml").expect("an example");
    let plans = plans_of(&Catalogue::embedded(), &text, &[]);
    let ran = run(&plans, "", 2, &Progress::default(), &Cancel::new()).expect("a run");
    let spikes: Vec<usize> = ran.recording.conditions.iter().map(|c| c.events.len()).collect();
    println!("spikes in 3.2 s: {spikes:?}");
    let of = |name: &str| ran.recording.conditions.iter().position(|c| c.name == name).expect("a condition");
    // 40 um2 fire at 20 to 25 Hz; 5 Hz would be below any luck.
    assert!(spikes[of("counted")] > 30 && spikes[of("means")] == 0 && spikes[of("large")] == 0);
}

#[test]
fn what_is_measured_of_a_counted_cell_is_of_its_means() {
    let plan = plan_with(AXON, &[COUNTED]);
    let means = plan_with(AXON, &[]);
    let of = |plan: &Plan| match &plan.cells[0].voltage {
        bouton::simulation::Voltage::Membrane { cell, rest } => (cell.clone(), rest.clone()),
        _ => panic!("a membrane"),
    };
    let ((counted, rest), (plain, alone)) = (of(&plan), of(&means));
    let twin = counted.means.as_ref().expect("a twin");
    assert!(counted.plan.counted() && !twin.plan.counted() && plain.means.is_none());
    let site = plain.plan.site(0, 0);
    // 4000 channels are 60 nS.
    assert_eq!(twin.rest.v_m(site).to_bits(), alone.v_m(site).to_bits());
    assert!((rest.v_m(site) - alone.v_m(site)).abs() < 1e-9);
}
