//! A molecule on its own, until it meets a site or leaves.

use super::calendar::{Calendar, Event, What};
use super::plan::Plan;
use numerics::math::lanes;
use numerics::passage::{exponential, uniform};
use numerics::rng::Draws;
use std::f64::consts::PI;

/// After so many `h^2 / D` a molecule is at any height, to 1e-4.
const MIXED: f64 = 1.0;

/// A molecule that goes on alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walker {
    pub at: [f64; 2],
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
            let wait = if self.meets > 0.0 { exponential(draws) / self.meets } else { f64::INFINITY };
            let left = horizon - now;
            let meets = wait < left;
            let leap = if meets { wait } else { left };
            if let Some(after) = self.space.go(draws, &mut at, leap) {
                calendar.exit(now + after);
                return;
            }
            now += leap;
            if !meets {
                calendar.add(Event { at: now, serial, what: What::Go { at } });
                return;
            }
            let tile = self.tiles.of(at);
            let sites = self.tiles.sites(tile);
            if sites.is_empty() {
                continue;
            }
            let mut share = uniform(draws) * self.meets * self.tiles.volume(tile);
            for site in sites {
                let kind = &self.kinds[usize::from(self.sites[site].kind)];
                share -= kind.most;
                if share < 0.0 {
                    if kind.opposite && !self.has_come(draws, now - released) {
                        break;
                    }
                    calendar.add(Event { at: now, serial, what: What::Meet { site: site as u32, at } });
                    return;
                }
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
