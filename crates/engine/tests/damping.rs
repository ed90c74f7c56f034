//! Steps after a jump: Crank-Nicolson made of two implicit halves, lane by lane.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::neuron::*;
use engine::snapshot;
use numerics::constants::FARADAY;
use numerics::math::{exp, ln};
use numerics::simd::{F64x8, LANES, Level};

fn stepping(dt: f64) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method: Method::CrankNicolson }
}

/// Clamps, and voltages of compartment 0 in lane 0 after each step.
struct Clamped {
    clamps: Vec<CurrentClamp>,
    told: bool,
    trace: Vec<f64>,
}

impl Drive for Clamped {
    fn drive(&mut self, moment: Moment, _: &[F64x8], ports: &mut Ports) {
        for clamp in &self.clamps {
            if self.told {
                clamp.apply(moment, ports);
            } else {
                let overlap = (clamp.end.min(moment.end).0 - clamp.start.max(moment.start).0).max(0);
                let share = overlap as f64 / (moment.end - moment.start).0 as f64;
                ports.current(clamp.site, clamp.current * share);
            }
        }
    }

    fn after(&mut self, _: Moment, _: &[F64x8], v: &[F64x8]) {
        self.trace.push(v[0].0[0]);
    }
}

/// A point of 1000 um2 (10 pF) with a leak of `g` nS to -65 mV, under a pulse of `current` pA.
fn pulse(g: f64, current: f64, edges: [f64; 2], (dt, end): (f64, f64), told: bool) -> Vec<f64> {
    let cell = Cell::point(TISSUE, 1000.0).with(0, 0.1 * g);
    let plan = Plan::new(vec![Channel::leak(-65.0)], &[cell], 300.0).unwrap();
    let mut state = State::at(&plan, -65.0);
    let clamp = CurrentClamp { site: plan.site(0, 0), start: ms(edges[0]), end: ms(edges[1]), current };
    let mut drives = [Clamped { clamps: vec![clamp], told, trace: Vec::new() }];
    let steps = (end / dt).round() as u64;
    run(&plan, &mut state, &Scratch::default(), stepping(dt), steps, &mut drives, &mut vec![]).unwrap();
    let [Clamped { trace, .. }] = drives;
    trace
}

#[test]
fn a_jump_rings_undamped_and_does_not_damped() {
    // A time constant of 1 us under steps of 25: from step to step what is left is times -0.85, but times 1 / 13.5^2 after a jump.
    let left = |told: bool| {
        let trace = pulse(1e4, 1e4, [0.1, 0.2], (0.025, 0.5), told);
        let off =
            |range: std::ops::Range<usize>, v: f64| trace[range].iter().map(|x| (x - v).abs()).fold(0.0, f64::max);
        (off(4..8, -64.0), off(8..20, -65.0))
    };
    let (damped, undamped) = (left(true), left(false));
    assert!(damped.0 < 6e-3 && damped.1 < 9e-3, "{damped:?}");
    assert!(undamped.0 > 0.8 && undamped.1 > 0.3, "{undamped:?}");
}

#[test]
fn steps_with_jumps_are_of_second_order_wherever_edges_fall() {
    // 10 ms time constant; exact: two exponentials.
    for [start, stop] in [[1.013, 5.007], [1.2, 5.2]] {
        let edges = [start, stop];
        let exact = -65.0 + 20.0 * (exp((stop - 10.0) / 10.0) - exp((start - 10.0) / 10.0));
        let off = |dt: f64| (pulse(1.0, 20.0, edges, (dt, 10.0), true).pop().unwrap() - exact).abs();
        // Far apart, for edges wander through their steps.
        let (coarse, fine) = (off(0.2), off(0.2 / 64.0));
        let order = ln(coarse / fine) / ln(64.0);
        println!("edges {edges:?}: {coarse:.2e} mV at 200 us, {fine:.2e} at 3.1; order {order:.2}");
        assert!(order > 1.9 && coarse < 1e-2, "{edges:?}: {coarse} {fine}");
    }
}

