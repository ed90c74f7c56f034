//! Instruments at a port: current clamp, voltage clamp through a series resistance, the recording's low-pass filter.
//!
//! Clamp: `I = (v_command - V) / r_s` enters the same matrix as the membrane, so it is stable at any r_s > 0; in the
//! steady state the membrane is `g_m r_s / (1 + g_m r_s)` of the way from the command to rest (the divider). Filters:
//! one pole, or a four-pole Bessel (Thomson 1949, Proc IEE 96:487), exact for an input held over each sample.

use super::complex::{Complex, over, times};
use super::drive::{Moment, Ports};
use super::plan::Site;
use crate::time::Tick;
use numerics::simd::F64x8;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An instrument that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum InstrumentError {
    /// No clamp is perfect.
    #[error("a series resistance of {r_s} GOhm; it must be positive (10 MOhm are 0.01)")]
    SeriesResistance {
        /// What came, GOhm.
        r_s: f64,
    },
    /// The corner or the sample interval.
    #[error("a corner of {corner} kHz sampled every {dt}: both must be positive, and corner times interval below 100")]
    Corner {
        /// kHz.
        corner: f64,
        /// The interval.
        dt: Tick,
    },
}

/// A rectangular pulse of current.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurrentClamp {
    /// Where.
    pub site: Site,
    /// When it begins.
    pub start: Tick,
    /// When it ends.
    pub end: Tick,
    /// pA; positive depolarises.
    pub current: f64,
}

impl CurrentClamp {
    /// Adds the pulse's mean current over the step: the charge is exact wherever its edges fall. Steps at its edges are damped.
    pub fn apply(&self, moment: Moment, ports: &mut Ports) {
        let overlap = self.end.min(moment.end).0.saturating_sub(self.start.max(moment.start).0);
        if overlap > 0 {
            let share = overlap as f64 / (moment.end - moment.start).0 as f64;
            ports.current(self.site, self.current * share);
        }
        if moment.follows(self.start) || moment.follows(self.end) {
            ports.jump(self.site.lane);
        }
    }
}

/// A voltage clamp through a series resistance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoltageClamp {
    site: Site,
    g_s: f64,
}

impl VoltageClamp {
    /// At `site`, through `r_s` GOhm.
    ///
    /// # Errors
    /// [`InstrumentError::SeriesResistance`].
    pub fn new(site: Site, r_s: f64) -> Result<Self, InstrumentError> {
        let g_s = 1.0 / r_s;
        let sound = r_s > 0.0 && r_s.is_finite() && g_s.is_finite();
        if sound { Ok(Self { site, g_s }) } else { Err(InstrumentError::SeriesResistance { r_s }) }
    }

    /// Adds the clamp at `command` mV to the ports.
    pub fn apply(&self, command: f64, ports: &mut Ports) {
        ports.conductance(self.site, self.g_s, command);
    }

    /// The current the amplifier gives, pA: positive depolarises, so a steady inward membrane current reads negative.
    ///
    /// `solved`: the voltages the matrix was solved for, as [`Drive::after`](super::Drive::after) gives them.
    #[must_use]
    pub fn current(&self, command: f64, solved: &[F64x8]) -> f64 {
        self.g_s * (command - solved[self.site.compartment as usize].0[self.site.lane])
    }
}

/// Poles of the low-pass filters for a -3 dB corner of 1 rad/s: real and imaginary part of one of each pair.
const BESSEL4: [(f64, f64); 2] =
    [(-0.995_208_764_350_273, 1.257_105_739_454_664), (-1.370_067_830_551_442_5, 0.410_249_717_493_752_4)];

/// One mode: `z <- decay z + gain x`, output `2 Re z` of a pair, `Re z` of a real pole.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mode {
    decay: (f64, f64),
    gain: (f64, f64),
}

/// A low-pass filter made ready for one sample interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    modes: Vec<Mode>,
}

/// What a filter remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FilterState {
    modes: Vec<(f64, f64)>,
}

