//! Cells: sections become compartments, channels become kinds of channel, eight equal cells a block (eight trials).

use super::context::{Lowering, value};
use super::ions::{Carrier, Pools};
use super::{LowerError, expression, ions};
use ::model::read::Read;
use ::model::resolve::{Part, ResolvedGateForm, ResolvedRate};
use engine::mechanism::ProgramBuilder;
use engine::neuron::{self, Cell, Channel, ChannelInput, Compartment, Gate, GateForm, Insertion, Law, Tissue};
use numerics::simd::LANES;
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// Most compartments of a cell.
const MOST: u32 = 1_000_000;

/// A cell with a membrane, ready to run.
#[derive(Debug)]
pub struct LoweredCell {
    /// Eight of it.
    pub plan: neuron::Plan,
    /// At rest.
    pub rest: neuron::State,
    /// Where its sections lie: first compartment and how many, by name; spines by the name of their synapse.
    pub sections: BTreeMap<String, (u32, u32)>,
    /// Names of ions that have pools, in the order of the plan.
    pub ions: Vec<String>,
    /// Its channels by name, in the order of the plan; of those without gates, conductance by compartment (nS) and
    /// reversal potential (mV).
    pub channels: Vec<(String, Option<(Vec<f64>, f64)>)>,
}

impl LoweredCell {
    /// The compartment of a place such as `dend(0.4)`; of the root, if it is no section's name.
    #[must_use]
    pub fn compartment(&self, place: &str) -> u32 {
        let (name, position) = match place.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.trim_end_matches(')').trim().parse().unwrap_or(0.5)),
            None => (place.trim(), 0.5),
        };
        let &(first, count) = self.sections.get(name).unwrap_or(&(0, 1));
        first + ((position * f64::from(count)) as u32).min(count - 1)
    }
}

impl LoweredCell {
    /// A compartment as the user knows it: `compartment 3 of 20 of dend`.
    #[must_use]
    pub fn place(&self, compartment: u32) -> String {
        let here = |s: &(&String, &(u32, u32))| (s.1.0..s.1.0 + s.1.1).contains(&compartment);
        match self.sections.iter().find(here) {
            Some((name, &(first, count))) => format!("compartment {} of {count} of `{name}`", compartment - first + 1),
            None => format!("compartment {compartment}"),
        }
    }
}

/// A spine to be built: the synapse's name, where on the cell, its table.
pub(super) struct Spine<'a> {
    pub synapse: &'a str,
    pub place: &'a str,
    pub read: &'a Read,
}

/// Length of a compartment at most, um: a tenth of the length constant at 100 Hz (Carnevale & Hines 2006, The NEURON
/// Book, ch. 5: `lambda_f = 1/2 sqrt(d / (pi f R_a C_m))`).
fn longest(tissue: Tissue, diameter: f64) -> f64 {
    // d um = 1e-4 cm; f = 100 /s; Ohm cm; 1e-6 F/cm2; cm to um.
    let lambda = 0.5 * (diameter * 1e-4 / (PI * 100.0 * tissue.r_a * tissue.c_m * 1e-6)).sqrt() * 1e4;
    0.1 * lambda
}

