//! Impedance: the cell linearised about a state, gates included (the quasi-active membrane; Koch 1984, Biol Cybern 50:15;
//! Mauro et al. 1970, J Gen Physiol 55:497), solved on its tree for a sinusoid.
//!
//! A gate follows by `dx = x_inf'(V) dV / (1 + i w tau)`, so that a compartment admits
//! `y = i w C + g_leak + sum [g + (V - e_rev) sum_j n_j g / x_j dx_j/dV]`. At 0 Hz that is the slope of the steady current.
//! Limit: exact of the linearised cell; whether that is stable is not asked.

use super::complex::{Complex, minus, over, plus, times};
use super::linear::{Circuit, LinearError, NUDGE};
use super::plan::{Plan, Site};
use super::state::State;
use super::{GateForm, MAX_GATES};
use numerics::simd::LANES;
use std::f64::consts::TAU;

/// Real and imaginary part, GOhm (mV/pA): a sinusoidal current of amplitude 1 pA makes a voltage of that amplitude and phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impedance {
    /// In phase with the current.
    pub re: f64,
    /// A quarter of a period ahead of it.
    pub im: f64,
}

impl Impedance {
    /// Its magnitude, GOhm.
    #[must_use]
    pub fn magnitude(self) -> f64 {
        self.re.mul_add(self.re, self.im * self.im).sqrt()
    }
}

impl Plan {
    /// The impedances from `site` to each compartment of its cell, GOhm, at each of some frequencies in kHz; about the
    /// state's voltages, with gates at their steady states there. One solve on the tree a frequency.
    ///
    /// # Errors
    /// [`LinearError::Active`], if a number is not finite.
    ///
    /// # Panics
    /// If the state or site is not of this plan.
    pub fn impedances(
        &self,
        state: &State,
        site: Site,
        frequencies: &[f64],
    ) -> Result<Vec<Vec<Impedance>>, LinearError> {
        assert!(state.fits(self), "the state of this plan");
        let cell = site.block * LANES + site.lane;
        let circuit = Circuit::new(self, cell);
        let membrane = Membrane::new(&circuit, state);
        frequencies.iter().map(|&f| membrane.solved(&circuit, site.compartment as usize, TAU * f)).collect()
    }
}

/// A gate that answers a change of voltage: the conductance (nS) that it adds once it has followed, and its time constant, ms.
struct Follower {
    row: usize,
    slope: f64,
    tau: f64,
}

struct Membrane {
    /// What answers at once, nS.
    g: Vec<f64>,
    followers: Vec<Follower>,
}

impl Membrane {
    fn new(circuit: &Circuit, state: &State) -> Self {
        let (block, lane) = (circuit.cell / LANES, circuit.cell % LANES);
        let mut g = circuit.g_leak.clone();
        let mut followers = Vec::new();
        for (row, channels) in circuit.gated.iter().enumerate() {
            let v = state.blocks[block].v[row].0[lane];
            for &(c, k) in channels {
                let kind = &circuit.plan.channels[c.channel];
                let n = kind.gates.len();
                let (mut below, mut here, mut above) = ([0.0; MAX_GATES], [0.0; MAX_GATES], [0.0; MAX_GATES]);
                for (at, out) in [(v - NUDGE, &mut below), (v, &mut here), (v + NUDGE, &mut above)] {
                    circuit.plan.steady(c, (k, lane), at, out);
                }
                let mut rates = [0.0; 2 * MAX_GATES];
                circuit.plan.rates_of(c, (k, lane), v, &mut rates);
                let g_max = c.g_max[k].0[lane];
                // The product of all gates, one of gate `one` left out of it.
                let product = |one: Option<usize>| {
                    let mut all = g_max;
                    for (j, gate) in kind.gates.iter().enumerate() {
                        let copies = if one == Some(j) { gate.count - 1 } else { gate.count };
                        (0..copies).for_each(|_| all *= here[j]);
                    }
                    all
                };
                g[row] += product(None);
                let drive = v - c.e_rev[k].0[lane];
                for (j, gate) in kind.gates.iter().enumerate().take(n) {
                    let follows = (above[j] - below[j]) / (2.0 * NUDGE);
                    let (a, b) = (rates[2 * j], rates[2 * j + 1]);
                    let tau = match gate.form {
                        GateForm::Rates if a + b > 0.0 => 1.0 / (a + b),
                        GateForm::Rates => f64::INFINITY,
                        GateForm::Steady => b,
                    };
                    let slope = f64::from(gate.count) * product(Some(j)) * drive * follows;
                    if tau == 0.0 {
                        g[row] += slope;
                    } else if tau.is_finite() {
                        followers.push(Follower { row, slope, tau });
                    }
                }
            }
        }
        Self { g, followers }
    }

    /// Voltages for 1 pA at `from`, at `omega` rad/ms.
    fn solved(&self, circuit: &Circuit, from: usize, omega: f64) -> Result<Vec<Impedance>, LinearError> {
        let n = self.g.len();
        let mut diagonal: Vec<Complex> = (0..n).map(|row| (self.g[row], omega * circuit.c_m[row])).collect();
        for f in &self.followers {
            diagonal[f.row] = plus(diagonal[f.row], over((f.slope, 0.0), (1.0, omega * f.tau)));
        }
        for row in 1..n {
            for at in [row, circuit.parents[row] as usize] {
                diagonal[at].0 += circuit.axial[row];
            }
        }
        let mut x: Vec<Complex> = vec![(0.0, 0.0); n];
        x[from] = (1.0, 0.0);
        for row in (1..n).rev() {
            let (parent, g) = (circuit.parents[row] as usize, circuit.axial[row]);
            let share = over((g, 0.0), diagonal[row]);
            diagonal[parent] = minus(diagonal[parent], (g * share.0, g * share.1));
            x[parent] = plus(x[parent], times(share, x[row]));
        }
        x[0] = over(x[0], diagonal[0]);
        for row in 1..n {
            let (parent, g) = (x[circuit.parents[row] as usize], circuit.axial[row]);
            x[row] = over(plus(x[row], (g * parent.0, g * parent.1)), diagonal[row]);
        }
        match x.iter().flat_map(|z| [z.0, z.1]).find(|part| !part.is_finite()) {
            None => Ok(x.into_iter().map(|(re, im)| Impedance { re, im }).collect()),
            Some(value) => Err(LinearError::Active { cell: circuit.cell, value }),
        }
    }
}
