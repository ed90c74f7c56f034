//! The plain synaptic conductances of point models: exponential, alpha and biexponential, exact at any step.
//!
//! g' = -g/tau_d + c h, h' = -h/tau_r; an event of weight w adds w to h. **One event of weight w peaks at w**: the peak
//! is 1, not the area (D-24). With r = tau_d/tau_r and q = ln(r)/(r - 1): peak time tau_d q, c = e^q / tau_r, area
//! e^q tau_d; r = 1 is the alpha function, without a seam; the exponential has no h, events add to g.
//! Sources: Rall (1967) J Neurophysiol 30:1138; Rotter & Diesmann (1999) Biol Cybern 81:381 (propagators).

use crate::time::Tick;
use numerics::math;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level, Real};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Time constants outside, in ms, are refused: one tick, and longer than time itself lasts.
const RANGE: std::ops::RangeInclusive<f64> = 1e-9..=1e10;
/// What has decayed below this is 0: subnormal numbers are slow, and would never reach it.
const NOTHING: f64 = 1e-290;

/// A waveform, or a step of it, that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum WaveformError {
    /// A time constant that is not a positive time.
    #[error("a time constant of {tau} ms; it must lie between 1e-9 and 1e10 ms")]
    TimeConstant {
        /// What came, ms.
        tau: f64,
    },
    /// A rise slower than the decay.
    #[error("the rise ({rise} ms) is slower than the decay ({decay} ms); exchange them: the waveform is the same")]
    Order {
        /// What came, ms.
        rise: f64,
        /// What came, ms.
        decay: f64,
    },
    /// A step backwards.
    #[error("a step of {dt}; it must not be negative")]
    Step {
        /// What came.
        dt: Tick,
    },
}

/// The course of a conductance after one event of weight 1, whose peak is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waveform {
    /// ms; none for the exponential, which rises at once.
    rise: Option<f64>,
    /// ms.
    decay: f64,
}

impl Waveform {
    /// `e^(-t/tau)`, tau in ms.
    ///
    /// # Errors
    /// [`WaveformError::TimeConstant`].
    pub fn exponential(tau: f64) -> Result<Self, WaveformError> {
        Ok(Self { rise: None, decay: positive(tau)? })
    }

    /// `(t/tau) e^(1 - t/tau)`, tau in ms: the peak, 1, is at tau.
    ///
    /// # Errors
    /// [`WaveformError::TimeConstant`].
    pub fn alpha(tau: f64) -> Result<Self, WaveformError> {
        Self::biexponential(tau, tau)
    }

    /// `N (e^(-t/decay) - e^(-t/rise))`, both in ms, N such that the peak is 1; `rise = decay` is the alpha function.
    ///
    /// ```
    /// use engine::receptor::waveform::Waveform;
    /// let nmda = Waveform::biexponential(2.0, 80.0)?;
    /// assert!((nmda.time_to_peak() - 2.0 * 80.0 / 78.0 * 40f64.ln()).abs() < 1e-12);
    /// assert!((nmda.at(nmda.time_to_peak()) - 1.0).abs() < 1e-15);
    /// # Ok::<(), engine::receptor::waveform::WaveformError>(())
    /// ```
    ///
    /// # Errors
    /// [`WaveformError::TimeConstant`]; [`WaveformError::Order`] unless `rise <= decay`.
    pub fn biexponential(rise: f64, decay: f64) -> Result<Self, WaveformError> {
        let (rise, decay) = (positive(rise)?, positive(decay)?);
        if rise <= decay { Ok(Self { rise: Some(rise), decay }) } else { Err(WaveformError::Order { rise, decay }) }
    }

    /// Time constants of the rise (none for the exponential) and of the decay, ms.
    #[must_use]
    pub fn constants(&self) -> (Option<f64>, f64) {
        (self.rise, self.decay)
    }

