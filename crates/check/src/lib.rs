//! Tests' tools, never published: statistics with stated false-alarm rates, and the rules of the house.

pub mod house;
pub mod statistics;
