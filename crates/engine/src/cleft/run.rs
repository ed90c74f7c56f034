//! The clock of one cleft: steps of its own choosing up to the moment asked for.

use super::plan::Cleft;
use super::rodas::{Attempt, STAGES};
use super::state::{State, Vesicle};
use crate::fault::{Fault, Quantity};
use crate::time::{TICKS_PER_MS, Tick};
use numerics::constants::AVOGADRO;
use numerics::simd::{F64x8, LANES, Level};

/// How exact to be: the error of a step is below `absolute + relative * |value|`, root mean square over the shells (and
/// states of a resident), the worst of ligand, vesicles and residents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative part.
    pub relative: f64,
    /// Absolute part of concentrations, mM.
    pub concentration: f64,
    /// Absolute part of occupancies.
    pub occupancy: f64,
}

impl Default for Tolerance {
    /// Peaks to about 0.1 %.
    fn default() -> Self {
        Self { relative: 1e-3, concentration: 1e-5, occupancy: 1e-5 }
    }
}

/// Work done by one call: what a slow-down would raise. A Rosenbrock step needs no Newton iterations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps kept.
    pub accepted: u64,
    /// Steps thrown away.
    pub rejected: u64,
    /// Jacobians made and factorised, one a step tried.
    pub factorisations: u64,
    /// Linear systems solved, six a step tried.
    pub solves: u64,
}

/// Working memory of a cleft; never saved.
#[derive(Clone, Debug)]
pub struct Scratch {
    pub(super) y: Vec<F64x8>,
    pub(super) after: Vec<F64x8>,
    pub(super) u: Vec<F64x8>,
    pub(super) lu: Vec<F64x8>,
    /// `W_pp^-1 W_pc` and `W_cp`, laid out as the residents are.
    pub(super) z: Vec<F64x8>,
    pub(super) row: Vec<F64x8>,
    pub(super) schur: Vec<F64x8>,
    pub(super) own: Vec<F64x8>,
    pub(super) pivot: Vec<f64>,
    pub(super) factor: Vec<f64>,
    pub(super) over: Vec<f64>,
    /// Over the edges, amol/ms.
    pub(super) flow: Vec<f64>,
    /// Contents and radii of vesicles, escaped, turned over.
    pub(super) y_plain: Vec<f64>,
    pub(super) after_plain: Vec<f64>,
    pub(super) u_plain: Vec<f64>,
}

/// The controller of the step, over one call.
struct Pace<'a> {
    plan: &'a Cleft,
    level: Level,
    rates: &'a [f64],
    released: f64,
    tolerance: Tolerance,
    /// Step proposed, ms.
    h: f64,
    work: Work,
}

impl<'a> Pace<'a> {
    /// `end`: ms to go.
    fn new(plan: &'a Cleft, level: Level, state: &'a State, tolerance: Tolerance, end: f64) -> Self {
        // Only the very first step has no proposal; a short interval must not shorten the one there is.
        let h = if state.next.is_finite() || end == 0.0 { state.next } else { end };
        Self { plan, level, rates: &state.rates, released: state.released, tolerance, h, work: Work::default() }
    }

    /// Tries a step of `step` ms and says whether it is kept, swapped in then; `cut`: shorter than proposed.
    fn attempt(&mut self, scratch: &mut Scratch, step: f64, cut: bool) -> bool {
        let Self { plan, level, rates, released, tolerance, .. } = *self;
        let error = level.dispatch(Attempt { plan, rates, released, h: step, tolerance, scratch });
        self.work.factorisations += 1;
        self.work.solves += STAGES as u64;
        let factor = if error > 0.0 { 0.9 / error.sqrt().sqrt() } else { 6.0 };
        if error <= 1.0 {
            self.work.accepted += 1;
            std::mem::swap(&mut scratch.y, &mut scratch.after);
            std::mem::swap(&mut scratch.y_plain, &mut scratch.after_plain);
            let proposed = step * factor.clamp(0.2, 6.0);
            // A step cut short by the end says nothing against the one proposed before.
            self.h = if cut { proposed.max(self.h) } else { proposed };
            true
        } else {
            self.work.rejected += 1;
            self.h = step * if error.is_finite() { factor.clamp(0.1, 0.9) } else { 0.1 };
            false
        }
    }
}

