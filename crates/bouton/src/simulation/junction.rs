//! Gap junctions of a synapse: who is joined, what is recorded of them, what is told of them.

use super::plan::Plan;
use crate::recording::{Fact, Statistic};
use crate::report::significant;
use engine::circuit::{Passing, State};

/// Junctions of a synapse, at most, of which what passes is recorded step by step.
const FEW: u32 = 64;

/// The gap junctions of a synapse.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// Its name.
    pub name: String,
    /// Cells of the model on the side of `from` and of `to`.
    pub ends: (usize, usize),
    /// How many cells there are on either side.
    pub counts: (u32, u32),
    /// Joined pairs.
    pub pairs: u64,
    /// Contacts a pair.
    pub contacts: u64,
    /// Among all junctions of the circuit its first.
    pub first: u32,
    /// How many they are.
    pub count: u32,
    /// Whether it conducts the same at every voltage.
    pub ohmic: bool,
    /// Whether anything changes its strength.
    pub modulated: bool,
    /// Whether that is what the chemical part of the synapse releases.
    pub told: bool,
    /// Of a pair in the mean, both cells at the same voltage, at rest, without drugs, nS.
    pub conductance: f64,
    /// Of two single cells: the coupling coefficients from `from` to `to` and back.
    pub coupling: Option<[f64; 2]>,
}

/// Quantities of gap junctions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfJunction {
    /// From the side of `from` to that of `to`, pA: of all contacts of two cells.
    Current,
    /// Of a pair in the mean, nS.
    Conductance,
    /// What modulation has made of it: 1 where nothing has; the mean.
    Strength,
}

impl Gap {
    /// Whether it is of two cells, so that its current is one.
    #[must_use]
    pub fn single(&self) -> bool {
        self.counts == (1, 1)
    }

    /// Whether the circuit tells what passes while it goes by itself; else it is asked.
    #[must_use]
    pub fn told_as_it_goes(&self) -> bool {
        self.count <= FEW
    }

    /// Its junctions among all of the circuit.
    pub fn junctions(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }

    /// A quantity, of what its junctions did.
    pub fn value(&self, passed: impl Iterator<Item = Passing>, quantity: OfJunction) -> f64 {
        match quantity {
            OfJunction::Current => passed.map(|p| p.current).sum(),
            OfJunction::Conductance => passed.map(|p| p.g).sum::<f64>() / self.pairs as f64,
            OfJunction::Strength => passed.map(|p| p.strength).sum::<f64>() / f64::from(self.count),
        }
    }

    /// A quantity in the last step.
    #[must_use]
    pub fn now(&self, plan: &engine::circuit::Plan, state: &State, quantity: OfJunction) -> f64 {
        self.value(self.junctions().map(|k| state.passing(plan, k as usize)), quantity)
    }
}

/// How much is joined, and how strongly.
pub(super) fn of_junctions(plan: &Plan, out: &mut Vec<Fact>) {
    for gap in plan.circuit.iter().flat_map(|c| &c.gaps) {
        let mut tell = |what: &str, key: &str, value: f64, unit: &str, note: String| {
            out.push(Fact {
                name: format!("{}.junction: {what}", gap.name),
                value,
                low: f64::NAN,
                high: f64::NAN,
                unit: unit.to_owned(),
                note,
                key: format!("{}.{key}", gap.name),
                made_of: Statistic::Whole,
            });
        };
        let at_rest = "both cells at the same voltage, at rest, without drugs";
        if gap.single() {
            tell("conductance", "conductance", gap.conductance, "nS", at_rest.to_owned());
            let [there, back] = gap.coupling.unwrap_or([f64::NAN; 2]);
            let ends = [gap.ends.0, gap.ends.1].map(|k| plan.cells[k].name.as_str());
            for (key, k, [a, b]) in [("coupling", there, ends), ("coupling_back", back, [ends[1], ends[0]])] {
                if k.is_finite() {
                    let note = format!("of the two cells alone: steady change of {b} over that of {a}");
                    tell(&format!("coupling coefficient, {a} to {b}"), key, k, "", note);
                }
            }
            continue;
        }
        let within = gap.ends.0 == gap.ends.1;
        let degree = |n: u32| if within { 2.0 } else { 1.0 } * gap.pairs as f64 / f64::from(n);
        let contacts = if gap.contacts == 1 { String::new() } else { format!("of {} contacts, ", gap.contacts) };
        let each = |k: usize, n: u32| format!("{} a cell of {}", significant(degree(n), 3), plan.cells[k].name);
        let degrees = if within {
            each(gap.ends.0, gap.counts.0)
        } else {
            format!("{}, {}", each(gap.ends.0, gap.counts.0), each(gap.ends.1, gap.counts.1))
        };
        tell("joined pairs", "junctions", gap.pairs as f64, "", format!("{contacts}{degrees}"));
        tell("partners of a cell", "degree", degree(gap.counts.0), "", {
            format!("of {}, in the mean", plan.cells[gap.ends.0].name)
        });
        tell("conductance", "conductance", gap.conductance, "nS", format!("of a pair in the mean; {at_rest}"));
    }
}

/// The keys of what is told of gap junctions, with their units.
pub(super) fn keys(plan: &Plan) -> Vec<(String, &'static str)> {
    let of = |gap: &Gap| {
        let all: &[(&str, &'static str)] = if gap.single() {
            &[("conductance", "nS"), ("coupling", ""), ("coupling_back", "")]
        } else {
            &[("junctions", ""), ("degree", ""), ("conductance", "nS")]
        };
        all.iter().map(|(key, unit)| (format!("{}.{key}", gap.name), *unit)).collect::<Vec<_>>()
    };
    plan.circuit.iter().flat_map(|c| &c.gaps).flat_map(of).collect()
}
