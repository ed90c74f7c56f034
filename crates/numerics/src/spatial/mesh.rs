//! A closed surface, and what is asked of it.

use super::check::{close, six_volumes};
use super::fault::Fault;
use super::surface::Surface;
use super::tree::{Bounds, Tree};
use super::triangle::{Corners, Part, angle, nearest, share_of_view, twice_area};
use super::vector::{Point, add, along, dot, length, scaled, square, sub, unit};
use crate::rng::Draws;

/// A closed surface of triangles around one connected space; normals point out of it.
#[derive(Clone, Debug)]
pub struct Mesh {
    vertices: Vec<Point>,
    triangles: Vec<[u32; 3]>,
    neighbours: Vec<[u32; 3]>,
    regions: Vec<u16>,
    turned: Vec<bool>,
    shells: usize,
    /// By triangle, of length 1.
    normals: Vec<Point>,
    /// By vertex: the sum of the normals around it, each times the angle there.
    corner_normals: Vec<Point>,
    tree: Tree,
    /// In the order of the tree.
    corners: Vec<Corners>,
    volume: f64,
}

/// The point of a surface that is nearest to some point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// Its triangle.
    pub triangle: u32,
    /// um
    pub at: Point,
    /// Square of the distance, um2.
    pub square: f64,
    /// What of the triangle it is on.
    pub part: Part,
}

