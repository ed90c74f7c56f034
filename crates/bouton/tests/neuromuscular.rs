//! The quantum of the neuromuscular junction against what is published of it, and what its enzyme is good for.

mod common;

use bouton::measure::Take;
use bouton::recording::Condition;
use common::{of_mean, probe, run_with};

const QUANTUM: &str = r#"
temperature = "22 degC"
duration = "40 ms"
detail = "mean"
numerics.step = "10 us"
solution.bath = { na = "140 mM", k = "3 mM", cl = "130 mM", ca = "2 mM", mg = "1 mM" }
space.ecs = { volume_fraction = 0.2, tortuosity = 1.6 }
cell.nerve.times = ["1 ms"]
cell.fibre.membrane.area = "100 um2"
cell.fibre.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2", reversal = "-90 mV" }
synapse.end_plate.from = "nerve.axon"
synapse.end_plate.to = "fibre.soma"
synapse.end_plate.use = "synapse/neuromuscular_junction"
synapse.end_plate.without = ["terminal.sensor", "terminal.channel"]
synapse.end_plate.terminal.molecules_cv = 0
clamp.ideal = { at = "fibre.soma", hold = "-90 mV" }
probe.i = { read = "clamp.ideal.current", average = true }
probe.open = { read = "end_plate.receptor.nachr.open", average = true }
probe.spread = { read = "end_plate.receptor.nachr.spread", average = true }
"#;

const CURRENT: &str = "clamp.ideal.current";
const OPEN: &str = "end_plate.receptor.nachr.open";

fn quantum(sets: &[&str]) -> Condition {
    run_with(QUANTUM, sets)
}

fn of(c: &Condition, what: Take) -> f64 {
    of_mean(c, CURRENT, 1.0, what)
}

fn inactivated(share: f64) -> Condition {
    quantum(&[&format!("drug.paraoxon = {{ use = \"drug/paraoxon\", inactivated = {share} }}")])
}

/// C-30, C-34, C-35: rise, channels, where they are open, and what half of the receptors leave. Bands of Stiles (1996),
/// Wathey (1979) and Land (1981).
#[test]
fn a_miniature_end_plate_current_has_its_published_shape() {
    let c = quantum(&[]);
    let (rise, half) = (of(&c, Take::Rise2080), of(&c, Take::HalfDecay));
    let open = probe(&c, OPEN);
    let (top, at) = common::peak(&open.mean, open.every);
    let area = common::at(probe(&c, "end_plate.receptor.nachr.spread"), at);
    println!(
        "rise {rise:.4} ms, {top:.0} channels at {at:.3} ms, two thirds within {area:.4} um2, half-decay {half:.3} ms"
    );
    assert!((0.06..=0.11).contains(&rise), "{rise}");
    assert!((1000.0..=2000.0).contains(&top), "{top}");
    assert!((area / 0.15 - 1.0).abs() <= 0.25, "{area}");
    let fewer = quantum(&["synapse.end_plate.receptor.nachr.density = \"5200 /um2\""]);
    let (less, slower) = (of(&fewer, Take::Amplitude) / of(&c, Take::Amplitude), of(&fewer, Take::Rise2080) / rise);
    println!("half of the receptors: amplitude {less:.3}, rise {slower:.3}");
    assert!((0.55..=0.75).contains(&less) && slower < 1.2);
    // The twin: a pore that takes 0.2 ms makes the rise too slow.
    let slow = quantum(&["synapse.end_plate.cleft.pore.growth = \"2 nm/ms\""]);
    assert!(of(&slow, Take::Rise2080) > 0.15);
}

/// C-60: half of the enzyme is spare, most of it is not.
#[test]
fn half_of_the_esterase_is_spare() {
    let decay = |c: &Condition| of(c, Take::HalfDecay);
    let whole = decay(&quantum(&[]));
    let ratio: Vec<f64> = [0.5, 0.9, 0.99, 1.0].iter().map(|s| decay(&inactivated(*s)) / whole).collect();
    println!("half-decay {whole:.3} ms; at 50, 90, 99, 100 % inhibition times {ratio:.3?}");
    assert!(ratio[0] < 1.15, "{ratio:?}");
    assert!((1.5..=1.8).contains(&ratio[1]), "{ratio:?}");
    assert!(ratio.windows(2).all(|w| w[0] < w[1]) && (2.0..=4.0).contains(&ratio[3]), "{ratio:?}");
}

/// Taken away by a drug or left out of the model: the same course, to rounding.
#[test]
fn an_enzyme_that_is_all_inactivated_is_no_enzyme() {
    let drugged = inactivated(1.0);
    let without =
        quantum(&["synapse.end_plate.without = [\"terminal.sensor\", \"terminal.channel\", \"clearance.ache\"]"]);
    assert_eq!(probe(&drugged, CURRENT).mean, probe(&without, CURRENT).mean);
}

/// Channels close e-fold more slowly for 80 mV of hyperpolarisation, at both levels of detail: means see the voltage as
/// copies do. From -90 to -10 mV, one vesicle, 10,000 channels; the decay of copies is known to 3 % or so.
#[test]
fn end_plate_channels_close_sooner_when_depolarised_at_either_level() {
    let decay = |detail: &str, hold: &str| {
        let c = quantum(&[&format!("detail = \"{detail}\""), &format!("clamp.ideal.hold = \"{hold}\"")]);
        of(&c, Take::Decay)
    };
    for hold in ["-90 mV", "-50 mV", "-10 mV"] {
        let (means, copies) = (decay("mean", hold), decay("kinetic", hold));
        println!("{hold}: {means:.3} ms as means, {copies:.3} ms as copies");
        assert!((means / copies - 1.0).abs() < 0.05, "{hold}: {means} and {copies} ms");
    }
    let ratio = decay("mean", "-90 mV") / decay("mean", "-10 mV");
    println!("-90 over -10 mV: {ratio:.3}");
    assert!((2.0..2.72).contains(&ratio), "{ratio}");
}
