//! Marked kernel: eight lanes in two `__m256d`.
//!
//! Every `unsafe` below calls an intrinsic whose only demand is that the CPU has it. The types are private to
//! `simd` and reach other code only through `Level::dispatch`, which has checked; and loads and stores check length.

use core::arch::x86_64::*;

use super::{Bits, F64x8, Kernel, Lanes, Mask, Real, operators, sealed::Sealed};

/// Compiles `kernel`, all of which is `#[inline(always)]`, with AVX2 and FMA.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[derive(Clone, Copy)]
pub struct Avx2(__m256d, __m256d);

#[derive(Clone, Copy)]
pub struct Avx2Bits(__m256i, __m256i);

/// All bits of a true lane are set, of a false one clear.
#[derive(Clone, Copy)]
pub struct Avx2Mask(__m256d, __m256d);

/// One intrinsic on each half: `both!(Wrapper, intrinsic, operands..)`, every operand a pair.
macro_rules! both {
    ($wrap:ident, $call:expr, $($x:expr),+) => {
        // SAFETY: the CPU has AVX2 and FMA (module docs).
        unsafe { $wrap($call($($x.0),+), $call($($x.1),+)) }
    };
}

impl Sealed for Avx2 {}

impl Mask for Avx2Mask {
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        both!(Avx2Mask, _mm256_and_pd, self, other)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        both!(Avx2Mask, _mm256_or_pd, self, other)
    }
    #[inline(always)]
    fn not(self) -> Self {
        let ones = Avx2::from_bits(Avx2Bits::splat(u64::MAX));
        both!(Avx2Mask, _mm256_xor_pd, self, ones)
    }
    #[inline(always)]
    fn bits(self) -> u8 {
        // SAFETY: the CPU has AVX2 (module docs).
        unsafe { _mm256_movemask_pd(self.0) as u8 | (_mm256_movemask_pd(self.1) as u8) << 4 }
    }
    #[inline(always)]
    fn any(self) -> bool {
        self.bits() != 0
    }
    #[inline(always)]
    fn all(self) -> bool {
        self.bits() == 0xff
    }
}

impl Bits for Avx2Bits {
    #[inline(always)]
    fn splat(x: u64) -> Self {
        // SAFETY: the CPU has AVX2 (module docs).
        let x = unsafe { _mm256_set1_epi64x(x as i64) };
        Avx2Bits(x, x)
    }
    #[inline(always)]
    fn wrapping_add(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_add_epi64, self, other)
    }
    #[inline(always)]
    fn wrapping_sub(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_sub_epi64, self, other)
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_and_si256, self, other)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_or_si256, self, other)
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_xor_si256, self, other)
    }
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        both!(Avx2Bits, _mm256_mul_epu32, self, other)
    }
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        let n = Avx2Bits::splat(u64::from(n));
        both!(Avx2Bits, _mm256_sllv_epi64, self, n)
    }
    #[inline(always)]
    fn shr(self, n: u32) -> Self {
        let n = Avx2Bits::splat(u64::from(n));
        both!(Avx2Bits, _mm256_srlv_epi64, self, n)
    }
}

operators! { Avx2;
    -|a| {
        let sign = Avx2::splat(-0.0);
        both!(Avx2, _mm256_xor_pd, a, sign)
    };
    Add add |a, b| both!(Avx2, _mm256_add_pd, a, b);
    Sub sub |a, b| both!(Avx2, _mm256_sub_pd, a, b);
    Mul mul |a, b| both!(Avx2, _mm256_mul_pd, a, b);
    Div div |a, b| both!(Avx2, _mm256_div_pd, a, b);
}

