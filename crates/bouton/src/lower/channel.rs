//! Channels of a neuron's membrane: gates or a scheme become a kind of channel, and how many copies there are where they are
//! counted.

use super::context::{Lowering, value};
use super::ions::{Carrier, Pools};
use super::morphology::Layout;
use super::{LowerError, expression};
use ::model::read::Read;
use ::model::resolve::{Part, ResolvedGateForm, ResolvedRate, ResolvedScheme};
use engine::mechanism::{MAX_STATES, ProgramBuilder, Value};
use engine::neuron::{Channel, ChannelInput, Gate, GateForm, Law, MAX_COPIES, Scheme, SchemeStep};
use std::collections::HashMap;

impl Lowering<'_> {
    /// A kind of channel for a neuron's membrane.
    pub(super) fn channel(
        &mut self,
        path: &str,
        part: &Part,
        placed: &Read,
        (carrier, pools): (&Carrier, &Pools),
    ) -> Option<Channel> {
        let span = placed.span_of("use").unwrap_or(&placed.span);
        if let Some(scheme) = &part.scheme {
            if let Some(state) = scheme.states.iter().zip(&scheme.absorbing).find(|(_, absorbing)| **absorbing) {
                let message = format!("`{}` has a state without return, `{}`", part.entry, state.0);
                self.fault(span, message, "a channel of a membrane goes on and on: another entry");
                return None;
            }
            if scheme.states.len() > MAX_STATES {
                let n = scheme.states.len();
                let message = format!("`{path}` has {n} states with its drugs, and a membrane follows {MAX_STATES}");
                self.fault(span, message, "fewer drugs at once");
                return None;
            }
            if part.conductance.iter().all(|(_, g)| *g == 0.0) {
                let message = format!("no state of `{}` conducts", part.entry);
                self.fault(span, message, "another entry");
                return None;
            }
            let held = |ligand: usize| part.drugs.iter().any(|d| d.ligand == ligand);
            let unknown = (0..scheme.ligands.len()).find(|&l| !held(l) && pools.ion(&scheme.ligands[l]).is_none());
            // Ions without a pool are told of where the channel is placed.
            if let Some(ligand) = unknown.filter(|&l| super::context::valence(&scheme.ligands[l]).is_none()) {
                let message =
                    format!("`{path}` binds {}, which nothing releases onto a membrane", scheme.ligands[ligand]);
                self.fault(span, message, "a receptor belongs to a synapse");
                return None;
            }
        }
        let made = match &part.scheme {
            Some(scheme) => states(part, scheme, carrier, pools),
            None => gates(part, carrier, pools),
        };
        match made {
            Ok(channel) => Some(channel),
            Err(e) => {
                self.fault(&placed.span, format!("`{path}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// Makes a channel one whose copies are counted, if it is said to be `stochastic`: `g_max` becomes that of whole numbers.
    ///
    /// From compartment to compartment what was rounded off is carried on, so that the number in any stretch is right to one
    /// copy, and the same in every trial.
    pub(super) fn counted(
        &mut self,
        path: &str,
        part: &Part,
        placed: &Read,
        channel: &mut Channel,
        (g_max, layout): (&mut [f64], &Layout),
    ) -> Option<()> {
        if placed.flag("stochastic") != Some(&true) {
            return Some(());
        }
        let span = placed.span_of("stochastic").unwrap_or(&placed.span).clone();
        if channel.gates.is_empty() && channel.scheme.is_none() {
            let message = format!("`{path}` is always open, so that nothing of it is random");
            self.fault(&span, message, "leave `stochastic` out");
            return None;
        }
        let states: usize = channel.gates.iter().map(|gate| usize::from(gate.count) + 1).product();
        if states > MAX_STATES {
            let message =
                format!("the gates of `{path}` have {states} states together, and {MAX_STATES} can be counted");
            self.fault(&span, message, "leave `stochastic` out");
            return None;
        }
        let ghk = matches!(channel.law, Law::Ghk | Law::GhkHeld { .. });
        let entry = &part.body.body;
        let single = match ghk {
            true => entry.table("permeation").and_then(|p| value(p, "permeability")),
            false => value(placed, "unitary").or_else(|| {
                let all = entry.named_numbers("conductance").iter().map(|(_, n)| n.value());
                all.reduce(f64::max)
            }),
        };
        let Some(single) = single.filter(|g| *g > 0.0) else {
            let (what, hint) = match ghk {
                true => {
                    ("permeability of one channel", "another entry, or a `reversal` and a `unitary` conductance here")
                }
                false => ("unitary conductance", "unitary = \"20 pS\""),
            };
            self.fault(&span, format!("`{path}` is counted and has no {what}"), hint);
            return None;
        };
        let (mut whole, mut given) = (0.0, 0.0);
        for (k, g) in g_max.iter_mut().enumerate() {
            whole += *g / single;
            let copies = (whole - given).round().max(0.0);
            if copies > MAX_COPIES {
                let message = format!("`{path}` would be {copies:.1e} channels in {}", layout.place(k as u32));
                self.fault(&span, message, "4 billion at most: a larger `unitary`, or without `stochastic`");
                return None;
            }
            given += copies;
            *g = copies * single;
        }
        if given == 0.0 && whole > 0.0 {
            let message = format!("`{path}` is {whole:.2} channels on all of its membrane, which rounds to none");
            self.fault(&span, message, "a smaller `unitary` conductance, or a larger density");
            return None;
        }
        channel.single = Some(single);
        Some(())
    }
}

fn scaled(b: &mut ProgramBuilder, rate: &ResolvedRate) -> Value {
    let value = expression::write(b, &rate.expr);
    let factor = b.constant(rate.factor);
    b.mul(value, factor)
}

/// All gates of a part in one program.
fn gates(part: &Part, carrier: &Carrier, pools: &Pools) -> Result<Channel, LowerError> {
    let layout = &part.layout;
    let mut b = ProgramBuilder::new(layout.names.len() as u16);
    let (mut gates, mut outputs) = (Vec::new(), Vec::new());
    for gate in &part.gates {
        let count = u8::try_from(gate.count).unwrap_or(u8::MAX);
        let (form, first, second) = match &gate.form {
            ResolvedGateForm::Rates { opening, closing } => (GateForm::Rates, opening, closing),
            ResolvedGateForm::Relaxation { steady, tau } => (GateForm::Steady, steady, tau),
        };
        gates.push(Gate { count, form });
        outputs.push(scaled(&mut b, first));
        outputs.push(scaled(&mut b, second));
    }
    let rates = b.finish(&outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let &Carrier { e_rev, law, ion } = carrier;
    let (inputs, parameters) = (inputs(part, &part.body.reads, pools), part.parameters.clone());
    Ok(Channel { e_rev, gates, scheme: None, single: None, rates, inputs, parameters, law, ion })
}

/// What the program of a part reads; `read`: ions, or held drugs, whose values stand after the part's own parameters.
fn inputs(part: &Part, read: &[String], pools: &Pools) -> Vec<ChannelInput> {
    let parameters = part.layout.parameters;
    let mut inputs: Vec<ChannelInput> = (0..parameters).map(|k| ChannelInput::Parameter(k as u16)).collect();
    inputs.extend([ChannelInput::Voltage, ChannelInput::Temperature]);
    let of = |(index, name): (usize, &String)| match part.drugs.iter().position(|d| d.ligand == index) {
        Some(drug) if part.scheme.is_some() => ChannelInput::Parameter((parameters + drug) as u16),
        // An ion without a pool is refused where it is placed.
        _ => ChannelInput::Concentration(pools.ion(name).unwrap_or_default() as u16),
    };
    inputs.extend(read.iter().enumerate().map(of));
    inputs
}

/// A scheme whose ligands are pools and held drugs.
fn states(part: &Part, scheme: &ResolvedScheme, carrier: &Carrier, pools: &Pools) -> Result<Channel, LowerError> {
    let first = part.layout.names.len() - scheme.ligands.len();
    let mut b = ProgramBuilder::new(part.layout.names.len() as u16);
    let (mut steps, mut outputs, mut known) = (Vec::new(), Vec::new(), HashMap::new());
    for step in &scheme.steps {
        let mut value = scaled(&mut b, &step.rate);
        if let Some(ligand) = step.takes_up {
            let there = b.input((first + ligand) as u16);
            value = b.mul(value, there);
        }
        let rate = *known.entry(value).or_insert_with(|| {
            outputs.push(value);
            outputs.len() as u16 - 1
        });
        steps.push(SchemeStep { from: step.from as u16, to: step.to as u16, rate });
    }
    let rates = b.finish(&outputs).map_err(|e| LowerError::Program(part.entry.clone(), e))?;
    let most = part.conductance.iter().fold(0.0_f64, |most, (_, g)| most.max(*g));
    let mut open = vec![0.0; scheme.states.len()];
    for &(state, g) in &part.conductance {
        open[state] = g / most;
    }
    let inputs = inputs(part, &scheme.ligands, pools);
    let held = part.drugs.iter().map(|d| d.concentration);
    let parameters = part.parameters.iter().copied().chain(held).collect();
    let &Carrier { e_rev, law, ion } = carrier;
    let scheme = Some(Scheme { steps, open });
    Ok(Channel { e_rev, gates: Vec::new(), scheme, single: None, rates, inputs, parameters, law, ion })
}
