//! Copies followed one by one: the law is the matrix exponential, cuts and neighbours change nothing, sleep is exact.
#![allow(missing_docs)]

mod common;

use common::{Z, chi_square, receptor, scheme};
use engine::ensemble::{ASLEEP, Drive, EnsembleError, Individuals, IndividualsPlan, Luck, Move};
use engine::fault::{Fault, Quantity};
use engine::mechanism::Kinetics;
use engine::snapshot;
use engine::time::Tick;
use numerics::math;
use numerics::rng::StreamKey;

fn luck(purpose: u32) -> Luck {
    Luck { key: StreamKey::new(20_260_101, 2, purpose, 5), first: 1000 }
}

fn ms(x: f64) -> Tick {
    Tick::from_ms(x).unwrap()
}

fn run(
    plan: &IndividualsPlan,
    all: &mut Individuals,
    luck: Luck,
    until: Tick,
    (rates, ligand): (&[f64], &[f64]),
) -> Vec<Move> {
    let mut moves = Vec::new();
    all.advance(plan, luck, until, Drive { rates, ligand }, &mut |m| moves.push(m)).unwrap();
    moves
}

/// Concentrations at the places, mM, in slot `k`.
fn course(k: usize, places: usize) -> Vec<f64> {
    (0..places).map(|p| math::exp(-(k as f64) / (10.0 + p as f64)) / (1.0 + p as f64)).collect()
}

/// Law after `slots` slots of 20 us at place `p` of `course`, from the first state.
fn law(kinetics: &Kinetics, rates: &[f64], slots: usize, p: usize, factor: f64) -> Vec<f64> {
    let mut law = vec![0.0; kinetics.states()];
    law[0] = 1.0;
    for k in 0..slots {
        let q = kinetics.generator(rates, &[factor * course(k, p + 1)[p]]).unwrap().propagator(0.02).unwrap();
        let mut next = vec![0.0; law.len()];
        for (from, x) in law.iter().enumerate() {
            for (next, q) in next.iter_mut().zip(q.row(from)) {
                *next += x * q;
            }
        }
        law = next;
    }
    law
}

fn statistic(counts: &[u32], law: &[f64]) -> f64 {
    let total: f64 = counts.iter().map(|&c| f64::from(c)).sum();
    counts.iter().zip(law).map(|(&n, p)| (f64::from(n) - total * p) * (f64::from(n) - total * p) / (total * p)).sum()
}

/// 20,000 copies in a constant drive, and as many at each of 3 places of a course over 80 slots: chi-square over 5
/// states against the matrix exponential, false alarm 1e-6 each; the twin's ligand is 30 % stronger.
#[test]
fn the_law_is_the_matrix_exponential_also_under_a_changing_drive_and_a_wrong_drive_is_caught() {
    let (kinetics, rates) = receptor();
    let plan = IndividualsPlan::new(&kinetics);
    let mut all = Individuals::new(&plan, luck(1), 20_000, |_| (0, 0)).unwrap();
    run(&plan, &mut all, luck(1), ms(0.7), (&rates, &[0.3]));
    let p = kinetics.generator(&rates, &[0.3]).unwrap().propagator(0.7).unwrap();
    assert!(statistic(all.counts(), p.row(0)) < chi_square(4.0, Z));
    let mut all = Individuals::new(&plan, luck(2), 60_000, |k| (0, (k % 3) as u16)).unwrap();
    for k in 0..80 {
        run(&plan, &mut all, luck(2), ms(0.02) * (k + 1), (&rates, &course(k as usize, 3)));
    }
    for place in 0..3 {
        let mut counts = [0; 5];
        for copy in (0..60_000).filter(|&c| all.place(c) == place) {
            counts[all.state(copy)] += 1;
        }
        let chi = |factor| statistic(&counts, &law(&kinetics, &rates, 80, usize::from(place), factor));
        println!("place {place}: {} and twin {}", chi(1.0), chi(1.3));
        assert!(chi(1.0) < chi_square(4.0, Z));
        assert!(chi(1.3) > chi_square(4.0, Z), "the twin must fail");
    }
}

/// Steps of thousands per ms, two states: time-averaged and final occupancy; z test at 1e-6, the twin 4 % off.
#[test]
fn fast_steps_are_exact() {
    let (kinetics, rates) = scheme(2, 0, &[(0, 1, 9000.0, None, None), (1, 0, 3000.0, None, None)]);
    let plan = IndividualsPlan::new(&kinetics);
    let mut all = Individuals::new(&plan, luck(3), 20_000, |_| (0, 0)).unwrap();
    let moves = run(&plan, &mut all, luck(3), ms(0.05), (&rates, &[]));
    let z = |p: f64| (f64::from(all.counts()[1]) - 20_000.0 * p) / (20_000.0 * p * (1.0 - p)).sqrt();
    assert!(z(0.75).abs() < Z && z(0.72).abs() > Z);
    // Copy after copy, each in the order of time and state after state.
    assert!(moves.is_sorted_by_key(|m| (m.copy, m.at)));
    assert!(moves.windows(2).all(|m| m[0].copy != m[1].copy || m[0].to == m[1].from));
    assert!((moves.len() as f64 / (20_000.0 * 0.05 * 2.0 * 2250.0) - 1.0).abs() < 0.02);
}

