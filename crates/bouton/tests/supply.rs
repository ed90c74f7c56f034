//! Vesicles that are filled and choline that is used again, in whole synapses.

mod common;

use bouton::recording::Condition;
use bouton::simulation::{Cancel, Plan, Progress, run};
use common::{CLAMPED, Going, WORLD, at, fusions, plan_with, plans_of, probe, ran, run_with};
use engine::snapshot;
use model::catalogue::Catalogue;

/// A zone of the neuromuscular junction near its channels, so that much is released in little time.
const JUNCTION: &str = r#"
detail = "mean"
numerics = { step = "0.1 ms", slot = "20 us", tolerance = 0.01 }
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "100 um2" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.contact.from = "sender.axon"
synapse.contact.to   = "receiver.soma"
synapse.contact.cleft.lumped = true
synapse.contact.terminal.channel.pq.distance = "15 nm"
synapse.contact.terminal.channel.pq.count = 6
synapse.contact.terminal.pools = { priming = "20 /s", refill = "2 /s", endocytosis = "2 /s", reserve = 20 }
"#;

const CHOLINE: &str = "synapse.contact.use = \"synapse/neuromuscular_junction_choline\"\n";

fn train(count: u32) -> String {
    format!(
        "duration = \"{} ms\"\ncell.sender.train = {{ start = \"10 ms\", rate = \"20 /s\", count = {count} }}\n",
        50 * count + 50
    )
}

fn fact(c: &Condition, key: &str) -> f64 {
    let found = c.facts.iter().find(|f| f.key == format!("contact.{key}"));
    found.unwrap_or_else(|| panic!("no fact `{key}`")).value
}

/// Every molecule of acetylcholine and choline is somewhere, in every trial, zone and moment; a run cut anywhere, saved and
/// loaded, has the same bits.
#[test]
fn books_close_and_a_cut_shows_in_no_bit() {
    let plan = plan_with(&format!("{WORLD}{JUNCTION}{CHOLINE}{}synapse.contact.zones = 2\n", train(30)), &[]);
    let mut whole = Going::new(&plan, 0, 4);
    whole.to(&plan, 1550.0);
    let mut cut = Going::new(&plan, 0, 4);
    for t in [0.1, 10.3, 11.0, 433.3, 900.0, 1111.1, 1550.0] {
        cut.to(&plan, t);
        for lane in 0..4 {
            for (s, synapse) in plan.synapses.iter().enumerate() {
                let defect = cut.batch.contact(lane, s).supply_defect(synapse);
                assert!(defect < 1e-12, "{defect:e} at {t} ms");
            }
        }
        let bytes = snapshot::save(1, &cut.batch).expect("a state");
        cut.batch = snapshot::load(1, &bytes).expect("a state");
    }
    assert!(cut.fused() > 60, "{}", cut.fused());
    assert_eq!(snapshot::save(1, &cut.batch).unwrap(), snapshot::save(1, &whole.batch).unwrap());
}

/// What vesicles hold changes nothing of when they fuse, and with full vesicles nothing at all at first.
#[test]
fn release_does_not_feel_what_vesicles_hold() {
    let text = |recipe: &str| format!("{WORLD}{JUNCTION}synapse.contact.use = \"{recipe}\"\n{}trials = 8\n", train(20));
    let plain = run_with(&text("synapse/neuromuscular_junction"), &[]);
    let supplied = run_with(&text("synapse/neuromuscular_junction_choline"), &[]);
    assert_eq!(fusions(&plain, "contact"), fusions(&supplied, "contact"));
    assert!(plain.facts.iter().all(|f| !f.key.contains("quantum") && !f.key.contains("recaptured")));
    assert!(fact(&supplied, "quantum_last") < fact(&supplied, "quantum_first"));
}

