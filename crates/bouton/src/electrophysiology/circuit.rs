//! What solves on the tree say: attenuation, transfer resistance, impedance. Gates settle; see `engine::neuron::Plan`.

use super::Preparation;
use engine::neuron::{Gating, Site};

/// Between the pipette and the far end of a section. Attenuation is a steady voltage there over that where the current flows.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// Its name.
    pub section: String,
    /// Where the middle of its last compartment is, along the cell from the soma, um; `None` of a cell that is a point.
    pub distance: Option<f64>,
    /// Input resistance there, GOhm.
    pub resistance: f64,
    /// Transfer resistance, GOhm: the same both ways.
    pub transfer: f64,
    /// From the pipette to there: share that arrives.
    pub outward: f64,
    /// From there to the pipette.
    pub inward: f64,
    /// The same at 100 Hz.
    pub outward_100: f64,
    /// The same at 100 Hz.
    pub inward_100: f64,
}

/// A number for every compartment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compartments {
    /// Steady voltage over that at the pipette, current into the pipette's compartment.
    pub outward: Vec<f64>,
    /// Steady voltage at the pipette over that in the compartment, current into it.
    pub inward: Vec<f64>,
}

/// Impedance at a frequency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swing {
    /// Hz
    pub frequency: f64,
    /// GOhm
    pub magnitude: f64,
    /// By how much the voltage is ahead of the current, degrees.
    pub phase: f64,
}

/// A greatest impedance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resonance {
    /// Hz, the vertex of the parabola through the three greatest values over the logarithm of the frequency.
    pub frequency: f64,
    /// Greatest impedance over that at the lowest frequency.
    pub strength: f64,
}

/// Compartments of which every one is solved for.
const MOST: usize = 4000;

fn transfers(of: Preparation, from: u32) -> Option<Vec<f64>> {
    let site = Site { block: 0, compartment: from, lane: 0 };
    of.cell.plan.transfer_resistances(&of.cell.rest, site, Gating::Settled).ok()
}

/// Path from the soma to the middle of each compartment, um; empty of a cell that is a point.
#[must_use]
pub fn distances(of: Preparation) -> Vec<f64> {
    of.cell.layout.geometry.pieces.iter().map(|p| p.distance).collect()
}

/// The far end of each section, in the order of the cell; none where the membrane amplifies. Cost: two solves a section.
#[must_use]
pub fn ends(of: Preparation) -> Vec<End> {
    let plan = &of.cell.plan;
    let swings = |from: u32| {
        let site = Site { block: 0, compartment: from, lane: 0 };
        // 100 Hz
        let solved = plan.impedances(&of.cell.rest, site, &[0.1]).ok()?;
        Some(solved.first()?.iter().map(|z| z.magnitude()).collect::<Vec<f64>>())
    };
    let here = of.at as usize;
    let from_here = (transfers(of, of.at), swings(of.at));
    let (Some(out), Some(out_100)) = from_here else { return Vec::new() };
    let one = |(name, end): (&str, u32)| {
        let (back, back_100) = (transfers(of, end)?, swings(end)?);
        let there = end as usize;
        Some(End {
            section: name.to_owned(),
            distance: distances(of).get(there).copied(),
            resistance: back[there],
            transfer: out[there],
            outward: out[there] / out[here],
            inward: back[here] / back[there],
            outward_100: out_100[there] / out_100[here],
            inward_100: back_100[here] / back_100[there],
        })
    };
    let layout = &of.cell.layout;
    if layout.compartments.is_empty() {
        return one((layout.root(), 0)).into_iter().collect();
    }
    let sections = layout.geometry.sections.iter().zip(&layout.compartments);
    sections.filter_map(|(name, all)| one((name, *all.last()?))).collect()
}

/// Attenuation to and from every compartment. Cost: a solve a compartment; empty of cells with more than 4000, and where the
/// membrane amplifies.
#[must_use]
pub fn compartments(of: Preparation) -> Compartments {
    let n = of.cell.plan.compartments(0);
    let here = of.at as usize;
    let Some(out) = transfers(of, of.at).filter(|_| n <= MOST) else { return Compartments::default() };
    let inward: Option<Vec<f64>> = (0..n).map(|k| transfers(of, k as u32).map(|back| back[here] / back[k])).collect();
    Compartments { outward: out.iter().map(|r| r / out[here]).collect(), inward: inward.unwrap_or_default() }
}

/// The impedance at the pipette at each of some frequencies, Hz; empty where a number is not finite.
#[must_use]
pub fn impedance(of: Preparation, frequencies: &[f64]) -> Vec<Swing> {
    let kilo: Vec<f64> = frequencies.iter().map(|f| 1e-3 * f).collect();
    let Ok(solved) = of.cell.plan.impedances(&of.cell.rest, of.site(0), &kilo) else { return Vec::new() };
    let swing = |(&frequency, z): (&f64, &Vec<engine::neuron::Impedance>)| {
        let z = z[of.at as usize];
        Swing { frequency, magnitude: z.magnitude(), phase: z.im.atan2(z.re).to_degrees() }
    };
    frequencies.iter().zip(&solved).map(swing).collect()
}

/// Least rise over the impedance at the lowest frequency that is a resonance.
const RISES: f64 = 1e-3;

/// Where an impedance is greatest; `None` if that is at an end, or no more than a thousandth above the first.
#[must_use]
pub fn resonance(impedance: &[Swing]) -> Option<Resonance> {
    let top = (0..impedance.len()).max_by(|&a, &b| impedance[a].magnitude.total_cmp(&impedance[b].magnitude))?;
    if top == 0 || top + 1 == impedance.len() || impedance[top].magnitude <= (1.0 + RISES) * impedance[0].magnitude {
        return None;
    }
    let x = |k: usize| numerics::math::ln(impedance[k].frequency);
    let y = |k: usize| impedance[k].magnitude;
    let (left, right) = (x(top) - x(top - 1), x(top + 1) - x(top));
    let (down, up) = ((y(top) - y(top - 1)) / left, (y(top + 1) - y(top)) / right);
    // Slopes at the middles of both lines; 0 lies between them.
    let at = x(top) - 0.5 * left + down / (down - up) * 0.5 * (left + right);
    Some(Resonance { frequency: numerics::math::exp(at), strength: y(top) / y(0) })
}
