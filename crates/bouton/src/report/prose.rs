//! What came of a run, in sentences made from its numbers.

use super::events::{is_size, sorted_out};
use super::figures::transient;
use super::group::split;
use super::numbers::{estimate, readable, significant, unit};
use super::words::{self, large};
use crate::recording::{Condition, Fact, Measure, MeasureKind, Recording, Role, summary};
use std::fmt::Write as _;

/// Measures that get a sentence.
const MEASURES: usize = 5;

fn fact<'a>(c: &'a Condition, synapse: &str, what: &str) -> Option<&'a Fact> {
    c.facts.iter().find(|f| split(&f.name) == (synapse, what) && f.value.is_finite())
}

/// `1.06 ms (0.93 to 1.19)`
fn told(value: f64, low: f64, high: f64, of: &str) -> String {
    let (value, ends) = estimate(value, low, high, of);
    let value = if of.is_empty() { value } else { format!("{value} {}", unit(of)) };
    ends.map_or(value.clone(), |(a, b)| format!("{value} ({a} to {b})")).replace('-', "\u{2212}")
}

/// Paragraphs, as text.
pub fn paragraphs(r: &Recording) -> Vec<String> {
    let mut out = Vec::new();
    let Some(first) = r.conditions.first().filter(|c| c.trials > 0) else { return out };
    let mut synapses: Vec<&str> = Vec::new();
    for f in &first.facts {
        let (of, what) = split(&f.name);
        if what.starts_with("release probability") && !synapses.contains(&of) {
            synapses.push(of);
        }
    }
    for synapse in &synapses {
        let mut text = release(first, synapse);
        text.push_str(&transmitter(r, synapse));
        out.push(text.trim().to_owned());
    }
    out.extend(junctions(first));
    out.extend(responses(r));
    out.extend(spikes(r));
    out
}

/// What was released by the first action potential, and how.
fn release(c: &Condition, synapse: &str) -> String {
    let many = fact(c, synapse, "release probability").is_none();
    let (which, of) =
        if many { ("the first action potential", ", action potential 1") } else { ("one action potential", "") };
    let Some(p) = fact(c, synapse, &format!("release probability{of}")) else { return String::new() };
    let hits = (p.value * c.trials as f64).round();
    let trials = if c.trials == 1 { "1 trial".to_owned() } else { format!("{} trials", c.trials) };
    let percent = |x: f64| significant(100.0 * x, 2);
    let mut out = format!("In {trials}, {which} released ");
    if hits == 0.0 {
        let _ = write!(out, "no vesicle (95 % interval of the release probability: 0 to {} %). ", percent(p.high));
    } else {
        let _ = write!(
            out,
            "at least one vesicle in {hits} ({} %, 95 % interval {} to {} %)",
            percent(p.value),
            percent(p.low),
            percent(p.high)
        );
        match fact(c, synapse, &format!("vesicles released{of}")) {
            Some(n) => {
                let n = significant(n.value, 2);
                let vesicles = if n == "1" { "vesicle" } else { "vesicles" };
                let _ = write!(out, ", {n} {vesicles} a trial on average. ");
            }
            None => out.push_str(". "),
        }
    }
    if let Some(l) = fact(c, synapse, &format!("latency of the first fusion{of}")) {
        let _ = write!(
            out,
            "The first vesicle fused {} after the action potential began",
            told(l.value, l.low, l.high, "ms")
        );
        match fact(c, synapse, &format!("jitter of the first fusion{of}")) {
            Some(j) => {
                let _ = write!(out, ", with a jitter (standard deviation) of {} ms. ", significant(j.value, 2));
            }
            None => out.push_str(". "),
        }
    }
    let last = c
        .facts
        .iter()
        .rfind(|f| many && split(&f.name).0 == synapse && split(&f.name).1.starts_with("release probability"));
    if let Some(last) = last.filter(|l| l.name != p.name) {
        let n = last.name.rsplit(' ').next().unwrap_or_default();
        let _ = write!(
            out,
            "For action potential {n} the release probability was {} % ({} to {} %). ",
            percent(last.value),
            percent(last.low),
            percent(last.high)
        );
    }
    out
}