fn cut_run(cuts: i64, save_at: Option<usize>) -> (Individuals, Vec<Move>) {
    let (plan, rest, up) = channel();
    let mut all = Individuals::new(&plan, luck(4), 40, |k| (if k % 3 == 0 { 0 } else { ASLEEP }, 0)).unwrap();
    let (mut moves, mut start) = (Vec::new(), Tick::ZERO);
    for k in 0..120 {
        let rates: Vec<f64> = if (10..60).contains(&k) || k == 90 {
            up.iter().map(|r| r * (1.0 + (k / 3) as f64)).collect()
        } else {
            rest.clone()
        };
        let length = if k % 40 == 0 { ms(60.0) } else { ms(0.012) };
        for cut in 1..=cuts {
            moves.extend(run(&plan, &mut all, luck(4), start + Tick(length.0 / cuts * cut), (&rates, &[])));
        }
        start += length;
        if save_at == Some(k) {
            all = snapshot::load(3, &snapshot::save(3, &all).unwrap()).unwrap();
        }
    }
    moves.sort_by_key(|m| m.copy);
    (all, moves)
}

#[test]
fn a_slot_in_parts_and_a_run_in_parts_are_the_same_to_the_bit() {
    let (all, moves) = cut_run(1, None);
    assert!(moves.iter().any(|m| m.from == ASLEEP) && moves.iter().any(|m| m.to == ASLEEP) && moves.len() > 1000);
    for (cuts, save_at) in [(2, None), (3, Some(9)), (12, Some(50)), (1, Some(0))] {
        let (other, seen) = cut_run(cuts, save_at);
        assert_eq!((&other, &seen), (&all, &moves), "{cuts}, {save_at:?}");
    }
}

#[test]
fn another_copy_changes_nobodys_luck() {
    let (kinetics, rates) = receptor();
    let plan = IndividualsPlan::new(&kinetics);
    let go = |copies: usize| {
        let mut all = Individuals::new(&plan, luck(5), copies, |k| (0, (k % 2) as u16)).unwrap();
        let mut moves = Vec::new();
        for k in 0..50 {
            moves.extend(run(&plan, &mut all, luck(5), ms(0.02) * (k + 1), (&rates, &course(k as usize, 2))));
        }
        moves.retain(|m| m.copy < 30);
        moves
    };
    assert_eq!(go(30), go(31));
}

#[test]
fn silence_is_foretold_and_costs_no_jump() {
    let (plan, rest, _) = channel();
    let drive = Drive { rates: &rest, ligand: &[] };
    let mut all = Individuals::new(&plan, luck(6), 20, |_| (ASLEEP, 0)).unwrap();
    let next = all.next_due(Tick(i64::MAX)).unwrap();
    for _ in 0..2 {
        assert_eq!(all.advance(&plan, luck(6), next, drive, &mut |_| panic!("silent")).unwrap(), 0);
    }
    assert_eq!((all.next_due(next), all.next_due(next + Tick(1)), all.asleep()), (None, Some(next), 20));
    let mut woken = Vec::new();
    all.advance(&plan, luck(6), next + Tick(1), drive, &mut |m| woken.push(m)).unwrap();
    assert_eq!((woken[0].at, woken[0].from, woken[0].to), (next, ASLEEP, 2));
    assert_eq!((all.asleep(), all.counts()[2]), (19, 1));
}

/// C0 - C1 - O with an inactivated state off C1; and rates away from rest.
fn channel() -> (IndividualsPlan, Vec<f64>, Vec<f64>) {
    let steps = [
        (0, 1, 0.5, None, None),
        (1, 0, 6.0, None, None),
        (1, 2, 0.6, None, None),
        (2, 1, 5.0, None, None),
        (1, 3, 0.2, None, None),
        (3, 1, 1.0, None, None),
    ];
    let (kinetics, rates) = scheme(4, 0, &steps);
    let drive = Drive { rates: &rates, ligand: &[] };
    let plan = IndividualsPlan::new(&kinetics).with_rest(drive, &[2]).unwrap();
    (plan, rates, vec![4.0, 1.0, 3.0, 1.0, 0.3, 1.0])
}

