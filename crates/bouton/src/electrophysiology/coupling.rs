//! Electrical coupling of two places of two cells: the coefficient both ways, over frequency, and what an action potential
//! leaves on the other side.
//!
//! Coupling coefficient: what arrives on the other side over what is on this side, `dV_there / dV_here`, for current here
//! (Bennett 1966, Ann N Y Acad Sci 137:509). Two passive cells have `g / (g + g_m)`, at a frequency
//! `g / sqrt((g + g_m)^2 + (w C)^2)`.

use super::Twice;
use super::circuit::Swing;
use super::network::{Network, at_once, outputs};
use super::rig::{Rig, RigError, Seen};
use super::spikelet::{Spikelet, spikelet};
use crate::measure::spike::Criterion;
use engine::circuit::{Act, Injection, Junction, Outside, Plan, State, Target, Trace};
use engine::junction::Kind;
use engine::time::Tick;
use numerics::markov::Generator;

/// How coupling is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Protocol {
    /// How long a pulse of current lasts, ms; as long the cells are left alone before.
    pub duration: f64,
    /// Size of the small step where current flows, mV.
    pub small: f64,
    /// Size of the large ones, mV, by which rectification is seen.
    pub large: f64,
    /// Frequencies of the coefficient, Hz.
    pub frequencies: Vec<f64>,
    /// Frequencies at which a sine is injected as well, Hz.
    pub sines: Vec<f64>,
    /// How long what an action potential does is followed, ms.
    pub after: f64,
    /// What counts as an action potential.
    pub spike: Criterion,
}

impl Default for Protocol {
    fn default() -> Self {
        // 0, and 1 to 500 Hz, 30 a decade.
        let grid = (0..=81).map(|k| numerics::math::pow(10.0, f64::from(k) / 30.0).min(500.0));
        Self {
            duration: 1000.0,
            small: 1.0,
            large: 10.0,
            frequencies: std::iter::once(0.0).chain(grid).collect(),
            sines: vec![5.0, 20.0, 50.0, 100.0, 200.0],
            after: 50.0,
            spike: Criterion::default(),
        }
    }
}

/// From one side to the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Way {
    /// Steady coupling coefficient.
    pub coefficient: Twice,
    /// The same of the large steps: depolarising and hyperpolarising.
    pub large: (Option<f64>, Option<f64>),
    /// Input resistance here, with the other side joined, GOhm.
    pub input: Twice,
    /// Transfer resistance: voltage there over current here, GOhm.
    pub transfer: Twice,
    /// Over frequency, of the linearised cells: magnitude, and by how much the other side is ahead, degrees.
    pub swings: Vec<Swing>,
    /// With sines through the pipette.
    pub sines: Vec<Swing>,
    /// At which frequency it is below the steady one by the square root of two, Hz.
    pub corner: Option<f64>,
    /// What an action potential leaves there.
    pub spikelet: Option<Spikelet>,
}

/// All that is measured between two places.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Coupling {
    /// At rest, mV.
    pub rest: (f64, f64),
    /// What junctions between the two places conduct there, nS.
    pub conductance: f64,
    /// From the first to the second.
    pub there: Way,
    /// From the second to the first.
    pub back: Way,
    /// A cell fires without a current: nothing steady can be measured.
    pub fires: bool,
    /// Current (pA) over voltage across (mV) of the junctions between the two places: at once from rest, and steady; empty
    /// where both are lines.
    pub across: Vec<(f64, f64, f64)>,
}

/// A sine goes on for this long before it is looked at, ms, and for so many periods then.
const SWUNG_IN: (f64, f64) = (150.0, 2.0);
/// How long the current is that makes an action potential, ms.
const BRIEF: f64 = 1.0;
/// A current of 1 ms that makes an action potential is looked for from 10 pA to 2.6 uA.
const DOUBLINGS: u32 = 19;
/// Voltages across that are shown, mV, and how many.
const ACROSS: (f64, u32) = (100.0, 81);