/// The transmitter of a vesicle, and where it went.
fn transmitter(r: &Recording, synapse: &str) -> String {
    let mut out = String::new();
    for c in r.conditions.iter().take(1) {
        let cleft = c.probes.iter().find(|p| p.role == Role::Cleft && p.path.starts_with(&format!("{synapse}.")));
        if let Some(t) = cleft.and_then(|p| transient(c, &p.path)) {
            let (at, top) = t.mean.iter().enumerate().fold((0, 0.0), |m, (k, v)| if *v > m.1 { (k, *v) } else { m });
            let (factor, u) = readable(t.probe.unit, top);
            let name = t.probe.path.rsplit('.').next().unwrap_or("transmitter");
            let tenth = t.mean[at..].iter().position(|v| *v < 0.1 * top);
            let _ = write!(
                out,
                "{} of a single vesicle rose to {} {} in the cleft",
                large(name),
                significant(factor * top, 2),
                unit(u)
            );
            if let Some(k) = tenth {
                let _ =
                    write!(out, " and fell to a tenth of that within {} ms", significant(k as f64 * t.probe.every, 2));
            }
            out.push_str(". ");
        }
        let shares = || c.facts.iter().filter(|f| split(&f.name).0 == synapse && f.unit == "%");
        let sum = |word: &str| shares().filter(|f| f.name.contains(word)).map(|f| f.value).fold(0.0, |a, b| a + b);
        let (taken, gone) = (sum(" taken up by "), sum(" diffused away"));
        if taken > 0.0 {
            let _ = write!(
                out,
                "By the end of the trial, transporters had taken up {} % of what was released and {} % had diffused away. ",
                significant(taken, 2),
                significant(gone, 2)
            );
        } else if gone > 0.0 {
            let _ = write!(out, "By the end of the trial, {} % of it had diffused away. ", significant(gone, 2));
        }
    }
    out
}

/// The measured responses: amplitudes, and the times that belong to them; what an experimenter sees comes first.
fn responses(r: &Recording) -> Vec<String> {
    let sizes = |c: &'_ Condition| c.measures.iter().filter(|m| is_size(m)).cloned().collect::<Vec<Measure>>();
    let mut all: Vec<(&Condition, Measure)> =
        r.conditions.iter().flat_map(|c| sizes(c).into_iter().map(move |m| (c, m))).collect();
    all.retain(|(_, m)| ["pA", "mV"].contains(&m.unit.as_str()));
    let seen = |m: &Measure| m.of.starts_with("clamp.") || m.of.ends_with(".v_m");
    if all.iter().any(|(_, m)| seen(m)) {
        all.retain(|(_, m)| seen(m));
    }
    if all.len() > 1 && all.iter().all(|(c, m)| sorted_out(c, m).0.is_empty()) {
        return vec!["No trial has a response that could be measured.".into()];
    }
    all.iter().take(MEASURES).map(|(c, m)| response(r, c, m)).collect()
}

fn response(r: &Recording, c: &Condition, m: &Measure) -> String {
    let (values, failed) = sorted_out(c, m);
    let n = values.len();
    let s = summary(&Measure { values, kind: MeasureKind::Mean, ..Measure::default() });
    let here = if r.conditions.len() > 1 { format!(", {}", c.shown()) } else { String::new() };
    let mut out = format!("{}{here} ({}): ", large(&words::measure(&m.name)), m.of);
    if n == 0 {
        out.push_str("no trial has a response.");
        return out;
    }
    let _ = write!(out, "mean peak {}", told(s.mean, s.low95, s.high95, &m.unit));
    if failed > 0 {
        let _ = write!(out, " in the {n} of {} trials with a response", n + failed);
    }
    for (quantity, words) in [
        ("rise_20_80", "rise (20 to 80 %)"),
        ("decay", "decay time constant"),
        ("decay_weighted", "weighted decay time"),
        ("half_decay", "half-decay"),
    ] {
        let like = |x: &&Measure| x.name == m.name && x.of == m.of && x.quantity == quantity;
        if let Some(t) = c.measures.iter().find(like).map(summary).filter(|t| t.n > 0) {
            let _ = write!(out, "; {words} {} ms", significant(t.mean, 2));
        }
    }
    out.push('.');
    out
}

