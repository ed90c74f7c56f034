//! Finite volumes: the disc in rings, the tissue around its rim in shells that open from the slit to spheres.
//!
//! Ring [a, b] to ring [b, c]: `G = 8 pi h D b^2 / (c^2 - a^2)`, exact for parabolic profiles; to an absorbing rim
//! `G = 8 pi h D R^2 / (R^2 - a^2)`. Outside, a front at radius r has the area
//! `A(r) = 2 pi r min(h + pi (r - R), 2 r)`: the rim's own `2 pi R h`, then a half tube around it, then a sphere.
//! Tissue enters once: fluid volume `alpha dV`, conductance `alpha (D / lambda^2) / integral dr / A`. The disc's own D
//! is effective already and is never divided by lambda^2.
//! A lumped disc (one shell) is well mixed; `G = 4 pi h D` to its rim keeps the mean time that a molecule released at the
//! centre stays in it, R^2 / (4 D) at an absorbing rim, and with it the area below the mean concentration at any rim.

use std::f64::consts::PI;

/// Tissue around the cleft, as a porous medium.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Porous {
    /// Fraction of the volume that is fluid, alpha, 0 to 1.
    pub volume_fraction: f64,
    /// Tortuosity lambda, 1 or more.
    pub tortuosity: f64,
    /// Diffusion coefficient in free solution, um2/ms.
    pub diffusion: f64,
    /// Where the far field begins, um from the centre of the cleft; beyond R.
    pub reach: f64,
    /// Shells from the rim to the far field.
    pub shells: usize,
    /// Concentration of the far field and of the rest, mM.
    pub resting: f64,
    /// Whether nothing passes at `reach`, by symmetry with synapses around that do the same; else the far field is there.
    pub closed: bool,
}

/// What is at the rim of the disc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rim {
    /// Nothing passes.
    Sealed,
    /// Concentration 0: whatever arrives is gone. For validation.
    Absorbing,
    /// Tissue.
    Porous(Porous),
}

/// The space the transmitter moves in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Radius of the disc R, um.
    pub radius: f64,
    /// Height of the cleft h, um; below 2 R.
    pub height: f64,
    /// Effective lateral diffusion coefficient, um2/ms.
    pub diffusion: f64,
    /// Rings of the disc; 1 lumps it: well mixed, with the mean residence of what is released at the centre.
    pub shells: usize,
    /// 0 for rings of one width, towards 1 for finer ones at the centre; edges at `R ((1 - g) s + g s^2)`.
    pub grading: f64,
    /// The rim.
    pub rim: Rim,
}

/// Most shells in all: bounds memory before it is taken.
pub(super) const MAX_SHELLS: usize = 100_000;

/// How much faster than by diffusion the rings of a lumped disc mix.
const MIXED: f64 = 1e4;

/// The volumes and what joins them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shells {
    /// Edges in um, one more than shells, disc first.
    pub edges: Vec<f64>,
    /// How many of them are rings of the disc.
    pub disc: usize,
    /// Fluid, um3.
    pub volume: Vec<f64>,
    /// To the next shell outwards, the last to the outside, um3/ms.
    pub conductance: Vec<f64>,
    /// Concentration outside, mM.
    pub outside: f64,
}

/// Simpson's rule; exact for cubics.
fn simpson(a: f64, b: f64, f: impl Fn(f64) -> f64) -> f64 {
    (b - a) / 6.0 * (f(a) + 4.0 * f(0.5 * (a + b)) + f(b))
}

impl Geometry {
    /// Area of the front at `r` um, um2.
    fn area(&self, r: f64) -> f64 {
        2.0 * PI * r * PI.mul_add(r - self.radius, self.height).min(2.0 * r)
    }

    /// Volume of tissue between two radii outside the disc, um3.
    pub(super) fn tissue(&self, a: f64, b: f64) -> f64 {
        let round = (PI * self.radius - self.height) / (PI - 2.0);
        let cut = round.clamp(a, b);
        simpson(a, cut, |r| self.area(r)) + simpson(cut, b, |r| self.area(r))
    }

    /// Area of the disc between two radii, um2.
    pub(super) fn ring(a: f64, b: f64) -> f64 {
        PI * (b - a) * (b + a)
    }

    /// Whether all numbers make sense.
    pub(crate) fn sound(&self) -> bool {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let disc = positive(self.radius)
            && positive(self.height)
            && self.height < 2.0 * self.radius
            && positive(self.diffusion)
            && (1..=MAX_SHELLS).contains(&self.shells)
            && (0.0..1.0).contains(&self.grading);
        disc && match self.rim {
            Rim::Sealed | Rim::Absorbing => true,
            Rim::Porous(p) => {
                p.volume_fraction > 0.0
                    && p.volume_fraction <= 1.0
                    && p.tortuosity >= 1.0
                    && p.tortuosity.is_finite()
                    && positive(p.diffusion)
                    && p.reach > self.radius
                    && p.reach.is_finite()
                    && (2..=MAX_SHELLS).contains(&p.shells)
                    && p.resting >= 0.0
                    && p.resting.is_finite()
            }
        }
    }

