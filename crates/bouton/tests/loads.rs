//! The calcium current of a terminal in the membrane of its sender: its charge, and what it does to an action potential.

mod common;

use bouton::recording::Condition;
use common::*;

/// A receiver and the Schaffer collateral's terminal, which loads its sender.
fn loading(sender: &str) -> String {
    format!(
        "{WORLD}{ON_POINT}{RELEASING}{sender}detail = \"mean\"\n\
         probe.v = {{ read = \"sender.soma.v_m\" }}\nprobe.ca = {{ read = \"contact.terminal.calcium_current\" }}\n"
    )
    .replace("sender.axon", "sender.soma")
}

/// A passive sender of 5 um2, 0.05 nS and 1 ms, pushed to about 0 mV for 2 ms.
const PASSIVE: &str = r#"
duration = "40 ms"
cell.sender.membrane = { capacitance = "1 uF/cm2", area = "5 um2" }
cell.sender.channel.leak = { use = "channel/leak", density = "1 mS/cm2", reversal = "-70 mV" }
clamp.push = { at = "sender.soma", current = "3.5 pA", start = "5 ms", stop = "7 ms" }
"#;

/// fC that came in through the terminal of each trial.
fn influx(going: &Going) -> Vec<f64> {
    let state = serde_json::to_value(&going.batch).expect("a state");
    let number = |v: &serde_json::Value, f: &str| v[f].as_f64().unwrap_or_else(|| panic!("no {f} in {v}"));
    let of = |trial: &serde_json::Value| {
        let m = &trial[0]["sending"]["organ"]["Mechanism"];
        number(m, "influx") + number(m, "current") * 1e-9 * (number(m, "clock") - number(m, "since"))
    };
    state["contacts"].as_array().expect("trials").iter().map(of).collect()
}

/// Charge in excess of the pipette's, by the integral of the voltage over the leak, and what the terminal took in, fC.
fn charges(loads: bool) -> Vec<(f64, f64)> {
    let plan = plan_with(&loading(PASSIVE), &[&format!("synapse.contact.terminal.loads = {loads}")]);
    let mut going = Going::new(&plan, 0, 8);
    going.to(&plan, 40.0);
    let probe = plan.probes.iter().position(|p| p.path == "sender.soma.v_m").expect("a probe");
    let step = plan.step.ms();
    let all = influx(&going).into_iter().enumerate().map(|(lane, charge)| {
        // The membrane is linear, and Crank-Nicolson sees the mean of a step's ends, but for the damped steps at the pipette's edges.
        let v = going.traces.samples(lane, probe);
        let integral: f64 = v.windows(2).map(|w| 0.5 * (w[0] + w[1]) + 70.0).sum::<f64>() * step;
        (0.05 * integral - 3.5 * 2.0, charge)
    });
    all.collect()
}

/// The added integral of the voltage times the conductance is the calcium that came in, in every trial. The twin does not
/// load.
#[test]
fn no_charge_is_lost_between_terminal_and_sender() {
    for ((felt, came), (none, twin)) in charges(true).into_iter().zip(charges(false)) {
        println!("{felt:.6} fC felt, {came:.6} fC came in; the twin {none:.6} of {twin:.6}");
        assert!(came > 0.005 && (felt - none - came).abs() < 1e-5 * came, "{felt} fC of {came}, {none} without");
        assert!(none.abs() < 2e-4 && twin > 0.005, "the twin: {none} of {twin}");
    }
}

/// A bouton of 5 um2 with the channels of an unmyelinated axon, at 22 degC.
const ACTIVE: &str = r#"
duration = "12 ms"
trials = 64
cell.sender.use = "neuron/hh1952_squid"
cell.sender.membrane.area = "5 um2"
clamp.push = { at = "sender.soma", current = "10 pA", start = "5 ms", stop = "5.3 ms" }
"#;

/// Peak, mV; width at half of the height, ms; of the mean course.
fn shape(c: &Condition) -> (f64, f64) {
    let p = probe(c, "sender.soma.v_m");
    let y = &p.mean;
    let (top, _) = peak(y, p.every);
    let half = 0.5 * (top + y[0]);
    let cross = |k: usize| (k as f64 + (half - y[k]) / (y[k + 1] - y[k])) * p.every;
    let up = (0..y.len() - 1).find(|&k| y[k] < half && y[k + 1] >= half).expect("a rise");
    let down = (up + 1..y.len() - 1).find(|&k| y[k] >= half && y[k + 1] < half).expect("a fall");
    (top, cross(down) - cross(up))
}

