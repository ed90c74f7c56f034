//! Nanodomains ion by ion: motion, fields around channels, snapshots. Every statistical bound is at 5.1 standard errors (two-sided
//! odds of 3.4e-7 that a sound program fails) unless it says otherwise; all are seeded.

mod common;
mod nanodomains;

use common::scheme;
use engine::nanodomain::{Description, NanodomainError, Plan, Probe, Sensors, State, Told, Wall};
use engine::single::SchemeError;
use engine::terminal::buffer::Buffer;
use engine::terminal::domain::Domain;
use engine::terminal::shells::{self, Shells};
use engine::time::Tick;
use nanodomains::{DIFFUSION, SIGMAS, bapta, chamber, description, egta, off, us};
use numerics::constants::{AVOGADRO, FARADAY};
use numerics::math;
use numerics::rng::StreamKey;
use std::f64::consts::PI;

const CURRENT: f64 = 0.2;
/// um: 15, 20, 30, 50 and 100 nm.
const RADII: [f64; 5] = [0.015, 0.02, 0.03, 0.05, 0.1];
/// Who sees at each of them: a probe near the channel at /ms, and a wide one.
const SEEN: [(usize, f64); 5] = [(0, 2000.0), (0, 2000.0), (0, 2000.0), (1, 400.0), (1, 400.0)];

/// Half shells around a channel.
struct Field {
    /// Two each, um.
    edges: Vec<f64>,
    /// By stretch of time and shell.
    seen: Vec<Vec<f64>>,
}

/// Shells of +-15 % around the radii.
fn edges() -> Vec<f64> {
    RADII.iter().flat_map(|r| [0.85 * r, 1.15 * r]).collect()
}

fn probes() -> Vec<Probe> {
    vec![Probe { at: [0.0; 3], radius: 0.0345, rate: 2000.0 }, Probe { at: [0.0; 3], radius: 0.115, rate: 400.0 }]
}

impl Field {
    fn new() -> Self {
        Self { edges: edges(), seen: vec![] }
    }

    /// Goes on for `stretches` of `each`, and counts what is seen in each.
    fn watch(&mut self, plan: &Plan, key: StreamKey, state: &mut State, stretches: usize, each: Tick) {
        for _ in 0..stretches {
            let until = state.now() + each;
            let mut counts = vec![0.0; RADII.len()];
            plan.advance(state, key, until, &mut |told| {
                if let Told::Seen(s) = told {
                    let [x, y, z] = s.place;
                    let r = (x * x + y * y + z * z).sqrt();
                    for (k, e) in self.edges.chunks(2).enumerate() {
                        if s.probe == SEEN[k].0 && e[0] <= r && r < e[1] {
                            counts[k] += 1.0;
                        }
                    }
                }
            });
            self.seen.push(counts);
        }
    }

    /// Mean concentration (mM) in each half shell, and its standard error.
    fn means(&self, each: Tick) -> Vec<(f64, f64)> {
        let n = self.seen.len() as f64;
        let one = |k: usize| {
            let (a, b) = (self.edges[2 * k], self.edges[2 * k + 1]);
            let volume = 2.0 / 3.0 * PI * (b * b * b - a * a * a);
            let scale = 1.0 / (volume * SEEN[k].1 * each.ms() * AVOGADRO);
            let mean = self.seen.iter().map(|s| s[k]).sum::<f64>() / n;
            let var = self.seen.iter().map(|s| (s[k] - mean) * (s[k] - mean)).sum::<f64>() / (n * (n - 1.0));
            (mean * scale, var.sqrt() * scale)
        };
        (0..RADII.len()).map(one).collect()
    }

    /// Prints and judges: no difference that sampling does not explain, beyond `model` of it.
    fn agrees(&self, name: &str, each: Tick, expected: &[f64], model: f64, power: f64) {
        for (k, (c, se)) in self.means(each).into_iter().enumerate() {
            let (exact, nm) = (expected[k], 1e3 * RADII[k]);
            println!(
                "{name}, {nm} nm: {:.4} uM of {:.4} ({:+.2} %, se {:.2} %)",
                1e3 * c,
                1e3 * exact,
                1e2 * (c / exact - 1.0),
                1e2 * se / exact
            );
            assert!((c - exact).abs() < SIGMAS * se + model * exact, "{name}, {nm} nm");
            assert!(SIGMAS * se < power * exact, "{name}, {nm} nm: no power");
        }
    }
}

/// mM um of a point source: `c = source / r`.
fn source() -> f64 {
    CURRENT / (2.0 * FARADAY) / (2.0 * PI * DIFFUSION)
}

