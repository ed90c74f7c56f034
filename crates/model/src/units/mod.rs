//! Units and dimensions: every spelling that the field writes, one coherent set inside.
//!
//! Inside, values are in **ms, um, mV, pA, amol, K**, so nS, pF, GOhm, fC, aJ and amol/um3 = mM follow with no factor.
//! Decimal prefixes are kept as powers of ten until the last moment, so `20 nm` is the very number `0.02` (um).
//! Limits: exponents of a dimension stay within +-24; mass, light and angle have no base unit of their own.

mod expr;
mod lex;
mod parse;
mod print;

pub use expr::{Binary, Comparison, Expr, ExprKind, Function, Scope, Symbol};
pub use lex::MAX_LENGTH;
pub use parse::{MAX_DEPTH, parse};
pub use print::{Quantity, print_in};

use std::fmt;

/// A fault in a quantity or an expression, at a byte range of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFault {
    /// What is wrong, with the value.
    pub message: String,
    /// Where in the text, in bytes.
    pub range: std::ops::Range<usize>,
    /// The cure, if one is known.
    pub hint: Option<String>,
}

/// Exponents of length, time, voltage, current, amount and temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Dimension(pub [i8; 6]);

/// Largest exponent of a base dimension that is accepted.
pub const MAX_EXPONENT: i32 = 24;

impl Dimension {
    /// A plain number.
    pub const NONE: Self = Self([0; 6]);
    /// um
    pub const LENGTH: Self = Self([1, 0, 0, 0, 0, 0]);
    /// um2
    pub const AREA: Self = Self([2, 0, 0, 0, 0, 0]);
    /// um3
    pub const VOLUME: Self = Self([3, 0, 0, 0, 0, 0]);
    /// ms
    pub const TIME: Self = Self([0, 1, 0, 0, 0, 0]);
    /// mV
    pub const VOLTAGE: Self = Self([0, 0, 1, 0, 0, 0]);
    /// pA
    pub const CURRENT: Self = Self([0, 0, 0, 1, 0, 0]);
    /// amol
    pub const AMOUNT: Self = Self([0, 0, 0, 0, 1, 0]);
    /// K
    pub const TEMPERATURE: Self = Self([0, 0, 0, 0, 0, 1]);
    /// 1/ms
    pub const RATE: Self = Self([0, -1, 0, 0, 0, 0]);
    /// mM = amol/um3
    pub const CONCENTRATION: Self = Self([-3, 0, 0, 0, 1, 0]);
    /// /mM/ms
    pub const BINDING_RATE: Self = Self([3, -1, 0, 0, -1, 0]);
    /// um2/ms
    pub const DIFFUSION: Self = Self([2, -1, 0, 0, 0, 0]);
    /// nS
    pub const CONDUCTANCE: Self = Self([0, 0, -1, 1, 0, 0]);
    /// nS/um2
    pub const CONDUCTANCE_DENSITY: Self = Self([-2, 0, -1, 1, 0, 0]);
    /// GOhm
    pub const RESISTANCE: Self = Self([0, 0, 1, -1, 0, 0]);
    /// GOhm um
    pub const RESISTIVITY: Self = Self([1, 0, 1, -1, 0, 0]);
    /// pF
    pub const CAPACITANCE: Self = Self([0, 1, -1, 1, 0, 0]);
    /// pF/um2
    pub const CAPACITANCE_DENSITY: Self = Self([-2, 1, -1, 1, 0, 0]);
    /// fC
    pub const CHARGE: Self = Self([0, 1, 0, 1, 0, 0]);
    /// number per area, 1/um2
    pub const NUMBER_DENSITY: Self = Self([-2, 0, 0, 0, 0, 0]);
    /// um3/ms: a permeability times an area, as single channels have
    pub const FLOW: Self = Self([3, -1, 0, 0, 0, 0]);
    /// 1/um: area per volume
    pub const PER_LENGTH: Self = Self([-1, 0, 0, 0, 0, 0]);
    /// mM/ms
    pub const CONCENTRATION_RATE: Self = Self([-3, -1, 0, 0, 1, 0]);
    /// amol/um2/ms: an amount per area and time
    pub const FLUX_DENSITY: Self = Self([-2, -1, 0, 0, 1, 0]);
    /// um/ms: a permeability
    pub const PERMEABILITY: Self = Self([1, -1, 0, 0, 0, 0]);
    /// mV/ms = V/s
    pub const VOLTAGE_RATE: Self = Self([0, -1, 1, 0, 0, 0]);

