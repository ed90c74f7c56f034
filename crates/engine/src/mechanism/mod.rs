//! The one intermediate form for mechanisms: rate expressions as straight-line [`Program`]s, schemes as [`Kinetics`].
//!
//! Receptors, sensors, channel gates, transporters, enzymes and buffers all lower to this; nothing is compiled, and
//! nothing is a string. Limits: 64 states, 65,535 values a program.

mod builder;
mod evaluator;
mod kinetics;
mod onward;
mod program;

pub use builder::{ProgramBuilder, ProgramError, Value};
pub use evaluator::{BLOCK, EvalError, Evaluator, Input, Scratch, Shape};
pub use kinetics::{
    Description, InputRole, Kinetics, KineticsError, LigandIndex, MAX_STATES, ObservableIndex, OutputIndex, StateIndex,
    Transition,
};
pub use onward::SchemeStep;
pub(crate) use onward::{Onward, Series};
pub use program::{Binary, Program, Unary};
