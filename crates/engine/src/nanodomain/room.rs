//! Where ions move, and what its walls do.

use numerics::passage::{direction, exponential, uniform};
use numerics::rng::Draws;
use serde::{Deserialize, Serialize};

/// Within this share of `L^2 / D` nobody feels a wall at L: odds of 1e-6 that it should have.
pub(super) const FREE: f64 = 1.0 / 64.0;

/// What a walker must know of the space it is in. All lengths are um.
pub trait Room {
    /// Whether a place is within.
    fn holds(&self, at: [f64; 3]) -> bool;

    /// um3
    fn volume(&self) -> f64;

    /// The smallest box around it: low and high corner.
    fn bounds(&self) -> [[f64; 3]; 2];

    /// No nearer is a wall that [`folded`](Self::folded) cannot take a leap back from exactly, or that lets ions out. A leap
    /// that stays within this distance is free.
    fn reach(&self, at: [f64; 3]) -> f64;

    /// A place beyond sealed walls, taken back.
    fn folded(&self, at: [f64; 3]) -> [f64; 3];

    /// Of which length L times are for [`slip`](Self::slip): up to `L^2 / 64 D`.
    fn slack(&self) -> f64;

    /// Goes for `time` ms beside a wall that is near; after which time it has left, if it has.
    fn slip(&self, draws: &mut Draws, at: &mut [f64; 3], diffusion: f64, time: f64) -> Option<f64>;

    /// A place, each as likely as any other.
    fn anywhere(&self, draws: &mut Draws) -> [f64; 3];

    /// Faces through which ions come in from a solution at rest.
    fn faces(&self) -> usize;

    /// Their area, um2, and how deep within they are set in, um: at the rate `D c A / depth` the profile of a face held at c is
    /// exact beyond that depth, and even within.
    fn inlet(&self, face: usize) -> (f64, f64);

    /// A place at that depth.
    fn inside(&self, face: usize, draws: &mut Draws) -> [f64; 3];
}

/// What a face of a chamber does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wall {
    /// Nothing passes.
    Sealed,
    /// Beyond is a solution at rest: ions leave, and come in at random. Buffers stay.
    Held,
}

/// A box on the membrane: x and y around 0, z from 0, the membrane, which is sealed, upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chamber {
    /// Half of its sides along x and y, um.
    pub half: [f64; 2],
    /// Its height, um.
    pub height: f64,
    /// Its four sides.
    pub sides: Wall,
    /// Its face opposite to the membrane.
    pub top: Wall,
}

/// How deep within a held face ions are set in, of its smallest extent.
const INLET: f64 = 0.05;

impl Chamber {
    pub(super) fn is_sound(&self) -> bool {
        [self.half[0], self.half[1], self.height].into_iter().all(|x| x > 0.0 && x.is_finite())
    }

    fn least(&self) -> f64 {
        self.half[0].min(self.half[1]).min(0.5 * self.height)
    }

    /// Of each axis: the distance to its nearest held face, and on which side that is.
    #[inline(always)]
    fn held(&self, at: [f64; 3]) -> [(f64, f64); 3] {
        let side = |x: f64, half: f64| match self.sides {
            Wall::Held => (half - x.abs(), if x < 0.0 { -1.0 } else { 1.0 }),
            Wall::Sealed => (f64::INFINITY, 1.0),
        };
        let top = if self.top == Wall::Held { self.height - at[2] } else { f64::INFINITY };
        [side(at[0], self.half[0]), side(at[1], self.half[1]), (top, 1.0)]
    }
}

/// A place on a line, folded at both ends of an interval from 0.
#[inline(always)]
fn folded(x: f64, length: f64) -> f64 {
    if (0.0..=length).contains(&x) {
        return x;
    }
    let within = x - (x / (2.0 * length)).floor() * 2.0 * length;
    if within > length { 2.0 * length - within } else { within }
}

/// A standard normal number.
#[inline(always)]
fn normal(draws: &mut Draws) -> f64 {
    (2.0 * exponential(draws)).sqrt() * direction(draws)[0]
}

impl Room for Chamber {
    #[inline(always)]
    fn holds(&self, [x, y, z]: [f64; 3]) -> bool {
        x.abs() <= self.half[0] && y.abs() <= self.half[1] && (0.0..=self.height).contains(&z)
    }

    fn volume(&self) -> f64 {
        4.0 * self.half[0] * self.half[1] * self.height
    }

    fn bounds(&self) -> [[f64; 3]; 2] {
        let [x, y] = self.half;
        [[-x, -y, 0.0], [x, y, self.height]]
    }

    /// Whatever goes through a sealed plane is somewhere in a mirrored chamber, where all that could be met is no nearer than here:
    /// so only held faces bound a leap.
    #[inline(always)]
    fn reach(&self, at: [f64; 3]) -> f64 {
        let [x, y, z] = self.held(at);
        x.0.min(y.0).min(z.0)
    }

    #[inline(always)]
    fn folded(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let [a, b] = self.half;
        [folded(x + a, 2.0 * a) - a, folded(y + b, 2.0 * b) - b, folded(z, self.height)]
    }

    fn slack(&self) -> f64 {
        self.least()
    }

    /// The axes are independent, and on each only the nearer held face is felt: its first passage is Levy's law, and who has not been
    /// there is nowhere with odds of `exp(-a b / (D t))`.
    #[inline(always)]
    fn slip(&self, draws: &mut Draws, at: &mut [f64; 3], diffusion: f64, time: f64) -> Option<f64> {
        let spread = diffusion * time;
        let held = self.held(*at);
        let mut first = f64::INFINITY;
        for (room, _) in held {
            if room * room * FREE < spread {
                let z = normal(draws);
                first = first.min(0.5 * room * room / (diffusion * z * z));
            }
        }
        if first < time {
            return Some(first);
        }
        for (x, (room, side)) in at.iter_mut().zip(held) {
            if room * room * FREE < spread {
                let far = loop {
                    let far = room + (2.0 * spread).sqrt() * normal(draws);
                    if far > 0.0 && uniform(draws) < -numerics::math::lanes::expm1(-room * far / spread) {
                        break far;
                    }
                };
                *x += side * (room - far);
            } else {
                *x += (2.0 * spread).sqrt() * normal(draws);
            }
        }
        *at = self.folded(*at);
        None
    }

    #[inline(always)]
    fn anywhere(&self, draws: &mut Draws) -> [f64; 3] {
        let [a, b] = self.half;
        let even = |draws: &mut Draws| 2.0 * uniform(draws) - 1.0;
        [even(draws) * a, even(draws) * b, uniform(draws) * self.height]
    }

    fn faces(&self) -> usize {
        5
    }

    fn inlet(&self, face: usize) -> (f64, f64) {
        let [a, b] = self.half;
        let (wall, area) = match face {
            0 | 1 => (self.sides, 2.0 * b * self.height),
            2 | 3 => (self.sides, 2.0 * a * self.height),
            _ => (self.top, 4.0 * a * b),
        };
        (if wall == Wall::Held { area } else { 0.0 }, INLET * self.least())
    }

    fn inside(&self, face: usize, draws: &mut Draws) -> [f64; 3] {
        let mut at = self.anywhere(draws);
        let depth = INLET * self.least();
        match face {
            0 => at[0] = depth - self.half[0],
            1 => at[0] = self.half[0] - depth,
            2 => at[1] = depth - self.half[1],
            3 => at[1] = self.half[1] - depth,
            _ => at[2] = self.height - depth,
        }
        at
    }
}
