//! Cells: sections become compartments, channels become kinds of channel, eight equal cells a block (eight trials).

use super::context::{Lowering, value};
use super::morphology::Layout;
use ::model::read::Read;
use engine::neuron::{self, Cell, Channel, Insertion, Law, Tissue};
use numerics::simd::LANES;
use std::f64::consts::PI;
use std::sync::Arc;

/// Error of gates that are read from tables: of steady states, and of rates relatively.
pub(super) const GATES: f64 = 1e-8;

/// A cell with a membrane, ready to run.
#[derive(Debug)]
pub struct LoweredCell {
    /// Eight of it.
    pub plan: neuron::Plan,
    /// At rest.
    pub rest: neuron::State,
    /// Where its parts are.
    pub layout: Layout,
    /// Names of ions that have pools, in the order of the plan.
    pub ions: Vec<String>,
    /// Its channels, in the order of the plan.
    pub channels: Vec<Through>,
    /// Where copies of its channels are counted: the same cell with their means instead.
    pub means: Option<Arc<LoweredCell>>,
    /// What it is made of, for a circuit of many.
    pub parts: Parts,
}

/// What a cell is made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Kinds of channels.
    pub channels: Vec<Channel>,
    /// Ions with pools.
    pub ions: Vec<neuron::Ion>,
    /// The cell.
    pub cell: Cell,
}

/// A channel of a cell, as probes know it.
#[derive(Debug, Clone)]
pub struct Through {
    /// Its name.
    pub name: String,
    /// Without gates: conductance by compartment (nS), and reversal potential (mV).
    pub fixed: Option<(Vec<f64>, f64)>,
}

impl LoweredCell {
    /// Which ion of the plan is calcium, where it has pools of it.
    #[must_use]
    pub fn calcium(&self) -> Option<usize> {
        self.ions.iter().position(|ion| ion == "ca")
    }
}

/// A spine to be built: the synapse's name, where on the cell, its table.
pub(super) struct Spine<'a> {
    pub synapse: &'a str,
    pub place: &'a str,
    pub read: &'a Read,
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
        let mut layout = Layout::default();
        let mut cell = match self.resolved.shapes.get(name) {
            None => {
                let m = membrane?;
                let cylinder = || Some(PI * value(m, "diameter")? * value(m, "length")?);
                let area = value(m, "area").or_else(cylinder)?;
                Cell::point(tissue, area)
            }
            Some(shape) => self.cut(&path, read, (shape, tissue), &mut layout)?,
        };
        if layout.shape.is_none() {
            // Of a point, a quarter of its diameter, if it has one.
            let point = membrane.and_then(|m| value(m, "diameter")).unwrap_or(f64::INFINITY) / 4.0;
            (layout.own, layout.thickness) = (1, vec![point]);
        }
        // Spines have the capacitance of where they sit, unless it is theirs that is said.
        self.membranes(read, &mut cell, &layout);
        let hosts = self.spines(read, &mut cell, &mut layout, (tissue, spines));
        self.membranes(read, &mut cell, &layout);
        let n = cell.compartments.len();
        let pools = self.cell_pools(&path, read, &mut cell, (&hosts, r_a), &layout);
        let failed = pools.is_none();
        let pools = pools.unwrap_or_default();
        let (mut channels, mut names) = (Vec::new(), Vec::new());
        for (key, placed) in read.named("channel") {
            let at = format!("{path}.channel.{}", key.name);
            let (Some(part), Some(carrier)) = (self.part(&at), self.carrier(&at, placed, (name, read), &pools)) else {
                continue;
            };
            let Some(mut channel) = self.channel(&at, part, placed, (&carrier, &pools)) else { continue };
            let open = channel.gates.is_empty() && channel.scheme.is_none();
            let mask = self.mask(placed, n, &layout);
            let area: f64 = (0..n).filter(|k| mask[*k]).map(|k| cell.compartments[k].area).sum();
            let density = match carrier.law {
                Law::Ghk | Law::GhkHeld { .. } => {
                    let even = |p: f64| mask.iter().map(|here| if *here { p } else { 0.0 }).collect();
                    self.permeability(&at, part, placed, area).map(even)
                }
                Law::Ohmic | Law::Nernst => self.densities(&at, part, placed, (area, n, &mask, &layout)),
            };
            let Some(density) = density else { continue };
            let mut g_max: Vec<f64> = (0..n).map(|k| density[k] * part.active * cell.compartments[k].area).collect();
            // Spines have the passive membrane of the place they sit on, where nothing else is said of them.
            for (host, spine) in hosts.iter().filter(|_| open) {
                for k in spine.clone().map(|k| k as usize).filter(|k| !mask[*k]) {
                    g_max[k] = density[*host as usize] * cell.compartments[k].area;
                }
            }
            if self.fed((&at, name), placed, (carrier.law, &g_max), (&cell, &pools)).is_none() {
                continue;
            }
            if self.counted(&at, part, placed, &mut channel, (&mut g_max, &layout)).is_none() {
                continue;
            }
            let fixed = open && carrier.law == Law::Ohmic;
            let fixed = fixed.then(|| (g_max.clone(), carrier.e_rev));
            names.push(Through { name: key.name.clone(), fixed });
            cell.insertions.push(Insertion { channel: channels.len(), g_max, overrides: Vec::new() });
            channels.push(channel);
        }
        if failed || channels.len() < read.named("channel").len() {
            return None; // why was said
        }
        let cell = cell.detect(0, value(read, "threshold").unwrap_or(0.0));
        let counted = channels.iter().any(|c| c.single.is_some());
        let averaged: Option<Vec<Channel>> =
            counted.then(|| channels.iter().map(|c| Channel { single: None, ..c.clone() }).collect());
        let parts = Parts { channels, ions: pools.ions, cell };
        let of = (&pools.names[..], &layout, &names[..]);
        let means = match averaged {
            Some(channels) => Some(self.ready((&path, read), Parts { channels, ..parts.clone() }, of)?.into()),
            None => None,
        };
        Some(LoweredCell { means, ..self.ready((&path, read), parts, of)? })
    }

    /// Eight cells at rest.
    fn ready(
        &mut self,
        (path, read): (&str, &Read),
        parts: Parts,
        (ions, layout, channels): (&[String], &Layout, &[Through]),
    ) -> Option<LoweredCell> {
        let Parts { channels: kinds, ions: of, cell } = parts.clone();
        let plan = match neuron::Plan::with_ions(kinds, of, &vec![cell; LANES], self.resolved.temperature) {
            Ok(plan) => plan.tabulated(self.tick("step", 0.025), GATES),
            Err(e) => {
                self.fault(&read.span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        match plan.rest(-150.0..=80.0) {
            Ok(rest) => {
                let (layout, ions, channels) = (layout.clone(), ions.to_vec(), channels.to_vec());
                Some(LoweredCell { plan, rest, layout, ions, channels, means: None, parts })
            }
            Err(e) => {
                let hint = "give it a leak, or a channel that is open at rest";
                self.fault(&read.span, format!("`{path}` has no resting potential: {e}"), hint);
                None
            }
        }
    }
}
