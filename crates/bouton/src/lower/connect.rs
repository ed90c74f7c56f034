//! Who is connected with whom: the rules of `connect`, where contacts sit, how strong they are.
//!
//! What is drawn has its address in (seed of the rule, name of the synapse; cell, 0), so that a network does not depend on
//! the order in which it is made, and members of a population keep their connections when others join by `each` or `ring`.

use ::model::morphology::locset::Stretch;
use ::model::morphology::{Joint, Morphology};
use ::model::units::Expr;
use numerics::math;
use numerics::rng::{Draws, StreamKey, name_hash};
use std::collections::HashSet;

/// What draws are for.
const PAIRS: u32 = 0x7061_6972;
const CONTACTS: u32 = 0x636f_6e74;
const PLACES: u32 = 0x626f_7865;
const SENDING: u32 = 0x6672_6f6d;

/// A rule.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    All,
    Each,
    Ring(u32),
    Probability(f64),
    /// Of the separation of two cells.
    BySeparation(Expr),
    Indegree(u32),
    Outdegree(u32),
    Pairs(Vec<(u32, u32)>),
}

/// Senders and receivers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends<'a> {
    /// How many.
    pub senders: u32,
    pub receivers: u32,
    /// Whether they are the same, and none is to be connected with itself.
    pub others: bool,
    /// Whether they are the same, and a pair has no order: what joins a with b joins b with a.
    pub mutual: bool,
    /// Where they lie, um; one for all of a population that lies in one place.
    pub from: &'a [[f64; 3]],
    pub to: &'a [[f64; 3]],
}

impl Ends<'_> {
    /// Distance between a sender and a receiver, um.
    pub fn separation(&self, sender: u32, receiver: u32) -> f64 {
        let place = |all: &[[f64; 3]], k: u32| all.get(k as usize).or(all.first()).copied().unwrap_or_default();
        let (a, b) = (place(self.from, sender), place(self.to, receiver));
        (0..3).fold(0.0, |sum, k| (a[k] - b[k]).mul_add(a[k] - b[k], sum)).sqrt()
    }
}

/// How an expression of the separation came out: not between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct NoProbability {
    pub separation: f64,
    pub value: f64,
}

/// Most connections that a rule makes, for bounds before anything is made; of a probability the mean and six deviations.
pub(super) fn most(rule: &Rule, ends: &Ends) -> f64 {
    let (n, m) = (f64::from(ends.senders), f64::from(ends.receivers));
    let all = if ends.mutual { 0.5 * n * (n - 1.0) } else { n * m };
    match rule {
        Rule::All => all,
        Rule::Each => n,
        Rule::Ring(k) => n * f64::from(*k),
        Rule::Probability(p) => p.mul_add(all, 6.0 * (p * all).sqrt()),
        // Every pair is looked at, whatever comes of it.
        Rule::BySeparation(_) => all,
        Rule::Indegree(k) => m * f64::from(*k),
        Rule::Outdegree(k) => n * f64::from(*k),
        Rule::Pairs(pairs) => pairs.len() as f64,
    }
}

/// Gives each connection, sender and receiver, to `emit`; `repeated`: whether degrees may hold a pair twice.
pub(super) fn pairs(
    rule: &Rule,
    ends: &Ends,
    (seed, name, repeated): (u64, &str, bool),
    emit: &mut dyn FnMut(u32, u32),
) -> Result<(), NoProbability> {
    let key = StreamKey::new(seed, 0, PAIRS, name_hash(name));
    let (n, m) = (ends.senders, ends.receivers);
    // Of a pair without order the lower number is looked at from the higher.
    let upto = |receiver: u32| if ends.mutual { receiver } else { n };
    match rule {
        Rule::All => {
            for receiver in 0..m {
                (0..upto(receiver))
                    .filter(|s| !(ends.others && *s == receiver))
                    .for_each(|sender| emit(sender, receiver));
            }
        }
        Rule::Each => (0..n.min(m)).for_each(|k| emit(k, k)),
        Rule::Ring(neighbours) => {
            for sender in 0..n {
                for k in 1..=*neighbours {
                    let receiver = ((u64::from(sender) + u64::from(k)) % u64::from(n)) as u32;
                    // So many steps back from the receiver lead on to the sender: the pair may be met from there, too.
                    let back = n.saturating_sub(k);
                    let first = back > *neighbours || (k, sender) < (back, receiver);
                    if !ends.mutual || first {
                        emit(sender, receiver);
                    }
                }
            }
        }
        Rule::Probability(p) => {
            for receiver in 0..m {
                bernoulli(*p, upto(receiver), &mut key.at(u64::from(receiver), 0), &mut |sender| {
                    if !(ends.others && sender == receiver) {
                        emit(sender, receiver);
                    }
                });
            }
        }
        Rule::BySeparation(expression) => {
            for receiver in 0..m {
                let mut draws = key.at(u64::from(receiver), 0);
                for sender in 0..upto(receiver) {
                    let separation = ends.separation(sender, receiver);
                    let value = expression.evaluate(&[separation]);
                    if !(0.0..=1.0).contains(&value) {
                        return Err(NoProbability { separation, value });
                    }
                    let drawn = draws.chance(value);
                    if drawn && !(ends.others && sender == receiver) {
                        emit(sender, receiver);
                    }
                }
            }
        }
        Rule::Indegree(k) => {
            for receiver in 0..m {
                let apart = ends.others.then_some(receiver);
                choose((*k, n), apart, repeated, &mut key.at(u64::from(receiver), 0), &mut |s| emit(s, receiver));
            }
        }
        Rule::Outdegree(k) => {
            for sender in 0..n {
                let apart = ends.others.then_some(sender);
                choose((*k, m), apart, repeated, &mut key.at(u64::from(sender), 0), &mut |r| emit(sender, r));
            }
        }
        Rule::Pairs(pairs) => pairs.iter().for_each(|&(sender, receiver)| emit(sender, receiver)),
    }
    Ok(())
}

