//! `use`: the fields of a recipe or neuron lie under what the user wrote; `without` takes parts away.

use super::Resolver;
use crate::diagnostic::{Diagnostic, nearest};
use crate::fields::{Kind, MODEL};
use crate::tree::{Fields, Node, Value};

/// What a model table takes over from an entry.
const FROM_NEURON: &[&str] = &["membrane", "section", "channel", "pool", "point"];
const FROM_SYNAPSE: &[&str] =
    &["terminal", "cleft", "receptor", "clearance", "conductance", "current", "junction", "spine"];

impl Resolver<'_> {
    pub(super) fn expand(&mut self, model: &Node) -> Node {
        let Some(fields) = model.fields() else { return model.clone() };
        let expanded: Fields = fields
            .iter()
            .map(|(key, node)| {
                let node = match key.name.as_str() {
                    "cell" => self.expand_each(node, "neuron", FROM_NEURON),
                    "synapse" => self.expand_each(node, "synapse", FROM_SYNAPSE),
                    _ => node.clone(),
                };
                (key.clone(), node)
            })
            .collect();
        Node { value: Value::Table(expanded), span: model.span.clone() }
    }

    fn expand_each(&mut self, named: &Node, kind: &str, take: &[&str]) -> Node {
        let Some(fields) = named.fields() else { return named.clone() };
        let each = fields.iter().map(|(key, node)| (key.clone(), self.expand_one(node, kind, take))).collect();
        Node { value: Value::Table(each), span: named.span.clone() }
    }

    fn expand_one(&mut self, node: &Node, kind: &str, take: &[&str]) -> Node {
        let mut merged = node.clone();
        if let Some(used) = node.get("use").and_then(Node::text)
            && used.split('/').next() == Some(kind)
            && self.catalogue.contains(used)
            && self.entry(used).is_some()
            && let Some(tree) = self.tree(used)
        {
            self.only_known_parts(used, &tree, &mut merged, take);
            let node = &merged.clone();
            let mut base: Fields = tree
                .fields()
                .map(|f| f.iter().filter(|(k, _)| take.contains(&k.name.as_str())).cloned().collect())
                .unwrap_or_default();
            let reconstructed = node.get("morphology").is_some();
            if reconstructed || node.get("section").is_some() {
                without_shape(&mut base, reconstructed);
            }
            merged = Node { value: Value::Table(base), span: node.span.clone() }.merged(node);
            drop_rivals(&mut merged, node);
        } else if node.get("use").is_some() {
            // What is wrong with it is said where it is read; of its parts nothing is known.
            self.partless.insert((node.span.file, node.span.range.start));
            return merged;
        }
        for path in node.get("without").and_then(Node::list).unwrap_or_default() {
            let Some(text) = path.text() else { continue };
            let names: Vec<&str> = text.split('.').collect();
            if !remove(&mut merged, &names) {
                let mut all = Vec::new();
                paths(&merged, "", &mut all);
                let hint = nearest(text, &all)
                    .map_or_else(|| format!("parts: {}", all.join(", ")), |n| format!("did you mean `{n}`?"));
                self.out.push(
                    Diagnostic::error(format!("there is no part `{text}` to leave out"), path.span.clone()).hint(hint),
                );
            }
        }
        merged
    }
}

impl Resolver<'_> {
    /// A part without `use` says otherwise what the used entry has; if the entry has no such part, its name is wrong.
    fn only_known_parts(&mut self, used: &str, entry: &Node, user: &mut Node, take: &[&str]) {
        let Value::Table(fields) = &mut user.value else { return };
        for (table, parts) in fields {
            let known = entry.get(&table.name).and_then(Node::fields).cloned().unwrap_or_default();
            let named = known.iter().any(|(_, part)| part.get("use").is_some());
            let Value::Table(parts) = &mut parts.value else { continue };
            if !take.contains(&table.name.as_str()) || !named {
                continue;
            }
            let names: Vec<String> = known.iter().map(|(k, _)| k.name.clone()).collect();
            parts.retain(|(key, part)| {
                let wrong = part.fields().is_some()
                    && part.get("use").is_none()
                    && !names.contains(&key.name)
                    && !is_field(&table.name, &key.name);
                if wrong {
                    let hint = nearest(&key.name, &names).map_or_else(
                        || format!("it has {}; a new one needs `use`", names.join(", ")),
                        |n| format!("did you mean `{n}`?"),
                    );
                    let message = format!("`{used}` has no {} `{}`", table.name, key.name);
                    self.out.push(Diagnostic::error(message, key.span.clone()).hint(hint));
                }
                !wrong
            });
        }
    }
}

/// Whether a part of a synapse has a table of that name, which a recipe may have left out.
fn is_field(part: &str, name: &str) -> bool {
    let Some(Kind::Named(synapse)) = MODEL.field("synapse").map(|f| &f.kind) else { return false };
    match synapse.field(part).map(|f| &f.kind) {
        Some(Kind::Table(table)) => table.field(name).is_some_and(|f| matches!(f.kind, Kind::Table(_))),
        _ => false,
    }
}

/// A reconstruction takes the place of the entry's sections and of the size of its membrane, sections that of the latter.
fn without_shape(neuron: &mut Fields, reconstructed: bool) {
    neuron.retain(|(k, _)| !reconstructed || k.name != "section");
    for (_, part) in neuron.iter_mut().filter(|(k, _)| k.name == "membrane") {
        if let Value::Table(fields) = &mut part.value {
            fields.retain(|(k, _)| !["area", "diameter", "length"].contains(&k.name.as_str()));
        }
    }
}

/// Two ways to say one thing.
const RIVALS: [[&str; 2]; 11] = [
    ["count", "density"],
    ["count", "permeability"],
    ["density", "permeability"],
    ["area", "diameter"],
    ["area", "length"],
    ["tau", "count"],
    ["conductance", "channels"],
    ["conductance", "open"],
    ["conductance", "coupling"],
    ["channels", "coupling"],
    ["coupling", "open"],
];

/// Where the user says one of two rivals, the entry's other one goes.
fn drop_rivals(merged: &mut Node, user: &Node) {
    let Value::Table(fields) = &mut merged.value else { return };
    for [a, b] in RIVALS {
        for (said, rival) in [(a, b), (b, a)] {
            if user.get(said).is_some() && user.get(rival).is_none() {
                fields.retain(|(k, _)| k.name != rival);
            }
        }
    }
    for (key, node) in fields {
        if let Some(inner) = user.get(&key.name) {
            drop_rivals(node, inner);
        }
    }
}

fn remove(node: &mut Node, path: &[&str]) -> bool {
    let (Value::Table(fields), Some((first, rest))) = (&mut node.value, path.split_first()) else { return false };
    let Some(i) = fields.iter().position(|(k, _)| k.name == *first) else { return false };
    if rest.is_empty() {
        // Whole tables only: a single field is said otherwise, not removed.
        if fields[i].1.fields().is_none() {
            return false;
        }
        fields.remove(i);
        return true;
    }
    remove(&mut fields[i].1, rest)
}

/// Paths of all parts, one and two levels deep.
fn paths(node: &Node, prefix: &str, out: &mut Vec<String>) {
    for (key, inner) in node.fields().into_iter().flatten() {
        if inner.fields().is_some() {
            let path = if prefix.is_empty() { key.name.clone() } else { format!("{prefix}.{}", key.name) };
            if prefix.matches('.').count() < 1 {
                paths(inner, &path, out);
            }
            out.push(path);
        }
    }
}
