//! Diffusion of ions from compartment to compartment, in one implicit step with what fills and empties their pools.
//!
//! `M c' = V (influx - removal(c)) + sum g (c_neighbour - c)`, M the volume with what the buffer binds, g the diffusion
//! coefficient (of the free ion, and `bound` times the buffer's) over the integral of one over the cross-section, as of
//! axial conductances. Removal is linearised at the step's beginning, as without diffusion; what is linear then is solved
//! by backward Euler in two halves (a) and in one piece (b), `c = a + (a - b)`: second order and L-stable (Hairer & Wanner
//! 1996, Solving ODEs II, ch. IV.9). Both conserve what is there, so any `a + theta (a - b)` does: where it would take more
//! than half of what `a` leaves somewhere, theta falls below 1 in that cell, and no concentration becomes negative.
//! A joint holds nothing: what flows in flows on.

use super::pool::{BlockPool, Pooling};
use numerics::linear::tree::{self, Matrix, Trees};
use numerics::simd::{F64x8, LANES, Lanes, Mask};

/// No line: a joint in all lanes.
const JOINT: u32 = u32::MAX;

/// Working memory, lines a node.
pub(super) const WORK: usize = 7;

/// The links of a pool within a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Diffusion {
    /// Rows of the block: all that have the pool, and joints on the way between them.
    pub rows: Vec<u32>,
    /// Line of the pool, by node.
    lines: Vec<u32>,
    trees: Trees,
    /// um3, with what is bound; 0 for a joint, 1 for what is nothing.
    mass: Vec<F64x8>,
    /// Minus what leads to the parent, um3/ms.
    links: Vec<F64x8>,
    /// Of a node's links.
    sums: Vec<F64x8>,
    /// Lanes in which it moves, or is not at all; in the others each compartment is by itself, as without any company.
    moving: u8,
    /// Of nodes that are joints in some lane: the node whose concentration its own is counted from.
    joints: Vec<(u32, [u32; LANES])>,
}

/// What a compartment is to an ion that moves.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Pool,
    Joint,
    Wall,
}

/// A cell's pool and its compartments.
pub(super) type Pooled<'a> = (&'a Pooling, &'a [super::Compartment]);

/// What each compartment of a cell is; joints between which and any pool there are only walls are walls.
fn places(pooling: &Pooling, cell: &[super::Compartment]) -> Vec<Place> {
    let mut out: Vec<Place> = vec![Place::Wall; cell.len()];
    let joint = |k: usize| cell[k].area == 0.0;
    for k in (0..cell.len()).rev() {
        if pooling.compartments[k].is_some() {
            out[k] = Place::Pool;
        }
        // A joint whose child is one already, or a pool.
        let parent = cell[k].parent.map(|p| p as usize).filter(|&p| joint(p) && pooling.links[k] > 0.0);
        if let Some(parent) = parent.filter(|_| out[k] != Place::Wall) {
            out[parent] = Place::Joint;
        }
    }
    for k in 1..cell.len() {
        let parent = cell[k].parent.map_or(0, |p| p as usize);
        if joint(k) && out[parent] != Place::Wall && pooling.links[k] > 0.0 {
            out[k] = Place::Joint;
        }
    }
    out
}

