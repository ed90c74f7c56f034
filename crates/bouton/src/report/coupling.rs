//! The coupling of two cells by a gap junction: a table for the terminal, a page, JSON.

use super::bench::{Bench, Row, range};
use super::figures::Figure;
use super::numbers::significant;
use super::phase;
use crate::electrophysiology::coupling::{Coupling, Way};
use crate::electrophysiology::locking::Locking;
use crate::electrophysiology::prc::PhaseResponse;
use crate::electrophysiology::{Swing, spikelet::Spikelet};
use crate::plot::{COLOURS, Dash, Layer, Panel};
use serde_json::{Value, json};

/// What was measured between two places.
#[derive(Debug, Clone)]
pub struct MeasuredCoupling {
    /// The synapse.
    pub synapse: String,
    /// The two places: `a.soma`.
    pub places: [String; 2],
    /// K
    pub temperature: f64,
    /// What else is there, in words: `with all junctions of the model`.
    pub among: String,
    /// What was found.
    pub coupling: Coupling,
    /// Phase responses of both cells, and what they and runs say, if that was wanted.
    pub phases: Option<([PhaseResponse; 2], Locking)>,
}

/// Of an action potential this is shown before and after its peak, ms.
const SHOWN: (f64, f64) = (-2.0, 25.0);

/// A difference of phase, to a thousandth.
fn rounded(x: f64) -> String {
    significant((1e3 * x).round() / 1e3 + 0.0, 3)
}

impl MeasuredCoupling {
    fn ways(&self) -> [&Way; 2] {
        [&self.coupling.there, &self.coupling.back]
    }

    fn names(&self) -> [String; 2] {
        let [a, b] = &self.places;
        [format!("{a} to {b}"), format!("{b} to {a}")]
    }

    fn rows(&self) -> Vec<Row> {
        let mut out = Vec::new();
        let ways = self.ways();
        let mut add = |what: &str, key: &'static str, unit: &'static str, of: &dyn Fn(&Way) -> [Option<f64>; 2]| {
            let values = ways.iter().flat_map(|w| of(w)).collect();
            out.push(Row { what: what.into(), key, values, unit });
        };
        let mega = |r: Option<f64>| r.map(|r| 1e3 * r);
        add("coupling coefficient", "coefficient", "", &|w| [w.coefficient.pipette, w.coefficient.circuit]);
        add("the same, depolarised by 10 mV", "coefficient_up", "", &|w| [w.large.0, None]);
        add("the same, hyperpolarised by 10 mV", "coefficient_down", "", &|w| [w.large.1, None]);
        add("input resistance, coupled", "input_resistance", "Mohm", &|w| {
            [mega(w.input.pipette), mega(w.input.circuit)]
        });
        add("transfer resistance", "transfer_resistance", "Mohm", &|w| {
            [mega(w.transfer.pipette), mega(w.transfer.circuit)]
        });
        add("coefficient falls to 0.71 at", "corner", "Hz", &|w| [None, w.corner]);
        let from = |w: &Way, of: &dyn Fn(&Spikelet) -> f64| [w.spikelet.as_ref().map(of), None];
        add("spikelet", "spikelet", "mV", &|w| from(w, &|s| s.amplitude));
        add("its peak after that of the action potential", "spikelet_lag", "ms", &|w| from(w, &|s| s.lag));
        add("its 10 % after 10 % of the action potential", "spikelet_onset", "ms", &|w| from(w, &|s| s.onset));
        add("its width at half of its height", "spikelet_width", "ms", &|w| from(w, &|s| s.half_width));
        add("lowest after it, against rest", "spikelet_trough", "mV", &|w| from(w, &|s| s.trough));
        add("charge that crosses with it", "spikelet_charge", "fC", &|w| from(w, &|s| s.charge));
        add("the part that flows there", "spikelet_inward", "fC", &|w| from(w, &|s| s.inward));
        add("action potential, from threshold", "spike_height", "mV", &|w| from(w, &|s| s.spike.height()));
        add("its width at half of that", "spike_width", "ms", &|w| from(w, &|s| s.spike.half_width));
        out
    }

