//! Joints: where branches part, without a membrane.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::neuron::*;
use numerics::simd::Level;

/// A stem that parts into two branches of half its electrotonic load each (Rall's 3/2 power), or goes on as one cylinder.
fn tree(n: u32, parted: bool) -> Cell {
    let mut cell = Cell::soma(TISSUE, 15.0);
    let (stem, half) = cell.add_cylinder(TISSUE, 0, 0.0, (200.0, 2.0, n));
    if parted {
        let joint = cell.add_joint(stem.end - 1, half);
        let d = 2.0 * numerics::math::pow(0.5, 2.0 / 3.0);
        // A length in units of its own length constant as long as that of the stem.
        let length = 200.0 * (d / 2.0).sqrt();
        for _ in 0..2 {
            cell.add_cylinder(TISSUE, joint, 0.0, (length, d, n));
        }
    } else {
        cell.add_cylinder(TISSUE, stem.end - 1, half, (200.0, 2.0, n));
    }
    cell.with(2, 0.1)
}

fn resistance(cell: &Cell) -> f64 {
    let plan = Plan::new(hodgkin_huxley(), std::slice::from_ref(cell), COLD).unwrap();
    let state = plan.rest(-100.0..=40.0).unwrap();
    plan.input_resistance(&state, plan.site(0, 0), Gating::Settled).unwrap()
}

#[test]
fn a_tree_of_ralls_three_halves_is_a_cylinder_at_every_grid() {
    // With a joint the two are the same system, compartment by compartment (the branches alike); without, they are not.
    for n in [2, 5, 20] {
        let (parted, whole) = (resistance(&tree(n, true)), resistance(&tree(n, false)));
        assert!((parted / whole - 1.0).abs() < 1e-12, "{n}: {parted} {whole}");
    }
}

#[test]
fn a_joint_passes_on_what_flows_in_through_a_run_of_spikes() {
    let mut cell = Cell::soma(TISSUE, 20.0);
    let (stem, half) = cell.add_cylinder(TISSUE, 0, 0.0, (100.0, 2.0, 3));
    let joint = cell.add_joint(stem.end - 1, half);
    let left = cell.add_cylinder(TISSUE, joint, 0.0, (80.0, 1.0, 3)).0.start;
    let right = cell.add_cylinder(TISSUE, joint, 0.0, (120.0, 1.5, 3)).0.start;
    let here = |k: u32| k != joint;
    let cell = cell.with_at(0, 120.0, here).with_at(1, 36.0, here).with_at(2, 0.3, here).detect(0, 0.0);
    let plan = Plan::new(hodgkin_huxley(), std::slice::from_ref(&cell), COLD).unwrap();
    for method in [Method::CrankNicolson, Method::BackwardEuler] {
        let mut state = plan.rest(-120.0..=40.0).unwrap();
        let mut drive = Held::default();
        drive.add(plan.site(0, 0), 0.0, 300.0);
        let stepping = Stepping { level: Level::best(), dt: ms(0.025), method };
        let mut spikes = Vec::new();
        run(&plan, &mut state, &Scratch::default(), stepping, 2400, &mut [drive], &mut spikes).unwrap();
        assert!(spikes.len() >= 3);
        let v = |k: u32| state.v_m(plan.site(0, k));
        let flow = |k: u32, g: f64| g * (v(k) - v(joint));
        let g = |k: u32| cell.compartments[k as usize].g_axial;
        let sum = flow(stem.end - 1, g(joint)) + flow(left, g(left)) + flow(right, g(right));
        assert!(sum.abs() < 1e-9 * g(joint) * v(joint).abs(), "{sum} pA left at the joint");
    }
}

#[test]
fn the_root_is_no_joint_and_a_joint_holds_no_channel() {
    let joint = Compartment { area: 0.0, c_m: 0.0, parent: None, g_axial: 0.0 };
    let refused = |cell: Cell| Plan::new(hodgkin_huxley(), &[cell], COLD).unwrap_err();
    assert!(matches!(
        refused(Cell { compartments: vec![joint], ..Cell::default() }),
        PlanError::Compartment { compartment: 0, .. }
    ));
    let mut cell = Cell::soma(TISSUE, 20.0);
    let at = cell.add_joint(0, 0.01);
    cell.add_cylinder(TISSUE, at, 0.0, (100.0, 2.0, 2));
    let mut leaky = cell.clone().with(2, 0.3);
    assert!(Plan::new(hodgkin_huxley(), std::slice::from_ref(&leaky), COLD).is_ok(), "a density on no area is none");
    leaky.insertions[0].g_max[at as usize] = 1.0;
    assert!(matches!(refused(leaky), PlanError::Value { insertion: 0, .. }));
}
