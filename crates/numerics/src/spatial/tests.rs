use super::triangle::{Part, meet, meet_beyond_corner, nearest};
use super::vector::{along, length, square};
use super::*;
use crate::passage::direction_in_space;
use crate::rng::{Draws, StreamKey};
use std::f64::consts::PI;

fn draws(member: u64) -> Draws {
    StreamKey::new(7, 0, 0, 0).at(member, 0)
}

/// An L of three squares of side 1, 1 high.
pub(super) fn ell() -> Surface {
    let outline = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]];
    prism(&outline, &[[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]], 0.0, 1.0)
}

fn refused(surface: &Surface) -> Vec<Fault> {
    let faults = Mesh::new(surface).expect_err("this surface does not close");
    faults.iter().for_each(|f| println!("{f}\n    {}", f.cure()));
    faults
}

#[test]
fn volumes_and_areas_are_those_of_solids() {
    let cube = Mesh::new(&cuboid([-1.0, 0.0, 2.0], [1.0, 3.0, 2.5])).unwrap();
    assert!((cube.volume() - 3.0).abs() < 1e-14 && (cube.area(|_| true) - 17.0).abs() < 1e-13);
    assert!((cube.area(|r| r == 5) - 6.0).abs() < 1e-14);
    assert!((Mesh::new(&ell()).unwrap().volume() - 3.0).abs() < 1e-14);
    // Of second order in the length of an edge: four times closer with every cut.
    let off = |cuts| 4.0 / 3.0 * PI * 8.0 - Mesh::new(&icosphere(2.0, cuts)).unwrap().volume();
    let offs = [off(1), off(2), off(3), off(4)];
    println!("missing from a ball of radius 2: {offs:?} um3");
    assert!(offs.windows(2).all(|w| w[1] > 0.0 && (3.7..4.1).contains(&(w[0] / w[1]))));
}

#[test]
fn the_tree_finds_what_looking_at_all_triangles_finds() {
    let mut with_hole = icosphere(1.0, 3);
    let mut hole = icosphere(0.4, 2);
    hole.turn();
    with_hole.append(&hole);
    for surface in [with_hole, ell(), icosphere(1.0, 4)] {
        let mesh = Mesh::new(&surface).unwrap();
        let middle = [0.5, 0.5, 0.5];
        let mut d = draws(1);
        for _ in 0..400 {
            let p = along(middle, 3.0 * d.uniform(), direction_in_space(&mut d));
            let all = (0..mesh.triangles().len() as u32).map(|t| square(nearest(&mesh.corners(t), p).0, p));
            let found = mesh.nearest(p);
            assert_eq!(found.square, all.fold(f64::INFINITY, f64::min));
            // The winding number needs no neighbours: two ways, one answer.
            let winding = mesh.winding(p);
            assert!((winding - winding.round()).abs() < 1e-9, "{winding}");
            assert_eq!(mesh.holds(p), winding.round() == 1.0, "{p:?} {found:?}");
            assert_eq!(mesh.signed_distance(p) < 0.0, mesh.holds(p));
        }
    }
}

