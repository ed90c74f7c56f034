//! One step read anywhere within: the solver's own dense output, a cubic through both ends.
//!
//! `y(s) = (1 - s) y0 + s (y1 + (1 - s) (bend + s twist))`, bend and twist from the stages: order 3, and unlike a cubic
//! through the slopes at the ends it does not multiply what little error stiff modes have left by their rate.
//! Source: Hairer & Wanner 1996, Solving ODEs II, IV.7 and VI.4, and their code `rodas.f`, METH=1.

use super::plan::{Cleft, CleftError};
use super::rodas::total;
use super::run::{Scratch, Tolerance, Work};
use super::state::State;
use crate::fault::Fault;
use crate::mechanism::ObservableIndex;
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use serde::{Deserialize, Serialize};

/// Weights of the first five stages in the bend.
const BEND: [f64; 5] = [
    10.126_235_083_445_86,
    -7.487_995_877_610_167,
    -34.800_918_615_557_47,
    -7.992_771_707_568_823,
    1.025_137_723_295_662,
];
/// And in the twist.
const TWIST: [f64; 5] = [
    -0.676_280_339_280_125_3,
    6.087_714_651_680_015,
    16.430_843_208_924_78,
    24.767_225_114_183_86,
    -6.594_389_125_716_872,
];

/// Observables to be read within steps: made once by [`Cleft::watch`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    list: Vec<Watched>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
struct Watched {
    resident: usize,
    /// State, and its weight over the amount of residents in all, /amol.
    weights: Vec<(usize, f64)>,
}

/// One step and what is needed to read it anywhere within. A default one is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    from: Tick,
    to: Tick,
    shells: usize,
    /// Start, end, bend and twist of each shell's concentration, then of each observable.
    cubics: Vec<[f64; 4]>,
}

impl Stretch {
    /// When the step began.
    #[must_use]
    pub fn from(&self) -> Tick {
        self.from
    }

    /// When it ended.
    #[must_use]
    pub fn to(&self) -> Tick {
        self.to
    }

    /// How many shells it holds: rings of the disc, then shells of tissue; 0 if it is empty.
    #[must_use]
    pub fn shells(&self) -> usize {
        self.shells
    }

    /// How many observables it holds.
    #[must_use]
    pub fn observables(&self) -> usize {
        self.cubics.len() - self.shells
    }

    /// Concentration in a shell in mM, 0 where the cubic is below. Panics outside the step or on a shell that is not there.
    #[must_use]
    pub fn concentration(&self, shell: usize, at: Tick) -> f64 {
        self.mean_concentration(shell, at, at)
    }

    /// Mean concentration in a shell in mM between two moments (at the moment if they are one): the cubic's exact
    /// integral, 0 where that is below. Panics outside the step, on moments out of order or a shell that is not there.
    #[must_use]
    pub fn mean_concentration(&self, shell: usize, from: Tick, to: Tick) -> f64 {
        self.mean(&self.cubics[..self.shells][shell], from, to).max(0.0)
    }

    /// The `which`th observable watched. Panics outside the step or where there is none.
    #[must_use]
    pub fn observable(&self, which: usize, at: Tick) -> f64 {
        self.mean_observable(which, at, at)
    }

    /// Its mean between two moments (at the moment if they are one). Panics outside the step, on moments out of order or
    /// where there is none.
    #[must_use]
    pub fn mean_observable(&self, which: usize, from: Tick, to: Tick) -> f64 {
        self.mean(&self.cubics[self.shells..][which], from, to)
    }

    /// Mean of a cubic.
    fn mean(&self, &[start, end, bend, twist]: &[f64; 4], from: Tick, to: Tick) -> f64 {
        assert!(
            self.from <= from && from <= to && to <= self.to,
            "{from} to {to} lies within {} to {}",
            self.from,
            self.to
        );
        let length = (self.to - self.from).ms();
        let value = |s: f64| {
            // Plain products: outside the dispatched kernels a fused one is a call.
            let inner = (1.0 - s) * (s * twist + bend) + end;
            (1.0 - s) * start + s * inner
        };
        let share = |at: Tick| if at == self.to { 1.0 } else { (at - self.from).ms() / length };
        let (a, b) = (share(from), share(to));
        if from == to {
            return value(a);
        }
        // Simpson's rule is exact for cubics.
        (4.0 * value(0.5 * (a + b)) + (value(a) + value(b))) / 6.0
    }
}

