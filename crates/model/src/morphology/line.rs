//! Along a section: what lies between two lengths of it, of frusta exactly.
//!
//! Of a frustum of length l and radii a, b: area pi (a + b) sqrt(l^2 + (a - b)^2); integral of 1 / (pi r^2) over its length
//! l / (pi a b); volume pi l (a^2 + a b + b^2) / 3; integral of 1 / sqrt(d) over it 2 l / (sqrt d_a + sqrt d_b).

use super::{Point, Section, distance};
use std::f64::consts::PI;

/// A section with lengths at its points.
#[derive(Debug)]
pub struct Line<'a> {
    section: &'a Section,
    along: Vec<f64>,
}

/// What lies between two lengths of a section.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Piece {
    /// um
    pub length: f64,
    /// Lateral area, um2.
    pub area: f64,
    /// um3
    pub volume: f64,
    /// Integral of one over the cross-section, 1/um; times the axial resistivity, the axial resistance.
    pub narrowness: f64,
    /// Integral of one over the square root of the diameter, sqrt(um); over a factor, the electrotonic length.
    pub slimness: f64,
    /// Both ends, and the points of the section between them.
    pub points: Vec<Point>,
}

impl<'a> Line<'a> {
    /// Of a section. Cost: its points.
    #[must_use]
    pub fn new(section: &'a Section) -> Self {
        let n = section.points.len();
        // Of a section that was written the points lie at even lengths, whatever the picture's rounding.
        if let Some(said) = section.said {
            let along = (0..n).map(|k| if k + 1 == n { said } else { k as f64 / (n - 1) as f64 * said });
            return Self { section, along: along.collect() };
        }
        let mut along = Vec::with_capacity(n);
        along.push(0.0);
        let mut sum = 0.0;
        for w in section.points.windows(2) {
            sum += distance(w[0].at, w[1].at);
            along.push(sum);
        }
        Self { section, along }
    }

    /// um
    #[must_use]
    pub fn length(&self) -> f64 {
        self.along.last().copied().unwrap_or(0.0)
    }

    /// The frustum in which `x` um lies.
    fn frustum(&self, x: f64) -> usize {
        let after = self.along.partition_point(|a| *a <= x);
        after.clamp(1, self.along.len() - 1) - 1
    }

    /// The point at `x` um from the beginning, 0 to the length.
    #[must_use]
    pub fn at(&self, x: f64) -> Point {
        let k = self.frustum(x);
        let (a, b) = (self.section.points[k], self.section.points[k + 1]);
        let share = ((x - self.along[k]) / (self.along[k + 1] - self.along[k])).clamp(0.0, 1.0);
        let between = |p: f64, q: f64| share.mul_add(q - p, p);
        let at = [0, 1, 2].map(|d| between(a.at[d], b.at[d]));
        Point { at, radius: between(a.radius, b.radius) }
    }

    /// What lies between `from` and `to` um. Cost: the points between them, and a search.
    ///
    /// # Panics
    /// If `to` is less than `from`.
    #[must_use]
    pub fn piece(&self, from: f64, to: f64) -> Piece {
        assert!(from <= to, "a piece goes forward");
        let first = self.at(from);
        let mut out = Piece { points: vec![first], ..Piece::default() };
        let (mut x, mut here) = (from, first);
        let inner = self.along.partition_point(|a| *a <= from)..self.along.partition_point(|a| *a < to);
        let stops = inner.clone().map(|k| (self.along[k], self.section.points[k]));
        for (next, there) in stops.chain(std::iter::once((to, self.at(to)))) {
            let (a, b, l) = (here.radius, there.radius, next - x);
            out.length += l;
            out.area += PI * (a + b) * (a - b).mul_add(a - b, l * l).sqrt();
            out.volume += PI * l * a.mul_add(a, a.mul_add(b, b * b)) / 3.0;
            out.narrowness += if l > 0.0 { l / (PI * a * b) } else { 0.0 };
            out.slimness += if l > 0.0 { 2.0 * l / ((2.0 * a).sqrt() + (2.0 * b).sqrt()) } else { 0.0 };
            out.points.push(there);
            (x, here) = (next, there);
        }
        out
    }
}
