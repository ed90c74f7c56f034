//! A bath that changes, as levels: c(t) at the preparation, cut where it has moved by so much, each level its mean.
//!
//! `c' = (bath - c) / exchange`: a first-order exchange of the solution around the preparation, exponential between
//! changes. A level's mean is the exact integral over its time, so that all exposure is there.

use numerics::math;

/// Below this share of the strongest bath, errors are shares of it and no longer of the concentration.
const FLOOR: f64 = 0.01;
/// Time constants after which what is left of a change is left out.
const TAIL: f64 = 3.0;
/// Share of the error that is nothing: twice what the tail leaves.
const NOTHING: f64 = 0.1;

/// The concentration of one drug at the preparation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Course {
    /// When each bath begins to flow in, ms; the first at 0.
    pub times: Vec<f64>,
    /// mM
    pub baths: Vec<f64>,
    /// Time constant, ms.
    pub exchange: f64,
    /// How far it may be from a level, as a share.
    pub error: f64,
}

impl Course {
    /// One bath for ever.
    pub fn constant(bath: f64) -> Self {
        Self { times: vec![0.0], baths: vec![bath], exchange: 0.0, error: 0.0 }
    }

    /// Concentration at the beginning of each stretch.
    fn starts(&self) -> Vec<f64> {
        let mut c = self.baths[0];
        let mut all = vec![c];
        for k in 1..self.times.len() {
            c = self.after(c, self.baths[k - 1], self.times[k] - self.times[k - 1]);
            all.push(c);
        }
        all
    }

    /// What `c` has become after `t` ms in `bath`.
    fn after(&self, c: f64, bath: f64, t: f64) -> f64 {
        if c == bath || t == 0.0 {
            c
        } else if self.exchange == 0.0 {
            bath
        } else {
            (c - bath).mul_add(math::exp(-t / self.exchange), bath)
        }
    }

    /// Mean from `a` to `b` ms.
    pub fn mean(&self, a: f64, b: f64) -> f64 {
        let mut sum = 0.0;
        let mut touched = Vec::new();
        for (k, &start) in self.starts().iter().enumerate() {
            let (from, to) = (self.times[k].max(a), self.times.get(k + 1).map_or(b, |t| t.min(b)));
            if from >= to {
                continue;
            }
            let bath = self.baths[k];
            touched.extend([start, bath]);
            sum += bath * (to - from);
            if self.exchange > 0.0 && start != bath {
                let left = |t: f64| math::exp(-(t - self.times[k]) / self.exchange);
                sum += (start - bath) * self.exchange * (left(from) - left(to));
            }
        }
        // A bath that does not change is itself, to the bit.
        match touched.first() {
            Some(&first) if touched.iter().all(|c| *c == first) => first,
            _ => (sum / (b - a)).max(0.0),
        }
    }

    /// The level that stands for the bath from `a` to `b` ms: the mean, or the bath itself where hardly anything is left
    /// of the change before.
    pub fn level(&self, a: f64, b: f64) -> f64 {
        let k = self.times.partition_point(|&t| t <= a).max(1) - 1;
        if self.times.get(k + 1).is_none_or(|t| *t >= b) {
            let (start, bath) = (self.starts()[k], self.baths[k]);
            let c = self.after(start, bath, a - self.times[k]);
            if (c - bath).abs() <= NOTHING * self.error * c.max(self.floor()) {
                return bath;
            }
        }
        self.mean(a, b)
    }

    /// Smallest and largest concentration from `a` to `b` ms: monotone within each stretch.
    fn range(&self, a: f64, b: f64) -> (f64, f64) {
        let (mut least, mut most) = (f64::INFINITY, 0.0_f64);
        for (k, &start) in self.starts().iter().enumerate() {
            let (from, to) = (self.times[k].max(a), self.times.get(k + 1).map_or(b, |t| t.min(b)));
            if from < to {
                for c in [from, to].map(|t| self.after(start, self.baths[k], t - self.times[k])) {
                    (least, most) = (least.min(c), most.max(c));
                }
            }
        }
        (least, most)
    }

