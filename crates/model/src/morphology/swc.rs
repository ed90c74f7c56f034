//! SWC files (Cannon et al. 1998): a sample a line, `id type x y z radius parent`, um.
//!
//! A file is read whole before parents are looked up, so that samples may stand in any order. What cannot be a tree is an
//! error at its line; what can be read in a sensible way, but is odd, is a warning that says how it was read.

use super::{Joint, Kind, Morphology, Point, Section, soma};
use crate::diagnostic::{Diagnostic, Diagnostics, FileId, Span};
use std::collections::HashMap;

/// Samples of a file, at most.
pub const MOST: usize = 10_000_000;
/// Coordinates and radii, at most, um.
const FARTHEST: f64 = 1e9;
/// Lines that one warning names, at most.
const NAMED: usize = 5;

/// A line of a file.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    id: i64,
    pub kind: Kind,
    pub at: [f64; 3],
    pub radius: f64,
    /// Index of the parent.
    pub parent: Option<usize>,
    parent_id: i64,
    span: Span,
    line: usize,
}

/// Reads a file's text; `file` is where faults are told to be. `None` where there is an error.
///
/// `radius`, um, is taken where a file gives none.
#[must_use]
pub fn read(text: &str, file: FileId, radius: Option<f64>, out: &mut Diagnostics) -> Option<Morphology> {
    let before = out.errors();
    let mut samples = samples(text, file, out);
    let whole = Span { file, range: 0..text.len().min(1) };
    if samples.is_empty() && out.errors() == before {
        let d = Diagnostic::error("the file has no samples", whole.clone());
        out.push(d.hint("a sample is a line `id type x y z radius parent`"));
    }
    if out.errors() > before {
        return None;
    }
    bind(&mut samples, out);
    if out.errors() > before {
        return None;
    }
    let kept = one_tree(&samples, out);
    if out.errors() > before {
        return None;
    }
    radii(&mut samples, &kept, radius, out);
    if out.errors() > before {
        return None;
    }
    let morphology = sections(&samples, &kept, out);
    if morphology.sections.is_empty() {
        out.push(
            Diagnostic::error("nothing here has a length", whole).hint("two samples at different places, or a soma"),
        );
        return None;
    }
    Some(morphology)
}

/// A warning about several lines: the first in its place, the next by number.
fn warn(lines: &[&Sample], what: &str, hint: &str, out: &mut Diagnostics) {
    let Some(first) = lines.first() else { return };
    let also: Vec<String> = lines[1..].iter().take(NAMED).map(|s| s.line.to_string()).collect();
    let more = match (lines.len() - 1).saturating_sub(also.len()) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let lines = if also.len() == 1 { "line" } else { "lines" };
    let also = if also.is_empty() { String::new() } else { format!(", as in {lines} {}{more}", also.join(", ")) };
    out.push(Diagnostic::warning(format!("{what}{also}"), first.span.clone()).hint(hint));
}

/// All lines; each that is no sample is an error.
fn samples(text: &str, file: FileId, out: &mut Diagnostics) -> Vec<Sample> {
    let mut all: Vec<Sample> = Vec::new();
    let mut wide: Vec<Sample> = Vec::new();
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        let from = start;
        start += line.len() + 1;
        let line = if number == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let from = from + (start - 1 - from - line.len());
        let body = line.split('#').next().unwrap_or("");
        let words: Vec<&str> = body.split_whitespace().collect();
        if words.is_empty() {
            continue;
        }
        let lead = body.len() - body.trim_start().len();
        let range = from + lead..from + lead + body.trim().len();
        let span = Span { file, range };
        match sample(&words, span.clone(), number + 1) {
            Ok(sample) => {
                if words.len() > 7 {
                    wide.push(sample.clone());
                }
                all.push(sample);
            }
            Err(message) => {
                out.push(Diagnostic::error(message, span).hint("a sample is a line `id type x y z radius parent`"));
            }
        }
        if out.crowded() {
            return all;
        }
        if all.len() > MOST {
            out.push(Diagnostic::error(format!("more than {MOST} samples"), all[MOST].span.clone()));
            return all;
        }
    }
    warn(&wide.iter().collect::<Vec<_>>(), "more than seven columns", "what comes after the parent is left out", out);
    all
}

