//! What keeps triangles from bounding a space.

use std::fmt;

/// Triangles that a fault names, at most.
pub const NAMED: usize = 5;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flaw {
    /// No triangle, or more than can be taken.
    Number {
        /// How many can be taken.
        most: usize,
    },
    /// A triangle of a vertex that is not there.
    Missing,
    /// A coordinate that is no number.
    NotFinite,
    /// A triangle without area.
    Flat,
    /// A triangle that is there before.
    Twice,
    /// An edge of one triangle: the surface has holes.
    Open {
        /// Edges.
        edges: usize,
        /// Holes.
        holes: usize,
        /// Around the longest, um.
        longest: f64,
    },
    /// An edge of three triangles or more.
    Crowded {
        /// Edges.
        edges: usize,
    },
    /// A point in which parts of the surface touch that are not neighbours around it.
    Pinched {
        /// Points.
        points: usize,
    },
    /// A shell that has but one side.
    OneSided,
    /// Triangles that cut or touch others; named are pairs, one after the other.
    Cuts {
        /// Pairs.
        pairs: usize,
    },
    /// Nothing is within.
    Volume {
        /// um3
        volume: f64,
    },
    /// Several spaces.
    Apart {
        /// How many.
        spaces: usize,
    },
}

/// A fault of a surface.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub flaw: Flaw,
    /// How many triangles it concerns.
    pub count: usize,
    /// The first of these, from 0.
    pub triangles: Vec<u32>,
}

impl Fault {
    pub(super) fn new(flaw: Flaw, triangles: &[u32]) -> Self {
        Self { flaw, count: triangles.len(), triangles: triangles.iter().copied().take(2 * NAMED).collect() }
    }

    /// What to do.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self.flaw {
            Flaw::Number { .. } => "a closed surface, as coarse as the question allows",
            Flaw::Missing => "write the file again: its list of vertices is too short",
            Flaw::NotFinite => "write the file again from sound coordinates",
            Flaw::Flat => {
                "collapse them: merge vertices that nearly coincide, and let no corner lie on another triangle's side"
            }
            Flaw::Twice => "remove what is there twice",
            Flaw::Open { .. } => {
                "fill the holes, and merge vertices that should be one: these must have the same coordinates to the last digit"
            }
            Flaw::Crowded { .. } => "remove inner walls: at each edge two triangles meet",
            Flaw::Pinched { .. } => "pull the two parts apart, or join them by more than a point",
            Flaw::OneSided => "a surface with an inside and an outside",
            Flaw::Cuts { .. } => "unite the parts that cut each other, or pull them apart",
            Flaw::Volume { .. } => "a surface that encloses a space; look at the unit of its coordinates",
            Flaw::Apart { .. } => "one space a file: an outer surface, and surfaces of what is left out within",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let many = self.count;
        match self.flaw {
            Flaw::Number { most } if many > 0 => return write!(f, "{many} triangles; at most {most} are taken"),
            Flaw::Number { .. } => return write!(f, "no triangle"),
            Flaw::Missing => write!(f, "{many} triangle{} of vertices that are not there", s(many))?,
            Flaw::NotFinite => write!(f, "{many} triangle{} with a coordinate that is no number", s(many))?,
            Flaw::Flat => write!(f, "{many} triangle{} without area", s(many))?,
            Flaw::Twice => {
                write!(f, "{many} triangle{} that {} there before", s(many), if many == 1 { "is" } else { "are" })?
            }
            Flaw::Open { edges, holes, longest } => write!(
                f,
                "not closed: {edges} edge{} of one triangle only, around {holes} hole{}, the longest of them {longest:.3} um around",
                s(edges),
                s(holes)
            )?,
            Flaw::Crowded { edges } => write!(f, "{edges} edge{} of three triangles or more", s(edges))?,
            Flaw::Pinched { points } => {
                write!(f, "{points} point{} where parts of the surface touch that are not neighbours", s(points))?;
            }
            Flaw::OneSided => write!(f, "a surface of {many} triangles that has but one side")?,
            Flaw::Cuts { pairs } => write!(f, "{pairs} pair{} of triangles that cut or touch each other", s(pairs))?,
            Flaw::Volume { volume } => return write!(f, "nothing is within: the volume is {volume:.3e} um3"),
            Flaw::Apart { spaces } => write!(f, "{spaces} separate spaces")?,
        }
        let shown: Vec<String> = match self.flaw {
            Flaw::Cuts { .. } => {
                self.triangles.chunks(2).take(NAMED).map(|p| format!("{} and {}", p[0] + 1, p[1] + 1)).collect()
            }
            _ => self.triangles.iter().take(NAMED).map(|t| (t + 1).to_string()).collect(),
        };
        if shown.is_empty() {
            return Ok(());
        }
        let pairs = matches!(self.flaw, Flaw::Cuts { .. });
        let more = many / if pairs { 2 } else { 1 } - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        write!(f, "; triangle{} {}{more}", if pairs { "s" } else { s(many) }, shown.join(", "))
    }
}
