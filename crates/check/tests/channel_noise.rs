//! Channels that are counted: exact laws under voltage clamp, the limit of many, and firing by channel noise against an
//! independent simulation event by event.

#[path = "../../engine/tests/cells/mod.rs"]
mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, hodgkin_huxley_schemes, ms};
use check::statistics::{Band, RARE, bernstein_band, multinomial_test, z};
use engine::neuron::*;
use numerics::math::{exp, ln, powi};
use numerics::rng::StreamKey;
use numerics::simd::Level;

/// nS: 20 pS, of either channel (Chow & White 1996: 60 and 18 of them on 1 um2).
const SINGLE: f64 = 0.02;

fn counted(mut kinds: Vec<Channel>) -> Vec<Channel> {
    kinds.iter_mut().take(2).for_each(|kind| kind.single = Some(SINGLE));
    kinds
}

/// Luck of the cells of a block.
fn luck(seed: u64, block: usize) -> Vec<Luck> {
    let of = |channel: u64| std::array::from_fn(|lane| StreamKey::new(seed, (8 * block + lane) as u64, 7, channel));
    (0..2).map(of).collect()
}

fn drives<D: Clone>(plan: &Plan, seed: u64, drive: D) -> Vec<Lucky<D>> {
    (0..plan.blocks()).map(|b| Lucky(drive.clone(), luck(seed, b))).collect()
}

fn populated(plan: &Plan, seed: u64, mut state: State) -> State {
    state.populate(plan, |block, channel| luck(seed, block)[channel]);
    state
}

fn step(dt: f64, method: Method) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method }
}

/// `n` points that hold `v` mV, on which there are `copies` potassium channels each.
struct Clamped {
    plan: Plan,
    state: State,
    drives: Vec<Lucky<Held>>,
}

impl Clamped {
    fn new(kinds: Vec<Channel>, n: usize, copies: u32, (from, to): (f64, f64), seed: u64) -> Self {
        let mut cell = Cell::point(TISSUE, 10.0);
        for channel in [0, 1] {
            let g_max = vec![SINGLE * f64::from(copies)];
            cell.insertions.push(Insertion { channel, g_max, overrides: Vec::new() });
        }
        let plan = Plan::new(counted(kinds), &vec![cell; n], COLD).unwrap();
        let mut state = populated(&plan, seed, State::at(&plan, from));
        let mut held = Held::default();
        for lane in 0..8 {
            held.add(Site { block: 0, compartment: 0, lane }, 1e9, 1e9 * to);
        }
        (0..n).for_each(|cell| state.set_v_m(plan.site(cell, 0), to));
        let drives = drives(&plan, seed, held);
        Self { plan, state, drives }
    }

    fn go(&mut self, dt: f64, steps: u64) {
        let how = step(dt, Method::BackwardEuler);
        run(&self.plan, &mut self.state, &Scratch::default(), how, steps, &mut self.drives, &mut Vec::new()).unwrap();
    }

    /// Open copies of a channel, cell by cell.
    fn open(&self, channel: usize) -> Vec<f64> {
        let one = |cell| {
            let site = self.plan.site(cell, 0);
            let open =
                self.state.open(&self.plan, site, channel).unwrap() * self.state.copies(&self.plan, site, channel);
            assert!((open - open.round()).abs() < 1e-9);
            open.round()
        };
        (0..self.plan.cells()).map(one).collect()
    }
}

/// Opening and closing rate of the gates n, m and h, /ms.
fn rates(gate: char, v: f64) -> (f64, f64) {
    let linoid = |x: f64| if x.abs() < 1e-9 { 1.0 } else { x / (1.0 - exp(-x)) };
    match gate {
        'n' => (0.1 * linoid((v + 55.0) / 10.0), 0.125 * exp(-(v + 65.0) / 80.0)),
        'm' => (linoid((v + 40.0) / 10.0), 4.0 * exp(-(v + 65.0) / 18.0)),
        _ => (0.07 * exp(-(v + 65.0) / 20.0), 1.0 / (1.0 + exp(-(v + 35.0) / 10.0))),
    }
}

/// The share of open gates `t` after a step from `from` to `to`, at rest before.
fn gate(of: char, (from, to): (f64, f64), t: f64) -> f64 {
    let ((a, b), (c, d)) = (rates(of, from), rates(of, to));
    let (before, after) = (a / (a + b), c / (c + d));
    after + (before - after) * exp(-t * (c + d))
}

fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0))
}

fn binomial_law(n: u32, p: f64) -> Vec<f64> {
    let mut law = vec![0.0; n as usize + 1];
    law[0] = 1.0;
    for k in 0..n as usize {
        for i in (0..=k).rev() {
            law[i + 1] += p * law[i];
            law[i] *= 1.0 - p;
        }
    }
    law
}