/// How strongly cells are joined.
fn junctions(c: &Condition) -> Vec<String> {
    let mut out = Vec::new();
    for f in c.facts.iter().filter(|f| split(&f.name).1 == "conductance") {
        let of = split(&f.name).0;
        let Some(name) = of.strip_suffix(".junction") else { continue };
        let shown = told(f.value, f64::NAN, f64::NAN, &f.unit);
        let number = |what: &str| fact(c, of, what).map(|f| significant(f.value, 3));
        if let (Some(pairs), Some(partners)) = (number("joined pairs"), number("partners of a cell")) {
            let others = if partners == "1" { "one other".to_owned() } else { format!("{partners} others") };
            out.push(format!(
                "The gap junctions of {name} join {pairs} pairs of cells, each with {others}, by {shown} in the mean."
            ));
            continue;
        }
        let mut text = format!("The gap junctions of {name} conduct {shown}");
        let crosses = c.facts.iter().filter_map(|f| {
            let ends = split(&f.name).1.strip_prefix("coupling coefficient, ").filter(|_| split(&f.name).0 == of)?;
            Some(format!("{} % crosses from {ends}", significant(100.0 * f.value, 3)))
        });
        let crosses: Vec<String> = crosses.collect();
        if let [there, back] = &crosses[..] {
            let _ = write!(text, "; of a small steady change of voltage {there}, {back}");
        }
        out.push(text + ".");
    }
    out
}

/// How often cells fired.
fn spikes(r: &Recording) -> Option<String> {
    let mut out = String::new();
    for c in r.conditions.iter().filter(|c| c.trials > 0).take(MEASURES) {
        let mut kinds: Vec<&str> = c.events.iter().map(|e| e.what.as_str()).filter(|w| w.ends_with(".spike")).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for what in kinds {
            let each = c.events.iter().filter(|e| e.what == what).count() as f64 / c.trials as f64;
            let name = what.trim_end_matches(".spike");
            let cells = c.populations.iter().find(|p| p.0 == name).map_or(1, |p| p.1);
            let here = if r.conditions.len() > 1 { format!(" ({})", c.shown()) } else { String::new() };
            if cells > 1 {
                let rate = significant(each / f64::from(cells) / (1e-3 * c.duration), 3);
                let _ = write!(out, "The {cells} cells of {name}{here} fired {rate} action potentials a second each. ");
                continue;
            }
            let (each, rate) = (significant(each, 3), significant(each / (1e-3 * c.duration), 3));
            let plural = if each == "1" { "" } else { "s" };
            let _ =
                write!(out, "{}{here} fired {each} action potential{plural} a trial, {rate} a second. ", large(name));
        }
    }
    (!out.is_empty()).then(|| out.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_made_from_the_numbers() {
        let fact = |name: &str, value, low, high| Fact { name: name.into(), value, low, high, ..Fact::default() };
        let facts = vec![
            fact("a: release probability", 0.23, 0.177, 0.293),
            fact("a: vesicles released", 0.27, 0.2, 0.34),
            fact("a: latency of the first fusion", 1.06, 0.93, 1.19),
        ];
        let c = Condition { trials: 200, facts, ..Condition::default() };
        let text = paragraphs(&Recording { conditions: vec![c], ..Recording::default() }).join("\n");
        assert!(text.starts_with(
            "In 200 trials, one action potential released at least one vesicle in 46 (23 %, 95 % interval 18 to 29 %), \
             0.27 vesicles a trial on average. The first vesicle fused 1.06 ms (0.93 to 1.19) after"
        ));
        assert_eq!(paragraphs(&Recording::default()), Vec::<String>::new());
    }
}
