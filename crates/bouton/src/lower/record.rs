//! What is recorded and taken: the file's probes and measures, and what the report shows of any model.

use super::context::{Lowering, value};
use super::{Folded, observable};
use crate::simulation::{
    ClampKind, Effect, MeasurePlan, OfJunction, OfPlain, OfPopulation, OfTerminal, Plan, PopulationPlan, ProbePlan,
    Release, Source, SynapsePlan, Tap, Voltage, Wanted,
};
use ::model::read::Read;
use ::model::resolve::{OF_TERMINAL, member};
use engine::mechanism::ObservableIndex;
use engine::neuron::Site;
use engine::time::Tick;

/// Most samples of a trial.
const MOST_SAMPLES: i64 = 20_000_000;
/// Most numbers that a condition keeps, 8 bytes each: traces by trial, and what measures take.
const MOST_KEPT: f64 = 250e6;
/// Most values that a recording of all compartments of a cell has.
const MOST_OF_TREE: i64 = 4_000_000;
/// Samples of an automatic recording of a trial, at most twice as many: enough to see an action potential in a second.
const POINTS: i64 = 12_000;
/// Bins in which rates are counted of which nobody asked otherwise.
const RATE_BIN: Tick = Tick(5_000_000_000);
/// Trials of which an automatic recording keeps the trace: enough to have releases and failures among them.
const KEPT: u64 = 24;
/// Samples of a trial that are kept of several trials, at most.
const FINEST: i64 = 200_000;
/// Samples of all trials that are kept of an automatic recording, at most.
const ROOM: i64 = 400_000;

/// Fills in the plan's probes and measures.
pub(super) fn record(lowering: &mut Lowering, read: &Read, plan: &mut Plan) -> Option<()> {
    let mut good = true;
    for (_, probe) in read.named("probe") {
        good &= lowering.probe(probe, plan).is_some();
    }
    for (key, measure) in read.named("measure") {
        good &= lowering.measure(&key.name, measure, plan).is_some();
    }
    good = good && lowering.bounded(read, plan);
    automatic(plan);
    good.then_some(())
}

/// The observable of the cleft's own residents that a tap stands for.
pub(super) fn observable_of(synapse: &SynapsePlan, tap: &Tap) -> ObservableIndex {
    let kinetics = &synapse.receptors[tap.receptor].folded.kinetics;
    let same = |o: &ObservableIndex| kinetics.weights(*o) == Some(&tap.weights[..]);
    (0..kinetics.observables() as u16).map(ObservableIndex).find(same).unwrap_or(observable::OPEN)
}

