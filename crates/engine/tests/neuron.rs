//! Neurons against exact laws, published numbers of Hodgkin and Huxley (1952), and themselves.

mod cells;

use cells::{COLD, TISSUE, exponential, ms, shifted_hodgkin_huxley as kinds};
use engine::mechanism::ProgramBuilder;
use engine::neuron::*;
use engine::snapshot;
use engine::time::Tick;
use numerics::math;
use numerics::simd::{F64x8, Level};

/// Indices of [`kinds`].
const NA: usize = 0;
const K: usize = 1;
const LEAK: usize = 2;

fn squid(cell: Cell) -> Cell {
    cell.with(NA, 120.0).with(K, 36.0).with(LEAK, 0.3)
}

/// A squid-like point cell of 1000 um2 (10 pF; 1 uA/cm2 is 10 pA) with a detector at 0 mV.
fn point() -> Cell {
    squid(Cell::point(TISSUE, 1000.0)).detect(0, 0.0)
}

fn plan(cells: &[Cell]) -> Plan {
    Plan::new(kinds(), cells, COLD).unwrap()
}

/// Passive cells of Rm = 40,000 Ohm cm2 resting at -65 mV.
fn passive(cell: Cell) -> Plan {
    Plan::new(vec![Channel::leak(-65.0)], &[cell.with(0, 0.025)], 300.0).unwrap()
}

fn stepping(dt: f64, method: Method) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method }
}

const BOTH: [Method; 2] = [Method::BackwardEuler, Method::CrankNicolson];

/// Runs and gives the spikes.
fn go<D: Drive>(plan: &Plan, state: &mut State, how: Stepping, steps: u64, drives: &mut [D]) -> Vec<Spike> {
    let mut spikes = Vec::new();
    run(plan, state, &Scratch::default(), how, steps, drives, &mut spikes).unwrap();
    spikes
}

/// Holds a current (pA) in one compartment of cell 0.
fn inject(plan: &Plan, compartment: u32, current: f64) -> Held {
    let mut held = Held::default();
    held.add(plan.site(0, compartment), 0.0, current);
    held
}

/// Voltage of cell 0's compartment 0 after each step under a pulse, density in uA/cm2, with the spikes.
fn trace(density: f64, duration: f64, total: f64, dt: f64) -> (Vec<f64>, Vec<Spike>) {
    let plan = plan(&[point()]);
    let mut state = plan.rest(-90.0..=-40.0).unwrap();
    let site = plan.site(0, 0);
    let clamp = CurrentClamp { site, start: ms(0.0), end: ms(duration), current: 10.0 * density };
    struct Probe(CurrentClamp, Vec<f64>);
    impl Drive for Probe {
        fn drive(&mut self, moment: Moment, _: &[F64x8], ports: &mut Ports) {
            self.0.apply(moment, ports);
        }
        fn after(&mut self, _: Moment, _: &[F64x8], v: &[F64x8]) {
            self.1.push(v[0].0[0]);
        }
    }
    let mut probes = [Probe(clamp, Vec::new())];
    let steps = (total / dt).round() as u64;
    let spikes = go(&plan, &mut state, stepping(dt, Method::CrankNicolson), steps, &mut probes);
    let [Probe(_, v)] = probes;
    (v, spikes)
}

#[test]
fn a_passive_compartment_relaxes_as_its_exact_laws_say() {
    let plan = passive(Cell::point(TISSUE, 1000.0));
    let site = plan.site(0, 0);
    // tau = 40 ms; n steps of each rule have a closed form, and both tend to e^(-t/tau).
    for (method, factor) in [
        (Method::BackwardEuler, 1.0 / (1.0 + 0.01 / 40.0)),
        (Method::CrankNicolson, (1.0 - 0.005 / 40.0) / (1.0 + 0.005 / 40.0)),
    ] {
        let mut state = State::at(&plan, -55.0);
        go(&plan, &mut state, stepping(0.01, method), 4000, &mut [Quiet]);
        let left = (state.v_m(site) + 65.0) / 10.0;
        assert!((left / math::powi(factor, 32) - math::pow(factor, 3968.0)).abs() < 1e-10, "{method:?}: {left}");
        let error = (left / math::exp(-1.0) - 1.0).abs();
        assert!(error < if method == Method::BackwardEuler { 1.3e-4 } else { 6e-9 }, "{method:?}: {error:e}");
    }
    assert!((plan.time_constant(&State::at(&plan, -65.0), 0, Gating::Held).unwrap() - 40.0).abs() < 1e-10);
    // 40,000 Ohm cm2 over 1000 um2 = 1e-5 cm2 are 4 GOhm.
    let r = plan.input_resistance(&State::at(&plan, -65.0), site, Gating::Settled).unwrap();
    assert!((r - 4.0).abs() < 1e-12, "{r}");
}

