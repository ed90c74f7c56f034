//! A cleft of single molecules against exact laws. Every statistical bound is at 5.1 standard errors (two-sided odds of 3.4e-7 that
//! a sound program fails) unless it says otherwise; all are seeded.

mod molecules;

use engine::cleft::{self, Pore};
use engine::molecular::{Edge, Kind, MolecularError, Places, Plan, Shape, Space, Watch};
use engine::single::SchemeError;
use engine::time::Tick;
use molecules::{Trial, kind, scheme, us};
use numerics::constants::AVOGADRO;
use numerics::math;
use numerics::passage::DISC;
use numerics::rng::StreamKey;
use std::f64::consts::PI;

const SIGMAS: f64 = 5.1;

/// Places in a disc, evenly at random.
fn scattered(n: usize, radius: f64, seed: u64) -> Vec<[f64; 2]> {
    let key = StreamKey::new(seed, 0, 0, 0);
    let one = |k: usize| {
        let mut draws = key.at(k as u64, 0);
        let (r, (c, s)) = (radius * draws.uniform().sqrt(), math::turn(draws.uniform()));
        [r * c, r * s]
    };
    (0..n).map(one).collect()
}

fn disc(radius: f64, height: f64, edge: Edge) -> Space {
    Space { shape: Shape::Disc { radius }, height, diffusion: 0.33, edge }
}

/// A receptor whose wells bind at `rate` /mM/ms but that is never in the state that does: walkers meet it and go on.
fn decoy(rate: f64, places: Vec<[f64; 2]>) -> Kind {
    kind(2, &[(1, 0, 1.0, 0), (1, 0, rate, 1)], &[0, 0], places)
}

#[test]
fn molecules_leave_a_disc_as_fick_says() {
    // From the middle and from everywhere, however often they stop on their way; no step bias above .3 %.
    let n = 1_000_000;
    let space = disc(0.25, 0.02, Edge::Absorbing);
    for rate in [0.0, 28.4, 200.0] {
        let plan = Plan::new(&space, &[decoy(rate, scattered(80, 0.15, 1))]).unwrap();
        let mut state = Trial::new(&plan, StreamKey::new(1, 0, 0, 0), us(1.0));
        state.release([0.0, 0.0], n);
        for share in [0.05, 0.1, 0.2, 0.3, 0.5] {
            state.advance(us(share * 0.0625 / 0.33e-3));
            let (found, exact) = (state.free() as f64 / n as f64, DISC.survival(share));
            let off = (found - exact) / (exact * (1.0 - exact) / n as f64).sqrt();
            println!(
                "from the middle, meets {:.1} /ms, Dt/R^2 {share}: {found} of {exact}, {off:.2} se",
                state.meets()
            );
            assert!(off.abs() < SIGMAS && (found / exact - 1.0).abs() < 3e-3 + 3.0 * (1.0 / (exact * n as f64)).sqrt());
        }
    }
    let n = 400_000;
    for rate in [0.0, 28.4, 200.0] {
        let plan = Plan::new(&space, &[decoy(rate, scattered(80, 0.15, 1))]).unwrap();
        let mut state = Trial::new(&plan, StreamKey::new(2, 0, 0, 0), us(1.0));
        for at in scattered(n, 0.25, 9) {
            state.release(at, 1);
        }
        // Sum of 4 / j^2 exp(-j^2 t)
        for (share, exact) in [(0.05, 0.547_88), (0.1, 0.394_18), (0.2, 0.217_85), (0.3, 0.122_03)] {
            state.advance(us(share * 0.0625 / 0.33e-3));
            let found = state.free() as f64 / n as f64;
            let off = (found - exact) / (exact * (1.0 - exact) / n as f64).sqrt();
            println!("from everywhere, Dt/R^2 {share}: {found} of {exact}, {off:.2} se");
            assert!(off.abs() < SIGMAS);
        }
    }
}

