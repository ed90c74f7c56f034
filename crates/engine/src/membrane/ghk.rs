//! The current of one ion through a pore in a constant field (Goldman 1943; Hodgkin & Katz 1949, appendix, eq. 3.3).
//!
//! With u = zFv/RT and B(x) = x/(e^x - 1):  I = P z F (inside B(-u) - outside B(u)), and B(-a) = B(a) + a, so
//! I = P z F ((inside - outside) B(|u|) + u upstream), upstream = inside where u >= 0, else outside: one exponential,
//! nothing singular at v = 0, exactly ohmic at equal concentrations. Limits: a constant field, no saturation, no block.

use numerics::constants::{FARADAY, GAS_CONSTANT};
use numerics::math;
use numerics::simd::{F64x8, Kernel, Lanes, Level, Real};

/// The current in pA of an ion of valence `z` at `v` mV (inside minus outside), inward negative.
///
/// `permeability`: um3/ms, of all open pores together (permeability per area times area); `inside`, `outside`: mM;
/// `kelvin`: K. Exact to a few ulp of the larger one-way flux, for any finite `v`. NaN for z = 0.
/// For columns, and with the slope that an implicit membrane needs, see [`Ghk`].
///
/// ```
/// use engine::membrane::ghk_current;
/// // calcium at rest: 100 nM inside, 2 mM outside, 25 degC, -70 mV
/// let i = ghk_current(1.0, 2, -70.0, 1e-4, 2.0, 298.15);
/// assert!((i + 2112.1).abs() < 0.1);
/// ```
#[must_use]
pub fn ghk_current(permeability: f64, z: i32, v: f64, inside: f64, outside: f64, kelvin: f64) -> f64 {
    Ghk::new(z, kelvin).current(permeability, v, inside, outside)
}

/// What of the GHK equation is the same for all pores of one ion: its valence and the temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ghk {
    /// zF/RT, /mV.
    per_mv: f64,
    /// zF, fC/amol.
    charge: f64,
}

impl Ghk {
    /// An ion of valence `z` at `kelvin` K. Currents are NaN for z = 0, which carries none.
    #[must_use]
    pub fn new(z: i32, kelvin: f64) -> Self {
        let charge = f64::from(z) * FARADAY;
        let charge = if z == 0 { f64::NAN } else { charge };
        Self { per_mv: charge / (GAS_CONSTANT * kelvin), charge }
    }

    /// The current in pA, on any number of lanes; units as at [`ghk_current`].
    #[inline(always)]
    pub fn current<R: Real>(&self, permeability: R, v: R, inside: R, outside: R) -> R {
        let u = v * R::splat(self.per_mv);
        let spread = math::lanes::exprelr(u.abs());
        let upstream = R::select(u.ge(R::splat(0.0)), inside, outside);
        permeability * R::splat(self.charge) * (inside - outside).mul_add(spread, u * upstream)
    }

    /// The current in pA and its slope dI/dv in nS (never negative), on any number of lanes; units as at
    /// [`ghk_current`].
    ///
    /// With s = -B'(|u|), in (0, 1/2]: dI/du = P z F (upstream - (upstream - downstream) s).
    #[inline(always)]
    pub fn current_and_slope<R: Real>(&self, permeability: R, v: R, inside: R, outside: R) -> (R, R) {
        let u = v * R::splat(self.per_mv);
        let size = u.abs();
        let spread = math::lanes::exprelr(size);
        let outward = u.ge(R::splat(0.0));
        let (upstream, downstream) = (R::select(outward, inside, outside), R::select(outward, outside, inside));
        let scale = permeability * R::splat(self.charge);
        let current = scale * (inside - outside).mul_add(spread, u * upstream);
        let bend = minus_slope(size, spread);
        let slope = bend.neg_mul_add(upstream - downstream, upstream);
        (current, scale * R::splat(self.per_mv) * slope)
    }

