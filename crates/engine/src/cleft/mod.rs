//! The synaptic cleft at the mean level: one transmitter in a thin disc and the tissue around it, with everything that
//! binds it, in one implicit solve.
//!
//! Disc of radius R and height h, height-averaged (cross-cleft relaxation h^2 / (pi^2 D) is below a microsecond):
//! `V_i dc_i/dt = sum_j G_ij (c_j - c_i) + w_i k N - V_i sum_b rho_b sum_t (taken up - given off)_t r_t`,
//! `dp/dt = p Q(c)` for each resident in each shell, `dN/dt = -k N` in the vesicle. RODAS4(3), L-stable, adaptive; the
//! resident blocks are eliminated in each shell (Schur), so that a step is one tridiagonal solve in the ligand.
//! Sources: Hairer & Wanner 1996, IV.7; Nicholson 2001, Rep Prog Phys 64:815 (porous tissue). Limits: one diffusing
//! ligand, axial symmetry, one place of release; means, no noise.

mod elimination;
mod geometry;
mod outputs;
mod plan;
mod pore;
mod resident;
mod rodas;
mod run;
mod state;
mod stretch;

pub use geometry::{Geometry, Porous, Rim};
pub use plan::{Cleft, CleftError};
pub use pore::{Pore, Source};
pub use resident::{Amount, Ligand, Resident, Site};
pub use run::{Scratch, Tolerance, Work};
pub use state::{Budget, State, Unrest};
pub use stretch::{Stretch, Watch};
