//! The reference page from the descriptors, in Markdown.

use super::{CLAIM, KINDS, Kind, Limits, MODEL, NUMBER, Need, Table};
use crate::read::example;
use crate::units::{Dimension, Quantity};
use std::fmt::Write as _;

/// Every field of a model file, of a claim and of each kind of entry. The page in docs/ is this text, and a test holds it to it.
pub fn reference_page() -> String {
    let mut out = String::from(
        "# Reference: every field\n\nMade by `bouton schema --format markdown` from the table that the reader itself uses; do not edit it by hand.\n\n## Model file\n\n",
    );
    let mut done: Vec<*const Table> = Vec::new();
    section(&MODEL, "", &mut out, &mut done);
    out.push_str("## Claims\n\nHow to write one: [claims.md](claims.md).\n\n");
    section(&CLAIM, "", &mut out, &mut done);
    out.push_str("## Catalogue entries\n\nHow to write one: [catalogue_format.md](catalogue_format.md).\n\n");
    section(&NUMBER, "with a provenance of its own: ", &mut out, &mut done);
    for (kind, table) in KINDS {
        section(table, &format!("entry of kind {kind}: "), &mut out, &mut done);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn section(table: &'static Table, prefix: &str, out: &mut String, done: &mut Vec<*const Table>) {
    if done.contains(&std::ptr::from_ref(table)) {
        return;
    }
    done.push(std::ptr::from_ref(table));
    let _ = write!(out, "### {prefix}`{}`\n\n{}\n\n", table.name, table.doc);
    if matches!(table.fields, [f] if matches!(f.kind, Kind::Overlay)) {
        return;
    }
    out.push_str("| field | what it holds | needed | meaning |\n|---|---|---|---|\n");
    for f in table.fields {
        let need = match f.need {
            Need::Required => "yes".to_owned(),
            Need::Optional => "no".to_owned(),
            Need::Default(d) => format!("no: `{d}`"),
        };
        let _ = writeln!(out, "| `{}` | {} | {need} | {} |", f.name, holds(&f.kind), f.doc);
    }
    out.push('\n');
    for f in table.fields {
        if let Kind::Choice(words) | Kind::Choices(words) = &f.kind
            && words.iter().any(|w| !w.1.is_empty())
        {
            let all: Vec<String> = words.iter().map(|(w, d)| format!("`{w}` {d}")).collect();
            let _ = write!(out, "`{}`: {}.\n\n", f.name, all.join("; "));
        }
    }
    for f in table.fields {
        if let Kind::Table(t) | Kind::Named(t) | Kind::List(t) = &f.kind {
            section(t, "", out, done);
        }
    }
}

fn holds(kind: &Kind) -> String {
    let number = |d: &Dimension, l: &Limits| {
        let bound = match l {
            Limits::Any => String::new(),
            Limits::NotNegative => ", zero or more".into(),
            Limits::Positive => ", more than zero".into(),
            Limits::Fraction => ", from 0 to 1".into(),
            Limits::Between(a, b) => {
                let show = |value: f64| {
                    if *d == Dimension::TEMPERATURE {
                        format!("{} degC", value - 273.15)
                    } else {
                        Quantity { value, dimension: *d }.to_string()
                    }
                };
                format!(", from {} to {}", show(*a), show(*b))
            }
        };
        format!("{d}{bound}, e.g. `{}`", example(&Kind::Number(*d, *l)))
    };
    match kind {
        Kind::Text => "text".into(),
        Kind::Texts => "list of texts".into(),
        Kind::Flag => "true or false".into(),
        Kind::Count { least, most } => format!("whole number, {least} to {most}"),
        Kind::Factors => "two whole numbers".into(),
        Kind::Pairs => "list of pairs of whole numbers, e.g. `[[0, 1], [1, 2]]`".into(),
        Kind::Number(d, l) => number(d, l),
        Kind::NumberOrExpression(d, l) | Kind::BySeparation(d, l) => format!("{}, or an expression", number(d, l)),
        Kind::Numbers(d, l) => format!("list: {}", number(d, l)),
        Kind::AnyNumber => "number with its unit".into(),
        Kind::Expression => "expression".into(),
        Kind::Choice(_) => "one word".into(),
        Kind::Choices(_) => "list of words".into(),
        Kind::Entry(kinds) => format!("catalogue entry: {}", kinds.join(" or ")),
        Kind::Source => "key of the bibliography".into(),
        Kind::Sources => "keys of the bibliography".into(),
        Kind::Place => "place, e.g. `receiver.dend(0.4)`".into(),
        Kind::Paths => "paths of parts".into(),
        Kind::Observable => "path, e.g. `clamp.vc.current`".into(),
        Kind::Table(t) => format!("table `{}`", t.name),
        Kind::Named(t) => format!("tables `{}` by name", t.name),
        Kind::List(t) => format!("list of tables `{}`", t.name),
        Kind::NamedNumbers(d, l) => format!("by name: {}", number(d, l)),
        Kind::Parameters => "numbers by name".into(),
        Kind::NamedTexts => "texts by name".into(),
        Kind::Values => "list of values of that field".into(),
        Kind::Overlay => "any field of the model".into(),
    }
}
