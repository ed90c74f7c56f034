//! Cells that several tests and benchmarks need.
#![allow(dead_code, reason = "none of them needs all")]

use engine::mechanism::{Binary, Program, ProgramBuilder, Unary, Value};
use engine::neuron::{Channel, ChannelInput, Gate, GateForm, Scheme, SchemeStep, Tissue};
use engine::time::Tick;

/// 1 uF/cm2, 100 Ohm cm.
pub const TISSUE: Tissue = Tissue { c_m: 1.0, r_a: 100.0 };
/// Reference temperature of Hodgkin and Huxley, K.
pub const COLD: f64 = 279.45;

pub fn ms(x: f64) -> Tick {
    Tick::from_ms(x).unwrap()
}

fn scaled(b: &mut ProgramBuilder, v: Value, at: f64, slope: f64) -> Value {
    let (at, slope) = (b.constant(at), b.constant(slope));
    let x = b.sub(v, at);
    b.div(x, slope)
}

/// scale exp((v - at) / slope)
fn exponential(b: &mut ProgramBuilder, v: Value, scale: f64, at: f64, slope: f64) -> Value {
    let x = scaled(b, v, at, slope);
    let (e, scale) = (b.exp(x), b.constant(scale));
    b.mul(scale, e)
}

/// scale x / (1 - exp(-x)), x = (v - at) / slope
fn linoid(b: &mut ProgramBuilder, v: Value, scale: f64, at: f64, slope: f64) -> Value {
    let x = scaled(b, v, at, -slope);
    let (e, scale) = (b.unary(Unary::Exprelr, x), b.constant(scale));
    b.mul(scale, e)
}

fn program(outputs: impl Fn(&mut ProgramBuilder, Value) -> Vec<Value>) -> Program {
    let mut b = ProgramBuilder::new(2);
    let v = b.input(0);
    let outputs = outputs(&mut b, v);
    let (t, zero, ten, three) = (b.input(1), b.constant(COLD), b.constant(10.0), b.constant(3.0));
    let warmer = b.sub(t, zero);
    let tens = b.div(warmer, ten);
    let q = b.binary(Binary::Pow, three, tens);
    let outputs: Vec<Value> = outputs.into_iter().map(|rate| b.mul(rate, q)).collect();
    b.finish(&outputs).unwrap()
}

/// Sodium, potassium and leak of Hodgkin and Huxley (1952), Q10 3.
pub fn hodgkin_huxley() -> Vec<Channel> {
    let gate = |count| Gate { count, form: GateForm::Rates };
    let inputs = || vec![ChannelInput::Voltage, ChannelInput::Temperature];
    let na = program(|b, v| {
        let (am, bm) = (linoid(b, v, 1.0, -40.0, 10.0), exponential(b, v, 4.0, -65.0, -18.0));
        let (ah, e) = (exponential(b, v, 0.07, -65.0, -20.0), exponential(b, v, 1.0, -35.0, -10.0));
        let one = b.constant(1.0);
        let e = b.add_values(one, e);
        let bh = b.div(one, e);
        vec![am, bm, ah, bh]
    });
    let k = program(|b, v| vec![linoid(b, v, 0.1, -55.0, 10.0), exponential(b, v, 0.125, -65.0, -80.0)]);
    vec![
        Channel { gates: vec![gate(3), gate(1)], rates: na, inputs: inputs(), ..Channel::leak(50.0) },
        Channel { gates: vec![gate(4)], rates: k, inputs: inputs(), ..Channel::leak(-77.0) },
        Channel::leak(-54.387),
    ]
}

/// Steps of `n` alike gates between states that are `stride` apart, of `states` in all; outputs: opening rates of n, n - 1,
/// ... gates, then closing rates of 1, 2, ... gates, from output `first` on.
fn alike(n: u16, stride: u16, states: u16, first: u16) -> Vec<SchemeStep> {
    let mut steps = Vec::new();
    for state in 0..states {
        let k = state / stride % (n + 1);
        if k < n {
            steps.push(SchemeStep { from: state, to: state + stride, rate: first + k });
            steps.push(SchemeStep { from: state + stride, to: state, rate: first + n + k });
        }
    }
    steps
}

/// What [`alike`] calls its outputs.
fn multiples(b: &mut ProgramBuilder, n: u16, opening: Value, closing: Value) -> Vec<Value> {
    let mut times = |rate: Value, copies: u16| {
        let copies = b.constant(f64::from(copies));
        b.mul(rate, copies)
    };
    let opens: Vec<Value> = (0..n).map(|k| times(opening, n - k)).collect();
    let closes = (0..n).map(|k| times(closing, k + 1));
    opens.iter().copied().chain(closes).collect()
}

/// The same channels as schemes: the sodium channel of 8 states, m + 4 h, the potassium channel of 5.
pub fn hodgkin_huxley_schemes() -> Vec<Channel> {
    let inputs = || vec![ChannelInput::Voltage, ChannelInput::Temperature];
    let na = program(|b, v| {
        let (am, bm) = (linoid(b, v, 1.0, -40.0, 10.0), exponential(b, v, 4.0, -65.0, -18.0));
        let (ah, e) = (exponential(b, v, 0.07, -65.0, -20.0), exponential(b, v, 1.0, -35.0, -10.0));
        let one = b.constant(1.0);
        let e = b.add_values(one, e);
        let bh = b.div(one, e);
        let mut outputs = multiples(b, 3, am, bm);
        outputs.extend(multiples(b, 1, ah, bh));
        outputs
    });
    let k = program(|b, v| {
        let (an, bn) = (linoid(b, v, 0.1, -55.0, 10.0), exponential(b, v, 0.125, -65.0, -80.0));
        multiples(b, 4, an, bn)
    });
    let open = |n: usize| (0..n).map(|s| f64::from(u8::from(s + 1 == n))).collect::<Vec<f64>>();
    let mut na_steps = alike(3, 1, 8, 0);
    na_steps.extend(alike(1, 4, 8, 6));
    let na_scheme = Some(Scheme { steps: na_steps, open: open(8) });
    let k_scheme = Some(Scheme { steps: alike(4, 1, 5, 0), open: open(5) });
    vec![
        Channel { scheme: na_scheme, rates: na, inputs: inputs(), ..Channel::leak(50.0) },
        Channel { scheme: k_scheme, rates: k, inputs: inputs(), ..Channel::leak(-77.0) },
        Channel::leak(-54.387),
    ]
}
