//! A cell's electrophysiological numbers: a table for the terminal, a page to read and print, and JSON.

use super::figures::Figure;
use super::numbers::{significant, unit};
use super::{STYLE, escaped, measured};
use crate::electrophysiology::{Electrophysiology, End, Response};
use crate::plot::{COLOURS, Dash, Layer, Panel};
use numerics::math;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What was measured, and of what.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The cell: `neuron/pospischil_rs`, or `pyr` of a model.
    pub cell: String,
    /// Where the pipette was: `soma`.
    pub place: String,
    /// K
    pub temperature: f64,
    /// How many compartments it has.
    pub compartments: usize,
    /// The numbers.
    pub numbers: Electrophysiology,
    /// Path of each compartment from the soma, um; empty of a cell that is a point.
    pub distances: Vec<f64>,
}

/// A line of the table: what, with the pipette, of the circuit, in which unit.
struct Row {
    what: &'static str,
    key: &'static str,
    pipette: Option<f64>,
    circuit: Option<f64>,
    unit: &'static str,
}

const fn row(
    what: &'static str,
    key: &'static str,
    pipette: Option<f64>,
    circuit: Option<f64>,
    unit: &'static str,
) -> Row {
    Row { what, key, pipette, circuit, unit }
}

/// Sections of which the ends are told one by one, at most.
const MOST_ENDS: usize = 40;

impl Measured {
    fn rows(&self) -> Vec<Row> {
        let n = &self.numbers;
        let mega = |r: Option<f64>| r.map(|r| 1e3 * r);
        let spike = n.spike.as_ref();
        vec![
            row("resting potential", "resting_potential", Some(n.rest), Some(n.rest), "mV"),
            row("input resistance", "input_resistance", mega(n.resistance.pipette), mega(n.resistance.circuit), "Mohm"),
            row("input resistance, gates held", "input_resistance_held", None, mega(n.held_resistance), "Mohm"),
            row("membrane time constant", "time_constant", n.time_constant.pipette, n.time_constant.circuit, "ms"),
            row("time constant after the step", "step_time_constant", n.step_time_constant, None, "ms"),
            row("capacitance", "capacitance", n.apparent_capacitance, Some(n.capacitance), "pF"),
            row("sag ratio", "sag_ratio", n.sag.map(|s| s.ratio), None, ""),
            row("rheobase", "rheobase", n.rheobase, None, "pA"),
            row("threshold", "threshold", spike.map(|s| s.threshold), None, "mV"),
            row("peak of the action potential", "peak", spike.map(|s| s.peak), None, "mV"),
            row("its height above threshold", "height", spike.map(|s| s.height()), None, "mV"),
            row("its width at half of that", "half_width", spike.map(|s| s.half_width), None, "ms"),
            row("its fastest rise", "fastest_rise", spike.map(|s| s.rise), None, "V/s"),
            row("its fastest fall", "fastest_fall", spike.map(|s| s.fall), None, "V/s"),
            row(
                "afterhyperpolarisation",
                "afterhyperpolarisation",
                spike.map(|s| s.afterhyperpolarisation()),
                None,
                "mV",
            ),
            row("gain", "gain", n.gain.map(|g| 1e3 * g), None, "Hz/nA"),
            row("resonance", "resonance", None, n.resonance.map(|r| r.frequency), "Hz"),
            row("its strength", "resonance_strength", None, n.resonance.map(|r| r.strength), ""),
        ]
    }

    fn heading(&self) -> String {
        let n = self.compartments;
        let pieces = if n == 1 { "1 compartment".to_owned() } else { format!("{n} compartments") };
        format!("{}, {pieces}, pipette at {}, {:.1} degC", self.cell, self.place, self.temperature - 273.15)
    }

