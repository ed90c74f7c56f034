//! Tests' tools, never published: statistics, oracles, house rules.
