//! A network of leaky neurons against an event-driven computation of its own: no steps, exact between events.
#![allow(clippy::disallowed_methods, reason = "oracles that are not ours")]

mod cells;

use cells::ms;
use engine::circuit::*;
use engine::neuron::{self, Method, Stepping};
use engine::point::{Lif, Model};
use engine::receptor::waveform::Waveform;
use engine::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const N: u32 = 400;
const EXCITE: u32 = 320;
/// pF, ms, mV. Twice as long as the synapses: then y = e^(-t/TAU) makes of the voltage a polynomial of second degree.
const C: f64 = 250.0;
const TAU: f64 = 10.0;
const REST: f64 = -70.0;
const THRESHOLD: f64 = -50.0;
const RESET: f64 = -60.0;
const REFRACTORY: f64 = 2.0;

/// Source, target, weight (pA), delay.
fn connections() -> Vec<(u32, u32, f64, Tick)> {
    let mut all = Vec::new();
    for source in 0..N {
        for k in 0..40 {
            let mut draws = StreamKey::new(8, 0, 1, 0).at(u64::from(source), k);
            let weight = if source < EXCITE { 5.0 } else { -25.0 } * (0.5 + draws.uniform());
            let delay = ms(0.8 + 4.0 * draws.uniform());
            all.push((source, draws.below(u64::from(N)) as u32, weight, delay));
        }
    }
    all
}

/// pA, for ever; enough to fire for most.
fn drive(cell: u32) -> f64 {
    480.0 + 120.0 * StreamKey::new(8, 0, 2, 0).at(u64::from(cell), 0).uniform()
}

/// mV at time 0.
fn start(cell: u32) -> f64 {
    REST + 19.0 * StreamKey::new(8, 0, 3, 0).at(u64::from(cell), 0).uniform()
}

/// A neuron of the oracle: what it is at `at`, ms.
struct Neuron {
    at: f64,
    v: f64,
    i: f64,
    free: f64,
    steady: f64,
    version: u32,
}

impl Neuron {
    /// To `t`, if no spike comes before.
    fn go(&mut self, t: f64) {
        let held = self.free.clamp(self.at, t) - self.at;
        self.i *= (-2.0 * held / TAU).exp();
        let y = (-(t - self.at - held) / TAU).exp();
        self.v = self.steady + (self.v - self.steady) * y + self.i * TAU / C * (y - y * y);
        self.i *= y * y;
        self.at = t;
    }

    /// When it fires if nothing comes before: the largest root below 1 of `steady + (a + b) y - b y^2 = threshold`.
    fn next(&self) -> Option<f64> {
        let from = self.free.max(self.at);
        let b = self.i * (-2.0 * (from - self.at) / TAU).exp() * TAU / C;
        let (p, q) = (self.v - self.steady + b, self.steady - THRESHOLD);
        let d = p * p + 4.0 * b * q;
        if d < 0.0 {
            return None;
        }
        // -b y^2 + p y + q = 0, well conditioned.
        let s = 0.5 * (p + d.sqrt().copysign(p));
        let roots = [s / b, -q / s];
        let y = roots.into_iter().filter(|y| *y > 0.0 && *y < 1.0).max_by(f64::total_cmp)?;
        Some(from - TAU * y.ln())
    }
}

/// When, what (a spike of this version, or an arrival), where, and which connection.
type Waiting = (Tick, Option<u32>, u32, usize);

/// All spikes before `stop`: the time in ticks, as the house keeps it, and the neuron.
fn by_events(wires: &[(u32, u32, f64, Tick)], stop: Tick) -> Vec<(Tick, u32)> {
    let mut of_source = vec![Vec::new(); N as usize];
    wires.iter().for_each(|w| of_source[w.0 as usize].push(w));
    let neuron = |cell: u32| Neuron {
        at: 0.0,
        v: start(cell),
        i: 0.0,
        free: 0.0,
        steady: REST + drive(cell) * TAU / C,
        version: 0,
    };
    let mut neurons: Vec<Neuron> = (0..N).map(neuron).collect();
    let mut queue: BinaryHeap<Reverse<Waiting>> = BinaryHeap::new();
    let plan = |queue: &mut BinaryHeap<_>, neurons: &[Neuron], cell: u32| {
        let of = &neurons[cell as usize];
        if let Some(at) = of.next() {
            queue.push(Reverse((ms(at), Some(of.version), cell, 0)));
        }
    };
    (0..N).for_each(|cell| plan(&mut queue, &neurons, cell));
    let mut spikes = Vec::new();
    while let Some(Reverse((at, version, cell, wire))) = queue.pop() {
        if at >= stop {
            break;
        }
        let of = &mut neurons[cell as usize];
        match version {
            Some(version) if version != of.version => continue,
            Some(_) => {
                of.go(at.ms());
                (of.v, of.free) = (RESET, at.ms() + REFRACTORY);
                spikes.push((at, cell));
                for (k, w) in of_source[cell as usize].iter().enumerate() {
                    queue.push(Reverse((at + w.3, None, w.1, cell as usize * 40 + k)));
                }
            }
            None => {
                of.go(at.ms());
                of.i += wires[wire].2;
            }
        }
        neurons[cell as usize].version += 1;
        plan(&mut queue, &neurons, cell);
    }
    spikes
}

