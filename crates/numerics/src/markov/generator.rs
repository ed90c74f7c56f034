//! The rate matrix of a Markov chain, checked at the door.
//!
//! Off-diagonal rates only are stored; the diagonal is minus their row sum by definition, so that a row can
//! never lose mass to rounding.

use std::fmt;

/// Why a chain could not be built or solved.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkovError {
    /// A chain needs at least one state.
    NoStates,
    /// A transition names a state that the chain does not have.
    StateOutOfRange {
        /// The state named.
        state: usize,
        /// How many states there are.
        states: usize,
    },
    /// A transition from a state to itself has no meaning.
    SelfTransition {
        /// The state.
        state: usize,
    },
    /// A rate is negative, infinite or NaN.
    BadRate {
        /// From this state.
        from: usize,
        /// To this state.
        to: usize,
        /// The rate in /ms.
        rate: f64,
    },
    /// A time step is negative, infinite, NaN, or so long that rate times step overflows.
    BadStep {
        /// The step in ms.
        dt: f64,
    },
    /// Several classes of states are never left: the stationary law depends on the start.
    ManyRecurrentClasses {
        /// One state of the first class.
        first: usize,
        /// One state of the second class.
        second: usize,
    },
    /// Every state was excluded.
    NothingLeft,
    /// The law of a chain not yet killed depends on the start for ever.
    NeverForgets,
}

impl fmt::Display for MarkovError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoStates => write!(f, "a Markov chain needs at least one state"),
            Self::StateOutOfRange { state, states } => {
                write!(f, "state {state} does not exist: the chain has {states} states, numbered from 0")
            }
            Self::SelfTransition { state } => {
                write!(f, "transition from state {state} to itself: remove it, it changes nothing")
            }
            Self::BadRate { from, to, rate } => {
                write!(f, "rate {from} -> {to} is {rate} /ms: a rate must be finite and not negative")
            }
            Self::BadStep { dt } => write!(
                f,
                "step of {dt} ms: it must be finite, not negative, and small enough that rate x step is finite"
            ),
            Self::ManyRecurrentClasses { first, second } => write!(
                f,
                "states {first} and {second} belong to different classes that are never left: \
                 the stationary law depends on the start; exclude one class"
            ),
            Self::NothingLeft => write!(f, "every state was excluded from the stationary law"),
            Self::NeverForgets => write!(f, "what was not killed never forgets where it started: it has no one law"),
        }
    }
}

impl std::error::Error for MarkovError {}

/// Rate matrix of `n` states, dense and row-major, rates `q_ij >= 0` per ms from state `i` to state `j`.
///
/// ```
/// use numerics::markov::Generator;
/// let gate = Generator::new(2, &[(0, 1, 3.0), (1, 0, 1.0)]).unwrap();
/// assert_eq!(gate.rate(0, 1), 3.0);
/// assert_eq!(gate.exit(0), 3.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    pub(super) n: usize,
    /// Row-major `n x n`, zero diagonal.
    pub(super) rates: Vec<f64>,
}

impl Generator {
    /// Builds the chain from `(from, to, rate)` transitions, rate in /ms; parallel transitions add in order.
    ///
    /// # Errors
    /// No states, a state out of range, a self-transition, or a rate that is negative or not finite
    /// (sums of parallel rates included).
    pub fn new(n: usize, transitions: &[(usize, usize, f64)]) -> Result<Self, MarkovError> {
        if n == 0 {
            return Err(MarkovError::NoStates);
        }
        let mut rates = vec![0.0; n * n];
        for &(from, to, rate) in transitions {
            for state in [from, to] {
                if state >= n {
                    return Err(MarkovError::StateOutOfRange { state, states: n });
                }
            }
            if from == to {
                return Err(MarkovError::SelfTransition { state: from });
            }
            let sum = rates[from * n + to] + rate;
            if !(rate >= 0.0 && sum.is_finite()) {
                return Err(MarkovError::BadRate { from, to, rate });
            }
            rates[from * n + to] = sum;
        }
        Ok(Self { n, rates })
    }

    /// How many states.
    #[must_use]
    pub fn states(&self) -> usize {
        self.n
    }

    /// Rate in /ms from state `from` to state `to`; 0 on the diagonal. Panics out of range.
    #[must_use]
    pub fn rate(&self, from: usize, to: usize) -> f64 {
        assert!(from < self.n && to < self.n, "state out of range");
        self.rates[from * self.n + to]
    }

    /// Total rate in /ms out of `from`, summed in the order of the states.
    #[must_use]
    pub fn exit(&self, from: usize) -> f64 {
        self.rates[from * self.n..(from + 1) * self.n].iter().sum()
    }

    /// Largest net-flux asymmetry over pairs of states, `|p_i q_ij - p_j q_ji| / (p_i q_ij + p_j q_ji)`,
    /// between 0 (detailed balance) and 1 (a one-way flux). Pairs without any flux count 0.
    ///
    /// `p`: occupancies, `states()` long (panics otherwise), usually [`stationary`](Self::stationary).
    #[must_use]
    pub fn flux_asymmetry(&self, p: &[f64]) -> f64 {
        assert_eq!(p.len(), self.n, "one occupancy a state");
        let mut worst = 0.0_f64;
        for i in 0..self.n {
            for j in 0..i {
                let forward = p[i] * self.rates[i * self.n + j];
                let backward = p[j] * self.rates[j * self.n + i];
                if forward + backward > 0.0 {
                    worst = worst.max((forward - backward).abs() / (forward + backward));
                }
            }
        }
        worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_gives_an_error_that_names_it() {
        assert_eq!(Generator::new(0, &[]), Err(MarkovError::NoStates));
        assert_eq!(Generator::new(2, &[(1, 1, 1.0)]), Err(MarkovError::SelfTransition { state: 1 }));
        assert_eq!(Generator::new(2, &[(0, 2, 1.0)]), Err(MarkovError::StateOutOfRange { state: 2, states: 2 }));
        for rate in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Generator::new(2, &[(0, 1, rate)]), Err(MarkovError::BadRate { from: 0, to: 1, .. })));
        }
        assert!(Generator::new(2, &[(0, 1, 1e308), (0, 1, 1e308)]).is_err());
    }

    #[test]
    fn a_driven_cycle_shows_its_flux_and_a_balanced_one_none() {
        let ring = |back: f64| {
            Generator::new(3, &[(0, 1, 2.0), (1, 2, 2.0), (2, 0, 2.0), (1, 0, back), (2, 1, back), (0, 2, back)])
                .unwrap()
        };
        let third = [1.0 / 3.0; 3];
        assert!(ring(2.0).flux_asymmetry(&third) < 1e-15);
        assert!((ring(1.0).flux_asymmetry(&third) - 1.0 / 3.0).abs() < 1e-15);
        assert_eq!(ring(0.0).flux_asymmetry(&third), 1.0);
    }
}