/// A line's words.
fn sample(words: &[&str], span: Span, line: usize) -> Result<Sample, String> {
    if words.len() < 7 {
        let plural = if words.len() == 1 { "" } else { "s" };
        return Err(format!("{} column{plural} instead of seven", words.len()));
    }
    let number = |k: usize, what: &str| {
        let x: f64 = words[k].parse().map_err(|_| format!("{what}, `{}`, is no number", words[k]))?;
        if x.is_finite() { Ok(x) } else { Err(format!("{what} is {x}")) }
    };
    let length = |k: usize, what: &str| {
        let x = number(k, what)?;
        if x.abs() <= FARTHEST { Ok(x) } else { Err(format!("{what} is {x:e} um, more than a kilometre")) }
    };
    let whole = |k: usize, what: &str| {
        let x = number(k, what)?;
        if x.fract() == 0.0 && x.abs() < 1e15 {
            Ok(x as i64)
        } else {
            Err(format!("{what}, {}, is no whole number", words[k]))
        }
    };
    let id = whole(0, "the id")?;
    if id < 0 || (id == 0 && words[6] == "0") {
        return Err(format!("the id is {id}"));
    }
    let kind = u32::try_from(whole(1, "the type")?).map_err(|_| format!("the type is {}", words[1]))?;
    let at = [length(2, "x")?, length(3, "y")?, length(4, "z")?];
    let radius = length(5, "the radius")?;
    if radius < 0.0 {
        return Err(format!("the radius is {radius}"));
    }
    let parent_id = whole(6, "the parent")?;
    Ok(Sample { id, kind: Kind::of(kind), at, radius, parent: None, parent_id, span, line })
}

/// Finds parents, and what keeps the samples from being trees.
fn bind(samples: &mut [Sample], out: &mut Diagnostics) {
    let mut index: HashMap<i64, usize> = HashMap::with_capacity(samples.len());
    for (i, s) in samples.iter().enumerate() {
        if let Some(&first) = index.get(&s.id) {
            let other = samples[first].span.clone();
            let d = Diagnostic::error(format!("the id {} is there twice", s.id), s.span.clone());
            out.push(d.related(other, "first here").hint("give it an id of its own"));
        } else {
            index.insert(s.id, i);
        }
    }
    for s in samples.iter_mut().filter(|s| s.parent_id != -1) {
        s.parent = index.get(&s.parent_id).copied();
        if s.parent.is_none() {
            let message = format!("no sample has the id {}, its parent", s.parent_id);
            out.push(Diagnostic::error(message, s.span.clone()).hint("a root has the parent -1"));
        }
    }
    // Whoever is not reached from a root goes round in a circle.
    let mut reached = vec![0u8; samples.len()];
    for i in 0..samples.len() {
        let mut way = Vec::new();
        let mut at = i;
        while reached[at] == 0 {
            reached[at] = 1;
            way.push(at);
            match samples[at].parent {
                Some(parent) if reached[parent] == 1 => {
                    let s = &samples[at];
                    let message = format!("sample {} is its own ancestor", s.id);
                    out.push(
                        Diagnostic::error(message, s.span.clone())
                            .hint("parents must lead to a root, whose parent is -1"),
                    );
                    break;
                }
                Some(parent) => at = parent,
                None => break,
            }
        }
        way.into_iter().for_each(|k| reached[k] = 2);
    }
}

/// Which samples belong to the neuron; what hangs on nothing is left out with a warning, two somata are an error.
fn one_tree(samples: &[Sample], out: &mut Diagnostics) -> Vec<bool> {
    let roots: Vec<usize> = (0..samples.len()).filter(|i| samples[*i].parent.is_none()).collect();
    let somata: Vec<usize> = roots.iter().copied().filter(|i| samples[*i].kind == Kind::Soma).collect();
    if let [first, second, ..] = somata[..] {
        let d = Diagnostic::error("a second soma", samples[second].span.clone());
        out.push(d.related(samples[first].span.clone(), "the first one").hint("one neuron a file"));
        return Vec::new();
    }
    let Some(&root) = somata.first().or(roots.first()) else { return Vec::new() };
    if samples[root].kind != Kind::Soma && !samples.iter().any(|s| s.kind == Kind::Soma) {
        let d = Diagnostic::warning("no sample is of a soma (type 1)", samples[root].span.clone());
        out.push(d.hint("the first sample without a parent is taken as the root"));
    } else if samples[root].kind != Kind::Soma {
        let d = Diagnostic::warning("the root is not of the soma (type 1)", samples[root].span.clone());
        out.push(d.hint("the soma is a section among the others"));
    }
    let mut of = vec![usize::MAX; samples.len()];
    for i in 0..samples.len() {
        let (mut way, mut at) = (Vec::new(), i);
        while of[at] == usize::MAX {
            way.push(at);
            match samples[at].parent {
                Some(parent) => at = parent,
                None => of[at] = at,
            }
        }
        let found = of[at];
        way.into_iter().for_each(|k| of[k] = found);
    }
    let lost: Vec<&Sample> = roots.iter().filter(|r| **r != root).map(|r| &samples[*r]).collect();
    let left = of.iter().filter(|o| **o != root).count();
    let plural = if left == 1 { "sample" } else { "samples" };
    warn(
        &lost,
        &format!("connected to nothing: {left} {plural}"),
        "they are left out; give the first of them a parent",
        out,
    );
    of.into_iter().map(|o| o == root).collect()
}