    fn floor(&self) -> f64 {
        FLOOR * self.baths.iter().copied().fold(0.0, f64::max)
    }

    /// How far the concentration comes from its level of `a` to `b` ms, as a share of it (or of the floor).
    pub fn off(&self, a: f64, b: f64) -> f64 {
        let (mean, (least, most)) = (self.mean(a, b), self.range(a, b));
        let off = (mean - least).max(most - mean).max(0.0);
        if off == 0.0 { 0.0 } else { off / mean.max(self.floor()) }
    }

    /// Where levels end before `end` ms, ascending.
    pub fn cuts(&self, end: f64) -> Vec<f64> {
        let mut all = Vec::new();
        for (k, &start) in self.starts().iter().enumerate() {
            let (from, bath) = (self.times[k], self.baths[k]);
            let to = self.times.get(k + 1).copied().unwrap_or(end).min(end);
            if from >= end {
                break;
            }
            if k > 0 {
                all.push(from);
            }
            if self.exchange == 0.0 || start == bath {
                continue;
            }
            let whole = (start - bath).abs();
            let mut c = start;
            loop {
                let left = (c - bath).abs();
                // Within reach of the bath: one level more, then the bath itself.
                let width = 2.0 * self.error * c.max(self.floor());
                let last = left <= 0.5 * width;
                let next = if last { left * math::exp(-TAIL) } else { (left - width).max(0.25 * left) };
                let at = from + self.exchange * math::ln(whole / next);
                if at >= to {
                    break;
                }
                all.push(at);
                if last {
                    break;
                }
                c = if c > bath { bath + next } else { bath - next };
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course { times: vec![0.0, 100.0, 400.0], baths: vec![0.0, 2.0, 0.0], exchange: 30.0, error: 0.05 }
    }

    #[test]
    fn levels_hold_all_exposure_and_no_more_error_than_asked() {
        for (asked, most) in [(0.2, 40), (0.05, 160), (0.01, 800)] {
            let c = Course { error: asked, ..course() };
            let mut cuts = c.cuts(1000.0);
            assert!(cuts.len() < most, "{}", cuts.len());
            cuts.insert(0, 0.0);
            cuts.push(1000.0);
            assert!(cuts.windows(2).all(|w| w[0] < w[1]), "{cuts:?}");
            let sum: f64 = cuts.windows(2).map(|w| c.level(w[0], w[1]) * (w[1] - w[0])).sum();
            assert!((sum - 600.0).abs() < 1e-3 * 600.0, "{sum}");
            // Half the width, a little more where the mean is off the middle.
            let worst = cuts.windows(2).map(|w| c.off(w[0], w[1])).fold(0.0, f64::max);
            assert!(worst <= 1.6 * asked && worst > 0.3 * asked, "{worst} for {asked}");
        }
    }

    #[test]
    fn long_after_a_change_the_level_is_the_bath() {
        let c = course();
        let cuts = c.cuts(1000.0);
        let before = cuts.partition_point(|t| *t < 400.0);
        assert_eq!(c.level(cuts[before - 1], 400.0), 2.0);
        assert_eq!(c.level(*cuts.last().unwrap(), 1000.0), 0.0);
        assert!(c.level(cuts[before - 2], cuts[before - 1]) < 2.0);
    }

    #[test]
    fn a_bath_that_does_not_change_is_itself() {
        let c = Course { times: vec![0.0, 10.0], baths: vec![0.1, 0.1], exchange: 3.0, error: 0.05 };
        assert_eq!(c.mean(0.0, 7.3), 0.1);
        assert_eq!(c.mean(3.0, 27.3), 0.1);
        assert_eq!(course().mean(0.0, 100.0), 0.0);
        let at_once = Course { exchange: 0.0, ..course() };
        assert_eq!([at_once.mean(100.0, 400.0), at_once.mean(400.0, 900.0)], [2.0, 0.0]);
        assert_eq!(at_once.cuts(1000.0), [100.0, 400.0]);
    }
}
