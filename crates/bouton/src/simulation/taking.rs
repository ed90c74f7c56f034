//! Numbers that measures take of traces.

use super::plan::Plan;
use crate::measure::{Look, Polarity, Take, Trace, measure};

/// Numbers to be taken of a trace.
#[derive(Debug)]
pub struct MeasurePlan {
    /// Its name.
    pub name: String,
    /// Which probe.
    pub probe: usize,
    /// What to take.
    pub take: Vec<&'static str>,
    /// The stimulus, ms.
    pub after: f64,
    /// End of the window, ms.
    pub until: f64,
    /// At which value the receiver fires; for the safety factor.
    pub threshold: Option<f64>,
    /// Which value the response cannot pass; for the safety factor.
    pub reversal: f64,
    /// At which slope an action potential begins, mV/ms.
    pub slope: f64,
}

/// The least excursion that is a response, by unit: below what one channel does, above rounding.
fn floor(unit: &str) -> f64 {
    match unit {
        "pA" => 0.05,
        "mV" => 0.005,
        "mM" => 1e-9,
        _ => 0.0,
    }
}

/// The numbers that a measure takes of one trial, in its order; NaN where there is none.
pub(super) fn taken(plan: &Plan, m: &MeasurePlan, samples: &[f64]) -> Vec<f64> {
    let probe = &plan.probes[m.probe];
    let trace = Trace { dt_ms: probe.every.ms(), start_ms: 0.0, values: samples };
    let floor = floor(probe.unit());
    let look = Look {
        stimulus: m.after,
        window: Some((0.0, m.until)),
        polarity: Polarity::Larger,
        floor,
        threshold: m.threshold,
        slope: m.slope,
        reversal: m.reversal,
    };
    let number = |word: &&str| Take::from_word(word).and_then(|take| measure(&trace, &look, take)).unwrap_or(f64::NAN);
    m.take.iter().map(number).collect()
}
