//! Channels of membranes as schemes: against the gates they are made of, exact propagators and their own bits.

mod cells;

use cells::{COLD, TISSUE, hodgkin_huxley, hodgkin_huxley_schemes, ms};
use engine::mechanism::ProgramBuilder;
use engine::neuron::*;
use engine::snapshot;
use engine::time::Tick;
use numerics::markov::Generator;
use numerics::simd::Level;

fn stepping(dt: f64) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method: Method::CrankNicolson }
}

fn squid(cell: Cell) -> Cell {
    cell.with(0, 120.0).with(1, 36.0).with(2, 0.3)
}

/// Eleven cells: points, and cables on which only every third compartment has the sodium channel.
fn zoo() -> Vec<Cell> {
    let cell = |k: u32| match k % 3 {
        0 => squid(Cell::point(TISSUE, 500.0 + 100.0 * f64::from(k))),
        1 => squid(Cell::ball_and_stick(TISSUE, 15.0, 300.0, 1.5, 7 + k)),
        _ => Cell::cable(TISSUE, 400.0, 2.0, 9).with_at(0, 120.0, |c| c % 3 == 0).with(1, 36.0).with(2, 0.3),
    };
    (0..11).map(|k| cell(k).detect(0, 0.0)).collect()
}

/// Brief pulses into every cell, of different strengths.
fn pulses(plan: &Plan) -> Vec<impl Drive + use<>> {
    let sites: Vec<Vec<Site>> = (0..plan.blocks())
        .map(|b| (0..plan.cells()).map(|c| plan.site(c, 0)).filter(|s| s.block == b).collect())
        .collect();
    let drive = |sites: Vec<Site>| {
        with(move |moment: Moment, _: &[numerics::simd::F64x8], ports: &mut Ports| {
            for site in &sites {
                if moment.start.ms() % 15.0 < 2.0 {
                    ports.current(*site, 60.0 + 20.0 * site.lane as f64);
                }
            }
        })
    };
    sites.into_iter().map(drive).collect()
}

fn go<D: Drive>(plan: &Plan, state: &mut State, how: Stepping, steps: u64, drives: &mut [D]) -> Vec<Spike> {
    let mut spikes = Vec::new();
    run(plan, state, &Scratch::default(), how, steps, drives, &mut spikes).unwrap();
    spikes
}

/// Independent gates and the scheme of all their states are one law for any voltage held over a step, so action potentials
/// are the same to rounding, at any step. The control: a cell whose sodium channel has lost one step fires otherwise.
#[test]
fn a_scheme_of_independent_gates_is_the_gates() {
    let cells = zoo();
    let gates = Plan::new(hodgkin_huxley(), &cells, COLD).unwrap();
    let schemes = Plan::new(hodgkin_huxley_schemes(), &cells, COLD).unwrap();
    let mut broken = hodgkin_huxley_schemes();
    broken[0].scheme.as_mut().unwrap().steps.remove(3);
    let broken = Plan::new(broken, &cells, COLD).unwrap();
    for dt in [0.025, 0.1] {
        let mut states = [&gates, &schemes, &broken].map(|plan| plan.rest(-90.0..=-50.0).unwrap());
        let at_rest = |s: &State| (0..11).map(|c| s.v_m(gates.site(c, 0))).collect::<Vec<f64>>();
        let apart = |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(apart(&at_rest(&states[0]), &at_rest(&states[1])) < 1e-9);
        let (mut worst, mut wrong) = (0.0_f64, 0.0_f64);
        let mut spikes = [const { Vec::new() }; 3];
        for _ in 0..200 {
            for ((plan, state), spikes) in [&gates, &schemes, &broken].iter().zip(&mut states).zip(&mut spikes) {
                spikes.extend(go(plan, state, stepping(dt), (0.2 / dt).round() as u64, &mut pulses(plan)));
            }
            let [a, b, c] = [0, 1, 2].map(|k| at_rest(&states[k]));
            (worst, wrong) = (worst.max(apart(&a, &b)), wrong.max(apart(&a, &c)));
        }
        println!("dt {dt} ms: largest difference {worst:.1e} mV in {} spikes; broken {wrong:.1} mV", spikes[0].len());
        assert!(spikes[0].len() > 20 && worst < 1e-7, "{worst}");
        assert_eq!(spikes[0], spikes[1]);
        assert!(wrong > 1.0, "the control must differ");
    }
}

