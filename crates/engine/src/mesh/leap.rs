//! One leap.

use super::domain::{Domain, Walker};
use numerics::math;
use numerics::passage::{BALL, DISC, INTERVAL, direction, direction_in_space, uniform};
use numerics::rng::Draws;
use numerics::spatial::vector::{along, basis, cross, dot, sub, unit};
use numerics::spatial::{Near, Point, Touch};

/// Within this share of `L^2 / D` a walker does not feel what is at L: odds of 1e-6 that it should have. Nothing farther is looked for.
const FREE: f64 = 1.0 / 64.0;
/// A cylinder is tried where nothing but the face is within so many times the distance to it, and is as wide as fits in as many as that.
const LOW: f64 = 3.0;
const HIGH: f64 = 6.0;
/// Faces between which a walker can be folded, and the next one.
const FACES: usize = 4;
/// Cosine of the angle of faces that are taken to be at right angles; and what parallel ones may lack.
const SQUARE: f64 = 1e-9;

/// Mirrors at right angles to each other, or in pairs that face each other: free motion, folded, is the motion between them.
#[derive(Clone, Copy)]
struct Mirrors {
    /// A point of each, its normal, and how far the one that faces it is.
    faces: [(Point, Point, f64); FACES],
    count: usize,
}

impl Mirrors {
    /// A point in free space, folded.
    #[inline(always)]
    fn fold(&self, mut p: Point) -> Point {
        for &(at, normal, gap) in &self.faces[..self.count] {
            let out = dot(sub(p, at), normal);
            let depth = if gap.is_finite() {
                let turned = -out - 2.0 * gap * (-out / (2.0 * gap)).floor();
                turned.min(2.0 * gap - turned)
            } else {
                out.abs()
            };
            p = along(p, -depth - out, normal);
        }
        p
    }
}

/// Time that a leap has taken; or the triangle that has taken the walker, and when.
type Taken = Result<f64, (u32, f64)>;

impl Domain {
    /// From where a walker is, for `limit` ms at most and no farther than `reach` um. `touch`: what of the wall it is on.
    #[inline(always)]
    pub(super) fn leap(
        &self,
        draws: &mut Draws,
        walker: &mut Walker,
        touch: &mut Option<Touch>,
        limit: f64,
        reach: f64,
    ) -> Taken {
        let most = (reach * reach).min(self.diffusion * limit / FREE);
        if let Some(on) = *touch {
            return self.leave(draws, walker, touch, on, limit, most);
        }
        let at = walker.at;
        let most_or_rounding = most.max(2.0 * self.rounding);
        let [Some(near), second] = self.patches.nearest::<2>(&self.mesh, at, most_or_rounding) else {
            return Ok(self.roam(draws, walker, most, limit));
        };
        let on = self.patches.touch(&self.mesh, &near);
        let face = self.patches.of(near.triangle);
        if near.square <= self.rounding && (!matches!(on, Touch::Face(_)) || self.absorbing[face as usize]) {
            return self.arrive(walker, touch, on, near.at, near.triangle);
        }
        for n in [Some(near), second].into_iter().flatten() {
            let Some((on, place)) = self.snap(n.triangle, at) else { continue };
            if let (Touch::Edge(t, k), false) = (on, self.absorbs(on))
                && let Some(back) = self.back_from_edge(draws, at, place, t, k)
            {
                walker.at = back;
                return Ok(0.0);
            }
            return self.arrive(walker, touch, on, place, n.triangle);
        }
        if !self.absorbing[face as usize] && self.is_foot(at, &near) {
            let (mirrors, square) = self.mirrors(at, near, second, most);
            return Ok(self.roam_between(draws, walker, square, limit, &mirrors));
        }
        if let (Touch::Face(patch), true) = (on, self.absorbing[face as usize]) {
            let square = near.square;
            let bound = HIGH * HIGH * square;
            let room = self.patches.beyond(&self.mesh, on, near.at, bound).map_or(bound, |n| n.square);
            let wide = (room - 4.0 * square).min(most - square);
            if room >= LOW * LOW * square && wide > 2.0 * square {
                return self.cylinder(draws, walker, touch, (near, patch), wide, limit);
            }
        }
        Ok(self.roam(draws, walker, near.square.min(most), limit))
    }