    fn combine(self, other: Self, f: impl Fn(i32, i32) -> i32) -> Option<Self> {
        let mut out = [0i8; 6];
        for (o, (a, b)) in out.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            let e = f(i32::from(a), i32::from(b));
            if e.abs() > MAX_EXPONENT {
                return None;
            }
            *o = e as i8;
        }
        Some(Self(out))
    }
    /// The dimension of a product; `None` beyond [`MAX_EXPONENT`].
    pub fn times(self, other: Self) -> Option<Self> {
        self.combine(other, |a, b| a + b)
    }
    /// The dimension of a quotient; `None` beyond [`MAX_EXPONENT`].
    pub fn over(self, other: Self) -> Option<Self> {
        self.combine(other, |a, b| a - b)
    }
    /// The dimension of an integer power; `None` beyond [`MAX_EXPONENT`].
    pub fn power(self, n: i32) -> Option<Self> {
        self.combine(Self::NONE, |a, _| a.saturating_mul(n))
    }
    /// The dimension of a square root, where it has one.
    pub fn sqrt(self) -> Option<Self> {
        if self.0.iter().any(|e| e % 2 != 0) {
            return None;
        }
        Some(Self(self.0.map(|e| e / 2)))
    }
    /// The field's word for this dimension (`a voltage`) and the unit to suggest, where it has one.
    pub fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|k| k.dimension == self)
    }
    /// A unit in which to write this dimension, `mV`, `nS/um2`, built from the base units where the field has none.
    pub fn unit(self) -> String {
        if let Some(known) = self.known() {
            return known.units[0].to_owned();
        }
        let names = ["um", "ms", "mV", "pA", "amol", "K"];
        let mut out = String::new();
        for (name, &e) in names.iter().zip(&self.0) {
            if e > 0 {
                if !out.is_empty() {
                    out.push('*');
                }
                out.push_str(name);
                if e > 1 {
                    out.push_str(&e.to_string());
                }
            }
        }
        for (name, &e) in names.iter().zip(&self.0) {
            if e < 0 {
                out.push('/');
                out.push_str(name);
                if e < -1 {
                    out.push_str(&(-e).to_string());
                }
            }
        }
        out
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(k) => write!(f, "{}", k.name),
            None => write!(f, "a quantity in {}", self.unit()),
        }
    }
}

/// A dimension that has a name in the field.
#[derive(Debug)]
pub struct Known {
    /// The dimension.
    pub dimension: Dimension,
    /// With its article: `a voltage`.
    pub name: &'static str,
    /// Units to print it in; the first is the one to suggest.
    pub units: &'static [&'static str],
}

