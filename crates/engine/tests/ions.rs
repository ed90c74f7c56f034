//! Pools of ions, Nernst and GHK currents, gates that read concentrations: against closed forms and themselves.

mod cells;

use cells::{TISSUE, exponential, linoid, ms, potassium, sodium};
use engine::mechanism::{ProgramBuilder, Value};
use engine::membrane::{ghk_current, nernst};
use engine::neuron::*;
use engine::snapshot;
use numerics::constants::FARADAY;
use numerics::math;
use numerics::simd::{F64x8, Level};

const KELVIN: f64 = 309.15;
const CALCIUM: Ion = Ion { valence: 2, outside: 2.0 };
/// Indices of the kinds of [`kinds`].
const NA: usize = 0;
const K: usize = 1;
const LEAK: usize = 2;
const CA: usize = 3;
const SK: usize = 4;
const DRIP: usize = 5;

fn gated(
    e_rev: f64,
    counts: &[u8],
    form: GateForm,
    input: ChannelInput,
    outputs: impl Fn(&mut ProgramBuilder, Value) -> Vec<Value>,
) -> Channel {
    let mut b = ProgramBuilder::new(1);
    let x = b.input(0);
    let outputs = outputs(&mut b, x);
    let gates = counts.iter().map(|&count| Gate { count, form }).collect();
    Channel { gates, rates: b.finish(&outputs).unwrap(), inputs: vec![input], ..Channel::leak(e_rev) }
}

/// Squid's sodium and potassium, a leak, a calcium channel of high threshold, an SK channel, a leak of calcium, which is ion 0.
fn kinds(law: Law) -> Vec<Channel> {
    let v = ChannelInput::Voltage;
    let na = gated(50.0, &[3, 1], GateForm::Rates, v, sodium);
    let k = gated(-77.0, &[4], GateForm::Rates, v, potassium);
    let ca = gated(120.0, &[2], GateForm::Rates, v, |b, v| {
        vec![linoid(b, v, 0.2, -20.0, 5.0), exponential(b, v, 0.9, -40.0, -20.0)]
    });
    // c^4 / (c^4 + (1 uM)^4), 4 ms.
    let sk = gated(-90.0, &[1], GateForm::Steady, ChannelInput::Concentration(0), |b, c| {
        let (half, one, tau) = (b.constant(1e-3), b.constant(1.0), b.constant(4.0));
        let x = b.div(half, c);
        let x = b.powi(x, 4);
        let x = b.add_values(one, x);
        vec![b.div(one, x), tau]
    });
    let drip = Channel { law, ion: Some(0), ..Channel::leak(120.0) };
    vec![na, k, Channel::leak(-54.387), Channel { law, ion: Some(0), ..ca }, sk, drip]
}

fn shell(c: &Compartment) -> Dynamics {
    let volume = Dynamics::shell(c.area, 0.1);
    Dynamics { volume, rest: 5e-5, tau: 80.0, v_max: 0.0, k_m: 0.0, bound: 0.0, share: 0.05 }
}

fn everywhere(_: u32) -> bool {
    true
}

/// A conductance (mS/cm2) of calcium; with a GHK law the permeability that carries about as much at 0 mV.
fn calcium(law: Law) -> f64 {
    // 0.01 g 120 mV against P z F 2 mM, in pA/um2.
    let density = 0.5;
    if law == Law::Ghk { density * 120.0 / (2.0 * FARADAY * 2.0) } else { density }
}

fn adapting(law: Law, sk: f64) -> Cell {
    let squid = Cell::point(TISSUE, 1000.0).with(NA, 120.0).with(K, 36.0).with(LEAK, 0.3);
    squid.with(CA, calcium(law)).with(SK, sk).with_pool(0, everywhere, shell).detect(0, 0.0)
}

fn plan(law: Law, cells: &[Cell]) -> Plan {
    Plan::with_ions(kinds(law), vec![CALCIUM], cells, KELVIN).unwrap()
}

fn stepping(dt: f64, method: Method) -> Stepping {
    Stepping { level: Level::best(), dt: ms(dt), method }
}

