//! Nanoseconds per compartment and step for 64 cells of 253 compartments, on one core, at every SIMD level.
//!
//! A soma and a random binary tree of 63 branches of 4 compartments, every cell with a tree of its own; passive with
//! HH in the soma, or HH everywhere, gates by exponentials or from tables within 1e-7; backward Euler, dt 0.025 ms. `cargo run --release --example bench_neuron -p
//! bouton-engine`. Median of repeats and quartiles; the levels' results are compared to the bit.

#[path = "../tests/cells/mod.rs"]
mod cells;

use cells::{COLD, COMPARTMENTS, hodgkin_huxley, tree};
use engine::neuron::*;
use engine::time::Tick;
use numerics::simd::Level;
use std::time::Instant;

const CELLS: usize = 64;
const STEPS: u64 = 200;
const REPEATS: usize = 15;

fn main() {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    for (label, everywhere, alike, tables) in [
        ("passive, soma HH, one tree", false, true, true),
        ("passive, soma HH, 64 trees", false, false, true),
        ("HH, one tree, exponentials", true, true, false),
        ("HH, 64 trees, exponentials", true, false, false),
        ("HH, one tree, tables", true, true, true),
        ("HH, 64 trees, tables", true, false, true),
    ] {
        let here = |k: u32| everywhere || k == 0;
        let cells: Vec<Cell> = (0..CELLS)
            .map(|cell| tree(if alike { 0 } else { cell }))
            .map(|cell| cell.with_at(0, 120.0, here).with_at(1, 36.0, here).with(2, 0.3).detect(0, 0.0))
            .collect();
        assert!(cells.iter().all(|cell| cell.compartments.len() == COMPARTMENTS));
        let plan = Plan::new(hodgkin_huxley(), &cells, COLD).expect("sound cells");
        let dt = Tick(25_000_000);
        let plan = if tables { plan.tabulated(dt, 1e-7) } else { plan };
        let mut first: Option<State> = None;
        for &level in Level::available() {
            let mut drives = vec![Quiet; plan.blocks()];
            let scratch = Scratch::default();
            let stepping = Stepping { level, dt, method: Method::BackwardEuler };
            let mut end = State::at(&plan, -55.0);
            let repeats = if level == Level::Portable { 3 } else { REPEATS };
            let mut times: Vec<f64> = (0..repeats)
                .map(|_| {
                    let mut state = State::at(&plan, -55.0);
                    let mut spikes = Vec::new();
                    let start = Instant::now();
                    threads
                        .install(|| run(&plan, &mut state, &scratch, stepping, STEPS, &mut drives, &mut spikes))
                        .expect("sound numbers");
                    let time = start.elapsed().as_secs_f64() * 1e9;
                    end = state;
                    time / (STEPS as usize * CELLS * COMPARTMENTS) as f64
                })
                .collect();
            times.sort_by(f64::total_cmp);
            let quarter = repeats / 4;
            let (median, low, high) = (times[repeats / 2], times[quarter], times[repeats - 1 - quarter]);
            println!("{label:<28} {level:<9?} {median:7.3} ns  [{low:.3}, {high:.3}]  {:.0} M/s", 1e3 / median);
            assert!(first.get_or_insert_with(|| end.clone()) == &end, "the same bits");
        }
    }
}