#[test]
fn molecules_leave_a_rectangle_as_fick_says() {
    let n = 400_000;
    let space =
        Space { shape: Shape::Rectangle { x: 1.0, y: 0.6 }, height: 0.05, diffusion: 0.4, edge: Edge::Absorbing };
    let at = [0.2, -0.1];
    // Survival of each way by itself, from anywhere: sum of 2 (1 - cos k pi) / (k pi) sin(k pi x / L) exp(-(k pi / L)^2 D t).
    let one = |x: f64, length: f64, t: f64| -> f64 {
        let mode = |k: i32| {
            let wave = f64::from(k) * PI / length;
            4.0 / (f64::from(k) * PI) * math::turn(wave * x / (2.0 * PI)).1 * math::exp(-wave * wave * 0.4 * t)
        };
        (0..40).map(|k| mode(2 * k + 1)).sum()
    };
    for rate in [0.0, 30.0] {
        let plan = Plan::new(&space, &[decoy(rate, scattered(500, 0.25, 1))]).unwrap();
        let mut state = Trial::new(&plan, StreamKey::new(3, 0, 0, 0), us(1.0));
        state.release(at, n);
        for t in [20.0, 50.0, 100.0, 200.0, 400.0] {
            state.advance(us(t));
            let exact = one(0.5 + at[0], 1.0, 1e-3 * t) * one(0.3 + at[1], 0.6, 1e-3 * t);
            let found = state.free() as f64 / n as f64;
            let off = (found - exact) / (exact * (1.0 - exact) / n as f64).sqrt();
            println!("rectangle, {t} us: {found} of {exact}, {off:.2} se");
            assert!(off.abs() < SIGMAS);
        }
    }
}

/// Mean and variance of how many of `l` molecules are bound to `r` sites in equilibrium, `k` the ratio of on and off for one pair.
fn bound_law(l: u32, r: u32, k: f64) -> [f64; 2] {
    let mut logs = vec![0.0];
    for b in 1..=l.min(r) {
        let (l, r, b) = (f64::from(l), f64::from(r), f64::from(b));
        logs.push(logs[logs.len() - 1] + math::ln((l - b + 1.0) * (r - b + 1.0) / b * k));
    }
    let top = logs.iter().fold(f64::NEG_INFINITY, |a: f64, b| a.max(*b));
    let weights: Vec<f64> = logs.iter().map(|x| math::exp(x - top)).collect();
    let all: f64 = weights.iter().sum();
    let moment = |p: i32| weights.iter().enumerate().map(|(b, w)| w * math::powi(b as f64, p)).sum::<f64>() / all;
    [moment(1), moment(2) - moment(1) * moment(1)]
}

#[test]
fn binding_in_a_closed_cleft_comes_to_its_law_from_both_sides() {
    // The law of so many pairs is exact, ligand that runs short included: no error that sampling does not explain, for
    // tiles of any size. Variances within SIGMAS of their own error.
    let (l, r) = (300, 120);
    let mut pooled: Vec<[f64; 2]> = Vec::new();
    let shapes = [
        (Shape::Disc { radius: 0.2 }, 0.5, scattered(r as usize, 0.12, 4)),
        (Shape::Rectangle { x: 0.3, y: 0.4 }, 1.0, scattered(r as usize, 0.14, 5)),
    ];
    for (shape, share, places) in shapes {
        let space = Space { shape, height: 0.02, diffusion: 0.33, edge: Edge::Sealed };
        let volume = shape.area() * 0.02;
        let off = 20.0;
        // On over off of a pair in the volume: a share of half at so many molecules.
        let on = share * off * volume * AVOGADRO / 150.0;
        let [mean, variance] = bound_law(l, r, on / off / (volume * AVOGADRO));
        for (side, free) in [(0.01, true), (0.02, false)] {
            let kind = kind(2, &[(0, 1, on, 1), (1, 0, off, -1)], &[0, 1], places.clone());
            let plan = Plan::tiled(&space, &[kind], side, None).unwrap();
            let mut state = Trial::new(&plan, StreamKey::new(6, u64::from(free), 0, 0), us(1.0));
            if free {
                state.release([0.01, 0.02], u64::from(l));
            } else {
                // All at one receptor's place: most of them are bound before they are spread.
                state.release(places[0], u64::from(l));
            }
            let (n, apart) = (1_200, 120.0);
            let mut counts = Vec::with_capacity(n);
            state.advance(us(2000.0));
            for k in 0..n {
                state.advance(us(2000.0 + apart * (k + 1) as f64));
                assert!(state.budget().balances());
                counts.push(f64::from(state.counts(0)[1]));
            }
            let m = counts.iter().sum::<f64>() / n as f64;
            let v = counts.iter().map(|c| (c - m) * (c - m)).sum::<f64>() / (n as f64 - 1.0);
            // Relaxation is some 25 us: samples are five times that apart.
            let off_mean = (m - mean) / (variance / n as f64).sqrt();
            let off_variance = (v / variance - 1.0) / (2.0 / n as f64).sqrt();
            println!(
                "{shape:?} tiles {side}: mean {m} of {mean} ({off_mean:.2} se), variance {v} of {variance} ({off_variance:.2})"
            );
            assert!(off_mean.abs() < SIGMAS && off_variance.abs() < SIGMAS);
            pooled.push([m / mean - 1.0, v / variance - 1.0]);
        }
    }
    // All together: means to 0.2 %, variances to 3 %, and what sampling leaves.
    let n = pooled.len() as f64;
    let [m, v] = [0, 1].map(|k| pooled.iter().map(|p| p[k]).sum::<f64>() / n);
    println!("of all {n}: means off by {m:.5}, variances by {v:.4}");
    assert!(m.abs() < 2e-3 + 1e-3 && v.abs() < 0.03 + 0.04);
}

