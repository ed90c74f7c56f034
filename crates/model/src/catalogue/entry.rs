//! An entry, read whole: its head, its parameters, its scheme or gates, its checks.

use super::drug::{self, Action};
use super::rate::{Grounds, Layout, Rate, rate};
use super::scheme::{self, Scheme};
use super::{Catalogue, connexin};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Sources};
use crate::fields;
use crate::read::{Evidence, Number, Provenance, Read, Reader, provenance_of};
use crate::tree::Node;
use crate::units::{Dimension, unit};

/// An entry of the catalogue.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `receptor/ampa_jonas_1993`
    pub name: String,
    /// Its folder.
    pub kind: &'static str,
    /// Its text.
    pub file: FileId,
    /// All its fields.
    pub body: Read,
    /// T_ref in K.
    pub temperature: f64,
    /// What holds for every number that does not say otherwise.
    pub provenance: Provenance,
    /// Names and numbers of `[parameter]`.
    pub parameters: Vec<(String, Number)>,
    /// Ions whose concentrations its gates read; ligands of its layout.
    pub reads: Vec<String>,
    /// The order of values that its expressions expect.
    pub layout: Layout,
    /// Its scheme, if it has one.
    pub scheme: Option<Scheme>,
    /// Its gates, if it has any.
    pub gates: Vec<Gate>,
    /// Its block, if it is one.
    pub block: Option<Block>,
    /// Of a gap-junction channel: the share of its conductance that the voltage across leaves at once.
    pub share: Option<Rate>,
    /// What it does, if it is a drug.
    pub actions: Vec<Action>,
}

/// A kind of two-state gate.
#[derive(Debug, Clone)]
pub struct Gate {
    /// Its name, `m`.
    pub name: String,
    /// How many must be open at once.
    pub count: u32,
    /// Its kinetics.
    pub form: GateForm,
    /// Factor for ten kelvin.
    pub q10: Option<f64>,
}

/// The two ways in which gates are published.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum GateForm {
    Rates { opening: Rate, closing: Rate },
    Relaxation { steady: Rate, tau: Rate },
}

/// An instantaneous block.
#[derive(Debug, Clone)]
pub struct Block {
    /// By which ion.
    pub ion: String,
    /// Share of open channels that conduct, over the entry's layout with the ion as ligand 0.
    pub open_fraction: Rate,
}

impl Entry {
    /// Its title.
    pub fn title(&self) -> &str {
        self.body.text("title").unwrap_or_default()
    }
    /// Its summary.
    pub fn summary(&self) -> &str {
        self.body.text("summary").unwrap_or_default()
    }
    /// Values of its parameters in order.
    pub fn parameter_values(&self) -> Vec<f64> {
        self.parameters.iter().map(|p| p.1.value()).collect()
    }
    /// The provenance of a number of this entry: what the number says, else what the entry says.
    pub fn provenance_of(&self, own: &Provenance) -> Provenance {
        let mut p = self.provenance.clone();
        if own.source.is_some() || own.evidence.is_some() {
            // A number with an origin of its own was not necessarily seen where the entry was.
            p.seen_in.clear();
        }
        if own.source.is_some() {
            p.source.clone_from(&own.source);
        }
        if !own.seen_in.is_empty() {
            p.seen_in.clone_from(&own.seen_in);
        }
        if own.evidence == Some(Evidence::Assumed) && own.source.is_none() {
            p.source = None;
        }
        p.evidence = own.evidence.or(p.evidence);
        p.species = own.species.clone().or(p.species);
        p.temperature = own.temperature.or(p.temperature);
        p.q10 = own.q10;
        p.note.clone_from(&own.note);
        p
    }
    /// What it is to a drug, the narrowest first.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.body.texts("family").iter().map(|t| t.0.as_str())
    }
    /// Ligands of its scheme.
    pub fn ligands(&self) -> &[String] {
        self.scheme.as_ref().map_or(&[], |s| &s.ligands)
    }
}

