//! Tridiagonal systems by Gaussian elimination without pivoting (Thomas).
//!
//! `lower[i] x[i-1] + diagonal[i] x[i] + upper[i] x[i+1] = rhs[i]` in each lane; `lower[0]` and `upper[n-1]` are not
//! read. Source: Golub and Van Loan, Matrix Computations, 4th ed., 4.3.2. Stable for diagonally dominant rows.

use crate::simd::{F64x8, Kernel, Lanes, Level};

/// Solves eight systems in place: `rhs` becomes the solution, `diagonal` the reciprocals of the pivots.
///
/// One division, three fused multiply-adds and two products a row. A zero pivot gives inf or NaN, not a panic.
///
/// # Panics
/// If the columns differ in length.
#[inline(always)]
pub fn solve<L: Lanes>(lower: &[F64x8], diagonal: &mut [F64x8], upper: &[F64x8], rhs: &mut [F64x8]) {
    let n = diagonal.len();
    assert!(lower.len() == n && upper.len() == n && rhs.len() == n, "the columns of a matrix have one length");
    if n == 0 {
        return;
    }
    let one = L::splat(1.0);
    let mut inverse = one / L::load(&diagonal[0]);
    let mut b = L::load(&rhs[0]);
    inverse.store(&mut diagonal[0]);
    for i in 1..n {
        let lower = L::load(&lower[i]);
        let factor = lower * inverse;
        inverse = one / factor.neg_mul_add(L::load(&upper[i - 1]), L::load(&diagonal[i]));
        b = factor.neg_mul_add(b, L::load(&rhs[i]));
        inverse.store(&mut diagonal[i]);
        b.store(&mut rhs[i]);
    }
    let mut x = b * inverse;
    x.store(&mut rhs[n - 1]);
    for i in (0..n - 1).rev() {
        x = L::load(&upper[i]).neg_mul_add(x, L::load(&rhs[i])) * L::load(&diagonal[i]);
        x.store(&mut rhs[i]);
    }
}

/// [`solve`] with the lanes of `level`.
///
/// ```
/// use numerics::{linear::tridiagonal, simd::{F64x8, Level}};
/// let [minus, two] = [-1.0, 2.0].map(F64x8::splat);
/// // -x'' = const, zero outside: the solution is a parabola
/// let mut x = [F64x8::splat(1.0); 3];
/// tridiagonal::solve_at(Level::best(), &[minus; 3], &mut [two; 3], &[minus; 3], &mut x);
/// for (x, exact) in x.iter().zip([1.5, 2.0, 1.5]) {
///     assert!((x.0[0] - exact).abs() < 1e-15);
/// }
/// ```
///
/// # Panics
/// If the columns differ in length or the machine lacks `level`.
pub fn solve_at(level: Level, lower: &[F64x8], diagonal: &mut [F64x8], upper: &[F64x8], rhs: &mut [F64x8]) {
    struct Solve<'a>(&'a [F64x8], &'a mut [F64x8], &'a [F64x8], &'a mut [F64x8]);
    impl Kernel for Solve<'_> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes>(self) {
            solve::<L>(self.0, self.1, self.2, self.3);
        }
    }
    level.dispatch(Solve(lower, diagonal, upper, rhs));
}
