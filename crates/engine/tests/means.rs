//! Populations of means: exact law, order of convergence, conservation, positivity, same bits.
#![allow(missing_docs)]

mod common;

use common::{receptor, tangle};
use engine::ensemble::{EnsembleError, Exact, Implicit, Means, Method};
use engine::fault::Quantity;
use engine::mechanism::{Input, Kinetics, StateIndex};
use engine::snapshot;
use engine::time::Tick;
use numerics::simd::Level;

const INSTANCES: usize = 83;

fn start(kinetics: &Kinetics) -> Vec<f64> {
    let mut start = vec![0.0; kinetics.states()];
    start[0] = 1.0;
    start
}

fn all(means: &Means) -> Vec<f64> {
    let states = 0..means.states() as u16;
    (0..means.instances()).flat_map(|i| states.clone().map(move |s| means.occupancy(i, StateIndex(s)))).collect()
}

fn bits(means: &Means) -> Vec<u64> {
    all(means).into_iter().map(f64::to_bits).collect()
}

/// Columns of concentrations, different for every instance.
fn concentrations(ligands: usize, instances: usize) -> Vec<Vec<f64>> {
    (0..ligands).map(|l| (0..instances).map(|i| 0.01 * (1 + (7 * i + 3 * l) % 97) as f64).collect()).collect()
}

fn run(
    level: Level,
    (kinetics, rates): &(Kinetics, Vec<f64>),
    instances: usize,
    dt: f64,
    steps: usize,
    method: Method,
) -> Means {
    let columns = concentrations(kinetics.ligands(), instances);
    let ligands: Vec<_> = columns.iter().map(|c| Input::Column(c)).collect();
    let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
    let mut means = Means::new(kinetics, instances, &start(kinetics)).unwrap();
    let implicit = Implicit::new(kinetics);
    let dt = Tick::from_ms(dt).unwrap();
    for _ in 0..steps {
        implicit.step(level, kinetics, &mut means, &coefficients, &ligands, dt, method).unwrap();
    }
    means
}

/// The exact occupancies of each instance after `time` ms.
fn law((kinetics, rates): &(Kinetics, Vec<f64>), instances: usize, time: f64) -> Vec<f64> {
    let columns = concentrations(kinetics.ligands(), instances);
    let mut whole = Vec::new();
    for i in 0..instances {
        let ligands: Vec<_> = columns.iter().map(|c| c[i]).collect();
        let p = kinetics.generator(rates, &ligands).unwrap().propagator(time).unwrap();
        let mut after = vec![0.0; kinetics.states()];
        p.apply(&start(kinetics), &mut after);
        whole.extend(after);
    }
    whole
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |worst, (a, b)| f64::max(worst, (a - b).abs()))
}

#[test]
fn implicit_steps_converge_with_their_order() {
    for scheme in [receptor(), tangle()] {
        let want = law(&scheme, 20, 1.0);
        for (method, order) in [(Method::BackwardEuler, 1.0), (Method::Sdirk2, 2.0)] {
            let error =
                |steps: usize| worst(&all(&run(Level::best(), &scheme, 20, 1.0 / steps as f64, steps, method)), &want);
            let (coarse, fine) = (error(400), error(800));
            let seen = numerics::math::ln(coarse / fine) / numerics::math::ln(2.0);
            assert!((seen - order).abs() < 0.1, "{method:?}: order {seen}, errors {coarse:e}, {fine:e}");
        }
    }
}

#[test]
fn the_exact_step_is_the_propagator_whatever_the_step() {
    for (kinetics, rates) in [receptor(), tangle()] {
        let ligands = vec![0.3; kinetics.ligands()];
        let mut exact = Exact::new();
        let mut means = Means::new(&kinetics, 9, &start(&kinetics)).unwrap();
        for _ in 0..10 {
            exact.step(Level::best(), &kinetics, &mut means, &rates, &ligands, Tick::from_ms(0.2).unwrap()).unwrap();
        }
        assert_eq!(exact.made(), 1, "the propagator is remembered");
        assert_eq!(means.clock(), Tick::from_ms(2.0).unwrap());
        let p = kinetics.generator(&rates, &ligands).unwrap().propagator(2.0).unwrap();
        for s in 0..kinetics.states() {
            assert!((means.occupancy(8, StateIndex(s as u16)) - p.row(0)[s]).abs() < 1e-14);
        }
    }
}

