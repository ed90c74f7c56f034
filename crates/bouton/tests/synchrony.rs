//! Synchrony of spike trains whose synchrony is known: constructed phases, Poisson trains, jittered copies, cells of a run.
#![allow(clippy::disallowed_methods, reason = "oracles that are not ours")]

mod common;

use bouton::measure::synchrony::{correlogram, independent, lag, order, period, tiling};
use bouton::simulation::fact_keys;
use common::{Z, plan, ran};
use numerics::rng::StreamKey;
use std::f64::consts::{FRAC_2_PI, SQRT_2};

/// Spikes every `period` ms, the first at `phase` of it, until `end`.
fn regular(period: f64, phase: f64, end: f64) -> Vec<f64> {
    (0..).map(|k| (f64::from(k) + phase) * period).take_while(|t| *t < end).collect()
}

/// Poisson, `rate` /ms.
fn poisson(key: StreamKey, member: u64, rate: f64, end: f64) -> Vec<f64> {
    let (mut out, mut at) = (Vec::new(), 0.0);
    for k in 0.. {
        at += key.at(member, k).exponential() / rate;
        if at >= end {
            break;
        }
        out.push(at);
    }
    out
}

/// Each spike moved by a normal number of deviation `sd` ms.
fn jittered(train: &[f64], key: StreamKey, sd: f64, end: f64) -> Vec<f64> {
    let moved = train.iter().zip(0..).map(|(t, k)| sd.mul_add(key.at(99, k).normal(), *t));
    let mut out: Vec<f64> = moved.filter(|t| (0.0..end).contains(t)).collect();
    out.sort_unstable_by(f64::total_cmp);
    out
}

fn mean_and_error(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let square = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
    (mean, (square / n).sqrt())
}

