//! Sections cut into compartments: voltages at their middles, joints without membrane where branches meet.
//!
//! Of frusta, areas and axial resistances between middles, joints and ends are exact, so the error is of second order in
//! the compartments' lengths over the length constant, branches and tapering included.

use ::model::morphology::locset::Whereabouts;
use ::model::morphology::{Joint, Kind, Line, Morphology, Piece, Point, SpinePart, part_of_spine};
use ::model::resolve::Shape;
use engine::neuron::{Cell, Compartment, Tissue};
use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::Arc;

/// Most compartments of a cell.
pub(super) const MOST: u64 = 1_000_000;

/// The shape of a cell, compartment by compartment, for drawing and for what depends on where it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Geometry {
    /// Names of sections; spines after them, by the name of their synapse or group.
    pub sections: Vec<String>,
    /// In the order of the cell's compartments.
    pub pieces: Vec<Located>,
}

impl Geometry {
    /// Volume over membrane area of each compartment, um; of a cylinder a quarter of its diameter, of a joint 0.
    #[must_use]
    pub fn thickness(&self) -> Vec<f64> {
        self.pieces.iter().map(|l| if l.points.is_empty() { 0.0 } else { l.volume / l.area }).collect()
    }
}

/// A compartment in space, um.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// Index of its section in [`Geometry::sections`].
    pub section: usize,
    /// Its centre line with radii, from its beginning to its end; of a joint none.
    pub points: Vec<Point>,
    /// Where its middle is.
    pub centre: [f64; 3],
    /// Path from the soma to its middle.
    pub distance: f64,
    /// Forks between the soma and it.
    pub order: u32,
    /// Membrane, um2; of a joint 0.
    pub area: f64,
    /// Volume, um3; of a joint 0.
    pub volume: f64,
    /// Mean over its length, weighed as its area is; of a joint 0.
    pub diameter: f64,
    /// Share of its section's length at its middle.
    pub position: f64,
    /// Whether it is of a spine.
    pub spine: bool,
}

impl Located {
    /// As expressions of place see it.
    #[must_use]
    pub fn whereabouts(&self) -> Whereabouts {
        let Self { distance, order, diameter, position, .. } = *self;
        Whereabouts { distance, order: f64::from(order), diameter, position }
    }
}

/// Where the parts of a cell are, by their names.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// The cell's shape; none for a cell that is a point.
    pub shape: Option<Arc<Shape>>,
    /// By section: its compartments from its beginning to its end.
    pub compartments: Vec<Vec<u32>>,
    /// Heads of spines, by the name of their synapse, or `spines.NAME` of a group; each comes after its neck.
    pub spines: BTreeMap<String, Vec<u32>>,
    /// How many compartments are none of spines.
    pub own: usize,
    /// Volume over membrane area of each compartment, um; 0 for a joint, infinite for a point without a diameter.
    pub thickness: Vec<f64>,
    /// Of each compartment; empty for a cell that is a point.
    pub geometry: Geometry,
}

impl Layout {
    /// The neck of the spine with that head: the compartment before it.
    #[must_use]
    pub fn neck(head: u32) -> u32 {
        head - 1
    }

    /// The compartment of a place such as `dend(0.4)`; of the root where there is no such place.
    #[must_use]
    pub fn compartment(&self, place: &str) -> u32 {
        let place = place.trim();
        if let (whole, SpinePart::Neck) = part_of_spine(place)
            && whole.starts_with("spines.")
        {
            return Self::neck(self.compartment(whole));
        }
        let place = if place.starts_with("spines.") { part_of_spine(place).0 } else { place };
        if let Some(heads) = self.spines.get(place) {
            return heads.first().copied().unwrap_or(0);
        }
        if let Some((name, rest)) = place.split_once('[').filter(|_| place.starts_with("spines.")) {
            let number = rest.trim_end_matches(']').trim().parse::<usize>();
            let heads = self.spines.get(name.trim()).map_or(&[][..], Vec::as_slice);
            return number.ok().and_then(|k| heads.get(k)).copied().unwrap_or(0);
        }
        let joint = self.shape.as_ref().and_then(|s| s.morphology.place(place).ok());
        joint.map_or(0, |joint| self.at(joint))
    }

