//! Buffers and sensors of single ions against the laws of mass action. Every statistical bound is at 5.1 standard errors (two-sided
//! odds of 3.4e-7 that a sound program fails) unless it says otherwise; all are seeded.

mod common;
mod nanodomains;

use common::scheme;
use engine::cleft::Ligand;
use engine::nanodomain::{Gating, Plan, Probe, Sensors, Told, Wall};
use engine::terminal::buffer::Buffer;
use engine::terminal::domain::Domain;
use engine::terminal::shells::{self, Shells};
use engine::terminal::{ChannelKind, SlotDrive};
use engine::time::Tick;
use nanodomains::{DIFFUSION, SIGMAS, chamber, description, egta, off, us};
use numerics::constants::AVOGADRO;
use numerics::math;
use numerics::rng::StreamKey;
use std::f64::consts::PI;

fn sensors(states: usize, steps: &[common::Step], bound: &[u32], places: Vec<[f64; 3]>) -> Sensors {
    let (kinetics, coefficients) = scheme(states, 1, steps);
    Sensors { kinetics, coefficients, ligands: vec![Ligand::Transmitter], bound: bound.to_vec(), places, radius: 0.005 }
}

/// Mean and variance of how many of `l` ions are bound to `r` molecules in equilibrium, `k` the ratio of on and off for one pair.
fn bound_law(l: u64, r: u64, k: f64) -> [f64; 2] {
    let mut logs = vec![0.0];
    for b in 1..=l.min(r) {
        let (l, r, b) = (l as f64, r as f64, b as f64);
        logs.push(logs[logs.len() - 1] + math::ln((l - b + 1.0) * (r - b + 1.0) / b * k));
    }
    let top = logs.iter().fold(f64::NEG_INFINITY, |a: f64, b| a.max(*b));
    let weights: Vec<f64> = logs.iter().map(|x| math::exp(x - top)).collect();
    let all: f64 = weights.iter().sum();
    let moment = |p: i32| weights.iter().enumerate().map(|(b, w)| w * math::powi(b as f64, p)).sum::<f64>() / all;
    [moment(1), moment(2) - moment(1) * moment(1)]
}

#[test]
fn ions_and_buffer_come_to_their_law_from_free_and_stay_in_it_from_rest() {
    // 300 ions and 400 molecules, 6 ions and 3 molecules: mean and variance of the number bound, from all ions free at one place, and from the law at rest.
    let volume = 0.008;
    let few = [("few", 0.1, 3.0, 6_u32, 400.0), ("few, slow", 1e-3, 3.0, 6, 400.0)];
    for (name, diffusion, r, l, k_on) in
        [("mobile", 0.1, 400.0, 300, 100.0), ("fixed", 0.0, 400.0, 300, 100.0)].into_iter().chain(few)
    {
        for from_rest in [false, true] {
            let k_off = 5.0 * r / 400.0 * k_on / 100.0;
            let buffer = Buffer::one_site(k_on, k_off, r / (volume * AVOGADRO), diffusion).unwrap();
            let mut d = description(chamber(0.1, 0.2, Wall::Sealed), vec![buffer]);
            d.grid.cell = 0.04;
            d.resting = if from_rest { 0.5 * f64::from(l) / (volume * AVOGADRO) } else { 0.0 };
            let plan = Plan::new(&d).unwrap();
            let key = StreamKey::new(21, u64::from(from_rest), (1e4 * diffusion + r) as u32, 0);
            let mut state = plan.start(key, us(5.0));
            if !from_rest {
                plan.release(&mut state, key, [0.02, 0.03, 0.0], u64::from(l));
            }
            let budget = plan.budget(&state);
            let [mean, variance] =
                bound_law(budget.initial + budget.entered, plan.molecules(0), k_on / AVOGADRO / k_off / volume);
            let n = if r > 10.0 { 800 } else { 1500 };
            let mut found = Vec::new();
            for k in 0..n {
                plan.advance(&mut state, key, us(500.0 * f64::from(k + 2)), &mut |_| ());
                found.push(state.bound(0) as f64);
                assert!(plan.budget(&state).balances());
            }
            let (m, by) = off(&found, mean);
            let squares: Vec<f64> = found.iter().map(|x| (x - mean) * (x - mean)).collect();
            let (v, by_v) = off(&squares, variance);
            println!(
                "{name}, from rest {from_rest}: mean {m:.2} of {mean:.2} ({by:.2} se), variance {v:.2} of {variance:.2} ({by_v:.2} se), {} clipped",
                state.clipped()
            );
            assert!(by.abs() < SIGMAS && by_v.abs() < SIGMAS && state.clipped() == 0);
        }
    }
}

