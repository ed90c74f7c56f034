//! Sensors of calcium at their places, and pumps: their schemes as what single ones do.

use super::plan::NanodomainError;
use super::room::Room;
use crate::cleft::Ligand;
use crate::mechanism::Kinetics;
use crate::single::{Near, Single, StatePlan};
use numerics::{bracket, math};
use std::f64::consts::PI;

/// Sensors of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensors {
    /// Their scheme.
    pub kinetics: Kinetics,
    /// Outputs of the rate program: /ms, or /mM/ms where an ion binds, in the far field.
    pub coefficients: Vec<f64>,
    /// What is behind each ligand of the scheme; [`Ligand::Transmitter`] is the ion.
    pub ligands: Vec<Ligand>,
    /// Ions that each state holds. A step that gives none off and leads to a state that holds fewer pumps them out.
    pub bound: Vec<u32>,
    /// Where they are, um: all on the membrane (z = 0), where each sees a half space, or all at least a radius from it.
    pub places: Vec<[f64; 3]>,
    /// Within this distance an ion may bind, um: 5 nm, say.
    pub radius: f64,
}

/// A kind made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
    /// Of an ion within the ball they bind at rates in /ms.
    pub states: Vec<StatePlan>,
    /// Greatest rate of binding of any state, /ms.
    pub most: f64,
    pub bound: Vec<u32>,
    /// Odds of the states at rest.
    pub law: Vec<f64>,
    pub radius: f64,
    pub on_wall: bool,
}

/// The ball of a sensor, or the half of one on a membrane.
#[derive(Clone, Copy)]
struct Ball {
    /// um3
    volume: f64,
    /// `4 pi D a`, or half of it, um3/ms: what diffusion brings at most.
    brings: f64,
    /// `a^2 / D`, ms.
    time: f64,
}

impl Near for Ball {
    /// Over the volume within, the rate that makes a rate `k` in the far field: `k = 4 pi D a (1 - tanh y / y)`, `y = a sqrt(rate / D)`,
    /// the steady flow into a ball that takes evenly; a mirror halves both sides.
    fn rate(&self, k: f64) -> Option<f64> {
        let share = k / self.brings;
        if share == 0.0 {
            return Some(0.0);
        }
        let taken = |y: f64| {
            let e = math::exp(-2.0 * y);
            // tanh y / y, by its series where the difference to 1 would cancel.
            let square = y * y;
            if y < 0.05 {
                square * (1.0 / 3.0 - square * (2.0 / 15.0 - square * 17.0 / 315.0))
            } else {
                1.0 - (1.0 - e) / ((1.0 + e) * y)
            }
        };
        let y = bracket::root(|y| taken(y) - share, 0.0, 1e3, 1e-12).ok()?;
        Some(y * y / self.time * self.volume)
    }

    fn most(&self) -> f64 {
        self.brings
    }
}

impl KindPlan {
    pub fn new(
        number: usize,
        kind: &Sensors,
        room: &impl Room,
        diffusion: f64,
        resting: f64,
    ) -> Result<Self, NanodomainError> {
        let failed = |error| NanodomainError::Scheme { kind: number, error };
        let single = Single { kinetics: &kind.kinetics, ligands: &kind.ligands, bound: &kind.bound };
        single.check().map_err(failed)?;
        let positive = kind.radius > 0.0 && kind.radius.is_finite();
        let on_wall = kind.places.first().is_some_and(|at| at[2] == 0.0);
        let fits = |at: &[f64; 3]| room.holds(*at) && if on_wall { at[2] == 0.0 } else { at[2] >= kind.radius };
        if let Some(member) = kind.places.iter().position(|at| !positive || !fits(at)) {
            return Err(NanodomainError::Outside { kind: number, member });
        }
        let whole = if on_wall { 0.5 } else { 1.0 };
        let a = kind.radius;
        let ball = Ball {
            volume: whole * 4.0 / 3.0 * PI * a * a * a,
            brings: whole * 4.0 * PI * diffusion * a,
            time: a * a / diffusion,
        };
        let mut states = single.states(&kind.coefficients, &ball).map_err(failed)?;
        for state in &mut states {
            state.binds.iter_mut().for_each(|b| b.rate /= ball.volume);
            state.binding /= ball.volume;
        }
        let most = states.iter().map(|s| s.binding).fold(0.0, f64::max);
        let law = single.law(&kind.coefficients, resting).map_err(failed)?;
        Ok(Self { states, most, bound: kind.bound.clone(), law, radius: a, on_wall })
    }
}
