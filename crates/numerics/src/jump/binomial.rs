//! Exact binomial and multinomial draws with the same bits on every machine.
//!
//! Inversion below a mean of 10 (Kachitvichyanukul & Schmeiser 1988, Commun. ACM 31:216, BINV), transformed
//! rejection above (Hormann 1993, J. Stat. Comput. Simul. 46:101, BTRS) with its log ratio rewritten in `ln1p` so
//! that its error stays near `sqrt(n)` ulps. Limits: n < 2^53; probabilities below 2^-53 are not resolved.

use crate::math;
use rand_core::Rng;

/// Below this mean inversion is faster; above it inversion's work grows with the mean.
const INVERSION_BELOW: f64 = 10.0;
/// Inversion starts anew beyond this count, more than 30 standard deviations out (as GSL does).
const INVERSION_LIMIT: u64 = 110;

/// Uniform in the open interval (0, 1), on the 2^52 midpoints.
pub(super) fn uniform<R: Rng>(draws: &mut R) -> f64 {
    ((draws.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// `ln(1 + x)` for x > -1 to a few ulps (Kahan's quotient: the rounding of `1 + x` cancels).
fn ln1p(x: f64) -> f64 {
    let u = 1.0 + x;
    if u == 1.0 { x } else { math::ln(u) * (x / (u - 1.0)) }
}

/// `ln k! - [ln sqrt(2 pi) + (k + 1/2) ln(k + 1) - (k + 1)]`, to 1e-13.
fn stirling_rest(k: f64) -> f64 {
    const TABLE: [f64; 10] = [
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_09,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
    ];
    match TABLE.get(k as usize) {
        Some(&rest) => rest,
        None => {
            let inverse = 1.0 / (k + 1.0);
            let s = inverse * inverse;
            let tail = s.mul_add(1.0 / 1188.0, -1.0 / 1680.0);
            let tail = s.mul_add(tail, 1.0 / 1260.0);
            let tail = s.mul_add(tail, -1.0 / 360.0);
            s.mul_add(tail, 1.0 / 12.0) * inverse
        }
    }
}

/// A success probability, prepared: the number of trials is given at each draw.
///
/// ```
/// use numerics::jump::Binomial;
/// let certain = Binomial::new(1.0).unwrap();
/// # struct Never; // draws nothing when the answer is certain
/// # impl rand_core::TryRng for Never {
/// #   type Error = std::convert::Infallible;
/// #   fn try_next_u32(&mut self) -> Result<u32, Self::Error> { unreachable!() }
/// #   fn try_next_u64(&mut self) -> Result<u64, Self::Error> { unreachable!() }
/// #   fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> { unreachable!() }
/// # }
/// assert_eq!(certain.draw(&mut Never, 7), 7);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binomial {
    /// min(p, 1 - p).
    p: f64,
    /// `ln(1 - p)` of the smaller one.
    ln_q: f64,
    /// `p` was above one half: count failures.
    flipped: bool,
}

impl Binomial {
    /// `p` in [0, 1]; `None` otherwise (NaN included).
    #[must_use]
    pub fn new(p: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&p) {
            return None;
        }
        let flipped = p > 0.5;
        let p = if flipped { 1.0 - p } else { p };
        Some(Self { p, ln_q: ln1p(-p), flipped })
    }

    /// Successes among `n` < 2^53 trials. Certain answers (p = 0, p = 1, n = 0) draw nothing.
    ///
    /// Cost: about 20 ns; one uniform below a mean of 10 (nearly always), else two or more.
    pub fn draw<R: Rng>(&self, draws: &mut R, n: u64) -> u64 {
        let count = if n == 0 || self.p == 0.0 {
            0
        } else if (n as f64) * self.p < INVERSION_BELOW {
            self.invert(draws, n)
        } else {
            self.reject(draws, n)
        };
        if self.flipped { n - count } else { count }
    }

    fn invert<R: Rng>(&self, draws: &mut R, n: u64) -> u64 {
        let none = math::exp(n as f64 * self.ln_q);
        let odds = self.p / (1.0 - self.p);
        let a = (n as f64 + 1.0) * odds;
        'again: loop {
            let (mut u, mut weight, mut count) = (uniform(draws), none, 0);
            while u > weight {
                u -= weight;
                count += 1;
                if count >= n {
                    return n;
                }
                if count > INVERSION_LIMIT {
                    continue 'again;
                }
                weight *= a / count as f64 - odds;
            }
            return count;
        }
    }

    fn reject<R: Rng>(&self, draws: &mut R, trials: u64) -> u64 {
        let (n, p) = (trials as f64, self.p);
        let q = 1.0 - p;
        let sd = (n * p * q).sqrt();
        let b = 2.53f64.mul_add(sd, 1.15);
        let a = 0.01f64.mul_add(p, 0.0248f64.mul_add(b, -0.0873));
        let centre = n.mul_add(p, 0.5);
        let sure = 0.92 - 4.2 / b;
        loop {
            let u = uniform(draws) - 0.5;
            let v = uniform(draws);
            let us = 0.5 - u.abs();
            let k = (2.0 * a / us + b).mul_add(u, centre).floor();
            if us >= 0.07 && v <= sure {
                return k as u64;
            }
            if !(0.0..=n).contains(&k) {
                continue;
            }
            let alpha = (2.83 + 5.1 / b) * sd;
            let mode = ((n + 1.0) * p).floor();
            let off = k - mode;
            let peak = math::ln((mode + 1.0) * q / (p * (n - mode + 1.0)));
            let ln_ratio = (k + 0.5) * ln1p(-off * ((n + 2.0) / ((k + 1.0) * (n - mode + 1.0)))) - off * peak
                + (n + 1.0) * ln1p(off / (n - k + 1.0))
                + (stirling_rest(mode) + stirling_rest(n - mode))
                - (stirling_rest(k) + stirling_rest(n - k));
            if math::ln(v * alpha / (a / (us * us) + b)) <= ln_ratio {
                return k as u64;
            }
        }
    }
}

