//! A cell's electrophysiological numbers, as a physiologist measures them with a pipette, and the same of its linearised
//! circuit where there is one.
//!
//! Steps are made of eight equal cells at once, each with a current of its own. Nothing prints here. Limits: one pipette, a
//! cell alone (no synapse acts), no noise, no liquid junction.

mod circuit;
pub mod coupling;
mod firing;
pub mod locking;
pub mod network;
pub mod pair;
pub mod prc;
pub mod rig;
pub mod spikelet;
mod steps;

pub use circuit::{Compartments, End, Resonance, Swing, compartments, distances, ends, impedance, resonance};
pub use firing::{Rate, gain, rates, rheobase};
pub use steps::{Pulse, Response, responses};

use crate::lower::LoweredCell;
use crate::measure::spike::{ActionPotential, Criterion, action_potentials};
use crate::measure::{Look, Take, Trace, measure as taken};
use engine::neuron::{Gating, RunError, Site};
use engine::time::Tick;

/// A cell and the place of the pipette.
#[derive(Debug, Clone, Copy)]
pub struct Preparation<'a> {
    /// The cell, eight of it.
    pub cell: &'a LoweredCell,
    /// The compartment of the pipette.
    pub at: u32,
}

impl Preparation<'_> {
    /// The pipette in one of the eight cells.
    #[must_use]
    pub fn site(&self, lane: usize) -> Site {
        Site { block: 0, compartment: self.at, lane }
    }

    /// Voltage at rest at the pipette, mV.
    #[must_use]
    pub fn rest(&self) -> f64 {
        self.cell.rest.v_m(self.site(0))
    }
}

/// How it is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// Step of the integration.
    pub step: Tick,
    /// How long a pulse of current lasts, ms.
    pub duration: f64,
    /// What is seen before it and after it, ms.
    pub around: f64,
    /// What counts as an action potential.
    pub spike: Criterion,
    /// Size of the small step, mV of the steady answer.
    pub small: f64,
    /// Size of the large hyperpolarising step, mV of the first answer.
    pub large: f64,
    /// Currents of the curve of firing, pA; by itself from rest to three times the rheobase.
    pub currents: Option<Vec<f64>>,
    /// Frequencies of the impedance, Hz.
    pub frequencies: Vec<f64>,
}

impl Default for Protocol {
    fn default() -> Self {
        // 0.1 to 1000 Hz, 40 a decade.
        let frequencies = (0..=160).map(|k| numerics::math::pow(10.0, -1.0 + f64::from(k) / 40.0)).collect();
        Self {
            step: Tick(25_000_000),
            duration: 1000.0,
            around: 200.0,
            spike: Criterion::default(),
            small: 1.0,
            large: 20.0,
            currents: None,
            frequencies,
        }
    }
}

/// A number measured with a pipette, and that of the linearised circuit; `None` where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Twice {
    /// With the pipette.
    pub pipette: Option<f64>,
    /// By a solve.
    pub circuit: Option<f64>,
}

/// The answer to a large hyperpolarising step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sag {
    /// Injected, pA.
    pub current: f64,
    /// Lowest voltage during the step, mV.
    pub lowest: f64,
    /// Voltage at its end, mV.
    pub steady: f64,
    /// (steady - lowest) / (rest - lowest): 0 without a sag.
    pub ratio: f64,
}

/// All that is measured of a cell.
#[derive(Debug, Clone, Default)]
pub struct Electrophysiology {
    /// Resting potential, mV.
    pub rest: f64,
    /// Membrane capacitance of all compartments, pF.
    pub capacitance: f64,
    /// Membrane time constant over input resistance, pF: what a pipette takes for the capacitance.
    pub apparent_capacitance: Option<f64>,
    /// Input resistance, GOhm: at the end of the small step; gates settled.
    pub resistance: Twice,
    /// Input resistance with the gates held as they are at rest, GOhm.
    pub held_resistance: Option<f64>,
    /// Membrane time constant, ms: of the last of the decay after a current of 1 ms, 20 to 2 % of the peak, before slow gates
    /// have moved (Iansek & Redman 1973, J Physiol 234:613); slowest of the circuit with the gates held.
    pub time_constant: Twice,
    /// The same after the small step, to which slow gates have answered, ms.
    pub step_time_constant: Option<f64>,
    /// The large step.
    pub sag: Option<Sag>,
    /// The least current that makes it fire within a pulse, pA, to one part in a thousand.
    pub rheobase: Option<f64>,
    /// The first action potential at the rheobase.
    pub spike: Option<ActionPotential>,
    /// Rates of firing.
    pub rates: Vec<Rate>,
    /// Slope of the line through them, Hz/pA.
    pub gain: Option<f64>,
    /// From the pipette to the far end of each section, and back.
    pub ends: Vec<End>,
    /// Of every compartment, for attenuation against distance; empty of cells that have too many.
    pub compartments: Compartments,
    /// Impedance at the pipette.
    pub impedance: Vec<Swing>,
    /// Where it is greatest, if that is not at the lowest frequency.
    pub resonance: Option<Resonance>,
    /// Steps to be shown: small, large, at the rheobase and at twice the rheobase.
    pub shown: Vec<Response>,
    /// How long pulses were, and when they began, ms.
    pub pulse: (f64, f64),
}

