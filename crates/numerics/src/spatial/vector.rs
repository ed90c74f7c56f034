//! Points and vectors in space, in plain products and sums: the same bits at every level of instructions.

/// A point, or a vector.
pub type Point = [f64; 3];

/// `a + b`
#[inline(always)]
#[must_use]
pub fn add(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

/// `a - b`
#[inline(always)]
#[must_use]
pub fn sub(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

/// `a + s b`
#[inline(always)]
#[must_use]
pub fn along(a: Point, s: f64, b: Point) -> Point {
    [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]]
}

/// `s a`
#[inline(always)]
#[must_use]
pub fn scaled(s: f64, a: Point) -> Point {
    [s * a[0], s * a[1], s * a[2]]
}

/// `a . b`
#[inline(always)]
#[must_use]
pub fn dot(a: Point, b: Point) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// `a x b`
#[inline(always)]
#[must_use]
pub fn cross(a: Point, b: Point) -> Point {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Square of the distance of two points.
#[inline(always)]
#[must_use]
pub fn square(a: Point, b: Point) -> f64 {
    let d = sub(a, b);
    dot(d, d)
}

/// Length.
#[inline(always)]
#[must_use]
pub fn length(a: Point) -> f64 {
    dot(a, a).sqrt()
}

/// Of length 1; as it is where it has no length.
#[inline(always)]
#[must_use]
pub fn unit(a: Point) -> Point {
    let l = length(a);
    if l > 0.0 { scaled(1.0 / l, a) } else { a }
}

/// Two vectors of length 1 at right angles to one of length 1 and to each other. Source: Duff et al. (2017) J Comput Graph Tech 6:1.
#[inline(always)]
#[must_use]
pub fn basis([x, y, z]: Point) -> [Point; 2] {
    let sign = 1f64.copysign(z);
    let a = -1.0 / (sign + z);
    let b = x * y * a;
    [[1.0 + sign * x * x * a, sign * b, -sign * x], [b, sign + y * y * a, -y]]
}
