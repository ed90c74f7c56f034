//! What vesicles are filled with, and where it comes from: cytosol, precursor, and what is caught again outside.
//!
//! Three reversible steps, each in equilibrium at rest, so that what is blocked neither fills nor leaks:
//! `dq/dt = k_v (A - q A0 / q0) / (K_v + A)` into a vesicle of content q (q0 at rest; it holds in proportion to the
//! cytosol: Varoqui & Erickson 1996 J Biol Chem 271:27229), `dA/dt = k_s (C - A / ratio)` by mass action, and
//! `dC/dt = J_max (X - C X0 / C0) / (K_u + X)` through the membrane (the Haldane form of a Michaelis-Menten carrier).
//! Outside one lumped volume: the enzyme's product in, diffusion out with a time constant, X0 far away.
//! Steps of a fixed grid, each exact for denominators held; every molecule is booked. Vesicles in a pool are followed by
//! their mean, docked ones one by one; all obey one linear law, so the mean quantum is that of single vesicles.

mod plan;
mod state;

pub use plan::{Description, Plan, Precursor, Source, SupplyError};
pub use state::{Account, State};
