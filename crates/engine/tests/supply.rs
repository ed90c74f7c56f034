//! The supply against closed forms, its own books, and runs cut elsewhere.

use engine::snapshot;
use engine::supply::{Description, Plan, Precursor, Source, State, SupplyError};
use engine::time::Tick;
use numerics::constants::AVOGADRO;
use numerics::math;

const DOCKED: usize = 0;
const WAITING: usize = 1;
const FUSED: usize = 2;

fn ms(t: f64) -> Tick {
    Tick::from_ms(t).unwrap()
}

fn choline() -> Precursor {
    Precursor { outside: 0.01, volume: 0.1, washout: 200.0, uptake: 4.2, k_m: 0.002, synthesis: 0.001, ratio: 10.0 }
}

fn description(source: Source) -> Description {
    Description {
        vesicles: vec![2, 40, 0],
        docked: (DOCKED, 4),
        fused: FUSED,
        full: 7000.0,
        filling: 15_000.0,
        k_m: 0.97,
        hindered: (1.0, 0.97),
        cytosol: 1.0,
        volume: 0.3,
        source,
        step: ms(1.0),
    }
}

fn plan(source: Source) -> Plan {
    Plan::new(description(source)).unwrap()
}

/// A vesicle fuses every 700 ms, its place is taken 100 ms later, and one comes back after 5 s; what left is split at once.
fn work(plan: &Plan, state: &mut State, upto: i64) {
    for k in 1..=upto {
        let at = ms(700.0 * k as f64);
        let left = state.fuse(plan, at, 0, 0.5 + 0.01 * (k % 100) as f64);
        state.left_outside(plan, at + ms(1.0), left);
        state.moved(plan, at + ms(100.0), (WAITING, DOCKED), Some(0));
        if k > 7 {
            state.moved(plan, at + ms(200.0), (FUSED, WAITING), None);
        }
    }
}

#[test]
fn at_rest_nothing_moves() {
    for source in [Source::Held, Source::Returned { restored: Some(2e4) }, Source::Made(choline())] {
        let plan = plan(source);
        let mut state = plan.start();
        state.advance(&plan, ms(300_000.0));
        assert!((state.content(&plan) / 7000.0 - 1.0).abs() < 1e-9, "{source:?}");
        assert!((state.cytosol(&plan) - 1.0).abs() < 1e-9, "{source:?}");
        assert!(state.defect(&plan) < 1e-12, "{source:?}");
    }
    let made = plan(Source::Made(choline()));
    let mut state = made.start();
    state.advance(&made, ms(1000.0));
    assert!((state.precursor(&made) - 0.1).abs() < 1e-9);
    assert!((state.outside(&made) - 0.01).abs() < 1e-9);
}

#[test]
fn no_molecule_is_made_or_lost() {
    for source in [
        Source::Held,
        Source::Returned { restored: None },
        Source::Returned { restored: Some(2e4) },
        Source::Made(choline()),
        // Far too fast for the grid: positive and exact all the same.
        Source::Made(Precursor { synthesis: 1e3, uptake: 1e6, washout: 1e-2, ..choline() }),
    ] {
        let plan = plan(source);
        let mut state = plan.start();
        work(&plan, &mut state, 140);
        assert!(state.defect(&plan) < 1e-11, "{source:?}: {}", state.defect(&plan));
        assert!(state.cytosol(&plan) >= 0.0 && state.precursor(&plan) >= 0.0 && state.outside(&plan) >= 0.0);
        assert!(state.docked().iter().flatten().all(|q| *q >= 0.0));
        assert!(state.account().released > 3e5);
    }
}

/// A vesicle that came back empty, cytosol held: q = q0 (1 - exp(-t / tau)).
#[test]
fn an_empty_vesicle_fills_exponentially() {
    let plan = plan(Source::Held);
    let mut state = plan.start();
    state.fuse(&plan, Tick::ZERO, 0, 1.0);
    state.moved(&plan, Tick::ZERO, (FUSED, DOCKED), Some(3));
    for t in [1000.0, 15_000.0, 60_000.0] {
        state.advance(&plan, ms(t));
        let law = 7000.0 * (1.0 - math::exp(-t / 15_000.0));
        let found = state.docked()[3].unwrap();
        assert!((found / law - 1.0).abs() < 1e-9, "{t}: {found} for {law}");
    }
    assert!(state.docked()[1].is_some_and(|q| (q / 7000.0 - 1.0).abs() < 1e-9), "its neighbour stays full");
}

/// With all of it in one closed pool: vesicles hold in proportion to the cytosol.
#[test]
fn it_settles_where_the_closed_form_says() {
    let plan = plan(Source::Returned { restored: None });
    let mut state = plan.start();
    for k in 0..20 {
        state.fuse(&plan, ms(f64::from(k)), 0, 1.0);
        state.moved(&plan, ms(f64::from(k)), (WAITING, DOCKED), Some(0));
        state.moved(&plan, ms(f64::from(k)), (FUSED, WAITING), None);
    }
    state.advance(&plan, ms(1e6));
    let molar = 0.3 * AVOGADRO;
    let total = 42.0 * 7000.0 + molar - state.account().released;
    let cytosol = total / (molar + 42.0 * 7000.0);
    assert!((state.cytosol(&plan) / cytosol - 1.0).abs() < 1e-9);
    assert!((state.content(&plan) / (7000.0 * cytosol) - 1.0).abs() < 1e-6);
}

