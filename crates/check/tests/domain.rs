//! Calcium around a channel (C-17, C-18) against two solutions that share nothing with the engine's: the stationary
//! two-point problem by Newton, and the moving field by the method of lines (diffsol's BDF).
//!
//! Both in `w = r (c - rest)`, so that a source without buffer is a straight line, on a uniform grid in `ln r`.

use diffsol::{NalgebraLU, NalgebraMat, OdeBuilder, OdeSolverMethod};
use engine::terminal::buffer::Buffer;
use engine::terminal::bulk::Scratch;
use engine::terminal::domain::Domain;
use engine::terminal::shells::{Grid, Outside, Shells};
use engine::time::Tick;
use numerics::{constants::FARADAY, math};
use std::f64::consts::PI;

/// um2/ms, mM, pA, um.
const DIFFUSION: f64 = 0.22;
const REST: f64 = 5e-5;
const CURRENT: f64 = 0.2;
const INNER: f64 = 1e-3;
const RADII: [f64; 5] = [15.0, 20.0, 30.0, 50.0, 100.0];

/// One site, bound and free diffusing as calcium does; some of it holds calcium at rest.
#[derive(Clone, Copy)]
struct OneSite {
    on: f64,
    off: f64,
    total: f64,
}

const NONE: OneSite = OneSite { on: 10.0, off: 7e-4, total: 0.0 };
const EGTA: OneSite = OneSite { on: 10.0, off: 7e-4, total: 10.0 };
const BAPTA: OneSite = OneSite { on: 400.0, off: 0.088, total: 1.0 };

impl OneSite {
    fn bound_at_rest(&self) -> f64 {
        self.total * REST / (REST + self.off / self.on)
    }

    fn engine(&self) -> Vec<Buffer> {
        if self.total == 0.0 {
            return Vec::new();
        }
        vec![Buffer::one_site(self.on, self.off, self.total, DIFFUSION).expect("a buffer")]
    }

    /// Calcium bound, mM/ms, at what is free and bound above rest; and its slopes over both.
    fn binding(&self, c: f64, bound: f64) -> (f64, f64, f64) {
        let (c, bound) = (REST + c, self.bound_at_rest() + bound);
        let free = self.total - bound;
        let (by_c, by_bound) = (self.on * free, -self.on * c - self.off);
        (by_c * c - self.off * bound, by_c, by_bound)
    }
}

/// Influx over a half space, so that `c = source / (D r)` without buffer: mM um3/ms.
fn source() -> f64 {
    CURRENT / (2.0 * FARADAY) / (2.0 * PI)
}

/// Steady calcium above rest at the radii (nm), mM. All calcium obeys `D (c + bound) = source / r` above rest, which
/// leaves one equation, `D w'' = r binding`, closed by `r w' = w - source / D` within and no net binding far outside.
fn steady(buffer: OneSite, nodes: usize) -> Vec<f64> {
    let dx = math::ln(20.0 / INNER) / (nodes - 1) as f64;
    let r: Vec<f64> = (0..nodes).map(|i| INNER * math::exp(dx * i as f64)).collect();
    let point = source() / DIFFUSION;
    let mut w = vec![point; nodes];
    if buffer.total > 0.0 {
        let length = (DIFFUSION / buffer.binding(0.0, 0.0).1).sqrt();
        w.iter_mut().zip(&r).for_each(|(w, r)| *w *= math::exp(-r / length));
    }
    for _ in 0..60 {
        // (below, diagonal, above, right-hand side) of each row.
        let row = |i: usize| -> [f64; 4] {
            let (b, by_c, by_bound) = buffer.binding(w[i] / r[i], (point - w[i]) / r[i]);
            // D (w_xx - w_x) = r^3 binding, and d binding / d w = (by_c - by_bound) / r.
            let (reaction, slope) = (r[i] * r[i] * r[i] * b / DIFFUSION, r[i] * r[i] * (by_c - by_bound) / DIFFUSION);
            let (near, far) = (1.0 / (dx * dx) + 0.5 / dx, 1.0 / (dx * dx) - 0.5 / dx);
            if i + 1 == nodes {
                return if buffer.total > 0.0 {
                    [0.0, -slope, 0.0, reaction]
                } else {
                    [-1.0, 1.0, 0.0, w[i - 1] - w[i]]
                };
            }
            if i == 0 {
                // The node before the first, from w_x = w - point.
                let before = w[1] - 2.0 * dx * (w[0] - point);
                let residual = near * before - (near + far) * w[0] + far * w[1] - reaction;
                return [0.0, -near * 2.0 * dx - (near + far) - slope, near + far, -residual];
            }
            let residual = near * w[i - 1] - (near + far) * w[i] + far * w[i + 1] - reaction;
            [near, -(near + far) - slope, far, -residual]
        };
        let mut eliminated: Vec<(f64, f64)> = Vec::with_capacity(nodes);
        for i in 0..nodes {
            let [below, diagonal, above, rhs] = row(i);
            let (c, d) = eliminated.last().copied().unwrap_or_default();
            let pivot = diagonal - below * c;
            eliminated.push((above / pivot, (rhs - below * d) / pivot));
        }
        let (mut change, mut most) = (0.0, 0.0_f64);
        for i in (0..nodes).rev() {
            change = eliminated[i].1 - eliminated[i].0 * change;
            w[i] += change;
            most = most.max(change.abs());
        }
        // Newton's next step would be the square of this.
        if most < 1e-8 * point {
            return RADII.iter().map(|nm| between(&r, &w, nm * 1e-3)).collect();
        }
    }
    panic!("Newton does not converge");
}

