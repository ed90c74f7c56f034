//! Schemes and statistics shared by the tests.
#![allow(dead_code, missing_docs, reason = "each test file uses its own part")]

use engine::mechanism::{
    Description, InputRole, Kinetics, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
};
use engine::terminal::sensor::Sensor;
use numerics::math;

/// (from, to, rate in /ms or /mM/ms, ligand taken up, ligand given off).
pub type Step = (u16, u16, f64, Option<u16>, Option<u16>);

/// A scheme with constant coefficients, one output a transition.
pub fn scheme(states: usize, ligands: usize, steps: &[Step]) -> (Kinetics, Vec<f64>) {
    let mut builder = ProgramBuilder::new(steps.len() as u16);
    let outputs: Vec<_> = (0..steps.len()).map(|k| builder.input(k as u16)).collect();
    let transitions = steps
        .iter()
        .enumerate()
        .map(|(k, &(from, to, _, takes_up, gives_off))| Transition {
            from: StateIndex(from),
            to: StateIndex(to),
            rate: OutputIndex(k as u16),
            takes_up: takes_up.map(LigandIndex),
            gives_off: gives_off.map(LigandIndex),
        })
        .collect();
    let inputs = (0..steps.len()).map(|k| engine::mechanism::InputRole::Parameter(k as u16)).collect();
    let kinetics = Kinetics::new(Description {
        states,
        ligands,
        transitions,
        rates: builder.finish(&outputs).unwrap(),
        inputs,
        absorbing: vec![],
        observables: vec![],
    })
    .unwrap();
    (kinetics, steps.iter().map(|step| step.2).collect())
}

/// AMPA-like: C0 - C1 - C2 - O, D off C2.
pub fn receptor() -> (Kinetics, Vec<f64>) {
    scheme(
        5,
        1,
        &[
            (0, 1, 9.2, Some(0), None),
            (1, 0, 4.3, None, Some(0)),
            (1, 2, 4.6, Some(0), None),
            (2, 1, 8.6, None, Some(0)),
            (2, 3, 20.0, None, None),
            (3, 2, 8.0, None, None),
            (2, 4, 0.9, None, None),
            (4, 2, 0.04, None, None),
        ],
    )
}

/// Seven states with loops, parallel steps, a one-way step and a driven cycle: fill is needed.
pub fn tangle() -> (Kinetics, Vec<f64>) {
    scheme(
        7,
        2,
        &[
            (0, 1, 3.0, Some(0), None),
            (1, 0, 2.0, None, Some(0)),
            (1, 2, 1.5, Some(1), None),
            (2, 1, 1.0, None, Some(1)),
            (2, 3, 5.0, None, None),
            (3, 0, 0.7, None, None),
            (0, 3, 0.1, None, None),
            (3, 4, 2.0, None, None),
            (4, 5, 0.3, Some(0), Some(0)),
            (5, 6, 4.0, None, None),
            (6, 3, 1.1, None, None),
            (6, 1, 0.2, None, None),
            (1, 6, 0.9, None, None),
            (4, 5, 0.2, None, None),
            (5, 4, 0.6, None, None),
        ],
    )
}

/// z for a two-sided false alarm of 1e-6.
pub const Z: f64 = 4.891_638_475_699_0;

/// Quantile of chi-square with many degrees of freedom (Wilson & Hilferty 1931) at `z` standard deviations.
pub fn chi_square(df: f64, z: f64) -> f64 {
    let a = 2.0 / (9.0 * df);
    let cube = 1.0 - a + z * a.sqrt();
    df * cube * cube * cube
}

/// Whether a sample mean fits, with its known standard deviation.
pub fn mean_fits(sample: &[f64], mean: f64, sd: f64) -> bool {
    let n = sample.len() as f64;
    ((sample.iter().sum::<f64>() / n - mean) * n.sqrt() / sd).abs() < Z
}

/// Whether a sample variance of nearly normal numbers fits: false alarm 1e-6.
pub fn variance_fits(sample: &[f64], variance: f64) -> bool {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    let squares = sample.iter().fold(0.0, |sum, x| (x - mean).mul_add(x - mean, sum));
    (chi_square(n - 1.0, -Z)..chi_square(n - 1.0, Z)).contains(&(squares / variance))
}

/// Principal branch of Lambert's W for x > 0, from its logarithm `ln x` (x itself may overflow), by Newton.
pub fn lambert_w(ln_x: f64) -> f64 {
    // w + ln w = ln x
    let mut w = if ln_x > 1.0 { ln_x - math::ln(ln_x) } else { math::exp(ln_x) / (1.0 + math::exp(ln_x)) };
    for _ in 0..60 {
        w -= (w + math::ln(w) - ln_x) * w / (1.0 + w);
    }
    w
}

/// Five sites, rates in /mM/ms and /ms; fusion at `fusion(n)` from the state with n bound.
pub fn sensor(k_on: f64, k_off: f64, b: f64, fusion: &dyn Fn(usize) -> f64, rest: f64) -> Sensor {
    let mut list: Vec<(u16, u16, f64, bool)> = Vec::new();
    for n in 0..5 {
        list.push((n, n + 1, f64::from(5 - n) * k_on, true));
        list.push((n + 1, n, f64::from(n + 1) * k_off * math::powi(b, i32::from(n)), false));
    }
    for n in 0..6 {
        if fusion(n) > 0.0 {
            list.push((n as u16, 6, fusion(n), false));
        }
    }
    let mut builder = ProgramBuilder::new(list.len() as u16);
    let outputs: Vec<_> = (0..list.len()).map(|k| builder.input(k as u16)).collect();
    let transitions = list.iter().enumerate().map(|(k, s)| Transition {
        from: StateIndex(s.0),
        to: StateIndex(s.1),
        rate: OutputIndex(k as u16),
        takes_up: s.3.then_some(LigandIndex(0)),
        gives_off: (s.0 > s.1 && s.1 != 6).then_some(LigandIndex(0)),
    });
    let kinetics = Kinetics::new(Description {
        states: 7,
        ligands: 1,
        transitions: transitions.collect(),
        inputs: (0..list.len()).map(|k| InputRole::Parameter(k as u16)).collect(),
        rates: builder.finish(&outputs).unwrap(),
        absorbing: vec![StateIndex(6)],
        observables: vec![],
    })
    .unwrap();
    let rates: Vec<f64> = list.iter().map(|s| s.2).collect();
    Sensor::new(&kinetics, &rates, rest).unwrap()
}