impl Mesh {
    /// Of a surface that bounds one connected space: one outer shell, and shells around what is left out within. Triangles keep
    /// their order; those that go round the wrong way are [turned](Self::turned). Vertices at one place become one.
    /// Cost: n log n, some 2 us a triangle.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn new(surface: &Surface) -> Result<Self, Vec<Fault>> {
        let closed = close(surface)?;
        let (vertices, triangles) = (closed.vertices, closed.triangles);
        let corners: Vec<Corners> = triangles.iter().map(|t| t.map(|k| vertices[k as usize])).collect();
        let normals: Vec<Point> = corners.iter().map(|c| unit(twice_area(c))).collect();
        let mut corner_normals = vec![[0.0; 3]; vertices.len()];
        for (t, (c, n)) in triangles.iter().zip(corners.iter().zip(&normals)) {
            for k in 0..3 {
                let sum = &mut corner_normals[t[k] as usize];
                *sum = along(*sum, angle(c, k), *n);
            }
        }
        let boxes: Vec<Bounds> = corners.iter().map(|c| Bounds::around(c)).collect();
        let tree = Tree::new(&boxes);
        let corners = tree.order().iter().map(|t| corners[*t as usize]).collect();
        let mut regions = surface.regions.clone();
        regions.resize(triangles.len(), 0);
        let volume = six_volumes(&vertices, triangles.iter().copied(), tree.bounds().low) / 6.0;
        let (neighbours, turned, shells) = (closed.neighbours, closed.turned, closed.shells);
        Ok(Self {
            vertices,
            triangles,
            neighbours,
            regions,
            turned,
            shells,
            normals,
            corner_normals,
            tree,
            corners,
            volume,
        })
    }

    /// Places of vertices, um.
    #[must_use]
    pub fn vertices(&self) -> &[Point] {
        &self.vertices
    }

    /// Vertices of each triangle.
    #[must_use]
    pub fn triangles(&self) -> &[[u32; 3]] {
        &self.triangles
    }

    /// The triangle beyond each side of a triangle: from corner k to the next.
    #[inline(always)]
    #[must_use]
    pub fn neighbours(&self, triangle: u32) -> [u32; 3] {
        self.neighbours[triangle as usize]
    }

    /// The region of a triangle.
    #[inline(always)]
    #[must_use]
    pub fn region(&self, triangle: u32) -> u16 {
        self.regions[triangle as usize]
    }

    /// Triangles that had to be turned round.
    #[must_use]
    pub fn turned(&self) -> Vec<u32> {
        (0..self.turned.len() as u32).filter(|k| self.turned[*k as usize]).collect()
    }

    /// Shells: one outer, others around what is left out within.
    #[must_use]
    pub fn shells(&self) -> usize {
        self.shells
    }

    /// Corners of a triangle, um.
    #[inline(always)]
    #[must_use]
    pub fn corners(&self, triangle: u32) -> Corners {
        let [a, b, c] = self.triangles[triangle as usize];
        [self.vertices[a as usize], self.vertices[b as usize], self.vertices[c as usize]]
    }

    /// The normal of a triangle, out of the space.
    #[inline(always)]
    #[must_use]
    pub fn normal(&self, triangle: u32) -> Point {
        self.normals[triangle as usize]
    }

    /// Around all of it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.tree.bounds()
    }

    /// um3
    #[must_use]
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Area of a triangle, um2.
    #[must_use]
    pub fn triangle_area(&self, triangle: u32) -> f64 {
        0.5 * length(twice_area(&self.corners(triangle)))
    }

    /// Area of regions, um2.
    #[must_use]
    pub fn area(&self, of: impl Fn(u16) -> bool) -> f64 {
        (0..self.triangles.len() as u32).filter(|t| of(self.region(*t))).map(|t| self.triangle_area(t)).sum()
    }

    /// The nearest point of the surface.
    #[inline(always)]
    #[must_use]
    pub fn nearest(&self, p: Point) -> Near {
        self.nearest_of(p, f64::INFINITY, |_| true).expect("a surface has a nearest point")
    }

    /// The nearest point of those triangles that are `wanted`, if there is one nearer than the root of `within`, um2.
    #[inline(always)]
    #[must_use]
    pub fn nearest_of(&self, p: Point, within: f64, wanted: impl Fn(u32) -> bool) -> Option<Near> {
        let mut found = None;
        self.tree.near(p, within, |place, within| {
            let triangle = self.tree.order()[place];
            if !wanted(triangle) {
                return within;
            }
            let (at, part) = nearest(&self.corners[place], p);
            let square = square(at, p);
            if square >= within {
                return within;
            }
            found = Some(Near { triangle, at, square, part });
            square
        });
        found
    }

    /// Shows the nearest point of each triangle that is nearer than the root of what the last look gave, um2.
    #[inline(always)]
    pub(super) fn look(&self, p: Point, within: f64, mut look: impl FnMut(Near) -> f64) {
        self.tree.near(p, within, |place, within| {
            let (at, part) = nearest(&self.corners[place], p);
            let square = square(at, p);
            if square >= within {
                return within;
            }
            look(Near { triangle: self.tree.order()[place], at, square, part })
        });
    }

    /// Whether a point is within the space; on the surface, either.
    #[inline(always)]
    #[must_use]
    pub fn holds(&self, p: Point) -> bool {
        self.is_behind(p, &self.nearest(p))
    }

    /// Distance to the surface, um: negative within.
    #[must_use]
    pub fn signed_distance(&self, p: Point) -> f64 {
        let near = self.nearest(p);
        let far = near.square.sqrt();
        if self.is_behind(p, &near) { -far } else { far }
    }

    #[inline(always)]
    fn is_behind(&self, p: Point, near: &Near) -> bool {
        let t = near.triangle;
        let normal = match near.part {
            Part::Face => self.normal(t),
            Part::Side(k) => add(self.normal(t), self.normal(self.neighbours(t)[usize::from(k)])),
            Part::Corner(k) => self.corner_normals[self.triangles[t as usize][usize::from(k)] as usize],
        };
        dot(sub(p, near.at), normal) < 0.0
    }

    /// How often the surface goes around a point: 1 within, 0 outside, in between on it. Looks at all triangles, needs none of the
    /// neighbourhood: the test of [`holds`](Self::holds). Source: Jacobson et al. (2013) ACM Trans Graph 32:33.
    #[must_use]
    pub fn winding(&self, p: Point) -> f64 {
        (0..self.triangles.len() as u32).map(|t| share_of_view(&self.corners(t), p)).sum()
    }

    /// The triangles of some regions, to put points on them; none where they have no area.
    #[must_use]
    pub fn spread(&self, on: impl Fn(u16) -> bool) -> Option<Spread> {
        let triangles: Vec<u32> = (0..self.triangles.len() as u32).filter(|t| on(self.region(*t))).collect();
        let mut sum = 0.0;
        let up_to = |t: &u32| {
            sum += self.triangle_area(*t);
            sum
        };
        let up_to: Vec<f64> = triangles.iter().map(up_to).collect();
        (!triangles.is_empty()).then_some(Spread { triangles, up_to })
    }

    /// A point within, each as likely as any other. Cost: a search for every share of the volume of the box around it.
    #[must_use]
    pub fn point_within(&self, draws: &mut Draws) -> Point {
        let Bounds { low, high } = self.bounds();
        loop {
            let mut p = low;
            for k in 0..3 {
                p[k] += draws.uniform() * (high[k] - low[k]);
            }
            if self.holds(p) {
                return p;
            }
        }
    }
}

/// Triangles by area.
#[derive(Clone, Debug)]
pub struct Spread {
    triangles: Vec<u32>,
    up_to: Vec<f64>,
}

impl Spread {
    /// um2
    #[must_use]
    pub fn area(&self) -> f64 {
        self.up_to.last().copied().unwrap_or(0.0)
    }

    /// A point on them, each as likely as any other, and its triangle.
    #[must_use]
    pub fn point(&self, mesh: &Mesh, draws: &mut Draws) -> (Point, u32) {
        let share = draws.uniform() * self.area();
        let k = self.up_to.partition_point(|a| *a <= share).min(self.triangles.len() - 1);
        let t = self.triangles[k];
        let [a, b, c] = mesh.corners(t);
        let (mut u, mut v) = (draws.uniform(), draws.uniform());
        if u + v > 1.0 {
            (u, v) = (1.0 - u, 1.0 - v);
        }
        let w = 1.0 - u - v;
        (add(scaled(w, a), add(scaled(u, b), scaled(v, c))), t)
    }
}