    /// Currents and slopes of a population: `i` (pA) and `g` = dI/dv (nS) of pores of `permeability` (um3/ms) at `v`
    /// (mV) between `inside` and `outside` (mM). Cost: 2 divisions and an exponential a lane.
    ///
    /// # Panics
    /// If the columns differ in length or the machine lacks `level`.
    pub fn currents_and_slopes(
        &self,
        level: Level,
        permeability: &[F64x8],
        v: &[F64x8],
        [inside, outside]: [&[F64x8]; 2],
        i: &mut [F64x8],
        g: &mut [F64x8],
    ) {
        for length in [v.len(), inside.len(), outside.len(), i.len(), g.len()] {
            assert_eq!(length, permeability.len(), "the columns of a population have one length");
        }
        level.dispatch(Population { ghk: *self, permeability, v, inside, outside, i, g });
    }
}

/// -B'(a) for a >= 0, given b = B(a): b (b + a - 1) / a, which cancels near 0, where the series holds.
#[inline(always)]
fn minus_slope<R: Real>(a: R, b: R) -> R {
    // 1/2 - sum of B_2k a^(2k-1) / ((2k)! / 2k), B_2k the Bernoulli numbers; the rest is below 1e-15 for a < 1/4
    let square = a * a;
    let mut sum = R::splat(691.0 / (2730.0 * 39_916_800.0));
    for c in [-1.0 / 4_790_016.0, 1.0 / 151_200.0, -1.0 / 5040.0, 1.0 / 180.0, -1.0 / 6.0] {
        sum = sum.mul_add(square, R::splat(c));
    }
    let near = a.mul_add(sum, R::splat(0.5));
    let far = b * (b + (a - R::splat(1.0))) / a;
    // no NaN from B(inf) inf: beyond the range of B nothing is left of it
    let far = R::select(b.eq(R::splat(0.0)), b, far);
    R::select(a.lt(R::splat(0.25)), near, far)
}

struct Population<'a> {
    ghk: Ghk,
    permeability: &'a [F64x8],
    v: &'a [F64x8],
    inside: &'a [F64x8],
    outside: &'a [F64x8],
    i: &'a mut [F64x8],
    g: &'a mut [F64x8],
}

impl Kernel for Population<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { ghk, permeability, v, inside, outside, i, g } = self;
        let inputs = permeability.iter().zip(v).zip(inside.iter().zip(outside));
        for (((p, v), (inside, outside)), (i, g)) in inputs.zip(i.iter_mut().zip(g)) {
            let (current, slope) = ghk.current_and_slope(L::load(p), L::load(v), L::load(inside), L::load(outside));
            current.store(i);
            slope.store(g);
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "oracles that are not ours")]
mod tests {
    use super::*;
    use crate::membrane::nernst;
    use numerics::simd::LANES;
    use proptest::prelude::*;

    const ROOM: f64 = 298.15;

    /// The textbook form, singular at v = 0 and no better than its subtraction elsewhere.
    fn textbook(p: f64, z: i32, v: f64, inside: f64, outside: f64, kelvin: f64) -> f64 {
        let zf = f64::from(z) * FARADAY;
        let u = zf * v / (GAS_CONSTANT * kelvin);
        p * zf * u * (inside - outside * (-u).exp()) / -(-u).exp_m1()
    }

    /// The larger of the two one-way fluxes: what rounding is measured against.
    fn one_way(p: f64, z: i32, v: f64, inside: f64, outside: f64, kelvin: f64) -> f64 {
        let zf = f64::from(z) * FARADAY;
        let u = zf * v / (GAS_CONSTANT * kelvin);
        p * zf.abs() * (inside * math::exprelr(-u)).max(outside * math::exprelr(u))
    }

    #[test]
    fn c20_calcium_flows_inward_at_every_voltage_below_its_nernst_potential_60_mv_included() {
        assert!(ghk_current(1.0, 2, 60.0, 1e-4, 2.0, ROOM) < 0.0);
        let e = nernst(2, 1e-4, 2.0, ROOM);
        for step in 0..=6000 {
            let v = -300.0 + 0.1 * f64::from(step);
            let i = ghk_current(1.0, 2, v, 1e-4, 2.0, ROOM);
            assert!(i.is_finite());
            assert_eq!(i > 0.0, v > e, "{v} mV: {i} pA");
        }
    }

