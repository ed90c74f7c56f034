//! The sending side of a synapse: from the sender's voltage to vesicles that fuse.
//!
//! Away from rest the voltage is constant within a slot (its value at the slot's middle, second order); at rest the
//! terminal settles and sleeps, and its next opening or fusion is drawn. A sender whose spikes are given is a slot ahead
//! at most, one with a membrane never.

use super::contact::{content, purpose};
use super::plan::OfTerminal;
use super::population::{VESICLES, spikes_key};
use crate::lower::Folded;
use engine::mechanism::KineticsError;
use engine::membrane::Ghk;
use engine::terminal::action_potential::ActionPotential;
use engine::terminal::sites::Fusion;
use engine::terminal::{Shift, SlotDrive, Terminal, TerminalError, TerminalScratch, TerminalState};
use engine::time::Tick;
use numerics::jump::Binomial;
use numerics::math;
use numerics::rng::{Draws, StreamKey};
use serde::{Deserialize, Serialize};

/// Closer to its resting voltage than this a terminal is at rest, mV: of an imposed voltage, of a membrane's.
const AT_REST: [f64; 2] = [1e-3, 1.0];

/// The pool of vesicles in the terminal's membrane.
pub const FUSED: usize = 4;

/// Where the terminal's voltage comes from.
#[derive(Debug)]
pub enum Driver {
    /// Action potentials that start at given times.
    Spikes {
        /// Ascending.
        starts: Vec<Tick>,
        /// Its shape.
        shape: ActionPotential,
    },
    /// Action potentials at random, at other times in each trial.
    Poisson {
        /// /ms
        rate: f64,
        /// From the sender to here.
        delay: Tick,
        /// Their shape.
        shape: ActionPotential,
        /// The sender, whose luck it is.
        sender: String,
    },
    /// Action potentials of a point neuron, as they come.
    Sent {
        /// From the sender to here.
        delay: Tick,
        /// Their shape.
        shape: ActionPotential,
    },
    /// An imposed course.
    Course {
        /// As it is at the sender.
        course: ActionPotential,
        /// How much later it is here.
        delay: Tick,
    },
    /// The sending cell's membrane, so much earlier: no delay, or a step at least.
    Axon {
        /// Conduction.
        delay: Tick,
    },
}

/// The law of a channel's current.
#[derive(Debug)]
pub enum Law {
    /// Goldman, Hodgkin and Katz: permeability of an open channel in um3/ms, mM inside and outside.
    Ghk {
        /// For calcium at the model's temperature.
        ghk: Ghk,
        /// um3/ms
        permeability: f64,
        /// mM inside, outside.
        concentrations: (f64, f64),
    },
    /// Ohmic: nS and mV.
    Ohmic {
        /// nS
        conductance: f64,
        /// mV
        e_rev: f64,
    },
}

/// A kind of calcium channel.
#[derive(Debug)]
pub struct ChannelKind {
    /// Its scheme.
    pub folded: Folded,
    /// Names of the states; none where they are rungs of a ladder.
    pub states: Vec<String>,
    /// How many of them are its own, before those that drugs add.
    pub own: Option<usize>,
    /// Its current.
    pub law: Law,
}

impl ChannelKind {
    /// Current of an open channel at `v` mV, pA, inward positive.
    #[must_use]
    pub fn unit_current(&self, v: f64) -> f64 {
        match self.law {
            Law::Ghk { ghk, permeability, concentrations: (inside, outside) } => {
                -ghk.current(permeability, v, inside, outside)
            }
            Law::Ohmic { conductance, e_rev } => conductance * (e_rev - v),
        }
    }
}

/// Rates and unit currents of all kinds at one voltage.
#[derive(Debug, Clone, Default)]
pub struct At {
    rates: Vec<Vec<f64>>,
    currents: Vec<f64>,
}

impl At {
    /// Rates of each kind's transitions, /ms.
    #[must_use]
    pub fn rates(&self) -> &[Vec<f64>] {
        &self.rates
    }

    /// Current of an open channel of each kind, pA, inward positive.
    #[must_use]
    pub fn currents(&self) -> &[f64] {
        &self.currents
    }
}

