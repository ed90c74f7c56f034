//! What sits where on a cell: sections cut by the file's rule, channels by region and distance, spines.

use super::cell::Spine;
use super::context::{Lowering, value};
use super::morphology::{Layout, Located, MOST, Rule, counts, cut};
use ::model::morphology::locset::Whereabouts;
use ::model::morphology::{Line, Point};
use ::model::read::Read;
use ::model::resolve::{Part, Shape};
use ::model::units::{self, Dimension, Quantity};
use engine::neuron::{Cell, Compartment, Tissue};
use std::f64::consts::PI;
use std::ops::Range;
use std::sync::Arc;

/// Spines as (host, compartments), in the order of the compartments.
pub(super) type Hosts = Vec<(u32, Range<u32>)>;

/// The rule by which a cell's sections are cut.
pub(super) fn rule(cell: &Read) -> Rule {
    let said = cell.table("discretisation");
    let number = |field: &str| said.and_then(|r| value(r, field));
    match (number("length"), said.and_then(|r| r.count("count"))) {
        (Some(length), _) => Rule::Length(length),
        (None, Some(n)) => Rule::Count(*n as u32),
        (None, None) => Rule::DLambda(number("d_lambda").unwrap_or(0.1)),
    }
}

/// Compartments of sections that say how many, of each internode if they have nodes, which are one each.
pub(super) fn said(cell: &Read, shape: &Shape) -> Vec<Option<u64>> {
    let written = |name: &str| {
        let whole = ::model::morphology::whole(name);
        let section = &cell.named("section").iter().find(|(k, _)| k.name == whole.unwrap_or(name))?.1;
        let node = whole.is_some_and(|whole| name[whole.len()..].starts_with(".node"));
        if node { Some(1) } else { section.count("compartments").copied() }
    };
    shape.morphology.sections.iter().map(|s| written(&s.name)).collect()
}

impl Lowering<'_> {
    /// Cuts a cell's sections into compartments.
    pub(super) fn cut(
        &mut self,
        path: &str,
        read: &Read,
        (shape, tissue): (&Arc<Shape>, Tissue),
        layout: &mut Layout,
    ) -> Option<Cell> {
        let c_m = self.capacitances(read, shape, tissue.c_m);
        let counts = counts(&shape.morphology, (tissue, &c_m), rule(read), (&said(read, shape), self.finer));
        let mut whole = 0u64;
        for (k, n) in counts.iter().enumerate() {
            whole = whole.saturating_add(*n);
            if whole > MOST {
                let name = &shape.morphology.sections[k].name;
                let whole = ::model::morphology::whole(name).unwrap_or(name);
                let written = read.named("section").iter().find(|(key, _)| key.name == whole).map(|(_, s)| &s.span);
                let (message, hint) = match written {
                    Some(_) => (format!("`{path}.section.{name}` would have {n} compartments"), "give `compartments`"),
                    None => {
                        (format!("`{path}` would have more than {MOST} compartments"), "a coarser `discretisation`")
                    }
                };
                let span = written.or_else(|| read.span_of("discretisation")).unwrap_or(&read.span).clone();
                self.fault(&span, message, &format!("at most {MOST} in a cell: {hint}"));
                return None;
            }
        }
        let grid = cut(&shape.morphology, tissue, &counts);
        *layout = Layout {
            shape: Some(shape.clone()),
            compartments: grid.compartments,
            own: grid.cell.compartments.len(),
            thickness: grid.geometry.thickness(),
            geometry: grid.geometry,
            ..Layout::default()
        };
        Some(grid.cell)
    }

    /// nS/um2 in each compartment: a density, or an expression of where it is, or a number of channels spread over `area`
    /// um2; 0 where `mask` has none.
    pub(super) fn densities(
        &mut self,
        path: &str,
        part: &Part,
        placed: &Read,
        (area, own, mask, layout): (f64, usize, &[bool], &Layout),
    ) -> Option<Vec<f64>> {
        let even = |density: f64| (0..own).map(|k| if mask[k] { density } else { 0.0 }).collect();
        if let Some(density) = value(placed, "density") {
            return Some(even(density));
        }
        if let Some(formula) = placed.formula("density") {
            let expression = units::parse(&formula.text, &Whereabouts::scope()).ok()?;
            if layout.shape.is_none() {
                let message =
                    format!("the density of `{path}` depends on where it is, but the cell is one compartment");
                self.fault(&formula.span, message, "a number");
                return None;
            }
            let mut out = vec![0.0; own];
            let lies = |k: &usize| layout.geometry.pieces.get(*k).is_some_and(|p| !p.points.is_empty());
            for k in (0..own).filter(|k| mask[*k] && lies(k)) {
                let located = &layout.geometry.pieces[k];
                out[k] = expression.evaluate(&located.whereabouts().values());
                if !(out[k] >= 0.0 && out[k].is_finite()) {
                    let density = Quantity { value: out[k], dimension: Dimension::CONDUCTANCE_DENSITY };
                    let shown = crate::listing::rounded(&density);
                    let message = format!(
                        "the density of `{path}` is {shown} in {}, {:.1} um from the soma",
                        layout.place(k as u32),
                        located.distance
                    );
                    self.fault(&formula.span, message, "e.g. max(0 mS/cm2, ...), or a condition in `where`");
                    return None;
                }
            }
            return Some(out);
        }
        let count = *placed.count("count")? as f64;
        let own = part.body.body.named_numbers("conductance").iter().map(|(_, n)| n.value()).reduce(f64::max);
        match value(placed, "unitary").or(own) {
            Some(g) => Some(even(count * g / area)),
            None => {
                let message = format!("`{path}` has no unitary conductance, so its `count` says nothing");
                self.fault(&placed.span, message, "give its `density`, or `unitary = \"20 pS\"`");
                None
            }
        }
    }

    /// Adds the spines of synapses, then those of groups.
    pub(super) fn spines(
        &mut self,
        read: &Read,
        cell: &mut Cell,
        layout: &mut Layout,
        (tissue, of_synapses): (Tissue, &[Spine]),
    ) -> Hosts {
        let mut hosts = Vec::new();
        for spine in of_synapses {
            let host = layout.compartment(spine.place);
            hosts.push(add(cell, layout, tissue, (host, spine.synapse, spine.read)));
        }
        let Some(shape) = layout.shape.clone() else { return hosts };
        for (key, group) in read.named("spines") {
            let name = format!("spines.{}", key.name);
            for joint in shape.spines(group).unwrap_or_default() {
                let host = layout.at(joint);
                let first = hosts.len();
                hosts.push(add(cell, layout, tissue, (host, &name, group)));
                // In space a spine begins where it sits, not at its compartment's middle.
                if let Some(host) = layout.geometry.pieces.get(host as usize) {
                    let line = Line::new(&shape.morphology.sections[joint.section]);
                    let at = line.at(joint.position * line.length());
                    let (host, k) = (host.clone(), hosts[first].1.start as usize);
                    let [neck, head] = drawn(&host, at, (layout.geometry.pieces[k].section, k), group);
                    layout.geometry.pieces[k] = neck;
                    layout.geometry.pieces[k + 1] = head;
                }
            }
        }
        hosts
    }
}

