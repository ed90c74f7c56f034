//! Regions and places in the field's words.

use model::diagnostic::{Diagnostics, FileId};
use model::morphology::locset::{Where, Whereabouts};
use model::morphology::{Joint, Kind, Line, Morphology, Written, laid_out, swc};

/// A soma; an apical trunk of 100 um that forks into 50 and 150 um; a basal dendrite of 30 um.
const TREE: &str = "1 1 0 0 0 10 -1\n2 4 0 10 0 1 1\n3 4 0 110 0 1 2\n4 4 50 110 0 0.5 3\n5 4 -150 110 0 0.5 3\n\
                    6 3 0 -10 0 1 1\n7 3 0 -40 0 0.5 6\n";

fn tree() -> Morphology {
    swc::read(TREE, FileId(0), None, &mut Diagnostics::default()).expect("a good file")
}

fn at(m: &Morphology, text: &str) -> (String, f64) {
    let joint = m.place(text).unwrap_or_else(|e| panic!("{text}: {e:?}"));
    (m.sections[joint.section].name.clone(), joint.position)
}

#[test]
fn places_are_found_by_their_words() {
    let m = tree();
    for (text, name, position) in [
        ("soma", "soma", 0.5),
        ("apical[0](0.25)", "apical[0]", 0.25),
        ("apical[1]", "apical[1]", 0.5),
        ("dend(1)", "dend[0]", 1.0), // the only one of its kind
        ("apical(distance = 25 um)", "apical[0]", 0.25),
        ("apical( distance=0.125 mm )", "apical[1]", 0.5), // the first in the file that spans it
        ("apical(distance = 175 um)", "apical[2]", 0.5),
        ("apical(tip)", "apical[2]", 1.0),
        ("apical(tip = 0)", "apical[1]", 1.0),
        ("apical(tip = 1)", "apical[2]", 1.0),
        ("dend(distance = 30 um)", "dend[0]", 1.0),
    ] {
        assert_eq!(at(&m, text), (name.to_owned(), position), "{text}");
    }
    assert_eq!(m.place("apical(random = 7)"), m.place("apical(random = 7)"));
    assert_ne!(m.place("apical(random = 7)"), m.place("apical(random = 8)"));
}

#[test]
fn what_is_no_place_is_refused_with_its_cure() {
    let m = tree();
    for (text, message, hint) in [
        ("apicl(0.5)", "no section is called `apicl`", "did you mean `apical`?"),
        ("apical[7]", "no section is called `apical[7]`", "there are `apical[0]` to `apical[2]`"),
        ("apical", "`apical` is 3 sections", "apical[0](0.5)"),
        ("apical(0.5)", "`apical` is 3 sections", "say which"),
        ("dend(1.5)", "a position along a section is a number from 0 to 1", "dend(0.4)"),
        ("dend(0.5", "no closing bracket", "`dend(0.5)`"),
        ("dend(distance = 31 um)", "no section of `dend` is 31 um from the soma", "from 0.0 to 30.0 um"),
        ("dend(distance = 3 ms)", "a distance is a length, and `3 ms` is a time", "100 um"),
        ("dend(distance = -3 um)", "a distance is a length", "100 um"),
        ("apical(tip = 2)", "`apical` has no tip `2`", "it has 2"),
        ("dend(random = x)", "`x` is no seed", "a whole number"),
        ("dend(middle = 1)", "is not said by its `middle`", "tip"),
    ] {
        let e = m.place(text).expect_err(text);
        assert!(e.message.contains(message) && e.hint.contains(hint), "{text}: {e:?}");
    }
}

#[test]
fn random_places_are_uniform_by_length() {
    let m = tree();
    let apical = m.region("apical").unwrap();
    let stretches = m.stretches(&apical, None);
    let n = 30_000;
    let mut found = [0u32; 3];
    let mut first_half = 0u32;
    for joint in m.scatter(&stretches, n, 3) {
        found[joint.section - 1] += 1;
        first_half += u32::from(joint.position < 0.5);
    }
    // Shares 1/3, 1/6 and 1/2 of 300 um, and half of each: within 4.9 standard deviations, one false alarm in a million.
    for (k, share) in [(found[0], 1.0 / 3.0), (found[1], 1.0 / 6.0), (found[2], 0.5), (first_half, 0.5)] {
        let sd = (n as f64 * share * (1.0 - share)).sqrt();
        assert!((f64::from(k) - n as f64 * share).abs() < 4.9 * sd, "{found:?} {first_half}");
    }
}

