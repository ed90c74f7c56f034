//! Quantities in the reader's units: parse(print(q)) is q to the bit.

use super::{Dimension, UnitFault, parse};
use std::fmt;

/// A value in coherent units, with its dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantity {
    /// In coherent units (ms, um, mV, pA, amol, K).
    pub value: f64,
    /// Its dimension.
    pub dimension: Dimension,
}

impl Quantity {
    /// Reads a quantity such as `20 nm`.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parse(text: &str) -> Result<Self, UnitFault> {
        let e = parse(text, &())?;
        let value = e.constant().filter(|v| v.is_finite()).ok_or_else(|| UnitFault {
            message: "its value is not a finite number".into(),
            range: 0..text.len(),
            hint: None,
        })?;
        Ok(Self { value, dimension: e.dimension })
    }
}

impl fmt::Display for Quantity {
    /// In the unit of its dimension that needs the fewest zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value == 0.0 {
            let unit = self.dimension.unit();
            return write!(f, "{}", join("0", &unit));
        }
        let units: Vec<String> = match self.dimension.known() {
            Some(k) => k.units.iter().map(|u| (*u).to_owned()).collect(),
            None => vec![self.dimension.unit()],
        };
        let magnitude = |unit: &str| {
            let e10 = scale_of(unit).unwrap_or(0);
            decimal(self.value).map_or(0, |(_, digits, e)| e - e10 + digits.len() as i32)
        };
        // 1 to 1000 is best; the first listed unit wins ties. Times read in ms down to a tenth.
        let cost = |unit: &str| {
            let m = magnitude(unit) + i32::from(unit == "ms");
            if m < 1 { 1 - m } else { (m - 4 - i32::from(unit == "ms")).max(0) }
        };
        let best = units.iter().min_by_key(|u| cost(u)).cloned().unwrap_or_default();
        write!(f, "{}", print_in(self.value, &best))
    }
}

/// `value` (coherent) written in `unit`, whose scale must be a power of ten; exact in decimal.
pub fn print_in(value: f64, unit: &str) -> String {
    let Some(e10) = scale_of(unit) else { return join(&format!("{value:?}"), unit) };
    match decimal(value) {
        None => join(&format!("{value}"), unit),
        Some((negative, digits, e)) => join(&place(negative, &digits, e - e10), unit),
    }
}

fn join(number: &str, unit: &str) -> String {
    if unit.is_empty() { number.to_owned() } else { format!("{number} {unit}") }
}

/// The power of ten of a unit expression.
fn scale_of(unit: &str) -> Option<i32> {
    if unit.is_empty() {
        return Some(0);
    }
    let value = parse(unit, &()).ok()?.constant()?;
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e')?;
    (mantissa == "1").then(|| exponent.parse().ok())?
}

/// Shortest digits d and exponent e with value = +-d * 10^e; `None` for 0 and non-finite values.
fn decimal(value: f64) -> Option<(bool, String, i32)> {
    if value == 0.0 || !value.is_finite() {
        return None;
    }
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let e: i32 = exponent.parse().ok()?;
    Some((value < 0.0, format!("{whole}{fraction}"), e - fraction.len() as i32))
}

fn place(negative: bool, digits: &str, e: i32) -> String {
    let sign = if negative { "-" } else { "" };
    let n = digits.len() as i32;
    let point = n + e; // digits before the decimal point
    let body = if (1..=7).contains(&point) {
        if e >= 0 {
            format!("{digits}{}", "0".repeat(e as usize))
        } else {
            format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
        }
    } else if (-3..=0).contains(&point) {
        format!("0.{}{digits}", "0".repeat((-point) as usize))
    } else {
        let (a, b) = digits.split_at(1);
        let b = if b.is_empty() { String::new() } else { format!(".{b}") };
        format!("{a}{b}e{}", point - 1)
    };
    format!("{sign}{body}")
}