fn go<D: Drive>(plan: &Plan, state: &mut State, how: Stepping, steps: u64, drives: &mut [D]) -> Vec<Spike> {
    let mut spikes = Vec::new();
    run(plan, state, &Scratch::default(), how, steps, drives, &mut spikes).unwrap();
    spikes
}

fn inject(plan: &Plan, current: f64) -> Held {
    let mut held = Held::default();
    held.add(plan.site(0, 0), 0.0, current);
    held
}

const LAWS: [Law; 3] = [Law::Ohmic, Law::Nernst, Law::Ghk];

#[test]
fn a_constant_current_fills_a_pool_as_its_closed_form_says() {
    // A leak of calcium that no voltage moves: GHK far below reversal is not constant, an ohmic one under a clamp is.
    let leak = Channel { ion: Some(0), ..Channel::leak(100.0) };
    let cell =
        Cell::point(TISSUE, 1000.0).with(0, 0.1).with_pool(0, everywhere, |c| Dynamics { share: 1.0, ..shell(c) });
    let plan = Plan::with_ions(vec![leak], vec![CALCIUM], &[cell], KELVIN).unwrap();
    let site = plan.site(0, 0);
    for (method, dt) in [(Method::BackwardEuler, 0.5), (Method::CrankNicolson, 0.5), (Method::CrankNicolson, 0.01)] {
        let mut state = State::at(&plan, -60.0);
        state.set_concentration(&plan, site, 0, 5e-5);
        // What flows through 1 nS over 160 mV is put back by a pipette, so the voltage stays.
        go(&plan, &mut state, stepping(dt, method), (100.0 / dt).round() as u64, &mut [inject(&plan, -160.0)]);
        assert!((state.v_m(site) + 60.0).abs() < 1e-9);
        let end = 80.0 * 160.0 / (2.0 * FARADAY * 100.0);
        let want = 5e-5 + end * (1.0 - math::exp(-100.0 / 80.0));
        let c = state.concentration(&plan, site, 0).unwrap();
        assert!((c / want - 1.0).abs() < 1e-11, "{method:?}: {c} {want}");
    }
    // And there it stays.
    let rest = State::at(&plan, -60.0).concentration(&plan, site, 0).unwrap();
    assert!((rest / (5e-5 + 80.0 * 160.0 / (2.0 * FARADAY * 100.0)) - 1.0).abs() < 1e-13, "{rest}");
}

#[test]
fn what_came_in_is_what_is_there_and_what_was_removed() {
    let buffered = |c: &Compartment| Dynamics { bound: 20.0, v_max: 2e-4 * c.area, k_m: 5e-4, tau: 300.0, ..shell(c) };
    for law in LAWS {
        let cell = Cell { pools: vec![], ..adapting(law, 0.5) }.with_pool(0, everywhere, buffered);
        let plan = plan(law, &[cell]);
        let site = plan.site(0, 0);
        for method in [Method::BackwardEuler, Method::CrankNicolson] {
            let mut state = plan.rest(-90.0..=-40.0).unwrap();
            let [before, _, _] = state.books(&plan, site, 0).unwrap();
            let spikes = go(&plan, &mut state, stepping(0.02, method), 10_000, &mut [inject(&plan, 150.0)]);
            assert!(spikes.len() > 5, "{}", spikes.len());
            let [there, came, removed] = state.books(&plan, site, 0).unwrap();
            let error = (came - removed - (there - before)) / came;
            println!("{law:?} {method:?}: came {came} amol, removed {removed}, off {error:e}");
            assert!(came > 1e-3 && removed > 1e-4 && error.abs() < 1e-12, "{law:?} {method:?}: {error:e}");
        }
    }
}

