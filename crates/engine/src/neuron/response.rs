//! How what is open of a channel with states follows a small sinusoid of voltage or of a concentration.
//!
//! About the law p in which copies have settled, `(i w - Q^T) dp = p dQ/dx dx` with `sum dp = 0`: a scheme has as many time
//! constants as states but one. The transposed system is solved once a frequency, for all x together.

use super::balance::Inside;
use super::complex::{Complex, minus, over, plus, times};
use super::linear::NUDGE;
use super::plan::BlockChannel;
use super::plan::Plan;
use super::scheme::States;

/// A channel with states, linearised.
pub(super) struct Response {
    /// By state: what a copy there conducts, as a share.
    open: Vec<f64>,
    /// Rates by row, minus what leaves on the diagonal, /ms.
    q: Vec<f64>,
    /// `p dQ/dx` of voltage, then of each concentration.
    forcing: Vec<Vec<f64>>,
    /// pA for all of it.
    weight: f64,
}

impl Response {
    /// Of line `k` in a lane at `v` mV between concentrations `inside`; `beside`: concentrations a little lower and higher,
    /// and how far these are apart; `weight`: pA if all were open.
    pub fn new(
        (plan, states): (&Plan, &States),
        c: &BlockChannel,
        at: (usize, usize),
        (v, inside): (f64, &Inside),
        beside: &[([Inside; 2], f64)],
        weight: f64,
    ) -> Self {
        let n = states.len();
        let matrix = |v: f64, inside: &Inside| {
            let mut q = vec![0.0; n * n];
            for (from, to, rate) in states.transitions(&plan.outputs_of(c, at, v, inside)) {
                q[from * n + to] += rate;
                q[from * n + from] -= rate;
            }
            q
        };
        let law = plan.law_of(states, c, at, v, inside);
        let slope = |low: &[f64], high: &[f64], width: f64| -> Vec<f64> {
            let into = |j: usize| {
                let flow = |i: usize| law[i] * (high[i * n + j] - low[i * n + j]);
                (0..n).map(flow).sum::<f64>() / width
            };
            (0..n).map(into).collect()
        };
        let with_v = slope(&matrix(v - NUDGE, inside), &matrix(v + NUDGE, inside), 2.0 * NUDGE);
        let with_c = beside.iter().map(|([low, high], width)| slope(&matrix(v, low), &matrix(v, high), *width));
        let forcing = std::iter::once(with_v).chain(with_c).collect();
        Self { open: states.open.clone(), q: matrix(v, inside), forcing, weight }
    }

    /// dI/dx through the states at `omega` rad/ms, of voltage (nS), then of each concentration (pA/mM).
    pub fn at(&self, omega: f64) -> Vec<Complex> {
        let n = self.open.len();
        // Row i of the transposed system; its last unknown stands for the equation that says that none is lost.
        let mut rows: Vec<Vec<Complex>> = (0..n)
            .map(|i| {
                let entry = |j: usize| match j + 1 == n {
                    true => (1.0, 0.0),
                    false => (-self.q[i * n + j], if i == j { omega } else { 0.0 }),
                };
                (0..n).map(entry).chain([(self.open[i], 0.0)]).collect()
            })
            .collect();
        for k in 0..n {
            let size = |z: Complex| z.0.abs() + z.1.abs();
            let largest = (k..n).fold(k, |best, i| if size(rows[i][k]) > size(rows[best][k]) { i } else { best });
            rows.swap(k, largest);
            let pivot = rows[k].clone();
            for row in rows.iter_mut().skip(k + 1) {
                let factor = over(row[k], pivot[k]);
                for (x, y) in row.iter_mut().zip(&pivot).skip(k) {
                    *x = minus(*x, times(factor, *y));
                }
            }
        }
        let mut y: Vec<Complex> = vec![(0.0, 0.0); n];
        for k in (0..n).rev() {
            let known = (k + 1..n).fold((0.0, 0.0), |sum, j| plus(sum, times(rows[k][j], y[j])));
            y[k] = over(minus(rows[k][n], known), rows[k][k]);
        }
        let answer = |forcing: &Vec<f64>| {
            let sum = forcing[..n - 1].iter().zip(&y).fold((0.0, 0.0), |sum, (f, y)| plus(sum, (f * y.0, f * y.1)));
            (self.weight * sum.0, self.weight * sum.1)
        };
        self.forcing.iter().map(answer).collect()
    }
}
