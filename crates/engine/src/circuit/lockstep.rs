//! Cells that junctions join, step by step together: what acts on each, elimination up to the roots, the voltages at the
//! junctions, and the way back.

use super::coupled::{Coupled, Together};
use super::drive::BlockDrive;
use super::junctions::{Evaluated, Junctions};
use super::outside::Passing;
use super::points::PointBlock;
use super::run::CircuitRunError;
use crate::junction::{Restless, TOLERANCE, Vectors};
use crate::neuron::{self, Clock, Moment, NeuronFault, Spike, Staged, Stages, Stepping};
use crate::time::Tick;
use numerics::simd::{F64x8, LANES};
use rayon::prelude::*;

/// Blocks that a thread takes at least.
const FEW: usize = 24;
/// Places of components, together, from which several threads find voltages.
const MANY: usize = 1 << 12;
/// How often voltages are sought anew with what follows them at once.
const ROUNDS: usize = 60;
/// How often point neurons are asked. One that is just about to fire may have no answer that agrees with its neighbours'; then
/// the last one counts.
const ASKED: usize = 12;
/// For the slope of a conductance by the voltage across, mV.
const APART: f64 = 1e-3;

/// Working memory; never saved.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub stages: Vec<Stages>,
    befores: Vec<Vec<f64>>,
    found: Vec<Vec<Spike>>,
    sought: Vec<Sought>,
    /// By component and place: voltages when the step begins.
    v: Vec<Vec<f64>>,
    /// By junction, but for what follows the voltage at once, nS.
    g: Vec<f64>,
    kinds: Evaluated,
    heard: Vec<(Tick, u32)>,
}

/// Voltages of a component on trial.
#[derive(Debug, Default)]
struct Sought {
    vectors: Vectors,
    /// Before the last round.
    y: Vec<F64x8>,
    raised: Vec<F64x8>,
    /// Of junctions that follow the voltage at once: the current at 0 mV by the tangent, pA, and its slope, nS.
    tangents: Vec<[f64; 2]>,
    damped: bool,
    done: bool,
    /// Of the first half of a damped step, by junction: current, and voltage across.
    half: Vec<[f64; 2]>,
    kinds: Evaluated,
}

/// What goes together, and for how long.
pub(super) struct Lockstep<'a, 'b> {
    pub coupled: &'a Coupled,
    pub stepping: Stepping,
    pub steps: u64,
    pub clock: Clock,
    pub cells: Vec<(Staged<'a>, &'b mut BlockDrive<'a>)>,
    pub points: Vec<PointBlock<'a>>,
    /// Junctions that are recorded: which, and where; every so many steps.
    pub watched: &'a [u32],
    pub every: u64,
}

impl Memory {
    /// Of a plan, with what junctions conduct now.
    pub fn fit(&mut self, coupled: &Coupled, junctions: &Junctions) {
        self.stages.resize_with(coupled.cells.len(), Stages::default);
        self.befores.resize_with(coupled.cells.len(), Vec::new);
        self.found.resize_with(coupled.cells.len(), Vec::new);
        self.g.resize(coupled.junctions.len(), 0.0);
        self.v.resize_with(coupled.components.len(), Vec::new);
        self.sought.resize_with(coupled.components.len(), Sought::default);
        junctions.conductances(coupled, true, &mut self.g);
        for (k, component) in coupled.components.iter().enumerate() {
            let of = &mut self.sought[k];
            self.v[k].resize(component.net.places(), 0.0);
            if !of.vectors.fits(&component.net) {
                of.vectors = Vectors::of(&component.net);
            }
            of.tangents.resize(component.junctions.len(), [0.0; 2]);
            of.weigh(component, &self.g);
        }
    }
}

impl Sought {
    /// Puts conductances at the ends of all junctions.
    fn weigh(&mut self, component: &Together, g: &[f64]) {
        for (&junction, ends) in component.junctions.iter().zip(component.net.ends()) {
            ends.iter().for_each(|end| self.vectors.weights[*end as usize] = g[junction as usize]);
        }
        let first = self.vectors.weights.first().copied();
        let alike = component.at_once.is_empty() && self.vectors.weights.iter().all(|w| Some(*w) == first);
        self.vectors.even = first.filter(|_| alike);
    }

