//! What junctions remember: states of their channels, what modulators have done, voltages of the last steps.

use super::coupled::{Coupled, KindPlan};
use super::outside::Passing;
use super::run::CircuitRunError;
use crate::junction::{Drive, JunctionInput, Modulator};
use crate::mechanism::{self, Input, Onward, Series};
use crate::time::Tick;
use numerics::markov::Generator;
use numerics::math;
use numerics::simd::{F64x8, LANES, Level};
use serde::{Deserialize, Serialize};

/// The state of all junctions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Junctions {
    /// By component and place, of the last three steps, the last one first: the currents that came in through junctions, or
    /// where something follows the voltages otherwise than in proportion, the voltages that junctions saw.
    pub past: Vec<[Vec<f64>; 3]>,
    /// How many of these have been.
    pub steps: u8,
    /// By kind: occupancies, eight junctions a line, `line * states + state`.
    pub states: Vec<Vec<f64>>,
    /// By kind, junction and modulator: the share of channels that are modified, and the trace of events.
    pub modified: Vec<Vec<[f64; 2]>>,
    /// By junction.
    pub passed: Vec<Passing>,
}

/// Working memory of a kind.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    across: Vec<f64>,
    outputs: Vec<F64x8>,
    scratch: Vec<F64x8>,
    pub evaluation: mechanism::Scratch,
}

impl KindPlan {
    /// Lines of eight junctions.
    pub fn lines(&self) -> usize {
        self.junctions.len().div_ceil(LANES)
    }

    /// The program at voltages `across`, a whole number of lines; output by output into `outputs`.
    pub fn evaluate(
        &self,
        level: Level,
        across: &[f64],
        outputs: &mut Vec<F64x8>,
        scratch: &mut mechanism::Scratch,
    ) -> Result<(), mechanism::EvalError> {
        let lines = across.len() / LANES;
        outputs.resize(self.kind.rates.outputs() * lines, F64x8::default());
        let input = |input: &JunctionInput| match *input {
            JunctionInput::Across => Input::Column(across),
            JunctionInput::Parameter(k) => Input::Uniform(self.kind.parameters[usize::from(k)]),
        };
        let inputs: Vec<Input> = self.kind.inputs.iter().map(input).collect();
        let mut out: Vec<&mut [f64]> = F64x8::as_f64s_mut(outputs).chunks_exact_mut(lines.max(1) * LANES).collect();
        self.evaluator.eval(level, &inputs, &mut out, scratch)
    }

    /// What the channels of a junction conduct, by its place among those of the kind.
    pub fn open(&self, states: &[f64], k: usize) -> f64 {
        let Some(scheme) = &self.kind.scheme else { return 1.0 };
        let n = scheme.open.len();
        let (line, lane) = (k / LANES, k % LANES);
        let share = |(s, open): (usize, &f64)| open * states[(line * n + s) * LANES + lane];
        scheme.open.iter().enumerate().map(share).sum()
    }

    /// What modulators have made of the strength of a junction.
    pub fn strength(&self, modified: &[[f64; 2]], k: usize) -> f64 {
        let n = self.kind.modulators.len();
        let own = self.kind.modulators.iter().zip(&modified[k * n..]);
        own.fold(1.0, |all, (m, [share, _])| all * m.change.mul_add(*share, 1.0))
    }

    /// Whether its conductance stays as it is, but for what follows the voltage at once.
    pub fn is_static(&self) -> bool {
        self.kind.scheme.is_none() && self.kind.modulators.is_empty()
    }

    fn transitions(&self, output: impl Fn(u16) -> f64) -> Vec<(usize, usize, f64)> {
        let steps = self.kind.scheme.iter().flat_map(|s| &s.steps);
        steps.map(|s| (usize::from(s.from), usize::from(s.to), output(s.rate))).collect()
    }
}

impl Junctions {
    /// With the voltages `v` of the places, by component: states where they settle, held messengers in equilibrium, no events.
    pub fn settled(coupled: &Coupled, v: &[Vec<f64>]) -> Self {
        let level = Level::best();
        let mut work = Evaluated::default();
        let (mut states, mut modified) = (Vec::new(), Vec::new());
        for kind in &coupled.kinds {
            let begin = |m: &Modulator| match m.by {
                Drive::Held(share) => [steady(m, share), 0.0],
                _ => [0.0; 2],
            };
            let each: Vec<[f64; 2]> = kind.kind.modulators.iter().map(begin).collect();
            modified.push(each.repeat(kind.junctions.len()));
            states.push(settle(coupled, kind, v, level, &mut work));
        }
        let past = v.iter().map(|v| std::array::from_fn(|_| vec![0.0; v.len()])).collect();
        let mut made = Self { past, steps: 0, states, modified, passed: Vec::new() };
        made.passed = made.passing(coupled, v, level, &mut work);
        made
    }