    /// The compartment that a place lies in.
    #[must_use]
    pub fn at(&self, joint: Joint) -> u32 {
        let Some(all) = self.compartments.get(joint.section).filter(|all| !all.is_empty()) else { return 0 };
        all[((joint.position * all.len() as f64) as usize).min(all.len() - 1)]
    }

    /// What the root is called.
    #[must_use]
    pub fn root(&self) -> &str {
        self.shape.as_ref().map_or("soma", |s| s.morphology.sections[0].name.as_str())
    }

    /// A compartment as the user knows it: `compartment 3 of 20 of dend`.
    #[must_use]
    pub fn place(&self, compartment: u32) -> String {
        let of = |k: usize, all: &[u32], name: &str| format!("compartment {} of {} of `{name}`", k + 1, all.len());
        if let Some((name, k)) =
            self.spines.iter().find_map(|(name, all)| Some((name, all.iter().position(|c| *c == compartment)?)))
        {
            return if name.starts_with("spines.") { format!("the head of `{name}[{k}]`") } else { of(0, &[0], name) };
        }
        let Some(located) = self.geometry.pieces.get(compartment as usize) else {
            return if compartment == 0 { of(0, &[0], "soma") } else { format!("compartment {compartment}") };
        };
        let name = &self.geometry.sections[located.section];
        match self.compartments.get(located.section) {
            Some(all) => match all.iter().position(|c| *c == compartment) {
                Some(k) => of(k, all, name),
                None => format!("a joint of `{name}`"),
            },
            None => format!("the neck of `{name}`"),
        }
    }
}

/// How sections are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// At most this share of the length constant at 100 Hz.
    DLambda(f64),
    /// At most so many um long.
    Length(f64),
    /// So many a section.
    Count(u32),
}

/// A cell that is cut.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub cell: Cell,
    /// By section: its compartments from its beginning to its end.
    pub compartments: Vec<Vec<u32>>,
    pub geometry: Geometry,
}

/// Length constant at 100 Hz of a cylinder of 1 um, um (Carnevale & Hines 2006, The NEURON Book, ch. 5:
/// `lambda_f = 1/2 sqrt(d / (pi f R_a C_m))`).
fn lambda_100(tissue: Tissue) -> f64 {
    // 1 um = 1e-4 cm; f = 100 /s; Ohm cm; 1e-6 F/cm2; cm to um.
    0.5 * (1e-4 / (PI * 100.0 * tissue.r_a * tissue.c_m * 1e-6)).sqrt() * 1e4
}

/// Whether a section is one compartment without resistance of its own, whatever the rule says.
fn is_point(morphology: &Morphology, section: usize) -> bool {
    section == 0 && morphology.sections[0].kind == Kind::Soma && morphology.sections[0].said.is_none()
}

/// Whether a section in `n` compartments has no resistance of its own: a soma, and whatever root was written, in one piece.
fn lumped(morphology: &Morphology, section: usize, n: u64) -> bool {
    let root = &morphology.sections[0];
    section == 0 && n == 1 && (root.kind == Kind::Soma || root.said.is_some())
}

/// Into how many compartments each section is cut. `c_m`: of each section, uF/cm2. `said`: of sections for which it was said; `finer`: all but points so
/// many times as finely.
pub(super) fn counts(
    morphology: &Morphology,
    (tissue, c_m): (Tissue, &[f64]),
    rule: Rule,
    (said, finer): (&[Option<u64>], u64),
) -> Vec<u64> {
    let of = |(k, section): (usize, &::model::morphology::Section)| {
        if is_point(morphology, k) {
            return 1;
        }
        if let Some(n) = said.get(k).copied().flatten() {
            return n;
        }
        let line = Line::new(section);
        let wanted = match rule {
            Rule::Count(n) => return u64::from(n),
            Rule::Length(most) => line.length() / most,
            Rule::DLambda(share) => {
                // Integral of dx / lambda(d), lambda as the root of the diameter.
                line.piece(0.0, line.length()).slimness / lambda_100(Tissue { c_m: c_m[k], ..tissue }) / share
            }
        };
        // A whole number but for rounding is that number.
        (wanted - 1e-9).ceil().max(1.0) as u64
    };
    let fine = |(k, n)| if lumped(morphology, k, n) { n } else { n.saturating_mul(finer) };
    morphology.sections.iter().enumerate().map(of).enumerate().map(fine).collect()
}

