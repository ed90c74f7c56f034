//! The sum of all members' laws, by where they are on the ligand's course: each node's law moves on a node a step.

use super::course::{Course, of_width};
use super::matrix::{add, apply, load, store};
use super::members::{Changes, QUIET, lines};
use super::plan::Plan;
use numerics::simd::{F64x8, Kernel, Lanes};
use serde::{Deserialize, Serialize};

/// Of one receptor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Flow {
    /// By node.
    #[serde(with = "super::run::numbers")]
    nodes: Vec<F64x8>,
    /// Of all members without ligand.
    #[serde(with = "super::run::numbers")]
    quiet: Vec<F64x8>,
    /// The first node with anything in it.
    lowest: u64,
}

impl Flow {
    pub fn new(plan: &Plan, receptor: usize) -> Self {
        let course = &plan.courses[receptor];
        let members = plan.about.members as f64;
        let all: Vec<f64> = plan.rest[receptor].iter().map(|p| p * members).collect();
        Self {
            nodes: vec![F64x8::default(); course.nodes * course.width],
            quiet: lines(&all, course.width),
            lowest: course.nodes as u64,
        }
    }

    pub fn fits(&self, course: &Course) -> bool {
        self.nodes.len() == course.nodes * course.width && self.quiet.len() == course.width
    }

    /// The sum over all members.
    pub fn total(&self, states: usize) -> Vec<f64> {
        let width = self.quiet.len();
        let mut sum = F64x8::as_f64s(&self.quiet)[..states].to_vec();
        for law in self.nodes.chunks_exact(width).skip(self.lowest as usize) {
            sum.iter_mut().zip(F64x8::as_f64s(law)).for_each(|(sum, x)| *sum += x);
        }
        sum
    }
}

/// A window of steps: the sums after each go to `out`, states side by side.
pub(super) struct Step<'a> {
    pub course: &'a Course,
    pub flow: &'a mut Flow,
    pub changes: &'a [Changes],
    /// Lines of a member's laws, and which of them are of this receptor.
    pub lines: (usize, usize),
    pub steps: usize,
    pub out: &'a mut Vec<f64>,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        of_width!(self.course.width, window::<L, W>(self));
    }
}

#[inline(always)]
fn window<L: Lanes, const W: usize>(it: Step) {
    let Step { course, flow, changes, lines: (lines, offset), steps, out } = it;
    let states = course.rates.states();
    let last = course.nodes - 1;
    for step in 0..steps {
        // On by one node, from the end.
        let mut quiet = apply::<L, W>(&flow.quiet, course.quiet_step());
        let mut lowest = flow.lowest as usize;
        if lowest <= last {
            quiet = add(quiet, apply(&flow.nodes[last * W..], course.step(last)));
            for k in (lowest..last).rev() {
                let moved = apply::<L, W>(&flow.nodes[k * W..], course.step(k));
                store(moved, &mut flow.nodes[(k + 1) * W..]);
            }
            store([L::splat(0.0); W], &mut flow.nodes[lowest * W..]);
            lowest += 1;
        }
        for of in changes {
            for &i in &of.order[of.starts[step] as usize..of.starts[step + 1] as usize] {
                let (join, law) = (of.joins[i as usize], load::<L, W>(&of.laws[i as usize * lines + offset..]));
                let weighted = |sum: [L; W], weight: f64| {
                    let mut sum = sum;
                    for (sum, law) in sum.iter_mut().zip(law) {
                        *sum = law.mul_add(L::splat(weight), *sum);
                    }
                    sum
                };
                if join.node == QUIET {
                    quiet = weighted(quiet, join.weights[0]);
                    continue;
                }
                lowest = lowest.min(join.node as usize);
                for (k, weight) in (join.node as usize..).zip(join.weights) {
                    if k > last {
                        quiet = weighted(quiet, weight);
                    } else {
                        let node = &mut flow.nodes[k * W..(k + 1) * W];
                        store(weighted(load(node), weight), node);
                    }
                }
            }
        }
        store(quiet, &mut flow.quiet);
        flow.lowest = lowest as u64;
        let mut sum = quiet;
        for k in lowest..=last {
            sum = add(sum, load(&flow.nodes[k * W..]));
        }
        let mut whole = [F64x8::default(); W];
        store(sum, &mut whole);
        out.extend_from_slice(&F64x8::as_f64s(&whole)[..states]);
    }
}
