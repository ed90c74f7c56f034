//! Numbers read off a trace, as an electrophysiologist reads them; pure functions.
//!
//! Common to all: the **baseline** is the mean of the samples before the stimulus (from the beginning of the window if
//! it begins before the stimulus); where there is none it is the first sample at or after the stimulus. The **response**
//! is what lies from the stimulus to the end of the trace, or within the window. Its **peak** is the sample farthest
//! from the baseline in the direction of the polarity, the first of equals; no curve is laid through it. Between samples
//! lines are drawn. With a NaN or an infinity in what would be read there is no number.

pub mod oscillation;
mod shape;
pub mod spike;
pub mod synchrony;

use oscillation::Oscillation;
use shape::Response;

/// Samples of a quantity at equal intervals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace<'a> {
    /// Interval, ms; above 0.
    pub dt_ms: f64,
    /// Time of the first sample, ms.
    pub start_ms: f64,
    /// The samples, in any unit.
    pub values: &'a [f64],
}

impl Trace<'_> {
    /// The time of a sample, ms.
    #[must_use]
    pub fn time(&self, sample: usize) -> f64 {
        self.start_ms + sample as f64 * self.dt_ms
    }
}

/// Which way a response goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Polarity {
    /// The way of the larger excursion from the baseline; up if they are equal.
    #[default]
    Larger,
    /// Up: an EPSP, a concentration.
    Up,
    /// Down: an inward current, an IPSP.
    Down,
}

/// What to take of a trace. The unit of a result is that of the trace, ms, or as said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// Peak minus baseline, with its sign: an inward current has a negative amplitude. Given for failures too.
    Amplitude,
    /// The amplitude of trials that are no failures; `None` for failures.
    Potency,
    /// Time from 20 % to 80 % of the amplitude, ms: between the last crossings before the peak. `None` where the trace
    /// was above 20 % already when the response began.
    Rise2080,
    /// Time from 10 % to 90 % of the amplitude, ms; as the other rise time.
    Rise1090,
    /// Time from the peak to the first crossing of half of the amplitude after it, ms. `None` if it is not reached.
    HalfDecay,
    /// Time constant of the decay, ms: of the line fitted by least squares to the logarithm of the samples between the
    /// first crossing of 90 % and the first crossing of 10 % of the amplitude after the peak. Of a decay with several
    /// components it is a compromise; [`Take::DecayWeighted`] is not. `None` if 10 % is not reached, if fewer than three
    /// samples lie between, or if they do not fall.
    Decay,
    /// Weighted time constant, ms: the integral from the peak to the end of the response over the amplitude. A response
    /// that is cut off before it is over is weighed too lightly.
    DecayWeighted,
    /// Integral of the response minus the baseline from the stimulus to the end, by the trapezoid rule, with its sign;
    /// unit of the trace times ms, so fC of pA. Given for failures too.
    Charge,
    /// Time from the stimulus to 5 % of the amplitude, ms: the last crossing before the peak. `None` where the trace was
    /// above 5 % already when the response began.
    Latency,
    /// 1 if the amplitude does not reach the floor, 0 if it does.
    Failure,
    /// Mean of the trace from the stimulus to the end, by the trapezoid rule; nothing is subtracted. Given for failures
    /// too, as are the four that follow.
    Level,
    /// Standard deviation of the samples from the stimulus to the end, over their number.
    Deviation,
    /// The last sample.
    Final,
    /// Slope of the line fitted by least squares to the samples from the stimulus to the end, unit of the trace per ms.
    Drift,
    /// Integral of the trace from the stimulus to the end, nothing subtracted.
    Area,
    /// Time from the stimulus to the peak, ms.
    TimeOfPeak,
    /// Time from the stimulus to the first crossing of 10 % of the amplitude, ms. `None` where the trace was above that
    /// already when the response began.
    Onset,
    /// Time between the last crossing of half of the amplitude before the peak and the first after it, ms.
    HalfWidth,
    /// Upward crossings of 0 from the stimulus to the end: of a voltage, its action potentials. Given for failures too.
    Spikes,
    /// Safety factor of a junction: the potential that its quanta would make if they summed, over the depolarisation that
    /// makes the receiver fire. `A / (1 - 0.8 A / (reversal - baseline)) / (threshold - baseline)`; the correction for
    /// nonlinear summation is that of McLachlan & Martin 1981, J Physiol 311:307 (0.8 for long fibres, remembered).
    /// `None` without a threshold, where it lies at the baseline, and of an action potential, which exceeds what quanta can do. Given for failures too.
    SafetyFactor,
    /// The value of the trace at its peak.
    Peak,
    /// Time constant of the last of a decay, ms: as [`Take::Decay`], between 20 and 2 % of the amplitude. Of a potential
    /// that outlasts its current it is the slowest time constant of the membrane.
    Tail,
    /// Time from the stimulus to where the trace first rises faster than `Look::slope`, ms; slopes are those of the lines
    /// between samples, at their middles, and between those lines are drawn. `None` where it never does, and where it did
    /// when the response began. Of a voltage in mV and a slope in mV/ms (V/s) it is the onset of an action potential.
    /// Given for failures too, as is the next.
    SpikeOnset,
    /// The value of the trace there: the threshold of an action potential (Kole & Stuart 2008, Nat Neurosci 11:1253, look for
    /// 50 V/s; 10 to 20 V/s are usual).
    SpikeThreshold,
    /// Frequency of a steady oscillation from the stimulus to the end, Hz; see [`Oscillation`]. `None` where there is none.
    /// Given for failures too, as is the next.
    Frequency,
    /// From trough to peak of it, the mean over its cycles.
    PeakToPeak,
}

