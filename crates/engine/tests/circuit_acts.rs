//! What acts from outside a circuit, and the clock of its traces.

mod cells;

use cells::{TISSUE, ms};
use engine::circuit::*;
use engine::neuron::{self, Cell, Channel, Dynamics, Ion, Method, Stepping};
use engine::point::{Lif, Model};
use engine::time::Tick;
use numerics::math::exp;
use numerics::simd::Level;

const LIF: Lif = Lif {
    capacitance: 200.0,
    g_leak: 10.0,
    e_leak: -70.0,
    threshold: -50.0,
    reset: -65.0,
    refractory: 2.0,
    drawn: 20.0,
};

fn stepping() -> Stepping {
    Stepping { level: Level::best(), dt: ms(0.1), method: Method::CrankNicolson }
}

fn to(cell: u32, compartment: u32) -> Target {
    Target { cell, compartment }
}

fn act(to: Target, g: f64, i: f64) -> Act {
    Act { to, g, i, jump: false, carried: None }
}

/// Ten cables of three compartments with a leak and calcium, and ten leaky neurons.
fn plan(injections: &[Injection]) -> Plan {
    let shell = |c: &neuron::Compartment| Dynamics {
        volume: Dynamics::shell(c.area, 0.1),
        rest: 5e-5,
        tau: 80.0,
        v_max: 0.0,
        k_m: 0.0,
        bound: 0.0,
        share: 0.05,
    };
    let cell = Cell::cable(TISSUE, 100.0, 2.0, 3).with(0, 0.3).with_pool(0, |_| true, shell).detect(0, 0.0);
    let calcium = Ion { valence: 2, outside: 2.0 };
    let cells = neuron::Plan::with_ions(vec![Channel::leak(-70.0)], vec![calcium], &vec![cell; 10], 300.0).unwrap();
    let points = vec![Points { model: Model::Lif(LIF), count: 10 }];
    Plan::with_points(cells, points, ms(0.1), vec![], 0, &[], injections).unwrap()
}

fn all() -> Vec<Target> {
    let cables = (0..10).flat_map(|cell| (0..3).map(move |compartment| to(cell, compartment)));
    cables.chain((10..20).map(|cell| to(cell, 0))).collect()
}

fn rest(plan: &Plan) -> State {
    State::new(plan, plan.cells.rest(-90.0..=0.0).unwrap())
}

/// Runs by parts, and gives what was seen last and all voltages.
fn go(plan: &Plan, state: &mut State, parts: &[u64], acts: Vec<Act>, every: u64) -> (Outside, Trace) {
    let (mut outside, mut trace) = (Outside { acts, ..Outside::default() }, Trace::new(all(), every));
    for &steps in parts {
        let (scratch, trains) = (Scratch::default(), Trains::default());
        run(plan, state, &scratch, stepping(), steps, &trains, &mut outside, &mut Vec::new(), &mut trace).unwrap();
    }
    (outside, trace)
}

#[test]
fn an_act_is_an_injection_of_the_same_current() {
    let places = [to(17, 0), to(2, 1), to(11, 0), to(9, 2), to(2, 0), to(17, 0)];
    let currents = [30.0, 3.0, 150.0, -2.0, 4.0, 90.0];
    // No edge within the run: an act that has not jumped.
    let injection = |(&to, &current): (&Target, &f64)| Injection { to, start: ms(-10.0), stop: ms(90.0), current };
    let injections: Vec<Injection> = places.iter().zip(&currents).map(injection).collect();
    let acts: Vec<Act> = places.iter().zip(&currents).map(|(&to, &i)| act(to, 0.0, i)).collect();
    let (with, without) = (plan(&injections), plan(&[]));
    let (mut one, mut other) = (rest(&with), rest(&without));
    let (_, injected) = go(&with, &mut one, &[500], vec![], 1);
    let (outside, acted) = go(&without, &mut other, &[500], acts.clone(), 1);
    assert!(injected == acted && one == other);
    // It moved what it should, and nothing else.
    for (site, values) in acted.sites.iter().zip(&acted.values) {
        let moved = values.iter().map(|v| (v + 70.0).abs()).fold(0.0, f64::max);
        let acted = places.iter().any(|p| p.cell == site.cell);
        assert!(if acted { moved > 0.5 } else { moved < 1e-9 }, "{site:?} {moved}");
    }
    // The sixth is where the first is.
    assert_eq!(outside.solved.len(), 6);
    assert_eq!(outside.solved[0], outside.solved[5]);
    assert_eq!(outside.solved[0], other.v_m(&without, to(17, 0)));
    // Closed form of a constant current: below the threshold.
    let wanted = -70.0 + 150.0 / 10.0 * (1.0 - exp(-50.0 / 20.0));
    assert!((other.v_m(&without, to(11, 0)) - wanted).abs() < 1e-10);
    // Step by step, each a run of its own.
    let mut third = rest(&without);
    let (_, trace) = go(&without, &mut third, &[1; 500], acts, 1);
    assert!(trace == acted && third == other);
}