#[test]
fn the_nearest_point_of_a_triangle_is_the_least_of_many() {
    let mut d = draws(2);
    let mut seen = [0; 3];
    for _ in 0..200 {
        let [a, b, c] = [0; 3].map(|_| direction_in_space(&mut d));
        let p = along([0.0; 3], 2.0 * d.uniform(), direction_in_space(&mut d));
        let (at, part) = nearest(&[a, b, c], p);
        seen[match part {
            Part::Face => 0,
            Part::Side(_) => 1,
            Part::Corner(_) => 2,
        }] += 1;
        for i in 0..=50 {
            for j in 0..=50 - i {
                let (u, v) = (f64::from(i) / 50.0, f64::from(j) / 50.0);
                let q = along(along(vector::scaled(1.0 - u - v, a), u, b), v, c);
                assert!(square(at, p) <= square(q, p) + 1e-12);
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 10), "{seen:?}");
}

#[test]
fn triangles_that_meet_are_told_from_those_that_do_not() {
    let s = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let moved = |t: [Point; 3], by: Point| t.map(|p| vector::add(p, by));
    let upright = [[0.2, 0.2, -0.5], [0.2, 0.2, 0.5], [0.2, 0.9, 0.5]];
    for (t, cut) in [
        (upright, true),
        (moved(upright, [0.0, 0.0, 0.5]), true),
        (moved(upright, [0.0, 0.0, 0.5 + 1e-15]), false),
        (moved(upright, [2.0, 0.0, 0.0]), false),
        (moved(s, [0.0, 0.0, 1e-300]), false),
        (moved(s, [0.1, 0.1, 0.0]), true),
        (moved(s, [1.0, 1e-9, 0.0]), false),
        ([[0.1, 0.1, 0.0], [0.2, 0.1, 0.0], [0.1, 0.2, 0.0]], true),
        // A side in the plane, beside the triangle and across it; the third corner above.
        ([[1.5, 0.0, 0.0], [0.0, 1.5, 0.0], [1.0, 1.0, 1.0]], false),
        ([[-0.5, 0.2, 0.0], [1.5, 0.2, 0.0], [1.0, 1.0, 1.0]], true),
    ] {
        assert_eq!((meet(&s, &t), meet(&t, &s)), (cut, cut), "{t:?}");
    }
    for (t, cut) in [
        ([s[0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]], false),
        ([s[0], [1.0, 0.2, 0.0], [-1.0, -0.2, 0.0]], true),
        ([s[0], [0.3, 0.3, 0.0], [-1.0, -1.0, 1.0]], true),
        ([s[0], [0.3, 0.3, 0.1], [0.3, 0.3, -0.1]], true),
        ([s[0], [0.3, -0.3, 0.1], [0.3, -0.3, -0.1]], false),
    ] {
        assert_eq!((meet_beyond_corner(&s, &t), meet_beyond_corner(&t, &s)), (cut, cut), "{t:?}");
    }
}

#[test]
fn points_are_even_on_regions_and_within() {
    // 8 cells of equal odds, 4e4 points: chi square of 7 degrees of freedom is above 43.7 with odds of 2.5e-7.
    let mesh = Mesh::new(&cuboid([0.0; 3], [2.0, 1.0, 1.0])).unwrap();
    let spread = mesh.spread(|r| r == 0 || r == 5).unwrap();
    assert!((spread.area() - 3.0).abs() < 1e-14);
    let mut d = draws(3);
    let n = 40_000;
    let (mut on, mut within) = ([0u32; 8], [0u32; 8]);
    for _ in 0..n {
        let (p, t) = spread.point(&mesh, &mut d);
        // Two quarters of the wall at x = 0, six of the ceiling.
        let cell = if mesh.region(t) == 0 { usize::from(p[1] > 0.5) } else { 2 + (p[0] * 3.0) as usize };
        assert!(if mesh.region(t) == 0 { p[0] == 0.0 } else { (p[2] - 1.0).abs() < 1e-15 });
        on[cell] += 1;
        let p = mesh.point_within(&mut d);
        within[usize::from(p[0] > 1.0) + 2 * usize::from(p[1] > 0.5) + 4 * usize::from(p[2] > 0.5)] += 1;
    }
    let odds = |k: usize| if k < 2 { 1.0 / 6.0 } else { 1.0 / 9.0 };
    let chi = |c: &[u32; 8], odds: &dyn Fn(usize) -> f64| -> f64 {
        c.iter()
            .enumerate()
            .map(|(k, c)| crate::math::powi(f64::from(*c) - odds(k) * f64::from(n), 2) / (odds(k) * f64::from(n)))
            .sum()
    };
    let chis = [chi(&on, &odds), chi(&within, &|_| 0.125)];
    println!("chi square of points on regions and within: {chis:?}, 7 degrees of freedom");
    assert!(chis.iter().all(|c| *c < 43.7));
}

#[test]
fn regions_are_selected_by_balls_and_half_spaces() {
    let mut surface = icosphere(1.0, 4);
    let cap = Selection::Beyond { point: [0.0, 0.0, 0.5], direction: [0.0, 0.0, 2.0] };
    let n = surface.mark(1, &cap);
    let m = surface.mark(2, &Selection::Ball { centre: [0.0, 0.0, -1.0], radius: 0.5 });
    let mesh = Mesh::new(&surface).unwrap();
    // Caps of 2 pi h: half, and an eighth of the radius high.
    println!("{n} and {m} triangles, {} and {} um2", mesh.area(|r| r == 1), mesh.area(|r| r == 2));
    assert!(
        (mesh.area(|r| r == 1) / PI - 1.0).abs() < 0.02 && (mesh.area(|r| r == 2) / (0.25 * PI) - 1.0).abs() < 0.05
    );
}

#[test]
fn what_goes_round_the_wrong_way_is_turned() {
    let whole = icosphere(1.0, 2);
    let sound = Mesh::new(&whole).unwrap();
    assert!(sound.turned().is_empty());
    let mut some = whole.clone();
    for k in [3, 77, 200] {
        some.triangles[k].swap(0, 1);
    }
    let mesh = Mesh::new(&some).unwrap();
    assert_eq!(mesh.turned(), [3, 77, 200]);
    assert_eq!(mesh.volume(), sound.volume());
    let mut all = whole.clone();
    all.turn();
    let mesh = Mesh::new(&all).unwrap();
    assert_eq!(mesh.turned().len(), 320);
    assert!((mesh.volume() - sound.volume()).abs() < 1e-15);
    // A hole that goes round like what is around it.
    let mut hollow = icosphere(2.0, 2);
    hollow.append(&whole);
    let mesh = Mesh::new(&hollow).unwrap();
    assert_eq!((mesh.turned().len(), mesh.shells()), (320, 2));
    assert!((mesh.volume() - 7.0 * sound.volume()).abs() < 1e-13);
    assert!(!mesh.holds([0.0; 3]) && mesh.holds([1.5, 0.0, 0.0]));
    // Neighbours stay neighbours.
    for t in 0..640 {
        for (k, n) in mesh.neighbours(t).into_iter().enumerate() {
            let [a, b] = [k, (k + 1) % 3].map(|k| mesh.triangles()[t as usize][k]);
            let beyond = mesh.triangles()[n as usize];
            assert!((0..3).any(|j| beyond[j] == b && beyond[(j + 1) % 3] == a));
        }
    }
}

#[test]
fn all_that_is_wrong_is_told() {
    let sphere = icosphere(1.0, 1);
    let texts = |s: &Surface| refused(s).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(&Surface::default()), ["no triangle"]);

    let mut s = sphere.clone();
    s.triangles[4][1] = 900;
    s.vertices[7][0] = f64::NAN;
    let t = texts(&s);
    assert!(t[0] == "1 triangle of vertices that are not there; triangle 5" && t[1].contains("no number"), "{t:?}");

    // Two holes, of one triangle and of two.
    let mut s = sphere.clone();
    let beside = Mesh::new(&sphere).unwrap().neighbours(10)[0] as usize;
    for k in [60.max(beside), 60.min(beside), 10] {
        s.triangles.remove(k);
    }
    s.regions.clear();
    let f = refused(&s);
    assert!(
        matches!(f[..], [Fault { flaw: Flaw::Open { edges: 7, holes: 2, longest }, .. }] if longest > 2.0),
        "{f:?}"
    );

    // A fin on an edge: two more triangles there, and an open rim.
    let mut s = sphere.clone();
    let [a, b, _] = s.triangles[0];
    s.vertices.push([3.0, 3.0, 3.0]);
    s.triangles.push([a, b, s.vertices.len() as u32 - 1]);
    let t = texts(&s);
    assert!(t[0].starts_with("not closed: 2 edges") && t[1].starts_with("1 edge of three triangles or more"), "{t:?}");

    let mut s = sphere.clone();
    s.triangles.push(s.triangles[20]);
    let t = texts(&s);
    assert!(t[0] == "1 triangle that is there before; triangle 81" && t[1].contains("3 edges of three"), "{t:?}");

    // A corner put on the opposite side of one of its triangles, where the ceiling is too.
    let mut s = cuboid([0.0; 3], [1.0; 3]);
    s.vertices[0] = [0.0, 0.5, 1.0];
    assert!(texts(&s)[0].starts_with("1 triangle without area; triangle 1"));

    // Two cubes that share a corner.
    let mut s = cuboid([0.0; 3], [1.0; 3]);
    s.append(&cuboid([1.0; 3], [2.0; 3]));
    let t = texts(&s);
    assert!(t.iter().any(|t| t.starts_with("1 point where parts")), "{t:?}");

    let mut s = sphere.clone();
    s.append(&sphere);
    s.vertices[42..].iter_mut().for_each(|v| *v = vector::add(*v, [1.0, 0.13, 0.07]));
    let t = texts(&s);
    assert!(t[0].contains("cut or touch each other; triangles ") && t.len() == 1, "{t:?}");

    let mut s = sphere.clone();
    s.append(&sphere);
    s.vertices[42..].iter_mut().for_each(|v| v[0] += 3.0);
    assert_eq!(texts(&s), ["2 separate spaces; triangles 1, 81"]);

    // Flattened onto a plane, one half lies on the other.
    let mut s = sphere;
    s.vertices.iter_mut().for_each(|v| v[2] = 0.0);
    let t = texts(&s);
    assert!(t[0].contains("without area") && t[1].contains("there before") && t.len() == 3, "{t:?}");
    // A needle: nothing cuts, next to nothing is within.
    assert_eq!(texts(&cuboid([0.0; 3], [1.0, 1e-7, 1e-7])), ["nothing is within: the volume is 1.000e-14 um3"]);
}

