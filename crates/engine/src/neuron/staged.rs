//! A step of a block in stages, for cells whose voltages hang together with those of others: what acts, elimination up to the
//! roots, then, when currents from others are known, the way back. What [`super::run`] does at a stretch, with the same bits.
//!
//! After elimination a compartment at the places that currents may come to is a row `(factor, inverse, rest)`: see
//! [`Staged::row`]. A current that is added there goes up to the root by the factors and comes into `rest` times the inverse.

use super::drive::{Drive, Moment, PortFaults};
use super::ionic::{self, work_lines};
use super::kernel::{Conducting, Own, sound};
use super::occupancy::{self, Interval};
use super::plan::{Block, BlockChannel, Plan};
use super::run::{Method, Part, RunError, Spike, Stepping, Work, blame, crossings, holds, rates};
use super::state::{BlockState, State};
use super::table::Tables;
use crate::time::Tick;
use numerics::linear::tree::{self, Matrix, Rows};
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Mask};

/// Working memory of a block that is stepped in stages; never saved.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    work: Work,
    /// One over the pivots.
    inverse: Vec<F64x8>,
    /// What gates and ports bring in, before elimination.
    raw: Vec<F64x8>,
    /// Voltages half-way, where a second half follows.
    first: Vec<F64x8>,
    /// Largest |x - 1/2| of gates.
    worst: F64x8,
    /// By row: lanes of damped steps; none where there are none.
    damped: Vec<u8>,
    wrong: Option<PortFaults>,
    /// Whether all voltages lie within tables, and whether they did when gates were read.
    inside: bool,
    read: bool,
}

/// When gates are, and the number of the next draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub now: Tick,
    pub gates_at: Tick,
    pub ordinal: u64,
}

impl Clock {
    /// Of a state.
    pub fn of(state: &State) -> Self {
        Self { now: state.clock, gates_at: state.gates_at, ordinal: state.ordinal }
    }

    /// The step from here.
    pub fn moment(&self, Stepping { dt, method, .. }: Stepping) -> Moment {
        let at = match method {
            Method::BackwardEuler => self.now + dt,
            Method::CrankNicolson => self.now + Tick(dt.0 / 2),
        };
        Moment { start: self.now, at, end: self.now + dt }
    }

    /// After it.
    pub fn after(self, moment: Moment) -> Self {
        Self { now: moment.end, gates_at: moment.at, ordinal: self.ordinal + 1 }
    }
}

/// A block, and where its step is.
pub(crate) struct Staged<'a> {
    plan: &'a Plan,
    block: &'a Block,
    state: &'a mut BlockState,
    memory: &'a mut Stages,
    stepping: Stepping,
}

/// The blocks of a population with what drives them: those that run by themselves, and those stepped in stages, of which
/// `memory` has one each.
pub(crate) fn split<'a, D>(
    plan: &'a Plan,
    state: &'a mut State,
    (drives, together): (&'a mut [D], impl Fn(usize) -> bool),
    memory: &'a mut [Stages],
    stepping: Stepping,
) -> (Vec<Part<'a, D>>, Vec<(Staged<'a>, &'a mut D)>) {
    let (mut parts, mut staged) = (Vec::new(), Vec::new());
    let mut memory = memory.iter_mut();
    for (k, ((state, block), drive)) in state.blocks.iter_mut().zip(&plan.blocks).zip(drives).enumerate() {
        if !together(k) {
            parts.push(Part { plan, block, state, drive });
            continue;
        }
        let memory = memory.next().expect("memory for each block that is stepped in stages");
        memory.work.fit(block);
        for column in [&mut memory.inverse, &mut memory.raw] {
            column.resize(block.rows(), F64x8::default());
        }
        memory.inside = plan.tables.as_ref().is_some_and(|t| holds(t, &state.v));
        staged.push((Staged { plan, block, state, memory, stepping }, drive));
    }
    (parts, staged)
}

