//! Claims of the lanes: every level does to every lane what plain Rust does to an f64.

use super::*;
use crate::rng::StreamKey;

/// Pairs and a third, special values among them.
fn triples() -> Vec<[f64; 3]> {
    let special = [0.0, -0.0, 1.0, -1.5, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324, f64::MAX];
    let mut all = Vec::new();
    for a in special {
        for b in special {
            all.push([a, b, 0.25]);
        }
    }
    let mut draws = StreamKey::new(1, 0, 0, 0).at(0, 0);
    for _ in 0..2000 {
        all.push([draws.normal(), draws.normal(), draws.normal()]);
        all.push(std::array::from_fn(|_| f64::from_bits(draws.next_u64())));
    }
    let whole = all.len() / LANES * LANES;
    all.truncate(whole);
    all
}

/// All operations on lane vectors a, b, c: 21 results, masks as 0 and 1.
struct Operations<'a>(&'a [[f64; 3]]);

/// The results for one vector, generic over one lane and eight.
#[inline(always)]
fn operations<R: Real>(a: R, b: R, c: R) -> [R; 21] {
    let truth = |m: R::Mask| R::select(m, R::splat(1.0), R::splat(0.0));
    let u = |x: R| x.to_bits();
    let n = R::splat(-1060.0);
    [
        a + b,
        a - b,
        a * b,
        a / b,
        -a,
        a.abs(),
        a.min(b),
        a.max(b),
        a.abs().sqrt(),
        a.mul_add(b, c),
        a.neg_mul_add(b, c),
        truth(a.lt(b)),
        truth(a.le(b)),
        truth(a.gt(b).or(a.ge(b).not())),
        truth(a.eq(b)),
        truth(a.ne(b).and(a.lt(c))),
        R::from_bits(u(a).wrapping_add(u(b)).shl(3).xor(u(c).shr(7))),
        R::from_bits(u(a).wrapping_sub(u(b)).and(u(c)).or(u(b).shr(60))),
        R::from_bits(u(a).mul_low(u(b))),
        // a mantissa in [1, 2), scaled into the subnormals
        R::from_bits(u(a).shr(12).or(R::Bits::splat(0x3ff0 << 48))).scale2(n),
        R::select(a.lt(c), b, c),
    ]
}

impl Kernel for Operations<'_> {
    type Output = Vec<f64>;
    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<f64> {
        let mut results = Vec::new();
        for group in self.0.chunks_exact(LANES) {
            let [a, b, c] = [0, 1, 2].map(|k| L::from_array(std::array::from_fn(|i| group[i][k])));
            let vectors = operations(a, b, c).map(L::to_array);
            for lane in 0..LANES {
                results.extend(vectors.iter().map(|v| v[lane]));
            }
        }
        results
    }
}

/// Bits, but all NaNs are one.
fn bits(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

#[test]
fn every_operation_has_the_same_bits_at_every_level_and_on_one_lane() {
    let triples = triples();
    let one: Vec<f64> = triples.iter().flat_map(|&[a, b, c]| operations(a, b, c)).collect();
    for &level in Level::available() {
        let lanes = level.dispatch(Operations(&triples));
        for (i, (x, y)) in one.iter().zip(&lanes).enumerate() {
            assert_eq!(bits(*x), bits(*y), "operation {} of {:?} at {level:?}", i % 21, triples[i / 21]);
        }
        assert_eq!(lanes.len(), one.len());
    }
}

#[test]
fn min_and_max_give_the_second_for_nan_and_for_two_zeros() {
    for f in [<f64 as Real>::min, <f64 as Real>::max] {
        assert_eq!(f(f64::NAN, 1.0), 1.0);
        assert!(f(1.0, f64::NAN).is_nan());
        assert_eq!(f(0.0, -0.0).to_bits(), (-0.0f64).to_bits());
        assert_eq!(f(-0.0, 0.0).to_bits(), 0.0f64.to_bits());
    }
}

#[test]
fn masks_number_their_lanes_from_bit_zero() {
    struct Masks;
    impl Kernel for Masks {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes>(self) {
            for bits in 0..=255u8 {
                let mask = L::mask(bits);
                assert_eq!(mask.bits(), bits);
                assert_eq!((mask.any(), mask.all(), mask.not().bits()), (bits != 0, bits == 255, !bits));
                let lanes = L::select(mask, L::splat(1.0), L::splat(0.0)).to_array();
                assert_eq!(lanes, std::array::from_fn(|i| f64::from(bits >> i & 1)));
            }
        }
    }
    Level::available().iter().for_each(|level| level.dispatch(Masks));
}

#[test]
fn loads_and_stores_keep_the_order_of_lanes() {
    struct Move<'a>(&'a F64x8, &'a mut F64x8, &'a mut [f64]);
    impl Kernel for Move<'_> {
        type Output = ();
        #[inline(always)]
        fn run<L: Lanes>(self) {
            L::load(self.0).store(self.1);
            L::load_slice(&self.0.0).store_slice(self.2);
        }
    }
    let from = F64x8(std::array::from_fn(|i| i as f64));
    for &level in Level::available() {
        let (mut to, mut slice) = (F64x8::default(), [-1.0; 10]);
        level.dispatch(Move(&from, &mut to, &mut slice[1..]));
        assert_eq!((to, slice[0], slice[9]), (from, -1.0, -1.0));
        assert_eq!(slice[1..9], from.0);
    }
}

#[test]
fn each_lane_looks_up_its_own_place_of_sixteen() {
    struct Lookup(u64);
    impl Kernel for Lookup {
        type Output = [f64; LANES];
        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let table = [0, 1].map(|half| F64x8(std::array::from_fn(|i| (8 * half + i) as f64)));
            let index = L::from_array(std::array::from_fn(|i| f64::from_bits((i as u64 * 5 + self.0) | 0xabc0)));
            L::lookup(&table, index.to_bits()).to_array()
        }
    }
    for &level in Level::available() {
        for start in 0..16 {
            let wanted: [f64; LANES] = std::array::from_fn(|i| ((i as u64 * 5 + start) % 16) as f64);
            // 0xabc0 has no low four bits: it must not matter
            assert_eq!(level.dispatch(Lookup(start)), wanted, "{level:?} from {start}");
        }
    }
}

#[test]
fn a_short_slice_panics_rather_than_being_read_past() {
    struct Short;
    impl Kernel for Short {
        type Output = f64;
        #[inline(always)]
        fn run<L: Lanes>(self) -> f64 {
            L::load_slice(&[0.0; 7]).to_array()[0]
        }
    }
    for &level in Level::available() {
        assert!(std::panic::catch_unwind(|| level.dispatch(Short)).is_err());
    }
}

#[test]
fn a_level_the_machine_lacks_panics_instead_of_running() {
    struct Nothing;
    impl Kernel for Nothing {
        type Output = ();
        fn run<L: Lanes>(self) {}
    }
    for level in [Level::Portable, Level::Avx2, Level::Avx512] {
        let ran = std::panic::catch_unwind(|| level.dispatch(Nothing)).is_ok();
        assert_eq!(ran, Level::available().contains(&level));
    }
}