/// Order two in the step: halving it divides the error of an action potential's voltages by four.
#[test]
fn membranes_with_schemes_are_of_order_two() {
    let cells = [squid(Cell::ball_and_stick(TISSUE, 15.0, 300.0, 1.5, 5))];
    let plan = Plan::new(hodgkin_huxley_schemes(), &cells, COLD).unwrap();
    let at = |dt: f64| {
        let mut state = plan.rest(-90.0..=-50.0).unwrap();
        let mut drive = Held::default();
        drive.add(plan.site(0, 0), 0.0, 150.0);
        let mut out = Vec::new();
        for _ in 0..12 {
            go(&plan, &mut state, stepping(dt), (0.4 / dt).round() as u64, &mut [drive.clone()]);
            out.push(state.v_m(plan.site(0, 3)));
        }
        out
    };
    let runs: Vec<Vec<f64>> = [0.02, 0.01, 0.005, 0.0025].map(at).into();
    let error = |k: usize| runs[k].iter().zip(&runs[k + 1]).map(|(a, b)| (a - b).abs()).sum::<f64>();
    let orders = [0, 1].map(|k| numerics::math::ln(error(k) / error(k + 1)) / std::f64::consts::LN_2);
    println!("orders {orders:.3?}, errors {:.1e} {:.1e} {:.1e} mV", error(0), error(1), error(2));
    assert!(orders.iter().all(|order| (order - 2.0).abs() < 0.1), "{orders:?}");
}

/// A linear chain with rates of a share of the voltage, as fast as wanted, and a way round.
fn chain(fast: f64, single: Option<f64>) -> Channel {
    let mut b = ProgramBuilder::new(1);
    let v = b.input(0);
    let rate = |b: &mut ProgramBuilder, scale: f64, slope: f64| {
        let (scale, slope) = (b.constant(scale * fast), b.constant(slope));
        let x = b.div(v, slope);
        let e = b.exp(x);
        b.mul(scale, e)
    };
    let scales = [(3.0, 25.0), (0.5, -30.0), (1.0, 40.0), (2.0, -20.0), (0.01, 100.0), (0.002, -60.0)];
    let outputs: Vec<_> = scales.iter().map(|&(scale, slope)| rate(&mut b, scale, slope)).collect();
    let step = |from, to, rate| SchemeStep { from, to, rate };
    let steps =
        vec![step(0, 1, 0), step(1, 0, 1), step(1, 2, 2), step(2, 1, 3), step(2, 3, 4), step(3, 0, 5), step(0, 3, 4)];
    let scheme = Some(Scheme { steps, open: vec![0.0, 0.25, 1.0, 0.0] });
    let (rates, inputs) = (b.finish(&outputs).unwrap(), vec![ChannelInput::Voltage]);
    Channel { scheme, single, rates, inputs, ..Channel::leak(-80.0) }
}

/// Clamped by a conductance so large that no channel moves the voltage.
fn clamp(plan: &Plan, v: impl Fn(usize) -> f64) -> Vec<Held> {
    let mut drives = vec![Held::default(); plan.blocks()];
    for cell in 0..plan.cells() {
        let site = plan.site(cell, 0);
        drives[site.block].add(site, 1e9, 1e9 * v(cell));
    }
    drives
}

/// Occupancies under a voltage clamp follow `exp(Q t)` computed at once, at mild and at stiff rates (a series, or a matrix
/// squared up), keep their sum to 1e-12 over 100,000 steps and are never negative.
#[test]
fn occupancies_are_exact_conserved_and_never_negative() {
    let volts = [-80.0, -40.0, -10.0, 0.0, 20.0, 45.0, 70.0, 90.0];
    for fast in [0.1, 1.0, 30.0, 1000.0, 1e6] {
        let cell = Cell::point(TISSUE, 100.0).with(0, 1e-6);
        let plan = Plan::new(vec![chain(fast, None)], &vec![cell; 8], 300.0).unwrap();
        let mut state = State::at(&plan, -60.0);
        volts.iter().enumerate().for_each(|(cell, &v)| state.set_v_m(plan.site(cell, 0), v));
        let before: Vec<Vec<f64>> = (0..8).map(|cell| occupancies(&plan, &state, cell)).collect();
        let mut drives = clamp(&plan, |cell| volts[cell]);
        let how = Stepping { method: Method::BackwardEuler, ..stepping(0.025) };
        go(&plan, &mut state, how, 7, &mut drives);
        let mut worst = 0.0_f64;
        for (cell, &v) in volts.iter().enumerate() {
            let e = |scale: f64, slope: f64| fast * scale * numerics::math::exp(v / slope);
            let rates = [e(3.0, 25.0), e(0.5, -30.0), e(1.0, 40.0), e(2.0, -20.0), e(0.01, 100.0), e(0.002, -60.0)];
            let steps = [(0, 1, 0), (1, 0, 1), (1, 2, 2), (2, 1, 3), (2, 3, 4), (3, 0, 5), (0, 3, 4)];
            let q = Generator::new(4, &steps.map(|(from, to, rate)| (from, to, rates[rate]))).unwrap();
            let mut after = vec![0.0; 4];
            q.propagator(7.0 * 0.025).unwrap().apply(&before[cell], &mut after);
            let own = occupancies(&plan, &state, cell);
            worst = own.iter().zip(&after).fold(worst, |worst, (a, b)| worst.max((a - b).abs()));
        }
        println!("rates times {fast}: largest error {worst:.1e}");
        assert!(worst < 1e-7, "{worst}"); // the clamp gives by 1e-9 or so
        go(&plan, &mut state, how, if fast > 100.0 { 1000 } else { 100_000 }, &mut drives);
        for cell in 0..8 {
            let own = occupancies(&plan, &state, cell);
            assert!((own.iter().sum::<f64>() - 1.0).abs() < 1e-12 && own.iter().all(|p| *p >= 0.0), "{own:?}");
        }
    }
}

