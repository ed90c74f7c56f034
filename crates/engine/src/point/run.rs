//! Eight point neurons over a step: from arrival to arrival, through spikes and refractory periods, each at its tick.

use super::flow::Flow;
use super::inputs::Course;
use super::lif::Exact;
use super::model::{Model, PointError};
use super::qif::Riccati;
use super::swift::{Swift, Swing, Swung};
use crate::receptor::waveform::Waveform;
use crate::time::Tick;
use numerics::simd::{F64x8, LANES, Level};
use serde::{Deserialize, Serialize};

/// Most spikes of a cell in a step.
const MOST: u32 = 1000;
/// What is left of a plain current is nothing, pA: far below what any voltage shows.
const NOTHING: f64 = 1e-14;

/// Until when an empty lane stays where it is.
const EMPTY: Tick = Tick(i64::MAX);

/// A kind of point neuron, and the plain currents it has.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    model: Model,
    courses: Vec<Course>,
    rest: (f64, f64),
    settles: bool,
    refractory: Tick,
    swift: Option<Swift>,
}

/// What acts on eight cells, in the mean over a step: the current into a cell is `i - g V`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ports {
    /// nS
    pub g: [f64; LANES],
    /// pA
    pub i: [f64; LANES],
}

/// An event of a plain current.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// When: after the beginning of the step, and not after its end.
    pub at: Tick,
    /// Of which cell.
    pub lane: usize,
    /// Of which of [`Plan::inputs`].
    pub input: usize,
    /// What it peaks at, pA; positive depolarises.
    pub weight: f64,
}

/// A spike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spike {
    /// When.
    pub at: Tick,
    /// Of which cell.
    pub lane: usize,
}

/// Eight point neurons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    clock: Tick,
    v: [f64; LANES],
    w: [f64; LANES],
    /// Until when each stays at its reset.
    held: [Tick; LANES],
    /// Whether each spiked in the last step.
    fired: [bool; LANES],
    /// Of each plain current and cell.
    inputs: Vec<[(f64, f64); LANES]>,
}

impl Plan {
    /// Of a model, and the waveforms of its plain currents.
    ///
    /// # Errors
    /// [`PointError::Number`].
    pub fn new(model: Model, inputs: &[Waveform]) -> Result<Self, PointError> {
        model.check()?;
        let (rest, settles) = model.rest();
        let refractory = Tick::from_ms(model.refractory()).unwrap_or(Tick(i64::MAX));
        let courses = inputs.iter().map(|w| Course::new(*w)).collect();
        Ok(Self { model, courses, rest, settles, refractory, swift: None })
    }

    /// Makes ready for steps of `dt`: leaky neurons far from their threshold take such a step at once, eight side by side.
    /// What comes out is the same to rounding.
    #[must_use]
    pub fn stepped(mut self, dt: Tick) -> Self {
        self.swift = match &self.model {
            Model::Lif(model) => Swift::new(model, &self.courses, dt),
            _ => None,
        };
        self
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many plain currents.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.courses.len()
    }

    /// Voltage (mV) and adaptation at rest.
    #[must_use]
    pub fn rest(&self) -> (f64, f64) {
        self.rest
    }
}

