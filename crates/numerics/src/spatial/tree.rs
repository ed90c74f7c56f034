//! A tree of boxes: which of many things is near a point, and which come close to each other.
//!
//! Built by the surface area heuristic over bins (Wald 2007, IEEE Symp Interactive Ray Tracing, p 33). Things that are far from a point
//! are not looked at: a search costs the logarithm of their number.

use super::vector::Point;

/// Things in a leaf, at most where they can be told apart.
const LEAF: usize = 4;
const BINS: usize = 16;
/// Depth at most: halves are taken once it is long.
const DEPTH: usize = 48;

/// A box along the axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Least coordinates.
    pub low: Point,
    /// Greatest ones.
    pub high: Point,
}

impl Bounds {
    /// Holds nothing.
    pub const NONE: Self = Self { low: [f64::INFINITY; 3], high: [f64::NEG_INFINITY; 3] };

    /// Around points.
    #[must_use]
    pub fn around(points: &[Point]) -> Self {
        points.iter().fold(Self::NONE, |b, p| b.with(&Self { low: *p, high: *p }))
    }

    /// Around both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut out = *self;
        for k in 0..3 {
            out.low[k] = out.low[k].min(other.low[k]);
            out.high[k] = out.high[k].max(other.high[k]);
        }
        out
    }

    /// Square of the distance to a point: 0 within.
    #[inline(always)]
    #[must_use]
    pub fn square(&self, p: Point) -> f64 {
        let off = |k: usize| (self.low[k] - p[k]).max(p[k] - self.high[k]).max(0.0);
        let (x, y, z) = (off(0), off(1), off(2));
        x * x + y * y + z * z
    }

    /// Whether both have a point in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        (0..3).all(|k| self.low[k] <= other.high[k] && other.low[k] <= self.high[k])
    }

    /// From corner to corner.
    #[must_use]
    pub fn diagonal(&self) -> f64 {
        super::vector::square(self.low, self.high).sqrt()
    }

    fn half_area(&self) -> f64 {
        let [x, y, z] = super::vector::sub(self.high, self.low);
        x * y + y * z + z * x
    }
}

#[derive(Clone, Copy, Debug)]
struct Node {
    bounds: Bounds,
    /// The first of two children; of a leaf the first of its things in `order`.
    first: u32,
    /// Things of a leaf; 0 elsewhere.
    count: u32,
}

/// Things by their boxes.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    order: Vec<u32>,
}

impl Tree {
    /// Of boxes, at least one. Cost: n log n.
    #[must_use]
    pub fn new(boxes: &[Bounds]) -> Self {
        let all = boxes.iter().fold(Bounds::NONE, |a, b| a.with(b));
        let mut made = Self {
            nodes: vec![Node { bounds: all, first: 0, count: boxes.len() as u32 }],
            order: (0..boxes.len() as u32).collect(),
        };
        let mut open = vec![(0usize, 0usize)];
        while let Some((node, depth)) = open.pop() {
            let (first, count) = (made.nodes[node].first as usize, made.nodes[node].count as usize);
            if count <= LEAF || depth >= DEPTH {
                continue;
            }
            let half = split(boxes, &mut made.order[first..first + count], depth > DEPTH / 2);
            if half == 0 || half == count {
                continue;
            }
            let around = |range: &[u32]| range.iter().fold(Bounds::NONE, |a, k| a.with(&boxes[*k as usize]));
            let child = made.nodes.len();
            for (from, many) in [(first, half), (first + half, count - half)] {
                let bounds = around(&made.order[from..from + many]);
                made.nodes.push(Node { bounds, first: from as u32, count: many as u32 });
            }
            (made.nodes[node].first, made.nodes[node].count) = (child as u32, 0);
            open.extend([(child, depth + 1), (child + 1, depth + 1)]);
        }
        made
    }

