//! The scheme: states, and steps between them, written as chemistry. Receptor, sensor, channel, transporter, enzyme and
//! buffer are all this one type; a drug is a rewrite of it.
//!
//! Statistical factors are explicit: `per_step` rates are used as written, `per_site` ones are multiplied by `sites`.
//! At equilibrium every loop's product of forward over backward rates is 1 (Kolmogorov 1936); a driven scheme says by what.

use super::rate::{Layout, Rate};
use super::step::{Context, near};
use crate::diagnostic::{Diagnostic, Span};
use crate::read::{Number, Read, Reader};
use crate::units::unit;
use numerics::markov;

/// The most states of a scheme.
pub const MAX_STATES: usize = 64;

/// A state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Without return.
    pub absorbing: bool,
}

/// Which Q10 a step has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Takes up or gives off a ligand.
    Binding,
    /// Changes shape.
    Gating,
}

/// A step, forward and perhaps backward.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// State on the left.
    pub from: usize,
    /// State on the right.
    pub to: usize,
    /// Ligand taken up from left to right.
    pub takes_up: Option<usize>,
    /// Ligand given off from left to right.
    pub gives_off: Option<usize>,
    /// Which Q10.
    pub class: Class,
    /// Left to right: /ms, or /mM/ms if a ligand is taken up.
    pub forward: Rate,
    /// Right to left: /ms, or /mM/ms if a ligand was given off.
    pub backward: Option<Rate>,
}

/// Whether a scheme's loops must close.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Balance {
    Equilibrium { tolerance: f64 },
    Driven { by: String },
}

/// A scheme.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheme {
    /// Its place.
    pub span: Span,
    /// In order; the first is the resting one.
    pub states: Vec<State>,
    /// In the order of [`Layout`].
    pub ligands: Vec<String>,
    /// Whether its loops close.
    pub balance: Balance,
    /// Whether `sites` multiply.
    pub per_site: bool,
    /// In order.
    pub steps: Vec<Step>,
}

/// A loop of an equilibrium scheme and how far it is from closing.
#[derive(Debug, Clone, PartialEq)]
pub struct LoopFault {
    /// States in order.
    pub states: Vec<usize>,
    /// Product of forward over backward rates.
    pub product: f64,
    /// The voltage at which it is farthest from 1, mV.
    pub v_m: f64,
}

/// Voltages at which loops are tested, mV.
const VOLTAGES: [f64; 4] = [-70.0, -100.0, 0.0, 40.0];

impl Scheme {
    /// The index of a state.
    pub fn state(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|s| s.name == name)
    }

    /// Every independent loop of reversible steps with the product of its forward over its backward rates, at the
    /// voltage where it is farthest from 1; ligands at 1 mM, which cancels around a loop. `q10` scales each rate (1 at T_ref).
    pub fn loops(
        &self,
        layout: &Layout,
        parameters: &[f64],
        temperature: f64,
        q10: &dyn Fn(&Rate) -> f64,
    ) -> Vec<LoopFault> {
        let mut out: Vec<LoopFault> = Vec::new();
        for v_m in VOLTAGES {
            let values = layout.values(parameters, v_m, temperature, &vec![1.0; self.ligands.len()]);
            let value = |r: &Rate| r.expr.evaluate(&values) * f64::from(r.sites) * q10(r);
            let reactions: Vec<markov::Reaction> = self
                .steps
                .iter()
                .filter(|s| !self.states[s.to].absorbing && !self.states[s.from].absorbing)
                .filter_map(|s| {
                    Some(markov::Reaction {
                        a: s.from,
                        b: s.to,
                        forward: value(&s.forward),
                        backward: value(s.backward.as_ref()?),
                    })
                })
                .collect();
            // A rate that is negative or not finite is caught where rates are tested.
            for (i, l) in markov::loops(self.states.len(), &reactions).unwrap_or_default().into_iter().enumerate() {
                let product = numerics::math::exp(l.ln_ratio);
                let far = |p: f64| numerics::math::ln(p).abs();
                match out.get_mut(i) {
                    Some(known) if far(product) > far(known.product) * (1.0 + 1e-9) + 1e-12 => {
                        *known = LoopFault { states: l.states, product, v_m }
                    }
                    Some(_) => {}
                    None => out.push(LoopFault { states: l.states, product, v_m }),
                }
            }
        }
        out
    }
}