#[test]
fn a_sealed_cable_attenuates_as_one_over_cosh() {
    // lambda = sqrt(Rm d / (4 Ra)) = 1000 um for 1 um.
    for (l, want) in [(0.2, 0.9803), (0.5, 0.8868), (1.0, 0.6481), (2.0, 0.2658)] {
        let plan = passive(Cell::cable(TISSUE, l * 1000.0, 1.0, 200));
        let rest = State::at(&plan, -65.0);
        let near = plan.input_resistance(&rest, plan.site(0, 0), Gating::Held).unwrap();
        let far = plan.transfer_resistance(&rest, plan.site(0, 0), 200, Gating::Held).unwrap();
        let exact = 2.0 / (math::exp(l) + math::exp(-l));
        let error = (far / near / exact - 1.0).abs();
        assert!(error < 2e-5 && (far / near - want).abs() < 1e-4, "L {l}: {} against {exact}, {error:e}", far / near);
        // R_in = R_lambda coth L, R_lambda = 1.2732 GOhm.
        let coth = (math::exp(l) + math::exp(-l)) / (math::exp(l) - math::exp(-l));
        let r = 4e-3 / std::f64::consts::PI * 1e3 * coth;
        assert!((near / r - 1.0).abs() < 1e-4, "{near} {r}");
        // The slowest mode of a sealed cable is the membrane's own.
        assert!((plan.time_constant(&rest, 0, Gating::Held).unwrap() / 40.0 - 1.0).abs() < 1e-9);
        // And the run comes to the same.
        let mut state = rest;
        let mut drives = [inject(&plan, 0, 10.0)];
        go(&plan, &mut state, stepping(20.0, Method::BackwardEuler), 200, &mut drives);
        let error = (state.v_m(plan.site(0, 200)) + 65.0) / (10.0 * far) - 1.0;
        println!("L {l}: run against solve {error:e}");
        assert!(error.abs() < 1e-8, "{error:e}");
    }
}

#[test]
fn rallpack_1_is_met() {
    let plan = passive(Cell::cable(TISSUE, 1000.0, 1.0, 200));
    for (method, tolerance) in [(Method::BackwardEuler, 5e-4), (Method::CrankNicolson, 5e-5)] {
        let mut state = State::at(&plan, -65.0);
        go(&plan, &mut state, stepping(0.05, method), 5000, &mut [inject(&plan, 0, 100.0)]);
        let (near, far) = (state.v_m(plan.site(0, 0)), state.v_m(plan.site(0, 200)));
        println!("Rallpack 1, {method:?}: {near} {far}");
        let errors = [(near - 101.935) / 166.935, (far - 43.096) / 108.096];
        assert!(errors.iter().all(|e| e.abs() < tolerance), "{method:?}: {near} {far} {errors:?}");
    }
}

#[test]
fn axial_currents_neither_make_nor_lose_charge() {
    // Without a membrane conductance all that is injected stays: sum C V.
    let cell = Cell::ball_and_stick(TISSUE, 20.0, 500.0, 2.0, 30);
    let plan = Plan::new(vec![], std::slice::from_ref(&cell), 300.0).unwrap();
    for method in BOTH {
        let mut state = State::at(&plan, -65.0);
        state.set_v_m(plan.site(0, 17), 30.0);
        let charge = |state: &State| -> f64 {
            (0..).zip(&cell.compartments).map(|(k, c)| c.c_m * state.v_m(plan.site(0, k))).sum()
        };
        let start = charge(&state);
        go(&plan, &mut state, stepping(0.025, method), 4000, &mut [inject(&plan, 30, 5.0)]);
        let gained = charge(&state) - start;
        assert!((gained - 500.0).abs() < 1e-8, "{method:?}: {gained} fC of 500");
    }
}

