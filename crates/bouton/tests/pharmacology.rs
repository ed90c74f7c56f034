//! Drugs as rewrites of schemes: what they must keep, and what they must change.

mod common;

use bouton::lower::{LoweredScheme, observable, scheme};
use model::catalogue::{Catalogue, Mechanism};
use model::diagnostic::{Diagnostics, Sources};
use model::pharmacology::{Drug, dose, remaining};
use model::resolve::{DirectedStep, Part, part};
use numerics::math;

/// Every pair of drug and scheme that meet, each part at its own temperature, with the drug at `c` mM.
fn pairs(c: f64, mut see: impl FnMut(&str, &Part, &Part, &Mechanism)) -> usize {
    let catalogue = Catalogue::embedded();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let mut parts = Vec::new();
    for name in catalogue.names() {
        let entry = catalogue.entry(&name, &mut sources, &mut out).expect("a good entry");
        parts.push(part(&entry, entry.temperature, &entry.body.without_fields(), &sources, &mut out));
    }
    let mut met = 0;
    for drug in parts.iter().filter(|p| p.kind == "drug") {
        for action in &drug.body.actions {
            for target in &parts {
                let hit = target.body.families().any(|f| action.targets.iter().any(|t| t == f));
                if !hit || target.scheme.is_none() || matches!(action.mechanism, Mechanism::Irreversible { .. }) {
                    continue;
                }
                let mut dosed = target.clone();
                dose(&mut dosed, &Drug { name: "x", part: drug, concentration: c }, &action.mechanism)
                    .unwrap_or_else(|e| panic!("{} on {}: {e}", drug.entry, target.entry));
                see(&drug.entry, target, &dosed, &action.mechanism);
                met += 1;
            }
        }
    }
    met
}

fn held(part: &Part, ligand: f64) -> Vec<f64> {
    let n = part.scheme.as_ref().expect("a scheme").ligands.len();
    let dose = |i: usize| part.drugs.iter().find(|d| d.ligand == i).map(|d| d.concentration);
    (0..n).map(|i| dose(i).unwrap_or(if i == 0 { ligand } else { 0.5 })).collect()
}

fn lower(part: &Part) -> LoweredScheme {
    scheme(part).expect("lowers")
}

/// Net flow along each pair of steps at equilibrium, over the larger of both.
fn asymmetry(part: &Part, ligand: f64) -> f64 {
    let (s, ligands) = (lower(part), held(part, ligand));
    let p = s.rest(-70.0, &ligands).expect("a law");
    let rates = s.kinetics.transition_rates(&s.coefficients(-70.0, &ligands), &ligands).expect("rates");
    let n = part.scheme.as_ref().map_or(0, |s| s.states.len());
    let mut flow = vec![0.0; n * n];
    for (t, r) in s.kinetics.transitions().iter().zip(rates) {
        flow[usize::from(t.from.0) * n + usize::from(t.to.0)] += p[usize::from(t.from.0)] * r;
    }
    let mut worst = 0.0_f64;
    for i in 0..n {
        for j in 0..i {
            let (a, b) = (flow[i * n + j], flow[j * n + i]);
            if a.max(b) > 1e-12 {
                worst = worst.max((a - b).abs() / a.max(b));
            }
        }
    }
    worst
}

/// Detailed balance: a drug that binds reversibly drives no cycle. What asymmetry there is was in the scheme before
/// (loops that were published rounded), and the drug makes it no larger.
#[test]
fn a_reversible_drug_leaves_detailed_balance_as_it_was() {
    let met = pairs(1e-3, |name, target, dosed, mechanism| {
        let driven = target.body.body.table("scheme").and_then(|s| s.word("balance")) == Some("driven");
        if driven {
            return;
        }
        // A blocker that holds the channel open is bound by way of the open state only, so a loop of the scheme stays one.
        let (before, after) = (asymmetry(target, 0.3), asymmetry(dosed, 0.3));
        assert!(
            after <= before.max(1e-9) * 1.5,
            "{name} on {}: {before} -> {after} ({})",
            target.entry,
            mechanism.word()
        );
    });
    assert!(met >= 40, "{met} pairs");
}

/// The twin: were the antagonist's unbinding forgotten in one state, balance would be broken.
#[test]
fn a_rewrite_that_forgot_a_step_would_be_seen() {
    let mut seen = 0;
    pairs(1e-3, |_, target, dosed, mechanism| {
        if matches!(mechanism, Mechanism::Competitive { .. }) && target.entry == "receptor/ampa_jonas_1993" {
            let mut broken = dosed.clone();
            let drug = broken.drugs[0].ligand;
            if let Some(s) = &mut broken.scheme
                && let Some(step) = s.steps.iter_mut().find(|t| t.gives_off == Some(drug))
            {
                step.rate.factor *= 2.0;
            }
            assert!(asymmetry(&broken, 0.3) > 0.01);
            seen += 1;
        }
    });
    assert!(seen > 0);
}

