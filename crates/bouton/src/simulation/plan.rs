//! What is simulated, made ready: immutable, shared by all threads. `lower` makes it.

use super::circuit::CircuitPlan;
use super::influx::Influx;
use super::junction::OfJunction;
use super::noise::Noise;
use super::plain::{OfPlain, PlainPlan};
use super::population::{OfPopulation, PopulationPlan};
use super::sending::Sending;
use crate::lower::{Folded, LoweredCell};
use crate::recording::Swept;
use engine::cleft::{Cleft, Tolerance, Watch};
use engine::ensemble::IndividualsPlan;
use engine::mechanism::Program;
use engine::molecular;
use engine::neuron::{Filter, State as NeuronState};
use engine::terminal::action_potential::ActionPotential;
use engine::time::Tick;
use std::sync::Arc;

/// One condition of a model, ready to run.
#[derive(Debug)]
pub struct Plan {
    /// Of the condition; empty for the file as it stands.
    pub name: String,
    /// Its sweep, if it is of one.
    pub swept: Option<Swept>,
    /// The same seed gives the same bits.
    pub seed: u64,
    /// How many trials.
    pub trials: u64,
    /// K
    pub temperature: f64,
    /// Of a trial; a whole number of steps.
    pub duration: Tick,
    /// Of the neurons.
    pub step: Tick,
    /// Of the clefts.
    pub tolerance: Tolerance,
    /// In the order of the file.
    pub cells: Vec<CellPlan>,
    /// In the order of the file.
    pub synapses: Vec<SynapsePlan>,
    /// Populations of synapses, in the order of the file.
    pub populations: Vec<PopulationPlan>,
    /// Plain synapses, in the order of the file.
    pub plain: Vec<PlainPlan>,
    /// All cells that have a voltage and the plain synapses between them, if some of them are many; those cells are then not
    /// stepped by themselves, and `plain` is empty.
    pub circuit: Option<Arc<CircuitPlan>>,
    /// In the order of the file.
    pub clamps: Vec<ClampPlan>,
    /// What is recorded.
    pub probes: Vec<ProbePlan>,
    /// What is taken of it.
    pub measures: Vec<MeasurePlan>,
    /// Cells in the order in which they are stepped: senders before receivers.
    pub order: Vec<usize>,
    /// Names of the drugs in the bath.
    pub drugs: Vec<String>,
    /// How much of each there is, mM.
    pub baths: Vec<f64>,
    /// Whether baths change within a trial.
    pub washed: bool,
    /// Whether measures are taken of means over groups of trials, in place of single ones.
    pub grouped: bool,
    /// When baths change, and what is simulated from then on; in the order of time, none of them with a `later` of its own.
    pub later: Vec<(Tick, Plan)>,
}

impl Plan {
    /// What is simulated after so many changes of the baths.
    #[must_use]
    pub fn phase(&self, changes: usize) -> &Self {
        changes.checked_sub(1).and_then(|k| self.later.get(k)).map_or(self, |(_, plan)| plan)
    }

    /// The population of a cell: itself, unless it is one of many in a circuit.
    #[must_use]
    pub fn base(&self, cell: usize) -> usize {
        let name = self.cells[cell].name.split_once('[').map_or("", |(name, _)| name);
        self.cells.iter().position(|c| c.name == name).unwrap_or(cell)
    }

    /// All zones of the synapse whose first is `first`.
    #[must_use]
    pub fn zones(&self, first: usize) -> std::ops::Range<usize> {
        first..first + self.synapses[first].zone.1
    }

    /// The first zone of the synapse that `zone` belongs to.
    #[must_use]
    pub fn first(&self, zone: usize) -> usize {
        zone - self.synapses[zone].zone.0
    }

    /// The interval below a step at which a synapse's transmitter is sampled, if it is.
    #[must_use]
    pub fn fine(&self, synapse: usize) -> Option<Tick> {
        let of =
            |p: &&ProbePlan| matches!(p.source, Source::Cleft { synapse: s } if s == synapse) && p.every < self.step;
        self.probes.iter().find(of).map(|p| p.every)
    }
}

/// A cell.
#[derive(Debug, Clone)]
pub struct CellPlan {
    /// Its name.
    pub name: String,
    /// How many there are: one, unless it only spikes or is of a circuit.
    pub count: usize,
    /// In a circuit: the number of the first.
    pub circuit: Option<u32>,
    /// Where its voltage comes from.
    pub voltage: Voltage,
}

