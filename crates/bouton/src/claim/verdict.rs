//! From what was recorded to a verdict: each number with its uncertainty over trials, and where it lies.
//!
//! The uncertainty is the jackknife's: a trial is left out of every condition at once, since conditions share their luck
//! and differences between them are surer than each of them. What never varied (0 of n) is taken to be uncertain by the
//! end of Wilson's interval, to first order.

use super::names::Measured;
use super::{Bound, Claim};
use crate::recording::{Recording, t_quantile};
use model::units::{Dimension, Expr, Quantity};

/// Where a number lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lies {
    /// Within its band.
    Inside,
    /// Not within it.
    Outside,
    /// There is no number.
    Nowhere,
}

/// A number, its uncertainty, and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// In coherent units.
    pub value: f64,
    /// The ends of its 95 % interval; NaN where there is none.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// Of what it is.
    pub dimension: Dimension,
    /// The unit to show it in, as the band is written.
    pub unit: String,
    /// What one of that unit is in coherent units.
    pub scale: f64,
    /// The edges, in coherent units.
    pub band: (Option<f64>, Option<f64>),
    /// Where it lies.
    pub lies: Lies,
    /// Whether its interval crosses an edge.
    pub narrowly: bool,
    /// Trials it is made of; 0 where it is known beforehand.
    pub trials: usize,
}

/// What can be said of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// All checks lie in their bands, and all controls miss theirs.
    Holds,
    /// The same, but an interval crosses an edge.
    HoldsNarrowly,
    /// A check does not lie in its band.
    Fails,
    /// The same, but its interval crosses the edge.
    FailsNarrowly,
    /// A control lies in its band: the experiment cannot fail. Or a number is missing.
    CannotTell,
    /// There is nothing to decide.
    Shown,
}

impl Standing {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::HoldsNarrowly => "holds, narrowly",
            Self::Fails => "fails",
            Self::FailsNarrowly => "fails, narrowly",
            Self::CannotTell => "cannot tell",
            Self::Shown => "shown",
        }
    }

    /// Whether nothing speaks against the claim.
    #[must_use]
    pub fn good(self) -> bool {
        matches!(self, Self::Holds | Self::HoldsNarrowly | Self::Shown)
    }
}

/// Findings by row and column; `None` where a place is empty.
pub type Grid = Vec<Vec<Option<Finding>>>;

/// The verdict on a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What can be said.
    pub standing: Standing,
    /// One for each check.
    pub checks: Vec<Finding>,
    /// One for each control.
    pub controls: Vec<Finding>,
    /// One for each number that is only shown.
    pub shown: Vec<Finding>,
    /// By table, row and column.
    pub tables: Vec<Grid>,
    /// Of each curve where its points stand, and by line and point what they are.
    pub curves: Vec<(Vec<Finding>, Grid)>,
}

/// The unit that an edge is written in, `ms` of `0.03 ms`, with its size; `None` where it is a formula.
pub(super) fn unit_of(edge: &str) -> Option<(String, f64)> {
    let text = edge.trim();
    let number = text.find(|c: char| !(c.is_ascii_digit() || "+-.eE_".contains(c))).unwrap_or(text.len());
    let (number, unit) = text.split_at(number);
    number.parse::<f64>().ok()?;
    let unit = unit.trim();
    let one = if unit.is_empty() { 1.0 } else { Quantity::parse(&format!("1 {unit}")).ok()?.value };
    (one > 0.0 && unit != "degC").then(|| (unit.to_owned(), one))
}

/// A unit in which a value reads well.
fn readable(value: f64, dimension: Dimension) -> (String, f64) {
    let text = Quantity { value, dimension }.to_string();
    let unit = text.split_once(' ').map_or(String::new(), |(_, u)| u.to_owned());
    let one = Quantity::parse(&format!("1 {unit}")).map_or(1.0, |q| q.value);
    (unit, one)
}

fn finding(bound: &Bound, numbers: &[Measured]) -> Finding {
    let values: Vec<f64> = numbers.iter().map(|m| m.value).collect();
    let mine: Vec<usize> = (0..numbers.len()).filter(|i| bound.value.mentions(*i)).collect();
    let value = bound.value.evaluate(&values);
    let (low, high, trials) = interval(&bound.value, numbers, &values, &mine, value);
    let edge = |e: &Option<(Expr, String)>| e.as_ref().map(|(e, _)| e.evaluate(&values));
    let band = (edge(&bound.least), edge(&bound.most));
    let inside = |x: f64| band.0.is_none_or(|b| x >= b) && band.1.is_none_or(|b| x <= b);
    let known = value.is_finite() && band.0.is_none_or(f64::is_finite) && band.1.is_none_or(f64::is_finite);
    let lies = match known {
        false => Lies::Nowhere,
        true if inside(value) => Lies::Inside,
        true => Lies::Outside,
    };
    let crosses = |edge: Option<f64>| edge.is_some_and(|e| low < e && e < high);
    let written = bound.least.iter().chain(&bound.most).find_map(|(_, text)| unit_of(text));
    let (unit, scale) = bound.unit.clone().or(written).unwrap_or_else(|| readable(value, bound.value.dimension));
    Finding {
        value,
        low,
        high,
        dimension: bound.value.dimension,
        unit,
        scale,
        band,
        lies,
        narrowly: crosses(band.0) || crosses(band.1),
        trials,
    }
}

