//! Drugs that are washed in and out within a trial: before, on the way, and long after.

mod common;

use bouton::simulation::{Batch, Cancel, Plan, Progress, Scratch, run};
use common::*;
use engine::snapshot;
use numerics::math;

/// One synapse onto a clamped cell.
const CONTACT: &str = r#"
cell.sender.times = ["10 ms", "40 ms", "90 ms"]
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "1000 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2", reversal = "-70 mV" }
synapse.contact.from = "sender.axon"
synapse.contact.to   = "receiver.soma"
synapse.contact.use  = "synapse/ca1_spine"
clamp.vc = { at = "receiver.soma", hold = "-70 mV" }
probe.i = { read = "clamp.vc.current" }
probe.glutamate = { read = "contact.cleft.glutamate" }
probe.shut = { read = "contact.receptor.ampa.C0" }
"#;

/// Where the drug is washed in from 60 ms on.
const LATE: &str = "drug.cnqx = { use = \"drug/cnqx\", schedule = { times = [\"0 s\", \"60 ms\"], baths = [\"0 uM\", \"30 uM\"], exchange = \"20 ms\" } }";

fn text(duration: &str, detail: &str, more: &str) -> String {
    format!("{WORLD}{CONTACT}{more}\nduration = \"{duration}\"\ntrials = 16\nsynapse.contact.detail = \"{detail}\"\n")
}

/// Every sample of every probe, trial by trial, up to `ms`, and the events until then.
fn seen(plan: &Plan, ms: f64) -> (Vec<Vec<u64>>, Vec<String>) {
    let mut going = Going::new(plan, 0, 8);
    going.to(plan, plan.duration.ms());
    let asked = |p: &&usize| {
        ["clamp.vc.current", "contact.cleft.glutamate", "contact.receptor.ampa.C0"]
            .contains(&plan.probes[**p].path.as_str())
    };
    let probes: Vec<usize> = (0..plan.probes.len()).collect();
    let mut all = Vec::new();
    for lane in 0..8 {
        for &p in probes.iter().filter(asked) {
            let upto = (ms / plan.probes[p].every.ms()).floor() as usize + 1;
            all.push(going.traces.samples(lane, p)[..upto].iter().map(|x| x.to_bits()).collect());
        }
    }
    let mut events: Vec<_> = going.events.iter().filter(|e| e.at.ms() < ms).map(|e| format!("{e:?}")).collect();
    events.sort();
    (all, events)
}

#[test]
fn a_schedule_that_changes_nothing_is_the_bath_to_the_bit() {
    for detail in ["kinetic", "mean"] {
        let text = text("60 ms", detail, RELEASING);
        let bath = plan_with(&text, &["drug.cnqx = { use = \"drug/cnqx\", bath = \"0.3 uM\" }"]);
        let schedule = "drug.cnqx = { use = \"drug/cnqx\", schedule = { times = [\"0 s\", \"10 ms\", \"20 ms\"], baths = [\"0.3 uM\", \"300 nM\", \"0.3 uM\"], exchange = \"5 ms\" } }";
        assert_eq!(seen(&bath, 60.0), seen(&plan_with(&text, &[schedule]), 60.0), "{detail}");
        let never = "drug.cnqx = { use = \"drug/cnqx\", schedule = { times = [\"0 s\", \"10 ms\"], baths = [\"0 uM\", \"0 uM\"] } }";
        assert_eq!(seen(&plan_with(&text, &[]), 60.0), seen(&plan_with(&text, &[never]), 60.0), "{detail}");
    }
}

/// Dosed at zero so far: not one draw differs, nor any bit of what is recorded. The switch lies in silence, or just after an
/// action potential, when the cleft has run ahead.
#[test]
fn before_it_comes_a_drug_changes_no_bit() {
    for detail in ["kinetic", "mean"] {
        for at in ["60 ms", "12 ms", "40.75 ms", "93 ms"] {
            let text = text("120 ms", detail, RELEASING);
            let t1: f64 = at.trim_end_matches(" ms").parse().expect("a number");
            let bare = plan_with(&text, &[]);
            for drug in ["cnqx", "cadmium", "memantine", "dl_tboa"] {
                let late = format!(
                    "drug.it = {{ use = \"drug/{drug}\", schedule = {{ times = [\"0 s\", \"{at}\"], baths = [\"0 uM\", \"100 uM\"], exchange = \"3 ms\" }} }}"
                );
                let dosed = plan_with(&text, &[&late]);
                assert!(dosed.later.len() > 5, "{}", dosed.later.len());
                let (a, b) = (seen(&bare, t1), seen(&dosed, t1));
                assert!(a == b, "{drug} from {at}, {detail}");
                assert!(a.1.len() >= 2, "{:?}", a.1);
            }
            let other = plan_with(&text, &[&LATE.replace("60 ms", at)]);
            assert_ne!(seen(&bare, 120.0), seen(&other, 120.0), "the twin: afterwards it does, {at}");
        }
    }
}