/// Survival of one way by itself in 0 to `length` with both ends held: from `x`.
fn held_both(x: f64, length: f64, t: f64) -> f64 {
    let mode = |k: i32| {
        let wave = f64::from(k) * PI / length;
        4.0 / (f64::from(k) * PI) * math::turn(wave * x / (2.0 * PI)).1 * math::exp(-wave * wave * DIFFUSION * t)
    };
    (0..60).map(|k| mode(2 * k + 1)).sum()
}

#[test]
fn ions_leave_a_chamber_as_fick_says() {
    // However often they are seen on their way; the membrane is a mirror, so height counts twice.
    let n = 100_000;
    let at = [0.2, -0.1, 0.05];
    for (rate, top) in [(0.0, Wall::Held), (50.0, Wall::Held), (50.0, Wall::Sealed)] {
        let mut d = description(chamber(0.4, 0.5, Wall::Held), vec![]);
        d.chamber.top = top;
        if rate > 0.0 {
            d.probes =
                vec![Probe { at: [0.0, 0.1, 0.1], radius: 0.08, rate }, Probe { at, radius: 0.03, rate: 1000.0 }];
        }
        let plan = Plan::new(&d).unwrap();
        let key = StreamKey::new(11, rate as u64, top as u32, 0);
        let mut state = plan.start(key, us(5.0));
        plan.release(&mut state, key, at, n);
        for t in [20.0, 60.0, 150.0, 400.0, 1000.0] {
            plan.advance(&mut state, key, us(t), &mut |_| ());
            let up = if top == Wall::Held { held_both(0.5 + at[2], 1.0, 1e-3 * t) } else { 1.0 };
            let exact = held_both(0.4 + at[0], 0.8, 1e-3 * t) * held_both(0.4 + at[1], 0.8, 1e-3 * t) * up;
            let found = state.free() as f64 / n as f64;
            let by = (found - exact) / (exact * (1.0 - exact) / n as f64).sqrt();
            println!("{top:?} top, seen at {rate}: {t} us, {found} of {exact}, {by:.2} se");
            assert!(by.abs() < SIGMAS);
            assert!(plan.budget(&state).balances());
        }
    }
}

#[test]
fn what_is_even_stays_even_and_probes_see_it_without_bias() {
    // In a sealed chamber ions are anywhere: a corner, a side, the middle, under an overlap, are all seen for what they hold.
    let mut d = description(chamber(0.15, 0.2, Wall::Sealed), vec![]);
    d.resting = 0.05;
    let eighth = |rate| Probe { at: [0.15, 0.15, 0.0], radius: 0.06, rate };
    d.probes = vec![
        eighth(300.0),
        Probe { at: [0.0, 0.0, 0.0], radius: 0.02, rate: 3000.0 },
        Probe { at: [0.01, 0.0, 0.1], radius: 0.05, rate: 500.0 },
        Probe { at: [0.03, 0.0, 0.1], radius: 0.01, rate: 5000.0 },
    ];
    let shares = [0.125, 0.5, 1.0, 1.0];
    let plan = Plan::new(&d).unwrap();
    let key = StreamKey::new(12, 0, 0, 0);
    let mut state = plan.start(key, us(5.0));
    let (stretches, each) = (200, us(40.0));
    let mut seen = vec![vec![0.0; 4]; stretches];
    for (k, seen) in seen.iter_mut().enumerate() {
        plan.advance(&mut state, key, each * (k as i64 + 1), &mut |told| {
            if let Told::Seen(s) = told {
                seen[s.probe] += 1.0;
            }
        });
    }
    let density = state.free() as f64 / 0.018;
    for (k, p) in d.probes.iter().enumerate() {
        let volume = shares[k] * 4.0 / 3.0 * PI * p.radius * p.radius * p.radius;
        let list: Vec<f64> = seen.iter().map(|s| s[k] / (volume * p.rate * each.ms() * density)).collect();
        let (mean, by) = off(&list, 1.0);
        println!("probe {k}: {mean:.4} of 1, {by:.2} se");
        assert!(by.abs() < SIGMAS && (mean - 1.0).abs() < 0.05);
    }
}

