//! Circuits against closed forms, conservation, and themselves.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, ms};
use engine::circuit::*;
use engine::neuron::{self, Cell, Channel, Method, Spike, Stepping};
use engine::receptor::waveform::Waveform;
use engine::snapshot;
use engine::time::Tick;
use numerics::math::{exp, ln};
use numerics::simd::Level;

/// A sphere of 100 pF and 5 nS (20 ms) at 0 mV.
fn passive(cells: usize) -> neuron::Plan {
    let cell = Cell::point(TISSUE, 1e4).with(0, 0.05).detect(0, 1e3);
    neuron::Plan::new(vec![Channel::leak(0.0)], &vec![cell; cells], 300.0).unwrap()
}

fn stepping(dt: f64) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method: Method::CrankNicolson }
}

fn place(cell: u32, compartment: u32) -> Target {
    Target { cell, compartment }
}

/// From train 0 onto the soma of cell 0.
fn from_train(plan: &neuron::Plan, kind: u16, weight: f64, delay: f64) -> Connection {
    Connection { source: plan.detectors() as u32, to: place(0, 0), kind, weight, delay: ms(delay) }
}

fn trains(times: &[f64]) -> Trains {
    Trains::new(&[times.iter().map(|&t| ms(t)).collect()])
}

/// Voltage of cell 0 at each step's end.
fn voltages(plan: &Plan, dt: f64, steps: u64, trains: &Trains) -> Vec<f64> {
    let mut state = State::new(plan, plan.cells.rest(-100.0..=50.0).unwrap());
    let mut trace = Trace::new(vec![place(0, 0)], 1);
    run(
        plan,
        &mut state,
        &Scratch::default(),
        stepping(dt),
        steps,
        trains,
        &mut Outside::default(),
        &mut Vec::new(),
        &mut trace,
    )
    .unwrap();
    trace.values.remove(0)
}

#[test]
fn a_current_synapse_makes_the_difference_of_two_exponentials_whenever_it_comes() {
    // V = w tau_s / C / (1 - tau_s / tau_m) (e^(-t/tau_m) - e^(-t/tau_s)) (Rotter & Diesmann 1999)
    let error = |dt: f64| {
        let cells = passive(1);
        let kind = Kind { waveform: Waveform::exponential(2.0).unwrap(), action: Action::Current };
        let connections = [from_train(&cells, 0, 100.0, 0.37)];
        let plan = Plan::new(cells, ms(dt), vec![kind], 1, &connections, &[]).unwrap();
        let v = voltages(&plan, dt, (40.0 / dt).round() as u64, &trains(&[3.011]));
        let wanted = |t: f64| match t - 3.381 {
            t if t < 0.0 => 0.0,
            t => 100.0 * 2.0 / 100.0 / (1.0 - 0.1) * (exp(-t / 20.0) - exp(-t / 2.0)),
        };
        v.iter().enumerate().map(|(k, v)| (v - wanted((k + 1) as f64 * dt)).abs()).fold(0.0, f64::max)
    };
    let (coarse, fine) = (error(0.1), error(0.05));
    assert!(coarse < 1e-3 && fine > 0.0, "{coarse} mV of 1.5");
    // Off the grid the event moves within its step, so that the error is second order but not smoothly.
    assert!(coarse / fine > 2.5, "{coarse} {fine}");
}

#[test]
fn a_step_sees_the_exact_integral_of_what_arrives() {
    // 20 ms x 5 nS: a current of charge q leaves V with C V integrated: the integral of V is q / g, whatever the step.
    for (k, waveform) in
        [Waveform::exponential(3.0).unwrap(), Waveform::alpha(1.0).unwrap(), Waveform::biexponential(0.4, 5.0).unwrap()]
            .into_iter()
            .enumerate()
    {
        let cells = passive(1);
        let connections = [from_train(&cells, 0, 80.0, 0.0)];
        let kind = Kind { waveform, action: Action::Current };
        let plan = Plan::new(cells, ms(0.1), vec![kind], 1, &connections, &[]).unwrap();
        let mut state = State::new(&plan, plan.cells.rest(-100.0..=50.0).unwrap());
        let mut trace = Trace::new(vec![place(0, 0)], 1);
        let times = trains(&[1.234_567, 1.277_7, 7.0, 7.1]);
        run(
            &plan,
            &mut state,
            &Scratch::default(),
            stepping(0.1),
            20_000,
            &times,
            &mut Outside::default(),
            &mut Vec::new(),
            &mut trace,
        )
        .unwrap();
        // Crank-Nicolson: sum of (V_n + V_(n+1))/2 h is the charge over the conductance, exactly.
        let sum: f64 = trace.values[0].iter().sum::<f64>() * 0.1;
        let charge = 4.0 * 80.0 * waveform.area();
        assert!((sum * 5.0 / charge - 1.0).abs() < 1e-11, "waveform {k}: {sum} {charge}");
        assert!(state.synaptic(&plan, place(0, 0), 0).abs() < 1e-100);
    }
}