/// Each of `0..n` with probability `p`: the gaps between those that are taken are geometric (Batagelj & Brandes 2005, Phys
/// Rev E 71:036113).
fn bernoulli(p: f64, n: u32, draws: &mut Draws, take: &mut dyn FnMut(u32)) {
    if p >= 1.0 {
        return (0..n).for_each(take);
    }
    if p <= 0.0 {
        return;
    }
    let rest = 1.0 / math::ln(1.0 - p);
    let mut next = 0.0f64;
    loop {
        next += (math::ln(draws.uniform()) * rest).floor();
        if next >= f64::from(n) {
            return;
        }
        take(next as u32);
        next += 1.0;
    }
}

/// `k` of `0..n` but for `apart`, ascending: different ones (Floyd; Bentley & Floyd 1987, CACM 30:754) or, if `repeated`,
/// each drawn from all.
fn choose((k, n): (u32, u32), apart: Option<u32>, repeated: bool, draws: &mut Draws, take: &mut dyn FnMut(u32)) {
    let others = n - u32::from(apart.is_some());
    let mut chosen: Vec<u32> = Vec::with_capacity(k as usize);
    if repeated {
        if others > 0 {
            chosen.extend((0..k).map(|_| draws.below(u64::from(others)) as u32));
        }
    } else {
        let mut seen = HashSet::with_capacity(k as usize);
        for last in others.saturating_sub(k)..others {
            let drawn = draws.below(u64::from(last) + 1) as u32;
            let one = if seen.insert(drawn) { drawn } else { last };
            seen.insert(one);
            chosen.push(one);
        }
    }
    chosen.sort_unstable();
    for one in chosen {
        take(one + u32::from(apart.is_some_and(|a| one >= a)));
    }
}

/// Where contacts may sit on a receiver.
#[derive(Debug, Clone)]
pub(super) enum Spots<'a> {
    /// In one compartment.
    One(u32),
    /// On any of these.
    Any(&'a [u32]),
    /// Anywhere in a region.
    Region(Region),
}

impl Spots<'_> {
    fn draw(&self, draws: &mut Draws, at: &dyn Fn(Joint) -> u32) -> u32 {
        match self {
            Spots::One(compartment) => *compartment,
            Spots::Any(all) => all[draws.below(all.len() as u64) as usize],
            Spots::Region(region) => at(region.at(draws.uniform())),
        }
    }
}

/// A region, one stretch after the other.
#[derive(Debug, Clone)]
pub(super) struct Region {
    /// Where each stretch ends, um from the beginning of the first.
    ends: Vec<f64>,
    /// Section, and the shares of its length where it begins and ends.
    stretches: Vec<(usize, f64, f64)>,
}

impl Region {
    /// None where nothing has a length.
    pub fn new(morphology: &Morphology, stretches: &[Stretch]) -> Option<Self> {
        let (mut ends, mut all, mut whole) = (Vec::new(), Vec::new(), 0.0);
        for s in stretches.iter().filter(|s| s.length() > 0.0) {
            let length = morphology.sections[s.section].length();
            whole += s.length();
            ends.push(whole);
            all.push((s.section, s.from / length, s.to / length));
        }
        (whole > 0.0).then_some(Self { ends, stretches: all })
    }