    /// Around all.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        self.nodes[0].bounds
    }

    /// The things in the order in which leaves name them.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Looks at all things whose boxes are nearer to `p` than the root of `within`, nearest boxes first. `look` is given a place
    /// in [`order`](Self::order) and gives the square that is near enough from then on.
    #[inline(always)]
    pub fn near(&self, p: Point, mut within: f64, mut look: impl FnMut(usize, f64) -> f64) {
        let mut stack = [(0u32, 0.0f64); DEPTH + 2];
        stack[0] = (0, self.nodes[0].bounds.square(p));
        let mut held = 1;
        while held > 0 {
            held -= 1;
            let (at, far) = stack[held];
            if far >= within {
                continue;
            }
            let node = &self.nodes[at as usize];
            if node.count > 0 {
                for place in node.first..node.first + node.count {
                    within = look(place as usize, within);
                }
                continue;
            }
            let (l, r) = (node.first, node.first + 1);
            let (dl, dr) = (self.nodes[l as usize].bounds.square(p), self.nodes[r as usize].bounds.square(p));
            let (near, far) = if dl <= dr { ((l, dl), (r, dr)) } else { ((r, dr), (l, dl)) };
            if far.1 < within {
                stack[held] = far;
                held += 1;
            }
            if near.1 < within {
                stack[held] = near;
                held += 1;
            }
        }
    }

    /// Calls `found` with each pair of things, the lower number first, whose boxes meet, until it says to stop.
    pub fn pairs(&self, boxes: &[Bounds], mut found: impl FnMut(u32, u32) -> bool) {
        let mut open = vec![(0u32, 0u32)];
        while let Some((a, b)) = open.pop() {
            let (x, y) = (&self.nodes[a as usize], &self.nodes[b as usize]);
            if !x.bounds.meets(&y.bounds) {
                continue;
            }
            if x.count > 0 && y.count > 0 {
                let of = |n: &Node| n.first as usize..(n.first + n.count) as usize;
                for i in of(x) {
                    for j in of(y) {
                        let (s, t) = (self.order[i], self.order[j]);
                        let new = if a == b { i < j } else { true };
                        if new && boxes[s as usize].meets(&boxes[t as usize]) && !found(s.min(t), s.max(t)) {
                            return;
                        }
                    }
                }
            } else if a == b {
                let l = x.first;
                open.extend([(l, l), (l, l + 1), (l + 1, l + 1)]);
            } else if y.count > 0 || (x.count == 0 && x.bounds.half_area() > y.bounds.half_area()) {
                open.extend([(x.first, b), (x.first + 1, b)]);
            } else {
                open.extend([(a, y.first), (a, y.first + 1)]);
            }
        }
    }
}

/// Sorts a range into two; gives how many are in the first.
fn split(boxes: &[Bounds], range: &mut [u32], in_half: bool) -> usize {
    let middle = |k: u32, axis: usize| 0.5 * (boxes[k as usize].low[axis] + boxes[k as usize].high[axis]);
    let span = |axis: usize| {
        range
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), k| (a.min(middle(*k, axis)), b.max(middle(*k, axis))))
    };
    let spans = [span(0), span(1), span(2)];
    let wide = |axis: usize| spans[axis].1 - spans[axis].0;
    let axis = (1..3).fold(0, |a, b| if wide(b) > wide(a) { b } else { a });
    if wide(axis) <= 0.0 || in_half {
        return range.len() / 2;
    }
    let bin = |k: u32| (((middle(k, axis) - spans[axis].0) / wide(axis) * BINS as f64) as usize).min(BINS - 1);
    let mut bins = [(Bounds::NONE, 0usize); BINS];
    for k in range.iter() {
        let one = &mut bins[bin(*k)];
        *one = (one.0.with(&boxes[*k as usize]), one.1 + 1);
    }
    let mut best = (f64::INFINITY, 0);
    for cut in 1..BINS {
        let sum = |part: &[(Bounds, usize)]| {
            let (b, n) = part.iter().fold((Bounds::NONE, 0), |(b, n), (c, m)| (b.with(c), n + m));
            if n == 0 { f64::INFINITY } else { b.half_area() * n as f64 }
        };
        let cost = sum(&bins[..cut]) + sum(&bins[cut..]);
        if cost < best.0 {
            best = (cost, cut);
        }
    }
    let mut first = 0;
    for k in 0..range.len() {
        if bin(range[k]) < best.1 {
            range.swap(first, k);
            first += 1;
        }
    }
    first
}