#[test]
fn a_reversible_cycle_runs_neither_way() {
    // C binds to B, opens to O; C opens to P, which binds to O: in equilibrium as often one way as the other, and occupancies are the
    // products of the steps.
    let space = disc(0.15, 0.02, Edge::Sealed);
    let volume = space.shape.area() * 0.02;
    let per = volume * AVOGADRO / 100.0;
    let steps = [
        (0, 1, 10.0 * per, 1),
        (1, 0, 20.0, -1),
        (1, 2, 6.0, 0),
        (2, 1, 3.0, 0),
        (0, 3, 0.4, 0),
        (3, 0, 5.0, 0),
        (3, 2, 50.0 * per, 1),
        (2, 3, 4.0, -1),
    ];
    let kind = kind(4, &steps, &[0, 1, 1, 0], scattered(40, 0.12, 2));
    let plan = Plan::new(&space, &[kind]).unwrap();
    let mut state = Trial::new(&plan, StreamKey::new(8, 0, 0, 0), us(1.0));
    state.release([0.0, 0.0], 100);
    state.advance(us(5000.0));
    let n = 1_500;
    let mut sums = [0.0; 4];
    for k in 0..n {
        state.advance(us(5000.0 + 300.0 * f64::from(k + 1)));
        (0..4).for_each(|s| sums[s] += f64::from(state.counts(0)[s]));
    }
    // O over B and P over C are what their own steps say, whatever the ligand does.
    let (opened, primed) = (sums[2] / sums[1], sums[3] / sums[0]);
    // Errors from counts, with all that is correlated within a sample taken as independent: bounds of 3 and 5 %.
    println!("O/B {opened} of 2, P/C {primed} of .08");
    assert!((opened / 2.0 - 1.0).abs() < 0.03 && (primed / 0.08 - 1.0).abs() < 0.05);
}

#[test]
fn an_enzyme_follows_michaelis_and_menten() {
    // Many molecules and few enzymes, well mixed: d[S]/dt = -kcat E S / (Km + S), by Lambert's W from the integrated form. Mean of 40 trials.
    let space = Space { shape: Shape::Rectangle { x: 0.2, y: 0.2 }, height: 0.02, diffusion: 0.33, edge: Edge::Sealed };
    let volume = space.shape.area() * 0.02 * AVOGADRO;
    let (on, off, cat, enzymes, start) = (100.0, 5.0, 16.0, 10.0, 2000.0);
    let places: Vec<[f64; 2]> =
        (0..10).map(|k| [-0.09 + 0.02 * f64::from(k), 0.05 * f64::from(k % 3) - 0.05]).collect();
    let plan =
        Plan::new(&space, &[kind(2, &[(0, 1, on, 1), (1, 0, off, -1), (1, 0, cat, 0)], &[0, 1], places)]).unwrap();
    let half = (off + cat) / on * volume;
    let (trials, times) = (40, [1.0, 3.0, 6.0, 9.0, 12.0]);
    let mut left = [0.0; 5];
    for trial in 0..trials {
        let mut state = Trial::new(&plan, StreamKey::new(9, trial, 0, 0), us(1.0));
        state.release([0.0, 0.0], start as u64);
        for (k, t) in times.into_iter().enumerate() {
            state.advance(us(1e3 * t));
            left[k] += (start - state.budget().turned_over[0] as f64) / trials as f64;
        }
    }
    for (k, t) in times.into_iter().enumerate() {
        // S + Km ln(S / S0) = S0 - V t
        let f = |s: f64| s + half * math::ln(s / start) - start + cat * enzymes * t;
        let s = numerics::bracket::root(f, 1e-6, start, 1e-9).unwrap();
        println!("{t} ms: {} left, {s} by Michaelis and Menten", left[k]);
        // What is bound counts as left here and not there: 10 at most; and sampling.
        assert!((left[k] - s - 5.0).abs() < 5.0 + 0.01 * start);
    }
}

