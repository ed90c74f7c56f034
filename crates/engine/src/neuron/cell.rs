//! A cell as it is described: compartments, what is inserted where, where spikes are looked for.
//!
//! A compartment is isopotential; its axial conductance leads to its parent. For a cylinder of diameter d and length l
//! `area = pi d l`, `R = r_a l / (pi d^2 / 4)`. Unit densities: 1 uF/cm2 = 0.01 pF/um2, 1 mS/cm2 = 0.01 nS/um2.
//! Error of the grid: second order in the compartment's length over the length constant.

use super::pool::{Dynamics, Pooling};
use std::f64::consts::{FRAC_PI_4, PI};
use std::ops::Range;

/// An isopotential piece of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compartment {
    /// Membrane area, um2; 0 for a joint.
    pub area: f64,
    /// Capacitance, pF; 0 for a joint.
    pub c_m: f64,
    /// The compartment it hangs on: an earlier one; none for compartment 0 and only for it.
    pub parent: Option<u32>,
    /// Conductance to the parent, nS; 0 for the root.
    pub g_axial: f64,
}

/// What an override replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overridden {
    /// The channel's reversal potential, mV.
    Reversal,
    /// A parameter of the channel.
    Parameter(u16),
}

/// Values of one quantity of a channel, compartment by compartment.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Which.
    pub quantity: Overridden,
    /// One value a compartment.
    pub values: Vec<f64>,
}

/// A channel in the membrane of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Insertion {
    /// Index of the channel kind.
    pub channel: usize,
    /// Maximal conductance, nS (permeability, um3/ms, with a GHK law), one a compartment; 0 where there is none.
    pub g_max: Vec<f64>,
    /// What differs from the kind's own values.
    pub overrides: Vec<Override>,
}

/// Where upward crossings are looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    /// The compartment.
    pub compartment: u32,
    /// mV.
    pub threshold: f64,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Parents before children; the first is the root.
    pub compartments: Vec<Compartment>,
    /// Each channel kind at most once.
    pub insertions: Vec<Insertion>,
    /// Each ion at most once.
    pub pools: Vec<Pooling>,
    /// Spike detectors.
    pub detectors: Vec<Detector>,
}

/// What cells are made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tissue {
    /// Specific capacitance, uF/cm2.
    pub c_m: f64,
    /// Axial resistivity, Ohm cm.
    pub r_a: f64,
}

impl Tissue {
    /// Axial conductance of a cylinder, nS. `length`, `diameter`: um.
    #[must_use]
    pub fn g_axial(&self, length: f64, diameter: f64) -> f64 {
        // 1 Ohm cm = 1e-5 GOhm um
        FRAC_PI_4 * diameter * diameter / (1e-5 * self.r_a * length)
    }

    fn piece(&self, area: f64, parent: Option<u32>, g_axial: f64) -> Compartment {
        Compartment { area, c_m: 0.01 * self.c_m * area, parent, g_axial }
    }
}

impl Cell {
    /// One compartment of `area` um2.
    #[must_use]
    pub fn point(tissue: Tissue, area: f64) -> Self {
        Self { compartments: vec![tissue.piece(area, None, 0.0)], ..Self::default() }
    }

    /// A spherical soma of `diameter` um, without resistance of its own.
    #[must_use]
    pub fn soma(tissue: Tissue, diameter: f64) -> Self {
        Self::point(tissue, PI * diameter * diameter)
    }

    /// Adds a cylinder of `n` compartments (voltage at their middles) that begins at the middle of `parent` if that is
    /// a soma (`parent_half` 0 GOhm), else at its far end, `parent_half` GOhm away. `length`, `diameter`: um.
    ///
    /// Gives the indices of the new compartments and the axial resistance of half of one, for cylinders that go on.
    pub fn add_cylinder(
        &mut self,
        tissue: Tissue,
        parent: u32,
        parent_half: f64,
        (length, diameter, n): (f64, f64, u32),
    ) -> (Range<u32>, f64) {
        let step = length / f64::from(n);
        let half = 1.0 / tissue.g_axial(step / 2.0, diameter);
        let first = self.compartments.len() as u32;
        for k in 0..n {
            let (parent, r) = if k == 0 { (parent, parent_half + half) } else { (first + k - 1, 2.0 * half) };
            self.compartments.push(tissue.piece(PI * diameter * step, Some(parent), 1.0 / r));
        }
        (first..first + n, half)
    }

