//! One triangle, and two: nearest points, crossings, angles.

use super::vector::{Point, along, cross, dot, length, sub};
use crate::math;
use robust::{Coord, Coord3D, orient2d, orient3d};
use std::f64::consts::PI;

/// Corners.
pub type Corners = [Point; 3];

/// What of a triangle a point lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Within.
    Face,
    /// On the side from corner k to the next.
    Side(u8),
    /// A corner.
    Corner(u8),
}

/// The point of a triangle that is nearest to `p`. Source: Ericson (2005) Real-Time Collision Detection, ch. 5.1.5.
#[inline(always)]
#[must_use]
pub fn nearest(&[a, b, c]: &Corners, p: Point) -> (Point, Part) {
    let (ab, ac, ap) = (sub(b, a), sub(c, a), sub(p, a));
    let (d1, d2) = (dot(ab, ap), dot(ac, ap));
    if d1 <= 0.0 && d2 <= 0.0 {
        return (a, Part::Corner(0));
    }
    let bp = sub(p, b);
    let (d3, d4) = (dot(ab, bp), dot(ac, bp));
    if d3 >= 0.0 && d4 <= d3 {
        return (b, Part::Corner(1));
    }
    let vc = d1 * d4 - d3 * d2;
    if vc <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        return (along(a, d1 / (d1 - d3), ab), Part::Side(0));
    }
    let cp = sub(p, c);
    let (d5, d6) = (dot(ab, cp), dot(ac, cp));
    if d6 >= 0.0 && d5 <= d6 {
        return (c, Part::Corner(2));
    }
    let vb = d5 * d2 - d1 * d6;
    if vb <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        return (along(a, d2 / (d2 - d6), ac), Part::Side(2));
    }
    let va = d3 * d6 - d5 * d4;
    if va <= 0.0 && d4 >= d3 && d5 >= d6 {
        return (along(b, (d4 - d3) / ((d4 - d3) + (d5 - d6)), sub(c, b)), Part::Side(1));
    }
    let all = 1.0 / (va + vb + vc);
    (along(along(a, vb * all, ab), vc * all, ac), Part::Face)
}

/// The point of the side from `a` to `b` that is nearest to `p`.
#[inline(always)]
#[must_use]
pub fn nearest_on_side(a: Point, b: Point, p: Point) -> Point {
    let ab = sub(b, a);
    let t = dot(sub(p, a), ab) / dot(ab, ab);
    along(a, t.clamp(0.0, 1.0), ab)
}

/// Twice the area, along the normal that sees the corners go round to the left.
#[inline(always)]
#[must_use]
pub fn twice_area(&[a, b, c]: &Corners) -> Point {
    cross(sub(b, a), sub(c, a))
}

/// Solid angle under which a point sees a triangle, over 4 pi; positive from behind the normal. Source: van Oosterom & Strackee
/// (1983) IEEE Trans Biomed Eng 30:125.
#[must_use]
pub fn share_of_view(&[a, b, c]: &Corners, p: Point) -> f64 {
    let [a, b, c] = [sub(a, p), sub(b, p), sub(c, p)];
    let [la, lb, lc] = [length(a), length(b), length(c)];
    let up = dot(a, cross(b, c));
    let down = la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb;
    math::turns(down, up)
}

/// Angle of a triangle at corner `k`, radians.
#[must_use]
pub fn angle(corners: &Corners, k: usize) -> f64 {
    let [a, b, c] = [corners[k], corners[(k + 1) % 3], corners[(k + 2) % 3]];
    let (u, v) = (sub(b, a), sub(c, a));
    2.0 * PI * math::turns(dot(u, v), length(cross(u, v)))
}

/// Volume of the tetrahedron of four points, times 6, of which the sign is exact: Shewchuk (1997) Discrete Comput Geom 18:305.
fn side_of([a, b, c]: Corners, p: Point) -> f64 {
    let of = |[x, y, z]: Point| Coord3D { x, y, z };
    orient3d(of(a), of(b), of(c), of(p))
}

/// Whether the segment from `p` to `q` meets a triangle, exactly; not if it lies in its plane.
fn pierces(&[a, b, c]: &Corners, p: Point, q: Point) -> bool {
    let (sp, sq) = (side_of([a, b, c], p), side_of([a, b, c], q));
    if sp * sq > 0.0 || (sp == 0.0 && sq == 0.0) {
        return false;
    }
    let s = [side_of([p, q, a], b), side_of([p, q, b], c), side_of([p, q, c], a)];
    s.iter().all(|x| *x >= 0.0) || s.iter().all(|x| *x <= 0.0)
}

