//! A sweep run: conditions that share their luck, and the numbers against what was swept, for a reader.

mod common;

use bouton::recording::manifest::{Manifest, Run};
use bouton::recording::{Recording, summary};
use bouton::report;
use bouton::simulation::{Cancel, Progress, run};
use common::*;
use model::catalogue::Catalogue;

const IV: &str = r#"
duration = "20 ms"
trials = 8
detail = "mean"
cell.sender.times = ["2 ms"]
synapse.contact.without = ["spine", "receptor.nmda"]
synapse.contact.terminal.channel.pq.distance = "30 nm"
clamp.somatic = { at = "receiver.soma", hold = "-70 mV" }
measure.epsc = { of = "clamp.somatic.current", take = ["amplitude"] }
probe.current = { read = "clamp.somatic.current" }
[sweep.iv]
path = "clamp.somatic.hold"
values = ["-100 mV", "-80 mV", "-60 mV", "-40 mV", "-20 mV", "20 mV", "40 mV", "60 mV", "80 mV", "100 mV"]
"#;

fn ran(text: &str) -> (Recording, String) {
    let catalogue = Catalogue::embedded();
    let plans = plans_of(&catalogue, text, &[]);
    // The file as it stands is not run where there are conditions.
    let recording = run(&plans[1..], "", 2, &Progress::default(), &Cancel::new()).expect("a good run").recording;
    let resolved = model::resolve::model("m.toml", text.into(), &catalogue).resolved;
    let manifest = Manifest {
        version: "0".into(),
        model_name: "m.toml".into(),
        model_text: text.into(),
        seed: 1,
        trials: None,
        overrides: Vec::new(),
        catalogues: Vec::new(),
        entries: std::collections::BTreeMap::new(),
        morphologies: std::collections::BTreeMap::new(),
        run: Run { wall_seconds: 0.0, started: None, machine: "none".into() },
    };
    let page = report::html(&recording, &resolved[1..], &catalogue, &manifest);
    (recording, page)
}

/// Without NMDA receptors, and means read, the current goes through zero on a straight line.
#[test]
fn an_iv_curve_is_one_line_of_a_model_and_ten_conditions_of_one_luck() {
    let (recording, page) = ran(&format!("{WORLD}{ON_POINT}{IV}"));
    let all = &recording.conditions;
    assert_eq!(all.len(), 10);
    assert!(all.iter().all(|c| c.events == all[0].events) && all[0].events.len() > 8, "the same vesicles fuse");
    let of = |k: usize| summary(&all[k].measures[0]).mean;
    let slope = of(9) / 100.0;
    for (k, hold) in [-100.0, -80.0, -60.0, -40.0, -20.0, 20.0, 40.0, 60.0, 80.0, 100.0].into_iter().enumerate() {
        println!("{hold} mV: {:.4} pA, {:.5} of the line", of(k), of(k) / (slope * hold));
        assert!(off(of(k), slope * hold) < 0.02, "{hold} mV");
    }
    let table = report::terminal_summary(&recording);
    println!("{table}");
    assert!(table.contains("iv: epsc.amplitude against clamp.somatic.hold") && table.lines().count() < 40, "{table}");
    assert!(table.lines().all(|l| l.chars().count() <= 100));
    assert!(page.contains("Each dot is a condition of sweep iv") && page.contains("clamp.somatic.hold (mV)"));
    // The twin: named conditions are told one by one, and have no such figure.
    let conditions = "[condition.a]\nclamp.somatic.hold = \"-80 mV\"\n[condition.b]\nclamp.somatic.hold = \"40 mV\"\n";
    let text = format!("{WORLD}{ON_POINT}{}{conditions}", IV.split("[sweep").next().expect("a model"));
    let (recording, page) = ran(&text);
    assert!(!page.contains("Each dot is a condition"));
    assert!(!report::terminal_summary(&recording).contains("against clamp"));
}
