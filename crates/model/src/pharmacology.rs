//! A drug is a rewrite of a scheme: it adds bound states, held at the drug's concentration, and leaves the scheme's own
//! steps as they are. What binds reversibly obeys detailed balance wherever the scheme did.
//!
//! **Sites.** A state's free sites are the ligands it can still take up. At most that many molecules of a competitive
//! drug sit on it; each takes away its share of the rate of the next uptake, and gating goes on as with those sites free
//! (Gaddum 1937). Sites that differ for the ligand are alike for the drug: which of them it holds is averaged.

use crate::catalogue::{IONS, Mechanism, Rate};
use crate::resolve::{
    DirectedStep, Dose, Part, ResolvedGate, ResolvedGateForm, ResolvedRate, ResolvedScheme, TemperatureStep,
};
use crate::units::Dimension;
use numerics::math;
use std::fmt;

/// The most states that a dosed scheme may have.
const MOST_STATES: usize = 200;

/// Why a drug cannot act on a part.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Refusal {
    /// No ligand that it could compete with.
    NoSite,
    /// Sites taken along one way are not those along another.
    Uncountable,
    /// Its channel has no states to bind to.
    Gates { mechanism: &'static str },
    /// Neither a scheme nor gates.
    Nothing,
    /// More states than can be followed.
    States(usize),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSite => f.write_str("it takes up no ligand whose place the drug could take"),
            Self::Uncountable => {
                f.write_str("its sites cannot be counted: two ways to a state take up different numbers")
            }
            Self::Gates { mechanism } => write!(f, "it has gates and no states, on which `{mechanism}` could act"),
            Self::Nothing => f.write_str("it has neither a scheme nor gates"),
            Self::States(n) => write!(f, "with it there would be {n} states; at most {MOST_STATES}"),
        }
    }
}

/// A drug at hand: its name in the model, its entry at the model's temperature, how much of it there is.
#[derive(Debug, Clone, Copy)]
pub struct Drug<'a> {
    /// What its ligand is called.
    pub name: &'a str,
    /// Its entry, with parameters as said in the model.
    pub part: &'a Part,
    /// mM
    pub concentration: f64,
}

impl Drug<'_> {
    /// A rate at the model's temperature.
    fn rate(&self, rate: &Rate) -> ResolvedRate {
        let reference = rate.provenance.temperature.unwrap_or(self.part.body.temperature);
        let step = TemperatureStep::new(reference, self.part.temperature, rate.q10);
        ResolvedRate { expr: rate.expr.clone(), factor: f64::from(rate.sites) * step.factor }
    }

    /// The value of a rate at -70 mV, for what happens before a trial.
    pub fn value(&self, rate: &Rate) -> f64 {
        let own = &self.part.layout;
        let resolved = self.rate(rate);
        resolved.expr.evaluate(&own.values(&self.part.parameters, -70.0, self.part.temperature, &[])) * resolved.factor
    }

    /// What is left of targets after `duration` ms of a drug that inactivates them: E -> EI (and back), EI -> gone.
    pub fn left_after(&self, mechanism: &Mechanism, duration: f64) -> f64 {
        let Mechanism::Irreversible { k_on, reactivation, aging } = mechanism else { return 1.0 };
        let rate = |r: &Option<Box<Rate>>| r.as_ref().map_or(0.0, |r| self.value(r));
        remaining(self.value(k_on) * self.concentration, rate(reactivation), rate(aging), duration)
    }
}

/// Share of E after `t` in E -(a)-> EI, EI -(r)-> E, EI -(g)-> gone; rates in 1/t. Exact.
pub fn remaining(a: f64, r: f64, g: f64, t: f64) -> f64 {
    if t.is_infinite() {
        return if a == 0.0 {
            1.0
        } else if g == 0.0 {
            r / (a + r)
        } else {
            0.0
        };
    }
    // Eigenvalues -(s -+ d) of the pair (E, EI), from E = 1.
    let s = 0.5 * (a + r + g);
    let d = (s * s - a * g).max(0.0).sqrt();
    if d * t < 1e-9 {
        return math::exp(-s * t) * (1.0 + (s - a) * t);
    }
    let (slow, fast) = (math::exp(-(s - d) * t), math::exp(-(s + d) * t));
    0.5 * ((slow + fast) + (s - a) / d * (slow - fast))
}

