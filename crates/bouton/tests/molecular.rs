//! The molecular level of model files: it agrees with the others where it must, adds up, and is the same whoever computes it.

mod common;

use bouton::comparison::{Comparison, Level, Verdict, What, plan};
use bouton::film;
use bouton::simulation::{Cancel, Detail, Progress, run};
use common::{CERTAIN, CLAMPED, Going, ON_POINT, RELEASING, WORLD, plan_with, probe, ran};
use model::catalogue::Catalogue;
use model::diagnostic::Diagnostics;

const SHORT: &str = "duration = \"8 ms\"\ncell.sender.times = [\"1 ms\"]\n";

fn level(text: &str, sets: &[&str], level: Detail, trials: u64) -> Level {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let outcome = model::resolve::model_with("model.toml", text.into(), &sets, &Catalogue::embedded());
    assert!(!outcome.diagnostics.has_errors(), "{}", outcome.diagnostics.render(&outcome.sources, false));
    let mut faults = Diagnostics::default();
    let plan = plan(&outcome.resolved[0], level, trials, &mut faults).expect("a plan");
    let outcome = run(&[plan], "", 2, &Progress::default(), &Cancel::new()).expect("a good run");
    Level { level, condition: outcome.recording.conditions.into_iter().next().expect("a condition"), seconds: 0.0 }
}

#[test]
fn levels_agree_and_a_wider_cleft_does_not() {
    // One vesicle of 3000 molecules and its AMPA receptors: no ratio beyond its tolerance and five errors. Twin: the cleft of the
    // other level is a tenth wider.
    let text = format!("{WORLD}{ON_POINT}{CERTAIN}{CLAMPED}{SHORT}seed = 3\n");
    let molecular = level(&text, &[], Detail::Molecular, 320);
    let agree = Comparison::new(vec![molecular.clone(), level(&text, &[], Detail::Kinetic, 320)]);
    println!("{}", agree.terminal());
    assert!(agree.agrees());
    let all = agree.quantities.iter().filter(|q| q.ratios[1].is_some()).count();
    assert_eq!(all, 4 * 4 + 2, "four numbers of four traces, and two variances");
    let with_mean = Comparison::new(vec![molecular.clone(), level(&text, &[], Detail::Mean, 320)]);
    println!("{}", with_mean.terminal());
    assert!(with_mean.agrees());
    let wider = level(&text, &["synapse.contact.cleft.height = \"22 nm\""], Detail::Mean, 320);
    let differ = Comparison::new(vec![molecular, wider]);
    let peak =
        differ.quantities.iter().find(|q| q.path.ends_with("glutamate") && q.what == What::Peak).expect("a peak");
    assert_eq!(peak.ratios[1].map(|r| r.1), Some(Verdict::Differ));
    assert!(!differ.agrees());
}

#[test]
fn every_molecule_is_somewhere_and_threads_change_no_bit() {
    let text = format!("{WORLD}{ON_POINT}{RELEASING}{CLAMPED}{SHORT}seed = 5\ntrials = 16\n");
    let sets = [
        "detail = \"molecular\"",
        "space.ecs.resting.glutamate = \"50 nM\"",
        "probe.c.read = \"contact.cleft.glutamate\"",
    ];
    let once = |threads| {
        let plan = plan_with(&text, &sets);
        run(&[plan], "", threads, &Progress::default(), &Cancel::new()).expect("a good run").recording
    };
    let (one, two) = (once(1), once(2));
    // NaN stands for what a failure has not.
    assert!(format!("{one:?}") == format!("{two:?}"), "two threads give other numbers than one");
    let c = &one.conditions[0];
    assert!(c.facts.iter().any(|f| f.key == "contact.bound" && f.value > 0.0));
    let mut going = Going::new(&plan_with(&text, &sets), 0, 8);
    let plan = plan_with(&text, &sets);
    let mut split = Going::new(&plan, 0, 8);
    going.to(&plan, 8.0);
    for ms in [0.5, 1.1, 1.125, 3.0] {
        split.to(&plan, ms);
        // A snapshot goes on as the trial itself.
        let bytes = engine::snapshot::save(1, &split.batch).expect("a snapshot");
        split.batch = engine::snapshot::load(1, &bytes).expect("a batch");
    }
    split.to(&plan, 8.0);
    let bytes = |g: &Going| engine::snapshot::save(1, &g.batch).expect("a snapshot");
    assert!(bytes(&going) == bytes(&split), "a trial that was cut ends elsewhere");
    let mut released = 0;
    for (_, budget) in going.batch.budgets(&plan) {
        assert!(budget.defect() < 1e-12, "{budget:?}");
        released += u32::from(budget.released > 0.0);
    }
    assert!(released > 0);
}

