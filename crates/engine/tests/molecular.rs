//! A cleft of single molecules against exact laws.

use engine::cleft::Ligand;
use engine::mechanism::{
    Description, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::molecular::{Edge, Kind, Places, Plan, Shape, Space};
use engine::time::Tick;
use numerics::rng::StreamKey;

fn us(x: f64) -> Tick {
    Tick::from_ms(x * 1e-3).unwrap()
}

/// A scheme of constant rates: from, to, rate (/ms or /mM/ms), what it does with a molecule: 1 binds, -1 frees, 0 neither.
fn scheme(states: usize, steps: &[(u16, u16, f64, i8)]) -> (Kinetics, Vec<f64>) {
    let rates = ProgramBuilder::new(0);
    let mut b = rates;
    let outputs: Vec<_> = steps.iter().map(|s| b.constant(s.2)).collect();
    let rates = b.finish(&outputs).unwrap();
    let ligand = |on: bool| on.then_some(LigandIndex(0));
    let transitions = steps.iter().enumerate().map(|(k, s)| Transition {
        from: StateIndex(s.0),
        to: StateIndex(s.1),
        rate: OutputIndex(k as u16),
        takes_up: ligand(s.3 > 0),
        gives_off: ligand(s.3 < 0),
    });
    let description = Description {
        states,
        ligands: 1,
        transitions: transitions.collect(),
        rates,
        inputs: vec![],
        absorbing: vec![],
        observables: vec![],
    };
    (Kinetics::new(description).unwrap(), steps.iter().map(|s| s.2).collect())
}

fn kind(states: usize, steps: &[(u16, u16, f64, i8)], bound: &[u32], places: Vec<[f64; 2]>) -> Kind {
    let (kinetics, coefficients) = scheme(states, steps);
    Kind {
        kinetics,
        coefficients,
        ligands: vec![Ligand::Transmitter],
        bound: bound.to_vec(),
        places: Places::At(places),
        opposite: true,
    }
}

/// Places in a disc, evenly at random.
fn scattered(n: usize, radius: f64, seed: u64) -> Vec<[f64; 2]> {
    let mut draws = StreamKey::new(seed, 0, 0, 0).at(0, 0);
    let mut places = Vec::new();
    while places.len() < n {
        let at = [0, 1].map(|_| (2.0 * draws.uniform() - 1.0) * radius);
        if at[0] * at[0] + at[1] * at[1] <= radius * radius {
            places.push(at);
        }
    }
    places
}

#[test]
fn glutamate_cleft() {
    let space = Space {
        shape: Shape::Disc { radius: 0.25 },
        height: 0.02,
        diffusion: 0.33,
        edge: Edge::Absorbing,
    };
    let steps = [
        (0, 1, 4.59, 1),
        (1, 0, 4.26, -1),
        (1, 2, 28.4, 1),
        (2, 1, 3.26, -1),
        (2, 3, 4.24, 0),
        (3, 2, 0.9, 0),
    ];
    let kind = kind(4, &steps, &[0, 1, 2, 2], scattered(80, 0.15, 3));
    let plan = Plan::new(&space, &[kind]).unwrap();
    println!("meets {} /ms", plan.meets());
    let start = std::time::Instant::now();
    let trials = 1000;
    let mut sums = [[0.0; 2]; 7];
    let mut meetings = 0;
    for trial in 0..trials {
        let mut state = plan.start(StreamKey::new(1, trial, 0, 0), us(5.0));
        plan.release(&mut state, [0.0, 0.0], 3000);
        for (k, at) in [20.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0].into_iter().enumerate() {
            plan.advance(&mut state, us(at));
            assert!(plan.budget(&state).balances());
            sums[k][0] += state.free() as f64;
            sums[k][1] += f64::from(state.counts(0)[3]);
        }
        meetings += state.meetings();
    }
    let spent = start.elapsed().as_secs_f64();
    println!("{} ms a trial, {} meetings", 1e3 * spent / trials as f64, meetings / trials);
    for s in sums {
        println!("free {} open {}", s[0] / trials as f64, s[1] / trials as f64);
    }
}

#[test]
fn glutamate_cleft_against_the_mean() {
    use engine::cleft::{Amount, Cleft, Geometry, Pore, Resident, Rim, Site, Source, Tolerance};
    let space = Space {
        shape: Shape::Disc { radius: 0.25 },
        height: 0.02,
        diffusion: 0.33,
        edge: Edge::Absorbing,
    };
    let steps = [
        (0, 1, 4.59, 1),
        (1, 0, 4.26, -1),
        (1, 2, 28.4, 1),
        (2, 1, 3.26, -1),
        (2, 3, 4.24, 0),
        (3, 2, 0.9, 0),
    ];
    let trials = 4000;
    let mut sums = [[0.0; 3]; 7];
    let times = [20.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0];
    for trial in 0..trials {
        let kind = kind(4, &steps, &[0, 1, 2, 2], scattered(80, 0.15, trial + 5));
        let plan = Plan::new(&space, &[kind]).unwrap();
        let mut state = plan.start(StreamKey::new(1, trial, 0, 0), us(5.0));
        plan.release(&mut state, [0.0, 0.0], 3000);
        for (k, at) in times.into_iter().enumerate() {
            plan.advance(&mut state, us(at));
            sums[k][0] += state.free() as f64;
            let open = f64::from(state.counts(0)[3]);
            sums[k][1] += open;
            sums[k][2] += open * open;
        }
    }
    let geometry = Geometry { radius: 0.25, height: 0.02, diffusion: 0.33, shells: 160, grading: 0.5, rim: Rim::Absorbing };
    let source = Source { pore: Pore::Instantaneous, radius: 0.0 };
    let (kinetics, coefficients) = scheme(4, &steps);
    let resident = Resident::new(kinetics, coefficients, Site::Disc(0.15), Amount::Count(80.0));
    let cleft = Cleft::new(&geometry, &source, &[resident]).unwrap();
    let (mut state, mut scratch) = (cleft.start(), cleft.scratch());
    cleft.release(&mut state, 3000.0).unwrap();
    let mut before = 0.0;
    for (k, at) in times.into_iter().enumerate() {
        cleft.advance(&mut state, &mut scratch, us(at - before), Tolerance::default()).unwrap();
        before = at;
        let n = trials as f64;
        let open = sums[k][1] / n;
        let se = ((sums[k][2] / n - open * open) / n).sqrt();
        let budget = cleft.budget(&state);
        let mut occupancies = [0.0; 4];
        cleft.occupancies(&state, 0, &mut occupancies);
        println!("{at}: free {} {}, open {open} +- {se}, {}", sums[k][0] / n, budget.free_in_cleft * 602_214.076, 80.0 * occupancies[3]);
    }
}

#[test]
fn survival_in_the_disc() {
    use numerics::passage::DISC;
    let space = Space { shape: Shape::Disc { radius: 0.25 }, height: 0.02, diffusion: 0.33, edge: Edge::Absorbing };
    for rate in [0.0, 3.0, 28.4, 200.0] {
        let kind = kind(2, &[(1, 0, 1.0, 0), (1, 0, rate, 1)], &[0, 0], scattered(80, 0.15, 1));
        let plan = Plan::new(&space, &[kind]).unwrap();
        let mut state = plan.start(StreamKey::new(1, 0, 0, 0), us(5.0));
        let n = 1_000_000;
        plan.release(&mut state, [0.0, 0.0], n);
        for share in [0.05, 0.1, 0.2, 0.3, 0.5] {
            plan.advance(&mut state, us(share * 0.0625 / 0.33e-3));
            let (found, exact) = (state.free() as f64 / n as f64, DISC.survival(share));
            println!("{rate} {share}: {found} {exact} {} se", (found - exact) / (exact * (1.0 - exact) / n as f64).sqrt());
        }
    }
}
