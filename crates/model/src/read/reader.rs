//! The walk over a table against its descriptors.

use super::placed::separation;
use super::{Formula, Number, Provenance, Read, Typed, provenance_of};
use crate::catalogue::Catalogue;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span, nearest};
use crate::fields::{Field, Kind, Limits, MODEL, NUMBER, Need, Table};
use crate::morphology::locset::Whereabouts;
use crate::tree::{Key, Node, Value};
use crate::units::{self, Dimension, Quantity, UnitFault};

/// What a reading needs to know and where its faults go.
pub struct Reader<'a> {
    /// For `use` and sources.
    pub catalogue: &'a Catalogue,
    /// The texts.
    pub sources: &'a Sources,
    /// The faults.
    pub out: &'a mut Diagnostics,
    /// Required fields may be missing: this is an overlay.
    pub partial: bool,
}

impl Reader<'_> {
    fn fault(&mut self, d: Diagnostic) {
        self.out.push(d);
    }

    /// Reads a table.
    pub fn table(&mut self, node: &Node, table: &'static Table) -> Option<Read> {
        let Some(given) = node.fields() else {
            let first = table.fields.iter().find(|f| f.need == Need::Required).or(table.fields.first());
            let hint =
                first.filter(|f| !f.name.is_empty()).map(|f| format!("e.g. {} = {{ {} = ... }}", table.name, f.name));
            self.fault(
                Diagnostic::error(format!("`{}` is a table, not {}", table.name, node.type_name()), node.span.clone())
                    .maybe_hint(hint),
            );
            return None;
        };
        if matches!(table.fields, [Field { kind: Kind::Overlay, .. }]) {
            let partial = std::mem::replace(&mut self.partial, true);
            self.table(node, &MODEL);
            self.partial = partial;
            return Some(Read { span: node.span.clone(), fields: Vec::new() });
        }
        for (key, _) in given {
            if table.field(&key.name).is_none() {
                let names: Vec<String> = table.fields.iter().map(|f| f.name.to_owned()).collect();
                let hint = nearest(&key.name, &names).map_or_else(
                    || format!("fields of `{}`: {}", table.name, names.join(", ")),
                    |n| format!("did you mean `{n}`?"),
                );
                self.fault(
                    Diagnostic::error(format!("`{}` has no field `{}`", table.name, key.name), key.span.clone())
                        .hint(hint),
                );
            }
        }
        let mut fields = Vec::with_capacity(table.fields.len());
        for field in table.fields {
            match given.iter().find(|(k, _)| k.name == field.name) {
                Some((key, node)) => {
                    let typed = self.value(&key.name, node, &field.kind).unwrap_or(Typed::Faulty);
                    fields.push((field.name, Some(node.span.clone()), typed));
                }
                None => match field.need {
                    Need::Required if !self.partial => {
                        let place = Span {
                            file: node.span.file,
                            range: node.span.range.start
                                ..node.span.range.start.max(node.span.range.end.min(node.span.range.start + 1)),
                        };
                        self.fault(
                            Diagnostic::error(format!("`{}` is missing from `{}`", field.name, table.name), place)
                                .hint(format!("{} e.g. `{} = {}`", field.doc, field.name, example(&field.kind))),
                        );
                    }
                    Need::Default(text) => {
                        if let Some(typed) = default(&field.kind, text) {
                            fields.push((field.name, None, typed));
                        }
                    }
                    _ => {}
                },
            }
        }
        Some(Read { span: node.span.clone(), fields })
    }

    fn value(&mut self, name: &str, node: &Node, kind: &'static Kind) -> Option<Typed> {
        let wrong = |this: &mut Self, wanted: &str| {
            let d = Diagnostic::error(format!("`{name}` is {wanted}, not {}", node.type_name()), node.span.clone())
                .hint(format!("e.g. `{name} = {}`", example(kind)));
            this.fault(d);
            None
        };
        match kind {
            Kind::Text => match node.text() {
                Some(t) => Some(Typed::Text(t.to_owned())),
                None => wrong(self, "a text"),
            },
            Kind::Flag => match node.value {
                Value::Flag(b) => Some(Typed::Flag(b)),
                _ => wrong(self, "true or false"),
            },
            Kind::Place | Kind::Observable => match node.text() {
                Some(t) => {
                    let bad = t.is_empty()
                        || t.len() > 200
                        || t.chars().any(|c| !(c.is_alphanumeric() || "_.()[]-+/= ".contains(c)));
                    if bad {
                        let shown: String = t.chars().take(40).collect();
                        self.fault(
                            Diagnostic::error(format!("`{shown}` is not a place"), node.span.clone())
                                .hint(format!("e.g. `{name} = {}`", example(kind))),
                        );
                        return None;
                    }
                    Some(Typed::Text(t.to_owned()))
                }
                None => wrong(self, "a place"),
            },
            Kind::Texts | Kind::Paths | Kind::Sources => {
                let Some(items) = node.list() else { return wrong(self, "a list of texts") };
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    match item.text() {
                        Some(t) if matches!(kind, Kind::Sources) => {
                            self.source(t, item);
                            texts.push((t.to_owned(), item.span.clone()));
                        }
                        Some(t) => texts.push((t.to_owned(), item.span.clone())),
                        None => self.fault(Diagnostic::error(
                            format!("`{name}` is a list of texts, but here is {}", item.type_name()),
                            item.span.clone(),
                        )),
                    }
                }
                Some(Typed::Texts(texts))
            }
            Kind::Source => match node.text() {
                Some(t) => {
                    self.source(t, node);
                    Some(Typed::Text(t.to_owned()))
                }
                None => wrong(self, "a key of the bibliography"),
            },
            Kind::Count { least, most } if node.get("value").is_some() => {
                let own = self.table(node, &NUMBER).map(|read| provenance_of(&read))?;
                let count = self.count(name, node.get("value")?, *least, *most)?;
                Some(Typed::Count(count, own))
            }
            Kind::Count { least, most } => {
                self.count(name, node, *least, *most).map(|n| Typed::Count(n, Provenance::default()))
            }
            Kind::Factors => {
                let Some(items) = node.list() else { return wrong(self, "a list of whole numbers") };
                let factors: Vec<u64> = items.iter().filter_map(|i| self.count(name, i, 0, 64)).collect();
                (factors.len() == items.len()).then_some(Typed::Factors(factors))
            }
            Kind::Pairs => self.pairs(name, node).map(Typed::Pairs),
            Kind::Number(dimension, limits) => self.number(name, node, Some(*dimension), *limits).map(Typed::Number),
            Kind::NumberOrExpression(dimension, limits) => {
                self.number_or_expression(name, node, (*dimension, *limits), &Whereabouts::scope())
            }
            Kind::BySeparation(dimension, limits) => {
                self.number_or_expression(name, node, (*dimension, *limits), &separation())
            }
            Kind::AnyNumber => self.number(name, node, None, Limits::Any).map(Typed::Number),
            Kind::Numbers(dimension, limits) => {
                let Some(items) = node.list() else { return wrong(self, "a list of numbers with units") };
                let numbers: Vec<Number> =
                    items.iter().filter_map(|i| self.number(name, i, Some(*dimension), *limits)).collect();
                (numbers.len() == items.len()).then_some(Typed::Numbers(numbers))
            }
            Kind::NamedNumbers(dimension, limits) => self.named_numbers_of(name, node, Some(*dimension), *limits),
            Kind::Parameters => self.named_numbers_of(name, node, None, Limits::Any),
            Kind::NamedTexts => {
                let Some(given) = node.fields() else { return wrong(self, "a table of texts") };
                let mut texts = Vec::with_capacity(given.len());
                for (key, item) in given {
                    match item.text() {
                        Some(t) => texts.push((key.clone(), t.to_owned(), item.span.clone())),
                        None => self.fault(Diagnostic::error(
                            format!("`{}` is written as a text, so that its digits are kept", key.name),
                            item.span.clone(),
                        )),
                    }
                }
                Some(Typed::NamedTexts(texts))
            }
            Kind::Expression => self.formula(name, node).map(Typed::Formula),
            Kind::Choice(words) => match node.text() {
                Some(t) => self.word(name, t, node, words).map(|w| Typed::Words(vec![w])),
                None => wrong(self, "one of a few words"),
            },
            Kind::Choices(words) => {
                let Some(items) = node.list() else { return wrong(self, "a list of words") };
                let mut chosen = Vec::new();
                for item in items {
                    match item.text() {
                        Some(t) => chosen.extend(self.word(name, t, item, words)),
                        None => self.fault(Diagnostic::error(
                            format!("`{name}` is a list of words, but here is {}", item.type_name()),
                            item.span.clone(),
                        )),
                    }
                }
                Some(Typed::Words(chosen))
            }
            Kind::Entry(kinds) => match node.text() {
                Some(t) => self.entry(t, node, kinds).then(|| Typed::Text(t.to_owned())),
                None => wrong(self, "the name of a catalogue entry"),
            },
            Kind::Table(table) => self.table(node, table).map(Typed::Table),
            Kind::Named(table) => {
                let Some(given) = node.fields() else {
                    return wrong(self, "a table of named tables");
                };
                let mut out = Vec::with_capacity(given.len());
                for (key, node) in given {
                    self.name(key);
                    if let Some(read) = self.table(node, table) {
                        out.push((key.clone(), read));
                    }
                }
                Some(Typed::Named(out))
            }
            Kind::List(table) => {
                let Some(items) = node.list() else { return wrong(self, "a list of tables, `[[...]]`") };
                Some(Typed::List(items.iter().filter_map(|i| self.table(i, table)).collect()))
            }
            Kind::Values => match node.list() {
                Some([]) => {
                    let d = Diagnostic::error(format!("`{name}` is empty"), node.span.clone());
                    self.fault(d.hint(format!("e.g. `{name} = {}`", example(kind))));
                    None
                }
                Some(_) => Some(Typed::Values),
                None => wrong(self, "a list of values"),
            },
            Kind::Overlay => None,
        }
    }

    fn name(&mut self, key: &Key) {
        let ok = !key.name.is_empty()
            && key.name.len() <= 64
            && key.name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
            && !key.name.starts_with(|c: char| c.is_ascii_digit());
        if !ok {
            let shown: String = key.name.chars().take(40).collect();
            self.fault(
                Diagnostic::error(format!("`{shown}` cannot be a name"), key.span.clone())
                    .hint("a name is a letter, then letters, digits, `_` or `-`, 64 at most"),
            );
        }
    }

    fn source(&mut self, key: &str, node: &Node) {
        let keys = self.catalogue.source_keys();
        if !keys.iter().any(|k| k == key) {
            let hint = nearest(key, &keys).map_or_else(
                || "add it to a .bib file of the catalogue".to_owned(),
                |n| format!("did you mean `{n}`?"),
            );
            self.fault(
                Diagnostic::error(format!("no source `{key}` in the bibliography"), node.span.clone()).hint(hint),
            );
        }
    }

    fn entry(&mut self, name: &str, node: &Node, kinds: &[&str]) -> bool {
        let names: Vec<String> =
            self.catalogue.names().filter(|n| kinds.iter().any(|k| n.split('/').next() == Some(k))).collect();
        if names.iter().any(|n| n == name) {
            return true;
        }
        let shown: String = name.chars().take(60).collect();
        let d = if self.catalogue.contains(name) {
            Diagnostic::error(
                format!(
                    "`{shown}` is a {}, but here a {} is needed",
                    name.split('/').next().unwrap_or(""),
                    kinds.join(" or ")
                ),
                node.span.clone(),
            )
        } else {
            Diagnostic::error(format!("no entry `{shown}` in the catalogue"), node.span.clone())
        };
        let near = nearest(name, &names).map(|n| format!("did you mean `{n}`?"));
        self.fault(d.hint(near.unwrap_or_else(|| {
            format!("`bouton catalogue list {}` shows what there is", kinds.first().unwrap_or(&""))
        })));
        false
    }

    fn word(
        &mut self,
        name: &str,
        text: &str,
        node: &Node,
        words: &'static [(&'static str, &'static str)],
    ) -> Option<&'static str> {
        if let Some((w, _)) = words.iter().find(|(w, _)| *w == text) {
            return Some(w);
        }
        let all: Vec<String> = words.iter().map(|(w, _)| (*w).to_owned()).collect();
        let hint = nearest(text, &all)
            .map_or_else(|| format!("one of: {}", all.join(", ")), |n| format!("did you mean `{n}`?"));
        let shown: String = text.chars().take(60).collect();
        self.fault(Diagnostic::error(format!("`{shown}` is no word for `{name}`"), node.span.clone()).hint(hint));
        None
    }

    fn count(&mut self, name: &str, node: &Node, least: u64, most: u64) -> Option<u64> {
        let (message, hint) = match &node.value {
            Value::Integer(n) => match u64::try_from(*n) {
                Ok(n) if (least..=most).contains(&n) => return Some(n),
                _ => (format!("`{name} = {n}` is out of range"), format!("from {least} to {most}")),
            },
            Value::Float(x, text) if x.fract() != 0.0 => {
                (format!("`{name}` is a whole number; `{text}` is not whole"), format!("e.g. `{name} = 80`"))
            }
            Value::Float(x, text) if !(least as f64..=most as f64).contains(x) => {
                (format!("`{name} = {text}` is out of range"), format!("from {least} to {most}"))
            }
            Value::Float(x, text) => {
                (format!("`{name}` is a whole number; `{text}` is written as a real one"), format!("{name} = {x:.0}"))
            }
            _ => (format!("`{name}` is a whole number, not {}", node.type_name()), format!("e.g. `{name} = 80`")),
        };
        self.fault(Diagnostic::error(message, node.span.clone()).hint(hint));
        None
    }

    fn named_numbers_of(
        &mut self,
        name: &str,
        node: &Node,
        dimension: Option<Dimension>,
        limits: Limits,
    ) -> Option<Typed> {
        let Some(given) = node.fields() else {
            self.fault(Diagnostic::error(
                format!("`{name}` is a table of numbers, not {}", node.type_name()),
                node.span.clone(),
            ));
            return None;
        };
        let mut out = Vec::with_capacity(given.len());
        for (key, node) in given {
            self.name(key);
            if let Some(n) = self.number(&key.name, node, dimension, limits) {
                out.push((key.clone(), n));
            }
        }
        Some(Typed::NamedNumbers(out))
    }

    /// A number: a text with a unit, a bare number where it is plain, or a table with a provenance of its own.
    pub fn number(&mut self, name: &str, node: &Node, dimension: Option<Dimension>, limits: Limits) -> Option<Number> {
        if node.fields().is_some() {
            let provenance = self.provenance(node)?;
            let inner = node.get("value")?.clone();
            let mut number = self.number(name, &inner, dimension, limits)?;
            number.provenance = provenance;
            return Some(number);
        }
        let (quantity, written) = match &node.value {
            Value::Text(text) => match Quantity::parse(text) {
                Ok(q) => (q, text.clone()),
                Err(e) => {
                    self.unit_fault(name, &e, node);
                    return None;
                }
            },
            Value::Integer(_) | Value::Float(..) => {
                let (x, text) = match &node.value {
                    Value::Integer(n) => (*n as f64, n.to_string()),
                    Value::Float(x, t) => (*x, t.clone()),
                    _ => return None,
                };
                if !x.is_finite() {
                    return None; // said by the tree already
                }
                if let Some(d) = dimension
                    && d != Dimension::NONE
                {
                    let unit = if d == Dimension::TEMPERATURE { "degC".to_owned() } else { d.unit() };
                    let others = d
                        .known()
                        .filter(|k| k.units.len() > 1)
                        .map_or_else(String::new, |k| format!(" (or {})", k.units[1..].join(", ")));
                    self.fault(
                        Diagnostic::error(format!("`{name} = {text}` has no unit; it is {d}"), node.span.clone())
                            .label("a bare number")
                            .hint(format!("write `{name} = \"{text} {unit}\"`{others}")),
                    );
                    return None;
                }
                (Quantity { value: x, dimension: Dimension::NONE }, text)
            }
            _ => {
                let wanted = dimension.map_or_else(|| "a number with its unit".to_owned(), |d| d.to_string());
                self.fault(Diagnostic::error(
                    format!("`{name}` is {wanted}, not {}", node.type_name()),
                    node.span.clone(),
                ));
                return None;
            }
        };
        if let Some(d) = dimension
            && quantity.dimension != d
        {
            self.wrong_dimension(name, &written, quantity.dimension, d, &node.span);
            return None;
        }
        let v = quantity.value;
        let (ok, wanted) = match limits {
            Limits::Any => (true, String::new()),
            Limits::NotNegative => (v >= 0.0, "zero or more".to_owned()),
            Limits::Positive => (v > 0.0, "more than zero".to_owned()),
            Limits::Fraction => ((0.0..=1.0).contains(&v), "from 0 to 1".to_owned()),
            Limits::Between(a, b) => {
                let show = |value| {
                    if quantity.dimension == Dimension::TEMPERATURE {
                        format!("{} degC", value - units::constants::ZERO_CELSIUS)
                    } else {
                        Quantity { value, ..quantity }.to_string()
                    }
                };
                ((a..=b).contains(&v), format!("from {} to {}", show(a), show(b)))
            }
        };
        if !ok {
            let negative = v < 0.0 && matches!(limits, Limits::NotNegative | Limits::Positive);
            let what = if negative { "is negative" } else { "is out of range" };
            self.fault(
                Diagnostic::error(format!("`{name} = {written}` {what}"), node.span.clone())
                    .hint(format!("it is {wanted}")),
            );
            return None;
        }
        Some(Number { quantity, written, span: Some(node.span.clone()), provenance: Provenance::default() })
    }

    pub(crate) fn unit_fault(&mut self, name: &str, e: &UnitFault, node: &Node) {
        let span = node.span.inside(self.sources, &e.range);
        self.fault(Diagnostic::error(format!("`{name}`: {}", e.message), span).maybe_hint(e.hint.clone()));
    }

    /// Says that a quantity has another dimension than it should, with the likely cure.
    pub(crate) fn wrong_dimension(
        &mut self,
        name: &str,
        written: &str,
        got: Dimension,
        wanted: Dimension,
        span: &Span,
    ) {
        let shown: String = written.chars().take(60).collect();
        let mut d = Diagnostic::error(format!("`{name}` is {wanted}, but `{shown}` is {got}"), span.clone());
        if wanted == Dimension::BINDING_RATE && got == Dimension::RATE {
            let number = written.trim_end_matches(|c: char| !c.is_ascii_digit());
            d = d.label("binding needs a concentration").hint(format!(
                "did you mean \"{number} /mM/ms\" (= {} /M/s)?",
                number.parse::<f64>().map_or_else(|_| "1e6 times as many".into(), |x| format!("{:e}", x * 1e6))
            ));
        } else if wanted == Dimension::TEMPERATURE {
            d = d.hint("e.g. \"34 degC\" or \"307.15 K\"");
        } else if let Some(k) = wanted.known() {
            let units: Vec<&str> = k.units.iter().copied().filter(|u| !u.is_empty()).collect();
            d = d.hint(if units.is_empty() {
                "write it without a unit".to_owned()
            } else {
                format!("its unit is {}", units.join(", "))
            });
        } else {
            d = d.hint(format!("its unit is {}", wanted.unit()));
        }
        self.fault(d);
    }

    pub(super) fn formula(&mut self, name: &str, node: &Node) -> Option<Formula> {
        if node.fields().is_some() {
            let provenance = self.provenance(node)?;
            let mut inner = self.formula(name, node.get("value")?)?;
            inner.provenance = provenance;
            return Some(inner);
        }
        match &node.value {
            Value::Text(t) => {
                Some(Formula { text: t.clone(), span: node.span.clone(), provenance: Provenance::default() })
            }
            Value::Integer(n) => {
                Some(Formula { text: n.to_string(), span: node.span.clone(), provenance: Provenance::default() })
            }
            Value::Float(_, t) => {
                Some(Formula { text: t.clone(), span: node.span.clone(), provenance: Provenance::default() })
            }
            _ => {
                self.fault(
                    Diagnostic::error(
                        format!("`{name}` is an expression, not {}", node.type_name()),
                        node.span.clone(),
                    )
                    .hint("e.g. \"4.6 /mM/ms\" or \"k_off * b^2\""),
                );
                None
            }
        }
    }

    fn provenance(&mut self, node: &Node) -> Option<Provenance> {
        // `value` may be an expression, so it is not read as a number here.
        let rest = Node {
            value: Value::Table(node.fields()?.iter().filter(|(k, _)| k.name != "value").cloned().collect()),
            span: node.span.clone(),
        };
        if node.get("value").is_none() {
            self.fault(
                Diagnostic::error("a number's table needs `value`", node.span.clone())
                    .hint("e.g. { value = \"8 pS\", evidence = \"assumed\" }"),
            );
            return None;
        }
        let partial = std::mem::replace(&mut self.partial, true);
        let read = self.table(&rest, &NUMBER);
        self.partial = partial;
        Some(provenance_of(&read?))
    }
}

