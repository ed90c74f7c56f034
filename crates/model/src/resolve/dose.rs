//! Drugs of the model meet its parts.

use super::{Content, Part, ResolvedValue, Resolver, TemperatureStep, plain};
use crate::catalogue::Mechanism;
use crate::diagnostic::Diagnostic;
use crate::pharmacology::{self, Drug};
use crate::read::{Number, Read};
use crate::units::Quantity;

impl Resolver<'_> {
    /// Gives every part the drugs that act on it. Never dosed, or dosed at zero, a part stays as it is, to the bit.
    pub(super) fn dose(&mut self, model: &Read) {
        for (key, placed) in model.named("drug") {
            let path = format!("drug.{}", key.name);
            let Some(drug) = self.parts.remove(&path) else { continue };
            self.list_actions(&path, &drug);
            if self.said_fully(&path, placed, &drug) {
                self.give(&key.name, placed, &drug);
            }
        }
    }

    /// Whether the place says as much as the drug needs, and no more.
    fn said_fully(&mut self, path: &str, placed: &Read, drug: &Part) -> bool {
        let irreversible = drug.body.actions.iter().any(|a| matches!(a.mechanism, Mechanism::Irreversible { .. }));
        let said = |f: &str| placed.get(f).is_some();
        let has = (said("bath"), said("incubation"), said("inactivated"));
        let (message, hint) = match (irreversible, has) {
            (true, (true, true, false) | (false, false, true)) | (false, (true, false, false)) => return true,
            (true, _) => (
                format!("`{path}` acts irreversibly: what it has taken depends on how long it was there"),
                "bath = \"1 uM\" and incubation = \"10 min\", or inactivated = 0.9",
            ),
            (false, (false, false, false)) => {
                (format!("`{path}` is nowhere: its concentration was not said"), "bath = \"1 uM\"")
            }
            (false, _) => (
                format!("`{path}` binds and lets go again, and is at equilibrium: only its concentration counts"),
                "bath = \"1 uM\", and no incubation",
            ),
        };
        self.out.push(Diagnostic::error(message, placed.span.clone()).hint(hint));
        false
    }

    fn give(&mut self, name: &str, placed: &Read, drug: &Part) {
        let number = |f: &str| placed.number(f).map(Number::value);
        let concentration = number("bath").unwrap_or(0.0);
        let at = Drug { name, part: drug, concentration };
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let mut met = false;
        let mut parts = std::mem::take(&mut self.parts);
        for (path, part) in &mut parts {
            let families: Vec<String> = part.body.families().map(str::to_owned).collect();
            let on = |a: &&crate::catalogue::Action| a.targets.iter().any(|t| families.contains(t));
            for action in drug.body.actions.iter().filter(on) {
                met = true;
                let known = part.scheme.iter().flat_map(|s| s.states.iter().chain(&s.ligands)).any(|n| n == name);
                if known {
                    let message = format!("`{path}` has a state or ligand `{name}` already");
                    self.out.push(Diagnostic::error(message, span.clone()).hint("call the drug otherwise"));
                    continue;
                }
                if let Mechanism::Irreversible { .. } = action.mechanism {
                    let left = match number("inactivated") {
                        Some(gone) => 1.0 - gone,
                        None => at.left_after(&action.mechanism, number("incubation").unwrap_or(0.0)),
                    };
                    part.active *= left;
                    self.list(format!("{path}.drug.{name}.active"), plain(left), placed);
                } else if concentration > 0.0
                    && let Err(why) = pharmacology::dose(part, &at, &action.mechanism)
                {
                    let message = format!("`{}` cannot act on `{path}`: {why}", drug.entry);
                    self.out.push(Diagnostic::error(message, span.clone()));
                }
            }
        }
        if !met {
            let mut all: Vec<String> =
                parts.values().flat_map(|p| p.body.families().map(str::to_owned).collect::<Vec<_>>()).collect();
            all.sort();
            all.dedup();
            let targets: Vec<&str> = drug.body.actions.iter().flat_map(|a| &a.targets).map(String::as_str).collect();
            let message = format!("`{}` acts on {}, which this model does not have", drug.entry, targets.join(", "));
            let hint = if all.is_empty() {
                "no part of it has a family".to_owned()
            } else {
                format!("it has {}", all.join(", "))
            };
            self.out.push(Diagnostic::warning(message, span).hint(hint));
        }
        self.parts = parts;
    }

    fn list(&mut self, path: String, quantity: Quantity, placed: &Read) {
        let origin = self.origin(placed.span_of("use"));
        let content = Content::Quantity(quantity);
        self.values.push(ResolvedValue { path, content, origin, provenance: Default::default(), temperature: None });
    }

    /// Rates of a drug, as `explain` lists them.
    fn list_actions(&mut self, path: &str, drug: &Part) {
        for action in &drug.body.actions {
            for (name, rate, dimension) in action.mechanism.rates() {
                let reference = rate.provenance.temperature.unwrap_or(drug.body.temperature);
                let step = TemperatureStep::new(reference, drug.temperature, rate.q10);
                let at = Drug { name: "", part: drug, concentration: 0.0 };
                let content = if rate.expr.mentions(drug.layout.voltage()) {
                    Content::Expression { text: rate.text.clone(), factor: step.factor }
                } else {
                    Content::Quantity(Quantity { value: at.value(rate), dimension })
                };
                self.values.push(ResolvedValue {
                    path: format!("{path}.{}.{name}", action.targets.join("+")),
                    content,
                    origin: self.origin(Some(&rate.span)),
                    provenance: drug.body.provenance_of(&rate.provenance),
                    temperature: Some(step),
                });
            }
        }
    }
}