#[test]
fn an_act_sees_the_voltage_that_the_solve_gave_its_conductance() {
    let plan = plan(&[]);
    let acts = vec![act(to(12, 0), 5.0, -50.0 * 5.0), act(to(9, 2), 2.0, -2.0 * 40.0)];
    let mut state = rest(&plan);
    go(&plan, &mut state, &[20], acts.clone(), 1);
    let before = state.clone();
    let (outside, _) = go(&plan, &mut state, &[1], acts, 1);
    let at = |s: &State, t| s.v_m(&plan, t);
    assert_eq!(outside.solved[0], at(&state, to(12, 0)));
    // Crank-Nicolson: the middle of the step.
    let middle = 0.5 * (at(&before, to(9, 2)) + at(&state, to(9, 2)));
    assert!((outside.solved[1] - middle).abs() < 1e-12 && at(&state, to(9, 2)) > -69.9);
    // 10 nS to -70 mV and 5 nS to -50 mV.
    let wanted = -70.0 + 20.0 * 5.0 / 15.0 * (1.0 - exp(-2.1 * 15.0 / 200.0));
    assert!((at(&state, to(12, 0)) - wanted).abs() < 1e-10);
}

#[test]
fn what_an_ion_carries_of_an_act_comes_into_its_pool() {
    let plan = plan(&[]);
    let carried = Some(Carried { ion: 0, g: 0.1, i: 0.1 * 10.0 });
    let acts = vec![Act { to: to(8, 1), g: 1.0, i: 0.0, jump: false, carried }];
    let mut state = rest(&plan);
    go(&plan, &mut state, &[300], acts.clone(), 1);
    // The same by hand, through the cells' own ports.
    struct ByHand(neuron::Site);
    impl neuron::Drive for ByHand {
        fn drive(&mut self, _: neuron::Moment, _: &[numerics::simd::F64x8], ports: &mut neuron::Ports) {
            if self.0.block == 1 {
                ports.conductance(self.0, 1.0, 0.0);
                ports.carries(0, self.0, 0.1, 0.1 * 10.0);
            }
        }
    }
    let site = plan.cells.site(8, 1);
    let mut cells = plan.cells.rest(-90.0..=0.0).unwrap();
    let mut drives = [ByHand(neuron::Site { block: 0, ..site }), ByHand(site)];
    neuron::run(&plan.cells, &mut cells, &neuron::Scratch::default(), stepping(), 300, &mut drives, &mut Vec::new())
        .unwrap();
    assert!(cells == state.cells);
    let c = state.cells.concentration(&plan.cells, site, 0).unwrap();
    assert!(c > 1e-4, "{c} mM");
    assert_eq!(state.cells.concentration(&plan.cells, plan.cells.site(7, 1), 0), Some(5e-5));
}

#[test]
fn an_act_on_what_does_not_exist_is_refused_by_number() {
    let plan = plan(&[]);
    let mut state = rest(&plan);
    let mut refused = |bad: Act| {
        let mut outside = Outside { acts: vec![act(to(0, 0), 0.0, 1.0), bad], ..Outside::default() };
        let (scratch, trains, mut trace) = (Scratch::default(), Trains::default(), Trace::new(vec![], 1));
        run(&plan, &mut state, &scratch, stepping(), 1, &trains, &mut outside, &mut Vec::new(), &mut trace)
    };
    let error = Err(CircuitRunError::Act { act: 1 });
    let carried = Some(Carried { ion: 0, g: 0.0, i: 1.0 });
    assert_eq!(refused(act(to(20, 0), 0.0, 1.0)), error);
    assert_eq!(refused(act(to(19, 1), 0.0, 1.0)), error);
    assert_eq!(refused(act(to(3, plan.cells.compartments(3) as u32), 0.0, 1.0)), error);
    assert_eq!(refused(act(to(3, 2), f64::NAN, 1.0)), error);
    assert_eq!(refused(Act { carried, ..act(to(19, 0), 0.0, 1.0) }), error);
    assert_eq!(refused(Act { carried, ..act(to(9, 2), 0.0, 1.0) }), Ok(()));
}

#[test]
fn a_trace_counts_its_steps_from_time_0_wherever_runs_begin() {
    let plan = plan(&[]);
    let acts = || vec![act(to(12, 0), 0.0, 300.0), act(to(1, 1), 0.0, 5.0)];
    let mut state = rest(&plan);
    let (_, whole) = go(&plan, &mut state, &[1003], acts(), 10);
    let mut state = rest(&plan);
    let (_, parts) = go(&plan, &mut state, &[4, 13, 1, 1, 1, 970, 13], acts(), 10);
    assert!(whole == parts && whole.values.iter().all(|v| v.len() == 100));
    // Spikes are drawn: the leaky neuron's own voltage is never above its threshold.
    let mut state = rest(&plan);
    let (_, every) = go(&plan, &mut state, &[1003], acts(), 1);
    let drawn = &every.values[all().iter().position(|t| *t == to(12, 0)).unwrap()];
    let peaks = drawn.iter().filter(|v| **v == 20.0).count();
    assert!(peaks >= 2 && drawn.iter().all(|v| *v == 20.0 || *v < -50.0), "{peaks}");
    assert!(state.clock() == ms(100.3) && state.clock() > Tick::ZERO);
}
