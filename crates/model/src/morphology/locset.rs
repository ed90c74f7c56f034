//! Regions and places of a morphology in the field's words.
//!
//! A region is a kind (`soma`, `axon`, `dend`, `apical`, `kind_5`), a section (`dend[3]`) or all of one name
//! (`axon.node`); a list of them is their union.
//! Where in it: comparisons of `distance` (path from the soma), `order` (forks from there), `diameter`, `position`, joined
//! by `and`. A place is `dend[3](0.5)`, `apical(distance = 150 um)`, `apical(tip)`, `apical(tip = 2)`, `dend(random = 7)`.

use super::{Joint, Kind, Line, Morphology, nodes};
use crate::diagnostic::nearest;
use crate::units::{self, Dimension, Expr, UnitFault};
use numerics::rng::{StreamKey, name_hash};

/// What places are called that are drawn, in the address of a draw.
const PLACES: u32 = 0x706c_6163;

/// Where a piece of a neuron lies, as expressions see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Whereabouts {
    /// Path from the soma, um.
    pub distance: f64,
    /// Forks between the soma and it.
    pub order: f64,
    /// um
    pub diameter: f64,
    /// Share of its section's length.
    pub position: f64,
}

impl Whereabouts {
    /// The names that expressions of place may use, with their dimensions.
    #[must_use]
    pub fn scope() -> Vec<(String, Dimension)> {
        let all = [
            ("distance", Dimension::LENGTH),
            ("order", Dimension::NONE),
            ("diameter", Dimension::LENGTH),
            ("position", Dimension::NONE),
        ];
        all.map(|(name, dimension)| (name.to_owned(), dimension)).to_vec()
    }

    /// Their values, in coherent units.
    #[must_use]
    pub fn values(&self) -> [f64; 4] {
        [self.distance, self.order, self.diameter, self.position]
    }
}

/// A condition on where.
#[derive(Debug, Clone, PartialEq)]
pub struct Where(Vec<Expr>);

impl Where {
    /// Reads `distance > 100 um and order < 3`.
    ///
    /// # Errors
    /// The first fault, at its place in `text`.
    pub fn parse(text: &str) -> Result<Self, UnitFault> {
        const LEAD: &str = "if(";
        let mut all = Vec::new();
        let mut from = 0;
        for clause in text.split(" and ") {
            let shift = |at: usize| (at + from).saturating_sub(LEAD.len()).min(text.len());
            let whole = from..from + clause.len();
            if !clause.contains(['<', '>']) {
                let hint = Some("e.g. where = \"distance > 100 um and order < 3\"".to_owned());
                return Err(UnitFault { message: "a comparison is needed".into(), range: whole, hint });
            }
            let read = units::parse(&format!("{LEAD}{clause}, 1, 0)"), &Whereabouts::scope());
            all.push(read.map_err(|e| UnitFault { range: shift(e.range.start)..shift(e.range.end), ..e })?);
            from += clause.len() + " and ".len();
        }
        Ok(Self(all))
    }

    /// Whether it holds there.
    #[must_use]
    pub fn holds(&self, at: &Whereabouts) -> bool {
        self.0.iter().all(|clause| clause.evaluate(&at.values()) > 0.5)
    }
}

/// A part of a section, in um from its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Index of the section.
    pub section: usize,
    /// um
    pub from: f64,
    /// um
    pub to: f64,
}

impl Stretch {
    /// um
    #[must_use]
    pub fn length(&self) -> f64 {
        self.to - self.from
    }
}

/// Why there is no such region or place.
#[derive(Debug, Clone, PartialEq)]
pub struct NoPlace {
    /// What is wrong.
    pub message: String,
    /// The cure.
    pub hint: String,
}

fn no(message: String, hint: impl Into<String>) -> NoPlace {
    NoPlace { message, hint: hint.into() }
}

impl Morphology {
    /// Whether a section is of the region of that name.
    #[must_use]
    pub fn within(&self, section: usize, region: &str) -> bool {
        let s = &self.sections[section];
        s.name == region || s.kind.name() == region || s.name.split_once('[').is_some_and(|(base, _)| base == region)
    }

