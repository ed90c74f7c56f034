//! Numbers that measures take of traces.

use super::plan::{MeasurePlan, Plan};
use crate::measure::{Look, Polarity, Take, Trace, measure};

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