/// Where a cell's voltage comes from.
#[derive(Debug, Clone)]
pub enum Voltage {
    /// Its membrane.
    Membrane {
        /// Eight of the cell, for eight trials.
        cell: Arc<LoweredCell>,
        /// At rest, under the voltage clamps that hold it.
        rest: NeuronState,
    },
    /// It is a point neuron; eight of it, for eight trials.
    Point(Arc<engine::point::Plan>),
    /// Nobody asks: it only spikes, at these times.
    Spikes(Vec<Tick>),
    /// Nor here: it spikes at random, with exponential intervals, /ms.
    Poisson(f64),
    /// It is imposed.
    Course(ActionPotential),
}

/// How a synapse's receptors are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// As jumps, and the transmitter molecule by molecule.
    Molecular,
    /// As jumps.
    Kinetic,
    /// As means.
    Mean,
}

/// A synapse, or one of its active zones. Zones of a synapse follow each other and share all that is not their own luck.
#[derive(Debug, Clone)]
pub struct SynapsePlan {
    /// Its name.
    pub name: String,
    /// Which of its zones this is, and how many there are.
    pub zone: (usize, usize),
    /// How it is read.
    pub detail: Detail,
    /// The sending cell, and the compartment that drives the terminal.
    pub from: (usize, u32),
    /// The receiving cell, and the compartment.
    pub to: (usize, u32),
    /// The sending side.
    pub sending: Arc<Sending>,
    /// What its vesicles are filled with, where that is followed.
    pub supply: Option<Arc<Supply>>,
    /// The gap and what is in it.
    pub cleft: Arc<Cleft>,
    /// The same molecule by molecule, at that level; its kinds are the cleft's residents.
    pub molecules: Option<Arc<molecular::Plan>>,
    /// Of the cleft, from the bath to the mean over the receptors' disc, GOhm; 0 where it has the bath's potential.
    pub resistance: f64,
    /// Called so.
    pub transmitter: String,
    /// Of a mixed synapse whose junction feels what is released: which of the circuit it is.
    pub junction: Option<u32>,
    /// Shells over which "the" concentration is the mean, with their shares.
    pub seen: Vec<(usize, f64)>,
    /// Places elsewhere that are looked at: shells with their shares, and the concentration at rest in mM.
    pub distant: Vec<(Vec<(usize, f64)>, f64)>,
    /// Shells that hold receptors: the first so many.
    pub shells: usize,
    /// Concentration at rest in each of them, mM.
    pub resting: Vec<f64>,
    /// Of the postsynaptic membrane; resident `i` of the cleft is receptor `i`.
    pub receptors: Arc<[Receptor]>,
    /// What ends the signal.
    pub clearance: Arc<[Clearance]>,
    /// What is followed of the receptors: first the conductance of each, then what probes ask for.
    pub taps: Vec<Tap>,
    /// The same in the cleft's own means.
    pub watch: Watch,
    /// What is watched besides, where baths change: states of what clears, by clearance and state.
    pub watched: Vec<(usize, usize)>,
    /// By receptor and state: whether nothing that is followed can change from there while the ligand rests.
    pub mute: Vec<Vec<bool>>,
}

/// A supply, and what of the cleft feeds it.
#[derive(Debug)]
pub struct Supply {
    /// The organ.
    pub plan: engine::supply::Plan,
    /// The resident of the cleft that leaves precursor outside.
    pub from: Option<usize>,
    /// Those that bring transmitter back.
    pub returns: Vec<usize>,
}

impl SynapsePlan {
    /// How many numbers say in which state the synapse is: concentrations and occupancies of its cleft, each vesicle and
    /// calcium channel of its terminal, calcium there, each receptor where receptors jump one by one, and what vesicles hold
    /// where that is followed.
    #[must_use]
    pub fn variables(&self) -> u64 {
        let terminal = match &self.sending.release {
            super::Release::Mechanism(m) => m.terminal.members() + 1,
            super::Release::Certain { .. } | super::Release::Sites { .. } => 0,
        };
        let copies =
            if self.detail == Detail::Mean { 0 } else { self.receptors.iter().map(|r| u64::from(r.count)).sum() };
        let supply = self.supply.as_ref().map_or(0, |s| s.plan.variables());
        self.cleft.variables() as u64 + terminal + copies + supply
    }

    /// What is left of all conductances, `g` nS a receptor, if the current through them has to come through the cleft:
    /// `I = sum g (V - i R - e_rev)` and `i = I` give `i = sum g (V - e_rev) / (1 + R sum g)`.
    #[must_use]
    pub fn left(&self, g: &[f64]) -> f64 {
        if self.resistance == 0.0 { 1.0 } else { 1.0 / self.resistance.mul_add(g.iter().sum::<f64>(), 1.0) }
    }

    /// Current through the receptors at `v` mV against the bath, pA, outward positive.
    #[must_use]
    pub fn current(&self, g: &[f64], v: f64) -> f64 {
        g.iter().zip(self.receptors.iter()).fold(0.0, |sum, (g, r)| sum + g * (v - r.e_rev)) * self.left(g)
    }
}

