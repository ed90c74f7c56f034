//! What junctions cannot do is said with their number and the step.

mod cells;

use cells::{COLD, TISSUE, ms};
use engine::circuit::{
    CircuitRunError, Injection, Junction, Outside, Plan, Scratch, State, Target, Trace, Trains, run,
};
use engine::junction::{JunctionInput, JunctionScheme, JunctionStep, Kind};
use engine::mechanism::ProgramBuilder;
use engine::neuron::{self, Cell, Channel, Method, Stepping};
use engine::time::Tick;
use numerics::simd::Level;

/// Three round cells in a row, of 100 pF and 10 nS, the one between pushed: an ohmic junction, and one of the kind that is given.
fn row(kind: Kind, g: f64, current: f64) -> Result<Vec<f64>, CircuitRunError> {
    let dt = ms(0.05);
    let cell = || Cell::point(TISSUE, 1e4).with(0, 0.1);
    let at = |cell| Target { cell, compartment: 0 };
    let push = Injection { to: at(1), start: ms(1.0), stop: ms(1e6), current };
    let cells = neuron::Plan::new(vec![Channel::leak(-70.0)], &[cell(), cell(), cell()], COLD).unwrap();
    let junctions = vec![Junction { a: at(0), b: at(1), kind: 0, g: 5.0 }, Junction { a: at(1), b: at(2), kind: 1, g }];
    let plan = Plan::new(cells, dt, vec![], 0, &[], &[push]).unwrap();
    let plan = plan.joined(vec![Kind::ohmic(), kind], junctions).unwrap();
    let mut state = State::new(&plan, neuron::State::at(&plan.cells, -70.0));
    let mut trace = Trace::new(vec![at(2)], 1);
    let stepping = Stepping { level: Level::best(), dt, method: Method::CrankNicolson };
    let mut outside = Outside::default();
    run(
        &plan,
        &mut state,
        &Scratch::default(),
        stepping,
        2000,
        &Trains::default(),
        &mut outside,
        &mut vec![],
        &mut trace,
    )?;
    Ok(trace.values.swap_remove(0))
}

/// Conducts from 5 mV across on and not below; it opens over so many mV.
fn opens_at_5_mv(over: f64) -> Kind {
    let mut b = ProgramBuilder::new(1);
    let v = b.input(0);
    let (five, over, one) = (b.constant(5.0), b.constant(over), b.constant(1.0));
    let x = b.sub(five, v);
    let x = b.div(x, over);
    let e = b.exp(x);
    let below = b.add_values(one, e);
    let share = b.div(one, below);
    let rates = b.finish(&[share]).unwrap();
    Kind { rates, inputs: vec![JunctionInput::Across], at_once: Some(0), ..Kind::ohmic() }
}

#[test]
fn voltages_that_are_not_found_name_the_junction() {
    // It opens within a microvolt and then takes away in a step, by millivolts, what opened it: tangents on both sides of
    // that microvolt lead to the other one.
    let fault = row(opens_at_5_mv(1e-3), 2e3, 3e4).unwrap_err();
    println!("{fault}");
    let CircuitRunError::Coupling { junction, at, change } = fault else { panic!("{fault}") };
    assert!(junction == 1 && at >= Tick::from_ms(1.0).unwrap() && change > 1e-8);
    // Over 5 mV it is found.
    let v = row(opens_at_5_mv(5.0), 1.0, 500.0).unwrap();
    assert!(v.iter().all(|v| v.is_finite()) && *v.last().unwrap() > -70.0);
}

#[test]
fn rates_that_are_none_name_the_junction_and_the_voltage() {
    // ln(10 - V): no number from 10 mV across on.
    let mut b = ProgramBuilder::new(1);
    let v = b.input(0);
    let ten = b.constant(10.0);
    let left = b.sub(ten, v);
    let (opens, shuts) = (b.unary(engine::mechanism::Unary::Ln, left), b.constant(1.0));
    let rates = b.finish(&[opens, shuts]).unwrap();
    let step = |from, to, rate| JunctionStep { from, to, rate };
    let scheme = JunctionScheme { steps: vec![step(0, 1, 0), step(1, 0, 1)], open: vec![0.0, 1.0] };
    let kind = Kind { rates, inputs: vec![JunctionInput::Across], scheme: Some(scheme), ..Kind::ohmic() };
    let fault = row(kind, 0.1, 500.0).unwrap_err();
    println!("{fault}");
    let CircuitRunError::JunctionRate { junction, across, .. } = fault else { panic!("{fault}") };
    assert!(junction == 1 && across > 9.0);
}
