//! Sites on the wall.

use super::domain::DomainError;
use numerics::passage::direction_in_space;
use numerics::rng::Draws;
use numerics::spatial::tree::{Bounds, Tree};
use numerics::spatial::vector::{along, dot, scaled, square};
use numerics::spatial::{Mesh, Patches, Point, Touch};
use numerics::{bracket, math};
use std::f64::consts::PI;

/// Halvings of the cube around surroundings that are not flat: their volume is measured to some 1e-3 of itself.
const HALVINGS: u32 = 5;

/// Something on the wall that binds molecules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// um; put onto the nearest point of its triangle.
    pub at: Point,
    /// The triangle it is on.
    pub triangle: u32,
    /// How near a molecule must come, um.
    pub radius: f64,
    /// Rate of binding of an isolated site in the far field, um3/ms.
    pub rate: f64,
}

/// Made ready.
#[derive(Clone, Copy, Debug)]
struct Ready {
    at: Point,
    radius: f64,
    /// Within its radius, /ms.
    rate: f64,
    hastening: f64,
    flatness: f64,
    /// Out of the space, on a flat wall.
    normal: Option<Point>,
}

/// All sites.
#[derive(Clone, Debug)]
pub(super) struct Sites {
    all: Vec<Ready>,
    tree: Option<Tree>,
}

/// The part of what diffusion brings that is bound: `1 - tanh(p) / p`.
fn share(p: f64) -> f64 {
    if p < 1e-2 {
        // p^2 / 3 - 2 p^4 / 15 + 17 p^6 / 315
        let q = p * p;
        return q * (1.0 / 3.0 - q * (2.0 / 15.0 - q * (17.0 / 315.0)));
    }
    let e = math::expm1(-2.0 * p);
    1.0 + e / (2.0 + e) / p
}

impl Sites {
    pub fn new(
        mesh: &Mesh,
        patches: &Patches,
        absorbing: &[bool],
        diffusion: f64,
        sites: &[Site],
    ) -> Result<Self, DomainError> {
        let ready = |(k, s): (usize, &Site)| {
            let sound = (s.triangle as usize) < mesh.triangles().len()
                && [s.radius, s.rate].iter().all(|x| *x > 0.0 && x.is_finite())
                && s.at.iter().all(|x| x.is_finite());
            if !sound || absorbing[patches.of(s.triangle) as usize] {
                return Err(DomainError::Site { site: k });
            }
            let at = numerics::spatial::triangle::nearest(&mesh.corners(s.triangle), s.at).0;
            if square(at, s.at) > s.radius * s.radius {
                return Err(DomainError::Site { site: k });
            }
            let most = 2.0 * PI * diffusion * s.radius;
            let wanted = s.rate / most;
            // Beyond, rates are so high that a walker would be met in every leap.
            let too_quick = DomainError::TooQuick { site: k, rate: s.rate, most };
            if wanted > 0.99 {
                return Err(too_quick);
            }
            let p = bracket::root(|p| share(p) - wanted, 1e-9, 1000.0, 1e-12).map_err(|_| too_quick)?;
            let half = 2.0 / 3.0 * PI * s.radius * s.radius * s.radius;
            let flat = diffusion * p * p / (s.radius * s.radius);
            let face = Touch::Face(patches.of(s.triangle));
            let alone = patches.beyond(mesh, face, at, s.radius * s.radius).is_none();
            let flatness = if alone { 1.0 } else { measured(mesh, at, s.radius) };
            Ok(Ready {
                at,
                radius: s.radius,
                rate: flat / flatness,
                hastening: flat * half / s.rate,
                flatness,
                normal: alone.then(|| patches.normal(patches.of(s.triangle))),
            })
        };
        let all = sites.iter().enumerate().map(ready).collect::<Result<Vec<_>, _>>()?;
        let around = |s: &Ready| {
            let far = [s.radius; 3];
            Bounds { low: along(s.at, -1.0, far), high: along(s.at, 1.0, far) }
        };
        let boxes: Vec<Bounds> = all.iter().map(around).collect();
        Ok(Self { tree: (!all.is_empty()).then(|| Tree::new(&boxes)), all })
    }

