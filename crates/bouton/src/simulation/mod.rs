//! A model at work: trials of a condition, eight side by side, in causal order.
//!
//! spike or voltage -> channels -> calcium -> fusion -> cleft, receptors, uptake -> conductance -> membrane and pipette.
//! [`Plan`] is immutable and shared; [`Batch`] is the state of eight trials; [`Scratch`] is never saved. Nothing prints.

mod acting;
mod batch;
mod circuit;
mod contact;
pub(crate) mod facts;
mod fault;
pub mod influx;
mod junction;
mod noise;
mod plain;
mod plan;
mod population;
mod run;
mod sending;
mod synchrony;
mod taking;
mod trace;

pub use batch::{Batch, Scratch};
pub use circuit::{CircuitPlan, Group, Joined, Net, Sender, Spiking, Watch, WatchedGap};
pub use contact::Contact;
pub(crate) use contact::spread_of_diameter;
pub use facts::keys as fact_keys;
pub use fault::RunFault;
pub use junction::{Gap, OfJunction};
pub use noise::Noise;
pub use plain::{Effect, Heard, OfPlain, Plain, PlainPlan};
pub use plan::{
    Block, CellPlan, ClampKind, ClampPlan, Clearance, Detail, MeasurePlan, OfTerminal, Plan, ProbePlan, Receptor,
    Source, Supply, SynapsePlan, Tap, Voltage, Wanted,
};
pub use population::{Crowd, OfPopulation, PopulationPlan};
pub use run::{Cancel, Outcome, Progress, run};
pub use sending::{At, ChannelKind, Driver, Law, Mechanism, Release, Sending, at};
pub use trace::{Kept, Traces};

pub use numerics::simd::Level;

use engine::time::Tick;

/// Uses no wider vector instructions than `level`; no result depends on it. False if it comes too late.
pub fn limit_simd(level: Level) -> bool {
    Level::limit(level)
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// In which trial.
    pub trial: u64,
    /// When.
    pub at: Tick,
    /// What.
    pub kind: EventKind,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    /// A vesicle fused.
    Fusion {
        /// Of which synapse.
        synapse: u32,
        /// At which site.
        site: u32,
    },
    /// A cell spiked.
    Spike {
        /// Which cell, or population of them.
        cell: u32,
        /// Which of them.
        member: u32,
    },
}

impl Event {
    fn fusion(trial: u64, at: Tick, synapse: usize, site: u32) -> Self {
        Self { trial, at, kind: EventKind::Fusion { synapse: synapse as u32, site } }
    }

    fn spike(trial: u64, at: Tick, (cell, member): (usize, u32)) -> Self {
        Self { trial, at, kind: EventKind::Spike { cell: cell as u32, member } }
    }
}

/// How much was done: what a slow-down would raise. Silence costs none of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Steps of neurons, one a trial.
    pub neuron_steps: u64,
    /// Steps that clefts tried.
    pub cleft_steps: u64,
    /// Jumps of receptors.
    pub receptor_jumps: u64,
    /// Encounters of single molecules with receptors, enzymes and transporters.
    pub encounters: u64,
    /// Slots of terminals away from rest.
    pub terminal_slots: u64,
    /// Steps of bulk calcium.
    pub bulk_steps: u64,
    /// Jumps of calcium channels.
    pub channel_jumps: u64,
}

impl Work {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.neuron_steps += other.neuron_steps;
        self.cleft_steps += other.cleft_steps;
        self.receptor_jumps += other.receptor_jumps;
        self.encounters += other.encounters;
        self.terminal_slots += other.terminal_slots;
        self.bulk_steps += other.bulk_steps;
        self.channel_jumps += other.channel_jumps;
    }
}
