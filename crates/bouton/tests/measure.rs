//! Measures against traces whose every time is known.

use bouton::measure::{Look, Polarity, Take, Trace, measure};
use numerics::math::{exp, ln};

/// `size` times a difference of exponentials from `start` on, with peak 1, on `offset`.
struct Bump {
    start: f64,
    rise: f64,
    decay: f64,
    size: f64,
    offset: f64,
}

impl Bump {
    fn peak_after(&self) -> f64 {
        self.rise * self.decay / (self.decay - self.rise) * ln(self.decay / self.rise)
    }
    fn unit(&self, s: f64) -> f64 {
        let raw = |s: f64| exp(-s / self.decay) - exp(-s / self.rise);
        if s <= 0.0 { 0.0 } else { raw(s) / raw(self.peak_after()) }
    }
    fn sample(&self, dt: f64, from: f64, to: f64) -> Vec<f64> {
        let n = ((to - from) / dt).round() as usize;
        (0..=n).map(|k| self.offset + self.size * self.unit(from + k as f64 * dt - self.start)).collect()
    }
    /// When `unit` crosses a share, before the peak or after, by bisection.
    fn crossing(&self, share: f64, before: bool) -> f64 {
        let (mut a, mut b) = if before { (0.0, self.peak_after()) } else { (self.peak_after(), 1e3) };
        for _ in 0..200 {
            let m = 0.5 * (a + b);
            if (self.unit(m) < share) == before { a = m } else { b = m }
        }
        0.5 * (a + b)
    }
    /// Integral of `unit` from the start.
    fn area(&self) -> f64 {
        let raw = exp(-self.peak_after() / self.decay) - exp(-self.peak_after() / self.rise);
        (self.decay - self.rise) / raw
    }
    /// Integral of `unit` from the peak on.
    fn area_after(&self) -> f64 {
        let p = self.peak_after();
        let raw = exp(-p / self.decay) - exp(-p / self.rise);
        (self.decay * exp(-p / self.decay) - self.rise * exp(-p / self.rise)) / raw
    }
}

const EPSC: Bump = Bump { start: 5.5, rise: 0.3, decay: 4.0, size: -25.0, offset: -12.0 };

fn near(got: Option<f64>, wanted: f64, within: f64) {
    let got = got.unwrap_or_else(|| panic!("nothing for {wanted}"));
    assert!((got - wanted).abs() <= within, "{got} for {wanted}");
}

fn all() -> [Take; 9] {
    use Take::*;
    [Amplitude, Rise2080, Rise1090, HalfDecay, Decay, DecayWeighted, Charge, Latency, Failure]
}

#[test]
fn an_epsc_is_measured_as_it_is() {
    for (sign, polarity) in
        [(1.0, Polarity::Larger), (1.0, Polarity::Down), (-1.0, Polarity::Larger), (-1.0, Polarity::Up)]
    {
        let b = Bump { size: sign * EPSC.size, ..EPSC };
        let dt = 0.005;
        let values = b.sample(dt, -2.0, 80.0);
        let trace = Trace { dt_ms: dt, start_ms: -2.0, values: &values };
        let look = Look { stimulus: 5.0, polarity, floor: 1.0, ..Look::default() };
        let take = |what| measure(&trace, &look, what);
        near(take(Take::Amplitude), b.size, 1e-4);
        near(take(Take::Rise2080), b.crossing(0.8, true) - b.crossing(0.2, true), 2e-4);
        near(take(Take::Rise1090), b.crossing(0.9, true) - b.crossing(0.1, true), 2e-4);
        // The peak is a sample, so times from it are known to half an interval.
        near(take(Take::HalfDecay), b.crossing(0.5, false) - b.peak_after(), 0.51 * dt);
        near(take(Take::Latency), 0.5 + b.crossing(0.05, true), 2e-4);
        near(take(Take::DecayWeighted), b.area_after(), dt);
        near(take(Take::Charge), b.size * b.area(), 1e-3);
        near(take(Take::Decay), 4.0, 0.02);
        assert_eq!(take(Take::Failure), Some(0.0));
    }
}

