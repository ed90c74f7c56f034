//! Channels and pools of a neuron: how much of a channel there is, and in which unit; where pools are.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span};
use crate::morphology::OnSpines;
use crate::read::Read;

impl Resolver<'_> {
    /// Whether the amount of a channel in a neuron is said once, and in the unit that its law has.
    pub(super) fn amount(&mut self, channel: &Read, name: &str, span: &Span) {
        let given = |f: &str| channel.span_of(f).cloned();
        if let Some(unitary) = given("unitary")
            && given("stochastic").is_none()
            && given("count").is_none()
        {
            let message = format!("the unitary conductance of `{name}` says nothing where its means are taken");
            self.out.push(Diagnostic::error(message, unitary).hint("stochastic = true"));
        }
        let Some(permeability) = given("permeability") else {
            self.either(channel, name, span, ["count", "density"], true);
            let Some(density) = given("density") else { return };
            if given("count").is_none() && self.ghk(channel) {
                let message = format!("`{name}` follows the GHK equation, and a density of conductance says nothing");
                let hint = "permeability = \"1e-5 cm/s\", or a `reversal` here to take it as ohmic";
                self.out.push(Diagnostic::error(message, density).hint(hint));
            }
            return;
        };
        for other in ["count", "density"] {
            if given(other).is_some() {
                let message = format!("`{name}` has both `{other}` and `permeability`");
                self.out.push(Diagnostic::error(message, permeability).hint("give one of them"));
                return;
            }
        }
        let known = channel.text("use").map(str::to_owned).is_some_and(|used| self.entry(&used).is_some());
        if known && !self.ghk(channel) {
            let message = format!("`{name}` is ohmic, and a permeability says nothing");
            self.out.push(Diagnostic::error(message, permeability).hint("density = \"1 mS/cm2\""));
        }
    }

    /// Whether the current of a placed channel follows the GHK equation there.
    fn ghk(&mut self, channel: &Read) -> bool {
        let Some(used) = channel.text("use").map(str::to_owned) else { return false };
        let law = self.entry(&used).and_then(|e| e.body.table("permeation")?.word("law"));
        law == Some("ghk") && channel.get("reversal").is_none()
    }

    /// Ions of the pools of a cell, each with the name under which it is placed.
    pub(super) fn pooled(&mut self, cell: &Read) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (key, placed) in cell.named("pool") {
            let entry = placed.text("use").map(str::to_owned).and_then(|used| self.entry(&used));
            let ion = entry.as_ref().and_then(|e| e.body.table("pool")).and_then(|p| p.text("ion"));
            all.extend(ion.map(|ion| (key.name.clone(), ion.to_owned())));
        }
        all
    }

    /// Whether pools lie in regions that exist, and no two of an ion in one section.
    pub(super) fn pools(&mut self, name: &str, cell: &Read) {
        let shape = self.shapes.get(name).cloned();
        // Whether two regions have a section in common, `dend` and `dend[3]`.
        let meet = |a: &str, b: &str| {
            if let (Some(Ok(a)), Some(Ok(b))) = (OnSpines::parse(a), OnSpines::parse(b)) {
                return a.meets(&b);
            }
            let m = shape.as_ref().map(|s| &s.morphology);
            a == b || m.is_some_and(|m| (0..m.sections.len()).any(|k| m.within(k, a) && m.within(k, b)))
        };
        let mut taken: Vec<(String, Option<String>, String)> = Vec::new();
        for (key, placed) in cell.named("pool") {
            self.regions((name, cell), placed);
            let entry = placed.text("use").map(str::to_owned).and_then(|used| self.entry(&used));
            let Some(ion) = entry.as_ref().and_then(|e| e.body.table("pool")?.text("ion")) else { continue };
            let on = placed.texts("on");
            let here: Vec<Option<String>> =
                if on.is_empty() { vec![None] } else { on.iter().map(|s| Some(s.0.clone())).collect() };
            for section in here {
                let same = |(other, there, _): &&(String, Option<String>, String)| {
                    let same = match (&section, there) {
                        (Some(a), Some(b)) => meet(a, b),
                        // What is everywhere leaves spines that are said to what is said of them.
                        (Some(a), None) | (None, Some(a)) => OnSpines::parse(a).is_none(),
                        (None, None) => true,
                    };
                    other == ion && same
                };
                if let Some((_, _, first)) = taken.iter().find(same) {
                    let place = section.as_deref().map_or(String::new(), |s| format!(" in `{s}`"));
                    let message = format!("`{}` is a second pool of {ion}{place}, beside `{first}`", key.name);
                    let hint = "one pool of an ion in a section: say `on`, or say a field of the first otherwise";
                    self.out.push(Diagnostic::error(message, key.span.clone()).hint(hint));
                    break;
                }
                taken.push((ion.to_owned(), section, key.name.clone()));
            }
        }
    }
}