impl State {
    /// At rest, at time 0.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let (v, w) = plan.rest;
        Self {
            clock: Tick::ZERO,
            v: [v; LANES],
            w: [w; LANES],
            held: [Tick::ZERO; LANES],
            fired: [false; LANES],
            inputs: vec![[(0.0, 0.0); LANES]; plan.inputs()],
        }
    }

    /// Whether it is a state of this plan.
    #[must_use]
    pub fn is_of(&self, plan: &Plan) -> bool {
        self.inputs.len() == plan.inputs()
    }

    /// Leaves a lane empty: its cell stays where it is for ever.
    pub fn vacate(&mut self, lane: usize) {
        self.held[lane] = EMPTY;
    }

    /// Puts plain currents of a cell where a step at once has brought them.
    fn swing(&mut self, lane: usize, swung: &Swung) {
        for (of, [g, h]) in self.inputs.iter_mut().zip(&swung.inputs) {
            let (g, h) = (g.0[lane], h.0[lane]);
            of[lane] = if g.abs() < NOTHING && h.abs() < NOTHING { (0.0, 0.0) } else { (g, h) };
        }
    }

    /// Time since the start.
    #[must_use]
    pub fn clock(&self) -> Tick {
        self.clock
    }

    /// Voltage of a cell, mV.
    #[must_use]
    pub fn v_m(&self, lane: usize) -> f64 {
        self.v[lane]
    }

    /// The same with its spikes drawn in, mV.
    #[must_use]
    pub fn drawn(&self, plan: &Plan, lane: usize) -> f64 {
        if self.fired[lane] { plan.model.drawn() } else { self.v[lane] }
    }

    /// Adaptation of a cell: pA, or mV/ms of Izhikevich's model.
    #[must_use]
    pub fn adaptation(&self, lane: usize) -> f64 {
        self.w[lane]
    }

    /// Puts a cell at a voltage (mV) and an adaptation.
    pub fn set(&mut self, lane: usize, v: f64, w: f64) {
        (self.v[lane], self.w[lane]) = (v, w);
    }

    /// A plain current of a cell now, pA.
    #[must_use]
    pub fn input(&self, lane: usize, input: usize) -> f64 {
        self.inputs[input][lane].0
    }

    /// Takes an event at the clock itself.
    pub fn take(&mut self, plan: &Plan, arrival: Arrival) {
        let (g, h) = plan.courses[arrival.input].born();
        let of = &mut self.inputs[arrival.input][arrival.lane];
        *of = (g.mul_add(arrival.weight, of.0), h.mul_add(arrival.weight, of.1));
    }

    /// Puts a cell that is nearer than `off` to rest there, to the bit, if it would go there by itself; whether it is there.
    pub fn snap(&mut self, plan: &Plan, lane: usize, off: f64) -> bool {
        let (v, w) = plan.rest;
        let near = (self.v[lane] - v).abs() <= off && (self.w[lane] - w).abs() <= off;
        let quiet =
            self.held[lane] <= self.clock && !self.fired[lane] && self.inputs.iter().all(|i| i[lane] == (0.0, 0.0));
        if plan.settles && near && quiet {
            (self.v[lane], self.w[lane]) = (v, w);
            return true;
        }
        false
    }

    /// Lets time pass while nothing changes.
    pub fn sleep(&mut self, time: Tick) {
        self.clock += time;
    }
}

/// A step of `dt`. `arrivals`: of plain currents, in the order of time. Spikes are appended, in the order of time.
///
/// Cost a cell: where nothing fires, one exponential and three more
/// a plain current and event (leaky; without exponentials where [`Plan::stepped`] helps), six evaluations of the model a
/// 0.1 ms or so (the others).
///
/// # Errors
/// [`PointError`]; the state is then not to be used.
pub fn step(
    plan: &Plan,
    state: &mut State,
    dt: Tick,
    ports: &Ports,
    arrivals: &[Arrival],
    spikes: &mut Vec<Spike>,
) -> Result<(), PointError> {
    step_at(Level::best(), plan, state, dt, ports, arrivals, spikes)
}

/// [`step`] with the instructions of `level`; the same bits.
///
/// # Errors
/// As [`step`].
pub fn step_at(
    level: Level,
    plan: &Plan,
    state: &mut State,
    dt: Tick,
    ports: &Ports,
    arrivals: &[Arrival],
    spikes: &mut Vec<Spike>,
) -> Result<(), PointError> {
    advance(level, plan, state, (dt, ports, arrivals), spikes, None)
}

/// [`step`] that also tells the mean voltage of each cell over the step, mV: what a junction sees of it. While a cell is
/// refractory that is its reset; a spike itself is not in it.
///
/// # Errors
/// As [`step`].
pub fn step_and_mean(
    level: Level,
    plan: &Plan,
    state: &mut State,
    (dt, ports, arrivals): (Tick, &Ports, &[Arrival]),
    spikes: &mut Vec<Spike>,
    mean: &mut [f64; LANES],
) -> Result<(), PointError> {
    advance(level, plan, state, (dt, ports, arrivals), spikes, Some(mean))
}

fn advance(
    level: Level,
    plan: &Plan,
    state: &mut State,
    (dt, ports, arrivals): (Tick, &Ports, &[Arrival]),
    spikes: &mut Vec<Spike>,
    mut mean: Option<&mut [f64; LANES]>,
) -> Result<(), PointError> {
    let first = spikes.len();
    let span = (state.clock, state.clock + dt);
    let swift = plan.swift.as_ref().filter(|swift| swift.dt == dt && mean.is_none());
    let swung = swift.map(|swift| {
        let (v, i, inputs) = (&F64x8(state.v), &F64x8(ports.i), &state.inputs[..]);
        level.dispatch(Swing { swift, end: span.1, v, i, inputs, arrivals })
    });
    let mut here = Vec::new();
    for lane in 0..LANES {
        state.fired[lane] = false;
        if state.held[lane] == EMPTY {
            continue;
        }
        if let Some(swung) = &swung {
            let far = swung.sure >> lane & 1 == 1 && state.held[lane] <= span.0 && ports.g[lane] == 0.0;
            if far {
                state.v[lane] = swung.v.0[lane];
            }
            if far || state.held[lane] >= span.1 {
                state.swing(lane, swung);
                continue;
            }
        }
        let mut one = One {
            plan,
            lane,
            now: span.0,
            v: state.v[lane],
            w: state.w[lane],
            held: state.held[lane],
            ports: (ports.g[lane], ports.i[lane]),
            inputs: &mut state.inputs,
            here: &mut here,
            area: mean.is_some().then_some(0.0),
        };
        let before = spikes.len();
        one.run(span.1, arrivals, spikes)?;
        if let (Some(mean), Some(area)) = (mean.as_deref_mut(), one.area) {
            mean[lane] = area / dt.ms();
        }
        (state.v[lane], state.w[lane], state.held[lane]) = (one.v, one.w, one.held);
        state.fired[lane] = spikes.len() > before;
    }
    spikes[first..].sort_unstable();
    state.clock = span.1;
    Ok(())
}

