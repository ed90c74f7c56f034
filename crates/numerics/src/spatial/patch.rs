//! Patches: neighbouring triangles in one plane and of one class, so that a point of the surface is on a face, an edge or a corner of a
//! polyhedron, however it was cut into triangles.

use super::mesh::{Mesh, Near};
use super::tree::Bounds;
use super::triangle::{Part, nearest_on_side};
use super::vector::{Point, cross, dot, square, sub, unit};
use crate::math;

/// Farther from a plane than this share of the surface's size is not in it.
const FLAT: f64 = 1e-10;

/// Where a point of the surface lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Within a patch.
    Face(u32),
    /// On a side of a triangle beyond which another patch begins.
    Edge(u32, u8),
    /// In a vertex at which several patches meet.
    Corner(u32),
}

/// The patches of a mesh.
#[derive(Clone, Debug)]
pub struct Patches {
    /// By triangle.
    of: Vec<u32>,
    /// By patch: its normal, and across it.
    normals: Vec<Point>,
    sizes: Vec<f64>,
    /// Of each side of a triangle, the angle of the space there, in turns.
    openings: Vec<[f32; 3]>,
    /// By vertex: its patches from `first` on, in order.
    first: Vec<u32>,
    around: Vec<u32>,
}

impl Patches {
    /// By a class of each triangle: those of different ones are never together.
    #[must_use]
    pub fn new(mesh: &Mesh, class: impl Fn(u32) -> u8) -> Self {
        let n = mesh.triangles().len();
        let near = FLAT * mesh.bounds().diagonal();
        let mut of = vec![u32::MAX; n];
        let (mut normals, mut sizes) = (Vec::new(), Vec::new());
        for seed in 0..n as u32 {
            if of[seed as usize] != u32::MAX {
                continue;
            }
            let (patch, normal, at) = (normals.len() as u32, mesh.normal(seed), mesh.corners(seed)[0]);
            let mut open = vec![seed];
            of[seed as usize] = patch;
            let mut bounds = Bounds::NONE;
            while let Some(t) = open.pop() {
                bounds = bounds.with(&Bounds::around(&mesh.corners(t)));
                for next in mesh.neighbours(t) {
                    let flat = |p: &Point| dot(sub(*p, at), normal).abs() <= near;
                    let alike = of[next as usize] == u32::MAX
                        && class(next) == class(seed)
                        && dot(mesh.normal(next), normal) > 0.0
                        && mesh.corners(next).iter().all(flat);
                    if alike {
                        of[next as usize] = patch;
                        open.push(next);
                    }
                }
            }
            normals.push(normal);
            sizes.push(bounds.diagonal());
        }
        let mut pairs: Vec<(u32, u32)> =
            mesh.triangles().iter().zip(&of).flat_map(|(t, p)| t.map(|v| (v, *p))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut first = vec![0u32; mesh.vertices().len() + 1];
        pairs.iter().for_each(|p| first[p.0 as usize + 1] += 1);
        for k in 1..first.len() {
            first[k] += first[k - 1];
        }
        let opening = |t: u32, k: usize| {
            let beyond = mesh.neighbours(t)[k];
            let [a, b] = [0, 1].map(|j| mesh.corners(t)[(k + j) % 3]);
            let [n, m] = [mesh.normal(t), mesh.normal(beyond)];
            // From normal to normal, round the edge.
            let bend = math::turns(dot(n, m), dot(cross(n, m), unit(sub(b, a))));
            (0.5 - bend) as f32
        };
        let openings = (0..n as u32).map(|t| [0, 1, 2].map(|k| opening(t, k))).collect();
        Self { of, normals, sizes, openings, first, around: pairs.into_iter().map(|p| p.1).collect() }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.normals.len()
    }

    /// Never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.normals.is_empty()
    }

    /// The patch of a triangle.
    #[inline(always)]
    #[must_use]
    pub fn of(&self, triangle: u32) -> u32 {
        self.of[triangle as usize]
    }

    /// The normal of a patch, out of the space.
    #[inline(always)]
    #[must_use]
    pub fn normal(&self, patch: u32) -> Point {
        self.normals[patch as usize]
    }

    /// The diagonal of the box around a patch, um.
    #[inline(always)]
    #[must_use]
    pub fn size(&self, patch: u32) -> f64 {
        self.sizes[patch as usize]
    }

    /// The angle of the space at a side of a triangle, in turns: above 1/2 at an inner edge.
    #[inline(always)]
    #[must_use]
    pub fn opening(&self, triangle: u32, side: u8) -> f64 {
        f64::from(self.openings[triangle as usize][usize::from(side)])
    }

