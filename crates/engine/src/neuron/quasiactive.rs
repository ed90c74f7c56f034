//! Impedance: the cell linearised about a state, gates included (the quasi-active membrane; Koch 1984, Biol Cybern 50:15;
//! Mauro et al. 1970, J Gen Physiol 55:497), solved on its tree for a sinusoid.
//!
//! Channels with states: see [`super::response`]. A gate follows by `dx = (x_V dV + sum_i x_ci dc_i) / (1 + i w tau)`, a concentration by `(i w (1 + bound) + r') dc = p dI`
//! with removal `r` and `p` mM/ms a pA, so that a compartment admits `y = i w C + g_leak + sum dI/dV`. At 0 Hz that is the
//! slope of the steady current. Limits: exact of the linearised cell, but that what diffuses follows where it is alone;
//! whether it is stable is not asked.

use super::balance::Inside;
use super::complex::{Complex, minus, over, plus, times};
use super::linear::{Circuit, LinearError, NUDGE};
use super::plan::{BlockChannel, Plan, Site};
use super::response::Response;
use super::state::State;
use super::{GateForm, MAX_GATES};
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
    /// state's voltages, with gates and concentrations at their balance there. One solve on the tree a frequency.
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
        let (cell, compartment) = self.at(site);
        let circuit = Circuit::settled(self, cell, state);
        let membrane = Membrane::new(&circuit, state);
        frequencies.iter().map(|&f| membrane.solved(&circuit, compartment as usize, TAU * f)).collect()
    }
}

/// A channel's current, linearised: what answers at once, and gates that follow.
struct Linear {
    /// Index of the pool in the compartment that it fills, if there is one.
    fills: Option<usize>,
    /// dI/dV and dI/dc of each pool, gates held: nS, pA/mM.
    at_once: (f64, Vec<f64>),
    followers: Vec<Follower>,
    states: Option<Response>,
}

/// A gate that answers a change: what it adds to the current's slopes once it has followed, and its time constant, ms.
struct Follower {
    slopes: (f64, Vec<f64>),
    tau: f64,
}

/// A pool: how fast its concentration times its capacity falls for each mM, /ms, its capacity, and mM/ms for each pA.
struct Linked {
    falls: f64,
    capacity: f64,
    per_current: f64,
}

#[derive(Default)]
struct Row {
    channels: Vec<Linear>,
    pools: Vec<Linked>,
}

struct Membrane {
    rows: Vec<Row>,
    g_leak: Vec<f64>,
}

/// Relative step of numerical slopes over concentrations.
const SHARE: f64 = 1e-4;

impl Membrane {
    fn new(circuit: &Circuit, state: &State) -> Self {
        let home = circuit.plan.home(circuit.cell);
        let v = |row: usize| state.blocks[home.block].v[home.row as usize + row].0[home.lane];
        let row = |row: usize| Row::new(circuit, row, v(row));
        Self { rows: (0..circuit.c_m.len()).map(row).collect(), g_leak: circuit.g_leak.clone() }
    }