#[test]
fn errors_fall_with_the_first_and_second_power_of_the_step() {
    let cell = squid(Cell::ball_and_stick(TISSUE, 30.0, 300.0, 2.0, 8));
    let plan = plan(&[cell]);
    // The upstroke, where every gate moves; from -70 mV, not a rest, with a smoothly varying synaptic conductance.
    let end = |dt: f64, method: Method| {
        let mut state = State::at(&plan, -70.0);
        let site = plan.site(0, 0);
        let synapse = with(|moment: Moment, _: &[F64x8], ports: &mut Ports| {
            let t = moment.at.ms();
            ports.conductance(site, 20.0 * t * math::exp(-t), 0.0);
        });
        go(&plan, &mut state, stepping(dt, method), (3.0 / dt).round() as u64, &mut [synapse]);
        state.v_m(site)
    };
    let exact = end(0.000_5, Method::CrankNicolson);
    for (method, order) in [(Method::BackwardEuler, 1.0), (Method::CrankNicolson, 2.0)] {
        let errors = [0.02, 0.01, 0.005].map(|dt| (end(dt, method) - exact).abs());
        for pair in errors.windows(2) {
            let found = math::ln(pair[0] / pair[1]) / std::f64::consts::LN_2;
            println!("{method:?}: order {found}, errors {errors:?}");
            assert!((found - order).abs() < 0.2, "{method:?}: order {found}, errors {errors:?}");
        }
    }
}

#[test]
fn hodgkin_and_huxley_s_threshold_and_all_or_none_are_found() {
    let peak = |density: f64| {
        let (v, _) = trace(density, 0.5, 20.0, 0.01);
        v.into_iter().fold(f64::MIN, f64::max)
    };
    let (mut low, mut high) = (5.0, 25.0);
    while high - low > 1e-4 {
        let middle = (low + high) / 2.0;
        if peak(middle) > 0.0 { high = middle } else { low = middle }
    }
    println!("threshold {high} uA/cm2");
    assert!((high / 13.27 - 1.0).abs() < 0.01, "{high}");
    let peaks = [0.98, 1.02, 1.1, 1.5, 2.0].map(|factor| peak(factor * high));
    println!("peaks {peaks:?}");
    assert!(peaks[0] < -50.0 && peaks[1..].iter().all(|p| (35.0..42.0).contains(p)), "{peaks:?}");
    assert!(peaks[4] - peaks[1] < 5.0);
}

#[test]
fn hodgkin_and_huxley_s_rates_of_firing_are_found() {
    for (density, want) in [(7.0, 58.3), (10.0, 68.3), (20.0, 86.4)] {
        let (v, spikes) = trace(density, 1000.0, 1000.0, 0.01);
        let n = spikes.len();
        let rate = 1e3 * (n - 6) as f64 / (spikes[n - 1].at - spikes[5].at).ms();
        let first = v[..1500].iter().fold(f64::MIN, |a: f64, &b| a.max(b));
        println!("{density}: {rate} Hz, first peak {first} mV");
        assert!((rate - want).abs() < 0.5, "{density}: {rate}");
        // The article's range is that of weak currents; a strong one that stays on lifts the peak a little.
        assert!((39.0..=if density > 10.0 { 41.5 } else { 41.0 }).contains(&first), "{first}");
    }
    assert_eq!(trace(6.0, 500.0, 500.0, 0.01).1.len(), 2);
}

#[test]
fn a_spike_s_time_converges_with_the_step_and_not_with_the_grid() {
    let time = |dt: f64| trace(20.0, 50.0, 10.0, dt).1[0].at.ms();
    let exact = time(0.0005);
    let errors = [0.02, 0.01, 0.005].map(|dt| (time(dt) - exact).abs());
    assert!(errors[0] < 2e-3 && errors[1] < errors[0] / 3.0 && errors[2] < errors[1] / 2.5, "{errors:?}");
}

