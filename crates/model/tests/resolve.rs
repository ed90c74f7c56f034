//! What `resolve` must hold: temperature by each rate's own Q10, fields merged one by one, every step remembered.

use model::catalogue::Catalogue;
use model::read::Evidence;
use model::resolve::{Content, Origin, Outcome, Resolved, ResolvedValue, model};
use model::units::Dimension;

fn outcome(text: &str) -> Outcome {
    model("test.toml", text.into(), &Catalogue::embedded())
}

fn resolved(text: &str) -> Vec<Resolved> {
    let o = outcome(text);
    assert!(!o.diagnostics.has_errors(), "{}", o.diagnostics.render(&o.sources, false));
    o.resolved
}

fn value<'a>(r: &'a Resolved, path: &str) -> &'a ResolvedValue {
    r.values.iter().find(|v| v.path == path).unwrap_or_else(|| panic!("no {path}"))
}

fn number(r: &Resolved, path: &str) -> f64 {
    match &value(r, path).content {
        Content::Quantity(q) => q.value,
        Content::Expression { factor, .. } => *factor,
        other => panic!("{path}: {other:?}"),
    }
}

const SYNAPSE: &str = r#"
duration = "10 ms"
temperature = "32 degC"
[cell.a]
times = ["1 ms"]
[cell.b]
use = "neuron/hh1952_squid"
[synapse.s]
from = "a.axon"
to = "b.soma"
[synapse.s.receptor]
ampa = { use = "receptor/ampa_jonas_1993", count = 80 }
[condition.cold]
temperature = "22 degC"
[condition.few]
synapse.s.receptor.ampa.count = 3
"#;

#[test]
fn temperature_acts_on_each_rate_by_its_own_q10_and_is_remembered() {
    let all = resolved(SYNAPSE);
    let warm = &all[0];
    // 10 kelvin above T_ref = 22 degC: binding times 1.4, gating times 2.5, exactly.
    let (on, open) = ("synapse.s.receptor.ampa.rate.C0->C1", "synapse.s.receptor.ampa.rate.C2->O");
    assert!((number(warm, on) - 4.59 * 1.4).abs() < 1e-14 * 4.59);
    assert!((number(warm, open) - 4.24 * 2.5).abs() < 1e-13);
    let step = value(warm, on).temperature.clone().expect("a rate remembers its temperature");
    assert_eq!((step.reference, step.temperature, step.q10), (295.15, 305.15, Some(1.4)));
    let cold = all.iter().find(|r| r.condition.as_deref() == Some("cold")).expect("resolved");
    assert_eq!(number(cold, on), 4.59);
    assert_eq!(value(cold, on).temperature.as_ref().map(|t| t.factor), Some(1.0));
    // A conductance is not scaled.
    assert_eq!(
        number(warm, "synapse.s.receptor.ampa.conductance.O"),
        number(cold, "synapse.s.receptor.ampa.conductance.O")
    );
}

#[test]
fn a_time_constant_shrinks_where_a_rate_grows() {
    let at = |t: &str| {
        let text = format!("duration = \"1 ms\"\ntemperature = \"{t}\"\n[cell.c]\nuse = \"neuron/pospischil_rs\"\n");
        let r = resolved(&text).remove(0);
        (
            number(&r, "cell.c.channel.m.gate.p.tau"),
            number(&r, "cell.c.channel.m.gate.p.steady"),
            number(&r, "cell.c.channel.na.gate.m.opening"),
        )
    };
    let (tau, steady, opening) = at("26 degC");
    assert!((tau - 2.3).abs() < 1e-12, "Q10 2.3, ten kelvin below 36 degC: {tau}");
    assert_eq!(steady, 1.0);
    assert!((opening - 1.0 / 3.0).abs() < 1e-12, "{opening}");
}

#[test]
fn conditions_say_only_what_differs() {
    let all = resolved(SYNAPSE);
    let few = all.iter().find(|r| r.condition.as_deref() == Some("few")).expect("resolved");
    assert_eq!(value(few, "synapse.s.receptor.ampa.count").content, Content::Count(3));
    assert_eq!(value(&all[0], "synapse.s.receptor.ampa.count").content, Content::Count(80));
    let same = |r: &Resolved| r.values.iter().filter(|v| !v.path.ends_with("count")).cloned().collect::<Vec<_>>();
    assert_eq!(same(few), same(&all[0]));
}

