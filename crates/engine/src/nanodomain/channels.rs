//! Channels that open and shut: what their schemes do, as currents of single ones.

use crate::ensemble::{Drive, Individuals, IndividualsPlan, Luck};
use crate::terminal::{ChannelKind, SlotDrive, TerminalError};
use crate::time::Tick;
use numerics::markov::Generator;
use numerics::rng::StreamKey;
use serde::{Deserialize, Serialize};

/// A channel's current changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opening {
    /// When.
    pub at: Tick,
    /// Which channel.
    pub channel: usize,
    /// pA from then on, inward positive; 0 when it shuts.
    pub current: f64,
}

struct Kind {
    plan: IndividualsPlan,
    open: Vec<f64>,
    count: usize,
    law: Vec<f64>,
}

/// How the channels of a terminal gate: its own kinds, each channel by itself. Immutable.
pub struct Gating {
    kinds: Vec<Kind>,
    key: StreamKey,
}

/// Its state: all that a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatingState {
    kinds: Vec<Individuals>,
    /// How open each channel is, all kinds in a row, and its current, pA.
    open: Vec<f64>,
    currents: Vec<f64>,
}

/// Ordinal of the state at the beginning, out of the way of those of jumps.
const BEGINNING: u64 = numerics::rng::ORDINALS - 1;

impl Gating {
    /// `key`: of the luck of the channels.
    ///
    /// # Errors
    /// Lists that do not fit a scheme, rates that are none or have no one law at rest.
    pub fn new(kinds: &[ChannelKind], key: StreamKey) -> Result<Self, TerminalError> {
        let one = |kind: &ChannelKind| {
            let scheme = &kind.kinetics;
            let fits = kind.open.len() == scheme.states() && kind.resting_rates.len() == scheme.transitions().len();
            if !fits || kind.open.iter().any(|w| !(0.0..=1.0).contains(w)) {
                return Err(TerminalError::Scheme(
                    "a channel has one weight, from 0 to 1, for each state, and one rate for each step",
                ));
            }
            let steps = scheme.transitions().iter().zip(&kind.resting_rates);
            let list: Vec<_> = steps.map(|(t, r)| (usize::from(t.from.0), usize::from(t.to.0), *r)).collect();
            let law = Generator::new(scheme.states(), &list).and_then(|q| q.stationary());
            let law = law.map_err(|_| TerminalError::Scheme("a channel has no one law at rest"))?;
            let plan = IndividualsPlan::folded(scheme);
            Ok(Kind { plan, open: kind.open.clone(), count: kind.positions.len(), law })
        };
        Ok(Self { kinds: kinds.iter().map(one).collect::<Result<_, _>>()?, key })
    }

    /// Where channels are, in the order in which they are numbered.
    #[must_use]
    pub fn places(kinds: &[ChannelKind]) -> Vec<[f64; 2]> {
        kinds.iter().flat_map(|k| &k.positions).copied().collect()
    }

    fn luck(&self, first: u64) -> Luck {
        Luck { key: self.key, first }
    }

    /// All channels drawn from their law at rest; the current of one that is open there begins with the first slot.
    ///
    /// # Errors
    /// More channels than can be numbered.
    pub fn start(&self) -> Result<GatingState, TerminalError> {
        let (mut kinds, mut open, mut first) = (Vec::new(), Vec::new(), 0);
        for kind in &self.kinds {
            let drawn = |copy: usize| {
                let mut share = self.key.at(first + copy as u64, BEGINNING).uniform();
                let mut state = kind.law.iter().rposition(|p| *p > 0.0).unwrap_or(0);
                for (k, p) in kind.law.iter().enumerate() {
                    share -= p;
                    if share < 0.0 {
                        state = k;
                        break;
                    }
                }
                (state as u8, 0)
            };
            open.extend((0..kind.count).map(|copy| kind.open[usize::from(drawn(copy).0)]));
            kinds.push(Individuals::new(&kind.plan, self.luck(first), kind.count, drawn)?);
            first += kind.count as u64;
        }
        let currents = vec![0.0; open.len()];
        Ok(GatingState { kinds, open, currents })
    }

    /// One slot of constant voltage, until `until`: what changes, in the order of time, for [`Plan::schedule`](super::Plan::schedule).
    ///
    /// # Errors
    /// A drive that does not fit, rates that are none, a time that is past, an outward current through an open channel.
    pub fn advance(
        &self,
        state: &mut GatingState,
        until: Tick,
        drive: &SlotDrive,
    ) -> Result<Vec<Opening>, TerminalError> {
        let fits = drive.rates.len() == self.kinds.len() && drive.unit_current.len() == self.kinds.len();
        if !fits || state.kinds.len() != self.kinds.len() {
            return Err(TerminalError::Scheme("rates and a unit current for each kind of channels"));
        }
        let GatingState { kinds, open, currents } = state;
        let (mut out, mut first) = (Vec::new(), 0);
        for (k, kind) in self.kinds.iter().enumerate() {
            let own = first..first + kind.count;
            let unit = drive.unit_current[k];
            if !(unit >= 0.0 && unit.is_finite()) {
                let must = "finite and inward (positive)";
                return Err(TerminalError::Value { what: "a unit current (pA)", value: unit, must });
            }
            let begins = kinds[k].clock();
            let changes = own.clone().filter(|&c| currents[c] != open[c] * unit);
            out.extend(changes.map(|c| Opening { at: begins, channel: c, current: open[c] * unit }));
            let rates = Drive { rates: &drive.rates[k], ligand: &[] };
            kinds[k].advance(&kind.plan, self.luck(first as u64), until, rates, &mut |m| {
                let (c, to) = (first + m.copy as usize, kind.open.get(usize::from(m.to)).copied().unwrap_or(0.0));
                if to != open[c] {
                    open[c] = to;
                    out.push(Opening { at: m.at, channel: c, current: to * unit });
                }
            })?;
            own.for_each(|c| currents[c] = open[c] * unit);
            first += kind.count;
        }
        out.sort_by_key(|o| (o.at, o.channel));
        Ok(out)
    }
}

impl std::fmt::Debug for Gating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gating").field("kinds", &self.kinds.len()).finish_non_exhaustive()
    }
}
