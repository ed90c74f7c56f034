//! The cleft in steps of its own choosing, and what is read within them.

mod common;

use common::scheme;
use engine::cleft::{
    Amount, Cleft, CleftError, Geometry, Pore, Porous, Resident, Rim, Scratch, Site, Source, State, Stretch, Tolerance,
    Watch,
};
use engine::mechanism::{Description, Kinetics, ObservableIndex};
use engine::snapshot;
use engine::time::Tick;
use std::panic::{AssertUnwindSafe, catch_unwind};

const FINE: Tolerance = Tolerance { relative: 1e-9, concentration: 1e-11, occupancy: 1e-11 };
const LONG: Tick = Tick(1 << 50);

fn at(relative: f64) -> Tolerance {
    Tolerance { relative, concentration: 1e-2 * relative, occupancy: 1e-2 * relative }
}

fn ms(t: f64) -> Tick {
    Tick::from_ms(t).unwrap()
}

/// The same scheme with observables.
fn seen(kinetics: &Kinetics, observables: Vec<Vec<f64>>) -> Kinetics {
    Kinetics::new(Description {
        states: kinetics.states(),
        ligands: kinetics.ligands(),
        transitions: kinetics.transitions().to_vec(),
        rates: kinetics.rates().clone(),
        inputs: kinetics.inputs().to_vec(),
        absorbing: vec![],
        observables,
    })
    .unwrap()
}

/// A disc of 40 rings in tissue, AMPA-like receptors (open; desensitised and, less, resting) and a transporter.
fn synapse() -> Cleft {
    let (kinetics, rates) = common::receptor();
    let kinetics = seen(&kinetics, vec![vec![0.0, 0.0, 0.0, 1.0, 0.0], vec![-0.5, 0.0, 0.0, 0.0, 1.0]]);
    let receptor = Resident::new(kinetics, rates, Site::Disc(0.113), Amount::Count(80.0));
    let uptake = [
        (0, 1, 18.0, Some(0), None),
        (1, 0, 0.18, None, Some(0)),
        (1, 2, 0.18, None, None),
        (2, 0, 0.0257, None, None),
    ];
    let (kinetics, rates) = scheme(3, 1, &uptake);
    let kinetics = seen(&kinetics, vec![vec![0.0, 1.0, 0.0]]);
    let transporter = Resident::new(kinetics, rates, Site::Ecs(0.25, 0.6), Amount::PerVolume(15_000.0));
    let porous = Porous {
        volume_fraction: 0.2,
        tortuosity: 1.6,
        diffusion: 0.76,
        reach: 5.0,
        shells: 20,
        resting: 0.0,
        closed: false,
    };
    let geometry =
        Geometry { radius: 0.25, height: 0.02, diffusion: 0.33, shells: 40, grading: 0.5, rim: Rim::Porous(porous) };
    let source = Source { pore: Pore::FirstOrder { tau: 0.03 }, radius: 0.0 };
    Cleft::new(&geometry, &source, &[receptor, transporter]).unwrap()
}

const OPEN: (usize, ObservableIndex) = (0, ObservableIndex(0));
const MIXED: (usize, ObservableIndex) = (0, ObservableIndex(1));
const CARRIED: (usize, ObservableIndex) = (1, ObservableIndex(0));

fn watch(cleft: &Cleft) -> Watch {
    cleft.watch(&[OPEN, MIXED, CARRIED]).unwrap()
}

fn released(cleft: &Cleft) -> State {
    let mut state = cleft.start();
    cleft.release(&mut state, 3000.0).unwrap();
    state
}

/// Largest gap between two courses of shells, mM.
fn gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |most, (a, b)| f64::max(most, (a - b).abs()))
}

