//! Biology as data: cited entries, embedded.