/// Measures the coupling of two places in a circuit whose cells are at rest: cells and `junctions` alone, no synapse acts.
///
/// # Errors
/// [`RigError`].
pub fn coupling(
    circuit: &Plan,
    rest: &State,
    junctions: &[Junction],
    places: [Target; 2],
    by: &Protocol,
) -> Result<Coupling, RigError> {
    let rig = Rig::of(circuit, rest, junctions.to_vec(), &[])?;
    let mut settled = rig.begin.clone();
    let alone =
        rig.go(&mut settled, rig.steps(by.duration), &mut Outside::default(), &mut Trace::new(Vec::new(), 1))?;
    let between = |j: &&(usize, &Junction)| [[j.1.a, j.1.b], [j.1.b, j.1.a]].contains(&places);
    let all: Vec<(usize, &Junction)> = rig.plan.junctions().iter().enumerate().filter(|j| between(&j)).collect();
    let fires = places.iter().any(|p| !alone.spikes[p.cell as usize].is_empty());
    let mut out = Coupling {
        rest: (settled.v_m(&rig.plan, places[0]), settled.v_m(&rig.plan, places[1])),
        conductance: all.iter().map(|(k, _)| settled.passing(&rig.plan, *k).g).sum(),
        fires,
        across: across(&rig.plan, &settled, &all, places),
        ..Coupling::default()
    };
    let network = Network::new(&rig.plan, &settled, places);
    let bench = Bench { circuit, rest, junctions, by };
    for k in 0..2 {
        let (here, there) = (places[k], places[1 - k]);
        let mut way = linear(network.as_ref(), [here, there], by);
        if !fires {
            bench.steps(&mut way, [here, there])?;
            way.sines = bench.sines(&rig, &settled, [here, there], &way)?;
        }
        way.spikelet = bench.spikelet([here, there], &all)?;
        *(if k == 0 { &mut out.there } else { &mut out.back }) = way;
    }
    Ok(out)
}

/// What the linearised circuit says.
fn linear(network: Option<&Network>, places: [Target; 2], by: &Protocol) -> Way {
    let mut way = Way::default();
    let Some(network) = network else { return way };
    let solved = |hertz: f64| network.impedances(places, hertz);
    if let Some(z) = solved(0.0) {
        way.input.circuit = Some(z[0][0].re);
        way.transfer.circuit = Some(z[1][0].re);
        way.coefficient.circuit = Some(z[1][0].re / z[0][0].re);
    }
    let swing = |&frequency: &f64| {
        let z = solved(frequency)?;
        let c = z[1][0] / z[0][0];
        let magnitude = c.re.mul_add(c.re, c.im * c.im).sqrt();
        Some(Swing { frequency, magnitude, phase: 360.0 * numerics::math::turns(c.re, c.im) })
    };
    way.swings = by.frequencies.iter().filter_map(swing).collect();
    way.corner = corner(&way.swings);
    way
}

/// Where a magnitude has fallen to its first over the square root of two, between frequencies that are all above 0 but the first.
fn corner(swings: &[Swing]) -> Option<f64> {
    let goal = swings.first()?.magnitude * std::f64::consts::FRAC_1_SQRT_2;
    let pair = swings.windows(2).find(|w| w[0].magnitude >= goal && w[1].magnitude < goal)?;
    let [a, b] = [pair[0], pair[1]];
    let part = (a.magnitude - goal) / (a.magnitude - b.magnitude);
    if a.frequency <= 0.0 {
        return Some(part * b.frequency);
    }
    let [x, y] = [a.frequency, b.frequency].map(numerics::math::ln);
    Some(numerics::math::exp(part.mul_add(y - x, x)))
}

/// What is needed for every run.
struct Bench<'a> {
    circuit: &'a Plan,
    rest: &'a State,
    junctions: &'a [Junction],
    by: &'a Protocol,
}

