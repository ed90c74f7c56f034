//! Circuits: all cells that have a voltage side by side, joined by plain synapses. Populations keep the order of the file,
//! those with a membrane first; each of their cells has a number. A cell that something else names, as `pyr[3]`, is a cell of
//! the plan as well, of the same lowered cell.

use super::cell::Parts;
use super::contacts::{MOST_CONTACTS, Of};
use super::context::{Lowering, value};
use super::junction::Junctions;
use super::plain::{plain, waveform};
use crate::simulation::{CellPlan, CircuitPlan, ClampKind, Group, Joined, Plan, Sender, Spiking, Voltage, Watch};
use ::model::read::Read;
use ::model::resolve::{electrical, member};
use engine::circuit::{self, Action, Connection, Injection, Kind, Points, Shade, Target};
use engine::neuron::{self, Channel, ChannelInput, Detector, Insertion, Site};
use engine::time::Tick;
use std::sync::Arc;

/// Compartments of all cells, at most: some 10 GB.
const MOST_COMPARTMENTS: f64 = 1e8;
/// Cells of a population that may have synapses of molecules.
const MOST_VIEWS: usize = 10_000;
/// Contacts of a synapse of molecules, at most: each has a cleft of its own.
const MOST_OF_MOLECULES: f64 = 10_000.0;
/// Kinds of synapses.
const MOST_KINDS: usize = 1 << 16;

/// A synapse of a circuit: its senders are still counted from 0 within their population.
pub(super) struct Joining {
    pub joined: Joined,
    /// The compartment that is listened to.
    pub from: u32,
    /// Its first connection, and one past its last.
    pub connections: std::ops::Range<usize>,
}

/// Synapses of a circuit.
#[derive(Default)]
pub(super) struct Joint {
    pub synapses: Vec<Joining>,
    pub kinds: Vec<Kind>,
    /// By kind: the block of its conductance, by its entry.
    pub shades: Vec<(Option<String>, Option<Shade>)>,
    pub connections: Vec<Connection>,
    pub junctions: Junctions,
}

/// Whether the cells of a model are a circuit.
pub(super) fn is_circuit(read: &Read) -> bool {
    let voltage = |c: &Read| ["times", "train", "rate", "course"].iter().all(|f| c.get(f).is_none());
    read.named("cell").iter().any(|(_, c)| voltage(c) && c.count("count").is_some_and(|n| *n > 1))
        || read.named("synapse").iter().any(|(_, s)| s.get("connect").is_some() || s.get("junction").is_some())
}

