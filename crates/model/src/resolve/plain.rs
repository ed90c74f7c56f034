//! Plain synapses: what they cannot have besides, and what their numbers must be.

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::read::{Number, Read};

/// What a synapse of molecules consists of.
pub(super) const MOLECULES: [&str; 4] = ["terminal", "cleft", "receptor", "clearance"];

impl Resolver<'_> {
    /// What must hold of a synapse with a `conductance` or a `current`.
    pub(super) fn plain(&mut self, name: &str, synapse: &Read) {
        let given = ["conductance", "current"].map(|f| synapse.table(f).map(|t| (f, t)));
        let Some((field, first)) = given.iter().flatten().next() else { return };
        let place = |f: &str| synapse.span_of(f).unwrap_or(&synapse.span).clone();
        if let [Some(_), Some((_, current))] = &given {
            let message = format!("`{name}` has both a `conductance` and a `current`");
            self.out.push(Diagnostic::error(message, current.span.clone()).hint("give one of them, or two synapses"));
        }
        if let Some(part) = MOLECULES.into_iter().find(|f| synapse.get(f).is_some()) {
            let message = format!("`{name}` has a plain `{field}` and a {part}");
            let hint = if synapse.get("use").is_some() {
                format!("without `use` it is a plain synapse, without `{field}` one of molecules")
            } else {
                format!("without the {part} it is a plain synapse, without `{field}` one of molecules")
            };
            self.out.push(Diagnostic::error(message, first.span.clone()).hint(hint));
            return;
        }
        if synapse.span_of("detail").is_some() {
            let message = format!("`{name}` has a plain `{field}`, of which there is one level of detail");
            self.out.push(Diagnostic::error(message, place("detail")).hint("leave `detail` out"));
        }
        if synapse.count("zones").is_some_and(|n| *n > 1) {
            let message = format!("`{name}` has a plain `{field}`, and so no active zones");
            self.out.push(Diagnostic::error(message, place("zones")).hint("a higher `peak`"));
        }
        for (_, table) in given.iter().flatten() {
            let time = |f: &str| table.number(f).map(Number::value);
            if let (Some(rise), Some(decay)) = (time("rise"), time("decay"))
                && rise > decay
            {
                let span = table.span_of("rise").unwrap_or(&table.span).clone();
                let message = format!("the rise of `{name}` is slower than its decay");
                let hint = "exchange them: the course is the same";
                self.out.push(Diagnostic::error(message, span).hint(hint));
            }
        }
    }
}
