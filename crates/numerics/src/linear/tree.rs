//! Systems whose graph is a tree, by elimination from the tips to the root and back (Hines).
//!
//! Row i: `diagonal[i] x[i] + lower[i] x[parent(i)] + sum over children c of upper[c] x[c] = rhs[i]`, in each lane.
//! No fill-in arises if parents come before children. Source: Hines (1984) Int J Biomed Comput 15:69.

use crate::simd::{F64x8, Kernel, LANES, Lanes, Level};

/// The shapes of eight trees (or forests) side by side, compartment by compartment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trees {
    ways: Vec<Way>,
    /// Parents that a way names lane by lane.
    hops: Vec<u32>,
}

/// How a row reaches its parents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All lanes have this one; itself, if all are roots.
    Alike(u32),
    /// The row before is the parent of all.
    Follow,
    /// The row before is the parent of the lanes `follow`; those `apart` have parents elsewhere, in `hops` from `first` on, lane
    /// after lane; the rest have none.
    Mixed { follow: u8, apart: u8, first: u32 },
}

/// A compartment whose parent comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentAfterChild {
    /// The compartment's index.
    pub compartment: u32,
    /// The lane it is in.
    pub lane: usize,
    /// The parent it was given.
    pub parent: u32,
}

impl std::fmt::Display for ParentAfterChild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ParentAfterChild { compartment, lane, parent } = self;
        write!(f, "compartment {compartment} of lane {lane} has parent {parent}; a parent comes before its children")
    }
}

impl std::error::Error for ParentAfterChild {}

impl Trees {
    /// From the parent of each compartment in each lane. A root, and so compartment 0, is its own parent.
    ///
    /// A lane with a smaller tree is padded with roots whose rows are `diagonal = 1`, the rest 0. Depth-first order, in
    /// which most parents are the row before, is the quickest where lanes differ.
    ///
    /// # Errors
    /// If a parent comes after its child.
    pub fn new(parents: &[[u32; LANES]]) -> Result<Trees, ParentAfterChild> {
        for (i, row) in parents.iter().enumerate() {
            for (lane, &parent) in row.iter().enumerate() {
                if parent as usize > i {
                    return Err(ParentAfterChild { compartment: i as u32, lane, parent });
                }
            }
        }
        let mut hops = Vec::new();
        let way = |(i, row): (usize, &[u32; LANES])| {
            if *row == [row[0]; LANES] {
                return if row[0] as usize + 1 == i { Way::Follow } else { Way::Alike(row[0]) };
            }
            let first = hops.len() as u32;
            let (mut follow, mut apart) = (0, 0);
            for (lane, &parent) in row.iter().enumerate() {
                match i - parent as usize {
                    0 => {}
                    1 => follow |= 1 << lane,
                    _ => {
                        apart |= 1 << lane;
                        hops.push(parent);
                    }
                }
            }
            Way::Mixed { follow, apart, first }
        };
        let ways = parents.iter().enumerate().map(way).collect();
        hops.shrink_to_fit();
        Ok(Trees { ways, hops })
    }

    /// Eight trees of one shape.
    ///
    /// # Errors
    /// If a parent comes after its child.
    pub fn alike(parents: &[u32]) -> Result<Trees, ParentAfterChild> {
        Trees::new(&parents.iter().map(|&parent| [parent; LANES]).collect::<Vec<_>>())
    }

    /// Compartments per lane.
    pub fn len(&self) -> usize {
        self.ways.len()
    }

    /// What they take of memory, bytes.
    pub fn bytes(&self) -> usize {
        std::mem::size_of_val(&self.ways[..]) + std::mem::size_of_val(&self.hops[..])
    }

    /// Whether there are no compartments.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The parent of each lane's compartment `i`.
    pub fn parents(&self, i: usize) -> [u32; LANES] {
        let mut parents = [i as u32; LANES];
        match self.ways[i] {
            Way::Alike(parent) => parents = [parent; LANES],
            Way::Follow => parents = [i as u32 - 1; LANES],
            Way::Mixed { follow, apart, first } => {
                each(follow, |_, lane| parents[lane] -= 1);
                each(apart, |k, lane| parents[lane] = self.hops[first as usize + k]);
            }
        }
        parents
    }
}

/// The matrix of eight trees, a column of eight lanes per band.
#[derive(Debug)]
pub struct Matrix<'a> {
    /// `A[i, i]`; [`solve`] leaves `lower` over the pivots.
    pub diagonal: &'a mut [F64x8],
    /// `A[parent(i), i]`: what compartment i adds to its parent's row. 0 for a root.
    pub upper: &'a [F64x8],
    /// `A[i, parent(i)]`: what its parent adds to compartment i's row. 0 for a root.
    pub lower: &'a [F64x8],
}

/// What a row begins with besides its columns, and what becomes of its solution; both while the solver waits for numbers.
pub trait Rows<L: Lanes> {
    /// Added to the diagonal and the right-hand side of row `i`, which is at hand for the first time.
    fn begin(&self, i: usize) -> (L, L);
    /// The solution of row `i`.
    fn solved(&mut self, i: usize, x: L);
}

