//! Runs a [`Program`] over columns, in blocks of 256 values whose registers stay in the first-level cache.
//!
//! One pass over a block per operation, eight lanes at a time, chosen once by [`Level`]; whatever depends on uniform
//! inputs only is computed once, before the blocks. Registers by linear scan (Poletto & Sarkar 1999, ACM TOPLAS
//! 21:895). Same bits as [`Program::interpret`] on every level.

use super::program::{Binary, Node, Program, Unary};
use numerics::math::{self, lanes};
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level, Mask};
use thiserror::Error;

/// Values a block: 2 KiB a register.
pub const BLOCK: usize = 256;
const GROUPS: usize = BLOCK / LANES;

/// What an input will be: known when the evaluator is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One number for all instances.
    Uniform,
    /// One number an instance.
    Column,
}

/// What an input is in one evaluation.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// One number for all instances.
    Uniform(f64),
    /// One number an instance.
    Column(&'a [f64]),
}

impl Input<'_> {
    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Shape {
        match self {
            Self::Uniform(_) => Shape::Uniform,
            Self::Column(_) => Shape::Column,
        }
    }
}

/// Columns that do not fit the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EvalError {
    /// Too few or too many inputs.
    #[error("{got} inputs given, the program reads {want}")]
    Inputs {
        /// How many came.
        got: usize,
        /// How many are read.
        want: usize,
    },
    /// Too few or too many outputs.
    #[error("{got} output columns given, the program has {want}")]
    Outputs {
        /// How many came.
        got: usize,
        /// How many are given.
        want: usize,
    },
    /// A uniform input where a column was announced, or the other way round.
    #[error("input {index} is not of the shape the evaluator was made for")]
    Shape {
        /// Which input.
        index: usize,
    },
    /// Columns of different lengths.
    #[error("a column has {got} values, another has {want}: one value an instance is needed")]
    Length {
        /// Its length.
        got: usize,
        /// The length of the first column.
        want: usize,
    },
}

/// Where an operand of a block operation lies.
#[derive(Clone, Copy, Debug)]
enum Source {
    Register(u16),
    Stage(u16),
    Uniform(u16),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Unary(Unary),
    Binary(Binary),
    Fma,
    Powi(i32),
    Select,
}

/// One pass over a block. Operand places an operation does not use repeat the first.
#[derive(Clone, Copy, Debug)]
struct Pass {
    op: Op,
    to: u16,
    from: [Source; 3],
}

/// A program made ready for inputs of given shapes. Immutable; share it between threads, with one scratch each.
#[derive(Clone, Debug)]
pub struct Evaluator {
    program: Program,
    shapes: Vec<Shape>,
    /// Which nodes are the same for all instances.
    uniform: Vec<bool>,
    /// Node behind each splat.
    splats: Vec<u16>,
    /// Input behind each stage.
    stages: Vec<u16>,
    passes: Vec<Pass>,
    registers: usize,
    outputs: Vec<Source>,
}

/// Working memory of an [`Evaluator`]; never saved. Kept between calls, it makes them free of allocation.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    values: Vec<f64>,
    splats: Vec<F64x8>,
    stages: Vec<Vec<F64x8>>,
    registers: Vec<Vec<F64x8>>,
}

