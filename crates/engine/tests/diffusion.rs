//! Ions that diffuse from compartment to compartment: closed forms, books, order, rest, and that who computes does not matter.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::mechanism::ProgramBuilder;
use engine::neuron::*;
use engine::snapshot;
use numerics::math;
use numerics::simd::{F64x8, Level};
use std::f64::consts::{LN_2, PI};

const CALCIUM: Ion = Ion { valence: 2, outside: 2.0 };
const REST: f64 = 5e-5;
/// um2/ms
const D: f64 = 0.22;
/// Indices of [`kinds`].
const LEAK: usize = 2;
const CA: usize = 3;
const SK: usize = 4;
const DRIP: usize = 5;

/// The squid's channels; of calcium a channel of high threshold, and a leak; an SK channel.
fn kinds() -> Vec<Channel> {
    let mut b = ProgramBuilder::new(1);
    let (v, at, slope, one, tau) = (b.input(0), b.constant(-20.0), b.constant(-5.0), b.constant(1.0), b.constant(0.4));
    let x = b.sub(v, at);
    let x = b.div(x, slope);
    let e = b.exp(x);
    let e = b.add_values(one, e);
    let m = b.div(one, e);
    let opens = b.finish(&[m, tau]).unwrap();
    let mut b = ProgramBuilder::new(1);
    let (c, half, one, tau) = (b.input(0), b.constant(1e-3), b.constant(1.0), b.constant(4.0));
    let x = b.div(half, c);
    let x = b.powi(x, 4);
    let x = b.add_values(one, x);
    let open = b.div(one, x);
    let by_calcium = b.finish(&[open, tau]).unwrap();
    let steady = |count| vec![Gate { count, form: GateForm::Steady }];
    let mut all = hodgkin_huxley();
    let calcium = Channel { law: Law::Nernst, ion: Some(0), ..Channel::leak(0.0) };
    all.push(Channel { gates: steady(2), rates: opens, inputs: vec![ChannelInput::Voltage], ..calcium.clone() });
    let inputs = vec![ChannelInput::Concentration(0)];
    all.push(Channel { gates: steady(1), rates: by_calcium, inputs, ..Channel::leak(-90.0) });
    all.push(calcium);
    all
}

fn plan(cells: &[Cell]) -> Plan {
    Plan::with_ions(kinds(), vec![CALCIUM], cells, COLD).unwrap()
}

/// All of a cylinder of that diameter, from which nothing is removed.
fn closed(diameter: f64) -> impl Fn(&Compartment) -> Dynamics {
    move |c| Dynamics {
        volume: c.area * diameter / 4.0,
        rest: REST,
        tau: f64::INFINITY,
        v_max: 0.0,
        k_m: 0.0,
        bound: 0.0,
        share: 1.0,
    }
}

fn everywhere(_: u32) -> bool {
    true
}

/// No joint.
fn massive(cell: &Cell) -> impl Fn(u32) -> bool + use<> {
    let areas: Vec<f64> = cell.compartments.iter().map(|c| c.area).collect();
    move |k| areas[k as usize] > 0.0
}

fn stepping(dt: f64) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method: Method::CrankNicolson }
}

fn go<Dr: Drive>(plan: &Plan, state: &mut State, dt: f64, steps: u64, drives: &mut [Dr]) -> Vec<Spike> {
    let mut spikes = Vec::new();
    run(plan, state, &Scratch::default(), stepping(dt), steps, drives, &mut spikes).unwrap();
    spikes
}

fn inside(plan: &Plan, state: &State, k: u32) -> f64 {
    state.concentration(plan, plan.site(0, k), 0).unwrap()
}

fn order(errors: &[f64]) -> Vec<f64> {
    errors.windows(2).map(|pair| math::ln(pair[0] / pair[1]) / LN_2).collect()
}

/// A cylinder of `length` and `diameter` um in `n` pieces, the first the root.
fn cylinder(length: f64, diameter: f64, n: u32) -> Cell {
    let step = length / f64::from(n);
    let mut cell = Cell::point(TISSUE, PI * diameter * step);
    if n > 1 {
        let half = 1.0 / TISSUE.g_axial(step / 2.0, diameter);
        cell.add_cylinder(TISSUE, 0, half, (length - step, diameter, n - 1));
    }
    cell.with(LEAK, 0.3)
}

