//! Every entry of the catalogue can be read, and the bibliography stands.

use model::catalogue::Catalogue;
use model::diagnostic::{Diagnostics, Sources};

#[test]
fn every_entry_is_read_without_a_fault() {
    let catalogue = Catalogue::embedded();
    let mut sources = Sources::default();
    let mut out = Diagnostics::default();
    let names: Vec<String> = catalogue.names().collect();
    for name in &names {
        let entry = catalogue.entry(name, &mut sources, &mut out);
        if let Some(e) = entry {
            assert!(!e.body.list("check").is_empty(), "{name} carries no check");
        }
    }
    assert!(out.0.is_empty(), "{}", out.render(&sources, false));
    assert!(names.len() >= 30, "{} entries", names.len());
}

#[test]
fn the_bibliography_can_be_read() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.bibliography_faults(), Vec::<String>::new());
    for key in catalogue.source_keys() {
        let c = catalogue.citation(&key).expect("listed");
        assert!(c.short.len() > 3 && c.long.len() > 10, "{key}: {c:?}");
    }
}

#[test]
fn the_reference_page_is_what_the_descriptors_say() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let on_disk = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        on_disk == model::fields::reference_page(),
        "docs/reference.md is out of date: bouton schema --format markdown > docs/reference.md"
    );
}
