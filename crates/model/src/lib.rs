//! What there is: units, expressions, description, catalogue, resolve, diagnostics. No stepping code.
//!
//! A model file is walked as a spanned TOML tree against one table of field descriptors ([`fields`]), so that all of its
//! faults appear at once, each at its token; [`catalogue`] brings the entries it uses; [`resolve`] makes of them what
//! cannot be wrong: names bound, units coherent, temperature applied, every step of it remembered.

pub mod beside;
pub mod catalogue;
pub mod diagnostic;
pub mod fields;
pub mod junction;
pub mod mesh;
pub mod morphology;
pub mod pharmacology;
pub mod read;
pub mod resolve;
pub mod tree;
pub mod units;