#[test]
fn even_places_lie_at_even_lengths_of_the_stretches_that_a_condition_leaves() {
    let m = tree();
    let apical = m.region("apical").unwrap();
    let condition = Where::parse("distance >= 50 um and order < 3").unwrap();
    let stretches = m.stretches(&apical, Some(&condition));
    let seen: Vec<_> = stretches.iter().map(|s| (s.section, s.from, s.to)).collect();
    assert_eq!(seen, [(1, 50.0, 100.0), (2, 0.0, 50.0), (3, 0.0, 150.0)]);
    let places = m.evenly(&stretches, 5);
    let seen: Vec<_> = places.iter().map(|p| (p.section, (p.position * 1e9).round() / 1e9)).collect();
    // 250 um in all: at 25, 75, 125, 175 and 225 um.
    assert_eq!(seen, [(1, 0.75), (2, 0.5), (3, 0.166_666_667), (3, 0.5), (3, 0.833_333_333)]);
    assert!(m.stretches(&apical, Some(&Where::parse("distance > 1 mm").unwrap())).is_empty());
}

#[test]
fn conditions_compare_what_has_one_dimension() {
    let here = Whereabouts { distance: 120.0, order: 3.0, diameter: 0.8, position: 0.25 };
    for (text, holds) in [
        ("distance > 100 um", true),
        ("distance > 0.2 mm", false),
        ("order <= 3 and diameter < 1 um", true),
        ("order <= 3 and diameter < 0.5 um", false),
        ("distance / 100 um + position > 1.4", true),
    ] {
        assert_eq!(Where::parse(text).expect(text).holds(&here), holds, "{text}");
    }
    for (text, range) in [("distance > 3 ms", 0..15), ("distnce > 3 um", 0..7), ("order < 2 and soma", 14..18)] {
        let e = Where::parse(text).expect_err(text);
        assert_eq!(e.range, range, "{text}: {e:?}");
    }
}

/// Halves and quarters of a frustum against its closed forms, which are another way of writing them.
#[test]
fn pieces_of_a_frustum_are_exact() {
    let m = laid_out(&[Written {
        name: "cone".into(),
        kind: Kind::Dendrite,
        on: None,
        length: 100.0,
        diameters: vec![4.0, 1.0],
    }]);
    let line = Line::new(&m.sections[0]);
    let whole = line.piece(0.0, 100.0);
    let pi = std::f64::consts::PI;
    let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
    assert!(close(whole.area, pi * 2.5 * (100.0f64 * 100.0 + 1.5 * 1.5).sqrt()), "{whole:?}");
    assert!(close(whole.narrowness, 100.0 / (pi * 2.0 * 0.5)), "{whole:?}");
    assert!(close(whole.volume, pi * 100.0 * (4.0 + 1.0 + 0.25) / 3.0), "{whole:?}");
    // Of 1 / sqrt(d) with d from 4 to 1: 100 / 3 * 2 (2 - 1).
    assert!(close(whole.slimness, 200.0 / 3.0), "{whole:?}");
    let parts: Vec<_> = [(0.0, 30.0), (30.0, 31.0), (31.0, 100.0)].map(|(a, b)| line.piece(a, b)).into();
    let sum = |f: fn(&model::morphology::Piece) -> f64| parts.iter().map(f).sum::<f64>();
    assert!(close(sum(|p| p.area), whole.area) && close(sum(|p| p.volume), whole.volume));
    assert!(close(sum(|p| p.narrowness), whole.narrowness) && close(sum(|p| p.slimness), whole.slimness));
}

#[test]
fn written_sections_keep_their_lengths_and_are_drawn_apart() {
    let written = |name: &str, kind, on, length| Written { name: name.into(), kind, on, length, diameters: vec![2.0] };
    let on = |section, position| Some(Joint { section, position });
    let m = laid_out(&[
        written("soma", Kind::Soma, None, 20.0),
        written("a", Kind::Dendrite, on(0, 1.0), 100.3),
        written("b", Kind::Dendrite, on(0, 1.0), 77.7),
        written("c", Kind::Dendrite, on(1, 0.5), 33.3),
    ]);
    assert_eq!(m.sections.iter().map(|s| s.length()).collect::<Vec<_>>(), [20.0, 100.3, 77.7, 33.3]);
    assert_eq!(m.path_distances(), [0.0, 0.0, 0.0, 50.15]);
    let tip = |k: usize| m.coordinates(Joint { section: k, position: 1.0 });
    let start = |k: usize| m.coordinates(Joint { section: k, position: 0.0 });
    let apart = |a: [f64; 3], b: [f64; 3]| (a[0] - b[0]).hypot(a[1] - b[1]);
    assert!(apart(start(3), m.coordinates(Joint { section: 1, position: 0.5 })) < 1e-9);
    assert!(apart(tip(1), tip(2)) > 50.0 && apart(tip(1), tip(3)) > 10.0 && apart(tip(2), tip(3)) > 10.0);
}
