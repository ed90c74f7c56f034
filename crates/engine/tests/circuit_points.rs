//! Point neurons in circuits: against closed forms, against themselves alone, mixed with cells, every event accounted for.
#![allow(clippy::disallowed_methods, reason = "oracles that are not ours")]

mod cells;
mod points;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::circuit::*;
use engine::neuron::{self, Cell, Channel, Method, Spike, Stepping};
use engine::point::{self, Adex, Arrival, Izhikevich, Lif, Model, PointError};
use engine::receptor::waveform::Waveform;
use engine::receptor::within::Within;
use engine::snapshot;
use engine::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::{LANES, Level};
use points::{LIF, QIF};
use proptest::prelude::*;

const ADEX: Adex = Adex {
    capacitance: 200.0,
    g_leak: 10.0,
    e_leak: -70.0,
    threshold: -50.0,
    slope: 2.0,
    a: 2.0,
    b: 60.0,
    tau_w: 100.0,
    reset: -58.0,
    cut_off: 0.0,
    refractory: 1.0,
};
const IZH: Izhikevich = Izhikevich { a: 0.02, b: 0.2, c: -65.0, d: 8.0, peak: 30.0, capacitance: 20.0 };

fn no_cells() -> neuron::Plan {
    neuron::Plan::new(vec![], &[], 300.0).unwrap()
}

fn stepping(level: Level) -> Stepping {
    Stepping { level, dt: ms(0.1), method: Method::CrankNicolson }
}

fn to(cell: u32) -> Target {
    Target { cell, compartment: 0 }
}

fn current(waveform: Waveform) -> Kind {
    Kind { waveform, action: Action::Current }
}

fn conductance(waveform: Waveform, e_rev: f64) -> Kind {
    Kind { waveform, action: Action::Conductance { e_rev } }
}

fn exponential(tau: f64) -> Waveform {
    Waveform::exponential(tau).unwrap()
}

fn biexponential(rise: f64, decay: f64) -> Waveform {
    Waveform::biexponential(rise, decay).unwrap()
}

fn go(plan: &Plan, state: &mut State, steps: u64, trains: &Trains) -> (Vec<Spike>, Trace) {
    let (mut spikes, mut trace) = (Vec::new(), Trace::new(vec![to(0)], 1));
    let outside = &mut Outside::default();
    run(plan, state, &Scratch::default(), stepping(Level::best()), steps, trains, outside, &mut spikes, &mut trace)
        .unwrap();
    (spikes, trace)
}

