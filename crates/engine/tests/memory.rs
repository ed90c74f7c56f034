//! What populations of neurons take of memory. One test, so that nothing else is in its process.

mod cells;

use cells::{COLD, COMPARTMENTS, hodgkin_huxley, ms, resident, tree};
use engine::neuron::*;
use numerics::simd::Level;

fn cell(k: usize) -> Cell {
    tree(k).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0)
}

#[test]
fn a_compartment_with_hh_takes_a_hundred_bytes_and_cells_are_held_eight_at_a_time() {
    let built = |cells: usize, of: fn(usize) -> Cell| {
        let plan =
            Plan::from_cells(hodgkin_huxley(), vec![], (0..cells).map(of), COLD).unwrap().tabulated(ms(0.025), 1e-7);
        let state = State::at(&plan, -65.0);
        (plan, state)
    };
    // The first takes what any plan and run take, and lets threads begin.
    let run = |plan: &Plan, state: &mut State| {
        let stepping = Stepping { level: Level::best(), dt: ms(0.025), method: Method::CrankNicolson };
        let mut drives = vec![Quiet; plan.blocks()];
        engine::neuron::run(plan, state, &Scratch::default(), stepping, 2, &mut drives, &mut vec![]).unwrap();
    };
    let (small, mut state) = built(8, cell);
    run(&small, &mut state);
    let before = resident();
    let cells = 1600;
    let (plan, mut state) = built(cells, cell);
    run(&plan, &mut state);
    let (of_plan, of_state) = (plan.bytes(), state.bytes());
    let each = |bytes: usize| bytes as f64 / (cells * COMPARTMENTS) as f64;
    // v, three gates; c_m, g_fixed, i_fixed, g_leak, coupling, two g_max; two row numbers in eight; the tree.
    println!("{:.2} bytes of plan and {:.2} of state a compartment", each(of_plan), each(of_state));
    assert_eq!(of_state, cells * COMPARTMENTS * 8 * 4);
    assert!((57.0..62.0).contains(&each(of_plan)), "{}", each(of_plan));
    if let (Some((now, _)), Some((_, most))) = (before, resident()) {
        let grown = (most - now) as f64 / (of_plan + of_state) as f64;
        println!("the process has grown by {grown:.3} of that at most");
        assert!((0.95..1.15).contains(&grown), "{grown}");
    }
    // Cells alike have one plan.
    let (alike, state) = built(cells, |_| cell(0));
    assert!(alike.bytes() < small.bytes() + cells * 32 && state.bytes() == of_state);
}