#[test]
fn natural_steps_reach_what_exact_intervals_reach_and_their_sum_is_the_clock() {
    let cleft = synapse();
    let (end, tolerance) = (ms(20.0), Tolerance::default());
    let (mut state, mut scratch, mut sum) = (released(&cleft), cleft.scratch(), Tick::ZERO);
    let (mut steps, mut defect) = (0, 0.0_f64);
    while state.clock() < end {
        let limit = end - state.clock();
        let (step, work) = cleft.step(&mut state, &mut scratch, limit, tolerance).unwrap();
        assert!(Tick::ZERO < step && step <= limit);
        sum += step;
        assert_eq!(sum, state.clock());
        assert_eq!(work.accepted, 1);
        assert_eq!(work.factorisations, 1 + work.rejected);
        assert_eq!(work.solves, 6 * work.factorisations);
        steps += 1;
        defect = defect.max(cleft.budget(&state).defect());
    }
    assert_eq!(state.clock(), end);
    let run = |tolerance| {
        let mut state = released(&cleft);
        let work = cleft.advance(&mut state, &mut cleft.scratch(), end, tolerance).unwrap();
        (state, work)
    };
    let (other, work) = run(tolerance);
    let (fine, _) = run(FINE);
    let [theirs, exact] = [&other, &fine].map(|s| gap(cleft.concentrations(&state), cleft.concentrations(s)));
    println!("{steps} steps, {work:?}; off by {theirs:e} and {exact:e} mM, budget {defect:e}");
    assert!(theirs < 1e-6 && exact < 1e-5 && defect < 1e-12);
    assert!(steps <= work.accepted + 1);
    let open = |s: &State| cleft.observable(s, OPEN.0, OPEN.1).unwrap();
    assert!((open(&state) - open(&fine)).abs() < 1e-5, "{} {}", open(&state), open(&fine));
}

/// Worst error at the ends of steps and within them, in units of the tolerance, after a quantum and another at 1 ms:
/// root mean square over the shells as the step's own; and of the observables.
fn errors(relative: f64) -> [[f64; 2]; 2] {
    let (cleft, tolerance) = (synapse(), at(relative));
    let watch = watch(&cleft);
    let (mut state, mut scratch, mut stretch) = (released(&cleft), cleft.scratch(), Stretch::default());
    let (mut exact, mut fine) = (released(&cleft), cleft.scratch());
    let mut worst = [[0.0_f64; 2]; 2];
    let second = ms(1.0);
    while state.clock() < ms(5.0) {
        if state.clock() == second {
            cleft.release(&mut state, 2000.0).unwrap();
            cleft.release(&mut exact, 2000.0).unwrap();
        }
        let limit = (if state.clock() < second { second } else { ms(5.0) }) - state.clock();
        let (step, _) = cleft.step_into(&mut state, &mut scratch, limit, tolerance, &watch, &mut stretch).unwrap();
        let from = stretch.from();
        assert_eq!((stretch.to(), stretch.to() - from), (state.clock(), step));
        for quarter in 1..=4 {
            let now = if quarter == 4 { stretch.to() } else { from + Tick(step.0 / 4) * quarter };
            let interval = now - exact.clock();
            cleft.advance(&mut exact, &mut fine, interval, FINE).unwrap();
            let c = cleft.concentrations(&exact);
            let sum = c.iter().enumerate().fold(0.0, |sum, (i, c)| {
                let e = (stretch.concentration(i, now) - c) / (tolerance.concentration + relative * c.abs());
                sum + e * e
            });
            let place = usize::from(quarter < 4);
            worst[0][place] = worst[0][place].max((sum / c.len() as f64).sqrt());
            for (k, (resident, observable)) in [OPEN, MIXED, CARRIED].into_iter().enumerate() {
                let want = cleft.observable(&exact, resident, observable).unwrap();
                let e = (stretch.observable(k, now) - want).abs() / (tolerance.occupancy + relative * want.abs());
                worst[1][place] = worst[1][place].max(e);
            }
        }
    }
    worst
}

#[test]
fn within_a_step_the_error_is_of_the_size_of_the_tolerance_as_at_its_ends() {
    for relative in [1e-2, 1e-3, 1e-4, 1e-5] {
        let [c, observables] = errors(relative);
        println!(
            "{relative:e}: ends {:.2} within {:.2}; observables {:.2} {:.2}",
            c[0], c[1], observables[0], observables[1]
        );
        assert!(c[1] < 3.0 && observables[1] < 3.0, "{c:?} {observables:?}");
    }
}

#[test]
fn within_a_step_the_error_falls_with_the_fourth_power_of_the_step() {
    let cleft = synapse();
    let watch = watch(&cleft);
    let loose = Tolerance { relative: 1e9, concentration: 1e9, occupancy: 1e9 };
    let (mut start, mut scratch, mut stretch) = (released(&cleft), cleft.scratch(), Stretch::default());
    cleft.advance(&mut start, &mut scratch, ms(0.3), FINE).unwrap();
    // Until the pace is beyond the steps compared.
    let longest = ms(0.08);
    while cleft.step(&mut start, &mut scratch, longest, loose).unwrap().0 < longest {}
    let mut error = |step: Tick| {
        let (mut state, mut exact) = (start.clone(), start.clone());
        let (taken, _) = cleft.step_into(&mut state, &mut scratch, step, loose, &watch, &mut stretch).unwrap();
        assert_eq!(taken, step);
        let half = Tick(step.0 / 2);
        cleft.advance(&mut exact, &mut scratch, half, FINE).unwrap();
        let c: Vec<f64> = (0..cleft.rings()).map(|i| stretch.concentration(i, exact.clock())).collect();
        gap(&c, &cleft.concentrations(&exact)[..cleft.rings()])
    };
    let list = [longest, ms(0.04), ms(0.02)].map(&mut error);
    println!("errors halfway {list:?}");
    assert!(list[0] / list[1] > 14.0 && list[1] / list[2] > 14.0, "{list:?}");
}

