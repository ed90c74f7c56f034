//! What ended a run, with names: which part of the model, where, when, in which trial, and what to try.

use super::circuit::CircuitPlan;
use super::plan::{Plan, SynapsePlan, Voltage};
use super::population::PopulationPlan;
use engine::circuit::CircuitRunError;
use engine::ensemble::EnsembleError;
use engine::fault::Fault;
use engine::neuron::RunError;
use engine::population::PopulationError;
use engine::terminal::TerminalError;
use engine::time::Tick;
use thiserror::Error;

/// A run that cannot go on.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("in trial {trial}{condition}, at {at}: `{part}`: {what}")]
pub struct RunFault {
    /// Which part of the model.
    pub part: String,
    /// What happened, and what to try.
    pub what: String,
    /// At the beginning of the step that failed.
    pub at: Tick,
    /// In which trial.
    pub trial: u64,
    /// ` of condition "..."`, or nothing.
    pub condition: String,
}

impl RunFault {
    pub(super) fn plain(plan: &SynapsePlan, part: &str, at: Tick, what: String) -> Self {
        let part = format!("synapse.{}.{part}", plan.name);
        Self { part, what, at, trial: 0, condition: String::new() }
    }

    pub(super) fn terminal(plan: &SynapsePlan, at: Tick, e: TerminalError) -> Self {
        let said = e.to_string();
        let what = if said.contains("; try ") { said } else { format!("{said}; try a shorter numerics.slot") };
        Self::plain(plan, "terminal", at, what)
    }

    pub(super) fn receptor(plan: &SynapsePlan, r: usize, at: Tick, e: EnsembleError) -> Self {
        Self::plain(plan, &format!("receptor.{}", plan.receptors[r].name), at, e.to_string())
    }

    pub(super) fn cleft(plan: &SynapsePlan, fault: Fault) -> Self {
        let rings = plan.cleft.rings();
        let place = match fault.instance.checked_sub(rings) {
            None => format!("ring {} of {rings}", fault.instance),
            Some(shell) => format!("shell {shell} of the tissue"),
        };
        let what = format!("{} became {:.3e} in {place}; try {}", fault.quantity, fault.value, fault.cure());
        Self::plain(plan, "cleft", fault.at, what)
    }

    pub(super) fn population(plan: &PopulationPlan, at: Tick, e: PopulationError) -> Self {
        let part = format!("synapse.{}", plan.name);
        Self { part, what: e.to_string(), at, trial: 0, condition: String::new() }
    }

    pub(super) fn point(plan: &Plan, cell: usize, at: Tick, first: u64, e: engine::point::PointError) -> Self {
        use engine::point::PointError as E;
        let lane = if let E::Endless { lane } | E::Meaningless { lane, .. } = e { lane } else { 0 };
        let part = format!("cell.{}", plan.cells[cell].name);
        Self { part, what: e.to_string(), at, trial: 0, condition: String::new() }.of(first + lane as u64, &plan.name)
    }

    pub(super) fn neuron(plan: &Plan, cell: usize, at: Tick, first: u64, e: RunError) -> Self {
        let part = format!("cell.{}", plan.cells[cell].name);
        let RunError::Fault(fault) = e else {
            return Self { part, what: e.to_string(), at, trial: first, condition: String::new() }
                .of(first, &plan.name);
        };
        let place = match &plan.cells[cell].voltage {
            Voltage::Membrane { cell, .. } => cell.layout.place(fault.compartment as u32),
            _ => String::new(),
        };
        let what = format!("{} in {place} became {}; try {}", fault.quantity, fault.value, fault.cure());
        Self { part, what, at: fault.at, trial: 0, condition: String::new() }.of(first + fault.cell as u64, &plan.name)
    }

    pub(super) fn circuit(plan: &Plan, circuit: &CircuitPlan, (at, e): (Tick, CircuitRunError)) -> Self {
        let named = |number: u32| {
            let group = circuit.groups.iter().rev().find(|g| g.first <= number);
            group.map_or((0, String::new()), |g| {
                let cell = &plan.cells[g.cell];
                let member = if g.count > 1 { format!("[{}]", number - g.first) } else { String::new() };
                (g.cell, format!("cell.{}{member}", cell.name))
            })
        };
        // A junction: its synapse, and the cells on either side.
        let joined = |junction: usize| {
            let gap = circuit.gaps.iter().find(|g| g.junctions().contains(&(junction as u32)));
            let j = circuit.plan.junctions()[junction];
            let part = gap.map_or_else(String::new, |g| format!("synapse.{}.junction", g.name));
            (part, [named(j.a.cell).1, named(j.b.cell).1])
        };
        let (part, what, at) = match e {
            CircuitRunError::Cells(RunError::Fault(fault)) => {
                let (cell, part) = named(fault.cell as u32);
                let place = match &plan.cells[cell].voltage {
                    Voltage::Membrane { cell, .. } => cell.layout.place(fault.compartment as u32),
                    _ => String::new(),
                };
                let what = format!("{} in {place} became {}; try {}", fault.quantity, fault.value, fault.cure());
                (part, what, fault.at)
            }
            CircuitRunError::Point { cell, at, error } => (named(cell).1, error.to_string(), at),
            CircuitRunError::Coupling { junction, at, change } => {
                let (part, [a, b]) = joined(junction);
                let what = format!(
                    "the voltages of {a} and {b}, which it joins, were not found; the last guess changed by {change:.3e} \
                     mV; try a shorter numerics.step"
                );
                (part, what, at)
            }
            CircuitRunError::JunctionRate { junction, across, at } => {
                let (part, [a, b]) = joined(junction);
                let what = format!(
                    "with {across:.1} mV from {a} to {b} a rate of its channels is negative or no number; try an entry \
                     whose rates hold there"
                );
                (part, what, at)
            }
            other => ("cell".to_owned(), other.to_string(), at),
        };
        Self { part, what, at, trial: 0, condition: String::new() }
    }

    /// The same, of a trial and condition.
    pub(super) fn of(self, trial: u64, condition: &str) -> Self {
        let condition = if condition.is_empty() { String::new() } else { format!(" of condition `{condition}`") };
        Self { trial, condition, ..self }
    }
}
