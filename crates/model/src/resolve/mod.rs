//! From what was written to what cannot be wrong: entries merged, names bound, units coherent, temperature applied.
//! Every value remembers where it came from and what temperature did to it; `bouton explain` prints that.

mod bind;
mod circuit;
mod dose;
mod expand;
mod junction;
mod observable;
mod part;
mod place;
mod plain;
mod point;
mod pool;
mod shape;
mod spines;
mod sweep;
mod wash;

pub use circuit::member;
pub use junction::electrical;
pub use observable::{OF_CLAMP, OF_CLEARANCE, OF_JUNCTION, OF_RECEPTOR, OF_TERMINAL};
pub use part::{
    DirectedStep, Dose, Part, ResolvedGate, ResolvedGateForm, ResolvedRate, ResolvedScheme, TemperatureStep, part,
};
pub use shape::{Shape, ShapeFile};
pub use sweep::Swept;

use crate::beside::{self, Files};
use crate::catalogue::{Catalogue, Entry};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources, Span};
use crate::fields::MODEL;
use crate::read::{Evidence, Number, Provenance, Read, Reader, Typed};
use crate::tree::{self, Node};
use crate::units::{Dimension, Quantity};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// Written in the model file, at `file:line:column`.
    Written(String),
    /// Left out; the default of its field.
    Default,
    /// From an entry of the catalogue, at a place.
    Catalogue {
        /// The entry.
        entry: String,
        /// `file:line:column`
        place: String,
    },
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Content {
    Quantity(Quantity),
    Count(u64),
    Words(String),
    /// A rate that depends on voltage or ligand: its expression, and the factor temperature and sites put on it.
    Expression {
        text: String,
        factor: f64,
    },
}

/// A resolved value, with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedValue {
    /// Its path in the model.
    pub path: String,
    /// The value.
    pub content: Content,
    /// Where it came from.
    pub origin: Origin,
    /// Its source, species and evidence; empty for what the user wrote.
    pub provenance: Provenance,
    /// What temperature did to it; `None` where temperature does not matter.
    pub temperature: Option<TemperatureStep>,
}

/// A model of which nothing is unknown.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The condition; `None` for the file as it stands.
    pub condition: Option<String>,
    /// Its sweep, if the condition is of one.
    pub swept: Option<Swept>,
    /// K
    pub temperature: f64,
    /// The file as it was read, recipes merged in, numbers at the model's temperature.
    pub read: Read,
    /// Every value, in the order of the file.
    pub values: Vec<ResolvedValue>,
    /// Every placed entry by its path.
    pub parts: BTreeMap<String, Part>,
    /// Drugs in the bath, by name, with their concentrations when a trial begins, mM.
    pub baths: Vec<(String, f64)>,
    /// What follows within a trial, if baths change: in the order of time.
    pub phases: Vec<Phase>,
    /// Entries used, with the BLAKE3 of their text.
    pub entries: BTreeMap<String, String>,
    /// Shapes of the cells that have sections or a morphology, by their names.
    pub shapes: BTreeMap<String, Arc<Shape>>,
}

/// A stretch of a trial in which the baths are others.
#[derive(Debug, Clone)]
pub struct Phase {
    /// When it begins, in steps of the neurons.
    pub from: i64,
    /// Concentration of each drug, in the order of [`Resolved::baths`], mM.
    pub baths: Vec<f64>,
    /// The parts on which drugs act whose baths change, by their paths, as they are in it.
    pub parts: BTreeMap<String, Part>,
}

/// All that came of reading a model file.
pub struct Outcome {
    /// The texts.
    pub sources: Sources,
    /// Every fault, in the order of the text.
    pub diagnostics: Diagnostics,
    /// The file as it stands and each of its conditions; empty if there was an error.
    pub resolved: Vec<Resolved>,
}

/// The most conditions of a file.
const MAX_CONDITIONS: usize = 1000;
/// The most values of all conditions together.
const MAX_CONDITION_VALUES: usize = 150_000;
/// The most levels of baths of all conditions together; each is made ready before anything runs.
const MAX_LEVELS: usize = 10_000;