impl Cleft {
    /// Working memory for [`advance`](Self::advance); one a thread, kept between calls.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let lines = |n: usize| vec![F64x8::splat(0.0); n];
        Scratch {
            y: lines(self.lines),
            after: lines(self.lines),
            u: lines(self.lines * STAGES),
            lu: lines(self.factors),
            z: lines(self.lines),
            row: lines(self.lines),
            schur: lines(self.groups),
            own: lines(self.groups),
            pivot: vec![0.0; self.shells()],
            factor: vec![0.0; self.shells()],
            over: vec![0.0; self.shells()],
            flow: vec![0.0; self.shells() + 1],
            y_plain: Vec::new(),
            after_plain: Vec::new(),
            u_plain: Vec::new(),
        }
    }

    /// Advances by exactly `interval`. The same sequence of intervals gives the same bits, across a save and load too,
    /// whatever the scratch was used for. Allocates only when more vesicles are open than ever before.
    ///
    /// # Errors
    /// A [`Fault`], whose `instance` is the shell, when a value becomes non-finite or the step needed falls below a
    /// thousandth of a tick; the state is then as before. Panics on a state or scratch of another cleft, or if
    /// `interval` is negative.
    pub fn advance(
        &self,
        state: &mut State,
        scratch: &mut Scratch,
        interval: Tick,
        tolerance: Tolerance,
    ) -> Result<Work, Fault> {
        self.advance_at(Level::best(), state, scratch, interval, tolerance)
    }

    /// [`advance`](Self::advance) with the lanes of `level`: the same bits.
    fn advance_at(
        &self,
        level: Level,
        state: &mut State,
        scratch: &mut Scratch,
        interval: Tick,
        tolerance: Tolerance,
    ) -> Result<Work, Fault> {
        assert!(interval >= Tick::ZERO, "time runs forwards");
        let end = interval.ms();
        self.load(state, scratch);
        let mut pace = Pace::new(self, level, state, tolerance, end);
        let mut time = 0.0;
        while time < end {
            // The last step ends on the spot; a sliver is never left over.
            let last = time + pace.h * 1.000_001 >= end;
            let step = if last { end - time } else { pace.h };
            if pace.attempt(scratch, step, last) {
                time = if last { end } else { time + step };
            } else if pace.h < 1e-3 * Tick(1).ms() {
                // A thousandth of a tick: nothing that a clock of ticks could show is that fast.
                let at = Tick::from_ms(state.clock.ms() + time).unwrap_or(state.clock);
                return Err(self.fault(scratch, pace.h, at));
            }
        }
        let Pace { h, work, .. } = pace;
        self.keep(state, scratch, h, interval);
        Ok(work)
    }

    /// One step of the solver's own choosing, a whole number of ticks and at most `limit`; gives its length. A step cut
    /// short by `limit` says nothing against the pace. The same sequence of limits gives the same bits, across a save
    /// and load too, whatever the scratch was used for. Allocates only when more vesicles are open than ever before.
    ///
    /// # Errors
    /// A [`Fault`], whose `instance` is the shell, when a value becomes non-finite or a step of one tick is not exact
    /// enough; the state is then as before. Panics on a state or scratch of another cleft, or if `limit` is not above 0.
    pub fn step(
        &self,
        state: &mut State,
        scratch: &mut Scratch,
        limit: Tick,
        tolerance: Tolerance,
    ) -> Result<(Tick, Work), Fault> {
        self.step_at(Level::best(), state, scratch, limit, tolerance)
    }

    /// [`step`](Self::step) with the lanes of `level`: the same bits. Leaves where it began in `scratch.after`, where it
    /// ended in `scratch.y`, and its stages in `scratch.u`.
    pub(super) fn step_at(
        &self,
        level: Level,
        state: &mut State,
        scratch: &mut Scratch,
        limit: Tick,
        tolerance: Tolerance,
    ) -> Result<(Tick, Work), Fault> {
        assert!(limit > Tick::ZERO, "a step needs time");
        let end = limit.ms();
        self.load(state, scratch);
        let mut pace = Pace::new(self, level, state, tolerance, end);
        let step = loop {
            let last = pace.h * 1.000_001 >= end;
            let step = if last { limit } else { Tick((pace.h * TICKS_PER_MS as f64) as i64).max(Tick(1)) };
            if pace.attempt(scratch, step.ms(), last) {
                break step;
            } else if step == Tick(1) {
                return Err(self.fault(scratch, pace.h, state.clock));
            }
        };
        let Pace { h, work, .. } = pace;
        self.keep(state, scratch, h, step);
        Ok((step, work))
    }

    /// Reads the state into the scratch.
    fn load(&self, state: &State, scratch: &mut Scratch) {
        assert!(scratch.u.len() == self.lines * STAGES && scratch.lu.len() == self.factors, "a scratch of this cleft");
        Self::align(self.lines(state), &mut scratch.y);
        let plain = &mut scratch.y_plain;
        plain.clear();
        plain.extend(state.vesicles.iter().flat_map(|v| [v.content, v.radius]));
        plain.push(state.escaped);
        plain.extend_from_slice(&state.turned_over);
        let numbers = plain.len();
        scratch.after_plain.resize(numbers, 0.0);
        scratch.u_plain.resize(numbers * STAGES, 0.0);
    }

    /// Writes what was reached back into the state; vesicles with less than a millionth of a molecule close.
    fn keep(&self, state: &mut State, scratch: &mut Scratch, next: f64, interval: Tick) {
        state.next = next;
        state.clock += interval;
        let plain = &scratch.y_plain;
        let open = 2 * state.vesicles.len();
        state.escaped = plain[open];
        state.turned_over.copy_from_slice(&plain[open + 1..]);
        for (vesicle, now) in state.vesicles.iter_mut().zip(plain.chunks_exact(2)) {
            *vesicle = Vesicle { content: now[0], radius: now[1] };
        }
        let done =
            |v: &Vesicle| v.content.abs() * AVOGADRO < 1e-6 && (v.radius > 0.0 || self.source.pore.growth() == 0.0);
        let rest: f64 = state.vesicles.iter().filter(|v| done(v)).map(|v| v.content).sum();
        if rest != 0.0 {
            self.pour(F64x8::as_f64s_mut(&mut scratch.y), rest);
        }
        state.vesicles.retain(|v| !done(v));
        state.values.copy_from_slice(F64x8::as_f64s(&scratch.y));
    }

    /// What broke, and in which shell: the first number that is not finite, else the shell of the largest error.
    fn fault(&self, scratch: &Scratch, h: f64, at: Tick) -> Fault {
        let shells = self.shells();
        let c = &F64x8::as_f64s(&scratch.after)[..shells];
        if let Some(shell) = c.iter().position(|v| !v.is_finite()) {
            return Fault { quantity: Quantity::Concentration { ligand: 0 }, value: c[shell], instance: shell, at };
        }
        for block in &self.blocks {
            for g in 0..block.groups {
                for state in 0..block.states {
                    let lanes = scratch.after[block.offset + g * block.states + state].0;
                    if let Some(lane) = lanes.iter().position(|v| !v.is_finite()) {
                        let instance = (block.first + g) * LANES + lane;
                        return Fault { quantity: Quantity::Occupancy { state }, value: lanes[lane], instance, at };
                    }
                }
            }
        }
        let errors = &F64x8::as_f64s(&scratch.u[(STAGES - 1) * self.lines..])[..shells];
        let larger = |worst: usize, i: usize| if errors[i].abs() > errors[worst].abs() { i } else { worst };
        Fault { quantity: Quantity::Step, value: h, instance: (0..shells).fold(0, larger), at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cleft::{Amount, Geometry, Pore, Resident, Rim, Site, Source, Stretch};
    use crate::mechanism::{
        Description, Kinetics, LigandIndex, ObservableIndex, OutputIndex, ProgramBuilder, StateIndex, Transition,
    };

    /// A buffer: bound and free.
    fn buffer() -> Resident {
        let mut builder = ProgramBuilder::new(0);
        let outputs = [30.0, 6.0].map(|rate| builder.constant(rate));
        let step = |from, to, rate, takes_up, gives_off| Transition {
            from: StateIndex(from),
            to: StateIndex(to),
            rate: OutputIndex(rate),
            takes_up,
            gives_off,
        };
        let ligand = Some(LigandIndex(0));
        let kinetics = Kinetics::new(Description {
            states: 2,
            ligands: 1,
            transitions: vec![step(0, 1, 0, ligand, None), step(1, 0, 1, None, ligand)],
            rates: builder.finish(&outputs).unwrap(),
            inputs: vec![],
            absorbing: vec![],
            observables: vec![vec![0.3, 1.0]],
        })
        .unwrap();
        Resident::new(kinetics, vec![30.0, 6.0], Site::Annulus(0.05, 0.21), Amount::PerArea(2000.0))
    }

    #[test]
    fn every_simd_level_gives_the_same_bits() {
        let geometry =
            Geometry { radius: 0.3, height: 0.02, diffusion: 0.33, shells: 21, grading: 0.4, rim: Rim::Absorbing };
        let source = Source { pore: Pore::FirstOrder { tau: 0.03 }, radius: 0.01 };
        let cleft = Cleft::new(&geometry, &source, &[buffer()]).unwrap();
        let watch = cleft.watch(&[(0, ObservableIndex(0))]).unwrap();
        let run = |level| {
            let (mut state, mut scratch, mut stretch) = (cleft.start(), cleft.scratch(), Stretch::default());
            cleft.release(&mut state, 3000.0).unwrap();
            cleft.advance_at(level, &mut state, &mut scratch, Tick(200_000_000), Tolerance::default()).unwrap();
            for _ in 0..5 {
                cleft
                    .step_into_at(
                        level,
                        (&mut state, &mut scratch),
                        Tick(1 << 40),
                        Tolerance::default(),
                        &watch,
                        &mut stretch,
                    )
                    .unwrap();
            }
            (snapshot(&state), crate::snapshot::save(0, &stretch).unwrap())
        };
        let want = run(Level::Portable);
        for &level in Level::available() {
            assert_eq!(run(level), want, "{level:?}");
        }
    }

    fn snapshot(state: &State) -> Vec<u8> {
        crate::snapshot::save(0, state).unwrap()
    }
}
