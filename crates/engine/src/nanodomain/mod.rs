//! Calcium below an active zone ion by ion: channels, mobile and fixed buffers, and sensors at their places, in space.
//!
//! Every ion has a place. It moves by exact laws from one **meeting** to the next: the largest ball around it that holds no
//! sensor is left in one leap (first passage), and meetings come at a rate that is nowhere exceeded on the way, so that one
//! that finds less may come to nothing (thinning; Lewis & Shedler 1979). Nothing an ion does has an error that a step makes.
//! A bound ion moves with its buffer, in one leap until it is free.
//!
//! **Buffers that have met no ion** need no molecules of their own. Given where ions have been, they are a Poisson field
//! whose density u obeys `du/dt = D u'' - k u` at each ion (independent thinning), so an ion meets one at the rate `k u`
//! *exactly* until a buffer that was bound comes back, and what an ion takes from the field is what it was likely to take, not
//! what it took. Both are kept on a grid: the field diffuses, each buffer set free is added where that
//! happens, and totals are whole numbers. So depletion, saturation and competition are all there. Within a cell an ion sees the
//! mean density (Doi's model of reactions, 1976 J Phys A 9:1479). Fixed buffers are whole numbers in each cell.
//!
//! **Rates.** `k_on` of buffers and sensors is that of the far field. What it is within a cell or around a sensor
//! follows from diffusion to it, and unbinding is quicker by as much, so that equilibria stay; a pair that comes apart starts where
//! pairs are bound: detailed balance.
//!
//! ```
//! use engine::nanodomain::{Chamber, Description, Grid, Plan, Probe, Told, Wall};
//! use engine::terminal::buffer::Buffer;
//! use engine::time::Tick;
//! use numerics::rng::StreamKey;
//! // Half a um3 below a channel of 0.2 pA, 10 mM of EGTA; who is within 30 nm is seen 1,000 times a ms.
//! let chamber = Chamber { half: [0.5, 0.5], height: 0.5, sides: Wall::Sealed, top: Wall::Sealed };
//! let plan = Plan::new(&Description {
//!     chamber,
//!     diffusion: 0.22,
//!     resting: 0.0,
//!     grid: Grid::default(),
//!     channels: vec![[0.0, 0.0]],
//!     buffers: vec![Buffer::one_site(10.0, 7e-4, 10.0, 0.22)?],
//!     sensors: vec![],
//!     probes: vec![Probe { at: [0.0, 0.0, 0.0], radius: 0.03, rate: 1000.0 }],
//! })?;
//! let key = StreamKey::new(2026, 0, 0, 0);
//! let mut state = plan.start(key, Tick::from_ms(0.005)?);
//! plan.set_current(&mut state, key, 0, 0.2);
//! let mut seen = 0;
//! plan.advance(&mut state, key, Tick::from_ms(0.2)?, &mut |told| seen += i32::from(matches!(told, Told::Seen(_))));
//! assert!(seen > 50 && plan.budget(&state).balances());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Limits: buffers with one site; buffers do not leave through walls; a mobile buffer that comes back is seen as its expected share of
//! the field, so two ions' chances to meet the *same* one are right in the mean alone. Sensors do not shade each other but by
//! the ions they take. Cells: a field knows no detail below them (choose about half the distance that matters).

mod buffers;
mod calendar;
mod channels;
mod grid;
mod plan;
mod room;
mod run;
mod sensors;
mod start;
mod told;
mod walk;
mod wells;

pub use channels::{Gating, GatingState, Opening};
pub use grid::Grid;
pub use plan::{Description, NanodomainError, Plan, Probe};
pub use room::{Chamber, Room, Wall};
pub use run::State;
pub use sensors::Sensors;
pub use told::{Budget, Changed, Seen, Told};
