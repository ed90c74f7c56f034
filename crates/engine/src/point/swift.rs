//! Leaky neurons far from their threshold: a whole step at once, eight side by side, however many events come.
//!
//! Under currents alone the neuron is linear, so what each event has become of at the step's end adds up, and what that is
//! depends on the time left after it: a series of the linear system (Taylor's, summed to rounding) in place of exponentials.
//! Taken only where no course within the step can reach the threshold:
//! `V(t) <= V + (end - V)+ (1 - e^(-leak dt)) + sum of currents' positive parts over the time they last / C`.

use super::inputs::Course;
use super::model::Lif;
use super::run::Arrival;
use crate::time::Tick;
use numerics::math;
use numerics::simd::{F64x8, Kernel, LANES, Lanes, Mask};

/// Most plain currents; more go event by event.
pub(super) const MOST: usize = 4;
/// Largest rate times step; beyond it a series would lose digits.
const FASTEST: f64 = 2.0;
/// Terms that are left out are below this.
const LEFT_OUT: f64 = 1e-19;
/// Nearer to the threshold than this, mV, is not far: far above rounding.
const NEAR: f64 = 1e-9;

/// A leaky neuron and a length of step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Swift {
    pub dt: Tick,
    ms: f64,
    model: Lif,
    /// 1 - e^(-leak dt)
    lost: f64,
    courses: Vec<Swept>,
}

/// A plain current over the step.
#[derive(Clone, Debug, PartialEq)]
struct Swept {
    /// Of g = 1 at the beginning: mV, and g at the end.
    of_g: [f64; 2],
    /// Of h = 1: mV, g and h.
    of_h: [f64; 3],
    rises: bool,
    /// Of an event of weight 1: mV, g and h, by powers of the time left, ms.
    series: Vec<[f64; 3]>,
}

/// What eight neurons are at the end of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swung {
    /// mV
    pub v: F64x8,
    /// Lanes that are sure not to have fired.
    pub sure: u8,
    /// g and h of each plain current.
    pub inputs: [[F64x8; 2]; MOST],
}

impl Swift {
    /// None if the currents are too many, or too fast for the step.
    pub fn new(model: &Lif, courses: &[Course], dt: Tick) -> Option<Self> {
        let (ms, leak) = (dt.ms(), model.g_leak / model.capacitance);
        let fastest = courses.iter().map(Course::fastest).fold(leak, f64::max);
        if courses.len() > MOST || fastest * ms > FASTEST {
            return None;
        }
        let mut terms = 2;
        let mut left = fastest * ms;
        while left > LEFT_OUT {
            left *= fastest * ms / f64::from(terms);
            terms += 1;
        }
        let swept = |course: &Course| {
            let (per, rises) = (1.0 / model.capacitance, course.born().1 != 0.0);
            let kept = |state| course.kept(state, leak, ms) * per;
            let (fed, h) = if rises { course.after((0.0, 1.0), ms) } else { (0.0, 0.0) };
            let of_h = if rises { [kept((0.0, 1.0)), fed, h] } else { [0.0; 3] };
            let of_g = [kept((1.0, 0.0)), course.after((1.0, 0.0), ms).0];
            let (decay, scale, rise) = course.rates();
            let born = course.born();
            let mut series = vec![[0.0, born.0, born.1]];
            for k in 1..terms {
                let [v, g, h] = series[k as usize - 1];
                let n = 1.0 / f64::from(k);
                series.push([(g * per - leak * v) * n, (scale * h - decay * g) * n, -rise * h * n]);
            }
            Swept { of_g, of_h, rises, series }
        };
        let courses = courses.iter().map(swept).collect();
        let lost = -math::expm1(-leak * ms);
        Some(Self { dt, ms, model: *model, lost, courses })
    }
}

