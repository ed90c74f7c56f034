//! Cells that junctions join, and their voltages: trees and what lies across them are one system, `(T + J) y = b`.
//!
//! `T` is what each cell is by itself, eliminated up to its roots; of it there is here only what lies between junctions and
//! roots. `J` are the junctions. Conjugate gradients with `T` as preconditioner: as `T p` follows from what is known, a step
//! costs one product with `J` and one pass over the trees, and vectors are 0 where there is no junction. Whatever the number of
//! steps, the voltages that are taken in the end are those of cells into which the currents `-J y` flow, each of which is
//! somebody's loss: charge is kept to rounding. Sums run in the order of the places, so that bits depend on the component alone.
//! Source: Hestenes & Stiefel (1952) J Res Natl Bur Stand 49:409.

use numerics::simd::{F64x8, Kernel, LANES, Lanes, Level};
use rayon::prelude::*;

/// From this many ends of junctions on, products are made by several threads.
const MANY: usize = 1 << 16;
/// Places that a thread takes at least.
const FEW: usize = 1 << 11;
/// Steps, at most.
const STEPS: usize = 2000;

/// How far voltages may be from each other in the end, mV: those that junctions see, and those they lead to.
pub(crate) const TOLERANCE: f64 = 1e-8;

/// Places that junctions connect, and the ways from them to their cells' roots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Component {
    /// By place: the place it hangs on, before it; itself for a root.
    parents: Vec<u32>,
    /// Whether all are roots.
    flat: bool,
    /// By junction: its sides.
    sides: Vec<[u32; 2]>,
    /// By place: its first end of a junction; and one more, the number of ends.
    starts: Vec<u32>,
    /// By end: the place on the other side.
    others: Vec<u32>,
    /// By junction: its two ends.
    ends: Vec<[u32; 2]>,
}

impl Component {
    /// `parents`: by place; `sides`: by junction, its places.
    pub fn new(parents: Vec<u32>, sides: Vec<[u32; 2]>) -> Self {
        let n = parents.len();
        let mut starts = vec![0u32; n + 1];
        for place in sides.iter().flatten() {
            starts[*place as usize + 1] += 1;
        }
        for k in 0..n {
            starts[k + 1] += starts[k];
        }
        let (mut next, mut others) = (starts.clone(), vec![0; 2 * sides.len()]);
        let mut end = |of: u32, other: u32| {
            let at = next[of as usize];
            others[at as usize] = other;
            next[of as usize] += 1;
            at
        };
        let ends = sides.iter().map(|&[a, b]| [end(a, b), end(b, a)]).collect();
        let flat = parents.iter().enumerate().all(|(k, &p)| p as usize == k);
        Self { parents, flat, sides, starts, others, ends }
    }

    /// How many places.
    pub fn places(&self) -> usize {
        self.parents.len()
    }

    /// By junction: its sides.
    pub fn sides(&self) -> &[[u32; 2]] {
        &self.sides
    }

    /// By junction: its two ends.
    pub fn ends(&self) -> &[[u32; 2]] {
        &self.ends
    }

    /// Around a place: what all its junctions conduct, nS, and that times the voltages on their other sides, pA.
    pub fn around(&self, place: usize, weights: &[f64], y: &[f64]) -> (f64, f64) {
        let ends = self.starts[place] as usize..self.starts[place + 1] as usize;
        let of = self.others[ends.clone()].iter().zip(&weights[ends]);
        of.fold((0.0, 0.0), |(g, i), (other, w)| (g + w, i + w * y[*other as usize]))
    }

    /// What it takes, bytes.
    pub fn bytes(&self) -> usize {
        4 * (self.parents.len() + self.starts.len() + self.others.len()) + 8 * (self.sides.len() + self.ends.len())
    }
}

