//! The phase response of a cell that fires over and over: by how much a brief, small current brings its next spikes forward,
//! over the phase at which it comes.
//!
//! Phase is 0 at a spike of the root and 1 at the next. Copies of the cell fire side by side; one is left alone, each other
//! gets one pulse, of either sign, so that half of the difference is the response to first order (Ermentrout & Terman 2010,
//! Mathematical Foundations of Neuroscience, ch. 8; Hansel, Mato & Meunier 1995, Neural Comput 7:307, for types I and II).

use super::rig::{Rig, RigError, Subject};
use engine::circuit::{Injection, Outside, Target, Trace};
use engine::time::Tick;
use thiserror::Error;

/// How it is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// Step of the integration.
    pub step: Tick,
    /// K
    pub temperature: f64,
    /// Steady current, pA; `None`: a quarter more than the least that keeps it firing.
    pub current: Option<f64>,
    /// Phases at which pulses come, evenly spread.
    pub phases: usize,
    /// What a pulse would do to all of the capacitance, mV.
    pub push: f64,
    /// Length of a pulse, ms; a hundredth of the period if that is less.
    pub width: f64,
    /// How long it fires before, ms.
    pub settle: f64,
}

impl Protocol {
    /// With the usual numbers.
    #[must_use]
    pub fn new(step: Tick, temperature: f64) -> Self {
        Self { step, temperature, current: None, phases: 40, push: 0.2, width: 0.2, settle: 2000.0 }
    }
}

/// Why there is no phase response.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PrcError {
    /// It does not fire, or not to the end.
    #[error("it does not go on firing at {current} pA")]
    Silent {
        /// pA
        current: f64,
    },
    /// No current makes it fire over and over.
    #[error("no current up to {most} pA keeps it firing at even intervals")]
    Never {
        /// pA
        most: f64,
    },
    /// Its intervals differ.
    #[error("its intervals at {current} pA differ by {differ} of themselves; phases need even ones")]
    Uneven {
        /// pA
        current: f64,
        /// Largest less smallest of the last of them, over their mean.
        differ: f64,
    },
    /// What cannot go on.
    #[error(transparent)]
    Rig(#[from] RigError),
}

/// A pulse and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When its middle came.
    pub phase: f64,
    /// Advance of the next spike, periods a pC.
    pub first: f64,
    /// Advance of the spikes once it has settled, periods a pC.
    pub settled: f64,
}

/// Phase response of a cell under a steady current.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PhaseResponse {
    /// Steady current, pA.
    pub current: f64,
    /// ms
    pub period: f64,
    /// Charge of a pulse, pC, and its length, ms.
    pub pulse: (f64, f64),
    /// In the order of phases.
    pub points: Vec<Point>,
    /// Voltage at the pipette over a period: phase, mV; without the line that is drawn for a point's spike.
    pub wave: Vec<(f64, f64)>,
    /// Most delay over most advance: 0 of a cell that is only advanced.
    pub delays: f64,
}

/// Spikes after a pulse from which on it has settled.
const LATER: usize = 8;
/// Intervals that are compared, and by how much they may differ.
const EVEN: (usize, f64) = (6, 2e-3);
/// The farthest that a pulse moves a spike, in distances between pulses: half of one lies between the last and the spike.
const FARTHEST: f64 = 0.2;
/// Currents that are tried, each 2^(1/4) of the one before.
const TRIED: usize = 48;
/// From this share of delays on a response is of type II.
const TYPE_II: f64 = 0.05;

impl PhaseResponse {
    /// `I`: it is only advanced by what depolarises; `II`: early in the period it is delayed.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.delays > TYPE_II { "II" } else { "I" }
    }

    /// Settled advance at a phase, periods a pC: lines between points, level beyond the first and the last.
    #[must_use]
    pub fn at(&self, phase: f64) -> f64 {
        let p = &self.points;
        let k = p.partition_point(|x| x.phase <= phase);
        match (k.checked_sub(1).and_then(|b| p.get(b)), p.get(k)) {
            (Some(a), Some(b)) => a.settled + (phase - a.phase) / (b.phase - a.phase) * (b.settled - a.settled),
            (Some(one), None) | (None, Some(one)) => one.settled,
            (None, None) => f64::NAN,
        }
    }

    /// Voltage at a phase of any turn, mV.
    #[must_use]
    pub fn voltage(&self, phase: f64) -> f64 {
        let w = &self.wave;
        let phase = phase - phase.floor();
        let k = w.partition_point(|x| x.0 <= phase).clamp(1, w.len() - 1);
        let (a, b) = (w[k - 1], w[k]);
        a.1 + (phase - a.0) / (b.0 - a.0) * (b.1 - a.1)
    }
}

