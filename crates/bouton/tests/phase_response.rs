//! Phase responses against closed forms of one-dimensional neurons, and against the curve of firing.
#![allow(clippy::disallowed_methods, reason = "oracles that are not ours")]

mod common;

use bouton::electrophysiology::locking::predicted;
use bouton::electrophysiology::prc::{PhaseResponse, PrcError, Protocol, phase_response};
use bouton::electrophysiology::rig::{Rig, Subject};
use bouton::simulation::Voltage;
use common::{off, plan};
use engine::circuit::{Injection, Target};
use engine::point::{Lif, Model, Qif};
use engine::time::Tick;
use std::f64::consts::TAU;

const LIF: Lif = Lif {
    capacitance: 200.0,
    g_leak: 10.0,
    e_leak: -70.0,
    threshold: -50.0,
    reset: -60.0,
    refractory: 2.0,
    drawn: 20.0,
};
const QIF: Qif = Qif {
    capacitance: 100.0,
    g_leak: 5.0,
    rest: -65.0,
    threshold: -50.0,
    peak: 3000.0,
    reset: -3000.0,
    refractory: 0.0,
};

fn response(of: &Subject, current: f64) -> PhaseResponse {
    let by = Protocol { current: Some(current), ..Protocol::new(Tick(25_000_000), 309.15) };
    phase_response(of, 0, &by).expect("it fires")
}

/// A cell with a membrane of a model.
fn membrane(lines: &str, temperature: &str) -> Subject {
    let text = format!("duration = \"1 ms\"\ntemperature = \"{temperature}\"\ndetail = \"mean\"\n{lines}");
    match &plan(&text).cells[0].voltage {
        Voltage::Membrane { cell, .. } => Subject::Membrane(cell.clone()),
        _ => panic!("a cell with a membrane"),
    }
}

/// Of one dimension: `1 / (C T V')`; after `refractory`, `V' = (V_end - V_reset) exp(-t / tau) / tau`.
#[test]
fn a_leaky_neuron_is_advanced_more_and_more_towards_its_threshold() {
    let r = response(&Subject::Point(Model::Lif(LIF)), 300.0);
    let period = 20.0 * 2.0_f64.ln() + 2.0;
    assert!(off(r.period, period) < 1e-9, "{}", r.period);
    assert_eq!(r.points.len(), 40);
    let mut worst = 0.0_f64;
    for p in &r.points {
        let t = p.phase * period - 2.0;
        // What comes in the refractory period is lost; the pulse is 0.15 ms long.
        if t.abs() < 0.1 {
            continue;
        }
        let wanted = if t < 0.0 { 0.0 } else { 1e3 * 20.0 * (t / 20.0).exp() / (200.0 * period * 20.0) };
        worst = worst.max((p.settled - wanted).abs() / (1e3 / (200.0 * period)));
        assert!((p.settled - p.first).abs() < 1e-6 * wanted.max(1.0), "it has no memory: {p:?}");
    }
    println!("leaky: {worst} of the largest at most");
    assert!(worst < 1e-4);
    assert!(r.delays < 1e-9 && r.kind() == "I");
    // The line of a spike is not in the course.
    assert!(r.wave.iter().all(|w| w.1 < -49.99 && w.1 > -60.01) && (r.voltage(0.999) + 50.0).abs() < 0.1);
}

/// From far below to far above it is a theta neuron: 1 - cos.
#[test]
fn a_quadratic_neuron_has_the_response_of_a_theta_neuron() {
    let r = response(&Subject::Point(Model::Qif(QIF)), 60.0);
    // V' = k ((V - m)^2 + beta^2)
    let k = 5.0 / 15.0 / 100.0;
    let m = -57.5;
    let beta = (60.0 / (100.0 * k) - 7.5 * 7.5_f64).sqrt();
    let from = ((-3000.0 - m) / beta).atan();
    let period = (((3000.0 - m) / beta).atan() - from) / (k * beta);
    assert!(off(r.period, period) < 1e-6, "{} for {period}", r.period);
    let (mut worst, mut shape) = (0.0_f64, 0.0_f64);
    let top = 1e3 / (100.0 * period * k * beta * beta);
    for p in &r.points {
        let v = m + beta * (k * beta * p.phase * period + from).tan();
        let wanted = 1e3 / (100.0 * period * k * ((v - m).powi(2) + beta * beta));
        worst = worst.max((p.settled - wanted).abs() / top);
        shape = shape.max((p.settled / top - 0.5 * (1.0 - (TAU * p.phase).cos())).abs());
    }
    println!("quadratic: {worst} of the largest at most, {shape} from 1 - cos");
    assert!(worst < 1e-3 && shape < 5e-3 && r.kind() == "I");
}

