//! Expressions: a typed tree whose every node knows its dimension and its place in the text.
//!
//! There is nothing in it that could run code, loop or allocate without bound. Values are computed with our own
//! `exp` and `ln`, so a resolved model is the same to the bit on every machine.

use super::{Dimension, UnitFault, constants};
use numerics::math;
use std::ops::Range;

/// What a name stands for in an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Symbol {
    /// Index into the values given to [`Expr::evaluate`].
    pub index: usize,
    /// Its dimension.
    pub dimension: Dimension,
}

/// The names an expression may use: parameters, `v`, ligands, `temperature`. Units come after them.
pub trait Scope {
    /// The symbol of that name.
    fn symbol(&self, name: &str) -> Option<Symbol>;
    /// All names, for near-miss suggestions.
    fn names(&self) -> Vec<String>;
}

impl Scope for () {
    fn symbol(&self, _: &str) -> Option<Symbol> {
        None
    }
    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Scope for Vec<(String, Dimension)> {
    fn symbol(&self, name: &str) -> Option<Symbol> {
        let index = self.iter().position(|(n, _)| n == name)?;
        Some(Symbol { index, dimension: self[index].1 })
    }
    fn names(&self) -> Vec<String> {
        self.iter().map(|(n, _)| n.clone()).collect()
    }
}

/// `+ - * /`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

/// Functions of the language. All but `sqrt`, `abs`, `min` and `max` take and give plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Function {
    Exp,
    Ln,
    Exprelr,
    Sqrt,
    Abs,
    Min,
    Max,
}

impl Function {
    /// All functions by name, with the number of arguments.
    pub const ALL: &'static [(&'static str, Self, usize)] = &[
        ("exp", Self::Exp, 1),
        ("ln", Self::Ln, 1),
        ("exprelr", Self::Exprelr, 1),
        ("sqrt", Self::Sqrt, 1),
        ("abs", Self::Abs, 1),
        ("min", Self::Min, 2),
        ("max", Self::Max, 2),
    ];
    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|f| f.1 == self).map_or("", |f| f.0)
    }
}

