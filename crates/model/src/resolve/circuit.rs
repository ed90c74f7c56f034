//! Circuits: one of many cells by its number, who is connected with whom, where cells lie.

use super::Resolver;
use super::junction::electrical;
use crate::diagnostic::{Diagnostic, Span};
use crate::morphology::locset::{NoPlace, Where};
use crate::read::Read;

/// Rules of `connect`.
const RULES: [&str; 7] = ["all", "each", "ring", "probability", "indegree", "outdegree", "pairs"];
/// Rules of `arrangement`.
const ARRANGEMENTS: [&str; 4] = ["line", "ring", "grid", "box"];

/// The cell that a path begins with, the number in `pyr[3]`, and what comes after the point.
#[must_use]
pub fn member(path: &str) -> (&str, Option<&str>, Option<&str>) {
    let (cell, rest) = path.split_once('.').map_or((path.trim(), None), |(c, r)| (c.trim(), Some(r)));
    match cell.split_once('[') {
        Some((name, number)) => (name.trim(), number.strip_suffix(']').map(str::trim).or(Some(number)), rest),
        None => (cell, None, rest),
    }
}

/// How many cells there are of a name.
pub(super) fn count(model: &Read, cell: &str) -> u64 {
    of(model, cell).and_then(|c| c.count("count")).copied().unwrap_or(1)
}

pub(super) fn of<'a>(model: &'a Read, cell: &str) -> Option<&'a Read> {
    model.named("cell").iter().find(|(k, _)| k.name == cell).map(|(_, c)| c)
}

/// Whether a cell only spikes.
pub(super) fn spikes(cell: &Read) -> bool {
    ["times", "train", "rate"].iter().any(|f| cell.get(f).is_some())
}

/// Rules that are said.
fn rules(connect: &Read) -> Vec<&'static str> {
    RULES.into_iter().filter(|f| connect.get(f).is_some()).collect()
}

/// `n` cells, in words.
fn cells(n: u64) -> String {
    if n == 1 { "one cell".to_owned() } else { format!("{n} cells") }
}