impl Lowering<'_> {
    fn probe(&mut self, probe: &Read, plan: &mut Plan) -> Option<()> {
        let path = probe.text("read")?.to_owned();
        let every = match value(probe, "every") {
            None => plan.step,
            Some(ms) => Tick::from_ms(ms).ok().filter(|t| t.0 > 0)?,
        };
        let span = probe.span_of("every").unwrap_or(&probe.span).clone();
        if plan.duration.0 / every.0 > MOST_SAMPLES {
            let message = format!("`{path}` would be sampled {} times a trial", plan.duration.0 / every.0);
            self.fault(&span, message, &format!("at most {MOST_SAMPLES}: a longer `every`"));
            return None;
        }
        let (long, short) = (every.max(plan.step), every.min(plan.step));
        if long.0 % short.0 != 0 {
            let message =
                format!("`{path}` is sampled every {} ms, but neurons step every {} ms", every.ms(), plan.step.ms());
            self.fault(&span, message, "a whole multiple of numerics.step, or a whole part of it");
            return None;
        }
        self.is_followed(probe.span_of("read").unwrap_or(&probe.span), &path, plan)?;
        let source = source(plan, &path, if every < plan.step { (plan.step.0 / every.0) as usize } else { 0 })?;
        let (path, source) = self.elsewhere(probe, path, source, plan)?;
        self.can_be_seen(probe.span_of("read").unwrap_or(&probe.span), &source, plan)?;
        if every < plan.step && !matches!(source, Source::Cleft { .. } | Source::Tap { .. }) {
            let message =
                format!("`{path}` is computed every {} ms, and cannot be sampled more finely", plan.step.ms());
            self.fault(&span, message, "a longer `every`, or a shorter numerics.step");
            return None;
        }
        if let Source::Cleft { synapse } = source
            && every < plan.step
            && plan.fine(synapse).is_some_and(|other| other != every)
        {
            self.fault(
                &span,
                format!("`{path}` is sampled at two intervals below numerics.step"),
                "one of them is enough",
            );
            return None;
        }
        let mut average = probe.flag("average").copied().unwrap_or(false);
        if let Source::Tree { width, .. } = source {
            let span = probe.span_of("read").unwrap_or(&probe.span).clone();
            if width < 2 {
                let hint = format!("`{}`", path.replace(".v_m", ".soma.v_m"));
                self.fault(&span, format!("`{path}` is of one compartment only"), &hint);
                return None;
            }
            let values = (plan.duration.0 / every.0 + 1).saturating_mul(i64::from(width));
            if values > MOST_OF_TREE {
                let message = format!("`{path}` would be {values} values, of {width} compartments");
                self.fault(
                    &span,
                    message,
                    &format!("at most {MOST_OF_TREE}: a longer `every`, e.g. `every = \"0.1 ms\"`"),
                );
                return None;
            }
            // Of single trials of a whole cell nobody could keep many.
            average = true;
        }
        let keep = if average { 0 } else { probe.count("keep").copied().unwrap_or(u64::MAX) };
        plan.probes.push(ProbePlan { path, source, every, wanted: Wanted::Probe, keep });
        Some(())
    }

    /// Whether what is recorded fits into memory; said of the whole, since each alone may.
    fn bounded(&mut self, read: &Read, plan: &Plan) -> bool {
        let samples = |p: &ProbePlan| (plan.duration.0 / p.every.0 + 1).saturating_mul(p.source.width() as i64);
        let all: i64 = plan.probes.iter().map(samples).sum();
        if all > MOST_SAMPLES {
            let span = read.span_of("duration").unwrap_or(&read.span).clone();
            let message = format!("probes and measures would take {all} samples a trial");
            let hint = format!("at most {MOST_SAMPLES}: fewer of them, a longer `every` or numerics.step, less time");
            self.fault(&span, message, &hint);
            return false;
        }
        let traces: f64 = plan.probes.iter().map(|p| p.keep.min(plan.trials) as f64 * samples(p) as f64).sum();
        let taken: usize = plan.measures.iter().map(|m| m.take.len()).sum();
        // A quarter: the list of what is to be done.
        let kept = traces + plan.trials as f64 * (taken as f64 + 0.25);
        if kept > MOST_KEPT {
            let span = read.span_of("trials").unwrap_or(&read.span).clone();
            let message = format!("{} trials would keep {:.0} million numbers in memory", plan.trials, kept * 1e-6);
            let hint = "at most 250 million: fewer trials, or `average = true` or `keep = 100` in the probes";
            self.fault(&span, message, hint);
            return false;
        }
        true
    }

    /// Whether a quantity of a population is one that it has.
    fn is_followed(&mut self, span: &::model::diagnostic::Span, path: &str, plan: &Plan) -> Option<()> {
        let names: Vec<&str> = path.split('.').collect();
        if let [name, "junction", "current"] = names[..]
            && plan.circuit.as_ref().is_some_and(|c| c.gaps.iter().any(|g| g.name == name && !g.single()))
        {
            let hint = "what passes between two single cells, `from = \"pyr[0].soma\"`; or `conductance`, `strength`";
            self.fault(span, format!("`{path}` is of many junctions, whose currents have no sum"), hint);
            return None;
        }
        if names[1] != "junction" && plan.circuit.as_ref().is_some_and(|c| c.joined.iter().any(|j| j.name == names[0]))
        {
            let hint = "what all synapses do to one cell shows in its voltage, e.g. `pyr[0].soma.v_m`";
            self.fault(span, format!("`{path}` is not followed: in a circuit, conductances of a kind are one"), hint);
            return None;
        }
        let of = plan.populations.iter().find(|p| p.name == names[0]);
        if of.is_none_or(|p| of_population(p, &names).is_some()) {
            return Some(());
        }
        let hint =
            "terminal.docked, terminal.released, the cleft's transmitter, receptors but for their spread, current";
        self.fault(span, format!("`{path}` is not followed at the level `event`"), hint);
        None
    }

    /// Whether a place has a voltage and a terminal vesicles of a size, and says so if not.
    fn can_be_seen(&mut self, span: &::model::diagnostic::Span, source: &Source, plan: &Plan) -> Option<()> {
        if let Source::Terminal { synapse, quantity: OfTerminal::Capacitance } = *source
            && plan.synapses[synapse].sending.vesicle.is_none()
        {
            let at = format!("synapse.{}.terminal.vesicle_diameter", plan.synapses[synapse].name);
            self.fault(span, format!("the capacitance needs `{at}`"), "vesicle_diameter = \"45 nm\"");
            return None;
        }
        if let Source::Terminal { synapse, quantity } = *source
            && quantity.supplied()
        {
            let synapse = &plan.synapses[synapse];
            let of_precursor = matches!(quantity, OfTerminal::Precursor | OfTerminal::PrecursorOutside);
            if !synapse.supply.as_deref().is_some_and(|s| s.plan.made() || !of_precursor) {
                let which = if synapse.supply.is_some() { "supply.precursor" } else { "supply" };
                let message = format!("that needs `synapse.{}.terminal.{which}`, which is not there", synapse.name);
                self.fault(span, message, "a recipe with a supply, such as synapse/neuromuscular_junction_choline");
                return None;
            }
        }
        if let Source::Concentration { cell, compartment, ion } = *source
            && let Voltage::Membrane { cell: lowered, rest } = &plan.cells[cell].voltage
            && rest.concentration(&lowered.plan, Site { block: 0, compartment, lane: 0 }, ion).is_none()
        {
            let message = format!("there is no pool of {} in {}", lowered.ions[ion], lowered.layout.place(compartment));
            self.fault(span, message, "a place where one is, or `on` of the pool said otherwise");
            return None;
        }
        let Source::Membrane { cell, .. } = *source else { return Some(()) };
        let cell = &plan.cells[cell];
        if !matches!(cell.voltage, Voltage::Spikes(_) | Voltage::Poisson(_)) {
            return Some(());
        }
        let message = format!("`{}` only spikes: there is no voltage to record", cell.name);
        self.fault(span, message, "a cell with a `membrane` or a `course`; its spikes are recorded anyway");
        None
    }

    /// The same of a transmitter, at the `distance` that was said.
    fn elsewhere(&mut self, said: &Read, path: String, source: Source, plan: &mut Plan) -> Option<(String, Source)> {
        let Some(distance) = value(said, "distance") else { return Some((path, source)) };
        let span = said.span_of("distance").unwrap_or(&said.span).clone();
        let Source::Cleft { synapse } = source else {
            self.fault(
                &span,
                format!("`{path}` is at one place only"),
                "a `distance` is for a transmitter: contact.cleft.glutamate",
            );
            return None;
        };
        let of = &mut plan.synapses[synapse];
        let edge = of.cleft.edges().last().copied().unwrap_or(0.0);
        if distance > edge {
            let message = format!("`{path}` is followed to {edge} um from the centre, not to {distance} um");
            self.fault(&span, message, "a shorter distance, or a larger numerics.reach");
            return None;
        }
        let around = of.cleft.around(distance);
        let start = of.cleft.start();
        let rest = of.cleft.concentrations(&start);
        let resting = around.iter().fold(0.0, |sum, (shell, share)| sum + share * rest[*shell]);
        of.distant.push((around, resting));
        let place = of.distant.len() - 1;
        Some((format!("{path} at {} nm", (distance * 1e3 * 1e6).round() * 1e-6), Source::Distant { synapse, place }))
    }

    /// When the `k`-th spike is of the sender that a measure is about, and the one after it, ms.
    fn nth_spike(
        &mut self,
        name: &str,
        measure: &Read,
        mut source: Source,
        plan: &Plan,
        k: usize,
    ) -> Option<(f64, Option<f64>)> {
        let span = measure.span_of("spike").unwrap_or(&measure.span);
        if measure.get("after").is_some() {
            self.fault(span, format!("`measure.{name}` begins at a spike, and at a time"), "either `spike` or `after`");
            return None;
        }
        let mut senders: Vec<usize> = match source.synapse_mut() {
            Some(s) => vec![plan.synapses[*s].from.0],
            None => match source {
                Source::Plain { plain, .. } => vec![plan.plain[plain].from.0],
                _ => senders_of(plan).collect(),
            },
        };
        senders.sort_unstable();
        senders.dedup();
        senders.retain(|&c| matches!(plan.cells[c].voltage, Voltage::Spikes(_)));
        let (&[sender], Voltage::Spikes(times)) = (&senders[..], &plan.cells[*senders.first().unwrap_or(&0)].voltage)
        else {
            let what =
                if senders.is_empty() { "no sender has spike times of its own" } else { "there are several senders" };
            let hint = "`after = \"10 ms\"`, or measure what belongs to one synapse, e.g. `contact.current`";
            self.fault(span, format!("`spike` of `measure.{name}`: {what}"), hint);
            return None;
        };
        let Some(at) = times.get(k - 1) else {
            let what = format!(
                "`{}` has {} spikes, and `measure.{name}` asks for number {k}",
                plan.cells[sender].name,
                times.len()
            );
            self.fault(span, what, "count from 1");
            return None;
        };
        Some((at.ms(), times.get(k).map(|t| t.ms())))
    }

    fn measure(&mut self, name: &str, measure: &Read, plan: &mut Plan) -> Option<()> {
        let path = measure.text("of")?.to_owned();
        self.is_followed(measure.span_of("of").unwrap_or(&measure.span), &path, plan)?;
        let source = source(plan, &path, 0)?;
        let (path, source) = self.elsewhere(measure, path, source, plan)?;
        self.can_be_seen(measure.span_of("of").unwrap_or(&measure.span), &source, plan)?;
        let first = senders_of(plan).filter_map(|from| match &plan.cells[from].voltage {
            Voltage::Spikes(times) => times.first().map(|t| t.ms()),
            _ => None,
        });
        let first = first.min_by(f64::total_cmp);
        let end = plan.duration.ms();
        let (after, next) = match measure.count("spike") {
            Some(&k) => {
                let (at, next) = self.nth_spike(name, measure, source, plan, k as usize)?;
                (Some(at), next.unwrap_or(end))
            }
            None => (value(measure, "after").or(first), end),
        };
        let after = after.unwrap_or(0.0);
        let until = value(measure, "until").unwrap_or(next).min(end);
        if after >= until {
            let span = measure.span_of("after").or_else(|| measure.span_of("until")).unwrap_or(&measure.span).clone();
            let what = format!("the window of `measure.{name}`, from {after} ms to {until} ms, ");
            if after >= plan.duration.ms() {
                let hint = "a longer duration, or an earlier `after`, which is the first spike if not said";
                self.fault(&span, what + "begins when the trial is over", hint);
            } else {
                self.fault(&span, what + "ends before it begins", "after < until");
            }
            return None;
        }
        let take = match measure.get("take") {
            Some(::model::read::Typed::Words(words)) => words.clone(),
            _ => Vec::new(),
        };
        let threshold = value(measure, "threshold");
        if take.contains(&"safety_factor") && threshold.is_none() {
            let span = measure.span_of("take").unwrap_or(&measure.span).clone();
            let message =
                format!("the safety factor of `measure.{name}` needs the voltage at which the receiver fires");
            self.fault(&span, message, "threshold = \"-70 mV\"");
            return None;
        }
        let reversal = value(measure, "reversal").unwrap_or(0.0);
        if let Some(word) = take.iter().find(|w| ["spike_onset", "spike_threshold"].contains(*w))
            && source.unit() != "mV"
        {
            let span = measure.span_of("take").unwrap_or(&measure.span).clone();
            let message = format!("`{word}` of `measure.{name}` is of a voltage, and `{path}` is none");
            self.fault(&span, message, "of = \"receiver.soma.v_m\"");
            return None;
        }
        let slope = value(measure, "slope").unwrap_or(20.0);
        let probe = plan.probes.len();
        plan.probes.push(ProbePlan { path, source, every: plan.step, wanted: Wanted::Measure, keep: 0 });
        let name = name.to_owned();
        plan.measures.push(MeasurePlan { name, probe, take, after, until, threshold, reversal, slope });
        Some(())
    }
}