#[test]
fn two_compartments_even_out_by_an_exponential() {
    // Volumes 8 and 1: k = D A / L (1 / V1 + 1 / V2), with bound ions 1 + bound times as slow.
    let mut cell = Cell::point(TISSUE, 80.0);
    cell.add_cylinder(TISSUE, 0, 0.0, (2.0, 0.5, 1));
    let volumes = [8.0, PI * 0.25 * 0.25 * 2.0];
    for (bound, buffer) in [(0.0, 0.0), (20.0, 0.0), (20.0, 0.05)] {
        let d = D + bound * buffer;
        let pooled = cell.clone().with(LEAK, 0.3).with_pool(0, everywhere, |c| {
            let volume = if c.parent.is_none() { volumes[0] } else { volumes[1] };
            Dynamics { volume, bound, ..closed(1.0)(c) }
        });
        let plan = plan(&[pooled.diffusing(d, TISSUE.r_a)]);
        // From the middle of the root, without a resistance of its own, to that of the cylinder: 1 um.
        let g = d * PI * 0.25 * 0.25 / 1.0;
        let rate = g / (1.0 + bound) * (1.0 / volumes[0] + 1.0 / volumes[1]);
        let end = 1.5 / rate;
        let errors: Vec<f64> = [32_u32, 64, 128]
            .into_iter()
            .map(|steps| {
                let mut state = State::at(&plan, -54.0);
                state.set_concentration(&plan, plan.site(0, 1), 0, 1e-2);
                let mean = (volumes[0] * REST + volumes[1] * 1e-2) / (volumes[0] + volumes[1]);
                // Ticks are whole: the time is that of the steps made.
                let dt = ms(end / f64::from(steps)).ms();
                go(&plan, &mut state, dt, u64::from(steps), &mut [Quiet]);
                let left = math::exp(-rate * dt * f64::from(steps));
                let want = [REST, 1e-2].map(|c| mean + (c - mean) * left);
                (0..2).map(|k| (inside(&plan, &state, k as u32) / want[k] - 1.0).abs()).fold(0.0, f64::max)
            })
            .collect();
        println!("bound {bound}, buffer {buffer}: rate {rate} /ms, errors {errors:?}, orders {:?}", order(&errors));
        assert!(errors[2] < 2e-4 && order(&errors).iter().all(|o| (o - 2.0).abs() < 0.1), "{errors:?}");
    }
}

/// Concentrations along a cylinder of 80 um some ms after 1 amol was set free in its middle um.
fn spread(n: u32, dt: f64, time: f64) -> f64 {
    let cell = cylinder(80.0, 1.0, n).with_pool(0, everywhere, closed(1.0)).diffusing(D, TISSUE.r_a);
    let plan = plan(&[cell]);
    let mut state = State::at(&plan, -54.387);
    let dx = 80.0 / f64::from(n);
    let area = PI / 4.0;
    // A Gaussian already, whose width is that of 10 ms of diffusion.
    let gauss = |x: f64, t: f64| REST + math::exp(-x * x / (4.0 * D * t)) / (area * (4.0 * PI * D * t).sqrt());
    let x = |k: u32| (f64::from(k) + 0.5) * dx - 40.0;
    for k in 0..n {
        state.set_concentration(&plan, plan.site(0, k), 0, gauss(x(k), 10.0));
    }
    go(&plan, &mut state, dt, (time / dt).round() as u64, &mut [Quiet]);
    let off = |k: u32| (inside(&plan, &state, k) - gauss(x(k), 10.0 + time)).abs();
    (0..n).map(off).fold(0.0, f64::max) / gauss(0.0, 10.0 + time)
}

#[test]
fn in_a_long_cylinder_they_spread_as_a_gaussian_to_second_order_in_space_and_time() {
    // The ends are 40 um away, 8 times the width in the end.
    let in_space: Vec<f64> = [80, 160, 320].into_iter().map(|n| spread(n, 0.05, 40.0)).collect();
    println!("space: {in_space:?}, orders {:?}", order(&in_space));
    assert!(in_space[2] < 3e-4 && order(&in_space).iter().all(|o| (o - 2.0).abs() < 0.1), "{in_space:?}");
    let in_time: Vec<f64> = [4.0, 2.0, 1.0].into_iter().map(|dt| spread(1600, dt, 40.0)).collect();
    println!("time: {in_time:?}, orders {:?}", order(&in_time));
    assert!(in_time[2] < 2e-3 && order(&in_time).iter().all(|o| (o - 2.0).abs() < 0.3), "{in_time:?}");
}