pub(super) fn read(
    name: &str,
    file: FileId,
    node: &Node,
    catalogue: &Catalogue,
    sources: &Sources,
    out: &mut Diagnostics,
) -> Option<Entry> {
    let folder = name.split('/').next().unwrap_or("");
    let Some((kind, table)) = fields::KINDS.iter().find(|k| k.0 == folder) else {
        let kinds: Vec<&str> = fields::KINDS.iter().map(|k| k.0).collect();
        out.push(
            Diagnostic::error(format!("`{name}`: `{folder}` is no kind of entry"), node.span.clone())
                .hint(format!("folders: {}", kinds.join(", "))),
        );
        return None;
    };
    let mut reader = Reader { catalogue, sources, out, partial: false };
    let body = reader.table(node, table)?;
    let mut parameters = Vec::new();
    for (key, number) in body.named_numbers("parameter") {
        if unit(&key.name).is_some()
            || matches!(key.name.as_str(), "v" | "temperature" | "faraday" | "gas_constant" | "if")
        {
            reader.out.push(
                Diagnostic::error(
                    format!(
                        "a parameter cannot be called `{}`: expressions read that as a unit or a variable",
                        key.name
                    ),
                    key.span.clone(),
                )
                .hint(format!("e.g. `{}_1`, `k_{}`", key.name, key.name)),
            );
        } else {
            parameters.push((key.name.clone(), number.clone()));
        }
    }
    let provenance = provenance_of(&body);
    // A missing temperature was said; the rest is read all the same.
    let temperature = body.number("temperature").map_or(295.15, Number::value);
    let ligands: Vec<String> = match (body.table("scheme"), body.table("block")) {
        (Some(s), _) => s.texts("ligands").iter().map(|t| t.0.clone()).collect(),
        (None, Some(b)) => b.text("ion").map(str::to_owned).into_iter().collect(),
        _ => Vec::new(),
    };
    let reads = reads(&body, &parameters);
    let layout = Layout::new(&parameters, &[ligands, reads.clone()].concat());
    let scheme = body.table("scheme").and_then(|s| scheme::read(s, &body, &layout, &mut reader));
    let gates: Vec<Gate> =
        body.named("gate").iter().filter_map(|(key, g)| gate(&key.name, g, &body, &layout, &mut reader)).collect();
    let block: Option<Block> = body.table("block").and_then(|b| {
        let open_fraction = rate("open_fraction", b.formula("open_fraction")?, Dimension::NONE, &layout, &mut reader)?;
        Some(Block { ion: b.text("ion")?.to_owned(), open_fraction })
    });
    let values: Vec<f64> = parameters.iter().map(|(_, n): &(String, Number)| n.value()).collect();
    let actions = drug::actions(&body, &layout, &values, &mut reader);
    if let (Some(scheme), Some(gate)) = (body.span_of("scheme"), body.span_of("gate")) {
        let d = Diagnostic::error("a channel has a scheme or gates, not both", gate.clone());
        reader.out.push(d.related(scheme.clone(), "its scheme"));
    }
    body.table("pool").into_iter().for_each(|p| pool(p, &mut reader));
    let across = folder == "connexin";
    let share = if across { connexin::read(&body, scheme.as_ref(), &layout, &mut reader) } else { None };
    if !reader.out.has_errors() {
        let grounds = Grounds { layout: &layout, parameters: &values, temperature, across };
        let mut test = |name: &str, r: &Rate, low: f64, high: f64| grounds.plausible(name, r, (low, high), &mut reader);
        for step in scheme.iter().flat_map(|s: &Scheme| &s.steps) {
            test("forward", &step.forward, 0.0, f64::MAX);
            step.backward.iter().for_each(|r| test("backward", r, 0.0, f64::MAX));
        }
        for gate in &gates {
            match &gate.form {
                GateForm::Rates { opening, closing } => {
                    test("opening", opening, 0.0, f64::MAX);
                    test("closing", closing, 0.0, f64::MAX);
                }
                GateForm::Relaxation { steady, tau } => {
                    test("steady", steady, 0.0, 1.0);
                    test("tau", tau, f64::MIN_POSITIVE, f64::MAX);
                }
            }
        }
        if let Some(Block { open_fraction, .. }) = &block {
            test("open_fraction", open_fraction, 0.0, 1.0);
        }
        if let Some(share) = &share {
            test("share", share, 0.0, f64::MAX);
            connexin::conducts_at_rest(share, &grounds, &mut reader);
        }
    }
    Some(Entry {
        name: name.to_owned(),
        kind,
        file,
        temperature,
        provenance,
        parameters,
        reads,
        layout,
        scheme,
        gates,
        block,
        share,
        actions,
        body,
    })
}

