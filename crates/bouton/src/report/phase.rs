//! A phase response, and what two of them say of a pair: a table for the terminal, a page, JSON.

use super::bench::{Bench, Row, range};
use super::figures::Figure;
use super::numbers::significant;
use crate::electrophysiology::locking::Locking;
use crate::electrophysiology::prc::{PhaseResponse, Point};
use crate::plot::{COLOURS, Dash, Layer, Panel};
use serde_json::{Value, json};

/// The phase response of a cell.
#[derive(Debug, Clone)]
pub struct MeasuredPhase {
    /// The cell, and where the pipette was: `pyr`, `soma`.
    pub cell: (String, String),
    /// K
    pub temperature: f64,
    /// What was found.
    pub response: PhaseResponse,
}

fn extreme(r: &PhaseResponse, sign: f64) -> Option<&Point> {
    r.points.iter().max_by(|a, b| (sign * a.settled).total_cmp(&(sign * b.settled)))
}

/// Lines of a table: of one cell, or of two side by side.
pub(super) fn rows(all: &[&PhaseResponse]) -> Vec<Row> {
    let row = |what: &str, key: &'static str, unit: &'static str, of: &dyn Fn(&PhaseResponse) -> Option<f64>| Row {
        what: what.into(),
        key,
        values: all.iter().map(|r| of(r)).collect(),
        unit,
    };
    vec![
        row("steady current", "current", "pA", &|r| Some(r.current)),
        row("period", "period", "ms", &|r| Some(r.period)),
        row("largest advance, periods", "advance", "/pC", &|r| Some(extreme(r, 1.0)?.settled)),
        row("at the phase", "advance_phase", "", &|r| Some(extreme(r, 1.0)?.phase)),
        row("largest delay, periods", "delay", "/pC", &|r| Some(-extreme(r, -1.0)?.settled).map(|d| d.max(0.0))),
        row("delay over advance", "delay_share", "", &|r| Some(r.delays)),
        row("mean advance, periods", "mean_advance", "/pC", &|r| {
            Some(r.points.iter().map(|p| p.settled).sum::<f64>() / r.points.len() as f64)
        }),
        row("charge of a pulse", "pulse_charge", "pC", &|r| Some(r.pulse.0)),
        row("its length", "pulse_length", "ms", &|r| Some(r.pulse.1)),
    ]
}

/// What the numbers are.
pub(super) fn note(r: &PhaseResponse) -> String {
    format!(
        "Phase response: by how much a small charge brings the next spikes forward, in periods a pC, over the phase at which it \
         comes (0 at a spike, 1 at the next). {} pC in {} ms, of both signs, of which half of the difference is taken; settled \
         means the ninth spike after it, first the next one. Type II (delays early in the period) from a largest delay of \
         5 % of the largest advance on, else type I.",
        significant(r.pulse.0, 3),
        significant(r.pulse.1, 3)
    )
}

/// Responses over phase, and courses of the voltage, of one cell or of two.
pub(super) fn figures(all: &[(&str, &PhaseResponse)]) -> Vec<Figure> {
    let legend = |first: bool| {
        let names = all.iter().enumerate().filter(|_| all.len() > 1 || first);
        names.map(|(k, (name, _))| ((*name).to_owned(), COLOURS[k], Dash::of(k))).collect::<Vec<_>>()
    };
    let mut layers = vec![Layer::Line {
        points: vec![(0.0, 0.0), (1.0, 0.0)],
        colour: "#777777".into(),
        width: 1.0,
        dash: Dash::Dotted,
    }];
    let (mut waves, mut values, mut voltages) = (Vec::new(), vec![0.0], Vec::new());
    for (k, (_, r)) in all.iter().enumerate() {
        let colour = COLOURS[k].to_owned();
        let settled: Vec<(f64, f64)> = r.points.iter().map(|p| (p.phase, p.settled)).collect();
        let first: Vec<(f64, f64)> = r.points.iter().map(|p| (p.phase, p.first)).collect();
        values.extend(settled.iter().chain(&first).map(|p| p.1));
        layers.push(Layer::Line { points: settled, colour: colour.clone(), width: 1.6, dash: Dash::of(k) });
        layers.push(Layer::Dots { points: first, colour: colour.clone(), size: 2.2 });
        let wave: Vec<(f64, f64)> = r.wave.iter().copied().filter(|w| (0.0..=1.0).contains(&w.0)).collect();
        voltages.extend(wave.iter().map(|w| w.1));
        waves.push(Layer::Line { points: wave, colour, width: 1.6, dash: Dash::of(k) });
    }
    let panel = |y_label: &str, y: (f64, f64), layers: Vec<Layer>| Panel {
        x_label: "phase".into(),
        y_label: y_label.into(),
        x: (0.0, 1.0),
        y,
        layers,
        ..Panel::default()
    };
    let figure = |title: &str, caption: &str, panel: Panel| Figure {
        title: title.into(),
        path: String::new(),
        caption: caption.into(),
        legend: legend(false),
        panel,
    };
    vec![
        figure(
            "Phase response",
            "Advance of the spikes over the phase at which a charge comes: once it has settled (line), and of the next one (dots).",
            panel("advance (periods/pC)", range(values.into_iter()), layers),
        ),
        figure(
            "Voltage over a period",
            "At the pipette, from one spike to the next; without the line that is drawn for a point's spike.",
            panel("voltage (mV)", range(voltages.into_iter()), waves),
        ),
    ]
}