fn default(kind: &'static Kind, text: &str) -> Option<Typed> {
    Some(match kind {
        Kind::Count { .. } => Typed::Count(text.parse().ok()?, Provenance::default()),
        Kind::Flag => Typed::Flag(text == "true"),
        Kind::Choice(words) => Typed::Words(vec![words.iter().find(|w| w.0 == text)?.0]),
        Kind::Number(..) => Typed::Number(Number {
            quantity: Quantity::parse(text).ok()?,
            written: text.to_owned(),
            span: None,
            provenance: Provenance::default(),
        }),
        Kind::Text => Typed::Text(text.to_owned()),
        _ => return None,
    })
}

/// An example of a kind, as it would be written.
pub(crate) fn example(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Expression | Kind::Source => "\"...\"".into(),
        Kind::Texts | Kind::Sources => "[\"...\"]".into(),
        Kind::Paths => "[\"receptor.kainate\"]".into(),
        Kind::Flag => "true".into(),
        Kind::Count { least, .. } => (*least).max(80).to_string(),
        Kind::Factors => "[2, 1]".into(),
        Kind::Pairs => "[[0, 1], [1, 2]]".into(),
        Kind::Number(d, l) | Kind::NumberOrExpression(d, l) | Kind::BySeparation(d, l) => quoted(*d, *l),
        Kind::Numbers(d, l) => format!("[{}]", quoted(*d, *l)),
        Kind::AnyNumber => "\"1 ms\"".into(),
        Kind::Choice(w) => format!("\"{}\"", w[0].0),
        Kind::Choices(w) => format!("[\"{}\"]", w[0].0),
        Kind::Entry(k) => format!("\"{}/...\"", k[0]),
        Kind::Place => "\"receiver.dend(0.4)\"".into(),
        Kind::Observable => "\"clamp.vc.current\"".into(),
        Kind::Values => "[\"-80 mV\", \"-40 mV\"]".into(),
        Kind::Table(_)
        | Kind::Named(_)
        | Kind::NamedNumbers(..)
        | Kind::Parameters
        | Kind::NamedTexts
        | Kind::Overlay => "{ ... }".into(),
        Kind::List(_) => "[{ ... }]".into(),
    }
}

fn quoted(d: Dimension, limits: Limits) -> String {
    if d == Dimension::NONE {
        return "0.5".into();
    }
    if d == Dimension::TEMPERATURE {
        return "\"34 degC\"".into();
    }
    let number = match limits {
        Limits::Any | Limits::Between(..) if d == Dimension::VOLTAGE => "-70",
        _ if d == Dimension::TIME => "400",
        _ => "1",
    };
    format!("\"{number} {}\"", d.unit())
}
