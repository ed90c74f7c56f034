//! A claim's folder: the file, its models, its expressions; every fault before anything runs.

use super::verdict::unit_of;
use super::{Bound, Claim, Curve, Drawn, Faults, Model, Names, Picture, Row, Table};
use crate::simulation::Detail;
use crate::{acceptance, lower};
use model::beside::beside;
use model::catalogue::{Catalogue, read_text};
use model::diagnostic::{Diagnostic, Diagnostics, Sources, Span, nearest};
use model::fields::CLAIM;
use model::read::{Number, Read, Reader, Typed};
use model::resolve::Resolved;
use model::units::{self, Expr};
use model::{resolve, tree};
use std::path::Path;

/// Reads what a claim says of itself, and nothing else: for a list of claims.
///
/// # Errors
/// All faults of the file.
pub(super) fn head(folder: &Path, catalogue: &Catalogue) -> Result<(Read, Sources), Faults> {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let path = folder.join("claim.toml");
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(d) => {
            out.push(*d);
            return Err(vec![(out, sources)]);
        }
    };
    let file = sources.add(&path.display().to_string(), text.as_str().into());
    let node = tree::parse(&text, file, &sources, &mut out);
    let read = if out.has_errors() {
        None
    } else {
        Reader { catalogue, sources: &sources, out: &mut out, partial: false }.table(&node, &CLAIM)
    };
    match read {
        Some(read) if !out.has_errors() => Ok((read, sources)),
        _ => Err(vec![(out, sources)]),
    }
}

/// Trials of a model that had one, at a level at which receptors jump.
pub const GROUPED: u64 = 320;

impl Claim {
    /// Reads a claim's folder and makes its models ready; `trials` instead of what it says, and all synapses with a cleft at `level`.
    /// A model of one trial, which leaves nothing to chance, has [`GROUPED`] or `trials` of them at a level that does; its measures are
    /// then taken of means over groups of trials.
    ///
    /// # Errors
    /// All faults of the claim and of its models.
    pub fn read(
        folder: &Path,
        trials: Option<u64>,
        level: Option<Detail>,
        catalogue: &Catalogue,
    ) -> Result<Self, Faults> {
        let (read, mut sources) = head(folder, catalogue)?;
        let mut faults = Faults::new();
        let mut out = Diagnostics::default();
        let trials = trials.or_else(|| read.count("trials").copied());
        let models = models(folder, &read, (trials, level), catalogue, &mut out, &mut faults);
        let mut names = Names::of_models(&models);
        if let Some(entry) = read.text("entry") {
            let mut faults = Diagnostics::default();
            if let Some(v) = acceptance::check(entry, catalogue, &mut sources, &mut faults) {
                names = Names::of_entry(&v);
            }
            faults.0.into_iter().for_each(|d| out.push(d));
        }
        let whole = faults.is_empty();
        let mut reading = Reading { names: &names, sources: &sources, out: &mut out };
        let text = |f: &str| read.text(f).unwrap_or_default().to_owned();
        let folder = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        // With a model that cannot be read, its numbers are unknown, and saying so would drown the cause.
        let mut bounds = |table: &str| -> Vec<Bound> {
            if whole { read.list(table).iter().filter_map(|b| reading.bound(b, table)).collect() } else { Vec::new() }
        };
        let (checks, controls, shown) = (bounds("check"), bounds("control"), bounds("number"));
        let (mut tables, mut pictures, mut curves) = (Vec::new(), Vec::new(), Vec::new());
        if whole {
            tables.extend(read.list("table").iter().map(|t| reading.table(t)));
            pictures.extend(read.list("picture").iter().filter_map(|p| reading.picture(p, &models)));
            curves.extend(read.list("curve").iter().map(|c| reading.curve(c)));
        }
        reading.whole(&read, &folder);
        let mut cited: Vec<String> = read.texts("sources").iter().map(|t| t.0.clone()).collect();
        cited.extend(checks.iter().filter_map(|c| c.source.clone()));
        cited.sort();
        cited.dedup();
        let claim = Self {
            id: text("id"),
            folder,
            title: text("title"),
            sentence: text("sentence"),
            how: text("how"),
            assumed: read.texts("assumed").iter().map(|t| t.0.clone()).collect(),
            sources: cited,
            checks,
            controls,
            shown,
            tables,
            pictures,
            curves,
            models,
            entry: read.text("entry").map(str::to_owned),
            names,
        };
        out.sort();
        if out.has_errors() {
            faults.insert(0, (out, sources));
        }
        if faults.is_empty() { Ok(claim) } else { Err(faults) }
    }