/// Of a variance of `n` draws from a binomial law of `copies` and `p`: normal, with the law's fourth moment.
fn variance_of(copies: f64, p: f64, n: f64) -> Band {
    let q = 1.0 - p;
    let variance = copies * p * q;
    let excess = (1.0 - 6.0 * p * q) / variance;
    let half = z(RARE) * variance * ((2.0 + excess) / n).sqrt();
    Band { low: variance - half, high: variance + half }
}

/// A step of the voltage from -65 to -20 mV, then 3 ms: the number of open channels is binomial with p = n^4 and m^3 h, so
/// its mean is N p and its variance N p (1 - p), whether gates or their scheme are counted, and wherever steps are cut (they
/// are exact at held voltage). 8192 membranes of 40 channels each; 12 tests at 1e-6. Power: a mean wrong by 2.5 %, or a
/// variance by 11 %, is caught surely; the controls take n^3 for n^4, and forget the 1 - p.
#[test]
fn open_channels_are_binomial_under_voltage_clamp() {
    let (cells, copies, volts) = (8192, 40, (-65.0, -20.0));
    let n = cells as f64;
    for (name, kinds) in [("gates", hodgkin_huxley()), ("scheme", hodgkin_huxley_schemes())] {
        let mut clamped = Clamped::new(kinds, cells, copies, volts, 11);
        for (dt, steps, t) in [(0.05, 12, 0.6), (0.6, 4, 3.0)] {
            clamped.go(dt, steps);
            let [x, m, h] = ['n', 'm', 'h'].map(|of| gate(of, volts, t));
            for (channel, p) in [(0, m * m * m * h), (1, powi(x, 4))] {
                let open = clamped.open(channel);
                let (mean, variance) = moments(&open);
                let of = f64::from(copies);
                let sd = (of * p * (1.0 - p)).sqrt();
                let band = bernstein_band(of * p, sd, of, cells as u64, RARE);
                let spread = variance_of(of, p, n);
                println!(
                    "{name}, channel {channel}, {t} ms: p {p:.4}; mean {mean:.4} within {:.4} to {:.4}; variance {variance:.4} within \
                     {:.4} to {:.4}",
                    band.low, band.high, spread.low, spread.high
                );
                assert!(band.contains(mean) && spread.contains(variance));
                let mut seen = vec![0; copies as usize + 1];
                open.iter().for_each(|k| seen[*k as usize] += 1);
                let law = binomial_law(copies, p);
                // Cells that expect too little are joined at the end.
                let few = law.iter().position(|p| n * p > 5.0).unwrap_or(0);
                let last = law.iter().rposition(|p| n * p > 5.0).unwrap_or(0);
                let join = |x: &[f64]| -> Vec<f64> {
                    let mut out = x[few..=last].to_vec();
                    out.push(x[..few].iter().chain(&x[last + 1..]).sum());
                    out
                };
                let seen: Vec<u64> =
                    join(&seen.iter().map(|k: &u64| *k as f64).collect::<Vec<_>>()).iter().map(|k| *k as u64).collect();
                assert!(multinomial_test(&seen, &join(&law)) > RARE, "not binomial");
                if channel == 1 && t > 1.0 {
                    let cubed = bernstein_band(of * powi(x, 3), sd, of, cells as u64, RARE);
                    assert!(!cubed.contains(mean) && !spread.contains(of * p), "the controls must fail");
                }
            }
        }
    }
}

/// At rest at one voltage, the autocovariance of the open channels is that of n^4: `N ((n (n + (1 - n) e^(-t / tau)))^4 -
/// n^8)`, a sum of four exponentials. 16,384 membranes of 100 channels. 4 tests at 1e-6; power: a time constant wrong by 8 %
/// at t = tau is caught surely; the control has gates half as fast.
#[test]
fn the_autocovariance_decays_with_the_gates() {
    let (cells, copies, v) = (16_384, 100, -40.0);
    let mut clamped = Clamped::new(hodgkin_huxley(), cells, copies, (v, v), 5);
    let start = clamped.open(1);
    let (a, b) = rates('n', v);
    let (x, tau) = (a / (a + b), 1.0 / (a + b));
    let of = f64::from(copies);
    let expected = |t: f64| of * (powi(x * (x + (1.0 - x) * exp(-t / tau)), 4) - powi(x, 8));
    let mut before = 0.0;
    for t in [0.5, 2.0, 4.0, 9.0] {
        clamped.go(0.05, ((t - before) / 0.05_f64).round() as u64);
        before = t;
        let now = clamped.open(1);
        let mean = of * powi(x, 4);
        let found = start.iter().zip(&now).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / cells as f64;
        // Of two nearly normal variables of correlation r: variance of the product is s^4 (1 + r^2), and a little more.
        let (s2, r) = (expected(0.0), expected(t) / expected(0.0));
        let half = 1.05 * z(RARE) * s2 * ((1.0 + r * r) / cells as f64).sqrt();
        println!("t {t} ms of tau {tau:.2} ms: covariance {found:.4}, law {:.4} +- {half:.4}", expected(t));
        assert!((found - expected(t)).abs() < half);
        if t == 2.0 {
            assert!((found - expected(0.5 * t)).abs() > half, "the control must fail");
        }
    }
}

