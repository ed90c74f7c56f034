//! Pools: concentrations of ions inside compartments, moved by the currents of channels and by what removes them.
//!
//! `(1 + bound) c' = -share I / (z F volume) - (c - rest) / tau - v_max / volume (c / (c + k_m) - rest / (rest + k_m))`:
//! a fast buffer of constant capacity, removal at a rate (Destexhe et al. 1993, Biophys J 65:1538) and by a saturating
//! pump, which a leak balances at `rest`. Exchange with neighbours: see [`super::diffusion`]. Limit: each compartment is well
//! mixed.

use super::channel::ChannelInput;
use super::diffusion::{Diffusion, Pooled};
use super::plan::PlanError;
use numerics::constants::{FARADAY, GAS_CONSTANT};
use numerics::math::lanes;
use numerics::simd::{F64x8, LANES, Lanes, Mask, Real};

/// Ions of a plan, at most.
pub const MAX_IONS: usize = 8;

/// Lines of a pool's state: concentration, that of a step before, amount that came in, amount that was removed.
pub(super) const LINES: usize = 4;

/// An ion whose concentration inside changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ion {
    /// Charge number; not 0.
    pub valence: i32,
    /// Concentration outside, mM, held.
    pub outside: f64,
}

/// What moves the concentration of an ion in one compartment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dynamics {
    /// Volume of the pool, um3: a shell below the membrane, or all of the compartment.
    pub volume: f64,
    /// Where the concentration stays without current, mM.
    pub rest: f64,
    /// Time constant of removal of the free ion, ms, infinite for none; with a buffer it takes `1 + bound` times as long.
    pub tau: f64,
    /// Most that the pump carries, amol/ms; 0 for none.
    pub v_max: f64,
    /// Concentration at which it carries half of that, mM.
    pub k_m: f64,
    /// Binding ratio of a fast buffer: bound over free, of small changes.
    pub bound: f64,
    /// Share of the current that comes into the pool.
    pub share: f64,
}

/// A pool in a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooling {
    /// Index of the ion.
    pub ion: usize,
    /// One a compartment; none where there is no pool.
    pub compartments: Vec<Option<Dynamics>>,
    /// What leads the ion to each compartment's parent, um3/ms: the diffusion coefficient of the free ion, and `bound` times
    /// that of its buffer, over the integral of one over the cross-section. Of a joint as well; 0 where nothing passes, and
    /// nothing passes to where there is no pool. Empty where nothing moves at all.
    pub links: Vec<f64>,
}

impl Ion {
    pub(super) fn check(&self, ion: usize) -> Result<(), PlanError> {
        let sound = self.valence != 0 && self.outside > 0.0 && self.outside.is_finite();
        if sound { Ok(()) } else { Err(PlanError::Ion { ion, valence: self.valence, outside: self.outside }) }
    }
}

impl Dynamics {
    /// Volume of a shell of `depth` um below a membrane of `area` um2, as models of one compartment have it: flat.
    #[must_use]
    pub fn shell(area: f64, depth: f64) -> f64 {
        area * depth
    }

    fn sound(&self, moves: bool) -> bool {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let share = |x: f64| x >= 0.0 && x.is_finite();
        let removed = moves || self.tau.is_finite() || self.v_max > 0.0;
        let pump = share(self.v_max) && (self.v_max == 0.0 || positive(self.k_m));
        positive(self.volume)
            && positive(self.rest)
            && self.tau > 0.0
            && removed
            && pump
            && share(self.bound)
            && share(self.share)
    }

    /// What is removed at concentration `c`, net, mM/ms, and its slope, /ms.
    #[must_use]
    pub fn removal(&self, c: f64) -> (f64, f64) {
        Columns::of(self).removal(c)
    }

    /// Concentration after `h` ms from `c` under a constant `current` (pA, outward positive) of an ion of `valence`:
    /// exact without a pump, second order in `h` with one.
    #[must_use]
    pub fn after(&self, c: f64, current: f64, valence: i32, h: f64) -> f64 {
        let columns = Columns::of(self);
        columns.step(c, -self.share * current / (f64::from(valence) * FARADAY * self.volume), h).0
    }
}

/// The same, made ready; on any number of lanes.
#[derive(Clone, Copy)]
struct Columns<R> {
    rest: R,
    /// 1 / tau.
    rate: R,
    /// `v_max / volume k_m / (rest + k_m)`: times `(c - rest) / (c + k_m)` that is the pump, net of its leak.
    pump: R,
    k_m: R,
    /// 1 + bound.
    capacity: R,
}