#[test]
fn the_charge_of_the_membrane_is_the_amount_in_the_pool() {
    // Only calcium crosses: C (V - V0) is all the charge there is.
    for law in LAWS {
        let cell = Cell::point(TISSUE, 1000.0).with(CA, calcium(law));
        let whole = |c: &Compartment| Dynamics { share: 1.0, tau: 5.0, ..shell(c) };
        let plan = plan(law, &[cell.with_pool(0, everywhere, whole)]);
        let site = plan.site(0, 0);
        for method in [Method::BackwardEuler, Method::CrankNicolson] {
            let mut state = State::at(&plan, -70.0);
            state.set_v_m(site, -30.0);
            go(&plan, &mut state, stepping(0.025, method), 100, &mut [Quiet]);
            let [_, came, _] = state.books(&plan, site, 0).unwrap();
            let charge = 10.0 * (state.v_m(site) + 30.0);
            assert!(charge > 1.0 && (came * 2.0 * FARADAY / charge - 1.0).abs() < 1e-12, "{law:?}: {came} {charge}");
        }
    }
}

#[test]
fn errors_fall_with_the_square_of_the_step_with_pools_too() {
    for law in LAWS {
        let plan = plan(law, &[adapting(law, 2.0)]);
        let site = plan.site(0, 0);
        // Where everything moves: an action potential with calcium enough to open SK channels.
        let end = |dt: f64, method| {
            let mut state = State::at(&plan, -68.0);
            let ramp = with(|moment: Moment, _: &[F64x8], ports: &mut Ports| {
                ports.current(site, 150.0 * (1.0 - math::exp(-moment.at.ms())));
            });
            go(&plan, &mut state, stepping(dt, method), (6.0 / dt).round() as u64, &mut [ramp]);
            (state.v_m(site), 1e4 * state.concentration(&plan, site, 0).unwrap())
        };
        let exact = end(0.000_5, Method::CrankNicolson);
        let start = 1e4 * State::at(&plan, -68.0).concentration(&plan, site, 0).unwrap();
        assert!(exact.1 > 3.0 * start, "calcium moves: {start} {}", exact.1);
        for (method, order) in [(Method::BackwardEuler, 1.0), (Method::CrankNicolson, 2.0)] {
            let errors = [0.02, 0.01, 0.005].map(|dt| {
                let (v, c) = end(dt, method);
                [(v - exact.0).abs(), (c - exact.1).abs()]
            });
            for (quantity, name) in ["voltage", "concentration"].into_iter().enumerate() {
                for pair in errors.windows(2) {
                    let found = math::ln(pair[0][quantity] / pair[1][quantity]) / std::f64::consts::LN_2;
                    println!("{law:?} {method:?} {name}: order {found}, {errors:?}");
                    assert!((found - order).abs() < 0.25, "{law:?} {method:?} {name}: order {found}, {errors:?}");
                }
            }
        }
    }
}

#[test]
fn what_ports_bring_in_is_counted() {
    // A tenth of a synaptic current is calcium: charge over z F is what came, whatever the voltage does meanwhile.
    let cell = Cell::ball_and_stick(TISSUE, 20.0, 100.0, 2.0, 3).with(LEAK, 0.3);
    let plan = plan(Law::Ohmic, &[cell.with_pool(0, |k| k == 2, |c| Dynamics { share: 1.0, ..shell(c) })]);
    let (here, there) = (plan.site(0, 2), plan.site(0, 1));
    for method in [Method::BackwardEuler, Method::CrankNicolson] {
        struct Synapse(Site, Site, f64, f64);
        impl Drive for Synapse {
            fn drive(&mut self, moment: Moment, _: &[F64x8], ports: &mut Ports) {
                self.2 = 5.0 * math::exp(-moment.at.ms());
                for site in [self.0, self.1] {
                    ports.conductance(site, self.2, 10.0);
                    ports.carries(0, site, 0.1 * self.2, 0.1 * self.2 * 10.0);
                }
            }
            fn after(&mut self, moment: Moment, solved: &[F64x8], _: &[F64x8]) {
                let v = solved[self.0.compartment as usize].0[self.0.lane];
                self.3 += 0.1 * self.2 * (10.0 - v) * (moment.end - moment.start).ms();
            }
        }
        let mut state = State::at(&plan, -54.387);
        let mut synapse = [Synapse(here, there, 0.0, 0.0)];
        go(&plan, &mut state, stepping(0.025, method), 400, &mut synapse);
        let [_, came, _] = state.books(&plan, here, 0).unwrap();
        assert!(came > 0.01 && (came * 2.0 * FARADAY / synapse[0].3 - 1.0).abs() < 1e-12, "{method:?}: {came}");
        assert_eq!(state.books(&plan, there, 0), None);
    }
}

