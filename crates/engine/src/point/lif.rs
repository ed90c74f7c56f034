//! The leaky integrate-and-fire neuron, exactly: a constant conductance and current, and plain currents in closed form.
//!
//! `V(t) = e + (V - e) e^(-t/tau) + sum of what the leak keeps of each plain current / C`, with `tau = C / (g_leak + g)`.
//! The first crossing of the threshold is found whatever the course: where a chord and a bound of the second derivative
//! exclude one there is none, where the slope cannot change sign there is one at most, else the interval is halved.

use super::inputs::Course;
use super::model::Lif;
use numerics::{bracket, math};

/// Crossings that come and go in less than this are none, ms.
const SHORTEST: f64 = 1e-10;

/// What acts from some moment on.
pub(super) struct Exact<'a> {
    pub model: &'a Lif,
    /// Voltage then, mV.
    pub v: f64,
    /// Conductance of the ports, nS; current, pA.
    pub ports: (f64, f64),
    pub courses: &'a [Course],
    /// g and h of each then.
    pub inputs: &'a [(f64, f64)],
}

impl Exact<'_> {
    fn g(&self) -> f64 {
        self.model.g_leak + self.ports.0
    }

    /// Where the voltage would end, mV, without plain currents.
    fn end(&self) -> f64 {
        (self.model.g_leak * self.model.e_leak + self.ports.1) / self.g()
    }

    fn awake(&self) -> impl Iterator<Item = (&Course, (f64, f64))> {
        self.courses.iter().zip(self.inputs).map(|(c, s)| (c, *s)).filter(|(_, s)| *s != (0.0, 0.0))
    }

    /// mV after `t` ms.
    pub fn v(&self, t: f64) -> f64 {
        let leak = self.g() / self.model.capacitance;
        let end = self.end();
        let kept: f64 = self.awake().map(|(c, s)| c.kept(s, leak, t)).sum();
        (self.v - end).mul_add(math::exp(-leak * t), end) + kept / self.model.capacitance
    }

    /// Integral of the voltage over `t` ms, mV ms: by the balance of charge.
    pub fn area(&self, t: f64) -> f64 {
        let m = self.model;
        let brought: f64 = self.awake().map(|(c, s)| c.kept(s, 0.0, t)).sum();
        let given = m.g_leak.mul_add(m.e_leak, self.ports.1) * t + brought;
        (given - m.capacitance * (self.v(t) - self.v)) / self.g()
    }

    /// mV/ms at `v` mV, `t` ms on.
    fn slope(&self, t: f64, v: f64) -> f64 {
        let plain: f64 = self.awake().map(|(c, s)| c.after(s, t).0).sum();
        (self.g() * (self.end() - v) + plain) / self.model.capacitance
    }

    /// When it first reaches the threshold, if within `span` ms.
    pub fn spike(&self, span: f64) -> Option<f64> {
        let top = self.model.threshold;
        if self.v >= top {
            return Some(0.0);
        }
        let last = self.v(span) - top;
        if self.awake().next().is_none() {
            // Monotone.
            return if last >= 0.0 { self.root(0.0, span) } else { None };
        }
        let (mut steep, mut most) = (0.0, 0.0);
        for (course, state) in self.awake() {
            let (slope, size) = course.bounds(state);
            steep += slope;
            most += size;
        }
        let (g, c) = (self.g(), self.model.capacitance);
        let far = (self.v - self.end()).abs() + most * span / c;
        // |V''| <= (g |V'| + |I'|) / C, |V'| <= (g |V - end| + |I|) / C.
        let bend = (g * (g * far + most) / c + steep) / c;
        self.first((0.0, self.v - top), (span, last), bend)
    }

    fn root(&self, a: f64, b: f64) -> Option<f64> {
        bracket::root(|t| self.v(t) - self.model.threshold, a, b, 1e-13).ok()
    }

    fn first(&self, (a, fa): (f64, f64), (b, fb): (f64, f64), bend: f64) -> Option<f64> {
        let wide = b - a;
        if fa.max(fb) + bend * wide * wide * 0.125 < 0.0 {
            return None;
        }
        if self.slope(a, fa + self.model.threshold) > bend * wide || wide < SHORTEST {
            return if fb >= 0.0 { self.root(a, b) } else { None };
        }
        let middle = 0.5 * (a + b);
        let at = self.v(middle) - self.model.threshold;
        if at >= 0.0 {
            return self.first((a, fa), (middle, at), bend).or_else(|| self.root(a, middle));
        }
        self.first((a, fa), (middle, at), bend).or_else(|| self.first((middle, at), (b, fb), bend))
    }
}
