//! Writes a [`Program`]: equal expressions are computed once, constants are folded, what no output needs is dropped.
//!
//! Value numbering (Cocke & Schwartz 1970) as nodes are added. Only rewrites that keep every bit are made:
//! `x * 1`, `x / 1`, `-(-x)`, and swapped operands of `+` and `*`; never a reordering of sums.

use super::program::{Binary, Node, Program, Unary};
use std::collections::HashMap;
use thiserror::Error;

/// Why a program cannot be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// The builder counts values in 16 bits.
    #[error("the program has more than 65535 distinct values: split the mechanism")]
    TooLong,
    /// An input beyond those declared.
    #[error("input {index} was read, but only {inputs} are declared")]
    NoSuchInput {
        /// The input read.
        index: usize,
        /// How many there are.
        inputs: usize,
    },
}

/// A value of the program being written. Belongs to the builder that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Value(u16);

/// Writes a program, one value at a time.
///
/// ```
/// use engine::mechanism::ProgramBuilder;
/// let mut b = ProgramBuilder::new(1);
/// let v = b.input(0);
/// let slope = b.constant(0.04);
/// let scaled = b.mul(v, slope);
/// let rate = b.exp(scaled);
/// let program = b.finish(&[rate]).unwrap();
/// let mut out = [0.0];
/// program.interpret(&[0.0], &mut out);
/// assert_eq!(out, [1.0]);
/// ```
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    inputs: u16,
    nodes: Vec<Node>,
    numbers: HashMap<Node, u16>,
    failure: Option<ProgramError>,
}

impl ProgramBuilder {
    /// A program that reads `inputs` columns.
    #[must_use]
    pub fn new(inputs: u16) -> Self {
        Self { inputs, nodes: Vec::new(), numbers: HashMap::new(), failure: None }
    }

    /// Adds a node or finds its equal; folds it if its operands are constants. Failures wait for `finish`.
    fn add(&mut self, node: Node) -> Value {
        let node = match node {
            Node::Binary(op, a, b) if op.commutes() && b < a => Node::Binary(op, b, a),
            Node::Fma(a, b, c) if b < a => Node::Fma(b, a, c),
            other => other,
        };
        if let Some(known) = self.simplify(node) {
            return known;
        }
        if let Some(&number) = self.numbers.get(&node) {
            return Value(number);
        }
        let Ok(number) = u16::try_from(self.nodes.len()) else {
            self.failure.get_or_insert(ProgramError::TooLong);
            return Value(0);
        };
        self.nodes.push(node);
        self.numbers.insert(node, number);
        Value(number)
    }

    fn known(&self, value: u16) -> Option<f64> {
        match self.nodes[usize::from(value)] {
            Node::Const(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn simplify(&mut self, node: Node) -> Option<Value> {
        match node {
            Node::Input(_) | Node::Const(_) => return None,
            Node::Binary(Binary::Mul, a, b) if self.known(b) == Some(1.0) => return Some(Value(a)),
            Node::Binary(Binary::Mul, a, b) if self.known(a) == Some(1.0) => return Some(Value(b)),
            Node::Binary(Binary::Div, a, b) if self.known(b) == Some(1.0) => return Some(Value(a)),
            Node::Powi(a, 1) => return Some(Value(a)),
            Node::Unary(Unary::Neg, a) => {
                if let Node::Unary(Unary::Neg, inner) = self.nodes[usize::from(a)] {
                    return Some(Value(inner));
                }
            }
            Node::Select(condition, yes, no) => {
                if yes == no {
                    return Some(Value(yes));
                }
                if let Some(condition) = self.known(condition) {
                    return Some(Value(if condition != 0.0 { yes } else { no }));
                }
            }
            _ => {}
        }
        let operands: Option<Vec<f64>> = node.operands().map(|operand| self.known(operand)).collect();
        let operands = operands?;
        let local = match node {
            // Operand k of the folded node is value k of the small table.
            Node::Unary(op, _) => Node::Unary(op, 0),
            Node::Powi(_, n) => Node::Powi(0, n),
            Node::Binary(op, ..) => Node::Binary(op, 0, 1),
            Node::Fma(..) => Node::Fma(0, 1, 2),
            Node::Select(..) => Node::Select(0, 1, 2),
            Node::Input(_) | Node::Const(_) => return None,
        };
        let folded = local.value(|_| f64::NAN, &operands);
        Some(self.constant(folded))
    }

    /// Input column `index`; one that was not declared is reported by [`finish`](Self::finish).
    pub fn input(&mut self, index: u16) -> Value {
        if index >= self.inputs {
            self.failure.get_or_insert(ProgramError::NoSuchInput {
                index: usize::from(index),
                inputs: usize::from(self.inputs),
            });
        }
        self.add(Node::Input(index))
    }

    /// A number.
    pub fn constant(&mut self, x: f64) -> Value {
        self.add(Node::Const(x.to_bits()))
    }

    /// A function of one value.
    pub fn unary(&mut self, op: Unary, a: Value) -> Value {
        self.add(Node::Unary(op, a.0))
    }

    /// A function of two values.
    pub fn binary(&mut self, op: Binary, a: Value, b: Value) -> Value {
        self.add(Node::Binary(op, a.0, b.0))
    }

    /// `a + b`.
    pub fn add_values(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Add, a, b)
    }

    /// `a - b`.
    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Sub, a, b)
    }