#[test]
fn a_bottle_has_one_side() {
    // Klein's bottle cuts itself wherever it is put in space, and cannot be turned to have an outside: both are told.
    let (n, m) = (16u32, 12u32);
    let mut s = Surface::default();
    for i in 0..n {
        for j in 0..m {
            let (cu, su) = crate::math::turn(f64::from(i) / f64::from(n));
            let (ch, sh) = crate::math::turn(0.5 * f64::from(i) / f64::from(n));
            let (cv, sv) = crate::math::turn((f64::from(j) + 0.3) / f64::from(m));
            let (_, s2v) = crate::math::turn(2.0 * (f64::from(j) + 0.3) / f64::from(m));
            let r = 3.0 + ch * sv - sh * s2v;
            s.vertices.push([r * cu, r * su, sh * sv + ch * s2v]);
            let _ = cv;
        }
    }
    // After one turn v comes back as -v: vertices are shared where that is a vertex again.
    let at = |i: u32, j: u32| if i < n { i * m + j % m } else { (2 * m - j % m) % m };
    for i in 0..n {
        for j in 0..m {
            let [a, b, c, d] = [at(i, j), at(i + 1, j), at(i + 1, j + 1), at(i, j + 1)];
            s.triangles.extend([[a, b, c], [a, c, d]]);
        }
    }
    let f = refused(&s);
    assert!(f.iter().any(|f| f.flaw == Flaw::OneSided), "{f:?}");
    assert!(f.iter().any(|f| matches!(f.flaw, Flaw::Cuts { .. })), "{f:?}");
}

