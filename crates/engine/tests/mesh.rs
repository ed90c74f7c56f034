//! Molecules within a closed surface of triangles, against exact laws. Every statistical bound is at 5.1 standard errors (two-sided odds of
//! 3.4e-7 that a sound program fails) unless it says otherwise; all are seeded.

use engine::mesh::{Domain, DomainError, SNAP, Site, Stop, Walker};
use numerics::math;
use numerics::rng::StreamKey;
use numerics::spatial::{Mesh, Point, Selection, Surface, cuboid, icosphere, prism};
use std::f64::consts::PI;

const SIGMAS: f64 = 5.1;

/// Mean, its standard error.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut n, mut sum, mut square) = (0.0, 0.0, 0.0);
    for x in values {
        n += 1.0;
        sum += x;
        square += x * x;
    }
    let mean = sum / n;
    (mean, ((square / n - mean * mean) / n).sqrt())
}

/// Goes until something happens, with as many addresses as that takes.
fn go(domain: &Domain, key: StreamKey, member: u64, walker: &mut Walker, until: f64) -> Stop {
    for leg in 0.. {
        match domain.go(&mut key.at(member, leg), walker, until) {
            Stop::Draws => {}
            stop => return stop,
        }
    }
    unreachable!("a walk ends")
}

/// An L of three squares of side 1, 1 high; its inner edge is at (1, 1). Regions: 0 floor, 1 ceiling, then from (0, 0) round to the left.
fn ell() -> Surface {
    let outline = [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [1.0, 1.0], [1.0, 2.0], [0.0, 2.0]];
    prism(&outline, &[[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 5]], 0.0, 1.0)
}

/// A cube of side 1 around 0 (z from 0 to 1) in whose floor is a polygon of 8 k corners, `radius` of a disc of its area. Regions: 0 the polygon, 1 the rest
/// of the floor, 2 elsewhere.
fn box_with_disc(radius: f64, k: u32) -> Surface {
    let n = 8 * k;
    let angle = 2.0 * PI / f64::from(n);
    let r = radius * (angle / math::turn(1.0 / f64::from(n)).1).sqrt();
    let mut s = Surface { vertices: vec![[0.0; 3]], ..Surface::default() };
    for j in 0..n {
        let (c, t) = math::turn(f64::from(j) / f64::from(n));
        s.vertices.push([r * c, r * t, 0.0]);
        let out = 0.5 / c.abs().max(t.abs());
        let square = |x: f64| if (x.abs() - 0.5).abs() < 1e-9 { 0.5f64.copysign(x) } else { x };
        s.vertices.push([square(out * c), square(out * t), 0.0]);
    }
    let (inner, outer) = (|j: u32| 1 + 2 * (j % n), |j: u32| 2 + 2 * (j % n));
    for j in 0..n {
        // Seen from below, floors go round to the left.
        s.triangles.extend([[0, inner(j + 1), inner(j)]]);
        s.triangles.extend([[inner(j), inner(j + 1), outer(j + 1)], [inner(j), outer(j + 1), outer(j)]]);
        s.regions.extend([0, 1, 1]);
    }
    // The corners of the ceiling, above those of the floor.
    let first = s.vertices.len() as u32;
    for q in 0..4 {
        let [x, y, _] = s.vertices[outer(k + 2 * k * q) as usize];
        s.vertices.push([x, y, 1.0]);
    }
    for q in 0..4 {
        let (a, b) = (first + q, first + (q + 1) % 4);
        for j in k + 2 * k * q..k + 2 * k * (q + 1) {
            s.triangles.push([outer(j), outer(j + 1), a]);
        }
        s.triangles.push([outer(k + 2 * k * (q + 1)), b, a]);
    }
    s.triangles.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
    s.regions.resize(s.triangles.len(), 2);
    s
}

