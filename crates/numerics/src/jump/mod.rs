//! Integer jumps: exact draws for populations of a few states.
//!
//! | situation | use |
//! |---|---|
//! | many copies, law over the interval known | [`Multinomial`], one draw a source state, whatever the number of jumps |
//! | few copies or few jumps, constant rates | [`gillespie`], one draw a jump |
//! | rates that change within the interval | [`thinned`], with a bound on each rate |
//!
//! Our own binomial instead of `rand_distr`'s: that one calls whichever `ln` and `powf` another crate's feature
//! flags select, and its bits would change with the build.

mod binomial;
mod ssa;

pub use binomial::{Binomial, Multinomial};
pub use ssa::{BoundExceeded, Jump, gillespie, thinned};

#[cfg(test)]
mod testing {
    use std::convert::Infallible;

    /// Steele, Lea & Flood 2014, for tests only.
    pub struct SplitMix(pub u64);

    impl rand_core::TryRng for SplitMix {
        type Error = Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.try_next_u64().map(|x| (x >> 32) as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            Ok(z ^ (z >> 31))
        }
        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            for chunk in out.chunks_mut(8) {
                chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
            }
            Ok(())
        }
    }

    /// Pearson's test at false alarm 1e-7 (Wilson & Hilferty 1931; z = 5.2); cells are joined until each
    /// expects 20.
    pub fn chi_square(seen: &[u64], law: &[f64]) -> bool {
        let total = seen.iter().sum::<u64>() as f64;
        let (mut statistic, mut cells) = (0.0, 0.0);
        let (mut o, mut e, mut left) = (0.0, 0.0, total);
        for (&s, &p) in seen.iter().zip(law) {
            o += s as f64;
            e += p * total;
            left -= p * total;
            if e >= 20.0 && (left >= 20.0 || left < 1e-6 * total) {
                statistic += (o - e) * (o - e) / e;
                cells += 1.0;
                (o, e) = (0.0, 0.0);
            }
        }
        if e > 0.0 {
            statistic += (o - e) * (o - e) / e.max(1e-9 * total);
            cells += 1.0;
        }
        let df = f64::max(cells - 1.0, 1.0);
        let a = 2.0 / (9.0 * df);
        let cube = 1.0 - a + 5.2 * a.sqrt();
        statistic < df * cube * cube * cube
    }
}