/// C-22, in a circuit: V = sum of w / C (e^(-t/tau) - e^(-t/s)) / (1/s - 1/tau).
#[test]
fn a_leaky_neuron_follows_the_closed_form_of_its_current_synapses_and_fires_where_that_says() {
    let (tau, c) = (20.0, 200.0);
    let of = |s: f64, t: f64| ((-t / tau).exp() - (-t / s).exp()) / (c * (1.0 / s - 1.0 / tau));
    let (rise, decay) = (0.5, 5.0);
    let peak = decay * rise / (decay - rise) * f64::ln(decay / rise);
    let norm = 1.0 / ((-peak / decay).exp() - (-peak / rise).exp());
    // Train, kind, weight (pA), delay (ms).
    let wired = [(0, 0, 90.0, 1.5), (0, 1, 60.0, 0.37), (1, 0, -70.0, 0.0), (1, 1, 33.0, 4.4)];
    let connection = |&(train, kind, weight, delay): &(u32, u16, f64, f64)| Connection {
        source: 9 + train,
        to: to(3),
        kind,
        weight,
        delay: ms(delay),
    };
    let connections: Vec<Connection> = wired.iter().map(connection).collect();
    let kinds = || vec![current(exponential(2.0)), current(biexponential(rise, decay))];
    let points = vec![Points { model: Model::Lif(LIF), count: 9 }];
    let plan = Plan::with_points(no_cells(), points, ms(0.1), kinds(), 2, &connections, &[]).unwrap();
    let times = [vec![1.234_567, 5.0, 5.000_000_001, 33.3], vec![0.0, 7.77, 21.0]];
    let trains = Trains::new(&times.each_ref().map(|t| t.iter().map(|&t| ms(t)).collect()));
    let closed = |t: f64| {
        let mut v = -70.0;
        for &(train, kind, weight, delay) in &wired {
            for at in &times[train as usize] {
                let t = t - at - delay;
                if t > 0.0 {
                    v += weight * if kind == 0 { of(2.0, t) } else { norm * (of(decay, t) - of(rise, t)) };
                }
            }
        }
        v
    };
    let (mut spikes, mut trace) = (Vec::new(), Trace::new(vec![to(3), to(4)], 1));
    let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
    let (scratch, outside) = (Scratch::default(), &mut Outside::default());
    run(&plan, &mut state, &scratch, stepping(Level::best()), 600, &trains, outside, &mut spikes, &mut trace).unwrap();
    let (mut worst, mut most): (f64, f64) = (0.0, 0.0);
    for (k, v) in trace.values[0].iter().enumerate() {
        let want = closed(0.1 * (k + 1) as f64);
        worst = worst.max((v - want).abs());
        most = most.max(want + 70.0);
    }
    println!("off by {worst} mV of {most}");
    assert!(most > 1.0 && worst < 1e-11, "{worst} of {most}");
    assert!(trace.values[1].iter().all(|v| *v == -70.0), "nothing came to its neighbour");

    // A threshold that the same course reaches between two steps: bisection on the closed form.
    let lif = Lif { threshold: -69.2, reset: -80.0, ..LIF };
    let points = vec![Points { model: Model::Lif(lif), count: 4 }];
    let connections: Vec<Connection> = connections.iter().map(|c| Connection { source: c.source - 5, ..*c }).collect();
    let plan = Plan::with_points(no_cells(), points, ms(0.1), kinds(), 2, &connections, &[]).unwrap();
    let (spikes, _) = go(&plan, &mut State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap()), 200, &trains);
    let first = (0..200_000).map(|k| 1e-4 * f64::from(k)).find(|&t| closed(t) >= -69.2).unwrap();
    let (mut low, mut high) = (first - 1e-4, first);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if closed(middle) < -69.2 { low = middle } else { high = middle }
    }
    let off = (spikes[0].at.ms() - high).abs();
    println!("fires at {high}, off by {off} ms");
    assert!(off < 1.1e-9, "{} {high}", spikes[0].at);
    assert_eq!((spikes[0].cell, spikes[0].detector, spikes[0].compartment), (3, 3, 0));
}

/// Random times (ms), none of them at a step's end.
fn storm(train: u64, mean: f64, until: f64) -> Vec<Tick> {
    let (mut at, mut all) = (0.0, Vec::new());
    for k in 0.. {
        at += mean * StreamKey::new(11, train, 1, 7).at(0, k).exponential();
        if at >= until {
            break;
        }
        let tick = ms(at);
        all.push(if tick.0 % ms(0.1).0 == 0 { tick + Tick(1) } else { tick });
    }
    all
}

