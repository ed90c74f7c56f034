//! Populations of jumps: conservation, addresses, the mean is the ODE, the variance is N p (1 - p).
#![allow(missing_docs)]

mod common;

use common::{Z, chi_square, mean_fits, receptor, tangle, variance_fits};
use engine::ensemble::{Jumps, Laws};
use engine::mechanism::{Input, StateIndex};
use engine::snapshot;
use engine::time::Tick;
use numerics::rng::StreamKey;

const DT: Tick = Tick(100_000_000);

fn key() -> StreamKey {
    StreamKey::new(20_240_117, 3, 5, 77)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Shared,
    Each,
    Gillespie,
}

const WAYS: [Way; 3] = [Way::Shared, Way::Each, Way::Gillespie];

/// Steps a population of `tangle` at concentrations (0.4, 0.2) mM.
fn advance(jumps: &mut Jumps, way: Way, steps: usize) {
    let (kinetics, rates) = tangle();
    let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
    let ligands = [Input::Uniform(0.4), Input::Uniform(0.2)];
    let p = kinetics.generator(&rates, &[0.4, 0.2]).unwrap().propagator(DT.ms()).unwrap();
    let laws = Laws::new(&p);
    for _ in 0..steps {
        match way {
            Way::Shared => jumps.step_shared(key(), &laws, DT),
            Way::Each => jumps.step_each(key(), &kinetics, &coefficients, &ligands, DT),
            Way::Gillespie => jumps.gillespie(key(), &kinetics, &coefficients, &ligands, DT),
        }
        .unwrap();
    }
}

fn fresh(instances: usize, copies: u32) -> Jumps {
    Jumps::new(&tangle().0, instances, &[copies, 0, 0, 0, 0, 0, 0]).unwrap()
}

fn counts(jumps: &Jumps) -> Vec<u32> {
    (0..jumps.instances()).flat_map(|i| (0..7).map(move |s| jumps.count(i, StateIndex(s)))).collect()
}

#[test]
fn nobody_is_lost() {
    for way in WAYS {
        let mut jumps = fresh(50, 23);
        advance(&mut jumps, way, 20);
        assert!(counts(&jumps).chunks(7).all(|c| c.iter().sum::<u32>() == 23));
        assert_eq!(jumps.clock(), DT * 20);
    }
}

#[test]
fn another_instance_changes_nobodys_luck_and_threads_never_change_a_bit() {
    for way in WAYS {
        let mut few = fresh(2100, 11);
        advance(&mut few, way, 4);
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut many = fresh(4500, 11);
            pool.install(|| advance(&mut many, way, 4));
            assert_eq!(counts(&many)[..2100 * 7], counts(&few), "{way:?}, {threads} threads");
        }
    }
}

/// All three ways, 20,000 instances of 30 copies, after 1 ms, every state: mean N p (z test) and variance N p (1 - p)
/// (chi-square), false alarm 1e-6 each, 42 tests. Power: the twin's p is off by 1.5 % of itself, which for p = 0.3 is
/// 10 standard errors.
#[test]
fn the_mean_of_the_jumps_is_the_ode_and_a_wrong_law_is_caught() {
    let (kinetics, rates) = tangle();
    let p = kinetics.generator(&rates, &[0.4, 0.2]).unwrap().propagator(1.0).unwrap();
    let copies = 30.0;
    for way in WAYS {
        let mut jumps = fresh(20_000, 30);
        advance(&mut jumps, way, 10);
        let mut caught = false;
        for (s, &p) in p.row(0).iter().enumerate() {
            let sample: Vec<f64> = (0..20_000).map(|i| f64::from(jumps.count(i, StateIndex(s as u16)))).collect();
            let variance = copies * p * (1.0 - p);
            assert!(mean_fits(&sample, copies * p, variance.sqrt()), "{way:?}, state {s}");
            caught |= !mean_fits(&sample, copies * p * 1.015, variance.sqrt());
            if variance > 3.0 {
                assert!(variance_fits(&sample, variance), "{way:?}, state {s}");
                assert!(!variance_fits(&sample, variance * 1.1), "the twin must fail");
            }
        }
        assert!(caught, "the twin must fail");
    }
}

/// Equilibrium of the receptor at 0.05 mM: 4000 populations of 10,000, drawn for 400 ms in two steps. Bands as above.
#[test]
fn at_equilibrium_the_variance_is_n_p_q() {
    let (kinetics, rates) = receptor();
    let q = kinetics.generator(&rates, &[0.05]).unwrap();
    let law = q.stationary().unwrap();
    let step = Tick::from_ms(200.0).unwrap();
    let laws = Laws::new(&q.propagator(step.ms()).unwrap());
    let mut jumps = Jumps::new(&kinetics, 4000, &[10_000, 0, 0, 0, 0]).unwrap();
    for _ in 0..2 {
        jumps.step_shared(key(), &laws, step).unwrap();
    }
    for (s, &p) in law.iter().enumerate() {
        let sample: Vec<f64> = (0..4000).map(|i| f64::from(jumps.count(i, StateIndex(s as u16)))).collect();
        let variance = 1e4 * p * (1.0 - p);
        assert!(mean_fits(&sample, 1e4 * p, variance.sqrt()));
        assert!(variance_fits(&sample, variance));
        // Power: the band is +-11 %; Poisson noise would be N p, here caught where p > 0.2.
        assert!(p < 0.2 || !variance_fits(&sample, 1e4 * p), "the twin must fail");
    }
    assert!(law.iter().any(|&p| p > 0.2));
    assert!(chi_square(3999.0, Z) / 3999.0 < 1.12);
}

#[test]
fn a_run_in_two_parts_is_the_run_in_one() {
    for way in WAYS {
        let mut whole = fresh(37, 9);
        advance(&mut whole, way, 9);
        let mut part = fresh(37, 9);
        advance(&mut part, way, 4);
        let saved = snapshot::save(9, &part).unwrap();
        drop(part);
        let mut rest: Jumps = snapshot::load(9, &saved).unwrap();
        advance(&mut rest, way, 5);
        assert_eq!(rest, whole, "{way:?}");
    }
}

#[test]
fn snapshots_that_lie_are_errors() {
    let lie = snapshot::save(1, &(2_u16, 1_u64, 0_i64, vec![1_u32; 15], vec![0_u64; 8])).unwrap();
    assert!(snapshot::load::<Jumps>(1, &lie).is_err());
    let crowd = snapshot::save(1, &(2_u16, 1_u64, 0_i64, vec![u32::MAX; 16], vec![0_u64; 8])).unwrap();
    assert!(snapshot::load::<Jumps>(1, &crowd).is_err());
}
