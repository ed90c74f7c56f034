//! What can be read off a cleft.

use super::geometry::Geometry;
use super::plan::Cleft;
use super::pore::Source;
use super::resident::Resident;
use super::state::{Budget, State, Unrest};
use crate::mechanism::ObservableIndex;
use numerics::simd::LANES;

/// amol in open vesicles. (The sum of nothing would be -0.)
fn in_vesicles(state: &State) -> f64 {
    state.vesicles.iter().fold(0.0, |sum, v| sum + v.content)
}

impl Cleft {
    /// How many shells: rings of the disc, then shells of tissue.
    #[must_use]
    pub fn shells(&self) -> usize {
        self.shells.volume.len()
    }

    /// Edges of the shells in um, one more than shells.
    #[must_use]
    pub fn edges(&self) -> &[f64] {
        &self.shells.edges
    }

    /// Fluid of each shell, um3.
    #[must_use]
    pub fn volumes(&self) -> &[f64] {
        &self.shells.volume
    }

    /// Its geometry.
    #[must_use]
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Where vesicles open, and how.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What binds in it.
    pub fn residents(&self) -> impl ExactSizeIterator<Item = &Resident> {
        self.blocks.iter().map(|b| &b.resident)
    }

    /// Molecules of transmitter that each state of a resident holds; nothing if there is no such resident.
    #[must_use]
    pub fn bound(&self, resident: usize) -> &[f64] {
        self.blocks.get(resident).map_or(&[], |b| &b.bound)
    }

    /// How many of the shells are rings of the disc.
    #[must_use]
    pub fn rings(&self) -> usize {
        self.shells.disc
    }

