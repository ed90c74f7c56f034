//! A run and its state: cut and continued to the bit, nothing lost or made, and silence costs nothing.

mod common;

use bouton::simulation::{Batch, EventKind, Plan, Scratch};
use common::*;
use engine::snapshot;

/// Two synapses of different detail on one ball and stick, a pipette with a filter, three action potentials.
const RICH: &str = r#"
duration = "40 ms"
cell.sender.times = ["5 ms", "12 ms", "14 ms"]
cell.pyramidal.use = "neuron/ball_and_stick"
synapse.near.from = "sender.axon"
synapse.near.to = "pyramidal.dend(0.1)"
synapse.near.use = "synapse/ca1_spine"
synapse.near.terminal.channel.pq.distance = "30 nm"
synapse.far.from = "sender.axon"
synapse.far.to = "pyramidal.dend(0.6)"
synapse.far.use = "synapse/ca1_spine"
synapse.far.detail = "mean"
synapse.far.without = ["terminal.sensor", "terminal.channel"]
clamp.somatic = { at = "pyramidal.soma", hold = "-70 mV", series_resistance = "10 Mohm", filter = "2 kHz" }
probe.cleft = { read = "near.cleft.glutamate" }
probe.open = { read = "near.receptor.ampa.open" }
probe.occupied = { read = "far.clearance.glt1.bound" }
probe.clamp = { read = "clamp.somatic.current" }
probe.calcium = { read = "near.terminal.calcium" }
"#;

/// The same, the cleft seen every 5 us.
const FINE: &str = "probe.fine = { read = \"near.cleft.glutamate\", every = \"5 us\" }\nprobe.channels = { read = \"near.receptor.ampa.conductance\", every = \"5 us\" }\n";

/// A sender with a membrane, made to fire.
const AXON: &str = r#"
duration = "60 ms"
cell.sender.use = "neuron/pospischil_rs"
cell.receiver.use = "neuron/ball_and_stick"
synapse.contact.from = "sender.soma"
synapse.contact.to = "receiver.soma"
synapse.contact.use = "synapse/ca1_spine"
synapse.contact.without = ["spine"]
synapse.contact.terminal.channel.pq.distance = "30 nm"
clamp.drive = { at = "sender.soma", current = "1 nA", start = "10 ms", stop = "40 ms" }
probe.v = { read = "sender.soma.v_m" }
probe.cleft = { read = "contact.cleft.glutamate" }
"#;

/// Runs with the state saved and loaded at each cut, goes on under `then`; what differs from the uncut run, if anything.
fn cut(plan: &Plan, then: &Plan, cuts: &[f64]) -> Result<(), String> {
    let mut whole = Going::new(plan, 0, 8);
    whole.to(plan, plan.duration.ms());
    for &at in cuts {
        let mut parts = Going::new(plan, 0, 8);
        parts.to(plan, at);
        let bytes = snapshot::save(7, &parts.batch).expect("saved");
        parts.batch = snapshot::load::<Batch>(7, &bytes).expect("loaded");
        parts.scratch = Scratch::new(then);
        parts.to(then, plan.duration.ms());
        if parts.events != whole.events {
            return Err(format!("events, cut at {at} ms"));
        }
        for (lane, (p, probe)) in (0..8).flat_map(|lane| plan.probes.iter().enumerate().map(move |p| (lane, p))) {
            let (a, b) = (parts.traces.samples(lane, p), whole.traces.samples(lane, p));
            let differ = a.iter().zip(b).position(|(x, y)| x.to_bits() != y.to_bits());
            if let Some(k) = differ.or((a.len() != b.len()).then_some(a.len().min(b.len()))) {
                let (a, b) = (a.get(k), b.get(k));
                return Err(format!("{} of trial {lane}, cut at {at} ms, sample {k}: {a:?} for {b:?}", probe.path));
            }
        }
        let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("saved"));
        if a != b {
            return Err(format!("the final state, cut at {at} ms"));
        }
    }
    Ok(())
}

/// Moments within an action potential, as a vesicle empties, as its transmitter clears, in silence.
fn awkward(plan: &Plan) -> Vec<f64> {
    let mut seen = Going::new(plan, 0, 8);
    seen.to(plan, plan.duration.ms());
    let fused: Vec<f64> =
        seen.events.iter().filter(|e| matches!(e.kind, EventKind::Fusion { .. })).map(|e| e.at.ms()).collect();
    assert!(fused.len() >= 4, "{} fusions", fused.len());
    let step = plan.step.ms();
    let after = |t: f64, steps: f64| ((t / step).floor() + steps) * step;
    let mut cuts = vec![step, 0.5 * plan.duration.ms(), plan.duration.ms() - step];
    for t in [fused[0], fused[fused.len() / 2]] {
        cuts.extend([after(t, 0.0), after(t, 1.0), after(t, 2.0), after(t, 10.0)]);
    }
    cuts
}

