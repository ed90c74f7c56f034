//! Marked kernel: eight lanes in one `__m512d`.
//!
//! Every `unsafe` below calls an intrinsic whose only demand is that the CPU has it. The types are private to
//! `simd` and reach other code only through `Level::dispatch`, which has checked; and loads and stores check length.

use core::arch::x86_64::*;

use super::{Bits, F64x8, Kernel, Lanes, Mask, Real, operators, sealed::Sealed};

/// Compiles `kernel`, all of which is `#[inline(always)]`, with AVX-512.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")]
pub fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[derive(Clone, Copy)]
pub struct Avx512(__m512d);

#[derive(Clone, Copy)]
pub struct Avx512Bits(__m512i);

/// An intrinsic call.
macro_rules! cpu {
    ($wrap:ident, $call:expr) => {
        // SAFETY: the CPU has AVX-512 F (module docs).
        $wrap(unsafe { $call })
    };
}

impl Sealed for Avx512 {}

/// Lane `i` is bit `i`.
#[derive(Clone, Copy)]
pub struct Avx512Mask(__mmask8);

impl Mask for Avx512Mask {
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Avx512Mask(self.0 & other.0)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Avx512Mask(self.0 | other.0)
    }
    #[inline(always)]
    fn not(self) -> Self {
        Avx512Mask(!self.0)
    }
    #[inline(always)]
    fn bits(self) -> u8 {
        self.0
    }
    #[inline(always)]
    fn any(self) -> bool {
        self.0 != 0
    }
    #[inline(always)]
    fn all(self) -> bool {
        self.0 == 0xff
    }
}

impl Bits for Avx512Bits {
    #[inline(always)]
    fn splat(x: u64) -> Self {
        cpu!(Avx512Bits, _mm512_set1_epi64(x as i64))
    }
    #[inline(always)]
    fn wrapping_add(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_add_epi64(self.0, other.0))
    }
    #[inline(always)]
    fn wrapping_sub(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_sub_epi64(self.0, other.0))
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_and_si512(self.0, other.0))
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_or_si512(self.0, other.0))
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_xor_si512(self.0, other.0))
    }
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        cpu!(Avx512Bits, _mm512_mul_epu32(self.0, other.0))
    }
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        cpu!(Avx512Bits, _mm512_sllv_epi64(self.0, _mm512_set1_epi64(i64::from(n))))
    }
    #[inline(always)]
    fn shr(self, n: u32) -> Self {
        cpu!(Avx512Bits, _mm512_srlv_epi64(self.0, _mm512_set1_epi64(i64::from(n))))
    }
}

operators! { Avx512;
    -|a| cpu!(Avx512, _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(a.0), _mm512_set1_epi64(i64::MIN))));
    Add add |a, b| cpu!(Avx512, _mm512_add_pd(a.0, b.0));
    Sub sub |a, b| cpu!(Avx512, _mm512_sub_pd(a.0, b.0));
    Mul mul |a, b| cpu!(Avx512, _mm512_mul_pd(a.0, b.0));
    Div div |a, b| cpu!(Avx512, _mm512_div_pd(a.0, b.0));
}

impl Real for Avx512 {
    type Mask = Avx512Mask;
    type Bits = Avx512Bits;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        cpu!(Avx512, _mm512_set1_pd(x))
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        cpu!(Avx512, _mm512_fmadd_pd(self.0, factor.0, addend.0))
    }
    #[inline(always)]
    fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        cpu!(Avx512, _mm512_fnmadd_pd(self.0, factor.0, addend.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        cpu!(Avx512, _mm512_abs_pd(self.0))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        cpu!(Avx512, _mm512_min_pd(self.0, other.0))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        cpu!(Avx512, _mm512_max_pd(self.0, other.0))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        cpu!(Avx512, _mm512_sqrt_pd(self.0))
    }
    #[inline(always)]
    fn lt(self, other: Self) -> Avx512Mask {
        cpu!(Avx512Mask, _mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, other.0))
    }
    #[inline(always)]
    fn le(self, other: Self) -> Avx512Mask {
        cpu!(Avx512Mask, _mm512_cmp_pd_mask::<_CMP_LE_OQ>(self.0, other.0))
    }
    #[inline(always)]
    fn eq(self, other: Self) -> Avx512Mask {
        cpu!(Avx512Mask, _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(self.0, other.0))
    }
    #[inline(always)]
    fn select(mask: Avx512Mask, yes: Self, no: Self) -> Self {
        cpu!(Avx512, _mm512_mask_blend_pd(mask.0, no.0, yes.0))
    }
    #[inline(always)]
    fn to_bits(self) -> Avx512Bits {
        cpu!(Avx512Bits, _mm512_castpd_si512(self.0))
    }
    #[inline(always)]
    fn from_bits(bits: Avx512Bits) -> Self {
        cpu!(Avx512, _mm512_castsi512_pd(bits.0))
    }
    /// One instruction does the two products of the default, and also rounds once.
    #[inline(always)]
    fn scale2(self, n: Self) -> Self {
        cpu!(Avx512, _mm512_scalef_pd(self.0, n.0))
    }
}

impl Lanes for Avx512 {
    #[inline(always)]
    fn load(x8: &F64x8) -> Self {
        // SAFETY: 64 readable bytes, aligned by F64x8; the CPU has AVX-512 F.
        Avx512(unsafe { _mm512_load_pd(x8.0.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, x8: &mut F64x8) {
        // SAFETY: 64 writable bytes, aligned by F64x8; the CPU has AVX-512 F.
        unsafe { _mm512_store_pd(x8.0.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn load_slice(from: &[f64]) -> Self {
        let from: &[f64; 8] = from.first_chunk().expect("eight numbers to load");
        // SAFETY: 64 readable bytes; the CPU has AVX-512 F.
        Avx512(unsafe { _mm512_loadu_pd(from.as_ptr()) })
    }
    #[inline(always)]
    fn store_slice(self, to: &mut [f64]) {
        let to: &mut [f64; 8] = to.first_chunk_mut().expect("room for eight numbers");
        // SAFETY: 64 writable bytes; the CPU has AVX-512 F.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mask(bits: u8) -> Avx512Mask {
        Avx512Mask(bits)
    }
    #[inline(always)]
    fn lookup(table: &[F64x8; 2], index: Avx512Bits) -> Self {
        let [low, high] = [Self::load(&table[0]), Self::load(&table[1])];
        cpu!(Avx512, _mm512_permutex2var_pd(low.0, index.0, high.0))
    }
}
