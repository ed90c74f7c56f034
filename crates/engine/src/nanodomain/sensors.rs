//! Sensors of calcium at their places, and pumps: their schemes as what single ones do.

use super::plan::NanodomainError;
use super::room::Room;
use crate::cleft::Ligand;
use crate::mechanism::{Kinetics, LigandIndex};
use numerics::constants::AVOGADRO;
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

/// What a sensor does by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// /ms
    pub rate: f64,
    pub to: u16,
    pub gives: bool,
    pub lost: u32,
}

/// What it does with an ion that is within its radius.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bind {
    /// /ms
    pub rate: f64,
    pub to: u16,
    pub keeps: bool,
    pub lost: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct StatePlan {
    pub turns: Vec<Turn>,
    pub leaving: f64,
    pub binds: Vec<Bind>,
    pub binding: f64,
}

/// A kind made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
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

impl Ball {
    /// The rate within that makes a rate `k` (um3/ms) in the far field: `k = 4 pi D a (1 - tanh y / y)`, `y = a sqrt(rate / D)`, the
    /// steady flow into a ball that takes evenly; a mirror halves both sides.
    fn rate(self, k: f64) -> Option<f64> {
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
        Some(y * y / self.time)
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
        let kinetics = &kind.kinetics;
        let n = kinetics.states();
        let of = |l: Option<LigandIndex>| l.map(|l| kind.ligands[usize::from(l.0)]);
        if kind.ligands.len() != kinetics.ligands()
            || kind.bound.len() != n
            || kinetics.transitions().iter().any(|t| matches!(of(t.takes_up), Some(Ligand::Product)))
        {
            return Err(NanodomainError::Ligands { kind: number });
        }
        if kinetics.reads_ligand(|l| !matches!(kind.ligands[usize::from(l.0)], Ligand::Held(_))) {
            return Err(NanodomainError::NotMassAction { kind: number });
        }
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
        let failed = |error| NanodomainError::Kinetics { kind: number, error };
        let at = |mm: f64| -> Vec<f64> {
            kind.ligands.iter().map(|l| if let Ligand::Held(c) = *l { c } else { mm }).collect()
        };
        let rates = kinetics.transition_rates(&kind.coefficients, &at(1.0)).map_err(failed)?;
        let moves = |k: usize| {
            let t = &kinetics.transitions()[k];
            let ion = |l: Option<Ligand>| u32::from(l == Some(Ligand::Transmitter));
            (usize::from(t.from.0), usize::from(t.to.0), ion(of(t.takes_up)), ion(of(t.gives_off)))
        };
        // Of a binding step: its rate within the ball.
        let within = |k: usize| {
            let too_quick = NanodomainError::TooQuick { kind: number, transition: k, most: ball.brings * AVOGADRO };
            ball.rate(rates[k] / AVOGADRO).ok_or(too_quick)
        };
        let mut states = vec![StatePlan::default(); n];
        for (k, &rate) in rates.iter().enumerate() {
            let (from, to, takes, gives) = moves(k);
            let net = i64::from(kind.bound[from]) + i64::from(takes) - i64::from(gives) - i64::from(kind.bound[to]);
            let lost = u32::try_from(net).map_err(|_| NanodomainError::Books { kind: number, transition: k })?;
            if rate == 0.0 {
                continue;
            }
            if takes == 1 {
                // Who gives it back at once takes nothing from what it sees.
                let rate = if gives == 0 { within(k)? } else { rate / AVOGADRO / ball.volume };
                let bind = Bind { rate, to: to as u16, keeps: gives == 0, lost };
                states[from].binding += bind.rate;
                states[from].binds.push(bind);
                continue;
            }
            // Unbinding as much quicker as binding is.
            let (mut plain, mut quick) = (0.0, 0.0);
            for back in (0..rates.len()).filter(|&b| moves(b) == (to, from, 1, 0) && gives == 1) {
                plain += rates[back] / AVOGADRO;
                quick += within(back)? * ball.volume;
            }
            let rate = if plain > 0.0 { rate * quick / plain } else { rate };
            states[from].leaving += rate;
            states[from].turns.push(Turn { rate, to: to as u16, gives: gives == 1, lost });
        }
        let most = states.iter().map(|s| s.binding).fold(0.0, f64::max);
        let absorbing: Vec<usize> = kinetics.absorbing().iter().map(|s| usize::from(s.0)).collect();
        let generator = kinetics.generator(&kind.coefficients, &at(resting)).map_err(failed)?;
        let law = if absorbing.is_empty() { generator.stationary() } else { generator.stationary_without(&absorbing) };
        let law = law.map_err(|error| NanodomainError::Rest { kind: number, error })?;
        Ok(Self { states, most, bound: kind.bound.clone(), law, radius: a, on_wall })
    }
}
