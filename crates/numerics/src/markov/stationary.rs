//! Where a chain settles: the stationary law, by elimination without subtraction.
//!
//! Grassmann, Taksar & Heyman 1985, Oper. Res. 33:1107; every entry is accurate to a few ulps times `n`
//! whatever the rates (O'Cinneide 1993, Numer. Math. 65:109). Cost `n^3 / 3`.

use super::{Generator, MarkovError};

impl Generator {
    /// Occupancies that no longer change, `p Q = 0`, `sum p = 1`; transient states have 0.
    ///
    /// # Errors
    /// [`MarkovError::ManyRecurrentClasses`] if more than one set of states is never left.
    pub fn stationary(&self) -> Result<Vec<f64>, MarkovError> {
        self.stationary_without(&[])
    }

    /// The stationary law of the chain that may not enter the `excluded` states (fused, blocked for good):
    /// they have occupancy 0, and transitions into them are struck out.
    ///
    /// # Errors
    /// Excluded state out of range, nothing left, or several recurrent classes among the rest.
    pub fn stationary_without(&self, excluded: &[usize]) -> Result<Vec<f64>, MarkovError> {
        let n = self.n;
        let mut kept = vec![true; n];
        for &state in excluded {
            if state >= n {
                return Err(MarkovError::StateOutOfRange { state, states: n });
            }
            kept[state] = false;
        }
        let class = self.recurrent_class(&kept)?;
        let m = class.len();
        let mut q: Vec<f64> = Vec::with_capacity(m * m);
        for &i in &class {
            q.extend(class.iter().map(|&j| self.rates[i * n + j]));
        }
        for k in (1..m).rev() {
            let leave: f64 = q[k * m..k * m + k].iter().sum();
            for i in 0..k {
                let through = q[i * m + k] / leave;
                q[i * m + k] = through;
                for j in 0..k {
                    if i != j {
                        q[i * m + j] = through.mul_add(q[k * m + j], q[i * m + j]);
                    }
                }
            }
        }
        let mut weight = vec![0.0; m];
        weight[0] = 1.0;
        for k in 1..m {
            let (done, rest) = weight.split_at_mut(k);
            rest[0] = done.iter().enumerate().fold(0.0, |sum, (i, w)| q[i * m + k].mul_add(*w, sum));
        }
        let total: f64 = weight.iter().sum();
        let mut p = vec![0.0; n];
        for (&state, w) in class.iter().zip(&weight) {
            p[state] = w / total;
        }
        Ok(p)
    }

    /// The stationary law that is reached from one state, where from others another is.
    ///
    /// # Errors
    /// State out of range, or several recurrent classes that are reached from it.
    pub fn stationary_from(&self, start: usize) -> Result<Vec<f64>, MarkovError> {
        let n = self.n;
        if start >= n {
            return Err(MarkovError::StateOutOfRange { state: start, states: n });
        }
        let mut reached = vec![false; n];
        let mut stack = vec![start];
        reached[start] = true;
        while let Some(i) = stack.pop() {
            for (j, reached) in reached.iter_mut().enumerate().filter(|(_, reached)| !**reached) {
                if self.rates[i * n + j] > 0.0 {
                    *reached = true;
                    stack.push(j);
                }
            }
        }
        let excluded: Vec<usize> = (0..n).filter(|&s| !reached[s]).collect();
        self.stationary_without(&excluded)
    }

    /// The one set of kept states that is never left, ascending.
    fn recurrent_class(&self, kept: &[bool]) -> Result<Vec<usize>, MarkovError> {
        let n = self.n;
        let reach: Vec<Vec<bool>> = (0..n)
            .map(|start| {
                let mut seen = vec![false; n];
                let mut stack = vec![start];
                seen[start] = true;
                while let Some(i) = stack.pop() {
                    for j in 0..n {
                        if kept[j] && !seen[j] && self.rates[i * n + j] > 0.0 {
                            seen[j] = true;
                            stack.push(j);
                        }
                    }
                }
                seen
            })
            .collect();
        let recurrent = |i: usize| kept[i] && (0..n).all(|j| !reach[i][j] || reach[j][i]);
        let first = (0..n).find(|&i| recurrent(i)).ok_or(MarkovError::NothingLeft)?;
        if let Some(second) = (first + 1..n).find(|&i| recurrent(i) && !reach[first][i]) {
            return Err(MarkovError::ManyRecurrentClasses { first, second });
        }
        Ok((0..n).filter(|&i| reach[first][i]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_settles_at_the_ratio_of_its_rates_over_eighty_decades() {
        // Birth and death: detailed balance gives p_{i+1} / p_i = up / down, exactly representable here.
        let (up, down) = (2.0_f64, 2.0 * (1u64 << 33) as f64);
        let transitions: Vec<_> = (0..8).flat_map(|i| [(i, i + 1, up), (i + 1, i, down)]).collect();
        let p = Generator::new(9, &transitions).unwrap().stationary().unwrap();
        for i in 0..8 {
            assert!((p[i + 1] / p[i] * (1u64 << 33) as f64 - 1.0).abs() < 1e-14);
        }
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn the_stationary_law_is_what_a_long_propagator_tends_to() {
        let q =
            Generator::new(4, &[(0, 1, 1.0), (1, 2, 5.0), (2, 0, 0.3), (1, 0, 2.0), (2, 3, 1.0), (3, 2, 0.1)]).unwrap();
        let (p, law) = (q.propagator(1e5).unwrap(), q.stationary().unwrap());
        for i in 0..4 {
            for (p, law) in p.row(i).iter().zip(&law) {
                assert!((p / law - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn an_absorbing_state_takes_all_unless_excluded() {
        let q = Generator::new(3, &[(0, 1, 1.0), (1, 0, 3.0), (1, 2, 1e-3)]).unwrap();
        assert_eq!(q.stationary().unwrap(), [0.0, 0.0, 1.0]);
        assert_eq!(q.stationary_without(&[2]).unwrap(), [0.75, 0.25, 0.0]);
        assert_eq!(q.stationary_without(&[0, 1, 2]), Err(MarkovError::NothingLeft));
        assert!(q.stationary_without(&[3]).is_err());
        let apart = Generator::new(4, &[(0, 1, 1.0), (1, 0, 3.0), (2, 3, 1.0)]).unwrap();
        assert_eq!(apart.stationary_from(0).unwrap(), [0.75, 0.25, 0.0, 0.0]);
        assert_eq!(apart.stationary_from(2).unwrap(), [0.0, 0.0, 0.0, 1.0]);
        assert!(apart.stationary().is_err() && apart.stationary_from(4).is_err());
    }

    #[test]
    fn two_traps_are_an_error_that_names_both() {
        let q = Generator::new(3, &[(0, 1, 1.0), (0, 2, 1.0)]).unwrap();
        assert_eq!(q.stationary(), Err(MarkovError::ManyRecurrentClasses { first: 1, second: 2 }));
    }
}
