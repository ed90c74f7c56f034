//! Cells of one compartment with HH, driven, and junctions at random between them: how long a step takes.
#[path = "../tests/cells/mod.rs"]
mod cells;
use cells::*;
use engine::circuit::*;
use engine::junction::Kind as JunctionKind;
use engine::neuron::{self, Cell, Detector, Method, Stepping};
use numerics::rng::StreamKey;
use numerics::simd::Level;
fn main() {
    let arg = |k: usize, d: f64| std::env::args().nth(k).and_then(|x| x.parse().ok()).unwrap_or(d);
    let (n, degree, g, dt, steps) =
        (arg(1, 1000.0) as usize, arg(2, 10.0), arg(3, 0.01), ms(arg(4, 0.05)), arg(5, 5000.0) as u64);
    let channels = hodgkin_huxley();
    let mut one = Cell::soma(TISSUE, 12.6157);
    one.detectors.push(Detector { compartment: 0, threshold: 0.0 });
    for (c, d) in [(0, 0.12), (1, 0.036), (2, 0.0003)] {
        one = one.with(c, d * 1e3);
    }
    let plan = neuron::Plan::stacked(channels, vec![], vec![one; n], COLD).unwrap().tabulated(dt, 1e-7);
    let mut draws = StreamKey::new(7, 0, 1, 0).at(0, 0);
    let inj: Vec<Injection> = (0..n)
        .map(|k| Injection {
            to: Target { cell: k as u32, compartment: 0 },
            start: ms(-1.0),
            stop: ms(1e6),
            current: 20.0 + 60.0 * draws.uniform(),
        })
        .collect();
    let rest = plan.rest(-100.0..=0.0).unwrap();
    let mut junctions = vec![];
    while junctions.len() < (n as f64 * degree / 2.0) as usize {
        let (a, b) = (draws.below(n as u64) as u32, draws.below(n as u64) as u32);
        if a != b {
            junctions.push(Junction {
                a: Target { cell: a, compartment: 0 },
                b: Target { cell: b, compartment: 0 },
                kind: 0,
                g,
            });
        }
    }
    let plan =
        Plan::new(plan, dt, vec![], 0, &[], &inj).unwrap().joined(vec![JunctionKind::ohmic()], junctions).unwrap();
    let mut state = State::new(&plan, rest);
    let mut spikes = vec![];
    let st = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
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
