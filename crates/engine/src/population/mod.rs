//! Populations of synapses that a network can afford: senders that only spike, vesicles drawn at spikes, receptors as means
//! in a pulse that every vesicle adds to and that decays exponentially.
//!
//! Nothing is stepped that need not be. Vesicles are drawn when a spike comes. As all pulses decay alike, the ligand of
//! every member runs down one and the same course, `L(s) = L_top exp(-s / tau)`, each from its own place on it: so the
//! propagators along that course are made once, and a member's law is taken from one release to the next by a few of them.
//! The means are linear in the law, so that what a probe or a membrane sees, the sum over all members, is stepped as one
//! law a place of the course ([`flow`]), whatever the number of members. Errors: [`Plan::new`].

mod course;
mod flow;
mod matrix;
mod members;
mod plan;
mod run;

pub use plan::{Description, Plan, PopulationError, Receptor, Spikes};
pub use run::{Keys, Scratch, Series, State};