#[test]
fn patches_are_faces_edges_and_corners() {
    // Each square of a cube in 2 triangles, one of them cut out as a class of its own.
    let mesh = Mesh::new(&cuboid([0.0; 3], [1.0; 3])).unwrap();
    let whole = Patches::new(&mesh, |_| 0);
    assert_eq!(whole.len(), 6);
    assert_eq!(Patches::new(&mesh, |t| u8::from(t == 3)).len(), 7);
    let touch = |p: Point| whole.touch(&mesh, &mesh.nearest(p));
    // On the diagonal of a square there is no edge.
    assert!(matches!(touch([0.25, 0.25, -0.1]), Touch::Face(_)));
    assert!(matches!(touch([0.5, -0.1, -0.1]), Touch::Edge(..)));
    assert!(matches!(touch([-0.1, -0.1, -0.1]), Touch::Corner(_)));
    let far = |p: Point| whole.beyond(&mesh, touch(p), p, f64::INFINITY).map(|n| n.square.sqrt());
    assert!((far([0.3, 0.5, 0.0]).unwrap() - 0.3).abs() < 1e-15);
    assert!((far([0.3, 0.0, 0.0]).unwrap() - 0.3).abs() < 1e-15);
    assert!((far([0.0, 0.0, 0.0]).unwrap() - 1.0).abs() < 1e-15);
    assert!(whole.beyond(&mesh, touch([0.0; 3]), [0.0; 3], 0.9).is_none());
    // A quarter of a turn at each edge of a cube; three quarters at the inner edge of an L; half within a face.
    let l = Mesh::new(&ell()).unwrap();
    let in_l = Patches::new(&l, |_| 0);
    for (mesh, patches, bent) in [(&mesh, &whole, false), (&l, &in_l, true)] {
        for t in 0..mesh.triangles().len() as u32 {
            for k in 0..3 {
                let [a, b] = patches.beside(mesh, t, k);
                let [p, q] = [0, 1].map(|j| mesh.corners(t)[(usize::from(k) + j) % 3]);
                let inner = [p, q].iter().all(|p| p[0] == 1.0 && p[1] == 1.0) && bent;
                let expected = if a == b {
                    0.5
                } else if inner {
                    0.75
                } else {
                    0.25
                };
                assert!((patches.opening(t, k) - expected).abs() < 1e-7);
            }
        }
        // The nearest patches, one way and another.
        let mut d = draws(4);
        for _ in 0..300 {
            let p = mesh.point_within(&mut d);
            let found = patches.nearest::<4>(mesh, p, 0.5);
            let mut by_hand: Vec<f64> = (0..patches.len() as u32)
                .filter_map(|q| mesh.nearest_of(p, 0.5, |t| patches.of(t) == q).map(|n| n.square))
                .collect();
            by_hand.sort_by(f64::total_cmp);
            by_hand.resize(4.max(by_hand.len()), f64::INFINITY);
            for (f, b) in found.iter().zip(by_hand) {
                assert_eq!(f.map_or(f64::INFINITY, |f| f.square), b);
            }
        }
    }
    let n = vector::cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]);
    let [u, v] = vector::basis(n);
    assert!(length(u) == 1.0 && vector::dot(u, v) == 0.0 && vector::cross(u, v) == n);
}
