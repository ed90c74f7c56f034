//! Biology as data: every entry of the catalogue and the bibliography, embedded as text and parsed by whoever needs it.
//!
//! docs/catalogue_format.md says how an entry is written. Released entries are never edited, only superseded.

include!(concat!(env!("OUT_DIR"), "/files.rs"));
