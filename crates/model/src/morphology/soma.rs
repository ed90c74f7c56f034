//! Somata as files have them: one point, the three points of NeuroMorpho, a stack of frusta, an outline.

use super::Point;
use super::swc::Sample;

/// A soma as one stack of frusta, and where along it each sample lies, as a share of its length. Of a soma with more than
/// two arms the others are missing.
pub(super) struct Soma {
    pub points: Vec<Point>,
    /// By index of the sample; only of the soma's own.
    pub places: Vec<(usize, f64)>,
}

/// Slices of an outline, as many as NEURON's importer takes.
const SLICES: usize = 20;

/// A sphere as the cylinder of its area: as long as it is wide (lateral area 4 pi r^2).
fn sphere(at: [f64; 3], radius: f64) -> Vec<Point> {
    let end = |sign: f64| Point { at: [at[0], sign.mul_add(radius, at[1]), at[2]], radius };
    vec![end(-1.0), end(1.0)]
}

/// Whether these are the three points of a sphere: two that hang on the first, a radius away on either side.
fn three_points(samples: &[Sample], of: &[usize]) -> bool {
    let [a, b, c] = of else { return false };
    let (a, b, c) = (&samples[*a], &samples[*b], &samples[*c]);
    let near = |p: &Sample| {
        let d = super::distance(a.at, p.at);
        (d - a.radius).abs() <= 0.05 * a.radius.max(1e-9) && (p.radius - a.radius).abs() <= 0.05 * a.radius
    };
    b.parent == c.parent && b.parent.is_some() && near(b) && near(c)
}

/// The soma of samples `of`, the root first, in the order of the file.
pub(super) fn stack(samples: &[Sample], of: &[usize]) -> Soma {
    let middle = |points| Soma { points, places: of.iter().map(|i| (*i, 0.5)).collect() };
    let first = &samples[of[0]];
    if of.len() == 1 || three_points(samples, of) {
        return middle(sphere(first.at, first.radius));
    }
    if of.len() > 3 && of.iter().all(|i| samples[*i].radius == 0.0) {
        return middle(outline(samples, of));
    }
    let chain = longest(samples, of);
    let points: Vec<Point> = chain.iter().map(|i| Point { at: samples[*i].at, radius: samples[*i].radius }).collect();
    let mut along = vec![0.0];
    for w in points.windows(2) {
        along.push(along[along.len() - 1] + super::distance(w[0].at, w[1].at));
    }
    let whole = along[along.len() - 1];
    if whole <= 0.0 {
        // Samples all in one place: a sphere, as wide as the widest.
        return middle(sphere(first.at, of.iter().fold(0.0, |r, i| samples[*i].radius.max(r))));
    }
    let places = chain.iter().zip(&along).map(|(i, d)| (*i, d / whole)).collect();
    Soma { points, places }
}

/// The longest way through the soma's samples: one arm, a sample that both hang on, and the other arm.
fn longest(samples: &[Sample], of: &[usize]) -> Vec<usize> {
    let place = |sample: usize| of.iter().position(|o| *o == sample);
    // By place in `of`: each child, and how far its farthest descendant is from the parent.
    let mut arms: Vec<Vec<(f64, usize)>> = vec![Vec::new(); of.len()];
    for child in children_first(samples, of) {
        if let Some(parent) = samples[of[child]].parent.and_then(place) {
            let reach = arms[child].first().map_or(0.0, |arm| arm.0);
            let far = reach + super::distance(samples[of[child]].at, samples[of[parent]].at);
            arms[parent].push((far, child));
            arms[parent].sort_by(|a, b| b.0.total_cmp(&a.0));
        }
    }
    let through = |k: usize| arms[k].iter().take(2).map(|arm| arm.0).sum::<f64>();
    let top = (0..of.len()).fold(0, |best, k| if through(k) > through(best) { k } else { best });
    let way = |arm: Option<&(f64, usize)>| {
        let mut out = Vec::new();
        let mut next = arm.map(|arm| arm.1);
        while let Some(k) = next {
            out.push(of[k]);
            next = arms[k].first().map(|arm| arm.1);
        }
        out
    };
    let mut chain = way(arms[top].get(1));
    chain.reverse();
    chain.push(of[top]);
    chain.extend(way(arms[top].first()));
    chain
}

/// Places in `of`, every sample before its parent.
fn children_first(samples: &[Sample], of: &[usize]) -> Vec<usize> {
    let depth = |i: usize| {
        let (mut steps, mut at) = (0usize, i);
        while let Some(parent) = samples[at].parent {
            steps += 1;
            at = parent;
        }
        steps
    };
    let mut order: Vec<(usize, usize)> = of.iter().enumerate().map(|(k, i)| (depth(*i), k)).collect();
    order.sort_by_key(|o| std::cmp::Reverse(o.0));
    order.into_iter().map(|o| o.1).collect()
}

/// An outline as frusta along its long axis, each as wide as the outline is there.
fn outline(samples: &[Sample], of: &[usize]) -> Vec<Point> {
    let points: Vec<[f64; 3]> = of.iter().map(|i| samples[*i].at).collect();
    let n = points.len() as f64;
    let mean = [0, 1, 2].map(|k| points.iter().map(|p| p[k]).sum::<f64>() / n);
    let from_mean = |p: &[f64; 3]| [p[0] - mean[0], p[1] - mean[1], p[2] - mean[2]];
    let dot = |a: [f64; 3], b: [f64; 3]| a[2].mul_add(b[2], a[0].mul_add(b[0], a[1] * b[1]));
    // The long axis, by iteration from the farthest point.
    let farthest = points.iter().map(from_mean).max_by(|a, b| dot(*a, *a).total_cmp(&dot(*b, *b)));
    let mut axis = farthest.unwrap_or([1.0, 0.0, 0.0]);
    for _ in 0..100 {
        let mut next = [0.0; 3];
        for p in points.iter().map(from_mean) {
            let along = dot(p, axis);
            (0..3).for_each(|k| next[k] = along.mul_add(p[k], next[k]));
        }
        let size = dot(next, next).sqrt();
        if size == 0.0 {
            break;
        }
        axis = next.map(|x| x / size);
    }
    let along: Vec<f64> = points.iter().map(|p| dot(from_mean(p), axis)).collect();
    let (low, high) = along.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |r, x| (r.0.min(*x), r.1.max(*x)));
    let mut out = Vec::new();
    for slice in 0..=SLICES {
        // The ends, where an outline has no width, are taken a little within.
        let share = (slice as f64 / SLICES as f64).clamp(0.01, 0.99);
        let at = share.mul_add(high - low, low);
        // Where the outline crosses the slice.
        let mut crossings: Vec<[f64; 3]> = Vec::new();
        for k in 0..points.len() {
            let (a, b) = (k, (k + 1) % points.len());
            if (along[a] <= at) != (along[b] <= at) {
                let t = (at - along[a]) / (along[b] - along[a]);
                crossings.push([0, 1, 2].map(|d| t.mul_add(points[b][d] - points[a][d], points[a][d])));
            }
        }
        let widest = crossings
            .iter()
            .enumerate()
            .flat_map(|(k, a)| crossings[k + 1..].iter().map(move |b| (super::distance(*a, *b), a, b)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((width, a, b)) = widest {
            let centre = [0, 1, 2].map(|d| 0.5 * (a[d] + b[d]));
            let there = (slice as f64 / SLICES as f64).mul_add(high - low, low);
            let shift = there - dot(from_mean(&centre), axis);
            out.push(Point { at: [0, 1, 2].map(|d| shift.mul_add(axis[d], centre[d])), radius: 0.5 * width });
        }
    }
    out
}
