//! The level `event`: populations of synapses in models, and senders that spike at random.

mod common;

use bouton::simulation::{Cancel, Progress, run};
use common::{CERTAIN, Going, ON_POINT, Z, at, fusions, plan, plan_with, probe, ran, run_with};
use engine::snapshot;
use numerics::math;

/// A hundred thousand synapses become 3,000, onto a cell under clamp.
const MANY: &str = r#"
duration = "100 ms"
temperature = "22 degC"
detail = "event"
numerics.step = "50 us"
cell.senders = { rate = "20 Hz", count = 3000 }
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "100000 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.all.from = "senders.axon"
synapse.all.to = "receiver.soma"
synapse.all.terminal = { docked = 10, release_probability = 0.3, pools.priming = "5 /s" }
synapse.all.cleft = { transmitter = "glutamate", pulse = { peak = "1 mM", tau = "1 ms" } }
synapse.all.receptor.ampa = { use = "receptor/ampa_destexhe_1994", count = 10 }
probe.g = { read = "all.receptor.ampa.conductance" }
probe.open = { read = "all.receptor.ampa.open" }
probe.o = { read = "all.receptor.ampa.O" }
probe.i = { read = "all.current" }
probe.of = { read = "all.receptor.ampa.current" }
probe.v = { read = "receiver.soma.v_m" }
probe.docked = { read = "all.terminal.docked" }
probe.released = { read = "all.terminal.released" }
probe.ligand = { read = "all.cleft.glutamate" }
"#;

fn fact(c: &bouton::recording::Condition, key: &str) -> f64 {
    c.facts.iter().find(|f| f.key == key).unwrap_or_else(|| panic!("no fact `{key}`")).value
}

#[test]
fn vesicles_and_open_receptors_of_the_benchmark_are_what_they_must_be() {
    let c = run_with(MANY, &["cell.senders = { rate = \"10 Hz\", count = 100_000 }", "duration = 200 ms"]);
    // Exact mean: sites are docked or empty, by rates 0.003 and 0.005 /ms; a synapse's deviation is below 3.6.
    let band = Z * 3.6 / math::exp(0.5 * math::ln(100_000.0));
    assert!((fact(&c, "all.vesicles_each") - 4.8723).abs() < band, "{}", fact(&c, "all.vesicles_each"));
    // Spikes are Poisson: 2 a sender.
    let band = Z * math::exp(0.5 * math::ln(2.0 / 100_000.0));
    assert!((fact(&c, "all.spikes_each") - 2.0).abs() < band);
    let open = probe(&c, "all.receptor.ampa.open");
    let share = open.mean[1..].iter().sum::<f64>() / (open.mean.len() - 1) as f64 / 1e6;
    assert!((share / fact(&c, "all.open_share.ampa") - 1.0).abs() < 1e-9, "{share}");
    assert!(c.events.is_empty());
}

#[test]
fn the_conductance_of_all_enters_the_membrane_and_their_currents_are_ohmic() {
    let c = run_with(MANY, &[]);
    let [g, open, o, i, of, v] = ["conductance", "open", "O", "", "current", "v"].map(|q| match q {
        "" => probe(&c, "all.current"),
        "v" => probe(&c, "receiver.soma.v_m"),
        q => probe(&c, &format!("all.receptor.ampa.{q}")),
    });
    assert_eq!(open.mean, o.mean);
    // 10 pS an open channel.
    assert!(open.mean.iter().zip(&g.mean).all(|(n, g)| (g - 0.01 * n).abs() <= 1e-12 * g.abs().max(1.0)));
    assert_eq!(i.mean, of.mean);
    // The mean conductance of a step and the voltage at its end: between those of its beginning and of its end.
    for ms in [20.0, 50.0, 80.0] {
        let mean = 0.5 * (at(g, ms) + at(g, ms - 0.05));
        assert!((at(i, ms) / (mean * at(v, ms)) - 1.0).abs() < 1e-9, "{ms}");
    }
    // At the end the membrane all but follows: g_leak (v - e_leak) + g v + C dv/dt = 0. 1e5 um2: 100 nS, 1000 pF.
    let (k, dt) = (1900, 0.05);
    let slope = (v.mean[k + 1] - v.mean[k - 1]) / (2.0 * dt);
    let balance = 100.0 * (v.mean[k] + 70.0) + g.mean[k] * v.mean[k] + 1000.0 * slope;
    assert!(balance.abs() < 0.01 * (g.mean[k] * v.mean[k]).abs(), "{balance}");
    assert!(v.mean[k] > -69.0, "{}", v.mean[k]);
    // Released and docked vesicles are kept account of: what is gone was refilled at 5 /s a site.
    let (docked, released) = (probe(&c, "all.terminal.docked"), probe(&c, "all.terminal.released"));
    let (n, gone) = (30_000.0, *released.mean.last().unwrap());
    let refilled: f64 = docked.mean.iter().map(|d| (n - d) * 0.05 * 0.005).sum();
    let last = *docked.mean.last().unwrap();
    // `docked` is a mean given what was released: each refilled vesicle has luck of its own.
    assert!((last - (n - gone + refilled)).abs() < Z * math::exp(0.5 * math::ln(refilled)), "{last} {gone} {refilled}");
    assert!(probe(&c, "all.cleft.glutamate").mean.iter().all(|l| (0.0..10.0).contains(l)));
}