    pub fn hastening(&self, site: u32) -> f64 {
        self.all[site as usize].hastening
    }

    pub fn flatness(&self, site: u32) -> f64 {
        self.all[site as usize].flatness
    }

    /// How far a walker may leap, um, and at which rate it may be met on the way by any site, /ms.
    #[inline(always)]
    pub fn reach(&self, p: Point) -> (f64, f64) {
        let Some(tree) = &self.tree else { return (f64::INFINITY, 0.0) };
        let (mut gap, mut radius) = (f64::INFINITY, 0.0);
        tree.near(p, f64::INFINITY, |place, within| {
            let site = &self.all[tree.order()[place] as usize];
            let far = (square(site.at, p).sqrt() - site.radius).max(0.0);
            if far >= gap {
                return within;
            }
            (gap, radius) = (far, site.radius);
            far * far
        });
        // Beyond its radius from the nearest no site is felt on the way to it.
        if gap > radius {
            return (gap, 0.0);
        }
        let mut total = 0.0;
        tree.near(p, radius * radius, |place, within| {
            let site = &self.all[tree.order()[place] as usize];
            let far = site.radius + radius;
            if square(site.at, p) < far * far {
                total += site.rate;
            }
            within
        });
        (radius, total)
    }

    /// The site that a walker meets at a place, where `share` of all rates is drawn.
    #[inline(always)]
    pub fn meets(&self, p: Point, mut share: f64) -> Option<u32> {
        let tree = self.tree.as_ref()?;
        let mut met = None;
        tree.near(p, f64::MIN_POSITIVE, |place, within| {
            let number = tree.order()[place];
            let site = &self.all[number as usize];
            if met.is_none() && square(site.at, p) < site.radius * site.radius {
                share -= site.rate;
                if share < 0.0 {
                    met = Some(number);
                }
            }
            within
        });
        met
    }

    pub fn beside(&self, mesh: &Mesh, site: u32, draws: &mut Draws) -> Point {
        let site = &self.all[site as usize];
        loop {
            let way = direction_in_space(draws);
            // The greatest of three has the law of distances in a ball.
            let far = site.radius * draws.uniform().max(draws.uniform()).max(draws.uniform());
            let way = match site.normal {
                Some(n) if dot(way, n) > 0.0 => scaled(-1.0, way),
                _ => way,
            };
            let p = along(site.at, far, way);
            if site.normal.is_some() || mesh.holds(p) {
                return p;
            }
        }
    }
}

/// Volume of the space in a ball, over half of the ball's.
fn measured(mesh: &Mesh, at: Point, radius: f64) -> f64 {
    filled(mesh, (at, radius), at, radius, HALVINGS) / (2.0 / 3.0 * PI * radius * radius * radius)
}

/// Volume in a cube of half a side `half` around `p` that is within both: all or nothing where their surfaces are farther than its corners, else by
/// parts; at last as if cut straight at the distance of its centre.
fn filled(mesh: &Mesh, ball: (Point, f64), p: Point, half: f64, halvings: u32) -> f64 {
    let out = mesh.signed_distance(p).max(square(p, ball.0).sqrt() - ball.1);
    let side = 2.0 * half;
    if out.abs() > half * 3f64.sqrt() {
        return if out > 0.0 { 0.0 } else { side * side * side };
    }
    if halvings == 0 {
        return side * side * side * (0.5 - out / side).clamp(0.0, 1.0);
    }
    let part = |k: u32| {
        let step = [0, 1, 2].map(|axis| if k >> axis & 1 == 1 { 0.5 * half } else { -0.5 * half });
        filled(mesh, ball, along(p, 1.0, step), 0.5 * half, halvings - 1)
    };
    (0..8).map(part).sum()
}
