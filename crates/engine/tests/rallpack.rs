//! Rallpacks 1 to 3 (Bhalla, Bilitch & Bower 1992, Trends Neurosci 15:453): a passive cable, a passive tree, an axon.
//!
//! Rm 40,000 Ohm cm2, Ra 100 Ohm cm, Cm 1 uF/cm2, rest at -65 mV, 0.1 nA into one end, 250 ms.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::neuron::*;
use numerics::math::{exp, ln, pow};
use numerics::simd::Level;
use std::f64::consts::PI;

/// Leak of the Rallpacks, mS/cm2.
const LEAK: f64 = 0.025;

/// Sodium and potassium of the squid, leak of the Rallpacks.
fn kinds() -> Vec<Channel> {
    let mut kinds = hodgkin_huxley();
    kinds[2] = Channel::leak(-65.0);
    kinds
}

/// Voltages at compartments `at` after each step of `dt` ms, and spikes.
fn course(cell: Cell, dt: f64, at: [u32; 2], tables: bool) -> (Vec<[f64; 2]>, Vec<Spike>) {
    let plan = Plan::new(kinds(), std::slice::from_ref(&cell), COLD).unwrap();
    let plan = if tables { plan.tabulated(ms(dt), 1e-8) } else { plan };
    let mut state = State::at(&plan, -65.0);
    let mut traces = Vec::new();
    let clamp = CurrentClamp { site: plan.site(0, 0), start: ms(0.0), end: ms(300.0), current: 100.0 };
    let drive = Watched { clamp, at, traces: &mut traces };
    let stepping = Stepping { level: Level::best(), dt: ms(dt), method: Method::CrankNicolson };
    let mut spikes = Vec::new();
    let steps = (250.0 / dt).round() as u64;
    run(&plan, &mut state, &Scratch::default(), stepping, steps, &mut [drive], &mut spikes).unwrap();
    (traces, spikes)
}

struct Watched<'a> {
    clamp: CurrentClamp,
    at: [u32; 2],
    traces: &'a mut Vec<[f64; 2]>,
}

impl Drive for Watched<'_> {
    fn drive(&mut self, moment: Moment, _: &[numerics::simd::F64x8], ports: &mut Ports) {
        self.clamp.apply(moment, ports);
    }

    fn after(&mut self, _: Moment, _: &[numerics::simd::F64x8], v: &[numerics::simd::F64x8]) {
        self.traces.push(self.at.map(|k| v[k as usize].0[0]));
    }
}

/// Relative root mean square and largest error of a course from rest.
fn errors(got: impl Iterator<Item = f64>, wanted: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut squares, mut scale, mut worst, mut count) = (0.0, 0.0f64, 0.0f64, 0u32);
    for (got, wanted) in got.zip(wanted) {
        let off: f64 = got - wanted;
        squares += off * off;
        worst = worst.max(off.abs());
        scale = scale.max((wanted + 65.0).abs());
        count += 1;
    }
    ((squares / f64::from(count)).sqrt() / scale, worst / scale)
}

/// A cable of length 1 (one length constant) with sealed ends, a step of current into x = 0: eigenfunctions of the cable
/// equation (Rall 1969, Biophys J 9:1483). `x` in length constants, `t` in time constants, over I times the input
/// resistance of the infinite cable.
fn exact(x: f64, t: f64) -> f64 {
    let steady = cosh(1.0 - x) / sinh(1.0);
    let modes = (1..400).map(|n| {
        let k = f64::from(n) * PI;
        2.0 * cosine(k * x) * exp(-t * (1.0 + k * k)) / (1.0 + k * k)
    });
    steady - exp(-t) - modes.sum::<f64>()
}

fn cosh(x: f64) -> f64 {
    (exp(x) + exp(-x)) / 2.0
}

fn sinh(x: f64) -> f64 {
    (exp(x) - exp(-x)) / 2.0
}

#[allow(clippy::disallowed_methods, reason = "an oracle")]
fn cosine(x: f64) -> f64 {
    x.cos()
}

/// mV: 0.1 nA times the input resistance of the infinite cable, 2 sqrt(Rm Ra) / (pi d^1.5).
fn scale(diameter: f64) -> f64 {
    // 4 Ohm m2, 1 Ohm m, m; 1e-10 A, V to mV.
    2.0 * 4.0f64.sqrt() / (PI * (diameter * 1e-6) * (diameter * 1e-6).sqrt()) * 1e-10 * 1e3
}

#[test]
fn a_passive_cable_follows_the_cable_equation() {
    let n = 1000;
    let mut traces = Vec::new();
    for dt in [0.05, 0.025, 0.0125] {
        traces = course(Cell::cable(TISSUE, 1000.0, 1.0, n).with(2, LEAK), dt, [0, n], false).0;
        for (end, x) in [0.0, 1.0].into_iter().enumerate() {
            let wanted = (1..=traces.len()).map(|k| -65.0 + scale(1.0) * exact(x, k as f64 * dt / 40.0));
            let (rms, worst) = errors(traces.iter().map(|v| v[end]), wanted);
            println!("steps of {dt} ms, x = {x}: rms {rms:.2e}, worst {worst:.2e} of the span");
            assert!(rms < 2.5e-4 && worst < 5e-3, "steps of {dt} ms, x = {x}: rms {rms}, worst {worst} of the span");
        }
    }
    let last = traces[traces.len() - 1];
    assert!((last[0] - 101.935).abs() < 1e-3 && (last[1] - 43.096).abs() < 1e-3, "{last:?}");
}