/// Sending cells, synapse by synapse.
fn senders_of(plan: &Plan) -> impl Iterator<Item = usize> + '_ {
    plan.synapses.iter().map(|s| s.from.0).chain(plan.plain.iter().map(|p| p.from.0))
}

/// The quantity behind a path; `resolve` has seen that it exists, but for parts that a condition lacks.
pub(super) fn source(plan: &mut Plan, path: &str, samples: usize) -> Option<Source> {
    let names: Vec<&str> = path.split('.').collect();
    if names[0] == "clamp" {
        let k = plan.clamps.iter().position(|c| c.name == names[1])?;
        return Some(if names[2] == "current" { Source::ClampCurrent(k) } else { Source::ClampVoltage(k) });
    }
    if let Some(population) = plan.populations.iter().position(|p| p.name == names[0]) {
        let quantity = of_population(&plan.populations[population], &names)?;
        return Some(Source::Population { population, quantity });
    }
    if let Some(plain) = plan.plain.iter().position(|p| p.name == names[0]) {
        let quantity = if names[1] == "g" { OfPlain::Conductance } else { OfPlain::Current };
        return Some(Source::Plain { plain, quantity });
    }
    if let [name, "junction", quantity] = names[..] {
        let gap = plan.circuit.as_ref()?.gaps.iter().position(|g| g.name == name)?;
        let quantity = match quantity {
            "current" => OfJunction::Current,
            "conductance" => OfJunction::Conductance,
            _ => OfJunction::Strength,
        };
        return Some(Source::Junction { gap, quantity });
    }
    if names[0] == "drug" {
        return plan.drugs.iter().position(|d| d == names[1]).map(Source::Bath);
    }
    let Some(synapse) = plan.synapses.iter().position(|s| s.name == names[0]) else {
        let (name, number, _) = member(path);
        let cell = super::model::find(&plan.cells, (name, number))?;
        if names[1..] == ["rate"] {
            return Some(Source::Rate(cell));
        }
        if names[1..] == ["v_m"] {
            let width = match &plan.cells[cell].voltage {
                Voltage::Membrane { cell, .. } => cell.plan.compartments(0) as u32,
                _ => 1,
            };
            return Some(Source::Tree { cell, width });
        }
        let (place, quantity) = path[names[0].len() + 1..].rsplit_once('.').unwrap_or_default();
        if let ("w", Voltage::Point(_)) = (quantity, &plan.cells[cell].voltage) {
            return Some(Source::Adaptation(cell));
        }
        let Voltage::Membrane { cell: lowered, .. } = &plan.cells[cell].voltage else {
            return Some(Source::Membrane { cell, compartment: 0 });
        };
        if quantity == "current" || quantity == "open" {
            let (place, name) = place.rsplit_once('.')?;
            let channel = lowered.channels.iter().position(|c| c.name == name)?;
            let compartment = lowered.layout.compartment(place);
            return Some(match quantity {
                "current" => Source::ChannelCurrent { cell, compartment, channel },
                _ => Source::ChannelOpen { cell, compartment, channel },
            });
        }
        let compartment = lowered.layout.compartment(place);
        if let Some(ion) = lowered.ions.iter().position(|ion| ion == quantity) {
            return Some(Source::Concentration { cell, compartment, ion });
        }
        return Some(Source::Membrane { cell, compartment });
    };
    match names[1] {
        "current" => Some(Source::SynapseCurrent { synapse }),
        "terminal" => {
            let all = [
                OfTerminal::Voltage,
                OfTerminal::CalciumCurrent,
                OfTerminal::OpenChannels,
                OfTerminal::SensorCalcium,
                OfTerminal::Calcium,
                OfTerminal::Docked,
                OfTerminal::Released,
                OfTerminal::Capacitance,
                OfTerminal::Content,
                OfTerminal::Cytosol,
                OfTerminal::Precursor,
                OfTerminal::PrecursorOutside,
            ];
            let quantity = all[OF_TERMINAL.iter().position(|q| *q == names[2])?];
            Some(Source::Terminal { synapse, quantity })
        }
        "cleft" => Some(Source::Cleft { synapse }),
        "receptor" => {
            let receptor = plan.synapses[synapse].receptors.iter().position(|r| r.name == names[2])?;
            if names[3] == "current" {
                return Some(Source::ReceptorCurrent { synapse, receptor });
            }
            if names[3] == "spread" {
                return Some(Source::Spread { synapse, receptor });
            }
            let of = &plan.synapses[synapse].receptors[receptor];
            let which = match names[3] {
                "open" => observable::OPEN,
                "conductance" => observable::CONDUCTANCE,
                state => Folded::in_state(of.states.iter().position(|s| s == state)?),
            };
            let weights = of.folded.kinetics.weights(which)?.to_vec();
            let taps = &mut plan.synapses[synapse].taps;
            taps.push(Tap { receptor, weights, resting: 0.0, samples });
            Some(Source::Tap { synapse, tap: taps.len() - 1 })
        }
        "clearance" => {
            let list = &plan.synapses[synapse].clearance;
            let clearance = list.iter().position(|c| c.name == names[2])?;
            match names[3] {
                "bound" => Some(Source::Bound { synapse, clearance }),
                "turned_over" => Some(Source::TurnedOver { synapse, clearance }),
                state => {
                    let state = list[clearance].states.iter().position(|s| s == state)?;
                    Some(Source::Occupancy { synapse, clearance, state })
                }
            }
        }
        _ => None,
    }
}