impl Staged<'_> {
    /// What acts within the step.
    pub fn act<D: Drive>(&mut self, drive: &mut D, moment: Moment) {
        let ports = &mut self.memory.work.ports;
        ports.clear();
        drive.drive(moment, &self.state.v, ports);
        self.memory.wrong = ports.faults(self.stepping.level);
        self.memory.damped.clear();
        if self.stepping.method == Method::CrankNicolson {
            self.memory.damped.extend_from_slice(ports.jumps());
        }
    }

    /// Whether the step of the cell whose root is there is a damped one.
    pub fn is_damped(&self, row: u32, lane: usize) -> bool {
        self.memory.damped.get(row as usize).is_some_and(|lanes| lanes >> lane & 1 == 1)
    }

    /// Says so, or not.
    pub fn damp(&mut self, row: u32, lane: usize, damped: bool) {
        if damped {
            self.memory.damped.resize(self.block.rows(), 0);
        }
        let rows = if self.block.is_stacked() { row as usize..row as usize + 1 } else { 0..self.block.rows() };
        for lanes in self.memory.damped.get_mut(rows).into_iter().flatten() {
            *lanes = if damped { *lanes | 1 << lane } else { *lanes & !(1 << lane) };
        }
    }

    /// Whether there is a damped step in it.
    pub fn halves(&self) -> bool {
        self.memory.damped.iter().any(|lanes| *lanes != 0)
    }

    fn h(&self) -> f64 {
        let Stepping { dt, method, .. } = self.stepping;
        dt.ms() * if method == Method::CrankNicolson { 0.5 } else { 1.0 }
    }

    /// Gates, and elimination up to the roots.
    ///
    /// # Errors
    /// [`RunError`], of rates and states.
    pub fn eliminate<D: Drive>(&mut self, drive: &D, clock: Clock, moment: Moment) -> Result<(), RunError> {
        let Self { plan, block, stepping, .. } = *self;
        let (level, inside) = (stepping.level, self.memory.inside);
        let tables = plan.tables.as_ref().filter(|t| t.dt == moment.at - clock.gates_at);
        let read = |c: &BlockChannel| inside && tables.is_some_and(|t| t.channels[c.channel].is_some());
        self.memory.read = inside && tables.is_some();
        let h = self.h();
        let Stages { work, inverse, raw, worst, .. } = &mut *self.memory;
        for c in block.channels.iter().filter(|c| !read(c)) {
            rates(plan, c, level, (&self.state.v, &self.state.pools), work)?;
        }
        let h_gates = (moment.at - clock.gates_at).ms();
        let interval = Interval { level, h: h_gates, start: moment.start, ordinal: clock.ordinal };
        for scheme in &block.schemes {
            let luck = |channel| drive.luck(channel);
            let Work { schemes, rates, .. } = &mut *work;
            occupancy::advance((plan, block, scheme), self.state, interval, luck, schemes, rates)?;
        }
        let extrapolate = stepping.method == Method::CrankNicolson;
        let Work { rates, carried, ports, .. } = work;
        let (diagonal, rhs, brought, _) = ports.columns();
        let conducting = Conducting { plan, block, rates, brought, tables, inside, h_gates, extrapolate };
        let carried = &mut carried[..work_lines(block)];
        *worst = level.dispatch(Up { conducting, state: self.state, carried, diagonal, rhs, inverse, raw, h });
        Ok(())
    }

    /// What elimination has left of a compartment: what its own solution takes of its parent's, one over its pivot, and its
    /// solution without its parent.
    #[inline(always)]
    pub fn row(&self, row: u32) -> [&F64x8; 3] {
        let (factor, rest) = self.memory.work.ports.left(row);
        [factor, &self.memory.inverse[row as usize], rest]
    }

    /// The last of these, to be added to.
    #[inline(always)]
    pub fn add(&mut self, row: u32) -> &mut F64x8 {
        self.memory.work.ports.line(row).1
    }

    /// Voltages at the step's beginning, mV.
    #[inline(always)]
    pub fn v(&self, row: u32) -> &F64x8 {
        &self.state.v[row as usize]
    }

    /// Down to the tips, and on to the step's end; where steps are damped only half-way, and the second half waits.
    pub fn end(&mut self, before: &mut Vec<f64>) {
        before.clear();
        before.extend(self.block.detectors.iter().map(|d| self.state.v[d.row as usize].0[d.lane]));
        let extrapolate = self.stepping.method == Method::CrankNicolson;
        let h = self.h();
        let halves = self.halves();
        let Stages { work, damped, .. } = &mut *self.memory;
        let (factor, rhs, ..) = work.ports.columns();
        let damped = if halves { &damped[..] } else { &[] };
        let (block, v) = (self.block, &mut self.state.v);
        let range = self.stepping.level.dispatch(Down { block, v, factor, rhs, extrapolate, damped, second: false });
        self.within(range);
        if halves {
            let Stages { work, first, raw, inverse, .. } = &mut *self.memory;
            let (factor, rhs, ..) = work.ports.columns();
            first.clear();
            first.extend_from_slice(rhs);
            let again = Again { block: self.block, v: &self.state.v, factor, inverse, raw, rhs, h };
            self.stepping.level.dispatch(again);
        }
    }

    /// The second half, where steps are damped.
    pub fn end_again(&mut self) {
        let Stages { work, damped, first, .. } = &mut *self.memory;
        let (factor, rhs, ..) = work.ports.columns();
        let (block, v) = (self.block, &mut self.state.v);
        let down = Down { block, v, factor, rhs, extrapolate: true, damped, second: true };
        let range = self.stepping.level.dispatch(down);
        for ((x, first), damped) in rhs.iter_mut().zip(&*first).zip(&*damped) {
            for lane in 0..LANES {
                // Charge passed at the first and the second voltage, half of the time each.
                let both = 0.5 * (first.0[lane] + x.0[lane]);
                x.0[lane] = if damped >> lane & 1 == 1 { both } else { first.0[lane] };
            }
        }
        self.within(range);
    }

    /// Whether all voltages now lie within tables.
    fn within(&mut self, [low, high]: [F64x8; 2]) {
        let inside = |t: &Tables| low.0.iter().chain(&high.0).all(|&v| t.segments.hold(v));
        self.memory.inside = self.plan.tables.as_ref().is_some_and(inside);
    }

    /// Pools, soundness, spikes; `before`: voltages at the detectors when the step began.
    ///
    /// # Errors
    /// [`RunError::Fault`]
    pub fn finish<D: Drive>(
        &mut self,
        drive: &mut D,
        moment: Moment,
        before: &[f64],
        found: &mut Vec<Spike>,
    ) -> Result<(), RunError> {
        let lanes = self.block.lanes();
        let Stages { work, worst, wrong, read, .. } = &mut *self.memory;
        let Work { carried, ports, rates, .. } = work;
        let carried = &mut carried[..work_lines(self.block)];
        let (_, x, ..) = ports.columns();
        let ends = Ends {
            block: self.block,
            pools: &mut self.state.pools,
            carried,
            x,
            worst: *worst,
            dt: self.stepping.dt.ms(),
        };
        let sound = self.stepping.level.dispatch(ends);
        if sound & lanes != lanes {
            let tables = self.plan.tables.as_ref().filter(|_| *read);
            let tabulated = |c: &BlockChannel| tables.is_some_and(|t| t.channels[c.channel].is_some());
            let wrong = (wrong.take(), &rates[..]);
            return Err(blame(self.plan, self.block, self.state, wrong, lanes & !sound, moment.start, tabulated).into());
        }
        crossings(self.block, &self.state.v, before, moment.start, self.stepping.dt, found);
        drive.after(moment, self.memory.work.ports.solved(), &self.state.v);
        Ok(())
    }
}