/// Reads and resolves a model text; every fault of it is in the outcome.
pub fn model(name: &str, text: Arc<str>, catalogue: &Catalogue) -> Outcome {
    model_with(name, text, &[], catalogue)
}

/// The same, with `path = value` said otherwise, as TOML (`synapse.contact.terminal.docked = 5`); a value that is none is
/// taken as a text, so that `temperature=34 degC` needs no quotes. Conditions lie over these.
pub fn model_with(name: &str, text: Arc<str>, overrides: &[String], catalogue: &Catalogue) -> Outcome {
    model_beside(name, text, overrides, catalogue, &beside::nowhere)
}

/// The same, of a model that may name other files, which `files` gives.
pub fn model_beside(
    name: &str,
    text: Arc<str>,
    overrides: &[String],
    catalogue: &Catalogue,
    files: Files<'_>,
) -> Outcome {
    let mut sources = Sources::default();
    let mut out = Diagnostics::default();
    let file = sources.add(name, text.clone());
    let mut node = tree::parse(&text, file, &sources, &mut out);
    for written in overrides {
        if let Some(overlay) = said_otherwise(written, &mut sources, &mut out) {
            node = Node { span: node.span.clone(), ..node.merged(&overlay) };
        }
    }
    // With broken syntax half of the fields are missing, and saying so would drown the cause.
    let mut broken = out.has_errors();
    if !broken && node.get("evidence").is_some() && node.get("check").is_some() {
        broken = true;
        out.push(Diagnostic::error("this is a catalogue entry, not a model", Span { file, range: 0..0 }).hint(
            "put it in FOLDER/<kind>/<name>.toml and run `bouton --catalogue FOLDER catalogue check <kind>/<name>`",
        ));
    }
    let mut resolved = Vec::new();
    let mut loaded = Loaded::default();
    if !broken {
        let base = Resolver::new(catalogue, files, &mut loaded, &mut sources, &mut out).resolve(&node, None);
        resolved.extend(base);
        let conditions = sweep::conditions(&node, &mut out);
        if conditions.len() > MAX_CONDITIONS {
            out.push(Diagnostic::error(
                format!("{} conditions; at most {MAX_CONDITIONS}", conditions.len()),
                Span { file, range: 0..0 },
            ));
        }
        let values = resolved.first().map_or(0, |r: &Resolved| r.values.len());
        let afford = MAX_CONDITION_VALUES / values.max(1);
        if conditions.len() > afford {
            let d = Diagnostic::error(
                format!(
                    "{} conditions of {values} values each; at most {MAX_CONDITION_VALUES} values",
                    conditions.len()
                ),
                Span { file, range: 0..0 },
            );
            out.push(d.hint("split the conditions between files"));
        }
        for (key, overlay, swept) in conditions.iter().take(MAX_CONDITIONS.min(afford)) {
            if overlay.fields().is_none() {
                continue; // said by the reader
            }
            if let Some(inner) = overlay.get("condition") {
                out.push(Diagnostic::error("a condition cannot hold conditions", inner.span.clone()));
                continue;
            }
            let merged = Node { span: node.span.clone(), ..node.merged(overlay) };
            if let Some(inner) = overlay.get("sweep") {
                out.push(Diagnostic::error("a condition cannot hold sweeps", inner.span.clone()));
                continue;
            }
            let one =
                Resolver::new(catalogue, files, &mut loaded, &mut sources, &mut out).resolve(&merged, Some(&key.name));
            resolved.extend(one.map(|r| Resolved { swept: swept.clone(), ..r }));
            if resolved.iter().map(|r| r.phases.len()).sum::<usize>() > MAX_LEVELS {
                let message = format!("the baths of all conditions would take more than {MAX_LEVELS} levels");
                let d = Diagnostic::error(message, Span { file, range: 0..0 });
                out.push(d.hint("a larger `error` in the schedules, or split the conditions between files"));
                break;
            }
        }
    }
    out.sort();
    if out.has_errors() {
        resolved.clear();
    }
    Outcome { sources, diagnostics: out, resolved }
}

