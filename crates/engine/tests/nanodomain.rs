//! Nanodomains ion by ion against exact laws and full reaction and diffusion. Every statistical bound is at 5.1 standard errors (two-sided
//! odds of 3.4e-7 that a sound program fails) unless it says otherwise; all are seeded.

mod common;

use engine::nanodomain::{Chamber, Description, Grid, Plan, Probe, State, Told, Wall};
use engine::terminal::buffer::Buffer;
use engine::terminal::shells::{self, Shells};
use engine::time::Tick;
use numerics::constants::{AVOGADRO, FARADAY};
use numerics::rng::StreamKey;
use std::f64::consts::PI;

const SIGMAS: f64 = 5.1;
const DIFFUSION: f64 = 0.22;
const CURRENT: f64 = 0.2;
/// um: 15, 20, 30, 50 and 100 nm.
const RADII: [f64; 5] = [0.015, 0.02, 0.03, 0.05, 0.1];

fn us(x: f64) -> Tick {
    Tick::from_ms(x * 1e-3).unwrap()
}

fn chamber(half: f64, height: f64, wall: Wall) -> Chamber {
    Chamber { half: [half; 2], height, sides: wall, top: wall }
}

fn description(chamber: Chamber, buffers: Vec<Buffer>) -> Description {
    let grid = Grid::default();
    let channels = vec![[0.0, 0.0]];
    Description { chamber, diffusion: DIFFUSION, resting: 0.0, grid, channels, buffers, sensors: vec![], probes: vec![] }
}

fn egta() -> Buffer {
    Buffer::one_site(10.0, 7e-4, 10.0, 0.22).unwrap()
}

fn bapta() -> Buffer {
    Buffer::one_site(400.0, 0.088, 1.0, 0.22).unwrap()
}

/// What is seen around a channel, by shell.
struct Field {
    /// Edges of shells, um.
    edges: Vec<f64>,
    /// By stretch of time and shell.
    seen: Vec<Vec<f64>>,
}

/// Shells of +-10 % around the radii: edges, two each.
fn shells_at(radii: &[f64]) -> Vec<f64> {
    radii.iter().flat_map(|r| [0.9 * r, 1.1 * r]).collect()
}

impl Field {
    /// Goes on for `stretches` of `each`, and counts what probe 0, around the channel, sees in each.
    fn watch(plan: &Plan, key: StreamKey, state: &mut State, edges: Vec<f64>, stretches: usize, each: Tick) -> Self {
        let mut seen = vec![vec![0.0; edges.len() / 2]; stretches];
        for counts in &mut seen {
            let until = state.now() + each;
            plan.advance(state, key, until, &mut |told| {
                if let Told::Seen(s) = told {
                    let [x, y, z] = s.place;
                    let r = (x * x + y * y + z * z).sqrt();
                    for (k, e) in edges.chunks(2).enumerate() {
                        if e[0] <= r && r < e[1] {
                            counts[k] += 1.0;
                        }
                    }
                }
            });
        }
        Self { edges, seen }
    }

    /// Mean concentration (mM) in each half shell, where what is seen comes at `rate`, and its standard error.
    fn means(&self, rate: f64, each: Tick) -> Vec<(f64, f64)> {
        let n = self.seen.len() as f64;
        let one = |k: usize| {
            let (a, b) = (self.edges[2 * k], self.edges[2 * k + 1]);
            let volume = 2.0 / 3.0 * PI * (b * b * b - a * a * a);
            let scale = 1.0 / (volume * rate * each.ms() * AVOGADRO);
            let mean = self.seen.iter().map(|s| s[k]).sum::<f64>() / n;
            let var = self.seen.iter().map(|s| (s[k] - mean) * (s[k] - mean)).sum::<f64>() / (n * (n - 1.0));
            (mean * scale, var.sqrt() * scale)
        };
        (0..self.edges.len() / 2).map(one).collect()
    }
}

/// mM um of a point source: `c = source / r`.
fn source() -> f64 {
    CURRENT / (2.0 * FARADAY) / (2.0 * PI * DIFFUSION)
}