#[test]
fn molecules_leave_a_sphere_as_fick_says() {
    // From the middle R^2 / 6 D; a polyhedron of corners on the sphere is left earlier, and later than the ball within it.
    let (radius, d, n) = (0.5, 0.3, 20_000u64);
    let exact = radius * radius / (6.0 * d);
    let mut shorter = Vec::new();
    for cuts in [1, 2, 3, 4] {
        let mesh = Mesh::new(&icosphere(radius, cuts)).unwrap();
        let within = mesh.signed_distance([0.0; 3]);
        let domain = Domain::new(mesh, |_| true, d, &[]).unwrap();
        let key = StreamKey::new(1, 0, 0, 0);
        let exits = (0..n).map(|k| {
            let mut walker = Walker { at: [0.0; 3], now: 0.0 };
            assert!(matches!(go(&domain, key, k, &mut walker, f64::INFINITY), Stop::Left { .. }));
            assert!(domain.mesh().nearest(walker.at).square < 1e-16);
            walker.now
        });
        let (found, se) = mean(exits);
        let volume = domain.mesh().volume();
        let as_ball = exact * math::pow(volume / (4.0 / 3.0 * PI * 0.125), 2.0 / 3.0);
        println!(
            "{cuts} cuts: {found:.6} ms of {exact:.6}, as a ball of its volume {as_ball:.6}, {:.2} se",
            (found - as_ball) / se
        );
        assert!(found < exact + SIGMAS * se && found > within * within / (6.0 * d) - SIGMAS * se);
        assert!((found - as_ball).abs() < SIGMAS * se + 2e-3 * exact);
        shorter.push((exact - found) / exact);
    }
    println!("shorter than of the sphere by {shorter:.4?}, a fourth of it with every cut");
    // Standard errors are .0045 of it.
    assert!(shorter[0] > 0.06 && shorter[3] < 0.0015 + SIGMAS * 0.0045);
}

/// Chi square of cells with odds.
fn chi_square(counts: &[u64], odds: &[f64]) -> f64 {
    let n = counts.iter().sum::<u64>() as f64;
    counts.iter().zip(odds).map(|(c, p)| (*c as f64 - n * p) * (*c as f64 - n * p) / (n * p)).sum()
}

#[test]
fn what_is_even_stays_even() {
    // By distance to the nearest wall and octant of a cube, and around the inner edge of an L. Chi square of k degrees of freedom is above the bound with
    // odds of 3e-7.
    let n = 30_000u64;
    let key = StreamKey::new(2, 0, 0, 0);
    for (name, surface) in [("cube", cuboid([0.0; 3], [1.0; 3])), ("L", ell())] {
        for (legs, each) in [(50u32, 1e-4), (3, 0.02), (1, 0.2)] {
            let mesh = Mesh::new(&surface).unwrap();
            let domain = Domain::new(mesh, |_| false, 1.0, &[]).unwrap();
            let mut cells = vec![0u64; if name == "cube" { 16 } else { 10 }];
            let n = if legs > 3 { n / 4 } else { n };
            for k in 0..n {
                let mut walker = Walker { at: domain.mesh().point_within(&mut key.at(k, 0)), now: 0.0 };
                for leg in 0..legs {
                    let until = f64::from(leg + 1) * each;
                    assert_eq!(domain.go(&mut key.at(k, u64::from(leg) + 1), &mut walker, until), Stop::Time);
                }
                let [x, y, z] = walker.at;
                let wall = domain.mesh().signed_distance(walker.at);
                assert!(wall < 1e-8, "{walker:?} has leaked");
                cells[if name == "cube" {
                    let octant = [x, y, z].iter().fold(0, |a, x| 2 * a + usize::from(*x > 0.5));
                    2 * octant + usize::from(wall > -0.05)
                } else {
                    // Rings of areas 3/4 pi r^2 around the inner edge, in three sectors; the rest.
                    let (u, v) = (x - 1.0, y - 1.0);
                    let r2 = u * u + v * v;
                    let sector = if v > 0.0 {
                        0
                    } else if u > 0.0 {
                        2
                    } else {
                        1
                    };
                    match r2 {
                        r2 if r2 < 0.0025 => sector,
                        r2 if r2 < 0.04 => 3 + sector,
                        r2 if r2 < 1.0 => 6 + sector,
                        _ => 9,
                    }
                }] += 1;
            }
            let deep = 0.9f64 * 0.9 * 0.9;
            let odds: Vec<f64> = if name == "cube" {
                (0..16).map(|k| if k % 2 == 1 { (1.0 - deep) / 8.0 } else { deep / 8.0 }).collect()
            } else {
                let ring = |r2: f64, s2: f64| PI / 4.0 * (s2 - r2) / 3.0;
                let rings = [ring(0.0, 0.0025), ring(0.0025, 0.04), ring(0.04, 1.0)];
                rings.iter().flat_map(|p| [*p; 3]).chain([1.0 - PI / 4.0]).collect()
            };
            let chi = chi_square(&cells, &odds);
            let bound = if name == "cube" { 60.0 } else { 47.5 };
            println!("{name}, {legs} legs of {each} ms: chi square {chi:.1}, {} degrees of freedom", odds.len() - 1);
            assert!(chi < bound);
        }
    }
}

