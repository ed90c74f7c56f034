//! What the commands do when all is well.

#![expect(clippy::disallowed_methods, reason = "std's pow is the independent oracle of a Q10")]

mod program;

use program::{root, run, run_in, run_with, toml_files};
use serde_json::Value;

fn good(args: &[&str]) -> String {
    let ran = run(args);
    assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.stderr);
    assert!(ran.left.is_empty(), "{args:?} leaves {:?}", ran.left);
    ran.stdout
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&good(args)).unwrap()
}

fn examples() -> Vec<String> {
    let all: Vec<String> =
        toml_files(&root().join("examples").canonicalize().unwrap()).iter().map(|p| p.display().to_string()).collect();
    assert!(all.len() >= 3);
    all
}

fn entries() -> Vec<String> {
    let all: Vec<String> = json(&["catalogue", "list", "--json"])
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(all.len() >= 30);
    all
}

#[test]
fn version_and_help_are_data() {
    assert_eq!(good(&["--version"]), format!("bouton {}\n", env!("CARGO_PKG_VERSION")));
    let help = good(&["--help"]);
    for command in ["check", "explain", "schema", "catalogue", "completions"] {
        assert!(help.contains(command));
        assert!(good(&[command, "--help"]).contains("Usage: bouton"));
    }
    for command in ["list", "show", "check"] {
        assert!(good(&["catalogue", command, "--help"]).contains("Usage: bouton"));
    }
}

#[test]
fn every_example_is_well_formed() {
    for file in examples() {
        assert!(good(&["check", &file]).contains("well formed"), "{file}");
        assert_eq!(json(&["check", "--json", &file]), serde_json::json!([]));
        good(&["explain", &file]);
    }
    let all = examples();
    let mut args = vec!["check"];
    args.extend(all.iter().map(String::as_str));
    assert_eq!(good(&args).lines().count(), all.len());
}

#[test]
fn explain_says_of_every_rate_its_unit_its_source_and_what_temperature_did() {
    let mut rates = 0;
    for file in examples() {
        let explained = json(&["explain", "--json", &file]);
        for v in explained["values"].as_array().unwrap() {
            let path = v["path"].as_str().unwrap();
            if !path.contains(".rate.") {
                continue;
            }
            rates += 1;
            let value = &v["value"];
            assert!(value["expression"].is_string() || value.is_number() && v["unit"].is_string(), "{v}");
            assert!(v["source"].is_string() || v["evidence"] == "assumed", "{v}");
            assert!(v["temperature"]["reference_K"].is_number() && v["temperature"]["factor"].is_number(), "{v}");
            let t = &v["temperature"];
            let kelvin = explained["temperature_K"].as_f64().unwrap();
            assert_eq!(t["temperature_K"].as_f64().unwrap(), kelvin);
            let factor =
                t["q10"].as_f64().map_or(1.0, |q| q.powf((kelvin - t["reference_K"].as_f64().unwrap()) / 10.0));
            assert!((t["factor"].as_f64().unwrap() / factor - 1.0).abs() < 1e-12, "{v}");
            assert!(v["place"].as_str().unwrap().starts_with("catalogue:") && v["origin"] == "catalogue", "{v}");
        }
    }
    assert!(rates > 50, "{rates} rates");
}

#[test]
fn explain_shows_a_condition_and_knows_their_names() {
    let file = examples().into_iter().find(|f| f.ends_with("glutamate_spine.toml")).unwrap();
    let kelvin =
        |args: &[&str]| json(&[&["explain", "--json", &file], args].concat())["temperature_K"].as_f64().unwrap();
    assert_eq!(kelvin(&[]), 307.15);
    assert_eq!(kelvin(&["--condition", "room"]), 295.15);
    run(&["explain", &file, "--condition", "rooms"]).refuses("did you mean `room`?", &[]);
}

/// Every field name in a schema.
fn names(v: &Value, out: &mut Vec<String>) {
    match v {
        Value::Object(map) => {
            if let Some(properties) = map.get("properties").and_then(Value::as_object) {
                out.extend(properties.keys().cloned());
            }
            map.values().for_each(|v| names(v, out));
        }
        Value::Array(all) => all.iter().for_each(|v| names(v, out)),
        _ => {}
    }
}

