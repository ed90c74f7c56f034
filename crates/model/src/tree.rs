//! TOML as a tree in which every value knows its place; catalogue entries and overrides merge field by field.

use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources, Span};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its place.
    pub span: Span,
}

/// A key with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As written.
    pub name: String,
    /// Its place.
    pub span: Span,
}

/// Key and value, in the order of the text.
pub type Fields = Vec<(Key, Node)>;

/// What TOML can hold.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Value {
    Text(String),
    Integer(i64),
    /// With its text, so that a message can repeat it.
    Float(f64, String),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Fields),
}

impl Node {
    /// The word for its type, with article.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Float(..) => "a number",
            Value::Flag(_) => "true or false",
            Value::Date(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }
    /// Its fields, if it is a table.
    pub fn fields(&self) -> Option<&Fields> {
        match &self.value {
            Value::Table(t) => Some(t),
            _ => None,
        }
    }
    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.fields()?.iter().find(|(k, _)| k.name == name).map(|(_, n)| n)
    }
    /// The field at a path of names.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |n, name| n.get(name))
    }
    /// Its text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(t) => Some(t),
            _ => None,
        }
    }
    /// Its elements, if it is a list.
    pub fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(l) => Some(l),
            _ => None,
        }
    }
    /// `over` laid upon `self`: tables field by field, anything else replaced. Places stay with the values.
    #[must_use]
    pub fn merged(&self, over: &Node) -> Node {
        let (Value::Table(base), Value::Table(top)) = (&self.value, &over.value) else { return over.clone() };
        // A number with its provenance is one thing: a new value must not keep the old one's source.
        if over.get("value").is_some() {
            return over.clone();
        }
        let mut fields = base.clone();
        for (key, node) in top {
            match fields.iter_mut().find(|(k, _)| k.name == key.name) {
                Some((k, n)) => {
                    *k = key.clone();
                    *n = n.merged(node);
                }
                None => fields.push((key.clone(), node.clone())),
            }
        }
        Node { value: Value::Table(fields), span: over.span.clone() }
    }
}

/// The largest text that is read, in bytes; a model file is written by hand.
pub const MAX_BYTES: u64 = 4 << 20;
/// The most values in one file.
pub const MAX_VALUES: usize = 200_000;
/// The deepest nesting of tables and lists.
const MAX_NESTING: usize = 40;

/// Reads a TOML text; every fault of syntax is reported and what could be read comes back.
pub fn parse(text: &str, file: FileId, sources: &Sources, out: &mut Diagnostics) -> Node {
    let whole = Span { file, range: 0..text.len() };
    let empty = Node { value: Value::Table(Vec::new()), span: whole.clone() };
    if let Some(at) = deepest(text) {
        out.push(Diagnostic::error(format!("nested deeper than {MAX_NESTING}"), Span { file, range: at..at + 1 }));
        return empty;
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for e in errors.iter().take(crate::diagnostic::MAX_SHOWN) {
        let range = e.span().unwrap_or(0..0);
        let mut d = Diagnostic::error(
            format!("not TOML: {}", e.message().lines().next().unwrap_or_default()),
            Span { file, range: clamp(range, text) },
        );
        for line in e.message().lines().skip(1) {
            d = d.hint(line.to_owned());
        }
        if e.message().contains("duplicate key") {
            d = d.hint("give each name once; to change one field of a part, write only that field");
        }
        out.push(d);
    }
    let mut count = 0;
    let value = table_value(table.get_ref(), file, &mut count, 0, out);
    let _ = sources;
    if count > MAX_VALUES {
        out.push(
            Diagnostic::error(format!("more than {MAX_VALUES} values in one file"), Span { file, range: 0..0 })
                .hint("describe populations by `count` and rules, not one by one"),
        );
        return empty;
    }
    Node { value, span: whole }
}

/// Brackets are counted before anything recursive sees them.
fn deepest(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote: Option<u8> = None;
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let b = bytes[i];
        match quote {
            Some(q) => {
                if b == b'\\' && q == b'"' {
                    i += 1;
                } else if b == q || b == b'\n' {
                    quote = None;
                }
            }
            None => match b {
                b'"' | b'\'' => quote = Some(b),
                b'#' => {
                    while i < bytes.len() && bytes[i] != b'\n' {
                        i += 1;
                    }
                }
                b'[' | b'{' => {
                    depth += 1;
                    if depth > MAX_NESTING {
                        return Some(i);
                    }
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            },
        }
        i += 1;
    }
    // Dotted keys nest as well.
    text.lines()
        .scan(0usize, |at, l| {
            let start = *at;
            *at += l.len() + 1;
            Some((start, l))
        })
        .find(|(_, l)| l.split('=').next().is_some_and(|k| k.matches('.').count() > MAX_NESTING))
        .map(|(at, _)| at)
}

fn clamp(range: Range<usize>, text: &str) -> Range<usize> {
    let end = range.end.min(text.len());
    range.start.min(end)..end
}

fn table_value(table: &DeTable<'_>, file: FileId, count: &mut usize, depth: usize, out: &mut Diagnostics) -> Value {
    let mut fields: Fields = Vec::with_capacity(table.len());
    for (key, value) in table {
        let name = key.get_ref().to_string();
        let span = Span { file, range: key.span() };
        fields.push((Key { name, span }, node(value.get_ref(), value.span(), file, count, depth + 1, out)));
    }
    fields.sort_by_key(|(k, _)| k.span.range.start);
    Value::Table(fields)
}

fn node(
    value: &DeValue<'_>,
    range: Range<usize>,
    file: FileId,
    count: &mut usize,
    depth: usize,
    out: &mut Diagnostics,
) -> Node {
    *count += 1;
    let span = Span { file, range };
    let value = match value {
        DeValue::String(s) => Value::Text(s.to_string()),
        DeValue::Integer(i) => {
            let digits = i.as_str().replace('_', "");
            match i64::from_str_radix(&digits, i.radix()) {
                Ok(n) => Value::Integer(n),
                Err(_) => {
                    out.push(Diagnostic::error(format!("`{}` is too large a whole number", i.as_str()), span.clone()));
                    Value::Integer(i64::MAX)
                }
            }
        }
        DeValue::Float(f) => {
            let text = f.as_str().replace('_', "");
            let x = text.parse::<f64>().unwrap_or(f64::NAN);
            if !x.is_finite() {
                out.push(Diagnostic::error(format!("`{text}` is not a finite number"), span.clone()));
            }
            Value::Float(x, text)
        }
        DeValue::Boolean(b) => Value::Flag(*b),
        DeValue::Datetime(d) => Value::Date(d.to_string()),
        DeValue::Array(items) => {
            Value::List(items.iter().map(|v| node(v.get_ref(), v.span(), file, count, depth + 1, out)).collect())
        }
        DeValue::Table(t) => table_value(t, file, count, depth, out),
    };
    Node { value, span }
}