    /// The sealed faces around a place between which motion is folded, and the square of how far the next thing is, at most `most`.
    ///
    /// A ball that meets nothing but one face sees a half space. Of faces at right angles it sees their common part, if they meet in an outer
    /// edge or not at all; of two that face each other, the gap.
    #[inline(always)]
    fn mirrors(&self, at: Point, near: Near, second: Option<Near>, most: f64) -> (Mirrors, f64) {
        let normal = self.patches.normal(self.patches.of(near.triangle));
        let mut mirrors = Mirrors { faces: [(near.at, normal, f64::INFINITY); FACES], count: 1 };
        let Some(second) = second else { return (mirrors, most) };
        if !self.joins(at, &[near], &second) {
            return (mirrors, second.square.min(most));
        }
        let found = self.patches.nearest::<FACES>(&self.mesh, at, most);
        let mut joined = [near; FACES];
        let mut count = 0;
        for next in found.into_iter().flatten() {
            if count + 1 == FACES || (count > 0 && !self.joins(at, &joined[..count], &next)) {
                mirrors.count = self.pair(&mut mirrors.faces, &joined[..count]);
                return (mirrors, next.square.min(most));
            }
            joined[count] = next;
            count += 1;
        }
        mirrors.count = self.pair(&mut mirrors.faces, &joined[..count]);
        (mirrors, most)
    }

