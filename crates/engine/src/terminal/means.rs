//! Docked vesicles as means: occupancies of the sensor's states at each site, and what fuses a slot.
//!
//! `p(t + h) = p(t) exp(Q(c) h)` by the shifted, positive Taylor series on the vector (uniformisation: Jensen 1953; Xue &
//! Ye 2013 Math Comp 82:1577), shift times substep at most 1: no cancellation, nothing negative, mass kept to an ulp. What
//! fuses is gathered from 0 each slot, so 1e-15 a slot keeps its digits. Eight sites a line of lanes; a lane's bits do not
//! depend on its neighbours, nor on the SIMD level.

use super::sensor::{Sensor, Step};
use super::{TerminalError, length, nonnegative};
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level, Mask};
use serde::{Deserialize, Serialize};

/// Terms of the series at most; it settles at the longest path's length and some 20 more.
const TERMS: usize = 90;

/// Occupancies, and what has fused since the start: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct MeanSites {
    clock: Tick,
    sites: usize,
    states: usize,
    /// Line `block * states + state`; fused states hold 0 between slots.
    lines: Vec<F64x8>,
    fused: Vec<f64>,
}

/// As it is written.
#[derive(Serialize, Deserialize)]
struct Raw {
    clock: Tick,
    sites: u64,
    states: u16,
    values: Vec<f64>,
    fused: Vec<f64>,
}

impl From<MeanSites> for Raw {
    fn from(m: MeanSites) -> Self {
        let values = F64x8::as_f64s(&m.lines).to_vec();
        Self { clock: m.clock, sites: m.sites as u64, states: m.states as u16, values, fused: m.fused }
    }
}

impl TryFrom<Raw> for MeanSites {
    type Error = &'static str;
    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let (sites, states) = (usize::try_from(raw.sites).map_err(|_| "too many")?, usize::from(raw.states));
        let want = sites.div_ceil(LANES).checked_mul(states * LANES);
        if states == 0 || want != Some(raw.values.len()) || raw.fused.len() != sites {
            return Err("lengths do not fit");
        }
        let lines = raw.values.as_chunks::<LANES>().0.iter().map(|&line| F64x8(line)).collect();
        Ok(Self { clock: raw.clock, sites, states, lines, fused: raw.fused })
    }
}

struct Slot<'a> {
    sensor: &'a Sensor,
    lines: &'a mut [F64x8],
    calcium: [f64; LANES],
    dt: f64,
}

/// Largest exit rate of each lane, and `Q + largest I` applied to a law.
trait Shifted<L: Lanes, const N: usize> {
    fn largest(&self) -> L;
    fn apply(&self, law: &[L; N]) -> [L; N];
}

#[inline(always)]
fn rate<L: Lanes>(s: &Step, calcium: L) -> L {
    calcium.mul_add(L::splat(s.by_calcium), L::splat(s.fixed))
}

/// Any scheme, step by step.
struct General<'a, L, const N: usize, const S: usize> {
    steps: &'a [Step],
    rates: [L; S],
    stays: [L; N],
    largest: L,
}

/// A ladder of sites whose every rung may lead to the last state, which is the fused one: all in registers.
struct Ladder<L, const N: usize> {
    up: [L; N],
    down: [L; N],
    fuses: [L; N],
    stays: [L; N],
    largest: L,
}

/// `largest - exit` of each state, and the largest.
#[inline(always)]
fn shift<L: Lanes, const N: usize>(exits: [L; N], states: usize) -> ([L; N], L) {
    let mut largest = L::splat(0.0);
    for &exit in &exits[..states] {
        largest = largest.max(exit);
    }
    (exits.map(|exit| largest - exit), largest)
}

impl<'a, L: Lanes, const N: usize, const S: usize> General<'a, L, N, S> {
    #[inline(always)]
    fn of(sensor: &'a Sensor, calcium: L) -> Self {
        let (mut exits, mut rates) = ([L::splat(0.0); N], [L::splat(0.0); S]);
        for (to, s) in rates.iter_mut().zip(&sensor.steps) {
            *to = rate(s, calcium);
            exits[s.from] = exits[s.from] + *to;
        }
        let (stays, largest) = shift(exits, sensor.states);
        Self { steps: &sensor.steps, rates, stays, largest }
    }
}

