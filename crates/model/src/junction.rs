//! Gap-junction channels at a steady voltage across: where their states settle, and what conducts then.

use crate::resolve::{Part, ResolvedRate};
use numerics::markov::{Generator, MarkovError};

/// Values of a part's expressions at `v` mV across, its drugs at their concentrations.
fn values(part: &Part, v: f64) -> Vec<f64> {
    let mut ligands = vec![0.0; part.layout.ligands()];
    part.drugs.iter().for_each(|d| ligands[d.ligand] = d.concentration);
    part.layout.values(&part.parameters, v, part.temperature, &ligands)
}

fn at(rate: &ResolvedRate, values: &[f64]) -> f64 {
    rate.expr.evaluate(values) * rate.factor
}

/// Steps of a part's scheme at `v` mV across, /ms; `None` of one that has none.
///
/// # Errors
/// Rates that are negative or not finite.
pub fn generator(part: &Part, v: f64) -> Result<Option<Generator>, MarkovError> {
    let Some(scheme) = &part.scheme else { return Ok(None) };
    let values = values(part, v);
    let steps: Vec<(usize, usize, f64)> = scheme
        .steps
        .iter()
        .map(|s| {
            let of = |ligand: usize| values[part.layout.ligand(ligand)];
            (s.from, s.to, at(&s.rate, &values) * s.takes_up.map_or(1.0, of))
        })
        .collect();
    Generator::new(scheme.states.len(), &steps).map(Some)
}

/// What each state of a part's scheme conducts, as a share of the most that one does.
#[must_use]
pub fn open(part: &Part) -> Vec<f64> {
    let most = part.conductance.iter().map(|c| c.1).fold(0.0, f64::max);
    let mut open = vec![0.0; part.scheme.as_ref().map_or(0, |s| s.states.len())];
    part.conductance.iter().filter(|_| most > 0.0).for_each(|&(s, g)| open[s] = g / most);
    open
}

/// What the voltage across leaves at once, 1 where nothing is said.
#[must_use]
pub fn share(part: &Part, v: f64) -> f64 {
    part.share.as_ref().map_or(1.0, |s| at(s, &values(part, v)))
}

/// Share of [`Part::unitary`] that a channel conducts in the mean after long at `v` mV across.
///
/// # Errors
/// Rates that are negative or not finite; states that depend on the beginning.
pub fn steady(part: &Part, v: f64) -> Result<f64, MarkovError> {
    let open = match generator(part, v)? {
        Some(generator) => generator.stationary()?.iter().zip(open(part)).map(|(p, g)| p * g).sum(),
        None => 1.0,
    };
    Ok(open * share(part, v))
}

/// The same at once after a step of the voltage across from 0 mV to `v`.
///
/// # Errors
/// As of [`steady`].
pub fn at_once(part: &Part, v: f64) -> Result<f64, MarkovError> {
    Ok(steady(part, 0.0)? / share(part, 0.0) * share(part, v))
}