/// `w / r` at a radius, w linear between nodes.
fn between(r: &[f64], w: &[f64], radius: f64) -> f64 {
    let i = r.partition_point(|r| *r < radius).clamp(1, r.len() - 1);
    let share = (radius - r[i - 1]) / (r[i] - r[i - 1]);
    (w[i - 1] + share * (w[i] - w[i - 1])) / radius
}

fn shells(buffer: OneSite, shells: usize) -> Shells {
    let grid = Grid { inner: INNER, outer: 3.0, shells, outside: Outside::Open };
    Shells::new(grid, DIFFUSION, REST, &buffer.engine()).expect("a medium")
}

fn worst(got: &[f64], want: &[f64]) -> f64 {
    got.iter().zip(want).fold(0.0, |most, (a, b)| f64::max(most, (a / b - 1.0).abs()))
}

#[test]
fn steady_domains_agree_with_a_two_point_problem_of_their_own() {
    let mut fields = Vec::new();
    for (name, buffer) in [("none", NONE), ("EGTA", EGTA), ("BAPTA", BAPTA)] {
        let exact = steady(buffer, 8000);
        let itself = worst(&steady(buffer, 4000), &exact);
        let medium = shells(buffer, 300);
        let mut state = medium.start();
        medium.settle(&mut state, CURRENT, &mut Scratch::default()).expect("settles");
        let field: Vec<f64> = RADII.iter().map(|nm| medium.calcium(&state, nm * 1e-3) - REST).collect();
        let capture = buffer.engine().iter().fold(0.0, |sum, b| sum + b.capture(REST).expect("an equilibrium"));
        let domain = Domain::new(DIFFUSION, capture).expect("a domain");
        let closed: Vec<f64> = RADII.iter().map(|nm| CURRENT * domain.gain(nm * 1e-3)).collect();
        println!("{name}: capture {capture:.2} /ms, exact {exact:.4?} mM (grid {itself:.1e})");
        println!(
            "  shells off by {:.2e}, closed form by {:.4?}",
            worst(&field, &exact),
            closed.iter().zip(&exact).map(|(a, b)| a / b - 1.0).collect::<Vec<_>>()
        );
        assert!(itself < 1e-4, "{name}: {itself:e}");
        assert!(worst(&field, &exact) < 5e-3, "{name}: {field:?} {exact:?}");
        // The closed form says nothing of buffer that comes back loaded: fast, scarce BAPTA leaves more far out.
        let held = if buffer.total == BAPTA.total { 3 } else { RADII.len() };
        assert!(worst(&closed[..held], &exact[..held]) < 0.02, "{name}: {closed:?} {exact:?}");
        assert!(closed.iter().zip(&exact).all(|(a, b)| (0.95..1.0 + 1e-9).contains(&(a / b))), "{closed:?} {exact:?}");
        fields.push(exact);
    }
    let left = |k: usize, at: usize| fields[k][at] / fields[0][at];
    println!(
        "left at 20 and 100 nm: EGTA {:.3} {:.3}, BAPTA {:.3} {:.4}",
        left(1, 1),
        left(1, 4),
        left(2, 1),
        left(2, 4)
    );
}

