//! Cells: sections become compartments, channels become kinds of channel, eight equal cells a block (eight trials).

use super::context::{Lowering, value};
use super::ions::{Carrier, Pools};
use super::morphology::Layout;
use super::{LowerError, expression};
use ::model::read::Read;
use ::model::resolve::{Part, ResolvedGateForm, ResolvedRate};
use engine::mechanism::ProgramBuilder;
use engine::neuron::{self, Cell, Channel, ChannelInput, Gate, GateForm, Insertion, Law, Tissue};
use numerics::simd::LANES;
use std::f64::consts::PI;

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
#[derive(Debug)]
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
            let Some(channel) = self.channel(&at, part, placed, (&carrier, &pools)) else { continue };
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
            let mut g_max: Vec<f64> = (0..n).map(|k| density[k] * cell.compartments[k].area).collect();
            // Spines have the passive membrane of the place they sit on, where nothing else is said of them.
            for (host, spine) in hosts.iter().filter(|_| channel.gates.is_empty()) {
                for k in spine.clone().map(|k| k as usize).filter(|k| !mask[*k]) {
                    g_max[k] = density[*host as usize] * cell.compartments[k].area;
                }
            }
            if self.fed((&at, name), placed, (carrier.law, &g_max), (&cell, &pools)).is_none() {
                continue;
            }
            let fixed = channel.gates.is_empty() && carrier.law == Law::Ohmic;
            let fixed = fixed.then(|| (g_max.clone(), carrier.e_rev));
            names.push(Through { name: key.name.clone(), fixed });
            cell.insertions.push(Insertion { channel: channels.len(), g_max, overrides: Vec::new() });
            channels.push(channel);
        }
        if failed || channels.len() < read.named("channel").len() {
            return None; // why was said
        }
        let cell = cell.detect(0, value(read, "threshold").unwrap_or(0.0));
        let ions = pools.ions;
        let parts = Parts { channels: channels.clone(), ions: ions.clone(), cell: cell.clone() };
        let plan = match neuron::Plan::with_ions(channels, ions, &vec![cell; LANES], self.resolved.temperature) {
            Ok(plan) => plan.tabulated(self.tick("step", 0.025), GATES),
            Err(e) => {
                self.fault(&read.span, format!("`{path}` cannot be built: {e}"), "");
                return None;
            }
        };
        match plan.rest(-150.0..=80.0) {
            Ok(rest) => Some(LoweredCell { plan, rest, layout, ions: pools.names, channels: names, parts }),
            Err(e) => {
                let hint = "give it a leak, or a channel that is open at rest";
                self.fault(&read.span, format!("`{path}` has no resting potential: {e}"), hint);
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
