//! The models, their equations, and where each rests.

use numerics::{bracket, math};
use thiserror::Error;

/// Leaky integrate-and-fire: `C V' = -g_leak (V - e_leak) + I`; a spike at `threshold`, then `reset` for `refractory`.
///
/// Source: Lapicque (1907); in this form Burkitt (2006) Biol Cybern 95:1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lif {
    /// pF
    pub capacitance: f64,
    /// nS
    pub g_leak: f64,
    /// mV
    pub e_leak: f64,
    /// mV
    pub threshold: f64,
    /// mV
    pub reset: f64,
    /// ms
    pub refractory: f64,
    /// How high a spike is drawn, mV.
    pub drawn: f64,
}

/// Quadratic integrate-and-fire: `C V' = g_leak (V - rest) (V - threshold) / (threshold - rest) + I`, a spike at `peak`.
///
/// Source: Ermentrout & Kopell (1986) SIAM J Appl Math 46:233; in this form Latham et al. (2000) J Neurophysiol 83:808.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Qif {
    /// pF
    pub capacitance: f64,
    /// At rest, nS.
    pub g_leak: f64,
    /// mV
    pub rest: f64,
    /// Beyond it a cell left alone fires, mV.
    pub threshold: f64,
    /// Where a spike is cut off, mV.
    pub peak: f64,
    /// mV
    pub reset: f64,
    /// ms
    pub refractory: f64,
}

/// Adaptive exponential integrate-and-fire:
/// `C V' = -g_leak (V - e_leak) + g_leak slope exp((V - threshold) / slope) - w + I`, `tau_w w' = a (V - e_leak) - w`;
/// a spike at `cut_off`, then `V = reset`, `w = w + b`.
///
/// Source: Brette & Gerstner (2005) J Neurophysiol 94:3637.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adex {
    /// pF
    pub capacitance: f64,
    /// nS
    pub g_leak: f64,
    /// mV
    pub e_leak: f64,
    /// mV
    pub threshold: f64,
    /// mV
    pub slope: f64,
    /// nS
    pub a: f64,
    /// pA
    pub b: f64,
    /// ms
    pub tau_w: f64,
    /// mV
    pub reset: f64,
    /// Where a spike is cut off, mV.
    pub cut_off: f64,
    /// ms
    pub refractory: f64,
}

/// Izhikevich's model: `v' = 0.04 v^2 + 5 v + 140 - u + I / capacitance`, `u' = a (b v - u)`; a spike at `peak`, then
/// `v = c`, `u = u + d`. v is in mV, time in ms, and all else in what follows from that: u in mV/ms.
///
/// Source: Izhikevich (2003) IEEE Trans Neural Netw 14:1569.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Izhikevich {
    /// /ms
    pub a: f64,
    /// /ms
    pub b: f64,
    /// mV
    pub c: f64,
    /// mV/ms
    pub d: f64,
    /// Where a spike is cut off, mV.
    pub peak: f64,
    /// What turns pA into the paper's current, pF: with 1 pF, 10 pA are its 10.
    pub capacitance: f64,
}

/// A model and its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Model {
    Lif(Lif),
    Qif(Qif),
    Adex(Adex),
    Izhikevich(Izhikevich),
}

/// A model that cannot be, or cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum PointError {
    /// A number outside its range.
    #[error("{what} is {value}: {cure}")]
    Number {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What would do.
        cure: &'static str,
    },
    /// More than a thousand spikes in a step.
    #[error("it fires more than a thousand times in a step; try a refractory period, or less current")]
    Endless {
        /// Which of the eight.
        lane: usize,
    },
    /// A number became meaningless.
    #[error("{what} became {value}; try a shorter step, and look for a current that overflows")]
    Meaningless {
        /// Which.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Which of the eight.
        lane: usize,
    },
}

impl PointError {
    /// Which of the eight it is about; none if all.
    #[must_use]
    pub fn lane(&self) -> Option<usize> {
        match self {
            Self::Number { .. } => None,
            Self::Endless { lane } | Self::Meaningless { lane, .. } => Some(*lane),
        }
    }
}

/// How far below its leak's reversal a cell's rest is looked for, mV.
const DEEP: f64 = 1000.0;