/// For programs.
pub(super) fn json_of(r: &PhaseResponse) -> Value {
    let points = r.points.iter().map(|p| json!({ "phase": p.phase, "first": p.first, "settled": p.settled }));
    json!({
        "current_pA": r.current, "period_ms": r.period, "type": r.kind(), "pulse_pC": r.pulse.0, "pulse_ms": r.pulse.1,
        "advance_periods_per_pC": points.collect::<Vec<_>>(),
    })
}

/// Where two phases rest: the drift over the difference, and runs.
pub(super) fn locking_figures(of: &Locking) -> Vec<Figure> {
    let zero = |x: (f64, f64)| Layer::Line {
        points: vec![(x.0, 0.0), (x.1, 0.0)],
        colour: "#777777".into(),
        width: 1.0,
        dash: Dash::Dotted,
    };
    let stable: Vec<(f64, f64)> = of.stable.iter().map(|s| (s.0, 0.0)).collect();
    let line = Layer::Line { points: of.drift.clone(), colour: COLOURS[0].into(), width: 1.6, dash: Dash::Solid };
    let dots = |points: Vec<(f64, f64)>, k: usize, size: f64| Layer::Dots { points, colour: COLOURS[k].into(), size };
    let x = (-0.5, 0.5);
    let figure = |title: &str, caption: &str, panel: Panel| Figure {
        title: title.into(),
        path: String::new(),
        caption: caption.into(),
        legend: Vec::new(),
        panel,
    };
    let mut out = vec![figure(
        "Drift of the phases, predicted",
        "How fast the difference of phase (second less first, in periods) changes, from both phase responses and voltages by weak \
         coupling. It comes to rest where the line falls through 0 (dots).",
        Panel {
            x_label: "difference of phase".into(),
            y_label: "drift (periods/s)".into(),
            x,
            y: range(of.drift.iter().map(|d| d.1).chain([0.0])),
            layers: vec![zero(x), line, dots(stable.clone(), 1, 4.0)],
            ..Panel::default()
        },
    )];
    if !of.runs.is_empty() {
        let level = |at: &(f64, f64)| Layer::Line {
            points: vec![(-0.5, at.0), (0.5, at.0)],
            colour: COLOURS[1].into(),
            width: 1.2,
            dash: Dash::Dashed,
        };
        let mut layers: Vec<Layer> = of.stable.iter().map(level).collect();
        layers.push(dots(of.runs.clone(), 0, 3.5));
        out.push(figure(
            "Differences of phase in runs of the pair",
            &format!(
                "At the end of {} ms against the beginning; dashed, what weak coupling predicts.",
                significant(of.duration, 4)
            ),
            Panel {
                x_label: "difference at the beginning".into(),
                y_label: "difference at the end".into(),
                x,
                y: (-0.55, 0.55),
                layers,
                ..Panel::default()
            },
        ));
    }
    out
}

impl MeasuredPhase {
    fn bench(&self) -> Bench {
        let r = &self.response;
        let (cell, place) = (&self.cell.0, &self.cell.1);
        Bench {
            title: format!("Phase response of {cell}"),
            heading: format!("{cell}, pipette at {place}, type {}, {:.1} degC", r.kind(), self.temperature - 273.15),
            notes: vec![note(r)],
            columns: vec!["pipette".into()],
            rows: rows(&[r]),
            figures: figures(&[(cell, r)]),
        }
    }

    /// The table for the terminal.
    #[must_use]
    pub fn terminal(&self) -> String {
        let mut out = self.bench().terminal();
        out.push_str(&format!("\n  {:>9}{:>12}{:>12}\n", "phase", "settled", "first"));
        out.push_str(&format!("  {:>9}{:>24}\n", "", "periods/pC"));
        for p in &self.response.points {
            let [a, b] = [p.settled, p.first].map(|x| significant(x, 4));
            out.push_str(&format!("  {:>9.4}{a:>12}{b:>12}\n", p.phase));
        }
        out
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "cell": self.cell.0, "place": self.cell.1, "temperature_K": self.temperature, "numbers": self.bench().numbers(),
            "phase_response": json_of(&self.response),
        })
    }

    /// The page.
    #[must_use]
    pub fn html(&self, version: &str) -> String {
        self.bench().html(version)
    }
}