/// Shows the first 12 steps after a quantum: state before, state after, and what was read.
fn walk(cleft: &Cleft, mut see: impl FnMut(&State, &State, &Stretch)) {
    let watch = watch(cleft);
    let (mut state, mut scratch, mut stretch) = (released(cleft), cleft.scratch(), Stretch::default());
    for _ in 0..12 {
        let before = state.clone();
        cleft.step_into(&mut state, &mut scratch, LONG, Tolerance::default(), &watch, &mut stretch).unwrap();
        see(&before, &state, &stretch);
    }
}

#[test]
fn a_stretch_begins_and_ends_as_the_state_does_and_its_means_are_exact_integrals() {
    let cleft = synapse();
    walk(&cleft, |before, after, stretch| {
        assert_eq!((stretch.shells(), stretch.observables()), (cleft.shells(), 3));
        let (from, to) = (stretch.from(), stretch.to());
        assert_eq!((from, to), (before.clock(), after.clock()));
        for (state, moment) in [(before, from), (after, to)] {
            for (i, c) in cleft.concentrations(state).iter().enumerate() {
                assert_eq!(stretch.concentration(i, moment), c.max(0.0));
            }
            for (k, (resident, observable)) in [OPEN, MIXED, CARRIED].into_iter().enumerate() {
                let want = cleft.observable(state, resident, observable).unwrap();
                assert!((stretch.observable(k, moment) - want).abs() < 1e-14);
            }
        }
        let length = to - from;
        let (a, b) = (from + Tick(length.0 / 7), to - Tick(length.0 / 9));
        // Two halves make the whole, and Gauss's two points are exact for a cubic.
        let middle = a + Tick((b - a).0 / 2);
        let share = (middle - a).ms() / (b - a).ms();
        let gauss = Tick(((b - a).ms() * 0.5 * (1.0 - 1.0 / 3.0_f64.sqrt()) * 1e9) as i64);
        for i in 0..cleft.rings() {
            let whole = stretch.mean_concentration(i, a, b);
            let halves = share * stretch.mean_concentration(i, a, middle)
                + (1.0 - share) * stretch.mean_concentration(i, middle, b);
            let points = 0.5 * (stretch.concentration(i, a + gauss) + stretch.concentration(i, b - gauss));
            let most = whole.max(stretch.concentration(i, a)).max(stretch.concentration(i, b));
            // Below what is asked for, a cubic may cross 0 and is cut there.
            if most > 1e-4 {
                assert!((halves - whole).abs() <= 1e-12 * most, "{whole} {halves}");
                assert!((points - whole).abs() <= 1e-3 * most, "{whole} {points}");
            }
        }
        for k in 0..3 {
            let whole = stretch.mean_observable(k, a, b);
            let halves =
                share * stretch.mean_observable(k, a, middle) + (1.0 - share) * stretch.mean_observable(k, middle, b);
            assert!((halves - whole).abs() < 1e-12);
        }
    });
    assert_eq!(Stretch::default().shells() + Stretch::default().observables(), 0);
}

#[test]
fn recording_changes_no_step_and_a_limit_leaves_the_pace_alone() {
    let cleft = synapse();
    let mut plain = released(&cleft);
    let mut scratch = cleft.scratch();
    walk(&cleft, |_, after, _| {
        cleft.step(&mut plain, &mut scratch, LONG, Tolerance::default()).unwrap();
        assert_eq!(&plain, after);
    });
    // What the next step would be without, and after, a very short one.
    let free = cleft.step(&mut plain.clone(), &mut scratch, LONG, Tolerance::default()).unwrap().0;
    let (short, _) = cleft.step(&mut plain, &mut scratch, Tick(1), Tolerance::default()).unwrap();
    assert_eq!(short, Tick(1));
    assert_eq!(cleft.step(&mut plain, &mut scratch, LONG, Tolerance::default()).unwrap().0, free);
}