#[test]
fn the_cable_is_second_order_in_time_and_in_space() {
    // After 20 ms; against the exact solution in space at fine steps, and in time on a fixed grid against finer steps.
    let at = |n: u32, dt: f64| {
        let (traces, _) = course(Cell::cable(TISSUE, 1000.0, 1.0, n).with(2, LEAK), dt, [n / 2, n], false);
        traces[(20.0 / dt).round() as usize - 1][0]
    };
    let wanted = -65.0 + scale(1.0) * exact(0.5, 0.5);
    let space: Vec<f64> = [8, 16, 32].iter().map(|&n| (at(n, 0.01) - wanted).abs()).collect();
    let time: Vec<f64> = [0.4, 0.2, 0.1, 0.05].iter().map(|&dt| at(32, dt)).collect();
    let order = |coarse: f64, fine: f64| ln(coarse / fine) / ln(2.0);
    assert!(
        (order(space[0], space[1]) - 2.0).abs() < 0.05 && (order(space[1], space[2]) - 2.0).abs() < 0.05,
        "{space:?}"
    );
    let steps = [(time[0] - time[1]).abs(), (time[1] - time[2]).abs(), (time[2] - time[3]).abs()];
    assert!(
        (order(steps[0], steps[1]) - 2.0).abs() < 0.1 && (order(steps[1], steps[2]) - 2.0).abs() < 0.1,
        "{steps:?}"
    );
}

#[test]
fn a_passive_tree_of_ten_levels_is_the_cylinder_that_it_should_be() {
    // Rallpack 2: each branch .008 length constants long; diameters by Rall's 3/2 power, from 16 um.
    let mut cell = Cell::default();
    let mut level = Vec::new();
    let n = 4;
    for depth in 0..10 {
        let diameter = 16.0 * pow(2.0, -2.0 * f64::from(depth) / 3.0);
        let length = 32.0 * pow(2.0, -f64::from(depth) / 3.0);
        if depth == 0 {
            // The first compartment lies at the very end, as in the cable.
            cell = Cell::cable(TISSUE, length, diameter, n);
            level = vec![n];
            continue;
        }
        let mut next = Vec::new();
        for parent in level {
            for _ in 0..2 {
                let (made, half) = cell.add_cylinder(TISSUE, parent, 0.0, (length, diameter, n));
                // To the branch's end, where the next ones begin.
                next.push(cell.add_joint(made.end - 1, half));
            }
        }
        level = next;
    }
    let leaf = level[0];
    let cell = cell.with(2, LEAK);
    let (traces, _) = course(cell, 0.05, [0, leaf], false);
    let last = traces[traces.len() - 1];
    assert!((last[0] + 40.127).abs() < 0.001 * 24.9 && (last[1] + 40.207).abs() < 0.001 * 24.9, "{last:?}");
    // The equivalent cylinder: .08 length constants, whose steady voltages are known.
    let steady = |x: f64| -65.0 + scale(16.0) * cosh(0.08 - x) / sinh(0.08);
    let left = exp(-250.0 / 40.0);
    let wanted = |x: f64| steady(x) - (scale(16.0) / 0.08) * left;
    assert!((last[0] - wanted(0.0)).abs() < 2e-4 * 24.9, "{} {}", last[0], wanted(0.0));
    assert!((last[1] - wanted(0.08)).abs() < 2e-4 * 24.9, "{} {}", last[1], wanted(0.08));
}

#[test]
fn an_axon_of_a_thousand_compartments_fires_when_neuron_says() {
    // NEURON 9.0.2, 1,000 segments, secondorder 2, usetable_hh 0 (its table of rates alone moves the last spike by .23 ms), steps
    // of 5 and 2.5 us extrapolated to none: first and last crossing of 0 mV at x = 0, the same at x = 1.
    let wanted = [1.306_3, 248.519_1, 4.070_9, 236.677_5];
    let mut cell = Cell::default();
    cell.compartments.push(Compartment { area: PI, c_m: 0.01 * PI, parent: None, g_axial: 0.0 });
    let half = 0.5 / TISSUE.g_axial(1.0, 1.0);
    cell.add_cylinder(TISSUE, 0, half, (999.0, 1.0, 999));
    let cell = cell.with(0, 120.0).with(1, 36.0).with(2, LEAK).detect(0, 0.0).detect(999, 0.0);
    let (mut found, mut all) = (Vec::new(), Vec::new());
    for (dt, most) in [(0.05, 0.5), (0.025, 0.12), (0.0125, 0.03)] {
        let (traces, spikes) = course(cell.clone(), dt, [0, 999], true);
        let of = |k: u32| spikes.iter().filter(|s| s.detector == k).map(|s| s.at.ms()).collect::<Vec<f64>>();
        let (near, far) = (of(0), of(1));
        assert_eq!((near.len(), far.len()), (18, 17));
        let times = [near[0], near[17], far[0], far[16]];
        let off = times.iter().zip(wanted).map(|(t, w)| (t - w).abs()).fold(0.0, f64::max);
        assert!(off < most, "{off} ms off at {dt}: {times:?}");
        let peaks = [0, 1].map(|k| traces.iter().map(|v| v[k]).fold(f64::MIN, f64::max));
        assert!((peaks[0] - 41.44).abs() < 0.6 && (peaks[1] - 46.25).abs() < 0.6, "{peaks:?}");
        found.push(off);
        all.push(times);
    }
    for (k, wanted) in wanted.iter().enumerate() {
        let limit = (4.0 * all[2][k] - all[1][k]) / 3.0;
        assert!((limit - wanted).abs() < 0.01, "10 us in 250 ms: {limit} {wanted}");
    }
    assert!(found[0] / found[1] > 3.0 && found[1] / found[2] > 3.0, "second order against another program: {found:?}");
}
