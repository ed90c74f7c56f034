//! Gap junctions in circuits: exact laws, order, charge, bits.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms, tree};
use engine::circuit::{
    CircuitError, Injection, Junction, Outside, Passing, Plan, Points, Scratch, State, Target, Trace, Trains, run,
};
use engine::junction::{Drive, JunctionInput, JunctionScheme, JunctionStep, Kind, Modulator};
use engine::mechanism::{Binary, ProgramBuilder, Unary};
use engine::neuron::{self, Cell, Channel, Method, Spike, Stepping};
use engine::point::{Lif, Model};
use engine::time::Tick;
use numerics::simd::Level;

fn at(cell: u32, compartment: u32) -> Target {
    Target { cell, compartment }
}

fn ohmic(a: Target, b: Target, g: f64) -> Junction {
    Junction { a, b, kind: 0, g }
}

/// Steady currents for ever.
fn held(to: Target, current: f64) -> Injection {
    Injection { to, start: Tick::ZERO, stop: ms(1e6), current }
}

/// A membrane of 100 pF and 10 nS that rests at -70 mV.
fn round() -> Cell {
    Cell::point(TISSUE, 1e4).with(0, 0.1)
}

fn leaks() -> Vec<Channel> {
    vec![Channel::leak(-70.0)]
}

struct Run {
    plan: Plan,
    state: State,
    spikes: Vec<Spike>,
    trace: Trace,
}

impl Run {
    fn of(plan: Plan, sites: &[Target], watched: &[u32]) -> Self {
        let cells = neuron::State::at(&plan.cells, -70.0);
        let state = State::new(&plan, cells);
        let trace = Trace::new(sites.to_vec(), 1).with_junctions(watched.to_vec());
        Self { plan, state, spikes: Vec::new(), trace }
    }

    fn go(&mut self, dt: Tick, steps: u64) {
        self.go_at(Level::best(), dt, steps);
    }

    fn go_at(&mut self, level: Level, dt: Tick, steps: u64) {
        let stepping = Stepping { level, dt, method: Method::CrankNicolson };
        let (plan, state) = (&self.plan, &mut self.state);
        let (trains, mut outside) = (Trains::default(), Outside::default());
        let (spikes, trace) = (&mut self.spikes, &mut self.trace);
        run(plan, state, &Scratch::default(), stepping, steps, &trains, &mut outside, spikes, trace).unwrap();
    }
}

fn circuit(
    channels: Vec<Channel>,
    cells: &[Cell],
    dt: Tick,
    kinds: Vec<Kind>,
    junctions: &[Junction],
    injections: &[Injection],
) -> Plan {
    let cells = neuron::Plan::new(channels, cells, COLD).unwrap();
    Plan::new(cells, dt, vec![], 0, &[], injections).unwrap().joined(kinds, junctions.to_vec()).unwrap()
}

#[test]
fn a_steady_current_divides_by_the_coupling_coefficient() {
    let dt = ms(0.1);
    let plan = circuit(
        leaks(),
        &[round(), round()],
        dt,
        vec![Kind::ohmic()],
        &[ohmic(at(0, 0), at(1, 0), 1.0)],
        &[held(at(0, 0), 50.0)],
    );
    let mut run = Run::of(plan, &[at(0, 0), at(1, 0)], &[0]);
    run.go(dt, 5000);
    let v = |k: usize| run.trace.values[k].last().unwrap() + 70.0;
    // g_j / (g_j + g_m) = 1 / 11
    println!("coupling coefficient {}", v(1) / v(0));
    assert!((v(1) / v(0) - 1.0 / 11.0).abs() < 1e-9);
    let passed = run.trace.passed[0].last().unwrap();
    assert!((passed.current - (v(0) - v(1))).abs() < 1e-9 && passed.g == 1.0);
}

