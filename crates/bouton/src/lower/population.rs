//! A synapse at the level `event`: one for each of its senders, all onto one place.

use super::context::{Lowering, value};
use crate::simulation::{CellPlan, PopulationPlan, Voltage};
use ::model::read::Read;
use engine::population::{Description, Plan, Receptor, Spikes};
use engine::time::Tick;
use numerics::simd::LANES;

/// Steps of the grid in a decay of the pulse, at least: the error of a course is then some 1e-7.
const STEPS: f64 = 20.0;
/// Bytes that the states of a population may take, in all trials at once.
const MEMORY: f64 = 4e9;

impl Lowering<'_> {
    /// Lowers a synapse at the level `event`; `from` and `to` are bound.
    pub fn population(
        &mut self,
        name: &str,
        read: &Read,
        (model, cells): (&Read, &[CellPlan]),
        (from, to): (usize, (usize, u32)),
    ) -> Option<PopulationPlan> {
        let path = format!("synapse.{name}");
        let place = |field: &str| read.span_of(field).unwrap_or(&read.span).clone();
        let mut whole = true;
        if !self.resolved.phases.is_empty() {
            if self.phase.is_none() {
                let span = read.span_of("detail").or_else(|| model.span_of("detail")).unwrap_or(&read.span).clone();
                let message = format!("`{path}` is at the level `event`, which does not follow drugs that come and go");
                self.fault(&span, message, "detail = \"mean\", or a drug that is there from the beginning");
            }
            return None;
        }
        let spikes = match &cells[from].voltage {
            Voltage::Spikes(times) => Spikes::Given(times.clone()),
            Voltage::Poisson(rate) => Spikes::Poisson(*rate),
            _ => {
                let message =
                    format!("`{}` has a voltage, but a synapse at the level `event` takes spikes", cells[from].name);
                self.fault(&place("from"), message, "a sender with a `rate` or `times`, or detail = \"mean\"");
                return None;
            }
        };
        if read.count("zones").is_some_and(|n| *n > 1) {
            let message = format!("`{path}` has active zones, but a synapse at the level `event` is one");
            self.fault(&place("zones"), message, "more senders, or more `docked` vesicles");
            whole = false;
        }
        if read.get("spine").is_some() && cells[from].count > 1 {
            let message = format!("`{path}` has {} senders and one spine", cells[from].count);
            self.fault(&place("spine"), message, "without = [\"spine\"]");
            whole = false;
        }
        let vesicles = self.vesicles(&path, read);
        let pulse = self.pulse(&path, read);
        let receiver = super::model::written(model, &cells[to.0]);
        let receptors = self.event_receptors(&path, read, receiver);
        if !whole {
            return None;
        }
        let (vesicles, (transmitter, peak, tau), receptors) = (vesicles?, pulse?, receptors?);
        let (sites, p_release, refill) = vesicles;
        let step = self.tick("step", 0.025);
        // Whole parts of a step, for the neurons meet the grid.
        let wanted = (step.ms() * STEPS / tau).ceil().max(1.0) as i64;
        let fine = (wanted..=wanted + 64).find(|n| step.0 % n == 0).unwrap_or(1);
        let delay = value(read, "delay").and_then(|t| Tick::from_ms(t).ok()).unwrap_or(Tick::ZERO);
        let about = Description {
            members: cells[from].count,
            spikes,
            delay,
            sites,
            p_release,
            refill,
            peak,
            tau,
            step: Tick(step.0 / fine),
            receptors: receptors
                .iter()
                .map(|r| Receptor { kinetics: r.folded.kinetics.clone(), rates: r.folded.rates.clone() })
                .collect(),
        };
        let trials = self.resolved.read.count("trials").map_or(1, |n| (*n).min(LANES as u64));
        match Plan::new(about) {
            Ok(organ) if organ.bytes() as f64 * trials as f64 > MEMORY => {
                let members = organ.about().members;
                let gigabytes = organ.bytes() as f64 * trials as f64 * 1e-9;
                let message = format!("{members} synapses in {trials} trials at once would take {gigabytes:.1} GB");
                let (_, sender) = super::model::written(model, &cells[from]);
                let span = sender.span_of("count").unwrap_or(&read.span).clone();
                self.fault(&span, message, "at most 4 GB: fewer of them, or fewer trials");
                None
            }
            Ok(organ) => Some(PopulationPlan {
                name: name.to_owned(),
                from,
                sender: cells[from].name.clone(),
                to,
                organ,
                fine: fine as usize,
                transmitter,
                receptors,
            }),
            Err(e) => {
                self.fault(&read.span, format!("`{path}` cannot be built: {e}"), "");
                None
            }
        }
    }

    /// Sites, release probability and rate of refilling.
    fn vesicles(&mut self, path: &str, read: &Read) -> Option<(u32, f64, f64)> {
        let terminal = read.table("terminal");
        let probability = terminal.and_then(|t| value(t, "release_probability"));
        match (terminal, probability) {
            (Some(terminal), Some(p)) => {
                let (sites, refill) = self.sites(path, terminal)?;
                Some((sites, p, refill))
            }
            (Some(terminal), None) if terminal.get("sensor").is_some() => {
                let message = format!(
                    "`{path}` has a release sensor, which the level `event` does not follow: `release_probability` is needed"
                );
                let hint = "terminal.release_probability = 0.3, or without = [\"terminal.sensor\", \"terminal.channel\"] for one vesicle a spike";
                let span = read.span_of("detail").unwrap_or(&terminal.span).clone();
                self.fault(&span, message, hint);
                None
            }
            _ => Some((1, 1.0, f64::INFINITY)),
        }
    }

    /// Sites of a terminal without a sensor, and the rate at which an empty one is filled, /ms.
    pub(super) fn sites(&mut self, path: &str, terminal: &Read) -> Option<(u32, f64)> {
        let docked = terminal.count("docked").map_or(1, |n| *n);
        if !(1..=100_000).contains(&docked) {
            let span = terminal.span_of("docked").unwrap_or(&terminal.span).clone();
            self.fault(&span, format!("`{path}` has {docked} docked vesicles"), "from 1 to 100,000");
            return None;
        }
        let refill = terminal.table("pools").and_then(|p| value(p, "priming")).unwrap_or(0.0);
        Some((docked as u32, refill))
    }

    /// Transmitter, and the pulse that a vesicle makes.
    fn pulse(&mut self, path: &str, read: &Read) -> Option<(String, f64, f64)> {
        let cleft = read.table("cleft");
        let Some(pulse) = cleft.and_then(|c| c.table("pulse")) else {
            let message = format!("`{path}.cleft.pulse` is needed at the level `event`");
            let span = cleft.map_or(&read.span, |c| &c.span).clone();
            self.fault(&span, message, "pulse = { peak = \"1 mM\", tau = \"1 ms\" }");
            return None;
        };
        let transmitter = cleft.and_then(|c| c.text("transmitter")).map(str::to_owned);
        if transmitter.is_none() {
            self.fault(&pulse.span, format!("`{path}.cleft.transmitter` is needed to run this model"), "");
        }
        Some((transmitter?, value(pulse, "peak")?, value(pulse, "tau")?))
    }

    fn event_receptors(
        &mut self,
        path: &str,
        read: &Read,
        receiver: (&str, &Read),
    ) -> Option<Vec<crate::simulation::Receptor>> {
        let cleft = read.table("cleft");
        let transmitter = cleft.and_then(|c| c.text("transmitter"))?.to_owned();
        let radius = cleft.and_then(|c| value(c, "radius"));
        let mut all = Vec::new();
        for (key, placed) in read.named("receptor") {
            let here = format!("{path}.receptor.{}", key.name);
            if placed.count("count").is_none() && radius.is_none() && value(placed, "radius").is_none() {
                let message = format!("`{here}` has a density, but no radius of the disc it is of");
                self.fault(&placed.span, message, "its `count`, or its `radius`");
                continue;
            }
            let wide = radius.unwrap_or(f64::MAX.sqrt());
            let Some(receptor) = self.receptor(&here, &key.name, placed, receiver, (&transmitter, wide)) else {
                continue;
            };
            if receptor.feels_voltage {
                let span = placed.span_of("use").unwrap_or(&placed.span).clone();
                let message = format!("rates of `{here}` depend on voltage, which the level `event` does not follow");
                self.fault(&span, message, "detail = \"mean\", or a receptor whose block is instantaneous");
                continue;
            }
            all.push(receptor);
        }
        if read.named("receptor").is_empty() {
            self.fault(&read.span, format!("`{path}` has no receptors, so nothing would come of it"), "");
            return None;
        }
        (all.len() == read.named("receptor").len()).then_some(all)
    }
}