fn network(wires: &[(u32, u32, f64, Tick)], dt: Tick) -> (Plan, State) {
    let lif = Lif {
        capacitance: C,
        g_leak: C / TAU,
        e_leak: REST,
        threshold: THRESHOLD,
        reset: RESET,
        refractory: REFRACTORY,
        drawn: 20.0,
    };
    let to = |cell| Target { cell, compartment: 0 };
    let connection = |&(source, cell, weight, delay): &(u32, u32, f64, Tick)| Connection {
        source,
        to: to(cell),
        kind: 0,
        weight,
        delay,
    };
    let kind = Kind { waveform: Waveform::exponential(TAU / 2.0).unwrap(), action: Action::Current };
    let steady = |cell| Injection { to: to(cell), start: Tick::ZERO, stop: ms(1e6), current: drive(cell) };
    let (connections, injections): (Vec<_>, Vec<_>) =
        (wires.iter().map(connection).collect(), (0..N).map(steady).collect());
    let points = vec![Points { model: Model::Lif(lif), count: N }];
    let cells = neuron::Plan::new(vec![], &[], 300.0).unwrap();
    let plan = Plan::with_points(cells, points, dt, vec![kind], 0, &connections, &injections).unwrap();
    let mut state = State::new(&plan, plan.cells.rest(-90.0..=0.0).unwrap());
    (0..N).for_each(|cell| state.set_v(&plan, cell, start(cell)));
    (plan, state)
}

/// Time is kept in ticks: one that rounds the other way moves what follows, by more than a tick after 380 ms or so.
#[test]
fn every_spike_of_a_network_is_where_exact_solutions_between_events_put_it() {
    let wires = connections();
    let stop = ms(350.0);
    let want = by_events(&wires, stop);
    for dt in [0.1, 0.35, 0.8] {
        let dt = ms(dt);
        let (plan, mut state) = network(&wires, dt);
        let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
        let (mut spikes, mut trace, steps) = (Vec::new(), Trace::new(vec![], 1), (stop.0 / dt.0) as u64 + 1);
        let (scratch, trains, outside) = (Scratch::default(), Trains::default(), &mut Outside::default());
        run(&plan, &mut state, &scratch, stepping, steps, &trains, outside, &mut spikes, &mut trace).unwrap();
        let mut got: Vec<(Tick, u32)> = spikes.iter().map(|s| (s.at, s.cell)).filter(|s| s.0 < stop).collect();
        let mut want = want.clone();
        // Two that are nearer than a tick may change places: by neuron, each its own train.
        got.sort_by_key(|s| (s.1, s.0));
        want.sort_by_key(|s| (s.1, s.0));
        assert_eq!(got.len(), want.len(), "as many spikes at {dt}");
        let off = got.iter().zip(&want).map(|(a, b)| if a.1 == b.1 { (a.0.0 - b.0.0).abs() } else { i64::MAX });
        let (worst, moved) = off.fold((0, 0), |(worst, moved), off| (off.max(worst), moved + usize::from(off > 0)));
        println!("{dt}: {} spikes, {moved} off, none more than {worst} ticks", got.len());
        assert!(worst <= 1, "{worst} ticks at {dt}");
        assert!(got.len() > 5000 && plan.connections() == 16_000);
    }
}

/// The network hangs together: without its synapses it would do something else altogether.
#[test]
fn the_synapses_of_that_network_move_its_spikes_by_milliseconds() {
    let stop = ms(350.0);
    let (with, without) = (by_events(&connections(), stop), by_events(&[], stop));
    let last = |spikes: &[(Tick, u32)], cell: u32| spikes.iter().rfind(|s| s.1 == cell).map_or(0.0, |s| s.0.ms());
    let moved: f64 = (0..N).map(|cell| (last(&with, cell) - last(&without, cell)).abs()).sum::<f64>() / f64::from(N);
    println!("{} spikes, {} without synapses, the last of each {moved} ms apart", with.len(), without.len());
    assert!(moved > 2.0 && with.len().abs_diff(without.len()) > 100);
}
