//! Cells that several tests and benchmarks need.
#![allow(dead_code, reason = "none of them needs all")]

use engine::mechanism::{Binary, Program, ProgramBuilder, Unary, Value};
use engine::neuron::{Cell, Channel, ChannelInput, Gate, GateForm, Scheme, SchemeStep, Tissue};
use engine::time::Tick;
use numerics::rng::StreamKey;

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
pub fn exponential(b: &mut ProgramBuilder, v: Value, scale: f64, at: f64, slope: f64) -> Value {
    let x = scaled(b, v, at, slope);
    let (e, scale) = (b.exp(x), b.constant(scale));
    b.mul(scale, e)
}

/// scale x / (1 - exp(-x)), x = (v - at) / slope
pub fn linoid(b: &mut ProgramBuilder, v: Value, scale: f64, at: f64, slope: f64) -> Value {
    let x = scaled(b, v, at, -slope);
    let (e, scale) = (b.unary(Unary::Exprelr, x), b.constant(scale));
    b.mul(scale, e)
}

/// Rates of the squid's sodium channel at [`COLD`], /ms: m opens, closes, h opens, closes. Hodgkin and Huxley (1952).
pub fn sodium(b: &mut ProgramBuilder, v: Value) -> Vec<Value> {
    let (am, bm) = (linoid(b, v, 1.0, -40.0, 10.0), exponential(b, v, 4.0, -65.0, -18.0));
    let (ah, e) = (exponential(b, v, 0.07, -65.0, -20.0), exponential(b, v, 1.0, -35.0, -10.0));
    let one = b.constant(1.0);
    let e = b.add_values(one, e);
    let bh = b.div(one, e);
    vec![am, bm, ah, bh]
}

/// Rates of its potassium channel: n opens, closes.
pub fn potassium(b: &mut ProgramBuilder, v: Value) -> Vec<Value> {
    vec![linoid(b, v, 0.1, -55.0, 10.0), exponential(b, v, 0.125, -65.0, -80.0)]
}

/// Rates of voltage and temperature, Q10 3; a third input, if there is one, shifts the voltage (mV).
fn program(shifted: bool, rates: impl Fn(&mut ProgramBuilder, Value) -> Vec<Value>) -> Program {
    let mut b = ProgramBuilder::new(if shifted { 3 } else { 2 });
    let mut v = b.input(0);
    if shifted {
        let shift = b.input(2);
        v = b.sub(v, shift);
    }
    let outputs = rates(&mut b, v);
    let (t, zero, ten, three) = (b.input(1), b.constant(COLD), b.constant(10.0), b.constant(3.0));
    let warmer = b.sub(t, zero);
    let tens = b.div(warmer, ten);
    let q = b.binary(Binary::Pow, three, tens);
    let outputs: Vec<Value> = outputs.into_iter().map(|rate| b.mul(rate, q)).collect();
    b.finish(&outputs).unwrap()
}

fn kinds(shifted: bool) -> Vec<Channel> {
    let gate = |count| Gate { count, form: GateForm::Rates };
    let kind = |gates: &[u8], rates: fn(&mut ProgramBuilder, Value) -> Vec<Value>, e_rev: f64| {
        let mut kind = Channel { rates: program(shifted, rates), ..Channel::leak(e_rev) };
        kind.gates = gates.iter().map(|&count| gate(count)).collect();
        kind.inputs = vec![ChannelInput::Voltage, ChannelInput::Temperature];
        if shifted {
            kind.inputs.push(ChannelInput::Parameter(0));
            kind.parameters = vec![0.0];
        }
        kind
    };
    vec![kind(&[3, 1], sodium, 50.0), kind(&[4], potassium, -77.0), Channel::leak(-54.387)]
}

/// Sodium, potassium and leak of Hodgkin and Huxley (1952), Q10 3.
pub fn hodgkin_huxley() -> Vec<Channel> {
    kinds(false)
}

/// The same with a parameter: by how much rates are shifted along the voltage, mV.
pub fn shifted_hodgkin_huxley() -> Vec<Channel> {
    kinds(true)
}

/// Compartments of a [`tree`].
pub const COMPARTMENTS: usize = 253;

/// A soma of 12.6157 um and 63 branches of 4 compartments, depth first; how many lie on each side of a fork is drawn anew for
/// each cell.
pub fn tree(cell: usize) -> Cell {
    let mut draws = StreamKey::new(7, 0, 1, 0).at(cell as u64, 0);
    let mut cell = Cell::soma(TISSUE, 12.6157);
    let mut ahead = vec![(0, 0.0, 2.0, (COMPARTMENTS as u64 - 1) / 4)];
    while let Some((parent, half, diameter, branches)) = ahead.pop() {
        let length = 50.0 + draws.below(51) as f64;
        let (made, half) = cell.add_cylinder(TISSUE, parent, half, (length, diameter, 4));
        let (rest, thinner) = (branches - 1, (diameter * 0.8).max(0.4));
        let left = if rest > 1 { 1 + draws.below(rest - 1) } else { rest };
        ahead.extend([rest - left, left].into_iter().filter(|n| *n > 0).map(|n| (made.end - 1, half, thinner, n)));
    }
    cell
}

/// Bytes that this process has in memory now and had at most, where the system tells.
pub fn resident() -> Option<(usize, usize)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        Some(1024 * line.split_whitespace().nth(1)?.parse::<usize>().ok()?)
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
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
    let na = program(false, |b, v| {
        let (am, bm) = (linoid(b, v, 1.0, -40.0, 10.0), exponential(b, v, 4.0, -65.0, -18.0));
        let (ah, e) = (exponential(b, v, 0.07, -65.0, -20.0), exponential(b, v, 1.0, -35.0, -10.0));
        let one = b.constant(1.0);
        let e = b.add_values(one, e);
        let bh = b.div(one, e);
        let mut outputs = multiples(b, 3, am, bm);
        outputs.extend(multiples(b, 1, ah, bh));
        outputs
    });
    let k = program(false, |b, v| {
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
