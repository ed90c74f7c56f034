//! A balanced random network of leaky neurons: `bench_network neurons milliseconds synapse threads`, synapse `alpha` or `exponential`.
//!
//! Four fifths excite, each neuron hears a tenth of both kinds and Poisson spikes of its own; g = 5, eta = 2, 0.1 mV, 1.5 ms.
//! Brunel (2000) J Comput Neurosci 8:183. What to find, over the first second:
//! - `alpha` (0.5 ms) with the numbers of NEST's example brunel_alpha_nest and 12,500 neurons: 17,789.0077 Hz of input, which
//!   that prints too, and 28.5 and 28.6 Hz there (50 neurons of each recorded, so within 1.5); 28.61 and 28.65 here.
//! - `exponential` (0.1 ms, the charge of a delta) and 12,500: 32 Hz in NEST's brunel_delta_nest, 32.03 by the mean field of
//!   delta synapses, so within 1; 31.63 and 31.67 here. With 10,000 the mean field has 35.56; 34.99 and 35.09 here.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use engine::circuit::*;
use engine::neuron::{self, Method, Stepping};
use engine::point::{Lif, Model};
use engine::receptor::waveform::Waveform;
use engine::time::Tick;
use numerics::math::exp;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use rayon::prelude::*;
use std::time::Instant;

/// pF, ms, mV.
const C: f64 = 250.0;
const TAU: f64 = 20.0;
const THRESHOLD: f64 = 20.0;
const J: f64 = 0.1;
const G: f64 = 5.0;
const ETA: f64 = 2.0;

fn ms(x: f64) -> Tick {
    Tick::from_ms(x).expect("a time")
}

/// mV after an alpha current (its peak 1 pA) of `s` ms, at its largest.
fn highest(s: f64) -> f64 {
    let b = 1.0 / s - 1.0 / TAU;
    let v = |t: f64| std::f64::consts::E / (s * C * b) * ((exp(-t / TAU) - exp(-t / s)) / b - t * exp(-t / s));
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..200 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if v(a) < v(b) { low = a } else { high = b }
    }
    v(low)
}

/// Poisson spikes of `n` trains of `rate` /ms each from `start` on, a step of which is one stream: superposed, then shared out.
fn poisson(n: u32, rate: f64, start: Tick, steps: u64, dt: Tick) -> Trains {
    let all = f64::from(n) * rate;
    let step = |k: u64| {
        let begin = start + dt * k as i64;
        let (mut at, mut spikes) = (0.0, Vec::new());
        let mut event = 0;
        loop {
            let mut draws = StreamKey::new(1, 0, 2, 0).at((begin.0 / dt.0) as u64, event);
            at += draws.exponential() / all;
            if at >= dt.ms() {
                return spikes;
            }
            spikes.push((begin + ms(at), draws.below(u64::from(n)) as u32));
            event += 1;
        }
    };
    let spikes: Vec<Vec<(Tick, u32)>> = (0..steps).into_par_iter().map(step).collect();
    Trains::of(n as usize, spikes.concat())
}

/// Seconds that this thread has been on a processor, where the system says so: what others do beside does not count.
fn busy() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(f64::NAN, |ns| 1e-9 * ns)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let get = |k: usize, default: &str| arguments.get(k).cloned().unwrap_or(default.into());
    let n: u32 = get(0, "12500").parse().expect("a number");
    let stop: f64 = get(1, "1000").parse().expect("milliseconds");
    let alpha = get(2, "alpha") == "alpha";
    let threads = get(3, "1").parse().expect("a number");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    threads.install(|| network(n, stop, alpha));
}

