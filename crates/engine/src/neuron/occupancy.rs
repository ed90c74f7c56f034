//! One step of channels' states under the voltage held during it: occupancies exactly, counts by exact draws.
//!
//! Occupancies go by a series ([`mechanism::onward`](crate::mechanism)); where it would need too many terms, a compartment's
//! own matrix is squared up instead ([`numerics::markov`]). Counts are moved by the rows
//! of `exp(Q h)`, gate by gate where gates are independent: exact for any step as long as the voltage stays.

use super::channel::{ChannelInput, Gate, GateForm};
use super::fault::{NeuronFault, NeuronQuantity};
use super::plan::{Block, BlockChannel, Plan, Site};
use super::run::RunError;
use super::scheme::{BlockScheme, Form, SchemeStep, States, several};
use super::state::{BlockState, State};
use crate::mechanism::{self, EvalError, Input, Onward, Series};
use crate::time::Tick;
use numerics::jump::Binomial;
use numerics::markov::Generator;
use numerics::math;
use numerics::rng::{Draws, StreamKey};
use numerics::simd::{F64x8, LANES, Level};

/// Keys of the luck of one channel kind in the eight cells of a block.
pub type Luck = [StreamKey; LANES];

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Outputs of the program, line `output * rows + k`.
    outputs: Vec<F64x8>,
    /// Rows of `exp(Q h)`.
    law: Vec<F64x8>,
    scratch: Vec<F64x8>,
    gathered: Vec<F64x8>,
    evaluation: mechanism::Scratch,
}

/// When a step of the states is, and how far it goes.
#[derive(Clone, Copy)]
pub(super) struct Interval {
    pub level: Level,
    /// ms.
    pub h: f64,
    pub start: Tick,
    /// Number of the draw.
    pub ordinal: u64,
}

/// A channel with states at its place.
struct Here<'a> {
    plan: &'a Plan,
    block: &'a Block,
    scheme: &'a BlockScheme,
    states: &'a States,
    c: &'a BlockChannel,
}

/// Advances the states of a channel of a block, and hands to the membrane what is open: `rates` become those of a gate
/// that follows at once.
pub(super) fn advance(
    (plan, block, scheme): (&Plan, &Block, &BlockScheme),
    state: &mut BlockState,
    interval: Interval,
    luck: impl FnOnce(usize) -> Option<Luck>,
    work: &mut Work,
    rates: &mut [F64x8],
) -> Result<(), RunError> {
    let c = &block.channels[scheme.channel];
    let Some(states) = &plan.schemes[c.channel] else { return Ok(()) };
    let here = Here { plan, block, scheme, states, c };
    let luck = match states.single {
        Some(_) => Some(luck(c.channel).ok_or(RunError::Luck { channel: c.channel })?),
        None => None,
    };
    here.evaluate(interval.level, (&state.v, &state.pools), work)?;
    let (m, n) = (c.rows.len(), states.len());
    let lines = &mut state.schemes[scheme.at..scheme.at + m * n];
    for k in 0..m {
        let own = &mut lines[k * n..(k + 1) * n];
        match (&states.form, &luck) {
            (Form::Steps(steps), None) => here.means(steps, k, own, interval, work)?,
            (Form::Steps(steps), Some(luck)) => here.jumps(steps, (k, luck), own, interval, work)?,
            (Form::Gates(gates), Some(luck)) => here.gates(gates, (k, luck), own, interval, work)?,
            // Gates that nobody counts are none of this.
            (Form::Gates(_), None) => {}
        }
        let (open, at_once) = (2 * c.gates_at + k, 2 * c.gates_at + m + k);
        rates[at_once] = F64x8::splat(0.0);
        for lane in 0..LANES {
            let copies = scheme.copies[k].0[lane];
            rates[open].0[lane] = if copies > 0.0 { states.share(own, lane, copies) } else { 0.0 };
        }
    }
    Ok(())
}

