//! Ports: what enters a compartment from outside, as a conductance and a current, before the solve.
//!
//! The current into the cell is `i - g V`: a synapse adds (g, g e_rev), an injected current (0, i), a voltage clamp or
//! a junction (1/r, v_other/r). Organs fill the ports of a block of eight cells once a step.

use super::occupancy::Luck;
use super::plan::Site;
use crate::time::Tick;
use numerics::simd::{F64x8, LANES};

/// The ports of a block, cleared before each step.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    g: Vec<F64x8>,
    i: Vec<F64x8>,
    used: Vec<bool>,
    rows: Vec<u32>,
    carried: Vec<Carried>,
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
        self.clear();
        self.g.resize(self.g.len().max(rows), F64x8::splat(0.0));
        self.i.resize(self.g.len(), F64x8::splat(0.0));
        self.used.resize(self.g.len(), false);
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
        for row in self.rows.drain(..) {
            let row = row as usize;
            (self.g[row], self.i[row], self.used[row]) = (F64x8::splat(0.0), F64x8::splat(0.0), false);
        }
    }

    /// Which ions carry what, in order of use.
    pub(super) fn carried(&self) -> &[Carried] {
        &self.carried
    }

    /// The rows that have something, in order of first use; conductances and currents by row.
    pub(super) fn filled(&self) -> (&[u32], &[F64x8], &[F64x8]) {
        (&self.rows, &self.g, &self.i)
    }

    /// Conductances (nS) and currents (pA) of one compartment of the block's eight cells, to be added to.
    ///
    /// # Panics
    /// If the block has no such compartment.
    #[inline]
    pub fn line(&mut self, compartment: u32) -> (&mut F64x8, &mut F64x8) {
        let row = compartment as usize;
        if !self.used[row] {
            self.used[row] = true;
            self.rows.push(compartment);
        }
        (&mut self.g[row], &mut self.i[row])
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

    /// Called after the step. `solved`: voltages at `moment.at`, what the ports' conductances saw; `v`: at its end.
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
