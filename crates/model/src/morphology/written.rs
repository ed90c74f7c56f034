//! Sections that are written by hand: of given lengths and diameters, laid out in a plane so that they can be drawn.

use super::{Joint, Kind, Morphology, Point, Section};
use std::f64::consts::{FRAC_PI_2, FRAC_PI_3, PI};

/// A section as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// What it is of.
    pub kind: Kind,
    /// Where it begins; none for the root. An earlier section.
    pub on: Option<Joint>,
    /// um
    pub length: f64,
    /// At evenly spaced points from its beginning to its end, um; of a cylinder one.
    pub diameters: Vec<f64>,
}

/// A tree of such sections, the first its root. Each tip has its share of the circle, a section the middle of its tips'.
/// Lengths are those written, whatever the picture's rounding.
#[must_use]
pub fn laid_out(written: &[Written]) -> Morphology {
    let mut tips = vec![0u32; written.len()];
    for k in (0..written.len()).rev() {
        tips[k] = tips[k].max(1);
        if let Some(joint) = written[k].on {
            tips[joint.section] += tips[k];
        }
    }
    // By section: the angles that it and what hangs on it may take, and how far of it is taken.
    let mut wedges: Vec<(f64, f64)> = Vec::with_capacity(written.len());
    let mut taken = vec![0u32; written.len()];
    let mut sections: Vec<Section> = Vec::with_capacity(written.len());
    for (k, w) in written.iter().enumerate() {
        let (wedge, start) = match w.on {
            None => ((FRAC_PI_2 - PI, FRAC_PI_2 + PI), [0.0; 3]),
            Some(joint) => {
                let (low, high) = wedges[joint.section];
                let all = f64::from(tips[joint.section]);
                let part = |n: u32| (f64::from(n) / all).mul_add(high - low, low);
                let from = taken[joint.section];
                taken[joint.section] += tips[k];
                let wedge = (part(from), part(from + tips[k]));
                // Round a corner of 60 degrees at most, but for what hangs on the root.
                let middle = 0.5 * (wedge.0 + wedge.1);
                let half = (0.5 * (wedge.1 - wedge.0)).min(FRAC_PI_3);
                let on = super::Line::new(&sections[joint.section]);
                let bears = &written[joint.section];
                let share = if bears.on.is_none() && bears.kind == Kind::Soma { 0.5 } else { joint.position };
                ((middle - half, middle + half), on.at(share * on.length()).at)
            }
        };
        let angle = 0.5 * (wedge.0 + wedge.1);
        wedges.push(wedge);
        let towards = [angle.cos(), angle.sin()];
        // A soma lies around its middle, and what hangs on it begins at its edge.
        let (before, after) = match w.on {
            None if w.kind == Kind::Soma => (-0.5 * w.length, 0.5 * w.length),
            Some(Joint { section: 0, .. }) if written[0].kind == Kind::Soma => {
                let edge =
                    0.5 * written[0].length.min(written[0].diameters.iter().copied().fold(f64::INFINITY, f64::min));
                (edge, edge + w.length)
            }
            _ => (0.0, w.length),
        };
        let steps = (w.diameters.len() - 1).max(1);
        let points = (0..=steps).map(|i| {
            let far = (i as f64 / steps as f64).mul_add(after - before, before);
            let at = [towards[0].mul_add(far, start[0]), towards[1].mul_add(far, start[1]), 0.0];
            Point { at, radius: 0.5 * w.diameters[i.min(w.diameters.len() - 1)] }
        });
        sections.push(Section {
            kind: w.kind,
            name: w.name.clone(),
            on: w.on,
            points: points.collect(),
            said: Some(w.length),
        });
    }
    Morphology { sections }
}
