//! Where a current reverses: one ion (Nernst), or several monovalent ones through one pore (Goldman, Hodgkin & Katz).
//!
//! E = RT/zF ln(outside / inside); for several, each concentration weighted by its permeability, an anion's two sides
//! exchanged. Sources: Hodgkin & Katz (1949) J Physiol 108:37; Hille, Ion Channels, 3rd ed. (2001), eqs. 1.13, 14.14.
//! Limit: with a divalent ion among the permeant ones the closed form does not hold.

use numerics::constants::{FARADAY, GAS_CONSTANT};
use numerics::math;

/// The Nernst potential in mV of an ion of valence `z`, at `inside` and `outside` mM and `kelvin` K.
///
/// Infinite where one side is empty; NaN where both are, for z = 0, and for a negative concentration.
/// Source: Nernst (1888) Z Phys Chem 2:613; see [`Permeant`] for several ions.
///
/// ```
/// use engine::membrane::nernst;
/// // calcium, 100 nM inside and 2 mM outside, at 25 degC
/// assert!((nernst(2, 1e-4, 2.0, 298.15) - 127.2).abs() < 0.03);
/// ```
#[must_use]
pub fn nernst(z: i32, inside: f64, outside: f64, kelvin: f64) -> f64 {
    if z == 0 {
        return f64::NAN;
    }
    GAS_CONSTANT * kelvin / (f64::from(z) * FARADAY) * math::ln(outside / inside)
}

/// The sign of a monovalent ion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Monovalent {
    /// +1: Na, K, ...
    Cation,
    /// -1: Cl, HCO3, ...
    Anion,
}

/// One of the monovalent ions that share a pore.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Permeant {
    /// Its sign.
    pub charge: Monovalent,
    /// Permeability; only the ratios between a pore's ions matter, so in any unit.
    pub permeability: f64,
    /// mM.
    pub inside: f64,
    /// mM.
    pub outside: f64,
}

/// The reversal potential in mV of a pore that lets all of `ions` through, at `kelvin` K.
///
/// Sums run in the order of `ions`. Infinite where all that flows one way is absent, NaN where nothing permeates.
/// Source: Goldman (1943) J Gen Physiol 27:37; Hodgkin & Katz (1949) J Physiol 108:37, eq. 4.1.
///
/// ```
/// use engine::membrane::{Monovalent, Permeant, ghk_voltage, nernst};
/// let ion = |permeability, inside, outside| Permeant { charge: Monovalent::Anion, permeability, inside, outside };
/// let gaba_a = ghk_voltage(&[ion(1.0, 7.0, 130.0), ion(0.25, 16.0, 24.0)], 307.15);
/// assert!(nernst(-1, 7.0, 130.0, 307.15) < gaba_a && gaba_a < nernst(-1, 16.0, 24.0, 307.15));
/// ```
#[must_use]
pub fn ghk_voltage(ions: &[Permeant], kelvin: f64) -> f64 {
    let (mut lifting, mut lowering) = (0.0, 0.0);
    for ion in ions {
        let (lifts, lowers) = match ion.charge {
            Monovalent::Cation => (ion.outside, ion.inside),
            Monovalent::Anion => (ion.inside, ion.outside),
        };
        lifting = f64::mul_add(ion.permeability, lifts, lifting);
        lowering = f64::mul_add(ion.permeability, lowers, lowering);
    }
    GAS_CONSTANT * kelvin / FARADAY * math::ln(lifting / lowering)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "oracles that are not ours")]
mod tests {
    use super::*;

    const ROOM: f64 = 298.15;

    fn ion(charge: Monovalent, permeability: f64, inside: f64, outside: f64) -> Permeant {
        Permeant { charge, permeability, inside, outside }
    }

    #[test]
    fn c20_calcium_of_2_mm_against_100_nm_reverses_at_127_2_mv() {
        // RT/2F ln 20000, RT/F = 8.314462618 * 298.15 / 96.48533212 = 25.692579 mV; 40 digits by mpmath
        let closed = 127.223_068_761_131_36;
        let e = nernst(2, 1e-4, 2.0, ROOM);
        assert!((e - closed).abs() < 1e-12 * closed, "{e}");
        assert_eq!((e * 10.0).round() / 10.0, 127.2);
    }