/// Gates, and elimination up to the roots; gives the largest |x - 1/2| of gates.
struct Up<'a> {
    conducting: Conducting<'a>,
    state: &'a mut BlockState,
    carried: &'a mut [F64x8],
    diagonal: &'a mut [F64x8],
    rhs: &'a mut [F64x8],
    inverse: &'a mut [F64x8],
    raw: &'a mut [F64x8],
    h: f64,
}

impl Kernel for Up<'_> {
    type Output = F64x8;

    #[inline(always)]
    fn run<L: Lanes>(self) -> F64x8 {
        let Self { conducting, state, carried, diagonal, rhs, inverse, raw, h } = self;
        let BlockState { v, gates, pools, .. } = state;
        let worst = conducting.conduct::<L>(v, gates, pools, carried, diagonal, rhs);
        raw[..rhs.len()].copy_from_slice(rhs);
        let block = conducting.block;
        let rows = Alone { own: Own::<L>::new(block, h), v };
        let matrix = Matrix { diagonal, upper: &block.coupling, lower: &block.coupling };
        tree::eliminate::<L, _, true>(&block.trees, matrix, inverse, rhs, &rows);
        let mut out = F64x8::default();
        worst.store(&mut out);
        out
    }
}

/// Rows with what is a membrane's own.
struct Alone<'a, L> {
    own: Own<'a, L>,
    v: &'a [F64x8],
}

