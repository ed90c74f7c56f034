//! Frames as pictures, and all of them in one that moves.

use super::{Film, Frame, Outline, concentration};
use std::fmt::Write as _;

/// Radius of the cleft in the picture, and its margins.
const R: f64 = 250.0;
const TOP: f64 = 74.0;
const SIDE: f64 = 30.0;
const BELOW: f64 = 64.0;
/// Seconds that a film takes.
const SECONDS: f64 = 16.0;
/// Colours of Okabe & Ito (2008): molecules, receptors that hold some, open ones.
const FREE: &str = "#0072B2";
const BOUND: &str = "#E69F00";
const OPEN: &str = "#D55E00";

fn pixel(outline: &Outline, [x, y]: [f32; 2]) -> (f64, f64) {
    let scale = R / outline.radius;
    (SIDE + R + f64::from(x) * scale, TOP + R - f64::from(y) * scale)
}

/// The ground: title, rim, scale, what the colours are.
fn ground(film: &Film, out: &mut String) {
    let o = &film.outline;
    let (width, height) = (2.0 * (R + SIDE), 2.0 * R + TOP + BELOW);
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"15\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{SIDE}\" y=\"28\" font-size=\"18\" font-weight=\"600\">{2}: {3} from above, trial {4}</text>\n\
         <circle cx=\"{0}\" cy=\"{1}\" r=\"{R}\" fill=\"#f6f6f4\" stroke=\"#555\"/>\n",
        SIDE + R,
        TOP + R,
        o.synapse,
        o.transmitter,
        film.trial
    );
    // A round length of about a quarter of the disc.
    let nm =
        [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0].into_iter().rfind(|l| *l <= 500.0 * o.radius).unwrap_or(10.0);
    let (long, y) = (nm * 1e-3 * R / o.radius, 2.0 * R + TOP + 34.0);
    let _ = writeln!(
        out,
        "<path d=\"M{0} {y}h{long:.1}\" stroke=\"#111\" stroke-width=\"2\"/><text x=\"{0}\" y=\"{1}\">{nm} nm</text>",
        SIDE,
        y + 20.0
    );
    let mut x = SIDE + long.max(60.0) + 30.0;
    let names = format!("{}: free", o.receptors.join(", "));
    let all = [
        (format!("r=\"3\" fill=\"{FREE}\""), o.transmitter.as_str()),
        ("r=\"4\" fill=\"#fff\" stroke=\"#777\"".to_owned(), names.as_str()),
        (format!("r=\"4\" fill=\"{BOUND}\" stroke=\"#777\""), "bound"),
        (format!("r=\"6\" fill=\"{OPEN}\" stroke=\"#111\""), "open"),
    ];
    for (look, name) in all {
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" {look}/><text x=\"{}\" y=\"{}\">{name}</text>",
            x + 12.0,
            y + 5.0
        );
        x += 34.0 + 7.5 * name.chars().count() as f64;
    }
}

/// What moves.
fn content(outline: &Outline, frame: &Frame, out: &mut String) {
    for spot in &frame.receptors {
        let (x, y) = pixel(outline, spot.place);
        let look = match (spot.open, spot.bound) {
            (true, _) => format!("r=\"6\" fill=\"{OPEN}\" stroke=\"#111\""),
            (false, true) => format!("r=\"4\" fill=\"{BOUND}\" stroke=\"#777\""),
            (false, false) => "r=\"4\" fill=\"#fff\" stroke=\"#777\"".to_owned(),
        };
        let _ = write!(out, "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" {look}/>");
    }
    // Dots of one stroke: a film has a hundred thousand.
    let _ = write!(out, "<path stroke=\"{FREE}\" stroke-width=\"4\" stroke-linecap=\"round\" fill=\"none\" d=\"");
    for at in &frame.molecules {
        let (x, y) = pixel(outline, *at);
        let _ = write!(out, "M{x:.0} {y:.0}h0");
    }
    let open = frame.receptors.iter().filter(|r| r.open).count();
    let _ = writeln!(
        out,
        "\"/><text x=\"{SIDE}\" y=\"54\">{:.0} \u{b5}s after the fusion: {} free in the cleft ({:.2} mM), {open} channel{} open</text>",
        1e3 * frame.at,
        frame.molecules.len(),
        concentration(outline, frame.molecules.len()),
        if open == 1 { "" } else { "s" }
    );
}

/// A frame as a picture of its own, SVG.
#[must_use]
pub fn frame(film: &Film, k: usize) -> String {
    let mut out = String::new();
    ground(film, &mut out);
    content(&film.outline, &film.frames[k], &mut out);
    out.push_str("</svg>\n");
    out
}

/// All frames in one picture that moves over and over, SVG.
#[must_use]
pub fn movie(film: &Film) -> String {
    let mut out = String::with_capacity(1 << 20);
    ground(film, &mut out);
    let n = film.frames.len().max(1);
    for (k, frame) in film.frames.iter().enumerate() {
        let (from, to) = (k as f64 / n as f64, (k + 1) as f64 / n as f64);
        let (values, times) = match (k == 0, k + 1 == n) {
            (true, true) => ("visible".to_owned(), "0".to_owned()),
            (true, false) => ("visible;hidden".to_owned(), format!("0;{to:.5}")),
            (false, true) => ("hidden;visible".to_owned(), format!("0;{from:.5}")),
            (false, false) => ("hidden;visible;hidden".to_owned(), format!("0;{from:.5};{to:.5}")),
        };
        let shown = if k == 0 { "visible" } else { "hidden" };
        let _ = write!(
            out,
            "<g visibility=\"{shown}\"><animate attributeName=\"visibility\" values=\"{values}\" keyTimes=\"{times}\" \
             dur=\"{SECONDS}s\" calcMode=\"discrete\" repeatCount=\"indefinite\"/>"
        );
        content(&film.outline, frame, &mut out);
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}
