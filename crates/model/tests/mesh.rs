//! Surfaces of triangles from OBJ, STL and PLY files: what is read, and how every kind of broken file is refused.

use model::diagnostic::{Diagnostics, Severity, Sources, Span};
use model::mesh::{Shape, read};
use numerics::spatial::{Mesh, Surface, cuboid, icosphere};
use proptest::prelude::*;
use std::fmt::Write as _;

/// Severity, line (0 for the place where the model names the file), message, cures.
type Said = (Severity, usize, String, String);

/// Reads and closes a file of 1 um a coordinate; what was said.
fn load(name: &str, bytes: &[u8]) -> (Option<(Shape, Mesh)>, Vec<Said>) {
    load_of(name, bytes, Some(1.0))
}

fn load_of(name: &str, bytes: &[u8], unit: Option<f64>) -> (Option<(Shape, Mesh)>, Vec<Said>) {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let model = sources.add("model.toml", "mesh = \"it\"".into());
    let at = Span { file: model, range: 7..11 };
    let shape = read(name, bytes, unit, &at, &mut sources, &mut out);
    let both = shape.and_then(|s| s.close(&mut out).map(|m| (s, m)));
    let text = out.render(&sources, false);
    assert_eq!(text.is_empty(), out.0.is_empty());
    let said = out.0.iter().map(|d| {
        let span = d.span.as_ref().expect("every fault has a place");
        let line = if span.file == model { 0 } else { sources.line_column(span).0 };
        (d.severity, line, d.message.clone(), d.hints.join("; "))
    });
    let said = said.collect();
    if both.is_none() {
        println!("{text}");
    }
    (both, said)
}

fn obj(s: &Surface) -> String {
    let mut out = String::from("# a surface\nmtllib some.mtl\no thing\n");
    s.vertices.iter().for_each(|[x, y, z]| writeln!(out, "v {x} {y} {z}").unwrap());
    for (t, r) in s.triangles.iter().zip(&s.regions) {
        writeln!(out, "g side {r}\nf {}//1 {}//1 {}//1", t[0] + 1, t[1] + 1, t[2] + 1).unwrap();
    }
    out
}

fn stl(s: &Surface) -> String {
    let mut out = String::new();
    for (k, t) in s.triangles.iter().enumerate() {
        if k == 0 || s.regions[k] != s.regions[k - 1] {
            writeln!(out, "{}solid side {}", if k == 0 { "" } else { "endsolid\n" }, s.regions[k]).unwrap();
        }
        writeln!(out, "  facet normal 0 0 0\n    outer loop").unwrap();
        for v in t {
            let [x, y, z] = s.vertices[*v as usize];
            writeln!(out, "      vertex {x:e} {y:e} {z:e}").unwrap();
        }
        writeln!(out, "    endloop\n  endfacet").unwrap();
    }
    out + "endsolid\n"
}

fn stl_binary(s: &Surface, head: &[u8]) -> Vec<u8> {
    let mut out = head.to_vec();
    out.resize(80, 0);
    out.extend((s.triangles.len() as u32).to_le_bytes());
    for t in &s.triangles {
        out.extend([0; 12]);
        t.iter().for_each(|v| s.vertices[*v as usize].iter().for_each(|x| out.extend((*x as f32).to_le_bytes())));
        out.extend([0; 2]);
    }
    out
}