impl Model {
    /// Checks its numbers.
    ///
    /// # Errors
    /// [`PointError::Number`].
    pub fn check(&self) -> Result<(), PointError> {
        let number = |what, value: f64, good: bool, cure| {
            if good && value.is_finite() { Ok(()) } else { Err(PointError::Number { what, value, cure }) }
        };
        let positive = |what, value: f64| number(what, value, value > 0.0, "more than 0");
        let below = |what, value: f64, top: f64| number(what, value, value < top, "below the voltage of the spike");
        let refractory = |ms: f64| number("the refractory period", ms, (0.0..=1e6).contains(&ms), "0 ms or more");
        match self {
            Self::Lif(m) => {
                positive("the capacitance", m.capacitance)?;
                positive("the leak", m.g_leak)?;
                number("the reversal of the leak", m.e_leak, true, "a voltage")?;
                number("the threshold", m.threshold, true, "a voltage")?;
                below("the reset", m.reset, m.threshold)?;
                below("the reversal of the leak", m.e_leak, m.threshold)?;
                number("the height of a spike", m.drawn, true, "a voltage")?;
                refractory(m.refractory)
            }
            Self::Qif(m) => {
                positive("the capacitance", m.capacitance)?;
                positive("the leak", m.g_leak)?;
                number("the peak", m.peak, true, "a voltage")?;
                below("the threshold", m.threshold, m.peak)?;
                number("the rest", m.rest, m.rest < m.threshold, "below the threshold")?;
                below("the reset", m.reset, m.peak)?;
                refractory(m.refractory)
            }
            Self::Adex(m) => {
                positive("the capacitance", m.capacitance)?;
                positive("the leak", m.g_leak)?;
                positive("the slope", m.slope)?;
                positive("the time constant of adaptation", m.tau_w)?;
                number("the adaptation", m.a, true, "a conductance")?;
                number("the increment of adaptation", m.b, true, "a current")?;
                number("the cut-off", m.cut_off, true, "a voltage")?;
                let high = (m.cut_off - m.threshold) / m.slope;
                number("the cut-off, in slopes above the threshold", high, (0.0..=600.0).contains(&high), "0 to 600")?;
                below("the reversal of the leak", m.e_leak, m.cut_off)?;
                below("the reset", m.reset, m.cut_off)?;
                refractory(m.refractory)
            }
            Self::Izhikevich(m) => {
                positive("the capacitance", m.capacitance)?;
                number("a", m.a, true, "a number")?;
                number("b", m.b, true, "a number")?;
                number("d", m.d, true, "a number")?;
                number("the peak", m.peak, true, "a voltage")?;
                below("c", m.c, m.peak)
            }
        }
    }

    /// Voltage (mV) and adaptation at rest, and whether it goes back there by itself when it is near.
    #[must_use]
    pub fn rest(&self) -> ((f64, f64), bool) {
        match self {
            Self::Lif(m) => ((m.e_leak, 0.0), true),
            Self::Qif(m) => ((m.rest, 0.0), true),
            Self::Adex(m) => m.rest(),
            Self::Izhikevich(m) => m.rest(),
        }
    }

    /// What a small sinusoidal voltage about `v` mV draws, nS, in phase and a quarter of a period ahead: the membrane
    /// linearised there, adaptation included, at `omega` rad/ms.
    #[must_use]
    pub fn admittance(&self, v: f64, omega: f64) -> (f64, f64) {
        // `x / (1 + i w tau)`
        let follows = |x: f64, tau: f64| {
            let lag = omega * tau;
            let size = lag.mul_add(lag, 1.0);
            (x / size, -x * lag / size)
        };
        let (held, follower, c) = match self {
            Self::Lif(m) => (m.g_leak, (0.0, 0.0), m.capacitance),
            Self::Qif(m) => {
                let slope = (2.0 * v - m.rest - m.threshold) / (m.threshold - m.rest);
                (-m.g_leak * slope, (0.0, 0.0), m.capacitance)
            }
            Self::Adex(m) => {
                let exponential = m.g_leak * math::exp((v - m.threshold) / m.slope);
                (m.g_leak - exponential, follows(m.a, m.tau_w), m.capacitance)
            }
            // `u' = a (b v - u)`
            Self::Izhikevich(m) => {
                let slope = 0.08f64.mul_add(v, 5.0);
                (-m.capacitance * slope, follows(m.capacitance * m.b, 1.0 / m.a), m.capacitance)
            }
        };
        (held + follower.0, omega.mul_add(c, follower.1))
    }

    /// Steady change of voltage per small current at rest, GOhm, adaptation following; none where there is no rest that it
    /// goes back to.
    #[must_use]
    pub fn resistance(&self) -> Option<f64> {
        let ((v, _), true) = self.rest() else { return None };
        let slope = match self {
            Self::Lif(m) => m.g_leak,
            Self::Qif(m) => m.g_leak,
            Self::Adex(m) => m.g_leak.mul_add(-math::exp((v - m.threshold) / m.slope), m.g_leak + m.a),
            Self::Izhikevich(m) => m.capacitance * (m.b - 0.08f64.mul_add(v, 5.0)),
        };
        (slope > 0.0).then_some(1.0 / slope)
    }

