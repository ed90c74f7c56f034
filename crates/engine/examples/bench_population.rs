//! 100,000 synapses of ten vesicles for 0.2 s, as `bench/population` runs them through the command.
#![allow(clippy::print_stdout, reason = "a benchmark prints")]

use engine::mechanism::{
    Description as Scheme, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::population::{Description, Keys, Plan, Receptor, Scratch, Series, Spikes, State};
use engine::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use std::time::Instant;

/// (from, to, rate, whether it binds): /ms, /mM/ms.
const STEPS: [(u16, u16, f64, bool); 8] = [
    (0, 1, 4.59, true),
    (1, 0, 4.26, false),
    (1, 2, 4.59, true),
    (2, 1, 3.26, false),
    (2, 3, 4.24, false),
    (3, 2, 0.9, false),
    (2, 4, 0.172, false),
    (4, 2, 0.000_727, false),
];

fn receptor() -> Receptor {
    let mut b = ProgramBuilder::new(STEPS.len() as u16);
    let outputs: Vec<_> = (0..STEPS.len()).map(|k| b.input(k as u16)).collect();
    let transitions = STEPS.iter().enumerate().map(|(k, &(from, to, _, binds))| Transition {
        from: StateIndex(from),
        to: StateIndex(to),
        rate: OutputIndex(k as u16),
        takes_up: binds.then_some(LigandIndex(0)),
        gives_off: None,
    });
    let kinetics = Kinetics::new(Scheme {
        states: 5,
        ligands: 1,
        transitions: transitions.collect(),
        rates: b.finish(&outputs).expect("a program"),
        inputs: (0..STEPS.len()).map(|k| InputRole::Parameter(k as u16)).collect(),
        absorbing: vec![],
        observables: vec![],
    });
    Receptor { kinetics: kinetics.expect("a scheme"), rates: STEPS.iter().map(|s| s.2).collect() }
}

fn main() {
    let members = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let about = Description {
        members,
        spikes: Spikes::Poisson(0.01),
        delay: Tick::ZERO,
        sites: 10,
        p_release: 0.3,
        refill: 0.005,
        peak: 1.0,
        tau: 1.0,
        step: Tick(50_000_000),
        receptors: vec![receptor()],
    };
    let start = Instant::now();
    let plan = Plan::new(about).expect("a plan");
    println!("plan      {:8.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let keys = Keys { spikes: StreamKey::new(1, 0, 0, 0), release: StreamKey::new(1, 0, 1, 0) };
    for threads in [1, 2] {
        let mut best = f64::INFINITY;
        let mut out = Series::default();
        for _ in 0..7 {
            let start = Instant::now();
            let mut state = State::new(&plan, &keys);
            let mut scratch = Scratch::default();
            out = Series::default();
            state.advance(&plan, &keys, &mut scratch, (4000, threads, Level::best()), &mut out).expect("a run");
            best = best.min(start.elapsed().as_secs_f64());
        }
        let released = *out.released.last().unwrap_or(&0) as f64 / members as f64;
        let open: f64 = out.laws[0].chunks(5).map(|law| law[3]).sum::<f64>() / (4000.0 * members as f64);
        println!("{threads} threads {:8.2} ms   {released:.4} vesicles a synapse, {open:.5} open", best * 1e3);
    }
}