#[test]
fn cut_and_continued_a_run_has_the_same_bits() {
    let plan = plan(&format!("{WORLD}{RICH}"));
    let mut cuts = awkward(&plan);
    // At rest; within an action potential; between; long after.
    cuts.extend([2.5, 5.4, 5.7, 6.0, 12.425, 35.0]);
    assert_eq!(cut(&plan, &plan, &cuts), Ok(()));
    // The twin goes on with other luck.
    let other = plan_with(&format!("{WORLD}{RICH}"), &["seed = 2"]);
    assert!(cut(&plan, &other, &[6.0]).is_err());
}

/// Looking within steps keeps every step from being left out: the same events, and the same course to the bit.
#[test]
fn silence_left_out_is_silence() {
    let texts = [format!("{WORLD}{RICH}"), format!("{WORLD}{RICH}{FINE}")];
    let [skipping, stepping] = [&texts[0], &texts[1]].map(|text| {
        let plan = plan(text);
        let mut going = Going::new(&plan, 0, 8);
        going.to(&plan, plan.duration.ms());
        (plan, going)
    });
    let steps = [&skipping, &stepping].map(|(plan, going)| going.work(plan).neuron_steps);
    println!("{steps:?} steps");
    assert!(steps[0] < steps[1] && steps[1] == 8 * 1600, "{steps:?}");
    assert_eq!(skipping.1.events, stepping.1.events);
    for name in ["near.cleft.glutamate", "near.receptor.ampa.open", "clamp.somatic.current", "near.terminal.calcium"] {
        let [a, b] = [&skipping, &stepping].map(|(plan, _)| {
            let step = plan.step;
            plan.probes.iter().position(|p| p.path == name && p.every == step).expect("a probe")
        });
        for lane in 0..8 {
            let (a, b) = (skipping.1.traces.samples(lane, a), stepping.1.traces.samples(lane, b));
            let most = a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(a == b, "{name} of trial {lane}: {most:e}");
        }
    }
}

#[test]
fn so_has_one_that_is_sampled_within_its_steps() {
    let plan = plan(&format!("{WORLD}{RICH}{FINE}"));
    assert_eq!(cut(&plan, &plan, &awkward(&plan)), Ok(()));
}

#[test]
fn so_has_one_whose_sender_has_a_membrane() {
    let plan = plan(&format!("{WORLD}{AXON}"));
    let mut cuts = awkward(&plan);
    cuts.extend([5.0, 10.0, 12.0, 15.0, 50.0]);
    assert_eq!(cut(&plan, &plan, &cuts), Ok(()));
}

/// Conduction takes three steps and a part of one; the voltages on their way are part of the state.
#[test]
fn so_has_one_whose_sender_is_far_away() {
    let far = plan_with(&format!("{WORLD}{AXON}"), &["synapse.contact.delay = \"3.31 ms\""]);
    let mut cuts = awkward(&far);
    cuts.extend([10.0, 12.0, 14.0, 15.0, 44.0]);
    assert_eq!(cut(&far, &far, &cuts), Ok(()));
}

/// What the sender has not yet felt, and the noise that stirs it, are part of the state.
#[test]
fn so_has_one_that_loads_a_sender_in_noise() {
    let noise = "clamp.noise = { at = \"sender.soma\", noise = { sd = \"20 pA\", tau = \"3 ms\" }, start = \"4 ms\", stop = \"20 ms\" }\n";
    let plan = plan_with(&format!("{WORLD}{AXON}{noise}"), &["synapse.contact.terminal.loads = true"]);
    let mut cuts = awkward(&plan);
    cuts.extend([4.0, 5.0, 12.0, 20.0, 50.0]);
    assert_eq!(cut(&plan, &plan, &cuts), Ok(()));
}

/// Vesicles in all pools of the terminals that have any, by trial.
fn vesicles(going: &Going) -> Vec<Vec<u64>> {
    let state = serde_json::to_value(&going.batch).expect("a state");
    let contacts = state["contacts"].as_array().expect("trials");
    contacts
        .iter()
        .map(|trial| {
            let counts = |c: &serde_json::Value| {
                c["sending"]["organ"]["Mechanism"]["release"]["pools"]["counts"]
                    .as_array()
                    .map(|all| all.iter().filter_map(serde_json::Value::as_u64).collect())
            };
            trial
                .as_array()
                .expect("contacts")
                .iter()
                .filter_map(counts)
                .next()
                .unwrap_or_else(|| panic!("no pools in {trial}"))
        })
        .collect()
}