impl Lowering<'_> {
    /// Lowers a cell that has a membrane.
    pub fn cell(&mut self, name: &str, read: &Read, spines: &[Spine]) -> Option<LoweredCell> {
        let path = format!("cell.{name}");
        let membrane = read.table("membrane");
        // 0.01 pF/um2 is 1 uF/cm2; 1e-5 GOhm um is 1 Ohm cm.
        let c_m = membrane.and_then(|m| value(m, "capacitance")).unwrap_or(0.01) / 0.01;
        let r_a = membrane.and_then(|m| value(m, "axial_resistivity")).unwrap_or(1e-3) / 1e-5;
        let tissue = Tissue { c_m, r_a };
        let mut sections = BTreeMap::new();
        let mut thickness = Vec::new();
        let mut cell = if read.named("section").is_empty() {
            let m = membrane?;
            let cylinder = || Some(PI * value(m, "diameter")? * value(m, "length")?);
            let area = value(m, "area").or_else(cylinder)?;
            ions::cylinder(&mut thickness, 0..1, value(m, "diameter").unwrap_or(f64::INFINITY));
            sections.insert("soma".to_owned(), (0, 1));
            Cell::point(tissue, area)
        } else {
            self.sections(&path, read, tissue, (&mut sections, &mut thickness))?
        };
        let own = cell.compartments.len();
        let mut hosts = Vec::new();
        for spine in spines {
            hosts.push(add_spine(&mut cell, &mut sections, tissue, spine));
        }
        let pools = self.cell_pools(&path, read, &mut cell, &thickness, &sections);
        let failed = pools.is_none();
        let pools = pools.unwrap_or_default();
        let (mut channels, mut names) = (Vec::new(), Vec::new());
        for (key, placed) in read.named("channel") {
            let at = format!("{path}.channel.{}", key.name);
            let (Some(part), Some(carrier)) = (self.part(&at), self.carrier(&at, placed, (name, read), &pools)) else {
                continue;
            };
            let Some(channel) = self.channel(&at, part, placed, (&carrier, &pools)) else { continue };
            let here: Vec<&str> = placed.texts("on").iter().map(|t| t.0.as_str()).collect();
            let has = |k: u32| {
                here.is_empty() || here.iter().any(|s| sections.get(*s).is_some_and(|&(a, n)| (a..a + n).contains(&k)))
            };
            let area: f64 = (0..own).filter(|&k| has(k as u32)).map(|k| cell.compartments[k].area).sum();
            let density = match carrier.law {
                Law::Ghk | Law::GhkHeld { .. } => self.permeability(&at, part, placed, area),
                Law::Ohmic | Law::Nernst => self.density(&at, part, placed, area),
            };
            let Some(density) = density else { continue };
            let mut g_max: Vec<f64> =
                (0..own).map(|k| if has(k as u32) { density * cell.compartments[k].area } else { 0.0 }).collect();
            // Spines have the passive membrane of the section they sit on.
            for (host, spine) in &hosts {
                for k in spine.clone() {
                    let passive = channel.gates.is_empty() && has(*host);
                    g_max.push(if passive { density * cell.compartments[k as usize].area } else { 0.0 });
                }
            }
            if self.fed((&at, name), placed, (carrier.law, &g_max), (&cell, &pools)).is_none() {
                continue;
            }
            let fixed = channel.gates.is_empty() && carrier.law == Law::Ohmic;
            names.push((key.name.clone(), fixed.then(|| (g_max.clone(), carrier.e_rev))));
            cell.insertions.push(Insertion { channel: channels.len(), g_max, overrides: Vec::new() });
            channels.push(channel);
        }
        if failed || channels.len() < read.named("channel").len() {
            return None; // why was said
        }
        let cell = cell.detect(0, value(read, "threshold").unwrap_or(0.0));
        let ions = pools.ions;
        let plan = match neuron::Plan::with_ions(channels, ions, &vec![cell; LANES], self.resolved.temperature) {
            Ok(plan) => plan,
            Err(e) => {
                self.fault(&read.span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        match plan.rest(-150.0..=80.0) {
            Ok(rest) => Some(LoweredCell { plan, rest, sections, ions: pools.names, channels: names }),
            Err(e) => {
                let hint = "give it a leak, or a channel that is open at rest";
                self.fault(&read.span, format!("`{path}` has no resting potential: {e}"), hint);
                None
            }
        }
    }

    fn sections(
        &mut self,
        path: &str,
        read: &Read,
        tissue: Tissue,
        (out, thickness): (&mut BTreeMap<String, (u32, u32)>, &mut Vec<f64>),
    ) -> Option<Cell> {
        let mut cell = Cell::default();
        // By section: its last compartment and half of that one's resistance, GOhm.
        let mut ends: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
        for (key, section) in read.named("section") {
            let (diameter, length) = (value(section, "diameter")?, value(section, "length")?);
            let wanted =
                section.count("compartments").map_or((length / longest(tissue, diameter)).ceil(), |n| *n as f64);
            if wanted + cell.compartments.len() as f64 > f64::from(MOST) {
                let message = format!("`{path}.section.{}` would have {wanted} compartments", key.name);
                self.fault(&section.span, message, &format!("at most {MOST} in a cell: give `compartments`"));
                return None;
            }
            let n = (wanted as u32).max(1);
            let half = 0.5 / tissue.g_axial(length / f64::from(n), diameter);
            let first = cell.compartments.len() as u32;
            match section.text("on").and_then(|on| ends.get(on)) {
                None => {
                    // The root: a soma in one piece has no resistance of its own.
                    cell = Cell::point(tissue, PI * diameter * length / f64::from(n));
                    if n > 1 {
                        let step = length / f64::from(n);
                        cell.add_cylinder(tissue, 0, half, (length - step, diameter, n - 1));
                    }
                    ends.insert(&key.name, (n - 1, if n > 1 { half } else { 0.0 }));
                }
                Some(&(parent, resistance)) => {
                    let (range, half) = cell.add_cylinder(tissue, parent, resistance, (length, diameter, n));
                    ends.insert(&key.name, (range.end - 1, half));
                }
            }
            ions::cylinder(thickness, first..first + n, diameter);
            out.insert(key.name.clone(), (first, n));
        }
        Some(cell)
    }

    /// nS/um2, from a density or from a number of channels spread over `area` um2.
    fn density(&mut self, path: &str, part: &Part, placed: &Read, area: f64) -> Option<f64> {
        if let Some(density) = value(placed, "density") {
            return Some(density);
        }
        let count = *placed.count("count")? as f64;
        let said = placed.named_numbers("conductance").iter().chain(part.body.body.named_numbers("conductance"));
        match said.map(|(_, n)| n.value()).next() {
            Some(g) => Some(count * g / area),
            None => {
                let message = format!("`{path}` has no unitary conductance, so its `count` says nothing");
                self.fault(&placed.span, message, "give its `density`");
                None
            }
        }
    }

    /// A kind of channel for a neuron's membrane.
    fn channel(
        &mut self,
        path: &str,
        part: &Part,
        placed: &Read,
        (carrier, pools): (&Carrier, &Pools),
    ) -> Option<Channel> {
        if part.scheme.is_some() {
            let message = format!(
                "`{}` gates by a scheme; a neuron's membrane takes channels with independent gates",
                part.entry
            );
            self.fault(
                placed.span_of("use").unwrap_or(&placed.span),
                message,
                "put it into a terminal, or use another entry",
            );
            return None;
        }
        match channel(part, carrier, pools) {
            Ok(channel) => Some(channel),
            Err(e) => {
                self.fault(&placed.span, format!("`{path}` cannot be built: {e}"), "");
                None
            }
        }
    }
}

/// Neck and head, their compartments and the one they sit on.
fn add_spine(
    cell: &mut Cell,
    sections: &mut BTreeMap<String, (u32, u32)>,
    tissue: Tissue,
    spine: &Spine,
) -> (u32, std::ops::Range<u32>) {
    let get = |field: &str| value(spine.read, field).unwrap_or(1.0);
    let (name, position) = match spine.place.split_once('(') {
        Some((name, rest)) => (name.trim(), rest.trim_end_matches(')').trim().parse().unwrap_or(0.5)),
        None => (spine.place.trim(), 0.5),
    };
    let &(first, count) = sections.get(name).unwrap_or(&(0, 1));
    let host = first + ((position * f64::from(count)) as u32).min(count - 1);
    let neck = (get("neck_length"), get("neck_diameter"), 1);
    let (range, half) = cell.add_cylinder(tissue, host, 0.0, neck);
    let head = get("head_diameter");
    let area = PI * head * head;
    let parent = Some(range.start);
    cell.compartments.push(Compartment { area, c_m: 0.01 * tissue.c_m * area, parent, g_axial: 1.0 / half });
    sections.insert(spine.synapse.to_owned(), (range.end, 1));
    (host, range.start..range.end + 1)
}

/// All gates of a part in one program.
fn channel(part: &Part, &Carrier { e_rev, law, ion }: &Carrier, pools: &Pools) -> Result<Channel, LowerError> {
    let layout = &part.layout;
    let mut b = ProgramBuilder::new(layout.names.len() as u16);
    let mut scaled = |rate: &ResolvedRate| {
        let value = expression::write(&mut b, &rate.expr);
        let factor = b.constant(rate.factor);
        b.mul(value, factor)
    };
    let (mut gates, mut outputs) = (Vec::new(), Vec::new());
    for gate in &part.gates {
        let count = u8::try_from(gate.count).unwrap_or(u8::MAX);
        let (form, first, second) = match &gate.form {
            ResolvedGateForm::Rates { opening, closing } => (GateForm::Rates, scaled(opening), scaled(closing)),
            ResolvedGateForm::Relaxation { steady, tau } => (GateForm::Steady, scaled(steady), scaled(tau)),
        };
        gates.push(Gate { count, form });
        outputs.extend([first, second]);
    }
    let rates = b.finish(&outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let mut inputs: Vec<ChannelInput> = (0..layout.parameters).map(|k| ChannelInput::Parameter(k as u16)).collect();
    inputs.extend([ChannelInput::Voltage, ChannelInput::Temperature]);
    // An ion without a pool is refused where it is placed.
    let read = |ion: &String| ChannelInput::Concentration(pools.ion(ion).unwrap_or_default() as u16);
    inputs.extend(part.body.reads.iter().map(read));
    Ok(Channel { e_rev, gates, rates, inputs, parameters: part.parameters.clone(), law, ion })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compartment_is_a_tenth_of_the_length_constant_at_a_hundred_hertz() {
        // 2 um, 150 Ohm cm, 1 uF/cm2: lambda_100 = 325.7 um.
        let length = longest(Tissue { c_m: 1.0, r_a: 150.0 }, 2.0);
        assert!((length - 32.57).abs() < 0.01, "{length}");
    }
}
