//! Time per value of the elementary functions of Philox and of tree solves, at every level of this machine.
//!
//! `cargo run --release -p bouton-numerics --example bench_math`: medians of 31 repeats on 1024 values (16 KiB in and
//! out, within L1), interleaved so that a noisy moment hits all alike; the spread is the fastest and slowest tenth.

use std::hint::black_box;
use std::time::Instant;

use numerics::linear::tree::{Matrix, Trees, solve_at};
use numerics::math::{self, slice};
use numerics::rng::{StreamKey, lanes};
use numerics::simd::{F64x8, Kernel, Lanes, Level};

const VALUES: usize = 1024;
const ROUNDS: usize = 200;
const REPEATS: usize = 31;

/// Compartments of the trees that are solved.
const COMPARTMENTS: usize = 128;

type Map = fn(Level, &[f64], &mut [f64]);
type Scalar = fn(f64) -> f64;

/// Words of 256 members' first blocks, xored together so that none is left out.
struct Words(StreamKey, u64);

impl Kernel for Words {
    type Output = u32;
    #[inline(always)]
    fn run<L: Lanes>(self) -> u32 {
        let mut sum = [0u32; 8];
        for group in 0..(VALUES as u64 / 32) {
            for word in lanes::blocks::<L>(self.0, group * 8, self.1, 0) {
                for i in 0..8 {
                    sum[i] ^= word[i];
                }
            }
        }
        sum.iter().fold(0, |a, b| a ^ b)
    }
}

fn nanoseconds(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..ROUNDS {
        work();
    }
    start.elapsed().as_nanos() as f64 / (ROUNDS * VALUES) as f64
}

fn main() {
    let key = StreamKey::new(1, 0, 0, 0);
    let mut uniform = vec![0.0; VALUES];
    lanes::fill_uniform(Level::best(), key, 0, 0, &mut uniform);
    let wide: Vec<f64> = uniform.iter().map(|u| 40.0 * u - 20.0).collect();
    let positive: Vec<f64> = uniform.iter().map(|u| 100.0 * u).collect();
    let mut out = vec![0.0; VALUES];
    let chain = |lane: u32, i: u32| if i == 0 { 0 } else { i - 1 - (i + lane) % i.min(4) };
    let trees = |lane: fn(usize) -> u32| -> Trees {
        let row = |i| std::array::from_fn(|l| chain(lane(l), i));
        Trees::new(&(0..COMPARTMENTS as u32).map(row).collect::<Vec<_>>()).expect("parents come first")
    };
    let (alike, unlike) = (trees(|_| 0), trees(|lane| lane as u32));
    let mut off = [F64x8::splat(-0.5); COMPARTMENTS];
    off[0] = F64x8::default();

    let maps: [(&str, Map, &[f64]); 5] = [
        ("exp", slice::exp, &wide),
        ("ln", slice::ln, &positive),
        ("expm1", slice::expm1, &wide),
        ("exprelr", slice::exprelr, &wide),
        ("normal_quantile", slice::normal_quantile, &uniform),
    ];
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for repeat in 0..REPEATS {
        let mut row = 0;
        let mut record = |name: &dyn Fn() -> String, ns: f64| {
            if repeat == 0 {
                rows.push((name(), Vec::new()));
            }
            rows[row].1.push(ns);
            row += 1;
        };
        for (name, map, from) in maps {
            for &level in Level::available() {
                let ns = nanoseconds(|| map(level, black_box(from), black_box(&mut out)));
                record(&|| format!("{name} {level:?} ns/value"), ns);
            }
        }
        let scalar: [(&str, Scalar, &[f64]); 3] =
            [("exp", math::exp, &wide), ("ln", math::ln, &positive), ("exprelr", math::exprelr, &wide)];
        for (name, f, from) in scalar {
            let ns = nanoseconds(|| {
                for (x, y) in black_box(from).iter().zip(&mut out) {
                    *y = f(*x);
                }
            });
            record(&|| format!("{name} scalar ns/value"), ns);
        }
        let ns = nanoseconds(|| {
            for (x, y) in black_box(&positive).iter().zip(&mut out) {
                *y = math::pow(*x, 1.7);
            }
        });
        record(&|| "pow scalar ns/value".into(), ns);
        for &level in Level::available() {
            let ns = nanoseconds(|| _ = black_box(level.dispatch(Words(key, black_box(3)))));
            record(&|| format!("philox blocks {level:?} ns/u32"), ns);
            let ns = nanoseconds(|| lanes::fill_normal(level, key, 0, 3, black_box(&mut out)));
            record(&|| format!("fill_normal {level:?} ns/value"), ns);
        }
        for (name, trees) in [("alike", &alike), ("unlike", &unlike)] {
            for &level in Level::available() {
                let ns = nanoseconds(|| {
                    let mut diagonal = [F64x8::splat(3.0); COMPARTMENTS];
                    let mut x = [F64x8::splat(1.0); COMPARTMENTS];
                    let matrix = Matrix { diagonal: &mut diagonal, upper: &off, lower: &off };
                    solve_at(level, trees, matrix, black_box(&mut x));
                });
                // one call solves COMPARTMENTS * 8 = VALUES rows
                record(&|| format!("tree {name} {level:?} ns/row"), ns);
            }
        }
        let ns = nanoseconds(|| {
            for member in 0..(VALUES as u64 / 4) {
                let mut draws = key.at(member, 3);
                black_box([draws.next_u32(), draws.next_u32(), draws.next_u32(), draws.next_u32()]);
            }
        });
        record(&|| "philox Draws scalar ns/u32".into(), ns);
    }
    println!("{:<36} {:>8} {:>8} {:>8}", "", "median", "10 %", "90 %");
    for (name, mut times) in rows {
        times.sort_by(f64::total_cmp);
        println!("{name:<36} {:8.3} {:8.3} {:8.3}", times[REPEATS / 2], times[REPEATS / 10], times[REPEATS * 9 / 10]);
    }
}
