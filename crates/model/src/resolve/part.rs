//! An entry at a place: parameters said otherwise there, and every rate taken to the model's temperature.
//!
//! rate(T) = rate(T_ref) * Q10^((T - T_ref) / 10 K), with the Q10 of that rate. A rate without a Q10 stays as measured,
//! and `explain` says so. Equilibrium loops must still close at the new temperature.

use super::{Content, Origin, ResolvedValue, plain};
use crate::catalogue::{Balance, Block, Entry, GateForm, Layout, Rate, Scheme};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span, nearest};
use crate::junction;
use crate::read::{Number, Provenance, Read, provenance_of};
use crate::units::{Dimension, Expr, Quantity};
use std::sync::Arc;

/// What temperature did to a value.
#[derive(Debug, Clone, PartialEq)]
pub struct TemperatureStep {
    /// T_ref, K.
    pub reference: f64,
    /// The model's temperature, K.
    pub temperature: f64,
    /// Its factor for ten kelvin; `None` if none is known, and the value stays as measured.
    pub q10: Option<f64>,
    /// What the value was multiplied with.
    pub factor: f64,
}

impl TemperatureStep {
    pub(crate) fn new(reference: f64, temperature: f64, q10: Option<f64>) -> Self {
        let factor = q10.map_or(1.0, |q| numerics::math::pow(q, (temperature - reference) / 10.0));
        Self { reference, temperature, q10, factor }
    }
}

/// A rate at the model's temperature: `factor` times the expression.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRate {
    /// In coherent units, over the entry's layout.
    pub expr: Expr,
    /// Sites times temperature.
    pub factor: f64,
}

/// A step in one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectedStep {
    /// State before.
    pub from: usize,
    /// State after.
    pub to: usize,
    /// Ligand taken up; the rate is then per mM.
    pub takes_up: Option<usize>,
    /// Ligand given off.
    pub gives_off: Option<usize>,
    /// /ms or /mM/ms.
    pub rate: ResolvedRate,
}

/// A scheme at the model's temperature.
#[derive(Debug, Clone)]
pub struct ResolvedScheme {
    /// States by index.
    pub states: Vec<String>,
    /// Which of them are absorbing.
    pub absorbing: Vec<bool>,
    /// Ligands by index.
    pub ligands: Vec<String>,
    /// Steps, each direction on its own.
    pub steps: Vec<DirectedStep>,
}

/// A gate at the model's temperature.
#[derive(Debug, Clone)]
pub struct ResolvedGate {
    /// Its name.
    pub name: String,
    /// How many must be open at once.
    pub count: u32,
    /// Its kinetics.
    pub form: ResolvedGateForm,
}

/// The two ways in which gates are published; time constants are divided by the temperature factor.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum ResolvedGateForm {
    Rates { opening: ResolvedRate, closing: ResolvedRate },
    Relaxation { steady: ResolvedRate, tau: ResolvedRate },
}

/// A drug that a part's scheme has among its ligands, held at a concentration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dose {
    /// Index of the ligand.
    pub ligand: usize,
    /// mM
    pub concentration: f64,
    /// Whether it sits where the part's own ligand would.
    pub at_site: bool,
}

/// An entry at its place.
#[derive(Debug, Clone)]
pub struct Part {
    /// The entry.
    pub entry: String,
    /// Its kind.
    pub kind: &'static str,
    /// Where expressions find their values.
    pub layout: Layout,
    /// Parameters in order, with what the place says otherwise.
    pub parameters: Vec<f64>,
    /// K
    pub temperature: f64,
    /// Everything else that the entry says.
    pub body: Arc<Entry>,
    /// The scheme, if the entry has one.
    pub scheme: Option<ResolvedScheme>,
    /// The gates, if it has any.
    pub gates: Vec<ResolvedGate>,
    /// The block, if it is one.
    pub block: Option<Block>,
    /// Unitary conductance by state, nS.
    pub conductance: Vec<(usize, f64)>,
    /// Of a gap-junction channel: what the voltage across leaves of its conductance at once.
    pub share: Option<ResolvedRate>,
    /// Of a gap-junction channel: what one conducts at most, before `share`, nS; where anybody says so.
    pub unitary: Option<f64>,
    /// Of a gap-junction channel: the share of `unitary` that it conducts in the mean, both sides at the same voltage, with the
    /// entry's own parameters and without drugs: where the conductance of a junction is said.
    pub at_rest: f64,
    /// All its values with their origin, for listings.
    pub values: Vec<ResolvedValue>,
    /// Drugs that its scheme binds.
    pub drugs: Vec<Dose>,
    /// Share of it that drugs have left.
    pub active: f64,
    /// Independent loops: states, product at the entry's temperature, tolerance if it is an equilibrium scheme.
    pub loops: Vec<(Vec<usize>, f64, Option<f64>)>,
}

