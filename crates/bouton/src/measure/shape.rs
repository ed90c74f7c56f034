//! A response found in a trace, and the crossings and integrals of it.

use super::{Look, Polarity, Trace};
use numerics::math;

/// Samples `first..=last` of a trace as multiples of the amplitude above the baseline.
pub(super) struct Response<'a> {
    trace: &'a Trace<'a>,
    /// The stimulus, or the beginning of the window if that is later, ms.
    begin: f64,
    /// ms
    end: f64,
    first: usize,
    last: usize,
    peak: usize,
    baseline: f64,
    /// In the unit of the trace, with its sign.
    pub amplitude: f64,
    /// 1 if a response goes up, -1 if down.
    sign: f64,
}

/// Where a level is crossed: at a time in ms, between a sample and the next.
pub(super) struct Crossing {
    pub at: f64,
    after: usize,
}

impl<'a> Response<'a> {
    pub fn find(trace: &'a Trace<'a>, look: &Look) -> Option<Self> {
        let values = trace.values;
        if trace.dt_ms.is_nan() || trace.dt_ms <= 0.0 || values.is_empty() || !look.stimulus.is_finite() {
            return None;
        }
        let (from, until) = look.window.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
        let begin = look.stimulus.max(from);
        // A sample at the stimulus belongs to the response, though its time was rounded.
        let slack = 1e-6 * trace.dt_ms;
        let at_or_after = |t: f64| (0..values.len()).find(|&i| trace.time(i) >= t - slack);
        let bound = |t: f64| if t == f64::NEG_INFINITY { Some(0) } else { at_or_after(t) };
        let first = at_or_after(begin)?;
        let last = (first..values.len()).take_while(|&i| trace.time(i) <= until + slack).last()?;
        let quiet_from = if from < look.stimulus { from } else { f64::NEG_INFINITY };
        let before = bound(quiet_from)?..at_or_after(look.stimulus)?;
        let quiet = values.get(before).filter(|q| !q.is_empty());
        let baseline = match quiet {
            // Sums of what differs from the first sample keep a large offset from rounding a small response away.
            Some(q) => q[0] + q.iter().map(|v| v - q[0]).sum::<f64>() / q.len() as f64,
            None => values[at_or_after(look.stimulus)?],
        };
        let seen = &values[first..=last];
        if !baseline.is_finite() || seen.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let farthest = |sign: f64| {
            let mut best = (0, f64::NEG_INFINITY);
            for (i, v) in seen.iter().enumerate() {
                let height = sign * (v - baseline);
                if height > best.1 {
                    best = (i, height);
                }
            }
            best
        };
        let (up, down) = (farthest(1.0), farthest(-1.0));
        let goes_up = match look.polarity {
            Polarity::Up => true,
            Polarity::Down => false,
            Polarity::Larger => up.1 >= down.1,
        };
        let sign = if goes_up { 1.0 } else { -1.0 };
        let peak = first + if goes_up { up.0 } else { down.0 };
        let amplitude = values[peak] - baseline;
        let begin = begin.max(trace.time(0));
        let end = until.min(trace.time(values.len() - 1));
        Some(Self { trace, begin, end, first, last, peak, baseline, amplitude, sign })
    }

    /// Whether the excursion in the direction of the response does not reach `floor`, or is none.
    pub fn failed(&self, floor: f64) -> bool {
        let height = self.sign * self.amplitude;
        height < floor || height <= 0.0
    }

    pub fn peak_time(&self) -> f64 {
        self.trace.time(self.peak)
    }

    /// Share of the amplitude.
    fn share(&self, sample: usize) -> f64 {
        (self.trace.values[sample] - self.baseline) / self.amplitude
    }

    fn between(&self, after: usize, level: f64) -> Crossing {
        let (a, b) = (self.share(after), self.share(after + 1));
        Crossing { at: self.trace.time(after) + (level - a) / (b - a) * self.trace.dt_ms, after }
    }

    /// The last crossing of a share of the amplitude before the peak, ms; it may lie between the last sample before the
    /// response and its first.
    pub fn rising(&self, level: f64) -> Option<f64> {
        let below = (self.first.saturating_sub(1)..self.peak).rev().find(|&i| self.share(i) < level)?;
        let at = self.between(below, level).at;
        at.is_finite().then_some(at)
    }

    /// The first crossing of a share of the amplitude after the peak.
    pub fn falling(&self, level: f64) -> Option<Crossing> {
        let below = (self.peak + 1..=self.last).find(|&i| self.share(i) <= level)?;
        Some(self.between(below - 1, level))
    }

    /// See `Take::Decay`: between two shares of the amplitude.
    pub fn decay(&self, high: f64, low: f64) -> Option<f64> {
        let (start, stop) = (self.falling(high)?.after + 1, self.falling(low)?.after);
        if start + 2 > stop {
            return None;
        }
        let count = (stop - start + 1) as f64;
        let middle = 0.5 * (count - 1.0);
        let (mut slope, mut width) = (0.0, 0.0);
        for i in start..=stop {
            let x = (i - start) as f64 - middle;
            slope += x * math::ln(self.share(i));
            width += x * x;
        }
        let tau = -width / slope * self.trace.dt_ms;
        (tau.is_finite() && tau > 0.0).then_some(tau)
    }

