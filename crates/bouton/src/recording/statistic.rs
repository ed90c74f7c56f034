//! A number over all trials, and the same without one of them: the jackknife (Quenouille 1949; Tukey 1958).

use super::Statistic;

/// The 97.5 % quantile of the normal law.
const Z: f64 = 1.959_963_984_540_054;

fn mean(values: &[f64], left_out: Option<usize>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (i, v) in values.iter().enumerate() {
        if Some(i) != left_out && !v.is_nan() {
            sum += v;
            n += 1.0;
        }
    }
    sum / n
}

/// Sum and number of the values that are not NaN.
fn sums(values: &[f64]) -> (f64, f64) {
    values.iter().filter(|v| !v.is_nan()).fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0))
}

impl Statistic {
    /// Trials that it is made of.
    #[must_use]
    pub fn trials(&self) -> usize {
        match self {
            Self::Whole => 0,
            Self::Mean(v) | Self::Share(v) | Self::Count(v, _) | Self::Deviation(v) | Self::Ratio(v, _) => v.len(),
            Self::Correlation(all) => all.first().map_or(0, Vec::len),
        }
    }

    /// The value without each of its trials in turn; NaN where there is none. Cost: linear in trials.
    #[must_use]
    pub fn without_each(&self) -> Vec<f64> {
        let leave = |v: &[f64], factor: f64| -> Vec<f64> {
            let (sum, n) = sums(v);
            let without = |x: &f64| if x.is_nan() { sum / n } else { (sum - x) / (n - 1.0) };
            v.iter().map(|x| factor * without(x)).collect()
        };
        match self {
            Self::Whole => Vec::new(),
            Self::Mean(v) | Self::Share(v) => leave(v, 1.0),
            Self::Count(v, factor) => leave(v, *factor),
            Self::Ratio(a, b) => {
                let (top, bottom) = (sums(a).0, sums(b).0);
                a.iter().zip(b).map(|(x, y)| (top - x) / (bottom - y)).collect()
            }
            Self::Deviation(v) => {
                let (middle, (_, n)) = (mean(v, None), sums(v));
                // About the mean, so that nothing is lost in the squares.
                let squares: f64 = v.iter().filter(|x| !x.is_nan()).map(|x| (x - middle) * (x - middle)).sum();
                let without = |x: &f64| {
                    let (d, n) = if x.is_nan() { (0.0, n) } else { (x - middle, n - 1.0) };
                    ((squares - d * d - d * d / n) / (n - 1.0)).max(0.0).sqrt()
                };
                v.iter().map(without).collect()
            }
            Self::Correlation(all) => {
                let moments = Moments::of(all);
                (0..self.trials()).map(|i| moments.without(all, i)).collect()
            }
        }
    }

    /// The value with its 95 % interval by the jackknife.
    #[must_use]
    pub fn estimate(&self) -> (f64, f64, f64) {
        let value = self.value();
        let without = self.without_each();
        let n = without.len() as f64;
        let middle = mean(&without, None);
        let se = (without.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>() * (n - 1.0) / n).sqrt();
        (value, value - Z * se, value + Z * se)
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self {
            Self::Whole => f64::NAN,
            Self::Mean(v) | Self::Share(v) => mean(v, None),
            Self::Count(v, factor) => factor * mean(v, None),
            Self::Ratio(a, b) => sums(a).0 / sums(b).0,
            Self::Deviation(v) => {
                let (middle, (_, n)) = (mean(v, None), sums(v));
                let squares: f64 = v.iter().filter(|x| !x.is_nan()).map(|x| (x - middle) * (x - middle)).sum();
                if n < 2.0 { f64::NAN } else { (squares / (n - 1.0)).sqrt() }
            }
            Self::Correlation(all) => Moments::of(all).correlation(),
        }
    }

    /// Half of the 95 % interval of a share or a count of which all trials gave the same, where the jackknife sees no
    /// spread: Wilson's upper end for 0 of n, and for n of n its distance from the lower one. 0 for anything else.
    #[must_use]
    pub fn unseen(&self) -> f64 {
        let (values, factor) = match self {
            Self::Share(v) => (v, 1.0),
            // Counts may be many by certainty; only that there was none may be chance alone.
            Self::Count(v, factor) if v.iter().all(|v| *v == 0.0) => (v, *factor),
            _ => return 0.0,
        };
        let same = values.first().is_some_and(|first| values.iter().all(|v| v == first));
        let z2 = Z * Z;
        if same { factor * z2 / (values.len() as f64 + z2) } else { 0.0 }
    }
}

/// Sums over trials of which correlations are made.
struct Moments {
    n: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// Of every pair `a < b`, in order.
    products: Vec<f64>,
}

