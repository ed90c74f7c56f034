//! Point neurons in models: what acts on them, who hears them, and that who computes does not matter.

mod common;

use bouton::simulation::{Cancel, EventKind, Progress, run};
use common::{CERTAIN, Going, ON_POINT, RELEASING, WORLD, at, fusions, plan, plan_with, probe, ran, run_with};
use engine::receptor::waveform::Waveform;
use engine::snapshot;
use std::fmt::Write as _;

/// Random senders and given ones, currents and conductances of both signs, onto a leaky neuron.
const LIF: &str = r#"
duration = "200 ms"
temperature = "34 degC"
numerics.step = "0.1 ms"
trials = 3
cell.senders = { rate = "20 Hz", count = 100 }
cell.one.times = ["0 ms", "11.1117 ms", "90 ms"]
cell.lif.use = "neuron/lif"
synapse.e.from = "senders.axon"
synapse.e.to = "lif.soma"
synapse.e.current = { peak = "35 pA", rise = "0.5 ms", decay = "5 ms" }
synapse.i.from = "senders.axon"
synapse.i.to = "lif.soma"
synapse.i.delay = "3 ms"
synapse.i.current = { peak = "-15 pA", decay = "8 ms" }
synapse.g.from = "one.axon"
synapse.g.to = "lif.soma"
synapse.g.current = { peak = "100 pA", decay = "8 ms" }
probe.v = { read = "lif.soma.v_m" }
probe.e = { read = "e.current" }
"#;

/// Times of the spikes of a cell, ms, by trial.
fn spikes(c: &bouton::recording::Condition, cell: &str) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new(); c.trials as usize];
    let name = format!("{cell}.spike");
    c.events.iter().filter(|e| e.what == name).for_each(|e| all[e.trial as usize].push(e.at));
    all
}

#[test]
fn spikes_of_a_leaky_neuron_under_plain_currents_do_not_depend_on_the_step() {
    let of = |step: &str| spikes(&run_with(LIF, &[&format!("numerics.step = {step}")]), "lif");
    let fine = of("25 us");
    assert!(fine.iter().all(|t| t.len() > 4), "{fine:?}");
    for step in ["0.1 ms", "1 ms"] {
        let coarse = of(step);
        for (a, b) in fine.iter().zip(&coarse) {
            assert_eq!(a.len(), b.len(), "{step}");
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-7), "{step}: {a:?} {b:?}");
        }
    }
}

#[test]
fn an_event_at_time_zero_counts_and_the_potential_is_the_closed_form() {
    let text = LIF.replace("synapse.e.current = { peak = \"35 pA\"", "synapse.e.current = { peak = \"0 pA\"");
    let text = text.replace("peak = \"-15 pA\"", "peak = \"0 pA\"");
    let c = run_with(&text, &["numerics.step = 0.5 ms", "trials = 1"]);
    let v = probe(&c, "lif.soma.v_m");
    let tau = 20.0;
    let psp = |t: f64| {
        let parts = numerics::math::exp(-t / tau) - numerics::math::exp(-t / 8.0);
        if t <= 0.0 { 0.0 } else { 100.0 / 200.0 * parts / (1.0 / 8.0 - 1.0 / tau) }
    };
    for (k, v) in v.mean.iter().enumerate() {
        let t = k as f64 * 0.5;
        let want: f64 = -70.0 + [0.0, 11.1117, 90.0].iter().map(|a| psp(t - a)).sum::<f64>();
        assert!((v - want).abs() < 1e-10, "{t} ms: {v} {want}");
    }
    assert!(v.mean.iter().any(|v| *v > -67.5));
}

