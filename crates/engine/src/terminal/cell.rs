//! The stage of [`Column`] where there is one cell and nothing beyond: what [`bulk`](super::bulk) solves.
//!
//! The same Newton steps as for many cells, but buffers see each other only through calcium: each one's states are
//! eliminated by themselves (`I - g Q` transposed: an M-matrix, diagonally dominant by columns, so no pivots), and
//! calcium is one equation. Cost: the sum of the cubes of the buffers' states instead of the cube of the sum.

use super::column::{Column, ITERATIONS, Scratch};

/// Newton has settled when a step was smaller than this, of itself: all terms are bilinear (or, extrusion, smooth), so
/// that the next one would be its square.
const SETTLED: f64 = 1e-7;

impl Column {
    /// Whether the cell is alone.
    pub(super) fn alone(&self) -> bool {
        self.volumes.len() == 1 && self.links[0] == 0.0
    }

    /// Solves `Y + E(Y) - g f(Y) = base` from the guess in `y`; false if Newton does not settle.
    pub(super) fn cell_stage(&self, y: &mut [f64], g: f64, influx: f64, scratch: &mut Scratch) -> bool {
        let Scratch { base, residual, block, kept, .. } = scratch;
        let m = self.width();
        let most = self.buffers.iter().map(|b| b.states).max().unwrap_or(0);
        // A's rows; of each state, r and dr/dc, then what is left of them.
        block.resize(most * most, 0.0);
        residual.resize(m, 0.0);
        kept.resize(m, 0.0);
        let inflow = influx / self.volumes[0];
        for _ in 0..ITERATIONS {
            let c = y[0];
            let (loss, slope) = self.loss(c);
            let mut f = c - base[0] + g * (loss - inflow);
            let mut by_c = g * slope + 1.0;
            let mut first = 1;
            for b in &self.buffers {
                if b.instant.is_some() {
                    let (bound, slope) = b.instantly(c);
                    f += bound;
                    by_c += slope;
                    continue;
                }
                let n = b.states;
                let p = &mut y[first..first + n];
                let (r, q) = (&mut residual[first..first + n], &mut kept[first..first + n]);
                let a = &mut block[..n * n];
                a.fill(0.0);
                q.fill(0.0);
                for k in 0..n {
                    a[k * n + k] = 1.0;
                    r[k] = p[k] - base[first + k];
                }
                for s in &b.steps {
                    let plain = g * s.rate;
                    let rate = if s.driven { plain * c } else { plain };
                    let flow = rate * p[s.from];
                    a[s.from * n + s.from] += rate;
                    a[s.to * n + s.from] -= rate;
                    r[s.from] += flow;
                    r[s.to] -= flow;
                    f -= s.freed * flow;
                    if s.driven {
                        let by = plain * p[s.from];
                        q[s.from] += by;
                        q[s.to] -= by;
                        by_c -= s.freed * by;
                    }
                }
                eliminate(n, a, r, q);
                for s in b.steps.iter().filter(|s| s.freed != 0.0) {
                    let row = -g * s.freed * s.rate * if s.driven { c } else { 1.0 };
                    f -= row * r[s.from];
                    by_c -= row * q[s.from];
                }
                first += n;
            }
            let delta = f / by_c;
            let mut settled = delta.abs() <= SETTLED * c.abs() + 1e-15;
            y[0] = c - delta;
            for k in 1..m {
                let delta = residual[k] - kept[k] * delta;
                settled &= delta.abs() <= SETTLED * y[k].abs() + 1e-15;
                y[k] -= delta;
            }
            if !y.iter().all(|y| y.is_finite()) {
                return false;
            }
            if settled {
                return true;
            }
        }
        false
    }
}

/// Solves for two right sides, in place.
#[inline]
fn eliminate(n: usize, a: &mut [f64], r: &mut [f64], q: &mut [f64]) {
    for k in 0..n {
        let share = 1.0 / a[k * n + k];
        for i in k + 1..n {
            let factor = a[i * n + k] * share;
            if factor != 0.0 {
                for j in k + 1..n {
                    a[i * n + j] -= factor * a[k * n + j];
                }
                r[i] -= factor * r[k];
                q[i] -= factor * q[k];
            }
        }
    }
    for k in (0..n).rev() {
        let (mut x, mut z) = (r[k], q[k]);
        for j in k + 1..n {
            x -= a[k * n + j] * r[j];
            z -= a[k * n + j] * q[j];
        }
        let share = 1.0 / a[k * n + k];
        (r[k], q[k]) = (x * share, z * share);
    }
}