    /// The nearest points of the nearest patches, nearer than the root of `within`, um2; in order, none beyond the last.
    #[inline(always)]
    #[must_use]
    pub fn nearest<const K: usize>(&self, mesh: &Mesh, p: Point, within: f64) -> [Option<Near>; K] {
        let mut found = [None::<Near>; K];
        mesh.look(p, within, |near| {
            let own = self.of(near.triangle);
            // Its place; and where its patch is by now, or the end.
            let mut place = 0;
            while found[place].is_some_and(|f| f.square <= near.square) {
                if found[place].is_some_and(|f| self.of(f.triangle) == own) {
                    return found[K - 1].map_or(within, |f| f.square);
                }
                place += 1;
            }
            let mut last = place;
            while last + 1 < K && found[last].is_some_and(|f| self.of(f.triangle) != own) {
                last += 1;
            }
            while last > place {
                found[last] = found[last - 1];
                last -= 1;
            }
            found[place] = Some(near);
            found[K - 1].map_or(within, |f| f.square)
        });
        found
    }

    /// The patches at a vertex.
    #[inline(always)]
    #[must_use]
    pub fn at(&self, vertex: u32) -> &[u32] {
        let k = vertex as usize;
        &self.around[self.first[k] as usize..self.first[k + 1] as usize]
    }

    /// The two patches at a side of a triangle; one twice within a patch.
    #[inline(always)]
    #[must_use]
    pub fn beside(&self, mesh: &Mesh, triangle: u32, side: u8) -> [u32; 2] {
        [self.of(triangle), self.of(mesh.neighbours(triangle)[usize::from(side)])]
    }

    /// What a nearest point lies on.
    #[inline(always)]
    #[must_use]
    pub fn touch(&self, mesh: &Mesh, near: &Near) -> Touch {
        let face = Touch::Face(self.of(near.triangle));
        match near.part {
            Part::Face => face,
            Part::Side(k) => {
                let [a, b] = self.beside(mesh, near.triangle, k);
                if a == b { face } else { Touch::Edge(near.triangle, k) }
            }
            Part::Corner(k) => {
                let vertex = mesh.triangles()[near.triangle as usize][usize::from(k)];
                match self.at(vertex).len() {
                    1 => face,
                    2 => self.edge_at(mesh, near.triangle, k).unwrap_or(Touch::Corner(vertex)),
                    _ => Touch::Corner(vertex),
                }
            }
        }
    }

    /// An edge that goes straight on through a corner of a triangle, found at that triangle.
    fn edge_at(&self, mesh: &Mesh, triangle: u32, corner: u8) -> Option<Touch> {
        [corner, (corner + 2) % 3].into_iter().find_map(|side| {
            let [a, b] = self.beside(mesh, triangle, side);
            // Two planes meet in one line, unless they are the same.
            (a != b && self.bends(a, b)).then_some(Touch::Edge(triangle, side))
        })
    }

    /// Whether two patches are not in one plane.
    #[inline(always)]
    #[must_use]
    pub fn bends(&self, a: u32, b: u32) -> bool {
        let [n, m] = [self.normal(a), self.normal(b)];
        square(n, m) > 1e-16
    }

    /// How far the nearest triangle is that is not of the patches at `touch`, um2, and which; none within the root of `within`. A ball of that
    /// radius around a point there sees but a half space, a wedge or a cone.
    #[inline(always)]
    #[must_use]
    pub fn beyond(&self, mesh: &Mesh, touch: Touch, p: Point, within: f64) -> Option<Near> {
        match touch {
            Touch::Face(patch) => mesh.nearest_of(p, within, |t| self.of(t) != patch),
            Touch::Edge(triangle, side) => {
                let [a, b] = self.beside(mesh, triangle, side);
                mesh.nearest_of(p, within, |t| self.of(t) != a && self.of(t) != b)
            }
            Touch::Corner(vertex) => {
                let own = self.at(vertex);
                mesh.nearest_of(p, within, |t| !own.contains(&self.of(t)))
            }
        }
    }

    /// The nearest edge or corner of the triangle's patch that this triangle has: where, and the square of how far, um2; corners and edges apart.
    #[inline(always)]
    #[must_use]
    pub fn rim(&self, mesh: &Mesh, triangle: u32, p: Point) -> [Option<(Touch, Point, f64)>; 2] {
        let corners = mesh.corners(triangle);
        let own = self.of(triangle);
        let next = mesh.neighbours(triangle);
        let mut found = [None, None];
        let nearer = |old: &Option<(Touch, Point, f64)>, far: f64| old.is_none_or(|o| far < o.2);
        for k in 0..3 {
            let vertex = mesh.triangles()[triangle as usize][k];
            let far = square(corners[k], p);
            if nearer(&found[0], far) && self.at(vertex).len() > 1 {
                found[0] = Some((Touch::Corner(vertex), corners[k], far));
            }
            if self.of(next[k]) != own {
                let at = nearest_on_side(corners[k], corners[(k + 1) % 3], p);
                let far = square(at, p);
                if nearer(&found[1], far) {
                    found[1] = Some((Touch::Edge(triangle, k as u8), at, far));
                }
            }
        }
        found
    }
}