fn ply(s: &Surface, format: &str) -> Vec<u8> {
    let head = format!(
        "ply\nformat {format} 1.0\ncomment a surface\nelement vertex {}\nproperty double x\nproperty double y\nproperty double z\n\
         element face {}\nproperty list uchar int vertex_indices\nproperty uchar label\nend_header\n",
        s.vertices.len(),
        s.triangles.len()
    );
    let mut out = head.into_bytes();
    match format {
        "ascii" => {
            let mut text = String::new();
            s.vertices.iter().for_each(|[x, y, z]| writeln!(text, "{x} {y} {z}").unwrap());
            let faces = s.triangles.iter().zip(&s.regions);
            faces.for_each(|([a, b, c], r)| writeln!(text, "3 {a} {b} {c} {r}").unwrap());
            out.extend(text.bytes());
        }
        _ => {
            let little = format.ends_with("little_endian");
            let double = |x: f64| if little { x.to_le_bytes() } else { x.to_be_bytes() };
            let int = |x: u32| if little { x.to_le_bytes() } else { x.to_be_bytes() };
            s.vertices.iter().flatten().for_each(|x| out.extend(double(*x)));
            for (t, r) in s.triangles.iter().zip(&s.regions) {
                out.push(3);
                t.iter().for_each(|v| out.extend(int(*v)));
                out.push(*r as u8);
            }
        }
    }
    out
}

#[test]
fn every_format_gives_the_same_surface() {
    let solid = cuboid([0.0, 0.25, 0.5], [1.0, 2.25, 1.5]);
    let exact = Mesh::new(&solid).unwrap();
    let files = [
        ("a.obj", obj(&solid).into_bytes()),
        ("a.stl", stl(&solid).into_bytes()),
        ("b.STL", stl_binary(&solid, b"solid is what some programs write here")),
        ("a.ply", ply(&solid, "ascii")),
        ("b.ply", ply(&solid, "binary_little_endian")),
        ("c.ply", ply(&solid, "binary_big_endian")),
        ("d.obj", obj(&solid).replace('\n', "\r\n").into_bytes()),
    ];
    for (name, bytes) in files {
        let (read, said) = load(name, &bytes);
        let (shape, mesh) = read.unwrap_or_else(|| panic!("{name}: {said:?}"));
        assert!(said.is_empty(), "{name}: {said:?}");
        assert_eq!(mesh.volume(), exact.volume());
        let corners = |m: &Mesh| (0..12).map(|t| m.corners(t)).collect::<Vec<_>>();
        assert_eq!(corners(&mesh), corners(&exact), "{name}");
        if name != "b.STL" {
            assert_eq!(shape.parts.len(), 6, "{name}: {:?}", shape.parts);
            assert!(shape.parts[3].contains('3'));
            assert_eq!(mesh.area(|r| r == 5), exact.area(|r| r == 5));
        }
        let (nm, _) = load_of(name, &bytes, Some(1e-3));
        assert!((nm.unwrap().1.volume() / exact.volume() * 1e9 - 1.0).abs() < 1e-12);
    }
}

#[test]
fn an_obj_file_is_read_as_others_read_it() {
    // Polygons, indices from the end, colours, objects; against the reader that everybody has.
    let text = "o a\nv 0 0 0 1 0 0\nv 1 0 0 0 0 1\nv 1 1 0 0 1 1\nv 0 1 0 1 1 1\nv 0.5 0.5 1 1 1 1\nvt 0 0\nvn 0 0 1\n\
                f 4 3 2 1\no b\nf -5/1/1 -4/1/1 -1/1/1\nf 2//1 3//1 5//1\ng c\nf 3 4 5\nf 4/1 1/1 5/1\n";
    let ours = load("a.obj", text.as_bytes()).0.unwrap().0;
    let options = tobj::LoadOptions { triangulate: true, ..Default::default() };
    let (models, _) = tobj::load_obj_buf(&mut text.as_bytes(), &options, |_| Ok(Default::default())).unwrap();
    let mut theirs = Vec::new();
    for m in &models {
        for t in m.mesh.indices.chunks(3) {
            theirs.push([t[0], t[1], t[2]].map(|k| [0, 1, 2].map(|axis| m.mesh.positions[3 * k as usize + axis])));
        }
    }
    let own: Vec<[[f64; 3]; 3]> =
        ours.surface.triangles.iter().map(|t| t.map(|k| ours.surface.vertices[k as usize])).collect();
    // The four-sided face is cut along the one diagonal or the other.
    assert_eq!(own.len(), theirs.len());
    assert_eq!(own[2..], theirs[2..]);
    assert_eq!(ours.parts, ["a", "b", "c"]);
    assert_eq!(ours.surface.regions, [0, 0, 1, 1, 2, 2]);
    // Materials say more than groups.
    let with = text.replace("o b", "usemtl red\no b").replace("g c", "usemtl blue\ng c");
    assert_eq!(load("a.obj", with.as_bytes()).0.unwrap().0.parts, ["unnamed", "red", "blue"]);
}

