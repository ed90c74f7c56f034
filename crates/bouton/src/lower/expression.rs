//! Expressions of the model become values of a rate program, node by node.

use engine::mechanism::{Binary, ProgramBuilder, Unary, Value};
use model::units::{self, Comparison, Expr, ExprKind, Function};

pub(super) fn write(b: &mut ProgramBuilder, e: &Expr) -> Value {
    match &e.kind {
        ExprKind::Constant(c) => b.constant(*c),
        ExprKind::Variable(i) => b.input(*i as u16),
        ExprKind::Negative(a) => {
            let a = write(b, a);
            b.unary(Unary::Neg, a)
        }
        ExprKind::Binary(op, l, r) => {
            let (l, r) = (write(b, l), write(b, r));
            let op = match op {
                units::Binary::Add => Binary::Add,
                units::Binary::Sub => Binary::Sub,
                units::Binary::Mul => Binary::Mul,
                units::Binary::Div => Binary::Div,
            };
            b.binary(op, l, r)
        }
        ExprKind::Power(a, n) => {
            let a = write(b, a);
            b.powi(a, *n)
        }
        ExprKind::RealPower(a, n) => {
            let (a, n) = (write(b, a), write(b, n));
            b.binary(Binary::Pow, a, n)
        }
        ExprKind::Call(f, args) => {
            let a = write(b, &args[0]);
            let op = match f {
                Function::Exp => Unary::Exp,
                Function::Ln => Unary::Ln,
                Function::Exprelr => Unary::Exprelr,
                Function::Sqrt => Unary::Sqrt,
                Function::Abs => Unary::Abs,
                Function::Min | Function::Max => {
                    // min(a, b) = if b < a { b } else { a }, as the model evaluates it.
                    let other = write(b, &args[1]);
                    return b.binary(if *f == Function::Min { Binary::Min } else { Binary::Max }, other, a);
                }
            };
            b.unary(op, a)
        }
        ExprKind::If(c, parts) => {
            let [l, r, yes, no] = [0, 1, 2, 3].map(|i| write(b, &parts[i]));
            let condition = match c {
                Comparison::Less => b.binary(Binary::Lt, l, r),
                Comparison::LessEqual => b.binary(Binary::Le, l, r),
                Comparison::Greater => b.binary(Binary::Lt, r, l),
                Comparison::GreaterEqual => b.binary(Binary::Le, r, l),
            };
            b.select(condition, yes, no)
        }
    }
}
