//! A cleft of single molecules seen from above: how dense they are at a few moments, and trial by trial where each is.
//!
//! The trials are those of the run: the same vesicles fuse, the same receptors open. A trial is looked at while it runs again, up to a
//! while after its first vesicle fused.

mod movie;

pub use movie::{frame, movie};

use crate::simulation::{Batch, EventKind, Plan, RunFault, Scratch, SynapsePlan, Traces, Work};
use engine::molecular::{self, Watch};
use engine::time::Tick;
use std::f64::consts::PI;

/// A receptor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Which kind.
    pub receptor: usize,
    /// um
    pub place: [f32; 2],
    /// Whether it holds transmitter.
    pub bound: bool,
    /// Whether its channel is open.
    pub open: bool,
}

/// A cleft at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// From the fusion on, ms.
    pub at: f64,
    /// Free molecules, um.
    pub molecules: Vec<[f32; 2]>,
    /// Receptors, as they are at the end of the step.
    pub receptors: Vec<Spot>,
}

/// What is common to all pictures of a cleft.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// The synapse.
    pub synapse: String,
    /// What is released.
    pub transmitter: String,
    /// um
    pub radius: f64,
    /// um
    pub height: f64,
    /// Names of the receptors.
    pub receptors: Vec<String>,
}

/// One trial of a cleft.
#[derive(Debug, Clone, PartialEq)]
pub struct Film {
    /// Of which cleft.
    pub outline: Outline,
    /// The trial.
    pub trial: u64,
    /// From the fusion on.
    pub frames: Vec<Frame>,
}

/// Densities of free molecules, mean over trials, and the receptors of one trial when most of them are open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// Of which cleft.
    pub outline: Outline,
    /// How many trials are in it.
    pub trials: u64,
    /// Moments after the fusion, ms, and at each mM in [`ACROSS`] by [`ACROSS`] squares, row by row from the lowest.
    pub moments: Vec<(f64, Vec<f64>)>,
    /// When most receptors are open in the first of these trials, ms after the fusion, and these.
    pub open: (f64, Vec<Spot>),
}

/// Squares across a map of densities.
pub const ACROSS: usize = 32;
/// Moments of such maps, us after the fusion.
const MOMENTS: [f64; 4] = [10.0, 50.0, 150.0, 500.0];
/// Trials of them, of how many at most.
const TRIALS: (u64, u64) = (24, 240);
/// How long receptors are followed, ms.
const LONG: f64 = 1.5;
/// Interval of frames and maps.
const EVERY: Tick = Tick(5_000_000);
/// Frames of a film, at most.
const FRAMES: usize = 160;
/// A film ends when so few molecules are left in the cleft.
const FEW: usize = 20;

/// Has the molecules of its clefts looked at; gives the number of that watch, synapse by synapse.
fn look(plan: &mut Plan) -> Vec<Option<usize>> {
    let of = |s: &mut SynapsePlan| {
        let molecules = s.molecules.as_mut()?;
        let mut watches = molecules.watches().to_vec();
        watches.push(Watch::Places { every: EVERY });
        let watch = watches.len() - 1;
        *molecules = molecular::Plan::clone(molecules).watched(watches).into();
        Some(watch)
    };
    plan.synapses.iter_mut().map(of).collect()
}

fn outline(plan: &SynapsePlan) -> Outline {
    let geometry = plan.cleft.geometry();
    Outline {
        synapse: plan.name.clone(),
        transmitter: plan.transmitter.clone(),
        radius: geometry.radius,
        height: geometry.height,
        receptors: plan.receptors.iter().map(|r| r.name.clone()).collect(),
    }
}

/// Frames of a trial from the first fusion of a synapse on, for `long` ms at most; nothing if none fuses.
fn frames(
    plan: &Plan,
    (s, watch): (usize, usize),
    trial: u64,
    long: f64,
    go_on: impl Fn(&Frame) -> bool,
) -> Result<Vec<Frame>, RunFault> {
    let mut batch = Batch::new(plan, trial, 1)?;
    let (mut scratch, mut traces, mut events) = (Scratch::new(plan), Traces::new(plan), Vec::new());
    let (mut work, mut fused, mut all) = (Work::default(), None, Vec::new());
    let of = &plan.synapses[s];
    while batch.clock() < plan.duration {
        let from = batch.clock();
        let to = from + plan.step;
        batch.advance(plan, &mut scratch, to, &mut traces, &mut events, &mut work)?;
        traces.clear();
        let own = |e: &&crate::simulation::Event| matches!(e.kind, EventKind::Fusion { synapse, .. } if synapse as usize == s);
        fused = fused.or(events.iter().find(own).map(|e| e.at));
        events.clear();
        let Some(at) = fused else { continue };
        let contact = batch.contact(0, s);
        let receptors: Vec<Spot> = contact
            .members()
            .filter(|m| m.0 < of.receptors.len())
            .map(|(receptor, state, place)| {
                let kinetics = &of.receptors[receptor].folded.kinetics;
                let weights = kinetics.weights(crate::lower::observable::OPEN).unwrap_or(&[]);
                let bound = of.cleft.bound(receptor).get(state).is_some_and(|n| *n > 0.0);
                Spot { receptor, place, bound, open: weights.get(state).is_some_and(|w| *w > 0.0) }
            })
            .collect();
        for k in from.0 / EVERY.0 + 1..=to.0 / EVERY.0 {
            let time = EVERY * k;
            if time <= at {
                continue;
            }
            let molecules = contact.molecules_at(watch, k as u64).to_vec();
            let frame = Frame { at: (time - at).ms(), molecules, receptors: receptors.clone() };
            let last = frame.at > long || !go_on(&frame);
            all.push(frame);
            if last {
                return Ok(all);
            }
        }
    }
    Ok(all)
}