    /// What the numbers are, in sentences.
    fn notes(&self) -> Vec<String> {
        let n = &self.numbers;
        let mut out = vec![format!(
            "Pulses of {} ms. With the pipette: input resistance at the end of a step to {} mV from rest, time constant of the \
             last of the decay after a current of 1 ms (20 to 2 % of the peak) and after that step, capacitance as the \
             former over the resistance. Of the circuit: by one solve on the tree, gates settled at their new steady states, or held at rest.",
            n.pulse.0,
            significant(n.shown.first().map_or(0.0, |s| s.at(n.pulse.0 + n.pulse.1) - n.rest), 2),
        )];
        if let Some(sag) = &n.sag {
            out.push(format!(
                "Sag ratio: of what {} pA do at their lowest, {} mV, the share that is gone at the end of the step.",
                significant(sag.current, 3),
                significant(sag.lowest - n.rest, 3)
            ));
        }
        match n.rheobase {
            Some(_) => out.push(
                "Rheobase: the least current that makes it fire within a pulse, to 0.1 %. The action potential is the first \
                 at the rheobase: it begins where the voltage rises faster than 20 V/s, and the afterhyperpolarisation is \
                 from its threshold down to the lowest voltage before the next. Gain: slope of the line through the rates \
                 from there to the highest."
                    .into(),
            ),
            None if n.shown.is_empty() => {
                out.push("It fires without a current: it has no rest that a step could start from.".into());
            }
            None => out.push("It does not fire.".into()),
        }
        out.push(
            "Impedance: exact of the membrane linearised at rest, gates and pools included (quasi-active), for a sinusoid at each \
             frequency."
                .into(),
        );
        out
    }

