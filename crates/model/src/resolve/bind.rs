//! Names bound, and what must hold between fields.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::read::Read;
use std::collections::{HashMap, HashSet};

/// Names of one kind.
struct Names {
    list: Vec<String>,
    set: HashSet<String>,
}

impl Names {
    fn new<'a>(all: impl Iterator<Item = &'a str>) -> Self {
        let list: Vec<String> = all.map(str::to_owned).collect();
        let set = list.iter().cloned().collect();
        Self { list, set }
    }
}

impl Resolver<'_> {
    pub(super) fn bind(&mut self, model: &Read) {
        let of = |table: &'static str| Names::new(model.named(table).iter().map(|(k, _)| k.name.as_str()));
        let (cells, clamps) = (of("cell"), of("clamp"));
        let synapses: HashMap<&str, &Read> = model.named("synapse").iter().map(|(k, s)| (k.name.as_str(), s)).collect();
        let spiking: HashSet<&str> = model
            .named("cell")
            .iter()
            .filter(|(_, c)| c.get("times").is_some())
            .map(|(k, _)| k.name.as_str())
            .collect();
        for (key, _) in model.named("synapse") {
            if cells.set.contains(&key.name) {
                self.out.push(
                    Diagnostic::error(format!("`{}` is a cell and a synapse", key.name), key.span.clone())
                        .hint("paths such as a probe's `read` need them to differ"),
                );
            }
        }
        for (key, cell) in model.named("cell") {
            self.cell(&key.name, &key.span, cell);
        }
        for (key, synapse) in model.named("synapse") {
            self.place(synapse, "from", &cells);
            self.place(synapse, "to", &cells);
            self.transmitter(synapse);
            let recipe = synapse.get("use").is_some();
            if !recipe && !["terminal", "cleft", "receptor"].iter().any(|f| synapse.get(f).is_some()) {
                self.out.push(
                    Diagnostic::error(format!("synapse `{}` has no parts", key.name), key.span.clone())
                        .hint("use = \"synapse/...\" or a `terminal`, `cleft` and `receptor` of its own"),
                );
            }
            for (name, receptor) in synapse.named("receptor") {
                self.either(receptor, &name.name, &name.span, ["count", "density"], true);
            }
            if let Some(terminal) = synapse.table("terminal") {
                for (name, channel) in terminal.named("channel") {
                    self.either(channel, &name.name, &name.span, ["count", "density"], true);
                }
            }
        }
        for (key, clamp) in model.named("clamp") {
            self.place(clamp, "at", &cells);
            if let (Some(at), Some(span)) = (clamp.text("at"), clamp.span_of("at"))
                && let Some(cell) = at.split('.').next().filter(|c| spiking.contains(c))
            {
                self.out.push(
                    Diagnostic::error(format!("`{cell}` only spikes: there is no membrane to clamp"), span.clone())
                        .hint("clamp a cell that has a `membrane`"),
                );
            }
            self.either(clamp, &key.name, &key.span, ["hold", "current"], true);
        }
        for (field, table) in [("of", "measure"), ("read", "probe")] {
            for (_, m) in model.named(table) {
                self.observable(m, field, &cells, &synapses, &clamps);
            }
        }
    }

    fn cell(&mut self, name: &str, span: &Span, cell: &Read) {
        let times = cell.span_of("times");
        match (cell.get("membrane"), times) {
            (None, None) if cell.get("use").is_none() => {
                self.out.push(
                    Diagnostic::error(format!("cell `{name}` has neither a membrane nor spike times"), span.clone())
                        .hint("use = \"neuron/...\", a `membrane`, or `times` for a sender that only spikes"),
                );
            }
            (Some(_), Some(times)) => self.out.push(
                Diagnostic::error(format!("cell `{name}` has a membrane and given spike times"), times.clone())
                    .hint("a cell with `times` has no membrane: its spikes are given"),
            ),
            _ => {}
        }
        if let (Some(m), None) = (cell.table("membrane"), times) {
            let (area, d, l) = (m.get("area"), m.get("diameter"), m.get("length"));
            if area.is_some() == (d.is_some() || l.is_some()) || d.is_some() != l.is_some() {
                self.out.push(Diagnostic::error(
                    format!("the membrane of `{name}` needs its `area`, or `diameter` and `length`"),
                    m.span.clone(),
                ));
            }
        }
        for (key, channel) in cell.named("channel") {
            self.either(channel, &key.name, &key.span, ["count", "density"], true);
        }
        if let Some(times) = cell.numbers("times") {
            for pair in times.windows(2) {
                if pair[1].value() < pair[0].value()
                    && let Some(span) = &pair[1].span
                {
                    self.out.push(
                        Diagnostic::error(
                            format!("spike times go back: {} after {}", pair[1].written, pair[0].written),
                            span.clone(),
                        )
                        .hint("write them in order"),
                    );
                }
            }
        }
    }

    /// Exactly one of two fields, or (not `needed`) at most one.
    fn either(&mut self, read: &Read, name: &str, span: &Span, fields: [&str; 2], needed: bool) {
        let given = fields.map(|f| read.span_of(f));
        match given {
            [Some(_), Some(second)] => self.out.push(
                Diagnostic::error(format!("`{name}` has both `{}` and `{}`", fields[0], fields[1]), second.clone())
                    .hint("give one of them"),
            ),
            [None, None] if needed => self
                .out
                .push(Diagnostic::error(format!("`{name}` needs `{}` or `{}`", fields[0], fields[1]), span.clone())),
            _ => {}
        }
    }

    fn place(&mut self, read: &Read, field: &str, cells: &Names) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let cell = text.split('.').next().unwrap_or(text).trim();
        if !cells.set.contains(cell) {
            self.unknown("cell", cell, span.clone(), cells);
        }
        if let Some(open) = text.find('(') {
            let inner = text[open + 1..].strip_suffix(')').and_then(|x| x.trim().parse::<f64>().ok());
            if !inner.is_some_and(|x| (0.0..=1.0).contains(&x)) {
                self.out.push(
                    Diagnostic::error(
                        format!("`{text}`: a position along a section is a number from 0 to 1"),
                        span.clone(),
                    )
                    .hint("e.g. `receiver.dend(0.4)`"),
                );
            }
        }
    }

    fn unknown(&mut self, what: &str, name: &str, span: Span, known: &Names) {
        let few = |list: &[String]| list.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let hint = match if self.out.crowded() { None } else { nearest(name, &known.list) } {
            Some(n) => format!("did you mean `{n}`?"),
            None if known.list.is_empty() => format!("the file has no {what}"),
            None => format!("there is: {}", few(&known.list)),
        };
        self.out.push(Diagnostic::error(format!("no {what} is called `{name}`"), span).hint(hint));
    }

    /// What is released must be what the receptors bind and the transporters carry.
    fn transmitter(&mut self, synapse: &Read) {
        let Some(transmitter) = synapse.table("cleft").and_then(|c| c.text("transmitter")) else { return };
        let transmitter = transmitter.to_owned();
        for (table, verb) in [("receptor", "binds"), ("clearance", "takes up")] {
            for (_, placed) in synapse.named(table) {
                let (Some(used), Some(span)) = (placed.text("use"), placed.span_of("use")) else { continue };
                let Some(entry) = self.entry(used) else { continue };
                let substrate = entry.body.table("transport").and_then(|t| t.text("substrate"));
                let ligands: Vec<&str> = match substrate {
                    Some(s) => vec![s],
                    None => entry.ligands().iter().map(String::as_str).collect(),
                };
                if !ligands.contains(&transmitter.as_str()) {
                    self.out.push(
                        Diagnostic::error(
                            format!("`{used}` {verb} {}, but the cleft holds {transmitter}", ligands.join(" and ")),
                            span.clone(),
                        )
                        .hint("change the cleft's `transmitter`, or use another entry"),
                    );
                }
            }
        }
    }

    fn observable(&mut self, read: &Read, field: &str, cells: &Names, synapses: &HashMap<&str, &Read>, clamps: &Names) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let names: Vec<&str> = text.split('.').collect();
        let one_of = |this: &mut Self, what: &str, got: Option<&&str>, known: &[&str]| {
            if !got.is_some_and(|g| known.contains(g)) {
                let known = Names::new(known.iter().copied());
                this.unknown(what, got.copied().unwrap_or_default(), span.clone(), &known);
            }
        };
        if names[0] == "clamp" {
            let name = names.get(1).copied().unwrap_or_default();
            if clamps.set.contains(name) {
                one_of(self, "quantity of a clamp", names.get(2), &["current", "voltage"]);
            } else {
                self.unknown("clamp", name, span.clone(), clamps);
            }
        } else if let Some(synapse) = synapses.get(names[0]) {
            let parts: Vec<&str> = ["terminal", "cleft", "receptor", "clearance"]
                .into_iter()
                .filter(|p| synapse.get(p).is_some())
                .collect();
            one_of(self, "part of the synapse", names.get(1), &parts);
            if let Some(kind @ ("receptor" | "clearance")) = names.get(1).copied() {
                let placed: Vec<&str> = synapse.named(kind).iter().map(|(k, _)| k.name.as_str()).collect();
                one_of(self, kind, names.get(2), &placed);
            }
        } else if !cells.set.contains(names[0]) {
            let mut list: Vec<&str> = cells.list.iter().map(String::as_str).chain(synapses.keys().copied()).collect();
            list.sort_unstable();
            let known = Names::new(list.into_iter());
            self.unknown("cell or synapse", names[0], span.clone(), &known);
        } else if names.len() < 2 {
            self.out.push(
                Diagnostic::error(format!("`{text}` names a cell, but not what of it"), span.clone())
                    .hint(format!("e.g. `{text}.soma.v_m`")),
            );
        }
    }
}
