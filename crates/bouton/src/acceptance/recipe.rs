//! A recipe put between two plain cells, built whole, and looked at before anything happens.

use super::{Measures, one};
use crate::lower;
use crate::response::ResponseError;
use crate::simulation::Release;
use model::catalogue::{Catalogue, Entry};
use model::diagnostic::Diagnostics;
use model::resolve;
use model::units::Dimension;

/// Rates at rest of the whole terminal: fusions from resting calcium alone, and openings of calcium channels.
pub(super) fn at_rest(entry: &Entry, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    let text = format!(
        r#"
duration = "1 ms"
temperature = "{} degC"
solution.bath = {{ na = "140 mM", k = "3 mM", cl = "130 mM", ca = "2 mM", mg = "1 mM", hco3 = "24 mM" }}
space.ecs = {{ volume_fraction = 0.2, tortuosity = 1.6, glial_membrane = "1.4 um2/um3" }}
cell.sender = {{ times = ["0 ms"] }}
cell.receiver = {{ membrane = {{ area = "1000 um2" }}, channel.leak = {{ use = "channel/leak", density = "0.05 mS/cm2" }}, inside = {{ cl = "7 mM", hco3 = "15 mM", k = "140 mM", na = "10 mM" }} }}
synapse.s = {{ from = "sender.axon", to = "receiver.soma", use = "{}" }}
"#,
        entry.temperature - 273.15,
        entry.name
    );
    let mut outcome = resolve::model("the recipe between two cells", text.into(), catalogue);
    let said = |d: &Diagnostics, o: &resolve::Outcome| ResponseError::Recipe(d.render(&o.sources, false));
    let Some(resolved) = outcome.resolved.pop() else { return Err(said(&outcome.diagnostics, &outcome)) };
    let mut out = Diagnostics::default();
    let Some(plan) = lower::model(&resolved, &mut out) else { return Err(said(&out, &outcome)) };
    let Release::Mechanism(m) = &plan.synapses[0].sending.release else {
        return Err(ResponseError::Nothing("the recipe has no release sensor"));
    };
    let sensor = m.terminal.sensor();
    let fusions = m.terminal.sites() as f64 * sensor.spontaneous_rate();
    let currents = crate::simulation::at(&m.kinds, 0.0)?;
    let unit = currents.currents().first().copied().unwrap_or(0.0);
    Ok(vec![
        one("fusions", fusions, Dimension::RATE),
        one("openings", m.terminal.openings(), Dimension::RATE),
        one("unit_current", unit, Dimension::CURRENT),
    ])
}