    /// When an event's effect is largest, ms after it: 0 for the exponential, else `decay ln(r) / (r - 1)`,
    /// `r = decay / rise` (the same as `t1 t2 / (t2 - t1) ln(t2 / t1)`, and it holds at `t1 = t2`).
    #[must_use]
    pub fn time_to_peak(&self) -> f64 {
        self.rise.map_or(0.0, |rise| self.decay * peak_exponent(rise, self.decay))
    }

    /// The integral of one event's effect over all time, ms: tau for the exponential, `e tau` for the alpha function.
    #[must_use]
    pub fn area(&self) -> f64 {
        self.rise.map_or(self.decay, |rise| self.decay * math::exp(peak_exponent(rise, self.decay)))
    }

    /// The value `t` ms after the event, t finite; 0 before it.
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        if t < 0.0 {
            return 0.0;
        }
        let (keep, companion) = self.over(t);
        companion.map_or(keep, |companion| companion.feed)
    }

    /// What `dt` does to the conductance and its companion: exact, to rounding, at any step.
    ///
    /// # Errors
    /// [`WaveformError::Step`] if `dt` is negative.
    pub fn propagator(&self, dt: Tick) -> Result<Propagator, WaveformError> {
        if dt < Tick::ZERO {
            return Err(WaveformError::Step { dt });
        }
        let (keep, companion) = self.over(dt.ms());
        Ok(Propagator { dt, keep, companion })
    }

    fn over(&self, t: f64) -> (f64, Option<Companion>) {
        let keep = math::exp(-t / self.decay);
        let Some(rise) = self.rise else { return (keep, None) };
        // (e^(-t/decay) - e^(-t/rise)) / (1/rise - 1/decay) = t e^(-t/decay) / B(-y), B(x) = x/(e^x - 1)
        let y = t / rise * ((self.decay - rise) / self.decay);
        let feed = math::exp(peak_exponent(rise, self.decay)) * (t / rise) * keep / math::exprelr(-y);
        (keep, Some(Companion { feed, keep: math::exp(-t / rise) }))
    }
}

fn positive(tau: f64) -> Result<f64, WaveformError> {
    if RANGE.contains(&tau) { Ok(tau) } else { Err(WaveformError::TimeConstant { tau }) }
}

/// `ln(r) / (r - 1)`: well conditioned in r, since the rounding of r is in both; 1 at r = 1 (Kahan's device).
fn peak_exponent(rise: f64, decay: f64) -> f64 {
    let r = decay / rise;
    if r == 1.0 { 1.0 } else { math::ln(r) / (r - 1.0) }
}

/// How much of `h` arrives in `g` over the step, and how much of `h` stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Companion<R = f64> {
    /// Of g from h.
    pub feed: R,
    /// Of h from h.
    pub keep: R,
}

/// A [`Waveform`] over one step, a lower triangular matrix: `g = keep g + feed h`, `h = companion.keep h`.
///
/// Plain numbers where a population shares its waveform; [`F64x8`] where each instance has its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Propagator<R = f64> {
    /// The step.
    pub dt: Tick,
    /// Of g from g.
    pub keep: R,
    /// None for the exponential.
    pub companion: Option<Companion<R>>,
}

impl<R: Real> Propagator<R> {
    /// One step of `g` and `h` (any unit, the same for both), on any number of lanes; for kernels that fuse it with
    /// others. What decays below 1e-290 in size becomes 0.
    #[inline(always)]
    pub fn advance(&self, g: R, h: R) -> (R, R) {
        match self.companion {
            None => (flush(self.keep * g), h),
            Some(Companion { feed, keep }) => (flush(self.keep.mul_add(g, feed * h)), flush(keep * h)),
        }
    }
}

impl Propagator {
    /// What an event of weight 1 at the beginning of the step has become of at its end: g.
    #[must_use]
    pub fn since_event(&self) -> f64 {
        self.companion.map_or(self.keep, |companion| companion.feed)
    }

    #[inline(always)]
    fn splat<R: Real>(&self) -> Propagator<R> {
        let companion =
            self.companion.map(|Companion { feed, keep }| Companion { feed: R::splat(feed), keep: R::splat(keep) });
        Propagator { dt: self.dt, keep: R::splat(self.keep), companion }
    }
}

