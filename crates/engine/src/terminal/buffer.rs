//! What binds calcium: one-site buffers and any scheme, mobile or fixed, as mass action with one ligand.
//!
//! `dp/dt = p Q(c)` times the total, and every step that takes calcium up or gives it off moves c by as much.

use super::{TerminalError, nonnegative, positive};
use crate::mechanism::Kinetics;
use numerics::markov::Generator;

/// A step of a buffer: states, coefficient (/ms or /mM/ms), whether calcium drives it, calcium freed less bound by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub from: usize,
    pub to: usize,
    pub rate: f64,
    pub driven: bool,
    pub freed: f64,
}

/// A buffer of calcium: kinetics, total concentration, diffusion.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    pub(super) states: usize,
    pub(super) steps: Vec<Step>,
    /// Calcium ions bound in each state, from the first state's count 0.
    pub(super) bound: Vec<f64>,
    /// mM.
    pub(super) total: f64,
    /// um2/ms.
    pub(super) diffusion: f64,
    /// Equilibrium constant, mM, of a buffer that is always in equilibrium.
    pub(super) instant: Option<f64>,
}

impl Buffer {
    /// B + Ca <-> CaB: `k_on` /mM/ms (1e8 /M/s = 100 /mM/ms), `k_off` /ms, `total` mM, `diffusion` um2/ms (0: fixed).
    ///
    /// # Errors
    /// A number that is negative or not finite; `k_on` or `k_off` 0.
    pub fn one_site(k_on: f64, k_off: f64, total: f64, diffusion: f64) -> Result<Self, TerminalError> {
        let (k_on, k_off) = (positive("k_on (/mM/ms)", k_on)?, positive("k_off (/ms)", k_off)?);
        let steps = vec![
            Step { from: 0, to: 1, rate: k_on, driven: true, freed: -1.0 },
            Step { from: 1, to: 0, rate: k_off, driven: false, freed: 1.0 },
        ];
        Self { states: 2, steps, bound: vec![0.0, 1.0], total, diffusion, instant: None }.checked()
    }

    /// The same, always in equilibrium: only the dissociation constant `k_d` mM counts; fixed. For [`bulk`](super::bulk).
    ///
    /// # Errors
    /// `k_d` not above 0, or `total` negative.
    pub fn instant(k_d: f64, total: f64) -> Result<Self, TerminalError> {
        let k_d = positive("k_d (mM)", k_d)?;
        Self { states: 0, steps: Vec::new(), bound: Vec::new(), total, diffusion: 0.0, instant: Some(k_d) }.checked()
    }

    /// Any scheme with calcium as its one ligand; all its states diffuse alike. `coefficients`: its rate program's
    /// outputs; `total` mM; `diffusion` um2/ms.
    ///
    /// # Errors
    /// A scheme with another number of ligands, or whose rates depend on calcium other than by mass action; rates that are
    /// none; a scheme where a state's bound calcium depends on the way into it.
    pub fn scheme(
        kinetics: &Kinetics,
        coefficients: &[f64],
        total: f64,
        diffusion: f64,
    ) -> Result<Self, TerminalError> {
        if kinetics.ligands() != 1 {
            return Err(TerminalError::Scheme("a calcium buffer has one ligand, calcium"));
        }
        if kinetics.reads_ligand(|_| true) {
            return Err(TerminalError::Scheme("calcium enters other than by mass action"));
        }
        let rates = kinetics.transition_rates(coefficients, &[1.0])?;
        let step = |(t, &rate): (&crate::mechanism::Transition, &f64)| Step {
            from: usize::from(t.from.0),
            to: usize::from(t.to.0),
            rate,
            driven: t.takes_up.is_some(),
            freed: f64::from(u8::from(t.gives_off.is_some())) - f64::from(u8::from(t.takes_up.is_some())),
        };
        let steps: Vec<Step> = kinetics.transitions().iter().zip(&rates).map(step).collect();
        let states = kinetics.states();
        let mut bound: Vec<Option<f64>> = vec![None; states];
        bound[0] = Some(0.0);
        for _ in 0..states {
            for s in &steps {
                match (bound[s.from], bound[s.to]) {
                    (Some(b), None) => bound[s.to] = Some(b - s.freed),
                    (None, Some(b)) => bound[s.from] = Some(b + s.freed),
                    (Some(a), Some(b)) if a - s.freed != b => {
                        return Err(TerminalError::Scheme("a state holds different calcium by different ways"));
                    }
                    _ => {}
                }
            }
        }
        let bound = bound.into_iter().map(|b| b.unwrap_or(0.0)).collect();
        Self { states, steps, bound, total, diffusion, instant: None }.checked()
    }

    /// `k_on` (/mM/ms) and `k_off` (/ms), if it is of one site with rates.
    pub(crate) fn as_one_site(&self) -> Option<(f64, f64)> {
        match self.steps[..] {
            [on, off] if on.driven && (on.from, on.to) == (0, 1) && !off.driven && (off.from, off.to) == (1, 0) => {
                Some((on.rate, off.rate))
            }
            _ => None,
        }
    }

    /// All of it, mM.
    pub(crate) fn concentration(&self) -> f64 {
        self.total
    }

    /// Its diffusion coefficient, um2/ms.
    pub(crate) fn mobility(&self) -> f64 {
        self.diffusion
    }

    fn checked(self) -> Result<Self, TerminalError> {
        nonnegative("a buffer's total (mM)", self.total)?;
        nonnegative("a buffer's diffusion (um2/ms)", self.diffusion)?;
        Ok(self)
    }

    /// Concentration in mM of each state in equilibrium with `calcium` mM.
    pub(super) fn equilibrium(&self, calcium: f64) -> Result<Vec<f64>, TerminalError> {
        if self.states == 0 {
            return Ok(Vec::new());
        }
        let list: Vec<_> =
            self.steps.iter().map(|s| (s.from, s.to, if s.driven { s.rate * calcium } else { s.rate })).collect();
        let law = Generator::new(self.states, &list).and_then(|q| q.stationary());
        let law = law.map_err(|_| TerminalError::Scheme("a buffer has no one equilibrium"))?;
        Ok(law.iter().map(|p| p * self.total).collect())
    }

    /// mM bound by an instant buffer, and its slope; 0 for others.
    pub(super) fn instantly(&self, calcium: f64) -> (f64, f64) {
        self.instant.map_or((0.0, 0.0), |k| {
            let free = 1.0 / (k + calcium);
            (self.total * calcium * free, self.total * k * free * free)
        })
    }

    /// How fast free sites take calcium up at `calcium` mM in equilibrium: `sum k_on [free]`, /ms. It sets the length
    /// constant of a domain in excess buffer.
    ///
    /// # Errors
    /// A scheme without one equilibrium.
    pub fn capture(&self, calcium: f64) -> Result<f64, TerminalError> {
        let law = self.equilibrium(calcium)?;
        Ok(self.steps.iter().filter(|s| s.freed < 0.0).fold(0.0, |sum, s| s.rate.mul_add(law[s.from], sum)))
    }
}
