//! Gap-junction channels as entries. `v` is the voltage across, that of the first side less that of the second; what is
//! slow is a scheme over it, what is at once a share of the conductance.

use super::rate::{Grounds, Layout, Rate, rate};
use super::scheme::Scheme;
use crate::diagnostic::Diagnostic;
use crate::read::{Read, Reader};
use crate::units::Dimension;

/// What must hold of an entry, and its share.
pub(super) fn read(body: &Read, scheme: Option<&Scheme>, layout: &Layout, reader: &mut Reader<'_>) -> Option<Rate> {
    let junction = body.table("junction")?;
    let conductance = body.span_of("conductance");
    match (body.span_of("scheme"), scheme) {
        (None, _) => {
            if let Some(span) = conductance {
                let d = Diagnostic::error("`conductance` is by state, and the entry has no scheme", span.clone());
                reader.out.push(d.hint("junction = { unitary = \"30 pS\" }"));
            }
        }
        (Some(place), scheme) => {
            if let Some(span) = junction.span_of("unitary") {
                let d =
                    Diagnostic::error("a scheme and `unitary`, which both say what a channel conducts", span.clone());
                reader.out.push(d.hint("the largest of `conductance` is what it conducts: leave `unitary` out"));
            }
            if !body.named_numbers("conductance").iter().any(|(_, n)| n.value() > 0.0) {
                let d = Diagnostic::error("no state of the channel conducts", place.clone());
                reader.out.push(d.hint("conductance = { O = \"60 pS\" }"));
            }
            if let Some((name, span)) =
                body.table("scheme").and_then(|s| s.texts("ligands").first()).filter(|_| scheme.is_some())
            {
                let message = format!("`{name}` is a ligand, and a gap-junction channel follows none");
                let d = Diagnostic::error(message, span.clone());
                reader.out.push(d.hint("make it a parameter, which can be said otherwise where the entry is used"));
            }
            if let Some((name, span)) = body.table("scheme").and_then(|s| s.texts("absorbing").first()) {
                let message = format!("the channel never leaves `{name}`");
                reader.out.push(Diagnostic::error(message, span.clone()).hint("leave `absorbing` out"));
            }
        }
    }
    if let Some(span) = junction.span_of("sides").filter(|_| junction.texts("sides").len() != 2) {
        let message = format!("a junction has two sides, not {}", junction.texts("sides").len());
        reader.out.push(Diagnostic::error(message, span.clone()).hint("sides = [\"Cx43\", \"Cx45\"]"));
    }
    rate("share", junction.formula("share")?, Dimension::NONE, layout, reader)
}

/// A junction's conductance is said where both cells are at the same voltage: there something must be left.
pub(super) fn conducts_at_rest(share: &Rate, grounds: &Grounds<'_>, reader: &mut Reader<'_>) {
    let values =
        grounds.layout.values(grounds.parameters, 0.0, grounds.temperature, &vec![0.0; grounds.layout.ligands()]);
    if share.expr.evaluate(&values) == 0.0 {
        let d = Diagnostic::error("`share` is 0 where both sides are at the same voltage", share.span.clone());
        reader.out.push(d.hint("the conductance of a junction is said there"));
    }
}