/// Radii of 0: of a point that has neighbours, theirs; of a file that has none, the one that was given.
fn radii(samples: &mut [Sample], kept: &[bool], given: Option<f64>, out: &mut Diagnostics) {
    let outline = |s: &Sample| s.kind == Kind::Soma;
    let missing: Vec<usize> =
        (0..samples.len()).filter(|i| kept[*i] && samples[*i].radius == 0.0 && !outline(&samples[*i])).collect();
    let neurites = (0..samples.len()).filter(|i| kept[*i] && !outline(&samples[*i])).count();
    let Some(&first) = missing.first() else { return };
    if let Some(radius) = given {
        missing.iter().for_each(|i| samples[*i].radius = radius);
        return;
    }
    if missing.len() == neurites {
        let d = Diagnostic::error(
            format!("no sample of a neurite has a radius: all {neurites} are 0"),
            samples[first].span.clone(),
        );
        out.push(d.hint("say which to take: `radius = \"0.5 um\"` beside the file's name"));
        return;
    }
    let named: Vec<&Sample> = missing.iter().map(|i| &samples[*i]).collect();
    warn(&named, "a radius of 0", "the nearest radius towards the soma is taken, or else away from it", out);
    let with = |samples: &[Sample], i: usize| samples[i].radius > 0.0 && !outline(&samples[i]);
    let mut found = vec![0.0; samples.len()];
    for &i in &missing {
        let mut at = samples[i].parent;
        while let Some(k) = at {
            if with(samples, k) {
                found[i] = samples[k].radius;
                break;
            }
            at = samples[k].parent;
        }
    }
    // Away from the soma: the first of the file that hangs on it.
    for k in 0..samples.len() {
        if !kept[k] || !with(samples, k) {
            continue;
        }
        let mut at = samples[k].parent;
        while let Some(i) = at.filter(|i| samples[*i].radius == 0.0 && !outline(&samples[*i])) {
            if found[i] == 0.0 {
                found[i] = samples[k].radius;
            }
            at = samples[i].parent;
        }
    }
    let last = samples.iter().find(|s| s.radius > 0.0 && !outline(s)).map_or(0.0, |s| s.radius);
    missing.iter().for_each(|i| samples[*i].radius = if found[*i] > 0.0 { found[*i] } else { last });
}

/// Unbranched pieces, each after the one that it begins on.
fn sections(samples: &[Sample], kept: &[bool], out: &mut Diagnostics) -> Morphology {
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); samples.len()];
    let mut root = 0;
    for i in (0..samples.len()).filter(|i| kept[*i]) {
        match samples[i].parent {
            Some(parent) => children[parent].push(i),
            None => root = i,
        }
    }
    let mut build = Builder { samples, children: &children, sections: Vec::new(), ends: HashMap::new() };
    build.soma(root, out);
    build.neurites(root, out);
    Morphology { sections: named(build.sections) }
}

struct Builder<'a> {
    samples: &'a [Sample],
    children: &'a [Vec<usize>],
    sections: Vec<Section>,
    /// Where on a section a sample lies.
    ends: HashMap<usize, Joint>,
}

