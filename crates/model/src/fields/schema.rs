//! JSON Schema (draft 2020-12) from the descriptors, for editors.

use super::{Kind, Limits, Need, Table};
use crate::read::example;
use crate::units::Dimension;
use serde_json::{Map, Value, json};

/// The schema of a model file (`table` = [`super::MODEL`]) or of a catalogue entry of one kind.
pub fn json_schema(table: &'static Table) -> Value {
    let mut defs = Map::new();
    let mut root = object(table, &mut defs, true);
    if let Some(map) = root.as_object_mut() {
        map.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".into(), json!(format!("Bouton {}", table.name)));
        map.insert("$defs".into(), Value::Object(defs));
    }
    root
}

fn object(table: &'static Table, defs: &mut Map<String, Value>, root: bool) -> Value {
    if matches!(table.fields, [f] if matches!(f.kind, Kind::Overlay)) {
        return json!({ "type": "object", "description": table.doc });
    }
    let mut properties = Map::new();
    for f in table.fields {
        let mut v = kind(&f.kind, defs);
        if let Some(map) = v.as_object_mut() {
            let doc = if f.need == Need::Required { format!("{} Required.", f.doc) } else { f.doc.to_owned() };
            map.insert("description".into(), json!(doc));
            if let Need::Default(d) = f.need {
                let value = match f.kind {
                    Kind::Count { .. } => d.parse::<u64>().map_or(json!(d), |n| json!(n)),
                    Kind::Flag => json!(d == "true"),
                    Kind::Number(Dimension::NONE, _) => d.parse::<f64>().map_or(json!(d), |x| json!(x)),
                    _ => json!(d),
                };
                map.insert("default".into(), value);
            }
        }
        properties.insert(f.name.into(), v);
    }
    // Below the top, a table may lie over an entry that it uses, so what is missing here may stand there.
    let uses = table.field("use").is_some_and(|u| u.need != Need::Required);
    let required: Vec<&str> =
        table.fields.iter().filter(|f| f.need == Need::Required && (root || !uses)).map(|f| f.name).collect();
    let mut out =
        json!({ "type": "object", "description": table.doc, "properties": properties, "additionalProperties": false });
    if root && !required.is_empty() {
        out["required"] = json!(required);
    }
    out
}

fn reference(table: &'static Table, defs: &mut Map<String, Value>) -> Value {
    // Two tables may share a name (a channel as entry and as placed), so the fields tell them apart.
    let name = format!("{}_{}", table.name, table.fields.len());
    if !defs.contains_key(&name) {
        defs.insert(name.clone(), Value::Null);
        let schema = object(table, defs, false);
        defs.insert(name.clone(), schema);
    }
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn number(dimension: Option<Dimension>, limits: Limits, defs: &mut Map<String, Value>) -> Value {
    let with_provenance = reference(&super::NUMBER, defs);
    let mut plain = json!({ "type": "number" });
    match limits {
        Limits::NotNegative => plain["minimum"] = json!(0),
        Limits::Positive => plain["exclusiveMinimum"] = json!(0),
        Limits::Fraction => {
            plain["minimum"] = json!(0);
            plain["maximum"] = json!(1);
        }
        Limits::Between(a, b) if dimension == Some(Dimension::NONE) => {
            plain["minimum"] = json!(a);
            plain["maximum"] = json!(b);
        }
        _ => {}
    }
    match dimension {
        Some(Dimension::NONE) => json!({ "anyOf": [plain, { "type": "string" }, with_provenance] }),
        Some(d) => {
            json!({ "anyOf": [{ "type": "string", "examples": [example(&Kind::Number(d, limits)).trim_matches('"')] }, with_provenance] })
        }
        None => json!({ "anyOf": [{ "type": "number" }, { "type": "string" }, with_provenance] }),
    }
}

fn kind(kind: &Kind, defs: &mut Map<String, Value>) -> Value {
    match kind {
        Kind::Text | Kind::Source | Kind::Place | Kind::Observable => {
            json!({ "type": "string", "examples": [example(kind).trim_matches('"')] })
        }
        Kind::Texts | Kind::Sources | Kind::Paths => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { least, most } => {
            let with_provenance = reference(&super::NUMBER, defs);
            json!({ "anyOf": [{ "type": "integer", "minimum": least, "maximum": most }, with_provenance] })
        }
        Kind::Factors => json!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 64 } }),
        Kind::Pairs => {
            json!({ "type": "array", "items": { "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 2, "maxItems": 2 } })
        }
        Kind::Number(d, l) | Kind::NumberOrExpression(d, l) | Kind::BySeparation(d, l) => number(Some(*d), *l, defs),
        Kind::Numbers(d, l) => json!({ "type": "array", "items": number(Some(*d), *l, defs) }),
        Kind::AnyNumber => number(None, Limits::Any, defs),
        Kind::Expression => {
            json!({ "anyOf": [{ "type": "string" }, { "type": "number" }, reference(&super::NUMBER, defs)] })
        }
        Kind::Choice(words) => json!({ "enum": words.iter().map(|w| w.0).collect::<Vec<_>>() }),
        Kind::Choices(words) => {
            json!({ "type": "array", "items": { "enum": words.iter().map(|w| w.0).collect::<Vec<_>>() } })
        }
        Kind::Entry(kinds) => json!({ "type": "string", "pattern": format!("^({})/[A-Za-z0-9_]+$", kinds.join("|")) }),
        Kind::Table(t) => reference(t, defs),
        Kind::Named(t) => json!({ "type": "object", "additionalProperties": reference(t, defs) }),
        Kind::List(t) => json!({ "type": "array", "items": reference(t, defs) }),
        Kind::NamedNumbers(d, l) => json!({ "type": "object", "additionalProperties": number(Some(*d), *l, defs) }),
        Kind::Parameters => json!({ "type": "object", "additionalProperties": number(None, Limits::Any, defs) }),
        Kind::NamedTexts => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::Values => json!({ "type": "array", "minItems": 1 }),
        Kind::Overlay => json!({ "type": "object" }),
    }
}
