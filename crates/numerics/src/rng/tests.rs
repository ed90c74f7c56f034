//! Claims of the random numbers. Statistical tests are seeded; their statistics' tails are at odds of 1e-6 or less.

use rand_core::Rng;

use super::*;
use crate::math::{exp, normal_quantile};
use crate::simd::{Kernel, Lanes, Level};
use crate::sum::Moments;

fn key(seed: u64) -> StreamKey {
    StreamKey::new(seed, 0, 0, name_hash("test"))
}

/// Random123 1.14, tests/kat_vectors, lines `philox4x32 10`.
#[test]
fn philox_gives_the_published_answers() {
    let ones = u32::MAX;
    assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    assert_eq!(philox4x32([ones; 4], [ones; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    assert_eq!(
        philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
        [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]
    );
}

/// draft-eastlake-fnv, appendix C.
#[test]
fn names_hash_to_the_published_answers() {
    assert_eq!(name_hash(""), 0xcbf29ce484222325);
    assert_eq!(name_hash("a"), 0xaf63dc4c8601ec8c);
    assert_eq!(name_hash("foobar"), 0x85944171f73967e8);
}

#[test]
fn a_draw_is_the_philox_block_at_its_address() {
    let key = StreamKey::new(0x0123_4567_89ab_cdef, 2, 3, 4);
    let first = philox4x32([2, 0, 3, 0x626f_7574], [0x89ab_cdef, 0x0123_4567]);
    let second = philox4x32([4, 0, 0, 0x6f6e_2e31], [first[0], first[1]]);
    assert_eq!(key.0, [second[0], second[1]]);

    let (member, ordinal) = (0xfeed_face_dead_beef, 0xabc_def0_1234);
    let mut draws = key.at(member, ordinal);
    let words: Vec<u32> = (0..8).map(|_| draws.next_u32()).collect();
    let counter = u128::from(member) << 64 | u128::from(ordinal) << 20;
    for (block, words) in words.chunks(4).enumerate() {
        let counter = counter | block as u128;
        let c: [u32; 4] = std::array::from_fn(|i| (counter >> (32 * i)) as u32);
        assert_eq!(words, philox4x32(c, key.0));
    }
}

/// Pins the numbers themselves: if this fails, every seeded result of every user changes.
#[test]
fn the_stream_of_an_address_never_changes() {
    let mut draws = StreamKey::new(1, 2, 3, 4).at(5, 6);
    let drawn = [draws.next_u64(), draws.uniform().to_bits(), draws.normal().to_bits(), draws.exponential().to_bits()];
    let pinned = [0x9a8c_f5f1_6f0a_73d3, 0x3fd3_1f2d_c10a_74e6, 0x3ffa_41a6_782d_857e, 0x3ff0_4504_2f24_54aa];
    assert_eq!(drawn, pinned);
}

#[test]
fn each_part_of_an_address_changes_all_that_is_drawn() {
    let base = StreamKey::new(1, 1, 1, 1).at(1, 1).next_u64();
    for (k, m, o) in [
        (StreamKey::new(2, 1, 1, 1), 1, 1),
        (StreamKey::new(1 | 1 << 32, 1, 1, 1), 1, 1),
        (StreamKey::new(1, 2, 1, 1), 1, 1),
        (StreamKey::new(1, 1 | 1 << 32, 1, 1), 1, 1),
        (StreamKey::new(1, 1, 2, 1), 1, 1),
        (StreamKey::new(1, 1, 1, 2), 1, 1),
        (StreamKey::new(1, 1, 1, 1 | 1 << 32), 1, 1),
        (StreamKey::new(1, 1, 1, 1), 2, 1),
        (StreamKey::new(1, 1, 1, 1), 1 | 1 << 32, 1),
        (StreamKey::new(1, 1, 1, 1), 1, 2),
        (StreamKey::new(1, 1, 1, 1), 1, 1 | 1 << 32),
    ] {
        let different = (k.at(m, o).next_u64() ^ base).count_ones();
        assert!((10..=54).contains(&different), "{different} of 64 bits differ");
    }
}

#[test]
#[should_panic(expected = "more than 2^20 blocks")]
fn an_event_that_would_reach_into_the_next_panics() {
    let mut draws = key(0).at(0, 0);
    draws.next_block = BLOCKS_PER_EVENT - 1;
    for _ in 0..5 {
        draws.next_u32();
    }
}

#[test]
#[should_panic(expected = "44 bits")]
fn an_ordinal_past_its_bits_panics() {
    key(0).at(0, ORDINALS);
}

#[test]
fn the_last_block_of_an_event_is_not_the_first_of_the_next() {
    let mut draws = key(0).at(7, 0);
    draws.next_block = BLOCKS_PER_EVENT - 1;
    assert_ne!(draws.next_u64(), key(0).at(7, 1).next_u64());
}

#[test]
fn rand_core_sees_the_same_words() {
    let mut draws = key(1).at(2, 3);
    let words: Vec<u32> = (0..4).map(|_| draws.next_u32()).collect();
    let mut bytes = [0; 10];
    Rng::fill_bytes(&mut key(1).at(2, 3), &mut bytes);
    let expected: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    assert_eq!(bytes, expected[..10]);
    assert_eq!(Rng::next_u64(&mut key(1).at(2, 3)), u64::from(words[0]) | u64::from(words[1]) << 32);
}

#[test]
fn eight_lanes_draw_what_eight_members_draw_at_every_level() {
    struct Words(u64, u64, u32);
    impl Kernel for Words {
        type Output = [[u32; 8]; 4];
        #[inline(always)]
        fn run<L: Lanes>(self) -> [[u32; 8]; 4] {
            lanes::blocks::<L>(key(9), self.0, self.1, self.2)
        }
    }
    for (member, ordinal, block) in
        [(0, 0, 0), (u64::from(u32::MAX) - 3, ORDINALS - 1, BLOCKS_PER_EVENT - 1), (u64::MAX - 3, 5, 1)]
    {
        let expected: [[u32; 4]; 8] =
            std::array::from_fn(|i| key(9).block(member.wrapping_add(i as u64), event(ordinal), block));
        for &level in Level::available() {
            let words = level.dispatch(Words(member, ordinal, block));
            for i in 0..8 {
                assert_eq!(words.map(|word| word[i]), expected[i], "{level:?}");
            }
        }
    }
}

#[test]
fn columns_fill_with_what_members_draw_at_every_level() {
    type Fill = fn(Level, StreamKey, u64, u64, &mut [f64]);
    type Draw = fn(&mut Draws) -> f64;
    let distributions: [(Fill, Draw); 3] = [
        (lanes::fill_uniform, Draws::uniform),
        (lanes::fill_exponential, Draws::exponential),
        (lanes::fill_normal, Draws::normal),
    ];
    for (fill, draw) in distributions {
        for &level in Level::available() {
            let mut x = vec![0.0; 2003];
            fill(level, key(4), 1 << 40, 77, &mut x);
            for (i, x) in x.iter().enumerate() {
                assert_eq!(x.to_bits(), draw(&mut key(4).at((1 << 40) + i as u64, 77)).to_bits(), "{level:?}");
            }
        }
    }
}

#[test]
fn a_uniform_is_never_an_end_of_its_interval() {
    assert_eq!(open_uniform(0), 0.5 * f64::EPSILON);
    assert_eq!(open_uniform(u64::MAX), 1.0 - 0.5 * f64::EPSILON);
    assert_eq!(1.0 - open_uniform(12345 << 20), open_uniform(!(12345 << 20)), "as likely from either end");
}

/// Kolmogorov-Smirnov: sqrt(n) times the largest distance between the sample's distribution and `cdf`.
fn kolmogorov(mut x: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let distance = |(i, x): (usize, &f64)| f64::max((i + 1) as f64 / n - cdf(*x), cdf(*x) - i as f64 / n);
    x.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

/// P(statistic > t) < 2 exp(-2 t^2) = 5e-7.
const KS_LIMIT: f64 = 2.76;
const SAMPLE: usize = 200_000;

fn sample(draw: impl Fn(&mut Draws) -> f64) -> Vec<f64> {
    // half along members, half along one event
    let mut x: Vec<f64> = (0..SAMPLE as u64 / 2).map(|member| draw(&mut key(11).at(member, 3))).collect();
    let mut draws = key(11).at(0, 4);
    x.extend((0..SAMPLE / 2).map(|_| draw(&mut draws)));
    x
}

/// False-alarm rate 5e-7 by Kolmogorov's limit; a shift of the distribution function by 0.0088 is always seen.
#[test]
fn uniforms_are_uniform() {
    assert!(kolmogorov(sample(Draws::uniform), |u| u) < KS_LIMIT);
}

/// Twin: u^1.03, whose distribution function is off by at most 0.011, is caught.
#[test]
fn a_bias_of_one_per_cent_is_caught() {
    let biased = sample(|d| crate::math::pow(d.uniform(), 1.03));
    assert!(kolmogorov(biased, |u| u) > KS_LIMIT);
}

/// False-alarm rate 5e-7, as above.
#[test]
fn exponentials_are_exponential() {
    assert!(kolmogorov(sample(Draws::exponential), |x| 1.0 - exp(-x)) < KS_LIMIT);
    assert!(kolmogorov(sample(Draws::exponential), |x| 1.0 - exp(-1.05 * x)) > KS_LIMIT, "twin: a rate 5 % off");
}

/// Against a normal distribution function from another source than the quantile: the series of Marsaglia (2004)
/// J Stat Softw 11(4). False-alarm rate 5e-7, as above.
#[test]
fn normals_are_normal() {
    let cdf = |x: f64| {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        while f64::abs(term) > 1e-18 {
            k += 2.0;
            term *= x * x / k;
            sum += term;
        }
        0.5 + sum * exp(-0.5 * x * x) * 0.398_942_280_401_432_7
    };
    assert!(kolmogorov(sample(Draws::normal), cdf) < KS_LIMIT);
    assert!(kolmogorov(sample(|d| 1.03 * d.normal()), cdf) > KS_LIMIT, "twin: a standard deviation 3 % off");
}

/// Pearson's chi-squared of counts against one expectation, as a standard normal (Wilson and Hilferty 1931).
fn chi_squared_z(counts: &[u64]) -> f64 {
    let (n, k) = (counts.iter().sum::<u64>() as f64, counts.len() as f64);
    let expected = n / k;
    let chi: f64 = counts.iter().map(|&c| (c as f64 - expected) * (c as f64 - expected) / expected).sum();
    let spread = 2.0 / (9.0 * (k - 1.0));
    (crate::math::pow(chi / (k - 1.0), 1.0 / 3.0) - (1.0 - spread)) / spread.sqrt()
}

/// Both tails, 5 standard deviations: false-alarm rate 6e-7.
#[test]
fn whole_numbers_below_n_are_equally_likely() {
    let mut draws = key(12).at(0, 0);
    let mut counts = [0; 100];
    (0..SAMPLE).for_each(|_| counts[draws.below(100) as usize] += 1);
    assert!(chi_squared_z(&counts).abs() < 5.0);
    // twin: one number in a hundred that comes a third too rarely
    counts[17] -= counts[17] / 3;
    assert!(chi_squared_z(&counts).abs() > 5.0);
    assert_eq!(draws.below(1), 0);
}

/// Correlation of normals at neighbouring addresses, times sqrt(n): standard normal, so beyond 5.0 with odds 6e-7 each,
/// 3e-6 for the four; the limit is 5.4 for 3e-7 in all.
#[test]
fn neighbouring_addresses_are_uncorrelated() {
    let n = 100_000;
    let at = |k: u64, m: u64, o: u64| StreamKey::new(k, 0, 0, 0).at(m, o).normal();
    let correlation =
        |pair: &dyn Fn(u64) -> (f64, f64)| (0..n).map(pair).map(|(x, y)| x * y).sum::<f64>() / (n as f64).sqrt();
    assert!(correlation(&|i| (at(0, i, 0), at(0, i + 1, 0))).abs() < 5.4);
    assert!(correlation(&|i| (at(0, 0, i), at(0, 0, i + 1))).abs() < 5.4);
    assert!(correlation(&|i| (at(0, i, 0), at(0, i, 1))).abs() < 5.4);
    assert!(correlation(&|i| (at(i, 0, 0), at(i + 1, 0, 0))).abs() < 5.4);
    // twin: one part in thirty in common
    let mixed = |i| (at(0, i, 0), at(0, i + 1, 0) + at(0, i, 0) / 30.0);
    assert!(correlation(&mixed).abs() > 5.4);
}

/// A mean within 5 standard errors: false-alarm rate 6e-7; a bias of 3 % of p is 8.8 standard errors.
#[test]
fn chance_happens_as_often_as_it_says() {
    let mut draws = key(13).at(0, 0);
    let p = 0.3;
    let hits: Vec<f64> = (0..SAMPLE).map(|_| f64::from(u8::from(draws.chance(p)))).collect();
    let m = Moments::of(&hits);
    assert!((m.mean - p).abs() < 5.0 * m.standard_error());
    assert!((m.mean - 1.03 * p).abs() > 5.0 * m.standard_error(), "twin: a bias of 3 %");
    assert!(!draws.chance(0.0) && draws.chance(1.0));
    assert!(normal_quantile(0.5 * f64::EPSILON) > -8.3);
}