/// A law over states, prepared for draws of whole populations by conditional binomials.
#[derive(Clone, Debug, PartialEq)]
pub struct Multinomial {
    /// For each state but the last possible one: probability of it, given none of the earlier ones.
    conditional: Vec<Binomial>,
    /// States after this one have probability 0; it takes what is left.
    last: usize,
    states: usize,
}

impl Multinomial {
    /// `weights`: one a state, finite, not negative, not all zero; only their ratios count. `None` otherwise.
    #[must_use]
    pub fn new(weights: &[f64]) -> Option<Self> {
        if !weights.iter().all(|w| *w >= 0.0 && w.is_finite()) {
            return None;
        }
        let last = weights.iter().rposition(|&w| w > 0.0)?;
        // Tail sums from the end: the remaining mass is never got by subtraction.
        let mut conditional = Vec::with_capacity(last);
        let mut tail = weights[last];
        for &w in weights[..last].iter().rev() {
            tail += w;
            conditional.push(Binomial::new(w / tail)?);
        }
        conditional.reverse();
        Some(Self { conditional, last, states: weights.len() })
    }

    /// Distributes `n` individuals, **adding** them to `counts` (one a state; panics otherwise). Exactly `n` are
    /// added, and no state of probability 0 gets any.
    pub fn draw_into<R: Rng>(&self, draws: &mut R, n: u32, counts: &mut [u32]) {
        assert_eq!(counts.len(), self.states, "one count a state");
        let mut left = n;
        for (count, law) in counts.iter_mut().zip(&self.conditional) {
            if left == 0 {
                return;
            }
            let taken = law.draw(draws, u64::from(left)) as u32;
            *count += taken;
            left -= taken;
        }
        counts[self.last] += left;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix, chi_square};
    use super::*;

    /// Exact probabilities of 0..=n, by recurrence from the mode in both directions, then normalised.
    fn pmf(n: u64, p: f64) -> Vec<f64> {
        let mode = (((n + 1) as f64 * p) as u64).min(n) as usize;
        let mut w = vec![0.0; n as usize + 1];
        w[mode] = 1.0;
        let odds = p / (1.0 - p);
        for k in mode..n as usize {
            w[k + 1] = w[k] * odds * (n as f64 - k as f64) / (k as f64 + 1.0);
        }
        for k in (0..mode).rev() {
            w[k] = w[k + 1] * (k as f64 + 1.0) / (odds * (n as f64 - k as f64));
        }
        let total: f64 = w.iter().sum();
        w.iter().map(|w| w / total).collect()
    }

    /// Does a sample of `Binomial(n, drawn)` pass for `Binomial(n, claimed)`? 200,000 draws, false alarm 1e-7.
    fn passes(n: u64, drawn: f64, claimed: f64, seed: u64) -> bool {
        let law = Binomial::new(drawn).unwrap();
        let mut rng = SplitMix(seed);
        let mut seen = vec![0u64; n as usize + 1];
        for _ in 0..200_000 {
            seen[law.draw(&mut rng, n) as usize] += 1;
        }
        chi_square(&seen, &pmf(n, claimed))
    }