#[test]
fn the_decay_of_an_exponential_is_exact() {
    let values: Vec<f64> =
        (0..400).map(|k| if k < 20 { 3.0 } else { 3.0 - 8.0 * exp(-f64::from(k - 20) / 50.0) }).collect();
    let trace = Trace { dt_ms: 0.1, start_ms: 0.0, values: &values };
    let look = Look { stimulus: 1.9, ..Look::default() };
    near(measure(&trace, &look, Take::Amplitude), -8.0, 1e-12);
    near(measure(&trace, &look, Take::Decay), 5.0, 1e-9);
    // A line between samples lies above an exponential by h^2 / (8 tau).
    near(measure(&trace, &look, Take::HalfDecay), 5.0 * ln(2.0), 3e-4);
    // From the stimulus, one sample before the jump, a line leads up to it.
    near(measure(&trace, &look, Take::Latency), 0.005, 1e-9);
    // Cut off before 10 %: no time constant, but the half is there.
    let look = Look { window: Some((0.0, 10.0)), ..look };
    assert_eq!(measure(&trace, &look, Take::Decay), None);
    near(measure(&trace, &look, Take::HalfDecay), 5.0 * ln(2.0), 3e-4);
    let look = Look { window: Some((0.0, 4.0)), ..look };
    assert_eq!(measure(&trace, &look, Take::HalfDecay), None);
}

#[test]
fn without_a_response_there_is_a_failure_and_no_shape() {
    let noise: Vec<f64> = (0..300).map(|k| if k % 2 == 0 { 0.4 } else { -0.4 }).collect();
    let flat = vec![-70.0; 300];
    for (values, floor, amplitude) in [(&noise, 1.0, 0.4), (&flat, 0.0, 0.0)] {
        let trace = Trace { dt_ms: 0.1, start_ms: 0.0, values };
        let look = Look { stimulus: 10.0, floor, ..Look::default() };
        near(measure(&trace, &look, Take::Amplitude).map(f64::abs), amplitude, 1e-9);
        assert_eq!(measure(&trace, &look, Take::Failure), Some(1.0));
        near(measure(&trace, &look, Take::Charge), 0.0, 0.1);
        use Take::*;
        for take in [Rise2080, Rise1090, HalfDecay, Decay, DecayWeighted, Latency] {
            assert_eq!(measure(&trace, &look, take), None, "{take:?}");
        }
    }
    // A response the wrong way is none.
    let values = EPSC.sample(0.05, 0.0, 40.0);
    let trace = Trace { dt_ms: 0.05, start_ms: 0.0, values: &values };
    let up = Look { stimulus: 5.0, polarity: Polarity::Up, floor: 0.0, ..Look::default() };
    assert_eq!(measure(&trace, &up, Take::Failure), Some(1.0));
    assert_eq!(measure(&trace, &up, Take::Decay), None);
}

#[test]
fn a_window_holds_the_second_of_two_responses() {
    let second = Bump { start: 25.5, size: -40.0, offset: 0.0, ..EPSC };
    let values: Vec<f64> =
        EPSC.sample(0.01, 0.0, 60.0).iter().zip(second.sample(0.01, 0.0, 60.0)).map(|(a, b)| a + b).collect();
    let trace = Trace { dt_ms: 0.01, start_ms: 0.0, values: &values };
    let first = Look { stimulus: 5.0, window: Some((0.0, 25.0)), ..Look::default() };
    near(measure(&trace, &first, Take::Amplitude), -25.0, 1e-3);
    // Its baseline is what lies in the window before its stimulus: the tail of the first.
    let look = Look { stimulus: 25.0, window: Some((24.0, 60.0)), ..Look::default() };
    let before = (0..100).map(|k| 25.0 * EPSC.unit(18.5 + 0.01 * f64::from(k))).sum::<f64>() / 100.0;
    let wanted = -40.0 - 25.0 * EPSC.unit(20.0 + second.peak_after()) + before;
    near(measure(&trace, &look, Take::Amplitude), wanted, 1e-3);
    // A window that begins after the stimulus leaves the baseline alone and looks later.
    let late = Look { stimulus: 5.0, window: Some((20.0, 60.0)), ..Look::default() };
    let wanted = -40.0 - 25.0 * EPSC.unit(20.0 + second.peak_after());
    near(measure(&trace, &late, Take::Amplitude), wanted, 0.01);
    near(measure(&trace, &late, Take::Latency), 20.5 + second.crossing(0.05, true), 0.1);
}