#[test]
fn a_rest_stays_where_it_is() {
    let dendrite = |k: u32| k > 0;
    let cell = Cell::ball_and_stick(TISSUE, 25.0, 400.0, 1.5, 20);
    let odd = Cell { insertions: vec![], ..cell.clone() };
    let odd = odd.with_at(NA, 120.0, |k| k == 0).with_at(K, 36.0, |k| k == 0).with(LEAK, 0.3);
    let mut colder = point();
    colder.insertions[2].overrides = vec![Override { quantity: Overridden::Reversal, values: vec![-60.0] }];
    let uneven = squid(cell).with_at(3, 0.5, dendrite);
    let mut kinds = kinds();
    kinds.push(Channel::leak(-90.0));
    let plan = Plan::new(kinds, &[point(), odd, colder, uneven], COLD).unwrap();
    let mut state = plan.rest(-95.0..=-40.0).unwrap();
    let start = state.clone();
    assert!((start.v_m(plan.site(0, 0)) + 65.0).abs() < 0.01);
    go(&plan, &mut state, stepping(0.025, Method::CrankNicolson), 40_000, &mut [Quiet]);
    let mut worst: f64 = 0.0;
    for cell in 0..4 {
        for k in 0..plan.compartments(cell) as u32 {
            worst = worst.max((state.v_m(plan.site(cell, k)) - start.v_m(plan.site(cell, k))).abs());
        }
    }
    println!("drift {worst:e} mV in a second");
    assert!(worst < 1e-6, "{worst:e}");
    let spread = start.v_m(plan.site(3, 20)) - start.v_m(plan.site(3, 0));
    assert!(spread < -0.5, "the fourth cell rests unevenly: {spread}");
    assert!(matches!(plan.rest(-40.0..=-30.0), Err(RestError::NoRest { cell: 0, .. })));
    assert!(matches!(plan.rest(-40.0..=-50.0), Err(RestError::Range { .. })));
}

#[test]
fn a_potential_fades_with_the_membrane_s_time_constant_and_shunting_is_quasi_static() {
    let plan = passive(Cell::point(TISSUE, 1000.0));
    let site = plan.site(0, 0);
    let mut synapse = [with(|moment: Moment, _: &[F64x8], ports: &mut Ports| {
        ports.conductance(site, 0.5 * math::exp(-moment.at.ms()), 0.0);
    })];
    let mut state = State::at(&plan, -65.0);
    let mut at = |steps| {
        go(&plan, &mut state, stepping(0.025, Method::CrankNicolson), steps, &mut synapse);
        state.v_m(site) + 65.0
    };
    let (early, late) = (at(800), at(1600));
    assert!((40.0 / math::ln(early / late) / 40.0 - 1.0).abs() < 1e-6, "{early} {late}");
    // (g_e E_e + g_i E_i + g_l E_l) / (g_e + g_i + g_l), g_l = 0.25 nS
    let mut held = Held::default();
    held.add(site, 0.1, 0.0);
    held.add(site, 0.4, 0.4 * -70.0);
    let mut state = State::at(&plan, -65.0);
    go(&plan, &mut state, stepping(0.5, Method::CrankNicolson), 2000, &mut [held]);
    assert!((state.v_m(site) - (0.4 * -70.0 + 0.25 * -65.0) / 0.75).abs() < 1e-9);
}

/// A voltage clamp on cell 0 that keeps what it reads.
struct Clamped {
    clamp: VoltageClamp,
    command: f64,
    read: f64,
}

impl Drive for Clamped {
    fn drive(&mut self, _: Moment, _: &[F64x8], ports: &mut Ports) {
        self.clamp.apply(self.command, ports);
    }
    fn after(&mut self, _: Moment, solved: &[F64x8], _: &[F64x8]) {
        self.read = self.clamp.current(self.command, solved);
    }
}

