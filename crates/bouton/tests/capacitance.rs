//! The membrane of vesicles: a step when one fuses, and away again at the rate of endocytosis.

mod common;

use common::*;
use numerics::math;

const SEEN: &str = r#"
duration = "150 ms"
detail = "mean"
synapse.contact.terminal.vesicle_diameter = "45 nm"
probe.membrane = { read = "contact.terminal.capacitance" }
"#;

/// 45 nm and 0.9 uF/cm2: pi 0.045^2 um2 times 9 fF/um2 are 57.3 aF. The twin's vesicle is a nanometre wider.
#[test]
fn a_vesicle_of_45_nm_adds_57_attofarad() {
    let spikes = "cell.sender.times = [\"5 ms\", \"25 ms\", \"45 ms\"]\n";
    let text = format!("{WORLD}{ON_POINT}{CERTAIN}{SEEN}{spikes}");
    let steps = |sets: &[&str]| {
        let p = &run_with(&text, sets);
        let y = &probe(p, "contact.terminal.capacitance").mean;
        y.windows(2).map(|w| 1e3 * (w[1] - w[0])).filter(|d| *d != 0.0).collect::<Vec<f64>>()
    };
    let usual = steps(&[]);
    println!("{usual:?} aF");
    assert!(usual.len() == 3 && usual.iter().all(|s| (s - 57.256).abs() < 1e-3), "{usual:?}");
    let twin = steps(&["synapse.contact.terminal.vesicle_diameter = \"46 nm\""]);
    assert!(twin.iter().all(|s| (s - 57.256).abs() > 2.0));
    let thick = steps(&["synapse.contact.terminal.vesicle_capacitance = \"0.45 uF/cm2\""]);
    assert!(thick.iter().all(|s| (s - 0.5 * 57.256).abs() < 1e-3), "half as much for half the specific capacitance");
}

/// Of vesicles in the membrane 40 ms after an action potential, those that are left 50 ms later, at 20 /s: e^-1 of them,
/// in trials without another fusion in between. A binomial z at a false-alarm rate of 1e-6; the twin's rate is 27 /s.
#[test]
fn membrane_returns_at_the_rate_of_endocytosis() {
    let text = format!(
        "{WORLD}{ON_POINT}{RELEASING}{SEEN}trials = 1000\ncell.sender.times = [\"5 ms\"]\nsynapse.contact.terminal.channel.pq.distance = \"30 nm\"\n"
    );
    let seen = |rate: &str| {
        let c = run_with(&text, &[&format!("synapse.contact.terminal.pools.endocytosis = \"{rate}\"")]);
        let p = probe(&c, "contact.terminal.capacitance");
        let fused = fusions(&c, "contact");
        let at = |ms: f64| (ms / p.every).round() as usize;
        let (mut before, mut after, mut all) = (0.0, 0.0, 0.0);
        for (trial, y) in &p.trials {
            let unit = 0.057_255_5;
            let whole = |y: f64| {
                assert!((y / unit - (y / unit).round()).abs() < 1e-3, "{y} fF is no whole number of vesicles");
                (y / unit).round()
            };
            all += fused[*trial as usize].len() as f64;
            if fused[*trial as usize].iter().all(|t| *t < 40.0 || *t > 90.0) {
                before += whole(y[at(40.0)]);
                after += whole(y[at(90.0)]);
            }
        }
        let p = math::exp(-1.0);
        let z = (after - before * p) / (before * p * (1.0 - p)).sqrt();
        println!("{rate}: {all} fusions, {before} in the membrane at 40 ms, {after} at 90 ms: z = {z:.2}");
        z
    };
    assert!(seen("20 /s").abs() < Z);
    assert!(seen("27 /s").abs() > Z, "the twin should fail");
}
