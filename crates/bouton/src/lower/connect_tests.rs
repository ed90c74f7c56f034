use super::*;
use ::model::units;

const HERE: [[f64; 3]; 1] = [[0.0; 3]];

fn ends(senders: u32, receivers: u32, others: bool) -> Ends<'static> {
    Ends { senders, receivers, others, mutual: false, from: &HERE, to: &HERE }
}

/// Cells of one population, joined without order.
fn mutual(n: u32) -> Ends<'static> {
    Ends { mutual: true, ..ends(n, n, true) }
}

fn made(rule: &Rule, ends: &Ends, seed: u64, repeated: bool) -> Vec<(u32, u32)> {
    let mut all = Vec::new();
    pairs(rule, ends, (seed, "net", repeated), &mut |a, b| all.push((a, b))).unwrap();
    all
}

#[test]
fn rules_without_luck_are_what_they_say() {
    assert_eq!(made(&Rule::All, &ends(2, 2, false), 0, false), [(0, 0), (1, 0), (0, 1), (1, 1)]);
    assert_eq!(made(&Rule::All, &ends(2, 2, true), 0, false), [(1, 0), (0, 1)]);
    assert_eq!(made(&Rule::Each, &ends(3, 3, false), 0, false), [(0, 0), (1, 1), (2, 2)]);
    assert_eq!(made(&Rule::Ring(2), &ends(3, 3, true), 0, false), [(0, 1), (0, 2), (1, 2), (1, 0), (2, 0), (2, 1)]);
    assert_eq!(made(&Rule::Pairs(vec![(4, 0)]), &ends(5, 1, false), 0, false), [(4, 0)]);
}

#[test]
fn degrees_are_exact_and_nobody_is_drawn_twice_or_with_itself() {
    for seed in 0..20 {
        let all = made(&Rule::Indegree(7), &ends(10, 10, true), seed, false);
        for receiver in 0..10 {
            let mut senders: Vec<u32> = all.iter().filter(|p| p.1 == receiver).map(|p| p.0).collect();
            senders.dedup();
            assert_eq!(senders.len(), 7);
            assert!(senders.iter().all(|s| *s != receiver && *s < 10));
        }
        let out = made(&Rule::Outdegree(9), &ends(10, 10, true), seed, false);
        assert_eq!(out.len(), 90);
        assert!(out.iter().all(|(a, b)| a != b));
        let again = made(&Rule::Indegree(30), &ends(10, 4, false), seed, true);
        assert_eq!(again.len(), 120);
    }
    assert_ne!(
        made(&Rule::Indegree(3), &ends(10, 10, true), 1, false),
        made(&Rule::Indegree(3), &ends(10, 10, true), 2, false)
    );
}

/// Chi-square of `counts` around an even law, as a normal deviate (Wilson & Hilferty).
fn deviate(counts: &[f64], mean: f64, variance: f64) -> f64 {
    let n = counts.len() as f64;
    let chi = counts.iter().map(|c| (c - mean) * (c - mean) / variance).sum::<f64>();
    (chi - n) / (2.0 * n).sqrt()
}

#[test]
fn pairs_are_drawn_independently_with_their_probability() {
    // 400 x 300 pairs at .05: false alarms at 5 deviations 6e-7 each; a law off by 3 % of itself would be seen at 2.3 of them.
    let (n, m, p) = (400u32, 300u32, 0.05);
    let all = made(&Rule::Probability(p), &ends(n, m, false), 3, false);
    let total = f64::from(n) * f64::from(m);
    let off = (all.len() as f64 - p * total) / (p * (1.0 - p) * total).sqrt();
    assert!(off.abs() < 5.0, "{off}");
    let mut senders = vec![0.0; n as usize];
    all.iter().for_each(|(a, _)| senders[*a as usize] += 1.0);
    let spread = deviate(&senders, p * f64::from(m), p * (1.0 - p) * f64::from(m));
    assert!(spread.abs() < 5.0, "{spread}");
    let mut sorted = all.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len());
    assert!(made(&Rule::Probability(0.0), &ends(9, 9, false), 0, false).is_empty());
    assert_eq!(made(&Rule::Probability(1.0), &ends(9, 9, true), 0, false).len(), 72);
}

#[test]
fn a_fixed_indegree_draws_every_sender_alike() {
    let all = made(&Rule::Indegree(20), &ends(100, 500, false), 8, false);
    let mut senders = vec![0.0; 100];
    all.iter().for_each(|(a, _)| senders[*a as usize] += 1.0);
    // Each sender is in a receiver's twenty with .2; receivers are independent.
    let off = deviate(&senders, 100.0, 500.0 * 0.2 * 0.8);
    assert!(off.abs() < 5.0, "{off}");
}

