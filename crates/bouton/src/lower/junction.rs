//! Gap junctions: what their channels are, who is joined where, and how strongly.

use super::contacts::{Drawn, Of};
use super::context::{Lowering, value};
use super::coupling::{Contact, Pair, Side};
use super::{LowerError, expression};
use crate::simulation::{CellPlan, Gap, Voltage};
use ::model::read::Read;
use ::model::resolve::{Part, ResolvedRate, electrical, member};
use engine::circuit::{Junction, Target};
use engine::junction::{Drive, JunctionInput, JunctionScheme, JunctionStep, Kind, Modulator};
use engine::mechanism::{MAX_STATES, ProgramBuilder, Value};
use numerics::math;
use std::collections::HashMap;

/// Junctions of all synapses, at most.
const MOST_JUNCTIONS: f64 = 1e7;
/// Kinds of junctions.
const MOST_KINDS: usize = 1 << 16;

/// Gap junctions of a circuit.
#[derive(Debug, Default)]
pub(super) struct Junctions {
    pub kinds: Vec<Kind>,
    pub all: Vec<Junction>,
    pub gaps: Vec<Gap>,
}

/// How strong the junctions of a pair are together.
enum Strength {
    /// nS, when all of it is open.
    Known(f64),
    /// By the coupling that is wanted, and the share that is open at rest.
    Wanted(f64, f64),
}

