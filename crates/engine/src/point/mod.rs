//! Point neurons: one voltage, one variable of adaptation at most, and a spike that is a reset. Eight in a block, a lane each.
//!
//! What acts within a step: a conductance and a current, means over the step, so of second order in it; and plain currents
//! ([`Plan::inputs`]), each event at its own time and in closed form, so that they are exact. Leaky integrate-and-fire neurons
//! are solved exactly given these (Rotter & Diesmann 1999, Biol Cybern 81:381), quadratic ones where nothing but constant
//! currents acts; the others to 1e-9 by Dormand and Prince's pair. Spikes are located within the step, to a tick. Leaky ones
//! that cannot reach their threshold within a step whose length was made ready for ([`Plan::stepped`]) take it at once.

mod flow;
mod inputs;
mod lif;
mod model;
mod qif;
mod run;
mod swift;

pub use model::{Adex, Izhikevich, Lif, Model, PointError, Qif};
pub use run::{Arrival, Plan, Ports, Spike, State, step, step_and_mean, step_at};