/// Ions whose concentrations inside an expression may read.
pub const IONS: [&str; 6] = ["na", "k", "cl", "ca", "mg", "hco3"];

/// Whether a pool is of an ion, and something removes it.
fn pool(p: &Read, reader: &mut Reader<'_>) {
    if let (Some(ion), Some(span)) = (p.text("ion"), p.span_of("ion"))
        && !IONS.contains(&ion)
    {
        let d = Diagnostic::error(format!("`{ion}` is no ion that a pool may be of"), span.clone());
        reader.out.push(d.hint(format!("ions: {}", IONS.join(", "))));
    }
    let has = |f: &str| p.get(f).is_some();
    if has("v_max") != has("k_m") || !(has("tau") || has("v_max")) {
        let d = Diagnostic::error("a pool needs `tau`, or a pump with `v_max` and `k_m`, or both", p.span.clone());
        reader.out.push(d.hint("what comes in has to leave: tau = \"80 ms\""));
    }
}

/// Ions that the gates' expressions name, unless a parameter is called so.
fn reads(body: &Read, parameters: &[(String, Number)]) -> Vec<String> {
    let texts = || {
        let gates = body.named("gate").iter();
        gates.flat_map(|(_, g)| ["opening", "closing", "steady", "tau"].into_iter().filter_map(|f| g.formula(f)))
    };
    let named = |ion: &str| {
        texts().any(|f| f.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == ion))
    };
    let free = |ion: &&str| named(ion) && !parameters.iter().any(|(name, _)| name == *ion);
    IONS.into_iter().filter(free).map(str::to_owned).collect()
}

fn gate(name: &str, g: &Read, body: &Read, layout: &Layout, reader: &mut Reader<'_>) -> Option<Gate> {
    let mut formula = |field: &str, dimension| g.formula(field).and_then(|f| rate(field, f, dimension, layout, reader));
    let (opening, closing) = (formula("opening", Dimension::RATE), formula("closing", Dimension::RATE));
    let (steady, tau) = (formula("steady", Dimension::NONE), formula("tau", Dimension::TIME));
    let form = match (opening, closing, steady, tau) {
        (Some(opening), Some(closing), None, None) => GateForm::Rates { opening, closing },
        (None, None, Some(steady), Some(tau)) => GateForm::Relaxation { steady, tau },
        _ => {
            let written = ["opening", "closing", "steady", "tau"].into_iter().filter(|f| g.get(f).is_some()).count();
            if written != 2 || g.get("opening").is_some() != g.get("closing").is_some() {
                reader.out.push(Diagnostic::error(
                    format!("gate `{name}` needs `opening` and `closing`, or `steady` and `tau`"),
                    g.span.clone(),
                ));
            }
            return None;
        }
    };
    let q10 = g.number("q10").or_else(|| body.table("gating").and_then(|t| t.number("q10"))).map(Number::value);
    Some(Gate { name: name.to_owned(), count: g.count("count").copied().unwrap_or(1) as u32, form, q10 })
}