/// Rows that are all in their columns.
struct Plain;

impl<L: Lanes> Rows<L> for Plain {
    #[inline(always)]
    fn begin(&self, _: usize) -> (L, L) {
        (L::splat(0.0), L::splat(0.0))
    }
    #[inline(always)]
    fn solved(&mut self, _: usize, _: L) {}
}

/// Solves eight systems in place: `rhs` becomes the solution.
///
/// One division, three fused multiply-adds and four products a row, in the same order whether lanes have parents in
/// common or not; children of one parent are added from last to first. A zero pivot gives inf or NaN, not a panic.
///
/// # Panics
/// If the columns and `trees` differ in length; in debug builds, if a root's `upper` or `lower` is not 0.
#[inline(always)]
pub fn solve<L: Lanes>(trees: &Trees, matrix: Matrix<'_>, rhs: &mut [F64x8]) {
    solve_rows::<L, _>(trees, matrix, rhs, &mut Plain);
}

/// [`solve`], with what `rows` adds to each row: a row's diagonal is `diagonal[i] + begin(i).0` less what its children
/// take, likewise its right-hand side.
///
/// # Panics
/// As [`solve`].
#[inline(always)]
pub fn solve_rows<L: Lanes, R: Rows<L>>(trees: &Trees, matrix: Matrix<'_>, rhs: &mut [F64x8], rows: &mut R) {
    let Matrix { diagonal, upper, lower } = matrix;
    eliminate::<L, R, false>(trees, Matrix { diagonal, upper, lower }, &mut [], rhs, rows);
    back_rows::<L, R>(trees, diagonal, rhs, rows);
}

/// The first half of [`solve_rows`], from the tips to the roots, for whoever changes right-hand sides in between and goes
/// on with [`back_rows`]: `diagonal` becomes `lower` over the pivots, `inverse` one over the pivots if it is to be `KEPT`,
/// `rhs` what each row is left with over its pivot.
///
/// # Panics
/// As [`solve`]; if `inverse` is kept and too short.
#[inline(always)]
pub fn eliminate<L: Lanes, R: Rows<L>, const KEPT: bool>(
    trees: &Trees,
    matrix: Matrix<'_>,
    kept: &mut [F64x8],
    rhs: &mut [F64x8],
    rows: &R,
) {
    let Matrix { diagonal, upper, lower } = matrix;
    let n = trees.len();
    assert!(
        diagonal.len() == n && upper.len() == n && lower.len() == n && rhs.len() == n,
        "the columns of a matrix have one length"
    );
    let kept = if KEPT { &mut kept[..n] } else { kept };
    debug_assert!(
        (0..n).all(|i| (0..LANES).all(|lane| {
            trees.parents(i)[lane] as usize != i || (upper[i].0[lane] == 0.0 && lower[i].0[lane] == 0.0)
        }))
    );
    if n == 0 {
        return;
    }
    let (ways, hops) = (&trees.ways[..n], &trees.hops[..]);
    // What children leave of the row at hand is kept in registers: most rows are the next one's parent.
    let own = rows.begin(n - 1);
    let (mut d, mut b) = (L::load(&diagonal[n - 1]) + own.0, L::load(&rhs[n - 1]) + own.1);
    for i in (0..n).rev() {
        let inverse = L::splat(1.0) / d;
        let (u, l) = (L::load(&upper[i]), L::load(&lower[i]));
        // From row to row d waits for a division and one product: the other one is made meanwhile.
        let (both, factor) = (u * l, u * inverse);
        (l * inverse).store(&mut diagonal[i]);
        (b * inverse).store(&mut rhs[i]);
        if KEPT {
            inverse.store(&mut kept[i]);
        }
        let way = ways[i];
        if let Way::Alike(p) = way {
            let p = p as usize;
            // A root has no dealings with itself.
            if p < i {
                inverse.neg_mul_add(both, L::load(&diagonal[p])).store(&mut diagonal[p]);
                factor.neg_mul_add(b, L::load(&rhs[p])).store(&mut rhs[p]);
            }
        }
        let Some(before) = i.checked_sub(1) else { break };
        let own = rows.begin(before);
        let (next, next_b) = (L::load(&diagonal[before]) + own.0, L::load(&rhs[before]) + own.1);
        match way {
            Way::Alike(_) => (d, b) = (next, next_b),
            Way::Follow => (d, b) = (inverse.neg_mul_add(both, next), factor.neg_mul_add(b, next_b)),
            Way::Mixed { follow, apart, first } => {
                if apart != 0 {
                    let (inverse, both) = (inverse.to_array(), both.to_array());
                    let (factor, b) = (factor.to_array(), b.to_array());
                    each(apart, |k, lane| {
                        let p = hops[first as usize + k] as usize;
                        let (d, r) = (&mut diagonal[p].0[lane], &mut rhs[p].0[lane]);
                        *d = (-inverse[lane]).mul_add(both[lane], *d);
                        *r = (-factor[lane]).mul_add(b[lane], *r);
                    });
                }
                let follow = L::mask(follow);
                d = L::select(follow, inverse.neg_mul_add(both, next), next);
                b = L::select(follow, factor.neg_mul_add(b, next_b), next_b);
            }
        }
    }
}

