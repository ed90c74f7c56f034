//! Numbers that may depend on where on a neuron they are.

use super::{Reader, Typed};
use crate::fields::Limits;
use crate::morphology::locset::Whereabouts;
use crate::tree::Node;
use crate::units::{self, Dimension};

impl Reader<'_> {
    /// A number, or else an expression over where on a neuron it is.
    pub(super) fn number_or_expression(
        &mut self,
        name: &str,
        node: &Node,
        dimension: Dimension,
        limits: Limits,
    ) -> Option<Typed> {
        let said = node.get("value").unwrap_or(node);
        let scope = Whereabouts::scope();
        let placed = said.text().filter(|t| {
            let words = t.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.into_iter().any(|w| scope.iter().any(|(name, _)| name == w))
        });
        let Some(text) = placed else {
            return self.number(name, node, Some(dimension), limits).map(Typed::Number);
        };
        match units::parse(text, &scope) {
            Ok(expression) if expression.dimension == dimension => self.formula(name, node).map(Typed::Formula),
            Ok(expression) => {
                self.wrong_dimension(name, text, expression.dimension, dimension, &said.span);
                None
            }
            Err(e) => {
                self.unit_fault(name, &e, said);
                None
            }
        }
    }
}
