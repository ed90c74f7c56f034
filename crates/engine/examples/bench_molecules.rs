//! Trials of a cleft of single molecules, by leaps, or the plain way: every molecule in three dimensions at a short step.
//!
//! `bench_molecules MODEL.json TRIALS SEED THREADS [STEP]`: with STEP (us) the plain way, which shares nothing with the engine but its
//! random numbers, as a reference. Prints one line of JSON: seconds for all trials, and at each time sums of free molecules and of
//! the state that is watched, and of their squares. Called by `bench/cleft`.

#[path = "../tests/molecules/mod.rs"]
mod molecules;

use engine::cleft::Pore;
use engine::molecular::{Edge, Plan, Shape, Space};
use engine::time::Tick;
use molecules::{Step, kind, us};
use numerics::constants::AVOGADRO;
use numerics::math;
use numerics::passage::{direction, exponential, uniform};
use numerics::rng::{Draws, StreamKey};
use rayon::prelude::*;
use serde_json::{Value, json};
use std::f64::consts::PI;
use std::time::Instant;

struct Member {
    states: usize,
    bound: Vec<u32>,
    steps: Vec<Step>,
    places: Vec<[f64; 2]>,
}

struct Model {
    space: Space,
    release: u64,
    members: Vec<Member>,
    times: Vec<f64>,
    /// Kind and state that count as open.
    open: (usize, usize),
    /// Radius of a site in the plain way, um.
    site: f64,
}