    /// Lays tangents, at the voltages `y`, to currents that follow the voltage at once.
    fn tangents(
        &mut self,
        coupled: &Coupled,
        component: &Together,
        g: &[f64],
        stepping: Stepping,
    ) -> Result<(), CircuitRunError> {
        self.vectors.given.fill(F64x8::default());
        for (number, list) in &component.at_once {
            let kind = &coupled.kinds[usize::from(*number)];
            let Some(output) = kind.kind.at_once else { continue };
            let y = F64x8::as_f64s(&self.vectors.y);
            let sides = component.net.sides();
            let across: Vec<f64> =
                list.iter().map(|&k| y[sides[k as usize][0] as usize] - y[sides[k as usize][1] as usize]).collect();
            let n = list.len().div_ceil(LANES) * LANES;
            let mut tried = Vec::with_capacity(3 * n);
            for apart in [0.0, -APART, APART] {
                tried.extend(across.iter().map(|v| v + apart));
                let last = tried.last().copied().unwrap_or(0.0);
                tried.resize(tried.len().div_ceil(LANES) * LANES, last);
            }
            let mut outputs = Vec::new();
            kind.evaluate(stepping.level, &tried, &mut outputs, &mut self.kinds.evaluation)
                .map_err(neuron::RunError::from)?;
            let shares = &F64x8::as_f64s(&outputs)[usize::from(output) * 3 * n..][..3 * n];
            for (k, (&own, &v)) in list.iter().zip(&across).enumerate() {
                let g = g[component.junctions[own as usize] as usize];
                let current = |share: f64, v: f64| g * share * v;
                let (low, high) = (current(shares[n + k], v - APART), current(shares[2 * n + k], v + APART));
                // Where the current falls the slope is left out, and the rounds go on for longer.
                let slope = ((high - low) / (2.0 * APART)).max(0.0);
                let at_zero = current(shares[k], v) - slope * v;
                self.tangents[own as usize] = [at_zero, slope];
                let [a, b] = sides[own as usize];
                let given = F64x8::as_f64s_mut(&mut self.vectors.given);
                given[a as usize] -= at_zero;
                given[b as usize] += at_zero;
                component.net.ends()[own as usize].iter().for_each(|end| self.vectors.weights[*end as usize] = slope);
            }
        }
        Ok(())
    }

    /// Of the junctions that follow the voltage at once the one whose voltage across still changed most in the last round.
    fn least_at_rest(&self, component: &Together) -> usize {
        let (before, now) = (F64x8::as_f64s(&self.y), F64x8::as_f64s(&self.vectors.y));
        let moved = |own: u32| {
            let [a, b] = component.net.sides()[own as usize].map(|k| now[k as usize] - before[k as usize]);
            (a - b).abs()
        };
        let all = component.at_once.iter().flat_map(|(_, list)| list).copied();
        all.max_by(|a, b| moved(*a).total_cmp(&moved(*b))).unwrap_or(0) as usize
    }

    /// Current through a junction, pA, which side a loses; and the voltage across, mV.
    fn through(&self, component: &Together, own: usize) -> [f64; 2] {
        let y = F64x8::as_f64s(&self.vectors.y);
        let [a, b] = component.net.sides()[own];
        let end = component.net.ends()[own][0];
        let across = y[a as usize] - y[b as usize];
        [self.tangents[own][0] + self.vectors.weights[end as usize] * across, across]
    }

    /// What elimination has left of the places that are compartments.
    fn gather(&mut self, component: &Together, cells: &[(Staged<'_>, &mut BlockDrive<'_>)], whole: bool) {
        let Vectors { factor, inverse, rest, .. } = &mut self.vectors;
        let [factor, inverse, rest] = [factor, inverse, rest].map(|column| F64x8::as_f64s_mut(column));
        for run in &component.compartments {
            let [of_factor, of_inverse, of_rest] = cells[run.at.block as usize].0.row(run.at.row);
            if whole {
                factor[run.places()].copy_from_slice(&of_factor.0[run.lanes()]);
                inverse[run.places()].copy_from_slice(&of_inverse.0[run.lanes()]);
            }
            rest[run.places()].copy_from_slice(&of_rest.0[run.lanes()]);
        }
    }

    /// Solves; gives how far voltages have moved from where they were, if that is of interest.
    fn solve(&mut self, component: &Together, stepping: Stepping) -> Result<f64, Restless> {
        if component.is_simple() {
            component.net.solve(stepping.level, &mut self.vectors)?;
            return Ok(0.0);
        }
        self.y.clone_from(&self.vectors.y);
        component.net.solve_from_voltages(stepping.level, &mut self.vectors)?;
        let (before, now) = (F64x8::as_f64s(&self.y), F64x8::as_f64s(&self.vectors.y));
        Ok(before.iter().zip(now).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs())))
    }
}

