//! Gates from tables: for steps of one length, steady state and share of the way as piecewise polynomials of voltage.
//!
//! `x' = x + (x_inf - x) k`, `k = 1 - e^(-h s)`: the exact update for the voltage held, with an absolute error of x_inf and a
//! relative one of k (so of the rate, while h s is small) no larger than the tolerance. Outside the voltages of the table,
//! and for gates that no polynomial fits or whose rates depend on more than voltage, rates are evaluated as before.

use super::channel::{Channel, ChannelInput, GateForm, MAX_GATES, MAX_INPUTS};
use super::plan::Plan;
use super::scheme::OPEN;
use crate::time::Tick;
use numerics::math::expm1;
use numerics::piecewise::{self, Error, Pair, Segments};

/// Voltages that tables cover, mV. Segments of 11 mV meet at odd places, where nothing rests by agreement.
const LOW: f64 = -110.3;
const HIGH: f64 = 65.7;

/// For one length of step.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    pub dt: Tick,
    pub tolerance: f64,
    pub segments: Segments,
    /// By channel, then gate: steady state and share of the way.
    pub channels: Vec<Option<Vec<Pair>>>,
}

impl Plan {
    /// Has gates read from tables in steps of `dt`: steady states within `tolerance`, rates within it relatively.
    ///
    /// Results change by about as much, and do not depend on what else the plan holds. Other steps stay exact.
    #[must_use]
    pub fn tabulated(mut self, dt: Tick, tolerance: f64) -> Self {
        let segments = Segments::new(LOW, HIGH);
        let h = dt.ms();
        let alone = self.by_voltage_alone();
        let of = |(kind, alone): (&Channel, bool)| {
            if alone && kind.gates != [OPEN] { fit(kind, self.temperature, segments, h, tolerance) } else { None }
        };
        let channels = self.channels.iter().zip(alone).map(of).collect();
        self.tables = Some(Tables { dt, tolerance, segments, channels });
        self
    }

    /// Degree of the polynomials of each gate, by channel; none where gates are evaluated instead.
    #[must_use]
    pub fn degrees(&self) -> Vec<Option<Vec<usize>>> {
        let of = |pairs: &Option<Vec<Pair>>| pairs.as_ref().map(|pairs| pairs.iter().map(Pair::degree).collect());
        self.tables.as_ref().map_or_else(|| vec![None; self.channels.len()], |t| t.channels.iter().map(of).collect())
    }
}

fn fit(kind: &Channel, temperature: f64, segments: Segments, h: f64, tolerance: f64) -> Option<Vec<Pair>> {
    let outputs = |v: f64| {
        let mut inputs = [0.0; MAX_INPUTS];
        for (to, input) in inputs.iter_mut().zip(&kind.inputs) {
            *to = match *input {
                ChannelInput::Voltage => v,
                ChannelInput::Temperature => temperature,
                // Whoever reads one does not depend on voltage alone.
                ChannelInput::Concentration(_) => f64::NAN,
                ChannelInput::Parameter(p) => kind.parameters[usize::from(p)],
            };
        }
        let mut rates = [0.0; 2 * MAX_GATES];
        kind.rates.interpret(&inputs[..kind.inputs.len()], &mut rates[..2 * kind.gates.len()]);
        rates
    };
    let pair = |j: usize| {
        let form = kind.gates[j].form;
        // A rate below 0 is a fault that the exact path finds.
        let sound = |v: f64| {
            let rates = outputs(v);
            let (a, b) = (rates[2 * j], rates[2 * j + 1]);
            if a >= 0.0 && b >= 0.0 { (a, b) } else { (f64::NAN, f64::NAN) }
        };
        let steady = |v: f64| {
            let (a, b) = sound(v);
            form.steady(a, b)
        };
        let share = |v: f64| {
            let (a, b) = sound(v);
            let s = if form == GateForm::Rates { a + b } else { 1.0 / b };
            -expm1(-h * s)
        };
        piecewise::fit(segments, [(&steady, Error::Absolute), (&share, Error::Relative)], tolerance)
    };
    if kind.gates.is_empty() { None } else { (0..kind.gates.len()).map(pair).collect() }
}
