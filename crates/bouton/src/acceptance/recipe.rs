//! A recipe put between two plain cells, built whole, and looked at: before anything happens, and when it is used.

use super::{Measures, one};
use crate::lower;
use crate::recording::{Condition, summary};
use crate::response::ResponseError;
use crate::simulation::{Cancel, Plan, Progress, Release, run};
use model::catalogue::{Catalogue, Entry};
use model::diagnostic::{Diagnostics, Sources};
use model::read::{Number, Read};
use model::resolve;
use model::units::{Dimension, Quantity};

/// Trials of `evoked`.
const TRIALS: u64 = 200;
/// When the sender fires, ms.
const SPIKE: f64 = 2.0;

/// The recipe as synapse `s` of a model at its own temperature, without some of its parts, with more said. Its sender only
/// spikes, so that gap junctions are left out, too.
fn plan(entry: &Entry, catalogue: &Catalogue, without: &[&str], more: &str) -> Result<Plan, ResponseError> {
    let junction = entry.body.table("junction").map(|_| "junction");
    let without: Vec<&str> = without.iter().copied().chain(junction).collect();
    let text = format!(
        r#"
temperature = "{} degC"
detail = "mean"
solution.bath = {{ na = "140 mM", k = "3 mM", cl = "130 mM", ca = "2 mM", mg = "1 mM", hco3 = "24 mM" }}
space.ecs = {{ volume_fraction = 0.2, tortuosity = 1.6, glial_membrane = "1.4 um2/um3" }}
cell.sender = {{ times = ["{SPIKE} ms"] }}
cell.receiver = {{ membrane = {{ area = "1000 um2" }}, channel.leak = {{ use = "channel/leak", density = "0.05 mS/cm2" }}, inside = {{ cl = "7 mM", hco3 = "15 mM", k = "140 mM", na = "10 mM" }} }}
synapse.s.from = "sender.axon"
synapse.s.to = "receiver.soma"
synapse.s.use = "{}"
synapse.s.without = {without:?}
{more}
"#,
        entry.temperature - 273.15,
        entry.name
    );
    let mut outcome = resolve::model("the recipe between two cells", text.into(), catalogue);
    let said = |d: &Diagnostics, o: &resolve::Outcome| ResponseError::Recipe(d.render(&o.sources, false));
    let Some(resolved) = outcome.resolved.pop() else { return Err(said(&outcome.diagnostics, &outcome)) };
    let mut out = Diagnostics::default();
    lower::model(&resolved, &mut out).ok_or_else(|| said(&out, &outcome))
}

/// Runs it on one thread.
fn ran(plan: Plan) -> Result<Condition, ResponseError> {
    let mut outcome = run(&[plan], "", 1, &Progress::default(), &Cancel::new())
        .map_err(|fault| ResponseError::Recipe(fault.to_string()))?;
    Ok(outcome.recording.conditions.remove(0))
}

/// Mean over trials of what a measure takes; `None` if no trial has it.
fn mean(condition: &Condition, name: &str, quantity: &str) -> Option<f64> {
    let found = condition.measures.iter().find(|m| m.name == name && m.quantity == quantity)?;
    Some(summary(found).mean).filter(|x| x.is_finite())
}