    /// Makes mirrors of faces; gives how many, where two that face each other are one.
    #[inline(always)]
    fn pair(&self, mirrors: &mut [(Point, Point, f64); FACES], faces: &[Near]) -> usize {
        let mut count = 0;
        'next: for near in faces {
            let normal = self.patches.normal(self.patches.of(near.triangle));
            for one in &mut mirrors[..count] {
                if dot(one.1, normal) < -0.5 {
                    one.2 = dot(sub(one.0, near.at), one.1);
                    continue 'next;
                }
            }
            mirrors[count] = (near.at, normal, f64::INFINITY);
            count += 1;
        }
        count
    }

    /// Whether a nearest point is where the face is met at a right angle, from within: then the face goes on around it as far as there is nothing else.
    #[inline(always)]
    fn is_foot(&self, at: Point, near: &Near) -> bool {
        let out = dot(sub(at, near.at), self.patches.normal(self.patches.of(near.triangle)));
        out * out.abs() <= 1e-4 * self.rounding && near.square - out * out <= 1e-9 * near.square + 1e-4 * self.rounding
    }

    /// Whether motion can be folded at one more face.
    #[inline(always)]
    fn joins(&self, at: Point, faces: &[Near], next: &Near) -> bool {
        let patch = self.patches.of(next.triangle);
        let normal = self.patches.normal(patch);
        let near = 0.1 * self.rounding.sqrt();
        let before = |triangle: u32, p: Point, n: Point| {
            let [a, b, c] = self.mesh.corners(triangle);
            dot(sub(a, p), n) <= near && dot(sub(b, p), n) <= near && dot(sub(c, p), n) <= near
        };
        if self.absorbing[patch as usize] || !self.is_foot(at, next) {
            return false;
        }
        for face in faces {
            let other = self.patches.normal(self.patches.of(face.triangle));
            let cosine = dot(normal, other);
            let outer = before(next.triangle, face.at, other) && before(face.triangle, next.at, normal);
            let gap = cosine < SQUARE - 1.0 && dot(sub(face.at, next.at), other) > 0.0;
            if !(gap || (cosine.abs() < SQUARE && outer)) {
                return false;
            }
        }
        true
    }

    /// As if there were nothing, folded.
    #[inline(always)]
    fn roam_between(&self, draws: &mut Draws, walker: &mut Walker, square: f64, limit: f64, mirrors: &Mirrors) -> f64 {
        let spent = self.roam(draws, walker, square, limit);
        walker.at = mirrors.fold(walker.at);
        spent
    }

    /// In a ball, whose squared radius is given.
    #[inline(always)]
    fn roam(&self, draws: &mut Draws, walker: &mut Walker, square: f64, limit: f64) -> f64 {
        let (far, spent) = self.radially(draws, square, limit);
        walker.at = along(walker.at, far, direction_in_space(draws));
        spent
    }

    /// How far from the middle of a ball, and when.
    #[inline(always)]
    fn radially(&self, draws: &mut Draws, square: f64, limit: f64) -> (f64, f64) {
        let scale = square / self.diffusion;
        let time = BALL.exit(draws) * scale;
        if time < limit { (square.sqrt(), time) } else { (square.sqrt() * BALL.place(limit / scale, draws), limit) }
    }

    /// Puts a walker on the wall.
    #[inline(always)]
    fn arrive(&self, walker: &mut Walker, touch: &mut Option<Touch>, on: Touch, at: Point, triangle: u32) -> Taken {
        walker.at = at;
        *touch = Some(on);
        if self.absorbs(on) { Err((self.absorber(on, triangle), 0.0)) } else { Ok(0.0) }
    }

    /// Whether one of the patches there absorbs.
    #[inline(always)]
    fn absorbs(&self, on: Touch) -> bool {
        let of = |p: &u32| self.absorbing[*p as usize];
        match on {
            Touch::Face(patch) => of(&patch),
            Touch::Edge(t, k) => self.patches.beside(&self.mesh, t, k).iter().any(of),
            Touch::Corner(v) => self.patches.at(v).iter().any(of),
        }
    }

    /// A triangle that absorbs, at a place that does, near `triangle`.
    fn absorber(&self, on: Touch, triangle: u32) -> u32 {
        let of = |t: &u32| self.absorbing[self.patches.of(*t) as usize];
        let next = |t: u32| self.mesh.neighbours(t).into_iter().find(of);
        if of(&triangle) {
            return triangle;
        }
        match on {
            Touch::Face(_) => triangle,
            Touch::Edge(t, k) => self.mesh.neighbours(t)[usize::from(k)],
            Touch::Corner(v) => {
                let at = self.mesh.vertices()[v as usize];
                next(triangle)
                    .or_else(|| self.mesh.nearest_of(at, f64::INFINITY, |t| of(&t)).map(|n| n.triangle))
                    .unwrap_or(triangle)
            }
        }
    }

    /// The corner or edge of a triangle that is so near, for the room around it, that the walker is put there.
    #[inline(always)]
    fn snap(&self, triangle: u32, p: Point) -> Option<(Touch, Point)> {
        let size = self.patches.size(self.patches.of(triangle));
        let [corner, edge] = self.patches.rim(&self.mesh, triangle, p);
        for (on, at, square) in [corner, edge].into_iter().flatten() {
            if square > self.snap * size * size {
                continue;
            }
            let share = match on {
                _ if self.absorbs(on) => self.snap * self.snap,
                Touch::Edge(t, k) => self.closeness(t, k),
                _ => self.snap,
            };
            let room = square / (share * share);
            if self.patches.beyond(&self.mesh, on, at, room).is_none() {
                return Some((on, at));
            }
        }
        None
    }

    /// How near to a sealed edge a walker is put there, or [back](Self::back_from_edge): what that leaves out goes with the power `2 pi / angle` of
    /// it, two at most.
    #[inline(always)]
    fn closeness(&self, triangle: u32, side: u8) -> f64 {
        let opening = self.patches.opening(triangle, side);
        if opening <= 0.5 + 1e-6 { self.snap.sqrt() } else { math::pow(self.snap, opening) }
    }

    /// Whether a walker that is near an edge is put on a face, and where; else it is put on the edge.
    ///
    /// Around an edge of angle `a`, whatever solves the diffusion equation is a constant and `r^v cos(v q)`, `v = pi / a`, in first order. The
    /// mean of that stays if the walker goes to the face on its side, `2^(1 / v)` times as far out, with odds of half of `|cos(v q)|`.
    #[inline(always)]
    fn back_from_edge(&self, draws: &mut Draws, at: Point, place: Point, triangle: u32, side: u8) -> Option<Point> {
        let corners = self.mesh.corners(triangle);
        let k = usize::from(side);
        let edge = unit(sub(corners[(k + 1) % 3], corners[k]));
        let [a, b] = self.patches.beside(&self.mesh, triangle, side).map(|p| self.patches.normal(p));
        let (into_a, into_b) = (cross(a, edge), cross(edge, b));
        let off = sub(at, place);
        let (along_a, depth) = (dot(off, into_a), -dot(off, a));
        let opening = self.patches.opening(triangle, side);
        let turned = math::turns(along_a, depth);
        // What rounding has put outside is on the face.
        let turned = if turned < -0.25 { opening } else { turned.clamp(0.0, opening) };
        let mode = math::turn(0.5 * turned / opening).0;
        if uniform(draws) >= 0.5 * mode.abs() {
            return None;
        }
        let far = (along_a * along_a + depth * depth).sqrt() * math::pow(2.0, 2.0 * opening);
        Some(along(place, far, if mode > 0.0 { into_a } else { into_b }))
    }

    /// In a cylinder on a face, as high as twice the walker's distance, whose squared radius is given: either way by itself.
    #[inline(always)]
    fn cylinder(
        &self,
        draws: &mut Draws,
        walker: &mut Walker,
        touch: &mut Option<Touch>,
        (near, patch): (Near, u32),
        wide: f64,
        limit: f64,
    ) -> Taken {
        let (high, around) = (near.square / self.diffusion, wide / self.diffusion);
        let (up, out) = (INTERVAL.exit(draws) * high, DISC.exit(draws) * around);
        let spent = up.min(out).min(limit);
        let far = if spent == out { wide.sqrt() } else { wide.sqrt() * DISC.place(spent / around, draws) };
        let lift = if spent == up { 1.0 } else { INTERVAL.place(spent / high, draws) };
        let normal = self.patches.normal(patch);
        let [u, v] = basis(normal);
        let [c, s] = direction(draws);
        let foot = along(along(near.at, far * c, u), far * s, v);
        let down = uniform(draws) < 0.5;
        if down && spent == up {
            return match self.arrive(walker, touch, Touch::Face(patch), foot, near.triangle) {
                Ok(_) => Ok(spent),
                // It may be another one of its patch.
                Err(_) => Err((self.mesh.nearest(foot).triangle, spent)),
            };
        }
        let height = near.square.sqrt() * if down { 1.0 - lift } else { 1.0 + lift };
        walker.at = along(foot, -height, normal);
        Ok(spent)
    }

    /// From an edge or a corner of sealed walls, as far as there is nothing else.
    #[inline(always)]
    fn leave(
        &self,
        draws: &mut Draws,
        walker: &mut Walker,
        touch: &mut Option<Touch>,
        on: Touch,
        limit: f64,
        most: f64,
    ) -> Taken {
        let at = walker.at;
        let mut square = most;
        if let Some(near) = self.patches.beyond(&self.mesh, on, at, most) {
            square = near.square;
            // Along an edge to its end.
            let end = |next: &(Touch, Point)| matches!(next.0, Touch::Corner(_)) || self.absorbs(next.0);
            if !matches!(on, Touch::Corner(_))
                && let Some((next, place)) = self.snap(near.triangle, at).filter(end)
            {
                return self.arrive(walker, touch, next, place, near.triangle);
            }
        }
        let (far, spent) = self.radially(draws, square, limit);
        let way = match on {
            Touch::Edge(triangle, side) => self.way_into_wedge(draws, at, triangle, side),
            _ => {
                let reach = 0.5 * square.sqrt();
                loop {
                    let way = direction_in_space(draws);
                    if self.mesh.holds(along(at, reach, way)) {
                        break way;
                    }
                }
            }
        };
        walker.at = along(at, far, way);
        *touch = None;
        Ok(spent)
    }

    /// A direction from an edge into the space.
    #[inline(always)]
    fn way_into_wedge(&self, draws: &mut Draws, at: Point, triangle: u32, side: u8) -> Point {
        let [a, b] = self.patches.beside(&self.mesh, triangle, side);
        let [n, m] = [self.patches.normal(a), self.patches.normal(b)];
        let third = self.mesh.corners(triangle)[usize::from(side + 2) % 3];
        let convex = dot(m, sub(third, at)) < 0.0;
        loop {
            let way = direction_in_space(draws);
            let (before, beyond) = (dot(way, n) < 0.0, dot(way, m) < 0.0);
            if if convex { before && beyond } else { before || beyond } {
                return way;
            }
        }
    }
}
