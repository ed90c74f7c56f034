//! Ports: what enters a compartment from outside, as a conductance and a current, before the solve.
//!
//! The current into the cell is `i - g V`: a synapse adds (g, g e_rev), an injected current (0, i), a voltage clamp or
//! a junction (1/r, v_other/r). Organs fill the ports of a block of eight cells once a step. They are the columns in which
//! the matrix then takes shape, so that nothing is copied.

use super::occupancy::Luck;
use super::plan::Site;
use crate::time::Tick;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level, Mask};

/// By lane: a compartment that got a number that is none, and the number.
pub(super) type PortFaults = [Option<(usize, f64)>; LANES];

/// The ports of a block, cleared before each step.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    /// As many lines as the block has, or more.
    g: Vec<F64x8>,
    i: Vec<F64x8>,
    rows: usize,
    carried: Vec<Carried>,
    /// By row: lanes that step after a jump; and whether there are any.
    jumps: Vec<u8>,
    jumped: bool,
}

/// A part of a port's current that an ion carries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Carried {
    pub ion: usize,
    pub site: Site,
    pub g: f64,
    pub i: f64,
}

impl Ports {
    pub(super) fn fit(&mut self, rows: usize) {
        self.rows = rows;
        self.g.resize(self.g.len().max(rows), F64x8::splat(0.0));
        self.i.resize(self.g.len(), F64x8::splat(0.0));
        self.jumps.resize(self.g.len(), 0);
        self.clear();
    }

    /// Empty, of a block of so many compartments: for whoever steps something else than a neuron of this module.
    #[must_use]
    pub fn of(rows: usize) -> Self {
        let mut ports = Self::default();
        ports.fit(rows);
        ports
    }

    /// Empties them.
    pub fn clear(&mut self) {
        self.carried.clear();
        if std::mem::take(&mut self.jumped) {
            self.jumps.fill(0);
        }
        self.g[..self.rows].fill(F64x8::splat(0.0));
        self.i[..self.rows].fill(F64x8::splat(0.0));
    }

    /// Says that what comes in through a lane's ports has just jumped. Crank-Nicolson, which would answer a jump by ringing,
    /// then takes this step as two implicit halves, which damp: after any one jump a step or two, so that the order stays
    /// second (Rannacher 1984, Numer Math 43:309). Other lanes feel nothing of it, nor does backward Euler.
    #[inline]
    pub fn jump(&mut self, lane: usize) {
        self.jumps[..self.rows].iter_mut().for_each(|lanes| *lanes |= 1 << lane);
        self.jumped = true;
    }

    /// [`Self::jump`] of the cell at a place: of the lane, or where cells are stacked in it, of that one.
    #[inline]
    pub(crate) fn jump_at(&mut self, row: u32, lane: usize, stacked: bool) {
        if !stacked {
            return self.jump(lane);
        }
        self.jumps[row as usize] |= 1 << lane;
        self.jumped = true;
    }

    /// By row, the lanes of [`Self::jump`]; none where there are none.
    pub(super) fn jumps(&self) -> &[u8] {
        if self.jumped { &self.jumps[..self.rows] } else { &[] }
    }

    /// Conductances and currents by row, to go on with, which ions carry what, in order of use, and [`Self::jumps`].
    pub(super) fn columns(&mut self) -> (&mut [F64x8], &mut [F64x8], &[Carried], &[u8]) {
        let jumps = if self.jumped { &self.jumps[..self.rows] } else { &[] };
        (&mut self.g[..self.rows], &mut self.i[..self.rows], &self.carried, jumps)
    }

    /// Two of [`Self::columns`] at a row, as the solver has left them.
    pub(super) fn left(&self, row: u32) -> (&F64x8, &F64x8) {
        (&self.g[row as usize], &self.i[row as usize])
    }

    /// The voltages that were solved for, where the currents were.
    pub(super) fn solved(&self) -> &[F64x8] {
        &self.i[..self.rows]
    }

    /// Numbers that are none, the first of each lane.
    pub(super) fn faults(&self, level: Level) -> Option<PortFaults> {
        let (g, i) = (&self.g[..self.rows], &self.i[..self.rows]);
        if level.dispatch(Finite { g, i }) {
            return None;
        }
        let mut faults = [None; LANES];
        for (row, (g, i)) in g.iter().zip(i).enumerate() {
            for (lane, fault) in faults.iter_mut().enumerate().filter(|(_, fault)| fault.is_none()) {
                *fault = [g.0[lane], i.0[lane]].into_iter().find(|x| !x.is_finite()).map(|x| (row, x));
            }
        }
        Some(faults)
    }

    /// Conductances (nS) and currents (pA) of one compartment of the block's eight cells, to be added to.
    ///
    /// # Panics
    /// If the block has no such compartment.
    #[inline]
    pub fn line(&mut self, compartment: u32) -> (&mut F64x8, &mut F64x8) {
        let row = compartment as usize;
        (&mut self.g[..self.rows][row], &mut self.i[..self.rows][row])
    }