/// Measures a phase response with the pipette at a compartment.
///
/// # Errors
/// [`PrcError`].
pub fn phase_response(of: &Subject, compartment: u32, by: &Protocol) -> Result<PhaseResponse, PrcError> {
    let current = match by.current {
        Some(current) => current,
        None => firing(of, compartment, by)?,
    };
    let frame = (by.step, by.temperature);
    let to = Target { cell: 0, compartment };
    let steady = Injection { to, start: Tick::ZERO, stop: Tick(i64::MAX), current };
    let alone = Rig::copies(of, 1, frame, &[steady])?;
    let spikes = alone.run(by.settle, &[], &[])?.spikes.remove(0);
    let period = even(&spikes, current, by.settle)?;
    let base = *spikes.last().unwrap_or(&0.0);
    let train = Train { of, compartment, by, current, period, base };
    let width = by.width.min(0.01 * period);
    let mut charge = 1e-3 * by.push * of.capacitance();
    let mut points = train.pushed(charge, width)?;
    // None may reach the spike that comes next.
    let most = points.iter().map(|p| p.first.abs().max(p.settled.abs())).fold(0.0, f64::max) * charge;
    let least = FARTHEST / by.phases as f64;
    if most > least {
        charge *= least / most;
        points = train.pushed(charge, width)?;
    }
    points.sort_by(|a, b| a.phase.total_cmp(&b.phase));
    let most = points.iter().map(|p| p.settled).fold(0.0, f64::max);
    let least = points.iter().map(|p| p.settled).fold(0.0, f64::min);
    let wave = wave(&alone, to, &spikes, by.settle)?;
    Ok(PhaseResponse {
        current,
        period,
        pulse: (charge, train.steps(width) * by.step.ms()),
        points,
        wave,
        delays: -least / most,
    })
}

/// A cell that fires evenly.
struct Train<'a> {
    of: &'a Subject,
    compartment: u32,
    by: &'a Protocol,
    current: f64,
    period: f64,
    /// One of its spikes, ms.
    base: f64,
}

impl Train<'_> {
    fn steps(&self, ms: f64) -> f64 {
        (ms / self.by.step.ms()).round().max(1.0)
    }

    /// What pulses of a charge (pC) and a length (ms) do, of both signs.
    fn pushed(&self, charge: f64, width: f64) -> Result<Vec<Point>, PrcError> {
        let Self { compartment, by, current, period, base, .. } = *self;
        let at = |cell: u32| Target { cell, compartment };
        let steady = |cell: u32| Injection { to: at(cell), start: Tick::ZERO, stop: Tick(i64::MAX), current };
        // On the grid of steps, so that charge and middle are exact.
        let dt = by.step.ms();
        let width = self.steps(width) * dt;
        let size = 1e3 * charge / width;
        let mut injections: Vec<Injection> = (0..=2 * by.phases as u32).map(steady).collect();
        let mut middles = Vec::with_capacity(by.phases);
        for k in 0..by.phases {
            let wanted = base + period * (1.0 + (k as f64 + 0.5) / by.phases as f64);
            let start = self.steps(wanted - 0.5 * width) * dt;
            middles.push(start + 0.5 * width);
            let tick = |ms: f64| Tick((ms * 1e9).round() as i64);
            for (lane, sign) in [(1, 1.0), (2, -1.0)] {
                let (to, current) = (at((2 * k + lane) as u32), sign * size);
                injections.push(Injection { to, start: tick(start), stop: tick(start + width), current });
            }
        }
        let rig = Rig::copies(self.of, 2 * by.phases + 1, (by.step, by.temperature), &injections)?;
        let seen = rig.run(base + (LATER + 5) as f64 * period, &[], &[])?.spikes;
        let after =
            |cell: usize, from: f64, nth: usize| seen[cell].get(seen[cell].partition_point(|t| *t <= from) + nth);
        let mut points = Vec::with_capacity(by.phases);
        for (k, &middle) in middles.iter().enumerate() {
            // The spike before it, of the one that is left alone.
            let before = seen[0].partition_point(|t| *t <= middle);
            let Some(&last) = before.checked_sub(1).and_then(|b| seen[0].get(b)) else { continue };
            let advance = |nth: usize| {
                let [up, down] = [2 * k + 1, 2 * k + 2].map(|cell| after(cell, middle, nth));
                Some((down? - up?) / (2.0 * period * charge))
            };
            if let (Some(first), Some(settled)) = (advance(0), advance(LATER)) {
                points.push(Point { phase: (middle - last) / period, first, settled });
            }
        }
        Ok(points)
    }
}