fn schemas() -> Vec<Value> {
    let mut all = vec![json(&["schema"])];
    all.extend(model::fields::KINDS.iter().map(|(kind, _)| json(&["schema", "--of", kind])));
    all
}

fn stand_in_the_reference(names: &[String]) {
    let page = good(&["schema", "--format", "markdown"]);
    for name in names {
        assert!(page.contains(&format!("| `{name}` |")), "`{name}` is not in the reference");
    }
}

/// The definition of a number with a provenance of its own.
fn is_number(definition: &str) -> bool {
    definition.starts_with("number_")
}

#[test]
fn every_field_of_the_schemas_stands_in_the_reference() {
    let mut all = Vec::new();
    for mut schema in schemas() {
        schema["$defs"].as_object_mut().unwrap().retain(|name, _| !is_number(name));
        names(&schema, &mut all);
    }
    assert!(all.len() > 200);
    stand_in_the_reference(&all);
    run(&["schema", "--of", "recepter"]).refuses("did you mean `receptor`?", &[]);
}

#[test]
fn the_fields_of_a_number_stand_in_the_reference() {
    let mut all = Vec::new();
    for mut schema in schemas() {
        schema["$defs"].as_object_mut().unwrap().retain(|name, _| is_number(name));
        names(&schema["$defs"], &mut all);
    }
    assert!(all.contains(&"evidence".to_owned()));
    stand_in_the_reference(&all);
}