impl Evaluator {
    /// Splits `program` into what is computed once and what is computed per instance.
    ///
    /// # Errors
    /// [`EvalError::Inputs`] if there is not one shape an input.
    pub fn new(program: &Program, shapes: &[Shape]) -> Result<Self, EvalError> {
        if shapes.len() != program.inputs() {
            return Err(EvalError::Inputs { got: shapes.len(), want: program.inputs() });
        }
        let nodes = &program.nodes;
        let mut uniform = Vec::with_capacity(nodes.len());
        let mut last_use = vec![0usize; nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            let same = match node {
                Node::Input(input) => shapes[usize::from(*input)] == Shape::Uniform,
                _ => node.operands().all(|operand| uniform[usize::from(operand)]),
            };
            uniform.push(same);
            if !same {
                node.operands().for_each(|operand| last_use[usize::from(operand)] = index);
            }
        }
        for &output in &program.outputs {
            last_use[usize::from(output)] = usize::MAX;
        }
        let mut made = Self {
            program: program.clone(),
            shapes: shapes.to_vec(),
            splats: Vec::new(),
            stages: Vec::new(),
            passes: Vec::new(),
            registers: 0,
            outputs: Vec::new(),
            uniform,
        };
        let mut place: Vec<Option<Source>> = vec![None; nodes.len()];
        let mut free: Vec<u16> = Vec::new();
        for (index, node) in nodes.iter().enumerate() {
            if made.uniform[index] {
                continue;
            }
            if let Node::Input(input) = node {
                place[index] = Some(Source::Stage(made.stages.len() as u16));
                made.stages.push(*input);
                continue;
            }
            let mut from = [Source::Register(0); 3];
            let mut dying = Vec::new();
            let mut operands = 0;
            for operand in node.operands() {
                from[operands] = made.source(operand, &mut place);
                operands += 1;
                if let Source::Register(r) = from[operands - 1]
                    && last_use[usize::from(operand)] == index
                    && !dying.contains(&r)
                {
                    dying.push(r);
                }
            }
            let first = from[0];
            from[operands..].fill(first);
            // Taken before the dying ones are freed: a pass never writes where it reads.
            let to = free.pop().unwrap_or_else(|| {
                made.registers += 1;
                (made.registers - 1) as u16
            });
            free.extend(dying);
            place[index] = Some(Source::Register(to));
            let op = match *node {
                Node::Unary(op, _) => Op::Unary(op),
                Node::Binary(op, ..) => Op::Binary(op),
                Node::Fma(..) => Op::Fma,
                Node::Powi(_, n) => Op::Powi(n),
                Node::Select(..) => Op::Select,
                Node::Input(_) | Node::Const(_) => unreachable!("leaves have no pass"),
            };
            made.passes.push(Pass { op, to, from });
        }
        for &output in &program.outputs {
            let source = made.source(output, &mut place);
            made.outputs.push(source);
        }
        Ok(made)
    }

    /// Where a node lies; a uniform one gets its splat at first use.
    fn source(&mut self, node: u16, place: &mut [Option<Source>]) -> Source {
        *place[usize::from(node)].get_or_insert_with(|| {
            self.splats.push(node);
            Source::Uniform((self.splats.len() - 1) as u16)
        })
    }

    /// How many operations run per block of instances; the others run once a call.
    #[must_use]
    pub fn passes(&self) -> usize {
        self.passes.len()
    }

    /// How many registers a block needs (2 KiB each).
    #[must_use]
    pub fn registers(&self) -> usize {
        self.registers
    }

    /// Whether output `index` is the same for all instances. Panics out of range.
    #[must_use]
    pub fn is_uniform(&self, index: usize) -> bool {
        self.uniform[usize::from(self.program.outputs[index])]
    }

    /// Values of the uniform nodes; others stay 0.
    fn hoist(&self, inputs: &[Input], scratch: &mut Scratch) {
        scratch.values.clear();
        for (node, &same) in self.program.nodes.iter().zip(&self.uniform) {
            let value = if same {
                node.value(
                    |index| match inputs[usize::from(index)] {
                        Input::Uniform(x) => x,
                        Input::Column(_) => f64::NAN,
                    },
                    &scratch.values,
                )
            } else {
                0.0
            };
            scratch.values.push(value);
        }
    }

    /// The outputs that are uniform, as numbers; the others are NaN. `out`: one place an output.
    ///
    /// # Errors
    /// Inputs or outputs of the wrong number or shape.
    pub fn uniforms(&self, inputs: &[Input], out: &mut [f64], scratch: &mut Scratch) -> Result<(), EvalError> {
        self.check(inputs)?;
        if out.len() != self.outputs.len() {
            return Err(EvalError::Outputs { got: out.len(), want: self.outputs.len() });
        }
        self.hoist(inputs, scratch);
        for (out, &node) in out.iter_mut().zip(&self.program.outputs) {
            let node = usize::from(node);
            *out = if self.uniform[node] { scratch.values[node] } else { f64::NAN };
        }
        Ok(())
    }

    fn check(&self, inputs: &[Input]) -> Result<(), EvalError> {
        if inputs.len() != self.shapes.len() {
            return Err(EvalError::Inputs { got: inputs.len(), want: self.shapes.len() });
        }
        for (index, (input, &shape)) in inputs.iter().zip(&self.shapes).enumerate() {
            if input.shape() != shape {
                return Err(EvalError::Shape { index });
            }
        }
        Ok(())
    }