pub(super) fn read(s: &Read, body: &Read, layout: &Layout, reader: &mut Reader<'_>) -> Option<Scheme> {
    let names = s.texts("states");
    let ligand_names = s.texts("ligands");
    if names.len() > MAX_STATES {
        reader.out.push(Diagnostic::error(format!("{} states; at most {MAX_STATES}", names.len()), s.span.clone()));
        return None;
    }
    for (i, (name, span)) in names.iter().enumerate() {
        if names[..i].iter().any(|(n, _)| n == name) {
            reader.out.push(Diagnostic::error(format!("state `{name}` is named twice"), span.clone()));
        }
    }
    for (name, span) in ligand_names {
        if names.iter().any(|(n, _)| n == name) {
            reader.out.push(Diagnostic::error(format!("`{name}` is a ligand and a state"), span.clone()));
        }
        if unit(name).is_some() || name == "v" || name == "temperature" {
            reader.out.push(Diagnostic::error(
                format!("a ligand cannot be called `{name}`: expressions read that as a unit or a variable"),
                span.clone(),
            ));
        }
    }
    let mut states: Vec<State> = names.iter().map(|(n, _)| State { name: n.clone(), absorbing: false }).collect();
    for (name, span) in s.texts("absorbing") {
        match states.iter_mut().find(|st| &st.name == name) {
            Some(st) => st.absorbing = true,
            None => reader.out.push(
                Diagnostic::error(format!("`{name}` is not among the states"), span.clone())
                    .maybe_hint(near(name, names)),
            ),
        }
    }
    let ligands: Vec<String> = ligand_names.iter().map(|t| t.0.clone()).collect();
    if names.is_empty() && s.get("states").is_some() {
        let place = s.span_of("states").unwrap_or(&s.span).clone();
        reader.out.push(Diagnostic::error("a scheme with no state", place).hint("name at least one"));
    }
    // A missing word was said; the steps are read all the same.
    let balance = match (s.word("balance"), s.text("driven_by")) {
        (Some("equilibrium"), _) => {
            Balance::Equilibrium { tolerance: s.number("tolerance").map_or(0.0, Number::value) }
        }
        (Some(_), None) if s.get("driven_by").is_none() => {
            reader.out.push(
                Diagnostic::error("a driven scheme says what drives it", s.span.clone())
                    .hint("driven_by = \"sodium gradient\""),
            );
            Balance::Driven { by: String::new() }
        }
        (_, by) => Balance::Driven { by: by.unwrap_or_default().to_owned() },
    };
    let per_site = s.word("rates_are").map(|w| w == "per_site");
    let q10 = s.table("q10");
    let context = Context { names, ligands: ligand_names, per_site, layout, q10 };
    let mut steps: Vec<Step> = Vec::new();
    for r in s.list("reaction") {
        let Some(step) = context.step(r, reader) else { continue };
        if let Some(other) = steps.iter().find(|o| {
            (o.from, o.to) == (step.from, step.to)
                || (o.from, o.to) == (step.to, step.from) && (o.backward.is_some() || step.backward.is_some())
        }) {
            reader.out.push(
                Diagnostic::error(format!("`{}` is the same step as `{}`", step.text, other.text), step.span.clone())
                    .related(other.span.clone(), "said here first"),
            );
        }
        if states[step.from].absorbing || (states[step.to].absorbing && step.backward.is_some()) {
            reader.out.push(
                Diagnostic::error(format!("`{}` leaves an absorbing state", step.text), step.span.clone())
                    .hint("steps to it are one-way: `A -> B`"),
            );
        }
        steps.push(step);
    }
    for (i, (name, span)) in names.iter().enumerate() {
        if steps.len() == s.list("reaction").len()
            && states.len() > 1
            && !steps.iter().any(|st| st.from == i || st.to == i)
        {
            reader.out.push(Diagnostic::error(format!("no step leads to or from state `{name}`"), span.clone()));
        }
    }
    for (i, (name, span)) in ligand_names.iter().enumerate() {
        let used = steps.iter().any(|st| {
            let mentions = |r: &Rate| r.expr.mentions(layout.ligand(i));
            st.takes_up == Some(i)
                || st.gives_off == Some(i)
                || mentions(&st.forward)
                || st.backward.as_ref().is_some_and(mentions)
        });
        if !used && steps.len() == s.list("reaction").len() {
            reader.out.push(Diagnostic::error(format!("no step takes up or gives off `{name}`"), span.clone()));
        }
    }
    for (key, number) in body.named_numbers("conductance") {
        if !names.iter().any(|(n, _)| *n == key.name) {
            reader.out.push(
                Diagnostic::error(
                    format!("`conductance` names `{}`, which is not a state", key.name),
                    key.span.clone(),
                )
                .maybe_hint(near(&key.name, names)),
            );
        }
        let _ = number;
    }
    let scheme = Scheme { span: s.span.clone(), states, ligands, balance, per_site: per_site == Some(true), steps };
    if let Balance::Equilibrium { tolerance } = scheme.balance
        && !reader.out.has_errors()
    {
        close_loops(&scheme, tolerance, body, layout, reader);
    }
    Some(scheme)
}

fn close_loops(scheme: &Scheme, tolerance: f64, body: &Read, layout: &Layout, reader: &mut Reader<'_>) {
    let parameters: Vec<f64> = body.named_numbers("parameter").iter().map(|p| p.1.value()).collect();
    let temperature = body.number("temperature").map_or(295.15, Number::value);
    for l in scheme.loops(layout, &parameters, temperature, &|_| 1.0) {
        // Rounding alone leaves a few 1e-16 per step.
        if (l.product - 1.0).abs() <= tolerance + 1e-12 * l.states.len() as f64 {
            continue;
        }
        let mut path: Vec<&str> = l.states.iter().map(|&i| scheme.states[i].name.as_str()).collect();
        path.extend(path.first().copied());
        reader.out.push(
            Diagnostic::error(format!("the loop {} does not close: its product is {:.5} at {} mV, tolerance {tolerance}", path.join(" - "), l.product, l.v_m), scheme.span.clone())
                .hint("mend one of its rates, declare the `tolerance` the source has, or `balance = \"driven\"` with what drives it"),
        );
    }
}
