//! Claims of the linear solvers. Oracles: dense LU (nalgebra), cable theory, and the solvers against each other.

use nalgebra::{DMatrix, DVector};

use super::tree::{Matrix, ParentAfterChild, Trees};
use super::{tree, tridiagonal};
use crate::rng::{Draws, StreamKey};
use crate::simd::{F64x8, LANES, Level};

/// Eight diagonally dominant systems on trees.
struct Systems {
    parents: Vec<[u32; LANES]>,
    diagonal: Vec<F64x8>,
    upper: Vec<F64x8>,
    lower: Vec<F64x8>,
    rhs: Vec<F64x8>,
}

impl Systems {
    fn random(parents: Vec<[u32; LANES]>, draws: &mut Draws) -> Systems {
        let n = parents.len();
        let zero = vec![F64x8::default(); n];
        let mut s = Systems { parents, diagonal: zero.clone(), upper: zero.clone(), lower: zero.clone(), rhs: zero };
        for i in 0..n {
            for lane in 0..LANES {
                let p = s.parents[i][lane] as usize;
                s.diagonal[i].0[lane] += 0.1 + draws.uniform();
                s.rhs[i].0[lane] = draws.normal();
                if p != i {
                    let (upper, lower) = (-draws.exponential(), -draws.exponential());
                    s.upper[i].0[lane] = upper;
                    s.lower[i].0[lane] = lower;
                    s.diagonal[i].0[lane] -= lower;
                    s.diagonal[p].0[lane] -= upper;
                }
            }
        }
        s
    }

    fn solve(&self, level: Level) -> Vec<F64x8> {
        let trees = Trees::new(&self.parents).expect("parents come first");
        let mut diagonal = self.diagonal.clone();
        let mut x = self.rhs.clone();
        let matrix = Matrix { diagonal: &mut diagonal, upper: &self.upper, lower: &self.lower };
        tree::solve_at(level, &trees, matrix, &mut x);
        x
    }

    /// The largest difference from LU with partial pivoting, over all lanes, relative to the largest solution.
    fn distance_from_lu(&self, x: &[F64x8]) -> f64 {
        let n = self.parents.len();
        let mut worst: f64 = 0.0;
        for lane in 0..LANES {
            let mut a = DMatrix::zeros(n, n);
            for i in 0..n {
                let p = self.parents[i][lane] as usize;
                a[(i, i)] = self.diagonal[i].0[lane];
                if p != i {
                    a[(p, i)] = self.upper[i].0[lane];
                    a[(i, p)] = self.lower[i].0[lane];
                }
            }
            let b = DVector::from_iterator(n, self.rhs.iter().map(|r| r.0[lane]));
            let exact = a.lu().solve(&b).expect("diagonally dominant");
            let error = (0..n).map(|i| (x[i].0[lane] - exact[i]).abs()).fold(0.0, f64::max);
            worst = worst.max(error / exact.amax());
        }
        worst
    }
}

fn random_tree(n: usize, draws: &mut Draws) -> Vec<u32> {
    (0..n).map(|i| if i == 0 { 0 } else { draws.below(i as u64) as u32 }).collect()
}

fn random_trees(n: usize, draws: &mut Draws) -> Vec<[u32; LANES]> {
    let lanes: [Vec<u32>; LANES] = std::array::from_fn(|_| random_tree(n, draws));
    (0..n).map(|i| std::array::from_fn(|lane| lanes[lane][i])).collect()
}

fn bits(x: &[F64x8]) -> Vec<u64> {
    F64x8::as_f64s(x).iter().map(|x| x.to_bits()).collect()
}