/// Vectors of a component, each as many lines as hold its places; places beyond are 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vectors {
    /// Of each place: what its solution takes of its parent's.
    pub factor: Vec<F64x8>,
    /// One over its pivot; 0 beyond.
    pub inverse: Vec<F64x8>,
    /// What elimination has left: its solution without its parent and without junctions.
    pub rest: Vec<F64x8>,
    /// By end: conductance, nS.
    pub weights: Vec<f64>,
    /// That of all, where they are alike: then the others need not be read.
    pub even: Option<f64>,
    /// Current into each place that does not depend on the voltages, pA.
    pub given: Vec<F64x8>,
    /// Voltages: a guess, then those that junctions see.
    pub y: Vec<F64x8>,
    /// Currents into the places, pA; becomes the solution.
    pub inflow: Vec<F64x8>,
    r: Vec<F64x8>,
    z: Vec<F64x8>,
    p: Vec<F64x8>,
    q: Vec<F64x8>,
    w: Vec<F64x8>,
}

impl Vectors {
    /// Whether they are of such a component.
    pub fn fits(&self, component: &Component) -> bool {
        self.y.len() == component.places().div_ceil(LANES) && self.weights.len() == component.others.len()
    }

    /// Of a component.
    pub fn of(component: &Component) -> Self {
        let line = || vec![F64x8::default(); component.places().div_ceil(LANES)];
        Self {
            factor: line(),
            inverse: line(),
            rest: line(),
            weights: vec![0.0; component.others.len()],
            even: None,
            given: line(),
            y: line(),
            inflow: line(),
            r: line(),
            z: line(),
            p: line(),
            q: line(),
            w: line(),
        }
    }
}

/// Voltages that were not found: the place that still changed most, and by how much, mV.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Restless {
    pub place: usize,
    pub change: f64,
}

impl Component {
    /// Solves for `y` and the inflow from the voltages in `y`. Gives the number of products.
    ///
    /// # Errors
    /// [`Restless`]
    pub fn solve_from_voltages(&self, level: Level, of: &mut Vectors) -> Result<usize, Restless> {
        self.flow(level, (&of.weights, of.even), &of.y, &mut of.w);
        level.dispatch(Guess { w: &of.w, given: &of.given, inflow: &mut of.inflow });
        Ok(1 + self.solve(level, of)?)
    }

    /// The same from the inflow.
    ///
    /// # Errors
    /// [`Restless`]
    pub fn solve(&self, level: Level, of: &mut Vectors) -> Result<usize, Restless> {
        let mut products = 1;
        // The voltages that the guess leads to, and r, by how much what these let flow in is more than the guess.
        self.respond(level, (&of.factor, &of.inverse), &of.inflow, Some(&of.rest), &mut of.y);
        self.flow(level, (&of.weights, of.even), &of.y, &mut of.w);
        level.dispatch(Start { w: &of.w, given: &of.given, inflow: &mut of.inflow, r: &mut of.r });
        self.respond(level, (&of.factor, &of.inverse), &of.r, None, &mut of.z);
        let (mut rz, mut most) = level.dispatch(Judge { r: &of.r, z: &of.z });
        // What is no number comes from a cell, which will say so.
        if most <= TOLERANCE || !rz.is_finite() {
            return Ok(products);
        }
        of.p.copy_from_slice(&of.z);
        of.q.copy_from_slice(&of.r);
        for _ in 0..STEPS {
            self.flow(level, (&of.weights, of.even), &of.p, &mut of.w);
            products += 1;
            let curved = level.dispatch(Curve { p: &of.p, q: &of.q, w: &of.w });
            let by = rz / curved;
            if !(by.is_finite() && curved > 0.0) {
                break;
            }
            let Vectors { y, inflow, r, p, q, w, .. } = of;
            level.dispatch(Go { by, y, inflow, r, p, q, w });
            self.respond(level, (&of.factor, &of.inverse), &of.r, None, &mut of.z);
            let before = rz;
            (rz, most) = level.dispatch(Judge { r: &of.r, z: &of.z });
            if most <= TOLERANCE {
                return Ok(products);
            }
            level.dispatch(Turn { by: rz / before, p: &mut of.p, q: &mut of.q, r: &of.r, z: &of.z });
        }
        let changes = F64x8::as_f64s(&of.z)[..self.places()].iter().enumerate();
        let worst = changes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or((0, 0.0), |(k, z)| (k, *z));
        Err(Restless { place: worst.0, change: worst.1.abs() })
    }

