//! STL: triangles, each with three points of its own. Read by `stl_io`, solid by solid, so that the place of a fault is known.
//!
//! Coordinates are of 32 bits. Normals are not read: triangles go round to the left, seen from outside.

use super::Draft;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use std::io::Cursor;

/// Bytes before the triangles of a binary file, and of each.
const HEAD: usize = 84;
const EACH: usize = 50;

/// Triangles that a binary file says it has.
fn said(bytes: &[u8]) -> Option<usize> {
    let count: [u8; 4] = bytes.get(HEAD - 4..HEAD)?.try_into().ok()?;
    Some(u32::from_le_bytes(count) as usize)
}

/// By its length, for some write `solid` into the head of a binary file, too; or for what is no text.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    said(bytes).is_some_and(|n| n.checked_mul(EACH).and_then(|n| n.checked_add(HEAD)) == Some(bytes.len()))
        || !bytes.trim_ascii_start().starts_with(b"solid")
}

pub(super) fn read(draft: &mut Draft, bytes: &[u8], out: &mut Diagnostics) {
    if is_binary(bytes) {
        let n = said(bytes).unwrap_or(0);
        if bytes.len() < HEAD || (bytes.len() - HEAD) / EACH < n {
            let there = bytes.len().saturating_sub(HEAD) / EACH;
            let d =
                Diagnostic::error(format!("a binary STL file of {n} triangles ends after {there}"), draft.at.clone());
            out.push(d.hint("write the file again: it was cut off, or is none"));
            return;
        }
        let mut head = [0u8; HEAD];
        head[HEAD - 4..].copy_from_slice(&bytes[HEAD - 4..HEAD]);
        let body = [&head[..], &bytes[HEAD..]].concat();
        let Some(own) = draft.part("unnamed") else { return };
        piece(draft, &body, own, &[], out);
        return;
    }
    let text = draft.text;
    let all: Vec<(std::ops::Range<usize>, &str)> = super::lines(text).collect();
    let starts = |line: &str, word: &str| line.split_whitespace().next() == Some(word);
    let mut k = 0;
    while k < all.len() {
        let (range, line) = &all[k];
        if line.is_empty() {
            k += 1;
            continue;
        }
        let span = Span { file: draft.at.file, range: range.clone() };
        if !starts(line, "solid") {
            out.push(
                Diagnostic::error(format!("`{line}` between solids"), span).hint("`solid` with a name begins one"),
            );
            return;
        }
        let rest = &all[k + 1..];
        let Some(length) = rest.iter().position(|(_, l)| starts(l, "endsolid")) else {
            out.push(
                Diagnostic::error("a solid without an end", span).hint("`endsolid` ends it; was the file cut off?"),
            );
            return;
        };
        let name = line["solid".len()..].trim();
        let Some(own) = draft.part(if name.is_empty() { "unnamed" } else { name }) else {
            return out.push(draft.too_many_parts());
        };
        let facets: Vec<Span> = rest[..length]
            .iter()
            .filter(|(_, l)| starts(l, "facet"))
            .map(|(r, _)| Span { file: draft.at.file, range: r.clone() })
            .collect();
        let end = &rest[length].0;
        let body = format!("solid x\n{}", &text[range.end..end.end]);
        if !piece(draft, body.as_bytes(), own, &facets, out) {
            return;
        }
        k += length + 2;
    }
}

/// One solid; `facets` are its places.
fn piece(draft: &mut Draft, body: &[u8], own: u16, facets: &[Span], out: &mut Diagnostics) -> bool {
    let mut cursor = Cursor::new(body);
    let mut failed = |message: String, count: usize| {
        let place = facets.get(count).or(facets.last()).unwrap_or(&draft.at).clone();
        let d = Diagnostic::error(format!("triangle {}: {message}", count + 1), place);
        out.push(d.hint("`facet normal x y z`, `outer loop`, three lines `vertex x y z`, `endloop`, `endfacet`"));
    };
    let stl = match stl_io::create_stl_reader(&mut cursor) {
        Ok(stl) => stl,
        Err(e) => {
            failed(e.to_string(), 0);
            return false;
        }
    };
    for (count, triangle) in stl.enumerate() {
        match triangle {
            Err(e) => {
                failed(e.to_string(), count);
                return false;
            }
            Ok(t) => {
                let first = draft.surface.vertices.len() as u32;
                draft.surface.vertices.extend(t.vertices.map(|v| v.0.map(f64::from)));
                draft.surface.triangles.push([first, first + 1, first + 2]);
                draft.surface.regions.push(own);
                draft.lines.extend(facets.get(count).cloned());
            }
        }
    }
    true
}
