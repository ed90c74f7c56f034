//! C-10 and the laws of a linear propagator.

use super::*;
use crate::snapshot;
use numerics::bracket;
use proptest::prelude::*;

fn all_kinds() -> [Waveform; 5] {
    [
        Waveform::exponential(3.0).unwrap(),
        Waveform::alpha(1.7).unwrap(),
        Waveform::biexponential(0.2, 2.5).unwrap(),
        Waveform::biexponential(2.0, 80.0).unwrap(),
        Waveform::biexponential(0.999_999, 1.0).unwrap(),
    ]
}

/// The textbook difference of exponentials and its peak; no good where the two agree.
fn textbook(rise: f64, decay: f64, t: f64) -> f64 {
    let peak = rise * decay / (decay - rise) * (decay / rise).ln();
    let difference = |t: f64| (-t / decay).exp() - (-t / rise).exp();
    difference(t) / difference(peak)
}

#[test]
fn c10_the_alpha_function_peaks_at_tau_with_1() {
    for tau in [1e-9, 0.05, 1.0, 2.3, 150.0, 1e6] {
        let alpha = Waveform::alpha(tau).unwrap();
        assert_eq!(alpha.time_to_peak(), tau);
        assert!((alpha.at(tau) - 1.0).abs() < 1e-15);
        for t in [0.0_f64, 0.1, 0.5, 0.99, 1.01, 2.0, 10.0, 50.0] {
            let want = t * (1.0 - t).exp();
            assert!((alpha.at(t * tau) - want).abs() < 1e-15 * (1.0 + t) * (want + 1e-300), "{t}");
            assert!(alpha.at(t * tau) < 1.0);
        }
    }
}

#[test]
fn c10_the_biexponential_peaks_where_its_slope_is_zero_with_1() {
    for (rise, decay) in [(0.2, 2.5), (0.05, 80.0), (2.0, 80.0), (1.0, 1.1), (1e-3, 1e4), (4.999, 5.0)] {
        let waveform = Waveform::biexponential(rise, decay).unwrap();
        let peak = waveform.time_to_peak();
        let closed = rise * decay / (decay - rise) * (decay / rise).ln();
        assert!((peak / closed - 1.0).abs() < 1e-9, "{peak} {closed}");
        // where the difference of the exponentials turns: not the closed form, and not the maximum of a flat function
        let slope = |t: f64| (-t / rise).exp() / rise - (-t / decay).exp() / decay;
        let turn = bracket::root(slope, 0.5 * peak, 2.0 * peak, 1e-15 * peak).unwrap();
        assert!((peak / turn - 1.0).abs() < 1e-9, "{peak} {turn}");
        assert!((waveform.at(peak) - 1.0).abs() < 1e-9);
        assert!((waveform.at(peak) - 1.0).abs() < 4e-15, "{}", waveform.at(peak) - 1.0);
        for factor in [0.0, 0.3, 0.9, 0.999, 1.001, 1.1, 3.0, 30.0] {
            let (value, want) = (waveform.at(factor * peak), textbook(rise, decay, factor * peak));
            assert!(value < 1.0);
            assert!((value - want).abs() < 1e-11, "{rise} {decay} {factor}: {value} {want}");
        }
    }
}

#[test]
fn c10_the_biexponential_joins_the_alpha_function_without_a_seam() {
    let tau = 2.0;
    let alpha = Waveform::alpha(tau).unwrap();
    let mut gap = 0.5;
    while gap > 1e-17 {
        // about the geometric mean tau the first order in the gap vanishes
        let root = f64::sqrt(1.0 + gap);
        let near = Waveform::biexponential(tau / root, tau * root).unwrap();
        // rounding the time constants moves the values by an ulp or two of tau times their slope
        let bound = gap * gap + 1e-15;
        assert!((near.time_to_peak() / tau - 1.0).abs() <= bound, "{gap}: {}", near.time_to_peak());
        assert!((near.area() / alpha.area() - 1.0).abs() <= bound, "{gap}: {}", near.area());
        for k in 0..200 {
            let t = 0.1 * f64::from(k);
            assert!((near.at(t) - alpha.at(t)).abs() <= bound, "{gap} {t}: {} {}", near.at(t), alpha.at(t));
        }
        gap *= 0.1;
    }
}

