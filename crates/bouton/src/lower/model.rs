//! The whole of a condition: cells, synapses, pipettes, recordings, bound together.

use super::cell::Spine;
use super::context::{Lowering, value};
use super::supply::Around;
use super::terminal::{RESTING, Sender};
use super::{Folded, observable, record};
use crate::recording;
use crate::simulation::{CellPlan, Detail, PlainPlan, Plan, PopulationPlan, Source, SynapsePlan, Tap, Voltage};
use ::model::diagnostic::Diagnostics;
use ::model::read::Read;
use ::model::resolve::{Resolved, electrical, member};
use engine::cleft::Tolerance;
use engine::neuron::Site;
use engine::terminal::action_potential::ActionPotential;
use engine::time::Tick;
use std::collections::{BTreeMap, HashMap};

/// Most steps of a trial.
const MOST_STEPS: i64 = 1_000_000_000;

/// Most spikes of a sender in a trial, in the mean.
const MOST_SPIKES: f64 = 1e6;

/// Makes a condition ready to run; what hinders that is in `out`, all of it.
pub fn model(resolved: &Resolved, out: &mut Diagnostics) -> Option<Plan> {
    lowered(resolved, None, false, out)
}

/// The same with all synapses that have a cleft of their own at one level, whatever the file says.
pub fn at_level(resolved: &Resolved, level: Detail, out: &mut Diagnostics) -> Option<Plan> {
    lowered(resolved, Some(level), false, out)
}

/// The same, which records what a comparison of levels wants.
pub fn compared(resolved: &Resolved, level: Detail, out: &mut Diagnostics) -> Option<Plan> {
    lowered(resolved, Some(level), true, out)
}

fn lowered(resolved: &Resolved, level: Option<Detail>, compared: bool, out: &mut Diagnostics) -> Option<Plan> {
    let before = out.errors();
    let mut plan = Lowering { resolved, phase: None, finer: 1, level, compared, out }.plan()?;
    for phase in &resolved.phases {
        let later = Lowering { resolved, phase: Some((phase, &plan)), finer: 1, level, compared, out }.plan()?;
        plan.later.push((plan.step * phase.from, later));
    }
    Some(plan).filter(|_| out.errors() == before)
}

/// The cells of a condition that have sections, each compartment cut into `finer` once more; without those that cannot be
/// built.
pub(super) fn shaped(resolved: &Resolved, finer: u64) -> Vec<(String, super::LoweredCell)> {
    let read = &resolved.read;
    let mut out = Diagnostics::default();
    let mut lowering = Lowering { resolved, phase: None, finer, level: None, compared: false, out: &mut out };
    let cells = read.named("cell").iter().filter(|(key, _)| resolved.shapes.contains_key(&key.name));
    let lower = |(key, cell): &(::model::tree::Key, Read)| {
        let lowered = lowering.cell(&key.name, cell, &spines(read, &key.name))?;
        Some((key.name.clone(), lowered))
    };
    cells.filter_map(lower).collect()
}