#[test]
fn levels_and_threads_never_change_a_bit() {
    // More than one chunk of 2048 instances, and a ragged end.
    let instances = 5003;
    for scheme in [receptor(), tangle()] {
        for method in [Method::BackwardEuler, Method::Sdirk2] {
            let want = bits(&run(Level::best(), &scheme, instances, 0.1, 3, method));
            for &level in Level::available() {
                assert_eq!(bits(&run(level, &scheme, instances, 0.1, 3, method)), want, "{level:?}");
            }
            for threads in [1, 2, 3, 8] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let got = pool.install(|| bits(&run(Level::best(), &scheme, instances, 0.1, 3, method)));
                assert_eq!(got, want, "{threads} threads");
            }
        }
        let ligands = vec![0.3; scheme.0.ligands()];
        let exact = |level| {
            let mut means = Means::new(&scheme.0, 77, &start(&scheme.0)).unwrap();
            Exact::new().step(level, &scheme.0, &mut means, &scheme.1, &ligands, Tick(123_456_789)).unwrap();
            bits(&means)
        };
        for &level in Level::available() {
            assert_eq!(exact(level), exact(Level::best()));
        }
    }
}

#[test]
fn neighbours_never_change_a_bit() {
    let scheme = tangle();
    let (few, many) = (
        run(Level::best(), &scheme, 13, 0.1, 5, Method::Sdirk2),
        run(Level::best(), &scheme, 400, 0.1, 5, Method::Sdirk2),
    );
    let states = scheme.0.states();
    assert_eq!(bits(&few), bits(&many)[..13 * states]);
}

#[test]
fn backward_euler_stays_positive_and_keeps_mass_at_any_stiffness() {
    for (kinetics, rates) in [receptor(), tangle()] {
        for scale in [1e-6, 1.0, 1e6, 1e12] {
            let stiff: Vec<f64> =
                rates.iter().enumerate().map(|(k, r)| if k % 3 == 0 { r * scale } else { *r }).collect();
            for method in [Method::BackwardEuler, Method::Sdirk2] {
                let means = run(Level::best(), &(kinetics.clone(), stiff.clone()), INSTANCES, 1.0, 50, method);
                for p in all(&means).chunks(kinetics.states()) {
                    let mass: f64 = p.iter().sum();
                    assert!((mass - 1.0).abs() < 1e-13, "{method:?}, scale {scale:e}: mass {mass}");
                    let least = p.iter().copied().fold(1.0, f64::min);
                    assert!(method == Method::Sdirk2 || least >= 0.0);
                }
            }
        }
    }
}

#[test]
fn a_long_step_reaches_the_stationary_law() {
    for scheme in [receptor(), tangle()] {
        for method in [Method::BackwardEuler, Method::Sdirk2] {
            let means = run(Level::best(), &scheme, 20, 1e6, 12, method);
            assert!(worst(&all(&means), &law(&scheme, 20, 1e6)) < 1e-11, "L-stable");
        }
    }
}

#[test]
fn a_bad_rate_names_its_instance_and_transition() {
    let (kinetics, rates) = receptor();
    let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
    let implicit = Implicit::new(&kinetics);
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        let mut ligand = vec![0.1; 3000];
        ligand[2500] = bad;
        let mut means = Means::new(&kinetics, 3000, &start(&kinetics)).unwrap();
        let error = implicit
            .step(
                Level::best(),
                &kinetics,
                &mut means,
                &coefficients,
                &[Input::Column(&ligand)],
                Tick(1_000_000),
                Method::BackwardEuler,
            )
            .unwrap_err();
        let EnsembleError::Fault(fault) = error else { panic!("{error}") };
        assert_eq!((fault.quantity, fault.instance), (Quantity::Rate { transition: 0 }, 2500), "{fault}");
    }
    let mut means = Means::new(&kinetics, 3000, &start(&kinetics)).unwrap();
    let short = [0.1; 2999];
    let error = implicit.step(
        Level::best(),
        &kinetics,
        &mut means,
        &coefficients,
        &[Input::Column(&short)],
        Tick(1),
        Method::Sdirk2,
    );
    assert_eq!(error, Err(EnsembleError::Length { got: 2999, want: 3000 }));
}

#[test]
fn a_solver_is_not_used_for_another_scheme() {
    let (kinetics, rates) = receptor();
    let mirrored: Vec<_> = [(1, 0), (0, 1), (2, 1), (1, 2), (3, 2), (2, 3), (4, 2), (2, 4)]
        .iter()
        .zip(&rates)
        .map(|(&(from, to), &k)| (from, to, k, None, None))
        .collect();
    let (other, _) = common::scheme(5, 1, &mirrored);
    let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
    let mut means = Means::new(&kinetics, 3, &start(&kinetics)).unwrap();
    let ligand = [Input::Uniform(1.0)];
    let step = Tick(1_000_000);
    let implicit = Implicit::new(&other);
    let error =
        implicit.step(Level::best(), &kinetics, &mut means, &coefficients, &ligand, step, Method::BackwardEuler);
    assert_eq!(error, Err(EnsembleError::OtherScheme));
    // The cache of propagators tells schemes apart whose rates are the same numbers.
    let mut exact = Exact::new();
    exact.propagator(&kinetics, &rates, &[1.0], step).unwrap();
    exact.propagator(&other, &rates, &[1.0], step).unwrap();
    exact.propagator(&kinetics, &rates, &[1.0], step).unwrap();
    assert_eq!(exact.made(), 2);
}

