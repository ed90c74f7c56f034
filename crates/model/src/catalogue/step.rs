//! A step of a scheme, read from its chemistry; every fault of it is said.

use super::rate::{Layout, Rate, rate};
use super::scheme::{Class, Step};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::read::{Number, Read, Reader, Typed};
use crate::units::Dimension;

/// What a step is read against.
pub(super) struct Context<'a> {
    /// States.
    pub names: &'a [(String, Span)],
    /// Ligands.
    pub ligands: &'a [(String, Span)],
    /// Whether rates are per site; `None` if that was not said.
    pub per_site: Option<bool>,
    pub layout: &'a Layout,
    pub q10: Option<&'a Read>,
}

/// The name that was probably meant, or all there are.
pub(super) fn near(name: &str, names: &[(String, Span)]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|n| n.0.clone()).collect();
    Some(
        nearest(name, &names)
            .map_or_else(|| format!("states: {}", names.join(", ")), |n| format!("did you mean `{n}`?")),
    )
}

const SITES: &str = "sites = [2, 1]: free sites forward, occupied sites backward";

impl Context<'_> {
    /// Reads a step; `None` if anything in it is wrong.
    pub fn step(&self, r: &Read, reader: &mut Reader<'_>) -> Option<Step> {
        let text = r.text("step")?.to_owned();
        let span = r.span_of("step")?.clone();
        let wrong = |reader: &mut Reader<'_>, message: String, hint: Option<String>| {
            reader.out.push(Diagnostic::error(message, span.clone()).maybe_hint(hint));
        };
        let two_way = text.contains("<->");
        let Some((left, right)) = text.split_once(if two_way { "<->" } else { "->" }) else {
            wrong(reader, format!("`{text}` is not a step"), Some("write `C0 + glutamate <-> C1` or `A -> B`".into()));
            return None;
        };
        let mut sides = [None, None];
        for (side, read) in [left, right].into_iter().zip(&mut sides) {
            *read = self.side(&text, side).map_err(|(message, hint)| wrong(reader, message, hint)).ok();
        }
        let [Some((from, takes_up)), Some((to, gives_off))] = sides else { return None };
        if from == to {
            wrong(reader, format!("`{text}` leads nowhere"), None);
            return None;
        }
        let class = match r.word("class") {
            Some("binding") => Class::Binding,
            Some(_) => Class::Gating,
            None if takes_up.is_some() || gives_off.is_some() => Class::Binding,
            None => Class::Gating,
        };
        let sites = self.sites(r, &text, two_way, class).map_err(|(message, hint)| wrong(reader, message, hint)).ok();
        let forward = self.rate(r, "forward", takes_up, class, reader);
        let backward = self.rate(r, "backward", gives_off, class, reader);
        let written = r.get("backward").is_some();
        if two_way && !written {
            let hint = "give `backward`, or write `->`".to_owned();
            wrong(reader, format!("`{text}` goes both ways but has no `backward` rate"), Some(hint));
        } else if !two_way && written {
            let hint = "write `<->`".to_owned();
            wrong(reader, format!("`{text}` goes one way but has a `backward` rate"), Some(hint));
        }
        if two_way != backward.is_some() {
            return None;
        }
        let (mut forward, mut backward) = (forward?, backward);
        let sites = sites?;
        forward.sites = sites.0;
        if let Some(b) = &mut backward {
            b.sites = sites.1;
        }
        Some(Step { text, span, from, to, takes_up, gives_off, class, forward, backward })
    }

    /// State and ligand of one side.
    fn side(&self, text: &str, side: &str) -> Result<(usize, Option<usize>), (String, Option<String>)> {
        let (mut state, mut ligand) = (None, None);
        for term in side.split('+').map(str::trim) {
            if let Some(i) = self.names.iter().position(|(n, _)| n == term) {
                if state.replace(i).is_some() {
                    return Err((format!("`{text}` has two states on one side"), None));
                }
            } else if let Some(i) = self.ligands.iter().position(|(l, _)| l == term) {
                if ligand.replace(i).is_some() {
                    let hint = "write it as two steps".to_owned();
                    return Err((format!("`{text}` takes up two ligands at once"), Some(hint)));
                }
            } else {
                let all: Vec<(String, Span)> = self.names.iter().chain(self.ligands).cloned().collect();
                return Err((format!("`{term}` in `{text}` is neither a state nor a ligand"), near(term, &all)));
            }
        }
        state.map(|s| (s, ligand)).ok_or_else(|| (format!("`{text}` has no state on one side"), None))
    }

    /// Statistical factors, forward and backward.
    fn sites(&self, r: &Read, text: &str, two_way: bool, class: Class) -> Result<(u32, u32), (String, Option<String>)> {
        let hint = Some(SITES.to_owned());
        match (r.get("sites"), self.per_site) {
            (Some(Typed::Factors(f)), Some(true)) => match (f.as_slice(), two_way) {
                ([a, b], _) if *a > 0 && *b > 0 => Ok((*a as u32, *b as u32)),
                ([a], false) if *a > 0 => Ok((*a as u32, 1)),
                _ => Err((format!("`{text}`: `sites` is two numbers of 1 or more"), hint)),
            },
            (Some(_), Some(false)) => {
                let hint = "leave `sites` out, or say `rates_are = \"per_site\"`".to_owned();
                Err((format!("`{text}`: rates are per step, so `sites` would count twice"), Some(hint)))
            }
            (None, Some(true)) if class == Class::Binding => {
                Err((format!("`{text}`: rates are per site, so this step needs its `sites`"), hint))
            }
            _ => Ok((1, 1)),
        }
    }

    fn rate(
        &self,
        r: &Read,
        field: &str,
        ligand: Option<usize>,
        class: Class,
        reader: &mut Reader<'_>,
    ) -> Option<Rate> {
        let dimension = if ligand.is_some() { Dimension::BINDING_RATE } else { Dimension::RATE };
        let mut rate = rate(field, r.formula(field)?, dimension, self.layout, reader)?;
        let own = r.number(if field == "forward" { "forward_q10" } else { "backward_q10" });
        let shared = self.q10.and_then(|q| q.number(if class == Class::Binding { "binding" } else { "gating" }));
        rate.q10 = own.map(Number::value).or(rate.provenance.q10).or(shared.map(Number::value));
        Some(rate)
    }
}
