//! Cells on which buffers are followed: fine where it matters, growing outwards, and how a field moves on them.

use super::plan::NanodomainError;

/// How fields of buffers are resolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Side of the smallest cells, um: 20 nm, say. They lie around channels, sensors and probes.
    pub cell: f64,
    /// By how much a cell is longer than the one before it on the way outwards: 1 for cells that are all alike.
    pub growth: f64,
    /// A buffer's field moves in steps of this share of `cell^2 / D`: 1/4, say; 0.4 at most.
    pub step: f64,
}

impl Default for Grid {
    fn default() -> Self {
        Self { cell: 0.02, growth: 1.3, step: 0.25 }
    }
}

/// Most cells along an axis.
const MOST: usize = 128;

/// Cells along one axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub edges: Vec<f64>,
    /// By stretch of half of the shortest cell: the cell in which it begins.
    lookup: Vec<u8>,
    per: f64,
}

impl Axis {
    /// From `low` to `high`, with cells of `cell` from `from` to `to`.
    pub fn new([low, high]: [f64; 2], [from, to]: [f64; 2], cell: f64, growth: f64) -> Option<Self> {
        let middle = (0.5 * (from + to)).clamp(low, high);
        let n = ((to - from) / cell).ceil().max(1.0);
        let half = 0.5 * cell * n;
        let (from, to) = ((middle - half).max(low), (middle + half).min(high));
        let n = ((to - from) / cell - 1e-9).ceil().max(1.0) as usize;
        let outwards = |length: f64| -> Option<Vec<f64>> {
            let (mut widths, mut all, mut width) = (Vec::new(), 0.0, cell);
            while all < length * (1.0 - 1e-9) {
                width *= growth;
                all += width;
                widths.push(width);
                if widths.len() > MOST {
                    return None;
                }
            }
            Some(widths.iter().map(|w| w * length / all).collect())
        };
        let mut widths: Vec<f64> = outwards(from - low)?;
        widths.reverse();
        if n > MOST {
            return None;
        }
        widths.extend(std::iter::repeat_n((to - from) / n as f64, n));
        widths.extend(outwards(high - to)?);
        if widths.len() > MOST {
            return None;
        }
        let mut edges = vec![low];
        for w in &widths {
            edges.push(edges[edges.len() - 1] + w);
        }
        *edges.last_mut()? = high;
        let shortest = widths.iter().fold(f64::INFINITY, |a: f64, b| a.min(*b));
        let stretches = (2.0 * (high - low) / shortest).ceil();
        let per = stretches / (high - low);
        let of = |k: usize| {
            let x = low + k as f64 / per;
            edges.partition_point(|e| *e <= x).saturating_sub(1).min(widths.len() - 1) as u8
        };
        let lookup = (0..stretches as usize + 1).map(of).collect();
        Some(Self { edges, lookup, per })
    }

    pub fn cells(&self) -> usize {
        self.edges.len() - 1
    }

    #[inline(always)]
    pub fn of(&self, x: f64) -> usize {
        let stretch = ((x - self.edges[0]) * self.per) as u32 as usize;
        let mut cell = usize::from(self.lookup[stretch.min(self.lookup.len() - 1)]);
        while cell + 2 < self.edges.len() && x >= self.edges[cell + 1] {
            cell += 1;
        }
        cell
    }

    pub fn width(&self, cell: usize) -> f64 {
        self.edges[cell + 1] - self.edges[cell]
    }

    /// Of a number in each cell: what comes from the cell before, stays, and comes from the next in `time`, as rates are those of fluxes
    /// between middles.
    fn exchange(&self, diffusion: f64, time: f64) -> Vec<[f64; 3]> {
        let n = self.cells();
        let middle = |k: usize| 0.5 * (self.edges[k] + self.edges[k + 1]);
        let mut out = vec![[0.0, 1.0, 0.0]; n];
        for k in 1..n {
            let link = time * diffusion / (middle(k) - middle(k - 1));
            let (up, down) = (link / self.width(k - 1), link / self.width(k));
            out[k][0] = up;
            out[k - 1][1] -= up;
            out[k - 1][2] = down;
            out[k][1] -= down;
        }
        out
    }
}

/// All cells, x fastest.
#[derive(Clone, Debug)]
pub(super) struct Cells {
    pub axes: [Axis; 3],
    pub n: [usize; 3],
    /// um3.
    pub volume: Vec<f64>,
}

