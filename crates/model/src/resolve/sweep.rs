//! `sweep`: one field said otherwise again and again. Each value becomes a condition, at its place in the file.

use crate::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::fields::{Kind, MODEL, Table};
use crate::tree::{Key, Node, Value};
use crate::units::Quantity;
use std::collections::BTreeSet;

/// Where a condition stands in its sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// The sweep's name.
    pub sweep: String,
    /// The field that is said otherwise.
    pub path: String,
    /// The value, as written.
    pub written: String,
    /// The value as a number, if it is one; of a list of two, how far the second lies from the first.
    pub value: Option<Quantity>,
}

/// A condition: its name, what it says otherwise, and its sweep, if it is of one.
pub(super) type Condition = (Key, Node, Option<Swept>);

/// Most letters of a name.
const LONGEST: usize = 64;

/// The conditions of a file: those that have a name, then those of its sweeps.
pub(super) fn conditions(model: &Node, out: &mut Diagnostics) -> Vec<Condition> {
    let named = model.get("condition").and_then(Node::fields).cloned().unwrap_or_default();
    let mut all: Vec<Condition> = named.into_iter().map(|(key, overlay)| (key, overlay, None)).collect();
    for (key, sweep) in model.get("sweep").and_then(Node::fields).into_iter().flatten() {
        let (Some(path), Some(values)) = (sweep.get("path"), sweep.get("values").and_then(Node::list)) else {
            continue; // said by the reader
        };
        let Some(names) = path.text().map(|t| t.split('.').map(str::trim).collect::<Vec<_>>()) else { continue };
        if !leads_somewhere(model, &names, path, out) {
            continue;
        }
        let written: Vec<String> = values.iter().map(written).collect();
        let mut found = titles(&key.name, &written);
        let mut seen = BTreeSet::new();
        for ((value, text), title) in values.iter().zip(written).zip(found.drain(..)) {
            if !seen.insert(text.clone()) {
                let d = Diagnostic::error(format!("`{text}` stands twice in sweep `{}`", key.name), value.span.clone());
                out.push(d.hint("one of them is enough: with the same luck they do the same"));
                continue;
            }
            if let Some((other, ..)) = all.iter().find(|(other, ..)| other.name == title) {
                let d = Diagnostic::error(format!("two conditions are called `{title}`"), value.span.clone());
                let own = other.span == value.span;
                out.push(if own { d } else { d.hint("call the condition or the sweep otherwise") });
                continue;
            }
            let swept = Swept { sweep: key.name.clone(), path: names.join("."), written: text, value: number(value) };
            let overlay = overlay(&names, &path.span, value);
            all.push((Key { name: title, span: value.span.clone() }, overlay, Some(swept)));
        }
    }
    all
}

/// Whether a path is one of a field, and says so if not. What has a name of its own must be in the file as it stands;
/// of parts of a recipe the reader knows.
fn leads_somewhere(model: &Node, names: &[&str], path: &Node, out: &mut Diagnostics) -> bool {
    let mut fault = |message: String, hint: String| {
        out.push(Diagnostic::error(message, path.span.clone()).hint(hint));
        false
    };
    if matches!(names[0], "condition" | "sweep") {
        return fault(format!("a sweep cannot be of a {}", names[0]), "a path such as `clamp.somatic.hold`".into());
    }
    let mut table: &'static Table = &MODEL;
    let mut left = names.iter().enumerate();
    while let Some((i, name)) = left.next() {
        let Some(field) = table.field(name) else {
            let known: Vec<String> = table.fields.iter().map(|f| f.name.to_owned()).collect();
            let hint = nearest(name, &known).map_or_else(
                || format!("fields of `{}`: {}", table.name, known.join(", ")),
                |n| format!("did you mean `{n}`?"),
            );
            return fault(format!("`{}` has no field `{name}`", table.name), hint);
        };
        match &field.kind {
            Kind::Table(inner) => table = inner,
            Kind::Named(inner) => {
                let Some((_, of)) = left.next() else {
                    return fault(
                        format!("`{}` does not say which {name}", names.join(".")),
                        format!("`{name}.NAME.FIELD`"),
                    );
                };
                let there = model.get(name).and_then(Node::fields);
                if i == 0 && there.is_none_or(|all| all.iter().all(|(k, _)| k.name != *of)) {
                    let known: Vec<String> = there.into_iter().flatten().map(|(k, _)| k.name.clone()).collect();
                    let hint = match nearest(of, &known) {
                        Some(n) => format!("did you mean `{n}`?"),
                        None if known.is_empty() => format!("the file as it stands has no {name}"),
                        None => format!("there is: {}", known.join(", ")),
                    };
                    return fault(format!("no {name} is called `{of}`"), hint);
                }
                table = inner;
            }
            Kind::NamedNumbers(..) | Kind::Parameters if i + 2 == names.len() => return true,
            _ if i + 1 < names.len() => {
                return fault(
                    format!("`{}` goes on after `{name}`, which has no fields", names.join(".")),
                    format!("`{}`", names[..=i].join(".")),
                );
            }
            _ => return true,
        }
    }
    true
}

/// A value as a reader would write it.
fn written(value: &Node) -> String {
    match &value.value {
        Value::Text(t) | Value::Date(t) | Value::Float(_, t) => t.trim().to_owned(),
        Value::Integer(n) => n.to_string(),
        Value::Flag(b) => b.to_string(),
        Value::List(all) => all.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Table(fields) => match value.get("value") {
            Some(number) => written(number),
            None => fields.iter().map(|(k, v)| format!("{} {}", k.name, written(v))).collect::<Vec<_>>().join(", "),
        },
    }
}

/// A value as a number.
fn number(value: &Node) -> Option<Quantity> {
    match &value.value {
        Value::Text(t) => Quantity::parse(t).ok(),
        Value::Integer(n) => Some(super::plain(*n as f64)),
        Value::Float(x, _) => Some(super::plain(*x)),
        Value::List(all) => match &all[..] {
            [a, b] => {
                let (a, b) = (number(a)?, number(b)?);
                (a.dimension == b.dimension).then_some(Quantity { value: b.value - a.value, ..b })
            }
            _ => None,
        },
        Value::Table(_) => number(value.get("value")?),
        _ => None,
    }
}

/// Names of the conditions of a sweep: `iv_-80_mV`, a point as `p`; numbered where that would be too long or no name.
fn titles(sweep: &str, written: &[String]) -> Vec<String> {
    let title = |text: &String| {
        let mut name = String::from(sweep);
        let mut apart = true;
        for c in text.chars() {
            match c {
                _ if c.is_alphanumeric() || c == '-' => {
                    if std::mem::take(&mut apart) {
                        name.push('_');
                    }
                    name.push(c);
                }
                '.' if !apart => name.push('p'),
                '+' => {}
                _ => apart = true,
            }
        }
        name
    };
    let titles: Vec<String> = written.iter().map(title).collect();
    let apart: BTreeSet<&String> = titles.iter().collect();
    let values: BTreeSet<&String> = written.iter().collect();
    let short = titles.iter().all(|t| t.chars().count() <= LONGEST && t.len() > sweep.len());
    if short && apart.len() == values.len() {
        return titles;
    }
    (1..=written.len()).map(|k| format!("{sweep}_{k}")).collect()
}

/// The value at its path, nothing else.
fn overlay(names: &[&str], path: &Span, value: &Node) -> Node {
    names.iter().rev().fold(value.clone(), |inner, name| {
        let key = Key { name: (*name).to_owned(), span: path.clone() };
        Node { span: inner.span.clone(), value: Value::Table(vec![(key, inner)]) }
    })
}
