//! Closed surfaces of triangles from files: Wavefront OBJ, STL (text and binary) and PLY (text and binary).
//!
//! A file is read whole, then closed into a [`Mesh`]. All faults of a file appear at once, each at its line, or at its triangle where the format has
//! no lines. None of the formats says what a coordinate is in: that is asked of whoever names the file. Triangles of a part of the
//! file (a material or group of an OBJ file, a solid of an STL file, a face property of a PLY file) are a region with its name.

mod obj;
mod ply;
mod stl;

use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use numerics::spatial::{Fault, Flaw, Mesh, NAMED, Surface};

/// Parts of a membrane, at most.
pub const MOST_PARTS: usize = 1 << 12;
/// Across a surface, um: less or more is not of cells.
const SIZES: std::ops::Range<f64> = 1e-3..1e5;
/// Properties of faces of a PLY file that say of which part they are.
pub const PARTS: [&str; 5] = ["part", "region", "label", "segment", "material"];

/// A surface as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Coordinates in um. Regions are indices of `parts`.
    pub surface: Surface,
    /// Names of parts, in the order in which they come.
    pub parts: Vec<String>,
    /// By triangle, where it is in the file; nothing for a binary file.
    pub lines: Vec<Span>,
    /// Where the file is named, or begins.
    at: Span,
}

/// What the readers fill in; coordinates as they are written.
struct Draft<'a> {
    text: &'a str,
    surface: Surface,
    parts: Vec<String>,
    lines: Vec<Span>,
    at: Span,
}

impl Draft<'_> {
    /// The number of a part, by its name.
    fn part(&mut self, name: &str) -> Option<u16> {
        let found = self.parts.iter().position(|p| p == name).or_else(|| {
            self.parts.push(name.to_owned());
            (self.parts.len() <= MOST_PARTS).then_some(self.parts.len() - 1)
        });
        found.map(|k| k as u16)
    }

    fn too_many_parts(&self) -> Diagnostic {
        Diagnostic::error(format!("more than {MOST_PARTS} parts"), self.at.clone())
            .hint("groups or materials only where the membrane differs")
    }
}

/// A line of a text and its bytes, without what is around it.
fn lines(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let from = start + line.len() - line.trim_start().len();
        start += line.len() + 1;
        let line = line.trim();
        (from..from + line.len(), line)
    })
}

/// Reads a file. `name`: as it is shown, its end says which format it has. `unit`: um for one of its coordinates. `at`: where the model names
/// it. `None` where there is an error.
#[must_use]
pub fn read(
    name: &str,
    bytes: &[u8],
    unit: Option<f64>,
    at: &Span,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Shape> {
    let before = out.errors();
    match unit {
        None => out.push(
            Diagnostic::error(format!("the coordinates of `{name}` have no unit"), at.clone())
                .hint("the file does not say: state what 1 of its coordinates is, e.g. \"1 nm\""),
        ),
        Some(unit) if !(unit > 0.0 && unit.is_finite()) => out.push(
            Diagnostic::error(format!("the unit of coordinates is {unit} um"), at.clone()).hint("a length above 0"),
        ),
        Some(_) => {}
    }
    let end = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let text = std::str::from_utf8(bytes).ok();
    let is_text = match end.as_str() {
        "obj" => true,
        "stl" => !stl::is_binary(bytes),
        "ply" => ply::is_text(bytes),
        _ => {
            let d = Diagnostic::error(format!("`{name}` is no surface of triangles"), at.clone());
            out.push(d.hint("its name ends in .obj, .stl or .ply"));
            return None;
        }
    };
    if is_text && text.is_none() {
        let d = Diagnostic::error(format!("`{name}` holds what is no text"), at.clone());
        out.push(d.hint("write the file again"));
        return None;
    }
    let text = text.filter(|_| is_text).unwrap_or_default();
    let place =
        if is_text { Span { file: sources.add(name, text.into()), range: 0..text.len().min(1) } } else { at.clone() };
    let mut draft = Draft { text, surface: Surface::default(), parts: Vec::new(), lines: Vec::new(), at: place };
    match end.as_str() {
        "obj" => obj::read(&mut draft, out),
        "stl" => stl::read(&mut draft, bytes, out),
        _ => ply::read(&mut draft, bytes, out),
    }
    let Draft { mut surface, parts, lines, at, .. } = draft;
    if out.errors() == before && surface.triangles.is_empty() {
        out.push(Diagnostic::error(format!("`{name}` has no triangles"), at.clone()).hint("a closed surface"));
    }
    let unit = unit.filter(|_| out.errors() == before)?;
    surface.vertices.iter_mut().for_each(|v| *v = v.map(|x| x * unit));
    Some(Shape { surface, parts, lines, at })
}

impl Shape {
    /// Closes it; `None`, and all that is wrong, where that cannot be. Triangles that go round the wrong way are turned, with a warning.
    #[must_use]
    pub fn close(&self, out: &mut Diagnostics) -> Option<Mesh> {
        let mesh = match Mesh::new(&self.surface) {
            Ok(mesh) => mesh,
            Err(faults) => {
                faults.iter().for_each(|f| out.push(self.told(f)));
                return None;
            }
        };
        let across = mesh.bounds().diagonal();
        if !SIZES.contains(&across) {
            let message = format!("the surface is {across:.3e} um across");
            out.push(Diagnostic::warning(message, self.at.clone()).hint("look at the unit of its coordinates"));
        }
        let turned = mesh.turned();
        if let [first, ..] = turned[..] {
            let many = turned.len();
            let message = format!(
                "{many} triangle{} of {} went round the wrong way, the first of them {}",
                if many == 1 { "" } else { "s" },
                mesh.triangles().len(),
                first + 1
            );
            let place = self.lines.get(first as usize).unwrap_or(&self.at);
            out.push(
                Diagnostic::warning(message, place.clone()).hint("they are turned: normals point out of the space"),
            );
        }
        Some(mesh)
    }

    fn told(&self, fault: &Fault) -> Diagnostic {
        let place = |t: &u32| self.lines.get(*t as usize).cloned();
        let mut found = fault.triangles.iter().filter_map(place);
        let mut d = Diagnostic::error(fault.to_string(), found.next().unwrap_or_else(|| self.at.clone()));
        let label = if matches!(fault.flaw, Flaw::Cuts { .. }) { "cuts the first" } else { "here, too" };
        d.related.extend(found.take(NAMED - 1).enumerate().map(|(k, s)| {
            let label = if k % 2 == 1 && label != "here, too" { "another pair" } else { label };
            (s, label.to_owned())
        }));
        d.hint(fault.cure())
    }
}