    /// The place at a share of the whole length.
    fn at(&self, share: f64) -> Joint {
        let last = self.ends.len() - 1;
        let along = share * self.ends[last];
        let k = self.ends.partition_point(|end| *end <= along).min(last);
        let before = if k == 0 { 0.0 } else { self.ends[k - 1] };
        let within = (along - before) / (self.ends[k] - before);
        let (section, from, to) = self.stretches[k];
        Joint { section, position: (to - from).mul_add(within, from).clamp(0.0, 1.0) }
    }
}

/// Draws the places and strengths of a synapse's contacts, each with an address of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contacts {
    key: StreamKey,
    /// Of places on the sending side.
    sending: StreamKey,
    /// Of the logarithm: mean and deviation.
    log: (f64, f64),
}

impl Contacts {
    /// `spread`: coefficient of variation of the strengths.
    pub fn new((seed, name): (u64, &str), spread: f64) -> Self {
        let variance = math::ln(spread.mul_add(spread, 1.0));
        let key = |what| StreamKey::new(seed, 0, what, name_hash(name));
        Self { key: key(CONTACTS), sending: key(SENDING), log: (-0.5 * variance, variance.sqrt()) }
    }

    /// The compartment of a contact, and its strength as a share of the mean.
    pub fn draw(&self, (connection, contact): (u64, u64), spots: &Spots, at: &dyn Fn(Joint) -> u32) -> (u32, f64) {
        let mut draws = self.key.at(connection, contact);
        let compartment = spots.draw(&mut draws, at);
        let (mean, deviation) = self.log;
        let weight = if deviation > 0.0 { math::exp(draws.normal().mul_add(deviation, mean)) } else { 1.0 };
        (compartment, weight)
    }

    /// The compartment of a contact on the sending side.
    pub fn sending(&self, (connection, contact): (u64, u64), spots: &Spots, at: &dyn Fn(Joint) -> u32) -> u32 {
        spots.draw(&mut self.sending.at(connection, contact), at)
    }
}

/// Where `n` cells lie.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arrangement {
    Line(f64),
    Ring(f64),
    Grid(f64),
    /// Sides, and the seed.
    Within([f64; 3], u64),
}

/// Positions of a population's cells, um, around `centre`.
pub(super) fn positions(rule: Option<Arrangement>, centre: [f64; 3], n: u32, name: &str) -> Vec<[f64; 3]> {
    let around = |[x, y, z]: [f64; 3]| [centre[0] + x, centre[1] + y, centre[2] + z];
    let middle = |k: u32, n: u32, step: f64| step * (f64::from(k) - 0.5 * f64::from(n.saturating_sub(1)));
    match rule {
        None => vec![centre],
        Some(Arrangement::Line(step)) => (0..n).map(|k| around([middle(k, n, step), 0.0, 0.0])).collect(),
        Some(Arrangement::Ring(radius)) => {
            let place = |k: u32| {
                let [x, y] = turned(k, n);
                around([radius * x, radius * y, 0.0])
            };
            (0..n).map(place).collect()
        }
        Some(Arrangement::Grid(step)) => {
            let columns = f64::from(n).sqrt().ceil() as u32;
            let rows = n.div_ceil(columns);
            let place = |k: u32| [middle(k % columns, columns, step), middle(k / columns, rows, step), 0.0];
            (0..n).map(|k| around(place(k))).collect()
        }
        Some(Arrangement::Within(sides, seed)) => {
            let key = StreamKey::new(seed, 0, PLACES, name_hash(name));
            let place = |k: u32| {
                let mut draws = key.at(u64::from(k), 0);
                sides.map(|side| side * (draws.uniform() - 0.5))
            };
            (0..n).map(|k| around(place(k))).collect()
        }
    }
}

/// Cosine and sine of `k / n` of a turn: from the nearest eighth on by the series, so that they are the same on every machine.
fn turned(k: u32, n: u32) -> [f64; 2] {
    let (k, n) = (u64::from(k % n), u64::from(n));
    let quarter = (4 * k + n / 2) / n;
    // Between -1/8 and 1/8 of a turn.
    let angle = std::f64::consts::TAU * (4.0 * k as f64 - quarter as f64 * n as f64) / (4.0 * n as f64);
    let (mut cosine, mut sine, mut term) = (0.0, 0.0, 1.0);
    for power in 0..24u32 {
        // Powers 0, 1, 2, 3 of the exponential series go to cos, sin, -cos, -sin.
        let signed = if power % 4 < 2 { term } else { -term };
        if power % 2 == 0 {
            cosine += signed
        } else {
            sine += signed
        }
        term *= angle / f64::from(power + 1);
    }
    match quarter % 4 {
        0 => [cosine, sine],
        1 => [-sine, cosine],
        2 => [-cosine, -sine],
        _ => [sine, -cosine],
    }
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