#[test]
fn threads_and_cuts_change_no_bit() {
    let plan = || plan_with(MANY, &["trials = 3"]);
    let go = |threads: usize| {
        let outcome = run(&[plan()], "", threads, &Progress::default(), &Cancel::new()).unwrap();
        outcome.recording.conditions[0].clone()
    };
    let one = go(1);
    for threads in [2, 3] {
        let other = go(threads);
        assert_eq!(one.probes, other.probes, "{threads} threads");
        assert_eq!(one.facts, other.facts, "{threads} threads");
    }
    let plan = plan();
    let mut whole = Going::new(&plan, 0, 3);
    whole.to(&plan, 100.0);
    for at in [0.05, 25.6, 61.35] {
        let mut parts = Going::new(&plan, 0, 3);
        parts.to(&plan, at);
        let bytes = snapshot::save(7, &parts.batch).unwrap();
        parts.batch = snapshot::load(7, &bytes).unwrap();
        parts.to(&plan, 100.0);
        for (lane, p) in (0..3).flat_map(|lane| (0..plan.probes.len()).map(move |p| (lane, p))) {
            assert_eq!(parts.traces.samples(lane, p), whole.traces.samples(lane, p), "cut at {at} ms");
        }
        assert!(parts.batch == whole.batch, "cut at {at} ms");
    }
}

#[test]
fn adding_senders_changes_nobody_elses_luck_and_synapses_of_one_sender_share_its_spikes() {
    let second = r#"
synapse.other.from = "senders.axon"
synapse.other.to = "receiver.soma"
synapse.other.cleft = { transmitter = "glutamate", pulse = { peak = "1 mM", tau = "1 ms" } }
synapse.other.terminal.molecules = 1
synapse.other.receptor.ampa = { use = "receptor/ampa_destexhe_1994", count = 10 }
probe.spikes = { read = "other.terminal.released" }
"#;
    let alone = run_with(MANY, &[]);
    let both = run_with(&format!("{MANY}{second}"), &[]);
    assert_eq!(probe(&alone, "all.terminal.released").mean, probe(&both, "all.terminal.released").mean);
    // Without a release probability each spike releases one vesicle.
    let spikes = *probe(&both, "other.terminal.released").mean.last().unwrap();
    assert_eq!(spikes, (3000.0 * fact(&both, "all.spikes_each")).round());
    assert_eq!(fact(&both, "other.spikes_each"), fact(&both, "all.spikes_each"));
}

