//! Eight f64 lanes, the same bits on every machine.
//!
//! Numerical code is written once, generic over [`Lanes`] (or over [`Real`] when one lane will do), and
//! [`Level::dispatch`] runs it with AVX-512, AVX2+FMA or plain Rust. Every operation is IEEE 754 correctly
//! rounded; a fused multiply-add happens where [`Real::mul_add`] or [`Real::neg_mul_add`] is written and nowhere else.
//! Limit: which NaN comes out (sign and payload) is not promised, only that it is one.

mod one;
mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::OnceLock;

/// Lanes in a [`Lanes`] vector and in an [`F64x8`].
pub const LANES: usize = 8;

/// Eight f64 as they lie in memory: one cache line.
///
/// A column of a table is a `[F64x8]`; [`F64x8::as_f64s`] sees it as plain numbers.
///
/// ```
/// use numerics::simd::F64x8;
/// let mut column = [F64x8::splat(1.0), F64x8::default()];
/// F64x8::as_f64s_mut(&mut column)[9] = 7.0;
/// assert_eq!(column[1].0[1], 7.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct F64x8(pub [f64; LANES]);

impl F64x8 {
    /// The same number in all lanes.
    #[inline(always)]
    pub const fn splat(x: f64) -> F64x8 {
        F64x8([x; LANES])
    }

    /// A column as `8 * column.len()` plain numbers, without copying.
    #[inline(always)]
    pub fn as_f64s(column: &[F64x8]) -> &[f64] {
        // SAFETY: F64x8 is repr(C) around [f64; 8]; its size is 64 bytes, its alignment, so no padding.
        unsafe { std::slice::from_raw_parts(column.as_ptr().cast(), column.len() * LANES) }
    }

    /// A column as `8 * column.len()` plain numbers, without copying.
    #[inline(always)]
    pub fn as_f64s_mut(column: &mut [F64x8]) -> &mut [f64] {
        // SAFETY: as in `as_f64s`; the borrow is exclusive, and any f64 is valid in an F64x8.
        unsafe { std::slice::from_raw_parts_mut(column.as_mut_ptr().cast(), column.len() * LANES) }
    }
}

impl From<[f64; LANES]> for F64x8 {
    #[inline(always)]
    fn from(lanes: [f64; LANES]) -> F64x8 {
        F64x8(lanes)
    }
}

/// A truth value per lane.
pub trait Mask: Copy {
    /// Both.
    fn and(self, other: Self) -> Self;
    /// Either or both.
    fn or(self, other: Self) -> Self;
    /// The opposite.
    fn not(self) -> Self;
    /// Bit `i` is lane `i`; bits past the last lane are 0.
    fn bits(self) -> u8;
    /// Whether any lane is true.
    fn any(self) -> bool;
    /// Whether every lane is true.
    fn all(self) -> bool;
}

mod sealed {
    /// Keeps [`super::Real`] to this module's types, whose bits are tested to agree.
    pub trait Sealed {}
}

/// The 64-bit patterns of some lanes, for code that takes floats apart.
#[doc(hidden)]
pub trait Bits: Copy {
    fn splat(x: u64) -> Self;
    fn wrapping_add(self, other: Self) -> Self;
    fn wrapping_sub(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// The product of the low 32 bits of each side; their high halves do not matter.
    fn mul_low(self, other: Self) -> Self;
    /// Shift left, zeros in, `n < 64`.
    fn shl(self, n: u32) -> Self;
    /// Shift right, zeros in, `n < 64`.
    fn shr(self, n: u32) -> Self;
}

/// A real number, or several side by side: `f64` itself and every [`Lanes`] type.
///
/// Operators round once each. Comparisons are false when either side is NaN, except [`Real::ne`].
pub trait Real:
    sealed::Sealed
    + Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A truth value per lane.
    type Mask: Mask;
    #[doc(hidden)]
    type Bits: Bits;

    /// The same number in all lanes.
    fn splat(x: f64) -> Self;
    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `addend - self * factor`, rounded once.
    fn neg_mul_add(self, factor: Self, addend: Self) -> Self;
    /// Magnitude; clears the sign, of NaN too.
    fn abs(self) -> Self;
    /// `if self < other { self } else { other }`: if either is NaN, or both are zeros, the answer is `other`.
    ///
    /// So `limit.min(x)` keeps a NaN in `x`, and `x.min(limit)` hides it. Differs from `f64::min`.
    fn min(self, other: Self) -> Self;
    /// `if self > other { self } else { other }`: if either is NaN, or both are zeros, the answer is `other`.
    fn max(self, other: Self) -> Self;
    /// Square root, correctly rounded; NaN below -0.
    fn sqrt(self) -> Self;
    /// `self < other`.
    fn lt(self, other: Self) -> Self::Mask;
    /// `self <= other`.
    fn le(self, other: Self) -> Self::Mask;
    /// `self > other`.
    #[inline(always)]
    fn gt(self, other: Self) -> Self::Mask {
        other.lt(self)
    }
    /// `self >= other`.
    #[inline(always)]
    fn ge(self, other: Self) -> Self::Mask {
        other.le(self)
    }
    /// `self == other`.
    fn eq(self, other: Self) -> Self::Mask;
    /// `self != other`; true where either is NaN.
    #[inline(always)]
    fn ne(self, other: Self) -> Self::Mask {
        self.eq(other).not()
    }
    /// Where `mask` holds `yes`, else `no`.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    #[doc(hidden)]
    fn to_bits(self) -> Self::Bits;
    #[doc(hidden)]
    fn from_bits(bits: Self::Bits) -> Self;
    /// `self * 2^n`, rounded once, for 0.5 <= |self| < 2 (or NaN) and integers |n| <= 2000.
    ///
    /// Two exact powers of two in turn: the first product is exact, so only the second rounds.
    #[doc(hidden)]
    #[inline(always)]
    fn scale2(self, n: Self) -> Self {
        // 1.5 * 2^52 + 1023: adding an integer leaves it, biased as an exponent, in the low bits
        let magic = Self::splat(6_755_399_441_056_767.0);
        let half = n.mul_add(Self::splat(0.5), magic);
        let rest = n - (half - magic) + magic;
        self * Self::from_bits(half.to_bits().shl(52)) * Self::from_bits(rest.to_bits().shl(52))
    }
}