/// How much of the missing driving force nonlinear summation takes, McLachlan & Martin 1981.
const SUMMATION: f64 = 0.8;

impl Take {
    /// By its word in a model file, where [`Take::Failure`] is `failures`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "amplitude" => Self::Amplitude,
            "potency" => Self::Potency,
            "rise_20_80" => Self::Rise2080,
            "rise_10_90" => Self::Rise1090,
            "half_decay" => Self::HalfDecay,
            "decay" => Self::Decay,
            "decay_weighted" => Self::DecayWeighted,
            "charge" => Self::Charge,
            "latency" => Self::Latency,
            "failures" => Self::Failure,
            "level" => Self::Level,
            "deviation" => Self::Deviation,
            "final" => Self::Final,
            "drift" => Self::Drift,
            "area" => Self::Area,
            "time_of_peak" => Self::TimeOfPeak,
            "onset" => Self::Onset,
            "half_width" => Self::HalfWidth,
            "spikes" => Self::Spikes,
            "safety_factor" => Self::SafetyFactor,
            "peak" => Self::Peak,
            "tail" => Self::Tail,
            "spike_onset" => Self::SpikeOnset,
            "spike_threshold" => Self::SpikeThreshold,
            "frequency" => Self::Frequency,
            "peak_to_peak" => Self::PeakToPeak,
            _ => return None,
        })
    }

    /// The unit of the result for a trace in `unit`.
    #[must_use]
    pub fn unit(self, unit: &str) -> String {
        match self {
            Self::Amplitude
            | Self::Potency
            | Self::Level
            | Self::Deviation
            | Self::Final
            | Self::Peak
            | Self::SpikeThreshold
            | Self::PeakToPeak => unit.to_owned(),
            Self::Drift => format!("{unit}/ms"),
            Self::Frequency => "Hz".into(),
            Self::Charge | Self::Area => match unit {
                "" => "ms".into(),
                "pA" => "fC".into(),
                "nA" => "pC".into(),
                _ => format!("{unit}*ms"),
            },
            Self::Failure | Self::Spikes | Self::SafetyFactor => String::new(),
            _ => "ms".into(),
        }
    }
}

/// Where and how to look at a trace.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Look {
    /// The stimulus, ms on the clock of the trace.
    pub stimulus: f64,
    /// From and until, ms; `None` is the whole trace. What begins before the stimulus bounds the baseline.
    pub window: Option<(f64, f64)>,
    /// Which way the response goes.
    pub polarity: Polarity,
    /// The least excursion that is a response, in the unit of the trace; below it there is a failure, which has an
    /// amplitude and a charge and nothing else. At 0 only a trace without any excursion fails.
    pub floor: f64,
    /// At which value the receiver fires, in the unit of the trace; for the safety factor.
    pub threshold: Option<f64>,
    /// The value that the response cannot pass, in the unit of the trace; for the safety factor.
    pub reversal: f64,
    /// From which slope on the trace is an action potential, unit of the trace per ms; none at 0.
    pub slope: f64,
}

/// Takes a number from a trace; `None` where there is none: no sample at or after the stimulus within the window, a
/// failure that is asked for its shape, an edge of the window before what is looked for.
#[must_use]
pub fn measure(trace: &Trace, look: &Look, take: Take) -> Option<f64> {
    let response = Response::find(trace, look)?;
    let failed = response.failed(look.floor);
    match take {
        Take::Amplitude => Some(response.amplitude),
        Take::Failure => Some(f64::from(u8::from(failed))),
        Take::Charge => response.charge(),
        Take::Level => Some(response.area()? / response.span()?),
        Take::Deviation => response.deviation(),
        Take::Final => Some(response.last()),
        Take::Drift => response.drift(),
        Take::Area => response.area(),
        Take::Spikes => Some(response.crossings(0.0) as f64),
        Take::SafetyFactor => response.safety(look.threshold?, look.reversal, SUMMATION),
        Take::Peak => Some(response.peak_value()),
        Take::SpikeOnset => Some(response.steep(look.slope)?.0 - look.stimulus),
        Take::SpikeThreshold => Some(response.steep(look.slope)?.1),
        Take::Frequency => Some(Oscillation::find(&response.seen(), look.floor)?.frequency),
        Take::PeakToPeak => Some(Oscillation::find(&response.seen(), look.floor)?.peak_to_peak),
        _ if failed => None,
        Take::Potency => Some(response.amplitude),
        Take::Rise2080 => Some(response.rising(0.8)? - response.rising(0.2)?),
        Take::Rise1090 => Some(response.rising(0.9)? - response.rising(0.1)?),
        Take::HalfDecay => Some(response.falling(0.5)?.at - response.peak_time()),
        Take::Decay => response.decay(0.9, 0.1),
        Take::Tail => response.decay(0.2, 0.02),
        Take::DecayWeighted => response.decay_weighted(),
        Take::Latency => Some(response.rising(0.05)? - look.stimulus),
        Take::TimeOfPeak => Some(response.peak_time() - look.stimulus),
        Take::Onset => Some(response.first_rising(0.1)? - look.stimulus),
        Take::HalfWidth => Some(response.falling(0.5)?.at - response.rising(0.5)?),
    }
}
