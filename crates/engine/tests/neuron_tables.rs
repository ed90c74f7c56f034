//! Gates from tables: how near to exact rates, where not, and the same bits as ever.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::neuron::*;
use numerics::math::ln;
use numerics::simd::Level;

const DT: f64 = 0.025;

fn cell() -> Cell {
    Cell::ball_and_stick(TISSUE, 20.0, 300.0, 2.0, 6).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0)
}

fn plan(cells: usize) -> Plan {
    Plan::new(hodgkin_huxley(), &vec![cell(); cells], COLD).unwrap()
}

/// A current of `pa` in the soma of every lane.
fn driven(plan: &Plan, pa: f64) -> Vec<Held> {
    let drive = |b: usize| {
        let mut held = Held::default();
        (8 * b..plan.cells().min(8 * b + 8)).for_each(|c| held.add(plan.site(c, 0), 0.0, pa));
        held
    };
    (0..plan.blocks()).map(drive).collect()
}

fn go(plan: &Plan, level: Level, dt: f64, steps: u64) -> (State, Vec<Spike>) {
    let mut state = plan.rest(-120.0..=40.0).unwrap();
    let mut spikes = Vec::new();
    let stepping = Stepping { level, dt: ms(dt), method: Method::CrankNicolson };
    run(plan, &mut state, &Scratch::default(), stepping, steps, &mut driven(plan, 300.0), &mut spikes).unwrap();
    (state, spikes)
}

#[test]
fn spikes_come_when_they_do_with_exact_rates_within_what_was_asked_for() {
    let exact = go(&plan(1), Level::best(), DT, 4000).1;
    assert!(exact.len() >= 5, "{} spikes", exact.len());
    let mut before = f64::INFINITY;
    for tolerance in [1e-4, 1e-6, 1e-8] {
        let tabulated = go(&plan(1).tabulated(ms(DT), tolerance), Level::best(), DT, 4000).1;
        assert_eq!(tabulated.len(), exact.len());
        let off = exact.iter().zip(&tabulated).map(|(a, b)| (a.at - b.at).ms().abs()).fold(0.0, f64::max);
        // 100 ms of a limit cycle of 16 ms: an error of the period grows from spike to spike
        assert!(off < 200.0 * tolerance, "{off} ms at {tolerance}");
        assert!(off < before && off > 0.0, "{off} after {before}: tables are read, and finer ones are nearer");
        before = off;
    }
}

#[test]
fn order_two_in_the_step_holds_with_tables() {
    let at = |dt: f64| {
        let plan = plan(1).tabulated(ms(dt), 1e-9);
        go(&plan, Level::best(), dt, (30.0 / dt).round() as u64).1[1].at.ms()
    };
    let (coarse, middle, fine) = (at(0.05), at(0.025), at(0.0125));
    let order = ln(((coarse - middle) / (middle - fine)).abs()) / ln(2.0);
    assert!((1.7..2.3).contains(&order), "order {order}: {coarse} {middle} {fine}");
}

#[test]
fn every_level_thread_and_neighbour_gives_the_same_bits() {
    let of = |cells: usize| plan(cells).tabulated(ms(DT), 1e-7);
    let alone = go(&of(1), Level::best(), DT, 600);
    let many = of(11);
    let wanted = go(&many, Level::best(), DT, 600);
    for &level in Level::available() {
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| go(&many, level, DT, 600)) == wanted, "{level:?} on {threads}");
        }
    }
    for cell in 0..11 {
        let site = many.site(cell, 3);
        assert_eq!(wanted.0.v_m(site).to_bits(), alone.0.v_m(alone_site(&of(1))).to_bits());
    }
}

fn alone_site(plan: &Plan) -> Site {
    plan.site(0, 3)
}