/// A sender with a rate, at the levels that follow a synapse in detail.
#[test]
fn spikes_at_a_rate_are_poisson_and_the_same_for_a_detailed_synapse_and_a_reduced_one() {
    let world = common::WORLD;
    let detailed =
        format!("duration = \"100 ms\"\n{world}{ON_POINT}{CERTAIN}cell.sender.rate = \"50 Hz\"\ndetail = \"mean\"\n");
    let trials = 200;
    let c = run_with(&detailed, &[&format!("trials = {trials}"), "numerics.step = 0.1 ms"]);
    let seen = fusions(&c, "contact");
    let counts: Vec<f64> = seen.iter().map(|f| f.len() as f64).collect();
    let total: f64 = counts.iter().sum();
    let expected = 5.0 * trials as f64;
    assert!((total - expected).abs() < Z * math::exp(0.5 * math::ln(expected)) + 1.0, "{total}");
    // A Poisson count's variance is its mean; that of the variance over n trials, (m + 2 m^2) / n.
    let mean = total / trials as f64;
    let variance = counts.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / (trials - 1) as f64;
    let sd = math::exp(0.5 * math::ln((5.0 + 50.0) / trials as f64));
    assert!((variance - 5.0).abs() < Z * sd + 1.0, "{variance}");
    assert!(counts.iter().any(|n| *n != counts[0]));
    // The first member of a population of one has the same luck.
    let event = [
        "detail = event",
        "synapse.contact.cleft.pulse = { peak = \"1 mM\", tau = \"1 ms\" }",
        "numerics.step = 0.1 ms",
    ];
    let event: Vec<&str> =
        event.into_iter().chain(["probe.released = { read = \"contact.terminal.released\" }", "trials = 8"]).collect();
    let without = "synapse.contact.without = [\"terminal.sensor\", \"terminal.channel\", \"spine\", \"receptor.nmda\"]";
    let reduced = run_with(&detailed, &event.iter().copied().chain([without]).collect::<Vec<_>>());
    for (trial, released) in &probe(&reduced, "contact.terminal.released").trials {
        let times = &seen[*trial as usize];
        for (k, n) in released.iter().enumerate() {
            let until = k as f64 * 0.1;
            assert_eq!(*n, times.iter().filter(|t| **t <= until).count() as f64, "trial {trial} at {until} ms");
        }
    }
}

#[test]
fn a_random_sender_can_be_cut_and_drives_a_release_machinery() {
    let text = format!(
        "duration = \"60 ms\"\n{}{ON_POINT}{}cell.sender.rate = \"100 Hz\"\n",
        common::WORLD,
        common::RELEASING
    );
    let plan = plan(&text);
    let mut whole = Going::new(&plan, 0, 8);
    whole.to(&plan, 60.0);
    assert!(whole.fused() > 3, "{}", whole.fused());
    for at in [12.0, 33.0] {
        let mut parts = Going::new(&plan, 0, 8);
        parts.to(&plan, at);
        let bytes = snapshot::save(7, &parts.batch).unwrap();
        parts.batch = snapshot::load(7, &bytes).unwrap();
        parts.to(&plan, 60.0);
        assert_eq!(parts.events, whole.events);
        let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).unwrap());
        assert!(a == b, "cut at {at} ms");
    }
    assert!(ran(plan).0.facts.iter().all(|f| f.value.is_finite()));
}

/// Sites of a terminal without a sensor: the same vesicles at every level.
#[test]
fn levels_of_detail_release_the_same_vesicles() {
    let world = common::WORLD;
    let text = format!(
        "duration = \"300 ms\"\ntrials = 8\n{world}{ON_POINT}cell.sender.rate = \"60 Hz\"\nnumerics.step = \"0.1 ms\"\n"
    );
    let without = "synapse.contact.without = [\"terminal.sensor\", \"terminal.channel\", \"spine\", \"receptor.nmda\"]";
    let sites = "synapse.contact.terminal.release_probability = 0.3";
    let priming = "synapse.contact.terminal.pools.priming = \"20 /s\"";
    let pulse = "synapse.contact.cleft.pulse = { peak = \"1 mM\", tau = \"1 ms\" }";
    let seen =
        ["probe.n = { read = \"contact.terminal.released\" }", "probe.d = { read = \"contact.terminal.docked\" }"];
    let go = |detail: &str| run_with(&text, &[detail, without, sites, priming, pulse, seen[0], seen[1]]);
    let (mean, event) = (go("detail = mean"), go("detail = event"));
    let [a, b] = [&mean, &event].map(|c| probe(c, "contact.terminal.released"));
    assert_eq!(a.trials, b.trials);
    let total: f64 = a.trials.iter().map(|t| t.1.last().unwrap()).sum();
    assert!(total > 100.0, "{total}");
    let [a, b] = [&mean, &event].map(|c| probe(c, "contact.terminal.docked"));
    let off = a.mean.iter().zip(&b.mean).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 1e-9, "{off}");
    assert_eq!(fusions(&mean, "contact").iter().map(Vec::len).sum::<usize>() as f64, total);
}