/// A projection that keeps the triangle's shape best.
fn flat(t: &Corners) -> impl Fn(Point) -> Coord<f64> + use<> {
    let n = twice_area(t).map(f64::abs);
    let drop = (1..3).fold(0, |a, b| if n[b] > n[a] { b } else { a });
    move |p: Point| Coord { x: p[(drop + 1) % 3], y: p[(drop + 2) % 3] }
}

/// Whether two segments in a plane meet, exactly.
fn cross_flat([a, b]: [Coord<f64>; 2], [c, d]: [Coord<f64>; 2]) -> bool {
    let (s1, s2) = (orient2d(a, b, c), orient2d(a, b, d));
    let (s3, s4) = (orient2d(c, d, a), orient2d(c, d, b));
    if s1 == 0.0 && s2 == 0.0 {
        let apart = |f: fn(Coord<f64>) -> f64| f(a).max(f(b)) < f(c).min(f(d)) || f(c).max(f(d)) < f(a).min(f(b));
        return !apart(|p| p.x) && !apart(|p| p.y);
    }
    s1 * s2 <= 0.0 && s3 * s4 <= 0.0
}

/// Whether a point is in a triangle of the plane, its border included, exactly.
fn holds_flat(t: [Coord<f64>; 3], p: Coord<f64>) -> bool {
    let s = [orient2d(t[0], t[1], p), orient2d(t[1], t[2], p), orient2d(t[2], t[0], p)];
    s.iter().all(|x| *x >= 0.0) || s.iter().all(|x| *x <= 0.0)
}

/// Whether two triangles without a common corner cut or touch each other, exactly.
#[must_use]
pub fn meet(s: &Corners, t: &Corners) -> bool {
    let sides = |t: &Corners, p: &Corners| p.map(|p| side_of(*t, p));
    let (in_s, in_t) = (sides(s, t), sides(t, s));
    let apart = |s: [f64; 3]| s.iter().all(|x| *x > 0.0) || s.iter().all(|x| *x < 0.0);
    if apart(in_s) || apart(in_t) {
        return false;
    }
    if in_s.iter().all(|x| *x == 0.0) {
        let to = flat(s);
        let (a, b) = (s.map(&to), t.map(&to));
        let crosses = (0..3).any(|i| (0..3).any(|j| cross_flat([a[i], a[(i + 1) % 3]], [b[j], b[(j + 1) % 3]])));
        return crosses || holds_flat(a, b[0]) || holds_flat(b, a[0]);
    }
    // A side that lies in the other's plane ends at a corner from which another side leaves it, but for one that crosses there.
    let side = |of: &Corners, other: &Corners, at: [f64; 3], k: usize| {
        let l = (k + 1) % 3;
        if at[k] == 0.0 && at[l] == 0.0 {
            let to = flat(other);
            let o = other.map(&to);
            let own = [to(of[k]), to(of[l])];
            (0..3).any(|j| cross_flat(own, [o[j], o[(j + 1) % 3]])) || holds_flat(o, own[0])
        } else {
            pierces(other, of[k], of[l])
        }
    };
    (0..3).any(|k| side(s, t, in_t, k) || side(t, s, in_s, k))
}

/// Whether two triangles that share the corner `s[0] = t[0]` and no other meet anywhere else, exactly.
#[must_use]
pub fn meet_beyond_corner(s: &Corners, t: &Corners) -> bool {
    let opposite = |of: &Corners, other: &Corners| {
        let at = [side_of(*other, of[1]), side_of(*other, of[2])];
        if at == [0.0, 0.0] {
            // In one plane: their angles at the corner overlap.
            let to = flat(other);
            let (o, p) = (other.map(&to), of.map(&to));
            let within = |q| {
                let (x, y) = (orient2d(o[0], o[1], q), orient2d(o[0], o[2], q));
                let turn = orient2d(o[0], o[1], o[2]);
                x * turn >= 0.0 && y * turn <= 0.0
            };
            within(p[1]) || within(p[2])
        } else {
            pierces(other, of[1], of[2])
        }
    };
    opposite(s, t) || opposite(t, s)
}

/// Whether two triangles on one side, `s[0] s[1]`, with third corners `c` and `d`, lie on each other, exactly.
#[must_use]
pub fn folded([a, b]: [Point; 2], c: Point, d: Point) -> bool {
    if side_of([a, b, c], d) != 0.0 {
        return false;
    }
    let to = flat(&[a, b, c]);
    orient2d(to(a), to(b), to(c)) * orient2d(to(a), to(b), to(d)) > 0.0
}
