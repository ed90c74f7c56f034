//! How it moves: mechanisms, ensembles as means and as jumps, snapshots.