impl Resolver<'_> {
    /// Whether the number of `pyr[3]` is one of a cell of that name.
    pub(super) fn numbered(&mut self, path: &str, span: &Span, model: &Read) {
        let (cell, Some(number), _) = member(path) else { return };
        let Some(said) = of(model, cell) else { return }; // said by who looks it up
        let n = count(model, cell);
        if spikes(said) && n > 1 {
            let message = format!("`{cell}[{number}]`: `{cell}` only spikes, and its senders have no numbers");
            let hint = format!("`{cell}` for all of them, or a cell of its own for one");
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            return;
        }
        if number.parse::<u64>().is_ok_and(|k| k < n) {
            return;
        }
        let message = format!("`{cell}[{number}]`: `{cell}` is {}, counted from 0", cells(n));
        let hint = if n > 1 { format!("`{cell}[0]` to `{cell}[{}]`", n - 1) } else { format!("`{cell}`") };
        self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
    }

    /// Says so if the firing rate of a cell is asked for whose spikes are given.
    pub(super) fn fires(&mut self, cell: &str, span: &Span, model: &Read) {
        if of(model, cell).is_some_and(|c| spikes(c) || c.get("course").is_some()) {
            let message = format!("what `{cell}` does is given, and so is its rate");
            let hint = "the rate of a cell with a `membrane` or a `point`";
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
    }

    /// Says so if a path is of many cells where one is wanted; whether it is.
    pub(super) fn many(&mut self, path: &str, span: &Span, model: &Read) -> bool {
        let (cell, number, rest) = member(path);
        let n = count(model, cell);
        if number.is_some() || n == 1 {
            return false;
        }
        let message = format!("`{path}` is of {}", cells(n));
        let after = rest.map_or(String::new(), |rest| format!(".{rest}"));
        let hint = format!("say which, from 0: `{cell}[0]{after}`");
        self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        true
    }

    /// What must hold of a synapse between populations.
    pub(super) fn between(&mut self, name: &str, synapse: &Read, model: &Read) {
        let plain = synapse.get("conductance").is_some() || synapse.get("current").is_some();
        let place = |f: &str| synapse.span_of(f).unwrap_or(&synapse.span).clone();
        let connect = synapse.table("connect");
        let junction = synapse.get("junction").is_some();
        let electrical = electrical(synapse);
        if !plain && !electrical {
            if let Some(span) = synapse.span_of("velocity") {
                let message = format!("`{name}` is a synapse of molecules, and `velocity` is of plain ones");
                self.out.push(Diagnostic::error(message, span.clone()).hint("a `delay`, the same for all"));
            }
            if let (Some(_), Some(span)) =
                (connect, synapse.get("spine").and(synapse.span_of("use").or(synapse.span_of("spine"))))
            {
                let message = format!("`{name}` has many contacts, and one spine");
                let hint = "without = [\"spine\"], and `to` a group of spines";
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            }
            for end in ["from", "to"] {
                let Some(text) = synapse.text(end) else { continue };
                let spiking = of(model, member(text).0).is_some_and(spikes);
                if let (true, Some(_), "from", false) = (spiking, connect, end, junction) {
                    let message = format!("`{name}` connects cells, and `{}` only spikes", member(text).0);
                    self.out
                        .push(Diagnostic::error(message, place(end)).hint("a sender with a `membrane` or a `point`"));
                }
                // Of senders that only spike there may be many at the level `event`.
                if !spiking && connect.is_none() {
                    self.many(text, &place(end), model);
                }
            }
            if connect.is_none() {
                return;
            }
        }
        let ends = ["from", "to"].map(|f| synapse.text(f).map(member));
        let [Some((from, from_number, _)), Some((to, to_number, on))] = ends else { return };
        let numbers =
            [from_number.map_or_else(|| count(model, from), |_| 1), to_number.map_or_else(|| count(model, to), |_| 1)];
        if let (Some(span), true) = (
            synapse.span_of("velocity").filter(|_| plain),
            [from, to].iter().any(|c| of(model, c).is_some_and(|c| c.get("arrangement").is_none())),
        ) {
            let bare = [from, to].into_iter().find(|c| of(model, c).is_some_and(|c| c.get("arrangement").is_none()));
            let bare = bare.unwrap_or(from);
            let message = format!("the axons of `{name}` have no length: nothing says where `{bare}` lies");
            let hint = format!("cell.{bare}.arrangement = {{ line = \"50 um\" }}, or a `delay` alone");
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
        let Some(connect) = connect else {
            let receives = of(model, to).is_some_and(|c| !spikes(c));
            if receives && numbers[0] > 1 && numbers[1] > 1 {
                let message = format!("`{name}` is from {} to {}", cells(numbers[0]), cells(numbers[1]));
                let hint =
                    "say which are connected: connect = { probability = 0.1 }, { all = true }, { each = true } ...";
                self.out.push(Diagnostic::error(message, place("to")).hint(hint));
            }
            return;
        };
        for (end, number) in [("from", from_number), ("to", to_number)] {
            if number.is_some() {
                let message = format!("`{name}` connects populations, and its `{end}` is one cell");
                let hint = "leave out the number in brackets, or `connect`";
                self.out.push(Diagnostic::error(message, place(end)).hint(hint));
            }
        }
        let joined = junction && from == to;
        self.rule(name, connect, (from, to), numbers, joined);
        if let (true, true, &[rule]) = (joined, electrical, &rules(connect)[..]) {
            self.unordered(name, connect, rule, numbers[0]);
        }
        self.contacts(name, connect, (to, on.unwrap_or("")));
    }

    /// The rule of `connect`. `joined`: whether cells of one population are joined by junctions, none with itself.
    fn rule(&mut self, name: &str, connect: &Read, (from, to): (&str, &str), [n_from, n_to]: [u64; 2], joined: bool) {
        let said = rules(connect);
        let &[rule] = &said[..] else {
            let message = format!("`connect` of `{name}` needs one rule, not {}", said.len());
            let d = Diagnostic::error(message, connect.span.clone());
            self.out.push(d.hint("one of: all, each, ring, probability, indegree, outdegree, pairs"));
            return;
        };
        let at = connect.span_of(rule).unwrap_or(&connect.span).clone();
        let itself = from == to && !connect.flag("self").copied().unwrap_or(false);
        let repeated = connect.flag("repeated").copied().unwrap_or(false);
        let mut fault = |message: String, hint: &str| self.out.push(Diagnostic::error(message, at.clone()).hint(hint));
        let number = connect.count(rule).copied().unwrap_or(0);
        match rule {
            "all" | "each" if connect.flag(rule) == Some(&false) => {
                fault(format!("`{rule} = false` connects nothing"), "another rule");
            }
            "each" if n_from != n_to => {
                let message = format!("`{name}` is from {} to {}, which are no pairs", cells(n_from), cells(n_to));
                fault(message, "as many of both, or another rule");
            }
            "each" if itself => {
                let hint = if joined { "another rule" } else { "`self = true`, or another rule" };
                fault(format!("`{name}` would connect each cell with itself"), hint);
            }
            "ring" if from != to => {
                fault(
                    format!("`{name}` goes from `{from}` to `{to}`, and a ring is of one population"),
                    "another rule",
                );
            }
            "ring" if number >= n_from => {
                let message = format!("`{name}` is a ring of {}: {number} that come next are too many", cells(n_from));
                fault(message, &format!("{} at most", n_from - 1));
            }
            "indegree" | "outdegree" if !repeated => {
                let others = if rule == "indegree" { n_from } else { n_to } - u64::from(itself);
                if number > others {
                    let message = format!("`{name}` wants {number} different cells of {others}");
                    fault(message, "a lower number, or `repeated = true`");
                }
            }
            "pairs" => {
                let wrong = connect
                    .pairs("pairs")
                    .and_then(|pairs| pairs.iter().find(|(a, b)| u64::from(*a) >= n_from || u64::from(*b) >= n_to));
                if let Some((a, b)) = wrong {
                    let message = format!(
                        "`[{a}, {b}]`: `{from}` is {}, `{to}` is {}, counted from 0",
                        cells(n_from),
                        cells(n_to)
                    );
                    fault(message, "numbers below these");
                }
            }
            _ => {}
        }
        for (field, rules) in [("repeated", &["indegree", "outdegree"][..]), ("self", &RULES[..6])] {
            if let Some(span) = connect.span_of(field)
                && !rules.contains(&rule)
            {
                let message = format!("`{field}` says nothing with the rule `{rule}`");
                self.out.push(Diagnostic::error(message, span.clone()).hint("leave it out"));
            }
        }
    }

    /// Where the contacts of a connection sit.
    fn contacts(&mut self, name: &str, connect: &Read, (to, on): (&str, &str)) {
        let (Some(text), Some(span)) = (connect.text("where"), connect.span_of("where")) else { return };
        if let Err(e) = Where::parse(text) {
            let at = span.inside(self.sources, &e.range);
            self.out.push(Diagnostic::error(format!("`where`: {}", e.message), at).maybe_hint(e.hint));
            return;
        }
        let shape = self.shapes.get(to).cloned();
        let sections = shape.as_ref().and_then(|s| s.morphology.region(on.trim()).ok());
        let (Some(shape), Some(sections)) = (shape, sections) else {
            if !self.shapeless.contains(to) {
                let message = format!("the contacts of `{name}` are at `{on}`, which is one place");
                self.out.push(Diagnostic::error(message, span.clone()).hint("a region in `to`, e.g. `pyr.apical`"));
            }
            return;
        };
        let condition = Where::parse(text).ok();
        if shape.morphology.stretches(&sections, condition.as_ref()).iter().all(|s| s.length() <= 0.0) {
            let message = format!("nowhere in `{on}` of `{to}` does that hold");
            self.out.push(Diagnostic::error(message, span.clone()).hint("another condition, or another region"));
        }
    }

    /// Whether an end is a place or, with `connect`, a region of a cell that has a shape.
    pub(super) fn region_to(&mut self, cell: &str, place: &str, synapse: &Read, span: &Span, model: &Read) -> bool {
        if synapse.get("connect").is_none() {
            return false;
        }
        let Some(shape) = self.shapes.get(cell) else { return false };
        if let Some(group) = place.trim().strip_prefix("spines.").filter(|g| !g.contains('[')) {
            let groups = of(model, cell).map_or(&[][..], |c| c.named("spines"));
            if groups.iter().any(|(k, _)| k.name == group) {
                return true;
            }
        }
        if place.contains('(') {
            return false;
        }
        match shape.morphology.region(place.trim()) {
            Ok(_) => true,
            Err(NoPlace { message, hint }) if !place.trim().starts_with("spines.") => {
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
                true
            }
            Err(_) => false,
        }
    }

    /// Where the cells of a population lie.
    pub(super) fn arranged(&mut self, name: &str, cell: &Read) {
        let Some(arrangement) = cell.table("arrangement") else { return };
        let said: Vec<&str> = ARRANGEMENTS.into_iter().filter(|f| arrangement.get(f).is_some()).collect();
        let many = cell.count("count").is_some_and(|n| *n > 1);
        if said.len() > 1 || (many && said.is_empty()) {
            let message = format!("the arrangement of `{name}` needs one rule, not {}", said.len());
            let d = Diagnostic::error(message, arrangement.span.clone());
            self.out.push(d.hint(
                "line = \"50 um\", ring = \"200 um\", grid = \"50 um\" or box = [\"200 um\", \"200 um\", \"50 um\"]",
            ));
        }
        for field in ["box", "centre"] {
            if let (Some(numbers), Some(span)) = (arrangement.numbers(field), arrangement.span_of(field))
                && numbers.len() != 3
            {
                let message = format!("`{field}` of `{name}` has {} numbers", numbers.len());
                self.out.push(Diagnostic::error(message, span.clone()).hint("three, along x, y and z"));
            }
        }
        if let Some(span) = arrangement.span_of("random")
            && arrangement.get("box").is_none()
        {
            let message = format!("`random` of `{name}` says nothing: only in a `box` do cells lie at random");
            self.out.push(Diagnostic::error(message, span.clone()).hint("leave it out"));
        }
    }
}