impl Lowering<'_> {
    fn plan(&mut self) -> Option<Plan> {
        let read = &self.resolved.read;
        let step = self.tick("step", 0.025);
        let duration = self.duration(read, step)?;
        let (mut cells, mut failed) = self.cells(read, duration);
        let circuit = super::circuit::is_circuit(read);
        if circuit {
            self.number(read, &mut cells)?;
            failed.resize(cells.len(), false);
        }
        let mut joint = circuit.then(super::circuit::Joint::default);
        let (synapses, populations, mut plain, wires) = self.synapses(read, &cells, &failed, joint.as_mut());
        super::point::wire(&mut cells, &mut plain);
        let clamps = self.clamps(read, &cells, duration);
        if failed.contains(&true)
            || synapses.len()
                + populations.len()
                + plain.iter().filter(|p| p.spine.0 == 0).count()
                + joint.as_ref().map_or(0, |j| j.synapses.len())
                < read.named("synapse").iter().filter(|(_, s)| !electrical(s)).count()
            || joint.as_ref().map_or(0, |j| j.junctions.gaps.len())
                < read.named("synapse").iter().filter(|(_, s)| s.get("junction").is_some()).count()
            || clamps.len() < read.named("clamp").len()
        {
            return None;
        }
        let tolerance = read.table("numerics").and_then(|n| value(n, "tolerance")).unwrap_or(1e-3);
        let default = Tolerance::default();
        let share = tolerance / default.relative;
        // In a circuit all go together.
        let order = if circuit { (0..cells.len()).collect() } else { order(&cells, &synapses, &plain) };
        let mut plan = Plan {
            name: self.resolved.condition.clone().unwrap_or_default(),
            swept: self.resolved.swept.as_ref().map(swept),
            seed: read.count("seed").copied().unwrap_or(1),
            trials: read.count("trials").copied().unwrap_or(1),
            temperature: self.resolved.temperature,
            duration,
            step,
            tolerance: Tolerance {
                relative: tolerance,
                concentration: default.concentration * share,
                occupancy: default.occupancy * share,
            },
            cells,
            synapses,
            populations,
            plain,
            circuit: None,
            clamps,
            probes: Vec::new(),
            measures: Vec::new(),
            order,
            drugs: self.resolved.baths.iter().map(|(name, _)| name.clone()).collect(),
            baths: match self.phase {
                Some((phase, _)) => phase.baths.clone(),
                None => self.resolved.baths.iter().map(|(_, c)| *c).collect(),
            },
            washed: !self.resolved.phases.is_empty(),
            grouped: false,
            later: Vec::new(),
        };
        self.settle(read, &mut plan)?;
        if let Some(joint) = joint {
            self.circuit(read, &mut plan, joint)?;
        }
        if self.compared {
            super::comparison::record(&mut plan);
        } else {
            record::record(self, read, &mut plan)?;
        }
        super::circuit::watch(&mut plan);
        if plan.washed {
            for probe in &plan.probes {
                if let Source::Occupancy { synapse, clearance, state } = probe.source {
                    plan.synapses[synapse].watched.push((clearance, state));
                }
            }
        }
        super::molecules::watch(&mut plan);
        for synapse in &mut plan.synapses {
            let rest = synapse.cleft.start();
            for tap in &mut synapse.taps {
                let receptor = &synapse.receptors[tap.receptor];
                let mut law = vec![0.0; tap.weights.len()];
                synapse.cleft.occupancies(&rest, tap.receptor, &mut law);
                let mean: f64 = tap.weights.iter().zip(&law).map(|(w, p)| w * p).sum();
                tap.resting = f64::from(receptor.count) * mean;
            }
            let taps = synapse.taps.iter().map(|t| (t.receptor, record::observable_of(synapse, t)));
            let states = synapse.watched.iter().map(|&(k, s)| (synapse.clearance[k].resident, Folded::in_state(s)));
            let list: Vec<_> = taps.chain(states).collect();
            synapse.watch = synapse.cleft.watch(&list).ok()?;
            synapse.mute = super::cleft::mute(synapse);
        }
        part(&mut plan, &wires);
        Some(plan)
    }

    fn duration(&mut self, read: &Read, step: Tick) -> Option<Tick> {
        let span = read.span_of("duration").unwrap_or(&read.span).clone();
        let asked = Tick::from_ms(value(read, "duration")?).ok();
        let Some(asked) = asked.filter(|t| t.0 / step.0 <= MOST_STEPS) else {
            let message = format!("the duration is more than {MOST_STEPS} steps of {} ms", step.ms());
            self.fault(&span, message, "a shorter duration, or a longer numerics.step");
            return None;
        };
        Some(step * ((asked.0 + step.0 - 1) / step.0).max(1))
    }

    /// Cells, and which of them could not be built.
    fn cells(&mut self, read: &Read, duration: Tick) -> (Vec<CellPlan>, Vec<bool>) {
        let mut cells = Vec::new();
        let mut failed = Vec::new();
        for (key, cell) in read.named("cell") {
            if let Some(before) = self.as_before(&format!("cell.{}", key.name)) {
                cells.extend(before.cells.iter().find(|c| c.name == key.name).cloned());
                failed.push(false);
                continue;
            }
            let count = cell.count("count").map_or(1, |n| *n as usize);
            let voltage = if !self.may_be_many(&key.name, cell) {
                None
            } else if let Some(rate) = value(cell, "rate") {
                self.rate(&key.name, cell, rate, duration)
            } else if let Some(times) = cell.numbers("times") {
                Some(Voltage::Spikes(times.iter().filter_map(|t| Tick::from_ms(t.value()).ok()).collect()))
            } else if let Some(train) = cell.table("train") {
                self.train(&key.name, train).map(Voltage::Spikes)
            } else if let Some(course) = cell.table("course") {
                self.course(&key.name, course).map(Voltage::Course)
            } else if let Some(point) = cell.table("point") {
                self.point(&key.name, point).map(|plan| Voltage::Point(plan.into()))
            } else {
                let spines = spines(read, &key.name);
                self.cell(&key.name, cell, &spines).map(|lowered| {
                    let rest = lowered.rest.clone();
                    Voltage::Membrane { cell: lowered.into(), rest }
                })
            };
            failed.push(voltage.is_none());
            // A cell that could not be built keeps its place, so that what else is wrong can be found.
            let voltage = voltage.unwrap_or_else(|| Voltage::Spikes(Vec::new()));
            cells.push(CellPlan { name: key.name.clone(), count, circuit: None, voltage });
        }
        (cells, failed)
    }

    /// A sender that spikes at random, `rate` times in a ms.
    fn rate(&mut self, name: &str, cell: &Read, rate: f64, duration: Tick) -> Option<Voltage> {
        if rate * duration.ms() <= MOST_SPIKES {
            return Some(Voltage::Poisson(rate));
        }
        let span = cell.span_of("rate").unwrap_or(&cell.span).clone();
        let message = format!("`cell.{name}` would spike {:.0} times a trial", rate * duration.ms());
        self.fault(&span, message, "at most 1,000,000: a lower rate, or a shorter duration");
        None
    }

    /// Whether there may be so many of a cell.
    fn may_be_many(&mut self, name: &str, cell: &Read) -> bool {
        let one = cell.count("count").is_none_or(|n| *n == 1);
        let imposed = cell.get("course").is_some();
        if !one && imposed {
            let span = cell.span_of("count").unwrap_or(&cell.span).clone();
            let message = format!("the voltage of `cell.{name}` is imposed, and would be the same in all of them");
            self.fault(&span, message, "count = 1");
        }
        one || !imposed
    }

    fn train(&mut self, name: &str, train: &Read) -> Option<Vec<Tick>> {
        let start = Tick::from_ms(value(train, "start")?).ok()?;
        let interval = value(train, "interval").or_else(|| value(train, "rate").map(|rate| 1.0 / rate))?;
        let interval = Tick::from_ms(interval).ok().filter(|t| t.0 > 0);
        let count = *train.count("count")? as i64;
        let last = interval.and_then(|t| t.0.checked_mul(count - 1)?.checked_add(start.0));
        let Some((interval, _)) = interval.zip(last) else {
            let message = format!("the train of `cell.{name}` has an interval or an end that no clock here can tell");
            self.fault(&train.span, message, "an interval of 1 ps or more, an end within 100 days");
            return None;
        };
        Some((0..count).map(|k| start + interval * k).collect())
    }

    fn course(&mut self, name: &str, course: &Read) -> Option<ActionPotential> {
        let list =
            |f: &str| course.numbers(f).map(|all| all.iter().map(::model::read::Number::value).collect::<Vec<_>>());
        let (times, voltages) = (list("times")?, list("voltages")?);
        match ActionPotential::table(&times, &voltages) {
            Ok(course) => Some(course),
            Err(e) => {
                self.fault(&course.span, format!("the course of `cell.{name}` cannot be used: {e}"), "");
                None
            }
        }
    }

    fn synapses(
        &mut self,
        read: &Read,
        cells: &[CellPlan],
        failed: &[bool],
        mut joint: Option<&mut super::circuit::Joint>,
    ) -> (Vec<SynapsePlan>, Vec<PopulationPlan>, Vec<PlainPlan>, Wires) {
        let (mut all, mut populations, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        let mut wires = Wires::new();
        for (key, synapse) in read.named("synapse") {
            let gap = joint.as_deref_mut().filter(|_| synapse.get("junction").is_some());
            if let (Some(joint), Some((from, to))) = (gap, bound(&key.name, synapse, cells))
                && !failed[from.0]
                && !failed[to.0]
            {
                self.couple((&key.name, synapse), (read, cells), (from, to), &mut joint.junctions);
            }
            if electrical(synapse) {
                continue;
            }
            if super::plain::plain(synapse).is_some() {
                let Some(ends) = self.ends(&key.name, synapse, (cells, failed)) else { continue };
                if let Some(joint) = joint.as_deref_mut() {
                    self.join(&key.name, synapse, (read, cells), ends, joint);
                } else {
                    plain.extend(self.plain(&key.name, synapse, (read, cells), ends));
                }
            } else if synapse.word("detail").or_else(|| read.word("detail")) == Some("event") {
                if let Some(span) = synapse.span_of("connect") {
                    let message = format!("`synapse.{}` is at the level `event`, one for each sender", key.name);
                    self.fault(span, message, "leave `connect` out, or detail = \"mean\"");
                    continue;
                }
                if let Some((from, to)) = self.ends(&key.name, synapse, (cells, failed)) {
                    let ends = (from.0, to);
                    populations.extend(self.population(&key.name, synapse, (read, cells), ends));
                }
            } else {
                let lowered = self.synapse(read, &key.name, synapse, (cells, failed));
                if let (Some(_), Some(of)) = (synapse.get("connect"), &lowered) {
                    let ends = (of.from, of.to);
                    match self.wired((&key.name, synapse), (read, cells), ends) {
                        Some(contacts) => wires.insert(all.len(), contacts),
                        None => continue,
                    };
                }
                all.extend(lowered);
            }
        }
        (all, populations, plain, wires)
    }

    /// The sending and the receiving cell of a synapse, with compartments.
    fn ends(
        &mut self,
        name: &str,
        read: &Read,
        (cells, failed): (&[CellPlan], &[bool]),
    ) -> Option<((usize, u32), (usize, u32))> {
        let (from, to) = bound(name, read, cells)?;
        self.kept(name, read, (cells, to))?;
        if let (Voltage::Point(_), Some(_)) = (&cells[to.0].voltage, read.get("spine")) {
            let span = read.span_of("to").unwrap_or(&read.span);
            let message = format!("`{}` is a point neuron, on which no spine sits", cells[to.0].name);
            self.fault(span, message, "without = [\"spine\"]");
            return None;
        }
        if matches!(cells[to.0].voltage, Voltage::Spikes(_) | Voltage::Poisson(_)) && !failed[to.0] {
            let span = read.span_of("to").unwrap_or(&read.span).clone();
            let message = format!("`{}` only spikes: there is no membrane to receive", cells[to.0].name);
            self.fault(&span, message, "a receiver with a `membrane`, or use = \"neuron/...\"");
            return None;
        }
        Some((from, to))
    }

    fn synapse(
        &mut self,
        model: &Read,
        name: &str,
        read: &Read,
        (cells, failed): (&[CellPlan], &[bool]),
    ) -> Option<SynapsePlan> {
        let detail = read.word("detail").or_else(|| model.word("detail")).unwrap_or("kinetic");
        let detail = match detail {
            _ if self.level.is_some() => self.level?,
            "molecular" => Detail::Molecular,
            "kinetic" => Detail::Kinetic,
            "mean" => Detail::Mean,
            // `event` is that of populations.
            _ => Detail::Mean,
        };
        let (from, to) = self.ends(name, read, (cells, failed))?;
        if cells[from.0].count > 1 && read.get("connect").is_none() {
            let span = read.span_of("detail").or_else(|| read.span_of("from")).unwrap_or(&read.span).clone();
            let message = format!("`synapse.{name}` has {} senders, `{}`", cells[from.0].count, cells[from.0].name);
            self.fault(&span, message, "detail = \"event\": populations are run at this level");
            return None;
        }
        let (_, sender_read) = written(model, &cells[from.0]);
        let sender = match &cells[from.0].voltage {
            // What a cell would be that could not be built is not held against its synapse.
            Voltage::Spikes(_) if failed[from.0] => Sender::Axon(RESTING),
            Voltage::Spikes(times) => Sender::Spikes(times),
            Voltage::Poisson(rate) => Sender::Poisson(*rate, &cells[from.0].name),
            Voltage::Point(_) => Sender::Point,
            Voltage::Course(course) => Sender::Course(course),
            Voltage::Membrane { rest, .. } => Sender::Axon(rest.v_m(Site { block: 0, compartment: from.1, lane: 0 })),
        };
        let receiver = written(model, &cells[to.0]);
        let before = self.phase.and_then(|(_, before)| before.synapses.iter().find(|s| s.name == name));
        let at = |what: &str| format!("synapse.{name}.{what}");
        let same_sender =
            self.as_before(&at("terminal")).and(self.as_before(&format!("cell.{}", member(&cells[from.0].name).0)));
        let sending = match before.filter(|_| same_sender.is_some()) {
            Some(before) => Some(before.sending.clone()),
            None => self.sending(name, read, sender_read, &sender).map(Into::into),
        };
        if let Some(before) = before
            && self.as_before(&at("receptor")).and(self.as_before(&at("clearance"))).is_some()
        {
            let zone = (0, read.count("zones").map_or(1, |n| *n as usize));
            let mut same = SynapsePlan { zone, from, to, sending: sending?, ..before.clone() };
            same.taps.truncate(same.receptors.len());
            same.watched.clear();
            if same_sender.is_none()
                && let Some(supply) = read.table("terminal").and_then(|t| t.table("supply"))
            {
                let around = Around { cleft: &same.cleft, clearance: &same.clearance, transmitter: &same.transmitter };
                same.supply = Some(self.supply(name, read, supply, (&same.sending, &around))?.into());
            }
            return Some(same);
        }
        let lowered = self.cleft(name, read, receiver);
        if read.named("receptor").is_empty() && lowered.is_some() {
            self.fault(
                &read.span,
                format!("`synapse.{name}` has no receptors, so nothing would come of it"),
                "receptor.NAME = { use = \"receptor/...\", count = 80 }",
            );
            return None;
        }
        let zones = read.count("zones").map_or(1, |n| *n as usize);
        if zones > 1 && read.get("spine").is_some() {
            let span = read.span_of("zones").unwrap_or(&read.span).clone();
            let message = format!("`synapse.{name}` has {zones} active zones and one spine");
            self.fault(&span, message, "without = [\"spine\"], or a synapse for each spine");
        }
        let (sending, lowered) = (sending?, lowered?);
        let around = Around { cleft: &lowered.cleft, clearance: &lowered.clearance, transmitter: &lowered.transmitter };
        let supply = match read.table("terminal").and_then(|t| t.table("supply")) {
            Some(supply) => Some(self.supply(name, read, supply, (&sending, &around))?),
            None => None,
        };
        let molecules = match detail {
            Detail::Molecular => Some(self.molecules(name, read, &lowered)?.into()),
            Detail::Kinetic | Detail::Mean => {
                self.unheard(name, read);
                None
            }
        };
        let edges = lowered.cleft.edges();
        let ring = |a: f64, b: f64| (b - a) * (b + a);
        let r = lowered.radius;
        let seen: Vec<(usize, f64)> = (0..lowered.cleft.rings())
            .filter(|&i| edges[i] < r)
            .map(|i| (i, ring(edges[i], edges[i + 1].min(r)) / ring(0.0, r)))
            .collect();
        let shells = lowered.receptors.iter().flat_map(|r| &r.places).map(|p| p.0 + 1).max().unwrap_or(0);
        let shells = shells.max(seen.len());
        let resting = lowered.cleft.concentrations(&lowered.cleft.start())[..shells].to_vec();
        let taps = lowered.receptors.iter().enumerate().map(|(i, r)| Tap {
            receptor: i,
            weights: r.folded.kinetics.weights(observable::CONDUCTANCE).unwrap_or(&[]).to_vec(),
            resting: 0.0,
            samples: 0,
        });
        Some(SynapsePlan {
            name: name.to_owned(),
            zone: (0, zones),
            detail,
            from,
            to,
            sending,
            supply: supply.map(Into::into),
            resistance: lowered.resistance,
            transmitter: lowered.transmitter,
            seen,
            distant: Vec::new(),
            shells,
            resting,
            taps: taps.collect(),
            watch: engine::cleft::Watch::default(),
            watched: Vec::new(),
            mute: Vec::new(),
            junction: None,
            receptors: lowered.receptors.into(),
            clearance: lowered.clearance.into(),
            cleft: lowered.cleft.into(),
            molecules,
        })
    }
}