    #[test]
    fn c20_the_current_is_what_forty_digits_say() {
        // mpmath, from the textbook form
        for (v, want) in [(60.0, -16.952_644_294_088_71), (-70.0, -2_112.093_792_108_908_5)] {
            let i = ghk_current(1.0, 2, v, 1e-4, 2.0, ROOM);
            assert!((i / want - 1.0).abs() < 1e-13, "{i:e}");
        }
    }

    #[test]
    fn no_current_at_the_nernst_potential() {
        for (z, inside, outside) in
            [(2, 1e-4, 2.0), (1, 140.0, 3.0), (1, 12.0, 145.0), (-1, 7.0, 130.0), (-2, 3.0, 1.0)]
        {
            let e = nernst(z, inside, outside, ROOM);
            let i = ghk_current(1.0, z, e, inside, outside, ROOM);
            // e is known to an ulp, so u to three: |u| ulp of the one-way flux, and a few for the rest
            let u = (f64::from(z) * FARADAY * e / (GAS_CONSTANT * ROOM)).abs();
            let bound = (8.0 + 4.0 * u) * f64::EPSILON * one_way(1.0, z, e, inside, outside, ROOM);
            assert!(i.abs() <= bound, "z = {z}: {i:e} against {bound:e}");
        }
    }

    #[test]
    fn the_current_passes_zero_voltage_as_its_series_does() {
        // I = P z F (inside - outside + u (inside + outside) / 2 + u^2 (inside - outside) / 12 + O(u^4))
        let (inside, outside, z) = (0.3, 2.0, 2);
        let zf = f64::from(z) * FARADAY;
        for v in [0.0, 1e-300, -1e-300, 1e-12, -1e-12, 1e-6, -1e-6, 1e-3, -1e-3, 0.01, -0.01] {
            let u = zf * v / (GAS_CONSTANT * ROOM);
            let series = zf * (inside - outside + u * (inside + outside) / 2.0 + u * u * (inside - outside) / 12.0);
            let i = ghk_current(1.0, z, v, inside, outside, ROOM);
            assert!((i - series).abs() <= 4e-16 * zf * (inside + outside) + u.powi(4) * zf, "{v}: {i} {series}");
        }
    }

    #[test]
    fn equal_concentrations_make_it_ohmic() {
        for v in [-300.0, -70.0, -1e-9, 0.0, 0.3, 60.0, 300.0] {
            let ohm = 0.7 * 4.0 * FARADAY * FARADAY / (GAS_CONSTANT * ROOM) * 1.3 * v;
            let i = ghk_current(0.7, 2, v, 1.3, 1.3, ROOM);
            assert!((i - ohm).abs() <= 1e-15 * ohm.abs(), "{v}: {i} {ohm}");
        }
    }