/// Another right-hand side of a symmetric system after [`eliminate`]: what it left of the first, for `rhs`.
///
/// `factor`: what it left in the diagonal; `inverse`: what it kept.
///
/// # Panics
/// If the columns and `trees` differ in length.
#[inline(always)]
pub fn forward<L: Lanes>(trees: &Trees, factor: &[F64x8], inverse: &[F64x8], rhs: &mut [F64x8]) {
    let n = trees.len();
    assert!(factor.len() == n && inverse.len() >= n && rhs.len() == n, "the columns of a matrix have one length");
    for i in (0..n).rev() {
        let (b, f) = (L::load(&rhs[i]), L::load(&factor[i]));
        (b * L::load(&inverse[i])).store(&mut rhs[i]);
        let mut to = |lanes: u8, p: usize| {
            let parent = L::load(&rhs[p]);
            L::select(L::mask(lanes), f.neg_mul_add(b, parent), parent).store(&mut rhs[p]);
        };
        match trees.ways[i] {
            Way::Alike(p) if (p as usize) < i => to(u8::MAX, p as usize),
            Way::Alike(_) => {}
            Way::Follow => to(u8::MAX, i - 1),
            Way::Mixed { follow, apart, first } => {
                to(follow, i - 1);
                each(apart, |k, lane| to(1 << lane, trees.hops[first as usize + k] as usize));
            }
        }
    }
}

/// The second half of [`solve_rows`], from the roots to the tips: `rhs` becomes the solution.
///
/// `factor`: what [`eliminate`] left in the diagonal.
///
/// # Panics
/// If the columns and `trees` differ in length.
#[inline(always)]
pub fn back_rows<L: Lanes, R: Rows<L>>(trees: &Trees, factor: &[F64x8], rhs: &mut [F64x8], rows: &mut R) {
    let n = trees.len();
    assert!(factor.len() == n && rhs.len() == n, "the columns of a matrix have one length");
    let (ways, hops) = (&trees.ways[..n], &trees.hops[..]);
    let mut x = L::splat(0.0);
    for i in 0..n {
        match ways[i] {
            Way::Follow | Way::Mixed { apart: 0, .. } => {}
            Way::Alike(p) => x = L::load(&rhs[p as usize]),
            // A root's `lower` is 0; it takes what it takes from the row before times 0.
            Way::Mixed { apart, first, .. } => {
                // Lane by lane within the register: a line that was just written in parts cannot be read at once.
                let (mut left, mut k) = (apart, first as usize);
                while left != 0 {
                    let other = L::splat(rhs[hops[k] as usize].0[left.trailing_zeros() as usize]);
                    x = L::select(L::mask(left & left.wrapping_neg()), other, x);
                    left &= left - 1;
                    k += 1;
                }
            }
        }
        x = L::load(&factor[i]).neg_mul_add(x, L::load(&rhs[i]));
        x.store(&mut rhs[i]);
        rows.solved(i, x);
    }
}

/// Does `f` with each lane of a mask, and how many came before.
#[inline(always)]
fn each(mut lanes: u8, mut f: impl FnMut(usize, usize)) {
    let mut k = 0;
    while lanes != 0 {
        f(k, lanes.trailing_zeros() as usize);
        lanes &= lanes - 1;
        k += 1;
    }
}

/// [`solve`] with the lanes of `level`.
///
/// ```
/// use numerics::{linear::tree::{Matrix, Trees, solve_at}, simd::{F64x8, Level}};
/// // a soma (0) with two dendrites: 3 x0 - x1 - x2 = 1, 2 x1 - x0 = 0, 2 x2 - x0 = 0
/// let trees = Trees::alike(&[0, 0, 0])?;
/// let off = [0.0, -1.0, -1.0].map(F64x8::splat);
/// let mut diagonal = [3.0, 2.0, 2.0].map(F64x8::splat);
/// let mut x = [1.0, 0.0, 0.0].map(F64x8::splat);
/// solve_at(Level::best(), &trees, Matrix { diagonal: &mut diagonal, upper: &off, lower: &off }, &mut x);
/// assert_eq!(x, [0.5, 0.25, 0.25].map(F64x8::splat));
/// # Ok::<(), numerics::linear::tree::ParentAfterChild>(())
/// ```
///
/// # Panics
/// As [`solve`], and if the machine lacks `level`.
pub fn solve_at(level: Level, trees: &Trees, matrix: Matrix<'_>, rhs: &mut [F64x8]) {
    struct Solve<'a>(&'a Trees, Matrix<'a>, &'a mut [F64x8]);
    impl Kernel for Solve<'_> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes>(self) {
            solve::<L>(self.0, self.1, self.2);
        }
    }
    level.dispatch(Solve(trees, matrix, rhs));
}