#[test]
fn currents_reverse_where_their_concentrations_say() {
    let cells = |law| {
        let cell = Cell::point(TISSUE, 1000.0).with(CA, calcium(law));
        plan(law, &[cell.with_pool(0, everywhere, shell)])
    };
    for (law, inside) in [(Law::Nernst, 1e-4), (Law::Nernst, 0.5), (Law::Ghk, 1e-4), (Law::Ghk, 0.5)] {
        let plan = cells(law);
        let site = plan.site(0, 0);
        let e = nernst(2, inside, 2.0, KELVIN);
        let mut state = State::at(&plan, e);
        state.set_concentration(&plan, site, 0, inside);
        let open = state.gate(&plan, site, CA, 0).unwrap();
        assert!(open > 0.9);
        let scale = if law == Law::Ghk { 10.0 * calcium(law) * open * open } else { 5.0 * open * open };
        assert!(state.current(&plan, site, CA).abs() < 1e-9 * scale);
        for v in [-40.0, 0.0, 60.0] {
            state.set_v_m(site, v);
            let i = state.current(&plan, site, CA);
            let want = match law {
                Law::Ghk => ghk_current(scale, 2, v, inside, 2.0, KELVIN),
                _ => scale * (v - e),
            };
            assert!((i / want - 1.0).abs() < 1e-12 && (i < 0.0) == (v < e), "{law:?} {v}: {i} {want}");
        }
    }
    // Held concentrations are the same law.
    let mut held = kinds(Law::GhkHeld { valence: 2, inside: 0.2, outside: 2.0 });
    held[CA].ion = None;
    held.truncate(SK);
    let cell = Cell::point(TISSUE, 1000.0).with(CA, calcium(Law::Ghk));
    let plan = Plan::new(held, &[cell], KELVIN).unwrap();
    let (site, state) = (plan.site(0, 0), State::at(&plan, 0.0));
    let open = state.gate(&plan, site, CA, 0).unwrap();
    let want = ghk_current(10.0 * calcium(Law::Ghk) * open * open, 2, 0.0, 0.2, 2.0, KELVIN);
    assert!((state.current(&plan, site, CA) / want - 1.0).abs() < 1e-12);
    // A GHK membrane without anything else runs to its reversal potential.
    let mut state = state;
    go(&plan, &mut state, stepping(0.05, Method::CrankNicolson), 40_000, &mut [Quiet]);
    assert!((state.v_m(site) - nernst(2, 0.2, 2.0, KELVIN)).abs() < 1e-6, "{}", state.v_m(site));
}

#[test]
fn a_rest_with_pools_stays_where_it_is() {
    for law in LAWS {
        let mut stick = Cell::ball_and_stick(TISSUE, 20.0, 200.0, 2.0, 5);
        stick = stick.with(NA, 60.0).with(K, 36.0).with(LEAK, 0.3).with_at(CA, calcium(law), |k| k < 3).with_at(
            SK,
            1.0,
            |k| k < 3,
        );
        let uneven =
            |c: &Compartment| Dynamics { tau: if c.area > 500.0 { 200.0 } else { 20.0 }, share: 1.0, ..shell(c) };
        let stick = stick.with_pool(0, |k| k < 3, uneven);
        let drip = 2e-3 * calcium(law);
        let cells = [adapting(law, 1.0).with(DRIP, drip), stick.with_at(DRIP, drip, |k| k < 3)];
        let plan = plan(law, &cells);
        let start = plan.rest(-90.0..=-40.0).unwrap();
        let mut state = start.clone();
        go(&plan, &mut state, stepping(0.025, Method::CrankNicolson), 3_000, &mut [Quiet]);
        for (cell, k) in [(0, 0), (1, 0), (1, 1), (1, 2), (1, 5)] {
            let site = plan.site(cell, k);
            let drift = (state.v_m(site) - start.v_m(site)).abs();
            assert!(drift < 1e-6, "{law:?}, cell {cell}, compartment {k}: {drift:e} mV");
            let (a, b) = (start.concentration(&plan, site, 0), state.concentration(&plan, site, 0));
            assert_eq!(a.is_some(), k < 3);
            let Some((a, b)) = a.zip(b) else { continue };
            assert!((b / a - 1.0).abs() < 1e-7 && a > 1e-4, "{law:?}: {a} {b}");
        }
        // Where SK channels are open at rest, a slow small current lets calcium settle, a quick one does not.
        let r = |gating| plan.input_resistance(&start, plan.site(0, 0), gating).unwrap();
        assert!(r(Gating::Held) > 0.0 && (r(Gating::Held) / r(Gating::Settled) - 1.0).abs() > 1e-3);
        let mut state = start.clone();
        go(&plan, &mut state, stepping(0.05, Method::CrankNicolson), 40_000, &mut [inject(&plan, 0.01)]);
        let seen = (state.v_m(plan.site(0, 0)) - start.v_m(plan.site(0, 0))) / 0.01;
        assert!((seen / r(Gating::Settled) - 1.0).abs() < 1e-3, "{law:?}: {seen} {}", r(Gating::Settled));
    }
}