impl Columns<f64> {
    fn of(d: &Dynamics) -> Self {
        let (pump, k_m) =
            if d.v_max > 0.0 { (d.v_max / d.volume * d.k_m / (d.rest + d.k_m), d.k_m) } else { (0.0, 1.0) };
        Self { rest: d.rest, rate: 1.0 / d.tau, pump, k_m, capacity: 1.0 + d.bound }
    }
}

impl<R: Real> Columns<R> {
    #[inline(always)]
    fn removal(&self, c: R) -> (R, R) {
        let (above, inverse) = (c - self.rest, R::splat(1.0) / (c + self.k_m));
        let pump = self.pump * inverse;
        let slope = (self.rest + self.k_m).mul_add(pump * inverse, self.rate);
        (above * (self.rate + pump), slope)
    }

    /// Concentration after `h` under `influx` (mM/ms, before the buffer), and what was removed meanwhile, mM.
    ///
    /// `c' = f(c)` linearised at its start: `c + h phi f`, `phi = (1 - e^-x) / x`, `x = -f' h` (exponential Euler).
    #[inline(always)]
    fn step(&self, c: R, influx: R, h: R) -> (R, R) {
        let (removal, slope) = self.removal(c);
        let phi = R::splat(1.0) / lanes::exprelr(-(slope * h / self.capacity));
        let net = influx - removal;
        let next = (h * phi / self.capacity).mul_add(net, c);
        (next, h * phi.neg_mul_add(net, influx))
    }
}

/// A pool within a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockPool {
    pub ion: usize,
    pub rows: Vec<u32>,
    /// First line of its working memory; its state begins at [`LINES`] times that.
    pub at: usize,
    /// RT/zF, mV.
    pub nernst: f64,
    pub outside: f64,
    /// mM/ms for each pA of outward current.
    per_current: Vec<F64x8>,
    rest: Vec<F64x8>,
    rate: Vec<F64x8>,
    pump: Vec<F64x8>,
    k_m: Vec<F64x8>,
    capacity: Vec<F64x8>,
    /// um3; 0 in lanes without the pool.
    pub volume: Vec<F64x8>,
    /// Where it moves.
    pub diffusion: Option<Diffusion>,
}