#[test]
fn modes_of_a_cube_decay_as_they_must() {
    // From one point: means of cos(pi x), cos(pi y), and of their product with cos(pi z), at edges and corners as elsewhere. Leaps end where
    // the walker is asked to stop: once, or ten times on the way.
    let n = 100_000u64;
    let domain = Domain::new(Mesh::new(&cuboid([0.0; 3], [1.0; 3])).unwrap(), |_| false, 1.0, &[]).unwrap();
    let cos = |x: f64| math::turn(0.5 * x).0;
    for (start, legs) in [([0.1, 0.2, 0.05], 1u32), ([0.0, 0.0, 0.0], 1), ([0.1, 0.2, 0.05], 10)] {
        let key = StreamKey::new(3, 0, 0, u64::from(legs));
        let t = 0.06;
        let mut found = vec![Vec::new(); 3];
        let mut leaps = 0;
        for k in 0..n {
            let mut walker = Walker { at: start, now: 0.0 };
            for leg in 0..legs {
                let until = t * f64::from(leg + 1) / f64::from(legs);
                domain.go_counted(&mut key.at(k, u64::from(leg)), &mut walker, until, &mut leaps);
            }
            let [x, y, z] = walker.at.map(cos);
            [x, x * y, x * y * z].into_iter().zip(&mut found).for_each(|(v, f)| f.push(v));
        }
        let [x, y, z] = start.map(cos);
        let exact = [(x, 1.0), (x * y, 2.0), (x * y * z, 3.0)].map(|(m, k)| m * math::exp(-k * PI * PI * t));
        for (f, e) in found.iter().zip(exact) {
            let (m, se) = mean(f.iter().copied());
            println!("from {start:?} in {legs}: {m:.5} of {e:.5}, {:.2} se", (m - e) / se);
            assert!((m - e).abs() < SIGMAS * se);
        }
        println!("{:.1} leaps each", leaps as f64 / n as f64);
    }
}

#[test]
fn a_ball_of_triangles_relaxes_as_a_ball_does() {
    // The slowest mode of a sealed ball of radius 1, `j1(k r) x / r` with k = 2.0816, decays at k^2 D. A wall of 1280 triangles, all of whose edges are nearly
    // flat; what is even stays even, by layers of equal volume. How near edges walkers are put onto them does not show.
    let n = 2_000u64;
    let k = 2.081_575_977_818_101;
    let mode = |[x, y, z]: Point| {
        let r = k * (x * x + y * y + z * z).sqrt();
        let (c, s) = math::turn(r / (2.0 * PI));
        (s / (r * r) - c / r) * k * x / r
    };
    let start = [0.9, 0.1, -0.2];
    let t = 1.0 / (k * k);
    for snap in [SNAP, 0.03] {
        let domain = Domain::with_snap(Mesh::new(&icosphere(1.0, 3)).unwrap(), |_| false, 1.0, &[], snap).unwrap();
        let key = StreamKey::new(11, 0, 0, 0);
        let (mut leaps, mut layers) = (0, [0u64; 8]);
        let mut walk = |at: Point, k: u64| {
            let mut walker = Walker { at, now: 0.0 };
            assert_eq!(domain.go_counted(&mut key.at(k, 1), &mut walker, t, &mut leaps), Stop::Time);
            walker.at
        };
        let (m, se) = mean((0..n).map(|k| mode(walk(start, k))));
        let exact = mode(start) * math::exp(-1.0);
        println!("snap {snap}: {m:.5} of {exact:.5}, {:.2} se", (m - exact) / se);
        assert!((m - exact).abs() < SIGMAS * se + 5e-3 * exact);
        let all = domain.mesh().volume() / (4.0 / 3.0 * PI);
        for k in 0..n {
            let [x, y, z] = walk(domain.mesh().point_within(&mut key.at(k, 0)), n + k);
            layers[((math::pow(x * x + y * y + z * z, 1.5) / all * 8.0) as usize).min(7)] += 1;
        }
        // Layers of spheres are not those of the polyhedron by up to .3 % of the volume, which is in the outermost.
        let chi = chi_square(&layers, &[0.125; 8]);
        println!(
            "layers {layers:?}, chi square {chi:.1}, 7 degrees of freedom; {:.0} leaps",
            leaps as f64 / (2 * n) as f64
        );
        assert!(chi < 47.0);
    }
}

