//! One leap.

use super::domain::{Domain, Walker};
use numerics::passage::{BALL, DISC, INTERVAL, direction, direction_in_space, uniform};
use numerics::rng::Draws;
use numerics::spatial::vector::{along, basis, dot, scaled, sub};
use numerics::spatial::{Near, Point, Touch};

/// Within this share of `L^2 / D` a walker does not feel what is at L: odds of 1e-6 that it should have. Nothing farther is looked for.
const FREE: f64 = 1.0 / 64.0;
/// A cylinder is tried where nothing but the face is within so many times the distance to it, and is as wide as fits in as many as that.
const LOW: f64 = 3.0;
const HIGH: f64 = 6.0;
/// What holds for [`super::SNAP`], squared where an absorbing region is concerned.
fn closeness(snap: f64, absorbing: bool) -> f64 {
    if absorbing { snap * snap } else { snap }
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
        let Some(near) = self.mesh.nearest_of(at, most.max(2.0 * self.rounding), |_| true) else {
            return Ok(self.roam(draws, walker, most, limit));
        };
        let on = self.patches.touch(&self.mesh, &near);
        if near.square <= self.rounding {
            return self.arrive(walker, touch, on, near.at, near.triangle);
        }
        if let Some((on, place)) = self.snap(near.triangle, at) {
            return self.arrive(walker, touch, on, place, near.triangle);
        }
        if let Touch::Face(patch) = on {
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
            if square > self.snap * self.snap * size * size {
                continue;
            }
            let share = closeness(self.snap, self.absorbs(on));
            let room = square / (share * share);
            if self.patches.beyond(&self.mesh, on, at, room).is_none() {
                return Some((on, at));
            }
        }
        None
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

    /// From a point of a sealed wall: a face, an edge or a corner, as far as there is nothing else.
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
            // From a face to its rim, and along an edge to its end.
            if !matches!(on, Touch::Corner(_)) {
                if let Some((next, place)) = self.snap(near.triangle, at).filter(|(next, _)| *next != on) {
                    return self.arrive(walker, touch, next, place, near.triangle);
                }
            }
        }
        let (far, spent) = self.radially(draws, square, limit);
        let way = match on {
            Touch::Face(patch) => {
                let (way, normal) = (direction_in_space(draws), self.patches.normal(patch));
                if dot(way, normal) > 0.0 { scaled(-1.0, way) } else { way }
            }
            Touch::Edge(triangle, side) => self.into_wedge(draws, at, triangle, side),
            Touch::Corner(_) => {
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
    fn into_wedge(&self, draws: &mut Draws, at: Point, triangle: u32, side: u8) -> Point {
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
