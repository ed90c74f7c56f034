//! An entry brought to life: a picture of what its kind is for, and the numbers one reads off it.

mod junction;

use crate::lower::{self, LowerError, LoweredScheme, observable};
use crate::plot::{Picture, Series};
use crate::response::{self, CourseError, Protocol, ResponseError};
use model::catalogue::Entry;
use model::read::Number;
use model::resolve::Part;
use model::units::{Dimension, Quantity};
use numerics::math;
use thiserror::Error;

/// What an entry is shown with; `None` leaves it to the kind.
#[derive(Debug, Clone, Default)]
pub struct Stimulus {
    /// Ligand or calcium, mM.
    pub concentration: Option<f64>,
    /// ms
    pub duration: Option<f64>,
    /// mV
    pub v_m: Option<f64>,
    /// Copies of the realisation.
    pub copies: u32,
    /// Its seed.
    pub seed: u64,
}

/// The picture and its numbers.
#[derive(Debug, Clone)]
pub struct Portrait {
    /// What was done.
    pub doing: String,
    /// What was read off.
    pub findings: Vec<(String, Quantity)>,
    /// The picture.
    pub picture: Option<Picture>,
}

/// Why an entry could not be shown.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum PortraitError {
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    Response(#[from] ResponseError),
    #[error(transparent)]
    Course(#[from] CourseError),
}

const REST_CALCIUM: f64 = 5e-5;
const REST_VOLTAGE: f64 = -70.0;

fn q(value: f64, dimension: Dimension) -> Quantity {
    Quantity { value, dimension }
}

fn say(value: f64, dimension: Dimension) -> String {
    q(value, dimension).to_string()
}

/// Shows an entry at the temperature of `part`.
///
/// # Errors
/// A scheme whose rates come out wrong at these values.
pub fn portrait(entry: &Entry, part: &Part, with: &Stimulus) -> Result<Portrait, PortraitError> {
    let at = format!("{:.1} degC", part.temperature - 273.15);
    let scheme = part.scheme.as_ref().map(|_| lower::scheme(part)).transpose()?;
    let mut portrait = match (entry.kind, &scheme) {
        ("receptor", Some(s)) => receptor(entry, s, with)?,
        ("sensor", Some(s)) => sensor(entry, s, with)?,
        ("buffer", Some(s)) => buffer(entry, part, s)?,
        ("transporter" | "enzyme", Some(s)) => transporter(entry, s)?,
        ("channel", Some(s)) => channel(s, with)?,
        ("channel", None) if !part.gates.is_empty() => gates(part)?,
        ("connexin", s) => junction::junction(part, s.as_ref(), with)?,
        ("block", _) => block(part, with),
        ("pool", _) => pool(part),
        _ => Portrait {
            doing: "nothing to plot: its parts have entries of their own".into(),
            findings: Vec::new(),
            picture: None,
        },
    };
    if let Some(p) = &mut portrait.picture {
        p.title = format!("{} ({at})", entry.name);
    }
    portrait.doing = format!("{}, {at}", portrait.doing);
    Ok(portrait)
}

fn copies(with: &Stimulus, what: &str) -> String {
    format!("{} {what}, seed {}", with.copies, with.seed)
}

/// The stimulus of the entry's own check of this protocol, if it has one.
fn checked(entry: &Entry, protocol: &str, field: &str) -> Option<f64> {
    entry.body.list("check").iter().find(|c| c.word("protocol") == Some(protocol))?.number(field).map(Number::value)
}

fn receptor(entry: &Entry, s: &LoweredScheme, with: &Stimulus) -> Result<Portrait, PortraitError> {
    let c = with.concentration.or(checked(entry, "pulse", "concentration")).unwrap_or(1.0);
    let d = with.duration.or(checked(entry, "pulse", "duration")).unwrap_or(1.0);
    let v_m = with.v_m.unwrap_or(REST_VOLTAGE);
    let none = vec![0.0; s.kinetics.ligands()];
    let mut ligands = none.clone();
    if let Some(l) = ligands.first_mut() {
        *l = c;
    }
    // Without ligand, or with hardly any, there is no peak to measure; the course is shown all the same.
    let pulse = response::pulse(s, 0, c, d, v_m).ok();
    let window = pulse.as_ref().map_or(10.0 * d, |p| (p.t_peak + 4.0 * p.decay_1e).max(1.5 * d));
    let protocol = Protocol { rest: (v_m, none), stimulus: (v_m, ligands), lasting: d, window };
    let course = response::course(s, &entry.name, &protocol, observable::OPEN, with.copies, with.seed)?;
    let ligand = entry.ligands().first().cloned().unwrap_or_default();
    let pair = |y: &[f64]| course.t.iter().copied().zip(y.iter().copied()).collect();
    let series = vec![
        Series { label: "mean".into(), points: pair(&course.mean), jumps: false },
        Series { label: copies(with, "channels"), points: pair(&course.jumps), jumps: true },
    ];
    let mut findings = Vec::new();
    if let Some(p) = pulse {
        findings.push(("peak open probability".into(), q(p.peak_open, Dimension::NONE)));
        for (name, time) in [
            ("time of the peak", p.t_peak),
            ("rise, 10 to 90 %", p.rise_10_90),
            ("half-decay", p.half_decay),
            ("decay to 1/e", p.decay_1e),
        ] {
            findings.push((name.to_owned(), q(time, Dimension::TIME)));
        }
    }
    if let Ok(ec50) = response::dose_response(s, 0, v_m) {
        findings.push((format!("EC50 of the peak, {ligand}"), q(ec50, Dimension::CONCENTRATION)));
    }
    let picture = Picture {
        title: String::new(),
        x_label: "time (ms)".into(),
        y_label: "open probability".into(),
        log_x: false,
        log_y: false,
        series,
    };
    Ok(Portrait {
        doing: format!("{} {ligand} for {}", say(c, Dimension::CONCENTRATION), say(d, Dimension::TIME)),
        findings,
        picture: Some(picture),
    })
}

fn sensor(entry: &Entry, s: &LoweredScheme, with: &Stimulus) -> Result<Portrait, PortraitError> {
    let peak = with.concentration.unwrap_or(0.02);
    let v_m = with.v_m.unwrap_or(REST_VOLTAGE);
    let levels: Vec<f64> = (0..=48).map(|i| 5e-4 * math::pow(10.0, f64::from(i) / 18.0)).collect();
    let mut curve = Vec::with_capacity(levels.len());
    for &c in &levels {
        curve.push((1e3 * c, response::calcium_step(s, REST_CALCIUM, c, v_m)?));
    }
    let at = |c: f64| response::calcium_step(s, REST_CALCIUM, c, v_m);
    let d = with.duration.unwrap_or(1.0);
    let protocol = Protocol { rest: (v_m, vec![REST_CALCIUM]), stimulus: (v_m, vec![peak]), lasting: d, window: d };
    let course = response::course(s, &entry.name, &protocol, observable::ABSORBED, with.copies, with.seed)?;
    let last = |y: &[f64]| y.last().copied().unwrap_or(0.0);
    let mut findings = vec![
        ("peak rate at 10 uM".into(), q(at(0.01)?, Dimension::RATE)),
        ("log-log slope, 2 to 5 uM".into(), q(math::ln(at(0.005)? / at(0.002)?) / math::ln(2.5), Dimension::NONE)),
    ];
    // A transient that calcium at rest outdoes has no peak to measure.
    if let Ok(t) = response::calcium_transient(s, REST_CALCIUM, peak, 0.45, v_m) {
        let name = format!("release, transient to {} (0.45 ms)", say(peak, Dimension::CONCENTRATION));
        findings.push((name, q(t.p_release, Dimension::NONE)));
        findings.push(("  its lag behind calcium".into(), q(t.lag, Dimension::TIME)));
        findings.push(("  its width".into(), q(t.rate_fwhm, Dimension::TIME)));
    }
    let name = format!("fused after {} at {}, mean", say(d, Dimension::TIME), say(peak, Dimension::CONCENTRATION));
    findings.push((name, q(last(&course.mean), Dimension::NONE)));
    findings.push((format!("  {}", copies(with, "vesicles")), q(last(&course.jumps), Dimension::NONE)));
    let picture = Picture {
        title: String::new(),
        x_label: "calcium (uM)".into(),
        y_label: "peak release rate (/ms per vesicle)".into(),
        log_x: true,
        log_y: true,
        series: vec![Series { label: "steps from 50 nM".into(), points: curve, jumps: false }],
    };
    Ok(Portrait { doing: "calcium steps from 50 nM, held".into(), findings, picture: Some(picture) })
}

fn dose(
    s: &LoweredScheme,
    ligand: usize,
    low: f64,
    high: f64,
    mut y: impl FnMut(&LoweredScheme, &[f64]) -> Result<f64, ResponseError>,
) -> Result<Vec<(f64, f64)>, ResponseError> {
    let decades = math::log10(high / low);
    (0..=80)
        .map(|i| {
            let c = low * math::pow(10.0, decades * f64::from(i) / 80.0);
            let mut ligands = vec![0.0; s.kinetics.ligands()];
            ligands[ligand] = c;
            Ok((1e3 * c, y(s, &ligands)?))
        })
        .collect()
}

fn buffer(entry: &Entry, part: &Part, s: &LoweredScheme) -> Result<Portrait, PortraitError> {
    let ion = entry.body.table("buffer").and_then(|b| b.text("ion")).unwrap_or("ca").to_owned();
    let ligand = entry.ligands().iter().position(|l| *l == ion).unwrap_or(0);
    // Bound ions per molecule: every step that takes one up raises the count of its state by one.
    let states = part.scheme.as_ref().map_or(0, |s| s.states.len());
    let mut bound = vec![None; states];
    bound[0] = Some(0.0f64);
    for _ in 0..states {
        for step in part.scheme.iter().flat_map(|s| &s.steps) {
            let change = f64::from(u8::from(step.takes_up == Some(ligand)))
                - f64::from(u8::from(step.gives_off == Some(ligand)));
            if let (Some(n), None) = (bound[step.from], bound[step.to]) {
                bound[step.to] = Some(n + change);
            }
        }
    }
    let bound: Vec<f64> = bound.into_iter().map(|b| b.unwrap_or(0.0)).collect();
    let sites = bound.iter().copied().fold(0.0, f64::max).max(1.0);
    let filled =
        |s: &LoweredScheme, ligands: &[f64]| s.rest(REST_VOLTAGE, ligands).map(|p| response::dot(&p, &bound) / sites);
    let curve = dose(s, ligand, 1e-6, 1.0, filled)?;
    let half = |x: f64| {
        let mut ligands = vec![0.0; s.kinetics.ligands()];
        ligands[ligand] = math::exp(x);
        filled(s, &ligands).map_or(f64::NAN, |y| y - 0.5)
    };
    let k_d =
        math::exp(numerics::bracket::root(half, math::ln(1e-9), math::ln(1e3), 1e-10).map_err(ResponseError::from)?);
    let findings = vec![
        ("sites".into(), q(sites, Dimension::NONE)),
        (format!("{ion} at which half of them are filled"), q(k_d, Dimension::CONCENTRATION)),
    ];
    let picture = Picture {
        title: String::new(),
        x_label: format!("{ion} (uM)"),
        y_label: "share of sites filled".into(),
        log_x: true,
        log_y: false,
        series: vec![Series { label: "at equilibrium".into(), points: curve, jumps: false }],
    };
    Ok(Portrait { doing: format!("{ion} held until settled"), findings, picture: Some(picture) })
}

fn transporter(entry: &Entry, s: &LoweredScheme) -> Result<Portrait, PortraitError> {
    let substrate = entry.body.table("transport").and_then(|t| t.text("substrate")).unwrap_or_default().to_owned();
    let ligand = entry.ligands().iter().position(|l| *l == substrate).unwrap_or(0);
    let (top, k_m) = response::turnover(s, ligand, REST_VOLTAGE)?;
    let curve = dose(s, ligand, k_m / 1e3, k_m * 1e3, |s, ligands| {
        Ok(1e3 * response::uptake(s, ligand, ligands[ligand], REST_VOLTAGE)?)
    })?;
    let findings = vec![
        ("turnover at saturation".into(), q(top, Dimension::RATE)),
        ("half of it at, K_m".into(), q(k_m, Dimension::CONCENTRATION)),
    ];
    let picture = Picture {
        title: String::new(),
        x_label: format!("{substrate} (uM)"),
        y_label: "net uptake (/s per molecule)".into(),
        log_x: true,
        log_y: false,
        series: vec![Series { label: "settled".into(), points: curve, jumps: false }],
    };
    Ok(Portrait { doing: format!("{substrate} held until settled"), findings, picture: Some(picture) })
}

fn voltages() -> Vec<f64> {
    (0..=80).map(|i| -100.0 + 2.0 * f64::from(i)).collect()
}

fn channel(s: &LoweredScheme, with: &Stimulus) -> Result<Portrait, PortraitError> {
    let none = vec![0.0; s.kinetics.ligands()];
    let open = |v: f64| -> Result<f64, ResponseError> { Ok(s.open(&s.rest(v, &none)?)) };
    let mut curve = Vec::new();
    for v in voltages() {
        curve.push((v, open(v)?));
    }
    let v_m = with.v_m.unwrap_or(0.0);
    let findings = vec![
        (format!("open probability at {}", say(v_m, Dimension::VOLTAGE)), q(open(v_m)?, Dimension::NONE)),
        (
            "slowest time constant there".into(),
            q(response::slowest_time_constant(&s.held(v_m, &none)?)?, Dimension::TIME),
        ),
    ];
    let picture = Picture {
        title: String::new(),
        x_label: "voltage (mV)".into(),
        y_label: "open probability".into(),
        log_x: false,
        log_y: false,
        series: vec![Series { label: "settled".into(), points: curve, jumps: false }],
    };
    Ok(Portrait { doing: "voltage held until settled".into(), findings, picture: Some(picture) })
}

fn gates(part: &Part) -> Result<Portrait, PortraitError> {
    // Gates by calcium are shown at a concentration in which a spike leaves it.
    let inside = if part.body.reads.is_empty() { response::RESTING_CALCIUM } else { 1e-3 };
    let mut series: Vec<Series> = Vec::new();
    let mut open: Vec<(f64, f64)> = voltages().into_iter().map(|v| (v, 1.0)).collect();
    let mut findings = Vec::new();
    for gate in &part.gates {
        let mut points = Vec::with_capacity(open.len());
        for (v, p) in &mut open {
            let steady = response::gate_at(part, gate, *v, inside)?.steady;
            points.push((*v, steady));
            *p *= math::powi(steady, gate.count as i32);
        }
        series.push(Series { label: format!("gate {}", gate.name), points, jumps: false });
        let g = response::gate_at(part, gate, -65.0, inside)?;
        findings.push((format!("gate {} at -65 mV, open share", g.name), q(g.steady, Dimension::NONE)));
        findings.push((format!("gate {} at -65 mV, time constant", g.name), q(g.tau, Dimension::TIME)));
    }
    series.push(Series { label: "open channels".into(), points: open, jumps: false });
    let picture = Picture {
        title: String::new(),
        x_label: "voltage (mV)".into(),
        y_label: "share open".into(),
        log_x: false,
        log_y: false,
        series,
    };
    let of: Vec<String> = part.body.reads.iter().map(|ion| format!(", 1 uM of {ion} inside")).collect();
    let doing = format!("voltage held until settled{}", of.concat());
    Ok(Portrait { doing, findings, picture: Some(picture) })
}

/// A pool after 1 ms of 1 uA/cm2.
fn pool(part: &Part) -> Portrait {
    let Some((dynamics, valence)) = lower::pool(part) else {
        return Portrait {
            doing: "all of a compartment, whatever its size".into(),
            findings: Vec::new(),
            picture: None,
        };
    };
    let tau = (1.0 + dynamics.bound) / dynamics.removal(dynamics.rest).1;
    let step = 0.01 * tau.min(10.0);
    let mut points = vec![(0.0, 1e3 * dynamics.rest)];
    let mut c = dynamics.rest;
    let steps = ((1.0 + 4.0 * tau) / step) as u32;
    for k in 1..=steps {
        let t = f64::from(k) * step;
        // The current ends within a step.
        let share = ((1.0 - (t - step)) / step).clamp(0.0, 1.0);
        c = dynamics.after(c, -0.01 * share * f64::from(valence.signum()), valence, step);
        points.push((t, 1e3 * c));
    }
    let peak = points.iter().fold(0.0, |a: f64, p| a.max(p.1)) * 1e-3;
    let findings = vec![
        ("peak concentration".into(), q(peak, Dimension::CONCENTRATION)),
        ("time constant near rest".into(), q(tau, Dimension::TIME)),
    ];
    let picture = Picture {
        title: String::new(),
        x_label: "time (ms)".into(),
        y_label: "free concentration (uM)".into(),
        log_x: false,
        log_y: false,
        series: vec![Series { label: "concentration".into(), points, jumps: false }],
    };
    Portrait { doing: "inward current of 1 uA/cm2 for 1 ms".into(), findings, picture: Some(picture) }
}

fn block(part: &Part, with: &Stimulus) -> Portrait {
    let Some(block) = &part.block else {
        return Portrait { doing: String::new(), findings: Vec::new(), picture: None };
    };
    let share = |v: f64, c: f64| {
        block.open_fraction.expr.evaluate(&part.layout.values(&part.parameters, v, part.temperature, &[c]))
    };
    let levels = match with.concentration {
        Some(c) => vec![c],
        None => vec![0.1, 1.0, 2.0],
    };
    let series = levels
        .iter()
        .map(|&c| Series {
            label: format!("{} {}", say(c, Dimension::CONCENTRATION), block.ion),
            points: voltages().into_iter().map(|v| (v, share(v, c))).collect(),
            jumps: false,
        })
        .collect();
    let v_m = with.v_m.unwrap_or(REST_VOLTAGE);
    let findings = levels
        .iter()
        .map(|&c| {
            (
                format!(
                    "conducting at {}, {} {}",
                    say(v_m, Dimension::VOLTAGE),
                    say(c, Dimension::CONCENTRATION),
                    block.ion
                ),
                q(share(v_m, c), Dimension::NONE),
            )
        })
        .collect();
    let picture = Picture {
        title: String::new(),
        x_label: "voltage (mV)".into(),
        y_label: "share of open channels that conduct".into(),
        log_x: false,
        log_y: false,
        series,
    };
    Portrait { doing: "voltage held".into(), findings, picture: Some(picture) }
}