/// The part of JSON Schema that ours uses; a keyword that is not understood here fails.
fn valid(v: &Value, schema: &Value, whole: &Value) -> Result<(), String> {
    let fail = |why: String| Err(format!("{why}: {v}"));
    for (keyword, rule) in schema.as_object().unwrap() {
        let ok = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "default" | "examples" => true,
            "$ref" => {
                valid(
                    v,
                    whole.pointer(rule.as_str().unwrap().strip_prefix('#').unwrap()).ok_or("no such definition")?,
                    whole,
                )?;
                true
            }
            "type" => match rule.as_str().unwrap() {
                "object" => v.is_object(),
                "array" => v.is_array(),
                "string" => v.is_string(),
                "boolean" => v.is_boolean(),
                "integer" => v.is_i64() || v.is_u64(),
                "number" => v.is_number(),
                other => return fail(format!("type {other}")),
            },
            "enum" => rule.as_array().unwrap().contains(v),
            "minimum" => v.as_f64().is_none_or(|x| x >= rule.as_f64().unwrap()),
            "maximum" => v.as_f64().is_none_or(|x| x <= rule.as_f64().unwrap()),
            "exclusiveMinimum" => v.as_f64().is_none_or(|x| x > rule.as_f64().unwrap()),
            "pattern" => {
                // Always `^(kind|kind)/[A-Za-z0-9_]+$`.
                let kinds = rule
                    .as_str()
                    .unwrap()
                    .strip_prefix("^(")
                    .and_then(|r| r.strip_suffix(")/[A-Za-z0-9_]+$"))
                    .ok_or("another pattern")?;
                v.as_str().and_then(|s| s.split_once('/')).is_some_and(|(kind, name)| {
                    kinds.split('|').any(|k| k == kind)
                        && !name.is_empty()
                        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                })
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|s| valid(v, s, whole).is_ok()),
            "items" => {
                v.as_array().into_iter().flatten().try_for_each(|i| valid(i, rule, whole))?;
                true
            }
            "minItems" => v.as_array().is_none_or(|a| a.len() as u64 >= rule.as_u64().unwrap()),
            "required" => rule.as_array().unwrap().iter().all(|r| v.get(r.as_str().unwrap()).is_some()),
            "properties" => {
                for (name, inner) in v.as_object().into_iter().flatten() {
                    if let Some(s) = rule.get(name) {
                        valid(inner, s, whole).map_err(|e| format!("{name}: {e}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                for (name, inner) in v.as_object().into_iter().flatten() {
                    let known = schema.get("properties").is_some_and(|p| p.get(name).is_some());
                    match rule {
                        _ if known => {}
                        Value::Bool(allowed) if !allowed => return fail(format!("`{name}` is not in the schema")),
                        Value::Bool(_) => {}
                        rule => valid(inner, rule, whole).map_err(|e| format!("{name}: {e}"))?,
                    }
                }
                true
            }
            other => return fail(format!("unknown keyword {other}")),
        };
        if !ok {
            return fail(format!("{keyword}: {rule}"));
        }
    }
    Ok(())
}

fn as_json(n: &model::tree::Node) -> Value {
    use model::tree::Value as V;
    match &n.value {
        V::Text(t) | V::Date(t) => Value::from(t.as_str()),
        V::Integer(i) => Value::from(*i),
        V::Float(x, _) => Value::from(*x),
        V::Flag(b) => Value::from(*b),
        V::List(l) => l.iter().map(as_json).collect(),
        V::Table(t) => t.iter().map(|(k, n)| (k.name.clone(), as_json(n))).collect(),
    }
}

fn parsed(path: &std::path::Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut sources, mut out) = (model::diagnostic::Sources::default(), model::diagnostic::Diagnostics::default());
    let file = sources.add("x", text.as_str().into());
    as_json(&model::tree::parse(&text, file, &sources, &mut out))
}

#[test]
fn examples_and_entries_are_valid_by_the_schema() {
    let schema = json(&["schema"]);
    for file in examples() {
        valid(&parsed(file.as_ref()), &schema, &schema).unwrap_or_else(|e| panic!("{file}: {e}"));
    }
    for name in entries() {
        let schema = json(&["schema", "--of", name.split('/').next().unwrap()]);
        let path = root().join("crates/catalogue/data").join(format!("{name}.toml"));
        valid(&parsed(&path), &schema, &schema).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    // And the schema refuses what it can see: an unknown field, a bare number.
    for wrong in ["bare_number", "unknown_field", "negative_count", "volume_fraction", "text_for_table", "many"] {
        assert!(
            valid(&parsed(&root().join(format!("examples/broken/{wrong}.toml"))), &schema, &schema).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn every_entry_is_listed_and_shown_with_its_sources() {
    let list = good(&["catalogue", "list"]);
    for name in entries() {
        assert!(list.contains(&name));
        let ran = run_with(&root(), &["catalogue", "show", &name], 20);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(ran.stderr.is_empty(), "{name}: {}", ran.stderr);
        let source = parsed(&root().join("crates/catalogue/data").join(format!("{name}.toml")))["source"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(ran.stdout.contains(&format!("[{source}]")), "{name} does not cite {source}");
    }
    for row in json(&["catalogue", "list", "--json"]).as_array().unwrap() {
        assert!(
            row["title"].as_str().is_some_and(|t| !t.is_empty()) && row["hash"].as_str().is_some_and(|h| h.len() == 64),
            "{row}"
        );
    }
    assert!(good(&["catalogue", "list", "receptor"]).lines().all(|l| l.starts_with("receptor/")));
    run(&["catalogue", "list", "receptors"]).refuses("did you mean `receptor`?", &[]);
    run(&["catalogue", "show", "receptor/ampa_jonas_1994"]).refuses("did you mean `receptor/ampa_jonas_1993`?", &[]);
}

/// Tags that open are closed, in order; attributes are quoted; no stray `&` or `<`.
fn is_well_formed(xml: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    let mut roots = 0;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        if open.is_empty() && !text.trim().is_empty() {
            return Err(format!("text outside the root: {text}"));
        }
        entities(text)?;
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").ok_or("comment without end")?.1;
            continue;
        }
        let end = rest.find('>').ok_or("tag without end")?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if tag.starts_with('?') || tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim()) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        if !tag.matches('"').count().is_multiple_of(2) || tag.contains('<') {
            return Err(format!("<{tag}>"));
        }
        entities(tag)?;
        if open.is_empty() {
            roots += 1;
        }
        if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or(""));
        }
    }
    if roots == 1 && open.is_empty() && rest.trim().is_empty() {
        Ok(())
    } else {
        Err(format!("{roots} roots, open: {open:?}"))
    }
}

fn entities(text: &str) -> Result<(), String> {
    for after in text.split('&').skip(1) {
        let name = after.split(';').next().unwrap_or("");
        if !(matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") || name.starts_with('#')) {
            return Err(format!("stray &: {after}"));
        }
    }
    Ok(())
}

#[test]
fn plots_are_well_formed_xml() {
    let folder = tempfile::tempdir().unwrap();
    for name in entries() {
        let ran = run_with(folder.path(), &["catalogue", "show", &name, "--svg", "p.svg", "--force"], 20);
        if ran.code == Some(1) && ran.stderr.contains("has nothing to plot") {
            continue;
        }
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("wrote p.svg"));
        let text = std::fs::read_to_string(folder.path().join("p.svg")).unwrap();
        is_well_formed(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{name}");
    }
    assert!(
        is_well_formed("<svg><g></svg></g>").is_err()
            && is_well_formed("<svg>a & b</svg>").is_err()
            && is_well_formed("<svg a=\"1/>").is_err()
    );
}

#[test]
fn temperature_changes_rates_by_their_q10() {
    let rates = |args: &[&str]| -> Vec<Value> {
        json(&[&["catalogue", "show", "receptor/ampa_jonas_1993", "--json"], args].concat())["values"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|v| v["path"].as_str().unwrap().starts_with("rate."))
            .cloned()
            .collect()
    };
    let (own, warm) = (rates(&[]), rates(&["--temperature", "34 degC"]));
    assert!(own.len() >= 14 && own.len() == warm.len());
    for (a, b) in own.iter().zip(&warm) {
        assert_eq!(a["path"], b["path"]);
        let t = &b["temperature"];
        let factor = t["q10"].as_f64().unwrap().powf((307.15 - t["reference_K"].as_f64().unwrap()) / 10.0);
        let ratio = b["value"].as_f64().unwrap() / a["value"].as_f64().unwrap();
        assert!((ratio / factor - 1.0).abs() < 1e-12 && factor > 1.0, "{b}");
    }
    run(&["catalogue", "show", "receptor/ampa_jonas_1993", "--temperature", "34 K"])
        .refuses("--temperature is out of range", &[]);
    run(&["catalogue", "show", "receptor/ampa_jonas_1993", "--temperature", "34 mV"])
        .refuses("--temperature is a temperature, but `34 mV` is a voltage", &[]);
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let shown = |args: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let ran = run_in(
            folder.path(),
            &[&["catalogue", "show", "receptor/ampa_jonas_1993", "--svg", "p.svg"], args].concat(),
        );
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        (ran.stdout, std::fs::read(folder.path().join("p.svg")).unwrap())
    };
    let (a, b, c) = (shown(&["--seed", "7"]), shown(&["--seed", "7"]), shown(&["--seed", "8"]));
    assert_eq!(a, b);
    assert_ne!(a.1, c.1);
    assert_eq!(shown(&[]), shown(&["--seed", "1"]));
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = good(&["completions", shell]);
        assert!(text.contains("bouton") && text.contains("catalogue"), "{shell}");
    }
}

#[test]
fn faults_as_json_say_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("m.toml"),
        "# \u{e9}\nduration = \"1 mV\"\n  temperature = \"20 degC\"\ndetail = \"x\"\n",
    )
    .unwrap();
    let ran = run_in(folder.path(), &["check", "--json", "m.toml", "none.toml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let all: Value = serde_json::from_str(&ran.stdout).unwrap();
    let place = |i: usize| (all[i]["file"].as_str(), all[i]["line"].as_u64(), all[i]["column"].as_u64());
    assert_eq!(place(0), (Some("m.toml"), Some(2), Some(12)));
    assert_eq!(place(1), (Some("m.toml"), Some(4), Some(10)));
    assert_eq!(place(2), (Some("none.toml"), None, None));
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|d| d["severity"] == "error" && d["message"].is_string() && d["hints"].is_array())
    );
    assert_eq!(all.as_array().unwrap().len(), 3);
}
