//! Roots and maxima of a function of one variable, from brackets that only ever shrink.
//!
//! Limits: a root needs a change of sign, and of several one is found; a maximum is a local one.
//! Source: Brent (1973) Algorithms for Minimization without Derivatives, chs. 4 and 5.

/// Why a bracket was refused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BracketError {
    /// The function has one sign at both ends.
    SameSign {
        /// Its value at the left end.
        left: f64,
        /// Its value at the right end.
        right: f64,
    },
    /// An end of the bracket or the function there is NaN or infinite, or the ends are in the wrong order.
    NotANumber {
        /// Where.
        x: f64,
    },
}

impl std::fmt::Display for BracketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BracketError::SameSign { left, right } => {
                write!(f, "no change of sign in the bracket: {left} at its left end, {right} at its right end")
            }
            BracketError::NotANumber { x } => write!(f, "the function is not finite at {x}"),
        }
    }
}

impl std::error::Error for BracketError {}

/// The largest value found of a function, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Maximum {
    /// Where it is.
    pub x: f64,
    /// How large it is.
    pub value: f64,
}

/// A root of `f` between `a` and `b`, to within `tolerance` (in x) and 4 ulp of x, whichever is larger.
///
/// Brent's method: secant and inverse quadratic steps, and bisection where they converge slowly; at worst about the
/// square of the number of bisections.
///
/// ```
/// let root = numerics::bracket::root(|x| x * x - 2.0, 0.0, 2.0, 1e-14)?;
/// assert!((root - 2f64.sqrt()).abs() < 1e-14);
/// # Ok::<(), numerics::bracket::BracketError>(())
/// ```
///
/// # Errors
/// If `f` has the same sign at `a` and `b`, or is not finite anywhere the search comes by.
pub fn root(mut f: impl FnMut(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Result<f64, BracketError> {
    let mut at = |x: f64| {
        let y = f(x);
        if x.is_finite() && y.is_finite() { Ok(y) } else { Err(BracketError::NotANumber { x }) }
    };
    // b is the best guess, a the one before, c on the other side of the root from b
    let (mut a, mut b) = (a, b);
    let (mut fa, mut fb) = (at(a)?, at(b)?);
    if fa == 0.0 {
        return Ok(a);
    }
    if fb != 0.0 && (fa > 0.0) == (fb > 0.0) {
        return Err(BracketError::SameSign { left: fa, right: fb });
    }
    let (mut c, mut fc) = (a, fa);
    let mut step = b - a;
    let mut step_before = step;
    loop {
        if (fb > 0.0) == (fc > 0.0) {
            (c, fc) = (a, fa);
            step = b - a;
            step_before = step;
        }
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let close = 2.0 * f64::EPSILON * b.abs() + 0.5 * tolerance.max(0.0);
        let middle = 0.5 * (c - b);
        if middle.abs() <= close || fb == 0.0 {
            return Ok(b);
        }
        if step_before.abs() >= close && fa.abs() > fb.abs() {
            let s = fb / fa;
            let (mut p, mut q) = if a == c {
                (2.0 * middle * s, 1.0 - s)
            } else {
                let (q, r) = (fa / fc, fb / fc);
                (s * (2.0 * middle * q * (q - r) - (b - a) * (r - 1.0)), (q - 1.0) * (r - 1.0) * (s - 1.0))
            };
            if p > 0.0 {
                q = -q;
            } else {
                p = -p;
            }
            if 2.0 * p < (3.0 * middle * q - (close * q).abs()).min((step_before * q).abs()) {
                step_before = step;
                step = p / q;
            } else {
                (step, step_before) = (middle, middle);
            }
        } else {
            (step, step_before) = (middle, middle);
        }
        (a, fa) = (b, fb);
        b += if step.abs() > close { step } else { close.copysign(middle) };
        fb = at(b)?;
    }
}

/// A local maximum of `f` between `a` and `b`, its place to within `tolerance` (in x) and 3e-8 of x's size; closer is
/// not possible, for f is flat there. If `f` has one maximum, that one.
///
/// Brent's method: parabolic steps, and golden sections where they fail. Ends are not looked at: a maximum at an end
/// is approached to within the tolerance.
///
/// ```
/// let peak = numerics::bracket::maximum(|x| x * (1.0 - x), 0.0, 1.0, 1e-9)?;
/// assert!((peak.x - 0.5).abs() < 1e-7 && (peak.value - 0.25).abs() < 1e-15);
/// # Ok::<(), numerics::bracket::BracketError>(())
/// ```
///
/// # Errors
/// If not `a <= b` and both finite, or if `f` is not finite anywhere the search comes by.
pub fn maximum(mut f: impl FnMut(f64) -> f64, a: f64, b: f64, tolerance: f64) -> Result<Maximum, BracketError> {
    /// (3 - sqrt 5) / 2.
    const GOLDEN: f64 = 0.381_966_011_250_105_1;
    /// sqrt(eps): below it, moving x changes f by less than a rounding error.
    const FLAT: f64 = 1.490_116_119_384_765_6e-8;
    let mut at = |x: f64| {
        let y = f(x);
        if x.is_finite() && y.is_finite() { Ok(-y) } else { Err(BracketError::NotANumber { x }) }
    };
    if !(a <= b && a.is_finite() && b.is_finite()) {
        return Err(BracketError::NotANumber { x: if a.is_finite() { b } else { a } });
    }
    let (mut a, mut b) = (a, b);
    // x is the best so far (of -f), w the second best, v the w before
    let mut x = a + GOLDEN * (b - a);
    let (mut w, mut v) = (x, x);
    let mut fx = at(x)?;
    let (mut fw, mut fv) = (fx, fx);
    let (mut step, mut step_before): (f64, f64) = (0.0, 0.0);
    loop {
        let middle = 0.5 * (a + b);
        let close = FLAT * x.abs() + tolerance.max(f64::MIN_POSITIVE) / 3.0;
        if (x - middle).abs() <= 2.0 * close - 0.5 * (b - a) {
            return Ok(Maximum { x, value: -fx });
        }
        let mut golden = true;
        if step_before.abs() > close {
            let r = (x - w) * (fx - fv);
            let q = (x - v) * (fx - fw);
            let mut p = (x - v) * q - (x - w) * r;
            let mut q = 2.0 * (q - r);
            if q > 0.0 {
                p = -p;
            } else {
                q = -q;
            }
            if p.abs() < (0.5 * q * step_before).abs() && p > q * (a - x) && p < q * (b - x) {
                step_before = step;
                step = p / q;
                let u = x + step;
                if u - a < 2.0 * close || b - u < 2.0 * close {
                    step = close.copysign(middle - x);
                }
                golden = false;
            }
        }
        if golden {
            step_before = if x < middle { b - x } else { a - x };
            step = GOLDEN * step_before;
        }
        let u = x + if step.abs() >= close { step } else { close.copysign(step) };
        let fu = at(u)?;
        if fu <= fx {
            if u < x {
                b = x;
            } else {
                a = x;
            }
            (v, w, x) = (w, x, u);
            (fv, fw, fx) = (fw, fx, fu);
        } else {
            if u < x {
                a = u;
            } else {
                b = u;
            }
            if fu <= fw || w == x {
                (v, w) = (w, u);
                (fv, fw) = (fw, fu);
            } else if fu <= fv || v == x || v == w {
                (v, fv) = (u, fu);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{exp, ln};
    use crate::rng::StreamKey;

    #[test]
    fn a_root_is_within_tolerance_whatever_the_bracket() {
        let mut draws = StreamKey::new(1, 0, 0, 0).at(0, 0);
        for _ in 0..1000 {
            let exact = 20.0 * draws.uniform() - 10.0;
            let (a, b) = (exact - 30.0 * draws.uniform(), exact + 30.0 * draws.uniform());
            let steep = exp(6.0 * draws.uniform() - 3.0);
            let shapes: [&dyn Fn(f64) -> f64; 4] =
                [&|x| x, &|x| x * x * x, &|x| tanh(steep * x), &|x| if x < 0.0 { -1.0 } else { 1.0 }];
            for f in shapes {
                let mut calls = 0;
                let found = root(
                    |x| {
                        calls += 1;
                        f(x - exact)
                    },
                    a,
                    b,
                    1e-12,
                );
                assert!((found.expect("a sign change") - exact).abs() <= 1e-12 + 1e-14, "{exact} in {a} {b}");
                assert!(calls < 250, "{calls} calls");
            }
        }
    }

    fn tanh(x: f64) -> f64 {
        1.0 - 2.0 / (exp(2.0 * x) + 1.0)
    }

    #[test]
    fn a_bad_bracket_is_refused_and_a_root_at_an_end_found() {
        assert!(matches!(root(|x| x * x + 1.0, -1.0, 1.0, 0.0), Err(BracketError::SameSign { .. })));
        assert!(matches!(root(ln, -1.0, 2.0, 0.0), Err(BracketError::NotANumber { .. })));
        assert!(matches!(maximum(|x| x, 0.0, f64::NAN, 0.0), Err(BracketError::NotANumber { .. })));
        assert_eq!(root(|x| x, 0.0, 1.0, 0.0), Ok(0.0));
        assert_eq!(root(|x| x, -1.0, 0.0, 0.0), Ok(0.0));
    }

    /// The difference of two exponentials peaks at ln(slow/fast) slow fast / (slow - fast).
    #[test]
    fn the_peak_of_a_synaptic_current_is_where_theory_puts_it() {
        for (fast, slow) in [(0.2, 2.0), (1.0, 1.001), (2.0, 100.0), (1e-3, 50.0)] {
            let exact = ln(slow / fast) * slow * fast / (slow - fast);
            let peak = maximum(|t| exp(-t / slow) - exp(-t / fast), 0.0, 10.0 * slow, 1e-9).expect("finite");
            // f = f_max (1 - O(dt^2)): rounding of 1/4 eps of the terms blurs dt by sqrt(eps / f'')
            let curvature = exp(-exact / fast) / (fast * fast) - exp(-exact / slow) / (slow * slow);
            let blur = 1e-9 + 4e-8 * exact + 4.0 * (f64::EPSILON / curvature).sqrt();
            assert!((peak.x - exact).abs() < blur, "{fast} {slow}: {} against {exact}", peak.x);
        }
    }

    #[test]
    fn a_maximum_at_an_end_is_approached() {
        let peak = maximum(|x| x, 0.0, 1.0, 1e-6).expect("finite");
        assert!((peak.x - 1.0).abs() < 1.1e-6);
        assert_eq!(maximum(|x| x, 2.0, 2.0, 1e-6).map(|m| m.x), Ok(2.0));
    }
}
