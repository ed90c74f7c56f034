//! Names bound, and what must hold between fields.

use super::Resolver;
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::read::Read;

impl Resolver<'_> {
    pub(super) fn bind(&mut self, model: &Read) {
        let cells: Vec<String> = model.named("cell").iter().map(|(k, _)| k.name.clone()).collect();
        let synapses: Vec<String> = model.named("synapse").iter().map(|(k, _)| k.name.clone()).collect();
        let clamps: Vec<String> = model.named("clamp").iter().map(|(k, _)| k.name.clone()).collect();
        for (key, _) in model.named("synapse") {
            if cells.contains(&key.name) {
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
            if !["terminal", "cleft", "receptor"].iter().any(|f| synapse.get(f).is_some()) {
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
            self.either(clamp, &key.name, &key.span, ["hold", "current"], true);
        }
        for (field, table) in [("of", "measure"), ("read", "probe")] {
            for (_, m) in model.named(table) {
                self.observable(m, field, &cells, &synapses, &clamps);
            }
        }
    }

    fn cell(&mut self, name: &str, span: &Span, cell: &Read) {
        let (membrane, times) = (cell.table("membrane"), cell.get("times"));
        match (membrane, times) {
            (None, None) => {
                if cell.text("use").is_some() || cell.span_of("use").is_none() {
                    self.out.push(
                        Diagnostic::error(
                            format!("cell `{name}` has neither a membrane nor spike times"),
                            span.clone(),
                        )
                        .hint("use = \"neuron/...\", a `membrane`, or `times` for a sender that only spikes"),
                    );
                }
            }
            (Some(m), Some(_)) => self.out.push(
                Diagnostic::error(format!("cell `{name}` has a membrane and given spike times"), m.span.clone())
                    .hint("a cell with `times` has no membrane: its spikes are given"),
            ),
            (Some(m), None) => {
                let (area, d, l) = (m.get("area"), m.get("diameter"), m.get("length"));
                if area.is_some() == (d.is_some() || l.is_some()) || d.is_some() != l.is_some() {
                    self.out.push(Diagnostic::error(
                        format!("the membrane of `{name}` needs its `area`, or `diameter` and `length`"),
                        m.span.clone(),
                    ));
                }
                for (key, channel) in cell.named("channel") {
                    self.either(channel, &key.name, &key.span, ["count", "density"], true);
                }
            }
            (None, Some(_)) => {}
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

    fn place(&mut self, read: &Read, field: &str, cells: &[String]) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let cell = text.split('.').next().unwrap_or(text).trim();
        if !cells.iter().any(|c| c == cell) {
            self.unknown("cell", cell, span.clone(), cells);
            return;
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

    fn unknown(&mut self, what: &str, name: &str, span: Span, known: &[String]) {
        let hint = match nearest(name, known) {
            Some(n) => format!("did you mean `{n}`?"),
            None if known.is_empty() => format!("the file has no {what}"),
            None => format!("there is: {}", known.join(", ")),
        };
        self.out.push(Diagnostic::error(format!("no {what} is called `{name}`"), span).hint(hint));
    }

    fn observable(&mut self, read: &Read, field: &str, cells: &[String], synapses: &[String], clamps: &[String]) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let mut names = text.split('.');
        let first = names.next().unwrap_or("");
        if first == "clamp" {
            let name = names.next().unwrap_or("");
            if !clamps.iter().any(|c| c == name) {
                self.unknown("clamp", name, span.clone(), clamps);
            }
            return;
        }
        let known: Vec<String> = cells.iter().chain(synapses).cloned().collect();
        if !known.iter().any(|k| k == first) {
            self.unknown("cell or synapse", first, span.clone(), &known);
        }
    }
}
