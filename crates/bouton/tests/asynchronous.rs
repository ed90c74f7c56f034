//! Synchronous and asynchronous release told apart: a slow sensor beside the fast one, and EGTA.

mod common;

use common::{fusions, plans_of, ran};
use model::catalogue::Catalogue;

/// Fusions within 3 ms of an action potential of the train, between those, and in the 290 ms after it.
fn told_apart(c: &bouton::recording::Condition) -> [f64; 3] {
    let mut n = [0.0; 3];
    for at in fusions(c, "contact").iter().flatten() {
        let since = at - 10.0;
        let late = usize::from(since.rem_euclid(10.0) >= 3.0);
        n[if since >= 200.0 { 2 } else { late }] += 1.0;
    }
    n
}

/// EGTA is too slow for what happens beside the channels and takes what is left: it spares synchronous fusions, and most
/// of the late ones are gone. With the slow sensor alone few fuse, and a larger share of them late. 160 trial-zones a
/// condition, the seed fixed; of the margins the narrowest is about three standard deviations.
#[test]
fn egta_takes_the_late_fusions_and_spares_the_others() {
    let text = std::fs::read_to_string("../../examples/asynchronous_release.toml").expect("an example");
    let plans = plans_of(&Catalogue::embedded(), &text, &["trials = 16"]);
    let by_name = |name: &str| plans.iter().position(|p| p.name == name).expect("a condition");
    let (wild, egta, slow) = (by_name("control"), by_name("egta"), by_name("slow_sensor_alone"));
    let all: Vec<[f64; 3]> = plans.into_iter().map(|p| told_apart(&ran(p).0)).collect();
    println!("{all:?}");
    let (wild, egta, slow) = (all[wild], all[egta], all[slow]);
    assert!(egta[0] > 0.85 * wild[0], "{egta:?} {wild:?}");
    assert!(egta[1] + egta[2] < 0.6 * (wild[1] + wild[2]), "{egta:?} {wild:?}");
    assert!(slow[0] < 0.1 * wild[0], "{slow:?} {wild:?}");
    let late = |n: [f64; 3]| (n[1] + n[2]) / n.iter().sum::<f64>();
    assert!(late(slow) > 1.5 * late(wild), "{slow:?} {wild:?}");
}
