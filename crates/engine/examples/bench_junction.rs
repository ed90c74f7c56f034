//! W6 in Bouton: `bench_junction network.json threads step-in-ms milliseconds`; for `bench/junction`, which runs the peers beside.
//!
//! Says seconds to build, seconds to run, and each spike's time and cell. Crank-Nicolson, gates from tables within 1e-7.

#[path = "../tests/cells/mod.rs"]
mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley};
use engine::circuit::{Injection, Junction, Outside, Plan, Scratch, State, Target, Trace, Trains, run};
use engine::junction::Kind;
use engine::neuron::{self, Cell, Channel, Method, Stepping};
use engine::time::Tick;
use numerics::simd::Level;
use serde_json::{Value as Json, json};
use std::time::Instant;

fn number(json: &Json) -> f64 {
    json.as_f64().expect("a number")
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn place(json: &Json) -> Target {
    Target { cell: json.as_u64().expect("a whole number") as u32, compartment: 0 }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, threads, dt, stop] = &arguments[..] else { panic!("network.json threads step milliseconds") };
    let network: Json = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("a network");
    let ms = |text: &str| Tick::from_ms(text.parse().expect("milliseconds")).expect("a time");
    let (dt, stop) = (ms(dt), ms(stop));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.parse().expect("a number")).build();
    let threads = threads.expect("threads");

    let began = Instant::now();
    let mut kinds = hodgkin_huxley();
    // As the peers' `hh` has it.
    kinds[2] = Channel::leak(-54.3);
    let cell = Cell::soma(TISSUE, number(&network["diameter"]));
    let cell = cell.with_at(0, 120.0, |_| true).with_at(1, 36.0, |_| true).with_at(2, 0.3, |_| true).detect(0, -10.0);
    let currents = list(&network["current"]);
    let cells = currents.iter().map(|_| cell.clone());
    let cells = neuron::Plan::stacked(kinds, vec![], cells, COLD).expect("sound cells").tabulated(dt, 1e-7);
    let steady = |(cell, current): (u32, &Json)| {
        let current = 1e3 * number(current);
        Injection { to: Target { cell, compartment: 0 }, start: Tick::ZERO, stop, current }
    };
    let injections: Vec<Injection> = (0..).zip(currents).map(steady).collect();
    let join = |j: &Json| Junction { a: place(&j[0]), b: place(&j[1]), kind: 0, g: 1e3 * number(&j[2]) };
    let junctions = list(&network["junctions"]).iter().map(join).collect();
    let plan = Plan::new(cells, dt, vec![], 0, &[], &injections).expect("a sound circuit");
    let plan = plan.joined(vec![Kind::ohmic()], junctions).expect("sound junctions");
    let mut state = State::new(&plan, neuron::State::at(&plan.cells, -65.0));
    let built = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
    let (mut spikes, mut trace, scratch) = (Vec::new(), Trace::new(vec![], 1), Scratch::default());
    let (trains, mut outside) = (Trains::new(&[]), Outside::default());
    let steps = (stop.0 / dt.0) as u64;
    threads
        .install(|| run(&plan, &mut state, &scratch, stepping, steps, &trains, &mut outside, &mut spikes, &mut trace))
        .expect("sound numbers");
    let ran = began.elapsed().as_secs_f64();
    let spikes: Vec<(f64, u32)> = spikes.iter().map(|s| (s.at.ms(), s.cell)).collect();
    println!("{}", json!({ "build": built, "run": ran, "spikes": spikes }));
}
