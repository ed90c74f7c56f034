//! The parser of quantities and expressions: precedence climbing over at most [`MAX_LENGTH`] bytes.
//!
//! A number followed by a unit binds tighter than `/`, so `v / 62.61 mV` is v/(62.61 mV), while `4.6 /mM/ms`,
//! `0.1 S/cm2`, `100 ohm*cm`, `ms^-1`, `M-1 s-1`, `um2/ms` and `/ms` mean what the field means by them.

use super::expr::{Binary, Comparison, Expr, ExprKind, Function, Scope, named_constant};
use super::lex::{Lexed, Token, fault, lex};
use super::{Dimension, UnitFault, constants, nearest_unit, unit};
use std::ops::Range;

/// Deepest nesting of parentheses and signs.
pub const MAX_DEPTH: usize = 64;

/// A product of one number and units, its power of ten kept apart so that it is rounded once.
struct Literal {
    digits: String,
    e10: i32,
    scale: f64,
    dimension: Dimension,
    affine: bool,
    /// Units alone are `1 unit`.
    number: bool,
}

impl Literal {
    fn value(&self) -> f64 {
        let (mantissa, exponent) = match self.digits.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.parse::<i32>().unwrap_or(0)),
            None => (self.digits.as_str(), 0),
        };
        let shifted =
            format!("{mantissa}e{}", exponent.saturating_add(self.e10)).parse::<f64>().unwrap_or(f64::NAN) * self.scale;
        if self.affine { shifted + constants::ZERO_CELSIUS } else { shifted }
    }
}

/// Either a literal that may still take units, or a finished expression.
enum Term {
    Literal(Literal, Range<usize>),
    Expr(Expr),
}

