//! Facts in the order in which a reader asks for them: what was released, then where the transmitter went; said once of
//! all conditions where they agree to the digit.

use super::numbers::estimate;
use crate::recording::{Fact, Recording};

/// Facts that belong together.
pub struct Group<'a> {
    /// The synapse or whatever they are of; empty where the facts do not say.
    pub of: &'a str,
    /// The condition; `None` where all agree.
    pub condition: Option<usize>,
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
fn is_share(f: &Fact) -> bool {
    f.unit == "%" && !f.low.is_finite()
}

fn written(f: &Fact) -> (String, Option<(String, String)>) {
    estimate(f.value, f.low, f.high, &f.unit)
}

/// Whether every condition has the fact, and says the same.
fn agreed(r: &Recording, f: &Fact) -> bool {
    let same = |g: &Fact| g.name == f.name && g.unit == f.unit && g.note == f.note && written(g) == written(f);
    r.conditions.iter().all(|c| c.facts.iter().any(same))
}

/// All facts: with one condition or where they agree, of no condition.
pub fn groups(r: &Recording) -> Vec<Group<'_>> {
    let mut out: Vec<Group> = Vec::new();
    for (i, c) in r.conditions.iter().enumerate() {
        for f in &c.facts {
            let condition = if agreed(r, f) { None } else { Some(i) };
            if condition.is_none() && i > 0 {
                continue;
            }
            let (of, shares) = (split(&f.name).0, is_share(f));
            match out.iter_mut().find(|g| g.of == of && g.condition == condition && g.shares == shares) {
                Some(g) => g.facts.push(f),
                None => out.push(Group { of, condition, note: None, shares, facts: vec![f] }),
            }
        }
    }
    for g in &mut out {
        let first = g.facts.first().map_or("", |f| f.note.as_str());
        g.note = (g.shares && !first.is_empty() && g.facts.iter().all(|f| f.note == first)).then_some(first);
    }
    // What all conditions say comes first; the order of the rest is that of the recording.
    out.sort_by_key(|g| (g.shares, g.condition.is_some()));
    out
}

impl Group<'_> {
    /// What stands above it.
    pub fn heading(&self, r: &Recording) -> String {
        let mut out = match (self.of, self.shares) {
            ("", true) => "Shares".to_owned(),
            ("", false) => "Over all trials".to_owned(),
            (of, true) => format!("{of}: where the transmitter went"),
            (of, false) if self.facts.iter().all(|f| split(&f.name).1 == "spikes") => of.to_owned(),
            (of, false) => format!("{of}: release"),
        };
        match self.condition.and_then(|i| r.conditions.get(i)) {
            Some(c) if r.conditions.len() > 1 => out.push_str(&format!(", {}", c.shown())),
            None if r.conditions.len() > 1 => out.push_str(", the same in all conditions"),
            _ => {}
        }
        if let Some(note) = self.note {
            out.push_str(&format!(" (% {note})"));
        }
        out
    }
}