#[test]
fn the_charge_keeps_to_its_ends() {
    // 2 from 1 ms on: a stimulus between samples, a window's end between samples.
    let values: Vec<f64> = (0..=10).map(|k| if k < 1 { 0.0 } else { 2.0 }).collect();
    let trace = Trace { dt_ms: 1.0, start_ms: 0.0, values: &values };
    let look = Look { stimulus: 0.5, window: Some((0.0, 4.25)), ..Look::default() };
    near(measure(&trace, &look, Take::Charge), 0.5 * 0.5 * (1.0 + 2.0) + 3.25 * 2.0, 1e-12);
}

#[test]
fn edges_give_nothing_rather_than_nonsense() {
    let values = EPSC.sample(0.1, 0.0, 20.0);
    let whole = Trace { dt_ms: 0.1, start_ms: 0.0, values: &values };
    let nan = vec![f64::NAN; 20];
    let cases = [
        (Trace { values: &[], ..whole }, 5.0, None),
        (whole, 21.0, None),
        (whole, f64::NAN, None),
        (whole, 5.0, Some((30.0, 40.0))),
        (whole, 5.0, Some((10.0, 8.0))),
        (Trace { dt_ms: 0.0, ..whole }, 5.0, None),
        (Trace { dt_ms: -0.1, ..whole }, 5.0, None),
        (Trace { values: &nan, ..whole }, 0.5, None),
    ];
    for (trace, stimulus, window) in cases {
        for take in all() {
            let look = Look { stimulus, window, ..Look::default() };
            assert_eq!(measure(&trace, &look, take), None, "{stimulus} {window:?} {take:?}");
        }
    }
    // A stimulus before the trace: the first sample is the baseline. One sample: an amplitude of nothing.
    let look = Look { stimulus: -3.0, ..Look::default() };
    near(measure(&whole, &look, Take::Amplitude), -25.0, 0.05);
    let one = Trace { values: &values[..1], ..whole };
    assert_eq!(measure(&one, &look, Take::Amplitude), Some(0.0));
    assert_eq!(measure(&one, &look, Take::Charge), Some(0.0));
    assert_eq!(measure(&one, &look, Take::Failure), Some(1.0));
    // A response that had begun: no rise, but a decay.
    let begun = Look { stimulus: 6.0, window: Some((6.0, 20.0)), ..Look::default() };
    assert_eq!(measure(&whole, &begun, Take::Latency), None);
}

#[test]
fn every_word_of_a_model_file_is_known() {
    let words = [
        "amplitude",
        "rise_20_80",
        "rise_10_90",
        "half_decay",
        "decay",
        "decay_weighted",
        "charge",
        "latency",
        "failures",
    ];
    assert_eq!(words.map(|w| Take::from_word(w).unwrap()), all());
    assert_eq!(Take::from_word("summit"), None);
    assert_eq!(Take::Charge.unit("pA"), "fC");
    assert_eq!(Take::Amplitude.unit("mV"), "mV");
}

/// What a straight line and a course of known crossings have: its level, its end, its slope, its area.
#[test]
fn a_straight_line_has_the_level_the_end_and_the_slope_it_was_given() {
    let line: Vec<f64> = (0..=100).map(|k| -65.0 + 0.02 * f64::from(k)).collect();
    let trace = Trace { dt_ms: 0.5, start_ms: 0.0, values: &line };
    let look = Look { stimulus: 10.0, window: Some((0.0, 40.0)), ..Look::default() };
    let of = |take| measure(&trace, &look, take);
    near(of(Take::Level), -65.0 + 0.04 * 25.0, 1e-12);
    near(of(Take::Final), -65.0 + 0.04 * 40.0, 1e-12);
    near(of(Take::Drift), 0.04, 1e-14);
    near(of(Take::Area), 30.0 * -64.0, 1e-10);
    near(of(Take::TimeOfPeak), 30.0, 1e-12);
    assert_eq!(Take::Drift.unit("mV"), "mV/ms");
    assert_eq!(Take::Area.unit("pA"), "fC");
}

/// Onset is the first crossing of a tenth, half-width lies between the crossings of a half.
#[test]
fn onset_and_half_width_are_where_the_curve_crosses() {
    let values = EPSC.sample(0.001, 0.0, 40.0);
    let trace = Trace { dt_ms: 0.001, start_ms: 0.0, values: &values };
    let look = Look { stimulus: 5.0, ..Look::default() };
    near(measure(&trace, &look, Take::Onset), 0.5 + EPSC.crossing(0.1, true), 1e-5);
    let width = EPSC.crossing(0.5, false) - EPSC.crossing(0.5, true);
    near(measure(&trace, &look, Take::HalfWidth), width, 1e-5);
    // A first small bump decides the onset, not the last crossing before the peak.
    let bumps = [0.0, 0.0, 0.3, 0.0, 0.0, 1.0, 0.0];
    let trace = Trace { dt_ms: 1.0, start_ms: 0.0, values: &bumps };
    near(measure(&trace, &Look::default(), Take::Onset), 1.0 + 1.0 / 3.0, 1e-12);
    near(measure(&trace, &Look::default(), Take::Latency), 4.05, 1e-12);
}

