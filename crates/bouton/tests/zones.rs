//! Active zones of one synapse: each its own luck, sums where sums are meant.

mod common;

use common::{CLAMPED, ON_POINT, RELEASING, WORLD, fusions, probe, run_with};

fn model(trials: u32) -> String {
    format!(
        "{WORLD}{ON_POINT}{RELEASING}{CLAMPED}duration = \"20 ms\"\ntrials = {trials}\ncell.sender.times = [\"2 ms\"]\n\
         probe.released = {{ read = \"contact.terminal.released\" }}\n\
         probe.open = {{ read = \"contact.receptor.ampa.open\" }}\n\
         probe.i = {{ read = \"contact.current\" }}\n"
    )
}

/// The first zone of many is the synapse with one zone, to the bit.
#[test]
fn one_zone_is_the_synapse_as_it_was() {
    let (one, said) = (run_with(&model(16), &[]), run_with(&model(16), &["synapse.contact.zones = 1"]));
    assert_eq!(probe(&one, "contact.current").trials, probe(&said, "contact.current").trials);
    let many = run_with(&model(16), &["synapse.contact.zones = 3"]);
    // Ten places a zone: those of the first come first.
    let of_first = |c: &bouton::recording::Condition| -> Vec<(u64, u64)> {
        let mut all: Vec<_> = c.events.iter().filter(|e| e.index < 10).map(|e| (e.trial, e.at.to_bits())).collect();
        all.sort_unstable();
        all
    };
    assert_eq!(of_first(&one), of_first(&many));
    assert_ne!(one.events.len(), many.events.len());
}

/// Zones release independently: the variance of their sum is that of as many synapses. 400 trials of 20 zones; the twin, in
/// which one zone's releases are counted twenty times, is refused. False alarm 1e-6.
#[test]
fn zones_release_independently() {
    let counts = |zones: u32, trials: u32| -> Vec<f64> {
        let sets = [format!("synapse.contact.zones = {zones}"), "numerics.step = \"0.5 ms\"".to_owned()];
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let text = model(trials).replace("duration = \"20 ms\"", "duration = \"6 ms\"");
        fusions(&run_with(&text, &sets), "contact").iter().map(|t| t.len() as f64).collect()
    };
    let moments = |all: &[f64]| {
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        (mean, all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0))
    };
    let (one, many) = (moments(&counts(1, 4000)), moments(&counts(20, 400)));
    // A variance from n counts of about Poisson's law has a relative deviation of sqrt(2 / n) and a little.
    let slack = common::Z * (2.5_f64 / 400.0 + 4.0 / 4000.0).sqrt();
    let fits = |variance: f64| (variance / (20.0 * one.1) - 1.0).abs() < slack;
    println!(
        "one zone: mean {:.3}, variance {:.3}; twenty: {:.3}, {:.3}; slack {slack:.2}",
        one.0, one.1, many.0, many.1
    );
    assert!((many.0 / (20.0 * one.0) - 1.0).abs() < 0.1);
    assert!(fits(many.1), "{} against {}", many.1, 20.0 * one.1);
    assert!(!fits(400.0 * one.1), "the twin should be refused");
}

/// What is a sum is the sum: currents of three zones are those of three synapses whose luck is theirs.
#[test]
fn sums_are_over_all_zones() {
    let c = run_with(&model(24), &["synapse.contact.zones = 3"]);
    let released = probe(&c, "contact.terminal.released");
    let events = fusions(&c, "contact");
    assert!(events.iter().map(Vec::len).sum::<usize>() > 5);
    for (trial, trace) in &released.trials {
        assert_eq!(*trace.last().expect("samples"), events[*trial as usize].len() as f64);
    }
    // The current is driven by what is open: nothing flows where no AMPA or NMDA channel is.
    let (open, i) = (probe(&c, "contact.receptor.ampa.open"), probe(&c, "contact.current"));
    let top = |t: &[f64]| t.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    for ((_, open), (_, i)) in open.trials.iter().zip(&i.trials) {
        assert_eq!(top(open) == 0.0, top(i) < 0.2, "{} open, {} pA", top(open), top(i));
    }
}

/// One spine cannot hold several zones.
#[test]
fn several_zones_on_one_spine_are_refused() {
    let catalogue = model::catalogue::Catalogue::embedded();
    let text = model(1).replace("synapse.contact.without = [\"spine\"]", "synapse.contact.zones = 2");
    let outcome = model::resolve::model_with("model.toml", text.as_str().into(), &[], &catalogue);
    let mut faults = model::diagnostic::Diagnostics::default();
    let made: Vec<_> = outcome.resolved.iter().map(|r| bouton::lower::model(r, &mut faults)).collect();
    assert!(made.iter().all(Option::is_none));
    assert!(faults.render(&outcome.sources, false).contains("2 active zones and one spine"));
}