/// The normal law's share below `z`, by Abramowitz & Stegun 26.2.17, within 7.5e-8.
fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly =
        ((((1.330_274_429 * t - 1.821_255_978) * t + 1.781_477_937) * t - 0.356_563_782) * t + 0.319_381_530) * t;
    let tail = poly * (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[test]
fn phases_that_are_known_have_their_order_parameter() {
    let window = (500.0, 1000.0);
    let of = |phases: &[f64]| {
        let all: Vec<Vec<f64>> = phases.iter().map(|p| regular(20.0, *p, 1000.0)).collect();
        order(&all, window).expect("all fire")
    };
    let together = of(&[0.3; 6]);
    assert!((together.value - 1.0).abs() < 1e-12 && (together.consistency - 1.0).abs() < 1e-12);
    let splay = of(&[0.0, 0.2, 0.4, 0.6, 0.8]);
    assert!(splay.value < 1e-12 && (splay.consistency + 0.25).abs() < 1e-12, "{splay:?}");
    // Three against one.
    let clusters = of(&[0.1, 0.1, 0.1, 0.6]);
    assert!((clusters.value - 0.5).abs() < 1e-12, "{}", clusters.value);
    // A quarter apart: half of the square root of two.
    assert!((of(&[0.0, 0.25]).value - 0.5 * SQRT_2).abs() < 1e-12);
    assert_eq!((clusters.cells, clusters.of), (4, 4));
    // All have a phase from the window's beginning to the first of their last spikes.
    assert!(clusters.stretch.0 == 500.0 && (clusters.stretch.1 - 982.0).abs() < 1e-9, "{:?}", clusters.stretch);
    // What is told over time is what it is the mean of.
    let mean = clusters.course.iter().map(|p| p.1).sum::<f64>() / clusters.course.len() as f64;
    assert!((mean - clusters.value).abs() < 1e-12);
}

#[test]
fn cells_without_a_phase_are_left_out() {
    let mut all: Vec<Vec<f64>> = vec![regular(20.0, 0.0, 1000.0), regular(20.0, 0.0, 1000.0)];
    all.extend([vec![], vec![700.0], regular(10.0, 0.5, 700.0)]);
    let seen = order(&all, (500.0, 1000.0)).expect("two that fire");
    assert_eq!((seen.cells, seen.of), (2, 5));
    assert!((seen.value - 1.0).abs() < 1e-12);
    assert!(order(&all[1..4], (500.0, 1000.0)).is_none(), "one alone has none");
    // Two spikes far apart are a phase, but not twice round.
    let slow = [vec![0.0, 1000.0], vec![0.0, 900.0]];
    assert!(order(&slow, (500.0, 1000.0)).is_none());
    assert!(tiling(&all[2..4], 2.0, (0.0, 500.0)).is_none() && period(&all[2..4], (0.0, 1000.0)).is_none());
    assert_eq!(period(&all[..1], (500.0, 1000.0)), Some(20.0));
}

/// Two that drift past each other: every difference as often as any other, so `2 / pi`, and 0 once that is taken away.
#[test]
fn cells_that_drift_have_what_independent_ones_have() {
    // 50 and 51 spikes in 1000 ms: the difference goes round once.
    let all = [regular(20.0, 0.0, 2100.0), regular(1000.0 / 51.0, 0.0, 2100.0)];
    let seen = order(&all, (1000.0, 2000.0)).expect("both fire");
    assert!((seen.value - FRAC_2_PI).abs() < 1e-3 && seen.consistency.abs() < 1e-3, "{seen:?}");
    assert_eq!(independent(2), FRAC_2_PI);
    let drifts = lag(&all[0], &all[1], (1000.0, 2000.0)).expect("both fire");
    assert!(drifts.locking < 1e-3, "{drifts:?}");
    // Rates that are drawn: 100 of them have what Rayleigh's law says. Means of 200 networks; false alarm 1e-6.
    let key = StreamKey::new(7, 0, 901, 0);
    let network = |k: u64| {
        let one = |c| regular(20.0 + 2.0 * key.at(c, k).uniform(), key.at(c, k + 1_000_000).uniform(), 2100.0);
        let seen = order(&(0..100).map(one).collect::<Vec<_>>(), (1000.0, 2000.0)).expect("all fire");
        (seen.value, seen.consistency)
    };
    let all: Vec<(f64, f64)> = (0..200).map(network).collect();
    let (r, error) = mean_and_error(&all.iter().map(|x| x.0).collect::<Vec<_>>());
    let (consistency, of_that) = mean_and_error(&all.iter().map(|x| x.1).collect::<Vec<_>>());
    println!("r {r} +- {error} for {}; consistency {consistency} +- {of_that}", independent(100));
    assert!((r - independent(100)).abs() < Z * error + 2e-4 && error < 2e-3);
    assert!(consistency.abs() < Z * of_that && of_that < 5e-4);
}

#[test]
fn a_lag_is_how_much_later_the_second_fires() {
    let first = regular(20.0, 0.1, 1000.0);
    for wanted in [-0.45, -0.2, 0.0, 0.05, 0.3, 0.5] {
        let second = regular(20.0, 0.1 + wanted + if wanted < 0.0 { 1.0 } else { 0.0 }, 1000.0);
        let seen = lag(&first, &second, (500.0, 1000.0)).expect("both fire");
        assert!((seen.lag - wanted).abs() < 1e-12 && (seen.locking - 1.0).abs() < 1e-12, "{wanted}: {seen:?}");
    }
}

/// Poisson trains of different rates: 0, in the mean over 200 pairs; false alarm 1e-6. It would see 0.004.
#[test]
fn independent_trains_do_not_tile() {
    let end = 250_000.0;
    let one = |k: u64| {
        let key = StreamKey::new(11, k, 902, 0);
        let both = [poisson(key, 0, 0.02, end), poisson(key, 1, 0.005, end)];
        tiling(&both, 2.0, (0.0, end)).expect("both fire")
    };
    let all: Vec<f64> = (0..200).map(one).collect();
    let (mean, error) = mean_and_error(&all);
    println!("{mean} +- {error}");
    assert!(mean.abs() < Z * error && Z * error < 4e-3);
}

/// A copy of which each spike is moved by a normal number: with `p` the share that stays within the window and `T` the share
/// of time about spikes, `P = p + (1 - p) T`, so that the coefficient is `p / (1 + T (1 - p))`.
#[test]
fn jittered_copies_tile_as_the_formula_says() {
    let (end, rate, near) = (250_000.0, 0.02, 2.0);
    for sd in [0.5, 2.0, 5.0] {
        let one = |k: u64| {
            let key = StreamKey::new(12, k, 903, 0);
            let train = poisson(key, 0, rate, end);
            let copy = jittered(&train, key, sd, end);
            tiling(&[train, copy], near, (0.0, end)).expect("both fire")
        };
        let (mean, error) = mean_and_error(&(0..200).map(one).collect::<Vec<_>>());
        let p = 2.0 * normal(near / sd) - 1.0;
        let t = 1.0 - (-2.0 * near * rate).exp();
        let wanted = p / (1.0 + t * (1.0 - p));
        println!("sd {sd}: {mean} +- {error} for {wanted}");
        // Of a ratio of means there is 1e-4 left.
        assert!((mean - wanted).abs() < Z * error + 2e-4 && error < 1.5e-3);
    }
    let train = poisson(StreamKey::new(12, 0, 903, 1), 0, rate, end);
    assert_eq!(tiling(&[train.clone(), train], near, (0.0, end)), Some(1.0));
}

/// Pairs of spikes of independent cells are Poisson about what is expected; of a jittered copy the excess is a normal law.
/// 101 bins of both, false alarm 1e-6 in all (5.6 deviations a bin).
#[test]
fn a_correlogram_has_what_is_expected_and_the_peak_of_a_copy() {
    let (end, rate, sd) = (1_000_000.0, 0.02, 4.0);
    let key = StreamKey::new(13, 0, 904, 0);
    let train = poisson(key, 0, rate, end);
    let alone = correlogram(&[train.clone(), poisson(key, 1, rate, end)], (50.0, 1.0), (0.0, end)).expect("both fire");
    assert_eq!((alone.lags.len(), alone.lags[0], alone.lags[50]), (101, -50.0, 0.0));
    let mut worst = 0.0_f64;
    for (count, expected) in alone.counts.iter().zip(&alone.expected) {
        worst = worst.max((count - expected).abs() / expected.sqrt());
    }
    let copy = jittered(&train, key, sd, end);
    let n = copy.len() as f64;
    let of_copy = correlogram(&[train, copy], (50.0, 1.0), (0.0, end)).expect("both fire");
    let mut worst_of_copy = 0.0_f64;
    for ((lag, count), expected) in of_copy.lags.iter().zip(&of_copy.counts).zip(&of_copy.expected) {
        let share = normal((lag + 0.5) / sd) - normal((lag - 0.5) / sd);
        let wanted = n.mul_add(share, *expected);
        worst_of_copy = worst_of_copy.max((count - wanted).abs() / wanted.sqrt());
    }
    println!(
        "worst bin {worst} and {worst_of_copy} deviations; peak {} of {}",
        of_copy.counts[50], of_copy.expected[50]
    );
    assert!(worst < 5.6 && worst_of_copy < 5.6);
    assert!(of_copy.counts[50] > 4.0 * of_copy.expected[50], "it can be seen");
    // Which is later shows: a copy 10 ms later peaks there.
    let (first, later) = (regular(97.0, 0.0, 5000.0), regular(97.0, 10.0 / 97.0, 5000.0));
    let shifted = correlogram(&[first, later], (50.0, 1.0), (0.0, 5000.0)).expect("both fire");
    let top = (0..101).max_by(|a, b| shifted.counts[*a].total_cmp(&shifted.counts[*b])).unwrap();
    assert_eq!(shifted.lags[top], 10.0);
}

/// Leaky neurons, 2 ms refractory and 20 ms time constant: 20 ln 2 + 2 ms at 300 pA, and the second begins 5 ms later.
#[test]
fn a_run_tells_of_its_pairs_and_populations() {
    let text = r#"
duration = "1 s"
temperature = "36 degC"
cell.a.use = "neuron/lif"
cell.b.use = "neuron/lif"
cell.many = { use = "neuron/lif", count = 3 }
clamp.a = { at = "a.soma", current = "300 pA", start = "0 ms", stop = "2 s" }
clamp.b = { at = "b.soma", current = "300 pA", start = "5 ms", stop = "2 s" }
clamp.m0 = { at = "many[0].soma", current = "300 pA", start = "0 ms", stop = "2 s" }
clamp.m1 = { at = "many[1].soma", current = "300 pA", start = "2.5 ms", stop = "2 s" }
clamp.m2 = { at = "many[2].soma", current = "330 pA", start = "0 ms", stop = "2 s" }
"#;
    let made = plan(text);
    let known: Vec<String> = fact_keys(&made).into_iter().map(|k| k.0).collect();
    let seen = ran(made).0;
    let value = |key: &str| {
        assert!(known.iter().any(|k| k == key), "{key} is no name");
        seen.facts.iter().find(|f| f.key == key).unwrap_or_else(|| panic!("no {key}")).value
    };
    assert!(seen.facts.iter().all(|f| known.contains(&f.key)), "{known:?}");
    let period = 20.0 * 2.0_f64.ln() + 2.0;
    assert!((value("a.phase_lag.b") - 5.0 / period).abs() < 1e-6, "{}", value("a.phase_lag.b"));
    assert!((value("a.phase_locking.b") - 1.0).abs() < 1e-6);
    assert!(value("a.synchrony.b") < 0.0, "never together");
    // A third of another rate.
    let r = value("many.order_parameter");
    assert!((0.4..0.8).contains(&r), "{r}");
    let other = 20.0 * (23.0_f64 / 13.0).ln() + 2.0;
    assert!((value("many.period") - (2.0 * period + other) / 3.0).abs() < 1e-3, "{}", value("many.period"));
    assert!(value("many.phase_consistency") < 0.6 && value("many.synchrony").abs() < 0.5);
}