    /// The first crossing of a share of the amplitude after the response began, ms.
    pub fn first_rising(&self, level: f64) -> Option<f64> {
        let before = self.first.saturating_sub(1);
        let above = (before + 1..=self.peak).find(|&i| self.share(i) >= level)?;
        let at = if self.share(above - 1) < level { self.between(above - 1, level).at } else { return None };
        at.is_finite().then_some(at)
    }

    /// See `Take::SafetyFactor`.
    pub fn safety(&self, threshold: f64, reversal: f64, summation: f64) -> Option<f64> {
        let left = 1.0 - summation * self.amplitude / (reversal - self.baseline);
        // Beyond that it is no sum of quanta, but an action potential.
        let linear = if left > 0.0 { self.amplitude / left } else { return None };
        let factor = linear / (threshold - self.baseline);
        factor.is_finite().then_some(factor)
    }

    /// Where the response first rises faster than `slope`, and its value there: ms and the unit of the trace. See
    /// `Take::SpikeOnset`.
    pub fn steep(&self, slope: f64) -> Option<(f64, f64)> {
        if slope.is_nan() || slope <= 0.0 {
            return None;
        }
        let (values, dt) = (self.trace.values, self.trace.dt_ms);
        let rise = |i: usize| (values[i + 1] - values[i]) / dt;
        let begin = self.first.saturating_sub(1);
        let over = (begin..self.last).find(|&i| rise(i) >= slope)?;
        if over == begin {
            return None;
        }
        let (before, after) = (rise(over - 1), rise(over));
        // In samples after the middle between `over - 1` and `over`.
        let part = (slope - before) / (after - before);
        let at = over as f64 - 0.5 + part;
        let (i, within) = if at < over as f64 { (over - 1, 0.5 + part) } else { (over, part - 0.5) };
        let value = values[i] + within * (values[i + 1] - values[i]);
        Some((self.trace.start_ms + at * dt, value)).filter(|(at, value)| at.is_finite() && value.is_finite())
    }

    /// Its samples, from the stimulus to the end.
    pub fn seen(&self) -> Trace<'a> {
        let values = &self.trace.values[self.first..=self.last];
        Trace { dt_ms: self.trace.dt_ms, start_ms: self.trace.time(self.first), values }
    }

    /// The value at the peak.
    pub fn peak_value(&self) -> f64 {
        self.trace.values[self.peak]
    }

    /// The last sample of the response.
    pub fn last(&self) -> f64 {
        self.trace.values[self.last]
    }

    /// The length of the response, ms; `None` of one without length.
    pub fn span(&self) -> Option<f64> {
        Some(self.end - self.begin).filter(|s| *s > 0.0)
    }

    /// Slope of the line through the samples of the response, unit of the trace per ms.
    pub fn drift(&self) -> Option<f64> {
        let values = &self.trace.values[self.first..=self.last];
        let middle = 0.5 * (values.len() as f64 - 1.0);
        let (mut slope, mut width) = (0.0, 0.0);
        for (i, v) in values.iter().enumerate() {
            let x = i as f64 - middle;
            slope += x * (v - self.baseline);
            width += x * x;
        }
        let slope = slope / width / self.trace.dt_ms;
        slope.is_finite().then_some(slope)
    }

    /// Standard deviation of the samples of the response, over their number.
    pub fn deviation(&self) -> Option<f64> {
        let values = &self.trace.values[self.first..=self.last];
        let n = values.len() as f64;
        // From the baseline, which keeps a large offset from rounding a small deviation away.
        let mean = values.iter().map(|v| v - self.baseline).sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - self.baseline - mean) * (v - self.baseline - mean)).sum();
        Some((squares / n).sqrt())
    }

    /// How often the response crosses a value upwards.
    pub fn crossings(&self, value: f64) -> usize {
        let seen = &self.trace.values[self.first.saturating_sub(1)..=self.last];
        seen.windows(2).filter(|w| w[0] < value && w[1] >= value).count()
    }

    /// The integral of the trace itself over the response, in its unit times ms.
    pub fn area(&self) -> Option<f64> {
        Some(self.charge()? + self.baseline * (self.end - self.begin))
    }

    /// The integral of the trace minus the baseline from `begin` to `end`, in its unit times ms.
    fn integral(&self, begin: f64, end: f64) -> Option<f64> {
        if begin > end {
            return None;
        }
        let (trace, dt) = (self.trace, self.trace.dt_ms);
        let count = trace.values.len();
        let at = |t: f64| {
            let x = ((t - trace.start_ms) / dt).clamp(0.0, (count - 1) as f64);
            let i = (x as usize).min(count.saturating_sub(2));
            let (a, b) = (trace.values[i], trace.values[(i + 1).min(count - 1)]);
            a + (b - a) * (x - i as f64) - self.baseline
        };
        let inside = self.first..=self.last;
        let mut previous = (begin, at(begin));
        let mut sum = 0.0;
        let mut step = |to: (f64, f64)| {
            sum += 0.5 * (previous.1 + to.1) * (to.0 - previous.0);
            previous = to;
        };
        for i in inside {
            let t = trace.time(i);
            if t > begin && t < end {
                step((t, trace.values[i] - self.baseline));
            }
        }
        step((end, at(end)));
        sum.is_finite().then_some(sum)
    }

    pub fn charge(&self) -> Option<f64> {
        self.integral(self.begin, self.end)
    }

    pub fn decay_weighted(&self) -> Option<f64> {
        Some(self.integral(self.peak_time(), self.end.max(self.peak_time()))? / self.amplitude)
    }
}
