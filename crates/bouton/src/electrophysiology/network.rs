//! Cells that junctions join, as a linear circuit: exact of all that is linearised.
//!
//! Each cell is known by its impedances between its places that junctions or pipettes are at (`engine::neuron`'s quasi-active
//! tree, or a point's membrane), so that `V = Z (I - Y V)` with `Y` what junctions conduct: one small complex system a
//! frequency. Junctions conduct their slope at the voltage across, what their states are at rest.

use engine::circuit::{Junction, Plan, State, Target};
use engine::junction::{JunctionInput, Kind};
use nalgebra::{Complex, DMatrix};
use std::collections::BTreeSet;

/// Places at most: the system has so many unknowns.
pub const MOST: usize = 200;
/// Step of numerical slopes, mV.
const NUDGE: f64 = 1e-3;

/// The share of a junction of this kind that conducts at once at `v` mV across.
#[must_use]
pub fn at_once(kind: &Kind, v: f64) -> f64 {
    let Some(output) = kind.at_once else { return 1.0 };
    outputs(kind, v)[usize::from(output)]
}

/// All that a kind's program says at `v` mV across.
pub(super) fn outputs(kind: &Kind, v: f64) -> Vec<f64> {
    let inputs: Vec<f64> = kind
        .inputs
        .iter()
        .map(|input| match input {
            JunctionInput::Across => v,
            JunctionInput::Parameter(k) => kind.parameters[usize::from(*k)],
        })
        .collect();
    let mut out = vec![0.0; kind.rates.outputs()];
    kind.rates.interpret(&inputs, &mut out);
    out
}

/// Slope of the current through junction `k` over the voltage across, its states as they are, nS.
fn slope(plan: &Plan, state: &State, k: usize) -> f64 {
    let junction = plan.junctions()[k];
    let kind = plan.junction_kind(k);
    let across = state.v_m(plan, junction.a) - state.v_m(plan, junction.b);
    let open = state.passing(plan, k).g / at_once(kind, across);
    if kind.at_once.is_none() {
        return open;
    }
    let current = |v: f64| open * at_once(kind, v) * v;
    (current(across + NUDGE) - current(across - NUDGE)) / (2.0 * NUDGE)
}

/// Cells that are joined to two places, linearised.
#[derive(Debug)]
pub struct Network<'a> {
    plan: &'a Plan,
    state: &'a State,
    ports: Vec<Target>,
    /// Ports, and nS.
    joined: Vec<(usize, usize, f64)>,
}

impl<'a> Network<'a> {
    /// About a state that has been stepped; `None` where more than [`MOST`] places are joined to these.
    #[must_use]
    pub fn new(plan: &'a Plan, state: &'a State, places: [Target; 2]) -> Option<Self> {
        // Cells that something passes to.
        let mut cells: BTreeSet<u32> = places.iter().map(|p| p.cell).collect();
        loop {
            let known = cells.len();
            for j in plan.junctions() {
                if cells.contains(&j.a.cell) || cells.contains(&j.b.cell) {
                    cells.extend([j.a.cell, j.b.cell]);
                }
            }
            if cells.len() == known {
                break;
            }
        }
        let here = |j: &&(usize, &Junction)| cells.contains(&j.1.a.cell);
        let all: Vec<(usize, &Junction)> = plan.junctions().iter().enumerate().filter(|j| here(&j)).collect();
        let ends = all.iter().flat_map(|(_, j)| [j.a, j.b]);
        let ports: BTreeSet<Target> = places.into_iter().chain(ends).collect();
        if ports.len() > MOST {
            return None;
        }
        let ports: Vec<Target> = ports.into_iter().collect();
        let port = |at: Target| ports.binary_search(&at).ok();
        let joined = all.iter().filter_map(|(k, j)| Some((port(j.a)?, port(j.b)?, slope(plan, state, *k))));
        let joined = joined.collect();
        Some(Self { plan, state, ports, joined })
    }

    /// Voltage at each of the places for a current of 1 pA at each in turn, at `hertz`: row by voltage, column by current, GOhm.
    /// `None` where a number is not finite.
    #[must_use]
    pub fn impedances(&self, places: [Target; 2], hertz: f64) -> Option<[[Complex<f64>; 2]; 2]> {
        let n = self.ports.len();
        let mut z = DMatrix::<Complex<f64>>::zeros(n, n);
        for (column, at) in self.ports.iter().enumerate() {
            let alone = self.alone(*at, hertz)?;
            for (row, there) in self.ports.iter().enumerate().filter(|(_, p)| p.cell == at.cell) {
                z[(row, column)] = alone(there.compartment);
            }
        }
        let mut y = DMatrix::<Complex<f64>>::zeros(n, n);
        for &(a, b, g) in &self.joined {
            for (row, column, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
                y[(row, column)] += sign * g;
            }
        }
        let solved = (DMatrix::identity(n, n) + &z * y).lu().solve(&z)?;
        let at = |place: Target| self.ports.binary_search(&place).ok();
        let [p, q] = [at(places[0])?, at(places[1])?];
        let out = [[solved[(p, p)], solved[(p, q)]], [solved[(q, p)], solved[(q, q)]]];
        out.iter().flatten().all(|z| z.re.is_finite() && z.im.is_finite()).then_some(out)
    }

    /// Impedances of a cell alone from a place to each of its compartments.
    fn alone(&self, at: Target, hertz: f64) -> Option<Box<dyn Fn(u32) -> Complex<f64>>> {
        if let Some(model) = self.plan.point(at.cell) {
            let omega = std::f64::consts::TAU * 1e-3 * hertz;
            let (re, im) = model.admittance(self.state.v_m(self.plan, at), omega);
            return Some(Box::new(move |_| Complex::new(1.0, 0.0) / Complex::new(re, im)));
        }
        let site = self.plan.cells.site(at.cell as usize, at.compartment);
        let solved = self.plan.cells.impedances(&self.state.cells, site, &[1e-3 * hertz]).ok()?.remove(0);
        Some(Box::new(move |compartment| {
            let z = solved[compartment as usize];
            Complex::new(z.re, z.im)
        }))
    }
}