#[test]
fn a_clamp_reads_the_sum_of_the_conductances_and_errs_by_the_divider() {
    let leaky = passive(Cell::point(TISSUE, 1000.0));
    let site = leaky.site(0, 0);
    for r_s in [1e-6, 0.02, 1.0] {
        let clamp = VoltageClamp::new(site, r_s).unwrap();
        let mut drives = [Clamped { clamp, command: -25.0, read: 0.0 }];
        let mut state = State::at(&leaky, -65.0);
        go(&leaky, &mut state, stepping(1.0, Method::BackwardEuler), 2000, &mut drives);
        // The membrane is 4 GOhm: the divider leaves r_s / (r_s + 4) of the 40 mV.
        let want = -25.0 - 40.0 * r_s / (r_s + 4.0);
        assert!((state.v_m(site) - want).abs() < 1e-10, "{} {want}", state.v_m(site));
        assert!((drives[0].read - 40.0 / (4.0 + r_s)).abs() < 1e-8, "{}", drives[0].read);
    }
    assert!(VoltageClamp::new(site, 0.0).is_err());
    // An active cell: what the clamp reads is what the channels and the leak carry.
    let squid = plan(&[point()]);
    let site = squid.site(0, 0);
    for method in BOTH {
        let mut drives = [Clamped { clamp: VoltageClamp::new(site, 0.005).unwrap(), command: 0.0, read: 0.0 }];
        let mut state = squid.rest(-90.0..=-40.0).unwrap();
        go(&squid, &mut state, stepping(0.01, method), 20_000, &mut drives);
        let leak = 3.0 * (state.v_m(site) + 54.387);
        let sum = state.current(&squid, site, NA) + state.current(&squid, site, K) + leak;
        assert!((drives[0].read / sum - 1.0).abs() < 1e-9, "{method:?}: {} {sum}", drives[0].read);
        assert!((state.v_m(site) + 0.005 * sum).abs() < 1e-6);
    }
}

#[test]
fn filters_do_to_a_step_and_a_sine_what_their_names_say() {
    let dt = ms(0.001);
    let one = Filter::single_pole(1.0, dt).unwrap();
    let mut memory = one.settled(0.0);
    for k in 1..=1000 {
        let out = one.next(&mut memory, 1.0);
        let want = 1.0 - math::exp(-std::f64::consts::TAU * 1e-3 * f64::from(k));
        assert!((out - want).abs() < 1e-13);
    }
    let four = Filter::bessel(1.0, dt).unwrap();
    let mut memory = four.settled(0.0);
    let steps: Vec<f64> = (0..4000).map(|_| four.next(&mut memory, 1.0)).collect();
    let top = steps.iter().fold(0.0, |a: f64, &b| a.max(b));
    assert!((top - 1.0084).abs() < 2e-4 && (steps[3999] - 1.0).abs() < 1e-10, "{top} {}", steps[3999]);
    let mut held = four.settled(3.0);
    assert!((four.next(&mut held, 3.0) - 3.0).abs() < 1e-12);
    for (filter, octave) in [(one, 0.2f64.sqrt()), (four, 0.206)] {
        for (f, want, tolerance) in [(1.0, 0.5f64.sqrt(), 1e-4), (2.0, octave, 1e-2)] {
            let mut memory = filter.settled(0.0);
            let out: Vec<f64> = (0..40_000)
                .map(|k| filter.next(&mut memory, (std::f64::consts::TAU * f * 1e-3 * f64::from(k)).sin()))
                .collect();
            let power: f64 = out[20_000..].iter().map(|y| y * y).sum::<f64>() / 10_000.0;
            assert!((power.sqrt() - want).abs() < tolerance, "{f} kHz: {} {want}", power.sqrt());
        }
    }
    assert!(Filter::bessel(0.0, dt).is_err() && Filter::single_pole(f64::NAN, dt).is_err());
}