#[test]
fn two_branches_with_their_stems_cross_section_are_one_cylinder() {
    // Half the cross-section each: by symmetry nothing knows of the joint, which holds nothing.
    let (d, n) = (1.0, 20);
    let halved = d / 2.0_f64.sqrt();
    let mut tree = Cell::point(TISSUE, PI * d * 0.5);
    let half = 1.0 / TISSUE.g_axial(0.25, d);
    let (stem, half) = tree.add_cylinder(TISSUE, 0, half, (9.5, d, n - 1));
    let joint = tree.add_joint(stem.end - 1, half);
    let ends: Vec<u32> = (0..2).map(|_| tree.add_cylinder(TISSUE, joint, 0.0, (10.0, halved, n)).0.start).collect();
    let here = massive(&tree);
    let volume = |c: &Compartment| if c.area == 0.0 { 1.0 } else { c.area / 4.0 };
    let narrow = PI * halved * 0.5;
    let tree = tree.with_at(LEAK, 0.3, &here).with_pool(0, &here, |c| {
        let thin = (c.area / narrow - 1.0).abs() < 1e-9;
        Dynamics { volume: volume(c) * if thin { halved } else { d }, ..closed(d)(c) }
    });
    let plan_of = |cell: Cell| plan(&[cell.diffusing(D, TISSUE.r_a)]);
    let tree = plan_of(tree);
    let line = plan_of(cylinder(20.0, d, 2 * n).with_pool(0, everywhere, closed(d)));
    let [mut a, mut b] = [&tree, &line].map(|plan| State::at(plan, -54.387));
    for (plan, state) in [(&tree, &mut a), (&line, &mut b)] {
        state.set_concentration(plan, plan.site(0, n - 3), 0, 1e-2);
        go(plan, state, 0.025, 400, &mut [Quiet]);
    }
    let mut off: f64 = 0.0;
    for k in 0..n {
        off = off.max((inside(&tree, &a, k) / inside(&line, &b, k) - 1.0).abs());
        for first in &ends {
            off = off.max((inside(&tree, &a, first + k) / inside(&line, &b, n + k) - 1.0).abs());
        }
    }
    println!("branches: off by {off:e}, {} mM beyond", inside(&tree, &a, ends[0] + 3));
    assert!(off < 1e-12 && inside(&tree, &a, ends[0] + 3) > 2.0 * REST, "{off:e}");
    assert!(a.concentration(&tree, tree.site(0, joint), 0).is_none());
}

/// A soma, a spine of two compartments on it, all with pools.
fn spine(neck: (f64, f64), head: f64, of_the_head: impl Fn(Dynamics) -> Dynamics) -> Cell {
    let mut cell = Cell::soma(TISSUE, 20.0);
    let (range, half) = cell.add_cylinder(TISSUE, 0, 0.0, (neck.0, neck.1, 1));
    let area = PI * head * head;
    cell.compartments.push(Compartment { area, c_m: 0.01 * area, parent: Some(range.start), g_axial: 1.0 / half });
    let volumes = [PI / 6.0 * 8000.0, PI / 4.0 * neck.1 * neck.1 * neck.0, PI / 6.0 * math::powi(head, 3)];
    let mut cell = cell.with(LEAK, 0.3).with_pool(0, everywhere, closed(1.0));
    for (k, pool) in cell.pools[0].compartments.iter_mut().enumerate() {
        let own = pool.unwrap();
        *pool = Some(Dynamics { volume: volumes[k], ..own });
    }
    let own = cell.pools[0].compartments[2].unwrap();
    cell.pools[0].compartments[2] = Some(of_the_head(own));
    cell.diffusing(D, TISSUE.r_a)
}

