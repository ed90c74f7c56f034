//! What a scheme may be, and what its loops say.
#![allow(missing_docs)]

mod common;

use engine::mechanism::{
    Description, InputRole, Kinetics, KineticsError, LigandIndex, ObservableIndex, OutputIndex, ProgramBuilder,
    StateIndex, Transition,
};
use numerics::markov::loops;
use proptest::prelude::*;

fn transition(from: u16, to: u16, rate: u16, takes_up: Option<u16>) -> Transition {
    Transition {
        from: StateIndex(from),
        to: StateIndex(to),
        rate: OutputIndex(rate),
        takes_up: takes_up.map(LigandIndex),
        gives_off: None,
    }
}

fn description() -> Description {
    let mut b = ProgramBuilder::new(1);
    let (v, k) = (b.input(0), b.constant(2.0));
    let rate = b.exp(v);
    Description {
        states: 3,
        ligands: 1,
        transitions: vec![transition(0, 1, 0, Some(0)), transition(1, 0, 1, None), transition(1, 2, 1, None)],
        rates: b.finish(&[rate, k]).unwrap(),
        inputs: vec![InputRole::Voltage],
        absorbing: vec![StateIndex(2)],
        observables: vec![vec![0.0, 1.0, 1.0]],
    }
}

#[test]
fn each_fault_is_named() {
    let fault = |change: fn(&mut Description)| {
        let mut d = description();
        change(&mut d);
        Kinetics::new(d).unwrap_err()
    };
    assert_eq!(fault(|d| d.states = 0), KineticsError::States { states: 0 });
    assert_eq!(fault(|d| d.states = 65), KineticsError::States { states: 65 });
    assert_eq!(
        fault(|d| d.transitions[1].to = StateIndex(7)),
        KineticsError::NoSuchState { transition: 1, state: 7, states: 3 }
    );
    assert_eq!(
        fault(|d| d.transitions[2].to = StateIndex(1)),
        KineticsError::SelfTransition { transition: 2, state: 1 }
    );
    assert_eq!(
        fault(|d| d.transitions[0].rate = OutputIndex(2)),
        KineticsError::NoSuchRate { transition: 0, output: 2, outputs: 2 }
    );
    assert_eq!(
        fault(|d| d.transitions[0].takes_up = Some(LigandIndex(1))),
        KineticsError::NoSuchLigand { transition: 0, ligand: 1, ligands: 1 }
    );
    assert_eq!(fault(|d| d.inputs.clear()), KineticsError::Role { input: 0, roles: 0, inputs: 1 });
    assert_eq!(
        fault(|d| d.inputs[0] = InputRole::Ligand(LigandIndex(3))),
        KineticsError::Role { input: 0, roles: 1, inputs: 1 }
    );
    assert_eq!(
        fault(|d| d.absorbing.push(StateIndex(1))),
        KineticsError::NotAbsorbing { state: 1, transition: Some(1) }
    );
    assert_eq!(
        fault(|d| d.observables.push(vec![1.0, f64::NAN, 0.0])),
        KineticsError::Weights { observable: 1, states: 3 }
    );
}

#[test]
fn concentrations_multiply_where_a_ligand_is_taken_up() {
    let kinetics = Kinetics::new(description()).unwrap();
    assert_eq!(kinetics.transition_rates(&[3.0, 2.0], &[0.5]).unwrap(), [1.5, 2.0, 2.0]);
    assert_eq!(kinetics.weights(ObservableIndex(0)), Some(&[0.0, 1.0, 1.0][..]));
    assert_eq!(kinetics.weights(ObservableIndex(1)), None);
    for bad in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(matches!(
            kinetics.transition_rates(&[3.0, 2.0], &[bad]),
            Err(KineticsError::BadRate { transition: 0, .. })
        ));
    }
    assert_eq!(kinetics.transition_rates(&[3.0], &[0.5]), Err(KineticsError::Length { got: 1, want: 2 }));
    assert_eq!(
        kinetics.generator(&[3.0, 2.0], &[0.5]).unwrap().stationary().unwrap(),
        [0.0, 0.0, 1.0],
        "the absorbing state takes all"
    );
}

#[test]
fn a_scheme_whose_loop_does_not_close_is_found() {
    // Two sites, bound in either order; the last affinity is wrong by a factor of two.
    let square = |wrong: f64| {
        common::scheme(
            4,
            2,
            &[
                (0, 1, 2.0, Some(0), None),
                (1, 0, 1.0, None, Some(0)),
                (0, 2, 3.0, Some(1), None),
                (2, 0, 1.0, None, Some(1)),
                (1, 3, 3.0, Some(1), None),
                (3, 1, 1.0, None, Some(1)),
                (2, 3, 2.0, Some(0), None),
                (3, 2, wrong, None, Some(0)),
            ],
        )
    };
    for (wrong, ln_ratio) in [(1.0, 0.0), (2.0, numerics::math::ln(2.0))] {
        let (kinetics, rates) = square(wrong);
        let (reactions, pairs) = kinetics.reactions(&rates, &[0.7, 0.2]).unwrap();
        assert_eq!(pairs, [(0, Some(1)), (2, Some(3)), (4, Some(5)), (6, Some(7))]);
        let found = loops(4, &reactions).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0].ln_ratio.abs() - ln_ratio).abs() < 1e-14);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any numbers at all give a scheme or an error, never a panic.
    #[test]
    fn nonsense_is_never_a_panic(
        states in 0_usize..80,
        ligands in 0_usize..3,
        steps in proptest::collection::vec((0_u16..70, 0_u16..70, 0_u16..4, proptest::option::of(0_u16..4)), 0..20),
        absorbing in proptest::collection::vec(0_u16..70, 0..3),
    ) {
        let mut d = description();
        d.states = states;
        d.ligands = ligands;
        d.transitions = steps.iter().map(|&(from, to, rate, ligand)| transition(from, to, rate, ligand)).collect();
        d.absorbing = absorbing.into_iter().map(StateIndex).collect();
        d.observables.clear();
        if let Ok(kinetics) = Kinetics::new(d) {
            let _ = engine::ensemble::Implicit::new(&kinetics);
            let _ = kinetics.generator(&[1.0, f64::NAN], &vec![1.0; ligands]);
        }
    }
}
