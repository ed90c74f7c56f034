//! Plain synapses in models: closed forms, order, Campbell's theorem, and that who computes does not matter.

mod common;

use bouton::simulation::{Cancel, Progress, run};
use common::{Going, Z, at, off, plan, plan_with, probe, ran, run_with};
use engine::receptor::waveform::Waveform;
use engine::snapshot;
use numerics::math;

/// One plain synapse onto a passive cell: 100 pF, 10 ms, -70 mV.
const ONE: &str = r#"
duration = "40 ms"
temperature = "34 degC"
numerics.step = "0.1 ms"
cell.sender.times = ["1.0123 ms", "3.3 ms", "3.3371 ms", "17 ms"]
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "10000 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.s.from = "sender.axon"
synapse.s.to = "receiver.soma"
synapse.s.delay = "0.25 ms"
synapse.s.conductance = { peak = "2 nS", rise = "0.3 ms", decay = "3 ms", reversal = "0 mV" }
probe.g = { read = "s.g" }
probe.i = { read = "s.current" }
probe.v = { read = "receiver.soma.v_m" }
"#;

/// Arrivals, ms.
const ARRIVALS: [f64; 4] = [1.2623, 3.55, 3.5871, 17.25];

#[test]
fn the_conductance_is_the_sum_of_its_events_each_at_its_own_time() {
    let bi = |rise, decay| Waveform::biexponential(rise, decay).expect("a waveform");
    let all = [
        ("rise = \"0.3 ms\", decay = \"3 ms\"", bi(0.3, 3.0)),
        ("rise = \"2 ms\", decay = \"2 ms\"", Waveform::alpha(2.0).expect("a waveform")),
        ("decay = \"3 ms\"", Waveform::exponential(3.0).expect("a waveform")),
    ];
    for (said, w) in all {
        for (step, count) in [("0.1 ms", 1), ("25 us", 1), ("1 ms", 7)] {
            let set = format!("synapse.s.conductance = {{ peak = \"2 nS\", reversal = \"0 mV\", {said} }}");
            let text = ONE.replace("peak = \"2 nS\", rise = \"0.3 ms\", decay = \"3 ms\", reversal = \"0 mV\"", "");
            let text = text.replace("synapse.s.conductance = {  }\n", "");
            let (step, count) = (format!("numerics.step = {step}"), format!("cell.sender.count = {count}"));
            let c = run_with(&text, &[&set, &step, &count]);
            let n: f64 = count.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
            let (g, i, v) = (probe(&c, "s.g"), probe(&c, "s.current"), probe(&c, "receiver.soma.v_m"));
            for (k, (g, i)) in g.mean.iter().zip(&i.mean).enumerate() {
                let t = k as f64 * v.every;
                let want: f64 = ARRIVALS.iter().map(|a| 2.0 * n * w.at(t - a)).sum();
                assert!((g - want).abs() < 2e-11 * n, "{said}, {step}, {t} ms: {g}, {want}");
                assert!((i - g * v.mean[k]).abs() < 1e-12 * i.abs().max(1.0));
            }
            assert!((c.facts.iter().find(|f| f.key == "s.spikes_each").expect("a fact").value - 4.0).abs() < 1e-12);
        }
    }
}

/// `C v' = -g_leak (v - e) + i`, `i = p N (exp(-t/d) - exp(-t/r))`: each exponential in closed form.
fn potential(t: f64, peak: f64, (rise, decay): (f64, f64)) -> f64 {
    let w = Waveform::biexponential(rise, decay).expect("a waveform");
    let norm = w.area() / (decay - rise);
    let (tau, c) = (10.0, 100.0);
    let one = |s: f64| (math::exp(-t / tau) - math::exp(-t / s)) / (c * (1.0 / s - 1.0 / tau));
    if t <= 0.0 { 0.0 } else { peak * norm * (one(decay) - one(rise)) }
}