/// A drug at zero is no drug: the dosed scheme relaxes as the bare one, at every time, to rounding.
#[test]
fn at_zero_a_drug_changes_nothing() {
    let met = pairs(0.0, |name, target, dosed, _| {
        let (bare, with) = (lower(target), lower(dosed));
        let open = |s: &LoweredScheme, part: &Part, t: f64| {
            let start = s.rest(-70.0, &held(part, 0.0)).expect("a law");
            let p = s.held(-70.0, &held(part, 1.0)).and_then(|h| h.after(&start, t)).expect("a course");
            s.open(&p)
        };
        for t in [0.1, 1.0, 10.0] {
            let (a, b) = (open(&bare, target, t), open(&with, dosed, t));
            assert!((a - b).abs() <= 1e-10 * a.max(1e-3), "{name} on {} at {t} ms: {a} and {b}", target.entry);
        }
    });
    assert!(met >= 40, "{met} pairs");
}

/// Gaddum's law over the whole curve, not at one point: with the antagonist at c the response to r A is that to A
/// without it, r = 1 + c / K_B, for every competitive drug on every receptor whose loops close.
#[test]
fn an_antagonist_shifts_the_whole_curve() {
    let mut met = 0;
    for times in [1.0_f64, 9.0, 99.0] {
        pairs(1e-3, |name, target, dosed, mechanism| {
            let Mechanism::Competitive { .. } = mechanism else { return };
            if target.kind != "receptor" || asymmetry(target, 0.3) > 1e-6 {
                return;
            }
            // K_B from the two rates as they stand in the dosed scheme, at the first state: n k_on and k_off.
            let s = dosed.scheme.as_ref().expect("a scheme");
            let drug = dosed.drugs[0].ligand;
            let values = dosed.layout.values(&dosed.parameters, -70.0, dosed.temperature, &held(dosed, 0.0));
            let up = s.steps.iter().find(|t| t.from == 0 && t.takes_up == Some(drug)).expect("a step");
            let down = s.steps.iter().find(|t| t.to == 0 && t.gives_off == Some(drug)).expect("a step");
            let rate = |t: &DirectedStep| t.rate.expr.evaluate(&values) * t.rate.factor;
            let copy = format!("{}+", s.states[0]);
            let sites = s.states.iter().filter(|n| n.starts_with(&copy)).count() as f64;
            let k_b = rate(down) / (rate(up) / sites);
            let with = {
                let mut part = dosed.clone();
                part.drugs[0].concentration = times * k_b;
                part
            };
            let open = |p: &Part, a: f64| lower(p).open(&lower(p).rest(-70.0, &held(p, a)).expect("a law"));
            for a in [1e-4, 1e-2, 1.0] {
                let (before, after) = (open(target, a), open(&with, a * (1.0 + times)));
                assert!(
                    (before - after).abs() <= 2e-6 * before,
                    "{name} on {}: {before} and {after} at {a} mM, {times} K_B",
                    target.entry
                );
            }
            met += 1;
        });
    }
    assert!(met >= 9, "{met}");
}

/// What is left of an enzyme: against the limits of the law and against small steps.
#[test]
fn inactivation_follows_its_law() {
    for (a, r, g) in [(1.0, 0.0, 0.0), (1.0, 0.3, 0.0), (0.7, 0.2, 0.1), (1.0, 1.0, 1e-9), (0.5, 0.5, 2.0)] {
        for t in [0.01, 0.5, 3.0, 20.0] {
            let (mut e, mut i) = (1.0, 0.0);
            let n = 200_000;
            let h = t / f64::from(n);
            for _ in 0..n {
                let slope = |e: f64, i: f64| (r * i - a * e, a * e - (r + g) * i);
                let k = slope(e, i);
                let m = slope(e + 0.5 * h * k.0, i + 0.5 * h * k.1);
                e += h * m.0;
                i += h * m.1;
            }
            let got = remaining(a, r, g, t);
            assert!((got - e).abs() < 1e-8, "{a} {r} {g} at {t}: {got} and {e}");
        }
    }
    assert!((remaining(1.0, 0.0, 0.0, 1.0) - math::exp(-1.0)).abs() < 1e-15);
    assert!((remaining(1.0, 0.3, 0.0, f64::INFINITY) - 0.3 / 1.3).abs() < 1e-15);
}

const DOSED: &str = r#"
duration = "60 ms"
trials = 64
cell.sender.times = ["10 ms"]
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "1000 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2", reversal = "-70 mV" }
synapse.contact.from = "sender.axon"
synapse.contact.to   = "receiver.soma"
synapse.contact.use  = "synapse/ca1_spine"
synapse.contact.without = ["spine"]
clamp.vc = { at = "receiver.soma", hold = "-70 mV" }
probe.i = { read = "clamp.vc.current" }
"#;

