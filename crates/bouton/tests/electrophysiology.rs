//! Instruments at a pipette against closed forms, published numbers, and the linearised circuit.

mod common;

use bouton::electrophysiology::{
    Electrophysiology, Preparation, Protocol, Pulse, Swing, impedance, measure, rates, responses, rheobase,
};
use bouton::lower::LoweredCell;
use bouton::measure::Trace;
use bouton::measure::spike::{Criterion, action_potentials};
use bouton::simulation::Voltage;
use common::{off, plan};
use engine::neuron::{Gating, Site};
use engine::time::Tick;
use numerics::math::exp;
use std::sync::Arc;

fn cosh(x: f64) -> f64 {
    0.5 * (exp(x) + exp(-x))
}

fn sinh(x: f64) -> f64 {
    0.5 * (exp(x) - exp(-x))
}

/// The only cell of a model, which may be more than a neuron of the catalogue.
fn cell(lines: &str, temperature: &str) -> Arc<LoweredCell> {
    let text = format!("duration = \"1 ms\"\ntemperature = \"{temperature}\"\ndetail = \"mean\"\n{lines}");
    match &plan(&text).cells[0].voltage {
        Voltage::Membrane { cell, .. } => cell.clone(),
        _ => panic!("a cell with a membrane"),
    }
}

fn squid() -> Arc<LoweredCell> {
    cell("cell.c.use = \"neuron/hh1952_squid\"", "6.3 degC")
}

const STICK: &str = "cell.c.use = \"neuron/ball_and_stick\"\ncell.c.section.dend.compartments = 200";

fn at_root(cell: &LoweredCell) -> Preparation<'_> {
    Preparation { cell, at: 0 }
}

fn all(cell: &LoweredCell, step_us: i64, duration: f64) -> Electrophysiology {
    let by = Protocol { step: Tick(step_us * 1_000_000), duration, ..Protocol::default() };
    measure(at_root(cell), &by).expect("a cell that can be stepped")
}

fn close(what: &str, got: Option<f64>, wanted: f64, within: f64) {
    let got = got.unwrap_or_else(|| panic!("no {what}"));
    assert!(off(got, wanted) <= within, "{what}: {got}, wanted {wanted}");
}

/// Soma and equivalent dendrite of `neuron/ball_and_stick`: 22 kOhm cm2, 1 uF/cm2, 150 Ohm cm.
struct Stick {
    /// nS
    soma: f64,
    /// Of the infinite dendrite, nS.
    infinite: f64,
    /// Lengths constants.
    length: f64,
}

impl Stick {
    fn new() -> Self {
        let leak = 0.04545e-2; // nS/um2
        let lambda = (5.5 / (4.0 * leak * 150e-5_f64)).sqrt();
        let pi = std::f64::consts::PI;
        Self { soma: leak * pi * 400.0, infinite: leak * pi * 5.5 * lambda, length: 1350.0 / lambda }
    }
}

#[test]
fn a_ball_and_stick_has_the_numbers_of_the_cable_equation() {
    let lowered = cell(STICK, "33 degC");
    let (m, s) = (all(&lowered, 100, 300.0), Stick::new());
    let resistance = 1.0 / (s.soma + s.infinite * sinh(s.length) / cosh(s.length));
    assert!((m.rest + 65.0).abs() < 1e-9, "{}", m.rest);
    close("resistance by the circuit", m.resistance.circuit, resistance, 2e-5);
    close("resistance by the pipette", m.resistance.pipette, resistance, 1e-4);
    assert_eq!(m.resistance.circuit, m.held_resistance);
    close("time constant by the circuit", m.time_constant.circuit, 1.0 / 0.04545, 1e-9);
    close("time constant by the pipette", m.time_constant.pipette, 1.0 / 0.04545, 0.02);
    close("capacitance", Some(m.capacitance), 245.8, 1e-3);
    assert!(m.sag.is_some_and(|s| s.ratio.abs() < 1e-9 && (s.steady + 85.0).abs() < 0.1), "{:?}", m.sag);
    assert!(m.rheobase.is_none() && m.spike.is_none() && m.resonance.is_none() && m.rates.is_empty());
    let end = m.ends.iter().find(|e| e.section == "dend").unwrap();
    let (ch, sh) = (cosh(s.length), sinh(s.length));
    close("outwards", Some(end.outward), 1.0 / ch, 3e-4);
    close("inwards", Some(end.inward), 1.0 / (ch + s.soma / s.infinite * sh), 3e-3);
    close("both ways", Some(end.transfer), resistance / ch, 3e-4);
    // Lossless at the soma itself.
    let soma = m.ends.iter().find(|e| e.section == "soma").unwrap();
    assert!(off(soma.outward, 1.0) < 1e-12 && off(soma.inward, 1.0) < 1e-12);
    let (out, back) = (&m.compartments.outward, &m.compartments.inward);
    assert!(out.len() == 201 && off(*out.last().unwrap(), end.outward) < 1e-12);
    assert!(off(*back.last().unwrap(), end.inward) < 1e-12);
}

