//! Numbers that may depend on where something is, and pairs of them.

use super::{Reader, Typed};
use crate::diagnostic::Diagnostic;
use crate::fields::Limits;
use crate::tree::{Node, Value};
use crate::units::{self, Dimension};

/// The name that expressions of two cells may use.
#[must_use]
pub fn separation() -> Vec<(String, Dimension)> {
    vec![("separation".to_owned(), Dimension::LENGTH)]
}

impl Reader<'_> {
    /// A number, or else an expression over `scope`.
    pub(super) fn number_or_expression(
        &mut self,
        name: &str,
        node: &Node,
        (dimension, limits): (Dimension, Limits),
        scope: &Vec<(String, Dimension)>,
    ) -> Option<Typed> {
        let said = node.get("value").unwrap_or(node);
        let placed = said.text().filter(|t| {
            let words = t.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.into_iter().any(|w| scope.iter().any(|(name, _)| name == w))
        });
        let Some(text) = placed else {
            return self.number(name, node, Some(dimension), limits).map(Typed::Number);
        };
        match units::parse(text, scope) {
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

    /// Pairs of whole numbers.
    pub(super) fn pairs(&mut self, name: &str, node: &Node) -> Option<Vec<(u32, u32)>> {
        let Some(items) = node.list() else {
            let message = format!("`{name}` is a list of pairs, not {}", node.type_name());
            self.out
                .push(Diagnostic::error(message, node.span.clone()).hint(format!("e.g. `{name} = [[0, 1], [1, 2]]`")));
            return None;
        };
        let number = |node: &Node| match node.value {
            Value::Integer(n) => u32::try_from(n).ok(),
            _ => None,
        };
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            match item.list() {
                Some([a, b]) if number(a).is_some() && number(b).is_some() => {
                    pairs.extend(number(a).zip(number(b)));
                }
                _ => {
                    let message = format!("`{name}` is a list of pairs, and here is none");
                    self.out.push(
                        Diagnostic::error(message, item.span.clone())
                            .hint("a pair is two whole numbers, counted from 0: `[0, 1]`"),
                    );
                }
            }
        }
        (pairs.len() == items.len()).then_some(pairs)
    }
}