#[test]
fn what_is_at_rest_stays_at_rest_where_walls_are_open() {
    // Calcium that is held at 10 uM at five walls, with a buffer that it half fills.
    let mut d = description(chamber(0.2, 0.2, Wall::Held), vec![Buffer::one_site(100.0, 1.0, 0.02, 0.05).unwrap()]);
    d.resting = 0.01;
    d.probes.push(Probe { at: [0.0, 0.0, 0.1], radius: 0.05, rate: 300.0 });
    let plan = Plan::new(&d).unwrap();
    let key = StreamKey::new(27, 0, 0, 0);
    let mut state = plan.start(key, us(2.0));
    let (mut seen, mut bound) = (Vec::new(), Vec::new());
    let each = us(200.0);
    for k in 0..60 {
        let mut n = 0.0;
        plan.advance(&mut state, key, each * (k + 1), &mut |told| {
            n += f64::from(u8::from(matches!(told, Told::Seen(_))))
        });
        seen.push(n / (300.0 * each.ms() * 4.0 / 3.0 * PI * 0.05 * 0.05 * 0.05 * AVOGADRO));
        if k % 10 == 9 {
            bound.push(state.bound(0) as f64 / plan.molecules(0) as f64);
        }
    }
    let (mean, by) = off(&seen, 0.01);
    let share = bound.iter().sum::<f64>() / bound.len() as f64;
    // Bound ones are exchanged within a few ms: three independent numbers at least.
    let se = (0.25 / (3.0 * plan.molecules(0) as f64)).sqrt();
    println!("{:.3} uM of 10 ({by:.2} se), {share:.4} bound ({:.2} se)", 1e3 * mean, (share - 0.5) / se);
    assert!(by.abs() < SIGMAS && (mean / 0.01 - 1.0).abs() < 0.05 && (share - 0.5).abs() < SIGMAS * se);
    assert!(plan.budget(&state).balances());
}

#[test]
fn buffers_bind_at_their_far_field_rate_whatever_the_cells() {
    // All ions free at the beginning, nobody comes free: b' = k (r - b) (l - b) / V. To 1 % of the rate.
    let (l, t) = (3000_u64, 0.03);
    let (half, height) = (0.4, 0.4);
    let volume = 4.0 * half * half * height;
    for (name, diffusion, k_on) in [("as BAPTA", 0.22, 400.0), ("slow", 0.02, 400.0), ("fixed", 0.0, 100.0)] {
        for cell in [0.01, 0.02, 0.05].into_iter().filter(|c| diffusion > 0.1 || *c != 0.02) {
            let total = 40.0 / k_on;
            let mut d = description(
                chamber(half, height, Wall::Sealed),
                vec![Buffer::one_site(k_on, 1e-6, total, diffusion).unwrap()],
            );
            d.grid.cell = cell;
            d.grid.growth = 1.5;
            let plan = Plan::new(&d).unwrap();
            let mut list = Vec::new();
            for trial in 0..40 {
                let key = StreamKey::new(22, trial, 0, 0);
                let mut state = plan.start(key, us(0.5));
                for k in 0..l {
                    let mut draws = key.at(k, 1);
                    let at = [draws.uniform() - 0.5, draws.uniform() - 0.5, draws.uniform()];
                    plan.release(&mut state, key, [2.0 * half * at[0], 2.0 * half * at[1], height * at[2]], 1);
                }
                plan.advance(&mut state, key, us(1e3 * t), &mut |_| ());
                // The rate that makes so many bound: ln((r - b) l / (r (l - b))) / ((r - l) t / V).
                let (l, r, b) = (l as f64, plan.molecules(0) as f64, state.bound(0) as f64);
                list.push(math::ln((r - b) * l / (r * (l - b))) / ((r - l) * t / volume) * AVOGADRO / k_on);
            }
            let (mean, by) = off(&list, 1.0);
            println!("{name}, cells of {cell} um ({:?}): {mean:.4} of the rate, {by:.2} se", plan.cells());
            let se = (mean - 1.0) / by;
            assert!((mean - 1.0).abs() < SIGMAS * se.abs() + 0.01 && se.abs() < 0.006);
        }
    }
}

