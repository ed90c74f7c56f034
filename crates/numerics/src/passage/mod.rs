//! Brownian motion from the middle of an interval, a disc or a ball: when it first comes to the border, and where it is until
//! then.
//!
//! All are of size 1 (half the interval, the radius) and D = 1: lengths scale with the size L, times with `L^2 / D`.
//! Survival and place are eigenfunction series, `S(t) = sum a_k exp(-l_k t)`; what is drawn is read from tables of their
//! inverses, exact to 1e-6 of the time and 3e-4 of the size. Draws are of 32 bits: an odd in 4e9 is the least that is told.
//! What draws is inlined, so that it runs with the instructions of whoever calls it. Source: Redner (2001) A Guide to First-Passage Processes.

use crate::math::lanes;
use crate::rng::Draws;
use crate::{bracket, math};
use std::f64::consts::{PI, TAU};
use std::sync::LazyLock;

/// Terms of the series: the first left out is below 1e-17 at the shortest time that is looked up.
const TERMS: usize = 32;
/// Below `2^FIRST` mean lifetimes of the slowest mode (odds of 1e-9) an exit is taken to be at that time.
const FIRST: i32 = -30;
/// From `2^LAST` of them on only the slowest mode is left.
const LAST: i32 = 4;
/// Stretches of a table in each doubling.
const FINE: u32 = 4;
/// Times, in doublings, between which places are looked up: before, the border is not yet felt (odds of 1e-7 that it
/// should have been); afterwards only the slowest mode is left.
const EARLY: i32 = -6;
const LATE: i32 = 0;
/// Times in each doubling (as a power of 2), and places at each time.
const ROWS: u32 = 3;
const COLUMNS: usize = 64;

/// A cubic on a stretch.
type Cubic = [f64; 4];

/// Motion within an interval, a disc or a ball, from its middle.
#[derive(Debug)]
pub struct Passage {
    modes: Vec<Mode>,
    /// 1, 2, 3.
    dimension: u8,
    /// Exit times over `-ln S`.
    times: Vec<Cubic>,
    /// By time and by the root of the odds to be farther out: distance from the middle, to the power of the dimension.
    places: Vec<[f64; COLUMNS + 1]>,
}

/// A term of the series.
#[derive(Clone, Copy, Debug)]
struct Mode {
    /// Its rate.
    rate: f64,
    /// Its share of survival.
    share: f64,
    /// Its wave number.
    wave: f64,
}

/// From the middle of an interval of half-width 1.
pub static INTERVAL: LazyLock<Passage> = LazyLock::new(|| {
    let mode = |k: usize| {
        let wave = (k as f64 + 0.5) * PI;
        Mode { rate: wave * wave, share: if k.is_multiple_of(2) { 2.0 } else { -2.0 } / wave, wave }
    };
    Passage::new((0..TERMS).map(mode).collect(), 1)
});

/// From the middle of a disc of radius 1.
pub static DISC: LazyLock<Passage> = LazyLock::new(|| {
    let mode = |k: usize| {
        // A root of J0, by McMahon's expansion and Newton's method.
        let guess = (k as f64 + 0.75) * PI;
        let mut wave = guess + 1.0 / (8.0 * guess);
        for _ in 0..4 {
            wave += libm::j0(wave) / libm::j1(wave);
        }
        Mode { rate: wave * wave, share: 2.0 / (wave * libm::j1(wave)), wave }
    };
    Passage::new((0..TERMS).map(mode).collect(), 2)
});

/// From the middle of a ball of radius 1.
pub static BALL: LazyLock<Passage> = LazyLock::new(|| {
    let mode = |k: usize| {
        let wave = (k as f64 + 1.0) * PI;
        Mode { rate: wave * wave, share: if k.is_multiple_of(2) { 2.0 } else { -2.0 }, wave }
    };
    Passage::new((0..TERMS).map(mode).collect(), 3)
});

impl Passage {
    fn new(modes: Vec<Mode>, dimension: u8) -> Self {
        let mut made = Self { modes, dimension, times: Vec::new(), places: Vec::new() };
        made.times = made.invert_survival();
        made.places = made.invert_places();
        made
    }