/// One `path = value` as a tree.
fn said_otherwise(written: &str, sources: &mut Sources, out: &mut Diagnostics) -> Option<Node> {
    let quoted = written.split_once('=').map(|(path, value)| {
        let escaped = value.trim().replace('\\', "\\\\").replace('"', "\\\"");
        format!("{} = \"{escaped}\"", path.trim())
    });
    let Some(quoted) = quoted else {
        let file = sources.add(&format!("--set {written}"), written.into());
        let d =
            Diagnostic::error(format!("`{written}` says nothing otherwise"), Span { file, range: 0..written.len() });
        out.push(d.hint("--set path=value, e.g. --set synapse.contact.terminal.docked=5"));
        return None;
    };
    for (text, last) in [(written.to_owned(), false), (quoted, true)] {
        let file = sources.add(&format!("--set {text}"), text.as_str().into());
        let mut faults = Diagnostics::default();
        let node = tree::parse(&text, file, sources, &mut faults);
        if !faults.has_errors() {
            return Some(node);
        }
        if last {
            faults.0.into_iter().for_each(|d| out.push(d));
        }
    }
    None
}

/// Entries and shapes read so far, for the file and all of its conditions.
#[derive(Default)]
struct Loaded {
    /// By name, and the bits of the radius that is taken where there is none.
    shapes: BTreeMap<(String, Option<u64>), Option<Arc<Shape>>>,
    entries: BTreeMap<String, Option<Arc<Entry>>>,
    trees: BTreeMap<String, Arc<Node>>,
}

pub(crate) struct Resolver<'a> {
    catalogue: &'a Catalogue,
    read_file: Files<'a>,
    loaded: &'a mut Loaded,
    /// By name of the cell.
    shapes: BTreeMap<String, Arc<Shape>>,
    /// Cells of which the shape could not be made, which was said.
    shapeless: BTreeSet<String>,
    /// Names of the entries that this condition uses.
    used: BTreeSet<String>,
    sources: &'a mut Sources,
    out: &'a mut Diagnostics,
    /// Files of entries, for the provenance of numbers that were merged from them.
    files: BTreeMap<FileId, (String, Provenance)>,
    /// Where tables begin that use an entry which could not be read: nothing is known of their parts.
    partless: BTreeSet<(FileId, usize)>,
    values: Vec<ResolvedValue>,
    parts: BTreeMap<String, Part>,
    temperature: f64,
}

impl<'a> Resolver<'a> {
    fn new(
        catalogue: &'a Catalogue,
        files: Files<'a>,
        loaded: &'a mut Loaded,
        sources: &'a mut Sources,
        out: &'a mut Diagnostics,
    ) -> Self {
        Self {
            catalogue,
            read_file: files,
            loaded,
            shapes: BTreeMap::new(),
            shapeless: BTreeSet::new(),
            used: BTreeSet::new(),
            partless: BTreeSet::new(),
            sources,
            out,
            files: BTreeMap::new(),
            values: Vec::new(),
            parts: BTreeMap::new(),
            temperature: f64::NAN,
        }
    }

    fn entry(&mut self, name: &str) -> Option<Arc<Entry>> {
        let entry = match self.loaded.entries.get(name) {
            Some(known) => known.clone(),
            None => {
                let entry = self.catalogue.entry(name, self.sources, self.out);
                self.loaded.entries.insert(name.to_owned(), entry.clone());
                entry
            }
        };
        if self.used.insert(name.to_owned())
            && let Some(e) = &entry
        {
            self.files.insert(e.file, (name.to_owned(), e.provenance.clone()));
        }
        entry
    }

    /// The entry as a tree, for merging.
    fn tree(&mut self, name: &str) -> Option<Arc<Node>> {
        if let Some(known) = self.loaded.trees.get(name) {
            return Some(known.clone());
        }
        let (_, tree) = self.catalogue.tree(name, self.sources, self.out)?;
        let tree = Arc::new(tree);
        self.loaded.trees.insert(name.to_owned(), tree.clone());
        Some(tree)
    }