impl Diffusion {
    /// Of a pool in up to eight cells; none if nothing of it moves.
    pub fn new(pool: &BlockPool, cells: &[Option<Pooled<'_>>]) -> Option<Self> {
        let moving = cells.iter().map(|cell| cell.filter(|(pooling, _)| !pooling.links.is_empty()));
        let of: Vec<_> = moving.map(|cell| cell.map(|(p, c)| (p, c, places(p, c)))).collect();
        let place = |row: usize, lane: usize| {
            let places = of.get(lane).and_then(|c| c.as_ref());
            places.and_then(|(_, _, p)| p.get(row)).copied().unwrap_or(Place::Wall)
        };
        if of.iter().all(Option::is_none) {
            return None;
        }
        let most = of.iter().flatten().map(|c| c.1.len()).max().unwrap_or(0);
        let rows: Vec<u32> = (0..most)
            .filter(|&row| pool.line(row as u32).is_some() || (0..LANES).any(|l| place(row, l) == Place::Joint))
            .map(|row| row as u32)
            .collect();
        let node = |row: u32| rows.binary_search(&row).expect("a row that is linked is a node");
        let lines = rows.iter().map(|&row| pool.line(row).map_or(JOINT, |k| k as u32)).collect();
        let n = rows.len();
        let mut parents: Vec<[u32; LANES]> = (0..n as u32).map(|k| [k; LANES]).collect();
        let zero = vec![F64x8::splat(0.0); n];
        let (mut mass, mut links, mut sums) = (vec![F64x8::splat(1.0); n], zero.clone(), zero);
        for (lane, (pooling, cell, places)) in of.iter().enumerate().filter_map(|(l, c)| Some((l, c.as_ref()?))) {
            for (k, &row) in rows.iter().enumerate() {
                let Some(&here) = places.get(row as usize) else { continue };
                match here {
                    Place::Wall => continue,
                    Place::Joint => mass[k].0[lane] = 0.0,
                    Place::Pool => {
                        mass[k].0[lane] = pool.line(row).map_or(1.0, |line| pool.room((line, lane)));
                    }
                }
                let g = pooling.links[row as usize];
                let parent = cell[row as usize].parent.filter(|&p| g > 0.0 && places[p as usize] != Place::Wall);
                let Some(parent) = parent.map(node) else { continue };
                parents[k][lane] = parent as u32;
                links[k].0[lane] = -g;
                sums[k].0[lane] += g;
                sums[parent].0[lane] += g;
            }
        }
        let stays = |lane: &usize| of.get(*lane).is_some_and(Option::is_none) && cells[*lane].is_some();
        let moving = (0..LANES).filter(|lane| !stays(lane)).fold(0, |bits, lane| bits | 1 << lane);
        let joints = joints(&parents, &links, &mass);
        let trees = Trees::new(&parents).expect("parents come before children");
        Some(Self { rows, lines, trees, mass, links, sums, moving, joints })
    }

    /// What it takes of memory.
    pub fn bytes(&self) -> usize {
        let columns: usize = [&self.mass, &self.links, &self.sums].iter().map(|column| size_of_val(&column[..])).sum();
        columns
            + size_of_val(&self.rows[..])
            + size_of_val(&self.lines[..])
            + size_of_val(&self.joints[..])
            + self.trees.bytes()
    }

    /// All numbers that decide results, for the fingerprint.
    pub fn columns(&self) -> [&[F64x8]; 2] {
        [&self.mass, &self.links]
    }

    /// The links of a lane: row, row of the parent, um3/ms.
    pub fn of(&self, lane: usize) -> impl Iterator<Item = (u32, u32, f64)> + '_ {
        let link = move |k: usize| {
            let g = -self.links[k].0[lane];
            (g > 0.0).then(|| (self.rows[k], self.rows[self.trees.parents(k)[lane] as usize], g))
        };
        (0..self.rows.len()).filter_map(link)
    }

    /// `force` gains what flows into each node from its neighbours, amol/ms, at concentrations `c`.
    #[inline(always)]
    fn flow<L: Lanes>(&self, c: &[F64x8], force: &mut [F64x8]) {
        for k in 1..self.rows.len() {
            let parents = self.trees.parents(k);
            if parents == [parents[0]; LANES] {
                let p = parents[0] as usize;
                if p < k {
                    let flow = L::load(&self.links[k]) * (L::load(&c[k]) - L::load(&c[p]));
                    (L::load(&force[k]) + flow).store(&mut force[k]);
                    (L::load(&force[p]) - flow).store(&mut force[p]);
                }
                continue;
            }
            for (lane, &p) in parents.iter().enumerate().filter(|(_, p)| (**p as usize) < k) {
                let p = p as usize;
                let flow = self.links[k].0[lane] * (c[k].0[lane] - c[p].0[lane]);
                force[k].0[lane] += flow;
                force[p].0[lane] -= flow;
            }
        }
    }

    /// Solves `(parts M / h + slope + links) x = x`.
    #[inline(always)]
    fn solve<L: Lanes>(&self, parts_over_h: f64, slope: &[F64x8], diagonal: &mut [F64x8], x: &mut [F64x8]) {
        let factor = L::splat(parts_over_h);
        for k in 0..self.rows.len() {
            let d = L::load(&self.mass[k]).mul_add(factor, L::load(&slope[k]) + L::load(&self.sums[k]));
            d.store(&mut diagonal[k]);
        }
        tree::solve::<L>(&self.trees, Matrix { diagonal, upper: &self.links, lower: &self.links }, x);
    }

