//! The sending side: driver, channels, calcium, buffers, sensor, pools.

use super::context::{Lowering, value};
use super::fold::Folded;
use super::{LoweredScheme, scheme};
use crate::simulation::{self, ChannelKind, Driver, Law, Mechanism, Release, Sending, spread_of_diameter};
use ::model::read::Read;
use ::model::resolve::Part;
use engine::mechanism::Kinetics;
use engine::membrane::{Ghk, nernst};
use engine::terminal::action_potential::ActionPotential;
use engine::terminal::buffer::Buffer;
use engine::terminal::bulk::{Bulk, Extrusion};
use engine::terminal::domain::Domain;
use engine::terminal::layout::layout;
use engine::terminal::pools::{Per, PoolIndex, PoolPlan, Transfer};
use engine::terminal::sensor::Sensor;
use engine::terminal::{self, Tail, Terminal, TerminalDescription, TerminalError};
use engine::time::Tick;
use numerics::jump::Binomial;
use numerics::rng::StreamKey;

/// Voltage of a terminal at rest where nothing says otherwise, mV.
pub(super) const RESTING: f64 = -70.0;
/// Channels of a kind, at most: each opening at rest looks at all of them.
const MOST_CHANNELS: u64 = 2000;
/// Bulk calcium is stepped once in so many driven slots.
const BULK_SLOTS: u32 = 10;
/// Its steps at rest.
const TAIL: Tail = Tail { shortest: Tick(100_000_000), longest: Tick(2_000_000_000) };
/// Most slots of an action potential, for each of which rates are kept.
const MOST_SLOTS: f64 = 1e6;
/// Pools in the order of a plan.
pub(super) const POOLS: [&str; 5] = ["docked", "replacement", "recycling", "reserve", "fused"];