/// Upward crossings of 0 within the window are counted, those before are not; a failure has none, and 0 is a number.
#[test]
fn spikes_are_upward_crossings_of_zero() {
    let volts: Vec<f64> = (0..400).map(|k| if k % 100 == 50 { 30.0 } else { -65.0 }).collect();
    let trace = Trace { dt_ms: 0.1, start_ms: 0.0, values: &volts };
    let spikes = |stimulus| measure(&trace, &Look { stimulus, ..Look::default() }, Take::Spikes);
    near(spikes(0.0), 4.0, 0.0);
    near(spikes(10.0), 3.0, 0.0);
    near(spikes(36.0), 0.0, 0.0);
}

/// n quanta of q mV each, as they add up under a driving force of 80 mV with the correction's own law, give a safety
/// factor of n q over what is needed.
#[test]
fn a_safety_factor_counts_quanta_as_if_they_added_up() {
    let factor = |quanta: f64, threshold| {
        let linear = 1.1 * quanta;
        let seen = linear / (1.0 + 0.8 * linear / 80.0);
        let volts: Vec<f64> = (0..100).map(|k| if k == 60 { -80.0 + seen } else { -80.0 }).collect();
        let trace = Trace { dt_ms: 0.1, start_ms: 0.0, values: &volts };
        measure(&trace, &Look { stimulus: 5.0, threshold, ..Look::default() }, Take::SafetyFactor)
    };
    near(factor(70.0, Some(-68.9)), 70.0 * 1.1 / 11.1, 1e-12);
    near(factor(10.0, Some(-68.9)), 10.0 * 1.1 / 11.1, 1e-12);
    assert_eq!(factor(70.0, None), None);
    assert_eq!(factor(70.0, Some(-80.0)), None);
    assert_eq!(Take::SafetyFactor.unit("mV"), "");
}

/// A parabola has a slope known at every time: v = -70 + (t - 5)^2 from 5 ms on, slope 2 (t - 5); lines between its
/// samples have the slope of their middles.
#[test]
fn a_spike_begins_where_the_voltage_rises_faster_than_a_slope() {
    let dt = 0.025;
    let values: Vec<f64> =
        (0..=1000).map(|k| k as f64 * dt).map(|t| -70.0 + (t - 5.0).max(0.0) * (t - 5.0).max(0.0)).collect();
    let trace = Trace { dt_ms: dt, start_ms: 0.0, values: &values };
    let look = Look { stimulus: 2.0, window: Some((0.0, 20.0)), slope: 20.0, ..Look::default() };
    near(measure(&trace, &look, Take::SpikeOnset), 13.0, 1e-9);
    near(measure(&trace, &look, Take::SpikeThreshold), 30.0, dt * dt);
    near(measure(&trace, &look, Take::Peak), -70.0 + 225.0, 1e-9);
    // A slope that lies off the middles.
    let steeper = Look { slope: 20.013, ..look };
    near(measure(&trace, &steeper, Take::SpikeOnset), 13.0065, 1e-9);
    near(measure(&trace, &steeper, Take::SpikeThreshold), -70.0 + 10.0065 * 10.0065, dt * dt);
    for (what, look) in [
        ("never so steep", Look { slope: 31.0, ..look }),
        ("steep already", Look { stimulus: 16.0, ..look }),
        ("no slope", Look { slope: 0.0, ..look }),
    ] {
        assert_eq!(measure(&trace, &look, Take::SpikeOnset), None, "{what}");
        assert_eq!(measure(&trace, &look, Take::SpikeThreshold), None, "{what}");
    }
}