    /// Both methods, both sides of one half, small and large counts. 14 tests at 1e-7 each. Power: at n = 1000,
    /// p = 0.3 a claim off by 0.0005 shifts the mean by 0.5 of 14.5 sd, 15 standard errors: caught surely.
    #[test]
    fn draws_follow_the_exact_law_and_a_wrong_p_is_caught() {
        let cases = [
            (1, 0.3),
            (5, 0.5),
            (10, 0.03),
            (12, 0.9),
            (40, 0.2),
            (100, 0.099),
            (100, 0.101),
            (25, 0.41),
            (1000, 0.3),
            (1000, 0.995),
            (2000, 0.5),
            (5000, 0.0019),
            (5000, 0.97),
            (22, 0.46),
        ];
        for (case, &(n, p)) in cases.iter().enumerate() {
            assert!(passes(n, p, p, case as u64), "n {n}, p {p}");
        }
        assert!(!passes(1000, 0.3, 0.3005, 1), "the twin must fail");
        assert!(!passes(10, 0.03, 0.032, 2), "the twin must fail");
    }

    /// Millions of trials, where the exact table is too long: mean and variance within 5.5 standard errors
    /// (false alarm below 1e-7 each; 100,000 draws), and a p off by one part in ten thousand is caught.
    #[test]
    fn large_populations_keep_mean_and_variance() {
        let (n, p, m) = (40_000_000_u64, 0.37, 100_000);
        let law = Binomial::new(p).unwrap();
        let mut rng = SplitMix(11);
        let (mut sum, mut square) = (0.0, 0.0);
        let sd = (n as f64 * p * (1.0 - p)).sqrt();
        for _ in 0..m {
            let z = (law.draw(&mut rng, n) as f64 - n as f64 * p) / sd;
            sum += z;
            square += z * z;
        }
        let root = (m as f64).sqrt();
        assert!((sum / root).abs() < 5.5);
        assert!(((square / m as f64 - 1.0) * root / 2f64.sqrt()).abs() < 5.5);
        let twin = (sum + m as f64 * n as f64 * p * 1e-4 / sd) / root;
        assert!(twin.abs() > 5.5, "the twin must fail");
    }

    #[test]
    fn certain_answers_draw_nothing() {
        let mut rng = SplitMix(5);
        for (n, p, want) in [(0, 0.3, 0), (9, 0.0, 0), (9, 1.0, 9)] {
            assert_eq!(Binomial::new(p).unwrap().draw(&mut rng, n), want);
        }
        assert_eq!(rng.0, 5);
        for p in [-1e-300, 1.0 + 1e-15, f64::NAN] {
            assert!(Binomial::new(p).is_none());
        }
    }

    #[test]
    fn stirlings_table_meets_its_series() {
        // ln k! - ln (k-1)! = ln k must hold across the seam.
        for k in 1..40 {
            let whole = |k: f64| (k + 0.5) * math::ln(k + 1.0) - (k + 1.0) + stirling_rest(k);
            let k = f64::from(k);
            assert!((whole(k) - whole(k - 1.0) - math::ln(k)).abs() < 1e-12, "{k}");
        }
    }

    #[test]
    fn a_multinomial_gives_exactly_everybody_a_place_and_never_an_impossible_one() {
        let law = Multinomial::new(&[0.2, 0.0, 0.5, 0.3, 0.0]).unwrap();
        let mut rng = SplitMix(3);
        for n in [0, 1, 17, 100_000] {
            let mut counts = [1, 0, 2, 0, 0];
            law.draw_into(&mut rng, n, &mut counts);
            assert_eq!(counts.iter().sum::<u32>(), n + 3);
            assert_eq!((counts[1], counts[4]), (0, 0));
        }
        assert!(Multinomial::new(&[0.0, 0.0]).is_none());
        assert!(Multinomial::new(&[0.5, f64::NAN]).is_none());
        assert!(Multinomial::new(&[0.5, -0.1]).is_none());
    }

    /// Marginal of the last state is binomial: the chain of conditionals is right. False alarm 1e-7.
    #[test]
    fn multinomial_marginals_are_binomial() {
        let law = Multinomial::new(&[2.0, 5.0, 3.0]).unwrap();
        let mut rng = SplitMix(8);
        let mut seen = [[0u64; 31]; 3];
        for _ in 0..100_000 {
            let mut counts = [0; 3];
            law.draw_into(&mut rng, 30, &mut counts);
            for (seen, &count) in seen.iter_mut().zip(&counts) {
                seen[count as usize] += 1;
            }
        }
        for (seen, p) in seen.iter().zip([0.2, 0.5, 0.3]) {
            assert!(chi_square(seen, &pmf(30, p)));
        }
        assert!(!chi_square(&seen[0], &pmf(30, 0.205)), "the twin must fail");
    }
}