/// Z = 1 / (Y_soma q^2 + Y_inf q tanh(q L)), q = sqrt(1 + i w tau), at frequencies that the dendrite follows less and less.
#[test]
fn the_impedance_of_a_ball_and_stick_is_that_of_the_cable_equation() {
    type C = (f64, f64);
    let times = |a: C, b: C| (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
    let lowered = cell(STICK, "33 degC");
    let s = Stick::new();
    for hz in [0.0, 1.0, 10.0, 100.0, 1000.0] {
        let square: C = (1.0, std::f64::consts::TAU * hz * 1e-3 / 0.04545);
        let size = square.0.hypot(square.1);
        let q: C = ((0.5 * (size + square.0)).sqrt(), (0.5 * (size - square.0)).sqrt());
        // tanh(a + ib) = (sinh 2a + i sin 2b) / (cosh 2a + cos 2b)
        let (a, b) = (2.0 * q.0 * s.length, 2.0 * q.1 * s.length);
        let below = cosh(a) + b.cos();
        let th: C = (sinh(a) / below, b.sin() / below);
        let stick = times(q, th);
        let y: C = (s.soma * square.0 + s.infinite * stick.0, s.soma * square.1 + s.infinite * stick.1);
        let seen = impedance(at_root(&lowered), &[hz])[0];
        close("magnitude", Some(seen.magnitude), 1.0 / y.0.hypot(y.1), 2e-3);
        let phase = -y.1.atan2(y.0).to_degrees();
        assert!((seen.phase - phase).abs() < 0.1, "{hz} Hz: {} for {phase}", seen.phase);
    }
}

/// Gates included: at 0 Hz the impedance is the slope of the steady current's, and what one compartment does to another is
/// the same both ways, at any frequency.
#[test]
fn impedance_at_rest_is_the_settled_resistance_and_is_reciprocal() {
    let pyramid = r#"
cell.c.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm cm" }
cell.c.section.soma = { diameter = "20 um", length = "20 um" }
cell.c.section.dend = { on = "soma", diameter = "2 um", length = "300 um" }
cell.c.section.twig = { on = "dend", diameter = "1 um", length = "200 um" }
cell.c.section.axon = { on = "soma", diameter = "1 um", length = "200 um" }
cell.c.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
cell.c.channel.na = { use = "channel/traub_miles_na", density = "50 mS/cm2", on = ["soma", "axon"] }
cell.c.channel.k = { use = "channel/traub_miles_k", density = "5 mS/cm2", on = ["soma", "axon"] }
cell.c.channel.m = { use = "channel/pospischil_m", density = "0.3 mS/cm2", on = ["soma", "dend"] }
"#;
    let lowered = cell(pyramid, "36 degC");
    let (plan, rest) = (&lowered.plan, &lowered.rest);
    let site = |place: &str| Site { block: 0, compartment: lowered.layout.compartment(place), lane: 0 };
    for place in ["soma", "twig(1)", "axon(0.5)"] {
        let z = plan.impedances(rest, site(place), &[0.0]).unwrap().remove(0);
        let settled = plan.transfer_resistances(rest, site(place), Gating::Settled).unwrap();
        for (z, r) in z.iter().zip(&settled) {
            assert!(off(z.re, *r) < 1e-6 && z.im.abs() < 1e-12, "{z:?} for {r}");
        }
        let held = plan.input_resistance(rest, site(place), Gating::Held).unwrap();
        assert!(off(settled[site(place).compartment as usize], held) > 0.01, "gates matter here");
    }
    let (a, b) = (site("twig(1)"), site("axon(1)"));
    for khz in [0.0, 0.005, 0.1, 1.0] {
        let there = plan.impedances(rest, a, &[khz]).unwrap()[0][b.compartment as usize];
        let back = plan.impedances(rest, b, &[khz]).unwrap()[0][a.compartment as usize];
        assert!(off(there.re, back.re) < 1e-9 && off(there.im, back.im) < 1e-9 || khz == 0.0, "{there:?} {back:?}");
    }
}

/// A small sinusoidal current into the running membrane of the squid axon makes the voltage that the linearised circuit says,
/// near its resonance and away from it.
#[test]
fn the_squid_axon_resonates_as_its_linearised_membrane() {
    let lowered = squid();
    let m = all(&lowered, 100, 50.0);
    let resonance = m.resonance.expect("a resonance");
    println!("resonance at {} Hz, {} of the lowest", resonance.frequency, resonance.strength);
    assert!((60.0..75.0).contains(&resonance.frequency) && resonance.strength > 1.5);
    for hz in [20.0, 62.5, 200.0] {
        let wanted = impedance(at_root(&lowered), &[hz])[0];
        let seen = shaken(&lowered, hz, 1.0);
        close("magnitude", Some(seen.magnitude), wanted.magnitude, 5e-3);
        assert!((seen.phase - wanted.phase).abs() < 1.0, "{hz} Hz: {} for {}", seen.phase, wanted.phase);
    }
}

/// Amplitude and phase of the voltage under a sinusoidal current of `size` pA.
fn shaken(lowered: &LoweredCell, hz: f64, size: f64) -> Swing {
    use engine::neuron::{Method, Scratch, Stepping, run_here, with};
    let dt = Tick(20_000_000);
    let site = Site { block: 0, compartment: 0, lane: 0 };
    let omega = std::f64::consts::TAU * hz * 1e-3;
    let mut drives = [with(move |moment: engine::neuron::Moment, _: &[_], ports: &mut engine::neuron::Ports| {
        ports.current(site, size * (omega * moment.at.ms()).sin());
    })];
    let mut state = lowered.rest.clone();
    let rest = state.v_m(site);
    let stepping = Stepping { level: numerics::simd::Level::best(), dt, method: Method::CrankNicolson };
    let period = (1e3 / hz / dt.ms()).round() as usize;
    let (mut sine, mut cosine) = (0.0, 0.0);
    let settle = (150.0 / (1e3 / hz)).ceil() as usize * period;
    for k in 0..settle + period {
        run_here(&lowered.plan, &mut state, &Scratch::default(), stepping, 1, &mut drives, &mut Vec::new()).unwrap();
        if k >= settle {
            let (v, t) = (state.v_m(site) - rest, state.clock().ms());
            sine += v * (omega * t).sin() * 2.0 / period as f64;
            cosine += v * (omega * t).cos() * 2.0 / period as f64;
        }
    }
    Swing { frequency: hz, magnitude: sine.hypot(cosine) / size, phase: cosine.atan2(sine).to_degrees() }
}

/// C-21: rates computed with another integrator. 1 uA/cm2 is 10 pA.
#[test]
fn the_squid_axon_fires_at_its_rates() {
    let lowered = squid();
    let seen = rates(at_root(&lowered), &Protocol::default(), &[60.0, 65.0, 70.0, 100.0, 200.0]).unwrap();
    assert_eq!(seen[0].spikes, 2, "two only at 6 uA/cm2: {:?}", seen[0]);
    assert!(seen[0].steady.is_none());
    for (rate, hz) in seen[1..].iter().zip([55.1, 58.3, 68.3, 86.4]) {
        let steady = rate.steady.expect("goes on");
        assert!((steady - hz).abs() <= 0.5, "{steady} Hz at {} pA, wanted {hz}", rate.current);
    }
}

/// The rheobase is the edge: a little less does not fire, and of what it says it does.
#[test]
fn a_rheobase_is_an_edge() {
    let lowered = squid();
    let by = Protocol { duration: 50.0, around: 10.0, ..Protocol::default() };
    let of = at_root(&lowered);
    let found = rheobase(of, &by, 1.0).unwrap().expect("it fires");
    let seen = rates(of, &by, &[0.998 * found, found]).unwrap();
    assert!(seen[0].spikes == 0 && seen[1].spikes > 0, "{found} pA: {seen:?}");
    // From another guess, the same.
    let again = rheobase(of, &by, 0.3).unwrap().expect("it fires");
    assert!(off(again, found) < 2e-3, "{found} {again}");
}

/// B.8: 34 MOhm of a leak of 0.1 mS/cm2 on 29 000 um2; the first action potential of a fast cell of cortex.
#[test]
fn a_regular_spiking_cell_is_measured() {
    let lowered = cell("cell.c.use = \"neuron/pospischil_rs\"", "36 degC");
    let m = all(&lowered, 50, 300.0);
    println!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        m.resistance, m.time_constant, m.step_time_constant, m.rheobase, m.spike, m.gain
    );
    let (pipette, circuit) = (m.resistance.pipette.unwrap(), m.resistance.circuit.unwrap());
    assert!(off(pipette, circuit) < 0.02, "{pipette} {circuit}");
    close("time constant", m.time_constant.pipette, m.time_constant.circuit.unwrap(), 0.06);
    assert!((0.031..0.0345).contains(&circuit), "{circuit}");
    let spike = m.spike.unwrap();
    assert!((-55.0..-35.0).contains(&spike.threshold) && spike.peak > 20.0 && spike.half_width < 2.0, "{spike:?}");
    // It adapts: later intervals are longer.
    let adapts = m.rates.iter().filter_map(|r| Some(r.first? > r.steady?));
    assert!(adapts.clone().count() > 3 && adapts.clone().all(|a| a));
    assert!(m.rates[0].spikes == 0 && m.gain.unwrap() > 0.0);
}