#[test]
fn a_field_said_otherwise_replaces_only_itself() {
    let base = resolved("duration = \"1 ms\"\ntemperature = \"36 degC\"\n[cell.c]\nuse = \"neuron/pospischil_rs\"\n")
        .remove(0);
    let text = "duration = \"1 ms\"\ntemperature = \"36 degC\"\n[cell.c]\nuse = \"neuron/pospischil_rs\"\nchannel.m.density = \"0.1 mS/cm2\"\nwithout = [\"channel.na\"]\n";
    let mine = resolved(text).remove(0);
    let density = value(&mine, "cell.c.channel.m.density");
    assert!(matches!(&density.origin, Origin::Written(p) if p == "test.toml:5:21"), "{:?}", density.origin);
    assert_eq!(density.provenance.source, None, "a value of the user's has not the entry's source");
    assert!(!mine.values.iter().any(|v| v.path.starts_with("cell.c.channel.na")), "removed");
    for v in &base.values {
        let touched = v.path.starts_with("cell.c.channel.na") || v.path == "cell.c.channel.m.density";
        assert!(touched || mine.values.contains(v), "{}", v.path);
    }
    assert!(
        matches!(&value(&base, "cell.c.channel.m.density").origin, Origin::Catalogue { entry, .. } if entry == "neuron/pospischil_rs")
    );
}

#[test]
fn parameters_of_an_entry_can_be_said_otherwise_where_it_is_placed() {
    let text = "duration = \"1 ms\"\ntemperature = \"36 degC\"\n[cell.c]\nuse = \"neuron/pospischil_rs\"\nchannel.na.parameter.v_t = \"-60 mV\"\n";
    let r = resolved(text).remove(0);
    assert_eq!(number(&r, "cell.c.channel.na.parameter.v_t"), -60.0);
    assert_eq!(number(&r, "cell.c.channel.k.parameter.v_t"), -55.0);
    let index = r.parts["cell.c.channel.na"].layout.names.iter().position(|n| n.0 == "v_t").expect("a parameter");
    assert_eq!(r.parts["cell.c.channel.na"].parameters[index], -60.0, "what is lowered is what is listed");
}

#[test]
fn every_number_of_the_catalogue_says_where_it_comes_from() {
    let catalogue = Catalogue::embedded();
    let keys = catalogue.source_keys();
    for v in resolved(include_str!("../../../examples/glutamate_spine.toml")).iter().flat_map(|r| &r.values) {
        if let (Origin::Catalogue { .. }, Content::Quantity(_) | Content::Expression { .. }) = (&v.origin, &v.content) {
            let p = &v.provenance;
            let evidence = p.evidence.unwrap_or_else(|| panic!("{}: no evidence", v.path));
            assert!(p.species.is_some() || !v.path.contains(".rate."), "{}: no species", v.path);
            assert!(
                p.source.as_ref().is_some_and(|s| keys.contains(s))
                    || evidence == Evidence::Assumed
                    || evidence == Evidence::Derived,
                "{}: {p:?}",
                v.path
            );
        }
    }
}

