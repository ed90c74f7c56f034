//! Eight lanes as an array: no `unsafe`, any machine; the twin that the other levels are tested against.

use super::{Bits, F64x8, LANES, Lanes, Mask, Real, operators, sealed::Sealed};

#[derive(Clone, Copy)]
pub struct Portable([f64; LANES]);

#[derive(Clone, Copy)]
pub struct PortableBits([u64; LANES]);

#[derive(Clone, Copy)]
pub struct PortableMask([bool; LANES]);

/// `[f(0), f(1), .., f(7)]` with `i` standing for the lane.
macro_rules! each {
    ($wrap:ident, |$i:ident| $body:expr) => {
        $wrap(std::array::from_fn(
            #[inline(always)]
            |$i| $body,
        ))
    };
}

impl Sealed for Portable {}

impl Mask for PortableMask {
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        each!(PortableMask, |i| self.0[i] & other.0[i])
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        each!(PortableMask, |i| self.0[i] | other.0[i])
    }
    #[inline(always)]
    fn not(self) -> Self {
        each!(PortableMask, |i| !self.0[i])
    }
    #[inline(always)]
    fn bits(self) -> u8 {
        (0..LANES).map(|i| u8::from(self.0[i]) << i).sum()
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

impl Bits for PortableBits {
    #[inline(always)]
    fn splat(x: u64) -> Self {
        PortableBits([x; LANES])
    }
    #[inline(always)]
    fn wrapping_add(self, other: Self) -> Self {
        each!(PortableBits, |i| self.0[i].wrapping_add(other.0[i]))
    }
    #[inline(always)]
    fn wrapping_sub(self, other: Self) -> Self {
        each!(PortableBits, |i| self.0[i].wrapping_sub(other.0[i]))
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        each!(PortableBits, |i| self.0[i] & other.0[i])
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        each!(PortableBits, |i| self.0[i] | other.0[i])
    }
    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        each!(PortableBits, |i| self.0[i] ^ other.0[i])
    }
    #[inline(always)]
    fn mul_low(self, other: Self) -> Self {
        each!(PortableBits, |i| u64::from(self.0[i] as u32) * u64::from(other.0[i] as u32))
    }
    #[inline(always)]
    fn shl(self, n: u32) -> Self {
        each!(PortableBits, |i| self.0[i] << n)
    }
    #[inline(always)]
    fn shr(self, n: u32) -> Self {
        each!(PortableBits, |i| self.0[i] >> n)
    }
}

operators! { Portable;
    -|a| each!(Portable, |i| -a.0[i]);
    Add add |a, b| each!(Portable, |i| a.0[i] + b.0[i]);
    Sub sub |a, b| each!(Portable, |i| a.0[i] - b.0[i]);
    Mul mul |a, b| each!(Portable, |i| a.0[i] * b.0[i]);
    Div div |a, b| each!(Portable, |i| a.0[i] / b.0[i]);
}

impl Real for Portable {
    type Mask = PortableMask;
    type Bits = PortableBits;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Portable([x; LANES])
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        each!(Portable, |i| f64::mul_add(self.0[i], factor.0[i], addend.0[i]))
    }
    #[inline(always)]
    fn neg_mul_add(self, factor: Self, addend: Self) -> Self {
        each!(Portable, |i| f64::mul_add(-self.0[i], factor.0[i], addend.0[i]))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        each!(Portable, |i| self.0[i].abs())
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        each!(Portable, |i| <f64 as Real>::min(self.0[i], other.0[i]))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        each!(Portable, |i| <f64 as Real>::max(self.0[i], other.0[i]))
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        each!(Portable, |i| f64::sqrt(self.0[i]))
    }
    #[inline(always)]
    fn lt(self, other: Self) -> PortableMask {
        each!(PortableMask, |i| self.0[i] < other.0[i])
    }
    #[inline(always)]
    fn le(self, other: Self) -> PortableMask {
        each!(PortableMask, |i| self.0[i] <= other.0[i])
    }
    #[inline(always)]
    fn eq(self, other: Self) -> PortableMask {
        each!(PortableMask, |i| self.0[i] == other.0[i])
    }
    #[inline(always)]
    fn select(mask: PortableMask, yes: Self, no: Self) -> Self {
        each!(Portable, |i| if mask.0[i] { yes.0[i] } else { no.0[i] })
    }
    #[inline(always)]
    fn to_bits(self) -> PortableBits {
        each!(PortableBits, |i| self.0[i].to_bits())
    }
    #[inline(always)]
    fn from_bits(bits: PortableBits) -> Self {
        each!(Portable, |i| f64::from_bits(bits.0[i]))
    }
}

impl Lanes for Portable {
    #[inline(always)]
    fn load(x8: &F64x8) -> Self {
        Portable(x8.0)
    }
    #[inline(always)]
    fn store(self, x8: &mut F64x8) {
        x8.0 = self.0;
    }
    #[inline(always)]
    fn load_slice(from: &[f64]) -> Self {
        Portable(*from.first_chunk().expect("eight numbers to load"))
    }
    #[inline(always)]
    fn store_slice(self, to: &mut [f64]) {
        *to.first_chunk_mut().expect("room for eight numbers") = self.0;
    }
    #[inline(always)]
    fn mask(bits: u8) -> PortableMask {
        each!(PortableMask, |i| bits >> i & 1 == 1)
    }
    #[inline(always)]
    fn lookup(table: &[F64x8; 2], index: PortableBits) -> Self {
        let at = |i: usize| (index.0[i] & 15) as usize;
        each!(Portable, |i| table[at(i) / LANES].0[at(i) % LANES])
    }
}