    /// Id and title of a claim, without its models.
    ///
    /// # Errors
    /// All faults of its file.
    pub fn heading(folder: &Path, catalogue: &Catalogue) -> Result<(String, String), Faults> {
        let (read, _) = head(folder, catalogue)?;
        let text = |f: &str| read.text(f).unwrap_or_default().to_owned();
        Ok((text("id"), text("title")))
    }
}

/// The models of a claim, resolved and lowered.
fn models(
    folder: &Path,
    read: &Read,
    (trials, level): (Option<u64>, Option<Detail>),
    catalogue: &Catalogue,
    out: &mut Diagnostics,
    faults: &mut Faults,
) -> Vec<Model> {
    let mut files: Vec<(String, String, Span)> = Vec::new();
    if let (Some(file), Some(span)) = (read.text("model"), read.span_of("model")) {
        files.push((String::new(), file.to_owned(), span.clone()));
    }
    if let Some(Typed::NamedTexts(named)) = read.get("models") {
        files.extend(named.iter().map(|(key, file, span)| (key.name.clone(), file.clone(), span.clone())));
    }
    let ways = ["model", "models", "entry"].iter().filter(|f| read.get(f).is_some()).count();
    if ways != 1 {
        let what = if ways == 0 { "nothing to run" } else { "more than one thing to run" };
        out.push(Diagnostic::error(format!("the claim has {what}"), read.span.clone()).hint(
            "one of `model = \"model.toml\"`, `models = { name = \"file.toml\" }` and `entry = \"enzyme/ache\"`",
        ));
        return Vec::new();
    }
    // Where a level is given, trials are those of models that have several.
    let sets: Vec<String> = trials.iter().filter(|_| level.is_none()).map(|n| format!("trials = {n}")).collect();
    let mut all = Vec::new();
    for (name, file, span) in files {
        if Path::new(&file).components().count() != 1 || file.starts_with('.') {
            out.push(
                Diagnostic::error(format!("`{file}` is no file beside the claim"), span).hint("e.g. \"model.toml\""),
            );
            continue;
        }
        let path = folder.join(&file);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(d) => {
                out.push(Diagnostic { span: Some(span), ..*d });
                continue;
            }
        };
        let shown = path.display().to_string();
        let outcome = resolve::model_beside(&shown, text.into(), &sets, catalogue, &beside(&path));
        let mut wrong = outcome.diagnostics;
        let conditions: Vec<_> = outcome.resolved.iter().filter(|r| r.condition.is_some()).cloned().collect();
        let resolved = if conditions.is_empty() { outcome.resolved } else { conditions };
        let lower = |r: &Resolved, wrong: &mut Diagnostics| {
            let Some(level) = level else { return lower::model(r, wrong) };
            let mut plan = lower::at_level(r, level, wrong)?;
            if plan.trials == 1 && level != Detail::Mean {
                (plan.trials, plan.grouped) = (trials.unwrap_or(GROUPED), true);
            }
            Some(plan)
        };
        let plans: Vec<_> = resolved.iter().filter_map(|r| lower(r, &mut wrong)).collect();
        if wrong.has_errors() || plans.len() < resolved.len() {
            faults.push((wrong, outcome.sources));
            continue;
        }
        all.push(Model { name, file, plans, resolved });
    }
    all
}

struct Reading<'a> {
    names: &'a Names,
    sources: &'a Sources,
    out: &'a mut Diagnostics,
}

