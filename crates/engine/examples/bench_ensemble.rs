//! Nanoseconds per receptor and step for 100,000 five-state receptors, on one core, at every SIMD level.
//!
//! C0 - C1 - C2 - O with a desensitised D off C2 (AMPA-like rates); also the exponential of the program evaluator.
//! Run with `cargo run --release --example bench_ensemble -p bouton-engine`. Prints the median of repeats and their
//! quartiles; results of the levels are compared to the bit.

use engine::ensemble::{Drive, Exact, Implicit, Individuals, IndividualsPlan, Jumps, Laws, Luck, Means, Method};
use engine::mechanism::{
    Description, Evaluator, Input, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, Scratch, Shape,
    StateIndex, Transition,
};
use engine::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use std::time::Instant;

const RECEPTORS: usize = 100_000;
const STEPS: usize = 20;
const REPEATS: usize = 31;

fn receptor() -> (Kinetics, Vec<f64>) {
    // /mM/ms for binding, /ms otherwise.
    let list = [
        (0, 1, 9.2, true),
        (1, 0, 4.3, false),
        (1, 2, 4.6, true),
        (2, 1, 8.6, false),
        (2, 3, 20.0, false),
        (3, 2, 8.0, false),
        (2, 4, 0.9, false),
        (4, 2, 0.04, false),
    ];
    let mut builder = ProgramBuilder::new(0);
    let outputs: Vec<_> = list.iter().map(|&(.., rate, _)| builder.constant(rate)).collect();
    let glutamate = LigandIndex(0);
    let transitions = list
        .iter()
        .enumerate()
        .map(|(index, &(from, to, _, binds))| Transition {
            from: StateIndex(from),
            to: StateIndex(to),
            rate: OutputIndex(index as u16),
            takes_up: binds.then_some(glutamate),
            gives_off: (index == 1 || index == 3).then_some(glutamate),
        })
        .collect();
    let kinetics = Kinetics::new(Description {
        states: 5,
        ligands: 1,
        transitions,
        rates: builder.finish(&outputs).expect("a short program"),
        inputs: Vec::<InputRole>::new(),
        absorbing: Vec::new(),
        observables: vec![vec![0.0, 0.0, 0.0, 1.0, 0.0]],
    })
    .expect("a sound scheme");
    (kinetics, list.iter().map(|&(.., rate, _)| rate).collect())
}

/// Median and quartiles of nanoseconds per receptor-step.
fn measure(label: &str, level: Level, per: usize, mut work: impl FnMut()) {
    work();
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64() * 1e9 / per as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let quarter = REPEATS / 4;
    println!(
        "{label:<44} {level:<9?} {:8.3} ns  [{:.3}, {:.3}]",
        times[REPEATS / 2],
        times[quarter],
        times[REPEATS - 1 - quarter]
    );
}