/// One of the eight.
struct One<'a> {
    plan: &'a Plan,
    lane: usize,
    now: Tick,
    v: f64,
    w: f64,
    held: Tick,
    ports: (f64, f64),
    inputs: &'a mut [[(f64, f64); LANES]],
    here: &'a mut Vec<(f64, f64)>,
    /// Integral of the voltage, mV ms, where it is wanted.
    area: Option<f64>,
}

impl One<'_> {
    fn run(&mut self, end: Tick, arrivals: &[Arrival], spikes: &mut Vec<Spike>) -> Result<(), PointError> {
        let lane = self.lane;
        let mut coming = arrivals.iter().filter(|a| a.lane == lane).peekable();
        let mut fired = 0;
        loop {
            while let Some(a) = coming.next_if(|a| a.at <= self.now) {
                let (g, h) = self.plan.courses[a.input].born();
                let of = &mut self.inputs[a.input][self.lane];
                *of = (g.mul_add(a.weight, of.0), h.mul_add(a.weight, of.1));
            }
            if self.now >= end {
                break;
            }
            let until = coming.peek().map_or(end, |a| a.at.min(end));
            if self.held > self.now {
                let until = self.held.min(until);
                if let Some(area) = &mut self.area {
                    *area += self.v * (until - self.now).ms();
                }
                self.w = self.plan.model.adapted(self.v, self.w, (until - self.now).ms());
                self.pass(until);
                continue;
            }
            if let Some(at) = self.free(until) {
                fired += 1;
                if fired > MOST {
                    return Err(PointError::Endless { lane: self.lane });
                }
                self.pass(at);
                self.v = self.plan.model.reset();
                self.w += self.plan.model.increment();
                self.held = Tick(at.0.saturating_add(self.plan.refractory.0));
                spikes.push(Spike { at, lane: self.lane });
            } else {
                self.pass(until);
            }
            for (what, value) in [("the voltage", self.v), ("the adaptation", self.w)] {
                if !value.is_finite() {
                    return Err(PointError::Meaningless { what, value, lane: self.lane });
                }
            }
        }
        Ok(())
    }

    /// Plain currents up to `until`, which is then now.
    fn pass(&mut self, until: Tick) {
        let t = (until - self.now).ms();
        for (course, of) in self.plan.courses.iter().zip(self.inputs.iter_mut()) {
            let of = &mut of[self.lane];
            if *of != (0.0, 0.0) {
                *of = course.after(*of, t);
                if of.0.abs() < NOTHING && of.1.abs() < NOTHING {
                    *of = (0.0, 0.0);
                }
            }
        }
        self.now = until;
    }

    /// Voltage and adaptation up to `until`, or to the spike that comes before; then when.
    fn free(&mut self, until: Tick) -> Option<Tick> {
        let span = (until - self.now).ms();
        self.here.clear();
        self.here.extend(self.inputs.iter().map(|i| i[self.lane]));
        let (plan, ports) = (self.plan, self.ports);
        let asleep = self.here.iter().all(|s| *s == (0.0, 0.0));
        let mut area = 0.0;
        let spike = match &plan.model {
            Model::Lif(model) => {
                let exact = Exact { model, v: self.v, ports, courses: &plan.courses, inputs: self.here };
                let spike = exact.spike(span);
                if self.area.is_some() {
                    area = exact.area(spike.unwrap_or(span));
                }
                if spike.is_none() {
                    self.v = exact.v(span);
                }
                spike
            }
            Model::Qif(model) if asleep => match Riccati::new(model, ports).go(self.v, span, &mut area) {
                Ok(v) => {
                    self.v = v;
                    None
                }
                Err(at) => Some(at),
            },
            model => {
                let flow = Flow { model, ports, courses: &plan.courses, inputs: self.here };
                match flow.go(self.v, self.w, span, &mut area) {
                    Ok([v, w]) => {
                        (self.v, self.w) = (v, w);
                        None
                    }
                    Err((at, w)) => {
                        self.w = w;
                        Some(at)
                    }
                }
            }
        };
        if let Some(all) = &mut self.area {
            *all += area;
        }
        spike.map(|ms| Tick::from_ms(ms).map_or(until, |t| (self.now + t).min(until)))
    }
}