    /// Evaluates every output for every instance: `outputs[k][i]` from `inputs[..][i]`.
    ///
    /// All columns, in and out, have one length; any length will do. Cost: passes times instances, nothing allocated
    /// once `scratch` has been used.
    ///
    /// # Errors
    /// Columns of the wrong number, shape or length; `outputs` is then untouched.
    pub fn eval(
        &self,
        level: Level,
        inputs: &[Input],
        outputs: &mut [&mut [f64]],
        scratch: &mut Scratch,
    ) -> Result<(), EvalError> {
        self.check(inputs)?;
        if outputs.len() != self.outputs.len() {
            return Err(EvalError::Outputs { got: outputs.len(), want: self.outputs.len() });
        }
        let columns = inputs.iter().filter_map(|input| match input {
            Input::Column(column) => Some(column.len()),
            Input::Uniform(_) => None,
        });
        let mut lengths = columns.chain(outputs.iter().map(|column| column.len()));
        let Some(want) = lengths.next() else { return Ok(()) };
        if let Some(got) = lengths.find(|&got| got != want) {
            return Err(EvalError::Length { got, want });
        }
        self.hoist(inputs, scratch);
        scratch.splats.clear();
        for &node in &self.splats {
            scratch.splats.push(F64x8::splat(scratch.values[usize::from(node)]));
        }
        let zero = F64x8::splat(0.0);
        scratch.stages.resize_with(self.stages.len().max(scratch.stages.len()), || vec![zero; GROUPS]);
        scratch.registers.resize_with(self.registers.max(scratch.registers.len()), || vec![zero; GROUPS]);
        level.dispatch(Run { evaluator: self, inputs, outputs, scratch, length: want });
        Ok(())
    }
}

struct Run<'a, 'b, 'c> {
    evaluator: &'a Evaluator,
    inputs: &'a [Input<'b>],
    outputs: &'a mut [&'c mut [f64]],
    scratch: &'a mut Scratch,
    length: usize,
}

/// The operand's groups, and what to mask the group index with: 0 for a splat.
#[inline(always)]
fn locate(scratch: &Scratch, source: Source) -> (&[F64x8], usize) {
    match source {
        Source::Register(r) => (&scratch.registers[usize::from(r)], usize::MAX),
        Source::Stage(s) => (&scratch.stages[usize::from(s)], usize::MAX),
        Source::Uniform(u) => (std::slice::from_ref(&scratch.splats[usize::from(u)]), 0),
    }
}

#[inline(always)]
fn one<L: Lanes>(scratch: &Scratch, pass: &Pass, to: &mut [F64x8], f: impl Fn(L) -> L) {
    let (a, mask) = locate(scratch, pass.from[0]);
    for (group, to) in to.iter_mut().enumerate() {
        f(L::load(&a[group & mask])).store(to);
    }
}

#[inline(always)]
fn two<L: Lanes>(scratch: &Scratch, pass: &Pass, to: &mut [F64x8], f: impl Fn(L, L) -> L) {
    let ((a, mask_a), (b, mask_b)) = (locate(scratch, pass.from[0]), locate(scratch, pass.from[1]));
    for (group, to) in to.iter_mut().enumerate() {
        f(L::load(&a[group & mask_a]), L::load(&b[group & mask_b])).store(to);
    }
}

#[inline(always)]
fn three<L: Lanes>(scratch: &Scratch, pass: &Pass, to: &mut [F64x8], f: impl Fn(L, L, L) -> L) {
    let (a, mask_a) = locate(scratch, pass.from[0]);
    let (b, mask_b) = locate(scratch, pass.from[1]);
    let (c, mask_c) = locate(scratch, pass.from[2]);
    for (group, to) in to.iter_mut().enumerate() {
        f(L::load(&a[group & mask_a]), L::load(&b[group & mask_b]), L::load(&c[group & mask_c])).store(to);
    }
}

/// Lane by lane, for what has no vector form.
#[inline(always)]
fn each<L: Lanes>(x: L, f: impl Fn(usize, f64) -> f64) -> L {
    let mut lanes = x.to_array();
    for (lane, x) in lanes.iter_mut().enumerate() {
        *x = f(lane, *x);
    }
    L::from_array(lanes)
}