    fn notes(&self) -> Vec<String> {
        let c = &self.coupling;
        let [a, b] = &self.places;
        let mut out = vec![format!(
            "At rest {a} is at {} mV and {b} at {} mV; between the two places {} nS conduct. {}",
            significant(c.rest.0, 4),
            significant(c.rest.1, 4),
            significant(c.conductance, 4),
            self.among
        )];
        if c.fires {
            out.push("A cell fires without a current: there is nothing steady to measure.".into());
        }
        out.push(
            "Coupling coefficient: change of the voltage on the other side over that on this side, for current here. Pipette: at \
             the end of steps of both signs by about 1 mV. Circuit: exact of the cells linearised at rest, gates and pools \
             that follow included, junctions at their slope there with their states as they are; over frequency by the same \
             (dots: sines through the pipette)."
                .into(),
        );
        for (way, [from, to]) in self.ways().iter().zip([[a, b], [b, a]]) {
            let Some(s) = &way.spikelet else { continue };
            let below = if s.trough < 0.0 { "passes as hyperpolarisation" } else { "does not bring it below rest" };
            let fires = if s.fires { format!(" {to} fires.") } else { String::new() };
            out.push(format!(
                "An action potential of {from} (by {} pA for 1 ms) makes {} mV in {to}; the afterhyperpolarisation {below}.{fires}",
                significant(s.pulse, 3),
                significant(s.amplitude, 3)
            ));
        }
        if let Some((responses, locking)) = &self.phases {
            out.push(phase::note(&responses[0]));
            let at = |s: &(f64, f64)| format!("{} (comes back at {}/s)", rounded(s.0), significant(s.1, 3));
            let predicted: Vec<String> = locking.stable.iter().map(at).collect();
            let ends: Vec<String> = locking.runs.iter().map(|r| rounded(r.1)).collect();
            let said = if predicted.is_empty() { "nowhere".to_owned() } else { format!("at {}", predicted.join(", ")) };
            out.push(format!(
                "Under weak coupling the difference of phase rests {said}; runs of the pair from {} beginnings end at {}.",
                ends.len(),
                ends.join(", ")
            ));
        }
        out
    }

    fn bench(&self) -> Bench {
        let [there, back] = self.names();
        let columns = [&there, &back].into_iter().flat_map(|n| [format!("{n}: pipette"), format!("{n}: circuit")]);
        Bench {
            title: format!("Coupling by {}", self.synapse),
            heading: format!(
                "{}: {} and {}, {:.1} degC",
                self.synapse,
                self.places[0],
                self.places[1],
                self.temperature - 273.15
            ),
            notes: self.notes(),
            columns: columns.collect(),
            rows: self.rows(),
            figures: self.figures(),
        }
    }

    fn line(points: Vec<(f64, f64)>, k: usize) -> Layer {
        Layer::Line { points, colour: COLOURS[k].into(), width: 1.6, dash: Dash::of(k) }
    }

