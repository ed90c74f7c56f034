//! The names that a claim's expressions may use, and the numbers they stand for.
//!
//! `[MODEL.][CONDITION.]MEASURE.TAKE`, `...SYNAPSE.FACT`, `...SYNAPSE.reversal.RECEPTOR`, `...value.PATH` for any number of
//! the model, `PROTOCOL.MEASURE` of an entry.

use super::Model;
use crate::acceptance::EntryVerdict;
use crate::measure::Take;
use crate::recording::{MeasureKind, Recording, Statistic};
use crate::simulation::facts::keys;
use model::resolve::Content;
use model::units::{Dimension, Quantity, Scope, Symbol};
use std::collections::HashMap;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
enum Of {
    /// A measure of a condition of a model, by its place there.
    Measure { model: usize, condition: usize, path: String },
    /// A fact, by its key.
    Fact { model: usize, condition: usize, key: String },
    /// Known beforehand.
    Known(f64),
}

/// All names of a claim.
#[derive(Debug, Default)]
pub struct Names {
    all: Vec<(String, Dimension, f64, Of)>,
    index: HashMap<String, usize>,
}

/// A number that was measured.
#[derive(Debug, Clone, Default)]
pub(super) struct Measured {
    /// In coherent units; NaN where there is none.
    pub value: f64,
    /// The same without each trial in turn; empty where it is not known by trial.
    pub without: Vec<f64>,
    /// See [`Statistic::unseen`].
    pub unseen: f64,
}

/// Factor to coherent units, and dimension, of a unit as recordings have it.
fn unit(unit: &str) -> (f64, Dimension) {
    if unit == "%" {
        return (0.01, Dimension::NONE);
    }
    Quantity::parse(&format!("1 {unit}")).map_or((1.0, Dimension::NONE), |q| (q.value, q.dimension))
}

/// Whether a path can be written as a name.
fn speakable(path: &str) -> bool {
    path.split('.').all(|part| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}

impl Names {
    fn add(&mut self, name: String, (factor, dimension): (f64, Dimension), of: Of) {
        if speakable(&name) && !self.index.contains_key(&name) {
            self.index.insert(name.clone(), self.all.len());
            self.all.push((name, dimension, factor, of));
        }
    }

    /// Of the checks of an entry.
    pub(super) fn of_entry(verdict: &EntryVerdict) -> Self {
        let mut out = Self::default();
        for (protocol, measures) in &verdict.measured {
            for (name, q) in measures {
                if let Some(q) = q {
                    out.add(format!("{protocol}.{name}"), (1.0, q.dimension), Of::Known(q.value));
                }
            }
        }
        out
    }

    /// Of models.
    pub(super) fn of_models(models: &[Model]) -> Self {
        let mut out = Self::default();
        for (m, model) in models.iter().enumerate() {
            for (c, (plan, resolved)) in model.plans.iter().zip(&model.resolved).enumerate() {
                let before: Vec<&str> =
                    [model.name.as_str(), &plan.name].into_iter().filter(|n| !n.is_empty()).collect();
                let name = |rest: &str| before.iter().copied().chain([rest]).collect::<Vec<_>>().join(".");
                for measure in &plan.measures {
                    let of = plan.probes[measure.probe].unit();
                    for word in &measure.take {
                        let Some(take) = Take::from_word(word) else { continue };
                        let path = format!("{}.{word}", measure.name);
                        let of = (unit(&take.unit(of)), Of::Measure { model: m, condition: c, path: path.clone() });
                        out.add(name(&path), of.0, of.1);
                    }
                }
                for (key, of) in keys(plan) {
                    out.add(name(&key), unit(of), Of::Fact { model: m, condition: c, key: key.clone() });
                }
                for synapse in &plan.synapses {
                    for r in synapse.receptors.iter() {
                        let path = format!("{}.reversal.{}", synapse.name, r.name);
                        out.add(name(&path), (1.0, Dimension::VOLTAGE), Of::Known(r.e_rev));
                    }
                    let variables = synapse.variables() as f64;
                    out.add(
                        name(&format!("{}.state_variables", synapse.name)),
                        (1.0, Dimension::NONE),
                        Of::Known(variables),
                    );
                }
                for v in &resolved.values {
                    let q = match v.content {
                        Content::Quantity(q) => q,
                        Content::Count(n) => Quantity { value: n as f64, dimension: Dimension::NONE },
                        _ => continue,
                    };
                    out.add(name(&format!("value.{}", v.path)), (1.0, q.dimension), Of::Known(q.value));
                }
            }
        }
        out
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The numbers behind those names that are `wanted`, from what was recorded of each model.
    pub(super) fn measured(&self, recordings: &[Recording], wanted: impl Fn(usize) -> bool) -> Vec<Measured> {
        let one = |(i, (_, _, factor, of)): (usize, &(String, Dimension, f64, Of))| {
            if !wanted(i) {
                return Measured { value: f64::NAN, ..Measured::default() };
            }
            let statistic = match of {
                Of::Known(value) => return Measured { value: *value, ..Measured::default() },
                Of::Measure { model, condition, path } => recordings
                    .get(*model)
                    .and_then(|r| r.conditions.get(*condition))
                    .and_then(|c| c.measures.iter().find(|m| m.path() == *path))
                    .map(|m| match m.kind {
                        MeasureKind::Proportion => Statistic::Share(m.values.clone()),
                        MeasureKind::Mean if m.quantity == "spikes" => Statistic::Count(m.values.clone(), 1.0),
                        MeasureKind::Mean => Statistic::Mean(m.values.clone()),
                    }),
                Of::Fact { model, condition, key } => {
                    let c = recordings.get(*model).and_then(|r| r.conditions.get(*condition));
                    let fact = c.and_then(|c| c.facts.iter().find(|f| f.key == *key));
                    match fact {
                        Some(f) if f.made_of == Statistic::Whole => {
                            return Measured { value: factor * f.value, ..Measured::default() };
                        }
                        Some(f) => Some(f.made_of.clone()),
                        // A cell that never fired has no such fact.
                        None if key.ends_with(".spikes") => {
                            c.map(|c| Statistic::Count(vec![0.0; c.trials as usize], 1.0))
                        }
                        None => None,
                    }
                }
            };
            let Some(s) = statistic else { return Measured { value: f64::NAN, ..Measured::default() } };
            let without = s.without_each().into_iter().map(|x| factor * x).collect();
            Measured { value: factor * s.value(), without, unseen: factor * s.unseen() }
        };
        self.all.iter().enumerate().map(one).collect()
    }
}

impl Scope for Names {
    fn symbol(&self, name: &str) -> Option<Symbol> {
        let index = *self.index.get(name)?;
        Some(Symbol { index, dimension: self.all[index].1 })
    }
    /// Without the numbers of the model, which are too many to be suggested.
    fn names(&self) -> Vec<String> {
        self.all.iter().filter(|n| !n.0.contains("value.")).map(|n| n.0.clone()).collect()
    }
}