    /// Sections of a region in the order of the file.
    ///
    /// # Errors
    /// If there are none.
    pub fn region(&self, name: &str) -> Result<Vec<usize>, NoPlace> {
        let found: Vec<usize> = (0..self.sections.len()).filter(|k| self.within(*k, name)).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let mut kinds: Vec<Kind> = self.sections.iter().map(|s| s.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let regions: Vec<String> = kinds.into_iter().map(Kind::name).collect();
        let all: Vec<String> = regions.iter().cloned().chain(self.sections.iter().map(|s| s.name.clone())).collect();
        let mut few: Vec<String> = Vec::new();
        for name in &all {
            if few.len() < 12 && !few.contains(name) {
                few.push(name.clone());
            }
        }
        let base = name.split('[').next().unwrap_or(name);
        let alike = all.iter().filter(|n| n.split('[').next() == Some(base) && n.contains('[')).count();
        let hint = match nearest(name, &all) {
            _ if alike > 0 && name.contains('[') => format!("there are `{base}[0]` to `{base}[{}]`", alike - 1),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is: {}", few.join(", ")),
        };
        Err(no(format!("no section is called `{name}`"), hint))
    }

    /// The place of a text such as `dend[3](0.5)`, without its cell.
    ///
    /// `distance`: on the first section of the region, in the order of the file, that spans it. `tip`: of the region's
    /// ends on which nothing begins, the farthest, or that of the number from 0 in the order of the file. `random`: uniform
    /// by length over the region, drawn from the number.
    ///
    /// # Errors
    /// If it is no text of this form, or there is no such place.
    pub fn place(&self, text: &str) -> Result<Joint, NoPlace> {
        let text = text.trim();
        let (name, inside) = match text.split_once('(') {
            Some((name, rest)) => match rest.trim_end().strip_suffix(')') {
                Some(inside) => (name.trim(), Some(inside.trim())),
                None => return Err(no(format!("`{text}` has no closing bracket"), format!("`{text})`"))),
            },
            None => (text, None),
        };
        let lengths = || self.sections.iter().enumerate().map(|(k, s)| (k, s.name.as_str(), s.length()));
        let cut = self.sections.iter().any(|s| nodes::whole(&s.name) == Some(name));
        let sections = match cut {
            true => lengths().filter(|(_, n, _)| nodes::whole(n) == Some(name)).map(|(k, ..)| k).collect(),
            false => self.region(name)?,
        };
        let one = |position: f64| match sections[..] {
            // A section with nodes is still one section.
            _ if cut => {
                let joint = nodes::along(name, position, &lengths().collect::<Vec<_>>());
                Ok(joint.unwrap_or(Joint { section: sections[0], position }))
            }
            [section] => Ok(Joint { section, position }),
            _ => Err(no(
                format!("`{name}` is {} sections", sections.len()),
                format!(
                    "say which, e.g. `{}(0.5)`, `{name}(distance = 100 um)` or `{name}(tip)`",
                    self.sections[sections[0]].name
                ),
            )),
        };
        let Some(inside) = inside else { return one(0.5) };
        let (key, value) = match inside.split_once('=') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (inside, None),
        };
        match (key, value) {
            ("distance", Some(value)) => self.at_distance(name, &sections, value),
            ("tip", _) => self.tip(name, &sections, value),
            ("random", Some(value)) => match value.parse::<u64>() {
                Ok(seed) => Ok(self.scatter(&self.stretches(&sections, None), 1, seed)[0]),
                Err(_) => {
                    Err(no(format!("`{value}` is no seed"), format!("a whole number, e.g. `{name}(random = 7)`")))
                }
            },
            (number, None) => match number.parse::<f64>() {
                Ok(x) if (0.0..=1.0).contains(&x) => one(x),
                _ => Err(no(
                    format!("`{text}`: a position along a section is a number from 0 to 1"),
                    format!("e.g. `{name}(0.4)`, `{name}(distance = 100 um)`, `{name}(tip)`, `{name}(random = 7)`"),
                )),
            },
            (other, Some(_)) => Err(no(
                format!("`{text}`: a place is not said by its `{other}`"),
                format!("`{name}(distance = 100 um)`, `{name}(tip)`, `{name}(tip = 2)` or `{name}(random = 7)`"),
            )),
        }
    }

    fn at_distance(&self, name: &str, sections: &[usize], value: &str) -> Result<Joint, NoPlace> {
        let hint = format!("e.g. `{name}(distance = 100 um)`");
        let wanted = match units::Quantity::parse(value) {
            Ok(q) if q.dimension == Dimension::LENGTH && q.value >= 0.0 => q.value,
            Ok(q) => return Err(no(format!("a distance is a length, and `{value}` is {}", q.dimension), hint)),
            Err(e) => return Err(no(format!("`{value}`: {}", e.message), hint)),
        };
        let starts = self.path_distances();
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for &section in sections {
            let (start, length) = (starts[section], self.span(section));
            if (start..=start + length).contains(&wanted) {
                let position = if length > 0.0 { (wanted - start) / length } else { 0.5 };
                return Ok(Joint { section, position });
            }
            (least, most) = (least.min(start), most.max(start + length));
        }
        let message = format!("no section of `{name}` is {value} from the soma");
        Err(no(message, format!("`{name}` goes from {least:.1} to {most:.1} um")))
    }

