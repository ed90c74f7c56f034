//! Point neurons, and the plain currents that each has as its own.

use super::context::{Lowering, value};
use crate::simulation::{CellPlan, Effect, PlainPlan, Voltage};
use ::model::read::Read;
use engine::point::{Adex, Izhikevich, Lif, Model, Plan, Qif};
use engine::receptor::waveform::Waveform;

/// How high a spike is drawn where nothing says so, mV: of leaky and exponential neurons, and of quadratic ones, whose spikes
/// are cut off there.
const PEAK: [f64; 2] = [20.0, 30.0];

impl Lowering<'_> {
    /// Lowers a point neuron, without what it hears.
    pub fn point(&mut self, name: &str, read: &Read) -> Option<Plan> {
        let of = |field: &str| value(read, field);
        let refractory = of("refractory").unwrap_or(0.0);
        let model = match read.word("model")? {
            "lif" => Model::Lif(Lif {
                capacitance: of("capacitance")?,
                g_leak: of("leak")?,
                e_leak: of("rest")?,
                threshold: of("threshold")?,
                reset: of("reset")?,
                refractory,
                drawn: of("peak").unwrap_or(PEAK[0]),
            }),
            "qif" => Model::Qif(Qif {
                capacitance: of("capacitance")?,
                g_leak: of("leak")?,
                rest: of("rest")?,
                threshold: of("threshold")?,
                peak: of("peak").unwrap_or(PEAK[1]),
                reset: of("reset")?,
                refractory,
            }),
            "adex" => Model::Adex(Adex {
                capacitance: of("capacitance")?,
                g_leak: of("leak")?,
                e_leak: of("rest")?,
                threshold: of("threshold")?,
                slope: of("slope")?,
                a: of("adaptation")?,
                b: of("increment")?,
                tau_w: of("tau_w")?,
                reset: of("reset")?,
                cut_off: of("peak").unwrap_or(PEAK[0]),
                refractory,
            }),
            _ => Model::Izhikevich(Izhikevich {
                a: of("a")?,
                b: of("b")?,
                c: of("c")?,
                d: of("d")?,
                peak: of("peak").unwrap_or(PEAK[1]),
                capacitance: of("capacitance").unwrap_or(1.0),
            }),
        };
        match Plan::new(model, &[]) {
            Ok(plan) => Some(plan),
            Err(e) => {
                self.fault(&read.span, format!("`cell.{name}` cannot be: {e}"), "");
                None
            }
        }
    }
}

/// Gives each point neuron the plain currents onto it as its own.
pub(super) fn wire(cells: &mut [CellPlan], plain: &mut [PlainPlan]) {
    for (index, cell) in cells.iter_mut().enumerate() {
        let Voltage::Point(point) = &mut cell.voltage else { continue };
        let mut waveforms: Vec<Waveform> = Vec::new();
        for plain in plain.iter_mut().filter(|p| p.to.0 == index && p.effect == Effect::Current) {
            let waveform = *plain.within.waveform();
            // Those of one course are one.
            let known = waveforms.iter().position(|w| *w == waveform);
            plain.exact = Some(known.unwrap_or(waveforms.len()));
            if known.is_none() {
                waveforms.push(waveform);
            }
        }
        if let Ok(wired) = Plan::new(*point.model(), &waveforms) {
            *point = wired.into();
        }
    }
}