/// `r^(2/3) cos(2 q / 3)` around the inner edge of the L, q from the wall x > 1, y = 1, clockwise: no slope across both walls there.
fn around_edge([x, y, _]: Point) -> f64 {
    let (u, v) = (x - 1.0, y - 1.0);
    let angle = -math::turns(u, v);
    let angle = if angle < -1e-12 { angle + 1.0 } else { angle };
    math::pow(u * u + v * v, 1.0 / 3.0) * math::turn(2.0 / 3.0 * angle).0
}

#[test]
fn an_inner_edge_is_passed_as_it_must_be() {
    // Walls at the inner edge, floor and ceiling are sealed, all others absorb: the mean of a harmonic function where walkers leave is its value where they
    // start. How near the edge a walker must come to be put there shows only where it is a good part of the room.
    let n = 15_000u64;
    let mut offs = Vec::new();
    for (snap, start) in [
        (0.9, [1.1, 0.98, 0.5]),
        (0.3, [1.1, 0.98, 0.5]),
        (0.1, [1.1, 0.98, 0.5]),
        (SNAP, [1.1, 0.98, 0.5]),
        (SNAP, [0.95, 0.99, 0.1]),
        (SNAP, [1.0, 1.0, 0.5]),
        (SNAP, [0.8, 1.3, 0.0]),
    ] {
        let domain =
            Domain::with_snap(Mesh::new(&ell()).unwrap(), |r| !matches!(r, 0 | 1 | 4 | 5), 1.0, &[], snap).unwrap();
        let key = StreamKey::new(4, 0, 0, 0);
        let mut leaps = 0;
        let left = (0..n).map(|k| {
            let mut walker = Walker { at: start, now: 0.0 };
            let stop = domain.go_counted(&mut key.at(k, 0), &mut walker, f64::INFINITY, &mut leaps);
            let Stop::Left { triangle } = stop else { panic!("{stop:?}") };
            assert!(matches!(domain.mesh().region(triangle), 2 | 3 | 6 | 7));
            around_edge(walker.at)
        });
        let (m, se) = mean(left);
        let exact = around_edge(start);
        offs.push((m - exact).abs());
        println!(
            "snap {snap}, from {start:?}: {m:.5} of {exact:.5}, {:.2} se; {:.1} leaps",
            (m - exact) / se,
            leaps as f64 / n as f64
        );
        assert!(snap > 0.2 || (m - exact).abs() < SIGMAS * se);
    }
    assert!(offs[0] > 4.0 * offs[1]);
}

#[test]
fn a_disc_on_a_wall_absorbs_as_weber_says() {
    // The field of an absorbing disc of radius a on a wall is (2 / pi) asin(2 a / (l + m)), with l and m the distances to the nearest and the farthest point of
    // its rim (Weber 1873). In a box whose other walls absorb as well, its mean where walkers leave is its value where they start. The
    // disc is a polygon of 64 corners: its field differs by less than 1e-3 of itself.
    let a = 0.1;
    let field = |[x, y, z]: Point| {
        let r = (x * x + y * y).sqrt();
        let rim = |s: f64| ((r - s) * (r - s) + z * z).sqrt();
        2.0 / PI * (2.0 * a / (rim(a) + rim(-a))).min(1.0).asin()
    };
    let surface = box_with_disc(a, 8);
    let domain = Domain::new(Mesh::new(&surface).unwrap(), |r| r != 1, 1.0, &[]).unwrap();
    println!("polygon of {} um2, disc of {}", domain.mesh().area(|r| r == 0), PI * a * a);
    let n = 15_000u64;
    for start in [[0.0, 0.0, 0.2], [0.15, 0.0, 0.0], [0.11, 0.05, 0.01], [0.25, 0.25, 0.1]] {
        let key = StreamKey::new(5, 0, 0, 0);
        let mut leaps = 0;
        let left = (0..n).map(|k| {
            let mut walker = Walker { at: start, now: 0.0 };
            let stop = domain.go_counted(&mut key.at(k, 0), &mut walker, f64::INFINITY, &mut leaps);
            let Stop::Left { triangle } = stop else { panic!("{stop:?}") };
            assert_ne!(domain.mesh().region(triangle), 1);
            if domain.mesh().region(triangle) == 0 { 1.0 } else { field(walker.at) }
        });
        let (m, se) = mean(left);
        let exact = field(start);
        println!(
            "from {start:?}: {m:.5} of {exact:.5}, {:.2} se; {:.1} leaps",
            (m - exact) / se,
            leaps as f64 / n as f64
        );
        assert!((m - exact).abs() < SIGMAS * se + 1e-3 * exact);
    }
}