impl BlockPool {
    /// The pool of an ion in up to eight cells; none if no cell has it.
    pub fn new(
        (ion, kind): (usize, &Ion),
        all: &[Option<Pooled<'_>>],
        n: usize,
        kelvin: f64,
        at: &mut usize,
    ) -> Option<Self> {
        let cells: Vec<Option<&Pooling>> = all.iter().map(|of| of.map(|(pooling, _)| pooling)).collect();
        let dynamics =
            |row: usize, lane: usize| cells.get(lane).and_then(|c| c.as_ref()?.compartments.get(row)?.as_ref());
        let rows: Vec<u32> =
            (0..n).filter(|&row| (0..LANES).any(|lane| dynamics(row, lane).is_some())).map(|row| row as u32).collect();
        // A lane without the pool has the numbers of one that has it and neither volume nor current.
        let first = |row: u32| (0..LANES).find_map(|lane| dynamics(row as usize, lane));
        let column = |value: &dyn Fn(&Dynamics, bool) -> f64| -> Vec<F64x8> {
            let line = |&row: &u32| {
                let lane = |lane| {
                    let here = dynamics(row as usize, lane);
                    here.or_else(|| first(row)).map_or(0.0, |d| value(d, here.is_some()))
                };
                F64x8(std::array::from_fn(lane))
            };
            rows.iter().map(line).collect()
        };
        let charge = f64::from(kind.valence) * FARADAY;
        let own = |x: f64, here: bool| if here { x } else { 0.0 };
        let mut pool = Self {
            ion,
            at: *at,
            nernst: GAS_CONSTANT * kelvin / charge,
            outside: kind.outside,
            per_current: column(&|d, here| own(-d.share / (charge * d.volume), here)),
            rest: column(&|d, _| d.rest),
            rate: column(&|d, _| Columns::of(d).rate),
            pump: column(&|d, _| Columns::of(d).pump),
            k_m: column(&|d, _| Columns::of(d).k_m),
            capacity: column(&|d, _| Columns::of(d).capacity),
            volume: column(&|d, here| own(d.volume, here)),
            rows,
            diffusion: None,
        };
        pool.diffusion = Diffusion::new(&pool, all);
        *at += pool.rows.len();
        (!pool.rows.is_empty()).then_some(pool)
    }

    /// All numbers that decide results, for the fingerprint.
    pub fn columns(&self) -> [&[F64x8]; 7] {
        [&self.per_current, &self.rest, &self.rate, &self.pump, &self.k_m, &self.capacity, &self.volume]
    }

    /// The line of a row.
    pub fn line(&self, row: u32) -> Option<usize> {
        self.rows.binary_search(&row).ok()
    }

    /// Whether a lane has the pool in a line.
    pub fn has(&self, (k, lane): (usize, usize)) -> bool {
        self.volume[k].0[lane] > 0.0
    }

    /// Amount per concentration (free and bound together, amol/mM) of a line in a lane.
    pub fn room(&self, (k, lane): (usize, usize)) -> f64 {
        self.volume[k].0[lane] * self.capacity[k].0[lane]
    }

    /// 1 + bound of a line in a lane.
    pub fn capacity(&self, (k, lane): (usize, usize)) -> f64 {
        self.capacity[k].0[lane]
    }

    pub fn rest(&self, (k, lane): (usize, usize)) -> f64 {
        self.rest[k].0[lane]
    }

    /// How fast concentration times capacity grows at `c` mM under an outward `current` (pA), mM/ms.
    pub fn excess(&self, (k, lane): (usize, usize), c: f64, current: f64) -> f64 {
        let of = |column: &[F64x8]| column[k].0[lane];
        let columns = Columns {
            rest: of(&self.rest),
            rate: of(&self.rate),
            pump: of(&self.pump),
            k_m: of(&self.k_m),
            capacity: of(&self.capacity),
        };
        current * of(&self.per_current) - columns.removal(c).0
    }

    /// What is removed of line `k` at concentration `c`, mM/ms, and its slope, /ms.
    #[inline(always)]
    pub fn removal<R: Lanes>(&self, k: usize, c: R) -> (R, R) {
        self.line_of(k).removal(c)
    }

    /// Concentration of line `k` after `h` under `influx`, nothing moving, and what was removed meanwhile: [`Columns::step`].
    #[inline(always)]
    pub fn step<R: Lanes>(&self, k: usize, c: R, influx: R, h: R) -> (R, R) {
        self.line_of(k).step(c, influx, h)
    }

    #[inline(always)]
    fn line_of<R: Lanes>(&self, k: usize) -> Columns<R> {
        Columns {
            rest: R::load(&self.rest[k]),
            rate: R::load(&self.rate[k]),
            pump: R::load(&self.pump[k]),
            k_m: R::load(&self.k_m[k]),
            capacity: R::load(&self.capacity[k]),
        }
    }

    /// Lines of working memory that its diffusion needs.
    pub fn nodes(&self) -> usize {
        self.diffusion.as_ref().map_or(0, |d| d.rows.len())
    }

    /// Lines of its state that hold concentrations, those of a step before, amounts come in, amounts removed.
    pub fn lines(&self) -> [std::ops::Range<usize>; LINES] {
        let m = self.rows.len();
        std::array::from_fn(|part| (LINES * self.at + part * m)..(LINES * self.at + (part + 1) * m))
    }

    /// Advances all lines by `h` ms, `work` at hand for what moves; `carried`: slopes (nS) and offsets (pA) of the currents that come in, the current at
    /// `v` mV being `slope v - offset`. Gives the lanes whose concentrations are all numbers above 0.
    #[inline(always)]
    pub fn advance<L: Lanes>(
        &self,
        state: &mut [F64x8],
        carried: (&[F64x8], &[F64x8]),
        v: &[F64x8],
        (work, h): (&mut [F64x8], f64),
    ) -> L::Mask {
        let m = self.rows.len();
        let (slopes, offsets) = (&carried.0[self.at..self.at + m], &carried.1[self.at..self.at + m]);
        let state = &mut state[LINES * self.at..LINES * (self.at + m)];
        if let Some(moving) = &self.diffusion {
            let influx = |k: usize| {
                let current = L::load(&slopes[k]).mul_add(L::load(&v[self.rows[k] as usize]), -L::load(&offsets[k]));
                current * L::load(&self.per_current[k])
            };
            return moving.advance(self, state, influx, work, h);
        }
        let h = L::splat(h);
        let (zero, infinite) = (L::splat(0.0), L::splat(f64::INFINITY));
        let mut sound = zero.lt(infinite);
        for k in 0..m {
            let of = |column: &[F64x8]| L::load(&column[k]);
            let v = L::load(&v[self.rows[k] as usize]);
            let current = of(slopes).mul_add(v, -of(offsets));
            let influx = current * of(&self.per_current);
            let c = L::load(&state[k]);
            let (next, removed) = self.step(k, c, influx, h);
            sound = sound.and(zero.lt(next)).and(next.lt(infinite));
            next.store(&mut state[k]);
            c.store(&mut state[m + k]);
            let volume = of(&self.volume);
            (influx * h).mul_add(volume, L::load(&state[2 * m + k])).store(&mut state[2 * m + k]);
            removed.mul_add(volume, L::load(&state[3 * m + k])).store(&mut state[3 * m + k]);
        }
        sound
    }
}

/// Lines of a block's state that hold the concentration which an input stands for, one a row.
pub(super) fn read(input: ChannelInput, rows: &[u32], pools: &[BlockPool]) -> Option<Vec<u32>> {
    let ChannelInput::Concentration(ion) = input else { return None };
    let pool = pools.iter().find(|p| p.ion == usize::from(ion))?;
    let first = pool.lines()[0].start;
    rows.iter().map(|&row| Some((first + pool.line(row)?) as u32)).collect()
}

/// Whether the pools of a cell are pools.
pub(super) fn check(cell: usize, pools: &[Pooling], n: usize, ions: &[Ion]) -> Result<(), PlanError> {
    for (pool, p) in pools.iter().enumerate() {
        let twice = pools[..pool].iter().any(|other| other.ion == p.ion);
        let bad = p.compartments.iter().position(|d| d.as_ref().is_some_and(|d| !d.sound(!p.links.is_empty())));
        let linked = p.links.is_empty() || p.links.len() == n && p.links.iter().all(|g| *g >= 0.0 && g.is_finite());
        if p.ion >= ions.len() || twice || p.compartments.len() != n || !linked {
            return Err(PlanError::Pool { cell, pool, compartment: 0 });
        }
        if let Some(compartment) = bad {
            return Err(PlanError::Pool { cell, pool, compartment });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use numerics::math;

    const SHELL: Dynamics =
        Dynamics { volume: 100.0, rest: 5e-5, tau: 5.0, v_max: 0.0, k_m: 0.0, bound: 0.0, share: 1.0 };

    #[test]
    fn a_constant_current_fills_a_pool_exponentially_whatever_the_step() {
        // 10 pA of calcium into 100 um3: 10 / (2 F 100) mM/ms, the end tau times that above rest.
        let end = 5.0 * 10.0 / (2.0 * FARADAY * 100.0);
        for steps in [1, 7, 1000] {
            let h = 12.0 / f64::from(steps);
            let c = (0..steps).fold(5e-5, |c, _| SHELL.after(c, -10.0, 2, h));
            let want = 5e-5 + end * (1.0 - math::exp(-12.0 / 5.0));
            assert!((c / want - 1.0).abs() < 1e-13, "{steps}: {c} {want}");
        }
        // A buffer makes it slower and no different in the end.
        let buffered = Dynamics { bound: 99.0, ..SHELL };
        let c = buffered.after(5e-5, -10.0, 2, 1200.0);
        assert!((c / (5e-5 + end * (1.0 - math::exp(-1200.0 / 500.0))) - 1.0).abs() < 1e-13);
        // Half of the current, half of the rise; outward current of calcium empties, of an anion fills.
        let half = Dynamics { share: 0.5, ..SHELL };
        let rise = |d: &Dynamics, current, z| d.after(5e-5, current, z, 1e-3) - 5e-5;
        assert!((rise(&half, -10.0, 2) / rise(&SHELL, -10.0, 2) - 0.5).abs() < 1e-9);
        assert!(rise(&SHELL, 0.01, 2) < 0.0 && rise(&SHELL, 0.01, -1) > 0.0);
    }

    #[test]
    fn a_pump_saturates_rests_where_it_should_and_converges_with_the_square_of_the_step() {
        let pump = Dynamics { tau: f64::INFINITY, v_max: 2.0, k_m: 1e-3, ..SHELL };
        assert_eq!(pump.removal(5e-5).0, 0.0);
        let by_hand = |c: f64| 0.02 * (c / (c + 1e-3) - 5e-5 / (5e-5 + 1e-3));
        for c in [1e-6, 1e-4, 1e-3, 0.5] {
            let (rate, slope) = pump.removal(c);
            assert!((rate - by_hand(c)).abs() < 1e-14, "{c}");
            let difference = (by_hand(c * (1.0 + 1e-6)) - by_hand(c * (1.0 - 1e-6))) / (2e-6 * c);
            assert!((slope / difference - 1.0).abs() < 1e-7, "{c}: {slope} {difference}");
        }
        let run = |steps: u32| (0..steps).fold(0.02, |c, _| pump.after(c, -1.0, 2, 2.0 / f64::from(steps)));
        let exact = run(20_000);
        let errors = [20, 40, 80].map(|n| (run(n) - exact).abs());
        for pair in errors.windows(2) {
            let order = math::ln(pair[0] / pair[1]) / std::f64::consts::LN_2;
            assert!((order - 2.0).abs() < 0.1, "order {order}: {errors:?}");
        }
    }
}