    /// Odds to have stayed within until `t`.
    #[must_use]
    pub fn survival(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 1.0;
        }
        self.modes.iter().rev().map(|m| m.share * math::exp(-m.rate * t)).sum()
    }

    /// `-dS/dt`.
    fn density(&self, t: f64) -> f64 {
        self.modes.iter().rev().map(|m| m.rate * m.share * math::exp(-m.rate * t)).sum()
    }

    /// When it comes to the border.
    #[inline(always)]
    pub fn exit(&self, draws: &mut Draws) -> f64 {
        self.exit_at(exponential(draws))
    }

    /// The time with `-ln S = e`.
    #[inline(always)]
    fn exit_at(&self, e: f64) -> f64 {
        let (first, last) = (exponent_of(FIRST), exponent_of(LAST));
        let bits = e.to_bits();
        if bits >= last {
            // S = share exp(-rate t)
            let m = &self.modes[0];
            return (e + lanes::ln(m.share)) / m.rate;
        }
        let bits = bits.max(first);
        let stretch = ((bits - first) >> (52 - FINE)) as usize;
        let x = part(bits, FINE);
        let [a, b, c, d] = self.times[stretch];
        a + x * (b + x * (c + x * d))
    }

    /// How far from the middle it is at `t`, having stayed within until then.
    #[inline(always)]
    pub fn place(&self, t: f64, draws: &mut Draws) -> f64 {
        if t.to_bits() < exponent_of(EARLY) {
            let far = match self.dimension {
                1 => (4.0 * t * exponential(draws)).sqrt() * direction(draws)[0].abs(),
                2 => (4.0 * t * exponential(draws)).sqrt(),
                _ => {
                    let across = direction(draws)[0];
                    (4.0 * t * (exponential(draws) + across * across * exponential(draws))).sqrt()
                }
            };
            return far.min(1.0 - 1e-9);
        }
        self.place_at(t, uniform(draws))
    }

    /// The place at `t`, felt by the border, that is farther out with odds of `u`.
    #[inline(always)]
    fn place_at(&self, t: f64, u: f64) -> f64 {
        let late = t.to_bits() >= exponent_of(LATE);
        let above = if late { 0 } else { t.to_bits() - exponent_of(EARLY) };
        let row = if late { self.places.len() - 2 } else { (above >> (52 - ROWS)) as usize };
        let along = if late { 1.0 } else { part(t.to_bits(), ROWS) };
        let v = u.sqrt() * COLUMNS as f64;
        let column = (v as usize).min(COLUMNS - 1);
        let across = v - column as f64;
        let [a, b] = [&self.places[row], &self.places[row + 1]];
        let a = a[column] + (a[column + 1] - a[column]) * across;
        let b = b[column] + (b[column + 1] - b[column]) * across;
        let far = a + (b - a) * along;
        match self.dimension {
            1 => far,
            2 => far.sqrt(),
            _ => lanes::exp(lanes::ln(far.max(f64::MIN_POSITIVE)) / 3.0),
        }
    }

    /// Odds to be within `x` of the middle at `t` and never to have been at the border, from values of the modes there.
    fn within(&self, waves: &[f64], t: f64) -> f64 {
        self.modes.iter().zip(waves).rev().map(|(m, w)| w * math::exp(-m.rate * t)).sum()
    }

    /// By mode: its share of the odds to be within `x` of the middle.
    fn waves(&self, x: f64) -> Vec<f64> {
        let of = |m: &Mode| {
            let turned = || math::turn(m.wave * x / TAU);
            match self.dimension {
                1 => 2.0 * turned().1 / m.wave,
                // 2 x J1(j x) / (j J1(j)^2), and share = 2 / (j J1(j))
                2 => 0.5 * m.share * m.share * m.wave * x * libm::j1(m.wave * x),
                _ => 2.0 * (turned().1 / m.wave - x * turned().0),
            }
        };
        self.modes.iter().map(of).collect()
    }

    fn invert_survival(&self) -> Vec<Cubic> {
        let n = ((LAST - FIRST) as usize) << FINE;
        let knot = |k: usize| f64::from_bits(exponent_of(FIRST) + ((k as u64) << (52 - FINE)));
        // The time with -ln S = e; where little has left yet, from what has.
        let mut low = 9e-3;
        let mut at = |k: usize| {
            let e = knot(k);
            let left = |t: f64| 1.0 - self.survival(t) + math::expm1(-e);
            let slow = |t: f64| math::ln(self.survival(t)) + e;
            let high = e + 1.0;
            let t = if e < 1.0 { bracket::root(left, low, high, 1e-15) } else { bracket::root(slow, low, high, 1e-15) };
            let t = t.unwrap_or(low);
            low = t * (1.0 - 1e-9);
            (t, self.survival(t) / self.density(t))
        };
        let knots: Vec<(f64, f64)> = (0..=n).map(&mut at).collect();
        let stretch = |k: usize| {
            let width = knot(k + 1) - knot(k);
            let ((a, slope_a), (b, slope_b)) = (knots[k], knots[k + 1]);
            let (slope_a, slope_b) = (slope_a * width, slope_b * width);
            [a, slope_a, 3.0 * (b - a) - 2.0 * slope_a - slope_b, 2.0 * (a - b) + slope_a + slope_b]
        };
        (0..n).map(stretch).collect()
    }

    fn invert_places(&self) -> Vec<[f64; COLUMNS + 1]> {
        const STEPS: usize = 512;
        let waves: Vec<Vec<f64>> = (0..=STEPS).map(|k| self.waves(k as f64 / STEPS as f64)).collect();
        let rows = ((LATE - EARLY) as usize) << ROWS;
        let row = |k: usize| {
            let t = f64::from_bits(exponent_of(EARLY) + ((k as u64) << (52 - ROWS)));
            let all = self.survival(t);
            let share: Vec<f64> = waves.iter().map(|w| self.within(w, t) / all).collect();
            let mut out = [0.0; COLUMNS + 1];
            let mut step = STEPS;
            for (column, to) in out.iter_mut().enumerate() {
                let v = column as f64 / COLUMNS as f64;
                let wanted = 1.0 - v * v;
                while step > 1 && share[step - 1] > wanted {
                    step -= 1;
                }
                // Between two steps, in the measure in which the share is nearly straight: area, or length.
                let (a, b) = ((step - 1) as f64 / STEPS as f64, step as f64 / STEPS as f64);
                let find = |x: f64| self.within(&self.waves(x), t) / all - wanted;
                let x = match column {
                    0 => 1.0,
                    COLUMNS => 0.0,
                    _ => bracket::root(find, a, b, 1e-12).unwrap_or(0.5 * (a + b)),
                };
                *to = math::powi(x, i32::from(self.dimension));
            }
            out
        };
        (0..=rows).map(row).collect()
    }
}

