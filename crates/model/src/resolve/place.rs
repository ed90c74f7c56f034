//! Places on cells, and what is placed by where it is.

use super::bind::Names;
use super::junction::electrical;
use super::{Resolver, Shape};
use crate::diagnostic::{Diagnostic, Span};
use crate::morphology::locset::{NoPlace, Where};
use crate::morphology::{OnSpines, part_of_spine};
use crate::read::Read;

/// Two ways to say how many spines.
const SPINES: [&str; 2] = ["count", "density"];

impl Resolver<'_> {
    /// A place that a field of `read` names, `receiver.dend(0.4)`.
    pub(super) fn place(&mut self, read: &Read, field: &str, cells: &Names, model: &Read) {
        let (Some(text), Some(span)) = (read.text(field), read.span_of(field)) else { return };
        let (cell, _, rest) = super::member(text);
        self.numbered(text, &span.clone(), model);
        if !cells.set.contains(cell) {
            self.unknown("cell", cell, span.clone(), cells);
        }
        let shaped = self.shapes.contains_key(cell) || self.shapeless.contains(cell);
        match rest {
            // A plain synapse may be one for each of a group of spines.
            Some(rest) if shaped && field == "to" && self.all_spines(model, cell, rest, read) => {}
            // Where contacts may be anywhere; of gap junctions alone at both ends.
            Some(rest)
                if shaped
                    && (field == "to" || electrical(read))
                    && self.region_to(cell, rest, read, &span.clone(), model) => {}
            Some(rest) if shaped => self.spot(cell, rest, &span.clone(), (model, false)),
            // A cell without sections is a point, whatever its parts are called.
            _ => {
                let Some(open) = text.find('(') else { return };
                let inner = text[open + 1..].strip_suffix(')').and_then(|x| x.trim().parse::<f64>().ok());
                if !inner.is_some_and(|x| (0.0..=1.0).contains(&x)) {
                    let message = format!("`{text}`: a position along a section is a number from 0 to 1");
                    self.out.push(Diagnostic::error(message, span.clone()).hint("e.g. `receiver.dend(0.4)`"));
                }
            }
        }
    }

    /// Whether a plain synapse is onto a group of spines as a whole.
    fn all_spines(&self, model: &Read, cell: &str, place: &str, synapse: &Read) -> bool {
        let plain = synapse.get("conductance").is_some() || synapse.get("current").is_some();
        let of = model.named("cell").iter().find(|(k, _)| k.name == cell);
        let group = place.trim().strip_prefix("spines.");
        plain && of.is_some_and(|(_, c)| c.named("spines").iter().any(|(k, _)| Some(k.name.as_str()) == group))
    }

    /// A place on a cell that has a shape. `spines`: whether those of synapses are places.
    pub(super) fn spot(&mut self, cell: &str, place: &str, span: &Span, (model, spines): (&Read, bool)) {
        let Some(shape) = self.shapes.get(cell).cloned() else { return };
        let read = model.named("cell").iter().find(|(k, _)| k.name == cell).map(|(_, c)| c);
        if let Some(rest) = place.trim().strip_prefix("spines.") {
            return self.spine((cell, &shape), rest, span, read);
        }
        let name = place.split('(').next().unwrap_or(place).trim();
        let mut own: Vec<&str> = model
            .named("synapse")
            .iter()
            .filter(|(_, s)| {
                let on = s.text("to").map(|t| super::member(t).0);
                spines && s.get("spine").is_some() && on == Some(cell)
            })
            .map(|(k, _)| k.name.as_str())
            .collect();
        if own.contains(&name) {
            return;
        }
        if let Err(NoPlace { message, hint }) = shape.morphology.place(place) {
            if own.is_empty() || shape.morphology.region(name).is_ok() || shape.file.is_some() {
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
                return;
            }
            own.sort_unstable();
            let sections = shape.morphology.sections.iter().map(|s| s.name.as_str());
            let known = Names::new(sections.chain(own));
            self.unknown("section", name, span.clone(), &known);
        }
    }

    /// `NAME[12]` of a cell's spines, or `NAME[12].neck`.
    fn spine(&mut self, (cell, shape): (&str, &Shape), rest: &str, span: &Span, read: Option<&Read>) {
        let (rest, _) = part_of_spine(rest);
        let known = Names::new(read.into_iter().flat_map(|c| c.named("spines")).map(|(k, _)| k.name.as_str()));
        let (name, index) = rest.split_once('[').map_or((rest.trim(), None), |(n, i)| (n.trim(), Some(i)));
        if !known.set.contains(name) {
            return self.unknown("group of spines", name, span.clone(), &known);
        }
        let number = index.and_then(|i| i.trim_end().strip_suffix(']')?.trim().parse::<u64>().ok());
        if let Some(number) = number {
            let group = read.and_then(|c| c.named("spines").iter().find(|(k, _)| k.name == name));
            let Some(Ok(places)) = group.map(|(_, g)| shape.spines(g)) else { return };
            if number >= places.len() as u64 {
                let message = format!("`spines.{name}` of `{cell}` are {}, from 0", places.len());
                self.out.push(Diagnostic::error(message, span.clone()).hint("a lower number, or more spines"));
            }
        } else {
            let message = format!("`spines.{name}` of `{cell}` are many");
            let hint = format!("say which, from 0: `{cell}.spines.{name}[0]`");
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
    }

    /// What is placed on a cell by where it is.
    pub(super) fn placed(&mut self, name: &str, cell: &Read) {
        for (key, channel) in cell.named("channel") {
            if let Some(span) = channel.span_of("where")
                && !self.shapes.contains_key(name)
                && !self.shapeless.contains(name)
            {
                let message = format!("`{}` is placed by where it is, but `{name}` is one compartment", key.name);
                self.out.push(Diagnostic::error(message, span.clone()).hint("leave `where` out"));
            }
            self.regions((name, cell), channel);
        }
        if let Some(rules) = cell.table("discretisation") {
            let said: Vec<&str> =
                ["d_lambda", "length", "count"].into_iter().filter(|f| rules.get(f).is_some()).collect();
            if said.len() != 1 {
                let message = format!("the discretisation of `{name}` needs one rule, not {}", said.len());
                let hint = "{ d_lambda = 0.1 }, { length = \"10 um\" } or { count = 3 }";
                self.out.push(Diagnostic::error(message, rules.span.clone()).hint(hint));
            }
        }
        for (_, region) in cell.table("membrane").map_or(&[][..], |m| m.named("region")) {
            self.regions((name, cell), region);
        }
        for (key, spines) in cell.named("spines") {
            self.either(spines, &key.name, &key.span, SPINES, true);
            self.stands(name, spines);
            if !self.shapes.contains_key(name) && !self.shapeless.contains(name) {
                let message = format!("`{name}` has spines, but no sections that could bear them");
                self.out.push(Diagnostic::error(message, key.span.clone()).hint("a `morphology`, or sections"));
            }
            let known = spines
                .texts("on")
                .iter()
                .all(|(r, _)| self.shapes.get(name).is_some_and(|s| s.morphology.region(r).is_ok()));
            if let (true, Some(shape)) = (known, self.shapes.get(name).cloned())
                && let Err(NoPlace { message, hint }) = shape.spines(spines)
            {
                self.out.push(Diagnostic::error(message, key.span.clone()).hint(hint));
            }
        }
    }

    /// The regions of `on`, those of spines among them, and the condition of `where`.
    pub(super) fn regions(&mut self, (name, cell): (&str, &Read), placed: &Read) {
        let of_spines: Vec<bool> =
            placed.texts("on").iter().map(|(region, place)| self.on_spines((name, cell), region, place)).collect();
        if of_spines.contains(&false) || of_spines.is_empty() {
            self.stands(name, placed);
        } else {
            self.condition(placed);
        }
    }

    /// The regions of `on` but those of spines, and the condition of `where`.
    fn stands(&mut self, cell: &str, placed: &Read) {
        let own = |(region, _): &&(String, Span)| OnSpines::parse(region).is_none();
        if let Some(shape) = self.shapes.get(cell).cloned() {
            for (region, place) in placed.texts("on").iter().filter(own) {
                if let Err(NoPlace { message, hint }) = shape.morphology.region(region) {
                    self.out.push(Diagnostic::error(message, place.clone()).hint(hint));
                }
            }
        } else if !self.shapeless.contains(cell) {
            for (region, place) in placed.texts("on").iter().filter(own) {
                self.unknown("section", region, place.clone(), &Names::new(std::iter::empty()));
            }
        }
        self.condition(placed);
    }

    fn condition(&mut self, placed: &Read) {
        if let (Some(text), Some(span)) = (placed.text("where"), placed.span_of("where"))
            && let Err(e) = Where::parse(text)
        {
            let at = span.inside(self.sources, &e.range);
            self.out.push(Diagnostic::error(format!("`where`: {}", e.message), at).maybe_hint(e.hint));
        }
    }
}