    fn resolve(mut self, node: &Node, condition: Option<&str>) -> Option<Resolved> {
        let mut expanded = self.expand(node);
        // Defaults of how finely to compute are taken whether the table is written or not, and listed like all others.
        if let tree::Value::Table(fields) = &mut expanded.value
            && !fields.iter().any(|(k, _)| k.name == "numerics")
        {
            let span = Span { file: node.span.file, range: 0..0 };
            let empty = Node { value: tree::Value::Table(Vec::new()), span: span.clone() };
            fields.push((tree::Key { name: "numerics".into(), span }, empty));
        }
        let mut reader = Reader { catalogue: self.catalogue, sources: self.sources, out: self.out, partial: false };
        let mut read = reader.table(&expanded, &MODEL)?;
        self.shape_all(&read);
        self.bind(&read);
        self.temperature = read.number("temperature").map_or(f64::NAN, Number::value);
        if self.temperature.is_finite() {
            self.heat(&mut read);
        }
        self.walk("", &read);
        let (baths, phases) = self.dose(&read);
        let entries = self.used.iter().filter_map(|n| Some((n.clone(), self.catalogue.hash(n)?))).collect();
        Some(Resolved {
            condition: condition.map(str::to_owned),
            swept: None,
            temperature: self.temperature,
            read,
            values: self.values,
            parts: self.parts,
            baths,
            phases,
            entries,
            shapes: self.shapes,
        })
    }

    /// Takes every number that has a Q10 to the model's temperature.
    fn heat(&self, read: &mut Read) {
        read.numbers_mut(&mut |n| {
            if let Some(step) = self.heating(n) {
                n.quantity.value *= step.factor;
            }
        });
    }

    /// What the model's temperature does to a number that has a Q10.
    fn heating(&self, n: &Number) -> Option<TemperatureStep> {
        let entry = n.span.as_ref().and_then(|s| self.files.get(&s.file)).map(|(name, _)| name);
        let own = entry.and_then(|name| self.loaded.entries.get(name)?.as_ref().map(|e| e.temperature));
        let reference = n.provenance.temperature.or(own)?;
        Some(TemperatureStep::new(reference, self.temperature, Some(n.provenance.q10?)))
    }

    fn origin(&self, span: Option<&Span>) -> Origin {
        let Some(span) = span else { return Origin::Default };
        let place = self.sources.place(span);
        match self.files.get(&span.file) {
            Some((entry, _)) => Origin::Catalogue { entry: entry.clone(), place },
            None => Origin::Written(place),
        }
    }

    /// What is known of a number written at `span`: what it says itself, else what its entry says of all of its own.
    fn provenance(&self, span: Option<&Span>, own: &Provenance) -> Provenance {
        let Some((_, entry)) = span.and_then(|s| self.files.get(&s.file)) else { return own.clone() };
        let mut p = Provenance {
            evidence: own.evidence.or(entry.evidence),
            source: own.source.clone().or_else(|| entry.source.clone()),
            ..own.clone()
        };
        if p.seen_in.is_empty() && own.source.is_none() && own.evidence.is_none() {
            p.seen_in.clone_from(&entry.seen_in);
        }
        // What is assumed has no source, unless it names one itself.
        if p.evidence == Some(Evidence::Assumed) && own.source.is_none() {
            p.source = None;
            p.seen_in.clear();
        }
        p
    }

    fn number(&mut self, path: String, n: &Number) {
        let provenance = self.provenance(n.span.as_ref(), &n.provenance);
        let origin = self.origin(n.span.as_ref());
        self.values.push(ResolvedValue {
            path,
            content: Content::Quantity(n.quantity),
            origin,
            provenance,
            temperature: self.heating(n),
        });
    }

