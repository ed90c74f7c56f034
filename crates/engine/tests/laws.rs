//! Textbook laws: binding with depletion (C-04), Michaelis-Menten (C-05), quantal release (C-14).
#![allow(missing_docs)]

mod common;

use common::{Z, chi_square, lambert_w, mean_fits, scheme, variance_fits};
use engine::ensemble::{Jumps, Laws};
use engine::mechanism::StateIndex;
use engine::time::Tick;
use engine::wellmixed::{Pool, Species, SpeciesIndex, Tolerance, WellMixed};
use numerics::jump::Binomial;
use numerics::math;
use numerics::rng::StreamKey;

fn ms(ms: f64) -> Tick {
    Tick::from_ms(ms).unwrap()
}

/// C-04: 10,000 receptors in a closed box that deplete their ligand. At rest the complex solves the quadratic law
/// `C = ((R + L + K) - sqrt((R + L + K)^2 - 4 R L)) / 2`.
#[test]
fn receptors_that_deplete_their_ligand_settle_at_the_quadratic_law() {
    let (kinetics, coefficients) = scheme(2, 1, &[(0, 1, 5.0, Some(0), None), (1, 0, 0.5, None, Some(0))]);
    let k_d = 0.1;
    // 10,000 molecules in 0.1 um3: 10,000 / 602,214.076 amol / 0.1 um3 in mM.
    let receptors = 1e4 / 602_214.076 / 0.1;
    let mut worst = 0.0_f64;
    for ligand in [0.01, 0.1, 0.166, 0.5, 5.0] {
        let pool = Pool {
            kinetics: kinetics.clone(),
            concentration: receptors,
            ligands: vec![SpeciesIndex(0)],
            coefficients: coefficients.clone(),
        };
        let model = WellMixed::new(&[Species::default()], &[pool]).unwrap();
        let mut state = model.start(&[ligand], &[&[1.0, 0.0]]).unwrap();
        model.advance(&mut state, ms(1000.0), Tolerance::default()).unwrap();
        let sum = receptors + ligand + k_d;
        let bound = 0.5 * (sum - (sum * sum - 4.0 * receptors * ligand).sqrt()) / receptors;
        let naive = ligand / (ligand + k_d);
        let got = model.occupancies(&state, 0)[1];
        worst = worst.max((got / bound - 1.0).abs());
        assert!((got / bound - 1.0).abs() < 2e-3, "{ligand} mM: {got} for {bound}");
        assert!(ligand > 1.0 || (got / naive - 1.0).abs() > 2e-3, "the law without depletion must fail");
    }
    println!("C-04: worst relative deviation from the quadratic law {worst:e}");
    assert!(worst < 1e-9);
}

/// C-04: without depletion the bound count has mean N p and variance N p (1 - p). 5000 populations of 10,000; z and
/// chi-square at false alarm 1e-6 each (band of the variance +-10 %); twins: p off by 0.1 % (7 standard errors), and
/// Poisson variance N p (a third too large).
#[test]
fn receptors_without_depletion_fluctuate_as_n_p_q() {
    let (kinetics, rates) = scheme(2, 1, &[(0, 1, 5.0, Some(0), None), (1, 0, 0.5, None, Some(0))]);
    let (n, p) = (10_000.0, 1.0 / 3.0);
    let propagator = kinetics.generator(&rates, &[0.05]).unwrap().propagator(100.0).unwrap();
    let mut jumps = Jumps::new(&kinetics, 5000, &[10_000, 0]).unwrap();
    jumps.step_shared(StreamKey::new(4, 0, 0, 4), &Laws::new(&propagator), ms(100.0)).unwrap();
    let bound: Vec<f64> = (0..5000).map(|i| f64::from(jumps.count(i, StateIndex(1)))).collect();
    let variance = n * p * (1.0 - p);
    assert!(mean_fits(&bound, n * p, variance.sqrt()));
    assert!(variance_fits(&bound, variance));
    assert!(!mean_fits(&bound, n * p * 1.001 * 1.001, variance.sqrt()), "the twin must fail");
    assert!(!variance_fits(&bound, n * p), "the twin must fail");
    let mean = bound.iter().sum::<f64>() / 5000.0;
    assert!((mean / (n * p) - 1.0).abs() < 2e-3);
}

