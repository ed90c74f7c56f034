//! Microseconds for one action potential (3 ms in slots of 10 us) of a terminal with 10 vesicles: as jumps with pools, as
//! means, and the calcium that drives them. Run with `cargo run --release --example bench_terminal -p bouton-engine`.
//! Median and quartiles of repeats, on one core.

use engine::mechanism::{
    Description, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::terminal::buffer::Buffer;
use engine::terminal::bulk::{Bulk, Extrusion, Scratch};
use engine::terminal::domain::{Domain, Topography};
use engine::terminal::means::MeanSites;
use engine::terminal::pools::{Per, PoolIndex, PoolPlan, Transfer};
use engine::terminal::release::Release;
use engine::terminal::sensor::Sensor;
use engine::terminal::sites::{Calcium, Luck};
use engine::time::Tick;
use numerics::math;
use numerics::rng::StreamKey;
use numerics::simd::Level;
use std::hint::black_box;
use std::time::Instant;

const REST: f64 = 50e-6;
const SLOT: Tick = Tick(10_000_000);
const SLOTS: usize = 300;
const SITES: usize = 10;
const REPEATS: usize = 301;

fn sensor() -> Sensor {
    // Felmy et al. 2003, /mM/ms and /ms.
    let mut builder = ProgramBuilder::new(0);
    let (mut outputs, mut transitions) = (Vec::new(), Vec::new());
    let mut step = |from: u16, to: u16, rate: f64, binds: bool| {
        let ligand = binds.then_some(LigandIndex(0));
        let rate_index = OutputIndex(outputs.len() as u16);
        outputs.push(rate);
        let back = (from > to).then_some(LigandIndex(0));
        let (from, to) = (StateIndex(from), StateIndex(to));
        transitions.push(Transition { from, to, rate: rate_index, takes_up: ligand, gives_off: back });
    };
    for n in 0..5_u16 {
        step(n, n + 1, f64::from(5 - n) * 119.0, true);
        step(n + 1, n, f64::from(n + 1) * 8.745 * math::powi(0.25, i32::from(n)), false);
    }
    step(5, 6, 6.995, false);
    let values: Vec<_> = outputs.iter().map(|&rate| builder.constant(rate)).collect();
    let kinetics = Kinetics::new(Description {
        states: 7,
        ligands: 1,
        transitions,
        rates: builder.finish(&values).expect("a short program"),
        inputs: Vec::<InputRole>::new(),
        absorbing: vec![StateIndex(6)],
        observables: Vec::new(),
    })
    .expect("a sound scheme");
    Sensor::new(&kinetics, &outputs, REST).expect("a sound sensor")
}

fn report(what: &str, mut run: impl FnMut()) {
    let mut times: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[REPEATS * share / 4];
    println!("{what:<52} {:8.2} us  [{:.2}, {:.2}]", at(2), at(1), at(3));
}

fn main() {
    let sensor = sensor();
    let sd = 0.45 / (8.0 * math::ln(2.0)).sqrt();
    let current = |slot: usize| {
        let t = (slot as f64 + 0.5) * SLOT.ms() - 1.0;
        0.2 * math::exp(-0.5 * t * t / (sd * sd))
    };
    let currents: Vec<[f64; SITES]> = (0..SLOTS).map(|slot| [current(slot); SITES]).collect();
    let place = |k: usize, shift: f64| [k as f64 * 0.05, shift];
    let domain = Domain::new(0.22, 100.0).expect("a medium");
    let sites: Vec<_> = (0..SITES).map(|k| place(k, 0.0)).collect();
    let channels: Vec<_> = (0..SITES).map(|k| place(k, 0.025)).collect();
    let map = Topography::new(&domain, &sites, &channels).expect("apart");
    let mut calcium = vec![[0.0; SITES]; SLOTS];
    report("calcium: 10 channels on 10 sites", || {
        for (c, i) in calcium.iter_mut().zip(&currents) {
            map.calcium(Level::best(), REST, i, c).expect("fits");
        }
    });
    let buffers = [Buffer::one_site(100.0, 1.0, 0.4, 0.0).expect("a buffer")];
    let pump = [Extrusion::FirstOrder { rate: 0.5 }];
    let bulk = Bulk::new(0.1, REST, &buffers, &pump).expect("a terminal");
    let mut scratch = Scratch::default();
    report("bulk: one kinetic buffer", || {
        let mut state = bulk.start();
        for i in &currents {
            bulk.advance(&mut state, SLOT, i[0], &mut scratch).expect("settles");
        }
        black_box(state.calcium());
    });

    let t = |from, to, rate, per| Transfer { from: PoolIndex(from), to: PoolIndex(to), rate, per, port: None };
    let transfers = [t(1, 0, 1e-3, Per::FreePlace), t(2, 1, 1e-3, Per::Vesicle)];
    let pools = PoolPlan::new(&[Some(10), None, None], PoolIndex(0), PoolIndex(2), &transfers).expect("pools");
    let plan = Release::new(sensor.clone(), pools, Luck { key: StreamKey::new(1, 0, 0, 0), first: 0 });
    let start = plan.start(&[10, 20, 0]).expect("fits");
    let (mut out, mut runs, mut state) = (Vec::new(), 0, start.clone());
    report("jumps: 10 vesicles with pools, one action potential", || {
        // 200 ms of silence between them, on the clock.
        for c in &calcium {
            plan.advance(&mut state, SLOT, Calcium::Sites(c), &[], &mut out).expect("fits");
        }
        plan.advance(&mut state, Tick(200_000_000_000), Calcium::Resting, &[], &mut out).expect("fits");
        runs += 1;
    });
    println!("  {:.3} releases an action potential", out.len() as f64 / f64::from(runs));
    report("jumps: 1 s of silence", || {
        plan.advance(&mut state, Tick(1_000_000_000_000), Calcium::Resting, &[], &mut out).expect("fits");
    });
    for &level in Level::available() {
        let mut fused = [0.0; SITES];
        report(&format!("means: 10 vesicles, one action potential, {level:?}"), || {
            let mut means = MeanSites::new(&sensor, SITES).expect("a sensor");
            for c in &calcium {
                means.advance(level, &sensor, SLOT, c, &mut fused).expect("fits");
            }
            black_box(means.fused()[0]);
        });
    }
}