#[test]
fn a_point_neuron_does_in_a_circuit_what_it_does_alone() {
    let models = [Model::Lif(LIF), Model::Qif(QIF), Model::Adex(ADEX), Model::Izhikevich(IZH)];
    let kinds = vec![
        current(exponential(0.7)),
        conductance(exponential(4.0), 0.0),
        current(biexponential(0.4, 6.0)),
        conductance(biexponential(1.0, 9.0), -80.0),
    ];
    let weights = [900.0, 3.0, 110.0, 4.0];
    let (steps, dt) = (4000_u64, ms(0.1));
    let times: Vec<Vec<Tick>> = (0..4).map(|k| storm(k, 3.0, 400.0)).collect();
    let mut connections = Vec::new();
    for cell in 0..4 {
        for kind in 0..4 {
            let (source, weight) = (u32::from(4 + kind), weights[usize::from(kind)]);
            connections.push(Connection { source, to: to(cell), kind, weight, delay: Tick::ZERO });
        }
    }
    let points = models.iter().map(|&model| Points { model, count: 1 }).collect();
    let plan = Plan::with_points(no_cells(), points, dt, kinds.clone(), 4, &connections, &[]).unwrap();
    let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
    let (got, _) = go(&plan, &mut state, steps, &Trains::new(&times));
    for (cell, &model) in models.iter().enumerate() {
        let alone = point::Plan::new(model, &[kinds[0].waveform, kinds[2].waveform]).unwrap();
        let mut one = point::State::new(&alone);
        let within = [1, 3].map(|k: usize| Within::new(kinds[k].waveform, dt).unwrap());
        let mut open = [(0.0, 0.0); 2];
        let mut found = Vec::new();
        for _ in 0..steps {
            let (start, end) = (one.clock(), one.clock() + dt);
            let (mut g, mut i) = (0.0, 0.0);
            for ((within, open), kind) in within.iter().zip(&mut open).zip([1, 3]) {
                let mut all = within.step(open.0, open.1);
                let here = times[kind].iter().filter(|t| (start..end).contains(t));
                here.for_each(|&t| all.add(weights[kind], within.event((end - t).ms())));
                *open = (all.g, all.h);
                g += all.mean;
                i += all.mean * if kind == 1 { 0.0 } else { -80.0 };
            }
            let of = |(input, kind): (usize, usize)| {
                let here = times[kind].iter().filter(move |t| (start..end).contains(t));
                here.map(move |&at| Arrival { at, lane: 0, input, weight: weights[kind] })
            };
            let mut arrivals: Vec<Arrival> = [(0, 0), (1, 2)].into_iter().flat_map(of).collect();
            arrivals.sort_by_key(|a| a.at);
            let ports = point::Ports { g: [g; LANES], i: [i; LANES] };
            point::step(&alone, &mut one, dt, &ports, &arrivals, &mut found).unwrap();
        }
        let want: Vec<Tick> = found.iter().filter(|s| s.lane == 0).map(|s| s.at).collect();
        let got: Vec<Tick> = got.iter().filter(|s| s.cell as usize == cell).map(|s| s.at).collect();
        println!("{model:?}: {} spikes", want.len());
        assert!(want.len() >= 8, "{model:?}: {}", want.len());
        // Sums of two conductances round differently; a tick each.
        let off = want.iter().zip(&got).map(|(a, b)| (a.0 - b.0).abs()).max().unwrap();
        assert!(got.len() == want.len() && off <= 2, "{model:?}: {off} ticks");
        assert!((state.v_m(&plan, to(cell as u32)) - one.v_m(0)).abs() < 1e-8);
        assert!((state.adaptation(&plan, cell as u32) - one.adaptation(0)).abs() < 1e-8);
        assert!((state.synaptic(&plan, to(cell as u32), 1) - open[0].0).abs() < 1e-12);
        assert!((state.synaptic(&plan, to(cell as u32), 2) - one.input(0, 1)).abs() < 1e-9);
    }
}

/// With currents alone there are no sums that could round differently.
#[test]
fn under_plain_currents_a_neuron_has_the_same_bits_in_a_circuit_and_alone() {
    for model in [Model::Lif(LIF), Model::Qif(QIF), Model::Adex(ADEX), Model::Izhikevich(IZH)] {
        let times = storm(9, 1.0, 300.0);
        let connections: Vec<Connection> = (0..11)
            .map(|cell| Connection { source: 11, to: to(cell), kind: 0, weight: 800.0, delay: ms(0.3) })
            .collect();
        let kind = current(exponential(0.7));
        let points = vec![Points { model, count: 11 }];
        let plan = Plan::with_points(no_cells(), points, ms(0.1), vec![kind], 1, &connections, &[]).unwrap();
        let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
        let (got, trace) = go(&plan, &mut state, 3000, &Trains::new(std::slice::from_ref(&times)));
        let alone = point::Plan::new(model, &[kind.waveform]).unwrap().stepped(ms(0.1));
        let (mut one, mut found, mut course) = (point::State::new(&alone), Vec::new(), Vec::new());
        while one.clock() < ms(300.0) {
            let here = times.iter().map(|&t| t + ms(0.3)).filter(|t| (one.clock()..one.clock() + ms(0.1)).contains(t));
            let arrivals: Vec<Arrival> = here.map(|at| Arrival { at, lane: 0, input: 0, weight: 800.0 }).collect();
            point::step(&alone, &mut one, ms(0.1), &point::Ports::default(), &arrivals, &mut found).unwrap();
            course.push(one.drawn(&alone, 0));
        }
        let want: Vec<Tick> = found.iter().filter(|s| s.lane == 0).map(|s| s.at).collect();
        assert!(want.len() >= 8, "{model:?}: {}", want.len());
        for cell in 0..11 {
            assert_eq!(want, got.iter().filter(|s| s.cell == cell).map(|s| s.at).collect::<Vec<_>>(), "{model:?}");
            assert_eq!(state.v_m(&plan, to(cell)), one.v_m(0));
        }
        assert!(trace.values[0] == course, "{model:?}");
    }
}

