//! Channels whose copies are in states: a scheme instead of gates, or gates of which every copy is counted.
//!
//! To the rest of the membrane such a channel is one gate that is what is open, at once. Its states are kept beside: as
//! means they are occupancies, one law a compartment; with the conductance of one copy they are counts, moved by draws.
//! Gates of counted copies are the states of all gates together (Hodgkin & Huxley's sodium channel: 8, in 4 rows of 2).

use super::balance::Inside;
use super::channel::{Channel, ChannelInput, Gate, GateForm};
use super::plan::{BlockChannel, Plan, PlanError};
use crate::mechanism::MAX_STATES;
pub use crate::mechanism::SchemeStep;
use numerics::markov::Generator;
use numerics::simd::F64x8;

/// Copies of a counted channel in a compartment, at most.
pub const MAX_COPIES: f64 = u32::MAX as f64;

/// States of a channel and the steps between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheme {
    /// The steps; parallel ones add.
    pub steps: Vec<SchemeStep>,
    /// What a copy conducts in each state (1 to 64 of them), as a share of the most it can: 0 to 1.
    pub open: Vec<f64>,
}

/// The instantaneous gate that stands for what is open.
pub(super) const OPEN: Gate = Gate { count: 1, form: GateForm::Steady };

impl Scheme {
    /// Whether it fits a program of so many outputs.
    pub(super) fn fits(&self, outputs: usize) -> bool {
        let n = self.open.len();
        (1..=MAX_STATES).contains(&n)
            && self.open.iter().all(|x| (0.0..=1.0).contains(x))
            && self.steps.iter().all(|s| {
                let ends = [s.from, s.to].map(usize::from);
                ends.iter().all(|&state| state < n) && s.from != s.to && usize::from(s.rate) < outputs
            })
    }
}

/// How copies go from state to state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Steps(Vec<SchemeStep>),
    /// All gates together: of gate j, `state / stride_j % (count_j + 1)` are open; the stride of the first gate is 1.
    Gates(Vec<Gate>),
}

/// A channel kind with states, made ready.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct States {
    pub form: Form,
    /// By state, 0 to 1.
    pub open: Vec<f64>,
    /// Conductance of one copy, nS (permeability, um3/ms, with a GHK law), where copies are counted.
    pub single: Option<f64>,
}

/// Such a channel within a block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BlockScheme {
    /// Which of the block's channels.
    pub channel: usize,
    /// First line of its states; state s of line k of the channel is at `at + k * states + s`.
    pub at: usize,
    /// Copies by line of the channel, 0 in lanes without it; 1 of means.
    pub copies: Vec<F64x8>,
}

impl States {
    /// Of a kind that is checked; none if it has independent gates that are means.
    pub fn of(kind: &Channel) -> Option<Self> {
        match &kind.scheme {
            Some(scheme) => {
                Some(Self { form: Form::Steps(scheme.steps.clone()), open: scheme.open.clone(), single: kind.single })
            }
            None if kind.single.is_some() => {
                let states = states_of(&kind.gates);
                let mut open = vec![0.0; states];
                open[states - 1] = 1.0;
                Some(Self { form: Form::Gates(kind.gates.clone()), open, single: kind.single })
            }
            None => None,
        }
    }

    /// How many states.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Steps as (from, to, rate), for what the program puts out. Gates that follow at once do so within 1e-9 ms.
    pub fn transitions(&self, outputs: &[f64]) -> Vec<(usize, usize, f64)> {
        match &self.form {
            Form::Steps(steps) => {
                let of = |s: &SchemeStep| (usize::from(s.from), usize::from(s.to), outputs[usize::from(s.rate)]);
                steps.iter().map(of).collect()
            }
            Form::Gates(gates) => {
                let (mut all, mut stride) = (Vec::new(), 1);
                for (gate, pair) in gates.iter().zip(outputs.chunks(2)) {
                    let (opening, closing) = match gate.form {
                        GateForm::Rates => (pair[0], pair[1]),
                        GateForm::Steady => (pair[0] / pair[1].max(1e-9), (1.0 - pair[0]) / pair[1].max(1e-9)),
                    };
                    let n = usize::from(gate.count);
                    for state in 0..self.len() {
                        let k = state / stride % (n + 1);
                        if k < n {
                            all.push((state, state + stride, (n - k) as f64 * opening));
                            all.push((state + stride, state, (k + 1) as f64 * closing));
                        }
                    }
                    stride *= n + 1;
                }
                all
            }
        }
    }

