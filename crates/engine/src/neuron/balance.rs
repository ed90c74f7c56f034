//! Where concentrations stand still: what channels let in, removal takes out.
//!
//! A compartment at a voltage that stays: each pool's concentration is sought upwards from where it rests without
//! current (downwards, if it empties there) to where its influx changes sign, and refined by Brent's method; several pools
//! in turn, until none moves. Every gate is at its steady state for the concentrations on trial. Where an ion moves from
//! compartment to compartment, Newton's method on the tree goes on from there: influx, removal and diffusion balance.

use super::channel::MAX_GATES;
use super::linear::Circuit;
use super::plan::{BlockChannel, Plan};
use super::pool::{BlockPool, MAX_IONS};
use super::state::State;
use numerics::bracket;

/// Concentrations by ion of the plan, mM; NaN where there is no pool.
pub(super) type Inside = [f64; MAX_IONS];

/// No concentrations at all.
pub(super) const NOTHING: Inside = [f64::NAN; MAX_IONS];

/// Rounds over the pools of a compartment, at most.
const ROUNDS: usize = 100;
/// How far a concentration is sought, in doublings.
const DOUBLINGS: usize = 60;

impl<'a> Circuit<'a> {
    /// Steady membrane current of a compartment at `v` mV between concentrations `inside`, pA, outward positive.
    pub fn current(&self, row: usize, v: f64, inside: &Inside) -> f64 {
        self.gated[row]
            .iter()
            .fold(self.g_leak[row] * v - self.i_leak[row], |sum, &channel| sum + self.of(channel, v, inside))
    }

    /// The part of it that an ion carries.
    fn carried(&self, row: usize, v: f64, inside: &Inside, ion: usize) -> f64 {
        let own = |(c, _): &&(&BlockChannel, usize)| self.plan.channels[c.channel].ion.map(usize::from) == Some(ion);
        self.gated[row].iter().filter(own).fold(0.0, |sum, &channel| sum + self.of(channel, v, inside))
    }

    /// Steady current of a line of a channel.
    fn of(&self, (c, k): (&BlockChannel, usize), v: f64, inside: &Inside) -> f64 {
        let lane = self.plan.home(self.cell).lane;
        let mut steady = [0.0; MAX_GATES];
        self.plan.steady(c, (k, lane), v, inside, &mut steady);
        let mut g = c.g_max[k].0[lane];
        for (gate, x) in self.plan.channels[c.channel].gates.iter().zip(steady) {
            (0..gate.count).for_each(|_| g *= x);
        }
        self.plan.carries(c, (k, lane), (g, v), inside).0
    }

    /// The same with concentrations where they are in the balance of the state's voltages, if any of them moves.
    pub fn settled(plan: &'a Plan, cell: usize, state: &State) -> Self {
        let mut circuit = Self::new(plan, cell);
        let home = plan.home(cell);
        let rows = home.row as usize..home.row as usize + home.size;
        let v: Vec<f64> = state.blocks[home.block].v[rows].iter().map(|line| line.0[home.lane]).collect();
        circuit.hold(&v);
        circuit
    }

    /// Whether ions move from compartment to compartment.
    pub fn diffuses(&self) -> bool {
        let home = self.plan.home(self.cell);
        let pools = &self.plan.blocks[home.block].pools;
        pools.iter().any(|p| p.diffusion.as_ref().is_some_and(|d| d.of(home.lane).next().is_some()))
    }

    /// Holds concentrations, if any of them moves, where they stand at voltages `v` (mV).
    pub fn hold(&mut self, v: &[f64]) {
        if self.diffuses() {
            self.held = None;
            self.held = Some(self.spread(v));
        }
    }

    /// Concentrations of all compartments at their balance with their neighbours at voltages `v` (mV).
    fn spread(&self, v: &[f64]) -> Vec<Inside> {
        let lane = self.plan.home(self.cell).lane;
        let alone = |(row, &v): (usize, &f64)| {
            let mut inside = self.balance(row, v);
            for &(pool, k) in &self.pools[row] {
                if inside[pool.ion].is_nan() {
                    inside[pool.ion] = pool.rest((k, lane));
                }
            }
            inside
        };
        let mut inside: Vec<Inside> = v.iter().enumerate().map(alone).collect();
        let moving: Vec<&BlockPool> =
            self.plan.blocks[self.plan.home(self.cell).block].pools.iter().filter(|p| p.diffusion.is_some()).collect();
        for _ in 0..ROUNDS {
            let moved = moving.iter().fold(0.0, |moved: f64, pool| moved.max(self.newton(pool, lane, v, &mut inside)));
            if moved < 1e-13 || moved.is_nan() {
                break;
            }
        }
        inside
    }