/// What a sender is, for its terminals.
pub(super) enum Sender<'a> {
    /// It only spikes.
    Spikes(&'a [Tick]),
    /// The same, at random: /ms, and its name.
    Poisson(f64, &'a str),
    /// It is a point neuron.
    Point,
    /// Its voltage is imposed.
    Course(&'a ActionPotential),
    /// It has a membrane, and rests at so many mV where the terminal is.
    Axon(f64),
}

impl Lowering<'_> {
    /// Lowers the sending side of synapse `name`.
    pub fn sending(&mut self, name: &str, synapse: &Read, cell: &Read, sender: &Sender) -> Option<Sending> {
        let path = format!("synapse.{name}");
        let Some(read) = synapse.table("terminal") else {
            let hint = "terminal.molecules = 3000 for one vesicle a spike, or channels, a sensor and docked vesicles";
            self.fault(&synapse.span, format!("`{path}` has no `terminal`, and cannot be run without"), hint);
            return None;
        };
        let at = format!("{path}.terminal");
        let molecules = self.need_count(&at, read, "molecules")? as f64;
        let spread = spread_of_diameter(value(read, "molecules_cv").unwrap_or(0.0));
        let delay = value(synapse, "delay").and_then(|t| Tick::from_ms(t).ok()).unwrap_or(Tick::ZERO);
        let shape = match read.table("action_potential") {
            Some(said) => Some(self.action_potential(&at, said)?),
            None => None,
        };
        let (driver, resting) = match sender {
            Sender::Axon(rest) => {
                let step = self.tick("step", 0.025);
                if delay > Tick::ZERO && delay < step {
                    let span = synapse.span_of("delay").unwrap_or(&synapse.span).clone();
                    let message =
                        format!("`{path}.delay` is shorter than the step of the sender's membrane, {} ms", step.ms());
                    self.fault(&span, message, "no delay, a step or more, or a shorter numerics.step");
                    return None;
                }
                (Driver::Axon { delay }, *rest)
            }
            Sender::Course(course) => (Driver::Course { course: (*course).clone(), delay }, course.resting()),
            Sender::Spikes(_) | Sender::Poisson(..) | Sender::Point => {
                let mechanism = read.get("sensor").is_some();
                let Some(shape) = shape.or_else(|| (!mechanism).then(flat).flatten()) else {
                    let hint =
                        "action_potential = { resting = \"-80 mV\", amplitude = \"110 mV\", half_width = \"0.4 ms\" }";
                    self.fault(&read.span, format!("`{at}.action_potential` is needed: the sender only spikes"), hint);
                    return None;
                };
                let resting = shape.resting();
                let driver = match sender {
                    Sender::Spikes(starts) => {
                        Driver::Spikes { starts: starts.iter().map(|at| *at + delay).collect(), shape }
                    }
                    Sender::Poisson(rate, sender) => {
                        Driver::Poisson { rate: *rate, delay, shape, sender: (*sender).to_owned() }
                    }
                    Sender::Point => Driver::Sent { delay, shape },
                    _ => return None,
                };
                (driver, resting)
            }
        };
        let release = if read.get("sensor").is_some() {
            Release::Mechanism(Box::new(self.mechanism(&at, read, (&driver, resting))?))
        } else {
            if !read.named("channel").is_empty() {
                let message = format!("`{at}` has channels, but no `sensor` for the calcium they let in");
                self.fault(&read.span, message, "sensor = { use = \"sensor/...\" }");
                return None;
            }
            let threshold = value(cell, "threshold").unwrap_or(0.0);
            match value(read, "release_probability").and_then(Binomial::new) {
                None => Release::Certain { threshold },
                Some(probability) => {
                    let (sites, refill) = self.sites(&path, read)?;
                    Release::Sites { threshold, sites, probability, refill }
                }
            }
        };
        // pF/um2 to fF.
        let per_area = value(read, "vesicle_capacitance").unwrap_or(9e-3);
        let vesicle = value(read, "vesicle_diameter").map(|d| 1e3 * per_area * std::f64::consts::PI * d * d);
        let loads = self.loads(&at, read, &driver)?;
        let supplied = read.get("supply").is_some();
        Some(Sending { driver, release, molecules, spread, vesicle, loads, supplied })
    }

    /// Whether the calcium current enters the sender's membrane, and whether there is such a thing.
    fn loads(&mut self, at: &str, read: &Read, driver: &Driver) -> Option<bool> {
        if read.flag("loads") != Some(&true) {
            return Some(false);
        }
        let why = match driver {
            Driver::Axon { delay } if *delay > Tick::ZERO => "is a `delay` away from its sender",
            Driver::Axon { .. } if read.get("sensor").is_none() => "has no channels and no `sensor`",
            Driver::Axon { .. } => return Some(true),
            _ => "has a sender without a membrane",
        };
        let span = read.span_of("loads").unwrap_or(&read.span).clone();
        self.fault(&span, format!("`{at}` {why}: there is nothing for its calcium current to load"), "loads = false");
        None
    }

    fn action_potential(&mut self, at: &str, read: &Read) -> Option<ActionPotential> {
        let values = |f: &str| read.numbers(f).map(|all| all.iter().map(|n| n.value()).collect::<Vec<f64>>());
        let template = ["resting", "amplitude", "half_width"];
        let made = match (values("times"), values("voltages")) {
            (Some(times), Some(voltages)) => {
                if template.iter().chain(&["rise_share"]).any(|f| read.get(f).is_some()) {
                    let span = read.span_of("times").unwrap_or(&read.span).clone();
                    let message = format!("`{at}.action_potential` is a recorded one and a template at once");
                    self.fault(&span, message, "`times` and `voltages`, or `resting`, `amplitude` and `half_width`");
                    return None;
                }
                let (first, last) = (voltages.first().copied()?, voltages.last().copied()?);
                if (first - last).abs() > 1e-9 {
                    let span = read.span_of("voltages").unwrap_or(&read.span).clone();
                    let message = format!("`{at}.action_potential` begins at {first} mV and ends at {last} mV");
                    self.fault(&span, message, "one resting potential before and after");
                    return None;
                }
                ActionPotential::table(&times, &voltages)
            }
            (None, None) => {
                let get = |f: &str| value(read, f);
                if let Some(missing) = template.iter().find(|f| read.get(f).is_none()) {
                    let message = format!("`{at}.action_potential.{missing}` is needed to run this model");
                    self.fault(
                        &read.span,
                        message,
                        "`resting`, `amplitude` and `half_width`, or `times` and `voltages`",
                    );
                    return None;
                }
                let share = get("rise_share").unwrap_or(0.35);
                ActionPotential::template(get("resting")?, get("amplitude")?, get("half_width")?, share)
            }
            _ => {
                let message = format!("`{at}.action_potential` has one of `times` and `voltages`, and needs both");
                self.fault(&read.span, message, "");
                return None;
            }
        };
        let slot = self.tick("slot", 0.005);
        match made {
            Ok(shape) if shape.duration() / slot.ms() <= MOST_SLOTS => Some(shape),
            Ok(shape) => {
                let length = read.span_of("half_width").or_else(|| read.span_of("times"));
                let span = length.unwrap_or(&read.span).clone();
                let slots = shape.duration() / slot.ms();
                let message = format!("`{at}.action_potential` takes {slots:.0} slots of {} ms", slot.ms());
                self.fault(&span, message, "at most 1,000,000: a shorter action potential, or a longer numerics.slot");
                None
            }
            Err(e) => {
                self.fault(&read.span, format!("`{at}.action_potential` cannot be used: {e}"), "");
                None
            }
        }
    }

    fn mechanism(&mut self, at: &str, read: &Read, (driver, resting): (&Driver, f64)) -> Option<Mechanism> {
        let docked = self.need_count(at, read, "docked")?;
        let [calcium, volume, radius] =
            ["resting_calcium", "volume", "active_zone_radius"].map(|f| self.need(at, read, f));
        let (calcium, volume, radius) = (calcium?, volume?, radius?);
        let diffusion = value(read, "calcium_diffusion").unwrap_or(0.22);
        if docked == 0 || docked > 10_000 {
            let span = read.span_of("docked").unwrap_or(&read.span).clone();
            self.fault(&span, format!("`{at}` has {docked} docked vesicles"), "from 1 to 10,000");
            return None;
        }
        let mut kinds = Vec::new();
        let mut crowd = Vec::new();
        for (key, placed) in read.named("channel") {
            let here = format!("{at}.channel.{}", key.name);
            let (kind, count) = (self.channel_kind(&here, placed, calcium, resting), placed.count("count"));
            let distance = self.need(&here, placed, "distance");
            let Some(kind) = kind else { continue };
            let Some(count) = count else {
                self.fault(
                    &placed.span,
                    format!("`{here}.count` is needed: a terminal counts its channels"),
                    "count = 20",
                );
                continue;
            };
            if *count > MOST_CHANNELS {
                self.fault(&placed.span, format!("`{here}` has {count} channels"), "at most 2000 of a kind");
                continue;
            }
            let Some(distance) = distance else { continue };
            if distance <= 0.0 || distance > 1.0 {
                let span = placed.span_of("distance").unwrap_or(&placed.span).clone();
                self.fault(&span, format!("`{here}` lies {distance} um from its vesicle"), "above 0, at most 1 um");
                continue;
            }
            kinds.push(kind);
            crowd.push((*count as usize, distance));
        }
        if kinds.len() < read.named("channel").len() {
            return None;
        }
        let buffers = self.buffers(at, read)?;
        let sensor = self.sensor(at, read, calcium)?;
        let pools = self.pools(read, docked as u32);
        let extrusion = read.table("extrusion").map(extrusion);
        let made = (|| {
            let capture = buffers.iter().filter(|b| b.1).map(|b| b.0.capture(calcium)).sum::<Result<f64, _>>()?;
            let domain = Domain::new(diffusion, capture)?;
            let bare: Vec<Buffer> = buffers.iter().map(|b| b.0.clone()).collect();
            let bulk = Bulk::new(volume, calcium, &bare, extrusion.as_slice())?;
            let (sites, positions) = layout(radius, docked as usize, &crowd)?;
            let rest = simulation::at(&kinds, resting).map_err(TerminalError::from)?;
            let channels =
                kinds.iter().zip(positions).enumerate().map(|(k, (kind, positions))| terminal::ChannelKind {
                    kinetics: kind.folded.kinetics.clone(),
                    open: open(&kind.folded.kinetics),
                    awake: kind.own.map_or_else(Vec::new, |own| (own..kind.folded.kinetics.states()).collect()),
                    positions,
                    resting_rates: rest.rates()[k].clone(),
                    resting_current: rest.currents()[k],
                });
            let (pools, vesicles) = pools?;
            let channels = channels.collect();
            let description = TerminalDescription {
                sites,
                channels,
                domain,
                bulk,
                bulk_slots: BULK_SLOTS,
                tail: TAIL,
                sensor,
                pools,
                ports: Vec::new(),
                vesicles,
            };
            Terminal::new(description, StreamKey::new(0, 0, 0, 0))
        })();
        let slot = self.tick("slot", 0.005);
        let table = match driver {
            Driver::Spikes { shape, .. } | Driver::Poisson { shape, .. } | Driver::Sent { shape, .. } => {
                let slots = (shape.duration() / slot.ms()).ceil() as i64;
                let middle = |k: i64| shape.at(slot * k + Tick(slot.0 / 2));
                (0..slots).map(|k| simulation::at(&kinds, middle(k))).collect::<Result<Vec<_>, _>>()
            }
            _ => Ok(Vec::new()),
        };
        match (made, table) {
            (Ok(terminal), Ok(table)) => Some(Mechanism { terminal, kinds, slot, resting, table }),
            (made, table) => {
                let why = made.err().map(|e| e.to_string()).or_else(|| table.err().map(|e| e.to_string()));
                let message = format!("`{at}` cannot be built: {}", why.unwrap_or_default());
                self.fault(&read.span, message, "");
                None
            }
        }
    }

    fn channel_kind(&mut self, path: &str, placed: &Read, inside: f64, resting: f64) -> Option<ChannelKind> {
        let part = self.part(path)?;
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let permeation = part.body.body.table("permeation");
        if permeation.and_then(|p| p.text("ion")) != Some("ca") {
            let message = format!("`{}` does not carry calcium, so it does nothing in a terminal", part.entry);
            self.fault(&span, message, "a calcium channel, such as channel/cav2_1_li_2007");
            return None;
        }
        let lowered = match whole(part) {
            Ok(lowered) => lowered,
            Err(message) => {
                self.fault(&span, format!("`{path}` cannot be built: {message}"), "");
                return None;
            }
        };
        let mut held = vec![0.0; lowered.kinetics.ligands()];
        part.drugs.iter().for_each(|d| held[d.ligand] = d.concentration);
        let folded = match Folded::new(&lowered, None, &held, resting) {
            Ok(folded) => folded,
            Err(e) => {
                self.fault(&span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        let outside = self.bath("ca", &format!("the current of `{path}`"), &span)?;
        let kelvin = self.resolved.temperature;
        let ohmic = value(placed, "reversal").is_some();
        let permeability = permeation.and_then(|p| value(p, "permeability")).filter(|_| !ohmic);
        let law = match permeability {
            Some(permeability) => {
                Law::Ghk { ghk: Ghk::new(2, kelvin), permeability, concentrations: (inside, outside) }
            }
            None => {
                let Some(conductance) = part.body.body.named_numbers("conductance").first().map(|(_, n)| n.value())
                else {
                    let message = format!("`{}` has neither a permeability nor a unitary conductance", part.entry);
                    self.fault(&span, message, "another entry");
                    return None;
                };
                let own = || permeation.and_then(|p| value(p, "reversal"));
                let e_rev = value(placed, "reversal").or_else(own);
                Law::Ohmic { conductance, e_rev: e_rev.unwrap_or_else(|| nernst(2, inside, outside, kelvin)) }
            }
        };
        let states = part.scheme.as_ref().map_or_else(Vec::new, |s| s.states.clone());
        let own = part.body.scheme.as_ref().map(|s| s.states.len());
        Some(ChannelKind { folded, states, own, law })
    }

    /// Buffers, and whether they move.
    fn buffers(&mut self, at: &str, read: &Read) -> Option<Vec<(Buffer, bool)>> {
        let mut all = Vec::new();
        for (key, placed) in read.named("buffer") {
            let here = format!("{at}.buffer.{}", key.name);
            let part = self.part(&here)?;
            let span = placed.span_of("use").unwrap_or(&placed.span).clone();
            let own = part.body.body.table("buffer");
            let total = value(placed, "total").or_else(|| own.and_then(|b| value(b, "total")));
            let Some(total) = total else {
                self.fault(&placed.span, format!("`{here}.total` is needed: its entry has none"), "total = \"0.1 mM\"");
                continue;
            };
            let diffusion = own.and_then(|b| value(b, "diffusion")).unwrap_or(0.0);
            let ligands = part.scheme.as_ref().map_or(&[][..], |s| &s.ligands);
            let magnesium = value(read, "free_magnesium").unwrap_or(0.0);
            let held: Vec<f64> = ligands.iter().map(|l| if l == "mg" { magnesium } else { 0.0 }).collect();
            let moving = ligands.iter().position(|l| l == "ca");
            let made = scheme(part)
                .map_err(|e| e.to_string())
                .and_then(|s| Folded::new(&s, moving, &held, RESTING).map_err(|e| e.to_string()))
                .and_then(|f| Buffer::scheme(&f.kinetics, &f.rates, total, diffusion).map_err(|e| e.to_string()));
            match made {
                Ok(buffer) => all.push((buffer, diffusion > 0.0)),
                Err(e) => self.fault(&span, format!("`{here}` cannot be built: {e}"), ""),
            }
        }
        (all.len() == read.named("buffer").len()).then_some(all)
    }

    fn sensor(&mut self, at: &str, read: &Read, calcium: f64) -> Option<Sensor> {
        let here = format!("{at}.sensor");
        let (placed, part) = (read.table("sensor")?, self.part(&here)?);
        let made = scheme(part).map_err(|e| e.to_string()).and_then(|s| {
            let coefficients = s.coefficients(RESTING, &vec![0.0; s.kinetics.ligands()]);
            Sensor::new(&s.kinetics, &coefficients, calcium).map_err(|e| e.to_string())
        });
        match made {
            Ok(sensor) => Some(sensor),
            Err(e) => {
                let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                self.fault(&span, format!("`{here}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// Pools, and vesicles in each.
    fn pools(&self, read: &Read, docked: u32) -> Result<(PoolPlan, Vec<u32>), TerminalError> {
        let pools = read.table("pools");
        let count = |f: &str| pools.and_then(|p| p.count(f)).map_or(0, |n| *n as u32);
        let rate = |f: &str| pools.and_then(|p| value(p, f)).unwrap_or(0.0);
        let index = |name: &str| PoolIndex(POOLS.iter().position(|p| *p == name).unwrap_or(0) as u16);
        let way = |from: &str, to: &str, field: &str, per: Per| Transfer {
            from: index(from),
            to: index(to),
            rate: rate(field),
            per,
            port: None,
        };
        let transfers = [
            way("replacement", "docked", "priming", Per::FreePlace),
            way("recycling", "replacement", "refill", Per::Vesicle),
            way("reserve", "recycling", "mobilise", Per::Vesicle),
            way("fused", "recycling", "endocytosis", Per::Vesicle),
        ];
        // Replacement places are as many as there are vesicles at the start, or the pool would swallow all others.
        let replacement = count("replacement").max(1);
        let capacities = [Some(docked), Some(replacement), None, None, None];
        let plan = PoolPlan::new(&capacities, index("docked"), index("fused"), &transfers)?;
        Ok((plan, vec![docked, count("replacement"), count("recycling"), count("reserve"), 0]))
    }

    /// A time of `numerics`, as a tick.
    pub fn tick(&self, field: &str, otherwise: f64) -> Tick {
        let numerics = self.resolved.read.table("numerics");
        Tick::from_ms(numerics.and_then(|n| value(n, field)).unwrap_or(otherwise)).unwrap_or(Tick(1))
    }
}

/// How open each state is.
fn open(kinetics: &Kinetics) -> Vec<f64> {
    kinetics.weights(super::observable::OPEN).unwrap_or(&[]).to_vec()
}

/// A channel as one scheme; one kind of gate, several in series, becomes a ladder.
fn whole(part: &Part) -> Result<LoweredScheme, String> {
    if part.scheme.is_some() {
        return scheme(part).map_err(|e| e.to_string());
    }
    if let Some(ion) = part.body.reads.first() {
        return Err(format!("its gates read {ion} inside, which is followed in neurons only"));
    }
    match &part.gates[..] {
        [gate] => super::ladder(part, gate).map_err(|e| e.to_string()),
        [] => Err("it has no gates, so calcium would never stop flowing".into()),
        _ => Err("several kinds of gates do not make one scheme".into()),
    }
}

/// The shape of an action potential that nobody looks at.
fn flat() -> Option<ActionPotential> {
    ActionPotential::template(RESTING, 100.0, 0.5, 0.5).ok()
}

fn extrusion(read: &Read) -> Extrusion {
    match (value(read, "rate"), value(read, "v_max"), value(read, "k_m")) {
        (_, Some(v_max), Some(k_m)) => Extrusion::MichaelisMenten { v_max, k_m },
        (rate, ..) => Extrusion::FirstOrder { rate: rate.unwrap_or(0.0) },
    }
}