impl Term {
    fn range(&self) -> Range<usize> {
        match self {
            Self::Literal(_, r) => r.clone(),
            Self::Expr(e) => e.range.clone(),
        }
    }
    fn finish(self) -> Result<Expr, UnitFault> {
        match self {
            Self::Expr(e) => Ok(e),
            Self::Literal(l, range) => {
                let value = l.value();
                if !value.is_finite() {
                    return fault("too large a number for its unit", range, None);
                }
                Ok(Expr { kind: ExprKind::Constant(value), dimension: l.dimension, range })
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Lexed>,
    at: usize,
    depth: usize,
    scope: &'a dyn Scope,
}

/// Reads an expression over `scope`; every value in it is in coherent units. Cost: linear in the text.
///
/// # Errors
/// The first fault, with its byte range in `text` and a cure where one is known.
pub fn parse(text: &str, scope: &dyn Scope) -> Result<Expr, UnitFault> {
    let tokens = lex(text)?;
    let mut p = Parser { text, tokens, at: 0, depth: 0, scope };
    if p.peek() == &Token::End {
        return fault("nothing is written here", 0..text.len(), None);
    }
    let e = p.sum()?;
    match p.peek() {
        Token::End => Ok(e),
        Token::Symbol(')') => fault("a `)` without its `(`", p.here(), None),
        Token::Symbol(',') => {
            fault("a `,` cannot stand here", p.here(), Some("the decimal sign is a point: `1.5 ms`".into()))
        }
        Token::Name(n) => {
            let n = n.clone();
            fault(format!("`{n}` cannot stand here"), p.here(), Some(format!("if a product is meant, write `* {n}`")))
        }
        _ => fault(format!("`{}` cannot stand here", &text[p.here()]), p.here(), None),
    }
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }
    fn here(&self) -> Range<usize> {
        self.tokens[self.at].range.clone()
    }
    fn glued(&self) -> bool {
        self.tokens[self.at].glued
    }
    fn next(&mut self) -> Token {
        let t = self.tokens[self.at].token.clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        t
    }
    fn expect(&mut self, c: char) -> Result<(), UnitFault> {
        if self.peek() == &Token::Symbol(c) {
            self.next();
            return Ok(());
        }
        fault(format!("`{c}` is missing here"), self.here(), None)
    }
    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, UnitFault>) -> Result<T, UnitFault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fault(format!("nested deeper than {MAX_DEPTH}"), self.here(), None);
        }
        let out = f(self);
        self.depth -= 1;
        out
    }

    fn sum(&mut self) -> Result<Expr, UnitFault> {
        self.deeper(|p| {
            let mut left = p.product()?.finish()?;
            loop {
                let op = match p.peek() {
                    Token::Symbol('+') => Binary::Add,
                    Token::Symbol('-') => Binary::Sub,
                    _ => return Ok(left),
                };
                p.next();
                let right = p.product()?.finish()?;
                left = Expr::binary(op, left, right, p.text)?;
            }
        })
    }

    fn product(&mut self) -> Result<Term, UnitFault> {
        // A quantity may start with its slash: `/ms`.
        let mut left = if self.peek() == &Token::Symbol('/') {
            let start = self.here().start;
            Term::Literal(
                Literal {
                    digits: "1".into(),
                    e10: 0,
                    scale: 1.0,
                    dimension: Dimension::NONE,
                    affine: false,
                    number: true,
                },
                start..start,
            )
        } else {
            self.juxtaposed()?
        };
        loop {
            let op = match self.peek() {
                Token::Symbol('*') => Binary::Mul,
                Token::Symbol('/') => Binary::Div,
                // `ohm-cm`, as older files write a product of units.
                Token::Symbol('-') if self.glued() && self.hyphenated(&left) => Binary::Mul,
                _ => return Ok(left),
            };
            self.next();
            let right = self.juxtaposed()?;
            left = self.combine(op, left, right)?;
        }
    }

    fn hyphenated(&self, left: &Term) -> bool {
        matches!(left, Term::Literal(l, _) if l.dimension != Dimension::NONE)
            && matches!(&self.tokens.get(self.at + 1), Some(Lexed { token: Token::Name(n), glued: true, .. }) if self.scope.symbol(n).is_none() && unit(n).is_some())
    }

    fn combine(&self, op: Binary, left: Term, right: Term) -> Result<Term, UnitFault> {
        match (left, right) {
            // One number and any units stay a literal, rounded once at the end.
            (Term::Literal(a, ra), Term::Literal(b, rb))
                if !a.affine && !b.affine && (!b.number || (!a.number && op == Binary::Mul)) =>
            {
                let range = ra.start..rb.end;
                let sign = if op == Binary::Mul { 1 } else { -1 };
                let dimension =
                    if op == Binary::Mul { a.dimension.times(b.dimension) } else { a.dimension.over(b.dimension) };
                let Some(dimension) = dimension else {
                    return fault(format!("a dimension with a power beyond {}", super::MAX_EXPONENT), range, None);
                };
                let digits = if a.number { a.digits } else { b.digits };
                let scale = if op == Binary::Mul { a.scale * b.scale } else { a.scale / b.scale };
                let number = a.number || b.number;
                Ok(Term::Literal(
                    Literal { digits, e10: a.e10 + sign * b.e10, scale, dimension, affine: false, number },
                    range,
                ))
            }
            (left, right) => {
                for t in [&left, &right] {
                    if let Term::Literal(Literal { affine: true, .. }, r) = t {
                        return fault(
                            "`degC` has its zero elsewhere: it cannot be part of a product or quotient",
                            r.clone(),
                            Some("use `K` for a difference of temperatures".into()),
                        );
                    }
                }
                Ok(Term::Expr(Expr::binary(op, left.finish()?, right.finish()?, self.text)?))
            }
        }
    }

    /// `20 nm`, `100 ohm cm`: a number or unit directly followed by units.
    fn juxtaposed(&mut self) -> Result<Term, UnitFault> {
        let mut left = self.signed()?;
        while let Term::Literal(l, _) = &left {
            match self.peek() {
                Token::Name(n) if self.scope.symbol(n).is_none() => {
                    let start = self.here();
                    if l.number && l.dimension == Dimension::NONE && unit(n).is_some_and(|u| u.affine) {
                        self.next();
                        let Term::Literal(l, r) = left else { unreachable!("matched above") };
                        left = Term::Literal(
                            Literal { dimension: Dimension::TEMPERATURE, affine: true, ..l },
                            r.start..start.end,
                        );
                        continue;
                    }
                    let right = self.powered()?;
                    if matches!(&right, Term::Expr(_)) {
                        return fault(
                            format!("`{}` cannot follow a number directly", &self.text[right.range()]),
                            right.range(),
                            Some("write `*` between them".into()),
                        );
                    }
                    left = self.combine(Binary::Mul, left, right)?;
                }
                Token::Name(n) => {
                    let hint = Some(format!("write `* {n}`"));
                    return fault(
                        format!("`{n}` is a name, not a unit: it cannot follow a number directly"),
                        self.here(),
                        hint,
                    );
                }
                Token::Symbol('%') if l.number && l.dimension == Dimension::NONE => {
                    let end = self.here().end;
                    self.next();
                    let Term::Literal(l, r) = left else { unreachable!("matched above") };
                    left = Term::Literal(Literal { e10: l.e10 - 2, ..l }, r.start..end);
                }
                _ => break,
            }
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Term, UnitFault> {
        let start = self.here().start;
        match self.peek() {
            Token::Symbol('-') => {
                self.next();
                // `-70 mV` is the literal -70 mV; `-x^2` is -(x^2).
                let inner = self.deeper(|p| p.juxtaposed())?;
                if let Term::Literal(mut l, r) = inner {
                    l.digits = match l.digits.strip_prefix('-') {
                        Some(d) => d.to_owned(),
                        None => format!("-{}", l.digits),
                    };
                    return Ok(Term::Literal(l, start..r.end));
                }
                let e = inner.finish()?;
                let range = start..e.range.end;
                Ok(Term::Expr(Expr::negative(e, range)))
            }
            Token::Symbol('+') => {
                self.next();
                self.deeper(|p| p.signed())
            }
            _ => self.powered(),
        }
    }

    fn powered(&mut self) -> Result<Term, UnitFault> {
        let base = self.primary()?;
        let exponent = match self.peek() {
            Token::Superscript(n) => {
                let n = *n;
                let range = self.here();
                self.next();
                Expr { kind: ExprKind::Constant(f64::from(n)), dimension: Dimension::NONE, range }
            }
            Token::Symbol('^') => {
                self.next();
                self.deeper(Self::exponent)?
            }
            // `M-1 s-1`: a glued sign and digits after a unit are its power; a difference could never have that dimension.
            Token::Symbol('-')
                if self.glued()
                    && matches!(&base, Term::Literal(l, _) if !l.number && l.dimension != Dimension::NONE) =>
            {
                let next = &self.tokens[self.at + 1];
                match &next.token {
                    Token::Number(d) if next.glued && d.parse::<u32>().is_ok() => {
                        self.next();
                        let range = self.here();
                        let Token::Number(d) = self.next() else { unreachable!("seen above") };
                        Expr {
                            kind: ExprKind::Constant(-d.parse::<f64>().unwrap_or(1.0)),
                            dimension: Dimension::NONE,
                            range,
                        }
                    }
                    _ => return Ok(base),
                }
            }
            _ => return Ok(base),
        };
        if let (Term::Literal(l, r), ExprKind::Constant(n)) = (&base, &exponent.kind)
            && !l.number
            && exponent.dimension == Dimension::NONE
            && n.fract() == 0.0
            && n.abs() <= f64::from(super::MAX_EXPONENT)
        {
            let n = *n as i32;
            if let Some(dimension) = l.dimension.power(n) {
                let scale = numerics::math::powi(l.scale, n);
                let l =
                    Literal { digits: "1".into(), e10: l.e10 * n, scale, dimension, affine: l.affine, number: false };
                return Ok(Term::Literal(l, r.start..exponent.range.end));
            }
        }
        Ok(Term::Expr(Expr::power(base.finish()?, exponent, self.text)?))
    }

    /// What follows `^`: a sign and one number, name or parenthesis; a unit after it belongs to the base's product.
    fn exponent(&mut self) -> Result<Expr, UnitFault> {
        let start = self.here().start;
        match self.peek() {
            Token::Symbol('-') => {
                self.next();
                let e = self.deeper(Self::exponent)?;
                let range = start..e.range.end;
                Ok(Expr::negative(e, range))
            }
            Token::Symbol('+') => {
                self.next();
                self.deeper(Self::exponent)
            }
            _ => self.primary()?.finish(),
        }
    }

    fn primary(&mut self) -> Result<Term, UnitFault> {
        let range = self.here();
        match self.next() {
            Token::Number(digits) => {
                // `4.6e6 1/(M*s)`: the 1 of a unit written as a fraction.
                if matches!(self.peek(), Token::Number(d) if d == "1")
                    && self.tokens.get(self.at + 1).is_some_and(|t| t.token == Token::Symbol('/'))
                {
                    self.next();
                }
                Ok(Term::Literal(
                    Literal { digits, e10: 0, scale: 1.0, dimension: Dimension::NONE, affine: false, number: true },
                    range,
                ))
            }
            Token::Name(name) => self.name(&name, range),
            Token::Symbol('(') => {
                let inner = self.sum()?;
                self.expect(')')?;
                // `1/(M*s)`: units in parentheses stay units.
                Ok(Term::Expr(Expr { range: range.start..self.tokens[self.at - 1].range.end, ..inner }))
            }
            Token::End => fault("the expression ends too early", range, None),
            _ => fault(format!("`{}` cannot stand here", &self.text[range.clone()]), range, None),
        }
    }

    fn name(&mut self, name: &str, range: Range<usize>) -> Result<Term, UnitFault> {
        if let Some(symbol) = self.scope.symbol(name) {
            return Ok(Term::Expr(Expr { kind: ExprKind::Variable(symbol.index), dimension: symbol.dimension, range }));
        }
        if self.peek() == &Token::Symbol('(') {
            return self.call(name, range);
        }
        if let Some((value, dimension)) = named_constant(name) {
            return Ok(Term::Expr(Expr { kind: ExprKind::Constant(value), dimension, range }));
        }
        if let Some(u) = unit(name) {
            if u.affine {
                return fault(
                    "`degC` needs a number before it",
                    range,
                    Some("e.g. `34 degC`; use `K` for a difference of temperatures".into()),
                );
            }
            return Ok(Term::Literal(
                Literal {
                    digits: "1".into(),
                    e10: u.e10,
                    scale: u.scale,
                    dimension: u.dimension,
                    affine: false,
                    number: false,
                },
                range,
            ));
        }
        // `cm2` = cm^2
        let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if letters.len() < name.len()
            && let Some(u) = unit(letters).filter(|u| !u.affine)
            && let Ok(n @ 1..=9) = name[letters.len()..].parse::<i32>()
            && let Some(dimension) = u.dimension.power(n)
        {
            let scale = numerics::math::powi(u.scale, n);
            return Ok(Term::Literal(
                Literal { digits: "1".into(), e10: u.e10 * n, scale, dimension, affine: false, number: false },
                range,
            ));
        }
        let foreign = !name.is_ascii()
            && name
                .chars()
                .any(|c| c.is_alphabetic() && !c.is_ascii() && !"\u{b5}\u{3bc}\u{3a9}\u{2126}\u{c5}".contains(c));
        if foreign {
            return fault(
                format!("`{name}` has a letter that is not Latin"),
                range,
                Some("type it again with a Latin keyboard".into()),
            );
        }
        let hint = crate::diagnostic::nearest(name, &self.scope.names())
            .or_else(|| nearest_unit(name))
            .map(|n| format!("did you mean `{n}`?"));
        let what =
            if self.scope.names().is_empty() { "is not a unit" } else { "is neither a name known here nor a unit" };
        fault(format!("`{name}` {what}"), range, hint)
    }

    fn call(&mut self, name: &str, range: Range<usize>) -> Result<Term, UnitFault> {
        self.expect('(')?;
        if name == "if" {
            let a = self.sum()?;
            let c = match self.next() {
                Token::Symbol('<') => Comparison::Less,
                Token::Symbol('>') => Comparison::Greater,
                Token::LessEqual => Comparison::LessEqual,
                Token::GreaterEqual => Comparison::GreaterEqual,
                _ => return fault("`if` needs a comparison: if(a < b, x, y)", range, None),
            };
            let b = self.sum()?;
            self.expect(',')?;
            let x = self.sum()?;
            self.expect(',')?;
            let y = self.sum()?;
            let end = self.here().end;
            self.expect(')')?;
            return Ok(Term::Expr(Expr::choose(c, [a, b, x, y], range.start..end, self.text)?));
        }
        let Some(&(_, f, arity)) = Function::ALL.iter().find(|f| f.0 == name) else {
            let names: Vec<String> = Function::ALL.iter().map(|f| f.0.to_owned()).chain(["if".to_owned()]).collect();
            let hint = crate::diagnostic::nearest(name, &names).map(|n| format!("did you mean `{n}`?"));
            return fault(
                format!("`{name}` is not a function"),
                range,
                hint.or_else(|| Some(format!("functions: {}", names.join(", ")))),
            );
        };
        let mut args = vec![self.sum()?];
        while self.peek() == &Token::Symbol(',') {
            self.next();
            args.push(self.sum()?);
        }
        let end = self.here().end;
        self.expect(')')?;
        if args.len() != arity {
            return fault(
                format!("`{name}` takes {arity} argument{}, not {}", if arity == 1 { "" } else { "s" }, args.len()),
                range.start..end,
                None,
            );
        }
        Ok(Term::Expr(Expr::call(f, args, range.start..end, self.text)?))
    }
}