#[test]
fn a_quick_sink_is_seen_through_its_own_field() {
    // One site in the middle of a sealed disc that takes whatever it binds: mean time to be taken, of a molecule from anywhere,
    // V / k + R^2 / (2 D) (ln(R / (4 h)) + gamma - 3/4), k the rate in the far field. With this k diffusion is half of it.
    let (radius, height, d) = (0.25, 0.02, 0.33);
    let space = disc(radius, height, Edge::Sealed);
    let k = 5000.0;
    let volume = space.shape.area() * height;
    let gamma = 0.577_215_664_901_532_9;
    let field = radius * radius / (2.0 * d) * (math::ln(radius / (4.0 * height)) + gamma - 0.75);
    let exact = volume * AVOGADRO / k + field;
    for side in [0.02, 0.04] {
        let plan = Plan::tiled(&space, &[sink(k)], side, None).unwrap();
        let n = 10_000;
        let mut state = Trial::new(&plan, StreamKey::new(10, 0, 0, 0), us(20.0));
        for at in scattered(n, radius, 11) {
            state.release(at, 1);
        }
        // The mean from what is left, by Simpson's rule to 12 means, and the rest as an exponential.
        let (steps, h) = (600, exact / 50.0);
        let mut sum = 0.0;
        let mut before = n as f64;
        for _ in 0..steps {
            let mid = state_at(&mut state, 0.5 * h);
            let end = state_at(&mut state, 0.5 * h);
            sum += h / 6.0 * (before + 4.0 * mid + end);
            before = end;
        }
        let mean = (sum + before * exact) / n as f64;
        let off = (mean - exact) / (exact / (n as f64).sqrt());
        println!("tiles {side}: {mean} ms of {exact}, of which {field} for the way; {off:.2} se");
        // The law leaves out what is of the order of the tile over the radius, squared, and molecules that begin nearby.
        assert!((mean / exact - 1.0).abs() < SIGMAS / (n as f64).sqrt() + 0.01);
    }
}

/// A site at the middle that turns over at once what it binds, and stands open again.
fn sink(k: f64) -> Kind {
    kind(2, &[(0, 1, k, 1), (1, 0, 1e6, 0)], &[0, 1], vec![[1e-4, 1e-4]])
}

/// Molecules that are free after `h` more ms.
fn state_at(state: &mut Trial, h: f64) -> f64 {
    let now = state.now().ms();
    state.advance(Tick::from_ms(now + h).unwrap());
    state.free() as f64
}

#[test]
fn a_glutamate_cleft_is_that_of_the_mean() {
    // 80 AMPA receptors, places drawn anew in each trial, against the mean level. At 2 % and SIGMAS.
    let space = disc(0.25, 0.02, Edge::Absorbing);
    let steps = [(0, 1, 4.59, 1), (1, 0, 4.26, -1), (1, 2, 28.4, 1), (2, 1, 3.26, -1), (2, 3, 4.24, 0), (3, 2, 0.9, 0)];
    let trials = 1000;
    let times = [20.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2000.0];
    let mut sums = [[0.0; 4]; 7];
    for trial in 0..trials {
        let plan = Plan::new(&space, &[kind(4, &steps, &[0, 1, 2, 2], scattered(80, 0.15, trial + 5))]).unwrap();
        let mut state = Trial::new(&plan, StreamKey::new(1, trial, 0, 0), us(1.0));
        state.release([0.0, 0.0], 3000);
        for (k, at) in times.into_iter().enumerate() {
            state.advance(us(at));
            assert!(state.budget().balances());
            let (free, open) = (state.free() as f64, f64::from(state.counts(0)[3]));
            for (sum, x) in sums[k].iter_mut().zip([free, free * free, open, open * open]) {
                *sum += x / trials as f64;
            }
        }
    }
    let geometry = cleft::Geometry {
        radius: 0.25,
        height: 0.02,
        diffusion: 0.33,
        shells: 160,
        grading: 0.5,
        rim: cleft::Rim::Absorbing,
    };
    let source = cleft::Source { pore: cleft::Pore::Instantaneous, radius: 0.0 };
    let (kinetics, coefficients) = scheme(4, &steps);
    let resident = cleft::Resident::new(kinetics, coefficients, cleft::Site::Disc(0.15), cleft::Amount::Count(80.0));
    let mean = cleft::Cleft::new(&geometry, &source, &[resident]).unwrap();
    let (mut state, mut scratch) = (mean.start(), mean.scratch());
    mean.release(&mut state, 3000.0).unwrap();
    let mut before = 0.0;
    for (k, at) in times.into_iter().enumerate() {
        mean.advance(&mut state, &mut scratch, us(at - before), cleft::Tolerance::default()).unwrap();
        before = at;
        let mut law = [0.0; 4];
        mean.occupancies(&state, 0, &mut law);
        let [free, free_square, open, open_square] = sums[k];
        let error = |mean: f64, square: f64| ((square - mean * mean) / trials as f64).sqrt();
        let (of_free, of_open) = (mean.budget(&state).free_in_cleft * AVOGADRO, 80.0 * law[3]);
        println!(
            "{at} us: free {free:.2} of {of_free:.2}, open {open:.3} +- {:.3} of {of_open:.3}",
            error(open, open_square)
        );
        assert!((free - of_free).abs() < 0.002 * of_free + SIGMAS * error(free, free_square));
        assert!((open - of_open).abs() < 0.02 * of_open + SIGMAS * error(open, open_square));
    }
}