    /// Length that counts as a way from the soma: none within the soma, um.
    fn span(&self, section: usize) -> f64 {
        let s = &self.sections[section];
        if s.kind == Kind::Soma { 0.0 } else { s.length() }
    }

    fn tip(&self, name: &str, sections: &[usize], value: Option<&str>) -> Result<Joint, NoPlace> {
        let mut bears = vec![false; self.sections.len()];
        self.sections.iter().filter_map(|s| s.on).for_each(|joint| bears[joint.section] = true);
        let tips: Vec<usize> = sections.iter().copied().filter(|k| !bears[*k]).collect();
        let end = |section| Joint { section, position: 1.0 };
        let Some(value) = value else {
            let starts = self.path_distances();
            let far = |k: usize| starts[k] + self.span(k);
            let farthest = tips.iter().copied().reduce(|best, k| if far(k) > far(best) { k } else { best });
            return farthest.map(end).ok_or_else(|| no(format!("`{name}` has no tip"), format!("`{name}(1)`")));
        };
        match value.parse::<usize>().ok().and_then(|k| tips.get(k)) {
            Some(&section) => Ok(end(section)),
            None => {
                let hint = format!("its tips are numbered in the order of the file, from 0; it has {}", tips.len());
                Err(no(format!("`{name}` has no tip `{value}`"), hint))
            }
        }
    }

    /// Where in regions a condition holds, looked at every um or a thousand times a section, whichever is coarser.
    #[must_use]
    pub fn stretches(&self, sections: &[usize], condition: Option<&Where>) -> Vec<Stretch> {
        let (starts, orders) = (self.path_distances(), self.branch_orders());
        let mut out = Vec::new();
        for &section in sections {
            let line = Line::new(&self.sections[section]);
            let length = line.length();
            let Some(condition) = condition else {
                out.push(Stretch { section, from: 0.0, to: length });
                continue;
            };
            let soma = self.sections[section].kind == Kind::Soma;
            let n = (length.ceil() as usize).clamp(1, 1000);
            let edge = |k: usize| k as f64 / n as f64 * length;
            let holds = |k: usize| {
                let middle = (k as f64 + 0.5) / n as f64;
                let along = if soma { 0.0 } else { middle * length };
                condition.holds(&Whereabouts {
                    distance: starts[section] + along,
                    order: f64::from(orders[section]),
                    diameter: 2.0 * line.at(middle * length).radius,
                    position: middle,
                })
            };
            let mut from = None;
            for k in 0..=n {
                match (k < n && holds(k), from) {
                    (true, None) => from = Some(k),
                    (false, Some(first)) => {
                        out.push(Stretch { section, from: edge(first), to: edge(k) });
                        from = None;
                    }
                    _ => {}
                }
            }
        }
        out
    }

    /// `n` places, drawn independently and uniformly by length from `seed`, in the order of the draws.
    ///
    /// # Panics
    /// If there are no stretches.
    #[must_use]
    pub fn scatter(&self, stretches: &[Stretch], n: usize, seed: u64) -> Vec<Joint> {
        let key = StreamKey::new(seed, 0, PLACES, name_hash("places"));
        self.at_shares(stretches, (0..n as u64).map(|k| key.at(k, 0).uniform()))
    }

    /// `n` places at even lengths, the first half an interval from the beginning.
    ///
    /// # Panics
    /// If there are no stretches.
    #[must_use]
    pub fn evenly(&self, stretches: &[Stretch], n: usize) -> Vec<Joint> {
        self.at_shares(stretches, (0..n).map(|k| (k as f64 + 0.5) / n as f64))
    }

    /// Places at shares of the length of all stretches.
    fn at_shares(&self, stretches: &[Stretch], shares: impl Iterator<Item = f64>) -> Vec<Joint> {
        let mut along = vec![0.0];
        for s in stretches {
            along.push(along[along.len() - 1] + s.length());
        }
        let whole = along[stretches.len()];
        let place = |share: f64| {
            let at = share * whole;
            let k = (along.partition_point(|a| *a <= at).max(1) - 1).min(stretches.len() - 1);
            let s = stretches[k];
            let length = self.sections[s.section].length();
            let within = s.from + (at - along[k]).clamp(0.0, s.length());
            Joint { section: s.section, position: (within / length).clamp(0.0, 1.0) }
        };
        shares.map(place).collect()
    }

    /// Path from the soma to a place, um.
    #[must_use]
    pub fn distance(&self, place: Joint) -> f64 {
        place.position.mul_add(self.span(place.section), self.path_distances()[place.section])
    }

    /// Where on the picture a place is.
    #[must_use]
    pub fn coordinates(&self, place: Joint) -> [f64; 3] {
        let line = Line::new(&self.sections[place.section]);
        line.at(place.position * line.length()).at
    }
}
