//! Surfaces of plain solids.

use super::surface::Surface;
use super::vector::{Point, add, scaled, unit};
use std::collections::HashMap;

/// A box from corner to corner; its sides are regions 0 to 5: -x, +x, -y, +y, -z, +z.
#[must_use]
pub fn cuboid(low: Point, high: Point) -> Surface {
    let corner = |k: usize| [0, 1, 2].map(|axis| if k >> axis & 1 == 1 { high[axis] } else { low[axis] });
    let vertices = (0..8).map(corner).collect();
    let sides = [[0, 4, 6, 2], [1, 3, 7, 5], [0, 1, 5, 4], [2, 6, 7, 3], [0, 2, 3, 1], [4, 5, 7, 6]];
    let triangles = sides.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect();
    let regions = (0..12).map(|k| k / 2).collect();
    Surface { vertices, triangles, regions }
}

/// A sphere around 0, from an icosahedron whose triangles were cut in four so many times: `20 * 4^cuts` triangles, corners on the sphere.
#[must_use]
pub fn icosphere(radius: f64, cuts: u32) -> Surface {
    let golden = 0.5 * (1.0 + 5f64.sqrt());
    let mut vertices = Vec::new();
    for [a, b] in [[-1.0, golden], [1.0, golden], [-1.0, -golden], [1.0, -golden]] {
        vertices.push([a, b, 0.0]);
    }
    for [a, b] in [[-1.0, golden], [1.0, golden], [-1.0, -golden], [1.0, -golden]] {
        vertices.push([0.0, a, b]);
    }
    for [a, b] in [[golden, -1.0], [golden, 1.0], [-golden, -1.0], [-golden, 1.0]] {
        vertices.push([a, 0.0, b]);
    }
    let mut triangles: Vec<[u32; 3]> = vec![
        [0, 11, 5],
        [0, 5, 1],
        [0, 1, 7],
        [0, 7, 10],
        [0, 10, 11],
        [1, 5, 9],
        [5, 11, 4],
        [11, 10, 2],
        [10, 7, 6],
        [7, 1, 8],
        [3, 9, 4],
        [3, 4, 2],
        [3, 2, 6],
        [3, 6, 8],
        [3, 8, 9],
        [4, 9, 5],
        [2, 4, 11],
        [6, 2, 10],
        [8, 6, 7],
        [9, 8, 1],
    ];
    for _ in 0..cuts {
        let mut middles: HashMap<(u32, u32), u32> = HashMap::new();
        let mut next = Vec::with_capacity(4 * triangles.len());
        for [a, b, c] in triangles {
            let mut middle = |a: u32, b: u32| {
                *middles.entry((a.min(b), a.max(b))).or_insert_with(|| {
                    vertices.push(scaled(0.5, add(vertices[a as usize], vertices[b as usize])));
                    vertices.len() as u32 - 1
                })
            };
            let (ab, bc, ca) = (middle(a, b), middle(b, c), middle(c, a));
            next.extend([[a, ab, ca], [b, bc, ab], [c, ca, bc], [ab, bc, ca]]);
        }
        triangles = next;
        vertices.iter_mut().for_each(|v| *v = unit(*v));
    }
    let vertices = vertices.into_iter().map(|v| scaled(radius, unit(v))).collect();
    let regions = vec![0; triangles.len()];
    Surface { vertices, triangles, regions }
}

/// What stands on an outline in the plane, whose corners go round to the left, from `low` to `high`; `floor` are the triangles of the outline, corners
/// going round to the left. Regions: 0 the floor, 1 the ceiling, 2 and on the walls after each corner.
#[must_use]
pub fn prism(outline: &[[f64; 2]], floor: &[[u32; 3]], low: f64, high: f64) -> Surface {
    let n = outline.len() as u32;
    let mut out = Surface::default();
    for z in [low, high] {
        out.vertices.extend(outline.iter().map(|&[x, y]| [x, y, z]));
    }
    for &[a, b, c] in floor {
        out.triangles.extend([[a, c, b], [a + n, b + n, c + n]]);
        out.regions.extend([0, 1]);
    }
    for a in 0..n {
        let b = (a + 1) % n;
        out.triangles.extend([[a, b, b + n], [a, b + n, a + n]]);
        out.regions.extend([2 + a as u16; 2]);
    }
    out
}