/// The first error of a file, which has no others, with its line.
fn only(name: &str, bytes: &[u8]) -> (usize, String) {
    let (read, said) = load(name, bytes);
    assert!(read.is_none() && said.len() == 1, "{name}: {said:?}");
    assert!(said.iter().all(|s| s.0 == Severity::Error && !s.3.is_empty()));
    (said[0].1, said[0].2.clone())
}

#[test]
fn broken_files_are_refused_where_they_are_broken() {
    let solid = cuboid([0.0; 3], [1.0; 3]);
    // All at once, each at its line.
    let text = obj(&solid)
        .replace("v 1 0 0\n", "v 1 x 0\n")
        .replace("f 1//1 7//1 3//1", "f 1 70 3")
        .replace("g side 5", "f 1 2\ng side 5");
    let said = load("a.obj", text.as_bytes()).1;
    let found: Vec<(usize, &str)> = said.iter().map(|s| (s.1, s.2.as_str())).collect();
    assert_eq!(
        found,
        [
            (5, "`x` is no number"),
            (15, "there is no vertex 70: 8 come before this line"),
            (32, "a face of 2 corners"),
            (35, "a face of 2 corners")
        ]
    );
    let line = |text: String| only("a.obj", text.as_bytes());
    assert_eq!(line("v 0 0\n".into()), (1, "2 coordinates instead of three".into()));
    assert_eq!(line("v 0 0 inf\n".into()), (1, "a coordinate is inf".into()));
    assert_eq!(line("v 1 2 3\n".into()), (1, "`a.obj` has no triangles".into()));
    assert_eq!(line("v 1 2 3\nf 1 1 \\\n1\n".into()), (2, "a line that goes on in the next".into()));

    let text = stl(&solid);
    assert_eq!(only("a.stl", &text.as_bytes()[..text.len() - 10]), (81, "a solid without an end".into()));
    let (at, message) = only("a.stl", text.replacen("vertex 1e0 0e0", "vertex 1e0 zero", 1).as_bytes());
    assert!(message.contains("triangle 1: invalid float") && at > 16, "{at}: {message}");
    let binary = stl_binary(&solid, b"x");
    assert_eq!(only("a.stl", &binary[..500]), (0, "a binary STL file of 12 triangles ends after 8".into()));
    assert!(only("a.stl", b"").1.contains("ends after 0") || only("a.stl", b"").1.contains("no triangles"));

    let text = String::from_utf8(ply(&solid, "ascii")).unwrap();
    let (at, message) = only("a.ply", text.replace("3 0 4 6 0", "3 0 4 60 0").as_bytes());
    assert_eq!((at, message.as_str()), (20, "face 0: there is no vertex 60 among 8"));
    let mut nowhere = solid.clone();
    nowhere.vertices[1][1] = f64::NAN;
    let (at, message) = only("a.ply", &ply(&nowhere, "binary_big_endian"));
    assert_eq!((at, message.as_str()), (0, "vertex 1 has a coordinate that is no number"));
    let (at, message) = only("a.ply", text.replace("3 0 4 6 0", "3 0 4 six 0").as_bytes());
    assert!(at == 20, "{at} {message}");
    assert_eq!(only("a.ply", text.replace("property double z\n", "").as_bytes()).1, "vertices without places");
    assert!(only("a.ply", &ply(&solid, "binary_little_endian")[..300]).1.len() > 5);
    assert!(only("a.ply", b"plx\n").0 == 1);

    assert_eq!(only("a.off", b""), (0, "`a.off` is no surface of triangles".into()));
    assert_eq!(only("a.obj", &[0xff, 0xfe, 0]), (0, "`a.obj` holds what is no text".into()));
}

