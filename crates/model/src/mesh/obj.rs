//! Wavefront OBJ: of each line `v x y z`, `f i j k ..`, and the names of materials (`usemtl`), groups (`g`) and objects (`o`).
//!
//! Our own, for lines: the kept reader stops at the first fault, does not say where it is, and knows of materials only through a file of
//! theirs. It is the oracle of the tests. Faces of more than three corners are cut from the first, as everybody does.

use super::Draft;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};

/// Corners of a face, at most.
const MOST_CORNERS: usize = 1000;

/// The index of a vertex: from 1 on, or back from the last.
fn vertex(word: &str, count: usize) -> Result<u32, String> {
    let number = word.split('/').next().unwrap_or_default();
    let k: i64 = number.parse().map_err(|_| format!("`{word}` names no vertex"))?;
    let index = if k < 0 { k + count as i64 } else { k - 1 };
    if (0..count as i64).contains(&index) {
        Ok(index as u32)
    } else {
        Err(format!("there is no vertex {k}: {count} come before this line"))
    }
}

fn point(words: &[&str]) -> Result<[f64; 3], String> {
    if words.len() < 3 {
        return Err(format!("{} coordinates instead of three", words.len()));
    }
    let mut p = [0.0f64; 3];
    for (x, word) in p.iter_mut().zip(words) {
        *x = word.parse().map_err(|_| format!("`{word}` is no number"))?;
        if !x.is_finite() {
            return Err(format!("a coordinate is {x}"));
        }
    }
    // A fourth is a weight; six are a point and its colour.
    if let [weight] = words[3..] {
        let weight: f64 = weight.parse().map_err(|_| format!("`{weight}` is no number"))?;
        if !(weight.is_finite() && weight != 0.0) {
            return Err(format!("a weight is {weight}"));
        }
        p = p.map(|x| x / weight);
    }
    Ok(p)
}

pub(super) fn read(draft: &mut Draft, out: &mut Diagnostics) {
    let text = draft.text;
    // A material says more than a group, and a group more than an object.
    let with_materials = text.lines().any(|l| l.trim_start().starts_with("usemtl"));
    let names = if with_materials { &["usemtl"][..] } else { &["g", "o"] };
    // Its number comes with its first face.
    let (mut name, mut part) = ("unnamed".to_owned(), None);
    for (range, line) in super::lines(text) {
        let body = line.split('#').next().unwrap_or_default().trim_end();
        let mut words = body.split_whitespace();
        let Some(key) = words.next() else { continue };
        let rest: Vec<&str> = words.collect();
        let span = Span { file: draft.at.file, range: range.start..range.start + body.len() };
        let fault = |message: String, hint: &str| Diagnostic::error(message, span.clone()).hint(hint);
        match key {
            _ if body.ends_with('\\') => {
                out.push(fault("a line that goes on in the next".into(), "write each face in one line"));
            }
            "v" => match point(&rest) {
                Ok(p) => draft.surface.vertices.push(p),
                Err(message) => {
                    // Its number stays, so that others are not told to be missing.
                    draft.surface.vertices.push([0.0; 3]);
                    out.push(fault(message, "a vertex is a line `v x y z`"));
                }
            },
            "f" if rest.len() < 3 || rest.len() > MOST_CORNERS => {
                let message = format!("a face of {} corners", rest.len());
                out.push(fault(message, "a face is a line `f i j k` of three vertices, or more"));
            }
            "f" => {
                let count = draft.surface.vertices.len();
                let corners: Result<Vec<u32>, String> = rest.iter().map(|w| vertex(w, count)).collect();
                let own = match part {
                    None => draft.part(&name),
                    some => some,
                };
                match (corners, own) {
                    (Ok(c), Some(own)) => {
                        part = Some(own);
                        for k in 1..c.len() - 1 {
                            draft.surface.triangles.push([c[0], c[k], c[k + 1]]);
                            draft.surface.regions.push(own);
                            draft.lines.push(span.clone());
                        }
                    }
                    (Err(message), _) => out.push(fault(message, "vertices are counted from 1, or back from -1")),
                    (_, None) => return out.push(draft.too_many_parts()),
                }
            }
            _ if names.contains(&key) => {
                name = if rest.is_empty() { "unnamed".to_owned() } else { rest.join(" ") };
                part = None;
            }
            // Textures, normals, lines, curves, files of materials: nothing of the shape.
            _ => {}
        }
        if out.crowded() {
            return;
        }
    }
}