#[test]
fn c10_the_area_is_the_integral() {
    assert_eq!(Waveform::exponential(3.0).unwrap().area(), 3.0);
    assert!((Waveform::alpha(3.0).unwrap().area() / (3.0 * std::f64::consts::E) - 1.0).abs() < 1e-15);
    for (rise, decay) in [(0.2, 2.5), (1.0, 1.0), (0.9, 1.0), (2.0, 20.0)] {
        let waveform = Waveform::biexponential(rise, decay).unwrap();
        // Simpson's rule to 40 decays: error below (step / rise)^4 / 180, rest e^-40
        let steps = 400_000;
        let h = 40.0 * decay / f64::from(steps);
        let weight = |k: i32| if k == 0 || k == steps { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
        let sum: f64 = (0..=steps).map(|k| weight(k) * waveform.at(h * f64::from(k))).sum();
        assert!((sum * h / 3.0 / waveform.area() - 1.0).abs() < 1e-9, "{rise} {decay}");
    }
}

/// The propagator's product with itself and one of twice the step, entry by entry.
#[test]
fn two_half_steps_are_one_step() {
    for waveform in all_kinds() {
        for half in [Tick(1), Tick(25_000_000), Tick(1_000_000_000), Tick(40_000_000_000)] {
            let (a, b) = (waveform.propagator(half).unwrap(), waveform.propagator(half + half).unwrap());
            // exp's argument is rounded: its size in ulp
            let bound = 1e-15 * (8.0 + 2.0 * half.ms() / waveform.rise.unwrap_or(waveform.decay));
            assert!((a.keep * a.keep / b.keep - 1.0).abs() < bound);
            if let (Some(c), Some(d)) = (a.companion, b.companion) {
                assert!((c.keep * c.keep / d.keep - 1.0).abs() < bound);
                let feed = a.keep * c.feed + c.feed * c.keep;
                assert!((feed / d.feed - 1.0).abs() < bound, "{waveform:?} {half}: {feed} {}", d.feed);
            }
        }
    }
}

#[test]
fn a_step_of_nothing_changes_nothing() {
    for waveform in all_kinds() {
        let p = waveform.propagator(Tick::ZERO).unwrap();
        assert_eq!(p.keep, 1.0);
        assert_eq!(p.companion, waveform.rise.map(|_| Companion { feed: 0.0, keep: 1.0 }));
    }
}

#[test]
fn a_population_follows_the_closed_form_and_events_superpose() {
    let step = Tick::from_ms(0.1).unwrap();
    for waveform in all_kinds() {
        let p = waveform.propagator(step).unwrap();
        // events of instance 0, of 1, and of both together in 2
        let mut population = Conductances::new(&waveform, 11);
        let events = [(0, 0, 1.0), (7, 1, -0.3), (30, 0, 2.5), (31, 1, 0.7)];
        for now in 0..200 {
            for &(_, instance, weight) in events.iter().filter(|e| e.0 == now) {
                population.add(instance, weight);
                population.add(2, weight);
            }
            population.step(Level::best(), &p);
        }
        assert_eq!(population.clock(), step * 200);
        let exact = |instance: usize| -> f64 {
            let mine = events.iter().filter(|e| e.1 == instance);
            mine.map(|&(at, _, weight)| weight * waveform.at((step * (200 - at)).ms())).sum()
        };
        let bound = 1e-12;
        for instance in 0..2 {
            assert!((population.conductance(instance) - exact(instance)).abs() < bound, "{waveform:?}");
        }
        let both = population.conductance(0) + population.conductance(1);
        assert!((population.conductance(2) - both).abs() < 1e-14, "{waveform:?}");
        for instance in 3..11 {
            assert_eq!(population.conductance(instance), 0.0);
        }
    }
}

#[test]
fn an_event_between_grid_points_is_as_exact_as_one_upon_them() {
    let (step, late) = (Tick::from_ms(0.5).unwrap(), Tick::from_ms(0.17).unwrap());
    for waveform in all_kinds() {
        let mut population = Conductances::new(&waveform, 1);
        let p = waveform.propagator(step).unwrap();
        population.step(Level::best(), &p);
        population.add_late(0, 1.3, &waveform.propagator(late).unwrap());
        assert!((population.conductance(0) - 1.3 * waveform.at(0.17)).abs() < 1e-15);
        population.step(Level::best(), &p);
        assert!((population.conductance(0) - 1.3 * waveform.at(0.67)).abs() < 1e-14);
    }
}

#[test]
fn every_level_gives_the_same_bits_shared_or_each_its_own() {
    let step = Tick::from_ms(0.025).unwrap();
    let kinds: [fn(f64) -> Waveform; 3] = [
        |tau| Waveform::exponential(tau).unwrap(),
        |tau| Waveform::alpha(tau).unwrap(),
        |tau| Waveform::biexponential(0.3 * tau, tau).unwrap(),
    ];
    for kind in kinds {
        for each in [false, true] {
            let tau = |instance: usize| if each { 1.0 + 0.1 * instance as f64 } else { 2.0 };
            let propagators: Vec<Propagator> = (0..24).map(|i| kind(tau(i)).propagator(step).unwrap()).collect();
            let lines: Vec<Propagator<F64x8>> =
                propagators.as_chunks::<LANES>().0.iter().map(|eight| Propagator::gather(eight).unwrap()).collect();
            let run = |level: Level, lined: bool| {
                let mut population = Conductances::new(&kind(2.0), 19);
                for now in 0..400 {
                    population.add((now * 7) % 19, 0.1 + now as f64 / 300.0);
                    if lined {
                        population.step_each(level, &lines);
                    } else {
                        population.step(level, &propagators[0]);
                    }
                }
                population.g().iter().flat_map(|line| line.0.map(f64::to_bits)).collect::<Vec<_>>()
            };
            let want = run(Level::Portable, true);
            // padding is never touched
            assert!(want[19..].iter().all(|&bits| bits == 0));
            for &level in Level::available() {
                assert_eq!(run(level, true), want, "{level:?}");
                if !each {
                    assert_eq!(run(level, false), want, "{level:?}");
                }
            }
            // the scalar twin
            let (mut g, mut h) = ([0.0_f64; 19], [0.0_f64; 19]);
            for now in 0..400 {
                let target = if propagators[0].companion.is_some() { &mut h } else { &mut g };
                target[(now * 7) % 19] += 0.1 + now as f64 / 300.0;
                for i in 0..19 {
                    (g[i], h[i]) = propagators[i].advance(g[i], h[i]);
                }
            }
            assert_eq!(g.map(f64::to_bits).as_slice(), &want[..19]);
        }
    }
}

#[test]
fn a_snapshot_goes_on_to_the_bit() {
    for waveform in all_kinds() {
        let p = waveform.propagator(Tick::from_ms(0.1).unwrap()).unwrap();
        let mut population = Conductances::new(&waveform, 13);
        for now in 0..13 {
            population.add(now, 1.0 / (1.0 + now as f64));
            population.step(Level::best(), &p);
        }
        let mut again: Conductances = snapshot::load(1, &snapshot::save(1, &population).unwrap()).unwrap();
        assert_eq!(again, population);
        population.step(Level::best(), &p);
        again.step(Level::best(), &p);
        assert_eq!(again, population);
    }
    // a shape that does not fit is refused as it is read
    let wrong = snapshot::save(1, &(Tick::ZERO, vec![0.0; 3], Some(vec![0.0; 2]))).unwrap();
    assert_eq!(snapshot::load::<Conductances>(1, &wrong), Err(snapshot::SnapshotError::Contents));
}

#[test]
fn silence_becomes_exact_zero_and_nan_stays_to_be_seen() {
    for waveform in all_kinds() {
        let mut population = Conductances::new(&waveform, 2);
        population.add(0, 1.0);
        let p = waveform.propagator(Tick::from_ms(10.0).unwrap()).unwrap();
        for _ in 0..6000 {
            population.step(Level::best(), &p);
        }
        assert_eq!(population, {
            let mut silent = Conductances::new(&waveform, 2);
            silent.clock = population.clock;
            silent
        });
        let (g, _) = p.advance(f64::NAN, 0.0);
        assert!(g.is_nan());
    }
}

#[test]
fn nonsense_is_refused() {
    for tau in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-10, 1e11] {
        let refused = |w: Result<Waveform, WaveformError>| matches!(w, Err(WaveformError::TimeConstant { .. }));
        assert!(refused(Waveform::exponential(tau)) && refused(Waveform::alpha(tau)));
        assert!(refused(Waveform::biexponential(tau, 1.0)) && refused(Waveform::biexponential(1.0, tau)));
    }
    let swapped = Waveform::biexponential(2.0, 1.0).unwrap_err();
    assert!(swapped.to_string().contains("exchange them"), "{swapped}");
    let backwards = Waveform::alpha(1.0).unwrap().propagator(Tick(-1)).unwrap_err();
    assert_eq!(backwards, WaveformError::Step { dt: Tick(-1) });
    let p = |w: Waveform, dt| w.propagator(Tick(dt)).unwrap();
    let alpha = p(Waveform::alpha(1.0).unwrap(), 5);
    let mut mixed = [alpha; LANES];
    mixed[3] = p(Waveform::exponential(1.0).unwrap(), 5);
    assert_eq!(Propagator::gather(&mixed), None);
    mixed[3] = p(Waveform::alpha(1.0).unwrap(), 6);
    assert_eq!(Propagator::gather(&mixed), None);
}