#[test]
fn surfaces_that_do_not_close_are_told_with_their_lines() {
    // A face of a cube is missing; one goes round the wrong way, which alone is put right.
    let solid = cuboid([0.0; 3], [1.0; 3]);
    let text = obj(&solid);
    let without = text.replace("f 1//1 7//1 3//1\n", "\n");
    let (at, message) = only("a.obj", without.as_bytes());
    assert_eq!(at, 13);
    assert_eq!(
        message,
        "not closed: 3 edges of one triangle only, around 1 hole, the longest of them 3.414 um around; triangles 1, 6, 8"
    );
    let (read, said) = load("a.obj", text.replace("f 1//1 7//1 3//1", "f 1//1 3//1 7//1").as_bytes());
    assert_eq!(read.unwrap().1.volume(), 1.0);
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].0, said[0].1), (Severity::Warning, 15));
    assert_eq!(said[0].2, "1 triangle of 12 went round the wrong way, the first of them 2");
    // Two spheres that cut each other, as text and without lines.
    let mut two = icosphere(1.0, 1);
    let other = icosphere(1.0, 1);
    two.append(&other);
    two.vertices[42..].iter_mut().for_each(|v| *v = [v[0] + 1.0, v[1] + 0.13, v[2] + 0.07]);
    let (at, message) = only("a.ply", &ply(&two, "ascii"));
    assert!(
        at > 90 && message.contains("pairs of triangles that cut or touch each other; triangles"),
        "{at}: {message}"
    );
    let (at, message) = only("b.ply", &ply(&two, "binary_little_endian"));
    assert!(at == 0 && message.contains("pairs of triangles that cut or touch each other; triangles"), "{message}");
    // A fin and a triangle that is there twice.
    let more = format!("{text}f 1 2 4\nv 3 3 3\nf 1 2 9\n");
    let (_, said) = load("a.obj", more.as_bytes());
    let messages: Vec<&str> = said.iter().map(|s| s.2.as_str()).collect();
    println!("{messages:#?}");
    assert!(
        messages.iter().any(|m| m.starts_with("not closed"))
            && messages.iter().any(|m| m.contains("three triangles or more"))
    );
}

#[test]
fn a_unit_must_be_stated() {
    let file = obj(&cuboid([0.0; 3], [1.0; 3]));
    for (unit, message) in [
        (None, "the coordinates of `a.obj` have no unit"),
        (Some(0.0), "the unit of coordinates is 0 um"),
        (Some(f64::NAN), "the unit of coordinates is NaN um"),
    ] {
        let (read, said) = load_of("a.obj", file.as_bytes(), unit);
        assert!(read.is_none());
        assert_eq!((said.len(), said[0].1, said[0].2.as_str()), (1, 0, message));
    }
    // A micrometre that was taken for a metre.
    let (read, said) = load_of("a.obj", file.as_bytes(), Some(1e6));
    assert!(read.is_some());
    assert_eq!((said[0].0, said[0].2.as_str()), (Severity::Warning, "the surface is 1.732e6 um across"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whatever is in a file: a surface, or faults with places; never a panic.
    #[test]
    fn nonsense_is_refused(cut in 0usize..2000, at in 0usize..2000, byte: u8, format in 0usize..5) {
        let solid = icosphere(1.0, 0);
        let (name, mut bytes) = match format {
            0 => ("a.obj", obj(&solid).into_bytes()),
            1 => ("a.stl", stl(&solid).into_bytes()),
            2 => ("a.stl", stl_binary(&solid, b"")),
            3 => ("a.ply", ply(&solid, "ascii")),
            _ => ("a.ply", ply(&solid, "binary_big_endian")),
        };
        let at = at % bytes.len();
        bytes[at] = byte;
        if cut < 1000 {
            bytes.truncate(cut);
        }
        let (read, said) = load(name, &bytes);
        prop_assert!(read.is_some() || said.iter().any(|s| s.0 == Severity::Error));
    }
}
