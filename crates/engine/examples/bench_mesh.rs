//! What a leap within a mesh costs, and a search: one core.
//!
//! `bench_mesh [MOLECULES]`: for spaces of several kinds, leaps a molecule takes within 0.1 ms at 0.33 um2/ms, ns a leap, triangles, and ns a
//! search for the nearest point. The machine's other work counts: take the best of several.

use engine::mesh::{Domain, Stop, Walker};
use numerics::passage::{BALL, DISC, INTERVAL};
use numerics::rng::StreamKey;
use numerics::spatial::{Mesh, Surface, cuboid, icosphere};
use std::hint::black_box;
use std::time::Instant;

fn shell(cuts: u32) -> Surface {
    let mut out = icosphere(0.5, cuts);
    out.append(&icosphere(0.48, cuts));
    out
}

fn main() {
    let n: u64 = std::env::args().nth(1).map_or(2000, |a| a.parse().expect("a number of molecules"));
    // Tables are made once.
    [&BALL, &DISC, &INTERVAL].into_iter().for_each(|passage| _ = black_box(passage.survival(1.0)));
    let spaces = [
        ("cube of 1 um", cuboid([0.0; 3], [1.0; 3]), false),
        ("gap of 20 nm, 0.6 um across, open", cuboid([-0.3, -0.3, 0.0], [0.3, 0.3, 0.02]), true),
        ("ball of 1 um, 320 triangles", icosphere(0.5, 2), false),
        ("ball of 1 um, 5120 triangles", icosphere(0.5, 4), false),
        ("ball of 1 um, 81920 triangles", icosphere(0.5, 6), false),
        ("shell of 20 nm, 2560 triangles", shell(3), false),
    ];
    for (name, surface, open) in spaces {
        let start = Instant::now();
        let mesh = Mesh::new(&surface).expect("a closed surface");
        let made = start.elapsed().as_secs_f64() / surface.triangles.len() as f64;
        let domain = Domain::new(mesh, |r| open && r < 4, 0.33, &[]).expect("a domain");
        let key = StreamKey::new(1, 0, 0, 0);
        let places: Vec<_> = (0..n).map(|k| domain.mesh().point_within(&mut key.at(k, 0))).collect();
        let mut leaps = 0;
        let start = Instant::now();
        for (k, at) in places.iter().enumerate() {
            let mut walker = Walker { at: *at, now: 0.0 };
            for leg in 1.. {
                let stop = domain.go_counted(&mut key.at(k as u64, leg), &mut walker, 0.1, &mut leaps);
                if stop != Stop::Draws {
                    break;
                }
            }
        }
        let walked = start.elapsed().as_secs_f64();
        let start = Instant::now();
        places.iter().for_each(|p| _ = black_box(domain.mesh().nearest(black_box(*p))));
        let searched = start.elapsed().as_secs_f64() / n as f64;
        println!(
            "{name}: {:.1} leaps a molecule, {:.0} ns a leap; {:.0} ns a search; made in {:.2} us a triangle",
            leaps as f64 / n as f64,
            1e9 * walked / leaps as f64,
            1e9 * searched,
            1e6 * made
        );
    }
}