#[test]
fn the_order_of_elimination_is_pinned() {
    let chain = Implicit::new(&receptor().0);
    assert_eq!((chain.flows(), chain.divisions()), (8, 3), "a tree fills nothing");
    let tangle = Implicit::new(&tangle().0);
    assert_eq!((tangle.flows(), tangle.divisions()), (TANGLE_FLOWS, TANGLE_DIVISIONS));
}
const TANGLE_FLOWS: usize = 18;
const TANGLE_DIVISIONS: usize = 7;

#[test]
fn a_run_in_two_parts_is_the_run_in_one() {
    let (kinetics, rates) = tangle();
    let columns = concentrations(2, INSTANCES);
    let ligands: Vec<_> = columns.iter().map(|c| Input::Column(c)).collect();
    let coefficients: Vec<_> = rates.iter().map(|&k| Input::Uniform(k)).collect();
    let implicit = Implicit::new(&kinetics);
    let go = |means: &mut Means, steps: usize| {
        for _ in 0..steps {
            let dt = Tick::from_ms(0.1).unwrap();
            implicit.step(Level::best(), &kinetics, means, &coefficients, &ligands, dt, Method::Sdirk2).unwrap();
        }
    };
    let mut whole = Means::new(&kinetics, INSTANCES, &start(&kinetics)).unwrap();
    go(&mut whole, 7);
    let mut part = Means::new(&kinetics, INSTANCES, &start(&kinetics)).unwrap();
    go(&mut part, 3);
    let saved = snapshot::save(1, &part).unwrap();
    drop(part);
    let mut rest: Means = snapshot::load(1, &saved).unwrap();
    go(&mut rest, 4);
    assert_eq!(bits(&rest), bits(&whole));
    assert_eq!(rest, whole);
}

#[test]
fn a_snapshot_whose_lengths_lie_is_an_error() {
    // states, instances, clock, values: postcard of the same layout with one value too few.
    let lie = snapshot::save(1, &(2_u16, 1_u64, 0_i64, vec![0.5; 15])).unwrap();
    assert_eq!(snapshot::load::<Means>(1, &lie), Err(snapshot::SnapshotError::Contents));
    let huge = snapshot::save(1, &(2_u16, u64::MAX, 0_i64, vec![0.5; 16])).unwrap();
    assert_eq!(snapshot::load::<Means>(1, &huge), Err(snapshot::SnapshotError::Contents));
    let good = snapshot::save(1, &(2_u16, 1_u64, 0_i64, vec![0.5; 16])).unwrap();
    assert!(snapshot::load::<Means>(1, &good).is_ok());
}

/// Every labelled tree of up to five states (parent of each later state among the earlier ones), some one-way: both the
/// unrolled loops and the general path must find the law.
#[test]
fn every_tree_of_up_to_six_states_converges() {
    for n in 2..=6_u16 {
        let mut parents = vec![0_u16; usize::from(n)];
        loop {
            let mut steps = Vec::new();
            for k in 1..n {
                let p = parents[usize::from(k)];
                steps.push((p, k, 1.0 + f64::from(k), (k % 2 == 1).then_some(0), None));
                if k != 3 {
                    steps.push((k, p, 0.5 + f64::from(k * p), None, None));
                }
            }
            let scheme = common::scheme(usize::from(n), 1, &steps);
            let error = worst(&all(&run(Level::best(), &scheme, 9, 0.01, 50, Method::Sdirk2)), &law(&scheme, 9, 0.5));
            assert!(error < 3e-4, "{parents:?}: {error:e}");
            let one = all(&run(Level::best(), &scheme, 9, 0.01, 1, Method::BackwardEuler));
            assert!(one.chunks(usize::from(n)).all(|p| (p.iter().sum::<f64>() - 1.0).abs() < 1e-15 * 8.0));
            // The next list of parents, parent of k below k.
            let Some(k) = (1..n).rev().find(|&k| parents[usize::from(k)] + 1 < k) else { break };
            parents[usize::from(k)] += 1;
            parents[usize::from(k) + 1..].fill(0);
        }
    }
}