/// Calcium above rest at the radii, at each moment (ms), mM.
fn course(buffer: OneSite, nodes: usize, moments: &[f64]) -> Vec<Vec<f64>> {
    type M = NalgebraMat<f64>;
    type Lu = NalgebraLU<f64>;
    let dx = math::ln(3.0 / INNER) / nodes as f64;
    let r: Vec<f64> = (0..nodes).map(|i| INNER * math::exp(dx * i as f64)).collect();
    let point = source() / DIFFUSION;
    // Calcium, then bound calcium; beyond the last node nothing changes. `drive`: the source, or none for a direction.
    let spread = |x: &[f64], drive: f64, out: &mut [f64], r: &[f64]| {
        for i in 0..nodes {
            let next = if i + 1 < nodes { x[i + 1] } else { 0.0 };
            let before = if i > 0 { x[i - 1] } else { x[1] - 2.0 * dx * (x[0] - drive) };
            let (curve, slope) = ((before - 2.0 * x[i] + next) / (dx * dx), (next - before) / (2.0 * dx));
            out[i] = DIFFUSION * (curve - slope) / (r[i] * r[i]);
        }
    };
    let both = move |x: &[f64], drive: f64, out: &mut [f64], r: &[f64]| {
        let (calcium, bound) = out.split_at_mut(nodes);
        spread(&x[..nodes], drive, calcium, r);
        spread(&x[nodes..], 0.0, bound, r);
    };
    let (r1, r2) = (r.clone(), r.clone());
    let problem = OdeBuilder::<M>::new()
        .rtol(1e-6)
        .atol([1e-9 * point])
        .rhs_implicit(
            move |x: &[f64], _, _, y: &mut [f64]| {
                both(x, point, y, &r1);
                for (i, r) in r1.iter().enumerate() {
                    let flow = r * buffer.binding(x[i] / r, x[nodes + i] / r).0;
                    y[i] -= flow;
                    y[nodes + i] += flow;
                }
            },
            move |x: &[f64], _, _, v: &[f64], y: &mut [f64]| {
                both(v, 0.0, y, &r2);
                for (i, r) in r2.iter().enumerate() {
                    let (_, by_c, by_bound) = buffer.binding(x[i] / r, x[nodes + i] / r);
                    let flow = by_c * v[i] + by_bound * v[nodes + i];
                    y[i] -= flow;
                    y[nodes + i] += flow;
                }
            },
        )
        .init(|_, _, y| y.fill(0.0), 2 * nodes)
        .build()
        .expect("a problem");
    let mut solver = problem.bdf::<Lu>().expect("a solver");
    let read = |t: &f64| {
        while solver.state().t <= *t {
            solver.step().expect("a step");
        }
        let x = solver.interpolate(*t).expect("inside the step");
        let w: Vec<f64> = (0..nodes).map(|i| x[i]).collect();
        RADII.iter().map(|nm| between(&r, &w, nm * 1e-3)).collect()
    };
    moments.iter().map(read).collect()
}

#[test]
fn moving_domains_agree_with_the_method_of_lines() {
    let moments = [0.001, 0.003, 0.01, 0.1];
    for (name, buffer) in [("none", NONE), ("EGTA", EGTA), ("BAPTA", BAPTA)] {
        let theirs = course(buffer, 200, &moments);
        let medium = shells(buffer, 300);
        let (mut state, mut scratch) = (medium.start(), Scratch::default());
        for (t, want) in moments.iter().zip(&theirs) {
            let span = Tick::from_ms(*t).expect("a time") - state.clock();
            let end = state.clock() + span;
            while state.clock() < end {
                let dt = Tick((span.0 / 100).max(1)).min(end - state.clock());
                medium.advance(&mut state, dt, CURRENT, &mut scratch).expect("a step");
            }
            let field: Vec<f64> = RADII.iter().map(|nm| medium.calcium(&state, nm * 1e-3) - REST).collect();
            // What is below 20 nM has yet to arrive.
            let off = field.iter().zip(want).map(|(a, b)| (a - b).abs() / (b + 2e-5)).fold(0.0, f64::max);
            println!("{name} at {t} ms: {want:.5?} mM, off by {off:.2e}");
            assert!(off < 0.01, "{name} at {t} ms: {field:?} {want:?}");
        }
    }
}
