//! Channels whose ion has a pool, or whose current follows the GHK equation, within the implicit step.
//!
//! Concentrations stand at the steps, voltage and gates of the solve half-way between. Reversal and GHK current take the
//! concentration half a step ahead, by extrapolation, and the current linearised at the step's beginning:
//! `I = I(V0) + I'(V0) (V - V0)`, both of second order. The current that enters the pool is that of the solve, so charge
//! and amount agree. Limit: an instantaneous gate that reads a concentration follows half a step late.

use super::channel::{Channel, Gate};
use super::diffusion;
use super::drive::Carried;
use super::plan::{Block, BlockChannel, Plan};
use super::pool::LINES;
use crate::membrane::Ghk;
use numerics::math::lanes;
use numerics::simd::{F64x8, Lanes, Mask};

/// By which law a channel's current follows the voltage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Law {
    /// `g (V - e_rev)`, with the reversal potential of the kind or the compartment.
    #[default]
    Ohmic,
    /// `g (V - E)`, `E` the Nernst potential of the channel's ion.
    Nernst,
    /// Goldman, Hodgkin and Katz, with the concentration of the channel's ion; `g_max` is a permeability, um3/ms.
    Ghk,
    /// The same between concentrations that stay as they are.
    GhkHeld {
        /// Charge number of the ion.
        valence: i32,
        /// mM.
        inside: f64,
        /// mM.
        outside: f64,
    },
}

impl Law {
    /// Whether it needs the ion's pool wherever the channel is.
    #[must_use]
    pub fn needs_pool(self) -> bool {
        matches!(self, Self::Nernst | Self::Ghk)
    }
}

/// What a channel's current has to do with pools, within a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ionic {
    pub law: BlockLaw,
    /// Which of the block's pools it fills.
    pub pool: Option<usize>,
    /// By line of the channel: the line of the pool in working memory.
    pub lines: Vec<Option<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BlockLaw {
    Ohmic,
    Nernst,
    Ghk(Ghk),
    GhkHeld { ghk: Ghk, inside: f64, outside: f64 },
}

impl Ionic {
    /// `None` for a channel that does not care.
    pub fn new(
        plan: (&[super::pool::Ion], f64),
        kind: &Channel,
        rows: &[u32],
        pools: &[super::pool::BlockPool],
    ) -> Option<Self> {
        let (ions, kelvin) = plan;
        if kind.is_plain() {
            return None;
        }
        let pool = kind.ion.and_then(|ion| pools.iter().position(|p| p.ion == usize::from(ion)));
        let lines =
            rows.iter().map(|&row| pool.and_then(|p| Some((pools[p].at + pools[p].line(row)?) as u32))).collect();
        let law = match kind.law {
            Law::Ohmic => BlockLaw::Ohmic,
            Law::Nernst => BlockLaw::Nernst,
            Law::Ghk => {
                let valence = kind.ion.and_then(|ion| ions.get(usize::from(ion))).map_or(0, |ion| ion.valence);
                BlockLaw::Ghk(Ghk::new(valence, kelvin))
            }
            Law::GhkHeld { valence, inside, outside } => {
                BlockLaw::GhkHeld { ghk: Ghk::new(valence, kelvin), inside, outside }
            }
        };
        Some(Self { law, pool, lines })
    }
}

impl BlockLaw {
    /// Outward current (pA) and its slope (nS) for `g` (nS, or um3/ms) at `v` mV; `reversal`: mV, `inside`: mM.
    pub fn at(self, g: f64, v: f64, (reversal, inside, outside): (f64, f64, f64)) -> (f64, f64) {
        match self {
            Self::Ohmic | Self::Nernst => (g * (v - reversal), g),
            Self::Ghk(ghk) => ghk.current_and_slope(g, v, inside, outside),
            Self::GhkHeld { ghk, inside, outside } => ghk.current_and_slope(g, v, inside, outside),
        }
    }
}

/// Working memory of the pools of a block, a line each: concentration half a step ahead, reversal potential, slope and
/// offset of the current that comes in.
const WORK: usize = 4;

/// Lines of working memory for the pools of a block, that of what moves at the end.
pub(super) fn work_lines(block: &Block) -> usize {
    let moving = block.pools.iter().map(super::pool::BlockPool::nodes).max().unwrap_or(0);
    WORK * block.pool_lines + diffusion::WORK * moving
}

