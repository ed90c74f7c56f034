//! Straight-line code over f64 in single-assignment form, and its plain interpreter.
//!
//! A node reads earlier nodes only. [`Program::interpret`] is the meaning; the block
//! [`Evaluator`](super::Evaluator) must agree with it to the bit.

use numerics::math;
use numerics::simd::Real;

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-a`.
    Neg,
    /// `|a|`.
    Abs,
    /// Square root, NaN below zero.
    Sqrt,
    /// `e^a`.
    Exp,
    /// Natural logarithm.
    Ln,
    /// `a / (e^a - 1)`, 1 at 0: the linoid of Hodgkin-Huxley rates.
    Exprelr,
}

/// Functions of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// `if a < b { a } else { b }`.
    Min,
    /// `if a > b { a } else { b }`.
    Max,
    /// `a^b`; negative `a` with a fractional `b` is NaN.
    Pow,
    /// 1 if `a < b`, else 0 (NaN compares false).
    Lt,
    /// 1 if `a <= b`, else 0.
    Le,
    /// 1 if `a == b`, else 0.
    Eq,
}

impl Unary {
    /// The operation on one lane.
    #[inline]
    pub(super) fn apply(self, a: f64) -> f64 {
        match self {
            Self::Neg => -a,
            Self::Abs => a.abs(),
            Self::Sqrt => a.sqrt(),
            Self::Exp => math::exp(a),
            Self::Ln => math::ln(a),
            Self::Exprelr => math::exprelr(a),
        }
    }
}

impl Binary {
    /// The operation on one lane.
    #[inline]
    pub(super) fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Min => Real::min(a, b),
            Self::Max => Real::max(a, b),
            Self::Pow => math::pow(a, b),
            Self::Lt => f64::from(a < b),
            Self::Le => f64::from(a <= b),
            Self::Eq => f64::from(a == b),
        }
    }

    /// Whether the order of the operands cannot be told from the result.
    pub(super) fn commutes(self) -> bool {
        matches!(self, Self::Add | Self::Mul | Self::Eq)
    }
}

/// One value; operands are indices of earlier nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// Input column by index.
    Input(u16),
    /// Constant by its bits, so that nodes can be compared and hashed.
    Const(u64),
    Unary(Unary, u16),
    Binary(Binary, u16, u16),
    /// `a * b + c`, rounded once.
    Fma(u16, u16, u16),
    Powi(u16, i32),
    /// `if a != 0 { b } else { c }`; NaN selects `b`.
    Select(u16, u16, u16),
}

impl Node {
    /// Operands in order; unused places repeat the first.
    pub(super) fn operands(&self) -> impl Iterator<Item = u16> + use<> {
        let (list, count) = match *self {
            Self::Input(_) | Self::Const(_) => ([0; 3], 0),
            Self::Unary(_, a) | Self::Powi(a, _) => ([a, a, a], 1),
            Self::Binary(_, a, b) => ([a, b, a], 2),
            Self::Fma(a, b, c) | Self::Select(a, b, c) => ([a, b, c], 3),
        };
        list.into_iter().take(count)
    }

    /// The same node with other operands.
    pub(super) fn rename(self, to: impl Fn(u16) -> u16) -> Self {
        match self {
            Self::Input(_) | Self::Const(_) => self,
            Self::Unary(op, a) => Self::Unary(op, to(a)),
            Self::Powi(a, n) => Self::Powi(to(a), n),
            Self::Binary(op, a, b) => Self::Binary(op, to(a), to(b)),
            Self::Fma(a, b, c) => Self::Fma(to(a), to(b), to(c)),
            Self::Select(a, b, c) => Self::Select(to(a), to(b), to(c)),
        }
    }

    /// Its value, given the inputs and the values of earlier nodes.
    #[inline]
    pub(super) fn value(&self, inputs: impl Fn(u16) -> f64, values: &[f64]) -> f64 {
        let at = |index: u16| values[usize::from(index)];
        match *self {
            Self::Input(index) => inputs(index),
            Self::Const(bits) => f64::from_bits(bits),
            Self::Unary(op, a) => op.apply(at(a)),
            Self::Binary(op, a, b) => op.apply(at(a), at(b)),
            Self::Fma(a, b, c) => at(a).mul_add(at(b), at(c)),
            Self::Powi(a, n) => math::powi(at(a), n),
            Self::Select(a, b, c) => at(if at(a) != 0.0 { b } else { c }),
        }
    }
}

/// A finished program: inputs to outputs, immutable. Made by [`ProgramBuilder`](super::ProgramBuilder).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub(super) inputs: u16,
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<u16>,
}

impl Program {
    /// How many input columns it reads.
    #[must_use]
    pub fn inputs(&self) -> usize {
        usize::from(self.inputs)
    }

    /// How many columns it gives.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Whether any output depends on an input; false out of range.
    #[must_use]
    pub fn reads(&self, input: usize) -> bool {
        self.nodes.iter().any(|n| matches!(n, Node::Input(i) if usize::from(*i) == input))
    }

    /// How many operations are left after folding, sharing and removal of dead code (inputs and constants too).
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing is computed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The plain meaning: one number an input, one an output. Allocates; for setup and as the tests' twin.
    ///
    /// Panics if `inputs` or `outputs` has the wrong length.
    pub fn interpret(&self, inputs: &[f64], outputs: &mut [f64]) {
        assert_eq!(inputs.len(), self.inputs(), "one value an input");
        assert_eq!(outputs.len(), self.outputs(), "one place an output");
        let mut values = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let value = node.value(|index| inputs[usize::from(index)], &values);
            values.push(value);
        }
        for (place, &output) in outputs.iter_mut().zip(&self.outputs) {
            *place = values[usize::from(output)];
        }
    }
}
