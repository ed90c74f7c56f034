//! Random numbers that have an address instead of a history.
//!
//! Every draw is a pure function of (seed, trial, purpose, population; member, ordinal; block), through the
//! counter-based generator Philox4x32-10: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3, SC'11.
//! So no result depends on threads, order, or what else was drawn, and a checkpoint holds no generator.
//! Layout: [`StreamKey::new`] gives the key, [`StreamKey::at`] the counter. Not for cryptography.

pub mod lanes;

use rand_core::TryRng;

use crate::math;

/// Blocks of four u32 that one (member, ordinal) can give.
pub const BLOCKS_PER_EVENT: u32 = 1 << 20;
/// Ordinals that one member can have.
pub const ORDINALS: u64 = 1 << 44;

const MULTIPLIER: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

/// Philox4x32-10: four random words from a counter and a key. Under each key a bijection of counters.
///
/// ```
/// // published with Random123, file kat_vectors
/// assert_eq!(
///     numerics::rng::philox4x32([0; 4], [0; 2]),
///     [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
/// );
/// ```
#[inline(always)]
pub const fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut c = counter;
    let mut round = 0;
    while round < ROUNDS {
        let p0 = MULTIPLIER[0] as u64 * c[0] as u64;
        let p1 = MULTIPLIER[1] as u64 * c[2] as u64;
        let k0 = key[0].wrapping_add(WEYL[0].wrapping_mul(round));
        let k1 = key[1].wrapping_add(WEYL[1].wrapping_mul(round));
        c = [(p1 >> 32) as u32 ^ c[1] ^ k0, p1 as u32, (p0 >> 32) as u32 ^ c[3] ^ k1, p0 as u32];
        round += 1;
    }
    c
}

/// A stable 64-bit number for a name, such as a population's: FNV-1a over its UTF-8 bytes.
///
/// Source: Fowler, Noll and Vo, draft-eastlake-fnv. Among a thousand names two collide with odds of 3e-14.
///
/// ```
/// assert_eq!(numerics::rng::name_hash("foobar"), 0x85944171f73967e8);
/// ```
pub const fn name_hash(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        i += 1;
    }
    hash
}

/// The key of one purpose in one population in one trial: hold it, and ask it for [`Draws`] by address.
///
/// ```
/// use numerics::rng::{StreamKey, name_hash};
/// const RELEASE: u32 = 1;
/// let key = StreamKey::new(2026, 0, RELEASE, name_hash("CA3->CA1"));
/// let (synapse, spike) = (17, 3);
/// let u = key.at(synapse, spike).uniform();
/// assert_eq!(u, key.at(synapse, spike).uniform()); // the address is all there is
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamKey([u32; 2]);

impl StreamKey {
    /// Derives the key by two Philox blocks in a chain (words are little-endian halves):
    ///
    /// ```text
    /// first  = philox(counter [trial low, trial high, purpose, 0x626f7574], key [seed low, seed high])
    /// second = philox(counter [population low, population high, 0, 0x6f6e2e31], key [first 0, first 1])
    /// key    = [second 0, second 1]
    /// ```
    ///
    /// 224 bits go into 64, so keys can collide: with odds of (number of keys)^2 / 2^65.
    pub const fn new(seed: u64, trial: u64, purpose: u32, population: u64) -> StreamKey {
        let [t0, t1] = halves(trial);
        let [p0, p1] = halves(population);
        let first = philox4x32([t0, t1, purpose, 0x626f_7574], halves(seed));
        let second = philox4x32([p0, p1, 0, 0x6f6e_2e31], [first[0], first[1]]);
        StreamKey([second[0], second[1]])
    }

    /// The draws of event number `ordinal` (a step, a spike, an arrival) of `member` (a cell, a synapse, a channel).
    ///
    /// ```text
    /// counter (128 bits) = member (64) | ordinal (44) | block within the event (20)
    /// words              = [bits 0..32, 32..64, 64..96, 96..128]
    /// ```
    ///
    /// # Panics
    /// If `ordinal` is 2^44 or more.
    #[inline]
    pub const fn at(self, member: u64, ordinal: u64) -> Draws {
        Draws { key: self, member, event: event(ordinal), next_block: 0, words: [0; 4], used: 4 }
    }

    /// One block of one event: what [`Draws`] hands out word by word.
    #[inline(always)]
    const fn block(self, member: u64, event: u64, block: u32) -> [u32; 4] {
        let [e0, e1] = halves(event | block as u64);
        let [m0, m1] = halves(member);
        philox4x32([e0, e1, m0, m1], self.0)
    }
}

const fn halves(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

/// The ordinal in its place in the counter.
#[inline]
const fn event(ordinal: u64) -> u64 {
    assert!(ordinal < ORDINALS, "an ordinal fits in 44 bits");
    ordinal << 20
}

/// The random words of one address, in order; at most 2^22 of them.
///
/// Implements `rand_core`'s generator traits, so `rand_distr` can draw from it; but `rand_distr` calls the platform's
/// libm as soon as any crate of a build turns on `num-traits/std`, so what must be the same everywhere comes from here.
///
/// # Panics
/// Each draw panics where the event's 2^20 blocks are used up.
#[derive(Clone, Debug)]
pub struct Draws {
    key: StreamKey,
    member: u64,
    event: u64,
    next_block: u32,
    words: [u32; 4],
    used: u8,
}

impl Draws {
    /// The next 32 bits.
    #[inline(always)]
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            assert!(
                self.next_block < BLOCKS_PER_EVENT,
                "one event drew more than 2^20 blocks; it would reach into the next ordinal's"
            );
            self.words = self.key.block(self.member, self.event, self.next_block);
            self.next_block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[usize::from(self.used - 1)]
    }

    /// The next 64 bits: two words, the low one first.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// Uniform in the open interval (0, 1): one of the 2^52 odd multiples of 2^-53. Uses one u64.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        open_uniform(self.next_u64())
    }

    /// Exponential with mean 1, by inversion: `-ln(uniform)`, at most 36.8. Uses one u64.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -math::ln(self.uniform())
    }

    /// Standard normal, by inversion: `normal_quantile(uniform)`, at most 8.3 either way. Uses one u64.
    ///
    /// Inversion, not Box-Muller or a ziggurat: one u64 per draw whatever comes out, no sine, and lanes do it alike.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        math::normal_quantile(self.uniform())
    }

    /// A whole number in `0..n`, each equally likely. Uses one u64, and more with odds below n / 2^64.
    ///
    /// Source: Lemire (2019) ACM Trans Model Comput Simul 29:3.
    ///
    /// # Panics
    /// If `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no whole number in 0..0");
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            // 2^64 mod n of the low halves are one too many
            if product as u64 >= n || product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// True with probability `p`; never for `p <= 0`, always for `p >= 1`. Uses one u64. `p` counts to within 2^-53.
    #[inline]
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }
}

/// The open uniform of 64 random bits: their upper 52, and a half.
#[inline(always)]
fn open_uniform(bits: u64) -> f64 {
    ((bits >> 11) | 1) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

impl TryRng for Draws {
    type Error = std::convert::Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.next_u32())
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.next_u64())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in dst.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