/// Nine cells with membranes, eleven leaky neurons, five of Izhikevich's, wired at random both ways: two stretches of blocks,
/// the first of both.
fn mixed() -> Plan {
    let cell =
        Cell::ball_and_stick(TISSUE, 20.0, 200.0, 2.0, 5).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
    let made = neuron::Plan::new(hodgkin_huxley(), &vec![cell; 9], COLD).unwrap();
    let points = vec![Points { model: Model::Lif(LIF), count: 11 }, Points { model: Model::Izhikevich(IZH), count: 5 }];
    let kinds = vec![
        conductance(exponential(2.0), 0.0),
        current(exponential(1.0)),
        conductance(biexponential(0.5, 6.0), -80.0),
    ];
    let mut connections = Vec::new();
    for source in 0..25 + 1 {
        for k in 0..70 {
            let mut draw = StreamKey::new(5, 0, 1, 3).at(source, k);
            let cell = draw.below(25) as u32;
            let compartment = if cell < 9 { draw.below(6) as u32 } else { 0 };
            let kind = [0, 0, 1, 1, 2][draw.below(5) as usize];
            let weight = [0.9, if cell < 9 { 17.0 } else { 90.0 }, 0.3][usize::from(kind)];
            let delay = ms(if source == 25 { 0.0 } else { 1.0 } + 3.0 * draw.uniform());
            connections.push(Connection {
                source: source as u32,
                to: Target { cell, compartment },
                kind,
                weight,
                delay,
            });
        }
    }
    let steady = |cell: u32, current: f64| Injection { to: to(cell), start: ms(5.05), stop: ms(200.0), current };
    let injections = [steady(2, 100.0), steady(10, 230.0), steady(21, 90.0)];
    Plan::with_points(made, points, ms(0.025), kinds, 1, &connections, &injections).unwrap()
}

fn through(plan: &Plan, level: Level, parts: &[u64]) -> (State, Vec<Spike>, Trace) {
    let mut state = State::new(plan, plan.cells.rest(-120.0..=40.0).unwrap());
    for cell in 0..plan.neurons() as u32 {
        state.set_v(plan, cell, -70.0 + 5.0 * StreamKey::new(5, 0, 2, 3).at(u64::from(cell), 0).uniform());
    }
    state.cells.settle(&plan.cells);
    let trains = Trains::of(1, (1..60).rev().map(|k| (ms(1.37 * f64::from(k)), 0)).collect());
    let mut trace = Trace::new(vec![to(21), Target { cell: 3, compartment: 4 }, to(9), to(24)], 7);
    let (mut spikes, scratch) = (Vec::new(), Scratch::default());
    let stepping = Stepping { level, dt: ms(0.025), method: Method::CrankNicolson };
    for &steps in parts {
        let acts = vec![Act { to: to(12), g: 3.0, i: -150.0, jump: false, carried: None }];
        let mut outside = Outside { acts, ..Outside::default() };
        run(plan, &mut state, &scratch, stepping, steps, &trains, &mut outside, &mut spikes, &mut trace).unwrap();
        let saved = snapshot::save(plan.fingerprint(), &state).unwrap();
        state = snapshot::load(plan.fingerprint(), &saved).unwrap();
    }
    (state, spikes, trace)
}

