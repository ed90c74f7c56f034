//! Drugs as entries: families of targets, mechanisms, rates. What they do to a scheme stands in [`crate::pharmacology`].

use super::rate::{Grounds, Layout, Rate, rate};
use crate::diagnostic::{Diagnostic, Span};
use crate::read::{Number, Read, Reader};
use crate::units::Dimension;

/// What a drug does to some families of parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its place.
    pub span: Span,
    /// Families, as entries name theirs.
    pub targets: Vec<String>,
    /// How.
    pub mechanism: Mechanism,
}

/// How a drug acts. Rates of binding are per mM and ms, all others per ms, at the entry's temperature.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Mechanism {
    /// In the ligand's place at each free site, opening nothing.
    Competitive { k_on: Rate, k_off: Rate },
    /// In the ligand's place at each free site, doing what it does; factors of the ligand's own rates.
    Agonist { on_factor: f64, off_factor: f64 },
    /// Bound whether open or shut.
    Pore { k_on: Rate, k_off: Rate },
    /// Two of them, one after the other, whether open or shut; one alone does nothing, and leaves `off_factor` times as fast.
    PorePair { k_on: Rate, k_off: Rate, off_factor: f64 },
    /// Bound to open channels only.
    OpenChannel { k_on: Rate, k_off: Rate, trapping: bool },
    /// Beside the ligand's site, whether open or shut; while it sits there the ligand binds and unbinds otherwise.
    Modulator { k_on: Rate, k_off: Rate, on_factor: f64, off_factor: f64 },
    /// Takes parts away.
    Irreversible { k_on: Rate, reactivation: Option<Box<Rate>>, aging: Option<Box<Rate>> },
}

impl Mechanism {
    /// As written in an entry.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Competitive { .. } => "competitive",
            Self::Agonist { .. } => "agonist",
            Self::Pore { .. } => "pore",
            Self::PorePair { .. } => "pore_pair",
            Self::OpenChannel { .. } => "open_channel",
            Self::Modulator { .. } => "modulator",
            Self::Irreversible { .. } => "irreversible",
        }
    }

    /// Its rates by name, with their dimension.
    pub fn rates(&self) -> Vec<(&'static str, &Rate, Dimension)> {
        let (on, off) = (Dimension::BINDING_RATE, Dimension::RATE);
        match self {
            Self::Competitive { k_on, k_off }
            | Self::Pore { k_on, k_off }
            | Self::PorePair { k_on, k_off, .. }
            | Self::OpenChannel { k_on, k_off, .. }
            | Self::Modulator { k_on, k_off, .. } => {
                vec![("k_on", k_on, on), ("k_off", k_off, off)]
            }
            Self::Agonist { .. } => Vec::new(),
            Self::Irreversible { k_on, reactivation, aging } => {
                let mut all = vec![("k_on", k_on, on)];
                all.extend(reactivation.iter().map(|r| ("reactivation", &**r, off)));
                all.extend(aging.iter().map(|r| ("aging", &**r, off)));
                all
            }
        }
    }
}

/// Fields that each mechanism needs, and those it may have beside them.
fn fields_of(mechanism: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match mechanism {
        "agonist" => (&["on_factor", "off_factor"], &[]),
        "irreversible" => (&["k_on"], &["reactivation", "aging"]),
        "open_channel" => (&["k_on", "k_off"], &["trapping"]),
        "pore_pair" => (&["k_on", "k_off", "off_factor"], &[]),
        "modulator" => (&["k_on", "k_off", "on_factor", "off_factor"], &[]),
        _ => (&["k_on", "k_off"], &[]),
    }
}

/// Reads the actions of a drug; every fault is said.
pub(super) fn actions(body: &Read, layout: &Layout, parameters: &[f64], reader: &mut Reader<'_>) -> Vec<Action> {
    body.list("action").iter().filter_map(|a| action(a, body, layout, parameters, reader)).collect()
}

fn action(a: &Read, body: &Read, layout: &Layout, parameters: &[f64], reader: &mut Reader<'_>) -> Option<Action> {
    let word = a.word("mechanism")?;
    let (needed, optional) = fields_of(word);
    let mut whole = true;
    for field in needed.iter().filter(|f| a.get(f).is_none()) {
        whole = false;
        reader.out.push(Diagnostic::error(format!("`{word}` needs `{field}`"), a.span.clone()));
    }
    for (field, span, _) in a.iter() {
        let known = matches!(field, "target" | "mechanism") || needed.contains(&field) || optional.contains(&field);
        if let (false, Some(span)) = (known, span) {
            whole = false;
            let d = Diagnostic::error(format!("`{word}` has no `{field}`"), span.clone());
            reader.out.push(d.hint(format!("it has {}", [needed, optional].concat().join(", "))));
        }
    }
    let temperature = body.number("temperature").map_or(295.15, Number::value);
    let grounds = Grounds { layout, parameters, temperature, across: false };
    let mut get = |field: &str, dimension: Dimension| {
        let formula = a.formula(field)?;
        let mut r = rate(field, formula, dimension, layout, reader)?;
        r.q10 = formula.provenance.q10;
        grounds.plausible(field, &r, (0.0, f64::MAX), reader);
        Some(r)
    };
    let (on, off) = (Dimension::BINDING_RATE, Dimension::RATE);
    let factor = |field: &str| a.number(field).map(Number::value);
    let mechanism = match word {
        "competitive" => Mechanism::Competitive { k_on: get("k_on", on)?, k_off: get("k_off", off)? },
        "pore" => Mechanism::Pore { k_on: get("k_on", on)?, k_off: get("k_off", off)? },
        "pore_pair" => {
            Mechanism::PorePair { k_on: get("k_on", on)?, k_off: get("k_off", off)?, off_factor: factor("off_factor")? }
        }
        "open_channel" => Mechanism::OpenChannel {
            k_on: get("k_on", on)?,
            k_off: get("k_off", off)?,
            trapping: a.flag("trapping").copied().unwrap_or(false),
        },
        "irreversible" => Mechanism::Irreversible {
            k_on: get("k_on", on)?,
            reactivation: get("reactivation", off).map(Box::new),
            aging: get("aging", off).map(Box::new),
        },
        "modulator" => Mechanism::Modulator {
            k_on: get("k_on", on)?,
            k_off: get("k_off", off)?,
            on_factor: factor("on_factor")?,
            off_factor: factor("off_factor")?,
        },
        _ => Mechanism::Agonist { on_factor: factor("on_factor")?, off_factor: factor("off_factor")? },
    };
    let targets: Vec<String> = a.texts("target").iter().map(|t| t.0.clone()).collect();
    whole.then(|| Action { span: a.span.clone(), targets, mechanism })
}
