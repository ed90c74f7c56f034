//! Electrical and mixed synapses: what their gap junctions can be, and between whom.

use super::bind::Names;
use super::circuit::{count, member, of, spikes};
use super::{Resolver, plain::MOLECULES};
use crate::diagnostic::{Diagnostic, Span};
use crate::read::{Number, Read};

/// How strong a junction is.
const STRENGTHS: [&str; 3] = ["conductance", "channels", "coupling"];
/// What alone is of a modulation by a messenger, and by events.
const OF_MESSENGERS: [&str; 2] = ["messenger", "ec50"];
const OF_EVENTS: [&str; 2] = ["half", "trace"];

/// Whether a synapse has gap junctions and nothing else.
#[must_use]
pub fn electrical(synapse: &Read) -> bool {
    let chemical = MOLECULES.iter().chain(&["conductance", "current"]).any(|f| synapse.get(f).is_some());
    synapse.get("junction").is_some() && !chemical
}

impl Resolver<'_> {
    /// What must hold of a synapse with a `junction`.
    pub(super) fn junction(&mut self, name: &str, synapse: &Read, model: &Read) {
        let Some(junction) = synapse.table("junction") else { return };
        if self.lacks_its_entry(synapse) {
            return;
        }
        self.strength(name, junction);
        self.joined(name, synapse, model);
        if electrical(synapse) {
            self.at_once(name, synapse);
        }
        for (key, modulation) in junction.named("modulation") {
            self.modulation((name, &key.name), modulation, synapse, model);
        }
    }

    /// One strength, and all that it needs.
    fn strength(&mut self, name: &str, junction: &Read) {
        let said: Vec<(&str, &Span)> = STRENGTHS.into_iter().filter_map(|f| Some((f, junction.span_of(f)?))).collect();
        match said[..] {
            [] => {
                let d = Diagnostic::error(
                    format!("nothing says how strong the junction of `{name}` is"),
                    junction.span.clone(),
                );
                self.out.push(d.hint("conductance = \"0.5 nS\", or channels = 300, or coupling = 0.05"));
            }
            [(first, _), (second, span), ..] => {
                let message = format!("the junction of `{name}` has both `{first}` and `{second}`");
                self.out.push(Diagnostic::error(message, span.clone()).hint("give one of them"));
            }
            _ => {}
        }
        for field in ["open", "unitary"] {
            if let (Some(span), None) = (junction.span_of(field), junction.get("channels")) {
                let message = format!("`{field}` says nothing without `channels`");
                self.out.push(Diagnostic::error(message, span.clone()).hint("channels = 300, or leave it out"));
            }
        }
        if let (Some(c), Some(span)) = (junction.number("coupling"), junction.span_of("coupling"))
            && c.value() >= 1.0
        {
            let message = "a coupling of 1 takes an infinite conductance: some of what comes in always leaks";
            self.out.push(Diagnostic::error(message, span.clone()).hint("less than 1; 0.02 to 0.2 is common"));
        }
        let used = junction.text("use").map(str::to_owned);
        if let (Some(span), None) = (junction.span_of("parameter"), &used) {
            let message = format!("the junction of `{name}` uses no entry that has a parameter");
            self.out.push(Diagnostic::error(message, span.clone()).hint("use = \"connexin/...\""));
        }
        let Some(span) = junction.span_of("channels").filter(|_| junction.get("unitary").is_none()) else { return };
        let conducts = match &used {
            None => false,
            Some(used) => match self.entry(used) {
                Some(entry) => {
                    let own = entry.body.table("junction").is_some_and(|j| j.get("unitary").is_some());
                    own || !entry.body.named_numbers("conductance").is_empty()
                }
                None => return, // said where it is read
            },
        };
        if !conducts {
            let message = format!("`{name}` counts its channels, and nothing says what one conducts");
            let hint = match used {
                Some(used) => format!("`{used}` does not know it: unitary = \"14 pS\""),
                None => "unitary = \"14 pS\", or use = \"connexin/...\"".to_owned(),
            };
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
    }

    /// Between whom it is: two cells, each with a membrane.
    fn joined(&mut self, name: &str, synapse: &Read, model: &Read) {
        let place = |f: &str| synapse.span_of(f).unwrap_or(&synapse.span).clone();
        let connect = synapse.table("connect");
        let mut given = false;
        for end in ["from", "to"] {
            let Some(cell) = synapse.text(end).map(|t| member(t).0) else { continue };
            let Some(said) = of(model, cell) else { continue };
            let (message, hint) = if spikes(said) {
                (
                    format!("`{cell}` only spikes: there is no membrane for the junction of `{name}`"),
                    "a cell with a `membrane` or a `point`",
                )
            } else if said.get("course").is_some() {
                (
                    format!(
                        "the voltage of `{cell}` is given: no current through the junction of `{name}` would change it"
                    ),
                    "a cell with a `membrane`, and a clamp with `hold` on it",
                )
            } else {
                continue;
            };
            given = true;
            self.out.push(Diagnostic::error(message, place(end)).hint(hint));
        }
        let ends = ["from", "to"].map(|f| synapse.text(f).map(member));
        let [Some((from, from_number, _)), Some((to, to_number, _))] = ends else { return };
        if given || from != to || of(model, from).is_none() {
            return;
        }
        let alone = count(model, from) == 1;
        if alone || connect.is_none() && from_number.is_some() && from_number == to_number {
            let whom = if alone { from.to_owned() } else { format!("{from}[{}]", from_number.unwrap_or_default()) };
            let message = format!("`{name}` joins `{whom}` with itself");
            let hint = "two cells; from place to place of one cell, current passes along its sections";
            self.out.push(Diagnostic::error(message, place("to")).hint(hint));
            return;
        }
        if let Some(span) = connect.and_then(|c| c.span_of("self").filter(|_| c.flag("self") == Some(&true))) {
            let message = format!("`{name}` would join cells with themselves");
            self.out.push(
                Diagnostic::error(message, span.clone()).hint("leave `self` out: such a junction carries nothing"),
            );
        }
        let (Some(connect), true) = (connect, electrical(synapse)) else { return };
        // A junction has no direction; what is chemical beside it has one.
        for rule in ["indegree", "outdegree"] {
            if let Some(span) = connect.span_of(rule) {
                let message =
                    format!("`{rule}` counts contacts of one direction, and the junctions of `{name}` have none");
                let n = count(model, from);
                let p = connect.count(rule).map_or(0.1, |k| (*k as f64 / (n - 1).max(1) as f64).min(1.0));
                let hint = format!("connect = {{ probability = {p:.3} }} joins each cell with as many in the mean");
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            }
        }
        self.sided(name, synapse, connect, from);
    }

    /// Which of two cells of one population is on which side, where that matters.
    fn sided(&mut self, name: &str, synapse: &Read, connect: &Read, cells: &str) {
        let Some(used) = synapse.table("junction").and_then(|j| j.text("use")).map(str::to_owned) else { return };
        let Some(span) = ["all", "probability"].iter().find_map(|rule| connect.span_of(rule)) else { return };
        let two = |e: &crate::catalogue::Entry| e.body.table("junction").is_some_and(|j| j.get("sides").is_some());
        if self.entry(&used).is_some_and(|e| two(&e)) {
            let message = format!("the sides of `{used}` differ, and both are in `{cells}`");
            let hint = format!(
                "as it stands the cell with the lower number is on the side of `from`; `pairs` of `{name}` say it one by one"
            );
            self.out.push(Diagnostic::warning(message, span.clone()).hint(hint));
        }
    }

    /// What an electrical synapse has not: conduction, active zones, detail.
    fn at_once(&mut self, name: &str, synapse: &Read) {
        let mut fault = |field: &str, message: String, hint: &str| {
            if let Some(span) = synapse.span_of(field) {
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            }
        };
        for field in ["delay", "velocity"] {
            let message = format!("`{name}` is electrical: its current passes at once, and has no `{field}`");
            fault(field, message, "leave it out");
        }
        let message = format!("`{name}` is electrical, of which there is one level of detail");
        fault("detail", message, "leave `detail` out");
        if synapse.count("zones").is_some_and(|n| *n > 1) {
            let message = format!("`{name}` is electrical, and has no active zones");
            fault("zones", message, "more `channels`, or a higher `conductance`");
        }
    }

    /// A rule of `connect` that is of unordered pairs, as junctions within one population are.
    pub(super) fn unordered(&mut self, name: &str, connect: &Read, rule: &str, n: u64) {
        let Some(at) = connect.span_of(rule) else { return };
        let mut fault = |message: String, hint: &str| self.out.push(Diagnostic::error(message, at.clone()).hint(hint));
        if rule == "ring" {
            let k = connect.count("ring").copied().unwrap_or(0);
            if k < n && k > n / 2 {
                let message =
                    format!("`{name}` is a ring of {n} cells: from {} on, junctions are the same again", n / 2 + 1);
                fault(message, &format!("{} at most, or `all = true`", n / 2));
            }
            return;
        }
        let pairs = connect.pairs("pairs").map_or(&[][..], |p| &p[..]);
        if let Some((a, _)) = pairs.iter().find(|(a, b)| a == b) {
            fault(format!("`[{a}, {a}]`: `{name}` would join a cell with itself"), "leave the pair out");
        }
        let mut seen = std::collections::HashMap::new();
        for &(a, b) in pairs.iter().filter(|(a, b)| a != b) {
            if let Some((c, d)) = seen.insert((a.min(b), a.max(b)), (a, b)) {
                let message = format!("`[{c}, {d}]` and `[{a}, {b}]` are the same junction of `{name}`");
                fault(message, "one of them, and a higher conductance if there is more than one");
                break;
            }
        }
    }

    /// What changes the strength of a junction for longer.
    fn modulation(&mut self, (synapse_name, name): (&str, &str), read: &Read, synapse: &Read, model: &Read) {
        let Some(by) = read.word("by") else { return };
        let messenger = by == "messenger";
        let (needed, idle) = if messenger { (OF_MESSENGERS, OF_EVENTS) } else { (OF_EVENTS, OF_MESSENGERS) };
        for field in needed.into_iter().filter(|f| read.get(f).is_none()) {
            let example = match field {
                "messenger" => "messenger = \"dopamine\", and drug.dopamine = { bath = \"1 uM\" }",
                "ec50" => "ec50 = \"1 uM\"",
                "half" => "half = 20, the action potentials in the trace that do half",
                _ => "trace = \"1 s\"",
            };
            let message = format!("`{name}` is driven by {}, and has no `{field}`", driver(by));
            self.out.push(Diagnostic::error(message, read.span.clone()).hint(example));
        }
        for field in idle {
            if let Some(span) = read.span_of(field) {
                let message = format!("`{name}` is driven by {}, of which `{field}` says nothing", driver(by));
                self.out.push(Diagnostic::error(message, span.clone()).hint("leave it out"));
            }
        }
        let at = read.span_of("by").unwrap_or(&read.span).clone();
        if by == "release" && electrical(synapse) {
            let message = format!("`{synapse_name}` is electrical, and releases nothing that could drive `{name}`");
            self.out.push(Diagnostic::error(message, at).hint("by = \"from\": action potentials of the sender"));
        }
        let (Some(drug), Some(span)) = (read.text("messenger").filter(|_| messenger), read.span_of("messenger")) else {
            return;
        };
        let drugs = Names::new(model.named("drug").iter().map(|(k, _)| k.name.as_str()));
        if !drugs.set.contains(drug) {
            return self.unknown("drug", drug, span.clone(), &drugs);
        }
        let bath = model.named("drug").iter().find(|(k, _)| k.name == drug).map(|(_, d)| d);
        let first = bath.and_then(|d| {
            let scheduled = d.table("schedule").and_then(|s| s.numbers("baths")).and_then(|b| b.first());
            d.number("bath").or(scheduled).map(Number::value)
        });
        if read.get("forget").is_none() && first.is_some_and(|c| c > 0.0) {
            let message = format!(
                "`{name}` is never forgotten: when a trial begins all channels are modified, however little `{drug}` there is"
            );
            let hint = format!("forget = \"10 min\", or a schedule of `{drug}` that begins at 0");
            self.out.push(Diagnostic::error(message, read.span.clone()).hint(hint));
        }
    }

    /// Whether somebody reads a messenger, which is what a drug without `use` is.
    pub(super) fn messengers(&mut self, model: &Read) {
        let read = |drug: &str| {
            let of = |s: &Read| {
                let all = s.table("junction").map_or(&[][..], |j| j.named("modulation"));
                all.iter().any(|(_, m)| m.text("messenger") == Some(drug))
            };
            model.named("synapse").iter().any(|(_, s)| of(s))
        };
        for (key, drug) in model.named("drug").iter().filter(|(_, d)| d.get("use").is_none()) {
            let lacking = model.named("synapse").iter().any(|(_, s)| self.lacks_its_entry(s));
            if !read(&key.name) && !lacking {
                let message =
                    format!("`drug.{}` has no `use`, and no `modulation` names it as its messenger", key.name);
                self.out.push(Diagnostic::error(message, key.span.clone()).hint("use = \"drug/...\""));
            }
            for field in ["incubation", "inactivated", "parameter"] {
                if let Some(span) = drug.span_of(field) {
                    let message = format!("`drug.{}` is a messenger, of which `{field}` says nothing", key.name);
                    self.out.push(Diagnostic::error(message, span.clone()).hint("leave it out, or use = \"drug/...\""));
                }
            }
        }
    }
}

/// What drives a modulation, in words.
fn driver(by: &str) -> &'static str {
    match by {
        "messenger" => "a messenger",
        "release" => "vesicles",
        _ => "action potentials",
    }
}