/// What point neurons have answered, as rows of the system: `(T + G) y - sum of w y of others = b`, exact where they were asked, with
/// the slope that their membranes have without spikes.
fn points_answer(component: &Together, of: &mut Sought, points: &[PointBlock<'_>]) {
    for &(k, at) in &component.points {
        let k = k as usize;
        let (mean, [g, i], slope) = points[at.block as usize].answer(at.lane as usize);
        let whole = 1.0 / slope;
        let alone = whole - g;
        F64x8::as_f64s_mut(&mut of.vectors.inverse)[k] = 1.0 / alone;
        F64x8::as_f64s_mut(&mut of.vectors.rest)[k] = (whole * mean - i) / alone;
    }
}

impl Lockstep<'_, '_> {
    /// Goes on by all steps; spikes come in no order.
    pub fn run(
        &mut self,
        memory: &mut Memory,
        junctions: &mut Junctions,
        spikes: &mut Vec<Spike>,
        passed: &mut [Vec<Passing>],
    ) -> Result<(), CircuitRunError> {
        for step in 0..self.steps {
            let moment = self.clock.moment(self.stepping);
            let from = spikes.len();
            self.begin(moment)?;
            self.look(memory);
            let h = (moment.at - self.clock.gates_at).ms();
            junctions.open_and_close(
                self.coupled,
                &memory.v,
                (self.stepping.level, h, moment.start),
                &mut memory.kinds,
            )?;
            junctions.modulate(self.coupled, h);
            self.guess(memory, junctions);
            self.meet(memory, junctions, moment)?;
            self.end(memory, moment, spikes)?;
            memory.heard.clear();
            memory.heard.extend(spikes[from..].iter().filter(|s| s.compartment == 0).map(|s| (s.at, s.cell)));
            junctions.hear(self.coupled, (moment.end, self.stepping.dt), memory.heard.iter().copied());
            let ordinal = (moment.end.0 / self.stepping.dt.0) as u64;
            if !self.watched.is_empty() && ordinal.is_multiple_of(self.every) {
                for (to, &junction) in passed.iter_mut().zip(self.watched) {
                    to.push(self.passing(memory, junctions, junction as usize));
                }
            }
            if step + 1 == self.steps {
                for junction in 0..self.coupled.junctions.len() {
                    junctions.passed[junction] = self.passing(memory, junctions, junction);
                }
            }
            self.clock = self.clock.after(moment);
        }
        Ok(())
    }

    /// What acts, and elimination up to the roots.
    fn begin(&mut self, moment: Moment) -> Result<(), CircuitRunError> {
        let clock = self.clock;
        let one = |(staged, drive): &mut (Staged<'_>, &mut BlockDrive<'_>)| {
            staged.act(&mut **drive, moment);
            staged.eliminate(&**drive, clock, moment)
        };
        if self.cells_are_few() {
            for cell in &mut self.cells {
                one(cell)?;
            }
        } else {
            let all: Vec<Result<(), neuron::RunError>> = self.cells.par_iter_mut().with_min_len(FEW).map(one).collect();
            all.into_iter().collect::<Result<(), _>>()?;
        }
        self.points.iter_mut().for_each(PointBlock::act);
        Ok(())
    }

    fn cells_are_few(&self) -> bool {
        self.cells.len() < 2 * FEW
    }

    /// Voltages of all places, where anything looks at them.
    fn look(&self, memory: &mut Memory) {
        for (component, v) in self.coupled.components.iter().zip(&mut memory.v) {
            if !self.coupled.looks(component) {
                continue;
            }
            for run in &component.compartments {
                let from = self.cells[run.at.block as usize].0.v(run.at.row);
                v[run.places()].copy_from_slice(&from.0[run.lanes()]);
            }
            for &(k, at) in &component.points {
                v[k as usize] = self.points[at.block as usize].v_m(at.lane as usize);
            }
        }
    }

    /// What comes in half a step ahead, through that of the last three steps; or voltages, through those of now and of the last
    /// two; and what junctions conduct.
    fn guess(&self, memory: &mut Memory, junctions: &Junctions) {
        if self.coupled.kinds.iter().any(|k| !k.is_static() && !k.junctions.is_empty()) {
            junctions.conductances(self.coupled, false, &mut memory.g);
            for (component, of) in self.coupled.components.iter().zip(&mut memory.sought) {
                of.weigh(component, &memory.g);
            }
        }
        let all = self.coupled.components.iter().zip(&mut memory.sought).zip(&memory.v).zip(&junctions.past);
        for (((component, of), v), past) in all {
            let [last, before, first] = past;
            if component.is_simple() {
                let inflow = F64x8::as_f64s_mut(&mut of.vectors.inflow);
                let all = inflow.iter_mut().zip(last).zip(before).zip(first);
                match junctions.steps {
                    0 => inflow.fill(0.0),
                    1 => all.for_each(|(((i, last), _), _)| *i = *last),
                    2 => all.for_each(|(((i, last), before), _)| *i = 2.0 * last - before),
                    _ => all.for_each(|(((i, last), before), first)| *i = 3.0 * (last - before) + first),
                }
                continue;
            }
            let y = F64x8::as_f64s_mut(&mut of.vectors.y);
            for (((y, v), last), before) in y.iter_mut().zip(v).zip(last).zip(before) {
                *y = match junctions.steps {
                    0 => *v,
                    1 => 2.0 * v - last,
                    _ => (8.0 * v - 6.0 * last + before) * (1.0 / 3.0),
                };
            }
        }
    }

    /// Finds the voltages of all places, and tells elimination what flows in.
    fn meet(&mut self, memory: &mut Memory, junctions: &mut Junctions, moment: Moment) -> Result<(), CircuitRunError> {
        for (component, of) in self.coupled.components.iter().zip(&mut memory.sought) {
            let cells = &mut self.cells;
            let jumped =
                component.roots.iter().any(|at| cells[at.block as usize].0.is_damped(at.row, at.lane as usize));
            // A point neuron knows no halves of a step.
            of.damped = jumped && component.points.is_empty();
            of.done = false;
            if jumped {
                component
                    .roots
                    .iter()
                    .for_each(|at| cells[at.block as usize].0.damp(at.row, at.lane as usize, of.damped));
            }
        }
        self.find(memory, moment, true)?;
        for ((component, of), past) in self.coupled.components.iter().zip(&memory.sought).zip(&mut junctions.past) {
            past.rotate_right(1);
            let n = past[0].len();
            let found = if component.is_simple() { &of.vectors.inflow } else { &of.vectors.y };
            past[0].copy_from_slice(&F64x8::as_f64s(found)[..n]);
        }
        junctions.steps = (junctions.steps + 1).min(3);
        Ok(())
    }

    /// Rounds until nothing moves: of all components at first, then of those in the second half of a damped step.
    fn find(&mut self, memory: &mut Memory, moment: Moment, first: bool) -> Result<(), CircuitRunError> {
        let (coupled, stepping, g) = (self.coupled, self.stepping, &memory.g);
        let coupling = |component: &Together, own: usize, change: f64| CircuitRunError::Coupling {
            junction: component.junctions[own] as usize,
            at: moment.start,
            change,
        };
        for round in 0..ROUNDS {
            let last = round + 1 == ROUNDS;
            let open = |(of, c): (&Sought, &Together)| !of.done && !c.points.is_empty();
            // Afterwards their last answers stand.
            if round < ASKED && memory.sought.iter().zip(&coupled.components).any(open) {
                for (component, of) in coupled.components.iter().zip(&memory.sought) {
                    if !of.done {
                        self.points_hear(component, of);
                    }
                }
                for point in &mut self.points {
                    point.ask()?;
                }
            }
            let (cells, points) = (&self.cells, &self.points);
            let one = |(component, of): (&Together, &mut Sought)| -> Result<(), CircuitRunError> {
                if of.done {
                    return Ok(());
                }
                if round == 0 {
                    of.gather(component, cells, first);
                }
                if !component.at_once.is_empty() {
                    of.tangents(coupled, component, g, stepping)?;
                }
                points_answer(component, of, points);
                let change = of.solve(component, stepping).map_err(|Restless { place, change }| {
                    let at = |sides: &[u32; 2]| sides.contains(&(place as u32));
                    coupling(component, component.net.sides().iter().position(at).unwrap_or(0), change)
                })?;
                let simple = component.is_simple();
                let asked = component.at_once.is_empty() && round + 1 >= ASKED;
                // What is no number comes from a cell, which will say so.
                of.done = simple || asked || change <= TOLERANCE || change.is_nan();
                if last && !of.done {
                    return Err(coupling(component, of.least_at_rest(component), change));
                }
                if of.done {
                    of.raised.resize(of.vectors.rest.len(), F64x8::default());
                    let Vectors { factor, inverse, inflow, .. } = &of.vectors;
                    component.net.raise((factor, inverse), inflow, &mut of.raised);
                }
                Ok(())
            };
            let places: usize = coupled.components.iter().map(|c| c.net.places()).sum();
            if coupled.components.len() > 1 && places >= MANY {
                let all = coupled.components.par_iter().zip(memory.sought.par_iter_mut()).with_min_len(16);
                let faults: Vec<CircuitRunError> = all.filter_map(|pair| one(pair).err()).collect();
                if let Some(fault) = faults.into_iter().next() {
                    return Err(fault);
                }
            } else {
                coupled.components.iter().zip(&mut memory.sought).try_for_each(one)?;
            }
            if memory.sought.iter().all(|of| of.done) {
                break;
            }
        }
        for (component, of) in coupled.components.iter().zip(&memory.sought) {
            if !first && !of.damped {
                continue;
            }
            let raised = F64x8::as_f64s(&of.raised);
            for run in &component.compartments {
                let rest = self.cells[run.at.block as usize].0.add(run.at.row);
                rest.0[run.lanes()].iter_mut().zip(&raised[run.places()]).for_each(|(rest, more)| *rest += more);
            }
        }
        Ok(())
    }

    /// Down to the tips, second halves where steps are damped, pools, spikes.
    fn end(&mut self, memory: &mut Memory, moment: Moment, spikes: &mut Vec<Spike>) -> Result<(), CircuitRunError> {
        let halves = self.cells.iter().any(|(staged, _)| staged.halves());
        let few = self.cells_are_few();
        {
            let Memory { befores, found, .. } = &mut *memory;
            type Of<'a, 'b, 'c> =
                (&'c mut (Staged<'a>, &'b mut BlockDrive<'a>), (&'c mut Vec<f64>, &'c mut Vec<Spike>));
            let one = |(cell, (before, found)): Of<'_, '_, '_>| {
                found.clear();
                cell.0.end(before);
                if halves { Ok(()) } else { cell.0.finish(&mut *cell.1, moment, before, found) }
            };
            let mut worst: Option<NeuronFault> = None;
            if few {
                for of in self.cells.iter_mut().zip(befores.iter_mut().zip(found)) {
                    one(of).or_else(|e| neuron::worse(&mut worst, e))?;
                }
            } else {
                let both = befores.par_iter_mut().zip(found);
                let all = self.cells.par_iter_mut().zip(both).with_min_len(FEW);
                let faults: Vec<neuron::RunError> = all.filter_map(|of| one(of).err()).collect();
                faults.into_iter().try_for_each(|e| neuron::worse(&mut worst, e))?;
            }
            if let Some(fault) = worst {
                return Err(neuron::RunError::Fault(fault).into());
            }
        }
        if halves {
            for (component, of) in self.coupled.components.iter().zip(&mut memory.sought) {
                of.done = !of.damped;
                if of.damped {
                    of.half = (0..component.junctions.len()).map(|own| of.through(component, own)).collect();
                }
            }
            if memory.sought.iter().any(|of| of.damped) {
                self.find(memory, moment, false)?;
            }
            let mut worst: Option<NeuronFault> = None;
            for (k, (staged, drive)) in self.cells.iter_mut().enumerate() {
                if staged.halves() {
                    staged.end_again();
                }
                let finished = staged.finish(&mut **drive, moment, &memory.befores[k], &mut memory.found[k]);
                finished.or_else(|e| neuron::worse(&mut worst, e))?;
            }
            if let Some(fault) = worst {
                return Err(neuron::RunError::Fault(fault).into());
            }
        }
        memory.found.iter_mut().for_each(|found| spikes.append(found));
        for point in &mut self.points {
            let from = point.drive.work.spikes.len();
            point.settle(moment);
            spikes.extend(point.drive.work.spikes.drain(from..));
        }
        Ok(())
    }

    /// Tells point neurons of a component what junctions conduct, and what comes through them.
    fn points_hear(&mut self, component: &Together, of: &Sought) {
        let y = F64x8::as_f64s(&of.vectors.y);
        for &(k, at) in &component.points {
            let (g, i) = component.net.around(k as usize, &of.vectors.weights, y);
            let given = F64x8::as_f64s(&of.vectors.given)[k as usize];
            self.points[at.block as usize].hear(at.lane as usize, g, i + given);
        }
    }

    /// What a junction does in the step at hand.
    fn passing(&self, memory: &Memory, junctions: &Junctions, junction: usize) -> Passing {
        let (component, own) = self.coupled.of[junction];
        let (of, component) = (&memory.sought[component as usize], &self.coupled.components[component as usize]);
        let own = own as usize;
        let [mut current, mut across] = of.through(component, own);
        if of.damped {
            let [first, across_first] = of.half[own];
            (current, across) = (0.5 * (current + first), 0.5 * (across + across_first));
        }
        let slope = of.vectors.weights[component.net.ends()[own][0] as usize];
        let g = if across.abs() > 1e-9 { current / across } else { slope };
        Passing { current, g, strength: junctions.strength(self.coupled, junction) }
    }
}
