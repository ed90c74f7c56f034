//! Occupancies taken onward under rates that are held, by uniformisation (Jensen 1953): `p exp(Q h) = sum_k e^-x x^k / k! p
//! P^k`, `P = I + Q / q`, `q` the largest exit rate and `x = q h`. All numbers are nonnegative and the sum is put back to 1, so
//! no occupancy is negative and none is lost. Eight laws side by side.

use numerics::math::lanes;
use numerics::simd::{F64x8, Kernel, Lanes, Mask};

/// Largest `x` that is summed as a series: at most 100 terms.
const LARGEST: f64 = 32.0;
const TERMS: usize = 128;
/// Weights of terms below this are nothing beside the first.
const NOTHING: f64 = 1e-18;

/// One way from state to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemeStep {
    /// State left.
    pub from: u16,
    /// State entered.
    pub to: u16,
    /// Output of the program that is its rate, /ms; several steps may share one.
    pub rate: u16,
}

/// The series of line `k` of `m`; `outputs`: of the program, line `output * m + k`.
pub(crate) struct Series<'a> {
    pub steps: &'a [SchemeStep],
    pub outputs: &'a [F64x8],
    pub m: usize,
    pub k: usize,
    pub h: f64,
    pub scratch: &'a mut Vec<F64x8>,
}

/// Takes a law onward, in place; or, of the states that are wanted, makes the rows of `exp(Q h)`. Gives the lanes whose
/// rates are sound, and those for which the series was summed.
pub(crate) struct Onward<'a> {
    pub series: Series<'a>,
    pub lines: &'a mut [F64x8],
    pub wanted: Option<&'a [bool]>,
}

impl Kernel for Onward<'_> {
    type Output = (u8, u8);

    #[inline(always)]
    fn run<L: Lanes>(self) -> (u8, u8) {
        let Self { series: Series { steps, outputs, m, k, h, scratch }, lines, wanted } = self;
        let n = wanted.map_or(lines.len(), <[bool]>::len);
        let (zero, one) = (L::splat(0.0), L::splat(1.0));
        let size = steps.len() + TERMS + 4 * n;
        if scratch.len() < size {
            scratch.resize(size, F64x8::splat(0.0));
        }
        let (shares, rest) = scratch.split_at_mut(steps.len());
        let (weights, rest) = rest.split_at_mut(TERMS);
        let (stay, rest) = rest.split_at_mut(n);
        let (q, rest) = rest.split_at_mut(n);
        let (next, rest) = rest.split_at_mut(n);
        let sum = &mut rest[..n];
        stay.fill(F64x8::splat(0.0));
        let (mut total, mut least, mut top) = (zero, zero, zero);
        for (share, step) in shares.iter_mut().zip(steps) {
            let rate = L::load(&outputs[usize::from(step.rate) * m + k]);
            total = total + rate;
            least = least.min(rate);
            rate.store(share);
            let exit = &mut stay[usize::from(step.from)];
            (L::load(exit) + rate).store(exit);
        }
        for exit in &*stay {
            top = top.max(L::load(exit));
        }
        let sound = total.lt(L::splat(f64::INFINITY)).and(least.ge(zero));
        let x = top * L::splat(h);
        let mild = sound.and(x.le(L::splat(LARGEST)));
        let moves = mild.and(top.gt(zero));
        let inverse = L::select(moves, one / top, zero);
        for share in shares.iter_mut() {
            L::select(moves, L::load(share) * inverse, zero).store(share);
        }
        for exit in stay.iter_mut() {
            L::select(moves, (top - L::load(exit)) * inverse, one).store(exit);
        }
        let x = L::select(moves, x, zero);
        let mut weight = lanes::exp(-x);
        weight.store(&mut weights[0]);
        let mut terms = 1;
        for (term, line) in weights.iter_mut().enumerate().skip(1) {
            let order = L::splat(term as f64);
            weight = weight * x / order;
            // Each lane's own end, so that none depends on its neighbours.
            let counts = weight.gt(L::splat(NOTHING)).or(order.lt(x));
            if !counts.any() {
                break;
            }
            L::select(counts, weight, zero).store(line);
            terms = term + 1;
        }
        let weights = &weights[..terms];
        match wanted {
            None => {
                q.copy_from_slice(lines);
                spread::<L>(steps, (shares, stay, weights), (q, next, sum));
                lines.copy_from_slice(sum);
            }
            Some(wanted) => {
                for s in (0..n).filter(|&s| wanted[s]) {
                    q.fill(F64x8::splat(0.0));
                    q[s] = F64x8::splat(1.0);
                    spread::<L>(steps, (shares, stay, weights), (q, next, sum));
                    lines[s * n..(s + 1) * n].copy_from_slice(sum);
                }
            }
        }
        (sound.bits(), mild.bits())
    }
}

/// `sum = sum_k weight_k q P^k`, of sum 1.
#[inline(always)]
fn spread<L: Lanes>(
    steps: &[SchemeStep],
    (shares, stay, weights): (&[F64x8], &[F64x8], &[F64x8]),
    (mut q, mut next, sum): (&mut [F64x8], &mut [F64x8], &mut [F64x8]),
) {
    let first = L::load(&weights[0]);
    for (sum, q) in sum.iter_mut().zip(&*q) {
        (first * L::load(q)).store(sum);
    }
    for weight in &weights[1..] {
        let weight = L::load(weight);
        for ((next, q), stay) in next.iter_mut().zip(&*q).zip(stay) {
            (L::load(q) * L::load(stay)).store(next);
        }
        for (share, step) in shares.iter().zip(steps) {
            let to = &mut next[usize::from(step.to)];
            L::load(share).mul_add(L::load(&q[usize::from(step.from)]), L::load(to)).store(to);
        }
        for (sum, next) in sum.iter_mut().zip(&*next) {
            weight.mul_add(L::load(next), L::load(sum)).store(sum);
        }
        std::mem::swap(&mut q, &mut next);
    }
    let mut whole = L::splat(0.0);
    for line in &*sum {
        whole = whole + L::load(line);
    }
    for line in sum {
        (L::load(line) / whole).store(line);
    }
}
