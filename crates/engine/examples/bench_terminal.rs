//! Microseconds for one action potential (3 ms in slots of 10 us) of a terminal with 10 vesicles: the whole organ with 20
//! channels and its tail; then alone: as jumps with pools, as means, and the calcium that drives them. Run with `cargo run --release --example bench_terminal -p bouton-engine`.
//! Median and quartiles of repeats, on one core;
//! `whole` as an argument leaves the parts out.

use engine::mechanism::{
    Description, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::terminal::action_potential::ActionPotential;
use engine::terminal::buffer::Buffer;
use engine::terminal::bulk::{Bulk, Extrusion, Scratch};
use engine::terminal::domain::{Domain, Topography};
use engine::terminal::layout::layout;
use engine::terminal::means::MeanSites;
use engine::terminal::pools::{Per, PoolIndex, PoolPlan, Transfer};
use engine::terminal::release::Release;
use engine::terminal::sensor::Sensor;
use engine::terminal::sites::{Calcium, Luck};
use engine::terminal::{ChannelKind, SlotDrive, Tail, Terminal, TerminalDescription, TerminalScratch};
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

/// A scheme of transitions in /ms, or /mM/ms where calcium is taken up (`true`) or given off.
fn scheme(states: usize, steps: &[(u16, u16, f64, bool, bool)]) -> (Kinetics, Vec<f64>) {
    let mut builder = ProgramBuilder::new(0);
    let rates: Vec<f64> = steps.iter().map(|s| s.2).collect();
    let values: Vec<_> = rates.iter().map(|&rate| builder.constant(rate)).collect();
    let transition = |(k, s): (usize, &(u16, u16, f64, bool, bool))| Transition {
        from: StateIndex(s.0),
        to: StateIndex(s.1),
        rate: OutputIndex(k as u16),
        takes_up: s.3.then_some(LigandIndex(0)),
        gives_off: s.4.then_some(LigandIndex(0)),
    };
    let kinetics = Kinetics::new(Description {
        states,
        ligands: usize::from(steps.iter().any(|s| s.3)),
        transitions: steps.iter().enumerate().map(transition).collect(),
        rates: builder.finish(&values).expect("a short program"),
        inputs: Vec::<InputRole>::new(),
        absorbing: Vec::new(),
        observables: Vec::new(),
    });
    (kinetics.expect("a sound scheme"), rates)
}

/// Li, Bischofberger & Jonas 2007, P/Q type, /ms at `v` mV.
fn pq_rates(v: f64) -> Vec<f64> {
    let steps = [(5.89, 14.99, 62.61), (9.21, 6.63, 33.92), (5.20, 132.80, 135.08), (1823.18, 248.58, 20.86)];
    let gates = steps.iter().flat_map(|(a, b, s)| [a * math::exp(v / s), b * math::exp(-v / s)]);
    gates.chain([247.71, 8.28]).collect()
}

/// One action potential and its tail, the whole organ.
fn whole(sensor: &Sensor) {
    let (sites, mut kinds) = layout(0.15, SITES, &[(20, 0.03)]).expect("a layout");
    let steps: Vec<_> = (0..5).flat_map(|k| [(k, k + 1, 1.0, false, false), (k + 1, k, 1.0, false, false)]).collect();
    let channels = ChannelKind {
        kinetics: scheme(6, &steps).0,
        open: vec![0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        awake: Vec::new(),
        positions: kinds.remove(0),
        resting_rates: pq_rates(-70.0),
        resting_current: 0.3,
    };
    // Free, with calcium, with magnesium (1 mM).
    let (atp, rates) = scheme(
        3,
        &[
            (0, 1, 500.0, true, false),
            (1, 0, 100.0, false, true),
            (0, 2, 10.0, false, false),
            (2, 0, 1.0, false, false),
        ],
    );
    let buffers = [
        Buffer::one_site(100.0, 1.0, 0.4, 0.0).expect("a buffer"),
        Buffer::scheme(&atp, &rates, 1.0, 0.22).expect("a buffer"),
    ];
    let t = |from, to, rate, per| Transfer { from: PoolIndex(from), to: PoolIndex(to), rate, per, port: None };
    let transfers = [t(1, 0, 1e-3, Per::FreePlace), t(2, 1, 1e-3, Per::Vesicle)];
    let terminal = TerminalDescription {
        sites,
        channels: vec![channels],
        domain: Domain::new(0.22, 100.0).expect("a medium"),
        bulk: Bulk::new(0.1, REST, &buffers, &[Extrusion::FirstOrder { rate: 0.5 }]).expect("a terminal"),
        bulk_slots: 10,
        tail: Tail { shortest: SLOT * 10, longest: SLOT * 100 },
        sensor: sensor.clone(),
        pools: PoolPlan::new(&[Some(10), None, None], PoolIndex(0), PoolIndex(2), &transfers).expect("pools"),
        ports: Vec::new(),
        vesicles: vec![10, 20, 0],
    };
    let terminal = Terminal::new(terminal, StreamKey::new(1, 0, 0, 0)).expect("a terminal");
    let ap = ActionPotential::template(-70.0, 110.0, 0.4, 0.35).expect("a template");
    let volts = |slot: usize| ap.at(SLOT * slot as i64 + Tick(SLOT.0 / 2));
    let rates: Vec<Vec<Vec<f64>>> = (0..SLOTS).map(|slot| vec![pq_rates(volts(slot))]).collect();
    let unit: Vec<[f64; 1]> = (0..SLOTS).map(|slot| [3e-3 * (40.0 - volts(slot)).max(0.0)]).collect();
    let (mut scratch, mut out, mut runs) = (TerminalScratch::default(), Vec::new(), 0);
    let mut works = Vec::new();
    for (what, tail) in [("slots over 3 ms", None), ("with the tail to 100 ms", Some(Tick(100_000_000_000)))] {
        let name = format!("terminal: one action potential, {what}");
        report(&name, || {
            let mut state = terminal.start(runs * terminal.members()).expect("fits");
            runs += 1;
            for (rates, unit) in rates.iter().zip(&unit) {
                let drive = SlotDrive { rates, unit_current: unit };
                terminal.advance(&mut state, &mut scratch, SLOT, &drive, &mut out).expect("runs");
            }
            if let Some(until) = tail {
                terminal.settle(&mut state, &mut scratch, until, &mut out).expect("runs");
            }
            works.push(state.work());
        });
        println!("  for example {:?}", works[works.len() - 1]);
    }
    println!("  {:.3} releases an action potential", out.len() as f64 / runs as f64);
    let mut state = terminal.start(0).expect("fits");
    report("terminal: 1 s of silence with openings", || {
        let until = state.clock() + Tick(1_000_000_000_000);
        terminal.settle(&mut state, &mut scratch, until, &mut out).expect("runs");
    });
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
    println!("{what:<60} {:8.2} us  [{:.2}, {:.2}]", at(2), at(1), at(3));
}

fn main() {
    let sensor = sensor();
    whole(&sensor);
    if std::env::args().any(|arg| arg == "whole") {
        return;
    }
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