/// A direction in space, each as likely as any other: any height on a sphere is (Archimedes).
#[inline(always)]
pub fn direction_in_space(draws: &mut Draws) -> [f64; 3] {
    let z = 2.0 * uniform(draws) - 1.0;
    let across = (1.0 - z * z).sqrt();
    let [x, y] = direction(draws);
    [across * x, across * y, z]
}

/// Uniform in (0, 1), of 32 bits.
#[inline(always)]
pub fn uniform(draws: &mut Draws) -> f64 {
    (f64::from(draws.next_u32()) + 0.5) * (1.0 / 4_294_967_296.0)
}

/// Exponential with mean 1, of 32 bits: 22.9 at most.
#[inline(always)]
pub fn exponential(draws: &mut Draws) -> f64 {
    -lanes::ln(uniform(draws))
}

/// A direction in the plane, each as likely as any other: twice the angle of a place within a circle.
#[inline(always)]
pub fn direction(draws: &mut Draws) -> [f64; 2] {
    loop {
        let (x, y) = (2.0 * uniform(draws) - 1.0, 2.0 * uniform(draws) - 1.0);
        let square = x * x + y * y;
        if square <= 1.0 {
            return [(x * x - y * y) / square, 2.0 * x * y / square];
        }
    }
}

/// The bits of `2^k`.
const fn exponent_of(k: i32) -> u64 {
    ((1023 + k) as u64) << 52
}

/// How far a number is in its stretch of a doubling that is cut into `2^fine`.
#[inline(always)]
fn part(bits: u64, fine: u32) -> f64 {
    let rest = bits & ((1 << (52 - fine)) - 1);
    f64::from_bits(exponent_of(0) | rest << fine) - 1.0
}

#[cfg(test)]
mod tests;