    /// What passes at the voltages `v` of the places, by component.
    fn passing(&self, coupled: &Coupled, v: &[Vec<f64>], level: Level, work: &mut Evaluated) -> Vec<Passing> {
        let mut passed = vec![Passing::default(); coupled.junctions.len()];
        let mut g = vec![0.0; coupled.junctions.len()];
        self.conductances(coupled, true, &mut g);
        for kind in coupled.kinds.iter().filter(|k| !k.junctions.is_empty()) {
            kind.across(coupled, v, &mut work.across);
            let Evaluated { across, outputs, evaluation, .. } = &mut *work;
            let known = kind.kind.at_once.filter(|_| kind.evaluate(level, across, outputs, evaluation).is_ok());
            for (k, &junction) in kind.junctions.iter().enumerate() {
                let left =
                    known.map_or(1.0, |output| outputs[usize::from(output) * kind.lines() + k / LANES].0[k % LANES]);
                let g = g[junction as usize] * left;
                let strength = self.strength(coupled, junction as usize);
                passed[junction as usize] = Passing { current: g * across[k], g, strength };
            }
        }
        passed
    }

    /// Whether it is of these junctions.
    pub fn fits(&self, coupled: &Coupled) -> bool {
        let n = |k: &KindPlan| k.kind.scheme.as_ref().map_or(0, |s| s.open.len());
        let mut kinds = coupled.kinds.iter().zip(&self.states).zip(&self.modified);
        let mut places = coupled.components.iter().zip(&self.past);
        self.states.len() == coupled.kinds.len()
            && self.modified.len() == coupled.kinds.len()
            && kinds.all(|((k, s), m)| {
                s.len() == k.lines() * n(k) * LANES && m.len() == k.junctions.len() * k.kind.modulators.len()
            })
            && self.past.len() == coupled.components.len()
            && places.all(|(c, p)| p.iter().all(|p| p.len() == c.net.places()))
            && self.passed.len() == coupled.junctions.len()
    }

    /// States of channels onward by `h` ms under the voltages `v` of the places.
    pub fn open_and_close(
        &mut self,
        coupled: &Coupled,
        v: &[Vec<f64>],
        (level, h, at): (Level, f64, Tick),
        work: &mut Evaluated,
    ) -> Result<(), CircuitRunError> {
        for (kind, states) in coupled.kinds.iter().zip(&mut self.states) {
            let Some(scheme) = &kind.kind.scheme else { continue };
            if kind.junctions.is_empty() {
                continue;
            }
            kind.across(coupled, v, &mut work.across);
            let Evaluated { across, outputs, scratch, evaluation } = work;
            kind.evaluate(level, across, outputs, evaluation).map_err(crate::neuron::RunError::from)?;
            let (n, m) = (scheme.open.len(), kind.lines());
            let mut line = vec![F64x8::default(); n];
            for k in 0..m {
                let own = &mut states[k * n * LANES..(k + 1) * n * LANES];
                F64x8::as_f64s_mut(&mut line).copy_from_slice(own);
                let series = Series { steps: &scheme.steps, outputs, m, k, h, scratch };
                let (sound, mild) = level.dispatch(Onward { series, lines: &mut line, wanted: None });
                for lane in 0..LANES.min(kind.junctions.len() - k * LANES) {
                    let bit = 1 << lane;
                    let junction = kind.junctions[k * LANES + lane] as usize;
                    let across = across[k * LANES + lane];
                    if sound & bit == 0 {
                        return Err(CircuitRunError::JunctionRate { junction, across, at });
                    }
                    if mild & bit == 0 {
                        let of = kind.transitions(|r| outputs[usize::from(r) * m + k].0[lane]);
                        let p = Generator::new(n, &of).and_then(|q| q.propagator(h));
                        let p = p.map_err(|_| CircuitRunError::JunctionRate { junction, across, at })?;
                        let before: Vec<f64> = (0..n).map(|s| own[s * LANES + lane]).collect();
                        let mut after = vec![0.0; n];
                        p.apply(&before, &mut after);
                        (0..n).for_each(|s| line[s].0[lane] = after[s]);
                    }
                }
                own.copy_from_slice(F64x8::as_f64s(&line));
            }
        }
        Ok(())
    }

    /// Modulators onward by `h` ms under the traces of now.
    pub fn modulate(&mut self, coupled: &Coupled, h: f64) {
        for (kind, modified) in coupled.kinds.iter().zip(&mut self.modified) {
            let n = kind.kind.modulators.len();
            for of in modified.chunks_exact_mut(n.max(1)) {
                for (m, [share, trace]) in kind.kind.modulators.iter().zip(of) {
                    let driven = match m.by {
                        Drive::Held(x) => x,
                        _ => saturation(m, *trace),
                    };
                    let rate = driven / m.time + 1.0 / m.forget;
                    if rate > 0.0 {
                        let steady = driven / m.time / rate;
                        *share = (*share - steady).mul_add(math::exp(-rate * h), steady);
                    }
                }
            }
        }
    }