#[test]
fn random_trees_solve_as_dense_lu_does_with_the_same_bits_at_every_level() {
    let mut draws = StreamKey::new(3, 0, 0, 0).at(0, 0);
    for n in [1, 2, 3, 7, 30, 61] {
        let same: Vec<_> = random_tree(n, &mut draws).into_iter().map(|p| [p; LANES]).collect();
        for parents in [same, random_trees(n, &mut draws)] {
            let systems = Systems::random(parents, &mut draws);
            let x = systems.solve(Level::Portable);
            assert!(systems.distance_from_lu(&x) < 1e-12);
            for &level in Level::available() {
                assert_eq!(bits(&systems.solve(level)), bits(&x), "{level:?}");
            }
        }
    }
}

/// Seven lanes keep their shape while the eighth is changed, which moves all rows from the shared to the unshared path.
#[test]
fn a_lane_has_the_same_bits_whether_or_not_its_neighbours_share_its_tree() {
    let mut draws = StreamKey::new(4, 0, 0, 0).at(0, 0);
    let n = 40;
    let shape = random_tree(n, &mut draws);
    let shared = Systems::random(shape.iter().map(|&p| [p; LANES]).collect(), &mut draws);
    let mut mixed = Systems::random(random_trees(n, &mut draws), &mut draws);
    for lane in 0..LANES - 1 {
        for (i, &parent) in shape.iter().enumerate() {
            mixed.parents[i][lane] = parent;
            mixed.diagonal[i].0[lane] = shared.diagonal[i].0[lane];
            mixed.upper[i].0[lane] = shared.upper[i].0[lane];
            mixed.lower[i].0[lane] = shared.lower[i].0[lane];
            mixed.rhs[i].0[lane] = shared.rhs[i].0[lane];
        }
    }
    let (x, y) = (shared.solve(Level::best()), mixed.solve(Level::best()));
    for i in 0..n {
        for lane in 0..LANES - 1 {
            assert_eq!(x[i].0[lane].to_bits(), y[i].0[lane].to_bits());
        }
    }
}

#[test]
fn padding_compartments_and_lanes_keep_their_rhs_and_change_no_other() {
    let mut draws = StreamKey::new(5, 0, 0, 0).at(0, 0);
    let full = Systems::random(random_trees(20, &mut draws), &mut draws);
    let mut padded = Systems { parents: full.parents.clone(), ..Systems::random(vec![], &mut draws) };
    (padded.diagonal, padded.upper) = (full.diagonal.clone(), full.upper.clone());
    (padded.lower, padded.rhs) = (full.lower.clone(), full.rhs.clone());
    for i in 20..25 {
        padded.parents.push([i; LANES]);
        padded.diagonal.push(F64x8::splat(1.0));
        padded.upper.push(F64x8::default());
        padded.lower.push(F64x8::default());
        padded.rhs.push(F64x8::splat(f64::from(i)));
    }
    for i in 0..25 {
        // lane 3 is not in use
        padded.parents[i][3] = i as u32;
        (padded.diagonal[i].0[3], padded.rhs[i].0[3]) = (1.0, 7.0);
        (padded.upper[i].0[3], padded.lower[i].0[3]) = (0.0, 0.0);
    }
    for &level in Level::available() {
        let (x, y) = (full.solve(level), padded.solve(level));
        for (i, y) in y.iter().enumerate() {
            for lane in 0..LANES {
                let expected = if lane == 3 {
                    7.0
                } else if i < 20 {
                    x[i].0[lane]
                } else {
                    i as f64
                };
                assert_eq!(y.0[lane].to_bits(), expected.to_bits(), "row {i} lane {lane} {level:?}");
            }
        }
    }
}

#[test]
fn trees_know_the_parents_that_they_were_made_of() {
    let mut draws = StreamKey::new(7, 0, 0, 0).at(0, 0);
    for n in [1, 2, 9, 60] {
        let mut forests = random_trees(n, &mut draws);
        // A root in some lanes, one in all, and a chain.
        forests[n / 2][3] = n as u32 / 2;
        forests.extend([[n as u32; LANES], [n as u32; LANES], [n as u32 + 1; LANES]]);
        let trees = Trees::new(&forests).expect("parents come first");
        let told: Vec<[u32; LANES]> = (0..trees.len()).map(|i| trees.parents(i)).collect();
        assert_eq!(told, forests);
    }
}

