//! A plain synapse: a conductance or a current after each spike of its senders.

use super::context::{Lowering, value};
use crate::simulation::{CellPlan, Effect, Heard, PlainPlan, Voltage};
use ::model::read::Read;
use engine::receptor::waveform::{Waveform, WaveformError};
use engine::receptor::within::Within;
use engine::terminal::action_potential::ActionPotential;
use engine::time::Tick;
use numerics::bracket;
use std::sync::Arc;

/// Bytes that the senders of a synapse may take, in all trials at once.
const MEMORY: f64 = 4e9;
/// Places in which an imposed course is looked at for crossings.
const LOOKS: u32 = 100_000;

/// What makes a synapse plain, if it is.
pub(super) fn plain(read: &Read) -> Option<&Read> {
    read.table("conductance").or_else(|| read.table("current"))
}

impl Lowering<'_> {
    /// Lowers a plain synapse; `from` and `to` are bound. Onto a group of spines it is one for each: of the sender of that
    /// number, or of the one sender that there is.
    pub fn plain(
        &mut self,
        name: &str,
        read: &Read,
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
    ) -> Vec<PlainPlan> {
        let Some(one) = self.one_plain(name, read, (model, cells), (from, to)) else { return Vec::new() };
        let place = read.text("to").and_then(|t| t.split_once('.')).map_or("", |(_, place)| place.trim());
        let heads = match &cells[to.0].voltage {
            Voltage::Membrane { cell, .. } if place.starts_with("spines.") => cell.layout.spines.get(place),
            _ => None,
        };
        let Some(heads) = heads else { return vec![one] };
        if one.members != 1 && one.members != heads.len() {
            let span = read.span_of("to").unwrap_or(&read.span).clone();
            let message = format!("`synapse.{name}` has {} senders for {} spines", one.members, heads.len());
            let hint = format!("one sender, or `cell.{}.count = {}`", one.sender, heads.len());
            self.fault(&span, message, &hint);
            return Vec::new();
        }
        let each = heads.iter().enumerate().map(|(k, head)| PlainPlan {
            first: if one.members > 1 { k } else { 0 },
            members: 1,
            spine: (k, heads.len()),
            to: (to.0, *head),
            ..one.clone()
        });
        each.collect()
    }

    fn one_plain(
        &mut self,
        name: &str,
        read: &Read,
        (model, cells): (&Read, &[CellPlan]),
        (from, to): ((usize, u32), (usize, u32)),
    ) -> Option<PlainPlan> {
        let said = plain(read)?;
        let step = self.tick("step", 0.025);
        let (_, sender) = super::model::written(model, &cells[from.0]);
        let threshold = value(sender, "threshold").unwrap_or(0.0);
        let heard = match &cells[from.0].voltage {
            Voltage::Spikes(times) => Heard::Given(times.clone()),
            Voltage::Poisson(rate) => Heard::Poisson(*rate),
            Voltage::Membrane { .. } | Voltage::Point(_) => Heard::Membrane(threshold),
            Voltage::Course(course) => Heard::Given(crossings(course, threshold)),
        };
        let members = cells[from.0].count;
        if members > 1 && read.get("spine").is_some() {
            let span = read.span_of("spine").unwrap_or(&read.span).clone();
            self.fault(&span, format!("`synapse.{name}` has {members} senders and one spine"), "leave it out");
            return None;
        }
        let effect = match value(said, "reversal") {
            Some(e_rev) => Effect::Conductance { e_rev },
            None => Effect::Current,
        };
        let block = said.text("block").map(|_| {
            let span = said.span_of("block").unwrap_or(&said.span);
            self.block(&format!("synapse.{name}.conductance"), span).map(Arc::new)
        });
        let block = match block {
            Some(None) => return None, // why was said
            found => found.flatten(),
        };
        let path = format!("synapse.{name}.conductance");
        let calcium = self.influx(&path, said, value(said, "reversal").unwrap_or(0.0)).ok()?;
        let within = Within::new(waveform(self, name, said)?, step).ok()?;
        let delay = value(read, "delay").and_then(|t| Tick::from_ms(t).ok()).unwrap_or(Tick::ZERO);
        let plan = PlainPlan {
            name: name.to_owned(),
            from,
            sender: cells[from.0].name.clone(),
            first: 0,
            members,
            spine: (0, 1),
            to,
            effect,
            peak: value(said, "peak")?,
            within,
            step,
            delay,
            heard,
            block,
            calcium,
            exact: None,
        };
        let trials = self.resolved.read.count("trials").map_or(1, |n| (*n).min(numerics::simd::LANES as u64));
        let bytes = plan.bytes() as f64 * trials as f64;
        if bytes > MEMORY {
            let message = format!("{members} senders in {trials} trials at once would take {:.1} GB", bytes * 1e-9);
            let span = sender.span_of("count").unwrap_or(&read.span).clone();
            self.fault(&span, message, "at most 4 GB: fewer of them, or fewer trials");
            return None;
        }
        Some(plan)
    }
}

/// The course of a plain synapse after a spike, such that it can be stepped.
pub(super) fn waveform(lowering: &mut Lowering, name: &str, said: &Read) -> Option<Waveform> {
    let decay = value(said, "decay")?;
    let waveform = match value(said, "rise") {
        Some(rise) => Waveform::biexponential(rise, decay),
        None => Waveform::exponential(decay),
    };
    let step = lowering.tick("step", 0.025);
    match waveform.and_then(|w| Within::new(w, step).map(|_| w)) {
        Ok(waveform) => Some(waveform),
        Err(e) => {
            let field = if matches!(e, WaveformError::Order { .. }) { "rise" } else { "decay" };
            let span = said.span_of(field).unwrap_or(&said.span).clone();
            lowering.fault(&span, format!("`synapse.{name}`: {e}"), "");
            None
        }
    }
}

/// When an imposed course rises through `threshold` mV.
pub(super) fn crossings(course: &ActionPotential, threshold: f64) -> Vec<Tick> {
    let end = course.duration();
    let at = |ms: f64| Tick::from_ms(ms).map_or(f64::NAN, |t| course.at(t)) - threshold;
    let time = |k: u32| end * f64::from(k) / f64::from(LOOKS);
    let rises = |k: &u32| at(time(*k)) < 0.0 && at(time(*k + 1)) >= 0.0;
    let root = |k: u32| bracket::root(at, time(k), time(k + 1), 1e-9).ok();
    (0..LOOKS).filter(rises).filter_map(root).filter_map(|ms| Tick::from_ms(ms).ok()).collect()
}
