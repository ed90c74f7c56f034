//! Every entry of the catalogue passes its own checks.

use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostics, Sources};

#[test]
fn every_entry_gives_what_it_says_to_the_printed_digits() {
    let catalogue = Catalogue::embedded();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let mut wrong = String::new();
    let mut expected = 0;
    for name in catalogue.names() {
        let verdict = bouton::acceptance::check(&name, &catalogue, &mut sources, &mut out)
            .unwrap_or_else(|| panic!("{}", out.render(&sources, false)));
        expected += verdict.verdicts.len();
        for v in verdict.verdicts.iter().filter(|v| !v.passed) {
            wrong.push_str(&format!("{name}: {}: {} = {} instead of {}\n", v.protocol, v.measure, v.got, v.expected));
        }
        for f in &verdict.failures {
            wrong.push_str(&format!("{name}: {f}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(expected > 150, "{expected} expected values");
}