/// Of synapses that are many contacts, by their number: the cells, by their number in the circuit, and compartments.
type Wires = BTreeMap<usize, Vec<[(u32, u32); 2]>>;

/// Puts every active zone of a synapse in its place, and points recordings at the first. Of many contacts each has zones of
/// its own.
fn part(plan: &mut Plan, wires: &Wires) {
    let mut first = Vec::with_capacity(plan.synapses.len());
    let mut all = Vec::new();
    let mut places: HashMap<u32, usize> = HashMap::new();
    for (k, cell) in plan.cells.iter().enumerate().filter(|(_, c)| c.count == 1) {
        places.extend(cell.circuit.map(|number| (number, k)));
    }
    for (s, synapse) in std::mem::take(&mut plan.synapses).into_iter().enumerate() {
        first.push(all.len());
        let (_, zones) = synapse.zone;
        let gap = plan.circuit.as_ref().and_then(|c| c.gaps.iter().find(|g| g.told && g.name == synapse.name));
        let told = gap.map(|g| g.first);
        let place = |(cell, compartment): (u32, u32)| (places.get(&cell).copied().unwrap_or(0), compartment);
        let ends: Vec<_> = match wires.get(&s) {
            Some(contacts) => contacts.iter().map(|[from, to]| (place(*from), place(*to))).collect(),
            None => vec![(synapse.from, synapse.to)],
        };
        let count = zones * ends.len();
        let zone = |k: usize| {
            let (from, to) = ends[k / zones];
            let junction = told.map(|first| first + (k / zones) as u32);
            SynapsePlan { zone: (k, count), from, to, junction, ..synapse.clone() }
        };
        all.extend((0..count).map(zone));
    }
    plan.synapses = all;
    for probe in &mut plan.probes {
        if let Some(synapse) = probe.source.synapse_mut() {
            *synapse = first[*synapse];
        }
    }
}

