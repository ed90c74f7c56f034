//! Pipettes, and cells at rest under those that hold a voltage.

use super::context::{Lowering, value};
use crate::simulation::{CellPlan, ClampKind, ClampPlan, Noise, Plan, Voltage};
use ::model::read::Read;
use ::model::resolve::member;
use engine::neuron::{self, Filter, Held, Method, Site, State, Stepping};
use engine::time::Tick;
use numerics::simd::{LANES, Level};

/// The series resistance of a pipette without one, GOhm: a thousand ohm.
const PERFECT: f64 = 1e-6;
/// A cell under clamp is at rest when no voltage moves by more in a step, mV.
const STILL: f64 = 1e-10;
/// Steps until a cell under clamp is taken as it is.
const PATIENCE: u32 = 20_000;

impl Lowering<'_> {
    /// Pipettes, in the order of the file.
    pub fn clamps(&mut self, read: &Read, cells: &[CellPlan], duration: Tick) -> Vec<ClampPlan> {
        let step = self.tick("step", 0.025);
        let mut all = Vec::new();
        for (key, clamp) in read.named("clamp") {
            let Some(text) = clamp.text("at") else { continue };
            let (name, number, place) = member(text);
            let Some(index) = super::model::find(cells, (name, number)) else { continue };
            let place = place.unwrap_or("");
            let compartment = match &cells[index].voltage {
                Voltage::Membrane { cell, .. } => cell.layout.compartment(place),
                Voltage::Point(_) => 0,
                _ => continue,
            };
            let at = (index, compartment);
            let time = |f: &str| value(clamp, f).and_then(|t| Tick::from_ms(t).ok());
            let kind = match (value(clamp, "hold"), value(clamp, "current")) {
                (Some(hold), _) => {
                    let resistance = value(clamp, "series_resistance").unwrap_or(0.0).max(PERFECT);
                    // /ms is kHz.
                    let filter = match value(clamp, "filter").map(|corner| Filter::bessel(corner, step)).transpose() {
                        Ok(filter) => filter,
                        Err(e) => {
                            let span = clamp.span_of("filter").unwrap_or(&clamp.span).clone();
                            self.fault(&span, format!("the filter of `clamp.{}` cannot be: {e}", key.name), "");
                            continue;
                        }
                    };
                    ClampKind::Voltage { hold, g_s: 1.0 / resistance, filter, corner: value(clamp, "filter") }
                }
                (None, None) if clamp.get("conductance").is_some() || clamp.get("conductance_noise").is_some() => {
                    let said = clamp.table("conductance_noise");
                    let noise = said.and_then(|n| Some(Noise::new(value(n, "sd")?, value(n, "tau")?, step.ms())));
                    let (start, stop) = (time("start").unwrap_or(Tick::ZERO), time("stop").unwrap_or(duration));
                    let Some(reversal) = value(clamp, "reversal") else { continue };
                    ClampKind::Conductance {
                        g: value(clamp, "conductance").unwrap_or(0.0),
                        reversal,
                        start,
                        stop,
                        noise,
                    }
                }
                (None, current) => {
                    let said = clamp.table("noise");
                    let noise = said.and_then(|n| Some(Noise::new(value(n, "sd")?, value(n, "tau")?, step.ms())));
                    let mean = said.and_then(|n| value(n, "mean")).unwrap_or(0.0);
                    if current.is_none() && noise.is_none() {
                        continue;
                    }
                    let (start, stop) = (time("start").unwrap_or(Tick::ZERO), time("stop").unwrap_or(duration));
                    ClampKind::Current { current: current.unwrap_or(0.0) + mean, start, stop, noise }
                }
            };
            all.push(ClampPlan { name: key.name.clone(), at, kind });
        }
        all
    }

    /// Puts every cell at rest under the pipettes that hold it.
    pub fn settle(&mut self, read: &Read, plan: &mut Plan) -> Option<()> {
        for (index, cell) in plan.cells.iter_mut().enumerate() {
            if self.as_before(&format!("cell.{}", member(&cell.name).0)).is_some() {
                continue; // settled then
            }
            let Voltage::Membrane { cell: lowered, rest } = &mut cell.voltage else { continue };
            let mut held = Held::default();
            let mut any = false;
            for clamp in plan.clamps.iter().filter(|c| c.at.0 == index) {
                if let ClampKind::Voltage { hold, g_s, .. } = clamp.kind {
                    any = true;
                    for lane in 0..LANES {
                        held.add(Site { block: 0, compartment: clamp.at.1, lane }, g_s, g_s * hold);
                    }
                }
            }
            if !any {
                continue;
            }
            let stepping = Stepping { level: Level::best(), dt: Tick(1_000_000_000), method: Method::BackwardEuler };
            // What is counted rests where its means do.
            let (of, start) =
                lowered.means.as_ref().map_or((&lowered.plan, &*rest), |means| (&means.plan, &means.rest));
            let (scratch, mut state, mut spikes) = (neuron::Scratch::default(), start.clone(), Vec::new());
            for _ in 0..PATIENCE {
                let before = state.block(0).to_vec();
                let mut drives = [held.clone()];
                let stepped = neuron::run_here(of, &mut state, &scratch, stepping, 1, &mut drives, &mut spikes);
                if let Err(e) = stepped {
                    let message = format!("`cell.{}` cannot be held: {e}", cell.name);
                    self.fault(&read.span, message, "");
                    return None;
                }
                let moved =
                    before.iter().zip(state.block(0)).flat_map(|(a, b)| (0..LANES).map(|k| (a.0[k] - b.0[k]).abs()));
                if moved.fold(0.0, f64::max) < STILL {
                    break;
                }
            }
            let mut fresh = State::at(&lowered.plan, rest.v_m(Site { block: 0, compartment: 0, lane: 0 }));
            for lane in 0..LANES {
                for compartment in 0..lowered.plan.compartments(lane) as u32 {
                    let site = Site { block: 0, compartment, lane };
                    fresh.set_v_m(site, state.v_m(site));
                }
            }
            fresh.settle(&lowered.plan);
            *rest = fresh;
        }
        Some(())
    }
}