/// A population of receptors.
#[derive(Debug)]
pub struct Receptor {
    /// Its name.
    pub name: String,
    /// Its scheme.
    pub folded: Folded,
    /// The same, for following copies; the conductance of each state is in the tap.
    pub plan: IndividualsPlan,
    /// How many.
    pub count: u32,
    /// Shells they lie in, with their shares.
    pub places: Vec<(usize, f64)>,
    /// mV
    pub e_rev: f64,
    /// Instantaneous block of the open channel.
    pub block: Option<Block>,
    /// Names of the states.
    pub states: Vec<String>,
    /// Whether its rates depend on voltage.
    pub feels_voltage: bool,
    /// What of its current is calcium.
    pub calcium: Option<Influx>,
}

/// An instantaneous block.
#[derive(Debug)]
pub struct Block {
    /// The share that conducts.
    pub program: Program,
    /// Parameters, first inputs of the program.
    pub parameters: Vec<f64>,
    /// K
    pub temperature: f64,
    /// Of the blocker, mM.
    pub concentration: f64,
}

impl Block {
    /// The share that conducts at `v` mV.
    #[must_use]
    pub fn open(&self, v: f64) -> f64 {
        let mut inputs = [0.0; 16];
        let n = self.parameters.len();
        inputs[..n].copy_from_slice(&self.parameters);
        (inputs[n], inputs[n + 1], inputs[n + 2]) = (v, self.temperature, self.concentration);
        let mut out = [0.0];
        self.program.interpret(&inputs[..n + 3], &mut out);
        out[0]
    }
}

/// A kind of transporter or enzyme.
#[derive(Debug)]
pub struct Clearance {
    /// Its name.
    pub name: String,
    /// Which resident of the cleft.
    pub resident: usize,
    /// Names of its states.
    pub states: Vec<String>,
}

/// Something to be followed of a population of receptors.
#[derive(Debug, Clone)]
pub struct Tap {
    /// Which receptor.
    pub receptor: usize,
    /// One a state.
    pub weights: Vec<f64>,
    /// Its value at rest.
    pub resting: f64,
    /// How often within a step it is sampled; 0 where only the mean over the step is wanted.
    pub samples: usize,
}

/// A pipette.
#[derive(Debug)]
pub struct ClampPlan {
    /// Its name.
    pub name: String,
    /// The cell and the compartment.
    pub at: (usize, u32),
    /// What it does.
    pub kind: ClampKind,
}

/// What a pipette does.
#[derive(Debug)]
pub enum ClampKind {
    /// Holds a voltage.
    Voltage {
        /// mV
        hold: f64,
        /// Conductance of the series resistance, nS.
        g_s: f64,
        /// Of the recorded current.
        filter: Option<Filter>,
        /// Its corner, kHz.
        corner: Option<f64>,
    },
    /// Injects a current.
    Current {
        /// pA
        current: f64,
        /// When it begins.
        start: Tick,
        /// When it ends.
        stop: Tick,
        /// What is added to it.
        noise: Option<Noise>,
    },
    /// Conducts (dynamic clamp; Robinson & Kawai 1993, J Neurosci Methods 49:157).
    Conductance {
        /// nS
        g: f64,
        /// mV
        reversal: f64,
        /// When it begins.
        start: Tick,
        /// When it ends.
        stop: Tick,
        /// What is added to it, nS; together they are never below 0.
        noise: Option<Noise>,
    },
}

impl ClampKind {
    /// Whether it has noise in the step that begins at `at`.
    #[must_use]
    pub fn stirs(&self, at: Tick, step: Tick) -> bool {
        matches!(
            self,
            Self::Current { start, stop, noise: Some(_), .. } | Self::Conductance { start, stop, noise: Some(_), .. }
                if *start < at + step && at < *stop
        )
    }
}

/// A recording to be made.
#[derive(Debug)]
pub struct ProbePlan {
    /// As in the model.
    pub path: String,
    /// Of what.
    pub source: Source,
    /// Sampling interval: a whole number of steps, or a whole part of one.
    pub every: Tick,
    /// Who wants it.
    pub wanted: Wanted,
    /// Of how many trials the trace is kept.
    pub keep: u64,
}

/// Who wants a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The file's probe.
    Probe,
    /// The report.
    Report,
    /// A measure, which takes its numbers and lets it go.
    Measure,
    /// A comparison, which wants groups of trials as well.
    Comparison,
}