    /// [`BlockPool::advance`], with what flows between compartments; `work` has [`WORK`] lines a node.
    #[inline(always)]
    pub fn advance<L: Lanes>(
        &self,
        pool: &BlockPool,
        state: &mut [F64x8],
        influx: impl Fn(usize) -> L,
        work: &mut [F64x8],
        h: f64,
    ) -> L::Mask {
        let (n, m) = (self.rows.len(), pool.rows.len());
        let (c, rest) = work[..WORK * n].split_at_mut(n);
        let (slope, rest) = rest.split_at_mut(n);
        let (removal, rest) = rest.split_at_mut(n);
        let (diagonal, rest) = rest.split_at_mut(n);
        let (force, rest) = rest.split_at_mut(n);
        let (first, half) = rest.split_at_mut(n);
        let zero = L::splat(0.0);
        for k in 0..n {
            if self.lines[k] == JOINT {
                for column in [&mut *c, &mut *slope, &mut *removal, &mut *force] {
                    zero.store(&mut column[k]);
                }
                continue;
            }
            let line = self.lines[k] as usize;
            let (volume, here) = (L::load(&pool.volume[line]), L::load(&state[line]));
            let (removed, rate) = pool.removal::<L>(line, here);
            here.store(&mut c[k]);
            (volume * rate).store(&mut slope[k]);
            (volume * removed).store(&mut removal[k]);
            (volume * (influx(line) - removed)).store(&mut force[k]);
        }
        for &(k, of) in &self.joints {
            for (lane, &from) in of.iter().enumerate() {
                c[k as usize].0[lane] = c[from as usize].0[lane];
            }
        }
        self.flow::<L>(c, force);
        first.copy_from_slice(force);
        self.solve::<L>(1.0 / h, slope, diagonal, force);
        self.solve::<L>(2.0 / h, slope, diagonal, first);
        let twice = L::splat(2.0 / h);
        for k in 0..n {
            (L::load(&self.mass[k]) * twice * L::load(&first[k])).store(&mut half[k]);
        }
        self.solve::<L>(2.0 / h, slope, diagonal, half);
        // How much of the extrapolation leaves half of every concentration at least.
        let (one, part) = (L::splat(1.0), L::splat(0.5));
        let mut theta = one;
        for k in (0..n).filter(|k| self.lines[*k] != JOINT) {
            let change = L::load(&first[k]) + L::load(&half[k]);
            let (left, drop) = (part * (L::load(&c[k]) + change), L::load(&force[k]) - change);
            let most = L::select(drop.gt(left), (left / drop).max(zero), one);
            theta = theta.min(L::select(L::load(&pool.volume[self.lines[k] as usize]).gt(zero), most, one));
        }
        let (h, infinite) = (L::splat(h), L::splat(f64::INFINITY));
        let mut sound = zero.lt(infinite);
        for k in (0..n).filter(|k| self.lines[*k] != JOINT) {
            let line = self.lines[k] as usize;
            let (start, whole, early) = (L::load(&c[k]), L::load(&force[k]), L::load(&first[k]));
            let change = early + L::load(&half[k]);
            let gain = theta.mul_add(change - whole, change);
            // What was removed, by the same rule: the sum over the halves' ends, and the end of the whole.
            let ends = part * (early + change);
            let ends = theta.mul_add(ends - whole, ends);
            let removed = h * L::load(&slope[k]).mul_add(ends, L::load(&removal[k]));
            let volume = L::load(&pool.volume[line]);
            let here = volume.gt(zero);
            let before = L::load(&state[line]);
            let so_far = L::load(&state[3 * m + line]);
            let (mut next, mut removed) = (start + gain, removed + so_far);
            if self.moving != u8::MAX {
                let alone = pool.step::<L>(line, before, influx(line), h);
                let moves = L::mask(self.moving);
                next = L::select(moves, next, alone.0);
                removed = L::select(moves, removed, alone.1.mul_add(volume, so_far));
            }
            let next = L::select(here, next, before);
            sound = sound.and(zero.lt(next)).and(next.lt(infinite));
            next.store(&mut state[line]);
            before.store(&mut state[m + line]);
            (influx(line) * h).mul_add(volume, L::load(&state[2 * m + line])).store(&mut state[2 * m + line]);
            removed.store(&mut state[3 * m + line]);
        }
        sound
    }
}

/// For every node that is a joint in some lane, the nearest node with a volume, towards the root or else away from it.
fn joints(parents: &[[u32; LANES]], links: &[F64x8], mass: &[F64x8]) -> Vec<(u32, [u32; LANES])> {
    let n = parents.len();
    let mut of: Vec<[Option<u32>; LANES]> =
        (0..n).map(|k| std::array::from_fn(|lane| (mass[k].0[lane] > 0.0).then_some(k as u32))).collect();
    let linked = |k: usize, lane: usize| links[k].0[lane] < 0.0;
    for k in 0..n {
        for lane in (0..LANES).filter(|&lane| linked(k, lane)) {
            of[k][lane] = of[k][lane].or(of[parents[k][lane] as usize][lane]);
        }
    }
    for k in (0..n).rev() {
        for lane in (0..LANES).filter(|&lane| linked(k, lane)) {
            let p = parents[k][lane] as usize;
            of[p][lane] = of[p][lane].or(of[k][lane]);
        }
    }
    // Beginning with a joint, from its children downwards once more.
    for k in 0..n {
        for lane in (0..LANES).filter(|&lane| linked(k, lane)) {
            of[k][lane] = of[k][lane].or(of[parents[k][lane] as usize][lane]);
        }
    }
    let own = |k: &usize| (0..LANES).any(|lane| mass[*k].0[lane] == 0.0);
    let line = |k: usize| (k as u32, std::array::from_fn(|lane| of[k][lane].unwrap_or(k as u32)));
    (0..n).filter(own).map(line).collect()
}
