//! Single molecules in a cleft within tissue, against the means of the same finite volumes. Bounds at 5.1 standard errors.

mod molecules;

use engine::cleft::{self, Amount, Cleft, Geometry, Pore, Porous, Resident, Rim, Site, Source, Tolerance};
use engine::molecular::{Edge, Places, Plan, Shape, Space, Watch};
use molecules::{Trial, kind, scheme, us};
use numerics::constants::AVOGADRO;
use numerics::rng::StreamKey;

const SIGMAS: f64 = 5.1;

#[test]
fn tissue_and_its_transporters_are_those_of_the_mean() {
    // A CA1 cleft in tissue: receptors in it, a transporter on glia, transmitter at rest in the far field. What is released
    // goes out and comes back; 1 % and sampling, at every time.
    let porous = |resting| Porous {
        volume_fraction: 0.2,
        tortuosity: 1.6,
        diffusion: 0.76,
        reach: 1.0,
        shells: 20,
        resting,
        closed: false,
    };
    let receptor = [(0, 1, 10.0, 1), (1, 0, 5.0, -1), (1, 2, 3.0, 0), (2, 1, 1.0, 0)];
    let transporter = [(0, 1, 18.0, 1), (1, 0, 0.2, -1), (1, 2, 0.18, 0), (2, 0, 0.026, 0)];
    // What a transporter has carried over it holds no more.
    let carried = [0u32, 1, 0];
    for (resting, trials) in [(0.0, 150), (2e-3, 80)] {
        let porous = porous(resting);
        let geometry =
            Geometry { radius: 0.2, height: 0.02, diffusion: 0.33, shells: 80, grading: 0.4, rim: Rim::Porous(porous) };
        let source = Source { pore: Pore::Instantaneous, radius: 0.0 };
        let (kinetics, coefficients) = scheme(3, &receptor);
        let here = Resident::new(kinetics, coefficients, Site::Disc(0.1), Amount::Count(80.0));
        let (kinetics, coefficients) = scheme(3, &transporter);
        let mut glia = Resident::new(kinetics, coefficients, Site::Ecs(0.2, 1.0), Amount::PerVolume(2000.0));
        glia.bound = Some(carried.iter().map(|n| f64::from(*n)).collect());
        let mean = Cleft::new(&geometry, &source, &[here, glia]).unwrap();
        let at_rest = mean.start();
        let c = mean.concentrations(&at_rest);
        let rest: Vec<f64> = std::iter::once(c[0]).chain(c[mean.rings()..mean.shells()].iter().copied()).collect();
        // Transporters of each shell, by chance where they are not whole.
        let amounts: Vec<f64> =
            mean.places(1).unwrap().iter().map(|(_, share)| share * mean.count(1).unwrap()).collect();
        let space =
            Space { shape: Shape::Disc { radius: 0.2 }, height: 0.02, diffusion: 0.33, edge: Edge::Porous(porous) };
        let times = [20.0, 100.0, 300.0, 1000.0, 3000.0];
        let mut sums = [[0.0; 8]; 5];
        let mut receptors = kind(3, &receptor, &[0, 1, 1], vec![]);
        receptors.places = Places::Even { count: 80.0, radius: 0.1 };
        let mut glia = kind(3, &transporter, &carried, vec![]);
        glia.places = Places::Tissue(amounts);
        let plan = Plan::tiled(&space, &[receptors, glia], 0.01, Some(&rest)).unwrap();
        let edges = mean.edges()[1..=mean.rings()].to_vec();
        let plan = plan.watched(vec![Watch::Counts { every: us(20.0), edges }]);
        // Within 0.1 um, and in the third shell of the tissue: molecules, sums and squares.
        let places: [Vec<usize>; 2] =
            [(0..mean.rings()).filter(|r| mean.edges()[r + 1] < 0.1).collect(), vec![mean.rings() + 2]];
        let mut seen = [[0.0; 4]; 5];
        for trial in 0..trials {
            let mut state = Trial::new(&plan, StreamKey::new(4, trial, 0, 0), us(2.0));
            state.release([0.0, 0.0], 1500);
            for (k, t) in times.into_iter().enumerate() {
                state.advance(us(t));
                let budget = state.budget();
                assert!(budget.balances(), "{budget:?}");
                let counts = state.seen(0, (t / 20.0) as u64);
                assert_eq!(counts.iter().map(|n| u64::from(*n)).sum::<u64>(), budget.free + budget.free_in_tissue);
                for (j, place) in places.iter().enumerate() {
                    let x: f64 = place.iter().map(|r| f64::from(counts[*r])).sum();
                    seen[k][2 * j] += x / trials as f64;
                    seen[k][2 * j + 1] += x * x / trials as f64;
                }
                let turned = budget.turned_over[1] as f64;
                let open = f64::from(state.counts(0)[2]);
                for (j, x) in [budget.free as f64, budget.free_in_tissue as f64, open, turned].into_iter().enumerate() {
                    sums[k][2 * j] += x / trials as f64;
                    sums[k][2 * j + 1] += x * x / trials as f64;
                }
            }
        }
        let (mut state, mut scratch) = (mean.start(), mean.scratch());
        mean.release(&mut state, 1500.0).unwrap();
        let mut before = 0.0;
        for (k, t) in times.into_iter().enumerate() {
            mean.advance(&mut state, &mut scratch, us(t - before), Tolerance::default()).unwrap();
            before = t;
            let budget: cleft::Budget = mean.budget(&state);
            let mut law = [0.0; 3];
            mean.occupancies(&state, 0, &mut law);
            let exact = [
                budget.free_in_cleft * AVOGADRO,
                budget.free_in_tissue * AVOGADRO,
                80.0 * law[2],
                budget.turned_over[1] * AVOGADRO,
            ];
            let c = mean.concentrations(&state);
            let e = mean.edges();
            let amount = |r: &usize| match r.checked_sub(mean.rings()) {
                None => c[*r] * AVOGADRO * std::f64::consts::PI * (e[r + 1] * e[r + 1] - e[*r] * e[*r]) * 0.02,
                Some(shell) => c[*r] * AVOGADRO * plan.volume_of(shell),
            };
            let all = exact.into_iter().chain(places.iter().map(|p| p.iter().map(amount).sum()));
            let names = ["cleft", "tissue", "open", "carried", "middle", "shell"];
            for (j, (name, exact)) in names.into_iter().zip(all).enumerate() {
                let [found, square] =
                    if j < 4 { [sums[k][2 * j], sums[k][2 * j + 1]] } else { [seen[k][2 * j - 8], seen[k][2 * j - 7]] };
                let error = ((square - found * found).max(0.0) / trials as f64).sqrt();
                println!("{resting} mM, {t} us, {name}: {found:.3} +- {error:.3} of {exact:.3}");
                assert!(
                    (found - exact).abs() < 0.01 * exact + SIGMAS * error.max((exact / trials as f64).sqrt() * 0.2)
                );
            }
        }
    }
}