    /// Concentration in each shell, mM. Panics on a state of another cleft.
    #[must_use]
    pub fn concentrations<'a>(&self, state: &'a State) -> &'a [f64] {
        &self.lines(state)[..self.shells()]
    }

    /// Square of the radius that stands for a shell's mean, um2: exact for parabolas.
    fn node(&self, shell: usize) -> f64 {
        let (a, b) = (self.shells.edges[shell], self.shells.edges[shell + 1]);
        0.5 * a.mul_add(a, b * b)
    }

    /// Concentration in mM at a radius in um, linear in its square between shells and to the far field; constant from
    /// the innermost node to the centre and beyond the far field. Panics on a state of another cleft.
    #[must_use]
    pub fn concentration_at(&self, state: &State, radius: f64) -> f64 {
        let c = self.concentrations(state);
        let square = radius * radius;
        let shell = self.shells.edges[1..].partition_point(|&edge| edge * edge < square).min(c.len() - 1);
        let right = if square > self.node(shell) { shell + 1 } else { shell };
        if right == 0 {
            return c[0];
        }
        let edge = self.shells.edges[c.len()];
        let sealed = self.shells.conductance[c.len() - 1] == 0.0;
        let (end, there) = match c.get(right) {
            Some(&there) => (self.node(right), there),
            None if sealed => (edge * edge, c[right - 1]),
            None => (edge * edge, self.shells.outside),
        };
        let (begin, here) = (self.node(right - 1), c[right - 1]);
        ((square - begin) / (end - begin)).min(1.0).mul_add(there - here, here)
    }

    /// The shells around a radius in um, with shares that make the concentration there, linear in its square between
    /// their nodes: one before the innermost node and beyond the outermost, else two.
    #[must_use]
    pub fn around(&self, radius: f64) -> Vec<(usize, f64)> {
        let (square, shells) = (radius * radius, self.shells());
        let right = (0..shells).find(|&s| self.node(s) > square).unwrap_or(shells);
        if right == 0 || right == shells {
            return vec![(right.min(shells - 1), 1.0)];
        }
        let (a, b) = (self.node(right - 1), self.node(right));
        let share = (square - a) / (b - a);
        vec![(right - 1, 1.0 - share), (right, share)]
    }

    /// Mean concentration in mM over the disc from the centre to a radius in um (at most R). Panics on a state of
    /// another cleft.
    #[must_use]
    pub fn mean_concentration(&self, state: &State, radius: f64) -> f64 {
        let (mut sum, mut area) = (0.0, 0.0);
        for (i, c) in self.concentrations(state)[..self.shells.disc].iter().enumerate() {
            let (a, b) = (self.shells.edges[i], self.shells.edges[i + 1].min(radius));
            if a < b {
                let ring = Geometry::ring(a, b);
                sum = ring.mul_add(*c, sum);
                area += ring;
            }
        }
        if area > 0.0 { sum / area } else { self.concentrations(state)[0] }
    }

    /// Mean occupancy of a state of a resident, over all its molecules.
    fn mean(&self, values: &[f64], resident: usize, s: usize) -> f64 {
        let block = &self.blocks[resident];
        let mut sum = 0.0;
        for (g, amount) in block.amount.iter().enumerate() {
            let at = (block.offset + g * block.states + s) * LANES;
            for (p, a) in values[at..at + LANES].iter().zip(&amount.0) {
                sum = p.mul_add(*a, sum);
            }
        }
        sum / block.total
    }

    /// Mean occupancies of a resident over all its molecules, one a state. Panics on a state of another cleft or a
    /// resident that is not there.
    pub fn occupancies(&self, state: &State, resident: usize, into: &mut [f64]) {
        let values = self.lines(state);
        assert_eq!(into.len(), self.blocks[resident].states, "one place a state");
        for (s, into) in into.iter_mut().enumerate() {
            *into = self.mean(values, resident, s);
        }
    }

    /// Occupancy of a state of a resident in one shell; `None` where it does not live.
    #[must_use]
    pub fn occupancy_in(&self, state: &State, resident: usize, s: usize, shell: usize) -> Option<f64> {
        let (block, values) = (self.blocks.get(resident)?, self.lines(state));
        let (group, lane) = ((shell / LANES).checked_sub(block.first)?, shell % LANES);
        let lives = block.lives.get(group)?.0[lane] > 0.0 && s < block.states;
        lives.then(|| values[(block.offset + group * block.states + s) * LANES + lane])
    }

    /// Mean of an observable over all molecules of a resident; `None` if there is no such observable or resident.
    #[must_use]
    pub fn observable(&self, state: &State, resident: usize, observable: ObservableIndex) -> Option<f64> {
        let values = self.lines(state);
        let weights = self.blocks.get(resident)?.resident.kinetics.weights(observable)?;
        Some(weights.iter().enumerate().fold(0.0, |sum, (s, w)| match *w {
            0.0 => sum,
            w => w.mul_add(self.mean(values, resident, s), sum),
        }))
    }

    /// How many molecules of a resident there are; `None` if there is no such resident.
    #[must_use]
    pub fn count(&self, resident: usize) -> Option<f64> {
        self.blocks.get(resident).map(|b| b.total * numerics::constants::AVOGADRO)
    }

    /// The shells where a resident lives, innermost first, and the share of its molecules in each (the shares sum to 1):
    /// where single receptors may be put. `None` if there is no such resident.
    #[must_use]
    pub fn places(&self, resident: usize) -> Option<Vec<(usize, f64)>> {
        let block = self.blocks.get(resident)?;
        let amounts = block.amount.iter().flat_map(|line| line.0);
        let shells = amounts.enumerate().filter(|(_, amount)| *amount > 0.0);
        Some(shells.map(|(i, amount)| (block.first * LANES + i, amount / block.total)).collect())
    }

    /// What a resident has turned over so far, amol; `None` if there is no such resident.
    #[must_use]
    pub fn turned_over(&self, state: &State, resident: usize) -> Option<f64> {
        state.turned_over.get(resident).copied()
    }

    /// Where all transmitter is. Panics on a state of another cleft.
    #[must_use]
    pub fn budget(&self, state: &State) -> Budget {
        let values = self.lines(state);
        let free = |from: usize, to: usize| -> f64 {
            (from..to).fold(0.0, |sum, i| values[i].mul_add(self.shells.volume[i], sum))
        };
        let held = |(r, block): (usize, &super::resident::Block)| {
            let each = block.bound.iter().enumerate();
            block.total * each.fold(0.0, |sum, (s, n)| if *n == 0.0 { sum } else { sum + n * self.mean(values, r, s) })
        };
        Budget {
            initial: state.initial,
            released: state.released,
            in_vesicles: in_vesicles(state),
            free_in_cleft: free(0, self.shells.disc),
            free_in_tissue: free(self.shells.disc, self.shells()),
            bound: self.blocks.iter().enumerate().map(held).collect(),
            turned_over: state.turned_over.clone(),
            escaped: state.escaped,
        }
    }

    /// How far the state is from the rest it started from (that of the plan's own coefficients). When all of it is
    /// below what the caller cares for, [`State::sleep`] may stand for [`advance`](Self::advance).
    #[must_use]
    pub fn unrest(&self, state: &State) -> Unrest {
        let (now, rest) = (self.lines(state), &self.rest.values);
        let far = |a: f64, b: f64| (a - b).abs();
        let concentration = (0..self.shells()).fold(0.0, |most, i| f64::max(most, far(now[i], rest[i])));
        let mut occupancy = 0.0;
        for block in &self.blocks {
            for (g, lives) in block.lives.iter().enumerate() {
                for s in 0..block.states {
                    let at = (block.offset + g * block.states + s) * LANES;
                    for lane in 0..LANES {
                        occupancy = f64::max(occupancy, lives.0[lane] * far(now[at + lane], rest[at + lane]));
                    }
                }
            }
        }
        Unrest { concentration, occupancy, in_vesicles: in_vesicles(state) }
    }
}
