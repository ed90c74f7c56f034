//! What can be recorded, and how it is called.
//!
//! `clamp.NAME.current`, `drug.NAME.bath`, `CELL.PLACE.v_m`, `CELL.PLACE.ION`, `CELL.PLACE.CHANNEL.current` or `.open`, `SYNAPSE.current`, `SYNAPSE.terminal.QUANTITY`, `SYNAPSE.cleft.TRANSMITTER`,
//! `SYNAPSE.receptor.NAME.QUANTITY` or `.STATE`, `SYNAPSE.clearance.NAME.QUANTITY`; of a plain synapse `SYNAPSE.g`,
//! of one with gap junctions `SYNAPSE.junction.QUANTITY`.

use super::Resolver;
use super::bind::Names;
use crate::diagnostic::Diagnostic;
use crate::read::Read;
use std::collections::HashMap;

/// Of a drug.
pub const OF_DRUG: &[&str] = &["bath"];
/// Of a clamp.
pub const OF_CLAMP: &[&str] = &["current", "voltage"];
/// Of a terminal.
pub const OF_TERMINAL: &[&str] = &[
    "voltage",
    "calcium_current",
    "open_channels",
    "sensor_calcium",
    "calcium",
    "docked",
    "released",
    "capacitance",
    "content",
    "cytosol",
    "precursor",
    "precursor_outside",
];
/// Of a gap junction: the current from `from` to `to`, the conductance, what modulation has made of its strength (1 without).
pub const OF_JUNCTION: &[&str] = &["current", "conductance", "strength"];
/// Of a population of receptors, besides its states.
pub const OF_RECEPTOR: &[&str] = &["open", "conductance", "current", "spread"];
/// Of a kind of transporter or enzyme.
pub const OF_CLEARANCE: &[&str] = &["bound", "turned_over"];