/// What a passive network does under steady currents from rest on, exactly: `C V' = A V + I`.
fn exact(c: &[f64], a: &[Vec<f64>], i: &[f64], t: f64) -> Vec<f64> {
    let n = c.len();
    // exp of the augmented matrix by scaling and squaring of the series.
    let m = n + 1;
    let scale = 2f64.powi(-30);
    let mut x = vec![vec![0.0; m]; m];
    for r in 0..n {
        for k in 0..n {
            x[r][k] = a[r][k] / c[r] * t * scale;
        }
        x[r][n] = i[r] / c[r] * t * scale;
    }
    let product = |x: &[Vec<f64>], y: &[Vec<f64>]| -> Vec<Vec<f64>> {
        (0..m).map(|r| (0..m).map(|k| (0..m).map(|j| x[r][j] * y[j][k]).sum()).collect()).collect()
    };
    // exp(x) - 1, squared up: (1 + e)^2 - 1 = 2 e + e^2, which loses nothing.
    let x2 = product(&x, &x);
    let x3 = product(&x2, &x);
    let mut e: Vec<Vec<f64>> =
        (0..m).map(|r| (0..m).map(|k| x[r][k] + x2[r][k] / 2.0 + x3[r][k] / 6.0).collect()).collect();
    for _ in 0..30 {
        let square = product(&e, &e);
        e = (0..m).map(|r| (0..m).map(|k| 2.0 * e[r][k] + square[r][k]).collect()).collect();
    }
    (0..n).map(|r| e[r][n]).collect()
}

/// Three somas with dendrites of three compartments, joined soma to soma, dendrite to dendrite and across.
fn network(g: f64) -> (Vec<Cell>, Vec<Junction>) {
    let cell = |k: u32| {
        let mut cell = Cell::point(TISSUE, 600.0 + 200.0 * f64::from(k));
        cell.add_cylinder(TISSUE, 0, 0.0, (100.0, 2.0, 3));
        cell.with(0, 0.1)
    };
    let cells: Vec<Cell> = (0..3).map(cell).collect();
    let junctions = [(at(0, 0), at(1, 0)), (at(1, 3), at(2, 3)), (at(0, 2), at(2, 1)), (at(2, 0), at(0, 0))];
    (cells, junctions.map(|(a, b)| ohmic(a, b, g)).to_vec())
}

/// Capacitances and conductances of a network of leaky cells.
fn matrix(cells: &[Cell], junctions: &[Junction]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let firsts: Vec<usize> = cells
        .iter()
        .scan(0, |next, c| {
            let first = *next;
            *next += c.compartments.len();
            Some(first)
        })
        .collect();
    let n: usize = cells.iter().map(|c| c.compartments.len()).sum();
    let (mut c, mut a) = (vec![0.0; n], vec![vec![0.0; n]; n]);
    let mut link = |r: usize, k: usize, g: f64| {
        a[r][r] -= g;
        a[k][k] -= g;
        a[r][k] += g;
        a[k][r] += g;
    };
    for (cell, first) in cells.iter().zip(&firsts) {
        for (k, compartment) in cell.compartments.iter().enumerate() {
            if let Some(parent) = compartment.parent {
                link(first + k, first + parent as usize, compartment.g_axial);
            }
        }
    }
    for j in junctions {
        link(
            firsts[j.a.cell as usize] + j.a.compartment as usize,
            firsts[j.b.cell as usize] + j.b.compartment as usize,
            j.g,
        );
    }
    for (cell, first) in cells.iter().zip(&firsts) {
        for (k, compartment) in cell.compartments.iter().enumerate() {
            c[first + k] = compartment.c_m;
            a[first + k][first + k] -= cell.insertions[0].g_max[k];
        }
    }
    (c, a)
}

