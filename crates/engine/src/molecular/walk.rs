//! A molecule on its own, until it meets a site or leaves.

use super::calendar::{Calendar, Event, Move, What, Whereabouts};
use super::plan::Plan;
use super::space::{Edge, Shape};
use numerics::math::lanes;
use numerics::passage::{INTERVAL, direction, exponential, uniform};
use numerics::rng::Draws;
use std::f64::consts::PI;

/// After so many `h^2 / D` a molecule is at any height, to 1e-4.
const MIXED: f64 = 1.0;

/// A molecule that goes on alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker {
    pub at: Whereabouts,
    /// ms
    pub now: f64,
    /// When it was released on the membrane opposite; long ago for others.
    pub released: f64,
    /// Number of the event that it is.
    pub serial: u64,
}

impl Plan {
    /// Lets a molecule go until it may be bound, leaves, or is beyond what can be foreseen.
    #[inline(always)]
    pub(super) fn walk(&self, calendar: &mut Calendar, draws: &mut Draws, walker: Walker) {
        let Walker { mut at, mut now, released, serial } = walker;
        let horizon = calendar.horizon();
        loop {
            let mut place = match at {
                Whereabouts::Cleft(place) => place,
                Whereabouts::Shell(shell, rim) => {
                    let (next, then) = self.hop(calendar, draws, (shell, rim), now, serial);
                    let Some(place) = next else { return };
                    now = then;
                    place
                }
            };
            let wait = if self.meets > 0.0 { exponential(draws) / self.meets } else { f64::INFINITY };
            let left = horizon - now;
            let meets = wait < left;
            let leap = if meets { wait } else { left };
            if let Some(after) = self.space.go(draws, &mut place, leap) {
                now += after;
                if self.space.edge == Edge::Absorbing {
                    calendar.note(Move { cleft: -1, ..Move::at(now) });
                    return;
                }
                at = self.cross(calendar, draws, place, &mut now);
                continue;
            }
            now += leap;
            at = Whereabouts::Cleft(place);
            if !meets {
                calendar.add(Event { at: now, serial, what: What::Go { at } });
                return;
            }
            let tile = self.tiles.of(place);
            if let Some(site) = self.met(draws, tile, self.meets, now - released) {
                calendar.add(Event { at: now, serial, what: What::Meet { site, at } });
                return;
            }
        }
    }

    /// Which site of a tile a molecule meets, if it meets one, where encounters come at a rate of `most`.
    #[inline(always)]
    fn met(&self, draws: &mut Draws, tile: u32, most: f64, since: f64) -> Option<u32> {
        let sites = self.tiles.sites(tile);
        if sites.is_empty() {
            return None;
        }
        let mut share = uniform(draws) * most * self.tiles.volume(tile);
        for site in sites {
            let kind = &self.kinds[usize::from(self.sites[site].kind)];
            share -= kind.most;
            if share < 0.0 {
                return (!kind.opposite || self.has_come(draws, since)).then_some(site as u32);
            }
        }
        None
    }

    /// From the rim at `place` into the tissue, or back in.
    #[inline(always)]
    fn cross(&self, calendar: &mut Calendar, draws: &mut Draws, mut place: [f64; 2], now: &mut f64) -> Whereabouts {
        let (Some(tissue), Shape::Disc { radius }) = (&self.tissue, self.space.shape) else {
            return Whereabouts::Cleft(place);
        };
        // Half of an exit from between two lines is its mean.
        let time = 2.0 * tissue.pause * INTERVAL.exit(draws);
        *now += time;
        if uniform(draws) < tissue.out {
            calendar.note(Move { cleft: -1, tissue: 1, ..Move::at(*now - tissue.outside * time) });
            return Whereabouts::Shell(0, place);
        }
        self.space.turn_to(draws, &mut place, (radius, radius - tissue.depth), time);
        Whereabouts::Cleft(place)
    }

    /// From shell to shell, until it is back at the rim: there, and when. None if it met a site, or left, or is beyond what
    /// can be foreseen.
    #[inline(always)]
    fn hop(
        &self,
        calendar: &mut Calendar,
        draws: &mut Draws,
        (mut shell, mut rim): (u32, [f64; 2]),
        mut now: f64,
        serial: u64,
    ) -> (Option<[f64; 2]>, f64) {
        let (Some(tissue), Shape::Disc { radius }) = (&self.tissue, self.space.shape) else { return (None, now) };
        let (entered, horizon) = (now, calendar.horizon());
        loop {
            let k = shell as usize;
            let (inwards, outwards, most) = (tissue.inwards[k], tissue.outwards[k], self.outside[k]);
            let all = inwards + outwards + most;
            let next = now + exponential(draws) / all;
            if next >= horizon {
                calendar.add(Event { at: horizon, serial, what: What::Go { at: Whereabouts::Shell(shell, rim) } });
                return (None, horizon);
            }
            now = next;
            let share = uniform(draws) * all;
            if share < inwards {
                if shell > 0 {
                    shell -= 1;
                    continue;
                }
                // Around the rim by what diffuses meanwhile; back in, or out again.
                let far = (4.0 * tissue.along * (now - entered) * exponential(draws)).sqrt() / radius;
                let by = direction(draws)[0] * far;
                rim = if by.abs() < 0.5 {
                    let [x, y] = [rim[0] - by * rim[1], rim[1] + by * rim[0]];
                    let scale = radius / (x * x + y * y).sqrt();
                    [x * scale, y * scale]
                } else {
                    direction(draws).map(|x| x * radius)
                };
                calendar.note(Move { cleft: 1, tissue: -1, ..Move::at(now) });
                match self.cross(calendar, draws, rim, &mut now) {
                    Whereabouts::Cleft(place) => return (Some(place), now),
                    Whereabouts::Shell(k, _) => shell = k,
                }
            } else if share < inwards + outwards {
                shell += 1;
                if shell as usize == tissue.volume.len() {
                    calendar.note(Move { tissue: -1, ..Move::at(now) });
                    return (None, now);
                }
            } else if let Some(site) = self.met(draws, self.tiles.own() + shell, most, f64::INFINITY) {
                calendar.add(Event { at: now, serial, what: What::Meet { site, at: Whereabouts::Shell(shell, rim) } });
                return (None, now);
            }
        }
    }

    /// Whether what was released on one membrane `since` ms ago counts on the other: the density there over the mean, `1 + 2 sum (-1)^n
    /// exp(-n^2 pi^2 D t / h^2)`, as odds.
    #[inline(always)]
    fn has_come(&self, draws: &mut Draws, since: f64) -> bool {
        let x = since * self.space.diffusion / (self.space.height * self.space.height);
        if x > MIXED {
            return true;
        }
        let density = if x > 0.1 {
            let e = lanes::exp(-PI * PI * x);
            let fourth = e * e * e * e;
            1.0 - 2.0 * (e - fourth + fourth * fourth * e)
        } else {
            2.0 / (PI * x).sqrt() * lanes::exp(-0.25 / x)
        };
        uniform(draws) < density
    }
}
