//! Tiles of a membrane and shells of tissue.

use super::space::{Shape, Space};
use numerics::passage::uniform;
use numerics::rng::Draws;
use std::collections::BinaryHeap;

/// Squares that cover the cleft's outline.
#[derive(Clone, Debug)]
pub(super) struct Tiles {
    /// um
    pub side: f64,
    corner: [f64; 2],
    across: u32,
    /// Tiles of the cleft; shells come after them.
    own: u32,
    /// By tile, then by shell: how much of the cleft is over it, um3.
    volume: Vec<f64>,
    /// That of the greatest tile.
    whole: f64,
}

impl Tiles {
    /// Covers a space with tiles of about `side` um, exactly of [`Self::side_of`]. `shells`: volumes of the tissue's, um3.
    pub fn new(space: &Space, side: f64, shells: &[f64]) -> Self {
        let half = space.shape.half();
        let across = (2.0 * half[0] / side).ceil().max(1.0);
        let side = Self::side_of(space, side);
        let up = (2.0 * half[1] / side - 1e-9).ceil().max(1.0);
        let mut tiles = Self {
            side,
            corner: [-half[0], -half[1]],
            across: across as u32,
            own: (across * up) as u32,
            volume: Vec::with_capacity((across * up) as usize + shells.len()),
            whole: 0.0,
        };
        for k in 0..tiles.own {
            let low = tiles.low(k);
            let area = space.shape.overlap(low, [low[0] + side, low[1] + side]);
            tiles.volume.push(area * space.height);
        }
        tiles.whole = tiles.volume.iter().fold(0.0, |a: f64, b| a.max(*b));
        tiles.volume.extend_from_slice(shells);
        tiles
    }

    /// The tile that each of some sites is counted in; `weight`: how fast a site of a kind binds at most, um3/ms.
    pub fn homes(&self, places: &[(u16, [f64; 2])], weight: impl Fn(u16) -> f64) -> Vec<u32> {
        let mut homes: Vec<u32> = places.iter().map(|p| self.home(p.1)).collect();
        let weights: Vec<f64> = places.iter().map(|p| weight(p.0)).collect();
        self.level(&mut homes, &weights);
        homes
    }

    /// The side of tiles that are wanted to be of `side` um: whole ones along x; along y the last ones may stick out.
    pub fn side_of(space: &Space, side: f64) -> f64 {
        let width = 2.0 * space.shape.half()[0];
        width / (width / side).ceil().max(1.0)
    }

    /// Molecules meet sites at the rate of the fullest tile: while one of its sites has a tile beside it with more room, it goes
    /// there, once at most. What is real is wider than a point anyway.
    fn level(&self, homes: &mut [u32], weights: &[f64]) {
        let n = self.own as usize;
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); n];
        let mut load = vec![0.0; n];
        for (k, &tile) in homes.iter().enumerate().filter(|(k, _)| weights[*k] > 0.0) {
            members[tile as usize].push(k as u32);
            load[tile as usize] += weights[k] / self.volume(tile);
        }
        let mut moved = vec![false; homes.len()];
        let loaded = (0..self.own).filter(|t| load[*t as usize] > 0.0);
        let mut fullest: BinaryHeap<(u64, u32)> = loaded.map(|t| (load[t as usize].to_bits(), t)).collect();
        while let Some((bits, tile)) = fullest.pop() {
            let t = tile as usize;
            if bits != load[t].to_bits() {
                continue;
            }
            let free = members[t].iter().copied().filter(|&k| !moved[k as usize]);
            let Some(k) = free.max_by(|a, b| weights[*a as usize].total_cmp(&weights[*b as usize]).then(b.cmp(a)))
            else {
                return;
            };
            let w = weights[k as usize];
            let would = |to: u32| load[to as usize] + w / self.volume(to);
            let roomy = self
                .beside(tile)
                .filter(|&to| self.volume(to) >= 0.25 * self.whole && would(to) < load[t] * (1.0 - 1e-12));
            let Some(to) = roomy.min_by(|a, b| would(*a).total_cmp(&would(*b)).then(a.cmp(b))) else { return };
            members[t].retain(|&m| m != k);
            members[to as usize].push(k);
            homes[k as usize] = to;
            moved[k as usize] = true;
            for tile in [tile, to] {
                let sum: f64 = members[tile as usize].iter().map(|&m| weights[m as usize]).sum();
                load[tile as usize] = sum / self.volume(tile);
                fullest.push((load[tile as usize].to_bits(), tile));
            }
        }
    }

    /// Tiles that have a side or a corner in common with one.
    fn beside(&self, tile: u32) -> impl Iterator<Item = u32> + use<> {
        let (across, n) = (i64::from(self.across), i64::from(self.own));
        let (x, y) = (i64::from(tile) % across, i64::from(tile) / across);
        let all = (-1..=1).flat_map(move |dy| (-1..=1).map(move |dx| (x + dx, y + dy)));
        all.filter(move |&(i, j)| (i, j) != (x, y) && (0..across).contains(&i) && j >= 0 && j * across < n)
            .map(move |(i, j)| (j * across + i) as u32)
    }

    fn low(&self, tile: u32) -> [f64; 2] {
        let (k, j) = (tile % self.across, tile / self.across);
        [self.corner[0] + f64::from(k) * self.side, self.corner[1] + f64::from(j) * self.side]
    }

    /// The tile a place is in.
    #[inline(always)]
    pub fn of(&self, at: [f64; 2]) -> u32 {
        let n = self.own / self.across;
        let cell = |x: f64, low: f64, n: u32| (((x - low) / self.side) as u32).min(n - 1);
        cell(at[1], self.corner[1], n) * self.across + cell(at[0], self.corner[0], self.across)
    }

    /// The tile that a site is counted in: a tile of which the rim leaves less than a quarter gives it to one further in, as the
    /// rate at which molecules are met there would be that of all encounters.
    fn home(&self, at: [f64; 2]) -> u32 {
        let mut place = at;
        let mut tile = self.of(place);
        while self.volume(tile) < 0.25 * self.whole {
            let far = (place[0] * place[0] + place[1] * place[1]).sqrt();
            place = place.map(|x| x * (1.0 - 0.5 * self.side / far).max(0.0));
            tile = self.of(place);
        }
        tile
    }

    /// um3
    #[inline(always)]
    pub fn volume(&self, tile: u32) -> f64 {
        self.volume[tile as usize]
    }

    /// Tiles of the cleft.
    pub fn own(&self) -> u32 {
        self.own
    }

    /// Shells of the tissue, which are counted on after the tiles.
    pub fn shells(&self) -> u32 {
        self.volume.len() as u32 - self.own
    }

    /// The shell that a tile is, if it is one.
    #[inline(always)]
    pub fn shell(&self, tile: u32) -> Option<u32> {
        tile.checked_sub(self.own)
    }

    /// A place in a tile, each as likely as any other that is within the outline.
    #[inline(always)]
    pub fn anywhere(&self, shape: &Shape, draws: &mut Draws, tile: u32) -> [f64; 2] {
        let low = self.low(tile);
        loop {
            let at = low.map(|x| x + uniform(draws) * self.side);
            if shape.holds(at) {
                return at;
            }
        }
    }
}