impl Builder<'_> {
    /// The soma that begins at the root, if there is one.
    fn soma(&mut self, root: usize, out: &mut Diagnostics) {
        if self.samples[root].kind != Kind::Soma {
            return;
        }
        let mut of = vec![root];
        let mut next = 0;
        while next < of.len() {
            let more = self.children[of[next]].iter().filter(|c| self.samples[**c].kind == Kind::Soma);
            of.extend(more.copied());
            next += 1;
        }
        of.sort_unstable();
        let at = of.iter().position(|i| *i == root).unwrap_or(0);
        of.swap(0, at);
        of[1..].sort_unstable();
        let soma = soma::stack(self.samples, &of);
        if soma.points.len() == 2 && of.len() == 3 {
            let of_sides = |c: &&usize| self.samples[**c].kind != Kind::Soma;
            let wrong: Vec<&Sample> =
                of[1..].iter().flat_map(|i| &self.children[*i]).filter(of_sides).map(|c| &self.samples[*c]).collect();
            warn(
                &wrong,
                "this hangs on the second or third point of a soma of three, which is a sphere around the first",
                "it is taken to begin on the sphere, like all others",
                out,
            );
        }
        self.sections.push(Section {
            kind: Kind::Soma,
            name: String::new(),
            on: None,
            points: soma.points,
            said: None,
        });
        for (i, position) in soma.places {
            self.ends.insert(i, Joint { section: 0, position });
        }
    }

    /// All that is not of the soma, in the order of the file as far as the tree allows.
    fn neurites(&mut self, root: usize, out: &mut Diagnostics) {
        let mut empty = Vec::new();
        // First samples of sections that are due, the next one last.
        let mut due: Vec<usize> = if self.ends.is_empty() { vec![root] } else { Vec::new() };
        let mut somatic: Vec<usize> = self.ends.keys().copied().collect();
        somatic.sort_unstable();
        let hanging = somatic.iter().flat_map(|s| &self.children[*s]).filter(|c| !self.ends.contains_key(c));
        due.extend(hanging.copied());
        due.sort_unstable_by(|a, b| b.cmp(a));
        while let Some(first) = due.pop() {
            let mut way = vec![first];
            let mut last = first;
            // A root that is a fork is the beginning of its first branch; the others begin there too.
            if let ([one, others @ ..], None) = (&self.children[first][..], self.samples[first].parent)
                && !others.is_empty()
            {
                way.push(*one);
                last = *one;
                due.extend(others.iter().rev().copied());
            }
            let kind = self.samples[last].kind;
            while let [only] = self.children[last][..]
                && self.samples[only].kind == kind
            {
                way.push(only);
                last = only;
            }
            self.section(first, &way, &mut empty);
            due.extend(self.children[last].iter().rev().copied());
        }
        let lost: Vec<&Sample> = empty.iter().map(|i| &self.samples[*i]).collect();
        warn(&lost, "a piece without length", "it is left out, and what hangs on it begins where it would", out);
    }

    /// A section of samples `way`, and where each of them lies.
    fn section(&mut self, first: usize, way: &[usize], empty: &mut Vec<usize>) {
        let point = |i: usize| Point { at: self.samples[i].at, radius: self.samples[i].radius };
        let on = self.samples[first].parent.and_then(|p| self.ends.get(&p).copied());
        let on_soma = on.is_some_and(|j| self.sections[j.section].kind == Kind::Soma);
        let kind = self.samples[way[way.len() - 1]].kind;
        let mut points: Vec<Point> = Vec::new();
        // On the soma a neurite begins with its own first sample; elsewhere with its parent's.
        if let Some(parent) = self.samples[first].parent.filter(|_| !on_soma || way.len() == 1) {
            let radius = if on_soma { self.samples[first].radius } else { self.samples[parent].radius };
            points.push(Point { radius, ..point(parent) });
        }
        let mut places = Vec::new();
        for &i in way {
            let p = point(i);
            match points.last_mut() {
                Some(last) if last.at == p.at => last.radius = p.radius,
                _ => points.push(p),
            }
            places.push((i, points.len() - 1));
        }
        if points.len() < 2 {
            empty.push(first);
            if let Some(joint) = on {
                self.ends.extend(way.iter().map(|i| (*i, joint)));
            }
            return;
        }
        let mut along = vec![0.0];
        for w in points.windows(2) {
            along.push(along[along.len() - 1] + super::distance(w[0].at, w[1].at));
        }
        let (section, whole) = (self.sections.len(), along[along.len() - 1]);
        for (i, k) in places {
            self.ends.insert(i, Joint { section, position: along[k] / whole });
        }
        self.sections.push(Section { kind, name: String::new(), on, points, said: None });
    }
}

/// Gives each section its name: `soma`, and `dend[0]`, `dend[1]` ... in their order.
fn named(mut sections: Vec<Section>) -> Vec<Section> {
    let mut counts: HashMap<Kind, usize> = HashMap::new();
    let one_soma = sections.iter().filter(|s| s.kind == Kind::Soma).count() == 1;
    for s in &mut sections {
        let n = counts.entry(s.kind).or_default();
        s.name = if s.kind == Kind::Soma && one_soma { "soma".into() } else { format!("{}[{n}]", s.kind.name()) };
        *n += 1;
    }
    sections
}
