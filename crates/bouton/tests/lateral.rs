//! The resistance of the cleft: the synaptic current lowers its own driving force, the more the narrower the cleft.

mod common;

use bouton::measure::Take;
use common::*;
use std::f64::consts::TAU;

/// One vesicle at 1 ms onto a point cell under a clamp without resistance; two populations that reverse apart.
fn quantum(more: &str) -> String {
    format!(
        "{WORLD}{ON_POINT}{CERTAIN}{CLAMPED}duration = \"12 ms\"\ndetail = \"mean\"\ncell.sender.times = [\"1 ms\"]\n\
         synapse.contact.receptor.nmda.reversal = \"-20 mV\"\n\
         probe.all = {{ read = \"contact.current\" }}\nprobe.a = {{ read = \"contact.receptor.ampa.current\" }}\n\
         probe.n = {{ read = \"contact.receptor.nmda.current\" }}\nprobe.c = {{ read = \"clamp.ideal.current\" }}\n{more}"
    )
}

const PATHS: [&str; 4] =
    ["contact.current", "contact.receptor.ampa.current", "contact.receptor.nmda.current", "clamp.ideal.current"];

fn courses(sets: &[&str]) -> [Vec<f64>; 4] {
    let c = run_with(&quantum(""), sets);
    PATHS.map(|p| probe(&c, p).mean.clone())
}

const MANY: &str = "synapse.contact.receptor.ampa.count = 2000";
const RHO: &str = "synapse.contact.cleft.resistivity = \"200 ohm*cm\"";

/// 200 ohm cm, 20 nm high, 0.25 um wide, the disc 0.113 um: 2e-3 / (2 pi 0.02) GOhm times ln(0.25 / 0.113) + 1/4.
const BY_HAND: f64 = 0.015_915_494 * (0.794_073_1 + 0.25);

/// A ring at a time, the current within each ring flowing through all outside of it; the mean over the disc.
fn by_rings(rho: f64, height: f64, wide: f64, disc: f64) -> f64 {
    let n = 200_000;
    let dr = wide / f64::from(n);
    let (mut v, mut mean) = (0.0, 0.0);
    for k in (0..n).rev() {
        let r = (f64::from(k) + 0.5) * dr;
        let within = (r / disc).min(1.0);
        v += within * within * rho / (TAU * r * height) * dr;
        if r < disc {
            mean += v * 2.0 * r * dr / (disc * disc);
        }
    }
    mean
}

/// The sum of the currents is divided by 1 + R g; each population feels the whole drop. Twin: half the resistivity.
#[test]
fn receptors_share_the_drop_of_all_their_current() {
    let rings = by_rings(2e-3, 0.02, 0.25, 0.113);
    println!("{:.4} MOhm by hand, {:.4} by rings", 1e3 * BY_HAND, 1e3 * rings);
    assert!(off(BY_HAND, rings) < 1e-4);
    let free = courses(&[MANY]);
    let worst = |felt: &[Vec<f64>; 4]| {
        let (mut worst, mut least) = (0.0f64, 1.0f64);
        for k in 60..free[0].len() {
            let (g_a, g_n) = (free[1][k] / -70.0, free[2][k] / -50.0);
            let left = 1.0 / (1.0 + BY_HAND * (g_a + g_n));
            least = least.min(left);
            let total = free[0][k] * left;
            let drop = BY_HAND * total;
            let want = [total, g_a * (-70.0 - drop), g_n * (-50.0 - drop)];
            for (want, felt) in want.iter().zip(felt) {
                worst = worst.max((want - felt[k]).abs() / free[0][60..].iter().fold(0.0, |m: f64, x| m.max(x.abs())));
            }
        }
        (worst, least)
    };
    let felt = courses(&[MANY, RHO]);
    let (apart, least) = worst(&felt);
    println!("off by {apart:e} of the peak; {:.2} % of the peak is left", 100.0 * least);
    assert!(apart < 1e-5 && least < 0.96, "{apart:e}, {least}");
    // What reaches the pipette is the smaller current.
    assert!((felt[3][100] - felt[0][100]).abs() < 0.02 * felt[0][100].abs());
    let twin = courses(&[MANY, "synapse.contact.cleft.resistivity = \"100 ohm*cm\""]);
    assert!(worst(&twin).0 > 0.01, "the twin should fail");
}

#[test]
fn without_resistance_nothing_changes_to_the_bit() {
    let free = courses(&[]);
    assert!(courses(&["synapse.contact.cleft.resistivity = \"0 ohm*cm\""]) == free);
    // First order in the resistivity: a hundredth of it does a hundredth.
    let peak = |sets: &[&str]| courses(sets)[0].iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let lost = |rho: &str| 1.0 - peak(&[&format!("synapse.contact.cleft.resistivity = \"{rho}\"")]) / peak(&[]);
    let (small, tiny) = (lost("10 ohm*cm"), lost("0.1 ohm*cm"));
    println!("10 ohm cm takes {small:e} of the peak, 0.1 ohm cm {tiny:e}");
    assert!(tiny > 0.0 && off(100.0 * tiny, small) < 0.01);
}

/// Narrow clefts concentrate the transmitter and resist the current (Savtchenko & Rusakov 2007): one height is the best.
/// With 500 receptors it takes 3000 ohm cm, ten times that of tissue, for it to lie above 5 nm (what the field does to the
/// transmitter is left out). With 300 ohm cm and with none, the twins, narrower is better throughout.
#[test]
fn one_height_of_the_cleft_is_the_best() {
    let heights = [5.0, 7.0, 9.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0];
    let epsc = |rho: &str| {
        heights.map(|h| {
            let sets = [
                format!("synapse.contact.cleft.height = \"{h} nm\""),
                format!("synapse.contact.cleft.resistivity = \"{rho}\""),
                "synapse.contact.receptor.ampa.count = 500".to_owned(),
            ];
            let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
            -of_mean(&run_with(&quantum(""), &sets), "contact.current", 1.0, Take::Amplitude)
        })
    };
    let turns = |e: &[f64]| e.windows(3).filter(|w| w[1] > w[0] && w[1] > w[2]).count();
    let resisting = epsc("3000 ohm*cm");
    let best = (0..heights.len()).fold(0, |b, k| if resisting[k] > resisting[b] { k } else { b });
    println!("{heights:?} nm\n{resisting:.1?} pA: best at {} nm", heights[best]);
    assert!(turns(&resisting) == 1 && (7.0..=30.0).contains(&heights[best]), "{resisting:?}");
    for rho in ["300 ohm*cm", "0 ohm*cm"] {
        let twin = epsc(rho);
        println!("{twin:.1?} pA with {rho}");
        assert!(twin.windows(2).all(|w| w[0] > w[1]), "{twin:?}");
    }
}