/// A state's share in a scheme at rest, over time: `theta' = k_on c(t) (1 - theta) - k_off theta`, in steps so small that
/// they are exact, for c(t) as the exchange has it.
fn bound(times: &[f64], baths: &[f64], exchange: f64, (k_on, k_off): (f64, f64), at: f64) -> f64 {
    let mut c = baths[0];
    let (mut theta, h) = (c * k_on / c.mul_add(k_on, k_off), 0.01);
    let steps = (at / h).round() as usize;
    for k in 0..steps {
        let t = (k as f64 + 0.5) * h;
        let bath = baths[times.iter().filter(|s| **s <= t).count() - 1];
        let slope = |c: f64, x: f64| c * k_on * (1.0 - x) - k_off * x;
        let half = (c - bath).mul_add(math::exp(-0.5 * h / exchange), bath);
        let next = (c - bath).mul_add(math::exp(-h / exchange), bath);
        let a = slope(c, theta);
        let b = slope(half, 0.5f64.mul_add(h * a, theta));
        let d = slope(half, 0.5f64.mul_add(h * b, theta));
        let e = slope(next, h.mul_add(d, theta));
        theta += h / 6.0 * (a + 2.0 * b + 2.0 * d + e);
        c = next;
    }
    theta
}

/// The largest deviation of `C0` of a receptor from what the exact law has, as a share of all receptors.
fn deviation(drug: &str, receptor: &str, (k, sites): ((f64, f64), i32), error: f64) -> f64 {
    let (times, baths, exchange) = ([0.0, 100.0, 1100.0], [0.0, 3e-3, 0.0], 150.0);
    let text = format!(
        "{WORLD}{CONTACT}{RELEASING}
duration = \"2 s\"
trials = 1
synapse.contact.detail = \"mean\"
cell.sender.times = [\"3 s\"]
drug.it = {{ use = \"drug/{drug}\", schedule = {{ times = [\"0 s\", \"100 ms\", \"1100 ms\"], baths = [\"0 uM\", \"3 uM\", \"0 uM\"], exchange = \"150 ms\", error = {error} }} }}
probe.own = {{ read = \"contact.receptor.{receptor}.C0\", every = \"5 ms\" }}
"
    )
    .replace("cell.sender.times = [\"10 ms\", \"40 ms\", \"90 ms\"]\n", "");
    let (c, work) = ran(plan_with(&text, &[]));
    let p = probe(&c, &format!("contact.receptor.{receptor}.C0"));
    let p = if p.every == 5.0 { p } else { c.probes.iter().rfind(|q| q.path == p.path && q.every == 5.0).expect("it") };
    let all = p.mean[0];
    // Nothing happens but the drug: hardly a step of the membrane.
    assert!(work.neuron_steps < 4_000, "{work:?}");
    let off = |ms: f64| {
        let free = 1.0 - bound(&times, &baths, exchange, k, ms);
        (p.mean[(ms / 5.0).round() as usize] / all - math::powi(free, sites)).abs()
    };
    (1..40).map(|n| off(f64::from(n) * 50.0)).fold(0.0, f64::max)
}

#[test]
fn occupancy_follows_exchange_and_binding() {
    // CNQX at the two sites of an AMPA receptor, 10 /mM/ms and 3 /s; ketamine, picrotoxin and the like need open channels.
    let cnqx = |error| deviation("cnqx", "ampa", ((10.0, 3e-3), 2), error);
    let [coarse, middle, fine] = [0.4, 0.1, 0.02].map(cnqx);
    assert!(fine < 1e-3 && fine < middle && middle < coarse, "{coarse} {middle} {fine}");
    assert!(coarse > 5.0 * fine, "{coarse} {fine}");
    // D-AP5 at the NMDA receptor: two sites, 10 /mM/ms and 14 /s.
    let fine = deviation("d_ap5", "nmda", ((10.0, 14e-3), 2), 0.02);
    assert!(fine < 2e-3, "{fine}");
    // The twin: with one site there, or another rate, it would be seen.
    assert!(deviation("cnqx", "ampa", ((10.0, 3e-3), 1), 0.1) > 0.02);
    assert!(deviation("cnqx", "ampa", ((10.0, 4e-3), 2), 0.1) > 0.02);
}

/// Long after a change the synapse is what it would be if it had always been so.
#[test]
fn long_after_a_change_all_is_as_if_it_had_always_been_so() {
    let text = |drug: &str| {
        format!(
            "{WORLD}{CONTACT}{CERTAIN}
duration = \"12 s\"
trials = 1
synapse.contact.detail = \"mean\"
cell.sender.times = [\"1 s\", \"5.5 s\", \"11.9 s\"]
{drug}
"
        )
        .replace("cell.sender.times = [\"10 ms\", \"40 ms\", \"90 ms\"]\n", "")
    };
    let peaks = |drug: &str| {
        let c = run_with(&text(drug), &[]);
        let p = probe(&c, "clamp.vc.current");
        [1000.0, 5500.0, 11900.0]
            .map(|at| p.mean[(at / p.every) as usize..][..1200].iter().copied().fold(0.0, f64::min))
    };
    let bare = peaks("");
    let bath = peaks("drug.cnqx = { use = \"drug/cnqx\", bath = \"1 uM\" }");
    let washed = peaks(
        "drug.cnqx = { use = \"drug/cnqx\", schedule = { times = [\"0 s\", \"2 s\", \"6 s\"], baths = [\"0 uM\", \"1 uM\", \"0 uM\"], exchange = \"200 ms\" } }",
    );
    println!("{bare:?} {bath:?} {washed:?}");
    assert!(off(bath[1], bare[1]) > 0.3, "{bare:?} {bath:?}");
    assert_eq!(washed[0].to_bits(), bare[0].to_bits());
    assert!(off(washed[1], bath[1]) < 1e-3, "{washed:?} {bath:?}");
    assert!(off(washed[2], bare[2]) < 1e-3, "{washed:?} {bare:?}");
}

/// What sits in a shut channel stays; what sits at a site comes off at its rate.
#[test]
fn a_trapped_blocker_stays_and_an_antagonist_leaves() {
    let text = format!(
        "{WORLD}{CONTACT}{CERTAIN}
duration = \"8 s\"
trials = 1
synapse.contact.detail = \"mean\"
cell.sender.times = [\"1 s\", \"1.02 s\", \"1.04 s\", \"1.06 s\", \"1.08 s\"]
clamp.vc.hold = \"-40 mV\"
drug.memantine = {{ use = \"drug/memantine\", schedule = {{ times = [\"0 s\", \"0.5 s\", \"2 s\"], baths = [\"0 uM\", \"100 uM\", \"0 uM\"], exchange = \"50 ms\" }} }}
drug.cnqx = {{ use = \"drug/cnqx\", schedule = {{ times = [\"0 s\", \"0.5 s\", \"2 s\"], baths = [\"0 uM\", \"10 uM\", \"0 uM\"], exchange = \"50 ms\" }} }}
probe.ampa = {{ read = \"contact.receptor.ampa.C0\", every = \"10 ms\" }}
probe.nmda = {{ read = \"contact.receptor.nmda.C0\", every = \"10 ms\" }}
"
    )
    .replace("cell.sender.times = [\"10 ms\", \"40 ms\", \"90 ms\"]\n", "")
    .replace("clamp.vc = { at = \"receiver.soma\", hold = \"-70 mV\" }\n", "clamp.vc.at = \"receiver.soma\"\n")
    .replace("probe.shut = { read = \"contact.receptor.ampa.C0\" }\n", "");
    let (c, work) = ran(plan_with(&text, &[]));
    println!("{work:?}");
    let (ampa, nmda) = (probe(&c, "contact.receptor.ampa.C0"), probe(&c, "contact.receptor.nmda.C0"));
    let held = |p: &bouton::recording::Probe, ms: f64| 1.0 - at(p, ms) / at(p, 0.0);
    assert!(held(nmda, 900.0) < 1e-9, "nothing is open, so nothing is blocked");
    // By 6 s what was open or desensitised has come back; memantine on an open channel would be gone by half in 1.3 s.
    let (early, late) = (held(nmda, 6000.0), held(nmda, 7900.0));
    println!("trapped {:?} {early} {late}", held(nmda, 3500.0));
    assert!(early > 0.05 && (late - early).abs() < 1e-5, "{early} {late}");
    // CNQX: a share theta at each of two sites, falling with 3 /s.
    let theta = |ms: f64| 1.0 - (1.0 - held(ampa, ms)).sqrt();
    let ratio = theta(4000.0) / theta(3000.0);
    assert!(theta(1900.0) > 0.9 && off(ratio, math::exp(-3.0)) < 0.01, "{} {ratio}", theta(1900.0));
}

#[test]
fn cadmium_stops_release_for_as_long_as_it_is_there() {
    let text = format!(
        "{WORLD}{CONTACT}{RELEASING}
duration = \"3.2 s\"
trials = 32
cell.sender.times = [\"0.1 s\", \"0.9 s\", \"3 s\"]
drug.cd = {{ use = \"drug/cadmium\", schedule = {{ times = [\"0 s\", \"0.2 s\", \"1 s\"], baths = [\"0 uM\", \"200 uM\", \"0 uM\"], exchange = \"60 ms\" }} }}
"
    )
    .replace("cell.sender.times = [\"10 ms\", \"40 ms\", \"90 ms\"]\n", "");
    let (c, work) = ran(plan_with(&text, &[]));
    println!("{work:?}");
    let count =
        |from: f64| fusions(&c, "contact").iter().flatten().filter(|t| (from..from + 10.0).contains(*t)).count();
    assert!(
        count(100.0) > 5 && count(900.0) == 0 && count(3000.0) > 5,
        "{} {} {}",
        count(100.0),
        count(900.0),
        count(3000.0)
    );
}

/// A gate of a membrane: spikes before, none when sodium channels are plugged, and the same bits until then.
#[test]
fn tetrodotoxin_silences_a_cell_when_it_comes() {
    let text = r#"
temperature = "6.3 degC"
duration = "2 s"
trials = 1
cell.axon.use = "neuron/hh1952_squid"
clamp.a = { at = "axon.soma", current = "1 nA", start = "50 ms", stop = "51 ms" }
clamp.b = { at = "axon.soma", current = "1 nA", start = "1.9 s", stop = "1.901 s" }
probe.v = { read = "axon.soma.v_m" }
"#;
    let drug = "drug.ttx = { use = \"drug/tetrodotoxin\", schedule = { times = [\"0 s\", \"100 ms\"], baths = [\"0 uM\", \"3 uM\"], exchange = \"100 ms\" } }";
    let (bare, with) = (run_with(text, &[]), run_with(text, &[drug]));
    let v = |c: &bouton::recording::Condition| probe(c, "axon.soma.v_m").trials[0].1.clone();
    let (bare, with) = (v(&bare), v(&with));
    let upto = (100.0 / 0.025) as usize;
    assert!(bare[..=upto].iter().zip(&with).all(|(a, b)| a.to_bits() == b.to_bits()));
    let most = |v: &[f64], from: f64| v[(from / 0.025) as usize..].iter().take(800).copied().fold(f64::MIN, f64::max);
    assert!(most(&bare, 1900.0) > 20.0 && most(&with, 50.0) > 20.0, "{} {}", most(&bare, 1900.0), most(&with, 50.0));
    assert!(most(&with, 1900.0) < 0.0, "{}", most(&with, 1900.0));
}

#[test]
fn threads_and_cuts_change_no_bit() {
    for detail in ["kinetic", "mean"] {
        let plan = plan_with(&text("150 ms", detail, RELEASING), &[LATE]);
        let numbers = |threads| {
            let plans = std::slice::from_ref(&plan);
            let done = run(plans, "", threads, &Progress::default(), &Cancel::new()).expect("a good run");
            let bits = |p: &bouton::recording::Probe| p.mean.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let c = &done.recording.conditions[0];
            (c.probes.iter().map(bits).collect::<Vec<_>>(), c.events.clone(), done.work)
        };
        assert_eq!(numbers(1), numbers(2));
        let mut whole = Going::new(&plan, 0, 8);
        whole.to(&plan, 150.0);
        let first = plan.later[0].0.ms();
        for at in [10.0, first - 0.025, first, first + 0.025, plan.later[3].0.ms(), 75.0, 93.0, 149.0] {
            let mut parts = Going::new(&plan, 0, 8);
            parts.to(&plan, at);
            let bytes = snapshot::save(7, &parts.batch).expect("saved");
            parts.batch = snapshot::load::<Batch>(7, &bytes).expect("loaded");
            parts.scratch = Scratch::new(&plan);
            parts.to(&plan, 150.0);
            assert_eq!(parts.events, whole.events, "cut at {at} ms");
            for (lane, p) in (0..8).flat_map(|lane| (0..plan.probes.len()).map(move |p| (lane, p))) {
                let (a, b) = (parts.traces.samples(lane, p), whole.traces.samples(lane, p));
                let same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{} of trial {lane}, cut at {at} ms, {detail}", plan.probes[p].path);
            }
            let [a, b] = [&parts.batch, &whole.batch].map(|batch| snapshot::save(7, batch).expect("saved"));
            assert!(a == b, "the state, cut at {at} ms, {detail}");
        }
    }
}

/// E -> EI with k_on c(t), and back: exact for a bath that comes at once and goes at once.
#[test]
fn an_enzyme_is_inactivated_for_as_long_as_the_drug_is_there() {
    let text = format!(
        "{WORLD}
duration = \"30 s\"
trials = 1
detail = \"mean\"
cell.nerve.times = [\"40 s\"]
cell.fibre.membrane.area = \"100 um2\"
cell.fibre.channel.leak = {{ use = \"channel/leak\", density = \"0.05 mS/cm2\", reversal = \"-90 mV\" }}
synapse.end_plate.from = \"nerve.axon\"
synapse.end_plate.to = \"fibre.soma\"
synapse.end_plate.use = \"synapse/neuromuscular_junction\"
synapse.end_plate.without = [\"terminal.sensor\", \"terminal.channel\"]
drug.it = {{ use = \"drug/paraoxon\", schedule = {{ times = [\"0 s\", \"5 s\", \"20 s\"], baths = [\"0 uM\", \"2 uM\", \"0 uM\"] }} }}
probe.e = {{ read = \"end_plate.clearance.ache.E\", every = \"1 s\" }}
"
    );
    let left = |sets: &[&str]| {
        let c = run_with(&text, sets);
        let p = c.probes.iter().find(|p| p.path.ends_with(".E")).expect("it");
        [4, 20, 29].map(|s| p.mean[s])
    };
    // 3.7e4 /M/s of 2 uM for 15 s; reactivation and aging at 6.2e-6 /s each do next to nothing.
    let rate = 3.7e4 * 2e-6;
    let [before, after, late] = left(&[]);
    let want = model::pharmacology::remaining(rate, 6.2e-6, 6.2e-6, 15.0);
    println!("{before} {after} {late} {want}");
    assert!((before - 1.0).abs() < 1e-12 && (after - want).abs() < 1e-3, "{before} {after} {want}");
    assert!((late - after).abs() < 2e-4, "{after} {late}");
    // Carbaryl reactivates at 3.85e-4 /s.
    let carbaryl = "drug.it.use = \"drug/carbaryl\"";
    let [_, after, late] = left(&[carbaryl, "drug.it.schedule.baths = [\"0 uM\", \"400 uM\", \"0 uM\"]"]);
    let want = model::pharmacology::remaining(313.0 * 400e-6, 3.85e-4, 0.0, 15.0);
    let back = 1.0 - (1.0 - want) * math::exp(-3.85e-4 * 9.0);
    println!("{after} {want} {late} {back}");
    assert!((after - want).abs() < 1e-3 && (late - back).abs() < 1e-3, "{after} {want} {late} {back}");
}

#[test]
fn a_bath_that_never_comes_is_a_warning_and_too_many_levels_are_an_error() {
    let catalogue = model::catalogue::Catalogue::embedded();
    let said = |duration: &str, more: &str| {
        let exact = LATE.replace("\"20 ms\"", "\"20 ms\", error = 0.002");
        let text = format!("{}{exact}\n{more}", text(duration, "mean", RELEASING));
        let outcome = model::resolve::model("model.toml", text.into(), &catalogue);
        (outcome.diagnostics.has_errors(), outcome.diagnostics.render(&outcome.sources, false))
    };
    let (wrong, words) = said("50 ms", "");
    assert!(!wrong && words.contains("changes its bath at 60 ms, and a trial ends at 50 ms"), "{words}");
    let sweep = "[sweep.c]\npath = \"solution.bath.ca\"\nvalues = [\"1 mM\", \"2 mM\", \"3 mM\"]\n";
    let (wrong, words) = said("400 ms", sweep);
    assert!(!wrong, "{words}");
    let many: Vec<String> = (1..60).map(|k| format!("\"{k} mM\"")).collect();
    let (wrong, words) = said("400 ms", &sweep.replace("\"1 mM\", \"2 mM\", \"3 mM\"", &many.join(", ")));
    assert!(wrong && words.contains("would take more than 10000 levels"), "{words}");
}
