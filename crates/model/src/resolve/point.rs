//! Point neurons: which fields a model has, and what a cell with one cannot have besides.

use super::Resolver;
use crate::diagnostic::Diagnostic;
use crate::read::Read;

/// Fields of each model that must be there, and those that may.
fn fields(model: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match model {
        "lif" => (&["capacitance", "leak", "rest", "threshold", "reset"], &["peak", "refractory"]),
        "qif" => (&["capacitance", "leak", "rest", "threshold", "reset"], &["peak", "refractory"]),
        "adex" => (
            &["capacitance", "leak", "rest", "threshold", "slope", "adaptation", "increment", "tau_w", "reset"],
            &["peak", "refractory"],
        ),
        _ => (&["a", "b", "c", "d"], &["capacitance", "peak"]),
    }
}

impl Resolver<'_> {
    /// A voltage clamp is not at a point neuron.
    pub(super) fn held(&mut self, clamp: &Read, model: &Read) {
        let (Some(at), Some(span)) = (clamp.text("at"), clamp.span_of("hold")) else { return };
        let cell = super::member(at).0;
        if model.named("cell").iter().any(|(k, c)| k.name == cell && c.get("point").is_some()) {
            let message = format!("`{cell}` is a point neuron, whose voltage cannot be held: its spike is a reset");
            let hint = "a current; or the synapses onto a cell with a `membrane`, under clamp";
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
        }
    }

    /// What must hold of a cell with a `point`.
    pub(super) fn point(&mut self, name: &str, cell: &Read) {
        let Some(point) = cell.table("point") else { return };
        for part in ["membrane", "section", "channel", "pool", "morphology", "inside"] {
            if let Some(span) = cell.span_of(part) {
                let message = format!("cell `{name}` is a point neuron and has a {part}");
                let hint = "a point neuron has no membrane of its own: `point`, or `membrane` and `channel`";
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            }
        }
        let Some(model) = point.word("model") else { return };
        let (needed, allowed) = fields(model);
        let missing: Vec<&str> = needed.iter().filter(|f| point.get(f).is_none()).copied().collect();
        if !missing.is_empty() {
            let message = format!("`{name}`, a point neuron of the model `{model}`, needs {}", missing.join(", "));
            let hint = "`bouton catalogue list neuron` shows whole ones";
            self.out.push(Diagnostic::error(message, point.span.clone()).hint(hint));
        }
        for (field, span, _) in point.iter() {
            if field != "model"
                && !needed.contains(&field)
                && !allowed.contains(&field)
                && let Some(span) = span
            {
                let message = format!("a point neuron of the model `{model}` has no `{field}`");
                let hint = format!("it has {}", [needed, allowed].concat().join(", "));
                self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            }
        }
    }
}
