//! Calcium and its buffers in a row of cells, implicit: what [`shells`](super::shells) and [`bulk`](super::bulk) share.
//!
//! `V dy/dt = V R(y) + sum g D (y_next - y) + influx - V e(c)`, by SDIRK2 (L-stable, order 2: Alexander 1977 SIAM J Numer
//! Anal 14:1006) with full Newton on the block-tridiagonal system; every step is conservative to rounding.

use super::buffer::Buffer;
use super::{TerminalError, nonnegative, positive};
use crate::fault::{Fault, Quantity};
use crate::time::Tick;

/// 1 - 1/sqrt 2.
const GAMMA: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;
pub(super) const ITERATIONS: u32 = 60;

/// How calcium is carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extrusion {
    /// `rate c`, /ms.
    FirstOrder {
        /// /ms.
        rate: f64,
    },
    /// `v_max c / (k_m + c)`.
    MichaelisMenten {
        /// mM/ms.
        v_max: f64,
        /// mM.
        k_m: f64,
    },
}

impl Extrusion {
    /// mM/ms, and its slope.
    fn at(&self, c: f64) -> (f64, f64) {
        match *self {
            Self::FirstOrder { rate } => (rate * c, rate),
            Self::MichaelisMenten { v_max, k_m } => {
                let share = 1.0 / (k_m + c);
                (v_max * c * share, v_max * k_m * share * share)
            }
        }
    }

    fn check(&self) -> Result<(), TerminalError> {
        match *self {
            Self::FirstOrder { rate } => nonnegative("the rate of extrusion (/ms)", rate).map(|_| ()),
            Self::MichaelisMenten { v_max, k_m } => {
                nonnegative("the largest extrusion (mM/ms)", v_max)?;
                positive("the k_m of extrusion (mM)", k_m).map(|_| ())
            }
        }
    }
}

/// The row of cells.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// um3.
    pub volumes: Vec<f64>,
    /// Area over length to the next cell, um; the last one's to the resting bath beyond.
    pub links: Vec<f64>,
    pub buffers: Vec<Buffer>,
    extrusion: Vec<Extrusion>,
    /// mM/ms: balances extrusion at rest.
    leak: f64,
    /// um2/ms, one an unknown of a cell.
    diffusion: Vec<f64>,
    /// mM, one an unknown of a cell.
    pub rest: Vec<f64>,
    /// Calcium ions in a unit of each unknown.
    pub holds: Vec<f64>,
}

/// Memory for a step; holds nothing between steps.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(super) base: Vec<f64>,
    pub(super) slope: Vec<f64>,
    pub(super) residual: Vec<f64>,
    pub(super) block: Vec<f64>,
    pub(super) kept: Vec<f64>,
    pub(super) stage: Vec<f64>,
}

impl Column {
    pub fn new(
        volumes: Vec<f64>,
        links: Vec<f64>,
        calcium: (f64, f64),
        buffers: &[Buffer],
        extrusion: &[Extrusion],
    ) -> Result<Self, TerminalError> {
        let (diffusion, resting) = calcium;
        nonnegative("the diffusion of calcium (um2/ms)", diffusion)?;
        nonnegative("calcium at rest (mM)", resting)?;
        let (mut diffusions, mut rest, mut holds) = (vec![diffusion], vec![resting], vec![1.0]);
        for b in buffers {
            diffusions.extend(std::iter::repeat_n(b.diffusion, b.states));
            rest.extend(b.equilibrium(resting)?);
            holds.extend(&b.bound);
        }
        for e in extrusion {
            e.check()?;
        }
        let leak = extrusion.iter().map(|e| e.at(resting).0).sum();
        let (buffers, extrusion) = (buffers.to_vec(), extrusion.to_vec());
        Ok(Self { volumes, links, buffers, extrusion, leak, diffusion: diffusions, rest, holds })
    }

    /// Unknowns a cell.
    pub fn width(&self) -> usize {
        self.rest.len()
    }

    /// All unknowns at rest.
    pub fn start(&self) -> Vec<f64> {
        self.rest.repeat(self.volumes.len())
    }

    /// Calcium, free and bound, amol.
    pub fn content(&self, y: &[f64]) -> f64 {
        let cell = |(cell, volume): (&[f64], &f64)| {
            let instant: f64 = self.buffers.iter().map(|b| b.instantly(cell[0]).0).sum();
            volume * cell.iter().zip(&self.holds).fold(instant, |sum, (y, n)| n.mul_add(*y, sum))
        };
        y.chunks_exact(self.width()).zip(&self.volumes).map(cell).sum()
    }

