//! What is to come of ions, sensors, channels and fields.

use crate::calendar;
use serde::{Deserialize, Serialize};

pub(super) type Event = calendar::Event<What>;
pub(super) type Calendar = calendar::Calendar<What>;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum What {
    /// An ion may meet somebody there, at the rate at which it might anywhere, /ms.
    Meet { at: [f64; 3], rate: f64 },
    /// An ion goes on from there.
    Go { at: [f64; 3] },
    /// An ion leaves through a wall.
    Leave,
    /// A bound ion may come free there.
    Free { buffer: u16, at: [f64; 3] },
    /// An ion bound since the beginning may come free.
    Thaw { buffer: u16 },
    /// A sensor does something by itself, unless it has changed since.
    Turn { site: u32, epoch: u32 },
    /// An ion comes in through a channel, unless its current has changed since.
    Enter { channel: u32, epoch: u32 },
    /// A channel's current changes to pA.
    Open { channel: u32, current: f64 },
    /// An ion comes in from the solution beyond a face.
    Arrive { face: u8 },
    /// The field of a buffer moves.
    Mix { buffer: u16 },
}