struct Lister<'a> {
    entry: &'a Entry,
    sources: &'a Sources,
    values: Vec<ResolvedValue>,
}

impl Lister<'_> {
    fn place(&self, span: Option<&Span>) -> Origin {
        match span {
            None => Origin::Default,
            Some(s) if s.file == self.entry.file => {
                Origin::Catalogue { entry: self.entry.name.clone(), place: self.sources.place(s) }
            }
            Some(s) => Origin::Written(self.sources.place(s)),
        }
    }
    fn push(
        &mut self,
        path: String,
        content: Content,
        span: Option<&Span>,
        own: &Provenance,
        temperature: Option<TemperatureStep>,
    ) {
        let origin = self.place(span);
        let provenance = if matches!(origin, Origin::Written(_)) { own.clone() } else { self.entry.provenance_of(own) };
        self.values.push(ResolvedValue { path, content, origin, provenance, temperature });
    }
    fn number(&mut self, path: String, n: &Number) {
        self.push(path, Content::Quantity(n.quantity), n.span.as_ref(), &n.provenance, None);
    }
}

/// An error at the place that uses an entry, with the entry's own place beside it.
fn at(message: String, blame: &Option<Span>, own: &Span) -> Diagnostic {
    match blame {
        Some(place) => Diagnostic::error(message, place.clone()).related(own.clone(), "in the entry"),
        None => Diagnostic::error(message, own.clone()),
    }
}