const fn known(dimension: Dimension, name: &'static str, units: &'static [&'static str]) -> Known {
    Known { dimension, name, units }
}

/// Named dimensions, with the units that a reader of the field expects.
pub static KNOWN: &[Known] = &[
    known(Dimension::NONE, "a plain number", &[""]),
    known(Dimension::LENGTH, "a length", &["um", "nm", "mm", "cm"]),
    known(Dimension::AREA, "an area", &["um2", "nm2", "cm2"]),
    known(Dimension::VOLUME, "a volume", &["um3", "fL", "nL"]),
    known(Dimension::TIME, "a time", &["ms", "us", "s"]),
    known(Dimension::VOLTAGE, "a voltage", &["mV", "uV", "V"]),
    known(Dimension::CURRENT, "a current", &["pA", "nA", "uA"]),
    known(Dimension::AMOUNT, "an amount", &["amol", "mol"]),
    known(Dimension::TEMPERATURE, "a temperature", &["K"]),
    known(Dimension::RATE, "a first-order rate", &["/ms", "/s"]),
    known(Dimension::CONCENTRATION, "a concentration", &["mM", "uM", "nM"]),
    known(Dimension::BINDING_RATE, "a binding rate", &["/mM/ms", "/M/s"]),
    known(Dimension::DIFFUSION, "a diffusion coefficient", &["um2/ms", "cm2/s"]),
    known(Dimension::CONDUCTANCE, "a conductance", &["nS", "pS", "uS"]),
    known(Dimension::CONDUCTANCE_DENSITY, "a conductance density", &["mS/cm2", "S/cm2"]),
    known(Dimension::RESISTANCE, "a resistance", &["Mohm", "Gohm", "kohm"]),
    known(Dimension::RESISTIVITY, "a resistivity", &["ohm*cm"]),
    known(Dimension::CAPACITANCE, "a capacitance", &["pF", "nF", "fF"]),
    known(Dimension::CAPACITANCE_DENSITY, "a capacitance per area", &["uF/cm2", "fF/um2"]),
    known(Dimension::CHARGE, "a charge", &["pC", "fC", "nC"]),
    known(Dimension::NUMBER_DENSITY, "a number per area", &["/um2"]),
    known(Dimension::FLOW, "a volume per time", &["um3/s", "cm3/s"]),
    known(Dimension::PERMEABILITY, "a permeability or a velocity", &["um/ms", "cm/s"]),
    known(Dimension::FLUX_DENSITY, "an amount per area and time", &["amol/um2/ms", "pmol/cm2/s"]),
    known(Dimension([-2, 0, 0, 1, 0, 0]), "a current density", &["pA/um2", "uA/cm2"]),
    known(Dimension([-3, -1, 0, 0, 1, 0]), "a concentration per time", &["mM/ms", "uM/s"]),
    known(Dimension([0, 0, -1, 0, 0, 0]), "a number per voltage", &["/mV"]),
    known(Dimension([3, 0, 0, 0, -1, 0]), "a number per concentration", &["/mM"]),
    known(Dimension::VOLTAGE_RATE, "a voltage per time", &["mV/ms", "V/s"]),
    known(Dimension([0, -1, -1, 0, 0, 0]), "a rate per voltage", &["/ms/mV"]),
    known(Dimension([-3, 0, 0, 0, 0, 0]), "a number per volume", &["/um3"]),
    known(Dimension([-1, 0, 0, 0, 0, 0]), "a number per length", &["/um"]),
];

/// One unit: `scale * 10^e10` of the coherent unit of its dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// 1 except for minutes and hours.
    pub scale: f64,
    /// The power of ten.
    pub e10: i32,
    /// Its dimension.
    pub dimension: Dimension,
    /// Its zero is not the coherent unit's zero (degC).
    pub affine: bool,
}

struct Base {
    names: &'static [&'static str],
    e10: i32,
    scale: f64,
    dimension: Dimension,
    prefixes: &'static str,
}

const fn base(names: &'static [&'static str], e10: i32, dimension: Dimension, prefixes: &'static str) -> Base {
    Base { names, e10, scale: 1.0, dimension, prefixes }
}