/// The mean of the last intervals of a cell that fires evenly to the end, ms.
fn even(spikes: &[f64], current: f64, until: f64) -> Result<f64, PrcError> {
    let last = &spikes[spikes.len().saturating_sub(EVEN.0 + 1)..];
    let (Some(first), Some(end)) = (last.first(), last.last()) else { return Err(PrcError::Silent { current }) };
    let period = (end - first) / (last.len() - 1).max(1) as f64;
    if last.len() <= EVEN.0 || until - end > 1.5 * period {
        return Err(PrcError::Silent { current });
    }
    let intervals = last.windows(2).map(|w| w[1] - w[0]);
    let (short, long) = intervals.fold((f64::INFINITY, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)));
    let differ = (long - short) / period;
    if differ > EVEN.1 { Err(PrcError::Uneven { current, differ }) } else { Ok(period) }
}

/// A quarter more than the least of some currents that keeps it firing evenly.
fn firing(of: &Subject, compartment: u32, by: &Protocol) -> Result<f64, PrcError> {
    // From a tenth of what lifts all of the capacitance by 1 mV/ms.
    let current = |k: usize| 0.1 * of.capacitance() * numerics::math::pow(2.0, 0.25 * k as f64);
    let injection = |k: usize| {
        let to = Target { cell: k as u32, compartment };
        Injection { to, start: Tick::ZERO, stop: Tick(i64::MAX), current: current(k) }
    };
    let all: Vec<Injection> = (0..TRIED).map(injection).collect();
    // Some currents make a cell of these models go out of bounds; less of them are tried then.
    let mut n = TRIED;
    loop {
        match Rig::copies(of, n, (by.step, by.temperature), &all[..n])?.run(by.settle, &[], &[]) {
            Ok(seen) => {
                let found = (0..n).find(|k| even(&seen.spikes[*k], current(*k), by.settle).is_ok());
                return found.map(|k| 1.25 * current(k)).ok_or(PrcError::Never { most: current(n - 1) });
            }
            Err(e) if n < 8 => return Err(e.into()),
            Err(_) => n /= 2,
        }
    }
}

/// The voltage at a place over the last whole period before `until` ms.
fn wave(rig: &Rig, at: Target, spikes: &[f64], until: f64) -> Result<Vec<(f64, f64)>, PrcError> {
    let [.., from, to] = spikes else { return Ok(Vec::new()) };
    let mut state = rig.begin.clone();
    let dt = rig.plan.dt().ms();
    let mut trace = Trace::new(Vec::new(), 1);
    let before = ((from / dt).floor() as u64).max(1);
    rig.go(&mut state, before, &mut Outside::default(), &mut trace)?;
    let mut all = vec![(state.clock().ms(), state.v_m(&rig.plan, at))];
    while state.clock().ms() < to + dt && state.clock().ms() < until {
        // Step by step: a trace would draw a point's spike.
        rig.go(&mut state, 1, &mut Outside::default(), &mut trace)?;
        all.push((state.clock().ms(), state.v_m(&rig.plan, at)));
    }
    Ok(all.into_iter().map(|(t, v)| ((t - from) / (to - from), v)).collect())
}
