//! Shapes of cells: sections as they are written, or a reconstruction that is read.

use super::Resolver;
use crate::beside::Unread;
use crate::diagnostic::{Diagnostic, Diagnostics, FileId};
use crate::morphology::locset::{NoPlace, Stretch, Where};
use crate::morphology::{Joint, Kind, MOST_NODES, Morphology, Nodes, Written, along, laid_out, swc};
use crate::read::{Number, Read};
use std::sync::Arc;

/// The shape of a cell that has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Its sections.
    pub morphology: Morphology,
    /// The file it was read from; none where sections were written.
    pub file: Option<ShapeFile>,
}

/// A file that a model names.
#[derive(Debug, Clone, PartialEq)]
pub struct ShapeFile {
    /// As it is named there.
    pub name: String,
    /// Its text.
    pub text: Arc<str>,
    /// BLAKE3 of that.
    pub blake3: String,
}

/// Most spines of a group.
const MOST_SPINES: f64 = 100_000.0;

impl Shape {
    /// Where the spines of a group sit, in their order; what is wrong with it as a whole is the error.
    ///
    /// # Errors
    /// If there is no stretch to bear them, or they are too many.
    pub fn spines(&self, group: &Read) -> Result<Vec<Joint>, NoPlace> {
        let condition = group.text("where").and_then(|text| Where::parse(text).ok());
        let mut sections: Vec<usize> = Vec::new();
        for (region, _) in group.texts("on") {
            sections.extend(self.morphology.region(region)?);
        }
        sections.sort_unstable();
        sections.dedup();
        let stretches = self.morphology.stretches(&sections, condition.as_ref());
        let length: f64 = stretches.iter().map(Stretch::length).sum();
        let n = match (group.count("count"), group.number("density")) {
            (Some(n), _) => *n as f64,
            (None, density) => (density.map_or(0.0, Number::value) * length).round(),
        };
        if stretches.is_empty() || length <= 0.0 {
            let hint = "another region in `on`, or another condition in `where`".to_owned();
            return Err(NoPlace { message: "there is nowhere for these spines to sit".to_owned(), hint });
        }
        if n > MOST_SPINES {
            let message = format!("{n:.0} spines on {length:.0} um");
            return Err(NoPlace { message, hint: format!("at most {MOST_SPINES:.0} in a group") });
        }
        Ok(match group.count("random") {
            Some(seed) => self.morphology.scatter(&stretches, n as usize, *seed),
            None => self.morphology.evenly(&stretches, n as usize),
        })
    }
}

/// Where on what was written so far a section begins that is on `before`.
fn begins(all: &[Written], before: &str, position: f64) -> Option<Joint> {
    if let Some(section) = all.iter().position(|w| w.name == before) {
        return Some(Joint { section, position });
    }
    let lengths: Vec<_> = all.iter().enumerate().map(|(k, w)| (k, w.name.as_str(), w.length)).collect();
    along(before, position, &lengths)
}