#[test]
fn spikes_adapt_through_calcium_and_sk_channels_and_not_without() {
    let intervals = |law: Law, sk: f64, share: f64| {
        let cell = Cell { pools: vec![], ..adapting(law, sk) };
        let cell = cell.with_pool(0, everywhere, |c| Dynamics { share, tau: 300.0, ..shell(c) });
        let plan = plan(law, &[cell]);
        let mut state = plan.rest(-90.0..=-40.0).unwrap();
        let spikes = go(&plan, &mut state, stepping(0.025, Method::CrankNicolson), 20_000, &mut [inject(&plan, 200.0)]);
        let n = spikes.len();
        ((spikes[4].at - spikes[3].at).ms(), (spikes[n - 1].at - spikes[n - 2].at).ms())
    };
    for law in LAWS {
        let (first, last) = intervals(law, 0.3, 0.003);
        println!("{law:?}: {first} ms, then {last} ms");
        assert!(last > 1.2 * first, "{law:?}: {first} {last}");
        // Without the channels, or with calcium that comes in and is not counted.
        for (sk, share) in [(0.0, 0.003), (0.3, 0.0)] {
            let (first, last) = intervals(law, sk, share);
            assert!((last / first - 1.0).abs() < 0.01, "{law:?} {sk} {share}: {first} {last}");
        }
    }
}

/// Nine cells, some with pools here and there.
fn zoo(law: Law) -> Vec<Cell> {
    let stick =
        Cell::ball_and_stick(TISSUE, 15.0, 200.0, 1.0, 6).with(NA, 120.0).with(K, 36.0).with(LEAK, 0.3).detect(0, 0.0);
    let some = |from: u32, sk: f64| {
        let cell = stick.clone().with_at(CA, calcium(law), move |k| k >= from && k < from + 2);
        cell.with_at(SK, sk, move |k| k == from).with_pool(0, move |k| k >= from && k < from + 3, shell)
    };
    let plain = Cell::point(TISSUE, 1000.0).with(NA, 120.0).with(K, 36.0).with(LEAK, 0.3).detect(0, 0.0);
    let one = || adapting(law, 1.0);
    vec![one(), some(0, 1.0), plain.clone(), some(2, 0.0), stick.clone(), some(4, 2.0), plain, some(1, 1.0), one()]
}

fn currents(plan: &Plan) -> Vec<Held> {
    let mut drives = vec![Held::default(); plan.blocks()];
    for cell in 0..plan.cells() {
        let site = plan.site(cell, 0);
        drives[site.block].add(site, 0.0, 100.0 + 20.0 * cell as f64);
    }
    drives
}