#[test]
fn a_conductance_has_its_waveform_at_every_step() {
    for waveform in
        [Waveform::exponential(3.0).unwrap(), Waveform::alpha(1.0).unwrap(), Waveform::biexponential(0.4, 5.0).unwrap()]
    {
        let cells = passive(1);
        let connections = [from_train(&cells, 0, 2.0, 1.05)];
        let kind = Kind { waveform, action: Action::Conductance { e_rev: 0.0 } };
        let plan = Plan::new(cells, ms(0.1), vec![kind], 1, &connections, &[]).unwrap();
        let mut state = State::new(&plan, plan.cells.rest(-100.0..=50.0).unwrap());
        let times = trains(&[0.512]);
        for step in 1..300 {
            let mut trace = Trace::new(vec![], 1);
            run(
                &plan,
                &mut state,
                &Scratch::default(),
                stepping(0.1),
                1,
                &times,
                &mut Outside::default(),
                &mut Vec::new(),
                &mut trace,
            )
            .unwrap();
            let wanted = 2.0 * waveform.at(f64::from(step) * 0.1 - 1.562);
            let got = state.synaptic(&plan, place(0, 0), 0);
            assert!((got - wanted).abs() < 1e-12, "step {step}: {got} {wanted}");
        }
    }
}

#[test]
fn a_conductance_is_second_order_in_the_step() {
    let at = |dt: f64| {
        let cells = passive(1);
        let connections = [from_train(&cells, 0, 10.0, 0.0)];
        let action = Action::Conductance { e_rev: 60.0 };
        let kind = Kind { waveform: Waveform::biexponential(0.5, 3.0).unwrap(), action };
        let plan = Plan::new(cells, ms(dt), vec![kind], 1, &connections, &[]).unwrap();
        voltages(&plan, dt, (8.0 / dt).round() as u64, &trains(&[2.0])).pop().unwrap()
    };
    let (coarse, middle, fine) = (at(0.2), at(0.1), at(0.05));
    let order = ln((coarse - middle) / (middle - fine)) / ln(2.0);
    assert!((order - 2.0).abs() < 0.1, "order {order}");
}

/// A ring of cells with a dendrite each, ten synapses a cell, the first set off by a train.
fn ring(cells: u32) -> Plan {
    let cell =
        Cell::ball_and_stick(TISSUE, 20.0, 200.0, 2.0, 5).with(0, 120.0).with(1, 36.0).with(2, 0.3).detect(0, 0.0);
    let made =
        neuron::Plan::new(hodgkin_huxley(), &vec![cell; cells as usize], COLD).unwrap().tabulated(ms(0.025), 1e-7);
    let waveform = Waveform::exponential(2.0).unwrap();
    let kinds = vec![Kind { waveform, action: Action::Conductance { e_rev: 0.0 } }];
    let mut connections = vec![from_train(&made, 0, 30.0, 0.5)];
    for cell in 0..cells {
        for k in 0..10 {
            let to = place((cell + 1) % cells, k % 6);
            let delay = ms(3.0 + 0.1 * f64::from(k));
            connections.push(Connection { source: cell, to, kind: 0, weight: 3.0, delay });
        }
    }
    let pulse = Injection { to: place(3 % cells, 1), start: ms(20.01), stop: ms(20.5), current: 40.0 };
    Plan::new(made, ms(0.025), kinds, 1, &connections, &[pulse]).unwrap()
}

fn around(plan: &Plan, level: Level, parts: &[u64]) -> (State, Vec<Spike>) {
    let mut state = State::new(plan, plan.cells.rest(-120.0..=40.0).unwrap());
    let (mut spikes, mut trace) = (Vec::new(), Trace::new(vec![], 1));
    let stepping = Stepping { level, dt: ms(0.025), method: Method::CrankNicolson };
    for &steps in parts {
        run(
            plan,
            &mut state,
            &Scratch::default(),
            stepping,
            steps,
            &trains(&[1.0]),
            &mut Outside::default(),
            &mut spikes,
            &mut trace,
        )
        .unwrap();
        let saved = snapshot::save(plan.cells.fingerprint(), &state).unwrap();
        let loaded: State = snapshot::load(plan.cells.fingerprint(), &saved).unwrap();
        // Rings may begin elsewhere; what they hold is the same.
        state = loaded;
    }
    (state, spikes)
}

#[test]
fn a_spike_goes_round_the_ring_with_the_same_bits_however_it_is_computed() {
    let plan = ring(13);
    assert_eq!((plan.connections(), plan.merged()), (131, 13 * 6));
    let (state, spikes) = around(&plan, Level::best(), &[2400]);
    let order: Vec<u32> = spikes.iter().map(|s| s.cell).collect();
    assert!(order.len() >= 10, "{order:?}");
    assert!(order.windows(2).all(|w| w[1] == (w[0] + 1) % 13), "one after the other: {order:?}");
    let hops: Vec<f64> = spikes.windows(2).map(|w| (w[1].at - w[0].at).ms()).collect();
    assert!(hops[4..].windows(2).all(|w| (w[0] - w[1]).abs() < 0.02), "{hops:?}");
    assert!(hops[4] > 3.0, "not before the shortest delay: {hops:?}");
    for &level in Level::available() {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let other = pool.install(|| around(&plan, level, &[2400]));
            assert!(other == (state.clone(), spikes.clone()), "{level:?} on {threads} threads");
        }
    }
    let parts = around(&plan, Level::best(), &[7, 113, 1, 1000, 1279]);
    assert!(parts.1 == spikes, "in parts, through snapshots");
    assert!(parts.0.cells == state.cells);
}

