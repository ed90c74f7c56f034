//! Cells of one compartment with HH, driven: how long a step takes.
#[path = "../tests/cells/mod.rs"]
mod cells;
use cells::*;
use engine::circuit::*;
use engine::neuron::{self, Cell, Detector, Method, Stepping};
use numerics::simd::Level;
fn main() {
    let n: usize = std::env::args().nth(1).and_then(|x| x.parse().ok()).unwrap_or(1000);
    let dt = ms(0.05);
    let channels = hodgkin_huxley();
    let mut one = Cell::soma(TISSUE, 12.6157);
    one.detectors.push(Detector { compartment: 0, threshold: 0.0 });
    for (c, d) in [(0, 0.12), (1, 0.036), (2, 0.0003)] {
        one = one.with(c, d * 1e3);
    }
    let plan = neuron::Plan::new(channels, &vec![one; n], COLD).unwrap().tabulated(dt, 1e-7);
    let inj: Vec<Injection> = (0..n)
        .map(|k| Injection {
            to: Target { cell: k as u32, compartment: 0 },
            start: ms(0.0),
            stop: ms(1e6),
            current: 20.0 + 60.0 * (k as f64 / n as f64),
        })
        .collect();
    let rest = plan.rest(-100.0..=0.0).unwrap();
    let plan = Plan::new(plan, dt, vec![], 0, &[], &inj).unwrap();
    let mut state = State::new(&plan, rest);
    let mut spikes = vec![];
    let st = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
    let steps = 5000;
    let t = std::time::Instant::now();
    run(
        &plan,
        &mut state,
        &Scratch::default(),
        st,
        steps,
        &Trains::default(),
        &mut Outside::default(),
        &mut spikes,
        &mut Trace::new(vec![], 1),
    )
    .unwrap();
    let s = t.elapsed().as_secs_f64();
    println!("{s:.4} s, {:.2} us a step, {} spikes", s * 1e6 / steps as f64, spikes.len());
}
