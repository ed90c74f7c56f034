//! Where molecules move, and how far in one leap.

use crate::cleft::Porous;
use numerics::passage::{DISC, INTERVAL, Passage, direction, exponential, uniform};
use numerics::rng::Draws;
use std::f64::consts::PI;

/// The outline of a cleft, around 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A disc.
    Disc {
        /// um
        radius: f64,
    },
    /// A rectangle.
    Rectangle {
        /// Side along x, um.
        x: f64,
        /// Side along y, um.
        y: f64,
    },
}

/// What is at the rim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edge {
    /// Nothing passes.
    Sealed,
    /// Whoever arrives is gone.
    Absorbing,
    /// Tissue around a disc.
    Porous(Porous),
}

/// The space in which molecules move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Space {
    /// Its outline.
    pub shape: Shape,
    /// Height h, um.
    pub height: f64,
    /// Diffusion coefficient D along the membranes, um2/ms.
    pub diffusion: f64,
    /// Its rim.
    pub edge: Edge,
}

/// Nearer to the rim of a disc than this share of its radius a walker moves as between two straight lines that are bent back:
/// what that leaves out is of the second order in it.
const SHALLOW: f64 = 0.1;
/// Within this share of `L^2 / D` a walker does not feel a wall at L: odds of 3e-8 that it should have.
const FREE: f64 = 1.0 / 64.0;
/// Nearer than this share of the radius is on the rim.
const RIM: f64 = 1e-12;

impl Shape {
    /// um2
    #[must_use]
    pub fn area(&self) -> f64 {
        match *self {
            Self::Disc { radius } => PI * radius * radius,
            Self::Rectangle { x, y } => x * y,
        }
    }

    /// Half of the sides of the rectangle around it, um.
    #[must_use]
    pub fn half(&self) -> [f64; 2] {
        match *self {
            Self::Disc { radius } => [radius; 2],
            Self::Rectangle { x, y } => [0.5 * x, 0.5 * y],
        }
    }

    /// Whether a point is within.
    #[inline(always)]
    #[must_use]
    pub fn holds(&self, [x, y]: [f64; 2]) -> bool {
        match *self {
            Self::Disc { radius } => x * x + y * y <= radius * radius,
            Self::Rectangle { x: a, y: b } => 2.0 * x.abs() <= a && 2.0 * y.abs() <= b,
        }
    }