/// Adds the currents of all such channels to the matrix, and keeps what comes into pools.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "columns, each its own thing")]
pub(super) fn deposit<L: Lanes>(
    plan: &Plan,
    block: &Block,
    (v, gates, pools): (&[F64x8], &[F64x8], &[F64x8]),
    work: &mut [F64x8],
    diagonal: &mut [F64x8],
    rhs: &mut [F64x8],
    brought: &[Carried],
    ahead: bool,
) {
    let n = block.pool_lines;
    let (inside, rest) = work.split_at_mut(n);
    let (reversal, rest) = rest.split_at_mut(n);
    let (slopes, rest) = rest.split_at_mut(n);
    let offsets = &mut rest[..n];
    let (zero, half) = (L::splat(0.0), L::splat(if ahead { 0.5 } else { 0.0 }));
    for pool in &block.pools {
        let (m, outside, scale) = (pool.rows.len(), L::splat(pool.outside), L::splat(pool.nernst));
        let state = &pools[LINES * pool.at..LINES * (pool.at + m)];
        for k in 0..m {
            let (c, before) = (L::load(&state[k]), L::load(&state[m + k]));
            // Half of it at least: what falls faster is not resolved, and stays a concentration.
            let next = half.mul_add(c - before, c).max(L::splat(0.5) * c);
            next.store(&mut inside[pool.at + k]);
            (scale * lanes::ln(outside / next)).store(&mut reversal[pool.at + k]);
            zero.store(&mut slopes[pool.at + k]);
            zero.store(&mut offsets[pool.at + k]);
        }
    }
    bring(block, brought, slopes, offsets);
    for c in &block.channels {
        let Some(ionic) = &c.ionic else { continue };
        let (m, kind) = (c.rows.len(), &plan.channels[c.channel].gates[..]);
        let outside = ionic.pool.map_or(0.0, |p| block.pools[p].outside);
        for k in 0..m {
            let g = open::<L>(c, kind, gates, k);
            let row = c.rows[k] as usize;
            let line = ionic.lines[k].map(|line| line as usize);
            let v = L::load(&v[row]);
            let (slope, offset) = match (ionic.law, line) {
                (BlockLaw::Ohmic, _) => (g, g * c.e_rev::<L>(k)),
                (BlockLaw::Nernst, Some(line)) => (g, g * L::load(&reversal[line])),
                (BlockLaw::Ghk(ghk), Some(line)) => {
                    let (i, slope) = ghk.current_and_slope(g, v, L::load(&inside[line]), L::splat(outside));
                    (slope, slope * v - i)
                }
                (BlockLaw::GhkHeld { ghk, inside, outside }, _) => {
                    let (i, slope) = ghk.current_and_slope(g, v, L::splat(inside), L::splat(outside));
                    (slope, slope * v - i)
                }
                // The plan has seen that the pool is there.
                (BlockLaw::Nernst | BlockLaw::Ghk(_), None) => (zero, zero),
            };
            (L::load(&diagonal[row]) + slope).store(&mut diagonal[row]);
            (L::load(&rhs[row]) + offset).store(&mut rhs[row]);
            if let Some(line) = line {
                (L::load(&slopes[line]) + slope).store(&mut slopes[line]);
                (L::load(&offsets[line]) + offset).store(&mut offsets[line]);
            }
        }
    }
}

/// What ports bring in.
fn bring(block: &Block, brought: &[Carried], slopes: &mut [F64x8], offsets: &mut [F64x8]) {
    for &Carried { ion, site, g, i } in brought {
        let Some(pool) = block.pools.iter().find(|p| p.ion == ion) else { continue };
        let Some(k) = pool.line(site.compartment) else { continue };
        slopes[pool.at + k].0[site.lane] += g;
        offsets[pool.at + k].0[site.lane] += i;
    }
}

/// What is open of line `k`: nS, or um3/ms; 0 in lanes without the channel.
#[inline(always)]
fn open<L: Lanes>(c: &BlockChannel, kind: &[Gate], gates: &[F64x8], k: usize) -> L {
    let m = c.rows.len();
    let g_max = L::load(&c.g_max[k]);
    let mut g = g_max;
    for (j, gate) in kind.iter().enumerate() {
        let x = L::load(&gates[c.gates_at + j * m + k]);
        for _ in 0..gate.count {
            g = g * x;
        }
    }
    let zero = L::splat(0.0);
    L::select(g_max.gt(zero), g, zero)
}

/// Advances all pools of a block by `h` ms with the solved voltages `v`; gives the lanes that are sound.
#[inline(always)]
pub(super) fn advance<L: Lanes>(
    block: &Block,
    pools: &mut [F64x8],
    work: &mut [F64x8],
    v: &[F64x8],
    h: f64,
) -> L::Mask {
    let n = block.pool_lines;
    let (currents, moving) = work.split_at_mut(WORK * n);
    let (slopes, offsets) = (&currents[2 * n..3 * n], &currents[3 * n..]);
    let mut sound = L::splat(0.0).lt(L::splat(1.0));
    for pool in &block.pools {
        sound = sound.and(pool.advance::<L>(pools, (slopes, offsets), v, (moving, h)));
    }
    sound
}
