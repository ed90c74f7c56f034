//! Grows the pyramidal cell of `examples/pyramidal.swc`, which it prints: `cargo run --example grow_pyramidal`.
//!
//! A made-up cell with the proportions of a layer-5 pyramidal cell of the rat (a trunk of 600 um, obliques, a tuft, six
//! basal dendrites, an axon that begins thick): no reconstruction, so free of anybody's licence. The same every time.

use numerics::rng::{Draws, StreamKey, name_hash};
use std::fmt::Write as _;

/// A step along a neurite, um.
const STEP: f64 = 10.0;

type Vector = [f64; 3];

fn sum(a: Vector, b: Vector, factor: f64) -> Vector {
    [0, 1, 2].map(|k| factor.mul_add(b[k], a[k]))
}

fn unit(a: Vector) -> Vector {
    let size = a.iter().fold(0.0, |s, x| s + x * x).sqrt();
    a.map(|x| x / size)
}

/// How a stretch of neurite goes on.
#[derive(Clone, Copy)]
struct Tip {
    id: u32,
    at: Vector,
    towards: Vector,
}

struct Grower {
    out: String,
    next: u32,
    draws: Draws,
}

impl Grower {
    fn sample(&mut self, kind: u32, at: Vector, radius: f64, parent: i64) -> u32 {
        let [x, y, z] = at;
        let _ = writeln!(self.out, "{} {kind} {x:.2} {y:.2} {z:.2} {radius:.3} {parent}", self.next);
        self.next += 1;
        self.next - 1
    }

    fn normal(&mut self) -> Vector {
        [0; 3].map(|_| self.draws.normal())
    }

    /// Grows `length` um from `tip`, its diameter from the first to the second.
    fn stretch(&mut self, kind: u32, tip: Tip, length: f64, diameters: (f64, f64), wiggle: f64) -> Tip {
        let steps = (length / STEP).round().max(1.0) as u32;
        let mut tip = tip;
        for k in 1..=steps {
            let share = f64::from(k) / f64::from(steps);
            let noise = self.normal();
            tip.towards = unit(sum(tip.towards, noise, wiggle));
            tip.at = sum(tip.at, tip.towards, length / f64::from(steps));
            let diameter = share.mul_add(diameters.1 - diameters.0, diameters.0);
            tip.id = self.sample(kind, tip.at, 0.5 * diameter, i64::from(tip.id));
        }
        tip
    }

    /// Two directions that part from one, `spread` to the side of it.
    fn fork(&mut self, towards: Vector, spread: f64) -> [Vector; 2] {
        let noise = self.normal();
        let along = (0..3).fold(0.0, |s, k| noise[k].mul_add(towards[k], s));
        let side = unit(sum(noise, towards, -along));
        [spread, -spread].map(|s| unit(sum(towards, side, s)))
    }

    /// A tree of `orders` more forks; each order is shorter or longer and thinner than the one before.
    fn tree(&mut self, kind: u32, tip: Tip, (length, longer): (f64, f64), diameter: f64, orders: u32) {
        let own = length * self.draws.uniform().mul_add(0.5, 0.75);
        let thin = (diameter * 0.75).max(0.5);
        let end = self.stretch(kind, tip, own, (diameter, thin), 0.12);
        if orders == 0 {
            return;
        }
        for towards in self.fork(end.towards, 0.6) {
            // Rall's power for two daughters alike, 2^(-2/3), of what is left.
            self.tree(kind, Tip { towards, ..end }, (length * longer, longer), (0.8 * thin).max(0.5), orders - 1);
        }
    }
}

/// The file's text.
pub fn grow() -> String {
    let key = StreamKey::new(5, 0, name_hash("grow") as u32, name_hash("pyramidal"));
    let mut g = Grower { out: String::new(), next: 1, draws: key.at(0, 0) };
    g.out.push_str(
        "# A made-up layer-5-like pyramidal cell: `cargo run --example grow_pyramidal`. No reconstruction.\n",
    );
    g.out.push_str("# id type x y z radius parent, um; 1 soma, 2 axon, 3 basal dendrite, 4 apical dendrite\n");
    let soma = g.sample(1, [0.0; 3], 9.0, -1);
    let begin = |g: &mut Grower, kind: u32, towards: Vector, diameter: f64| {
        let towards = unit(towards);
        let at = sum([0.0; 3], towards, 9.0);
        Tip { id: g.sample(kind, at, 0.5 * diameter, i64::from(soma)), at, towards }
    };
    // The apical trunk: pieces of it between obliques, then the tuft.
    let mut trunk = begin(&mut g, 4, [0.0, 1.0, 0.0], 4.5);
    let mut diameter = 4.5;
    let pieces = 10;
    for k in 0..pieces {
        let thinner = diameter - 0.2;
        trunk = g.stretch(4, trunk, 60.0, (diameter, thinner), 0.02);
        diameter = thinner;
        if k < 7 {
            let [towards, _] = g.fork(trunk.towards, 2.0);
            g.tree(4, Tip { towards, ..trunk }, (70.0, 1.2), 1.1, 1);
        }
    }
    for towards in g.fork(trunk.towards, 0.5) {
        g.tree(4, Tip { towards, ..trunk }, (70.0, 1.15), 1.7, 3);
    }
    // Basal dendrites: around and below.
    for k in 0..6 {
        let [a, b] = [(1.0, 0.0), (0.5, 0.87), (-0.5, 0.87), (-1.0, 0.0), (-0.5, -0.87), (0.5, -0.87)][k].into();
        let down = [-0.3, -0.9, -0.2, -0.6, -0.4, -0.8][k];
        let tip = begin(&mut g, 3, [a, down, b], 1.8);
        g.tree(3, tip, (55.0, 1.5), 1.8, 2);
    }
    // The axon: hillock, initial segment, and a stretch with two collaterals.
    let hillock = begin(&mut g, 2, [0.05, -1.0, 0.05], 3.0);
    let segment = g.stretch(2, hillock, 10.0, (3.0, 1.4), 0.02);
    let axon = g.stretch(2, segment, 40.0, (1.4, 1.1), 0.02);
    let axon = g.stretch(2, axon, 150.0, (0.9, 0.8), 0.04);
    for towards in g.fork(axon.towards, 0.9) {
        g.stretch(2, Tip { towards, ..axon }, 200.0, (0.6, 0.5), 0.06);
    }
    g.out
}

#[allow(dead_code, reason = "a test takes `grow` from here")]
fn main() {
    print!("{}", grow());
}
