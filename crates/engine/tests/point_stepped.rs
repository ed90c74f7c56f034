//! Leaky neurons that take a step at once, against themselves from event to event.

mod points;

use engine::point::{Arrival, Lif, Model, Plan, Ports, Spike, State, step, step_at};
use engine::receptor::waveform::Waveform;
use engine::time::Tick;
use numerics::rng::StreamKey;
use numerics::simd::{LANES, Level};
use points::LIF;

fn tick(ms: f64) -> Tick {
    Tick::from_ms(ms).expect("a time")
}

fn waveforms() -> Vec<Waveform> {
    let bi = |rise, decay| Waveform::biexponential(rise, decay).expect("a waveform");
    vec![
        Waveform::exponential(0.5).expect("a waveform"),
        bi(0.3, 4.0),
        Waveform::alpha(2.0).expect("a waveform"),
        // As slow as the membrane.
        Waveform::exponential(20.0).expect("a waveform"),
    ]
}

/// Events of both signs on all lanes and `inputs` currents, `each` ms apart in the mean, until `stop` ms.
fn storm(seed: u64, inputs: u64, each: f64, stop: f64) -> Vec<Arrival> {
    let (mut at, mut all) = (0.0, Vec::new());
    for k in 0.. {
        let mut draws = StreamKey::new(seed, 0, 1, 7).at(0, k);
        at += each * draws.exponential();
        if at >= stop {
            break;
        }
        let input = draws.below(inputs) as usize;
        let size = [900.0, 110.0, 130.0, 25.0][input] * (0.3 + draws.uniform());
        let weight = if draws.chance(0.3) { -1.1 * size } else { size };
        all.push(Arrival { at: tick(at), lane: draws.below(8) as usize, input, weight });
    }
    all
}

/// Voltages of all lanes after each step, and all spikes.
fn go(level: Option<Level>, plan: &Plan, dt: f64, stop: f64, arrivals: &[Arrival]) -> (Vec<f64>, Vec<Spike>, State) {
    let (mut state, mut spikes, mut course) = (State::new(plan), Vec::new(), Vec::new());
    // A different current in each lane; one has a conductance, which is not taken at once.
    let mut ports = Ports { g: [0.0; LANES], i: [0.0, 30.0, -50.0, 60.0, 90.0, 150.0, 260.0, 0.0] };
    (ports.g[7], ports.i[7]) = (3.0, -180.0);
    let mut from = 0;
    while state.clock() < tick(stop) {
        let until = from + arrivals[from..].partition_point(|a| a.at <= state.clock() + tick(dt));
        let here = &arrivals[from..until];
        match level {
            Some(level) => step_at(level, plan, &mut state, tick(dt), &ports, here, &mut spikes),
            None => step(plan, &mut state, tick(dt), &ports, here, &mut spikes),
        }
        .expect("a good step");
        from = until;
        course.extend((0..LANES).map(|lane| state.v_m(lane)));
    }
    (course, spikes, state)
}

#[test]
fn a_step_at_once_is_the_same_as_from_event_to_event() {
    for (inputs, dt, each) in [(1, 0.1, 0.02), (4, 0.1, 0.02), (3, 0.25, 0.1), (2, 0.05, 0.2), (4, 0.025, 0.01)] {
        let plain = Plan::new(Model::Lif(LIF), &waveforms()[..inputs as usize]).expect("a plan");
        let arrivals = storm(5, inputs, each, 300.0);
        let (one, other) =
            (go(None, &plain, dt, 300.0, &arrivals), go(None, &plain.clone().stepped(tick(dt)), dt, 300.0, &arrivals));
        assert_eq!(one.1.len(), other.1.len(), "as many spikes");
        let ticks =
            one.1.iter().zip(&other.1).map(|(a, b)| if a.lane == b.lane { (a.at.0 - b.at.0).abs() } else { i64::MAX });
        let ticks = ticks.max().expect("spikes");
        let off = one.0.iter().zip(&other.0).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!(
            "{inputs} currents, {dt} ms: {} events, {} spikes, {ticks} ticks, {off:e} mV",
            arrivals.len(),
            one.1.len()
        );
        // A tick of a spike moves what follows by that much of a slope of some mV/ms.
        assert!(one.1.len() > 30 && ticks <= 1 && off < if ticks == 0 { 2e-12 } else { 1e-8 });
        for input in 0..inputs as usize {
            for lane in 0..LANES {
                assert!((one.2.input(lane, input) - other.2.input(lane, input)).abs() < 1e-10);
            }
        }
    }
}

#[test]
fn a_step_at_once_has_the_same_bits_at_every_level() {
    let plan = Plan::new(Model::Lif(LIF), &waveforms()).expect("a plan").stepped(tick(0.1));
    let arrivals = storm(6, 4, 0.01, 100.0);
    let best = go(None, &plan, 0.1, 100.0, &arrivals);
    for &level in Level::available() {
        assert!(go(Some(level), &plan, 0.1, 100.0, &arrivals) == best, "{level:?}");
    }
}

/// Up and down again within a step: what is taken at once must not hide a spike.
#[test]
fn a_crossing_within_a_step_is_found_where_it_would_be_from_event_to_event() {
    let lif = Lif { threshold: -69.97, reset: -72.0, ..LIF };
    let waveform = Waveform::biexponential(0.1, 0.5).expect("a waveform");
    let plain = Plan::new(Model::Lif(lif), &[waveform]).expect("a plan");
    let ready = plain.clone().stepped(tick(0.1));
    let (mut fired, mut silent) = (0, 0);
    for k in 0..400 {
        let weight = 10.0 * f64::from(k);
        let pair = [(0.01, weight), (0.04, -3.0 * weight)];
        let pair = pair.map(|(at, weight)| Arrival { at: tick(at), lane: 3, input: 0, weight });
        let of = |plan: &Plan| {
            let (mut state, mut spikes) = (State::new(plan), Vec::new());
            step(plan, &mut state, tick(0.1), &Ports::default(), &pair, &mut spikes).expect("a good step");
            (spikes, state.v_m(3))
        };
        let ((want, v), (got, w)) = (of(&plain), of(&ready));
        assert!(want == got && (v - w).abs() < 1e-12, "{weight}: {want:?} {got:?}");
        if want.is_empty() { silent += 1 } else { fired += 1 }
    }
    assert!(fired > 50 && silent > 50, "{fired} {silent}");
}

#[test]
fn an_empty_lane_stays_where_it_is() {
    let plan = Plan::new(Model::Lif(LIF), &waveforms()).expect("a plan").stepped(tick(0.1));
    let mut state = State::new(&plan);
    state.vacate(2);
    let ports = Ports { g: [0.0; LANES], i: [500.0; LANES] };
    let mut spikes = Vec::new();
    for _ in 0..1000 {
        step(&plan, &mut state, tick(0.1), &ports, &[], &mut spikes).expect("a good step");
    }
    assert!(state.v_m(2) == -70.0 && spikes.len() > 20 && spikes.iter().all(|s| s.lane != 2));
}