#[test]
fn sensors_bind_at_their_far_field_rate_on_a_membrane_and_away_from_it() {
    // Static traps among independent ions: P(not yet) = exp(-c M), M = k t (1 + 2 k / (K sqrt(pi D t))) to 0.2 %, K = 4 pi D, and half of
    // that for a half space (Smoluchowski 1917; what is within at the start is forgotten within a^2 / D = 0.1 us).
    let (ions, half, height, t) = (1200_u64, 0.3, 0.4, 0.05);
    let volume = 4.0 * half * half * height;
    let grid = |z: f64| {
        (0..9).map(|k| [0.2 * (f64::from(k % 3) - 1.0), 0.2 * (f64::from(k / 3) - 1.0), z]).collect::<Vec<_>>()
    };
    let mut d = description(chamber(half, height, Wall::Sealed), vec![]);
    let rates = [500.0, 1500.0];
    let places = [grid(0.0), grid(0.2)];
    for (rate, places) in rates.into_iter().zip(places) {
        d.sensors.push(sensors(2, &[(0, 1, rate, Some(0), None), (1, 0, 1e-9, None, Some(0))], &[0, 1], places));
    }
    let plan = Plan::new(&d).unwrap();
    let trials = 1200;
    let mut bound = [0.0; 2];
    for trial in 0..trials {
        let key = StreamKey::new(23, trial, 0, 0);
        let mut state = plan.start(key, us(0.1));
        for k in 0..ions {
            let mut draws = key.at(k, 1);
            let at = [draws.uniform() - 0.5, draws.uniform() - 0.5, draws.uniform()];
            plan.release(&mut state, key, [2.0 * half * at[0], 2.0 * half * at[1], height * at[2]], 1);
        }
        plan.advance(&mut state, key, us(1e3 * t), &mut |_| ());
        (0..2).for_each(|k| bound[k] += f64::from(state.counts(k)[1]));
    }
    let n = trials as f64;
    // What has been bound is missing: half of it on the average.
    let c = (ions as f64 - 0.5 * (bound[0] + bound[1]) / n) / volume;
    for k in 0..2 {
        let rate = rates[k] / AVOGADRO;
        let space = if k == 0 { 2.0 } else { 4.0 } * PI * DIFFUSION;
        let until = |rate: f64| rate * t * (1.0 + 2.0 * rate / (space * (PI * DIFFUSION * t).sqrt()));
        let p = 1.0 - math::exp(-c * until(rate));
        let found = bound[k] / (9.0 * n);
        let se = (p * (1.0 - p) / (9.0 * n)).sqrt();
        println!(
            "{} /mM/ms: {found:.4} bound of {p:.4}, {:.2} se; half the rate {:.4}",
            rates[k],
            (found - p) / se,
            1.0 - math::exp(-c * until(0.5 * rate))
        );
        assert!((found - p).abs() < SIGMAS * se + 0.003 * p && SIGMAS * se < 0.1 * p);
    }
}

