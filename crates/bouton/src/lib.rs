//! Bouton, the facade: lower what was resolved, bring it to life, check it, report it.
//!
//! It serves the terminal, a script and a browser alike: nothing here prints.

pub mod acceptance;
pub mod card;
pub mod claim;
pub mod comparison;
pub mod electrophysiology;
pub mod film;
pub mod listing;
pub mod lower;
pub mod measure;
pub mod plot;
pub mod portrait;
pub mod recording;
pub mod report;
pub mod response;
pub mod simulation;
