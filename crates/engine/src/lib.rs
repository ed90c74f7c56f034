//! How it moves: mechanisms, ensembles as means and as jumps, snapshots.
//!
//! Plan (immutable, shared), state (all that a snapshot holds) and scratch (never saved) are three things everywhere.
//! Units: ms, um, mV, pA, amol, K, mM. The same bits for any number of threads and every SIMD level.

mod alarm;
mod calendar;
pub mod circuit;
pub mod cleft;
pub mod ensemble;
pub mod fault;
pub mod junction;
pub mod mechanism;
pub mod membrane;
pub mod mesh;
pub mod molecular;
pub mod nanodomain;
pub mod neuron;
pub mod point;
pub mod population;
pub mod receptor;
mod rodas;
pub mod single;
pub mod snapshot;
pub mod supply;
pub mod terminal;
pub mod time;
pub mod wellmixed;
