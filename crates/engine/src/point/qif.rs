//! The quadratic integrate-and-fire neuron under constant currents and conductances, in closed form.
//!
//! `V' = a V^2 + b V + c` is a Riccati equation: `V = y1 / y2` with `y' = M y`, `M = (b/2, c; -a, -b/2)`, and as `M^2 = D`
//! a number, `D = b^2/4 - a c`, `e^(M t) = cosh(sqrt(D) t) + sinh(sqrt(D) t) / sqrt(D) M`: both are series in `D t^2`, whose
//! sign says whether it fires by itself or rests.

use super::model::Qif;
use numerics::{bracket, math};

/// Largest |D| t^2 in one go: half a turn, within which there is one spike at most, is more than 9.
const LARGEST: f64 = 1.0;
/// Terms of the series.
const TERMS: u32 = 10;

/// What acts, as the coefficients of the equation.
#[derive(Clone, Copy)]
pub(super) struct Riccati {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    top: f64,
}

impl Riccati {
    /// With a conductance in nS and a current in pA.
    pub fn new(m: &Qif, (g, i): (f64, f64)) -> Self {
        let k = m.g_leak / (m.threshold - m.rest);
        let per = 1.0 / m.capacitance;
        let (a, b, c) = (k * per, -(k * (m.rest + m.threshold) + g) * per, (k * m.rest * m.threshold + i) * per);
        Self { a, b, c, d: 0.25 * b * b - a * c, top: m.peak }
    }

    /// Numerator and denominator after `t` ms.
    fn parts(&self, v: f64, t: f64) -> (f64, f64) {
        let z = self.d * t * t;
        let (mut even, mut odd) = (1.0, 1.0);
        let (mut p, mut q) = (1.0, 1.0);
        for k in 1..TERMS {
            let n = f64::from(2 * k);
            p *= z / ((n - 1.0) * n);
            q *= z / (n * (n + 1.0));
            even += p;
            odd += q;
        }
        let odd = odd * t;
        let half = 0.5 * self.b;
        ((even + half * odd) * v + self.c * odd, even - half * odd - self.a * v * odd)
    }

    /// Integral of the voltage over `t` ms, mV ms; `down`: the denominator then, which is 1 at first, and of which the voltage is
    /// `-(ln down)' / a - b / (2 a)`.
    fn area(&self, down: f64, t: f64) -> f64 {
        -(math::ln(down) + 0.5 * self.b * t) / self.a
    }

    /// mV after `span` ms, or when it reached its peak. Adds the integral of the voltage to `area`.
    pub fn go(&self, mut v: f64, span: f64, area: &mut f64) -> Result<f64, f64> {
        let pieces = (self.d.abs() * span * span / LARGEST).sqrt().ceil().max(1.0);
        let piece = span / pieces;
        let mut now = 0.0;
        for _ in 0..pieces as u64 {
            let beyond = |t: f64| {
                let (up, down) = self.parts(v, t);
                up - self.top * down
            };
            if beyond(piece) >= 0.0 {
                let within = bracket::root(beyond, 0.0, piece, 1e-14).unwrap_or(0.0);
                *area += self.area(self.parts(v, within).1, within);
                return Err(now + within);
            }
            let (up, down) = self.parts(v, piece);
            *area += self.area(down, piece);
            v = up / down;
            now += piece;
        }
        Ok(v)
    }
}
