//! From triangles to a closed surface: everything that is wrong, and what can be put right.

use super::fault::{Fault, Flaw};
use super::surface::Surface;
use super::tree::{Bounds, Tree};
use super::triangle::{Corners, folded, meet, meet_beyond_corner, share_of_view, twice_area};
use super::vector::{Point, cross, dot, length, square, sub};
use std::collections::HashMap;

/// Triangles at most.
const MOST: usize = 20_000_000;
/// A triangle is flat where its height is below this share of the surface's size: what rounding leaves of a place is told apart from it.
const FLAT: f64 = 1e-9;
/// Least volume, over the cube of the size.
const HOLLOW: f64 = 1e-12;
/// Pairs that cut each other: more are not looked for.
const PAIRS: usize = 1000;

/// A surface that closes.
pub(super) struct Closed {
    /// No two at one place.
    pub vertices: Vec<Point>,
    /// Normals point out.
    pub triangles: Vec<[u32; 3]>,
    /// The triangle beyond each side.
    pub neighbours: Vec<[u32; 3]>,
    /// By triangle, whether it was turned round.
    pub turned: Vec<bool>,
    /// Shells: one outer, others around what is left out.
    pub shells: usize,
}

/// Sides of triangles, in order of their ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Side {
    ends: (u32, u32),
    triangle: u32,
    side: u8,
    /// From the greater end to the lesser.
    back: bool,
}

/// Vertices at one place are one; -0 is 0.
fn weld(surface: &Surface) -> (Vec<Point>, Vec<[u32; 3]>) {
    let mut at: HashMap<[u64; 3], u32> = HashMap::with_capacity(surface.vertices.len());
    let mut vertices = Vec::new();
    let new: Vec<u32> = surface
        .vertices
        .iter()
        .map(|v| {
            let v = v.map(|x| x + 0.0);
            *at.entry(v.map(f64::to_bits)).or_insert_with(|| {
                vertices.push(v);
                vertices.len() as u32 - 1
            })
        })
        .collect();
    (vertices, surface.triangles.iter().map(|t| t.map(|k| new[k as usize])).collect())
}