impl<L: Lanes, const N: usize, const S: usize> Shifted<L, N> for General<'_, L, N, S> {
    #[inline(always)]
    fn largest(&self) -> L {
        self.largest
    }

    #[inline(always)]
    fn apply(&self, law: &[L; N]) -> [L; N] {
        let mut next = [L::splat(0.0); N];
        for ((next, stay), law) in next.iter_mut().zip(&self.stays).zip(law) {
            *next = *stay * *law;
        }
        for (rate, s) in self.rates.iter().zip(self.steps) {
            next[s.to] = rate.mul_add(law[s.from], next[s.to]);
        }
        next
    }
}

impl<L: Lanes, const N: usize> Ladder<L, N> {
    #[inline(always)]
    fn of(sensor: &Sensor, calcium: L) -> Self {
        let zero = [L::splat(0.0); N];
        let (mut up, mut down, mut fuses, mut exits) = (zero, zero, zero, zero);
        for s in &sensor.steps {
            let rate = rate(s, calcium);
            let way = if s.fuses {
                &mut fuses
            } else if s.to > s.from {
                &mut up
            } else {
                &mut down
            };
            way[s.from] = way[s.from] + rate;
            exits[s.from] = exits[s.from] + rate;
        }
        let (stays, largest) = shift(exits, N);
        Self { up, down, fuses, stays, largest }
    }
}

impl<L: Lanes, const N: usize> Shifted<L, N> for Ladder<L, N> {
    #[inline(always)]
    fn largest(&self) -> L {
        self.largest
    }

    #[inline(always)]
    fn apply(&self, law: &[L; N]) -> [L; N] {
        let mut next = [L::splat(0.0); N];
        for k in 0..N {
            next[k] = self.stays[k] * law[k];
        }
        for k in 0..N - 2 {
            next[k + 1] = self.up[k].mul_add(law[k], next[k + 1]);
            next[k] = self.down[k + 1].mul_add(law[k + 1], next[k]);
        }
        for (fuses, law) in self.fuses.iter().zip(law).take(N - 1) {
            next[N - 1] = fuses.mul_add(*law, next[N - 1]);
        }
        next
    }
}

/// `lines <- lines exp(Q dt)`.
#[inline(always)]
fn advance<L: Lanes, const N: usize>(q: &impl Shifted<L, N>, lines: &mut [F64x8], dt: f64) {
    let n = lines.len();
    // Substeps of each lane: shift times substep at most 1.
    let counts = q.largest().to_array().map(|x| (x * dt).ceil().max(1.0));
    let most = counts.iter().copied().fold(1.0, f64::max);
    let mut done = 0.0;
    while done < most {
        let h = L::from_array(counts.map(|m| if done < m { dt / m } else { 0.0 }));
        done += 1.0;
        let mut sum = [L::splat(0.0); N];
        let mut before = L::splat(0.0);
        for (sum, line) in sum.iter_mut().zip(&*lines) {
            *sum = L::load(line);
            before = before + *sum;
        }
        let mut term = sum;
        for order in 1..TERMS {
            let scale = h * L::splat(1.0 / order as f64);
            let next = q.apply(&term);
            // A state on the way to others has its first visit in an earlier term: none is missed. Terms beyond what was
            // needed are too small to show, so looking at every third is enough.
            let look = order % 3 == 0;
            let mut settled = L::mask(u8::MAX);
            for k in 0..N {
                term[k] = next[k] * scale;
                if look {
                    settled = settled.and(term[k].le(sum[k] * L::splat(1e-18)));
                }
                sum[k] = sum[k] + term[k];
            }
            if look && settled.all() {
                break;
            }
        }
        let mut after = L::splat(0.0);
        for &x in &sum[..n] {
            after = after + x;
        }
        // An empty site keeps its 0.
        let some = after.gt(L::splat(0.0));
        let scale = L::select(some, before, L::splat(1.0)) / L::select(some, after, L::splat(1.0));
        for (sum, line) in sum.iter().zip(lines.iter_mut()) {
            (*sum * scale).store(line);
        }
    }
}