#[test]
#[should_panic(expected = "one kind of waveform")]
fn a_population_is_not_stepped_by_another_kind() {
    let mut population = Conductances::new(&Waveform::exponential(1.0).unwrap(), 3);
    population.step(Level::best(), &Waveform::alpha(1.0).unwrap().propagator(Tick(1)).unwrap());
}

proptest! {
    #[test]
    fn any_pair_of_time_constants_peaks_at_one_and_never_leaves_0_to_1(
        decay_log in -8.5..9.5_f64, ratio_log in 0.0..17.0_f64, place in 0.0..20.0_f64,
    ) {
        let decay = 10f64.powf(decay_log);
        let rise = (decay * 10f64.powf(-ratio_log)).max(1e-9);
        let waveform = Waveform::biexponential(rise, decay).unwrap();
        let peak = waveform.time_to_peak();
        prop_assert!(rise <= peak * (1.0 + 1e-15) && peak <= decay * (1.0 + 1e-15));
        prop_assert!((waveform.at(peak) - 1.0).abs() < 1e-13, "{}", waveform.at(peak) - 1.0);
        let value = waveform.at(place * peak);
        prop_assert!((0.0..=1.0 + 1e-13).contains(&value), "{}", value);
        prop_assert!(waveform.area() >= decay * (1.0 - 1e-15));
        prop_assert!(waveform.area() <= decay * std::f64::consts::E * (1.0 + 1e-15));
    }
}