/// Nine different cells: shapes, channels, overrides; two blocks.
fn zoo() -> Vec<Cell> {
    let mut branched = Cell::soma(TISSUE, 20.0);
    let (first, half) = branched.add_cylinder(TISSUE, 0, 0.0, (100.0, 2.0, 4));
    branched.add_cylinder(TISSUE, first.end - 1, half, (80.0, 1.0, 3));
    branched.add_cylinder(TISSUE, first.end - 1, half, (120.0, 1.2, 5));
    let mut shifted = squid(branched.clone()).detect(0, -10.0).detect(7, -10.0);
    shifted.insertions[0].overrides.push(Override { quantity: Overridden::Parameter(0), values: vec![-3.0; 13] });
    let stick = Cell::ball_and_stick(TISSUE, 15.0, 200.0, 1.0, 9);
    vec![
        point(),
        shifted,
        branched.with(LEAK, 0.1),
        squid(stick.clone()).detect(9, 0.0),
        stick.clone().with_at(NA, 240.0, |k| k < 3).with_at(K, 36.0, |k| k < 3).with(LEAK, 0.2).detect(0, 0.0),
        point(),
        squid(Cell::cable(TISSUE, 300.0, 2.0, 12)).detect(12, 0.0),
        stick.with(LEAK, 0.05),
        point(),
    ]
}

/// Drives each cell's root by its own current, pA.
fn currents(plan: &Plan) -> Vec<Held> {
    let mut drives = vec![Held::default(); plan.blocks()];
    for cell in 0..plan.cells() {
        let site = plan.site(cell, 0);
        drives[site.block].add(site, 0.0, 100.0 + 20.0 * cell as f64);
    }
    drives
}

