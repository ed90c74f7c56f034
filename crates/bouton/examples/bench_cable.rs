//! W2 in Bouton: `bench_cable network.json threads step-in-ms milliseconds`; for `bench/cable`, which runs the peers beside.
//!
//! Says seconds to build, seconds to run, bytes a compartment, and each spike's time and cell. Crank-Nicolson, gates from
//! tables within 1e-7.

#[path = "../../engine/tests/cells/mod.rs"]
mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley};
use engine::circuit::{Action, Connection, Kind, Outside, Plan, Scratch, State, Target, Trace, Trains, run};
use engine::neuron::{self, Cell, Channel, Method, Stepping};
use engine::receptor::waveform::Waveform;
use engine::time::Tick;
use numerics::simd::Level;
use serde_json::{Value as Json, json};
use std::time::Instant;

/// Sodium, potassium and leak of Hodgkin and Huxley (1952), and the passive leak of dendrites.
fn kinds() -> Vec<Channel> {
    let mut kinds = hodgkin_huxley();
    // As the peers' `hh` has it.
    kinds[2] = Channel::leak(-54.3);
    kinds.push(Channel::leak(-65.0));
    kinds
}

fn number(json: &Json) -> f64 {
    json.as_f64().expect("a number")
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

/// A cell, and where its synapses lie.
fn cell(told: &Json, network: &Json) -> (Cell, Vec<u32>) {
    let (soma, n) = (number(&network["soma"]), number(&network["compartments"]) as u32);
    let mut cell = Cell::soma(TISSUE, soma);
    let branches = list(&told["branches"]);
    let parent = |k: usize| branches[k][0].as_i64().expect("a whole number");
    let mut children = vec![0; branches.len()];
    (0..branches.len()).filter(|&k| parent(k) >= 0).for_each(|k| children[parent(k) as usize] += 1);
    // By branch: its first compartment; the compartment that others go on from, and how far that is from its end.
    let (mut firsts, mut ends) = (Vec::new(), Vec::new());
    for (k, branch) in branches.iter().enumerate() {
        let half = 0.5 / TISSUE.g_axial(soma, soma);
        let (on, before) = if parent(k) < 0 { (0, half) } else { ends[parent(k) as usize] };
        let (made, half) = cell.add_cylinder(TISSUE, on, before, (number(&branch[1]), number(&branch[2]), n));
        firsts.push(made.start);
        let last = made.end - 1;
        ends.push(if children[k] > 1 { (cell.add_joint(last, half), 0.0) } else { (last, half) });
    }
    let place = |synapse: &Json| match synapse[0].as_i64().expect("a whole number") {
        -1 => 0,
        k => firsts[k as usize] + ((number(&synapse[1]) * f64::from(n)) as u32).min(n - 1),
    };
    let everywhere = network["hh"].as_bool().expect("true or false");
    let hh = |k: u32| everywhere || k == 0;
    let cell = cell.with_at(0, 120.0, hh).with_at(1, 36.0, hh).with_at(2, 0.3, hh);
    let cell = cell.with_at(3, 1e3 * number(&network["g_pas"]), |k| !hh(k)).detect(0, -10.0);
    (cell, list(&told["synapses"]).iter().map(place).collect())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, threads, dt, stop] = &arguments[..] else { panic!("network.json threads step milliseconds") };
    let network: Json = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("a network");
    let ms = |text: &str| Tick::from_ms(text.parse().expect("milliseconds")).expect("a time");
    let (dt, stop) = (ms(dt), ms(stop));
    let tick = |json: &Json| Tick::from_ms(number(json)).expect("a time");
    let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.parse().expect("a number")).build();
    let threads = threads.expect("threads");

    let began = Instant::now();
    let (mut places, mut compartments) = (Vec::new(), 0);
    let cells = list(&network["cells"]).iter().map(|told| {
        let (cell, synapses) = cell(told, &network);
        places.push(synapses);
        compartments += cell.compartments.iter().filter(|c| c.area > 0.0).count();
        cell
    });
    let made = neuron::Plan::from_cells(kinds(), vec![], cells, COLD).expect("sound cells").tabulated(dt, 1e-7);
    let whole = |json: &Json| json.as_u64().expect("a whole number") as usize;
    let to = |cell: &Json, synapse: &Json| {
        let cell = whole(cell);
        Target { cell: cell as u32, compartment: places[cell][whole(synapse)] }
    };
    let inner = list(&network["connections"]).iter().map(|c| Connection {
        source: whole(&c[0]) as u32,
        to: to(&c[1], &c[2]),
        kind: 0,
        weight: number(&c[4]),
        delay: tick(&c[3]),
    });
    let starts = list(&network["start"]);
    let outer = starts.iter().enumerate().map(|(k, s)| Connection {
        source: (places.len() + k) as u32,
        to: to(&s[0], &s[1]),
        kind: 0,
        weight: number(&s[3]),
        delay: Tick::ZERO,
    });
    let connections: Vec<Connection> = inner.chain(outer).collect();
    let waveform = Waveform::exponential(2.0).expect("a time constant");
    let kind = Kind { waveform, action: Action::Conductance { e_rev: 0.0 } };
    let plan = Plan::new(made, dt, vec![kind], starts.len(), &connections, &[]).expect("a sound circuit");
    let trains = Trains::new(&starts.iter().map(|s| vec![tick(&s[2])]).collect::<Vec<_>>());
    let mut state = State::new(&plan, neuron::State::at(&plan.cells, -65.0));
    let built = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
    let (mut spikes, mut trace, scratch) = (Vec::new(), Trace::new(vec![], 1), Scratch::default());
    let mut outside = Outside::default();
    let steps = (stop.0 / dt.0) as u64;
    threads
        .install(|| run(&plan, &mut state, &scratch, stepping, steps, &trains, &mut outside, &mut spikes, &mut trace))
        .expect("sound numbers");
    let ran = began.elapsed().as_secs_f64();
    let spikes: Vec<(f64, u32)> = spikes.iter().map(|s| (s.at.ms(), s.cell)).collect();
    println!("{}", json!({ "build": built, "run": ran, "compartments": compartments, "spikes": spikes }));
}