/// Two triangles of known height, width and trough on a slow ramp.
#[test]
fn action_potentials_are_found_with_their_shape() {
    let dt = 0.01;
    let triangle = |t: f64, at: f64| match t - at {
        s if (0.0..0.5).contains(&s) => -50.0 + 180.0 * s,
        s if (0.5..1.5).contains(&s) => 40.0 - 115.0 * (s - 0.5),
        s if (1.5..6.5).contains(&s) => -75.0 + 5.0 * (s - 1.5),
        _ => -50.0,
    };
    let values: Vec<f64> = (0..=3000)
        .map(|k| k as f64 * dt)
        .map(|t| if t < 15.0 { triangle(t, 5.0) } else { triangle(t, 20.0) })
        .collect();
    let trace = Trace { dt_ms: dt, start_ms: 100.0, values: &values };
    let found = action_potentials(&trace, Criterion::default());
    assert_eq!(found.len(), 2);
    for (spike, at) in found.iter().zip([105.0, 120.0]) {
        assert!((spike.onset - at).abs() < 2.0 * dt, "{spike:?}");
        assert!((spike.threshold + 50.0).abs() < 2.0 && (spike.peak - 40.0).abs() < 1e-6, "{spike:?}");
        // Half of the height is passed 0.25 ms after the onset and 0.39 ms after the peak.
        assert!((spike.half_width - (0.25 + 45.0 / 115.0)).abs() < 2.0 * dt, "{spike:?}");
        assert!((spike.rise - 180.0).abs() < 1e-6 && (spike.fall + 115.0).abs() < 1e-6, "{spike:?}");
        assert!((spike.trough + 75.0).abs() < 1.5 && (spike.trough_time - at - 1.5).abs() < 2.0 * dt, "{spike:?}");
        assert!((spike.afterhyperpolarisation() - 25.0).abs() < 2.5);
    }
    assert!(action_potentials(&trace, Criterion { level: 50.0, ..Criterion::default() }).is_empty());
}

/// A pulse of one cell does not reach the seven others, and none is as no pulse.
#[test]
fn eight_cells_answer_each_to_its_own_current() {
    let lowered = squid();
    let pulse = Pulse { start: 5.0, stop: 25.0, until: 40.0 };
    let currents = [0.0, 10.0, -10.0, 100.0, 0.0, 10.0, -10.0, 100.0, 100.0];
    let seen = responses(at_root(&lowered), Tick(25_000_000), &currents, pulse).unwrap();
    assert_eq!(seen.len(), 9);
    for (a, b) in [(0, 4), (1, 5), (2, 6), (3, 7), (3, 8)] {
        assert_eq!(seen[a].values, seen[b].values);
    }
    assert!(seen[0].values.iter().all(|v| (v - seen[0].values[0]).abs() < 1e-9));
    assert!(seen[3].values.iter().any(|v| *v > 0.0) && seen[2].at(20.0) < seen[0].at(20.0));
}
