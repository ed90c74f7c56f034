//! Draws of eight consecutive members at once, the same bits as one by one.
//!
//! Generic over [`Lanes`], for kernels under [`Level::dispatch`]; the `fill` functions map whole columns.

use super::{BLOCKS_PER_EVENT, MULTIPLIER, ROUNDS, StreamKey, WEYL, event, halves};
use crate::math;
use crate::simd::{Bits, Kernel, LANES, Lanes, Level};

/// A block's four words in the low halves of 64-bit lanes; the high halves are rubbish.
///
/// 64-bit lanes because the 32 x 32 -> 64 multiplication then needs no shuffles, and masks its own rubbish away.
#[inline(always)]
fn block_bits<L: Lanes>(key: StreamKey, first_member: u64, ordinal: u64, block: u32) -> [L::Bits; 4] {
    assert!(block < BLOCKS_PER_EVENT, "a block fits in 20 bits");
    let u = |x: u32| L::Bits::splat(u64::from(x));
    let lane = L::from_array([0, 1, 2, 3, 4, 5, 6, 7].map(f64::from_bits)).to_bits();
    let member = L::Bits::splat(first_member).wrapping_add(lane);
    let [e0, e1] = halves(event(ordinal) | u64::from(block));
    let mut c = [u(e0), u(e1), member, member.shr(32)];
    let [mut k0, mut k1] = key.0;
    for _ in 0..ROUNDS {
        let p0 = c[0].mul_low(u(MULTIPLIER[0]));
        let p1 = c[2].mul_low(u(MULTIPLIER[1]));
        c = [p1.shr(32).xor(c[1]).xor(u(k0)), p1, p0.shr(32).xor(c[3]).xor(u(k1)), p0];
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    c
}

/// Block `block` of event `ordinal` of members `first_member`, `first_member + 1`, .. : `[word][lane]`.
///
/// Member numbers wrap around at 2^64.
///
/// # Panics
/// If `ordinal` is 2^44 or more, or `block` 2^20 or more.
#[inline(always)]
pub fn blocks<L: Lanes>(key: StreamKey, first_member: u64, ordinal: u64, block: u32) -> [[u32; LANES]; 4] {
    let bits = block_bits::<L>(key, first_member, ordinal, block);
    let mut words = [[0; LANES]; 4];
    for (word, bits) in words.iter_mut().zip(bits) {
        let lanes = L::from_bits(bits).to_array();
        for (word, x) in word.iter_mut().zip(lanes) {
            *word = x.to_bits() as u32;
        }
    }
    words
}

/// Two words per lane, low and high, as [`Draws::uniform`](super::Draws::uniform) makes them.
#[inline(always)]
fn uniform_of<L: Lanes>(low: L::Bits, high: L::Bits) -> L {
    let bits = low.and(L::Bits::splat(0xffff_ffff)).or(high.shl(32));
    // 1 + k 2^-52 has k in its low bits; taking off 1 - 2^-53 is exact
    let mantissa = bits.shr(12).or(L::Bits::splat(0x3ff0_0000_0000_0000));
    L::from_bits(mantissa) - L::splat(1.0 - 0.5 * f64::EPSILON)
}

/// The first and the second [`uniform`](super::Draws::uniform) of event `ordinal` of eight consecutive members.
#[inline(always)]
pub fn uniforms<L: Lanes>(key: StreamKey, first_member: u64, ordinal: u64) -> [L; 2] {
    let words = block_bits::<L>(key, first_member, ordinal, 0);
    [uniform_of(words[0], words[1]), uniform_of(words[2], words[3])]
}

/// The first and the second [`exponential`](super::Draws::exponential) of eight consecutive members.
#[inline(always)]
pub fn exponentials<L: Lanes>(key: StreamKey, first_member: u64, ordinal: u64) -> [L; 2] {
    let [first, second] = uniforms::<L>(key, first_member, ordinal);
    [-math::lanes::ln(first), -math::lanes::ln(second)]
}

/// The first and the second [`normal`](super::Draws::normal) of eight consecutive members.
#[inline(always)]
pub fn normals<L: Lanes>(key: StreamKey, first_member: u64, ordinal: u64) -> [L; 2] {
    let [first, second] = uniforms::<L>(key, first_member, ordinal);
    [math::lanes::normal_quantile(first), math::lanes::normal_quantile(second)]
}

/// For each distribution a kernel that fills a column, and its entry.
macro_rules! fills {
    ($($(#[$doc:meta])* $name:ident = $lanes:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If `ordinal` is 2^44 or more, or the machine lacks `level`.
        pub fn $name(level: Level, key: StreamKey, first_member: u64, ordinal: u64, to: &mut [f64]) {
            struct Fill<'a>(StreamKey, u64, u64, &'a mut [f64]);
            impl Kernel for Fill<'_> {
                type Output = ();
                #[inline(always)]
                fn run<L: Lanes>(self) {
                    let Fill(key, first_member, ordinal, to) = self;
                    let mut member = first_member;
                    for chunk in to.chunks_mut(LANES) {
                        let [x, _] = $lanes::<L>(key, member, ordinal);
                        if chunk.len() == LANES {
                            x.store_slice(chunk);
                        } else {
                            chunk.copy_from_slice(&x.to_array()[..chunk.len()]);
                        }
                        member = member.wrapping_add(LANES as u64);
                    }
                }
            }
            level.dispatch(Fill(key, first_member, ordinal, to));
        }
    )*};
}

fills! {
    /// `to[i] = key.at(first_member + i, ordinal).uniform()`.
    fill_uniform = uniforms;
    /// `to[i] = key.at(first_member + i, ordinal).exponential()`.
    fill_exponential = exponentials;
    /// `to[i] = key.at(first_member + i, ordinal).normal()`.
    fill_normal = normals;
}