impl Reading<'_> {
    fn expression(&mut self, read: &Read, field: &str) -> Option<(Expr, String)> {
        let formula = read.formula(field)?;
        match units::parse(&formula.text, self.names) {
            Ok(e) => Some((e, formula.text.clone())),
            Err(e) => {
                let span = formula.span.inside(self.sources, &e.range);
                self.out.push(Diagnostic::error(format!("`{field}`: {}", e.message), span).maybe_hint(e.hint));
                None
            }
        }
    }

    fn bound(&mut self, read: &Read, table: &str) -> Option<Bound> {
        let (value, written) = self.expression(read, "value")?;
        let (least, most) = (self.expression(read, "least"), self.expression(read, "most"));
        for (field, edge) in [("least", &least), ("most", &most)] {
            if let Some((edge, text)) = edge
                && edge.dimension != value.dimension
                && let Some(span) = read.span_of(field)
            {
                let message =
                    format!("`{field}` is {}, but the value is {}: `{text}`", edge.dimension, value.dimension);
                self.out.push(Diagnostic::error(message, span.clone()));
            }
        }
        let any = read.get("least").is_some() || read.get("most").is_some();
        if table != "number" && !any {
            let message = format!("a {table} without `least` and `most` decides nothing");
            let hint = "give an edge of its band, or write it as a [[number]]";
            self.out.push(Diagnostic::error(message, read.span.clone()).hint(hint));
        }
        let evidence = read.word("evidence");
        if table == "check" && read.get("source").is_none() && read.get("origin").is_none() {
            let d = Diagnostic::error("nobody knows where this band comes from", read.span.clone());
            self.out.push(d.hint("source = \"...\", or origin = \"...\" in words"));
        }
        Some(Bound {
            says: read.text("says").unwrap_or_default().to_owned(),
            value,
            written,
            least,
            most,
            source: read.text("source").map(str::to_owned),
            origin: read.text("origin").map(str::to_owned),
            evidence,
            unit: None,
        })
    }

    /// Texts that are expressions, each in the unit of its place, if there is one; `None` for an empty text.
    fn numbers(&mut self, texts: &[(String, Span)], units: &[Option<(String, f64)>]) -> Vec<Option<Bound>> {
        let mut out = Vec::new();
        for (k, (text, span)) in texts.iter().enumerate() {
            let value = match text.trim() {
                "" => None,
                _ => units::parse(text, self.names)
                    .map_err(|e| {
                        let place = span.inside(self.sources, &e.range);
                        self.out.push(Diagnostic::error(e.message, place).maybe_hint(e.hint));
                    })
                    .ok(),
            };
            out.push(value.map(|value| Bound {
                says: String::new(),
                value,
                written: text.clone(),
                least: None,
                most: None,
                source: None,
                origin: None,
                evidence: None,
                unit: units.get(k).cloned().flatten().or_else(|| unit_of(text)),
            }));
        }
        out
    }

    /// A unit that is to be shown; `%` is one.
    fn unit(&mut self, text: &str, span: &Span) -> Option<(String, f64)> {
        let unit = unit_of(&format!("1 {text}"));
        if unit.is_none() {
            self.out.push(Diagnostic::error(format!("`{text}` is no unit"), span.clone()).hint("e.g. \"ms\", \"%\""));
        }
        unit
    }

    /// Rows of as many numbers as there are `wanted`, which must be of one kind in each column.
    fn rows(&mut self, rows: &[Read], wanted: (usize, &str), units: &[Option<(String, f64)>]) -> Vec<Row> {
        let mut out: Vec<Row> = Vec::new();
        for row in rows {
            let texts = row.texts("values");
            if texts.len() != wanted.0 {
                let message = format!("{} values for {} {}", texts.len(), wanted.0, wanted.1);
                let place = row.span_of("values").unwrap_or(&row.span).clone();
                self.out.push(Diagnostic::error(message, place).hint("an empty text \"\" leaves one out"));
            }
            let says = row.text("says").unwrap_or_default().to_owned();
            out.push((says, self.numbers(texts, units)));
        }
        out
    }

    fn table(&mut self, read: &Read) -> Table {
        let units: Vec<_> =
            read.texts("units").iter().map(|(t, span)| if t.is_empty() { None } else { self.unit(t, span) }).collect();
        let columns: Vec<String> = read.texts("columns").iter().map(|t| t.0.clone()).collect();
        if !units.is_empty() && units.len() != columns.len() {
            let message = format!("{} units for {} columns", units.len(), columns.len());
            let place = read.span_of("units").unwrap_or(&read.span).clone();
            self.out.push(Diagnostic::error(message, place).hint("an empty text \"\" where there is none"));
        }
        let rows = self.rows(read.list("row"), (columns.len(), "columns"), &units);
        let units = columns.iter().enumerate().map(|(k, _)| match units.get(k) {
            Some(Some((unit, _))) => unit.clone(),
            _ => String::new(),
        });
        let units = units.collect();
        Table { title: read.text("title").unwrap_or_default().to_owned(), columns, units, rows }
    }

    fn curve(&mut self, read: &Read) -> Curve {
        let text = |f: &str| read.text(f).unwrap_or_default().to_owned();
        let at: Vec<Bound> = self.numbers(read.texts("at"), &[]).into_iter().flatten().collect();
        let unit = match (read.text("unit"), read.span_of("unit")) {
            (Some(t), Some(span)) => self.unit(t, span),
            _ => None,
        };
        let units = vec![unit; at.len()];
        let lines = self.rows(read.list("line"), (at.len(), "places"), &units);
        for (first, other) in at.first().into_iter().flat_map(|f| at.iter().map(move |o| (f, o))) {
            if first.value.dimension != other.value.dimension {
                let message = format!("`{}` and `{}` do not lie on one axis", first.written, other.written);
                self.out.push(Diagnostic::error(message, read.span_of("at").unwrap_or(&read.span).clone()));
                break;
            }
        }
        let logarithmic = read.word("scale") == Some("logarithmic");
        Curve { title: text("title"), across: text("across"), up: text("up"), at, lines, logarithmic }
    }

    fn drawn(&mut self, read: &Read) -> Option<Drawn> {
        let bin = read.number("bin").map(Number::value);
        match (read.text("trace"), read.text("events"), bin) {
            (Some(trace), None, None) => Some(Drawn::Trace(trace.to_owned())),
            (None, Some(events), Some(bin)) => Some(Drawn::Events(events.to_owned(), bin)),
            _ => {
                let d = Diagnostic::error("a picture is of one trace, or of events", read.span.clone());
                self.out.push(d.hint("trace = \"contact.current\", or events = \"receiver.spike\" and bin = \"1 ms\""));
                None
            }
        }
    }

    fn picture(&mut self, read: &Read, models: &[Model]) -> Option<Picture> {
        let drawn = self.drawn(read)?;
        let span = |f: &str| read.span_of(f).unwrap_or(&read.span).clone();
        let model = match read.text("model") {
            None => 0,
            Some(name) => match models.iter().position(|m| m.name == name) {
                Some(i) => i,
                None => {
                    let known: Vec<String> = models.iter().map(|m| m.name.clone()).collect();
                    self.unknown("model", name, span("model"), &known);
                    return None;
                }
            },
        };
        let plans = &models.get(model)?.plans;
        let known: Vec<String> = plans.iter().map(|p| p.name.clone()).filter(|n| !n.is_empty()).collect();
        for (name, place) in read.texts("conditions") {
            if !known.contains(name) {
                self.unknown("condition", name, place.clone(), &known);
            }
        }
        let conditions: Vec<String> = read.texts("conditions").iter().map(|t| t.0.clone()).collect();
        let shown = |p: &&crate::simulation::Plan| conditions.is_empty() || conditions.contains(&p.name);
        for plan in plans.iter().filter(shown) {
            let (field, wanted, known) = match &drawn {
                Drawn::Trace(path) => {
                    let kept = plan.probes.iter().filter(|p| p.wanted.kept());
                    ("trace", path, kept.map(|p| p.path.clone()).collect::<Vec<_>>())
                }
                Drawn::Events(name, _) => {
                    let spikes = plan.cells.iter().map(|c| format!("{}.spike", c.name));
                    let fusions = plan.synapses.iter().filter(|s| s.zone.0 == 0).map(|s| format!("{}.fusion", s.name));
                    ("events", name, spikes.chain(fusions).collect())
                }
            };
            if known.contains(wanted) {
                continue;
            }
            let hint = match (nearest(wanted, &known), &drawn) {
                (Some(n), _) => format!("did you mean `{n}`?"),
                (None, Drawn::Trace(_)) => format!("add `probe.NAME = {{ read = \"{wanted}\" }}` to the model"),
                (None, Drawn::Events(..)) => format!("there is: {}", known.join(", ")),
            };
            let message = match &drawn {
                Drawn::Trace(_) => format!("no probe of condition `{}` reads `{wanted}`", plan.name),
                Drawn::Events(..) => format!("nothing in condition `{}` is called `{wanted}`", plan.name),
            };
            self.out.push(Diagnostic::error(message, span(field)).hint(hint));
            break;
        }
        let time = |f: &str| read.number(f).map(Number::value);
        Some(Picture {
            title: read.text("title").unwrap_or_default().to_owned(),
            drawn,
            model,
            conditions,
            from: time("from"),
            until: time("until"),
        })
    }

    fn unknown(&mut self, what: &str, name: &str, span: Span, known: &[String]) {
        let hint = nearest(name, known)
            .map_or_else(|| format!("there is: {}", known.join(", ")), |n| format!("did you mean `{n}`?"));
        self.out.push(Diagnostic::error(format!("no {what} is called `{name}`"), span).hint(hint));
    }

    /// What a claim as a whole must have.
    fn whole(&mut self, read: &Read, folder: &str) {
        let id = read.text("id").unwrap_or_default();
        let letter = id.chars().next().is_some_and(|c| c.is_ascii_uppercase());
        let good = letter && id.len() > 1 && id[1..].chars().all(|c| c.is_ascii_alphanumeric());
        if let (false, Some(span)) = (good, read.span_of("id")) {
            self.out.push(Diagnostic::error(format!("`{id}` is no id"), span.clone()).hint("e.g. `A53`"));
        } else if let (false, Some(span)) = (folder.split('_').next() == Some(id), read.span_of("id")) {
            let d = Diagnostic::error(format!("the claim `{id}` lies in the folder `{folder}`"), span.clone());
            self.out.push(d.hint(format!("call the folder `{id}_...`")));
        }
        if !read.list("check").is_empty() && read.list("control").is_empty() {
            let d = Diagnostic::error("the claim has checks and no control", read.span.clone());
            self.out
                .push(d.hint("add a [[control]]: a number that must miss its band, so that the experiment can fail"));
        }
    }
}