/// Of two exponentials the last part shows the slower one; the whole decay is a compromise.
#[test]
fn the_tail_of_a_decay_is_its_slower_part() {
    let values: Vec<f64> = (0..8000)
        .map(|k| k as f64 * 0.025)
        .map(|t| if t < 5.0 { 0.0 } else { 0.5 * exp(-(t - 5.0) / 2.0) + 0.5 * exp(-(t - 5.0) / 20.0) })
        .collect();
    let trace = Trace { dt_ms: 0.025, start_ms: 0.0, values: &values };
    let look = Look { stimulus: 5.0, ..Look::default() };
    near(measure(&trace, &look, Take::Tail), 20.0, 0.01);
    let whole = measure(&trace, &look, Take::Decay).unwrap();
    assert!(whole < 19.0, "{whole}");
}

/// `size` times a sine of `hz` around -60, damped with `tau` (ms), sampled every 0.1 ms for 1.5 s.
#[allow(clippy::disallowed_methods, reason = "an oracle that is not ours")]
fn wave(hz: f64, size: f64, tau: f64) -> Vec<f64> {
    (0..=15_000)
        .map(|k| f64::from(k) * 0.1)
        .map(|t| -60.0 + size * exp(-t / tau) * (std::f64::consts::TAU * hz * t / 1e3 + 0.7).sin())
        .collect()
}

fn oscillation(values: &[f64], after: f64) -> (Option<f64>, Option<f64>) {
    let trace = Trace { dt_ms: 0.1, start_ms: 0.0, values };
    let look = Look { stimulus: after, floor: 0.005, ..Look::default() };
    (measure(&trace, &look, Take::Frequency), measure(&trace, &look, Take::PeakToPeak))
}

/// Between samples the sine is a line, off by (omega dt)^2 / 8 of its height.
#[test]
fn a_sine_has_its_frequency_and_twice_its_height() {
    for (hz, size) in [(3.1, 0.01), (6.2, 3.0), (10.0, 10.0)] {
        let (frequency, height) = oscillation(&wave(hz, size, f64::INFINITY), 100.0);
        let omega = std::f64::consts::TAU * hz * 1e-4;
        near(frequency, hz, hz * omega * omega);
        near(height, 2.0 * size, 2.0 * size * omega * omega);
    }
    assert_eq!((Take::Frequency.unit("mV"), Take::PeakToPeak.unit("mV")), ("Hz".into(), "mV".into()));
}

/// Noise of a tenth of its height, with which it crosses the middle many times a cycle.
#[test]
fn noise_around_the_middle_makes_no_cycles() {
    let luck = numerics::rng::StreamKey::new(5, 0, 0, 0);
    let mut values = wave(6.0, 3.0, f64::INFINITY);
    for (k, v) in values.iter_mut().enumerate() {
        *v += 0.3 * (2.0 * luck.at(0, k as u64).uniform() - 1.0);
    }
    let crossings = values.windows(2).filter(|w| w[0] < -60.0 && w[1] >= -60.0).count();
    assert!(crossings > 50, "{crossings}");
    let (frequency, height) = oscillation(&values, 100.0);
    near(frequency, 6.0, 0.05);
    near(height, 6.6, 0.1);
}

/// What is brief beside its pauses has a mean far from the middle of its range.
#[test]
fn pulses_oscillate_like_sines() {
    let values: Vec<f64> = (0..=15_000).map(|k| if k % 1250 < 100 { -55.0 } else { -60.0 }).collect();
    assert_eq!(oscillation(&values, 60.0), (Some(8.0), Some(5.0)));
}

#[test]
fn what_does_not_go_on_is_no_oscillation() {
    let none = (None, None);
    let (line, still) = ((0..2000).map(|k| f64::from(k) * 0.01).collect::<Vec<_>>(), vec![-60.0; 2000]);
    assert_eq!(oscillation(&still, 0.0), none);
    assert_eq!(oscillation(&line, 0.0), none);
    assert_eq!(oscillation(&wave(6.0, 0.002, f64::INFINITY), 100.0), none, "below the floor");
    assert_eq!(oscillation(&wave(6.0, 3.0, 300.0), 0.0), none, "dies out");
    assert_eq!(oscillation(&wave(6.0, 1e-3, -300.0), 0.0), none, "begins");
    assert_eq!(oscillation(&wave(1.2, 3.0, f64::INFINITY), 100.0), none, "fewer than two cycles");
    let (frequency, _) = oscillation(&wave(6.0, 3.0, 1e4), 0.0);
    near(frequency, 6.0, 1e-2);
    let mut broken = wave(6.0, 3.0, f64::INFINITY);
    broken[9000] = f64::NAN;
    assert_eq!(oscillation(&broken, 0.0), none);
}