/// Eight f64 lanes. Reached only through [`Level::dispatch`], so that the instructions exist where they run.
pub trait Lanes: Real {
    /// Lanes from memory; `x8` is aligned, so this is the quick way.
    fn load(x8: &F64x8) -> Self;
    /// Lanes to memory.
    fn store(self, x8: &mut F64x8);
    /// The first eight of `from`; panics if there are fewer.
    fn load_slice(from: &[f64]) -> Self;
    /// Into the first eight of `to`; panics if there are fewer.
    fn store_slice(self, to: &mut [f64]);
    /// Lane `i` is true where bit `i` is set.
    fn mask(bits: u8) -> Self::Mask;

    /// From each lane's place in `table`, seen as sixteen numbers: that of its `index`, of which the low four bits count.
    #[doc(hidden)]
    fn lookup(table: &[F64x8; 2], index: Self::Bits) -> Self;

    /// Lanes from an array.
    #[inline(always)]
    fn from_array(lanes: [f64; LANES]) -> Self {
        Self::load_slice(&lanes)
    }
    /// Lanes to an array.
    #[inline(always)]
    fn to_array(self) -> [f64; LANES] {
        let mut lanes = [0.0; LANES];
        self.store_slice(&mut lanes);
        lanes
    }
}

/// Work that can run on any [`Lanes`].
///
/// Mark `run`, and all it calls that is generic over `L`, `#[inline(always)]`: only then are they compiled with the
/// level's instructions. (Otherwise they are right, and slow.)
///
/// ```
/// use numerics::simd::{F64x8, Kernel, Lanes, Level};
///
/// struct Decay<'a> { v: &'a mut [F64x8], factor: f64 }
/// impl Kernel for Decay<'_> {
///     type Output = ();
///     #[inline(always)]
///     fn run<L: Lanes>(self) {
///         for v in self.v {
///             (L::load(v) * L::splat(self.factor)).store(v);
///         }
///     }
/// }
/// let mut v = vec![F64x8::splat(2.0); 3];
/// Level::best().dispatch(Decay { v: &mut v, factor: 0.5 });
/// assert_eq!(v[2], F64x8::splat(1.0));
/// ```
pub trait Kernel {
    /// What it gives back.
    type Output;
    /// Does the work on lanes `L`.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// Which instructions to use. The bits that come out are the same; only the time differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Plain Rust. On a machine whose baseline has FMA (aarch64) quick enough; on x86-64 a call per `mul_add`.
    Portable,
    /// x86-64 with AVX2 and FMA (x86-64-v3).
    Avx2,
    /// x86-64 with AVX-512 F, DQ, VL and BW (x86-64-v4).
    Avx512,
}

/// The level in use.
static BEST: OnceLock<Level> = OnceLock::new();

impl Level {
    /// The quickest level of this machine, or that of [`limit`](Self::limit). Asked of the CPU once.
    #[inline]
    pub fn best() -> Level {
        *BEST.get_or_init(detect)
    }

    /// From now on nothing above `level` is used; results do not depend on it, which this is for showing. False if a level
    /// was used already.
    pub fn limit(level: Level) -> bool {
        BEST.set(level.min(detect())).is_ok()
    }

    /// All levels of this machine, slowest first.
    pub fn available() -> &'static [Level] {
        match Level::best() {
            Level::Portable => &[Level::Portable],
            Level::Avx2 => &[Level::Portable, Level::Avx2],
            Level::Avx512 => &[Level::Portable, Level::Avx2, Level::Avx512],
        }
    }

    /// Runs `kernel` with this level's lanes.
    ///
    /// # Panics
    /// If this machine lacks the level.
    #[inline]
    pub fn dispatch<K: Kernel>(self, kernel: K) -> K::Output {
        assert!(self <= Level::best(), "SIMD level {self:?} is not available here; best is {:?}", Level::best());
        match self {
            Level::Portable => kernel.run::<portable::Portable>(),
            // SAFETY: levels are ordered by inclusion and `detect` found the features of the best one.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { avx512::run(kernel) },
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => unreachable!("detect found an x86-64 level elsewhere"),
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx2") && has!("fma")) {
        Level::Portable
    } else if has!("avx512f") && has!("avx512dq") && has!("avx512vl") && has!("avx512bw") {
        Level::Avx512
    } else {
        Level::Avx2
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}

/// The four operators and negation from a per-operator expression.
macro_rules! operators {
    ($type:ty; -|$n:ident| $neg:expr; $($trait:ident $method:ident |$a:ident, $b:ident| $body:expr;)*) => {
        $(impl std::ops::$trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                let ($a, $b) = (self, other);
                $body
            }
        })*
        impl std::ops::Neg for $type {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                let $n = self;
                $neg
            }
        }
    };
}
use operators;

#[cfg(test)]
mod tests;
