//! Drugs of the model meet its parts.

use super::wash::Course;
use super::{Content, Part, Phase, ResolvedValue, Resolver, TemperatureStep, plain};
use crate::catalogue::Mechanism;
use crate::diagnostic::Diagnostic;
use crate::pharmacology::{self, Drug};
use crate::read::{Number, Read};
use crate::units::Quantity;
use std::collections::{BTreeMap, BTreeSet};

/// Most levels of the baths of a trial.
const MOST_LEVELS: usize = 2000;

/// A drug at its place in the model.
struct Placed<'a> {
    name: &'a str,
    read: &'a Read,
    /// None of a messenger, which acts on no part by itself.
    drug: Option<Part>,
    course: Course,
    /// Whether its bath changes.
    changes: bool,
}

/// A stretch of constant baths.
struct Level {
    /// In steps.
    from: i64,
    /// By drug: mM, and whether any of it has been there by now.
    baths: Vec<(f64, bool)>,
}

impl Resolver<'_> {
    /// Gives every part the drugs that act on it. Never dosed, or dosed at zero, a part stays as it is, to the bit; one
    /// whose bath changes stays so for as long as the bath has been zero. What follows within a trial, if baths change.
    pub(super) fn dose(&mut self, model: &Read) -> (Vec<(String, f64)>, Vec<Phase>) {
        let mut placed = Vec::new();
        for (key, read) in model.named("drug") {
            let path = format!("drug.{}", key.name);
            let drug = self.parts.remove(&path);
            match &drug {
                Some(drug) => self.list_actions(&path, drug),
                None if read.get("use").is_some() => continue, // said where it was read
                None => {}
            }
            if self.said_fully(&path, read, drug.as_ref())
                && let Some(course) = self.course(&path, read)
            {
                let changes = course.baths.iter().any(|c| *c != course.baths[0]);
                placed.push(Placed { name: &key.name, read, drug, course, changes });
            }
        }
        let levels = self.levels(model, &placed);
        let undosed = if levels.len() > 1 { self.parts.clone() } else { BTreeMap::new() };
        let mut phases = Vec::new();
        for (k, level) in levels.iter().enumerate() {
            let mut parts = if k == 0 { std::mem::take(&mut self.parts) } else { undosed.clone() };
            let mut touched = BTreeSet::new();
            for (of, bath) in placed.iter().zip(&level.baths) {
                // By the last level every drug has been there: what is wrong is said once.
                let on = self.give(of, *bath, &mut parts, (k == 0, k + 1 == levels.len()));
                touched.extend(on.into_iter().filter(|_| of.changes));
            }
            if k == 0 {
                self.parts = parts;
            } else {
                parts.retain(|path, _| touched.contains(path));
                phases.push(Phase { from: level.from, baths: level.baths.iter().map(|b| b.0).collect(), parts });
            }
        }
        let first = levels.first().map_or(&[][..], |l| &l.baths[..]);
        (placed.iter().zip(first).map(|(of, bath)| (of.name.to_owned(), bath.0)).collect(), phases)
    }

    /// The bath of a drug over time; `None` if its schedule is none, which was said.
    fn course(&mut self, path: &str, placed: &Read) -> Option<Course> {
        let Some(schedule) = placed.table("schedule") else {
            return Some(Course::constant(placed.number("bath").map_or(0.0, Number::value)));
        };
        let (times, baths) = (schedule.numbers("times")?, schedule.numbers("baths")?);
        let before = self.out.errors();
        if times.len() != baths.len() || times.is_empty() {
            let message = format!("the schedule of `{path}` has {} times and {} baths", times.len(), baths.len());
            let d = Diagnostic::error(message, schedule.span_of("baths").unwrap_or(&schedule.span).clone());
            self.out.push(d.hint("as many baths as times, one at least"));
        }
        if let Some(first) = times.first().filter(|t| t.value() != 0.0) {
            let message = format!("the schedule of `{path}` begins at {}", first.written);
            let d = Diagnostic::error(message, first.span.clone());
            self.out
                .push(d.hint("its first bath is what the preparation was in before the trial: times = [\"0 s\", ...]"));
        }
        for pair in times.windows(2).filter(|pair| pair[1].value() <= pair[0].value()) {
            let message = format!("the schedule does not go on: {} after {}", pair[1].written, pair[0].written);
            self.out.push(Diagnostic::error(message, pair[1].span.clone()).hint("times ascend"));
        }
        let values = |all: &[Number]| all.iter().map(Number::value).collect();
        let exchange = schedule.number("exchange").map_or(0.0, Number::value);
        let error = schedule.number("error").map_or(0.02, Number::value);
        (self.out.errors() == before).then(|| Course { times: values(times), baths: values(baths), exchange, error })
    }

    /// Stretches of constant baths, each a whole number of steps.
    fn levels(&mut self, model: &Read, placed: &[Placed]) -> Vec<Level> {
        let numerics = model.table("numerics");
        let number = |f: &str, otherwise: f64| numerics.and_then(|n| n.number(f)).map_or(otherwise, Number::value);
        let step = number("step", 0.025);
        let end = model.number("duration").map_or(0.0, Number::value);
        let mut cuts = BTreeSet::from([0]);
        for of in placed.iter().filter(|of| of.changes) {
            for &time in of.course.times.iter().filter(|t| **t >= end && **t > 0.0) {
                let span = of.read.table("schedule").and_then(|s| s.span_of("times")).unwrap_or(&of.read.span);
                let message = format!("`drug.{}` changes its bath at {time} ms, and a trial ends at {end} ms", of.name);
                self.out.push(Diagnostic::warning(message, span.clone()).hint("a longer duration"));
            }
            // A bath begins with a whole step, not before its time.
            let begins = |t: &f64| of.course.times.contains(t);
            let whole = |t: f64| if begins(&t) { (t / step - 1e-6).ceil() } else { (t / step).round() };
            cuts.extend(of.course.cuts(end).into_iter().map(|t| whole(t) as i64).filter(|k| *k as f64 * step < end));
        }
        if cuts.len() > MOST_LEVELS {
            let at = placed.iter().find(|of| of.changes).map_or(&model.span, |of| &of.read.span);
            let message = format!("the baths would take {} levels; at most {MOST_LEVELS}", cuts.len());
            self.out.push(
                Diagnostic::error(message, at.clone()).hint("a larger `error` in its schedule, or fewer changes"),
            );
            cuts = BTreeSet::from([0]);
        }
        let cuts: Vec<i64> = cuts.into_iter().collect();
        let mut levels: Vec<Level> = Vec::with_capacity(cuts.len());
        let mut worst = vec![0.0_f64; placed.len()];
        for (k, &from) in cuts.iter().enumerate() {
            let (a, b) = (from as f64 * step, cuts.get(k + 1).map_or(end.max(step), |to| *to as f64 * step));
            let baths: Vec<(f64, bool)> = placed
                .iter()
                .enumerate()
                .map(|(d, of)| {
                    let c = of.course.level(a, b);
                    worst[d] = worst[d].max(of.course.off(a, b));
                    (c, c > 0.0 || levels.last().is_some_and(|l| l.baths[d].1))
                })
                .collect();
            if levels.last().is_none_or(|l| l.baths != baths) {
                levels.push(Level { from, baths });
            }
        }
        for (of, worst) in placed.iter().zip(worst).filter(|(of, _)| of.changes) {
            let at = format!("drug.{}.schedule", of.name);
            self.list(format!("{at}.largest_error"), plain(worst), of.read);
            self.list(format!("{at}.levels"), plain(levels.len() as f64), of.read);
        }
        levels
    }

    /// Whether the place says as much as the drug needs, and no more.
    fn said_fully(&mut self, path: &str, placed: &Read, drug: Option<&Part>) -> bool {
        let mut actions = drug.into_iter().flat_map(|d| &d.body.actions);
        let irreversible = actions.any(|a| matches!(a.mechanism, Mechanism::Irreversible { .. }));
        let said = |f: &str| placed.get(f).is_some();
        if let Some(span) = placed.span_of("schedule") {
            let first = placed.table("schedule").and_then(|s| s.numbers("baths")).and_then(|b| b.first());
            let (message, hint) = if irreversible && first.is_some_and(|c| c.value() != 0.0) {
                let message = format!("`{path}` acts irreversibly: what its first bath has taken was not said");
                (message, "a schedule that begins at 0, or bath and incubation, or inactivated")
            } else if let Some(other) = ["bath", "incubation", "inactivated"].into_iter().find(|f| said(f)) {
                (
                    format!("`{path}` has a `schedule` and its `{other}`"),
                    "the first of its baths is the one before the trial",
                )
            } else {
                return true;
            };
            self.out.push(Diagnostic::error(message, span.clone()).hint(hint));
            return false;
        }
        let has = (said("bath"), said("incubation"), said("inactivated"));
        let (message, hint) = match (irreversible, has) {
            (true, (true, true, false) | (false, false, true)) | (false, (true, false, false)) => return true,
            // What else says nothing of a messenger was said with it.
            (false, (true, _, _)) if drug.is_none() => return true,
            (true, _) => (
                format!("`{path}` acts irreversibly: what it has taken depends on how long it was there"),
                "bath = \"1 uM\" and incubation = \"10 min\", or inactivated = 0.9",
            ),
            (false, (false, false, false)) => {
                (format!("`{path}` is nowhere: its concentration was not said"), "bath = \"1 uM\"")
            }
            (false, _) => (
                format!("`{path}` binds and lets go again, and is at equilibrium: only its concentration counts"),
                "bath = \"1 uM\", and no incubation",
            ),
        };
        self.out.push(Diagnostic::error(message, placed.span.clone()).hint(hint));
        false
    }

    /// Gives `parts` a drug at (mM, whether any of it has been there by now); lists and tells of faults where asked to.
    /// The parts on which it acts.
    fn give(
        &mut self,
        of: &Placed,
        (concentration, present): (f64, bool),
        parts: &mut BTreeMap<String, Part>,
        (list, tell): (bool, bool),
    ) -> Vec<String> {
        let Placed { name, read: placed, drug: Some(drug), changes, .. } = of else { return Vec::new() };
        let number = |f: &str| placed.number(f).map(Number::value);
        let at = Drug { name, part: drug, concentration };
        let span = placed.span_of("use").unwrap_or(&placed.span).clone();
        let mut met = Vec::new();
        for (path, part) in &mut *parts {
            let families: Vec<String> = part.body.families().map(str::to_owned).collect();
            let on = |a: &&crate::catalogue::Action| a.targets.iter().any(|t| families.contains(t));
            for action in drug.body.actions.iter().filter(on) {
                met.push(path.clone());
                let known = part.scheme.iter().flat_map(|s| s.states.iter().chain(&s.ligands)).any(|n| n == name);
                if known {
                    if tell {
                        let message = format!("`{path}` has a state or ligand `{name}` already");
                        self.out.push(Diagnostic::error(message, span.clone()).hint("call the drug otherwise"));
                    }
                    continue;
                }
                // A gate that is open to the bit is none, and its place is kept; in a membrane a scheme's states, too, which stay
                // where they are when baths change.
                let kept = *changes && (part.scheme.is_none() || part.kind == "connexin" || path.starts_with("cell."));
                if let (Mechanism::Irreversible { .. }, false) = (&action.mechanism, *changes) {
                    let left = match number("inactivated") {
                        Some(gone) => 1.0 - gone,
                        None => at.left_after(&action.mechanism, number("incubation").unwrap_or(0.0)),
                    };
                    part.active *= left;
                    if list {
                        self.list(format!("{path}.drug.{name}.active"), plain(left), placed);
                    }
                } else if (present || kept)
                    && let Err(why) = match action.mechanism {
                        Mechanism::Irreversible { .. } => pharmacology::inactivate(part, &at, &action.mechanism),
                        _ => pharmacology::dose(part, &at, &action.mechanism),
                    }
                    && tell
                {
                    let message = format!("`{}` cannot act on `{path}`: {why}", drug.entry);
                    self.out.push(Diagnostic::error(message, span.clone()));
                }
            }
        }
        if met.is_empty() && tell {
            let mut all: Vec<String> =
                parts.values().flat_map(|p| p.body.families().map(str::to_owned).collect::<Vec<_>>()).collect();
            all.sort();
            all.dedup();
            let targets: Vec<&str> = drug.body.actions.iter().flat_map(|a| &a.targets).map(String::as_str).collect();
            let message = format!("`{}` acts on {}, which this model does not have", drug.entry, targets.join(", "));
            let hint = if all.is_empty() {
                "no part of it has a family".to_owned()
            } else {
                format!("it has {}", all.join(", "))
            };
            self.out.push(Diagnostic::warning(message, span).hint(hint));
        }
        met
    }

    fn list(&mut self, path: String, quantity: Quantity, placed: &Read) {
        let origin = self.origin(placed.span_of("use").or(Some(&placed.span)));
        let content = Content::Quantity(quantity);
        self.values.push(ResolvedValue { path, content, origin, provenance: Default::default(), temperature: None });
    }

    /// Rates of a drug, as `explain` lists them.
    fn list_actions(&mut self, path: &str, drug: &Part) {
        for action in &drug.body.actions {
            for (name, rate, dimension) in action.mechanism.rates() {
                let reference = rate.provenance.temperature.unwrap_or(drug.body.temperature);
                let step = TemperatureStep::new(reference, drug.temperature, rate.q10);
                let at = Drug { name: "", part: drug, concentration: 0.0 };
                let content = if rate.expr.mentions(drug.layout.voltage()) {
                    Content::Expression { text: rate.text.clone(), factor: step.factor }
                } else {
                    Content::Quantity(Quantity { value: at.value(rate), dimension })
                };
                self.values.push(ResolvedValue {
                    path: format!("{path}.{}.{name}", action.targets.join("+")),
                    content,
                    origin: self.origin(Some(&rate.span)),
                    provenance: drug.body.provenance_of(&rate.provenance),
                    temperature: Some(step),
                });
            }
        }
    }
}