/// A little more current: `d rate / d current` is the mean of the response, whatever the cell. And what a smaller pulse does
/// is the same.
#[test]
fn the_mean_response_is_the_slope_of_the_rate() {
    let squid = membrane("cell.c.use = \"neuron/hh1952_squid\"", "6.3 degC");
    let regular = membrane("cell.c.use = \"neuron/pospischil_fs\"", "36 degC");
    for (of, temperature, current, kind) in [(squid, 279.45, 100.0, "II"), (regular, 309.15, 1000.0, "")] {
        let by = Protocol { current: Some(current), ..Protocol::new(Tick(25_000_000), temperature) };
        let r = phase_response(&of, 0, &by).expect("it fires");
        let mean = r.points.iter().map(|p| p.settled).sum::<f64>() / r.points.len() as f64;
        // The period at currents beside it, over many intervals.
        let rate = |current: f64| {
            let to = Target { cell: 0, compartment: 0 };
            let injection = Injection { to, start: Tick::ZERO, stop: Tick(i64::MAX), current };
            let rig = Rig::copies(&of, 1, (by.step, temperature), &[injection]).unwrap();
            let spikes = rig.run(3000.0, &[], &[]).unwrap().spikes.remove(0);
            let from = spikes.len() / 2;
            (spikes.len() - 1 - from) as f64 / (spikes[spikes.len() - 1] - spikes[from])
        };
        let beside = 0.01 * current;
        // Periods a ms and pA are periods a fC.
        let slope = 1e3 * (rate(current + beside) - rate(current - beside)) / (2.0 * beside);
        println!("period {}, mean {mean} for {slope}; type {}, delays {}", r.period, r.kind(), r.delays);
        assert!(off(mean, slope) < 0.01, "{mean} {slope}");
        assert!(kind.is_empty() || r.kind() == kind);
        let small = phase_response(&of, 0, &Protocol { push: 0.1, ..by }).expect("it fires");
        let most = r.points.iter().map(|p| p.settled).fold(0.0, f64::max);
        for (a, b) in r.points.iter().zip(&small.points) {
            assert!((a.settled - b.settled).abs() < 0.03 * most, "{a:?} {b:?}");
        }
    }
}

/// A current is found where none is said; what does not fire says so.
#[test]
fn a_current_that_keeps_it_firing_is_found() {
    let by = Protocol::new(Tick(25_000_000), 309.15);
    let r = phase_response(&Subject::Point(Model::Lif(LIF)), 0, &by).expect("it fires");
    // The rheobase is 200 pA; currents are a fourth root of two apart.
    assert!((250.0..250.0 * 1.19).contains(&r.current), "{}", r.current);
    let silent = phase_response(&Subject::Point(Model::Lif(LIF)), 0, &Protocol { current: Some(199.0), ..by });
    assert!(matches!(silent, Err(PrcError::Silent { .. })), "{silent:?}");
}

/// Leaky neurons, with the response above and no course of a spike: H and its odd part from quadrature of the closed form;
/// equal cells that fall together stay so, and a faster one is ahead.
#[test]
fn the_phases_of_weakly_coupled_cells_are_predicted() {
    let r = response(&Subject::Point(Model::Qif(Qif { peak: 0.0, reset: -70.0, ..QIF })), 60.0);
    let equal = predicted(&r, &r, 0.1);
    for (x, drift) in &equal.drift {
        let back = equal.drift.iter().find(|d| (d.0 + x).abs() < 1e-9).unwrap().1;
        assert!((drift + back).abs() < 1e-9, "equal cells: odd");
    }
    let twice = predicted(&r, &r, 0.2);
    assert!((twice.drift[30].1 - 2.0 * equal.drift[30].1).abs() < 1e-9, "linear in the conductance");
    assert!(!equal.stable.is_empty() && equal.stable.iter().all(|s| s.1 > 0.0), "{:?}", equal.stable);
    println!("{:?}", equal.stable);
}
