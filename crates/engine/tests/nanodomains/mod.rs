//! What the tests of nanodomains share.
#![allow(dead_code, reason = "none of them needs all")]

use engine::nanodomain::{Chamber, Description, Grid, Wall};
use engine::terminal::buffer::Buffer;
use engine::time::Tick;

pub const SIGMAS: f64 = 5.1;
/// um2/ms.
pub const DIFFUSION: f64 = 0.22;

pub fn us(x: f64) -> Tick {
    Tick::from_ms(x * 1e-3).unwrap()
}

pub fn chamber(half: f64, height: f64, wall: Wall) -> Chamber {
    Chamber { half: [half; 2], height, sides: wall, top: wall }
}

/// One channel in the middle.
pub fn description(chamber: Chamber, buffers: Vec<Buffer>) -> Description {
    let grid = Grid::default();
    let channels = vec![[0.0, 0.0]];
    Description {
        chamber,
        diffusion: DIFFUSION,
        resting: 0.0,
        grid,
        channels,
        buffers,
        sensors: vec![],
        probes: vec![],
    }
}

/// 10 mM.
pub fn egta() -> Buffer {
    Buffer::one_site(10.0, 7e-4, 10.0, 0.22).unwrap()
}

/// 1 mM.
pub fn bapta() -> Buffer {
    Buffer::one_site(400.0, 0.088, 1.0, 0.22).unwrap()
}

/// Mean, and by how many standard errors it is off.
pub fn off(list: &[f64], exact: f64) -> (f64, f64) {
    let n = list.len() as f64;
    let mean = list.iter().sum::<f64>() / n;
    let var = list.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n * (n - 1.0));
    (mean, (mean - exact) / var.sqrt())
}