#[test]
fn q10s_that_break_a_loop_are_refused() {
    // One step of a loop with a Q10 of its own that the others do not answer.
    let folder = std::env::temp_dir().join(format!("bouton_loop_{}", std::process::id()));
    std::fs::create_dir_all(folder.join("receptor")).expect("a folder");
    let text = include_str!("../../catalogue/data/receptor/ampa_jonas_1993.toml")
        .replace("forward  = \"2890 /s\"", "forward  = \"2890 /s\"\nforward_q10 = 4.0");
    std::fs::write(folder.join("receptor/mine.toml"), text).expect("a file");
    let mut catalogue = Catalogue::embedded();
    assert!(catalogue.overlay(&folder).is_ok());
    let at =
        |t: &str| model("t.toml", SYNAPSE.replace("ampa_jonas_1993", "mine").replace("32 degC", t).into(), &catalogue);
    assert!(
        at("32 degC").diagnostics.0.iter().any(|d| d.message.contains("does not close")),
        "10 kelvin away from T_ref"
    );
    let cool = at("22 degC");
    assert!(!cool.diagnostics.has_errors(), "{}", cool.diagnostics.render(&cool.sources, false));
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_hash_names_the_text_of_each_entry_used() {
    let r = resolved(SYNAPSE).remove(0);
    let names: Vec<&str> = r.entries.keys().map(String::as_str).collect();
    assert!(
        names.contains(&"receptor/ampa_jonas_1993")
            && names.contains(&"neuron/hh1952_squid")
            && names.contains(&"channel/hh1952_na"),
        "{names:?}"
    );
    assert!(r.entries.values().all(|h| h.len() == 64));
}

#[test]
fn dimensions_of_every_model_field_are_checked() {
    // The same wrong unit everywhere: each place must be reported.
    let o = outcome(
        "duration = \"1 mV\"\ntemperature = \"22 mV\"\n[cell.c]\nmembrane = { area = \"1 mV\", capacitance = \"1 mV\" }\n[clamp.p]\nat = \"c.soma\"\nhold = \"1 ms\"\n",
    );
    let wrong: Vec<&str> = o.diagnostics.0.iter().map(|d| d.message.as_str()).collect();
    assert_eq!(wrong.iter().filter(|m| m.contains("is a voltage") || m.contains("is a time")).count(), 5, "{wrong:#?}");
    assert_eq!(Dimension::VOLTAGE.to_string(), "a voltage");
}

const SWEPT: &str = r#"
duration = "10 ms"
temperature = "32 degC"
solution.bath = { ca = "2 mM" }
cell.sender.times = ["1 ms", "11 ms"]
condition.cold.temperature = "22 degC"
[sweep.ca]
path = "solution.bath.ca"
values = ["0.5 mM", "2 mM", 1e-1]
[sweep.pair]
path = "cell.sender.times"
values = [["1 ms", "6 ms"], ["1 ms", "21 ms"]]
"#;

#[test]
fn each_value_of_a_sweep_is_a_condition_beside_the_others() {
    let text = SWEPT.replace(", 1e-1", "");
    let all = resolved(&text);
    let names: Vec<&str> = all.iter().filter_map(|r| r.condition.as_deref()).collect();
    assert_eq!(names, ["cold", "ca_0p5_mM", "ca_2_mM", "pair_1_ms_6_ms", "pair_1_ms_21_ms"]);
    assert_eq!(number(&all[2], "solution.bath.ca"), 0.5);
    // Nothing is crossed: the other sweep and the condition are not in it.
    assert_eq!((all[2].temperature, number(&all[2], "cell.sender.times[1]")), (305.15, 11.0));
    assert_eq!(number(&all[4], "cell.sender.times[1]"), 6.0);
    let swept: Vec<_> =
        all.iter().map(|r| r.swept.as_ref().map(|s| (s.path.as_str(), s.value.map(|q| q.value)))).collect();
    assert_eq!(swept[..2], [None, None]);
    assert_eq!(swept[2], Some(("solution.bath.ca", Some(0.5))));
    // Of a pair, the interval.
    assert_eq!(swept[4], Some(("cell.sender.times", Some(5.0))));
    assert_eq!(swept[5], Some(("cell.sender.times", Some(20.0))));
    // The twin: a value without its unit is a fault at its place.
    let twin = outcome(SWEPT);
    let fault = twin.diagnostics.0.first().expect("a fault");
    assert!(fault.message.contains("has no unit"), "{}", fault.message);
    assert_eq!(twin.sources.line_column(fault.span.as_ref().expect("a place")).0, 9);
}

#[test]
fn a_swept_value_is_remembered_at_its_place() {
    let all = resolved(&SWEPT.replace(", 1e-1", ""));
    let Origin::Written(place) = &value(&all[2], "solution.bath.ca").origin else { panic!("written") };
    assert_eq!(place, "test.toml:9:11");
}