#[test]
fn bits_do_not_depend_on_level_threads_or_split() {
    let plan = plan(&zoo());
    for method in BOTH {
        let whole = |level: Level, threads: usize, parts: &[u64]| {
            let pool = rayon_pool(threads);
            pool.install(|| {
                let mut state = State::at(&plan, -68.0);
                let mut spikes = Vec::new();
                let scratch = Scratch::default();
                for &steps in parts {
                    let how = Stepping { level, ..stepping(0.025, method) };
                    run(&plan, &mut state, &scratch, how, steps, &mut currents(&plan), &mut spikes).unwrap();
                    let bytes = snapshot::save(plan.fingerprint(), &state).unwrap();
                    state = snapshot::load(plan.fingerprint(), &bytes).unwrap();
                }
                (snapshot::save(0, &state).unwrap(), spikes)
            })
        };
        let want = whole(Level::Portable, 1, &[1000]);
        assert!(want.1.len() > 10 && want.1.is_sorted(), "{}", want.1.len());
        for &level in Level::available() {
            for threads in [1, 2, 3] {
                assert!(whole(level, threads, &[1000]) == want, "{method:?} {level:?} {threads}");
            }
        }
        assert!(whole(Level::best(), 2, &[1, 333, 0, 666]) == want, "{method:?} split");
    }
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn a_cell_is_the_same_alone_and_among_others() {
    let cells = zoo();
    let together = plan(&cells);
    for method in BOTH {
        let mut crowd = together.rest(-95.0..=-40.0).unwrap();
        let spikes = go(&together, &mut crowd, stepping(0.025, method), 800, &mut currents(&together));
        for (index, cell) in cells.iter().enumerate() {
            let alone = plan(std::slice::from_ref(cell));
            let mut state = alone.rest(-95.0..=-40.0).unwrap();
            let mut drives = [inject(&alone, 0, 100.0 + 20.0 * index as f64)];
            let own = go(&alone, &mut state, stepping(0.025, method), 800, &mut drives);
            for k in 0..alone.compartments(0) as u32 {
                let (a, b) = (state.v_m(alone.site(0, k)), crowd.v_m(together.site(index, k)));
                assert_eq!(a.to_bits(), b.to_bits(), "{method:?}, cell {index}, compartment {k}: {a} {b}");
            }
            let times = |spikes: &[Spike], cell: u32| -> Vec<Tick> {
                spikes.iter().filter(|s| s.cell == cell).map(|s| s.at).collect()
            };
            assert_eq!(times(&own, 0), times(&spikes, index as u32));
        }
    }
}

#[test]
fn cells_one_by_one_make_the_plan_of_all_at_once_and_blocks_of_equal_cells_are_kept_once() {
    // Blocks 1, 3 and 4 are alike but for their detectors' numbers; in the second a cell has parameters of its own.
    let block = |other: bool| (0..8).map(move |k| if other && k == 1 { zoo().swap_remove(1) } else { point() });
    let cells = || zoo().into_iter().cycle().take(8).chain([false, true, false, false].into_iter().flat_map(block));
    let (one, all) = (Plan::from_cells(kinds(), vec![], cells(), COLD).unwrap(), plan(&cells().collect::<Vec<_>>()));
    assert_eq!((one.fingerprint(), one.cells(), one.detectors()), (all.fingerprint(), 40, all.detectors()));
    let end = |plan: &Plan| {
        let mut state = State::at(plan, -65.0);
        let spikes = go(plan, &mut state, stepping(0.025, Method::CrankNicolson), 400, &mut currents(plan));
        (snapshot::save(0, &state).unwrap(), spikes)
    };
    assert!(end(&one) == end(&all));
    // What a block more takes is its eight detectors.
    let alike = |blocks: usize| Plan::from_cells(kinds(), vec![], (0..8 * blocks).map(|_| point()), COLD).unwrap();
    let bytes = [1, 2, 21].map(|blocks| alike(blocks).bytes());
    assert_eq!(bytes[2] - bytes[1], 19 * (bytes[1] - bytes[0]));
    assert_eq!(bytes[1] - bytes[0], 8 * 24);
    // A fault names the cell that was just made.
    let broken = (0..).map(|k| if k == 11 { Cell::default() } else { point() });
    assert_eq!(Plan::from_cells(kinds(), vec![], broken, COLD).unwrap_err(), PlanError::Size { cell: 11 });
}

#[test]
fn steady_and_rates_forms_are_one_law_and_instant_gates_follow_at_once() {
    let form = |form, swap: bool| {
        let mut b = ProgramBuilder::new(1);
        let v = b.input(0);
        let (open, shut) = (exponential(&mut b, v, 0.3, -40.0, 20.0), exponential(&mut b, v, 0.3, -40.0, -20.0));
        let outputs = if swap {
            let (sum, one) = (b.add_values(open, shut), b.constant(1.0));
            [b.div(open, sum), b.div(one, sum)]
        } else {
            [open, shut]
        };
        let gates = vec![Gate { count: 2, form }];
        let (rates, inputs) = (b.finish(&outputs).unwrap(), vec![ChannelInput::Voltage]);
        Channel { gates, rates, inputs, ..Channel::leak(-80.0) }
    };
    let run_with = |channel| {
        let cell = Cell::point(TISSUE, 1000.0).with(0, 0.5).with(1, 0.1);
        let plan = Plan::new(vec![channel, Channel::leak(-50.0)], &[cell], 300.0).unwrap();
        let mut state = State::at(&plan, -30.0);
        state.set_v_m(plan.site(0, 0), 10.0);
        go(&plan, &mut state, stepping(0.1, Method::CrankNicolson), 100, &mut [Quiet]);
        state.v_m(plan.site(0, 0))
    };
    let (a, b) = (run_with(form(GateForm::Rates, false)), run_with(form(GateForm::Steady, true)));
    assert!((a - b).abs() < 1e-11, "{a} {b}");
    let mut b = ProgramBuilder::new(0);
    let (half, zero) = (b.constant(0.5), b.constant(0.0));
    let gates = vec![Gate { count: 1, form: GateForm::Steady }];
    let rates = b.finish(&[half, zero]).unwrap();
    let instant = Channel { gates, rates, ..Channel::leak(-80.0) };
    let cell = Cell::point(TISSUE, 1000.0).with(0, 0.5);
    let plan = Plan::new(vec![instant], &[cell], 300.0).unwrap();
    let r = plan.input_resistance(&State::at(&plan, -65.0), plan.site(0, 0), Gating::Held).unwrap();
    assert!((r - 0.4).abs() < 1e-12, "{r}");
}

#[test]
fn a_number_that_is_none_is_named() {
    let plan = plan(&zoo());
    let mut state = State::at(&plan, -65.0);
    let site = plan.site(3, 4);
    let mut drives: Vec<_> = (0..2)
        .map(|block| {
            with(move |moment: Moment, _: &[F64x8], ports: &mut Ports| {
                if block == 0 && moment.start == ms(0.1) {
                    ports.current(site, f64::NAN);
                }
            })
        })
        .collect();
    let mut spikes = Vec::new();
    let how = stepping(0.025, Method::BackwardEuler);
    let error = run(&plan, &mut state, &Scratch::default(), how, 10, &mut drives, &mut spikes).unwrap_err();
    let RunError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!((fault.quantity, fault.cell, fault.compartment, fault.at), (NeuronQuantity::Port, 3, 4, ms(0.1)));
    // A rate that goes wrong beyond -70 mV, in one cell of two.
    let mut b = ProgramBuilder::new(1);
    let (v, at) = (b.input(0), b.constant(70.0));
    let x = b.add_values(v, at);
    let (root, one) = (b.unary(engine::mechanism::Unary::Sqrt, x), b.constant(1.0));
    let gates = vec![Gate { count: 1, form: GateForm::Rates }];
    let rates = b.finish(&[root, one]).unwrap();
    let bad = Channel { gates, rates, inputs: vec![ChannelInput::Voltage], ..Channel::leak(0.0) };
    let cell = || Cell::ball_and_stick(TISSUE, 10.0, 100.0, 1.0, 3);
    let cells = [cell().with(1, 0.1), cell().with_at(0, 0.01, |k| k == 2).with(1, 0.1)];
    let plan = Plan::new(vec![bad, Channel::leak(-100.0)], &cells, 300.0).unwrap();
    let mut state = State::at(&plan, -60.0);
    let error = run(&plan, &mut state, &Scratch::default(), how, 4000, &mut [Quiet], &mut spikes).unwrap_err();
    let RunError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!((fault.cell, fault.compartment), (1, 2), "{fault}");
    assert_eq!(fault.quantity, NeuronQuantity::Rate { channel: 0, gate: 0 });
    assert!(fault.value.is_nan() && fault.at > Tick::ZERO);
}

#[test]
fn what_makes_no_cell_is_refused() {
    let refuse = |change: &dyn Fn(&mut Cell)| {
        let mut cell = squid(Cell::ball_and_stick(TISSUE, 10.0, 100.0, 1.0, 3)).detect(0, 0.0);
        change(&mut cell);
        Plan::new(kinds(), &[point(), cell], COLD).unwrap_err()
    };
    assert!(matches!(refuse(&|c| c.compartments.clear()), PlanError::Size { cell: 1 }));
    assert!(matches!(refuse(&|c| c.compartments[2].parent = Some(2)), PlanError::Parent { cell: 1, compartment: 2 }));
    assert!(matches!(refuse(&|c| c.compartments[0].parent = Some(0)), PlanError::Parent { compartment: 0, .. }));
    assert!(matches!(refuse(&|c| c.compartments[3].parent = None), PlanError::Parent { compartment: 3, .. }));
    assert!(matches!(refuse(&|c| c.compartments[1].c_m = 0.0), PlanError::Compartment { compartment: 1, .. }));
    assert!(matches!(refuse(&|c| c.compartments[1].g_axial = f64::NAN), PlanError::Compartment { .. }));
    assert!(matches!(refuse(&|c| c.insertions[1].channel = 0), PlanError::Insertion { insertion: 1, .. }));
    assert!(matches!(refuse(&|c| c.insertions[1].channel = 9), PlanError::Insertion { .. }));
    assert!(matches!(refuse(&|c| c.insertions[0].g_max[1] = -1.0), PlanError::Value { .. }));
    assert!(matches!(refuse(&|c| c.detectors[0].compartment = 4), PlanError::Detector { .. }));
    let mut kinds = kinds();
    kinds[0].gates.pop();
    assert!(matches!(Plan::new(kinds, &[point()], COLD), Err(PlanError::Channel { channel: 0 })));
    assert!(Plan::new(vec![], &[], f64::NAN).is_err());
    let none = Plan::new(vec![], &[], 300.0).unwrap();
    go::<Quiet>(&none, &mut State::at(&none, 0.0), stepping(0.1, Method::BackwardEuler), 5, &mut []);
}