    /// One of Newton's steps of a pool; gives the largest relative change.
    fn newton(&self, pool: &BlockPool, lane: usize, v: &[f64], inside: &mut [Inside]) -> f64 {
        let Some(moving) = &pool.diffusion else { return 0.0 };
        let (n, ion) = (v.len(), pool.ion);
        let line = |row: usize| pool.line(row as u32).filter(|&k| pool.has((k, lane)));
        let (mut force, mut slope) = (vec![0.0; n], vec![0.0; n]);
        for row in 0..n {
            let Some(k) = line(row) else { continue };
            let mut trial = inside[row];
            let mut excess = |c: f64| {
                trial[ion] = c;
                pool.volume[k].0[lane] * pool.excess((k, lane), c, self.carried(row, v[row], &trial, ion))
            };
            let (c, step) = (inside[row][ion], 1e-6 * inside[row][ion]);
            force[row] = excess(c);
            slope[row] = (excess(c - step) - excess(c + step)) / (2.0 * step);
        }
        // A joint is counted from the concentration of a neighbour.
        let mut here: Vec<f64> =
            (0..n).map(|row| if line(row).is_some() { inside[row][ion] } else { f64::NAN }).collect();
        let links: Vec<(usize, usize, f64)> =
            moving.of(lane).map(|(row, parent, g)| (row as usize, parent as usize, g)).collect();
        let borrow = |here: &mut Vec<f64>, to: usize, from: usize| {
            if here[to].is_nan() {
                here[to] = here[from];
            }
        };
        links.iter().for_each(|&(row, parent, _)| borrow(&mut here, row, parent));
        links.iter().rev().for_each(|&(row, parent, _)| borrow(&mut here, parent, row));
        links.iter().for_each(|&(row, parent, _)| borrow(&mut here, row, parent));
        let mut link = vec![0.0; n];
        for &(row, parent, g) in &links {
            let flow = g * (here[row] - here[parent]);
            link[row] = g;
            force[row] -= flow;
            force[parent] += flow;
            slope[row] += g;
            slope[parent] += g;
        }
        // From the tips to the root, and back.
        for &(row, parent, g) in links.iter().rev() {
            let factor = g / slope[row];
            slope[parent] = (-factor).mul_add(g, slope[parent]);
            force[parent] = factor.mul_add(force[row], force[parent]);
        }
        let mut moved: f64 = 0.0;
        let parents: std::collections::BTreeMap<usize, usize> = links.iter().map(|&(row, p, _)| (row, p)).collect();
        for row in 0..n {
            let from = parents.get(&row).map_or(0.0, |&p| link[row] * force[p]);
            force[row] = if slope[row] == 0.0 { 0.0 } else { (force[row] + from) / slope[row] };
            if line(row).is_some() {
                let c = inside[row][ion];
                // A quarter of it stays, at least.
                inside[row][ion] = (c + force[row]).max(0.25 * c);
                moved = moved.max((force[row] / c).abs());
            }
        }
        moved
    }

    /// Concentrations at their balance in a compartment at `v` mV; NaN for an ion that has none. Those that are held stay.
    pub fn balance(&self, row: usize, v: f64) -> Inside {
        if let Some(held) = &self.held {
            return held[row];
        }
        let mut inside = NOTHING;
        let pools = &self.pools[row];
        let lane = self.plan.home(self.cell).lane;
        for &(pool, k) in pools {
            inside[pool.ion] = pool.rest((k, lane));
        }
        for _ in 0..ROUNDS {
            let mut moved: f64 = 0.0;
            for &(pool, k) in pools {
                let mut trial = inside;
                let excess = |c: f64| {
                    trial[pool.ion] = c;
                    pool.excess((k, lane), c, self.carried(row, v, &trial, pool.ion))
                };
                let found = stand(excess, pool.rest((k, lane)));
                moved = moved.max((found / inside[pool.ion] - 1.0).abs());
                inside[pool.ion] = found;
                if found.is_nan() {
                    return inside;
                }
            }
            if pools.len() < 2 || moved < 1e-13 {
                break;
            }
        }
        inside
    }
}

/// Where `excess` changes from positive to negative, next to `rest`; NaN if nowhere.
fn stand(mut excess: impl FnMut(f64) -> f64, rest: f64) -> f64 {
    let start = excess(rest);
    if start == 0.0 {
        return rest;
    }
    let factor = if start > 0.0 { 2.0 } else { 0.5 };
    let mut near = rest;
    for _ in 0..DOUBLINGS {
        let far = near * factor;
        let there = excess(far);
        if there.is_nan() {
            break;
        }
        if (there > 0.0) != (start > 0.0) {
            return bracket::root(excess, near, far, 0.0).unwrap_or(f64::NAN);
        }
        near = far;
    }
    f64::NAN
}