impl Bench<'_> {
    fn seen(
        &self,
        places: [Target; 2],
        pulse: (f64, f64, f64),
        until: f64,
        junctions: &[u32],
    ) -> Result<Seen, RigError> {
        let (start, stop, current) = pulse;
        let tick = |ms: f64| Tick((ms * 1e9).round() as i64);
        let injection = Injection { to: places[0], start: tick(start), stop: tick(stop), current };
        let rig = Rig::of(self.circuit, self.rest, self.junctions.to_vec(), &[injection])?;
        rig.run(until, &places, junctions)
    }

    /// Steps of both signs, small and large ones; no number of one that makes a cell fire.
    fn steps(&self, way: &mut Way, places: [Target; 2]) -> Result<(), RigError> {
        let (start, stop) = (self.by.duration, 2.0 * self.by.duration);
        // From the linear circuit; else a step of 1 pA says what is needed.
        let end = |current: f64| -> Result<Option<[f64; 2]>, RigError> {
            let seen = self.seen(places, (start, stop, current), stop, &[])?;
            let fired = seen.spikes.iter().any(|s| !s.is_empty());
            Ok((!fired).then(|| [0, 1].map(|k| seen.v[k][seen.v[k].len() - 1])))
        };
        let Some(none) = end(0.0)? else { return Ok(()) };
        let resistance = match way.input.circuit {
            Some(r) => r,
            None => match end(1.0)? {
                Some(v) => v[0] - none[0],
                None => return Ok(()),
            },
        };
        let small = self.by.small / resistance;
        if let (Some(up), Some(down)) = (end(small)?, end(-small)?) {
            let [here, there] = [0, 1].map(|k| up[k] - down[k]);
            way.coefficient.pipette = Some(there / here);
            way.input.pipette = Some(here / (2.0 * small));
            way.transfer.pipette = Some(there / (2.0 * small));
        }
        let large = self.by.large / resistance;
        let share = |v: [f64; 2]| (v[1] - none[1]) / (v[0] - none[0]);
        way.large = (end(large)?.map(share), end(-large)?.map(share));
        Ok(())
    }

    /// Sines of current of the small step's size, from a state at rest on.
    fn sines(&self, rig: &Rig, rest: &State, places: [Target; 2], way: &Way) -> Result<Vec<Swing>, RigError> {
        let mut out = Vec::new();
        let dt = rig.plan.dt().ms();
        for &frequency in &self.by.sines {
            let at = way
                .swings
                .iter()
                .min_by(|a, b| (a.frequency - frequency).abs().total_cmp(&(b.frequency - frequency).abs()));
            if at.is_none() {
                break;
            }
            let size = self.by.small / way.input.circuit.unwrap_or(0.1).abs();
            let period = (1e3 / frequency / dt).round() as u64;
            let begin = (SWUNG_IN.0 / (period as f64 * dt)).ceil() as u64 * period;
            let mut state = rest.clone();
            let mut trace = Trace::new(Vec::new(), 1);
            let mut sums = [(0.0, 0.0); 2];
            let watched = SWUNG_IN.1 as u64 * period;
            for k in 0..begin + watched {
                let (_, sine) = numerics::math::turn((k as f64 + 0.5) / period as f64);
                let act = Act { to: places[0], g: 0.0, i: size * sine, jump: false, carried: None };
                let mut outside = Outside { acts: vec![act], ..Outside::default() };
                rig.go(&mut state, 1, &mut outside, &mut trace)?;
                if k >= begin {
                    let (c, s) = numerics::math::turn((k as f64 + 1.0) / period as f64);
                    for (sum, place) in sums.iter_mut().zip(places) {
                        let v = state.v_m(&rig.plan, place);
                        *sum = (v.mul_add(s, sum.0), v.mul_add(c, sum.1));
                    }
                }
            }
            // (in phase, ahead) of both; there over here.
            let [(a, b), (c, d)] = sums;
            let whole = a * a + b * b;
            let (re, im) = ((c * a + d * b) / whole, (d * a - c * b) / whole);
            let phase = 360.0 * numerics::math::turns(re, im);
            let frequency = 1e3 / (period as f64 * dt);
            out.push(Swing { frequency, magnitude: re.mul_add(re, im * im).sqrt(), phase });
        }
        Ok(out)
    }

    /// An action potential here by a current of 1 ms, the least of those that double, and what it does there. None of a point
    /// neuron, whose spike has no course, and of a cell that is highest where the current ends: that is no action potential.
    fn spikelet(&self, places: [Target; 2], between: &[(usize, &Junction)]) -> Result<Option<Spikelet>, RigError> {
        if self.circuit.point(places[0].cell).is_some() {
            return Ok(None);
        }
        let (start, until) = (self.by.duration, self.by.duration + self.by.after);
        let listened: Vec<u32> = between.iter().map(|(k, _)| *k as u32).collect();
        let none = self.seen(places, (start, start, 0.0), until, &listened)?;
        let from = (start / self.circuit.dt().ms()).round() as usize;
        let mut current = 10.0;
        for _ in 0..DOUBLINGS {
            let seen = self.seen(places, (start, start + BRIEF, current), until, &listened)?;
            let dt = self.circuit.dt().ms();
            let outward = |of: &Seen| -> Vec<f64> {
                let n = of.passed.first().map_or(0, Vec::len);
                let sign = |j: &Junction| if j.a == places[0] { 1.0 } else { -1.0 };
                let at =
                    |k: usize| -> f64 { between.iter().zip(&of.passed).map(|(j, p)| sign(j.1) * p[k].current).sum() };
                (from..n).map(at).collect()
            };
            let course = |k: usize| -> Vec<f64> { seen.v[k][from..].to_vec() };
            let there: Vec<f64> = seen.v[1][from..].iter().zip(&none.v[1][from..]).map(|(v, rest)| v - rest).collect();
            let through: Vec<f64> = outward(&seen).iter().zip(outward(&none)).map(|(i, rest)| i - rest).collect();
            let fired = seen.spikes[places[1].cell as usize].iter().any(|t| *t >= start);
            let found = spikelet(dt, &course(0), &there, &through, self.by.spike);
            if let Some(mut found) = found.filter(|s| (s.spike.peak_time - BRIEF).abs() > 1.5 * dt) {
                found.pulse = current;
                found.fires = fired;
                return Ok(Some(found));
            }
            current *= 2.0;
        }
        Ok(None)
    }
}