#[test]
fn bits_do_not_depend_on_how_a_trial_is_cut() {
    let space = disc(0.2, 0.02, Edge::Absorbing);
    let steps = [(0, 1, 20.0, 1), (1, 0, 4.0, -1), (1, 2, 3.0, 0), (2, 1, 1.0, 0)];
    let plan = Plan::new(&space, &[kind(3, &steps, &[0, 1, 1], scattered(60, 0.1, 1))]).unwrap();
    let run = |cuts: &[f64], day: f64| {
        let mut state = Trial::new(&plan, StreamKey::new(5, 0, 0, 0), us(day));
        state.release([0.0, 0.0], 2000);
        cuts.iter().for_each(|t| state.advance(us(*t)));
        (state.free(), state.counts(0).to_vec(), state.meetings())
    };
    let whole = run(&[700.0], 1.0);
    println!("{whole:?}");
    assert_eq!(whole, run(&[3.7, 10.0, 10.0, 333.3, 700.0], 1.0));
    assert_eq!(whole, run(&(1..=700).map(f64::from).collect::<Vec<_>>(), 1.0));
    assert!(whole.2 > 50);
}

#[test]
fn changes_add_up_and_snapshots_go_on_alike() {
    let space = disc(0.2, 0.02, Edge::Absorbing);
    let steps = [(0, 1, 20.0, 1), (1, 0, 4.0, -1), (1, 2, 3.0, 0), (2, 1, 1.0, 0)];
    let plan = Plan::new(&space, &[kind(3, &steps, &[0, 1, 1], scattered(60, 0.1, 1))]).unwrap();
    let key = StreamKey::new(5, 0, 0, 0);
    let mut state = plan.start(key, us(1.0), Tick::ZERO);
    plan.release(&mut state, key, [0.0, 0.0], cleft::Pore::FirstOrder { tau: 0.05 }, 2000);
    let (mut counts, mut last) = ([60i64, 0, 0], 0.0);
    let mut told = |c: engine::molecular::Changed| {
        assert!(c.at >= last && c.kind == 0);
        last = c.at;
        counts[c.from] -= 1;
        counts[c.to] += 1;
    };
    plan.advance(&mut state, key, us(300.0), &mut told);
    let now: Vec<i64> = state.counts(0).iter().map(|n| i64::from(*n)).collect();
    println!("{counts:?}, {:?}", plan.budget(&state));
    assert_eq!(counts.to_vec(), now);
    let bytes = engine::snapshot::save(7, &state).unwrap();
    let mut copy: engine::molecular::State = engine::snapshot::load(7, &bytes).unwrap();
    assert_eq!(copy, state);
    assert!(state.next().is_some_and(|at| at >= 0.3));
    for state in [&mut state, &mut copy] {
        plan.advance(state, key, us(900.0), &mut |_| ());
    }
    assert_eq!(copy, state);
}

