//! A cleft of single molecules from above: densities of the transmitter at a few moments, and which receptors are open at the peak.

use super::Recording;
use super::numbers::significant;
use super::space::{Scale, wide};
use super::words::receptor;
use crate::film::{ACROSS, Seen};
use numerics::math;
use std::f64::consts::LN_10;
use std::fmt::Write as _;

/// Width of the picture, and of each disc in it.
const WIDTH: f64 = 1000.0;
const R: f64 = 82.0;
const GAP: f64 = 14.0;
/// Room at the right for the scale of colours.
const LEGEND: f64 = 70.0;
/// Decades of the scale.
const DECADES: f64 = 2.5;
/// Clefts that are shown.
const CLEFTS: usize = 4;

/// Pictures of all clefts of single molecules, numbered from `number` on; gives the next number.
pub fn pictures(r: &Recording, mut number: usize, out: &mut String) -> usize {
    let seen: Vec<_> = r.conditions.iter().flat_map(|c| c.clefts.iter().map(move |s| (c, s))).collect();
    if seen.is_empty() {
        return number;
    }
    out.push_str("<h2>The cleft from above</h2>\n");
    for (c, s) in seen.iter().take(CLEFTS) {
        let of = if r.conditions.len() > 1 { format!(", {}", c.shown()) } else { String::new() };
        let o = &s.outline;
        let open = s.open.1.iter().filter(|r| r.open).count();
        let names: Vec<String> = o.receptors.iter().map(|n| receptor(n)).collect();
        let caption = format!(
            "Free {} between the membranes, mean over {} trial{} with a release, after the first vesicle fused in the middle. Right: \
             receptors ({}) of one trial, {} \u{b5}s after it, when most are open ({open}): open ones dark and large, those that hold \
             transmitter lighter, free ones rings.",
            o.transmitter,
            s.trials,
            if s.trials == 1 { "" } else { "s" },
            names.join(", "),
            significant(1e3 * s.open.0, 3),
        );
        wide(out, number, &format!("{} from above{of}", o.synapse), &svg(s), &caption);
        number += 1;
    }
    if seen.len() > CLEFTS {
        let _ = writeln!(out, "<p>And {} more clefts.</p>", seen.len() - CLEFTS);
    }
    number
}

fn svg(s: &Seen) -> String {
    let mut out = String::new();
    let most = s.moments.iter().flat_map(|m| &m.1).copied().fold(1e-12, f64::max);
    let high = math::ln(most) / LN_10;
    let scale = Scale { low: high - DECADES, high };
    let height = 2.0 * R + 62.0;
    let _ = write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" font-size=\"14\">"
    );
    let middle = 30.0 + R;
    let side = 2.0 * R / ACROSS as f64;
    for (k, (at, map)) in s.moments.iter().enumerate() {
        let x = GAP + R + k as f64 * (2.0 * R + GAP);
        let _ = write!(
            out,
            "<text x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">{} \u{b5}s</text>",
            significant(1e3 * at, 3)
        );
        let _ = write!(
            out,
            "<clipPath id=\"disc{k}\"><circle cx=\"{x:.1}\" cy=\"{middle}\" r=\"{R}\"/></clipPath><g clip-path=\"url(#disc{k})\">"
        );
        let _ = write!(out, "<circle cx=\"{x:.1}\" cy=\"{middle}\" r=\"{R}\" fill=\"{}\"/>", Scale::colour(0));
        for (cell, mm) in map.iter().enumerate().filter(|(_, mm)| **mm > 0.0) {
            let step = scale.step(math::ln(*mm) / LN_10);
            let (i, j) = (cell % ACROSS, cell / ACROSS);
            let _ = write!(
                out,
                "<rect x=\"{:.2}\" y=\"{:.2}\" width=\"{3:.2}\" height=\"{3:.2}\" fill=\"{2}\"/>",
                x - R + i as f64 * side,
                middle + R - (j + 1) as f64 * side,
                Scale::colour(step),
                side + 0.3
            );
        }
        let _ = write!(out, "</g><circle cx=\"{x:.1}\" cy=\"{middle}\" r=\"{R}\" fill=\"none\" stroke=\"#555\"/>");
    }
    let x = GAP + R + s.moments.len() as f64 * (2.0 * R + GAP);
    let _ = write!(
        out,
        "<text x=\"{x:.1}\" y=\"18\" text-anchor=\"middle\">receptors</text><circle cx=\"{x:.1}\" cy=\"{middle}\" r=\"{R}\" fill=\"#f6f6f4\" stroke=\"#555\"/>"
    );
    let mut spots: Vec<_> = s.open.1.iter().collect();
    spots.sort_by_key(|r| (r.open, r.bound));
    for spot in spots {
        let [px, py] = spot.place.map(|v| f64::from(v) * R / s.outline.radius);
        let look = match (spot.open, spot.bound) {
            (true, _) => "r=\"3.4\" fill=\"#D55E00\" stroke=\"#111\"",
            (false, true) => "r=\"2.2\" fill=\"#E69F00\" stroke=\"#777\" stroke-width=\"0.6\"",
            (false, false) => "r=\"2.2\" fill=\"none\" stroke=\"#999\" stroke-width=\"0.7\"",
        };
        let _ = write!(out, "<circle cx=\"{:.1}\" cy=\"{:.1}\" {look}/>", x + px, middle - py);
    }
    // The scale of colours, in decades.
    let (bar, top, bottom) = (WIDTH - LEGEND, middle - R, middle + R);
    Scale::column(bar, (top, bottom), &mut out);
    let mut decade = scale.low.ceil();
    while decade <= scale.high {
        let y = bottom - (decade - scale.low) / DECADES * (bottom - top);
        let shown = significant(math::exp(decade * LN_10), 1);
        let _ = write!(
            out,
            "<path d=\"M{:.1} {y:.1}h5\" stroke=\"#111\"/><text x=\"{:.1}\" y=\"{:.1}\">{shown}</text>",
            bar + 14.0,
            bar + 22.0,
            y + 4.5
        );
        decade += 1.0;
    }
    let _ = write!(out, "<text x=\"{bar:.1}\" y=\"18\">mM</text>");
    // A round length.
    let lengths = [10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
    let nm = lengths.into_iter().rfind(|l| *l <= 1000.0 * s.outline.radius).unwrap_or(10.0);
    let _ = write!(
        out,
        "<path d=\"M{GAP} {0:.1}h{1:.1}\" stroke=\"#111\" stroke-width=\"2\"/><text x=\"{2:.1}\" y=\"{3:.1}\">{nm} nm</text></svg>",
        bottom + 16.0,
        nm * 1e-3 * R / s.outline.radius,
        GAP + 8.0 + nm * 1e-3 * R / s.outline.radius,
        bottom + 21.0
    );
    out
}
