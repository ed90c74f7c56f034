//! SWC files: what is read, how somata are taken, what is refused and where.

use model::diagnostic::{Diagnostics, Severity, Sources};
use model::morphology::{Kind, Morphology, swc};
use std::path::{Path, PathBuf};

/// Reads a text; the morphology, and what was said.
fn read(text: &str, radius: Option<f64>) -> (Option<Morphology>, Vec<(Severity, usize, String)>) {
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let file = sources.add("cell.swc", text.into());
    let morphology = swc::read(text, file, radius, &mut out);
    let said = |d: &model::diagnostic::Diagnostic| {
        let line = d.span.as_ref().map_or(0, |s| sources.line_column(s).0);
        (d.severity, line, d.message.clone())
    };
    (morphology, out.0.iter().map(said).collect())
}

/// The folder of real reconstructions, which is not part of the project.
fn real() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/swc");
    if !folder.is_dir() {
        println!("not checked: there are no reconstructions at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn area(m: &Morphology, kind: Kind) -> f64 {
    m.sections.iter().filter(|s| s.kind == kind).map(|s| s.area()).sum()
}

/// Severity, line and a part of the message.
type Said = (Severity, usize, &'static str);

/// What is to become of a file: loaded silently, or what is said, and in which line.
const EDGE: [(&str, &[Said]); 41] = {
    use Severity::{Error, Warning};
    [
        ("jaxley_morph_interrupted_soma", &[]),
        ("jaxley_morph_minimal", &[]),
        ("jaxley_morph_multiple_roots", &[(Error, 9, "the id 3 is there twice")]),
        ("jaxley_morph_non_somatic_branchpoint", &[(Warning, 8, "no sample is of a soma")]),
        ("jaxley_morph_single_branch", &[(Warning, 3, "no sample is of a soma")]),
        ("jaxley_morph_soma_both_ends", &[]),
        ("jaxley_morph_somatic_branchpoint", &[]),
        ("jaxley_retina_20161028_1_zero_radius", &[(Error, 2, "no sample of a neurite has a radius: all 7212 are 0")]),
        ("morphio_disconnected_neurite", &[(Warning, 10, "connected to nothing: 1 sample")]),
        ("morphio_multiple_soma", &[(Error, 11, "a second soma")]),
        ("morphio_neurite_wrong_root_point", &[(Warning, 4, "second or third point of a soma of three")]),
        ("morphio_no_soma", &[(Warning, 1, "no sample is of a soma")]),
        ("morphio_reversed_NRN_neurite_order", &[]),
        ("morphio_simple-all-types", &[]),
        ("morphio_simple-heterogeneous-neurite", &[]),
        ("morphio_simple-trailing-space", &[(Warning, 2, "no sample is of a soma")]),
        ("morphio_simple-windows-eol", &[]),
        ("morphio_soma_multiple_frustums", &[]),
        ("morphio_soma_single_frustum", &[]),
        ("morphio_soma_three_points_cylinder", &[]),
        ("treem_fail_diam", &[(Warning, 2, "a radius of 0")]),
        ("treem_fail_no_data", &[(Error, 1, "the file has no samples")]),
        (
            "treem_fail_node1_has_parent",
            &[
                (Warning, 2, "the root is not of the soma"),
                (Warning, 2, "a piece without length"),
                (Error, 1, "nothing here has a length"),
            ],
        ),
        ("treem_fail_node1_not_id1", &[(Warning, 2, "a piece without length")]),
        (
            "treem_fail_node1_not_soma",
            &[
                (Warning, 1, "the root is not of the soma"),
                (Warning, 1, "a piece without length"),
                (Error, 1, "nothing here has a length"),
            ],
        ),
        ("treem_fail_non_descendant", &[(Error, 3, "sample 3 is its own ancestor")]),
        ("treem_fail_non_increasing_ids", &[(Warning, 2, "a piece without length, as in lines 3, 4")]),
        ("treem_fail_non_sequential_ids", &[(Warning, 2, "a piece without length, as in lines 3, 4")]),
        ("treem_fail_non_stem_neurite", &[]),
        ("treem_fail_non_unique_ids", &[(Error, 4, "the id 2 is there twice"), (Error, 5, "the id 3 is there twice")]),
        (
            "treem_fail_not_array_1",
            &[(Error, 1, "2 columns instead of seven"), (Error, 2, "1 column instead of seven")],
        ),
        (
            "treem_fail_not_array_2",
            &[(Error, 1, "2 columns instead of seven"), (Error, 2, "2 columns instead of seven")],
        ),
        (
            "treem_fail_not_swc_cols",
            &[(Warning, 1, "more than seven columns, as in line 2"), (Warning, 2, "a piece without length")],
        ),
        ("treem_fail_not_valid_ids", &[(Error, 5, "the id is -1")]),
        ("treem_fail_not_valid_parent_ids", &[(Error, 4, "no sample has the id 0, its parent")]),
        ("treem_fail_not_valid_types", &[(Warning, 2, "a piece without length, as in lines 3, 4, 5, 6")]),
        ("treem_fail_single_point", &[]),
        (
            "treem_fail_undef_parent_ids",
            &[(Error, 3, "no sample has the id 12"), (Error, 4, "no sample has the id 13")],
        ),
        ("treem_fail_unordered", &[]),
        ("treem_pass_soma", &[]),
        ("treem_pass_zjump", &[]),
    ]
};

#[test]
fn odd_files_are_read_or_refused_with_their_line() {
    let Some(folder) = real() else { return };
    let files = std::fs::read_dir(folder.join("edge")).unwrap().count();
    assert_eq!(files, EDGE.len(), "a file of the folder is not in the table");
    let mut wrong = String::new();
    for (name, expected) in EDGE {
        let bytes = std::fs::read(folder.join(format!("edge/{name}.swc"))).unwrap();
        let (m, said) = read(&String::from_utf8_lossy(&bytes), None);
        let refused = expected.iter().any(|e| e.0 == Severity::Error);
        let alike = said.len() == expected.len()
            && said.iter().all(|s| expected.iter().any(|e| s.0 == e.0 && s.1 == e.1 && s.2.contains(e.2)));
        if m.is_none() != refused || !alike {
            wrong += &format!("{name}: {}, {said:#?}\n", if m.is_some() { "read" } else { "refused" });
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Sections, tips and area of the soma of every reconstruction. Tips are those of the folder's README less the ends of a
/// soma, which it counts.
#[test]
fn reconstructions_are_read_whole() {
    let Some(folder) = real() else { return };
    for (name, sections, tips, soma) in [
        ("BE104E_neuromorpho_std", 201, 104, 645.84),
        ("NMO_49821_rat_hippocampal_pyramidal", 220, 114, 250.74),
        ("ball_and_stick", 2, 1, 500.0),
        ("c91662_rat_CA1_pyramidal", 194, 99, 988.17),
        ("l5pc_with_axon_multipoint_soma", 324, 171, 1504.34),
        ("morphio_complexe_small", 2, 1, 13.98),
        ("morphio_simple", 7, 4, 12.57),
        ("morphio_soma_cylinders", 1, 0, 753.98),
        ("morphio_three_point_soma", 5, 4, 50.27),
        ("motoneuron_lmorpho_synthetic", 749, 202, 9698.75),
        ("n120_rat_CA1_pyramidal_NeuroMorpho", 154, 78, 933.97),
        ("neocortical_interneuron_C210401C", 331, 168, 239.46),
        ("purkinje_10-2012-02-09-001_NeuroMorpho", 784, 392, 1625.78),
        ("thalamic_interneuron_jy180406_B", 94, 49, 796.70),
    ] {
        let text = std::fs::read_to_string(folder.join(format!("good/{name}.swc"))).unwrap();
        let (m, said) = read(&text, None);
        let m = m.unwrap_or_else(|| panic!("{name}: {said:?}"));
        assert!(said.iter().all(|s| s.0 == Severity::Warning), "{name}: {said:?}");
        assert_eq!((m.sections.len(), m.tips()), (sections, tips), "{name}");
        assert!((area(&m, Kind::Soma) - soma).abs() < 0.01, "{name}: {}", area(&m, Kind::Soma));
        // A tree: every section but the root begins on an earlier one, within it.
        for (k, s) in m.sections.iter().enumerate() {
            assert_eq!(s.on.is_none(), k == 0, "{name}: {}", s.name);
            assert!(s.on.is_none_or(|j| j.section < k && (0.0..=1.0).contains(&j.position)), "{name}: {}", s.name);
            assert!(s.length() > 0.0 && s.points.iter().all(|p| p.radius >= 0.0), "{name}: {}", s.name);
        }
    }
    // All of the Purkinje cell and of BE104E, as the README has them: 7.66 and 17 mm. Ways from the middle of the soma to
    // the first samples, 67 um in the latter, are not of a neurite.
    let length = |name: &str, kinds: &[Kind]| {
        let text = std::fs::read_to_string(folder.join(format!("good/{name}.swc"))).unwrap();
        let m = read(&text, None).0.unwrap();
        kinds.iter().map(|k| m.length(*k)).sum::<f64>()
    };
    let purkinje = length("purkinje_10-2012-02-09-001_NeuroMorpho", &[Kind::Dendrite, Kind::Axon, Kind::Apical]);
    assert!((purkinje - 7660.0).abs() < 50.0, "{purkinje}");
    let both = length("BE104E_neuromorpho_std", &[Kind::Axon, Kind::Dendrite]);
    assert!((both - 17_290.0).abs() < 100.0, "{both}");
}

/// Somata with areas known in closed form: a sphere, the three points, frusta, a square outline.
#[test]
fn somata_have_the_areas_of_their_shapes() {
    use std::f64::consts::PI;
    let soma = |text: &str| area(&read(text, None).0.unwrap(), Kind::Soma);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * b, "{a} {b}");
    near(soma("1 1 0 0 0 5 -1"), 4.0 * PI * 25.0);
    near(soma("1 1 0 0 0 9 -1\n2 1 0 -9 0 9 1\n3 1 0 9 0 9 1"), 4.0 * PI * 81.0);
    near(soma("1 1 0 0 0 40 -1\n2 1 1 0 0 35 1"), PI * 75.0 * 26f64.sqrt());
    // Two arms on the root are one stack, in whichever order they are written.
    let stack = 2.0 * PI * 3.0 * 10.0;
    near(soma("1 1 0 0 0 3 -1\n2 1 4 0 0 3 1\n3 1 -6 0 0 3 1"), stack);
    near(soma("7 1 -6 0 0 3 5\n2 1 4 0 0 3 5\n5 1 0 0 0 3 -1"), stack);
    // A third arm is a section of its own.
    near(soma("1 1 0 0 0 3 -1\n2 1 4 0 0 3 1\n3 1 -6 0 0 3 1\n4 1 0 3 0 1 1\n5 1 0 3.5 0 1 4"), stack + PI);
    // An outline of 20 by 8 um: a cylinder of width 8, 20 long.
    let outline = "1 1 0 0 0 0 -1\n2 1 10 0 0 0 1\n3 1 20 0 0 0 2\n4 1 20 8 0 0 3\n5 1 10 8 0 0 4\n6 1 0 8 0 0 5";
    near(soma(outline), PI * 8.0 * 20.0);
}

/// Where sections begin: on the soma at the sample they hang on, at a fork at the end of the piece before, and a root that
/// forks.
#[test]
fn sections_begin_where_they_hang() {
    let text = "1 1 0 0 0 3 -1\n2 1 10 0 0 3 1\n3 3 2 5 0 1 1\n4 3 2 9 0 1 3\n5 3 5 12 0 .5 4\n6 3 0 12 0 .5 4\n7 2 10 -5 0 1 2";
    let m = read(text, None).0.unwrap();
    let seen: Vec<_> = m.sections.iter().map(|s| (s.name.as_str(), s.on.map(|j| (j.section, j.position)))).collect();
    let expected = [
        ("soma", None),
        ("dend[0]", Some((0, 0.0))),
        ("dend[1]", Some((1, 1.0))),
        ("dend[2]", Some((1, 1.0))),
        ("axon[0]", Some((0, 1.0))),
    ];
    assert_eq!(seen, expected);
    // A neurite of one sample reaches from the soma's; others begin with their own first.
    assert_eq!((m.sections[4].length(), m.sections[1].length()), (5.0, 4.0));
    assert_eq!(m.branch_orders(), [0, 1, 2, 2, 1]);
    assert_eq!(m.path_distances(), [0.0, 0.0, 4.0, 4.0, 0.0]);
    let fork = read("1 3 0 0 0 1 -1\n2 3 5 0 0 1 1\n3 3 0 7 0 1 1", None).0.unwrap();
    let seen: Vec<_> = fork.sections.iter().map(|s| (s.length(), s.on.map(|j| (j.section, j.position)))).collect();
    assert_eq!(seen, [(5.0, None), (7.0, Some((0, 0.0)))]);
}

#[test]
fn what_has_no_radius_gets_one_or_is_refused() {
    let all = "1 1 0 0 0 3 -1\n2 3 5 0 0 0 1\n3 3 9 0 0 0 2";
    assert!(read(all, None).0.is_none());
    let (m, said) = read(all, Some(0.25));
    assert!(said.is_empty() && m.unwrap().sections[1].points.iter().all(|p| p.radius == 0.25));
    let (m, said) = read("1 1 0 0 0 3 -1\n2 3 5 0 0 0 1\n3 3 9 0 0 .5 2\n4 3 12 0 0 0 3", None);
    assert_eq!(said.len(), 1);
    assert!(said[0].2.contains("as in line 4"), "{said:?}");
    assert!(m.unwrap().sections[1].points.iter().all(|p| p.radius == 0.5));
}

/// Twins of `text` with bytes changed, put in and taken out are read or refused; none panics, none takes long.
#[test]
fn no_mutation_panics() {
    let text =
        "# x\n1 1 0 0 0 3 -1\r\n2 1 10 0 0 3 1\n3 3 2 5 0 1 1 # y\n4 3 2 9 0 1 3\n5 3 5 12 0 .5 4\n6 2 0 12 0 .5 4\n";
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(3) {
                0 => bytes[at] = b"0123456789-.e# \n\xff"[next(17)],
                1 => bytes.insert(at, b"0123456789-.e# \n"[next(16)]),
                _ => drop(bytes.remove(at)),
            }
        }
        match read(&String::from_utf8_lossy(&bytes), None).0 {
            Some(_) => taken += 1,
            None => refused += 1,
        }
    }
    assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
}