#[test]
fn a_steady_nanodomain_without_buffer_is_that_of_a_point_source() {
    // In a half cube of half side a with walls held at 0: 1 / r - 1.747565 / (2 a), by images, a lattice of alternating charges
    // (Madelung); the mean over a shell is exact, as the rest is harmonic.
    let rate = 1000.0;
    let mut d = description(chamber(1.0, 1.0, Wall::Held), vec![]);
    d.probes.push(Probe { at: [0.0; 3], radius: 0.111, rate });
    let plan = Plan::new(&d).unwrap();
    let key = StreamKey::new(1, 0, 0, 0);
    let mut state = plan.start(key, us(5.0));
    plan.set_current(&mut state, key, 0, CURRENT);
    plan.advance(&mut state, key, us(8000.0), &mut |_| ());
    let clock = std::time::Instant::now();
    let before = (state.events(), plan.budget(&state).entered);
    let (n, each) = (400, us(250.0));
    let field = Field::watch(&plan, key, &mut state, shells_at(&RADII), n, each);
    let events = state.events() - before.0;
    let ions = plan.budget(&state).entered - before.1;
    println!("{events} events, {} ns each; {} an ion", clock.elapsed().as_nanos() as f64 / events as f64, events as f64 / ions as f64);
    for (k, (c, se)) in field.means(rate, each).into_iter().enumerate() {
        let (a, b) = (field.edges[2 * k], field.edges[2 * k + 1]);
        // Mean of 1 / r over the shell.
        let exact = source() * (1.5 * (b * b - a * a) / (b * b * b - a * a * a) - 1.747_565 / 2.0);
        println!("{} nm: {:.4} uM of {:.4}, {:.2} se of {:.2} %", 1e3 * RADII[k], 1e3 * c, 1e3 * exact, (c - exact) / se, 1e2 * se / exact);
        assert!((c - exact).abs() < SIGMAS * se && SIGMAS * se < 0.055 * exact);
    }
    assert!(plan.budget(&state).balances());
}

/// Mean over a time and shells of what full reaction and diffusion say, mM.
fn full(buffers: &[Buffer], edges: &[f64], from: Tick, to: Tick) -> Vec<f64> {
    let grid = shells::Grid { inner: 0.0005, outer: 1.5, shells: 400, outside: shells::Outside::Open };
    let medium = Shells::new(grid, DIFFUSION, 0.0, buffers).unwrap();
    let (mut state, mut scratch) = (medium.start(), engine::terminal::bulk::Scratch::default());
    let mut sums = vec![0.0; edges.len() / 2];
    let mut steps = 0.0;
    let mut dt = Tick(1000);
    while state.clock() < from {
        dt = Tick((dt.0 * 11 / 10).min(from.0 / 200)).min(from - state.clock());
        medium.advance(&mut state, dt, CURRENT, &mut scratch).unwrap();
    }
    let dt = Tick((to - from).0 / 100);
    while state.clock() < to {
        medium.advance(&mut state, dt, CURRENT, &mut scratch).unwrap();
        steps += 1.0;
        for (sum, e) in sums.iter_mut().zip(edges.chunks(2)) {
            // Over the volume of the shell, by Simpson's rule.
            let at = |r: f64| medium.calcium(&state, r) * r * r;
            let simpson = (at(e[0]) + 4.0 * at(0.5 * (e[0] + e[1])) + at(e[1])) / 6.0 * (e[1] - e[0]);
            *sum += simpson * 3.0 / (e[1] * e[1] * e[1] - e[0] * e[0] * e[0]);
        }
    }
    sums.iter().map(|s| s / steps).collect()
}

#[test]
fn nanodomains_with_buffer_are_those_of_full_reaction_and_diffusion() {
    for (name, buffer, cell, trials) in [("EGTA", egta(), 0.02, 150), ("BAPTA", bapta(), 0.02, 150)] {
        let rate = 1000.0;
        let (from, to) = (us(200.0), us(1000.0));
        let edges = shells_at(&RADII);
        let expected = full(std::slice::from_ref(&buffer), &edges, from, to);
        let mut d = description(chamber(0.5, 0.5, Wall::Sealed), vec![buffer]);
        d.grid.cell = cell;
        d.probes.push(Probe { at: [0.0; 3], radius: 0.111, rate });
        let plan = Plan::new(&d).unwrap();
        let clock = std::time::Instant::now();
        let (mut all, mut events) = (Field { edges: edges.clone(), seen: vec![] }, 0);
        for trial in 0..trials {
            let key = StreamKey::new(2, trial, 0, 0);
            let mut state = plan.start(key, us(5.0));
            plan.set_current(&mut state, key, 0, CURRENT);
            plan.advance(&mut state, key, from, &mut |_| ());
            all.seen.extend(Field::watch(&plan, key, &mut state, edges.clone(), 1, to - from).seen);
            assert!(plan.budget(&state).balances() && state.clipped() == 0);
            events += state.events();
        }
        println!("{name}, cells {:?}: {} s, {events} events, {} ns each", plan.cells(), clock.elapsed().as_secs_f64(), clock.elapsed().as_nanos() as f64 / events as f64);
        for (k, (c, se)) in all.means(rate, to - from).into_iter().enumerate() {
            let exact = expected[k];
            println!("{} nm: {:.4} uM of {:.4} ({:.2} %), {:.2} se of {:.2} %", 1e3 * RADII[k], 1e3 * c, 1e3 * exact, 1e2 * (c / exact - 1.0), (c - exact) / se, 1e2 * se / exact);
        }
    }
}