#[test]
fn beyond_the_tables_rates_are_exact_and_no_neighbour_feels_it() {
    // One lane begins far outside, where tables end; the others rest.
    let (tables, exact) = (plan(8).tabulated(ms(DT), 1e-4), plan(8));
    let begin = |plan: &Plan| {
        // The rest of exact rates for both: that of tables is another one.
        let mut state = exact.rest(-120.0..=40.0).unwrap();
        (0..7).for_each(|k| state.set_v_m(plan.site(5, k), 300.0));
        state
    };
    let stepping = Stepping { level: Level::best(), dt: ms(DT), method: Method::BackwardEuler };
    let go = |plan: &Plan, mut state: State, steps| {
        run(plan, &mut state, &Scratch::default(), stepping, steps, &mut [Quiet], &mut Vec::new()).unwrap();
        state
    };
    let (a, b) = (go(&tables, begin(&tables), 1), go(&exact, begin(&exact), 1));
    for channel in 0..2 {
        let gate = |plan: &Plan, state: &State, lane| state.gate(plan, plan.site(lane, 2), channel, 0).unwrap();
        assert_eq!(gate(&tables, &a, 5).to_bits(), gate(&exact, &b, 5).to_bits(), "outside, the exact path");
    }
    let alone = go(&tables, exact.rest(-120.0..=40.0).unwrap(), 400);
    let beside = go(&tables, begin(&tables), 400);
    for lane in [0, 4, 6] {
        let site = tables.site(lane, 1);
        assert_eq!(alone.v_m(site).to_bits(), beside.v_m(site).to_bits(), "lane {lane}");
    }
    assert_ne!(alone.v_m(tables.site(5, 1)), beside.v_m(tables.site(5, 1)));
}

#[test]
fn another_step_is_exact_and_parts_of_a_run_are_the_whole() {
    let (tables, exact) = (plan(1).tabulated(ms(0.01), 1e-4), plan(1));
    let run_from = |plan: &Plan| {
        let mut state = exact.rest(-120.0..=40.0).unwrap();
        let stepping = Stepping { level: Level::best(), dt: ms(DT), method: Method::CrankNicolson };
        let mut drives = driven(plan, 300.0);
        run(plan, &mut state, &Scratch::default(), stepping, 500, &mut drives, &mut Vec::new()).unwrap();
        state
    };
    assert!(run_from(&tables) == run_from(&exact));
    let tables = plan(1).tabulated(ms(DT), 1e-6);
    let whole = go(&tables, Level::best(), DT, 500);
    let mut state = tables.rest(-120.0..=40.0).unwrap();
    let stepping = Stepping { level: Level::best(), dt: ms(DT), method: Method::CrankNicolson };
    for steps in [1, 199, 300] {
        let mut drives = driven(&tables, 300.0);
        run(&tables, &mut state, &Scratch::default(), stepping, steps, &mut drives, &mut Vec::new()).unwrap();
    }
    assert!(state == whole.0);
    assert_ne!(tables.fingerprint(), exact.fingerprint());
}

#[test]
fn degrees_are_as_low_as_the_tolerance_lets_them() {
    let of = |tolerance| plan(1).tabulated(ms(DT), tolerance).degrees();
    assert_eq!(of(1e-7), [Some(vec![6, 7]), Some(vec![5]), None]);
    assert!(of(1e-4)[0].as_ref().unwrap()[0] < 6);
}

#[test]
fn rest_is_where_steps_rest() {
    let plan = plan(1).tabulated(ms(DT), 1e-4);
    let mut state = plan.rest(-120.0..=40.0).unwrap();
    let before = state.clone();
    let stepping = Stepping { level: Level::best(), dt: ms(DT), method: Method::CrankNicolson };
    run(&plan, &mut state, &Scratch::default(), stepping, 4000, &mut [Quiet], &mut Vec::new()).unwrap();
    for k in 0..7 {
        let moved = state.v_m(plan.site(0, k)) - before.v_m(plan.site(0, k));
        assert!(moved.abs() < 1e-9, "{moved} mV, far below the tables' error");
    }
}