    /// Adds a conductance `g` (nS) that reverses at `e_rev` (mV).
    #[inline]
    pub fn conductance(&mut self, site: Site, g: f64, e_rev: f64) {
        let (total, i) = self.line(site.compartment);
        total.0[site.lane] += g;
        i.0[site.lane] += g * e_rev;
    }

    /// Lets an ion of the plan carry the part `g V - i` (nS, pA; outward positive) of what is at a site already: it comes
    /// into the ion's pool, if there is one.
    #[inline]
    pub fn carries(&mut self, ion: usize, site: Site, g: f64, i: f64) {
        self.carried.push(Carried { ion, site, g, i });
    }

    /// Adds a current (pA); positive depolarises.
    #[inline]
    pub fn current(&mut self, site: Site, current: f64) {
        self.line(site.compartment).1.0[site.lane] += current;
    }
}

/// Whether all numbers are finite.
struct Finite<'a> {
    g: &'a [F64x8],
    i: &'a [F64x8],
}

impl Kernel for Finite<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<L: Lanes>(self) -> bool {
        let zero = L::splat(0.0);
        let mut sums = [zero; 4];
        for column in [self.g, self.i] {
            for lines in column.chunks(4) {
                for (sum, line) in sums.iter_mut().zip(lines) {
                    // 0 times what is not finite is NaN.
                    *sum = L::load(line).mul_add(zero, *sum);
                }
            }
        }
        ((sums[0] + sums[1]) + (sums[2] + sums[3])).eq(zero).all()
    }
}

/// When a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its beginning.
    pub start: Tick,
    /// The moment the ports stand for: the end for backward Euler, the middle for Crank-Nicolson.
    pub at: Tick,
    /// Its end.
    pub end: Tick,
}

impl Moment {
    /// Whether a jump at `edge` is within the step or the one before: whether to [`Ports::jump`].
    #[must_use]
    pub fn follows(&self, edge: Tick) -> bool {
        self.start - (self.end - self.start) < edge && edge < self.end
    }
}

/// What acts on a block of eight cells, and what watches it. One a block; blocks may run on several threads, each by
/// its own clock within a run.
pub trait Drive: Send {
    /// Fills the (empty) ports for the step. `v`: voltages (mV) at its beginning, a line of lanes a compartment.
    fn drive(&mut self, moment: Moment, v: &[F64x8], ports: &mut Ports);

    /// Luck of a channel kind whose copies are counted, cell by cell of the block: a cell's draws depend on its key, the
    /// compartment and the number of the step alone. Runs of plans with such channels need it.
    fn luck(&self, channel: usize) -> Option<Luck> {
        let _ = channel;
        None
    }

    /// Called after the step. `solved`: voltages at `moment.at`, what the ports' conductances saw (after a jump, in the mean
    /// over both halves); `v`: at its end.
    fn after(&mut self, moment: Moment, solved: &[F64x8], v: &[F64x8]) {
        let _ = (moment, solved, v);
    }
}

/// Nothing acts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Drive for Quiet {
    fn drive(&mut self, _: Moment, _: &[F64x8], _: &mut Ports) {}
}

/// The same conductances and currents throughout.
#[derive(Clone, Debug, Default)]
pub struct Held {
    sites: Vec<(Site, f64, f64)>,
}

impl Held {
    /// Adds `g` nS and `i` pA at `site`: the current into the cell is `i - g V`.
    pub fn add(&mut self, site: Site, g: f64, i: f64) {
        self.sites.push((site, g, i));
    }
}

impl Drive for Held {
    fn drive(&mut self, _: Moment, _: &[F64x8], ports: &mut Ports) {
        for &(site, g, i) in &self.sites {
            let (total, current) = ports.line(site.compartment);
            total.0[site.lane] += g;
            current.0[site.lane] += i;
        }
    }
}

/// A closure as a drive; see [`with`].
#[derive(Clone, Debug)]
pub struct With<F>(F);

/// Drives a block by a closure over the moment, the voltages (mV) at its start and the ports.
pub fn with<F: FnMut(Moment, &[F64x8], &mut Ports) + Send>(f: F) -> With<F> {
    With(f)
}

impl<F: FnMut(Moment, &[F64x8], &mut Ports) + Send> Drive for With<F> {
    fn drive(&mut self, moment: Moment, v: &[F64x8], ports: &mut Ports) {
        (self.0)(moment, v, ports);
    }
}

/// A drive with luck, by channel kind.
#[derive(Clone, Debug)]
pub struct Lucky<D>(pub D, pub Vec<Luck>);

impl<D: Drive> Drive for Lucky<D> {
    fn drive(&mut self, moment: Moment, v: &[F64x8], ports: &mut Ports) {
        self.0.drive(moment, v, ports);
    }

    fn luck(&self, channel: usize) -> Option<Luck> {
        self.1.get(channel).copied()
    }

    fn after(&mut self, moment: Moment, solved: &[F64x8], v: &[F64x8]) {
        self.0.after(moment, solved, v);
    }
}

const _: () = assert!(LANES == 8, "a lane index fits the line");