#[test]
fn a_spines_head_empties_through_its_neck_as_its_volume_and_neck_have_it() {
    // tau = V L / (D A) where the neck holds little (Svoboda et al. 1996, Science 272:716).
    for (length, width) in [(1.0, 0.05), (2.0, 0.05), (1.0, 0.1)] {
        let head = 0.6;
        let plan = plan(&[spine((length, width), head, |d| d)]);
        let mut state = State::at(&plan, -54.387);
        state.set_concentration(&plan, plan.site(0, 2), 0, 1e-3);
        let tau = PI / 6.0 * math::powi(head, 3) * length / (D * PI / 4.0 * width * width);
        let dt = ms(tau / 1000.0).ms();
        // The neck fills first.
        go(&plan, &mut state, dt, 500, &mut [Quiet]);
        let early = inside(&plan, &state, 2) - REST;
        go(&plan, &mut state, dt, 1000, &mut [Quiet]);
        let found = -dt * 1000.0 / math::ln((inside(&plan, &state, 2) - REST) / early);
        let exact = {
            // Neck and head before a soma that is large: the slower of two exponentials.
            let (g, head, neck) = (
                D * PI / 2.0 * width * width / length,
                PI / 6.0 * math::powi(head, 3),
                PI / 4.0 * width * width * length,
            );
            let (a, b) = (g / head, 2.0 * g / neck);
            2.0 / (a + b - ((a + b) * (a + b) - 4.0 * (a * b - a * g / neck)).sqrt())
        };
        println!("neck {length} x {width} um: V L / (D A) = {tau} ms, two exponentials {exact} ms, found {found} ms");
        assert!((found / exact - 1.0).abs() < 1e-4, "{found} {exact}");
        let share = width * width * length / (math::powi(head, 3) * 2.0 / 3.0);
        assert!(found / tau - 1.0 < share && found > tau, "{found} {tau}");
    }
}

#[test]
fn what_a_head_stands_at_is_its_influx_times_the_necks_resistance() {
    // A steady current i into the head: c - rest = i / (z F) L / (D A), nothing removed on the way.
    let soma_pump = |cell: Cell| {
        let mut cell = cell;
        let own = cell.pools[0].compartments[0].unwrap();
        cell.pools[0].compartments[0] = Some(Dynamics { tau: 1e-3, ..own });
        cell
    };
    let plan = plan(&[soma_pump(spine((1.0, 0.1), 0.5, |d| d))]);
    let head = plan.site(0, 2);
    let carrying = with(|_: Moment, _: &[F64x8], ports: &mut Ports| {
        ports.current(head, 0.5);
        ports.carries(0, head, 0.0, 0.5);
    });
    let mut state = State::at(&plan, -54.387);
    go(&plan, &mut state, 0.1, 20_000, &mut [carrying]);
    let resistance = 1.0 / (D * PI / 4.0 * 0.1 * 0.1);
    let want = 0.5 / (2.0 * numerics::constants::FARADAY) * resistance;
    let found = inside(&plan, &state, 2) - inside(&plan, &state, 0);
    println!("head {found} mM above the soma, expected {want}");
    assert!((found / want - 1.0).abs() < 1e-9, "{found} {want}");
}

/// A spiking soma with a dendrite that forks, calcium channels and a pump here and there, pools everywhere.
fn forked(sk: f64) -> Cell {
    let mut cell = Cell::soma(TISSUE, 10.0);
    let (stem, half) = cell.add_cylinder(TISSUE, 0, 0.0, (20.0, 2.0, 4));
    let joint = cell.add_joint(stem.end - 1, half);
    for d in [0.6, 1.0] {
        cell.add_cylinder(TISSUE, joint, 0.0, (20.0, d, 4));
    }
    let here = massive(&cell);
    let cell = cell.with_at(0, 120.0, |k| k < 3).with_at(1, 36.0, |k| k < 3).with_at(LEAK, 0.3, &here);
    let cell = cell.with_at(CA, 0.3, |k| k < 2 || k == 8).with_at(SK, sk, |k| k == 0 || k == 3);
    let pump = |c: &Compartment| Dynamics {
        volume: c.area * 0.3,
        v_max: 2e-3 * c.area,
        k_m: 1e-3,
        bound: 5.0,
        ..closed(1.0)(c)
    };
    cell.with_pool(0, &here, pump).diffusing(D + 5.0 * 0.05, TISSUE.r_a).detect(0, 0.0)
}

fn injected(plan: &Plan, pa: f64) -> Held {
    let mut held = Held::default();
    held.add(plan.site(0, 0), 0.0, pa);
    held
}