    #[test]
    fn nernst_is_odd_in_the_valence_and_in_the_sides_and_proportional_to_temperature() {
        for (inside, outside) in [(7.0, 130.0), (1e-4, 2.0), (140.0, 3.0)] {
            let e = nernst(1, inside, outside, 300.0);
            assert_eq!(nernst(-1, inside, outside, 300.0), -e);
            assert_eq!(nernst(2, inside, outside, 300.0), 0.5 * e);
            assert!((nernst(1, outside, inside, 300.0) + e).abs() <= 1e-15 * e.abs() + 1e-14);
            assert!((nernst(1, inside, outside, 150.0) - 0.5 * e).abs() <= 1e-15 * e.abs());
        }
        assert_eq!(nernst(1, 5.0, 5.0, 300.0), 0.0);
    }

    #[test]
    fn an_empty_side_is_infinite_and_nonsense_is_nan() {
        assert_eq!(nernst(2, 0.0, 2.0, ROOM), f64::INFINITY);
        assert_eq!(nernst(2, 2.0, 0.0, ROOM), f64::NEG_INFINITY);
        assert!(nernst(0, 1.0, 2.0, ROOM).is_nan());
        assert!(nernst(1, -1.0, 2.0, ROOM).is_nan());
        assert!(nernst(1, 0.0, 0.0, ROOM).is_nan());
        assert!(ghk_voltage(&[], ROOM).is_nan());
    }

    #[test]
    fn one_ion_through_a_pore_reverses_at_its_nernst_potential() {
        for (charge, z) in [(Monovalent::Cation, 1), (Monovalent::Anion, -1)] {
            let (e, want) = (ghk_voltage(&[ion(charge, 0.37, 7.0, 130.0)], 307.15), nernst(z, 7.0, 130.0, 307.15));
            assert!((e - want).abs() < 1e-13 * want.abs(), "{e} {want}");
        }
    }

    #[test]
    fn gaba_a_reverses_between_chloride_and_bicarbonate_and_the_nearer_the_more_permeable() {
        // 34 degC, Cl 7/130, HCO3 16/24 mM
        let (cl, hco3) = (nernst(-1, 7.0, 130.0, 307.15), nernst(-1, 16.0, 24.0, 307.15));
        let reversal =
            |p| ghk_voltage(&[ion(Monovalent::Anion, 1.0, 7.0, 130.0), ion(Monovalent::Anion, p, 16.0, 24.0)], 307.15);
        let mut last = cl;
        for p in [0.2, 0.25, 0.3, 1.0, 100.0] {
            let e = reversal(p);
            assert!(last < e && e < hco3, "{p}: {last} {e} {hco3}");
            last = e;
        }
        // by hand: RT/F ln((7 + 0.25 16) / (130 + 0.25 24)) = RT/F ln(11/136)
        let by_hand = GAS_CONSTANT * 307.15 / FARADAY * (11.0_f64 / 136.0).ln();
        assert!((reversal(0.25) - by_hand).abs() < 1e-12);
        assert!((reversal(0.0) - cl).abs() < 1e-12);
    }

    #[test]
    fn hodgkin_and_katz_s_squid_rests_at_their_minus_59_mv() {
        // 1949: K 345/10, Na 72/455, Cl 61/540 mM, P 1 : 0.04 : 0.45, RT/F = 25.0 mV -> -59 mV
        let ions = [
            ion(Monovalent::Cation, 1.0, 345.0, 10.0),
            ion(Monovalent::Cation, 0.04, 72.0, 455.0),
            ion(Monovalent::Anion, 0.45, 61.0, 540.0),
        ];
        let e = ghk_voltage(&ions, 25.0 * FARADAY / GAS_CONSTANT);
        assert!((e + 59.0).abs() < 1.0, "{e}");
    }
}