#[test]
fn neither_threads_nor_a_cut_nor_company_change_a_bit() {
    let adex = "cell.adex.use = \"neuron/adex_brette_gerstner_2005\"\nsynapse.a.from = \"lif.soma\"\n\
        synapse.a.to = \"adex.soma\"\nsynapse.a.conductance = { peak = \"90 nS\", decay = \"5 ms\", reversal = \"0 mV\" }\n\
        probe.w = { read = \"adex.soma.w\" }\n";
    let text = format!("{LIF}{adex}").replace("trials = 3", "trials = 11");
    let of = |threads| {
        let outcome = run(&[plan(&text)], "", threads, &Progress::default(), &Cancel::new()).expect("a run");
        format!("{:?}{:?}", outcome.recording.conditions[0].probes, outcome.recording.conditions[0].events)
    };
    assert_eq!(of(1), of(3));
    let plan = plan(&text);
    let mut whole = Going::new(&plan, 0, 8);
    whole.to(&plan, 200.0);
    let of_adex = whole.events.iter().filter(|e| e.kind == EventKind::Spike { cell: 3, member: 0 }).count();
    assert!(of_adex > 5, "{of_adex}");
    for cut in [0.1, 57.3] {
        let mut parts = Going::new(&plan, 0, 8);
        parts.to(&plan, cut);
        let bytes = snapshot::save(7, &parts.batch).expect("bytes");
        parts.batch = snapshot::load(7, &bytes).expect("a batch");
        parts.to(&plan, 200.0);
        let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("bytes"));
        assert!(a == b, "cut at {cut} ms");
    }
    let mut alone = Going::new(&plan, 5, 1);
    alone.to(&plan, 200.0);
    for p in 0..plan.probes.len() {
        assert_eq!(alone.traces.samples(0, p), whole.traces.samples(5, p), "{}", plan.probes[p].path);
    }
}

/// The same synapse of molecules onto the same capacitance and leak, once a membrane and once a point.
#[test]
fn a_detailed_synapse_acts_on_a_point_neuron_as_on_a_passive_membrane() {
    let world = format!(
        "duration = \"30 ms\"\ndetail = \"mean\"\n{WORLD}{ON_POINT}{CERTAIN}cell.sender.times = [\"2 ms\"]\nprobe.v = {{ read = \"receiver.soma.v_m\" }}\nprobe.i = {{ read = \"contact.current\" }}\n"
    );
    let point = world
        .lines()
        .filter(|l| !l.starts_with("cell.receiver."))
        .fold(String::new(), |text, l| text + l + "\n")
        + "cell.receiver.point = { model = \"lif\", capacitance = \"1 pF\", leak = \"0.1 nS\", rest = \"-70 mV\", threshold = \"50 mV\", reset = \"-70 mV\" }\n";
    // The density of the leak, which is 0.1 nS on 100 um2.
    let (a, b) = (run_with(&world, &["numerics.step = 5 us"]), run_with(&point, &["numerics.step = 5 us"]));
    let [a, b] = [&a, &b].map(|c| probe(c, "receiver.soma.v_m"));
    let peak = a.mean.iter().copied().fold(f64::MIN, f64::max);
    assert!(peak > -69.0, "{peak}");
    let off = a.mean.iter().zip(&b.mean).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 2e-4 * (peak + 70.0), "{off} of {peak}");
}

/// A terminal whose sender is a point neuron does what it does when it is told the same spikes.
#[test]
fn terminals_follow_the_spikes_of_a_point_neuron() {
    let base = format!(
        "duration = \"60 ms\"\ntrials = 8\ndetail = \"mean\"\n{WORLD}{ON_POINT}synapse.contact.delay = \"0.7123 ms\"\n"
    );
    let point = "cell.sender.use = \"neuron/lif\"\nclamp.push = { at = \"sender.soma\", current = \"500 pA\", start = \"2 ms\", stop = \"45 ms\" }\n";
    let of = |release: &str| run_with(&format!("{base}{release}{point}"), &[]);
    let certain = of(CERTAIN);
    let times = spikes(&certain, "sender").remove(0);
    assert!(times.len() >= 3, "{times:?}");
    for fused in fusions(&certain, "contact") {
        assert_eq!(fused.len(), times.len());
        assert!(fused.iter().zip(&times).all(|(f, s)| (f - s - 0.7123).abs() < 1e-9), "{fused:?} {times:?}");
    }
    let mut told = String::from("cell.sender.times = [");
    times.iter().for_each(|t| {
        let _ = write!(told, "\"{t} ms\",");
    });
    told.push_str("]\n");
    let released = of(RELEASING);
    let same = run_with(&format!("{base}{RELEASING}{told}"), &[]);
    let (a, b) = (fusions(&released, "contact"), fusions(&same, "contact"));
    assert!(a.iter().map(Vec::len).sum::<usize>() >= 3, "{a:?}");
    assert_eq!(a, b);
}

