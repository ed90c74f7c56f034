//! The part of a synaptic current that calcium carries.
//!
//! The share that is measured, near rest, is taken at -60 mV; at other voltages calcium follows the GHK equation with none
//! inside, whatever the sum of all ions does: it never flows out, where the sum reverses it still comes in (Jahr & Stevens
//! 1993, PNAS 90:11573; Burnashev et al. 1995, J Physiol 485:403, give shares at -60 mV).

use engine::membrane::Ghk;

/// Where shares of calcium are measured, mV.
pub const AT: f64 = -60.0;

/// Calcium's part of a conductance's current.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Influx {
    ghk: Ghk,
    /// um3/ms for each nS of the whole.
    permeability: f64,
    /// mM
    outside: f64,
}

impl Influx {
    /// Of a current that reverses at `e_rev` mV, above [`AT`], of which `share` is calcium there; `outside`: mM, `kelvin`: K.
    #[must_use]
    pub fn new(share: f64, e_rev: f64, outside: f64, kelvin: f64) -> Self {
        let ghk = Ghk::new(2, kelvin);
        // pA for each um3/ms, inward and so negative, as the whole is for each nS.
        let one = ghk.current(1.0, AT, 0.0, outside);
        Self { ghk, permeability: share * (AT - e_rev) / one, outside }
    }

    /// Slope (nS) and offset (pA) of calcium's current at `v` mV, `slope V - offset`, where `g` nS conduct in all.
    #[must_use]
    pub fn carried(&self, g: f64, v: f64) -> (f64, f64) {
        let (current, slope) = self.ghk.current_and_slope(self.permeability * g, v, 0.0, self.outside);
        (slope, slope.mul_add(v, -current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calcium_is_the_share_at_minus_60_mv_and_comes_in_at_all_voltages() {
        let influx = Influx::new(0.1, 0.0, 2.0, 307.15);
        let current = |v: f64| {
            let (slope, offset) = influx.carried(3.0, v);
            slope * v - offset
        };
        assert!((current(-60.0) / (0.1 * 3.0 * -60.0) - 1.0).abs() < 1e-12);
        // Near rest it is hardly another share; where the whole is 0 it is a fifth of that at -60 mV.
        assert!((current(-80.0) / (0.1 * 3.0 * -80.0) - 1.0).abs() < 0.02);
        assert!((current(0.0) / current(-60.0) - 0.21).abs() < 0.01, "{}", current(0.0) / current(-60.0));
        for v in [-100.0, -20.0, 20.0, 60.0, 120.0] {
            assert!(current(v) < 0.0, "{v}");
            let slope = (current(v + 1e-3) - current(v - 1e-3)) / 2e-3;
            assert!((influx.carried(3.0, v).0 / slope - 1.0).abs() < 1e-6, "{v}");
        }
    }
}