/// 100 copies at 10 places: rates so low that nobody jumps, rates that make jumps, a drive that stays.
fn individuals(level: Level, kinetics: &Kinetics, rates: &[f64]) {
    let (slots, plan) = (200, IndividualsPlan::new(kinetics));
    let luck = Luck { key: StreamKey::new(1, 0, 1, 0), first: 0 };
    let slot = Tick::from_ms(0.02).expect("a slot");
    for (label, factor, change, steps) in [
        ("individuals, nobody jumps, per copy-slot", 1e-9, 1e-3, slots),
        ("individuals, jumps, per copy-slot", 1.0, 1e-3, slots),
        ("individuals, drive stays, per slot", 1e-9, 0.0, 100 * slots),
    ] {
        let rates: Vec<f64> = rates.iter().map(|r| r * factor).collect();
        let start = Individuals::new(&plan, luck, 100, |k| (0, (k % 10) as u16)).expect("a start");
        let mut jumps = 0;
        measure(label, level, if change > 0.0 { 100 * steps } else { steps }, || {
            let mut all = start.clone();
            for k in 0..steps {
                let ligand = [(0.3 - change * k as f64).max(0.0); 10];
                let drive = Drive { rates: &rates, ligand: &ligand };
                jumps += all.advance(&plan, luck, all.clock() + slot, drive, &mut |_| ()).expect("sound");
            }
        });
        println!("  {:.3} jumps a copy-slot", jumps as f64 / (REPEATS + 1) as f64 / (100 * steps) as f64);
    }
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        let (kinetics, rates) = receptor();
        let dt = Tick::from_ms(0.025).expect("a step");
        let start = [1.0, 0.0, 0.0, 0.0, 0.0];
        let own: Vec<f64> = (0..RECEPTORS).map(|i| 1e-3 * (1 + i % 997) as f64).collect();
        let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
        let implicit = Implicit::new(&kinetics);
        println!("{} flows, {} divisions a solve", implicit.flows(), implicit.divisions());
        let mut first: Option<[Vec<f64>; 3]> = None;
        for &level in Level::available() {
            let mut ends = [const { Vec::new() }; 3];
            let fresh = || Means::new(&kinetics, RECEPTORS, &start).expect("a start");
            let steps = if level == Level::Portable { 1 } else { STEPS };
            for (which, method) in [Method::BackwardEuler, Method::Sdirk2].into_iter().enumerate() {
                let mut means = fresh();
                measure(&format!("own ligand, {method:?}"), level, RECEPTORS * steps, || {
                    for _ in 0..steps {
                        implicit
                            .step(level, &kinetics, &mut means, &coefficients, &[Input::Column(&own)], dt, method)
                            .expect("sound");
                    }
                });
                let mut check = fresh();
                for _ in 0..3 {
                    implicit
                        .step(level, &kinetics, &mut check, &coefficients, &[Input::Column(&own)], dt, method)
                        .expect("sound");
                }
                ends[which] = vec![0.0; RECEPTORS];
                check.observe(level, &[0.1, 0.3, 0.5, 0.7, 0.9], &mut ends[which]).expect("fits");
            }
            let mut small = Means::new(&kinetics, 4_000, &start).expect("a start");
            measure("own ligand, BackwardEuler, 4,000 (in cache)", level, 4_000 * steps, || {
                for _ in 0..steps {
                    let ligand = [Input::Column(&own[..4_000])];
                    implicit
                        .step(level, &kinetics, &mut small, &coefficients, &ligand, dt, Method::BackwardEuler)
                        .expect("sound");
                }
            });
            let (mut means, mut exact) = (fresh(), Exact::new());
            measure("shared ligand, Exact", level, RECEPTORS * steps, || {
                for _ in 0..steps {
                    exact.step(level, &kinetics, &mut means, &rates, &[0.3], dt).expect("sound");
                }
            });
            let mut check = fresh();
            exact.step(level, &kinetics, &mut check, &rates, &[0.3], dt).expect("sound");
            ends[2] = vec![0.0; RECEPTORS];
            check.observe(level, &[0.1, 0.3, 0.5, 0.7, 0.9], &mut ends[2]).expect("fits");
            match &first {
                None => first = Some(ends),
                Some(first) => assert!(*first == ends, "{level:?} gave other bits"),
            }
            let mut builder = ProgramBuilder::new(1);
            let v = builder.input(0);
            let slope = builder.constant(0.04);
            let scaled = builder.mul(v, slope);
            let rate = builder.exp(scaled);
            let program = builder.finish(&[rate]).expect("short");
            let evaluator = Evaluator::new(&program, &[Shape::Column]).expect("one input");
            let (mut scratch, mut out) = (Scratch::default(), vec![0.0; RECEPTORS]);
            measure("program exp(0.04 v), per value", level, RECEPTORS * steps, || {
                for _ in 0..steps {
                    evaluator.eval(level, &[Input::Column(&own)], &mut [&mut out], &mut scratch).expect("fits");
                }
            });
        }
        let level = Level::best();
        let key = StreamKey::new(1, 0, 0, 0);
        let p = kinetics.generator(&rates, &[0.3]).expect("rates").propagator(dt.ms()).expect("a step");
        let laws = Laws::new(&p);
        let mut jumps = Jumps::new(&kinetics, RECEPTORS, &[80, 0, 0, 0, 0]).expect("a start");
        measure("jumps, shared, 80 copies, per instance", level, RECEPTORS, || {
            jumps.step_shared(key, &laws, dt).expect("sound");
        });
        let few = 10_000;
        let mut jumps = Jumps::new(&kinetics, few, &[80, 0, 0, 0, 0]).expect("a start");
        measure("jumps, own ligand, 80 copies, per instance", level, few, || {
            jumps.step_each(key, &kinetics, &coefficients, &[Input::Column(&own[..few])], dt).expect("sound");
        });
        let mut jumps = Jumps::new(&kinetics, few, &[8, 0, 0, 0, 0]).expect("a start");
        measure("jumps, Gillespie, 8 copies, per instance", level, few, || {
            jumps.gillespie(key, &kinetics, &coefficients, &[Input::Column(&own[..few])], dt).expect("sound");
        });
        individuals(level, &kinetics, &rates);
    });
}
