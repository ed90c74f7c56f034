//! Two cells and the gap junctions between them as one linear circuit, at rest and in the steady state.
//!
//! With resistances `R` within each cell (voltage at one place per current into another) and junctions of `g_i` from `a_i` to
//! `b_i`, a current `I` into the first cell at `p` sends `j_i` across: `j_i / g_i = R_A(a_i, p) I - sum_k (R_A(a_i, a_k) +
//! R_B(b_i, b_k)) j_k`, which is symmetric and positive definite. Of one junction between the places that are looked at:
//! `dV_B / dV_A = g R_B / (1 + g R_B)`.

use crate::simulation::{CellPlan, Voltage};
use engine::neuron::{Gating, Site};
use numerics::{bracket, math};
use std::collections::HashMap;

/// Conductances among which a wanted one is looked for, as logarithms of nS.
const RANGE: (f64, f64) = (-40.0, 25.0);

/// A cell at rest.
pub(super) struct Side<'a> {
    cell: &'a CellPlan,
    /// By the place of a current, GOhm at each place; none of what is no resistance.
    known: HashMap<u32, Option<Vec<f64>>>,
}

/// A contact: its place on either side, and its share of the whole conductance.
pub(super) type Contact = ([u32; 2], f64);

impl<'a> Side<'a> {
    pub fn new(cell: &'a CellPlan) -> Self {
        Self { cell, known: HashMap::new() }
    }

    /// Voltage at `at` per steady current `into` a place, GOhm, gates and adaptation following; none where it is not above 0.
    pub fn resistance(&mut self, into: u32, at: u32) -> Option<f64> {
        let cell = self.cell;
        let found = self.known.entry(into).or_insert_with(|| match &cell.voltage {
            Voltage::Membrane { cell, .. } => {
                let cell = cell.means.as_ref().unwrap_or(cell);
                let site = Site { block: 0, compartment: into, lane: 0 };
                cell.plan.transfer_resistances(&cell.rest, site, Gating::Settled).ok()
            }
            Voltage::Point(point) => point.model().resistance().map(|r| vec![r]),
            _ => None,
        });
        found.as_ref()?.get(at as usize).copied()
    }
}

/// A pair of cells.
pub(super) struct Pair<'a> {
    pub sides: [Side<'a>; 2],
    /// Where its voltages are looked at.
    pub places: [u32; 2],
}

impl Pair<'_> {
    /// Steady voltage of the other side over that of side `from`, into which a small current flows, with junctions of `g` nS
    /// together; none where a cell has no resistance.
    pub fn coupling(&mut self, from: usize, contacts: &[Contact], g: f64) -> Option<f64> {
        let contacts = merged(contacts);
        let n = contacts.len();
        let (to, at) = (1 - from, self.places);
        if g == 0.0 {
            return Some(0.0);
        }
        let (mut matrix, mut j) = (vec![0.0; n * n], vec![0.0; n]);
        for (i, (here, share)) in contacts.iter().enumerate() {
            for (k, (there, _)) in contacts.iter().enumerate() {
                matrix[i * n + k] =
                    self.sides[0].resistance(there[0], here[0])? + self.sides[1].resistance(there[1], here[1])?;
            }
            matrix[i * n + i] += 1.0 / (g * share);
            j[i] = self.sides[from].resistance(at[from], here[from])?;
        }
        solve(&mut matrix, &mut j);
        let mut v = [self.sides[from].resistance(at[from], at[from])?, 0.0];
        for ((place, _), j) in contacts.iter().zip(&j) {
            v[0] -= self.sides[from].resistance(place[from], at[from])? * j;
            v[1] += self.sides[to].resistance(place[to], at[to])? * j;
        }
        Some(v[1] / v[0])
    }

    /// The conductance of all junctions together, nS, with which the coupling from the first side to the second is as
    /// `wanted`; where it cannot be, the limit of what can. None where a cell has no resistance.
    pub fn conductance(&mut self, contacts: &[Contact], wanted: f64) -> Option<Result<f64, f64>> {
        if wanted == 0.0 {
            return Some(Ok(0.0));
        }
        let [p, q] = self.places;
        if let [([a, b], share)] = merged(contacts)[..] {
            let own = self.sides[0].resistance(p, p)?;
            let way = self.sides[0].resistance(p, a)? * self.sides[1].resistance(b, q)?;
            let both = self.sides[0].resistance(a, a)? + self.sides[1].resistance(b, b)?;
            let there = self.sides[0].resistance(a, p)?;
            // dV_B / dV_A = g way / (own + g (own both - R_A(p, a) R_A(a, p))).
            let lost = own.mul_add(both, -(self.sides[0].resistance(p, a)? * there));
            let limit = way / lost;
            return Some(if wanted < limit { Ok(wanted * own / (share * (way - wanted * lost))) } else { Err(limit) });
        }
        let limit = self.coupling(0, contacts, math::exp(RANGE.1))?;
        if wanted >= limit {
            return Some(Err(limit));
        }
        let off = |x: f64| self.coupling(0, contacts, math::exp(x)).map_or(f64::NAN, |k| k - wanted);
        bracket::root(off, RANGE.0, RANGE.1, 1e-14).ok().map(|x| Ok(math::exp(x)))
    }
}

/// Those between the same two places are one.
fn merged(contacts: &[Contact]) -> Vec<Contact> {
    let mut all: Vec<Contact> = Vec::with_capacity(contacts.len());
    for (places, share) in contacts {
        match all.iter_mut().find(|c| c.0 == *places) {
            Some(known) => known.1 += share,
            None => all.push((*places, *share)),
        }
    }
    all
}

/// Solves a symmetric positive definite system in place, by elimination.
fn solve(matrix: &mut [f64], x: &mut [f64]) {
    let n = x.len();
    for k in 0..n {
        for i in k + 1..n {
            let factor = matrix[i * n + k] / matrix[k * n + k];
            for c in k..n {
                matrix[i * n + c] = (-factor).mul_add(matrix[k * n + c], matrix[i * n + c]);
            }
            x[i] = (-factor).mul_add(x[k], x[i]);
        }
    }
    for k in (0..n).rev() {
        for c in k + 1..n {
            x[k] = (-matrix[k * n + c]).mul_add(x[c], x[k]);
        }
        x[k] /= matrix[k * n + k];
    }
}