/// Where a branch begins: a compartment, and the integral of one over the cross-section that lies before the branch, 1/um.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    compartment: u32,
    narrowness: f64,
}

/// A stop along a section, at a share of its length.
enum Stop {
    Middle(usize),
    /// Children that begin there.
    Joint(Vec<usize>),
}

struct Cutting<'a> {
    morphology: &'a Morphology,
    tissue: Tissue,
    grid: Grid,
    anchors: Vec<Option<Anchor>>,
    starts: Vec<f64>,
    orders: Vec<u32>,
}

/// Cuts each section into `counts` compartments of equal length.
pub(super) fn cut(morphology: &Morphology, tissue: Tissue, counts: &[u64]) -> Grid {
    let sections = &morphology.sections;
    let mut children: Vec<Vec<(f64, usize)>> = vec![Vec::new(); sections.len()];
    for k in 1..sections.len() {
        let mut on = sections[k].on.unwrap_or(Joint { section: 0, position: 0.5 });
        // What begins at the beginning of a section begins where that does.
        while let (true, Some(earlier)) = (on.position <= 0.0, sections[on.section].on) {
            on = earlier;
        }
        children[on.section].push((on.position, k));
    }
    let mut cutting = Cutting {
        morphology,
        tissue,
        grid: Grid::default(),
        anchors: vec![None; sections.len()],
        starts: morphology.path_distances(),
        orders: morphology.branch_orders(),
    };
    for (k, &n) in counts.iter().enumerate() {
        cutting.grid.geometry.sections.push(sections[k].name.clone());
        cutting.grid.compartments.push(Vec::with_capacity(n as usize));
        cutting.section(k, n as usize, std::mem::take(&mut children[k]));
    }
    cutting.grid
}