#[test]
fn nothing_goes_around_a_closed_cycle() {
    // Two ways to the same end, R + Ca - RCa - R*Ca and R - R* - R*Ca, among ions and a buffer; as many go either way, and states have their
    // law. The same with one step of the loop ten times as quick does go around.
    for (quicker, goes) in [(1.0, false), (10.0, true)] {
        let steps = [
            (0, 1, 200.0, Some(0), None),
            (1, 0, 10.0, None, Some(0)),
            (1, 3, 40.0 * quicker, None, None),
            (3, 1, 8.0, None, None),
            (0, 2, 20.0, None, None),
            (2, 0, 40.0, None, None),
            (2, 3, 400.0, Some(0), None),
            (3, 2, 2.0, None, Some(0)),
        ];
        let places = (0..25).map(|k| [0.03 * f64::from(k % 5) - 0.06, 0.03 * f64::from(k / 5) - 0.06, 0.0]).collect();
        let mut d =
            description(chamber(0.1, 0.1, Wall::Sealed), vec![Buffer::one_site(200.0, 10.0, 0.1, 0.1).unwrap()]);
        d.resting = 0.05;
        d.sensors.push(sensors(4, &steps, &[0, 1, 0, 1], places));
        let plan = Plan::new(&d).unwrap();
        let key = StreamKey::new(24, u64::from(goes), 0, 0);
        let mut state = plan.start(key, us(2.0));
        plan.advance(&mut state, key, us(2000.0), &mut |_| ());
        let mut moves = [[0.0_f64; 4]; 4];
        let (mut samples, n) = (Vec::new(), if goes { 150 } else { 300 });
        for k in 0..n {
            plan.advance(&mut state, key, us(2000.0 + 200.0 * f64::from(k + 1)), &mut |told| {
                if let Told::Changed(c) = told {
                    moves[c.from][c.to] += 1.0;
                }
            });
            // Free over bound in each branch, over the free concentration: 10 / 200 and 2 / 400.
            let free = state.free() as f64 / (0.004 * AVOGADRO);
            let c = state.counts(0).to_vec();
            let [a, b, c, d] = [0, 1, 2, 3].map(|k| f64::from(c[k]));
            samples.push([a * free - 0.05 * b, c * free - 0.005 * d, 0.05 * b, 0.005 * d]);
        }
        for (a, b) in [(0, 1), (1, 3), (3, 2), (2, 0)] {
            let (there, back) = (moves[a][b], moves[b][a]);
            let by = (there - back) / (there + back).sqrt();
            println!("{a} - {b}: {there} there, {back} back, {by:.2} of chance");
            assert!(if goes { there > back && (a, b) == (1, 3) || by > SIGMAS } else { by.abs() < SIGMAS });
        }
        if !goes {
            for k in 0..2 {
                let list: Vec<f64> = samples.iter().map(|s| s[k]).collect();
                let scale: f64 = samples.iter().map(|s| s[k + 2]).sum();
                let (mean, by) = off(&list, 0.0);
                println!("branch {k}: mass action off by {mean:.2e} of {:.3}, {by:.2} se", scale / f64::from(n));
                assert!(by.abs() < SIGMAS);
            }
        }
        assert!(plan.budget(&state).balances());
    }
}

#[test]
fn a_release_sensor_counts_as_the_kinetic_level_says() {
    // Five sites (k_on 119 /mM/ms, k_off 8.745 /ms, b 0.25: Felmy, Neher & Schneggenburger 2003), 20 and 40 nm from a channel in 10 mM EGTA:
    // the number bound after 0.3 ms.
    let (on, off_rate, b) = (119.0, 8.745, 0.25);
    let mut steps = Vec::new();
    for n in 0..5_u16 {
        steps.push((n, n + 1, f64::from(5 - n) * on, Some(0), None));
        steps.push((n + 1, n, f64::from(n + 1) * off_rate * math::powi(b, i32::from(n)), None, Some(0)));
    }
    let places = vec![[0.02, 0.0, 0.0], [-0.04, 0.0, 0.0]];
    let mut d = description(chamber(0.5, 0.5, Wall::Sealed), vec![egta()]);
    d.grid.cell = 0.04;
    d.sensors.push(sensors(6, &steps, &[0, 1, 2, 3, 4, 5], places.clone()));
    let plan = Plan::new(&d).unwrap();
    let (current, t) = (0.2, us(300.0));
    let mut numbers = [Vec::new(), Vec::new()];
    for trial in 0..1600 {
        let key = StreamKey::new(25, trial, 0, 0);
        let mut state = plan.start(key, us(2.0));
        plan.set_current(&mut state, key, 0, current);
        let mut own = [0.0; 2];
        plan.advance(&mut state, key, t, &mut |told| {
            if let Told::Changed(c) = told {
                own[c.member] = c.to as f64;
            }
        });
        (0..2).for_each(|k| numbers[k].push(own[k]));
    }
    let domain = Domain::new(DIFFUSION, egta().capture(0.0).unwrap()).unwrap();
    let (kinetics, coefficients) = scheme(6, 1, &steps);
    let mean = |law: &[f64]| law.iter().enumerate().map(|(n, p)| n as f64 * p).sum::<f64>();
    let step = us(3.0);
    for k in 0..2 {
        let r = places[k][0].abs();
        let propagator = |calcium: f64, time: Tick| {
            kinetics.generator(&coefficients, &[calcium]).unwrap().propagator(time.ms()).unwrap()
        };
        // Calcium as it builds up, by full reaction and diffusion; and as a slot of the kinetic level has it from its beginning.
        let grid = shells::Grid { inner: 0.0005, outer: 1.5, shells: 200, outside: shells::Outside::Open };
        let medium = Shells::new(grid, DIFFUSION, 0.0, &[egta()]).unwrap();
        let (mut course, mut scratch) = (medium.start(), engine::terminal::bulk::Scratch::default());
        let mut law = vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        while course.clock() < t {
            (0..10).for_each(|_| medium.advance(&mut course, us(0.3), current, &mut scratch).unwrap());
            let mut after = vec![0.0; 6];
            propagator(medium.calcium(&course, r), step).apply(&law, &mut after);
            law = after;
        }
        let (full, kinetic) = (mean(&law), mean(propagator(current * domain.gain(r), t).row(0)));
        let (found, by) = off(&numbers[k], full);
        let se = ((found - full) / by).abs();
        println!(
            "{} nm: {found:.3} bound of {full:.3} ({by:.2} se of {se:.3}); the kinetic level {kinetic:.3}",
            1e3 * r
        );
        assert!((found - full).abs() < SIGMAS * se + 0.02 * full && SIGMAS * se < 0.2);
        assert!((found - kinetic).abs() < SIGMAS * se + 0.05 * kinetic);
    }
}