#[test]
fn a_plain_current_makes_the_potential_of_the_closed_form_and_depolarises() {
    let text = ONE.replace(
        "synapse.s.conductance = { peak = \"2 nS\", rise = \"0.3 ms\", decay = \"3 ms\", reversal = \"0 mV\" }",
        "synapse.s.current = { peak = \"100 pA\", rise = \"0.3 ms\", decay = \"3 ms\" }",
    );
    let text = text.replace("probe.g = { read = \"s.g\" }", "");
    let mut errors = Vec::new();
    for step in ["0.2 ms", "0.1 ms", "50 us"] {
        let c = run_with(&text, &[&format!("numerics.step = {step}")]);
        let v = probe(&c, "receiver.soma.v_m");
        let want = |t: f64| -70.0 + ARRIVALS.iter().map(|a| potential(t - a, 100.0, (0.3, 3.0))).sum::<f64>();
        let times = || (1..=39).map(f64::from);
        errors.push(times().map(|t| (at(v, t) - want(t)).abs()).fold(0.0, f64::max));
        assert!(at(v, 5.0) > -69.0);
        // Inward is negative.
        assert!(at(probe(&c, "s.current"), 5.0) < -10.0);
    }
    // Second order, though events lie anywhere within steps.
    assert!(errors[1] < 2e-4, "{errors:?}");
    for pair in errors.windows(2) {
        assert!((3.0..5.5).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

#[test]
fn the_membrane_follows_a_plain_conductance_to_second_order_in_the_step() {
    let end = |step: &str| {
        let c = run_with(ONE, &[&format!("numerics.step = {step}"), "synapse.s.conductance.peak = 30 nS"]);
        let v = probe(&c, "receiver.soma.v_m");
        (1..=39).map(|t| at(v, f64::from(t))).collect::<Vec<_>>()
    };
    let fine = end("2 us");
    let distance = |v: Vec<f64>| v.iter().zip(&fine).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let errors: Vec<f64> = ["0.2 ms", "0.1 ms", "50 us"].into_iter().map(|step| distance(end(step))).collect();
    assert!(errors[1] < 0.05, "{errors:?}");
    for pair in errors.windows(2) {
        assert!((3.2..5.5).contains(&(pair[0] / pair[1])), "{errors:?}");
    }
}

/// Three hundred senders at 40 Hz.
const MANY: &str = r#"
duration = "2 s"
temperature = "34 degC"
trials = 8
numerics.step = "0.1 ms"
cell.senders = { rate = "40 Hz", count = 300 }
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "10000 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.s.from = "senders.axon"
synapse.s.to = "receiver.soma"
synapse.s.conductance = { peak = "0.1 nS", rise = "0.5 ms", decay = "4 ms", reversal = "0 mV" }
probe.g = { read = "s.g" }
probe.v = { read = "receiver.soma.v_m" }
measure.g = { of = "s.g", take = ["level", "deviation"], after = "100 ms" }
"#;

#[test]
fn mean_and_variance_of_many_senders_are_those_of_campbells_theorem() {
    let c = run_with(MANY, &[]);
    let w = Waveform::biexponential(0.5, 4.0).expect("a waveform");
    // Campbell: mean = rate * integral of g, variance = rate * integral of g^2; the second is N^2 (d - r)^2 / (2 (d + r)).
    let (rate, area) = (12.0, w.area());
    let norm = area / (4.0 - 0.5);
    let (mean, variance) = (0.1 * rate * area, 0.01 * rate * norm * norm * 3.5 * 3.5 / (2.0 * 4.5));
    let taken = |q: &str| &c.measures.iter().find(|m| m.quantity == q).expect("a measure").values;
    let n = taken("level").len() as f64;
    let got = taken("level").iter().sum::<f64>() / n;
    // Over 8 trials of 1.9 s the mean varies by sqrt(rate area^2 / time): 1e-6 false alarms.
    let time = 8.0 * 1900.0;
    let sd = 0.1 * area * (rate / time).sqrt();
    assert!((got - mean).abs() < Z * sd, "{got}, {mean} +- {sd}");
    let got = taken("deviation").iter().map(|s| s * s).sum::<f64>() / n;
    // Nearly normal; correlated over less than rise + decay: sd of the variance below variance sqrt(2 * 4.5 / time), and
    // 8 trials lose what their own means vary by, less than 0.3 %.
    let sd = variance * (2.0 * 4.5 / time).sqrt();
    assert!((got - variance).abs() < Z * sd + 0.003 * variance, "{got}, {variance} +- {sd}");
    // The twin: were the area 1 and not the peak, both would be far off.
    assert!((0.1 * rate - mean).abs() > 50.0 * 0.1 * area * (rate / time).sqrt());
    let spikes = c.facts.iter().find(|f| f.key == "s.spikes_each").expect("a fact").value;
    assert!((spikes - 80.0).abs() < Z * (80.0 / 2400.0_f64).sqrt(), "{spikes}");
}

/// A cell's spikes are its own, whoever listens.
#[test]
fn a_plain_synapse_hears_the_spikes_that_populations_and_terminals_hear() {
    let event = r#"
synapse.e.from = "senders.axon"
synapse.e.to = "receiver.soma"
synapse.e.detail = "event"
synapse.e.cleft = { transmitter = "glutamate", pulse = { peak = "1 mM", tau = "1 ms" } }
synapse.e.receptor.ampa = { use = "receptor/ampa_destexhe_1994", count = 1 }
"#;
    let c = run_with(&format!("{MANY}{event}"), &["duration = 200 ms", "trials = 1"]);
    let fact = |key: &str| c.facts.iter().find(|f| f.key == key).expect("a fact").value;
    assert!(fact("s.spikes_each") > 4.0);
    assert_eq!(fact("s.spikes_each"), fact("e.spikes_each"));
    // One sender: the very times.
    let detailed = format!(
        "duration = \"60 ms\"\ntrials = 2\ndetail = \"mean\"\n{}{}{}cell.sender.rate = \"200 Hz\"\n\
         synapse.p.from = \"sender.axon\"\nsynapse.p.to = \"receiver.soma\"\n\
         synapse.p.conductance = {{ peak = \"1 nS\", decay = \"2 ms\", reversal = \"-70 mV\" }}\nprobe.g = {{ read = \"p.g\" }}\n",
        common::WORLD,
        common::ON_POINT,
        common::CERTAIN
    );
    let c = run_with(&detailed, &[]);
    let w = Waveform::exponential(2.0).expect("a waveform");
    let g = probe(&c, "p.g");
    for (trial, g) in &g.trials {
        let spikes = &common::fusions(&c, "contact")[*trial as usize];
        for (k, g) in g.iter().enumerate() {
            let t = k as f64 * 0.025;
            let want: f64 = spikes.iter().map(|s| w.at(t - s)).sum();
            assert!((g - want).abs() < 1e-9, "trial {trial}, {t} ms: {g}, {want}");
        }
    }
    assert!(c.events.len() > 4);
}

#[test]
fn neither_threads_nor_a_cut_nor_company_change_a_bit() {
    let text = format!(
        "{MANY}cell.one.times = [\"20 ms\", \"150 ms\"]\nsynapse.t.from = \"one.axon\"\nsynapse.t.to = \"receiver.soma\"\nsynapse.t.current = {{ peak = \"300 pA\", decay = \"5 ms\" }}\nprobe.t = {{ read = \"t.current\" }}\n"
    );
    let text = text.replace("duration = \"2 s\"", "duration = \"200 ms\"").replace("trials = 8", "trials = 19");
    let of = |threads| {
        let outcome = run(&[plan(&text)], "", threads, &Progress::default(), &Cancel::new()).expect("a run");
        format!("{:?}", outcome.recording.conditions[0].probes)
    };
    let one = of(1);
    assert_eq!(one, of(3));
    assert_eq!(one, of(2));
    let plan = plan(&text);
    let mut whole = Going::new(&plan, 0, 8);
    whole.to(&plan, 200.0);
    for cut in [0.1, 33.3, 110.0] {
        let mut parts = Going::new(&plan, 0, 8);
        parts.to(&plan, cut);
        let bytes = snapshot::save(7, &parts.batch).expect("bytes");
        parts.batch = snapshot::load(7, &bytes).expect("a batch");
        parts.to(&plan, 200.0);
        let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("bytes"));
        assert!(a == b, "cut at {cut} ms");
        for lane in 0..8 {
            assert_eq!(parts.traces.samples(lane, 0), whole.traces.samples(lane, 0));
        }
    }
    // A trial's luck is its own.
    let mut alone = Going::new(&plan, 5, 1);
    alone.to(&plan, 200.0);
    assert_eq!(alone.traces.samples(0, 0), whole.traces.samples(5, 0));
    assert_eq!(alone.traces.samples(0, 1), whole.traces.samples(5, 1));
    assert_ne!(alone.traces.samples(0, 0), whole.traces.samples(4, 0));
}

#[test]
fn one_sender_more_changes_nobody_elses_spikes() {
    let plain = |count: usize| {
        let c = run_with(MANY, &[&format!("cell.senders.count = {count}"), "trials = 1", "duration = 500 ms"]);
        probe(&c, "s.g").mean.clone()
    };
    let (few, more) = (plain(40), plain(41));
    // What is between them is one sender's: never negative, mostly none.
    let difference: Vec<f64> = few.iter().zip(&more).map(|(a, b)| b - a).collect();
    assert!(difference.iter().all(|d| *d > -1e-13));
    assert!(difference.iter().any(|d| *d > 0.05));
    let silent = difference.iter().filter(|d| d.abs() < 1e-6).count();
    assert!(silent > difference.len() / 10, "{silent} of {}", difference.len());
}

/// A cell that fires when pushed, and one that hears it.
const CHAIN: &str = r#"
duration = "60 ms"
temperature = "36 degC"
cell.first = { use = "neuron/pospischil_fs" }
cell.second.membrane = { capacitance = "1 uF/cm2", area = "10000 um2" }
cell.second.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
clamp.push = { at = "first.soma", current = "0.9 nA", start = "5 ms", stop = "50 ms" }
synapse.s.from = "first.soma"
synapse.s.to = "second.soma"
synapse.s.conductance = { peak = "2 nS", decay = "3 ms", reversal = "0 mV" }
probe.g = { read = "s.g" }
probe.v = { read = "second.soma.v_m" }
"#;

#[test]
fn a_membranes_spikes_arrive_after_their_delay_whatever_that_is() {
    let w = Waveform::exponential(3.0).expect("a waveform");
    for delay in ["0 ms", "0.01 ms", "0.7 ms", "3.3 ms"] {
        let c = run_with(CHAIN, &[&format!("synapse.s.delay = {delay}")]);
        let late: f64 = delay.split(' ').next().and_then(|d| d.parse().ok()).expect("a number");
        let spikes: Vec<f64> = c.events.iter().filter(|e| e.what == "first.spike").map(|e| e.at + late).collect();
        assert!(spikes.len() >= 2, "{spikes:?}");
        for (k, g) in probe(&c, "s.g").mean.iter().enumerate() {
            let t = k as f64 * 0.025;
            let want: f64 = spikes.iter().map(|s| 2.0 * w.at(t - s)).sum();
            assert!((g - want).abs() < 1e-8, "{delay}, {t} ms: {g}, {want}");
        }
    }
}

#[test]
fn in_a_circle_one_is_heard_a_step_late_unless_the_way_takes_a_step() {
    let circle = "synapse.back.from = \"second.soma\"\nsynapse.back.to = \"first.soma\"\n\
        synapse.back.current = { peak = \"1 pA\", decay = \"1 ms\" }\n";
    let text = format!("{CHAIN}{circle}").replace("cell.first = { use = \"neuron/pospischil_fs\" }\n", "");
    // Declared last, stepped last.
    let text = format!("{text}cell.first = {{ use = \"neuron/pospischil_fs\" }}\n");
    let w = Waveform::exponential(3.0).expect("a waveform");
    for (delay, late) in [("0 ms", true), ("1 ms", false)] {
        let c = run_with(&text, &[&format!("synapse.s.delay = {delay}")]);
        let way: f64 = delay.split(' ').next().and_then(|d| d.parse().ok()).expect("a number");
        let spikes: Vec<f64> = c.events.iter().filter(|e| e.what == "first.spike").map(|e| e.at + way).collect();
        assert!(!spikes.is_empty());
        let g = probe(&c, "s.g");
        let heard = g.mean.iter().position(|g| *g > 0.0).expect("a spike") as f64 * 0.025;
        let wait = heard - spikes[0];
        assert!(if late { (0.0..0.05).contains(&wait) } else { (0.0..0.025).contains(&wait) }, "{delay}: {wait}");
        if !late {
            let at = g.mean[(heard / 0.025).round() as usize];
            assert!(off(at, 2.0 * w.at(wait)) < 1e-9);
        }
    }
}

#[test]
fn an_imposed_course_spikes_where_it_rises_through_the_threshold() {
    let course = "cell.sender.course = { times = [\"2 ms\", \"3 ms\", \"5 ms\"], voltages = [\"-60 mV\", \"20 mV\", \"-60 mV\"] }";
    let text = ONE.replace("cell.sender.times = [\"1.0123 ms\", \"3.3 ms\", \"3.3371 ms\", \"17 ms\"]", course);
    let first = |sets: &[&str]| {
        let c = run_with(&text, sets);
        let g = probe(&c, "s.g").mean.clone();
        // Ratio of two samples of one event tells when it was.
        let w = Waveform::biexponential(0.3, 3.0).expect("a waveform");
        let k = (8.0 / 0.1) as usize;
        let want = g[k + 20] / g[k];
        let when = |t: f64| w.at(10.0 - t) / w.at(8.0 - t) - want;
        numerics::bracket::root(when, 2.0, 4.0, 1e-9).expect("a time")
    };
    // The monotone cubic crosses 0 mV at three quarters of the height: 3 u^2 - 2 u^3 = 3/4.
    let u = numerics::bracket::root(|u: f64| 3.0 * u * u - 2.0 * u * u * u - 0.75, 0.0, 1.0, 1e-12).expect("a root");
    assert!((first(&[]) - (2.25 + u)).abs() < 1e-5, "{} {u}", first(&[]));
    assert!((first(&["cell.sender.threshold = -20 mV"]) - 2.75).abs() < 1e-5);
}

#[test]
fn what_is_silent_sleeps_and_wakes_in_time() {
    let sets = ["duration = 4 s", "cell.sender.times = [\"100.01 ms\", \"2500 ms\"]"];
    let plan = plan_with(ONE, &sets);
    let (c, work) = ran(plan);
    // Awake for some 28 decays of 3 ms and the membrane's 25 time constants, twice.
    assert!(work.neuron_steps < 12_000, "{}", work.neuron_steps);
    let g = probe(&c, "s.g");
    let w = Waveform::biexponential(0.3, 3.0).expect("a waveform");
    for t in [100.2, 101.0, 105.0, 130.0, 1000.0, 2500.0, 2500.3, 2501.0] {
        let want: f64 = [100.26, 2500.25].iter().map(|a| 2.0 * w.at(t - a)).sum();
        assert!((at(g, t) - want).abs() < 1e-11, "{t}");
    }
    // Random senders that are rare: the same as if somebody kept everybody awake.
    let rare = ["cell.sender = { rate = \"2 Hz\" }", "duration = 3 s", "trials = 3"];
    let text = ONE.replace("cell.sender.times = [\"1.0123 ms\", \"3.3 ms\", \"3.3371 ms\", \"17 ms\"]\n", "");
    let (asleep, less) = ran(plan_with(&text, &rare));
    let awake = format!("{text}clamp.none = {{ at = \"receiver.soma\", current = \"0 pA\" }}\n");
    let (awake, more) = ran(plan_with(&awake, &rare));
    assert!(less.neuron_steps < more.neuron_steps, "{less:?}, {more:?}");
    assert_eq!(probe(&asleep, "s.g").mean, probe(&awake, "s.g").mean);
}