impl Here<'_> {
    /// The program on all rows, into `work.outputs`.
    fn evaluate(&self, level: Level, (v, pools): (&[F64x8], &[F64x8]), work: &mut Work) -> Result<(), EvalError> {
        let (c, kind) = (self.c, &self.plan.channels[self.c.channel]);
        let m = c.rows.len();
        // Voltages, then the concentrations that are read.
        work.gathered.clear();
        work.gathered.extend(c.rows.iter().map(|&row| v[row as usize]));
        for lines in c.reads.iter().flatten() {
            work.gathered.extend(lines.iter().map(|&line| pools[line as usize]));
        }
        let mut columns = work.gathered.chunks_exact(m);
        let v = columns.next().unwrap_or_default();
        let input = |input: &ChannelInput| match *input {
            ChannelInput::Voltage => Input::Column(F64x8::as_f64s(v)),
            ChannelInput::Temperature => Input::Uniform(self.plan.temperature),
            ChannelInput::Concentration(_) => Input::Column(F64x8::as_f64s(columns.next().unwrap_or_default())),
            ChannelInput::Parameter(p) => match &c.parameters[usize::from(p)] {
                Some(column) => Input::Column(F64x8::as_f64s(column)),
                None => Input::Uniform(kind.parameters[usize::from(p)]),
            },
        };
        let inputs: Vec<Input> = kind.inputs.iter().map(input).collect();
        let outputs = kind.rates.outputs();
        work.outputs.resize(outputs * m, F64x8::splat(0.0));
        let mut out: Vec<&mut [f64]> = F64x8::as_f64s_mut(&mut work.outputs).chunks_exact_mut(m * LANES).collect();
        self.plan.evaluators[c.channel].eval(level, &inputs, &mut out, &mut work.evaluation)
    }

    /// Lanes that have the channel in line `k`.
    fn present(&self, k: usize) -> u8 {
        let copies = &self.scheme.copies[k].0;
        (0..LANES).filter(|&lane| copies[lane] > 0.0).fold(0, |bits, lane| bits | 1 << lane)
    }

    /// A rate that is none, in a lane of line `k`.
    fn fault(&self, k: usize, lane: usize, at: Tick, outputs: &[F64x8]) -> RunError {
        let m = self.c.rows.len();
        let mut values = (0..outputs.len() / m).map(|o| (o, outputs[o * m + k].0[lane]));
        let (output, value) = values.find(|(_, x)| !(*x >= 0.0 && x.is_finite())).unwrap_or((0, f64::NAN));
        let channel = self.c.channel;
        let quantity = match &self.states.form {
            Form::Steps(_) => NeuronQuantity::SchemeRate { channel, output },
            Form::Gates(_) => NeuronQuantity::Rate { channel, gate: output / 2 },
        };
        let (cell, compartment) = self.block.at(self.c.rows[k], lane);
        let compartment = compartment as usize;
        NeuronFault { quantity, value, cell, compartment, at }.into()
    }

    /// A compartment's own matrix, for steps that the series would need too many terms for.
    fn stiff(&self, k: usize, lane: usize, interval: Interval, outputs: &[F64x8]) -> Result<Vec<f64>, RunError> {
        let m = self.c.rows.len();
        let of: Vec<f64> = (0..outputs.len() / m).map(|o| outputs[o * m + k].0[lane]).collect();
        let made =
            Generator::new(self.states.len(), &self.states.transitions(&of)).and_then(|q| q.propagator(interval.h));
        made.map(|p| p.as_slice().to_vec()).map_err(|_| self.fault(k, lane, interval.start, outputs))
    }

    /// Occupancies of line `k`.
    fn means(
        &self,
        steps: &[SchemeStep],
        k: usize,
        own: &mut [F64x8],
        interval: Interval,
        work: &mut Work,
    ) -> Result<(), RunError> {
        let (n, m, present) = (own.len(), self.c.rows.len(), self.present(k));
        work.law.resize(n.max(work.law.len()), F64x8::splat(0.0));
        let before = &mut work.law[..n];
        before.copy_from_slice(own);
        let series = Series { steps, outputs: &work.outputs, m, k, h: interval.h, scratch: &mut work.scratch };
        let (sound, mild) = interval.level.dispatch(Onward { series, lines: own, wanted: None });
        if sound & present != present {
            let lane = (present & !sound).trailing_zeros() as usize;
            return Err(self.fault(k, lane, interval.start, &work.outputs));
        }
        for lane in 0..LANES {
            let bit = 1 << lane;
            if present & bit == 0 {
                own.iter_mut().for_each(|line| line.0[lane] = 0.0);
            } else if mild & bit == 0 {
                let p = self.stiff(k, lane, interval, &work.outputs)?;
                for (j, line) in own.iter_mut().enumerate() {
                    let into = |sum: f64, i: usize| before[i].0[lane].mul_add(p[i * n + j], sum);
                    line.0[lane] = (0..n).fold(0.0, into);
                }
            }
        }
        Ok(())
    }

    /// Counts of line `k`, moved by the rows of the compartments' own matrices.
    fn jumps(
        &self,
        steps: &[SchemeStep],
        (k, luck): (usize, &Luck),
        own: &mut [F64x8],
        interval: Interval,
        work: &mut Work,
    ) -> Result<(), RunError> {
        let (n, m, present) = (own.len(), self.c.rows.len(), self.present(k));
        work.law.resize((n * n).max(work.law.len()), F64x8::splat(0.0));
        let mut wanted = [false; mechanism::MAX_STATES];
        for (wanted, line) in wanted.iter_mut().zip(&*own) {
            *wanted = line.0.iter().any(|count| *count > 0.0);
        }
        let law = &mut work.law[..n * n];
        let series = Series { steps, outputs: &work.outputs, m, k, h: interval.h, scratch: &mut work.scratch };
        let (sound, mild) = interval.level.dispatch(Onward { series, lines: law, wanted: Some(&wanted[..n]) });
        if sound & present != present {
            let lane = (present & !sound).trailing_zeros() as usize;
            return Err(self.fault(k, lane, interval.start, &work.outputs));
        }
        let mut row = [0.0; mechanism::MAX_STATES];
        for lane in (0..LANES).filter(|lane| present & 1 << lane != 0) {
            let stiff = match mild & 1 << lane {
                0 => Some(self.stiff(k, lane, interval, &work.outputs)?),
                _ => None,
            };
            let mut draws = luck[lane].at(u64::from(self.c.rows[k]), interval.ordinal);
            let mut after = [0; mechanism::MAX_STATES];
            for (s, line) in own.iter().enumerate().filter(|(_, line)| line.0[lane] > 0.0) {
                for (j, p) in row[..n].iter_mut().enumerate() {
                    *p = stiff.as_ref().map_or(law[s * n + j].0[lane], |p| p[s * n + j]);
                }
                move_on(&row[..n], s, line.0[lane] as u64, &mut draws, &mut after[..n], 1);
            }
            for (line, count) in own.iter_mut().zip(after) {
                line.0[lane] = count as f64;
            }
        }
        Ok(())
    }

    /// Counts of line `k`, gate by gate: each is independent of the others.
    fn gates(
        &self,
        gates: &[Gate],
        (k, luck): (usize, &Luck),
        own: &mut [F64x8],
        interval: Interval,
        work: &mut Work,
    ) -> Result<(), RunError> {
        let (n, m, present) = (own.len(), self.c.rows.len(), self.present(k));
        let outputs = &work.outputs;
        let (mut counts, mut after) = (vec![0_u64; n], vec![0_u64; n]);
        for lane in (0..LANES).filter(|lane| present & 1 << lane != 0) {
            let mut draws = luck[lane].at(u64::from(self.c.rows[k]), interval.ordinal);
            for (count, line) in counts.iter_mut().zip(&*own) {
                *count = line.0[lane] as u64;
            }
            let mut stride = 1;
            for (j, gate) in gates.iter().enumerate() {
                let (a, b) = (outputs[2 * j * m + k].0[lane], outputs[(2 * j + 1) * m + k].0[lane]);
                let Some((opens, closes)) = shares(gate.form, a, b, interval.h) else {
                    return Err(self.fault(k, lane, interval.start, outputs));
                };
                let width = usize::from(gate.count) + 1;
                let laws = flips(width, opens, closes);
                after.fill(0);
                for (state, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                    let i = state / stride % width;
                    let first = state - i * stride;
                    move_on(&laws[i][..width], i, count, &mut draws, &mut after[first..], stride);
                }
                std::mem::swap(&mut counts, &mut after);
                stride *= width;
            }
            for (line, count) in own.iter_mut().zip(&counts) {
                line.0[lane] = *count as f64;
            }
        }
        Ok(())
    }
}