impl Cutting<'_> {
    fn section(&mut self, k: usize, n: usize, mut children: Vec<(f64, usize)>) {
        let line = Line::new(&self.morphology.sections[k]);
        if lumped(self.morphology, k, n as u64) {
            self.compartment(k, &line, (0.0, 0.5, 1.0), None);
            for (_, child) in children {
                self.anchors[child] = Some(Anchor { compartment: 0, narrowness: 0.0 });
            }
            return;
        }
        children.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let middle = |i: usize| (i as f64 + 0.5) / n as f64;
        let mut stops: Vec<(f64, Stop)> = (0..n).map(|i| (middle(i), Stop::Middle(i))).collect();
        let mut at_middles: Vec<(usize, usize)> = Vec::new();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        for (position, child) in children {
            let i = ((position * n as f64) as usize).min(n - 1);
            if near(position, middle(i)) {
                at_middles.push((i, child));
            } else {
                match stops.last_mut() {
                    Some((at, Stop::Joint(of))) if near(*at, position) => of.push(child),
                    _ => stops.push((position, Stop::Joint(vec![child]))),
                }
            }
        }
        stops.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Those before the root's first middle, from there back to its beginning.
        let first = stops.iter().position(|s| matches!(s.1, Stop::Middle(0))).unwrap_or(0);
        let (before, after) = stops.split_at_mut(first);
        match self.anchors[k] {
            Some(anchor) => {
                let both = before.iter_mut().chain(after.iter_mut());
                self.walk(k, &line, n, Some((0.0, anchor)), both);
            }
            None => {
                self.walk(k, &line, n, None, after.iter_mut());
                let root = Anchor { compartment: self.grid.compartments[k][0], narrowness: 0.0 };
                self.walk(k, &line, n, Some((middle(0), root)), before.iter_mut().rev());
            }
        }
        for (i, child) in at_middles {
            let compartment = self.grid.compartments[k][i];
            self.anchors[child] = Some(Anchor { compartment, narrowness: 0.0 });
        }
    }

    /// Along stops from `from`, each joined to the one before it.
    fn walk<'s>(
        &mut self,
        k: usize,
        line: &Line,
        n: usize,
        from: Option<(f64, Anchor)>,
        stops: impl Iterator<Item = &'s mut (f64, Stop)>,
    ) {
        let length = line.length();
        let mut last = from;
        let mut stops = stops.peekable();
        while let Some((at, stop)) = stops.next() {
            let here = last.map(|(before, anchor)| {
                let (a, b) = (before.min(*at), before.max(*at));
                let between = line.piece(a * length, b * length).narrowness;
                Anchor { narrowness: anchor.narrowness + between, ..anchor }
            });
            let compartment = match stop {
                Stop::Middle(i) => {
                    let (i, n) = (*i as f64, n as f64);
                    self.compartment(k, line, (i / n, (i + 0.5) / n, (i + 1.0) / n), here)
                }
                // A branch that goes on alone needs no joint.
                Stop::Joint(of) if of.len() == 1 && stops.peek().is_none() => {
                    self.anchors[of[0]] = here;
                    return;
                }
                Stop::Joint(of) => {
                    let bare = self.bare(k, line, *at, here);
                    for child in of.drain(..) {
                        self.anchors[child] = Some(Anchor { compartment: bare, narrowness: 0.0 });
                    }
                    bare
                }
            };
            last = Some((*at, Anchor { compartment, narrowness: 0.0 }));
        }
    }

    /// nS
    fn g_axial(&self, anchor: Anchor) -> f64 {
        // 1 Ohm cm = 1e-5 GOhm um
        1.0 / (1e-5 * self.tissue.r_a * anchor.narrowness)
    }

    fn compartment(&mut self, k: usize, line: &Line, (from, middle, to): (f64, f64, f64), on: Option<Anchor>) -> u32 {
        let length = line.length();
        let piece = line.piece(from * length, to * length);
        let index = self.grid.cell.compartments.len() as u32;
        self.grid.cell.compartments.push(Compartment {
            area: piece.area,
            c_m: 0.01 * self.tissue.c_m * piece.area,
            parent: on.map(|a| a.compartment),
            g_axial: on.map_or(0.0, |a| self.g_axial(a)),
        });
        self.grid.compartments[k].push(index);
        self.located(k, line, middle, Some(piece));
        index
    }

    fn bare(&mut self, k: usize, line: &Line, at: f64, on: Option<Anchor>) -> u32 {
        let index = self.grid.cell.compartments.len() as u32;
        let anchor = on.unwrap_or(Anchor { compartment: 0, narrowness: 0.0 });
        self.grid.cell.compartments.push(Compartment {
            area: 0.0,
            c_m: 0.0,
            parent: Some(anchor.compartment),
            g_axial: self.g_axial(anchor),
        });
        self.located(k, line, at, None);
        index
    }

    fn located(&mut self, k: usize, line: &Line, position: f64, piece: Option<Piece>) {
        let length = line.length();
        let soma = self.morphology.sections[k].kind == Kind::Soma;
        let diameter = piece.as_ref().map_or(0.0, |p| p.area / (PI * p.length));
        let (area, volume) = piece.as_ref().map_or((0.0, 0.0), |p| (p.area, p.volume));
        self.grid.geometry.pieces.push(Located {
            section: k,
            centre: line.at(position * length).at,
            points: piece.map_or_else(Vec::new, |p| p.points),
            distance: if soma { self.starts[k] } else { position.mul_add(length, self.starts[k]) },
            order: self.orders[k],
            area,
            volume,
            diameter,
            position,
            spine: false,
        });
    }
}