impl Kernel for Slot<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { sensor, lines, calcium, dt } = self;
        let c = L::from_array(calcium);
        match (sensor.ladder, sensor.states) {
            (true, 3) => advance(&Ladder::<L, 3>::of(sensor, c), lines, dt),
            (true, 4) => advance(&Ladder::<L, 4>::of(sensor, c), lines, dt),
            (true, 5) => advance(&Ladder::<L, 5>::of(sensor, c), lines, dt),
            (true, 6) => advance(&Ladder::<L, 6>::of(sensor, c), lines, dt),
            (true, 7) => advance(&Ladder::<L, 7>::of(sensor, c), lines, dt),
            (_, 0..=8) if sensor.steps.len() <= 24 => advance(&General::<L, 8, 24>::of(sensor, c), lines, dt),
            _ => advance(&General::<L, 64, 512>::of(sensor, c), lines, dt),
        }
    }
}

impl MeanSites {
    /// `sites` sites at time 0, each with a vesicle at rest.
    ///
    /// # Errors
    /// A sensor with more than 512 steps.
    pub fn new(sensor: &Sensor, sites: usize) -> Result<Self, TerminalError> {
        if sensor.steps.len() > 512 {
            return Err(TerminalError::Scheme("a sensor with more than 512 steps"));
        }
        let block: Vec<F64x8> = sensor.law_at_rest().iter().map(|&p| F64x8::splat(p)).collect();
        let lines = block.repeat(sites.div_ceil(LANES));
        Ok(Self { clock: Tick::ZERO, sites, states: sensor.states, lines, fused: vec![0.0; sites] })
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Vesicles fused at each site since the start.
    #[must_use]
    pub fn fused(&self) -> &[f64] {
        &self.fused
    }

    /// Vesicles still docked at a site. Panics out of range.
    #[must_use]
    pub fn docked(&self, site: usize) -> f64 {
        assert!(site < self.sites, "a site of this terminal");
        let lines = &self.lines[site / LANES * self.states..][..self.states];
        lines.iter().fold(0.0, |sum, line| sum + line.0[site % LANES])
    }

    /// Adds `vesicles` (a mean) with the law at rest to a site. Panics out of range.
    pub fn dock(&mut self, sensor: &Sensor, site: usize, vesicles: f64) {
        assert!(site < self.sites && sensor.states == self.states, "a site of this terminal");
        let lines = &mut self.lines[site / LANES * self.states..][..self.states];
        for (line, p) in lines.iter_mut().zip(sensor.law_at_rest()) {
            line.0[site % LANES] = vesicles.mul_add(*p, line.0[site % LANES]);
        }
    }

    /// Advances all by `dt` at `calcium` mM a site, constant over the slot: exact. `out` gets what fused at each site in
    /// this slot. Cost: some 0.1 us for eight sites with a
    /// ladder of five.
    ///
    /// # Errors
    /// A negative slot, lists that do not fit, calcium that is none, sites of another sensor.
    pub fn advance(
        &mut self,
        level: Level,
        sensor: &Sensor,
        dt: Tick,
        calcium: &[f64],
        out: &mut [f64],
    ) -> Result<(), TerminalError> {
        nonnegative("a slot (ms)", dt.ms())?;
        length("calcium concentrations", calcium.len(), self.sites)?;
        length("places for what fused", out.len(), self.sites)?;
        if sensor.states != self.states {
            return Err(TerminalError::Scheme("these sites belong to another sensor"));
        }
        for &c in calcium {
            nonnegative("calcium at a site (mM)", c)?;
        }
        let blocks = self.lines.chunks_exact_mut(self.states);
        for (block, lines) in blocks.enumerate() {
            let first = block * LANES;
            let last = self.sites.min(first + LANES);
            let mut own = [0.0; LANES];
            own[..last - first].copy_from_slice(&calcium[first..last]);
            level.dispatch(Slot { sensor, lines, calcium: own, dt: dt.ms() });
            let out = &mut out[first..last];
            out.fill(0.0);
            for (line, _) in lines.iter_mut().zip(&sensor.fused).filter(|(_, fused)| **fused) {
                for (out, x) in out.iter_mut().zip(line.0) {
                    *out += x;
                }
                *line = F64x8::splat(0.0);
            }
            for (fused, out) in self.fused[first..last].iter_mut().zip(out) {
                *fused += *out;
            }
        }
        self.clock += dt;
        Ok(())
    }
}