/// A step of eight.
pub(super) struct Swing<'a> {
    pub swift: &'a Swift,
    pub end: Tick,
    /// mV
    pub v: &'a F64x8,
    /// pA
    pub i: &'a F64x8,
    pub inputs: &'a [[(f64, f64); LANES]],
    pub arrivals: &'a [Arrival],
}

impl Kernel for Swing<'_> {
    type Output = Swung;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Swung {
        let Self { swift, end, v, i, inputs, arrivals } = self;
        let Swift { model, ms, lost, courses, .. } = swift;
        let per = L::splat(1.0 / model.capacitance);
        let zero = L::splat(0.0);
        let mut out = Swung { v: F64x8::default(), sure: 0, inputs: [[F64x8::default(); 2]; MOST] };
        let (before, steady) = (L::load(v), L::load(i));
        let pulled = steady.mul_add(L::splat(1.0 / model.g_leak), L::splat(model.e_leak)) - before;
        let mut after = pulled.mul_add(L::splat(*lost), before);
        let mut most = zero;
        for ((course, state), now) in courses.iter().zip(inputs).zip(&mut out.inputs) {
            let (mut g, mut h) = (F64x8::default(), F64x8::default());
            for ((g, h), of) in g.0.iter_mut().zip(&mut h.0).zip(state) {
                (*g, *h) = *of;
            }
            let (g, h) = (L::load(&g), L::load(&h));
            after = L::splat(course.of_g[0]).mul_add(g, after);
            let mut next = L::splat(course.of_g[1]) * g;
            most = most + g.max(zero);
            if course.rises {
                after = L::splat(course.of_h[0]).mul_add(h, after);
                next = L::splat(course.of_h[1]).mul_add(h, next);
                (L::splat(course.of_h[2]) * h).store(&mut now[1]);
                most = most + h.max(zero);
            }
            next.store(&mut now[0]);
        }
        let rise = pulled.max(zero) * L::splat(*lost);
        let mut top = F64x8::default();
        (most * L::splat(*ms)).mul_add(per, before + rise).store(&mut top);
        after.store(&mut out.v);
        let mut left = F64x8::default();
        let mut weights = F64x8::default();
        let (mut of_v, mut of_g, mut of_h, mut of_top) =
            (F64x8::default(), F64x8::default(), F64x8::default(), F64x8::default());
        for eight in arrivals.chunks(LANES) {
            for (k, arrival) in eight.iter().enumerate() {
                left.0[k] = (end.0 - arrival.at.0) as f64;
                weights.0[k] = arrival.weight;
            }
            let t = L::load(&left) * L::splat(1e-9);
            let weight = L::load(&weights);
            (weight.max(zero) * t * per).store(&mut of_top);
            for (input, course) in courses.iter().enumerate() {
                if courses.len() > 1 && !eight.iter().any(|a| a.input == input) {
                    continue;
                }
                let (mut v, mut g, mut h) = (zero, zero, zero);
                if course.rises {
                    for term in course.series.iter().rev() {
                        v = v.mul_add(t, L::splat(term[0]));
                        g = g.mul_add(t, L::splat(term[1]));
                        h = h.mul_add(t, L::splat(term[2]));
                    }
                    (weight * h).store(&mut of_h);
                } else {
                    for term in course.series.iter().rev() {
                        v = v.mul_add(t, L::splat(term[0]));
                        g = g.mul_add(t, L::splat(term[1]));
                    }
                }
                (weight * v).store(&mut of_v);
                (weight * g).store(&mut of_g);
                for (k, arrival) in eight.iter().enumerate() {
                    if arrival.input == input {
                        let lane = arrival.lane;
                        out.v.0[lane] += of_v.0[k];
                        out.inputs[input][0].0[lane] += of_g.0[k];
                        top.0[lane] += of_top.0[k];
                        if course.rises {
                            out.inputs[input][1].0[lane] += of_h.0[k];
                        }
                    }
                }
            }
        }
        out.sure = L::load(&top).lt(L::splat(model.threshold - NEAR)).bits();
        out
    }
}