/// The 95 % interval of an expression, and the trials it rests on.
fn interval(expr: &Expr, numbers: &[Measured], values: &[f64], mine: &[usize], value: f64) -> (f64, f64, usize) {
    let trials = mine.iter().map(|i| numbers[*i].without.len()).max().unwrap_or(0);
    let none = (f64::NAN, f64::NAN, trials);
    if trials < 2 || !value.is_finite() {
        return none;
    }
    let mut left = values.to_vec();
    let mut moved = Vec::with_capacity(trials);
    for trial in 0..trials {
        for i in mine {
            left[*i] = numbers[*i].without.get(trial).copied().unwrap_or(values[*i]);
        }
        moved.push(expr.evaluate(&left) - value);
    }
    let n = trials as f64;
    let middle = moved.iter().sum::<f64>() / n;
    let variance = moved.iter().map(|d| (d - middle) * (d - middle)).sum::<f64>() * (n - 1.0) / n;
    let quantile = t_quantile(n - 1.0);
    // What was never seen can only be larger than 0, or smaller than all.
    let (mut below, mut above) = (variance, variance);
    for i in mine {
        left.copy_from_slice(values);
        let away = numbers[*i].unseen;
        if away > 0.0 && trials >= 10 {
            left[*i] += if values[*i] == 0.0 { away } else { -away };
            let by = (expr.evaluate(&left) - value) / quantile;
            *(if by < 0.0 { &mut below } else { &mut above }) += by * by;
        }
    }
    let (low, high) = (value - quantile * below.sqrt(), value + quantile * above.sqrt());
    if low.is_finite() && high.is_finite() { (low, high, trials) } else { none }
}

/// The verdict on a claim.
pub(super) fn judge(claim: &Claim, recordings: &[Recording]) -> Verdict {
    let rows = |rows: &'_ [super::Row]| -> Vec<Bound> { rows.iter().flat_map(|r| &r.1).flatten().cloned().collect() };
    let grouped: Vec<Bound> = claim
        .tables
        .iter()
        .flat_map(|t| rows(&t.rows))
        .chain(claim.curves.iter().flat_map(|c| c.at.iter().cloned().chain(rows(&c.lines))))
        .collect();
    let bounds = || claim.checks.iter().chain(&claim.controls).chain(&claim.shown).chain(&grouped);
    let mut wanted = vec![false; claim.names.len()];
    for bound in bounds() {
        let edges = bound.least.iter().chain(&bound.most).map(|e| &e.0);
        for expr in std::iter::once(&bound.value).chain(edges) {
            wanted.iter_mut().enumerate().for_each(|(i, w)| *w |= expr.mentions(i));
        }
    }
    let numbers = claim.names.measured(recordings, |i| wanted[i]);
    let of = |all: &[Bound]| all.iter().map(|b| finding(b, &numbers)).collect::<Vec<_>>();
    let (checks, controls, shown) = (of(&claim.checks), of(&claim.controls), of(&claim.shown));
    let any = |all: &[Finding], lies| all.iter().any(|f| f.lies == lies);
    let standing = if any(&controls, Lies::Inside) || any(&controls, Lies::Nowhere) || any(&checks, Lies::Nowhere) {
        Standing::CannotTell
    } else if any(&checks, Lies::Outside) {
        let clearly = checks.iter().any(|f| f.lies == Lies::Outside && !f.narrowly);
        if clearly { Standing::Fails } else { Standing::FailsNarrowly }
    } else if checks.is_empty() {
        Standing::Shown
    } else if checks.iter().chain(&controls).any(|f| f.narrowly) {
        Standing::HoldsNarrowly
    } else {
        Standing::Holds
    };
    let of_rows = |rows: &[super::Row]| -> Grid {
        let one = |b: &Option<Bound>| b.as_ref().map(|b| finding(b, &numbers));
        rows.iter().map(|r| r.1.iter().map(one).collect()).collect()
    };
    let tables = claim.tables.iter().map(|t| of_rows(&t.rows)).collect();
    let curves = claim.curves.iter().map(|c| (of(&c.at), of_rows(&c.lines))).collect();
    Verdict { standing, checks, controls, shown, tables, curves }
}
