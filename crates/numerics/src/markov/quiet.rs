//! What a chain is like while it has not been killed for long: the quasi-stationary law.
//!
//! `q Q' = -nu q` on the states that are left: unchanged by waiting unkilled, and from it the end is Poisson with rate
//! `nu` *exactly* (Darroch & Seneta 1967 J Appl Prob 4:192), so that silence is one waiting time. Found by squaring the
//! propagator, positive numbers only: nu of 1e-12 /ms keeps its digits. Limits: dense, one law whatever the start.

use super::{Generator, MarkovError};

/// Laws closer than this (total variation) are the quiet law.
const SETTLED: f64 = 1e-9;
/// Doublings of the time of the propagator before the search is given up.
const DOUBLINGS: u32 = 80;

/// The law of a chain that waits unkilled.
#[derive(Clone, Debug, PartialEq)]
pub struct Quiet {
    /// Occupancy of each state, given that the chain was not killed for long; killed states have 0.
    pub law: Vec<f64>,
    /// Rate of being killed, /ms: the waiting time is exponential.
    pub rate: f64,
    /// From any state, given survival, the law is [`law`](Self::law) within 1e-9 (total variation) after this, ms.
    pub settling: f64,
    /// Law of the state entered when the chain is killed; the others have 0, and so have all where `rate` is 0.
    pub entry: Vec<f64>,
}

impl Generator {
    /// The law, rate and settling time of the chain that may not have entered the `killed` states; whatever leaves a
    /// killed state does not count.
    ///
    /// # Errors
    /// A state out of range, nothing left, rates that overflow, or a law that depends on the start for ever.
    pub fn quasi_stationary(&self, killed: &[usize]) -> Result<Quiet, MarkovError> {
        let fastest = (0..self.n).filter(|s| !killed.contains(s)).map(|s| self.exit(s)).fold(0.0, f64::max);
        self.quasi_stationary_from(killed, if fastest > 0.0 { 1.0 / fastest } else { 1.0 })
    }

    /// The same, where the settling time is sought among `span` ms and its doublings.
    ///
    /// # Errors
    /// As [`quasi_stationary`](Self::quasi_stationary); a span that is no time.
    pub fn quasi_stationary_from(&self, killed: &[usize], mut span: f64) -> Result<Quiet, MarkovError> {
        let n = self.n;
        if let Some(&state) = killed.iter().find(|&&s| s >= n) {
            return Err(MarkovError::StateOutOfRange { state, states: n });
        }
        let alive: Vec<usize> = (0..n).filter(|s| !killed.contains(s)).collect();
        let m = alive.len();
        if m == 0 {
            return Err(MarkovError::NothingLeft);
        }
        let mut trapped = self.clone();
        for &state in killed {
            trapped.rates[state * n..(state + 1) * n].fill(0.0);
        }
        let p = trapped.propagator(span)?;
        let mut a: Vec<f64> =
            alive.iter().flat_map(|&i| alive.iter().map(move |&j| (i, j))).map(|(i, j)| p.row(i)[j]).collect();
        let mut settled = None;
        for _ in 0..DOUBLINGS {
            // Laws given survival, from every start: alike when the start is forgotten.
            let sums: Vec<f64> = a.chunks_exact(m).map(|row| row.iter().sum()).collect();
            let far = |i: usize| (0..m).map(|j| (a[i * m + j] / sums[i] - a[j] / sums[0]).abs()).sum::<f64>() * 0.5;
            let spread = (0..m).map(far).fold(0.0, |w: f64, x| if w >= x || w.is_nan() { w } else { x });
            if spread <= SETTLED && settled.is_none() {
                settled = Some(span);
            }
            if spread <= 1e-14 {
                break;
            }
            let largest = a.iter().copied().fold(0.0, f64::max);
            let mut square = vec![0.0; m * m];
            for i in 0..m {
                for k in 0..m {
                    let x = a[i * m + k] / largest;
                    for j in 0..m {
                        square[i * m + j] = x.mul_add(a[k * m + j] / largest, square[i * m + j]);
                    }
                }
            }
            a = square;
            span *= 2.0;
        }
        let settling = settled.ok_or(MarkovError::NeverForgets)?;
        let sum: f64 = a[..m].iter().sum();
        let mut law = vec![0.0; n];
        for (&state, x) in alive.iter().zip(&a) {
            law[state] = x / sum;
        }
        let (mut rate, mut entry) = (0.0, vec![0.0; n]);
        for &from in &alive {
            for &to in killed {
                rate = law[from].mul_add(self.rates[from * n + to], rate);
            }
        }
        if rate > 0.0 {
            for (to, entry) in entry.iter_mut().enumerate().filter(|(to, _)| killed.contains(to)) {
                let flow = alive.iter().fold(0.0, |sum, &from| law[from].mul_add(self.rates[from * n + to], sum));
                *entry = flow / rate;
            }
        }
        Ok(Quiet { law, rate, settling, entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Generator {
        // Two shut states, an open one and another: rates in /ms.
        Generator::new(4, &[(0, 1, 0.5), (1, 0, 4.0), (1, 2, 0.01), (1, 3, 0.03), (2, 1, 8.0), (3, 1, 2.0)]).unwrap()
    }

    #[test]
    fn the_law_is_an_eigenvector_and_the_rate_its_value() {
        let q = channel();
        let quiet = q.quasi_stationary(&[2, 3]).unwrap();
        let (l, nu) = (&quiet.law, quiet.rate);
        assert_eq!([l[2], l[3]], [0.0; 2]);
        // q Q' = -nu q, state by state.
        assert!((4.0 * l[1] - 0.5 * l[0] + nu * l[0]).abs() < 1e-15);
        assert!((0.5 * l[0] - 4.04 * l[1] + nu * l[1]).abs() < 1e-14);
        assert!((nu / (0.04 * l[1]) - 1.0).abs() < 1e-14);
        assert!((quiet.entry[2] - 0.25).abs() < 1e-14 && (quiet.entry[3] - 0.75).abs() < 1e-14);
        // What leaves a killed state does not count, and 4.5 /ms forgets by 1e-9 in 4.6 ms.
        assert!((4.5..20.0).contains(&quiet.settling), "{}", quiet.settling);
    }

    #[test]
    fn what_cannot_be_quiet_is_an_error() {
        assert_eq!(channel().quasi_stationary(&[0, 1, 2, 3]), Err(MarkovError::NothingLeft));
        assert!(channel().quasi_stationary(&[7]).is_err());
        let split = Generator::new(3, &[(0, 2, 1.0), (1, 2, 1.0)]).unwrap();
        assert_eq!(split.quasi_stationary(&[2]), Err(MarkovError::NeverForgets));
        let still = Generator::new(2, &[(1, 0, 3.0)]).unwrap().quasi_stationary(&[1]).unwrap();
        assert_eq!((still.rate, &still.law[..], &still.entry[..]), (0.0, &[1.0, 0.0][..], &[0.0, 0.0][..]));
    }
}
