//! Receptors, enzymes and transporters of a trial: where each is, and in which state.
//!
//! Members in tissue are many, and most never meet a molecule: until one does, a member is at the law of rest where no transmitter
//! is, and has neither state nor memory. Which state it is in is drawn when it is first met.

use super::kind::{KindPlan, Places};
use super::plan::{MolecularError, Plan};
use super::space::Shape;
use super::tiles::Tiles;
use numerics::math;
use numerics::rng::{Draws, StreamKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A receptor, enzyme or transporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub kind: u16,
    pub state: u8,
    /// Its tile, or its shell after all tiles.
    pub tile: u32,
    /// How often it has changed.
    pub epoch: u32,
}

/// Members of a kind in a shell of the tissue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pool {
    pub kind: u16,
    pub shell: u32,
    /// Number of its first member, and how many they are.
    pub first: u32,
    pub count: u32,
}

/// All of them in a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sites {
    /// By tile: number of its first member. One more at the end.
    first: Vec<u32>,
    /// In the cleft, by tile.
    pub members: Vec<Member>,
    /// Where they are, um.
    pub places: Vec<[f32; 2]>,
    /// In the tissue, by shell.
    pub pools: Vec<Pool>,
    /// By shell: its first pool. One more at the end.
    first_pool: Vec<u32>,
    /// Those of the tissue that have been met.
    pub touched: BTreeMap<u32, Member>,
    /// By kind: those of the tissue that have not.
    pub untouched: Vec<u32>,
    /// Greatest rate at which a molecule of the cleft may meet a member that binds, anywhere, /ms.
    pub meets: f64,
    /// The same in each shell.
    pub outside: Vec<f64>,
}

/// Which state a law gives to a share of its odds.
pub(super) fn pick(law: &[f64], mut share: f64) -> usize {
    let last = law.iter().rposition(|p| *p > 0.0).unwrap_or(0);
    for (k, p) in law.iter().enumerate() {
        share -= p;
        if share < 0.0 {
            return k;
        }
    }
    last
}

/// A whole number whose mean is `x`.
fn whole(x: f64, draws: &mut Draws) -> u32 {
    x as u32 + u32::from(draws.chance(x - x.floor()))
}

/// Anywhere in the outline within `radius` of the centre.
fn anywhere(shape: &Shape, radius: f64, draws: &mut Draws) -> [f64; 2] {
    let half = shape.half().map(|x| x.min(radius));
    loop {
        let at = half.map(|x| (2.0 * draws.uniform() - 1.0) * x);
        if at[0] * at[0] + at[1] * at[1] <= radius * radius && shape.holds(at) {
            return at;
        }
    }
}

impl Places {
    /// Whether the numbers make sense, and every member is within the outline.
    pub(super) fn check(&self, number: usize, shape: &Shape, shells: usize) -> Result<(), MolecularError> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let many = |x: f64| (0.0..=1e8).contains(&x);
        let said = match self {
            Self::At(own) => {
                return match own.iter().position(|at| !shape.holds(*at)) {
                    Some(member) => Err(MolecularError::Outside { kind: number, member }),
                    None => Ok(()),
                };
            }
            Self::Even { count, radius } => many(*count) && positive(*radius),
            Self::Clustered { count, radius, clusters, spread } => {
                many(*count) && positive(*radius) && *clusters > 0 && positive(*spread) && *spread <= *radius
            }
            Self::Tissue(amounts) if amounts.len() != shells => {
                return Err(MolecularError::Shells { kind: number, shells });
            }
            Self::Tissue(amounts) => amounts.iter().all(|n| many(*n)),
        };
        if said { Ok(()) } else { Err(MolecularError::Places { kind: number }) }
    }

    /// How many members there are in the mean.
    pub(super) fn amount(&self) -> f64 {
        match self {
            Self::At(own) => own.len() as f64,
            Self::Even { count, .. } | Self::Clustered { count, .. } => *count,
            Self::Tissue(amounts) => amounts.iter().sum(),
        }
    }

    /// Places in the cleft in a trial.
    fn drawn(&self, shape: &Shape, draws: &mut Draws) -> Vec<[f64; 2]> {
        match self {
            Self::At(own) => own.clone(),
            Self::Tissue(_) => Vec::new(),
            Self::Even { count, radius } => {
                let n = whole(*count, draws);
                (0..n).map(|_| anywhere(shape, *radius, draws)).collect()
            }
            Self::Clustered { count, radius, clusters, spread } => {
                let n = whole(*count, draws);
                let centres: Vec<_> = (0..*clusters).map(|_| anywhere(shape, *radius, draws)).collect();
                let one = |_| loop {
                    let [x, y] = centres[(draws.uniform() * f64::from(*clusters)) as usize];
                    let at = [x + spread * draws.normal(), y + spread * draws.normal()];
                    if at[0] * at[0] + at[1] * at[1] <= radius * radius && shape.holds(at) {
                        return at;
                    }
                };
                (0..n).map(one).collect()
            }
        }
    }
}