fn drugged(drug: &str) -> Condition {
    let drug =
        if drug.is_empty() { String::new() } else { format!("drug.it = {{ use = \"{drug}\", bath = \"10 uM\" }}\n") };
    let probes = "probe.choline = { read = \"contact.terminal.precursor_outside\", every = \"1 ms\" }\n";
    let small = "synapse.contact.terminal.supply.filling.tau = \"1 s\"\n\
                 synapse.contact.terminal.supply.precursor.count = 8000\n\
                 synapse.contact.terminal.supply.precursor.synthesis = \"10 /s\"\n";
    run_with(
        &format!("{WORLD}{JUNCTION}{CHOLINE}{}trials = 4\n{drug}{probes}", train(150)),
        &small.lines().collect::<Vec<_>>(),
    )
}

/// Hemicholinium-3 lets quanta shrink, vesamicol more so; neither changes release.
#[test]
fn blocked_on_its_way_back_quanta_shrink() {
    let (control, no_choline, no_filling) = (drugged(""), drugged("drug/hemicholinium_3"), drugged("drug/vesamicol"));
    let last = |c: &Condition| fact(c, "quantum_last") / 7000.0;
    println!("{} {} {}", last(&control), last(&no_choline), last(&no_filling));
    assert!(last(&control) > 1.3 * last(&no_choline), "{} {}", last(&control), last(&no_choline));
    assert!(last(&no_choline) > 1.3 * last(&no_filling), "{} {}", last(&no_choline), last(&no_filling));
    assert!(fact(&control, "recaptured") > 2.0 * fact(&no_choline, "recaptured"));
    assert_eq!(fusions(&control, "contact"), fusions(&no_choline, "contact"));
    let choline = probe(&no_choline, "contact.terminal.precursor_outside");
    assert!((at(choline, 0.0) - 0.01).abs() < 1e-12 && choline.mean.iter().all(|c| *c > 0.009));
    assert!(choline.mean.iter().fold(0.0, |most, c| f64::max(most, *c)) > 0.03);
    // What is recaptured and what is washed away is all of it, but for the last second's.
    let all = fact(&control, "recaptured") + fact(&control, "washed_away");
    assert!((85.0..=100.0).contains(&all), "{all}");
}

#[test]
fn threads_change_no_bit() {
    let text = format!(
        "{WORLD}{JUNCTION}{CHOLINE}{}trials = 20\nprobe.a = {{ read = \"contact.terminal.content\" }}\n",
        train(4)
    );
    let one = |threads| {
        let plans: Vec<Plan> = plans_of(&Catalogue::embedded(), &text, &[]);
        let done = run(&plans, "", threads, &Progress::default(), &Cancel::new()).expect("a good run");
        let c = &done.recording.conditions[0];
        let bits: Vec<u64> = probe(c, "contact.terminal.content").mean.iter().map(|x| x.to_bits()).collect();
        (bits, c.facts.iter().map(|f| f.value.to_bits()).collect::<Vec<_>>())
    };
    assert_eq!(one(1), one(2));
}

/// GABA that comes back through GAT-1 keeps the cytosol; what diffuses away is made up for by `restored`.
#[test]
fn gaba_comes_back_through_its_transporter() {
    let basket = r#"
detail = "mean"
numerics.step = "0.1 ms"
cell.receiver.membrane = { capacitance = "1 uF/cm2", area = "100 um2" }
cell.receiver.inside = { cl = "12 mM", hco3 = "8 mM" }
cell.receiver.channel.leak = { use = "channel/leak", density = "0.1 mS/cm2", reversal = "-70 mV" }
synapse.contact.from = "sender.axon"
synapse.contact.to   = "receiver.soma"
synapse.contact.use  = "synapse/gaba_basket"
synapse.contact.terminal.pools = { refill = "2 /s", endocytosis = "2 /s", priming = "10 /s", reserve = 0 }
probe.cytosol = { read = "contact.terminal.cytosol", every = "50 ms" }
trials = 4
"#;
    let last = |supply: &str| {
        let text = format!("{WORLD}{basket}{}synapse.contact.terminal.supply = {{ {supply} }}\n", train(60));
        let c = run_with(&text, &[]);
        (*probe(&c, "contact.terminal.cytosol").mean.last().unwrap(), fact(&c, "quantum_last"))
    };
    let filling = "cytosol = \"5 mM\", filling = { use = \"transporter/vgat\", tau = \"2 s\" }";
    let held = last(filling);
    let returned = last(&format!("{filling}, returns = [\"gat1\"]"));
    let restored = last(&format!("{filling}, returns = [\"gat1\"], restored = \"1 s\""));
    println!("{held:?} {returned:?} {restored:?}");
    assert!((held.0 - 5.0).abs() < 1e-12);
    assert!(returned.0 < restored.0 && restored.0 < 5.0, "{returned:?} {restored:?}");
    assert!(returned.1 < restored.1 && restored.1 < held.1 * 1.001, "{returned:?} {restored:?}");
}

