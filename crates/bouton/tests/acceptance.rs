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

/// C-12: every loop of every scheme at equilibrium closes within its declared tolerance, and at equilibrium no net flux
/// runs. More than 2 % is declared only where the published rates themselves do not close.
#[test]
fn loops_close_and_at_equilibrium_nothing_flows() {
    let catalogue = Catalogue::embedded();
    let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
    let (mut loops, mut loose) = (0, Vec::new());
    for name in catalogue.names() {
        let entry = catalogue.entry(&name, &mut sources, &mut out).expect("a good entry");
        let part =
            model::resolve::part(&entry, entry.temperature, &bouton::acceptance::empty(&entry), &sources, &mut out);
        let mut tolerance: f64 = 0.0;
        for (states, product, allowed) in &part.loops {
            let Some(allowed) = allowed else { continue };
            loops += 1;
            tolerance = tolerance.max(*allowed);
            assert!((product - 1.0).abs() <= allowed + 1e-12, "{name}: {states:?} {product}");
        }
        if tolerance > 0.02 {
            loose.push(name.clone());
            continue;
        }
        let (
            Some(scheme),
            Some(model::catalogue::Scheme { balance: model::catalogue::Balance::Equilibrium { .. }, .. }),
        ) = (&part.scheme, &entry.scheme)
        else {
            continue;
        };
        let lowered = bouton::lower::scheme(&part).expect("lowers");
        for v_m in [-90.0, -30.0, 30.0] {
            // Mass action alone: ligands held at what a cleft may hold.
            let ligands = vec![0.05; scheme.ligands.len()];
            let held = lowered.held(v_m, &ligands).expect("rates");
            let p = lowered.rest(v_m, &ligands).expect("a law");
            let absorbing = scheme.absorbing.iter().any(|a| *a);
            let flow = held.generator.flux_asymmetry(&p);
            assert!(absorbing || flow <= tolerance + 1e-9, "{name} at {v_m} mV: net flux {flow:.1e} of the traffic");
        }
    }
    assert_eq!(
        loose,
        ["receptor/ampa_robert_howe_2003", "receptor/glycine_burzomato_2004", "receptor/nmda_kampa_2004"],
        "published rates that do not close"
    );
    assert!(loops >= 20, "{loops} loops");
}

/// The twin of the checks: an expectation off by one in its last digit is refused, and so is a rate off by a percent.
#[test]
fn a_wrong_digit_or_a_wrong_rate_is_caught() {
    let folder = std::env::temp_dir().join(format!("bouton_acceptance_{}", std::process::id()));
    std::fs::create_dir_all(folder.join("receptor")).expect("a folder");
    let text = include_str!("../../catalogue/data/receptor/ampa_jonas_1993.toml");
    std::fs::write(folder.join("receptor/digit.toml"), text.replace("\"0.5949\"", "\"0.5950\"")).expect("written");
    // Both directions of a tree-like step, so that the loops still close.
    let rate = text.replace("4.59e6 /M/s", "4.64e6 /M/s").replace("4260 /s", "4306 /s");
    std::fs::write(folder.join("receptor/rate.toml"), rate).expect("written");
    let mut catalogue = Catalogue::embedded();
    assert!(catalogue.overlay(&folder).is_ok());
    let failed = |name: &str| {
        let (mut sources, mut out) = (Sources::default(), Diagnostics::default());
        let v = bouton::acceptance::check(name, &catalogue, &mut sources, &mut out).expect("read");
        v.verdicts.iter().filter(|v| !v.passed).map(|v| v.measure.clone()).collect::<Vec<_>>()
    };
    assert_eq!(failed("receptor/ampa_jonas_1993"), Vec::<String>::new());
    assert_eq!(failed("receptor/digit"), ["peak_open"]);
    assert!(failed("receptor/rate").contains(&"rise_10_90".to_owned()));
    std::fs::remove_dir_all(&folder).expect("removed");
}