/// Many channels are their means: under one current, potentials of membranes with N channels leave the deterministic one by
/// an amount that falls as 1 / sqrt N, and counts are conserved to the last channel all the while.
#[test]
fn many_channels_are_their_means() {
    let path = |kinds: Vec<Channel>, area: f64, seed: u64| {
        let (na, k, leak) = (120.0, 36.0, 0.3);
        let cell = Cell::point(TISSUE, area).with(0, na).with(1, k).with(2, leak);
        let plan = Plan::new(kinds, &vec![cell; 8], COLD).unwrap();
        let mut state = plan.rest(-90.0..=-50.0).unwrap();
        if plan.counted() {
            state = populated(&plan, seed, state);
        }
        let mut held = Held::default();
        // 1 uA/cm2: far below threshold.
        (0..8).for_each(|lane| held.add(Site { block: 0, compartment: 0, lane }, 0.0, 0.01 * area));
        let mut drives = drives(&plan, seed, held);
        let mut out = Vec::new();
        for _ in 0..40 {
            run(
                &plan,
                &mut state,
                &Scratch::default(),
                step(0.025, Method::CrankNicolson),
                20,
                &mut drives,
                &mut Vec::new(),
            )
            .unwrap();
            for lane in 0..8 {
                let site = plan.site(lane, 0);
                out.push(state.v_m(site));
                if plan.counted() {
                    for (channel, states) in [(0, 8), (1, 5)] {
                        let all: f64 = (0..states).map(|s| state.occupancy(&plan, site, channel, s).unwrap()).sum();
                        assert_eq!(all, state.copies(&plan, site, channel));
                        assert!((0..states).all(|s| state.occupancy(&plan, site, channel, s).unwrap() >= 0.0));
                    }
                }
            }
        }
        out
    };
    let means = path(hodgkin_huxley(), 1e4, 1);
    let off = |area: f64| {
        let v = path(counted(hodgkin_huxley()), area, 3);
        (v.iter().zip(&means).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / v.len() as f64).sqrt()
    };
    let (small, large, larger) = (off(1e4), off(1e6), off(4e7));
    println!(
        "rms away from the means: {small:.4} mV with 6e5 sodium channels, {large:.5} with 6e7, {larger:.6} with 2.4e9"
    );
    // But for luck: 8 paths of 20 ms, correlated over a few ms.
    let within = |ratio: f64, law: f64| ln(ratio / law).abs() < 0.6;
    assert!(within(small / large, 10.0) && within(large / larger, 40.0_f64.sqrt()) && larger < 1e-2);
}

/// A step of one channel: states of the membrane's list, how many gates can make it, and which rate they have.
struct Way {
    from: usize,
    to: usize,
    gates: f64,
    rate: usize,
}

/// Of the sodium channel, states m + 4 h, and the potassium channel, states 8 + n.
fn ways() -> Vec<Way> {
    let mut all = Vec::new();
    let mut both = |low: usize, high: usize, (up, down): (usize, usize), rate: usize| {
        all.push(Way { from: low, to: high, gates: up as f64, rate });
        all.push(Way { from: high, to: low, gates: down as f64, rate: rate + 1 });
    };
    for h in [0, 4] {
        (0..3).for_each(|m| both(h + m, h + m + 1, (3 - m, m + 1), 0));
    }
    (0..4).for_each(|m| both(m, m + 4, (1, 1), 2));
    (0..4).for_each(|n| both(8 + n, 9 + n, (4 - n, n + 1), 4));
    all
}