/// Share of closed copies of a gate that are open after `h`, and of open ones that are closed; none if a rate is none.
fn shares(form: GateForm, a: f64, b: f64, h: f64) -> Option<(f64, f64)> {
    let sound = a >= 0.0 && b >= 0.0 && a.is_finite();
    match form {
        GateForm::Rates if sound && b.is_finite() => {
            let s = a + b;
            let moved = if s > 0.0 { -math::expm1(-h * s) / s } else { 0.0 };
            Some(((a * moved).min(1.0), (b * moved).min(1.0)))
        }
        GateForm::Steady if sound && a <= 1.0 => {
            let moved = -math::expm1(-h / b);
            Some((a * moved, (1.0 - a) * moved))
        }
        _ => None,
    }
}

type Row = [f64; super::MAX_POWER as usize + 1];

/// By how many of `width - 1` alike gates are open: the law of how many are after a step.
fn flips(width: usize, opens: f64, closes: f64) -> [Row; super::MAX_POWER as usize + 1] {
    let mut laws = [[0.0; super::MAX_POWER as usize + 1]; super::MAX_POWER as usize + 1];
    for (i, law) in laws.iter_mut().take(width).enumerate() {
        // Of open ones, who close; of closed ones, who open.
        let (gone, come) = (several(i, closes), several(width - 1 - i, opens));
        for (g, p) in gone[..=i].iter().enumerate() {
            for (c, q) in come[..width - i].iter().enumerate() {
                law[i - g + c] = p.mul_add(*q, law[i - g + c]);
            }
        }
    }
    laws
}