#[test]
fn a_saved_state_and_stretch_go_on_to_the_bit_through_a_release_with_any_scratch() {
    let cleft = synapse();
    let watch = watch(&cleft);
    let go = |state: &mut State, scratch: &mut Scratch, stretch: &mut Stretch, steps: usize| -> Tick {
        let mut defect = 0.0_f64;
        for _ in 0..steps {
            cleft.step_into(state, scratch, LONG, Tolerance::default(), &watch, stretch).unwrap();
            defect = defect.max(cleft.budget(state).defect());
        }
        assert!(defect < 1e-12, "{defect:e}");
        stretch.to()
    };
    let (mut state, mut scratch, mut stretch) = (released(&cleft), cleft.scratch(), Stretch::default());
    go(&mut state, &mut scratch, &mut stretch, 15);
    let bytes = snapshot::save(3, &(&state, &stretch)).unwrap();
    let (mut loaded, mut read): (State, Stretch) = snapshot::load(3, &bytes).unwrap();
    assert_eq!((&loaded, &read), (&state, &stretch));
    let mut other = cleft.scratch();
    for molecules in [3000.0, 1500.0, 0.0] {
        cleft.release(&mut state, molecules).unwrap();
        cleft.release(&mut loaded, molecules).unwrap();
        go(&mut state, &mut scratch, &mut stretch, 9);
        go(&mut loaded, &mut other, &mut read, 9);
        assert_eq!(snapshot::save(3, &(&state, &stretch)).unwrap(), snapshot::save(3, &(&loaded, &read)).unwrap());
    }
    let end = go(&mut state, &mut scratch, &mut stretch, 40);
    assert!(end > ms(20.0) && cleft.budget(&state).in_vesicles == 0.0, "{end}");
}

#[test]
fn places_are_the_rings_that_hold_a_resident_with_their_share() {
    let cleft = synapse();
    let list = cleft.places(0).unwrap();
    let total: f64 = list.iter().map(|p| p.1).sum();
    assert!((total - 1.0).abs() < 1e-14 && list[0].0 == 0 && list.windows(2).all(|w| w[1].0 == w[0].0 + 1));
    for &(shell, share) in &list {
        let (a, b) = (cleft.edges()[shell], cleft.edges()[shell + 1].min(0.113));
        assert!((share - (b * b - a * a) / (0.113 * 0.113)).abs() < 1e-14, "{shell}");
        assert!(cleft.occupancy_in(&cleft.start(), 0, 0, shell).is_some());
    }
    let tissue = cleft.places(1).unwrap();
    assert!(
        tissue.iter().all(|p| p.0 >= cleft.rings()) && (tissue.iter().map(|p| p.1).sum::<f64>() - 1.0).abs() < 1e-14
    );
    assert_eq!(cleft.places(2), None);
}

#[test]
fn nothing_is_refused_in_silence() {
    let cleft = synapse();
    assert_eq!(cleft.watch(&[(7, ObservableIndex(0))]), Err(CleftError::NoSuchResident { resident: 7 }));
    let none = CleftError::NoSuchObservable { resident: 0, observable: 9 };
    assert_eq!(cleft.watch(&[OPEN, (0, ObservableIndex(9))]), Err(none));
    let panics = |f: &mut dyn FnMut()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    let (mut state, mut scratch, mut stretch) = (released(&cleft), cleft.scratch(), Stretch::default());
    let watch = watch(&cleft);
    for limit in [Tick::ZERO, Tick(-1)] {
        panics(&mut || _ = cleft.step(&mut state.clone(), &mut cleft.scratch(), limit, FINE));
    }
    cleft.step_into(&mut state, &mut scratch, LONG, FINE, &watch, &mut stretch).unwrap();
    cleft.step_into(&mut state, &mut scratch, LONG, FINE, &watch, &mut stretch).unwrap();
    let (from, to) = (stretch.from(), stretch.to());
    panics(&mut || _ = stretch.concentration(0, from - Tick(1)));
    panics(&mut || _ = stretch.concentration(0, to + Tick(1)));
    panics(&mut || _ = stretch.mean_concentration(0, to, from));
    panics(&mut || _ = stretch.concentration(cleft.shells(), to));
    panics(&mut || _ = stretch.observable(3, to));
    panics(&mut || _ = Stretch::default().concentration(0, Tick::ZERO));

    // What cannot be stepped is a fault, and nothing has changed.
    cleft.set_coefficients(&mut state, 0, &[1e308; 8]).unwrap();
    cleft.release(&mut state, 1e9).unwrap();
    let (before, read) = (state.clone(), stretch.clone());
    let fault = cleft.step_into(&mut state, &mut scratch, LONG, FINE, &watch, &mut stretch).unwrap_err();
    println!("{fault}");
    assert!(fault.instance < cleft.shells());
    assert_eq!((state, stretch), (before, read));
}