/// A train is the list that it stands for.
#[test]
fn a_train_is_its_list() {
    let base = format!("{WORLD}{JUNCTION}{CHOLINE}duration = \"200 ms\"\n");
    let of = |sender: &str| ran(plan_with(&format!("{base}{sender}\n"), &[])).0.events;
    let list = of("cell.sender.times = [\"10 ms\", \"60 ms\", \"110 ms\"]");
    assert!(!list.is_empty());
    assert_eq!(list, of("cell.sender.train = { start = \"10 ms\", rate = \"20 /s\", count = 3 }"));
    assert_eq!(list, of("cell.sender.train = { start = \"10 ms\", interval = \"50 ms\", count = 3 }"));
}

/// What a well-mixed cleft is wrong by, one quantum at the junction: the fate of acetylcholine to 5 of 100, the decay of
/// the current to 1 of 100; its amplitude is a quarter, for the peak in front of the pore is not there.
#[test]
fn a_lumped_cleft_tells_the_fate_and_not_the_peak() {
    let one = |lumped: bool| {
        let text = format!(
            "{WORLD}{JUNCTION}{CLAMPED}synapse.contact.use = \"synapse/neuromuscular_junction\"\nduration = \"40 ms\"\n\
             cell.sender.times = [\"1 ms\"]\nsynapse.contact.terminal.molecules_cv = 0\n\
             synapse.contact.without = [\"terminal.sensor\", \"terminal.channel\"]\n\
             measure.epc = {{ of = \"contact.current\", take = [\"amplitude\", \"half_decay\"] }}\n"
        )
        .replace("synapse.contact.cleft.lumped = true", &format!("synapse.contact.cleft.lumped = {lumped}"))
        .replace("synapse.contact.terminal.channel.pq.distance = \"15 nm\"\n", "")
        .replace("synapse.contact.terminal.channel.pq.count = 6\n", "")
        .replace("tolerance = 0.01", "tolerance = 1e-4");
        let (c, work) = ran(plan_with(&text, &[]));
        let measured = |q: &str| c.measures.iter().find(|m| m.quantity == q).unwrap().values[0];
        (fact(&c, "taken_up.ache"), measured("half_decay"), measured("amplitude"), work.cleft_steps)
    };
    let (full, lumped) = (one(false), one(true));
    println!("{full:?} {lumped:?}");
    assert!((full.0 - lumped.0).abs() < 5.0 && full.0 > lumped.0);
    assert!((lumped.1 / full.1 - 1.0).abs() < 0.01);
    assert!((0.2..0.35).contains(&(lumped.2 / full.2)));
}

/// Vesamicol that comes after two seconds: nothing is other before, to the bit, and quanta shrink after.
#[test]
fn a_drug_of_the_supply_may_come_later() {
    let of = |drug: &str| {
        let probe = "probe.a = { read = \"contact.terminal.content\", every = \"50 ms\" }\n";
        let quick = "synapse.contact.terminal.supply.filling.tau = \"1 s\"\n";
        let text = format!("{WORLD}{JUNCTION}{CHOLINE}{}trials = 2\n{drug}{probe}{quick}", train(100));
        probe_of(&run_with(&text, &[]))
    };
    let control = of("");
    let later = of(
        "drug.it = { use = \"drug/vesamicol\", schedule = { times = [\"0 s\", \"2 s\"], baths = [\"0 uM\", \"10 uM\"] } }\n",
    );
    assert_eq!(control[..=40], later[..=40]);
    assert!(later[100] < 0.6 * control[100], "{} {}", later[100], control[100]);
}

fn probe_of(c: &Condition) -> Vec<f64> {
    probe(c, "contact.terminal.content").mean.clone()
}