#[test]
fn bits_do_not_depend_on_level_threads_split_or_company() {
    for law in LAWS {
        let cells = zoo(law);
        let together = plan(law, &cells);
        for method in [Method::BackwardEuler, Method::CrankNicolson] {
            let whole = |level: Level, threads: usize, parts: &[u64]| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut state = together.rest(-90.0..=-40.0).unwrap();
                    let (mut spikes, scratch) = (Vec::new(), Scratch::default());
                    for &steps in parts {
                        let how = Stepping { level, ..stepping(0.025, method) };
                        run(&together, &mut state, &scratch, how, steps, &mut currents(&together), &mut spikes)
                            .unwrap();
                        let bytes = snapshot::save(together.fingerprint(), &state).unwrap();
                        state = snapshot::load(together.fingerprint(), &bytes).unwrap();
                    }
                    (snapshot::save(0, &state).unwrap(), spikes)
                })
            };
            let want = whole(Level::Portable, 1, &[600]);
            assert!(want.1.len() > 10);
            for &level in Level::available() {
                assert!(whole(level, 2, &[600]) == want, "{law:?} {method:?} {level:?}");
            }
            assert!(whole(Level::best(), 2, &[1, 199, 0, 400]) == want, "{law:?} {method:?} split");
            let mut crowd = together.rest(-90.0..=-40.0).unwrap();
            go(&together, &mut crowd, stepping(0.025, method), 300, &mut currents(&together));
            for (index, cell) in cells.iter().enumerate() {
                let alone = plan(law, std::slice::from_ref(cell));
                let mut state = alone.rest(-90.0..=-40.0).unwrap();
                go(
                    &alone,
                    &mut state,
                    stepping(0.025, method),
                    300,
                    &mut [inject(&alone, 100.0 + 20.0 * index as f64)],
                );
                for k in 0..alone.compartments(0) as u32 {
                    let (own, there) = (alone.site(0, k), together.site(index, k));
                    assert_eq!(state.v_m(own).to_bits(), crowd.v_m(there).to_bits(), "{law:?} {method:?} {index} {k}");
                    let of = |c: Option<f64>| c.map(f64::to_bits);
                    assert_eq!(
                        of(state.concentration(&alone, own, 0)),
                        of(crowd.concentration(&together, there, 0)),
                        "{law:?} {method:?} {index} {k}"
                    );
                }
            }
        }
    }
}

#[test]
fn two_ions_find_their_balance_together() {
    // Potassium that leaves through a channel opened by calcium; calcium that comes in by a channel that potassium moves.
    let mut channels = kinds(Law::Nernst);
    channels[SK] = Channel { law: Law::Nernst, ion: Some(1), ..channels[SK].clone() };
    let potassium = |c: &Compartment| Dynamics {
        volume: c.area * 1.0,
        rest: 140.0,
        tau: 500.0,
        v_max: 0.0,
        k_m: 0.0,
        bound: 0.0,
        share: 1.0,
    };
    let cell = adapting(Law::Nernst, 1.0).with_pool(1, everywhere, potassium);
    let ions = vec![CALCIUM, Ion { valence: 1, outside: 3.0 }];
    let plan = Plan::with_ions(channels, ions, &[cell], KELVIN).unwrap();
    let start = plan.rest(-90.0..=-40.0).unwrap();
    let site = plan.site(0, 0);
    let k = start.concentration(&plan, site, 1).unwrap();
    assert!(k < 140.0 && k > 139.0, "{k}");
    let mut state = start.clone();
    go(&plan, &mut state, stepping(0.025, Method::CrankNicolson), 20_000, &mut [Quiet]);
    assert!((state.v_m(site) - start.v_m(site)).abs() < 1e-6);
    for ion in 0..2 {
        let (a, b) = (start.concentration(&plan, site, ion).unwrap(), state.concentration(&plan, site, ion).unwrap());
        assert!((a / b - 1.0).abs() < 1e-7, "{ion}: {a} {b}");
    }
}

