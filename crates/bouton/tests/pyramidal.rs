//! The made-up pyramidal cell of the examples is what its generator grows.

#[path = "../examples/grow_pyramidal.rs"]
mod grow_pyramidal;

use model::diagnostic::{Diagnostics, FileId};
use model::morphology::{Kind, swc};

#[test]
fn the_example_s_shape_is_as_it_was_grown() {
    assert_eq!(include_str!("../../../examples/pyramidal.swc"), grow_pyramidal::grow());
}

#[test]
fn it_has_the_proportions_of_a_layer_5_cell() {
    let mut out = Diagnostics::default();
    let m = swc::read(&grow_pyramidal::grow(), FileId(0), None, &mut out).expect("a good file");
    assert!(out.0.is_empty());
    let distances = m.path_distances();
    let far = |kind: Kind| {
        let ends = m.sections.iter().zip(&distances).filter(|(s, _)| s.kind == kind).map(|(s, d)| d + s.length());
        ends.fold(0.0, f64::max)
    };
    for (kind, length, reach) in [
        (Kind::Apical, 3_000.0..6_000.0, 800.0..1_200.0),
        (Kind::Dendrite, 2_500.0..5_000.0, 200.0..400.0),
        (Kind::Axon, 500.0..1_000.0, 300.0..500.0),
    ] {
        assert!(
            length.contains(&m.length(kind)) && reach.contains(&far(kind)),
            "{kind:?}: {} {}",
            m.length(kind),
            far(kind)
        );
    }
    assert_eq!(
        m.sections.iter().filter(|s| s.kind == Kind::Dendrite && s.on.is_some_and(|j| j.section == 0)).count(),
        6
    );
}