/// Resolves an entry at a place. `placed` is the table that uses it; only its `parameter` and `conductance` matter here.
pub fn part(entry: &Arc<Entry>, temperature: f64, placed: &Read, sources: &Sources, out: &mut Diagnostics) -> Part {
    let mut list = Lister { entry, sources, values: Vec::new() };
    let given = placed.named_numbers("parameter");
    let names: Vec<String> = entry.parameters.iter().map(|p| p.0.clone()).collect();
    for (key, number) in given {
        match entry.parameters.iter().find(|p| p.0 == key.name) {
            None => {
                let hint = nearest(&key.name, &names).map_or_else(
                    || {
                        if names.is_empty() {
                            format!("`{}` has no parameters", entry.name)
                        } else {
                            format!("its parameters: {}", names.join(", "))
                        }
                    },
                    |n| format!("did you mean `{n}`?"),
                );
                out.push(
                    Diagnostic::error(format!("`{}` has no parameter `{}`", entry.name, key.name), key.span.clone())
                        .hint(hint),
                );
            }
            Some((_, own)) if own.quantity.dimension != number.quantity.dimension => {
                let d = Diagnostic::error(
                    format!(
                        "`{}` is {}, but `{}` is {}",
                        key.name, own.quantity.dimension, number.written, number.quantity.dimension
                    ),
                    number.span.clone(),
                );
                out.push(d.hint(format!("in `{}` it is {}", entry.name, own.written)));
            }
            Some(_) => {}
        }
    }
    // What goes wrong here is for whoever placed the entry to mend; where the entry stands alone, for its curator.
    let blame = given.first().map(|(k, _)| &k.span).or_else(|| placed.span_of("use")).cloned();
    let mut blamed = false;
    let mut parameters = Vec::with_capacity(entry.parameters.len());
    for (name, own) in &entry.parameters {
        let number = given.iter().find(|(k, _)| &k.name == name).map_or(own, |(_, n)| n);
        parameters.push(number.value());
        list.number(format!("parameter.{name}"), number);
    }
    if let Some(n) = entry.body.number("temperature") {
        list.number("t_ref".into(), n);
    }
    if let Some(q10) = entry.body.table("scheme").and_then(|s| s.table("q10")) {
        let shared = provenance_of(q10);
        for class in ["binding", "gating"] {
            if let Some(n) = q10.number(class) {
                let own = if n.provenance == Provenance::default() { &shared } else { &n.provenance };
                list.push(format!("q10.{class}"), Content::Quantity(n.quantity), n.span.as_ref(), own, None);
            }
        }
    }
    let mut resolve = |path: String,
                       rate: &Rate,
                       dimension: Dimension,
                       q10: Option<f64>,
                       inverse: bool,
                       list: &mut Lister<'_>|
     -> ResolvedRate {
        let reference = rate.provenance.temperature.unwrap_or(entry.temperature);
        let step = TemperatureStep::new(reference, temperature, q10);
        let heat = if inverse { 1.0 / step.factor } else { step.factor };
        let factor = f64::from(rate.sites) * heat;
        let variable = (entry.layout.parameters..entry.layout.names.len()).any(|i| rate.expr.mentions(i));
        let content = if variable {
            Content::Expression { text: rate.text.clone(), factor }
        } else {
            let values =
                entry.layout.values(&parameters, f64::NAN, temperature, &vec![f64::NAN; entry.layout.ligands()]);
            let value = rate.expr.evaluate(&values) * factor;
            if (!value.is_finite() || value < 0.0) && !std::mem::replace(&mut blamed, true) {
                let d = at(format!("`{path}` of `{}` comes out as {value}", entry.name), &blame, &rate.span);
                out.push(d.hint("a rate is finite and not negative"));
            }
            Content::Quantity(Quantity { value, dimension })
        };
        list.push(path, content, Some(&rate.span), &rate.provenance, Some(step));
        ResolvedRate { expr: rate.expr.clone(), factor }
    };
    let scheme = entry.scheme.as_ref().map(|s| {
        let mut steps = Vec::with_capacity(2 * s.steps.len());
        for step in &s.steps {
            let dimension =
                |ligand: Option<usize>| if ligand.is_some() { Dimension::BINDING_RATE } else { Dimension::RATE };
            let name = |i: usize| s.states[i].name.as_str();
            let (a, b) = (name(step.from), name(step.to));
            let forward = resolve(
                format!("rate.{a}->{b}"),
                &step.forward,
                dimension(step.takes_up),
                step.forward.q10,
                false,
                &mut list,
            );
            steps.push(DirectedStep {
                from: step.from,
                to: step.to,
                takes_up: step.takes_up,
                gives_off: step.gives_off,
                rate: forward,
            });
            if let Some(backward) = &step.backward {
                let rate = resolve(
                    format!("rate.{b}->{a}"),
                    backward,
                    dimension(step.gives_off),
                    backward.q10,
                    false,
                    &mut list,
                );
                steps.push(DirectedStep {
                    from: step.to,
                    to: step.from,
                    takes_up: step.gives_off,
                    gives_off: step.takes_up,
                    rate,
                });
            }
        }
        ResolvedScheme {
            states: s.states.iter().map(|st| st.name.clone()).collect(),
            absorbing: s.states.iter().map(|st| st.absorbing).collect(),
            ligands: s.ligands.clone(),
            steps,
        }
    });
    let mut gates = Vec::with_capacity(entry.gates.len());
    for g in &entry.gates {
        list.push(
            format!("gate.{}.count", g.name),
            Content::Quantity(plain(f64::from(g.count))),
            entry.body.span_of("gate"),
            &Provenance::default(),
            None,
        );
        let form = match &g.form {
            GateForm::Rates { opening, closing } => ResolvedGateForm::Rates {
                opening: resolve(format!("gate.{}.opening", g.name), opening, Dimension::RATE, g.q10, false, &mut list),
                closing: resolve(format!("gate.{}.closing", g.name), closing, Dimension::RATE, g.q10, false, &mut list),
            },
            GateForm::Relaxation { steady, tau } => ResolvedGateForm::Relaxation {
                steady: resolve(format!("gate.{}.steady", g.name), steady, Dimension::NONE, None, false, &mut list),
                tau: resolve(format!("gate.{}.tau", g.name), tau, Dimension::TIME, g.q10, true, &mut list),
            },
        };
        gates.push(ResolvedGate { name: g.name.clone(), count: g.count, form });
    }
    let share = entry.share.as_ref().map(|s| resolve("share".into(), s, Dimension::NONE, None, false, &mut list));
    let conductance = conductances(entry, placed, &mut list, out);
    let most = conductance.iter().map(|c| c.1).fold(0.0, f64::max);
    let said = if entry.kind == "connexin" { placed.number("unitary") } else { None };
    let unitary = said
        .or_else(|| entry.body.table("junction")?.number("unitary"))
        .map(Number::value)
        .or_else(|| (entry.kind == "connexin" && most > 0.0).then_some(most));
    for table in ["permeation", "transport", "buffer", "pool", "junction"] {
        let Some(t) = entry.body.table(table) else { continue };
        for (name, span, typed) in t.iter() {
            // What the place says otherwise is listed there.
            if matches!(table, "permeation" | "pool" | "junction") && placed.get(name).is_some() {
                continue;
            }
            // A channel's own path says already that it is one of a junction.
            let path = if entry.kind == "connexin" { name.to_owned() } else { format!("{table}.{name}") };
            match typed {
                crate::read::Typed::Number(n) => list.number(path, n),
                crate::read::Typed::NamedNumbers(all) => {
                    all.iter().for_each(|(k, n)| list.number(format!("{path}.{}", k.name), n))
                }
                crate::read::Typed::Text(t) => {
                    list.push(path, Content::Words(t.clone()), span, &Provenance::default(), None)
                }
                crate::read::Typed::Texts(all) => {
                    let words = all.iter().map(|t| t.0.as_str()).collect::<Vec<_>>().join(" | ");
                    list.push(path, Content::Words(words), span, &Provenance::default(), None)
                }
                _ => {}
            }
        }
    }
    let loops = entry.scheme.as_ref().map_or_else(Vec::new, |s| loops(s, entry, &parameters, temperature, &blame, out));
    let mut part = Part {
        entry: entry.name.clone(),
        kind: entry.kind,
        body: entry.clone(),
        layout: entry.layout.clone(),
        parameters,
        temperature,
        scheme,
        gates,
        block: entry.block.clone(),
        conductance,
        share,
        unitary,
        at_rest: 1.0,
        values: list.values,
        drugs: Vec::new(),
        active: 1.0,
        loops,
    };
    if entry.kind == "connexin" {
        connexin(&mut part, entry, &blame, out);
    }
    part
}