/// Maps of all clefts of single molecules; of several active zones that of the first.
///
/// # Errors
/// What ends a trial.
pub fn seen(mut plan: Plan) -> Result<Vec<Seen>, RunFault> {
    let watches = look(&mut plan);
    let mut all = Vec::new();
    for (s, watch) in watches.into_iter().enumerate().filter(|(s, _)| plan.synapses[*s].zone.0 == 0) {
        let Some(watch) = watch else { continue };
        let outline = outline(&plan.synapses[s]);
        let mut maps = vec![vec![0.0; ACROSS * ACROSS]; MOMENTS.len()];
        let mut found = Seen { outline, ..Seen::default() };
        for trial in 0..plan.trials.min(TRIALS.1) {
            if found.trials == TRIALS.0 {
                break;
            }
            let last = MOMENTS[MOMENTS.len() - 1] * 1e-3;
            let long = if found.trials == 0 { LONG } else { last };
            let frames = frames(&plan, (s, watch), trial, long, |_| true)?;
            if frames.is_empty() {
                continue;
            }
            if found.trials == 0 {
                let open = |f: &Frame| f.receptors.iter().filter(|r| r.open).count();
                let most = frames.iter().max_by_key(|f| (open(f), std::cmp::Reverse((f.at * 1e6) as u64)));
                found.open = most.map(|f| (f.at, f.receptors.clone())).unwrap_or_default();
            }
            found.trials += 1;
            for (map, moment) in maps.iter_mut().zip(MOMENTS) {
                let Some(frame) = frames.iter().find(|f| f.at >= moment * 1e-3 - 1e-9) else { continue };
                for place in &frame.molecules {
                    let cell = place.map(|x| {
                        let share = (f64::from(x) / found.outline.radius + 1.0) * 0.5;
                        ((share * ACROSS as f64) as usize).min(ACROSS - 1)
                    });
                    map[cell[1] * ACROSS + cell[0]] += 1.0;
                }
            }
        }
        if found.trials == 0 {
            continue;
        }
        let side = 2.0 * found.outline.radius / ACROSS as f64;
        for (k, mut map) in maps.into_iter().enumerate() {
            for (cell, count) in map.iter_mut().enumerate() {
                let volume = within(cell, found.outline.radius) * side * side * found.outline.height;
                *count /= volume * numerics::constants::AVOGADRO * found.trials as f64;
            }
            found.moments.push((MOMENTS[k] * 1e-3, map));
        }
        all.push(found);
    }
    Ok(all)
}

/// Share of a square that lies in the disc; 1 of those that hardly do, in which there is nobody.
fn within(cell: usize, radius: f64) -> f64 {
    const FINE: usize = 16;
    let side = 2.0 * radius / ACROSS as f64;
    let at = |k: usize, i: usize| (k as f64 + (i as f64 + 0.5) / FINE as f64).mul_add(side, -radius);
    let (x, y) = (cell % ACROSS, cell / ACROSS);
    let inside = |i: usize| at(x, i % FINE).hypot(at(y, i / FINE)) <= radius;
    let share = (0..FINE * FINE).filter(|i| inside(*i)).count() as f64 / (FINE * FINE) as f64;
    if share < 0.02 { 1.0 } else { share }
}

/// The first trial of each cleft of single molecules in which a vesicle fuses, frame by frame.
///
/// # Errors
/// What ends a trial.
pub fn films(mut plan: Plan) -> Result<Vec<Film>, RunFault> {
    let watches = look(&mut plan);
    let mut all = Vec::new();
    for (s, watch) in watches.into_iter().enumerate().filter(|(s, _)| plan.synapses[*s].zone.0 == 0) {
        let Some(watch) = watch else { continue };
        for trial in 0..plan.trials.min(TRIALS.1) {
            let long = EVERY.ms() * FRAMES as f64;
            let frames = frames(&plan, (s, watch), trial, long, |f| f.molecules.len() > FEW || f.at < 0.1 * long)?;
            if !frames.is_empty() {
                all.push(Film { outline: outline(&plan.synapses[s]), trial, frames });
                break;
            }
        }
    }
    Ok(all)
}

/// Concentration of so many molecules in a whole cleft, mM.
fn concentration(outline: &Outline, molecules: usize) -> f64 {
    molecules as f64 / (PI * outline.radius * outline.radius * outline.height * numerics::constants::AVOGADRO)
}