impl Lowering<'_> {
    /// Lowers the gap junctions of a synapse; its ends are bound. A fault gives none.
    pub(super) fn couple(
        &mut self,
        (name, read): (&str, &Read),
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
        out: &mut Junctions,
    ) -> Option<()> {
        let said = read.table("junction")?;
        let path = format!("synapse.{name}.junction");
        let part = if said.get("use").is_some() { Some(self.part(&path)?) } else { None };
        let kind = self.kind(name, said, part)?;
        let (at_rest, active) = part.map_or((1.0, 1.0), |p| (p.at_rest, p.active));
        let strength = if let Some(g) = value(said, "conductance") {
            Strength::Known(g / at_rest)
        } else if let Some(channels) = said.count("channels") {
            let unitary = value(said, "unitary").or_else(|| part?.unitary)?;
            Strength::Known(*channels as f64 * value(said, "open").unwrap_or(1.0) * unitary)
        } else {
            Strength::Wanted(value(said, "coupling")?, at_rest)
        };
        let first = out.all.len();
        let drawn = self.joints((name, read), (model, cells), (from, to), first)?;
        let numbers = [cells[from.0].circuit?, cells[to.0].circuit?];
        let target = |d: &Drawn| {
            let [a, b] = [numbers[0] + d.sender, numbers[1] + d.receiver];
            [Target { cell: a, compartment: d.from }, Target { cell: b, compartment: d.to }]
        };
        let connect = read.table("connect");
        let contacts = connect.and_then(|c| c.count("contacts")).map_or(1, |n| *n);
        let mut pair = Pair {
            sides: [from.0, to.0].map(|k| Side::new(&cells[k])),
            places: [("from", from), ("to", to)].map(|(end, of)| seen(read, end, cells, of)),
        };
        let number = self.numbered(said, kind, out)?;
        let (mut pairs, mut sum) = (0u64, 0.0);
        let mut known: HashMap<Vec<[u32; 2]>, f64> = HashMap::new();
        for joints in drawn.chunk_by(|a, b| a.pair == b.pair) {
            let shares: Vec<Contact> = joints.iter().map(|d| ([d.from, d.to], d.share / contacts as f64)).collect();
            let whole = match strength {
                Strength::Known(g) => g,
                Strength::Wanted(wanted, at_rest) => {
                    // Pairs whose junctions lie alike are alike, but where each is another strength.
                    let even = joints.iter().all(|d| d.share == 1.0);
                    let key: Vec<[u32; 2]> = shares.iter().map(|s| s.0).collect();
                    let before = known.get(&key).copied().filter(|_| even);
                    let found = match before {
                        Some(g) => g,
                        None => self.wanted((name, said), (read, cells), (from.0, to.0), &mut pair, &shares, wanted)?,
                    };
                    if even {
                        known.insert(key, found);
                    }
                    found / at_rest
                }
            };
            pairs += 1;
            for (d, (_, share)) in joints.iter().zip(&shares) {
                let [a, b] = target(d);
                let g = whole * share;
                sum += g * at_rest;
                out.all.push(Junction { a, b, kind: number, g: g * active });
            }
        }
        let counts = [from.0, to.0].map(|k| cells[k].count as u32);
        let coupling = (counts == [1, 1]).then(|| {
            let joints = &out.all[first..];
            let contacts: Vec<Contact> = joints.iter().map(|j| ([j.a.compartment, j.b.compartment], j.g)).collect();
            let whole = contacts.iter().map(|c| c.1).sum::<f64>();
            let shares: Vec<Contact> = contacts.iter().map(|(at, g)| (*at, g / whole)).collect();
            if whole == 0.0 {
                return Some([0.0; 2]);
            }
            let g = whole * at_rest / active;
            Some([pair.coupling(0, &shares, g)?, pair.coupling(1, &shares, g)?])
        });
        let of = &out.kinds[usize::from(number)];
        let by = |drive: fn(&Drive) -> bool| of.modulators.iter().any(|m| drive(&m.by));
        out.gaps.push(Gap {
            name: name.to_owned(),
            ends: (from.0, to.0),
            counts: (counts[0], counts[1]),
            pairs,
            contacts,
            first: first as u32,
            count: (out.all.len() - first) as u32,
            ohmic: of.scheme.is_none() && of.at_once.is_none(),
            modulated: !of.modulators.is_empty(),
            told: by(|drive| matches!(drive, Drive::Told)),
            conductance: sum / pairs as f64,
            coupling: coupling.flatten(),
        });
        Some(())
    }

    /// Who is joined where: pair by pair.
    fn joints(
        &mut self,
        (name, read): (&str, &Read),
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
        before: usize,
    ) -> Option<Vec<Drawn>> {
        let of = if electrical(read) { Of::Junctions } else { Of::Both };
        let [first, second] = [cells[from.0].circuit?, cells[to.0].circuit?];
        let mut drawn = Vec::new();
        let room = MOST_JUNCTIONS - before as f64;
        self.drawn((name, read, of), (model, cells), (from, to), room, &mut |d| {
            // Of one cell and all of its population, the others are meant.
            if first + d.sender != second + d.receiver {
                drawn.push(d);
            }
        })?;
        let connect = read.table("connect");
        let span = connect.map_or_else(|| read.span_of("to").unwrap_or(&read.span), |c| &c.span).clone();
        if drawn.is_empty() {
            self.fault(&span, format!("`synapse.{name}` joins nothing"), "another `random`, or another rule");
            return None;
        }
        Some(drawn)
    }

    /// The conductance with which two cells are coupled as is wanted, nS.
    fn wanted(
        &mut self,
        (name, said): (&str, &Read),
        (read, cells): (&Read, &[CellPlan]),
        (from, to): (usize, usize),
        pair: &mut Pair,
        shares: &[Contact],
        wanted: f64,
    ) -> Option<f64> {
        let span = said.span_of("coupling").unwrap_or(&said.span).clone();
        match pair.conductance(shares, wanted) {
            Some(Ok(g)) => Some(g),
            Some(Err(limit)) => {
                let places = ["from", "to"].map(|end| read.text(end).unwrap_or(end).to_owned());
                let message = format!("the coupling of `synapse.{name}` would be {wanted}");
                let hint = format!("below {:.4}, what any conductance makes of {} and {}", limit, places[0], places[1]);
                self.fault(&span, message, &hint);
                None
            }
            None => {
                let places = pair.places;
                let resistant = |pair: &mut Pair, k: usize| pair.sides[k].resistance(places[k], places[k]).is_some();
                let which = if resistant(pair, 0) { to } else { from };
                let message = format!("`{}` has no input resistance at rest", cells[which].name);
                let hint = "it has no rest, or amplifies what comes: say the `conductance` itself";
                self.fault(&span, format!("the coupling of `synapse.{name}`: {message}"), hint);
                None
            }
        }
    }

    /// The number of a kind among all; alike ones are one.
    fn numbered(&mut self, said: &Read, kind: Kind, out: &mut Junctions) -> Option<u16> {
        let found = out.kinds.iter().position(|k| *k == kind);
        if found.is_none() && out.kinds.len() == MOST_KINDS {
            self.fault(&said.span, format!("more than {MOST_KINDS} kinds of gap junctions"), "alike where possible");
            return None;
        }
        Some(found.unwrap_or_else(|| {
            out.kinds.push(kind);
            out.kinds.len() - 1
        }) as u16)
    }

    /// What the channels of a synapse's junction are.
    fn kind(&mut self, name: &str, said: &Read, part: Option<&Part>) -> Option<Kind> {
        let path = format!("synapse.{name}.junction");
        let span = said.span_of("use").unwrap_or(&said.span).clone();
        let own = match part {
            None => Ok(Kind::ohmic()),
            Some(part) => {
                if let Some(n) = part.scheme.as_ref().map(|s| s.states.len()).filter(|n| *n > MAX_STATES) {
                    let message =
                        format!("`{path}` has {n} states with its drugs, and a junction follows {MAX_STATES}");
                    self.fault(&span, message, "fewer drugs at once");
                    return None;
                }
                of_part(part)
            }
        };
        let own = match own {
            Ok(kind) => kind,
            Err(e) => {
                self.fault(&span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        let modulators = said.named("modulation").iter().map(|(_, m)| self.modulator(m)).collect::<Option<_>>()?;
        Some(Kind { modulators, ..own })
    }

    fn modulator(&self, said: &Read) -> Option<Modulator> {
        let power = value(said, "power").unwrap_or(1.0);
        let by = match said.word("by")? {
            "from" => Drive::A,
            "to" => Drive::B,
            "release" => Drive::Told,
            "messenger" => {
                let c = self.concentration(said.text("messenger")?)?;
                let half = value(said, "ec50")?;
                // c^n / (c^n + ec50^n)
                Drive::Held(if c > 0.0 { 1.0 / (1.0 + math::pow(half / c, power)) } else { 0.0 })
            }
            _ => Drive::Either,
        };
        let of_events = |field: &str| value(said, field).or(matches!(by, Drive::Held(_)).then_some(1.0));
        Some(Modulator {
            by,
            change: value(said, "change")?,
            half: of_events("half")?,
            power,
            trace: of_events("trace")?,
            time: value(said, "time")?,
            forget: value(said, "forget").unwrap_or(f64::INFINITY),
        })
    }

    /// How much of something there is in the bath now, mM.
    fn concentration(&self, drug: &str) -> Option<f64> {
        let k = self.resolved.baths.iter().position(|(name, _)| name == drug)?;
        Some(self.phase.map_or(self.resolved.baths[k].1, |(phase, _)| phase.baths[k]))
    }

    /// Whether the junctions of this stretch of a trial are those of its beginning: no drug that acts on them, and no
    /// messenger, has another bath.
    pub(super) fn joined_as_before(&self, read: &Read) -> bool {
        let Some((phase, _)) = self.phase else { return true };
        let dosed = phase.parts.keys().any(|p| p.starts_with("synapse.") && p.ends_with(".junction"));
        let same = |drug: &str| {
            let k = self.resolved.baths.iter().position(|(name, _)| name == drug);
            k.is_none_or(|k| self.resolved.baths[k].1 == phase.baths[k])
        };
        let junctions = read.named("synapse").iter().filter_map(|(_, s)| s.table("junction"));
        let mut messengers = junctions
            .flat_map(|j| j.named("modulation"))
            .filter_map(|(_, m)| if m.word("by") == Some("messenger") { m.text("messenger") } else { None });
        !dosed && messengers.all(same)
    }
}

/// Where the coupling at an end is looked at: the place itself, of a region the root of its cell.
fn seen(read: &Read, end: &str, cells: &[CellPlan], (cell, compartment): (usize, u32)) -> u32 {
    let place = read.text(end).map_or("", |t| member(t).2.unwrap_or("")).trim();
    let Voltage::Membrane { cell, .. } = &cells[cell].voltage else { return 0 };
    let within = |shape: &std::sync::Arc<::model::resolve::Shape>| shape.morphology.region(place).is_ok();
    let many = place.starts_with("spines.") && !place.contains('[');
    let region = read.get("connect").is_some()
        && (many || (!place.contains('(') && cell.layout.shape.as_ref().is_some_and(within)));
    if region { 0 } else { compartment }
}

fn scaled(b: &mut ProgramBuilder, rate: &ResolvedRate) -> Value {
    let value = expression::write(b, &rate.expr);
    let factor = b.constant(rate.factor);
    b.mul(value, factor)
}

/// The channels of an entry: states, whose drugs are held, and what is left at once.
fn of_part(part: &Part) -> Result<Kind, LowerError> {
    let layout = &part.layout;
    let mut b = ProgramBuilder::new(layout.names.len() as u16);
    let (mut outputs, mut known) = (Vec::new(), HashMap::new());
    let mut output = |value: Value| {
        *known.entry(value).or_insert_with(|| {
            outputs.push(value);
            outputs.len() as u16 - 1
        })
    };
    let mut steps = Vec::new();
    for step in part.scheme.iter().flat_map(|s| &s.steps) {
        let mut value = scaled(&mut b, &step.rate);
        if let Some(ligand) = step.takes_up {
            let there = b.input((layout.names.len() - layout.ligands() + ligand) as u16);
            value = b.mul(value, there);
        }
        steps.push(JunctionStep { from: step.from as u16, to: step.to as u16, rate: output(value) });
    }
    let at_once = part.share.as_ref().map(|share| output(scaled(&mut b, share)));
    let rates = b.finish(&outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let scheme = part.scheme.as_ref().map(|_| JunctionScheme { steps, open: ::model::junction::open(part) });
    // Parameters, then the temperature, then drugs.
    let own = layout.parameters as u16;
    let mut inputs: Vec<JunctionInput> = (0..own).map(JunctionInput::Parameter).collect();
    inputs.extend([JunctionInput::Across, JunctionInput::Parameter(own)]);
    let mut parameters = part.parameters.clone();
    parameters.push(part.temperature);
    for ligand in 0..layout.ligands() {
        inputs.push(JunctionInput::Parameter(parameters.len() as u16));
        let held = part.drugs.iter().find(|d| d.ligand == ligand);
        parameters.push(held.map_or(0.0, |d| d.concentration));
    }
    Ok(Kind { rates, inputs, parameters, scheme, at_once, modulators: Vec::new() })
}
