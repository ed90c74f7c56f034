//! Rates: expressions of an entry, with their statistical factor, their Q10 and their origin.

use crate::diagnostic::{Diagnostic, Span};
use crate::read::{Formula, Number, Provenance, Reader};
use crate::units::{Dimension, Expr, parse};

/// Where each name of an entry's expressions finds its value: parameters first, then `v`, `temperature`, ligands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Layout {
    /// Names with dimensions, in the order of the values.
    pub names: Vec<(String, Dimension)>,
    /// How many of them are parameters.
    pub parameters: usize,
}

impl Layout {
    pub(super) fn new(parameters: &[(String, Number)], ligands: &[String]) -> Self {
        let mut names: Vec<(String, Dimension)> =
            parameters.iter().map(|(n, p)| (n.clone(), p.quantity.dimension)).collect();
        let count = names.len();
        names.push(("v".into(), Dimension::VOLTAGE));
        names.push(("temperature".into(), Dimension::TEMPERATURE));
        names.extend(ligands.iter().map(|l| (l.clone(), Dimension::CONCENTRATION)));
        Self { names, parameters: count }
    }
    /// The index of `v`.
    pub fn voltage(&self) -> usize {
        self.parameters
    }
    /// The index of `temperature`.
    pub fn temperature(&self) -> usize {
        self.parameters + 1
    }
    /// How many ligands there are.
    pub fn ligands(&self) -> usize {
        self.names.len() - self.parameters - 2
    }
    /// The index of a ligand.
    pub fn ligand(&self, i: usize) -> usize {
        self.parameters + 2 + i
    }
    /// The values in order: parameters, voltage (mV), temperature (K), ligands (mM).
    pub fn values(&self, parameters: &[f64], v_m: f64, temperature: f64, ligands: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.names.len());
        out.extend_from_slice(parameters);
        out.extend([v_m, temperature]);
        out.extend_from_slice(ligands);
        out
    }
}

/// An expression for a rate, with what belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    /// Typed, in coherent units, at the entry's temperature, without `sites`.
    pub expr: Expr,
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// Statistical factor.
    pub sites: u32,
    /// Factor for ten kelvin.
    pub q10: Option<f64>,
    /// What it says of its own origin.
    pub provenance: Provenance,
}

/// Parses an expression of an entry and checks its dimension.
pub(super) fn rate(
    name: &str,
    formula: &Formula,
    dimension: Dimension,
    layout: &Layout,
    reader: &mut Reader<'_>,
) -> Option<Rate> {
    let expr: Expr = match parse(&formula.text, &layout.names) {
        Ok(e) => e,
        Err(e) => {
            let span = formula.span.inside(reader.sources, &e.range);
            reader.out.push(Diagnostic::error(format!("`{name}`: {}", e.message), span).maybe_hint(e.hint));
            return None;
        }
    };
    if expr.dimension != dimension {
        reader.wrong_dimension(name, &formula.text, expr.dimension, dimension, &formula.span);
        return None;
    }
    if let Some(c) = expr.constant()
        && (!c.is_finite() || (c < 0.0 && dimension != Dimension::NONE))
    {
        let what = if c.is_finite() { "is negative" } else { "is not finite" };
        reader.out.push(
            Diagnostic::error(format!("`{name} = {}` {what}", formula.text), formula.span.clone())
                .hint("a rate is zero or more"),
        );
        return None;
    }
    Some(Rate {
        expr,
        text: formula.text.clone(),
        span: formula.span.clone(),
        sites: 1,
        q10: None,
        provenance: formula.provenance.clone(),
    })
}

/// Voltages at which rates of a membrane must make sense, mV.
const VOLTAGES: &[f64] = &[-100.0, -70.0, -40.0, 0.0, 40.0];
/// Those across a junction.
const ACROSS: &[f64] = &[-120.0, -60.0, -20.0, -5.0, 0.0, 5.0, 20.0, 60.0, 120.0];

/// Where the rates of an entry are tested.
pub(super) struct Grounds<'a> {
    /// Of the entry.
    pub layout: &'a Layout,
    /// Values of its parameters.
    pub parameters: &'a [f64],
    /// T_ref, K.
    pub temperature: f64,
    /// Whether `v` is the voltage across a junction.
    pub across: bool,
}

impl Grounds<'_> {
    /// Tests a rate where membranes live, with ligands at 1 mM: it must be finite and within `limits`, both included.
    pub fn plausible(&self, name: &str, rate: &Rate, limits: (f64, f64), reader: &mut Reader<'_>) {
        let ligands = vec![1.0; self.layout.ligands()];
        for &v_m in if self.across { ACROSS } else { VOLTAGES } {
            let value = rate.expr.evaluate(&self.layout.values(self.parameters, v_m, self.temperature, &ligands));
            // NaN lies in no range.
            if !(value >= limits.0 && value <= limits.1) {
                let range = match limits {
                    (0.0, f64::MAX) => "zero or more, and finite".to_owned(),
                    (_, f64::MAX) => "more than zero, and finite".to_owned(),
                    (a, b) => format!("from {a} to {b}"),
                };
                let d = Diagnostic::error(format!("`{name}` is {value} at {v_m} mV"), rate.span.clone());
                reader.out.push(d.hint(format!("it must be {range}")));
                return;
            }
        }
    }
}
