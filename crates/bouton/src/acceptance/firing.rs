//! A neuron into which a current flows: when it fires.

use super::{Measures, one};
use crate::lower;
use crate::response::ResponseError;
use crate::simulation::{Cancel, Progress, run};
use model::catalogue::{Catalogue, Entry};
use model::diagnostic::Diagnostics;
use model::read::{Number, Read};
use model::resolve;
use model::units::{Dimension, Quantity};

/// When the current begins, ms.
const ONSET: f64 = 10.0;

/// Spikes, the first's latency, first and last interval; from rest, at the entry's own temperature.
pub(super) fn measure(entry: &Entry, check: &Read, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    let number = |f: &str| check.number(f).map(Number::value);
    let current = number("current").ok_or(ResponseError::Nothing("`current` is missing"))?;
    let end = ONSET + number("duration").unwrap_or(500.0);
    let root = entry.body.named("section").first().map_or("soma", |(k, _)| k.name.as_str());
    let text = format!(
        "temperature = \"{} degC\"\nduration = \"{end} ms\"\ncell.c.use = \"{}\"\n\
         clamp.push = {{ at = \"c.{root}\", current = \"{current} pA\", start = \"{ONSET} ms\" }}\n",
        entry.temperature - 273.15,
        entry.name
    );
    let mut outcome = resolve::model("the neuron under a current", text.into(), catalogue);
    let said = |d: &Diagnostics, o: &resolve::Outcome| ResponseError::Recipe(d.render(&o.sources, false));
    let Some(resolved) = outcome.resolved.pop() else { return Err(said(&outcome.diagnostics, &outcome)) };
    let mut out = Diagnostics::default();
    let plan = lower::model(&resolved, &mut out).ok_or_else(|| said(&out, &outcome))?;
    let ran = run(&[plan], "", 1, &Progress::default(), &Cancel::new());
    let recording = ran.map_err(|fault| ResponseError::Recipe(fault.to_string()))?.recording;
    let spikes: Vec<f64> = recording.conditions[0].events.iter().map(|e| e.at).collect();
    let intervals: Vec<f64> = spikes.windows(2).map(|w| w[1] - w[0]).collect();
    let time =
        |name: &str, ms: Option<f64>| (name.to_owned(), ms.map(|value| Quantity { value, dimension: Dimension::TIME }));
    Ok(vec![
        one("spikes", spikes.len() as f64, Dimension::NONE),
        time("latency", spikes.first().map(|at| at - ONSET)),
        time("first_interval", intervals.first().copied()),
        time("last_interval", intervals.last().copied()),
    ])
}
