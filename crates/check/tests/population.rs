//! Populations of synapses against exact laws and against plain, small steps.

use check::statistics::{RARE, binomial_band, mean_band, poisson_band, variance_band};
use engine::mechanism::{
    Description as Scheme, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::population::{Description, Keys, Plan, PopulationError, Receptor, Scratch, Series, Spikes, State};
use engine::time::Tick;
use numerics::jump::Binomial;
use numerics::math;
use numerics::rng::StreamKey;
use numerics::simd::Level;

/// From steps (from, to, rate in /ms or /mM/ms, whether it binds).
fn scheme(states: usize, steps: &[(u16, u16, f64, bool)]) -> Receptor {
    let mut b = ProgramBuilder::new(steps.len() as u16);
    let outputs: Vec<_> = (0..steps.len()).map(|k| b.input(k as u16)).collect();
    let transition = |(k, &(from, to, _, binds)): (usize, &(u16, u16, f64, bool))| Transition {
        from: StateIndex(from),
        to: StateIndex(to),
        rate: OutputIndex(k as u16),
        takes_up: binds.then_some(LigandIndex(0)),
        gives_off: None,
    };
    let kinetics = Kinetics::new(Scheme {
        states,
        ligands: 1,
        transitions: steps.iter().enumerate().map(transition).collect(),
        rates: b.finish(&outputs).unwrap(),
        inputs: (0..steps.len()).map(|k| InputRole::Parameter(k as u16)).collect(),
        absorbing: vec![],
        observables: vec![],
    });
    Receptor { kinetics: kinetics.unwrap(), rates: steps.iter().map(|s| s.2).collect() }
}

/// AMPA-like: C0 - C1 - C2 - O, D off C2.
fn receptor() -> Receptor {
    let binding = [(0, 1, 9.2, true), (1, 0, 4.3, false), (1, 2, 4.6, true), (2, 1, 8.6, false)];
    let gating = [(2, 3, 20.0, false), (3, 2, 8.0, false), (2, 4, 0.9, false), (4, 2, 0.04, false)];
    scheme(5, &[binding, gating].concat())
}

/// Ten states in a ring, of which every other step binds: more than a line of lanes.
fn ring() -> Receptor {
    let steps = (0..10).flat_map(|i| [(i, (i + 1) % 10, 2.0, i % 2 == 0), ((i + 1) % 10, i, 0.7, false)]);
    scheme(10, &steps.collect::<Vec<_>>())
}

fn ms(t: f64) -> Tick {
    Tick::from_ms(t).unwrap()
}

fn about(members: usize, spikes: Spikes) -> Description {
    Description {
        members,
        spikes,
        delay: Tick::ZERO,
        sites: 10,
        p_release: 0.3,
        refill: 0.005,
        peak: 1.0,
        tau: 1.0,
        step: ms(0.05),
        receptors: vec![receptor()],
    }
}

fn keys(trial: u64) -> Keys {
    Keys { spikes: StreamKey::new(2026, trial, 7, 1), release: StreamKey::new(2026, trial, 8, 1) }
}

fn run(plan: &Plan, trial: u64, steps: usize) -> (State, Series) {
    let mut state = State::new(plan, &keys(trial));
    let mut out = Series::default();
    let how = (steps, 1, Level::best());
    state.advance(plan, &keys(trial), &mut Scratch::default(), how, &mut out).unwrap();
    (state, out)
}

/// The receptor's law at each of `steps` times, after pulses at `pulses` (ms, mM): Runge and Kutta's fourth order, `fine`
/// steps a step, cut at the pulses. Knows nothing of what it tests.
fn plain(r: &Receptor, tau: f64, pulses: &[(f64, f64)], (step, steps, fine): (f64, usize, usize)) -> Vec<Vec<f64>> {
    let n = r.kinetics.states();
    let slope = |p: &[f64], l: f64| {
        let mut d = vec![0.0; n];
        for (t, rate) in r.kinetics.transitions().iter().zip(&r.rates) {
            let flux = p[t.from.0 as usize] * rate * if t.takes_up.is_some() { l } else { 1.0 };
            d[t.from.0 as usize] -= flux;
            d[t.to.0 as usize] += flux;
        }
        d
    };
    let mut p = vec![0.0; n];
    p[0] = 1.0;
    let (mut l, mut next, mut out) = (0.0, 0, Vec::new());
    for k in 0..steps {
        let (mut now, end) = (k as f64 * step, (k + 1) as f64 * step);
        while now < end {
            let until = pulses.get(next).map_or(end, |x| x.0.min(end));
            let h = (until - now) / fine as f64;
            for _ in 0..fine {
                let (half, whole) = (l * math::exp(-0.5 * h / tau), l * math::exp(-h / tau));
                let to = |d: &[f64], x: f64| p.iter().zip(d).map(|(p, d)| p + x * d).collect::<Vec<_>>();
                let a = slope(&p, l);
                let b = slope(&to(&a, 0.5 * h), half);
                let c = slope(&to(&b, 0.5 * h), half);
                let d = slope(&to(&c, h), whole);
                for i in 0..n {
                    p[i] += h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]);
                }
                l = whole;
            }
            now = until;
            if pulses.get(next).is_some_and(|x| x.0 <= now) {
                l += pulses[next].1;
                next += 1;
            }
        }
        out.push(p.clone());
    }
    out
}