#[test]
fn what_is_there_at_rest_stays() {
    // No sites: Poisson numbers in cleft and tissue, whose means and variances do not move. 5.1 standard errors.
    let porous = Porous {
        volume_fraction: 0.2,
        tortuosity: 1.6,
        diffusion: 0.76,
        reach: 1.0,
        shells: 20,
        resting: 2e-3,
        closed: false,
    };
    let space = Space { shape: Shape::Disc { radius: 0.2 }, height: 0.02, diffusion: 0.33, edge: Edge::Porous(porous) };
    let geometry =
        Geometry { radius: 0.2, height: 0.02, diffusion: 0.33, shells: 80, grading: 0.4, rim: Rim::Porous(porous) };
    let source = Source { pore: Pore::Instantaneous, radius: 0.0 };
    let mean = Cleft::new(&geometry, &source, &[]).unwrap();
    let budget = mean.budget(&mean.start());
    let exact = [budget.free_in_cleft * AVOGADRO, budget.free_in_tissue * AVOGADRO];
    let plan = Plan::new(&space, &[]).unwrap();
    let trials = 1000;
    let times = [0.0, 20.0, 200.0, 1000.0];
    let mut sums = [[0.0; 4]; 4];
    for trial in 0..trials {
        let mut state = Trial::new(&plan, StreamKey::new(9, trial, 0, 0), us(5.0));
        for (k, t) in times.into_iter().enumerate() {
            state.advance(us(t));
            for (j, x) in [state.free() as f64, state.free_in_tissue() as f64].into_iter().enumerate() {
                sums[k][2 * j] += x / trials as f64;
                sums[k][2 * j + 1] += x * x / trials as f64;
            }
        }
    }
    for (k, t) in times.into_iter().enumerate() {
        for j in 0..2 {
            let m = sums[k][2 * j];
            let v = sums[k][2 * j + 1] - m * m;
            let (off, spread) = (
                (m - exact[j]) / (exact[j] / trials as f64).sqrt(),
                (v / exact[j] - 1.0) * (trials as f64 / 2.0).sqrt(),
            );
            println!("{t} us: {m} of {} ({off:.2} se), variance {v:.2} ({spread:.2})", exact[j]);
            assert!(off.abs() < SIGMAS && spread.abs() < SIGMAS);
        }
    }
}