#[test]
fn cells_and_point_neurons_together_have_the_same_bits_however_they_are_computed() {
    let plan = mixed();
    let whole = through(&plan, Level::best(), &[4000]);
    let of = |from: u32, to: u32| whole.1.iter().filter(|s| (from..to).contains(&s.cell)).count();
    println!("spikes: {} of cells, {} leaky, {} of Izhikevich's", of(0, 9), of(9, 20), of(20, 25));
    assert!(of(0, 9) > 20 && of(9, 20) > 20 && of(20, 25) > 10);
    assert!(whole.1.is_sorted() && whole.1.iter().all(|s| s.detector == s.cell));
    assert_eq!(whole.2.values.iter().map(Vec::len).collect::<Vec<_>>(), [4000 / 7; 4]);
    for &level in Level::available() {
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| through(&plan, level, &[4000])) == whole, "{level:?} on {threads} threads");
        }
    }
    let parts = through(&plan, Level::best(), &[3, 1, 1, 95, 900, 41, 2000, 959]);
    assert!(parts.1 == whole.1 && parts.2 == whole.2 && parts.0 == whole.0, "in parts, through snapshots");
    let steps = through(&plan, Level::best(), &[1; 4000]);
    assert!(steps.1 == whole.1 && steps.2 == whole.2 && steps.0 == whole.0, "step by step");
}

/// A random circuit: how many leaky neurons and cells, and by source its connections.
struct Random {
    plan: Plan,
    connections: Vec<Connection>,
}

/// Decay of the counting kind, ms: nothing decays.
const NEVER: f64 = 1e10;

impl Random {
    /// Kind 0 counts arrivals and does nearly nothing; kind 1 remembers when they came, and makes neurons fire.
    fn new(seed: u64, [cells, leaky, quadratic]: [u32; 3], out: u64, (least, most): (f64, f64)) -> Self {
        let cell = Cell::point(TISSUE, 1000.0).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
        let made = neuron::Plan::new(hodgkin_huxley(), &vec![cell; cells as usize], COLD).unwrap();
        let points =
            vec![Points { model: Model::Lif(LIF), count: leaky }, Points { model: Model::Qif(QIF), count: quadratic }];
        let kinds = vec![current(exponential(NEVER)), current(exponential(1.0))];
        let n = cells + leaky + quadratic;
        let mut connections = Vec::new();
        for source in 0..=n {
            for k in 0..out {
                let mut draw = StreamKey::new(seed, 0, 1, 3).at(u64::from(source), k);
                let to = to(draw.below(u64::from(n)) as u32);
                let delay =
                    ms(least + (most - least) * draw.uniform()) + Tick(if source == n { -ms(least).0 } else { 0 });
                let weight = if to.cell < cells { 700.0 } else { 5600.0 } / out as f64;
                connections.push(Connection { source, to, kind: 0, weight: 1e-9, delay });
                connections.push(Connection { source, to, kind: 1, weight, delay });
            }
        }
        let steady = |cell: u32| Injection { to: to(cell), start: ms(0.0), stop: ms(1e6), current: 400.0 };
        let injections: Vec<Injection> = (cells..n).step_by(2).map(steady).collect();
        let plan = Plan::with_points(made, points, ms(0.1), kinds, 1, &connections, &injections).unwrap();
        Self { plan, connections }
    }

