//! Cells that several tests and benchmarks need.
#![allow(dead_code, reason = "none of them needs all")]

use engine::mechanism::{Binary, Program, ProgramBuilder, Unary, Value};
use engine::neuron::{Channel, ChannelInput, Gate, GateForm, Tissue};
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