    /// Voltages for 1 pA at `from`, at `omega` rad/ms.
    fn solved(&self, circuit: &Circuit, from: usize, omega: f64) -> Result<Vec<Impedance>, LinearError> {
        let n = self.rows.len();
        let mut diagonal: Vec<Complex> = (0..n)
            .map(|row| plus((self.g_leak[row], omega * circuit.c_m[row]), self.rows[row].admittance(omega)))
            .collect();
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

impl Row {
    fn new(circuit: &Circuit, row: usize, v: f64) -> Self {
        let lane = circuit.plan.home(circuit.cell).lane;
        let pools = &circuit.pools[row];
        let inside = circuit.balance(row, v);
        // Concentrations a little lower and higher, one at a time.
        let beside = |i: usize| {
            let ion = pools[i].0.ion;
            let step = SHARE * inside[ion];
            let mut both = [inside; 2];
            both[0][ion] -= step;
            both[1][ion] += step;
            (both, 2.0 * step)
        };
        let channel = |&(c, k): &(&BlockChannel, usize)| {
            let plan = circuit.plan;
            let kind = &plan.channels[c.channel];
            let fills = kind.ion.and_then(|ion| pools.iter().position(|p| p.0.ion == usize::from(ion)));
            let steady = |v: f64, inside: &Inside| {
                let mut out = [0.0; MAX_GATES];
                plan.steady(c, (k, lane), v, inside, &mut out);
                out
            };
            let here = steady(v, &inside);
            // The product of all gates, one of gate `one` left out of it.
            let product = |one: Option<usize>| {
                let mut all = c.g_max[k].0[lane];
                for (j, gate) in kind.gates.iter().enumerate() {
                    let copies = if one == Some(j) { gate.count - 1 } else { gate.count };
                    (0..copies).for_each(|_| all *= here[j]);
                }
                all
            };
            let current = |g: f64, inside: &Inside| plan.carries(c, (k, lane), (g, v), inside);
            let whole = product(None);
            let over_pools = |f: &dyn Fn(&Inside) -> f64| -> Vec<f64> {
                let slope = |i: usize| {
                    let ([low, high], width) = beside(i);
                    (f(&high) - f(&low)) / width
                };
                (0..pools.len()).map(slope).collect()
            };
            let mut at_once = (current(whole, &inside).1, over_pools(&|inside| current(whole, inside).0));
            if let Some(states) = &plan.schemes[c.channel] {
                let beside: Vec<_> = (0..pools.len()).map(beside).collect();
                let all = current(c.g_max[k].0[lane], &inside).0;
                let states = Some(Response::new((plan, states), c, (k, lane), (v, &inside), &beside, all));
                return Linear { fills, at_once, followers: Vec::new(), states };
            }
            let mut rates = [0.0; 2 * MAX_GATES];
            plan.rates_of(c, (k, lane), v, &inside, &mut rates);
            let mut followers = Vec::new();
            let (below, above) = (steady(v - NUDGE, &inside), steady(v + NUDGE, &inside));
            for (j, gate) in kind.gates.iter().enumerate() {
                let (a, b) = (rates[2 * j], rates[2 * j + 1]);
                let tau = match gate.form {
                    GateForm::Rates if a + b > 0.0 => 1.0 / (a + b),
                    GateForm::Rates => f64::INFINITY,
                    GateForm::Steady => b,
                };
                // pA for a whole change of the gate.
                let weight = f64::from(gate.count) * current(product(Some(j)), &inside).0;
                let with_v = weight * (above[j] - below[j]) / (2.0 * NUDGE);
                let with_c = over_pools(&|inside| weight * steady(v, inside)[j]);
                if tau == 0.0 {
                    at_once.0 += with_v;
                    at_once.1.iter_mut().zip(&with_c).for_each(|(sum, x)| *sum += x);
                } else if tau.is_finite() {
                    followers.push(Follower { slopes: (with_v, with_c), tau });
                }
            }
            Linear { fills, at_once, followers, states: None }
        };
        let linked = |i: usize| {
            let (pool, k) = pools[i];
            let ([low, high], width) = beside(i);
            let excess = |c: f64, current: f64| pool.excess((k, lane), c, current);
            Linked {
                falls: (excess(low[pool.ion], 0.0) - excess(high[pool.ion], 0.0)) / width,
                capacity: pool.capacity((k, lane)),
                per_current: excess(inside[pool.ion], 1.0) - excess(inside[pool.ion], 0.0),
            }
        };
        Self {
            channels: circuit.gated[row].iter().map(channel).collect(),
            pools: (0..pools.len()).map(linked).collect(),
        }
    }

    /// Of its channels, nS, at `omega` rad/ms.
    fn admittance(&self, omega: f64) -> Complex {
        let m = self.pools.len();
        let slopes = |l: &Linear| {
            let (mut v, mut c) = ((l.at_once.0, 0.0), l.at_once.1.iter().map(|x| (*x, 0.0)).collect::<Vec<Complex>>());
            for f in &l.followers {
                let lag = over((1.0, 0.0), (1.0, omega * f.tau));
                v = plus(v, (f.slopes.0 * lag.0, f.slopes.0 * lag.1));
                for (sum, x) in c.iter_mut().zip(&f.slopes.1) {
                    *sum = plus(*sum, (x * lag.0, x * lag.1));
                }
            }
            if let Some(states) = &l.states {
                for (sum, x) in std::iter::once(&mut v).chain(&mut c).zip(states.at(omega)) {
                    *sum = plus(*sum, x);
                }
            }
            (v, c)
        };
        let all: Vec<(Option<usize>, Complex, Vec<Complex>)> = self
            .channels
            .iter()
            .map(|l| {
                let (v, c) = slopes(l);
                (l.fills, v, c)
            })
            .collect();
        // (i w capacity + falls) dc - p dI(c) = p dI(V), a row a pool with the right-hand side at its end.
        let mut system: Vec<Vec<Complex>> = (0..m)
            .map(|i| {
                let pool = &self.pools[i];
                let mut line = vec![(0.0, 0.0); m + 1];
                line[i] = (pool.falls, omega * pool.capacity);
                for (_, v, c) in all.iter().filter(|a| a.0 == Some(i)) {
                    let scaled = |z: &Complex| (pool.per_current * z.0, pool.per_current * z.1);
                    for (at, z) in line.iter_mut().zip(c) {
                        *at = minus(*at, scaled(z));
                    }
                    line[m] = plus(line[m], scaled(v));
                }
                line
            })
            .collect();
        // Gauss and Jordan; pools are few, and each is mostly its own.
        for i in 0..m {
            let pivot = system[i][i];
            for x in &mut system[i] {
                *x = over(*x, pivot);
            }
            let line = system[i].clone();
            for other in (0..m).filter(|o| *o != i) {
                let factor = system[other][i];
                for (x, y) in system[other].iter_mut().zip(&line) {
                    *x = minus(*x, times(factor, *y));
                }
            }
        }
        let changes: Vec<Complex> = system.iter().map(|line| line[m]).collect();
        all.iter().fold((0.0, 0.0), |sum, (_, v, c)| {
            let with_pools = c.iter().zip(&changes).fold(*v, |sum, (z, dc)| plus(sum, times(*z, *dc)));
            plus(sum, with_pools)
        })
    }
}