/// Rates and unit currents of `kinds` at `v` mV.
///
/// # Errors
/// Rates that are negative or not finite.
pub fn at(kinds: &[ChannelKind], v: f64) -> Result<At, KineticsError> {
    let rates = kinds.iter().map(|k| k.folded.rates_at(v)).collect::<Result<_, _>>()?;
    Ok(At { rates, currents: kinds.iter().map(|k| k.unit_current(v)).collect() })
}

/// How vesicles come to fuse.
#[derive(Debug)]
pub enum Release {
    /// One vesicle at each spike, for looking at what follows release.
    Certain {
        /// Upward crossing of the sender's voltage that counts as a spike, mV.
        threshold: f64,
    },
    /// Vesicles at sites, each released by a spike with a probability; emptied sites fill again.
    Sites {
        /// As above.
        threshold: f64,
        /// How many.
        sites: u32,
        /// Of a docked vesicle at a spike.
        probability: Binomial,
        /// Of an empty site, /ms.
        refill: f64,
    },
    /// Channels, calcium, sensors, pools.
    Mechanism(Box<Mechanism>),
}

/// The machinery of a terminal.
#[derive(Debug)]
pub struct Mechanism {
    /// The organ.
    pub terminal: Terminal,
    /// Its channels, by kind.
    pub kinds: Vec<ChannelKind>,
    /// Length of a slot.
    pub slot: Tick,
    /// mV
    pub resting: f64,
    /// One action potential, slot by slot.
    pub table: Vec<At>,
}

/// The sending side.
#[derive(Debug)]
pub struct Sending {
    /// Where its voltage comes from.
    pub driver: Driver,
    /// How vesicles come to fuse.
    pub release: Release,
    /// Molecules in a vesicle, mean.
    pub molecules: f64,
    /// Relative spread of a vesicle's diameter.
    pub spread: f64,
    /// Capacitance of a vesicle's membrane, fF, if its size is known.
    pub vesicle: Option<f64>,
    /// Whether its calcium current enters the membrane of its sender.
    pub loads: bool,
    /// Whether it is followed what its vesicles hold.
    pub supplied: bool,
}

/// Its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Action potentials of this trial, where they come at random.
    starts: Vec<Tick>,
    pub(super) organ: Organ,
}

/// The state of what releases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Organ {
    /// Clock of certain release.
    Certain(Tick),
    /// Of sites.
    Sites {
        /// Up to when spikes are known.
        clock: Tick,
        /// The last spike, how many there were, and vesicles docked after it.
        seen: Tick,
        /// Spikes so far.
        ordinal: u64,
        /// Vesicles docked after the last.
        docked: u32,
    },
    /// Of the organ.
    Mechanism(Box<TerminalState>),
}

/// Its working memory.
#[derive(Debug, Default)]
pub struct Scratch {
    terminal: TerminalScratch,
    /// Where vesicles went in the last call, in the order of time, where that is followed.
    pub shifts: Vec<Shift>,
}

impl Sending {
    /// What its draws are for: sites have the luck of the first synapse of a population.
    pub(super) fn purpose(&self) -> u32 {
        if matches!(self.release, Release::Sites { .. }) { VESICLES } else { purpose::TERMINAL }
    }

    /// Address of the spikes of a sender that has a rate.
    pub(super) fn spikes_key(&self, seed: u64, trial: u64) -> StreamKey {
        spikes_key(seed, trial, if let Driver::Poisson { sender, .. } = &self.driver { sender } else { "" })
    }

    /// Places at which vesicles can fuse.
    #[must_use]
    pub fn places(&self) -> u32 {
        match &self.release {
            Release::Certain { .. } => 1,
            Release::Sites { sites, .. } => *sites,
            Release::Mechanism(m) => m.terminal.sites() as u32,
        }
    }

    /// How long ago the sender had the voltage that the terminal has, where that must be remembered.
    pub(super) fn memory(&self) -> Option<Tick> {
        if let Driver::Axon { delay } = self.driver { Some(delay).filter(|d| *d > Tick::ZERO) } else { None }
    }