#[test]
fn a_parent_after_its_child_is_refused_by_name() {
    let mut parents = vec![[0; LANES]; 3];
    parents[1][6] = 2;
    let error = Trees::new(&parents).expect_err("compartment 2 comes after 1");
    assert_eq!(error, ParentAfterChild { compartment: 1, lane: 6, parent: 2 });
    assert!(error.to_string().contains("compartment 1 of lane 6"));
}

#[test]
fn a_tridiagonal_system_solves_as_dense_lu_does_with_the_same_bits_at_every_level() {
    let mut draws = StreamKey::new(6, 0, 0, 0).at(0, 0);
    for n in [0, 1, 2, 3, 17, 64] {
        let chain = (0..n).map(|i: u32| [i.saturating_sub(1); LANES]).collect();
        let s = Systems::random(chain, &mut draws);
        // a chain's upper band, by row instead of by child; what must not be read is NaN
        let nan = F64x8::splat(f64::NAN);
        let upper: Vec<F64x8> = s.upper.iter().skip(1).copied().chain([nan]).take(n as usize).collect();
        let mut lower = s.lower.clone();
        lower.iter_mut().take(1).for_each(|l| *l = nan);
        let solve = |level| {
            let mut x = s.rhs.clone();
            tridiagonal::solve_at(level, &lower, &mut s.diagonal.clone(), &upper, &mut x);
            x
        };
        let x = solve(Level::Portable);
        if n > 0 {
            assert!(s.distance_from_lu(&x) < 1e-12);
        }
        for &level in Level::available() {
            assert_eq!(bits(&solve(level)), bits(&x), "{n} rows, {level:?}");
        }
    }
}

/// Steady voltage of a cable of electrotonic length `length` whose near end is held at 1 and whose far end is sealed.
/// Compartments have the length h = length/n; the near end is h/2 from the first centre, and the far end h/2 from the
/// last, so V(last) = V(L) cosh(h/2) = V(L) (1 + h^2/8 + ..).
fn sealed_end(length: f64, n: usize) -> f64 {
    let h = length / n as f64;
    let coupling = 1.0 / (h * h);
    let mut diagonal = vec![F64x8::splat(1.0 + 2.0 * coupling); n];
    diagonal[0] = F64x8::splat(1.0 + 3.0 * coupling);
    diagonal[n - 1] = F64x8::splat(1.0 + coupling);
    let mut off = vec![F64x8::splat(-coupling); n];
    let mut v = vec![F64x8::default(); n];
    v[0] = F64x8::splat(2.0 * coupling);
    let chain: Vec<u32> = (0..n as u32).map(|i| i.saturating_sub(1)).collect();
    off[0] = F64x8::default();
    let trees = Trees::alike(&chain).expect("a chain");
    tree::solve_at(Level::best(), &trees, Matrix { diagonal: &mut diagonal, upper: &off, lower: &off }, &mut v);
    v[n - 1].0[0] / (1.0 + h * h / 8.0)
}

/// V(L)/V(0) = 1/cosh L: Rall (1977) Handbook of Physiology, ch. 3; .8868 for L = 0.5, .6481 for L = 1.
#[test]
fn a_sealed_cable_attenuates_by_one_over_cosh_and_converges_at_second_order() {
    for (length, published) in [(0.5, 0.8868), (1.0, 0.6481)] {
        let e = crate::math::exp(length);
        let exact = 2.0 / (e + 1.0 / e);
        assert!((exact - published).abs() < 5e-5);
        let errors = [32, 64, 128].map(|n| (sealed_end(length, n) - exact).abs());
        assert!(errors[2] < 1e-4 * length, "{errors:?}");
        for pair in errors.windows(2) {
            let ratio = pair[0] / pair[1];
            assert!((ratio - 4.0).abs() < 0.1, "order 2 quarters the error; here {ratio}");
        }
    }
}