/// A constant stream of precursor, uptake blocked: X = X0 + stream tau / V; open: what is caught is uptake's share.
#[test]
fn precursor_outside_is_washed_away_and_caught() {
    let stream = |uptake: f64| {
        let plan = plan(Source::Made(Precursor { uptake, ..choline() }));
        let mut state = plan.start();
        for k in 0..20_000 {
            state.left_outside(&plan, ms(f64::from(k)), 4.0);
        }
        (state.outside(&plan), state.account(), state.defect(&plan))
    };
    let (outside, account, defect) = stream(0.0);
    let law = 0.01 + 4.0 * 200.0 / (0.1 * AVOGADRO);
    assert!((outside / law - 1.0).abs() < 5e-3, "{outside} for {law}");
    assert!(account.recaptured == 0.0 && account.taken_up == 0.0 && defect < 1e-12);
    let (_, open, _) = stream(40.0);
    assert!(open.recaptured > 0.02 * open.left_outside, "{}", open.recaptured);
    let whole = open.recaptured + open.washed_away;
    assert!(whole < open.left_outside && whole > 0.98 * open.left_outside);
}

#[test]
fn what_is_blocked_neither_fills_nor_leaks() {
    let blocked = Plan::new(Description { hindered: (0.0, 0.97), ..description(Source::Held) }).unwrap();
    let mut state = blocked.start();
    state.fuse(&blocked, Tick::ZERO, 0, 1.0);
    state.moved(&blocked, Tick::ZERO, (FUSED, DOCKED), Some(0));
    state.advance(&blocked, ms(1e5));
    assert_eq!((state.docked()[0], state.docked()[1]), (Some(0.0), Some(7000.0)));
    // Half as fast is twice as slow.
    let half = Plan::new(Description { hindered: (0.5, 0.97), ..description(Source::Held) }).unwrap();
    let mut state = half.start();
    state.fuse(&half, Tick::ZERO, 0, 1.0);
    state.moved(&half, Tick::ZERO, (FUSED, DOCKED), Some(0));
    state.advance(&half, ms(30_000.0));
    assert!((state.docked()[0].unwrap() / (7000.0 * (1.0 - math::exp(-1.0))) - 1.0).abs() < 1e-9);
}

#[test]
fn half_of_the_step_gives_the_same_within_its_order() {
    let run = |step: f64| {
        let plan = Plan::new(Description { step: ms(step), ..description(Source::Made(choline())) }).unwrap();
        let mut state = plan.start();
        work(&plan, &mut state, 140);
        state.advance(&plan, ms(100_000.0));
        [state.content(&plan), state.cytosol(&plan), state.outside(&plan)]
    };
    let (coarse, fine, finest) = (run(4.0), run(2.0), run(0.25));
    for i in 0..3 {
        let (far, near) = ((coarse[i] / finest[i] - 1.0).abs(), (fine[i] / finest[i] - 1.0).abs());
        assert!(far < 0.01 && near < 0.7 * far + 1e-9, "{i}: {far} then {near}");
    }
}

#[test]
fn where_a_run_is_cut_shows_in_no_bit() {
    let plan = plan(Source::Made(choline()));
    let mut whole = plan.start();
    work(&plan, &mut whole, 30);
    whole.advance(&plan, ms(30_000.0));
    let mut cut = plan.start();
    work(&plan, &mut cut, 30);
    for t in [21_500.5, 22_000.0, 25_000.3] {
        cut.advance(&plan, ms(t));
        let bytes = snapshot::save(7, &cut).unwrap();
        cut = snapshot::load(7, &bytes).unwrap();
    }
    cut.advance(&plan, ms(30_000.0));
    assert_eq!(snapshot::save(7, &whole).unwrap(), snapshot::save(7, &cut).unwrap());
}

#[test]
fn nonsense_is_refused() {
    let broken = |f: &dyn Fn(&mut Description)| {
        let mut d = description(Source::Made(choline()));
        f(&mut d);
        Plan::new(d).err()
    };
    assert!(broken(&|_| ()).is_none());
    assert!(matches!(broken(&|d| d.full = 0.0), Some(SupplyError::Value { .. })));
    assert!(matches!(broken(&|d| d.cytosol = f64::NAN), Some(SupplyError::Value { .. })));
    assert!(matches!(broken(&|d| d.hindered.0 = -0.1), Some(SupplyError::Value { .. })));
    assert_eq!(broken(&|d| d.vesicles[FUSED] = 1), Some(SupplyError::Pools));
    assert_eq!(broken(&|d| d.docked.1 = 1), Some(SupplyError::Pools));
    let washout = |d: &mut Description| d.source = Source::Made(Precursor { washout: 0.0, ..choline() });
    assert!(matches!(broken(&washout), Some(SupplyError::Value { .. })));
}