impl Resolver<'_> {
    /// Reads or lays out the shapes of all cells; those that could not be made are in `shapeless`.
    pub(super) fn shape_all(&mut self, model: &Read) {
        for (key, cell) in model.named("cell") {
            let made = if cell.get("morphology").is_some() {
                self.reconstruction(cell)
            } else if !cell.named("section").is_empty() {
                self.written(cell)
            } else {
                continue;
            };
            match made {
                Some(shape) => drop(self.shapes.insert(key.name.clone(), shape)),
                None => drop(self.shapeless.insert(key.name.clone())),
            }
        }
    }

    fn reconstruction(&mut self, cell: &Read) -> Option<Arc<Shape>> {
        let (name, span) = (cell.text("morphology")?, cell.span_of("morphology")?.clone());
        if let Some(sections) = cell.span_of("section") {
            let d = Diagnostic::error("a cell has a `morphology` or sections of its own", sections.clone());
            self.out.push(d.related(span.clone(), "the morphology").hint("leave one of them out"));
        }
        let radius = cell.number("radius").map(Number::value);
        let known = (name.to_owned(), radius.map(f64::to_bits));
        if let Some(shape) = self.loaded.shapes.get(&known) {
            return shape.clone();
        }
        let shape = match (self.read_file)(name) {
            Ok(text) => {
                let text: Arc<str> = text.into();
                // The model's text is the first.
                let model = std::path::Path::new(self.sources.name(FileId(0)));
                let shown = model.parent().map_or_else(|| name.into(), |folder| folder.join(name));
                let file = self.sources.add(&shown.display().to_string(), text.clone());
                let mut own = Diagnostics::default();
                let morphology = swc::read(&text, file, radius, &mut own);
                own.0.into_iter().for_each(|d| self.out.push(d));
                let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
                let file = ShapeFile { name: name.to_owned(), text, blake3 };
                morphology.map(|morphology| Arc::new(Shape { morphology, file: Some(file) }))
            }
            Err(Unread { message, hint }) => {
                self.out.push(Diagnostic::error(message, span).hint(hint));
                None
            }
        };
        self.loaded.shapes.insert(known, shape.clone());
        shape
    }

    /// The nodes of a section, if they fit into it.
    fn nodes(&mut self, section: &Written, said: &Read) -> Option<Nodes> {
        let number = |field: &str| said.number(field).map(Number::value);
        let nodes = Nodes { internode: number("internode")?, length: number("length")?, diameter: number("diameter") };
        let (name, count) = (&section.name, nodes.count(section.length));
        if section.on.is_none() {
            let message = format!("`{name}` is the root, which has no nodes");
            self.out.push(Diagnostic::error(message, said.span.clone()).hint("a section on another one"));
            return None;
        }
        if nodes.length >= section.length / count {
            let message = format!("the nodes of `{name}` leave nothing between them: it is {} um long", section.length);
            self.out.push(Diagnostic::error(message, said.span.clone()).hint("a longer section, or shorter nodes"));
            return None;
        }
        if count > MOST_NODES {
            let message = format!("`{name}` would have {count:.0} nodes");
            let hint = format!("at most {MOST_NODES:.0}: longer internodes, or a shorter section");
            self.out.push(Diagnostic::error(message, said.span.clone()).hint(hint));
            return None;
        }
        Some(nodes)
    }

    /// Sections as they are written, each on an earlier one; what is wrong with that is said here.
    fn written(&mut self, cell: &Read) -> Option<Arc<Shape>> {
        let sections = cell.named("section");
        let mut all: Vec<Written> = Vec::new();
        let mut whole = true;
        for (i, (key, section)) in sections.iter().enumerate() {
            let on = match (section.text("on"), section.span_of("on")) {
                (Some(on), Some(place)) => {
                    let (before, position) = match on.split_once('(') {
                        None => (on.trim(), Some(1.0)),
                        Some((before, rest)) => {
                            let x = rest.trim_end().strip_suffix(')').and_then(|x| x.trim().parse::<f64>().ok());
                            (before.trim(), x.filter(|x| (0.0..=1.0).contains(x)))
                        }
                    };
                    let names = super::bind::Names::new(sections[..i].iter().map(|(k, _)| k.name.as_str()));
                    if i == 0 {
                        let d = Diagnostic::error("the first section is the root, and begins on none", place.clone());
                        self.out.push(d.hint("leave `on` out, or write the section that it begins on before it"));
                    } else if !names.set.contains(before) {
                        self.unknown("earlier section", before, place.clone(), &names);
                    } else if position.is_none() {
                        let message = format!("`{on}`: a position along a section is a number from 0 to 1");
                        self.out.push(Diagnostic::error(message, place.clone()).hint(format!("e.g. `{before}(0.5)`")));
                    }
                    // What could not be read is not here; what comes after is on nothing then.
                    position.and_then(|position| begins(&all, before, position))
                }
                (None, _) if i > 0 && section.get("on").is_none() => {
                    self.out.push(
                        Diagnostic::error(format!("section `{}` hangs on nothing", key.name), key.span.clone())
                            .hint(format!("on = \"{}\"; only the first section is the root", sections[0].0.name)),
                    );
                    None
                }
                _ => None,
            };
            let number = |field: &str| section.number(field).map(Number::value);
            let (Some(length), Some(diameter)) = (number("length"), number("diameter")) else {
                whole = false;
                continue;
            };
            whole &= on.is_some() == (i > 0);
            let kind = match section.word("region").unwrap_or(&key.name) {
                "soma" => Kind::Soma,
                "axon" => Kind::Axon,
                "dend" => Kind::Dendrite,
                "apical" => Kind::Apical,
                _ => Kind::Other(0),
            };
            let diameters = std::iter::once(diameter).chain(number("end_diameter")).collect();
            let one = Written { name: key.name.clone(), kind, on, length, diameters };
            match section.table("nodes") {
                None => all.push(one),
                Some(said) => match self.nodes(&one, said) {
                    Some(nodes) => all.extend(nodes.pieces(&one, all.len())),
                    None => whole = false,
                },
            }
        }
        whole.then(|| Arc::new(Shape { morphology: laid_out(&all), file: None }))
    }
}