#[test]
fn vesicles_empty_as_their_pores_do() {
    // What is left in a vesicle, of the mean level's pores; 5.1 standard errors.
    let space = disc(0.25, 0.02, Edge::Sealed);
    let plan = Plan::new(&space, &[]).unwrap();
    let pores = [
        cleft::Pore::FirstOrder { tau: 0.1 },
        cleft::Pore::Expanding { rate: 25.0, widest: 0.005, length: 0.009, volume: 3.35e-5, diffusion: 0.3 },
        cleft::Pore::Expanding { rate: 50.0, widest: 0.01, length: 0.0, volume: 2e-5, diffusion: 0.3 },
    ];
    for pore in pores {
        let geometry = cleft::Geometry {
            radius: 0.25,
            height: 0.02,
            diffusion: 0.33,
            shells: 20,
            grading: 0.0,
            rim: cleft::Rim::Sealed,
        };
        let mean = cleft::Cleft::new(&geometry, &cleft::Source { pore, radius: 0.0 }, &[]).unwrap();
        let (mut exact, mut scratch) = (mean.start(), mean.scratch());
        mean.release(&mut exact, 3000.0).unwrap();
        let n = 100_000;
        let mut state = Trial::new(&plan, StreamKey::new(12, 0, 0, 0), us(0.5));
        state.release_by([0.0, 0.0], pore, n);
        let mut before = 0.0;
        for t in [20.0, 60.0, 150.0, 400.0] {
            mean.advance(&mut exact, &mut scratch, us(t - before), cleft::Tolerance::default()).unwrap();
            before = t;
            state.advance(us(t));
            let budget = state.budget();
            assert!(budget.balances());
            let (found, p) =
                (budget.in_vesicles as f64 / n as f64, mean.budget(&exact).in_vesicles * AVOGADRO / 3000.0);
            let off = (found - p) / (p * (1.0 - p) / n as f64).sqrt().max(1e-9);
            println!("{pore:?}, {t} us: {found} of {p:.5} ({off:.2} se)");
            assert!((found - p).abs() < SIGMAS * (p * (1.0 - p) / n as f64).sqrt() + 2e-4);
        }
    }
}

#[test]
fn what_cannot_be_is_said() {
    let space = disc(0.2, 0.02, Edge::Absorbing);
    let of = |kind: Kind| Plan::new(&space, &[kind]).err();
    let steps = [(0, 1, 20.0, 1), (1, 0, 4.0, -1)];
    assert_eq!(
        of(kind(2, &steps, &[0, 1], vec![[0.0, 0.19], [0.15, 0.15]])),
        Some(MolecularError::Outside { kind: 0, member: 1 })
    );
    // A state that holds two after it took up one.
    assert_eq!(
        of(kind(2, &steps, &[0, 2], vec![])),
        Some(MolecularError::Scheme { kind: 0, error: SchemeError::Books { transition: 0 } })
    );
    let quick = of(kind(2, &[(0, 1, 2e4, 1), (1, 0, 4.0, -1)], &[0, 1], vec![]));
    println!("{}", quick.clone().unwrap());
    assert!(
        matches!(quick, Some(MolecularError::Scheme { kind: 0, error: SchemeError::TooQuick { most, .. } }) if (1e3..2e4).contains(&most))
    );
    let flat = Space { height: 0.0, ..space };
    assert_eq!(Plan::new(&flat, &[]).err(), Some(MolecularError::Space));
    let placed = |places: Places| of(Kind { places, ..kind(2, &steps, &[0, 1], vec![]) });
    assert_eq!(placed(Places::Even { count: -1.0, radius: 0.1 }), Some(MolecularError::Places { kind: 0 }));
    let wide = Places::Clustered { count: 9.0, radius: 0.1, clusters: 3, spread: 0.2 };
    assert_eq!(placed(wide), Some(MolecularError::Places { kind: 0 }));
    assert_eq!(placed(Places::Tissue(vec![1.0])), Some(MolecularError::Shells { kind: 0, shells: 0 }));
}