/// `math::powi` by the same products; exponents it treats specially go lane by lane.
#[inline(always)]
fn powi<L: Lanes>(x: L, n: i32) -> L {
    if !(0..=32).contains(&n) {
        return each(x, |_, x| math::powi(x, n));
    }
    let (mut power, mut square, mut left) = (L::splat(1.0), x, n);
    while left != 0 {
        if left & 1 == 1 {
            power = power * square;
        }
        square = square * square;
        left >>= 1;
    }
    power
}

impl Kernel for Run<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { evaluator, inputs, outputs, scratch, length } = self;
        let (zero, unit) = (L::splat(0.0), L::splat(1.0));
        let truth = |mask| L::select(mask, unit, zero);
        let mut start = 0;
        while start < length {
            let count = BLOCK.min(length - start);
            let groups = count.div_ceil(LANES);
            for (&input, stage) in evaluator.stages.iter().zip(&mut scratch.stages) {
                if let Input::Column(column) = inputs[usize::from(input)] {
                    let stage = F64x8::as_f64s_mut(stage);
                    stage[..count].copy_from_slice(&column[start..start + count]);
                    // Padding repeats the last value: it meets no faults of its own.
                    let last = stage[count - 1];
                    stage[count..groups * LANES].fill(last);
                }
            }
            for pass in &evaluator.passes {
                let mut home = std::mem::take(&mut scratch.registers[usize::from(pass.to)]);
                let to = &mut home[..groups];
                let s = &*scratch;
                match pass.op {
                    Op::Unary(Unary::Neg) => one::<L>(s, pass, to, |a| -a),
                    Op::Unary(Unary::Abs) => one::<L>(s, pass, to, |a| a.abs()),
                    Op::Unary(Unary::Sqrt) => one::<L>(s, pass, to, |a| a.sqrt()),
                    Op::Unary(Unary::Exp) => one::<L>(s, pass, to, |a| lanes::exp(a)),
                    Op::Unary(Unary::Ln) => one::<L>(s, pass, to, |a| lanes::ln(a)),
                    Op::Unary(Unary::Exprelr) => one::<L>(s, pass, to, |a| lanes::exprelr(a)),
                    Op::Powi(n) => one::<L>(s, pass, to, |a| powi(a, n)),
                    Op::Binary(Binary::Add) => two::<L>(s, pass, to, |a, b| a + b),
                    Op::Binary(Binary::Sub) => two::<L>(s, pass, to, |a, b| a - b),
                    Op::Binary(Binary::Mul) => two::<L>(s, pass, to, |a, b| a * b),
                    Op::Binary(Binary::Div) => two::<L>(s, pass, to, |a, b| a / b),
                    Op::Binary(Binary::Min) => two::<L>(s, pass, to, |a, b| a.min(b)),
                    Op::Binary(Binary::Max) => two::<L>(s, pass, to, |a, b| a.max(b)),
                    Op::Binary(Binary::Pow) => two::<L>(s, pass, to, |a, b| {
                        let b = b.to_array();
                        each(a, |lane, a| math::pow(a, b[lane]))
                    }),
                    Op::Binary(Binary::Lt) => two::<L>(s, pass, to, |a, b| truth(a.lt(b))),
                    Op::Binary(Binary::Le) => two::<L>(s, pass, to, |a, b| truth(a.le(b))),
                    Op::Binary(Binary::Eq) => two::<L>(s, pass, to, |a, b| truth(a.eq(b))),
                    Op::Fma => three::<L>(s, pass, to, |a, b, c| a.mul_add(b, c)),
                    // NaN is not equal to zero, hence selects `b` as in the interpreter.
                    Op::Select => three::<L>(s, pass, to, |a, b, c| L::select(a.eq(zero).not(), b, c)),
                }
                scratch.registers[usize::from(pass.to)] = home;
            }
            for (output, &source) in outputs.iter_mut().zip(&evaluator.outputs) {
                let output = &mut output[start..start + count];
                match locate(scratch, source) {
                    (splat, 0) => output.fill(splat[0].0[0]),
                    (groups, _) => output.copy_from_slice(&F64x8::as_f64s(groups)[..count]),
                }
            }
            start += count;
        }
    }
}