    /// Net loss of a cell, mM/ms, and its slope.
    pub fn loss(&self, c: f64) -> (f64, f64) {
        self.extrusion.iter().fold((-self.leak, 0.0), |(sum, slope), e| {
            let (x, s) = e.at(c);
            (sum + x, slope + s)
        })
    }

    /// amol/ms lost to extrusion and across the outer end.
    fn lost(&self, y: &[f64]) -> f64 {
        let m = self.width();
        let pumped: f64 = y.chunks_exact(m).zip(&self.volumes).map(|(cell, v)| v * self.loss(cell[0]).0).sum();
        let last = &y[y.len() - m..];
        let link = self.links[self.links.len() - 1];
        let out = |k: usize| link * self.diffusion[k] * (last[k] - self.rest[k]) * self.holds[k];
        (0..m).fold(pumped, |sum, k| sum + out(k))
    }

    /// dy/dt without instant buffers' capacity; `influx` amol/ms into the first cell.
    fn slope(&self, y: &[f64], influx: f64, f: &mut [f64]) {
        let (m, n) = (self.width(), self.volumes.len());
        f.fill(0.0);
        for i in 0..n {
            let cell = &y[i * m..(i + 1) * m];
            f[i * m] -= self.loss(cell[0]).0;
            let mut first = 1;
            for b in &self.buffers {
                for s in &b.steps {
                    let rate = s.rate * cell[first + s.from] * if s.driven { cell[0] } else { 1.0 };
                    f[i * m + first + s.from] -= rate;
                    f[i * m + first + s.to] += rate;
                    f[i * m] += s.freed * rate;
                }
                first += b.states;
            }
            for k in 0..m {
                let beyond = if i + 1 < n { y[(i + 1) * m + k] } else { self.rest[k] };
                let flux = self.links[i] * self.diffusion[k] * (beyond - cell[k]);
                f[i * m + k] += flux / self.volumes[i];
                if i + 1 < n {
                    f[(i + 1) * m + k] -= flux / self.volumes[i + 1];
                }
            }
        }
        f[0] += influx / self.volumes[0];
    }

    /// The diagonal block of `I + E' - g f'` of cell `i`, into the first `m` columns of rows of `2 m + 1`.
    fn block(&self, i: usize, cell: &[f64], g: f64, a: &mut [f64]) {
        let (m, n) = (self.width(), self.volumes.len());
        let w = 2 * m + 1;
        a.fill(0.0);
        for k in 0..m {
            let before = if i > 0 { self.links[i - 1] } else { 0.0 };
            a[k * w + k] = 1.0 + g * self.diffusion[k] * (before + self.links[i]) / self.volumes[i];
            if i + 1 < n {
                a[k * w + m + k] = -g * self.diffusion[k] * self.links[i] / self.volumes[i];
            }
        }
        let instant: f64 = self.buffers.iter().map(|b| b.instantly(cell[0]).1).sum();
        a[0] += instant + g * self.loss(cell[0]).1;
        let mut first = 1;
        for b in &self.buffers {
            for s in &b.steps {
                let (from, to) = (first + s.from, first + s.to);
                let by_from = g * s.rate * if s.driven { cell[0] } else { 1.0 };
                let mut add = |column: usize, x: f64| {
                    a[from * w + column] += x;
                    a[to * w + column] -= x;
                    a[column] -= s.freed * x;
                };
                add(from, by_from);
                if s.driven {
                    add(0, g * s.rate * cell[from]);
                }
            }
            first += b.states;
        }
    }

