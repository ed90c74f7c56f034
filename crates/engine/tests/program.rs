//! The block evaluator against the plain interpreter.
#![allow(missing_docs)]

use engine::mechanism::{Binary, EvalError, Evaluator, Input, Program, ProgramBuilder, Scratch, Shape, Unary};
use numerics::simd::Level;

/// A reproducible stream of choices.
struct Choices(u64);

impl Choices {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n
    }

    fn number(&mut self) -> f64 {
        let special = [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-310, 700.0, -750.0];
        match self.below(4) {
            0 => special[self.below(special.len())],
            _ => (self.below(2_000_001) as f64 - 1e6) * 1e-5,
        }
    }
}

/// A program of `length` random operations over `inputs` columns.
fn random_program(inputs: u16, length: usize, seed: u64) -> Program {
    let mut c = Choices(seed);
    let mut b = ProgramBuilder::new(inputs);
    let mut values: Vec<_> = (0..inputs).map(|i| b.input(i)).collect();
    values.push(b.constant(0.37));
    let unary = [Unary::Neg, Unary::Abs, Unary::Sqrt, Unary::Exp, Unary::Ln, Unary::Exprelr];
    let binary = [
        Binary::Add,
        Binary::Sub,
        Binary::Mul,
        Binary::Div,
        Binary::Min,
        Binary::Max,
        Binary::Pow,
        Binary::Lt,
        Binary::Le,
        Binary::Eq,
    ];
    for _ in 0..length {
        let mut pick = || values[c.below(values.len())];
        let (x, y, z) = (pick(), pick(), pick());
        let value = match c.below(8) {
            0..=1 => b.unary(unary[c.below(unary.len())], x),
            2..=4 => b.binary(binary[c.below(binary.len())], x, y),
            5 => b.fma(x, y, z),
            6 => b.powi(x, c.below(80) as i32 - 40),
            _ => b.select(x, y, z),
        };
        values.push(value);
    }
    let outputs: Vec<_> = values.iter().rev().step_by(3).copied().collect();
    b.finish(&outputs).unwrap()
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn every_level_and_length_gives_the_interpreters_bits() {
    for seed in 0..40 {
        let inputs = 4;
        let program = random_program(inputs, 30, seed);
        let mut c = Choices(seed + 1000);
        let shapes: Vec<_> =
            (0..inputs).map(|_| if c.below(2) == 0 { Shape::Uniform } else { Shape::Column }).collect();
        let evaluator = Evaluator::new(&program, &shapes).unwrap();
        let mut scratch = Scratch::default();
        for length in [0, 1, 7, 8, 255, 256, 257, 600] {
            let columns: Vec<Vec<f64>> =
                (0..inputs).map(|_| (0..length.max(1)).map(|_| c.number()).collect()).collect();
            let given: Vec<_> = shapes
                .iter()
                .zip(&columns)
                .map(|(shape, column)| match shape {
                    Shape::Uniform => Input::Uniform(column[0]),
                    Shape::Column => Input::Column(&column[..length]),
                })
                .collect();
            for &level in Level::available() {
                let mut out = vec![vec![7.0; length]; program.outputs()];
                let mut views: Vec<_> = out.iter_mut().map(Vec::as_mut_slice).collect();
                evaluator.eval(level, &given, &mut views, &mut scratch).unwrap();
                let mut want = vec![0.0; program.outputs()];
                for i in 0..length {
                    let numbers: Vec<_> = shapes
                        .iter()
                        .zip(&columns)
                        .map(|(shape, column)| column[if *shape == Shape::Uniform { 0 } else { i }])
                        .collect();
                    program.interpret(&numbers, &mut want);
                    for (k, want) in want.iter().enumerate() {
                        let got = out[k][i];
                        assert!(same(got, *want), "seed {seed}, {level:?}, {i} of {length}: {got:?} for {want:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_uniform_is_computed_once_and_registers_are_reused() {
    let mut b = ProgramBuilder::new(3);
    let (v, temperature, shift) = (b.input(0), b.input(1), b.input(2));
    let ten = b.constant(10.0);
    let q = b.div(temperature, ten);
    let three = b.constant(3.0);
    let q10 = b.binary(Binary::Pow, three, q);
    let mut x = b.sub(v, shift);
    for _ in 0..20 {
        x = b.fma(x, q10, q);
    }
    let program = b.finish(&[x, q10]).unwrap();
    let evaluator = Evaluator::new(&program, &[Shape::Column, Shape::Uniform, Shape::Uniform]).unwrap();
    assert_eq!(evaluator.passes(), 21, "one subtraction, twenty fused steps; no power in the loop");
    assert_eq!(evaluator.registers(), 2, "a chain needs a place to read and a place to write");
    assert!(evaluator.is_uniform(1) && !evaluator.is_uniform(0));
    let mut out = [0.0; 2];
    let given = [Input::Column(&[1.0]), Input::Uniform(20.0), Input::Uniform(0.0)];
    evaluator.uniforms(&given, &mut out, &mut Scratch::default()).unwrap();
    assert!(out[0].is_nan() && out[1] == 9.0);
    let all = Evaluator::new(&program, &[Shape::Uniform; 3]).unwrap();
    assert_eq!((all.passes(), all.registers()), (0, 0));
}

#[test]
fn columns_that_do_not_fit_are_errors() {
    let mut b = ProgramBuilder::new(2);
    let (x, y) = (b.input(0), b.input(1));
    let sum = b.add_values(x, y);
    let program = b.finish(&[sum]).unwrap();
    assert!(matches!(Evaluator::new(&program, &[Shape::Column]), Err(EvalError::Inputs { got: 1, want: 2 })));
    let evaluator = Evaluator::new(&program, &[Shape::Column; 2]).unwrap();
    let (short, long) = ([1.0; 3], [1.0; 4]);
    let mut out = [0.0; 4];
    let mut run = |inputs: &[Input]| evaluator.eval(Level::best(), inputs, &mut [&mut out], &mut Scratch::default());
    assert_eq!(run(&[Input::Column(&short), Input::Column(&long)]), Err(EvalError::Length { got: 4, want: 3 }));
    assert_eq!(run(&[Input::Column(&short), Input::Uniform(1.0)]), Err(EvalError::Shape { index: 1 }));
    assert_eq!(run(&[Input::Column(&short); 2]), Err(EvalError::Length { got: 4, want: 3 }));
    assert_eq!(run(&[Input::Column(&long); 2]), Ok(()));
}