    fn figures(&self) -> Vec<Figure> {
        let names = self.names();
        let legend: Vec<(String, &'static str, Dash)> =
            names.iter().enumerate().map(|(k, n)| (n.clone(), COLOURS[k], Dash::of(k))).collect();
        let figure = |title: &str, caption: &str, legend: &[(String, &'static str, Dash)], panel: Panel| Figure {
            title: title.into(),
            path: String::new(),
            caption: caption.into(),
            legend: legend.to_vec(),
            panel,
        };
        let mut out = Vec::new();
        for (title, y_label, caption, of) in [
            (
                "Coupling coefficient over frequency",
                "coupling coefficient",
                "Of the linearised cells (lines), and with sines through the pipette (dots).",
                (|s: &Swing| s.magnitude) as fn(&Swing) -> f64,
            ),
            ("Its phase", "phase (degrees)", "By how much the other side is ahead; behind where negative.", |s| {
                s.phase
            }),
        ] {
            let (mut layers, mut values) = (Vec::new(), Vec::new());
            for (k, way) in self.ways().into_iter().enumerate() {
                let points = |all: &[Swing]| -> Vec<(f64, f64)> {
                    all.iter().filter(|s| s.frequency > 0.0).map(|s| (s.frequency, of(s))).collect()
                };
                let (line, dots) = (points(&way.swings), points(&way.sines));
                values.extend(line.iter().map(|p| p.1));
                layers.push(Self::line(line, k));
                layers.push(Layer::Dots { points: dots, colour: COLOURS[k].into(), size: 3.0 });
            }
            if values.is_empty() {
                continue;
            }
            let log_y = values.iter().all(|v| *v > 0.0);
            let y = if log_y {
                let (low, high) = values.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
                let ten = |x: f64| numerics::math::pow(10.0, x);
                (ten(numerics::math::log10(low).floor()), ten(numerics::math::log10(high).ceil()))
            } else {
                range(values.into_iter().chain([0.0]))
            };
            let panel = Panel {
                x_label: "frequency (Hz)".into(),
                y_label: y_label.into(),
                log_x: true,
                log_y,
                x: (1.0, 500.0),
                y,
                layers,
                ..Panel::default()
            };
            out.push(figure(title, caption, &legend, panel));
        }
        out.extend(self.spikelets(&legend));
        out.extend(self.across());
        if let Some((responses, locking)) = &self.phases {
            let [a, b] = responses;
            out.extend(phase::figures(&[(&self.places[0], a), (&self.places[1], b)]));
            out.extend(phase::locking_figures(locking));
        }
        out
    }

    fn spikelets(&self, legend: &[(String, &'static str, Dash)]) -> Vec<Figure> {
        let seen: Vec<(usize, &Spikelet)> =
            self.ways().into_iter().enumerate().filter_map(|(k, w)| Some((k, w.spikelet.as_ref()?))).collect();
        let near = |s: &Spikelet| -> Vec<(f64, f64, f64)> {
            s.course.iter().copied().filter(|c| (SHOWN.0..=SHOWN.1).contains(&c.0)).collect()
        };
        let panel = |title: &str, caption: &str, y_label: &str, of: &dyn Fn(&(f64, f64, f64)) -> f64| {
            let (mut layers, mut values) = (Vec::new(), Vec::new());
            for (k, s) in &seen {
                let points: Vec<(f64, f64)> = near(s).iter().map(|c| (c.0, of(c))).collect();
                values.extend(points.iter().map(|p| p.1));
                layers.push(Self::line(points, *k));
            }
            Figure {
                title: title.into(),
                path: String::new(),
                caption: caption.into(),
                legend: seen.iter().map(|(k, _)| legend[*k].clone()).collect(),
                panel: Panel {
                    x_label: "time from the peak (ms)".into(),
                    y_label: y_label.into(),
                    x: SHOWN,
                    y: range(values.into_iter()),
                    layers,
                    ..Panel::default()
                },
            }
        };
        if seen.is_empty() {
            return Vec::new();
        }
        vec![
            panel("The action potential", "Where a current of 1 ms flows.", "voltage (mV)", &|c| c.1),
            panel(
                "The spikelet",
                "What it does on the other side: the voltage there less what it would have been.",
                "change of voltage (mV)",
                &|c| c.2,
            ),
        ]
    }

    fn across(&self) -> Option<Figure> {
        let seen = &self.coupling.across;
        if seen.is_empty() {
            return None;
        }
        let of =
            |f: &dyn Fn(&(f64, f64, f64)) -> f64| -> Vec<(f64, f64)> { seen.iter().map(|p| (p.0, f(p))).collect() };
        let (now, late) = (of(&|p| p.1), of(&|p| p.2));
        let values: Vec<f64> = now.iter().chain(&late).map(|p| p.1).collect();
        let legend = ["at once", "steady"].into_iter().enumerate();
        let [a, b] = &self.places;
        Some(Figure {
            title: "Current of the junction over the voltage across".into(),
            path: String::new(),
            caption: format!(
                "From {a} to {b}, over the voltage of {a} less that of {b}: at once from rest, and steady."
            ),
            legend: legend.map(|(k, n)| (n.to_owned(), COLOURS[k], Dash::of(k))).collect(),
            panel: Panel {
                x_label: "voltage across (mV)".into(),
                y_label: "current (pA)".into(),
                x: (seen[0].0, seen[seen.len() - 1].0),
                y: range(values.into_iter()),
                layers: vec![Self::line(now, 0), Self::line(late, 1)],
                ..Panel::default()
            },
        })
    }

    /// The table for the terminal.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut all = self.bench();
        // Two short words a column; who stands above.
        let names = self.names();
        all.columns = ["pipette", "circuit", "pipette", "circuit"].map(str::to_owned).to_vec();
        let (heading, first) =
            (std::mem::take(&mut all.heading), all.rows.iter().map(|r| r.what.len()).max().unwrap_or(0));
        let mut out = format!("{heading}\n");
        let c = &self.coupling;
        let rest = [c.rest.0, c.rest.1].map(|v| significant(v, 4));
        out.push_str(&format!(
            "  rest {} and {} mV, {} nS between them\n  {:first$}{:>24}{:>24}",
            rest[0],
            rest[1],
            significant(c.conductance, 4),
            "",
            names[0],
            names[1]
        ));
        out.push_str(&all.terminal());
        if let Some((responses, locking)) = &self.phases {
            let [a, b] = responses;
            let both = Bench {
                title: String::new(),
                heading: format!("\nPhase responses, types {} and {}", a.kind(), b.kind()),
                notes: Vec::new(),
                columns: self.places.to_vec(),
                rows: phase::rows(&[a, b]),
                figures: Vec::new(),
            };
            out.push_str(&both.terminal());
            let list = |x: &mut dyn Iterator<Item = f64>| x.map(rounded).collect::<Vec<_>>().join(", ");
            out.push_str(&format!(
                "  differences of phase at rest, predicted: {}\n  runs end at: {}\n",
                list(&mut locking.stable.iter().map(|s| s.0)),
                list(&mut locking.runs.iter().map(|r| r.1))
            ));
        }
        out
    }

    /// For programs. A number that is none is null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let c = &self.coupling;
        let swings = |all: &[Swing]| -> Vec<Value> {
            all.iter()
                .map(|s| json!({ "frequency_Hz": s.frequency, "magnitude": s.magnitude, "phase_degrees": s.phase }))
                .collect()
        };
        let ways = self.names().into_iter().zip(self.ways()).map(|(name, w)| {
            let pulse = w.spikelet.as_ref().map(|s| json!({ "pulse_pA": s.pulse, "the_other_fires": s.fires }));
            (name, json!({ "coefficient": swings(&w.swings), "sines": swings(&w.sines), "spikelet": pulse }))
        });
        let across = c.across.iter().map(|p| json!({ "across_mV": p.0, "at_once_pA": p.1, "steady_pA": p.2 }));
        let phases = self.phases.as_ref().map(|(r, l)| {
            json!({
                "responses": r.iter().map(phase::json_of).collect::<Vec<_>>(),
                "stable": l.stable.iter().map(|s| json!({ "difference": s.0, "rate_per_s": s.1 })).collect::<Vec<_>>(),
                "runs": l.runs.iter().map(|r| json!({ "begins": r.0, "ends": r.1 })).collect::<Vec<_>>(),
            })
        });
        json!({
            "synapse": self.synapse, "places": self.places, "temperature_K": self.temperature, "conductance_nS": c.conductance,
            "rest_mV": [c.rest.0, c.rest.1], "fires": c.fires, "numbers": self.bench().numbers(),
            "ways": ways.collect::<serde_json::Map<String, Value>>(), "across": across.collect::<Vec<_>>(), "phases": phases,
        })
    }

    /// The page.
    #[must_use]
    pub fn html(&self, version: &str) -> String {
        self.bench().html(version)
    }
}