    /// `out = J x`: what flows out of each place, pA.
    fn flow(&self, level: Level, (weights, even): (&[f64], Option<f64>), x: &[F64x8], out: &mut [F64x8]) {
        let n = self.places();
        let out = &mut F64x8::as_f64s_mut(out)[..n];
        let x = F64x8::as_f64s(x);
        let whole = Flow { starts: &self.starts, others: &self.others, weights, even, x, first: 0, out };
        if self.others.len() < MANY {
            level.dispatch(whole);
            return;
        }
        let Flow { starts, others, weights, x, out, .. } = whole;
        out.par_chunks_mut(FEW).enumerate().for_each(|(k, out)| {
            level.dispatch(Flow { starts, others, weights, even, x, first: k * FEW, out });
        });
    }

    /// `x = T^-1 r`, or what elimination has left `beside` and that.
    fn respond(
        &self,
        level: Level,
        (factor, inverse): (&[F64x8], &[F64x8]),
        r: &[F64x8],
        rest: Option<&[F64x8]>,
        x: &mut [F64x8],
    ) {
        if self.flat {
            return level.dispatch(Roots { inverse, r, rest, x });
        }
        self.raise((factor, inverse), r, x);
        let (n, x) = (self.places(), F64x8::as_f64s_mut(x));
        if let Some(rest) = rest {
            x[..n].iter_mut().zip(F64x8::as_f64s(rest)).for_each(|(x, rest)| *x += rest);
        }
        let factor = F64x8::as_f64s(factor);
        for (k, &parent) in self.parents.iter().enumerate() {
            // A root has no dealings with itself.
            if parent as usize != k {
                x[k] -= factor[k] * x[parent as usize];
            }
        }
    }

    /// What currents `r` add to what elimination has left of each place.
    pub fn raise(&self, (factor, inverse): (&[F64x8], &[F64x8]), r: &[F64x8], x: &mut [F64x8]) {
        if self.flat {
            for ((x, r), inverse) in x.iter_mut().zip(r).zip(inverse) {
                x.0.iter_mut().zip(r.0).zip(inverse.0).for_each(|((x, r), inverse)| *x = r * inverse);
            }
            return;
        }
        let n = self.places();
        let (factor, inverse) = (&F64x8::as_f64s(factor)[..n], &F64x8::as_f64s(inverse)[..n]);
        x.copy_from_slice(r);
        let x = &mut F64x8::as_f64s_mut(x)[..n];
        for (k, &parent) in self.parents.iter().enumerate().rev() {
            if parent as usize != k {
                x[parent as usize] -= factor[k] * x[k];
            }
            x[k] *= inverse[k];
        }
    }
}

/// Products with the junctions, of the places from `first` on.
struct Flow<'a> {
    starts: &'a [u32],
    others: &'a [u32],
    weights: &'a [f64],
    even: Option<f64>,
    x: &'a [f64],
    first: usize,
    out: &'a mut [f64],
}

impl Kernel for Flow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { starts, others, weights, even, x, first, out } = self;
        let starts = &starts[first..=first + out.len()];
        if let Some(weight) = even {
            for (k, out) in out.iter_mut().enumerate() {
                let here = x[first + k];
                let mut sums = [0.0; 2];
                let (pairs, last) = others[starts[k] as usize..starts[k + 1] as usize].as_chunks::<2>();
                for others in pairs {
                    sums[0] += here - x[others[0] as usize];
                    sums[1] += here - x[others[1] as usize];
                }
                for other in last {
                    sums[0] += here - x[*other as usize];
                }
                *out = weight * (sums[0] + sums[1]);
            }
            return;
        }
        for (k, out) in out.iter_mut().enumerate() {
            let ends = starts[k] as usize..starts[k + 1] as usize;
            let (others, weights) = (&others[ends.clone()], &weights[ends]);
            let here = x[first + k];
            let mut sums = [0.0; 2];
            let (pairs, last) = others.as_chunks::<2>();
            let (of_pairs, of_last) = weights.as_chunks::<2>();
            for (others, weights) in pairs.iter().zip(of_pairs) {
                sums[0] += weights[0] * (here - x[others[0] as usize]);
                sums[1] += weights[1] * (here - x[others[1] as usize]);
            }
            for (other, weight) in last.iter().zip(of_last) {
                sums[0] += weight * (here - x[*other as usize]);
            }
            *out = sums[0] + sums[1];
        }
    }
}

