//! A cell recorded as a whole: its numbers are those of single probes, and its pictures show what they say.

mod common;

use bouton::recording::Recording;
use bouton::recording::feather;
use bouton::report;
use common::*;

const CELL: &str = r#"
title = "branches"
duration = "40 ms"
temperature = "34 degC"
detail = "mean"
cell.sender.times = ["15 ms"]
cell.c.membrane = { capacitance = "1 uF/cm2", axial_resistivity = "150 ohm cm" }
cell.c.section.soma = { diameter = "20 um", length = "20 um" }
cell.c.section.trunk = { on = "soma", diameter = "2 um", length = "200 um", compartments = 10 }
cell.c.section.left = { on = "trunk", diameter = "1 um", length = "200 um", compartments = 10 }
cell.c.section.right = { on = "trunk", diameter = "1 um", length = "200 um", compartments = 10 }
cell.c.channel.leak = { use = "channel/leak", density = "0.05 mS/cm2", reversal = "-70 mV" }
synapse.contact = { from = "sender.axon", to = "c.left(0.75)", conductance = { peak = "1 nS", decay = "2 ms", reversal = "0 mV" } }
probe.tree = { read = "c.v_m", every = "0.1 ms" }
probe.soma = { read = "c.soma.v_m", every = "0.1 ms" }
probe.tip = { read = "c.right(1).v_m", every = "0.1 ms" }
probe.near = { read = "c.left(0.75).v_m", every = "0.1 ms" }
"#;

#[test]
fn all_compartments_are_what_single_probes_see_asleep_and_awake() {
    let c = run_with(CELL, &[]);
    let tree = &c.trees[0];
    assert_eq!((tree.cell.as_str(), tree.samples(), tree.width()), ("c", 401, tree.parents.len()));
    assert!(tree.width() >= 31 && tree.geometry.pieces.len() == tree.width());
    let (name, contact) = &tree.synapses[0];
    assert_eq!(name, "contact");
    let last = |section: &str| {
        let k = tree.geometry.sections.iter().position(|s| s == section).unwrap();
        (0..tree.width())
            .rev()
            .find(|i| tree.geometry.pieces[*i].section == k && !tree.geometry.pieces[*i].points.is_empty())
    };
    for (path, k) in
        [("c.soma.v_m", 0), ("c.right(1).v_m", last("right").unwrap()), ("c.left(0.75).v_m", *contact as usize)]
    {
        let p = probe(&c, path);
        let all: Vec<f64> = (0..tree.samples()).map(|s| tree.at(s)[k]).collect();
        assert_eq!(all, p.mean, "{path}");
    }
    // The root, the trunk and the branch, but not the other branch.
    let way = tree.path(*contact);
    assert_eq!(way[0], *contact as usize);
    assert_eq!(*way.last().unwrap(), 0);
    let distances: Vec<f64> = way.iter().map(|k| tree.geometry.pieces[*k].distance).collect();
    assert!(distances.windows(2).all(|d| d[0] >= d[1]), "{distances:?}");
    // It is no probe: tables and figures of traces do not see it.
    assert!(c.probes.iter().all(|p| p.path != "c.v_m"));
}

#[test]
fn a_cell_in_space_is_drawn_with_units_and_without_nonsense() {
    let c = run_with(CELL, &[]);
    let (pieces, synapses) = (c.trees[0].geometry.pieces.iter().filter(|p| p.points.len() > 1).count(), 1);
    let recording = Recording { title: "branches".into(), conditions: vec![c], partial: None };
    let manifest = bouton::recording::manifest::Manifest {
        version: "0".into(),
        model_name: "m.toml".into(),
        model_text: String::new(),
        seed: 1,
        trials: None,
        overrides: Vec::new(),
        catalogues: Vec::new(),
        entries: Default::default(),
        morphologies: Default::default(),
        run: bouton::recording::manifest::Run { wall_seconds: 0.0, started: None, machine: String::new() },
    };
    let page = report::html(&recording, &[], &model::catalogue::Catalogue::embedded(), &manifest);
    let space = &page[page.find("<h2>The cell in space</h2>").expect("the section")..];
    let figures: Vec<&str> =
        space.split("<figure class=\"wide\">").skip(1).map(|f| f.split("</figure>").next().unwrap()).collect();
    assert_eq!(figures.len(), 2);
    for f in &figures {
        assert!(!f.contains("NaN") && !f.contains("inf"));
        for tag in ["svg", "g", "text", "figcaption"] {
            assert_eq!(f.matches(&format!("<{tag}")).count(), f.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(f.contains(">mV</text>"));
    }
    let moments = figures[0].matches("ms</text>").count();
    assert!((3..=4).contains(&moments), "{moments}");
    assert_eq!(figures[0].matches("<path d=\"M").count(), moments * pieces + 1 + ticks(figures[0]));
    assert_eq!(figures[0].matches("<circle").count(), moments * synapses);
    assert!(figures[0].contains("\u{b5}m</text>"), "a scale bar");
    assert!(figures[1].contains(">time (ms)</text>") && figures[1].contains(">path from the soma (\u{b5}m)</text>"));
    // The trunk and three quarters of the branch, from the soma's surface.
    let caption = figures[1].split("<figcaption>").nth(1).unwrap();
    assert!(caption.contains("the synapse contact, 350 \u{b5}m"), "{caption}");
}

/// Marks of the scale of colours.
fn ticks(figure: &str) -> usize {
    figure.matches("h5\" stroke").count()
}

#[test]
fn every_compartment_and_time_has_a_row() {
    let c = run_with(CELL, &["condition.a.duration = \"20 ms\""]);
    let n = c.trees[0].width() * c.trees[0].samples();
    let recording = Recording { title: String::new(), conditions: vec![c], partial: None };
    let bytes = feather::trees(&recording, Vec::new()).unwrap();
    let reader = arrow_ipc::reader::FileReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    let mut rows = 0;
    let names: Vec<String> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["condition", "cell", "compartment", "section", "path (um)", "time (ms)", "v_m (mV)"]);
    for batch in reader {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, n);
}