#[test]
fn what_came_in_less_what_was_removed_is_there() {
    let plan = plan(&[forked(0.5)]);
    let mut state = plan.rest(-90.0..=-40.0).unwrap();
    let sites: Vec<Site> = (0..plan.compartments(0) as u32).map(|k| plan.site(0, k)).collect();
    let sums = |state: &State| {
        let books = sites.iter().filter_map(|s| state.books(&plan, *s, 0));
        books.fold([0.0; 3], |sum: [f64; 3], one| std::array::from_fn(|i| sum[i] + one[i]))
    };
    let [before, _, _] = sums(&state);
    let spikes = go(&plan, &mut state, 0.02, 5_000, &mut [injected(&plan, 80.0)]);
    let [there, came, removed] = sums(&state);
    let error = (came - removed - (there - before)) / came;
    println!(
        "{} spikes: came {came} amol, removed {removed}, there {before} then {there}, off {error:e}",
        spikes.len()
    );
    assert!(spikes.len() > 3 && removed > 0.1 * came && error.abs() < 1e-12, "{error:e}");
    // Of one compartment alone that is not so: ions pass.
    let [own, came, removed] = state.books(&plan, sites[8], 0).unwrap();
    assert!(((own - came + removed) / own).abs() > 0.01);
}

#[test]
fn errors_fall_with_the_square_of_the_step_with_currents_pumps_and_gates() {
    let plan = plan(&[forked(0.5)]);
    let end = |dt: f64| {
        let mut state = State::at(&plan, -62.0);
        let site = plan.site(0, 0);
        let ramp = with(|moment: Moment, _: &[F64x8], ports: &mut Ports| {
            ports.current(site, 150.0 * (1.0 - math::exp(-moment.at.ms())));
        });
        go(&plan, &mut state, dt, (4.0 / dt).round() as u64, &mut [ramp]);
        [
            state.v_m(site),
            1e4 * inside(&plan, &state, 0),
            1e4 * inside(&plan, &state, 1),
            1e4 * inside(&plan, &state, 2),
        ]
    };
    let exact = end(0.000_5);
    assert!(exact[1] > 1.0 && exact[3] > 0.51, "calcium moves: {exact:?}");
    let all: Vec<[f64; 4]> = [0.02, 0.01, 0.005].into_iter().map(end).collect();
    for quantity in 0..4 {
        let errors: Vec<f64> = all.iter().map(|x| (x[quantity] - exact[quantity]).abs()).collect();
        println!("quantity {quantity}: {} errors {errors:?} orders {:?}", exact[quantity], order(&errors));
        assert!(order(&errors).iter().all(|o| (o - 2.0).abs() < 0.3), "{quantity}: {errors:?}");
    }
}

#[test]
fn no_step_is_so_long_that_a_concentration_becomes_negative_or_rings() {
    // A million times what the step resolves: what was in one place is everywhere at once.
    let n = 40;
    let mut all = Vec::new();
    for scale in [1.0, 1e3, 1e6] {
        let cell = cylinder(20.0, 1.0, n).with_pool(0, everywhere, closed(1.0)).diffusing(D * scale, TISSUE.r_a);
        let plan = plan(&[cell]);
        let mut state = State::at(&plan, -54.387);
        state.set_concentration(&plan, plan.site(0, 7), 0, 1.0);
        let sum = |state: &State| (0..n).map(|k| inside(&plan, state, k)).sum::<f64>();
        let before = sum(&state);
        let mut last = 1.0;
        for _ in 0..50 {
            go(&plan, &mut state, 1.0, 1, &mut [Quiet]);
            let c: Vec<f64> = (0..n).map(|k| inside(&plan, &state, k)).collect();
            let most = c.iter().fold(0.0, |a: f64, b| a.max(*b));
            assert!(c.iter().all(|c| *c >= 0.5 * REST) && most <= last * (1.0 + 1e-12), "{scale}: {c:?}");
            last = most;
        }
        let off = sum(&state) / before - 1.0;
        // Rounding of links against volumes: D h / dx^2 are 0.88 times the scale.
        println!("scale {scale}: most {last}, sum off by {off:e}");
        assert!(off.abs() < 1e-14 * 0.88 * scale.max(100.0), "{off:e}");
        all.push(last);
    }
    assert!((all[2] * f64::from(n) / (1.0 + 39.0 * REST) - 1.0).abs() < 1e-6, "{all:?}");
}

