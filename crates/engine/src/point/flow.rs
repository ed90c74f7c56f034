//! Models without a closed form: Dormand and Prince's embedded pair of order 5(4), steps of its own choosing.
//!
//! A spike is located by the length of the step that ends at it. The exponential model is taken in `x = e^((threshold - V) /
//! slope)` above its threshold: there `x` falls through the cut-off with a finite slope, where V has a pole.
//! Source: Dormand & Prince (1980) J Comput Appl Math 6:19.

use super::inputs::Course;
use super::model::{Adex, Izhikevich, Model, Qif};
use numerics::{bracket, math};

/// Error of a step: mV, or its adaptation in pA or mV/ms.
const TOLERANCE: f64 = 1e-9;
/// The same of `x`, which is 1 at the threshold.
const OF_X: f64 = 1e-11;
/// No step is shorter, ms.
const SHORTEST: f64 = 1e-10;
/// The first one tried, ms.
const FIRST: f64 = 0.1;

const A: [&[f64]; 6] = [
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
const C: [f64; 6] = [1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
const E: [f64; 7] =
    [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0];

/// What acts from some moment on.
pub(super) struct Flow<'a> {
    pub model: &'a Model,
    /// Conductance of the ports, nS; current, pA.
    pub ports: (f64, f64),
    pub courses: &'a [Course],
    /// g and h of each then.
    pub inputs: &'a [(f64, f64)],
}

/// Voltage and adaptation.
type Two = [f64; 2];

impl Flow<'_> {
    /// pA into the cell at `v` mV, `t` ms on.
    fn current(&self, t: f64, v: f64) -> f64 {
        let awake = self.courses.iter().zip(self.inputs).filter(|(_, s)| **s != (0.0, 0.0));
        self.ports.1 - self.ports.0 * v + awake.map(|(c, s)| c.after(*s, t).0).sum::<f64>()
    }

    fn slope(&self, x: Option<&Adex>, t: f64, [y, w]: Two) -> Two {
        match (self.model, x) {
            (_, Some(m)) => {
                // Beyond the cut-off nothing is looked at but when it was passed.
                let v = voltage(m, y.max(cut(m)));
                let rest = self.current(t, v) - w - m.g_leak * (v - m.e_leak);
                [-(m.g_leak * m.slope + y * rest) / (m.capacitance * m.slope), adapts(m, v, w)]
            }
            (Model::Adex(m), None) => {
                let steep = m.g_leak * m.slope * math::exp((y - m.threshold) / m.slope);
                let all = steep - m.g_leak * (y - m.e_leak) - w + self.current(t, y);
                [all / m.capacitance, adapts(m, y, w)]
            }
            (Model::Izhikevich(m), None) => {
                let Izhikevich { a, b, capacitance, .. } = *m;
                [(0.04 * y + 5.0) * y + 140.0 - w + self.current(t, y) / capacitance, a * (b * y - w)]
            }
            (Model::Qif(m), None) => {
                let Qif { g_leak, rest, threshold, capacitance, .. } = *m;
                let own = g_leak * (y - rest) * (y - threshold) / (threshold - rest);
                [(own + self.current(t, y)) / capacitance, 0.0]
            }
            (Model::Lif(m), None) => [(m.g_leak * (m.e_leak - y) + self.current(t, y)) / m.capacitance, 0.0],
        }
    }

    /// A step of `h` ms from `t`: where it ends, its error, and the integral of the voltage by the same quadrature, mV ms.
    fn pace(&self, x: Option<&Adex>, t: f64, y: Two, first: Two, h: f64) -> (Two, Two, f64) {
        let v = |y: f64| x.map_or(y, |m| voltage(m, y.max(cut(m))));
        let mut area = A[5][0] * v(y[0]);
        let mut k = [[0.0; 2]; 7];
        k[0] = first;
        let mut end = y;
        for (stage, row) in A.iter().enumerate() {
            let mut sum = [0.0; 2];
            for (a, k) in row.iter().zip(&k) {
                sum = [a.mul_add(k[0], sum[0]), a.mul_add(k[1], sum[1])];
            }
            end = [h.mul_add(sum[0], y[0]), h.mul_add(sum[1], y[1])];
            k[stage + 1] = self.slope(x, C[stage].mul_add(h, t), end);
            if let Some(&weight) = A[5].get(stage + 1).filter(|w| **w != 0.0) {
                area = weight.mul_add(v(end[0]), area);
            }
        }
        let mut error = [0.0; 2];
        for (e, k) in E.iter().zip(&k) {
            error = [(e * h).mul_add(k[0], error[0]), (e * h).mul_add(k[1], error[1])];
        }
        (end, error, h * area)
    }

    /// Voltage and adaptation after `span` ms; or, where it reaches its peak before, when, and the adaptation then.
    /// Adds the integral of the voltage to `area`.
    pub fn go(&self, v: f64, w: f64, span: f64, area: &mut f64) -> Result<Two, (f64, f64)> {
        let (mut now, mut v, mut w) = (0.0, v, w);
        let mut h = FIRST.min(span);
        let top = self.model.top();
        if v >= top {
            return Err((0.0, w));
        }
        while now < span {
            h = h.min(span - now);
            let x = match self.model {
                Model::Adex(m) if v > m.threshold => Some(m),
                _ => None,
            };
            let y = [x.map_or(v, |m| math::exp((m.threshold - v) / m.slope)), w];
            let first = self.slope(x, now, y);
            let (end, error, passed) = self.pace(x, now, y, first, h);
            let of_first = error[0].abs() / if x.is_some() { OF_X } else { TOLERANCE };
            let of_second = error[1].abs() / (TOLERANCE * (1.0 + w.abs()));
            let off = of_first.max(of_second);
            let sound = end[0].is_finite() && end[1].is_finite() && off.is_finite();
            if (!sound || off > 1.0) && h > SHORTEST {
                let shrink = if sound { 0.9 * math::pow(off, -0.2) } else { 0.1 };
                h = (h * shrink.clamp(0.1, 0.9)).max(SHORTEST);
                continue;
            }
            let beyond = |end: Two| x.map_or(end[0] - top, |m| cut(m) - end[0]);
            if beyond(end) >= 0.0 {
                let at = |h: f64| self.pace(x, now, y, first, h).0;
                let within = bracket::root(|h| beyond(at(h)), 0.0, h, 1e-13).unwrap_or(h);
                let (end, _, passed) = self.pace(x, now, y, first, within);
                *area += passed;
                return Err((now + within, end[1]));
            }
            *area += passed;
            now = if h == span - now { span } else { now + h };
            (v, w) = (x.map_or(end[0], |m| voltage(m, end[0])), end[1]);
            if !(v.is_finite() && w.is_finite()) {
                return Ok([v, w]);
            }
            h *= if off > 1e-10 { (0.9 * math::pow(off, -0.2)).clamp(0.2, 5.0) } else { 5.0 };
        }
        Ok([v, w])
    }
}

fn voltage(m: &Adex, x: f64) -> f64 {
    m.threshold - m.slope * math::ln(x)
}

/// `x` at the cut-off.
fn cut(m: &Adex) -> f64 {
    math::exp((m.threshold - m.cut_off) / m.slope)
}

fn adapts(m: &Adex, v: f64, w: f64) -> f64 {
    (m.a * (v - m.e_leak) - w) / m.tau_w
}