/// Neck and head in space: away from the dendrite, each next one turned by the golden angle.
fn drawn(host: &Located, at: Point, (section, ordinal): (usize, usize), read: &Read) -> [Located; 2] {
    let get = |field: &str| value(read, field).unwrap_or(1.0);
    let (length, width, head) = (get("neck_length"), get("neck_diameter"), get("head_diameter"));
    let along = match (host.points.first(), host.points.last()) {
        (Some(a), Some(b)) => [0, 1, 2].map(|d| b.at[d] - a.at[d]),
        _ => [0.0, 0.0, 1.0],
    };
    let size = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let unit = |v: [f64; 3]| v.map(|x| x / size(v).max(f64::MIN_POSITIVE));
    let cross =
        |a: [f64; 3], b: [f64; 3]| [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let along = unit(along);
    let least = (0..3).fold(0, |k, d| if along[d].abs() < along[k].abs() { d } else { k });
    let mut axis = [0.0; 3];
    axis[least] = 1.0;
    let side = unit(cross(along, axis));
    let other = cross(along, side);
    let angle = 2.399_963_229_728_653 * ordinal as f64;
    let out = [0, 1, 2].map(|d| angle.cos() * side[d] + angle.sin() * other[d]);
    let away = |r: f64| [0, 1, 2].map(|d| r.mul_add(out[d], at.at[d]));
    let (a, b, c) = (at.radius, at.radius + length, at.radius + length + head);
    let piece = |from: f64, to: f64, diameter: f64, distance: f64| Located {
        section,
        points: vec![Point { at: away(from), radius: 0.5 * diameter }, Point { at: away(to), radius: 0.5 * diameter }],
        centre: away(0.5 * (from + to)),
        distance,
        order: host.order,
        area: PI * diameter * (to - from),
        volume: 0.25 * PI * diameter * diameter * (to - from),
        diameter,
        position: 0.5,
        spine: true,
    };
    [piece(a, b, width, host.distance + 0.5 * length), piece(b, c, head, host.distance + length + 0.5 * head)]
}

/// Neck and head, their compartments and the one they sit on.
fn add(
    cell: &mut Cell,
    layout: &mut Layout,
    tissue: Tissue,
    (host, name, read): (u32, &str, &Read),
) -> (u32, Range<u32>) {
    let get = |field: &str| value(read, field).unwrap_or(1.0);
    let neck = (get("neck_length"), get("neck_diameter"), 1);
    let c = &cell.compartments[host as usize];
    let tissue = Tissue { c_m: c.c_m / (0.01 * c.area), ..tissue };
    let (range, half) = cell.add_cylinder(tissue, host, 0.0, neck);
    let head = get("head_diameter");
    let area = PI * head * head;
    let parent = Some(range.start);
    cell.compartments.push(Compartment { area, c_m: 0.01 * tissue.c_m * area, parent, g_axial: 1.0 / half });
    // A cylinder, and a sphere.
    layout.thickness.extend([0.25 * get("neck_diameter"), head / 6.0]);
    layout.spines.entry(name.to_owned()).or_default().push(range.end);
    if let Some(located) = layout.geometry.pieces.get(host as usize).cloned() {
        let sections = &mut layout.geometry.sections;
        let section = sections.iter().rposition(|s| s == name).filter(|k| *k >= layout.compartments.len());
        let section = section.unwrap_or_else(|| {
            sections.push(name.to_owned());
            sections.len() - 1
        });
        let at = Point { at: located.centre, radius: 0.5 * located.diameter };
        layout.geometry.pieces.extend(drawn(&located, at, (section, range.start as usize), read));
    }
    (host, range.start..range.end + 1)
}