    /// Area of the part of a rectangle that is within, um2; for a disc to 1e-6 of the rectangle.
    #[must_use]
    pub fn overlap(&self, [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> f64 {
        match *self {
            Self::Rectangle { x, y } => {
                let along = |a: f64, b: f64, half: f64| (b.min(half) - a.max(-half)).max(0.0);
                along(x0, x1, 0.5 * x) * along(y0, y1, 0.5 * y)
            }
            Self::Disc { .. }
                if self.holds([x0, y0]) && self.holds([x1, y1]) && self.holds([x0, y1]) && self.holds([x1, y0]) =>
            {
                (x1 - x0) * (y1 - y0)
            }
            Self::Disc { radius } => {
                const STRIPS: u32 = 1024;
                let width = (x1 - x0) / f64::from(STRIPS);
                let strip = |k: u32| {
                    let x = (f64::from(k) + 0.5).mul_add(width, x0);
                    let chord = (radius * radius - x * x).max(0.0).sqrt();
                    (y1.min(chord) - y0.max(-chord)).max(0.0)
                };
                (0..STRIPS).map(strip).sum::<f64>() * width
            }
        }
    }
}

impl Space {
    /// Whether all numbers make sense.
    pub(super) fn is_sound(&self) -> bool {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let [x, y] = self.shape.half();
        [x, y, self.height, self.diffusion].into_iter().all(positive)
    }

    /// Goes from `at` for `left` ms; gives the time after which it has left over the rim, or none.
    #[inline(always)]
    pub(super) fn go(&self, draws: &mut Draws, at: &mut [f64; 2], left: f64) -> Option<f64> {
        match self.shape {
            Shape::Disc { radius } => self.go_in_disc(draws, at, left, radius),
            Shape::Rectangle { .. } if self.edge == Edge::Sealed => {
                let half = self.shape.half();
                let far = (4.0 * self.diffusion * left * exponential(draws)).sqrt();
                let [c, s] = direction(draws);
                *at = [folded(at[0] + far * c, half[0]), folded(at[1] + far * s, half[1])];
                None
            }
            Shape::Rectangle { .. } => self.go_in_rectangle(draws, at, left),
        }
    }

    #[inline(always)]
    fn go_in_disc(&self, draws: &mut Draws, at: &mut [f64; 2], left: f64, radius: f64) -> Option<f64> {
        let sealed = self.edge == Edge::Sealed;
        let mut spent = 0.0;
        loop {
            let r = (at[0] * at[0] + at[1] * at[1]).sqrt();
            let depth = radius - r;
            if (left - spent) * self.diffusion < FREE * depth * depth {
                let far = (4.0 * self.diffusion * (left - spent) * exponential(draws)).sqrt().min(depth * (1.0 - RIM));
                let [c, s] = direction(draws);
                *at = [at[0] + far * c, at[1] + far * s];
                return None;
            }
            if depth > SHALLOW * radius {
                let (far, time) = leap(&DISC, draws, depth, self.diffusion, left - spent);
                let [c, s] = direction(draws);
                *at = [at[0] + far * c, at[1] + far * s];
                match time {
                    None => return None,
                    Some(time) => spent += time,
                }
                continue;
            }
            if depth <= RIM * radius {
                if !sealed {
                    return Some(spent);
                }
                // On the rim, which is sealed: as far in as one is taken to be shallow. The way to a depth y is as long as that of
                // y (1 + y / (6 R)) from a straight wall.
                let deep = SHALLOW * radius * (1.0 + SHALLOW / 6.0);
                let (far, time) = leap(&INTERVAL, draws, deep, self.diffusion, left - spent);
                let far = far * (1.0 - far / (6.0 * radius));
                let passed = time.unwrap_or(left - spent);
                self.turn_to(draws, at, (r, radius - far), passed);
                spent += passed;
                time?;
                continue;
            }
            // A ring of twice the depth.
            let (far, time) = leap(&INTERVAL, draws, depth, self.diffusion, left - spent);
            let passed = time.unwrap_or(left - spent);
            spent += passed;
            let q = far / r;
            // Odds to be on the outer side: of an exit ln(r / (r - d)) / ln(R / (r - d)), as radii draw to the outside.
            let outwards = 0.5 + q * (0.25 + q * q / 24.0);
            let out = uniform(draws) < outwards;
            if out && time.is_some() {
                if self.edge == Edge::Absorbing {
                    return Some(spent);
                }
                self.turn_to(draws, at, (r, radius), passed);
                if !sealed {
                    return Some(spent);
                }
                continue;
            }
            self.turn_to(draws, at, (r, if out { r + far } else { r - far }), passed);
            time?;
        }
    }

    /// From radius `r` to `to` within `time` ms, and around by what diffuses meanwhile.
    #[inline(always)]
    pub(super) fn turn_to(&self, draws: &mut Draws, at: &mut [f64; 2], (r, to): (f64, f64), time: f64) {
        let by = direction(draws)[0] * (4.0 * self.diffusion * time * exponential(draws) / (r * to)).sqrt();
        let [x, y] = *at;
        let [x, y] = [x - by * y, y + by * x];
        let scale = to / (x * x + y * y).sqrt();
        *at = [x * scale, y * scale];
    }

    /// Both ways are independent: the first to come to an end of its interval stops the leap.
    #[inline(always)]
    fn go_in_rectangle(&self, draws: &mut Draws, at: &mut [f64; 2], left: f64) -> Option<f64> {
        let half = self.shape.half();
        let mut spent = 0.0;
        loop {
            let room = [half[0] - at[0].abs(), half[1] - at[1].abs()];
            let least = room[0].min(room[1]);
            if (left - spent) * self.diffusion < FREE * least * least {
                let far = (4.0 * self.diffusion * (left - spent) * exponential(draws)).sqrt().min(least * (1.0 - RIM));
                let [c, s] = direction(draws);
                *at = [at[0] + far * c, at[1] + far * s];
                return None;
            }
            let scale = room.map(|d| d * d / self.diffusion);
            let times = scale.map(|s| INTERVAL.exit(draws) * s);
            let first = usize::from(times[1] < times[0]);
            let time = times[first].min(left - spent);
            let ends = times[first] < left - spent;
            spent += time;
            for k in 0..2 {
                let far = if ends && k == first { room[k] } else { room[k] * INTERVAL.place(time / scale[k], draws) };
                let up = uniform(draws) < 0.5;
                if ends && k == first && up == (at[k] > 0.0) {
                    return Some(spent);
                }
                at[k] += if up { far } else { -far };
            }
            if !ends {
                return None;
            }
        }
    }
}

/// How far a walker comes within `left` ms in a room of half-width `room`, and after which time it has come to its end.
#[inline(always)]
fn leap(passage: &Passage, draws: &mut Draws, room: f64, diffusion: f64, left: f64) -> (f64, Option<f64>) {
    let scale = room * room / diffusion;
    let time = passage.exit(draws) * scale;
    if time < left { (room, Some(time)) } else { (room * passage.place(left / scale, draws), None) }
}

/// A place on a line, folded at both ends of an interval around 0.
#[inline(always)]
fn folded(x: f64, half: f64) -> f64 {
    let period = 4.0 * half;
    let turns = ((x + half) / period).floor();
    let within = x + half - turns * period;
    (if within > 2.0 * half { period - within } else { within }) - half
}

#[cfg(test)]
mod tests {
    use super::*;
    use numerics::rng::StreamKey;

    #[test]
    fn what_is_even_stays_even() {
        // Mean squares of the radius (of 1) in a sealed disc, and shares of its outermost tenth, after leaps long and short. 5.1 errors.
        let space = Space { shape: Shape::Disc { radius: 1.0 }, height: 0.1, diffusion: 1.0, edge: Edge::Sealed };
        for (n, legs, each) in [(40_000, 300, 1e-4), (200_000, 40, 2e-3), (200_000, 20, 0.02), (100_000, 10, 0.3)] {
            let (mut square, mut outer) = (0.0, 0.0);
            for k in 0..n {
                let mut draws = StreamKey::new(1, 0, 0, 0).at(k, 0);
                let r = uniform(&mut draws).sqrt();
                let mut at = direction(&mut draws).map(|x| x * r);
                (0..legs).for_each(|_| assert!(space.go(&mut draws, &mut at, each).is_none()));
                let r2 = at[0] * at[0] + at[1] * at[1];
                assert!(r2 <= 1.0 + 1e-9);
                square += r2;
                outer += f64::from(u8::from(r2 > 0.81));
            }
            let n = n as f64;
            let off = (square / n - 0.5) * (12.0 * n).sqrt();
            let off_outer = (outer / n - 0.19) * (n / (0.19 * 0.81)).sqrt();
            println!(
                "{legs} legs of {each}: mean square {} ({off:.2} se), outer tenth {} ({off_outer:.2})",
                square / n,
                outer / n
            );
            assert!(off.abs() < 5.1 && off_outer.abs() < 5.1);
        }
    }
}