/// What can be recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Source {
    Membrane {
        cell: usize,
        compartment: u32,
    },
    /// Every compartment of a cell: so many values a sample.
    Tree {
        cell: usize,
        width: u32,
    },
    Adaptation(usize),
    /// Spikes a cell and time since the sample before.
    Rate(usize),
    Concentration {
        cell: usize,
        compartment: u32,
        ion: usize,
    },
    ChannelCurrent {
        cell: usize,
        compartment: u32,
        channel: usize,
    },
    /// The share of a channel kind that is open.
    ChannelOpen {
        cell: usize,
        compartment: u32,
        channel: usize,
    },
    Bath(usize),
    ClampCurrent(usize),
    ClampVoltage(usize),
    Terminal {
        synapse: usize,
        quantity: OfTerminal,
    },
    Cleft {
        synapse: usize,
    },
    Distant {
        synapse: usize,
        place: usize,
    },
    Tap {
        synapse: usize,
        tap: usize,
    },
    ReceptorCurrent {
        synapse: usize,
        receptor: usize,
    },
    SynapseCurrent {
        synapse: usize,
    },
    Spread {
        synapse: usize,
        receptor: usize,
    },
    Bound {
        synapse: usize,
        clearance: usize,
    },
    TurnedOver {
        synapse: usize,
        clearance: usize,
    },
    Occupancy {
        synapse: usize,
        clearance: usize,
        state: usize,
    },
    Population {
        population: usize,
        quantity: OfPopulation,
    },
    Plain {
        plain: usize,
        quantity: OfPlain,
    },
    /// Of gap junctions, those of which synapse.
    Junction {
        gap: usize,
        quantity: OfJunction,
    },
}

impl Source {
    /// Values a sample.
    #[must_use]
    pub fn width(self) -> usize {
        if let Self::Tree { width, .. } = self { width as usize } else { 1 }
    }

    /// The synapse it is of, where it is a sum over active zones.
    #[must_use]
    pub fn summed(mut self) -> Option<usize> {
        let sum = match self {
            Self::Terminal { quantity, .. } => matches!(
                quantity,
                OfTerminal::CalciumCurrent
                    | OfTerminal::OpenChannels
                    | OfTerminal::Docked
                    | OfTerminal::Released
                    | OfTerminal::Capacitance
            ),
            Self::Tap { .. } | Self::ReceptorCurrent { .. } | Self::SynapseCurrent { .. } => true,
            Self::Bound { .. } | Self::TurnedOver { .. } => true,
            _ => false,
        };
        if sum { self.synapse_mut().copied() } else { None }
    }

    /// Whether it is counted from events when a trial is over.
    #[must_use]
    pub fn is_of_events(self) -> bool {
        matches!(self, Self::Rate(_))
    }

    /// The synapse it is of.
    pub fn synapse_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Membrane { .. }
            | Self::Adaptation(_)
            | Self::Rate(_)
            | Self::Tree { .. }
            | Self::Concentration { .. }
            | Self::ChannelCurrent { .. }
            | Self::ChannelOpen { .. }
            | Self::Bath(_)
            | Self::ClampCurrent(_)
            | Self::ClampVoltage(_)
            | Self::Population { .. }
            | Self::Plain { .. }
            | Self::Junction { .. } => None,
            Self::Terminal { synapse, .. }
            | Self::Cleft { synapse }
            | Self::Distant { synapse, .. }
            | Self::Tap { synapse, .. }
            | Self::ReceptorCurrent { synapse, .. }
            | Self::SynapseCurrent { synapse }
            | Self::Spread { synapse, .. }
            | Self::Bound { synapse, .. }
            | Self::TurnedOver { synapse, .. }
            | Self::Occupancy { synapse, .. } => Some(synapse),
        }
    }
}

/// Quantities of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OfTerminal {
    Voltage,
    CalciumCurrent,
    OpenChannels,
    SensorCalcium,
    Calcium,
    Docked,
    Released,
    Capacitance,
    Content,
    Cytosol,
    Precursor,
    PrecursorOutside,
}

impl OfTerminal {
    /// Whether it is of the supply.
    #[must_use]
    pub fn supplied(self) -> bool {
        matches!(self, Self::Content | Self::Cytosol | Self::Precursor | Self::PrecursorOutside)
    }
}

/// Numbers to be taken of a trace.
#[derive(Debug)]
pub struct MeasurePlan {
    /// Its name.
    pub name: String,
    /// Which probe.
    pub probe: usize,
    /// What to take.
    pub take: Vec<&'static str>,
    /// The stimulus, ms.
    pub after: f64,
    /// End of the window, ms.
    pub until: f64,
    /// At which value the receiver fires; for the safety factor.
    pub threshold: Option<f64>,
    /// Which value the response cannot pass; for the safety factor.
    pub reversal: f64,
    /// At which slope an action potential begins, mV/ms.
    pub slope: f64,
}
