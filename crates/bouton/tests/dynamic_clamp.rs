//! An artificial conductance is one of the cell's own, while it is on; its noise has its law.

mod common;

use common::*;

/// A passive cell of 10 nS and 10 pF; a second one that has the conductance in its membrane.
const CELL: &str = r#"
duration = "60 ms"
temperature = "22 degC"
cell.c.membrane = { capacitance = "1 uF/cm2", area = "1000 um2" }
cell.c.channel.leak = { use = "channel/leak", density = "1 mS/cm2", reversal = "-70 mV" }
clamp.n = { at = "c.soma", conductance = "5 nS", reversal = "-10 mV", start = "10 ms", stop = "40 ms" }
probe.i = { read = "clamp.n.current" }
probe.v = { read = "c.soma.v_m" }
"#;

#[test]
fn an_artificial_conductance_divides_the_voltage_and_reads_its_current() {
    let c = run_with(CELL, &[]);
    let (v, i) = (probe(&c, "c.soma.v_m"), probe(&c, "clamp.n.current"));
    let steady = (10.0 * -70.0 + 5.0 * -10.0) / 15.0;
    assert!((at(v, 9.0) + 70.0).abs() < 1e-9 && at(i, 9.0) == 0.0);
    assert!((at(v, 39.0) - steady).abs() < 1e-9, "{}", at(v, 39.0));
    assert!((at(i, 39.0) - 5.0 * (-10.0 - steady)).abs() < 1e-6, "{}", at(i, 39.0));
    // On its way with C / (g + g_leak), and back with C / g_leak.
    let share = |ms: f64| (at(v, ms) + 70.0) / (steady + 70.0);
    assert!((share(11.0) - (1.0 - numerics::math::exp(-1.5))).abs() < 1e-4, "{}", share(11.0));
    assert!((share(41.0) - numerics::math::exp(-1.0)).abs() < 1e-4, "{}", share(41.0));
    assert!(c.pipettes.iter().any(|p| p.contains("5 nS") && p.contains("-10 mV")), "{:?}", c.pipettes);
}

/// Held throughout, it is a leak of the same size, to the rounding of a sum.
#[test]
fn an_artificial_conductance_is_as_good_as_a_real_one() {
    let own = [
        "clamp.n.conductance = \"0 nS\"",
        "cell.c.channel.other = { use = \"channel/leak\", density = \"0.5 mS/cm2\", reversal = \"-10 mV\" }",
        "clamp.push = { at = \"c.soma\", current = \"100 pA\", start = \"20 ms\", stop = \"25 ms\" }",
    ];
    let artificial = ["clamp.n.start = \"0 ms\"", "clamp.n.stop = \"60 ms\"", own[2]];
    let [a, b] = [&own, &artificial].map(|sets| run_with(CELL, sets));
    let (a, b) = (&probe(&a, "c.soma.v_m").mean, &probe(&b, "c.soma.v_m").mean);
    // It begins at rest without it.
    let later = (15.0 / 0.025) as usize;
    assert!(a[later..].iter().zip(&b[later..]).all(|(a, b)| (a - b).abs() < 1e-6));
    assert!(a[later..].iter().fold(f64::MIN, |m, v| m.max(*v)) > a[later] + 3.0, "the push is seen");
}

/// Under a voltage clamp the current is the conductance: its mean and deviation over 4000 trials lie within what a z-test at
/// a false-alarm rate of 1e-6 lets pass, and it is never negative.
#[test]
fn noise_of_a_conductance_has_its_law_and_is_cut_off_at_zero() {
    let sets = [
        "trials = 4000",
        "duration = \"12 ms\"",
        "clamp.n = { at = \"c.soma\", conductance = \"5 nS\", conductance_noise = { sd = \"1 nS\", tau = \"3 ms\" }, reversal = \"-10 mV\" }",
        "clamp.hold = { at = \"c.soma\", hold = \"-60 mV\" }",
        "probe.i.every = \"1 ms\"",
    ];
    let text = CELL.replace("clamp.n = { at = \"c.soma\", conductance = \"5 nS\", reversal = \"-10 mV\", start = \"10 ms\", stop = \"40 ms\" }\n", "");
    let text = text.replace("probe.v = { read = \"c.soma.v_m\" }\n", "");
    let g = |sets: &[&str]| -> Vec<f64> {
        let c = run_with(&text, sets);
        probe(&c, "clamp.n.current").trials.iter().map(|(_, y)| y[10] / 50.0).collect()
    };
    let (n, x) = (4000.0_f64, g(&sets));
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|g| (g - mean) * (g - mean)).sum::<f64>() / (n - 1.0);
    println!("{mean} {variance}");
    assert!((mean - 5.0).abs() * n.sqrt() < Z && (variance - 1.0).abs() * (n / 2.0).sqrt() < Z, "{mean} {variance}");
    // Half of a normal law: 1 / sqrt(2 pi) of its deviation.
    let half = sets[2].replace("conductance = \"5 nS\", ", "");
    let mut cut = sets;
    cut[2] = &half;
    let x = g(&cut);
    let mean = x.iter().sum::<f64>() / n;
    let (expected, sd) = (0.398_942_280, (0.5_f64 - 0.159_154_943).sqrt());
    assert!(x.iter().all(|g| *g >= 0.0) && x.contains(&0.0));
    assert!((mean - expected).abs() / sd * n.sqrt() < Z, "{mean}");
}
