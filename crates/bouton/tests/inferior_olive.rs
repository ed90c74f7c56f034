//! Cells of a leak and a T-type calcium current (Manor et al. 1997) against a published table of frequencies, against one
//! cell that two become when nothing keeps them apart, and forty of them in the example.

mod common;

use bouton::measure::{Look, Take, Trace, measure};
use bouton::recording::{Condition, Probe};
use bouton::simulation::{Cancel, Progress, run};
use common::{off, plans_of, probe, run_with};
use model::catalogue::Catalogue;
use std::fmt::Write as _;

/// A cell of these densities, mS/cm2, recorded.
fn cell(name: &str, leak: f64, calcium: f64) -> String {
    format!(
        "cell.{name}.use = \"neuron/inferior_olive_manor_1997\"\n\
         cell.{name}.channel.leak.density = \"{leak} mS/cm2\"\n\
         cell.{name}.channel.ca.density = \"{calcium} mS/cm2\"\n\
         probe.{name} = {{ read = \"{name}.soma.v_m\", every = \"0.5 ms\" }}\n"
    )
}

/// Away from a rest that may be unstable.
fn kick(name: &str) -> String {
    format!("clamp.{name} = {{ at = \"{name}.soma\", current = \"20 pA\", start = \"10 ms\", stop = \"60 ms\" }}\n")
}

/// Hz and mV of an oscillation after `ms`.
fn oscillation(p: &Probe, ms: f64) -> Option<(f64, f64)> {
    let look = Look { stimulus: ms, floor: 0.005, ..Look::default() };
    let trace = Trace { dt_ms: p.every, start_ms: 0.0, values: &p.mean };
    Some((measure(&trace, &look, Take::Frequency)?, measure(&trace, &look, Take::PeakToPeak)?))
}

/// Torben-Nielsen et al. 2012 (`gl_gcal.dat` of ModelDB 144502) tell the frequency on a grid of both densities, 0 where a cell
/// is at rest. All over that grid it lies 0.21 Hz above that of the equations, which is what comes of dividing the number of
/// peaks, instead of one less, by the time between the first and the last, in 4.8 s.
#[test]
fn alone_a_cell_oscillates_where_and_as_fast_as_a_published_table_says() {
    // Row, column, Hz; rows are steps of 1.5 / 49 of the calcium conductance, columns steps of 0.45 / 49 of the leak.
    let table = [(12, 16, 5.664), (17, 22, 6.896), (22, 26, 8.137), (22, 30, 7.592)];
    let still = [(12, 12), (12, 21), (17, 16), (22, 37)];
    let all = table.iter().map(|t| (t.0, t.1, Some(t.2))).chain(still.iter().map(|s| (s.0, s.1, None)));
    let mut text = String::from("duration = \"3 s\"\ntemperature = \"34 degC\"\n");
    let names: Vec<_> = all.map(|(row, column, hz)| (format!("r{row}c{column}"), row, column, hz)).collect();
    for (name, row, column, _) in &names {
        text += &cell(name, 0.45 / 49.0 * f64::from(*column), 1.5 / 49.0 * f64::from(*row));
        text += &kick(name);
    }
    let ran = run_with(&text, &[]);
    for (name, _, _, hz) in &names {
        let found = oscillation(probe(&ran, &format!("{name}.soma.v_m")), 1000.0);
        println!("{name}: {found:?}, table {hz:?}");
        match (found, hz) {
            (Some((ours, height)), Some(theirs)) => {
                assert!((theirs - ours - 1.0 / 4.8).abs() < 0.02, "{name}: {ours} for {theirs} Hz");
                assert!((1.0..10.0).contains(&height), "{name}: {height} mV");
            }
            (None, None) => {}
            _ => panic!("{name}: {found:?} for {hz:?}"),
        }
    }
}

/// Two cells alike in size between which there is next to no resistance are one, with the mean of their densities.
#[test]
fn two_cells_that_rest_apart_are_together_the_cell_between_them_that_oscillates() {
    let mut text = String::from("duration = \"4 s\"\ntemperature = \"34 degC\"\n");
    text += &(cell("rich", 0.14, 0.55) + &cell("poor", 0.22, 0.35));
    text += "synapse.gap = { from = \"rich.soma\", to = \"poor.soma\", junction = { conductance = \"1 uS\" } }\n";
    let (joined, apart) = (run_with(&text, &[]), run_with(&text, &["synapse.gap.junction.conductance=0 nS"]));
    let mut one = String::from("duration = \"4 s\"\ntemperature = \"34 degC\"\n");
    let _ = write!(one, "{}{}", cell("mean", 0.18, 0.45), kick("mean"));
    let one = run_with(&one, &[]);
    let (hz, height) = oscillation(probe(&one, "mean.soma.v_m"), 2000.0).expect("it oscillates");
    for name in ["rich.soma.v_m", "poor.soma.v_m"] {
        assert_eq!(oscillation(probe(&apart, name), 2000.0), None, "{name} alone");
        let (f, h) = oscillation(probe(&joined, name), 2000.0).expect("it oscillates");
        println!("{name}: {f} Hz, {h} mV; one cell {hz} Hz, {height} mV");
        assert!(off(f, hz) < 1e-3 && off(h, height) < 1e-2, "{name}: {f} Hz {h} mV; {hz} Hz {height} mV");
    }
}

/// Pearson's, of the samples from `ms` on.
fn correlation(a: &Probe, b: &Probe, ms: f64) -> f64 {
    let from = (ms / a.every) as usize;
    let centred = |p: &Probe| {
        let v = &p.mean[from..];
        let mean = v.iter().sum::<f64>() / v.len() as f64;
        v.iter().map(|x| x - mean).collect::<Vec<_>>()
    };
    let (a, b) = (centred(a), centred(b));
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

#[test]
fn gap_junctions_make_an_olive_oscillate_of_which_no_cell_does_so_alone() {
    let text = include_str!("../../../examples/inferior_olive.toml");
    let plans = plans_of(&Catalogue::embedded(), text, &["numerics.step=50 us"]);
    let all = run(&plans, "", 2, &Progress::default(), &Cancel::new()).expect("a good run").recording.conditions;
    let named = |name: &str| all.iter().find(|c| c.name == name).expect("a condition");
    let paths = ["rich[0]", "rich[19]", "poor[0]", "poor[19]"].map(|c| format!("{c}.soma.v_m"));
    let of = |c: &Condition| paths.each_ref().map(|p| oscillation(probe(c, p), 1000.0));
    let coupled = of(named("coupled")).map(|o| o.expect("it oscillates"));
    println!("coupled: {coupled:?}");
    for (hz, height) in coupled {
        assert!((4.0..10.0).contains(&hz) && off(hz, coupled[0].0) < 5e-3, "{hz} Hz");
        assert!((1.0..10.0).contains(&height), "{height} mV");
    }
    for p in &paths {
        let r = correlation(probe(named("coupled"), &paths[0]), probe(named("coupled"), p), 1000.0);
        println!("{p}: correlation {r}");
        assert!(r > 0.8, "{p} with {}: {r}", paths[0]);
    }
    for name in ["uncoupled", "blocked"] {
        assert_eq!(of(named(name)), [None; 4], "{name}");
    }
    let rest = |c: &str| *probe(named("uncoupled"), c).mean.last().expect("samples");
    let (rich, poor) = (rest(&paths[0]), rest(&paths[2]));
    println!("apart they rest at {rich} and {poor} mV");
    assert!(rich > -54.0 && poor < -61.0, "{rich} {poor} mV");
}