#[test]
fn escape_through_a_disc_takes_as_long_as_berg_and_purcell_say() {
    // V / (4 a D), and a part more that goes with a: from two discs to none. Of 1000 exits each.
    let n = 1000u64;
    let run = |a: f64| {
        let domain = Domain::new(Mesh::new(&box_with_disc(a, 4)).unwrap(), |r| r == 0, 1.0, &[]).unwrap();
        let key = StreamKey::new(6, 0, 0, (1.0 / a) as u64);
        let exits = (0..n).map(|k| {
            let mut walker = Walker { at: domain.mesh().point_within(&mut key.at(k, 1 << 40)), now: 0.0 };
            assert!(matches!(go(&domain, key, k, &mut walker, f64::INFINITY), Stop::Left { .. }));
            4.0 * a * walker.now
        });
        let (m, se) = mean(exits);
        println!("a = {a}: {m:.4} V / (4 a D), se {se:.4}");
        (m, se)
    };
    let ((m, s), (h, t)) = (run(0.1), run(0.05));
    let (none, se) = (2.0 * h - m, (4.0 * t * t + s * s).sqrt());
    println!("at a = 0: {none:.4}, se {se:.4}");
    assert!((none - 1.0).abs() < SIGMAS * se + 5e-3);
}

#[test]
fn a_site_binds_at_its_rate() {
    // Around a site the odds never to be bound by it are 1 - b / r, b = k / (2 pi D), beyond its radius. In a box of which all walls but the floor
    // absorb: the mean of that where walkers leave, 0 for the bound, is its value where they start.
    let n = 20_000u64;
    let (a, d) = (0.05, 0.5);
    let most = 2.0 * PI * d * a;
    for share in [0.05, 0.5, 0.9] {
        let mesh = Mesh::new(&cuboid([-0.5, -0.5, 0.0], [0.5, 0.5, 1.0])).unwrap();
        let site = Site { at: [0.0; 3], triangle: mesh.nearest([0.0; 3]).triangle, radius: a, rate: share * most };
        let domain = Domain::new(mesh, |r| r != 4, d, &[site]).unwrap();
        assert_eq!(domain.flatness(0), 1.0);
        for start in [[0.06, 0.0, 0.0], [0.0, 0.1, 0.2]] {
            let key = StreamKey::new(7, 0, 0, 0);
            let r = (start.iter().map(|x| x * x).sum::<f64>()).sqrt();
            let mut leaps = 0;
            let ends = (0..n).map(|k| {
                let mut walker = Walker { at: start, now: 0.0 };
                match domain.go_counted(&mut key.at(k, 0), &mut walker, f64::INFINITY, &mut leaps) {
                    Stop::Left { .. } => {
                        let r = (walker.at.iter().map(|x| x * x).sum::<f64>()).sqrt();
                        1.0 - share * a / r
                    }
                    _ => 0.0,
                }
            });
            let (m, se) = mean(ends);
            let exact = 1.0 - share * a / r;
            println!(
                "{share} of what diffusion brings, from {r:.3}: {m:.5} of {exact:.5}, {:.2} se; {:.1} leaps",
                (m - exact) / se,
                leaps as f64 / n as f64
            );
            assert!((m - exact).abs() < SIGMAS * se);
        }
    }
}