/// Distributes `count` copies by `law`, those that stay first; `after` has a place every `stride`.
fn move_on(law: &[f64], from: usize, count: u64, draws: &mut Draws, after: &mut [u64], stride: usize) {
    let away: f64 = law.iter().enumerate().filter(|(j, _)| *j != from).map(|(_, p)| p).sum();
    let whole = law[from] + away;
    let draw = |p: f64, n: u64, draws: &mut Draws| Binomial::new(p.min(1.0)).map_or(0, |b| b.draw(draws, n));
    let mut left = count - draw(law[from] / whole, count, draws);
    after[from * stride] += count - left;
    if left == 0 {
        return;
    }
    // What is left of the law from each state on, by sums from its end.
    let mut tails = [0.0; mechanism::MAX_STATES + 1];
    for j in (0..law.len()).rev() {
        tails[j] = tails[j + 1] + if j == from { 0.0 } else { law[j] };
    }
    let mut last = from;
    for j in (0..law.len()).filter(|j| *j != from) {
        if left == 0 || tails[j] == 0.0 {
            break;
        }
        let taken = draw(law[j] / tails[j], left, draws);
        after[j * stride] += taken;
        left -= taken;
        last = if law[j] > 0.0 { j } else { last };
    }
    // Only if rounding left somebody: the last state that can be.
    after[last * stride] += left;
}

impl State {
    /// Draws where the copies of every counted channel are: each by the law in which it settles at the voltage it sees, as
    /// [`State::settle`] and [`Plan::rest`] leave it. `luck`: by block and channel kind.
    ///
    /// # Panics
    /// If the state is of another plan.
    pub fn populate(&mut self, plan: &Plan, luck: impl Fn(usize, usize) -> Luck) {
        assert!(self.is_of(plan), "the state of this plan");
        for (index, (block, state)) in plan.blocks.iter().zip(&mut self.blocks).enumerate() {
            for scheme in &block.schemes {
                let c = &block.channels[scheme.channel];
                let Some(states) = plan.schemes[c.channel].as_ref().filter(|s| s.single.is_some()) else { continue };
                let (luck, n) = (luck(index, c.channel), states.len());
                for (k, &row) in c.rows.iter().enumerate() {
                    let own = &mut state.schemes[scheme.at + k * n..][..n];
                    for lane in (0..LANES).filter(|&lane| scheme.copies[k].0[lane] > 0.0) {
                        let law: Vec<f64> = own.iter().map(|line| line.0[lane]).collect();
                        let mut draws = luck[lane].at(u64::from(row), self.ordinal);
                        let mut counts = vec![0; n];
                        move_on(&law, 0, scheme.copies[k].0[lane] as u64, &mut draws, &mut counts, 1);
                        for (line, count) in own.iter_mut().zip(counts) {
                            line.0[lane] = count as f64;
                        }
                        let share = states.share(own, lane, scheme.copies[k].0[lane]);
                        state.gates[c.gates_at + k].0[lane] = share;
                    }
                }
            }
        }
        self.ordinal += 1;
        self.populated = true;
    }

    /// Copies of a channel kind at a site, where they are counted; 0 where it is not.
    ///
    /// # Panics
    /// If the site does not exist.
    #[must_use]
    pub fn copies(&self, plan: &Plan, site: Site, channel: usize) -> f64 {
        found(plan, site, channel).map_or(0.0, |(scheme, k)| scheme.copies[k].0[site.lane])
    }

    /// What is in a state of a channel kind at a site: a share, or a number of copies where they are counted. After
    /// Crank-Nicolson steps it is that of half a step before the clock. None where the channel is not, or has no such state.
    ///
    /// # Panics
    /// If the site does not exist.
    #[must_use]
    pub fn occupancy(&self, plan: &Plan, site: Site, channel: usize, state: usize) -> Option<f64> {
        let (scheme, k) = found(plan, site, channel)?;
        let n = plan.schemes[channel].as_ref().map_or(0, States::len);
        let here = state < n && scheme.copies[k].0[site.lane] > 0.0;
        here.then(|| self.blocks[site.block].schemes[scheme.at + k * n + state].0[site.lane])
    }
}

fn found(plan: &Plan, site: Site, channel: usize) -> Option<(&BlockScheme, usize)> {
    let block = &plan.blocks[site.block];
    let scheme = block.schemes.iter().find(|s| block.channels[s.channel].channel == channel)?;
    let k = block.channels[scheme.channel].rows.binary_search(&site.compartment).ok()?;
    Some((scheme, k))
}