impl Lowering<'_> {
    /// Gives the cells of a circuit their numbers, and those that are named one by one places of their own.
    pub(super) fn number(&mut self, read: &Read, cells: &mut Vec<CellPlan>) -> Option<()> {
        let (mut next, mut compartments) = (0u64, 0.0);
        for membrane in [true, false] {
            for cell in &mut *cells {
                let n = match &cell.voltage {
                    Voltage::Membrane { cell, .. } if membrane => cell.plan.compartments(0),
                    Voltage::Point(_) if !membrane => 1,
                    _ => continue,
                };
                compartments += cell.count as f64 * n as f64;
                cell.circuit = Some(u32::try_from(next).unwrap_or(u32::MAX));
                next += cell.count as u64;
            }
        }
        if compartments > MOST_COMPARTMENTS || next > u64::from(u32::MAX) {
            let message = format!("the cells have {compartments:.0} compartments together");
            self.fault(&read.span.clone(), message, "at most 100 million: fewer cells, or a coarser `discretisation`");
            return None;
        }
        let texts =
            |table: &'static str, field: &'static str| read.named(table).iter().filter_map(move |(_, t)| t.text(field));
        let named = (texts("synapse", "from").chain(texts("synapse", "to")).chain(texts("clamp", "at")))
            .chain(texts("probe", "read").chain(texts("measure", "of")));
        let mut views: Vec<(usize, u32)> = named
            .filter_map(|text| {
                let (cell, number, _) = member(text);
                let index = cells.iter().position(|c| c.name == cell && c.circuit.is_some() && c.count > 1)?;
                let number = number?.parse().ok().filter(|k| (*k as usize) < cells[index].count)?;
                Some((index, number))
            })
            .collect();
        // Every cell that a synapse of molecules may be on.
        for (_, synapse) in read
            .named("synapse")
            .iter()
            .filter(|(_, s)| s.get("connect").is_some() && plain(s).is_none() && !electrical(s))
        {
            for cell in ["from", "to"].iter().filter_map(|end| synapse.text(end)).map(|text| member(text).0) {
                let Some(index) = cells.iter().position(|c| c.name == cell && c.circuit.is_some()) else { continue };
                if cells[index].count > MOST_VIEWS {
                    let message = format!("a synapse of molecules on {} cells", cells[index].count);
                    self.fault(
                        &synapse.span,
                        message,
                        &format!("at most {MOST_VIEWS}; a `conductance` is a plain synapse"),
                    );
                    return None;
                }
                views.extend((0..cells[index].count as u32).filter(|_| cells[index].count > 1).map(|k| (index, k)));
            }
        }
        // What the report shows of a population.
        views.extend((0..cells.len()).filter(|k| cells[*k].circuit.is_some() && cells[*k].count > 1).map(|k| (k, 0)));
        views.sort_unstable();
        views.dedup();
        for (index, number) in views {
            let of = &cells[index];
            let view = CellPlan {
                name: format!("{}[{number}]", of.name),
                count: 1,
                circuit: of.circuit.map(|first| first + number),
                voltage: of.voltage.clone(),
            };
            cells.push(view);
        }
        Some(())
    }

    /// Lowers a plain synapse of a circuit; `from` and `to` are bound. A fault gives none.
    pub(super) fn join(
        &mut self,
        name: &str,
        read: &Read,
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
        all: &mut Joint,
    ) -> Option<()> {
        let said = plain(read)?;
        if let Some(span) = said.span_of("calcium").cloned() {
            let message = format!("`synapse.{name}` has `calcium`, which plain synapses within a circuit do not carry");
            self.fault(&span, message, "leave it out, or take one cell of each kind and no `connect`");
            return None;
        }
        let block = said.text("block").map(str::to_owned);
        let step = self.tick("step", 0.025);
        let kind = Kind {
            waveform: waveform(self, name, said)?,
            action: value(said, "reversal").map_or(Action::Current, |e_rev| Action::Conductance { e_rev }),
        };
        let peak = value(said, "peak")?;
        let same = |k: &usize| all.kinds[*k] == kind && all.shades[*k].0 == block;
        let at_kind = match (0..all.kinds.len()).find(same) {
            Some(k) => k,
            None if all.kinds.len() == MOST_KINDS => {
                let message = format!("more than {MOST_KINDS} kinds of plain synapses");
                self.fault(&said.span, message, "alike where possible");
                return None;
            }
            None => {
                let shade = match &block {
                    None => None,
                    Some(_) => Some(self.shade(name, said)?),
                };
                all.kinds.push(kind);
                all.shades.push((block, shade));
                all.kinds.len() - 1
            }
        };
        let (delay, velocity) = (value(read, "delay").unwrap_or(0.0), value(read, "velocity"));
        let first = cells[to.0].circuit?;
        let begin = all.connections.len();
        let (mut least, mut longest) = (Tick(i64::MAX), Tick::ZERO);
        let room = MOST_CONTACTS - begin as f64;
        let drawn = self.drawn((name, read, Of::Spikes), (model, cells), (from, to), room, &mut |d| {
            let way = velocity.map_or(0.0, |v| d.separation / v);
            let delay = Tick::from_ms(delay + way).unwrap_or(Tick(i64::MAX / 4));
            (least, longest) = (least.min(delay), longest.max(delay));
            all.connections.push(Connection {
                source: d.sender,
                to: Target { cell: first + d.receiver, compartment: d.to },
                kind: at_kind as u16,
                weight: peak * d.share,
                delay,
            });
        });
        let (connections, contacts) = drawn?;
        let within = cells[from.0].circuit.is_some();
        if within && connections > 0 && least < step {
            let message = format!(
                "a spike of `{}` would be at `synapse.{name}` after {} ms: cells of a circuit hear of each other a step \
                 later at the earliest",
                cells[from.0].name,
                least.ms()
            );
            let span = read.span_of("delay").or_else(|| read.span_of("velocity")).unwrap_or(&read.span).clone();
            self.fault(&span, message, &format!("delay = \"1 ms\"; {} ms at least, numerics.step", step.ms()));
            return None;
        }
        if longest > Tick(60_000_000_000_000) {
            let message = format!("an axon of `synapse.{name}` would take {:.0} ms", longest.ms());
            let span = read.span_of("velocity").unwrap_or(&read.span).clone();
            self.fault(&span, message, "a minute at most: a higher `velocity`, or cells nearer to each other");
            return None;
        }
        let joined = Joined {
            name: name.to_owned(),
            ends: (from.0, to.0),
            counts: (cells[from.0].count as u32, cells[to.0].count as u32),
            connections,
            contacts,
            delays: (least.min(longest), longest),
        };
        all.synapses.push(Joining { joined, from: from.1, connections: begin..all.connections.len() });
        Some(())
    }

    /// The instantaneous block of a plain conductance.
    fn shade(&mut self, name: &str, said: &Read) -> Option<Shade> {
        let span = said.span_of("block").unwrap_or(&said.span).clone();
        let block = self.block(&format!("synapse.{name}.conductance"), &span)?;
        match Shade::new(&block.program, block.parameters, block.temperature, block.concentration) {
            Ok(shade) => Some(shade),
            Err(e) => {
                self.fault(&span, format!("the block of `synapse.{name}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// The ends of every contact of a synapse of molecules with `connect`: cells by their numbers, and compartments.
    pub(super) fn wired(
        &mut self,
        (name, read): (&str, &Read),
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
    ) -> Option<Vec<[(u32, u32); 2]>> {
        let (first, second) = (cells[from.0].circuit?, cells[to.0].circuit?);
        let mut all = Vec::new();
        self.drawn((name, read, Of::Spikes), (model, cells), (from, to), MOST_OF_MOLECULES, &mut |d| {
            all.push([(first + d.sender, from.1), (second + d.receiver, d.to)]);
        })?;
        if all.is_empty() {
            let span = read.span_of("connect").unwrap_or(&read.span).clone();
            self.fault(&span, format!("`synapse.{name}` connects nothing"), "another `random`, or another rule");
            return None;
        }
        Some(all)
    }

    /// Puts the cells of a plan side by side and joins them. Cells are at rest, under what holds them.
    pub(super) fn circuit(&mut self, read: &Read, plan: &mut Plan, joint: Joint) -> Option<()> {
        let Joint { synapses, kinds, shades, mut connections, junctions } = joint;
        // What no drug touches is one in all stretches of a trial.
        if let Some(before) = self.as_before("cell").and_then(|before| before.circuit.clone()) {
            if self.joined_as_before(read) {
                plan.circuit = Some(before);
                return Some(());
            }
            let engine = before.plan.clone().joined(junctions.kinds, junctions.all).map_err(|e| e.to_string());
            let plan_now = self.built(read, engine)?;
            plan.circuit = Some(Arc::new(CircuitPlan { plan: plan_now, ..CircuitPlan::clone(&before) }));
            return Some(());
        }
        let (mut cells, mut kept, mut channels) = (Vec::new(), Ions::default(), Vec::new());
        let (mut groups, mut points) = (Vec::new(), Vec::new());
        let mut source = 0u32;
        let populations = |membrane: bool| {
            let of = move |c: &&(usize, &CellPlan)| {
                c.1.circuit.is_some() && matches!(c.1.voltage, Voltage::Point(_)) != membrane
            };
            let all = plan.cells.iter().enumerate().filter(|(_, c)| !c.name.contains('['));
            all.filter(move |c| of(&c)).map(|(k, c)| (k, c.clone())).collect::<Vec<_>>()
        };
        for (index, population) in populations(true) {
            let Voltage::Membrane { cell: lowered, .. } = &population.voltage else { continue };
            let first_channel = channels.len();
            let Some((mut cell, ions)) = kept.merge(&lowered.parts, &lowered.ions, &mut channels) else {
                let message = format!("with `cell.{}` there are more than 8 ions with pools", population.name);
                self.fault(&read.span.clone(), message, "fewer kinds of ions");
                return None;
            };
            for from in synapses.iter().filter(|s| plan.base(s.joined.ends.0) == index).map(|s| s.from) {
                let threshold = cell.detectors[0].threshold;
                if cell.detectors.iter().all(|d| d.compartment != from) {
                    cell.detectors.push(Detector { compartment: from, threshold });
                }
            }
            let places = cell.detectors.len() as u32;
            let group = Group {
                cell: index,
                first: population.circuit?,
                count: population.count as u32,
                compartments: cell.compartments.len() as u32,
                source,
                places,
                channels: first_channel,
                ions,
            };
            source += group.count * places;
            groups.push(group);
            cells.push((cell, population.count));
        }
        for (index, population) in populations(false) {
            let Voltage::Point(point) = &population.voltage else { continue };
            let (first, count) = (population.circuit?, population.count as u32);
            let (channels, ions) = (channels.len(), Vec::new());
            groups.push(Group { cell: index, first, count, compartments: 1, source, places: 1, channels, ions });
            source += count;
            points.push(Points { model: *point.model(), count });
        }
        let senders = senders(read, plan, &synapses);
        for synapse in &synapses {
            let from = synapse.joined.ends.0;
            // The source of the first sender, and how far the next is from it.
            let (first, each) = if let Some(sender) = senders.iter().find(|s| s.cell == from) {
                (source + sender.first, 1)
            } else {
                let base = plan.base(from);
                let k = groups.iter().position(|g| g.cell == base)?;
                let group = &groups[k];
                let listens = |(cell, _): &(neuron::Cell, usize)| {
                    cell.detectors.iter().position(|d| d.compartment == synapse.from)
                };
                let place = cells.get(k).and_then(listens).unwrap_or(0) as u32;
                // Of one cell of many, its number among them.
                let within = plan.cells[from].circuit? - group.first;
                (group.source + within * group.places + place, group.places)
            };
            for c in &mut connections[synapse.connections.clone()] {
                c.source = first + c.source * each;
            }
        }
        let mut injections = Vec::new();
        for clamp in &plan.clamps {
            let ClampKind::Current { current, start, stop, noise: None } = clamp.kind else { continue };
            let (cell, compartment) = (&plan.cells[clamp.at.0], clamp.at.1);
            let Some(first) = cell.circuit else { continue };
            let to = |k| Target { cell: first + k, compartment };
            injections.extend((0..cell.count as u32).map(|k| Injection { to: to(k), start, stop, current }));
        }
        let each = cells.iter().flat_map(|(cell, count): &(neuron::Cell, usize)| std::iter::repeat_n(cell, *count));
        let made = neuron::Plan::stacked(channels, kept.ions, each, self.resolved.temperature);
        let made =
            made.map(|plan| plan.tabulated(self.tick("step", 0.025), super::cell::GATES)).map_err(|e| e.to_string());
        let trains = senders.iter().map(|s| s.count as usize).sum();
        let made = made.and_then(|cells| {
            circuit::Plan::with_points(cells, points, plan.step, kinds, trains, &connections, &injections)
                .map(|plan| plan.shaded(shades.into_iter().map(|(_, shade)| shade).collect()))
                .and_then(|plan| plan.joined(junctions.kinds, junctions.all))
                .map_err(|e| e.to_string())
        });
        let engine = self.built(read, made)?;
        let rest = circuit::State::new(&engine, at_rest(plan, &engine.cells));
        let silent = |c: &crate::simulation::ClampPlan| matches!(c.kind, ClampKind::Current { noise: None, .. });
        plan.circuit = Some(Arc::new(CircuitPlan {
            rest,
            groups,
            senders,
            joined: synapses.into_iter().map(|s| s.joined).collect(),
            gaps: junctions.gaps,
            watch: Default::default(),
            stepwise: !(plan.synapses.is_empty() && plan.populations.is_empty() && plan.clamps.iter().all(silent)),
            plan: engine,
        }));
        Some(())
    }

    /// A circuit of the engine, or why there is none.
    fn built(&mut self, read: &Read, made: Result<circuit::Plan, String>) -> Option<circuit::Plan> {
        made.map_err(|e| self.fault(&read.span.clone(), format!("the circuit cannot be built: {e}"), "")).ok()
    }
}

/// Lets the circuit tell what its plan's probes want to know.
pub(super) fn watch(plan: &mut Plan) {
    let watch = Watch::new(plan);
    if let Some(circuit) = plan.circuit.as_mut().and_then(Arc::get_mut) {
        circuit.watch = watch;
    }
}

/// Who only spikes, of those that plain synapses hear.
fn senders(read: &Read, plan: &Plan, synapses: &[Joining]) -> Vec<Sender> {
    let mut all: Vec<Sender> = Vec::new();
    for index in synapses.iter().map(|s| s.joined.ends.0) {
        let cell = &plan.cells[index];
        let spikes = match &cell.voltage {
            Voltage::Spikes(times) => Spiking::Given(times.clone()),
            Voltage::Poisson(rate) => Spiking::Random(*rate),
            Voltage::Course(course) => {
                let threshold = value(super::model::written(read, cell).1, "threshold");
                Spiking::Given(super::plain::crossings(course, threshold.unwrap_or(0.0)))
            }
            Voltage::Membrane { .. } | Voltage::Point(_) => continue,
        };
        if all.iter().all(|s| s.cell != index) {
            let first = all.last().map_or(0, |s| s.first + s.count);
            all.push(Sender { cell: index, name: cell.name.clone(), first, count: cell.count as u32, spikes });
        }
    }
    all
}

/// All cells where each is at rest.
fn at_rest(plan: &Plan, cells: &neuron::Plan) -> neuron::State {
    let mut state = neuron::State::at(cells, -65.0);
    // Cells with a name of their own come after their population, and may be held.
    for cell in &plan.cells {
        let (Voltage::Membrane { cell: lowered, rest }, Some(first)) = (&cell.voltage, cell.circuit) else { continue };
        for number in first as usize..first as usize + cell.count {
            for compartment in 0..lowered.plan.compartments(0) as u32 {
                let v = rest.v_m(Site { block: 0, compartment, lane: 0 });
                state.set_v_m(cells.site(number, compartment), v);
            }
        }
    }
    state.settle(cells);
    state
}

/// Ions of all populations.
#[derive(Default)]
struct Ions {
    names: Vec<String>,
    ions: Vec<neuron::Ion>,
}

impl Ions {
    /// A population's cell among the others, its channels after theirs, and which of all ions its own are; none if there
    /// are too many.
    fn merge(
        &mut self,
        parts: &Parts,
        names: &[String],
        channels: &mut Vec<Channel>,
    ) -> Option<(neuron::Cell, Vec<usize>)> {
        let mut places = Vec::new();
        for (name, ion) in names.iter().zip(&parts.ions) {
            let known = (0..self.ions.len()).find(|k| self.names[*k] == *name && self.ions[*k] == *ion);
            places.push(known.unwrap_or(self.ions.len()));
            if known.is_none() {
                self.names.push(name.clone());
                self.ions.push(*ion);
            }
        }
        if self.ions.len() > neuron::MAX_IONS {
            return None;
        }
        let first = channels.len();
        let place = |ion: u16| places.get(usize::from(ion)).map_or(ion, |k| *k as u16);
        for channel in &parts.channels {
            let mut channel = channel.clone();
            channel.ion = channel.ion.map(place);
            for input in &mut channel.inputs {
                if let ChannelInput::Concentration(ion) = input {
                    *ion = place(*ion);
                }
            }
            channels.push(channel);
        }
        let mut cell = parts.cell.clone();
        cell.insertions.iter_mut().for_each(|i: &mut Insertion| i.channel += first);
        cell.pools.iter_mut().for_each(|p| p.ion = usize::from(place(p.ion as u16)));
        Some((cell, places))
    }
}