    /// Whether the disc is well mixed.
    pub(super) fn lumped(&self) -> bool {
        self.shells == 1
    }

    /// Cuts the space into shells. Call on a [`sound`](Self::sound) geometry.
    pub(super) fn cut(&self) -> Shells {
        // A lumped disc is two rings that nothing keeps apart: the elimination from both ends needs two.
        let (n, lumped) = (self.shells.max(2), self.lumped());
        let (radius, spread) = (self.radius, 8.0 * PI * self.height * self.diffusion);
        let mut edges: Vec<f64> = (0..=n)
            .map(|i| {
                let s = i as f64 / n as f64;
                if i == n { radius } else { radius * s * self.grading.mul_add(s, 1.0 - self.grading) }
            })
            .collect();
        let mut volume: Vec<f64> = edges.windows(2).map(|e| self.height * Self::ring(e[0], e[1])).collect();
        let mut conductance: Vec<f64> =
            edges.windows(3).map(|e| spread * e[1] * e[1] / ((e[2] - e[0]) * (e[2] + e[0]))).collect();
        let inner = edges[n - 1];
        let mut to_rim = spread * radius * radius / ((radius - inner) * (radius + inner));
        if lumped {
            conductance.iter_mut().for_each(|g| *g *= MIXED);
            to_rim = 0.5 * spread;
        }
        let mut outside = 0.0;
        match self.rim {
            Rim::Sealed => conductance.push(0.0),
            Rim::Absorbing => conductance.push(to_rim),
            Rim::Porous(p) => {
                outside = p.resting;
                let widths = self.widths(p);
                let through = p.volume_fraction * p.diffusion / (p.tortuosity * p.tortuosity);
                let mut resistance = 1.0 / to_rim;
                let mut start = radius;
                for (i, width) in widths.iter().enumerate() {
                    let end = if i + 1 == widths.len() { p.reach } else { start + width };
                    let middle = 0.5 * (start + end);
                    let half = |a: f64, b: f64| {
                        let panel = (b - a) / 4.0;
                        let part = |k: usize| {
                            let from = a + panel * k as f64;
                            simpson(from, from + panel, |r| 1.0 / self.area(r))
                        };
                        (0..4).map(part).sum::<f64>() / through
                    };
                    conductance.push(1.0 / (resistance + half(start, middle)));
                    resistance = half(middle, end);
                    volume.push(p.volume_fraction * self.tissue(start, end));
                    edges.push(end);
                    start = end;
                }
                conductance.push(if p.closed { 0.0 } else { 1.0 / resistance });
            }
        }
        Shells { edges, disc: n, volume, conductance, outside }
    }

    /// Of a disc in tissue: fluid of each shell outside, um3, and what joins them, um3/ms: the rim to the middle of the first shell,
    /// each shell to the next, the last one to the far field.
    pub(crate) fn tissue_shells(&self) -> (Vec<f64>, Vec<f64>) {
        let shells = self.cut();
        let inner = shells.edges[shells.disc - 1];
        let spread = 8.0 * PI * self.height * self.diffusion;
        let to_rim = if self.lumped() {
            0.5 * spread
        } else {
            spread * self.radius * self.radius / ((self.radius - inner) * (self.radius + inner))
        };
        let mut joins = shells.conductance[shells.disc - 1..].to_vec();
        joins[0] = 1.0 / (1.0 / joins[0] - 1.0 / to_rim);
        (shells.volume[shells.disc..].to_vec(), joins)
    }

    /// Widths of the tissue's shells: h / 2 at the rim, each a constant factor wider than the one before.
    fn widths(&self, p: Porous) -> Vec<f64> {
        let span = (p.reach - self.radius) / (0.5 * self.height).min((p.reach - self.radius) / p.shells as f64);
        let length = |q: f64| (0..p.shells).fold((0.0, 1.0), |(sum, w), _| (sum + w, w * q)).0;
        let (mut low, mut high) = (1.0, 2.0);
        while length(high) < span {
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if length(middle) < span {
                low = middle;
            } else {
                high = middle;
            }
        }
        let unit = (p.reach - self.radius) / length(high);
        (0..p.shells)
            .scan(unit, |w, _| {
                let now = *w;
                *w *= high;
                Some(now)
            })
            .collect()
    }
}