#[test]
fn who_looks_sees_all_and_changes_nothing() {
    // Rings and places against those that are free, at every time; and the law of a disc that nobody looked into. 5.1 standard errors.
    let space = disc(0.25, 0.02, Edge::Absorbing);
    let steps = [(0, 1, 30.0, 1), (1, 0, 8.0, -1), (1, 2, 3.0, 0), (2, 1, 2.0, 0)];
    let receptors = Kind { places: Places::Even { count: 60.5, radius: 0.1 }, ..kind(3, &steps, &[0, 1, 1], vec![]) };
    let edges = vec![0.05, 0.1, 0.25];
    let looked = Plan::new(&space, std::slice::from_ref(&receptors)).unwrap();
    let blind = looked.clone();
    let looked =
        looked.watched(vec![Watch::Counts { every: us(3.0), edges: edges.clone() }, Watch::Places { every: us(12.0) }]);
    let trials = 60;
    let mut both = [[0.0; 4]; 2];
    for trial in 0..trials {
        for (which, plan) in [&looked, &blind].into_iter().enumerate() {
            let mut state = Trial::new(plan, StreamKey::new(9, trial, which as u32, 0), us(1.0));
            state.release_by([0.0, 0.0], Pore::FirstOrder { tau: 0.03 }, 1500);
            for k in 1..=60_u64 {
                state.advance(us(3.0 * k as f64));
                if which == 0 {
                    let counts = state.seen(0, k);
                    assert_eq!(counts.iter().map(|n| u64::from(*n)).sum::<u64>(), state.free());
                    if k % 4 == 0 {
                        let mut found = [0; 3];
                        for [x, y] in state.seen_at(1, k / 4) {
                            let r = f64::from(x * x + y * y).sqrt();
                            found[edges.partition_point(|e| *e <= r).min(2)] += 1;
                        }
                        // A place is kept to 1e-8 um, so one on an edge may be on its other side.
                        let off: i64 = found.iter().zip(&counts).map(|(a, b)| i64::from(a - *b as i32).abs()).sum();
                        assert!(off <= 2, "{found:?} of {counts:?}");
                    }
                    state.state.forget(0, k);
                }
            }
            for (sum, x) in both[which].chunks_mut(2).zip([state.free() as f64, f64::from(state.counts(0)[2])]) {
                sum[0] += x;
                sum[1] += x * x;
            }
        }
    }
    let n = trials as f64;
    for k in [0, 2] {
        let [a, b] = both.map(|sums| (sums[k] / n, (sums[k + 1] / n - (sums[k] / n) * (sums[k] / n)) / n));
        let off = (a.0 - b.0) / (a.1 + b.1).sqrt();
        println!("{} and {}: {off:.2} se", a.0, b.0);
        assert!(off.abs() < SIGMAS);
    }
}

#[test]
fn rates_may_change_on_the_way() {
    // Half of all turn back by themselves at one rate, then at another: the law of two exponentials. 5.1 standard errors.
    let space = disc(0.2, 0.02, Edge::Sealed);
    let steps = [(0, 1, 0.0, 1), (1, 0, 0.5, 0), (0, 1, 0.5, 0)];
    let members = Kind { places: Places::Even { count: 40_000.0, radius: 0.2 }, ..kind(2, &steps, &[0, 0], vec![]) };
    let plan = Plan::new(&space, &[members]).unwrap();
    let key = StreamKey::new(5, 0, 0, 0);
    let mut state = plan.start(key, us(5.0), Tick::ZERO);
    let mut changes = 0;
    plan.advance(&mut state, key, us(500.0), &mut |_| changes += 1);
    plan.set_coefficients(&mut state, key, 0, &[0.0, 3.0, 1.0]).unwrap();
    let n = 40_000.0;
    let p = |t: f64| 0.75 - 0.25 * numerics::math::exp(-4.0 * t);
    for t in [0.1, 0.3, 1.0] {
        plan.advance(&mut state, key, us(500.0 + 1e3 * t), &mut |_| changes += 1);
        let (found, exact) = (f64::from(state.counts(0)[0]) / n, p(t));
        let off = (found - exact) / (exact * (1.0 - exact) / n).sqrt();
        println!("{t} ms after: {found} of {exact}, {off:.2} se");
        assert!(off.abs() < SIGMAS);
    }
    // Half a ms at .5 /ms each way; then of p in the first state p + 3 (1 - p) /ms, whose integral over 1 ms is this.
    let mean = n * (0.25 + 3.0 - 2.0 * (0.75 - 0.0625 * (1.0 - numerics::math::exp(-4.0))));
    println!("{changes} changes, {mean:.0} expected");
    assert!((f64::from(changes) - mean).abs() < SIGMAS * mean.sqrt());
    assert_eq!(
        plan.set_coefficients(&mut state, key, 0, &[1.0, 3.0, 1.0]),
        Err(MolecularError::BindsFaster { kind: 0 })
    );
}