fn occupancies(plan: &Plan, state: &State, cell: usize) -> Vec<f64> {
    (0..4).map(|s| state.occupancy(plan, plan.site(cell, 0), 0, s).unwrap()).collect()
}

fn bits(plan: &Plan, state: &State) -> Vec<u64> {
    let mut out = Vec::new();
    for cell in 0..plan.cells() {
        for k in 0..plan.compartments(cell) as u32 {
            let site = plan.site(cell, k);
            out.push(state.v_m(site).to_bits());
            out.extend((0..8).map(|s| state.occupancy(plan, site, 0, s).unwrap_or(-1.0).to_bits()));
        }
    }
    out
}

/// The same bits at every SIMD level, for any number of threads, cut anywhere by a snapshot, and for a cell alone.
#[test]
fn levels_threads_cuts_and_neighbours_change_no_bit() {
    let cells = zoo();
    let plan = Plan::new(hodgkin_huxley_schemes(), &cells, COLD).unwrap();
    let whole = |level: Level, threads: usize, cut: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let how = Stepping { level, ..stepping(0.05) };
            let mut state = plan.rest(-90.0..=-50.0).unwrap();
            go(&plan, &mut state, how, cut, &mut pulses(&plan));
            let saved = snapshot::save(plan.fingerprint(), &state).unwrap();
            let mut state: State = snapshot::load(plan.fingerprint(), &saved).unwrap();
            go(&plan, &mut state, how, 300 - cut, &mut pulses(&plan));
            bits(&plan, &state)
        })
    };
    let reference = whole(Level::Portable, 1, 0);
    for &level in Level::available() {
        assert!(whole(level, 1, 0) == reference, "{level:?}");
    }
    assert!(whole(Level::best(), 3, 0) == reference && whole(Level::best(), 2, 137) == reference);
    let alone = Plan::new(hodgkin_huxley_schemes(), &cells[4..5], COLD).unwrap();
    let mut state = alone.rest(-90.0..=-50.0).unwrap();
    let site = alone.site(0, 0);
    let mut drive = with(move |moment: Moment, _: &[numerics::simd::F64x8], ports: &mut Ports| {
        if moment.start.ms() % 15.0 < 2.0 {
            ports.current(site, 60.0 + 20.0 * 4.0);
        }
    });
    go(&alone, &mut state, stepping(0.05), 300, std::slice::from_mut(&mut drive));
    let from = cells[..4].iter().map(|c| 9 * c.compartments.len()).sum::<usize>();
    let own = bits(&alone, &state);
    assert!(reference[from..from + own.len()] == own, "a neighbour shows");
}

/// Resistance and impedance of a membrane with schemes are those of its gates; at 0 Hz they meet.
#[test]
fn impedances_of_schemes_are_those_of_their_gates() {
    let cells = [squid(Cell::ball_and_stick(TISSUE, 15.0, 300.0, 1.5, 5))];
    let f = [0.0, 0.001, 0.02, 0.05, 0.1, 0.3, 1.0];
    let of = |kinds: Vec<Channel>| {
        let plan = Plan::new(kinds, &cells, COLD).unwrap();
        let rest = plan.rest(-90.0..=-50.0).unwrap();
        let (held, settled) = (Gating::Held, Gating::Settled);
        let r = [held, settled].map(|gating| plan.input_resistance(&rest, plan.site(0, 0), gating).unwrap());
        (r, plan.impedances(&rest, plan.site(0, 0), &f).unwrap())
    };
    let ((r, z), (s, w)) = (of(hodgkin_huxley()), of(hodgkin_huxley_schemes()));
    let mut counted = hodgkin_huxley();
    (counted[0].single, counted[1].single) = (Some(0.02), Some(0.02));
    let (t, u) = of(counted);
    for k in 0..2 {
        assert!((r[k] / s[k] - 1.0).abs() < 1e-6 && (r[k] / t[k] - 1.0).abs() < 1e-6, "{r:?} {s:?} {t:?}");
    }
    for (k, of) in z.iter().zip(&w).zip(&u).enumerate() {
        let ((z, w), u) = of;
        for ((z, w), u) in z.iter().zip(w).zip(u) {
            let size = z.magnitude();
            assert!((z.re - w.re).abs() + (z.im - w.im).abs() < 1e-6 * size, "{} kHz: {z:?} {w:?}", f[k]);
            assert!((z.re - u.re).abs() + (z.im - u.im).abs() < 1e-6 * size, "{} kHz: {z:?} {u:?}", f[k]);
        }
    }
    assert!((w[0][0].re / s[1] - 1.0).abs() < 1e-6);
}

