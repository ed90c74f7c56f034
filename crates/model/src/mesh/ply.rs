//! PLY: elements `vertex` (x, y, z) and `face` (vertex_indices or vertex_index, and perhaps a number of its part). Read by `ply-rs-bw`.

use super::{Draft, PARTS};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use ply_rs_bw::parser::{ParseError, Parser, Reader};
use ply_rs_bw::ply::{ElementDef, Encoding, Header, Property, PropertyAccess, PropertyAccessResult, PropertyType};
use std::io::Cursor;

/// Corners of a face, at most.
const MOST_CORNERS: usize = 1000;
/// Bytes of a head that are looked at for its format.
const HEAD: usize = 4096;

/// Any element.
#[derive(Default)]
struct Element {
    at: [f64; 3],
    corners: Vec<i64>,
    part: Option<i64>,
    /// Which of PARTS the part is from.
    rank: usize,
}

impl PropertyAccess for Element {
    fn new() -> Self {
        Self { rank: PARTS.len(), ..Self::default() }
    }

    fn set_property(&mut self, name: &str, property: Property) -> PropertyAccessResult {
        let list = |p: &Property| -> Option<Vec<i64>> {
            Some(match p {
                Property::ListChar(v) => v.iter().map(|x| i64::from(*x)).collect(),
                Property::ListUChar(v) => v.iter().map(|x| i64::from(*x)).collect(),
                Property::ListShort(v) => v.iter().map(|x| i64::from(*x)).collect(),
                Property::ListUShort(v) => v.iter().map(|x| i64::from(*x)).collect(),
                Property::ListInt(v) => v.iter().map(|x| i64::from(*x)).collect(),
                Property::ListUInt(v) => v.iter().map(|x| i64::from(*x)).collect(),
                _ => return None,
            })
        };
        let whole = |p: &Property| match p {
            Property::Char(x) => Some(i64::from(*x)),
            Property::UChar(x) => Some(i64::from(*x)),
            Property::Short(x) => Some(i64::from(*x)),
            Property::UShort(x) => Some(i64::from(*x)),
            Property::Int(x) => Some(i64::from(*x)),
            Property::UInt(x) => Some(i64::from(*x)),
            _ => None,
        };
        match name {
            "x" | "y" | "z" => {
                let x = match &property {
                    Property::Float(x) => Some(f64::from(*x)),
                    Property::Double(x) => Some(*x),
                    other => whole(other).map(|x| x as f64),
                };
                self.at[usize::from(name.as_bytes()[0] - b'x')] = x.unwrap_or(f64::NAN);
            }
            "vertex_indices" | "vertex_index" => self.corners = list(&property).unwrap_or_default(),
            other => {
                let rank = PARTS.iter().position(|p| *p == other);
                if let (Some(rank), Some(part)) = (rank.filter(|r| *r < self.rank), whole(&property)) {
                    (self.rank, self.part) = (rank, Some(part));
                } else {
                    return PropertyAccessResult::Ignored;
                }
            }
        }
        PropertyAccessResult::Set
    }
}

pub(super) fn is_text(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]);
    !head.lines().any(|l| l.trim().starts_with("format binary"))
}

/// What a head lacks.
fn lacking(header: &Header) -> Option<(&'static str, &'static str)> {
    let has = |e: &ElementDef, names: &[&str]| names.iter().any(|n| e.properties.contains_key(*n));
    let Some(vertex) = header.elements.get("vertex") else {
        return Some(("no vertices", "an element `vertex` with the properties x, y and z"));
    };
    if !["x", "y", "z"].iter().all(|n| has(vertex, &[n])) {
        return Some(("vertices without places", "properties x, y and z of an element `vertex`"));
    }
    let Some(face) = header.elements.get("face") else {
        return Some(("no faces", "an element `face`: a surface, not a cloud of points"));
    };
    let listed = |n: &str| face.properties.get(n).is_some_and(|p| matches!(p.data_type, PropertyType::List(..)));
    if !listed("vertex_indices") && !listed("vertex_index") {
        return Some(("faces without vertices", "a property `vertex_indices` of an element `face`, a list"));
    }
    None
}