    /// Where a spike is, mV.
    pub(super) fn top(&self) -> f64 {
        match self {
            Self::Lif(m) => m.threshold,
            Self::Qif(m) => m.peak,
            Self::Adex(m) => m.cut_off,
            Self::Izhikevich(m) => m.peak,
        }
    }

    /// How high a spike is drawn, mV.
    #[must_use]
    pub fn drawn(&self) -> f64 {
        if let Self::Lif(m) = self { m.drawn } else { self.top() }
    }

    /// pF
    #[must_use]
    pub fn capacitance(&self) -> f64 {
        match self {
            Self::Lif(m) => m.capacitance,
            Self::Qif(m) => m.capacitance,
            Self::Adex(m) => m.capacitance,
            Self::Izhikevich(m) => m.capacitance,
        }
    }

    /// How much of 1 pA that flows during all of a step of `dt` ms is in the mean voltage over it, mV/pA, with `g` nS beside the
    /// leak: without spikes, and exact for leaky neurons.
    pub(crate) fn slope(&self, dt: f64, g: f64) -> f64 {
        let leak = match self {
            Self::Lif(m) => m.g_leak,
            Self::Qif(m) => m.g_leak,
            Self::Adex(m) => m.g_leak,
            Self::Izhikevich(_) => 0.0,
        };
        let x = (leak + g) * dt / self.capacitance();
        // 1 - (1 - e^-x) / x, over x
        let share = if x < 1e-2 { 0.5 - x * (1.0 / 6.0 - x / 24.0) } else { (1.0 + math::expm1(-x) / x) / x };
        dt / self.capacitance() * share
    }

    /// mV
    pub(super) fn reset(&self) -> f64 {
        match self {
            Self::Lif(m) => m.reset,
            Self::Qif(m) => m.reset,
            Self::Adex(m) => m.reset,
            Self::Izhikevich(m) => m.c,
        }
    }

    /// ms
    pub(super) fn refractory(&self) -> f64 {
        match self {
            Self::Lif(m) => m.refractory,
            Self::Qif(m) => m.refractory,
            Self::Adex(m) => m.refractory,
            Self::Izhikevich(_) => 0.0,
        }
    }

    /// What a spike adds to the adaptation.
    pub(super) fn increment(&self) -> f64 {
        match self {
            Self::Adex(m) => m.b,
            Self::Izhikevich(m) => m.d,
            _ => 0.0,
        }
    }

    /// The adaptation after `t` ms at a voltage that stays.
    pub(super) fn adapted(&self, v: f64, w: f64, t: f64) -> f64 {
        let (steady, rate) = match self {
            Self::Adex(m) => (m.a * (v - m.e_leak), 1.0 / m.tau_w),
            Self::Izhikevich(m) => (m.b * v, m.a),
            _ => return w,
        };
        (w - steady).mul_add(math::exp(-rate * t), steady)
    }
}

impl Adex {
    fn rest(&self) -> ((f64, f64), bool) {
        let f = |v: f64| {
            let exponential = self.g_leak * self.slope * math::exp((v - self.threshold) / self.slope);
            -(self.g_leak + self.a) * (v - self.e_leak) + exponential
        };
        let none = ((self.e_leak, 0.0), false);
        let share = 1.0 + self.a / self.g_leak;
        if share <= 0.0 {
            return none;
        }
        // Lowest where the derivative is 0; the lower root lies before it.
        let lowest = self.threshold + self.slope * math::ln(share);
        let Ok(v) = bracket::root(f, lowest.min(self.e_leak) - DEEP, lowest, 1e-13) else { return none };
        let trace = self.g_leak * math::expm1((v - self.threshold) / self.slope) / self.capacitance - 1.0 / self.tau_w;
        ((v, self.a * (v - self.e_leak)), trace < 0.0)
    }
}

impl Izhikevich {
    fn rest(&self) -> ((f64, f64), bool) {
        let p = 5.0 - self.b;
        let under = p * p - 4.0 * 0.04 * 140.0;
        if under < 0.0 {
            return ((self.c, self.b * self.c), false);
        }
        let v = (-p - under.sqrt()) / 0.08;
        let slope = 0.08 * v + 5.0;
        ((v, self.b * v), slope < self.a && self.a * (self.b - slope) > 0.0)
    }
}