#[test]
fn a_steady_nanodomain_without_buffer_is_that_of_a_point_source() {
    // C-17. In a half cube of half side a with walls held at 0: 1 / r - 1.747565 / (2 a), by images, a lattice of alternating
    // charges (Madelung); the mean over a shell is exact, as the rest is harmonic.
    let mut d = description(chamber(1.0, 1.0, Wall::Held), vec![]);
    d.probes = probes();
    let plan = Plan::new(&d).unwrap();
    let key = StreamKey::new(1, 0, 0, 0);
    let mut state = plan.start(key, us(5.0));
    plan.set_current(&mut state, key, 0, CURRENT);
    plan.advance(&mut state, key, us(8000.0), &mut |_| ());
    let (clock, before) = (std::time::Instant::now(), (state.events(), plan.budget(&state).entered));
    let mut field = Field::new();
    let each = us(500.0);
    field.watch(&plan, key, &mut state, 550, each);
    let (events, ions) = (state.events() - before.0, plan.budget(&state).entered - before.1);
    println!("{} ns an event, {} an ion", clock.elapsed().as_nanos() as u64 / events, events / ions);
    let e = edges();
    let mean = |k: usize| {
        1.5 * (math::powi(e[2 * k + 1], 2) - math::powi(e[2 * k], 2))
            / (math::powi(e[2 * k + 1], 3) - math::powi(e[2 * k], 3))
    };
    let exact: Vec<f64> = (0..RADII.len()).map(|k| source() * (mean(k) - 1.747_565 / 2.0)).collect();
    field.agrees("no buffer", each, &exact, 0.0, 0.026);
    assert!(plan.budget(&state).balances());
}

/// Mean over a time and the shells of what full reaction and diffusion say of a current, mM.
fn full(buffers: &[Buffer], current: f64, from: Tick, to: Tick) -> Vec<f64> {
    let grid = shells::Grid { inner: 0.0005, outer: 2.0, shells: 300, outside: shells::Outside::Open };
    let medium = Shells::new(grid, DIFFUSION, 0.0, buffers).unwrap();
    let (mut state, mut scratch) = (medium.start(), engine::terminal::bulk::Scratch::default());
    let mut dt = Tick(1000);
    while state.clock() < from {
        dt = Tick((dt.0 * 11 / 10).min(from.0 / 100)).min(from - state.clock());
        medium.advance(&mut state, dt, current, &mut scratch).unwrap();
    }
    let dt = Tick((to - from).0 / 50);
    let (edges, mut sums) = (edges(), vec![0.0; RADII.len()]);
    for _ in 0..50 {
        medium.advance(&mut state, dt, current, &mut scratch).unwrap();
        for (sum, e) in sums.iter_mut().zip(edges.chunks(2)) {
            // Over the volume of the shell, by Simpson's rule.
            let at = |r: f64| medium.calcium(&state, r) * r * r;
            let simpson = (at(e[0]) + 4.0 * at(0.5 * (e[0] + e[1])) + at(e[1])) / 6.0 * (e[1] - e[0]);
            *sum += simpson * 3.0 / (e[1] * e[1] * e[1] - e[0] * e[0] * e[0]) / 50.0;
        }
    }
    sums
}

/// Trials of a current that is on from the beginning.
fn trials(d: &Description, seed: u64, n: u64, current: f64, from: Tick, to: Tick) -> Field {
    let plan = Plan::new(d).unwrap();
    let (mut field, clock, mut events) = (Field::new(), std::time::Instant::now(), 0);
    for trial in 0..n {
        let key = StreamKey::new(seed, trial, 0, 0);
        let mut state = plan.start(key, us(2.0));
        plan.set_current(&mut state, key, 0, current);
        plan.advance(&mut state, key, from, &mut |_| ());
        field.watch(&plan, key, &mut state, 1, to - from);
        assert!(plan.budget(&state).balances() && state.clipped() == 0);
        events += state.events();
    }
    let (cells, took) = (plan.cells(), clock.elapsed());
    println!(
        "cells {cells:?}: {:.2} s, {events} events, {} ns each",
        took.as_secs_f64(),
        took.as_nanos() as u64 / events
    );
    field
}

