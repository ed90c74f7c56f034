use super::*;
use crate::mechanism::{Description, LigandIndex, OutputIndex, ProgramBuilder, StateIndex, Transition};

/// E + S <-> ES -> E + P.
fn enzyme(on: f64, off: f64, turnover: f64) -> (Kinetics, Vec<f64>) {
    let mut builder = ProgramBuilder::new(0);
    let rates = [on, off, turnover];
    let outputs: Vec<_> = rates.iter().map(|&k| builder.constant(k)).collect();
    let step = |from, to, rate, takes_up: Option<u16>, gives_off: Option<u16>| Transition {
        from: StateIndex(from),
        to: StateIndex(to),
        rate: OutputIndex(rate),
        takes_up: takes_up.map(LigandIndex),
        gives_off: gives_off.map(LigandIndex),
    };
    let kinetics = Kinetics::new(Description {
        states: 2,
        ligands: 2,
        transitions: vec![step(0, 1, 0, Some(0), None), step(1, 0, 1, None, Some(0)), step(1, 0, 2, None, Some(1))],
        rates: builder.finish(&outputs).unwrap(),
        inputs: vec![],
        absorbing: vec![],
        observables: vec![],
    })
    .unwrap();
    (kinetics, rates.to_vec())
}

fn pool(concentration: f64) -> Pool {
    let (kinetics, coefficients) = enzyme(50.0, 3.0, 7.0);
    Pool { kinetics, concentration, ligands: vec![SpeciesIndex(0), SpeciesIndex(1)], coefficients }
}

#[test]
fn single_steps_converge_with_order_four() {
    // Steps of fixed size through the step routine itself: a wrong digit among the stage coefficients would show.
    let model = WellMixed::new(&[Species::default(); 2], &[pool(0.2)]).unwrap();
    let start = model.start(&[1.0, 0.0], &[&[1.0, 0.0]]).unwrap();
    let run = |steps: usize| {
        let n = model.unknowns();
        let mut scratch = Buffers { w: vec![0.0; n * n], u: vec![0.0; 6 * n], order: vec![0; n] };
        let (mut y, mut after) = (start.values.clone(), vec![0.0; n]);
        for _ in 0..steps {
            model.attempt(&y, 0.2 / steps as f64, Tolerance::default(), &mut after, &mut scratch);
            y.copy_from_slice(&after);
        }
        y
    };
    let want = run(4000);
    let error = |steps| run(steps).iter().zip(&want).fold(0.0, |e, (a, b)| f64::max(e, (a - b).abs()));
    let (coarse, fine) = (error(40), error(80));
    let order = numerics::math::ln(coarse / fine) / numerics::math::ln(2.0);
    assert!((3.7..4.6).contains(&order), "order {order}, errors {coarse:e} and {fine:e}");
}

#[test]
fn matter_is_conserved_to_rounding() {
    let model = WellMixed::new(&[Species::default(); 2], &[pool(0.2), pool(0.01)]).unwrap();
    let mut state = model.start(&[1.0, 0.0], &[&[1.0, 0.0], &[0.5, 0.5]]).unwrap();
    let total = |s: &BoxState| s.values[0] + s.values[1] + 0.2 * s.values[3] + 0.01 * s.values[5];
    let before = total(&state);
    for _ in 0..50 {
        model.advance(&mut state, Tick::from_ms(0.1).unwrap(), Tolerance::default()).unwrap();
        assert!((total(&state) / before - 1.0).abs() < 1e-13);
        for pool in 0..2 {
            assert!((model.occupancies(&state, pool).iter().sum::<f64>() - 1.0).abs() < 1e-13);
        }
    }
}

#[test]
fn a_stiff_box_takes_a_pinned_number_of_steps() {
    let (kinetics, coefficients) = enzyme(5e7, 3e6, 7.0);
    let fast = Pool { kinetics, coefficients, ..pool(0.01) };
    let model = WellMixed::new(&[Species::default(); 2], &[fast]).unwrap();
    let mut state = model.start(&[1.0, 0.0], &[&[1.0, 0.0]]).unwrap();
    let work = model.advance(&mut state, Tick::from_ms(50.0).unwrap(), Tolerance::default()).unwrap();
    // Rates of 1e7 /ms over 50 ms. The same on every machine: no function but the square root is called.
    assert_eq!(work, Work { accepted: 723, rejected: 15 });
    assert!(model.concentration(&state, SpeciesIndex(1)) > 0.9);
}

#[test]
fn influx_removal_and_clamps_do_what_they_say() {
    let species =
        [Species { influx: 0.3, removal: 2.0, clamped: false }, Species { influx: 5.0, removal: 1.0, clamped: true }];
    let model = WellMixed::new(&species, &[]).unwrap();
    let mut state = model.start(&[1.0, 0.7], &[]).unwrap();
    model.advance(&mut state, Tick::from_ms(1.5).unwrap(), Tolerance::default()).unwrap();
    let want = 0.15 + 0.85 * numerics::math::exp(-3.0);
    assert!((model.concentration(&state, SpeciesIndex(0)) - want).abs() < 1e-7);
    assert_eq!(model.concentration(&state, SpeciesIndex(1)), 0.7);
}

#[test]
fn a_box_saved_and_loaded_goes_on_to_the_bit() {
    let model = WellMixed::new(&[Species::default(); 2], &[pool(0.2)]).unwrap();
    let step = Tick::from_ms(0.03).unwrap();
    let mut whole = model.start(&[1.0, 0.0], &[&[1.0, 0.0]]).unwrap();
    for _ in 0..6 {
        model.advance(&mut whole, step, Tolerance::default()).unwrap();
    }
    let mut part = model.start(&[1.0, 0.0], &[&[1.0, 0.0]]).unwrap();
    for _ in 0..2 {
        model.advance(&mut part, step, Tolerance::default()).unwrap();
    }
    let mut rest: BoxState = crate::snapshot::load(3, &crate::snapshot::save(3, &part).unwrap()).unwrap();
    for _ in 0..4 {
        model.advance(&mut rest, step, Tolerance::default()).unwrap();
    }
    assert_eq!(rest, whole);
    assert_eq!(rest.clock(), step * 6);
}

#[test]
fn boxes_that_cannot_be_are_errors() {
    let two = [Species::default(); 2];
    assert!(matches!(WellMixed::new(&two[..1], &[pool(1.0)]), Err(BoxError::Ligands { pool: 0 })));
    assert!(matches!(WellMixed::new(&two, &[pool(f64::NAN)]), Err(BoxError::Concentration { pool: 0, .. })));
    let mut bad = pool(1.0);
    bad.coefficients[1] = -1.0;
    assert!(matches!(WellMixed::new(&two, &[bad]), Err(BoxError::Kinetics { pool: 0, .. })));
    let leaky = [Species { removal: -1.0, ..two[0] }, two[1]];
    assert!(matches!(WellMixed::new(&leaky, &[]), Err(BoxError::Species { species: 0 })));
    let model = WellMixed::new(&two, &[pool(1.0)]).unwrap();
    assert_eq!(model.start(&[1.0], &[&[1.0, 0.0]]), Err(BoxError::Start));
    assert_eq!(model.start(&[1.0, -1.0], &[&[1.0, 0.0]]), Err(BoxError::Start));
}
