//! Where concentrations stand still: what channels let in, removal takes out.
//!
//! A compartment at a voltage that stays: each pool's concentration is sought upwards from where it rests without
//! current (downwards, if it empties there) to where its influx changes sign, and refined by Brent's method; several pools
//! in turn, until none moves. Every gate is at its steady state for the concentrations on trial.

use super::channel::MAX_GATES;
use super::linear::Circuit;
use super::plan::BlockChannel;
use super::pool::MAX_IONS;
use numerics::bracket;
use numerics::simd::LANES;

/// Concentrations by ion of the plan, mM; NaN where there is no pool.
pub(super) type Inside = [f64; MAX_IONS];

/// No concentrations at all.
pub(super) const NOTHING: Inside = [f64::NAN; MAX_IONS];

/// Rounds over the pools of a compartment, at most.
const ROUNDS: usize = 100;
/// How far a concentration is sought, in doublings.
const DOUBLINGS: usize = 60;

impl Circuit<'_> {
    /// Steady membrane current of a compartment at `v` mV between concentrations `inside`, pA, outward positive.
    pub fn current(&self, row: usize, v: f64, inside: &Inside) -> f64 {
        self.gated[row]
            .iter()
            .fold(self.g_leak[row] * v - self.i_leak[row], |sum, &channel| sum + self.of(channel, v, inside))
    }

    /// The part of it that an ion carries.
    fn carried(&self, row: usize, v: f64, inside: &Inside, ion: usize) -> f64 {
        let own = |(c, _): &&(&BlockChannel, usize)| self.plan.channels[c.channel].ion.map(usize::from) == Some(ion);
        self.gated[row].iter().filter(own).fold(0.0, |sum, &channel| sum + self.of(channel, v, inside))
    }

    /// Steady current of a line of a channel.
    fn of(&self, (c, k): (&BlockChannel, usize), v: f64, inside: &Inside) -> f64 {
        let lane = self.cell % LANES;
        let mut steady = [0.0; MAX_GATES];
        self.plan.steady(c, (k, lane), v, inside, &mut steady);
        let mut g = c.g_max[k].0[lane];
        for (gate, x) in self.plan.channels[c.channel].gates.iter().zip(steady) {
            (0..gate.count).for_each(|_| g *= x);
        }
        self.plan.carries(c, (k, lane), (g, v), inside).0
    }

    /// Concentrations at their balance in a compartment at `v` mV; NaN for an ion that has none.
    pub fn balance(&self, row: usize, v: f64) -> Inside {
        let mut inside = NOTHING;
        let pools = &self.pools[row];
        let lane = self.cell % LANES;
        for &(pool, k) in pools {
            inside[pool.ion] = pool.rest((k, lane));
        }
        for _ in 0..ROUNDS {
            let mut moved: f64 = 0.0;
            for &(pool, k) in pools {
                let mut trial = inside;
                let excess = |c: f64| {
                    trial[pool.ion] = c;
                    pool.excess((k, lane), c, self.carried(row, v, &trial, pool.ion))
                };
                let found = stand(excess, pool.rest((k, lane)));
                moved = moved.max((found / inside[pool.ion] - 1.0).abs());
                inside[pool.ion] = found;
                if found.is_nan() {
                    return inside;
                }
            }
            if pools.len() < 2 || moved < 1e-13 {
                break;
            }
        }
        inside
    }
}

/// Where `excess` changes from positive to negative, next to `rest`; NaN if nowhere.
fn stand(mut excess: impl FnMut(f64) -> f64, rest: f64) -> f64 {
    let start = excess(rest);
    if start == 0.0 {
        return rest;
    }
    let factor = if start > 0.0 { 2.0 } else { 0.5 };
    let mut near = rest;
    for _ in 0..DOUBLINGS {
        let far = near * factor;
        let there = excess(far);
        if there.is_nan() {
            break;
        }
        if (there > 0.0) != (start > 0.0) {
            return bracket::root(excess, near, far, 0.0).unwrap_or(f64::NAN);
        }
        near = far;
    }
    f64::NAN
}