#[test]
fn buffers_in_excess_act_as_full_reaction_and_diffusion_says() {
    // C-17 and C-18. No error that sampling does not explain, but half a percent of the reference.
    let (from, to) = (us(200.0), us(1000.0));
    let mut left = Vec::new();
    for (name, buffer, cell) in [("EGTA", egta(), 0.03), ("BAPTA", bapta(), 0.02)] {
        let expected = full(std::slice::from_ref(&buffer), CURRENT, from, to);
        let mut d = description(chamber(0.5, 0.5, Wall::Sealed), vec![buffer.clone()]);
        d.probes = probes();
        d.grid.cell = cell;
        let field = trials(&d, 2, 200, CURRENT, from, to);
        field.agrees(name, to - from, &expected, 0.005, 0.09);
        // The closed form that the kinetic level takes, within what it leaves out: BAPTA comes back loaded.
        let domain = Domain::new(DIFFUSION, buffer.capture(0.0).unwrap()).unwrap();
        let means = field.means(to - from);
        for (k, (c, se)) in means.iter().enumerate() {
            let e = &field.edges[2 * k..2 * k + 2];
            let at = |r: f64| CURRENT * domain.gain(r) * r * r;
            let simpson = (at(e[0]) + 4.0 * at(0.5 * (e[0] + e[1])) + at(e[1])) / 6.0 * (e[1] - e[0]);
            let closed = simpson * 3.0 / (math::powi(e[1], 3) - math::powi(e[0], 3));
            let model = if k < 3 || name == "EGTA" { 0.02 } else { 0.05 };
            println!("{name}, {} nm: {:.4} of closed form", 1e3 * RADII[k], c / closed);
            assert!((c - closed).abs() < SIGMAS * se + model * closed);
        }
        let e = edges();
        let free = |k: usize| {
            source() * 1.5 * (math::powi(e[2 * k + 1], 2) - math::powi(e[2 * k], 2))
                / (math::powi(e[2 * k + 1], 3) - math::powi(e[2 * k], 3))
        };
        left.push([1, 4].map(|k| means[k].0 / free(k)));
    }
    println!("left at 20 and 100 nm: EGTA {:.3?}, BAPTA {:.4?}", left[0], left[1]);
    for (found, wanted) in left.iter().flatten().zip([24.5 / 37.5, 0.9 / 7.5, 16.0 / 37.5, 0.11 / 7.5]) {
        assert!((found / wanted - 1.0).abs() < 0.1, "{left:?}");
    }
}

#[test]
fn buffers_that_run_short_act_as_full_reaction_and_diffusion_says_whatever_the_cells() {
    // A current of ten channels, and a buffer that it exhausts: what is left is far from the closed form, and the same for cells of half
    // and of double the size and other steps.
    let (current, from, to) = (2.0, us(50.0), us(200.0));
    let mobile = Buffer::one_site(400.0, 1.0, 0.3, 0.05).unwrap();
    let fixed = Buffer::one_site(100.0, 1.0, 0.5, 0.0).unwrap();
    for (name, buffers) in
        [("mobile", vec![mobile.clone()]), ("fixed", vec![fixed.clone()]), ("both", vec![mobile, fixed])]
    {
        let expected = full(&buffers, current, from, to);
        let capture: f64 = buffers.iter().map(|b| b.capture(0.0).unwrap()).sum();
        let excess = current * Domain::new(DIFFUSION, capture).unwrap().gain(0.1);
        println!("{name}: {:.2} uM at 100 nm, in excess {:.2}", 1e3 * expected[4], 1e3 * excess);
        assert!(expected[4] > 1.3 * excess);
        for (cell, step) in [(0.01, 0.4), (0.02, 0.25), (0.04, 0.1)] {
            if name == "both" && cell != 0.02 || name == "fixed" && cell == 0.01 {
                continue;
            }
            let mut d = description(chamber(0.8, 0.8, Wall::Sealed), buffers.clone());
            (d.grid.cell, d.grid.step) = (cell, step);
            d.probes = probes();
            let field = trials(&d, 3, 50, current, from, to);
            field.agrees(&format!("{name}, cells of {cell} um"), to - from, &expected, 0.015, 0.08);
        }
    }
}

/// A bit of everything.
fn everything() -> Description {
    let mut d =
        description(chamber(0.3, 0.3, Wall::Held), vec![bapta(), Buffer::one_site(100.0, 1.0, 0.4, 0.0).unwrap()]);
    d.chamber.top = Wall::Sealed;
    d.resting = 1e-3;
    let (kinetics, coefficients) = scheme(
        3,
        1,
        &[
            (0, 1, 300.0, Some(0), None),
            (1, 0, 4.0, None, Some(0)),
            (1, 2, 150.0, Some(0), None),
            (2, 1, 8.0, None, Some(0)),
        ],
    );
    let ligands = vec![engine::cleft::Ligand::Transmitter];
    let places = vec![[0.02, 0.0, 0.0], [0.0, 0.05, 0.0], [-0.1, 0.1, 0.0]];
    d.sensors.push(Sensors {
        kinetics,
        coefficients,
        ligands: ligands.clone(),
        bound: vec![0, 1, 2],
        places,
        radius: 0.005,
    });
    let (kinetics, coefficients) =
        scheme(2, 1, &[(0, 1, 150.0, Some(0), None), (1, 0, 2.0, None, Some(0)), (1, 0, 0.5, None, None)]);
    let places = (0..20).map(|k| [0.02 * f64::from(k) - 0.2, -0.1, 0.0]).collect();
    d.sensors.push(Sensors { kinetics, coefficients, ligands, bound: vec![0, 1], places, radius: 0.005 });
    d.probes = probes();
    d
}