/// Inflow of a guess.
struct Guess<'a> {
    w: &'a [F64x8],
    given: &'a [F64x8],
    inflow: &'a mut [F64x8],
}

impl Kernel for Guess<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for ((inflow, given), w) in self.inflow.iter_mut().zip(self.given).zip(self.w) {
            (L::load(given) - L::load(w)).store(inflow);
        }
    }
}

/// What flows in, and by how much that is more than was guessed.
struct Start<'a> {
    w: &'a [F64x8],
    given: &'a [F64x8],
    inflow: &'a mut [F64x8],
    r: &'a mut [F64x8],
}

impl Kernel for Start<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for (((w, given), inflow), r) in self.w.iter().zip(self.given).zip(self.inflow).zip(self.r) {
            let now = L::load(given) - L::load(w);
            (now - L::load(inflow)).store(r);
            now.store(inflow);
        }
    }
}

/// `r z`, and the largest |z|.
struct Judge<'a> {
    r: &'a [F64x8],
    z: &'a [F64x8],
}

impl Kernel for Judge<'_> {
    type Output = (f64, f64);
    #[inline(always)]
    fn run<L: Lanes>(self) -> (f64, f64) {
        let (mut sum, mut most) = (L::splat(0.0), L::splat(0.0));
        for (r, z) in self.r.iter().zip(self.z) {
            let z = L::load(z);
            sum = L::load(r).mul_add(z, sum);
            most = most.max(z.abs());
        }
        (whole::<L>(sum), most.to_array().into_iter().fold(0.0, f64::max))
    }
}

/// The lanes of a sum together, in their order.
#[inline(always)]
fn whole<L: Lanes>(sum: L) -> f64 {
    sum.to_array().into_iter().fold(0.0, |all, x| all + x)
}

/// `p (q + w)`
struct Curve<'a> {
    p: &'a [F64x8],
    q: &'a [F64x8],
    w: &'a [F64x8],
}

impl Kernel for Curve<'_> {
    type Output = f64;
    #[inline(always)]
    fn run<L: Lanes>(self) -> f64 {
        let mut sum = L::splat(0.0);
        for ((p, q), w) in self.p.iter().zip(self.q).zip(self.w) {
            sum = L::load(p).mul_add(L::load(q) + L::load(w), sum);
        }
        whole::<L>(sum)
    }
}

/// A step along `p`.
struct Go<'a> {
    by: f64,
    y: &'a mut [F64x8],
    inflow: &'a mut [F64x8],
    r: &'a mut [F64x8],
    p: &'a [F64x8],
    q: &'a [F64x8],
    w: &'a [F64x8],
}

impl Kernel for Go<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { by, y, inflow, r, p, q, w } = self;
        let by = L::splat(by);
        for k in 0..y.len() {
            let (p, q, w) = (L::load(&p[k]), L::load(&q[k]), L::load(&w[k]));
            by.mul_add(p, L::load(&y[k])).store(&mut y[k]);
            by.neg_mul_add(w, L::load(&inflow[k])).store(&mut inflow[k]);
            by.neg_mul_add(q + w, L::load(&r[k])).store(&mut r[k]);
        }
    }
}

/// The next direction, and `T` times it.
struct Turn<'a> {
    by: f64,
    p: &'a mut [F64x8],
    q: &'a mut [F64x8],
    r: &'a [F64x8],
    z: &'a [F64x8],
}

impl Kernel for Turn<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { by, p, q, r, z } = self;
        let by = L::splat(by);
        for k in 0..p.len() {
            by.mul_add(L::load(&p[k]), L::load(&z[k])).store(&mut p[k]);
            by.mul_add(L::load(&q[k]), L::load(&r[k])).store(&mut q[k]);
        }
    }
}

/// [`Component::respond`] where all places are roots.
struct Roots<'a> {
    inverse: &'a [F64x8],
    r: &'a [F64x8],
    rest: Option<&'a [F64x8]>,
    x: &'a mut [F64x8],
}

impl Kernel for Roots<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { inverse, r, rest, x } = self;
        for k in 0..x.len() {
            let of = L::load(&inverse[k]) * L::load(&r[k]);
            match rest {
                Some(rest) => (of + L::load(&rest[k])).store(&mut x[k]),
                None => of.store(&mut x[k]),
            }
        }
    }
}
