//! Where what is placed on a cell lies: its own compartments, those of spines that are named, and capacitances by region.

use super::context::{Lowering, value};
use super::morphology::{Layout, Located};
use ::model::morphology::locset::Where;
use ::model::morphology::{OnSpines, SpinePart};
use ::model::read::Read;
use ::model::resolve::Shape;

/// The condition of `where`, which `resolve` has read once.
fn condition(placed: &Read) -> Option<Where> {
    placed.text("where").and_then(|text| Where::parse(text).ok())
}

/// Sections of regions, all where there are none; spines are no sections.
fn sections(placed: &Read, shape: &Shape) -> Vec<bool> {
    let m = &shape.morphology;
    let on = placed.texts("on");
    let within = |k: usize| on.iter().any(|(region, _)| m.within(k, region));
    (0..m.sections.len()).map(|k| on.is_empty() || within(k)).collect()
}

impl Layout {
    /// Marks the compartments of a spine that a list of regions names, of all compartments.
    fn named_spines(&self, placed: &Read, all: &mut [bool]) {
        let regions: Vec<OnSpines> = placed.texts("on").iter().filter_map(|(r, _)| OnSpines::parse(r)?.ok()).collect();
        if regions.is_empty() {
            return;
        }
        for (name, heads) in &self.spines {
            let Some(group) = name.strip_prefix("spines.") else { continue };
            for (k, &head) in heads.iter().enumerate() {
                let on = |part| regions.iter().any(|r| r.holds(group, k, part));
                all[head as usize] |= on(SpinePart::Head);
                all[Self::neck(head) as usize] |= on(SpinePart::Neck);
            }
        }
    }
}

impl Lowering<'_> {
    /// In which of `n` compartments something is: of the cell's own those of its regions, of spines those that are named,
    /// as far as its condition holds.
    pub(super) fn mask(&self, placed: &Read, n: usize, layout: &Layout) -> Vec<bool> {
        let Some(shape) = &layout.shape else { return (0..n).map(|k| k < layout.own).collect() };
        let (sections, condition) = (sections(placed, shape), condition(placed));
        let holds = |located: &Located| condition.as_ref().is_none_or(|c| c.holds(&located.whereabouts()));
        let mut out: Vec<bool> = vec![false; n];
        for (out, located) in out.iter_mut().zip(&layout.geometry.pieces[..layout.own]) {
            *out = sections[located.section];
        }
        layout.named_spines(placed, &mut out);
        for (out, located) in out.iter_mut().zip(&layout.geometry.pieces) {
            *out &= holds(located);
        }
        out
    }

    /// Capacitance of each section, uF/cm2: the largest of regions that reach into it, else the membrane's, for the rule
    /// by which it is cut.
    pub(super) fn capacitances(&self, cell: &Read, shape: &Shape, c_m: f64) -> Vec<f64> {
        let mut out = vec![None; shape.morphology.sections.len()];
        for (_, region) in cell.table("membrane").map_or(&[][..], |m| m.named("region")) {
            let own = value(region, "capacitance").map_or(c_m, |c| c / 0.01);
            let partly = condition(region).map_or(0.0, |_| c_m);
            for (out, _) in out.iter_mut().zip(sections(region, shape)).filter(|(_, here)| *here) {
                *out = Some(out.map_or(own, |before: f64| before.max(own)).max(partly));
            }
        }
        out.into_iter().map(|c| c.unwrap_or(c_m)).collect()
    }

    /// Gives regions their capacitance; where several are, the last counts.
    pub(super) fn membranes(&self, read: &Read, cell: &mut engine::neuron::Cell, layout: &Layout) {
        for (_, region) in read.table("membrane").map_or(&[][..], |m| m.named("region")) {
            let Some(c_m) = value(region, "capacitance") else { continue };
            let mask = self.mask(region, cell.compartments.len(), layout);
            for (c, _) in cell.compartments.iter_mut().zip(mask).filter(|(_, here)| *here) {
                c.c_m = c_m * c.area;
            }
        }
    }
}
