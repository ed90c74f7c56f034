//! Reads a TOML tree against the field descriptors: typed values come out, and every fault at once.

mod placed;
mod reader;

pub use placed::separation;
pub use reader::Reader;
pub(crate) use reader::example;

use crate::diagnostic::Span;
use crate::tree::Key;
use crate::units::Quantity;

/// How well a number is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Read in the paper itself.
    Paper,
    /// Read in a secondary place.
    Transcribed,
    /// Computed from others.
    Derived,
    /// Seen nowhere.
    Assumed,
}

impl Evidence {
    /// As written in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Transcribed => "transcribed",
            Self::Derived => "derived",
            Self::Assumed => "assumed",
        }
    }
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Paper, Self::Transcribed, Self::Derived, Self::Assumed].into_iter().find(|e| e.word() == word)
    }
}

/// What a number says of its own origin; what it leaves out, its file says.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Provenance {
    pub source: Option<String>,
    pub seen_in: Vec<String>,
    pub evidence: Option<Evidence>,
    pub species: Option<String>,
    /// K
    pub temperature: Option<f64>,
    pub q10: Option<f64>,
    pub note: Option<String>,
}

/// A number as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// In coherent units.
    pub quantity: Quantity,
    /// As written.
    pub written: String,
    /// Its place; `None` for a default.
    pub span: Option<Span>,
    /// What it says of its own origin.
    pub provenance: Provenance,
}

impl Number {
    /// In coherent units.
    pub fn value(&self) -> f64 {
        self.quantity.value
    }
}

/// An expression as it was read; parsed where its scope is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// As written.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// What it says of its own origin.
    pub provenance: Provenance,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Typed {
    Text(String),
    Texts(Vec<(String, Span)>),
    Flag(bool),
    Count(u64, Provenance),
    Factors(Vec<u64>),
    Pairs(Vec<(u32, u32)>),
    Number(Number),
    Numbers(Vec<Number>),
    Formula(Formula),
    Words(Vec<&'static str>),
    Table(Read),
    Named(Vec<(Key, Read)>),
    List(Vec<Read>),
    NamedNumbers(Vec<(Key, Number)>),
    NamedTexts(Vec<(Key, String, Span)>),
    /// Of a sweep, which takes them from the tree.
    Values,
    /// Written, but wrong, which was said. So it is not missing.
    Faulty,
}

/// A table that was read: its fields by name. Faulty ones are [`Typed::Faulty`] and reported.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its place.
    pub span: Span,
    fields: Vec<(&'static str, Option<Span>, Typed)>,
}

macro_rules! getter {
    ($name:ident, $variant:ident, $type:ty, $doc:literal) => {
        #[doc = $doc]
        pub fn $name(&self, name: &str) -> Option<&$type> {
            match self.get(name)? {
                Typed::$variant(x) => Some(x),
                _ => None,
            }
        }
    };
}

impl Read {
    /// The field of that name.
    pub fn get(&self, name: &str) -> Option<&Typed> {
        self.fields.iter().find(|f| f.0 == name).map(|f| &f.2)
    }
    /// The same table with nothing in it: an entry used without saying anything otherwise.
    #[must_use]
    pub fn without_fields(&self) -> Self {
        Self { span: self.span.clone(), fields: Vec::new() }
    }
    /// The place of a field that was written.
    pub fn span_of(&self, name: &str) -> Option<&Span> {
        self.fields.iter().find(|f| f.0 == name).and_then(|f| f.1.as_ref())
    }
    /// All fields, in the order of their descriptors.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&Span>, &Typed)> {
        self.fields.iter().map(|(n, s, t)| (*n, s.as_ref(), t))
    }
    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Typed::Text(x) => Some(x),
            _ => None,
        }
    }
    getter!(number, Number, Number, "A number.");
    getter!(numbers, Numbers, Vec<Number>, "Numbers.");
    /// A count.
    pub fn count(&self, name: &str) -> Option<&u64> {
        match self.get(name)? {
            Typed::Count(n, _) => Some(n),
            _ => None,
        }
    }
    getter!(pairs, Pairs, Vec<(u32, u32)>, "Pairs of numbers.");
    getter!(flag, Flag, bool, "A flag.");
    getter!(formula, Formula, Formula, "An expression.");
    getter!(table, Table, Read, "A table.");
    /// One word of a choice.
    pub fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name)? {
            Typed::Words(w) => w.first().copied(),
            _ => None,
        }
    }
    /// Lets `f` change every number, in tables within as well.
    pub(crate) fn numbers_mut(&mut self, f: &mut impl FnMut(&mut Number)) {
        for (_, _, typed) in &mut self.fields {
            match typed {
                Typed::Number(n) => f(n),
                Typed::Numbers(all) => all.iter_mut().for_each(&mut *f),
                Typed::NamedNumbers(all) => all.iter_mut().for_each(|(_, n)| f(n)),
                Typed::Table(t) => t.numbers_mut(f),
                Typed::Named(all) => all.iter_mut().for_each(|(_, t)| t.numbers_mut(f)),
                Typed::List(all) => all.iter_mut().for_each(|t| t.numbers_mut(f)),
                _ => {}
            }
        }
    }
    /// Texts with their places; none if the field is not there.
    pub fn texts(&self, name: &str) -> &[(String, Span)] {
        match self.get(name) {
            Some(Typed::Texts(x)) => x,
            _ => &[],
        }
    }
    /// Tables by name; none if the field is not there.
    pub fn named(&self, name: &str) -> &[(Key, Read)] {
        match self.get(name) {
            Some(Typed::Named(x)) => x,
            _ => &[],
        }
    }
    /// A list of tables; none if the field is not there.
    pub fn list(&self, name: &str) -> &[Read] {
        match self.get(name) {
            Some(Typed::List(x)) => x,
            _ => &[],
        }
    }
    /// Numbers by name; none if the field is not there.
    pub fn named_numbers(&self, name: &str) -> &[(Key, Number)] {
        match self.get(name) {
            Some(Typed::NamedNumbers(x)) => x,
            _ => &[],
        }
    }
}

/// The provenance fields of a table that has them.
pub(crate) fn provenance_of(r: &Read) -> Provenance {
    Provenance {
        source: r.text("source").map(str::to_owned),
        seen_in: r.texts("seen_in").iter().map(|t| t.0.clone()).collect(),
        evidence: r.word("evidence").and_then(Evidence::from_word),
        species: r.text("species").map(str::to_owned),
        temperature: r.number("temperature").map(Number::value),
        q10: r.number("q10").map(Number::value),
        note: r.text("note").map(str::to_owned),
    }
}