fn network(n: u32, stop: f64, alpha: bool) {
    let began = Instant::now();
    let (excite, dt, delay) = (n / 5 * 4, ms(0.1), ms(1.5));
    let inputs = [excite / 10, (n - excite) / 10];
    let few = f64::from(inputs[0]);
    // The charge of a spike that is J, and so how many would hold a neuron at its threshold.
    let (waveform, weight) = if alpha {
        (Waveform::alpha(0.5).expect("a waveform"), J / highest(0.5))
    } else {
        (Waveform::exponential(0.1).expect("a waveform"), J * C / 0.1)
    };
    let rate = ETA * THRESHOLD * C / (weight * waveform.area() * TAU);
    println!("{inputs:?} inputs a neuron, {:.4} Hz from outside (a share of {few} each)", 1e3 * rate);
    let kind = Kind { waveform, action: Action::Current };
    let connections: Vec<Connection> = (0..n)
        .into_par_iter()
        .flat_map_iter(|cell| {
            let of = move |source: u32, weight: f64, delay: Tick| Connection {
                source,
                to: Target { cell, compartment: 0 },
                kind: 0,
                weight,
                delay,
            };
            let inner = (0..inputs[0] + inputs[1]).map(move |k| {
                let mut draws = StreamKey::new(1, 0, 1, 0).at(u64::from(cell), u64::from(k));
                if k < inputs[0] {
                    of(draws.below(u64::from(excite)) as u32, weight, delay)
                } else {
                    of(excite + draws.below(u64::from(n - excite)) as u32, -G * weight, delay)
                }
            });
            inner.chain([of(n + cell, weight, Tick::ZERO)])
        })
        .collect();
    let drawn = began.elapsed().as_secs_f64();
    let lif = Lif {
        capacitance: C,
        g_leak: C / TAU,
        e_leak: 0.0,
        threshold: THRESHOLD,
        reset: 0.0,
        refractory: 2.0,
        drawn: 40.0,
    };
    let points = vec![Points { model: Model::Lif(lif), count: n }];
    let cells = neuron::Plan::new(vec![], &[], 300.0).expect("no cells");
    let plan = Plan::with_points(cells, points, dt, vec![kind], n as usize, &connections, &[]).expect("a circuit");
    drop(connections);
    let mut state = State::new(&plan, neuron::State::at(&plan.cells, 0.0));
    let built = began.elapsed().as_secs_f64() - drawn;
    let bytes = plan.bytes() as f64 / plan.connections() as f64;
    println!("{} connections, {bytes:.2} bytes each, drawn in {drawn:.2} s, built in {built:.2} s", plan.connections());

    let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
    let (scratch, mut trace, mut outside) = (Scratch::default(), Trace::new(vec![], 1), Outside::default());
    let (mut spikes, mut from_outside, mut noise, mut ran, mut worked) = (Vec::new(), 0, 0.0, 0.0, 0.0);
    let window = 150;
    let mut left = (ms(stop).0 / dt.0) as u64;
    while left > 0 {
        let steps = left.min(window);
        let began = Instant::now();
        let trains = poisson(n, rate, state.clock(), steps, dt);
        noise += began.elapsed().as_secs_f64();
        from_outside += trains.len();
        let (began, at_work) = (Instant::now(), busy());
        run(&plan, &mut state, &scratch, stepping, steps, &trains, &mut outside, &mut spikes, &mut trace)
            .expect("sound numbers");
        ran += began.elapsed().as_secs_f64();
        worked += busy() - at_work;
        left -= steps;
    }
    let seconds = stop * 1e-3;
    let of = |from: u32, to: u32| {
        let here = spikes.iter().filter(|s| (from..to).contains(&s.cell)).count();
        here as f64 / f64::from(to - from) / seconds
    };
    println!("{:.3} Hz exciting, {:.3} Hz inhibiting", of(0, excite), of(excite, n));
    let per = plan.connections() as f64 / f64::from(n) - 1.0;
    let events = spikes.len() as f64 * per + from_outside as f64;
    println!("{events:.3e} events, {:.1} % from outside, drawn in {noise:.2} s", 100.0 * from_outside as f64 / events);
    let steps = f64::from(n) * stop / dt.ms();
    println!("ran in {ran:.3} s: {:.2} ns an event, {:.2} ns a neuron and step", 1e9 * ran / events, 1e9 * ran / steps);
    println!("this thread on a processor: {worked:.3} s, {:.2} ns an event", 1e9 * worked / events);
    let print = spikes
        .iter()
        .fold(0_u64, |print, s| (print ^ s.at.0 as u64 ^ u64::from(s.cell) << 48).wrapping_mul(0x0100_0000_01b3));
    println!("{} spikes, fingerprint {print:016x}", spikes.len());
}
