//! What every lowering needs: the resolved model, a place for faults, and fields that must be there before a run.

use crate::simulation::{Detail, Plan};
use ::model::diagnostic::{Diagnostic, Diagnostics, Span};
use ::model::read::Read;
use ::model::resolve::{Part, Phase, Resolved};
use engine::membrane::{Monovalent, Permeant, ghk_voltage, nernst};

/// A lowering at work. A method that gives `None` has said why in `out`.
pub(super) struct Lowering<'a> {
    pub resolved: &'a Resolved,
    /// The stretch of the trial that is lowered, and what came of its beginning; `None` for the beginning.
    pub phase: Option<(&'a Phase, &'a Plan)>,
    /// Into how many each compartment of a cell's sections is cut once more: 1, or what a comparison wants.
    pub finer: u64,
    /// The level of synapses that have a cleft, whatever the file says.
    pub level: Option<Detail>,
    /// Whether what a comparison wants is recorded, in place of what the file does.
    pub compared: bool,
    pub out: &'a mut Diagnostics,
}

/// Charge numbers of the ions that a solution may hold.
pub(super) fn valence(ion: &str) -> Option<i32> {
    match ion {
        "na" | "k" => Some(1),
        "cl" | "hco3" => Some(-1),
        "ca" | "mg" => Some(2),
        _ => None,
    }
}

/// A number that is there for sure: its field has a default, or `resolve` has seen to it.
pub(super) fn value(read: &Read, field: &str) -> Option<f64> {
    read.number(field).map(::model::read::Number::value)
}

impl<'a> Lowering<'a> {
    /// A fault at a place.
    pub fn fault(&mut self, span: &Span, message: String, hint: &str) {
        let d = Diagnostic::error(message, span.clone());
        self.out.push(if hint.is_empty() { d } else { d.hint(hint) });
    }

    /// A number that a run cannot do without.
    pub fn need(&mut self, path: &str, read: &Read, field: &str) -> Option<f64> {
        let found = value(read, field);
        if found.is_none() && read.get(field).is_none() {
            self.fault(&read.span, format!("`{path}.{field}` is needed to run this model"), "");
        }
        found
    }

    /// A count that a run cannot do without.
    pub fn need_count(&mut self, path: &str, read: &Read, field: &str) -> Option<u64> {
        let found = read.count(field).copied();
        if found.is_none() && read.get(field).is_none() {
            self.fault(&read.span, format!("`{path}.{field}` is needed to run this model"), "");
        }
        found
    }

    /// A placed entry. It is there: `resolve` made it.
    pub fn part(&self, path: &str) -> Option<&'a Part> {
        let now = self.phase.and_then(|(phase, _)| phase.parts.get(path));
        now.or_else(|| self.resolved.parts.get(path))
    }

    /// What the beginning of the trial has already, if nothing under `path` differs from then.
    pub fn as_before(&self, path: &str) -> Option<&'a Plan> {
        let (phase, before) = self.phase?;
        let under = |p: &String| p.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        (!phase.parts.keys().any(under)).then_some(before)
    }

    /// Concentration of an ion outside, mM.
    pub fn bath(&mut self, ion: &str, why: &str, span: &Span) -> Option<f64> {
        let bath = self.resolved.read.named("solution").iter().find(|(k, _)| k.name == "bath");
        let found = bath.and_then(|(_, s)| value(s, ion));
        if found.is_none() {
            let hint = format!("solution.bath.{ion} = \"...\"");
            self.fault(span, format!("{why} needs the concentration of {ion} outside"), &hint);
        }
        found
    }

    /// Concentration of an ion inside, mM.
    pub fn inside(&mut self, cell: (&str, &Read), ion: &str, why: &str, span: &Span) -> Option<f64> {
        let found = cell.1.table("inside").and_then(|s| value(s, ion));
        if found.is_none() {
            let hint = format!("cell.{}.inside.{ion} = \"...\"", cell.0);
            self.fault(span, format!("{why} needs the concentration of {ion} inside"), &hint);
        }
        found
    }

    /// Where the current of a placed receptor or channel reverses, mV: said there, or in its entry, or by the solutions.
    pub fn reversal(&mut self, path: &str, placed: &Read, cell: (&str, &Read)) -> Option<f64> {
        if let Some(said) = value(placed, "reversal") {
            return Some(said);
        }
        let part = self.part(path)?;
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let why = format!("the reversal potential of `{path}`");
        let kelvin = self.resolved.temperature;
        let Some(permeation) = part.body.body.table("permeation") else {
            self.fault(&span, format!("`{}` does not say what permeates it", part.entry), "give a `reversal` here");
            return None;
        };
        if let Some(said) = value(permeation, "reversal") {
            return Some(said);
        }
        if permeation.word("law") == Some("ghk") {
            let hint = "such a channel is for a terminal; give a `reversal` to take it as ohmic";
            self.fault(
                &span,
                format!("`{path}` has no reversal potential: its current follows the GHK equation"),
                hint,
            );
            return None;
        }
        if let Some(ion) = permeation.text("ion") {
            let (inside, outside) = (self.inside(cell, ion, &why, &span), self.bath(ion, &why, &span));
            return Some(nernst(valence(ion)?, inside?, outside?, kelvin));
        }
        let mut ions = Vec::new();
        for (ion, share) in permeation.named_numbers("ions") {
            let charge = match valence(&ion.name) {
                Some(1) => Monovalent::Cation,
                Some(-1) => Monovalent::Anion,
                _ => {
                    let hint = "give a `reversal` here";
                    self.fault(&span, format!("`{path}` lets {} through, for which no law is known", ion.name), hint);
                    return None;
                }
            };
            let inside = self.inside(cell, &ion.name, &why, &span);
            let outside = self.bath(&ion.name, &why, &span);
            if let (Some(inside), Some(outside)) = (inside, outside) {
                ions.push(Permeant { charge, permeability: share.value(), inside, outside });
            }
        }
        if ions.len() < permeation.named_numbers("ions").len() {
            return None;
        }
        let e_rev = ghk_voltage(&ions, kelvin);
        if e_rev.is_finite() {
            return Some(e_rev);
        }
        let hint = "no ion may be absent from both sides, nor all from one";
        self.fault(&span, format!("{why} comes out as {e_rev} mV"), hint);
        None
    }
}