/// A quantity of a population; `None` for what the level `event` does not follow.
fn of_population(population: &PopulationPlan, names: &[&str]) -> Option<OfPopulation> {
    match names[1] {
        "current" => Some(OfPopulation::Current),
        "cleft" => Some(OfPopulation::Ligand),
        "terminal" if names[2] == "docked" => Some(OfPopulation::Docked),
        "terminal" if names[2] == "released" => Some(OfPopulation::Released),
        "receptor" => {
            let receptor = population.receptors.iter().position(|r| r.name == names[2])?;
            match names[3] {
                "open" => Some(OfPopulation::Open(receptor)),
                "conductance" => Some(OfPopulation::Conductance(receptor)),
                "current" => Some(OfPopulation::ReceptorCurrent(receptor)),
                name => {
                    let state = population.receptors[receptor].states.iter().position(|s| s == name)?;
                    Some(OfPopulation::State { receptor, state })
                }
            }
        }
        _ => None,
    }
}

/// What the report shows of any model.
fn automatic(plan: &mut Plan) {
    let every = plan.step * (plan.duration.0 / plan.step.0 / POINTS).max(1);
    let mut wanted = Vec::new();
    if plan.washed {
        wanted.extend(plan.drugs.iter().map(|d| format!("drug.{d}.bath")));
    }
    for synapse in &plan.synapses {
        let name = &synapse.name;
        if matches!(synapse.sending.release, Release::Mechanism(_)) {
            for quantity in ["voltage", "calcium_current", "sensor_calcium", "calcium", "released"] {
                wanted.push(format!("{name}.terminal.{quantity}"));
            }
        }
        if let Some(supply) = &synapse.supply {
            let of_precursor = ["content", "cytosol", "precursor_outside"];
            let all = &of_precursor[..if supply.plan.made() { 3 } else { 2 }];
            wanted.extend(all.iter().map(|quantity| format!("{name}.terminal.{quantity}")));
        }
        wanted.push(format!("{name}.cleft.{}", synapse.transmitter));
        wanted.extend(synapse.receptors.iter().map(|r| format!("{name}.receptor.{}.open", r.name)));
        wanted.push(format!("{name}.current"));
    }
    for population in &plan.populations {
        let name = &population.name;
        wanted.extend(["released", "docked"].map(|quantity| format!("{name}.terminal.{quantity}")));
        wanted.push(format!("{name}.cleft.{}", population.transmitter));
        wanted.extend(population.receptors.iter().map(|r| format!("{name}.receptor.{}.open", r.name)));
        wanted.push(format!("{name}.current"));
    }
    for plain in plan.plain.iter().filter(|p| p.spine.0 == 0) {
        if let Effect::Conductance { .. } = plain.effect {
            wanted.push(format!("{}.g", plain.name));
        }
        wanted.push(format!("{}.current", plain.name));
    }
    for gap in plan.circuit.iter().flat_map(|c| &c.gaps) {
        let name = &gap.name;
        if gap.single() {
            wanted.push(format!("{name}.junction.current"));
        }
        if gap.single() && !gap.ohmic {
            wanted.push(format!("{name}.junction.conductance"));
        }
        if gap.modulated {
            wanted.push(format!("{name}.junction.strength"));
        }
    }
    for clamp in &plan.clamps {
        if matches!(clamp.kind, ClampKind::Voltage { .. } | ClampKind::Conductance { .. }) {
            wanted.push(format!("clamp.{}.current", clamp.name));
        }
    }
    for cell in &plan.cells {
        if cell.circuit.is_some() {
            if !cell.name.contains('[') {
                wanted.push(format!("{}.rate", cell.name));
            }
            // Of many the first.
            if cell.count > 1 || (cell.name.contains('[') && !cell.name.ends_with("[0]")) {
                continue;
            }
        }
        if let Voltage::Point(_) = &cell.voltage {
            wanted.push(format!("{}.soma.v_m", cell.name));
        }
        if let Voltage::Membrane { cell: lowered, .. } = &cell.voltage {
            let root = lowered.layout.root();
            wanted.push(format!("{}.{root}.v_m", cell.name));
        }
    }
    for path in wanted {
        let mut every = every;
        // A probe of the file shows it better, unless it keeps no single trials.
        if let Some(asked) = plan.probes.iter().find(|p| p.path == path && p.wanted == Wanted::Probe) {
            if asked.keep >= KEPT {
                continue;
            }
            if plan.duration.0 / asked.every.0 <= FINEST {
                every = asked.every;
            }
        }
        let samples = if every < plan.step { (plan.step.0 / every.0) as usize } else { 0 };
        if path.ends_with(".rate") || path.ends_with(".junction.strength") {
            every = plan.step * (RATE_BIN.0 / plan.step.0).max(1);
        }
        if let Some(source) = source(plan, &path, samples) {
            let keep = KEPT.min((ROOM / (plan.duration.0 / every.0).max(1)).max(4) as u64);
            plan.probes.push(ProbePlan { path, source, every, wanted: Wanted::Report, keep });
        }
    }
}