#[test]
fn rest_is_where_influx_removal_and_diffusion_balance() {
    // A leak of calcium into one compartment: a gradient at rest, which SK channels feel.
    let plan = plan(&[forked(0.5).with_at(DRIP, 5e-2, |k| k == 2)]);
    let start = plan.rest(-90.0..=-40.0).unwrap();
    let mut state = start.clone();
    go(&plan, &mut state, 0.025, 8_000, &mut [Quiet]);
    let mut c = Vec::new();
    for k in (0..plan.compartments(0) as u32).filter(|k| *k != 5) {
        let site = plan.site(0, k);
        let drift = (state.v_m(site) - start.v_m(site)).abs();
        let (a, b) = (inside(&plan, &start, k), inside(&plan, &state, k));
        assert!(drift < 1e-6 && (b / a - 1.0).abs() < 1e-7, "{k}: {drift:e} mV, {a} {b}");
        c.push(a);
    }
    println!("at rest: {c:?} mM");
    assert!(c[2] > c[1] && c[1] > c[0] && c[2] > c[3] && c[3] > c[6] && c[2] > 3.0 * REST, "{c:?}");
}

#[test]
fn bits_do_not_depend_on_level_threads_split_or_company() {
    // Trees of several shapes side by side, one without pools, one that does not diffuse.
    let still = |cell: Cell| {
        let mut cell = cell;
        for pool in cell.pools[0].compartments.iter_mut().flatten() {
            pool.tau = 20.0;
        }
        cell.pools[0].links.clear();
        cell
    };
    let line = cylinder(30.0, 1.0, 9).with_at(CA, 1.0, |k| k < 2).with_pool(0, |k| k != 5, closed(1.0));
    let bare = Cell { pools: Vec::new(), ..cylinder(30.0, 1.0, 9) };
    let cells = [
        forked(0.5),
        line.clone().diffusing(D, TISSUE.r_a),
        bare,
        still(forked(0.2)),
        spine((1.0, 0.1), 0.5, |d| Dynamics { tau: 12.0, ..d }),
        forked(0.0),
        cylinder(10.0, 0.5, 3).with_pool(0, everywhere, closed(0.5)).diffusing(2.0 * D, TISSUE.r_a),
        forked(0.1),
        line.diffusing(0.5 * D, TISSUE.r_a),
    ];
    let together = plan(&cells);
    let drives = || {
        let mut drives = vec![Held::default(); together.blocks()];
        for cell in 0..together.cells() {
            let site = together.site(cell, 0);
            drives[site.block].add(site, 0.0, 40.0 + 10.0 * cell as f64);
        }
        drives
    };
    let started = |plan: &Plan, first: usize| {
        let mut state = State::at(plan, -60.0);
        for cell in 0..plan.cells() {
            let site = plan.site(cell, 2);
            state.set_concentration(plan, site, 0, 1e-3 * (1 + first + cell) as f64);
        }
        state
    };
    let whole = |level: Level, threads: usize, parts: &[u64]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut state = started(&together, 0);
            let (mut spikes, scratch) = (Vec::new(), Scratch::default());
            for &steps in parts {
                let how = Stepping { level, ..stepping(0.025) };
                run(&together, &mut state, &scratch, how, steps, &mut drives(), &mut spikes).unwrap();
                let bytes = snapshot::save(together.fingerprint(), &state).unwrap();
                state = snapshot::load(together.fingerprint(), &bytes).unwrap();
            }
            (snapshot::save(0, &state).unwrap(), spikes)
        })
    };
    let want = whole(Level::Portable, 1, &[400]);
    assert!(!want.1.is_empty());
    for &level in Level::available() {
        assert!(whole(level, 2, &[400]) == want, "{level:?}");
    }
    assert!(whole(Level::best(), 2, &[1, 199, 0, 200]) == want);
    let mut crowd = started(&together, 0);
    go(&together, &mut crowd, 0.025, 200, &mut drives());
    for (index, cell) in cells.iter().enumerate() {
        let alone = plan(std::slice::from_ref(cell));
        let mut state = started(&alone, index);
        go(&alone, &mut state, 0.025, 200, &mut [injected(&alone, 40.0 + 10.0 * index as f64)]);
        for k in 0..alone.compartments(0) as u32 {
            let (own, there) = (alone.site(0, k), together.site(index, k));
            assert_eq!(state.v_m(own).to_bits(), crowd.v_m(there).to_bits(), "cell {index}, compartment {k}");
            let c = |plan, state: &State, site| {
                let books = state.books(plan, site, 0).map(|all| all.map(f64::to_bits));
                (state.concentration(plan, site, 0).map(f64::to_bits), books)
            };
            assert_eq!(c(&alone, &state, own), c(&together, &crowd, there), "cell {index}, compartment {k}");
        }
    }
}