impl Resolver<'_> {
    /// Whether what it uses could not be read, which was said there.
    pub(super) fn lacks_its_entry(&self, read: &Read) -> bool {
        self.partless.contains(&(read.span.file, read.span.range.start))
    }

    pub(super) fn observable(
        &mut self,
        model: &Read,
        read: &Read,
        field: &str,
        synapses: &HashMap<&str, &Read>,
        clamps: &Names,
    ) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let names: Vec<&str> = text.split('.').collect();
        let one_of = |this: &mut Self, what: &str, got: Option<&&str>, known: &[&str]| -> bool {
            let found = got.is_some_and(|g| known.contains(g));
            if !found {
                let known = Names::new(known.iter().copied());
                this.unknown(what, got.copied().unwrap_or_default(), span.clone(), &known);
            }
            found
        };
        let longest = |this: &mut Self, most: usize| {
            if names.len() > most {
                let d = Diagnostic::error(format!("`{text}` goes on after `{}`", names[most - 1]), span.clone());
                this.out.push(d.hint(format!("`{}`", names[..most].join("."))));
            }
        };
        if names[0] == "clamp" {
            let name = names.get(1).copied().unwrap_or_default();
            if clamps.set.contains(name) {
                one_of(self, "quantity of a clamp", names.get(2), OF_CLAMP);
                longest(self, 3);
            } else {
                self.unknown("clamp", name, span.clone(), clamps);
            }
        } else if names[0] == "drug" {
            let drugs = Names::new(model.named("drug").iter().map(|(k, _)| k.name.as_str()));
            let name = names.get(1).copied().unwrap_or_default();
            if drugs.set.contains(name) {
                one_of(self, "quantity of a drug", names.get(2), OF_DRUG);
                longest(self, 3);
            } else {
                self.unknown("drug", name, span.clone(), &drugs);
            }
        } else if let Some(synapse) = synapses.get(names[0]) {
            if self.lacks_its_entry(synapse) {
                return;
            }
            let mut parts: Vec<&str> = ["terminal", "cleft", "receptor", "clearance"]
                .into_iter()
                .filter(|p| synapse.get(p).is_some())
                .collect();
            if synapse.get("conductance").is_some() {
                parts.push("g");
            }
            if synapse.get("junction").is_some() {
                parts.push("junction");
            }
            // Of an electrical synapse the current is that of its junction.
            if parts != ["junction"] {
                parts.push("current");
            }
            if !one_of(self, "part of the synapse", names.get(1), &parts) {
                return;
            }
            match names[1] {
                "terminal" => {
                    one_of(self, "quantity of a terminal", names.get(2), OF_TERMINAL);
                    longest(self, 3);
                }
                "junction" => {
                    one_of(self, "quantity of a junction", names.get(2), OF_JUNCTION);
                    longest(self, 3);
                }
                "cleft" => {
                    let transmitter = synapse.table("cleft").and_then(|c| c.text("transmitter"));
                    one_of(self, "transmitter", names.get(2), &[transmitter.unwrap_or("transmitter")]);
                    longest(self, 3);
                }
                kind @ ("receptor" | "clearance") => {
                    let placed: Vec<&str> = synapse.named(kind).iter().map(|(k, _)| k.name.as_str()).collect();
                    if !one_of(self, kind, names.get(2), &placed) {
                        return;
                    }
                    let used =
                        synapse.named(kind).iter().find(|(k, _)| k.name == names[2]).and_then(|(_, r)| r.text("use"));
                    let entry = used.map(str::to_owned).and_then(|used| self.entry(&used));
                    let states = entry.as_ref().and_then(|e| e.scheme.as_ref()).map(|s| &s.states[..]).unwrap_or(&[]);
                    let own = if kind == "receptor" { OF_RECEPTOR } else { OF_CLEARANCE };
                    let known: Vec<&str> = own.iter().copied().chain(states.iter().map(|s| s.name.as_str())).collect();
                    one_of(self, "quantity or state", names.get(3), &known);
                    longest(self, 4);
                }
                _ => longest(self, 2),
            }
        } else if let Some((_, cell)) = model.named("cell").iter().find(|(k, _)| k.name == super::member(text).0) {
            // A position may hold a point of its own, `dend(0.4)`.
            let (name, _, rest) = super::member(text);
            let rest = rest.unwrap_or_default();
            self.numbered(text, &span.clone(), model);
            if rest == "rate" {
                self.fires(name, &span.clone(), model);
                return;
            }
            if self.many(text, &span.clone(), model) {
                return;
            }
            if rest == "v_m" {
                if field != "read" {
                    let message = format!("`{text}` is of the whole cell, and a measure is of one place");
                    self.out
                        .push(Diagnostic::error(message, span.clone()).hint(format!("e.g. `{}.soma.v_m`", names[0])));
                }
                return;
            }
            let Some((place, quantity)) = rest.rsplit_once('.').filter(|(_, q)| !q.contains(')')) else {
                let hint = format!("e.g. `{}.soma.v_m`", names[0]);
                let d = Diagnostic::error(format!("`{text}` names a cell, but not what of it"), span.clone());
                self.out.push(d.hint(hint));
                return;
            };
            let mut place = place;
            if quantity == "current" || quantity == "open" {
                let Some((before, channel)) = place.rsplit_once('.') else {
                    let hint = format!("`{}.{place}.CHANNEL.{quantity}`", names[0]);
                    let d = Diagnostic::error(format!("`{text}` does not say of which channel"), span.clone());
                    self.out.push(d.hint(hint));
                    return;
                };
                place = before;
                if self.lacks_its_entry(cell) {
                    return;
                }
                let channels: Vec<&str> = cell.named("channel").iter().map(|(k, _)| k.name.as_str()).collect();
                one_of(self, "channel", Some(&channel), &channels);
            } else {
                let ions = self.pooled(cell);
                let model = cell.table("point").and_then(|p| p.word("model"));
                let adapts = model.filter(|m| *m == "adex" || *m == "izhikevich").map(|_| "w");
                let known: Vec<&str> =
                    std::iter::once("v_m").chain(adapts).chain(ions.iter().map(|p| p.1.as_str())).collect();
                one_of(self, "quantity of a cell", Some(&quantity), &known);
            }
            if self.lacks_its_entry(cell) {
                return;
            }
            let section = place.split('(').next().unwrap_or(place);
            // With its recipe a synapse lacks the spine that would be called as it is.
            let unsaid = synapses.get(section).is_some_and(|s| self.lacks_its_entry(s));
            if !unsaid {
                self.spot(name, place, span, (model, true));
            }
        } else {
            let cells = model.named("cell").iter().map(|(k, _)| k.name.as_str());
            let mut list: Vec<&str> = cells.chain(synapses.keys().copied()).collect();
            list.sort_unstable();
            let known = Names::new(list.into_iter());
            self.unknown("cell or synapse", names[0], span.clone(), &known);
        }
    }
}
