//! Triangles as they were read.

use super::vector::{Point, add, dot, scaled, square, sub};

/// Triangles that may or may not close.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// um; the same place may be there several times.
    pub vertices: Vec<Point>,
    /// Three vertices each.
    pub triangles: Vec<[u32; 3]>,
    /// A number for each triangle: which part of the membrane it is.
    pub regions: Vec<u16>,
}

/// A part of space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection {
    /// A ball.
    Ball {
        /// Its centre, um.
        centre: Point,
        /// um
        radius: f64,
    },
    /// All that lies before a plane.
    Beyond {
        /// A point of the plane, um.
        point: Point,
        /// To that side of it; of any length.
        direction: Point,
    },
}

impl Selection {
    /// Whether a point is there.
    #[must_use]
    pub fn holds(&self, p: Point) -> bool {
        match *self {
            Self::Ball { centre, radius } => square(p, centre) <= radius * radius,
            Self::Beyond { point, direction } => dot(sub(p, point), direction) >= 0.0,
        }
    }
}

impl Surface {
    /// Gives the triangles whose centre is in a selection the number `region`, and says how many they are. Triangles are not
    /// cut: the area is that of whole ones.
    pub fn mark(&mut self, region: u16, selection: &Selection) -> usize {
        self.regions.resize(self.triangles.len(), 0);
        let mut found = 0;
        for (t, r) in self.triangles.iter().zip(&mut self.regions) {
            let corner = |k: usize| self.vertices.get(t[k] as usize).copied().unwrap_or([f64::NAN; 3]);
            if selection.holds(scaled(1.0 / 3.0, add(corner(0), add(corner(1), corner(2))))) {
                *r = region;
                found += 1;
            }
        }
        found
    }

    /// Adds another surface.
    pub fn append(&mut self, other: &Self) {
        let first = self.vertices.len() as u32;
        self.regions.resize(self.triangles.len(), 0);
        self.vertices.extend(&other.vertices);
        self.triangles.extend(other.triangles.iter().map(|t| t.map(|k| k + first)));
        self.regions.extend(&other.regions);
        self.regions.resize(self.triangles.len(), 0);
    }

    /// Turns all triangles round.
    pub fn turn(&mut self) {
        self.triangles.iter_mut().for_each(|t| t.swap(1, 2));
    }
}