impl<L: Lanes> Rows<L> for Alone<'_, L> {
    #[inline(always)]
    fn begin(&self, i: usize) -> (L, L) {
        self.own.begin(i, self.v)
    }
    #[inline(always)]
    fn solved(&mut self, _: usize, _: L) {}
}

/// Down to the tips; gives the lowest and the highest voltages.
struct Down<'a> {
    block: &'a Block,
    v: &'a mut [F64x8],
    factor: &'a [F64x8],
    rhs: &'a mut [F64x8],
    extrapolate: bool,
    damped: &'a [u8],
    second: bool,
}

impl Kernel for Down<'_> {
    type Output = [F64x8; 2];

    #[inline(always)]
    fn run<L: Lanes>(self) -> [F64x8; 2] {
        let Self { block, v, factor, rhs, extrapolate, damped, second } = self;
        let (low, high) = (L::splat(f64::INFINITY), L::splat(f64::NEG_INFINITY));
        let mut rows = Onto { v, extrapolate, damped, second, low, high };
        tree::back_rows::<L, _>(&block.trees, factor, rhs, &mut rows);
        let mut range = [F64x8::default(); 2];
        rows.low.store(&mut range[0]);
        rows.high.store(&mut range[1]);
        range
    }
}

/// What becomes of a solution: the voltage at the step's end, or half-way where another half follows.
struct Onto<'a, L> {
    v: &'a mut [F64x8],
    extrapolate: bool,
    damped: &'a [u8],
    second: bool,
    low: L,
    high: L,
}

impl<L: Lanes> Rows<L> for Onto<'_, L> {
    #[inline(always)]
    fn begin(&self, _: usize) -> (L, L) {
        (L::splat(0.0), L::splat(0.0))
    }

    #[inline(always)]
    fn solved(&mut self, i: usize, x: L) {
        let v = L::load(&self.v[i]);
        let other = match (self.second, self.extrapolate) {
            (true, _) => v,
            (false, true) => L::splat(2.0) * x - v,
            (false, false) => x,
        };
        let damped = self.damped.get(i).copied().unwrap_or(0);
        let next = L::select(L::mask(damped), x, other);
        next.store(&mut self.v[i]);
        (self.low, self.high) = (self.low.min(next), self.high.max(next));
    }
}

/// What elimination leaves of the second half.
struct Again<'a> {
    block: &'a Block,
    v: &'a [F64x8],
    factor: &'a [F64x8],
    inverse: &'a [F64x8],
    raw: &'a [F64x8],
    rhs: &'a mut [F64x8],
    h: f64,
}

impl Kernel for Again<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { block, v, factor, inverse, raw, rhs, h } = self;
        let own = Own::<L>::new(block, h);
        for i in 0..rhs.len() {
            (L::load(&raw[i]) + own.begin(i, v).1).store(&mut rhs[i]);
        }
        tree::forward::<L>(&block.trees, factor, inverse, rhs);
    }
}

/// Pools, and which lanes are sound.
struct Ends<'a> {
    block: &'a Block,
    pools: &'a mut [F64x8],
    carried: &'a mut [F64x8],
    x: &'a [F64x8],
    worst: F64x8,
    dt: f64,
}

impl Kernel for Ends<'_> {
    type Output = u8;

    #[inline(always)]
    fn run<L: Lanes>(self) -> u8 {
        let pooled = ionic::advance::<L>(self.block, self.pools, self.carried, self.x, self.dt);
        sound::<L>(L::load(&self.worst), self.block, self.x).and(pooled).bits()
    }
}