/// Length of the current after which the time constant is measured, ms.
const BRIEF: f64 = 1.0;

/// Measures a cell.
///
/// # Errors
/// A cell that cannot be stepped: [`RunError`].
pub fn measure(of: Preparation, by: &Protocol) -> Result<Electrophysiology, RunError> {
    let plan = &of.cell.plan;
    let resistance = |gating| plan.input_resistance(&of.cell.rest, of.site(0), gating).ok();
    let (settled, held) = (resistance(Gating::Settled), resistance(Gating::Held));
    let mut out = Electrophysiology {
        rest: of.rest(),
        capacitance: plan.capacitance(0),
        held_resistance: held,
        ends: ends(of),
        compartments: compartments(of),
        impedance: impedance(of, &by.frequencies),
        pulse: (by.duration, by.around),
        ..Electrophysiology::default()
    };
    out.resonance = resonance(&out.impedance);
    out.resistance.circuit = settled;
    out.time_constant.circuit = plan.time_constant(&of.cell.rest, 0, Gating::Held).ok();
    // A passive guess of what a millivolt needs, for cells that have no steady slope.
    let guess = settled.or(held).unwrap_or(0.1);
    let currents = [-by.small / guess, -by.large / held.unwrap_or(guess), 0.0];
    let pulse = Pulse { start: by.around, stop: by.around + by.duration, until: 2.0 * by.around + by.duration };
    let seen = responses(of, by.step, &currents, pulse)?;
    let fires = |r: &Response| !action_potentials(&r.trace(), by.spike).is_empty();
    // A cell that fires by itself has neither a steady answer nor a rheobase.
    if !fires(&seen[2]) {
        small_step(&mut out, &seen[0], pulse);
        let brief = Pulse { start: 0.0, stop: BRIEF, until: by.around + BRIEF };
        let seen_brief = responses(of, by.step, &[-by.small * out.capacitance / BRIEF], brief)?;
        out.time_constant.pipette = decay(out.rest, &seen_brief[0], BRIEF);
        out.apparent_capacitance = out.time_constant.pipette.zip(out.resistance.pipette).map(|(tau, r)| tau / r);
        out.sag = Some(sag(out.rest, &seen[1], pulse));
        out.rheobase = rheobase(of, by, guess)?;
        out.shown.extend(seen.into_iter().take(2));
    }
    if let Some(rheobase) = out.rheobase {
        let seen = responses(of, by.step, &[rheobase, 2.0 * rheobase], pulse)?;
        out.spike = action_potentials(&seen[0].trace(), by.spike).first().copied();
        out.shown.extend(seen);
    }
    let most = out.rheobase.map_or(3.0 * by.large / guess, |r| 3.0 * r);
    let even = || (0..16).map(|k| most * f64::from(k) / 15.0).collect();
    if out.rheobase.is_some() || by.currents.is_some() || out.shown.is_empty() {
        let currents = by.currents.clone().unwrap_or_else(even);
        out.rates = rates(of, by, &currents)?;
        out.gain = gain(&out.rates);
    }
    Ok(out)
}

fn small_step(out: &mut Electrophysiology, seen: &Response, pulse: Pulse) {
    let v = |t: f64| seen.at(t);
    let steady = v(pulse.stop);
    let moved = steady - out.rest;
    if moved == 0.0 || seen.current == 0.0 {
        return;
    }
    let resistance = moved / seen.current;
    out.resistance.pipette = Some(resistance).filter(|r| r.is_finite() && *r > 0.0);
    out.step_time_constant = decay(out.rest, seen, pulse.stop);
}

/// Time constant of the last of a decay that begins at a time, ms: of what is left then, against rest.
fn decay(rest: f64, seen: &Response, from: f64) -> Option<f64> {
    let first = seen.sample(from);
    let tail: Vec<f64> = std::iter::once(rest).chain(seen.values[first..].iter().copied()).collect();
    let trace = Trace { dt_ms: seen.dt_ms, start_ms: 0.0, values: &tail };
    taken(&trace, &Look { stimulus: seen.dt_ms, ..Look::default() }, Take::Tail)
}

fn sag(rest: f64, seen: &Response, pulse: Pulse) -> Sag {
    let during = &seen.values[seen.sample(pulse.start)..=seen.sample(pulse.stop)];
    let lowest = during.iter().copied().fold(f64::INFINITY, f64::min);
    let steady = seen.at(pulse.stop);
    Sag { current: seen.current, lowest, steady, ratio: (steady - lowest) / (rest - lowest) }
}
