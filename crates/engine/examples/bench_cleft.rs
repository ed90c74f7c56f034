//! Microseconds for one quantum of a CA1 synapse to 20 ms: 50 rings and 20 shells of tissue, AMPA receptors of seven
//! states, NMDA receptors of five, a glial transporter; the error against a tight run beside every time.
//!
//! Run with `cargo run --release --example bench_cleft -p bouton-engine`. Prints the median of repeats and quartiles.

use engine::cleft::{
    Amount, Cleft, Geometry, Pore, Porous, Resident, Rim, Scratch, Site, Source, Stretch, Tolerance, Work,
};
use engine::mechanism::{
    Description, Kinetics, LigandIndex, ObservableIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::time::Tick;
use std::time::Instant;

const REPEATS: usize = 201;
/// Moments at which the course is compared, us.
const MOMENTS: [i64; 12] = [20, 50, 100, 200, 400, 700, 1000, 2000, 4000, 8000, 12_000, 20_000];

/// (from, to, rate in /ms or /mM/ms, 1 binds, -1 unbinds).
fn resident(states: usize, list: &[(u16, u16, f64, i8)], site: Site, amount: Amount) -> Resident {
    let mut builder = ProgramBuilder::new(0);
    let outputs: Vec<_> = list.iter().map(|step| builder.constant(step.2)).collect();
    let transitions = list
        .iter()
        .enumerate()
        .map(|(index, &(from, to, _, binds))| Transition {
            from: StateIndex(from),
            to: StateIndex(to),
            rate: OutputIndex(index as u16),
            takes_up: (binds == 1).then_some(LigandIndex(0)),
            gives_off: (binds == -1).then_some(LigandIndex(0)),
        })
        .collect();
    let kinetics = Kinetics::new(Description {
        states,
        ligands: 1,
        transitions,
        rates: builder.finish(&outputs).expect("a short program"),
        inputs: Vec::new(),
        absorbing: Vec::new(),
        // What the fourth state holds, where there is one.
        observables: vec![(0..states).map(|s| f64::from(u8::from(s == 3.min(states - 1)))).collect()],
    })
    .expect("a sound scheme");
    Resident::new(kinetics, list.iter().map(|step| step.2).collect(), site, amount)
}

fn synapse(rings: usize, tissue: usize) -> Cleft {
    let ampa = [
        (0, 1, 4.59, 1),
        (1, 0, 4.26, -1),
        (1, 2, 28.4, 1),
        (2, 1, 3.26, -1),
        (2, 3, 4.24, 0),
        (3, 2, 0.9, 0),
        (1, 4, 2.89, 0),
        (4, 1, 0.0392, 0),
        (2, 5, 0.172, 0),
        (5, 2, 0.000_727, 0),
        (4, 5, 1.27, 1),
        (5, 4, 0.0457, -1),
        (5, 6, 0.0168, 0),
        (6, 5, 0.1904, 0),
        (3, 6, 0.0177, 0),
        (6, 3, 0.004, 0),
    ];
    let nmda = [
        (0, 1, 10.0, 1),
        (1, 0, 0.0047, -1),
        (1, 2, 5.0, 1),
        (2, 1, 0.0094, -1),
        (2, 3, 0.0465, 0),
        (3, 2, 0.0916, 0),
        (2, 4, 0.0084, 0),
        (4, 2, 0.0018, 0),
    ];
    let uptake = [(0, 1, 18.0, 1), (1, 0, 0.18, -1), (1, 2, 0.18, 0), (2, 0, 0.0257, 0)];
    let residents = [
        resident(7, &ampa, Site::Disc(0.113), Amount::Count(80.0)),
        resident(5, &nmda, Site::Disc(0.113), Amount::Count(20.0)),
        resident(3, &uptake, Site::Ecs(0.25, 0.6), Amount::PerVolume(15_000.0)),
    ];
    let rim = Rim::Porous(Porous {
        volume_fraction: 0.2,
        tortuosity: 1.6,
        diffusion: 0.76,
        reach: 5.0,
        shells: tissue,
        resting: 0.0,
        closed: false,
    });
    let geometry = Geometry { radius: 0.25, height: 0.02, diffusion: 0.33, shells: rings, grading: 0.5, rim };
    let source = Source { pore: Pore::FirstOrder { tau: 0.03 }, radius: 0.0 };
    Cleft::new(&geometry, &source, &residents).expect("a sound cleft")
}

/// PSD-mean concentration and open receptors at the moments.
fn course(cleft: &Cleft, tolerance: Tolerance) -> Vec<[f64; 3]> {
    let (mut state, mut scratch, mut p) = (cleft.start(), cleft.scratch(), [0.0; 7]);
    cleft.release(&mut state, 3000.0).expect("a sound release");
    MOMENTS
        .iter()
        .map(|us| {
            let interval = Tick(us * 1_000_000) - state.clock();
            cleft.advance(&mut state, &mut scratch, interval, tolerance).expect("no fault");
            let mut now = [cleft.mean_concentration(&state, 0.113), 0.0, 0.0];
            cleft.occupancies(&state, 0, &mut p);
            now[1] = p[3];
            cleft.occupancies(&state, 1, &mut p[..5]);
            now[2] = p[3];
            now
        })
        .collect()
}

fn once(cleft: &Cleft, scratch: &mut Scratch, tolerance: Tolerance) -> (f64, Work) {
    let mut state = cleft.start();
    cleft.release(&mut state, 3000.0).expect("a sound release");
    let start = Instant::now();
    let work = cleft.advance(&mut state, scratch, Tick(20_000_000_000), tolerance).expect("no fault");
    (start.elapsed().as_secs_f64() * 1e6, work)
}

/// A quantum to 100 ms in natural steps, read or not: us, and how many steps.
fn natural(cleft: &Cleft, scratch: &mut Scratch, stretch: Option<&mut Stretch>) -> (f64, u64) {
    let list = [(0, ObservableIndex(0)), (1, ObservableIndex(0))];
    let (end, tolerance, watch) =
        (Tick(100_000_000_000), Tolerance::default(), cleft.watch(&list).expect("observables"));
    let (mut state, mut steps, mut own) = (cleft.start(), 0, Stretch::default());
    cleft.release(&mut state, 3000.0).expect("a sound release");
    let read = stretch.is_some();
    let stretch = stretch.unwrap_or(&mut own);
    let start = Instant::now();
    while state.clock() < end {
        let limit = end - state.clock();
        let done = if read {
            cleft.step_into(&mut state, scratch, limit, tolerance, &watch, stretch)
        } else {
            cleft.step(&mut state, scratch, limit, tolerance)
        };
        done.expect("no fault");
        steps += 1;
    }
    (start.elapsed().as_secs_f64() * 1e6, steps)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let cleft = synapse(50, 20);
    let mut scratch = cleft.scratch();
    let exact = course(&cleft, Tolerance { relative: 1e-9, concentration: 1e-11, occupancy: 1e-11 });
    let most: Vec<f64> = (0..3).map(|k| exact.iter().fold(0.0, |m, row| f64::max(m, row[k]))).collect();
    println!("relative  steps rejected   us (quartiles)         worst error of [Glu], AMPA, NMDA, % of the peak");
    for relative in [3e-2, 1e-2, 3e-3, 1e-3, 1e-4, 1e-5] {
        let tolerance = Tolerance { relative, concentration: 1e-2 * relative, occupancy: 1e-2 * relative };
        let got = course(&cleft, tolerance);
        let error = |k: usize| {
            let worst = got.iter().zip(&exact).fold(0.0, |m, (a, b)| f64::max(m, (a[k] - b[k]).abs()));
            100.0 * worst / most[k]
        };
        let mut times: Vec<f64> = (0..REPEATS).map(|_| once(&cleft, &mut scratch, tolerance).0).collect();
        times.sort_by(f64::total_cmp);
        let work = once(&cleft, &mut scratch, tolerance).1;
        println!(
            "{relative:8.0e} {:6} {:8} {:7.0} ({:.0}-{:.0})   {:.2e} {:.2e} {:.2e}",
            work.accepted,
            work.rejected,
            times[REPEATS / 2],
            times[REPEATS / 4],
            times[3 * REPEATS / 4],
            error(0),
            error(1),
            error(2)
        );
    }
    let mut stretch = Stretch::default();
    let steps = natural(&cleft, &mut scratch, None).1;
    let plain = median((0..REPEATS).map(|_| natural(&cleft, &mut scratch, None).0).collect());
    let read = median((0..REPEATS).map(|_| natural(&cleft, &mut scratch, Some(&mut stretch)).0).collect());
    let through = median(
        (0..REPEATS)
            .map(|_| {
                let mut state = cleft.start();
                cleft.release(&mut state, 3000.0).expect("a sound release");
                let start = Instant::now();
                let all = Tick(100_000_000_000);
                cleft.advance(&mut state, &mut scratch, all, Tolerance::default()).expect("no fault");
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect(),
    );
    println!("to 100 ms at 1e-3: {steps} natural steps, {plain:.0} us, {read:.0} us read; {through:.0} us by advance");
    println!("rings and shells of tissue: worst error against 400 and 160, % of the peak (space alone)");
    let tight = Tolerance { relative: 1e-6, concentration: 1e-8, occupancy: 1e-8 };
    let fine = course(&synapse(400, 160), tight);
    for (rings, tissue) in [(25, 10), (50, 20), (100, 40), (200, 80)] {
        let got = course(&synapse(rings, tissue), tight);
        let error = |k: usize| {
            let worst = got.iter().zip(&fine).fold(0.0, |m, (a, b)| f64::max(m, (a[k] - b[k]).abs()));
            100.0 * worst / most[k]
        };
        println!("{rings:4} {tissue:4}   {:.2e} {:.2e} {:.2e}", error(0), error(1), error(2));
    }
}