    /// The law in which copies settle, into `out`; NaN if there is none or more than one.
    pub fn settled(&self, outputs: &[f64], out: &mut [f64]) {
        match &self.form {
            Form::Steps(_) => {
                let law = Generator::new(self.len(), &self.transitions(outputs)).and_then(|q| q.stationary());
                match law {
                    Ok(law) => out.copy_from_slice(&law),
                    Err(_) => out.fill(f64::NAN),
                }
            }
            Form::Gates(gates) => {
                out.fill(1.0);
                let mut stride = 1;
                for (gate, pair) in gates.iter().zip(outputs.chunks(2)) {
                    let (x, n) = (gate.form.steady(pair[0], pair[1]), usize::from(gate.count));
                    let law = several(n, x);
                    for (state, p) in out.iter_mut().enumerate() {
                        *p *= law[state / stride % (n + 1)];
                    }
                    stride *= n + 1;
                }
            }
        }
    }

    /// The share that is open of what is in the lines of a state, of `copies` in all.
    pub fn share(&self, lines: &[F64x8], lane: usize, copies: f64) -> f64 {
        self.open.iter().zip(lines).fold(0.0, |sum, (open, line)| open.mul_add(line.0[lane], sum)) / copies
    }
}

/// States of all gates together.
pub(super) fn states_of(gates: &[Gate]) -> usize {
    gates.iter().map(|gate| usize::from(gate.count) + 1).product()
}

/// Binomial law of `n` alike, each with probability `p`.
pub(super) fn several(n: usize, p: f64) -> [f64; super::MAX_POWER as usize + 1] {
    let mut law = [0.0; super::MAX_POWER as usize + 1];
    law[0] = 1.0;
    for k in 0..n {
        for i in (0..=k).rev() {
            law[i + 1] = p.mul_add(law[i], law[i + 1]);
            law[i] *= 1.0 - p;
        }
    }
    law
}

impl BlockScheme {
    /// The schemes of a block's channels; counts its lines in `lines`.
    pub fn all(channels: &[BlockChannel], kinds: &[Option<States>], lines: &mut usize) -> Vec<Self> {
        let made = channels.iter().enumerate().filter_map(|(channel, c)| {
            let states = kinds[c.channel].as_ref()?;
            let copies = c.g_max.iter().map(|g| {
                let one = |lane: usize| match states.single {
                    Some(single) => (g.0[lane] / single).round_ties_even(),
                    None => f64::from(u8::from(g.0[lane] > 0.0)),
                };
                F64x8(std::array::from_fn(one))
            });
            let at = *lines;
            *lines += c.rows.len() * states.len();
            Some(Self { channel, at, copies: copies.collect() })
        });
        made.collect()
    }
}

/// Whether copies of every insertion can be counted.
pub(super) fn check(cell: usize, described: &super::Cell, channels: &[Channel]) -> Result<(), PlanError> {
    for insertion in &described.insertions {
        let Some(single) = channels[insertion.channel].single else { continue };
        for (compartment, g) in (0..).zip(&insertion.g_max) {
            let copies = g / single;
            if copies > MAX_COPIES {
                return Err(PlanError::Copies { cell, channel: insertion.channel, compartment, copies });
            }
        }
    }
    Ok(())
}

impl Plan {
    /// Whether some channel's copies are counted, so that runs draw.
    #[must_use]
    pub fn counted(&self) -> bool {
        self.counted
    }

    /// What the program of a channel with states puts out in line `k` and a lane.
    pub(super) fn outputs_of(&self, c: &BlockChannel, (k, lane): (usize, usize), v: f64, inside: &Inside) -> Vec<f64> {
        let kind = &self.channels[c.channel];
        let input = |input: &ChannelInput| match *input {
            ChannelInput::Voltage => v,
            ChannelInput::Temperature => self.temperature,
            ChannelInput::Concentration(ion) => inside[usize::from(ion)],
            ChannelInput::Parameter(p) => match &c.parameters[usize::from(p)] {
                Some(column) => column[k].0[lane],
                None => kind.parameters[usize::from(p)],
            },
        };
        let inputs: Vec<f64> = kind.inputs.iter().map(input).collect();
        let mut out = vec![0.0; kind.rates.outputs()];
        kind.rates.interpret(&inputs, &mut out);
        out
    }

    /// The law in which the copies of a channel with states settle.
    pub(super) fn law_of(
        &self,
        states: &States,
        c: &BlockChannel,
        at: (usize, usize),
        v: f64,
        inside: &Inside,
    ) -> Vec<f64> {
        let mut law = vec![0.0; states.len()];
        states.settled(&self.outputs_of(c, at, v, inside), &mut law);
        law
    }
}