/// Largest potassium current, pA, and charge, fC, of the sender in the first trial, and the charge of calcium in it: from
/// the potassium gate, a fourth power, which lies behind the two of sodium. `channel`: nS and mV.
fn potassium(text: &str, (g_max, e_rev): (f64, f64)) -> (f64, f64, f64) {
    let plan = plan_with(text, &[LOADS]);
    let sender = plan.cells.iter().position(|c| c.name == "sender").expect("a sender");
    let (mut going, step) = (Going::new(&plan, 0, 8), plan.step.ms());
    let (mut most, mut charge) = (0.0f64, 0.0);
    for k in 1..=480 {
        going.to(&plan, f64::from(k) * step);
        let state = serde_json::to_value(&going.batch).expect("a state");
        let block = &state["cells"][sender]["blocks"][0];
        let number = |v: &serde_json::Value| v.as_f64().expect("a number");
        let (v, n) = (number(&block[0][0]), number(&block[1][16]));
        let current = g_max * n * n * n * n * (v - e_rev);
        most = most.max(current);
        charge += if f64::from(k) * step > 5.0 { current * step } else { 0.0 };
    }
    (most, charge, influx(&going)[0])
}

const LOADS: &str = "synapse.contact.terminal.loads = true";

fn seen(text: &str, sets: &[&str]) -> ((f64, f64), f64) {
    let c = run_with(text, sets);
    (shape(&c), probe(&c, "contact.terminal.calcium_current").mean.iter().fold(0.0f64, |m, x| m.max(-x)))
}

/// A70: 20 calcium channels of a small bouton change its action potential by less than 3 mV and 5 %, and carry less than
/// 5 % of its potassium current. The twin has 400.
#[test]
fn the_calcium_current_of_a_bouton_hardly_changes_its_action_potential() {
    let text = loading(ACTIVE);
    let ((peak, width), _) = seen(&text, &[]);
    let ((loaded_peak, loaded_width), calcium) = seen(&text, &[LOADS]);
    println!("peak {peak:.3} mV, width {width:.4} ms; loaded {loaded_peak:.3} mV, {loaded_width:.4} ms");
    assert!((loaded_peak - peak).abs() < 3.0 && off(loaded_width, width) < 0.05 && loaded_peak != peak);
    let (most, charge, influx) = potassium(&text, (0.05 * 36.0, -77.0));
    println!("{calcium:.3} pA of calcium, {most:.2} pA of potassium; {influx:.3} and {charge:.2} fC");
    assert!(calcium < 0.05 * most && influx < 0.05 * charge);
    let ((twin_peak, twin_width), twin) = seen(&text, &[LOADS, "synapse.contact.terminal.channel.pq.count = 400"]);
    println!("with 400 channels {twin_peak:.3} mV, {twin_width:.4} ms, {twin:.2} pA");
    assert!((twin_peak - peak).abs() > 3.0 || off(twin_width, width) > 0.05, "the twin should fail");
}

/// Where A70 ends: with the channels of a cortical soma the action potential is 3 ms wide at 22 degC, repolarises on
/// little potassium current, and calcium is more than 5 % of that. A regression.
#[test]
fn in_a_broad_action_potential_calcium_is_a_larger_part() {
    let text = loading(
        r#"
duration = "12 ms"
trials = 64
cell.sender.use = "neuron/pospischil_fs"
cell.sender.membrane = { diameter = "1 um", length = "1.5915 um" }
clamp.push = { at = "sender.soma", current = "10 pA", start = "5 ms", stop = "5.3 ms" }
"#,
    );
    let ((peak, width), _) = seen(&text, &[]);
    let ((loaded_peak, loaded_width), calcium) = seen(&text, &[LOADS]);
    println!("peak {peak:.3} mV, width {width:.4} ms; loaded {loaded_peak:.3} mV, {loaded_width:.4} ms");
    let (most, charge, influx) = potassium(&text, (0.05 * 10.0, -100.0));
    println!("{calcium:.3} pA of calcium, {most:.2} pA of potassium; {influx:.3} and {charge:.2} fC");
    assert!((loaded_peak - peak).abs() < 3.0 && calcium > 0.05 * most && influx > 0.05 * charge);
}