/// `e^z - 1` by its series on `z / 2^k` and `e^2w - 1 = (e^w - 1)^2 + 2 (e^w - 1)`: plain arithmetic, same bits
/// everywhere.
fn expm1(z: Complex) -> Complex {
    let mut halvings = 0;
    let mut w = z;
    while w.0.abs() + w.1.abs() > 0.25 {
        w = (w.0 / 2.0, w.1 / 2.0);
        halvings += 1;
    }
    let mut sum = (0.0, 0.0);
    for n in (1..=16).rev() {
        // Horner: w/n (1 + sum)
        sum = times((w.0 / f64::from(n), w.1 / f64::from(n)), (1.0 + sum.0, sum.1));
    }
    for _ in 0..halvings {
        let square = times(sum, sum);
        sum = (square.0 + 2.0 * sum.0, square.1 + 2.0 * sum.1);
    }
    sum
}

impl Filter {
    /// One pole: -3 dB at `corner` kHz, time constant 1/(2 pi corner) ms. `dt`: the sample interval.
    ///
    /// # Errors
    /// [`InstrumentError::Corner`].
    pub fn single_pole(corner: f64, dt: Tick) -> Result<Self, InstrumentError> {
        let (omega, h) = scale(corner, dt)?;
        let change = expm1((-omega * h, 0.0)).0;
        Ok(Self { modes: vec![Mode { decay: (1.0 + change, 0.0), gain: (-change, 0.0) }] })
    }

    /// Four-pole Bessel: -3 dB at `corner` kHz, overshoot of a step 0.8 %. `dt`: the sample interval.
    ///
    /// # Errors
    /// [`InstrumentError::Corner`].
    pub fn bessel(corner: f64, dt: Tick) -> Result<Self, InstrumentError> {
        let (omega, h) = scale(corner, dt)?;
        let poles: Vec<Complex> = BESSEL4.iter().flat_map(|&(re, im)| [(re, im), (re, -im)]).collect();
        let product = poles.iter().fold((1.0, 0.0), |product, &p| times(product, p));
        let mode = |index: usize| {
            let p = poles[index];
            let others = poles.iter().enumerate().filter(|&(k, _)| k != index);
            let slope = others.fold((1.0, 0.0), |slope, (_, q)| times(slope, (p.0 - q.0, p.1 - q.1)));
            let residue = over(product, slope);
            let change = expm1((p.0 * omega * h, p.1 * omega * h));
            // A pair counts twice.
            let gain = over(times(residue, change), p);
            Mode { decay: (1.0 + change.0, change.1), gain: (2.0 * gain.0, 2.0 * gain.1) }
        };
        Ok(Self { modes: vec![mode(0), mode(2)] })
    }

    /// The memory of a filter that has always seen `x`.
    #[must_use]
    pub fn settled(&self, x: f64) -> FilterState {
        let steady = |mode: &Mode| over((mode.gain.0 * x, mode.gain.1 * x), (1.0 - mode.decay.0, -mode.decay.1));
        FilterState { modes: self.modes.iter().map(steady).collect() }
    }

    /// Takes in `x`, held over one sample interval, and gives the output at its end.
    ///
    /// # Panics
    /// If `state` is another filter's.
    pub fn next(&self, state: &mut FilterState, x: f64) -> f64 {
        assert_eq!(state.modes.len(), self.modes.len(), "the memory of this filter");
        let mut out = 0.0;
        for (mode, z) in self.modes.iter().zip(&mut state.modes) {
            let kept = times(mode.decay, *z);
            *z = (kept.0 + mode.gain.0 * x, kept.1 + mode.gain.1 * x);
            out += z.0;
        }
        out
    }
}

/// Corner in rad/ms and interval in ms.
fn scale(corner: f64, dt: Tick) -> Result<(f64, f64), InstrumentError> {
    let h = dt.ms();
    if corner > 0.0 && h > 0.0 && corner * h < 100.0 {
        Ok((std::f64::consts::TAU * corner, h))
    } else {
        Err(InstrumentError::Corner { corner, dt })
    }
}