    /// Traces over a step, and the spikes within it: when, of which neuron, at the root.
    pub fn hear(&mut self, coupled: &Coupled, (end, dt): (Tick, Tick), spikes: impl Iterator<Item = (Tick, u32)>) {
        if coupled.listeners.is_empty() {
            return;
        }
        for (kind, modified) in coupled.kinds.iter().zip(&mut self.modified) {
            let n = kind.kind.modulators.len();
            for of in modified.chunks_exact_mut(n.max(1)) {
                for (m, [_, trace]) in kind.kind.modulators.iter().zip(of) {
                    if !matches!(m.by, Drive::Held(_)) && *trace != 0.0 {
                        *trace *= math::exp(-dt.ms() / m.trace);
                    }
                }
            }
        }
        for (at, cell) in spikes {
            for &(junction, b) in coupled.listeners.get(&cell).into_iter().flatten() {
                self.add(coupled, junction, |m| match m.by {
                    Drive::A if !b => math::exp(-(end - at).ms() / m.trace),
                    Drive::B if b => math::exp(-(end - at).ms() / m.trace),
                    Drive::Either => math::exp(-(end - at).ms() / m.trace),
                    _ => 0.0,
                });
            }
        }
    }

    /// Events that were told from outside, now.
    pub fn told(&mut self, coupled: &Coupled, events: &[(u32, f64)]) {
        for &(junction, events) in events {
            self.add(coupled, junction, |m| if m.by == Drive::Told { events } else { 0.0 });
        }
    }

    /// Adds to the traces of a junction.
    fn add(&mut self, coupled: &Coupled, junction: u32, more: impl Fn(&Modulator) -> f64) {
        let kind = usize::from(coupled.junctions[junction as usize].kind);
        let plan = &coupled.kinds[kind];
        let Ok(k) = plan.junctions.binary_search(&junction) else { return };
        let n = plan.kind.modulators.len();
        for (m, [_, trace]) in plan.kind.modulators.iter().zip(&mut self.modified[kind][k * n..]) {
            *trace += more(m);
        }
    }

    /// Conductances now, nS, but for what follows the voltage at once: of the kinds that move, or of all.
    pub fn conductances(&self, coupled: &Coupled, all: bool, g: &mut [f64]) {
        for (number, kind) in coupled.kinds.iter().enumerate().filter(|(_, k)| all || !k.is_static()) {
            for (k, &junction) in kind.junctions.iter().enumerate() {
                let strength = kind.strength(&self.modified[number], k) * kind.open(&self.states[number], k);
                g[junction as usize] = coupled.junctions[junction as usize].g * strength;
            }
        }
    }

    /// What modulators have made of the strength of a junction.
    pub fn strength(&self, coupled: &Coupled, junction: usize) -> f64 {
        let kind = usize::from(coupled.junctions[junction].kind);
        let k = coupled.kinds[kind].junctions.binary_search(&(junction as u32)).unwrap_or(0);
        coupled.kinds[kind].strength(&self.modified[kind], k)
    }
}

impl KindPlan {
    /// Voltages across its junctions, a whole number of lines; the last one again to fill them.
    fn across(&self, coupled: &Coupled, v: &[Vec<f64>], across: &mut Vec<f64>) {
        across.clear();
        across.extend(self.junctions.iter().map(|&j| {
            let (component, own) = coupled.of[j as usize];
            let [a, b] = coupled.components[component as usize].net.sides()[own as usize];
            let v = &v[component as usize];
            v[a as usize] - v[b as usize]
        }));
        let last = across.last().copied().unwrap_or(0.0);
        across.resize(self.lines() * LANES, last);
    }
}

fn saturation(m: &Modulator, trace: f64) -> f64 {
    if trace <= 0.0 {
        return 0.0;
    }
    1.0 / (1.0 + math::pow(m.half / trace, m.power))
}

/// The share that is modified in equilibrium.
fn steady(m: &Modulator, share: f64) -> f64 {
    let (on, off) = (share / m.time, 1.0 / m.forget);
    if on > 0.0 { on / (on + off) } else { 0.0 }
}

/// Occupancies where they settle; all in the first state where that cannot be told.
fn settle(coupled: &Coupled, kind: &KindPlan, v: &[Vec<f64>], level: Level, work: &mut Evaluated) -> Vec<f64> {
    let Some(scheme) = &kind.kind.scheme else { return Vec::new() };
    let (n, m) = (scheme.open.len(), kind.lines());
    let mut states = vec![0.0; m * n * LANES];
    if m == 0 {
        return states;
    }
    kind.across(coupled, v, &mut work.across);
    let Evaluated { across, outputs, evaluation, .. } = work;
    let done = kind.evaluate(level, across, outputs, evaluation).is_ok();
    for k in 0..m * LANES {
        let (line, lane) = (k / LANES, k % LANES);
        let of = kind.transitions(|r| outputs[usize::from(r) * m + line].0[lane]);
        let law = Generator::new(n, &of).and_then(|q| q.stationary()).ok().filter(|_| done);
        let law = law.unwrap_or_else(|| (0..n).map(|s| if s == 0 { 1.0 } else { 0.0 }).collect());
        (0..n).for_each(|s| states[(line * n + s) * LANES + lane] = law[s]);
    }
    states
}