struct Enzyme {
    on: f64,
    off: f64,
    turnover: f64,
    total: f64,
    /// Competitive inhibitor: concentration and K_i, both mM; fast.
    inhibitor: Option<(f64, f64)>,
}

impl Enzyme {
    fn k_m(&self) -> f64 {
        let free = (self.off + self.turnover) / self.on;
        self.inhibitor.map_or(free, |(i, k_i)| free * (1.0 + i / k_i))
    }

    /// Worst relative deviation of the substrate from Lambert's W while more than 5 % is left, start excluded until
    /// the complex has formed (the quasi-steady law says nothing about the first moments).
    ///
    /// Quasi-steady regime: S (total substrate, bound included) obeys dS/dt = -V S / (K_m + S), whose solution is
    /// `S = K_m W((S0 / K_m) exp((S0 - V t) / K_m))` (Schnell & Mendoza 1997, J. Theor. Biol. 187:207).
    fn deviation(&self, s0: f64) -> f64 {
        let mut steps =
            vec![(0, 1, self.on, Some(0), None), (1, 0, self.off, None, Some(0)), (1, 0, self.turnover, None, Some(1))];
        let mut start = vec![1.0, 0.0];
        let mut concentrations = vec![s0, 0.0];
        if let Some((i, k_i)) = self.inhibitor {
            steps.push((0, 2, 1e3, Some(2), None));
            steps.push((2, 0, 1e3 * k_i, None, Some(2)));
            start.push(0.0);
            concentrations.push(i);
        }
        let (kinetics, coefficients) = scheme(start.len(), concentrations.len(), &steps);
        let ligands = (0..concentrations.len() as u16).map(SpeciesIndex).collect();
        let pool = Pool { kinetics, concentration: self.total, ligands, coefficients };
        let model = WellMixed::new(&vec![Species::default(); concentrations.len()], &[pool]).unwrap();
        let mut state = model.start(&concentrations, &[&start]).unwrap();
        let (v, k_m) = (self.turnover * self.total, self.k_m());
        let end = (s0 * 0.95 + k_m * math::ln(20.0)) / v;
        let step = ms(end / 50.0);
        let mut worst = 0.0_f64;
        for k in 1..=50 {
            model.advance(&mut state, step, Tolerance::default()).unwrap();
            let t = (step * k).ms();
            let law = k_m * lambert_w(math::ln(s0 / k_m) + (s0 - v * t) / k_m);
            worst = worst.max((model.concentration(&state, SpeciesIndex(0)) / law - 1.0).abs());
        }
        worst
    }
}

/// C-05: with E0 << S0 + K_m the full scheme follows Lambert's W to 0.1 %, for slow and fast, tight and loose enzymes,
/// with and without a competitive inhibitor; outside that regime it does not, and this says by how much.
#[test]
fn enzymes_follow_lamberts_w_in_the_quasi_steady_regime() {
    let mut worst = 0.0_f64;
    for (on, off, turnover) in [(100.0, 1.0, 0.5), (10.0, 0.01, 5.0), (1000.0, 50.0, 14.0), (2.0, 5.0, 0.01)] {
        for inhibitor in [None, Some((0.3, 0.05))] {
            let mut enzyme = Enzyme { on, off, turnover, total: 0.0, inhibitor };
            for ratio in [0.3, 1.0, 10.0] {
                let s0 = ratio * enzyme.k_m();
                // Little enzyme beside the substrate's scale, and beside the inhibitor, which the law takes as given.
                enzyme.total = 1e-5 * enzyme.k_m().min(inhibitor.map_or(f64::INFINITY, |(i, _)| i));
                let deviation = enzyme.deviation(s0);
                worst = worst.max(deviation);
                assert!(deviation < 1e-3, "k {on}, {off}, {turnover}, {inhibitor:?}, S0 {ratio} K_m: {deviation:e}");
            }
        }
    }
    println!("C-05: worst deviation in the regime {worst:e}");
    for part in [1e-3, 1e-2, 0.1, 1.0] {
        let mut enzyme = Enzyme { on: 100.0, off: 1.0, turnover: 0.5, total: 0.0, inhibitor: None };
        enzyme.total = part * 2.0 * enzyme.k_m();
        let deviation = enzyme.deviation(enzyme.k_m());
        println!("C-05: E0 / (S0 + K_m) = {part}: deviation {deviation:.2e}");
        assert!(part < 0.01 || deviation > 1e-3, "the twin must fail outside the regime");
    }
}

