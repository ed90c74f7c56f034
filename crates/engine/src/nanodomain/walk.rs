//! An ion on its own, until it may meet somebody or leaves.

use super::calendar::{Calendar, Event, What};
use super::plan::Plan;
use super::room::{FREE, Room};
use numerics::passage::{BALL, direction, direction_in_space, exponential};
use numerics::rng::Draws;

/// Nearer to an exit than this share of all else that bounds a leap, it is the exit that is minded.
const NEAR: f64 = 0.25;

/// As far as a free molecule goes while its spread `D t` is that.
#[inline(always)]
pub(super) fn moved(at: [f64; 3], spread: f64, draws: &mut Draws) -> [f64; 3] {
    let far = (4.0 * spread * exponential(draws)).sqrt();
    let [c, s] = direction(draws);
    let up = (4.0 * spread * exponential(draws)).sqrt() * direction(draws)[0];
    [at[0] + far * c, at[1] + far * s, at[2] + up]
}

impl Plan {
    /// Lets an ion go from a place; `meets`: the greatest rate at which buffers bind it anywhere, /ms.
    #[inline(always)]
    pub(super) fn walk(
        &self,
        calendar: &mut Calendar,
        draws: &mut Draws,
        mut at: [f64; 3],
        (mut now, serial): (f64, u64),
        meets: f64,
    ) {
        let horizon = calendar.horizon().max(now);
        let (diffusion, slack) = (self.diffusion, self.room.slack());
        loop {
            let (clear, more) = self.wells.room(self.cells.of(at), at);
            let exit = self.room.reach(at);
            let rate = meets + more;
            let wait = if rate > 0.0 { exponential(draws) / rate } else { f64::INFINITY };
            let time = wait.min(horizon - now);
            let spread = diffusion * time;
            let gap = clear.min(exit);
            if spread <= FREE * gap * gap {
                at = self.room.folded(moved(at, spread, draws));
            } else if exit < NEAR * clear.min(slack) {
                let bound = clear.min(slack);
                let most = FREE * bound * bound / diffusion;
                if let Some(after) = self.room.slip(draws, &mut at, diffusion, time.min(most)) {
                    calendar.add(Event { at: now + after, serial, what: What::Leave });
                    return;
                }
                if most < time {
                    now += most;
                    continue;
                }
            } else {
                let scale = gap * gap / diffusion;
                let passed = BALL.exit(draws) * scale;
                let ends = passed < time;
                let far = if ends { gap } else { gap * BALL.place(time / scale, draws) };
                let to = direction_in_space(draws);
                at = self.room.folded([at[0] + far * to[0], at[1] + far * to[1], at[2] + far * to[2]]);
                if ends {
                    now += passed;
                    continue;
                }
            }
            let what = if time == wait { What::Meet { at, rate } } else { What::Go { at } };
            calendar.add(Event { at: now + time, serial, what });
            return;
        }
    }
}