#[test]
fn probability_follows_the_separation() {
    let line = positions(Some(Arrangement::Line(10.0)), [0.0; 3], 200, "x");
    assert!((line[1][0] - line[0][0] - 10.0).abs() < 1e-12 && (line[0][0] + line[199][0]).abs() < 1e-12);
    let expression = units::parse("exp(-separation / 100 um)", &::model::read::separation()).unwrap();
    let ends = Ends { senders: 200, receivers: 200, others: true, mutual: false, from: &line, to: &line };
    let all = made(&Rule::BySeparation(expression), &ends, 1, false);
    for (near, far) in [(0.0, 95.0), (95.0, 305.0), (305.0, 1005.0)] {
        let here = |a: u32, b: u32| a != b && (near..far).contains(&ends.separation(a, b));
        let got = all.iter().filter(|(a, b)| here(*a, *b)).count() as f64;
        let (mut mean, mut variance) = (0.0, 0.0);
        for (a, b) in (0..200u32).flat_map(|a| (0..200u32).map(move |b| (a, b))).filter(|(a, b)| here(*a, *b)) {
            let p = math::exp(-ends.separation(a, b) / 100.0);
            (mean, variance) = (mean + p, variance + p * (1.0 - p));
        }
        assert!((got - mean).abs() < 5.0 * variance.sqrt(), "{near} to {far}: {got} of {mean}");
    }
    let wrong = units::parse("separation / 100 um", &::model::read::separation()).unwrap();
    let fault = pairs(&Rule::BySeparation(wrong), &ends, (0, "net", false), &mut |_, _| {}).unwrap_err();
    assert!(fault.value > 1.0 && (fault.separation - 100.0 * fault.value).abs() < 1e-9);
}

#[test]
fn arrangements_are_where_they_should_be() {
    for n in [1u32, 2, 3, 7, 360] {
        for (k, [x, y, z]) in positions(Some(Arrangement::Ring(50.0)), [1.0, 2.0, 3.0], n, "x").into_iter().enumerate()
        {
            let angle = std::f64::consts::TAU * k as f64 / f64::from(n);
            assert!(
                (x - 1.0 - 50.0 * angle.cos()).abs() < 1e-12 && (y - 2.0 - 50.0 * angle.sin()).abs() < 1e-12,
                "{n} {k}"
            );
            assert_eq!(z, 3.0);
        }
    }
    let grid = positions(Some(Arrangement::Grid(20.0)), [0.0; 3], 6, "x");
    assert_eq!(grid[0], [-20.0, -10.0, 0.0]);
    assert_eq!(grid[5], [20.0, 10.0, 0.0]);
    let within = positions(Some(Arrangement::Within([100.0, 50.0, 0.0], 4)), [0.0; 3], 1000, "x");
    assert!(within.iter().all(|p| p[0].abs() <= 50.0 && p[1].abs() <= 25.0 && p[2] == 0.0));
    assert_eq!(within[..10], positions(Some(Arrangement::Within([100.0, 50.0, 0.0], 4)), [0.0; 3], 10, "x")[..]);
}

#[test]
fn strengths_have_the_mean_and_spread_that_are_said() {
    let contacts = Contacts::new((1, "net"), 0.5);
    let all: Vec<f64> = (0..40_000).map(|k| contacts.draw((k, 0), &Spots::One(0), &|_| 0).1).collect();
    let mean = all.iter().sum::<f64>() / 4e4;
    let cv = (all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 4e4).sqrt() / mean;
    // Deviations: of the mean .0025; of the coefficient about .004. Five of each.
    assert!((mean - 1.0).abs() < 0.0125 && (cv - 0.5).abs() < 0.02, "{mean} {cv}");
    assert_eq!(Contacts::new((1, "net"), 0.0).draw((3, 0), &Spots::Any(&[7]), &|_| 0), (7, 1.0));
}

#[test]
fn of_pairs_without_order_each_is_met_once() {
    assert_eq!(made(&Rule::All, &mutual(3), 0, false), [(0, 1), (0, 2), (1, 2)]);
    assert_eq!(made(&Rule::Ring(1), &mutual(2), 0, false), [(0, 1)]);
    assert_eq!(made(&Rule::Ring(1), &mutual(4), 0, false), [(0, 1), (1, 2), (2, 3), (3, 0)]);
    // With so many neighbours that they meet from both sides, all are joined with all.
    for (n, k) in [(4, 2), (4, 3), (5, 2), (5, 3), (7, 4), (8, 7), (9, 8)] {
        assert_eq!(made(&Rule::Ring(k), &mutual(n), 0, false).len() as u32, n * (n - 1) / 2, "{n} {k}");
    }
    assert_eq!(made(&Rule::Ring(2), &mutual(7), 0, false).len(), 14);
    for rule in [
        Rule::Ring(5),
        Rule::Probability(0.3),
        Rule::BySeparation(units::parse("0.3", &::model::read::separation()).unwrap()),
    ] {
        let all = made(&rule, &mutual(12), 5, false);
        let met: HashSet<(u32, u32)> = all.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        assert_eq!(met.len(), all.len(), "{rule:?}");
        assert!(all.iter().all(|(a, b)| a != b) && !all.is_empty());
        assert!(all.len() as f64 <= most(&rule, &mutual(12)), "{rule:?}");
    }
    // 60 cells at .2, 200 networks: 354,000 looks; false alarm at 5 deviations 6e-7, a law off by 3 % at 7 of them.
    let total: usize = (0..200).map(|seed| made(&Rule::Probability(0.2), &mutual(60), seed, false).len()).sum();
    let looks = 200.0 * 60.0 * 59.0 / 2.0;
    let off = (total as f64 - 0.2 * looks) / (0.2f64 * 0.8 * looks).sqrt();
    assert!(off.abs() < 5.0, "{off} deviations");
}