/// C-14: n sites release with probability p a quantum of size q with coefficient of variation CV_q. Over 100,000 trials:
/// mean n p q and variance from CV^2 = (1 - p) / (n p) + CV_q^2 / (n p); failures (1 - p)^n. False alarm 1e-6 a test.
/// Power: twins off by 2 % in p (mean: 5 to 20 standard errors), without CV_q (variance), and with n - 1 sites (failures).
#[test]
fn quantal_release_follows_the_binomial_laws() {
    let trials = 100_000_usize;
    let (q, cv_q) = (12.0, 0.3);
    for (case, (n, p)) in [(5_u64, 0.25), (10, 0.4), (3, 0.1)].into_iter().enumerate() {
        let key = StreamKey::new(14, 0, 0, case as u64);
        let law = Binomial::new(p).unwrap();
        let mut amplitudes = Vec::with_capacity(trials);
        let mut failures = 0_u32;
        for trial in 0..trials {
            let mut draws = key.at(trial as u64, 0);
            let released = law.draw(&mut draws, n);
            failures += u32::from(released == 0);
            // Quanta uniform about q: mean q and CV cv_q, whatever their shape.
            let quantum = |_| q * 12f64.sqrt().mul_add(cv_q * (draws.uniform() - 0.5), 1.0);
            amplitudes.push((0..released).map(quantum).sum::<f64>());
        }
        let np = n as f64 * p;
        let mean = np * q;
        let cv2 = (1.0 - p) / np + cv_q * cv_q / np;
        let sd = mean * cv2.sqrt();
        assert!(mean_fits(&amplitudes, mean, sd), "n {n}, p {p}");
        assert!(!mean_fits(&amplitudes, mean * 1.02 * 1.02, sd), "the twin must fail");
        // The amplitude is not normal: the variance's own standard error comes from the fourth moment of the sample.
        let m = trials as f64;
        let moment = |k: i32| amplitudes.iter().map(|a| math::powi(a - mean, k)).sum::<f64>() / m;
        let (second, fourth) = (moment(2), moment(4));
        let error = ((fourth - second * second) / m).sqrt();
        assert!((second - sd * sd).abs() < Z * error, "n {n}, p {p}");
        let without = mean * mean * (1.0 - p) / np;
        assert!((second - without).abs() > Z * error, "the twin must fail");
        let none = math::powi(1.0 - p, n as i32);
        let spread = |none: f64| (m * none * (1.0 - none)).sqrt();
        assert!((f64::from(failures) - m * none).abs() < Z * spread(none), "n {n}, p {p}");
        let fewer = math::powi(1.0 - p, n as i32 - 1);
        assert!((f64::from(failures) - m * fewer).abs() > Z * spread(fewer), "the twin must fail");
    }
}

#[test]
fn lamberts_w_solves_its_equation() {
    for ln_x in [-20.0, -1.0, 0.0, 1.0, 5.0, 700.0, 1e4] {
        let w = lambert_w(ln_x);
        assert!((w + math::ln(w) - ln_x).abs() < 1e-12 * f64::max(1.0, ln_x.abs()));
    }
    assert!(chi_square(100.0, 0.0) < 100.0);
}
