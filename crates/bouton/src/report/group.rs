//! Facts in the order in which a reader asks for them: what was released, then where the transmitter went; said once of
//! all conditions where they agree to the digit.

use super::numbers::estimate;
use crate::recording::{Fact, Recording};

/// Facts that belong together.
pub struct Group<'a> {
    /// The synapse or whatever they are of; empty where the facts do not say.
    pub of: &'a str,
    /// The conditions that say so; empty where all agree.
    pub conditions: Vec<usize>,
    /// The note of all of them, where they have the same and are parts of a whole.
    pub note: Option<&'a str>,
    /// Shares of a whole.
    pub shares: bool,
    /// The facts.
    pub facts: Vec<&'a Fact>,
}

/// Whose a fact is, and what it says: `contact: release probability`.
pub fn split(name: &str) -> (&str, &str) {
    name.split_once(": ").unwrap_or(("", name))
}

/// Whether a fact is a part of a whole, as the ways that the transmitter went are.
pub fn is_share(f: &Fact) -> bool {
    f.unit == "%" && !f.low.is_finite()
}

/// Whether a fact is about cells and who is connected with them.
fn of_cells(f: &Fact) -> bool {
    let keys =
        [".spikes", ".rate", ".interval_cv", ".connections", ".order_parameter", ".phase_consistency", ".period"];
    keys.iter().any(|key| f.key.ends_with(key))
        || [".synchrony", ".phase_lag.", ".phase_locking."].iter().any(|key| f.key.contains(key))
}

fn written(f: &Fact) -> (String, Option<(String, String)>) {
    estimate(f.value, f.low, f.high, &f.unit)
}

/// Whether every condition has the fact, and says the same.
fn agreed(r: &Recording, f: &Fact) -> bool {
    let same = |g: &Fact| g.name == f.name && g.unit == f.unit && g.note == f.note && written(g) == written(f);
    r.conditions.iter().all(|c| c.facts.iter().any(same))
}

/// Whether two groups say the same.
fn alike(a: &Group, b: &Group) -> bool {
    let same =
        |(f, g): (&&Fact, &&Fact)| f.name == g.name && f.unit == g.unit && f.note == g.note && written(f) == written(g);
    a.of == b.of && a.shares == b.shares && a.facts.len() == b.facts.len() && a.facts.iter().zip(&b.facts).all(same)
}

/// Names, and how many more there are.
fn named(r: &Recording, conditions: &[usize]) -> String {
    let names: Vec<&str> = conditions.iter().filter_map(|i| Some(r.conditions.get(*i)?.shown())).collect();
    match names[..] {
        [a, .., z] if names.len() > 3 => format!("{a} to {z} ({} conditions)", names.len()),
        _ => names.join(", "),
    }
}

/// All facts: with one condition or where they agree, of no condition.
pub fn groups(r: &Recording) -> Vec<Group<'_>> {
    let mut out: Vec<Group> = Vec::new();
    for (i, c) in r.conditions.iter().enumerate() {
        for f in &c.facts {
            let conditions = if agreed(r, f) { Vec::new() } else { vec![i] };
            if conditions.is_empty() && i > 0 {
                continue;
            }
            let (of, shares) = (split(&f.name).0, is_share(f));
            match out.iter_mut().find(|g| g.of == of && g.conditions == conditions && g.shares == shares) {
                Some(g) => g.facts.push(f),
                None => out.push(Group { of, conditions, note: None, shares, facts: vec![f] }),
            }
        }
    }
    for g in &mut out {
        let first = g.facts.first().map_or("", |f| f.note.as_str());
        g.note = (g.shares && !first.is_empty() && g.facts.iter().all(|f| f.note == first)).then_some(first);
    }
    // Conditions that say the same to the digit say it once.
    let mut merged: Vec<Group> = Vec::new();
    for g in out {
        match merged.iter_mut().find(|m| !m.conditions.is_empty() && !g.conditions.is_empty() && alike(m, &g)) {
            Some(m) => m.conditions.extend(g.conditions),
            None => merged.push(g),
        }
    }
    // What all conditions say comes first; the order of the rest is that of the recording.
    merged.sort_by_key(|g| (g.shares, !g.conditions.is_empty()));
    merged
}

impl Group<'_> {
    /// What stands above it.
    pub fn heading(&self, r: &Recording) -> String {
        let mut out = match (self.of, self.shares) {
            ("", true) => "Shares".to_owned(),
            ("", false) => "Over all trials".to_owned(),
            (of, false) if of.ends_with(".junction") => format!("{}: gap junctions", of.trim_end_matches(".junction")),
            (of, true) => format!("{of}: where the transmitter went"),
            (of, false) if self.facts.iter().all(|f| of_cells(f)) => of.to_owned(),
            (of, false) => format!("{of}: release"),
        };
        match &self.conditions[..] {
            _ if r.conditions.len() < 2 => {}
            [] => out.push_str(", the same in all conditions"),
            some => out.push_str(&format!(", {}", named(r, some))),
        }
        if let Some(note) = self.note {
            out.push_str(&format!(" (% {note})"));
        }
        out
    }
}
