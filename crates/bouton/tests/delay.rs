//! Conduction: twenty branches of one axon, each with its own delay and its own luck.

mod common;

use common::*;
use std::fmt::Write as _;

const BRANCHES: usize = 20;

/// Twenty synapses of one sender onto one point cell.
fn branches(more: &str, each: &str) -> String {
    let mut text = format!(
        "{WORLD}{more}cell.receiver.membrane = {{ capacitance = \"1 uF/cm2\", area = \"100 um2\" }}\n\
         cell.receiver.channel.leak = {{ use = \"channel/leak\", density = \"0.1 mS/cm2\", reversal = \"-70 mV\" }}\n"
    );
    for k in 0..BRANCHES {
        let _ = write!(
            text,
            "[synapse.b{k}]\nfrom = \"sender.axon\"\nto = \"receiver.soma\"\nuse = \"synapse/ca1_spine\"\n\
             delay = \"{} us\"\n{each}\n",
            delay(k)
        );
    }
    text
}

/// us
fn delay(k: usize) -> usize {
    613 * k
}

const WITHOUT_MECHANISM: &str = "without = [\"terminal.sensor\", \"terminal.channel\", \"spine\"]";

/// Fusions of each branch, ms, in the first trial.
fn first(text: &str, sets: &[&str]) -> Vec<Vec<f64>> {
    let c = run_with(text, sets);
    (0..BRANCHES).map(|k| fusions(&c, &format!("b{k}")).remove(0)).collect()
}

/// To the tick where spikes are given or a course is imposed.
#[test]
fn each_branch_releases_its_delay_after_the_spike() {
    let given = "duration = \"20 ms\"\ndetail = \"mean\"\ncell.sender.times = [\"2 ms\", \"5 ms\"]\n";
    let imposed = "duration = \"20 ms\"\ndetail = \"mean\"\n\
        cell.sender.course = { times = [\"1.8 ms\", \"2.2 ms\", \"3 ms\"], voltages = [\"-60 mV\", \"60 mV\", \"-60 mV\"] }\n";
    for (text, spikes) in [(given, vec![2.0, 5.0]), (imposed, vec![2.0])] {
        let all = first(&branches(text, WITHOUT_MECHANISM), &[]);
        for (k, fused) in all.iter().enumerate() {
            let want: Vec<f64> = spikes.iter().map(|s| s + 1e-3 * delay(k) as f64).collect();
            assert_eq!(fused.len(), want.len());
            // A course's crossing is found on a line between steps, here as at the sender.
            let off = fused.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < if spikes.len() == 2 { 1e-8 } else { 2e-3 }, "branch {k}: {fused:?} for {want:?}");
        }
        println!("{:?} ... {:?}", all[1], all[19]);
        // The twin: the second branch where the first should be.
        assert!((all[1][0] - spikes[0]).abs() > 0.5);
    }
}

/// Of a membrane, interpolated between its steps: to 2 us.
#[test]
fn a_membranes_action_potential_arrives_its_delay_later() {
    let text = "duration = \"25 ms\"\ndetail = \"mean\"\ncell.sender.use = \"neuron/pospischil_rs\"\n\
        clamp.drive = { at = \"sender.soma\", current = \"6 nA\", start = \"1 ms\", stop = \"4 ms\" }\n";
    let all = first(&branches(text, WITHOUT_MECHANISM).replace("sender.axon", "sender.soma"), &[]);
    for (k, fused) in all.iter().enumerate() {
        let late = fused[0] - all[0][0];
        println!("branch {k}: {:.4} ms, {:.4} ms after the first", fused[0], late);
        assert_eq!(fused.len(), all[0].len());
        assert!((late - 1e-3 * delay(k) as f64).abs() < 2e-3, "branch {k}: {late} ms");
    }
}

/// n r^2 of every pair of branches, summed; chi-square with 190 degrees of freedom if branches are independent.
fn together(released: &[Vec<f64>]) -> f64 {
    let n = released[0].len() as f64;
    let mut sum = 0.0;
    for (i, a) in released.iter().enumerate() {
        for b in &released[..i] {
            let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
            let cross: f64 = a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum();
            let (va, vb) = (ma * (1.0 - ma) * n, mb * (1.0 - mb) * n);
            sum += n * cross * cross / (va * vb);
        }
    }
    sum
}

/// Whether a branch releases says nothing of the others: chi-square over 190 pairs in 600 trials. Its upper 1e-6
/// quantile is 298 (Wilson-Hilferty). In the twin one branch does what another does.
#[test]
fn branches_of_one_axon_fail_independently() {
    let text = "duration = \"18 ms\"\ntrials = 600\ndetail = \"mean\"\ncell.sender.times = [\"2 ms\"]\n";
    let each = "without = [\"spine\", \"clearance\"]\nterminal.channel.pq.distance = \"70 nm\"";
    let sets = ["numerics.tolerance = 0.1", "numerics.rings = 4", "numerics.shells = 4", "numerics.slot = \"10 us\""];
    let text = branches(text, each);
    let c = run_with(&text, &sets);
    let mut released: Vec<Vec<f64>> = Vec::new();
    for k in 0..BRANCHES {
        let all = fusions(&c, &format!("b{k}"));
        let evoked = |t: &Vec<f64>| t.iter().any(|t| *t > 2.0 + 1e-3 * delay(k) as f64);
        released.push(all.iter().map(|t| f64::from(u8::from(evoked(t)))).collect());
    }
    let shares: Vec<f64> = released.iter().map(|r| r.iter().sum::<f64>() / 600.0).collect();
    let chi = together(&released);
    println!("release probabilities {shares:.2?}; chi-square {chi:.1} of 190");
    assert!(shares.iter().all(|p| (0.1..0.9).contains(p)), "{shares:?}");
    assert!(chi < 298.0, "{chi}");
    released[7] = released[3].clone();
    assert!(together(&released) > 298.0, "the twin should fail");
}