#[test]
fn channels_gate_as_their_scheme_says_and_let_in_what_flows() {
    // C - O at 4 and 6 /ms, 0.2 pA: open 0.4 of the time, and as many ions as the integral of the current says.
    let (kinetics, rates) = scheme(2, 0, &[(0, 1, 4.0, None, None), (1, 0, 6.0, None, None)]);
    let kind = ChannelKind {
        kinetics,
        open: vec![0.0, 1.0],
        awake: vec![],
        positions: vec![[0.0, 0.0], [0.03, 0.0], [0.0, 0.05]],
        resting_rates: rates.clone(),
        resting_current: 0.2,
    };
    let kinds = [kind];
    let key = StreamKey::new(26, 0, 0, 0);
    let gating = Gating::new(&kinds, key).unwrap();
    let mut d = description(chamber(0.3, 0.3, Wall::Held), vec![]);
    d.channels = Gating::places(&kinds);
    let plan = Plan::new(&d).unwrap();
    let (mut gates, mut state) = (gating.start().unwrap(), plan.start(key, us(5.0)));
    let (mut shares, mut charge, rates) = (Vec::new(), 0.0, [rates]);
    for k in 1..=400 {
        let until = us(500.0 * f64::from(k));
        let drive = SlotDrive { rates: &rates, unit_current: &[if k <= 200 { 0.2 } else { 0.1 }] };
        let openings = gating.advance(&mut gates, until, &drive).unwrap();
        let (mut now, mut slot) = (until - us(500.0), 0.0);
        let mut currents: Vec<f64> = (0..3).map(|c| state.current(c)).collect();
        for o in &openings {
            slot += currents.iter().sum::<f64>() * (o.at - now).ms();
            (now, currents[o.channel]) = (o.at, o.current);
        }
        slot += currents.iter().sum::<f64>() * (until - now).ms();
        shares.push(slot / (3.0 * drive.unit_current[0] * 0.5));
        charge += slot;
        plan.schedule(&mut state, key, &openings);
        plan.advance(&mut state, key, until, &mut |_| ());
    }
    // Slots are joined by what is open at their ends: correlation 1 / (10 * 0.5) adds up to a fifth to the variance.
    let (mean, by) = off(&shares, 0.4);
    let expected = charge * AVOGADRO / (2.0 * numerics::constants::FARADAY);
    let entered = plan.budget(&state).entered as f64;
    println!("open {mean:.4} of 0.4 ({by:.2} se); {entered} ions of {expected:.0}");
    assert!(by.abs() < SIGMAS * 1.1 && (entered - expected).abs() < SIGMAS * expected.sqrt());
}