impl Propagator<F64x8> {
    /// Eight instances' propagators side by side; `None` unless they share the step, and the kind of waveform.
    #[must_use]
    pub fn gather(instances: &[Propagator; LANES]) -> Option<Self> {
        if instances.iter().any(|p| p.dt != instances[0].dt) {
            return None;
        }
        let of = |f: &dyn Fn(&Propagator) -> f64| F64x8(std::array::from_fn(|lane| f(&instances[lane])));
        let companions = instances.iter().filter(|p| p.companion.is_some()).count();
        let companion = |f: fn(Companion) -> f64| of(&|p| p.companion.map_or(0.0, f));
        let companion = match companions {
            0 => None,
            LANES => Some(Companion { feed: companion(|c| c.feed), keep: companion(|c| c.keep) }),
            _ => return None,
        };
        Some(Self { dt: instances[0].dt, keep: of(&|p| p.keep), companion })
    }

    #[inline(always)]
    fn load<L: Lanes>(&self) -> Propagator<L> {
        let companion = self.companion.as_ref().map(|c| Companion { feed: L::load(&c.feed), keep: L::load(&c.keep) });
        Propagator { dt: self.dt, keep: L::load(&self.keep), companion }
    }
}

#[inline(always)]
fn flush<R: Real>(x: R) -> R {
    // written so that NaN stays NaN
    R::select(x.abs().lt(R::splat(NOTHING)), R::splat(0.0), x)
}

/// The conductances of a population whose instances share a kind of [`Waveform`]: the state, all that a snapshot holds.
///
/// Any unit; nS by the house's convention. Layout: a column of blocks of 8 for g, and one for h where there is one.
/// Padding lanes stay 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Conductances {
    instances: usize,
    clock: Tick,
    g: Vec<F64x8>,
    /// Empty for the exponential.
    h: Vec<F64x8>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    clock: Tick,
    g: Vec<f64>,
    h: Option<Vec<f64>>,
}

impl From<Conductances> for Raw {
    fn from(population: Conductances) -> Self {
        let plain = |column: &[F64x8]| F64x8::as_f64s(column)[..population.instances].to_vec();
        let h = (!population.h.is_empty()).then(|| plain(&population.h));
        Self { clock: population.clock, g: plain(&population.g), h }
    }
}

impl TryFrom<Raw> for Conductances {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let instances = raw.g.len();
        if raw.h.as_ref().is_some_and(|h| h.len() != instances) {
            return Err("lengths do not fit");
        }
        let column = |plain: Vec<f64>| {
            let mut column = vec![F64x8::default(); instances.div_ceil(LANES)];
            F64x8::as_f64s_mut(&mut column)[..instances].copy_from_slice(&plain);
            column
        };
        Ok(Self { instances, clock: raw.clock, g: column(raw.g), h: raw.h.map(column).unwrap_or_default() })
    }
}

impl Conductances {
    /// `instances` conductances of 0 at time 0, of `waveform`'s kind (with a companion or without).
    #[must_use]
    pub fn new(waveform: &Waveform, instances: usize) -> Self {
        let column = vec![F64x8::default(); instances.div_ceil(LANES)];
        let h = if waveform.rise.is_some() { column.clone() } else { Vec::new() };
        Self { instances, clock: Tick::ZERO, g: column, h }
    }

    /// How many instances.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.instances
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// The conductances, a block of 8 a line; the last line's padding lanes are 0.
    #[must_use]
    pub fn g(&self) -> &[F64x8] {
        &self.g
    }

    /// One instance's conductance. Panics out of range.
    #[must_use]
    pub fn conductance(&self, instance: usize) -> f64 {
        F64x8::as_f64s(&self.g)[..self.instances][instance]
    }

    /// An event of weight `weight` now. Floating-point addition: the caller's order of events shows in the bits.
    ///
    /// # Panics
    /// If `instance` is out of range or `weight` not finite.
    pub fn add(&mut self, instance: usize, weight: f64) {
        assert!(weight.is_finite(), "a weight is a number");
        let column = if self.h.is_empty() { &mut self.g } else { &mut self.h };
        F64x8::as_f64s_mut(column)[..self.instances][instance] += weight;
    }

