//! A molecule on its own, until it meets a site or leaves.

use super::calendar::{Calendar, Event, Move, What, Whereabouts};
use super::plan::Plan;
use super::seen::Seen;
use super::sites::Sites;
use super::space::{Edge, Shape};
use numerics::math::lanes;
use numerics::passage::{INTERVAL, direction, exponential, uniform};
use numerics::rng::Draws;
use serde::{Deserialize, Serialize};
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

/// What walkers leave behind: encounters to come, and where they were seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ahead {
    pub calendar: Calendar,
    pub seen: Vec<Seen>,
}

impl Ahead {
    /// When a walker is looked at next.
    #[inline(always)]
    fn due(&self, now: f64) -> f64 {
        self.seen.iter().map(|s| s.next(now, false)).fold(f64::INFINITY, f64::min)
    }

    fn stay(&mut self, shell: Option<u32>, from: f64, to: f64) {
        self.seen.iter_mut().for_each(|s| s.stay(shell, from, to));
    }
}

impl Plan {
    /// Lets a molecule go until it may be bound, leaves, or is beyond what can be foreseen.
    #[inline(always)]
    pub(super) fn walk(&self, sites: &Sites, ahead: &mut Ahead, draws: &mut Draws, walker: Walker) {
        let Walker { mut at, mut now, released, serial } = walker;
        let horizon = ahead.calendar.horizon();
        let mut was_seen = false;
        loop {
            let mut place = match at {
                Whereabouts::Cleft(place) => place,
                Whereabouts::Shell(shell, rim) => {
                    let (next, then) = self.hop(sites, ahead, draws, (shell, rim), now, serial);
                    let Some(place) = next else { return };
                    (now, was_seen) = (then, false);
                    place
                }
            };
            let wait = if sites.meets > 0.0 { exponential(draws) / sites.meets } else { f64::INFINITY };
            let left = horizon - now;
            let mut meets = wait < left;
            let mut leap = if meets { wait } else { left };
            // Only when it is seen before: what it would meet then is as far away as ever.
            let mut seen = None;
            for one in &ahead.seen {
                let next = one.next(now, was_seen);
                if next < now + leap {
                    (meets, leap, seen) = (false, next - now, Some(next));
                }
            }
            if let Some(after) = self.space.go(draws, &mut place, leap) {
                now += after;
                was_seen = false;
                if self.space.edge == Edge::Absorbing {
                    ahead.calendar.note(Move { cleft: -1, ..Move::at(now) });
                    return;
                }
                at = self.cross(ahead, draws, place, &mut now);
                continue;
            }
            at = Whereabouts::Cleft(place);
            if let Some(time) = seen {
                ahead.seen.iter_mut().for_each(|one| one.place(place, time));
                (now, was_seen) = (time, true);
                continue;
            }
            now += leap;
            if !meets {
                ahead.calendar.add(Event { at: now, serial, what: What::Go { at } });
                return;
            }
            let tile = self.tiles.of(place);
            if let Some(site) = self.met(sites, draws, tile, now - released) {
                ahead.calendar.add(Event { at: now, serial, what: What::Meet { site, at } });
                return;
            }
            was_seen = false;
        }
    }

    /// Which site of a tile a molecule meets, if it meets one, where encounters come at the greatest rate anywhere.
    #[inline(always)]
    fn met(&self, sites: &Sites, draws: &mut Draws, tile: u32, since: f64) -> Option<u32> {
        let own = sites.of_tile(tile);
        if own.is_empty() {
            return None;
        }
        let mut share = uniform(draws) * sites.meets * self.tiles.volume(tile);
        for site in own {
            let kind = &self.kinds[usize::from(sites.members[site].kind)];
            share -= kind.most;
            if share < 0.0 {
                return (!kind.kind.opposite || self.has_come(draws, since)).then_some(site as u32);
            }
        }
        None
    }

    /// Which member of a shell a molecule there meets.
    #[inline(always)]
    fn met_outside(&self, sites: &Sites, draws: &mut Draws, shell: u32) -> Option<u32> {
        let mut share = uniform(draws) * sites.outside[shell as usize] * self.tiles.volume(self.tiles.own() + shell);
        for pool in sites.of_shell(shell) {
            let most = self.kinds[usize::from(pool.kind)].most;
            let all = most * f64::from(pool.count);
            if share < all {
                return Some(pool.first + ((share / most) as u32).min(pool.count - 1));
            }
            share -= all;
        }
        None
    }

    /// From the rim at `place` into the tissue, or back in.
    #[inline(always)]
    fn cross(&self, ahead: &mut Ahead, draws: &mut Draws, mut place: [f64; 2], now: &mut f64) -> Whereabouts {
        let (Some(tissue), Shape::Disc { radius }) = (&self.tissue, self.space.shape) else {
            return Whereabouts::Cleft(place);
        };
        // Half of an exit from between two lines is its mean.
        let time = 2.0 * tissue.pause * INTERVAL.exit(draws);
        let from = *now;
        *now += time;
        if uniform(draws) < tissue.out {
            let out = *now - tissue.outside * time;
            ahead.calendar.note(Move { cleft: -1, tissue: 1, ..Move::at(out) });
            ahead.stay(None, from, out);
            ahead.stay(Some(0), out, *now);
            return Whereabouts::Shell(0, place);
        }
        ahead.stay(None, from, *now);
        self.space.turn_to(draws, &mut place, (radius, radius - tissue.depth), time);
        Whereabouts::Cleft(place)
    }

    /// From shell to shell, until it is back at the rim: there, and when. None if it met a site, or left, or is beyond what
    /// can be foreseen.
    #[inline(always)]
    fn hop(
        &self,
        sites: &Sites,
        ahead: &mut Ahead,
        draws: &mut Draws,
        (mut shell, mut rim): (u32, [f64; 2]),
        mut now: f64,
        serial: u64,
    ) -> (Option<[f64; 2]>, f64) {
        let (Some(tissue), Shape::Disc { radius }) = (&self.tissue, self.space.shape) else { return (None, now) };
        let (entered, horizon) = (now, ahead.calendar.horizon());
        let mut due = ahead.due(now);
        loop {
            let k = shell as usize;
            let (inwards, outwards, most) = (tissue.inwards[k], tissue.outwards[k], sites.outside[k]);
            let all = inwards + outwards + most;
            let next = now + exponential(draws) / all;
            let end = next.min(horizon);
            if due < end {
                ahead.stay(Some(shell), now, end);
                due = ahead.due(end);
            }
            if next >= horizon {
                ahead.calendar.add(Event {
                    at: horizon,
                    serial,
                    what: What::Go { at: Whereabouts::Shell(shell, rim) },
                });
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
                ahead.calendar.note(Move { cleft: 1, tissue: -1, ..Move::at(now) });
                match self.cross(ahead, draws, rim, &mut now) {
                    Whereabouts::Cleft(place) => return (Some(place), now),
                    Whereabouts::Shell(k, _) => shell = k,
                }
            } else if share < inwards + outwards {
                shell += 1;
                if shell as usize == tissue.volume.len() {
                    ahead.calendar.note(Move { tissue: -1, ..Move::at(now) });
                    return (None, now);
                }
            } else if let Some(site) = self.met_outside(sites, draws, shell) {
                ahead.calendar.add(Event {
                    at: now,
                    serial,
                    what: What::Meet { site, at: Whereabouts::Shell(shell, rim) },
                });
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
