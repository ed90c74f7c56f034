//! Junctions of a circuit made ready: which cells hang together, through which places, and of which blocks they are.

use super::plan::{Junction, Plan, Target};
use crate::junction::{Component, Kind};
use crate::mechanism::{EvalError, Evaluator, Shape};
use crate::neuron;
use numerics::simd::LANES;
use std::collections::BTreeMap;

/// A place of a component.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which of the blocks that are stepped together: of cells, or of point neurons.
    pub block: u32,
    pub row: u32,
    pub lane: u32,
}

/// Places of a component that follow each other, in lanes of a row that do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// The first of them.
    pub first: u32,
    pub at: Place,
    pub len: u32,
}

impl Run {
    /// The places.
    pub fn places(&self) -> std::ops::Range<usize> {
        self.first as usize..(self.first + self.len) as usize
    }

    /// The lanes.
    pub fn lanes(&self) -> std::ops::Range<usize> {
        self.at.lane as usize..(self.at.lane + self.len) as usize
    }
}

/// Cells that hang together.
#[derive(Clone, Debug)]
pub(super) struct Together {
    pub net: Component,
    /// Its places that are compartments, in runs of neighbours, and then those that are point neurons.
    pub compartments: Vec<Run>,
    pub points: Vec<(u32, Place)>,
    /// Its junctions by number, in the order of [`Component::sides`].
    pub junctions: Vec<u32>,
    /// Those of them whose conductance follows the voltage at once, by kind: which of its own.
    pub at_once: Vec<(u16, Vec<u32>)>,
    /// The roots of its cells.
    pub roots: Vec<Place>,
}

impl Together {
    /// Whether its voltages are found at once: nothing in it follows them otherwise than in proportion.
    pub fn is_simple(&self) -> bool {
        self.at_once.is_empty() && self.points.is_empty()
    }
}

/// A kind of junction made ready.
#[derive(Clone, Debug)]
pub(super) struct KindPlan {
    pub kind: Kind,
    pub evaluator: Evaluator,
    /// Its junctions by number.
    pub junctions: Vec<u32>,
}

/// All junctions of a circuit.
#[derive(Clone, Debug, Default)]
pub(super) struct Coupled {
    pub junctions: Vec<Junction>,
    pub kinds: Vec<KindPlan>,
    pub components: Vec<Together>,
    /// By junction: component, and which of its own.
    pub of: Vec<(u32, u32)>,
    /// Blocks of cells that are stepped together, and blocks of point neurons, by their numbers in the circuit, ascending.
    pub cells: Vec<u32>,
    pub points: Vec<u32>,
    /// By neuron that a modulator listens to: junctions, and whether it is their side b.
    pub listeners: BTreeMap<u32, Vec<(u32, bool)>>,
}

/// The smallest member of each set.
struct Sets(Vec<u32>);

