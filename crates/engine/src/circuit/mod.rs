//! Circuits: cells and point neurons side by side, spikes that travel between them, and linear synapses where they arrive.
//!
//! Not an organ: here cells ([`crate::neuron`]), point neurons ([`crate::point`]) and plain synaptic waveforms
//! ([`crate::receptor::waveform`]) meet. All synapses of one kind in one compartment are one conductance, whatever their
//! number. An event takes effect at its own moment within a step, and a step sees the exact mean of each conductance over it,
//! so Crank-Nicolson stays second order; currents onto point neurons are exact. Blocks of eight neurons run by themselves for
//! as long as the shortest delay lets them (an epoch; Morrison et al. 2005, Neural Comput 17:1776), and exchange spikes in
//! between. Same bits for any threads, level and split of a run.
//!
//! Cells that gap junctions join ([`Plan::joined`], [`crate::junction`]) are stepped together within an epoch, so that current
//! passes without delay: what acts on each and its elimination up to the root, then the voltages at all junctions as one system,
//! then the way back. What hangs together is a component; its bits do not depend on anybody else's. An edge of a current that
//! damps the step of one of its cells ([`crate::neuron::Ports::jump`]) damps it for all of them, unless a point neuron is among
//! them, which knows no halves of a step. A point neuron is seen by its mean voltage over the step, a spike not included.

mod bare;
mod block;
mod coupled;
mod drive;
mod junctions;
mod lockstep;
mod outside;
mod plan;
mod points;
mod run;
mod shade;
mod state;
mod wires;

pub use outside::{Act, Carried, Outside, Passing, Trace, Trains};
pub use plan::{Action, CircuitError, Connection, Injection, Junction, Kind, Plan, Points, Target};
pub use run::{CircuitRunError, Scratch, run};
pub use shade::Shade;
pub use state::State;