    /// Lists every value of a table, and of the entries placed in it.
    fn walk(&mut self, prefix: &str, read: &Read) {
        let used = read.text("use").map(str::to_owned);
        for (name, span, typed) in read.iter() {
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
            let origin = self.origin(span);
            let mut plain = |content| {
                self.values.push(ResolvedValue {
                    path: path.clone(),
                    content,
                    origin: origin.clone(),
                    provenance: Provenance::default(),
                    temperature: None,
                })
            };
            match typed {
                Typed::Text(t) => plain(Content::Words(t.clone())),
                Typed::Texts(t) => plain(Content::Words(t.iter().map(|t| t.0.as_str()).collect::<Vec<_>>().join(", "))),
                Typed::Words(w) => plain(Content::Words(w.join(", "))),
                Typed::Flag(b) => plain(Content::Words(b.to_string())),
                Typed::Count(n, own) => {
                    plain(Content::Count(*n));
                    let provenance = self.provenance(span, own);
                    if let Some(last) = self.values.last_mut() {
                        last.provenance = provenance;
                    }
                }
                Typed::Formula(f) => plain(Content::Expression { text: f.text.clone(), factor: 1.0 }),
                Typed::Factors(_)
                | Typed::Pairs(_)
                | Typed::NamedTexts(_)
                | Typed::List(_)
                | Typed::Values
                | Typed::Faulty => {}
                Typed::Number(n) => self.number(path, n),
                Typed::Numbers(all) => all.iter().enumerate().for_each(|(i, n)| self.number(format!("{path}[{i}]"), n)),
                Typed::NamedNumbers(all) => {
                    // Parameters of an entry are listed with the entry, as it uses them.
                    if name != "parameter" {
                        all.iter().for_each(|(k, n)| self.number(format!("{path}.{}", k.name), n));
                    }
                }
                Typed::Table(t) => self.walk(&path, t),
                Typed::Named(all) => all.iter().for_each(|(k, t)| self.walk(&format!("{path}.{}", k.name), t)),
            }
        }
        if let Some(block) = read.text("block").map(str::to_owned) {
            self.blocked(prefix, &block);
        }
        let Some(used) = used else { return };
        let Some(entry) = self.entry(&used) else { return };
        if matches!(entry.kind, "neuron" | "synapse") {
            return; // merged field by field already
        }
        let unitary = || {
            let permeable = entry.body.table("permeation").is_some_and(|p| p.get("permeability").is_some());
            permeable || !entry.body.named_numbers("conductance").is_empty()
        };
        if let (Some(span), "channel") = (read.span_of("count"), entry.kind)
            && !unitary()
        {
            let d = Diagnostic::error(
                format!("`{used}` has no unitary conductance, so its `count` says nothing"),
                span.clone(),
            );
            self.out.push(d.hint("give its `density`"));
        }
        // Without a temperature, which was said, the part's other faults can still be found at the entry's own.
        let temperature = if self.temperature.is_finite() { self.temperature } else { entry.temperature };
        let mut part = part(&entry, temperature, read, self.sources, self.out);
        let listed = std::mem::take(&mut part.values);
        self.values.extend(listed.into_iter().map(|v| ResolvedValue { path: format!("{prefix}.{}", v.path), ..v }));
        if let Some(block) = entry.body.table("permeation").and_then(|p| p.text("block")).map(str::to_owned) {
            self.blocked(prefix, &block);
        }
        self.parts.insert(prefix.to_owned(), part);
    }

    /// The block of what is at `prefix`, a part as it stands in its entry.
    fn blocked(&mut self, prefix: &str, block: &str) {
        let Some(block) = self.entry(block) else { return };
        // As of other parts: without a temperature, their own.
        let temperature = if self.temperature.is_finite() { self.temperature } else { block.temperature };
        let as_it_stands = block.body.without_fields();
        let mut part = part::part(&block, temperature, &as_it_stands, self.sources, self.out);
        let listed = std::mem::take(&mut part.values);
        let path = format!("{prefix}.block");
        self.values.extend(listed.into_iter().map(|v| ResolvedValue { path: format!("{path}.{}", v.path), ..v }));
        self.parts.insert(path, part);
    }
}

/// The dimension and value of a plain number, for listings.
pub(crate) fn plain(value: f64) -> Quantity {
    Quantity { value, dimension: Dimension::NONE }
}