    /// Runs by parts, through snapshots, and asks after each that all that has been set off until then has come, when it
    /// should, and nothing else; how many spikes and how many events that were.
    fn account(&self, parts: &[u64]) -> (usize, usize) {
        let Self { plan, connections } = self;
        let mut state = State::new(plan, plan.cells.rest(-120.0..=40.0).unwrap());
        let (mut spikes, mut trace) = (Vec::new(), Trace::new(vec![], 1));
        let times = storm(3, 5.0, 1000.0);
        let trains = Trains::of(1, times.iter().map(|&t| (t, 0)).collect());
        let mut of_source = vec![Vec::new(); plan.sources() + 1];
        connections.iter().for_each(|c| of_source[c.source as usize].push(c));
        let mut came = 0;
        for &steps in parts {
            let (scratch, outside) = (Scratch::default(), &mut Outside::default());
            let by = stepping(Level::best());
            run(plan, &mut state, &scratch, by, steps, &trains, outside, &mut spikes, &mut trace).unwrap();
            let saved = snapshot::save(plan.fingerprint(), &state).unwrap();
            state = snapshot::load(plan.fingerprint(), &saved).unwrap();
            let now = state.clock();
            let mut want = vec![(0_usize, 0.0); plan.neurons()];
            let (mut early, mut coming) = (0, 0);
            let heard = spikes.iter().map(|s| (s.at, s.detector as usize));
            let outer = times.iter().filter(|t| **t < now).map(|t| (*t, plan.sources()));
            for (at, source) in heard.chain(outer) {
                for c in &of_source[source] {
                    let at = at + c.delay;
                    if at >= now {
                        coming += 1;
                        continue;
                    }
                    early += 1;
                    let of = &mut want[c.to.cell as usize];
                    if c.kind == 0 { of.0 += 1 } else { of.1 += c.weight * (-(now - at).ms()).exp() }
                }
            }
            assert_eq!(state.on_their_way(), coming, "at {now}: what has been set off and has not come is on its way");
            for (cell, &(count, sum)) in want.iter().enumerate() {
                let cell = cell as u32;
                let got = state.synaptic(plan, to(cell), 0) * 1e9;
                assert!((got - count as f64).abs() < 1e-5, "cell {cell} at {now}: {got} events, not {count}");
                let got = state.synaptic(plan, to(cell), 1);
                // One event a tick off would be off by 1e-9 of itself.
                assert!((got - sum).abs() <= 2e-11 * sum + 1e-13, "cell {cell} at {now}: {got} of {sum} pA");
            }
            came = early;
        }
        (spikes.len(), came)
    }
}

