//! The space, its walls and its sites, and a molecule on its way until something happens.

use super::SNAP;
use super::site::{Site, Sites};
use numerics::math::lanes;
use numerics::passage::uniform;
use numerics::rng::Draws;
use numerics::simd::{Kernel, Lanes, Level};
use numerics::spatial::{Mesh, Patches, Point};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Leaps for which the draws of one address are sure to last.
const LEAPS: u32 = 50_000;

/// A space that cannot be built.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DomainError {
    /// A diffusion coefficient that makes no sense.
    #[error("the diffusion coefficient must be a positive number")]
    Diffusion,
    /// A site without extent, or elsewhere than on its triangle, or on a wall that absorbs.
    #[error("site {site}: on a triangle that does not absorb, with a radius and a rate that are positive numbers")]
    Site {
        /// Which.
        site: usize,
    },
    /// A site that binds more than diffusion brings.
    #[error(
        "site {site} binds at {rate} um3/ms; by diffusion no more than {most} come to it: a slower one, or a greater radius"
    )]
    TooQuick {
        /// Which.
        site: usize,
        /// What it was given, um3/ms.
        rate: f64,
        /// `2 pi D a`, um3/ms.
        most: f64,
    },
}

/// A molecule on its way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Walker {
    /// um; within the space, or on its wall.
    pub at: Point,
    /// ms
    pub now: f64,
}

/// Why a walker stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// Its time is up.
    Time,
    /// It was absorbed by a triangle.
    Left {
        /// Which.
        triangle: u32,
    },
    /// A site binds it, if it can.
    Meets {
        /// Which.
        site: u32,
    },
    /// The draws of this address come to their end: it goes on from where it is with those of another.
    Draws,
}

/// The space within a mesh, immutable and shared by all trials.
#[derive(Clone, Debug)]
pub struct Domain {
    pub(super) mesh: Mesh,
    pub(super) patches: Patches,
    /// By patch.
    pub(super) absorbing: Vec<bool>,
    pub(super) diffusion: f64,
    pub(super) sites: Sites,
    pub(super) snap: f64,
    /// Square of a distance that rounding may have left, um2.
    pub(super) rounding: f64,
}

impl Domain {
    /// The space within `mesh`; regions that are `absorbing` take every molecule that comes to them, others reflect it.
    /// `diffusion` um2/ms. Sites keep their order.
    ///
    /// # Errors
    /// See [`DomainError`].
    pub fn new(
        mesh: Mesh,
        absorbing: impl Fn(u16) -> bool,
        diffusion: f64,
        sites: &[Site],
    ) -> Result<Self, DomainError> {
        Self::with_snap(mesh, absorbing, diffusion, sites, SNAP)
    }

    /// The same with another [`SNAP`], to see that it does not matter.
    ///
    /// # Errors
    /// See [`DomainError`].
    pub fn with_snap(
        mesh: Mesh,
        absorbing: impl Fn(u16) -> bool,
        diffusion: f64,
        sites: &[Site],
        snap: f64,
    ) -> Result<Self, DomainError> {
        if !(diffusion > 0.0 && diffusion.is_finite()) {
            return Err(DomainError::Diffusion);
        }
        let patches = Patches::new(&mesh, |t| u8::from(absorbing(mesh.region(t))));
        let mut of = vec![false; patches.len()];
        for t in 0..mesh.triangles().len() as u32 {
            of[patches.of(t) as usize] = absorbing(mesh.region(t));
        }
        let size = mesh.bounds().diagonal();
        let sites = Sites::new(&mesh, &patches, &of, diffusion, sites)?;
        let rounding = (1e-9 * size) * (1e-9 * size);
        Ok(Self { mesh, patches, absorbing: of, diffusion, sites, snap, rounding })
    }

    /// Its walls.
    #[must_use]
    pub fn mesh(&self) -> &Mesh {
        &self.mesh
    }

    /// By how much a site's unbinding is quicker than in the far field, so that its equilibrium stays: the rate at which it binds what is
    /// within its radius, times that volume, over its far-field rate.
    #[must_use]
    pub fn hastening(&self, site: u32) -> f64 {
        self.sites.hastening(site)
    }

    /// Volume of the space within a site's radius, over that of half a ball: 1 on a flat wall.
    #[must_use]
    pub fn flatness(&self, site: u32) -> f64 {
        self.sites.flatness(site)
    }

    /// A place within a site's radius, each as likely as any other: where an unbound molecule starts.
    #[must_use]
    pub fn beside(&self, site: u32, draws: &mut Draws) -> Point {
        self.sites.beside(&self.mesh, site, draws)
    }

    /// Lets a molecule go until a time, ms, or until something happens to it.
    ///
    /// Cost: some 2 leaps each time it comes near a wall and goes away again; a leap is 0.3 to 1 us, most of it searches for what is near.
    pub fn go(&self, draws: &mut Draws, walker: &mut Walker, until: f64) -> Stop {
        struct Go<'a>(&'a Domain, &'a mut Draws, &'a mut Walker, f64, &'a mut u64);
        impl Kernel for Go<'_> {
            type Output = Stop;
            #[inline(always)]
            fn run<L: Lanes>(self) -> Stop {
                self.0.walk(self.1, self.2, self.3, self.4)
            }
        }
        Level::best().dispatch(Go(self, draws, walker, until, &mut 0))
    }

    /// As [`go`](Self::go), and counts leaps.
    pub fn go_counted(&self, draws: &mut Draws, walker: &mut Walker, until: f64, leaps: &mut u64) -> Stop {
        struct Go<'a>(&'a Domain, &'a mut Draws, &'a mut Walker, f64, &'a mut u64);
        impl Kernel for Go<'_> {
            type Output = Stop;
            #[inline(always)]
            fn run<L: Lanes>(self) -> Stop {
                self.0.walk(self.1, self.2, self.3, self.4)
            }
        }
        Level::best().dispatch(Go(self, draws, walker, until, leaps))
    }

    #[inline(always)]
    fn walk(&self, draws: &mut Draws, walker: &mut Walker, until: f64, leaps: &mut u64) -> Stop {
        let mut touch = None;
        for _ in 0..LEAPS {
            let left = until - walker.now;
            if left <= 0.0 {
                return Stop::Time;
            }
            let (reach, total) = self.sites.reach(walker.at);
            let wait = if total > 0.0 { -lanes::ln(uniform(draws)) / total } else { f64::INFINITY };
            let limit = wait.min(left);
            *leaps += 1;
            let spent = match self.leap(draws, walker, &mut touch, limit, reach) {
                Ok(spent) => spent,
                Err((triangle, spent)) => {
                    walker.now += spent;
                    return Stop::Left { triangle };
                }
            };
            if spent < limit {
                walker.now += spent;
                continue;
            }
            if limit == left {
                walker.now = until;
                return Stop::Time;
            }
            walker.now += wait;
            if let Some(site) = self.sites.meets(walker.at, uniform(draws) * total) {
                return Stop::Meets { site };
            }
        }
        Stop::Draws
    }
}