#[test]
fn a_concentration_that_is_none_is_named() {
    // A fixed reversal potential goes on taking calcium out when there is none left.
    let cell = Cell::point(TISSUE, 1000.0).with(CA, 50.0).with(LEAK, 0.3);
    let whole = |c: &Compartment| Dynamics { share: 1.0, ..shell(c) };
    let plan = plan(Law::Ohmic, &[cell.with_pool(0, everywhere, whole)]);
    let mut state = State::at(&plan, 130.0);
    let (mut spikes, how) = (Vec::new(), stepping(0.025, Method::CrankNicolson));
    let error = run(&plan, &mut state, &Scratch::default(), how, 4000, &mut [Quiet], &mut spikes).unwrap_err();
    let RunError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!((fault.quantity, fault.cell, fault.compartment), (NeuronQuantity::Concentration { ion: 0 }, 0, 0));
    assert!(fault.value <= 0.0 && fault.to_string().contains("concentration of ion 0"), "{fault}");
}

#[test]
fn what_makes_no_pool_is_refused() {
    type Change<'a> = &'a dyn Fn(&mut Cell, &mut Vec<Channel>, &mut Vec<Ion>);
    let with = |change: Change<'_>| {
        let (mut cell, mut channels, mut ions) = (adapting(Law::Nernst, 1.0), kinds(Law::Nernst), vec![CALCIUM]);
        change(&mut cell, &mut channels, &mut ions);
        Plan::with_ions(channels, ions, &[Cell::point(TISSUE, 10.0).with(LEAK, 0.1), cell], KELVIN).unwrap_err()
    };
    let d = |change: fn(&mut Dynamics)| with(&|cell, _, _| change(cell.pools[0].compartments[0].as_mut().unwrap()));
    let bad: [fn(&mut Dynamics); 8] = [
        |d| d.volume = 0.0,
        |d| d.rest = 0.0,
        |d| d.tau = f64::INFINITY,
        |d| d.tau = -1.0,
        |d| d.v_max = 1.0,
        |d| d.bound = f64::NAN,
        |d| d.share = -0.1,
        |d| d.volume = f64::INFINITY,
    ];
    for change in bad {
        assert!(matches!(d(change), PlanError::Pool { cell: 1, pool: 0, compartment: 0 }));
    }
    assert!(matches!(with(&|cell, _, _| cell.pools[0].ion = 1), PlanError::Pool { cell: 1, .. }));
    assert!(matches!(with(&|cell, _, _| cell.pools.push(cell.pools[0].clone())), PlanError::Pool { pool: 1, .. }));
    assert!(matches!(with(&|_, _, ions| ions[0].valence = 0), PlanError::Ion { ion: 0, .. }));
    assert!(matches!(with(&|_, _, ions| ions[0].outside = 0.0), PlanError::Ion { .. }));
    assert!(matches!(with(&|_, channels, _| channels[CA].ion = None), PlanError::Channel { channel: CA }));
    assert!(matches!(with(&|_, channels, _| channels[CA].ion = Some(3)), PlanError::Channel { channel: CA }));
    assert!(matches!(with(&|_, _, ions| ions.clear()), PlanError::Channel { .. }));
    let none = with(&|cell, _, _| cell.pools.clear());
    assert!(matches!(none, PlanError::NoPool { cell: 1, channel: CA, ion: 0, compartment: 0 }), "{none}");
}

#[test]
fn gates_from_tables_carry_ions_as_evaluated_ones_do() {
    for law in LAWS {
        let cells = zoo(law);
        let exact = plan(law, &cells);
        let quick = exact.clone().tabulated(ms(0.025), 1e-9);
        let degrees = quick.degrees();
        assert!(degrees[CA].is_some() && degrees[SK].is_none(), "{degrees:?}");
        let end = |plan: &Plan| {
            let mut state = plan.rest(-90.0..=-40.0).unwrap();
            let spikes = go(plan, &mut state, stepping(0.025, Method::CrankNicolson), 800, &mut currents(plan));
            (state, spikes.len())
        };
        let ((a, spikes), (b, same)) = (end(&exact), end(&quick));
        assert!(spikes > 10 && spikes == same);
        let site = exact.site(0, 0);
        let off = (a.v_m(site) - b.v_m(site)).abs();
        let c = [&a, &b].map(|state| state.concentration(&exact, site, 0).unwrap());
        assert!(off < 1e-4 && (c[0] / c[1] - 1.0).abs() < 1e-5 && c[0] > 1e-4, "{law:?}: {off:e} {c:?}");
        assert!(off > 0.0, "tables were used");
    }
}