/// Where a condition stands in its sweep, for who reads what came of it.
fn swept(of: &::model::resolve::Swept) -> recording::Swept {
    let unit = of.value.map_or_else(String::new, |q| q.dimension.unit());
    let value = of.value.map_or(f64::NAN, |q| q.value);
    recording::Swept { sweep: of.sweep.clone(), path: of.path.clone(), written: of.written.clone(), value, unit }
}

/// What is written of a cell of the plan: its name, of one of many that of all, and its table, which is there.
pub(super) fn written<'a>(model: &'a Read, cell: &CellPlan) -> (&'a str, &'a Read) {
    let (name, _, _) = member(&cell.name);
    let all = model.named("cell");
    let k = all.iter().position(|(key, _)| key.name == name).unwrap_or(0);
    (&all[k].0.name, &all[k].1)
}

/// Of the cells of a plan the one of that name and, of many, of that number.
pub(super) fn find(cells: &[CellPlan], (name, number): (&str, Option<&str>)) -> Option<usize> {
    let whole = cells.iter().position(|c| c.name == name)?;
    let Some(number) = number.filter(|_| cells[whole].count > 1) else { return Some(whole) };
    let called = format!("{name}[{}]", number.parse::<u64>().ok()?);
    cells.iter().position(|c| c.name == called)
}