    /// `a * b`.
    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Mul, a, b)
    }

    /// `a / b`.
    pub fn div(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Div, a, b)
    }

    /// `e^a`.
    pub fn exp(&mut self, a: Value) -> Value {
        self.unary(Unary::Exp, a)
    }

    /// `a * b + c`, rounded once.
    pub fn fma(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.add(Node::Fma(a.0, b.0, c.0))
    }

    /// `a^n` for a whole `n`.
    pub fn powi(&mut self, a: Value, n: i32) -> Value {
        self.add(Node::Powi(a.0, n))
    }

    /// `if condition != 0 { yes } else { no }`; both are evaluated. Conditions come from `Lt`, `Le`, `Eq`.
    pub fn select(&mut self, condition: Value, yes: Value, no: Value) -> Value {
        self.add(Node::Select(condition.0, yes.0, no.0))
    }

    /// The program that gives `outputs` in this order; values none of them needs are dropped.
    ///
    /// # Errors
    /// The first failure met while writing: too long, or an input that was not declared.
    pub fn finish(self, outputs: &[Value]) -> Result<Program, ProgramError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let mut live = vec![false; self.nodes.len()];
        for output in outputs {
            live[usize::from(output.0)] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if live[index] {
                for operand in self.nodes[index].operands() {
                    live[usize::from(operand)] = true;
                }
            }
        }
        let mut place = vec![0u16; self.nodes.len()];
        let mut nodes = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if live[index] {
                // Fits: no more nodes than before.
                place[index] = nodes.len() as u16;
                nodes.push(node.rename(|operand| place[usize::from(operand)]));
            }
        }
        let outputs = outputs.iter().map(|output| place[usize::from(output.0)]).collect();
        Ok(Program { inputs: self.inputs, nodes, outputs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_expressions_are_computed_once_and_dead_ones_never() {
        let mut b = ProgramBuilder::new(2);
        let (x, y) = (b.input(0), b.input(1));
        let (s, t) = (b.mul(x, y), b.mul(y, x));
        assert_eq!(s, t);
        let dead = b.exp(s);
        let _ = b.unary(Unary::Ln, dead);
        let sum = b.add_values(s, t);
        let program = b.finish(&[sum, sum]).unwrap();
        assert_eq!(program.len(), 4, "two inputs, one product, one sum");
        let mut out = [0.0; 2];
        program.interpret(&[3.0, 5.0], &mut out);
        assert_eq!(out, [30.0, 30.0]);
    }

    #[test]
    fn constants_are_folded_through_every_operation() {
        let mut b = ProgramBuilder::new(0);
        let (two, three) = (b.constant(2.0), b.constant(3.0));
        let six = b.fma(two, three, two);
        let eight = b.binary(Binary::Pow, two, three);
        let nine = b.powi(three, 2);
        let one = b.binary(Binary::Lt, six, nine);
        let chosen = b.select(one, eight, nine);
        let same = b.unary(Unary::Sqrt, nine);
        let program = b.finish(&[chosen, same, six]).unwrap();
        assert_eq!(program.len(), 2, "six and chosen are both 8: two constants are left");
        let mut out = [0.0; 3];
        program.interpret(&[], &mut out);
        assert_eq!(out, [8.0, 3.0, 8.0]);
    }

    #[test]
    fn sums_are_never_reordered_and_signed_zeros_are_kept() {
        let mut b = ProgramBuilder::new(1);
        let (x, zero) = (b.input(0), b.constant(0.0));
        let sum = b.add_values(x, zero);
        assert_ne!(sum, x, "-0 + 0 is +0");
        let program = b.finish(&[sum]).unwrap();
        let mut out = [1.0];
        program.interpret(&[-0.0], &mut out);
        assert!(out[0].is_sign_positive());
    }

    #[test]
    fn a_program_that_cannot_be_is_an_error() {
        let mut b = ProgramBuilder::new(1);
        let x = b.input(1);
        assert_eq!(b.finish(&[x]), Err(ProgramError::NoSuchInput { index: 1, inputs: 1 }));
        let mut b = ProgramBuilder::new(1);
        let mut x = b.input(0);
        for _ in 0..70_000 {
            x = b.add_values(x, x);
        }
        assert_eq!(b.finish(&[x]), Err(ProgramError::TooLong));
    }
}