    #[test]
    fn far_from_reversal_the_conductance_is_that_of_the_upstream_side_alone() {
        for z in [-2, -1, 1, 2] {
            let ghk = Ghk::new(z, ROOM);
            let unit = f64::from(z * z) * FARADAY * FARADAY / (GAS_CONSTANT * ROOM);
            let (inside, outside) = (7.0, 130.0);
            // a positive ion leaves the inside at positive voltages; at |u| = 40 and more the other side is e^-40
            for (v, upstream) in [(1100.0, inside), (-1100.0, outside), (1e6, inside), (-1e300, outside)] {
                let upstream = if z > 0 { upstream } else { inside + outside - upstream };
                let (i, g) = ghk.current_and_slope(1.0, v, inside, outside);
                assert!((g / (unit * upstream) - 1.0).abs() < 1e-14, "z = {z}, {v} mV: {g}");
                assert!((i / (g * v) - 1.0).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn the_slope_is_the_derivative_across_the_join_of_series_and_closed_form() {
        let ghk = Ghk::new(1, ROOM);
        let (inside, outside) = (140.0, 3.0);
        let scale = one_way(1.0, 1, 0.0, inside, outside, ROOM);
        // u = 1/4 at v = 6.42 mV
        for v in [-80.0, -6.5, -6.42, -6.3, -1e-4, 0.0, 1e-4, 1.0, 6.3, 6.42, 6.43, 6.5, 25.0, 90.0] {
            // the fourth-order difference: error h^4/30 f^(5) + rounding / h
            let h = 0.05;
            let f = |d: f64| ghk.current(1.0, v + d * h, inside, outside);
            let difference = (8.0 * (f(1.0) - f(-1.0)) - (f(2.0) - f(-2.0))) / (12.0 * h);
            let (_, slope) = ghk.current_and_slope(1.0, v, inside, outside);
            assert!((slope - difference).abs() < 1e-12 * scale, "{v} mV: {slope} {difference}");
        }
        // either side of the join by an ulp of v the slope moves by no more than rounding
        let join = 0.25 * GAS_CONSTANT * ROOM / FARADAY;
        let at = |v: f64| ghk.current_and_slope(1.0, v, inside, outside).1;
        let (below, above) = (at(join * (1.0 - 4e-16)), at(join * (1.0 + 4e-16)));
        assert!((below / above - 1.0).abs() < 2e-14, "{below} {above}");
    }

    #[test]
    fn every_level_and_the_scalar_give_the_same_bits() {
        let blocks = 40;
        let column = |f: &dyn Fn(usize) -> f64| -> Vec<F64x8> {
            (0..blocks).map(|b| F64x8(std::array::from_fn(|lane| f(b * LANES + lane)))).collect()
        };
        let permeability = column(&|k| 0.1 + 0.01 * k as f64);
        // -300 to 300 mV, with zero of either sign and neighbours of the join among them
        let v = column(&|k| match k {
            0 => 0.0,
            1 => -0.0,
            2 => 1e-310,
            3 => 6.423_144_780,
            _ => -300.0 + 600.0 * k as f64 / 319.0,
        });
        let inside = column(&|k| 1e-4 * (1.0 + k as f64));
        let outside = column(&|k| 2.0 / (1.0 + 0.1 * k as f64));
        for z in [-1, 1, 2] {
            let ghk = Ghk::new(z, 310.15);
            for &level in Level::available() {
                let mut i = vec![F64x8::default(); blocks];
                let mut g = i.clone();
                ghk.currents_and_slopes(level, &permeability, &v, [&inside, &outside], &mut i, &mut g);
                for b in 0..blocks {
                    for lane in 0..LANES {
                        let at = |c: &[F64x8]| c[b].0[lane];
                        let (p, v, inside, outside) = (at(&permeability), at(&v), at(&inside), at(&outside));
                        let (one_i, one_g) = ghk.current_and_slope(p, v, inside, outside);
                        assert_eq!(at(&i).to_bits(), one_i.to_bits(), "{level:?}");
                        assert_eq!(at(&g).to_bits(), one_g.to_bits(), "{level:?}");
                        assert_eq!(ghk_current(p, z, v, inside, outside, 310.15).to_bits(), one_i.to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn an_ion_without_charge_carries_nan_and_not_a_number_that_looks_right() {
        assert!(ghk_current(1.0, 0, -70.0, 1.0, 2.0, ROOM).is_nan());
    }

    proptest! {
        #[test]
        fn the_stable_form_is_the_textbook_form(
            v in -300.0..300.0_f64, z in prop::sample::select(vec![-2, -1, 1, 2]),
            inside in 1e-5..200.0_f64, outside in 1e-5..200.0_f64, kelvin in 273.0..320.0_f64,
        ) {
            prop_assume!(v.abs() > 0.1);
            let i = ghk_current(1.0, z, v, inside, outside, kelvin);
            let (want, scale) = (textbook(1.0, z, v, inside, outside, kelvin), one_way(1.0, z, v, inside, outside, kelvin));
            prop_assert!((i - want).abs() <= 1e-13 * scale, "{i} {want}");
        }

        #[test]
        fn exchanging_the_sides_and_the_sign_of_the_voltage_turns_the_current(
            v in -300.0..300.0_f64, inside in 1e-5..200.0_f64, outside in 1e-5..200.0_f64,
        ) {
            prop_assume!(v != 0.0);
            let there = ghk_current(1.0, 2, v, inside, outside, ROOM);
            prop_assert_eq!(ghk_current(1.0, 2, -v, outside, inside, ROOM).to_bits(), (-there).to_bits());
            let (_, slope) = Ghk::new(2, ROOM).current_and_slope(1.0, v, inside, outside);
            prop_assert!(slope > 0.0);
        }
    }
}