#[test]
fn a_jump_in_one_lane_moves_no_bit_of_another_and_no_split_shows() {
    let squid = |k: u32| {
        let cell = Cell::ball_and_stick(TISSUE, 15.0, 200.0 + 20.0 * f64::from(k), 1.0, 9 + k);
        cell.with(0, 120.0).with(1, 36.0).with(2, 0.3)
    };
    let cells: Vec<Cell> = (0..8).map(squid).collect();
    let plan = Plan::new(hodgkin_huxley(), &cells, COLD).unwrap();
    let clamps = |lanes: &[usize]| {
        let of = |&lane: &usize| CurrentClamp {
            site: plan.site(lane, 4),
            start: ms(0.33 * (1 + lane) as f64),
            end: ms(4.0),
            current: 200.0,
        };
        lanes.iter().map(of).collect::<Vec<_>>()
    };
    let end = |lanes: &[usize], level: Level, parts: &[u64]| {
        let mut state = State::at(&plan, -65.0);
        for &steps in parts {
            let mut drives = [Clamped { clamps: clamps(lanes), told: true, trace: Vec::new() }];
            let how = Stepping { level, ..stepping(0.025) };
            run(&plan, &mut state, &Scratch::default(), how, steps, &mut drives, &mut vec![]).unwrap();
            state = snapshot::load(1, &snapshot::save(1, &state).unwrap()).unwrap();
        }
        state
    };
    let all: Vec<usize> = (0..LANES).collect();
    let together = end(&all, Level::best(), &[400]);
    for lane in 0..LANES {
        let alone = end(&[lane], Level::best(), &[400]);
        for k in 0..plan.compartments(lane) as u32 {
            let site = plan.site(lane, k);
            assert_eq!(alone.v_m(site).to_bits(), together.v_m(site).to_bits(), "lane {lane}, compartment {k}");
        }
    }
    for &level in Level::available() {
        assert!(end(&all, level, &[400]) == together, "{level:?}");
    }
    assert!(end(&all, Level::best(), &[13, 1, 1, 1, 84, 300]) == together);
    assert!(end(&[], Level::best(), &[400]) != together);
}

#[test]
fn what_a_pool_gets_over_a_jump_is_what_the_membrane_passes() {
    // All of the membrane's current is calcium's: what the clamp gives is on the capacitance or in the pool.
    let mut calcium = Channel::leak(60.0);
    calcium.ion = Some(0);
    let pool = |c: &Compartment| Dynamics {
        volume: Dynamics::shell(c.area, 0.1),
        rest: 1e-4,
        tau: 50.0,
        v_max: 0.0,
        k_m: 0.0,
        bound: 20.0,
        share: 1.0,
    };
    let cell = Cell::point(TISSUE, 1000.0).with(0, 2.0).with_pool(0, |_| true, pool);
    let plan = Plan::with_ions(vec![calcium], vec![Ion { valence: 2, outside: 2.0 }], &[cell], 300.0).unwrap();
    let mut state = State::at(&plan, 60.0);
    let site = plan.site(0, 0);
    let before = state.books(&plan, site, 0).unwrap()[1];
    let clamp = CurrentClamp { site, start: ms(0.03), end: ms(0.48), current: -1000.0 };
    let mut drives = [Clamped { clamps: vec![clamp], told: true, trace: Vec::new() }];
    run(&plan, &mut state, &Scratch::default(), stepping(0.1), 5, &mut drives, &mut vec![]).unwrap();
    // amol times C/mmol is fC; pA ms, pF mV.
    let brought = 2.0 * FARADAY * (state.books(&plan, site, 0).unwrap()[1] - before);
    let (given, stored) = (-1000.0 * 0.45, 10.0 * (state.v_m(site) - 60.0));
    println!("{given} fC given, {stored} stored, {brought} came in as calcium");
    assert!(brought > 20.0 && (stored - given - brought).abs() < 1e-9 * given.abs(), "{given} {stored} {brought}");
}
