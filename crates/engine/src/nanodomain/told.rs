//! What a trial tells: who changed, who was seen, where all ions are.

/// Where all ions are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// There at the start, free and bound.
    pub initial: u64,
    /// Come in through channels, or released, since.
    pub entered: u64,
    /// Come in from solutions at rest since.
    pub arrived: u64,
    /// Free.
    pub free: u64,
    /// Bound to each buffer.
    pub bound: Vec<u64>,
    /// Held by each kind of sensors.
    pub held: Vec<u64>,
    /// Pumped out by each kind.
    pub pumped: Vec<u64>,
    /// Gone through walls.
    pub escaped: u64,
}

impl Budget {
    /// Whether it adds up.
    #[must_use]
    pub fn balances(&self) -> bool {
        let kept: u64 = self.bound.iter().chain(&self.held).chain(&self.pumped).sum();
        self.initial + self.entered + self.arrived == self.free + kept + self.escaped
    }
}

/// A sensor that has gone from state to state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changed {
    /// Its kind.
    pub kind: usize,
    /// Which of its members.
    pub member: usize,
    /// The state before.
    pub from: usize,
    /// The state after.
    pub to: usize,
    /// When, ms.
    pub at: f64,
}

/// A free ion that a probe has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// By which.
    pub probe: usize,
    /// Where, um.
    pub place: [f64; 3],
    /// When, ms.
    pub at: f64,
}

/// What is told while a trial goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Told {
    /// A sensor changed.
    Changed(Changed),
    /// An ion was seen.
    Seen(Seen),
}