impl Cells {
    pub fn new(bounds: [[f64; 3]; 2], fine: [[f64; 3]; 2], grid: &Grid) -> Result<Self, NanodomainError> {
        let sound = grid.cell > 0.0 && grid.cell.is_finite() && grid.growth >= 1.0 && grid.growth <= 4.0;
        if !(sound && grid.step > 0.0 && grid.step <= 0.4) {
            return Err(NanodomainError::Grid);
        }
        let axis = |k: usize| {
            let made = Axis::new([bounds[0][k], bounds[1][k]], [fine[0][k], fine[1][k]], grid.cell, grid.growth);
            made.ok_or(NanodomainError::Grid)
        };
        let axes = [axis(0)?, axis(1)?, axis(2)?];
        let n = [axes[0].cells(), axes[1].cells(), axes[2].cells()];
        let mut volume = Vec::with_capacity(n[0] * n[1] * n[2]);
        for z in 0..n[2] {
            for y in 0..n[1] {
                volume.extend((0..n[0]).map(|x| axes[0].width(x) * axes[1].width(y) * axes[2].width(z)));
            }
        }
        Ok(Self { axes, n, volume })
    }

    #[inline(always)]
    pub fn of(&self, at: [f64; 3]) -> usize {
        let [x, y, z] = [self.axes[0].of(at[0]), self.axes[1].of(at[1]), self.axes[2].of(at[2])];
        (z * self.n[1] + y) * self.n[0] + x
    }

    /// Its low and high corner.
    pub fn corners(&self, cell: usize) -> [[f64; 3]; 2] {
        let k = [cell % self.n[0], cell / self.n[0] % self.n[1], cell / (self.n[0] * self.n[1])];
        let edge = |up: usize| [0, 1, 2].map(|a| self.axes[a].edges[k[a] + up]);
        [edge(0), edge(1)]
    }

    /// A place in a cell.
    pub fn within(&self, cell: usize, draws: &mut numerics::rng::Draws) -> [f64; 3] {
        let [low, high] = self.corners(cell);
        let mut at = low;
        for k in 0..3 {
            at[k] += numerics::passage::uniform(draws) * (high[k] - low[k]);
        }
        at
    }
}

/// How a field goes on for one step: along each axis by itself, to a neighbour at most. What is in a cell spreads by `2 D t` a step
/// exactly, nothing is lost, nothing gets below 0.
#[derive(Clone, Debug)]
pub(super) struct Mixing {
    /// Of a plane: what comes from the cell before, stays, comes from the next, along x and along y.
    x: [Vec<f64>; 3],
    y: [Vec<f64>; 3],
    /// By plane.
    z: Vec<[f64; 3]>,
}

impl Mixing {
    pub fn new(cells: &Cells, diffusion: f64, time: f64) -> Self {
        let [nx, ny, _] = cells.n;
        let [x, y, z] = [0, 1, 2].map(|k| cells.axes[k].exchange(diffusion, time));
        let plane = |of: &dyn Fn(usize) -> f64| (0..nx * ny).map(of).collect();
        Self {
            x: [0, 1, 2].map(|part| plane(&|k| x[k % nx][part])),
            y: [0, 1, 2].map(|part| plane(&|k| y[k / nx][part])),
            z,
        }
    }

    /// One step of a field of numbers; `other` is room of the same size.
    #[inline(always)]
    pub fn step(&self, [nx, ny, nz]: [usize; 3], field: &mut Vec<f64>, other: &mut Vec<f64>) {
        let plane = nx * ny;
        for (own, out) in field.chunks_exact_mut(plane).zip(other.chunks_exact_mut(plane)) {
            along(&self.x, 1, own, out);
            along(&self.y, nx, out, own);
        }
        for (k, [before, stays, after]) in self.z.iter().enumerate() {
            let out = &mut other[k * plane..(k + 1) * plane];
            let own = &field[k * plane..(k + 1) * plane];
            let low = if k > 0 { &field[(k - 1) * plane..k * plane] } else { own };
            let high = if k + 1 < nz { &field[(k + 1) * plane..(k + 2) * plane] } else { own };
            for (((o, x), l), h) in out.iter_mut().zip(own).zip(low).zip(high) {
                *o = h.mul_add(*after, l.mul_add(*before, x * stays));
            }
        }
        std::mem::swap(field, other);
    }
}