#[test]
fn an_event_arrives_its_delay_after_its_spike() {
    let plan = ring(2);
    let (mut state, mut spikes) = (State::new(&plan, plan.cells.rest(-120.0..=40.0).unwrap()), Vec::new());
    let mut first = None;
    for step in 1..600 {
        let mut trace = Trace::new(vec![], 1);
        let times = trains(&[1.0]);
        run(
            &plan,
            &mut state,
            &Scratch::default(),
            stepping(0.025),
            1,
            &times,
            &mut Outside::default(),
            &mut spikes,
            &mut trace,
        )
        .unwrap();
        if first.is_none() && state.synaptic(&plan, place(1, 0), 0) > 0.0 {
            first = Some(Tick(25_000_000) * step);
        }
    }
    let arrival = spikes[0].at + ms(3.0);
    let seen = first.unwrap();
    assert!(arrival <= seen && seen - arrival <= Tick(25_000_000), "{arrival} {seen}");
    assert_eq!(spikes[0].cell, 0);
}

#[test]
fn an_injection_counts_for_the_share_of_a_step_that_it_lasts() {
    // Charge that left through the membrane, over what came in. At edges voltages are those of damped steps, off at second order
    // in the step (of 20 ms, the time constant).
    let off = |start: f64, stop: f64, dt: f64| {
        let pulse = Injection { to: place(0, 0), start: ms(start), stop: ms(stop), current: 10.0 };
        let plan = Plan::new(passive(1), ms(dt), vec![], 0, &[], &[pulse]).unwrap();
        let charge = voltages(&plan, dt, (1000.0 / dt) as u64, &Trains::default()).iter().sum::<f64>() * dt * 5.0;
        charge / (10.0 * (stop - start)) - 1.0
    };
    for (start, stop) in [(1.0, 2.0), (1.03, 1.05), (0.97, 3.333)] {
        for dt in [0.1, 0.01] {
            let off = off(start, stop, dt).abs();
            println!("{start} to {stop} ms: {off:.2e} off at steps of {dt} ms");
            assert!(off < dt * dt / (2.0 * 20.0 * (stop - start)), "{start} to {stop}, steps of {dt}: {off}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_by_number() {
    let kinds = || vec![Kind { waveform: Waveform::exponential(2.0).unwrap(), action: Action::Current }];
    let good = from_train(&passive(1), 0, 1.0, 0.0);
    let of = |c: Connection| Plan::new(passive(1), ms(0.1), kinds(), 1, &[good, c], &[]).unwrap_err();
    let unknown = CircuitError::Unknown { connection: 1 };
    assert_eq!(of(Connection { source: 2, ..good }), unknown);
    assert_eq!(of(Connection { kind: 1, ..good }), unknown);
    assert_eq!(of(Connection { to: place(1, 0), ..good }), unknown);
    assert_eq!(of(Connection { to: place(0, 1), ..good }), unknown);
    assert_eq!(
        of(Connection { weight: f64::INFINITY, ..good }),
        CircuitError::Weight { connection: 1, weight: f64::INFINITY }
    );
    let late = CircuitError::Delay { connection: 1, delay: ms(0.09), dt: ms(0.1) };
    assert_eq!(of(Connection { source: 0, delay: ms(0.09), ..good }), late);
    assert!(matches!(of(Connection { delay: Tick(-1), ..good }), CircuitError::Delay { .. }));
    let injection = Injection { to: place(0, 9), start: ms(0.0), stop: ms(1.0), current: 1.0 };
    let refused = Plan::new(passive(1), ms(0.1), kinds(), 1, &[good], &[injection]).unwrap_err();
    assert_eq!(refused, CircuitError::Injection { injection: 0 });
    let plan = Plan::new(passive(1), ms(0.1), kinds(), 1, &[good], &[]).unwrap();
    let mut state = State::new(&plan, plan.cells.rest(-100.0..=50.0).unwrap());
    let mut go = |dt: f64, trains: &Trains| {
        let mut trace = Trace::new(vec![], 1);
        run(
            &plan,
            &mut state,
            &Scratch::default(),
            stepping(dt),
            1,
            trains,
            &mut Outside::default(),
            &mut Vec::new(),
            &mut trace,
        )
    };
    assert_eq!(go(0.1, &Trains::default()), Err(CircuitRunError::Trains { want: 1, got: 0 }));
    assert_eq!(go(0.2, &trains(&[])), Err(CircuitRunError::Step { want: ms(0.1), got: ms(0.2) }));
    assert_eq!(go(0.1, &trains(&[])), Ok(()));
}