    /// An event of weight `weight` that happened a while ago, within the step just taken; `since` is the instance's
    /// propagator over that while. As exact as an event on the grid.
    ///
    /// # Panics
    /// As [`Self::add`]; or if `since` is of another kind of waveform.
    pub fn add_late(&mut self, instance: usize, weight: f64, since: &Propagator) {
        assert!(weight.is_finite(), "a weight is a number");
        assert_eq!(since.companion.is_none(), self.h.is_empty(), "one kind of waveform");
        let add = |column: &mut [F64x8], share: f64| {
            let place = &mut F64x8::as_f64s_mut(column)[..self.instances][instance];
            *place = f64::mul_add(weight, share, *place);
        };
        add(&mut self.g, since.since_event());
        if let Some(companion) = since.companion {
            add(&mut self.h, companion.keep);
        }
    }

    /// Advances all by the propagator of the waveform they share.
    ///
    /// # Panics
    /// If the propagator is of another kind of waveform, or the machine lacks `level`.
    pub fn step(&mut self, level: Level, propagator: &Propagator) {
        self.run(level, propagator.dt, propagator.companion.is_some(), Shared(*propagator));
    }

    /// Advances each by its own propagator, one a lane, a block of 8 a line (see [`Propagator::gather`]).
    ///
    /// # Panics
    /// If there is not one line a block, they differ in step or kind of waveform, or the machine lacks `level`. A
    /// population of none cannot be stepped like this, for there is no step in no line.
    pub fn step_each(&mut self, level: Level, propagators: &[Propagator<F64x8>]) {
        assert_eq!(propagators.len(), self.g.len(), "one line of propagators a block");
        let Some(first) = propagators.first() else { panic!("a population that is stepped has instances") };
        let companion = first.companion.is_some();
        let alike = |p: &Propagator<F64x8>| p.dt == first.dt && p.companion.is_some() == companion;
        assert!(propagators.iter().all(alike), "one step, one kind of waveform");
        self.run(level, first.dt, companion, Each(propagators));
    }

    fn run<P: Propagators>(&mut self, level: Level, dt: Tick, companion: bool, propagators: P) {
        assert!(companion != self.h.is_empty() || self.g.is_empty(), "one kind of waveform");
        level.dispatch(Advance { g: &mut self.g, h: &mut self.h, propagators });
        self.clock += dt;
    }
}

/// Where a block's propagator comes from.
trait Propagators {
    fn of<L: Lanes>(&self, block: usize) -> Propagator<L>;
}

struct Shared(Propagator);

impl Propagators for Shared {
    #[inline(always)]
    fn of<L: Lanes>(&self, _: usize) -> Propagator<L> {
        self.0.splat()
    }
}

struct Each<'a>(&'a [Propagator<F64x8>]);

impl Propagators for Each<'_> {
    #[inline(always)]
    fn of<L: Lanes>(&self, block: usize) -> Propagator<L> {
        self.0[block].load()
    }
}

struct Advance<'a, P> {
    g: &'a mut [F64x8],
    h: &'a mut [F64x8],
    propagators: P,
}

impl<P: Propagators> Kernel for Advance<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { g, h, propagators } = self;
        if h.is_empty() {
            for (block, g) in g.iter_mut().enumerate() {
                let (next, _) = propagators.of::<L>(block).advance(L::load(g), L::splat(0.0));
                next.store(g);
            }
            return;
        }
        for (block, (g, h)) in g.iter_mut().zip(h).enumerate() {
            let (next_g, next_h) = propagators.of::<L>(block).advance(L::load(g), L::load(h));
            next_g.store(g);
            next_h.store(h);
        }
    }
}

#[cfg(test)]
#[path = "waveform_tests.rs"]
#[allow(clippy::disallowed_methods, reason = "oracles that are not ours")]
mod tests;