#[test]
fn every_spike_sets_off_as_many_events_as_it_has_connections_each_at_its_own_time() {
    let circuit = Random::new(1, [5, 20, 6], 7, (0.8, 4.0));
    let (spikes, events) = circuit.account(&[1; 1500]);
    println!("{spikes} spikes, {events} events");
    assert!(spikes > 300 && events > 4000, "{spikes} {events}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the circuit, its delays, and where a run ends and a snapshot is taken.
    #[test]
    fn nothing_that_a_spike_sets_off_is_ever_lost(
        seed in 0_u64..1000,
        numbers in [0_u32..12, 1_u32..30, 0_u32..12],
        // Few are one stretch of blocks, many are some; delays of 32 bits, of none, and of more.
        out in prop_oneof![1_u64..9, 50_u64..120],
        least in 0.1_f64..3.0,
        wide in prop_oneof![Just(0.0), 0.0..4.0, 5.0..20.0_f64],
        parts in proptest::collection::vec(1_u64..120, 1..12),
    ) {
        Random::new(seed, numbers, out, (least, least + wide)).account(&parts);
    }
}

#[test]
fn lanes_without_a_neuron_stay_silent_even_where_the_model_fires_by_itself() {
    // No rest: (5 - b)^2 < 22.4.
    let model = Model::Izhikevich(Izhikevich { b: 0.3, ..IZH });
    let points = vec![
        Points { model: Model::Lif(LIF), count: 0 },
        Points { model, count: 9 },
        Points { model: Model::Lif(LIF), count: 0 },
    ];
    let plan = Plan::with_points(no_cells(), points, ms(0.1), vec![], 0, &[], &[]).unwrap();
    assert_eq!((plan.neurons(), plan.sources()), (9, 9));
    let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
    let (spikes, _) = go(&plan, &mut state, 5000, &Trains::default());
    let each = |cell: u32| spikes.iter().filter(|s| s.cell == cell).count();
    assert!(each(0) > 5 && (0..9).all(|cell| each(cell) == each(0)) && spikes.len() == 9 * each(0), "{}", each(0));
}

#[test]
fn what_does_not_fit_a_circuit_of_point_neurons_is_refused_by_number() {
    let kinds = || vec![current(exponential(1.0))];
    let points = |model, count| vec![Points { model: Model::Lif(LIF), count: 1 }, Points { model, count }];
    let with =
        |points, c: Connection| Plan::with_points(no_cells(), points, ms(0.1), kinds(), 1, &[c], &[]).map(|_| ());
    let good = Connection { source: 0, to: to(9), kind: 0, weight: 1.0, delay: ms(0.1) };
    let lif = || points(Model::Lif(LIF), 9);
    assert_eq!(with(lif(), good), Ok(()));
    assert_eq!(with(lif(), Connection { source: 10, delay: Tick::ZERO, ..good }), Ok(()));
    let unknown = Err(CircuitError::Unknown { connection: 0 });
    assert_eq!(with(lif(), Connection { source: 11, ..good }), unknown);
    assert_eq!(with(lif(), Connection { to: to(10), ..good }), unknown);
    assert_eq!(with(lif(), Connection { to: Target { cell: 9, compartment: 1 }, ..good }), unknown);
    let early = Connection { source: 9, delay: ms(0.09), ..good };
    assert_eq!(with(lif(), early), Err(CircuitError::Delay { connection: 0, delay: ms(0.09), dt: ms(0.1) }));
    let bad = points(Model::Lif(Lif { capacitance: -1.0, ..LIF }), 9);
    let error = PointError::Number { what: "the capacitance", value: -1.0, cure: "more than 0" };
    assert_eq!(with(bad, good), Err(CircuitError::Points { group: 1, error }));
    let many = points(Model::Lif(LIF), u32::MAX);
    assert!(matches!(with(many, good), Err(CircuitError::Size { .. })));
    // A run that cannot go on names its neuron.
    let injection = Injection { to: to(9), start: ms(1.0), stop: ms(9.0), current: 1e9 };
    let endless = points(Model::Lif(Lif { refractory: 0.0, ..LIF }), 9);
    let plan = Plan::with_points(no_cells(), endless, ms(0.1), vec![], 0, &[], &[injection]).unwrap();
    let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
    let (mut spikes, mut trace) = (Vec::new(), Trace::new(vec![], 1));
    let (scratch, outside, trains) = (Scratch::default(), &mut Outside::default(), Trains::default());
    let mut go = |state: &mut State, trace: &mut Trace| {
        run(&plan, state, &scratch, stepping(Level::best()), 20, &trains, outside, &mut spikes, trace)
    };
    let fault = CircuitRunError::Point { cell: 9, at: ms(1.0), error: PointError::Endless { lane: 0 } };
    assert_eq!(go(&mut state, &mut trace), Err(fault));
    assert_eq!(go(&mut state, &mut Trace::new(vec![to(0), to(10)], 1)), Err(CircuitRunError::Site { site: 1 }));
    // A state of other neurons.
    let other = Plan::with_points(no_cells(), lif(), ms(0.1), kinds(), 1, &[good], &[]).unwrap();
    let mut state = State::new(&other, other.cells.rest(-90.0..=0.0).unwrap());
    assert_eq!(go(&mut state, &mut trace), Err(CircuitRunError::State));
    assert_ne!(plan.fingerprint(), other.fingerprint());
}

#[test]
fn a_cell_may_be_put_at_any_voltage_and_is_then_there() {
    let plan = mixed();
    let mut state = State::new(&plan, plan.cells.rest(-120.0..=40.0).unwrap());
    for cell in 0..25 {
        state.set_v(&plan, cell, -60.0 - f64::from(cell));
    }
    for cell in 0..25 {
        let compartments = if cell < 9 { 6 } else { 1 };
        for compartment in 0..compartments {
            assert_eq!(state.v_m(&plan, Target { cell, compartment }), -60.0 - f64::from(cell));
        }
    }
    assert_eq!((state.adaptation(&plan, 3), state.clock()), (0.0, Tick::ZERO));
    let leak = Cell::point(TISSUE, 1000.0).with(0, 0.3);
    let cells = neuron::Plan::new(vec![Channel::leak(-70.0)], &[leak], 300.0).unwrap();
    let late = {
        let mut late = cells.rest(-90.0..=0.0).unwrap();
        late.sleep(ms(12.3));
        late
    };
    let points = vec![Points { model: Model::Lif(LIF), count: 1 }];
    let plan = Plan::with_points(cells, points, ms(0.1), vec![], 0, &[], &[]).unwrap();
    let mut state = State::new(&plan, late);
    state.set_v(&plan, 1, -49.0);
    let (spikes, _) = go(&plan, &mut state, 10, &Trains::default());
    assert_eq!(spikes.iter().map(|s| (s.at, s.detector, s.cell)).collect::<Vec<_>>(), [(ms(12.3), 0, 1)]);
    assert_eq!(state.clock(), ms(13.3));
}
