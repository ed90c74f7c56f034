//! One jump at a time: Gillespie's direct method, and thinning when rates move.
//!
//! Gillespie 1977, J. Phys. Chem. 81:2340; Lewis & Shedler 1979, Nav. Res. Logist. Q. 26:403. Propensities are
//! summed anew at each jump in the order of the transitions: no drift, same bits. Limits: work is jumps times
//! transitions; use [`Multinomial`](super::Multinomial) when jumps are many.

use super::binomial::uniform;
use crate::math;
use rand_core::Rng;
use std::fmt;

/// A first-order transition of each individual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jump {
    /// State left.
    pub from: usize,
    /// State entered.
    pub to: usize,
    /// Rate per individual in /ms, or for [`thinned`] the bound on it.
    pub rate: f64,
}

/// A time-varying rate was found above its stated bound (or NaN): the sample would be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundExceeded {
    /// Index of the transition.
    pub jump: usize,
    /// Time in ms at which it was seen.
    pub time: f64,
    /// Its rate then, /ms.
    pub rate: f64,
    /// The bound, /ms.
    pub bound: f64,
}

impl fmt::Display for BoundExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rate of transition {} is {} /ms at {} ms, above its bound of {} /ms: raise the bound",
            self.jump, self.rate, self.time, self.bound
        )
    }
}

impl std::error::Error for BoundExceeded {}

/// The next candidate: waiting time, and index of the transition; `None` when nothing can happen.
fn next<R: Rng>(counts: &[u32], jumps: &[Jump], draws: &mut R) -> Option<(f64, usize)> {
    let total = jumps.iter().fold(0.0, |sum, j| f64::from(counts[j.from]).mul_add(j.rate, sum));
    if total <= 0.0 {
        return None;
    }
    let wait = -math::ln(uniform(draws)) / total;
    let goal = uniform(draws) * total;
    let (mut sum, mut chosen) = (0.0, None);
    for (index, jump) in jumps.iter().enumerate() {
        if counts[jump.from] > 0 && jump.rate > 0.0 {
            sum = f64::from(counts[jump.from]).mul_add(jump.rate, sum);
            chosen = Some(index);
            if sum > goal {
                break;
            }
        }
    }
    chosen.map(|index| (wait, index))
}

/// Advances `counts` (individuals a state) by `interval` ms under constant rates; returns the number of jumps.
///
/// Exact, since waiting times have no memory: intervals may be joined at will. Panics if a jump names a state
/// that `counts` has not; rates must be finite and not negative.
pub fn gillespie<R: Rng>(counts: &mut [u32], jumps: &[Jump], interval: f64, draws: &mut R) -> u64 {
    let (mut time, mut done) = (0.0, 0);
    while let Some((wait, index)) = next(counts, jumps, draws) {
        time += wait;
        if time > interval {
            break;
        }
        counts[jumps[index].from] -= 1;
        counts[jumps[index].to] += 1;
        done += 1;
    }
    done
}

/// Advances `counts` from `start` to `end` (ms) where transition `k` has rate `rate(k, time)` <= `jumps[k].rate`;
/// returns the number of jumps. Exact for any course of the rates; work grows with the bounds.
///
/// # Errors
/// [`BoundExceeded`] when a rate seen is above its bound, or negative, or NaN; `counts` is then as of that time.
pub fn thinned<R: Rng>(
    counts: &mut [u32],
    jumps: &[Jump],
    (start, end): (f64, f64),
    draws: &mut R,
    mut rate: impl FnMut(usize, f64) -> f64,
) -> Result<u64, BoundExceeded> {
    let (mut time, mut done) = (start, 0);
    while let Some((wait, index)) = next(counts, jumps, draws) {
        time += wait;
        if time > end {
            break;
        }
        let (now, bound) = (rate(index, time), jumps[index].rate);
        if !(0.0..=bound).contains(&now) {
            return Err(BoundExceeded { jump: index, time, rate: now, bound });
        }
        if uniform(draws) * bound < now {
            counts[jumps[index].from] -= 1;
            counts[jumps[index].to] += 1;
            done += 1;
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix, chi_square};
    use super::*;
    use crate::markov::Generator;

    const RING: [Jump; 4] = [
        Jump { from: 0, to: 1, rate: 2.0 },
        Jump { from: 1, to: 2, rate: 1.0 },
        Jump { from: 2, to: 0, rate: 0.5 },
        Jump { from: 1, to: 0, rate: 0.7 },
    ];

    /// Law of one individual after 0.8 ms, started in state 0.
    fn law() -> Vec<f64> {
        let transitions: Vec<_> = RING.iter().map(|j| (j.from, j.to, j.rate)).collect();
        Generator::new(3, &transitions).unwrap().propagator(0.8).unwrap().row(0).to_vec()
    }

    /// 200,000 runs against the propagator, false alarm 1e-7; the twin claims a law 2 % of a state away
    /// (about 15 standard errors).
    #[test]
    fn single_jumps_follow_the_propagator() {
        let mut rng = SplitMix(21);
        let mut seen = [0u64; 3];
        for _ in 0..200_000 {
            let mut counts = [1, 0, 0];
            gillespie(&mut counts, &RING, 0.8, &mut rng);
            seen[counts.iter().position(|&c| c == 1).unwrap()] += 1;
        }
        let law = law();
        assert!(chi_square(&seen, &law));
        assert!(!chi_square(&seen, &[law[0] + 0.02, law[1] - 0.01, law[2] - 0.01]), "the twin must fail");
    }

    #[test]
    fn jumps_conserve_individuals_and_stop_when_nothing_can_happen() {
        let mut rng = SplitMix(1);
        let mut counts = [50, 7, 0];
        assert!(gillespie(&mut counts, &RING, 10.0, &mut rng) > 100);
        assert_eq!(counts.iter().sum::<u32>(), 57);
        let trap = [Jump { from: 0, to: 1, rate: 1e3 }];
        let mut counts = [9, 0];
        assert_eq!(gillespie(&mut counts, &trap, 1e9, &mut rng), 9);
        assert_eq!(counts, [0, 9]);
    }

    /// Decay with rate t: survival exp(-t^2/2). 200,000 runs, false alarm 1e-7; the bound (2 where 1.5 is reached) is
    /// loose on purpose. The twin's survival is 0.01 too high, 9 standard errors.
    #[test]
    fn thinning_follows_a_moving_rate() {
        let mut rng = SplitMix(4);
        let bounded = [Jump { from: 0, to: 1, rate: 2.0 }];
        let mut seen = [0u64; 2];
        for _ in 0..200_000 {
            let mut counts = [1, 0];
            thinned(&mut counts, &bounded, (0.0, 1.5), &mut rng, |_, t| t).unwrap();
            seen[counts[1] as usize] += 1;
        }
        let stay = math::exp(-1.125);
        assert!(chi_square(&seen, &[stay, 1.0 - stay]));
        assert!(!chi_square(&seen, &[stay + 0.01, 0.99 - stay]), "the twin must fail");
    }

    #[test]
    fn a_rate_above_its_bound_is_an_error_not_a_wrong_sample() {
        let bounded = [Jump { from: 0, to: 1, rate: 1.0 }];
        for bad in [1.5, -0.1, f64::NAN] {
            let mut counts = [1000, 0];
            let error = thinned(&mut counts, &bounded, (0.0, 1.0), &mut SplitMix(2), |_, _| bad).unwrap_err();
            assert_eq!((error.jump, error.bound), (0, 1.0));
        }
    }
}
