//! Calcium around open channels in the steady state, which forms in under 10 us: closed form, superposed.
//!
//! `[Ca](r) = background + sum_k i_k/(2 F) / (2 pi D r_k) exp(-r_k/lambda)`, `1/lambda^2 = sum k_on [B free] / D`: a point
//! source on a reflecting membrane with excess mobile buffer. Neher (1998) Cell Calcium 24:345; Naraghi & Neher (1997) J
//! Neurosci 17:6961. Limits: buffer not depleted (nearer than ~15 nm it is), no fixed buffer (it does not act in the
//! steady state), r above 0. [`shells`](super::shells) has no such limits. Fluctuation of the channels is the caller's: a
//! mean current into a fourth-power sensor underestimates release by `E[c^4]/E[c]^4` (D-19).

use super::{TerminalError, length, nonnegative, positive};
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use numerics::{constants::FARADAY, math};
use std::f64::consts::PI;

/// The medium below the membrane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Domain {
    /// um2/ms.
    diffusion: f64,
    /// 1/um.
    per_length: f64,
}

impl Domain {
    /// `diffusion` of free calcium in um2/ms; `capture` in /ms: `sum k_on [B free]` of the mobile buffers at rest
    /// ([`Buffer::capture`](super::buffer::Buffer::capture)), 0 without.
    ///
    /// ```
    /// use engine::terminal::domain::Domain;
    /// let free = Domain::new(0.22, 0.0)?;
    /// assert!((free.gain(0.02) * 0.2 - 37.5e-3).abs() < 0.1e-3); // 0.2 pA at 20 nm: 37.5 uM
    /// # Ok::<(), engine::terminal::TerminalError>(())
    /// ```
    ///
    /// # Errors
    /// Diffusion not above 0, capture negative.
    pub fn new(diffusion: f64, capture: f64) -> Result<Self, TerminalError> {
        let diffusion = positive("the diffusion of calcium (um2/ms)", diffusion)?;
        let capture = nonnegative("the capture by buffers (/ms)", capture)?;
        Ok(Self { diffusion, per_length: (capture / diffusion).sqrt() })
    }

    /// Length constant lambda in um; infinite without buffer.
    #[must_use]
    pub fn length(&self) -> f64 {
        1.0 / self.per_length
    }

    /// mM above the background per pA of inward calcium current, at `distance` um from the channel.
    #[must_use]
    pub fn gain(&self, distance: f64) -> f64 {
        math::exp(-distance * self.per_length) / (4.0 * PI * FARADAY * self.diffusion * distance)
    }
}

/// Which channel acts how much on which site: made once, used every slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Topography {
    sites: usize,
    channels: usize,
    /// mM/pA, place `block * channels + channel`, a lane a site.
    gains: Vec<F64x8>,
}

/// One block of sites.
struct Superpose<'a> {
    background: f64,
    gains: &'a [F64x8],
    currents: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Superpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let channels = self.currents.len();
        for (block, out) in self.out.chunks_mut(LANES).enumerate() {
            let mut sum = L::splat(self.background);
            for (gain, &current) in self.gains[block * channels..][..channels].iter().zip(self.currents) {
                sum = L::load(gain).mul_add(L::splat(current), sum);
            }
            out.copy_from_slice(&sum.to_array()[..out.len()]);
        }
    }
}

impl Topography {
    /// From positions on the membrane, um.
    ///
    /// # Errors
    /// A channel at the very place of a site, or a coordinate that is not finite.
    pub fn new(domain: &Domain, sites: &[[f64; 2]], channels: &[[f64; 2]]) -> Result<Self, TerminalError> {
        let mut gains = vec![F64x8::splat(0.0); sites.len().div_ceil(LANES) * channels.len()];
        for (i, s) in sites.iter().enumerate() {
            for (k, c) in channels.iter().enumerate() {
                let (x, y) = (s[0] - c[0], s[1] - c[1]);
                let distance = positive("the distance of a channel from a site (um)", (x * x + y * y).sqrt())?;
                gains[i / LANES * channels.len() + k].0[i % LANES] = domain.gain(distance);
            }
        }
        Ok(Self { sites: sites.len(), channels: channels.len(), gains })
    }

    /// mM at each site: `background` mM plus the superposed domains of channels that carry `currents` pA (inward
    /// positive, one a channel; 0 where closed). Sums in the order of the channels; the same bits at every level.
    ///
    /// # Errors
    /// [`TerminalError::Length`] where a list does not fit.
    pub fn calcium(
        &self,
        level: Level,
        background: f64,
        currents: &[f64],
        out: &mut [f64],
    ) -> Result<(), TerminalError> {
        length("currents", currents.len(), self.channels)?;
        length("sites", out.len(), self.sites)?;
        level.dispatch(Superpose { background, gains: &self.gains, currents, out });
        Ok(())
    }
}