/// Rates at rest of the whole terminal: fusions from resting calcium alone, and openings of calcium channels.
pub(super) fn at_rest(entry: &Entry, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    let plan = plan(entry, catalogue, &[], "duration = \"3 ms\"")?;
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

/// The gap junctions of a recipe: their conductance between cells at the same voltage, and the coupling coefficient of two
/// cells alike with a leak, g / (g + leak).
pub(super) fn junction(entry: &Entry, check: &Read, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    let junction = entry.body.table("junction").ok_or(ResponseError::Nothing("the recipe has no gap junctions"))?;
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let part = match junction.text("use") {
        Some(used) => {
            let channel =
                catalogue.entry(used, &mut sources, &mut out).ok_or(ResponseError::Nothing("`use` cannot be read"))?;
            Some(resolve::part(&channel, entry.temperature, junction, &sources, &mut out))
        }
        None => None,
    };
    let number = |f: &str| junction.number(f).map(Number::value);
    let counted = || {
        let unitary = part.as_ref().map_or(number("unitary"), |p| p.unitary)?;
        let open = number("open").unwrap_or(1.0) * part.as_ref().map_or(1.0, |p| p.at_rest);
        Some(*junction.count("channels")? as f64 * open * unitary)
    };
    let conductance = number("conductance").or_else(counted);
    let coupling = conductance.zip(check.number("leak").map(Number::value)).map(|(g, leak)| g / (g + leak));
    let quantity = |value: Option<f64>, dimension| value.map(|value| Quantity { value, dimension });
    Ok(vec![
        ("conductance".into(), quantity(conductance, Dimension::CONDUCTANCE)),
        ("coupling".into(), quantity(coupling, Dimension::NONE)),
    ])
}

/// The current of one vesicle of mean content at a clamped receiver, for `duration` or 50 ms; with a drug, over that
/// without it.
pub(super) fn quantum(entry: &Entry, check: &Read, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    const TAKE: [(&str, Dimension); 5] = [
        ("amplitude", Dimension::CURRENT),
        ("rise_20_80", Dimension::TIME),
        ("half_decay", Dimension::TIME),
        ("decay", Dimension::TIME),
        ("decay_weighted", Dimension::TIME),
    ];
    let number = |f: &str| check.number(f).map(Number::value);
    let without: Vec<&str> =
        [("terminal.sensor", true), ("terminal.channel", true), ("spine", entry.body.table("spine").is_some())]
            .into_iter()
            .filter_map(|(part, there)| there.then_some(part))
            .collect();
    let words: Vec<&str> = TAKE.iter().map(|t| t.0).collect();
    let base = format!(
        "duration = \"{} ms\"\nsynapse.s.terminal.molecules_cv = 0\n\
         clamp.ideal = {{ at = \"receiver.soma\", hold = \"{} mV\" }}\nmeasure.q = {{ of = \"s.current\", take = {words:?} }}\n",
        SPIKE + number("duration").unwrap_or(50.0),
        number("v").unwrap_or(-70.0),
    );
    let alone = ran(plan(entry, catalogue, &without, &base)?)?;
    let of = |c: &Condition, ratio: bool| -> Measures {
        let quantity = |word: &str, own: Dimension| {
            let value = mean(c, "q", word)?;
            Some(match ratio {
                true => Quantity { value: value / mean(&alone, "q", word)?, dimension: Dimension::NONE },
                false => Quantity { value, dimension: own },
            })
        };
        TAKE.iter().map(|(word, own)| ((*word).to_owned(), quantity(word, *own))).collect()
    };
    let Some(drug) = check.text("drug") else { return Ok(of(&alone, false)) };
    let bath = number("concentration").ok_or(ResponseError::Nothing("`concentration` of the drug is missing"))?;
    let dosed = format!("{base}drug.given = {{ use = \"{drug}\", bath = \"{bath} mM\" }}\n");
    Ok(of(&ran(plan(entry, catalogue, &without, &dosed)?)?, true))
}

/// What an action potential does: release, its latency, and the delay from the peak of the action potential in the
/// terminal to a tenth of the current's peak.
pub(super) fn evoked(entry: &Entry, check: &Read, catalogue: &Catalogue) -> Result<Measures, ResponseError> {
    let hold = check.number("v").map_or(-70.0, Number::value);
    let without: &[&str] = if entry.body.table("spine").is_some() { &["spine"] } else { &[] };
    let more = format!(
        "duration = \"12 ms\"\ntrials = {TRIALS}\n\
         clamp.ideal = {{ at = \"receiver.soma\", hold = \"{hold} mV\" }}\n\
         measure.q = {{ of = \"s.current\", take = [\"onset\", \"amplitude\"] }}\n\
         measure.v = {{ of = \"s.terminal.voltage\", take = [\"time_of_peak\"] }}\n"
    );
    let condition = ran(plan(entry, catalogue, without, &more)?)?;
    let fact = |key: &str, dimension: Dimension| {
        let found = condition.facts.iter().find(|f| f.key == format!("s.{key}"));
        (key.to_owned(), found.map(|f| Quantity { value: f.value, dimension }))
    };
    let delay = || Some(mean(&condition, "q", "onset")? - mean(&condition, "v", "time_of_peak")?);
    let quantity = |value: Option<f64>, dimension| value.map(|value| Quantity { value, dimension });
    Ok(vec![
        fact("release_probability", Dimension::NONE),
        fact("vesicles_released", Dimension::NONE),
        fact("latency", Dimension::TIME),
        fact("jitter", Dimension::TIME),
        ("delay".into(), quantity(delay(), Dimension::TIME)),
        ("amplitude".into(), quantity(mean(&condition, "q", "amplitude"), Dimension::CURRENT)),
    ])
}