    /// Solves `Y + E(Y) - g f(Y) = base` from the guess in `y`; false if Newton does not settle.
    fn stage(&self, y: &mut [f64], g: f64, influx: f64, scratch: &mut Scratch) -> bool {
        if self.alone() {
            return self.cell_stage(y, g, influx, scratch);
        }
        let (m, n) = (self.width(), self.volumes.len());
        let w = 2 * m + 1;
        let Scratch { base, residual, block, kept, .. } = scratch;
        residual.resize(m * n, 0.0);
        block.resize(m * w, 0.0);
        // Of each cell: X = D'^-1 U (m x m), then z = D'^-1 r.
        kept.resize(n * m * (m + 1), 0.0);
        for _ in 0..ITERATIONS {
            self.slope(y, influx, residual);
            for (i, cell) in y.chunks_exact(m).enumerate() {
                for k in 0..m {
                    let r = &mut residual[i * m + k];
                    *r = cell[k] - base[i * m + k] - g * *r;
                }
                residual[i * m] += self.buffers.iter().map(|b| b.instantly(cell[0]).0).sum::<f64>();
            }
            for i in 0..n {
                self.block(i, &y[i * m..(i + 1) * m], g, block);
                for k in 0..m {
                    block[k * w + 2 * m] = residual[i * m + k];
                    if i > 0 {
                        let low = -g * self.diffusion[k] * self.links[i - 1] / self.volumes[i];
                        let x = &kept[((i - 1) * m + k) * (m + 1)..][..m + 1];
                        for j in 0..m {
                            block[k * w + j] -= low * x[j];
                        }
                        block[k * w + 2 * m] -= low * x[m];
                    }
                }
                if !eliminate(m, block) {
                    return false;
                }
                for k in 0..m {
                    kept[(i * m + k) * (m + 1)..][..m + 1].copy_from_slice(&block[k * w + m..][..m + 1]);
                }
            }
            let mut settled = true;
            for i in (0..n).rev() {
                for k in 0..m {
                    let x = &kept[(i * m + k) * (m + 1)..][..m + 1];
                    let mut delta = x[m];
                    if i + 1 < n {
                        for j in 0..m {
                            delta -= x[j] * residual[(i + 1) * m + j];
                        }
                    }
                    residual[i * m + k] = delta;
                }
            }
            for (y, delta) in y.iter_mut().zip(&*residual) {
                settled &= delta.abs() <= 1e-10 * y.abs() + 1e-15;
                *y -= delta;
                if !y.is_finite() {
                    return false;
                }
            }
            if settled {
                return true;
            }
        }
        false
    }

    /// One step of `h` ms; returns the net loss in amol. On failure `y` is as it was.
    pub fn step(
        &self,
        y: &mut [f64],
        h: f64,
        influx: f64,
        clock: Tick,
        scratch: &mut Scratch,
    ) -> Result<f64, TerminalError> {
        let m = self.width();
        let g = GAMMA * h;
        let mut stage = std::mem::take(&mut scratch.stage);
        stage.clear();
        stage.extend_from_slice(y);
        scratch.base.clear();
        scratch.base.extend_from_slice(y);
        for (base, cell) in scratch.base.chunks_exact_mut(m).zip(y.chunks_exact(m)) {
            base[0] += self.buffers.iter().map(|b| b.instantly(cell[0]).0).sum::<f64>();
        }
        let mut fine = self.stage(&mut stage, g, influx, scratch);
        let mut lost = 0.0;
        if fine {
            lost = (1.0 - GAMMA) * h * self.lost(&stage);
            let mut slope = std::mem::take(&mut scratch.slope);
            slope.resize(y.len(), 0.0);
            self.slope(&stage, influx, &mut slope);
            for (base, f) in scratch.base.iter_mut().zip(&slope) {
                *base = ((1.0 - GAMMA) * h).mul_add(*f, *base);
            }
            scratch.slope = slope;
            fine = self.stage(&mut stage, g, influx, scratch);
        }
        if fine {
            lost += g * self.lost(&stage);
            y.copy_from_slice(&stage);
        }
        scratch.stage = stage;
        if fine { Ok(lost) } else { Err(Fault { quantity: Quantity::Step, value: h, instance: 0, at: clock }.into()) }
    }
}

/// Gauss-Jordan with row pivoting on `m` rows of `2 m + 1`: the right `m + 1` columns become the solution.
fn eliminate(m: usize, a: &mut [f64]) -> bool {
    let w = 2 * m + 1;
    for k in 0..m {
        let pivot = (k..m).fold(k, |best, i| if a[i * w + k].abs() > a[best * w + k].abs() { i } else { best });
        let top = a[pivot * w + k];
        if !(top.abs() > 0.0 && top.is_finite()) {
            return false;
        }
        if pivot != k {
            for j in k..w {
                a.swap(k * w + j, pivot * w + j);
            }
        }
        for j in k..w {
            a[k * w + j] /= top;
        }
        for i in 0..m {
            let factor = a[i * w + k];
            if i != k && factor != 0.0 {
                for j in k..w {
                    a[i * w + j] -= factor * a[k * w + j];
                }
            }
        }
    }
    true
}
