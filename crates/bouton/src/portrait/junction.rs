//! A gap-junction channel: what it conducts against the voltage across, at once and after long.

use super::{Portrait, PortraitError, Stimulus, q, say};
use crate::lower::LoweredScheme;
use crate::plot::{Picture, Series};
use crate::response::{self, ResponseError};
use model::junction;
use model::resolve::Part;
use model::units::Dimension;

/// The voltages across that are shown, mV.
fn across() -> impl Iterator<Item = f64> {
    (0..=120).map(|i| -120.0 + 2.0 * f64::from(i))
}

pub(super) fn junction(
    part: &Part,
    scheme: Option<&LoweredScheme>,
    with: &Stimulus,
) -> Result<Portrait, PortraitError> {
    let steady = |v: f64| junction::steady(part, v).map_err(ResponseError::from);
    let at_once = |v: f64| junction::at_once(part, v).map_err(ResponseError::from);
    let rest = steady(0.0)?;
    let mut curves: [Vec<(f64, f64)>; 2] = Default::default();
    for v in across() {
        curves[0].push((v, steady(v)? / rest));
        curves[1].push((v, at_once(v)? / rest));
    }
    let v = with.v_m.unwrap_or(60.0);
    let mut findings = Vec::new();
    if let Some(unitary) = part.unitary {
        findings.push(("unitary conductance".to_owned(), q(unitary, Dimension::CONDUCTANCE)));
    }
    findings.push(("share of it that conducts at 0 mV across".into(), q(rest, Dimension::NONE)));
    for v in [v, -v] {
        let name = format!("conductance at {} across over that at 0 mV, settled", say(v, Dimension::VOLTAGE));
        findings.push((name, q(steady(v)? / rest, Dimension::NONE)));
    }
    let [settled, once] = curves;
    let mut series = vec![Series { label: "settled".into(), points: settled, jumps: false }];
    if let Some(scheme) = scheme {
        let held = scheme.held(v, &vec![0.0; scheme.kinetics.ligands()])?;
        let name = format!("slowest time constant at {}", say(v, Dimension::VOLTAGE));
        findings.push((name, q(response::slowest_time_constant(&held)?, Dimension::TIME)));
        series.push(Series { label: "at once".into(), points: once, jumps: false });
    }
    let sides = part.body.body.table("junction").map_or(&[][..], |j| j.texts("sides"));
    let whose = match sides {
        [first, second] => format!(", {} less {}", first.0, second.0),
        _ => String::new(),
    };
    let picture = Picture {
        title: String::new(),
        x_label: format!("voltage across (mV){whose}"),
        y_label: "conductance over that at 0 mV".into(),
        log_x: false,
        log_y: false,
        series,
    };
    let doing = match scheme {
        Some(_) => "voltage across held, at once and until settled",
        None => "voltage across held",
    };
    Ok(Portrait { doing: doing.into(), findings, picture: Some(picture) })
}