fn currents(more: &[&str]) -> Vec<Vec<f64>> {
    let text = format!("{}{DOSED}", common::WORLD);
    let c = common::run_with(&text, more);
    common::probe(&c, "clamp.vc.current").trials.iter().map(|t| t.1.clone()).collect()
}

/// Never dosed and dosed with nothing are the same bits; a drug for something else changes no draw either.
#[test]
fn dosed_with_nothing_is_never_dosed_to_the_bit() {
    let bare = currents(&[]);
    let zero = currents(&["drug.cnqx = { use = \"drug/cnqx\", bath = \"0 uM\" }"]);
    assert_eq!(bare, zero);
    let other = currents(&["drug.curare = { use = \"drug/tubocurarine\", bath = \"10 uM\" }"]);
    assert_eq!(bare, other);
    let some = currents(&["drug.cnqx = { use = \"drug/cnqx\", bath = \"0.3 uM\" }"]);
    assert_ne!(bare, some, "the twin is dosed");
}

/// Who shares luck shares vesicles: an antagonist on the receiving side changes no release.
#[test]
fn an_antagonist_changes_no_release() {
    let text = format!("{}{DOSED}", common::WORLD);
    let bare = common::run_with(&text, &[]);
    let with = common::run_with(&text, &["drug.cnqx = { use = \"drug/cnqx\", bath = \"10 uM\" }"]);
    assert_eq!(common::fusions(&bare, "contact"), common::fusions(&with, "contact"));
    let cadmium = common::run_with(&text, &["drug.cd = { use = \"drug/cadmium\", bath = \"100 uM\" }"]);
    let count = |c| common::fusions(c, "contact").iter().map(Vec::len).sum::<usize>();
    assert!(count(&bare) > 15, "{}", count(&bare));
    assert_eq!(count(&cadmium), 0);
}

#[test]
fn the_open_state_of_a_blocked_channel_does_not_conduct() {
    pairs(1e-3, |name, target, dosed, mechanism| {
        let s = lower(dosed);
        let (before, after) = (target.conductance.len(), dosed.conductance.len());
        match mechanism {
            Mechanism::Pore { .. } | Mechanism::OpenChannel { .. } => {
                assert_eq!(before, after, "{name} on {}", target.entry);
            }
            _ => assert!(after >= before, "{name} on {}", target.entry),
        }
        let open: f64 = s.weights(observable::OPEN).iter().sum();
        assert!(open >= before as f64 - 1e-12 || before == 0);
    });
}

/// A modulator at saturation scales the ligand's constant by what it was given, opens nothing alone, closes every loop,
/// and does nothing where its factors are 1.
#[test]
fn a_modulator_shifts_the_ligand_and_opens_nothing() {
    let catalogue = Catalogue::embedded();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let mut entry = |name: &str| {
        let entry = catalogue.entry(name, &mut sources, &mut out).expect("a good entry");
        part(&entry, entry.temperature, &entry.body.without_fields(), &sources, &mut out)
    };
    let (diazepam, receptor) = (entry("drug/diazepam"), entry("receptor/gaba_a_jones_westbrook_1995"));
    let Mechanism::Modulator { k_on, k_off, off_factor, .. } = diazepam.body.actions[0].mechanism.clone() else {
        panic!("diazepam is a modulator")
    };
    let open = |factor: Option<f64>, gaba: f64| {
        let mut part = receptor.clone();
        if let Some(off_factor) = factor {
            let (k_on, k_off) = (k_on.clone(), k_off.clone());
            let mechanism = Mechanism::Modulator { k_on, k_off, on_factor: 1.0, off_factor };
            dose(&mut part, &Drug { name: "x", part: &diazepam, concentration: 10.0 }, &mechanism).expect("it binds");
            assert!(asymmetry(&part, gaba) < 1e-9);
        }
        let s = lower(&part);
        let p = s.rest(-70.0, &held(&part, gaba)).expect("a law");
        p.iter().zip(s.weights(observable::OPEN)).map(|(p, w)| p * w).sum::<f64>()
    };
    for gaba in [0.001, 0.01, 0.1] {
        let (alone, with) = (open(None, gaba / off_factor), open(Some(off_factor), gaba));
        assert!((with / alone - 1.0).abs() < 1e-4, "{with} for {alone} at {gaba} mM");
        assert!((open(Some(1.0), gaba) / open(None, gaba) - 1.0).abs() < 1e-9);
        // The twin: without the drug as much ligand opens less.
        assert!(open(None, gaba) < 0.99 * with);
    }
    assert_eq!(open(Some(off_factor), 0.0), 0.0);
}
