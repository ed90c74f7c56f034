//! The one table of field descriptors: reader, JSON Schema and reference page all come from it.

mod circuit;
mod claim;
mod drug;
mod entry;
mod junction;
mod model;
mod morphology;
mod point;
mod pool;
mod reference;
mod schema;
mod synapse;

pub use claim::CLAIM;
pub use entry::{CHECK, KINDS, NUMBER, of_kind};
pub use model::MODEL;
pub use reference::reference_page;
pub use schema::json_schema;

use crate::units::Dimension;

/// A table of a file: its name, what it is, its fields.
#[derive(Debug)]
pub struct Table {
    /// As it is called in messages: `cleft`.
    pub name: &'static str,
    /// One to three sentences for a physiologist.
    pub doc: &'static str,
    /// What may be written in it.
    pub fields: &'static [Field],
}

/// A field of a table.
#[derive(Debug)]
pub struct Field {
    /// As written in the file.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it must be there.
    pub need: Need,
    /// What it means.
    pub doc: &'static str,
}

/// Whether a field must be written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Need {
    /// It must be there.
    Required,
    /// It may be left out, and then there is none.
    Optional,
    /// It may be left out, and then it is this.
    Default(&'static str),
}

/// What values make sense.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limits {
    /// Any finite value.
    Any,
    /// Zero or more.
    NotNegative,
    /// More than zero.
    Positive,
    /// Zero to one.
    Fraction,
    /// Within these, both included, in coherent units.
    Between(f64, f64),
}

/// What a field holds.
#[derive(Debug)]
pub enum Kind {
    /// Free text.
    Text,
    /// A list of free texts.
    Texts,
    /// true or false.
    Flag,
    /// A whole number from `least` to `most`.
    Count {
        /// The least.
        least: u64,
        /// The most; bounds memory before it is taken.
        most: u64,
    },
    /// A list of whole numbers from 0 to 64.
    Factors,
    /// A list of pairs of whole numbers.
    Pairs,
    /// A number with a unit (a plain one where the dimension is none). May be a table with a provenance of its own.
    Number(Dimension, Limits),
    /// Such a number, or an expression over where on a neuron it is, of the same dimension.
    NumberOrExpression(Dimension, Limits),
    /// Such a number, or an expression of the `separation` of two cells, of the same dimension.
    BySeparation(Dimension, Limits),
    /// A list of such numbers.
    Numbers(Dimension, Limits),
    /// An expression over the file's parameters; its dimension is checked where its use is known.
    Expression,
    /// A number of any dimension.
    AnyNumber,
    /// One of these words.
    Choice(&'static [(&'static str, &'static str)]),
    /// Some of these words.
    Choices(&'static [(&'static str, &'static str)]),
    /// The name of a catalogue entry of one of these kinds.
    Entry(&'static [&'static str]),
    /// A key of the bibliography.
    Source,
    /// Keys of the bibliography.
    Sources,
    /// A place on a cell: `receiver.dend(0.4)`.
    Place,
    /// Paths of parts, `receptor.kainate`.
    Paths,
    /// A path to something that can be recorded.
    Observable,
    /// A table.
    Table(&'static Table),
    /// Tables by name.
    Named(&'static Table),
    /// A list of tables, `[[...]]`.
    List(&'static Table),
    /// Numbers by name.
    NamedNumbers(Dimension, Limits),
    /// Numbers of any dimension by name.
    Parameters,
    /// Texts by name: the expected values of a check.
    NamedTexts,
    /// Values of whatever field a path leads to.
    Values,
    /// The table's own fields once more, none of them required: what a condition says otherwise.
    Overlay,
}

impl Table {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

const fn field(name: &'static str, kind: Kind, need: Need, doc: &'static str) -> Field {
    Field { name, kind, need, doc }
}