    /// At rest, at time 0, with the spikes until `end` that `spikes` gives a sender that has a rate.
    pub(super) fn start(&self, key: StreamKey, spikes: StreamKey, end: Tick) -> Result<State, TerminalError> {
        let starts = if let Driver::Poisson { rate, delay, .. } = &self.driver {
            random_spikes(spikes, *rate, *delay, end)
        } else {
            Vec::new()
        };
        let organ = match &self.release {
            Release::Certain { .. } => Organ::Certain(Tick::ZERO),
            Release::Sites { sites, .. } => {
                Organ::Sites { clock: Tick::ZERO, seen: Tick::ZERO, ordinal: 0, docked: *sites }
            }
            Release::Mechanism(m) => Organ::Mechanism(Box::new(m.terminal.with_key(key).start(0)?)),
        };
        Ok(State { starts, organ })
    }

    /// Action potentials, if the sender only spikes: where they begin, ascending, and their shape.
    fn spikes<'a>(&'a self, starts: &'a [Tick]) -> Option<(&'a [Tick], &'a ActionPotential)> {
        match &self.driver {
            Driver::Spikes { starts, shape } => Some((starts, shape)),
            Driver::Poisson { shape, .. } | Driver::Sent { shape, .. } => Some((starts, shape)),
            _ => None,
        }
    }

    /// Content of the next vesicle, molecules.
    pub(super) fn molecules(&self, draws: &mut Draws) -> f64 {
        if self.spread == 0.0 { self.molecules } else { self.molecules * self.size(draws) }
    }

    /// Volume of the next vesicle, relative to the mean.
    pub(super) fn size(&self, draws: &mut Draws) -> f64 {
        if self.spread == 0.0 { 1.0 } else { content(self.spread, draws.normal()) }
    }

    /// mV at `at`, while the sender's voltage runs from `v.0` to `v.1` in `span`.
    fn voltage(&self, starts: &[Tick], at: Tick, span: (Tick, Tick), v: (f64, f64)) -> f64 {
        match &self.driver {
            Driver::Spikes { shape, .. } | Driver::Poisson { shape, .. } | Driver::Sent { shape, .. } => {
                let starts = self.spikes(starts).map_or(starts, |s| s.0);
                let last = starts.partition_point(|&s| s <= at);
                let since = starts[..last].partition_point(|&s| (at - s).ms() > shape.duration());
                shape.train(&starts[since..last], at)
            }
            Driver::Course { course, delay } => course.at(at - *delay),
            Driver::Axon { .. } => {
                let share = (at - span.0).ms() / (span.1 - span.0).ms();
                (v.1 - v.0).mul_add(share, v.0)
            }
        }
    }

    /// Advances to the end of `span` or up to a slot beyond; fusions are appended in the order of time.
    pub(super) fn advance(
        &self,
        state: &mut State,
        scratch: &mut Scratch,
        key: StreamKey,
        span: (Tick, Tick),
        v: (f64, f64),
        fusions: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        let State { starts, organ } = state;
        match (&self.release, organ) {
            (Release::Certain { threshold }, Organ::Certain(clock)) => {
                self.certain(*threshold, starts, span, v, fusions);
                *clock = span.1;
                Ok(())
            }
            (
                &Release::Sites { threshold, sites, probability, refill },
                Organ::Sites { clock, seen, ordinal, docked },
            ) => {
                let first = fusions.len();
                self.certain(threshold, starts, span, v, fusions);
                // As `engine::population` draws them, at the same address.
                for Fusion { at, .. } in fusions.split_off(first) {
                    let mut draws = key.at(0, *ordinal);
                    let filled = if refill > 0.0 { -math::expm1(-refill * (at - *seen).ms()) } else { 0.0 };
                    let filled = Binomial::new(filled).map_or(0, |b| b.draw(&mut draws, u64::from(sites - *docked)));
                    *docked += filled as u32;
                    let released = probability.draw(&mut draws, u64::from(*docked)) as u32;
                    *docked -= released;
                    (*seen, *ordinal) = (at, *ordinal + 1);
                    fusions.extend((0..released).map(|site| Fusion { at, site }));
                }
                *clock = span.1;
                Ok(())
            }
            (Release::Mechanism(m), Organ::Mechanism(state)) => {
                let terminal = m.terminal.with_key(key);
                scratch.shifts.clear();
                while state.clock() < span.1 {
                    self.slot((m, &terminal, starts), state, scratch, span, v, fusions)?;
                    if self.supplied {
                        scratch.shifts.extend_from_slice(scratch.terminal.shifts());
                    }
                }
                Ok(())
            }
            _ => Err(TerminalError::Scheme("a state of this terminal is needed")),
        }
    }

    fn certain(
        &self,
        threshold: f64,
        starts: &[Tick],
        (from, to): (Tick, Tick),
        v: (f64, f64),
        fusions: &mut Vec<Fusion>,
    ) {
        if let Some((starts, _)) = self.spikes(starts) {
            let now = starts.iter().filter(|s| (from..to).contains(*s));
            fusions.extend(now.map(|&at| Fusion { at, site: 0 }));
            return;
        }
        let (a, b) = (self.voltage(starts, from, (from, to), v), self.voltage(starts, to, (from, to), v));
        if a < threshold && b >= threshold {
            let share = (threshold - a) / (b - a);
            let within = ((to - from).0 as f64 * share) as i64;
            fusions.push(Fusion { at: from + Tick(within.min((to - from).0 - 1)), site: 0 });
        }
    }

    /// One slot away from rest, or a stretch at rest.
    fn slot(
        &self,
        (m, terminal, starts): (&Mechanism, &Terminal, &[Tick]),
        state: &mut TerminalState,
        scratch: &mut Scratch,
        span: (Tick, Tick),
        v: (f64, f64),
        fusions: &mut Vec<Fusion>,
    ) -> Result<(), TerminalError> {
        let now = state.clock();
        let scratch = &mut scratch.terminal;
        let (begin, end) = match &self.driver {
            Driver::Spikes { shape, .. } | Driver::Poisson { shape, .. } | Driver::Sent { shape, .. } => {
                let starts = self.spikes(starts).map_or(starts, |s| s.0);
                let next = starts.partition_point(|&s| s <= now);
                let until = starts.get(next).copied();
                let active = next > 0 && (now - starts[next - 1]).ms() < shape.duration();
                if !active {
                    let until = until.map_or(span.1, |s| s.min(span.1));
                    return terminal.settle(state, scratch, until, fusions);
                }
                let start = starts[next - 1];
                let k = (now - start).0 / m.slot.0;
                let end = start + m.slot * (k + 1);
                let alone = next < 2 || (start - starts[next - 2]).ms() >= shape.duration();
                if alone
                    && start + m.slot * k == now
                    && until.is_none_or(|s| s >= end)
                    && let Some(at) = m.table.get(k as usize)
                {
                    let drive = SlotDrive { rates: &at.rates, unit_current: &at.currents };
                    return terminal.advance(state, scratch, m.slot, &drive, fusions);
                }
                (now, until.map_or(end, |s| s.min(end)))
            }
            Driver::Course { .. } => (now, m.slot * (now.0 / m.slot.0 + 1)),
            Driver::Axon { .. } => {
                // Slots of one length that fill the step; a silence is one stretch.
                if [v.0, v.1].iter().all(|v| (v - m.resting).abs() <= AT_REST[1]) {
                    return terminal.settle(state, scratch, span.1, fusions);
                }
                let length = (span.1 - span.0).0;
                let n = (length + m.slot.0 - 1) / m.slot.0;
                // Slot `k` begins at `length * k / n`, rounded down.
                let k = ((now - span.0).0 * n + n - 1) / length;
                (now, span.0 + Tick(length * (k + 1) / n))
            }
        };
        let middle = Tick(begin.0 + (end.0 - begin.0) / 2);
        let voltage = self.voltage(starts, middle, span, v);
        let near = AT_REST[usize::from(matches!(self.driver, Driver::Axon { .. }))];
        if (voltage - m.resting).abs() <= near {
            return terminal.settle(state, scratch, end, fusions);
        }
        let at = at(&m.kinds, voltage)?;
        let drive = SlotDrive { rates: &at.rates, unit_current: &at.currents };
        terminal.advance(state, scratch, end - begin, &drive, fusions)
    }

    /// A quantity at `now`.
    pub(super) fn read(&self, state: &State, quantity: OfTerminal, now: Tick) -> f64 {
        let voltage = || match &self.driver {
            Driver::Axon { .. } => f64::NAN,
            _ => self.voltage(&state.starts, now, (now, now), (0.0, 0.0)),
        };
        if let (OfTerminal::Docked, Organ::Sites { seen, docked, .. }, &Release::Sites { sites, refill, .. }) =
            (quantity, &state.organ, &self.release)
        {
            // The mean, for refilling is drawn when the next spike comes.
            let empty = f64::from(sites - docked) * math::exp(-refill * (now - *seen).ms().max(0.0));
            return f64::from(sites) - empty;
        }
        let Organ::Mechanism(state) = &state.organ else {
            return if quantity == OfTerminal::Voltage { voltage() } else { f64::NAN };
        };
        let sites = if let Release::Mechanism(m) = &self.release { m.terminal.sites() } else { 0 };
        let kinds = if let Release::Mechanism(m) = &self.release { m.kinds.len() } else { 0 };
        match quantity {
            OfTerminal::Voltage => voltage(),
            OfTerminal::CalciumCurrent => -state.current(),
            OfTerminal::OpenChannels => (0..kinds).map(|k| state.open_channels(k)).sum(),
            OfTerminal::SensorCalcium => (0..sites).map(|i| state.calcium_at(i)).sum::<f64>() / sites.max(1) as f64,
            OfTerminal::Calcium => state.bulk_calcium(),
            OfTerminal::Docked => f64::from(state.docked()),
            OfTerminal::Released => state.released() as f64,
            OfTerminal::Capacitance => {
                let fused = state.pools().get(FUSED).map_or(0, |n| *n);
                f64::from(fused) * self.vesicle.unwrap_or(f64::NAN)
            }
            // Of the supply, which is not the terminal's.
            OfTerminal::Content | OfTerminal::Cytosol | OfTerminal::Precursor | OfTerminal::PrecursorOutside => {
                f64::NAN
            }
        }
    }

    /// Calcium that has come in since the start, fC.
    pub(super) fn influx(&self, state: &State) -> f64 {
        if let Organ::Mechanism(state) = &state.organ { state.influx() } else { 0.0 }
    }

    /// When anything happens next if the sender's membrane stays at rest, if before `until`.
    pub(super) fn next_event(&self, state: &State, now: Tick, until: Tick) -> Option<Tick> {
        let driven = match &self.driver {
            Driver::Spikes { shape, .. } | Driver::Poisson { shape, .. } | Driver::Sent { shape, .. } => {
                let starts = self.spikes(&state.starts).map_or(&[][..], |s| s.0);
                let next = starts.partition_point(|&s| s < now);
                let active = next > 0 && (now - starts[next - 1]).ms() < shape.duration();
                if active { Some(now) } else { starts.get(next).copied() }
            }
            Driver::Course { course, delay } => ((now - *delay).ms() <= course.duration()).then_some(now),
            Driver::Axon { .. } => None,
        };
        let own = match (&self.release, &state.organ) {
            (Release::Mechanism(m), Organ::Mechanism(state)) => m.terminal.next_event(state, until),
            _ => None,
        };
        driven.into_iter().chain(own).min().filter(|&at| at < until)
    }

    /// What the organ did, if there is one.
    pub(super) fn work(&self, state: &State) -> engine::terminal::Work {
        if let Organ::Mechanism(state) = &state.organ { state.work() } else { engine::terminal::Work::default() }
    }

    /// A point neuron that sends has spiked at `at`. What has been computed beyond it stays, a slot at most.
    pub(super) fn hear(&self, state: &mut State, at: Tick) {
        let Driver::Sent { delay, shape } = &self.driver else { return };
        let start = (at + *delay).max(Self::clock(state, Tick::ZERO));
        // Action potentials that are over are nothing to anybody.
        state.starts.retain(|s| (start - *s).ms() <= 2.0 * shape.duration() || *s > start);
        state.starts.push(start);
    }

    /// Up to when all fusions are known, if the neurons have been stepped to `to`.
    pub(super) fn clock(state: &State, to: Tick) -> Tick {
        match &state.organ {
            Organ::Certain(clock) | Organ::Sites { clock, .. } => (*clock).max(to),
            Organ::Mechanism(state) => state.clock(),
        }
    }
}

/// Spikes with exponential intervals until `end`: those of the first member of a population of such senders.
fn random_spikes(key: StreamKey, rate: f64, delay: Tick, end: Tick) -> Vec<Tick> {
    let mut starts = Vec::new();
    let mut now = delay;
    for ordinal in 0.. {
        let ms = key.at(0, ordinal).exponential() / rate;
        if ms > (end - now).ms() {
            break;
        }
        now += Tick(((ms * 1e9) as i64).max(1));
        starts.push(now);
    }
    starts
}