/// Gives a part a drug by one of its mechanisms; irreversible ones change how much of it is left, and nothing here, but
/// within a trial: see [`inactivate`].
///
/// # Errors
/// See [`Refusal`].
pub fn dose(part: &mut Part, drug: &Drug<'_>, mechanism: &Mechanism) -> Result<(), Refusal> {
    always_open(part);
    let (on, off) = match mechanism {
        Mechanism::Irreversible { .. } => return Ok(()),
        Mechanism::Agonist { on_factor, off_factor } => {
            let ligand = if part.scheme.is_some() { widen(part, drug, true) } else { return Err(Refusal::NoSite) };
            return rewrite(part, |scheme, rest| agonist(scheme, rest, ligand, *on_factor, *off_factor));
        }
        Mechanism::Competitive { k_on, k_off }
        | Mechanism::Pore { k_on, k_off }
        | Mechanism::PorePair { k_on, k_off, .. }
        | Mechanism::OpenChannel { k_on, k_off, .. }
        | Mechanism::Modulator { k_on, k_off, .. } => (drug.rate(k_on), drug.rate(k_off)),
    };
    if part.scheme.is_none() {
        return match mechanism {
            Mechanism::Pore { .. } if !part.gates.is_empty() => {
                gate(part, drug, on, off);
                Ok(())
            }
            _ if part.gates.is_empty() => Err(Refusal::Nothing),
            _ => Err(Refusal::Gates { mechanism: mechanism.word() }),
        };
    }
    let site = matches!(mechanism, Mechanism::Competitive { .. });
    let before = part.parameters.len();
    let ligand = widen(part, drug, site);
    let (on, off) = (here(on, before), here(off, before));
    match mechanism {
        Mechanism::Competitive { .. } => rewrite(part, |s, rest| competitive(s, rest, ligand, &on, &off)),
        Mechanism::Modulator { on_factor, off_factor, .. } => {
            rewrite(part, |s, rest| modulated(s, rest, ligand, (&on, &off), (*on_factor, *off_factor)))
        }
        Mechanism::OpenChannel { trapping, .. } => {
            rewrite(part, |s, rest| blocked(s, rest, ligand, (&on, &off), Some(*trapping)))
        }
        Mechanism::PorePair { off_factor, .. } => {
            rewrite(part, |s, _| Ok(blocked_by_two(s, ligand, (&on, &off), *off_factor)))
        }
        _ => rewrite(part, |s, rest| blocked(s, rest, ligand, (&on, &off), None)),
    }
}

/// A gap-junction channel that nothing gates has one state, open, for drugs to bind to.
fn always_open(part: &mut Part) {
    if part.kind == "connexin" && part.scheme.is_none() {
        let (states, absorbing) = (vec!["open".to_owned()], vec![false]);
        part.scheme = Some(ResolvedScheme { states, absorbing, ligands: Vec::new(), steps: Vec::new() });
        part.conductance = vec![(0, part.unitary.unwrap_or(1.0))];
    }
}

/// A rate of a drug in the layout of a part that it was given to, and that had so many parameters before: the drug's stand
/// after those; then v and temperature.
fn here(rate: ResolvedRate, before: usize) -> ResolvedRate {
    ResolvedRate { expr: rate.expr.renumbered(&|i| before + i), ..rate }
}

/// Gives a part a drug that inactivates it while a trial runs: E -> EI (and back), EI -> gone, from whatever state it is
/// in. A molecule of transmitter that it held is lost with it; what reactivates does so in its first state.
///
/// # Errors
/// See [`Refusal`].
pub fn inactivate(part: &mut Part, drug: &Drug<'_>, mechanism: &Mechanism) -> Result<(), Refusal> {
    let Mechanism::Irreversible { k_on, reactivation, aging } = mechanism else { return Ok(()) };
    always_open(part);
    if part.scheme.is_none() {
        return Err(if part.gates.is_empty() {
            Refusal::Nothing
        } else {
            Refusal::Gates { mechanism: mechanism.word() }
        });
    }
    let before = part.parameters.len();
    let ligand = widen(part, drug, false);
    let rate = |r: &Rate| here(drug.rate(r), before);
    rewrite(part, |scheme, _| {
        let mut copies: Vec<Copied> =
            scheme.states.iter().enumerate().map(|(s, name)| (s, name.clone(), true)).collect();
        let mut steps = scheme.steps.clone();
        let (own, held) = (copies.len(), copies.len());
        copies.push((0, format!("inactivated+{}", drug.name), false));
        steps.extend((0..own).filter(|s| !scheme.absorbing[*s]).map(|from| DirectedStep {
            from,
            to: held,
            takes_up: Some(ligand),
            gives_off: None,
            rate: rate(k_on),
        }));
        if let Some(back) = reactivation {
            let (takes_up, gives_off) = (None, Some(ligand));
            steps.push(DirectedStep { from: held, to: 0, takes_up, gives_off, rate: rate(back) });
        }
        if let Some(aging) = aging {
            copies.push((0, format!("aged+{}", drug.name), false));
            let (takes_up, gives_off) = (None, None);
            steps.push(DirectedStep { from: held, to: held + 1, takes_up, gives_off, rate: rate(aging) });
        }
        Ok(Rewritten { copies, steps })
    })
}