/// Reads a step just kept into cubics: what it began with is in `scratch.after`, what it ended with in `scratch.y`.
struct Record<'a> {
    plan: &'a Cleft,
    scratch: &'a Scratch,
    watch: &'a Watch,
    cubics: &'a mut [[f64; 4]],
}

impl Record<'_> {
    /// Start, end, bend and twist of a line.
    #[inline(always)]
    fn line<L: Lanes>(&self, i: usize) -> [L; 4] {
        let s = self.scratch;
        let (mut bend, mut twist) = (L::splat(0.0), L::splat(0.0));
        for (k, (b, t)) in BEND.iter().zip(TWIST).enumerate() {
            let u = L::load(&s.u[k * self.plan.lines + i]);
            bend = L::splat(*b).mul_add(u, bend);
            twist = L::splat(t).mul_add(u, twist);
        }
        [L::load(&s.after[i]), L::load(&s.y[i]), bend, twist]
    }
}

impl Kernel for Record<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let shells = self.plan.inverse.len();
        for g in 0..self.plan.groups {
            let parts = self.line::<L>(g).map(Lanes::to_array);
            for (lane, cubic) in self.cubics[g * LANES..shells.min((g + 1) * LANES)].iter_mut().enumerate() {
                *cubic = parts.map(|part| part[lane]);
            }
        }
        for (k, watched) in self.watch.list.iter().enumerate() {
            let block = &self.plan.blocks[watched.resident];
            let mut sums = [L::splat(0.0); 4];
            for (g, amount) in block.amount.iter().enumerate() {
                for &(state, weight) in &watched.weights {
                    let weight = L::splat(weight) * L::load(amount);
                    let parts = self.line::<L>(block.offset + g * block.states + state);
                    for (sum, part) in sums.iter_mut().zip(parts) {
                        *sum = weight.mul_add(part, *sum);
                    }
                }
            }
            self.cubics[shells + k] = sums.map(|sum| total(&F64x8(sum.to_array())));
        }
    }
}

impl Cleft {
    /// Observables, each the mean over all molecules of a resident, for [`step_into`](Self::step_into).
    ///
    /// # Errors
    /// [`CleftError::NoSuchResident`] or [`CleftError::NoSuchObservable`].
    pub fn watch(&self, list: &[(usize, ObservableIndex)]) -> Result<Watch, CleftError> {
        let one = |&(resident, observable): &(usize, ObservableIndex)| {
            let block = self.blocks.get(resident).ok_or(CleftError::NoSuchResident { resident })?;
            let none = CleftError::NoSuchObservable { resident, observable: observable.0 };
            let weights = block.resident.kinetics.weights(observable).ok_or(none)?.iter().enumerate();
            let weights = weights.filter(|(_, w)| **w != 0.0).map(|(s, w)| (s, w / block.total)).collect();
            Ok(Watched { resident, weights })
        };
        Ok(Watch { list: list.iter().map(one).collect::<Result<_, _>>()? })
    }

    /// [`step`](Self::step), and what is needed to read it anywhere within: concentrations and the observables watched.
    /// Allocates nothing once `stretch` was used before.
    ///
    /// # Errors
    /// As [`step`](Self::step), and `stretch` is as before too. Panics also on a watch of another cleft.
    pub fn step_into(
        &self,
        state: &mut State,
        scratch: &mut Scratch,
        limit: Tick,
        tolerance: Tolerance,
        watch: &Watch,
        stretch: &mut Stretch,
    ) -> Result<(Tick, Work), Fault> {
        self.step_into_at(Level::best(), (state, scratch), limit, tolerance, watch, stretch)
    }

    /// The same with the lanes of `level`: the same bits.
    pub(super) fn step_into_at(
        &self,
        level: Level,
        (state, scratch): (&mut State, &mut Scratch),
        limit: Tick,
        tolerance: Tolerance,
        watch: &Watch,
        stretch: &mut Stretch,
    ) -> Result<(Tick, Work), Fault> {
        let fits = |w: &Watched| self.blocks.get(w.resident).is_some_and(|b| w.weights.iter().all(|x| x.0 < b.states));
        assert!(watch.list.iter().all(fits), "a watch of this cleft");
        let from = state.clock;
        let done = self.step_at(level, state, scratch, limit, tolerance)?;
        stretch.cubics.resize(self.shells() + watch.list.len(), [0.0; 4]);
        (stretch.from, stretch.to, stretch.shells) = (from, state.clock, self.shells());
        level.dispatch(Record { plan: self, scratch, watch, cubics: &mut stretch.cubics });
        Ok(done)
    }
}
