//! Nanoseconds per instance and step for every scheme of the catalogue, 20,000 instances on one core: one ligand for all
//! (exact propagator) and each its own (backward Euler, SDIRK2). Medians of 15.
//!
//! Run with `cargo run --release -p bouton-lib --example bench_catalogue`.

use bouton::lower;
use engine::ensemble::{Exact, Implicit, Means, Method};
use engine::mechanism::Input;
use engine::time::Tick;
use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostics, Sources};
use numerics::simd::Level;
use std::time::Instant;

const INSTANCES: usize = 20_000;
const STEPS: usize = 10;

fn median(mut step: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let start = Instant::now();
            (0..STEPS).for_each(|_| step());
            start.elapsed().as_nanos() as f64 / (INSTANCES * STEPS) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let level = Level::best();
    println!("{:44} states  loops   exact   euler  sdirk2   ns, {level:?}", "scheme");
    let catalogue = Catalogue::embedded();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    for name in catalogue.names() {
        let entry = catalogue.entry(&name, &mut sources, &mut out).expect("a good entry");
        let placed = bouton::acceptance::empty(&entry);
        let part = model::resolve::part(&entry, entry.temperature, &placed, &sources, &mut out);
        let Ok(s) = lower::scheme(&part) else { continue };
        let ligands = vec![0.1; s.kinetics.ligands()];
        let start = s.rest(-70.0, &ligands).expect("a law");
        let coefficients = s.coefficients(-70.0, &ligands);
        let dt = Tick::from_ms(0.02).expect("a step");
        let concentration: Vec<f64> = (0..INSTANCES).map(|i| 1e-3 * (i % 97) as f64).collect();
        let uniform: Vec<Input<'_>> = coefficients.iter().map(|&c| Input::Uniform(c)).collect();
        let own: Vec<Input<'_>> = ligands.iter().map(|_| Input::Column(&concentration)).collect();
        let implicit = Implicit::new(&s.kinetics);
        let mut means = Means::new(&s.kinetics, INSTANCES, &start).expect("a start");
        let mut exact = Exact::new();
        let [mut first, mut euler, mut sdirk] = [0.0; 3];
        pool.install(|| {
            first = median(|| {
                exact.step(level, &s.kinetics, &mut means, &coefficients, &ligands, dt).expect("a step");
            });
            let mut each = |method| {
                median(|| {
                    implicit.step(level, &s.kinetics, &mut means, &uniform, &own, dt, method).expect("a step");
                })
            };
            euler = each(Method::BackwardEuler);
            sdirk = each(Method::Sdirk2);
        });
        println!("{name:44} {:6} {:6} {first:7.2} {euler:7.2} {sdirk:7.2}", start.len(), part.loops.len());
    }
}