/// One axis within a plane, on which neighbours are `far` apart; what comes from beyond it is 0.
#[inline(always)]
fn along([before, stays, after]: &[Vec<f64>; 3], far: usize, from: &[f64], out: &mut [f64]) {
    let n = out.len();
    if n < 2 * far {
        // One row.
        for ((o, x), s) in out.iter_mut().zip(from).zip(stays) {
            *o = x * s;
        }
        return;
    }
    for k in (0..far).chain(n - far..n) {
        let next = if k + far < n { from[k + far] * after[k] } else { 0.0 };
        let last = if k >= far { from[k - far] * before[k] } else { 0.0 };
        out[k] = from[k].mul_add(stays[k], last + next);
    }
    let rates = before[far..].iter().zip(&stays[far..]).zip(&after[far..]);
    let three = from.iter().zip(&from[far..]).zip(&from[2 * far..]);
    for ((o, ((b, s), a)), ((l, x), h)) in out[far..n - far].iter_mut().zip(rates).zip(three) {
        *o = h.mul_add(*a, l.mul_add(*b, x * s));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use numerics::math;

    fn cells() -> Cells {
        let bounds = [[-1.0, -1.0, 0.0], [1.0, 1.0, 0.8]];
        Cells::new(bounds, [[-0.05, 0.0, 0.0], [0.1, 0.0, 0.02]], &Grid::default()).unwrap()
    }

    #[test]
    fn every_place_is_in_its_cell() {
        let cells = cells();
        let key = numerics::rng::StreamKey::new(1, 0, 0, 0);
        for k in 0..100_000 {
            let mut draws = key.at(k, 0);
            let at = [2.0 * draws.uniform() - 1.0, 2.0 * draws.uniform() - 1.0, 0.8 * draws.uniform()];
            let [low, high] = cells.corners(cells.of(at));
            assert!((0..3).all(|k| low[k] <= at[k] && at[k] <= high[k]), "{at:?}");
        }
        let all: f64 = cells.volume.iter().sum();
        assert!((all / 3.2 - 1.0).abs() < 1e-12, "{all}");
        println!("{:?} cells", cells.n);
    }

    #[test]
    fn a_field_spreads_as_fick_says_and_keeps_its_number() {
        // A cosine on the whole box decays at its rate, on even cells to the second order; nothing is lost; even stays even.
        let bounds = [[0.0; 3], [1.0, 0.5, 0.25]];
        let mut errors = Vec::new();
        for n in [8.0, 16.0, 32.0] {
            let grid = Grid { cell: 1.0 / n, growth: 1.0, step: 0.25 };
            let cells = Cells::new(bounds, bounds, &grid).unwrap();
            let time = 0.25 / (n * n) / 0.2;
            let mixing = Mixing::new(&cells, 0.2, time);
            let wave = |x: f64| math::turn(0.5 * x).0;
            let of = |k: usize| {
                let [low, high] = cells.corners(k);
                cells.volume[k] * (1.0 + 0.5 * wave(0.5 * (low[0] + high[0])) * wave(low[1] + high[1]))
            };
            let mut field: Vec<f64> = (0..cells.volume.len()).map(of).collect();
            let (first, before) = (field[0] / cells.volume[0] - 1.0, field.iter().sum::<f64>());
            let mut other = vec![0.0; field.len()];
            let steps = (0.5 / time).round();
            (0..steps as u32).for_each(|_| mixing.step(cells.n, &mut field, &mut other));
            let rate = std::f64::consts::PI * std::f64::consts::PI * (1.0 + 4.0) * 0.2;
            let found = (field[0] / cells.volume[0] - 1.0) / first;
            errors.push((found / math::exp(-rate * steps * time) - 1.0).abs());
            assert!((field.iter().sum::<f64>() / before - 1.0).abs() < 1e-12);
            assert!(field.iter().all(|x| *x >= 0.0));
        }
        println!("errors {errors:?}");
        assert!(errors[2] < 0.01 && errors[1] / errors[2] > 3.5 && errors[0] / errors[1] > 3.0);
        let cells = cells();
        let mixing = Mixing::new(&cells, 0.22, 0.0004);
        let mut field = cells.volume.clone();
        let mut other = vec![0.0; field.len()];
        (0..100).for_each(|_| mixing.step(cells.n, &mut field, &mut other));
        assert!(field.iter().zip(&cells.volume).all(|(a, b)| (a / b - 1.0).abs() < 1e-10));
    }
}