fn numbers(v: &Value) -> Vec<f64> {
    v.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn read(path: &str) -> Model {
    let v: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a model")).expect("JSON");
    let number = |name: &str| v[name].as_f64().unwrap_or_else(|| panic!("`{name}` is a number"));
    let shape = match v.get("radius") {
        Some(radius) => Shape::Disc { radius: radius.as_f64().expect("a radius") },
        None => Shape::Rectangle { x: number("side"), y: number("side") },
    };
    let member = |m: &Value| Member {
        states: m["states"].as_u64().expect("a number of states") as usize,
        bound: numbers(&m["bound"]).iter().map(|x| *x as u32).collect(),
        steps: m["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .map(numbers)
            .map(|s| (s[0] as u16, s[1] as u16, s[2], s[3] as i8))
            .collect(),
        places: m["places"].as_array().expect("places").iter().map(numbers).map(|p| [p[0], p[1]]).collect(),
    };
    let open = numbers(&v["open"]);
    Model {
        space: Space { shape, height: number("height"), diffusion: number("diffusion"), edge: Edge::Absorbing },
        release: number("release") as u64,
        members: v["members"].as_array().expect("members").iter().map(member).collect(),
        times: numbers(&v["times"]),
        open: (open[0] as usize, open[1] as usize),
        site: number("site"),
    }
}

/// Free molecules and open receptors at each time.
type Course = Vec<[f64; 2]>;

fn by_leaps(model: &Model, plan: &Plan, seed: u64, trial: u64) -> Course {
    let key = StreamKey::new(seed, trial, 0, 0);
    let mut state = plan.start(key, us(1.0), Tick::ZERO);
    plan.release(&mut state, key, [0.0, 0.0], Pore::Instantaneous, model.release);
    let at = |t: &f64| {
        plan.advance(&mut state, key, us(*t), &mut |_| ());
        [state.free() as f64, f64::from(state.counts(model.open.0)[model.open.1])]
    };
    model.times.iter().map(at).collect()
}

/// Receptors of the plain way, and a grid to find them.
struct Field {
    radius: f64,
    /// Kind and place.
    sites: Vec<(usize, [f64; 2])>,
    cell: f64,
    half: f64,
    across: usize,
    first: Vec<u32>,
    list: Vec<u32>,
    /// By kind and step: odds of binding at a hit, or rate (/ms).
    rates: Vec<Vec<f64>>,
}

impl Field {
    fn new(model: &Model, h: f64) -> Self {
        let Space { diffusion, shape, .. } = model.space;
        let half = shape.half()[0];
        let radius = model.site;
        let cell = 2.0 * radius;
        let across = (2.0 * half / cell).ceil() as usize;
        let all = model.members.iter().enumerate().flat_map(|(k, m)| m.places.iter().map(move |p| (k, *p)));
        let sites: Vec<(usize, [f64; 2])> = all.collect();
        let mut cells: Vec<Vec<u32>> = vec![Vec::new(); across * across];
        for (number, (_, at)) in sites.iter().enumerate() {
            let ends = |x: f64| {
                let cell_of = |x: f64| (((x + half) / cell).max(0.0) as usize).min(across - 1);
                cell_of(x - radius)..=cell_of(x + radius)
            };
            for j in ends(at[1]) {
                ends(at[0]).for_each(|i| cells[j * across + i].push(number as u32));
            }
        }
        let mut first = vec![0];
        cells.iter().for_each(|c| first.push(first[first.len() - 1] + c.len() as u32));
        // Within the far field a site takes k / (1 - k / (4 D a)) of what is at its mouth; what is bound comes off as much
        // quicker. A molecule that would be beyond the wall is bound with odds of k sqrt(pi h / D) / A.
        let quicker = |k: f64| 1.0 / (1.0 - k / AVOGADRO / (4.0 * diffusion * radius));
        let rate = |m: &Member, s: &Step| {
            if s.3 > 0 {
                s.2 / AVOGADRO * quicker(s.2) * (PI * h / diffusion).sqrt() / (PI * radius * radius)
            } else if s.3 < 0 {
                let on: f64 = m.steps.iter().filter(|b| b.3 > 0 && (b.0, b.1) == (s.1, s.0)).map(|b| b.2).sum();
                s.2 * quicker(on)
            } else {
                s.2
            }
        };
        let rates: Vec<Vec<f64>> = model.members.iter().map(|m| m.steps.iter().map(|s| rate(m, s)).collect()).collect();
        let most = model.members.iter().zip(&rates).flat_map(|(m, r)| m.steps.iter().zip(r)).filter(|(s, _)| s.3 > 0);
        let most = most.map(|(_, p)| *p).fold(0.0, f64::max);
        assert!(most < 0.1, "a molecule that hits a site is bound with odds of {most}: a shorter step");
        Self { radius, sites, cell, half, across, first, list: cells.concat(), rates }
    }

    fn near(&self, at: [f64; 2]) -> impl Iterator<Item = usize> + '_ {
        let cell = |x: f64| (((x + self.half) / self.cell).max(0.0) as usize).min(self.across - 1);
        let c = cell(at[1]) * self.across + cell(at[0]);
        let all = &self.list[self.first[c] as usize..self.first[c + 1] as usize];
        let within = move |s: &usize| {
            let [x, y] = self.sites[*s].1;
            (at[0] - x) * (at[0] - x) + (at[1] - y) * (at[1] - y) < self.radius * self.radius
        };
        all.iter().map(|s| *s as usize).filter(within)
    }
}

/// Whether a molecule that goes from one place to another within a step was at the rim meanwhile; `scale`: one over D h.
fn has_left(shape: &Shape, draws: &mut Draws, from: [f64; 2], to: [f64; 2], scale: f64) -> bool {
    let mut crosses = |before: f64, after: f64| {
        after <= 0.0 || (before * after * scale < 20.0 && uniform(draws) < math::exp(-before * after * scale))
    };
    match *shape {
        Shape::Disc { radius } => {
            let depth = |p: [f64; 2]| radius - (p[0] * p[0] + p[1] * p[1]).sqrt();
            crosses(depth(from), depth(to))
        }
        Shape::Rectangle { .. } => {
            let half = shape.half();
            (0..2).any(|k| {
                let side = if to[k] + from[k] > 0.0 { 1.0 } else { -1.0 };
                crosses(half[k] - side * from[k], half[k] - side * to[k])
            })
        }
    }
}

fn by_steps(model: &Model, field: &Field, h: f64, seed: u64, trial: u64) -> Course {
    let Space { shape, height, diffusion, .. } = model.space;
    let key = StreamKey::new(seed, trial, 1, 0);
    let mut molecules = vec![([0.0, 0.0], height); model.release as usize];
    let mut states = vec![0u16; field.sites.len()];
    // When a site does something by itself, and by which step.
    let mut due = vec![(f64::INFINITY, 0usize); field.sites.len()];
    let mut bound: Vec<u32> = Vec::new();
    let (sigma, scale) = ((4.0 * diffusion * h).sqrt(), 1.0 / (diffusion * h));
    let mut course = Vec::new();
    let mut step = 0u64;
    let next = |draws: &mut Draws, site: usize, state: u16, now: f64| {
        let kind = field.sites[site].0;
        let mut first = (f64::INFINITY, 0);
        for (k, s) in model.members[kind].steps.iter().enumerate().filter(|(_, s)| s.0 == state && s.3 <= 0) {
            debug_assert!(s.0 == state);
            let at = now + exponential(draws) / field.rates[kind][k];
            if at < first.0 {
                first = (at, k);
            }
        }
        first
    };
    for &time in &model.times {
        while (step as f64) * h < 1e-3 * time - 0.5 * h {
            let now = step as f64 * h;
            let mut draws = key.at(step, 0);
            let mut k = 0;
            while k < molecules.len() {
                let (at, z) = molecules[k];
                let (far, [c, s]) = (sigma * exponential(&mut draws).sqrt(), direction(&mut draws));
                let to = [at[0] + far * c, at[1] + far * s];
                if has_left(&shape, &mut draws, at, to, scale) {
                    molecules.swap_remove(k);
                    continue;
                }
                let up = sigma * exponential(&mut draws).sqrt() * direction(&mut draws)[0];
                let mut z = z + up;
                let mut gone = false;
                if z < 0.0 {
                    z = -z;
                    let mut share = uniform(&mut draws);
                    'sites: for site in field.near(to) {
                        let kind = field.sites[site].0;
                        for (k, s) in model.members[kind].steps.iter().enumerate() {
                            if s.3 > 0 && s.0 == states[site] {
                                share -= field.rates[kind][k];
                                if share < 0.0 {
                                    states[site] = s.1;
                                    due[site] = next(&mut draws, site, s.1, now + h);
                                    if due[site].0.is_finite() && !bound.contains(&(site as u32)) {
                                        bound.push(site as u32);
                                    }
                                    gone = true;
                                    break 'sites;
                                }
                            }
                        }
                    }
                }
                if gone {
                    molecules.swap_remove(k);
                    continue;
                }
                if z > height {
                    z = 2.0 * height - z;
                }
                molecules[k] = (to, z.clamp(0.0, height));
                k += 1;
            }
            step += 1;
            let now = step as f64 * h;
            bound.retain(|&site| {
                let site = site as usize;
                while due[site].0 <= now {
                    let kind = field.sites[site].0;
                    let s = model.members[kind].steps[due[site].1];
                    states[site] = s.1;
                    if s.3 < 0 {
                        let (far, [c, d]) = (field.radius * uniform(&mut draws).sqrt(), direction(&mut draws));
                        let [x, y] = field.sites[site].1;
                        // As far from the wall as those are that would be bound within a step.
                        let z = sigma * exponential(&mut draws).sqrt() * uniform(&mut draws);
                        molecules.push(([x + far * c, y + far * d], z.min(height)));
                    }
                    due[site] = next(&mut draws, site, s.1, due[site].0);
                }
                due[site].0.is_finite()
            });
        }
        let open =
            (0..states.len()).filter(|&s| field.sites[s].0 == model.open.0 && usize::from(states[s]) == model.open.1);
        course.push([molecules.len() as f64, open.count() as f64]);
    }
    course
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |k: usize| arguments[k].parse::<u64>().expect("a number");
    let model = read(&arguments[1]);
    let (trials, seed) = (number(2), number(3));
    rayon::ThreadPoolBuilder::new().num_threads(number(4) as usize).build_global().expect("threads");
    let step = arguments.get(5).map(|s| 1e-3 * s.parse::<f64>().expect("a step"));
    let building = Instant::now();
    let kinds = model.members.iter().map(|m| kind(m.states, &m.steps, &m.bound, m.places.clone()));
    let plan = Plan::new(&model.space, &kinds.collect::<Vec<_>>()).expect("a plan");
    let built = building.elapsed().as_secs_f64();
    let field = step.map(|h| Field::new(&model, h));
    // Tables of first passages are made once, at the first trial.
    by_leaps(&model, &plan, seed, u64::MAX);
    let start = Instant::now();
    let one = |trial: u64| match (&field, step) {
        (Some(field), Some(h)) => by_steps(&model, field, h, seed, trial),
        _ => by_leaps(&model, &plan, seed, trial),
    };
    let courses: Vec<Course> = (0..trials).into_par_iter().map(one).collect();
    let seconds = start.elapsed().as_secs_f64();
    let sum = |k: usize, power: i32| -> Vec<f64> {
        (0..model.times.len()).map(|t| courses.iter().map(|c| math::powi(c[t][k], power)).sum()).collect()
    };
    println!(
        "{}",
        json!({"build": built, "seconds": seconds, "trials": trials, "free": [sum(0, 1), sum(0, 2)], "open": [sum(1, 1), sum(1, 2)]})
    );
}