pub(super) fn close(surface: &Surface) -> Result<Closed, Vec<Fault>> {
    let n = surface.triangles.len();
    if n == 0 || n > MOST {
        return Err(vec![Fault { flaw: Flaw::Number { most: MOST }, count: n, triangles: Vec::new() }]);
    }
    let mut faults = Vec::new();
    let all = |what: &dyn Fn(&[u32; 3]) -> bool| -> Vec<u32> {
        (0..n as u32).filter(|k| what(&surface.triangles[*k as usize])).collect()
    };
    let there = |k: u32| (k as usize) < surface.vertices.len();
    let finite = |k: u32| there(k) && surface.vertices[k as usize].iter().all(|x| x.is_finite());
    for (flaw, bad) in [
        (Flaw::Missing, all(&|t| !t.iter().all(|k| there(*k)))),
        (Flaw::NotFinite, all(&|t| t.iter().any(|k| there(*k) && !finite(*k)))),
    ] {
        if !bad.is_empty() {
            faults.push(Fault::new(flaw, &bad));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let (vertices, mut triangles) = weld(surface);
    let corners = |t: &[u32; 3]| t.map(|k| vertices[k as usize]);
    let size = Bounds::around(&vertices).diagonal();

    let flat = |t: &[u32; 3]| {
        let c = corners(t);
        let longest = (0..3).map(|k| square(c[k], c[(k + 1) % 3])).fold(0.0, f64::max).sqrt();
        length(twice_area(&c)) <= FLAT * size * longest
    };
    let bad: Vec<bool> = triangles.iter().map(flat).collect();
    let flats: Vec<u32> = (0..n as u32).filter(|k| bad[*k as usize]).collect();
    if !flats.is_empty() {
        faults.push(Fault::new(Flaw::Flat, &flats));
    }
    let twice = twice(&triangles);
    if !twice.is_empty() {
        faults.push(Fault::new(Flaw::Twice, &twice));
    }

    let mut sides: Vec<Side> = Vec::with_capacity(3 * n);
    for (k, t) in triangles.iter().enumerate() {
        // A triangle of two points, or one, has no sides: what it joins is joined without it.
        if t[0] == t[1] || t[1] == t[2] || t[2] == t[0] {
            continue;
        }
        for side in 0..3 {
            let (a, b) = (t[side], t[(side + 1) % 3]);
            sides.push(Side { ends: (a.min(b), a.max(b)), triangle: k as u32, side: side as u8, back: a > b });
        }
    }
    sides.sort_unstable();
    let mut neighbours = vec![[u32::MAX; 3]; n];
    // Of each side, whether the triangle beyond goes along it the same way.
    let mut against = vec![[false; 3]; n];
    let (mut open, mut crowded, mut crowds) = (Vec::new(), Vec::new(), 0);
    for group in sides.chunk_by(|a, b| a.ends == b.ends) {
        match group {
            [one] => open.push(*one),
            [a, b] => {
                for (x, y) in [(a, b), (b, a)] {
                    neighbours[x.triangle as usize][usize::from(x.side)] = y.triangle;
                    against[x.triangle as usize][usize::from(x.side)] = a.back == b.back;
                }
            }
            more => {
                crowded.extend(more.iter().map(|s| s.triangle));
                crowds += 1;
            }
        }
    }
    if !open.is_empty() {
        faults.push(holes(&open, &vertices));
    }
    if crowds > 0 {
        crowded.sort_unstable();
        crowded.dedup();
        faults.push(Fault::new(Flaw::Crowded { edges: crowds }, &crowded));
    }

    let (shell, shells, mut turned, one_sided) = shells(&neighbours, &against);
    faults.extend(one_sided.iter().map(|s| {
        let of: Vec<u32> = (0..n as u32).filter(|k| shell[*k as usize] == *s).collect();
        Fault::new(Flaw::OneSided, &of)
    }));
    let whole = open.is_empty() && crowds == 0;
    if whole {
        let pinched = pinched(&triangles, &neighbours, vertices.len(), &bad);
        if !pinched.is_empty() {
            let points: std::collections::BTreeSet<u32> = pinched.iter().map(|p| p.0).collect();
            let of: Vec<u32> = pinched.iter().map(|p| p.1).collect();
            faults.push(Fault::new(Flaw::Pinched { points: points.len() }, &of));
        }
    }
    if let Some(fault) = cuts(&vertices, &triangles, &bad) {
        faults.push(fault);
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    turn(&mut triangles, &mut neighbours, &turned);
    nest(&vertices, &mut triangles, &mut neighbours, &shell, shells, &mut turned, size).map_err(|f| vec![f])?;
    Ok(Closed { vertices, triangles, neighbours, turned, shells })
}

fn twice(triangles: &[[u32; 3]]) -> Vec<u32> {
    let mut order: Vec<([u32; 3], u32)> = triangles
        .iter()
        .enumerate()
        .map(|(k, t)| {
            let mut t = *t;
            t.sort_unstable();
            (t, k as u32)
        })
        .collect();
    order.sort_unstable();
    let mut again: Vec<u32> = order.windows(2).filter(|w| w[0].0 == w[1].0).map(|w| w[1].1).collect();
    again.sort_unstable();
    again
}

/// The representative of a set.
fn root(of: &mut [u32], mut k: u32) -> u32 {
    while of[k as usize] != k {
        of[k as usize] = of[of[k as usize] as usize];
        k = of[k as usize];
    }
    k
}

fn holes(open: &[Side], vertices: &[Point]) -> Fault {
    let mut of: Vec<u32> = (0..vertices.len() as u32).collect();
    for s in open {
        let (a, b) = (root(&mut of, s.ends.0), root(&mut of, s.ends.1));
        of[a.max(b) as usize] = a.min(b);
    }
    let mut around: Vec<(u32, f64)> = open
        .iter()
        .map(|s| (root(&mut of, s.ends.0), square(vertices[s.ends.0 as usize], vertices[s.ends.1 as usize]).sqrt()))
        .collect();
    around.sort_by_key(|a| a.0);
    let lengths: Vec<f64> = around.chunk_by(|a, b| a.0 == b.0).map(|c| c.iter().map(|a| a.1).sum()).collect();
    let longest = lengths.iter().fold(0.0, |a: f64, b| a.max(*b));
    let mut of: Vec<u32> = open.iter().map(|s| s.triangle).collect();
    of.sort_unstable();
    of.dedup();
    Fault::new(Flaw::Open { edges: open.len(), holes: lengths.len(), longest }, &of)
}

/// The shell of each triangle, how many there are, which triangles must be turned to be as the first of their shell, and shells in which that
/// cannot be.
fn shells(neighbours: &[[u32; 3]], against: &[[bool; 3]]) -> (Vec<u32>, usize, Vec<bool>, Vec<u32>) {
    let n = neighbours.len();
    let (mut shell, mut turned) = (vec![u32::MAX; n], vec![false; n]);
    let (mut count, mut one_sided) = (0, Vec::new());
    for first in 0..n {
        if shell[first] != u32::MAX {
            continue;
        }
        shell[first] = count;
        let mut open = vec![first];
        let mut sound = true;
        while let Some(t) = open.pop() {
            for side in 0..3 {
                let next = neighbours[t][side] as usize;
                if next == u32::MAX as usize {
                    continue;
                }
                let way = turned[t] != against[t][side];
                if shell[next] == u32::MAX {
                    (shell[next], turned[next]) = (count, way);
                    open.push(next);
                } else if turned[next] != way {
                    sound = false;
                }
            }
        }
        if !sound {
            one_sided.push(count);
        }
        count += 1;
    }
    (shell, count as usize, turned, one_sided)
}

/// Vertices, each with a triangle, whose triangles are not all neighbours of each other around it.
fn pinched(triangles: &[[u32; 3]], neighbours: &[[u32; 3]], vertices: usize, bad: &[bool]) -> Vec<(u32, u32)> {
    let mut many = vec![0u32; vertices];
    let mut one = vec![u32::MAX; vertices];
    for (k, t) in triangles.iter().enumerate().filter(|(k, _)| !bad[*k]) {
        for v in t {
            many[*v as usize] += 1;
            one[*v as usize] = k as u32;
        }
    }
    let mut out = Vec::new();
    for v in 0..vertices as u32 {
        let first = one[v as usize];
        if first == u32::MAX {
            continue;
        }
        // Around: over one side at the vertex, then over the other one of the next triangle.
        let (mut at, mut from, mut seen) = (first, u32::MAX, 0);
        loop {
            let t = &triangles[at as usize];
            let Some(k) = t.iter().position(|x| *x == v) else { break };
            let [a, b] = [neighbours[at as usize][k], neighbours[at as usize][(k + 2) % 3]];
            seen += 1;
            let next = if a == from { b } else { a };
            (from, at) = (at, next);
            if at == first || at == u32::MAX || seen > many[v as usize] {
                break;
            }
        }
        if seen < many[v as usize] {
            out.push((v, first));
        }
    }
    out
}

/// Pairs of triangles that meet elsewhere than in common corners and sides.
fn cuts(vertices: &[Point], triangles: &[[u32; 3]], bad: &[bool]) -> Option<Fault> {
    let corners = |t: usize| -> Corners { triangles[t].map(|k| vertices[k as usize]) };
    let boxes: Vec<Bounds> = (0..triangles.len()).map(|t| Bounds::around(&corners(t))).collect();
    let mut found = Vec::new();
    Tree::new(&boxes).pairs(&boxes, |s, t| {
        let (i, j) = (s as usize, t as usize);
        if bad[i] || bad[j] {
            return true;
        }
        let (a, b) = (triangles[i], triangles[j]);
        let common: Vec<(usize, usize)> =
            (0..3).flat_map(|x| (0..3).map(move |y| (x, y))).filter(|(x, y)| a[*x] == b[*y]).collect();
        let (p, q) = (corners(i), corners(j));
        let from = |c: &Corners, k: usize| [c[k], c[(k + 1) % 3], c[(k + 2) % 3]];
        let cut = match common[..] {
            [] => meet(&p, &q),
            [(x, y)] => meet_beyond_corner(&from(&p, x), &from(&q, y)),
            [(x, y), (z, w)] => folded([p[x], p[z]], p[3 - x - z], q[3 - y - w]),
            // There twice, which is told elsewhere.
            _ => false,
        };
        if cut {
            found.push((s, t));
        }
        found.len() < PAIRS
    });
    found.sort_unstable();
    let named: Vec<u32> = found.iter().flat_map(|(s, t)| [*s, *t]).collect();
    (!found.is_empty()).then(|| Fault::new(Flaw::Cuts { pairs: found.len() }, &named))
}

/// Turns round what is marked.
fn turn(triangles: &mut [[u32; 3]], neighbours: &mut [[u32; 3]], which: &[bool]) {
    for k in (0..triangles.len()).filter(|k| which[*k]) {
        // a b c with neighbours over ab, bc, ca becomes a c b: over ac, cb, ba.
        triangles[k].swap(1, 2);
        neighbours[k].swap(0, 2);
    }
}

/// Six volumes, um3.
pub(super) fn six_volumes(vertices: &[Point], triangles: impl Iterator<Item = [u32; 3]>, around: Point) -> f64 {
    let mut sum = 0.0;
    for t in triangles {
        let [a, b, c] = t.map(|k| sub(vertices[k as usize], around));
        sum += dot(a, cross(b, c));
    }
    sum
}

/// Turns shells so that normals point out of the space between them.
fn nest(
    vertices: &[Point],
    triangles: &mut [[u32; 3]],
    neighbours: &mut [[u32; 3]],
    shell: &[u32],
    shells: usize,
    turned: &mut [bool],
    size: f64,
) -> Result<(), Fault> {
    let mut of: Vec<Vec<u32>> = vec![Vec::new(); shells];
    (0..triangles.len()).for_each(|k| of[shell[k] as usize].push(k as u32));
    let corners = |t: u32| -> Corners { triangles[t as usize].map(|k| vertices[k as usize]) };
    let boxes: Vec<Bounds> =
        of.iter().map(|s| s.iter().fold(Bounds::NONE, |b, t| b.with(&Bounds::around(&corners(*t))))).collect();
    let signed = |s: usize| six_volumes(vertices, of[s].iter().map(|t| triangles[*t as usize]), boxes[s].low) / 6.0;
    let volumes: Vec<f64> = (0..shells).map(signed).collect();
    let depth = |s: usize| {
        let p = corners(of[s][0])[0];
        let around = |o: &usize| {
            *o != s && boxes[*o].square(p) == 0.0 && {
                let view: f64 = of[*o].iter().map(|t| share_of_view(&corners(*t), p)).sum();
                view.abs() > 0.5
            }
        };
        (0..shells).filter(around).count()
    };
    let depths: Vec<usize> = (0..shells).map(depth).collect();
    let firsts = |depth: &dyn Fn(usize) -> bool| -> Vec<u32> {
        (0..shells).filter(|s| depth(depths[*s])).map(|s| of[s][0]).collect()
    };
    // The space of each shell that lies evenly deep is one by itself.
    let spaces = firsts(&|d| d.is_multiple_of(2));
    if spaces.len() > 1 {
        return Err(Fault::new(Flaw::Apart { spaces: spaces.len() }, &spaces));
    }
    let mut volume = 0.0;
    let mut inside_out = vec![false; triangles.len()];
    for s in 0..shells {
        let outer = depths[s].is_multiple_of(2);
        volume += if outer { volumes[s].abs() } else { -volumes[s].abs() };
        if (volumes[s] > 0.0) != outer {
            of[s].iter().for_each(|t| inside_out[*t as usize] = true);
        }
    }
    if volume <= HOLLOW * size * size * size {
        return Err(Fault { flaw: Flaw::Volume { volume }, count: 0, triangles: Vec::new() });
    }
    turn(triangles, neighbours, &inside_out);
    turned.iter_mut().zip(&inside_out).for_each(|(t, i)| *t ^= i);
    Ok(())
}
