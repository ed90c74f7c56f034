//! A million compartments with HH: `bench_memory [cells] [steps]`, 253 compartments a cell, every cell with a tree of its own.
//! `cargo run --release --example bench_memory -p bouton-engine`. Says bytes a compartment and the most that the process took.

#[path = "../tests/cells/mod.rs"]
mod cells;

use cells::{COLD, COMPARTMENTS, hodgkin_huxley, ms, resident, tree};
use engine::neuron::*;
use numerics::simd::Level;
use std::time::Instant;

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let (count, steps) = (arguments.first().map_or(3953, |&n| n as usize), arguments.get(1).copied().unwrap_or(40));
    let began = Instant::now();
    let cell = |k: usize| tree(k).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
    let plan = Plan::from_cells(hodgkin_huxley(), vec![], (0..count).map(cell), COLD).expect("sound cells");
    let plan = plan.tabulated(ms(0.025), 1e-7);
    let mut state = State::at(&plan, -65.0);
    let compartments = count * COMPARTMENTS;
    println!("{compartments} compartments, built in {:.2} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let stepping = Stepping { level: Level::best(), dt: ms(0.025), method: Method::CrankNicolson };
    let mut drives: Vec<Held> = (0..plan.blocks()).map(|_| Held::default()).collect();
    (0..count).step_by(8).zip(&mut drives).for_each(|(k, drive)| drive.add(plan.site(k, 0), 0.0, 1000.0));
    run(&plan, &mut state, &Scratch::default(), stepping, steps, &mut drives, &mut vec![]).expect("sound numbers");
    let seconds = began.elapsed().as_secs_f64();
    println!("{:.1} M compartment-steps/s", (compartments as u64 * steps) as f64 / seconds / 1e6);
    let each = |bytes: usize| bytes as f64 / compartments as f64;
    println!("plan {:.1} and state {:.1} bytes a compartment", each(plan.bytes()), each(state.bytes()));
    if let Some((_, most)) = resident() {
        println!("the process took {:.1} MB at most, {:.1} bytes a compartment", most as f64 / 1e6, each(most));
    }
}