/// Spines of synapses onto a cell.
fn spines<'a>(model: &'a Read, cell: &str) -> Vec<Spine<'a>> {
    let onto = |s: &&'a (::model::tree::Key, Read)| {
        s.1.get("spine").is_some() && s.1.text("to").map(|t| member(t).0) == Some(cell)
    };
    model
        .named("synapse")
        .iter()
        .filter(onto)
        .filter_map(|(key, s)| {
            let place = member(s.text("to")?).2.unwrap_or("");
            Some(Spine { synapse: &key.name, place, read: s.table("spine")? })
        })
        .collect()
}

/// Cells and compartments at the two ends of a synapse.
fn bound(name: &str, read: &Read, cells: &[CellPlan]) -> Option<((usize, u32), (usize, u32))> {
    let place = |field: &str| {
        let text = read.text(field)?;
        let (name, number, place) = member(text);
        let (index, place) = (find(cells, (name, number))?, place.unwrap_or(""));
        let compartment = match &cells[index].voltage {
            Voltage::Membrane { cell, .. } => cell.layout.compartment(place),
            _ => 0,
        };
        Some((index, compartment))
    };
    let (from, mut to) = (place("from")?, place("to")?);
    if let Voltage::Membrane { cell, .. } = &cells[to.0].voltage
        && read.get("spine").is_some()
    {
        to.1 = cell.layout.compartment(name);
    }
    Some((from, to))
}

/// Senders before receivers; in a circle, the order of the file.
fn order(cells: &[CellPlan], synapses: &[SynapsePlan], plain: &[PlainPlan]) -> Vec<usize> {
    let ends = || synapses.iter().map(|s| (s.from.0, s.to.0)).chain(plain.iter().map(|p| (p.from.0, p.to.0)));
    let mut left: Vec<usize> = (0..cells.len()).collect();
    let mut order = Vec::with_capacity(cells.len());
    while !left.is_empty() {
        let waits = |c: usize| ends().any(|(from, to)| to == c && from != c && left.contains(&from));
        let next = left.iter().position(|&c| !waits(c)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}
