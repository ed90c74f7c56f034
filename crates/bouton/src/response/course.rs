//! The course of a response as means and as jumps: the engine's own ensembles under a pulse of ligand or a step of voltage.

use super::ResponseError;
use crate::lower::LoweredScheme;
use engine::ensemble::{EnsembleError, Exact, Jumps, Laws, Means};
use engine::mechanism::ObservableIndex;
use engine::time::{Tick, TimeError};
use numerics::rng::StreamKey;
use numerics::simd::Level;
use thiserror::Error;

/// What is held before, during and after; ligands in mM, voltage in mV.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// Before and after the stimulus.
    pub rest: (f64, Vec<f64>),
    /// During it.
    pub stimulus: (f64, Vec<f64>),
    /// How long the stimulus lasts, ms.
    pub lasting: f64,
    /// How long is watched, ms.
    pub window: f64,
}

/// An observable against time.
#[derive(Debug, Clone)]
pub struct Course {
    /// ms
    pub t: Vec<f64>,
    /// Mean of the observable, per copy.
    pub mean: Vec<f64>,
    /// One realisation with `copies` copies, per copy.
    pub jumps: Vec<f64>,
    /// How many copies.
    pub copies: u32,
}

/// Why there is no course.
#[derive(Debug, Error)]
pub enum CourseError {
    /// The scheme.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// The population.
    #[error(transparent)]
    Ensemble(#[from] EnsembleError),
    /// A time that is not one.
    #[error(transparent)]
    Time(#[from] TimeError),
}

/// Points of a course.
const POINTS: f64 = 500.0;
/// What the draws are for; part of their address.
const PURPOSE: u32 = 1;

/// Follows `copies` copies of a scheme from rest, as means and as jumps. Exact in law: everything is constant within an
/// interval. The draws are addressed by (`seed`, entry, interval), so that they are the same on every machine.
///
/// # Errors
/// Rates that are not finite, or times that cannot be held.
pub fn course(
    s: &LoweredScheme,
    name: &str,
    protocol: &Protocol,
    which: ObservableIndex,
    copies: u32,
    seed: u64,
) -> Result<Course, CourseError> {
    let kinetics = &s.kinetics;
    let start = s.rest(protocol.rest.0, &protocol.rest.1)?;
    let mut means = Means::new(kinetics, 1, &start)?;
    let mut exact = Exact::new();
    let key = StreamKey::new(seed, 0, PURPOSE, numerics::rng::name_hash(name));
    // The start is drawn too: a population at rest is a multinomial of its law.
    let mut counts = vec![0u32; start.len()];
    numerics::jump::Multinomial::new(&start).ok_or(ResponseError::Nothing("the rest is no law"))?.draw_into(
        &mut key.at(0, u64::from(u32::MAX)),
        copies,
        &mut counts,
    );
    let mut jumps = Jumps::new(kinetics, 1, &counts)?;
    let weights = s.weights(which);
    let fine = protocol.window / POINTS;
    let during = (protocol.lasting / fine).ceil().max(1.0);
    let after = ((protocol.window - protocol.lasting) / fine).ceil().max(0.0);
    let stretches = [
        (&protocol.stimulus, during, protocol.lasting / during),
        (&protocol.rest, after, if after > 0.0 { (protocol.window - protocol.lasting) / after } else { 0.0 }),
    ];
    let mut out = Course { t: Vec::new(), mean: Vec::new(), jumps: Vec::new(), copies };
    let mut take = |t: f64, means: &Means, jumps: &Jumps| -> Result<(), EnsembleError> {
        let mut value = [0.0];
        out.t.push(t);
        means.observe(Level::best(), weights, &mut value)?;
        out.mean.push(value[0]);
        jumps.observe(weights, &mut value)?;
        out.jumps.push(value[0] / f64::from(copies.max(1)));
        Ok(())
    };
    take(0.0, &means, &jumps)?;
    for ((v_m, ligands), intervals, length) in stretches {
        let dt = Tick::from_ms(length)?;
        let coefficients = s.coefficients(*v_m, ligands);
        let laws = Laws::new(exact.propagator(kinetics, &coefficients, ligands, dt)?);
        for _ in 0..intervals as u64 {
            exact.step(Level::best(), kinetics, &mut means, &coefficients, ligands, dt)?;
            jumps.step_shared(key, &laws, dt)?;
            take(means.clock().ms(), &means, &jumps)?;
        }
    }
    Ok(out)
}