/// The same membrane event by event, by none of the code that is tested: one jump of one channel at a time (Gillespie 1977,
/// J Phys Chem 81:2340; so simulate Chow & White 1996), the voltage exact between jumps, rates held for 0.005 ms at most.
/// Gives spikes within `duration` ms.
fn event_by_event(area: f64, duration: f64, seed: u64) -> u64 {
    let (c, g_leak, ways) = (0.01 * area, 0.003 * area, ways());
    let (mut v, mut t, mut event) = (-65.0, 0.0, 0);
    let mut luck = StreamKey::new(seed, 0, 99, 0).at(0, event);
    let mut used = 0_u32;
    // Everybody where most are at first; what follows forgets that.
    let mut count = [0.0; 13];
    (count[4], count[9]) = ((60.0 * area).round(), (18.0 * area).round());
    let (mut spikes, mut up) = (0, false);
    let mut speeds = vec![0.0; ways.len()];
    while t < duration {
        let end = t + 0.005;
        let ((am, bm), (ah, bh), (an, bn)) = (rates('m', v), rates('h', v), rates('n', v));
        let each = [am, bm, ah, bh, an, bn];
        while t < end {
            let mut total = 0.0;
            for (speed, way) in speeds.iter_mut().zip(&ways) {
                *speed = count[way.from] * way.gates * each[way.rate];
                total += *speed;
            }
            used += 2;
            if used > 1_000_000 {
                event += 1;
                (luck, used) = (StreamKey::new(seed, 0, 99, 0).at(0, event), 0);
            }
            let wait = -ln(luck.uniform()) / total;
            let dt = wait.min(end - t);
            let (g_na, g_k) = (SINGLE * count[7], SINGLE * count[12]);
            let g = g_na + g_k + g_leak;
            let to = (g_na * 50.0 - g_k * 77.0 - g_leak * 54.387) / g;
            v = to + (v - to) * exp(-dt * g / c);
            t += dt;
            if wait > dt {
                break;
            }
            let mut u = luck.uniform() * total;
            let mut last = 0;
            for (k, speed) in speeds.iter().enumerate().filter(|(_, speed)| **speed > 0.0) {
                (last, u) = (k, u - speed);
                if u < 0.0 {
                    break;
                }
            }
            count[ways[last].from] -= 1.0;
            count[ways[last].to] += 1.0;
        }
        // From below -40 to above 0 mV.
        spikes += u64::from(v > 0.0 && !up);
        up = if up { v > -40.0 } else { v > 0.0 };
    }
    spikes
}

/// A small membrane of Hodgkin and Huxley's channels fires by channel noise alone, the less the larger it is: escape over a
/// barrier that grows with the area (Chow & White 1996, Biophys J 71:3013). Means are silent, gates and their scheme are one
/// law, and the rate is that of a simulation event by event.
///
/// Spikes are more regular than Poisson's, so Poisson's bands are wide: 5 comparisons at 1e-6 each or less. Power: a rate off
/// by 20 % from that of the other simulation is caught in most cases, by 30 % surely; so steps of 0.025 ms do not show.
#[test]
fn small_membranes_fire_by_channel_noise() {
    let fire = |kinds: Vec<Channel>, area: f64, duration: f64, seed: u64| {
        let cell = Cell::point(TISSUE, area).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
        let plan = Plan::new(kinds, &vec![cell; 8], COLD).unwrap();
        let mut state = plan.rest(-90.0..=-50.0).unwrap();
        if plan.counted() {
            state = populated(&plan, seed, state);
        }
        let (mut spikes, mut drives) = (Vec::new(), drives(&plan, seed, Quiet));
        let steps = (duration * 1e3 / 8.0 / 0.025).round() as u64;
        run(
            &plan,
            &mut state,
            &Scratch::default(),
            step(0.025, Method::CrankNicolson),
            steps,
            &mut drives,
            &mut spikes,
        )
        .unwrap();
        spikes.len() as f64
    };
    // Spikes in two durations (s): whether their rates may be one.
    let alike =
        |(a, t): (f64, f64), (b, u): (f64, f64)| (a / t - b / u).abs() < z(RARE) * (a / (t * t) + b / (u * u)).sqrt();
    assert_eq!(fire(hodgkin_huxley(), 20.0, 8.0, 3), 0.0, "means are silent");
    let counts = [20.0, 60.0, 180.0].map(|area| fire(counted(hodgkin_huxley()), area, 32.0, 3));
    println!("20, 60 and 180 um2: {counts:?} spikes in 32 s, {:.2?} Hz", counts.map(|n| n / 32.0));
    assert!(counts[0] > 1.3 * counts[1] && counts[1] > 3.0 * counts[2] && counts[2] > 0.0);
    assert!(!alike((counts[0], 32.0), (counts[1], 32.0)) && !alike((counts[1], 32.0), (counts[2], 32.0)));
    let schemes = fire(counted(hodgkin_huxley_schemes()), 20.0, 32.0, 4);
    let events = event_by_event(20.0, 24_000.0, 2) as f64;
    println!("as schemes {schemes}, event by event {events} in 24 s, {:.2} Hz", events / 24.0);
    assert!(alike((counts[0], 32.0), (schemes, 32.0)) && alike((counts[0] + schemes, 64.0), (events, 24.0)));
}
