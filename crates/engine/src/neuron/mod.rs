//! Small neurons: compartments on a tree, channels with gates, eight cells side by side.
//!
//! `C dV/dt = sum g_max prod x^n (e_rev - V) + sum g_axial (V_neighbour - V) + (i - g V)`, the last bracket the port
//! (injected current positive, inward membrane current negative). Implicit on the tree (Hines 1984, Int J Biomed Comput
//! 15:69), gates by exact exponentials; ions in pools, which gates, reversal potentials and GHK currents follow. Limit: one
//! tree a cell.

mod balance;
mod block;
mod cell;
mod channel;
mod complex;
mod diffusion;
mod drive;
mod fault;
mod instrument;
mod ionic;
mod kernel;
mod linear;
mod occupancy;
mod plan;
mod pool;
mod quasiactive;
mod response;
mod rest;
mod run;
mod scheme;
mod share;
mod staged;
mod state;
mod table;

pub use cell::{Cell, Compartment, Detector, Insertion, Overridden, Override, Tissue};
pub use channel::{Channel, ChannelInput, Gate, GateForm, MAX_GATES, MAX_INPUTS, MAX_POWER};
pub use drive::{Drive, Held, Lucky, Moment, Ports, Quiet, With, with};
pub use fault::{NeuronFault, NeuronQuantity};
pub use instrument::{CurrentClamp, Filter, FilterState, InstrumentError, VoltageClamp};
pub use ionic::Law;
pub use linear::{Gating, LinearError};
pub use occupancy::Luck;
pub use plan::{Plan, PlanError, Site};
pub use pool::{Dynamics, Ion, MAX_IONS, Pooling};
pub use quasiactive::Impedance;
pub use rest::RestError;
pub use run::{Method, RunError, Scratch, Spike, Stepping, run, run_here};
pub(crate) use run::{check, finish, run_parts, worse};
pub use scheme::{MAX_COPIES, Scheme, SchemeStep};
pub(crate) use staged::{Clock, Staged, Stages, split};
pub use state::State;