impl Real for Avx2 {
    type Mask = Avx2Mask;
    type Bits = Avx2Bits;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        // SAFETY: the CPU has AVX2 (module docs).
        let x = unsafe { _mm256_set1_pd(x) };
        Avx2(x, x)
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        both!(Avx2, _mm256_fmadd_pd, self, factor, addend)
    }
    #[inline(always)]
    fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        both!(Avx2, _mm256_fnmadd_pd, self, factor, addend)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        let sign = Avx2::splat(-0.0);
        both!(Avx2, _mm256_andnot_pd, sign, self)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        both!(Avx2, _mm256_min_pd, self, other)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        both!(Avx2, _mm256_max_pd, self, other)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        both!(Avx2, _mm256_sqrt_pd, self)
    }
    #[inline(always)]
    fn lt(self, other: Self) -> Avx2Mask {
        both!(Avx2Mask, _mm256_cmp_pd::<_CMP_LT_OQ>, self, other)
    }
    #[inline(always)]
    fn le(self, other: Self) -> Avx2Mask {
        both!(Avx2Mask, _mm256_cmp_pd::<_CMP_LE_OQ>, self, other)
    }
    #[inline(always)]
    fn eq(self, other: Self) -> Avx2Mask {
        both!(Avx2Mask, _mm256_cmp_pd::<_CMP_EQ_OQ>, self, other)
    }
    #[inline(always)]
    fn select(mask: Avx2Mask, yes: Self, no: Self) -> Self {
        both!(Avx2, _mm256_blendv_pd, no, yes, mask)
    }
    #[inline(always)]
    fn to_bits(self) -> Avx2Bits {
        both!(Avx2Bits, _mm256_castpd_si256, self)
    }
    #[inline(always)]
    fn from_bits(bits: Avx2Bits) -> Self {
        both!(Avx2, _mm256_castsi256_pd, bits)
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn load(x8: &F64x8) -> Self {
        let p = x8.0.as_ptr();
        // SAFETY: 64 readable bytes, aligned by F64x8; the CPU has AVX2.
        unsafe { Avx2(_mm256_load_pd(p), _mm256_load_pd(p.add(4))) }
    }
    #[inline(always)]
    fn store(self, x8: &mut F64x8) {
        let p = x8.0.as_mut_ptr();
        // SAFETY: 64 writable bytes, aligned by F64x8; the CPU has AVX2.
        unsafe {
            _mm256_store_pd(p, self.0);
            _mm256_store_pd(p.add(4), self.1);
        }
    }
    #[inline(always)]
    fn load_slice(from: &[f64]) -> Self {
        let from: &[f64; 8] = from.first_chunk().expect("eight numbers to load");
        let p = from.as_ptr();
        // SAFETY: 64 readable bytes; the CPU has AVX2.
        unsafe { Avx2(_mm256_loadu_pd(p), _mm256_loadu_pd(p.add(4))) }
    }
    #[inline(always)]
    fn store_slice(self, to: &mut [f64]) {
        let to: &mut [f64; 8] = to.first_chunk_mut().expect("room for eight numbers");
        let p = to.as_mut_ptr();
        // SAFETY: 64 writable bytes; the CPU has AVX2.
        unsafe {
            _mm256_storeu_pd(p, self.0);
            _mm256_storeu_pd(p.add(4), self.1);
        }
    }
    #[inline(always)]
    fn mask(bits: u8) -> Avx2Mask {
        let lane = |i: u32| f64::from_bits(if bits >> i & 1 == 1 { u64::MAX } else { 0 });
        let full: [f64; 8] = std::array::from_fn(|i| lane(i as u32));
        let lanes = Self::load_slice(&full);
        Avx2Mask(lanes.0, lanes.1)
    }
    #[inline(always)]
    fn lookup(table: &[F64x8; 2], index: Avx2Bits) -> Self {
        let from: &[f64] = F64x8::as_f64s(table);
        let index = index.and(Avx2Bits::splat(15));
        // SAFETY: sixteen numbers lie there, and no index is above fifteen; the CPU has AVX2.
        unsafe {
            let p = from.as_ptr();
            Avx2(_mm256_i64gather_pd::<8>(p, index.0), _mm256_i64gather_pd::<8>(p, index.1))
        }
    }
}