impl Sets {
    fn find(&mut self, mut x: u32) -> u32 {
        while self.0[x as usize] != x {
            self.0[x as usize] = self.0[self.0[x as usize] as usize];
            x = self.0[x as usize];
        }
        x
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

impl Coupled {
    pub fn new(plan: &Plan, kinds: Vec<Kind>, junctions: Vec<Junction>) -> Result<Self, EvalError> {
        // All places, sorted: by cell, and on its tree parents before children.
        let mut places: Vec<Target> = Vec::new();
        for end in junctions.iter().flat_map(|j| [j.a, j.b]) {
            let mut at = end;
            loop {
                places.push(at);
                let Some(parent) = parent(&plan.cells, at) else { break };
                at.compartment = parent;
            }
        }
        places.sort_unstable();
        places.dedup();
        let mut sets = Sets((0..plan.neurons() as u32).collect());
        junctions.iter().for_each(|j| sets.join(j.a.cell, j.b.cell));
        // Components by their first cells; each place by component and number there.
        let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        let mut local = vec![(0u32, 0u32); places.len()];
        for (k, place) in places.iter().enumerate() {
            let next = members.len() as u32;
            let component = *numbers.entry(sets.find(place.cell)).or_insert(next);
            if component == next {
                members.push(Vec::new());
            }
            let own = &mut members[component as usize];
            local[k] = (component, own.len() as u32);
            own.push(k as u32);
        }
        let find = |at: Target| local[places.binary_search(&at).expect("every end was listed")];
        let mut sides: Vec<Vec<[u32; 2]>> = vec![Vec::new(); members.len()];
        let mut own: Vec<Vec<u32>> = vec![Vec::new(); members.len()];
        let mut of = Vec::with_capacity(junctions.len());
        for (number, j) in junctions.iter().enumerate() {
            let ((component, a), (_, b)) = (find(j.a), find(j.b));
            let sides = &mut sides[component as usize];
            of.push((component, sides.len() as u32));
            sides.push([a, b]);
            own[component as usize].push(number as u32);
        }
        let (cells, points) = blocks(plan, &places);
        let mut components = Vec::with_capacity(members.len());
        for ((members, sides), junctions_here) in members.iter().zip(sides).zip(own) {
            let hangs = |k: &u32| {
                let at = places[*k as usize];
                let up = parent(&plan.cells, at).map(|compartment| find(Target { compartment, ..at }).1);
                up.unwrap_or(local[*k as usize].1)
            };
            let net = Component::new(members.iter().map(hangs).collect(), sides);
            let mut together = Together {
                net,
                compartments: Vec::new(),
                points: Vec::new(),
                junctions: junctions_here,
                at_once: Vec::new(),
                roots: Vec::new(),
            };
            for (number, k) in (0..).zip(members) {
                let at = places[*k as usize];
                let (block, row, lane) = plan.spot(at);
                let list = if block < plan.cells.blocks() { &cells } else { &points };
                let own = list.binary_search(&(block as u32)).expect("every block was listed") as u32;
                let place = Place { block: own, row, lane: lane as u32 };
                if block < plan.cells.blocks() {
                    let next = |run: &&mut Run| {
                        let Place { block, row, lane } = run.at;
                        (block, row, lane + run.len) == (place.block, place.row, place.lane)
                    };
                    match together.compartments.last_mut().filter(next) {
                        Some(run) => run.len += 1,
                        None => together.compartments.push(Run { first: number, at: place, len: 1 }),
                    }
                } else {
                    together.points.push((number, place));
                }
                // Every path ends at a root.
                if (at.cell as usize) < plan.cells.cells() && at.compartment == 0 {
                    together.roots.push(place);
                }
            }
            for number in (0..kinds.len()).filter(|k| kinds[*k].at_once.is_some()) {
                let here = |k: &u32| usize::from(junctions[together.junctions[*k as usize] as usize].kind) == number;
                let list: Vec<u32> = (0..together.junctions.len() as u32).filter(here).collect();
                if !list.is_empty() {
                    together.at_once.push((number as u16, list));
                }
            }
            components.push(together);
        }
        let mut listeners: BTreeMap<u32, Vec<(u32, bool)>> = BTreeMap::new();
        for (number, j) in (0..).zip(&junctions).filter(|(_, j)| !kinds[usize::from(j.kind)].modulators.is_empty()) {
            for (cell, b) in [(j.a.cell, false), (j.b.cell, true)] {
                listeners.entry(cell).or_default().push((number, b));
            }
        }
        let kinds = kinds.into_iter().enumerate().map(|(number, kind)| {
            let shape = |input: &crate::junction::JunctionInput| match input {
                crate::junction::JunctionInput::Across => Shape::Column,
                crate::junction::JunctionInput::Parameter(_) => Shape::Uniform,
            };
            let shapes: Vec<Shape> = kind.inputs.iter().map(shape).collect();
            let evaluator = Evaluator::new(&kind.rates, &shapes)?;
            let all = (0..).zip(&junctions);
            let junctions = all.filter(|(_, j)| usize::from(j.kind) == number).map(|(k, _)| k).collect();
            Ok(KindPlan { kind, evaluator, junctions })
        });
        let kinds = kinds.collect::<Result<Vec<_>, EvalError>>()?;
        Ok(Self { junctions, kinds, components, of, cells, points, listeners })
    }

    /// Whether anything looks at the voltages with which a step begins.
    pub fn looks(&self, component: &Together) -> bool {
        !component.is_simple() || self.kinds.iter().any(|k| k.kind.scheme.is_some() && !k.junctions.is_empty())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.junctions.is_empty()
    }

    /// Whether a block is stepped together with others.
    pub fn has(&self, block: usize) -> bool {
        let block = block as u32;
        self.cells.binary_search(&block).is_ok() || self.points.binary_search(&block).is_ok()
    }

    /// What grows with the junctions, bytes.
    pub fn bytes(&self) -> usize {
        let own =
            |t: &Together| t.net.bytes() + 20 * t.compartments.len() + 16 * t.points.len() + 4 * t.junctions.len();
        let all: usize = self.components.iter().map(own).sum();
        all + std::mem::size_of::<Junction>() * self.junctions.len() + 12 * self.junctions.len()
    }

    /// Tells what decides results.
    pub fn print(&self, tell: &mut impl FnMut(String)) {
        self.junctions.iter().for_each(|j| tell(format!("{j:?}")));
        self.kinds.iter().for_each(|k| tell(format!("{:?}", k.kind)));
    }
}

/// The compartment that one hangs on; none of a root or a point neuron.
fn parent(cells: &neuron::Plan, at: Target) -> Option<u32> {
    ((at.cell as usize) < cells.cells()).then(|| cells.parent(at.cell as usize, at.compartment))?
}

/// Blocks in which places lie: of cells, and of point neurons.
fn blocks(plan: &Plan, places: &[Target]) -> (Vec<u32>, Vec<u32>) {
    let mut all: Vec<u32> = places.iter().map(|at| plan.place(at.cell).0 as u32).collect();
    all.sort_unstable();
    all.dedup();
    let first = all.partition_point(|b| (*b as usize) < plan.cells.blocks());
    let points = all.split_off(first);
    (all, points)
}

const _: () = assert!(LANES == 8, "a mask of lanes is a byte");