pub(super) fn read(draft: &mut Draft, bytes: &[u8], out: &mut Diagnostics) {
    let text = draft.text;
    let all: Vec<std::ops::Range<usize>> = super::lines(text).map(|l| l.0).collect();
    let file = draft.at.file;
    // Line k, from 1.
    let line = |k: usize| all.get(k.wrapping_sub(1)).map(|r| Span { file, range: r.clone() });
    let told = |e: &ParseError, at: &Span| {
        let all = e.to_string();
        let first = all.lines().next().unwrap_or_default();
        let first = first.split_once(": ").filter(|_| e.line().is_some()).map_or(first, |m| m.1).trim_end_matches('.');
        let why = all.lines().find_map(|l| l.trim().strip_prefix("Error: "));
        let message = why.map_or(first.to_owned(), |why| format!("{first}: {why}"));
        let place = e.line().and_then(line).unwrap_or_else(|| at.clone());
        Diagnostic::error(message, place).hint("a PLY file of vertices and faces, whole")
    };
    let parser = Parser::<Element>::new();
    let mut reader = Reader::new(Cursor::new(bytes));
    let header = match parser.read_header(&mut reader) {
        Ok(header) => header,
        Err(e) => return out.push(told(&e, &draft.at)),
    };
    if let Some((what, cure)) = lacking(&header) {
        return out.push(Diagnostic::error(what, draft.at.clone()).hint(cure));
    }
    // The first line after the head.
    let head = reader.line();
    let payload = match parser.read_payload(&mut reader, &header) {
        Ok(payload) => payload,
        Err(e) => return out.push(told(&e, &draft.at)),
    };
    let first = |name: &str| {
        let before = header.elements.iter().take_while(|e| e.0 != name);
        head + before.map(|e| e.1.count).sum::<usize>()
    };
    let is_text = header.encoding == Encoding::Ascii;
    let place = |name: &str, k: usize| if is_text { line(first(name) + k) } else { None };
    let fault = |message: String, place: Option<Span>, hint: &str, at: &Span| {
        Diagnostic::error(message, place.unwrap_or_else(|| at.clone())).hint(hint)
    };
    let empty = Vec::new();
    let vertices = payload.get("vertex").unwrap_or(&empty);
    for (k, v) in vertices.iter().enumerate() {
        if !v.at.iter().all(|x| x.is_finite()) && !out.crowded() {
            let message = format!("vertex {k} has a coordinate that is no number");
            out.push(fault(message, place("vertex", k), "write the file again from sound coordinates", &draft.at));
        }
        draft.surface.vertices.push(v.at);
    }
    for (k, f) in payload.get("face").unwrap_or(&empty).iter().enumerate() {
        let there = |c: &i64| (0..vertices.len() as i64).contains(c);
        if !(3..=MOST_CORNERS).contains(&f.corners.len()) {
            let message = format!("face {k} has {} corners", f.corners.len());
            out.push(fault(message, place("face", k), "three, or more", &draft.at));
        } else if let Some(wrong) = f.corners.iter().find(|c| !there(c)) {
            let message = format!("face {k}: there is no vertex {wrong} among {}", vertices.len());
            out.push(fault(message, place("face", k), "vertices are counted from 0", &draft.at));
        } else {
            let name = f.part.map_or("unnamed".to_owned(), |p| p.to_string());
            let Some(own) = draft.part(&name) else { return out.push(draft.too_many_parts()) };
            for j in 1..f.corners.len() - 1 {
                let corner = |i: usize| f.corners[i] as u32;
                draft.surface.triangles.push([corner(0), corner(j), corner(j + 1)]);
                draft.surface.regions.push(own);
                draft.lines.extend(place("face", k));
            }
        }
        if out.crowded() {
            return;
        }
    }
}