impl Moments {
    fn of(all: &[Vec<f64>]) -> Self {
        let trials = all.first().map_or(0, Vec::len);
        let mut products = Vec::new();
        for a in 0..all.len() {
            for b in a + 1..all.len() {
                products.push(all[a].iter().zip(&all[b]).map(|(x, y)| x * y).sum());
            }
        }
        Self {
            n: trials as f64,
            sums: all.iter().map(|v| v.iter().sum()).collect(),
            squares: all.iter().map(|v| v.iter().map(|x| x * x).sum()).collect(),
            products,
        }
    }

    /// Mean over all pairs that vary.
    fn correlation(&self) -> f64 {
        let spread = |k: usize| self.squares[k] - self.sums[k] * self.sums[k] / self.n;
        let (mut sum, mut pairs, mut at) = (0.0, 0.0, 0);
        for a in 0..self.sums.len() {
            for b in a + 1..self.sums.len() {
                let both = self.products[at] - self.sums[a] * self.sums[b] / self.n;
                at += 1;
                let scale = (spread(a) * spread(b)).sqrt();
                if scale > 0.0 {
                    sum += both / scale;
                    pairs += 1.0;
                }
            }
        }
        sum / pairs
    }

    fn without(&self, all: &[Vec<f64>], i: usize) -> f64 {
        let mut at = 0;
        let mut products = self.products.clone();
        for a in 0..all.len() {
            for b in a + 1..all.len() {
                products[at] -= all[a][i] * all[b][i];
                at += 1;
            }
        }
        let less = |sums: &[f64], square: bool| -> Vec<f64> {
            let of = |k: usize| if square { all[k][i] * all[k][i] } else { all[k][i] };
            sums.iter().enumerate().map(|(k, s)| s - of(k)).collect()
        };
        Self { n: self.n - 1.0, sums: less(&self.sums, false), squares: less(&self.squares, true), products }
            .correlation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} for {b}");
    }

    /// Each way of leaving one out against computing it anew from what is left.
    #[test]
    fn without_a_trial_is_what_the_others_give() {
        let x = [3.0, f64::NAN, 1.0, 4.0, 1.5, 9.0, 2.0];
        let y = [1.0, 2.0, 0.5, 4.0, 2.5, 7.0, 1.0];
        let z: Vec<f64> = x.iter().map(|v| if v.is_nan() { 0.0 } else { 10.0 - v * v }).collect();
        let whole = z.iter().zip(&y).map(|(a, b)| a + b).collect::<Vec<_>>();
        type Make<'a> = &'a dyn Fn(&[f64], &[f64], &[f64]) -> Statistic;
        let make: [Make; 5] = [
            &|x, _, _| Statistic::Mean(x.to_vec()),
            &|_, y, _| Statistic::Count(y.to_vec(), 0.25),
            &|x, _, _| Statistic::Deviation(x.to_vec()),
            &|_, y, z| Statistic::Ratio(z.to_vec(), y.to_vec()),
            &|_, y, z| Statistic::Correlation(vec![z.to_vec(), y.to_vec(), z.iter().map(|v| v * v).collect()]),
        ];
        for make in make {
            let all = make(&x, &y, &whole).without_each();
            for (i, got) in all.iter().enumerate() {
                let less = |v: &[f64]| [&v[..i], &v[i + 1..]].concat();
                close(*got, make(&less(&x), &less(&y), &less(&whole)).value());
            }
        }
    }

    /// Of a mean the jackknife gives the standard error of the textbooks.
    #[test]
    fn the_jackknife_of_a_mean_is_its_standard_error() {
        let x: Vec<f64> = (0..40).map(|k| f64::from((k * k) % 17)).collect();
        let n = x.len() as f64;
        let middle = x.iter().sum::<f64>() / n;
        let sd = (x.iter().map(|v| (v - middle) * (v - middle)).sum::<f64>() / (n - 1.0)).sqrt();
        let (value, low, high) = Statistic::Mean(x).estimate();
        close(value, middle);
        close(high - low, 2.0 * Z * sd / n.sqrt());
    }

    #[test]
    fn what_never_varied_is_uncertain_all_the_same() {
        let none = Statistic::Share(vec![0.0; 2000]);
        assert!((none.unseen() - 1.917e-3).abs() < 1e-6, "{}", none.unseen());
        assert_eq!(Statistic::Share(vec![0.0, 1.0]).unseen(), 0.0);
        assert_eq!(Statistic::Mean(vec![0.0; 10]).unseen(), 0.0);
    }

    #[test]
    fn equal_branches_are_fully_correlated() {
        let a = vec![0.0, 1.0, 2.0, 0.0, 1.0];
        close(Statistic::Correlation(vec![a.clone(), a.clone(), a.clone()]).value(), 1.0);
        let opposite: Vec<f64> = a.iter().map(|x| 2.0 - x).collect();
        close(Statistic::Correlation(vec![a, opposite]).value(), -1.0);
    }
}