/// Comparisons, used by `if(a < b, x, y)` alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A node of an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its dimension; coherent units.
    pub dimension: Dimension,
    /// Its bytes in the text.
    pub range: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum ExprKind {
    /// A number in coherent units.
    Constant(f64),
    /// A named value, by index into the scope.
    Variable(usize),
    Negative(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// Integer power.
    Power(Box<Expr>, i32),
    /// Power of plain numbers.
    RealPower(Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
    If(Comparison, Box<[Expr; 4]>),
}

impl Expr {
    /// The value, given one value for each symbol of the scope, all in coherent units.
    pub fn evaluate(&self, values: &[f64]) -> f64 {
        match &self.kind {
            ExprKind::Constant(c) => *c,
            ExprKind::Variable(i) => values[*i],
            ExprKind::Negative(a) => -a.evaluate(values),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (a.evaluate(values), b.evaluate(values));
                match op {
                    Binary::Add => a + b,
                    Binary::Sub => a - b,
                    Binary::Mul => a * b,
                    Binary::Div => a / b,
                }
            }
            ExprKind::Power(a, n) => math::powi(a.evaluate(values), *n),
            ExprKind::RealPower(a, b) => math::pow(a.evaluate(values), b.evaluate(values)),
            ExprKind::Call(f, args) => {
                let a = args[0].evaluate(values);
                match f {
                    Function::Exp => math::exp(a),
                    Function::Ln => math::ln(a),
                    Function::Exprelr => math::exprelr(a),
                    Function::Sqrt => a.sqrt(),
                    Function::Abs => a.abs(),
                    Function::Min => {
                        let b = args[1].evaluate(values);
                        if b < a { b } else { a }
                    }
                    Function::Max => {
                        let b = args[1].evaluate(values);
                        if b > a { b } else { a }
                    }
                }
            }
            ExprKind::If(c, parts) => {
                let (a, b) = (parts[0].evaluate(values), parts[1].evaluate(values));
                let yes = match c {
                    Comparison::Less => a < b,
                    Comparison::LessEqual => a <= b,
                    Comparison::Greater => a > b,
                    Comparison::GreaterEqual => a >= b,
                };
                parts[if yes { 2 } else { 3 }].evaluate(values)
            }
        }
    }

    /// The value, if no name occurs in it.
    pub fn constant(&self) -> Option<f64> {
        let mut free = true;
        self.walk(&mut |e| free &= !matches!(e.kind, ExprKind::Variable(_)));
        free.then(|| self.evaluate(&[]))
    }

    /// Whether the symbol occurs.
    pub fn mentions(&self, index: usize) -> bool {
        let mut found = false;
        self.walk(&mut |e| found |= matches!(e.kind, ExprKind::Variable(i) if i == index));
        found
    }

    /// The same over other values: each symbol's index becomes `index(i)`.
    pub fn renumbered(&self, index: &dyn Fn(usize) -> usize) -> Expr {
        let again = |e: &Expr| e.renumbered(index);
        let kind = match &self.kind {
            ExprKind::Constant(c) => ExprKind::Constant(*c),
            ExprKind::Variable(i) => ExprKind::Variable(index(*i)),
            ExprKind::Negative(a) => ExprKind::Negative(Box::new(again(a))),
            ExprKind::Power(a, n) => ExprKind::Power(Box::new(again(a)), *n),
            ExprKind::Binary(op, a, b) => ExprKind::Binary(*op, Box::new(again(a)), Box::new(again(b))),
            ExprKind::RealPower(a, b) => ExprKind::RealPower(Box::new(again(a)), Box::new(again(b))),
            ExprKind::Call(f, args) => ExprKind::Call(*f, args.iter().map(again).collect()),
            ExprKind::If(c, parts) => ExprKind::If(*c, Box::new(std::array::from_fn(|i| again(&parts[i])))),
        };
        Expr { kind, dimension: self.dimension, range: self.range.clone() }
    }

    fn walk(&self, f: &mut impl FnMut(&Expr)) {
        f(self);
        match &self.kind {
            ExprKind::Constant(_) | ExprKind::Variable(_) => {}
            ExprKind::Negative(a) | ExprKind::Power(a, _) => a.walk(f),
            ExprKind::Binary(_, a, b) | ExprKind::RealPower(a, b) => {
                a.walk(f);
                b.walk(f);
            }
            ExprKind::Call(_, args) => args.iter().for_each(|a| a.walk(f)),
            ExprKind::If(_, parts) => parts.iter().for_each(|a| a.walk(f)),
        }
    }

    pub(super) fn negative(a: Expr, range: Range<usize>) -> Expr {
        let dimension = a.dimension;
        let kind = match a.kind {
            ExprKind::Constant(c) => ExprKind::Constant(-c),
            kind => ExprKind::Negative(Box::new(Expr { kind, ..a })),
        };
        Expr { kind, dimension, range }
    }

    pub(super) fn binary(op: Binary, a: Expr, b: Expr, text: &str) -> Result<Expr, UnitFault> {
        let range = a.range.start..b.range.end;
        let dimension = match op {
            Binary::Add | Binary::Sub => {
                if a.dimension != b.dimension {
                    let (word, preposition) = if op == Binary::Add { ("add", "to") } else { ("subtract", "from") };
                    return Err(UnitFault {
                        message: format!(
                            "cannot {word} {} (`{}`) {preposition} {} (`{}`)",
                            b.dimension,
                            &text[b.range.clone()],
                            a.dimension,
                            &text[a.range.clone()],
                        ),
                        range,
                        hint: None,
                    });
                }
                a.dimension
            }
            Binary::Mul => within(a.dimension.times(b.dimension), &range)?,
            Binary::Div => within(a.dimension.over(b.dimension), &range)?,
        };
        let folded = match (&a.kind, &b.kind) {
            (ExprKind::Constant(x), ExprKind::Constant(y)) => Some(match op {
                Binary::Add => x + y,
                Binary::Sub => x - y,
                Binary::Mul => x * y,
                Binary::Div => x / y,
            }),
            _ => None,
        };
        let kind = folded.map_or_else(|| ExprKind::Binary(op, Box::new(a), Box::new(b)), ExprKind::Constant);
        Ok(Expr { kind, dimension, range })
    }

    pub(super) fn call(f: Function, args: Vec<Expr>, range: Range<usize>, text: &str) -> Result<Expr, UnitFault> {
        let plain = |e: &Expr| -> Result<(), UnitFault> {
            if e.dimension == Dimension::NONE {
                return Ok(());
            }
            Err(UnitFault {
                message: format!(
                    "`{}` takes a plain number, but `{}` is {}",
                    f.name(),
                    &text[e.range.clone()],
                    e.dimension
                ),
                range: e.range.clone(),
                hint: Some(format!(
                    "divide it by {} of its own kind, e.g. `/ (1 {})`",
                    e.dimension,
                    e.dimension.unit()
                )),
            })
        };
        let dimension = match f {
            Function::Exp | Function::Ln | Function::Exprelr => {
                plain(&args[0])?;
                Dimension::NONE
            }
            Function::Sqrt => args[0].dimension.sqrt().ok_or_else(|| UnitFault {
                message: format!("`sqrt` of {} has no dimension of whole powers", args[0].dimension),
                range: range.clone(),
                hint: None,
            })?,
            Function::Abs => args[0].dimension,
            Function::Min | Function::Max => {
                same(&args[0], &args[1], text)?;
                args[0].dimension
            }
        };
        let e = Expr { kind: ExprKind::Call(f, args), dimension, range };
        Ok(match e.constant() {
            Some(c) => Expr { kind: ExprKind::Constant(c), ..e },
            None => e,
        })
    }

    pub(super) fn choose(c: Comparison, parts: [Expr; 4], range: Range<usize>, text: &str) -> Result<Expr, UnitFault> {
        same(&parts[0], &parts[1], text)?;
        same(&parts[2], &parts[3], text)?;
        let dimension = parts[2].dimension;
        Ok(Expr { kind: ExprKind::If(c, Box::new(parts)), dimension, range })
    }

    pub(super) fn power(a: Expr, exponent: Expr, text: &str) -> Result<Expr, UnitFault> {
        let range = a.range.start..exponent.range.end;
        if exponent.dimension != Dimension::NONE {
            return Err(UnitFault {
                message: format!(
                    "an exponent is a plain number, but `{}` is {}",
                    &text[exponent.range.clone()],
                    exponent.dimension
                ),
                range: exponent.range,
                hint: None,
            });
        }
        if let ExprKind::Constant(n) = exponent.kind
            && n.fract() == 0.0
            && n.abs() <= 64.0
        {
            let n = n as i32;
            let dimension = within(a.dimension.power(n), &range)?;
            let kind = match a.kind {
                ExprKind::Constant(c) => ExprKind::Constant(math::powi(c, n)),
                _ => ExprKind::Power(Box::new(a), n),
            };
            return Ok(Expr { kind, dimension, range });
        }
        if a.dimension != Dimension::NONE {
            return Err(UnitFault {
                message: format!(
                    "`{}` is {}: it can be raised to a whole power between -64 and 64 only",
                    &text[a.range.clone()],
                    a.dimension
                ),
                range: exponent.range,
                hint: None,
            });
        }
        let kind = ExprKind::RealPower(Box::new(a), Box::new(exponent));
        let e = Expr { kind, dimension: Dimension::NONE, range };
        Ok(match e.constant() {
            Some(c) => Expr { kind: ExprKind::Constant(c), ..e },
            None => e,
        })
    }
}

fn within(d: Option<Dimension>, range: &Range<usize>) -> Result<Dimension, UnitFault> {
    d.ok_or_else(|| UnitFault {
        message: format!("a dimension with a power beyond {}", super::MAX_EXPONENT),
        range: range.clone(),
        hint: None,
    })
}

fn same(a: &Expr, b: &Expr, text: &str) -> Result<(), UnitFault> {
    if a.dimension == b.dimension {
        return Ok(());
    }
    Err(UnitFault {
        message: format!(
            "`{}` is {}, but `{}` is {}",
            &text[a.range.clone()],
            a.dimension,
            &text[b.range.clone()],
            b.dimension
        ),
        range: a.range.start..b.range.end.max(a.range.end),
        hint: None,
    })
}

/// Named constants of the language.
pub(super) fn named_constant(name: &str) -> Option<(f64, Dimension)> {
    Some(match name {
        "faraday" => (constants::FARADAY, Dimension([0, 1, 0, 1, -1, 0])),
        "gas_constant" => (constants::GAS_CONSTANT, Dimension([0, 1, 1, 1, -1, -1])),
        _ => return None,
    })
}
