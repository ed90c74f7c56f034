//! The two cells of a model that the gap junctions of a synapse join.

use super::coupling::{Coupling, Protocol, coupling};
use super::locking::{Locking, predicted, runs};
use super::prc::PhaseResponse;
use super::rig::RigError;
use crate::simulation::{CellPlan, CircuitPlan, Plan, Voltage};
use engine::circuit::{Junction, Target};
use thiserror::Error;

/// A pair, and the junctions that are there.
#[derive(Debug)]
pub struct Pair<'a> {
    plan: &'a Plan,
    circuit: &'a CircuitPlan,
    places: [Target; 2],
    junctions: Vec<Junction>,
    /// How many junctions the synapse has, and how many are there in all.
    of: (usize, usize),
    alone: bool,
}

/// Why there is no pair.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairError {
    /// No such synapse, or none with junctions.
    #[error("no synapse `{name}` with a gap junction")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Those that have some.
        known: Vec<String>,
    },
    /// It joins nobody.
    #[error("`synapse.{name}` joins no cells")]
    Nobody {
        /// Which.
        name: String,
    },
}

impl<'a> Pair<'a> {
    /// The first pair that the junctions of a synapse join; `alone`: with no junctions but those of the synapse between the
    /// two.
    ///
    /// # Errors
    /// [`PairError`].
    pub fn new(plan: &'a Plan, synapse: &str, alone: bool) -> Result<Self, PairError> {
        let gaps = plan.circuit.iter().flat_map(|c| &c.gaps);
        let found = gaps.clone().find(|g| g.name == synapse).zip(plan.circuit.as_ref());
        let Some((gap, circuit)) = found else {
            let known = gaps.map(|g| g.name.clone()).collect();
            return Err(PairError::Unknown { name: synapse.to_owned(), known });
        };
        let all = circuit.plan.junctions();
        let own = &all[gap.first as usize..(gap.first + gap.count) as usize];
        let Some(first) = own.first() else { return Err(PairError::Nobody { name: synapse.to_owned() }) };
        let cells = [first.a.cell, first.b.cell];
        let joins = |j: &&Junction| cells.contains(&j.a.cell) && cells.contains(&j.b.cell);
        let junctions = if alone { own.iter().filter(joins).copied().collect() } else { all.to_vec() };
        let of = (own.len(), all.len());
        Ok(Self { plan, circuit, places: [first.a, first.b], junctions, of, alone })
    }

    /// What is there, in a sentence.
    #[must_use]
    pub fn among(&self) -> String {
        match (self.alone, self.of) {
            (true, (1, _)) => "No other junction is there.".to_owned(),
            (true, _) => "No junctions are there but those of this synapse between the two cells.".to_owned(),
            (false, (1, 1)) => "It is the only junction.".to_owned(),
            (false, (1, all)) => format!("All {all} junctions of the model are there."),
            (false, (n, all)) => {
                format!("All {all} junctions of the model are there; of the {n} of this synapse the first is measured.")
            }
        }
    }

    /// The cell of the model that each is, or is one of, and the compartment.
    #[must_use]
    pub fn cells(&self) -> [(&'a CellPlan, u32); 2] {
        self.places.map(|at| (&self.plan.cells[self.circuit.group(at.cell).cell], at.compartment))
    }

    /// How the two places are called: `pyr[3].dend(0.4)`.
    #[must_use]
    pub fn names(&self) -> [String; 2] {
        self.places.map(|at| {
            let group = self.circuit.group(at.cell);
            let cell = &self.plan.cells[group.cell];
            let which = if group.count > 1 { format!("[{}]", at.cell - group.first) } else { String::new() };
            let Voltage::Membrane { cell: lowered, .. } = &cell.voltage else {
                return format!("{}{which}.soma", cell.name);
            };
            let layout = &lowered.layout;
            let own = |(k, all): (usize, &Vec<u32>)| {
                let n = all.iter().position(|c| *c == at.compartment)?;
                let name = layout.geometry.sections.get(k)?;
                let middle = (n as f64 + 0.5) / all.len() as f64;
                Some(if all.len() == 1 { name.clone() } else { format!("{name}({middle:.2})") })
            };
            let within = layout.compartments.iter().enumerate().find_map(own);
            format!("{}{which}.{}", cell.name, within.unwrap_or_else(|| layout.root().to_owned()))
        })
    }

    /// Measures their coupling.
    ///
    /// # Errors
    /// [`RigError`].
    pub fn coupling(&self, by: &Protocol) -> Result<Coupling, RigError> {
        coupling(&self.circuit.plan, &self.circuit.rest, &self.junctions, self.places, by)
    }

    /// Where their phases come to rest under the currents of two phase responses: with `g` nS by weak coupling, and in runs.
    ///
    /// # Errors
    /// [`RigError`].
    pub fn locking(&self, both: [&PhaseResponse; 2], g: f64) -> Result<Locking, RigError> {
        let [a, b] = both;
        let mut out = predicted(a, b, g);
        runs((&self.circuit.plan, &self.circuit.rest), &self.junctions, self.places, (a, b), &mut out)?;
        Ok(out)
    }
}