/// Molecules and sites of two states in a closed space until `until`: how many are bound then. `bound`: at the beginning.
fn react(domain: &Domain, sites: u32, molecules: u64, off: f64, bound: bool, until: f64, trial: u64) -> usize {
    #[derive(Clone, Copy)]
    enum What {
        Go(Point),
        Meet(u32, Point),
        Free(u32),
    }
    let (go, out) = (StreamKey::new(8, trial, 0, u64::from(bound)), StreamKey::new(8, trial, 1, u64::from(bound)));
    let mut taken = vec![false; sites as usize];
    let mut legs = vec![0u64; molecules as usize];
    let mut open: Vec<(f64, u64, What)> = Vec::new();
    let leave = |site: u32, m: u64, leg: u64, now: f64| {
        (now + out.at(m, leg).exponential() / (off * domain.hastening(site)), m, What::Free(site))
    };
    for m in 0..molecules {
        if bound && m < u64::from(sites) {
            taken[m as usize] = true;
            open.push(leave(m as u32, m, 1 << 40, 0.0));
        } else {
            open.push((0.0, m, What::Go(domain.mesh().point_within(&mut out.at(m, 1 << 41)))));
        }
    }
    loop {
        let next = (0..open.len()).min_by(|a, b| open[*a].0.total_cmp(&open[*b].0)).unwrap();
        let (now, m, what) = open[next];
        if now >= until {
            return taken.iter().filter(|t| **t).count();
        }
        legs[m as usize] += 1;
        let leg = legs[m as usize];
        let at = match what {
            What::Meet(site, _) if !taken[site as usize] => {
                taken[site as usize] = true;
                open[next] = leave(site, m, leg, now);
                continue;
            }
            What::Meet(_, at) | What::Go(at) => at,
            What::Free(site) => {
                taken[site as usize] = false;
                domain.beside(site, &mut out.at(m, leg))
            }
        };
        let mut walker = Walker { at, now };
        let stop = domain.go(&mut go.at(m, leg), &mut walker, until);
        open[next] = match stop {
            Stop::Meets { site } => (walker.now, m, What::Meet(site, walker.at)),
            _ => (walker.now, m, What::Go(walker.at)),
        };
    }
}

#[test]
fn binding_comes_to_its_equilibrium_from_both_sides() {
    // 12 molecules and 6 sites in an L, one of these on the inner edge, one in a corner, two that overlap: the law of how many are bound is that of mass action,
    // C(6, b) 12! / (12 - b)! q^b, q = k_on / (k_off V). From all free and all bound; 600 trials each.
    let mesh = Mesh::new(&ell()).unwrap();
    let places =
        [[0.5, 0.5, 0.0], [1.5, 0.5, 1.0], [1.0, 1.0, 0.5], [0.02, 0.02, 0.0], [0.6, 1.5, 0.0], [0.65, 1.5, 0.0]];
    let (on, off) = (0.25, 0.5);
    let site = |at: &Point| Site { at: *at, triangle: mesh.nearest(*at).triangle, radius: 0.1, rate: on };
    let sites: Vec<Site> = places.iter().map(site).collect();
    let q = on / (off * mesh.volume());
    let domain = Domain::new(mesh, |_| false, 1.0, &sites).unwrap();
    let flat: Vec<f64> = (0..6).map(|k| domain.flatness(k)).collect();
    println!("flatness {flat:.4?}, hastening {:.4}", domain.hastening(0));
    // Three quarters of a ball at an inner edge.
    assert!((flat[2] - 1.5).abs() < 3e-3 && flat[3] < 0.7);
    let mut weights = vec![1.0];
    for b in 0..6 {
        let b = f64::from(b);
        weights.push(weights.last().unwrap() * (6.0 - b) / (b + 1.0) * (12.0 - b) * q);
    }
    let all: f64 = weights.iter().sum();
    let odds: Vec<f64> = weights.iter().map(|w| w / all).collect();
    let n = 600;
    for bound in [false, true] {
        let mut counts = vec![0u64; 7];
        for trial in 0..n {
            counts[react(&domain, 6, 12, off, bound, 8.0, trial)] += 1;
        }
        let law: Vec<String> = odds.iter().map(|p| format!("{:.1}", p * n as f64)).collect();
        let chi = chi_square(&counts, &odds);
        println!("from all {}: {counts:?} of {law:?}, chi square {chi:.1}", if bound { "bound" } else { "free" });
        // 6 degrees of freedom: above 41 with odds of 3e-7.
        assert!(chi < 41.0);
    }
    // It can fail: soon after the beginning it is not there yet.
    let mut counts = vec![0u64; 7];
    (0..200).for_each(|trial| counts[react(&domain, 6, 12, off, true, 0.5, trial)] += 1);
    assert!(chi_square(&counts, &odds) > 41.0);
}