    /// The table for the terminal.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut out = format!("{}\n", self.heading());
        let number = |x: Option<f64>| x.map_or_else(|| "\u{2013}".into(), |x| significant(x, 4));
        let _ = writeln!(out, "  {:30}{:>12}{:>12}", "", "pipette", "circuit");
        for r in self.rows() {
            let _ = writeln!(
                out,
                "  {}",
                format!("{:30}{:>12}{:>12}  {}", r.what, number(r.pipette), number(r.circuit), r.unit).trim_end()
            );
        }
        let rates = &self.numbers.rates;
        if !rates.is_empty() {
            let _ = writeln!(out, "\n  {:>12}{:>9}{:>9}{:>9}{:>9}", "current", "spikes", "mean", "first", "steady");
            let _ = writeln!(out, "  {:>12}{:>9}{:>9}{:>9}{:>9}", "pA", "", "Hz", "Hz", "Hz");
            for r in rates {
                let _ = writeln!(
                    out,
                    "  {:>12}{:>9}{:>9}{:>9}{:>9}",
                    significant(r.current, 4),
                    r.spikes,
                    significant(r.mean, 4),
                    number(r.first),
                    number(r.steady)
                );
            }
        }
        let ends = &self.numbers.ends;
        if ends.len() > 1 {
            let wide = ends.iter().take(MOST_ENDS).map(|e| e.section.chars().count()).max().unwrap_or(0).max(12);
            let _ = writeln!(
                out,
                "\n  {:wide$}{:>10}{:>10}{:>9}{:>9}{:>9}{:>9}",
                "to the end of", "input", "transfer", "there", "back", "there", "back"
            );
            let _ = writeln!(
                out,
                "  {:wide$}{:>10}{:>10}{:>18}{:>18}",
                "", "Mohm", "Mohm", "share, steady", "share, 100 Hz"
            );
            for e in ends.iter().take(MOST_ENDS) {
                let [r, t] = [e.resistance, e.transfer].map(|x| significant(1e3 * x, 4));
                let [a, b, c, d] = [e.outward, e.inward, e.outward_100, e.inward_100].map(|x| significant(x, 3));
                let _ = writeln!(out, "  {:wide$}{r:>10}{t:>10}{a:>9}{b:>9}{c:>9}{d:>9}", e.section);
            }
            if ends.len() > MOST_ENDS {
                let _ = writeln!(out, "  and {} more: --json has them all", ends.len() - MOST_ENDS);
            }
        }
        out
    }

    /// For programs. A number that is none is null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let n = &self.numbers;
        let numbers: serde_json::Map<String, Value> = self
            .rows()
            .into_iter()
            .map(|r| (r.key.into(), json!({ "pipette": r.pipette, "circuit": r.circuit, "unit": r.unit })))
            .collect();
        let rates = n.rates.iter().map(|r| {
            json!({
                "current_pA": r.current, "spikes": r.spikes, "mean_Hz": r.mean, "first_Hz": r.first, "steady_Hz": r.steady,
            })
        });
        let ends = n.ends.iter().map(|e| {
            json!({
                "section": e.section, "path_um": e.distance, "input_resistance_Mohm": 1e3 * e.resistance, "transfer_Mohm": 1e3 * e.transfer,
                "outward": e.outward, "inward": e.inward, "outward_100_Hz": e.outward_100, "inward_100_Hz": e.inward_100,
            })
        });
        let impedance = n.impedance.iter().map(
            |s| json!({ "frequency_Hz": s.frequency, "magnitude_Mohm": 1e3 * s.magnitude, "phase_degrees": s.phase }),
        );
        json!({
            "cell": self.cell, "place": self.place, "temperature_K": self.temperature, "compartments": self.compartments,
            "pulse_ms": n.pulse.0, "numbers": numbers, "rates": rates.collect::<Vec<_>>(),
            "ends": ends.collect::<Vec<_>>(), "impedance": impedance.collect::<Vec<_>>(),
        })
    }

    /// The page.
    #[must_use]
    pub fn html(&self, version: &str) -> String {
        let mut out = String::with_capacity(1 << 17);
        let _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{0}</h1>\n",
            escaped(&format!("{} under the pipette", self.cell))
        );
        let byline = self.heading().replace(" degC", "\u{a0}\u{b0}C");
        let _ =
            writeln!(out, "<p class=\"byline\">{}. Measured with bouton {}.</p>", escaped(&byline), escaped(version));
        out.push_str("<div class=\"abstract\">\n");
        for note in self.notes() {
            let _ = writeln!(out, "<p>{}</p>", escaped(&note.replace(" -", " \u{2212}")));
        }
        out.push_str("</div>\n<h2>Numbers</h2>\n<table class=\"shares\">\n<thead><tr><th></th><th>pipette</th><th>circuit</th></tr></thead>\n<tbody>\n");
        for r in self.rows() {
            let cell = |x: Option<f64>| {
                let tail = if r.unit.is_empty() { String::new() } else { format!("\u{a0}{}", unit(r.unit)) };
                x.map_or_else(|| "\u{2013}".into(), |x| format!("{}{tail}", significant(x, 4).replace('-', "\u{2212}")))
            };
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                r.what,
                cell(r.pipette),
                cell(r.circuit)
            );
        }
        out.push_str("</tbody>\n</table>\n");
        self.ends_table(&mut out);
        measured(&self.figures(), version, &mut out);
        out
    }

    fn ends_table(&self, out: &mut String) {
        let ends = &self.numbers.ends;
        if ends.len() < 2 {
            return;
        }
        out.push_str(
            "<h2>From the pipette to the end of each section, and back</h2>\n<table>\n<thead><tr><th>section</th><th>input \
             resistance</th><th>transfer resistance</th><th>share that arrives there</th><th>share that comes \
             back</th><th>there at 100\u{a0}Hz</th><th>back at 100\u{a0}Hz</th></tr></thead>\n<tbody>\n",
        );
        let mega = |x: f64| format!("{}\u{a0}M\u{3a9}", significant(1e3 * x, 4));
        let line = |e: &End| {
            let shares = [e.outward, e.inward, e.outward_100, e.inward_100];
            let shares: String = shares.iter().map(|x| format!("<td>{}</td>", significant(*x, 3))).collect();
            let (r, t) = (mega(e.resistance), mega(e.transfer));
            format!(
                "<tr><td>{}</td><td class=\"n\">{r}</td><td class=\"n\">{t}</td>{shares}</tr>\n",
                escaped(&e.section)
            )
        };
        out.extend(ends.iter().take(MOST_ENDS).map(line));
        out.push_str("</tbody>\n</table>\n");
        if ends.len() > MOST_ENDS {
            let _ = writeln!(out, "<p>And {} more, in <code>measure.json</code>.</p>", ends.len() - MOST_ENDS);
        }
    }

    fn figures(&self) -> Vec<Figure> {
        let n = &self.numbers;
        let mut out = Vec::new();
        let rested = n.shown.len().min(2);
        if rested == 2 {
            out.push(self.steps("Steps of hyperpolarising current", &n.shown[..2], false));
        }
        for (title, seen) in ["At the rheobase", "At twice the rheobase"].into_iter().zip(n.shown[rested..].chunks(1)) {
            out.push(self.steps(title, seen, false));
        }
        if let Some(seen) = n.shown.get(rested..=rested) {
            out.push(self.steps("The first action potential at the rheobase", seen, true));
        }
        out.extend(self.rates());
        out.extend(self.impedance());
        out.extend(self.attenuation());
        out
    }

    fn steps(&self, title: &str, seen: &[Response], close: bool) -> Figure {
        let n = &self.numbers;
        let (pulse, around) = n.pulse;
        let window = match n.spike.filter(|_| close) {
            Some(s) => (s.onset - 2.0, s.onset + 8.0),
            None => (around - 0.25 * around, around + pulse + around),
        };
        let inside = |r: &Response| {
            let (from, to) = (r.sample(window.0.max(0.0)), r.sample(window.1));
            r.values[from..=to].iter().enumerate().map(|(k, v)| ((from + k) as f64 * r.dt_ms - around, *v)).collect()
        };
        let lines: Vec<Vec<(f64, f64)>> = seen.iter().map(inside).collect();
        let mut layers: Vec<Layer> = Vec::new();
        for (i, points) in lines.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()].to_owned();
            layers.push(Layer::Line { points: points.clone(), colour, width: 1.6, dash: Dash::of(i) });
        }
        if let Some(s) = n.spike.filter(|_| close) {
            let points = vec![(s.onset - around, s.threshold)];
            layers.push(Layer::Dots { points, colour: COLOURS[1].into(), size: 4.0 });
        }
        let legend = |(i, r): (usize, &Response)| {
            (
                format!("{} pA", significant(r.current, 4)).replace('-', "\u{2212}"),
                COLOURS[i % COLOURS.len()],
                Dash::of(i),
            )
        };
        let caption = match seen {
            _ if close => "Time from the beginning of the pulse. The dot is the threshold.".into(),
            [one] => format!(
                "{} pA; time from the beginning of the pulse.",
                significant(one.current, 4).replace('-', "\u{2212}")
            ),
            _ => "Voltage at the pipette; time from the beginning of the pulse.".to_owned(),
        };
        Figure {
            title: title.into(),
            path: String::new(),
            caption,
            legend: if seen.len() > 1 { seen.iter().enumerate().map(legend).collect() } else { Vec::new() },
            panel: Panel {
                x_label: "time (ms)".into(),
                y_label: "voltage (mV)".into(),
                x: (window.0.max(0.0) - around, window.1 - around),
                y: range(lines.iter().flatten().map(|p| p.1)),
                layers,
                ..Panel::default()
            },
        }
    }

    fn rates(&self) -> Option<Figure> {
        let rates = &self.numbers.rates;
        if rates.len() < 2 {
            return None;
        }
        let of = |f: &dyn Fn(&crate::electrophysiology::Rate) -> f64| -> Vec<(f64, f64)> {
            rates.iter().map(|r| (r.current, f(r))).collect()
        };
        let kinds = [
            ("first interval", of(&|r| r.first.unwrap_or(f64::NAN))),
            ("action potentials over the pulse", of(&|r| r.mean)),
            ("last half", of(&|r| r.steady.unwrap_or(f64::NAN))),
        ];
        let mut layers = Vec::new();
        for (i, (_, points)) in kinds.iter().enumerate() {
            let (colour, seen) = (COLOURS[i].to_owned(), points.iter().copied().filter(|p| p.1.is_finite()).collect());
            layers.push(Layer::Line { points: points.clone(), colour: colour.clone(), width: 1.6, dash: Dash::of(i) });
            layers.push(Layer::Dots { points: seen, colour, size: 2.5 });
        }
        let high = kinds.iter().flat_map(|k| &k.1).map(|p| p.1).filter(|y| y.is_finite()).fold(1.0, f64::max);
        let currents = rates.iter().map(|r| r.current);
        Some(Figure {
            title: "Rate of firing against current".into(),
            path: String::new(),
            caption: format!(
                "Pulses of {} ms from rest. One over the first interval, the number of action potentials over the length of \
                 the pulse, and one over the mean interval of the last half of them, if firing goes on to the end.",
                self.numbers.pulse.0
            ),
            legend: kinds.iter().enumerate().map(|(i, k)| (k.0.to_owned(), COLOURS[i], Dash::of(i))).collect(),
            panel: Panel {
                x_label: "current (pA)".into(),
                y_label: "rate (Hz)".into(),
                x: (currents.clone().fold(f64::INFINITY, f64::min), currents.fold(f64::NEG_INFINITY, f64::max)),
                y: (0.0, 1.08 * high),
                layers,
                ..Panel::default()
            },
        })
    }

    fn impedance(&self) -> Vec<Figure> {
        let seen = &self.numbers.impedance;
        if seen.len() < 2 {
            return Vec::new();
        }
        let x = (seen[0].frequency, seen[seen.len() - 1].frequency);
        let mega: Vec<(f64, f64)> = seen.iter().map(|s| (s.frequency, 1e3 * s.magnitude)).collect();
        let phase: Vec<(f64, f64)> = seen.iter().map(|s| (s.frequency, s.phase)).collect();
        let (low, high) = mega.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), p| (a.min(p.1), b.max(p.1)));
        let ten = |p: f64| math::pow(10.0, p);
        let line =
            |points: Vec<(f64, f64)>| Layer::Line { points, colour: COLOURS[0].into(), width: 2.0, dash: Dash::Solid };
        let mut layers = vec![line(mega)];
        let caption = match &self.numbers.resonance {
            Some(r) => {
                let points = vec![(r.frequency, 1e3 * r.strength * seen[0].magnitude)];
                layers.push(Layer::Dots { points, colour: COLOURS[1].into(), size: 4.0 });
                format!(
                    "Of the membrane linearised at rest. The dot is its resonance, at {} Hz.",
                    significant(r.frequency, 3)
                )
            }
            None => "Of the membrane linearised at rest; it has no resonance.".into(),
        };
        let magnitude = Panel {
            x_label: "frequency (Hz)".into(),
            y_label: "impedance (M\u{3a9})".into(),
            log_x: true,
            log_y: true,
            x,
            y: (ten(math::log10(low).floor()), ten(math::log10(high).ceil())),
            layers,
            ..Panel::default()
        };
        let y = range(phase.iter().map(|p| p.1).chain([0.0]));
        let phase = Panel {
            x_label: "frequency (Hz)".into(),
            y_label: "phase (degrees)".into(),
            log_x: true,
            x,
            y,
            layers: vec![line(phase)],
            ..Panel::default()
        };
        let figure = |title: &str, caption: String, panel| Figure {
            title: title.into(),
            path: String::new(),
            caption,
            legend: Vec::new(),
            panel,
        };
        vec![
            figure("Impedance at the pipette", caption, magnitude),
            figure(
                "Phase of the impedance",
                "By how much the voltage is ahead of the current; behind it where negative.".into(),
                phase,
            ),
        ]
    }

    fn attenuation(&self) -> Option<Figure> {
        let c = &self.numbers.compartments;
        let far = self.distances.iter().copied().fold(0.0, f64::max);
        if c.outward.len() < 2 || c.outward.len() != self.distances.len() || far <= 0.0 {
            return None;
        }
        let dots = |of: &[f64], i: usize| Layer::Dots {
            points: self.distances.iter().copied().zip(of.iter().copied()).collect(),
            colour: COLOURS[i].into(),
            size: 2.0,
        };
        Some(Figure {
            title: "Attenuation against distance".into(),
            path: String::new(),
            caption: "Steady voltage over that where the current flows in: of each compartment for current at the pipette, and \
                      at the pipette for current into each compartment."
                .into(),
            legend: vec![
                ("from the pipette".into(), COLOURS[0], Dash::Solid),
                ("to the pipette".into(), COLOURS[1], Dash::Solid),
            ],
            panel: Panel {
                x_label: "path from the soma (\u{b5}m)".into(),
                y_label: "share that arrives".into(),
                x: (0.0, 1.02 * far),
                y: (0.0, 1.05),
                layers: vec![dots(&c.outward, 0), dots(&c.inward, 1)],
                ..Panel::default()
            },
        })
    }
}

/// The range of some values with a margin.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)));
    if low > high || low.is_nan() {
        return (0.0, 1.0);
    }
    let pad = if high > low { 0.06 * (high - low) } else { 1.0 };
    (low - pad, high + pad)
}