#[test]
fn a_point_neuron_sleeps_and_wakes_and_its_spikes_are_drawn() {
    let text = r#"
duration = "2 s"
temperature = "34 degC"
cell.sender.times = ["500 ms", "1500 ms"]
cell.n.use = "neuron/adex_brette_gerstner_2005"
cell.n.point.tau_w = "20 ms"
synapse.s.from = "sender.axon"
synapse.s.to = "n.soma"
synapse.s.current = { peak = "9 nA", decay = "2 ms" }
probe.v = { read = "n.soma.v_m" }
probe.w = { read = "n.soma.w" }
measure.v = { of = "n.soma.v_m", take = ["spikes"], after = "100 ms" }
"#;
    let (c, work) = ran(plan(text));
    // Of 80,000 steps: awake until its adaptation, of 20 ms, is forgotten to 1e-7 pA, some 20 of its time constants.
    assert!(work.neuron_steps < 45_000, "{work:?}");
    let times = spikes(&c, "n").remove(0);
    assert_eq!(times.len(), 2, "{times:?}");
    assert!((times[1] - times[0] - 1000.0).abs() < 1e-2 && times[0] > 500.0 && times[0] < 503.0);
    let v = probe(&c, "n.soma.v_m");
    let peaks: Vec<f64> = v.mean.iter().copied().filter(|v| *v > 0.0).collect();
    assert_eq!(peaks, [20.0, 20.0]);
    assert!(at(probe(&c, "n.soma.w"), 510.0) > 40.0);
    assert_eq!(c.measures[0].values, [2.0]);
    assert_eq!(c.facts.iter().find(|f| f.key == "n.spikes").map(|f| f.value), Some(2.0));
}

/// Two in a circle, with and without a way that takes a step.
#[test]
fn point_neurons_hear_each_other() {
    let text = r#"
duration = "100 ms"
temperature = "34 degC"
cell.a.use = "neuron/lif"
cell.b.use = "neuron/lif"
clamp.push = { at = "a.soma", current = "300 pA" }
synapse.ab.from = "a.soma"
synapse.ab.to = "b.soma"
synapse.ab.current = { peak = "2 nA", decay = "3 ms" }
synapse.ba.from = "b.soma"
synapse.ba.to = "a.soma"
synapse.ba.current = { peak = "-50 pA", decay = "3 ms" }
probe.i = { read = "ab.current" }
"#;
    let w = Waveform::exponential(3.0).expect("a waveform");
    for delay in ["0 ms", "0.01 ms", "2 ms"] {
        let c = run_with(text, &[&format!("synapse.ab.delay = {delay}"), &format!("synapse.ba.delay = {delay}")]);
        let way: f64 = delay.split(' ').next().and_then(|d| d.parse().ok()).expect("a number");
        let (a, b) = (spikes(&c, "a").remove(0), spikes(&c, "b").remove(0));
        assert!(a.len() > 2 && b.len() >= a.len() - 1, "{a:?} {b:?}");
        // One of them is stepped first: what it says is heard in the same step, what it hears a step late at most.
        let i = probe(&c, "ab.current");
        let off = (0..i.mean.len()).map(|k| {
            let t = k as f64 * 0.025;
            let want: f64 = a.iter().map(|s| -2000.0 * w.at(t - s - way)).sum();
            let near = a.iter().any(|s| (t - s - way).abs() < 0.026);
            if near { 0.0 } else { (i.mean[k] - want).abs() / 2000.0 }
        });
        let most = off.fold(0.0, f64::max);
        assert!(most < if way < 0.025 { 0.009 } else { 1e-9 }, "{delay}: {most}");
    }
}

#[test]
fn a_current_clamp_with_noise_moves_a_point_neuron() {
    let noisy = "duration = \"200 ms\"\ntemperature = \"34 degC\"\ntrials = 4\ncell.n.use = \"neuron/izhikevich_2003_rs\"\n\
        clamp.c = { at = \"n.soma\", current = \"10 pA\", start = \"10 ms\", noise = { sd = \"1 pA\", tau = \"2 ms\" } }\n\
        probe.i = { read = \"clamp.c.current\" }\n";
    let c = ran(plan_with(noisy, &[])).0;
    let all = spikes(&c, "n");
    assert!(all.iter().all(|s| s.len() >= 3) && all[0] != all[1], "{all:?}");
    let quiet = run_with(noisy, &["clamp.c.noise.sd = 0 pA"]);
    let all = spikes(&quiet, "n");
    assert!(all.iter().all(|s| *s == all[0]));
    assert_eq!(at(probe(&quiet, "clamp.c.current"), 50.0), 10.0);
}