#[test]
fn receptors_lie_where_they_are_put() {
    // All in the middle see more than all at the rim; clusters of 10 nm in the middle as many.
    let text = format!("{WORLD}{ON_POINT}{CERTAIN}{CLAMPED}{SHORT}detail = \"molecular\"\ntrials = 96\n");
    let text = format!("{text}probe.open = {{ read = \"contact.receptor.ampa.open\", every = \"25 us\" }}\n");
    let list = |x: f64, n: usize| format!("[{}]", vec![format!("\"{x} nm\""); n].join(", "));
    let peak_of = |x: f64| {
        let sets = [
            format!("synapse.contact.receptor.ampa.x = {}", list(x, 60)),
            format!("synapse.contact.receptor.ampa.y = {}", list(0.0, 60)),
        ];
        let c = ran(plan_with(&text, &[sets[0].as_str(), sets[1].as_str()])).0;
        probe(&c, "contact.receptor.ampa.open").mean.iter().copied().fold(0.0, f64::max)
    };
    let (middle, rim) = (peak_of(5.0), peak_of(110.0));
    let clustered = {
        let c = ran(plan_with(
            &text,
            &[
                "synapse.contact.receptor.ampa.count = 60",
                "synapse.contact.receptor.ampa.radius = \"80 nm\"",
                "synapse.contact.receptor.ampa.clusters = 2",
                "synapse.contact.receptor.ampa.cluster_spread = \"10 nm\"",
            ],
        ))
        .0;
        probe(&c, "contact.receptor.ampa.open").mean.iter().copied().fold(0.0, f64::max)
    };
    println!("open of 60: {middle} in the middle, {clustered} in clusters, {rim} at the rim");
    assert!(middle > clustered && clustered > rim && middle > 1.2 * rim);
}

#[test]
fn pictures_show_the_molecules_that_there_are() {
    // Maps of densities against the counted concentration of the same trials, and a frame for each 5 us.
    let text = format!("{WORLD}{ON_POINT}{CERTAIN}{CLAMPED}{SHORT}detail = \"molecular\"\ntrials = 24\n");
    let text = format!("{text}probe.c = {{ read = \"contact.cleft.glutamate\", every = \"5 us\" }}\n");
    let sets = ["synapse.contact.receptor.ampa.radius = \"0.25 um\"", "synapse.contact.cleft.radius = \"0.25 um\""];
    let seen = film::seen(plan_with(&text, &sets)).expect("pictures");
    let [one] = &seen[..] else { panic!("{} clefts", seen.len()) };
    assert_eq!((one.trials, one.moments.len(), one.outline.radius), (24, 4, 0.25));
    let c = ran(plan_with(&text, &sets)).0;
    let fused = c.events[0].at;
    let side = 2.0 * one.outline.radius / film::ACROSS as f64;
    for (at, map) in &one.moments {
        // Squares within the disc alone, whose share of it is all of them.
        let inner: Vec<f64> = (0..map.len())
            .filter(|k| {
                let [x, y] = [k % film::ACROSS, k / film::ACROSS].map(|i| (i as f64 + 0.5) * side - one.outline.radius);
                x.hypot(y) < one.outline.radius - side
            })
            .map(|k| map[k])
            .collect();
        let mean = inner.iter().sum::<f64>() / inner.len() as f64;
        let counted = probe(&c, "contact.cleft.glutamate").mean[((fused + at) / 0.005).ceil() as usize];
        println!("{at} ms: {mean} mM on the map, {counted} counted on all of the disc");
        assert!(mean >= counted * 0.98 && mean < 1.25 * counted + 1e-3);
    }
    assert!(one.open.1.iter().any(|r| r.open) && one.open.1.iter().any(|r| !r.bound));
    let films = film::films(plan_with(&text, &sets)).expect("films");
    let [film] = &films[..] else { panic!("{} films", films.len()) };
    assert!(film.frames.windows(2).all(|f| (f[1].at - f[0].at - 0.005).abs() < 1e-9));
    assert_eq!(film::movie(film).matches("<g visibility").count(), film.frames.len());
    assert!(film::frame(film, 0).starts_with("<svg") && film.frames[0].molecules.len() <= 3000);
}