/// Current over voltage across of the junctions between two places, from the first to the second: at once, with their states
/// as they are at rest, and steady.
fn across(plan: &Plan, state: &State, all: &[(usize, &Junction)], places: [Target; 2]) -> Vec<(f64, f64, f64)> {
    let kind = |k: usize| plan.junction_kind(k);
    if all.iter().all(|(k, _)| kind(*k).at_once.is_none() && kind(*k).scheme.is_none()) {
        return Vec::new();
    }
    let (far, n) = ACROSS;
    let points = (0..n).map(|k| far.mul_add(2.0 * f64::from(k) / f64::from(n - 1), -far));
    let at = |v: f64| {
        let (mut now, mut late) = (0.0, 0.0);
        for (k, j) in all {
            let sign = if j.a == places[0] { 1.0 } else { -1.0 };
            let rest = state.v_m(plan, j.a) - state.v_m(plan, j.b);
            let passing = state.passing(plan, *k);
            let open = passing.g / at_once(kind(*k), rest);
            let share = at_once(kind(*k), sign * v);
            now += open * share * v;
            late += match steady(kind(*k), sign * v) {
                Some(conducts) => j.g * passing.strength * conducts * share * v,
                None => open * share * v,
            };
        }
        (v, now, late)
    };
    points.map(at).collect()
}

/// What the states of a kind conduct once they have settled at `v` mV across, as a share; none without states.
fn steady(kind: &Kind, v: f64) -> Option<f64> {
    let scheme = kind.scheme.as_ref()?;
    let rates = outputs(kind, v);
    let step = |s: &engine::junction::JunctionStep| (s.from.into(), s.to.into(), rates[usize::from(s.rate)]);
    let steps: Vec<(usize, usize, f64)> = scheme.steps.iter().map(step).collect();
    let law = Generator::new(scheme.open.len(), &steps).ok()?.stationary().ok()?;
    Some(law.iter().zip(&scheme.open).map(|(p, open)| p * open).sum())
}