#[test]
fn nothing_leaks_from_sharp_and_thin_spaces() {
    // A needle of 3 degrees, a gap of 20 nm between walls of 1 um, a shell between two spheres, and a star turned out of the axes.
    let needle = prism(&[[0.0, 0.0], [1.0, 0.0], [1.0, 0.05]], &[[0, 1, 2]], 0.0, 0.2);
    let gap = cuboid([0.0; 3], [1.0, 1.0, 0.02]);
    let mut shell = icosphere(0.5, 3);
    shell.append(&icosphere(0.4, 2));
    let spikes = 7;
    let star: Vec<[f64; 2]> = (0..2 * spikes)
        .map(|k| {
            let (c, s) = math::turn(f64::from(k) / f64::from(2 * spikes));
            let r = if k % 2 == 0 { 1.0 } else { 0.2 };
            [r * c, r * s]
        })
        .collect();
    let mut floor: Vec<[u32; 3]> = (0..spikes as u32).map(|k| [2 * k, 2 * k + 1, (2 * k + 13) % 14]).collect();
    floor.extend((1..6).map(|k| [1, 2 * k + 1, 2 * k + 3]));
    let mut star = prism(&star, &floor, -0.3, 0.3);
    let (c, s) = math::turn(0.123);
    for v in &mut star.vertices {
        let [x, y, z] = *v;
        let [y, z] = [c * y - s * z, s * y + c * z];
        *v = [c * x - s * y, s * x + c * y, z];
    }
    for (name, surface) in [("needle", needle), ("gap", gap), ("shell", shell), ("star", star)] {
        let domain = Domain::new(Mesh::new(&surface).unwrap(), |_| false, 1.0, &[]).unwrap();
        let key = StreamKey::new(9, 0, 0, 0);
        let mut leaps = 0;
        for k in 0..100 {
            let mut walker = Walker { at: domain.mesh().point_within(&mut key.at(k, 0)), now: 0.0 };
            for leg in 1..=5u32 {
                domain.go_counted(&mut key.at(k, u64::from(leg)), &mut walker, 0.01 * f64::from(leg), &mut leaps);
                assert!(domain.mesh().signed_distance(walker.at) < 1e-8, "{name}: {walker:?}");
            }
        }
        println!("{name}: {:.0} leaps in .05 um2 / D", leaps as f64 / 100.0);
    }
}

#[test]
fn sites_that_cannot_be_are_refused() {
    let mesh = Mesh::new(&cuboid([0.0; 3], [1.0; 3])).unwrap();
    let site = Site { at: [0.5, 0.5, 0.0], triangle: mesh.nearest([0.5, 0.5, 0.0]).triangle, radius: 0.1, rate: 0.1 };
    let of = |s: Site| Domain::new(mesh.clone(), |r| r == 5, 1.0, &[site, s]).map(|_| ()).unwrap_err();
    let wrong = DomainError::Site { site: 1 };
    assert_eq!(of(Site { radius: 0.0, ..site }), wrong);
    assert_eq!(of(Site { rate: f64::NAN, ..site }), wrong);
    assert_eq!(of(Site { at: [0.5, 0.5, 0.3], ..site }), wrong);
    assert_eq!(of(Site { triangle: 99, ..site }), wrong);
    assert_eq!(of(Site { at: [0.5, 0.5, 1.0], triangle: mesh.nearest([0.5, 0.5, 1.0]).triangle, ..site }), wrong);
    let quick = of(Site { rate: 0.7, ..site });
    assert!(quick.to_string().contains("no more than 0.628"), "{quick}");
    assert_eq!(Domain::new(mesh, |_| false, 0.0, &[]).map(|_| ()).unwrap_err(), DomainError::Diffusion);
    // A region marked on a sphere absorbs, the rest does not.
    let mut ball = icosphere(1.0, 3);
    ball.mark(1, &Selection::Ball { centre: [0.0, 0.0, 1.0], radius: 0.4 });
    let domain = Domain::new(Mesh::new(&ball).unwrap(), |r| r == 1, 1.0, &[]).unwrap();
    for k in 0..200 {
        let mut walker = Walker { at: [0.0; 3], now: 0.0 };
        let Stop::Left { triangle } = go(&domain, StreamKey::new(10, 0, 0, 0), k, &mut walker, f64::INFINITY) else {
            panic!("it leaves")
        };
        assert_eq!(domain.mesh().region(triangle), 1);
    }
}