/// 2000 channels at rest for 200 ms, asleep or followed step by step: openings in all, and first openings of sleepers in
/// 10 equal bins of their law. z and chi-square at 1e-6; the twin's rate is 10 % off, more than 10 standard errors.
#[test]
fn sleepers_open_as_those_do_that_are_followed() {
    let (asleep, rates, _) = channel();
    let quiet = asleep.quiet().unwrap().clone();
    let steps: Vec<_> = [(0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1)]
        .iter()
        .zip(&rates)
        .map(|(&(a, b), &r)| (a, b, r, None, None))
        .collect();
    let (kinetics, _) = scheme(4, 0, &steps);
    let awake = IndividualsPlan::new(&kinetics);
    let mut openings = Vec::new();
    for plan in [&asleep, &awake] {
        let mut all =
            Individuals::new(plan, luck(7), 2000, |_| (if plan.quiet().is_some() { ASLEEP } else { 0 }, 0)).unwrap();
        run(plan, &mut all, luck(7), ms(20.0), (&rates, &[]));
        let moves = run(plan, &mut all, luck(7), ms(220.0), (&rates, &[]));
        openings.push(moves.iter().filter(|m| m.to == 2).count() as f64);
        println!("{} moves, {} openings, {} asleep", moves.len(), openings[openings.len() - 1], all.asleep());
    }
    // Openings of one channel are a renewal process, less regular than Poisson here; twice its variance is a bound.
    let law = kinetics.generator(&rates, &[]).unwrap().stationary().unwrap();
    let mean = 2000.0 * 200.0 * law[1] * 0.6;
    for n in openings {
        let z = |mean: f64| (n - mean) / (2.0 * mean).sqrt();
        println!("z {}", z(mean));
        assert!(z(mean).abs() < Z);
        assert!(z(1.1 * mean).abs() > Z, "the twin must fail");
    }
    let mut all = Individuals::new(&asleep, luck(8), 20_000, |_| (ASLEEP, 0)).unwrap();
    let moves = run(&asleep, &mut all, luck(8), ms(1000.0), (&rates, &[]));
    let mut seen = vec![false; 20_000];
    let chi = |rate: f64, seen: &mut Vec<bool>| {
        let mut bins = [0.0; 10];
        seen.fill(false);
        for m in moves.iter().filter(|m| m.from == ASLEEP) {
            if !std::mem::replace(&mut seen[m.copy as usize], true) {
                bins[(-math::expm1(-m.at.ms() * rate) * 10.0) as usize] += 1.0;
            }
        }
        bins.iter().map(|b| (b - 2000.0) * (b - 2000.0) / 2000.0).sum::<f64>()
    };
    assert!(chi(quiet.rate, &mut seen) < chi_square(9.0, Z));
    assert!(chi(quiet.rate * 1.1, &mut seen) > chi_square(9.0, Z), "the twin must fail");
}

/// A sleeper woken by a step of the drive opens as one that was followed: chi-square of states 0.3 ms after the step
/// against the propagator from the quiet law; the twin starts from the first state.
#[test]
fn a_woken_sleeper_has_the_quiet_law() {
    let (plan, _, up) = channel();
    let mut all = Individuals::new(&plan, luck(9), 20_000, |_| (ASLEEP, 0)).unwrap();
    run(&plan, &mut all, luck(9), ms(0.05), (&up, &[]));
    let steps: Vec<_> = [(0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1)]
        .iter()
        .zip(&up)
        .map(|(&(a, b), &r)| (a, b, r, None, None))
        .collect();
    let p = scheme(4, 0, &steps).0.generator(&up, &[]).unwrap().propagator(0.05).unwrap();
    let law: Vec<f64> =
        (0..4).map(|to| (0..4).map(|from| plan.quiet().unwrap().law[from] * p.row(from)[to]).sum()).collect();
    assert!(statistic(all.counts(), &law) < chi_square(3.0, Z));
    assert!(statistic(all.counts(), p.row(0)) > chi_square(3.0, Z), "the twin must fail");
}

#[test]
fn nonsense_is_an_error_that_names_it() {
    let (kinetics, mut rates) = receptor();
    let plan = IndividualsPlan::new(&kinetics);
    let mut all = Individuals::new(&plan, luck(10), 3, |_| (0, 1)).unwrap();
    let mut go = |rates: &[f64], ligand: &[f64]| {
        all.advance(&plan, luck(10), ms(1.0), Drive { rates, ligand }, &mut |_| ()).unwrap_err()
    };
    assert_eq!(go(&rates, &[0.1]), EnsembleError::Length { got: 1, want: 2 });
    let concentration = Quantity::Concentration { ligand: 0 };
    assert!(matches!(go(&rates, &[0.1, -1.0]), EnsembleError::Fault(Fault { quantity, instance: 1, .. })
        if quantity == concentration));
    for bad in [-1.0, f64::NAN, f64::INFINITY, 1e10] {
        rates[4] = bad;
        let named = |e| matches!(e, EnsembleError::Fault(Fault { quantity: Quantity::Rate { transition: 4 }, .. }));
        assert!(named(go(&rates, &[0.1, 0.1])), "{bad}");
    }
    assert!(Individuals::new(&plan, luck(10), 1, |_| (5, 0)).is_err());
    assert!(Individuals::new(&plan, luck(10), 1, |_| (ASLEEP, 0)).is_err());
    let (_, rates) = receptor();
    assert!(IndividualsPlan::new(&kinetics).with_rest(Drive { rates: &rates, ligand: &[] }, &[3]).is_err());
    assert!(IndividualsPlan::new(&kinetics).with_rest(Drive { rates: &rates, ligand: &[0.0] }, &[]).is_err());
}