/// What a rewrite may look at beside the scheme.
struct Rest<'a> {
    conductance: &'a [(usize, f64)],
    drugs: &'a [Dose],
    driven: bool,
}

/// The state that is copied, the copy's name, whether it conducts as the state does.
type Copied = (usize, String, bool);

/// New states and all steps.
struct Rewritten {
    copies: Vec<Copied>,
    steps: Vec<DirectedStep>,
}

fn rewrite(
    part: &mut Part,
    how: impl FnOnce(&ResolvedScheme, &Rest<'_>) -> Result<Rewritten, Refusal>,
) -> Result<(), Refusal> {
    let Some(scheme) = &part.scheme else { return Err(Refusal::Nothing) };
    let driven = part.body.body.table("scheme").and_then(|s| s.word("balance")) == Some("driven");
    let rest = Rest { conductance: &part.conductance, drugs: &part.drugs, driven };
    let Rewritten { copies, steps } = how(scheme, &rest)?;
    if copies.len() > MOST_STATES {
        return Err(Refusal::States(copies.len()));
    }
    let conductance = copies.iter().enumerate().filter(|(_, c)| c.2).filter_map(|(i, c)| {
        let (_, g) = part.conductance.iter().find(|(s, _)| *s == c.0)?;
        Some((i, *g))
    });
    part.conductance = conductance.collect();
    part.scheme = Some(ResolvedScheme {
        states: copies.iter().map(|c| c.1.clone()).collect(),
        absorbing: copies.iter().map(|c| scheme.absorbing[c.0]).collect(),
        ligands: scheme.ligands.clone(),
        steps,
    });
    // Loops are the entry's own; those of the rewrite close if they did.
    Ok(())
}

/// Makes room for a drug: its parameters after the part's, its ligand after the part's. Gives the ligand's index.
fn widen(part: &mut Part, drug: &Drug<'_>, at_site: bool) -> usize {
    let (before, more) = (part.layout.parameters, drug.part.parameters.len());
    let shift = |i: usize| if i < before { i } else { i + more };
    let moved = |r: &mut ResolvedRate| r.expr = r.expr.renumbered(&shift);
    let own = drug.part.layout.names.iter().take(more).map(|(n, d)| (format!("{}.{n}", drug.name), *d));
    let at = part.layout.parameters..part.layout.parameters;
    part.layout.names.splice(at, own);
    part.layout.parameters += more;
    part.parameters.extend_from_slice(&drug.part.parameters);
    part.share.iter_mut().for_each(moved);
    for gate in &mut part.gates {
        match &mut gate.form {
            ResolvedGateForm::Rates { opening, closing } => [opening, closing].into_iter().for_each(moved),
            ResolvedGateForm::Relaxation { steady, tau } => [steady, tau].into_iter().for_each(moved),
        }
    }
    let mut ligand = 0;
    if let Some(scheme) = &mut part.scheme {
        scheme.steps.iter_mut().for_each(|s| moved(&mut s.rate));
        ligand = scheme.ligands.len();
        scheme.ligands.push(drug.name.to_owned());
        part.layout.names.push((drug.name.to_owned(), Dimension::CONCENTRATION));
        part.drugs.push(Dose { ligand, concentration: drug.concentration, at_site });
    }
    ligand
}

/// A block as one more gate, shut with k_on c and opened with k_off.
fn gate(part: &mut Part, drug: &Drug<'_>, on: ResolvedRate, off: ResolvedRate) {
    let before = part.parameters.len();
    widen(part, drug, false);
    let here = |rate: ResolvedRate, factor: f64| ResolvedRate {
        expr: rate.expr.renumbered(&|i| before + i),
        factor: rate.factor * factor,
    };
    part.gates.push(ResolvedGate {
        name: drug.name.to_owned(),
        count: 1,
        form: ResolvedGateForm::Rates { opening: here(off, 1.0), closing: here(on, drug.concentration) },
    });
}

/// Ligands whose places drugs may take: those that are taken up and are no ions, and the drugs that sit there already.
fn site_ligands(scheme: &ResolvedScheme, drugs: &[Dose]) -> Vec<usize> {
    let ion = |name: &str| IONS.contains(&name);
    (0..scheme.ligands.len())
        .filter(|&l| {
            let taken = scheme.steps.iter().any(|s| s.takes_up == Some(l));
            match drugs.iter().find(|d| d.ligand == l) {
                Some(dose) => dose.at_site && taken,
                None => taken && !ion(&scheme.ligands[l]),
            }
        })
        .collect()
}

/// Free sites of each state.
fn free_sites(scheme: &ResolvedScheme, rest: &Rest<'_>) -> Result<(Vec<usize>, Vec<usize>), Refusal> {
    let sites = site_ligands(scheme, rest.drugs);
    if sites.is_empty() {
        return Err(Refusal::NoSite);
    }
    let is = |l: Option<usize>| l.is_some_and(|l| sites.contains(&l));
    let n = scheme.states.len();
    if rest.driven {
        // A cycle gives off elsewhere what it took up: a state has a free site if it can take the ligand up.
        let free = (0..n).map(|s| usize::from(scheme.steps.iter().any(|t| t.from == s && is(t.takes_up))));
        return Ok((free.collect(), sites));
    }
    let taken = taken(scheme, &sites)?;
    let most = taken.iter().copied().max().unwrap_or(0);
    Ok((taken.iter().map(|t| usize::try_from(most - t).unwrap_or(0)).collect(), sites))
}

/// How many more of some ligands each state has taken up than the first.
fn taken(scheme: &ResolvedScheme, ligands: &[usize]) -> Result<Vec<i64>, Refusal> {
    let is = |l: Option<usize>| l.is_some_and(|l| ligands.contains(&l));
    let mut taken: Vec<Option<i64>> = vec![None; scheme.states.len()];
    let mut stack = vec![0];
    taken[0] = Some(0);
    while let Some(s) = stack.pop() {
        for t in &scheme.steps {
            let change = i64::from(is(t.takes_up)) - i64::from(is(t.gives_off));
            for (here, there, change) in [(t.from, t.to, change), (t.to, t.from, -change)] {
                if here != s {
                    continue;
                }
                let there_taken = taken[s].unwrap_or(0) + change;
                match taken[there] {
                    None => {
                        taken[there] = Some(there_taken);
                        stack.push(there);
                    }
                    Some(known) if known != there_taken => return Err(Refusal::Uncountable),
                    Some(_) => {}
                }
            }
        }
    }
    let most = taken.iter().flatten().copied().max().unwrap_or(0);
    Ok(taken.into_iter().map(|t| t.unwrap_or(most)).collect())
}

fn times(rate: &ResolvedRate, factor: f64) -> ResolvedRate {
    ResolvedRate { factor: rate.factor * factor, ..rate.clone() }
}

/// Names of copies: `C1`, `C1+cnqx`, `C1+2cnqx`.
fn named(state: &str, drug: &str, bound: usize) -> String {
    match bound {
        0 => state.to_owned(),
        1 => format!("{state}+{drug}"),
        n => format!("{state}+{n}{drug}"),
    }
}

/// Copies of each state with 0, 1, ... `most(state)` molecules of a drug, and where they are: `[state][molecules]`. The
/// scheme's own states keep their numbers; copies come after.
fn occupied(scheme: &ResolvedScheme, ligand: usize, most: impl Fn(usize) -> usize) -> (Vec<Copied>, Vec<Vec<usize>>) {
    let drug = &scheme.ligands[ligand];
    let mut copies: Vec<Copied> = scheme.states.iter().enumerate().map(|(s, name)| (s, name.clone(), true)).collect();
    let mut index: Vec<Vec<usize>> = (0..copies.len()).map(|s| vec![s]).collect();
    for (s, places) in index.iter_mut().enumerate() {
        for j in 1..=most(s) {
            places.push(copies.len());
            copies.push((s, named(&scheme.states[s], drug, j), true));
        }
    }
    (copies, index)
}

fn competitive(
    scheme: &ResolvedScheme,
    rest: &Rest<'_>,
    ligand: usize,
    on: &ResolvedRate,
    off: &ResolvedRate,
) -> Result<Rewritten, Refusal> {
    let (free, sites) = free_sites(scheme, rest)?;
    let is = |l: Option<usize>| l.is_some_and(|l| sites.contains(&l));
    let (copies, index) = occupied(scheme, ligand, |s| free[s]);
    let mut steps = scheme.steps.clone();
    let mut more = Vec::new();
    for t in &scheme.steps {
        let (f, g) = (free[t.from], free[t.to]);
        for (j, (&from, &to)) in index[t.from].iter().zip(&index[t.to]).enumerate().skip(1) {
            let factor = if is(t.takes_up) {
                if f != g + 1 {
                    return Err(Refusal::Uncountable);
                }
                (f - j) as f64 / f as f64
            } else if is(t.gives_off) || f == g {
                1.0
            } else {
                continue;
            };
            more.push(DirectedStep { from, to, rate: times(&t.rate, factor), ..t.clone() });
        }
    }
    for (s, &f) in free.iter().enumerate() {
        for j in 0..f {
            let (a, b) = (index[s][j], index[s][j + 1]);
            more.push(DirectedStep {
                from: a,
                to: b,
                takes_up: Some(ligand),
                gives_off: None,
                rate: times(on, (f - j) as f64),
            });
            more.push(DirectedStep {
                from: b,
                to: a,
                takes_up: None,
                gives_off: Some(ligand),
                rate: times(off, (j + 1) as f64),
            });
        }
    }
    steps.extend(more);
    Ok(Rewritten { copies, steps })
}

fn agonist(
    scheme: &ResolvedScheme,
    rest: &Rest<'_>,
    ligand: usize,
    on_factor: f64,
    off_factor: f64,
) -> Result<Rewritten, Refusal> {
    if rest.driven {
        return Err(Refusal::NoSite);
    }
    let (free, sites) = free_sites(scheme, rest)?;
    let own: Vec<usize> = sites.iter().copied().filter(|s| rest.drugs.iter().all(|d| d.ligand != *s)).collect();
    let is = |l: Option<usize>| l.is_some_and(|l| own.contains(&l));
    let most = free.iter().copied().max().unwrap_or(0);
    let (copies, index) = occupied(scheme, ligand, |s| most - free[s]);
    let mut steps = scheme.steps.clone();
    for t in &scheme.steps {
        let (a, b) = (&index[t.from], &index[t.to]);
        let bound = (a.len().max(b.len()) - 1) as f64;
        let mut go = |from: usize, to: usize, takes_up, gives_off, factor: f64| {
            steps.push(DirectedStep { from, to, takes_up, gives_off, rate: times(&t.rate, factor) });
        };
        if is(t.takes_up) {
            for j in 0..a.len() {
                if j > 0 {
                    go(a[j], b[j], t.takes_up, t.gives_off, 1.0);
                }
                go(a[j], b[j + 1], Some(ligand), None, on_factor);
            }
        } else if is(t.gives_off) {
            for j in 0..b.len() {
                if j > 0 {
                    go(a[j], b[j], t.takes_up, t.gives_off, (bound - j as f64) / bound);
                }
                go(a[j + 1], b[j], None, Some(ligand), off_factor * (j + 1) as f64 / bound);
            }
        } else {
            for j in 1..a.len().min(b.len()) {
                go(a[j], b[j], t.takes_up, t.gives_off, 1.0);
            }
        }
    }
    Ok(Rewritten { copies, steps })
}

/// A layer of copies that gate and conduct as before, and in which the ligand binds `on_factor` times as fast and unbinds
/// `off_factor` times as fast. The drug leaves a state with n of the ligand bound (off_factor / on_factor)^n times as
/// fast: so every loop closes if it did.
fn modulated(
    scheme: &ResolvedScheme,
    rest: &Rest<'_>,
    ligand: usize,
    (on, off): (&ResolvedRate, &ResolvedRate),
    (on_factor, off_factor): (f64, f64),
) -> Result<Rewritten, Refusal> {
    if rest.driven {
        return Err(Refusal::NoSite);
    }
    let mut own = site_ligands(scheme, rest.drugs);
    own.retain(|l| *l != ligand && rest.drugs.iter().all(|d| d.ligand != *l));
    if own.is_empty() {
        return Err(Refusal::NoSite);
    }
    let is = |l: Option<usize>| l.is_some_and(|l| own.contains(&l));
    let bound = taken(scheme, &own)?;
    let (copies, index) = occupied(scheme, ligand, |_| 1);
    let mut steps = scheme.steps.clone();
    for t in &scheme.steps {
        let factor = match (is(t.takes_up), is(t.gives_off)) {
            (true, _) => on_factor,
            (_, true) => off_factor,
            _ => 1.0,
        };
        let (from, to) = (index[t.from][1], index[t.to][1]);
        steps.push(DirectedStep { from, to, rate: times(&t.rate, factor), ..t.clone() });
    }
    let least = bound.iter().copied().min().unwrap_or(0);
    for (s, n) in bound.iter().enumerate() {
        let (a, b) = (index[s][0], index[s][1]);
        let slower = math::powi(off_factor / on_factor, i32::try_from(n - least).unwrap_or(0));
        steps.push(DirectedStep { from: a, to: b, takes_up: Some(ligand), gives_off: None, rate: on.clone() });
        steps.push(DirectedStep { from: b, to: a, takes_up: None, gives_off: Some(ligand), rate: times(off, slower) });
    }
    Ok(Rewritten { copies, steps })
}

/// A layer of blocked copies. `open`: `None` blocks every state, else open ones only, with (true) or without trapping.
fn blocked(
    scheme: &ResolvedScheme,
    rest: &Rest<'_>,
    ligand: usize,
    (on, off): (&ResolvedRate, &ResolvedRate),
    open: Option<bool>,
) -> Result<Rewritten, Refusal> {
    let conducts = |s: usize| rest.conductance.iter().any(|&(c, g)| c == s && g > 0.0);
    let binds = |s: usize| open.is_none() || conducts(s);
    let has_copy = |s: usize| open != Some(false) || conducts(s);
    let drug = &scheme.ligands[ligand];
    let mut copies: Vec<Copied> = scheme.states.iter().enumerate().map(|(s, name)| (s, name.clone(), true)).collect();
    let mut index = vec![None; scheme.states.len()];
    for s in (0..scheme.states.len()).filter(|&s| has_copy(s) && !scheme.absorbing[s]) {
        index[s] = Some(copies.len());
        copies.push((s, named(&scheme.states[s], drug, 1), false));
    }
    let mut steps = scheme.steps.clone();
    // What is blocked gates on, unless it holds the channel open, or its cycle would carry.
    if !rest.driven && open != Some(false) {
        for t in &scheme.steps {
            if let (Some(from), Some(to)) = (index[t.from], index[t.to]) {
                steps.push(DirectedStep { from, to, ..t.clone() });
            }
        }
    }
    for s in (0..scheme.states.len()).filter(|&s| binds(s)) {
        let Some(b) = index[s] else { continue };
        steps.push(DirectedStep { from: s, to: b, takes_up: Some(ligand), gives_off: None, rate: on.clone() });
        steps.push(DirectedStep { from: b, to: s, takes_up: None, gives_off: Some(ligand), rate: off.clone() });
    }
    Ok(Rewritten { copies, steps })
}

/// Two layers of copies: with one molecule, which conducts as before, and with two, which does not. Free is 1, one molecule
/// c / (f K), two c^2 / (f K^2), whose Hill coefficient is near 2 where f is large.
fn blocked_by_two(
    scheme: &ResolvedScheme,
    ligand: usize,
    (on, off): (&ResolvedRate, &ResolvedRate),
    off_factor: f64,
) -> Rewritten {
    let (mut copies, index) = occupied(scheme, ligand, |s| if scheme.absorbing[s] { 0 } else { 2 });
    let mut steps = scheme.steps.clone();
    for places in index.iter().filter(|places| places.len() > 2) {
        copies[places[2]].2 = false;
        for (j, factor) in [off_factor, 1.0].into_iter().enumerate() {
            let (from, to) = (places[j], places[j + 1]);
            steps.push(DirectedStep { from, to, takes_up: Some(ligand), gives_off: None, rate: on.clone() });
            let rate = times(off, factor);
            steps.push(DirectedStep { from: to, to: from, takes_up: None, gives_off: Some(ligand), rate });
        }
    }
    for t in &scheme.steps {
        for (&from, &to) in index[t.from].iter().zip(&index[t.to]).skip(1) {
            steps.push(DirectedStep { from, to, ..t.clone() });
        }
    }
    Rewritten { copies, steps }
}