#[test]
fn a_passive_network_follows_its_matrix_exponential_with_order_two_however_strong_the_coupling() {
    // A soma of 600 um2 has .6 nS of leak: sums of 2 g over leak from .3 to 200.
    for g in [0.1, 1.0, 6.0, 60.0] {
        let (cells, junctions) = network(g);
        let (c, a) = matrix(&cells, &junctions);
        let mut i = vec![0.0; c.len()];
        (i[0], i[7]) = (100.0, -40.0);
        let want = exact(&c, &a, &i, 8.0);
        let off = |dt: f64| {
            let injections = [held(at(0, 0), 100.0), held(at(1, 3), -40.0)];
            let dt = ms(dt);
            let plan = circuit(leaks(), &cells, dt, vec![Kind::ohmic()], &junctions, &injections);
            let mut run = Run::of(plan, &[], &[]);
            run.go(dt, (ms(8.0).0 / dt.0) as u64);
            let got = (0..12).map(|k| run.state.v_m(&run.plan, at(k / 4, k % 4)) + 70.0);
            got.zip(&want).map(|(got, want)| (got - want).abs()).fold(0.0, f64::max)
        };
        let errors = [0.2, 0.1, 0.05, 0.025].map(off);
        let order = (errors[1] / errors[3]).log2() / 2.0;
        println!("g_j {g} nS: errors {errors:?} mV at .2 to .025 ms, order {order:.3}");
        assert!((1.9..2.1).contains(&order), "{order}");
        assert!(errors[1] < 2e-2, "{errors:?}");
    }
}

#[test]
fn what_one_cell_loses_the_other_gains() {
    // Over every step: C dV = (leak + injection + junction at the mean voltage) dt, with what the junction reports.
    let dt = ms(0.1);
    let strong = 200.0;
    let junctions = [ohmic(at(0, 0), at(1, 0), strong), ohmic(at(1, 0), at(2, 0), 1.0)];
    let plan =
        circuit(leaks(), &[round(), round(), round()], dt, vec![Kind::ohmic()], &junctions, &[held(at(0, 0), 100.0)]);
    let mut run = Run::of(plan, &[at(0, 0), at(1, 0), at(2, 0)], &[0, 1]);
    run.go(dt, 500);
    let (mut worst, mut moved) = (0.0_f64, 0.0_f64);
    for step in 3..500 {
        let v = |k: usize, s: usize| run.trace.values[k][s];
        let j = |k: usize| run.trace.passed[k][step].current;
        let flows = [100.0 - j(0), j(0) - j(1), j(1)];
        for (k, flow) in flows.iter().enumerate() {
            let (before, after) = (v(k, step - 1), v(k, step));
            let leak = 10.0 * (-70.0 - 0.5 * (before + after));
            let charge = 100.0 * (after - before);
            worst = worst.max((charge - (leak + flow) * 0.1).abs());
        }
        moved += j(0) * 0.1;
    }
    println!("charge that was lost a step: {worst:.1e} of {moved:.0} fC in all");
    // 1e-12 of what the cells hold: 100 pF at 70 mV.
    assert!(worst < 1e-12 * 100.0 * 70.0);
    // And all together: what was injected is on the membranes or has leaked.
    let held: f64 = (0..3).map(|k| 100.0 * (run.trace.values[k][499] + 70.0)).sum();
    let leaked: f64 = (0..3)
        .map(|k| {
            let v = &run.trace.values[k];
            let first = 0.5 * (-70.0 + v[0]) + 70.0;
            first + v.windows(2).map(|w| 0.5 * (w[0] + w[1]) + 70.0).sum::<f64>()
        })
        .sum::<f64>()
        * 10.0
        * 0.1;
    println!("injected {}, held {held}, leaked {leaked}", 100.0 * 50.0);
}

#[test]
fn without_conductance_nothing_of_a_cell_changes() {
    let dt = ms(0.025);
    let cell = |k: usize| tree(k).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
    let cells: Vec<Cell> = (0..3).map(cell).collect();
    // Currents without an edge: cells that are joined take the damped step after an edge together.
    let always = |to, current| Injection { to, start: ms(-1.0), stop: ms(1e6), current };
    let injections = [always(at(0, 0), 200.0), always(at(1, 5), 500.0)];
    let alone = circuit(hodgkin_huxley(), &cells, dt, vec![], &[], &injections);
    let joined =
        circuit(hodgkin_huxley(), &cells, dt, vec![Kind::ohmic()], &[ohmic(at(0, 7), at(1, 3), 0.0)], &injections);
    let (mut a, mut b) = (Run::of(alone, &[], &[]), Run::of(joined, &[], &[]));
    a.go(dt, 800);
    b.go(dt, 800);
    assert_eq!(a.spikes, b.spikes);
    assert!(a.spikes.len() >= 2, "{}", a.spikes.len());
    assert_eq!(a.state.cells, b.state.cells);
}
