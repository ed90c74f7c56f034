//! A reconstructed neuron: unbranched sections of frusta, joined into a tree.

mod line;
pub mod locset;
mod nodes;
mod soma;
mod spines;
pub mod swc;
mod written;

pub use line::{Line, Piece};
pub(crate) use nodes::along;
pub use nodes::{MOST_NODES, Nodes, whole};
pub use spines::{OnSpines, SpinePart, part_of_spine};
pub use written::{Written, laid_out};

/// What a section is of, as SWC files number it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// 1
    Soma,
    /// 2
    Axon,
    /// 3, a basal dendrite
    Dendrite,
    /// 4
    Apical,
    /// 0 and 5 and above: what the file means by it
    Other(u32),
}

impl Kind {
    /// Of a number in a file.
    #[must_use]
    pub fn of(number: u32) -> Self {
        match number {
            1 => Self::Soma,
            2 => Self::Axon,
            3 => Self::Dendrite,
            4 => Self::Apical,
            other => Self::Other(other),
        }
    }

    /// The region's name: `soma`, `axon`, `dend`, `apical`, `kind_5`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Soma => "soma".into(),
            Self::Axon => "axon".into(),
            Self::Dendrite => "dend".into(),
            Self::Apical => "apical".into(),
            Self::Other(n) => format!("kind_{n}"),
        }
    }
}

/// A point of a section, um.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where.
    pub at: [f64; 3],
    /// Of the neurite there.
    pub radius: f64,
}

/// Where a section begins: on another, at a share of its length from 0, its beginning, to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joint {
    /// Index of the section.
    pub section: usize,
    /// Share of its length.
    pub position: f64,
}

/// An unbranched piece: frusta from point to point.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// What it is of.
    pub kind: Kind,
    /// `dend[3]`: the fourth of its kind in the order of the file; `soma` where there is one.
    pub name: String,
    /// Where it begins; none for the root.
    pub on: Option<Joint>,
    /// At least two, no two neighbours in the same place.
    pub points: Vec<Point>,
    /// Its length as it was written, um, where the points, at even lengths of it, are only a picture.
    pub said: Option<f64>,
}

/// Distance of two points, um.
fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[2].mul_add(d[2], d[0].mul_add(d[0], d[1] * d[1])).sqrt()
}

impl Section {
    /// um
    #[must_use]
    pub fn length(&self) -> f64 {
        self.said.unwrap_or_else(|| self.points.windows(2).map(|w| distance(w[0].at, w[1].at)).sum())
    }

    /// Lateral area of its frusta, um2.
    #[must_use]
    pub fn area(&self) -> f64 {
        let line = Line::new(self);
        line.piece(0.0, line.length()).area
    }
}

/// A neuron's shape. Sections come after those that they begin on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Morphology {
    /// The root first.
    pub sections: Vec<Section>,
}

impl Morphology {
    /// Path length from the root's beginning (its middle, where it is a soma) to the beginning of each section, um.
    #[must_use]
    pub fn path_distances(&self) -> Vec<f64> {
        let mut out: Vec<f64> = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            out.push(match section.on {
                None => 0.0,
                // Within the soma there is no way to go.
                Some(joint) if self.sections[joint.section].kind == Kind::Soma => out[joint.section],
                Some(joint) => joint.position.mul_add(self.sections[joint.section].length(), out[joint.section]),
            });
        }
        out
    }

    /// How many forks lie between the soma and each section: 0 for the soma, 1 for what begins on it.
    #[must_use]
    pub fn branch_orders(&self) -> Vec<u32> {
        let mut out: Vec<u32> = Vec::with_capacity(self.sections.len());
        for section in &self.sections {
            out.push(section.on.map_or(0, |joint| out[joint.section] + 1));
        }
        out
    }

    /// Sections on which none begins.
    #[must_use]
    pub fn tips(&self) -> usize {
        let mut bears = vec![false; self.sections.len()];
        self.sections.iter().filter_map(|s| s.on).for_each(|joint| bears[joint.section] = true);
        self.sections.iter().zip(bears).filter(|(s, bears)| !bears && s.kind != Kind::Soma).count()
    }

    /// Length of all sections of a kind, um.
    #[must_use]
    pub fn length(&self, kind: Kind) -> f64 {
        self.sections.iter().filter(|s| s.kind == kind).map(Section::length).sum()
    }
}