/// Ten action potentials at 50 Hz: no vesicle is lost or made, and every molecule released is somewhere.
#[test]
fn vesicles_and_transmitter_are_conserved_over_a_train() {
    for detail in ["kinetic", "mean"] {
        let text = format!(
            "{WORLD}{ON_POINT}{RELEASING}duration = \"400 ms\"\n\
             cell.sender.times = [\"5 ms\", \"25 ms\", \"45 ms\", \"65 ms\", \"85 ms\", \"105 ms\", \"125 ms\", \"145 ms\", \"165 ms\", \"185 ms\"]\n"
        );
        let detail = format!("detail = \"{detail}\"");
        // Near, so that many fuse; all ways between pools open.
        let sets = [
            "synapse.contact.terminal.channel.pq.distance = \"30 nm\"",
            "synapse.contact.terminal.pools = { priming = \"20 /s\", refill = \"10 /s\", mobilise = \"2 /s\", endocytosis = \"20 /s\" }",
            &detail,
        ];
        let plan = plan_with(&text, &sets);
        let mut going = Going::new(&plan, 0, 8);
        let all: u64 = vesicles(&going)[0].iter().sum();
        assert_eq!(all, 200);
        let mut worst: f64 = 0.0;
        let mut moved = vec![false; 5];
        for k in 1..=400 {
            going.to(&plan, f64::from(k));
            let pools = vesicles(&going);
            for pools in &pools {
                assert_eq!(pools.iter().sum::<u64>(), all, "{pools:?} at {k} ms");
                for (moved, (now, then)) in moved.iter_mut().zip(pools.iter().zip([10, 35, 0, 155, 0])) {
                    *moved |= *now != then;
                }
            }
            for (_, b) in going.batch.budgets(&plan) {
                let found = b.in_vesicles
                    + b.free_in_cleft
                    + b.free_in_tissue
                    + b.escaped
                    + b.bound.iter().sum::<f64>()
                    + b.turned_over.iter().sum::<f64>();
                let want = b.released + b.initial;
                if want > 0.0 {
                    worst = worst.max((found - want).abs() / want);
                } else {
                    assert_eq!(found, 0.0);
                }
            }
        }
        let released: f64 = going.batch.budgets(&plan).map(|(_, b)| b.released * numerics::constants::AVOGADRO).sum();
        println!(
            "{detail}: {} vesicles, {released:.1} molecules, budget open by {worst:e}; pools moved {moved:?}",
            going.fused()
        );
        assert!(going.fused() > 40 && moved.iter().all(|m| *m), "{moved:?}");
        assert!(worst < 1e-9, "{worst:e}");
    }
}

/// With contents that are all alike, what was released is a whole number of vesicles.
#[test]
fn each_fusion_brings_the_content_of_one_vesicle() {
    let times: Vec<String> = (0..10).map(|k| format!("\"{} ms\"", 5 + 20 * k)).collect();
    let text = format!("{WORLD}{ON_POINT}{CERTAIN}duration = \"300 ms\"\ncell.sender.times = [{}]\n", times.join(", "));
    let plan = plan(&text);
    let mut going = Going::new(&plan, 0, 1);
    going.to(&plan, 300.0);
    assert_eq!(going.fused(), 10);
    for (_, b) in going.batch.budgets(&plan) {
        let molecules = b.released * numerics::constants::AVOGADRO;
        println!("{molecules}");
        assert!((molecules - 30_000.0).abs() < 1e-6);
    }
}

/// Ten seconds without an action potential in steps of 1 ms: the cleft and the receptors do nothing unless a vesicle
/// fused, bulk calcium moves only after a channel opened. 40 trials at 50 nM and at 1 uM of calcium at rest: fusions in
/// few and in most.
#[test]
fn silence_costs_nothing() {
    let text =
        format!("{WORLD}{ON_POINT}{RELEASING}duration = \"10 s\"\nnumerics.step = \"1 ms\"\ncell.sender.times = []\n");
    let (mut quiet, mut fused, mut shut, mut opened) = (0, 0, 0, 0);
    for calcium in ["50 nM", "1 uM"] {
        let plan = plan_with(&text, &[&format!("synapse.contact.terminal.resting_calcium = \"{calcium}\"")]);
        for trial in 0..40 {
            let mut going = Going::new(&plan, trial, 1);
            for second in 1..=10 {
                going.to(&plan, 1000.0 * f64::from(second));
                let work = going.work(&plan);
                let steps = (work.cleft_steps, work.receptor_jumps);
                if going.fused() == 0 {
                    quiet += 1;
                    assert_eq!(steps, (0, 0), "trial {trial}, {second} s, {calcium}: {work:?}");
                } else {
                    fused += 1;
                    assert!(steps.0 > 0 && steps.1 > 0, "trial {trial}, {second} s, {calcium}: {work:?}");
                }
                if work.channel_jumps == 0 {
                    shut += 1;
                    assert_eq!((work.bulk_steps, work.terminal_slots), (0, 0), "trial {trial}, {second} s, {calcium}");
                } else {
                    opened += 1;
                }
                assert!(work.neuron_steps < 10_000, "{work:?}");
            }
        }
    }
    println!("{quiet} trial-seconds without fusions so far, {fused} with; {shut} without openings, {opened} with");
    assert!(quiet > 100 && fused > 100 && shut > 10 && opened > 100);
}