#[test]
fn what_is_no_scheme_and_what_cannot_be_counted_is_named() {
    let cell = || Cell::point(TISSUE, 100.0).with(0, 1.0);
    let refuse = |change: &dyn Fn(&mut Channel)| {
        let mut kind = chain(1.0, Some(0.02));
        change(&mut kind);
        Plan::new(vec![kind], &[cell()], 300.0).unwrap_err()
    };
    let broken = PlanError::Channel { channel: 0 };
    for change in [
        &|c: &mut Channel| c.scheme.as_mut().unwrap().steps[0].to = 4,
        &|c: &mut Channel| c.scheme.as_mut().unwrap().steps[0].to = 0,
        &|c: &mut Channel| c.scheme.as_mut().unwrap().steps[0].rate = 6,
        &|c: &mut Channel| c.scheme.as_mut().unwrap().open[1] = 1.5,
        &|c: &mut Channel| c.scheme.as_mut().unwrap().open.clear(),
        &|c: &mut Channel| c.single = Some(0.0),
        &|c: &mut Channel| c.single = Some(f64::NAN),
        &|c: &mut Channel| c.scheme = None,
        &|c: &mut Channel| c.gates = vec![Gate { count: 1, form: GateForm::Rates }],
    ] as [&dyn Fn(&mut Channel); 9]
    {
        assert_eq!(refuse(change), broken);
    }
    // 1 nS in copies of 1e-10 nS are more than 2^32.
    let many = refuse(&|c| c.single = Some(1e-10));
    assert!(matches!(many, PlanError::Copies { cell: 0, channel: 0, compartment: 0, .. }), "{many}");
    let plan = Plan::new(vec![chain(1.0, Some(0.02))], &[cell()], 300.0).unwrap();
    let (mut state, mut spikes) = (State::at(&plan, -60.0), Vec::new());
    let mut once =
        |state: &mut State| run(&plan, state, &Scratch::default(), stepping(0.025), 1, &mut [Quiet], &mut spikes);
    assert_eq!(once(&mut state).unwrap_err(), RunError::Unpopulated);
    let key = numerics::rng::StreamKey::new(1, 0, 0, 0);
    state.populate(&plan, |_, _| [key; 8]);
    assert_eq!(once(&mut state).unwrap_err(), RunError::Luck { channel: 0 });
    // A rate that is none, in one cell of two.
    let mut b = ProgramBuilder::new(1);
    let v = b.input(0);
    let (rate, one) = (b.unary(engine::mechanism::Unary::Sqrt, v), b.constant(1.0));
    let steps = vec![SchemeStep { from: 0, to: 1, rate: 1 }, SchemeStep { from: 1, to: 0, rate: 0 }];
    let scheme = Some(Scheme { steps, open: vec![0.0, 1.0] });
    let (rates, inputs) = (b.finish(&[rate, one]).unwrap(), vec![ChannelInput::Voltage]);
    let bad = Channel { scheme, rates, inputs, ..Channel::leak(-80.0) };
    let cells = [Cell::point(TISSUE, 100.0).with(1, 1.0), cell().with(1, 1.0)];
    let plan = Plan::new(vec![bad, Channel::leak(-10.0)], &cells, 300.0).unwrap();
    let mut state = State::at(&plan, 30.0);
    let error =
        run(&plan, &mut state, &Scratch::default(), stepping(0.025), 4000, &mut [Quiet], &mut spikes).unwrap_err();
    let RunError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!((fault.quantity, fault.cell), (NeuronQuantity::SchemeRate { channel: 0, output: 0 }, 1), "{fault}");
    assert!(fault.value.is_nan() && fault.at > Tick::ZERO);
    assert!(fault.to_string().contains("rate 0 of the scheme of channel 0"), "{fault}");
}