impl Sites {
    /// Draws where all members are; their states are those of the scheme's first until [`Self::settle`].
    pub fn new(kinds: &[KindPlan], tiles: &Tiles, shape: &Shape, key: StreamKey) -> Self {
        let mut draws = key.at(0, 1);
        let mut all = Vec::new();
        let mut pools = Vec::new();
        for (number, plan) in kinds.iter().enumerate() {
            if let Places::Tissue(amounts) = &plan.kind.places {
                let own =
                    amounts.iter().enumerate().map(|(shell, n)| (number as u16, shell as u32, whole(*n, &mut draws)));
                pools.extend(own.filter(|p| p.2 > 0));
            } else {
                all.extend(plan.kind.places.drawn(shape, &mut draws).into_iter().map(|at| (number as u16, at)));
            }
        }
        let weight = |kind: u16| kinds[usize::from(kind)].most;
        let homes = tiles.homes(&all, weight);
        let mut order: Vec<u32> = (0..all.len() as u32).collect();
        order.sort_unstable_by_key(|&k| (homes[k as usize], all[k as usize].0, k));
        let tile = |k: &u32| homes[*k as usize];
        let members: Vec<Member> =
            order.iter().map(|k| Member { kind: all[*k as usize].0, state: 0, tile: tile(k), epoch: 0 }).collect();
        let places = order.iter().map(|k| all[*k as usize].1.map(|x| x as f32)).collect();
        let mut first = vec![0u32; tiles.own() as usize + 1];
        members.iter().for_each(|m| first[m.tile as usize + 1] += 1);
        (1..first.len()).for_each(|t| first[t] += first[t - 1]);
        pools.sort_unstable_by_key(|&(kind, shell, _)| (shell, kind));
        let mut next = members.len() as u32;
        let pools: Vec<Pool> = pools
            .into_iter()
            .map(|(kind, shell, count)| {
                next += count;
                Pool { kind, shell, first: next - count, count }
            })
            .collect();
        let shells = tiles.shells();
        let first_pool = (0..=shells).map(|s| pools.partition_point(|p| p.shell < s) as u32).collect();
        let mut meets: f64 = 0.0;
        for t in 0..tiles.own() {
            let own = &members[first[t as usize] as usize..first[t as usize + 1] as usize];
            let all: f64 = own.iter().map(|m| weight(m.kind)).sum();
            if all > 0.0 {
                meets = meets.max(all / tiles.volume(t));
            }
        }
        let mut outside = vec![0.0; shells as usize];
        for p in &pools {
            outside[p.shell as usize] += f64::from(p.count) * weight(p.kind) / tiles.volume(tiles.own() + p.shell);
        }
        let of = |kind| pools.iter().filter(|p| usize::from(p.kind) == kind).map(|p| p.count).sum();
        let untouched = (0..kinds.len()).map(of).collect();
        Self { first, members, places, pools, first_pool, touched: BTreeMap::new(), untouched, meets, outside }
    }

    /// Draws states from the laws of rest. Members of the tissue that are in a state in which those without any transmitter never are
    /// count as met.
    pub fn settle(&mut self, kinds: &[KindPlan], tiles: &Tiles, key: StreamKey) {
        let mut draws = key.at(1, 1);
        for member in &mut self.members {
            let law = &kinds[usize::from(member.kind)].laws[0];
            if !law.contains(&1.0) {
                member.state = pick(law, draws.uniform()) as u8;
            } else if law[0] < 1.0 {
                member.state = pick(law, 0.0) as u8;
            }
        }
        for p in &self.pools {
            let kind = &kinds[usize::from(p.kind)];
            let mut law = kind.laws[p.shell as usize].clone();
            law.iter_mut().zip(&kind.quiet).filter(|(_, q)| **q > 0.0).for_each(|(p, _)| *p = 0.0);
            let odds: f64 = law.iter().sum();
            if odds < 1e-15 {
                continue;
            }
            // From one of them to the next as many as a geometric law has between them.
            let between = if odds < 1.0 { 1.0 / math::ln(1.0 - odds) } else { 0.0 };
            let mut k = 0.0;
            loop {
                k += (math::ln(1.0 - draws.uniform()) * between).floor();
                if k >= f64::from(p.count) {
                    break;
                }
                let state = pick(&law, draws.uniform() * odds) as u8;
                let member = Member { kind: p.kind, state, tile: tiles.own() + p.shell, epoch: 0 };
                self.touched.insert(p.first + k as u32, member);
                self.untouched[usize::from(p.kind)] -= 1;
                k += 1.0;
            }
        }
    }

    /// Numbers of a tile's members.
    #[inline(always)]
    pub fn of_tile(&self, tile: u32) -> std::ops::Range<usize> {
        self.first[tile as usize] as usize..self.first[tile as usize + 1] as usize
    }

    /// Pools of a shell.
    #[inline(always)]
    pub fn of_shell(&self, shell: u32) -> &[Pool] {
        &self.pools[self.first_pool[shell as usize] as usize..self.first_pool[shell as usize + 1] as usize]
    }

    /// A member, and whether nobody has met it before: then one of the tissue, in a state that is drawn.
    #[inline(always)]
    pub fn meet(&mut self, plan: &Plan, site: u32, draws: &mut Draws) -> (Member, bool) {
        if let Some(member) = self.get(site) {
            return (*member, false);
        }
        let pool = self.pools[self.pools.partition_point(|p| p.first <= site) - 1];
        let state = pick(&plan.kinds[usize::from(pool.kind)].quiet, draws.uniform()) as u8;
        let member = Member { kind: pool.kind, state, tile: plan.tiles.own() + pool.shell, epoch: 0 };
        self.touched.insert(site, member);
        self.untouched[usize::from(pool.kind)] -= 1;
        (member, true)
    }

    /// A member that has been met.
    #[inline(always)]
    pub fn get(&mut self, site: u32) -> Option<&mut Member> {
        if (site as usize) < self.members.len() {
            return Some(&mut self.members[site as usize]);
        }
        self.touched.get_mut(&site)
    }
}