fn largest(a: &[f64], b: &[Vec<f64>]) -> f64 {
    a.iter().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Certain vesicles, whose sites are never empty.
fn certain(step: f64, times: &[f64]) -> Description {
    let spikes = Spikes::Given(times.iter().map(|t| ms(*t)).collect());
    Description { sites: 1, p_release: 1.0, refill: f64::INFINITY, peak: 2.0, step: ms(step), ..about(1, spikes) }
}

#[test]
fn a_pulse_gives_the_course_of_the_master_equation_and_the_error_falls_with_the_fourth_power_of_the_step() {
    let error = |step: f64| {
        let steps = (40.0 / step).round() as usize;
        // Places between nodes, so that the interpolation is at its worst.
        let at = |x: f64| {
            let got = run(&Plan::new(certain(step, &[1.0 + x * step])).unwrap(), 0, steps).1;
            largest(&got.laws[0], &plain(&receptor(), 1.0, &[(1.0 + x * step, 2.0)], (step, steps, 40)))
        };
        [0.11, 0.37, 0.62, 0.88].map(at).into_iter().fold(0.0, f64::max)
    };
    let errors = [0.2, 0.1, 0.05, 0.025].map(error);
    assert!(errors[2] < 3e-7 && errors[3] < 3e-8, "{errors:?}");
    // The largest of some places falls less smoothly than the error at one of them: over three halvings.
    assert!(math::log10(errors[0] / errors[3]) / math::log10(8.0) > 3.5, "{errors:?}");
}

#[test]
fn pulses_at_any_times_add_up_and_leave_no_trace_of_the_course_without_them() {
    // Within one step, in successive ones, during the pulse, long after.
    let times = [1.013, 1.031, 1.0499, 1.07, 1.9, 3.25, 9.0, 9.5, 40.0, 47.123, 140.0, 140.05, 140.1];
    let pulses: Vec<_> = times.iter().map(|t| (*t, 2.0)).collect();
    let got = run(&Plan::new(certain(0.05, &times)).unwrap(), 0, 4000).1;
    let error = largest(&got.laws[0], &plain(&receptor(), 1.0, &pulses, (0.05, 4000, 20)));
    assert!(error < 1e-6, "{error}");
    assert_eq!(*got.released.last().unwrap(), 13);
    let ligand = pulses.iter().map(|p| p.1 * math::exp(-(150.0 - p.0))).sum::<f64>();
    assert!((got.ligand[2999] - ligand).abs() < 1e-9 && ligand > 0.0);
}

#[test]
fn the_sum_over_a_population_is_the_sum_over_its_members_one_by_one() {
    let d = Description { peak: 0.5, ..about(40, Spikes::Poisson(0.03)) };
    let (steps, keys) = (6000, keys(3));
    let mut sum = vec![vec![0.0; 5]; steps];
    let mut released = 0;
    for member in 0..40 {
        let (mut now, mut docked, mut seen, mut pulses) = (0.0, 10, 0.0, Vec::new());
        for ordinal in 0.. {
            now += keys.spikes.at(member, ordinal).exponential() / 0.03;
            if now > 300.0 {
                break;
            }
            let mut draws = keys.release.at(member, ordinal);
            if docked < 10 {
                let refilled = Binomial::new(1.0 - math::exp(-0.005 * (now - seen))).unwrap();
                docked += refilled.draw(&mut draws, 10 - docked);
            }
            let n = Binomial::new(0.3).unwrap().draw(&mut draws, docked);
            (docked, seen) = (docked - n, now);
            released += n;
            pulses.push((now, 0.5 * n as f64));
        }
        for (sum, law) in sum.iter_mut().zip(plain(&receptor(), 1.0, &pulses, (0.05, steps, 8))) {
            sum.iter_mut().zip(law).for_each(|(sum, p)| *sum += p);
        }
    }
    let (_, got) = run(&Plan::new(d).unwrap(), 3, steps);
    assert_eq!(*got.released.last().unwrap(), released);
    assert!(released > 300);
    let error = largest(&got.laws[0], &sum);
    assert!(error < 40.0 * 5e-7, "{error}");
}

#[test]
fn vesicles_of_a_regular_train_are_binomial_and_negatively_correlated_as_depletion_makes_them() {
    // A site is docked before a spike with d = (1 - e) / (1 - (1 - p) e), e = exp(-r interval); sites are independent.
    let (interval, p, e) = (20.0, 0.3, math::exp(-0.005 * 20.0));
    let d = (1.0 - e) / (1.0 - (1.0 - p) * e);
    // After 40 spikes the start is forgotten to (0.7 e)^40 < 1e-7.
    let times: Vec<Tick> = (1..=41).map(|k| ms(interval * k as f64 - 0.01)).collect();
    let plan =
        Plan::new(Description { step: ms(0.25), receptors: vec![], ..about(1000, Spikes::Given(times)) }).unwrap();
    let trials = 400;
    let (mut total, mut pairs) = (0, Vec::new());
    for trial in 0..trials {
        let (_, got) = run(&plan, trial, (41.0 * interval / 0.25) as usize);
        let at = |k: usize| got.released[(k as f64 * interval / 0.25) as usize - 1];
        total += at(40) - at(39);
        pairs.push((at(41) - at(39)) as f64);
    }
    let band = binomial_band(trials * 10_000, d * p, RARE);
    assert!(band.contains(&total), "{total} {band:?}");
    // Power: without refilling by one per cent less, sd 0.15 %, the mean moves by 0.6 %.
    let mean = 10_000.0 * 2.0 * d * p;
    let variance = 10_000.0 * 2.0 * (d * p * (1.0 - d * p) + d * p * p * (1.0 - e - d));
    let sd = variance.sqrt();
    let got = pairs.iter().sum::<f64>() / trials as f64;
    assert!(mean_band(mean, sd, trials, RARE).contains(got), "{got} {mean}");
    let spread = pairs.iter().map(|x| (x - got) * (x - got)).sum::<f64>() / (trials - 1) as f64;
    assert!(variance_band(sd, trials, RARE).contains(spread), "{spread} {variance}");
    // The twin: successive spikes independent of each other lie outside of what luck allows in the mean of a docked site.
    let twin = 10_000.0 * trials as f64 * p * (1.0 - e);
    assert!(!band.contains(&(twin as u64)));
}

#[test]
fn poisson_senders_spike_as_often_as_they_should_and_release_what_depletion_leaves() {
    // A site: docked -> empty at rate lambda p, back at rate r, by which vesicles in [0, T] are known.
    let members = 100_000;
    let plan = Plan::new(Description { step: ms(0.25), ..about(members, Spikes::Poisson(0.01)) }).unwrap();
    let (state, out) = run(&plan, 1, 800);
    let band = poisson_band(members as f64 * 2.0, RARE);
    assert!(band.contains(&state.spikes()), "{}", state.spikes());
    let (loss, r, t) = (0.003, 0.005, 200.0);
    let (all, late) = (r + loss, r / (r + loss));
    let mean = 10.0 * loss * (late * t + (1.0 - late) * (1.0 - math::exp(-all * t)) / all);
    assert!((mean - 4.8723).abs() < 1e-4, "{mean}");
    let got = state.released() as f64 / members as f64;
    // Its deviation is that of Poisson spikes of which each releases 3 at most in the mean: below 3.6 a synapse.
    assert!(mean_band(mean, 3.6, members as u64, RARE).contains(got), "{got} {mean}");
    let docked = late + (1.0 - late) * math::exp(-all * t);
    let got = state.docked(&plan) / (members as f64 * 10.0);
    // Sites of a synapse share its spikes: its mean deviates by less than 0.3.
    assert!(mean_band(docked, 0.3, members as u64, RARE).contains(got), "{got} {docked}");
    let sum: f64 = out.laws[0][799 * 5..].iter().sum();
    assert!((sum / members as f64 - 1.0).abs() < 1e-9, "{sum}");
}

#[test]
fn threads_levels_and_where_a_run_is_cut_or_saved_change_no_bit() {
    let mut d = about(2500, Spikes::Poisson(0.05));
    d.receptors.push(ring());
    let plan = Plan::new(d).unwrap();
    let keys = keys(5);
    let go = |threads: usize, level: Level, cuts: &[usize]| {
        let mut state = State::new(&plan, &keys);
        let mut out = Series::default();
        for steps in cuts {
            state.advance(&plan, &keys, &mut Scratch::default(), (*steps, threads, level), &mut out).unwrap();
            let saved = engine::snapshot::save(9, &state).unwrap();
            let loaded: State = engine::snapshot::load(9, &saved).unwrap();
            assert_eq!(loaded, state);
            state = loaded;
        }
        (state, out)
    };
    let first = go(1, Level::best(), &[900]);
    for threads in [2, 3] {
        assert!(go(threads, Level::best(), &[900]) == first, "{threads} threads");
    }
    for level in Level::available() {
        assert!(go(1, *level, &[900]) == first, "{level:?}");
    }
    assert!(go(2, Level::best(), &[1, 299, 37, 563]) == first, "cut");
    assert!(first.1.released.last() > Some(&1000));
}

#[test]
fn what_cannot_be_is_an_error_with_a_cure() {
    let bad = |change: &dyn Fn(&mut Description)| {
        let mut d = about(10, Spikes::Poisson(0.01));
        change(&mut d);
        Plan::new(d).unwrap_err().to_string()
    };
    assert!(bad(&|d| d.step = ms(0.5)).contains("at most a quarter"));
    assert!(bad(&|d| d.p_release = 1.5).contains("from 0 to 1"));
    assert!(bad(&|d| d.members = 0).contains("members"));
    assert!(bad(&|d| d.tau = f64::NAN).contains("decay"));
    assert!(bad(&|d| d.peak = -1.0).contains("pulse"));
    assert!(bad(&|d| d.spikes = Spikes::Poisson(f64::INFINITY)).contains("rate of spikes"));
    // More than any pool can give, at once.
    let times: Vec<f64> = (0..40).map(|k| 1.0 + 1e-6 * f64::from(k)).collect();
    let plan = Plan::new(certain(0.05, &times)).unwrap();
    let mut state = State::new(&plan, &keys(0));
    let how = (100, 1, Level::best());
    let e = state.advance(&plan, &keys(0), &mut Scratch::default(), how, &mut Series::default()).unwrap_err();
    assert!(matches!(e, PopulationError::Concentration { member: 0, .. }), "{e}");
}