#[test]
fn a_trial_keeps_its_books_and_its_bits() {
    let plan = Plan::new(&everything()).unwrap();
    let key = StreamKey::new(5, 0, 0, 0);
    let run = |cuts: &[f64], save: bool| {
        let mut state = plan.start(key, us(3.0));
        plan.set_current(&mut state, key, 0, 1.0);
        let off = engine::nanodomain::Opening { at: us(700.0), channel: 0, current: 0.0 };
        plan.schedule(&mut state, key, &[off]);
        let mut told = Vec::new();
        for &t in cuts {
            plan.advance(&mut state, key, us(t), &mut |what| told.push(what));
            let budget = plan.budget(&state);
            assert!(budget.balances(), "{budget:?}");
            if save {
                let bytes = postcard::to_stdvec(&state).unwrap();
                let back: State = postcard::from_bytes(&bytes).unwrap();
                assert_eq!(back, state);
                state = back;
            }
        }
        (state, told)
    };
    let (whole, told) = run(&[1500.0], false);
    let (cut, told_cut) = run(&[0.1, 7.0, 8.0, 333.3, 900.0, 1500.0], true);
    assert!(whole == cut && told == told_cut);
    let budget = plan.budget(&whole);
    println!("{budget:?}, {} events, {} clipped", whole.events(), whole.clipped());
    let busy = [
        budget.entered,
        budget.arrived,
        budget.free,
        budget.bound[0],
        budget.bound[1],
        budget.pumped[1],
        budget.escaped,
    ];
    assert!(busy.iter().all(|n| *n > 0) && told.iter().any(|t| matches!(t, Told::Changed(_))));
    let changed = |k: usize| told.iter().filter(|t| matches!(t, Told::Changed(c) if c.kind == k)).count();
    println!("{} and {} changes", changed(0), changed(1));
    assert!(changed(0) > 3 && changed(1) > 3 && whole.clipped() == 0);
    // Another key is another trial.
    let other = StreamKey::new(5, 1, 0, 0);
    let mut state = plan.start(other, us(3.0));
    plan.advance(&mut state, other, us(100.0), &mut |_| ());
    assert_ne!(plan.budget(&state), plan.budget(&run(&[100.0], false).0));
}

#[test]
fn faults_are_told() {
    let sound = everything();
    assert!(Plan::new(&sound).is_ok());
    let with = |change: &dyn Fn(&mut Description)| {
        let mut d = sound.clone();
        change(&mut d);
        Plan::new(&d).unwrap_err()
    };
    assert_eq!(with(&|d| d.diffusion = 0.0), NanodomainError::Space);
    assert_eq!(with(&|d| d.resting = f64::NAN), NanodomainError::Space);
    assert_eq!(with(&|d| d.chamber.height = -1.0), NanodomainError::Space);
    assert_eq!(with(&|d| d.grid.cell = 1e-4), NanodomainError::Grid);
    assert_eq!(with(&|d| d.grid.step = 1.0), NanodomainError::Grid);
    assert_eq!(with(&|d| d.channels.push([1.0, 0.0])), NanodomainError::Channel { channel: 1 });
    assert_eq!(with(&|d| d.probes[1].radius = 0.0), NanodomainError::Probe { probe: 1 });
    assert_eq!(with(&|d| d.buffers[0] = Buffer::instant(1e-3, 1.0).unwrap()), NanodomainError::Buffer { buffer: 0 });
    let quick = Buffer::one_site(4e5, 1.0, 0.1, 0.2).unwrap();
    assert_eq!(with(&|d| d.buffers[1] = quick.clone()), NanodomainError::Fine { buffer: 1 });
    assert_eq!(
        with(&|d| d.sensors[0].bound = vec![0, 1, 3]),
        NanodomainError::Scheme { kind: 0, error: SchemeError::Books { transition: 2 } }
    );
    assert_eq!(with(&|d| d.sensors[1].places[3][2] = 0.003), NanodomainError::Outside { kind: 1, member: 3 });
    assert_eq!(
        with(&|d| d.sensors[1].ligands.clear()),
        NanodomainError::Scheme { kind: 1, error: SchemeError::Ligands }
    );
    let small = with(&|d| d.sensors[0].radius = 1e-4);
    assert!(
        matches!(small, NanodomainError::Scheme { kind: 0, error: SchemeError::TooQuick { most, .. } } if (80.0..90.0).contains(&most)),
        "{small}"
    );
}