/// What a gap-junction channel conducts as it stands in its entry; whether that is anything, and alike from both sides
/// where they are not said to differ.
fn connexin(part: &mut Part, entry: &Entry, blame: &Option<Span>, out: &mut Diagnostics) {
    let own = Part { parameters: entry.parameter_values(), ..part.clone() };
    let steady = |v: f64| junction::steady(&own, v).unwrap_or(f64::NAN);
    let [rest, there, back] = [0.0, 60.0, -60.0].map(steady);
    if rest > 0.0 && rest.is_finite() {
        part.at_rest = rest;
    } else {
        let message = format!("`{}` conducts nothing where both sides are at the same voltage", entry.name);
        out.push(at(message, blame, &entry.body.span).hint("the conductance of a junction is said there"));
    }
    let sides = entry.body.table("junction").is_some_and(|j| j.get("sides").is_some());
    if !sides && (there - back).abs() > 1e-9 * (there + back) {
        let message = format!(
            "`{}` conducts {:.3} times as much at 60 mV across as at -60 mV, and does not say which side is which",
            entry.name,
            there / back
        );
        out.push(at(message, blame, &entry.body.span).hint("junction.sides = [\"Cx43\", \"Cx45\"]"));
    }
}

fn conductances(entry: &Entry, placed: &Read, list: &mut Lister<'_>, out: &mut Diagnostics) -> Vec<(usize, f64)> {
    let Some(scheme) = &entry.scheme else {
        entry
            .body
            .named_numbers("conductance")
            .iter()
            .for_each(|(k, n)| list.number(format!("conductance.{}", k.name), n));
        return Vec::new();
    };
    let over = placed.named_numbers("conductance");
    let own = entry.body.named_numbers("conductance");
    for (key, _) in over {
        if !own.iter().any(|(k, _)| k.name == key.name) {
            let names: Vec<String> = own.iter().map(|(k, _)| k.name.clone()).collect();
            out.push(
                Diagnostic::error(format!("`{}` has no conducting state `{}`", entry.name, key.name), key.span.clone())
                    .hint(format!("conducting: {}", names.join(", "))),
            );
        }
    }
    let mut conductance = Vec::new();
    for (key, number) in own {
        let number = over.iter().find(|(k, _)| k.name == key.name).map_or(number, |(_, n)| n);
        list.number(format!("conductance.{}", key.name), number);
        conductance.extend(scheme.state(&key.name).map(|i| (i, number.value())));
    }
    conductance
}

fn loops(
    scheme: &Scheme,
    entry: &Entry,
    parameters: &[f64],
    temperature: f64,
    blame: &Option<Span>,
    out: &mut Diagnostics,
) -> Vec<(Vec<usize>, f64, Option<f64>)> {
    let tolerance = match scheme.balance {
        Balance::Equilibrium { tolerance } => Some(tolerance),
        Balance::Driven { .. } => None,
    };
    let heat = |r: &Rate| {
        TemperatureStep::new(r.provenance.temperature.unwrap_or(entry.temperature), temperature, r.q10).factor
    };
    let found = scheme.loops(&entry.layout, parameters, temperature, &heat);
    for l in &found {
        if let Some(tolerance) = tolerance
            && (l.product - 1.0).abs() > tolerance + 1e-9
        {
            let path: Vec<&str> = l.states.iter().map(|&i| scheme.states[i].name.as_str()).collect();
            let message = format!(
                "`{}` at {:.1} degC: the loop {} does not close, its product is {:.4}",
                entry.name,
                temperature - 273.15,
                path.join(" - "),
                l.product
            );
            let hint =
                "its Q10s or the parameters said otherwise here break the balance; change them so that the loop closes";
            out.push(at(message, blame, &scheme.span).hint(hint));
        }
    }
    found.into_iter().map(|l| (l.states, l.product, tolerance)).collect()
}
