//! How a vesicle empties into the cleft: a named object, for it sets the peak (20 or 100 us are not the same quantum).
//!
//! Expanding pore, a cylinder of radius `r = v t` and length L with Hall's access resistance at both mouths:
//! `dN/dt = -k N`, `k(r) = (D / V) / (L / (pi r^2) + 1 / (2 r)) = (D / V) 2 pi r^2 / (2 L + pi r)`.
//! Limits: quasi-steady in the pore (r^2 / D is some microseconds), a well-mixed vesicle, and no way back from the
//! cleft. Sources: Stiles et al 1996 PNAS 93:5747; Hall 1975 J Gen Physiol 66:531.

use std::f64::consts::PI;

/// The way out of a vesicle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pore {
    /// All at once.
    Instantaneous,
    /// Exponential emptying.
    FirstOrder {
        /// Time constant, ms.
        tau: f64,
    },
    /// A radius that grows steadily.
    Expanding {
        /// Growth of the radius, um/ms.
        rate: f64,
        /// Where it stops, um.
        widest: f64,
        /// Length of the pore L, um.
        length: f64,
        /// Inner volume of the vesicle V, um3.
        volume: f64,
        /// Diffusion coefficient in the pore, um2/ms.
        diffusion: f64,
    },
}

/// Where transmitter comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// How it comes.
    pub pore: Pore,
    /// Radius over which it is spread at the centre, um; 0 is the innermost ring.
    pub radius: f64,
}

impl Pore {
    pub(crate) fn sound(&self) -> bool {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        match *self {
            Self::Instantaneous => true,
            Self::FirstOrder { tau } => positive(tau),
            Self::Expanding { rate, widest, length, volume, diffusion } => {
                positive(rate)
                    && positive(widest)
                    && length >= 0.0
                    && length.is_finite()
                    && positive(volume)
                    && positive(diffusion)
            }
        }
    }

    /// How fast the radius grows, um/ms.
    #[inline(always)]
    pub(super) fn growth(&self) -> f64 {
        if let Self::Expanding { rate, .. } = *self { rate } else { 0.0 }
    }

    /// Emptying rate k in /ms and its slope over the radius in /ms/um.
    #[inline(always)]
    pub(super) fn emptying(&self, radius: f64) -> (f64, f64) {
        match *self {
            Self::Instantaneous => (0.0, 0.0),
            Self::FirstOrder { tau } => (1.0 / tau, 0.0),
            Self::Expanding { widest, length, volume, diffusion, .. } => {
                let r = radius.clamp(0.0, widest);
                let bottom = PI.mul_add(r, 2.0 * length);
                if bottom <= 0.0 {
                    return (0.0, 2.0 * diffusion / volume);
                }
                let scale = 2.0 * PI * diffusion / volume;
                let slope = scale * r * PI.mul_add(r, 4.0 * length) / (bottom * bottom);
                (scale * r * r / bottom, if radius > widest { 0.0 } else { slope })
            }
        }
    }

    /// The time, ms, at which a molecule leaves that does so when `e` mean lifetimes of its rate have passed: `integral k dt = e`.
    pub(crate) fn leaving(&self, e: f64) -> f64 {
        match *self {
            Self::Instantaneous => 0.0,
            Self::FirstOrder { tau } => tau * e,
            Self::Expanding { rate, widest, length, volume, diffusion } => {
                let scale = 2.0 * PI * diffusion / volume;
                let a = 2.0 * length;
                // Of a pore that has grown to r: scale / rate times the integral of r^2 / (a + pi r).
                let passed = |r: f64| {
                    let log = if a > 0.0 { a * a / (PI * PI * PI) * numerics::math::ln(1.0 + PI * r / a) } else { 0.0 };
                    scale / rate * (r * r / (2.0 * PI) - a * r / (PI * PI) + log)
                };
                let whole = passed(widest);
                if e >= whole {
                    let k = scale * widest * widest / PI.mul_add(widest, a);
                    return widest / rate + (e - whole) / k;
                }
                numerics::bracket::root(|r| passed(r) - e, 0.0, widest, 1e-9 * widest).unwrap_or(0.0) / rate
            }
        }
    }
}