    /// Adds a joint at the far end of `parent`, `half` GOhm away: no membrane, only where branches part. Cylinders that go
    /// on from it have a `parent_half` of 0. Without it each of two branches would pass the last half of their stem alone.
    pub fn add_joint(&mut self, parent: u32, half: f64) -> u32 {
        self.compartments.push(Compartment { area: 0.0, c_m: 0.0, parent: Some(parent), g_axial: 1.0 / half });
        self.compartments.len() as u32 - 1
    }

    /// A cable with sealed ends whose first and last compartment lie at the very ends, with half the area of the
    /// others: `n` intervals, `n + 1` compartments. `length`, `diameter`: um.
    ///
    /// ```
    /// use engine::neuron::{Cell, Tissue};
    /// let cable = Cell::cable(Tissue { c_m: 1.0, r_a: 100.0 }, 1000.0, 1.0, 100);
    /// assert_eq!(cable.compartments.len(), 101);
    /// let area: f64 = cable.compartments.iter().map(|c| c.area).sum();
    /// assert!((area / (1000.0 * std::f64::consts::PI) - 1.0).abs() < 1e-12);
    /// ```
    #[must_use]
    pub fn cable(tissue: Tissue, length: f64, diameter: f64, n: u32) -> Self {
        let step = length / f64::from(n);
        let g = tissue.g_axial(step, diameter);
        let piece = |k: u32| {
            let share = if k == 0 || k == n { 0.5 } else { 1.0 };
            let parent = k.checked_sub(1);
            tissue.piece(share * PI * diameter * step, parent, if k == 0 { 0.0 } else { g })
        };
        Self { compartments: (0..=n).map(piece).collect(), ..Self::default() }
    }

    /// A soma with one dendrite of `n` compartments. Diameters and `length`: um.
    #[must_use]
    pub fn ball_and_stick(tissue: Tissue, soma: f64, length: f64, diameter: f64, n: u32) -> Self {
        let mut cell = Self::soma(tissue, soma);
        cell.add_cylinder(tissue, 0, 0.0, (length, diameter, n));
        cell
    }

    /// Inserts `channel` everywhere with `density`, mS/cm2.
    #[must_use]
    pub fn with(self, channel: usize, density: f64) -> Self {
        self.with_at(channel, density, |_| true)
    }

    /// Inserts `channel` with `density`, mS/cm2, in the compartments for which `here` holds.
    #[must_use]
    pub fn with_at(mut self, channel: usize, density: f64, here: impl Fn(u32) -> bool) -> Self {
        let g_max = (0..).zip(&self.compartments).map(|(k, c)| if here(k) { 0.01 * density * c.area } else { 0.0 });
        let g_max = g_max.collect();
        self.insertions.push(Insertion { channel, g_max, overrides: Vec::new() });
        self
    }

    /// Gives the compartments for which `here` holds a pool of `ion`; `dynamics`: of a compartment.
    #[must_use]
    pub fn with_pool(
        mut self,
        ion: usize,
        here: impl Fn(u32) -> bool,
        dynamics: impl Fn(&Compartment) -> Dynamics,
    ) -> Self {
        let of = |(k, c)| if here(k) { Some(dynamics(c)) } else { None };
        let compartments = (0..).zip(&self.compartments).map(of).collect();
        self.pools.push(Pooling { ion, compartments, links: Vec::new() });
        self
    }

    /// Lets the ion that was given a pool last diffuse between compartments, with `diffusion` um2/ms of all that is there
    /// (free ion, and `bound` times the buffer), through what the axial currents pass; `r_a`: Ohm cm.
    #[must_use]
    pub fn diffusing(mut self, diffusion: f64, r_a: f64) -> Self {
        let links = self.compartments.iter().map(|c| diffusion * 1e-5 * r_a * c.g_axial).collect();
        if let Some(pool) = self.pools.last_mut() {
            pool.links = links;
        }
        self
    }

    /// Looks for spikes in `compartment` at `threshold` mV.
    #[must_use]
    pub fn detect(mut self, compartment: u32, threshold: f64) -> Self {
        self.detectors.push(Detector { compartment, threshold });
        self
    }
}
