//! Pulses of current into eight equal cells at once.

use super::Preparation;
use crate::measure::Trace;
use engine::neuron::{CurrentClamp, Drive, Method, Moment, Ports, RunError, Scratch, Stepping, run_here};
use engine::time::Tick;
use numerics::simd::{F64x8, LANES, Level};
use rayon::prelude::*;

/// When a current flows, ms from the beginning, and how long the cell is followed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Its beginning.
    pub start: f64,
    /// Its end.
    pub stop: f64,
    /// The end of the recording.
    pub until: f64,
}

/// The voltage at the pipette.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Injected, pA; positive depolarises.
    pub current: f64,
    /// Sampling interval, ms.
    pub dt_ms: f64,
    /// mV, from time 0 on.
    pub values: Vec<f64>,
}

impl Response {
    /// For measures.
    #[must_use]
    pub fn trace(&self) -> Trace<'_> {
        Trace { dt_ms: self.dt_ms, start_ms: 0.0, values: &self.values }
    }

    /// The sample at a time in ms, the last one if it is later.
    #[must_use]
    pub fn sample(&self, ms: f64) -> usize {
        ((ms / self.dt_ms).round() as usize).min(self.values.len() - 1)
    }

    /// The voltage at a time in ms, mV.
    #[must_use]
    pub fn at(&self, ms: f64) -> f64 {
        self.values[self.sample(ms)]
    }
}

/// Eight pipettes, and what they read.
struct Rig {
    pulses: Vec<CurrentClamp>,
    compartment: usize,
    read: Vec<F64x8>,
}

impl Drive for Rig {
    fn drive(&mut self, moment: Moment, _: &[F64x8], ports: &mut Ports) {
        for pulse in &self.pulses {
            pulse.apply(moment, ports);
        }
    }
    fn after(&mut self, _: Moment, _: &[F64x8], v: &[F64x8]) {
        self.read.push(v[self.compartment]);
    }
}

/// The answers to pulses of some currents (pA), each from rest, sampled every step `dt`. Cost: one run of eight cells for
/// each eight currents.
///
/// # Errors
/// [`RunError`].
pub fn responses(of: Preparation, dt: Tick, currents: &[f64], pulse: Pulse) -> Result<Vec<Response>, RunError> {
    let tick = |ms: f64| Tick((ms * 1e9).round() as i64);
    let steps = (tick(pulse.until).0 / dt.0).max(1) as u64;
    let eight = |currents: &[f64]| {
        let clamp = |(lane, &current): (usize, &f64)| CurrentClamp {
            site: of.site(lane),
            start: tick(pulse.start),
            end: tick(pulse.stop),
            current,
        };
        let pulses = currents.iter().enumerate().map(clamp).collect();
        let read = Vec::with_capacity(steps as usize + 1);
        let mut rig = Rig { pulses, compartment: of.at as usize, read };
        rig.read.push(of.cell.rest.block(0)[of.at as usize]);
        let (mut state, mut spikes) = (of.cell.rest.clone(), Vec::new());
        let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
        let mut drives = [rig];
        run_here(&of.cell.plan, &mut state, &Scratch::default(), stepping, steps, &mut drives, &mut spikes)?;
        let [rig] = drives;
        let one = |(lane, &current): (usize, &f64)| Response {
            current,
            dt_ms: dt.ms(),
            values: rig.read.iter().map(|line| line.0[lane]).collect(),
        };
        Ok(currents.iter().enumerate().map(one).collect::<Vec<_>>())
    };
    let all: Result<Vec<Vec<Response>>, RunError> = currents.par_chunks(LANES).map(eight).collect();
    Ok(all?.concat())
}