// The prefixes are those the field uses: `Ms` for `ms` or `kmV` are caught rather than understood.
static BASES: &[Base] = &[
    base(&["m"], 6, Dimension::LENGTH, "afpnumcd"),
    base(&["s", "sec"], 3, Dimension::TIME, "fpnum"),
    Base { names: &["min"], e10: 3, scale: 60.0, dimension: Dimension::TIME, prefixes: "" },
    Base { names: &["h", "hour"], e10: 3, scale: 3600.0, dimension: Dimension::TIME, prefixes: "" },
    base(&["V"], 3, Dimension::VOLTAGE, "num"),
    base(&["A"], 12, Dimension::CURRENT, "afpnum"),
    base(&["S"], 9, Dimension::CONDUCTANCE, "fpnum"),
    base(&["ohm", "Ohm", "\u{3a9}", "\u{2126}"], -9, Dimension::RESISTANCE, "mkMGT"),
    base(&["F"], 12, Dimension::CAPACITANCE, "afpnum"),
    base(&["C"], 15, Dimension::CHARGE, "afpnum"),
    base(&["Hz"], -3, Dimension::RATE, "mkMG"),
    base(&["J"], 18, Dimension([0, 1, 1, 1, 0, 0]), "zafpnumk"),
    base(&["mol"], 18, Dimension::AMOUNT, "zafpnum"),
    base(&["M"], 3, Dimension::CONCENTRATION, "fpnum"),
    base(&["L", "l"], 15, Dimension::VOLUME, "afpnumd"),
    base(&["K"], 0, Dimension::TEMPERATURE, "m"),
    base(&["\u{c5}", "angstrom"], -4, Dimension::LENGTH, ""),
    base(&["percent"], -2, Dimension::NONE, ""),
];

fn prefix(c: char) -> Option<i32> {
    Some(match c {
        'z' => -21,
        'a' => -18,
        'f' => -15,
        'p' => -12,
        'n' => -9,
        'u' => -6,
        'm' => -3,
        'c' => -2,
        'd' => -1,
        'k' => 3,
        'M' => 6,
        'G' => 9,
        'T' => 12,
        _ => return None,
    })
}

/// The unit of this exact name, prefix included; powers (`cm2`) are the parser's work.
pub fn unit(name: &str) -> Option<Unit> {
    if matches!(name, "degC" | "\u{b0}C" | "celsius") {
        return Some(Unit { scale: 1.0, e10: 0, dimension: Dimension::TEMPERATURE, affine: true });
    }
    let find = |n: &str| BASES.iter().find(|b| b.names.contains(&n));
    if let Some(b) = find(name) {
        return Some(Unit { scale: b.scale, e10: b.e10, dimension: b.dimension, affine: false });
    }
    let mut chars = name.chars();
    // Both code points for micro (the sign and the Greek letter) are what keyboards give.
    let first = match chars.next()? {
        '\u{b5}' | '\u{3bc}' => 'u',
        c => c,
    };
    let b = find(chars.as_str())?;
    if !b.prefixes.contains(first) {
        return None;
    }
    Some(Unit { scale: b.scale, e10: b.e10 + prefix(first)?, dimension: b.dimension, affine: false })
}

/// Every unit name, prefixed ones too, for near-miss suggestions.
pub fn unit_names() -> Vec<String> {
    let mut out = vec!["degC".to_owned()];
    for b in BASES {
        for n in b.names {
            out.push((*n).to_owned());
            out.extend(b.prefixes.chars().map(|p| format!("{p}{n}")));
        }
    }
    out
}

/// The unit that was probably meant: another case first (`mv` for `mV`), then one edit away.
pub fn nearest_unit(name: &str) -> Option<String> {
    let all = unit_names();
    if let Some(same) = all.iter().find(|u| u.eq_ignore_ascii_case(name)) {
        return Some(same.clone());
    }
    let plain: String = name.chars().take_while(|c| !c.is_ascii_digit()).collect();
    if let Some(same) = all.iter().find(|u| plain.len() > 1 && u.eq_ignore_ascii_case(&plain)) {
        return Some(same.clone());
    }
    match name.to_ascii_lowercase().as_str() {
        "molar" => Some("M".into()),
        "volt" | "volts" => Some("V".into()),
        "second" | "seconds" => Some("s".into()),
        "siemens" => Some("S".into()),
        "hours" => Some("hour".into()),
        "celcius" | "deg" | "degree" | "degrees" => Some("degC".into()),
        _ if plain.chars().count() > 2 => {
            all.into_iter().find(|u| u.chars().count() > 2 && strsim::osa_distance(u, &plain) == 1)
        }
        _ => None,
    }
}

pub use numerics::constants;
